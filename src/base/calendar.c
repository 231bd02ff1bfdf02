/* Years are counted from March, so that leap days come last; 400 years are a whole number of days. */
#include "base/calendar.h"

#define ERA_YEARS 400
#define ERA_DAYS 146097
#define MARCH_0000 719468 /* days from 0000-03-01 to 1970-01-01 */

/* January and February of the year 0 lie in the era before the first. */
static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int64_t calendar_days(struct calendar_date date)
{
    int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    int64_t era = floor_div(year, ERA_YEARS), of_era = year - era * ERA_YEARS;
    int64_t of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;

    return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - MARCH_0000;
}

struct calendar_date calendar_date_of(int64_t days)
{
    int64_t z = days + MARCH_0000, era = floor_div(z, ERA_DAYS), of_era = z - era * ERA_DAYS;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
    struct calendar_date date = {
        .year = year + era * ERA_YEARS,
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(of_year - (153 * month + 2) / 5 + 1),
    };

    date.year += date.month <= 2;
    return date;
}

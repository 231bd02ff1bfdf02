/* Units between two moments are counted by their calendar numbers (year, month, week, day), less one where the later
 * moment is not yet as far into its unit as the earlier one was into its own. */
#include "limits/shard.h"

#include <assert.h>

#include "base/calendar.h"

#define SECOND_US ((int64_t)1000000)
#define DAY_S ((int64_t)86400)
#define YEAR_ZERO ((int64_t)719528)          /* days from 0000-01-01 to 1970-01-01 */
#define LAST_MS ((int64_t)253402300799999)   /* 9999-12-31T23:59:59.999Z */
#define UNITS_MAX ((int64_t)10000 * 366)     /* more units than any two moments are apart */

/* A moment in a calendar's terms. */
struct place {
    int64_t unit;   /* number of the year, month, week or day */
    int64_t offset; /* seconds into the year, the month, or the day */
};

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static struct place place_of(int calendar, int64_t at_us)
{
    int64_t seconds = floor_div(at_us, SECOND_US), days = floor_div(seconds, DAY_S), of_day = seconds - days * DAY_S;
    struct calendar_date date = calendar_date_of(days);

    switch (calendar) {
    case CALENDAR_YEAR:
        return (struct place){ date.year,
                               (days - calendar_days((struct calendar_date){ date.year, 1, 1 })) * DAY_S + of_day };
    case CALENDAR_MONTH: return (struct place){ date.year * 12 + date.month - 1, (date.day - 1) * DAY_S + of_day };
    case CALENDAR_WEEK: return (struct place){ floor_div(days + YEAR_ZERO, 7), of_day };
    default: return (struct place){ days, of_day };
    }
}

/* The first day, from 1970-01-01, of a unit by its number. */
static int64_t first_day(int calendar, int64_t unit)
{
    switch (calendar) {
    case CALENDAR_YEAR: return calendar_days((struct calendar_date){ unit, 1, 1 });
    case CALENDAR_MONTH: return calendar_days((struct calendar_date){ unit / 12, (int)(unit % 12) + 1, 1 });
    case CALENDAR_WEEK: return unit * 7 - YEAR_ZERO;
    default: return unit;
    }
}

/* LAST is the shard's last unit, counted from START. Where units begin in the middle of calendar units the last one
 * ends within the next calendar unit, so the end of that one is on the safe side everywhere. */
static int64_t ends_ms(int calendar, int64_t start_unit, int64_t last)
{
    int64_t unit = start_unit + last + 2, ms;

    if (last > UNITS_MAX || unit > (calendar == CALENDAR_YEAR ? 9999 : UNITS_MAX))
        return LAST_MS;
    ms = first_day(calendar, unit) * DAY_S * 1000;
    return ms < LAST_MS ? ms : LAST_MS;
}

struct shard shard_of(const struct limit_config *config, int64_t at_us)
{
    static const char *const names[] = {
        [CALENDAR_YEAR] = "year", [CALENDAR_MONTH] = "month", [CALENDAR_WEEK] = "week", [CALENDAR_DAY] = "day",
    };
    int calendar = config->time_range_type.calendar.tag;
    struct place start = place_of(calendar, config->started_at), at = place_of(calendar, at_us);
    int64_t units = at.unit - start.unit - (at.offset < start.offset);
    struct shard shard = { .unit = names[calendar], .past = units < 0 };
    int64_t last;

    assert(config->time_range_type.tag == LIMIT_CALENDAR && shard.unit && config->shard_size > 0);
    shard.number = (shard.past ? -units : units) / config->shard_size;
    if (!shard.past)
        last = (shard.number + 1) * config->shard_size - 1;
    else
        last = shard.number > 0 ? -shard.number * config->shard_size : -1;
    shard.ends_ms = ends_ms(calendar, start.unit, last);
    return shard;
}

/* Calendar arithmetic by counting days, without the C library's time zones. */
#include "base/rfc3339.h"

#include <assert.h>
#include <string.h>

#define SECOND ((int64_t)1000000)
#define DAY ((int64_t)86400)
#define LAST_SECOND ((int64_t)253402300799) /* 9999-12-31T23:59:59Z */

/* Days from 1970-01-01 to the given day; the year is counted from March, so that leap days come last. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void civil_from_days(int64_t days, int *year, int *month, int *day)
{
    int64_t z = days + 719468, era = z / 146097, of_era = z - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;

    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(y + era * 400 + (*month <= 2));
}

static char *put_digits(char *at, int64_t value, int count)
{
    int i;

    for (i = count - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + count;
}

static char *put_pair(char *at, int64_t value, char behind)
{
    at = put_digits(at, value, 2);
    *at++ = behind;
    return at;
}

size_t rfc3339_format(int64_t us, char out[RFC3339_MAX])
{
    int64_t seconds = us / SECOND, rest = seconds % DAY;
    int year, month, day;
    char *at;

    assert(us >= 0 && seconds <= LAST_SECOND);
    civil_from_days(seconds / DAY, &year, &month, &day);
    at = put_digits(out, year, 4);
    *at++ = '-';
    at = put_pair(at, month, '-');
    at = put_pair(at, day, 'T');
    at = put_pair(at, rest / 3600, ':');
    at = put_pair(at, rest / 60 % 60, ':');
    at = put_digits(at, rest % 60, 2);
    if (us % SECOND) {
        *at++ = '.';
        at = put_digits(at, us % SECOND, 6);
    }
    *at++ = 'Z';
    *at = '\0';
    return (size_t)(at - out);
}

/* COUNT digits at *TEXT, which moves behind them; -1 if they are not there. */
static int digits(const char **text, int count)
{
    int value = 0;

    while (count-- > 0) {
        if (**text < '0' || **text > '9')
            return -1;
        value = value * 10 + *(*text)++ - '0';
    }
    return value;
}

static bool skip(const char **text, const char *any)
{
    if (!**text || !strchr(any, **text))
        return false;
    (*text)++;
    return true;
}

static int days_in_month(int year, int month)
{
    static const char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

static bool parse_fraction(const char **text, int64_t *us)
{
    int64_t unit = SECOND / 10;
    int count = 0;

    if (!skip(text, "."))
        return true;
    for (; **text >= '0' && **text <= '9' && count < 9; count++, unit /= 10)
        *us += (*(*text)++ - '0') * unit;
    return count > 0;
}

static bool parse_offset(const char **text, int64_t *minutes)
{
    int sign, hours, rest;

    if (skip(text, "Zz"))
        return true;
    if (**text != '+' && **text != '-')
        return false;
    sign = *(*text)++ == '+' ? 1 : -1;
    hours = digits(text, 2);
    if (hours < 0 || hours > 23 || !skip(text, ":"))
        return false;
    rest = digits(text, 2);
    if (rest < 0 || rest > 59)
        return false;
    *minutes = sign * (hours * 60 + rest);
    return true;
}

bool rfc3339_parse(const char *text, int64_t *us_out)
{
    int64_t us = 0, minutes = 0, seconds;
    int year, month, day, hour, minute, second;

    if ((year = digits(&text, 4)) < 1970 || !skip(&text, "-") || (month = digits(&text, 2)) < 1 || month > 12 ||
        !skip(&text, "-") || (day = digits(&text, 2)) < 1 || day > days_in_month(year, month) || !skip(&text, "Tt"))
        return false;
    if ((hour = digits(&text, 2)) < 0 || hour > 23 || !skip(&text, ":") || (minute = digits(&text, 2)) < 0 ||
        minute > 59 || !skip(&text, ":") || (second = digits(&text, 2)) < 0 || second > 59)
        return false;
    if (!parse_fraction(&text, &us) || !parse_offset(&text, &minutes) || *text)
        return false;
    seconds = days_from_civil(year, month, day) * DAY + hour * 3600 + minute * 60 + second - minutes * 60;
    if (seconds < 0 || seconds > LAST_SECOND) /* an offset may lead out of the years we can write */
        return false;
    *us_out = seconds * SECOND + us;
    return true;
}

/* Text and microseconds, without the C library's time zones. */
#include "base/rfc3339.h"

#include <assert.h>
#include <string.h>

#include "base/calendar.h"

#define SECOND ((int64_t)1000000)
#define DAY ((int64_t)86400)
#define LAST_SECOND ((int64_t)253402300799) /* 9999-12-31T23:59:59Z */

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
    struct calendar_date date;
    char *at;

    assert(us >= 0 && seconds <= LAST_SECOND);
    date = calendar_date_of(seconds / DAY);
    at = put_digits(out, date.year, 4);
    *at++ = '-';
    at = put_pair(at, date.month, '-');
    at = put_pair(at, date.day, 'T');
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

int64_t rfc3339_us_of_ms(int64_t ms)
{
    if (ms < 0)
        return 0;
    return ms / 1000 > LAST_SECOND ? LAST_SECOND * SECOND + SECOND - 1 : ms * 1000;
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
    seconds = calendar_days((struct calendar_date){ year, month, day }) * DAY + hour * 3600 + minute * 60 + second -
              minutes * 60;
    if (seconds < 0 || seconds > LAST_SECOND) /* an offset may lead out of the years we can write */
        return false;
    *us_out = seconds * SECOND + us;
    return true;
}

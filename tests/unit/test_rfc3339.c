/* Time stamps as text, without the C library's calendar. */
#include <criterion/criterion.h>

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/calendar.h"
#include "base/rfc3339.h"

#define S(seconds) ((int64_t)(seconds)*1000000)

/* Times of requests and events must mean the same moment to us as to their senders. */
Test(rfc3339, accepts)
{
    static const struct {
        const char *text;
        int64_t us;
    } rows[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "1970-01-01T00:00:01Z", S(1) },
        { "1970-01-01T00:00:00.000001Z", 1 },
        { "1970-01-01T00:00:00.5Z", 500000 },
        { "1970-01-01T00:00:00.123456789Z", 123456 },
        { "1970-01-01t01:02:03z", S(3723) },
        { "1970-01-01T02:00:00+02:00", 0 },
        { "1970-01-01T00:00:00-01:30", S(5400) },
        { "2000-02-29T12:00:00Z", S(951825600) },
        { "2024-02-29T00:00:00Z", S(1709164800) },
        { "2026-01-31T23:59:59Z", S(1769903999) },
        { "9999-12-31T23:59:59.999999Z", S(253402300799) + 999999 },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        int64_t us = -1;

        cr_assert(rfc3339_parse(rows[i].text, &us), "%s", rows[i].text);
        cr_assert_eq(us, rows[i].us, "%s: %" PRId64, rows[i].text, us);
    }
}

/* A date that does not exist must be refused, and not become another day. */
Test(rfc3339, refuses)
{
    static const char *const rows[] = {
        "", "x", "2026", "2026-01-31", "2026-01-31T23:59:59", "2026-01-31 23:59:59Z", "1969-12-31T23:59:59Z",
        "2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z",
        "2026-04-31T00:00:00Z", "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T23:60:00Z", "2026-01-01T23:59:60Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.1234567890Z",
        "2026-01-01T00:00:00,5Z", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+01:60", "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00+1:00", "2026-01-01T00:00:00ZZ", "2026-01-01T00:00:00Z ", " 2026-01-01T00:00:00Z",
        "2026-1-01T00:00:00Z", "+026-01-01T00:00:00Z", "20260101T000000Z", "12026-01-01T00:00:00Z",
        "1970-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        int64_t us = -1;

        cr_assert_not(rfc3339_parse(rows[i], &us), "%s", rows[i]);
        cr_assert_eq(us, -1, "%s", rows[i]);
    }
}

/* Every day from 1970 to 9999 is compared with the C library's UTC calendar and read back. */
Test(rfc3339, every_day_is_right)
{
    int64_t day;

    for (day = 0; day <= 2932896; day++) {
        int64_t second = day * 86400 + day % 86400, us = -1;
        time_t t = (time_t)second;
        char want[RFC3339_MAX], got[RFC3339_MAX];
        struct tm tm;
        size_t len = rfc3339_format(S(second), got);

        gmtime_r(&t, &tm);
        strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm);
        if (strcmp(want, got) || strlen(got) != len || !rfc3339_parse(got, &us) || us != S(second))
            cr_assert_fail("day %" PRId64 ": %s, wanted %s", day, got, want);
    }
}

/* The fraction is written only when there is one, and always in full. */
Test(rfc3339, fraction)
{
    char text[RFC3339_MAX];

    rfc3339_format(S(1769903999) + 1, text);
    cr_assert_str_eq(text, "2026-01-31T23:59:59.000001Z");
    rfc3339_format(S(1769903999) + 500000, text);
    cr_assert_str_eq(text, "2026-01-31T23:59:59.500000Z");
    rfc3339_format(S(1769903999), text);
    cr_assert_str_eq(text, "2026-01-31T23:59:59Z");
}

/* What stands in Redis as milliseconds is shown, whatever it is: an invoice that is due in the last moment of 9999 has its
 * timer after it, and must not end the daemon that shows it. */
Test(rfc3339, any_number_of_milliseconds_is_some_moment)
{
    static const struct {
        int64_t ms, us;
    } rows[] = {
        { 0, 0 }, { -1, 0 }, { INT64_MIN, 0 }, { 1, 1000 }, { 1795516809410, 1795516809410000 },
        { 253402300799999, 253402300799999000 }, { 253402300800000, 253402300799999999 },
        { INT64_MAX, 253402300799999999 },
    };
    char text[RFC3339_MAX];
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        int64_t us = rfc3339_us_of_ms(rows[i].ms);

        cr_assert_eq(us, rows[i].us, "%" PRId64 ": %" PRId64, rows[i].ms, us);
        rfc3339_format(us, text);
    }
}

/* If this fails, dates are off by a day somewhere, and with them periods and deadlines. */
Test(calendar, days_and_dates_are_each_others_reverse)
{
    static const struct {
        struct calendar_date date;
        int64_t days;
    } rows[] = {
        { { 1970, 1, 1 }, 0 },          { { 1969, 12, 31 }, -1 },     { { 2000, 2, 29 }, 11016 },
        { { 2000, 3, 1 }, 11017 },      { { 0, 1, 1 }, -719528 },     { { 0, 2, 29 }, -719469 },
        { { 9999, 12, 31 }, 2932896 }, { { 1900, 3, 1 }, -25508 },
    };
    struct calendar_date date;
    int64_t days;
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_assert_eq(calendar_days(rows[i].date), rows[i].days, "row %zu: %lld", i, (long long)calendar_days(rows[i].date));
    for (days = -719528; days < 2932897; days += 13) {
        date = calendar_date_of(days);
        cr_assert_eq(calendar_days(date), days);
        cr_assert(date.month >= 1 && date.month <= 12 && date.day >= 1 && date.day <= 31);
    }
}

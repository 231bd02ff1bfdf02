/* Spans of the calendar: how long a payment may be refunded. See terms.h. */
#include "base/calendar.h"
#include "domain/terms.h"

#define DAY_S 86400
#define MONTHS 12

static int64_t part(const int64_t *value)
{
    return value ? *value : 0;
}

/* The first of the month that follows DATE's. */
static struct calendar_date next_month(struct calendar_date date)
{
    date.day = 1;
    if (++date.month > MONTHS) {
        date.month = 1;
        date.year++;
    }
    return date;
}

/* DATE so many years and months later. */
static struct calendar_date shift(struct calendar_date date, int64_t years, int64_t months)
{
    int64_t month = date.month - 1 + months; /* from 0 */
    struct calendar_date first = {
        .year = date.year + years + month / MONTHS, .month = (int)(month % MONTHS) + 1, .day = 1,
    };
    int64_t length = calendar_days(next_month(first)) - calendar_days(first);

    first.day = date.day < length ? date.day : (int)length;
    return first;
}

int64_t time_span_after(const struct time_span *span, int64_t from_us)
{
    int64_t second = from_us / 1000000;
    struct calendar_date date = shift(calendar_date_of(second / DAY_S), part(span->years), part(span->months));
    __int128 day = (__int128)calendar_days(date) + part(span->days);
    __int128 after = day * DAY_S + second % DAY_S + (__int128)part(span->hours) * 3600 +
                     (__int128)part(span->minutes) * 60 + part(span->seconds);

    return after > INT64_MAX / 1000000 ? INT64_MAX : (int64_t)after * 1000000;
}

/* Days and dates of the Gregorian calendar, reckoned backwards, too, without time zones. */
#ifndef SLUICE_BASE_CALENDAR_H
#define SLUICE_BASE_CALENDAR_H

#include <stdint.h>

struct calendar_date {
    int64_t year; /* 0..1000000 */
    int month;    /* 1..12 */
    int day;      /* 1..31 */
};

/* Days from 1970-01-01 to DATE; negative before it. DAY may lie outside its month and counts on from there. */
int64_t calendar_days(struct calendar_date date);

/* The reverse; DAYS is not before the year 0. */
struct calendar_date calendar_date_of(int64_t days);

#endif

/* Which period of a limit's calendar a moment falls in, and when that period is over. Pure.
 * Ref: doc/spec/limits.md 2.2. */
#ifndef SLUICE_LIMITS_SHARD_H
#define SLUICE_LIMITS_SHARD_H

#include "domain/limit_config.h"

struct shard {
    const char *unit; /* "day" */
    bool past;        /* before the origin of the periods */
    int64_t number;   /* not negative */
    int64_t ends_ms;  /* no moment of the shard lies later; up to one unit too late; the last of year 9999 at most */
};

/* The shard of the moment AT_US. CONFIG has a calendar. */
struct shard shard_of(const struct limit_config *config, int64_t at_us);

#endif

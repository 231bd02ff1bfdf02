/* The persistent timer wheel, seen from one daemon: looks at each partition's sorted set when something
 * on it is due, claims what is, and hands it to the runtime.
 *
 * Each partition has a preferred owner among the daemons that are alive; only the owner looks ahead.
 * A daemon that sets a near timer looks by itself when it is due, and everybody looks now and then, so
 * ownership is for speed only. Ref: doc/spec/machine.md 9; doc/architecture.md.                       */
#ifndef SLUICE_ENGINE_WHEEL_H
#define SLUICE_ENGINE_WHEEL_H

#include "engine/runtime.h"
#include "engine/space.h"

struct wheel;

struct wheel_setup {
    const struct store_ops *store;
    void *store_ctx;
    const struct space *space;
    struct runtime *runtime;
    const struct alarm_ops *alarm;
    void *alarm_ctx;
    const char *name;                      /* of this daemon; unique */
    const struct machine_kind *const *kinds; /* NULL-terminated; must outlive the wheel */
    int64_t lease_ms;                      /* 0: 30000 */
};

struct wheel *wheel_new(const struct wheel_setup *setup);
/* Claims no more and tells the other daemons that this one leaves; DONE once, not from inside. */
void wheel_stop(struct wheel *wheel, void (*done)(void *arg), void *arg);
void wheel_free(struct wheel *wheel); /* no answer of the store may be out: a Redis client is freed first */

#define WHEEL_BUCKETS 8 /* of lateness, upper ends in ms: 1 2 5 10 50 100 1000 and above */
extern const int64_t wheel_bucket_ms[WHEEL_BUCKETS - 1];
struct wheel_stats {
    uint64_t claims, claimed, unknown;
    uint64_t lateness[WHEEL_BUCKETS]; /* of claimed machines: now - due */
    uint64_t lateness_sum_ms;
    int owned;   /* partitions */
    int daemons; /* alive, this one too */
};
void wheel_stats(const struct wheel *wheel, struct wheel_stats *out);

/* The names of the daemons that are alive, and who prefers partition P ("" if nobody is known). Borrowed. */
size_t wheel_daemons(const struct wheel *wheel, const char *const **names);
const char *wheel_owner(const struct wheel *wheel, int p);

#endif

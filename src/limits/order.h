/* What is asked of turnover counters, and what they answer.
 *
 * An operation (a payment on a route, a refund, ...) holds a change on each of its counters, and later commits
 * or rolls it back. All requests of one order travel together: one round trip to each Redis node. Every
 * request may be repeated; what was done is not done twice.
 *
 * Ref: doc/spec/limits.md 2 (names), 3 (amounts), 4 (holds, commits, reads), 5 (operation ids).     */
#ifndef SLUICE_LIMITS_ORDER_H
#define SLUICE_LIMITS_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most that one change brings, either way: 18 digits, so that sums of several fit 64 bits. Values beyond it take no
 * further holds. */
#define LIMIT_AMOUNT_MAX ((int64_t)999999999999999999)

enum limit_verb {
    LIMIT_HOLD,     /* adds the change; answers the values right after */
    LIMIT_COMMIT,   /* the held amount becomes AMOUNT */
    LIMIT_ROLLBACK, /* the held amount goes */
    LIMIT_READ,     /* values right after the operation's latest record */
    LIMIT_CURRENT,  /* values now; OPERATION is not looked at */
};

/* One counter's part in an operation. */
struct limit_change {
    const char *limit_id;
    const char *counter; /* whole name, doc/spec/limits.md 2: "<id>/<version><scope>/<shard>" */
    enum limit_verb verb; /* its own, since an invertable limit turns commits and rollbacks round (4.2) */
    int64_t amount;      /* signed, minor units or a number of operations; not looked at by reads and rollbacks */
    int64_t expires_ms;  /* Redis may forget the counter then: after its period and all that may still end in it */
};

struct limit_request {
    const char *operation; /* its id */
    bool tolerant;         /* an operation that is not there is no fault */
    const struct limit_change *changes;
    size_t count;
};

/* The args of an effect of kind FX_LIMITS. */
struct limit_order {
    const struct limit_request *requests;
    size_t count;
};

/* The answer to one request, in the order of the requests. */
struct limit_outcome {
    const char *fault;     /* a sentence: InvalidRequest and its like; the values are not to be used. NULL: fine */
    const int64_t *values; /* one for each change */
};

/* What effect_result.value points to: as many as there were requests. */
struct limit_answer {
    const struct limit_outcome *outcomes;
    size_t count;
};

#endif

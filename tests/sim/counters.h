/* Turnover counters in memory: what lua/limit.lua and src/limits/store.c do, for the simulator. A request is done as
 * a whole in each partition that it touches, and may be done in one and not in another. */
#ifndef SLUICE_TESTS_SIM_COUNTERS_H
#define SLUICE_TESTS_SIM_COUNTERS_H

#include <uthash.h>

#include "limits/order.h"
#include "sim/sim.h"

enum record_state { RECORD_HELD, RECORD_COMMITTED, RECORD_ROLLED_BACK };

struct record {
    UT_hash_handle hh;
    enum record_state state;
    int64_t amount, value;
    char operation[];
};

struct counter {
    UT_hash_handle hh;
    int64_t value;
    struct record *records;
    char name[];
};

struct counters {
    struct sim *sim;
    struct counter *list;
};

struct counters *counters_new(struct sim *sim);
void counters_free(struct counters *counters);

/* A copy of ORDER in ARENA. */
struct limit_order *limit_order_copy(const struct limit_order *order, struct arena *arena);
/* Performs ORDER in every partition whose bit is in PARTITIONS. The answer lives in ARENA. */
struct limit_answer *counters_run(struct counters *counters, const struct limit_order *order, uint64_t partitions,
                                  struct arena *arena);

struct limit_answer *limit_answer_copy(const struct limit_answer *answer, const struct limit_order *order,
                                       struct arena *arena);

#endif

/* Turnover counters in memory, for tests of what orders them; the rules are those of doc/spec/limits.md 4. */
#ifndef SLUICE_TESTS_LIMIT_COUNTERS_H
#define SLUICE_TESTS_LIMIT_COUNTERS_H

#include "base/arena.h"
#include "limits/order.h"

struct limit_counters;

/* In ARENA, and gone with it. */
struct limit_counters *limit_counters_new(struct arena *arena);
const struct limit_answer *limit_counters_run(struct limit_counters *counters, const struct limit_order *order);
/* The value of the counter of this whole name; 0: there is none. */
int64_t limit_counters_value(const struct limit_counters *counters, const char *counter);
/* The name of some counter of this limit; NULL: there is none. */
const char *limit_counters_name(const struct limit_counters *counters, const char *limit_id);
/* How many operations are held somewhere and not finished. */
size_t limit_counters_held(const struct limit_counters *counters);

#endif

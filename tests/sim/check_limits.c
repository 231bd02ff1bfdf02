/* Turnover counters: nothing is held, and each is the sum of what its operations committed. */
#include "sim/check.h"

#include <inttypes.h>

#include "sim/counters.h"

void check_limits(struct checking *checking)
{
    struct counter *counter, *next;
    struct record *record, *later;

    HASH_ITER(hh, checking->sim->counters->list, counter, next) {
        int64_t sum = 0;

        HASH_ITER(hh, counter->records, record, later) {
            sum += record->state == RECORD_ROLLED_BACK ? 0 : record->amount;
            if (record->state == RECORD_HELD)
                sim_violation(checking->sim, NULL, "operation %s still holds %" PRId64 " on counter %s",
                              record->operation, record->amount, counter->name);
        }
        if (sum != counter->value)
            sim_violation(checking->sim, NULL, "counter %s is %" PRId64 ", its operations come to %" PRId64,
                          counter->name, counter->value, sum);
    }
}

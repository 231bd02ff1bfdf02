/* See counters.h. */
#include "sim/counters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

#define SAFE_MAX ((int64_t)6999999999999999999)

enum code { CODE_DONE, CODE_FINAL_STATE, CODE_LIMIT_MISSING, CODE_OPERATION_MISSING, CODE_RANGE };

static const char *const code_texts[] = {
    [CODE_FINAL_STATE] = "the operation is over", [CODE_LIMIT_MISSING] = "there is no such counter",
    [CODE_OPERATION_MISSING] = "there is no such operation", [CODE_RANGE] = "the counter would leave its range",
};

struct counters *counters_new(struct sim *sim)
{
    struct counters *counters = xcalloc(1, sizeof(*counters));

    counters->sim = sim;
    return counters;
}

void counters_free(struct counters *counters)
{
    struct counter *counter, *next;
    struct record *record, *later;

    HASH_ITER(hh, counters->list, counter, next) {
        HASH_ITER(hh, counter->records, record, later) {
            HASH_DEL(counter->records, record);
            free(record);
        }
        HASH_DEL(counters->list, counter);
        free(counter);
    }
    free(counters);
}

struct limit_order *limit_order_copy(const struct limit_order *order, struct arena *arena)
{
    struct limit_order *copy = arena_alloc(arena, sizeof(*copy));
    struct limit_request *requests = arena_array(arena, order->count, sizeof(*requests));
    struct limit_change *changes;
    size_t i, j;

    for (i = 0; i < order->count; i++) {
        requests[i] = order->requests[i];
        requests[i].operation = arena_strdup(arena, requests[i].operation);
        changes = arena_array(arena, requests[i].count, sizeof(*changes));
        for (j = 0; j < requests[i].count; j++) {
            changes[j] = order->requests[i].changes[j];
            changes[j].limit_id = arena_strdup(arena, changes[j].limit_id);
            changes[j].counter = arena_strdup(arena, changes[j].counter);
        }
        requests[i].changes = changes;
    }
    copy->requests = requests;
    copy->count = order->count;
    return copy;
}

struct limit_answer *limit_answer_copy(const struct limit_answer *answer, const struct limit_order *order,
                                       struct arena *arena)
{
    struct limit_answer *copy = arena_memdup(arena, answer, sizeof(*answer));
    struct limit_outcome *outcomes = arena_memdup(arena, answer->outcomes, answer->count * sizeof(*outcomes));
    size_t i;

    for (i = 0; i < answer->count; i++) {
        outcomes[i].values = arena_memdup(arena, outcomes[i].values, order->requests[i].count * sizeof(int64_t));
        outcomes[i].fault = arena_strdup(arena, outcomes[i].fault);
    }
    copy->outcomes = outcomes;
    return copy;
}

static struct counter *counter_find(struct counters *counters, const char *name, bool make)
{
    struct counter *counter;

    HASH_FIND_STR(counters->list, name, counter);
    if (!counter && make) {
        counter = xcalloc(1, sizeof(*counter) + strlen(name) + 1);
        strcpy(counter->name, name);
        HASH_ADD_STR(counters->list, name, counter);
    }
    return counter;
}

static struct record *record_find(struct counter *counter, const char *operation, bool make)
{
    struct record *record = NULL;

    if (counter)
        HASH_FIND_STR(counter->records, operation, record);
    if (!record && make) {
        record = xcalloc(1, sizeof(*record) + strlen(operation) + 1);
        strcpy(record->operation, operation);
        HASH_ADD_STR(counter->records, operation, record);
    }
    return record;
}

static int64_t magnitude(int64_t amount)
{
    return amount < 0 ? -amount : amount;
}

/* What stands in the change's way; CODE_DONE with *WRITES: it is still to be done, else *VALUE is the answer. */
static enum code change_plan(struct counter *counter, const struct record *record, const struct limit_change *change,
                             bool *writes, int64_t *value)
{
    enum record_state final = change->verb == LIMIT_COMMIT ? RECORD_COMMITTED : RECORD_ROLLED_BACK;

    *writes = false;
    *value = record ? record->value : counter ? counter->value : 0;
    switch (change->verb) {
    case LIMIT_HOLD:
        if (record)
            return record->state == RECORD_HELD ? CODE_DONE : CODE_FINAL_STATE;
        *writes = true;
        return counter && magnitude(counter->value) > LIMIT_AMOUNT_MAX ? CODE_RANGE : CODE_DONE;
    case LIMIT_COMMIT:
    case LIMIT_ROLLBACK:
        if (!counter)
            return CODE_LIMIT_MISSING;
        if (!record || (record->state == RECORD_HELD && change->verb == LIMIT_COMMIT &&
                        magnitude(change->amount) > magnitude(record->amount)))
            return CODE_OPERATION_MISSING;
        if (record->state != RECORD_HELD)
            return record->state == final && (change->verb == LIMIT_ROLLBACK || record->amount == change->amount)
                       ? CODE_DONE
                       : CODE_OPERATION_MISSING;
        *writes = true;
        return magnitude(counter->value) > SAFE_MAX ? CODE_RANGE : CODE_DONE;
    case LIMIT_READ: return record ? CODE_DONE : CODE_OPERATION_MISSING;
    case LIMIT_CURRENT: *value = counter ? counter->value : 0; return CODE_DONE;
    }
    return CODE_DONE;
}

static int64_t change_write(struct counters *counters, const char *operation, const struct limit_change *change)
{
    struct counter *counter = counter_find(counters, change->counter, true);
    struct record *record = record_find(counter, operation, true);

    if (change->verb == LIMIT_HOLD) {
        record->amount = change->amount;
        counter->value += change->amount;
    } else if (change->verb == LIMIT_COMMIT && !sim_broken(counters->sim, BREAK_LOSE_COUNT, 5000)) {
        int64_t amount = change->amount * (sim_broken(counters->sim, BREAK_COUNT_TWICE, 5000) ? 2 : 1);

        counter->value += amount - record->amount;
        record->amount = amount;
        record->state = RECORD_COMMITTED;
    } else {
        counter->value -= record->amount;
        record->state = RECORD_ROLLED_BACK;
    }
    record->value = counter->value;
    return record->value;
}

/* What a request asks of one partition: all of it or nothing. */
static void part_run(struct counters *counters, const struct limit_request *request, int p, struct limit_outcome *outcome,
                     int64_t *values, size_t *fault_at, struct arena *arena)
{
    bool writes;
    size_t i;

    for (i = 0; i < request->count; i++) {
        const struct limit_change *change = &request->changes[i];
        struct counter *counter = counter_find(counters, change->counter, false);
        enum code code;

        if (space_partition(counters->sim->space, change->counter) != p)
            continue;
        code = change_plan(counter, record_find(counter, request->operation, false), change, &writes, &values[i]);
        if (code == CODE_DONE || (request->tolerant && (code == CODE_LIMIT_MISSING || code == CODE_OPERATION_MISSING)))
            continue;
        if (i < *fault_at) {
            *fault_at = i;
            outcome->fault = arena_printf(arena, "%s (operation %s, counter %s)", code_texts[code], request->operation,
                                          change->counter);
        }
        return;
    }
    for (i = 0; i < request->count; i++) {
        const struct limit_change *change = &request->changes[i];
        struct counter *counter = counter_find(counters, change->counter, false);

        if (space_partition(counters->sim->space, change->counter) != p)
            continue;
        if (change_plan(counter, record_find(counter, request->operation, false), change, &writes, &values[i]) == CODE_DONE &&
            writes)
            values[i] = change_write(counters, request->operation, change);
        else if (request->tolerant && change->verb != LIMIT_HOLD)
            values[i] = counter ? counter->value : 0;
    }
}

/* REQUEST with commits and rollbacks in each other's place, if it ends a refund on invertable limits. */
static const struct limit_request *turned_round(struct counters *counters, const struct limit_request *request,
                                                struct arena *arena)
{
    struct limit_request *turned;
    struct limit_change *changes;
    size_t i;

    if (counters->sim->options.broken != BREAK_REFUND_INVERTS || !strstr(request->operation, ".refund_session-") ||
        !strstr(request->operation, "/inverted/"))
        return request;
    turned = arena_memdup(arena, request, sizeof(*request));
    changes = arena_memdup(arena, request->changes, request->count * sizeof(*changes));
    turned->changes = changes;
    for (i = 0; i < request->count; i++) {
        struct record *record = record_find(counter_find(counters, changes[i].counter, false), request->operation, false);

        if (changes[i].verb == LIMIT_COMMIT) {
            changes[i].verb = LIMIT_ROLLBACK;
        } else if (changes[i].verb == LIMIT_ROLLBACK && record) {
            changes[i].verb = LIMIT_COMMIT;
            changes[i].amount = record->amount;
        }
    }
    return turned;
}

struct limit_answer *counters_run(struct counters *counters, const struct limit_order *order, uint64_t partitions,
                                  struct arena *arena)
{
    struct limit_answer *answer = arena_alloc(arena, sizeof(*answer));
    struct limit_outcome *outcomes = arena_array(arena, order->count, sizeof(*outcomes));
    size_t i;
    int p;

    for (i = 0; i < order->count; i++) {
        const struct limit_request *request = turned_round(counters, &order->requests[i], arena);
        int64_t *values = arena_array(arena, request->count, sizeof(*values));
        size_t fault_at = request->count;

        for (p = 0; p < space_count(counters->sim->space); p++) {
            if (partitions & (1u << p))
                part_run(counters, request, p, &outcomes[i], values, &fault_at, arena);
        }
        outcomes[i].values = values;
    }
    answer->outcomes = outcomes;
    answer->count = order->count;
    return answer;
}

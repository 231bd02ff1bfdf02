#include "support/limit_counters.h"

#include <stdlib.h>
#include <string.h>

struct record {
    struct record *next;
    const char *operation;
    enum { HELD, COMMITTED, ROLLED_BACK } state;
    int64_t amount, after;
};

struct counter {
    struct counter *next;
    const char *name;
    int64_t value;
    struct record *records;
};

struct limit_counters {
    struct arena *arena;
    struct counter *list;
};

struct limit_counters *limit_counters_new(struct arena *arena)
{
    struct limit_counters *counters = arena_alloc(arena, sizeof(*counters));

    counters->arena = arena;
    return counters;
}

static struct counter *find(const struct limit_counters *counters, const char *name)
{
    struct counter *counter = counters->list;

    while (counter && strcmp(counter->name, name) != 0)
        counter = counter->next;
    return counter;
}

static struct record *record_find(const struct counter *counter, const char *operation)
{
    struct record *record = counter ? counter->records : NULL;

    while (record && strcmp(record->operation, operation) != 0)
        record = record->next;
    return record;
}

int64_t limit_counters_value(const struct limit_counters *counters, const char *name)
{
    const struct counter *counter = find(counters, name);

    return counter ? counter->value : 0;
}

const char *limit_counters_name(const struct limit_counters *counters, const char *limit_id)
{
    const struct counter *counter = counters->list;
    size_t length = strlen(limit_id);

    while (counter && (strncmp(counter->name, limit_id, length) != 0 || counter->name[length] != '/'))
        counter = counter->next;
    return counter ? counter->name : NULL;
}

size_t limit_counters_held(const struct limit_counters *counters)
{
    const struct counter *counter;
    const struct record *record;
    size_t held = 0;

    for (counter = counters->list; counter; counter = counter->next) {
        for (record = counter->records; record; record = record->next)
            held += record->state == HELD;
    }
    return held;
}

static struct record *hold(struct limit_counters *counters, const char *operation, const struct limit_change *change)
{
    struct counter *counter = find(counters, change->counter);
    struct record *record;

    if (!counter) {
        counter = arena_alloc(counters->arena, sizeof(*counter));
        *counter = (struct counter){ counters->list, arena_strdup(counters->arena, change->counter), 0, NULL };
        counters->list = counter;
    }
    record = arena_alloc(counters->arena, sizeof(*record));
    counter->value += change->amount;
    *record = (struct record){
        counter->records, arena_strdup(counters->arena, operation), HELD, change->amount, counter->value,
    };
    counter->records = record;
    return record;
}

/* NULL, or the fault. */
static const char *finish(struct counter *counter, struct record *record, const struct limit_change *change)
{
    bool commits = change->verb == LIMIT_COMMIT;
    int state = commits ? COMMITTED : ROLLED_BACK;
    int64_t amount = commits ? change->amount : 0;

    if (!counter)
        return "LimitNotFound";
    if (!record || (record->state != HELD && (record->state != (unsigned)state || record->amount != amount)) ||
        (commits && llabs(amount) > llabs(record->amount)))
        return "OperationNotFound";
    if (record->state == HELD) {
        counter->value += amount - record->amount;
        record->amount = amount;
        record->after = counter->value;
        record->state = commits ? COMMITTED : ROLLED_BACK;
    }
    return NULL;
}

static const char *change_run(struct limit_counters *counters, const struct limit_request *request,
                              const struct limit_change *change, int64_t *value)
{
    struct counter *counter = find(counters, change->counter);
    struct record *record = record_find(counter, request->operation);
    const char *fault = NULL;

    switch (change->verb) {
    case LIMIT_HOLD:
        if (!record)
            record = hold(counters, request->operation, change);
        else if (record->state != HELD)
            fault = "OperationAlreadyInFinalState";
        break;
    case LIMIT_COMMIT:
    case LIMIT_ROLLBACK:
        fault = finish(counter, record, change);
        break;
    case LIMIT_READ:
        fault = record ? NULL : "OperationNotFound";
        break;
    case LIMIT_CURRENT:
        *value = counter ? counter->value : 0;
        return NULL;
    }
    *value = record ? record->after : 0;
    return fault && request->tolerant && strcmp(fault, "OperationAlreadyInFinalState") != 0 ? NULL : fault;
}

const struct limit_answer *limit_counters_run(struct limit_counters *counters, const struct limit_order *order)
{
    struct limit_outcome *outcomes = arena_array(counters->arena, order->count, sizeof(*outcomes));
    struct limit_answer answer = { outcomes, order->count };
    size_t i, j;

    for (i = 0; i < order->count; i++) {
        const struct limit_request *request = &order->requests[i];
        int64_t *values = arena_array(counters->arena, request->count, sizeof(*values));

        outcomes[i].values = values;
        for (j = 0; j < request->count && !outcomes[i].fault; j++)
            outcomes[i].fault = change_run(counters, request, &request->changes[j], &values[j]);
    }
    return arena_memdup(counters->arena, &answer, sizeof(answer));
}

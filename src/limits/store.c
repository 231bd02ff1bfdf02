/* An order becomes calls, one for each request and partition; the last answer ends it.
 *
 *     run -> job -> call, call, ... -> call_done, call_done, ... -> job_end -> DONE
 *
 * A cancelled job stays until its calls are answered, since they point to it, and touches nothing else. */
#include "limits/store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/xmalloc.h"
#include "lua/limit.h"
#include "redis/client.h"
#include "redis/partition.h"

#define CHANGE_WORDS 3 /* of a change among the script's arguments */

struct limit_store {
    struct client *client;
    int partitions;
    int64_t deadline_ms;
    struct job *jobs; /* by number; those that somebody waits for */
    uint64_t last_number;
    size_t in_flight;
    char tags[][PARTITION_TAG_MAX];
};

struct job {
    UT_hash_handle hh; /* store->jobs, unless cancelled */
    struct limit_store *store;
    uint64_t number;
    bool cancelled;
    const struct limit_order *order;
    struct arena *arena;
    limit_done_fn done;
    void *arg;
    size_t calls;       /* not answered yet */
    bool any_done;      /* some call was */
    enum sl_err err;    /* the worst so far */
    char detail[256];
    struct limit_outcome *outcomes;
    size_t *fault_at; /* for each request: its change at fault, count if none */
};

/* What one script call is about: some of a request's changes. */
struct call {
    struct job *job;
    size_t request;
    size_t count;
    size_t changes[];
};

static const char *const verb_names[] = {
    [LIMIT_HOLD] = "hold",         [LIMIT_COMMIT] = "commit",   [LIMIT_ROLLBACK] = "rollback",
    [LIMIT_READ] = "read",         [LIMIT_CURRENT] = "current",
};

struct limit_store *limit_store_new(struct client *client, int partitions, int64_t deadline_ms)
{
    struct limit_store *store;
    int p;

    assert(partitions >= 1 && partitions <= PARTITIONS_MAX && deadline_ms > 0);
    store = xcalloc(1, sizeof(*store) + (size_t)partitions * sizeof(store->tags[0]));
    store->client = client;
    store->partitions = partitions;
    store->deadline_ms = deadline_ms;
    for (p = 0; p < partitions; p++)
        partition_tag(p, partitions, store->tags[p]);
    return store;
}

void limit_store_free(struct limit_store *store)
{
    assert(!store || store->in_flight == 0);
    free(store);
}

const char *limit_store_key(const struct limit_store *store, const char *counter, struct arena *arena)
{
    return arena_printf(arena, "sluice:{%s}:limit:%s", store->tags[partition_of(counter, store->partitions)], counter);
}

size_t limit_store_in_flight(const struct limit_store *store)
{
    return store->in_flight;
}

/* ---- answers ---- */

static void job_end(struct job *job)
{
    struct limit_answer *answer = NULL;

    job->store->in_flight--;
    if (!job->cancelled) {
        HASH_DEL(job->store->jobs, job);
        if (!job->err) {
            answer = arena_alloc(job->arena, sizeof(*answer));
            *answer = (struct limit_answer){ job->outcomes, job->order->count };
        }
        job->done(job->arg, job->number, job->err, answer, job->err ? job->detail : NULL);
    }
    free(job->fault_at);
    free(job);
}

/* Corrupt data is worse than a lost answer, and that is worse than nothing sent. */
static int badness(enum sl_err err)
{
    return err == SL_OK ? 0 : err == SL_EDOWN ? 1 : err == SL_EUNKNOWN ? 2 : 3;
}

static void job_error(struct job *job, enum sl_err err, const struct reply *reply)
{
    const char *text = reply_kind(reply) == REPLY_ERROR ? reply_text(reply, NULL) : NULL;

    if (err == SL_EREFUSED) /* how the client names an error of Redis */
        err = SL_ECORRUPT;
    else if (err != SL_EUNKNOWN)
        err = SL_EDOWN;
    if (badness(err) <= badness(job->err))
        return;
    job->err = err;
    if (!text)
        text = err == SL_EUNKNOWN ? "Redis did not answer" : "Redis cannot be reached";
    snprintf(job->detail, sizeof(job->detail), "limits: %s", text);
}

/* The first change at fault of a request speaks for it, in whatever order partitions answer. */
static void call_fault(struct call *call, int64_t code, int64_t at)
{
    static const char *const faults[] = {
        [LUA_LIMIT_FINAL_STATE] = "InvalidRequest: OperationAlreadyInFinalState",
        [LUA_LIMIT_LIMIT_MISSING] = "InvalidRequest: LimitNotFound",
        [LUA_LIMIT_OPERATION_MISSING] = "InvalidRequest: OperationNotFound",
        [LUA_LIMIT_RANGE] = "the counter is out of the range of 18 digits",
    };
    struct job *job = call->job;
    const struct limit_request *request = &job->order->requests[call->request];
    size_t change;

    assert(code > 0 && code < (int64_t)SL_COUNT(faults) && at > 0 && at <= (int64_t)call->count);
    change = call->changes[at - 1];
    if (change >= job->fault_at[call->request])
        return;
    job->fault_at[call->request] = change;
    job->outcomes[call->request].fault = arena_printf(job->arena, "%s (operation %s, counter %s)", faults[code],
                                                      request->operation, request->changes[change].counter);
}

static void call_take(struct call *call, const struct reply *reply)
{
    /* The array was made for this order and is still its own. */
    int64_t *values = (int64_t *)(uintptr_t)call->job->outcomes[call->request].values;
    int64_t code = reply_i64_or(reply_at(reply, 0), -1);
    size_t i;

    if (code != LUA_LIMIT_DONE) {
        call_fault(call, code, reply_i64_or(reply_at(reply, 1), 0));
        return;
    }
    for (i = 0; i < call->count; i++) {
        if (!reply_i64(reply_at(reply, i + 1), &values[call->changes[i]]))
            job_error(call->job, SL_EREFUSED, NULL);
    }
}

static void call_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct call *call = arg;
    struct job *job = call->job;

    if (!job->cancelled) {
        job->any_done |= !err;
        if (err)
            job_error(job, err, reply);
        else
            call_take(call, reply);
        if (job->err == SL_EDOWN && job->any_done)
            job->err = SL_EUNKNOWN; /* a part of it happened */
    }
    free(call);
    if (--job->calls == 0)
        job_end(job);
}

/* ---- orders ---- */

static void call_send(struct call *call)
{
    const struct limit_store *store = call->job->store;
    const struct limit_request *request = &call->job->order->requests[call->request];
    struct slice *counters = xcalloc(call->count, sizeof(*counters));
    struct slice *words = xcalloc(call->count, CHANGE_WORDS * sizeof(*words));
    char (*numbers)[2][SLICE_I64_MAX] = xcalloc(call->count, sizeof(*numbers));
    struct arena *arena = arena_new();
    struct lua_limit_keys keys = { counters, call->count };
    struct lua_limit_args args = {
        slice_of(request->operation), slice_of(request->tolerant ? "1" : ""), words, call->count * CHANGE_WORDS,
    };
    size_t i;

    for (i = 0; i < call->count; i++) {
        const struct limit_change *change = &request->changes[call->changes[i]];
        bool counts = change->verb == LIMIT_HOLD || change->verb == LIMIT_COMMIT;

        assert(change->amount >= -LIMIT_AMOUNT_MAX && change->amount <= LIMIT_AMOUNT_MAX && change->expires_ms >= 0);
        counters[i] = slice_of(limit_store_key(store, change->counter, arena));
        words[i * CHANGE_WORDS] = slice_of(verb_names[change->verb]);
        words[i * CHANGE_WORDS + 1] = slice_i64(numbers[i][0], counts ? change->amount : 0);
        words[i * CHANGE_WORDS + 2] = slice_i64(numbers[i][1], change->expires_ms);
    }
    lua_limit(store->client, &keys, &args, store->deadline_ms, call_done, call);
    arena_free(arena);
    free(numbers);
    free(words);
    free(counters);
}

/* One call for each partition that has any of the request's counters. */
static void request_send(struct job *job, size_t request)
{
    const struct limit_store *store = job->store;
    const struct limit_change *changes = job->order->requests[request].changes;
    size_t count = job->order->requests[request].count, i, j;
    int *places = xcalloc(count, sizeof(*places)), place;

    for (i = 0; i < count; i++)
        places[i] = partition_of(changes[i].counter, store->partitions);
    for (i = 0; i < count; i++) {
        struct call *call;

        if (places[i] < 0)
            continue; /* it went with an earlier one */
        call = xcalloc(1, sizeof(*call) + (count - i) * sizeof(call->changes[0]));
        call->job = job;
        call->request = request;
        place = places[i];
        for (j = i; j < count; j++) {
            if (places[j] == place) {
                call->changes[call->count++] = j;
                places[j] = -1;
            }
        }
        job->calls++;
        call_send(call);
    }
    free(places);
}

uint64_t limit_store_run(struct limit_store *store, const struct limit_order *order, struct arena *arena,
                         limit_done_fn done, void *arg)
{
    struct job *job = xcalloc(1, sizeof(*job));
    size_t i;

    job->store = store;
    job->number = ++store->last_number;
    job->order = order;
    job->arena = arena;
    job->done = done;
    job->arg = arg;
    job->outcomes = arena_array(arena, order->count, sizeof(*job->outcomes));
    job->fault_at = xcalloc(order->count, sizeof(*job->fault_at));
    for (i = 0; i < order->count; i++) {
        job->outcomes[i].values = arena_array(arena, order->requests[i].count, sizeof(int64_t));
        job->fault_at[i] = order->requests[i].count;
    }
    HASH_ADD(hh, store->jobs, number, sizeof(job->number), job);
    store->in_flight++;
    for (i = 0; i < order->count; i++)
        request_send(job, i);
    assert(job->calls > 0);
    return job->number;
}

void limit_store_cancel(struct limit_store *store, uint64_t number)
{
    struct job *job;

    HASH_FIND(hh, store->jobs, &number, sizeof(number), job);
    if (!job)
        return;
    HASH_DEL(store->jobs, job);
    job->cancelled = true;
}

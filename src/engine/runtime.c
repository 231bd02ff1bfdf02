/* Requests in, and the table of machines in work.
 *
 * A request either finds its machine in work and waits its turn there, or opens a work for it. What
 * happens to a work is in work.c and turn.c; reads go past all of it, straight to the store. */
#include "engine/runtime_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "base/qualified.h"
#include "base/xmalloc.h"
#include "engine/fold.h"

#define LEASE_MS 30000
#define WORK_MAX 4096
#define QUEUE_MAX 500
#define TICK_MS 100
#define KEY_MAX 384
#define CLOCK_JUMP_US 20000   /* a reading so much better than the best one is no matter of a quick answer */
#define CLOCK_SPAN_US 5000000 /* readings of Redis's clock count for so long, and at most twice that */

static void runtime_tick(void *arg);
static void late_answer_fire(void *arg);

struct runtime *runtime_new(const struct runtime_setup *setup)
{
    struct runtime *runtime = xcalloc(1, sizeof(*runtime));

    runtime->setup = *setup;
    if (!runtime->setup.lease_ms)
        runtime->setup.lease_ms = LEASE_MS;
    if (!runtime->setup.work_max)
        runtime->setup.work_max = WORK_MAX;
    if (!runtime->setup.queue_max)
        runtime->setup.queue_max = QUEUE_MAX;
    runtime->room = room_new(runtime->setup.work_max);
    runtime->session = setup->alarm->random(setup->alarm_ctx);
    setup->alarm->after(setup->alarm_ctx, TICK_MS, runtime_tick, runtime);
    return runtime;
}

int64_t runtime_mono_us(const struct runtime *runtime)
{
    return runtime->setup.alarm->mono_us(runtime->setup.alarm_ctx);
}

/* How far Redis's clock is ahead of ours is at least what any answer says, since answers only age on their
 * way. The best of the last seconds counts, not of all time: clocks drift against each other. */
void runtime_saw_time(struct runtime *runtime, int64_t now_ms)
{
    int64_t mono_us = runtime_mono_us(runtime), ahead_us = now_ms * 1000 - mono_us;
    bool jumped = runtime->heard_time && ahead_us - CLOCK_JUMP_US > runtime_now_us(runtime) - mono_us;

    if (mono_us - runtime->ahead_since_us > CLOCK_SPAN_US) {
        runtime->ahead_before_us = runtime->heard_time ? runtime->ahead_us : ahead_us;
        runtime->ahead_us = ahead_us;
        runtime->ahead_since_us = mono_us;
    }
    if (ahead_us > runtime->ahead_us)
        runtime->ahead_us = ahead_us;
    runtime->heard_time = true;
    if (jumped && runtime->clock_jumped)
        runtime->clock_jumped(runtime->clock_jumped_arg);
}

void runtime_on_clock(struct runtime *runtime, void (*fn)(void *arg), void *arg)
{
    runtime->clock_jumped = fn;
    runtime->clock_jumped_arg = arg;
}

void runtime_heard(struct runtime *runtime, int64_t now_ms)
{
    runtime_saw_time(runtime, now_ms);
}

int64_t runtime_now_us(const struct runtime *runtime)
{
    int64_t ahead_us = runtime->ahead_us > runtime->ahead_before_us ? runtime->ahead_us : runtime->ahead_before_us;

    return runtime->heard_time ? runtime_mono_us(runtime) + ahead_us : 0;
}

const struct runtime_once *once_copy(const struct runtime_once *once)
{
    size_t key_size = strlen(once->key) + 1, size = strlen(once->fingerprint) + 1;
    struct runtime_once *copy = xmalloc(sizeof(*copy) + key_size + size);
    char *text = (char *)(copy + 1);

    copy->key = memcpy(text, once->key, key_size);
    copy->fingerprint = memcpy(text + key_size, once->fingerprint, size);
    return copy;
}

void request_free(struct request *request)
{
    if (request->verdict_arena)
        arena_free(request->verdict_arena);
    free((void *)request->once);
    free(request);
}

void request_answer(struct work *work, struct request *request, enum sl_err err, bool refused, const char *detail)
{
    struct runtime_result result = {
        .err = err, .refused = refused, .detail = err ? detail : NULL, .id = work->id,
        .reply = err ? NULL : work->reply, .version = work->version,
    };

    if (request->answered)
        return;
    if (err == SL_ENOENT && request->kind == REQ_START) { /* what a start does not find anew has been removed */
        result.err = SL_EEXIST;
        result.removed = true;
        result.detail = "it was removed; its id is not used again";
    }
    if (work->loaded && (work->version > 0 || work->turn.change_count > 0))
        result.state = work->state;
    if (result.removed)
        result.state = NULL;
    if (err == SL_EFAILED && result.state)
        result.activity = work->kind->label(work->state).activity;
    if (refused)
        work->runtime->stats.refusals++;
    request->answered = true;
    request->done(request->done_arg, &result);
}

static struct work *work_find(struct runtime *runtime, const struct machine_kind *kind, const char *id)
{
    char key[KEY_MAX];
    struct work *work;
    int len = snprintf(key, sizeof(key), "%s:%s", kind->name, id);

    if (len < 0 || (size_t)len >= sizeof(key))
        return NULL;
    HASH_FIND(hh, runtime->works, key, (size_t)len, work);
    return work;
}

static struct work *work_open(struct runtime *runtime, const struct machine_kind *kind, const char *id)
{
    struct work *work = xcalloc(1, sizeof(*work));
    char *key;

    work->runtime = runtime;
    work->kind = kind;
    work->arena = arena_new();
    work->queue_tail = &work->queue;
    key = arena_printf(work->arena, "%s:%s", kind->name, id);
    key = xstrdup(key); /* outlives the arena, which a reload replaces */
    work->key = key;
    work->id = key + strlen(kind->name) + 1;
    HASH_ADD_KEYPTR(hh, runtime->works, work->key, strlen(work->key), work);
    room_enter(runtime->room, qualified_party(work->id));
    return work;
}

void runtime_forget(struct work *work)
{
    struct runtime *runtime = work->runtime;
    struct request *request;

    while ((request = work->queue)) {
        work->queue = request->next;
        request_free(request);
    }
    HASH_DEL(runtime->works, work);
    room_leave(runtime->room, qualified_party(work->id));
    turn_clear(&work->turn);
    arena_free(work->arena);
    free((char *)(uintptr_t)work->key);
    free(work);
    drain_check(runtime);
}

void runtime_free(struct runtime *runtime)
{
    struct effect_out *out, *later;
    struct work *work, *next;
    struct request *request;

    if (!runtime)
        return;
    /* Before the arenas go: an effect still on its way would answer into one. */
    HASH_ITER(hh, runtime->effects, out, later) {
        uint64_t number = out->number;

        HASH_DEL(runtime->effects, out);
        free(out);
        runtime->setup.effects->cancel(runtime->setup.effects_ctx, number);
    }
    HASH_ITER(hh, runtime->works, work, next) {
        enum sl_err err = work->phase == PHASE_COMMIT || work->phase == PHASE_RESEND ? SL_EUNKNOWN : SL_EDOWN;

        if (work->current) {
            request_answer(work, work->current, err, false, "the daemon stops");
            request_free(work->current);
        }
        for (request = work->queue; request; request = request->next)
            request_answer(work, request, SL_EDOWN, false, "the daemon stops");
        runtime_forget(work);
    }
    while (runtime->lates)
        late_answer_fire(runtime->lates); /* whom the alarm would have told */
    room_free(runtime->room);
    free(runtime);
}

/* A deferred answer, for requests that are refused at the door. */
struct late_answer {
    struct late_answer *prev, *next;
    struct runtime *runtime;
    runtime_done_fn done;
    void *done_arg;
    enum sl_err err;
    char detail[96];
    char id[KEY_MAX];
};

static void late_answer_fire(void *arg)
{
    struct late_answer *late = arg;
    struct runtime_result result = { .err = late->err, .detail = late->detail, .id = late->id };

    DL_DELETE(late->runtime->lates, late);
    late->done(late->done_arg, &result);
    free(late);
}

static void answer_at_once(struct runtime *runtime, const char *id, enum sl_err err, const char *detail,
                           runtime_done_fn done, void *done_arg)
{
    struct late_answer *late = xcalloc(1, sizeof(*late));

    late->runtime = runtime;
    late->done = done;
    late->done_arg = done_arg;
    late->err = err;
    snprintf(late->detail, sizeof(late->detail), "%s", detail);
    snprintf(late->id, sizeof(late->id), "%s", id);
    DL_APPEND(runtime->lates, late);
    runtime->setup.alarm->after(runtime->setup.alarm_ctx, 0, late_answer_fire, late);
}

struct wanted {
    enum request_kind kind;
    const struct machine_kind *machine;
    const char *id;
    const void *args;
    int64_t deadline_ms;
    const struct runtime_once *once;
    runtime_done_fn done;
    void *done_arg;
};

static void request_queue(struct work *work, const struct wanted *wanted)
{
    struct request *request = xcalloc(1, sizeof(*request));

    request->kind = wanted->kind;
    request->args = wanted->args;
    request->once = wanted->once ? once_copy(wanted->once) : NULL;
    request->deadline_us = runtime_mono_us(work->runtime) + wanted->deadline_ms * 1000;
    request->made_us = runtime_now_us(work->runtime);
    request->done = wanted->done;
    request->done_arg = wanted->done_arg;
    *work->queue_tail = request;
    work->queue_tail = &request->next;
    work->queued++;
    work->runtime->stats.waiting++;
}

static bool is_beginning(const struct wanted *wanted)
{
    return wanted->kind == REQ_START ||
           (wanted->kind == REQ_CALL && wanted->machine->begins && wanted->machine->begins(wanted->args));
}

static void runtime_request(struct runtime *runtime, const struct wanted *wanted)
{
    struct work *work = work_find(runtime, wanted->machine, wanted->id);

    runtime->stats.calls++;
    if (strlen(wanted->machine->name) + strlen(wanted->id) + 2 > KEY_MAX) {
        answer_at_once(runtime, "", SL_EINVAL, "the id is too long", wanted->done, wanted->done_arg);
    } else if (runtime->draining) {
        answer_at_once(runtime, wanted->id, SL_EDOWN, "the daemon is stopping", wanted->done, wanted->done_arg);
    } else if (work ? work->queued >= runtime->setup.queue_max : !room_has(runtime->room, qualified_party(wanted->id), is_beginning(wanted))) {
        runtime->stats.overloads++;
        answer_at_once(runtime, wanted->id, SL_EBUSY, "too many requests are waiting", wanted->done, wanted->done_arg);
    } else if (work) {
        request_queue(work, wanted);
    } else {
        work = work_open(runtime, wanted->machine, wanted->id);
        request_queue(work, wanted);
        work_load(work);
    }
}

void runtime_start_once(struct runtime *runtime, const struct machine_kind *kind, const char *id, const void *args,
                        int64_t deadline_ms, const struct runtime_once *once, runtime_done_fn done, void *done_arg)
{
    struct wanted wanted = { REQ_START, kind, id, args, deadline_ms, once, done, done_arg };

    runtime_request(runtime, &wanted);
}

void runtime_start(struct runtime *runtime, const struct machine_kind *kind, const char *id, const void *args,
                   int64_t deadline_ms, runtime_done_fn done, void *done_arg)
{
    runtime_start_once(runtime, kind, id, args, deadline_ms, NULL, done, done_arg);
}

void runtime_call_once(struct runtime *runtime, const struct machine_kind *kind, const char *id, const void *args,
                       int64_t deadline_ms, const struct runtime_once *once, runtime_done_fn done, void *done_arg)
{
    struct wanted wanted = { REQ_CALL, kind, id, args, deadline_ms, once, done, done_arg };

    runtime_request(runtime, &wanted);
}

void runtime_call(struct runtime *runtime, const struct machine_kind *kind, const char *id, const void *args,
                  int64_t deadline_ms, runtime_done_fn done, void *done_arg)
{
    runtime_call_once(runtime, kind, id, args, deadline_ms, NULL, done, done_arg);
}

void runtime_repair_once(struct runtime *runtime, const struct machine_kind *kind, const char *id, const void *args,
                         int64_t deadline_ms, const struct runtime_once *once, runtime_done_fn done, void *done_arg)
{
    struct wanted wanted = { REQ_REPAIR, kind, id, args, deadline_ms, once, done, done_arg };

    runtime_request(runtime, &wanted);
}

void runtime_repair(struct runtime *runtime, const struct machine_kind *kind, const char *id, const void *args,
                    int64_t deadline_ms, runtime_done_fn done, void *done_arg)
{
    runtime_repair_once(runtime, kind, id, args, deadline_ms, NULL, done, done_arg);
}

/* ---- reads ---- */

struct read {
    struct runtime *runtime;
    const struct machine_kind *kind;
    char *id;
    int64_t at_version;
    runtime_done_fn done;
    void *done_arg;
};

static void runtime_read_done(void *arg, const struct store_loaded *loaded)
{
    struct read *read = arg;
    struct arena *arena = arena_new();
    struct runtime_result result = { .err = loaded->err, .detail = loaded->detail, .id = read->id };
    const char *why;
    void *state = NULL;

    if (!result.err) {
        runtime_saw_time(read->runtime, loaded->now_ms);
        if (loaded->info.version == 0 || strcmp(loaded->info.status, "removed") == 0) {
            result.err = SL_ENOENT;
            result.detail = "there is no such machine";
            result.removed = loaded->info.version > 0;
            if (result.removed && !machine_fold(read->kind, loaded, arena, &state, &why))
                result.state = state;
        } else {
            result.err = machine_fold(read->kind, loaded, arena, &state, &result.detail);
        }
    }
    if (result.err == SL_ECORRUPT && loaded->snapshot && loaded->info.version > 0) { /* a cache; the events know better */
        log_warn("%s %s is folded from its events: %s", read->kind->name, read->id, result.detail);
        read->at_version = loaded->info.version;
        read->runtime->setup.store->load(read->runtime->setup.store_ctx, read->kind, read->id, read->at_version,
                                         runtime_read_done, read);
        arena_free(arena);
        return;
    }
    if (!result.err) {
        result.state = state;
        result.info = &loaded->info;
        result.version = loaded->info.version;
        if (read->at_version > 0 && read->at_version < result.version)
            result.version = read->at_version;
    } else if (result.err == SL_ECORRUPT) {
        log_error("%s %s cannot be read: %s", read->kind->name, read->id, result.detail);
    }
    read->done(read->done_arg, &result);
    arena_free(arena);
    free(read->id);
    free(read);
}

void runtime_read(struct runtime *runtime, const struct machine_kind *kind, const char *id, int64_t at_version,
                  runtime_done_fn done, void *done_arg)
{
    struct read *read = xcalloc(1, sizeof(*read));

    read->runtime = runtime;
    read->kind = kind;
    read->id = xstrdup(id);
    read->at_version = at_version;
    read->done = done;
    read->done_arg = done_arg;
    runtime->setup.store->load(runtime->setup.store_ctx, kind, read->id, at_version, runtime_read_done, read);
}

struct events_read {
    runtime_events_fn done;
    void *done_arg;
    char *id;
};

static void runtime_events_done(void *arg, const struct store_events *found)
{
    struct events_read *read = arg;
    struct runtime_events events = {
        .err = found->err, .events = found->events, .count = found->count, .version = found->version,
    };

    if (!events.err && events.version == 0)
        events.err = SL_ENOENT;
    read->done(read->done_arg, &events);
    free(read->id);
    free(read);
}

void runtime_events(struct runtime *runtime, const struct machine_kind *kind, const char *id, int64_t after,
                    size_t limit, runtime_events_fn done, void *done_arg)
{
    struct events_read *read = xcalloc(1, sizeof(*read));

    assert(after >= 0 && limit >= 1 && limit <= 1000);
    read->done = done;
    read->done_arg = done_arg;
    read->id = xstrdup(id);
    runtime->setup.store->events(runtime->setup.store_ctx, kind, read->id, after, limit, runtime_events_done, read);
}

void runtime_resolve_tag(struct runtime *runtime, const char *tag, runtime_tag_fn done, void *done_arg)
{
    runtime->setup.store->resolve(runtime->setup.store_ctx, tag, done, done_arg);
}

/* ---- claims ---- */

size_t runtime_room(const struct runtime *runtime)
{
    size_t in_work = HASH_COUNT(runtime->works);

    return runtime->draining || in_work >= runtime->setup.work_max ? 0 : runtime->setup.work_max - in_work;
}

void runtime_claimed(struct runtime *runtime, const struct machine_kind *kind, const struct claim *claims, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        struct work *work = work_find(runtime, kind, claims[i].id);

        if (work) {
            /* In work already: a call's machine that became due, or our own claim ran out. */
            work->reclaimed_ms = claims[i].token_ms;
            if (work->phase == PHASE_EFFECT && !work->extending)
                work->token_ms = work->reclaimed_ms;
            continue;
        }
        work = work_open(runtime, kind, claims[i].id);
        work->token_ms = claims[i].token_ms;
        work->timer_due = true;
        work_load(work);
    }
}

void runtime_on_commit(struct runtime *runtime, runtime_news_fn fn, void *arg)
{
    assert(runtime->listener_count < LISTENERS_MAX);
    runtime->listeners[runtime->listener_count].fn = fn;
    runtime->listeners[runtime->listener_count++].arg = arg;
}

/* ---- time ---- */

static void requests_expire(struct work *work, int64_t now_us)
{
    struct request **link = &work->queue, *request;

    while ((request = *link)) {
        if (request->deadline_us > now_us) {
            link = &request->next;
            continue;
        }
        *link = request->next;
        if (!*link)
            work->queue_tail = link; /* before the answer: who hears it may ask again */
        work->queued--;
        work->runtime->stats.waiting--;
        work->reply = NULL;
        request_answer(work, request, SL_ETIMEOUT, false, "the machine was busy until the deadline; nothing was done");
        request_free(request);
    }
    if (work->current && work->current->deadline_us <= now_us && work->phase == PHASE_RESEND)
        request_answer(work, work->current, work->turn.maybe_sent ? SL_EUNKNOWN : SL_EDOWN, false,
                       "the store does not answer");
}

static void lease_extended(void *arg, enum sl_err err, int64_t token_ms, int64_t now_ms)
{
    struct work *work = arg;
    struct runtime *runtime = work->runtime;

    work->extending = false;
    if (!err) {
        runtime_saw_time(runtime, now_ms);
        work->token_ms = token_ms;
        work->lease_until_us = runtime_mono_us(runtime) + runtime->setup.lease_ms * 1000;
    } else if (err == SL_ECONFLICT) {
        runtime->stats.lost_claims++;
        work->lost = true;
    } /* else: not known; the next tick tries again, and the commit's fence decides in any case */
    if (work->lost || drain_lets_go(runtime))
        turn_abandon(work);
    else if (work->result)
        turn_effect_done(work);
}

static void lease_check(struct work *work, int64_t now_us)
{
    struct runtime *runtime = work->runtime;
    int64_t half_us = runtime->setup.lease_ms * 500;

    if (work->phase != PHASE_EFFECT || work->extending || !work->token_ms || work->lease_until_us - now_us > half_us)
        return;
    work->extending = true;
    runtime->stats.extends++;
    runtime->setup.store->extend(runtime->setup.store_ctx, work->kind, work->id, work->token_ms,
                                 runtime->setup.lease_ms, lease_extended, work);
}

static void runtime_tick(void *arg)
{
    struct runtime *runtime = arg;
    int64_t now_us = runtime_mono_us(runtime);
    struct work *work, *next;

    runtime->setup.alarm->after(runtime->setup.alarm_ctx, TICK_MS, runtime_tick, runtime);
    HASH_ITER(hh, runtime->works, work, next) {
        requests_expire(work, now_us);
        if (work->phase == PHASE_EFFECT)
            judge_waiting(work);
        lease_check(work, now_us);
    }
}

void runtime_stats(const struct runtime *runtime, struct runtime_stats *out)
{
    *out = runtime->stats;
    out->in_work = HASH_COUNT(runtime->works);
}

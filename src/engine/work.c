/* One machine in work: load it, give it its inputs one after the other, let it rest.
 *
 *      opened --> load --> next input --> turn (turn.c) --.
 *                  ^          ^   '--> none: closed       |
 *                  |          '---------- committed ------|
 *                  '--------------------- conflict -------'
 */
#include <assert.h>
#include <string.h>

#include "base/fail_point.h"
#include "base/log.h"
#include "engine/fold.h"
#include "engine/runtime_internal.h"

static void work_loaded(void *arg, const struct store_loaded *loaded);

static void work_begin(void *arg)
{
    work_next(arg);
}

/* AT_VERSION: 0, or without the snapshot, which cannot be read. */
static void work_load_at(struct work *work, int64_t at_version)
{
    struct runtime *runtime = work->runtime;

    work->phase = PHASE_LOAD;
    runtime->stats.loads++;
    runtime->setup.store->load(runtime->setup.store_ctx, work->kind, work->id, at_version, work_loaded, work);
}

void work_load(struct work *work)
{
    struct runtime *runtime = work->runtime;

    /* A start needs no look first: the commit's fence tells whether the machine is there. */
    if (work->queue && work->queue->kind == REQ_START && !work->token_ms && runtime_now_us(runtime) > 0 &&
        work->queue->conflicts == 0) {
        work->phase = PHASE_LOAD;
        work->state = machine_state_new(work->kind, work->arena);
        work->version = work->snapshot_version = work->quiet = work->due_ms = 0; /* of a machine that was here before */
        work->failed = false;
        work->loaded = work->unseen = true;
        runtime->setup.alarm->after(runtime->setup.alarm_ctx, 0, work_begin, work);
        return;
    }
    work_load_at(work, 0);
}

static struct request *request_take(struct work *work)
{
    struct request *request = work->queue;

    work->queue = request->next;
    if (!work->queue)
        work->queue_tail = &work->queue;
    work->queued--;
    work->runtime->stats.waiting--;
    request->next = NULL;
    return request;
}

void request_put_back(struct work *work)
{
    work->current->next = work->queue;
    if (!work->queue)
        work->queue_tail = &work->current->next;
    work->queue = work->current;
    work->current = NULL;
    work->queued++;
    work->runtime->stats.waiting++;
}

void work_answer_all(struct work *work, enum sl_err err, const char *detail)
{
    size_t count = work->queued; /* what they ask when they hear it comes behind, and is not meant */
    struct request *request;

    work->reply = NULL;
    while (count-- > 0) {
        request = request_take(work);
        request_answer(work, request, err, false, detail);
        request_free(request);
    }
}

static void work_take(struct work *work, const struct store_loaded *loaded)
{
    const struct machine_info *info = &loaded->info;

    work->version = info->version;
    work->snapshot_version = loaded->snapshot ? loaded->snapshot_version : 0;
    work->quiet = info->quiet;
    work->due_ms = info->due_ms;
    if (info->version > 0 && !*info->activity) /* its hash is gone, its timer with it: what is claimed from the wheel was due */
        work->due_ms = loaded->now_ms;
    work->attempts = info->attempts;
    work->cause = step_cause_of(info->cause);
    work->failed = info->version > 0 && strcmp(info->status, "failed") == 0;
    work->loaded = true;
    asked_load(work, loaded);
    work->lease_until_us = runtime_mono_us(work->runtime) + work->runtime->setup.lease_ms * 1000;
    work->runtime->stats.events_replayed += loaded->event_count;
}

static void work_parked(void *arg, enum sl_err err, int64_t token_ms, int64_t now_ms)
{
    struct work *work = arg;

    (void)token_ms;
    work->phase = PHASE_READY;
    if (!err)
        runtime_saw_time(work->runtime, now_ms);
    work->reclaimed_ms = 0; /* on an error too: the claim runs out, and it is found again */
    work_reload(work);
}

/* Without this a machine that cannot be read is claimed for ever, and no operator sees it. */
static void work_park(struct work *work, int64_t token_ms, const char *reason)
{
    struct runtime *runtime = work->runtime;

    runtime->stats.failures++;
    runtime->stats.failures_by[CAUSE_CORRUPT]++;
    log_error("%s %s is parked as failed: %s", work->kind->name, work->id, reason);
    work->phase = PHASE_FAIL;
    runtime->setup.store->park(runtime->setup.store_ctx, work->kind, work->id, token_ms, reason, work_parked, work);
}

static void work_loaded(void *arg, const struct store_loaded *loaded)
{
    struct work *work = arg;
    enum sl_err err = loaded->err;
    const char *detail = loaded->detail;

    work->phase = PHASE_READY;
    if (!err) {
        runtime_saw_time(work->runtime, loaded->now_ms);
        err = machine_fold(work->kind, loaded, work->arena, &work->state, &detail);
    }
    if (!err && !loaded->snapshot && (int64_t)loaded->event_count != loaded->info.version) { /* others went on meanwhile */
        work_load_at(work, 0);
        return;
    }
    if (err == SL_ECORRUPT && loaded->snapshot && loaded->info.version > 0) { /* it is a cache, and the events know better */
        log_warn("%s %s is folded from its events: %s", work->kind->name, work->id, detail);
        work_load_at(work, loaded->info.version);
        return;
    }
    if (err == SL_ECORRUPT)
        log_error("%s %s cannot be read: %s", work->kind->name, work->id, detail);
    if (!err && strcmp(loaded->info.status, "removed") == 0)
        err = SL_ENOENT;
    if (err) {
        int64_t token_ms = work->reclaimed_ms ? work->reclaimed_ms : work->token_ms;

        work_answer_all(work, err, err == SL_ENOENT ? "there is no such machine" : detail);
        work->reclaimed_ms = 0;
        if (err == SL_ECORRUPT && token_ms) {
            work_park(work, token_ms, detail);
            return;
        }
        work_reload(work);
        return;
    }
    work_take(work, loaded);
    if (work->reclaimed_ms) {
        work->token_ms = work->reclaimed_ms;
        work->reclaimed_ms = 0;
        work->timer_due = true;
    }
    FAIL_POINT("loaded", work->kind->label(work->state).activity);
    work_next(work);
}

void work_reload(struct work *work)
{
    turn_clear(&work->turn);
    arena_free(work->arena);
    work->arena = arena_new();
    work->state = NULL;
    work->loaded = work->unseen = false;
    work->lost = false;
    work->timer_due = false;
    work->token_ms = 0;
    work->result = NULL;
    work->reply = NULL;
    work->asked = NULL;
    work->asked_over = false;
    if (work->current && work->current->recalled) {
        request_free(work->current);
        work->current = NULL;
    }
    if (work->current) { /* it is run again, before those that came after it; perhaps somebody has done it */
        work->current->looked = false;
        request_put_back(work);
    }
    if (work->queue || work->reclaimed_ms)
        work_load(work);
    else
        runtime_forget(work);
}

/* Answers a request that cannot be run on this machine as it is. */
static bool request_turned_away(struct work *work, struct request *request)
{
    enum sl_err err = SL_OK;
    const char *detail = NULL;

    work->reply = NULL;
    if (request->answered) {
        /* its caller is gone and nothing was begun */
    } else if (request->deadline_us <= runtime_mono_us(work->runtime)) {
        err = SL_ETIMEOUT;
        detail = "the machine was busy until the deadline; nothing was done";
    } else if (request->conflicts > CONFLICTS_MAX) {
        err = SL_EBUSY;
        detail = "others keep changing this machine";
    } else if (request->kind == REQ_START && work->version > 0) {
        err = SL_EEXIST;
        detail = START_EXISTS;
    } else if (request->kind != REQ_START && work->version == 0) {
        err = SL_ENOENT;
        detail = "there is no such machine";
    } else if (request->kind == REQ_CALL && work->failed) {
        err = SL_EFAILED;
        detail = "the machine has failed and waits for a repair";
    } else if (request->kind == REQ_REPAIR && !work->failed) {
        err = SL_EREFUSED;
        detail = "the machine works; there is nothing to repair";
    } else if (request->verdict) {
        work->reply = request->verdict;
    } else if (work->runtime->draining) {
        err = SL_EDOWN;
        detail = "the daemon is stopping; nothing was done";
    } else {
        return false;
    }
    request_answer(work, request, err, work->reply != NULL, detail);
    work->reply = NULL;
    request_free(request);
    return true;
}

static enum machine_input request_input(const struct request *request)
{
    switch (request->kind) {
    case REQ_START: return IN_INIT;
    case REQ_REPAIR: return IN_REPAIR;
    case REQ_CALL: break;
    }
    return IN_CALL;
}

/* The claimed timer: still due, or has somebody moved it since? */
static bool timer_is_due(struct work *work)
{
    return work->timer_due && !work->failed && work->version > 0 && work->due_ms > 0 &&
           work->due_ms <= runtime_now_us(work->runtime) / 1000;
}

void work_next(struct work *work)
{
    work->phase = PHASE_READY;
    while (work->queue) {
        struct request *request;

        /* Part of a step that was not kept may be in the state; or there is none to speak of. */
        if (!work->loaded || (work->unseen && work->queue->kind != REQ_START)) {
            work_reload(work);
            return;
        }
        request = request_take(work);
        if (once_is_due(request)) {
            work->current = request;
            once_look(work);
            return;
        }
        if (request_turned_away(work, request))
            continue;
        work->current = request;
        if (asked_is_open(work) && (!asked_is(work, request) || (work->held && !work->token_ms))) {
            request_put_back(work);
            break;
        }
        turn_begin(work);
        turn_run(work, request_input(request));
        return;
    }
    if (work->unseen && work->token_ms) { /* a claim that came while no more than a key was looked at */
        work->reclaimed_ms = work->token_ms;
        work_reload(work);
        return;
    }
    if (work->token_ms && work->loaded && work->version == 0) {
        work_park(work, work->token_ms, "it is on the wheel, and it has no history");
    } else if (work->runtime->draining) {
        if (work->token_ms && work->version > 0)
            turn_release(work);
        else
            runtime_forget(work);
    } else if (asked_is_open(work) && (work->queue || work->timer_due || work->token_ms)) {
        asked_resume(work);
    } else if (timer_is_due(work)) {
        work->timer_due = false;
        turn_begin(work);
        turn_run(work, IN_TIMEOUT);
    } else if (work->token_ms && work->version > 0) { /* of a parked one too: a repair may have taken a claim */
        work->timer_due = false;
        turn_release(work);
    } else {
        runtime_forget(work);
    }
}

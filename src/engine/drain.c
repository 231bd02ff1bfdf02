/* The end of a runtime that was told to stop.
 *
 *     told --> nothing new begins; those that wait in queues are answered; what is stored or called already goes on
 *      |            '--> a machine that would go on is released: it is due at once, for another daemon
 *      '-- grace --> effects that are still out are cancelled, and their machines released
 *
 * The rest is in the other files, where `draining` is asked: work_next and the places of turn.c that begin an effect. */
#include "engine/runtime_internal.h"

bool drain_lets_go(const struct runtime *runtime)
{
    return runtime->draining && runtime_mono_us(runtime) >= runtime->drain_until_us;
}

static void drain_done(void *arg)
{
    struct runtime *runtime = arg;
    void (*drained)(void *arg) = runtime->drained;

    runtime->drain_checks = false;
    if (!drained || HASH_COUNT(runtime->works) > 0)
        return;
    runtime->drained = NULL;
    drained(runtime->drained_arg);
}

void drain_check(struct runtime *runtime)
{
    if (!runtime->draining || !runtime->drained || runtime->drain_checks || HASH_COUNT(runtime->works) > 0)
        return;
    runtime->drain_checks = true;
    runtime->setup.alarm->after(runtime->setup.alarm_ctx, 0, drain_done, runtime);
}

/* Those that wait behind what the machine does. Who was in work before and came back into the queue is left: whether
 * its commit was done may have to be looked for first. */
static void queue_answer(struct work *work)
{
    struct request **link = &work->queue, *request;

    work->reply = NULL;
    while ((request = *link)) {
        if (request->conflicts > 0) {
            link = &request->next;
            continue;
        }
        *link = request->next;
        if (!*link)
            work->queue_tail = link; /* before the answer: who hears it may ask again */
        work->queued--;
        work->runtime->stats.waiting--;
        request_answer(work, request, SL_EDOWN, false, "the daemon is stopping; nothing was done");
        request_free(request);
    }
}

static void drain_let_go(void *arg)
{
    struct runtime *runtime = arg;
    struct work *work, *next;

    HASH_ITER(hh, runtime->works, work, next) {
        if (work->phase == PHASE_EFFECT && !work->extending)
            turn_abandon(work);
        else if (work->phase == PHASE_RESEND && work->current)
            request_answer(work, work->current, work->turn.maybe_sent ? SL_EUNKNOWN : SL_EDOWN, false,
                           "the daemon is stopping and the store does not answer");
    }
}

void runtime_drain(struct runtime *runtime, int64_t grace_ms, void (*done)(void *arg), void *arg)
{
    struct work *work, *next;

    runtime->draining = true;
    runtime->drained = done;
    runtime->drained_arg = arg;
    runtime->drain_until_us = runtime_mono_us(runtime) + grace_ms * 1000;
    HASH_ITER(hh, runtime->works, work, next)
        queue_answer(work);
    runtime->setup.alarm->after(runtime->setup.alarm_ctx, grace_ms, drain_let_go, runtime);
    drain_check(runtime);
}

/* Calls that wait behind a running step are judged by what their callers could know.
 *
 *     a call --> in the queue --> the effect leaves, or is out, or comes back: judged by the state before its outcome
 *                                     |--> refused: answered so at once; with an idempotency key once that was looked for
 *                                     |--> answered without a change (a repeat): at once
 *                                     '--> allowed: waits, and is run in its turn as if it came then
 *
 * Without this a turn that leaves nothing to do would hide from them what was going on when they came: of two refunds at once the
 * second would find the first one done. Ref: doc/spec/api.md 8.                                          */
#include "engine/runtime_internal.h"

/* Runs the call on a copy of the state, all in ARENA. NULL: the configuration it needs is not at hand. */
static const struct step_out *judge_step(struct work *work, const struct request *request, struct arena *arena)
{
    const struct runtime_setup *setup = &work->runtime->setup;
    int64_t revision = work->kind->revision(work->state);
    void *state = arena_alloc(arena, work->kind->state->size);
    struct step_out *out = arena_alloc(arena, sizeof(*out));
    struct step_in in = {
        .input = IN_CALL, .args = request->args, .id = work->id, .state = state, .version = work->version,
        .quiet = work->quiet, .now_us = runtime_now_us(work->runtime), .made_us = request->made_us, .arena = arena,
        .head = setup->config->head(setup->config_ctx),
        .outlook = setup->outlook ? setup->outlook(setup->owner_ctx) : NULL,
        .settings = setup->settings,
        .random = setup->alarm->random(setup->alarm_ctx),
    };

    in.config = revision ? setup->config->get(setup->config_ctx, revision) : in.head;
    if (revision && (!in.config || !in.head))
        return NULL;
    type_copy(work->kind->state, state, work->state, arena);
    work->kind->step(&in, out);
    return out;
}

static bool changes_nothing(const struct step_out *out)
{
    return out->end == STEP_OK && out->reply && out->change_count == 0 && out->tally_count == 0 && out->bind_count == 0 &&
           !out->effect && out->timer == TIMER_DEFAULT && !out->remove;
}

/* A start of what is there. The state of a turn whose effect ran ahead of its commit may still come to nothing: nobody is
 * shown that. True: it is answered by this, and to be freed. */
static bool judge_start(struct work *work, struct request *request)
{
    if (once_is_due(request) || work->turn.ahead)
        return false;
    work->reply = NULL;
    request_answer(work, request, SL_EEXIST, false, START_EXISTS);
    return true;
}

/* The same for a call. */
static bool judge_call(struct work *work, struct request *request)
{
    struct arena *arena = arena_new();
    const struct step_out *out = judge_step(work, request, arena);
    bool refused = out && out->end == STEP_REFUSED;
    bool known = out && changes_nothing(out) && !work->turn.ahead && !once_is_due(request);

    request->judged = true;
    if (refused && once_is_due(request)) {
        request->verdict_arena = arena;
        request->verdict = out->reply;
        return false;
    }
    if (refused || known) {
        work->reply = out->reply;
        request_answer(work, request, SL_OK, refused, NULL);
        work->reply = NULL;
    }
    arena_free(arena);
    return refused || known;
}

static bool judge(struct work *work, struct request *request)
{
    return request->kind == REQ_START ? judge_start(work, request) : judge_call(work, request);
}

static bool is_to_be_judged(const struct work *work, const struct request *request)
{
    bool call = request->kind == REQ_CALL && work->kind->judged(request->args);

    return !request->judged && !request->answered && (call || request->kind == REQ_START);
}

void judge_waiting(struct work *work)
{
    struct request **link = &work->queue, *request;

    if (!work->kind->judged || !work->loaded || work->version == 0 || work->failed)
        return;
    while ((request = *link)) {
        if (!is_to_be_judged(work, request)) {
            link = &request->next;
            continue;
        }
        *link = request->next;
        if (!*link)
            work->queue_tail = link; /* before the answer: who hears it may ask again */
        if (judge(work, request)) {
            work->queued--;
            work->runtime->stats.waiting--;
            request_free(request);
            continue;
        }
        request->next = *link;
        if (!*link)
            work->queue_tail = &request->next;
        *link = request;
        link = &request->next;
    }
}

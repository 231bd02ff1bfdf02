/* One turn: steps, one commit of all their changes, then the effect.
 *
 *   turn_run ---> turn_step ---> turn_apply --.     config missing: fetch, then turn_run again
 *      ^              '--- timer is now ------'
 *      |                      |
 *      |                  turn_close ---> turn_bind ---> turn_commit ---> turn_committed
 *      |                                                    ^   '-- no answer: same commit again
 *      |                                                    '------'        |
 *      '--- turn_effect_done <--- effect <----------------------------------+---> work_next
 *
 * An effect that need not wait for the commit leaves from turn_close, and the turn goes on with its result.
 *
 * A step that fails after good ones of the same turn lets those be committed first; then the failure
 * is recorded against it. Conflicts drop what is in memory: the machine is loaded and run again.   */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail_point.h"
#include "base/log.h"
#include "base/type_fits.h"
#include "base/xmalloc.h"
#include "engine/runtime_internal.h"

static void turn_close(struct work *work);
static void turn_commit(struct work *work);
static void turn_effect(struct work *work);

static const char *activity(const struct work *work)
{
    return work->kind->label(work->state).activity;
}

void turn_clear(struct turn *turn)
{
    buf_clear(&turn->changes);
    buf_clear(&turn->snapshot);
    buf_clear(&turn->once);
    buf_clear(&turn->asked);
    memset(turn, 0, sizeof(*turn));
}

void turn_begin(struct work *work)
{
    struct turn *turn = &work->turn;
    struct buf changes = turn->changes, snapshot = turn->snapshot, once = turn->once, asked = turn->asked;

    buf_reset(&changes);
    buf_reset(&snapshot);
    buf_reset(&once);
    buf_reset(&asked);
    memset(turn, 0, sizeof(*turn));
    turn->changes = changes;
    turn->snapshot = snapshot;
    turn->once = once;
    turn->asked = asked;
    work->reply = NULL;
    work->runtime->stats.turns++;
}

/* ---- steps ---- */

static void turn_config_done(void *arg, enum sl_err err)
{
    struct work *work = arg;

    work->phase = PHASE_READY;
    if (err) {
        work->turn.failure = err == SL_ENOENT ? STEP_FAIL : STEP_RETRY;
        work->turn.reason = err == SL_ENOENT ? "the configuration revision it needs does not exist"
                                             : "the configuration it needs cannot be read";
        turn_close(work);
        return;
    }
    turn_run(work, work->input);
}

/* True when the configuration of the next step is in memory, its own and the newest; else it is on its way. */
static bool turn_config(struct work *work, struct step_in *in)
{
    const struct runtime_setup *setup = &work->runtime->setup;
    int64_t revision = work->version > 0 || work->turn.change_count > 0 ? work->kind->revision(work->state) : 0;

    in->head = setup->config->head(setup->config_ctx);
    in->config = revision ? setup->config->get(setup->config_ctx, revision) : in->head;
    if (!revision || (in->config && in->head))
        return true;
    work->phase = PHASE_CONFIG;
    setup->config->fetch(setup->config_ctx, revision, turn_config_done, work);
    return false;
}

static const char *turn_fold(struct work *work, const struct step_out *out, int64_t now_us)
{
    struct turn *turn = &work->turn;
    size_t i;

    for (i = 0; i < out->change_count; i++) {
        const char *why = type_unfit(work->kind->change, out->changes[i], work->arena);

        if (why) /* a machine with an event that cannot be read is lost, one that is parked is not */
            return arena_printf(work->arena, "what it wants to store could not be read again: %s", why);
        why = work->kind->fold(work->state, out->changes[i], now_us, !out->forced, work->arena);
        if (why)
            return why;
    }
    for (i = 0; i < out->change_count; i++) {
        buf_char(&turn->changes, turn->change_count++ ? ',' : '[');
        type_encode(work->kind->change, out->changes[i], &turn->changes);
    }
    return NULL;
}

static void turn_tally(struct turn *turn, const struct tally *tally)
{
    size_t i;

    for (i = 0; i < turn->tally_count && strcmp(turn->tallies[i].field, tally->field) != 0; i++)
        ;
    if (i == turn->tally_count) {
        assert(turn->tally_count < TURN_TALLIES_MAX);
        turn->tallies[turn->tally_count++] = (struct tally){ .field = tally->field, .currency = tally->currency };
    }
    turn->tallies[i].delta += tally->delta;
}

static void turn_note(struct turn *turn, const struct step_out *out)
{
    size_t i;

    for (i = 0; i < out->note_count && turn->note_count < TURN_NOTES_MAX; i++)
        turn->notes[turn->note_count++] = out->notes[i];
}

static void turn_timer(struct work *work, const struct step_out *out, bool of_call)
{
    struct turn *turn = &work->turn;

    if (out->timer == TIMER_SET) {
        turn->due = DUE_SET;
        turn->due_ms = out->due_ms;
    } else if (out->timer == TIMER_UNSET || !of_call) {
        turn->due = DUE_UNSET;
    }
}

/* Takes what a good step gave. True when the next step should run in this same turn. */
static bool turn_apply(struct work *work, const struct step_in *in, const struct step_out *out, bool of_call)
{
    struct turn *turn = &work->turn;
    const char *why = turn_fold(work, out, in->now_us);
    size_t i;

    if (why) {
        turn->failure = STEP_FAIL;
        turn->reason = arena_printf(work->arena, "in %s: %s", activity(work), why);
        work->loaded = false; /* part of the step may be in the state */
        return false;
    }
    for (i = 0; i < out->tally_count; i++)
        turn_tally(turn, &out->tallies[i]);
    turn_note(turn, out);
    turn->notes_good = turn->note_count;
    for (i = 0; i < out->bind_count; i++) {
        assert(turn->bind_count < TURN_BINDS_MAX);
        turn->binds[turn->bind_count++] = out->binds[i];
    }
    turn_timer(work, out, of_call);
    turn->remove = out->remove;
    turn->effect = out->effect;
    if (of_call) {
        work->reply = out->reply;
        turn->answers = !out->effect;
    }
    if (out->effect) {
        assert(out->timer == TIMER_DEFAULT);
        if (!of_call) { /* not consumed yet: after a crash the step is run again */
            turn->due = DUE_SET;
            turn->due_ms = in->now_us / 1000;
        }
        return false;
    }
    if (out->remove || out->timer != TIMER_SET || out->due_ms > in->now_us / 1000)
        return false;
    if (of_call && work->current && work->current->kind == REQ_REPAIR)
        return false;
    turn->run_again = turn->steps >= TURN_STEPS_MAX;
    return !turn->run_again;
}

static void turn_step_in(struct work *work, enum machine_input input, struct step_in *in)
{
    const struct request *current = work->current && !work->turn.answers ? work->current : NULL;
    const struct runtime_setup *setup = &work->runtime->setup;

    in->input = input;
    in->id = work->id;
    in->state = work->state;
    in->version = work->version;
    in->quiet = work->turn.change_count > 0 ? 0 : work->quiet; /* as it will be after a crash from here on */
    in->now_us = runtime_now_us(work->runtime);
    in->made_us = current ? current->made_us : 0;
    in->outlook = setup->outlook ? setup->outlook(setup->owner_ctx) : NULL;
    in->settings = setup->settings;
    in->random = setup->alarm->random(setup->alarm_ctx);
    in->arena = work->arena;
    if (input == IN_EFFECT) {
        in->args = work->result;
        in->effect = work->performed;
        in->call = current ? current->args : NULL;
    } else if (input != IN_TIMEOUT) {
        in->args = current->args;
    }
}

/* Runs one step. True when the next one should run in this same turn. */
static bool turn_step(struct work *work, const struct step_in *in)
{
    struct turn *turn = &work->turn;
    bool of_call = in->input == IN_INIT || in->input == IN_CALL || in->input == IN_REPAIR || in->call;
    struct step_out out;

    memset(&out, 0, sizeof(out));
    turn->steps++;
    work->runtime->stats.steps++;
    if (in->input != IN_REPAIR || in->args) /* without args: the simple repair, which runs nothing */
        work->kind->step(in, &out);
    FAIL_POINT("stepped", activity(work));
    switch (out.end) {
    case STEP_OK:
        return turn_apply(work, in, &out, of_call);
    case STEP_REFUSED:
        assert(of_call && turn->change_count == 0);
        work->reply = out.reply;
        turn->failure = STEP_REFUSED;
        return false;
    case STEP_RETRY:
    case STEP_FAIL:
        assert(out.reason);
        turn_note(turn, &out);
        turn->failure = out.end;
        turn->reason = out.reason;
        turn->cause = out.cause;
        return false;
    }
    assert(!"an end that is none");
    return false;
}

void turn_run(struct work *work, enum machine_input input)
{
    struct step_in in;

    do {
        memset(&in, 0, sizeof(in));
        work->input = input;
        if (!turn_config(work, &in))
            return;
        turn_step_in(work, input, &in);
        work->result = NULL;
        input = IN_TIMEOUT;
    } while (turn_step(work, &in));
    turn_close(work);
}

/* ---- what follows from the steps ---- */

static void turn_answer(struct work *work, enum sl_err err, bool refused, const char *detail)
{
    struct request *request = work->current;

    if (!request)
        return;
    work->current = NULL;
    request_answer(work, request, err, refused, detail);
    request_free(request);
    work->reply = NULL;
}

/* Ends a call that changed nothing, and goes on. */
static void turn_answer_unchanged(struct work *work, enum sl_err err, bool refused, const char *detail)
{
    turn_answer(work, err, refused, detail);
    if (work->asked_over || (work->token_ms && !work->queue))
        turn_release(work);
    else
        work_next(work);
}

/* The first step of the turn did not succeed: there is nothing to commit. */
static void turn_failed_first(struct work *work)
{
    struct turn *turn = &work->turn;
    const struct request *current = work->current;

    if (asked_is_current(work) && turn->failure != STEP_REFUSED) {
        turn_fail(work);
        return;
    }
    work->asked_over = asked_is_current(work); /* whatever the world says to it: nothing comes of it here */
    if (turn->failure == STEP_REFUSED)
        turn_answer_unchanged(work, SL_OK, true, NULL);
    else if (current && turn->failure == STEP_RETRY)
        turn_answer_unchanged(work, SL_EDOWN, false, turn->reason);
    else if (current && current->kind == REQ_REPAIR)
        turn_answer_unchanged(work, SL_EFAILED, false, turn->reason);
    else if (current && current->kind == REQ_START)
        turn_answer_unchanged(work, SL_EFAILED, false, turn->reason);
    else
        turn_fail(work);
}

/* Whether the turn's effect may be performed before its changes are stored, and the turn go on with the result. */
static bool turn_may_run_ahead(const struct work *work)
{
    const struct turn *turn = &work->turn;

    return turn->effect && turn->effect->ahead && turn->failure == STEP_OK && work->token_ms && !work->current &&
           turn->bind_count == 0 && !work->runtime->draining;
}

/* All that the turn wants is an effect, and we were told to stop: nothing has to be stored. */
static bool turn_begins_nothing(const struct work *work)
{
    const struct turn *turn = &work->turn;

    return work->runtime->draining && turn->effect && turn->failure == STEP_OK && turn->change_count == 0 &&
           turn->tally_count == 0 && turn->bind_count == 0;
}

static void turn_close(struct work *work)
{
    struct turn *turn = &work->turn;
    bool news = turn->change_count > 0 || turn->remove || turn->due != DUE_KEEP || turn->tally_count > 0 ||
                turn->bind_count > 0 || (work->current && work->current->kind == REQ_REPAIR);

    if (turn->failure != STEP_OK && turn->change_count == 0) {
        turn_failed_first(work);
        return;
    }
    if (work->current && work->current->kind == REQ_REPAIR && turn->due == DUE_KEEP && work->due_ms > 0 &&
        work->due_ms < runtime_now_us(work->runtime) / 1000) { /* it was failed, not late */
        turn->due = DUE_SET;
        turn->due_ms = runtime_now_us(work->runtime) / 1000;
    }
    if (turn->failure != STEP_OK) { /* the good steps first; the failed one stays due */
        turn->due = DUE_SET;
        turn->due_ms = runtime_now_us(work->runtime) / 1000;
        turn->effect = NULL;
        turn->run_again = false;
    }
    if (turn_begins_nothing(work)) {
        turn_answer_unchanged(work, SL_EDOWN, false, "the daemon is stopping; nothing was done");
        return;
    }
    if (turn->effect && turn->change_count == 0 && turn->tally_count == 0 && !asked_write(work) && work->token_ms &&
        turn->bind_count == 0) {
        turn_effect(work); /* the machine is ours and nothing has changed */
        return;
    }
    if (turn_may_run_ahead(work)) {
        turn->ahead = true;
        turn_effect(work);
        return;
    }
    if (turn->effect && turn->change_count == 0 && turn->tally_count == 0) {
        turn->claims_only = true; /* so that its timer does not fire meanwhile */
    } else if (!news && work->token_ms) {
        turn->claims_only = turn->release = true;
    } else if (!news) {
        turn_answer_unchanged(work, SL_OK, false, NULL);
        return;
    }
    if (turn->change_count > 0)
        buf_char(&turn->changes, ']');
    turn_commit(work);
}

void turn_release(struct work *work)
{
    turn_begin(work);
    work->turn.claims_only = work->turn.release = true;
    turn_commit(work);
}

/* ---- the commit ---- */

static void turn_bound(void *arg, enum sl_err err, const char *id)
{
    struct work *work = arg;
    struct turn *turn = &work->turn;

    (void)id;
    work->phase = PHASE_READY;
    if (!err) {
        turn->binds_done++;
        turn_commit(work);
        return;
    }
    /* Nothing of the turn is kept; what is in memory is ahead of the store. */
    work->loaded = false;
    turn->note_count = 0;
    turn->failure = err == SL_EREFUSED ? STEP_FAIL : STEP_RETRY;
    turn->reason = err == SL_EREFUSED ? arena_printf(work->arena, "tag %s is bound to another machine",
                                                     turn->binds[turn->binds_done])
                                      : "the tag could not be bound";
    if (work->current && turn->failure == STEP_RETRY && !asked_is_current(work)) {
        turn_answer(work, SL_EDOWN, false, turn->reason);
        work_reload(work);
    } else {
        turn_fail(work);
    }
}

static bool turn_rests(const struct turn *turn)
{
    return !turn->effect && !turn->run_again && turn->failure == STEP_OK && !turn->claims_only;
}

static void turn_snapshot(struct work *work, struct commit *commit)
{
    struct turn *turn = &work->turn;
    int64_t version = work->version + (turn->change_count > 0);
    bool behind = work->snapshot_version < version;

    if (!behind || !work->loaded || turn->claims_only || turn->remove)
        return;
    if (turn_rests(turn) && work->kind->label(work->state).finished) {
        commit->drop_snapshot = true;
    } else if (turn_rests(turn) || version - work->snapshot_version >= SNAPSHOT_EVERY) {
        if (turn->snapshot.len == 0)
            type_encode(work->kind->state, work->state, &turn->snapshot);
        commit->snapshot = buf_text(&turn->snapshot);
        commit->snapshot_len = turn->snapshot.len;
    }
}

static void turn_committed(void *arg, const struct store_committed *committed);

static void turn_commit(struct work *work)
{
    struct runtime *runtime = work->runtime;
    struct turn *turn = &work->turn;
    struct machine_label label = work->kind->label(work->state);
    struct commit commit = {
        .kind = work->kind, .id = work->id, .commit_id = turn->commit_id,
        .expect_version = work->version, .expect_token_ms = work->token_ms,
        .due = turn->due, .due_ms = turn->due_ms, .activity = label.activity, .status = label.status,
        .lease_ms = turn_rests(turn) || turn->release || turn->remove ? 0 : runtime->setup.lease_ms,
        .remove = turn->remove, .tallies = turn->tallies, .tally_count = turn->tally_count,
        .repaired = work->current && work->current->kind == REQ_REPAIR,
        .claims_only = turn->claims_only, .asked = asked_commit(work), .asked_text = buf_text(&turn->asked),
    };

    if (turn->binds_done < turn->bind_count) {
        work->phase = PHASE_BIND;
        FAIL_POINT("bind", label.activity);
        runtime->setup.store->bind(runtime->setup.store_ctx, turn->binds[turn->binds_done], work->kind, work->id,
                                   turn_bound, work);
        return;
    }
    if (!turn->commit_id[0])
        snprintf(turn->commit_id, sizeof(turn->commit_id), "%" PRIx64 ".%" PRIx64, runtime->session,
                 ++runtime->next_number);
    if (turn->change_count > 0) {
        commit.changes = buf_text(&turn->changes);
        commit.changes_len = turn->changes.len;
    }
    if (turn->answers && work->current && work->current->once && !turn->claims_only) {
        once_write(work);
        commit.once_key = work->current->once->key;
        commit.once_value = buf_text(&turn->once);
    }
    turn_snapshot(work, &commit);
    turn->asked_as = commit.asked;
    work->phase = PHASE_COMMIT;
    FAIL_POINT("commit", label.activity);
    runtime->setup.store->commit(runtime->setup.store_ctx, &commit, turn_committed, work);
}

static void turn_resend(void *arg)
{
    turn_commit(arg);
}

static void turn_lost(struct work *work)
{
    struct runtime *runtime = work->runtime;
    struct turn *turn = &work->turn;

    if (work->current && !work->current->recalled && !turn->maybe_sent) { /* for certain nothing was done */
        turn_answer(work, SL_EDOWN, false, "the store cannot be reached; nothing was done");
        work_reload(work);
        return;
    }
    if (drain_lets_go(runtime)) { /* its claim runs out by itself */
        turn_answer(work, SL_EUNKNOWN, false, "the daemon is stopping and the store does not answer");
        work_reload(work);
        return;
    }
    turn->resend_ms = turn->resend_ms ? turn->resend_ms * 2 : RESEND_FIRST_MS;
    if (turn->resend_ms > RESEND_MAX_MS)
        turn->resend_ms = RESEND_MAX_MS;
    work->phase = PHASE_RESEND;
    runtime->setup.alarm->after(runtime->setup.alarm_ctx, turn->resend_ms, turn_resend, work);
}

static void turn_tell(struct work *work, int64_t due_ms)
{
    struct runtime *runtime = work->runtime;
    struct runtime_news news = {
        .kind = work->kind, .id = work->id, .version = work->version,
        .due_ms = work->token_ms ? 0 : due_ms,
    };
    size_t i;

    for (i = 0; i < runtime->listener_count; i++)
        runtime->listeners[i].fn(runtime->listeners[i].arg, &news);
}

/* Hands over the notes up to END: what they are of is stored. */
static void turn_hand_notes(struct work *work, size_t end)
{
    const struct runtime_setup *setup = &work->runtime->setup;
    struct turn *turn = &work->turn;
    size_t i;

    for (i = 0; setup->note && i < end; i++)
        setup->note(setup->owner_ctx, &turn->notes[i]);
    turn->note_count -= end;
    turn->notes_good = 0;
    memmove(turn->notes, turn->notes + end, turn->note_count * sizeof(turn->notes[0]));
}

/* Memory becomes what the store now has. */
static void turn_take(struct work *work, const struct store_committed *committed)
{
    struct turn *turn = &work->turn;
    bool repairs = work->current && work->current->kind == REQ_REPAIR;

    work->runtime->stats.commits++;
    work->unseen = false;
    if (turn->change_count > 0) {
        work->version++;
        work->quiet = 0;
    } else if (!turn->claims_only) {
        work->runtime->stats.quiet_commits++;
        if (!repairs || work->cause == CAUSE_DECLINED) /* as lua/commit.lua counts */
            work->quiet++;
    }
    assert(work->version == committed->version);
    if (turn->due == DUE_SET)
        work->due_ms = turn->due_ms;
    else if (turn->due == DUE_UNSET)
        work->due_ms = 0;
    if (turn->snapshot.len > 0)
        work->snapshot_version = work->version;
    if (!turn->claims_only) {
        work->attempts = 0;
        if (turn->change_count > 0 || !repairs)
            work->cause = CAUSE_OTHER;
        work->failed = false;
    }
    asked_take(work);
    work->token_ms = committed->token_ms > 0 && !turn_rests(turn) && !turn->release ? committed->token_ms : 0;
    work->reclaimed_ms = 0;
    work->lease_until_us = runtime_mono_us(work->runtime) + work->runtime->setup.lease_ms * 1000;
    if (!turn->claims_only)
        turn_hand_notes(work, turn->notes_good);
    turn_tell(work, asked_is_open(work) ? committed->now_ms : work->due_ms);
}

/* A call whose caller was answered while its claim was on the way: nothing of it was begun, and what it asked for is
 * the caller's no more. */
static void turn_give_up(struct work *work)
{
    request_free(work->current);
    work->current = NULL;
    work->asked_over = work->turn.asked_as == ASKED_SET;
    if (!work->asked_over && (work->queue || asked_is_open(work)))
        work_next(work);
    else
        turn_release(work);
}

/* After a commit: what is next? */
static void turn_go_on(struct work *work)
{
    struct turn *turn = &work->turn;
    struct request *request = work->current;

    if (turn->answers && request) {
        work->current = NULL;
        request_answer(work, request, SL_OK, false, NULL);
        request_free(request);
        turn->answers = false;
    }
    if (turn->remove) {
        work->version = 0;
        work_reload(work);
    } else if (turn->failure != STEP_OK) {
        turn_fail(work);
    } else if (turn->effect && work->current && work->current->answered && !work->current->recalled) {
        turn_give_up(work);
    } else if (work->runtime->draining && (turn->effect || turn->run_again)) { /* what is stored is due, for others */
        turn_answer(work, SL_EDOWN, false, "the daemon is stopping");
        turn_release(work);
    } else if (turn->effect) {
        turn_effect(work);
    } else if (turn->run_again) {
        turn_begin(work);
        turn_run(work, IN_TIMEOUT);
    } else if (turn->claims_only && request && work->current) {
        turn_answer_unchanged(work, SL_OK, false, NULL);
    } else {
        work_next(work);
    }
}

/* The commit was refused. If it was sent before, it may be the earlier sending that is in the way, or have been
 * done and covered by what others did since: running it again, or saying that it was not done, would be a guess,
 * unless the request left its key behind when it was done. */
static void turn_refused(struct work *work, const struct store_committed *committed)
{
    struct turn *turn = &work->turn;

    bool has_key = work->current && work->current->once;

    if (turn->maybe_sent && !turn->claims_only && !has_key) {
        turn_answer(work, SL_EUNKNOWN, false, "the store did not answer, and others went on since");
    } else if (committed->err == SL_ECONFLICT || committed->err == SL_EEXIST || (turn->maybe_sent && has_key)) {
        if (work->current)
            work->current->conflicts++;
    } else {
        turn_answer(work, committed->err, false, committed->detail);
    }
    work_reload(work);
}

static void turn_committed(void *arg, const struct store_committed *committed)
{
    struct work *work = arg;
    struct runtime *runtime = work->runtime;

    work->phase = PHASE_READY;
    if (committed->err == SL_EDOWN || committed->err == SL_EUNKNOWN) {
        work->turn.maybe_sent |= committed->err == SL_EUNKNOWN;
        turn_lost(work);
        return;
    }
    runtime_saw_time(runtime, committed->now_ms);
    switch ((int)committed->err) {
    case SL_OK:
        FAIL_POINT("committed", activity(work));
        turn_take(work, committed);
        turn_go_on(work);
        break;
    case SL_ECONFLICT:
    case SL_EEXIST:
        runtime->stats.conflicts++;
        turn_refused(work, committed);
        break;
    case SL_EFAILED:
    case SL_ENOENT:
    case SL_EREFUSED:
        turn_refused(work, committed);
        break;
    default: /* the store cannot take it: a balance out of range, a key of a wrong type */
        log_error("%s %s: the store refused a commit: %s", work->kind->name, work->id, committed->detail);
        work->turn.failure = STEP_FAIL;
        work->turn.reason = arena_strdup(work->arena, committed->detail);
        work->turn.note_count = 0;
        work->loaded = false;
        turn_fail(work);
        break;
    }
}

/* ---- the effect ---- */

static void effect_done(void *arg, uint64_t number, const struct effect_result *result)
{
    struct runtime *runtime = arg;
    struct effect_out *out;
    struct work *work;

    HASH_FIND(hh, runtime->effects, &number, sizeof(number), out);
    if (!out)
        return; /* its work has been let go */
    work = out->work;
    HASH_DEL(runtime->effects, out);
    free(out);
    work->result = arena_memdup(work->arena, result, sizeof(*result));
    FAIL_POINT("effect_done", activity(work));
    if (!work->extending)
        turn_effect_done(work);
}

static void turn_effect(struct work *work)
{
    struct runtime *runtime = work->runtime;
    struct effect_out *out = xcalloc(1, sizeof(*out));

    out->number = work->number = ++runtime->next_number;
    out->work = work;
    work->performed = work->turn.effect;
    judge_waiting(work);
    HASH_ADD(hh, runtime->effects, number, sizeof(out->number), out);
    work->phase = PHASE_EFFECT;
    runtime->stats.effects++;
    FAIL_POINT("effect", activity(work));
    runtime->setup.effects->start(runtime->setup.effects_ctx, work->turn.effect, out->number, work->arena, effect_done,
                                  runtime);
}

void turn_effect_done(struct work *work)
{
    judge_waiting(work); /* before the state is another one */
    work->phase = PHASE_READY;
    if (work->turn.ahead)
        work->turn.ahead = false;
    else
        turn_begin(work);
    turn_run(work, IN_EFFECT);
}

void turn_abandon(struct work *work)
{
    struct runtime *runtime = work->runtime;
    struct effect_out *out;

    HASH_FIND(hh, runtime->effects, &work->number, sizeof(work->number), out);
    if (out) {
        HASH_DEL(runtime->effects, out);
        free(out);
        runtime->setup.effects->cancel(runtime->setup.effects_ctx, work->number);
    }
    work->phase = PHASE_READY;
    work->result = NULL;
    if (work->lost) {
        log_warn("%s %s: its claim was lost during %s; another daemon goes on", work->kind->name, work->id,
                 activity(work));
        if (work->current)
            work->current->conflicts++;
        work_reload(work);
    } else {
        if (work->turn.ahead)
            work->loaded = false; /* what is in memory is ahead of the store, and is dropped */
        turn_answer(work, SL_EDOWN, false, "the daemon is stopping");
        turn_release(work);
    }
}

/* ---- failures of handling ---- */

static int64_t retry_wait_ms(const struct retry_policy *policy, int attempts)
{
    int64_t wait = policy->first_ms;

    while (--attempts > 0 && wait < policy->max_ms)
        wait = wait > policy->max_ms / policy->factor ? policy->max_ms : wait * policy->factor;
    return wait < policy->max_ms ? wait : policy->max_ms;
}

/* A call that was begun fails like a step of the timer, and is no way around the waits between attempts: whoever came
 * for it before its time was told, and its next attempt stays where it was. */
static void turn_fail_answer(struct work *work)
{
    const char *reason = work->turn.reason;

    if (asked_is_current(work) && work->turn.retried) {
        turn_answer(work, SL_EDOWN, false, reason);
        work_answer_all(work, SL_EDOWN, "a call before it is not answered yet; nothing was done");
    } else {
        turn_answer(work, SL_EFAILED, false, reason);
    }
}

static void turn_fail_recorded(void *arg, enum sl_err err, int64_t token_ms, int64_t now_ms)
{
    struct work *work = arg;

    work->phase = PHASE_READY;
    if (!err) {
        runtime_saw_time(work->runtime, now_ms);
        work->due_ms = token_ms; /* where the wheel has it now */
        work->token_ms = 0;
        turn_hand_notes(work, work->turn.note_count);
        turn_tell(work, work->due_ms);
    }
    turn_fail_answer(work);
    work_reload(work); /* on an error too: the claim runs out and the step comes again */
}

void turn_fail(struct work *work)
{
    struct runtime *runtime = work->runtime;
    const struct retry_policy *policy = runtime->setup.retry.attempts_max ? &runtime->setup.retry : &work->kind->retry;
    struct turn *turn = &work->turn;
    int64_t ahead_ms = asked_ahead_ms(work);
    int attempts = work->attempts + (ahead_ms == 0);
    bool again = turn->failure == STEP_RETRY && attempts < policy->attempts_max;
    struct step_failure failure = {
        .kind = work->kind, .id = work->id, .expect_version = work->version, .expect_token_ms = work->token_ms,
        .reason = turn->reason, .attempts = attempts,
        .retry_ms = !again ? 0 : ahead_ms ? ahead_ms : retry_wait_ms(policy, attempts),
        .asked_ends = asked_is_current(work) && turn->cause == CAUSE_DECLINED,
        /* What was once asked and not answered stays open, whatever comes of asking again, until it is answered,
         * be it with a no. */
        .cause = work->cause == CAUSE_UNKNOWN_OUTCOME && turn->cause != CAUSE_DECLINED ? CAUSE_UNKNOWN_OUTCOME : turn->cause,
    };

    if (again) {
        runtime->stats.retries++;
        runtime->stats.retries_by[failure.cause]++;
        log_warn("%s %s: %s; tried again in %" PRId64 " ms", work->kind->name, work->id, turn->reason, failure.retry_ms);
    } else {
        runtime->stats.failures++;
        runtime->stats.failures_by[failure.cause]++;
        log_error("%s %s is parked as failed: %s", work->kind->name, work->id, turn->reason);
    }
    turn->retried = again;
    work->phase = PHASE_FAIL;
    FAIL_POINT("fail", work->loaded ? activity(work) : "?");
    runtime->setup.store->fail(runtime->setup.store_ctx, &failure, turn_fail_recorded, work);
}

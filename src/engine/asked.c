/* Calls from outside that must come to an end once their effect has begun.
 *
 *     call --> step orders an effect --> commit: the claim, and the call itself (ASKED_SET) --> effect --> step
 *                                                                                                   |
 *                      commit: what came of it, and the call is over (ASKED_END) <------------------'
 *
 * Whoever loads a machine with such a call runs it before anything else: its daemon died in between, was stopped, or did
 * not hear the world's answer. The same state and the same handler order the same effect under the same key, so what the
 * world has done is found out and not done again. Nobody may wait for the reply any more; then the call is run for a
 * request that is answered already. The same call made again meanwhile is run in its place.
 *
 * Stored: "JSON", or "KEY FINGERPRINT JSON" if the caller gave an idempotency key, so that the commit that ends the call
 * leaves that key behind whoever makes it. Ref: doc/decisions/0015-calls-that-were-begun.md.               */
#include <string.h>

#include "base/log.h"
#include "base/xmalloc.h"
#include "engine/runtime_internal.h"

const char *runtime_asked_json(const char *asked)
{
    const char *rest = asked && *asked != '{' ? strchr(asked, ' ') : NULL;

    return rest && (rest = strchr(rest + 1, ' ')) ? rest + 1 : asked;
}

bool asked_is_open(const struct work *work)
{
    return work->asked && !work->asked_over && !work->failed && work->version > 0;
}

bool asked_is_current(const struct work *work)
{
    return work->asked && !work->asked_over && work->current && work->current->kind == REQ_CALL;
}

bool asked_is(const struct work *work, const struct request *request)
{
    struct buf json = BUF_EMPTY;
    bool same;

    if (!work->asked || request->kind != REQ_CALL || !work->kind->keep || !work->kind->keep(request->args, &json))
        return false;
    same = strcmp(buf_text(&json), runtime_asked_json(work->asked)) == 0;
    buf_clear(&json);
    return same;
}

bool asked_write(struct work *work)
{
    const struct request *request = work->current;
    struct buf *out = &work->turn.asked;

    if (!request || request->kind != REQ_CALL || work->turn.answers || !work->kind->keep || asked_is(work, request))
        return false;
    if (request->once)
        buf_printf(out, "%s %s ", request->once->key, request->once->fingerprint);
    if (!work->kind->keep(request->args, out))
        buf_reset(out);
    return out->len > 0;
}

enum commit_asked asked_commit(const struct work *work)
{
    const struct turn *turn = &work->turn;
    bool answered = asked_is_current(work) && (!turn->effect || turn->change_count > 0);
    bool repaired = work->current && work->current->kind == REQ_REPAIR && (turn->change_count > 0 || turn->remove);

    if (turn->asked.len > 0)
        return ASKED_SET;
    if (!work->asked)
        return ASKED_NONE;
    return answered || repaired || work->asked_over ? ASKED_END : ASKED_KEEP;
}

void asked_take(struct work *work)
{
    switch (work->turn.asked_as) {
    case ASKED_SET: work->asked = arena_strdup(work->arena, buf_text(&work->turn.asked)); break;
    case ASKED_END:
        work->asked = NULL;
        work->asked_over = false;
        work->retry_at_ms = 0;
        work->attempts = 0;
        work->cause = CAUSE_OTHER;
        break;
    case ASKED_NONE:
    case ASKED_KEEP: break;
    }
}

void asked_load(struct work *work, const struct store_loaded *loaded)
{
    const struct machine_info *info = &loaded->info;
    bool ours = info->score_ms == work->token_ms || info->score_ms == work->reclaimed_ms;
    bool later = info->score_ms > loaded->now_ms && !ours;

    work->asked = info->asked && *info->asked ? arena_strdup(work->arena, info->asked) : NULL;
    work->asked_over = false;
    work->held = later && strcmp(info->status, "working") == 0 && info->score_ms != info->due_ms;
    work->retry_at_ms = later && strcmp(info->status, "retrying") == 0 ? info->score_ms : 0;
}

int64_t asked_ahead_ms(const struct work *work)
{
    int64_t ahead_ms = work->retry_at_ms - runtime_now_us(work->runtime) / 1000;

    return asked_is_current(work) && ahead_ms > 0 ? ahead_ms : 0;
}

/* A request without a requester, for the call that is stored. NULL: it cannot be read. */
static struct request *request_of_asked(struct work *work)
{
    const char *json = runtime_asked_json(work->asked), *blank = strchr(work->asked, ' ');
    const void *args = work->kind->recall ? work->kind->recall(json, strlen(json), work->arena) : NULL;
    struct runtime_once once;
    struct request *request;

    if (!args)
        return NULL;
    request = xcalloc(1, sizeof(*request));
    request->kind = REQ_CALL;
    request->args = args;
    request->answered = request->looked = request->recalled = true;
    if (json != work->asked) {
        once.key = arena_strndup(work->arena, work->asked, (size_t)(blank - work->asked));
        once.fingerprint = arena_strndup(work->arena, blank + 1, (size_t)(json - blank - 2));
        request->once = once_copy(&once);
    }
    return request;
}

void asked_resume(struct work *work)
{
    if (work->held && !work->token_ms) { /* its daemon is at it, or has died and its claim runs out soon */
        work_answer_all(work, SL_EDOWN, "a call to it is under way; nothing was done");
        work_reload(work);
        return;
    }
    turn_begin(work);
    work->current = request_of_asked(work);
    if (work->current) {
        turn_run(work, IN_CALL);
        return;
    }
    work->turn.failure = STEP_FAIL;
    work->turn.reason = "a call that was begun cannot be read";
    turn_fail(work);
}

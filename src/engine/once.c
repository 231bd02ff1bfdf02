/* Requests that may come twice and are to be done once.
 *
 * The commit that answers a request with a key leaves behind what was asked, which event was its, and its reply:
 * "fingerprint version reply". Events stay, so the first answer can be made again from them at any time: nothing of
 * the answer itself has to be kept, and it is right whichever daemon gives it.
 *
 *     work_next --> once_look --> nothing there --> run; its commit is refused if the key is there by then
 *                      '--> something --> fold the state as of that event --> the answer of then
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/fold.h"
#include "engine/runtime_internal.h"

/* ---- writing ---- */

static const struct type *reply_type(const struct work *work)
{
    const struct request *request = work->current;

    return request->kind != REQ_START && work->kind->reply ? work->kind->reply(request->args) : NULL;
}

void once_write(struct work *work)
{
    struct turn *turn = &work->turn;
    const struct type *type;

    if (turn->once.len > 0)
        return; /* sent again, perhaps after the caller was answered and took its args with it */
    type = reply_type(work);
    buf_printf(&turn->once, "%s %" PRId64 " ", work->current->once->fingerprint, work->version + (turn->change_count > 0));
    if (type && work->reply)
        type_encode(type, work->reply, &turn->once);
}

/* ---- reading ---- */

/* Of a start, too, and before its step: what refuses it now did perhaps not do so when it was done. */
bool once_is_due(const struct request *request)
{
    return request->once && !request->looked && !request->answered;
}

/* Done with the current request, whatever else there is to do. */
static void once_end(struct work *work)
{
    request_free(work->current);
    work->current = NULL;
    work_next(work);
}

static void once_err(struct work *work, enum sl_err err, const char *detail)
{
    work->reply = NULL;
    request_answer(work, work->current, err, false, detail);
    once_end(work);
}

/* A claim that came while we looked is not to be forgotten. */
static void once_claims(struct work *work)
{
    work->phase = PHASE_READY;
    if (!work->reclaimed_ms)
        return;
    work->token_ms = work->reclaimed_ms;
    work->reclaimed_ms = 0;
    work->timer_due = true;
}

/* What stands behind the version; NULL: no reply, or none that can be read. */
static const void *reply_read(struct work *work, const char *text, struct arena *arena)
{
    const struct type *type = reply_type(work);
    void *reply;

    if (!type || !*text)
        return NULL;
    reply = arena_alloc(arena, type->size);
    return type_decode_text(type, text, strlen(text), TYPE_STORED, arena, reply, NULL) ? NULL : reply;
}

static void once_loaded(void *arg, const struct store_loaded *loaded)
{
    struct work *work = arg;
    struct request *request = work->current;
    struct arena *arena = arena_new();
    struct runtime_result result = { .err = loaded->err, .detail = loaded->detail, .id = work->id, .repeated = true };
    void *state = NULL;

    once_claims(work);
    if (!result.err)
        result.err = machine_fold(work->kind, loaded, arena, &state, &result.detail);
    if (!result.err) {
        result.state = state;
        result.version = (int64_t)loaded->event_count;
        result.reply = reply_read(work, buf_text(&work->turn.once), arena);
    }
    if (!request->answered)
        request->done(request->done_arg, &result);
    request->answered = true;
    arena_free(arena);
    once_end(work);
}

static void once_looked(void *arg, enum sl_err err, const char *value)
{
    struct work *work = arg;
    struct runtime *runtime = work->runtime;
    const struct runtime_once *once = work->current->once;
    size_t len = strlen(once->fingerprint);
    int64_t version;
    char *rest;

    once_claims(work);
    if (err) {
        once_err(work, SL_EDOWN, "the store cannot be reached; nothing was done");
    } else if (!value) {
        work->current->looked = true;
        request_put_back(work);
        work_next(work);
    } else if (strncmp(value, once->fingerprint, len) != 0 || value[len] != ' ') {
        once_err(work, SL_ECONFLICT, "this key was used for another request");
    } else {
        version = strtoll(value + len + 1, &rest, 10);
        turn_begin(work);
        buf_str(&work->turn.once, *rest == ' ' ? rest + 1 : rest);
        work->phase = PHASE_ONCE;
        runtime->setup.store->load(runtime->setup.store_ctx, work->kind, work->id, version, once_loaded, work);
    }
}

void once_look(struct work *work)
{
    struct runtime *runtime = work->runtime;

    work->phase = PHASE_ONCE;
    runtime->setup.store->once(runtime->setup.store_ctx, work->kind, work->id, work->current->once->key, once_looked,
                               work);
}

/* The bank's callbacks and its changes of sessions, on their way to the daemons. */
#include "sim/traffic.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

struct callback_want {
    struct sim *sim;
    struct want *want;
    struct daemon *daemon;
    uint64_t life;
};

static void callback_then(struct want *want, int verdict)
{
    want->callback_done(want->callback_arg, verdict == VERDICT_DONE      ? CALLBACK_TAKEN
                                            : verdict == VERDICT_REFUSED ? CALLBACK_REFUSED
                                                                         : CALLBACK_UNKNOWN);
    want->sim->traffic->calls--;
}

static void callback_resolved(void *arg, enum sl_err err, const char *id)
{
    struct callback_want *asked = arg;
    struct want *want = asked->want;

    want->out--;
    if (!err && asked->daemon->life == asked->life && !asked->daemon->doomed) {
        want->id = arena_strdup(want->arena, id);
        want->tries++;
        want_try_at(want, asked->daemon);
    } else {
        want_end(want, VERDICT_UNKNOWN);
        want_release(want);
    }
    free(asked);
}

static void callback_go(void *arg)
{
    struct callback_want *asked = arg;
    struct want *want = asked->want;

    asked->daemon = daemon_any(asked->sim);
    want->out = 1;
    if (asked->daemon) {
        asked->life = asked->daemon->life;
        runtime_resolve_tag(asked->daemon->runtime, want->call.kind == CALL_CALLBACK ? want->call.callback.tag
                                                                                     : want->call.session_change.tag,
                            callback_resolved, asked);
        return;
    }
    want->out = 0;
    want_end(want, VERDICT_UNKNOWN);
    want_release(want);
    free(asked);
}

static void callback_start(struct sim *sim, struct want *want, callback_done_fn done, void *arg)
{
    struct callback_want *asked = xcalloc(1, sizeof(*asked));

    *asked = (struct callback_want){ .sim = sim, .want = want };
    want->sim = sim;
    want->kind = &sim->kind;
    want->id = "?";
    want->how = WANT_CALL;
    want->args = &want->call;
    want->then = callback_then;
    want->callback_done = done;
    want->callback_arg = arg;
    sim->traffic->calls++;
    clock_after(sim, 1, 0, callback_go, asked);
}

void traffic_callback(struct sim *sim, const char *tag, const char *payload, callback_done_fn done, void *arg)
{
    struct want *want = xcalloc(1, sizeof(*want));

    want->arena = arena_new();
    want->deed = DEED_CALLBACK;
    want->call.kind = CALL_CALLBACK;
    want->call.callback.tag = arena_strdup(want->arena, tag);
    want->call.callback.payload = arena_strdup(want->arena, payload);
    callback_start(sim, want, done, arg);
}

void traffic_session_change(struct sim *sim, const char *tag, callback_done_fn done, void *arg)
{
    struct want *want = xcalloc(1, sizeof(*want));
    struct session_change_call *call = &want->call.session_change;

    want->sim = sim;
    want->kind = &sim->kind;
    want->arena = arena_new();
    want->deed = DEED_SESSION_CHANGE;
    snprintf(want->what, sizeof(want->what), "mark-%" PRIu64 ";", ++sim->traffic->markers);
    want_needle(want, NULL);
    want->call.kind = CALL_SESSION_CHANGE;
    call->tag = arena_strdup(want->arena, tag);
    call->change.tag = call->change.status.tag = 1;
    call->change.status.failure.code = "authorization_failed";
    call->change.status.failure.reason = want->what;
    callback_start(sim, want, done, arg);
}

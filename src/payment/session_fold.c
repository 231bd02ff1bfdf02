/* What each change does to a session. Ref: doc/spec/session.md 1. */
#include <assert.h>
#include <string.h>

#include "payment/state.h"

static void fold_suspended(struct session *session, const struct session_suspended *suspended, struct arena *arena)
{
    size_t count = session->tags.count;
    const char **tags;

    session->status = SESSION_SUSPENDED;
    session->timeout_behaviour = suspended->timeout_behaviour;
    if (!suspended->tag)
        return;
    tags = arena_array(arena, count + 1, sizeof(*tags));
    tags[0] = suspended->tag;
    if (count)
        memcpy(tags + 1, session->tags.items, count * sizeof(*tags));
    session->tags = (struct type_list){ tags, count + 1 };
}

static void fold_interaction(struct session *session, const struct session_interaction_changed *changed)
{
    if (changed->status.tag == INTERACTION_COMPLETED) {
        session->interaction = NULL;
        return;
    }
    session->interaction = &changed->interaction;
    session->interacted = true;
}

void session_fold(struct session *session, const struct session_change *change, struct arena *arena)
{
    session->changes++;
    switch (change->tag) {
    case SCHG_FINISHED:
        session->status = SESSION_FINISHED;
        session->result = change->session_finished.result;
        break;
    case SCHG_SUSPENDED: fold_suspended(session, &change->session_suspended, arena); break;
    case SCHG_ACTIVATED: session->status = SESSION_ACTIVE; break;
    case SCHG_TRANSACTION_BOUND: session->trx = &change->session_transaction_bound.trx; break;
    case SCHG_PROXY_STATE_CHANGED: session->proxy_state = change->session_proxy_state_changed.proxy_state; break;
    case SCHG_INTERACTION_CHANGED: fold_interaction(session, &change->session_interaction_changed); break;
    default: assert(!"a session begins in payment_fold.c");
    }
}

/* What each change does to a refund, and where it leads its payment: a refund is a small state machine inside
 * the payment, which has the activity `refund` until the refund is over.
 * Ref: doc/spec/refunds.md 5; doc/spec/payment.md 5. */
#include <string.h>

#include "payment/state.h"

static void fold_session(const struct payment_state *payment, struct refund_state *refund,
                         const struct payment_session_change *change, struct arena *arena)
{
    const struct route *route = payment_route(payment);
    struct session session = { .target = change->target, .status = SESSION_ACTIVE };

    if (change->payload.tag != SCHG_STARTED) {
        if (refund_session(refund))
            session_fold(refund_session(refund), &change->payload, arena);
        return;
    }
    if (route)
        session.route = *route;
    list_push(&refund->sessions, &session, sizeof(session), arena); /* without the payment's transaction */
}

static void refund_add(struct payment_state *payment, const struct refund_created *created, struct arena *arena)
{
    struct refund_state *refunds = arena_array(arena, payment->refunds.count + 1, sizeof(*refunds));

    if (payment->refunds.count)
        memcpy(refunds, payment->refunds.items, payment->refunds.count * sizeof(*refunds));
    refunds[payment->refunds.count] = (struct refund_state){
        .refund = created->refund, .cash_flow = created->cash_flow, .transaction_info = created->transaction_info,
    };
    payment->refunds = (struct type_list){ refunds, payment->refunds.count + 1 };
}

/* Why CHANGE may not come now; NULL: it may. A refund is created while the payment has nothing to do; it changes
 * while the payment is busy with it. */
static const char *refuse(const struct payment_state *payment, const struct payment_refund_change *change,
                          struct arena *arena)
{
    const struct refund_state *refund = payment_refund(payment, change->id);
    const char *name = type_name_of(&type_refund_change, change->payload.tag);

    if (change->payload.tag == RCHG_CREATED) {
        if (refund || strcmp(change->id, change->payload.created->refund.id) != 0)
            return arena_printf(arena, "there is a refund %s already, or it has another name", change->id);
        if (payment->activity != ACT_IDLE)
            return arena_printf(arena, "%s may not come in %s", name, activity_name(payment->activity));
        return NULL;
    }
    if (!refund || payment_pending_refund(payment) != refund)
        return arena_printf(arena, "%s of refund %s may not come in %s", name, change->id,
                            activity_name(payment->activity));
    if (change->payload.tag == RCHG_SESSION_CHANGE && change->payload.session_change->payload.tag != SCHG_STARTED &&
        !refund_session(refund))
        return arena_printf(arena, "refund %s has no session", change->id);
    return NULL;
}

const char *refund_fold(struct payment_state *payment, const struct payment_refund_change *change, bool strict,
                        struct arena *arena)
{
    const struct refund_change *payload = &change->payload;
    const char *why = strict ? refuse(payment, change, arena) : NULL;
    struct refund_state *refund;

    if (why)
        return why;
    if (payload->tag == RCHG_CREATED && !payment_refund(payment, change->id))
        refund_add(payment, payload->created, arena);
    refund = payment_refund(payment, change->id);
    if (!refund)
        return arena_printf(arena, "there is no refund %s", change->id);
    switch (payload->tag) {
    case RCHG_CREATED: break;
    case RCHG_SESSION_CHANGE: fold_session(payment, refund, payload->session_change, arena); break;
    case RCHG_ROLLBACK_STARTED: refund->failure = &payload->rollback_started->reason; break;
    case RCHG_STATUS_CHANGED: refund->refund.status = payload->status_changed->status; break;
    default: return "an unknown change of a refund";
    }
    activity_set(payment, refund_stage(refund) == REFUND_FINISHED ? ACT_IDLE : ACT_REFUND);
    payment->operation_id = payment->activity == ACT_REFUND ? refund->refund.id : NULL;
    return NULL;
}

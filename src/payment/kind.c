#include "payment/kind.h"

#include <assert.h>

#include "payment/calls.h"
#include "payment/dictionary.h"
#include "payment/invoice.h"
#include "payment/repair.h"
#include "payment/state.h"
#include "payment/steps.h"

static void step_call(const struct step_in *in, struct step_out *out, const struct invoice_call *call)
{
    switch (call->kind) {
    case CALL_RESCIND: invoice_rescind(in, out, &call->rescind); break;
    case CALL_FULFILL: invoice_fulfill(in, out, &call->fulfill); break;
    case CALL_START_PAYMENT: start_payment(in, &call->start_payment, out); break;
    case CALL_REGISTER_PAYMENT: register_payment(in, &call->register_payment, out); break;
    case CALL_CALLBACK: callback(in, &call->callback, out); break;
    case CALL_SESSION_CHANGE: session_change(in, &call->session_change, out); break;
    case CALL_REFUND: refund_payment(in, &call->refund, out); break;
    case CALL_REPAIR: repair(in, call->repair, out); break;
    case CALL_REPAIR_SCENARIO: repair_with_scenario(in, call->repair_scenario, out); break;
    case CALL_CAPTURE: capture_payment(in, &call->capture, out); break;
    case CALL_CANCEL: cancel_payment(in, &call->cancel, out); break;
    default: assert(!"a call of no kind");
    }
}

static void invoice_step(const struct step_in *in, struct step_out *out)
{
    const struct invoice_state *state = in->state;

    switch (in->input) {
    case IN_INIT: invoice_init(in, out); break;
    case IN_CALL:
    case IN_REPAIR: step_call(in, out, in->args); break;
    case IN_EFFECT:
        if (in->call)
            step_call(in, out, in->call);
        else
            payment_step(in, out);
        break;
    case IN_TIMEOUT:
        if (state->active)
            payment_step(in, out);
        else
            invoice_expire(in, out);
        break;
    }
}

static struct machine_label invoice_label(const void *state_in)
{
    const struct invoice_state *state = state_in;
    const struct payment_state *active = invoice_active_payment(state);
    int status = state->invoice.status.tag;

    return (struct machine_label){
        .activity = active ? payment_activity_label(active) : "invoice",
        .status = status ? type_name_of(&type_invoice_status, status) : "",
        .finished = !active && status > INVOICE_UNPAID,
    };
}

static int64_t invoice_revision(const void *state)
{
    const struct payment_state *active = invoice_active_payment(state);
    const struct refund_state *refund = active ? payment_pending_refund(active) : NULL;

    if (refund && refund_stage(refund) != REFUND_SESSION) /* its limits are those of its own revision */
        return refund->refund.domain_revision;
    return active ? active->payment.domain_revision : 0;
}

/* Replies that an answer is made of beside the state. */
static const struct type *invoice_reply(const void *args)
{
    const struct invoice_call *call = args;

    if (!call)
        return NULL;
    switch (call->kind) {
    case CALL_START_PAYMENT:
    case CALL_REGISTER_PAYMENT: return &type_start_payment_reply;
    case CALL_REFUND: return &type_refund_reply;
    case CALL_CALLBACK: return &type_callback_reply;
    default: return NULL;
    }
}

/* What a bank was asked for its callback must come to an end even if the callback does not come again. Other calls have no
 * effects, and those of a repair are made again by whoever repairs. */
static bool invoice_keep(const void *args, struct buf *out)
{
    const struct invoice_call *call = args;
    struct kept_call kept = { .tag = KEPT_PROVIDER_CALLBACK };

    if (call->kind != CALL_CALLBACK)
        return false;
    kept.provider_callback = call->callback;
    type_encode(&type_kept_call, &kept, out);
    return true;
}

/* What merchants order is judged by what they could know. Reports of what has happened at a provider wait for their turn:
 * the step under way may be what they are about. */
static bool invoice_judged(const void *args)
{
    const struct invoice_call *call = args;

    switch (call->kind) {
    case CALL_RESCIND:
    case CALL_FULFILL:
    case CALL_START_PAYMENT:
    case CALL_REGISTER_PAYMENT:
    case CALL_CAPTURE:
    case CALL_CANCEL:
    case CALL_REFUND: return true;
    default: return false;
    }
}

static const void *invoice_recall(const char *json, size_t len, struct arena *arena)
{
    struct invoice_call *call = arena_alloc(arena, sizeof(*call));
    struct type_errors errors = { 0 };
    struct kept_call kept;

    if (type_decode_text(&type_kept_call, json, len, TYPE_STORED, arena, &kept, &errors) || !kept.tag)
        return NULL;
    call->kind = CALL_CALLBACK;
    call->callback = kept.provider_callback;
    return call;
}

static bool invoice_begins(const void *args)
{
    const struct invoice_call *call = args;

    return call->kind == CALL_START_PAYMENT || call->kind == CALL_REGISTER_PAYMENT;
}

const struct machine_kind invoice_kind = {
    .name = "inv",
    .change = &type_invoice_change,
    .state = &type_invoice_state,
    .retry = { .first_ms = 1000, .factor = 2, .max_ms = 30 * 60 * 1000, .attempts_max = 100 },
    .fold = invoice_fold,
    .step = invoice_step,
    .label = invoice_label,
    .revision = invoice_revision,
    .reply = invoice_reply,
    .dictionaries = payment_dictionaries,
    .judged = invoice_judged,
    .keep = invoice_keep,
    .recall = invoice_recall,
    .begins = invoice_begins,
};

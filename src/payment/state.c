/* The table of the state, for snapshots, and what is often asked of it. */
#include "payment/state.h"

#include <assert.h>
#include <string.h>

static const char *const activity_names[] = {
    [ACT_NEW] = "new",
    [ACT_SHOP_LIMIT_INITIALIZING] = "shop_limit_initializing",
    [ACT_SHOP_LIMIT_FINALIZING] = "shop_limit_finalizing",
    [ACT_RISK_SCORING] = "risk_scoring",
    [ACT_ROUTING] = "routing",
    [ACT_CASH_FLOW_BUILDING] = "cash_flow_building",
    [ACT_PROCESSING_SESSION] = "processing_session",
    [ACT_PROCESSING_ACCOUNTER] = "processing_accounter",
    [ACT_FLOW_WAITING] = "flow_waiting",
    [ACT_PROCESSING_CAPTURE] = "processing_capture",
    [ACT_UPDATING_ACCOUNTER] = "updating_accounter",
    [ACT_FINALIZING_SESSION] = "finalizing_session",
    [ACT_FINALIZING_ACCOUNTER] = "finalizing_accounter",
    [ACT_SHOP_LIMIT_FAILURE] = "shop_limit_failure",
    [ACT_ROUTING_FAILURE] = "routing_failure",
    [ACT_PROCESSING_FAILURE] = "processing_failure",
    [ACT_REFUND] = "refund",
    [ACT_IDLE] = "idle",
};
_Static_assert(SL_COUNT(activity_names) == ACT_COUNT + 1, "every activity has a name");
const struct type type_activity = TYPE_ENUM_OF("Activity", activity_names);

static const char *const session_status_names[] = {
    [SESSION_ACTIVE] = "active", [SESSION_SUSPENDED] = "suspended", [SESSION_FINISHED] = "finished",
};
static const struct type type_session_status = TYPE_ENUM_OF("SessionStatus", session_status_names);

static const struct type_field failed_rows[] = { TF_REQ(failed, failure, type_operation_failure) };
static const struct type type_failed = TYPE_STRUCT_OF(NULL, failed, failed_rows);
static const struct type_field result_rows[] = { TF_EMPTY("ok"), TF_VARP(session_result, failed, type_failed) };
static const struct type type_result = TYPE_UNION_OF(NULL, session_result, result_rows);
static const struct type type_tags = TYPE_LIST_OF(type_str);

#define ROW(S, NAME, M, T, FLAGS) { NAME, &(T), offsetof(struct S, M), FLAGS }
static const struct type_field session_rows[] = {
    ROW(session, "g", target, type_target, TYPE_REQUIRED),
    ROW(session, "r", route, type_route, TYPE_REQUIRED),
    ROW(session, "s", status, type_session_status, TYPE_REQUIRED),
    ROW(session, "e", result, type_result, 0),
    ROW(session, "x", trx, type_trx, TYPE_POINTER),
    ROW(session, "p", proxy_state, type_adapter_base64, 0),
    ROW(session, "t", tags, type_tags, 0),
    ROW(session, "o", timeout_behaviour, type_timeout_behaviour, 0),
    ROW(session, "i", interaction, type_user_interaction, TYPE_POINTER),
    ROW(session, "u", interacted, type_bool, 0),
    ROW(session, "n", changes, type_i64, 0),
};
static const struct type type_session = TYPE_STRUCT_OF(NULL, session, session_rows);
static const struct type type_sessions = TYPE_LIST_OF(type_session);

static const struct type_field refund_rows[] = {
    ROW(refund_state, "r", refund, type_refund, TYPE_REQUIRED),
    ROW(refund_state, "f", cash_flow, type_cash_flow, 0),
    ROW(refund_state, "x", transaction_info, type_trx, TYPE_POINTER),
    ROW(refund_state, "s", sessions, type_sessions, 0),
    ROW(refund_state, "e", failure, type_operation_failure, TYPE_POINTER),
};
static const struct type type_refund_state = TYPE_STRUCT_OF(NULL, refund_state, refund_rows);
static const struct type type_refunds = TYPE_LIST_OF(type_refund_state);

static const struct type_field payment_rows[] = {
    ROW(payment_state, "p", payment, type_payment, TYPE_REQUIRED),
    ROW(payment_state, "a", activity, type_activity, TYPE_REQUIRED),
    ROW(payment_state, "o", operation_id, type_str, 0),
    ROW(payment_state, "g", target, type_target, 0),
    ROW(payment_state, "k", risk_score, type_risk_score, 0),
    ROW(payment_state, "r", routes, type_routes, 0),
    ROW(payment_state, "c", candidates, type_routes, 0),
    ROW(payment_state, "sc", scores, type_route_score_entries, 0),
    ROW(payment_state, "li", limits, type_route_limit_entries, 0),
    ROW(payment_state, "f", cash_flow, type_cash_flow, 0),
    ROW(payment_state, "fp", partial_cash_flow, type_cash_flow, 0),
    ROW(payment_state, "fn", new_cash_flow, type_cash_flow, 0),
    ROW(payment_state, "ff", final_flow, type_i64, 0),
    ROW(payment_state, "n", new_cash, type_cash, TYPE_POINTER),
    ROW(payment_state, "np", new_cash_provided, type_bool, 0),
    ROW(payment_state, "x", trx, type_trx, TYPE_POINTER),
    ROW(payment_state, "s", sessions, type_sessions, 0),
    ROW(payment_state, "t", recurrent_token, type_adapter_text, 0),
    ROW(payment_state, "ct", cascade_tokens, type_card_tokens, TYPE_POINTER),
    ROW(payment_state, "d", capture_data, type_capture_data, TYPE_POINTER),
    ROW(payment_state, "e", failure, type_operation_failure, TYPE_POINTER),
    ROW(payment_state, "sl", shop_limit_status, type_i64, 0),
    ROW(payment_state, "rf", refunds, type_refunds, 0),
};
const struct type type_payment_state = TYPE_STRUCT_OF(NULL, payment_state, payment_rows);
static const struct type type_payments = TYPE_LIST_OF(type_payment_state);

static const struct type_field invoice_rows[] = {
    ROW(invoice_state, "f", format, type_i64, TYPE_REQUIRED),
    ROW(invoice_state, "i", invoice, type_invoice, TYPE_REQUIRED),
    ROW(invoice_state, "p", payments, type_payments, 0),
    ROW(invoice_state, "a", active, type_str, 0),
};
const struct type type_invoice_state = TYPE_STRUCT_OF(NULL, invoice_state, invoice_rows);

const char *activity_name(int activity)
{
    assert(activity >= 1 && activity <= ACT_COUNT);
    return activity_names[activity];
}

static const char *const refund_labels[] = {
    [REFUND_NEW] = "refund_new",
    [REFUND_SESSION] = "refund_session",
    [REFUND_ACCOUNTER] = "refund_accounter",
    [REFUND_FAILURE] = "refund_failure",
    [REFUND_FINISHED] = "refund",
};

const char *payment_activity_label(const struct payment_state *payment)
{
    const struct refund_state *refund = payment_pending_refund(payment);

    return refund ? refund_labels[refund_stage(refund)] : activity_name(payment->activity);
}

struct payment_state *invoice_payment(const struct invoice_state *state, const char *id)
{
    struct payment_state *payments = state->payments.items;
    size_t i;

    for (i = 0; i < state->payments.count; i++) {
        if (strcmp(payments[i].payment.id, id) == 0)
            return &payments[i];
    }
    return NULL;
}

const char *invoice_free_id(const struct invoice_state *state, struct arena *arena)
{
    size_t number = state->payments.count + 1;
    const char *id = arena_printf(arena, "%zu", number);

    while (invoice_payment(state, id))
        id = arena_printf(arena, "%zu", ++number);
    return id;
}

struct payment_state *invoice_active_payment(const struct invoice_state *state)
{
    return state->active ? invoice_payment(state, state->active) : NULL;
}

const struct route *payment_route(const struct payment_state *payment)
{
    return payment->routes.count ? payment->routes.items : NULL;
}

bool route_equal(const struct route *a, const struct route *b)
{
    return a->provider.id == b->provider.id && a->terminal.id == b->terminal.id;
}

struct session *payment_session(const struct payment_state *payment, int target)
{
    const struct route *route = payment_route(payment);
    struct session *sessions = payment->sessions.items;
    size_t i;

    for (i = 0; route && i < payment->sessions.count; i++) {
        if (sessions[i].target.tag == target && route_equal(&sessions[i].route, route))
            return &sessions[i];
    }
    return NULL;
}

int payment_retries(const struct payment_state *payment, int target)
{
    const struct session *sessions = payment->sessions.items;
    int count = -1;
    size_t i;

    for (i = 0; i < payment->sessions.count; i++)
        count += sessions[i].target.tag == target;
    return count;
}

int64_t payment_iter(const struct payment_state *payment)
{
    int64_t iter = (int64_t)payment->routes.count;

    return payment->new_cash_provided ? iter * 1000 : iter;
}

const struct type_list *payment_final_flow(const struct payment_state *payment)
{
    switch (payment->final_flow) {
    case FINAL_FIRST: return &payment->cash_flow;
    case FINAL_PARTIAL: return &payment->partial_cash_flow;
    case FINAL_NEW: return &payment->new_cash_flow;
    default: return NULL;
    }
}

const struct cash *payment_state_cost(const struct payment_state *payment)
{
    return payment_cost(&payment->payment);
}

/* ---- refunds ---- */

struct refund_state *payment_refund(const struct payment_state *payment, const char *id)
{
    struct refund_state *refunds = payment->refunds.items;
    size_t i;

    for (i = 0; i < payment->refunds.count; i++) {
        if (strcmp(refunds[i].refund.id, id) == 0)
            return &refunds[i];
    }
    return NULL;
}

struct refund_state *payment_pending_refund(const struct payment_state *payment)
{
    return payment->activity == ACT_REFUND && payment->operation_id ? payment_refund(payment, payment->operation_id)
                                                                    : NULL;
}

struct session *refund_session(const struct refund_state *refund)
{
    return refund->sessions.count ? refund->sessions.items : NULL;
}

enum refund_stage refund_stage(const struct refund_state *refund)
{
    const struct session *session = refund_session(refund);

    if (refund->refund.status.tag != REFUND_PENDING)
        return REFUND_FINISHED;
    if (refund->failure)
        return REFUND_FAILURE;
    if (!session)
        return REFUND_NEW;
    if (session->status != SESSION_FINISHED)
        return REFUND_SESSION;
    return session->result.tag == SESSION_SUCCEEDED ? REFUND_ACCOUNTER : REFUND_FAILURE;
}

const struct session *payment_current_session(const struct payment_state *payment)
{
    const struct refund_state *refund = payment_pending_refund(payment);

    return refund ? refund_session(refund) : payment_session(payment, payment->target.tag);
}

struct cash payment_remaining(const struct payment_state *payment)
{
    const struct refund_state *refunds = payment->refunds.items;
    struct cash remaining = *payment_state_cost(payment);
    size_t i;

    for (i = 0; i < payment->refunds.count; i++) {
        if (refunds[i].refund.status.tag == REFUND_SUCCEEDED)
            remaining.amount -= refunds[i].refund.cash.amount;
    }
    return remaining;
}

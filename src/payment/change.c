/* The tables of changes. Variants stand in the order of the enums in change.h. */
#include "payment/change.h"

#include "engine/machine.h"

static const struct type type_tag = TYPE_STR_IN(1, STEP_TAG_MAX);

static const struct type_field failed_rows[] = { TF_REQ(failed, failure, type_operation_failure) };
static const struct type type_failed = TYPE_STRUCT_OF("SessionFailed", failed, failed_rows);
static const struct type_field result_rows[] = {
    TF_EMPTY("succeeded"),
    TF_VARP(session_result, failed, type_failed),
};
static const struct type type_result = TYPE_UNION_OF("SessionResult", session_result, result_rows);
static const struct type_field finished_rows[] = { TF_REQ(session_finished, result, type_result) };
static const struct type type_finished = TYPE_STRUCT_OF("SessionFinished", session_finished, finished_rows);

static const struct type_field timeout_rows[] = {
    TF_VAR(timeout_behaviour, operation_failure, type_operation_failure),
    TF_VAR(timeout_behaviour, callback, type_adapter_base64),
};
const struct type type_timeout_behaviour = TYPE_UNION_OF("TimeoutBehaviour", timeout_behaviour, timeout_rows);
static const struct type_field suspended_rows[] = {
    TF_OPT(session_suspended, tag, type_tag),
    TF_OPT(session_suspended, timeout_behaviour, type_timeout_behaviour),
};
static const struct type type_suspended = TYPE_STRUCT_OF("SessionSuspended", session_suspended, suspended_rows);
static const struct type_field bound_rows[] = { TF_REQ(session_transaction_bound, trx, type_trx) };
static const struct type type_bound = TYPE_STRUCT_OF("SessionTransactionBound", session_transaction_bound, bound_rows);
static const struct type_field proxy_state_rows[] = { TF_REQ(session_proxy_state_changed, proxy_state, type_adapter_base64) };
static const struct type type_proxy_state =
    TYPE_STRUCT_OF("SessionProxyStateChanged", session_proxy_state_changed, proxy_state_rows);
static const struct type_field interaction_status_rows[] = { TF_EMPTY("requested"), TF_EMPTY("completed") };
static const struct type type_interaction_status =
    TYPE_UNION_OF("UserInteractionStatus", interaction_status, interaction_status_rows);
static const struct type_field interaction_rows[] = {
    TF_REQ(session_interaction_changed, interaction, type_user_interaction),
    TF_OPT(session_interaction_changed, status, type_interaction_status),
};
static const struct type type_interaction =
    TYPE_STRUCT_OF("SessionInteractionChanged", session_interaction_changed, interaction_rows);

static const struct type_field session_rows[] = {
    TF_EMPTY("session_started"),
    TF_VAR(session_change, session_finished, type_finished),
    TF_VAR(session_change, session_suspended, type_suspended),
    TF_EMPTY("session_activated"),
    TF_VAR(session_change, session_transaction_bound, type_bound),
    TF_VAR(session_change, session_proxy_state_changed, type_proxy_state),
    TF_VAR(session_change, session_interaction_changed, type_interaction),
};
const struct type type_session_change = TYPE_UNION_OF("SessionChange", session_change, session_rows);
_Static_assert(SL_COUNT(session_rows) == SCHG_INTERACTION_CHANGED, "every session change has a row");

/* ---- of a payment ---- */

static const struct type_field started_rows[] = { TF_REQ(payment_started, payment, type_payment) };
static const struct type type_started = TYPE_STRUCT_OF("PaymentStarted", payment_started, started_rows);
static const struct type_field risk_rows[] = { TF_REQ(risk_score_changed, risk_score, type_risk_score) };
static const struct type type_risk = TYPE_STRUCT_OF("RiskScoreChanged", risk_score_changed, risk_rows);
static const struct type_field route_rows[] = {
    TF_REQ(route_changed, route, type_route),
    TF_OPT(route_changed, candidates, type_routes),
    TF_OPT(route_changed, scores, type_route_score_entries),
    TF_OPT(route_changed, limits, type_route_limit_entries),
    TF_PTR(route_changed, decision, type_route_decision),
};
static const struct type type_route_changed = TYPE_STRUCT_OF("RouteChanged", route_changed, route_rows);
static const struct type_field cash_flow_rows[] = { TF_REQ(cash_flow_changed, cash_flow, type_cash_flow) };
static const struct type type_cash_flow_changed = TYPE_STRUCT_OF("CashFlowChanged", cash_flow_changed, cash_flow_rows);
static const struct type_field rollback_rows[] = { TF_REQ(rollback_started, reason, type_operation_failure) };
static const struct type type_rollback = TYPE_STRUCT_OF("RollbackStarted", rollback_started, rollback_rows);
static const struct type_field status_rows[] = { TF_REQ(payment_status_changed, status, type_payment_status) };
static const struct type type_status_changed = TYPE_STRUCT_OF("PaymentStatusChanged", payment_status_changed, status_rows);
static const struct type_field payment_session_rows[] = {
    TF_REQ(payment_session_change, target, type_target),
    TF_REQ(payment_session_change, payload, type_session_change),
};
static const struct type type_payment_session =
    TYPE_STRUCT_OF("PaymentSessionChange", payment_session_change, payment_session_rows);
static const struct type_field capture_data_rows[] = {
    TF_REQ(capture_data, reason, type_reason),
    TF_PTR(capture_data, cash, type_cash),
    TF_PTR(capture_data, cart, type_invoice_cart),
    TF_OPT(capture_data, allocation, type_raw),
};
const struct type type_capture_data = TYPE_STRUCT_OF("CaptureData", capture_data, capture_data_rows);
static const struct type_field capture_rows[] = { TF_REQ(capture_started, data, type_capture_data) };
static const struct type type_capture = TYPE_STRUCT_OF("CaptureStarted", capture_started, capture_rows);
static const struct type_field token_rows[] = { TF_REQ(rec_token_acquired, token, type_adapter_token) };
static const struct type type_token_acquired = TYPE_STRUCT_OF("RecTokenAcquired", rec_token_acquired, token_rows);
static const struct type_field cascade_rows[] = { TF_REQ(cascade_tokens_loaded, tokens, type_card_tokens) };
static const struct type type_cascade = TYPE_STRUCT_OF("CascadeTokensLoaded", cascade_tokens_loaded, cascade_rows);
static const struct type_field cash_changed_rows[] = {
    TF_REQ(cash_changed, old_cash, type_cash),
    TF_REQ(cash_changed, new_cash, type_cash),
};
static const struct type type_cash_changed = TYPE_STRUCT_OF("CashChanged", cash_changed, cash_changed_rows);
static const struct type type_revision = TYPE_I64_IN(1, INT64_MAX);
static const struct type_field revision_rows[] = { TF_REQ(revision_changed, domain_revision, type_revision) };
static const struct type type_revision_changed = TYPE_STRUCT_OF("RevisionChanged", revision_changed, revision_rows);

/* ---- of a refund ---- */

static const struct type_field refund_created_rows[] = {
    TF_REQ(refund_created, refund, type_refund),
    TF_REQ(refund_created, cash_flow, type_cash_flow),
    TF_PTR(refund_created, transaction_info, type_trx),
};
static const struct type type_refund_created =
    TYPE_STRUCT_OF("InvoicePaymentRefundCreated", refund_created, refund_created_rows);
static const struct type_field refund_status_rows[] = { TF_REQ(refund_status_changed, status, type_refund_status) };
static const struct type type_refund_status_changed =
    TYPE_STRUCT_OF("InvoicePaymentRefundStatusChanged", refund_status_changed, refund_status_rows);
static const struct type_field refund_rows[] = {
    { "invoice_payment_refund_created", &type_refund_created, offsetof(struct refund_change, created), TYPE_POINTER },
    { "invoice_payment_session_change", &type_payment_session, offsetof(struct refund_change, session_change),
      TYPE_POINTER },
    { "invoice_payment_refund_rollback_started", &type_rollback, offsetof(struct refund_change, rollback_started),
      TYPE_POINTER },
    { "invoice_payment_refund_status_changed", &type_refund_status_changed,
      offsetof(struct refund_change, status_changed), TYPE_POINTER },
};
const struct type type_refund_change = TYPE_UNION_OF("InvoicePaymentRefundChangePayload", refund_change, refund_rows);
_Static_assert(SL_COUNT(refund_rows) == RCHG_STATUS_CHANGED, "every refund change has a row");
static const struct type_field payment_refund_rows[] = {
    TF_REQ(payment_refund_change, id, type_id),
    TF_REQ(payment_refund_change, payload, type_refund_change),
};
static const struct type type_payment_refund =
    TYPE_STRUCT_OF("InvoicePaymentRefundChange", payment_refund_change, payment_refund_rows);

/* ---- of a payment, all together ---- */

#define VARIANT(NAME, M, T) { "invoice_payment_" NAME, &(T), offsetof(struct payment_change, M), TYPE_POINTER }
static const struct type_field payment_rows[] = {
    VARIANT("started", started, type_started),
    TF_EMPTY("invoice_payment_shop_limit_initiated"),
    TF_EMPTY("invoice_payment_shop_limit_applied"),
    VARIANT("risk_score_changed", risk_score_changed, type_risk),
    VARIANT("route_changed", route_changed, type_route_changed),
    VARIANT("cash_flow_changed", cash_flow_changed, type_cash_flow_changed),
    VARIANT("rollback_started", rollback_started, type_rollback),
    VARIANT("status_changed", status_changed, type_status_changed),
    VARIANT("session_change", session_change, type_payment_session),
    VARIANT("capture_started", capture_started, type_capture),
    VARIANT("rec_token_acquired", rec_token_acquired, type_token_acquired),
    VARIANT("cash_changed", cash_changed, type_cash_changed),
    VARIANT("cascade_tokens_loaded", cascade_tokens_loaded, type_cascade),
    VARIANT("refund_change", refund_change, type_payment_refund),
    VARIANT("revision_changed", revision_changed, type_revision_changed),
};
const struct type type_payment_change = TYPE_UNION_OF("InvoicePaymentChangePayload", payment_change, payment_rows);
_Static_assert(SL_COUNT(payment_rows) == PCHG_COUNT, "every payment change has a row");

/* ---- of an invoice ---- */

static const struct type_field created_rows[] = { TF_REQ(invoice_created, invoice, type_invoice) };
static const struct type type_created = TYPE_STRUCT_OF("InvoiceCreated", invoice_created, created_rows);
static const struct type_field invoice_status_rows[] = { TF_REQ(invoice_status_changed, status, type_invoice_status) };
static const struct type type_invoice_status_changed =
    TYPE_STRUCT_OF("InvoiceStatusChanged", invoice_status_changed, invoice_status_rows);
static const struct type_field invoice_payment_rows[] = {
    TF_REQ(invoice_payment_change, id, type_id),
    TF_REQ(invoice_payment_change, payload, type_payment_change),
    TF_OPT(invoice_payment_change, occurred_at, type_time),
};
static const struct type type_invoice_payment =
    TYPE_STRUCT_OF("InvoicePaymentChange", invoice_payment_change, invoice_payment_rows);
static const struct type_field invoice_rows[] = {
    TF_VARP(invoice_change, invoice_created, type_created),
    TF_VARP(invoice_change, invoice_status_changed, type_invoice_status_changed),
    TF_VARP(invoice_change, invoice_payment_change, type_invoice_payment),
};
const struct type type_invoice_change = TYPE_UNION_OF("InvoiceChange", invoice_change, invoice_rows);

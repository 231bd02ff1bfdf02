/* The tables of payments, routes and user interactions. */
#include <string.h>

#include "base/text.h"
#include "payment/types.h"

static const struct type type_text = TYPE_STR_IN(0, 1024);
static const struct type type_uri = TYPE_STR_IN(1, 4096);

static const struct type type_texts = TYPE_LIST_OF(type_text);
static const struct type_field client_rows[] = {
    TF_OPT(client_info, ip_address, type_text),      TF_OPT(client_info, fingerprint, type_text),
    TF_OPT(client_info, url, type_text),             TF_OPT(client_info, peer_ip_address, type_text),
    TF_OPT(client_info, user_ip_address, type_texts),
};
static const struct type type_client_info = TYPE_STRUCT_OF("ClientInfo", client_info, client_rows);
static const struct type_field resource_rows[] = {
    TF_REQ(payment_resource, payment_tool, type_payment_tool),
    TF_OPT(payment_resource, payment_session_id, type_text),
    TF_PTR(payment_resource, client_info, type_client_info),
};
const struct type type_payment_resource = TYPE_STRUCT_OF("DisposablePaymentResource", payment_resource, resource_rows);

static const struct type_field resource_payer_rows[] = {
    TF_REQ(payment_resource_payer, resource, type_payment_resource),
    TF_REQ(payment_resource_payer, contact_info, type_contact_info),
};
static const struct type type_resource_payer =
    TYPE_STRUCT_OF("PaymentResourcePayer", payment_resource_payer, resource_payer_rows);
static const struct type_field parent_rows[] = {
    TF_REQ(recurrent_parent, invoice_id, type_id),
    TF_REQ(recurrent_parent, payment_id, type_id),
};
static const struct type type_parent = TYPE_STRUCT_OF("RecurrentParent", recurrent_parent, parent_rows);
static const struct type_field recurrent_rows[] = {
    TF_REQ(recurrent_payer, payment_tool, type_payment_tool),
    TF_REQ(recurrent_payer, recurrent_parent, type_parent),
    TF_REQ(recurrent_payer, contact_info, type_contact_info),
};
static const struct type type_recurrent_payer = TYPE_STRUCT_OF("RecurrentPayer", recurrent_payer, recurrent_rows);
static const struct type_field payer_rows[] = {
    TF_VARP(payer, payment_resource, type_resource_payer),
    TF_VARP(payer, recurrent, type_recurrent_payer),
};
const struct type type_payer = TYPE_UNION_OF("Payer", payer, payer_rows);

static const struct type_field session_info_rows[] = { TF_OPT(payer_session_info, redirect_url, type_uri) };
const struct type type_payer_session_info = TYPE_STRUCT_OF("PayerSessionInfo", payer_session_info, session_info_rows);

static const char *const token_status_names[] = { [CARD_TOKEN_ACTIVE] = "active" };
static const struct type type_token_status = TYPE_ENUM_OF("RecurrentTokenStatus", token_status_names);
static const struct type type_token_id = TYPE_STR_IN(1, TYPE_STR_MAX);
static const struct type_field card_token_rows[] = {
    TF_REQ(card_token, id, type_token_id),
    TF_REQ(card_token, provider_ref, type_number_ref),
    TF_REQ(card_token, terminal_ref, type_number_ref),
    TF_REQ(card_token, token, type_adapter_token),
    TF_REQ(card_token, created_at, type_time),
    TF_REQ(card_token, status, type_token_status),
};
const struct type type_card_token = TYPE_STRUCT_OF("RecurrentToken", card_token, card_token_rows);
const struct type type_card_tokens = TYPE_LIST_OF(type_card_token);

static const char *const expiration_names[] = { [ON_HOLD_CANCEL] = "cancel", [ON_HOLD_CAPTURE] = "capture" };
const struct type type_hold_expiration = TYPE_ENUM_OF("OnHoldExpiration", expiration_names);
static const struct type_field hold_rows[] = {
    TF_REQ(hold_flow, on_hold_expiration, type_hold_expiration),
    TF_REQ(hold_flow, held_until, type_time),
};
static const struct type type_hold = TYPE_STRUCT_OF("HoldFlow", hold_flow, hold_rows);
static const struct type_field flow_rows[] = { TF_EMPTY("instant"), TF_VAR(payment_flow, hold, type_hold) };
const struct type type_payment_flow = TYPE_UNION_OF("PaymentFlow", payment_flow, flow_rows);

/* ---- status and target ---- */

static const struct type_field captured_rows[] = {
    TF_OPT(captured, reason, type_reason),
    TF_PTR(captured, cost, type_cash),
    TF_PTR(captured, cart, type_invoice_cart),
    TF_OPT(captured, allocation, type_raw),
};
static const struct type type_captured = TYPE_STRUCT_OF("Captured", captured, captured_rows);
static const struct type_field cancelled_rows[] = { TF_OPT(cancelled, reason, type_reason) };
static const struct type type_cancelled = TYPE_STRUCT_OF("Cancelled", cancelled, cancelled_rows);
static const struct type_field failed_rows[] = { TF_REQ(failed, failure, type_operation_failure) };
static const struct type type_failed = TYPE_STRUCT_OF("Failed", failed, failed_rows);

static const struct type_field target_rows[] = {
    TF_EMPTY("processed"),
    TF_VAR(target, captured, type_captured),
    TF_VAR(target, cancelled, type_cancelled),
    TF_EMPTY("refunded"),
};
const struct type type_target = TYPE_UNION_OF("TargetStatus", target, target_rows);
_Static_assert(SL_COUNT(target_rows) == TARGET_COUNT, "every target has a row");

static const struct type_field status_rows[] = {
    TF_EMPTY("pending"),
    TF_EMPTY("processed"),
    TF_VAR(payment_status, captured, type_captured),
    TF_VAR(payment_status, cancelled, type_cancelled),
    TF_VAR(payment_status, failed, type_failed),
    TF_EMPTY("refunded"),
    TF_EMPTY("charged_back"),
};
const struct type type_payment_status = TYPE_UNION_OF("PaymentStatus", payment_status, status_rows);
_Static_assert(SL_COUNT(status_rows) == PAYMENT_CHARGED_BACK, "every status has a row");

static const struct type_field refund_status_rows[] = {
    TF_EMPTY("pending"),
    TF_EMPTY("succeeded"),
    TF_VAR(refund_status, failed, type_failed),
};
const struct type type_refund_status = TYPE_UNION_OF("InvoicePaymentRefundStatus", refund_status, refund_status_rows);
_Static_assert(SL_COUNT(refund_status_rows) == REFUND_FAILED, "every status has a row");
static const struct type_field refund_rows[] = {
    TF_REQ(refund, id, type_id),
    TF_REQ(refund, status, type_refund_status),
    TF_REQ(refund, created_at, type_time),
    TF_REQ(refund, domain_revision, type_i64),
    TF_REQ(refund, cash, type_cash),
    TF_OPT(refund, reason, type_reason),
    TF_PTR(refund, cart, type_invoice_cart),
    TF_OPT(refund, external_id, type_text),
};
const struct type type_refund = TYPE_STRUCT_OF("InvoicePaymentRefund", refund, refund_rows);

static const struct type_field origin_rows[] = { TF_EMPTY("merchant"), TF_EMPTY("provider") };
static const struct type type_origin = TYPE_UNION_OF("RegistrationOrigin", registration_origin, origin_rows);

static const struct type_field payment_rows[] = {
    TF_REQ(payment, id, type_id),
    TF_REQ(payment, created_at, type_time),
    TF_REQ(payment, status, type_payment_status),
    TF_PTR(payment, context, type_content),
    TF_REQ(payment, cost, type_cash),
    TF_PTR(payment, changed_cost, type_cash),
    TF_REQ(payment, domain_revision, type_i64),
    TF_REQ(payment, flow, type_payment_flow),
    TF_REQ(payment, payer, type_payer),
    TF_PTR(payment, payer_session_info, type_payer_session_info),
    TF_REQ(payment, party_ref, type_id_ref),
    TF_REQ(payment, shop_ref, type_id_ref),
    TF_PTR(payment, make_recurrent, type_bool),
    TF_PTR(payment, skip_recurrent, type_bool),
    TF_OPT(payment, external_id, type_text),
    TF_OPT(payment, processing_deadline, type_time),
    TF_OPT(payment, registration_origin, type_origin),
    TF_OPT(payment, customer_id, type_id),
};
const struct type type_payment = TYPE_STRUCT_OF("InvoicePayment", payment, payment_rows);

/* ---- routing ---- */

static const struct type_field scores_rows[] = {
    TF_PTR(route_scores, availability_condition, type_i64),   TF_PTR(route_scores, conversion_condition, type_i64),
    TF_PTR(route_scores, terminal_priority_rating, type_i64), TF_PTR(route_scores, route_pin, type_i64),
    TF_PTR(route_scores, random_condition, type_i64),         TF_PTR(route_scores, availability, type_double),
    TF_PTR(route_scores, conversion, type_double),            TF_PTR(route_scores, blacklist_condition, type_i64),
};
const struct type type_route_scores = TYPE_STRUCT_OF("RouteScores", route_scores, scores_rows);
static const struct type_field score_entry_rows[] = {
    TF_REQ(route_score_entry, route, type_route),
    TF_REQ(route_score_entry, value, type_route_scores),
};
static const struct type type_score_entry = TYPE_STRUCT_OF("RouteScore", route_score_entry, score_entry_rows);
const struct type type_route_score_entries = TYPE_LIST_OF(type_score_entry);

static const struct type_field limit_ref_rows[] = {
    TF_REQ(turnover_limit_ref, ref, type_id_ref),
    TF_REQ(turnover_limit_ref, upper_boundary, type_amount),
    TF_PTR(turnover_limit_ref, domain_revision, type_i64),
};
const struct type type_route_limit = TYPE_STRUCT_OF("TurnoverLimit", turnover_limit_ref, limit_ref_rows);
static const struct type_field limit_value_rows[] = {
    TF_REQ(route_limit_value, limit, type_route_limit),
    TF_REQ(route_limit_value, value, type_i64),
};
static const struct type type_limit_value = TYPE_STRUCT_OF("TurnoverLimitValue", route_limit_value, limit_value_rows);
const struct type type_route_limit_values = TYPE_LIST_OF(type_limit_value);
static const struct type_field limit_entry_rows[] = {
    TF_REQ(route_limit_entry, route, type_route),
    TF_REQ(route_limit_entry, value, type_route_limit_values),
};
static const struct type type_limit_entry = TYPE_STRUCT_OF("RouteLimits", route_limit_entry, limit_entry_rows);
const struct type type_route_limit_entries = TYPE_LIST_OF(type_limit_entry);

static const struct type_field decision_rows[] = {
    TF_PTR(route_decision, skip_recurrent, type_bool),
    TF_PTR(route_decision, preferable, type_route),
    TF_OPT(route_decision, reject_reason, type_str),
    TF_PTR(route_decision, draw, type_i64),
};
const struct type type_route_decision = TYPE_STRUCT_OF("RouteDecision", route_decision, decision_rows);

/* ---- user interactions ---- */

static const struct type_field get_rows[] = { TF_REQ(redirect_get, uri, type_adapter_token) };
static const struct type type_get = TYPE_STRUCT_OF("BrowserGetRequest", redirect_get, get_rows);
static const struct type_field post_rows[] = {
    TF_REQ(redirect_post, uri, type_adapter_token),
    TF_REQ(redirect_post, form, type_adapter_map),
};
static const struct type type_post = TYPE_STRUCT_OF("BrowserPostRequest", redirect_post, post_rows);
static const struct type_field redirect_rows[] = {
    TF_VAR(redirect, get_request, type_get),
    TF_VAR(redirect, post_request, type_post),
};
static const struct type type_redirect = TYPE_UNION_OF("BrowserRedirect", redirect, redirect_rows);
static const struct type_field receipt_rows[] = {
    TF_REQ(terminal_receipt, short_payment_id, type_adapter_text),
    TF_REQ(terminal_receipt, due, type_time),
};
static const struct type type_receipt = TYPE_STRUCT_OF("PaymentTerminalReceipt", terminal_receipt, receipt_rows);
static const struct type_field crypto_cash_rows[] = {
    TF_REQ(crypto_cash, crypto_amount, type_rational),
    TF_REQ(crypto_cash, crypto_symbolic_code, type_adapter_text),
};
static const struct type type_crypto_cash = TYPE_STRUCT_OF("CryptoCash", crypto_cash, crypto_cash_rows);
static const struct type_field crypto_rows[] = {
    TF_REQ(crypto_transfer_request, crypto_address, type_adapter_text),
    TF_REQ(crypto_transfer_request, crypto_cash, type_crypto_cash),
};
static const struct type type_crypto = TYPE_STRUCT_OF("CryptoCurrencyTransferRequest", crypto_transfer_request, crypto_rows);
static const struct type_field qr_rows[] = { TF_REQ(qr_code, payload, type_adapter_base64) };
static const struct type type_qr = TYPE_STRUCT_OF("QrCode", qr_code, qr_rows);
static const struct type_field qr_request_rows[] = { TF_REQ(qr_code_request, qr_code, type_qr) };
static const struct type type_qr_request = TYPE_STRUCT_OF("QrCodeDisplayRequest", qr_code_request, qr_request_rows);
static const struct type_field extension_rows[] = { TF_REQ(api_extension_request, api_type, type_adapter_text) };
static const struct type type_extension = TYPE_STRUCT_OF("ApiExtensionRequest", api_extension_request, extension_rows);
static const struct type_field interaction_rows[] = {
    TF_VARP(user_interaction, redirect, type_redirect),
    TF_VARP(user_interaction, payment_terminal_reciept, type_receipt),
    TF_VARP(user_interaction, crypto_currency_transfer_request, type_crypto),
    TF_VARP(user_interaction, qr_code_display_request, type_qr_request),
    TF_VARP(user_interaction, api_extension_request, type_extension),
};
const struct type type_user_interaction = TYPE_UNION_OF("UserInteraction", user_interaction, interaction_rows);

/* ---- what is often asked of them ---- */

const struct cash *payment_cost(const struct payment *payment)
{
    return payment->changed_cost ? payment->changed_cost : &payment->cost;
}

const struct payment_tool *payer_tool(const struct payer *payer)
{
    return payer->tag == PAYER_RECURRENT ? &payer->recurrent->payment_tool
                                         : &payer->payment_resource->resource.payment_tool;
}

const struct contact_info *payer_contact(const struct payer *payer)
{
    return payer->tag == PAYER_RECURRENT ? &payer->recurrent->contact_info : &payer->payment_resource->contact_info;
}

const char *failure_notation(const struct operation_failure *failure, struct arena *arena)
{
    const struct failure_sub *sub;
    const char *text;

    if (failure->tag != OPERATION_FAILURE)
        return NULL;
    text = failure->failure.code;
    for (sub = failure->failure.sub; sub; sub = sub->sub)
        text = arena_printf(arena, "%s:%s", text, sub->code);
    return text;
}

static const struct failure_sub *sub_make(struct arena *arena, const char *notation)
{
    const char *colon = strchr(notation, ':');
    struct failure_sub *sub = arena_alloc(arena, sizeof(*sub));

    sub->code = colon ? arena_strndup(arena, notation, (size_t)(colon - notation)) : arena_strdup(arena, notation);
    sub->sub = colon ? sub_make(arena, colon + 1) : NULL;
    return sub;
}

struct operation_failure failure_make(struct arena *arena, const char *notation, const char *reason)
{
    const struct failure_sub *top = sub_make(arena, notation);
    struct operation_failure failure = { .tag = OPERATION_FAILURE };

    failure.failure.code = top->code;
    failure.failure.reason = reason ? text_cut(arena, reason, strlen(reason), TYPE_STR_MAX) : NULL;
    failure.failure.sub = top->sub;
    return failure;
}

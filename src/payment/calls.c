/* The tables of request bodies. */
#include "payment/calls.h"

#include "base/pan.h"
#include "payment/steps.h"

const struct type type_external_id = {
    .kind = TYPE_STR, .size = sizeof(char *), .min = 0, .max = 1024, .pan_min = PAN_DIGITS_MIN,
};

static const struct type type_natural = TYPE_I64_IN(0, CASH_MAX);
static const struct type type_positive = TYPE_I64_IN(1, CASH_MAX);
static const struct type type_digits = TYPE_I64_IN(0, 15);
static const char *const direction_names[] = {
    [DIRECTION_BOTH] = "both", [DIRECTION_UPWARD] = "upward", [DIRECTION_DOWNWARD] = "downward",
};
static const struct type type_direction = TYPE_ENUM_OF("RandomizationDirection", direction_names);
static const struct type_field randomization_rows[] = {
    TF_REQ(randomization, deviation, type_natural),
    TF_REQ(randomization, precision, type_digits),
    TF_OPT(randomization, direction, type_direction),
    TF_PTR(randomization, min_amount_condition, type_amount),
    TF_PTR(randomization, max_amount_condition, type_amount),
    TF_PTR(randomization, amount_multiplicity_condition, type_positive),
};
static const struct type type_randomization = TYPE_STRUCT_OF("RandomizationMutationParams", randomization, randomization_rows);
static const struct type_field amount_rows[] = { TF_VAR(amount_mutation_params, randomization, type_randomization) };
static const struct type type_amount_params = TYPE_UNION_OF("AmountMutationParams", amount_mutation_params, amount_rows);
static const struct type_field mutation_rows[] = { TF_VAR(mutation_params, amount, type_amount_params) };
static const struct type type_mutation_params = TYPE_UNION_OF("InvoiceMutationParams", mutation_params, mutation_rows);
const struct type type_mutation_params_list = {
    .kind = TYPE_LIST, .size = sizeof(struct type_list), .item = &type_mutation_params, .min = 0, .max = 16,
};
static const struct type_field invoice_rows[] = {
    TF_REQ(invoice_params, id, type_id),
    TF_REQ(invoice_params, party_id, type_id),
    TF_REQ(invoice_params, shop_id, type_id),
    TF_REQ(invoice_params, details, type_invoice_details),
    TF_REQ(invoice_params, due, type_time),
    TF_REQ(invoice_params, cost, type_cash),
    TF_PTR(invoice_params, context, type_content),
    TF_OPT(invoice_params, external_id, type_external_id),
    TF_PTR(invoice_params, client_info, type_invoice_client_info),
    TF_OPT(invoice_params, allocation, type_raw),
    TF_OPT(invoice_params, mutations, type_mutation_params_list),
};
const struct type type_invoice_params = TYPE_STRUCT_OF("InvoiceParams", invoice_params, invoice_rows);

static const struct type_field reason_rows[] = { TF_REQ(reason_call, reason, type_reason) };
const struct type type_reason_call = TYPE_STRUCT_OF("ReasonParams", reason_call, reason_rows);

/* ---- StartPayment ---- */

static const struct type_field resource_rows[] = {
    TF_REQ(payment_resource_params, resource, type_payment_resource),
    TF_REQ(payment_resource_params, contact_info, type_contact_info),
};
static const struct type type_resource = TYPE_STRUCT_OF("PaymentResourcePayerParams", payment_resource_params, resource_rows);
static const struct type_field parent_rows[] = {
    TF_REQ(recurrent_parent, invoice_id, type_id),
    TF_REQ(recurrent_parent, payment_id, type_id),
};
static const struct type type_parent = TYPE_STRUCT_OF("RecurrentParentPayment", recurrent_parent, parent_rows);
static const struct type_field recurrent_rows[] = {
    TF_REQ(recurrent_params, recurrent_parent, type_parent),
    TF_REQ(recurrent_params, contact_info, type_contact_info),
};
static const struct type type_recurrent = TYPE_STRUCT_OF("RecurrentPayerParams", recurrent_params, recurrent_rows);
static const struct type_field payer_rows[] = {
    TF_VARP(payer_params, payment_resource, type_resource),
    TF_VARP(payer_params, recurrent, type_recurrent),
};
static const struct type type_payer_params = TYPE_UNION_OF("PayerParams", payer_params, payer_rows);
static const struct type_field hold_rows[] = { TF_REQ(hold_flow_params, on_hold_expiration, type_hold_expiration) };
static const struct type type_hold = TYPE_STRUCT_OF("HoldFlowParams", hold_flow_params, hold_rows);
static const struct type_field flow_rows[] = { TF_EMPTY("instant"), TF_VAR(payment_flow_params, hold, type_hold) };
static const struct type type_flow = TYPE_UNION_OF("PaymentFlowParams", payment_flow_params, flow_rows);
static const struct type_field start_rows[] = {
    TF_OPT(start_payment_call, id, type_id),
    TF_REQ(start_payment_call, payer, type_payer_params),
    TF_REQ(start_payment_call, flow, type_flow),
    TF_PTR(start_payment_call, payer_session_info, type_payer_session_info),
    TF_PTR(start_payment_call, make_recurrent, type_bool),
    TF_OPT(start_payment_call, external_id, type_external_id),
    TF_PTR(start_payment_call, context, type_content),
    TF_OPT(start_payment_call, processing_deadline, type_time),
    TF_OPT(start_payment_call, customer_id, type_id),
};
const struct type type_start_payment_call = TYPE_STRUCT_OF("InvoicePaymentParams", start_payment_call, start_rows);

static const struct type type_rec_token = TYPE_STR_IN(1, TYPE_STR_MAX);
static const struct type type_card = TYPE_STR_IN(1, 256); /* as a bank card's token */
static const struct type_field register_rows[] = {
    TF_OPT(register_payment_call, id, type_id),
    TF_REQ(register_payment_call, payer_params, type_payer_params),
    TF_REQ(register_payment_call, route, type_route),
    TF_REQ(register_payment_call, transaction_info, type_trx),
    TF_PTR(register_payment_call, cost, type_cash),
    TF_PTR(register_payment_call, payer_session_info, type_payer_session_info),
    TF_OPT(register_payment_call, external_id, type_external_id),
    TF_PTR(register_payment_call, context, type_content),
    TF_OPT(register_payment_call, risk_score, type_risk_score),
    TF_OPT(register_payment_call, occurred_at, type_time),
    TF_OPT(register_payment_call, recurrent_token, type_adapter_token),
};
const struct type type_register_payment_call =
    TYPE_STRUCT_OF("RegisterInvoicePaymentParams", register_payment_call, register_rows);

static const struct type_field card_token_rows[] = {
    TF_REQ(card_token_params, party_id, type_id),
    TF_REQ(card_token_params, card, type_card),
    TF_REQ(card_token_params, provider_ref, type_number_ref),
    TF_REQ(card_token_params, terminal_ref, type_number_ref),
    TF_REQ(card_token_params, token, type_adapter_token),
    TF_OPT(card_token_params, id, type_rec_token),
};
const struct type type_card_token_params = TYPE_STRUCT_OF("RecurrentTokenParams", card_token_params, card_token_rows);

/* ---- CapturePayment ---- */

/* Nobody can capture less than nothing; nothing is allowed. */
static const char *check_capture_cash(const void *value)
{
    const struct cash *cash = value;

    return cash->amount < 0 ? "must not be negative" : NULL;
}
static const struct type_field capture_cash_rows[] = {
    TF_REQ(cash, amount, type_amount),
    TF_REQ(cash, currency, type_currency_ref),
};
static const struct type type_capture_cash = {
    .kind = TYPE_STRUCT, .size = sizeof(struct cash), .fields = capture_cash_rows,
    .field_count = SL_COUNT(capture_cash_rows), .check = check_capture_cash,
};
static const struct type_field capture_rows[] = {
    TF_REQ(capture_params, reason, type_reason),
    TF_PTR(capture_params, cash, type_capture_cash),
    TF_PTR(capture_params, cart, type_invoice_cart),
    TF_OPT(capture_params, allocation, type_raw),
};
const struct type type_capture_params = TYPE_STRUCT_OF("InvoicePaymentCaptureParams", capture_params, capture_rows);

/* ---- RefundPayment, CreateManualRefund ---- */

#define REFUND_ROWS                                                                                          \
    TF_OPT(refund_params, id, type_id), TF_PTR(refund_params, cash, type_cash),                              \
        TF_OPT(refund_params, reason, type_reason), TF_PTR(refund_params, cart, type_invoice_cart),          \
        TF_OPT(refund_params, external_id, type_external_id), TF_OPT(refund_params, allocation, type_raw)
static const struct type_field refund_rows[] = { REFUND_ROWS };
const struct type type_refund_params = TYPE_STRUCT_OF("InvoicePaymentRefundParams", refund_params, refund_rows);
static const struct type_field manual_refund_rows[] = {
    REFUND_ROWS,
    TF_PTR(refund_params, transaction_info, type_trx),
};
const struct type type_manual_refund_params =
    TYPE_STRUCT_OF("InvoicePaymentManualRefundParams", refund_params, manual_refund_rows);

/* ---- callbacks ---- */

static const struct type_field callback_rows[] = {
    { "payload", &type_base64, offsetof(struct callback_call, payload), TYPE_REQUIRED },
};
const struct type type_callback_call = TYPE_STRUCT_OF("ProviderCallback", callback_call, callback_rows);
static const struct type_field callback_reply_rows[] = { TF_REQ(callback_reply, response, type_adapter_base64) };
const struct type type_callback_reply = TYPE_STRUCT_OF("ProviderCallbackResponse", callback_reply, callback_reply_rows);

static const struct type type_tag = TYPE_STR_IN(1, STEP_TAG_MAX);
static const struct type_field kept_callback_rows[] = {
    TF_REQ(callback_call, tag, type_tag),
    TF_REQ(callback_call, payload, type_base64),
};
static const struct type type_kept_callback = TYPE_STRUCT_OF(NULL, callback_call, kept_callback_rows);
static const struct type_field kept_rows[] = { TF_VAR(kept_call, provider_callback, type_kept_callback) };
const struct type type_kept_call = TYPE_UNION_OF(NULL, kept_call, kept_rows);

static const struct type_field status_rows[] = { TF_VAR(session_status_change, failure, type_failure) };
static const struct type type_status_change = TYPE_UNION_OF("SessionStatusChange", session_status_change, status_rows);
static const struct type_field change_rows[] = { TF_VAR(session_change_params, status, type_status_change) };
static const struct type type_session_params = TYPE_UNION_OF("SessionChangeParams", session_change_params, change_rows);
static const struct type_field session_change_rows[] = {
    { "change", &type_session_params, offsetof(struct session_change_call, change), TYPE_REQUIRED },
};
const struct type type_session_change_call = TYPE_STRUCT_OF("PaymentSessionChangeParams", session_change_call, session_change_rows);

/* ---- replies that are given again ---- */

static const struct type_field start_reply_rows[] = {
    TF_REQ(start_payment_reply, payment_id, type_id),
    TF_OPT(start_payment_reply, existing, type_bool),
};
const struct type type_start_payment_reply = TYPE_STRUCT_OF(NULL, start_payment_reply, start_reply_rows);
static const struct type_field refund_reply_rows[] = {
    TF_REQ(refund_reply, refund_id, type_id),
    TF_OPT(refund_reply, existing, type_bool),
};
const struct type type_refund_reply = TYPE_STRUCT_OF(NULL, refund_reply, refund_reply_rows);

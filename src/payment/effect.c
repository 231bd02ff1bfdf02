/* The tables of effect.h: how calls to adapters and to the inspector look on the wire. */
#include "payment/effect.h"

#include <string.h>

#include "engine/machine.h"
#include "payment/types.h"

/* ---- payment_info ---- */

static const struct type_field proxy_currency_fields[] = {
    TF_REQ(proxy_currency, name, type_str),
    TF_REQ(proxy_currency, symbolic_code, type_str),
    TF_REQ(proxy_currency, numeric_code, type_i64),
    TF_REQ(proxy_currency, exponent, type_i64),
};
static const struct type type_proxy_currency = TYPE_STRUCT_OF("ProxyCurrency", proxy_currency, proxy_currency_fields);

static const struct type_field proxy_cash_fields[] = {
    TF_REQ(proxy_cash, amount, type_i64),
    TF_REQ(proxy_cash, currency, type_proxy_currency),
};
static const struct type type_proxy_cash = TYPE_STRUCT_OF("ProxyCash", proxy_cash, proxy_cash_fields);

static const struct type_field proxy_category_fields[] = {
    TF_REQ(proxy_category, name, type_str),
    TF_REQ(proxy_category, description, type_str),
    TF_OPT(proxy_category, type, type_str),
};
static const struct type type_proxy_category = TYPE_STRUCT_OF("ProxyCategory", proxy_category, proxy_category_fields);

static const struct type_field proxy_location_fields[] = { TF_OPT(proxy_location, url, type_str) };
static const struct type type_proxy_location = TYPE_STRUCT_OF("ProxyLocation", proxy_location, proxy_location_fields);

static const struct type_field proxy_shop_fields[] = {
    TF_REQ(proxy_shop, id, type_str),
    TF_REQ(proxy_shop, category, type_proxy_category),
    TF_REQ(proxy_shop, name, type_str),
    TF_OPT(proxy_shop, description, type_str),
    TF_REQ(proxy_shop, location, type_proxy_location),
};
static const struct type type_proxy_shop = TYPE_STRUCT_OF("ProxyShop", proxy_shop, proxy_shop_fields);

static const struct type_field proxy_invoice_fields[] = {
    TF_REQ(proxy_invoice, id, type_str),
    TF_REQ(proxy_invoice, created_at, type_time),
    TF_REQ(proxy_invoice, due, type_time),
    { "details", &type_invoice_details, offsetof(struct proxy_invoice, details), TYPE_REQUIRED | TYPE_POINTER },
    TF_REQ(proxy_invoice, cost, type_proxy_cash),
};
static const struct type type_proxy_invoice = TYPE_STRUCT_OF("ProxyInvoice", proxy_invoice, proxy_invoice_fields);

static const struct type_field proxy_payment_service_fields[] = {
    TF_REQ(proxy_payment_service, name, type_str),
    TF_OPT(proxy_payment_service, description, type_str),
    TF_OPT(proxy_payment_service, category, type_str),
    TF_OPT(proxy_payment_service, brand_name, type_str),
};
static const struct type type_proxy_payment_service =
    TYPE_STRUCT_OF("ProxyPaymentService", proxy_payment_service, proxy_payment_service_fields);

static const struct type_field proxy_recurrent_resource_fields[] = {
    { "payment_tool", &type_payment_tool, offsetof(struct proxy_recurrent_resource, payment_tool),
      TYPE_REQUIRED | TYPE_POINTER },
    TF_REQ(proxy_recurrent_resource, rec_token, type_adapter_token),
};
static const struct type type_proxy_recurrent_resource =
    TYPE_STRUCT_OF("ProxyRecurrentResource", proxy_recurrent_resource, proxy_recurrent_resource_fields);

static const struct type_field proxy_resource_fields[] = {
    TF_VARP(proxy_resource, disposable_payment_resource, type_payment_resource),
    TF_VARP(proxy_resource, recurrent_payment_resource, type_proxy_recurrent_resource),
};
static const struct type type_proxy_resource = TYPE_UNION_OF("ProxyResource", proxy_resource, proxy_resource_fields);

static const struct type_field proxy_payment_fields[] = {
    TF_REQ(proxy_payment, id, type_str),
    TF_REQ(proxy_payment, created_at, type_time),
    TF_PTR(proxy_payment, trx, type_trx),
    TF_REQ(proxy_payment, payment_resource, type_proxy_resource),
    TF_PTR(proxy_payment, payment_service, type_proxy_payment_service),
    TF_PTR(proxy_payment, payer_session_info, type_payer_session_info),
    TF_REQ(proxy_payment, cost, type_proxy_cash),
    { "contact_info", &type_contact_info, offsetof(struct proxy_payment, contact_info), TYPE_REQUIRED | TYPE_POINTER },
    TF_PTR(proxy_payment, make_recurrent, type_bool),
    TF_PTR(proxy_payment, skip_recurrent, type_bool),
    TF_OPT(proxy_payment, processing_deadline, type_time),
};
static const struct type type_proxy_payment = TYPE_STRUCT_OF("ProxyPayment", proxy_payment, proxy_payment_fields);

static const struct type_field proxy_refund_fields[] = {
    TF_REQ(proxy_refund, id, type_str),
    TF_REQ(proxy_refund, created_at, type_time),
    TF_REQ(proxy_refund, cash, type_proxy_cash),
    TF_PTR(proxy_refund, trx, type_trx),
};
static const struct type type_proxy_refund = TYPE_STRUCT_OF("ProxyRefund", proxy_refund, proxy_refund_fields);

static const struct type_field proxy_capture_fields[] = { TF_REQ(proxy_capture, cost, type_proxy_cash) };
static const struct type type_proxy_capture = TYPE_STRUCT_OF("ProxyCapture", proxy_capture, proxy_capture_fields);

static const struct type_field payment_info_fields[] = {
    TF_REQ(payment_info, shop, type_proxy_shop),
    TF_REQ(payment_info, invoice, type_proxy_invoice),
    TF_REQ(payment_info, payment, type_proxy_payment),
    TF_PTR(payment_info, refund, type_proxy_refund),
    TF_PTR(payment_info, capture, type_proxy_capture),
};
const struct type type_payment_info = TYPE_STRUCT_OF("PaymentInfo", payment_info, payment_info_fields);

/* ---- requests to adapters ---- */

static const struct type_field proxy_session_fields[] = {
    { "target", &type_target, offsetof(struct proxy_session, target), TYPE_REQUIRED | TYPE_POINTER },
    TF_OPT(proxy_session, state, type_adapter_base64),
};
static const struct type type_proxy_session = TYPE_STRUCT_OF("ProxySession", proxy_session, proxy_session_fields);

static const struct type_field proxy_request_fields[] = {
    TF_REQ(proxy_request, session, type_proxy_session),
    TF_REQ(proxy_request, payment_info, type_payment_info),
    TF_REQ(proxy_request, options, type_string_map),
};
const struct type type_proxy_request = TYPE_STRUCT_OF("ProxyRequest", proxy_request, proxy_request_fields);

static const struct type_field proxy_callback_request_fields[] = {
    TF_REQ(proxy_callback_request, callback, type_adapter_base64),
    TF_REQ(proxy_callback_request, context, type_proxy_request),
};
const struct type type_proxy_callback_request =
    TYPE_STRUCT_OF("ProxyCallbackRequest", proxy_callback_request, proxy_callback_request_fields);

/* ---- answers of adapters ---- */

static const struct type_field proxy_success_fields[] = {
    TF_OPT(proxy_success, token, type_adapter_token),
    TF_PTR(proxy_success, changed_cost, type_cash),
};
static const struct type type_proxy_success = TYPE_STRUCT_OF("ProxySuccess", proxy_success, proxy_success_fields);

static const struct type_field proxy_status_fields[] = {
    TF_VARP(proxy_status, success, type_proxy_success),
    TF_VARP(proxy_status, failure, type_failure),
};
static const struct type type_proxy_status = TYPE_UNION_OF("ProxyStatus", proxy_status, proxy_status_fields);

static const struct type_field proxy_finish_fields[] = { TF_REQ(proxy_finish, status, type_proxy_status) };
static const struct type type_proxy_finish = TYPE_STRUCT_OF("ProxyFinish", proxy_finish, proxy_finish_fields);

static const struct type_field proxy_timer_fields[] = {
    TF_VAR(proxy_timer, timeout, type_i64),
    TF_VAR(proxy_timer, deadline, type_time),
};
static const struct type type_proxy_timer = TYPE_UNION_OF("ProxyTimer", proxy_timer, proxy_timer_fields);

static const struct type_field proxy_timeout_behaviour_fields[] = {
    TF_VARP(proxy_timeout_behaviour, operation_failure, type_operation_failure),
    TF_VAR(proxy_timeout_behaviour, callback, type_adapter_base64),
};
static const struct type type_proxy_timeout_behaviour =
    TYPE_UNION_OF("ProxyTimeoutBehaviour", proxy_timeout_behaviour, proxy_timeout_behaviour_fields);

static const struct type_field proxy_sleep_fields[] = {
    TF_REQ(proxy_sleep, timer, type_proxy_timer),
    TF_PTR(proxy_sleep, user_interaction, type_user_interaction),
    TF_PTR(proxy_sleep, user_interaction_completion, type_empty),
};
static const struct type type_proxy_sleep = TYPE_STRUCT_OF("ProxySleep", proxy_sleep, proxy_sleep_fields);

/* A tag becomes a part of a Redis key and of a path. */
static const struct type type_proxy_tag = TYPE_STR_IN(1, STEP_TAG_MAX);

static const struct type_field proxy_suspend_fields[] = {
    TF_REQ(proxy_suspend, tag, type_proxy_tag),
    TF_REQ(proxy_suspend, timeout, type_proxy_timer),
    TF_PTR(proxy_suspend, user_interaction, type_user_interaction),
    TF_PTR(proxy_suspend, user_interaction_completion, type_empty),
    TF_OPT(proxy_suspend, timeout_behaviour, type_proxy_timeout_behaviour),
};
static const struct type type_proxy_suspend = TYPE_STRUCT_OF("ProxySuspend", proxy_suspend, proxy_suspend_fields);

static const struct type_field proxy_intent_fields[] = {
    TF_VARP(proxy_intent, finish, type_proxy_finish),
    TF_VARP(proxy_intent, sleep, type_proxy_sleep),
    TF_VARP(proxy_intent, suspend, type_proxy_suspend),
};
static const struct type type_proxy_intent = TYPE_UNION_OF("ProxyIntent", proxy_intent, proxy_intent_fields);

static const struct type_field proxy_result_fields[] = {
    TF_OPT(proxy_result, intent, type_proxy_intent),
    TF_OPT(proxy_result, next_state, type_adapter_base64),
    TF_PTR(proxy_result, trx, type_trx),
};
const struct type type_proxy_result = TYPE_STRUCT_OF("ProxyResult", proxy_result, proxy_result_fields);

static const struct type_field proxy_callback_result_fields[] = {
    TF_REQ(proxy_callback_result, response, type_adapter_base64),
    TF_REQ(proxy_callback_result, result, type_proxy_result),
};
const struct type type_proxy_callback_result =
    TYPE_STRUCT_OF("ProxyCallbackResult", proxy_callback_result, proxy_callback_result_fields);

/* ---- the inspector ---- */

static const struct type_field inspect_ref_fields[] = { { "id", &type_str, 0, TYPE_REQUIRED } };
static const struct type type_inspect_ref = {
    .kind = TYPE_STRUCT, .size = sizeof(char *), .fields = inspect_ref_fields, .field_count = 1,
};

static const struct type_field inspect_party_fields[] = { TF_REQ(inspect_party, party_ref, type_inspect_ref) };
static const struct type type_inspect_party = TYPE_STRUCT_OF("InspectParty", inspect_party, inspect_party_fields);

static const struct type_field inspect_shop_fields[] = {
    TF_REQ(inspect_shop, shop_ref, type_inspect_ref),
    TF_REQ(inspect_shop, category, type_proxy_category),
    TF_REQ(inspect_shop, name, type_str),
    TF_OPT(inspect_shop, description, type_str),
    TF_REQ(inspect_shop, location, type_proxy_location),
};
static const struct type type_inspect_shop = TYPE_STRUCT_OF("InspectShop", inspect_shop, inspect_shop_fields);

static const struct type_field inspect_invoice_fields[] = {
    TF_REQ(inspect_invoice, id, type_str),
    TF_REQ(inspect_invoice, created_at, type_time),
    TF_REQ(inspect_invoice, due, type_time),
    { "details", &type_invoice_details, offsetof(struct inspect_invoice, details), TYPE_REQUIRED | TYPE_POINTER },
    TF_PTR(inspect_invoice, client_info, type_invoice_client_info),
};
static const struct type type_inspect_invoice =
    TYPE_STRUCT_OF("InspectInvoice", inspect_invoice, inspect_invoice_fields);

static const struct type_field inspect_payment_fields[] = {
    TF_REQ(inspect_payment, id, type_str),
    TF_REQ(inspect_payment, created_at, type_time),
    { "payer", &type_payer, offsetof(struct inspect_payment, payer), TYPE_REQUIRED | TYPE_POINTER },
    { "cost", &type_cash, offsetof(struct inspect_payment, cost), TYPE_REQUIRED | TYPE_POINTER },
    TF_PTR(inspect_payment, make_recurrent, type_bool),
};
static const struct type type_inspect_payment =
    TYPE_STRUCT_OF("InspectPayment", inspect_payment, inspect_payment_fields);

static const struct type_field inspect_payment_info_fields[] = {
    TF_REQ(inspect_payment_info, party, type_inspect_party),
    TF_REQ(inspect_payment_info, shop, type_inspect_shop),
    TF_REQ(inspect_payment_info, invoice, type_inspect_invoice),
    TF_REQ(inspect_payment_info, payment, type_inspect_payment),
};
static const struct type type_inspect_payment_info =
    TYPE_STRUCT_OF("InspectPaymentInfo", inspect_payment_info, inspect_payment_info_fields);

static const struct type_field inspect_request_fields[] = {
    TF_REQ(inspect_request, payment, type_inspect_payment_info),
    TF_REQ(inspect_request, options, type_string_map),
};
const struct type type_inspect_request = TYPE_STRUCT_OF("InspectRequest", inspect_request, inspect_request_fields);

static const struct type_field inspect_answer_fields[] = { TF_REQ(inspect_answer, risk_score, type_risk_score) };
const struct type type_inspect_answer = TYPE_STRUCT_OF("InspectAnswer", inspect_answer, inspect_answer_fields);

/* ---- is_blacklisted ---- */

static const struct type_field blacklist_route_fields[] = {
    TF_REQ(blacklist_route, first_id, type_i64),
    TF_REQ(blacklist_route, second_id, type_i64),
};
static const struct type type_blacklist_route =
    TYPE_STRUCT_OF("BlacklistRoute", blacklist_route, blacklist_route_fields);
static const struct type type_blacklist_routes = TYPE_LIST_OF(type_blacklist_route);

static const struct type_field blacklist_request_fields[] = {
    TF_REQ(blacklist_request, field_name, type_str),
    TF_REQ(blacklist_request, value, type_str),
    TF_REQ(blacklist_request, routes, type_blacklist_routes),
};
const struct type type_blacklist_request =
    TYPE_STRUCT_OF("BlacklistRequest", blacklist_request, blacklist_request_fields);

static const struct type type_bools = TYPE_LIST_OF(type_bool);
static const struct type_field blacklist_answer_fields[] = { TF_REQ(blacklist_answer, blacklisted, type_bools) };
const struct type type_blacklist_answer = TYPE_STRUCT_OF("BlacklistAnswer", blacklist_answer, blacklist_answer_fields);

/* ---- which table for which kind ---- */

static const struct effect_wire wires[] = {
    [FX_INSPECT] = { "inspect_payment", &type_inspect_request, &type_inspect_answer },
    [FX_PROVIDER_PROCESS] = { "process_payment", &type_proxy_request, &type_proxy_result },
    [FX_PROVIDER_CALLBACK] = { "handle_payment_callback", &type_proxy_callback_request, &type_proxy_callback_result },
    [FX_BLACKLIST] = { "is_blacklisted", &type_blacklist_request, &type_blacklist_answer },
    [FX_LIMITS] = { "limits", NULL, NULL },
    [FX_BALANCE] = { "balance", NULL, NULL },
    [FX_CARDS] = { "cards", NULL, NULL },
};

const struct effect_wire *effect_wire(int kind)
{
    if (kind < FX_INSPECT || (size_t)kind >= SL_COUNT(wires))
        return NULL;
    return &wires[kind];
}

#define BUILTIN "builtin:"

bool effect_is_builtin(const char *url)
{
    return strncmp(url, BUILTIN, sizeof(BUILTIN) - 1) == 0;
}

bool effect_is_transient(enum sl_err err)
{
    return err == SL_EDOWN || err == SL_EUNKNOWN || err == SL_EBUSY || err == SL_ETIMEOUT;
}

enum step_cause effect_cause(enum sl_err err)
{
    return err == SL_EUNKNOWN ? CAUSE_UNKNOWN_OUTCOME : CAUSE_UNAVAILABLE;
}

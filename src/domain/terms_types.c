/* The tables of terms. */
#include <string.h>

#include "domain/terms.h"

static const struct type type_currencies = TYPE_SET_OF(type_currency_ref);
static const struct type type_categories = TYPE_SET_OF(type_category_ref);
static const struct type type_methods = TYPE_SET_OF(type_payment_method_ref);
static const struct type type_seconds = TYPE_I64_IN(0, 315360000); /* ten years */
static const struct type_field lifetime_rows[] = { TF_REQ(hold_lifetime, seconds, type_seconds) };
static const struct type type_lifetime = TYPE_STRUCT_OF("HoldLifetime", hold_lifetime, lifetime_rows);
static const struct type type_span_part = TYPE_I64_IN(0, 1000000);
static const struct type_field span_rows[] = {
    TF_PTR(time_span, years, type_span_part), TF_PTR(time_span, months, type_span_part),
    TF_PTR(time_span, days, type_span_part),  TF_PTR(time_span, hours, type_span_part),
    TF_PTR(time_span, minutes, type_span_part), TF_PTR(time_span, seconds, type_span_part),
};
const struct type type_time_span = TYPE_STRUCT_OF("TimeSpan", time_span, span_rows);
static const struct type type_attempts = TYPE_I64_IN(1, 100);
static const struct type_field attempt_rows[] = { TF_REQ(attempt_limit, attempts, type_attempts) };
static const struct type type_attempt_limit = TYPE_STRUCT_OF("AttemptLimit", attempt_limit, attempt_rows);
static const struct type_field turnover_rows[] = {
    TF_REQ(turnover_limit, ref, type_limit_config_ref),
    TF_REQ(turnover_limit, upper_boundary, type_amount),
    TF_PTR(turnover_limit, domain_revision, type_i64),
};
const struct type type_turnover_limit = TYPE_STRUCT_OF("TurnoverLimit", turnover_limit, turnover_rows);
const struct type type_turnover_limits = TYPE_SET_OF(type_turnover_limit);
static const char *check_fees(const void *value)
{
    const struct type_list *list = value;
    const struct fees_entry *entries = list->items;
    size_t i;

    for (i = 0; i < list->count; i++) {
        if (strcmp(entries[i].key, "operation_amount") != 0 && strcmp(entries[i].key, "surplus") != 0)
            return "may name operation_amount and surplus only: nothing else can be referred to";
    }
    return NULL;
}
static const struct type type_fee_map = {
    .kind = TYPE_MAP, .size = sizeof(struct type_list), .item = &type_volume, .check = check_fees,
};
static const struct type_field fees_rows[] = { TF_REQ(fees, fees, type_fee_map) };
static const struct type type_fees = TYPE_STRUCT_OF("Fees", fees, fees_rows);

SELECTOR_TYPE(type_currency_selector, "CurrencySelector", type_currencies);
SELECTOR_TYPE(type_category_selector, "CategorySelector", type_categories);
SELECTOR_TYPE(type_method_selector, "PaymentMethodSelector", type_methods);
SELECTOR_TYPE(type_cash_limit_selector, "CashLimitSelector", type_cash_range);
SELECTOR_TYPE(type_cash_flow_selector, "CashFlowSelector", type_cash_flow_template);
SELECTOR_TYPE(type_lifetime_selector, "HoldLifetimeSelector", type_lifetime);
SELECTOR_TYPE(type_span_selector, "TimeSpanSelector", type_time_span);
SELECTOR_TYPE(type_attempt_selector, "AttemptLimitSelector", type_attempt_limit);
SELECTOR_TYPE(type_risk_selector, "RiskScoreSelector", type_risk_score);
SELECTOR_TYPE(type_turnover_selector, "TurnoverLimitSelector", type_turnover_limits);
SELECTOR_TYPE(type_fees_selector, "FeesSelector", type_fees);
SELECTOR_TYPE(type_cash_selector, "CashValueSelector", type_cash);
SELECTOR_TYPE(type_system_account_set_selector, "SystemAccountSetSelector", type_system_account_set_ref);
SELECTOR_TYPE(type_external_account_set_selector, "ExternalAccountSetSelector", type_external_account_set_ref);
SELECTOR_TYPE(type_inspector_selector, "InspectorSelector", type_inspector_ref);

/* ---- merchants ---- */

static const struct type_field m_partial_rows[] = {
    TF_PTR(merchant_partial_refund_terms, cash_limit, type_cash_limit_selector),
};
static const struct type type_m_partial =
    TYPE_STRUCT_OF("PartialRefundsServiceTerms", merchant_partial_refund_terms, m_partial_rows);
static const struct type_field m_refund_rows[] = {
    TF_PTR(merchant_refund_terms, payment_methods, type_method_selector),
    TF_PTR(merchant_refund_terms, fees, type_cash_flow_selector),
    TF_PTR(merchant_refund_terms, eligibility_time, type_span_selector),
    TF_PTR(merchant_refund_terms, partial_refunds, type_m_partial),
};
static const struct type type_m_refund = TYPE_STRUCT_OF("RefundsServiceTerms", merchant_refund_terms, m_refund_rows);
static const struct type_field m_hold_rows[] = {
    TF_PTR(merchant_hold_terms, payment_methods, type_method_selector),
    TF_PTR(merchant_hold_terms, lifetime, type_lifetime_selector),
    TF_PTR(merchant_hold_terms, partial_captures, type_empty),
};
static const struct type type_m_hold = TYPE_STRUCT_OF("HoldsServiceTerms", merchant_hold_terms, m_hold_rows);
static const struct type_field m_chargeback_rows[] = {
    TF_PTR(merchant_chargeback_terms, allow, type_predicate),
    TF_PTR(merchant_chargeback_terms, fees, type_cash_flow_selector),
    TF_PTR(merchant_chargeback_terms, eligibility_time, type_span_selector),
};
static const struct type type_m_chargeback =
    TYPE_STRUCT_OF("ChargebacksServiceTerms", merchant_chargeback_terms, m_chargeback_rows);
static const struct type_field allocation_rows[] = { TF_PTR(allocation_terms, allow, type_predicate) };
static const struct type type_allocation = TYPE_STRUCT_OF("AllocationsServiceTerms", allocation_terms, allocation_rows);
static const struct type_field m_payment_rows[] = {
    TF_PTR(merchant_payment_terms, currencies, type_currency_selector),
    TF_PTR(merchant_payment_terms, categories, type_category_selector),
    TF_PTR(merchant_payment_terms, payment_methods, type_method_selector),
    TF_PTR(merchant_payment_terms, cash_limit, type_cash_limit_selector),
    TF_PTR(merchant_payment_terms, fees, type_cash_flow_selector),
    TF_PTR(merchant_payment_terms, holds, type_m_hold),
    TF_PTR(merchant_payment_terms, refunds, type_m_refund),
    TF_PTR(merchant_payment_terms, chargebacks, type_m_chargeback),
    TF_PTR(merchant_payment_terms, allocations, type_allocation),
    TF_PTR(merchant_payment_terms, attempt_limit, type_attempt_selector),
};
static const struct type type_m_payment = TYPE_STRUCT_OF("PaymentsServiceTerms", merchant_payment_terms, m_payment_rows);
static const struct type_field m_recurrent_rows[] = {
    TF_PTR(merchant_recurrent_terms, payment_methods, type_method_selector),
};
static const struct type type_m_recurrent =
    TYPE_STRUCT_OF("RecurrentPaytoolsServiceTerms", merchant_recurrent_terms, m_recurrent_rows);
static const struct type_field term_set_rows[] = {
    TF_PTR(term_set, payments, type_m_payment),
    TF_PTR(term_set, recurrent_paytools, type_m_recurrent),
    TF_OPT(term_set, reports, type_raw),
    TF_OPT(term_set, wallets, type_raw),
};
const struct type type_term_set = TYPE_STRUCT_OF("TermSet", term_set, term_set_rows);
static const struct type_field hierarchy_rows[] = {
    TF_OPT(term_set_hierarchy, name, type_str),
    TF_OPT(term_set_hierarchy, description, type_str),
    TF_PTR(term_set_hierarchy, parent_terms, type_term_set_ref),
    TF_REQ(term_set_hierarchy, term_set, type_term_set),
};
const struct type type_term_set_hierarchy = TYPE_STRUCT_OF("TermSetHierarchy", term_set_hierarchy, hierarchy_rows);

/* ---- providers ---- */

static const struct type_field p_hold_rows[] = {
    TF_PTR(provision_hold_terms, lifetime, type_lifetime_selector),
    TF_PTR(provision_hold_terms, partial_captures, type_empty),
};
static const struct type type_p_hold = TYPE_STRUCT_OF("PaymentHoldsProvisionTerms", provision_hold_terms, p_hold_rows);
static const struct type_field p_partial_rows[] = {
    TF_PTR(provision_partial_refund_terms, cash_limit, type_cash_limit_selector),
};
static const struct type type_p_partial =
    TYPE_STRUCT_OF("PartialRefundsProvisionTerms", provision_partial_refund_terms, p_partial_rows);
static const struct type_field p_refund_rows[] = {
    TF_PTR(provision_refund_terms, cash_flow, type_cash_flow_selector),
    TF_PTR(provision_refund_terms, partial_refunds, type_p_partial),
};
static const struct type type_p_refund = TYPE_STRUCT_OF("PaymentRefundsProvisionTerms", provision_refund_terms, p_refund_rows);
static const struct type_field p_chargeback_rows[] = {
    TF_PTR(provision_chargeback_terms, cash_flow, type_cash_flow_selector),
    TF_PTR(provision_chargeback_terms, fees, type_fees_selector),
};
static const struct type type_p_chargeback =
    TYPE_STRUCT_OF("PaymentChargebackProvisionTerms", provision_chargeback_terms, p_chargeback_rows);
static const struct type_field p_payment_rows[] = {
    TF_PTR(provision_payment_terms, allow, type_predicate),
    TF_PTR(provision_payment_terms, global_allow, type_predicate),
    TF_PTR(provision_payment_terms, allow_exchange, type_predicate),
    TF_PTR(provision_payment_terms, currencies, type_currency_selector),
    TF_PTR(provision_payment_terms, categories, type_category_selector),
    TF_PTR(provision_payment_terms, payment_methods, type_method_selector),
    TF_PTR(provision_payment_terms, cash_limit, type_cash_limit_selector),
    TF_PTR(provision_payment_terms, cash_flow, type_cash_flow_selector),
    TF_PTR(provision_payment_terms, holds, type_p_hold),
    TF_PTR(provision_payment_terms, refunds, type_p_refund),
    TF_PTR(provision_payment_terms, chargebacks, type_p_chargeback),
    TF_PTR(provision_payment_terms, risk_coverage, type_risk_selector),
    TF_PTR(provision_payment_terms, turnover_limits, type_turnover_selector),
};
static const struct type type_p_payment =
    TYPE_STRUCT_OF("PaymentsProvisionTerms", provision_payment_terms, p_payment_rows);
static const struct type_field p_recurrent_rows[] = {
    TF_PTR(provision_recurrent_terms, cash_value, type_cash_selector),
    TF_PTR(provision_recurrent_terms, categories, type_category_selector),
    TF_PTR(provision_recurrent_terms, payment_methods, type_method_selector),
    TF_PTR(provision_recurrent_terms, risk_coverage, type_risk_selector),
};
static const struct type type_p_recurrent =
    TYPE_STRUCT_OF("RecurrentPaytoolsProvisionTerms", provision_recurrent_terms, p_recurrent_rows);
static const struct type_field extension_rows[] = { TF_PTR(provision_extension, skip_recurrent, type_bool) };
static const struct type type_extension = TYPE_STRUCT_OF("ProvisionTermSetExtension", provision_extension, extension_rows);
static const struct type_field provision_rows[] = {
    TF_PTR(provision_terms, payments, type_p_payment),
    TF_PTR(provision_terms, recurrent_paytools, type_p_recurrent),
    TF_OPT(provision_terms, wallet, type_raw),
    TF_PTR(provision_terms, extension, type_extension),
};
const struct type type_provision_terms = TYPE_STRUCT_OF("ProvisionTermSet", provision_terms, provision_rows);

/* The tables of predicates and conditions. */
#include "domain/predicate.h"

static const struct type type_country = TYPE_STR_IN(3, 3);
static const struct type_field card_system_rows[] = {
    TF_PTR(card_system_condition, payment_system_is, type_payment_system_ref),
    TF_PTR(card_system_condition, token_service_is, type_payment_token_ref),
    TF_OPT(card_system_condition, tokenization_method_is, type_tokenization),
};
static const struct type type_card_system = TYPE_STRUCT_OF("CardSystemCondition", card_system_condition, card_system_rows);
static const struct type_field card_rows[] = {
    TF_VAR(card_condition, payment_system, type_card_system),
    TF_VAR(card_condition, issuer_country_is, type_country),
    TF_VAR(card_condition, issuer_bank_is, type_bank_ref),
    TF_VAR(card_condition, empty_cvv_is, type_bool),
    TF_VAR(card_condition, category_is, type_bank_card_category_ref),
};
static const struct type type_card_condition = TYPE_UNION_OF("BankCardCondition", card_condition, card_rows);
static const struct type_field card_holder_rows[] = { TF_OPT(card_condition_holder, definition, type_card_condition) };
static const struct type type_card_holder = TYPE_STRUCT_OF(NULL, card_condition_holder, card_holder_rows);

/* Conditions on the one thing that names a tool's service: "NAME": ref. */
#define SERVICE_CONDITION(PREFIX, NAME, REF)                                                                       \
    static const struct type_field PREFIX##_rows[] = { { NAME, &(REF), offsetof(struct service_condition, is), 0 } }; \
    static const struct type PREFIX##_condition = TYPE_UNION_OF(NULL, service_condition, PREFIX##_rows);            \
    static const struct type_field PREFIX##_holder_rows[] = {                                                      \
        TF_OPT(service_condition_holder, definition, PREFIX##_condition)                                           \
    };                                                                                                             \
    static const struct type PREFIX##_holder = TYPE_STRUCT_OF(NULL, service_condition_holder, PREFIX##_holder_rows)

SERVICE_CONDITION(type_service, "payment_service_is", type_payment_service_ref);
SERVICE_CONDITION(type_operator, "operator_is", type_mobile_operator_ref);
SERVICE_CONDITION(type_crypto, "crypto_currency_is", type_crypto_currency_ref);

static const struct type type_path = {
    .kind = TYPE_LIST, .size = sizeof(struct type_list), .item = &type_str, .min = 1, .max = 16,
};
static const struct type_field field_rows[] = {
    TF_REQ(resource_field, field_path, type_path),
    TF_REQ(resource_field, value, type_str),
};
static const struct type type_resource_field = TYPE_STRUCT_OF("ResourceFieldCondition", resource_field, field_rows);
static const struct type_field generic_rows[] = {
    TF_VAR(generic_condition, payment_service_is, type_payment_service_ref),
    TF_VAR(generic_condition, resource_field_matches, type_resource_field),
};
static const struct type type_generic = TYPE_UNION_OF("GenericToolCondition", generic_condition, generic_rows);
static const struct type_field tool_rows[] = {
    TF_VAR(tool_condition, bank_card, type_card_holder),
    TF_VAR(tool_condition, payment_terminal, type_service_holder),
    TF_VAR(tool_condition, digital_wallet, type_service_holder),
    TF_VAR(tool_condition, mobile_commerce, type_operator_holder),
    TF_VAR(tool_condition, crypto_currency, type_crypto_holder),
    TF_VAR(tool_condition, generic, type_generic),
};
static const struct type type_tool = TYPE_UNION_OF("PaymentToolCondition", tool_condition, tool_rows);

static const struct type_field party_definition_rows[] = {
    TF_VAR(party_definition, shop_is, type_shop_ref),
    TF_VAR(party_definition, wallet_is, type_raw),
};
static const struct type type_party_definition = TYPE_UNION_OF("PartyConditionDefinition", party_definition, party_definition_rows);
static const struct type_field party_rows[] = {
    TF_REQ(party_condition, party_ref, type_party_ref),
    TF_OPT(party_condition, definition, type_party_definition),
};
static const struct type type_party = TYPE_STRUCT_OF("PartyCondition", party_condition, party_rows);

static const char *check_multiple(const void *value)
{
    return ((const struct cash *)value)->amount == 0 ? "must not have the amount 0" : NULL;
}
static const struct type_field multiple_rows[] = {
    TF_REQ(cash, amount, type_amount),
    TF_REQ(cash, currency, type_currency_ref),
};
static const struct type type_multiple = {
    .kind = TYPE_STRUCT, .size = sizeof(struct cash), .fields = multiple_rows, .field_count = SL_COUNT(multiple_rows),
    .check = check_multiple,
};

static const struct type_field location_rows[] = { TF_VAR(location_condition, url, type_str) };
static const struct type type_location = TYPE_UNION_OF("ShopLocationCondition", location_condition, location_rows);
static const struct type_field text_rows[] = {
    TF_VAR(text_condition, equals, type_str),
    TF_VAR(text_condition, matches, type_str),
};
static const struct type type_text_condition = TYPE_UNION_OF("TextCondition", text_condition, text_rows);
static const struct type_field bin_data_rows[] = {
    TF_OPT(bin_data_condition, payment_system, type_text_condition),
    TF_OPT(bin_data_condition, bank_name, type_text_condition),
};
static const struct type type_bin_data = TYPE_STRUCT_OF("BinDataCondition", bin_data_condition, bin_data_rows);
static const struct type_field condition_rows[] = {
    TF_VAR(condition, category_is, type_category_ref),
    TF_VAR(condition, currency_is, type_currency_ref),
    TF_VAR(condition, cost_in, type_cash_range),
    TF_VAR(condition, cost_is_multiple_of, type_multiple),
    TF_VAR(condition, payment_tool, type_tool),
    TF_VAR(condition, party, type_party),
    TF_VAR(condition, shop_location_is, type_location),
    TF_VAR(condition, bin_data, type_bin_data),
    TF_VAR(condition, trust_level_is, type_trust_level),
};
static const struct type type_condition = TYPE_UNION_OF("Condition", condition, condition_rows);

static const struct type type_predicates = TYPE_LIST_OF(type_predicate);
static const struct type_field predicate_rows[] = {
    TF_VAR(predicate, constant, type_bool),
    TF_VARP(predicate, condition, type_condition),
    TF_VARP(predicate, is_not, type_predicate),
    TF_VAR(predicate, all_of, type_predicates),
    TF_VAR(predicate, any_of, type_predicates),
    TF_VAR(predicate, criterion, type_criterion_ref),
};
const struct type type_predicate = TYPE_UNION_OF("Predicate", predicate, predicate_rows);

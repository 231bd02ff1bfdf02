#include "domain/refs.h"

#include <assert.h>

#include "domain/facts.h"

static const char *const risk_names[] = {
    [RISK_TRUSTED] = "trusted", [RISK_LOW] = "low", [RISK_HIGH] = "high", [RISK_FATAL] = "fatal",
};
const struct type type_risk_score = TYPE_ENUM_OF("RiskScore", risk_names);
static const char *const trust_names[] = { [TRUST_WELL_KNOWN] = "well_known", [TRUST_UNKNOWN] = "unknown" };
const struct type type_trust_level = TYPE_ENUM_OF("TrustLevel", trust_names);

static const struct type type_number = TYPE_I64_IN(1, INT32_MAX);
static const struct type_field number_rows[] = { TF_REQ(number_ref, id, type_number) };
static const struct type_field text_rows[] = { TF_REQ(id_ref, id, type_id) };

const struct type type_category_ref = TYPE_STRUCT_OF("CategoryRef", number_ref, number_rows);
const struct type type_bank_ref = TYPE_STRUCT_OF("BankRef", number_ref, number_rows);
const struct type type_bank_card_category_ref = TYPE_STRUCT_OF("BankCardCategoryRef", number_ref, number_rows);
const struct type type_proxy_ref = TYPE_STRUCT_OF("ProxyRef", number_ref, number_rows);
const struct type type_inspector_ref = TYPE_STRUCT_OF("InspectorRef", number_ref, number_rows);
const struct type type_system_account_set_ref = TYPE_STRUCT_OF("SystemAccountSetRef", number_ref, number_rows);
const struct type type_external_account_set_ref = TYPE_STRUCT_OF("ExternalAccountSetRef", number_ref, number_rows);
const struct type type_criterion_ref = TYPE_STRUCT_OF("CriterionRef", number_ref, number_rows);
const struct type type_term_set_ref = TYPE_STRUCT_OF("TermSetHierarchyRef", number_ref, number_rows);
const struct type type_provider_ref = TYPE_STRUCT_OF("ProviderRef", number_ref, number_rows);
const struct type type_terminal_ref = TYPE_STRUCT_OF("TerminalRef", number_ref, number_rows);
const struct type type_ruleset_ref = TYPE_STRUCT_OF("RoutingRulesetRef", number_ref, number_rows);
const struct type type_institution_ref = TYPE_STRUCT_OF("PaymentInstitutionRef", number_ref, number_rows);
const struct type type_country_ref = TYPE_STRUCT_OF("CountryRef", id_ref, text_rows);
const struct type type_limit_config_ref = TYPE_STRUCT_OF("LimitConfigRef", id_ref, text_rows);
const struct type type_party_ref = TYPE_STRUCT_OF("PartyRef", id_ref, text_rows);
const struct type type_shop_ref = TYPE_STRUCT_OF("ShopRef", id_ref, text_rows);

static const struct {
    const struct type *type;
    int kind;
} kinds[] = {
    { &type_currency_ref, OBJ_CURRENCY },
    { &type_category_ref, OBJ_CATEGORY },
    { &type_payment_system_ref, OBJ_PAYMENT_SYSTEM },
    { &type_payment_service_ref, OBJ_PAYMENT_SERVICE },
    { &type_payment_token_ref, OBJ_PAYMENT_TOKEN },
    { &type_mobile_operator_ref, OBJ_MOBILE_OPERATOR },
    { &type_crypto_currency_ref, OBJ_CRYPTO_CURRENCY },
    { &type_payment_method_ref, OBJ_PAYMENT_METHOD },
    { &type_bank_ref, OBJ_BANK },
    { &type_bank_card_category_ref, OBJ_BANK_CARD_CATEGORY },
    { &type_country_ref, OBJ_COUNTRY },
    { &type_proxy_ref, OBJ_PROXY },
    { &type_inspector_ref, OBJ_INSPECTOR },
    { &type_system_account_set_ref, OBJ_SYSTEM_ACCOUNT_SET },
    { &type_external_account_set_ref, OBJ_EXTERNAL_ACCOUNT_SET },
    { &type_criterion_ref, OBJ_CRITERION },
    { &type_limit_config_ref, OBJ_LIMIT_CONFIG },
    { &type_term_set_ref, OBJ_TERM_SET_HIERARCHY },
    { &type_provider_ref, OBJ_PROVIDER },
    { &type_terminal_ref, OBJ_TERMINAL },
    { &type_ruleset_ref, OBJ_ROUTING_RULES },
    { &type_institution_ref, OBJ_PAYMENT_INSTITUTION },
    { &type_party_ref, OBJ_PARTY_CONFIG },
    { &type_shop_ref, OBJ_SHOP_CONFIG },
};

static const char *const kind_names[] = {
    [OBJ_CURRENCY] = "currency",
    [OBJ_CATEGORY] = "category",
    [OBJ_PAYMENT_SYSTEM] = "payment_system",
    [OBJ_PAYMENT_SERVICE] = "payment_service",
    [OBJ_PAYMENT_TOKEN] = "payment_token",
    [OBJ_MOBILE_OPERATOR] = "mobile_operator",
    [OBJ_CRYPTO_CURRENCY] = "crypto_currency",
    [OBJ_PAYMENT_METHOD] = "payment_method",
    [OBJ_BANK] = "bank",
    [OBJ_BANK_CARD_CATEGORY] = "bank_card_category",
    [OBJ_COUNTRY] = "country",
    [OBJ_TRADE_BLOC] = "trade_bloc",
    [OBJ_PROXY] = "proxy",
    [OBJ_INSPECTOR] = "inspector",
    [OBJ_SYSTEM_ACCOUNT_SET] = "system_account_set",
    [OBJ_EXTERNAL_ACCOUNT_SET] = "external_account_set",
    [OBJ_GLOBALS] = "globals",
    [OBJ_CRITERION] = "criterion",
    [OBJ_LIMIT_CONFIG] = "limit_config",
    [OBJ_TERM_SET_HIERARCHY] = "term_set_hierarchy",
    [OBJ_PROVIDER] = "provider",
    [OBJ_TERMINAL] = "terminal",
    [OBJ_ROUTING_RULES] = "routing_rules",
    [OBJ_PAYMENT_INSTITUTION] = "payment_institution",
    [OBJ_PARTY_CONFIG] = "party_config",
    [OBJ_SHOP_CONFIG] = "shop_config",
    [OBJ_WALLET_CONFIG] = "wallet_config",
    [OBJ_BUSINESS_SCHEDULE] = "business_schedule",
    [OBJ_CALENDAR] = "calendar",
    [OBJ_DOCUMENT_TYPE] = "document_type",
    [OBJ_CASH_REGISTER_PROVIDER] = "cash_register_provider",
};
_Static_assert(SL_COUNT(kind_names) == OBJECT_KINDS + 1, "every kind has a name");

const char *object_kind_name(int kind)
{
    assert(kind >= 1 && kind <= OBJECT_KINDS);
    return kind_names[kind];
}

int ref_kind(const struct type *type)
{
    size_t i;

    for (i = 0; i < SL_COUNT(kinds); i++) {
        if (kinds[i].type == type)
            return kinds[i].kind;
    }
    return 0;
}

const char *ref_key(const struct type *ref_type, const void *ref, struct arena *arena)
{
    static const bool no = false;
    struct buf text = BUF_EMPTY;
    struct payment_method_ref method;
    const char *key;

    if (ref_type->fields == number_rows)
        return arena_printf(arena, "%lld", (long long)((const struct number_ref *)ref)->id);
    if (ref_type->kind == TYPE_STRUCT && ref_type->field_count == 1 && ref_type->fields[0].type->kind == TYPE_STR)
        return *(const char *const *)ref;
    if (ref_type == &type_payment_method_ref) {
        method = *(const struct payment_method_ref *)ref;
        if (method.id.tag == METHOD_BANK_CARD && !method.id.bank_card.is_cvv_empty)
            method.id.bank_card.is_cvv_empty = &no; /* two ways to write one method */
        ref = &method;
    }
    type_encode(ref_type, ref, &text);
    key = arena_strdup(arena, buf_text(&text));
    buf_clear(&text);
    return key;
}

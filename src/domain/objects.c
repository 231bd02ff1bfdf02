/* The tables of configuration objects. */
#include "domain/objects.h"

#include <assert.h>

#include "domain/url.h"

static const struct type type_name = TYPE_STR_IN(0, 1024);
static const struct type type_texts = TYPE_SET_OF(type_str);
const struct type type_account_id = TYPE_I64_IN(1, INT64_MAX);

#define NAMED(S) TF_REQ(S, name, type_name), TF_OPT(S, description, type_str)

static const struct type type_code = TYPE_I64_IN(0, 999);
static const struct type type_exponent = TYPE_I64_IN(0, 18);
static const char *check_rates(const void *value)
{
    const struct type_list *list = value;
    const struct named_rational *rates = list->items;
    size_t i;

    for (i = 0; i < list->count; i++) {
        if (rates[i].value.p <= 0 || rates[i].value.q <= 0)
            return "rates and factors are positive, with a positive p and q";
    }
    return NULL;
}
static const struct type type_rates = {
    .kind = TYPE_MAP, .size = sizeof(struct type_list), .item = &type_rational, .check = check_rates,
};
static const struct type_field currency_rows[] = {
    TF_REQ(currency, name, type_name),
    TF_REQ(currency, symbolic_code, type_currency_code),
    TF_REQ(currency, numeric_code, type_code),
    TF_REQ(currency, exponent, type_exponent),
    TF_OPT(currency, rates, type_rates),
};
static const struct type type_currency = TYPE_STRUCT_OF("Currency", currency, currency_rows);

static const char *const category_names[] = { [CATEGORY_TEST] = "test", [CATEGORY_LIVE] = "live" };
static const struct type type_category_type = TYPE_ENUM_OF("CategoryType", category_names);
static const struct type_field category_rows[] = { NAMED(category), TF_OPT(category, type, type_category_type) };
static const struct type type_category = TYPE_STRUCT_OF("Category", category, category_rows);

static const struct type_field named_rows[] = { NAMED(named), TF_OPT(named, validation_rules, type_raw) };
static const struct type type_named = TYPE_STRUCT_OF("NamedObject", named, named_rows);

static const struct type_field service_rows[] = {
    NAMED(payment_service),
    TF_OPT(payment_service, category, type_name),
    TF_OPT(payment_service, brand_name, type_name),
    TF_OPT(payment_service, metadata, type_raw),
};
static const struct type type_service = TYPE_STRUCT_OF("PaymentService", payment_service, service_rows);

static const struct type_field bank_rows[] = {
    NAMED(bank),
    TF_OPT(bank, binbase_id_patterns, type_texts),
    TF_REQ(bank, bins, type_texts),
};
static const struct type type_bank = TYPE_STRUCT_OF("Bank", bank, bank_rows);
static const struct type_field card_category_rows[] = {
    NAMED(bank_card_category),
    TF_REQ(bank_card_category, category_patterns, type_texts),
};
static const struct type type_card_category = TYPE_STRUCT_OF("BankCardCategory", bank_card_category, card_category_rows);

/* ---- proxies, inspectors, accounts ---- */

static const struct type type_url = TYPE_STR_IN(1, 2048);
static const char *check_proxy_url(const void *value)
{
    return url_fault(*(const char *const *)value);
}
static const struct type type_proxy_url = {
    .kind = TYPE_STR, .size = sizeof(char *), .min = 1, .max = 2048, .check = check_proxy_url,
};
static const struct type_field proxy_rows[] = {
    NAMED(proxy_definition),
    TF_REQ(proxy_definition, url, type_proxy_url),
    TF_REQ(proxy_definition, options, type_string_map),
};
static const struct type type_proxy = TYPE_STRUCT_OF("ProxyDefinition", proxy_definition, proxy_rows);
static const struct type_field proxy_ref_rows[] = {
    TF_REQ(proxy_ref, ref, type_proxy_ref),
    TF_REQ(proxy_ref, additional, type_string_map),
};
static const struct type type_proxy_use = TYPE_STRUCT_OF("Proxy", proxy_ref, proxy_ref_rows);
static const struct type_field inspector_rows[] = {
    NAMED(inspector),
    TF_REQ(inspector, proxy, type_proxy_use),
    TF_OPT(inspector, fallback_risk_score, type_risk_score),
};
static const struct type type_inspector = TYPE_STRUCT_OF("Inspector", inspector, inspector_rows);

static const struct type_field system_accounts_rows[] = {
    TF_REQ(system_accounts, settlement, type_account_id),
    TF_PTR(system_accounts, subagent, type_account_id),
};
static const struct type type_system_accounts = TYPE_STRUCT_OF("SystemAccount", system_accounts, system_accounts_rows);
static const struct type type_system_map = TYPE_MAP_OF(type_system_accounts);
static const struct type_field system_set_rows[] = {
    NAMED(system_account_set),
    TF_REQ(system_account_set, accounts, type_system_map),
};
static const struct type type_system_set = TYPE_STRUCT_OF("SystemAccountSet", system_account_set, system_set_rows);
static const struct type_field external_accounts_rows[] = {
    TF_PTR(external_accounts, income, type_account_id),
    TF_PTR(external_accounts, outcome, type_account_id),
};
static const struct type type_external_accounts = TYPE_STRUCT_OF("ExternalAccount", external_accounts, external_accounts_rows);
static const struct type type_external_map = TYPE_MAP_OF(type_external_accounts);
static const struct type_field external_set_rows[] = {
    NAMED(external_account_set),
    TF_REQ(external_account_set, accounts, type_external_map),
};
static const struct type type_external_set = TYPE_STRUCT_OF("ExternalAccountSet", external_account_set, external_set_rows);
static const struct type type_institution_refs = TYPE_SET_OF(type_institution_ref);
static const struct type_field globals_rows[] = {
    TF_PTR(globals, external_account_set, type_external_account_set_selector),
    TF_OPT(globals, payment_institutions, type_institution_refs),
    TF_PTR(globals, session_retry, type_session_retry),
    TF_OPT(globals, exchange_factors, type_rates),
};
static const struct type type_globals = TYPE_STRUCT_OF("Globals", globals, globals_rows);
static const struct type_field criterion_rows[] = { NAMED(criterion), TF_REQ(criterion, predicate, type_predicate) };
static const struct type type_criterion = TYPE_STRUCT_OF("Criterion", criterion, criterion_rows);

/* ---- institutions, providers, terminals, routing ---- */

static const struct type type_realm = TYPE_ENUM_OF("Realm", category_names);
static const struct type_field institution_rules_rows[] = {
    TF_REQ(payment_routing_rules, policies, type_ruleset_ref),
    TF_REQ(payment_routing_rules, prohibitions, type_ruleset_ref),
};
static const struct type type_institution_rules =
    TYPE_STRUCT_OF("RoutingRulesRefs", payment_routing_rules, institution_rules_rows);
static const struct type_field institution_rows[] = {
    NAMED(payment_institution),
    TF_REQ(payment_institution, realm, type_realm),
    TF_REQ(payment_institution, residences, type_texts),
    { "system_account_set", &type_system_account_set_selector, offsetof(struct payment_institution, system_account_set),
      TYPE_REQUIRED | TYPE_POINTER },
    { "inspector", &type_inspector_selector, offsetof(struct payment_institution, inspector),
      TYPE_REQUIRED | TYPE_POINTER },
    TF_PTR(payment_institution, payment_routing_rules, type_institution_rules),
    TF_OPT(payment_institution, wallet_system_account_set, type_raw),
    TF_OPT(payment_institution, withdrawal_routing_rules, type_raw),
    TF_OPT(payment_institution, payment_system, type_raw),
    TF_OPT(payment_institution, calendar, type_raw),
    TF_OPT(payment_institution, identity, type_raw),
};
static const struct type type_institution = TYPE_STRUCT_OF("PaymentInstitution", payment_institution, institution_rows);

static const struct type_field provider_accounts_rows[] = { TF_REQ(provider_account_ids, settlement, type_account_id) };
static const struct type type_provider_accounts =
    TYPE_STRUCT_OF("ProviderAccount", provider_account_ids, provider_accounts_rows);
static const struct type type_provider_map = TYPE_MAP_OF(type_provider_accounts);
static const struct type_field mapped_rows[] = { TF_REQ(mapped_errors, error_signatures, type_texts) };
static const struct type type_mapped = TYPE_STRUCT_OF("CascadeOnMappedErrors", mapped_errors, mapped_rows);
static const struct type_field cascade_rows[] = {
    TF_PTR(cascade_behaviour, mapped_errors, type_mapped),
    TF_PTR(cascade_behaviour, no_user_interaction, type_empty),
};
static const struct type type_cascade = TYPE_STRUCT_OF("CascadeBehaviour", cascade_behaviour, cascade_rows);
static const struct type_field fd_rows[] = { TF_PTR(fd_overrides, enabled, type_bool) };
static const struct type type_fd = TYPE_STRUCT_OF("RouteFaultDetectorOverrides", fd_overrides, fd_rows);
static const struct type_field provider_rows[] = {
    NAMED(provider),
    TF_OPT(provider, realm, type_realm),
    TF_REQ(provider, proxy, type_proxy_use),
    TF_OPT(provider, accounts, type_provider_map),
    TF_PTR(provider, terms, type_provision_terms),
    TF_OPT(provider, params_schema, type_raw),
    TF_PTR(provider, cascade_behaviour, type_cascade),
    TF_PTR(provider, route_fd_overrides, type_fd),
};
static const struct type type_provider = TYPE_STRUCT_OF("Provider", provider, provider_rows);
static const struct type_field terminal_rows[] = {
    NAMED(terminal),
    TF_OPT(terminal, options, type_string_map),
    TF_OPT(terminal, risk_coverage, type_risk_score),
    TF_PTR(terminal, provider_ref, type_provider_ref),
    TF_PTR(terminal, terms, type_provision_terms),
    TF_OPT(terminal, external_terminal_id, type_name),
    TF_OPT(terminal, external_merchant_id, type_name),
    TF_OPT(terminal, mcc, type_name),
    TF_PTR(terminal, route_fd_overrides, type_fd),
};
static const struct type type_terminal = TYPE_STRUCT_OF("Terminal", terminal, terminal_rows);

static const char *const pin_names[] = {
    [PIN_CURRENCY] = "currency", [PIN_PAYMENT_TOOL] = "payment_tool", [PIN_CLIENT_IP] = "client_ip",
    [PIN_EMAIL] = "email",       [PIN_CARD_TOKEN] = "card_token",
};
static const struct type type_pin_feature = TYPE_ENUM_OF("RoutingPinFeature", pin_names);
static const struct type type_pin_features = TYPE_SET_OF(type_pin_feature);
static const struct type_field pin_rows[] = { TF_REQ(routing_pin, features, type_pin_features) };
static const struct type type_pin = TYPE_STRUCT_OF("RoutingPin", routing_pin, pin_rows);
static const struct type type_priority = TYPE_I64_IN(-1000000, 1000000);
static const struct type type_weight = TYPE_I64_IN(0, 1000000);
static const struct type_field candidate_rows[] = {
    TF_OPT(routing_candidate, description, type_str),
    TF_REQ(routing_candidate, allowed, type_predicate),
    TF_REQ(routing_candidate, terminal, type_terminal_ref),
    TF_PTR(routing_candidate, priority, type_priority),
    TF_PTR(routing_candidate, weight, type_weight),
    TF_PTR(routing_candidate, pin, type_pin),
};
static const struct type type_candidate = TYPE_STRUCT_OF("RoutingCandidate", routing_candidate, candidate_rows);
static const struct type type_candidates = TYPE_LIST_OF(type_candidate);
static const struct type_field delegate_rows[] = {
    TF_OPT(routing_delegate, description, type_str),
    TF_REQ(routing_delegate, allowed, type_predicate),
    TF_REQ(routing_delegate, ruleset, type_ruleset_ref),
};
static const struct type type_delegate = TYPE_STRUCT_OF("RoutingDelegate", routing_delegate, delegate_rows);
static const struct type type_delegates = TYPE_LIST_OF(type_delegate);
static const struct type_field decisions_rows[] = {
    TF_VAR(routing_decisions, delegates, type_delegates),
    TF_VAR(routing_decisions, candidates, type_candidates),
};
static const struct type type_routing_decisions = TYPE_UNION_OF("RoutingDecisions", routing_decisions, decisions_rows);
static const struct type_field ruleset_rows[] = {
    NAMED(routing_rules),
    TF_REQ(routing_rules, decisions, type_routing_decisions),
};
static const struct type type_ruleset = TYPE_STRUCT_OF("RoutingRuleset", routing_rules, ruleset_rows);

/* ---- parties and shops ---- */

static const struct type_field blocking_state_rows[] = {
    TF_REQ(blocking_state, reason, type_str),
    TF_REQ(blocking_state, since, type_time),
};
static const struct type type_blocking_state = TYPE_STRUCT_OF("BlockingState", blocking_state, blocking_state_rows);
static const struct type_field blocking_rows[] = {
    TF_VAR(blocking, unblocked, type_blocking_state),
    TF_VAR(blocking, blocked, type_blocking_state),
};
const struct type type_blocking = TYPE_UNION_OF("Blocking", blocking, blocking_rows);
static const struct type_field suspension_state_rows[] = { TF_REQ(suspension_state, since, type_time) };
static const struct type type_suspension_state = TYPE_STRUCT_OF("SuspensionState", suspension_state, suspension_state_rows);
static const struct type_field suspension_rows[] = {
    TF_VAR(suspension, active, type_suspension_state),
    TF_VAR(suspension, suspended, type_suspension_state),
};
const struct type type_suspension = TYPE_UNION_OF("Suspension", suspension, suspension_rows);
static const struct type_field party_contact_rows[] = {
    TF_REQ(party_contact, registration_email, type_name),
    TF_OPT(party_contact, manager_contact_emails, type_texts),
};
static const struct type type_party_contact = TYPE_STRUCT_OF("PartyContactInfo", party_contact, party_contact_rows);
static const struct type_field party_rows[] = {
    NAMED(party),
    TF_REQ(party, block, type_blocking),
    TF_REQ(party, suspension, type_suspension),
    TF_REQ(party, contact_info, type_party_contact),
};
static const struct type type_party = TYPE_STRUCT_OF("PartyConfig", party, party_rows);
static const struct type_field shop_account_rows[] = {
    TF_REQ(shop_account, currency, type_currency_ref),
    TF_REQ(shop_account, settlement, type_account_id),
    TF_REQ(shop_account, guarantee, type_account_id),
};
static const struct type type_shop_account = TYPE_STRUCT_OF("ShopAccount", shop_account, shop_account_rows);
static const struct type_field location_rows[] = { TF_REQ(shop_location, url, type_url) };
static const struct type type_location = TYPE_STRUCT_OF("ShopLocation", shop_location, location_rows);
static const struct type_field shop_rows[] = {
    NAMED(shop),
    TF_REQ(shop, block, type_blocking),
    TF_REQ(shop, suspension, type_suspension),
    TF_REQ(shop, payment_institution, type_institution_ref),
    TF_REQ(shop, terms, type_term_set_ref),
    TF_REQ(shop, account, type_shop_account),
    TF_REQ(shop, party_ref, type_party_ref),
    TF_REQ(shop, location, type_location),
    TF_REQ(shop, category, type_category_ref),
    TF_OPT(shop, turnover_limits, type_turnover_limits),
};
static const struct type type_shop = TYPE_STRUCT_OF("ShopConfig", shop, shop_rows);

/* ---- kinds that the engine does not read ---- */

static const struct type type_any_ref = { .kind = TYPE_RAW, .size = sizeof(char *) };
static const struct type type_any_data = { .kind = TYPE_RAW, .size = sizeof(char *) };

static const struct object_shape shapes[] = {
    [OBJ_CURRENCY] = { &type_currency_ref, &type_currency },
    [OBJ_CATEGORY] = { &type_category_ref, &type_category },
    [OBJ_PAYMENT_SYSTEM] = { &type_payment_system_ref, &type_named },
    [OBJ_PAYMENT_SERVICE] = { &type_payment_service_ref, &type_service },
    [OBJ_PAYMENT_TOKEN] = { &type_payment_token_ref, &type_named },
    [OBJ_MOBILE_OPERATOR] = { &type_mobile_operator_ref, &type_named },
    [OBJ_CRYPTO_CURRENCY] = { &type_crypto_currency_ref, &type_named },
    [OBJ_PAYMENT_METHOD] = { &type_payment_method_ref, &type_named },
    [OBJ_BANK] = { &type_bank_ref, &type_bank },
    [OBJ_BANK_CARD_CATEGORY] = { &type_bank_card_category_ref, &type_card_category },
    [OBJ_COUNTRY] = { &type_country_ref, &type_any_data },
    [OBJ_TRADE_BLOC] = { &type_any_ref, &type_any_data },
    [OBJ_PROXY] = { &type_proxy_ref, &type_proxy },
    [OBJ_INSPECTOR] = { &type_inspector_ref, &type_inspector },
    [OBJ_SYSTEM_ACCOUNT_SET] = { &type_system_account_set_ref, &type_system_set },
    [OBJ_EXTERNAL_ACCOUNT_SET] = { &type_external_account_set_ref, &type_external_set },
    [OBJ_GLOBALS] = { &type_empty, &type_globals },
    [OBJ_CRITERION] = { &type_criterion_ref, &type_criterion },
    [OBJ_LIMIT_CONFIG] = { &type_limit_config_ref, &type_limit_config },
    [OBJ_TERM_SET_HIERARCHY] = { &type_term_set_ref, &type_term_set_hierarchy },
    [OBJ_PROVIDER] = { &type_provider_ref, &type_provider },
    [OBJ_TERMINAL] = { &type_terminal_ref, &type_terminal },
    [OBJ_ROUTING_RULES] = { &type_ruleset_ref, &type_ruleset },
    [OBJ_PAYMENT_INSTITUTION] = { &type_institution_ref, &type_institution },
    [OBJ_PARTY_CONFIG] = { &type_party_ref, &type_party },
    [OBJ_SHOP_CONFIG] = { &type_shop_ref, &type_shop },
    [OBJ_WALLET_CONFIG] = { &type_any_ref, &type_any_data },
    [OBJ_BUSINESS_SCHEDULE] = { &type_any_ref, &type_any_data },
    [OBJ_CALENDAR] = { &type_any_ref, &type_any_data },
    [OBJ_DOCUMENT_TYPE] = { &type_any_ref, &type_any_data },
    [OBJ_CASH_REGISTER_PROVIDER] = { &type_any_ref, &type_any_data },
};
_Static_assert(SL_COUNT(shapes) == OBJECT_KINDS + 1, "every kind has a shape");

const struct object_shape *object_shape(int kind)
{
    assert(kind >= 1 && kind <= OBJECT_KINDS);
    return &shapes[kind];
}

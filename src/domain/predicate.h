/* Conditions on an operation, reduced to true, false or unknown.
 * Ref: doc/spec/domain.md 6.1, 6.3, 6.4.                                                           */
#ifndef SLUICE_DOMAIN_PREDICATE_H
#define SLUICE_DOMAIN_PREDICATE_H

#include "domain/facts.h"
#include "domain/refs.h"

struct domain;

/* ---- conditions on a payment tool ---- */

struct card_system_condition {
    const struct id_ref *payment_system_is, *token_service_is;
    int tokenization_method_is;
};
struct card_condition {
    int tag; /* CARD_* */
    struct card_system_condition payment_system;
    const char *issuer_country_is;
    struct number_ref issuer_bank_is;
    bool empty_cvv_is;
    struct number_ref category_is;
};
enum { CARD_PAYMENT_SYSTEM = 1, CARD_ISSUER_COUNTRY_IS, CARD_ISSUER_BANK_IS, CARD_EMPTY_CVV_IS, CARD_CATEGORY_IS };
struct card_condition_holder {
    struct card_condition definition; /* tag 0: any card */
};
struct service_condition { /* of wallets and terminals, operators, crypto currencies */
    int tag;
    struct id_ref is;
};
struct service_condition_holder {
    struct service_condition definition; /* tag 0: any */
};
struct resource_field {
    struct type_list field_path; /* of strings */
    const char *value;
};
struct generic_condition {
    int tag; /* GENERIC_* */
    struct id_ref payment_service_is;
    struct resource_field resource_field_matches;
};
enum { GENERIC_SERVICE_IS = 1, GENERIC_FIELD_MATCHES };
struct tool_condition {
    int tag; /* TOOL_COND_* */
    struct card_condition_holder bank_card;
    struct service_condition_holder payment_terminal, digital_wallet, mobile_commerce, crypto_currency;
    struct generic_condition generic;
};
enum {
    TOOL_COND_CARD = 1,
    TOOL_COND_TERMINAL,
    TOOL_COND_WALLET,
    TOOL_COND_MOBILE,
    TOOL_COND_CRYPTO,
    TOOL_COND_GENERIC,
};

/* ---- conditions ---- */

struct party_definition {
    int tag; /* PARTY_* */
    struct id_ref shop_is;
    const char *wallet_is; /* an id; never among the facts */
};
enum { PARTY_SHOP_IS = 1, PARTY_WALLET_IS };
struct party_condition {
    struct id_ref party_ref;
    struct party_definition definition; /* tag 0: any of its shops */
};
struct location_condition {
    int tag; /* always LOCATION_URL */
    const char *url;
};
enum { LOCATION_URL = 1 };
struct text_condition {
    int tag; /* TEXT_*; 0: absent */
    const char *equals, *matches;
};
enum { TEXT_EQUALS = 1, TEXT_MATCHES };
struct bin_data_condition {
    struct text_condition payment_system, bank_name;
};
struct condition {
    int tag; /* COND_* */
    struct number_ref category_is;
    struct currency_ref currency_is;
    struct cash_range cost_in;
    struct cash cost_is_multiple_of;
    struct tool_condition payment_tool;
    struct party_condition party;
    struct location_condition shop_location_is; /* never decided: */
    struct bin_data_condition bin_data;         /* nobody supplies what these two ask about */
    int trust_level_is;
};
enum {
    COND_CATEGORY_IS = 1,
    COND_CURRENCY_IS,
    COND_COST_IN,
    COND_COST_IS_MULTIPLE_OF,
    COND_PAYMENT_TOOL,
    COND_PARTY,
    COND_SHOP_LOCATION_IS,
    COND_BIN_DATA,
    COND_TRUST_LEVEL_IS,
};

struct predicate {
    int tag; /* PRED_* */
    bool constant;
    const struct condition *condition;
    const struct predicate *is_not;
    struct type_list all_of, any_of; /* of struct predicate */
    struct number_ref criterion;
};
enum { PRED_CONSTANT = 1, PRED_CONDITION, PRED_IS_NOT, PRED_ALL_OF, PRED_ANY_OF, PRED_CRITERION };

extern const struct type type_predicate;

/* Whether PREDICATE holds. Criteria and banks are looked up in DOMAIN, which was checked to have them. */
enum tri predicate_test(const struct domain *domain, const struct predicate *predicate, const struct varset *facts);

/* Whole-string match, case-sensitive: * any run, ? one character, \x the character x. */
bool wildcard_match(const char *pattern, const char *text);

#endif

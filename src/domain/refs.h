/* Kinds of configuration objects and the references between them.
 *
 * Each kind has a reference type of its own, even where two look alike in JSON, so that the walk over a
 * document knows what a reference is to. Ref: doc/spec/domain.md 1, 3. */
#ifndef SLUICE_DOMAIN_REFS_H
#define SLUICE_DOMAIN_REFS_H

#include "domain/tool.h"

enum object_kind {
    OBJ_CURRENCY = 1,
    OBJ_CATEGORY,
    OBJ_PAYMENT_SYSTEM,
    OBJ_PAYMENT_SERVICE,
    OBJ_PAYMENT_TOKEN,
    OBJ_MOBILE_OPERATOR,
    OBJ_CRYPTO_CURRENCY,
    OBJ_PAYMENT_METHOD,
    OBJ_BANK,
    OBJ_BANK_CARD_CATEGORY,
    OBJ_COUNTRY,
    OBJ_TRADE_BLOC,
    OBJ_PROXY,
    OBJ_INSPECTOR,
    OBJ_SYSTEM_ACCOUNT_SET,
    OBJ_EXTERNAL_ACCOUNT_SET,
    OBJ_GLOBALS,
    OBJ_CRITERION,
    OBJ_LIMIT_CONFIG,
    OBJ_TERM_SET_HIERARCHY,
    OBJ_PROVIDER,
    OBJ_TERMINAL,
    OBJ_ROUTING_RULES,
    OBJ_PAYMENT_INSTITUTION,
    OBJ_PARTY_CONFIG,
    OBJ_SHOP_CONFIG,
    OBJ_WALLET_CONFIG,
    OBJ_BUSINESS_SCHEDULE,
    OBJ_CALENDAR,
    OBJ_DOCUMENT_TYPE,
    OBJ_CASH_REGISTER_PROVIDER,
};
#define OBJECT_KINDS 31

/* {"id": number} */
extern const struct type type_category_ref, type_bank_ref, type_bank_card_category_ref, type_proxy_ref,
    type_inspector_ref, type_system_account_set_ref, type_external_account_set_ref, type_criterion_ref,
    type_term_set_ref, type_provider_ref, type_terminal_ref, type_ruleset_ref, type_institution_ref;
/* {"id": "text"} */
extern const struct type type_country_ref, type_limit_config_ref, type_party_ref, type_shop_ref;

/* Text that tells an object from others of its kind: "7", "VISA", "RUB", the method's JSON. In ARENA. */
const char *ref_key(const struct type *ref_type, const void *ref, struct arena *arena);

/* The kind that a reference of TYPE is to; 0: TYPE is no reference type. */
int ref_kind(const struct type *type);

/* "provider"; as in documents. */
const char *object_kind_name(int kind);

#endif

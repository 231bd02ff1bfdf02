/* The objects of a configuration document. Ref: doc/spec/domain.md 3. */
#ifndef SLUICE_DOMAIN_OBJECTS_H
#define SLUICE_DOMAIN_OBJECTS_H

#include "domain/limit_config.h"
#include "domain/retry_policy.h"
#include "domain/terms.h"

struct named_rational {
    const char *key; /* a currency's symbolic code */
    struct rational value;
};
struct currency {
    const char *name, *symbolic_code;
    int64_t numeric_code, exponent;
    struct type_list rates; /* map of struct named_rational: minor units of that currency for one of this (limits.md 3) */
};
enum { CATEGORY_TEST = 1, CATEGORY_LIVE };
struct category {
    const char *name, *description;
    int type;
};
struct named { /* payment systems, tokens, operators, crypto currencies, methods */
    const char *name, *description;
    const char *validation_rules; /* raw */
};
struct payment_service {
    const char *name, *description, *category, *brand_name;
    const char *metadata; /* raw */
};
struct bank {
    const char *name, *description;
    struct type_list binbase_id_patterns; /* of wildcards */
    struct type_list bins;                /* of strings */
};
struct bank_card_category {
    const char *name, *description;
    struct type_list category_patterns; /* of wildcards */
};
struct proxy_definition {
    const char *name, *description, *url;
    struct type_list options; /* map of strings */
};
struct proxy_ref {
    struct number_ref ref;
    struct type_list additional; /* map of strings */
};
struct inspector {
    const char *name, *description;
    struct proxy_ref proxy;
    int fallback_risk_score; /* 0: none */
};
struct system_accounts {
    int64_t settlement;
    const int64_t *subagent;
};
struct system_account_entry {
    const char *currency;
    struct system_accounts accounts;
};
struct system_account_set {
    const char *name, *description;
    struct type_list accounts; /* map of struct system_accounts */
};
struct external_accounts {
    const int64_t *income, *outcome;
};
struct external_account_entry {
    const char *currency;
    struct external_accounts accounts;
};
struct external_account_set {
    const char *name, *description;
    struct type_list accounts; /* map of struct external_accounts */
};
struct globals {
    const struct selector *external_account_set;
    struct type_list payment_institutions; /* of refs */
    const struct session_retry *session_retry; /* retry_policy.h; NULL: the defaults */
    struct type_list exchange_factors; /* map of struct named_rational; none: those of domain.md 12 */
};
struct criterion {
    const char *name, *description;
    struct predicate predicate;
};

/* ---- institutions, providers, terminals, routing ---- */

struct payment_routing_rules {
    struct number_ref policies, prohibitions;
};
struct payment_institution {
    const char *name, *description;
    int realm;
    struct type_list residences; /* of strings */
    const struct selector *system_account_set;
    const struct selector *inspector;
    const struct payment_routing_rules *payment_routing_rules;
    const char *wallet_system_account_set, *withdrawal_routing_rules, *payment_system, *calendar, *identity; /* raw */
};

struct provider_account_ids {
    int64_t settlement;
};
struct provider_account_entry {
    const char *currency;
    struct provider_account_ids accounts;
};
struct mapped_errors {
    struct type_list error_signatures; /* of strings */
};
struct cascade_behaviour {
    const struct mapped_errors *mapped_errors;
    const void *no_user_interaction;
};
struct fd_overrides {
    const bool *enabled;
};
struct provider {
    const char *name, *description;
    int realm;
    struct proxy_ref proxy;
    struct type_list accounts; /* map of struct provider_account_ids */
    const struct provision_terms *terms;
    const char *params_schema; /* raw */
    const struct cascade_behaviour *cascade_behaviour;
    const struct fd_overrides *route_fd_overrides;
    int64_t id; /* filled when the document is read */
};
struct terminal {
    const char *name, *description;
    struct type_list options; /* map of strings */
    int risk_coverage;        /* not consulted */
    const struct number_ref *provider_ref;
    const struct provision_terms *terms;
    const char *external_terminal_id, *external_merchant_id, *mcc;
    const struct fd_overrides *route_fd_overrides;
    int64_t id;                                /* filled when the document is read */
    const struct provision_terms *effective;   /* with its provider's; NULL: neither has terms */
};

enum { PIN_CURRENCY = 1, PIN_PAYMENT_TOOL, PIN_CLIENT_IP, PIN_EMAIL, PIN_CARD_TOKEN };
struct routing_pin {
    struct type_list features; /* of int */
};
struct routing_candidate {
    const char *description;
    struct predicate allowed;
    struct number_ref terminal;
    const int64_t *priority, *weight; /* NULL: 1000, 0 */
    const struct routing_pin *pin;
};
struct routing_delegate {
    const char *description;
    struct predicate allowed;
    struct number_ref ruleset;
};
struct routing_decisions {
    int tag; /* ROUTING_* */
    struct type_list delegates, candidates;
};
enum { ROUTING_DELEGATES = 1, ROUTING_CANDIDATES };
struct routing_rules {
    const char *name, *description;
    struct routing_decisions decisions;
};

/* ---- parties and shops ---- */

struct blocking_state {
    const char *reason;
    int64_t since;
};
struct blocking {
    int tag; /* BLOCKING_* */
    struct blocking_state unblocked, blocked;
};
enum { UNBLOCKED = 1, BLOCKED };
struct suspension_state {
    int64_t since;
};
struct suspension {
    int tag; /* SUSPENSION_* */
    struct suspension_state active, suspended;
};
enum { SUSPENSION_ACTIVE = 1, SUSPENSION_SUSPENDED };
struct party_contact {
    const char *registration_email;
    struct type_list manager_contact_emails; /* of strings */
};
struct party {
    const char *name, *description;
    struct blocking block;
    struct suspension suspension;
    struct party_contact contact_info;
    const char *id; /* filled when the document is read */
};
struct shop_account {
    struct currency_ref currency;
    int64_t settlement, guarantee;
};
struct shop_location {
    const char *url;
};
struct shop {
    const char *name, *description;
    struct blocking block;
    struct suspension suspension;
    struct number_ref payment_institution, terms;
    struct shop_account account;
    struct id_ref party_ref;
    struct shop_location location;
    struct number_ref category;
    struct type_list turnover_limits; /* of struct turnover_limit */
    const char *id; /* filled when the document is read */
};

extern const struct type type_blocking, type_suspension;
extern const struct type type_account_id;

/* How objects of a kind look: the types of their reference and data. */
struct object_shape {
    const struct type *ref, *data;
};
const struct object_shape *object_shape(int kind);

#endif

/* One revision of the configuration: parsed and checked as a whole, then immutable.
 * Ref: doc/spec/domain.md 2-5.                                                                     */
#ifndef SLUICE_DOMAIN_DOMAIN_H
#define SLUICE_DOMAIN_DOMAIN_H

#include "domain/objects.h"

struct domain;

/* Parses a document {"version": N, "created_at"?, "author"?, "objects": [{KIND: {"ref", "data"}}]}.
 * Errors: SL_EINVAL; ERRORS lists faults with their places, at most TYPE_ERRORS_MAX, their texts in ARENA. */
SL_MUST_USE enum sl_err domain_parse(const char *text, size_t len, struct arena *arena, struct domain **out,
                                     struct type_errors *errors);
/* The same for a document that is to be committed. It has to keep some rules more, which committed ones may not know. */
SL_MUST_USE enum sl_err domain_parse_new(const char *text, size_t len, struct arena *arena, struct domain **out,
                                         struct type_errors *errors);
/* Whether DOMAIN may follow HEAD (NULL: it is the first) as revision NEXT: limits count as at the revisions that terms
 * name. False: ERRORS has the faults, their texts in ARENA. */
SL_MUST_USE bool domain_succeeds(const struct domain *domain, const struct domain *head, int64_t next, struct arena *arena,
                                 struct type_errors *errors);
void domain_free(struct domain *domain); /* NULL is fine */

int64_t domain_revision(const struct domain *domain);
/* For the store, which numbers documents as it commits them. */
void domain_set_revision(struct domain *domain, int64_t revision);
size_t domain_object_count(const struct domain *domain);
/* What the document carries for people, as JSON text; NULL: absent. */
const char *domain_author(const struct domain *domain);

/* Lookups; NULL: there is none (references inside the document were checked and are always there). */
const struct party *domain_party(const struct domain *domain, const char *id);
/* A shop of another party is not found. PARTY_ID NULL: any. */
const struct shop *domain_shop(const struct domain *domain, const char *party_id, const char *id);
const struct limit_config *domain_limit_config(const struct domain *domain, const char *id);
const struct currency *domain_currency(const struct domain *domain, const char *symbolic_code);
const struct category *domain_category(const struct domain *domain, int64_t id);
const struct payment_service *domain_payment_service(const struct domain *domain, const char *id);
const struct bank *domain_bank(const struct domain *domain, int64_t id);
const struct bank_card_category *domain_bank_card_category(const struct domain *domain, int64_t id);
const struct proxy_definition *domain_proxy(const struct domain *domain, int64_t id);
const struct inspector *domain_inspector(const struct domain *domain, int64_t id);
const struct system_account_set *domain_system_account_set(const struct domain *domain, int64_t id);
const struct external_account_set *domain_external_account_set(const struct domain *domain, int64_t id);
const struct criterion *domain_criterion(const struct domain *domain, int64_t id);
const struct term_set *domain_terms(const struct domain *domain, int64_t id); /* merged with its parents */
const struct provider *domain_provider(const struct domain *domain, int64_t id);
const struct terminal *domain_terminal(const struct domain *domain, int64_t id);
const struct routing_rules *domain_ruleset(const struct domain *domain, int64_t id);
const struct payment_institution *domain_institution(const struct domain *domain, int64_t id);
const struct globals *domain_globals(const struct domain *domain);

/* Where the ids of accounts lead for a payment of SHOP over a route (cashflow.md 3). CURRENCY is the cost's.
 * Errors: SL_EINVAL, a misconfiguration: *WHY in ARENA. */
SL_MUST_USE enum sl_err domain_account_map(const struct domain *domain, const struct shop *shop,
                                           const struct provider *provider, const struct terminal *terminal,
                                           const char *currency, const struct varset *facts, struct arena *arena,
                                           struct account_map *out, const char **why);

/* Which inspector looks at a payment of SHOP; NULL: its selector does not decide. */
const struct inspector *domain_choose_inspector(const struct domain *domain, const struct shop *shop,
                                                const struct varset *facts);

/* Calls FN for every account that the document names, with its currency. */
void domain_each_account(const struct domain *domain, void (*fn)(void *arg, int64_t id, const char *currency), void *arg);

/* Calls FN for every party, in no order that means anything. */
void domain_each_party(const struct domain *domain, void (*fn)(void *arg, const struct party *party), void *arg);

/* The OpenAPI schema of documents, added to COMPONENTS with all it refers to; as type_schema() does.
 * Owns: the result is the caller's reference; COMPONENTS is borrowed. */
json_t *domain_schema(json_t *components);

#endif

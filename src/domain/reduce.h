/* Reduction to what is left: predicates, selectors and whole terms with everything decided that the facts
 * decide, for showing them. Where a payment only needs a value, selector_value() answers without building
 * anything. Ref: doc/spec/domain.md 4.1, 5.2, 6.1, 6.2, 13. */
#ifndef SLUICE_DOMAIN_REDUCE_H
#define SLUICE_DOMAIN_REDUCE_H

#include "domain/terms.h"

/* *OUT: a constant, or the part of PREDICATE that is unknown. Parts that did not change are shared. */
void predicate_reduce(const struct domain *domain, const struct predicate *predicate, const struct varset *facts,
                      struct arena *arena, struct predicate *out);

/* SELECTOR itself if it is a value, else what is left of it, in ARENA: maybe decisions, maybe none of them. */
const struct selector *selector_residual(const struct domain *domain, const struct selector *selector,
                                         const struct varset *facts, struct arena *arena);

/* *OUT = TERMS with every selector and predicate reduced, parts shared with TERMS or in ARENA. */
void term_set_reduce(const struct domain *domain, const struct term_set *terms, const struct varset *facts,
                     struct arena *arena, struct term_set *out);

/* *TERMS = the terms of the party's shop, reduced by what is known of any payment there: the shop itself and, unless AMOUNT
 * (kept by pointer) is NULL, what it costs. False: there is no such shop, or it has no terms. */
bool shop_terms_reduce(const struct domain *domain, const char *party_id, const char *shop_id, const struct cash *amount,
                       struct arena *arena, struct term_set *terms);

/* The same for provision terms; chargebacks.fees and recurrent_paytools.risk_coverage pass through as they are. */
void provision_terms_reduce(const struct domain *domain, const struct provision_terms *terms,
                            const struct varset *facts, struct arena *arena, struct provision_terms *out);

#endif

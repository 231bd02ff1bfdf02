/* What the files of the lint share. */
#ifndef SLUICE_DOMAIN_LINT_INTERNAL_H
#define SLUICE_DOMAIN_LINT_INTERNAL_H

#include "domain/domain_internal.h"
#include "domain/lint.h"
#include "domain/possible.h"

enum lint_level { LINT_WARNING, LINT_ERROR };

struct lint_place;   /* where a selector or predicate stands */
struct lint_row;     /* a finding, with whom it concerns */
struct lint_limit;   /* a turnover limit that something refers to */
struct lint_use;     /* what became of a candidate */
struct lint_mark;    /* what can be reached from an institution */

struct lint {
    const struct domain *domain;
    struct arena *arena;
    struct lint_place *places;
    struct lint_row *rows;
    struct lint_limit *limits;
    struct lint_use *uses;
    struct lint_mark *marks;
    size_t row_count;
};

/* Payments of one shop by one method, and how to speak of them. */
struct lint_case {
    const struct payment_institution *institution;
    const struct term_set *terms;
    struct payments payments;
    const char *who; /* "shop a, bank_card VISA" */
};

/* Notes a finding. WHO (NULL: everybody) is said behind the sentence; the same finding for others is one finding. */
void lint_find(struct lint *lint, enum lint_level level, const char *rule, const char *path, const char *who,
               const char *format, ...) SL_PRINTF(6, 7);

/* "/objects/3/terminal" and what follows it, in the lint's arena. */
const char *lint_path(struct lint *lint, int kind, const char *key, const char *rest);
const char *lint_path_number(struct lint *lint, int kind, int64_t id, const char *rest);
/* Of a selector of the document; NULL: it is none. */
const char *lint_place_of(const struct lint *lint, const void *value);

/* SELECTOR, named WHAT in sentences, has to have a value for PAYMENTS; nothing is said of an absent one. What it means
 * for a payment that it has none for some: LINT_ERROR: a step fails; LINT_WARNING: a call is refused, or a route. */
void lint_selector(struct lint *lint, const struct selector *selector, const char *what, enum lint_level open,
                   const struct payments *payments, const char *who);

/* A cash flow that SELECTOR may give posts only to accounts that are there. */
void lint_accounts(struct lint *lint, const struct lint_case *one, const struct selector *flow);

/* lint_flow.c: what FEES and CASH_FLOW, of payments or refunds (OF), post together can be posted. PATH: of both. */
void lint_flows(struct lint *lint, const struct lint_case *one, const struct selector *fees,
                const struct selector *cash_flow, const char *path, const char *of);
/* LIMITS (of struct turnover_limit), a shop's own or a route's, can count the payments of ONE. */
void lint_limits_of(struct lint *lint, const struct lint_case *one, const struct type_list *limits, bool is_shops,
                    const char *path);

/* Whether the method of ONE is in a set that SELECTOR may give, for any of its payments. */
bool lint_covers(struct lint *lint, const struct lint_case *one, const struct selector *selector);

/* lint_shop.c */
void lint_shops(struct lint *lint);

/* lint_routing.c: of one case; whether any route may take it. */
bool lint_routes(struct lint *lint, const struct lint_case *one);
/* What has to do with no shop, before and after all of them. */
void lint_rulesets(struct lint *lint);
void lint_candidates(struct lint *lint);
void lint_routing_clear(struct lint *lint);

#endif

/* What can become of predicates and selectors over a whole set of payments, without any payment at hand.
 *
 * The answers never leave out what can happen, and may name more than can: parts of a predicate are looked at one
 * by one, as if any outcome of one could meet any outcome of another. "Never" is therefore certain, "maybe" is not.
 * Ref: doc/spec/domain.md 6, 7.                                                                    */
#ifndef SLUICE_DOMAIN_POSSIBLE_H
#define SLUICE_DOMAIN_POSSIBLE_H

#include "domain/selector.h"

struct shop;

/* A set of payments. */
struct payments {
    const struct shop *shop;             /* NULL: of any shop */
    const struct payment_method *method; /* NULL: by any tool */
    int64_t least, most;                 /* minor units of the shop's currency, inclusive; 0, 0: anything */
    bool trust;                          /* the client's trust level may be among the facts */
};

enum { MAY_BE_FALSE = 1 << TRI_FALSE, MAY_BE_TRUE = 1 << TRI_TRUE, MAY_BE_UNKNOWN = 1 << TRI_UNKNOWN };
enum {
    MAY_HAVE_VALUE = 1 << SELECTED_VALUE,
    MAY_BE_NOTHING = 1 << SELECTED_NOTHING,
    MAY_BE_UNDECIDED = 1 << SELECTED_UNDECIDED,
};

/* Some of MAY_BE_*, at least one. */
unsigned possible_outcomes(const struct domain *domain, const struct predicate *predicate,
                           const struct payments *payments);

/* Some of MAY_*, at least one. Calls FN (may be NULL) for each value that may be chosen, for some more than once. Of a
 * shop's payments, costs are told apart at every boundary that SELECTOR asks about, so tiers leave no gaps. */
typedef void (*possible_value_fn)(void *arg, const void *value);
unsigned possible_values(const struct domain *domain, const struct selector *selector,
                         const struct payments *payments, possible_value_fn fn, void *arg);

/* Costs at which predicates may change their minds. */
#define COST_POINTS_MAX 256
struct cost_points {
    size_t count;
    bool full; /* there are more: the whole set has to be looked at instead */
    int64_t list[COST_POINTS_MAX];
};

/* Begins with the ends of PAYMENTS' costs; without a shop or an amount there are no points. */
void cost_points_init(struct cost_points *points, const struct payments *payments);
void cost_points_add(struct cost_points *points, const struct domain *domain, const struct predicate *predicate,
                     const struct payments *payments);
/* *OUT: the payments of PAYMENTS at the point I. With no points, or too many, there is one: all of PAYMENTS. */
size_t cost_points_count(const struct cost_points *points);
void cost_points_at(const struct cost_points *points, size_t i, const struct payments *payments, struct payments *out);

/* The whole amounts of CURRENCY within RANGE, limited to 1..CASH_MAX; false: there are none. */
bool range_amounts(const struct cash_range *range, const char *currency, int64_t *least, int64_t *most);

#endif

/* Values that depend on conditions: {"value": V} or {"decisions": [{"if_": predicate, "then_": selector}]}.
 * Ref: doc/spec/domain.md 6.2. */
#ifndef SLUICE_DOMAIN_SELECTOR_H
#define SLUICE_DOMAIN_SELECTOR_H

#include "domain/predicate.h"

struct selector {
    int tag; /* SELECTOR_* */
    const void *value;          /* of the selector's value type */
    struct type_list decisions; /* of struct decision */
};
enum { SELECTOR_VALUE = 1, SELECTOR_DECISIONS };

struct decision {
    struct predicate if_;
    const struct selector *then_;
};

/* Defines NAME, the type of selectors of VALUE (a type), named COMPONENT in the schema. */
#define SELECTOR_TYPE(NAME, COMPONENT, VALUE)                                                                  \
    static const struct type NAME##_decisions;                                                                \
    static const struct type_field NAME##_rows[] = {                                                          \
        { "value", &(VALUE), offsetof(struct selector, value), TYPE_POINTER },                                \
        { "decisions", &NAME##_decisions, offsetof(struct selector, decisions), 0 },                          \
    };                                                                                                        \
    const struct type NAME = TYPE_UNION_OF(COMPONENT, selector, NAME##_rows);                                 \
    static const struct type_field NAME##_decision_rows[] = {                                                 \
        TF_REQ(decision, if_, type_predicate),                                                                \
        { "then_", &NAME, offsetof(struct decision, then_), TYPE_POINTER | TYPE_REQUIRED },                   \
    };                                                                                                        \
    static const struct type NAME##_decision = TYPE_STRUCT_OF(COMPONENT "Decision", decision, NAME##_decision_rows); \
    static const struct type NAME##_decisions = TYPE_LIST_OF(NAME##_decision)

enum selected { SELECTED_VALUE, SELECTED_NOTHING, SELECTED_UNDECIDED };

/* Reduces SELECTOR (NULL: SELECTED_NOTHING). *VALUE is borrowed and set only with SELECTED_VALUE. */
enum selected selector_reduce(const struct domain *domain, const struct selector *selector, const struct varset *facts,
                              const void **value);

/* The value, or NULL for anything else: for places that require one. */
const void *selector_value(const struct domain *domain, const struct selector *selector, const struct varset *facts);

/* The value if SELECTOR is written as one, else NULL: for the two places that are not reduced (domain.md 5.2). */
const void *selector_literal(const struct selector *selector);

/* Whether ACCEPTS holds for the value, or, while SELECTOR is undecided, for any value in the decisions that
 * are left, whatever their predicates (domain.md 4, the check at invoice creation). */
bool selector_any(const struct domain *domain, const struct selector *selector, const struct varset *facts,
                  bool (*accepts)(const void *value, const void *arg), const void *arg);

#endif

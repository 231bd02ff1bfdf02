/* Terms of merchants and of providers. Ref: doc/spec/domain.md 4, 5. */
#ifndef SLUICE_DOMAIN_TERMS_H
#define SLUICE_DOMAIN_TERMS_H

#include "domain/selector.h"

/* ---- values of selectors ---- */

struct hold_lifetime {
    int64_t seconds;
};
struct time_span {
    const int64_t *years, *months, *days, *hours, *minutes, *seconds;
};
struct attempt_limit {
    int64_t attempts;
};
struct turnover_limit {
    struct id_ref ref;
    int64_t upper_boundary;
    const int64_t *domain_revision;
};
struct fees_entry {
    const char *key; /* a constant's name */
    struct volume value;
};
struct fees {
    struct type_list fees; /* map of volumes */
};

/* ---- merchants ---- */

struct merchant_partial_refund_terms {
    const struct selector *cash_limit; /* of struct cash_range */
};
struct merchant_refund_terms {
    const struct selector *payment_methods, *fees, *eligibility_time;
    const struct merchant_partial_refund_terms *partial_refunds;
};
struct merchant_hold_terms {
    const struct selector *payment_methods; /* of lists of struct payment_method_ref */
    const struct selector *lifetime;        /* of struct hold_lifetime */
    const void *partial_captures;           /* its presence forbids them */
};
struct merchant_chargeback_terms {
    const struct predicate *allow;
    const struct selector *fees, *eligibility_time;
};
struct allocation_terms {
    const struct predicate *allow;
};
struct merchant_payment_terms {
    const struct selector *currencies, *categories; /* of lists of refs */
    const struct selector *payment_methods;
    const struct selector *cash_limit;
    const struct selector *fees;
    const struct merchant_hold_terms *holds;
    const struct merchant_refund_terms *refunds;
    const struct merchant_chargeback_terms *chargebacks;
    const struct allocation_terms *allocations;
    const struct selector *attempt_limit;
};
struct merchant_recurrent_terms {
    const struct selector *payment_methods;
};
struct term_set {
    const struct merchant_payment_terms *payments;
    const struct merchant_recurrent_terms *recurrent_paytools;
    const char *reports, *wallets; /* raw: not used */
};
struct term_set_hierarchy {
    const char *name, *description;
    const struct number_ref *parent_terms;
    struct term_set term_set;
    struct term_set merged; /* with all its parents; filled when the document is checked */
};

/* ---- providers ---- */

struct provision_hold_terms {
    const struct selector *lifetime;
    const void *partial_captures;
};
struct provision_partial_refund_terms {
    const struct selector *cash_limit;
};
struct provision_refund_terms {
    const struct selector *cash_flow;
    const struct provision_partial_refund_terms *partial_refunds;
};
struct provision_chargeback_terms {
    const struct selector *cash_flow, *fees;
};
struct provision_payment_terms {
    const struct predicate *allow, *global_allow, *allow_exchange;
    const struct selector *currencies, *categories, *payment_methods, *cash_limit, *cash_flow;
    const struct provision_hold_terms *holds;
    const struct provision_refund_terms *refunds;
    const struct provision_chargeback_terms *chargebacks;
    const struct selector *risk_coverage;   /* of int, enum risk_score */
    const struct selector *turnover_limits; /* of lists of struct turnover_limit */
};
struct provision_recurrent_terms {
    const struct selector *cash_value, *categories, *payment_methods, *risk_coverage;
};
struct provision_extension {
    const bool *skip_recurrent;
};
struct provision_terms {
    const struct provision_payment_terms *payments;
    const struct provision_recurrent_terms *recurrent_paytools;
    const char *wallet; /* raw: not used */
    const struct provision_extension *extension;
};

extern const struct type type_term_set, type_term_set_hierarchy, type_provision_terms, type_turnover_limit, type_turnover_limits,
    type_time_span;
extern const struct type type_system_account_set_selector, type_external_account_set_selector, type_inspector_selector;

/* *OUT = CHILD on top of PARENT, merged field by field (domain.md 4.1); parts are shared with both. */
void term_set_merge(const struct term_set *parent, const struct term_set *child, struct arena *arena,
                    struct term_set *out);

/* *OUT = a terminal's terms over its provider's (domain.md 5.2); either may be NULL. False: neither has any. */
bool provision_terms_merge(const struct provision_terms *provider, const struct provision_terms *terminal,
                           struct arena *arena, struct provision_terms *out);

/* FROM_US (microseconds since 1970), cut to whole seconds, and SPAN later (domain.md 1): first years and months, on
 * the last day of a month that is too short, then the rest. A moment too far away becomes the largest number. */
int64_t time_span_after(const struct time_span *span, int64_t from_us);

/* Membership in selected sets; false for a NULL set. */
bool currency_in(const char *currency, const struct type_list *currencies);
bool category_in(int64_t category, const struct type_list *categories);

#endif

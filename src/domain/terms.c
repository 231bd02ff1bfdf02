/* Merging terms: the child's word where it has one, else the parent's. */
#include "domain/terms.h"

#include <string.h>

/* FIELD of the struct *OUT: the child's where it says something. Missing sides are zeroed structs. */
#define INHERIT(FIELD) out->FIELD = child->FIELD ? child->FIELD : parent->FIELD

/* Begins a function that merges two structs of type S by pointer, either of which may be NULL. */
#define MERGE_BEGIN(S)                                   \
    static const struct S nothing;                       \
    struct S *out;                                       \
                                                         \
    if (!parent_in && !child_in)                         \
        return NULL;                                     \
    out = arena_alloc(arena, sizeof(*out));              \
    const struct S *parent = parent_in ? parent_in : &nothing, *child = child_in ? child_in : &nothing

static const struct merchant_partial_refund_terms *partial_merge(const struct merchant_partial_refund_terms *parent_in,
                                                                 const struct merchant_partial_refund_terms *child_in,
                                                                 struct arena *arena)
{
    MERGE_BEGIN(merchant_partial_refund_terms);
    INHERIT(cash_limit);
    return out;
}

static const struct merchant_refund_terms *refund_merge(const struct merchant_refund_terms *parent_in,
                                                        const struct merchant_refund_terms *child_in,
                                                        struct arena *arena)
{
    MERGE_BEGIN(merchant_refund_terms);
    INHERIT(payment_methods);
    INHERIT(fees);
    INHERIT(eligibility_time);
    out->partial_refunds = partial_merge(parent->partial_refunds, child->partial_refunds, arena);
    return out;
}

static const struct merchant_hold_terms *hold_merge(const struct merchant_hold_terms *parent_in,
                                                    const struct merchant_hold_terms *child_in, struct arena *arena)
{
    MERGE_BEGIN(merchant_hold_terms);
    INHERIT(payment_methods);
    INHERIT(lifetime);
    INHERIT(partial_captures);
    return out;
}

static const struct merchant_chargeback_terms *chargeback_merge(const struct merchant_chargeback_terms *parent_in,
                                                                const struct merchant_chargeback_terms *child_in,
                                                                struct arena *arena)
{
    MERGE_BEGIN(merchant_chargeback_terms);
    INHERIT(allow);
    INHERIT(fees);
    INHERIT(eligibility_time);
    return out;
}

static const struct allocation_terms *allocation_merge(const struct allocation_terms *parent_in,
                                                       const struct allocation_terms *child_in, struct arena *arena)
{
    MERGE_BEGIN(allocation_terms);
    INHERIT(allow);
    return out;
}

static const struct merchant_payment_terms *payment_merge(const struct merchant_payment_terms *parent_in,
                                                          const struct merchant_payment_terms *child_in,
                                                          struct arena *arena)
{
    MERGE_BEGIN(merchant_payment_terms);
    INHERIT(currencies);
    INHERIT(categories);
    INHERIT(payment_methods);
    INHERIT(cash_limit);
    INHERIT(fees);
    out->holds = hold_merge(parent->holds, child->holds, arena);
    out->refunds = refund_merge(parent->refunds, child->refunds, arena);
    out->chargebacks = chargeback_merge(parent->chargebacks, child->chargebacks, arena);
    out->allocations = allocation_merge(parent->allocations, child->allocations, arena);
    INHERIT(attempt_limit);
    return out;
}

static const struct merchant_recurrent_terms *recurrent_merge(const struct merchant_recurrent_terms *parent_in,
                                                              const struct merchant_recurrent_terms *child_in,
                                                              struct arena *arena)
{
    MERGE_BEGIN(merchant_recurrent_terms);
    INHERIT(payment_methods);
    return out;
}

void term_set_merge(const struct term_set *parent, const struct term_set *child, struct arena *arena,
                    struct term_set *out)
{
    memset(out, 0, sizeof(*out));
    out->payments = payment_merge(parent->payments, child->payments, arena);
    out->recurrent_paytools = recurrent_merge(parent->recurrent_paytools, child->recurrent_paytools, arena);
    INHERIT(reports);
    INHERIT(wallets);
}

/* ---- providers ---- */

static const struct provision_payment_terms *provision_payment_merge(const struct provision_payment_terms *parent_in,
                                                                     const struct provision_payment_terms *child_in,
                                                                     struct arena *arena)
{
    MERGE_BEGIN(provision_payment_terms);
    INHERIT(allow);
    INHERIT(global_allow);
    INHERIT(allow_exchange);
    INHERIT(currencies);
    INHERIT(categories);
    INHERIT(payment_methods);
    INHERIT(cash_limit);
    INHERIT(cash_flow);
    INHERIT(holds); /* these three as a unit, never mixed inside */
    INHERIT(refunds);
    INHERIT(chargebacks);
    INHERIT(risk_coverage);
    INHERIT(turnover_limits);
    return out;
}

static const struct provision_extension *extension_merge(const struct provision_extension *parent_in,
                                                         const struct provision_extension *child_in,
                                                         struct arena *arena)
{
    MERGE_BEGIN(provision_extension);
    INHERIT(skip_recurrent);
    return out;
}

bool provision_terms_merge(const struct provision_terms *provider, const struct provision_terms *terminal,
                           struct arena *arena, struct provision_terms *out)
{
    if (!provider && !terminal)
        return false;
    if (!provider || !terminal) {
        *out = provider ? *provider : *terminal;
        return true;
    }
    memset(out, 0, sizeof(*out));
    out->payments = provision_payment_merge(provider->payments, terminal->payments, arena);
    out->recurrent_paytools = provider->recurrent_paytools; /* the terminal's own are ignored */
    out->wallet = terminal->wallet ? terminal->wallet : provider->wallet;
    out->extension = extension_merge(provider->extension, terminal->extension, arena);
    return true;
}

/* ---- sets ---- */

bool currency_in(const char *currency, const struct type_list *currencies)
{
    size_t i;

    for (i = 0; currencies && i < currencies->count; i++) {
        if (strcmp(((const struct currency_ref *)currencies->items)[i].symbolic_code, currency) == 0)
            return true;
    }
    return false;
}

bool category_in(int64_t category, const struct type_list *categories)
{
    size_t i;

    for (i = 0; categories && i < categories->count; i++) {
        if (((const struct number_ref *)categories->items)[i].id == category)
            return true;
    }
    return false;
}

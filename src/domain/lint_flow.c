/* Cash flows and turnover limits, for the payments of one case: what the step that builds a flow, or counts a
 * payment, could not do. Accounts that are missing are said in lint.c. */
#include "domain/lint_internal.h"

#include <inttypes.h>
#include <string.h>

/* ---- cash flows ---- */

enum { ROLES = 8 }; /* the last one: of none that has an account */

/* The most that a selector's flows may post to and from each role. */
struct flow_sum {
    const struct payments *payments;
    const char *currency;
    bool other_currency, may_be_empty, has_value;
    size_t postings;
    __int128 in[ROLES], out[ROLES];
};

static int role_index(const struct account_role *role)
{
    switch (role->tag) {
    case ACCOUNT_MERCHANT: return role->merchant == MERCHANT_SETTLEMENT ? 0 : role->merchant == MERCHANT_GUARANTEE ? 1 : ROLES - 1;
    case ACCOUNT_PROVIDER: return 2;
    case ACCOUNT_SYSTEM: return role->system == SYSTEM_SETTLEMENT ? 3 : 4;
    case ACCOUNT_EXTERNAL: return role->external == EXTERNAL_INCOME ? 5 : 6;
    default: return ROLES - 1;
    }
}

static __int128 volume_most(struct flow_sum *sum, const struct volume *volume);

static __int128 product_most(struct flow_sum *sum, const struct volume_product *product)
{
    const struct type_list *members = product->tag == PRODUCT_MIN_OF   ? &product->min_of
                                      : product->tag == PRODUCT_MAX_OF ? &product->max_of
                                                                       : &product->sum_of;
    __int128 result = 0, one;
    size_t i;

    for (i = 0; i < members->count; i++) {
        one = volume_most(sum, (const struct volume *)members->items + i);
        if (i == 0)
            result = one;
        else if (product->tag == PRODUCT_SUM_OF)
            result += one;
        else if ((product->tag == PRODUCT_MIN_OF) == (one < result))
            result = one;
    }
    return result;
}

/* Shares of the whole are at most the whole. */
static __int128 volume_most(struct flow_sum *sum, const struct volume *volume)
{
    int64_t most = sum->payments->most ? sum->payments->most : CASH_MAX, share;

    switch (volume->tag) {
    case VOLUME_FIXED:
        sum->other_currency |= strcmp(volume->fixed->cash.currency.symbolic_code, sum->currency) != 0;
        return volume->fixed->cash.amount;
    case VOLUME_SHARE:
        return rational_share(most, volume->share->parts, (enum rounding)volume->share->rounding_method, &share) ? share : most;
    case VOLUME_PRODUCT: return product_most(sum, volume->product);
    default: return 0;
    }
}

static void sum_flow(void *arg, const void *value)
{
    struct flow_sum *sum = arg;
    const struct type_list *flow = value;
    const struct posting_template *postings = flow->items;
    __int128 in[ROLES] = { 0 }, out[ROLES] = { 0 }, most;
    size_t i;

    sum->has_value = true;
    sum->may_be_empty |= flow->count == 0;
    if (flow->count > sum->postings)
        sum->postings = flow->count;
    for (i = 0; i < flow->count; i++) {
        most = volume_most(sum, &postings[i].volume);
        out[role_index(&postings[i].source)] += most;
        in[role_index(&postings[i].destination)] += most;
    }
    for (i = 0; i < ROLES; i++) {
        sum->in[i] = in[i] > sum->in[i] ? in[i] : sum->in[i];
        sum->out[i] = out[i] > sum->out[i] ? out[i] : sum->out[i];
    }
}

static struct flow_sum flow_sum_of(struct lint *lint, const struct lint_case *one, const struct selector *selector,
                                   const char *what)
{
    struct payments payments = one->payments;
    struct flow_sum sum = { .payments = &payments, .currency = payments.shop->account.currency.symbolic_code };

    payments.trust = false; /* not known when a cash flow is built */
    possible_values(lint->domain, selector, &payments, sum_flow, &sum);
    if (sum.other_currency)
        lint_find(lint, LINT_ERROR, "currency_other", lint_place_of(lint, selector), one->who,
                  "%s have amounts in another currency than the payment's, %s", what, sum.currency);
    sum.payments = NULL; /* it was ours */
    return sum;
}

static bool sums_fit(const struct flow_sum *a, const struct flow_sum *b)
{
    size_t i;

    for (i = 0; i < ROLES; i++) {
        if (a->in[i] + b->in[i] > CASH_MAX || a->out[i] + b->out[i] > CASH_MAX)
            return false;
    }
    return true;
}

void lint_flows(struct lint *lint, const struct lint_case *one, const struct selector *fees,
                const struct selector *cash_flow, const char *path, const char *of)
{
    struct flow_sum ours = flow_sum_of(lint, one, fees, arena_printf(lint->arena, "the fees of %s", of));
    struct flow_sum theirs = flow_sum_of(lint, one, cash_flow, arena_printf(lint->arena, "the cash flows of %s", of));

    if (!ours.has_value || !theirs.has_value)
        return; /* that is said where the value is */
    if (ours.may_be_empty && theirs.may_be_empty)
        lint_find(lint, LINT_ERROR, "flow_empty", path, one->who,
                  "%s may post nothing: neither the fees nor the cash flow have a posting", of);
    if (ours.postings + theirs.postings > CASHFLOW_POSTINGS_MAX)
        lint_find(lint, LINT_ERROR, "flow_long", path, one->who, "%s may have more than %d postings", of, CASHFLOW_POSTINGS_MAX);
    if (!sums_fit(&ours, &theirs))
        lint_find(lint, LINT_ERROR, "flow_large", path, one->who, "%s may post more to an account than %" PRId64, of, CASH_MAX);
}

/* ---- turnover limits ---- */

/* Why LIMIT can count no payment at all; NULL: it may. SHOP: it is a shop's own. */
static const char *never_counts(const struct limit_config *config, bool is_shops)
{
    const struct limit_scope *scopes = config->scopes.items;
    size_t i;

    if (config->context_type.tag != LIMIT_PAYMENTS)
        return "it is for withdrawals";
    for (i = 0; i < config->scopes.count; i++) {
        switch (scopes[i].tag) {
        case SCOPE_WALLET:
        case SCOPE_SENDER:
        case SCOPE_RECEIVER: return "it counts by what only withdrawals have";
        case SCOPE_PROVIDER:
        case SCOPE_TERMINAL:
            if (is_shops)
                return "it counts by the route, which is not chosen yet";
            break;
        default: break;
        }
    }
    return NULL;
}

/* Why LIMIT cannot count the payments of ONE; NULL: it can. */
static const char *cannot_count(struct lint *lint, const struct lint_case *one, const struct limit_config *config)
{
    const char *own = one->payments.shop->account.currency.symbolic_code, *counted = limit_currency(config);
    const struct payment_method *method = one->payments.method;
    const struct limit_scope *scopes = config->scopes.items;
    const struct named_rational *rates;
    const struct currency *currency;
    size_t i;

    for (i = 0; i < config->scopes.count; i++) {
        if (scopes[i].tag == SCOPE_PAYMENT_TOOL && method->tag != METHOD_BANK_CARD && method->tag != METHOD_DIGITAL_WALLET)
            return "it counts by the payment tool, which this one has no counter for";
        if (scopes[i].tag == SCOPE_DESTINATION_FIELD && method->tag != METHOD_GENERIC)
            return "it counts by a field of the payment tool, which only generic ones have";
    }
    if (!counted || strcmp(counted, own) == 0)
        return NULL;
    if (!config->currency_conversion)
        return arena_printf(lint->arena, "it counts %s, converts nothing, and payments are in %s", counted, own);
    currency = domain_currency(lint->domain, own);
    rates = currency->rates.items;
    for (i = 0; i < currency->rates.count; i++) {
        if (strcmp(rates[i].key, counted) == 0)
            return NULL;
    }
    return arena_printf(lint->arena, "it counts %s, and the currency %s has no rate to it", counted, own);
}

void lint_limits_of(struct lint *lint, const struct lint_case *one, const struct type_list *limits, bool is_shops,
                    const char *path)
{
    const struct turnover_limit *list = limits->items;
    size_t i;

    for (i = 0; i < limits->count; i++) {
        const struct limit_config *config = domain_limit_config(lint->domain, list[i].ref.id);
        const char *never = never_counts(config, is_shops), *why = never ? never : cannot_count(lint, one, config);

        if (why)
            lint_find(lint, never || is_shops ? LINT_ERROR : LINT_WARNING, "limit_never", path, one->who,
                      is_shops ? "limit %s stops payments of the shop: %s" : "limit %s keeps payments from the route: %s",
                      list[i].ref.id, why);
    }
}

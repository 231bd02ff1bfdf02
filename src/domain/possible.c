/* See possible.h. Outcomes are sets of enum tri as bits. */
#include "domain/possible.h"

#include <string.h>

#include "domain/domain.h"

#define ANY (MAY_BE_FALSE | MAY_BE_TRUE)

static unsigned sure(bool value)
{
    return value ? MAY_BE_TRUE : MAY_BE_FALSE;
}

/* ---- costs ---- */

static bool bound_amount(const struct cash_bound *bound, const char *currency, int64_t step, int64_t *amount)
{
    const struct cash *cash = bound->tag == BOUND_EXCLUSIVE ? &bound->exclusive : &bound->inclusive;

    if (!bound->tag || strcmp(cash->currency.symbolic_code, currency) != 0)
        return false;
    *amount = cash->amount + (bound->tag == BOUND_EXCLUSIVE ? step : 0); /* CASH_MAX leaves room */
    return true;
}

bool range_amounts(const struct cash_range *range, const char *currency, int64_t *least, int64_t *most)
{
    int64_t low, high;

    if (!bound_amount(&range->lower, currency, 1, &low) || !bound_amount(&range->upper, currency, -1, &high))
        return false;
    low = low < 1 ? 1 : low;
    high = high > CASH_MAX ? CASH_MAX : high;
    if (low > high)
        return false;
    *least = low;
    *most = high;
    return true;
}

static unsigned cost_in(const struct cash_range *range, const struct payments *payments)
{
    int64_t least, most;

    if (!payments->shop)
        return ANY;
    if (!range_amounts(range, payments->shop->account.currency.symbolic_code, &least, &most))
        return MAY_BE_FALSE;
    if (payments->most == 0)
        return ANY;
    if (least > payments->most || most < payments->least)
        return MAY_BE_FALSE;
    return least <= payments->least && payments->most <= most ? MAY_BE_TRUE : ANY;
}

static unsigned cost_is_multiple(const struct cash *of, const struct payments *payments)
{
    if (payments->shop && strcmp(of->currency.symbolic_code, payments->shop->account.currency.symbolic_code) != 0)
        return MAY_BE_FALSE;
    return ANY; /* points of cost stand for their neighbours, which may be divided otherwise */
}

/* ---- tools ---- */

static bool ref_is(const struct id_ref *ref, const char *id)
{
    return ref && strcmp(ref->id, id) == 0;
}

static unsigned both(unsigned a, unsigned b)
{
    unsigned result = 0;

    if ((a | b) & MAY_BE_FALSE)
        result |= MAY_BE_FALSE;
    if ((a & MAY_BE_TRUE) && (b & MAY_BE_TRUE))
        result |= MAY_BE_TRUE;
    if ((a & MAY_BE_UNKNOWN && b & ~(unsigned)MAY_BE_FALSE) || (b & MAY_BE_UNKNOWN && a & ~(unsigned)MAY_BE_FALSE))
        result |= MAY_BE_UNKNOWN;
    return result;
}

static unsigned inverted(unsigned outcomes)
{
    return (outcomes & MAY_BE_UNKNOWN) | (outcomes & MAY_BE_FALSE ? MAY_BE_TRUE : 0) |
           (outcomes & MAY_BE_TRUE ? MAY_BE_FALSE : 0);
}

static unsigned either(unsigned a, unsigned b)
{
    return inverted(both(inverted(a), inverted(b)));
}

static unsigned card_system(const struct card_system_condition *condition, const struct card_method *card)
{
    unsigned result = MAY_BE_TRUE;

    if (!condition->payment_system_is && !condition->token_service_is && !condition->tokenization_method_is)
        return MAY_BE_FALSE;
    if (condition->payment_system_is)
        result = both(result, card ? sure(ref_is(card->payment_system, condition->payment_system_is->id)) : ANY);
    if (condition->token_service_is)
        result = both(result, card ? sure(ref_is(card->payment_token, condition->token_service_is->id)) : ANY);
    if (condition->tokenization_method_is && !card)
        result = both(result, ANY | MAY_BE_UNKNOWN);
    else if (condition->tokenization_method_is && !card->tokenization_method)
        result = both(result, MAY_BE_UNKNOWN);
    else if (condition->tokenization_method_is)
        result = both(result, sure(card->tokenization_method == condition->tokenization_method_is));
    return result;
}

/* CARD NULL: any card. */
static unsigned card_outcomes(const struct card_condition *condition, const struct card_method *card)
{
    switch (condition->tag) {
    case 0: return MAY_BE_TRUE;
    case CARD_PAYMENT_SYSTEM: return card_system(&condition->payment_system, card);
    case CARD_ISSUER_COUNTRY_IS: return ANY | MAY_BE_UNKNOWN; /* not every card's issuer is known */
    case CARD_EMPTY_CVV_IS:
        return card ? sure((card->is_cvv_empty && *card->is_cvv_empty) == condition->empty_cvv_is) : ANY;
    default: return ANY;
    }
}

/* ID NULL: any. */
static unsigned service_outcomes(const struct service_condition *condition, const struct id_ref *id)
{
    if (!condition->tag)
        return MAY_BE_TRUE;
    return id ? sure(ref_is(id, condition->is.id)) : ANY;
}

static unsigned tool_outcomes(const struct tool_condition *condition, const struct payment_method *method)
{
    static const int methods[] = {
        [TOOL_COND_CARD] = METHOD_BANK_CARD,         [TOOL_COND_TERMINAL] = METHOD_PAYMENT_TERMINAL,
        [TOOL_COND_WALLET] = METHOD_DIGITAL_WALLET,  [TOOL_COND_MOBILE] = METHOD_MOBILE,
        [TOOL_COND_CRYPTO] = METHOD_CRYPTO_CURRENCY, [TOOL_COND_GENERIC] = METHOD_GENERIC,
    };
    unsigned other = method ? 0 : MAY_BE_FALSE; /* a tool of another kind */

    if (method && method->tag != methods[condition->tag])
        return MAY_BE_FALSE;
    switch (condition->tag) {
    case TOOL_COND_CARD:
        return other | card_outcomes(&condition->bank_card.definition, method ? &method->bank_card : NULL);
    case TOOL_COND_TERMINAL:
        return other | service_outcomes(&condition->payment_terminal.definition, method ? method->payment_terminal : NULL);
    case TOOL_COND_WALLET:
        return other | service_outcomes(&condition->digital_wallet.definition, method ? method->digital_wallet : NULL);
    case TOOL_COND_MOBILE:
        return other | service_outcomes(&condition->mobile_commerce.definition, method ? method->mobile : NULL);
    case TOOL_COND_CRYPTO:
        return other | service_outcomes(&condition->crypto_currency.definition, method ? method->crypto_currency : NULL);
    default:
        if (condition->generic.tag != GENERIC_SERVICE_IS || !method)
            return ANY;
        return sure(ref_is(method->generic.payment_service, condition->generic.payment_service_is.id));
    }
}

/* ---- conditions and predicates ---- */

static unsigned party_outcomes(const struct party_condition *condition, const struct shop *shop)
{
    bool is_wallet = condition->definition.tag == PARTY_WALLET_IS; /* nobody supplies a wallet */

    if (!shop)
        return MAY_BE_FALSE | (is_wallet ? MAY_BE_UNKNOWN : MAY_BE_TRUE);
    if (strcmp(condition->party_ref.id, shop->party_ref.id) != 0)
        return MAY_BE_FALSE;
    if (is_wallet)
        return MAY_BE_UNKNOWN;
    return condition->definition.tag == PARTY_SHOP_IS ? sure(strcmp(condition->definition.shop_is.id, shop->id) == 0)
                                                      : MAY_BE_TRUE;
}

static unsigned condition_outcomes(const struct condition *condition, const struct payments *payments)
{
    const struct shop *shop = payments->shop;

    switch (condition->tag) {
    case COND_CATEGORY_IS: return shop ? sure(shop->category.id == condition->category_is.id) : ANY;
    case COND_CURRENCY_IS:
        return shop ? sure(strcmp(shop->account.currency.symbolic_code, condition->currency_is.symbolic_code) == 0) : ANY;
    case COND_COST_IN: return cost_in(&condition->cost_in, payments);
    case COND_COST_IS_MULTIPLE_OF: return cost_is_multiple(&condition->cost_is_multiple_of, payments);
    case COND_PAYMENT_TOOL: return tool_outcomes(&condition->payment_tool, payments->method);
    case COND_PARTY: return party_outcomes(&condition->party, shop);
    case COND_TRUST_LEVEL_IS: return payments->trust ? ANY | MAY_BE_UNKNOWN : MAY_BE_UNKNOWN;
    default: return MAY_BE_UNKNOWN; /* nobody supplies what these ask about */
    }
}

unsigned possible_outcomes(const struct domain *domain, const struct predicate *predicate,
                           const struct payments *payments)
{
    const struct type_list *list = predicate->tag == PRED_ALL_OF ? &predicate->all_of : &predicate->any_of;
    unsigned result;
    size_t i;

    switch (predicate->tag) {
    case PRED_CONSTANT: return sure(predicate->constant);
    case PRED_CONDITION: return condition_outcomes(predicate->condition, payments);
    case PRED_IS_NOT: return inverted(possible_outcomes(domain, predicate->is_not, payments));
    case PRED_CRITERION:
        return possible_outcomes(domain, &domain_criterion(domain, predicate->criterion.id)->predicate, payments);
    default: break;
    }
    result = sure(predicate->tag == PRED_ALL_OF);
    for (i = 0; i < list->count; i++) {
        unsigned one = possible_outcomes(domain, (const struct predicate *)list->items + i, payments);

        result = predicate->tag == PRED_ALL_OF ? both(result, one) : either(result, one);
    }
    return result;
}

/* ---- points of cost ---- */

static void point(struct cost_points *points, const struct payments *payments, int64_t amount)
{
    size_t i;

    if (points->full || amount < payments->least || amount > payments->most)
        return;
    for (i = 0; i < points->count; i++) {
        if (points->list[i] == amount)
            return;
    }
    if (points->count == COST_POINTS_MAX)
        points->full = true;
    else
        points->list[points->count++] = amount;
}

void cost_points_init(struct cost_points *points, const struct payments *payments)
{
    points->count = 0;
    points->full = !payments->shop || payments->most == 0;
    point(points, payments, payments->least);
    point(points, payments, payments->most);
}

void cost_points_add(struct cost_points *points, const struct domain *domain, const struct predicate *predicate,
                     const struct payments *payments)
{
    const struct type_list *list = predicate->tag == PRED_ALL_OF ? &predicate->all_of : &predicate->any_of;
    int64_t least, most;
    size_t i;

    if (points->full)
        return;
    switch (predicate->tag) {
    case PRED_CONSTANT: return;
    case PRED_CONDITION:
        if (predicate->condition->tag != COND_COST_IN ||
            !range_amounts(&predicate->condition->cost_in, payments->shop->account.currency.symbolic_code, &least, &most))
            return;
        point(points, payments, least - 1);
        point(points, payments, least);
        point(points, payments, most);
        point(points, payments, most + 1);
        return;
    case PRED_IS_NOT: cost_points_add(points, domain, predicate->is_not, payments); return;
    case PRED_CRITERION:
        cost_points_add(points, domain, &domain_criterion(domain, predicate->criterion.id)->predicate, payments);
        return;
    default: break;
    }
    for (i = 0; i < list->count; i++)
        cost_points_add(points, domain, (const struct predicate *)list->items + i, payments);
}

size_t cost_points_count(const struct cost_points *points)
{
    return points->full || points->count == 0 ? 1 : points->count;
}

void cost_points_at(const struct cost_points *points, size_t i, const struct payments *payments, struct payments *out)
{
    *out = *payments;
    if (!points->full && points->count > 0)
        out->least = out->most = points->list[i];
}

/* ---- selectors ---- */

static unsigned values(const struct domain *domain, const struct selector *selector, const struct payments *payments,
                       possible_value_fn fn, void *arg)
{
    const struct decision *list;
    unsigned result = 0, holds, then;
    size_t i;

    if (!selector || !selector->tag)
        return MAY_BE_NOTHING;
    if (selector->tag == SELECTOR_VALUE) {
        if (fn)
            fn(arg, selector->value);
        return MAY_HAVE_VALUE;
    }
    list = selector->decisions.items;
    for (i = 0; i < selector->decisions.count; i++) {
        holds = possible_outcomes(domain, &list[i].if_, payments);
        if (holds == MAY_BE_FALSE)
            continue;
        then = values(domain, list[i].then_, payments, holds & MAY_BE_TRUE ? fn : NULL, arg);
        if (holds & MAY_BE_TRUE)
            result |= then & (MAY_HAVE_VALUE | MAY_BE_UNDECIDED);
        if ((holds & MAY_BE_UNKNOWN) && then != MAY_BE_NOTHING)
            result |= MAY_BE_UNDECIDED;
        if (!(holds & MAY_BE_FALSE) && !(then & MAY_BE_NOTHING))
            return result;
    }
    return result | MAY_BE_NOTHING;
}

static void selector_points(struct cost_points *points, const struct domain *domain, const struct selector *selector,
                            const struct payments *payments)
{
    const struct decision *list = selector->decisions.items;
    size_t i;

    if (selector->tag != SELECTOR_DECISIONS)
        return;
    for (i = 0; i < selector->decisions.count; i++) {
        cost_points_add(points, domain, &list[i].if_, payments);
        selector_points(points, domain, list[i].then_, payments);
    }
}

unsigned possible_values(const struct domain *domain, const struct selector *selector,
                         const struct payments *payments, possible_value_fn fn, void *arg)
{
    struct cost_points points;
    struct payments some;
    unsigned result = 0;
    size_t i;

    if (!selector || selector->tag != SELECTOR_DECISIONS)
        return values(domain, selector, payments, fn, arg);
    cost_points_init(&points, payments);
    selector_points(&points, domain, selector, payments);
    for (i = 0; i < cost_points_count(&points); i++) {
        cost_points_at(&points, i, payments, &some);
        result |= values(domain, selector, &some, fn, arg);
    }
    return result;
}

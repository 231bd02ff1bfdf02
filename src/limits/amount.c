/* The body, its sign, and what it is in the metric's unit. A conversion is one exact fraction, rounded once. */
#include "limits/amount.h"

#include <inttypes.h>
#include <string.h>

#include "domain/domain.h"

static bool amount_fault(const struct turnover_use *use, const char *why, struct arena *arena,
                         struct turnover_fault *fault)
{
    *fault = (struct turnover_fault){
        .kind = TURNOVER_INTERNAL,
        .limit_id = use->limit->ref.id,
        .text = arena_printf(arena, "limit %s: %s", use->limit->ref.id, why),
    };
    return false;
}

static const struct rational *rational_named(const struct type_list *map, const char *name)
{
    const struct named_rational *entries = map->items;
    size_t i;

    for (i = 0; i < map->count; i++) {
        if (strcmp(entries[i].key, name) == 0)
            return &entries[i].value;
    }
    return NULL;
}

/* By the currency that is paid in: a configured factor, else the configured DEFAULT, else 11/10. */
static struct rational exchange_factor(const struct domain *domain, const char *currency)
{
    static const struct named_rational deployed[] = {
        { "DEFAULT", { 1, 1 } }, { "USD", { 105, 100 } }, { "EUR", { 12, 10 } },
    };
    struct type_list map = { (void *)(uintptr_t)deployed, SL_COUNT(deployed) };
    const struct globals *globals = domain_globals(domain);
    const struct rational *factor;

    if (globals && globals->exchange_factors.items)
        map = globals->exchange_factors;
    factor = rational_named(&map, currency);
    if (!factor)
        factor = rational_named(&map, "DEFAULT");
    return factor ? *factor : (struct rational){ 11, 10 };
}

static __int128 common_divisor(__int128 a, __int128 b)
{
    __int128 rest;

    while (b != 0) {
        rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* AMOUNT * rate * factor, half away from zero. Their parts are at most 10^15 and positive, so two of them multiply in
 * 128 bits; the third is where it may be too much. */
static bool converted(int64_t amount, struct rational rate, struct rational factor, int64_t *out)
{
    __int128 above = (__int128)rate.p * factor.p, below = (__int128)rate.q * factor.q, size = amount, shared, whole;

    if (size < 0)
        size = -size;
    shared = common_divisor(above, below);
    above /= shared;
    below /= shared;
    shared = common_divisor(below, size);
    below /= shared;
    size /= shared;
    if (__builtin_mul_overflow(size, above, &size))
        return false;
    whole = size / below;
    if (size % below >= below - size % below)
        whole++;
    if (whole > LIMIT_AMOUNT_MAX)
        return false;
    *out = (int64_t)(amount < 0 ? -whole : whole);
    return true;
}

static bool convert(const struct turnover_use *use, const struct domain *domain, const struct cash *body,
                    const char *currency, struct arena *arena, int64_t *out, struct turnover_fault *fault)
{
    const char *from = body->currency.symbolic_code;
    const struct currency *source = domain ? domain_currency(domain, from) : NULL;
    const struct rational *rate = source ? rational_named(&source->rates, currency) : NULL;

    if (!rate)
        return amount_fault(use, arena_printf(arena, "the configuration has no rate from %s to %s", from, currency),
                            arena, fault);
    if (!converted(body->amount, *rate, exchange_factor(domain, from), out))
        return amount_fault(use, "the converted amount is out of range", arena, fault);
    return true;
}

/* One operation; of what has no size there is nothing to hold. */
static bool number_of(const struct turnover_use *use, int64_t amount, enum limit_verb verb, struct arena *arena,
                      int64_t *out, struct turnover_fault *fault)
{
    if (amount == 0 && verb == LIMIT_HOLD)
        return amount_fault(use, "an operation on nothing cannot be counted", arena, fault);
    *out = (amount > 0) - (amount < 0);
    return true;
}

bool amount_of(const struct turnover_use *use, const struct turnover_facts *facts, enum limit_verb verb,
               struct arena *arena, int64_t *out, struct turnover_fault *fault)
{
    const struct limit_op_behaviour *behaviour = use->config->op_behaviour;
    const char *currency = limit_currency(use->config);
    struct cash body = facts->body;

    if (verb == LIMIT_COMMIT && facts->partial && !facts->is_refund)
        body = *facts->partial;
    if (facts->is_refund && behaviour && behaviour->invoice_payment_refund.tag == REFUND_SUBTRACTION)
        body.amount = -body.amount;
    if (!currency)
        return number_of(use, body.amount, verb, arena, out, fault);
    if (strcmp(body.currency.symbolic_code, currency) == 0) {
        *out = body.amount;
        return true;
    }
    if (use->config->currency_conversion)
        return convert(use, facts->domain, &body, currency, arena, out, fault);
    *fault = (struct turnover_fault){
        .kind = TURNOVER_INVALID_CURRENCY,
        .limit_id = use->limit->ref.id,
        .text = arena_printf(arena, "limit %s: it counts %s, and the operation is in %s", use->limit->ref.id, currency,
                             body.currency.symbolic_code),
        .currency = body.currency.symbolic_code,
        .expected = currency,
    };
    return false;
}

#include "payment/mutation.h"

#include <assert.h>

bool mutations_fit(const struct type_list *mutations, const struct invoice_details *details)
{
    const struct invoice_line *lines;

    if (mutations->count == 0 || !details->cart)
        return true;
    lines = details->cart->lines.items;
    return details->cart->lines.count == 1 && lines[0].quantity == 1;
}

static bool condition_holds(const struct randomization *params, int64_t amount)
{
    if (params->amount_multiplicity_condition && amount % *params->amount_multiplicity_condition != 0)
        return false;
    if (params->min_amount_condition && amount < *params->min_amount_condition)
        return false;
    return !params->max_amount_condition || amount <= *params->max_amount_condition;
}

/* Further random bits from earlier ones. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* What a deviation is a multiple of. */
static int64_t step_of(const struct randomization *params)
{
    int64_t i, factor = 1;

    for (i = 0; i < params->precision; i++)
        factor *= 10;
    return factor;
}

static int64_t deviate(const struct randomization *params, uint64_t *random)
{
    uint64_t span = (uint64_t)params->deviation + 1;
    int64_t drawn = (int64_t)((unsigned __int128)next_random(random) * span >> 64), factor = step_of(params);
    int64_t rounded;

    rounded = (drawn + factor / 2) / factor * factor; /* halves away from zero; DRAWN is not negative */
    if (rounded > params->deviation)
        rounded -= factor; /* rounding may not lead out of the deviation */
    return rounded;
}

static int64_t sign(const struct randomization *params, uint64_t *random)
{
    switch (params->direction) {
    case DIRECTION_UPWARD: return 1;
    case DIRECTION_DOWNWARD: return -1;
    default: return next_random(random) & 1 ? 1 : -1;
    }
}

static void cart_reprice(struct invoice *invoice, struct arena *arena)
{
    const struct invoice_cart *cart = invoice->details.cart;
    struct invoice_cart *priced;
    struct invoice_line *line;

    if (!cart || cart->lines.count != 1)
        return;
    priced = arena_alloc(arena, sizeof(*priced));
    line = arena_memdup(arena, cart->lines.items, sizeof(*line));
    line->price.amount = invoice->cost.amount;
    priced->lines = (struct type_list){ line, 1 };
    invoice->details.cart = priced;
}

void mutations_apply(struct invoice *invoice, const struct type_list *mutations, uint64_t random, struct arena *arena)
{
    const struct mutation_params *list = mutations->items;
    struct invoice_mutation *applied = arena_array(arena, mutations->count, sizeof(*applied));
    int64_t original = invoice->cost.amount;
    size_t i, count = 0;

    for (i = 0; i < mutations->count; i++) {
        const struct randomization *params = &list[i].amount.randomization;
        int64_t deviation;

        if (!condition_holds(params, original))
            continue;
        deviation = deviate(params, &random);
        applied[count].tag = 1;
        applied[count].amount.original = original;
        applied[count].amount.mutated = original + sign(params, &random) * deviation;
        invoice->cost.amount = applied[count++].amount.mutated;
    }
    if (count == 0)
        return;
    invoice->mutations = (struct type_list){ applied, count };
    cart_reprice(invoice, arena);
}

static bool explains(const struct randomization *params, const struct amount_mutation *applied, int64_t original)
{
    int64_t moved = applied->mutated - original, deviation = moved < 0 ? -moved : moved;

    return applied->original == original && deviation <= params->deviation && deviation % step_of(params) == 0 &&
           !(params->direction == DIRECTION_UPWARD && moved < 0) && !(params->direction == DIRECTION_DOWNWARD && moved > 0);
}

bool mutations_explain(const struct type_list *mutations, const struct type_list *applied, int64_t original)
{
    const struct mutation_params *list = mutations->items;
    const struct invoice_mutation *made = applied->items;
    size_t i, count = 0;

    for (i = 0; i < mutations->count; i++) {
        if (!condition_holds(&list[i].amount.randomization, original))
            continue;
        if (count == applied->count || !explains(&list[i].amount.randomization, &made[count++].amount, original))
            return false;
    }
    return count == applied->count;
}

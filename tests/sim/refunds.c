/* What merchants ask of captured payments: to give the money back, in whole or in part, by the provider or beside it. */
#include <inttypes.h>
#include <stdio.h>

#include "sim/traffic.h"

static enum deed refund_deed(struct shopper *shopper)
{
    uint64_t draw = rng_below(&shopper->rng, 100);

    return draw < 25   ? DEED_REFUND
           : draw < 45 ? DEED_REFUND_PART
           : draw < 60 ? DEED_REFUND_CART
           : draw < 75 ? DEED_REFUND_NAMED
           : draw < 88 ? DEED_REFUND_MANUAL
                       : DEED_REFUND_OUTSIDE;
}

static void refund_of(struct shopper *shopper, struct want *want)
{
    struct refund_params *params = &want->call.refund.params;
    struct cash *cash = arena_alloc(want->arena, sizeof(*cash));
    struct trx *trx;

    *cash = (struct cash){ rng_between(&shopper->rng, 1000, 40000), { "RUB" } };
    if (want->deed != DEED_REFUND && rng_below(&shopper->rng, 4))
        params->cash = cash;
    if (want->deed == DEED_REFUND_CART && cash->amount < shopper->amount) { /* of what remains */
        params->cash = cash;
        params->cart = cart_of(shopper->amount - cash->amount, (int)rng_between(&shopper->rng, 1, 3), want->arena);
    }
    want->call.refund.manual = want->deed == DEED_REFUND_MANUAL || want->deed == DEED_REFUND_OUTSIDE;
    if (want->deed == DEED_REFUND_NAMED) {
        params->id = arena_printf(want->arena, "r%" PRIu64, shopper->sim->traffic->markers);
        want->again = true;
    }
    if (want->deed == DEED_REFUND_OUTSIDE) {
        trx = arena_alloc(want->arena, sizeof(*trx));
        trx->extra = no_items(want->arena);
        trx->id = arena_printf(want->arena, "outside-%" PRIu64, shopper->sim->traffic->markers);
        params->transaction_info = trx;
    }
}

void shopper_refund(struct shopper *shopper)
{
    struct want *want = want_marked(shopper, refund_deed(shopper), CALL_REFUND, "\"%s\"");

    want->call.refund.payment_id = arena_strdup(want->arena, shopper->payment);
    want->call.refund.params.reason = want->what;
    refund_of(shopper, want);
    if (want->deed != DEED_REFUND_NAMED && rng_below(&shopper->rng, 2))
        want_key(want);
    want_try(want);
}

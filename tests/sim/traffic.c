/* Callers: merchants with their invoices and payments, the bank's callbacks, and an operator. Here is who comes. */
#include "sim/traffic.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

static void shopper_arrives(void *arg)
{
    struct sim *sim = arg;
    struct traffic *traffic = sim->traffic;
    struct shopper *shopper;

    if (traffic->started >= sim->options.payments) {
        traffic->all_born = true;
        return;
    }
    shopper = xcalloc(1, sizeof(*shopper));
    shopper->sim = sim;
    snprintf(shopper->id, sizeof(shopper->id), "i%zu", ++traffic->count);
    shopper->rng.state = mix(sim->shop_rng.state, traffic->count);
    shopper->shop = (int)rng_below(&shopper->rng, shop_count);
    shopper->amount = rng_between(&shopper->rng, shops[shopper->shop].low, shops[shopper->shop].high);
    shopper->payments = (int)rng_between(&shopper->rng, 0, 3) + (rng_below(&shopper->rng, 8) > 0);
    shopper->refunds = (int)rng_below(&shopper->rng, 6) - 2;
    shopper->due_us = sim->now_us + rng_between(&shopper->rng, 20000000, 200000000);
    HASH_ADD_STR(traffic->shoppers, id, shopper);
    plan_after(shopper, 1, shopper_create);
    clock_after(sim, rng_between(&sim->choices, 1000, 60000), 0, shopper_arrives, sim);
}

struct traffic *traffic_new(struct sim *sim)
{
    struct traffic *traffic = xcalloc(1, sizeof(*traffic));

    traffic->sim = sim;
    traffic->arena = arena_new();
    sim->traffic = traffic;
    clock_after(sim, 500000, 0, shopper_arrives, sim);
    clock_after(sim, 1000000, 0, operator_look, sim);
    clock_after(sim, 2000000, 0, card_post, sim);
    clock_after(sim, 500000, 0, pattern_arrives, sim);
    return traffic;
}

void traffic_free(struct traffic *traffic)
{
    struct shopper *shopper, *next;

    HASH_ITER(hh, traffic->shoppers, shopper, next) {
        HASH_DEL(traffic->shoppers, shopper);
        free(shopper);
    }
    patterns_free(traffic);
    free(traffic->told);
    arena_free(traffic->arena);
    free(traffic);
}

void traffic_waits(const struct traffic *traffic, struct buf *out)
{
    struct shopper *shopper, *next;

    if (traffic->calls > 0)
        buf_printf(out, " %zu calls", traffic->calls);
    HASH_ITER(hh, traffic->shoppers, shopper, next) {
        if (shopper->outstanding > 0)
            buf_printf(out, " %s", shopper->id);
    }
}

bool traffic_over(const struct traffic *traffic)
{
    struct shopper *shopper, *next;

    if (!traffic->all_born || traffic->calls > 0)
        return false;
    HASH_ITER(hh, traffic->shoppers, shopper, next) {
        if (shopper->outstanding > 0)
            return false;
    }
    return true;
}

size_t traffic_started(const struct traffic *traffic)
{
    return traffic->started;
}

size_t traffic_told(const struct traffic *traffic, const struct told **out)
{
    *out = traffic->told;
    return traffic->told_count;
}

/* A shopper is one invoice and its merchant. It hears of what becomes of it as a consumer of the feed would, and acts on
 * it after a while: pays again, captures, cancels, fulfils, gives up.                                       */
#include "sim/traffic.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct shop_row shops[] = {
    { "party-acme", "shop-acme-books", 100, 400000 },
    { "party-acme", "shop-acme-games", 1000, 900000 },
    { "party-globex", "shop-globex-travel", 1000, 700000 },
};
const size_t shop_count = SL_COUNT(shops);

/* ---- what shoppers do with invoices ---- */

/* A marked call that was not done, or perhaps not, is made again in the shape of a new one. */
static void close_then(struct want *want, int verdict)
{
    struct shopper *shopper = want->shopper;

    if (verdict == VERDICT_NOT_DONE || verdict == VERDICT_UNKNOWN)
        shopper->closing = false;
}

static void shopper_fulfill(struct shopper *shopper)
{
    struct want *want = want_marked(shopper, DEED_FULFILL, CALL_FULFILL, "\"%s\"");

    want->call.fulfill.reason = want->what;
    want->then = close_then;
    if (rng_below(&shopper->rng, 3) == 0)
        want_key(want);
    want_try(want);
}

static void shopper_rescind(struct shopper *shopper)
{
    struct want *want = want_marked(shopper, DEED_RESCIND, CALL_RESCIND, "\"%s\"");

    want->call.rescind.reason = want->what;
    want->then = close_then;
    if (rng_below(&shopper->rng, 3) == 0)
        want_key(want);
    want_try(want);
}

static void create_plainly(struct shopper *shopper);

static void created_then(struct want *want, int verdict)
{
    struct shopper *shopper = want->shopper;

    if (verdict != VERDICT_DONE)
        return;
    if (shopper->payments > 0)
        plan_after(shopper, rng_between(&shopper->rng, 0, 1000000), shopper_pay);
    else if (rng_below(&shopper->rng, 2))
        plan_after(shopper, rng_between(&shopper->rng, 0, 20000000), shopper_rescind);
}

/* The template is gone, or was never there: then without. */
static void templated_then(struct want *want, int verdict)
{
    if (verdict == VERDICT_REFUSED)
        plan_after(want->shopper, 1, create_plainly);
    else
        created_then(want, verdict);
}

static void create_plainly(struct shopper *shopper)
{
    static const struct content empty_context = { "text/plain", "" };
    const struct shop_row *shop = &shops[shopper->shop];
    struct want *want = want_new(shopper, DEED_CREATE);

    want->how = WANT_START;
    want->args = &want->params;
    want->again = true;
    want_needle(want, "\"invoice_created\"%s");
    if (rng_below(&shopper->rng, 3) == 0)
        want_key(want);
    want->params = (struct invoice_params){
        .id = shopper->id, .party_id = shop->party, .shop_id = shop->shop, .details = { .product = "a duck" },
        .due = shopper->due_us, .cost = { shopper->amount, { "RUB" } }, .context = &empty_context,
    };
    want->then = created_then;
    want_try(want);
}

void shopper_create(struct shopper *shopper)
{
    struct want *want = rng_below(&shopper->rng, 4) == 0 ? template_want(shopper) : NULL;

    if (!want) {
        create_plainly(shopper);
        return;
    }
    want->then = templated_then;
    want_try(want);
}

/* ---- what shoppers hear ---- */

static void heard_flow_waiting(struct shopper *shopper)
{
    uint64_t draw = rng_below(&shopper->rng, 10);

    if (shopper->capturing)
        return;
    shopper->capturing = true;
    if (draw < 4)
        plan_after(shopper, rng_between(&shopper->rng, 0, 70000000), shopper_capture);
    else if (draw < 7)
        plan_after(shopper, rng_between(&shopper->rng, 0, 70000000), shopper_cancel);
}

static void heard_idle(struct shopper *shopper, const char *status)
{
    if (strcmp(status, "unpaid") == 0 && shopper->started > 0) {
        shopper->capturing = false;
        if (shopper->started < shopper->payments)
            plan_after(shopper, rng_between(&shopper->rng, 10000, 3000000), shopper_pay);
        else if (!shopper->closing && rng_below(&shopper->rng, 3) == 0) {
            shopper->closing = true;
            plan_after(shopper, rng_between(&shopper->rng, 10000, 8000000), shopper_rescind);
        }
    } else if (strcmp(status, "paid") == 0 && !shopper->closing && rng_below(&shopper->rng, 2)) {
        shopper->closing = true;
        plan_after(shopper, rng_between(&shopper->rng, 10000, 5000000), shopper_fulfill);
    }
    if ((strcmp(status, "paid") == 0 || strcmp(status, "fulfilled") == 0) && shopper->refunds > 0) {
        plan_after(shopper, rng_between(&shopper->rng, 10000, 5000000), shopper_refund);
        if (--shopper->refunds > 0 && rng_below(&shopper->rng, 4) == 0) { /* two at once */
            shopper->refunds--;
            plan_after(shopper, rng_between(&shopper->rng, 10000, 5000000), shopper_refund);
        }
    }
}

void traffic_news(struct sim *sim, const char *id, const char *activity, const char *status)
{
    struct shopper *shopper;

    HASH_FIND_STR(sim->traffic->shoppers, id, shopper);
    if (!shopper)
        return;
    if (strcmp(activity, "flow_waiting") == 0)
        heard_flow_waiting(shopper);
    else if (strcmp(activity, "invoice") == 0)
        heard_idle(shopper, status);
}

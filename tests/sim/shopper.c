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

/* ---- what shoppers do ---- */

static void shopper_pay(struct shopper *shopper);

/* A marked call that was not done, or perhaps not, is made again in the shape of a new one. */
static void close_then(struct want *want, int verdict)
{
    struct shopper *shopper = want->shopper;

    if (verdict == VERDICT_NOT_DONE || verdict == VERDICT_UNKNOWN)
        shopper->closing = false;
}

static void shopper_fulfill(struct shopper *shopper)
{
    struct want *want = want_marked(shopper, CALL_FULFILL);

    want->call.fulfill.reason = want->what;
    want->then = close_then;
    want_try(want);
}

static void shopper_rescind(struct shopper *shopper)
{
    struct want *want = want_marked(shopper, CALL_RESCIND);

    want->call.rescind.reason = want->what;
    want->then = close_then;
    want_try(want);
}

static void shopper_refund(struct shopper *shopper)
{
    struct want *want = want_marked(shopper, CALL_REFUND);
    struct cash *cash;

    want->call.refund.payment_id = arena_printf(want->arena, "%d", shopper->started);
    want->call.refund.params.reason = want->what;
    if (rng_below(&shopper->rng, 3)) {
        cash = arena_alloc(want->arena, sizeof(*cash));
        *cash = (struct cash){ rng_between(&shopper->rng, 1000, 40000), { "RUB" } };
        want->call.refund.params.cash = cash;
    }
    want_try(want);
}

static void decided(struct want *want, int verdict)
{
    if (verdict != VERDICT_DONE)
        want->shopper->capturing = false;
}

static const char *payment_now(struct shopper *shopper, struct arena *arena)
{
    return arena_printf(arena, "%d", shopper->started);
}

static void shopper_capture(struct shopper *shopper)
{
    struct want *want = want_marked(shopper, CALL_CAPTURE);
    struct cash *cash;

    want->call.capture.payment_id = payment_now(shopper, want->arena);
    want->call.capture.params.reason = want->what;
    if (rng_below(&shopper->rng, 3) == 0) {
        cash = arena_alloc(want->arena, sizeof(*cash));
        *cash = (struct cash){ shopper->amount - shopper->amount / rng_between(&shopper->rng, 2, 9), { "RUB" } };
        want->call.capture.params.cash = cash;
    }
    want->then = decided;
    want_try(want);
}

static void shopper_cancel(struct shopper *shopper)
{
    struct want *want = want_marked(shopper, CALL_CANCEL);

    want->call.cancel.payment_id = payment_now(shopper, want->arena);
    want->call.cancel.reason = want->what;
    want->then = decided;
    want_try(want);
}

static void paid_then(struct want *want, int verdict)
{
    struct shopper *shopper = want->shopper;

    /* A refusal: the invoice ran out meanwhile, its terms do not allow this payment, or another one is under way. */
    if (verdict == VERDICT_REFUSED && shopper->started < shopper->payments)
        plan_after(shopper, rng_between(&shopper->rng, 100000, 2000000), shopper_pay);
}

static struct payment_tool *tool_of(struct shopper *shopper, struct arena *arena)
{
    static const char *const systems[] = { "VISA", "MASTERCARD", "VISA", "MIR" };
    static const char *const countries[] = { "RUS", "USA", "RUS" };
    struct payment_tool *tool = arena_alloc(arena, sizeof(*tool));
    struct id_ref *ref = arena_alloc(arena, sizeof(*ref));
    struct digital_wallet *wallet;
    struct bank_card *card;

    if (rng_below(&shopper->rng, 12) == 0) {
        wallet = arena_alloc(arena, sizeof(*wallet));
        ref->id = "QIWI";
        wallet->payment_service = ref;
        wallet->id = "w";
        wallet->token = "wallet";
        *tool = (struct payment_tool){ .tag = TOOL_DIGITAL_WALLET, .digital_wallet = wallet };
        return tool;
    }
    card = arena_alloc(arena, sizeof(*card));
    ref->id = systems[rng_below(&shopper->rng, SL_COUNT(systems))];
    card->token = arena_printf(arena, "card-%d", (int)rng_below(&shopper->rng, 50));
    card->payment_system = ref;
    card->bin = "424242";
    card->last_digits = "4242";
    card->issuer_country = countries[rng_below(&shopper->rng, SL_COUNT(countries))];
    *tool = (struct payment_tool){ .tag = TOOL_BANK_CARD, .bank_card = card };
    return tool;
}

static void shopper_pay(struct shopper *shopper)
{
    static const bool yes = true;
    struct payment_resource_params *resource;
    struct start_payment_call *call;
    struct want *want;
    char id[MARKER_BYTES];

    if (shopper->started >= shopper->payments)
        return;
    snprintf(id, sizeof(id), "%d", ++shopper->started);
    want = want_new(shopper, ASKED_START, id);
    resource = arena_alloc(want->arena, sizeof(*resource));
    resource->resource.payment_tool = *tool_of(shopper, want->arena);
    resource->contact_info.email = "payer@example.com";
    want->call.kind = CALL_START_PAYMENT;
    call = &want->call.start_payment;
    call->id = want->what;
    call->payer = (struct payer_params){ .tag = PAYER_PAYMENT_RESOURCE, .payment_resource = resource };
    call->flow.tag = rng_below(&shopper->rng, 3) == 0 ? FLOW_HOLD : FLOW_INSTANT;
    call->flow.hold.on_hold_expiration = rng_below(&shopper->rng, 2) ? ON_HOLD_CANCEL : ON_HOLD_CAPTURE;
    if (rng_below(&shopper->rng, 10) == 0)
        call->make_recurrent = &yes;
    if (call->flow.tag == FLOW_INSTANT)
        call->flow.hold.on_hold_expiration = 0;
    if (rng_below(&shopper->rng, 15) == 0)
        call->processing_deadline = shopper->sim->now_us + rng_between(&shopper->rng, 0, 3000000);
    want->then = paid_then;
    shopper->sim->traffic->started++;
    want_try(want);
}

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

void shopper_create(struct shopper *shopper)
{
    const struct shop_row *shop = &shops[shopper->shop];
    struct want *want = want_new(shopper, ASKED_CREATE, "");

    want->how = WANT_CREATE;
    want->params = (struct invoice_params){
        .id = shopper->id, .party_id = shop->party, .shop_id = shop->shop, .details = { .product = "a duck" },
        .due = shopper->due_us, .cost = { shopper->amount, { "RUB" } }, .context = { "text/plain", "" },
    };
    want->then = created_then;
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

/* What merchants ask of payments: to start, capture and cancel them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/traffic.h"

struct type_list no_items(struct arena *arena)
{
    return (struct type_list){ arena_alloc(arena, 1), 0 };
}

const struct invoice_cart *cart_of(int64_t total, int count, struct arena *arena)
{
    struct invoice_cart *cart = arena_alloc(arena, sizeof(*cart));
    struct invoice_line *lines = arena_array(arena, (size_t)count, sizeof(*lines));
    int64_t each = total / count / 3;
    int i;

    for (i = 0; i < count - 1; i++) {
        lines[i] = (struct invoice_line){
            .product = "a duck", .quantity = 3, .price = { each, { "RUB" } }, .metadata = no_items(arena),
        };
        total -= 3 * each;
    }
    lines[i] = (struct invoice_line){
        .product = "a pond", .quantity = 1, .price = { total, { "RUB" } }, .metadata = no_items(arena),
    };
    cart->lines = (struct type_list){ lines, (size_t)count };
    return cart;
}

static const struct cash *rubles(int64_t amount, struct arena *arena)
{
    return arena_memdup(arena, &(struct cash){ amount, { "RUB" } }, sizeof(struct cash));
}

/* ---- capture, cancel ---- */

static void decided(struct want *want, int verdict)
{
    if (verdict != VERDICT_DONE)
        want->shopper->capturing = false;
}

void shopper_capture(struct shopper *shopper)
{
    int64_t part = shopper->amount - shopper->amount / rng_between(&shopper->rng, 2, 9);
    uint64_t draw = rng_below(&shopper->rng, 6);
    enum deed deed = draw == 0 ? DEED_CAPTURE_PART : draw < 3 ? DEED_CAPTURE_CART : DEED_CAPTURE;
    struct want *want = want_marked(shopper, deed, CALL_CAPTURE, "\"invoice_payment_capture_started\":{\"data\":{\"reason\":\"%s\"");
    struct capture_params *params = &want->call.capture.params;

    want->call.capture.payment_id = arena_strdup(want->arena, shopper->payment);
    params->reason = want->what;
    if (deed == DEED_CAPTURE_CART) /* its total is what is captured */
        params->cart = cart_of(draw == 1 ? part : shopper->amount, (int)rng_between(&shopper->rng, 1, 3), want->arena);
    if (deed == DEED_CAPTURE_PART || (deed == DEED_CAPTURE_CART && draw == 1 && rng_below(&shopper->rng, 2)))
        params->cash = rubles(part, want->arena);
    if (rng_below(&shopper->rng, 3) == 0)
        want_key(want);
    want->then = decided;
    want_try(want);
}

void shopper_cancel(struct shopper *shopper)
{
    struct want *want = want_marked(shopper, DEED_CANCEL, CALL_CANCEL, NULL);

    want->call.cancel.payment_id = arena_strdup(want->arena, shopper->payment);
    want->call.cancel.reason = want->what;
    if (rng_below(&shopper->rng, 3) == 0)
        want_key(want);
    want->then = decided;
    want_try(want);
}

/* ---- start ---- */

static void paid_then(struct want *want, int verdict)
{
    struct shopper *shopper = want->shopper;

    if (verdict == VERDICT_DONE && want->reply[0])
        snprintf(shopper->payment, sizeof(shopper->payment), "%s", want->reply);
    if (verdict == VERDICT_DONE && want->reply[0] &&
        (want->deed == DEED_REGISTER ? want->call.register_payment.recurrent_token != NULL
                                     : want->call.start_payment.make_recurrent != NULL))
        parent_note(shopper, want->reply);
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
    card->token = arena_printf(arena, "card-%d", (int)rng_below(&shopper->rng, CARDS));
    card->payment_system = ref;
    card->bin = "424242";
    card->last_digits = "4242";
    card->issuer_country = countries[rng_below(&shopper->rng, SL_COUNT(countries))];
    *tool = (struct payment_tool){ .tag = TOOL_BANK_CARD, .bank_card = card };
    return tool;
}

/* Under an id of its own, or, with a key, under whatever number is free. */
static struct want *start_want(struct shopper *shopper)
{
    struct want *want;

    shopper->started++;
    if (rng_below(&shopper->rng, 3) == 0) {
        want = want_marked(shopper, DEED_START_UNNAMED, CALL_START_PAYMENT, "\"external_id\":\"%s\"");
        want->call.start_payment.external_id = want->what;
        want_key(want);
        return want;
    }
    want = want_new(shopper, DEED_START);
    snprintf(want->what, sizeof(want->what), "p%d", shopper->started);
    snprintf(shopper->payment, sizeof(shopper->payment), "%s", want->what);
    want_needle(want, "{\"invoice_payment_started\":{\"payment\":{\"id\":\"%s\"");
    want->call.kind = CALL_START_PAYMENT;
    want->call.start_payment.id = want->what;
    want->again = true;
    if (rng_below(&shopper->rng, 3) == 0)
        want_key(want);
    return want;
}

static void payer_of(struct shopper *shopper, struct want *want, struct payer_params *payer)
{
    struct payment_resource_params *resource = arena_alloc(want->arena, sizeof(*resource));

    resource->resource.payment_tool = *tool_of(shopper, want->arena);
    resource->contact_info.email = "payer@example.com";
    *payer = (struct payer_params){ .tag = PAYER_PAYMENT_RESOURCE, .payment_resource = resource };
}

static void flow_of(struct shopper *shopper, struct want *want, struct start_payment_call *call)
{
    static const bool yes = true;

    call->flow.tag = rng_below(&shopper->rng, 3) == 0 ? FLOW_HOLD : FLOW_INSTANT;
    call->flow.hold.on_hold_expiration = rng_below(&shopper->rng, 2) ? ON_HOLD_CANCEL : ON_HOLD_CAPTURE;
    if (rng_below(&shopper->rng, 6) == 0)
        call->make_recurrent = &yes;
    if (call->flow.tag == FLOW_INSTANT)
        call->flow.hold.on_hold_expiration = 0;
    if (rng_below(&shopper->rng, 15) == 0)
        call->processing_deadline = shopper->sim->now_us + rng_between(&shopper->rng, 0, 3000000);
    if (rng_below(&shopper->rng, 5) == 0)
        call->customer_id = arena_printf(want->arena, "customer-%d", (int)rng_below(&shopper->rng, 20));
}

void shopper_pay(struct shopper *shopper)
{
    uint64_t draw = rng_below(&shopper->rng, 16);
    struct payer_params payer;
    struct want *want;

    if (shopper->started >= shopper->payments)
        return;
    want = start_want(shopper);
    payer_of(shopper, want, &payer);
    if (draw < 3 && payer_recurrent(shopper, want, &payer))
        want->deed = DEED_START_RECURRENT;
    if (draw == 15 && want->deed == DEED_START) {
        if (rng_below(&shopper->rng, 4) == 0)
            payer_recurrent(shopper, want, &payer);
        register_fill(shopper, want, &payer);
    } else {
        want->call.start_payment.payer = payer;
        flow_of(shopper, want, &want->call.start_payment);
    }
    want->then = paid_then;
    shopper->sim->traffic->started++;
    want_try(want);
}

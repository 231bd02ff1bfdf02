/* Payments that pay with what another one has left behind, and payments that happened outside and are registered. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "payment/payer.h"
#include "sim/cards.h"
#include "sim/traffic.h"

void parent_note(const struct shopper *shopper, const char *payment)
{
    struct traffic *traffic = shopper->sim->traffic;
    struct parent_row *row = &traffic->parents[traffic->parent_count++ % PARENTS_MAX];

    *row = (struct parent_row){ .party = shops[shopper->shop].party };
    snprintf(row->invoice, sizeof(row->invoice), "%s", shopper->id);
    snprintf(row->payment, sizeof(row->payment), "%s", payment);
}

/* Some parent, mostly of the shopper's own party. NULL: there is none yet. */
static const struct parent_row *parent_pick(struct shopper *shopper)
{
    struct traffic *traffic = shopper->sim->traffic;
    size_t count = traffic->parent_count < PARENTS_MAX ? traffic->parent_count : PARENTS_MAX;
    const struct parent_row *row = NULL;
    int tries;

    for (tries = 0; count > 0 && tries < 4; tries++) {
        row = &traffic->parents[rng_below(&shopper->rng, count)];
        if (strcmp(row->party, shops[shopper->shop].party) == 0)
            break;
    }
    return row;
}

/* The parent's tokens as whoever makes the call reads them; where there are none, its own is stored first. False: the
 * card store is not reached. */
static bool tokens_read(const struct want *want, struct parent_payment *parent)
{
    const struct payment_state *payment = parent->payment;
    const struct payment_tool *tool = payer_tool(&payment->payment.payer);
    struct sim *sim = want->sim;
    struct card_token own;

    if (tool->tag != TOOL_BANK_CARD)
        return true;
    if (sim_fault(sim, sim->weather.not_sent, FAULT_NOT_SENT))
        return false;
    cards_tokens(sim->cards, payment->payment.party_ref.id, tool->bank_card->token, want->arena, &parent->tokens);
    deed_count(sim, DEED_CARD_GET, VERDICT_DONE);
    if (parent->tokens.count == 0 && payment->recurrent_token && payment_route(payment)) {
        own = payer_own_token(payment, parent->invoice_id, want->arena);
        cards_keep(sim->cards, &(struct card_order){ .party_id = payment->payment.party_ref.id,
                                                     .card = tool->bank_card->token, .token = &own });
    }
    return true;
}

static const void *with_parent(struct want *want, const struct runtime_result *result, int *verdict)
{
    struct invoice_call *call = arena_memdup(want->arena, &want->call, sizeof(*call));
    bool starts = call->kind == CALL_START_PAYMENT;
    const struct payer_params *payer = starts ? &call->start_payment.payer : &call->register_payment.payer_params;
    const struct recurrent_parent *named = &payer->recurrent->recurrent_parent;
    struct parent_payment *parent = arena_alloc(want->arena, sizeof(*parent));
    const struct payment_state *found = result->err ? NULL : invoice_payment(result->state, named->payment_id);
    struct payment_state *copy;

    if (!result->err)
        parent->invoice_id = named->invoice_id;
    if (found) {
        copy = arena_alloc(want->arena, sizeof(*copy));
        type_copy(&type_payment_state, copy, found, want->arena);
        parent->payment = copy;
        if (!tokens_read(want, parent)) {
            *verdict = VERDICT_NOT_DONE;
            return NULL;
        }
    }
    if (starts)
        call->start_payment.parent = parent;
    else
        call->register_payment.parent = parent;
    return call;
}

bool payer_recurrent(struct shopper *shopper, struct want *want, struct payer_params *payer)
{
    const struct parent_row *row = parent_pick(shopper);
    struct recurrent_params *params;

    if (!row)
        return false;
    params = arena_alloc(want->arena, sizeof(*params));
    params->recurrent_parent.invoice_id = arena_strdup(want->arena, row->invoice);
    params->recurrent_parent.payment_id =
        rng_below(&shopper->rng, 30) ? arena_strdup(want->arena, row->payment) : "nobody";
    params->contact_info.email = "payer@example.com";
    *payer = (struct payer_params){ .tag = PAYER_RECURRENT, .recurrent = params };
    want->first_kind = &shopper->sim->kind;
    want->first_id = params->recurrent_parent.invoice_id;
    want->prepare = with_parent;
    return true;
}

/* ---- registered payments ---- */

static struct route route_drawn(struct shopper *shopper)
{
    static const struct route routes[] = { { { 1 }, { 1 } }, { { 1 }, { 2 } }, { { 2 }, { 3 } }, { { 2 }, { 4 } } };
    struct route route = routes[rng_below(&shopper->rng, SL_COUNT(routes))];

    if (rng_below(&shopper->rng, 20) == 0)
        route.provider.id = 3; /* another's terminal: refused */
    return route;
}

void register_fill(struct shopper *shopper, struct want *want, const struct payer_params *payer)
{
    struct register_payment_call *call = &want->call.register_payment;
    struct sim *sim = shopper->sim;
    int64_t amount = shopper->amount;
    struct cash *cost = arena_alloc(want->arena, sizeof(*cost));
    const char *card = payer->tag == PAYER_PAYMENT_RESOURCE &&
                               payer->payment_resource->resource.payment_tool.tag == TOOL_BANK_CARD
                           ? payer->payment_resource->resource.payment_tool.bank_card->token
                           : NULL;

    want->deed = DEED_REGISTER;
    want->call.kind = CALL_REGISTER_PAYMENT;
    *call = (struct register_payment_call){ .id = want->what, .payer_params = *payer, .route = route_drawn(shopper) };
    call->transaction_info.id = arena_printf(want->arena, "outside.%s.%s", shopper->id, want->what);
    call->transaction_info.extra = no_items(want->arena);
    if (shopper->pattern || rng_below(&shopper->rng, 3) == 0) { /* a template may have another price */
        amount -= amount / rng_between(&shopper->rng, 2, 9);
        *cost = (struct cash){ amount, { "RUB" } };
        call->cost = cost;
    }
    call->risk_score = (int)rng_below(&shopper->rng, 3);
    if (rng_below(&shopper->rng, 2))
        call->occurred_at = sim->now_us - rng_between(&shopper->rng, 0, 172800000000);
    if (card && rng_below(&shopper->rng, 2)) {
        call->recurrent_token = arena_printf(want->arena, "rec.%s.%s", shopper->id, want->what);
        bank_token_given(sim, call->recurrent_token, card, call->route.provider.id);
    }
    bank_happened(sim, shopper->id, want->what, amount);
}

/* ---- the card store's operator ---- */

void card_post(void *arg)
{
    struct sim *sim = arg;
    struct card_token token = { .status = CARD_TOKEN_ACTIVE, .created_at = sim->now_us, .id = "posted" };
    const char *party = shops[rng_below(&sim->choices, shop_count)].party;
    char card[24], text[64];

    clock_after(sim, rng_between(&sim->choices, 500000, 4000000), 0, card_post, sim);
    if (sim_fault(sim, sim->weather.not_sent, FAULT_NOT_SENT)) {
        deed_count(sim, DEED_CARD_POST, VERDICT_NOT_DONE);
        return;
    }
    snprintf(card, sizeof(card), "card-%d", (int)rng_below(&sim->choices, CARDS));
    snprintf(text, sizeof(text), "posted.%" PRIu64, ++sim->traffic->markers);
    token.provider_ref.id = rng_between(&sim->choices, 1, 2);
    token.terminal_ref.id = token.provider_ref.id == 1 ? rng_between(&sim->choices, 1, 2) : rng_between(&sim->choices, 3, 4);
    token.token = text;
    bank_token_given(sim, text, card, token.provider_ref.id);
    cards_post(sim->cards, party, card, &token);
    deed_count(sim, DEED_CARD_POST, VERDICT_DONE);
}

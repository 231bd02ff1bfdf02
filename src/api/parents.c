/* See parents.h.
 *
 *     parent_read -> machine_known -> invoice_read -> tokens_read ---> THEN
 *                                          |               '---> own_kept ---^
 *                                          '--- not found, or no card -------'                            */
#include "api/parents.h"

#include "api/owner.h"
#include "cards/store.h"
#include "payment/kind.h"
#include "payment/payer.h"

struct reading {
    struct api_request *request;
    const struct recurrent_params *payer;
    parent_fn then;
    struct parent_payment parent;
    bool looked; /* at other parties, too */
};

static void own_kept(void *arg, uint64_t number, enum sl_err err, const char *detail)
{
    struct reading *reading = arg;

    (void)number;
    if (err)
        answer_err(reading->request, err, NULL, detail);
    else
        reading->then(reading->request, &reading->parent);
}

/* Nothing is stored for the card: the parent has not come to its end yet, or is older than the store. */
static void keep_own(struct reading *reading, const char *card)
{
    const struct payment_state *payment = reading->parent.payment;
    struct card_token token;
    struct card_order order = {
        .party_id = payment->payment.party_ref.id, .card = card, .token = &token,
        .invoice_id = reading->parent.invoice_id, .payment_id = payment->payment.id,
    };

    if (!payment->recurrent_token || !payment_route(payment)) {
        reading->then(reading->request, &reading->parent); /* it will be refused */
        return;
    }
    token = payer_own_token(payment, reading->parent.invoice_id, reading->request->arena);
    card_store_keep(api_setup(reading->request)->cards, &order, own_kept, reading);
}

static void tokens_read(void *arg, enum sl_err err, const struct type_list *tokens)
{
    struct reading *reading = arg;

    if (err) {
        answer_err(reading->request, err, NULL, "the card store cannot be read");
        return;
    }
    if (tokens->count == 0) {
        keep_own(reading, payer_tool(&reading->parent.payment->payment.payer)->bank_card->token);
        return;
    }
    type_copy(&type_card_tokens, &reading->parent.tokens, tokens, reading->request->arena);
    reading->then(reading->request, &reading->parent);
}

static void machine_known(void *arg, const char *machine);

/* The invoice of another party: whoever may see all of them is told whose it is, not that there is none. */
static void others_found(void *arg, const struct owner_found *found)
{
    struct reading *reading = arg;

    if (found->count > 0)
        machine_known(reading, found->machines[0]);
    else
        reading->then(reading->request, &reading->parent);
}

static void invoice_read(void *arg, const struct runtime_result *result)
{
    struct reading *reading = arg;
    struct api_request *request = reading->request;
    const struct payment_state *found;
    struct payment_state *copy;
    const struct payment_tool *tool;

    if (result->err && result->err != SL_ENOENT) {
        answer_err(request, result->err, NULL, result->detail);
        return;
    }
    if (result->err && !reading->looked && !request_is_merchant(request)) {
        reading->looked = true;
        owner_look(request, &invoice_kind, reading->payer->recurrent_parent.invoice_id, others_found, reading);
        return;
    }
    found = result->err ? NULL : invoice_payment(result->state, reading->payer->recurrent_parent.payment_id);
    if (!result->err)
        reading->parent.invoice_id = reading->payer->recurrent_parent.invoice_id;
    if (!found) {
        reading->then(request, &reading->parent);
        return;
    }
    copy = arena_alloc(request->arena, sizeof(*copy));
    type_copy(&type_payment_state, copy, found, request->arena);
    reading->parent.payment = copy;
    tool = payer_tool(&copy->payment.payer);
    if (tool->tag == TOOL_BANK_CARD)
        card_store_tokens(api_setup(request)->cards, copy->payment.party_ref.id, tool->bank_card->token, tokens_read,
                          reading);
    else
        reading->then(request, &reading->parent);
}

static void machine_known(void *arg, const char *machine)
{
    struct reading *reading = arg;

    runtime_read(api_setup(reading->request)->runtime, &invoice_kind, machine, 0, invoice_read, reading);
}

void parent_read(struct api_request *request, const struct recurrent_params *payer, parent_fn then)
{
    struct reading *reading = arena_alloc(request->arena, sizeof(*reading));

    *reading = (struct reading){ .request = request, .payer = payer, .then = then };
    owner_machine(request, &invoice_kind, request->party_id, payer->recurrent_parent.invoice_id, machine_known, reading);
}

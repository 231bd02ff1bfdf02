/* /v1/card-tokens, /v1/parties/{party}/customers/{id}: a look into the card store, and tokens that come from
 * elsewhere, such as from the system that was used before. Ref: doc/spec/payment.md 15. */
#include <string.h>

#include "api/request.h"
#include "cards/store.h"
#include "payment/calls.h"

#define CARD_MAX 256 /* bytes of a card's token, as in payment tools */

/* ---- tokens ---- */

struct listing {
    struct api_request *request;
    const char *party_id, *card;
    int status;
};

static void tokens_read(void *arg, enum sl_err err, const struct type_list *tokens)
{
    struct listing *listing = arg;
    struct buf json = BUF_EMPTY;

    if (err) {
        answer_err(listing->request, err, NULL, err == SL_ECORRUPT ? "what is stored for the card cannot be read" : NULL);
        return;
    }
    buf_str(&json, "{\"party_id\":");
    buf_json_str(&json, listing->party_id, strlen(listing->party_id));
    buf_str(&json, ",\"card\":");
    buf_json_str(&json, listing->card, strlen(listing->card));
    buf_str(&json, ",\"tokens\":");
    type_encode(&type_card_tokens, tokens, &json);
    buf_char(&json, '}');
    answer_json(listing->request, listing->status, &json);
}

static void list_tokens(struct api_request *request, const char *party_id, const char *card, int status)
{
    struct listing *listing = arena_alloc(request->arena, sizeof(*listing));

    *listing = (struct listing){ request, party_id, card, status };
    card_store_tokens(api_setup(request)->cards, party_id, card, tokens_read, listing);
}

void card_tokens_get(struct api_request *request)
{
    const char *party_id = request_query(request, "party_id"), *card = request_query(request, "card");

    if (!party_id || type_id.check(&party_id) || strlen(party_id) > (size_t)type_id.max)
        answer_invalid(request, "?party_id", "must be the id of a party");
    else if (!card || !*card || strlen(card) > CARD_MAX)
        answer_invalid(request, "?card", "must be a bank card's token");
    else
        list_tokens(request, party_id, card, 200);
}

static void token_kept(void *arg, uint64_t number, enum sl_err err, const char *detail)
{
    struct api_request *request = arg;
    const struct card_token_params *params = request->args;

    (void)number;
    if (err)
        answer_err(request, err, NULL, detail);
    else
        list_tokens(request, params->party_id, params->card, 201);
}

void card_tokens_post(struct api_request *request)
{
    const struct card_token_params *params = request->args;
    struct card_token token = {
        .id = params->id, .provider_ref = params->provider_ref, .terminal_ref = params->terminal_ref,
        .token = params->token, .created_at = runtime_now_us(api_setup(request)->runtime), .status = CARD_TOKEN_ACTIVE,
    };
    struct card_order order = { .party_id = params->party_id, .card = params->card, .token = &token };

    if (params->provider_ref.id < 1 || params->terminal_ref.id < 1) {
        answer_invalid(request, params->provider_ref.id < 1 ? "/provider_ref/id" : "/terminal_ref/id",
                       "must be a positive number");
        return;
    }
    if (!token.id)
        token.id = arena_printf(request->arena, "%lld.%lld", (long long)params->provider_ref.id,
                                (long long)params->terminal_ref.id);
    card_store_keep(api_setup(request)->cards, &order, token_kept, request);
}

/* ---- customers ---- */

static void customer_read(void *arg, enum sl_err err, const struct customer *customer)
{
    struct api_request *request = arg;
    const struct customer_payment *payments;
    const struct customer_card *cards;
    struct buf json = BUF_EMPTY;
    size_t i;

    if (err) {
        answer_err(request, err, "CustomerNotFound", NULL);
        return;
    }
    buf_printf(&json, "{\"party_id\":\"%s\",\"id\":\"%s\",\"payments\":[", request->params[0], request->params[1]);
    payments = customer->payments.items;
    for (i = 0; i < customer->payments.count; i++)
        buf_printf(&json, "%s{\"invoice_id\":\"%s\",\"payment_id\":\"%s\"}", i ? "," : "", payments[i].invoice_id,
                   payments[i].payment_id);
    buf_str(&json, "],\"cards\":[");
    cards = customer->cards.items;
    for (i = 0; i < customer->cards.count; i++) {
        if (i)
            buf_char(&json, ',');
        buf_json_str(&json, cards[i].card, strlen(cards[i].card));
    }
    buf_str(&json, "]}");
    answer_json(request, 200, &json);
}

void customers_get(struct api_request *request)
{
    if (request_owns(request, request->params[0], "CustomerNotFound"))
        card_store_customer(api_setup(request)->cards, request->params[0], request->params[1], customer_read, request);
}

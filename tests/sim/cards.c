/* See cards.h. */
#include "sim/cards.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

#define KEY_BYTES 256

struct cards *cards_new(struct sim *sim)
{
    struct cards *cards = xcalloc(1, sizeof(*cards));

    cards->sim = sim;
    return cards;
}

void cards_free(struct cards *cards)
{
    struct kept_card *card, *next_card;
    struct kept_link *link, *next_link;

    HASH_ITER(hh, cards->list, card, next_card) {
        HASH_DEL(cards->list, card);
        free(card);
    }
    HASH_ITER(hh, cards->links, link, next_link) {
        HASH_DEL(cards->links, link);
        free(link);
    }
    free(cards);
}

struct card_order *card_order_copy(const struct card_order *order, struct arena *arena)
{
    struct card_order *copy = arena_memdup(arena, order, sizeof(*order));
    struct card_token *token;

    copy->party_id = arena_strdup(arena, order->party_id);
    copy->card = arena_strdup(arena, order->card);
    copy->customer_id = arena_strdup(arena, order->customer_id);
    copy->invoice_id = arena_strdup(arena, order->invoice_id);
    copy->payment_id = arena_strdup(arena, order->payment_id);
    if (order->token) {
        token = arena_alloc(arena, sizeof(*token));
        type_copy(&type_card_token, token, order->token, arena);
        copy->token = token;
    }
    return copy;
}

/* ---- tokens ---- */

static struct kept_card *card_get(struct cards *cards, const char *party, const char *name)
{
    size_t size = strlen(party) + strlen(name) + 2;
    struct kept_card *card = xcalloc(1, sizeof(*card) + size), *known;

    snprintf(card->key, size, "%s/%s", party, name);
    HASH_FIND_STR(cards->list, card->key, known);
    if (known) {
        free(card);
        return known;
    }
    HASH_ADD_STR(cards->list, key, card);
    return card;
}

/* A token gives way to newer ones only. */
static void token_put(struct cards *cards, const char *party, const char *name, const struct card_token *token, bool posted)
{
    struct kept_card *card = card_get(cards, party, name);
    struct kept_token *kept;
    size_t i;

    if (sim_broken(cards->sim, BREAK_CARD_FORGETS, 50000))
        return;
    for (i = 0; i < card->count; i++) {
        kept = &card->tokens[i];
        if (kept->provider == token->provider_ref.id && kept->terminal == token->terminal_ref.id)
            break;
        if (kept->provider > token->provider_ref.id ||
            (kept->provider == token->provider_ref.id && kept->terminal > token->terminal_ref.id)) {
            memmove(kept + 1, kept, (card->count - i) * sizeof(*kept));
            memset(kept, 0, sizeof(*kept));
            card->count++;
            break;
        }
    }
    kept = &card->tokens[i];
    card->count += i == card->count;
    if (kept->created_at > token->created_at)
        return;
    *kept = (struct kept_token){ token->provider_ref.id, token->terminal_ref.id, token->created_at, "", posted };
    snprintf(kept->token, sizeof(kept->token), "%s", token->token);
}

void cards_post(struct cards *cards, const char *party, const char *card, const struct card_token *token)
{
    token_put(cards, party, card, token, true);
}

void cards_tokens(const struct cards *cards, const char *party, const char *name, struct arena *arena,
                  struct type_list *out)
{
    char key[KEY_BYTES];
    struct kept_card *card;
    struct card_token *list;
    size_t i;

    snprintf(key, sizeof(key), "%s/%s", party, name);
    HASH_FIND_STR(cards->list, key, card);
    if (card && sim_broken(cards->sim, BREAK_CARD_MIXES, 100000) && card->hh.next)
        card = card->hh.next;
    *out = (struct type_list){ NULL, 0 };
    if (!card)
        return;
    list = arena_array(arena, card->count, sizeof(*list));
    for (i = 0; i < card->count; i++)
        list[i] = (struct card_token){
            .id = arena_printf(arena, "%s-%zu", name, i), .provider_ref = { card->tokens[i].provider },
            .terminal_ref = { card->tokens[i].terminal }, .token = arena_strdup(arena, card->tokens[i].token),
            .created_at = card->tokens[i].created_at, .status = CARD_TOKEN_ACTIVE,
        };
    *out = (struct type_list){ list, card->count };
}

/* ---- customers ---- */

struct kept_link *cards_link(const struct cards *cards, const char *key)
{
    struct kept_link *link;

    HASH_FIND_STR(cards->links, key, link);
    return link;
}

static void link_add(struct cards *cards, const char *key)
{
    struct kept_link *link;

    if (cards_link(cards, key))
        return;
    link = xcalloc(1, sizeof(*link) + strlen(key) + 1);
    strcpy(link->key, key);
    HASH_ADD_STR(cards->links, key, link);
}

void cards_keep(struct cards *cards, const struct card_order *order)
{
    char key[KEY_BYTES];

    if (order->token)
        token_put(cards, order->party_id, order->card, order->token, false);
    if (!order->customer_id)
        return;
    snprintf(key, sizeof(key), "%s/%s: %s/%s", order->party_id, order->customer_id, order->invoice_id, order->payment_id);
    link_add(cards, key);
    if (!order->card)
        return;
    snprintf(key, sizeof(key), "%s/%s= %s", order->party_id, order->customer_id, order->card);
    link_add(cards, key);
}

/* The card store's contents against the histories: each token was given to a payment with that card over that route (or
 * posted), none is older than one that had to be stored, and customers have the payments that named them and came to
 * their end, with their cards, and no others. */
#include "sim/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/xmalloc.h"
#include "sim/cards.h"

struct given_token {
    UT_hash_handle hh;
    char key[]; /* "party/card provider:terminal token" */
};

static void token_given(struct checking *checking, const char *card_key, int64_t provider, int64_t terminal, const char *token)
{
    size_t size = strlen(card_key) + strlen(token) + 48;
    struct given_token *given = xcalloc(1, sizeof(*given) + size), *known;

    snprintf(given->key, size, "%s %lld:%lld %s", card_key, (long long)provider, (long long)terminal, token);
    HASH_FIND_STR(checking->tokens, given->key, known);
    if (known)
        free(given);
    else
        HASH_ADD_STR(checking->tokens, key, given);
}

/* The payment has come to its end, so its token is there, or a newer one. */
static void token_required(struct checking *checking, const char *invoice, const struct payment_state *state,
                           const char *card_key)
{
    const struct route *route = payment_route(state);
    struct kept_card *card;
    size_t i;

    HASH_FIND_STR(checking->sim->cards->list, card_key, card);
    for (i = 0; card && i < card->count; i++) {
        if (card->tokens[i].provider == route->provider.id && card->tokens[i].terminal == route->terminal.id &&
            card->tokens[i].created_at >= state->payment.created_at)
            return;
    }
    sim_violation(checking->sim, invoice, "the token of payment %s is not stored for %s", state->payment.id, card_key);
}

static void link_required(struct checking *checking, const char *invoice, const struct payment *payment, const char *key)
{
    struct kept_link *link = cards_link(checking->sim->cards, key);

    if (link)
        link->seen = true;
    else
        sim_violation(checking->sim, invoice, "payment %s of customer %s is not linked as %s", payment->id,
                      payment->customer_id, key);
}

void check_cards_payment(struct checking *checking, const char *invoice, const struct payment_state *state)
{
    const struct payment *payment = &state->payment;
    const struct payment_tool *tool = payer_tool(&payment->payer);
    const struct route *route = payment_route(state);
    bool ended = payment->status.tag == PAYMENT_CAPTURED || payment->status.tag == PAYMENT_REFUNDED ||
                 payment->status.tag == PAYMENT_CANCELLED;
    char key[256];

    if (state->recurrent_token && route && tool->tag == TOOL_BANK_CARD) {
        snprintf(key, sizeof(key), "%s/%s", payment->party_ref.id, tool->bank_card->token);
        token_given(checking, key, route->provider.id, route->terminal.id, state->recurrent_token);
        if (ended)
            token_required(checking, invoice, state, key);
    }
    if (!payment->customer_id || !ended)
        return;
    snprintf(key, sizeof(key), "%s/%s: %s/%s", payment->party_ref.id, payment->customer_id, invoice, payment->id);
    link_required(checking, invoice, payment, key);
    if (tool->tag != TOOL_BANK_CARD)
        return;
    snprintf(key, sizeof(key), "%s/%s= %s", payment->party_ref.id, payment->customer_id, tool->bank_card->token);
    link_required(checking, invoice, payment, key);
}

void check_cards(struct checking *checking)
{
    struct given_token *given, *next_given;
    struct kept_card *card, *next_card;
    struct kept_link *link, *next_link;
    char key[512];
    size_t i;

    HASH_ITER(hh, checking->sim->cards->list, card, next_card) {
        for (i = 0; i < card->count; i++) {
            const struct kept_token *kept = &card->tokens[i];

            snprintf(key, sizeof(key), "%s %lld:%lld %s", card->key, (long long)kept->provider, (long long)kept->terminal,
                     kept->token);
            HASH_FIND_STR(checking->tokens, key, given);
            if (!given && !kept->posted)
                sim_violation(checking->sim, NULL, "the card store has %s, which no payment was given", key);
        }
    }
    HASH_ITER(hh, checking->sim->cards->links, link, next_link) {
        if (!link->seen)
            sim_violation(checking->sim, NULL, "the card store links %s, which no history implies", link->key);
    }
    HASH_ITER(hh, checking->tokens, given, next_given) {
        HASH_DEL(checking->tokens, given);
        free(given);
    }
}

/* The card store in memory: what lua/card_put.lua, lua/customer_link.lua and src/cards/store.c do, for the simulator. */
#ifndef SLUICE_TESTS_SIM_CARDS_H
#define SLUICE_TESTS_SIM_CARDS_H

#include <uthash.h>

#include "payment/card_order.h"
#include "sim/sim.h"

#define KEPT_TOKENS_MAX 16 /* of one card: as many as there are terminals, and more */

struct kept_token {
    int64_t provider, terminal, created_at;
    char token[96];
    bool posted; /* by an operator, and in no history */
};

struct kept_card {
    UT_hash_handle hh;
    struct kept_token tokens[KEPT_TOKENS_MAX]; /* by route */
    size_t count;
    char key[]; /* "party/card" */
};

struct kept_link {
    UT_hash_handle hh;
    bool seen;  /* check_cards.c */
    char key[]; /* "party/customer: invoice/payment", "party/customer= card" */
};

struct cards {
    struct sim *sim;
    struct kept_card *list;
    struct kept_link *links;
};

struct cards *cards_new(struct sim *sim);
void cards_free(struct cards *cards);

struct card_order *card_order_copy(const struct card_order *order, struct arena *arena);
void cards_keep(struct cards *cards, const struct card_order *order);
void cards_post(struct cards *cards, const char *party, const char *card, const struct card_token *token);
/* Of struct card_token, by route; in ARENA. */
void cards_tokens(const struct cards *cards, const char *party, const char *card, struct arena *arena,
                  struct type_list *out);
struct kept_link *cards_link(const struct cards *cards, const char *key); /* NULL: there is none */

#endif

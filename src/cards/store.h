/* The card store: which providers gave tokens for a party's cards, and which payments and cards a customer has.
 *
 *     sluice:{T}:card:PARTY/CARD              hash  "PROVIDER:TERMINAL" -> "CREATED_US TOKEN", TOKEN as JSON
 *     sluice:{T}:customer:PARTY/ID:payments   zset  "INVOICE/PAYMENT" -> created ms
 *     sluice:{T}:customer:PARTY/ID:cards      zset  CARD -> first used ms
 *
 * T is the tag of the partition that "PARTY/CARD" or "PARTY/ID" falls in. Ids of parties hold no slash, so no two
 * names are the same. All that is written may be written again; a token gives way to newer ones only.
 *
 * Ref: doc/spec/payment.md 15; doc/redis-keys.md.                                                         */
#ifndef SLUICE_CARDS_STORE_H
#define SLUICE_CARDS_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/space.h"
#include "payment/card_order.h"
#include "redis/client.h"

#define CUSTOMER_PAYMENTS_MAX 100 /* of the newest that a look at a customer shows */
#define CUSTOMER_CARDS_MAX 100

struct card_store;

/* CLIENT and SPACE are borrowed and must outlive the store. DEADLINE_MS > 0, of each question to Redis. */
struct card_store *card_store_new(struct client *client, const struct space *space, int64_t deadline_ms);
/* After the client is gone or silent: nothing may be on its way. NULL is fine. */
void card_store_free(struct card_store *store);

/* The tokens of PARTY's CARD, by route; borrowed for the time of the callback, list of struct card_token.
 * ERR: SL_EDOWN, SL_EUNKNOWN, SL_EBUSY; SL_ECORRUPT, a stored token cannot be read. */
typedef void (*card_tokens_fn)(void *arg, enum sl_err err, const struct type_list *tokens);
void card_store_tokens(struct card_store *store, const char *party_id, const char *card, card_tokens_fn done, void *arg);

/* Stores what ORDER tells. DONE once with the number that is answered here, never from inside; DETAIL (a sentence)
 * unless SL_OK. ERR as above, and SL_EPROTO: Redis refused it. ORDER need not outlive the call. */
typedef void (*card_done_fn)(void *arg, uint64_t number, enum sl_err err, const char *detail);
uint64_t card_store_keep(struct card_store *store, const struct card_order *order, card_done_fn done, void *arg);
/* DONE is not called any more for NUMBER; what was sent may be stored all the same. */
void card_store_cancel(struct card_store *store, uint64_t number);

/* A customer of PARTY: its newest payments first, and its cards. Nobody has to make a customer: one without payments
 * is as good as none (SL_ENOENT). Errors as above. */
struct customer_payment {
    const char *invoice_id, *payment_id;
};
struct customer_card {
    const char *card;
};
struct customer {
    struct type_list payments; /* of struct customer_payment */
    struct type_list cards;    /* of struct customer_card */
};
typedef void (*customer_fn)(void *arg, enum sl_err err, const struct customer *customer);
void card_store_customer(struct card_store *store, const char *party_id, const char *customer_id, customer_fn done,
                         void *arg);

#endif

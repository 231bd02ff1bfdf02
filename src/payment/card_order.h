/* What a payment leaves behind in the card store when it is captured or cancelled: the token that its provider
 * gave, and its links to a customer. Ref: doc/spec/payment.md 15.                                        */
#ifndef SLUICE_PAYMENT_CARD_ORDER_H
#define SLUICE_PAYMENT_CARD_ORDER_H

#include "payment/emit.h"

/* The args of an effect of kind FX_CARDS; it may be performed any number of times. It has no value. */
struct card_order {
    const char *party_id;
    const char *card;               /* token of the bank card; NULL: paid with something else */
    const struct card_token *token; /* to be kept for the card, on its route; NULL: none */
    const char *customer_id;        /* NULL: none */
    const char *invoice_id, *payment_id;
    int64_t created_at;             /* us; of the payment */
};

/* Whether the payment's step may go on: what it leaves behind is stored, or there is nothing. False: the effect has
 * been ordered, or the step is to be retried or has failed. */
bool cards_are_kept(struct step_ctx *ctx);

#endif

/* Folding an invoice. Ref: doc/spec/invoice.md 10. */
#include <assert.h>
#include <string.h>

#include "payment/state.h"

static struct payment_state *payment_add(struct invoice_state *state, const char *id, struct arena *arena)
{
    size_t count = state->payments.count;
    struct payment_state *payments = arena_array(arena, count + 1, sizeof(*payments));

    if (count)
        memcpy(payments, state->payments.items, count * sizeof(*payments));
    payments[count].activity = ACT_NEW;
    payments[count].payment.id = id;
    state->payments = (struct type_list){ payments, count + 1 };
    return &payments[count];
}

/* Whose turn it is: the payment just changed, if it has something to do, else the first that has. */
static void active_set(struct invoice_state *state, const struct payment_state *changed)
{
    const struct payment_state *payments = state->payments.items;
    size_t i;

    state->active = NULL;
    if (changed->activity != ACT_IDLE) {
        state->active = changed->payment.id;
        return;
    }
    for (i = 0; i < state->payments.count && !state->active; i++) {
        if (payments[i].activity != ACT_IDLE)
            state->active = payments[i].payment.id;
    }
}

static const char *fold_payment(struct invoice_state *state, const struct invoice_payment_change *change, bool strict,
                                struct arena *arena)
{
    struct payment_state *payment = invoice_payment(state, change->id);
    const char *why;

    if (!payment && change->payload.tag != PCHG_STARTED)
        return arena_printf(arena, "there is no payment %s", change->id);
    if (!payment)
        payment = payment_add(state, change->id, arena);
    why = payment_fold(payment, &change->payload, strict, arena);
    if (!why)
        active_set(state, payment);
    return why;
}

const char *invoice_fold(void *state_in, const void *change_in, int64_t now_us, bool strict, struct arena *arena)
{
    struct invoice_state *state = state_in;
    const struct invoice_change *change = change_in;

    (void)now_us;
    switch (change->tag) {
    case ICHG_CREATED:
        if (strict && state->invoice.id)
            return "the invoice has been created already";
        state->format = STATE_FORMAT;
        state->invoice = change->invoice_created->invoice;
        return NULL;
    case ICHG_STATUS_CHANGED:
        if (strict && !state->invoice.id)
            return "there is no invoice";
        state->invoice.status = change->invoice_status_changed->status;
        return NULL;
    case ICHG_PAYMENT_CHANGE:
        if (strict && !state->invoice.id)
            return "there is no invoice";
        return fold_payment(state, change->invoice_payment_change, strict, arena);
    default: return "an unknown change";
    }
}

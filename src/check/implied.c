/* See implied.h.
 *
 *     payment   no cash flow, failed, cancelled       nothing
 *               pending, processed                    its plan is held
 *               captured and what comes after         its plan is committed
 *     refund    pending: held; succeeded: committed; failed: nothing                                       */
#include "check/implied.h"

#include <stdlib.h>

#include "base/xmalloc.h"
#include "payment/plan.h"

static void account_add(struct implied_account **accounts, const struct ledger_delta *delta)
{
    struct implied_account *account;

    HASH_FIND(hh, *accounts, &delta->account_id, sizeof(delta->account_id), account);
    if (!account) {
        account = xcalloc(1, sizeof(*account));
        account->account_id = delta->account_id;
        HASH_ADD(hh, *accounts, account_id, sizeof(account->account_id), account);
    }
    account->balance.own += delta->own;
    account->balance.min += delta->min;
    account->balance.max += delta->max;
}

static const char *plan_add(struct implied_account **accounts, const struct plan *plan, bool committed,
                            struct arena *arena)
{
    static const enum ledger_act acts[] = { LEDGER_HOLD, LEDGER_COMMIT };
    struct type_list deltas;
    const char *why = NULL;
    size_t act, i;

    for (act = 0; act < (committed ? 2u : 1u); act++) {
        if (ledger_apply(acts[act], plan->batches, plan->count, 0, arena, &deltas, &why))
            return why;
        for (i = 0; i < deltas.count; i++)
            account_add(accounts, (const struct ledger_delta *)deltas.items + i);
    }
    return NULL;
}

static bool is_committed(const struct payment_state *payment)
{
    int status = payment->payment.status.tag;

    return status == PAYMENT_CAPTURED || status == PAYMENT_REFUNDED || status == PAYMENT_CHARGED_BACK;
}

/* Of one that is neither over nor failed. */
static bool is_held(const struct payment_state *payment)
{
    int status = payment->payment.status.tag, activity = payment->activity;

    if (!payment->cash_flow.items || status == PAYMENT_FAILED || status == PAYMENT_CANCELLED)
        return false;
    if (payment->payment.registration_origin.tag == ORIGIN_PROVIDER && activity != ACT_FINALIZING_SESSION &&
        activity != ACT_FINALIZING_ACCOUNTER)
        return false; /* held by the step that begins its capture */
    return !(payment->new_cash_provided && payment->new_cash); /* rolled back until the new flow is built */
}

static const char *refund_add(struct implied_account **accounts, const struct refund_state *refund, struct arena *arena)
{
    struct plan plan = plan_first(&refund->cash_flow);
    int status = refund->refund.status.tag;

    if (status == REFUND_FAILED || !refund->cash_flow.items)
        return NULL;
    return plan_add(accounts, &plan, status == REFUND_SUCCEEDED, arena);
}

const char *implied_add(struct implied_account **accounts, const struct invoice_state *state, struct arena *arena)
{
    const struct payment_state *payments = state->payments.items;
    const char *why = NULL;
    size_t i, j;

    for (i = 0; i < state->payments.count && !why; i++) {
        const struct payment_state *payment = &payments[i];
        const struct refund_state *refunds = payment->refunds.items;
        struct plan plan = plan_held(payment, arena);

        if (is_committed(payment) || is_held(payment))
            why = plan_add(accounts, &plan, is_committed(payment), arena);
        for (j = 0; j < payment->refunds.count && !why; j++)
            why = refund_add(accounts, &refunds[j], arena);
    }
    return why;
}

void implied_clear(struct implied_account **accounts)
{
    struct implied_account *account, *next;

    HASH_ITER(hh, *accounts, account, next) {
        HASH_DEL(*accounts, account);
        free(account);
    }
}

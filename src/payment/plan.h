/* A payment's posting plan: what it holds in the ledger and for how long.
 *
 * The plan itself is the payment's history (its final cash flows); the balances are counters of the
 * partition that move in the same commit. Plan ids name what belongs together for people and for
 * reports: <invoice>.<payment>.<iter>.
 *
 *     cash_flow_building   hold  1: F
 *     cost changed         rollback, then as a new plan: hold  1: F, 2: reverse F, 3: N
 *     partial capture      hold  2: reverse F, 3: P; after a changed cost  4: reverse N, 5: P
 *     finalizing, failure  commit or roll back all batches
 *
 * Ref: doc/spec/payment.md 8.12, 10; doc/spec/cashflow.md 5; doc/spec/accounting.md 5, 6.          */
#ifndef SLUICE_PAYMENT_PLAN_H
#define SLUICE_PAYMENT_PLAN_H

#include "money/ledger.h"
#include "payment/emit.h"

#define PLAN_BATCHES_MAX 5

struct plan {
    struct type_list batches[PLAN_BATCHES_MAX]; /* cash flows, in order */
    size_t count;
};

/* The plan of the payment as its events tell it: what is held until it is committed or rolled back. */
struct plan plan_of(const struct payment_state *payment, struct arena *arena);
/* The same without what the step to come will hold: what is held or committed now. */
struct plan plan_held(const struct payment_state *payment, struct arena *arena);
/* With one flow; and with a flow that replaces FLOW. */
struct plan plan_first(const struct type_list *flow);
struct plan plan_replaced(const struct type_list *flow, const struct type_list *by, struct arena *arena);
/* PLAN with its last flow replaced by BY: two more batches. */
struct plan plan_extended(const struct plan *plan, const struct type_list *by, struct arena *arena);

/* Adds what ACT does to the balances to the step's tallies. HELD: batches that are held already (LEDGER_HOLD).
 * An impossible plan turns the step into STEP_FAIL. True: go on. */
bool plan_apply(struct step_ctx *ctx, enum ledger_act act, const struct plan *plan, size_t held);

#endif

/* The ledger's arithmetic: what a posting plan does to the balances of accounts.
 *
 * A plan holds batches of postings, then is committed or rolled back. Its machine keeps the plan; the
 * balances are counters of the partition, moved in the same commit as the events that say why:
 *
 *   own  sum of the net of committed plans
 *   min  own + sum over held plans of the smaller of 0 and net
 *   max  own + sum over held plans of the larger of 0 and net
 *
 * Ref: doc/spec/accounting.md 3, 5; doc/spec/cashflow.md 5.                                        */
#ifndef SLUICE_MONEY_LEDGER_H
#define SLUICE_MONEY_LEDGER_H

#include "money/cashflow.h"

/* What an account has, or a partition's share of it. */
struct balance {
    int64_t own, min, max;
};

enum ledger_act { LEDGER_HOLD, LEDGER_COMMIT, LEDGER_ROLLBACK };

/* By how much the balances of one account move. */
struct ledger_delta {
    int64_t account_id;
    const char *currency;
    int64_t own, min, max;
};

#define LEDGER_ACCOUNTS_MAX 128 /* touched by one plan */

/* The deltas of ACT on a plan. HOLD: BATCHES (array of BATCH_COUNT cash flows) are all of the plan with the new ones,
 * of which the first HELD_COUNT were held before. COMMIT, ROLLBACK: all are held (HELD_COUNT is ignored).
 * *OUT (list of struct ledger_delta, in ARENA) has no row that is all zero; its owns sum to zero.
 * Errors: SL_EINVAL with *WHY: accounting.md 3 rows 1, 3, 6, 12 (no postings, same account at both ends,
 *         negative amount, two currencies on one account), or a sum out of range.                    */
SL_MUST_USE enum sl_err ledger_apply(enum ledger_act act, const struct type_list *batches, size_t batch_count,
                                     size_t held_count, struct arena *arena, struct type_list *out, const char **why);

/* The names of plans (accounting.md 6); in ARENA. ITER: attempts so far, times 1000 after a changed cost. STAGE:
 * "chargeback", "pre_arbitration" or "arbitration". */
const char *plan_id_payment(struct arena *arena, const char *invoice_id, const char *payment_id, int64_t iter);
const char *plan_id_refund(struct arena *arena, const char *invoice_id, const char *payment_id, const char *refund_id);
const char *plan_id_adjustment(struct arena *arena, const char *invoice_id, const char *payment_id,
                               const char *adjustment_id);
const char *plan_id_chargeback(struct arena *arena, const char *invoice_id, const char *payment_id,
                               const char *chargeback_id, const char *stage);

#endif

/* What became of a payment, in few flat words: what callers ask first, so that nobody has to fold events for it.
 * Pure. Ref: doc/http-api.md, What became of it. */
#ifndef SLUICE_PAYMENT_OUTCOME_H
#define SLUICE_PAYMENT_OUTCOME_H

#include "engine/store.h"
#include "payment/state.h"

/* How the machine is, for an answer. */
struct outcome_machine {
    const struct machine_info *info; /* NULL: not known */
    bool shows_reason;               /* to operators; merchants learn the cause alone */
};

/* Nothing more will happen by itself soon: it is done, or it waits for its payer, its merchant, or a callback. */
bool outcome_is_settled(const struct payment_state *payment);
/* Minor units of the effective cost's currency: 0 unless it is captured, or was. */
int64_t outcome_captured(const struct payment_state *payment);
int64_t outcome_refunded(const struct payment_state *payment); /* by refunds that succeeded */
/* What its payer has to do now; NULL: nothing. */
const struct user_interaction *outcome_interaction(const struct payment_state *payment);
/* When it is tried again, milliseconds since 1970: a step that failed, or a session that its provider turned away
 * for a moment; 0: neither, or nobody knows. */
int64_t outcome_next_try_ms(const struct payment_state *payment, const struct machine_info *info);

/* Append members, each with a comma in front: status, failure, amount_captured, amount_refunded, next_action,
 * next_try_at, and, while the machine works on PAYMENT, machine. */
void outcome_payment_write(const struct payment_state *payment, const struct outcome_machine *machine, struct buf *out);
/* The last three of them. */
void outcome_pending_write(const struct payment_state *payment, const struct outcome_machine *machine, struct buf *out);
/* status and failure of REFUND. */
void outcome_refund_write(const struct refund_state *refund, struct buf *out);
/* `machine`: nothing if it is not known. */
void outcome_machine_write(const struct outcome_machine *machine, struct buf *out);
/* `failure`: {code: "code:sub:sub" or "operation_timeout", reason?}. */
void outcome_failure_write(const struct operation_failure *failure, struct buf *out);

#endif

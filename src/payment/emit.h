/* Writing what a payment's step decided: changes in the arena, around the payment they are of.
 * Ref: doc/spec/payment.md 4, 7. */
#ifndef SLUICE_PAYMENT_EMIT_H
#define SLUICE_PAYMENT_EMIT_H

#include "engine/machine.h"
#include "payment/state.h"

/* One step of one payment. */
struct step_ctx {
    const struct step_in *in;
    struct step_out *out;
    const struct invoice_state *invoice;
    const struct payment_state *payment;
    const struct refund_state *refund; /* the one that the step is about; NULL: the payment itself */
};

/* Appends CHANGE (copied; what it points to must be in the arena or the state) of the payment. */
void emit_change(struct step_ctx *ctx, const struct payment_change *change);
/* The same for a change of CTX's refund. */
void emit_refund(struct step_ctx *ctx, const struct refund_change *change);
/* The same for a change of the session of TARGET's type: the refund's, if the step is about one. */
void emit_session(struct step_ctx *ctx, const struct target *target, const struct session_change *change);
void emit_session_started(struct step_ctx *ctx, const struct target *target);
void emit_cash_flow(struct step_ctx *ctx, const struct type_list *flow);
/* Of the refund, if the step is about one. */
void emit_rollback(struct step_ctx *ctx, const struct operation_failure *reason);

/* The refund's end. */
void emit_refund_status(struct step_ctx *ctx, const struct refund_status *status);

/* The status change that ends a stage, and what follows from it for the invoice: paid in the same event
 * when captured; its due timer again when failed or cancelled. */
void emit_status(struct step_ctx *ctx, const struct payment_status *status);
void emit_failed(struct step_ctx *ctx, const struct operation_failure *failure);

/* Milliseconds of a moment in microseconds, rounded up so that no timer fires early; at least 1. */
int64_t moment_ms(int64_t us);

#endif

/* The money is back with the payer: the refund's limits and plan are committed. When nothing remains of the payment, the
 * payment is refunded. Ref: doc/spec/refunds.md 5. */
#include "payment/limits.h"
#include "payment/plan.h"
#include "payment/steps/step.h"

void step_refund_accounter(struct step_ctx *ctx)
{
    const struct cash remaining = payment_remaining(ctx->payment); /* this refund not counted yet */
    struct plan plan = plan_first(&ctx->refund->cash_flow);

    if (!limits_run_refund(ctx, LIMIT_COMMIT) || !plan_apply(ctx, LEDGER_COMMIT, &plan, 0))
        return;
    emit_refund_status(ctx, &(struct refund_status){ .tag = REFUND_SUCCEEDED });
    if (remaining.amount == ctx->refund->refund.cash.amount)
        emit_status(ctx, &(struct payment_status){ .tag = PAYMENT_REFUNDED });
}

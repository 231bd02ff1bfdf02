/* The provider declined, or the deadline passed: the plan is rolled back and the payment fails. Another
 * route is not tried yet. Ref: doc/spec/payment.md 8.14. */
#include "payment/plan.h"
#include "payment/steps/step.h"

void step_processing_failure(struct step_ctx *ctx)
{
    struct plan plan = plan_of(ctx->payment, ctx->in->arena);

    if (plan_apply(ctx, LEDGER_ROLLBACK, &plan, 0))
        emit_failed(ctx, ctx->payment->failure);
}

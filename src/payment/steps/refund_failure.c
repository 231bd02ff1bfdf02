/* The refund is not to be: what it held is released. The payment stays as it was, and another refund may be tried.
 * Ref: doc/spec/refunds.md 5, 6. */
#include "payment/limits.h"
#include "payment/plan.h"
#include "payment/steps/step.h"

void step_refund_failure(struct step_ctx *ctx)
{
    const struct refund_state *refund = ctx->refund;
    struct plan plan = plan_first(&refund->cash_flow);
    const struct operation_failure *reason =
        refund->failure ? refund->failure : &refund_session(refund)->result.failed->failure;

    if (limits_run_refund(ctx, LIMIT_ROLLBACK) && plan_apply(ctx, LEDGER_ROLLBACK, &plan, 0))
        emit_refund_status(ctx, &(struct refund_status){ .tag = REFUND_FAILED, .failed = { .failure = *reason } });
}

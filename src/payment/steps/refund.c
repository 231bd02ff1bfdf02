/* What a refund does next: its stage follows from its history. Ref: doc/spec/refunds.md 5. */
#include "payment/steps/step.h"

void step_refund(struct step_ctx *ctx)
{
    static void (*const stages[])(struct step_ctx *ctx) = {
        [REFUND_NEW] = step_refund_new,
        [REFUND_SESSION] = step_refund_session,
        [REFUND_ACCOUNTER] = step_refund_accounter,
        [REFUND_FAILURE] = step_refund_failure,
        [REFUND_FINISHED] = NULL,
    };
    enum refund_stage stage = ctx->refund ? refund_stage(ctx->refund) : REFUND_FINISHED;

    if (stages[stage])
        stages[stage](ctx);
    else
        step_fail(ctx->in, ctx->out, "there is no refund under way");
}

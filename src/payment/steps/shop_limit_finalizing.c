/* The shop's turnover counts the payment from here on, whatever becomes of it. Limits are not kept yet, so
 * there is nothing to commit. Ref: doc/spec/payment.md 8.2. */
#include "payment/steps/step.h"

void step_shop_limit_finalizing(struct step_ctx *ctx)
{
    emit_change(ctx, &(struct payment_change){ .tag = PCHG_SHOP_LIMIT_APPLIED });
    step_continue(ctx->in, ctx->out);
}

/* Before all else the shop's own turnover limits are held for the payment. Limits are not kept yet: a shop
 * with turnover_limits passes like one without. Ref: doc/spec/payment.md 8.1. */
#include "payment/steps/step.h"

void step_shop_limit_initializing(struct step_ctx *ctx)
{
    emit_change(ctx, &(struct payment_change){ .tag = PCHG_SHOP_LIMIT_INITIATED });
    step_continue(ctx->in, ctx->out);
}

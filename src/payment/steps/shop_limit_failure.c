/* The shop's turnover is exhausted: the payment fails. Ref: doc/spec/payment.md 8.3. */
#include "payment/steps/step.h"

void step_shop_limit_failure(struct step_ctx *ctx)
{
    emit_failed(ctx, ctx->payment->failure);
}

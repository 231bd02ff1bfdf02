/* The shop's turnover is exhausted: what was held of it goes back, and the payment fails.
 * Ref: doc/spec/payment.md 8.3; doc/spec/limits.md 6. */
#include "payment/limits.h"
#include "payment/steps/step.h"

void step_shop_limit_failure(struct step_ctx *ctx)
{
    struct limits_ask ask = { 0 };

    if (limits_ask_shop(ctx, LIMIT_ROLLBACK, true, &ask, NULL) && limits_run(ctx, &ask))
        emit_failed(ctx, ctx->payment->failure);
}

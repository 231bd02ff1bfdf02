/* The shop's turnover counts the payment from here on, whatever becomes of it: it counts what was attempted.
 * Ref: doc/spec/payment.md 8.2; doc/spec/limits.md 6. */
#include "payment/limits.h"
#include "payment/steps/step.h"

void step_shop_limit_finalizing(struct step_ctx *ctx)
{
    struct limits_ask ask = { 0 };

    if (!limits_ask_shop(ctx, LIMIT_COMMIT, false, &ask, NULL) || !limits_run(ctx, &ask))
        return;
    emit_change(ctx, &(struct payment_change){ .tag = PCHG_SHOP_LIMIT_APPLIED });
    step_continue(ctx->in, ctx->out);
}

/* The shop's turnover counts the payment from here on, whatever becomes of it: it counts what was attempted. What is
 * held counts as much as what is committed, so the counters are told later, together with something else that they are
 * asked (limits_ask_shop_commit). Ref: doc/spec/payment.md 8.2; doc/spec/limits.md 6. */
#include "payment/steps/step.h"

void step_shop_limit_finalizing(struct step_ctx *ctx)
{
    emit_change(ctx, &(struct payment_change){ .tag = PCHG_SHOP_LIMIT_APPLIED });
    step_continue(ctx->in, ctx->out);
}

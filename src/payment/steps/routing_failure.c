/* No route would do: nothing was held but limits, and those are not kept yet. The payment fails.
 * Ref: doc/spec/payment.md 8.13. */
#include "payment/steps/step.h"

void step_routing_failure(struct step_ctx *ctx)
{
    emit_failed(ctx, ctx->payment->failure);
}

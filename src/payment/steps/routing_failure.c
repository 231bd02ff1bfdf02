/* No route would do: what was held of the candidates' limits goes back, and the payment fails. Candidates that
 * never got a hold are the reason for the tolerance. Ref: doc/spec/payment.md 8.13; doc/spec/limits.md 7. */
#include "payment/limits.h"
#include "payment/steps/step.h"

void step_routing_failure(struct step_ctx *ctx)
{
    const struct limits_route_task task = {
        .verb = LIMIT_ROLLBACK, .iter = payment_iter(ctx->payment), .tolerant = true,
    };
    const struct route *candidates = ctx->payment->candidates.items;
    struct limits_ask ask = { 0 };
    size_t i;

    for (i = 0; i < ctx->payment->candidates.count; i++) {
        if (!limits_ask_route(ctx, &candidates[i], &task, &ask, NULL, NULL))
            return;
    }
    if (limits_run(ctx, &ask))
        emit_failed(ctx, ctx->payment->failure);
}

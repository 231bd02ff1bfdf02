/* What merchant and provider owe each other for the payment over its route, held in the ledger as the first
 * batch of the payment's plan. The candidates that were not chosen get their limits back.
 * Ref: doc/spec/payment.md 8.6; doc/spec/cashflow.md 5; doc/spec/limits.md 7. */
#include "payment/flow.h"
#include "payment/limits.h"
#include "payment/plan.h"
#include "payment/steps/step.h"

/* False: ordered, or the step has failed. */
static bool release_others(struct step_ctx *ctx)
{
    const struct limits_route_task task = {
        .verb = LIMIT_ROLLBACK, .iter = payment_iter(ctx->payment), .tolerant = true,
    };
    const struct route *candidates = ctx->payment->candidates.items, *chosen = payment_route(ctx->payment);
    struct limits_ask ask = { 0 };
    size_t i;

    for (i = 0; i < ctx->payment->candidates.count; i++) {
        if (!route_equal(&candidates[i], chosen) &&
            !limits_ask_route(ctx, &candidates[i], &task, &ask, NULL, NULL))
            return false;
    }
    return limits_run(ctx, &ask);
}

void step_cash_flow_building(struct step_ctx *ctx)
{
    struct type_list flow = { NULL, 0 };
    struct plan plan;

    if (!flow_build(ctx, payment_state_cost(ctx->payment), &flow) || !release_others(ctx))
        return;
    plan = plan_first(&flow);
    if (!plan_apply(ctx, LEDGER_HOLD, &plan, 0))
        return;
    emit_cash_flow(ctx, &flow);
    step_continue(ctx->in, ctx->out);
}

/* What merchant and provider owe each other for the payment over its route, held in the ledger as the first
 * batch of the payment's plan. Ref: doc/spec/payment.md 8.6; doc/spec/cashflow.md 5. */
#include "payment/flow.h"
#include "payment/plan.h"
#include "payment/steps/step.h"

void step_cash_flow_building(struct step_ctx *ctx)
{
    struct type_list flow = { NULL, 0 };
    struct plan plan;

    if (!flow_build(ctx, payment_state_cost(ctx->payment), &flow))
        return;
    plan = plan_first(&flow);
    if (!plan_apply(ctx, LEDGER_HOLD, &plan, 0))
        return;
    emit_cash_flow(ctx, &flow);
    step_continue(ctx->in, ctx->out);
}

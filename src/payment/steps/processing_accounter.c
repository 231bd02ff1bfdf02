/* The money is authorised. If the provider changed the cost, the cash flow is built and held anew, under the
 * payment's next plan; then the payment counts as processed. Ref: doc/spec/payment.md 8.8, 10. */
#include "payment/flow.h"
#include "payment/plan.h"
#include "payment/steps/step.h"

static void rebuild(struct step_ctx *ctx)
{
    struct type_list flow = { NULL, 0 };
    struct plan plan;

    if (!flow_build(ctx, ctx->payment->new_cash, &flow))
        return;
    plan = plan_replaced(&ctx->payment->cash_flow, &flow, ctx->in->arena);
    if (!plan_apply(ctx, LEDGER_HOLD, &plan, 0))
        return;
    emit_cash_flow(ctx, &flow);
    step_continue(ctx->in, ctx->out);
}

void step_processing_accounter(struct step_ctx *ctx)
{
    const struct payment_flow *flow = &ctx->payment->payment.flow;

    if (ctx->payment->new_cash) {
        rebuild(ctx);
        return;
    }
    emit_status(ctx, &(struct payment_status){ .tag = PAYMENT_PROCESSED });
    if (flow->tag == FLOW_HOLD)
        step_timer_ms(ctx->out, moment_ms(flow->hold.held_until));
    else
        step_continue(ctx->in, ctx->out);
}

/* The money is authorised. If the provider changed the cost, the cash flow is built and held anew, under the
 * payment's next plan, and so is the turnover of its route; then the payment counts as processed. The turnover
 * is not compared with its boundaries any more: the money is there. Ref: doc/spec/payment.md 8.8, 10. */
#include "payment/flow.h"
#include "payment/limits.h"
#include "payment/plan.h"
#include "payment/steps/step.h"

/* What was held at the old cost goes back, and the new cost is held. Nothing can be held for a cost of nothing: the
 * old one is, until its end takes it away. False: ordered, or the step has failed. */
static bool hold_anew(struct step_ctx *ctx)
{
    const struct cash *before = &ctx->payment->payment.cost, *cost = ctx->payment->new_cash;
    const struct limits_route_task old = {
        .verb = LIMIT_ROLLBACK, .iter = (int64_t)ctx->payment->routes.count, .cost = before,
    };
    const struct limits_route_task anew = {
        .verb = LIMIT_HOLD, .iter = payment_iter(ctx->payment), .body = cost->amount ? cost : before,
    };
    const struct route *route = payment_route(ctx->payment);
    struct turnover_fault fault; /* a limit that cannot count the new cost does not stop it */
    struct limits_ask ask = { 0 };

    return limits_ask_route(ctx, route, &old, &ask, NULL, NULL) &&
           limits_ask_route(ctx, route, &anew, &ask, NULL, &fault) && limits_run(ctx, &ask);
}

static void rebuild(struct step_ctx *ctx)
{
    struct type_list flow = { NULL, 0 };
    struct plan plan;

    if (!flow_build(ctx, ctx->payment->new_cash, &flow) || !hold_anew(ctx))
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

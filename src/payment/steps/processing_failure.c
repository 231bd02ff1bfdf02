/* The provider declined, or the deadline passed: limits and plan are rolled back. Then another route is tried, if
 * the failure and the terms allow it; else the payment fails. Ref: doc/spec/payment.md 8.14, 11. */
#include "payment/plan.h"
#include "payment/route.h"
#include "payment/steps/step.h"

/* The failed attempt's limits; they were held, so that one that is not there is a fault. An attempt that ended before
 * its session began has not given back those of the other candidates, nor perhaps one whose session was ended by hand
 * before anything was heard of it. */
static bool release(struct step_ctx *ctx, struct limits_ask *ask)
{
    const struct session *session = payment_session(ctx->payment, TARGET_PROCESSED);
    const struct limits_route_task task = {
        .verb = LIMIT_ROLLBACK,
        .iter = payment_iter(ctx->payment),
        .session = session && session->status == SESSION_FINISHED,
    };
    const struct route *route = payment_route(ctx->payment);

    return (!route || limits_ask_route(ctx, route, &task, ask, NULL, NULL)) &&
           ((session && session->changes > 1) || limits_ask_unused(ctx, ask));
}

void step_processing_failure(struct step_ctx *ctx)
{
    struct plan plan = plan_of(ctx->payment, ctx->in->arena);
    struct limits_ask ask = { 0 };

    if (!release(ctx, &ask))
        return;
    if (cascade_allowed(ctx)) {
        if (!route_run(ctx, &ask))
            return;
    } else {
        if (!limits_run(ctx, &ask))
            return;
        emit_failed(ctx, ctx->payment->failure);
    }
    (void)plan_apply(ctx, LEDGER_ROLLBACK, &plan, 0); /* an impossible plan fails the step */
}

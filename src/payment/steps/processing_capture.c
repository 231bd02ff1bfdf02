/* A registered payment, whose provider has captured it already: what the others hold before they ask their
 * provider is held now, and the captured session is over as soon as it begins. Merchants' payments pass through
 * this activity inside one commit. Ref: doc/spec/payment.md 8.10, 14; doc/spec/limits.md 7. */
#include "payment/limits.h"
#include "payment/plan.h"
#include "payment/steps/step.h"

/* The money has moved, so nothing asks whether the route's turnover allows it; it is counted all the same.
 * False: ordered, or the step has failed. */
static bool hold(struct step_ctx *ctx)
{
    const struct limits_route_task task = { .verb = LIMIT_HOLD, .iter = payment_iter(ctx->payment) };
    struct plan plan = plan_first(&ctx->payment->cash_flow);
    struct limits_ask ask = { 0 };

    return limits_ask_route(ctx, payment_route(ctx->payment), &task, &ask, NULL, NULL) && limits_run(ctx, &ask) &&
           plan_apply(ctx, LEDGER_HOLD, &plan, 0);
}

void step_processing_capture(struct step_ctx *ctx)
{
    const struct capture_data *data = ctx->payment->capture_data;
    struct target target = { .tag = TARGET_CAPTURED };

    if (ctx->payment->payment.registration_origin.tag != ORIGIN_PROVIDER || !data) {
        step_fail(ctx->in, ctx->out, "a capture is under way that nobody registered");
        return;
    }
    if (!hold(ctx))
        return;
    target.captured = (struct captured){ .reason = data->reason, .cost = data->cash };
    emit_session_started(ctx, &target);
    emit_session(ctx, &target, &(struct session_change){
        .tag = SCHG_FINISHED, .session_finished = { .result = { .tag = SESSION_SUCCEEDED } },
    });
    step_continue(ctx->in, ctx->out);
}

/* A registered payment, whose provider has captured it already: what the others hold before they ask their
 * provider is held now, and the captured session is over as soon as it begins. Merchants' payments pass through
 * this activity inside one commit. Ref: doc/spec/payment.md 8.10, 14. */
#include "payment/plan.h"
#include "payment/steps/step.h"

/* The money has moved, so nothing asks whether the route's turnover allows it; turnover is not counted yet. */
static void hold(struct step_ctx *ctx)
{
    struct plan plan = plan_first(&ctx->payment->cash_flow);

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
    hold(ctx);
    if (ctx->out->end != STEP_OK)
        return;
    target.captured = (struct captured){ .reason = data->reason, .cost = data->cash };
    emit_session_started(ctx, &target);
    emit_session(ctx, &target, &(struct session_change){
        .tag = SCHG_FINISHED, .session_finished = { .result = { .tag = SESSION_SUCCEEDED } },
    });
    step_continue(ctx->in, ctx->out);
}

/* A partial capture: the plan is extended so that it comes to the captured amount, then the capture begins.
 * Ref: doc/spec/payment.md 8.11. */
#include "payment/plan.h"
#include "payment/steps/step.h"

void step_updating_accounter(struct step_ctx *ctx)
{
    const struct payment_state *payment = ctx->payment;
    const struct capture_data *data = payment->capture_data;
    struct plan plan = plan_of(payment, ctx->in->arena); /* its last two batches are new */
    struct target target = { .tag = TARGET_CAPTURED };

    if (!data) {
        step_fail(ctx->in, ctx->out, "a capture is under way without its data");
        return;
    }
    if (!plan_apply(ctx, LEDGER_HOLD, &plan, plan.count - 2))
        return;
    target.captured = (struct captured){ data->reason, data->cash, data->cart, data->allocation };
    emit_session_started(ctx, &target);
    step_continue(ctx->in, ctx->out);
}

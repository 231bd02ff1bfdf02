/* The session that gets the money authorised. Its start is an event of its own, committed before the adapter
 * hears of the payment; a payment whose deadline has passed by then is not begun on this route.
 * Ref: doc/spec/payment.md 8.7; doc/spec/session.md 9. */
#include "payment/session.h"
#include "payment/steps/step.h"

static void session_begin(struct step_ctx *ctx)
{
    const struct target target = { .tag = TARGET_PROCESSED };
    int64_t deadline = ctx->payment->payment.processing_deadline;
    struct operation_failure failure;

    if (deadline && deadline <= ctx->in->now_us) {
        failure = failure_make(ctx->in->arena, "authorization_failed:processing_deadline_reached", NULL);
        emit_rollback(ctx, &failure);
    } else {
        emit_session_started(ctx, &target);
    }
    step_continue(ctx->in, ctx->out);
}

void step_processing_session(struct step_ctx *ctx)
{
    const struct session *session = payment_session(ctx->payment, TARGET_PROCESSED);
    const struct effect_result *result = step_effect_result(ctx);

    if (!session)
        session_begin(ctx);
    else if (result)
        session_answer(ctx, session, result);
    else
        session_run(ctx, session);
}

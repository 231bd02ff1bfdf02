/* The session that gets the money authorised. Its start is committed before the adapter hears of the payment; a
 * payment whose deadline has passed by then is not begun on this route. Between the two the candidates that were not
 * chosen get their limits back: once the choice is stored, and before a slow adapter could keep them from others.
 * Ref: doc/spec/payment.md 8.7; doc/spec/session.md 9; doc/spec/limits.md 7. */
#include "payment/limits.h"
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
    else if (result && result->kind != FX_LIMITS)
        session_answer(ctx, session, result);
    else if (ctx->in->quiet > 0 || limits_release_unused(ctx)) /* quiet: the adapter has been asked before */
        session_run(ctx, session);
}

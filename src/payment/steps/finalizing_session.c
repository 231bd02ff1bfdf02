/* The session that captures or cancels what was authorised. Ref: doc/spec/payment.md 8.7. */
#include "payment/session.h"
#include "payment/steps/step.h"

void step_finalizing_session(struct step_ctx *ctx)
{
    const struct session *session = payment_session(ctx->payment, ctx->payment->target.tag);
    const struct effect_result *result = step_effect_result(ctx);

    if (!session)
        step_fail(ctx->in, ctx->out, "there is no %s session", type_name_of(&type_target, ctx->payment->target.tag));
    else if (result)
        session_answer(ctx, session, result);
    else
        session_run(ctx, session);
}

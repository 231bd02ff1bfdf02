/* The adapter gives the money back: a session like any other. Ref: doc/spec/refunds.md 5, 6. */
#include "payment/session.h"
#include "payment/steps/step.h"

void step_refund_session(struct step_ctx *ctx)
{
    const struct session *session = refund_session(ctx->refund);
    const struct effect_result *result = step_effect_result(ctx);

    if (result)
        session_answer(ctx, session, result);
    else
        session_run(ctx, session);
}

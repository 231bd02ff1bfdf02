/* The time for a decision is over: nobody captured or cancelled, or nobody was to. An instant payment is
 * captured at once, a held one as its merchant wished. Ref: doc/spec/payment.md 8.9. */
#include "payment/steps/step.h"

static void capture(struct step_ctx *ctx)
{
    const struct cash *cost = payment_state_cost(ctx->payment);
    struct capture_started started = { .data = { .reason = "Timeout", .cash = cost } };
    struct target target = { .tag = TARGET_CAPTURED, .captured = { .reason = "Timeout", .cost = cost } };

    emit_change(ctx, &(struct payment_change){
        .tag = PCHG_CAPTURE_STARTED,
        .capture_started = arena_memdup(ctx->in->arena, &started, sizeof(started)),
    });
    emit_session_started(ctx, &target);
}

void step_flow_waiting(struct step_ctx *ctx)
{
    const struct payment_flow *flow = &ctx->payment->payment.flow;
    const struct target cancelled = { .tag = TARGET_CANCELLED };

    if (flow->tag == FLOW_HOLD && flow->hold.on_hold_expiration == ON_HOLD_CANCEL)
        emit_session_started(ctx, &cancelled);
    else
        capture(ctx);
    step_continue(ctx->in, ctx->out);
}

/* The provider has captured or cancelled: limits and plan are committed or rolled back, and the payment's status
 * becomes what its session worked towards. Ref: doc/spec/payment.md 8.12; doc/spec/limits.md 7. */
#include "base/log.h"
#include "payment/card_order.h"
#include "payment/effect.h"
#include "payment/limits.h"
#include "payment/plan.h"
#include "payment/steps/step.h"

/* A token that was wanted and did not come, or came unasked, is for people to look into. */
static void token_check(const struct step_ctx *ctx)
{
    const struct payment *payment = &ctx->payment->payment;
    bool wanted = payment->make_recurrent && *payment->make_recurrent &&
                  !(payment->skip_recurrent && *payment->skip_recurrent);
    bool have = ctx->payment->recurrent_token != NULL;

    if (payment->registration_origin.tag == ORIGIN_PROVIDER)
        return; /* its token was registered with it */
    if (wanted != have)
        log_warn("invoice %s payment %s: %s", ctx->in->id, payment->id,
                 wanted ? "the provider gave no recurrent token" : "the provider gave an unwanted recurrent token");
}

/* Whether the end of its first session is all that happened to it: if that was said by hand, the other candidates may hold
 * their limits still. */
static bool ended_unheard(const struct payment_state *payment)
{
    const struct session *session = payment_session(payment, TARGET_PROCESSED);

    return session && session->changes <= 1 && !payment->new_cash_provided;
}

/* The turnover of the route gets what was captured, or its hold back. False: ordered, or the step has failed. */
static bool settle_limits(struct step_ctx *ctx, enum ledger_act act)
{
    const struct target *target = &ctx->payment->target;
    const struct limits_route_task task = {
        .verb = act == LEDGER_COMMIT ? LIMIT_COMMIT : LIMIT_ROLLBACK,
        .iter = payment_iter(ctx->payment),
        .tolerant = ctx->payment->new_cash_provided, /* what cannot count a changed cost was not held for it */
        .partial = act == LEDGER_COMMIT ? target->captured.cost : NULL,
        .session = true,
    };
    const struct route *route = payment_route(ctx->payment);
    /* Captured or cancelled: whatever comes between, it ends the same. But what a registered payment holds it may hold
     * since this very turn, and a hold that is repeated behind its end is a fault. */
    struct limits_ask ask = { .ahead = ctx->payment->payment.registration_origin.tag != ORIGIN_PROVIDER };

    return (!route || limits_ask_route(ctx, route, &task, &ask, NULL, NULL)) &&
           (!ended_unheard(ctx->payment) || limits_ask_unused(ctx, &ask)) && limits_run(ctx, &ask);
}

void step_finalizing_accounter(struct step_ctx *ctx)
{
    const struct effect_result *result = step_effect_result(ctx);
    const struct target *target = &ctx->payment->target;
    struct plan plan = plan_of(ctx->payment, ctx->in->arena);
    struct payment_status status = { .tag = 0 };
    enum ledger_act act = LEDGER_COMMIT;

    if (target->tag == TARGET_CAPTURED) {
        status.tag = PAYMENT_CAPTURED;
        status.captured = target->captured;
    } else if (target->tag == TARGET_CANCELLED) {
        status.tag = PAYMENT_CANCELLED;
        status.cancelled = target->cancelled;
        act = LEDGER_ROLLBACK;
    } else {
        step_fail(ctx->in, ctx->out, "a payment is not finalised by a %s session",
                  type_name_of(&type_target, target->tag));
        return;
    }
    if (!(result && result->kind == FX_CARDS) && !settle_limits(ctx, act)) /* the cards come when limits are settled */
        return;
    if (!cards_are_kept(ctx))
        return;
    token_check(ctx);
    if (plan_apply(ctx, act, &plan, 0))
        emit_status(ctx, &status);
}

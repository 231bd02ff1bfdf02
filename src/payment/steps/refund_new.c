/* A refund begins: has its merchant the money? The plan was held in the commit that created the refund, so that
 * what is read now counts it, and every other refund that was created before. Enough: the session begins, or,
 * for a manual one that was made outside, is over at once. Not enough: the hold is released, the refund fails.
 * Ref: doc/spec/refunds.md 5; doc/decisions/0012-funds-are-read-after-the-hold.md. */
#include "money/ledger.h"
#include "payment/effect.h"
#include "payment/flow.h"
#include "payment/steps/step.h"

/* The shop's settlement account at the payment's revision, even if the refund's own flow does not touch it. */
static void ask_funds(struct step_ctx *ctx)
{
    const struct shop *shop = flow_shop(ctx);
    struct balance_order *order = arena_alloc(ctx->in->arena, sizeof(*order));

    if (!shop)
        return;
    order->account_id = shop->account.settlement;
    step_effect(ctx->in, ctx->out, FX_BALANCE, order);
}

static void begin(struct step_ctx *ctx)
{
    const struct target target = { .tag = TARGET_REFUNDED };
    const struct trx *trx = ctx->refund->transaction_info;

    emit_session_started(ctx, &target);
    if (trx) {
        emit_session(ctx, &target, &(struct session_change){
            .tag = SCHG_TRANSACTION_BOUND, .session_transaction_bound = { .trx = *trx },
        });
        emit_session(ctx, &target, &(struct session_change){
            .tag = SCHG_FINISHED, .session_finished = { .result = { .tag = SESSION_SUCCEEDED } },
        });
    }
    step_continue(ctx->in, ctx->out);
}

static void take_funds(struct step_ctx *ctx, const struct effect_result *result)
{
    const struct balance *balance = result->value;
    struct operation_failure failure;

    if (effect_is_transient(result->err)) {
        step_retry(ctx->in, ctx->out, "the merchant's balance: %s", result->detail);
        return;
    }
    if (result->err) {
        step_fail(ctx->in, ctx->out, "the merchant's balance: %s", result->detail);
        return;
    }
    if (balance->min >= 0) {
        begin(ctx);
        return;
    }
    failure = failure_make(ctx->in->arena, "terms_violated:insufficient_merchant_funds", NULL);
    emit_rollback(ctx, &failure);
    step_continue(ctx->in, ctx->out);
}

void step_refund_new(struct step_ctx *ctx)
{
    const struct effect_result *result = step_effect_result(ctx);

    if (result && result->kind == FX_BALANCE)
        take_funds(ctx, result);
    else
        ask_funds(ctx);
}

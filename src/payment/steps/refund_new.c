/* A refund begins. Its limits are held, whatever they stand at. Then: has its merchant the money? The plan was held
 * in the commit that created the refund, so that what is read now counts it, and every other refund that was created
 * before. Enough: the session begins, or, for a manual one that was made outside, is over at once. Not enough: what
 * is held is released, and the refund fails.
 * Ref: doc/spec/refunds.md 5; doc/decisions/0012-funds-are-read-after-the-hold.md. */
#include "money/ledger.h"
#include "payment/effect.h"
#include "payment/flow.h"
#include "payment/limits.h"
#include "payment/steps/step.h"

/* The merchant's settlement account in FLOW; 0: none of them touches it. */
static int64_t settlement_of(const struct type_list *flow)
{
    const struct posting *postings = flow->items;
    size_t i, end;

    for (i = 0; i < flow->count; i++) {
        const struct final_account *ends[] = { &postings[i].source, &postings[i].destination };

        for (end = 0; end < SL_COUNT(ends); end++) {
            if (ends[end]->account_type.tag == ACCOUNT_MERCHANT && ends[end]->account_type.merchant == MERCHANT_SETTLEMENT)
                return ends[end]->account_id;
        }
    }
    return 0;
}

/* The settlement account that the shop had at the payment's revision, even if the refund's own flow does not touch
 * it. The payment's flow was built at that revision; where it leaves the merchant out, the shop is asked. */
static void ask_funds(struct step_ctx *ctx)
{
    int64_t account_id = settlement_of(&ctx->payment->cash_flow);
    const struct shop *shop = account_id ? NULL : flow_shop(ctx);
    struct balance_order *order = arena_alloc(ctx->in->arena, sizeof(*order));

    if (!account_id && !shop)
        return;
    order->account_id = account_id ? account_id : shop->account.settlement;
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
        ctx->out->cause = CAUSE_UNAVAILABLE; /* a question: nothing is done by asking */
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
    else if (limits_run_refund(ctx, LIMIT_HOLD))
        ask_funds(ctx);
}

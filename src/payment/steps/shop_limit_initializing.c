/* Before all else the shop's own turnover limits are held for the payment, and looked at. Ref: doc/spec/payment.md
 * 8.1; doc/spec/limits.md 6. */
#include "payment/limits.h"
#include "payment/steps/step.h"

void step_shop_limit_initializing(struct step_ctx *ctx)
{
    struct limits_ask ask = { 0 };
    struct limits_set set;
    struct operation_failure failure;

    if (!limits_ask_shop(ctx, LIMIT_HOLD, false, &ask, &set) || !limits_run(ctx, &ask))
        return;
    emit_change(ctx, &(struct payment_change){ .tag = PCHG_SHOP_LIMIT_INITIATED });
    if (!limits_within(&set, &ask)) {
        failure = failure_make(ctx->in->arena, "authorization_failed:shop_limit_exceeded:unknown",
                               arena_printf(ctx->in->arena, "Limits with following IDs overflowed: %s",
                                            limits_names(&set, ctx->in->arena)));
        emit_rollback(ctx, &failure);
    }
    step_continue(ctx->in, ctx->out);
}

/* See card_order.h. */
#include "payment/card_order.h"

#include "payment/effect.h"
#include "payment/payer.h"
#include "payment/steps/step.h"

static struct card_order *order_of(const struct step_ctx *ctx)
{
    const struct payment *payment = &ctx->payment->payment;
    const struct payment_tool *tool = payer_tool(&payment->payer);
    struct card_order *order = arena_alloc(ctx->in->arena, sizeof(*order));
    struct card_token token;

    *order = (struct card_order){
        .party_id = payment->party_ref.id, .customer_id = payment->customer_id, .invoice_id = ctx->invoice->invoice.id,
        .payment_id = payment->id, .created_at = payment->created_at,
    };
    if (tool->tag != TOOL_BANK_CARD)
        return order;
    order->card = tool->bank_card->token;
    if (ctx->payment->recurrent_token && payment_route(ctx->payment)) {
        token = payer_own_token(ctx->payment, order->invoice_id, ctx->in->arena);
        order->token = arena_memdup(ctx->in->arena, &token, sizeof(token));
    }
    return order;
}

bool cards_are_kept(struct step_ctx *ctx)
{
    const struct effect_result *result = step_effect_result(ctx);
    const struct card_order *order;

    if (result && result->kind == FX_CARDS) {
        if (effect_is_transient(result->err))
            step_retry(ctx->in, ctx->out, "card store: %s", result->detail);
        else if (result->err)
            step_fail(ctx->in, ctx->out, "card store: %s", result->detail);
        return !result->err;
    }
    order = order_of(ctx);
    if (!order->token && !order->customer_id)
        return true;
    step_effect(ctx->in, ctx->out, FX_CARDS, order);
    return false;
}

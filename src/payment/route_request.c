/* What routing has to know of a payment. Ref: doc/spec/routing.md 2. */
#include "payment/flow.h"
#include "payment/route.h"

static void pin_facts(const struct payment *payment, struct routing_request *out)
{
    const struct payment_resource_payer *payer = payment->payer.payment_resource;
    const struct payment_tool *tool = payer_tool(&payment->payer);

    out->email = payer_contact(&payment->payer)->email;
    if (payment->payer.tag != PAYER_PAYMENT_RESOURCE)
        return;
    if (payer->resource.client_info)
        out->client_ip = payer->resource.client_info->ip_address;
    if (tool->tag == TOOL_BANK_CARD)
        out->card_token = tool->bank_card->token;
}

bool route_request_build(struct step_ctx *ctx, struct routing_request *out)
{
    const struct payment *payment = &ctx->payment->payment;
    const struct shop *shop = flow_shop(ctx);
    const struct term_set *terms;
    const char *why;

    *out = (struct routing_request){ .shop = shop, .risk_score = ctx->payment->risk_score };
    if (!shop)
        return false;
    terms = domain_terms(ctx->in->config, shop->terms.id);
    if (!terms || !terms->payments) {
        step_fail(ctx->in, ctx->out, "shop %s has no payment terms", shop->id);
        return false;
    }
    out->facts = flow_facts(ctx, shop, payment_state_cost(ctx->payment), true);
    out->hold = payment->flow.tag == FLOW_HOLD;
    if (out->hold)
        out->hold_lifetime_s = payment->flow.hold.held_until / 1000000 - payment->created_at / 1000000;
    out->recurrent = payment->payer.tag == PAYER_RECURRENT || (payment->make_recurrent && *payment->make_recurrent);
    pin_facts(payment, out);
    why = routing_require_refunds(ctx->in->config, terms->payments->refunds, out);
    if (why)
        step_fail(ctx->in, ctx->out, "%s", why);
    return !why;
}

/* See flow.h. */
#include "payment/flow.h"

#include <inttypes.h>

const struct shop *flow_shop(struct step_ctx *ctx)
{
    const struct payment *payment = &ctx->payment->payment;
    const struct shop *shop = domain_shop(ctx->in->config, payment->party_ref.id, payment->shop_ref.id);

    if (!shop)
        step_fail(ctx->in, ctx->out, "shop %s is not in the configuration", payment->shop_ref.id);
    return shop;
}

struct varset flow_facts(const struct step_ctx *ctx, const struct shop *shop, const struct cash *cost, bool trust)
{
    const struct payment *payment = &ctx->payment->payment;
    const struct invoice_client_info *client = ctx->invoice->invoice.client_info;

    return (struct varset){
        .category = shop->category.id,
        .currency = cost->currency.symbolic_code,
        .amount = cost,
        .payment_tool = payer_tool(&payment->payer),
        .party_id = payment->party_ref.id,
        .shop_id = payment->shop_ref.id,
        .trust_level = trust && client ? client->trust_level : 0,
    };
}

/* One side of the flow: the template that SELECTOR gives, finalised for AMOUNT. False: the step has failed. */
static bool flow_side(struct step_ctx *ctx, const char *side, const struct selector *selector,
                      const struct varset *facts, const struct cash *amount, const struct account_map *accounts,
                      struct type_list *flow)
{
    const struct type_list *template = selector_value(ctx->in->config, selector, facts);
    struct volume_context context = { .operation_amount = *amount };
    const char *why = NULL;

    if (!template)
        step_fail(ctx->in, ctx->out, "the %s terms have no cash flow for this payment", side);
    else if (cashflow_finalise(template, accounts, &context, ctx->in->arena, flow, &why))
        step_fail(ctx->in, ctx->out, "the %s cash flow: %s", side, why);
    return ctx->out->end == STEP_OK;
}

/* What a flow is made from. */
struct flow_source {
    const struct selector *fees, *cash_flow; /* the merchant's and the provider's side */
    const struct cash *fees_cost, *cost;     /* what the payment costs to the terms of either side */
    const struct cash *amount;               /* of the operation */
};

static bool flow_make(struct step_ctx *ctx, const struct shop *shop, const struct flow_source *source,
                      struct type_list *flow)
{
    const struct domain *domain = ctx->in->config;
    const struct route *route = payment_route(ctx->payment);
    const struct varset facts = flow_facts(ctx, shop, source->cost, false);
    const struct varset fees_facts = flow_facts(ctx, shop, source->fees_cost, false);
    struct account_map accounts;
    const char *why = NULL;

    if (domain_account_map(domain, shop, domain_provider(domain, route->provider.id),
                           domain_terminal(domain, route->terminal.id), source->cost->currency.symbolic_code, &facts,
                           ctx->in->arena, &accounts, &why)) {
        step_fail(ctx->in, ctx->out, "accounts: %s", why);
        return false;
    }
    *flow = (struct type_list){ NULL, 0 };
    return flow_side(ctx, "merchant's", source->fees, &fees_facts, source->amount, &accounts, flow) &&
           flow_side(ctx, "provider's", source->cash_flow, &facts, source->amount, &accounts, flow);
}

/* The payment terms of the current route; NULL: it has none. */
static const struct provision_payment_terms *route_terms(const struct step_ctx *ctx)
{
    const struct domain *domain = ctx->in->config;
    const struct route *route = payment_route(ctx->payment);
    const struct provider *provider = route ? domain_provider(domain, route->provider.id) : NULL;
    const struct terminal *terminal = route ? domain_terminal(domain, route->terminal.id) : NULL;

    return provider && terminal && terminal->effective ? terminal->effective->payments : NULL;
}

/* The flow over COST; the merchant's terms are those of a payment that costs TERMS_COST. */
static bool flow_of(struct step_ctx *ctx, const struct cash *cost, const struct cash *terms_cost,
                    struct type_list *flow)
{
    const struct provision_payment_terms *provided = route_terms(ctx);
    const struct shop *shop = flow_shop(ctx);
    const struct term_set *terms;
    struct flow_source source = { .fees_cost = terms_cost, .cost = cost, .amount = cost };

    if (!shop)
        return false;
    if (!provided) {
        step_fail(ctx->in, ctx->out, "the current route has no payment terms");
        return false;
    }
    terms = domain_terms(ctx->in->config, shop->terms.id);
    if (!terms || !terms->payments) {
        step_fail(ctx->in, ctx->out, "shop %s has no payment terms", shop->id);
        return false;
    }
    source.fees = terms->payments->fees;
    source.cash_flow = provided->cash_flow;
    return flow_make(ctx, shop, &source, flow);
}

bool flow_build(struct step_ctx *ctx, const struct cash *cost, struct type_list *flow)
{
    return flow_of(ctx, cost, cost, flow);
}

bool flow_build_partial(struct step_ctx *ctx, const struct cash *captured, struct type_list *flow)
{
    return flow_of(ctx, captured, payment_state_cost(ctx->payment), flow);
}

const struct provision_refund_terms *flow_refund_terms(const struct step_ctx *ctx)
{
    const struct provision_payment_terms *provided = route_terms(ctx);

    return provided ? provided->refunds : NULL;
}

bool flow_build_refund(struct step_ctx *ctx, const struct merchant_refund_terms *terms, const struct cash *amount,
                       struct type_list *flow)
{
    const struct provision_refund_terms *provided = flow_refund_terms(ctx);
    const struct cash *cost = payment_state_cost(ctx->payment);
    const struct shop *shop = flow_shop(ctx);
    const struct flow_source source = {
        .fees = terms->fees, .cash_flow = provided ? provided->cash_flow : NULL, .fees_cost = cost, .cost = cost,
        .amount = amount,
    };

    if (shop && !provided)
        step_fail(ctx->in, ctx->out, "the payment's route has no refund terms");
    return shop && provided && flow_make(ctx, shop, &source, flow);
}

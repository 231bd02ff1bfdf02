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

/* The flow over COST; the merchant's terms are those of a payment that costs TERMS_COST. */
static bool flow_of(struct step_ctx *ctx, const struct cash *cost, const struct cash *terms_cost,
                    struct type_list *flow)
{
    const struct domain *domain = ctx->in->config;
    const struct route *route = payment_route(ctx->payment);
    const struct provider *provider = route ? domain_provider(domain, route->provider.id) : NULL;
    const struct terminal *terminal = route ? domain_terminal(domain, route->terminal.id) : NULL;
    const struct shop *shop = flow_shop(ctx);
    const struct term_set *terms;
    struct account_map accounts;
    struct varset facts, merchant_facts;
    const char *why = NULL;

    if (!shop)
        return false;
    if (!provider || !terminal || !terminal->effective || !terminal->effective->payments) {
        step_fail(ctx->in, ctx->out, "the current route has no payment terms");
        return false;
    }
    terms = domain_terms(domain, shop->terms.id);
    if (!terms || !terms->payments) {
        step_fail(ctx->in, ctx->out, "shop %s has no payment terms", shop->id);
        return false;
    }
    facts = flow_facts(ctx, shop, cost, false);
    merchant_facts = flow_facts(ctx, shop, terms_cost, false);
    if (domain_account_map(domain, shop, provider, terminal, cost->currency.symbolic_code, &facts, ctx->in->arena,
                           &accounts, &why)) {
        step_fail(ctx->in, ctx->out, "accounts: %s", why);
        return false;
    }
    *flow = (struct type_list){ NULL, 0 };
    return flow_side(ctx, "merchant's", terms->payments->fees, &merchant_facts, cost, &accounts, flow) &&
           flow_side(ctx, "provider's", terminal->effective->payments->cash_flow, &facts, cost, &accounts, flow);
}

bool flow_build(struct step_ctx *ctx, const struct cash *cost, struct type_list *flow)
{
    return flow_of(ctx, cost, cost, flow);
}

bool flow_build_partial(struct step_ctx *ctx, const struct cash *captured, struct type_list *flow)
{
    return flow_of(ctx, captured, payment_state_cost(ctx->payment), flow);
}

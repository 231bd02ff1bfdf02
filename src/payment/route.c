/* See route.h. Turnover limits, blacklists and the fault detector take no part yet: the pipeline is
 * "drop what was attempted already" and "choose". */
#include "payment/route.h"

#include "payment/flow.h"

/* ---- what routing has to know ---- */

/* Merchant refund terms that cover the payment's method ask the same of the provider (routing.md 2). */
static bool refund_requirement(struct step_ctx *ctx, const struct merchant_refund_terms *terms,
                               struct routing_request *out)
{
    const struct type_list *methods;
    struct payment_method method;

    if (!terms)
        return true;
    methods = selector_value(ctx->in->config, terms->payment_methods, &out->facts);
    if (!methods) {
        step_fail(ctx->in, ctx->out, "the methods of the merchant's refund terms do not reduce to a value");
        return false;
    }
    out->refund = tool_method(out->facts.payment_tool, &method) && method_in(&method, methods);
    if (!out->refund || !terms->partial_refunds)
        return true;
    out->partial_refund = selector_value(ctx->in->config, terms->partial_refunds->cash_limit, &out->facts);
    if (!out->partial_refund)
        step_fail(ctx->in, ctx->out, "the limit of the merchant's partial refunds does not reduce to a value");
    return out->partial_refund != NULL;
}

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
    out->recurrent = payment->make_recurrent && *payment->make_recurrent;
    pin_facts(payment, out);
    return refund_requirement(ctx, terms->payments->refunds, out);
}

/* ---- what it found ---- */

static struct route route_of(const struct candidate *candidate)
{
    return (struct route){ .provider = { candidate->provider->id }, .terminal = { candidate->terminal->id } };
}

static size_t accepted_count(const struct candidates *candidates)
{
    size_t i, count = 0;

    for (i = 0; i < candidates->count; i++)
        count += !candidates->list[i].rejected;
    return count;
}

/* Rejects what this payment has been sent over before. */
static void drop_attempted(const struct step_ctx *ctx, const struct candidates *candidates)
{
    const struct route *attempted = ctx->payment->routes.items;
    size_t i, j;

    for (i = 0; i < candidates->count; i++) {
        struct route route = route_of(&candidates->list[i]);

        for (j = 0; j < ctx->payment->routes.count && !candidates->list[i].rejected; j++) {
            if (route_equal(&route, &attempted[j]))
                candidates->list[i].rejected = "already attempted";
        }
    }
}

static struct type_list routes_of(const struct step_ctx *ctx, const struct candidates *candidates)
{
    struct route *routes = arena_array(ctx->in->arena, candidates->count, sizeof(*routes));
    size_t i, count = 0;

    for (i = 0; i < candidates->count; i++) {
        if (!candidates->list[i].rejected)
            routes[count++] = route_of(&candidates->list[i]);
    }
    return (struct type_list){ routes, count };
}

static const int64_t *keep_i64(const struct step_ctx *ctx, int64_t value)
{
    return arena_memdup(ctx->in->arena, &value, sizeof(value));
}

static const double *keep_double(const struct step_ctx *ctx, double value)
{
    return arena_memdup(ctx->in->arena, &value, sizeof(value));
}

/* The scores that the choice was made by; the stored random condition is the raw weight (routing.md 9). */
static struct type_list scores_of(const struct step_ctx *ctx, const struct candidates *candidates,
                                  const struct routing_score *scores)
{
    struct route_score_entry *entries = arena_array(ctx->in->arena, candidates->count, sizeof(*entries));
    size_t i, count = 0;

    for (i = 0; i < candidates->count; i++) {
        const struct candidate *candidate = &candidates->list[i];

        if (candidate->rejected)
            continue;
        entries[count++] = (struct route_score_entry){
            .route = route_of(candidate),
            .value = {
                .availability_condition = keep_i64(ctx, scores[i].availability_condition),
                .conversion_condition = keep_i64(ctx, scores[i].conversion_condition),
                .terminal_priority_rating = keep_i64(ctx, scores[i].priority),
                .route_pin = keep_i64(ctx, (int64_t)scores[i].pin),
                .random_condition = keep_i64(ctx, candidate->weight),
                .availability = keep_double(ctx, 1.0),
                .conversion = keep_double(ctx, 1.0),
                .blacklist_condition = keep_i64(ctx, 0),
            },
        };
    }
    return (struct type_list){ entries, count };
}

static void emit_route(struct step_ctx *ctx, const struct route_changed *changed)
{
    emit_change(ctx, &(struct payment_change){
        .tag = PCHG_ROUTE_CHANGED,
        .route_changed = arena_memdup(ctx->in->arena, changed, sizeof(*changed)),
    });
}

static void choose(struct step_ctx *ctx, const struct candidates *candidates)
{
    struct routing_score *scores = arena_array(ctx->in->arena, candidates->count, sizeof(*scores));
    const struct candidate *chosen = &candidates->list[routing_choose(candidates, ctx->in->random, scores)];
    struct route_decision decision = {
        .skip_recurrent = arena_memdup(ctx->in->arena, &chosen->skip_recurrent, sizeof(chosen->skip_recurrent)),
    };
    struct route_changed changed = {
        .route = route_of(chosen),
        .candidates = routes_of(ctx, candidates),
        .scores = scores_of(ctx, candidates, scores),
        .decision = arena_memdup(ctx->in->arena, &decision, sizeof(decision)),
    };

    emit_route(ctx, &changed);
    step_continue(ctx->in, ctx->out);
}

void route_run(struct step_ctx *ctx)
{
    struct routing_request request;
    struct candidates candidates;
    struct operation_failure failure;
    struct type_list initial;

    if (!route_request_build(ctx, &request))
        return;
    routing_gather(ctx->in->config, &request, ctx->in->arena, &candidates);
    if (candidates.misconfiguration) {
        failure = failure_make(ctx->in->arena, "no_route_found:unknown:misconfiguration", candidates.misconfiguration);
        emit_failed(ctx, &failure);
        return;
    }
    if (accepted_count(&candidates) == 0) {
        failure = failure_make(ctx->in->arena, "no_route_found:forbidden",
                               routing_rejections(&candidates, ctx->in->arena));
        emit_failed(ctx, &failure);
        return;
    }
    initial = routes_of(ctx, &candidates);
    drop_attempted(ctx, &candidates);
    if (accepted_count(&candidates) > 0) {
        choose(ctx, &candidates);
        return;
    }
    /* The route is only there because the protocol wants one. */
    emit_route(ctx, &(struct route_changed){ .route = *(const struct route *)initial.items, .candidates = initial });
    failure = failure_make(ctx->in->arena, "no_route_found:forbidden",
                           routing_rejections(&candidates, ctx->in->arena));
    emit_rollback(ctx, ctx->payment->failure ? ctx->payment->failure : &failure);
    step_continue(ctx->in, ctx->out);
}

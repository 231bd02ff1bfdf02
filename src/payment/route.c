/* The pipeline: what speaks against a candidate, in the order in which it counts. It may need two effects before
 * it can decide, and is run from its beginning after each:
 *
 *     candidates -> not attempted yet -> [FX_BLACKLIST] -> limits held [FX_LIMITS]
 *                -> within limits -> not blacklisted -> provider alive -> choice
 *
 * Being pure it finds the same candidates each time; what the first effect answered travels with the order of
 * the second. Ref: doc/spec/routing.md 6. */
#include "payment/route.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "payment/effect.h"
#include "payment/flow.h"
#include "payment/payer.h"
#include "payment/proxy.h"
#include "payment/steps/step.h"

#define DRAW_SHIFT 11 /* the draw is stored: 53 bits are a whole number to every reader of JSON */

/* An order of limits that remembers what the blacklist said. */
struct route_order {
    struct limit_order order; /* first: it is what whoever performs it sees */
    const bool *blacklisted;
};

struct route route_of(const struct candidate *candidate)
{
    return (struct route){ .provider = { candidate->provider->id }, .terminal = { candidate->terminal->id } };
}

/* ---- candidates of recurrent payers (doc/spec/routing.md 2, doc/spec/payment.md 15) ---- */

/* The one route that a payer without a card can go: its token's. Nothing is asked of its terms. */
static void parents_route(const struct step_ctx *ctx, struct candidates *out)
{
    const struct card_token *token = ctx->payment->cascade_tokens->items;
    const struct terminal *terminal = domain_terminal(ctx->in->config, token->terminal_ref.id);
    const struct provider *provider = domain_provider(ctx->in->config, token->provider_ref.id);
    const struct provision_extension *extension =
        terminal && terminal->effective ? terminal->effective->extension : NULL;
    struct candidate *candidate = arena_alloc(ctx->in->arena, sizeof(*candidate));

    memset(out, 0, sizeof(*out));
    if (!provider || !terminal || !terminal->effective || !terminal->effective->payments) {
        out->misconfiguration = arena_printf(ctx->in->arena, "terminal %" PRId64 " of the recurrent token is not in the "
                                             "configuration, or has no payment terms", token->terminal_ref.id);
        return;
    }
    *candidate = (struct candidate){
        .provider = provider, .terminal = terminal, .priority = PRIORITY_DEFAULT, .availability = 1, .conversion = 1,
        .skip_recurrent = extension && extension->skip_recurrent && *extension->skip_recurrent,
    };
    *out = (struct candidates){ .list = candidate, .count = 1 };
}

static void drop_without_token(const struct step_ctx *ctx, const struct candidates *candidates)
{
    size_t i;

    for (i = 0; i < candidates->count; i++) {
        struct route route = route_of(&candidates->list[i]);

        if (!payer_token_for(ctx->payment, &route))
            routing_reject(&candidates->list[i], REJECT_TOKEN_MISSING, "no recurrent token");
    }
}

void route_candidates(const struct step_ctx *ctx, const struct routing_request *request, struct candidates *out)
{
    bool tokens = ctx->payment->cascade_tokens && ctx->payment->cascade_tokens->count > 0;

    if (tokens && request->facts.payment_tool->tag != TOOL_BANK_CARD) {
        parents_route(ctx, out);
        return;
    }
    routing_gather(ctx->in->config, request, ctx->in->arena, out);
    if (tokens)
        drop_without_token(ctx, out);
}

static void reject(struct route_search *search, struct candidate *candidate, int group, const char *reason)
{
    routing_reject(candidate, group, reason);
    search->last_group = group;
}

static void drop_attempted(struct route_search *search)
{
    const struct type_list *routes = &search->ctx->payment->routes;
    const struct route *attempted = routes->items;
    size_t i, j;

    for (i = 0; i < search->candidates.count; i++) {
        struct candidate *candidate = &search->candidates.list[i];
        struct route route = route_of(candidate);

        for (j = 0; j < routes->count && !candidate->rejected; j++) {
            if (route_equal(&route, &attempted[j]))
                reject(search, candidate, REJECT_ATTEMPTED, "already attempted");
        }
    }
}

/* ---- the blacklist ---- */

static const struct proxy_definition *inspector_proxy(struct route_search *search, const struct inspector **inspector)
{
    const struct domain *domain = search->ctx->in->config;

    *inspector = domain_choose_inspector(domain, search->request.shop, &search->request.facts);
    return *inspector ? domain_proxy(domain, (*inspector)->proxy.ref.id) : NULL;
}

static struct type_list blacklist_routes(struct route_search *search)
{
    struct blacklist_route *routes =
        arena_array(search->ctx->in->arena, search->candidates.count, sizeof(*routes));
    size_t i, count = 0;

    for (i = 0; i < search->candidates.count; i++) {
        const struct candidate *candidate = &search->candidates.list[i];

        if (!candidate->rejected)
            routes[count++] = (struct blacklist_route){ candidate->provider->id, candidate->terminal->id };
    }
    return (struct type_list){ routes, count };
}

static void order_blacklist(struct route_search *search, const struct proxy_definition *proxy, const char *token)
{
    const struct step_ctx *ctx = search->ctx;
    struct blacklist_request *request = arena_alloc(ctx->in->arena, sizeof(*request));
    struct effect_args *args = arena_alloc(ctx->in->arena, sizeof(*args));

    request->field_name = "CARD_TOKEN";
    request->value = token;
    request->routes = blacklist_routes(search);
    args->url = proxy->url;
    args->key = arena_printf(ctx->in->arena, "%s.blacklist.%zu", proxy_key_prefix(ctx), ctx->payment->routes.count + 1);
    args->request = request;
    step_effect(ctx->in, ctx->out, FX_BLACKLIST, args);
}

/* The answer, spread over the candidates that were asked about. An inspector that does not say counts as "no". */
static const bool *blacklist_answer(struct route_search *search, const struct effect_result *result)
{
    const struct step_ctx *ctx = search->ctx;
    bool *listed = arena_array(ctx->in->arena, search->candidates.count, sizeof(*listed));
    const struct blacklist_answer *answer = result->value;
    size_t i, asked = 0;

    if (!result->err && answer->blacklisted.count != routing_accepted(&search->candidates))
        log_warn("invoice %s payment %s: the blacklist's answer is for another number of routes", ctx->in->id,
                 ctx->payment->payment.id);
    else if (result->err)
        log_warn("invoice %s payment %s: blacklist: %s", ctx->in->id, ctx->payment->payment.id, result->detail);
    else
        for (i = 0; i < search->candidates.count; i++) {
            if (!search->candidates.list[i].rejected)
                listed[i] = ((const bool *)answer->blacklisted.items)[asked++];
        }
    return listed;
}

/* Asks about the card. True: it is known, or nobody has to be asked; false: ordered. */
static bool blacklist(struct route_search *search)
{
    const struct effect_result *result = step_effect_result(search->ctx);
    const struct payment_tool *tool = search->request.facts.payment_tool;
    const struct inspector *inspector;
    const struct proxy_definition *proxy;

    if (result && result->kind == FX_BLACKLIST) {
        search->blacklisted = blacklist_answer(search, result);
        return true;
    }
    if (result && result->kind == FX_LIMITS) {
        search->blacklisted = ((const struct route_order *)search->ctx->in->effect->args)->blacklisted;
        return true;
    }
    if (tool->tag != TOOL_BANK_CARD || routing_accepted(&search->candidates) == 0)
        return true;
    proxy = inspector_proxy(search, &inspector);
    if (!proxy || effect_is_builtin(proxy->url)) /* a built-in inspector knows no card */
        return true;
    order_blacklist(search, proxy, tool->bank_card->token);
    return false;
}

static void drop_blacklisted(struct route_search *search)
{
    size_t i;

    for (i = 0; i < search->candidates.count && search->blacklisted; i++) {
        struct candidate *candidate = &search->candidates.list[i];

        if (!candidate->rejected && search->blacklisted[i])
            reject(search, candidate, REJECT_BLACKLIST, "the card is blacklisted");
    }
}

/* ---- limits ---- */

/* Holds the limits of all candidates. True: it is done; false: ordered, or the step has failed. */
static bool hold_limits(struct route_search *search, struct limits_ask *ask)
{
    struct step_ctx *ctx = search->ctx;
    const struct limits_route_task task = {
        .verb = LIMIT_HOLD, .iter = (int64_t)ctx->payment->routes.count + 1,
    };
    struct route_order *order = arena_alloc(ctx->in->arena, sizeof(*order));
    size_t i;

    for (i = 0; i < search->candidates.count; i++) {
        struct candidate *candidate = &search->candidates.list[i];
        struct route route = route_of(candidate);
        struct turnover_fault fault;

        if (candidate->rejected)
            continue;
        if (!limits_ask_route(ctx, &route, &task, ask, &search->limits[i], &fault))
            return false;
        if (fault.kind)
            reject(search, candidate, REJECT_LIMIT_MISCONFIGURATION,
                   arena_printf(ctx->in->arena, "limit %s: %s", fault.limit_id, turnover_fault_name(fault.kind)));
    }
    order->blacklisted = search->blacklisted;
    search->ask = ask;
    return limits_run_order(ctx, ask, &order->order);
}

static void drop_overflowing(struct route_search *search)
{
    size_t i;

    for (i = 0; i < search->candidates.count; i++) {
        struct candidate *candidate = &search->candidates.list[i];

        if (candidate->rejected)
            continue;
        search->considered[i] = true;
        if (!limits_within(&search->limits[i], search->ask))
            reject(search, candidate, REJECT_LIMIT_OVERFLOW,
                   arena_printf(search->ctx->in->arena, "LimitOverflow, %s",
                                limits_names(&search->limits[i], search->ctx->in->arena)));
    }
}

/* ---- the choice ---- */

/* Looks at the health of the providers that are left; dead ones drop out (routing.md 7). */
static void assess(struct route_search *search)
{
    const struct health_view *view = search->ctx->in->outlook;
    size_t i;

    for (i = 0; i < search->candidates.count; i++) {
        struct candidate *candidate = &search->candidates.list[i];

        if (candidate->rejected)
            continue;
        search->assessed[i] = true;
        if (!routing_assess(candidate, view, search->ctx->in->arena))
            search->last_group = REJECT_UNAVAILABLE;
    }
}

static void decide(struct route_search *search)
{
    int64_t draw = (int64_t)(search->ctx->in->random >> DRAW_SHIFT);
    struct routing_choice choice;

    if (routing_accepted(&search->candidates) == 0) {
        route_record_none(search);
        return;
    }
    choice = routing_choose(&search->candidates, (uint64_t)draw << DRAW_SHIFT, NULL);
    route_record_choice(search, &choice, draw);
}

static struct type_list accepted_routes(const struct route_search *search)
{
    struct route *routes = arena_array(search->ctx->in->arena, search->candidates.count, sizeof(*routes));
    size_t i, count = 0;

    for (i = 0; i < search->candidates.count; i++) {
        if (!search->candidates.list[i].rejected)
            routes[count++] = route_of(&search->candidates.list[i]);
    }
    return (struct type_list){ routes, count };
}

/* There is nothing to choose from. True: the payment has failed. */
static bool fail_at_once(struct route_search *search, struct limits_ask *ask)
{
    struct step_ctx *ctx = search->ctx;
    struct operation_failure failure;

    if (!limits_run(ctx, ask))
        return false;
    failure = search->candidates.misconfiguration
                  ? failure_make(ctx->in->arena, "no_route_found:unknown:misconfiguration",
                                 search->candidates.misconfiguration)
                  : route_failure(search, 0);
    emit_failed(ctx, ctx->payment->failure ? ctx->payment->failure : &failure);
    return true;
}

bool route_run(struct step_ctx *ctx, struct limits_ask *ask)
{
    struct route_search search = { .ctx = ctx };
    size_t count;

    if (!route_request_build(ctx, &search.request))
        return false;
    route_candidates(ctx, &search.request, &search.candidates);
    count = search.candidates.count;
    if (search.candidates.misconfiguration || routing_accepted(&search.candidates) == 0)
        return fail_at_once(&search, ask);
    search.limits = arena_array(ctx->in->arena, count, sizeof(*search.limits));
    search.considered = arena_array(ctx->in->arena, count, sizeof(*search.considered));
    search.assessed = arena_array(ctx->in->arena, count, sizeof(*search.assessed));
    search.initial = accepted_routes(&search);
    drop_attempted(&search);
    if (!blacklist(&search) || !hold_limits(&search, ask))
        return false;
    drop_overflowing(&search);
    drop_blacklisted(&search);
    assess(&search);
    decide(&search);
    return true;
}

/* Whether a failed attempt is followed by another one. Ref: doc/spec/payment.md 11; doc/spec/routing.md 10. */
#include <string.h>

#include "payment/flow.h"
#include "payment/route.h"

static bool user_was_asked(const struct payment_state *payment)
{
    const struct session *sessions = payment->sessions.items;
    const struct route *route = payment_route(payment);
    size_t i;

    for (i = 0; i < payment->sessions.count; i++) {
        if (sessions[i].interacted && route_equal(&sessions[i].route, route))
            return true;
    }
    return false;
}

/* Whether the failure begins with one of the signatures. */
static bool is_mapped(const struct step_ctx *ctx, const struct mapped_errors *mapped)
{
    const char *notation = failure_notation(ctx->payment->failure, ctx->in->arena);
    const char *const *signatures = mapped->error_signatures.items;
    size_t i;

    for (i = 0; notation && i < mapped->error_signatures.count; i++) {
        if (strncmp(notation, signatures[i], strlen(signatures[i])) == 0)
            return true;
    }
    return false;
}

static bool is_triggered(const struct step_ctx *ctx)
{
    const struct route *route = payment_route(ctx->payment);
    const struct provider *provider = route ? domain_provider(ctx->in->config, route->provider.id) : NULL;
    const struct cascade_behaviour *behaviour = provider ? provider->cascade_behaviour : NULL;

    if (!provider)
        return false;
    if (!behaviour)
        return !user_was_asked(ctx->payment);
    if (!behaviour->mapped_errors && !behaviour->no_user_interaction)
        return false;
    return (!behaviour->mapped_errors || is_mapped(ctx, behaviour->mapped_errors)) &&
           (!behaviour->no_user_interaction || !user_was_asked(ctx->payment));
}

/* How many routes the merchant's terms allow to be tried. */
static int64_t attempts_allowed(const struct step_ctx *ctx)
{
    const struct payment *payment = &ctx->payment->payment;
    const struct shop *shop = domain_shop(ctx->in->config, payment->party_ref.id, payment->shop_ref.id);
    const struct term_set *terms = shop ? domain_terms(ctx->in->config, shop->terms.id) : NULL;
    const struct attempt_limit *limit;
    struct varset facts;

    if (!terms || !terms->payments || !terms->payments->attempt_limit)
        return 1;
    facts = flow_facts(ctx, shop, payment_state_cost(ctx->payment), false);
    limit = selector_value(ctx->in->config, terms->payments->attempt_limit, &facts);
    return limit ? limit->attempts : 1;
}

bool cascade_allowed(const struct step_ctx *ctx)
{
    return is_triggered(ctx) && ctx->payment->candidates.count > 1 &&
           (int64_t)ctx->payment->routes.count < attempts_allowed(ctx);
}

/* How risky the payment is, as the inspector of the shop's institution sees it. An inspector that cannot be
 * asked never fails a payment and is never asked twice: its fallback counts then.
 * Ref: doc/spec/payment.md 8.4; doc/spec/routing.md 1; doc/spec/session.md 13. */
#include "base/log.h"
#include "payment/effect.h"
#include "payment/flow.h"
#include "payment/limits.h"
#include "payment/proxy.h"
#include "payment/steps.h"
#include "payment/steps/step.h"

#define RISK_UNKNOWN RISK_HIGH /* inspect_score, doc/spec/domain.md 12 */

/* An order of limits that remembers the score. */
struct risk_order {
    struct limit_order order; /* first: it is what whoever performs it sees */
    int risk;
};

static void inspect(struct step_ctx *ctx, const struct shop *shop, const struct inspector *inspector)
{
    const struct proxy_definition *proxy = domain_proxy(ctx->in->config, inspector->proxy.ref.id);
    struct inspect_request *request = arena_alloc(ctx->in->arena, sizeof(*request));
    struct effect_args *args = arena_alloc(ctx->in->arena, sizeof(*args));
    const char *why = NULL;

    if (!proxy) {
        step_fail(ctx->in, ctx->out, "inspector %s has no proxy", inspector->name);
        return;
    }
    if (inspect_request_build(ctx, shop, request, &why)) {
        step_fail(ctx->in, ctx->out, "inspector: %s", why);
        return;
    }
    request->options = options_merge(&proxy->options, &inspector->proxy.additional, NULL, ctx->in->arena);
    args->url = proxy->url;
    args->key = arena_printf(ctx->in->arena, "%s.inspect", proxy_key_prefix(ctx));
    args->request = request;
    step_effect_ahead(ctx->in, ctx->out, FX_INSPECT, args); /* that the shop's limits allow it is found again */
}

static int risk_of(const struct step_ctx *ctx, const struct inspector *inspector, const struct effect_result *result)
{
    const struct inspect_answer *answer = result->value;

    if (result->kind == FX_LIMITS)
        return ((const struct risk_order *)ctx->in->effect->args)->risk;
    if (!result->err)
        return answer->risk_score;
    log_warn("invoice %s payment %s: inspector %s: %s", ctx->in->id, ctx->payment->payment.id, inspector->name,
             result->detail);
    return inspector->fallback_risk_score ? inspector->fallback_risk_score : RISK_UNKNOWN;
}

/* The payment is at its end: the shop's limits are committed before. False: ordered, or the step has failed. */
static bool shop_is_told(struct step_ctx *ctx, int risk)
{
    struct risk_order *order = arena_alloc(ctx->in->arena, sizeof(*order));
    struct limits_ask ask = { 0 };

    order->risk = risk;
    return limits_ask_shop_commit(ctx, &ask) && limits_run_order(ctx, &ask, &order->order);
}

void risk_scored(struct step_ctx *ctx, int risk)
{
    struct risk_score_changed changed = { .risk_score = risk };
    struct operation_failure failure;

    if (risk == RISK_FATAL && !shop_is_told(ctx, risk))
        return;
    emit_change(ctx, &(struct payment_change){
        .tag = PCHG_RISK_SCORE_CHANGED,
        .risk_score_changed = arena_memdup(ctx->in->arena, &changed, sizeof(changed)),
    });
    if (risk != RISK_FATAL) {
        step_continue(ctx->in, ctx->out);
        return;
    }
    failure = failure_make(ctx->in->arena, "no_route_found:risk_score_is_too_high", NULL);
    emit_failed(ctx, &failure);
}

void step_risk_scoring(struct step_ctx *ctx)
{
    const struct shop *shop = flow_shop(ctx);
    const struct effect_result *result = step_effect_result(ctx);
    const struct inspector *inspector;
    struct varset facts;

    if (!shop)
        return;
    facts = flow_facts(ctx, shop, payment_state_cost(ctx->payment), true);
    inspector = domain_choose_inspector(ctx->in->config, shop, &facts);
    if (!inspector)
        step_fail(ctx->in, ctx->out, "the institution's inspector selector does not reduce to a value");
    else if (result)
        risk_scored(ctx, risk_of(ctx, inspector, result));
    else
        inspect(ctx, shop, inspector);
}

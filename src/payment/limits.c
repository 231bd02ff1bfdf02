/* See limits.h. */
#include "payment/limits.h"

#include <assert.h>
#include <string.h>

#include "payment/effect.h"
#include "payment/flow.h"
#include "payment/steps/step.h"

#define ASK_ROOM 8

/* ---- collecting ---- */

static struct limit_request *room_for(struct limits_ask *ask, struct arena *arena)
{
    struct limit_request *grown;

    if (ask->room - ask->count >= TURNOVER_REQUESTS_MAX)
        return ask->requests + ask->count;
    ask->room = ask->room ? ask->room * 2 : ASK_ROOM;
    grown = arena_array(arena, ask->room, sizeof(*grown));
    if (ask->count)
        memcpy(grown, ask->requests, ask->count * sizeof(*grown));
    ask->requests = grown;
    return grown + ask->count;
}

bool limits_ask(const struct turnover_task *task, const struct turnover_facts *facts, struct limits_set *set,
                struct arena *arena, struct limits_ask *ask, struct turnover_fault *fault)
{
    set->first = ask->count;
    set->request_count = 0;
    if (!turnover_requests(task, facts, set->uses, set->use_count, arena, room_for(ask, arena), &set->request_count,
                           fault))
        return false;
    ask->count += set->request_count;
    return true;
}

bool limits_set_of(const struct domain *domain, const struct type_list *limits, struct arena *arena,
                   struct limits_set *set, const char **why)
{
    const struct turnover_limit *list = limits ? limits->items : NULL;
    size_t i, count = limits ? limits->count : 0;
    struct turnover_use *uses = arena_array(arena, count, sizeof(*uses));

    *set = (struct limits_set){ .uses = uses, .use_count = count };
    for (i = 0; i < count; i++) {
        uses[i] = (struct turnover_use){ &list[i], domain_limit_config(domain, list[i].ref.id) };
        if (!uses[i].config) {
            *why = arena_printf(arena, "turnover limit %s has no configuration", list[i].ref.id);
            return false;
        }
    }
    return true;
}

static struct turnover_facts facts_of(const struct step_ctx *ctx)
{
    const struct payment *payment = &ctx->payment->payment;

    return (struct turnover_facts){
        .party_id = payment->party_ref.id,
        .shop_id = payment->shop_ref.id,
        .tool = payer_tool(&payment->payer),
        .email = payer_contact(&payment->payer)->email,
        .body = *payment_state_cost(ctx->payment),
        .created_at = payment->created_at,
        .domain = ctx->in->config,
    };
}

static bool fault_fails(struct step_ctx *ctx, const struct turnover_fault *fault)
{
    step_fail(ctx->in, ctx->out, "turnover limit %s: %s: %s", fault->limit_id, turnover_fault_name(fault->kind),
              fault->text);
    return false;
}

bool limits_ask_shop(struct step_ctx *ctx, enum limit_verb verb, bool tolerant, struct limits_ask *ask,
                     struct limits_set *set)
{
    const struct shop *shop = flow_shop(ctx);
    const struct turnover_facts facts = facts_of(ctx);
    struct turnover_task task = { .verb = verb, .tolerant = tolerant };
    struct limits_set own;
    struct turnover_fault fault;
    const char *why;

    if (!shop)
        return false;
    set = set ? set : &own;
    if (!limits_set_of(ctx->in->config, &shop->turnover_limits, ctx->in->arena, set, &why)) {
        step_fail(ctx->in, ctx->out, "shop %s: %s", shop->id, why);
        return false;
    }
    task.operation = turnover_shop_operation(ctx->in->arena, facts.party_id, facts.shop_id, ctx->in->id,
                                             ctx->payment->payment.id);
    return limits_ask(&task, &facts, set, ctx->in->arena, ask, &fault) || fault_fails(ctx, &fault);
}

bool limits_ask_shop_commit(struct step_ctx *ctx, struct limits_ask *ask)
{
    return limits_ask_shop(ctx, LIMIT_COMMIT, true, ask, NULL);
}

/* The limits that the route's terms name for a payment of COST; *LIMITS NULL: none. What is committed and what is
 * rolled back has to be what was held, so all of them see the same facts. False: the step has failed. */
static bool route_limits(struct step_ctx *ctx, const struct route *route, const struct cash *cost,
                         const struct type_list **limits)
{
    const struct terminal *terminal = domain_terminal(ctx->in->config, route->terminal.id);
    const struct provision_terms *terms = terminal ? terminal->effective : NULL;
    const struct shop *shop;
    struct varset facts;

    *limits = NULL;
    if (!terms || !terms->payments || !terms->payments->turnover_limits)
        return true;
    shop = flow_shop(ctx);
    if (!shop)
        return false;
    facts = flow_facts(ctx, shop, cost, true);
    *limits = selector_value(ctx->in->config, terms->payments->turnover_limits, &facts);
    if (!*limits)
        step_fail(ctx->in, ctx->out, "the turnover limits of terminal %lld do not reduce to a value",
                  (long long)route->terminal.id);
    return *limits != NULL;
}

/* Adds what TASK says of FACTS about the limits of ROUTE, which is filled in; COST: that its terms see. SET and FAULT
 * as in limits.h. */
static bool ask_of_route(struct step_ctx *ctx, const struct route *route, const struct cash *cost,
                         const struct turnover_task *task, struct turnover_facts *facts, struct limits_ask *ask,
                         struct limits_set *set, struct turnover_fault *fault)
{
    const struct type_list *limits;
    struct turnover_fault own_fault;
    struct limits_set own;
    const char *why;

    set = set ? set : &own;
    if (fault)
        fault->kind = 0;
    if (!route_limits(ctx, route, cost, &limits))
        return false;
    if (!limits_set_of(ctx->in->config, limits, ctx->in->arena, set, &why)) {
        step_fail(ctx->in, ctx->out, "terminal %lld: %s", (long long)route->terminal.id, why);
        return false;
    }
    facts->provider_id = route->provider.id;
    facts->terminal_id = route->terminal.id;
    if (limits_ask(task, facts, set, ctx->in->arena, ask, fault ? fault : &own_fault))
        return true;
    return fault || fault_fails(ctx, &own_fault);
}

bool limits_ask_route(struct step_ctx *ctx, const struct route *route, const struct limits_route_task *task,
                      struct limits_ask *ask, struct limits_set *set, struct turnover_fault *fault)
{
    struct turnover_facts facts = facts_of(ctx);
    struct turnover_task turnover = { .verb = task->verb, .tolerant = task->tolerant };

    facts.session_present = task->session;
    facts.partial = task->partial;
    if (task->body)
        facts.body = *task->body;
    turnover.operation = turnover_route_operation(ctx->in->arena, route->provider.id, route->terminal.id, ctx->in->id,
                                                  ctx->payment->payment.id, task->iter);
    return ask_of_route(ctx, route, task->cost ? task->cost : payment_state_cost(ctx->payment), &turnover, &facts, ask,
                        set, fault);
}

bool limits_ask_unused(struct step_ctx *ctx, struct limits_ask *ask)
{
    const struct limits_route_task task = {
        .verb = LIMIT_ROLLBACK, .iter = (int64_t)ctx->payment->routes.count, .tolerant = true,
    };
    const struct route *candidates = ctx->payment->candidates.items, *chosen = payment_route(ctx->payment);
    size_t i;

    for (i = 0; i < ctx->payment->candidates.count; i++) {
        if (!route_equal(&candidates[i], chosen) && !limits_ask_route(ctx, &candidates[i], &task, ask, NULL, NULL))
            return false;
    }
    return true;
}

bool limits_release_unused(struct step_ctx *ctx)
{
    const struct session *session = payment_session(ctx->payment, TARGET_PROCESSED);
    struct limits_ask ask = { 0 };

    return (session && session->changes > 0) || (limits_ask_unused(ctx, &ask) && limits_run(ctx, &ask));
}

bool limits_ask_refund(struct step_ctx *ctx, enum limit_verb verb, struct limits_ask *ask)
{
    const struct refund *refund = &ctx->refund->refund;
    const struct session *session = refund_session(ctx->refund);
    const struct route *route = payment_route(ctx->payment);
    struct turnover_facts facts = facts_of(ctx);
    /* Before its session nobody knows whether it was held: what stopped the hold must not stop the rollback. */
    struct turnover_task task = { .verb = verb, .tolerant = verb == LIMIT_ROLLBACK && !session };

    facts.is_refund = true;
    facts.body = refund->cash;
    facts.created_at = refund->created_at;
    task.operation = turnover_refund_operation(ctx->in->arena, ctx->in->id, ctx->payment->payment.id, refund->id);
    return !route || ask_of_route(ctx, route, payment_state_cost(ctx->payment), &task, &facts, ask, NULL, NULL);
}

bool limits_run_refund(struct step_ctx *ctx, enum limit_verb verb)
{
    struct limits_ask ask = { 0 };

    return limits_ask_refund(ctx, verb, &ask) && limits_run(ctx, &ask);
}

/* ---- running ---- */

static bool take(struct step_ctx *ctx, struct limits_ask *ask, const struct effect_result *result)
{
    size_t i;

    if (result->err == SL_EDOWN || result->err == SL_EUNKNOWN) {
        step_retry(ctx->in, ctx->out, "turnover limits: %s", result->detail);
        ctx->out->cause = effect_cause(result->err);
        return false;
    }
    if (result->err) {
        step_fail(ctx->in, ctx->out, "turnover limits: %s", result->detail);
        return false;
    }
    ask->answer = result->value;
    assert(ask->answer->count == ask->count);
    for (i = 0; i < ask->count; i++) {
        if (ask->answer->outcomes[i].fault) {
            step_fail(ctx->in, ctx->out, "turnover limits, operation %s: %s", ask->requests[i].operation,
                      ask->answer->outcomes[i].fault);
            return false;
        }
    }
    return true;
}

bool limits_run_order(struct step_ctx *ctx, struct limits_ask *ask, struct limit_order *order)
{
    static const struct limit_answer nothing = { NULL, 0 };
    const struct effect_result *result = step_effect_result(ctx);

    if (ask->count == 0) {
        ask->answer = &nothing;
        return true;
    }
    if (result && result->kind == FX_LIMITS)
        return take(ctx, ask, result);
    *order = (struct limit_order){ ask->requests, ask->count };
    (ask->ahead ? step_effect_ahead : step_effect)(ctx->in, ctx->out, FX_LIMITS, order);
    return false;
}

bool limits_run(struct step_ctx *ctx, struct limits_ask *ask)
{
    return limits_run_order(ctx, ask, arena_alloc(ctx->in->arena, sizeof(struct limit_order)));
}

/* ---- answers ---- */

bool limits_within(const struct limits_set *set, const struct limits_ask *ask)
{
    size_t i;

    for (i = 0; i < set->use_count; i++) {
        if (limits_value(set, ask, i) > set->uses[i].limit->upper_boundary)
            return false;
    }
    return true;
}

int64_t limits_value(const struct limits_set *set, const struct limits_ask *ask, size_t i)
{
    return turnover_value(set->uses, set->use_count, ask->answer->outcomes + set->first, i);
}

const char *limits_names(const struct limits_set *set, struct arena *arena)
{
    const char *text = "";
    size_t i;

    for (i = 0; i < set->use_count; i++)
        text = arena_printf(arena, "%s%s%s", text, i ? ", " : "", set->uses[i].limit->ref.id);
    return text;
}

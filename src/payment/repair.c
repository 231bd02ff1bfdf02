/* See repair.h. The table of scenarios is that of doc/spec/repair.md 4. */
#include "payment/repair.h"

#include <string.h>

#include "payment/errors.h"
#include "payment/limits.h"
#include "payment/route.h"
#include "payment/session.h"
#include "payment/steps.h"

#define IN(activity) (1u << (activity))

/* ---- Repair ---- */

/* What CHANGE is about must exist, even when nobody asks whether it may come now. NULL: it does. */
static const char *referred_is_missing(const struct invoice_state *state, const struct invoice_change *change,
                                       struct arena *arena)
{
    const struct invoice_payment_change *about = change->invoice_payment_change;
    const struct payment_session_change *session;
    const struct payment_state *payment;
    const struct payment_refund_change *refund;

    if (change->tag != ICHG_PAYMENT_CHANGE || about->payload.tag == PCHG_STARTED)
        return NULL;
    payment = invoice_payment(state, about->id);
    if (!payment)
        return arena_printf(arena, "there is no payment %s", about->id);
    refund = about->payload.tag == PCHG_REFUND_CHANGE ? about->payload.refund_change : NULL;
    if (refund && refund->payload.tag != RCHG_CREATED && !payment_refund(payment, refund->id))
        return arena_printf(arena, "payment %s has no refund %s", about->id, refund->id);
    session = about->payload.tag == PCHG_SESSION_CHANGE ? about->payload.session_change : NULL;
    if (session && session->payload.tag != SCHG_STARTED && !payment_session(payment, session->target.tag))
        return arena_printf(arena, "payment %s has no %s session on its route", about->id,
                            type_name_of(&type_target, session->target.tag));
    return NULL;
}

/* Tries CHANGES on a copy of the state, *AFTER. NULL: they can come; else why not. */
static const char *changes_fault(const struct step_in *in, const struct type_list *changes, bool forced,
                                 struct invoice_state *after)
{
    const struct invoice_change *list = changes->items;
    const char *why = NULL;
    size_t i;

    type_copy(&type_invoice_state, after, in->state, in->arena);
    for (i = 0; !why && i < changes->count; i++) {
        why = referred_is_missing(after, &list[i], in->arena);
        if (!why)
            why = invoice_fold(after, &list[i], in->now_us, !forced, in->arena);
        if (why)
            why = arena_printf(in->arena, "change %zu: %s", i + 1, why);
    }
    return why;
}

static void action_apply(const struct step_in *in, const struct repair_action *action, struct step_out *out)
{
    const struct repair_timer *timer = &action->timer.set_timer.timer;

    out->remove = action->remove != NULL;
    if (action->timer.tag == REPAIR_UNSET_TIMER)
        out->timer = TIMER_UNSET;
    else if (action->timer.tag == REPAIR_SET_TIMER && timer->tag == REPAIR_TIMER_TIMEOUT)
        step_timer_ms(out, moment_ms(in->now_us + timer->timeout * 1000000));
    else if (action->timer.tag == REPAIR_SET_TIMER)
        step_timer_ms(out, moment_ms(timer->deadline));
}

void repair(const struct step_in *in, const struct repair_call *call, struct step_out *out)
{
    static const struct type changes_type = {
        .kind = TYPE_LIST, .size = sizeof(struct type_list), .item = &type_invoice_change,
    };
    bool forced = call->params && call->params->validate_transitions && !*call->params->validate_transitions;
    bool may_move = call->params && call->params->move_balances && *call->params->move_balances;
    struct invoice_state after;
    struct type_list changes;
    const struct invoice_change *list;
    const char *why;
    size_t i;

    type_copy(&changes_type, &changes, &call->changes, in->arena); /* the caller's own may not outlive the answer */
    why = changes_fault(in, &changes, forced, &after);
    if (why) {
        refuse_repair(in, out, REPAIR_INVALID_CHANGES, why);
        return;
    }
    list = changes.items;
    for (i = 0; i < changes.count; i++)
        step_change(out, &list[i]);
    out->forced = forced;
    if (call->action)
        action_apply(in, call->action, out);
    repair_post(in, &after, may_move, out);
}

/* ---- scenarios ---- */

/* Changes of scenarios are copied: what they point to is the caller's. */
static const void *kept(const struct step_ctx *ctx, const struct type *type, const void *value)
{
    void *copy = value ? arena_alloc(ctx->in->arena, type->size) : NULL;

    if (value)
        type_copy(type, copy, value, ctx->in->arena);
    return copy;
}

static void skip_inspector(struct step_ctx *ctx, const struct repair_scenario *scenario)
{
    risk_scored(ctx, scenario->skip_inspector.risk_score);
}

/* Adds the rollback of what attempt ITER may hold of ROUTE's limits. What cannot even be asked was never held. */
static void release_route(struct step_ctx *ctx, const struct route *route, int64_t iter, struct limits_ask *ask)
{
    const struct limits_route_task task = { .verb = LIMIT_ROLLBACK, .iter = iter, .tolerant = true };

    if (!limits_ask_route(ctx, route, &task, ask, NULL, NULL))
        memset(ctx->out, 0, sizeof(*ctx->out));
}

/* Candidates of a routing that came to no end: no event names them, but the same question finds the same ones. */
static void release_routing(struct step_ctx *ctx, struct limits_ask *ask)
{
    struct routing_request request;
    struct candidates candidates = { .count = 0 };
    size_t i;

    if (!route_request_build(ctx, &request)) { /* then it was never begun */
        memset(ctx->out, 0, sizeof(*ctx->out));
        return;
    }
    route_candidates(ctx, &request, &candidates);
    for (i = 0; i < candidates.count; i++) {
        struct route route = route_of(&candidates.list[i]);

        if (!candidates.list[i].rejected)
            release_route(ctx, &route, payment_iter(ctx->payment) + 1, ask);
    }
}

/* Adds the commit of the shop's limits, which go with a routing that came to no end. */
static void shop_is_told(struct step_ctx *ctx, struct limits_ask *ask)
{
    if (!limits_ask_shop_commit(ctx, ask))
        memset(ctx->out, 0, sizeof(*ctx->out));
}

/* Gives back the limits that the interrupted attempt may hold, though no event says so (repair.md 6). False: it is
 * ordered, or the step has failed. */
static bool release_limits(struct step_ctx *ctx)
{
    const struct route *candidates = ctx->payment->candidates.items;
    struct limits_ask ask = { 0 };
    size_t i;

    if (ctx->payment->activity == ACT_RISK_SCORING || ctx->payment->activity == ACT_ROUTING)
        shop_is_told(ctx, &ask);
    if (ctx->payment->activity == ACT_ROUTING)
        release_routing(ctx, &ask);
    for (i = 0; ctx->payment->activity == ACT_CASH_FLOW_BUILDING && i < ctx->payment->candidates.count; i++)
        release_route(ctx, &candidates[i], payment_iter(ctx->payment), &ask);
    return limits_run(ctx, &ask);
}

static void fail_pre_processing(struct step_ctx *ctx, const struct repair_scenario *scenario)
{
    const struct failure *failure = kept(ctx, &type_failure, &scenario->fail_pre_processing.failure);
    struct operation_failure reason = { .tag = OPERATION_FAILURE, .failure = *failure };

    if (release_limits(ctx))
        emit_failed(ctx, &reason);
}

/* The session under way. A payment that was to begin one and did not gets it now, in a copy of its state: what is
 * said of it then follows its beginning in the same event. NULL: it cannot be, and the step has failed. */
static const struct session *session_under_way(struct step_ctx *ctx)
{
    const struct target *target = &ctx->payment->target;
    const struct session *session = payment_current_session(ctx->payment);
    struct invoice_state *state;

    if (session)
        return session;
    emit_session_started(ctx, target);
    state = arena_alloc(ctx->in->arena, sizeof(*state));
    type_copy(&type_invoice_state, state, ctx->invoice, ctx->in->arena);
    if (invoice_fold(state, ctx->out->changes[0], ctx->in->now_us, true, ctx->in->arena)) {
        step_fail(ctx->in, ctx->out, "there is no session and none can begin");
        return NULL;
    }
    ctx->invoice = state;
    ctx->payment = invoice_active_payment(state);
    return payment_session(ctx->payment, target->tag);
}

/* As if the adapter had finished with STATUS. A suspended session ends as it stands: nothing activates it. */
static void finish_session(struct step_ctx *ctx, const struct proxy_status *status, const struct trx *trx)
{
    const struct session *current;
    struct session *session;
    struct proxy_finish finish = { .status = *status };
    struct proxy_result result = {
        .intent = { .tag = PROXY_INTENT_FINISH, .finish = &finish }, .trx = kept(ctx, &type_trx, trx),
    };

    if (ctx->payment->activity == ACT_PROCESSING_SESSION && !limits_release_unused(ctx))
        return;
    current = session_under_way(ctx);
    if (!current)
        return;
    if (current->status == SESSION_FINISHED) {
        step_fail(ctx->in, ctx->out, "the %s session is finished", type_name_of(&type_target, current->target.tag));
        return;
    }
    session = arena_memdup(ctx->in->arena, current, sizeof(*session));
    session->status = SESSION_ACTIVE;
    session_apply(ctx, session, &result);
}

static void fail_session(struct step_ctx *ctx, const struct repair_scenario *scenario)
{
    struct proxy_status status = {
        .tag = PROXY_STATUS_FAILURE, .failure = kept(ctx, &type_failure, &scenario->fail_session.failure),
    };

    finish_session(ctx, &status, scenario->fail_session.trx);
}

static void fulfill_session(struct step_ctx *ctx, const struct repair_scenario *scenario)
{
    static const struct proxy_success success;
    struct proxy_status status = { .tag = PROXY_STATUS_SUCCESS, .success = &success };

    finish_session(ctx, &status, scenario->fulfill_session.trx);
}

struct scenario_row {
    int scenario;  /* REPAIR_* */
    unsigned fits; /* activities, as bits */
    void (*run)(struct step_ctx *ctx, const struct repair_scenario *scenario);
};

#define PRE_PROCESSING (IN(ACT_NEW) | IN(ACT_RISK_SCORING) | IN(ACT_ROUTING) | IN(ACT_CASH_FLOW_BUILDING))

static const struct scenario_row rows[] = {
    { REPAIR_SKIP_INSPECTOR, IN(ACT_NEW) | IN(ACT_RISK_SCORING), skip_inspector },
    { REPAIR_FAIL_PRE_PROCESSING, PRE_PROCESSING, fail_pre_processing },
    { REPAIR_FAIL_SESSION, IN(ACT_PROCESSING_SESSION) | IN(ACT_REFUND), fail_session },
    { REPAIR_FULFILL_SESSION, IN(ACT_PROCESSING_SESSION) | IN(ACT_FINALIZING_SESSION) | IN(ACT_REFUND),
      fulfill_session },
    { REPAIR_CHANGE_REVISION, ~IN(ACT_IDLE), repair_change_revision },
};

/* Of a refund only its session is anybody's to speak of, and the revision that it is worked by. */
static const struct scenario_row *row_find(const struct payment_state *payment, int scenario)
{
    const struct refund_state *refund = payment_pending_refund(payment);
    size_t i;

    if (refund && refund_stage(refund) != REFUND_SESSION && scenario != REPAIR_CHANGE_REVISION)
        return NULL;
    for (i = 0; i < SL_COUNT(rows); i++) {
        if (rows[i].scenario == scenario && rows[i].fits & IN(payment->activity))
            return &rows[i];
    }
    return NULL; /* of a complex one inside a complex one, too */
}

/* The first of SCENARIO's parts that fits, or itself; NULL: none. */
static const struct scenario_row *row_choose(const struct payment_state *payment,
                                             const struct repair_scenario **scenario)
{
    const struct type_list *list = &(*scenario)->complex.scenarios;
    const struct repair_scenario *parts = list->items;
    const struct scenario_row *row = NULL;
    size_t i;

    if ((*scenario)->tag != REPAIR_COMPLEX)
        return row_find(payment, (*scenario)->tag);
    for (i = 0; !row && i < list->count; i++) {
        row = row_find(payment, parts[i].tag);
        *scenario = &parts[i];
    }
    return row;
}

void repair_with_scenario(const struct step_in *in, const struct repair_scenario_call *call, struct step_out *out)
{
    const struct repair_scenario *scenario = &call->scenario;
    struct step_ctx ctx = { .in = in, .out = out, .invoice = in->state };
    const struct scenario_row *row;

    ctx.payment = invoice_active_payment(ctx.invoice);
    if (!ctx.payment) {
        refuse_repair(in, out, REPAIR_NO_ACTIVE_PAYMENT, NULL);
        return;
    }
    ctx.refund = payment_pending_refund(ctx.payment);
    row = row_choose(ctx.payment, &scenario);
    if (!row) {
        refuse_repair_scenario(in, out, payment_activity_label(ctx.payment),
                               type_name_of(&type_repair_scenario, call->scenario.tag));
        return;
    }
    if (!in->config) {
        step_retry(in, out, "there is no configuration");
        return;
    }
    row->run(&ctx, scenario);
    if (out->end == STEP_FAIL)
        refuse_repair(in, out, REPAIR_STEP_FAILED, arena_strdup(in->arena, out->reason));
}

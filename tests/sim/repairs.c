/* See repairs.h. */
#include "sim/repairs.h"

#include <string.h>

static const struct failure_sub declined = { .code = "operation_blocked" };
static const struct failure_sub busy = { .code = "temporarily_unavailable" };

/* ---- deciding ---- */

/* The key under which the bank has the payment's session; NULL: it has none that is under way. */
static const char *session_key(const struct repair_plan *plan, struct arena *arena)
{
    const struct payment_state *payment = plan->payment;
    const struct refund_state *refund = payment->activity == ACT_REFUND ? payment_pending_refund(payment) : NULL;
    const struct session *session = payment_current_session(payment);

    if (!session || session->status == SESSION_FINISHED)
        return NULL;
    if (refund)
        return arena_printf(arena, "%s.%s.%s.refunded.%zu", plan->shopper->id, payment->payment.id, refund->refund.id,
                            refund->sessions.count);
    return arena_printf(arena, "%s.%s.%s.%d", plan->shopper->id, payment->payment.id,
                        type_name_of(&type_target, session->target.tag),
                        payment_retries(payment, session->target.tag) + 1);
}

/* What the session is about at the bank. */
static int64_t session_amount(const struct repair_plan *plan, const struct session *session)
{
    if (session->target.tag == TARGET_CAPTURED && session->target.captured.cost)
        return session->target.captured.cost->amount;
    return payment_state_cost(plan->payment)->amount;
}

/* Asks the bank. By hand it captures and cancels what it had refused. */
static bool plan_session(struct repair_plan *plan)
{
    struct sim *sim = plan->shopper->sim;
    const struct session *session = payment_current_session(plan->payment);
    struct arena *arena = arena_new();
    const char *key = session_key(plan, arena);

    if (key) {
        plan->by_hand = plan->payment->activity == ACT_FINALIZING_SESSION;
        bank_settle(sim, key, session->target.tag, plan->by_hand, session_amount(plan, session),
                    plan->payment->trx ? plan->payment->trx->id : NULL, &plan->word);
    }
    arena_free(arena);
    /* Another cost than ours is in the bank's answer alone. */
    if (!key || (session->target.tag == TARGET_PROCESSED && plan->word.done &&
                 plan->word.amount != payment_state_cost(plan->payment)->amount))
        return false;
    if (rng_below(&sim->choices, 4) == 0)
        plan->deed = DEED_REPAIR_COMPLEX;
    else if (plan->payment->activity != ACT_REFUND && rng_below(&sim->choices, 3) == 0)
        plan->deed = DEED_REPAIR_CHANGES;
    else
        plan->deed = plan->word.done ? DEED_REPAIR_FULFILL_SESSION : DEED_REPAIR_FAIL_SESSION;
    return true;
}

bool repair_plan(struct repair_plan *plan)
{
    uint64_t draw = rng_below(&plan->shopper->sim->choices, 4);

    plan->payment = invoice_active_payment(plan->state);
    plan->deed = DEED_REPAIR_TIMER;
    if (!plan->payment || draw == 0)
        return true;
    if (plan->payment->payment.domain_revision < (int64_t)plan->shopper->sim->revision_count &&
        rng_below(&plan->shopper->sim->choices, 3) == 0) {
        plan->deed = DEED_REPAIR_REVISION;
        return true;
    }
    switch (plan->payment->activity) {
    case ACT_RISK_SCORING:
        plan->deed = draw == 1 ? DEED_REPAIR_FAIL_EARLY : draw == 2 ? DEED_REPAIR_COMPLEX : DEED_REPAIR_SKIP_INSPECTOR;
        return true;
    case ACT_ROUTING:
    case ACT_CASH_FLOW_BUILDING:
        plan->deed = draw == 1 ? DEED_REPAIR_COMPLEX : DEED_REPAIR_FAIL_EARLY;
        return true;
    case ACT_PROCESSING_SESSION:
    case ACT_FINALIZING_SESSION: return plan_session(plan);
    case ACT_REFUND: return refund_stage(payment_pending_refund(plan->payment)) == REFUND_SESSION && plan_session(plan);
    default: return true;
    }
}

bool repair_misfit(struct repair_plan *plan)
{
    static const int scenarios[] = { REPAIR_SKIP_INSPECTOR, REPAIR_FAIL_PRE_PROCESSING, REPAIR_FULFILL_SESSION };
    struct sim *sim = plan->shopper->sim;
    int activity;

    plan->payment = invoice_active_payment(plan->state);
    activity = plan->payment ? plan->payment->activity : ACT_IDLE;
    plan->deed = DEED_REPAIR_MISFIT;
    plan->scenario = scenarios[rng_below(&sim->choices, SL_COUNT(scenarios))];
    if (rng_below(&sim->choices, 4) == 0)
        plan->scenario = 0; /* changes that may not come */
    switch (plan->scenario) {
    case REPAIR_SKIP_INSPECTOR: return activity != ACT_RISK_SCORING;
    case REPAIR_FAIL_PRE_PROCESSING:
        return activity != ACT_RISK_SCORING && activity != ACT_ROUTING && activity != ACT_CASH_FLOW_BUILDING;
    case REPAIR_FULFILL_SESSION:
        return activity != ACT_PROCESSING_SESSION && activity != ACT_FINALIZING_SESSION && activity != ACT_REFUND;
    default: return true;
    }
}

/* ---- filling ---- */

static struct failure failure_of(const struct want *want)
{
    return (struct failure){
        .code = "authorization_failed", .reason = want->what,
        .sub = rng_below(&want->sim->choices, 6) == 0 ? &busy : &declined,
    };
}

static const struct trx *trx_of(const struct repair_plan *plan, struct arena *arena)
{
    struct trx *trx = arena_alloc(arena, sizeof(*trx));

    if (!plan->word.trx[0])
        return NULL;
    trx->id = arena_strdup(arena, plan->word.trx);
    trx->extra = no_items(arena);
    return trx;
}

static void scenario_of(const struct repair_plan *plan, int tag, const struct want *want, struct repair_scenario *out)
{
    out->tag = tag;
    out->change_revision.domain_revision = (int64_t)want->sim->revision_count;
    out->skip_inspector.risk_score = rng_below(&want->sim->choices, 8) == 0 ? 4 : 2;
    out->fail_pre_processing.failure = failure_of(want);
    out->fail_session.failure = failure_of(want);
    out->fail_session.trx = plan->payment && plan->word.trx[0] ? trx_of(plan, want->arena) : NULL;
    out->fulfill_session.trx = plan->payment ? trx_of(plan, want->arena) : NULL;
}

/* One list for payments in different places: only what fits is applied. */
static void complex_of(const struct repair_plan *plan, const struct want *want, struct repair_scenario *out)
{
    struct repair_scenario *list = arena_array(want->arena, 3, sizeof(*list));
    int last = plan->word.done ? REPAIR_FULFILL_SESSION : REPAIR_FAIL_SESSION;

    scenario_of(plan, REPAIR_SKIP_INSPECTOR, want, &list[0]);
    scenario_of(plan, REPAIR_FAIL_PRE_PROCESSING, want, &list[1]);
    scenario_of(plan, last, want, &list[2]);
    out->tag = REPAIR_COMPLEX;
    out->complex.scenarios = (struct type_list){ list, 3 };
}

static void put_scenario(const struct repair_plan *plan, int tag, struct want *want)
{
    struct repair_scenario_call *call = arena_alloc(want->arena, sizeof(*call));

    if (tag == REPAIR_COMPLEX)
        complex_of(plan, want, &call->scenario);
    else
        scenario_of(plan, tag, want, &call->scenario);
    want->call.kind = CALL_REPAIR_SCENARIO;
    want->call.repair_scenario = call;
}

static void put_change(struct repair_call *call, const struct repair_plan *plan, const struct payment_change *change,
                       struct arena *arena)
{
    struct invoice_change *list = call->changes.items;
    struct invoice_payment_change *of = arena_alloc(arena, sizeof(*of));

    of->id = arena_strdup(arena, plan->payment->payment.id);
    of->payload = *change;
    list[call->changes.count++] = (struct invoice_change){ .tag = ICHG_PAYMENT_CHANGE, .invoice_payment_change = of };
}

static void put_session_change(struct repair_call *call, const struct repair_plan *plan, const struct session_change *payload,
                               struct arena *arena)
{
    struct payment_session_change *session = arena_alloc(arena, sizeof(*session));

    type_copy(&type_target, &session->target, &payment_current_session(plan->payment)->target, arena);
    session->payload = *payload;
    put_change(call, plan, &(struct payment_change){ .tag = PCHG_SESSION_CHANGE, .session_change = session }, arena);
}

/* The session ends as the bank says, in the changes that its step would have made. */
static void put_changes(const struct repair_plan *plan, struct want *want, struct repair_call *call)
{
    struct arena *arena = want->arena;
    struct failed *failed = arena_alloc(arena, sizeof(*failed));
    struct rollback_started *rollback = arena_alloc(arena, sizeof(*rollback));
    const struct trx *trx = trx_of(plan, arena);
    struct session_change finished = { .tag = SCHG_FINISHED, .session_finished.result.tag = SESSION_SUCCEEDED };

    if (trx && !plan->payment->trx)
        put_session_change(call, plan, &(struct session_change){
            .tag = SCHG_TRANSACTION_BOUND, .session_transaction_bound.trx = *trx }, arena);
    failed->failure = (struct operation_failure){ .tag = OPERATION_FAILURE, .failure = failure_of(want) };
    if (!plan->word.done)
        finished.session_finished.result = (struct session_result){ .tag = SESSION_FAILED, .failed = failed };
    put_session_change(call, plan, &finished, arena);
    rollback->reason = failed->failure;
    if (!plan->word.done)
        put_change(call, plan, &(struct payment_change){ .tag = PCHG_ROLLBACK_STARTED, .rollback_started = rollback }, arena);
}

static void put_repair(const struct repair_plan *plan, struct want *want)
{
    struct repair_call *call = arena_alloc(want->arena, sizeof(*call));
    struct repair_action *action = arena_alloc(want->arena, sizeof(*action));
    struct payment_status_changed *status = arena_alloc(want->arena, sizeof(*status));

    call->changes.items = arena_array(want->arena, 4, sizeof(struct invoice_change));
    want->call.kind = CALL_REPAIR;
    want->call.repair = call;
    if (plan->deed == DEED_REPAIR_CHANGES) {
        put_changes(plan, want, call);
    } else if (plan->deed == DEED_REPAIR_MISFIT) { /* there is no payment of this name */
        status->status.tag = PAYMENT_PROCESSED;
        put_change(call, &(struct repair_plan){ .payment = &(struct payment_state){ .payment.id = "nobody" } },
                   &(struct payment_change){ .tag = PCHG_STATUS_CHANGED, .status_changed = status }, want->arena);
    } else {
        action->timer.tag = REPAIR_SET_TIMER;
        action->timer.set_timer.timer = (struct repair_timer){
            .tag = REPAIR_TIMER_TIMEOUT, .timeout = rng_between(&want->sim->choices, 0, 5),
        };
        call->action = action;
    }
}

void repair_fill_early(const struct repair_plan *plan, struct want *want)
{
    put_scenario(plan, REPAIR_FAIL_PRE_PROCESSING, want);
}

void repair_fill(const struct repair_plan *plan, struct want *want)
{
    switch ((int)plan->deed) {
    case DEED_REPAIR_SKIP_INSPECTOR: put_scenario(plan, REPAIR_SKIP_INSPECTOR, want); break;
    case DEED_REPAIR_FAIL_EARLY: put_scenario(plan, REPAIR_FAIL_PRE_PROCESSING, want); break;
    case DEED_REPAIR_FAIL_SESSION: put_scenario(plan, REPAIR_FAIL_SESSION, want); break;
    case DEED_REPAIR_FULFILL_SESSION: put_scenario(plan, REPAIR_FULFILL_SESSION, want); break;
    case DEED_REPAIR_COMPLEX: put_scenario(plan, REPAIR_COMPLEX, want); break;
    case DEED_REPAIR_REVISION: put_scenario(plan, REPAIR_CHANGE_REVISION, want); break;
    case DEED_REPAIR_MISFIT:
        if (plan->scenario)
            put_scenario(plan, plan->scenario, want);
        else
            put_repair(plan, want);
        break;
    default: put_repair(plan, want); break;
    }
    if (plan->deed == DEED_REPAIR_TIMER || plan->deed == DEED_REPAIR_REVISION || plan->deed == DEED_REPAIR_SKIP_INSPECTOR || plan->word.done)
        want->needle = NULL; /* nothing that goes into the history has the marker */
    if (plan->deed == DEED_REPAIR_COMPLEX && plan->payment->activity == ACT_RISK_SCORING)
        want->needle = NULL; /* the inspector is skipped */
}

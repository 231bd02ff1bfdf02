/* See plan.h. */
#include "payment/plan.h"

#include <assert.h>
#include <inttypes.h>

struct plan plan_first(const struct type_list *flow)
{
    return (struct plan){ .batches = { *flow }, .count = 1 };
}

struct plan plan_extended(const struct plan *plan, const struct type_list *by, struct arena *arena)
{
    struct plan longer = *plan;

    assert(plan->count > 0 && plan->count + 2 <= PLAN_BATCHES_MAX);
    longer.batches[longer.count] = cashflow_revert(&plan->batches[plan->count - 1], arena);
    longer.batches[longer.count + 1] = *by;
    longer.count += 2;
    return longer;
}

struct plan plan_replaced(const struct type_list *flow, const struct type_list *by, struct arena *arena)
{
    struct plan first = plan_first(flow);

    return plan_extended(&first, by, arena);
}

struct plan plan_of(const struct payment_state *payment, struct arena *arena)
{
    struct plan plan = plan_first(&payment->cash_flow);

    if (payment->new_cash_provided && !payment->new_cash) /* changed, and its flow is built */
        plan = plan_extended(&plan, &payment->new_cash_flow, arena);
    if (payment->final_flow == FINAL_PARTIAL)
        plan = plan_extended(&plan, &payment->partial_cash_flow, arena);
    return plan;
}

struct plan plan_held(const struct payment_state *payment, struct arena *arena)
{
    struct plan plan = plan_of(payment, arena);

    if (payment->activity == ACT_UPDATING_ACCOUNTER && payment->final_flow == FINAL_PARTIAL)
        plan.count -= 2; /* plan_extended adds as many */
    return plan;
}

static void plan_tally(struct step_ctx *ctx, const struct ledger_delta *row, const char *balance, int64_t delta)
{
    if (delta)
        step_tally(ctx->out, arena_printf(ctx->in->arena, "%" PRId64 ":%s", row->account_id, balance), delta, row->currency);
}

/* The engine bounds one tally; a sum beyond it is a fault of the configuration, not of ours. */
static bool plan_fits(const struct ledger_delta *row)
{
    const int64_t deltas[] = { row->own, row->min, row->max };
    size_t i;

    for (i = 0; i < SL_COUNT(deltas); i++) {
        if (deltas[i] > TALLY_MAX || deltas[i] < -TALLY_MAX)
            return false;
    }
    return true;
}

bool plan_apply(struct step_ctx *ctx, enum ledger_act act, const struct plan *plan, size_t held)
{
    const struct ledger_delta *rows;
    struct type_list deltas;
    const char *why = NULL;
    size_t i;

    if (ledger_apply(act, plan->batches, plan->count, held, ctx->in->arena, &deltas, &why)) {
        step_fail(ctx->in, ctx->out, "the posting plan is impossible: %s", why);
        return false;
    }
    rows = deltas.items;
    if (ctx->out->tally_count + 3 * deltas.count > STEP_TALLIES_MAX) {
        step_fail(ctx->in, ctx->out, "the posting plan touches too many accounts");
        return false;
    }
    for (i = 0; i < deltas.count; i++) {
        if (!plan_fits(&rows[i])) {
            step_fail(ctx->in, ctx->out, "the posting plan moves too much on account %" PRId64, rows[i].account_id);
            return false;
        }
        plan_tally(ctx, &rows[i], "own", rows[i].own);
        plan_tally(ctx, &rows[i], "min", rows[i].min);
        plan_tally(ctx, &rows[i], "max", rows[i].max);
    }
    return true;
}

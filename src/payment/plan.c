/* See plan.h. */
#include "payment/plan.h"

#include <inttypes.h>

struct plan plan_first(const struct type_list *flow)
{
    return (struct plan){ .batches = { *flow }, .count = 1 };
}

struct plan plan_replaced(const struct type_list *flow, const struct type_list *by, struct arena *arena)
{
    return (struct plan){ .batches = { *flow, cashflow_revert(flow, arena), *by }, .count = 3 };
}

struct plan plan_of(const struct payment_state *payment, struct arena *arena)
{
    switch (payment->final_flow) {
    case FINAL_PARTIAL: return plan_replaced(&payment->cash_flow, &payment->partial_cash_flow, arena);
    case FINAL_NEW: return plan_replaced(&payment->cash_flow, &payment->new_cash_flow, arena);
    default: return plan_first(&payment->cash_flow);
    }
}

static void plan_tally(struct step_ctx *ctx, const struct ledger_delta *row, const char *balance, int64_t delta)
{
    if (delta)
        step_tally(ctx->out, arena_printf(ctx->in->arena, "%" PRId64 ":%s", row->account_id, balance), delta);
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

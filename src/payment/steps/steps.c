/* Which step an activity has: the table of doc/spec/payment.md 7. */
#include "payment/steps.h"

#include "payment/steps/step.h"

struct step_row {
    void (*run)(struct step_ctx *ctx); /* NULL: nothing is done in this activity by a timer */
    bool effects;                      /* it orders effects and takes their results */
};

static const struct step_row rows[ACT_COUNT + 1] = {
    [ACT_SHOP_LIMIT_INITIALIZING] = { step_shop_limit_initializing, true },
    [ACT_SHOP_LIMIT_FINALIZING] = { step_shop_limit_finalizing, true },
    [ACT_SHOP_LIMIT_FAILURE] = { step_shop_limit_failure, true },
    [ACT_RISK_SCORING] = { step_risk_scoring, true },
    [ACT_ROUTING] = { step_routing, true },
    [ACT_CASH_FLOW_BUILDING] = { step_cash_flow_building, true },
    [ACT_PROCESSING_SESSION] = { step_processing_session, true },
    [ACT_PROCESSING_ACCOUNTER] = { step_processing_accounter, true },
    [ACT_FLOW_WAITING] = { step_flow_waiting, false },
    [ACT_PROCESSING_CAPTURE] = { step_processing_capture, true },
    [ACT_UPDATING_ACCOUNTER] = { step_updating_accounter, false },
    [ACT_FINALIZING_SESSION] = { step_finalizing_session, true },
    [ACT_FINALIZING_ACCOUNTER] = { step_finalizing_accounter, true },
    [ACT_ROUTING_FAILURE] = { step_routing_failure, true },
    [ACT_PROCESSING_FAILURE] = { step_processing_failure, true },
    [ACT_REFUND] = { step_refund, true },
};

const struct effect_result *step_effect_result(const struct step_ctx *ctx)
{
    return ctx->in->input == IN_EFFECT ? ctx->in->args : NULL;
}

void payment_step(const struct step_in *in, struct step_out *out)
{
    const struct invoice_state *invoice = in->state;
    struct step_ctx ctx = {
        .in = in, .out = out, .invoice = invoice, .payment = invoice_active_payment(invoice),
    };
    const struct step_row *row;

    if (!ctx.payment) {
        step_fail(in, out, "no payment is active");
        return;
    }
    ctx.refund = payment_pending_refund(ctx.payment);
    row = &rows[ctx.payment->activity];
    if (!row->run || (in->input == IN_EFFECT && !row->effects)) {
        step_fail(in, out, "nothing is to be done in %s", activity_name(ctx.payment->activity));
        return;
    }
    if (!in->config) {
        step_fail(in, out, "there is no configuration");
        return;
    }
    row->run(&ctx);
}

/* CapturePayment and CancelPayment: what a merchant decides about money that is held. The checks stand in the
 * order of doc/spec/payment.md 9; a refused call leaves the machine as it was, also where the configuration is at
 * fault.
 *
 *     flow_waiting --> capture_started, session_started(captured)      all of it
 *                  --> capture_started, cash_flow_changed              a part: updating_accounter comes next
 *                  --> session_started(cancelled)
 *
 * Capture, cancel and the end of the hold are inputs of one machine: the first that is committed leaves
 * flow_waiting, and the others find it left.                                                        */
#include "domain/domain.h"
#include "payment/calls.h"
#include "payment/emit.h"
#include "payment/errors.h"
#include "payment/flow.h"
#include "payment/steps.h"

/* ---- checks that both calls make ---- */

/* Checks 1 and 2: the payment PAYMENT_ID, into CTX. False: refused. */
static bool find_payment(struct step_ctx *ctx, const char *payment_id)
{
    const struct invoice *invoice = &ctx->invoice->invoice;

    if (!ctx->in->head) {
        step_retry(ctx->in, ctx->out, "no configuration is known");
        return false;
    }
    if (!require_operable(ctx->in, ctx->out, ctx->in->head, invoice->party_ref.id, invoice->shop_ref.id, false))
        return false;
    ctx->payment = invoice_payment(ctx->invoice, payment_id);
    if (!ctx->payment) {
        refuse(ctx->in, ctx->out, ERR_PAYMENT_NOT_FOUND);
        return false;
    }
    return true;
}

/* Checks 6 and 7: it waits for just this decision. */
static bool check_waits(struct step_ctx *ctx)
{
    const struct payment_state *payment = ctx->payment;

    if (payment->activity != ACT_FLOW_WAITING)
        refuse_payment_status(ctx->in, ctx->out, &payment->payment.status);
    else if (payment->payment.flow.tag != FLOW_HOLD)
        refuse(ctx->in, ctx->out, ERR_OPERATION_NOT_PERMITTED);
    else if (payment != invoice_active_payment(ctx->invoice))
        step_retry(ctx->in, ctx->out, "another payment of the invoice is being worked on");
    return ctx->out->end == STEP_OK;
}

/* ---- how much ---- */

/* False: refused. */
static bool cart_total(struct step_ctx *ctx, const struct invoice_cart *cart, struct cash *total)
{
    const char *why = NULL;

    if (invoice_cart_total(cart, total, &why))
        return true;
    refuse_request(ctx->in, ctx->out, "/cart", why);
    return false;
}

/* Checks 3 to 5. PARAMS->cash becomes what is to be captured; NULL: everything. */
static bool check_cash(struct step_ctx *ctx, struct capture_params *params)
{
    const struct cash *cost = &ctx->payment->payment.cost;
    struct cash total;

    if (params->allocation) {
        refuse_request(ctx->in, ctx->out, "/allocation", ALLOCATION_REFUSED);
        return false;
    }
    if (params->cart && !cart_total(ctx, params->cart, &total))
        return false;
    if (!params->cash && params->cart)
        params->cash = arena_memdup(ctx->in->arena, &total, sizeof(total));
    if (params->cash && !cash_same_currency(params->cash, cost))
        refuse_capture(ctx->in, ctx->out, ERR_INCONSISTENT_CAPTURE_CURRENCY, cost, params->cash);
    else if (params->cart && !cash_equal(params->cash, &total))
        refuse_request(ctx->in, ctx->out, "/cash", "Capture amount does not match with the cart total amount");
    return ctx->out->end == STEP_OK;
}

/* Check 10: neither the merchant's nor the provider's terms forbid to capture a part. */
static bool check_partial(struct step_ctx *ctx)
{
    const struct payment *payment = &ctx->payment->payment;
    const struct domain *domain = ctx->in->config;
    const struct shop *shop = domain_shop(domain, payment->party_ref.id, payment->shop_ref.id);
    const struct term_set *terms = shop ? domain_terms(domain, shop->terms.id) : NULL;
    const struct merchant_hold_terms *holds = terms && terms->payments ? terms->payments->holds : NULL;
    const struct route *route = payment_route(ctx->payment);
    const struct terminal *terminal = route ? domain_terminal(domain, route->terminal.id) : NULL;
    const struct provision_terms *provision = terminal ? terminal->effective : NULL;
    const struct provision_hold_terms *provided = provision && provision->payments ? provision->payments->holds : NULL;

    if (!(holds && holds->partial_captures) && !(provided && provided->partial_captures))
        return true;
    refuse(ctx->in, ctx->out, ERR_OPERATION_NOT_PERMITTED);
    return false;
}

/* ---- what is decided ---- */

static void start_capture(struct step_ctx *ctx, const struct capture_params *params, const struct cash *cash)
{
    struct capture_started started = { .data = { .reason = params->reason, .cash = cash, .cart = params->cart } };

    emit_change(ctx, &(struct payment_change){
        .tag = PCHG_CAPTURE_STARTED,
        .capture_started = arena_memdup(ctx->in->arena, &started, sizeof(started)),
    });
}

static void capture_all(struct step_ctx *ctx, const struct capture_params *params, const struct cash *cost)
{
    const struct target target = {
        .tag = TARGET_CAPTURED, .captured = { .reason = params->reason, .cost = cost, .cart = params->cart },
    };

    start_capture(ctx, params, cost);
    emit_session_started(ctx, &target);
    step_continue(ctx->in, ctx->out);
}

static void capture_part(struct step_ctx *ctx, const struct capture_params *params)
{
    struct type_list flow = { NULL, 0 };
    const char *why;

    if (!check_partial(ctx))
        return;
    if (!flow_build_partial(ctx, params->cash, &flow)) {
        why = ctx->out->reason; /* of a call: the machine need not be parked for it */
        refuse_request(ctx->in, ctx->out, NULL, arena_printf(ctx->in->arena, "The amount has no cash flow: %s", why));
        return;
    }
    if (flow.count == 0) {
        refuse_request(ctx->in, ctx->out, NULL, "The amount has no cash flow: nothing would be posted");
        return;
    }
    start_capture(ctx, params, params->cash);
    emit_cash_flow(ctx, &flow);
    step_continue(ctx->in, ctx->out);
}

void capture_payment(const struct step_in *in, const struct capture_call *call, struct step_out *out)
{
    struct step_ctx ctx = { .in = in, .out = out, .invoice = in->state };
    struct capture_params params;
    const struct cash *cost;

    if (!find_payment(&ctx, call->payment_id))
        return;
    type_copy(&type_capture_params, &params, &call->params, in->arena);
    if (!check_cash(&ctx, &params) || !check_waits(&ctx))
        return;
    cost = payment_state_cost(ctx.payment);
    if (!params.cash || params.cash->amount == cost->amount)
        capture_all(&ctx, &params, cost);
    else if (params.cash->amount > cost->amount)
        refuse_capture(in, out, ERR_AMOUNT_EXCEEDED_CAPTURE, cost, params.cash);
    else
        capture_part(&ctx, &params);
}

void cancel_payment(const struct step_in *in, const struct cancel_call *call, struct step_out *out)
{
    struct step_ctx ctx = { .in = in, .out = out, .invoice = in->state };
    struct target target = { .tag = TARGET_CANCELLED };

    if (!find_payment(&ctx, call->payment_id) || !check_waits(&ctx))
        return;
    target.cancelled.reason = arena_strdup(in->arena, call->reason);
    emit_session_started(&ctx, &target);
    step_continue(in, out);
}

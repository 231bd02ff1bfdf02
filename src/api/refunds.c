/* /v1/invoices/{id}/payments/{pid}/refunds, …/manual-refunds, …/refunds/{rid} */
#include "api/request.h"
#include "payment/calls.h"
#include "payment/kind.h"
#include "payment/state.h"
#include "payment/steps.h"
#include "payment/view.h"

void refunds_show(struct api_request *request, int status, const struct runtime_result *result,
                  const char *payment_id, const char *refund_id)
{
    const struct invoice_state *state = result->state;
    const struct payment_state *payment = state ? invoice_payment(state, payment_id) : NULL;
    const struct refund_state *refund = payment ? payment_refund(payment, refund_id) : NULL;
    const struct outcome_machine machine = request_machine(request, result);
    struct buf json = BUF_EMPTY;

    if (!payment) {
        answer_problem(request, 404, "InvoicePaymentNotFound", "the invoice has no such payment", NULL);
    } else if (!refund) {
        answer_problem(request, 404, "InvoicePaymentRefundNotFound", "the payment has no such refund", NULL);
    } else {
        view_refund(payment, refund, &machine, &json);
        answer_json(request, status, &json);
    }
}

static void got(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;
    const struct invoice_state *state = result->state;

    if (!answer_failed(request, result, "InvoiceNotFound") &&
        request_owns(request, state->invoice.party_ref.id, "InvoiceNotFound"))
        refunds_show(request, 200, result, request->params[1], request->params[2]);
}

void refunds_get(struct api_request *request)
{
    runtime_read(api_setup(request)->runtime, &invoice_kind, request->machine, 0, got, request);
}

/* ---- RefundPayment, CreateManualRefund ---- */

void refunds_taken(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;
    const struct refund_reply *reply = result->reply;

    if (answer_failed(request, result, "InvoiceNotFound"))
        return;
    if (!result->state || !reply)
        answer_problem(request, 500, "Internal", "the refund was accepted, but its state cannot be shown", NULL);
    else
        payments_answer(request, result, request->params[1], reply->refund_id);
}

static void create(struct api_request *request, bool manual)
{
    struct invoice_call *call = arena_alloc(request->arena, sizeof(*call));

    call->kind = CALL_REFUND;
    call->refund = (struct refund_call){ request->params[1], manual, *(const struct refund_params *)request->args };
    payments_call(request, call);
}

void refunds_create(struct api_request *request)
{
    create(request, false);
}

void refunds_create_manual(struct api_request *request)
{
    create(request, true);
}

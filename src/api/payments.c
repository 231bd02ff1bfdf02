/* /v1/invoices/{id}/payments, …/payments/register, …/payments/{pid} */
#include <string.h>

#include "api/owner.h"
#include "api/parents.h"
#include "api/request.h"
#include "api/settle.h"
#include "payment/calls.h"
#include "payment/kind.h"
#include "payment/steps.h"
#include "payment/view.h"

/* Which answer a call waits for. */
struct payment_wait {
    const char *payment_id, *refund_id; /* REFUND_ID NULL: the payment is the answer */
};

static void answer_payment(struct api_request *request, int status, const struct runtime_result *result, const char *id)
{
    const struct invoice_state *state = result->state;
    const struct payment_state *payment = state ? invoice_payment(state, id) : NULL;
    const struct outcome_machine machine = request_machine(request, result);
    struct buf json = BUF_EMPTY;

    if (!payment) {
        answer_problem(request, 404, "InvoicePaymentNotFound", "the invoice has no such payment", NULL);
        return;
    }
    view_payment(state, payment, result->version, &machine, &json);
    answer_json(request, status, &json);
}

static void got(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;
    const struct invoice_state *state = result->state;

    if (!answer_failed(request, result, "InvoiceNotFound") &&
        request_owns(request, state->invoice.party_ref.id, "InvoiceNotFound"))
        answer_payment(request, 200, result, request->params[1]);
}

void payments_get(struct api_request *request)
{
    runtime_read(api_setup(request)->runtime, &invoice_kind, request->machine, 0, got, request);
}

/* ---- StartPayment, RegisterPayment, CapturePayment, CancelPayment ---- */

static void answer_taken(struct api_request *request, const struct runtime_result *result, const char *payment_id,
                         const char *refund_id)
{
    if (refund_id)
        refunds_show(request, 202, result, payment_id, refund_id);
    else
        answer_payment(request, 202, result, payment_id);
}

static bool is_settled(const struct api_request *request, const struct runtime_result *result)
{
    const struct payment_wait *wait = request->wait;
    const struct payment_state *payment = invoice_payment(result->state, wait->payment_id);

    return payment && outcome_is_settled(payment);
}

static void settled(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;
    const struct payment_wait *wait = request->wait;

    if (!answer_failed(request, result, "InvoiceNotFound"))
        answer_taken(request, result, wait->payment_id, wait->refund_id);
}

void payments_answer(struct api_request *request, const struct runtime_result *result, const char *payment_id,
                     const char *refund_id)
{
    struct payment_wait *wait;
    int64_t wait_s;

    if (!request_query_i64(request, "wait", 0, SETTLE_WAIT_MAX_S, 0, &wait_s))
        return;
    answer_header(request, "Location",
                  arena_printf(request->arena, "/v1/invoices/%s/payments/%s%s%s", owner_shown(request, request->machine),
                               payment_id, refund_id ? "/refunds/" : "", refund_id ? refund_id : ""));
    if (wait_s == 0 || !request->exchange) {
        answer_taken(request, result, payment_id, refund_id);
        return;
    }
    wait = arena_alloc(request->arena, sizeof(*wait));
    wait->payment_id = arena_strdup(request->arena, payment_id);
    wait->refund_id = arena_strdup(request->arena, refund_id);
    request->wait = wait;
    settle_wait(request, request->machine, wait_s, is_settled, settled);
}

static void started(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;
    const struct start_payment_reply *reply = result->reply;

    if (answer_failed(request, result, "InvoiceNotFound"))
        return;
    if (!result->state || !reply)
        answer_problem(request, 500, "Internal", "the payment was started, but its state cannot be shown", NULL);
    else
        payments_answer(request, result, reply->payment_id, NULL);
}

/* Capture and cancel: the payment is the one in the path. */
static void decided(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;

    if (answer_failed(request, result, "InvoiceNotFound"))
        return;
    if (!result->state)
        answer_problem(request, 500, "Internal", "it was accepted, but the payment's state cannot be shown", NULL);
    else
        payments_answer(request, result, request->params[1], NULL);
}

static runtime_done_fn called_done(const struct api_request *request)
{
    switch (request->call->kind) {
    case CALL_CAPTURE:
    case CALL_CANCEL: return decided;
    case CALL_REFUND: return refunds_taken;
    default: return started;
    }
}

static void start_owned(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;
    const struct invoice_state *state = result->state;

    if (!answer_failed(request, result, "InvoiceNotFound") &&
        request_owns(request, state->invoice.party_ref.id, "InvoiceNotFound"))
        request_call(request, request->machine, called_done(request));
}

/* Makes the call; all that it needs to know is in it. */
static void call_known(struct api_request *request)
{
    struct runtime *runtime = api_setup(request)->runtime;

    if (request->principal && request->principal->role == ROLE_MERCHANT)
        runtime_read(runtime, &invoice_kind, request->machine, 0, start_owned, request);
    else
        request_call(request, request->machine, called_done(request));
}

static void call_with_parent(struct api_request *request, const struct parent_payment *parent)
{
    if (request->call->kind == CALL_START_PAYMENT)
        request->call->start_payment.parent = parent;
    else
        request->call->register_payment.parent = parent;
    call_known(request);
}

/* The payer of the payment that CALL starts, if it is a recurrent one; else NULL. */
static const struct recurrent_params *recurrent_payer_of(const struct invoice_call *call)
{
    const struct payer_params *payer = NULL;

    if (call->kind == CALL_START_PAYMENT)
        payer = &call->start_payment.payer;
    else if (call->kind == CALL_REGISTER_PAYMENT)
        payer = &call->register_payment.payer_params;
    return payer && payer->tag == PAYER_RECURRENT ? payer->recurrent : NULL;
}

void payments_call(struct api_request *request, struct invoice_call *call)
{
    const struct recurrent_params *payer = recurrent_payer_of(call);
    int64_t wait_s;

    if (!request_query_i64(request, "wait", 0, SETTLE_WAIT_MAX_S, 0, &wait_s))
        return;
    request->call = call;
    if (payer)
        parent_read(request, payer, call_with_parent);
    else
        call_known(request);
}

void payments_start(struct api_request *request)
{
    struct invoice_call *call = arena_alloc(request->arena, sizeof(*call));

    call->kind = CALL_START_PAYMENT;
    call->start_payment = *(const struct start_payment_call *)request->args;
    payments_call(request, call);
}

void payments_register(struct api_request *request)
{
    struct invoice_call *call = arena_alloc(request->arena, sizeof(*call));

    call->kind = CALL_REGISTER_PAYMENT;
    call->register_payment = *(const struct register_payment_call *)request->args;
    payments_call(request, call);
}

void payments_capture(struct api_request *request)
{
    struct invoice_call *call = arena_alloc(request->arena, sizeof(*call));

    call->kind = CALL_CAPTURE;
    call->capture = (struct capture_call){ request->params[1], *(const struct capture_params *)request->args };
    payments_call(request, call);
}

void payments_cancel(struct api_request *request)
{
    struct invoice_call *call = arena_alloc(request->arena, sizeof(*call));

    call->kind = CALL_CANCEL;
    call->cancel = (struct cancel_call){ request->params[1], ((const struct reason_call *)request->args)->reason };
    payments_call(request, call);
}

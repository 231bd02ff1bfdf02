/* /v1/provider: what adapters ask of us. Ref: doc/spec/session.md 5, 7, 11. */
#include "api/request.h"
#include "payment/calls.h"
#include "payment/effect.h"
#include "payment/kind.h"
#include "payment/proxy.h"
#include "payment/state.h"

/* Every tag that nobody waits under is the same to an adapter. */
static void answer_unknown_tag(struct api_request *request)
{
    answer_problem(request, 400, "InvalidRequest", "Not found",
                   ",\"errors\":[{\"field\":\"\",\"message\":\"Not found\"}]");
}

static void call_answered(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;
    struct buf json = BUF_EMPTY;

    if (result->err == SL_ENOENT) {
        answer_unknown_tag(request);
        return;
    }
    if (answer_failed(request, result, "InvalidRequest"))
        return;
    if (request->call->kind == CALL_CALLBACK && result->reply)
        type_encode(&type_callback_reply, result->reply, &json);
    else
        buf_str(&json, "{}");
    answer_json(request, 200, &json);
}

static void tag_resolved(void *arg, enum sl_err err, const char *id)
{
    struct api_request *request = arg;

    if (err == SL_ENOENT)
        answer_unknown_tag(request);
    else if (err)
        answer_err(request, err, "InvalidRequest", NULL);
    else
        runtime_call(api_setup(request)->runtime, &invoice_kind, id, request->call, CALL_DEADLINE_MS, call_answered,
                     request);
}

void callbacks_post(struct api_request *request)
{
    const struct callback_call *body = request->args;

    request->call = arena_alloc(request->arena, sizeof(*request->call));
    request->call->kind = CALL_CALLBACK;
    request->call->callback = (struct callback_call){ request->params[0], body->payload };
    runtime_resolve_tag(api_setup(request)->runtime, request->params[0], tag_resolved, request);
}

void callbacks_session(struct api_request *request)
{
    const struct session_change_call *body = request->args;

    request->call = arena_alloc(request->arena, sizeof(*request->call));
    request->call->kind = CALL_SESSION_CHANGE;
    request->call->session_change = (struct session_change_call){ request->params[0], body->change };
    runtime_resolve_tag(api_setup(request)->runtime, request->params[0], tag_resolved, request);
}

/* ---- GetPayment ---- */

static void answer_payment_info(struct api_request *request, const struct runtime_result *result)
{
    const struct api_setup *setup = api_setup(request);
    const struct invoice_state *state = result->state;
    const struct payment_state *payment = payment_of_tag(state, request->params[0]);
    const struct domain *head = domain_store_ops.head(setup->domains), *config;
    struct payment_info info = { 0 };
    struct buf json = BUF_EMPTY;
    const char *why;

    if (!payment) {
        answer_problem(request, 404, "PaymentNotFound", "no payment has this tag", NULL);
        return;
    }
    config = domain_store_ops.get(setup->domains, payment->payment.domain_revision);
    if (payment_info_of(state, payment, config ? config : head, head, request->arena, &info, &why)) {
        answer_problem(request, 500, "Internal", why, NULL);
        return;
    }
    type_encode(&type_payment_info, &info, &json);
    answer_json(request, 200, &json);
}

static void tagged_read(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;

    if (!answer_failed(request, result, "PaymentNotFound"))
        answer_payment_info(request, result);
}

static void tag_found(void *arg, enum sl_err err, const char *id)
{
    struct api_request *request = arg;

    if (err)
        answer_err(request, err, "PaymentNotFound", NULL);
    else
        runtime_read(api_setup(request)->runtime, &invoice_kind, id, 0, tagged_read, request);
}

void callbacks_payment(struct api_request *request)
{
    runtime_resolve_tag(api_setup(request)->runtime, request->params[0], tag_found, request);
}

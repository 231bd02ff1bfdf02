/* /v1/invoices, /v1/invoices/{id}, …/rescind, …/fulfill */
#include <string.h>

#include "api/owner.h"
#include "api/request.h"
#include "domain/reduce.h"
#include "payment/calls.h"
#include "payment/errors.h"
#include "payment/invoice_repeat.h"
#include "payment/kind.h"
#include "payment/view.h"

#define NOT_FOUND "InvoiceNotFound"

static void answer_invoice(struct api_request *request, int status, const struct runtime_result *result)
{
    const struct invoice_state *state = result->state;
    const struct outcome_machine machine = request_machine(request, result);
    struct buf json = BUF_EMPTY;

    if (!state) {
        answer_problem(request, 500, "Internal", "the invoice's state cannot be shown", NULL);
        return;
    }
    view_invoice(state, result->version, &machine, &json);
    answer_json(request, status, &json);
}

/* The id is taken. */
static void answer_existing(struct api_request *request, const struct runtime_result *result)
{
    const struct invoice_state *state = result->state;
    struct type_places differs = { .count = 0 };

    if (state)
        invoice_differ(&state->invoice, request->args, request->arena, &differs);
    if (result->removed)
        answer_problem(request, 409, "InvoiceRemoved", result->detail, NULL);
    else if (differs.count)
        answer_reused(request, &differs);
    else
        answer_invoice(request, 200, result);
}

static void created(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;

    if (result->err == SL_EEXIST) {
        answer_existing(request, result);
        return;
    }
    if (answer_failed(request, result, NOT_FOUND))
        return;
    answer_header(request, "Location", arena_printf(request->arena, "/v1/invoices/%s", owner_shown(request, result->id)));
    answer_invoice(request, 201, result);
}

static void create(void *arg, const char *machine)
{
    struct api_request *request = arg;

    runtime_start_once(api_setup(request)->runtime, &invoice_kind, machine, request->args, request_deadline_ms(request),
                       request->once, created, request);
}

void invoices_create(struct api_request *request)
{
    const struct invoice_params *params = request->args;

    if (request->principal && request->principal->role == ROLE_MERCHANT &&
        strcmp(request->principal->party_id, params->party_id) != 0) {
        answer_problem(request, 403, "Forbidden", "the token is another party's", NULL);
        return;
    }
    owner_machine(request, &invoice_kind, params->party_id, params->id, create, request);
}

static void got(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;
    const struct invoice_state *state = result->state;

    int64_t at;

    if (answer_failed(request, result, NOT_FOUND) || !request_owns(request, state->invoice.party_ref.id, NOT_FOUND) ||
        !request_query_i64(request, "at_event", 1, EVENT_NUMBER_MAX, 0, &at))
        return;
    if (at > result->version)
        answer_problem(request, 404, "EventNotFound", "the invoice has no such event yet", NULL);
    else
        answer_invoice(request, 200, result);
}

void invoices_get(struct api_request *request)
{
    int64_t at;

    if (request_query_i64(request, "at_event", 1, EVENT_NUMBER_MAX, 0, &at))
        runtime_read(api_setup(request)->runtime, &invoice_kind, request->machine, at, got, request);
}

/* ---- ComputeTerms ---- */

static void terms_got(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;
    const struct invoice_state *state = result->state;
    const struct domain *head = domain_store_ops.head(api_setup(request)->domains);
    const struct invoice *invoice = state ? &state->invoice : NULL;
    struct buf json = BUF_EMPTY;
    struct term_set terms;

    if (answer_failed(request, result, NOT_FOUND) || !request_owns(request, invoice->party_ref.id, NOT_FOUND))
        return;
    if (!head || !shop_terms_reduce(head, invoice->party_ref.id, invoice->shop_ref.id, &invoice->cost, request->arena, &terms)) {
        answer_problem(request, 404, "ShopNotFound", "the invoice's shop is not in the configuration", NULL);
        return;
    }
    type_encode(&type_term_set, &terms, &json);
    answer_json(request, 200, &json);
}

void invoices_terms(struct api_request *request)
{
    runtime_read(api_setup(request)->runtime, &invoice_kind, request->machine, 0, terms_got, request);
}

/* ---- calls ---- */

static void called(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;

    if (!answer_failed(request, result, NOT_FOUND))
        answer_invoice(request, 200, result);
}

static void call_owned(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;
    const struct invoice_state *state = result->state;

    if (!answer_failed(request, result, NOT_FOUND) && request_owns(request, state->invoice.party_ref.id, NOT_FOUND))
        request_call(request, request->machine, called);
}

/* A merchant's call needs a look at whose invoice it is first. */
static void call_invoice(struct api_request *request, struct invoice_call *call)
{
    struct runtime *runtime = api_setup(request)->runtime;

    request->call = call;
    if (request->principal && request->principal->role == ROLE_MERCHANT)
        runtime_read(runtime, &invoice_kind, request->machine, 0, call_owned, request);
    else
        request_call(request, request->machine, called);
}

void invoices_rescind(struct api_request *request)
{
    struct invoice_call *call = arena_alloc(request->arena, sizeof(*call));

    call->kind = CALL_RESCIND;
    call->rescind = *(const struct reason_call *)request->args;
    call_invoice(request, call);
}

void invoices_fulfill(struct api_request *request)
{
    struct invoice_call *call = arena_alloc(request->arena, sizeof(*call));

    call->kind = CALL_FULFILL;
    call->fulfill = *(const struct reason_call *)request->args;
    call_invoice(request, call);
}

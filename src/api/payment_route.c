/* …/payments/{pid}/route and /limits: why a payment went where it went. */
#include "api/request.h"
#include "limits/store.h"
#include "payment/kind.h"
#include "payment/route_explain.h"
#include "payment/route_values.h"

/* What is read on the way to an answer; the configuration may have to be fetched. */
struct looking {
    const char *id;
    const struct invoice_state *invoice;
    const struct payment_state *payment;
    void (*answer)(struct api_request *request, const struct domain *config);
    struct route_values *values;
};

static void configured(void *arg, enum sl_err err)
{
    struct api_request *request = arg;
    struct looking *looking = request->waiting;
    const struct domain *config =
        domain_store_ops.get(api_setup(request)->domains, looking->payment->payment.domain_revision);

    if (err || !config)
        answer_err(request, err ? err : SL_EDOWN, "VersionNotFound", "the payment's configuration cannot be read");
    else
        looking->answer(request, config);
}

/* The state is the runtime's and gone after its callback: what is needed later is copied as JSON and read again. */
static bool keep_state(struct api_request *request, const struct invoice_state *state)
{
    struct looking *looking = request->waiting;
    struct invoice_state *copy = arena_alloc(request->arena, sizeof(*copy));
    struct type_errors errors = { .count = 0 };
    struct buf json = BUF_EMPTY;
    enum sl_err err;

    type_encode(&type_invoice_state, state, &json);
    err = type_decode_text(&type_invoice_state, buf_text(&json), json.len, TYPE_STORED, request->arena, copy, &errors);
    buf_clear(&json);
    looking->invoice = copy;
    return !err;
}

static void got(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;
    struct looking *looking = request->waiting;
    const struct invoice_state *state = result->state;

    if (answer_failed(request, result, "InvoiceNotFound") ||
        !request_owns(request, state->invoice.party_ref.id, "InvoiceNotFound"))
        return;
    if (!keep_state(request, state)) {
        answer_problem(request, 500, "Internal", "the invoice's state cannot be kept", NULL);
        return;
    }
    looking->payment = invoice_payment(looking->invoice, request->params[1]);
    if (!looking->payment) {
        answer_problem(request, 404, "InvoicePaymentNotFound", "the invoice has no such payment", NULL);
        return;
    }
    domain_store_ops.fetch(api_setup(request)->domains, looking->payment->payment.domain_revision, configured, request);
}

static void look(struct api_request *request, void (*answer)(struct api_request *request, const struct domain *config))
{
    struct looking *looking = request->waiting = arena_alloc(request->arena, sizeof(*looking));

    looking->id = request->machine;
    looking->answer = answer;
    runtime_read(api_setup(request)->runtime, &invoice_kind, request->machine, 0, got, request);
}

/* ---- ExplainRoute ---- */

static const char *failure_reason(const struct payment_state *payment)
{
    const struct payment_status *status = &payment->payment.status;

    return status->tag == PAYMENT_FAILED && status->failed.failure.tag == OPERATION_FAILURE
               ? status->failed.failure.failure.reason : NULL;
}

static void explain(struct api_request *request, const struct domain *config)
{
    const struct looking *looking = request->waiting;
    const struct health_view *view = health_watch_view(api_setup(request)->health);
    const char *reason = failure_reason(looking->payment);
    struct buf json = BUF_EMPTY;

    if (!payment_route(looking->payment)) {
        answer_problem(request, 409, "RouteNotChosen",
                       reason ? arena_printf(request->arena, "no route was chosen: %s", reason)
                              : "no route has been chosen yet", NULL);
        return;
    }
    route_explain(looking->id, looking->invoice, looking->payment, config,
                  view ? view->settings : &health_defaults, request->arena, &json);
    answer_json(request, 200, &json);
}

void payments_route(struct api_request *request)
{
    look(request, explain);
}

/* ---- GetPaymentRoutesLimitValues ---- */

static void values_answer(struct api_request *request, const struct limit_answer *answer)
{
    const struct looking *looking = request->waiting;
    struct buf json = BUF_EMPTY;

    route_values_write(looking->values, answer, &json);
    answer_json(request, 200, &json);
}

static void values_read(void *arg, uint64_t number, enum sl_err err, const struct limit_answer *answer,
                        const char *detail)
{
    struct api_request *request = arg;

    (void)number;
    if (err)
        answer_err(request, err == SL_EUNKNOWN ? SL_EDOWN : err, "LimitNotFound", detail); /* only reads: nothing is open */
    else
        values_answer(request, answer);
}

static void values(struct api_request *request, const struct domain *config)
{
    struct looking *looking = request->waiting;
    const char *why;

    looking->values = route_values_new(looking->id, looking->invoice, looking->payment, config, request->arena, &why);
    if (!looking->values)
        answer_problem(request, 422, "RoutingMisconfigured", why, NULL);
    else if (route_values_order(looking->values)->count == 0)
        values_answer(request, NULL);
    else
        limit_store_run(api_setup(request)->limits, route_values_order(looking->values), request->arena, values_read,
                        request);
}

void payments_limits(struct api_request *request)
{
    look(request, values);
}

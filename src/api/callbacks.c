/* /v1/provider: what adapters ask of us. Ref: doc/spec/session.md 5, 7, 11. */
#include "api/request.h"
#include "base/clock.h"
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

/* ---- callbacks that are faster than the answer that announces them ----
 *
 * An adapter answers "suspend, under this tag" and its page may call back before that answer has arrived, been bound
 * and been committed. Such a callback must not be lost:
 *
 *     the tag is not bound      the answer is still on its way, or nobody will ever bind it: looked up again for a
 *                               moment, then "Not found"
 *     bound, not in the state   its commit is under way, here or in another daemon, or comes when the step runs
 *                               again: the call is made again until it is there, then 503, so that it is repeated
 *     in the state              the session's rules decide
 */
#define UNBOUND_WAIT_US 500000
#define EARLY_WAIT_US 10000000
#define LOOK_FIRST_MS 10
#define LOOK_MAX_MS 200

struct looking {
    int64_t wait_ms;
    bool over; /* the daemon stops */
};

static void tag_resolve(struct api_request *request);

static void look_again(void *arg)
{
    struct api_request *request = arg;

    request->give_up = NULL;
    tag_resolve(request);
}

static void look_no_more(struct api_request *request)
{
    struct looking *looking = request->waiting;

    looking->over = true;
}

/* Whether the tag is looked up once more, a little later. */
static bool looks_again(struct api_request *request, int64_t at_most_us)
{
    const struct api_setup *setup = api_setup(request);
    struct looking *looking = request->waiting;

    if (looking->over || request_stopping(request) || !request->exchange ||
        clock_mono_us() - request->began_us >= at_most_us)
        return false;
    looking->wait_ms = looking->wait_ms ? looking->wait_ms * 2 : LOOK_FIRST_MS;
    if (looking->wait_ms > LOOK_MAX_MS)
        looking->wait_ms = LOOK_MAX_MS;
    request->give_up = look_no_more;
    setup->alarm->after(setup->alarm_ctx, looking->wait_ms, look_again, request);
    return true;
}

/* Nor is there, for a provider, a payment of another one. */
static void answer_no_payment(struct api_request *request)
{
    answer_problem(request, 404, "PaymentNotFound", "no payment has this tag", NULL);
}

/* Whose tags the caller may name: a list of int64_t, NULL: anybody's. A copy: the file of tokens may be read again. */
static const struct type_list *own_providers(const struct api_request *request)
{
    const struct principal *principal = request->principal;
    struct type_list *own;

    if (!principal || !principal->provider_ids.items)
        return NULL;
    own = arena_alloc(request->arena, sizeof(*own));
    type_copy(&type_provider_ids, own, &principal->provider_ids, request->arena);
    return own;
}

static bool is_early(const struct runtime_result *result)
{
    const struct call_error *error = result->reply;

    return result->err == SL_OK && result->refused && error && error->early;
}

static void call_answered(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;
    struct buf json = BUF_EMPTY;

    if (result->err == SL_ENOENT) {
        answer_unknown_tag(request);
        return;
    }
    if (is_early(result)) {
        if (!looks_again(request, EARLY_WAIT_US))
            answer_err(request, SL_EDOWN, "InvalidRequest", "the session does not wait for this tag yet; try again");
        return;
    }
    if (result->err == SL_OK && result->refused && ((const struct call_error *)result->reply)->kind == ERR_PAYMENT_NOT_FOUND) {
        answer_no_payment(request);
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

    if (err == SL_ENOENT) {
        if (!looks_again(request, UNBOUND_WAIT_US))
            answer_unknown_tag(request);
    } else if (err) {
        answer_err(request, err, "InvalidRequest", NULL);
    } else {
        request_call(request, id, call_answered);
    }
}

static void tag_resolve(struct api_request *request)
{
    runtime_resolve_tag(api_setup(request)->runtime, request->params[0], tag_resolved, request);
}

/* Makes request->call of the invoice that the tag belongs to. */
static void tag_call(struct api_request *request)
{
    request->waiting = arena_alloc(request->arena, sizeof(struct looking));
    tag_resolve(request);
}

void callbacks_post(struct api_request *request)
{
    const struct callback_call *body = request->args;

    request->call = arena_alloc(request->arena, sizeof(*request->call));
    request->call->kind = CALL_CALLBACK;
    request->call->callback = (struct callback_call){ request->params[0], body->payload, own_providers(request) };
    tag_call(request);
}

void callbacks_session(struct api_request *request)
{
    const struct session_change_call *body = request->args;

    request->call = arena_alloc(request->arena, sizeof(*request->call));
    request->call->kind = CALL_SESSION_CHANGE;
    request->call->session_change = (struct session_change_call){ request->params[0], body->change, own_providers(request) };
    tag_call(request);
}

/* ---- GetPayment ---- */

static void tagged_read(void *arg, const struct runtime_result *result);

/* The invoice whose payment is asked for, while the payment's configuration is read. */
struct fetching {
    const char *id;
};

static void config_fetched(void *arg, enum sl_err err)
{
    struct api_request *request = arg;
    const struct fetching *fetching = request->waiting;

    if (err)
        answer_err(request, err == SL_ENOENT ? SL_ECORRUPT : err, "PaymentNotFound", "the payment's configuration cannot be read");
    else
        runtime_read(api_setup(request)->runtime, &invoice_kind, fetching->id, 0, tagged_read, request);
}

/* What is told of a payment is of its own revision, which may be in nobody's memory after a restart. */
static void config_fetch(struct api_request *request, int64_t revision, const char *id)
{
    struct fetching *fetching = arena_alloc(request->arena, sizeof(*fetching));

    if (request->waiting) { /* read a moment ago, and gone again */
        answer_err(request, SL_EDOWN, "PaymentNotFound", NULL);
        return;
    }
    fetching->id = arena_strdup(request->arena, id);
    request->waiting = fetching;
    domain_store_ops.fetch(api_setup(request)->domains, revision, config_fetched, request);
}

static void answer_payment_info(struct api_request *request, const struct runtime_result *result)
{
    const struct api_setup *setup = api_setup(request);
    const struct invoice_state *state = result->state;
    const struct payment_state *payment = payment_of_tag(state, request->params[0]);
    const struct session *session = session_of_tag(state, request->params[0]);
    const struct domain *head = domain_store_ops.head(setup->domains);
    const struct domain *config = payment ? domain_store_ops.get(setup->domains, payment->payment.domain_revision) : NULL;
    struct payment_info info = { 0 };
    struct buf json = BUF_EMPTY;
    const char *why;

    if (!payment || !session_is_at(session, own_providers(request))) {
        answer_no_payment(request);
        return;
    }
    if (!config || !head) {
        config_fetch(request, payment->payment.domain_revision, result->id);
        return;
    }
    if (payment_info_of(result->id, state, payment, config, head, request->arena, &info, &why)) {
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

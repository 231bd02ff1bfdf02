/* The provider's two calls: taken apart, looked up in the book, answered, booked. */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "mock.h"

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

/* The text of a base64 member; the caller frees it. */
static char *decoded(const json_t *object, const char *name)
{
    size_t len;

    return base64_decode(text_of(object, name), &len);
}

static bool is_id(const char *text)
{
    return *text && strlen(text) <= ID_BYTES;
}

static bool is_cash(const json_t *cash)
{
    return json_is_integer(json_object_get(cash, "amount")) &&
           json_is_string(json_object_get(json_object_get(cash, "currency"), "symbolic_code"));
}

/* NULL: all that is needed is there. */
static const char *call_fault(const struct call *call)
{
    const json_t *refund = json_object_get(call->info, "refund"), *capture = json_object_get(call->info, "capture");

    if (strcmp(call->target, "processed") != 0 && strcmp(call->target, "captured") != 0 &&
        strcmp(call->target, "cancelled") != 0 && strcmp(call->target, "refunded") != 0)
        return "session.target must name a target";
    if (!is_id(call->invoice) || !is_id(call->payment))
        return "payment_info needs the ids of the invoice and the payment";
    if (!is_cash(call->cost) || (capture && !is_cash(json_object_get(capture, "cost"))))
        return "a cost must be an amount and a currency";
    if (strcmp(call->target, "refunded") == 0 && !(is_id(call->refund) && is_cash(json_object_get(refund, "cash"))))
        return "a refund needs payment_info.refund";
    if (!json_is_object(call->options))
        return "options are needed";
    return NULL;
}

/* Takes a PaymentContext apart; STATE is the decoded session state, which the call then borrows. */
static const char *call_read(struct mock *mock, const json_t *context, char *state, struct call *call)
{
    const json_t *session = json_object_get(context, "session"), *target = json_object_get(session, "target");
    const json_t *payment, *resource;
    void *iter = json_is_object(target) ? json_object_iter((json_t *)(uintptr_t)target) : NULL;
    char *space = strchr(state, ' ');

    memset(call, 0, sizeof(*call));
    call->mock = mock;
    call->info = json_object_get(context, "payment_info");
    call->options = json_object_get(context, "options");
    call->override = text_of(call->options, "override");
    payment = json_object_get(call->info, "payment");
    call->invoice = text_of(json_object_get(call->info, "invoice"), "id");
    call->payment = text_of(payment, "id");
    call->refund = text_of(json_object_get(call->info, "refund"), "id");
    call->cost = json_object_get(payment, "cost");
    call->target = iter ? json_object_iter_key(iter) : "";
    resource = json_object_get(json_object_get(payment, "payment_resource"), "disposable_payment_resource");
    call->tool = json_object_get(resource, "payment_tool");
    call->token = text_of(json_object_get(call->tool, "bank_card"), "token");
    call->state = state;
    call->tag = space ? space + 1 : "";
    if (space)
        *space = '\0';
    return call_fault(call);
}

static struct answer malformed(const char *why)
{
    return (struct answer){ .status = 400, .body = json_pack("{s:s}", "error", why) };
}

static struct answer booked(struct call *call, json_t *body, const char *key, const char *content)
{
    struct answer answer = { .status = body ? 200 : 500, .body = body, .delay_ms = call->delay_ms };

    if (!body)
        answer.body = json_pack("{s:s}", "error", "unexpected");
    book_keep(call->mock->book, key, content, &answer, call->effect, call->invoice, call->payment, call->effect_cash,
              call->step);
    json_decref(call->effect_cash);
    return answer;
}

/* Callbacks around a new wait come as the faults want; a repeated answer brings none of its own. */
static struct answer surrounded(struct call *call, struct answer answer, const json_t *result)
{
    const json_t *suspend = json_object_get(json_object_get(result, "intent"), "suspend");

    if (suspend)
        answer.delay_ms += callbacks_around(call->mock, call->target, suspend);
    return answer;
}

struct answer provider_process(struct mock *mock, const json_t *context, const char *key, const char *content)
{
    char *state = decoded(json_object_get(context, "session"), "state");
    struct answer answer;
    struct call call;
    const char *why = call_read(mock, context, state, &call);
    json_t *result;

    if (why) {
        answer = malformed(why);
    } else if (!book_find(mock->book, key, content, &answer)) {
        result = call_answer(&call);
        answer = surrounded(&call, booked(&call, result, key, content), result);
    }
    free(state);
    return answer;
}

struct answer provider_callback(struct mock *mock, const json_t *request, const char *key, const char *content)
{
    const json_t *context = json_object_get(request, "context");
    char *state = decoded(json_object_get(context, "session"), "state"), *payload = decoded(request, "callback");
    struct answer answer;
    struct call call;
    const char *why = call_read(mock, context, state, &call);
    json_t *result;

    call.payload = payload;
    if (why || !json_is_string(json_object_get(request, "callback"))) {
        answer = malformed(why ? why : "callback must be base64");
    } else if (!book_find(mock->book, key, content, &answer)) {
        result = call_callback(&call);
        answer = booked(&call, result ? json_pack("{s:o,s:o}", "response", base64_of("sure"), "result", result) : NULL,
                        key, content);
        answer = surrounded(&call, answer, result);
    }
    free(state);
    free(payload);
    return answer;
}

bool provider_asks_payment(struct mock *mock, const json_t *request, const char *key, char tag[NAME_BYTES])
{
    const json_t *context = json_object_get(request, "context");
    char *state = decoded(json_object_get(context, "session"), "state"), *payload = decoded(request, "callback");
    struct call call;
    bool asks;

    asks = mock->service && !call_read(mock, context, state, &call) && strcmp(call.state, "suspended") == 0 &&
           *call.tag && strlen(call.tag) < NAME_BYTES && strcmp(call.target, "processed") == 0 &&
           strcmp(payload, "lay low buddy") != 0 && strncmp(payload, "mobile_commerce", 15) != 0 &&
           !card_number_of(call.token) && !book_knows(mock->book, key);
    if (asks)
        strcpy(tag, call.tag);
    free(state);
    free(payload);
    return asks;
}

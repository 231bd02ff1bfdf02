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

/* False: parts are missing. */
static bool call_read(struct mock *mock, const json_t *context, struct call *call)
{
    const json_t *session = json_object_get(context, "session"), *target = json_object_get(session, "target");
    const json_t *payment, *resource;
    void *iter = json_is_object(target) ? json_object_iter((json_t *)(uintptr_t)target) : NULL;

    memset(call, 0, sizeof(*call));
    call->mock = mock;
    call->context = context;
    call->info = json_object_get(context, "payment_info");
    call->options = json_object_get(context, "options");
    call->override = text_of(call->options, "override");
    payment = json_object_get(call->info, "payment");
    call->invoice = text_of(json_object_get(call->info, "invoice"), "id");
    call->payment = text_of(payment, "id");
    call->cost = json_object_get(payment, "cost");
    call->target = iter ? json_object_iter_key(iter) : "";
    resource = json_object_get(json_object_get(payment, "payment_resource"), "disposable_payment_resource");
    call->tool = json_object_get(resource, "payment_tool");
    call->token = text_of(json_object_get(call->tool, "bank_card"), "token");
    return iter && *call->invoice && *call->payment && json_is_object(call->cost) && strlen(call->invoice) < 200 &&
           strlen(call->payment) < 200;
}

static struct answer unexpected(void)
{
    return (struct answer){ 500, json_pack("{s:s}", "error", "unexpected") };
}

static struct answer malformed(void)
{
    return (struct answer){ 400, json_pack("{s:s}", "error", "parts of the context are missing") };
}

static struct answer booked(struct call *call, json_t *body, const char *key, const char *content)
{
    struct answer answer = body ? (struct answer){ 200, body } : unexpected();

    book_keep(call->mock->book, key, content, &answer, call->effect, call->invoice, call->payment, call->effect_cash,
              call->step);
    json_decref(call->effect_cash);
    return answer;
}

struct answer provider_process(struct mock *mock, const json_t *context, const char *key, const char *content)
{
    struct answer answer;
    struct call call;
    char *state;

    if (!call_read(mock, context, &call))
        return malformed();
    if (book_find(mock->book, key, content, &answer))
        return answer;
    state = decoded(json_object_get(context, "session"), "state");
    call.state = state;
    answer = booked(&call, call_answer(&call), key, content);
    free(state);
    return answer;
}

struct answer provider_callback(struct mock *mock, const json_t *request, const char *key, const char *content)
{
    const json_t *context = json_object_get(request, "context");
    struct answer answer;
    struct call call;
    char *state, *payload;
    json_t *result;

    if (!call_read(mock, context, &call) || !json_is_string(json_object_get(request, "callback")))
        return malformed();
    if (book_find(mock->book, key, content, &answer))
        return answer;
    state = decoded(json_object_get(context, "session"), "state");
    payload = decoded(request, "callback");
    call.state = state;
    call.payload = payload;
    result = call_callback(&call);
    answer = booked(&call, result ? json_pack("{s:o,s:o}", "response", base64_of("sure"), "result", result) : NULL, key,
                    content);
    free(state);
    free(payload);
    return answer;
}

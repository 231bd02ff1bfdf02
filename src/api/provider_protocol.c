/* /provider-protocol.json: the calls between Sluice and adapters or inspectors as a JSON Schema, made from the tables that
 * encode and decode them. Ref: doc/provider-protocol.md. */
#include <stdlib.h>

#include "api/request.h"
#include "payment/calls.h"
#include "payment/effect.h"

/* What an adapter may ask of Sluice. NULL: no body. */
static const struct {
    const char *name, *path;
    const struct type *request, *answer;
} incoming[] = {
    { "callback", "POST /v1/provider/callbacks/{tag}", &type_callback_call, &type_callback_reply },
    { "payment", "GET /v1/provider/payments/{tag}", NULL, &type_payment_info },
    { "session", "POST /v1/provider/sessions/{tag}", &type_session_change_call, NULL },
};

/* Both sides pass over what they do not know, so no schema here forbids it. */
static void allow_more(json_t *schema)
{
    const char *name;
    json_t *value;
    void *next;
    size_t i;

    json_array_foreach(schema, i, value)
        allow_more(value);
    if (json_is_false(json_object_get(schema, "additionalProperties")))
        json_object_del(schema, "additionalProperties");
    json_object_foreach_safe(schema, next, name, value)
        allow_more(value);
}

static void add_call(json_t *calls, json_t *schemas, const char *name, const char *path, const struct type *request,
                     const struct type *answer)
{
    json_t *call = json_object();

    json_object_set_new(call, "call", json_string(path));
    if (request)
        json_object_set_new(call, "request", type_schema(request, schemas));
    if (answer)
        json_object_set_new(call, "answer", type_schema(answer, schemas));
    json_object_set_new(calls, name, call);
}

static json_t *describe(void)
{
    json_t *document = json_object(), *calls = json_object(), *schemas = json_object();
    const struct effect_wire *wire;
    char path[128];
    size_t i;
    int kind;

    for (kind = FX_INSPECT; kind < FX_END; kind++) {
        wire = effect_wire(kind);
        if (!wire->request)
            continue;
        snprintf(path, sizeof(path), "POST {url}/%s", wire->name);
        add_call(calls, schemas, wire->name, path, wire->request, wire->answer);
    }
    for (i = 0; i < SL_COUNT(incoming); i++)
        add_call(calls, schemas, incoming[i].name, incoming[i].path, incoming[i].request, incoming[i].answer);
    allow_more(schemas);
    json_object_set_new(document, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
    json_object_set_new(document, "title", json_string("Calls between Sluice and adapters or inspectors"));
    json_object_set_new(document, "calls", calls);
    json_object_set_new(document, "components", json_pack("{s:o}", "schemas", schemas));
    return document;
}

void provider_protocol_get(struct api_request *request)
{
    json_t *document = describe();
    char *dumped = json_dumps(document, JSON_COMPACT);
    struct buf text = BUF_EMPTY;

    buf_str(&text, dumped);
    free(dumped);
    json_decref(document);
    answer_json(request, 200, &text);
}

/* /openapi.json: made from the table of routes and the tables of types. */
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/owner.h"
#include "api/replies.h"
#include "api/request.h"
#include "base/qualified.h"
#include "config.h"

static bool is_text(const char *name, size_t len)
{
    static const char *const texts[] = { "status", "cursor", "counter", "party", "shop", "email", "at", "party_id", "card" };
    size_t i;

    for (i = 0; i < SL_COUNT(texts); i++) {
        if (strlen(texts[i]) == len && strncmp(name, texts[i], len) == 0)
            return true;
    }
    return false;
}

static const char *type_of(const char *name, size_t len, const char *in)
{
    if ((len == 7 && strncmp(name, "dry_run", len) == 0) || (len == 5 && strncmp(name, "force", len) == 0))
        return "boolean";
    return strcmp(in, "path") == 0 || is_text(name, len) ? "string" : "integer";
}

static json_t *parameter(const char *name, size_t len, const char *in)
{
    json_t *parameter = json_object(), *schema = json_object();

    json_object_set_new(parameter, "name", json_stringn(name, len));
    json_object_set_new(parameter, "in", json_string(in));
    json_object_set_new(parameter, "required", json_boolean(strcmp(in, "path") == 0));
    json_object_set_new(schema, "type", json_string(type_of(name, len, in)));
    if (strcmp(in, "path") == 0)
        json_object_set_new(schema, "maxLength", json_integer(len == 3 && strncmp(name, "tag", len) == 0 ? STEP_TAG_MAX : QUALIFIED_ID_MAX));
    json_object_set_new(parameter, "schema", schema);
    return parameter;
}

static json_t *parameters(const struct api_route *route)
{
    json_t *list = json_array();
    const char *at, *end;

    for (at = strchr(route->path, '{'); at; at = strchr(end, '{')) {
        end = strchr(at, '}');
        json_array_append_new(list, parameter(at + 1, (size_t)(end - at - 1), "path"));
    }
    if (strcmp(route->method, "POST") == 0)
        json_array_append_new(list, json_pack("{s:s,s:s,s:b,s:{s:s,s:i},s:s}", "name", "Idempotency-Key", "in", "header",
                                              "required", 0, "schema", "type", "string", "maxLength", 66, "description",
                                              "The same key with the same request is answered the same and done once."));
    if (strcmp(route->method, "PUT") == 0)
        json_array_append_new(list, json_pack("{s:s,s:s,s:b,s:{s:s,s:s},s:s}", "name", "If-Match", "in", "header", "required",
                                              0, "schema", "type", "string", "pattern", "^(\"?[0-9]+\"?)$", "description",
                                              "The revision that the document was made from; another head is refused with 412."));
    if (owner_kind(route))
        json_array_append_new(list, parameter("party", strlen("party"), "query"));
    for (at = route->query; *at; at += strspn(at, " ")) {
        end = at + strcspn(at, " ");
        json_array_append_new(list, parameter(at, (size_t)(end - at), "query"));
        at = end;
    }
    return list;
}

static json_t *content(const char *type, json_t *schema)
{
    json_t *content = json_object(), *media = json_object();

    json_object_set_new(media, "schema", schema);
    json_object_set_new(content, type, media);
    return content;
}

static json_t *reference(const char *name)
{
    json_t *reference = json_object();
    struct buf path = BUF_EMPTY;

    buf_printf(&path, "#/components/schemas/%s", name);
    json_object_set_new(reference, "$ref", json_string(buf_text(&path)));
    buf_clear(&path);
    return reference;
}

/* ---- errors ---- */

static const struct {
    int status;
    const char *names; /* those that are not of the payment rules (refusal_status) */
} statuses[] = {
    { 400, "InvalidRequest" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "NotFound InvoicePaymentRefundNotFound InvoiceTemplateNotFound EventNotFound PaymentNotFound CustomerNotFound "
           "AccountNotFound LimitNotFound VersionNotFound PlanNotFound" },
    { 409, "NoNeedToRepair RouteNotChosen" },
    { 410, "" },
    { 412, "ObsoleteCommitVersion" },
    { 413, "ContentTooLarge" },
    { 415, "UnsupportedMediaType" },
    { 422, "IdempotencyKeyReused ConfigurationUnsound RoutingMisconfigured" },
    { 423, "MachineFailed" },
    { 429, "Busy" },
    { 503, "Unavailable" },
    { 504, "UnknownOutcome" },
};

static bool word_in(const char *words, const char *word, size_t len)
{
    for (; *words; words += strcspn(words, " "), words += strspn(words, " ")) {
        if (strncmp(words, word, len) == 0 && (words[len] == ' ' || !words[len]))
            return true;
    }
    return false;
}

/* 0: nobody knows it. */
static int status_of(const char *name, size_t len)
{
    size_t i;
    int kind;

    for (kind = 1; kind <= CALL_ERRORS; kind++) {
        const char *known = call_error_name((enum call_error_kind)kind);

        if (strlen(known) == len && strncmp(known, name, len) == 0)
            return refusal_status(kind);
    }
    for (i = 0; i < SL_COUNT(statuses); i++) {
        if (word_in(statuses[i].names, name, len))
            return statuses[i].status;
    }
    return 0;
}

/* What ROUTE may be refused with besides errors of its own. */
static const char *general_errors(const struct api_route *route)
{
    bool writes = strcmp(route->method, "GET") != 0, invoice = strstr(route->path, "/invoices") != NULL;

    if (route->access == ACCESS_ANYBODY)
        return "";
    if (!writes)
        return "InvalidRequest Unauthorized Forbidden NotFound Unavailable";
    if (!invoice)
        return "InvalidRequest Unauthorized Forbidden NotFound ContentTooLarge UnsupportedMediaType Busy Unavailable UnknownOutcome";
    return "InvalidRequest Unauthorized Forbidden NotFound ContentTooLarge UnsupportedMediaType IdempotencyKeyReused "
           "MachineFailed Busy Unavailable UnknownOutcome";
}

/* Appends the names in WORDS that are answered with STATUS. */
static void errors_of(const char *words, int status, json_t *list)
{
    size_t len;

    for (; *words; words += len, words += strspn(words, " ")) {
        len = strcspn(words, " ");
        if (status_of(words, len) == status)
            json_array_append_new(list, json_stringn(words, len));
    }
}

/* A problem whose `error` is one of NAMES. */
static json_t *problem_of(json_t *names)
{
    return json_pack("{s:[o,{s:s,s:{s:{s:O}}}]}", "allOf", reference("Problem"), "type", "object", "properties", "error",
                     "enum", names);
}

static json_t *response(const char *description, const char *type, json_t *schema)
{
    json_t *response = json_object();

    json_object_set_new(response, "description", json_string(description));
    json_object_set_new(response, "content", content(type, schema));
    return response;
}

/* Whether somebody answers each error that ROUTE names. */
static bool errors_are_known(const struct api_route *route)
{
    const char *at = route->errors ? route->errors : "";

    for (; *at; at += strcspn(at, " "), at += strspn(at, " ")) {
        if (!status_of(at, strcspn(at, " ")))
            return false;
    }
    return true;
}

static json_t *responses(const struct api_route *route)
{
    json_t *responses = json_object(), *names;
    char status[8];
    size_t i;

    assert(route->name && errors_are_known(route));
    json_object_set_new(responses, "2XX",
                        response("Done, or accepted.", route->reply ? "application/json" : "text/plain",
                                 route->reply ? reference(route->reply) : json_pack("{s:s}", "type", "string")));
    for (i = 0; i < SL_COUNT(statuses); i++) {
        names = json_array();
        errors_of(general_errors(route), statuses[i].status, names);
        errors_of(route->errors ? route->errors : "", statuses[i].status, names);
        if (statuses[i].status == 422 && strcmp(route->method, "PUT") == 0) /* a document with faults, each with its place */
            json_array_append_new(names, json_string("InvalidRequest"));
        snprintf(status, sizeof(status), "%d", statuses[i].status);
        if (json_array_size(names) > 0)
            json_object_set_new(responses, status, response("Refused, or not possible now: nothing was changed (504: not known).",
                                                            "application/problem+json", problem_of(names)));
        json_decref(names);
    }
    json_object_set_new(responses, "default",
                        response("Anything else that went wrong.", "application/problem+json", reference("Problem")));
    return responses;
}

/* ---- operations ---- */

static const char *tag_of(const struct api_route *route)
{
    static const struct {
        const char *part, *tag;
    } tags[] = { /* the first that fits */
        { "/provider/", "adapters" },   { "refunds", "refunds" },         { "/repair", "operations" },
        { "adjustments", "adjustments" }, { "chargebacks", "chargebacks" }, { "/payments", "payments" },
        { "/v1/invoices", "invoices" }, { "/v1/invoice-templates", "templates" }, { "/v1/domain", "configuration" },
        { "/v1/accounts", "ledger" },   { "/v1/plans", "ledger" },        { "/v1/limits", "ledger" },
        { "/v1/feed", "events" },       { "/v1/card-tokens", "cards" },   { "/customers", "cards" },
        { "/v1/", "operations" },       { "/", "process" },
    };
    size_t i = 0;

    while (!strstr(route->path, tags[i].part))
        i++;
    return tags[i].tag;
}

static json_t *request_body(json_t *schema, bool required)
{
    json_t *body = json_object();

    json_object_set_new(body, "required", json_boolean(required));
    json_object_set_new(body, "content", content("application/json", schema));
    return body;
}

static json_t *operation(const struct api_route *route, json_t *schemas)
{
    json_t *operation = json_object();

    json_object_set_new(operation, "operationId", json_string(route->name));
    json_object_set_new(operation, "tags", json_pack("[s]", tag_of(route)));
    json_object_set_new(operation, "summary", json_string(route->doc));
    json_object_set_new(operation, "parameters", parameters(route));
    if (route->body)
        json_object_set_new(operation, "requestBody", request_body(type_schema(route->body, schemas), !route->body_optional));
    else if (strcmp(route->method, "PUT") == 0)
        json_object_set_new(operation, "requestBody", request_body(json_pack("{s:s}", "type", "object"), true));
    json_object_set_new(operation, "responses", responses(route));
    if (route->access != ACCESS_ANYBODY)
        json_object_set_new(operation, "security", json_pack("[{s:[]}]", "bearer"));
    return operation;
}

static json_t *describe(void)
{
    json_t *document = json_object(), *paths = json_object(), *schemas = json_object(), *path;
    const struct api_route *route;
    char method[8];
    size_t i;

    for (route = api_routes(); route->method; route++) {
        path = json_object_get(paths, route->path);
        if (!path) {
            path = json_object();
            json_object_set_new(paths, route->path, path);
        }
        for (i = 0; i < sizeof(method) - 1 && route->method[i]; i++)
            method[i] = (char)tolower(route->method[i]);
        method[i] = '\0';
        json_object_set_new(path, method, operation(route, schemas));
    }
    replies_describe(schemas);
    json_object_set_new(document, "openapi", json_string("3.1.0"));
    json_object_set_new(document, "info", json_pack("{s:s,s:s,s:s}", "title", "Sluice", "version", PACKAGE_VERSION, "description",
                                                  "Invoices, payments and what becomes of them. Amounts are integers of minor units; "
                                                  "an answer that is not a success is a problem (RFC 9457) whose `error` says what."));
    json_object_set_new(document, "servers", json_pack("[{s:s}]", "url", "/"));
    json_object_set_new(document, "paths", paths);
    json_object_set_new(document, "components", json_pack("{s:o,s:{s:{s:s,s:s}}}", "schemas", schemas, "securitySchemes",
                                                          "bearer", "type", "http", "scheme", "bearer"));
    return document;
}

void openapi_get(struct api_request *request)
{
    json_t *document = describe();
    char *dumped = json_dumps(document, JSON_COMPACT);
    struct buf text = BUF_EMPTY;

    buf_str(&text, dumped);
    free(dumped);
    json_decref(document);
    answer_json(request, 200, &text);
}

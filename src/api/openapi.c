/* /openapi.json: made from the table of routes and the tables of types. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "api/replies.h"
#include "api/request.h"
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

static json_t *responses(const struct api_route *route)
{
    json_t *responses = json_object(), *good = json_object(), *bad = json_object();

    json_object_set_new(good, "description", json_string("Done, or accepted."));
    json_object_set_new(good, "content", route->reply ? content("application/json", reference(route->reply))
                                                      : content("text/plain", json_pack("{s:s}", "type", "string")));
    json_object_set_new(bad, "description", json_string("Refused, or not possible now."));
    json_object_set_new(bad, "content", content("application/problem+json", reference("Problem")));
    json_object_set_new(responses, "2XX", good);
    json_object_set_new(responses, "default", bad);
    return responses;
}

/* "get_v1_invoices_id_events" */
static json_t *operation_id(const struct api_route *route)
{
    struct buf id = BUF_EMPTY;
    const char *at;
    json_t *name;

    for (at = route->method; *at; at++)
        buf_char(&id, (char)tolower(*at));
    for (at = route->path; *at; at++) {
        if (isalnum((unsigned char)*at))
            buf_char(&id, *at);
        else if (id.data[id.len - 1] != '_' && at[1])
            buf_char(&id, '_');
    }
    name = json_stringn(id.data, id.len - (id.data[id.len - 1] == '_'));
    buf_clear(&id);
    return name;
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

    json_object_set_new(operation, "operationId", operation_id(route));
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
    json_object_set_new(document, "info", json_pack("{s:s,s:s}", "title", "Sluice", "version", PACKAGE_VERSION));
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

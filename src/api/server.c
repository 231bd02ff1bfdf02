/* From the HTTP server's exchange to a handler's request, and the answer back. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "api/owner.h"
#include "api/problem.h"
#include "api/request.h"
#include "api/router.h"
#include "base/qualified.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "engine/machine.h"
#include "http/reader.h"

struct api {
    struct api_setup setup;
    struct http_server *http;
    struct api_request *open;
    void (*stopped)(void *arg);
    void *stopped_arg;
    bool stopping;
};

const struct api_setup *api_setup(const struct api_request *request)
{
    return &request->api->setup;
}

bool request_stopping(const struct api_request *request)
{
    return request->api->stopping;
}

bool request_hung_up(const struct api_request *request)
{
    return !request->exchange || http_exchange_hung_up(request->exchange);
}

void api_http_stats(const struct api_request *request, struct http_stats *out)
{
    http_server_stats(request->api->http, out);
}

size_t requests_open(const struct api_request *request)
{
    struct api_request *other;
    size_t count;

    DL_COUNT(request->api->open, other, count);
    return count;
}

/* ---- answers ---- */

static void request_free(struct api_request *request)
{
    struct api *api = request->api;
    void (*stopped)(void *arg) = api->stopped;

    DL_DELETE(api->open, request);
    arena_free(request->arena);
    free(request);
    if (api->stopping && !api->open && stopped) {
        api->stopped = NULL;
        stopped(api->stopped_arg);
    }
}

void answer_header(struct api_request *request, const char *name, const char *value)
{
    if (request->exchange)
        http_exchange_header(request->exchange, name, value);
}

static void route_count(struct api_route *route, int status, int64_t took_us, bool has_waited)
{
    size_t i = 0;

    route->answered[status / 100]++;
    if (has_waited)
        return;
    while (i < LATENCY_BUCKETS && took_us > latency_bucket_us[i])
        i++;
    route->took[i]++;
    route->us_sum += (uint64_t)took_us;
}

static void answer(struct api_request *request, int status, struct buf *body)
{
    struct http_exchange *exchange = request->exchange;

    if (request->route)
        route_count(request->route, status, clock_mono_us() - request->began_us, request->has_waited);
    if (exchange) {
        if (request->api->stopping)
            answer_header(request, "Connection", "close");
        http_exchange_answer(exchange, status, body);
    } else if (body) {
        buf_clear(body);
    }
    request_free(request);
}

void answer_text(struct api_request *request, int status, const char *content_type, struct buf *text)
{
    answer_header(request, "Content-Type", content_type);
    answer(request, status, text);
}

void answer_json(struct api_request *request, int status, struct buf *json)
{
    answer_text(request, status, status >= 400 ? "application/problem+json" : "application/json", json);
}

void answer_empty(struct api_request *request, int status)
{
    answer(request, status, NULL);
}

/* ---- requests ---- */

const char *request_query(const struct api_request *request, const char *name)
{
    size_t i;

    for (i = 0; i < request->query_count; i++) {
        if (strcmp(request->query[i].name, name) == 0)
            return request->query[i].value;
    }
    return NULL;
}

const char *request_header(const struct api_request *request, const char *name)
{
    return http_reader_header(http_exchange_request(request->exchange), name);
}

bool request_query_i64(struct api_request *request, const char *name, int64_t min, int64_t max, int64_t otherwise,
                       int64_t *out)
{
    const char *text = request_query(request, name);

    *out = otherwise;
    if (!text || router_i64(text, min, max, out))
        return true;
    answer_invalid(request, arena_printf(request->arena, "?%s", name),
                   arena_printf(request->arena, "must be a whole number within %lld..%lld", (long long)min,
                                (long long)max));
    return false;
}

bool request_query_bool(struct api_request *request, const char *name, bool *out)
{
    const char *text = request_query(request, name);

    *out = text && strcmp(text, "true") == 0;
    if (!text || *out || strcmp(text, "false") == 0)
        return true;
    answer_invalid(request, arena_printf(request->arena, "?%s", name), "must be true or false");
    return false;
}

/* HEAD is answered as GET, without the body. */
static const char *method_name(const struct http_reader *http)
{
    return strcmp(http->method, "HEAD") == 0 ? "GET" : http->method;
}

static bool query_read(struct api_request *request, const char *query)
{
    const char *known = request->route->query, *why = "", *culprit;

    if (owner_kind(request->route))
        known = arena_printf(request->arena, "%s party", known);
    culprit = router_query(query, known, request->arena, request->query, &request->query_count, &why);
    if (culprit)
        answer_invalid(request, culprit, why);
    return !culprit;
}

static bool is_json(const char *type)
{
    static const char json[] = "application/json";
    size_t len = sizeof(json) - 1;

    return type && strncasecmp(type, json, len) == 0 && (!type[len] || type[len] == ';' || type[len] == ' ');
}

static bool body_read(struct api_request *request)
{
    const struct http_reader *http = http_exchange_request(request->exchange);
    struct type_errors errors = { 0 };

    request->body_len = http->body.len;
    request->body = arena_memdup(request->arena, buf_text(&http->body), http->body.len + 1); /* may outlive the client */
    if (request->route->body_optional && request->body_len == 0)
        return true;
    if ((request->route->body || strcmp(request->route->method, "PUT") == 0) &&
        !is_json(request_header(request, "Content-Type"))) {
        answer_problem(request, 415, "UnsupportedMediaType", "the body must be application/json", NULL);
        return false;
    }
    if (!request->route->body)
        return true;
    request->args = arena_alloc(request->arena, request->route->body->size);
    if (type_decode_text(request->route->body, request->body, request->body_len, 0, request->arena, request->args,
                         &errors) == SL_OK)
        return true;
    answer_faults(request, 400, &errors);
    return false;
}

static bool role_may(enum access access, int role)
{
    switch (access) {
    case ACCESS_ANYBODY: return true;
    case ACCESS_READ: return role != ROLE_PROVIDER;
    case ACCESS_MERCHANT: return role == ROLE_MERCHANT || role == ROLE_OPERATOR;
    case ACCESS_PROVIDER: return role == ROLE_PROVIDER || role == ROLE_OPERATOR;
    case ACCESS_INSPECT: return role == ROLE_READER || role == ROLE_OPERATOR;
    case ACCESS_OPERATOR: break;
    }
    return role == ROLE_OPERATOR;
}

static bool access_check(struct api_request *request)
{
    const struct auth *auth = request->api->setup.auth;

    if (!auth || request->route->access == ACCESS_ANYBODY)
        return true;
    request->principal = auth_find(auth, request_header(request, "Authorization"));
    if (!request->principal) {
        answer_header(request, "WWW-Authenticate", "Bearer");
        answer_problem(request, 401, "Unauthorized", "a valid bearer token is needed", NULL);
        return false;
    }
    if (!role_may(request->route->access, request->principal->role)) {
        answer_problem(request, 403, "Forbidden", "the role of this token does not allow it", NULL);
        return false;
    }
    return true;
}

bool request_owns(struct api_request *request, const char *party_id, const char *what)
{
    if (!request_is_merchant(request) || strcmp(request->principal->party_id, party_id) == 0)
        return true;
    answer_not_found(request, what);
    return false;
}

struct outcome_machine request_machine(const struct api_request *request, const struct runtime_result *result)
{
    bool is_current = result->info && result->info->version == result->version;

    return (struct outcome_machine){ is_current ? result->info : NULL, !request_is_merchant(request) };
}

static void client_gone(void *arg)
{
    struct api_request *request = arg;

    request->exchange = NULL;
}

static bool ids_are_ids(struct api_request *request)
{
    bool tags = request->route->access == ACCESS_PROVIDER; /* an adapter's own words */
    size_t i;

    for (i = 0; i < PATH_PARAMS_MAX && request->params[i]; i++) {
        if (tags ? strlen(request->params[i]) > STEP_TAG_MAX
                 : i == 0 && owner_kind(request->route) ? type_qualified_id.check(&request->params[i]) != NULL
                                                        : strlen(request->params[i]) > 200 || type_id.check(&request->params[i])) {
            answer_problem(request, 404, "NotFound", "there is nothing under this path", NULL);
            return false;
        }
    }
    return true;
}

static void request_route(struct api_request *request)
{
    const struct http_reader *http = http_exchange_request(request->exchange);
    const char *path = http_reader_path(http);
    struct buf allowed = BUF_EMPTY;

    request->route = router_find(api_routes(), method_name(http), path, request->arena, request->params, &allowed);
    if (!request->route && allowed.len)
        answer_header(request, "Allow", buf_text(&allowed));
    if (!request->route && allowed.len && strcmp(http->method, "OPTIONS") == 0) {
        answer_empty(request, 204);
    } else if (!request->route && allowed.len) {
        answer_problem(request, 405, "MethodNotAllowed", "this path does not take this method", NULL);
    } else if (!request->route) {
        answer_problem(request, 404, "NotFound", "there is nothing under this path", NULL);
    } else if (access_check(request) && ids_are_ids(request) && query_read(request, http_reader_query(http)) &&
               body_read(request) && request_once(request, path)) {
        owner_handle(request);
    }
    buf_clear(&allowed);
}

static void request_begin(void *ctx, struct http_exchange *exchange)
{
    struct api *api = ctx;
    struct api_request *request = xcalloc(1, sizeof(*request));

    request->api = api;
    request->exchange = exchange;
    request->arena = arena_new();
    request->began_us = clock_mono_us();
    DL_APPEND(api->open, request);
    http_exchange_on_gone(exchange, client_gone, request);
    if (api->stopping)
        answer_problem(request, 503, "Unavailable", "the daemon is stopping", NULL);
    else
        request_route(request);
}

/* What the server refuses before it is a request leaves as a problem, too. */
static void refusal_write(int status, const char *why, struct buf *body)
{
    static const struct {
        int status;
        const char *error;
    } rows[] = {
        { 400, "InvalidRequest" },     { 408, "RequestTimeout" }, { 413, "ContentTooLarge" },
        { 417, "ExpectationFailed" },  { 501, "NotImplemented" }, { 503, "TooManyConnections" },
    };
    const char *error = "Internal";
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        if (rows[i].status == status)
            error = rows[i].error;
    }
    problem_write(body, status, error, why, NULL);
}

/* ---- life ---- */

/* Opens all addresses, or none; *FAILED is the one that could not be. */
static enum sl_err listen_all(struct listen_at *at, size_t count, bool reuse_port, int *fds, size_t *failed)
{
    size_t i;
    int saved;

    for (i = 0; i < count; i++) {
        if (!listen_open(&at[i], reuse_port, &fds[i]))
            continue;
        saved = errno;
        *failed = i;
        while (i > 0)
            close(fds[--i]);
        errno = saved;
        return SL_ESYS;
    }
    return SL_OK;
}

enum sl_err api_new(const struct api_setup *setup, struct api **out, size_t *failed)
{
    int fds[LISTEN_MAX];
    struct api *api;
    size_t i;

    assert(setup->listen_count >= 1 && setup->listen_count <= LISTEN_MAX);
    if (listen_all(setup->listen, setup->listen_count, setup->reuse_port, fds, failed))
        return SL_ESYS;
    api = xcalloc(1, sizeof(*api));
    api->setup = *setup;
    api->http = http_server_new(&(struct http_server_setup){
        .base = setup->base, .limits = setup->http, .handler = request_begin, .refusal = refusal_write,
        .refusal_type = "application/problem+json", .ctx = api,
    });
    for (i = 0; i < setup->listen_count; i++)
        http_server_listen(api->http, fds[i]);
    *out = api;
    return SL_OK;
}

void api_set_auth(struct api *api, struct auth *auth)
{
    struct api_request *request;

    /* Requests under way finish with what their principal was allowed when they began. */
    DL_FOREACH(api->open, request) {
        if (request->principal) {
            struct principal *kept = arena_memdup(request->arena, request->principal, sizeof(*kept));

            kept->party_id = arena_strdup(request->arena, kept->party_id);
            type_copy(&type_provider_ids, &kept->provider_ids, &request->principal->provider_ids, request->arena);
            kept->any_provider = NULL; /* no ids say the same */
            request->principal = kept;
        }
    }
    api->setup.auth = auth;
}

static void stop_at_once(void *arg)
{
    struct api *api = arg;
    void (*stopped)(void *arg) = api->stopped;

    if (api->open || !stopped)
        return;
    api->stopped = NULL;
    stopped(api->stopped_arg);
}

void api_stop(struct api *api, void (*done)(void *arg), void *arg)
{
    struct api_request *request, *next;

    api->stopping = true;
    api->stopped = done;
    api->stopped_arg = arg;
    http_server_stop(api->http);
    DL_FOREACH_SAFE(api->open, request, next) {
        if (request->give_up)
            request->give_up(request);
    }
    api->setup.alarm->after(api->setup.alarm_ctx, 0, stop_at_once, api);
}

void api_free(struct api *api)
{
    struct api_request *request, *next;

    if (!api)
        return;
    http_server_free(api->http); /* open requests lose their connections */
    DL_FOREACH_SAFE(api->open, request, next) {
        DL_DELETE(api->open, request);
        arena_free(request->arena);
        free(request);
    }
    free(api);
}

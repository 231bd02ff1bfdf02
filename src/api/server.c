/* The server: from evhttp's request to a handler's, and the answer back. */
#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/bufferevent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "api/connections.h"
#include "api/request.h"
#include "api/router.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "engine/machine.h"

#define BODY_MAX (1024 * 1024)
#define HEADERS_MAX 16384

struct api {
    struct api_setup setup;
    struct evhttp *http;
    struct evhttp_bound_socket *sockets[LISTEN_MAX];
    size_t socket_count; /* 0 once it takes no more connections */
    struct api_request *open;
    void (*stopped)(void *arg);
    void *stopped_arg;
    bool stopping;
    struct connections *connections;
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
    struct evhttp_connection *connection = request->http ? evhttp_request_get_connection(request->http) : NULL;
    char byte;

    if (!connection)
        return true;
    /* evhttp does not read, and so sees no end, while a request is being answered. */
    return recv(bufferevent_getfd(evhttp_connection_get_bufferevent(connection)), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

const struct connections *api_connections(const struct api_request *request)
{
    return request->api->connections;
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
    if (request->http)
        evhttp_add_header(evhttp_request_get_output_headers(request->http), name, value);
}

static const char *reason_of(int status)
{
    switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Content";
    case 423: return "Locked";
    case 429: return "Too Many Requests";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Internal Server Error";
    }
}

static void route_count(struct api_route *route, int status, int64_t took_us)
{
    size_t i = 0;

    while (i < LATENCY_BUCKETS && took_us > latency_bucket_us[i])
        i++;
    route->took[i]++;
    route->answered[status / 100]++;
    route->us_sum += (uint64_t)took_us;
}

static void answer(struct api_request *request, int status, struct evbuffer *body)
{
    struct evhttp_request *http = request->http;

    if (request->route)
        route_count(request->route, status, clock_mono_us() - request->began_us);
    if (http) {
        if (request->api->stopping)
            answer_header(request, "Connection", "close");
        connection_answer(request->connection, http, body ? evbuffer_get_length(body) : 0);
        evhttp_send_reply(http, status, reason_of(status), body);
    }
    request_free(request);
}

static void release(const void *data, size_t len, void *extra)
{
    (void)len;
    (void)extra;
    free((void *)(uintptr_t)data);
}

void answer_text(struct api_request *request, int status, const char *content_type, struct buf *text)
{
    struct evbuffer *body = evbuffer_new();
    size_t len = text->len;

    answer_header(request, "Content-Type", content_type);
    if (request->http && evhttp_request_get_command(request->http) == EVHTTP_REQ_HEAD) {
        answer_header(request, "Content-Length", arena_printf(request->arena, "%zu", len));
        buf_clear(text);
        evbuffer_free(body);
        answer(request, status, NULL);
        return;
    }
    evbuffer_add_reference(body, buf_take(text), len, release, NULL);
    answer(request, status, body);
    evbuffer_free(body);
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
    return evhttp_find_header(evhttp_request_get_input_headers(request->http), name);
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

static const char *method_name(struct evhttp_request *http)
{
    switch ((int)evhttp_request_get_command(http)) {
    case EVHTTP_REQ_GET:
    case EVHTTP_REQ_HEAD: return "GET";
    case EVHTTP_REQ_POST: return "POST";
    case EVHTTP_REQ_PUT: return "PUT";
    case EVHTTP_REQ_DELETE: return "DELETE";
    case EVHTTP_REQ_PATCH: return "PATCH";
    case EVHTTP_REQ_OPTIONS: return "OPTIONS";
    default: return "?";
    }
}

static bool query_read(struct api_request *request, const char *query)
{
    const char *why = "", *culprit = router_query(query, request->route->query, request->arena, request->query,
                                                  &request->query_count, &why);

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

static size_t body_max(const struct api *api)
{
    return api->setup.body_max ? api->setup.body_max : BODY_MAX;
}

static bool body_read(struct api_request *request)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(request->http);
    struct type_errors errors = { 0 };

    request->body_len = evbuffer_get_length(input);
    request->body = request->body_len ? (const char *)evbuffer_pullup(input, -1) : "";
    if (request->body_len > body_max(request->api)) {
        answer_header(request, "Connection", "close");
        answer_problem(request, 413, "ContentTooLarge",
                       arena_printf(request->arena, "a body has at most %zu bytes", body_max(request->api)), NULL);
        return false;
    }
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
    const struct principal *principal = request->principal;

    if (!principal || principal->role != ROLE_MERCHANT || strcmp(principal->party_id, party_id) == 0)
        return true;
    answer_problem(request, 404, what, "there is no such thing", NULL);
    return false;
}

static void client_gone(void *arg)
{
    struct api_request *request = arg;

    request->http = NULL;
}

static bool ids_are_ids(struct api_request *request)
{
    bool tags = request->route->access == ACCESS_PROVIDER; /* an adapter's own words */
    size_t i;

    for (i = 0; i < PATH_PARAMS_MAX && request->params[i]; i++) {
        if (strlen(request->params[i]) > (tags ? STEP_TAG_MAX : 200) ||
            (!tags && type_id.check && type_id.check(&request->params[i]))) {
            answer_problem(request, 404, "NotFound", "there is nothing under this path", NULL);
            return false;
        }
    }
    return true;
}

static void request_route(struct api_request *request)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request->http);
    const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
    struct buf allowed = BUF_EMPTY;

    request->route = router_find(api_routes(), method_name(request->http), path && *path ? path : "/", request->arena,
                                 request->params, &allowed);
    if (!request->route && allowed.len)
        answer_header(request, "Allow", buf_text(&allowed));
    if (!request->route && allowed.len && evhttp_request_get_command(request->http) == EVHTTP_REQ_OPTIONS) {
        answer_empty(request, 204);
    } else if (!request->route && allowed.len) {
        answer_problem(request, 405, "MethodNotAllowed", "this path does not take this method", NULL);
    } else if (!request->route) {
        answer_problem(request, 404, "NotFound", "there is nothing under this path", NULL);
    } else if (access_check(request) && ids_are_ids(request) && query_read(request, evhttp_uri_get_query(uri)) &&
               body_read(request) && request_once(request, path)) {
        request->route->handler(request);
    }
    buf_clear(&allowed);
}

static void request_begin(struct evhttp_request *http, void *arg)
{
    struct api *api = arg;
    struct api_request *request = xcalloc(1, sizeof(*request));

    request->api = api;
    request->http = http;
    request->arena = arena_new();
    request->began_us = clock_mono_us();
    DL_APPEND(api->open, request);
    request->connection = connection_begin(api->connections, http, client_gone, request);
    if (api->stopping)
        answer_problem(request, 503, "Unavailable", "the daemon is stopping", NULL);
    else
        request_route(request);
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
    api->http = evhttp_new(setup->base);
    /* What is somewhat too large is read and refused by us, as problem+json; what is larger still is refused by
     * evhttp without being kept, and read to its end so that the client gets to see the answer. */
    evhttp_set_max_body_size(api->http, (ev_ssize_t)body_max(api) * 2);
    evhttp_set_flags(api->http, EVHTTP_SERVER_LINGERING_CLOSE);
    evhttp_set_max_headers_size(api->http, HEADERS_MAX);
    evhttp_set_allowed_methods(api->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
                                              EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
    evhttp_set_gencb(api->http, request_begin, api);
    api->connections = connections_new(setup->base, api->http, &setup->connections);
    for (i = 0; i < setup->listen_count; i++) {
        api->sockets[i] = evhttp_accept_socket_with_handle(api->http, fds[i]);
        connections_listen(api->connections, api->sockets[i]);
    }
    api->socket_count = setup->listen_count;
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
    connections_stop(api->connections);
    while (api->socket_count > 0)
        evhttp_del_accept_socket(api->http, api->sockets[--api->socket_count]);
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
    evhttp_free(api->http); /* open requests lose their connections */
    connections_free(api->connections);
    DL_FOREACH_SAFE(api->open, request, next) {
        DL_DELETE(api->open, request);
        arena_free(request->arena);
        free(request);
    }
    free(api);
}

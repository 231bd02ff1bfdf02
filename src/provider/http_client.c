/* Requests, their queues and their hosts.
 *
 *     send -> queue of the host -> connection -> answer -> finished -> DONE, on the next tick
 *               |  deadline: SL_EDOWN   |  deadline: SL_EUNKNOWN
 *
 * Connections themselves are in http_conn.c. */
#include "provider/http_client.h"

#include <arpa/inet.h>
#include <assert.h>
#include <event2/dns.h>
#include <event2/http.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/xmalloc.h"
#include "provider/http_internal.h"

#define CONNECTIONS_MAX 64
#define QUEUE_MAX 4096
#define BODY_MAX ((size_t)1 << 20)
#define HEAD_MAX ((size_t)32 << 10)
#define CONNECT_TIMEOUT_MS 5000
#define IDLE_TIMEOUT_MS 20000 /* below what servers and balancers commonly keep (50, 60, 75 s) */
#define TICK_MAX 512          /* answers delivered before the loop looks at its sockets again */
#define HOST_NAME_MAX_LEN 253 /* bytes, of a DNS name */

static void tick_run(evutil_socket_t fd, short what, void *arg);
static void call_deadline(evutil_socket_t fd, short what, void *arg);

/* ---- the client ---- */

enum sl_err http_client_new(const struct http_client_setup *setup, struct http_client **out, const char **why)
{
    struct http_client *client = xcalloc(1, sizeof(*client));
    struct http_client_setup *own = &client->setup;

    assert(setup->base);
    *own = *setup;
    own->connections_max = setup->connections_max ? setup->connections_max : CONNECTIONS_MAX;
    own->queue_max = setup->queue_max ? setup->queue_max : QUEUE_MAX;
    own->body_max = setup->body_max ? setup->body_max : BODY_MAX;
    own->head_max = setup->head_max ? setup->head_max : HEAD_MAX;
    own->connect_timeout_ms = setup->connect_timeout_ms > 0 ? setup->connect_timeout_ms : CONNECT_TIMEOUT_MS;
    own->idle_timeout_ms = setup->idle_timeout_ms > 0 ? setup->idle_timeout_ms : IDLE_TIMEOUT_MS;
    own->ca_file = setup->ca_file ? xstrdup(setup->ca_file) : NULL;
    own->agent = xstrdup(setup->agent ? setup->agent : "sluice");
    event_assign(&client->tick, setup->base, -1, 0, tick_run, client);
    if (own->ca_file && client_tls(client, why)) {
        http_client_free(client);
        return SL_EINVAL;
    }
    *out = client;
    return SL_OK;
}

static void call_free(struct http_call *call)
{
    HASH_DEL(call->client->calls, call);
    event_del(&call->deadline);
    buf_clear(&call->wire);
    free(call->key);
    buf_clear(&call->body);
    buf_clear(&call->detail);
    free(call);
}

static void host_free(struct http_host *host)
{
    assert(!host->conns && !host->queue);
    host_lookup_drop(host);
    HASH_DEL(host->client->hosts, host);
    free(host->key);
    free(host->name);
    free(host);
}

void http_client_free(struct http_client *client)
{
    struct http_host *host, *next_host;
    struct http_call *call, *next_call;

    if (!client)
        return;
    HASH_ITER(hh, client->hosts, host, next_host) {
        while (host->conns)
            conn_close(host->conns);
        host->queue = NULL;
        host_free(host);
    }
    HASH_ITER(hh, client->calls, call, next_call)
        call_free(call);
    event_del(&client->tick);
    if (client->dns)
        evdns_base_free(client->dns, 1);
    SSL_CTX_free(client->tls);
    free((char *)(uintptr_t)client->setup.ca_file);
    free((char *)(uintptr_t)client->setup.agent);
    free(client);
}

void http_client_stats(const struct http_client *client, struct http_client_stats *out)
{
    *out = client->stats;
    out->hosts = HASH_COUNT(client->hosts);
}

/* ---- finishing ---- */

static void host_dequeue(struct http_host *host, struct http_call *call)
{
    DL_DELETE(host->queue, call);
    host->queue_count--;
    host->client->stats.queued--;
}

void call_finish(struct http_call *call, enum sl_err err, const char *format, ...)
{
    struct http_client *client = call->client;
    char detail[512];
    va_list args;

    event_del(&call->deadline);
    if (call->conn) {
        assert(call->conn->call == call);
        call->conn->call = NULL;
        client->stats.active--;
    } else if (call->host) {
        host_dequeue(call->host, call);
    }
    call->conn = NULL;
    call->host = NULL;
    call->err = err == SL_EDOWN && call->tried ? SL_EUNKNOWN : err;
    if (err) {
        va_start(args, format);
        vsnprintf(detail, sizeof(detail), format, args);
        va_end(args);
        buf_str(&call->detail, detail);
    }
    DL_APPEND(client->finished, call);
    event_active(&client->tick, EV_TIMEOUT, 0);
}

static void call_deliver(struct http_call *call)
{
    struct http_result result = {
        .err = call->err,
        .status = call->status,
        .body = call->status ? buf_text(&call->body) : NULL,
        .body_len = call->body.len,
        .detail = call->err ? buf_text(&call->detail) : NULL,
        .elapsed_us = clock_mono_us() - call->began_us,
    };

    call->done(call->done_arg, call->number, &result);
    call_free(call);
}

/* A call stays in the table while its DONE runs, without neighbours: a cancel from inside sees that. */
static void tick_run(evutil_socket_t fd, short what, void *arg)
{
    struct http_client *client = arg;
    struct http_call *call;
    size_t count;

    (void)fd;
    (void)what;
    for (count = 0; count < TICK_MAX && (call = client->finished); count++) {
        DL_DELETE(client->finished, call);
        call->prev = call->next = NULL;
        call_deliver(call);
    }
    if (client->finished)
        event_active(&client->tick, EV_TIMEOUT, 0);
}

/* ---- hosts ---- */

static bool is_literal(const char *name, int port, struct http_address *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&out->addr;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out->addr;

    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, name, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        out->len = sizeof(*v4);
        return true;
    }
    if (inet_pton(AF_INET6, name, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        out->len = sizeof(*v6);
        return true;
    }
    return false;
}

static struct http_host *host_get(struct http_client *client, bool tls, const char *name, int port)
{
    struct http_host *host;
    struct buf key = BUF_EMPTY;

    buf_printf(&key, "%s://%s:%d", tls ? "https" : "http", name, port);
    HASH_FIND_STR(client->hosts, buf_text(&key), host);
    if (host) {
        buf_clear(&key);
        return host;
    }
    host = xcalloc(1, sizeof(*host));
    host->client = client;
    host->key = buf_take(&key);
    host->name = xstrdup(name);
    host->port = port;
    host->tls = tls;
    host->literal = is_literal(name, port, &host->addresses[0]);
    host->address_count = host->literal;
    HASH_ADD_KEYPTR(hh, client->hosts, host->key, strlen(host->key), host);
    return host;
}

void host_pump(struct http_host *host)
{
    struct http_call *call;

    while ((call = host->queue)) {
        while (host->conns && host->conns->state == CONN_IDLE && !conn_is_clean(host->conns))
            conn_close(host->conns);
        if (host->conns && host->conns->state == CONN_IDLE) {
            host_dequeue(host, call);
            conn_send(host->conns, call);
        } else if (host->conn_count < host->client->setup.connections_max && host_addresses(host)) {
            host_dequeue(host, call);
            conn_open(host, call);
        } else {
            break;
        }
    }
    if (!host->conns && !host->queue && !host->lookup)
        host_free(host);
}

/* ---- requests ---- */

static void call_deadline(evutil_socket_t fd, short what, void *arg)
{
    struct http_call *call = arg;
    struct http_host *host = call->host;
    struct http_conn *conn = call->conn;

    (void)fd;
    (void)what;
    assert(host);
    if (!conn)
        call_finish(call, SL_EDOWN, "%s: the deadline passed before a connection was free", host->key);
    else if (conn->state == CONN_CONNECTING)
        call_finish(call, SL_EDOWN, "%s: the deadline passed while connecting", host->key);
    else
        call_finish(call, SL_EUNKNOWN, "%s: no whole answer before the deadline", host->key);
    if (conn)
        conn_close(conn);
    host_pump(host);
}

/* Where a URL leads. Texts are in URI, or static. */
struct place {
    struct evhttp_uri *uri;
    bool tls;
    char name[HOST_NAME_MAX_LEN + 1];
    bool bracketed; /* an IPv6 address */
    int port, default_port;
    const char *path, *query;
};

/* Answers NULL, or why URL cannot be called. */
static const char *place_parse(const char *url, struct place *out)
{
    const char *scheme, *name;
    size_t len;

    memset(out, 0, sizeof(*out));
    out->uri = url ? evhttp_uri_parse(url) : NULL;
    if (!out->uri)
        return "the URL is malformed";
    scheme = evhttp_uri_get_scheme(out->uri);
    name = evhttp_uri_get_host(out->uri);
    if (!scheme || (strcasecmp(scheme, "http") != 0 && strcasecmp(scheme, "https") != 0))
        return "the URL is not http or https";
    if (evhttp_uri_get_userinfo(out->uri) || evhttp_uri_get_fragment(out->uri))
        return "the URL has a user or a fragment";
    out->tls = strcasecmp(scheme, "https") == 0;
    out->default_port = out->tls ? 443 : 80;
    out->port = evhttp_uri_get_port(out->uri);
    if (out->port == -1)
        out->port = out->default_port;
    if (out->port < 1 || out->port > 65535)
        return "the URL's port is not within 1..65535";
    len = name ? strlen(name) : 0;
    if (len > 2 && name[0] == '[' && name[len - 1] == ']') {
        out->bracketed = true;
        name++;
        len -= 2;
    }
    if (len == 0 || len > HOST_NAME_MAX_LEN)
        return "the URL has no usable host name";
    memcpy(out->name, name, len);
    out->path = evhttp_uri_get_path(out->uri);
    if (!out->path || !out->path[0])
        out->path = "/";
    out->query = evhttp_uri_get_query(out->uri);
    return NULL;
}

static bool is_word(const char *text)
{
    return text[0] && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(text);
}

/* Answers NULL, or why the request cannot be sent. */
static const char *wire_build(const struct http_client *client, const struct http_request *request,
                              const struct place *place, struct buf *out)
{
    size_t i;

    /* The reader would wait for the body that an answer to HEAD only announces. */
    if (!is_word(request->method) || strcmp(request->method, "HEAD") == 0 || strcmp(request->method, "CONNECT") == 0)
        return "the method cannot be sent";
    buf_printf(out, "%s %s%s%s HTTP/1.1\r\n", request->method, place->path, place->query ? "?" : "",
               place->query ? place->query : "");
    buf_printf(out, place->bracketed ? "Host: [%s]" : "Host: %s", place->name);
    if (place->port != place->default_port)
        buf_printf(out, ":%d", place->port);
    buf_printf(out, "\r\nUser-Agent: %s\r\n", client->setup.agent);
    for (i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];

        if (!is_word(header->name) || strpbrk(header->value, "\r\n"))
            return "a header cannot be sent";
        buf_printf(out, "%s: %s\r\n", header->name, header->value);
    }
    if (request->body || strcmp(request->method, "GET") != 0)
        buf_printf(out, "Content-Length: %zu\r\n", request->body ? request->body_len : 0);
    buf_str(out, "\r\n");
    if (request->body)
        buf_add(out, request->body, request->body_len);
    return NULL;
}

/* Begins CALL: finds its host and takes a place in its queue. Answers NULL, or why not. */
static const char *call_begin(struct http_call *call, const struct http_request *request)
{
    struct http_client *client = call->client;
    struct timeval wait = { .tv_sec = request->timeout_ms / 1000, .tv_usec = request->timeout_ms % 1000 * 1000 };
    struct http_host *host = NULL;
    struct place place;
    const char *why = place_parse(request->url, &place);
    size_t i;

    for (i = 0; i < request->header_count && !call->key; i++) {
        if (strcasecmp(request->headers[i].name, "Idempotency-Key") == 0)
            call->key = xstrdup(request->headers[i].value);
    }
    if (!why)
        why = wire_build(client, request, &place, &call->wire);
    if (!why) {
        host = host_get(client, place.tls, place.name, place.port);
        if (host->queue_count >= client->setup.queue_max) {
            client->stats.overloads++;
            why = "overload: too many requests wait for this host";
        } else {
            call->host = host;
            DL_APPEND(host->queue, call);
            host->queue_count++;
            client->stats.queued++;
            evtimer_add(&call->deadline, &wait);
        }
    }
    if (place.uri)
        evhttp_uri_free(place.uri);
    return why;
}

uint64_t http_client_send(struct http_client *client, const struct http_request *request, http_done_fn done,
                          void *done_arg)
{
    struct http_call *call = xcalloc(1, sizeof(*call));
    uint64_t number = ++client->last_number;
    const char *why;

    assert(request->timeout_ms > 0);
    client->stats.requests++;
    call->client = client;
    call->number = number;
    call->done = done;
    call->done_arg = done_arg;
    call->began_us = clock_mono_us();
    call->repeatable = request->repeatable;
    evtimer_assign(&call->deadline, client->setup.base, call_deadline, call);
    HASH_ADD(hh, client->calls, number, sizeof(call->number), call);
    why = call_begin(call, request);
    if (why)
        call_finish(call, SL_EDOWN, "%s", why);
    else
        host_pump(call->host);
    return number;
}

void http_client_cancel(struct http_client *client, uint64_t number)
{
    struct http_call *call;
    struct http_host *host;
    struct http_conn *conn;

    HASH_FIND(hh, client->calls, &number, sizeof(number), call);
    if (!call)
        return;
    host = call->host;
    conn = call->conn;
    if (!host && !call->prev) /* its DONE runs right now: a list's first has its last in `prev` */
        return;
    if (host)
        call_finish(call, SL_EUNKNOWN, "cancelled");
    DL_DELETE(client->finished, call);
    call_free(call);
    if (conn)
        conn_close(conn);
    if (host)
        host_pump(host);
}

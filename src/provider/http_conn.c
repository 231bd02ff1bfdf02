/* Connections: made, used again, watched, closed. Names are looked up and TLS is set up here too.
 *
 *     open -> CONNECTING --connected--> BUSY --whole answer--> IDLE --next request--> BUSY
 *                |  next address          |                      '--closed, or too long--> gone
 *                '-- none left: SL_EDOWN  '-- broken: sent again once if it had been kept,
 *                                             else SL_EUNKNOWN                                     */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/dns.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xmalloc.h"
#include "provider/http_internal.h"

#define LOOKUP_FRESH_US 30000000 /* evdns tells us no lifetime; half a minute bounds a move of the host */

static void conn_on_read(struct bufferevent *bev, void *arg);
static void conn_on_event(struct bufferevent *bev, short what, void *arg);
static void conn_on_timer(evutil_socket_t fd, short what, void *arg);

/* ---- TLS ---- */

enum sl_err client_tls(struct http_client *client, const char **why)
{
    const char *ca_file = client->setup.ca_file;
    SSL_CTX *ctx;

    if (client->tls)
        return SL_OK;
    ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx || !SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) || !SSL_CTX_set_default_verify_paths(ctx)) {
        *why = "TLS cannot be set up";
    } else if (ca_file && !SSL_CTX_load_verify_locations(ctx, ca_file, NULL)) {
        *why = "the file of trusted authorities cannot be read";
    } else {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
        client->tls = ctx;
        return SL_OK;
    }
    ERR_clear_error();
    SSL_CTX_free(ctx);
    return SL_EINVAL;
}

/* The certificate must be for the name in the URL. */
static struct bufferevent *bev_new_tls(struct http_host *host)
{
    struct http_client *client = host->client;
    struct bufferevent *bev;
    const char *why;
    SSL *ssl;
    int good;

    if (client_tls(client, &why))
        return NULL;
    ssl = SSL_new(client->tls);
    if (!ssl)
        return NULL;
    if (host->literal)
        good = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host->name);
    else
        good = SSL_set1_host(ssl, host->name) && SSL_set_tlsext_host_name(ssl, host->name);
    bev = good ? bufferevent_openssl_socket_new(client->setup.base, -1, ssl, BUFFEREVENT_SSL_CONNECTING,
                                                BEV_OPT_CLOSE_ON_FREE)
               : NULL;
    if (!bev)
        SSL_free(ssl);
    return bev;
}

/* ---- names ---- */

static void lookup_done(int code, struct evutil_addrinfo *list, void *arg);

void host_lookup_drop(struct http_host *host)
{
    if (host->lookup)
        host->lookup->host = NULL;
    host->lookup = NULL;
}

/* Nobody can be reached under this name: all that wait for it hear so. */
static void host_fail(struct http_host *host, const char *why)
{
    while (host->queue)
        call_finish(host->queue, SL_EDOWN, "%s: the name cannot be looked up: %s", host->key, why);
}

bool host_addresses(struct http_host *host)
{
    struct http_client *client = host->client;
    struct evutil_addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP,
                                     .ai_flags = EVUTIL_AI_ADDRCONFIG };
    struct http_lookup *lookup;
    char port[16];

    if (host->literal || (host->address_count > 0 && clock_mono_us() - host->looked_up_us < LOOKUP_FRESH_US))
        return true;
    if (host->lookup)
        return false;
    if (!client->dns)
        client->dns = evdns_base_new(client->setup.base,
                                     EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
    if (!client->dns) {
        host_fail(host, "no name server is configured");
        return false;
    }
    lookup = xcalloc(1, sizeof(*lookup));
    lookup->host = host;
    host->lookup = lookup;
    snprintf(port, sizeof(port), "%d", host->port);
    host->asking = true; /* a name from the hosts file is answered from inside */
    evdns_getaddrinfo(client->dns, host->name, port, &hints, lookup_done, lookup);
    host->asking = false;
    return host->lookup == NULL && host->address_count > 0;
}

static void lookup_done(int code, struct evutil_addrinfo *list, void *arg)
{
    struct http_lookup *lookup = arg;
    struct http_host *host = lookup->host;
    struct evutil_addrinfo *item;
    size_t count = 0;

    free(lookup);
    if (host) {
        host->lookup = NULL;
        for (item = code ? NULL : list; item && count < ADDRESSES_MAX; item = item->ai_next) {
            if (item->ai_addrlen > sizeof(host->addresses[0].addr))
                continue;
            memcpy(&host->addresses[count].addr, item->ai_addr, item->ai_addrlen);
            host->addresses[count++].len = (socklen_t)item->ai_addrlen;
        }
        if (count > 0) {
            host->address_count = count;
            host->address_first = 0;
        } else if (host->address_count == 0) {
            host_fail(host, code ? evutil_gai_strerror(code) : "it has no address");
        } /* else what was known before is better than nothing while the name server is away */
        host->looked_up_us = clock_mono_us();
    }
    if (list)
        evutil_freeaddrinfo(list);
    if (host && !host->asking)
        host_pump(host);
}

/* ---- connections ---- */

static void conn_set_state(struct http_conn *conn, enum conn_state state)
{
    struct http_host *host = conn->host;

    if (conn->state == CONN_IDLE)
        host->client->stats.idle--;
    if (state == CONN_IDLE)
        host->client->stats.idle++;
    conn->state = state;
    DL_DELETE(host->conns, conn);
    if (state == CONN_IDLE)
        DL_PREPEND(host->conns, conn);
    else
        DL_APPEND(host->conns, conn);
}

static void conn_set_timer(struct http_conn *conn, int64_t ms)
{
    struct timeval wait = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

    evtimer_add(&conn->timer, &wait);
}

static void conn_take(struct http_conn *conn, struct http_call *call)
{
    assert(!conn->call && !call->conn);
    conn->call = call;
    call->conn = conn;
    conn->host->client->stats.active++;
}

void conn_close(struct http_conn *conn)
{
    struct http_host *host = conn->host;

    if (conn->call) {
        conn->call->conn = NULL;
        host->client->stats.active--;
    }
    if (conn->state == CONN_IDLE)
        host->client->stats.idle--;
    host->client->stats.open--;
    DL_DELETE(host->conns, conn);
    host->conn_count--;
    event_del(&conn->timer);
    if (conn->bev)
        bufferevent_free(conn->bev);
    http_reader_clear(&conn->reader);
    free(conn);
}

/* Tries the addresses that are left, until one is on its way. Answers NULL, or why none is. */
static const char *conn_connect(struct http_conn *conn, const char *why)
{
    struct http_host *host = conn->host;

    while (conn->attempts < host->address_count) {
        struct http_address *address =
            &host->addresses[(conn->first + conn->attempts++) % host->address_count];

        if (conn->bev)
            bufferevent_free(conn->bev);
        conn->bev = host->tls ? bev_new_tls(host)
                              : bufferevent_socket_new(host->client->setup.base, -1, BEV_OPT_CLOSE_ON_FREE);
        if (!conn->bev) {
            why = "TLS cannot be set up";
            continue;
        }
        bufferevent_setcb(conn->bev, conn_on_read, NULL, conn_on_event, conn);
        if (bufferevent_socket_connect(conn->bev, (struct sockaddr *)&address->addr, (int)address->len) == 0) {
            bufferevent_enable(conn->bev, EV_READ | EV_WRITE);
            conn_set_timer(conn, host->client->setup.connect_timeout_ms);
            return NULL;
        }
        why = strerror(errno);
    }
    return why;
}

void conn_open(struct http_host *host, struct http_call *call)
{
    struct http_client *client = host->client;
    struct http_conn *conn = xcalloc(1, sizeof(*conn));
    const char *why;

    conn->host = host;
    conn->first = host->address_first;
    conn->state = CONN_CONNECTING;
    http_reader_init(&conn->reader, HTTP_READS_RESPONSES, client->setup.body_max, client->setup.head_max);
    evtimer_assign(&conn->timer, client->setup.base, conn_on_timer, conn);
    DL_APPEND(host->conns, conn);
    host->conn_count++;
    client->stats.open++;
    conn_take(conn, call);
    why = conn_connect(conn, "there is no address");
    if (why) {
        call_finish(call, SL_EDOWN, "%s: cannot connect: %s", host->key, why);
        conn_close(conn);
    }
}

static void conn_write(struct http_conn *conn)
{
    http_reader_reset(&conn->reader);
    bufferevent_write(conn->bev, conn->call->wire.data, conn->call->wire.len);
}

bool conn_is_clean(const struct http_conn *conn)
{
    char byte;

    return evbuffer_get_length(bufferevent_get_input(conn->bev)) == 0 &&
           recv(bufferevent_getfd(conn->bev), &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

void conn_send(struct http_conn *conn, struct http_call *call)
{
    assert(conn->state == CONN_IDLE);
    event_del(&conn->timer);
    conn_set_state(conn, CONN_BUSY);
    conn_take(conn, call);
    conn->host->client->stats.reuses++;
    conn_write(conn);
}

static void conn_connected(struct http_conn *conn)
{
    struct http_host *host = conn->host;
    int on = 1;

    if (evbuffer_get_length(bufferevent_get_input(conn->bev)) > 0) { /* whom would that answer? */
        call_finish(conn->call, SL_EDOWN, "%s: the host speaks without being asked", host->key);
        conn_close(conn);
        return;
    }
    setsockopt(bufferevent_getfd(conn->bev), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    host->address_first = (conn->first + conn->attempts - 1) % host->address_count;
    host->client->stats.connections++;
    event_del(&conn->timer);
    conn_set_state(conn, CONN_BUSY);
    conn_write(conn);
}

/* A whole answer. The connection is kept if both sides agree and nothing is left over on it. */
static void conn_answered(struct http_conn *conn, bool ended)
{
    struct http_call *call = conn->call;
    bool keep = conn->reader.keep_alive && !ended && evbuffer_get_length(bufferevent_get_input(conn->bev)) == 0 &&
                evbuffer_get_length(bufferevent_get_output(conn->bev)) == 0;
    const char *key = http_reader_header(&conn->reader, "Idempotency-Key");

    if (key && call->key && strcmp(key, call->key) != 0) { /* whose answers are mixed up is asked on a fresh connection */
        call_finish(call, SL_EUNKNOWN, "%s: the answer names another call's Idempotency-Key", conn->host->key);
        conn_close(conn);
        return;
    }
    call->status = conn->reader.status;
    call->body = conn->reader.body;
    memset(&conn->reader.body, 0, sizeof(conn->reader.body));
    if (call->status == 503 || call->status == 429)
        call_finish(call, SL_EDOWN, "%s: the host is overloaded (HTTP %d)", conn->host->key, call->status);
    else
        call_finish(call, SL_OK, "%s", "");
    if (!keep) {
        conn_close(conn);
        return;
    }
    conn->used = true;
    conn_set_state(conn, CONN_IDLE);
    conn_set_timer(conn, conn->host->client->setup.idle_timeout_ms);
}

static void conn_on_read(struct bufferevent *bev, void *arg)
{
    struct http_conn *conn = arg;
    struct http_host *host = conn->host;
    struct evbuffer *input = bufferevent_get_input(bev);
    enum http_reader_state state = HTTP_READER_MORE;
    size_t len, used;

    if (conn->state == CONN_CONNECTING) /* conn_connected sees it */
        return;
    if (conn->state == CONN_IDLE) { /* nothing was asked: whatever this is, it answers nothing of ours */
        conn_close(conn);
        host_pump(host);
        return;
    }
    while (state == HTTP_READER_MORE && (len = evbuffer_get_contiguous_space(input)) > 0) {
        state = http_reader_feed(&conn->reader, (const char *)evbuffer_pullup(input, (ev_ssize_t)len), len, &used);
        evbuffer_drain(input, used);
    }
    if (state == HTTP_READER_MORE)
        return;
    if (state == HTTP_READER_DONE) {
        conn_answered(conn, false);
    } else {
        call_finish(conn->call, SL_EPROTO, "%s: %s", host->key, conn->reader.why);
        conn_close(conn);
    }
    host_pump(host);
}

/* Connecting came to nothing: the next address, or none. */
static void conn_refused(struct http_conn *conn, const char *why)
{
    why = conn_connect(conn, why);
    if (!why)
        return;
    call_finish(conn->call, SL_EDOWN, "%s: cannot connect: %s", conn->host->key, why);
    conn_close(conn);
}

/* The connection broke under a request. */
static void conn_broken(struct http_conn *conn, const char *why)
{
    struct http_host *host = conn->host;
    struct http_call *call = conn->call;

    if (conn->used && !conn->reader.got_bytes && call->repeatable && !call->tried) {
        call->tried = true;
        host->client->stats.resends++;
        conn_close(conn);
        conn_open(host, call);
        return;
    }
    call_finish(call, SL_EUNKNOWN, "%s: the connection broke before a whole answer came: %s", host->key, why);
    conn_close(conn);
}

static void conn_on_event(struct bufferevent *bev, short what, void *arg)
{
    struct http_conn *conn = arg;
    struct http_host *host = conn->host;
    char tls_why[256];
    unsigned long tls_code = host->tls ? bufferevent_get_openssl_error(bev) : 0;
    const char *why = what & BEV_EVENT_EOF ? "it was closed" : evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR());

    if (tls_code) {
        ERR_error_string_n(tls_code, tls_why, sizeof(tls_why));
        why = tls_why;
    }
    if (what & BEV_EVENT_CONNECTED)
        conn_connected(conn);
    else if (conn->state == CONN_CONNECTING)
        conn_refused(conn, why);
    else if (conn->state == CONN_IDLE)
        conn_close(conn);
    else if ((what & BEV_EVENT_EOF) && http_reader_end(&conn->reader) == HTTP_READER_DONE)
        conn_answered(conn, true);
    else
        conn_broken(conn, why);
    host_pump(host);
}

static void conn_on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct http_conn *conn = arg;
    struct http_host *host = conn->host;

    (void)fd;
    (void)what;
    if (conn->state == CONN_CONNECTING)
        conn_refused(conn, "it took too long");
    else
        conn_close(conn);
    host_pump(host);
}

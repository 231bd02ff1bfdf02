#include "redis/client.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <utlist.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "config.h"

/* hiredis ships its event adapter as a header full of static functions. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <hiredis/adapters/libevent.h>
#pragma GCC diagnostic pop
#ifdef HAVE_HIREDIS_SSL
#include <hiredis/hiredis_ssl.h>
#endif

#define IN_FLIGHT_MAX 100000
#define SWEEP_MS 50         /* how late a deadline may be noticed */
#define BACKOFF_FIRST_MS 50
#define BACKOFF_MAX_MS 2000
#define CONNECT_MS 5000
#define PORT_DEFAULT 6379

/* One command that was sent. Lives until hiredis gives its callback, which may be after its deadline. */
struct request {
    struct request *prev, *next;
    struct client *client;
    client_done_fn done; /* NULL: answered already */
    void *done_arg;
    int64_t deadline_us;
};

/* A refusal on its way: callbacks never run inside the call that started them. */
struct refusal {
    struct refusal *next;
    client_done_fn done;
    void *done_arg;
    enum sl_err err;
};

struct address {
    char host[256]; /* or the socket's path */
    int port;       /* 0: a unix socket */
    char user[128], password[256];
    int db;
    bool tls;
};

struct client {
    struct client_setup setup;
    struct address address;
    char name[64];
    redisAsyncContext *ac;
    bool up, freeing;
    int64_t backoff_ms;
    struct event *reconnect, *sweep, *later, *connect_limit;
    struct request *requests; /* in the order they were sent */
    struct refusal *refusals, **refusals_tail;
    struct client_stats stats;
    struct buf wire;
#ifdef HAVE_HIREDIS_SSL
    redisSSLContext *tls;
#endif
};

static void client_connect(struct client *client);

/* ---- addresses ---- */

static bool copy_part(char *out, size_t size, const char *from, size_t len)
{
    if (len >= size)
        return false;
    memcpy(out, from, len);
    out[len] = '\0';
    return true;
}

static const char *parse_credentials(struct address *address, const char *text, size_t len)
{
    const char *colon = memchr(text, ':', len);
    size_t user = colon ? (size_t)(colon - text) : len;

    if (!copy_part(address->user, sizeof(address->user), text, user))
        return "the user name in the Redis address is too long";
    if (colon && !copy_part(address->password, sizeof(address->password), colon + 1, len - user - 1))
        return "the password in the Redis address is too long";
    return NULL;
}

static bool parse_number(const char *text, const char *end, int max, int *out)
{
    char *stop;
    long value;

    if (text == end)
        return false;
    errno = 0;
    value = strtol(text, &stop, 10);
    if (errno || stop != end || value < 0 || value > max)
        return false;
    *out = (int)value;
    return true;
}

static const char *parse_host(struct address *address, const char *rest)
{
    const char *at = strrchr(rest, '@'), *end, *slash, *colon, *why;

    if (at) {
        why = parse_credentials(address, rest, (size_t)(at - rest));
        if (why)
            return why;
        rest = at + 1;
    }
    end = rest + strlen(rest);
    slash = strchr(rest, '/');
    if (slash && slash + 1 < end && !parse_number(slash + 1, end, 65535, &address->db))
        return "the database in the Redis address must be a number";
    end = slash ? slash : end;
    colon = memrchr(rest, ':', (size_t)(end - rest));
    address->port = PORT_DEFAULT;
    if (colon && (!parse_number(colon + 1, end, 65535, &address->port) || address->port == 0))
        return "the port in the Redis address must be 1..65535";
    end = colon ? colon : end;
    if (end == rest || !copy_part(address->host, sizeof(address->host), rest, (size_t)(end - rest)))
        return "the Redis address has no usable host";
    return NULL;
}

static const char *parse_unix(struct address *address, const char *path)
{
    const char *query = strstr(path, "?db=");
    size_t len = query ? (size_t)(query - path) : strlen(path);

    if (query && !parse_number(query + 4, query + strlen(query), 65535, &address->db))
        return "the database in the Redis address must be a number";
    if (len == 0 || len > 100 || !copy_part(address->host, sizeof(address->host), path, len))
        return "the socket path in the Redis address must have 1..100 bytes";
    return NULL;
}

static const char *address_parse(const char *url, struct address *out)
{
    memset(out, 0, sizeof(*out));
    if (strncmp(url, "unix://", 7) == 0)
        return parse_unix(out, url + 7);
    if (strncmp(url, "redis://", 8) == 0)
        return parse_host(out, url + 8);
    if (strncmp(url, "rediss://", 9) == 0) {
        out->tls = true;
#ifndef HAVE_HIREDIS_SSL
        return "this build cannot speak TLS to Redis (it needs hiredis 1.x with its ssl half)";
#endif
        return parse_host(out, url + 9);
    }
    return "the Redis address must begin with redis://, rediss:// or unix://";
}

/* ---- answers ---- */

static void request_finish(struct request *request, enum sl_err err, const struct reply *reply)
{
    client_done_fn done = request->done;

    request->done = NULL;
    if (done)
        done(request->done_arg, err, reply);
}

static enum sl_err reply_err(const struct reply *reply)
{
    static const char *const nothing_done[] = { "LOADING", "BUSY", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN" };
    size_t i;

    if (reply_kind(reply) != REPLY_ERROR)
        return SL_OK;
    for (i = 0; i < SL_COUNT(nothing_done); i++) {
        if (reply_is_error(reply, nothing_done[i]))
            return SL_EDOWN;
    }
    return SL_EREFUSED;
}

static void request_answered(redisAsyncContext *ac, void *raw, void *arg)
{
    struct request *request = arg;
    struct client *client = request->client;
    const struct reply *reply = (const struct reply *)raw;
    enum sl_err err;

    (void)ac;
    DL_DELETE(client->requests, request);
    client->stats.in_flight--;
    if (!reply) {
        client->stats.lost++;
        request_finish(request, SL_EUNKNOWN, NULL);
    } else {
        client->stats.replies++;
        err = reply_err(reply);
        client->stats.errors += err != SL_OK;
        request_finish(request, err, err == SL_EDOWN ? NULL : reply);
    }
    free(request);
}

static void sweep_fire(evutil_socket_t fd, short what, void *arg)
{
    struct client *client = arg;
    int64_t now_us = clock_mono_us();
    struct request *request;

    (void)fd;
    (void)what;
    /* A callback may send more; what it sends is behind us and not due. The list itself changes only
     * when replies come, which is never inside a callback. */
    DL_FOREACH(client->requests, request) {
        if (request->done && request->deadline_us <= now_us)
            request_finish(request, SL_EUNKNOWN, NULL);
    }
}

static void refusals_fire(evutil_socket_t fd, short what, void *arg)
{
    struct client *client = arg;
    struct refusal *refusal, *list = client->refusals;

    (void)fd;
    (void)what;
    client->refusals = NULL;
    client->refusals_tail = &client->refusals;
    while ((refusal = list)) {
        list = refusal->next;
        refusal->done(refusal->done_arg, refusal->err, NULL);
        free(refusal);
    }
}

static void client_refuse(struct client *client, enum sl_err err, client_done_fn done, void *done_arg)
{
    struct refusal *refusal = xcalloc(1, sizeof(*refusal));

    refusal->done = done;
    refusal->done_arg = done_arg;
    refusal->err = err;
    *client->refusals_tail = refusal;
    client->refusals_tail = &refusal->next;
    client->stats.refused++;
    event_active(client->later, EV_TIMEOUT, 1);
}

/* ---- connection ---- */

static void client_retry(struct client *client)
{
    int64_t wait_ms;
    struct timeval wait;

    if (client->freeing)
        return;
    client->backoff_ms = client->backoff_ms ? client->backoff_ms * 2 : BACKOFF_FIRST_MS;
    if (client->backoff_ms > BACKOFF_MAX_MS)
        client->backoff_ms = BACKOFF_MAX_MS;
    /* Half of it for certain and half by chance, so that daemons do not come back all at once. */
    wait_ms = client->backoff_ms / 2 + (int64_t)(clock_random() % (uint64_t)(client->backoff_ms / 2 + 1));
    wait.tv_sec = wait_ms / 1000;
    wait.tv_usec = wait_ms % 1000 * 1000;
    event_add(client->reconnect, &wait);
}

static void client_down(struct client *client, const char *why)
{
    bool was_up = client->up;

    client->ac = NULL;
    client->up = false;
    event_del(client->connect_limit);
    if (was_up && !client->freeing) {
        log_warn("redis: the connection is lost: %s", why);
        if (client->setup.on_state)
            client->setup.on_state(client->setup.on_state_arg, false);
    }
    client_retry(client);
}

static void hello_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct client *client = arg;

    if (err != SL_EREFUSED)
        return;
    log_error("redis: it refuses to let us in: %s", reply_text(reply, NULL));
    if (client->ac)
        redisAsyncDisconnect(client->ac);
}

static void client_hello(struct client *client)
{
    char db[16];

    if (client->address.password[0] && client->address.user[0])
        client_words(client, CONNECT_MS, hello_done, client, "AUTH", client->address.user, client->address.password,
                     NULL);
    else if (client->address.password[0])
        client_words(client, CONNECT_MS, hello_done, client, "AUTH", client->address.password, NULL);
    snprintf(db, sizeof(db), "%d", client->address.db);
    if (client->address.db)
        client_words(client, CONNECT_MS, hello_done, client, "SELECT", db, NULL);
    if (client->name[0])
        client_words(client, CONNECT_MS, hello_done, client, "CLIENT", "SETNAME", client->name, NULL);
}

static void connected(const redisAsyncContext *ac, int status)
{
    struct client *client = ac->data;

    if (!client)
        return;
    if (status != REDIS_OK) {
        log_debug("redis: cannot connect: %s", ac->errstr);
        client_down(client, ac->errstr); /* hiredis frees the context itself */
        return;
    }
    event_del(client->connect_limit);
    client->up = true;
    client->backoff_ms = 0;
    client->stats.reconnects++;
    client_hello(client);
    if (client->setup.on_state)
        client->setup.on_state(client->setup.on_state_arg, true);
}

static void disconnected(const redisAsyncContext *ac, int status)
{
    struct client *client = ac->data;

    (void)status;
    if (client)
        client_down(client, ac->err ? ac->errstr : "closed");
}

static void connect_limit_fire(evutil_socket_t fd, short what, void *arg)
{
    struct client *client = arg;
    redisAsyncContext *ac = client->ac;

    (void)fd;
    (void)what;
    if (!ac || client->up)
        return;
    ac->data = NULL;
    redisAsyncFree(ac);
    client_down(client, "no answer to the connect");
}

static bool client_start_tls(struct client *client)
{
#ifdef HAVE_HIREDIS_SSL
    return !client->address.tls || redisInitiateSSLWithContext(&client->ac->c, client->tls) == REDIS_OK;
#else
    return !client->address.tls;
#endif
}

static void client_connect(struct client *client)
{
    struct timeval limit = { CONNECT_MS / 1000, 0 };
    redisAsyncContext *ac = client->address.port ? redisAsyncConnect(client->address.host, client->address.port)
                                                 : redisAsyncConnectUnix(client->address.host);

    client->ac = ac;
    if (!ac || ac->err || !client_start_tls(client)) {
        if (ac)
            redisAsyncFree(ac);
        client_down(client, "cannot connect");
        return;
    }
    ac->data = client;
    redisLibeventAttach(ac, client->setup.base);
    redisAsyncSetConnectCallback(ac, connected);
    redisAsyncSetDisconnectCallback(ac, disconnected);
    event_add(client->connect_limit, &limit);
}

static void reconnect_fire(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    client_connect(arg);
}

enum sl_err client_new(const struct client_setup *setup, struct client **out, const char **why)
{
    struct timeval sweep = { 0, SWEEP_MS * 1000 };
    struct client *client = xcalloc(1, sizeof(*client));

    client->setup = *setup;
    client->refusals_tail = &client->refusals;
    if (!client->setup.in_flight_max)
        client->setup.in_flight_max = IN_FLIGHT_MAX;
    snprintf(client->name, sizeof(client->name), "%s", setup->name ? setup->name : "");
    *why = address_parse(setup->url, &client->address);
#ifdef HAVE_HIREDIS_SSL
    if (!*why && client->address.tls) {
        redisInitOpenSSL();
        client->tls = redisCreateSSLContext(NULL, "/etc/ssl/certs", NULL, NULL, client->address.host, NULL);
        *why = client->tls ? NULL : "the TLS certificates of this host cannot be read";
    }
#endif
    if (*why) {
        free(client);
        return SL_EINVAL;
    }
    client->reconnect = evtimer_new(setup->base, reconnect_fire, client);
    client->connect_limit = evtimer_new(setup->base, connect_limit_fire, client);
    client->later = evtimer_new(setup->base, refusals_fire, client);
    client->sweep = event_new(setup->base, -1, EV_PERSIST, sweep_fire, client);
    event_add(client->sweep, &sweep);
    client_connect(client);
    *out = client;
    return SL_OK;
}

void client_free(struct client *client)
{
    redisAsyncContext *ac;

    if (!client)
        return;
    client->freeing = true;
    ac = client->ac;
    client->ac = NULL;
    client->up = false;
    if (ac) {
        ac->data = NULL;
        redisAsyncFree(ac); /* gives every pending callback its NULL */
    }
    refusals_fire(-1, 0, client);
    event_free(client->reconnect);
    event_free(client->connect_limit);
    event_free(client->later);
    event_free(client->sweep);
    buf_clear(&client->wire);
#ifdef HAVE_HIREDIS_SSL
    if (client->tls)
        redisFreeSSLContext(client->tls);
#endif
    free(client);
}

bool client_is_up(const struct client *client)
{
    return client->up;
}

uint64_t client_generation(const struct client *client)
{
    return client->stats.reconnects;
}

void client_stats(const struct client *client, struct client_stats *out)
{
    *out = client->stats;
}

/* ---- sending ---- */

struct slice slice_i64(char text[SLICE_I64_MAX], int64_t value)
{
    int len = snprintf(text, SLICE_I64_MAX, "%lld", (long long)value);

    return (struct slice){ text, (size_t)len };
}

void wire_begin(struct buf *out, size_t count)
{
    buf_char(out, '*');
    buf_i64(out, (int64_t)count);
    buf_add(out, "\r\n", 2);
}

void wire_add(struct buf *out, struct slice word)
{
    buf_char(out, '$');
    buf_i64(out, (int64_t)word.len);
    buf_add(out, "\r\n", 2);
    buf_add(out, word.data, word.len);
    buf_add(out, "\r\n", 2);
}

void client_send(struct client *client, const struct buf *wire, int64_t deadline_ms, client_done_fn done,
                 void *done_arg)
{
    struct request *request;

    assert(deadline_ms > 0 && done);
    if (!client->up || client->freeing || !client->ac) {
        client_refuse(client, SL_EDOWN, done, done_arg);
        return;
    }
    if (client->stats.in_flight >= client->setup.in_flight_max) {
        client_refuse(client, SL_EBUSY, done, done_arg);
        return;
    }
    request = xcalloc(1, sizeof(*request));
    request->client = client;
    request->done = done;
    request->done_arg = done_arg;
    request->deadline_us = clock_mono_us() + deadline_ms * 1000;
    if (redisAsyncFormattedCommand(client->ac, request_answered, request, wire->data, wire->len) != REDIS_OK) {
        free(request); /* the connection is going down and took nothing */
        client_refuse(client, SL_EDOWN, done, done_arg);
        return;
    }
    DL_APPEND(client->requests, request);
    client->stats.requests++;
    client->stats.in_flight++;
    client->stats.bytes_out += wire->len;
}

void client_command(struct client *client, const struct slice *args, size_t count, int64_t deadline_ms,
                    client_done_fn done, void *done_arg)
{
    size_t i;

    buf_reset(&client->wire);
    wire_begin(&client->wire, count);
    for (i = 0; i < count; i++)
        wire_add(&client->wire, args[i]);
    client_send(client, &client->wire, deadline_ms, done, done_arg);
}

void client_words(struct client *client, int64_t deadline_ms, client_done_fn done, void *done_arg, ...)
{
    struct slice args[16];
    const char *word;
    size_t count = 0;
    va_list words;

    va_start(words, done_arg);
    while ((word = va_arg(words, const char *))) {
        assert(count < SL_COUNT(args));
        args[count++] = slice_of(word);
    }
    va_end(words);
    client_command(client, args, count, deadline_ms, done, done_arg);
}

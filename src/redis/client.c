/* The connection and everything in flight on it.
 *
 *     new -> connect -> greet (AUTH, SELECT, scripts, PING) -> up -> ... -> down -> wait -> connect
 *
 * Nobody's commands travel before the greeting was answered: a refused SELECT must not let them loose on
 * another database. hiredis keeps the order of replies; the requests themselves are ours, so that they can
 * be finished (deadline, end of the client) while hiredis still waits for their replies. Deadlines sit in a
 * hashed wheel of ticks: thousands in flight cost one timer, and none runs while nothing is in flight. */
#include "redis/client.h"

#include <assert.h>
#include <event2/event.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <hiredis/sds.h>
#include <inttypes.h>
#include <signal.h>
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
#include "redis/address.h"
#include "redis/script.h"

/* hiredis ships its event adapter as a header full of static functions. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <hiredis/adapters/libevent.h>
#pragma GCC diagnostic pop
#ifdef HAVE_HIREDIS_SSL
#include <arpa/inet.h>
#include <hiredis/hiredis_ssl.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#endif

#define IN_FLIGHT_MAX 100000
#define SILENCE_MAX_MS 10000
#define TICK_US 8000        /* how late a deadline may be noticed */
#define TICK_SLOTS 1024     /* 8 s; longer deadlines are passed over once a round */
#define BACKOFF_FIRST_MS 50
#define BACKOFF_MAX_MS 2000
#define FREE_ROUNDS_MAX 1000 /* of refusals that bring forth refusals */
#define WORDS_MAX 16
#define CONNECT_MS 5000     /* for the connection and the greeting together */

/* One command that was sent. Lives until hiredis gives its callback, which may be after its deadline. */
struct request {
    struct request *prev, *next;           /* all of the connection, in the order they were sent */
    struct request *tick_prev, *tick_next; /* those of a slot of the wheel */
    struct client *client; /* NULL: the client is gone */
    client_done_fn done;   /* NULL: finished already */
    void *done_arg;
    int64_t tick;          /* the first that is not before its deadline */
    uint64_t end;          /* bytes of its connection up to its last one */
};

/* A refusal on its way: callbacks never run inside the call that started them. */
struct refusal {
    struct refusal *next;
    client_done_fn done;
    void *done_arg;
    enum sl_err err;
};

struct client {
    struct client_setup setup;
    struct address address;
    char name[64];
    redisAsyncContext *ac;
    bool up, held, freeing;
    int depth; /* of our functions that use the client after a callback of somebody else */
    int64_t backoff_ms;
    char trouble[192]; /* why it is not up, logged once */
    struct event *reconnect, *ticker, *later, *connect_limit;
    struct request *requests;
    struct request *wheel[TICK_SLOTS];
    int64_t tick_next; /* the first tick that was not looked at */
    bool ticking;
    uint64_t queued;       /* bytes given to this connection */
    uint64_t heard;        /* stats.replies when heard_us was set */
    int64_t heard_us;
    struct refusal *refusals, **refusals_tail;
    size_t refusal_count;
    struct client_stats stats;
    struct buf wire;
#ifdef HAVE_HIREDIS_SSL
    SSL_CTX *tls;
    SSL *tls_now; /* of the connection, which owns it */
#endif
};

static uint64_t request_number;

static void client_connect(struct client *client);
static void client_down(struct client *client, const char *why);

/* ---- a callback may free the client ---- */

static void client_release(struct client *client)
{
    event_free(client->reconnect);
    event_free(client->connect_limit);
    event_free(client->later);
    event_free(client->ticker);
    buf_clear(&client->wire);
#ifdef HAVE_HIREDIS_SSL
    SSL_CTX_free(client->tls);
#endif
    free(client);
}

static void client_enter(struct client *client)
{
    client->depth++;
}

static void client_leave(struct client *client)
{
    if (--client->depth == 0 && client->freeing)
        client_release(client);
}

/* ---- refusals ---- */

/* Those that are there now. What is refused meanwhile has its turn in the next tick. */
static void refusals_run(struct client *client)
{
    struct timeval at_once = { 0, 0 };
    size_t left = client->refusal_count;
    struct refusal *refusal;

    while (left-- > 0 && (refusal = client->refusals)) { /* a callback may free the client, and take the rest */
        LL_DELETE(client->refusals, refusal);
        client->refusal_count--;
        if (!client->refusals)
            client->refusals_tail = &client->refusals;
        refusal->done(refusal->done_arg, refusal->err, NULL);
        free(refusal);
    }
    if (client->refusals && !client->freeing)
        event_add(client->later, &at_once);
}

static void later_fire(evutil_socket_t fd, short what, void *arg)
{
    struct client *client = arg;

    (void)fd;
    (void)what;
    client_enter(client);
    refusals_run(client);
    client_leave(client);
}

static void client_refuse(struct client *client, enum sl_err err, client_done_fn done, void *done_arg)
{
    struct refusal *refusal = xcalloc(1, sizeof(*refusal));
    struct timeval at_once = { 0, 0 };

    refusal->done = done;
    refusal->done_arg = done_arg;
    refusal->err = err;
    if (!client->refusals)
        event_add(client->later, &at_once); /* a timer, not event_active: that would run in this very tick */
    *client->refusals_tail = refusal;
    client->refusals_tail = &refusal->next;
    client->refusal_count++;
    client->stats.refused++;
}

/* ---- requests ---- */

static void request_unwheel(struct request *request)
{
    DL_DELETE2(request->client->wheel[request->tick % TICK_SLOTS], request, tick_prev, tick_next);
}

/* Gives the outcome, once. */
static void request_finish(struct request *request, enum sl_err err, const struct reply *reply)
{
    client_done_fn done = request->done;

    if (!done)
        return;
    request_unwheel(request);
    request->done = NULL;
    done(request->done_arg, err, reply);
}

/* No answer will come. Redis runs a command when it has the last byte of it, so one that was not written
 * to its end did not happen. TLS keeps written bytes of its own, so there it may have. */
static enum sl_err request_fate(const struct request *request, const redisAsyncContext *ac)
{
    const struct client *client = request->client;
    size_t unsent = ac->c.obuf ? sdslen(ac->c.obuf) : 0;

    if (!client->address.tls && request->end > client->queued - unsent)
        return SL_EDOWN;
    return SL_EUNKNOWN;
}

static enum sl_err reply_err(const struct reply *reply)
{
    if (reply_kind(reply) != REPLY_ERROR)
        return SL_OK;
    return reply_did_nothing(reply) ? SL_EDOWN : SL_EREFUSED;
}

static void request_remove(struct request *request)
{
    DL_DELETE(request->client->requests, request);
    request->client->stats.in_flight--;
}

static void request_answered(redisAsyncContext *ac, void *raw, void *arg)
{
    struct request *request = arg;
    struct client *client = request->client;
    const struct reply *reply = raw;
    enum sl_err err;

    if (!client) {
        free(request);
        return;
    }
    request_remove(request);
    if (!reply) {
        client->stats.lost++;
        err = request_fate(request, ac);
    } else {
        client->stats.replies++;
        client->stats.late += !request->done;
        err = reply_err(reply);
        client->stats.errors += err != SL_OK;
    }
    request_finish(request, err, reply); /* may free the client */
    free(request);
}

/* ---- deadlines ---- */

static void ticker_start(struct client *client)
{
    struct timeval tick = { 0, TICK_US };

    if (client->ticking)
        return;
    client->ticking = true;
    client->tick_next = clock_mono_us() / TICK_US;
    client->heard = client->stats.replies;
    client->heard_us = clock_mono_us();
    event_add(client->ticker, &tick);
}

/* Finishes what is due in the slot of TICK. Stops when a callback freed the client. */
static void slot_expire(struct client *client, int64_t tick)
{
    struct request *request = client->wheel[tick % TICK_SLOTS], *next;

    /* While a callback runs, requests may join the slot's end and none leaves it, unless all do. */
    for (; request && !client->freeing; request = next) {
        next = request->tick_next;
        if (request->tick > tick)
            continue;
        client->stats.expired++;
        request_finish(request, SL_EUNKNOWN, NULL);
    }
}

/* A peer that is gone without a word would hold every request for as long as TCP hopes. */
static bool client_is_silent(struct client *client, int64_t now_us)
{
    if (client->heard != client->stats.replies) {
        client->heard = client->stats.replies;
        client->heard_us = now_us;
    }
    return now_us - client->heard_us > client->setup.silence_max_ms * 1000;
}

static void client_break(struct client *client, const char *why)
{
    redisAsyncContext *ac = client->ac;

    if (!ac)
        return;
    ac->data = NULL; /* no word of it to disconnected(): it is not told of connections that never were */
    client->ac = NULL;
    client_enter(client);
    redisAsyncFree(ac); /* gives every pending callback its NULL, now or when the reply's callback returns */
    if (!client->freeing)
        client_down(client, why);
    client_leave(client);
}

static void tick_fire(evutil_socket_t fd, short what, void *arg)
{
    struct client *client = arg;
    int64_t now_us = clock_mono_us(), last = now_us / TICK_US, tick = client->tick_next;

    (void)fd;
    (void)what;
    if (last - tick >= TICK_SLOTS)
        tick = last - TICK_SLOTS + 1; /* every slot once is enough */
    client_enter(client);
    client->tick_next = last + 1;
    for (; tick <= last && !client->freeing; tick++)
        slot_expire(client, tick);
    if (!client->freeing && client->requests && client_is_silent(client, now_us))
        client_break(client, "it has been silent for too long");
    if (!client->freeing && !client->requests) {
        client->ticking = false;
        event_del(client->ticker);
    }
    client_leave(client);
}

/* ---- connection ---- */

static void client_trouble(struct client *client, const char *what, const char *why)
{
    char text[sizeof(client->trouble)];

    snprintf(text, sizeof(text), "%s: %s", what, why);
    if (strcmp(text, client->trouble) == 0)
        return; /* said already; it is tried again every two seconds */
    memcpy(client->trouble, text, sizeof(text));
    if (client->address.port)
        log_warn("redis %s:%d: %s", client->address.host, client->address.port, text);
    else
        log_warn("redis %s: %s", client->address.host, text);
}

static void client_retry(struct client *client)
{
    int64_t wait_ms;
    struct timeval wait;

    client->backoff_ms = client->backoff_ms ? client->backoff_ms * 2 : BACKOFF_FIRST_MS;
    if (client->backoff_ms > BACKOFF_MAX_MS)
        client->backoff_ms = BACKOFF_MAX_MS;
    /* Half of it for certain and half by chance, so that daemons do not come back all at once. */
    wait_ms = client->backoff_ms / 2 + (int64_t)(clock_random() % (uint64_t)(client->backoff_ms / 2 + 1));
    wait.tv_sec = wait_ms / 1000;
    wait.tv_usec = wait_ms % 1000 * 1000;
    event_add(client->reconnect, &wait);
}

/* What follows the end of a connection, or of the attempt. May free the client. */
static void client_down(struct client *client, const char *why)
{
    bool was_up = client->up;

    client->ac = NULL;
    client->up = false;
    event_del(client->connect_limit);
    client_trouble(client, was_up ? "the connection is lost" : "cannot connect", why);
    client_retry(client);
    if (was_up && client->setup.on_state)
        client->setup.on_state(client->setup.on_state_arg, false);
}

/* Queues WIRE on the connection, up or not. 0: it took nothing. */
static uint64_t client_push(struct client *client, const struct buf *wire, int64_t deadline_ms, client_done_fn done,
                            void *done_arg)
{
    struct request *request;

    if (!client->ac)
        return 0; /* it is being given up, and this is asked by a callback that hears of it */
    request = xcalloc(1, sizeof(*request));
    request->client = client;
    request->done = done;
    request->done_arg = done_arg;
    request->tick = (clock_mono_us() + deadline_ms * 1000 + TICK_US - 1) / TICK_US;
    request->end = client->queued + wire->len;
    if (redisAsyncFormattedCommand(client->ac, request_answered, request, wire->data, wire->len) != REDIS_OK) {
        free(request);
        return 0;
    }
    client->queued += wire->len;
    ticker_start(client);
    DL_APPEND(client->requests, request);
    DL_APPEND2(client->wheel[request->tick % TICK_SLOTS], request, tick_prev, tick_next);
    client->stats.requests++;
    client->stats.in_flight++;
    client->stats.bytes_out += wire->len;
    return ++request_number;
}

/* ---- greeting ---- */

static void greet_must(void *arg, enum sl_err err, const struct reply *reply)
{
    struct client *client = arg;

    if (!client->freeing && reply && err)
        client_break(client, reply_text(reply, NULL));
}

static void greet_may(void *arg, enum sl_err err, const struct reply *reply)
{
    (void)arg;
    if (reply && err)
        log_debug("redis: %s", reply_text(reply, NULL)); /* a name or a script less changes nothing */
}

/* The PING behind all of it is answered: the others were, too. */
static void greet_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct client *client = arg;

    greet_must(arg, err, reply);
    if (client->freeing || !client->ac || err)
        return;
    event_del(client->connect_limit);
    client->up = true;
    client->backoff_ms = 0;
    client->trouble[0] = '\0';
    client->stats.reconnects++;
    if (client->setup.on_state)
        client->setup.on_state(client->setup.on_state_arg, true);
}

static void greet(struct client *client, client_done_fn done, const struct slice *words, size_t count)
{
    size_t i;

    buf_reset(&client->wire);
    wire_begin(&client->wire, count);
    for (i = 0; i < count; i++)
        wire_add(&client->wire, words[i]);
    client_push(client, &client->wire, CONNECT_MS, done, client);
}

static void client_greet(struct client *client)
{
    const struct address *address = &client->address;
    struct slice auth[] = { slice_of("AUTH"), slice_of(address->user), slice_of(address->password) };
    struct slice anybody[] = { slice_of("AUTH"), slice_of(address->password) };
    char db[SLICE_I64_MAX];
    struct slice select[] = { slice_of("SELECT"), slice_i64(db, address->db) };
    struct slice name[] = { slice_of("CLIENT"), slice_of("SETNAME"), slice_of(client->name) };
    struct slice ping[] = { slice_of("PING") };
    struct script *const *script;

    if (address->user[0])
        greet(client, greet_must, auth, SL_COUNT(auth));
    else if (address->password[0])
        greet(client, greet_must, anybody, SL_COUNT(anybody));
    if (address->db)
        greet(client, greet_must, select, SL_COUNT(select));
    if (client->name[0])
        greet(client, greet_may, name, SL_COUNT(name));
    for (script = client->setup.scripts; script && *script; script++) {
        struct slice load[] = { slice_of("SCRIPT"), slice_of("LOAD"), { (*script)->text, (*script)->len } };

        greet(client, greet_may, load, SL_COUNT(load));
    }
    greet(client, greet_done, ping, SL_COUNT(ping));
}

/* ---- TLS ---- */

#ifdef HAVE_HIREDIS_SSL
/* The certificate must be good for the host, which hiredis alone would not check. */
static bool client_start_tls(struct client *client)
{
    const char *host = client->address.host;
    unsigned char ip[16];
    SSL *ssl;
    bool is_ip, ok;

    if (!client->address.tls)
        return true;
    ssl = SSL_new(client->tls);
    if (!ssl)
        return false;
    is_ip = inet_pton(AF_INET, host, ip) == 1 || inet_pton(AF_INET6, host, ip) == 1;
    ok = is_ip ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1
               : SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
    client->tls_now = ssl;
    if (ok && redisInitiateSSL(&client->ac->c, ssl) == REDIS_OK)
        return true;
    SSL_free(ssl);
    return false;
}

/* hiredis says "Success" of a certificate that was refused. */
static const char *connection_trouble(const struct client *client, const redisAsyncContext *ac)
{
    long verdict = client->address.tls ? SSL_get_verify_result(client->tls_now) : X509_V_OK;

    return verdict == X509_V_OK ? ac->c.errstr : X509_verify_cert_error_string(verdict);
}

static const char *client_init_tls(struct client *client)
{
    if (!client->address.tls)
        return NULL;
    client->tls = SSL_CTX_new(TLS_client_method());
    if (!client->tls || SSL_CTX_set_default_verify_paths(client->tls) != 1 ||
        SSL_CTX_set_min_proto_version(client->tls, TLS1_2_VERSION) != 1) {
        SSL_CTX_free(client->tls);
        return "TLS cannot be set up";
    }
    SSL_CTX_set_verify(client->tls, SSL_VERIFY_PEER, NULL);
    return NULL;
}
#else
static const char *connection_trouble(const struct client *client, const redisAsyncContext *ac)
{
    (void)client;
    return ac->c.errstr;
}

static bool client_start_tls(struct client *client)
{
    return !client->address.tls;
}

static const char *client_init_tls(struct client *client)
{
    return client->address.tls ? "this build cannot speak TLS to Redis (it needs hiredis 1.x with its ssl half)" : NULL;
}
#endif

/* ---- connect ---- */

static void connected(const redisAsyncContext *ac, int status)
{
    struct client *client = ac->data;

    if (!client)
        return;
    if (status != REDIS_OK) {
        client_down(client, connection_trouble(client, ac)); /* hiredis frees the context itself */
        return;
    }
    client_greet(client);
}

static void disconnected(const redisAsyncContext *ac, int status)
{
    struct client *client = ac->data;

    (void)status;
    if (client)
        client_down(client, ac->err ? connection_trouble(client, ac) : "closed");
}

static void connect_limit_fire(evutil_socket_t fd, short what, void *arg)
{
    struct client *client = arg;

    (void)fd;
    (void)what;
    client_break(client, "no answer");
}

static void client_connect(struct client *client)
{
    struct timeval limit = { CONNECT_MS / 1000, 0 };
    redisAsyncContext *ac = client->address.port ? redisAsyncConnect(client->address.host, client->address.port)
                                                 : redisAsyncConnectUnix(client->address.host);
    char why[sizeof(ac->c.errstr)] = "out of memory";

    client->ac = ac;
    client->queued = 0;
    if (!ac || ac->err || !client_start_tls(client)) {
        if (ac) {
            snprintf(why, sizeof(why), "%s", ac->c.errstr);
            redisAsyncFree(ac);
        }
        client_down(client, why);
        return;
    }
    if (client->address.port)
        redisEnableKeepAlive(&ac->c);
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

/* hiredis writes with plain write(2), and a Redis that was killed must not take the daemon with it. */
static void ignore_sigpipe(void)
{
    struct sigaction action;

    if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

enum sl_err client_new(const struct client_setup *setup, struct client **out, const char **why)
{
    struct client *client = xcalloc(1, sizeof(*client));

    *why = address_parse(setup->url, &client->address);
    if (!*why)
        *why = client_init_tls(client);
    if (*why) {
        free(client);
        return SL_EINVAL;
    }
    ignore_sigpipe();
    client->setup = *setup;
    client->refusals_tail = &client->refusals;
    if (!client->setup.in_flight_max)
        client->setup.in_flight_max = IN_FLIGHT_MAX;
    if (!client->setup.silence_max_ms)
        client->setup.silence_max_ms = SILENCE_MAX_MS;
    snprintf(client->name, sizeof(client->name), "%s", setup->name ? setup->name : "");
    client->reconnect = evtimer_new(setup->base, reconnect_fire, client);
    client->connect_limit = evtimer_new(setup->base, connect_limit_fire, client);
    client->later = evtimer_new(setup->base, later_fire, client);
    client->ticker = event_new(setup->base, -1, EV_PERSIST, tick_fire, client);
    client_connect(client);
    *out = client;
    return SL_OK;
}

void client_free(struct client *client)
{
    redisAsyncContext *ac;
    struct request *request;
    int rounds;

    if (!client)
        return;
    assert(!client->freeing);
    ac = client->ac;
    client_enter(client);
    client->freeing = true;
    client->up = false;
    client->ac = NULL;
    event_del(client->reconnect);
    event_del(client->connect_limit);
    event_del(client->ticker);
    while ((request = client->requests)) {
        enum sl_err err = ac ? request_fate(request, ac) : SL_EUNKNOWN;

        request_remove(request);
        client->stats.lost++;
        request_finish(request, err, NULL);
        request->client = NULL; /* hiredis has it still, and frees it by request_answered */
    }
    for (rounds = 0; client->refusals; rounds++) {
        assert(rounds < FREE_ROUNDS_MAX); /* somebody asks again from the callback of each refusal */
        refusals_run(client);
    }
    if (ac) {
        ac->data = NULL;
        redisAsyncFree(ac);
    }
    client_leave(client);
}

bool client_is_up(const struct client *client)
{
    return client->up;
}

void client_hold(struct client *client, bool held)
{
    client->held = held;
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
    int len = snprintf(text, SLICE_I64_MAX, "%" PRId64, value);

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

static uint64_t client_try(struct client *client, bool may, const struct buf *wire, int64_t deadline_ms,
                           client_done_fn done, void *done_arg)
{
    uint64_t number = 0;
    enum sl_err err = SL_EDOWN;

    assert(deadline_ms > 0 && deadline_ms < INT64_MAX / 2000 && done);
    if (may && client->stats.in_flight >= client->setup.in_flight_max)
        err = SL_EBUSY;
    else if (may)
        number = client_push(client, wire, deadline_ms, done, done_arg); /* 0: the connection is ending */
    if (!number)
        client_refuse(client, err, done, done_arg);
    return number;
}

uint64_t client_send(struct client *client, const struct buf *wire, int64_t deadline_ms, client_done_fn done,
                     void *done_arg)
{
    return client_try(client, client->up && !client->held, wire, deadline_ms, done, done_arg);
}

uint64_t client_send_held(struct client *client, const struct buf *wire, int64_t deadline_ms, client_done_fn done,
                          void *done_arg)
{
    return client_try(client, client->up, wire, deadline_ms, done, done_arg);
}

static const struct buf *client_wire(struct client *client, const struct slice *args, size_t count)
{
    size_t i;

    assert(count > 0);
    buf_reset(&client->wire);
    wire_begin(&client->wire, count);
    for (i = 0; i < count; i++)
        wire_add(&client->wire, args[i]);
    return &client->wire;
}

void client_command(struct client *client, const struct slice *args, size_t count, int64_t deadline_ms,
                    client_done_fn done, void *done_arg)
{
    client_send(client, client_wire(client, args, count), deadline_ms, done, done_arg);
}

static size_t words_take(struct slice args[WORDS_MAX], va_list words)
{
    const char *word;
    size_t count = 0;

    while ((word = va_arg(words, const char *))) {
        assert(count < WORDS_MAX);
        args[count++] = slice_of(word);
    }
    return count;
}

void client_words(struct client *client, int64_t deadline_ms, client_done_fn done, void *done_arg, ...)
{
    struct slice args[WORDS_MAX];
    size_t count;
    va_list words;

    va_start(words, done_arg);
    count = words_take(args, words);
    va_end(words);
    client_command(client, args, count, deadline_ms, done, done_arg);
}

void client_words_held(struct client *client, int64_t deadline_ms, client_done_fn done, void *done_arg, ...)
{
    struct slice args[WORDS_MAX];
    size_t count;
    va_list words;

    va_start(words, done_arg);
    count = words_take(args, words);
    va_end(words);
    client_send_held(client, client_wire(client, args, count), deadline_ms, done, done_arg);
}

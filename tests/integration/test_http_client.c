#include <criterion/criterion.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xmalloc.h"
#include "integration/http_server.h"
#include "provider/http_client.h"

/* ---- the other side: what a path does ---- */

static bool say_much(int fd, size_t len)
{
    char block[4096];
    size_t i;

    memset(block, 'x', sizeof(block) - 1);
    block[sizeof(block) - 1] = '\0';
    for (i = 0; i < len; i += sizeof(block) - 1)
        if (!bare_server_say(fd, "%s", block))
            return false;
    return true;
}

static bool drip(int fd)
{
    struct timespec pause = { 0, 5000000 };

    if (!bare_server_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"))
        return false;
    while (bare_server_say(fd, "x"))
        nanosleep(&pause, NULL);
    return false;
}

static bool serve_oddly(int fd, const char *path)
{
    if (strcmp(path, "/drip") == 0)
        return drip(fd);
    if (strcmp(path, "/garbage") == 0)
        bare_server_say(fd, "SSH-2.0-OpenSSH_9.2\r\n");
    else if (strcmp(path, "/big") == 0)
        bare_server_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n");
    else if (strcmp(path, "/big-open") == 0 && bare_server_say(fd, "HTTP/1.1 200 OK\r\n\r\n"))
        say_much(fd, (1 << 20) + 4096);
    else if (strcmp(path, "/big-head") == 0 && bare_server_say(fd, "HTTP/1.1 200 OK\r\nX: "))
        say_much(fd, 64 << 10);
    else if (strcmp(path, "/cut") == 0)
        return bare_server_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive!") && false;
    else if (strcmp(path, "/slow-head") == 0)
        bare_server_say(fd, "HTTP/1.1 200 OK\r\nContent-");
    bare_server_wait_closed(fd);
    return false;
}

static bool serve(struct bare_server *server, int fd, const struct bare_server_request *request)
{
    const char *path = request->path;

    if (strcmp(path, "/ok") == 0)
        return bare_server_answer(fd, 200, "fine");
    if (strcmp(path, "/echo?a=b") == 0)
        return bare_server_answer(fd, 200, request->body);
    if (strcmp(path, "/hold") == 0) {
        bare_server_wait_release(server);
        return bare_server_answer(fd, 200, "held");
    }
    if (strcmp(path, "/chunked") == 0)
        return bare_server_say(fd, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "3\r\nchu\r\n4;x=y\r\nnked\r\n0\r\nX-Trailer: y\r\n\r\n");
    if (strcmp(path, "/open-end") == 0)
        return bare_server_say(fd, "HTTP/1.1 200 OK\r\n\r\nuntil the end") && false;
    if (strcmp(path, "/close") == 0)
        return bare_server_say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok") && false;
    if (strcmp(path, "/quits") == 0) /* promises to go on and does not */
        return bare_server_answer(fd, 200, "bye") && false;
    if (strcmp(path, "/quits-twice") == 0) /* the second request of a connection, and any repeat, is lost */
        return request->nth == 1 && server->requests == 1 && bare_server_answer(fd, 200, "bye");
    if (strcmp(path, "/reset") == 0) {
        bare_server_reset(fd);
        return false;
    }
    if (strncmp(path, "/status/", 8) == 0)
        return bare_server_answer(fd, atoi(path + 8), "said so");
    return serve_oddly(fd, path);
}

/* ---- this side ---- */

struct got {
    int count; /* how often DONE came */
    enum sl_err err;
    int status;
    char body[128];
    size_t body_len;
    char detail[512];
    int64_t elapsed_us;
    uint64_t number;
};

static struct event_base *base;
static struct bare_server server;
static struct http_client *client;
static int answered; /* by all */

static void setup_with(struct http_client_setup *setup)
{
    const char *why;

    xmalloc_init();
    signal(SIGPIPE, SIG_IGN);
    base = event_base_new();
    setup->base = base;
    cr_assert_eq(http_client_new(setup, &client, &why), SL_OK);
    bare_server_start(&server, serve);
    answered = 0;
}

static void setup(void)
{
    struct http_client_setup plain = { 0 };

    setup_with(&plain);
}

static void teardown(void)
{
    http_client_free(client);
    bare_server_stop(&server);
    event_base_free(base);
    libevent_global_shutdown();
}

static void on_done(void *arg, uint64_t number, const struct http_result *result)
{
    struct got *got = arg;

    got->count++;
    got->number = number;
    got->err = result->err;
    got->status = result->status;
    got->elapsed_us = result->elapsed_us;
    got->body_len = result->body_len;
    snprintf(got->body, sizeof(got->body), "%s", result->body ? result->body : "(none)");
    snprintf(got->detail, sizeof(got->detail), "%s", result->detail ? result->detail : "(none)");
    cr_assert_eq(result->err == SL_OK, result->detail == NULL);
    cr_assert_eq(result->status != 0, result->body != NULL);
    answered++;
}

static uint64_t ask(const char *url, int64_t timeout_ms, http_done_fn done, void *arg)
{
    struct http_header headers[] = { { "Idempotency-Key", "key-1" } };
    struct http_request request = { .method = "POST", .url = url, .headers = headers, .header_count = 1,
                                    .body = "{}", .body_len = 2, .timeout_ms = timeout_ms, .repeatable = true };

    return http_client_send(client, &request, done, arg);
}

static uint64_t ask_path(const char *path, int64_t timeout_ms, struct got *got)
{
    char url[256];

    memset(got, 0, sizeof(*got));
    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", server.port, path);
    return ask(url, timeout_ms, on_done, got);
}

static struct got ask_and_wait(const char *path, int64_t timeout_ms)
{
    struct got got;
    uint64_t number = ask_path(path, timeout_ms, &got);

    cr_assert_eq(got.count, 0, "DONE may not run inside send");
    loop_until(base, &got.count, 1);
    cr_assert_eq(got.number, number);
    return got;
}

TestSuite(http_client, .init = setup, .fini = teardown, .timeout = 60);
TestSuite(http_limits, .fini = teardown, .timeout = 60); /* each sets up its own */

/* If one of these maps to another outcome, a payment is retried that was made, or given up that was not. */
Test(http_client, each_way_to_answer_has_its_outcome)
{
    static const struct {
        const char *path;
        enum sl_err err;
        int status;
        const char *text; /* the body's, or a part of the detail */
    } rows[] = {
        { "/ok", SL_OK, 200, "fine" },
        { "/echo?a=b", SL_OK, 200, "{}" },
        { "/chunked", SL_OK, 200, "chunked" },
        { "/open-end", SL_OK, 200, "until the end" },
        { "/close", SL_OK, 200, "ok" },
        { "/status/500", SL_OK, 500, "said so" },
        { "/status/302", SL_OK, 302, "said so" },
        { "/status/503", SL_EDOWN, 503, "overloaded (HTTP 503)" },
        { "/status/429", SL_EDOWN, 429, "overloaded (HTTP 429)" },
        { "/reset", SL_EUNKNOWN, 0, "broke" },
        { "/cut", SL_EUNKNOWN, 0, "broke" },
        { "/slow-head", SL_EUNKNOWN, 0, "deadline" },
        { "/silent", SL_EUNKNOWN, 0, "deadline" },
        { "/drip", SL_EUNKNOWN, 0, "deadline" },
        { "/garbage", SL_EPROTO, 0, "status line" },
        { "/big", SL_EPROTO, 0, "larger" },
        { "/big-open", SL_EPROTO, 0, "larger" },
        { "/big-head", SL_EPROTO, 0, "larger" },
    };
    struct http_client_stats stats;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        bool waits = rows[i].err == SL_EUNKNOWN;
        struct got got = ask_and_wait(rows[i].path, waits ? 300 : 10000);

        cr_expect_eq(got.err, rows[i].err, "%s: %s (%s)", rows[i].path, sl_err_name(got.err), got.detail);
        cr_expect_eq(got.status, rows[i].status, "%s: status %d", rows[i].path, got.status);
        cr_expect(strstr(got.err ? got.detail : got.body, rows[i].text), "%s: %s, %s", rows[i].path, got.detail, got.body);
        cr_expect_lt(got.elapsed_us, 5000000, "%s", rows[i].path);
    }
    http_client_stats(client, &stats);
    cr_expect_eq(stats.active, 0);
    cr_expect_eq(stats.queued, 0);
    cr_expect_eq(stats.open, stats.idle, "what broke must be closed");
    cr_expect_eq(stats.resends, 1, "/reset came on a kept connection; a fresh one that breaks is no reason to send again");
}

/* If this fails, what was never sent is taken for unknown, or the other way round. */
Test(http_client, what_cannot_be_sent_is_down)
{
    static const char *const urls[] = {
        "http://127.0.0.1:%d/refused", "nonsense", "ftp://127.0.0.1/", "http://", "http:///x", "http://user@127.0.0.1/",
        "http://127.0.0.1:0/", "http://127.0.0.1:70000/", "http://127.0.0.1/#x", "http://127.0.0.1/a b", "",
    };
    size_t i;

    for (i = 0; i < SL_COUNT(urls); i++) {
        struct got got = { 0 };
        char url[256];

        strcpy(url, urls[i]);
        if (i == 0)
            snprintf(url, sizeof(url), "http://127.0.0.1:%d/refused", bare_server_free_port());
        ask(url, 5000, on_done, &got);
        cr_expect_eq(got.count, 0);
        loop_until(base, &got.count, 1);
        cr_expect_eq(got.err, SL_EDOWN, "%s: %s", url, got.detail);
    }
}

/* If this fails, a value from outside can add headers or a whole second request. */
Test(http_client, a_line_end_in_a_header_is_not_sent)
{
    struct http_header header = { "Idempotency-Key", "a\r\nX: y" };
    struct http_request request = { .method = "POST", .headers = &header, .header_count = 1, .timeout_ms = 5000 };
    struct got got = { 0 };
    char url[128];

    snprintf(url, sizeof(url), "http://127.0.0.1:%d/ok", server.port);
    request.url = url;
    http_client_send(client, &request, on_done, &got);
    loop_until(base, &got.count, 1);
    cr_expect_eq(got.err, SL_EDOWN);
    cr_expect_eq(server.requests, 0);
}

/* If this fails, a host that closes without reading is taken for one that was never reached. */
Test(http_client, reset_before_reading_is_unknown_or_down_but_never_ok)
{
    struct got got;

    server.reset_on_accept = true;
    got = ask_and_wait("/ok", 5000);
    cr_expect(got.err == SL_EUNKNOWN || got.err == SL_EDOWN, "%s", sl_err_name(got.err));
    cr_expect_eq(server.requests, 0);
}

/* If this fails, every call pays for a new connection. */
Test(http_client, connections_are_used_again)
{
    struct http_client_stats stats;
    int i;

    for (i = 0; i < 20; i++)
        cr_assert_eq(ask_and_wait("/ok", 5000).err, SL_OK);
    http_client_stats(client, &stats);
    cr_expect_eq(server.connections, 1);
    cr_expect_eq(stats.connections, 1);
    cr_expect_eq(stats.reuses, 19);
    cr_expect_eq(stats.idle, 1);
}

/* If this fails, names cannot be called, or each call looks its name up again. */
Test(http_client, a_name_is_looked_up)
{
    struct got got = { 0 };
    char url[128];

    snprintf(url, sizeof(url), "http://localhost:%d/ok", server.port);
    ask(url, 10000, on_done, &got);
    loop_until(base, &got.count, 1);
    cr_expect_eq(got.err, SL_OK, "%s", got.detail);
    ask(url, 10000, on_done, &got);
    loop_until(base, &got.count, 2);
    cr_expect_eq(got.err, SL_OK, "%s", got.detail);
}

/* If this fails, a host is flooded with connections, or work waits while it need not. */
Test(http_limits, no_more_connections_than_allowed)
{
    struct http_client_setup few = { .connections_max = 4 };
    struct got got[20];
    struct http_client_stats stats;
    size_t i;

    setup_with(&few);
    for (i = 0; i < SL_COUNT(got); i++)
        ask_path("/hold", 20000, &got[i]);
    bare_server_until_requests(&server, 0);
    loop_for(base, 100);
    bare_server_until_requests(&server, 4);
    http_client_stats(client, &stats);
    cr_expect_eq(stats.active, 4);
    cr_expect_eq(stats.queued, 16);
    bare_server_release(&server);
    loop_until(base, &answered, 20);
    cr_expect_eq(server.connections, 4);
    cr_expect_eq(server.active_max, 4);
    for (i = 0; i < SL_COUNT(got); i++) {
        cr_expect_eq(got[i].count, 1);
        cr_expect_eq(got[i].err, SL_OK);
    }
}

/* If this fails, a stuck host fills the memory. */
Test(http_limits, a_full_queue_refuses)
{
    struct http_client_setup few = { .connections_max = 1, .queue_max = 2 };
    struct got got[5];
    struct http_client_stats stats;
    size_t i;

    setup_with(&few);
    for (i = 0; i < SL_COUNT(got); i++)
        ask_path("/hold", 20000, &got[i]);
    cr_expect_eq(answered, 0);
    loop_until(base, &answered, 2);
    cr_expect_eq(got[3].err, SL_EDOWN);
    cr_expect(strstr(got[3].detail, "overload"));
    cr_expect_eq(got[4].err, SL_EDOWN);
    http_client_stats(client, &stats);
    cr_expect_eq(stats.overloads, 2);
    bare_server_release(&server);
    loop_until(base, &answered, 5);
    cr_expect_eq(got[2].err, SL_OK);
}

/* If this fails, a request that waited in the queue is taken for sent. */
Test(http_limits, deadline_in_the_queue_is_down)
{
    struct http_client_setup few = { .connections_max = 1 };
    struct got first, second;

    setup_with(&few);
    ask_path("/hold", 20000, &first);
    ask_path("/hold", 100, &second);
    loop_until(base, &second.count, 1);
    cr_expect_eq(second.err, SL_EDOWN, "%s", second.detail);
    cr_expect_eq(first.count, 0);
    bare_server_release(&server);
    loop_until(base, &first.count, 1);
    cr_expect_eq(first.err, SL_OK);
    cr_expect_eq(server.requests, 1);
}

/* If this fails, one slow bank stops all the others. */
Test(http_limits, a_slow_host_does_not_delay_another)
{
    struct http_client_setup few = { .connections_max = 2 };
    struct bare_server fast;
    struct got slow[50], quick = { 0 };
    char url[128];
    size_t i;

    setup_with(&few);
    bare_server_start(&fast, serve);
    for (i = 0; i < SL_COUNT(slow); i++)
        ask_path("/hold", 20000, &slow[i]);
    loop_for(base, 50);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/ok", fast.port);
    ask(url, 5000, on_done, &quick);
    loop_until(base, &quick.count, 1);
    cr_expect_eq(quick.err, SL_OK);
    cr_expect_eq(answered, 1);
    bare_server_release(&server);
    loop_until(base, &answered, 51);
    bare_server_stop(&fast);
}

/* If this fails, a dropped machine is written to by a late answer. */
Test(http_client, nothing_comes_after_a_cancel)
{
    struct got flying, waiting, unsent;
    struct http_client_stats stats;
    uint64_t number;

    number = ask_path("/hold", 5000, &flying);
    loop_for(base, 50);
    bare_server_until_requests(&server, 1);
    http_client_cancel(client, number);
    http_client_cancel(client, number); /* unknown by now */
    number = ask_path("/ok", 5000, &unsent);
    http_client_cancel(client, number);
    number = ask("nonsense", 5000, on_done, memset(&waiting, 0, sizeof(waiting))); /* its DONE is due */
    http_client_cancel(client, number);
    http_client_cancel(client, 12345);
    bare_server_release(&server);
    cr_expect_eq(ask_and_wait("/ok", 5000).err, SL_OK);
    loop_for(base, 50);
    cr_expect_eq(flying.count + waiting.count + unsent.count, 0);
    http_client_stats(client, &stats);
    cr_expect_eq(stats.active + stats.queued, 0);
}

static struct got other;
static uint64_t other_number;

static void cancel_inside(void *arg, uint64_t number, const struct http_result *result)
{
    http_client_cancel(client, number);
    http_client_cancel(client, other_number);
    on_done(arg, number, result);
}

/* If this fails, a DONE that tidies up breaks the list it is called from. */
Test(http_client, cancel_from_inside_done)
{
    struct got got = { 0 };

    memset(&other, 0, sizeof(other));
    ask("nonsense", 5000, cancel_inside, &got);
    other_number = ask("nonsense", 5000, on_done, &other);
    loop_until(base, &got.count, 1);
    loop_for(base, 30);
    cr_expect_eq(got.count, 1);
    cr_expect_eq(other.count, 0);
}

/* Sends the next request before the loop can see that the kept connection was closed. */
static void ask_on_stale(void *arg, uint64_t number, const struct http_result *result)
{
    const char *path = arg;
    char url[128];

    (void)number;
    cr_assert_eq(result->err, SL_OK);
    if (strcmp(path, "/ok") == 0)
        bare_server_until_closed(&server, 1);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", server.port, path);
    ask(url, 5000, on_done, &other);
}

static void begin_stale(const char *first, const char *second)
{
    char url[128];

    memset(&other, 0, sizeof(other));
    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", server.port, first);
    ask(url, 5000, ask_on_stale, (void *)(uintptr_t)second);
}

/* ---- hosts that speak without being asked ---- */

static atomic_bool said_twice;

/* Answers once, and once more when the first answer was taken. */
static bool serve_twice(struct bare_server *from, int fd, const struct bare_server_request *request)
{
    if (strcmp(request->path, "/twice") != 0)
        return bare_server_answer(fd, 200, "its own");
    bare_server_answer(fd, 200, "first");
    bare_server_wait_release(from);
    bare_server_answer(fd, 200, "second");
    atomic_store(&said_twice, true);
    return true;
}

static void ask_behind_second(void *arg, uint64_t number, const struct http_result *result)
{
    char url[128];
    int waits;

    (void)arg;
    (void)number;
    cr_assert_str_eq(result->body, "first");
    bare_server_release(&server);
    for (waits = 0; waits < 30000 && !atomic_load(&said_twice); waits++)
        usleep(1000);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/next", server.port);
    ask(url, 5000, on_done, &other);
}

/* If this fails, a payment is processed on the answer to another one's call. */
Test(http_client, a_second_answer_answers_nothing)
{
    char url[128];

    memset(&other, 0, sizeof(other));
    server.serve = serve_twice;
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/twice", server.port);
    ask(url, 5000, ask_behind_second, NULL);
    loop_until(base, &other.count, 1);
    cr_expect_str_eq(other.body, "its own", "%s", other.body);
    cr_expect_eq(server.connections, 2, "the first connection is not used again");
}

static const char *echoed_key;

static bool serve_echo(struct bare_server *from, int fd, const struct bare_server_request *request)
{
    (void)from;
    (void)request;
    return bare_server_say(fd, "HTTP/1.1 200 OK\r\nidempotency-key: %s\r\nContent-Length: 2\r\n\r\n{}", echoed_key);
}

/* If this fails, an answer that says itself that it is another call's is taken. */
Test(http_client, an_answer_with_another_key_is_not_taken)
{
    struct got got;

    server.serve = serve_echo;
    echoed_key = "key-1";
    cr_expect_eq(ask_and_wait("/a", 5000).err, SL_OK);
    echoed_key = "key-2";
    got = ask_and_wait("/b", 5000);
    cr_expect_eq(got.err, SL_EUNKNOWN, "%s", got.body);
    cr_expect(strstr(got.detail, "another call"), "%s", got.detail);
    echoed_key = "key-1";
    cr_expect_eq(ask_and_wait("/c", 5000).err, SL_OK);
    cr_expect_eq(server.connections, 2, "whose answers are mixed up is not asked on the same connection again");
}

/* If this fails, each restart of a bank's server costs a round of unknown payments. */
Test(http_client, a_stale_connection_is_replaced_once)
{
    struct http_client_stats stats;

    begin_stale("/quits", "/ok");
    loop_until(base, &other.count, 1);
    cr_expect_eq(other.err, SL_OK, "%s", other.detail);
    cr_expect_str_eq(other.body, "fine");
    http_client_stats(client, &stats);
    cr_expect_eq(stats.resends, 1);
    cr_expect_eq(stats.reuses, 1);
    cr_expect_eq(server.connections, 2);
    cr_expect_str_eq(server.keys[1], "key-1", "the same key goes out again");
}

/* If this fails, a request that kills its server is sent to it for ever, or taken for never sent. */
Test(http_client, what_was_sent_twice_in_vain_is_unknown)
{
    begin_stale("/quits-twice", "/quits-twice");
    loop_until(base, &other.count, 1);
    cr_expect_eq(other.err, SL_EUNKNOWN, "%s", other.detail);
    cr_expect_eq(server.requests, 3, "the first, and the second twice");
}

static bool serve_and_leave(struct bare_server *from, int fd, const struct bare_server_request *request)
{
    (void)request;
    if (request->nth == 2) {
        shutdown(from->fd, SHUT_RDWR); /* nobody listens any more */
        return false;
    }
    return bare_server_answer(fd, 200, "bye");
}

/* If this fails, a payment that may have been made is reported as surely not made. */
Test(http_client, sent_once_then_refused_is_unknown)
{
    server.serve = serve_and_leave;
    begin_stale("/x", "/y");
    loop_until(base, &other.count, 1);
    cr_expect_eq(other.err, SL_EUNKNOWN, "%s", other.detail);
    cr_expect(strstr(other.detail, "cannot connect"), "%s", other.detail);
}

/* If this fails, what may not be repeated is repeated. */
Test(http_client, only_repeatable_requests_are_sent_again)
{
    struct http_request request = { .method = "POST", .timeout_ms = 5000 };
    struct got first = ask_and_wait("/ok", 5000), second = { 0 };
    char url[128];

    cr_assert_eq(first.err, SL_OK);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/reset", server.port);
    request.url = url;
    http_client_send(client, &request, on_done, &second);
    loop_until(base, &second.count, 1);
    cr_expect_eq(second.err, SL_EUNKNOWN);
    cr_expect_eq(server.requests, 2);
}

/* If this fails, connections pile up at hosts that nobody calls any more. */
Test(http_limits, idle_connections_and_their_hosts_go)
{
    struct http_client_setup brief = { .idle_timeout_ms = 50 };
    struct http_client_stats stats;

    setup_with(&brief);
    cr_assert_eq(ask_and_wait("/ok", 5000).err, SL_OK);
    http_client_stats(client, &stats);
    cr_expect_eq(stats.hosts, 1);
    loop_for(base, 200);
    http_client_stats(client, &stats);
    cr_expect_eq(stats.open, 0);
    cr_expect_eq(stats.idle, 0);
    cr_expect_eq(stats.hosts, 0);
}

/* If this fails, stopping the daemon in the middle of work leaks or crashes. */
Test(http_client, free_drops_what_is_under_way)
{
    struct got held[3], due = { 0 };
    size_t i;

    for (i = 0; i < SL_COUNT(held); i++)
        ask_path("/hold", 20000, &held[i]);
    loop_for(base, 50);
    ask("nonsense", 1000, on_done, &due);
    http_client_free(client);
    client = NULL;
    loop_for(base, 50);
    cr_expect_eq(answered, 0);
}

/* ---- TLS ---- */

struct tls_server {
    SSL_CTX *ctx;
    int fd, port;
    pthread_t thread;
    char ca_file[64];
};

/* Serves one connection after the other. */
static void *tls_run(void *arg)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret";
    struct tls_server *own = arg;
    char request[4096];
    int fd;

    while ((fd = accept(own->fd, NULL, NULL)) >= 0) {
        SSL *ssl = SSL_new(own->ctx);

        SSL_set_fd(ssl, fd);
        if (SSL_accept(ssl) == 1)
            while (SSL_read(ssl, request, sizeof(request)) > 0 && SSL_write(ssl, answer, sizeof(answer) - 1) > 0)
                ;
        SSL_free(ssl);
        close(fd);
    }
    return NULL;
}

/* A certificate for 127.0.0.1 that vouches for itself, made anew each time. */
static void tls_certificate(struct tls_server *out)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);
    X509_EXTENSION *ext;
    FILE *file;
    int fd;

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    X509_set_pubkey(cert, key);
    ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(cert, ext, -1);
    X509_EXTENSION_free(ext);
    cr_assert_gt(X509_sign(cert, key, EVP_sha256()), 0);
    out->ctx = SSL_CTX_new(TLS_server_method());
    cr_assert_eq(SSL_CTX_use_certificate(out->ctx, cert), 1);
    cr_assert_eq(SSL_CTX_use_PrivateKey(out->ctx, key), 1);
    strcpy(out->ca_file, "/tmp/sluice-test-ca-XXXXXX");
    fd = mkstemp(out->ca_file);
    file = fdopen(fd, "w");
    PEM_write_X509(file, cert);
    fclose(file);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static struct tls_server tls;

static void tls_start(void)
{
    tls_certificate(&tls);
    tls.fd = bare_server_listen(&tls.port);
    pthread_create(&tls.thread, NULL, tls_run, &tls);
}

static void tls_stop(void)
{
    shutdown(tls.fd, SHUT_RDWR);
    pthread_join(tls.thread, NULL);
    close(tls.fd);
    unlink(tls.ca_file);
    SSL_CTX_free(tls.ctx);
}

static struct got ask_tls(const char *name)
{
    struct got got = { 0 };
    char url[128];

    snprintf(url, sizeof(url), "https://%s:%d/", name, tls.port);
    ask(url, 10000, on_done, &got);
    loop_until(base, &got.count, 1);
    return got;
}

/* If this fails, payments go to whoever answers first, or nobody can be reached over TLS. */
Test(http_limits, tls_trusts_only_the_right_certificate_for_the_right_name)
{
    struct http_client_setup trusting = { .ca_file = tls.ca_file }, plain = { 0 };
    struct http_client_stats stats;
    struct got got;

    tls_start();
    setup_with(&trusting);
    got = ask_tls("127.0.0.1");
    cr_expect_eq(got.err, SL_OK, "%s", got.detail);
    cr_expect_str_eq(got.body, "secret");
    cr_expect_eq(ask_tls("127.0.0.1").err, SL_OK);
    http_client_stats(client, &stats);
    cr_expect_eq(stats.reuses, 1);
    teardown();

    setup_with(&trusting);
    got = ask_tls("localhost"); /* the certificate names another */
    cr_expect_eq(got.err, SL_EDOWN);
    cr_expect(strstr(got.detail, "certificate"), "%s", got.detail);
    teardown();

    setup_with(&plain);
    got = ask_tls("127.0.0.1"); /* vouches for itself */
    cr_expect_eq(got.err, SL_EDOWN);
    cr_expect(strstr(got.detail, "certificate"), "%s", got.detail);
    tls_stop();
}

/* If this fails, a mistake in the daemon's configuration shows only with the first payment. */
Test(http_limits, a_missing_ca_file_is_refused)
{
    struct http_client_setup wrong = { .ca_file = "/nonexistent/ca.pem" }, plain = { 0 };
    const char *why = NULL;

    setup_with(&plain);
    wrong.base = base;
    http_client_free(client);
    client = NULL;
    cr_expect_eq(http_client_new(&wrong, &client, &why), SL_EINVAL);
    cr_expect(why);
}

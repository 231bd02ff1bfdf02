/* Connections to the HTTP API, and what they see when Redis or the daemon goes away. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "support/api_calls.h"

/* ---- connections ---- */

static int connected(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

static void say(int fd, const char *text)
{
    cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Reads until COUNT answers have begun, or the server closes, or FIXTURE_WAIT_MS are over; what came. */
static char *hear(int fd, int count)
{
    struct pollfd waits = { .fd = fd, .events = POLLIN };
    int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;
    struct buf text = BUF_EMPTY;
    char chunk[4096];
    ssize_t len;
    const char *at;
    int seen = 0;

    while (seen < count && clock_mono_us() < until_us) {
        if (poll(&waits, 1, 100) != 1)
            continue;
        len = recv(fd, chunk, sizeof(chunk), 0);
        if (len <= 0)
            break;
        buf_add(&text, chunk, (size_t)len);
        for (seen = 0, at = strstr(text.data, "HTTP/1.1 "); at; at = strstr(at + 1, "HTTP/1.1 "))
            seen++;
    }
    return buf_take(&text);
}

#define GET(PATH) "GET " PATH " HTTP/1.1\r\nHost: x\r\n\r\n"

/* If it fails, a client that hangs up takes the daemon with it, or keeps a request open for ever. */
Test(api, clients_may_hang_up_at_any_moment, .timeout = 60)
{
    static const char *const last_words[] = {
        "", "G", "GET /heal", "GET /healthz HTTP/1.1\r\nHost:", GET("/healthz"),
        "POST /v1/invoices HTTP/1.1\r\nHost: x\r\n" JSON_TYPE "Content-Length: 100\r\n\r\n{\"id\":",
        "POST /v1/invoices HTTP/1.1\r\nHost: x\r\n" JSON_TYPE "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"i",
        GET("/v1/invoices/inv-11"), GET("/v1/partitions"), GET("/v1/accounts/3001"), GET("/v1/machines?status=waiting"),
        GET("/v1/feed"), GET("/v1/feed?wait=30&cursor=zzzzzzzzz.zzzzzzzzz.zzzzzzzzz.zzzzzzzzz"),
        GET("/v1/invoices/inv-11/events?after=1&wait=30"), GET("/v1/invoices/inv-11/events?after=9&wait=1"),
        GET("/v1/invoices/inv-11/events?after=1&wait=30") GET("/healthz"), GET("/v1/domain"),
        "\r\n\r\n\r\n", "NONSENSE / HTTP/9.9\r\n\r\n", "GET http://[ HTTP/1.1\r\n\r\n",
        "POST /v1/invoices HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        "POST /v1/invoices HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /v1/invoices HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
    };
    struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    struct daemon_fixture daemon;
    size_t i, round;
    int fd;

    api_open_configured(&daemon);
    api_create(daemon.port, "inv-11", JSON_TYPE);
    for (round = 0; round < 3; round++) {
        for (i = 0; i < SL_COUNT(last_words); i++) {
            fd = connected(daemon.port);
            say(fd, last_words[i]);
            if (round == 1)
                setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)); /* a reset */
            if (round == 2)
                cr_assert_eq(api_ask(daemon.port, "GET", "/healthz", NULL, NULL, NULL), 200); /* it has read it by now */
            close(fd);
        }
    }
    cr_assert_eq(api_ask(daemon.port, "POST", "/v1/invoices/inv-11/rescind", JSON_TYPE, "{\"reason\":\"x\"}", NULL), 200);
    api_create(daemon.port, "inv-12", JSON_TYPE);
    api_until_open(daemon.port, 0);
    daemon_fixture_close(&daemon);
}

/* If it fails, answers on one connection come out of order or not at all. */
Test(api, requests_on_one_connection_are_answered_in_order, .timeout = 60)
{
    static const char body[] = "POST /v1/invoices/inv-13/rescind HTTP/1.1\r\nHost: x\r\n" JSON_TYPE
                               "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"rea\r\nA\r\nson\":\"ab\"}\r\n0\r\n\r\n";
    const char *first, *second, *third;
    struct daemon_fixture daemon;
    char *heard;
    int fd;

    api_open_configured(&daemon);
    api_create(daemon.port, "inv-13", JSON_TYPE);
    fd = connected(daemon.port);
    say(fd, GET("/v1/invoices/nobody") GET("/healthz") GET("/v1/domain/77"));
    heard = hear(fd, 3);
    first = strstr(heard, "InvoiceNotFound");
    second = first ? strstr(first, "alive") : NULL;
    third = second ? strstr(second, "HTTP/1.1 404") : NULL;
    cr_assert(third, "%s", heard);
    free(heard);
    close(fd);
    fd = connected(daemon.port);
    say(fd, body);
    heard = hear(fd, 1);
    cr_assert(strstr(heard, "HTTP/1.1 200"), "%s", heard);
    free(heard);
    say(fd, GET("/healthz"));
    heard = hear(fd, 1);
    cr_assert(strstr(heard, "HTTP/1.1 200"), "%s", heard);
    free(heard);
    close(fd);
    daemon_fixture_close(&daemon);
}

/* ---- when things go away ---- */

/* If it fails, a lost Redis hangs callers, or needs a restart of the daemon afterwards. */
Test(api, without_redis_it_says_503_and_comes_back, .timeout = 60)
{
    int64_t until_us = clock_mono_us() + 2 * FIXTURE_WAIT_MS * 1000;
    struct daemon_fixture daemon;
    struct http_reply reply;
    char seconds[16] = "", *why = NULL;

    api_open_configured(&daemon);
    api_create(daemon.port, "inv-6", JSON_TYPE);
    server_kill(daemon.redis.server);
    while (api_ask(daemon.port, "GET", "/readyz", NULL, NULL, NULL) != 503)
        cr_assert(clock_mono_us() < until_us, "it does not notice");
    reply = http_request(daemon.port, "GET", "/v1/invoices/inv-6", NULL, NULL);
    http_reply_header(&reply, "Retry-After", seconds, sizeof(seconds));
    cr_assert_eq(reply.status, 503, "%d %s", reply.status, reply.body);
    cr_assert(*seconds);
    http_reply_clear(&reply);
    api_check_refusal(daemon.port, &(struct api_refusal){ "rescind", "POST", "/v1/invoices/inv-6/rescind", JSON_TYPE,
                                                  "{\"reason\":\"x\"}", 503, "Unavailable", NULL });
    cr_assert_eq(api_ask(daemon.port, "GET", "/v1/partitions", NULL, NULL, NULL), 503);
    cr_assert_eq(api_ask(daemon.port, "GET", "/healthz", NULL, NULL, NULL), 200);
    cr_assert(server_restart(daemon.redis.server, &why) == SL_OK, "%s", why);
    while (api_ask(daemon.port, "GET", "/v1/invoices/inv-6", NULL, NULL, NULL) != 200)
        cr_assert(clock_mono_us() < until_us, "it does not come back");
    daemon_fixture_close(&daemon);
}

/* If it fails, a restart of the daemon cuts off those who wait, or lasts as long as they wait. */
Test(api, told_to_stop_it_answers_those_who_wait_and_leaves, .timeout = 60)
{
    struct daemon_fixture daemon;
    struct api_polling polling;

    api_open_configured(&daemon);
    api_create(daemon.port, "inv-7", JSON_TYPE);
    api_poll_begin(&polling, daemon.port, "/v1/invoices/inv-7/events?after=1&wait=60");
    api_until_open(daemon.port, 1);
    kill(daemon.pid, SIGTERM);
    cr_assert_eq(daemon_fixture_wait(&daemon), 0);
    pthread_join(polling.thread, NULL);
    cr_assert_eq(polling.reply.status, 200, "%d", polling.reply.status);
    cr_assert_str_eq(polling.reply.body, "[]");
    http_reply_clear(&polling.reply);
    daemon_fixture_close(&daemon);
}

/* If it fails, an impatient second signal crashes the daemon on what is under way. */
Test(api, told_twice_it_leaves_at_once_whatever_is_under_way, .timeout = 60)
{
    struct daemon_fixture daemon;
    int64_t until_us = clock_mono_us() + 2 * FIXTURE_WAIT_MS * 1000;
    struct api_polling polling[4];
    int status;
    size_t i;

    api_open_configured(&daemon);
    api_create(daemon.port, "inv-8", JSON_TYPE);
    api_poll_begin(&polling[0], daemon.port, "/v1/invoices/inv-8/events?after=1&wait=60");
    api_poll_begin(&polling[1], daemon.port, "/v1/feed?wait=60&limit=1&cursor=zzzzzzzzz.zzzzzzzzz.zzzzzzzzz.zzzzzzzzz");
    api_until_open(daemon.port, 2);
    kill(server_pid(daemon.redis.server), SIGSTOP); /* so that what is asked of Redis stays out */
    api_poll_begin(&polling[2], daemon.port, "/v1/partitions");
    api_poll_begin(&polling[3], daemon.port, "/v1/invoices/inv-8");
    api_until_open(daemon.port, 4);
    kill(daemon.pid, SIGTERM);
    while (api_ask(daemon.port, "GET", "/healthz", NULL, NULL, NULL) == 200) /* two signals sent at once are one */
        cr_assert(clock_mono_us() < until_us, "it does not stop taking requests");
    kill(daemon.pid, SIGINT);
    status = daemon_fixture_wait(&daemon);
    cr_assert(status == 1 || status == 0, "%d", status); /* 0: it had left before the second signal came */
    kill(server_pid(daemon.redis.server), SIGCONT);
    for (i = 0; i < SL_COUNT(polling); i++) {
        pthread_join(polling[i].thread, NULL);
        http_reply_clear(&polling[i].reply);
    }
    daemon_fixture_close(&daemon);
}

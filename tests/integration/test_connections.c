/* Clients that are slow, many, or do not speak HTTP, against a real sluiced with short deadlines. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "support/daemon_fixture.h"
#include "support/http.h"

#define GET(PATH) "GET " PATH " HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST "POST /v1/invoices HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
#define DEADLINE_MS 30000 /* for what must happen */
#define STEP_MS 50        /* between two bytes of a trickling client */

static int connected_with(int port, int buffer)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert(fd >= 0);
    if (buffer)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static int connected(int port)
{
    return connected_with(port, 0);
}

/* False: the other side has closed it. */
static bool say(int fd, const char *text)
{
    size_t len = strlen(text);

    return send(fd, text, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* What comes within WAIT_MS, until the end, or until WORD has come; the caller's. *ENDED: the other side closed it. */
static char *hear(int fd, int wait_ms, const char *word, bool *ended)
{
    int64_t until_us = clock_mono_us() + wait_ms * 1000LL, left_us;
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    struct buf text = BUF_EMPTY;
    char chunk[4096];
    ssize_t len;

    buf_str(&text, "");
    *ended = false;
    while (!*ended && !(word && strstr(buf_text(&text), word)) && (left_us = until_us - clock_mono_us()) > 0) {
        if (poll(&ready, 1, (int)(left_us / 1000 + 1)) <= 0)
            continue;
        len = recv(fd, chunk, sizeof(chunk), 0);
        *ended = len <= 0;
        if (len > 0)
            buf_add(&text, chunk, (size_t)len);
    }
    buf_str(&text, "");
    return buf_take(&text);
}

static void check_heard(const char *name, int fd, const char *status, const char *error)
{
    bool ended;
    char *heard = hear(fd, DEADLINE_MS, NULL, &ended);

    cr_assert(ended, "%s: still open after: %s", name, heard);
    if (!status) {
        cr_assert_str_eq(heard, "", "%s: %s", name, heard);
    } else {
        cr_assert_eq(strncmp(heard, status, strlen(status)), 0, "%s: %s", name, heard);
        cr_assert(strstr(heard, "\r\nContent-Type: application/problem+json\r\n") && strstr(heard, error), "%s: %s", name,
                  heard);
        cr_assert(strstr(heard, "\r\nConnection: close\r\n") && !strcasestr(heard, "<html"), "%s: %s", name, heard);
    }
    free(heard);
}

/* The figure NAME of /metrics; -1: it is not there. */
static long figure(int port, const char *name)
{
    struct http_reply reply = http_request(port, "GET", "/metrics", NULL, NULL);
    const char *at = reply.body;
    long value = -1;

    while (value < 0 && (at = strstr(at, name))) {
        if ((at == reply.body || at[-1] == '\n') && at[strlen(name)] == ' ')
            value = strtol(at + strlen(name), NULL, 10);
        at += strlen(name);
    }
    http_reply_clear(&reply);
    return value;
}

#define ENDED(REASON) "sluice_http_connections_ended_total{reason=\"" REASON "\"}"

static void check_alive(int port, const char *when)
{
    struct http_reply reply = http_request(port, "GET", "/healthz", NULL, NULL);

    cr_assert_eq(reply.status, 200, "%s: %d", when, reply.status);
    http_reply_clear(&reply);
}

/* ---- slow clients ---- */

static const struct {
    const char *name, *first; /* said at once; then `more`, again and again */
    const char *more;
    const char *status; /* NULL: nothing is heard */
} tricklers[] = {
    { "says nothing", "", NULL, NULL },
    { "the request line", "GET /", "a", "HTTP/1.1 408 " },
    { "headers", "GET /healthz HTTP/1.1\r\n", "X: y\r\n", "HTTP/1.1 408 " },
    { "a body", POST "Content-Length: 100000\r\n\r\n", " ", "HTTP/1.1 408 " },
    { "chunks", POST "Transfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n", "HTTP/1.1 408 " },
    { "a body that was waited for", POST "Content-Length: 9\r\nExpect: 100-continue\r\n\r\n", NULL, "HTTP/1.1 100 " },
};

/* If it fails, one byte now and then holds a connection for ever. */
Test(connections, a_request_must_come_whole_in_time, .timeout = 120)
{
    struct daemon_fixture daemon;
    size_t i, open = SL_COUNT(tricklers);
    int fds[SL_COUNT(tricklers)];
    int64_t began_us, until_us;
    char peek;

    daemon_fixture_open(&daemon, "--insecure", "--http-request=1500", "--http-idle=60000", NULL);
    began_us = clock_mono_us();
    until_us = began_us + DEADLINE_MS * 1000LL;
    for (i = 0; i < SL_COUNT(tricklers); i++) {
        fds[i] = connected(daemon.port);
        say(fds[i], tricklers[i].first);
    }
    while (open > 0 && clock_mono_us() < until_us) {
        check_alive(daemon.port, "beside them");
        for (i = open = 0; i < SL_COUNT(tricklers); i++) {
            if (tricklers[i].more && !say(fds[i], tricklers[i].more))
                continue; /* it was told by now */
            open += recv(fds[i], &peek, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
        }
        poll(NULL, 0, STEP_MS);
    }
    cr_assert_eq(open, 0);
    cr_assert_geq(clock_mono_us() - began_us, 1400000, "honest clients had no time");
    for (i = 0; i < SL_COUNT(tricklers) - 1; i++) {
        check_heard(tricklers[i].name, fds[i], tricklers[i].status, "\"RequestTimeout\"");
        close(fds[i]);
    }
    {
        bool ended;
        char *heard = hear(fds[i], DEADLINE_MS, NULL, &ended);

        cr_assert(ended && strncmp(heard, "HTTP/1.1 100 ", 13) == 0 && strstr(heard, "HTTP/1.1 408 "), "%s", heard);
        free(heard);
        close(fds[i]);
    }
    cr_assert_eq(figure(daemon.port, ENDED("slow_request")), (long)SL_COUNT(tricklers));
    daemon_fixture_close(&daemon);
}

/* If it fails, kept-alive connections are of no use, or stay for ever, or let a slow request in by the back door. */
Test(connections, a_kept_connection_may_idle_for_longer_and_not_for_ever, .timeout = 120)
{
    struct daemon_fixture daemon;
    bool ended;
    char *heard;
    int fd, slow;

    daemon_fixture_open(&daemon, "--insecure", "--http-request=1000", "--http-idle=3000", NULL);
    fd = connected(daemon.port);
    slow = connected(daemon.port);
    say(fd, GET("/healthz"));
    say(slow, GET("/healthz"));
    heard = hear(fd, DEADLINE_MS, "alive", &ended);
    cr_assert(!ended && strncmp(heard, "HTTP/1.1 200", 12) == 0, "%s", heard);
    free(heard);
    heard = hear(fd, 1500, NULL, &ended); /* longer than a request may take */
    cr_assert(!ended && !*heard, "%s", heard);
    free(heard);
    say(fd, GET("/healthz"));
    heard = hear(fd, DEADLINE_MS, "alive", &ended);
    cr_assert(!ended && strncmp(heard, "HTTP/1.1 200", 12) == 0, "%s", heard);
    free(heard);
    heard = hear(slow, DEADLINE_MS, "alive", &ended);
    cr_assert(!ended, "%s", heard);
    free(heard);
    say(slow, "GET /he");
    check_heard("a second request", slow, "HTTP/1.1 408 ", "\"RequestTimeout\"");
    check_heard("after its time", fd, NULL, NULL);
    cr_assert_eq(figure(daemon.port, ENDED("idle")), 1);
    cr_assert_eq(figure(daemon.port, ENDED("slow_request")), 1);
    close(fd);
    close(slow);
    daemon_fixture_close(&daemon);
}

/* If it fails, an answer that nobody takes keeps its memory and its connection, or an honest long poll is cut off. */
Test(connections, an_answer_must_be_taken_in_time, .timeout = 120)
{
    int64_t until_us = clock_mono_us() + DEADLINE_MS * 1000LL;
    struct daemon_fixture daemon;
    struct buf many = BUF_EMPTY;
    int fd, polling;
    bool ended;
    char *heard;

    daemon_fixture_open(&daemon, "--insecure", "--http-request=1000", NULL);
    polling = connected(daemon.port);
    say(polling, GET("/v1/feed?wait=3"));
    fd = connected_with(daemon.port, 4096);
    while (many.len < 8000)
        buf_str(&many, GET("/openapi.json"));
    say(fd, buf_text(&many));
    while (figure(daemon.port, ENDED("slow_reader")) < 1)
        cr_assert(clock_mono_us() < until_us);
    heard = hear(polling, DEADLINE_MS, "\"cursor\"", &ended);
    cr_assert(!ended && strncmp(heard, "HTTP/1.1 200", 12) == 0, "%s", heard);
    free(heard);
    free(hear(fd, DEADLINE_MS, NULL, &ended));
    cr_assert(ended);
    close(fd);
    close(polling);
    buf_clear(&many);
    daemon_fixture_close(&daemon);
}

/* ---- many clients ---- */

/* If it fails, a crowd that never finishes a request keeps honest clients out. */
Test(connections, a_crowd_makes_room_for_whoever_asks, .timeout = 120)
{
    struct daemon_fixture daemon;
    int fds[300], kept;
    bool ended;
    char *heard;
    size_t i;

    daemon_fixture_open(&daemon, "--insecure", "--http-connections=40", NULL);
    kept = connected(daemon.port);
    say(kept, GET("/v1/feed?wait=5"));
    for (i = 0; i < SL_COUNT(fds); i++) {
        fds[i] = connected(daemon.port);
        if (i % 2)
            say(fds[i], "GET / HTTP/1.1\r\nX: ");
        if (i % 20 == 0)
            check_alive(daemon.port, "in the crowd");
    }
    check_alive(daemon.port, "behind the crowd");
    cr_assert_geq(figure(daemon.port, ENDED("made_room")), 200);
    cr_assert_leq(figure(daemon.port, "sluice_http_connections{state=\"new\"}"), 40);
    heard = hear(kept, DEADLINE_MS, "\"cursor\"", &ended);
    cr_assert(strncmp(heard, "HTTP/1.1 200", 12) == 0, "what was in work was closed: %s", heard);
    free(heard);
    for (i = 0; i < SL_COUNT(fds); i++)
        close(fds[i]);
    close(kept);
    daemon_fixture_close(&daemon);
}

/* If it fails, requests under way are cut off for new ones, or new ones never get their turn. */
Test(connections, where_all_are_in_work_others_wait, .timeout = 120)
{
    struct daemon_fixture daemon;
    struct http_reply reply;
    int64_t began_us;
    int fds[3];
    bool ended;
    char *heard;
    size_t i;

    daemon_fixture_open(&daemon, "--insecure", "--http-connections=2", NULL);
    began_us = clock_mono_us();
    for (i = 0; i < SL_COUNT(fds); i++) {
        fds[i] = connected(daemon.port);
        say(fds[i], "GET /v1/feed?wait=2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    }
    reply = http_request(daemon.port, "GET", "/healthz", NULL, NULL);
    cr_assert_eq(reply.status, 200);
    http_reply_clear(&reply);
    for (i = 0; i < SL_COUNT(fds); i++) {
        heard = hear(fds[i], DEADLINE_MS, NULL, &ended);
        cr_assert(strncmp(heard, "HTTP/1.1 200", 12) == 0, "%zu: %s", i, heard);
        free(heard);
        close(fds[i]);
    }
    cr_assert_geq(clock_mono_us() - began_us, 2000000);
    cr_assert_geq(figure(daemon.port, "sluice_http_pauses_total"), 1);
    daemon_fixture_close(&daemon);
}

/* If it fails, one address takes all places that there are. */
Test(connections, an_address_has_its_share, .timeout = 120)
{
    int64_t until_us = clock_mono_us() + DEADLINE_MS * 1000LL;
    struct http_reply reply = { 0 };
    struct daemon_fixture daemon;
    int fds[3], more;
    size_t i;

    daemon_fixture_open(&daemon, "--insecure", "--http-per-address=3", "--listen=127.0.0.1:0", NULL);
    for (i = 0; i < SL_COUNT(fds); i++)
        fds[i] = connected(daemon.port);
    more = connected(daemon.port);
    check_heard("one too many", more, "HTTP/1.1 503 ", "\"TooManyConnections\"");
    close(more);
    more = connected(daemon.port);
    say(more, GET("/healthz"));
    check_heard("one too many, and in haste", more, "HTTP/1.1 503 ", "\"TooManyConnections\"");
    close(more);
    for (i = 0; i < SL_COUNT(fds); i++)
        close(fds[i]);
    do {
        cr_assert(clock_mono_us() < until_us, "%d", reply.status);
        http_reply_clear(&reply);
        reply = http_request(daemon.port, "GET", "/healthz", NULL, NULL);
    } while (reply.status != 200);
    http_reply_clear(&reply);
    cr_assert_geq(figure(daemon.port, ENDED("refused")), 2);
    daemon_fixture_close(&daemon);
}

/* CPU time of a process so far, in ms. */
static long busy_ms(pid_t pid)
{
    unsigned long user = 0, system = 0;
    char path[64];
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    file = fopen(path, "re");
    cr_assert(file);
    cr_assert_eq(fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system), 2);
    fclose(file);
    return (long)(user + system) * 1000 / sysconf(_SC_CLK_TCK);
}

/* If it fails, a daemon without descriptors spins, dies, or never takes a connection again. */
Test(connections, without_descriptors_it_waits_and_goes_on, .timeout = 120)
{
    struct rlimit limit, none = { .rlim_cur = 4, .rlim_max = 4 };
    struct daemon_fixture daemon;
    long before_ms, took_ms;
    bool ended;
    char *heard;
    int fd;

    daemon_fixture_open(&daemon, "--insecure", NULL);
    cr_assert_eq(prlimit(daemon.pid, RLIMIT_NOFILE, NULL, &limit), 0);
    none.rlim_max = limit.rlim_max;
    cr_assert_eq(prlimit(daemon.pid, RLIMIT_NOFILE, &none, NULL), 0);
    fd = connected(daemon.port);
    say(fd, GET("/healthz"));
    before_ms = busy_ms(daemon.pid);
    heard = hear(fd, 1000, NULL, &ended);
    took_ms = busy_ms(daemon.pid) - before_ms;
    cr_assert(!*heard && !ended, "it has descriptors: %s", heard);
    cr_assert_lt(took_ms, 500, "it spins: %ld ms", took_ms);
    free(heard);
    cr_assert_eq(prlimit(daemon.pid, RLIMIT_NOFILE, &limit, NULL), 0);
    heard = hear(fd, DEADLINE_MS, "alive", &ended);
    cr_assert(strncmp(heard, "HTTP/1.1 200", 12) == 0, "%s", heard);
    free(heard);
    close(fd);
    daemon_fixture_close(&daemon);
}

/* ---- clients that do not speak HTTP ---- */

static const struct {
    const char *name, *text, *status, *error;
} broken[] = {
    { "nonsense", "NONSENSE\r\n\r\n", "HTTP/1.1 400 ", "\"InvalidRequest\"" },
    { "an unknown version", "GET / HTTP/9.9.9\r\n\r\n", "HTTP/1.1 400 ", "\"InvalidRequest\"" },
    { "TLS", "\x16\x03\x01\x02\x01\x01\n\n\n", "HTTP/1.1 400 ", "\"InvalidRequest\"" },
    { "a broken place", "GET http://[ HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ", "\"InvalidRequest\"" },
    { "a broken header", "GET / HTTP/1.1\r\nnonsense\r\n\r\n", "HTTP/1.1 400 ", "\"InvalidRequest\"" },
    { "a negative length", POST "Content-Length: -5\r\n\r\n", "HTTP/1.1 400 ", "\"InvalidRequest\"" },
    { "a chunk that is none", POST "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", "HTTP/1.1 400 ", "\"InvalidRequest\"" },
    { "a body far too long to come", POST "Content-Length: 100000000\r\n\r\n", "HTTP/1.1 413 ", "\"ContentTooLarge\"" },
    { "a chunk too long", POST "Transfer-Encoding: chunked\r\n\r\n7000000\r\nabc", "HTTP/1.1 413 ",
      "\"ContentTooLarge\"" },
    { "an unknown method", "BREW / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 501 ", "\"NotImplemented\"" },
    { "TRACE", "TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 501 ", "\"NotImplemented\"" },
    { "CONNECT", "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 501 ", "\"NotImplemented\"" },
    { "an expectation", POST "Content-Length: 2\r\nExpect: miracles\r\n\r\n{}", "HTTP/1.1 417 ", "\"ExpectationFailed\"" },
};

/* If it fails, a client that makes a mistake gets HTML, or nothing, where its program expects problem+json. */
Test(connections, what_is_no_http_is_refused_as_everything_else, .timeout = 120)
{
    struct daemon_fixture daemon;
    struct buf long_one = BUF_EMPTY;
    bool ended;
    char *heard;
    size_t i;
    int fd;

    daemon_fixture_open(&daemon, "--insecure", NULL);
    for (i = 0; i < SL_COUNT(broken); i++) {
        fd = connected(daemon.port);
        say(fd, broken[i].text);
        check_heard(broken[i].name, fd, broken[i].status, broken[i].error);
        close(fd);
    }
    buf_printf(&long_one, POST "Content-Length: %d\r\n\r\n", 3 << 20);
    while (long_one.len < 4 << 20)
        buf_str(&long_one, "                                                                ");
    fd = connected(daemon.port);
    say(fd, buf_text(&long_one));
    check_heard("a body far too long", fd, "HTTP/1.1 413 ", "\"ContentTooLarge\"");
    close(fd);
    buf_clear(&long_one);
    buf_str(&long_one, "GET / HTTP/1.1\r\nX: ");
    while (long_one.len < 100000)
        buf_str(&long_one, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    fd = connected(daemon.port);
    say(fd, buf_text(&long_one));
    check_heard("headers far too long", fd, "HTTP/1.1 400 ", "\"InvalidRequest\"");
    close(fd);
    buf_clear(&long_one);
    fd = connected(daemon.port);
    say(fd, GET("/healthz") "NONSENSE\r\n\r\n");
    heard = hear(fd, DEADLINE_MS, NULL, &ended);
    cr_assert(ended && strncmp(heard, "HTTP/1.1 200 ", 13) == 0 && strstr(heard, "HTTP/1.1 400 ") &&
                  strstr(heard, "\"InvalidRequest\"") && !strcasestr(heard, "<html"),
              "%s", heard);
    free(heard);
    close(fd);
    check_alive(daemon.port, "after all that");
    cr_assert_eq(figure(daemon.port, ENDED("broken")), (long)SL_COUNT(broken) + 3, "%ld",
                 figure(daemon.port, ENDED("broken")));
    daemon_fixture_close(&daemon);
}

#define TAIL "Content-Length: 2\r\n\r\n{}"

/* Messages that a proxy in front may read in another way than we: where one ends, or whose key it has. */
static const struct {
    const char *name, *text;
} ambiguous[] = {
    { "two lengths", POST "Content-Length: 2\r\n" TAIL },
    { "two different lengths", POST "Content-Length: 0\r\n" TAIL },
    { "a list of lengths", POST "Content-Length: 2, 2\r\n\r\n{}" },
    { "a length with a sign", POST "Content-Length: +2\r\n\r\n{}" },
    { "a length of +0", POST "Content-Length: +0\r\n\r\n" },
    { "a hexadecimal length", POST "Content-Length: 0x2\r\n\r\n{}" },
    { "no length", POST "Content-Length:\r\n\r\n" },
    { "a length beside chunks", POST "Transfer-Encoding: chunked\r\nContent-Length: 7\r\n\r\n2\r\n{}\r\n0\r\n\r\n" },
    { "another coding", POST "Transfer-Encoding: identity\r\n" TAIL },
    { "two codings", POST "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" },
    { "a coding twice", POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
    { "a coding in disguise", POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" },
    { "chunks of HTTP/1.0", "POST /v1/invoices HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
    { "a chunk of 0x0", POST "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" },
    { "a chunk with a sign", POST "Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n" },
    { "a chunk longer than it says", POST "Transfer-Encoding: chunked\r\n\r\n2\r\n{}xx\r\n0\r\n\r\n" },
    { "a chunk without its line end", POST "Transfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n" },
    { "a space before the colon", POST "Content-Length : 2\r\n\r\n{}" },
    { "a folded header", POST "X: a\r\n Content-Length: 9\r\n" TAIL },
    { "a folded first header", "POST /v1/invoices HTTP/1.1\r\n Host: x\r\n" TAIL },
    { "a line that ends with LF", POST "X: a\n" TAIL },
    { "a CR within a line", POST "X: a\rContent-Length: 9\r\n" TAIL },
    { "a control character", POST "X: a\x01\r\n" TAIL },
    { "no name", POST ": a\r\n" TAIL },
    { "two hosts", POST "Host: y\r\n" TAIL },
    { "no host", "GET /healthz HTTP/1.1\r\n\r\n" },
    { "two keys", POST "Idempotency-Key: a\r\nIdempotency-Key: b\r\n" TAIL },
    { "two tokens", POST "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n" TAIL },
    { "a target with a space", "GET /healthz /x HTTP/1.1\r\nHost: x\r\n\r\n" },
    { "a target that is no path", "GET healthz HTTP/1.1\r\nHost: x\r\n\r\n" },
    { "half an escape", "GET /health%7 HTTP/1.1\r\nHost: x\r\n\r\n" },
};

/* If it fails, a request can be hidden in another one, past whoever checks them in front of us. */
Test(connections, what_can_be_read_in_two_ways_is_refused, .timeout = 120)
{
    struct daemon_fixture daemon;
    struct buf text = BUF_EMPTY;
    char *heard;
    bool ended;
    size_t i;
    int fd;

    daemon_fixture_open(&daemon, "--insecure", NULL);
    for (i = 0; i < SL_COUNT(ambiguous); i++) {
        buf_reset(&text);
        buf_printf(&text, "%s%s", ambiguous[i].text, GET("/healthz")); /* which must not be answered */
        fd = connected(daemon.port);
        say(fd, buf_text(&text));
        heard = hear(fd, DEADLINE_MS, NULL, &ended);
        cr_expect(ended && strncmp(heard, "HTTP/1.1 400 ", 13) == 0 && strstr(heard, "\"InvalidRequest\"") &&
                      !strstr(heard, "alive") && strstr(heard, "Connection: close"),
                  "%s: %s", ambiguous[i].name, heard);
        free(heard);
        close(fd);
    }
    buf_clear(&text);
    daemon_fixture_close(&daemon);
}

static const struct {
    const char *name, *text;
} plain[] = {
    { "an extension of a chunk", POST "Transfer-Encoding: chunked\r\n\r\n2;name=value;x=\"y\"\r\n{}\r\n0;last\r\n\r\n" },
    { "a trailer", POST "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Sum: 1\r\n\r\n" },
    { "chunks in capitals", POST "TRANSFER-ENCODING: Chunked\r\n\r\n02\r\n{}\r\n00\r\n\r\n" },
    { "empty lines before it", "\r\n\r\n" POST TAIL },
    { "white space around a value", POST "Content-Length: \t 2 \t\r\n\r\n{}" },
    { "an absolute target", "POST http://[::1]:80/v1/invoices HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" TAIL },
    { "an upgrade that is offered", POST "Connection: Upgrade\r\nUpgrade: h2c\r\n" TAIL },
};

/* If it fails, a client that speaks HTTP as it may is turned away, or shifts what comes behind it. */
Test(connections, what_http_allows_is_taken, .timeout = 120)
{
    struct daemon_fixture daemon;
    struct buf text = BUF_EMPTY;
    char *heard;
    bool ended;
    size_t i;
    int fd;

    daemon_fixture_open(&daemon, "--insecure", NULL);
    for (i = 0; i < SL_COUNT(plain); i++) {
        buf_reset(&text);
        buf_printf(&text, "%s%s", plain[i].text, GET("/healthz"));
        fd = connected(daemon.port);
        say(fd, buf_text(&text));
        heard = hear(fd, DEADLINE_MS, "alive", &ended);
        cr_expect(!ended && strstr(heard, "\"field\":\"/id\"") && strstr(heard, "HTTP/1.1 200 OK"), "%s: %s", plain[i].name,
                  heard);
        free(heard);
        close(fd);
    }
    buf_clear(&text);
    daemon_fixture_close(&daemon);
}

/* If it fails, a client that asks first never sends its body. */
Test(connections, who_expects_100_continue_hears_it, .timeout = 120)
{
    struct daemon_fixture daemon;
    bool ended;
    char *heard;
    int fd;

    daemon_fixture_open(&daemon, "--insecure", NULL);
    fd = connected(daemon.port);
    say(fd, POST "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    heard = hear(fd, DEADLINE_MS, "\r\n\r\n", &ended);
    cr_assert(strncmp(heard, "HTTP/1.1 100 ", 13) == 0, "%s", heard);
    free(heard);
    say(fd, "{}");
    heard = hear(fd, DEADLINE_MS, "\"errors\"", &ended);
    cr_assert(!ended && strncmp(heard, "HTTP/1.1 400 ", 13) == 0 && strstr(heard, "/id"), "%s", heard);
    free(heard);
    close(fd);
    daemon_fixture_close(&daemon);
}

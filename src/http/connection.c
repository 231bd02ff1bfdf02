/* One connection of the server: bytes to requests, answers to bytes.
 *
 * The socket is read when it becomes readable and until it is empty (edge-triggered), but no further than a request
 * that is being answered and INPUT_MAX bytes behind it. An answer is written at once, head and body in one call; only
 * what the socket does not take waits until it is writable.
 *
 * Closing a socket with unread bytes in it sends a reset, which can overtake the last answer: so our side is shut
 * first, and the client's is read to its end for a moment. */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "http/internal.h"

#define INPUT_MAX 65536     /* bytes kept behind the request under way */
#define ROUND_MAX 16        /* requests of one connection before others get their turn */
#define TAKE_BYTES_MS 32    /* bytes of an answer that a client must take in a millisecond, beyond request_ms */
#define CLOSING_MS 2000     /* a connection that got its last answer is read for so long at most */
#define CLOSING_MAX 128     /* so many at a time; others are closed at once */
#define CLOSING_READS 64    /* so many times HTTP_SCRATCH bytes, too */
#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

/* ---- the end ---- */

static void connection_linger(struct http_exchange *connection, enum http_end end)
{
    if (connection->eof || connection->server->stats.now[HTTP_CLOSING] >= CLOSING_MAX ||
        shutdown(connection->fd, SHUT_WR) != 0) {
        server_close(connection, end);
        return;
    }
    connection->server->stats.ended[end]++;
    server_state(connection, HTTP_CLOSING, CLOSING_MS);
    event_active(connection->read, EV_READ, 0); /* what is there already brings no edge */
}

static void connection_drain(struct http_exchange *connection)
{
    struct http_server *server = connection->server;
    int reads;
    ssize_t len;

    for (reads = 0; reads < CLOSING_READS; reads++) {
        len = recv(connection->fd, server->scratch, sizeof(server->scratch), MSG_DONTWAIT);
        if (len < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (len <= 0)
            break;
    }
    server_close(connection, HTTP_ENDS);
}

/* ---- answers ---- */

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
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 423: return "Locked";
    case 429: return "Too Many Requests";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return status < 300 ? "OK" : status < 500 ? "Bad Request" : "Internal Server Error";
    }
}

static void head_write(struct http_exchange *connection, int status, size_t body_len)
{
    struct buf *head = &connection->head;

    buf_reset(head);
    buf_printf(head, "HTTP/1.1 %d %s\r\nDate: %s\r\n", status, reason_of(status), server_date(connection->server));
    if (connection->headers.len)
        buf_add(head, connection->headers.data, connection->headers.len);
    if (status != 204)
        buf_printf(head, "Content-Length: %zu\r\n", body_len);
    if (connection->closes)
        buf_str(head, "Connection: close\r\n");
    else if (connection->reader.http10)
        buf_str(head, "Connection: keep-alive\r\n");
    buf_str(head, "\r\n");
    buf_reset(&connection->headers);
}

static void connection_answered(struct http_exchange *connection)
{
    struct http_server *server = connection->server;

    buf_clear(&connection->body);
    if (connection->closes) {
        connection_linger(connection, HTTP_DONE);
        return;
    }
    http_reader_reset(&connection->reader);
    connection->told = false;
    connection->heard = connection->input.len > 0;
    if (connection->heard)
        server_state(connection, HTTP_READING, server->setup.limits.request_ms);
    else
        server_state(connection, HTTP_IDLE, server->setup.limits.idle_ms);
    if (!connection->processing && (connection->heard || connection->unread || connection->eof))
        event_active(connection->read, EV_READ, 0);
}

/* Writes what is left of the answer; *MORE: the socket is full. False: the connection is lost. */
static bool answer_write(struct http_exchange *connection, bool *more)
{
    size_t head = connection->head.len, total = head + connection->body.len, at;
    struct iovec parts[2];
    struct msghdr message = { .msg_iov = parts };
    ssize_t len;

    *more = false;
    while ((at = connection->written) < total) {
        message.msg_iovlen = 0;
        if (at < head)
            parts[message.msg_iovlen++] = (struct iovec){ connection->head.data + at, head - at };
        if (connection->body.len)
            parts[message.msg_iovlen++] = (struct iovec){ connection->body.data + (at > head ? at - head : 0),
                                                          total - (at > head ? at : head) };
        len = sendmsg(connection->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (len < 0 && errno == EINTR)
            continue;
        *more = len < 0 && errno == EAGAIN;
        if (len < 0)
            return *more;
        connection->written += (size_t)len;
    }
    return true;
}

static void answer_go_on(struct http_exchange *connection)
{
    bool more;

    if (!answer_write(connection, &more))
        server_close(connection, HTTP_DONE);
    else if (more)
        event_add(connection->write, NULL);
    else
        connection_answered(connection);
}

void connection_writable(evutil_socket_t fd, short what, void *arg)
{
    struct http_exchange *connection = arg;

    (void)fd;
    (void)what;
    if (connection->state == HTTP_WRITING)
        answer_go_on(connection);
}

void http_exchange_header(struct http_exchange *exchange, const char *name, const char *value)
{
    const char *at;

    for (at = value; *at; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return;
    }
    if (strcasecmp(name, "Connection") == 0 && strcasecmp(value, "close") == 0)
        exchange->closes = true;
    else
        buf_printf(&exchange->headers, "%s: %s\r\n", name, value);
}

void http_exchange_answer(struct http_exchange *exchange, int status, struct buf *body)
{
    size_t len = body ? body->len : 0;

    assert(exchange->state == HTTP_ANSWERING);
    exchange->gone = NULL;
    head_write(exchange, status, len);
    buf_clear(&exchange->body);
    if (body && strcmp(exchange->reader.method, "HEAD") != 0 && status != 204) {
        exchange->body = *body;
        *body = (struct buf)BUF_EMPTY;
    } else if (body) {
        buf_clear(body);
    }
    exchange->written = 0;
    server_state(exchange, HTTP_WRITING, exchange->server->setup.limits.request_ms + (int64_t)(len / TAKE_BYTES_MS));
    answer_go_on(exchange);
}

void connection_refuse(struct http_exchange *connection, int status, const char *why, enum http_end end)
{
    struct http_server *server = connection->server;
    struct buf body = BUF_EMPTY;
    bool more;

    buf_reset(&connection->headers);
    server->setup.refusal(status, why, &body);
    http_exchange_header(connection, "Content-Type", server->setup.refusal_type);
    if (status == 503)
        http_exchange_header(connection, "Retry-After", "1");
    connection->closes = true;
    head_write(connection, status, body.len);
    buf_clear(&connection->body);
    connection->body = body;
    connection->written = 0;
    /* The socket's own buffer is empty, so all of it finds room; if not, the client is no worse off than without. */
    if (answer_write(connection, &more) && !more)
        connection_linger(connection, end);
    else
        server_close(connection, end);
}

/* ---- requests ---- */

const struct http_reader *http_exchange_request(const struct http_exchange *exchange)
{
    return &exchange->reader;
}

void http_exchange_on_gone(struct http_exchange *exchange, void (*gone)(void *arg), void *arg)
{
    exchange->gone = gone;
    exchange->gone_arg = arg;
}

bool http_exchange_hung_up(const struct http_exchange *exchange)
{
    return exchange->eof;
}

static bool connection_reads(const struct http_exchange *connection)
{
    return connection->fd >= 0 && (connection->state == HTTP_NEW || connection->state == HTTP_IDLE ||
                                   connection->state == HTTP_READING);
}

static void request_complete(struct http_exchange *connection)
{
    server_state(connection, HTTP_ANSWERING, 0);
    connection->closes = !connection->reader.keep_alive;
    connection->server->setup.handler(connection->server->setup.ctx, connection);
}

/* Who has sent a head and waits for leave to send the body, gets it. */
static void continue_tell(struct http_exchange *connection)
{
    if (!connection->reader.expects_continue || connection->told)
        return;
    connection->told = true;
    if (connection->reader.body.len > 0 || connection->reader.http10)
        return;
    if (send(connection->fd, CONTINUE, sizeof(CONTINUE) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof(CONTINUE) - 1)
        server_close(connection, HTTP_DONE);
}

/* Takes LEN bytes: hands requests over until one is not answered at once. What is behind it is kept. */
static void connection_process(struct http_exchange *connection, const char *data, size_t len)
{
    size_t used, rounds = 0;

    connection->processing = true;
    while (len > 0 && connection_reads(connection) && rounds < ROUND_MAX) {
        connection->heard = true;
        if (connection->state == HTTP_IDLE)
            server_state(connection, HTTP_READING, connection->server->setup.limits.request_ms);
        switch (http_reader_feed(&connection->reader, data, len, &used)) {
        case HTTP_READER_MORE: used = len; break;
        case HTTP_READER_DONE:
            rounds++;
            request_complete(connection);
            break;
        case HTTP_READER_BAD:
            connection_refuse(connection, connection->reader.refusal, connection->reader.why, HTTP_BROKEN);
            used = len;
            break;
        }
        data += used;
        len -= used;
    }
    connection->processing = false;
    if (connection->fd < 0 || connection->state == HTTP_CLOSING)
        return;
    if (len > 0)
        buf_add(&connection->input, data, len);
    if (connection_reads(connection) && len > 0)
        event_active(connection->read, EV_READ, 0);
    else if (connection_reads(connection))
        continue_tell(connection);
}

/* What was kept behind a request that has its answer now. */
static void connection_resume(struct http_exchange *connection)
{
    struct buf input = connection->input;

    connection->input = (struct buf)BUF_EMPTY;
    connection_process(connection, buf_text(&input), input.len);
    buf_clear(&input);
}

/* Reads once. False: there is no more for now, or no use in it. */
static bool connection_read(struct http_exchange *connection)
{
    struct http_server *server = connection->server;
    ssize_t len;

    if (!connection_reads(connection) && connection->input.len >= INPUT_MAX) {
        connection->unread = true;
        return false;
    }
    len = recv(connection->fd, server->scratch, sizeof(server->scratch), MSG_DONTWAIT);
    if (len < 0 && errno == EINTR)
        return true;
    if (len < 0 && errno != EAGAIN) {
        server_close(connection, HTTP_DONE);
        return false;
    }
    connection->eof |= len == 0;
    if (len <= 0)
        return false;
    if (connection_reads(connection) && connection->input.len == 0)
        connection_process(connection, server->scratch, (size_t)len);
    else
        buf_add(&connection->input, server->scratch, (size_t)len);
    return connection->fd >= 0 && connection->state != HTTP_CLOSING;
}

void connection_readable(evutil_socket_t fd, short what, void *arg)
{
    struct http_exchange *connection = arg;

    (void)fd;
    (void)what;
    if (connection->fd < 0)
        return;
    if (connection->state == HTTP_CLOSING) {
        connection_drain(connection);
        return;
    }
    connection->unread = false;
    if (connection_reads(connection) && connection->input.len > 0)
        connection_resume(connection);
    while (connection->fd >= 0 && connection->state != HTTP_CLOSING && !connection->eof && connection_read(connection))
        ;
    if (connection->eof && connection_reads(connection) && connection->input.len == 0)
        server_close(connection, HTTP_DONE);
}

void connection_start(struct http_exchange *connection)
{
    const struct http_server_setup *setup = &connection->server->setup;

    http_reader_init(&connection->reader, HTTP_READS_REQUESTS, setup->limits.body_max, setup->limits.head_max);
    connection->read = event_new(setup->base, connection->fd, EV_READ | EV_PERSIST | EV_ET, connection_readable,
                                 connection);
    connection->write = event_new(setup->base, connection->fd, EV_WRITE, connection_writable, connection);
    assert(connection->read && connection->write);
    event_add(connection->read, NULL);
}

/* See http.h. The request is written as a whole, and the answer is read until the server closes, since
 * every request asks it to; then the answer is taken apart. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/xmalloc.h"
#include "support/http.h"

static bool wait_for(int fd, short events, int64_t until_us)
{
    struct pollfd poll_fd = { .fd = fd, .events = events };
    int64_t left_us = until_us - clock_mono_us();

    return left_us > 0 && poll(&poll_fd, 1, (int)(left_us / 1000 + 1)) > 0;
}

static int connect_to(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) { /* at once, on loopback */
        close(fd);
        return -1;
    }
    if (fd >= 0)
        fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

/* False: cut off or late; what was not taken is not sent. */
static bool send_all(int fd, const struct buf *out, int64_t until_us)
{
    size_t sent = 0;
    ssize_t count;

    while (sent < out->len) {
        if (!wait_for(fd, POLLOUT, until_us))
            return false;
        count = send(fd, out->data + sent, out->len - sent, MSG_NOSIGNAL);
        if (count < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        sent += count > 0 ? (size_t)count : 0;
    }
    return true;
}

/* Reads to the end. False: the deadline passed. */
static bool read_all(int fd, struct buf *in, int64_t until_us)
{
    char chunk[16384];
    ssize_t count;

    for (;;) {
        if (!wait_for(fd, POLLIN, until_us))
            return false;
        count = recv(fd, chunk, sizeof(chunk), 0);
        if (count > 0)
            buf_add(in, chunk, (size_t)count);
        else if (count == 0 || (errno != EAGAIN && errno != EINTR))
            return true;
    }
}

/* The bytes of a chunked body. False: the last chunk is missing. */
static bool unchunk(const char *at, const char *end, struct buf *out)
{
    unsigned long size;
    const char *line_end;

    while ((line_end = memmem(at, (size_t)(end - at), "\r\n", 2)) != NULL) {
        size = strtoul(at, NULL, 16);
        at = line_end + 2;
        if (size == 0)
            return true;
        if (size > (size_t)(end - at))
            size = (size_t)(end - at);
        buf_add(out, at, size);
        at += size;
        if (end - at < 2)
            return false;
        at += 2;
    }
    return false;
}

static void parse(const struct buf *in, struct http_reply *reply)
{
    const char *end = buf_text(in) + in->len, *blank, *line;
    struct buf body = BUF_EMPTY;
    char value[64];
    bool whole = true;
    int status = 0;

    blank = in->len ? memmem(in->data, in->len, "\r\n\r\n", 4) : NULL;
    line = blank ? memmem(in->data, in->len, "\r\n", 2) : NULL;
    if (!blank || sscanf(in->data, "HTTP/1.%*d %d", &status) != 1) {
        reply->headers = xstrdup("");
        reply->body = xstrdup("");
        return;
    }
    reply->headers = xstrndup(line + 2, line < blank ? (size_t)(blank + 2 - line - 2) : 0);
    blank += 4;
    if (http_reply_header(reply, "Transfer-Encoding", value, sizeof(value))) {
        whole = unchunk(blank, end, &body);
    } else {
        buf_add(&body, blank, (size_t)(end - blank));
        if (http_reply_header(reply, "Content-Length", value, sizeof(value)))
            whole = strtoull(value, NULL, 10) == body.len;
    }
    reply->body_len = body.len;
    reply->body = buf_take(&body);
    reply->status = whole ? status : 0;
}

struct http_reply http_request_within(int deadline_ms, int port, const char *method, const char *path,
                                      const char *headers, const char *body)
{
    int64_t until_us = clock_mono_us() + (int64_t)deadline_ms * 1000;
    struct buf out = BUF_EMPTY, in = BUF_EMPTY;
    struct http_reply reply = { 0 };
    int fd = connect_to(port);

    buf_printf(&out, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n%s", method, path, port,
               headers ? headers : "");
    if (body)
        buf_printf(&out, "Content-Length: %zu\r\n", strlen(body));
    buf_str(&out, "\r\n");
    buf_str(&out, body ? body : "");
    if (fd >= 0) {
        /* A server may answer before it has read everything, and refuse the rest. */
        (void)send_all(fd, &out, until_us);
        reply.timed_out = !read_all(fd, &in, until_us);
        close(fd);
    }
    parse(&in, &reply);
    if (reply.timed_out)
        reply.status = 0;
    buf_clear(&out);
    buf_clear(&in);
    return reply;
}

struct http_reply http_request(int port, const char *method, const char *path, const char *headers, const char *body)
{
    return http_request_within(HTTP_DEADLINE_MS, port, method, path, headers, body);
}

void http_reply_clear(struct http_reply *reply)
{
    free(reply->headers);
    free(reply->body);
    memset(reply, 0, sizeof(*reply));
}

bool http_reply_header(const struct http_reply *reply, const char *name, char *buf, size_t size)
{
    size_t len = strlen(name), value_len;
    const char *line = reply->headers;

    while (line && *line) {
        value_len = strcspn(line, "\r\n");
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            snprintf(buf, size, "%.*s", (int)(value_len - len - 1 - strspn(line + len + 1, " ")),
                     line + len + 1 + strspn(line + len + 1, " "));
            return true;
        }
        line += value_len + strspn(line + value_len, "\r\n");
    }
    return false;
}

json_t *http_reply_json(const struct http_reply *reply)
{
    return json_loadb(reply->body, reply->body_len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
}

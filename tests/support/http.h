/* A tiny blocking HTTP/1.1 client for tests of servers on loopback. One connection per request. */
#ifndef SLUICE_TESTS_HTTP_H
#define SLUICE_TESTS_HTTP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define HTTP_DEADLINE_MS 10000 /* of a whole exchange, unless the test says otherwise */

struct http_reply {
    int status;    /* 0: no complete answer came; what came of the body is in `body` all the same */
    char *headers; /* the header lines without the status line; never NULL */
    char *body;    /* without chunk sizes; NUL-terminated; never NULL */
    size_t body_len;
    bool timed_out; /* the deadline passed; false with status 0: the connection was refused or cut */
};

/* METHOD PATH at 127.0.0.1:PORT. HEADERS: lines that end in \r\n, NULL for none; Host, Content-Length and
 * Connection: close are added. BODY NULL: none. Never fails the test; the caller looks at the status.
 * Owns: the reply is the caller's, for http_reply_clear(). */
struct http_reply http_request(int port, const char *method, const char *path, const char *headers, const char *body);
struct http_reply http_request_within(int deadline_ms, int port, const char *method, const char *path,
                                      const char *headers, const char *body);
void http_reply_clear(struct http_reply *reply);

/* The value of header NAME (any case) in BUF of SIZE bytes; false if it is not there. */
bool http_reply_header(const struct http_reply *reply, const char *name, char *buf, size_t size);

/* The body as JSON, the caller's reference; NULL if it is none. */
json_t *http_reply_json(const struct http_reply *reply);

#endif

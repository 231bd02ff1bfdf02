/* An HTTP/1.1 server on a libevent loop: listens, admits, reads, hands over whole requests, writes answers.
 *
 * Each connection has a deadline of its own, which only what is whole moves:
 *
 *     accepted ──> new ──> answering ──> writing ──> idle ──> reading ──> answering …
 *              request_ms    (none)     request_ms  idle_ms  request_ms
 *                                       and more for long answers
 *
 * Requests of one connection are handed over one after the other, so their answers leave in order. Where there are too
 * many connections, the one that has waited longest without a whole request goes; one whose request is being answered
 * never does. What is refused before it is a request leaves with a body from the setup's `refusal`.
 * Ref: doc/http-api.md, Limits; doc/operations.md, Connections.                                             */
#ifndef SLUICE_HTTP_SERVER_H
#define SLUICE_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct event_base;
struct http_exchange; /* one request, until it is answered or its connection is lost */
struct http_reader;
struct http_server;

struct http_limits {
    int64_t request_ms; /* for a whole request to come, and for its answer to be taken; > 0 */
    int64_t idle_ms;    /* of a kept-alive connection between two requests; > 0 */
    size_t max;         /* connections; 0: as many as descriptors allow */
    size_t address_max; /* of one address; 0: no limit */
    size_t body_max;    /* bytes of a request's body; > 0 */
    size_t head_max;    /* bytes of its first line and headers; > 0 */
};

enum http_state {
    HTTP_NEW,       /* waits for its first whole request */
    HTTP_IDLE,      /* waits for the first byte of a further one */
    HTTP_READING,   /* waits for the rest of a further one */
    HTTP_ANSWERING, /* waits for the handler */
    HTTP_WRITING,   /* waits for the client to take its answer */
    HTTP_CLOSING,   /* has its last answer, and is read to its end for a moment so that it can see it */
    HTTP_STATES,
};

enum http_end {
    HTTP_DONE,         /* either side closed it as HTTP has it */
    HTTP_SLOW_REQUEST, /* its request did not come in time */
    HTTP_SLOW_READER,  /* its answer was not taken in time */
    HTTP_UNUSED,       /* it was idle for too long */
    HTTP_MADE_ROOM,    /* another one needed its place */
    HTTP_REFUSED,      /* its address has too many */
    HTTP_BROKEN,       /* what it sent is no HTTP, or far too long */
    HTTP_ENDS,
};

struct http_stats {
    uint64_t taken, pauses;
    size_t now[HTTP_STATES];
    uint64_t ended[HTTP_ENDS];
};

const char *http_state_name(enum http_state state);
const char *http_end_name(enum http_end end);

struct http_server_setup {
    struct event_base *base;
    struct http_limits limits;
    /* A whole request has come: answer it once, now or later. */
    void (*handler)(void *ctx, struct http_exchange *exchange);
    /* Appends the body of an answer that the server gives by itself: 400, 408, 413, 417, 501 or 503, because of WHY. */
    void (*refusal)(int status, const char *why, struct buf *body);
    const char *refusal_type; /* its Content-Type */
    void *ctx;
};

/* SETUP is copied. Raises the limit of descriptors as far as `max` needs and may. */
struct http_server *http_server_new(const struct http_server_setup *setup);
/* Takes connections from the listening, non-blocking FD, which it closes in the end. */
void http_server_listen(struct http_server *server, int fd);
void http_server_stop(struct http_server *server); /* takes no more connections; those that are there go on */
/* Closes everything; the GONE of each open exchange is called. NULL is allowed. */
void http_server_free(struct http_server *server);
void http_server_stats(const struct http_server *server, struct http_stats *out);

/* The request; borrowed until the answer. */
const struct http_reader *http_exchange_request(const struct http_exchange *exchange);
/* GONE is called if the connection is lost before the answer; EXCHANGE is over then. */
void http_exchange_on_gone(struct http_exchange *exchange, void (*gone)(void *arg), void *arg);
/* Whether the client has closed its side: it may still read, but most have gone. */
bool http_exchange_hung_up(const struct http_exchange *exchange);
/* Adds a header to the answer to come. One with a control character is left out. "Connection: close" closes after it. */
void http_exchange_header(struct http_exchange *exchange, const char *name, const char *value);
/* Sends the answer; BODY (NULL: none) is taken and left empty. EXCHANGE is over then. Never calls the handler at once. */
void http_exchange_answer(struct http_exchange *exchange, int status, struct buf *body);

#endif

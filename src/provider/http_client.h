/* An asynchronous HTTP/1.1 client for calls that cost money.
 *
 * Each host has a pool of connections (kept alive, one request at a time on each) and a queue of its
 * own, so that a slow host never slows another. The outcomes are kept apart with care, since what
 * follows from them differs:
 *
 *   SL_OK       a whole answer came, of any status but 503 and 429
 *   SL_EDOWN    it was surely not processed: not connected, queue full, deadline passed before
 *               anything was sent, a URL that cannot be called; 503 or 429, the host's own word for that
 *   SL_EUNKNOWN sent and no whole answer: deadline, reset, cut off
 *   SL_EPROTO   the answer is not HTTP, or larger than allowed
 *
 * A host may close a kept connection at the moment we send on it. If no byte of an answer came, a
 * `repeatable` request is sent once more, unchanged, on a fresh connection; whatever keeps that one
 * from being answered is then SL_EUNKNOWN, never SL_EDOWN. Redirects are answers, not followed.
 *
 * A connection on which a host says something that nobody asked for is closed, and never used again, since every later
 * answer on it would be taken for another call's. An answer that names another Idempotency-Key than its request's is
 * SL_EUNKNOWN; hosts need not name any.
 *
 * The process must ignore SIGPIPE, as libevent and OpenSSL write with plain system calls.           */
#ifndef SLUICE_PROVIDER_HTTP_CLIENT_H
#define SLUICE_PROVIDER_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct event_base;
struct http_client;

struct http_client_setup {
    struct event_base *base;
    size_t connections_max;     /* for each host (scheme, name, port); 0: 64 */
    size_t queue_max;           /* requests waiting for a connection, for each host; 0: 4096 */
    size_t body_max;            /* bytes of an answer's body; 0: 1 MiB */
    size_t head_max;            /* bytes of an answer's status line and headers; 0: 32 KiB */
    int64_t connect_timeout_ms; /* TCP and TLS together; 0: 5000 */
    int64_t idle_timeout_ms;    /* a kept connection is closed after so long without use; 0: 20000 */
    const char *ca_file;        /* PEM, trusted beside the system's authorities; NULL: none */
    const char *agent;          /* User-Agent; NULL: "sluice" */
};

/* Errors: SL_EINVAL with *WHY, a static sentence: CA_FILE cannot be read, no TLS. */
SL_MUST_USE enum sl_err http_client_new(const struct http_client_setup *setup, struct http_client **out,
                                        const char **why);

/* Drops all requests without calling DONE. Not to be called from a DONE. NULL is fine. */
void http_client_free(struct http_client *client);

struct http_header {
    const char *name, *value;
};

struct http_request {
    const char *method; /* "POST" */
    const char *url;    /* absolute, http or https, without user or fragment */
    const struct http_header *headers;
    size_t header_count; /* Host, Content-Length, Connection and User-Agent are the client's business */
    const char *body;    /* NULL: none */
    size_t body_len;
    int64_t timeout_ms;  /* > 0; from now to the last byte of the answer, waiting included */
    bool repeatable;     /* carries an idempotency key, or changes nothing */
};

struct http_result {
    enum sl_err err;
    int status;         /* SL_OK, and SL_EDOWN or SL_EUNKNOWN by 503 or 429; else 0 */
    const char *body;   /* with a status: NUL-terminated, never NULL; else NULL */
    size_t body_len;
    const char *detail; /* not SL_OK: a sentence without data of the request; else NULL */
    int64_t elapsed_us;
};
/* RESULT is borrowed for the time of the call. */
typedef void (*http_done_fn)(void *arg, uint64_t number, const struct http_result *result);

/* Sends REQUEST; gives its number (> 0).
 * Owns:  nothing is kept of REQUEST; ARG stays the caller's until DONE ran.
 * Calls: DONE exactly once, never before this returns, for every failure too; DONE may start and
 *        cancel requests. */
uint64_t http_client_send(struct http_client *client, const struct http_request *request, http_done_fn done,
                          void *done_arg);

/* DONE will not be called for NUMBER any more; if it was sent already, its connection is closed.
 * Unknown and finished numbers are fine. */
void http_client_cancel(struct http_client *client, uint64_t number);

struct http_client_stats {
    uint64_t requests;    /* begun */
    uint64_t connections; /* made */
    uint64_t reuses;      /* requests sent on a kept connection */
    uint64_t resends;     /* requests sent again because a kept connection was closed */
    uint64_t overloads;   /* refused because the host's queue was full */
    size_t queued, active; /* now: waiting; on a connection */
    size_t open, idle;    /* connections now: all; kept without a request */
    size_t hosts;
};
void http_client_stats(const struct http_client *client, struct http_client_stats *out);

#endif

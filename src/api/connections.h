/* The connections of the HTTP server: how many there may be, and how long each may take.
 *
 * evhttp reads requests and writes answers; it has a timeout for each piece of them, and none for the whole, and it
 * takes every connection that comes. Here each connection has a deadline of its own, which only what is whole moves:
 *
 *     accepted ──> stranger ──> answering ──> writing ──> idle ──> reading ──> answering …
 *                  request_ms    (none)       request_ms   idle_ms  request_ms
 *                                             and more for long answers
 *
 * Where there are too many, the one that has waited longest without a whole request goes; a connection whose request
 * is being answered never does. What evhttp would answer by itself, as HTML, leaves as problem+json (problem.h).
 * Ref: doc/http-api.md, Limits; doc/operations.md.                                                       */
#ifndef SLUICE_API_CONNECTIONS_H
#define SLUICE_API_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct connection;
struct connections;
struct event_base;
struct evhttp;
struct evhttp_bound_socket;
struct evhttp_connection;
struct evhttp_request;

struct connections_limits {
    int64_t request_ms; /* for a whole request to come, and for its answer to be taken; > 0 */
    int64_t idle_ms;    /* of a kept-alive connection between two requests; > 0 */
    size_t max;         /* connections; 0: as many as descriptors allow */
    size_t address_max; /* of one address; 0: no limit */
};

enum connection_state {
    CONNECTION_STRANGER,  /* waits for its first whole request */
    CONNECTION_IDLE,      /* waits for the first byte of a further one */
    CONNECTION_READING,   /* waits for the rest of a further one */
    CONNECTION_ANSWERING, /* waits for us */
    CONNECTION_WRITING,   /* waits for the client to take its answer */
    CONNECTION_CLOSING,   /* has been told why, and is read to its end for a moment so that it can see it */
    CONNECTION_STATES,
};

enum connection_end {
    CONNECTION_DONE,         /* either side closed it as HTTP has it */
    CONNECTION_SLOW_REQUEST, /* its request did not come in time */
    CONNECTION_SLOW_READER,  /* its answer was not taken in time */
    CONNECTION_UNUSED,       /* it was idle for too long */
    CONNECTION_MADE_ROOM,    /* another one needed its place */
    CONNECTION_REFUSED,      /* its address has too many */
    CONNECTION_BROKEN,       /* what it sent is no HTTP, or far too long */
    CONNECTION_ENDS,
};

struct connections_stats {
    uint64_t taken, pauses;
    size_t now[CONNECTION_STATES];
    uint64_t ended[CONNECTION_ENDS];
};

const char *connection_state_name(enum connection_state state);
const char *connection_end_name(enum connection_end end);

/* Of HTTP, which takes its connections through it from now on; HTTP must be freed first. */
struct connections *connections_new(struct event_base *base, struct evhttp *http,
                                    const struct connections_limits *limits);
void connections_free(struct connections *connections);
/* Takes connections from a further socket of HTTP; of all of them no more. */
void connections_listen(struct connections *connections, struct evhttp_bound_socket *socket);
void connections_stop(struct connections *connections);
void connections_stats(const struct connections *connections, struct connections_stats *out);

/* A whole request has come. GONE is called when its connection is lost before the answer is on its way. */
struct connection *connection_begin(struct connections *connections, struct evhttp_request *request,
                                    void (*gone)(void *arg), void *arg);
/* An answer with a body of LEN bytes is about to be sent to REQUEST: GONE is not called any more. */
void connection_answer(struct connection *connection, struct evhttp_request *request, size_t len);

#endif

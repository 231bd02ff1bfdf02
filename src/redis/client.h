/* One connection to a Redis: asynchronous, pipelined, reconnecting.
 *
 * Everything sent in one turn of the event loop leaves together. The three outcomes are kept apart:
 * answered (also with an error of Redis's own), not sent (SL_EDOWN), sent and not answered
 * (SL_EUNKNOWN: the connection broke, or the deadline passed; a late answer is dropped).          */
#ifndef SLUICE_REDIS_CLIENT_H
#define SLUICE_REDIS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "redis/reply.h"
#include "redis/slice.h"

struct buf;
struct client;
struct event_base;
struct script;

/* ERR: SL_OK with a reply that is not an error of Redis; SL_EREFUSED with the error reply; SL_EDOWN, nothing
 * happened: not sent, or, with the error reply, Redis is there and did nothing (LOADING, BUSY, READONLY, OOM,
 * MISCONF, …); SL_EUNKNOWN; SL_EBUSY: too many in flight, not sent. REPLY is borrowed, and NULL where not named. */
typedef void (*client_done_fn)(void *arg, enum sl_err err, const struct reply *reply);
typedef void (*client_state_fn)(void *arg, bool up);

struct client_setup {
    struct event_base *base;
    const char *url;          /* see redis/address.h; not kept */
    const char *name;         /* CLIENT SETNAME; NULL: none; not kept */
    client_state_fn on_state; /* may be NULL; up: let in, database chosen, scripts loaded, data loaded */
    void *on_state_arg;
    size_t in_flight_max;     /* 0: 100000; counts requests past their deadline until Redis answers them */
    int64_t silence_max_ms;   /* 0: 10000; with no answer for so long the connection is given up */
    struct script *const *scripts; /* ends with NULL; loaded on each connect (redis/script_list.h); NULL: none. Kept */
};

/* Starts to connect and never stops trying, with backoff (50 ms .. 2 s) and jitter. SIGPIPE is ignored from
 * here on, unless the program handles it. A host name is looked up by the C library, which blocks.
 * Errors: SL_EINVAL with *WHY, a static sentence. */
SL_MUST_USE enum sl_err client_new(const struct client_setup *setup, struct client **out, const char **why);

/* Requests in flight get SL_EUNKNOWN, or SL_EDOWN if not sent, before this returns. May be called from any
 * callback of the client. NULL is fine. */
void client_free(struct client *client);

bool client_is_up(const struct client *client);

/* While it is held, whatever is asked of it is refused with SL_EDOWN, as though it were not up: Redis is there, and
 * must not be used. What is in flight is answered. */
void client_hold(struct client *client, bool held);

/* Calls DONE once and never before this returns. ARGS are copied. DEADLINE_MS > 0; it is noticed at most 8 ms
 * late and never early. */
void client_command(struct client *client, const struct slice *args, size_t count, int64_t deadline_ms,
                    client_done_fn done, void *done_arg);
/* The same from words without blanks: client_words(client, 500, done, arg, "GET", "key", NULL). */
void client_words(struct client *client, int64_t deadline_ms, client_done_fn done, void *done_arg, ...)
    __attribute__((sentinel));
/* The same, and while the client is held, too: for whoever finds out whether it must be. */
void client_words_held(struct client *client, int64_t deadline_ms, client_done_fn done, void *done_arg, ...)
    __attribute__((sentinel));

struct client_stats {
    uint64_t requests;   /* sent, those of the greeting of each connection among them */
    uint64_t replies;    /* answered, also late */
    uint64_t errors;     /* of the replies: errors */
    uint64_t lost;       /* in flight when their connection ended */
    uint64_t expired;    /* not answered by their deadline */
    uint64_t late;       /* of the replies: after the deadline, dropped */
    uint64_t refused;    /* SL_EDOWN and SL_EBUSY without being sent */
    uint64_t reconnects; /* times the client came up, the first one among them */
    uint64_t bytes_out;
    size_t in_flight;
};
void client_stats(const struct client *client, struct client_stats *out);

/* For script.c: sends WIRE (a whole RESP command, copied). Answers the request's number: unique and rising over
 * all clients of the process; 0 if it was refused. */
uint64_t client_send(struct client *client, const struct buf *wire, int64_t deadline_ms, client_done_fn done,
                     void *done_arg);
/* The same, and while the client is held, too. */
uint64_t client_send_held(struct client *client, const struct buf *wire, int64_t deadline_ms, client_done_fn done,
                          void *done_arg);
/* How often the client came up; scripts known to one connection's server may be unknown to the next. */
uint64_t client_generation(const struct client *client);
/* Appends to OUT: the header of a command of COUNT words; one word. */
void wire_begin(struct buf *out, size_t count);
void wire_add(struct buf *out, struct slice word);

#endif

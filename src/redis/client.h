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

struct client;
struct event_base;

/* ERR: SL_OK with a reply that is not an error of Redis; SL_EREFUSED with the error reply; SL_EDOWN (also for
 * LOADING, BUSY, READONLY, MASTERDOWN, CLUSTERDOWN: Redis is there and did nothing); SL_EUNKNOWN; SL_EBUSY.
 * REPLY is NULL for the last three; borrowed. */
typedef void (*client_done_fn)(void *arg, enum sl_err err, const struct reply *reply);
typedef void (*client_state_fn)(void *arg, bool up);

struct client_setup {
    struct event_base *base;
    const char *url;          /* redis://[[user]:password@]host[:port][/db], rediss:// (TLS), unix:///path[?db=N] */
    const char *name;         /* CLIENT SETNAME; NULL: none */
    client_state_fn on_state; /* may be NULL */
    void *on_state_arg;
    size_t in_flight_max;     /* 0: 100000 */
};

/* Starts to connect and never stops trying, with backoff (50 ms .. 2 s) and jitter.
 * Errors: SL_EINVAL with *WHY, a sentence (static or valid until the next call). */
SL_MUST_USE enum sl_err client_new(const struct client_setup *setup, struct client **out, const char **why);

/* Requests in flight get SL_EUNKNOWN before this returns. */
void client_free(struct client *client);

bool client_is_up(const struct client *client);

/* Calls DONE once and never before this returns. ARGS are copied. DEADLINE_MS > 0. */
void client_command(struct client *client, const struct slice *args, size_t count, int64_t deadline_ms,
                    client_done_fn done, void *done_arg);
/* The same from words without blanks: client_words(client, 500, done, arg, "GET", "key", NULL). */
void client_words(struct client *client, int64_t deadline_ms, client_done_fn done, void *done_arg, ...)
    __attribute__((sentinel));

struct client_stats {
    uint64_t requests, replies, errors, lost, refused, reconnects, bytes_out;
    size_t in_flight;
};
void client_stats(const struct client *client, struct client_stats *out);

/* For script.c: sends WIRE (a whole RESP command). */
struct buf;
void client_send(struct client *client, const struct buf *wire, int64_t deadline_ms, client_done_fn done,
                 void *done_arg);
/* How often the connection was made; scripts known to one connection's server may be unknown to the next. */
uint64_t client_generation(const struct client *client);
/* Appends to OUT: the header of a command of COUNT words; one word. */
void wire_begin(struct buf *out, size_t count);
void wire_add(struct buf *out, struct slice word);

#endif

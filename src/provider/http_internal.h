/* What http_client.c (requests, queues, hosts) and http_conn.c (connections, names, TLS) share.
 *
 * Who frees what: a call is freed after its DONE or by cancel; a connection by conn_close; a host by
 * host_pump, once nothing of it is left. So every entry point from the event loop ends with one
 * host_pump, which nothing else calls, and touches nothing after it.                              */
#ifndef SLUICE_PROVIDER_HTTP_INTERNAL_H
#define SLUICE_PROVIDER_HTTP_INTERNAL_H

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <uthash.h>
#include <utlist.h>

#include "base/buf.h"
#include "provider/http_client.h"
#include "http/reader.h"

#define ADDRESSES_MAX 8

struct http_call {
    UT_hash_handle hh;            /* client->calls */
    struct http_call *prev, *next; /* host->queue or client->finished */
    struct http_client *client;
    struct http_host *host; /* NULL: finished */
    struct http_conn *conn; /* NULL: in the queue, or finished */
    uint64_t number;
    http_done_fn done;
    void *done_arg;
    struct event deadline;
    int64_t began_us;
    struct buf wire; /* the whole request */
    char *key;       /* its Idempotency-Key; NULL: it has none */
    bool repeatable;
    bool tried; /* was sent before, on a connection that broke: nobody can say any more that it was not */
    enum sl_err err;
    int status;
    struct buf body;
    struct buf detail;
};

struct http_address {
    struct sockaddr_storage addr;
    socklen_t len;
};

/* A question to the name server on its way; it may outlive the host that asked. */
struct http_lookup {
    struct http_host *host; /* NULL: nobody waits for it any more */
};

struct http_host {
    UT_hash_handle hh; /* client->hosts */
    struct http_client *client;
    char *key; /* "https://name:port" */
    char *name;
    int port;
    bool tls;
    bool literal; /* the name is an address: nothing to look up */
    struct http_call *queue;
    size_t queue_count;
    struct http_conn *conns; /* the idle ones first, the one used last in front */
    size_t conn_count;
    struct http_address addresses[ADDRESSES_MAX];
    size_t address_count, address_first; /* the one that answered last time */
    int64_t looked_up_us;
    struct http_lookup *lookup; /* under way; NULL: none */
    bool asking;                /* a lookup is being started: its answer may come from inside */
};

enum conn_state { CONN_CONNECTING, CONN_BUSY, CONN_IDLE };

struct http_conn {
    struct http_conn *prev, *next; /* host->conns */
    struct http_host *host;
    struct bufferevent *bev;
    enum conn_state state;
    struct http_call *call; /* NULL: idle */
    size_t first, attempts; /* addresses tried: so many, from there on */
    bool used;              /* an answer came on it before */
    struct http_reader reader;
    struct event timer; /* connecting: its limit; idle: its end */
};

struct evdns_base;

struct http_client {
    struct http_client_setup setup; /* its texts are copies */
    SSL_CTX *tls;                   /* made when first needed */
    struct evdns_base *dns;         /* the same */
    struct http_host *hosts;
    struct http_call *calls;
    struct http_call *finished; /* their DONE is due on the next tick */
    struct event tick;
    uint64_t last_number;
    struct http_client_stats stats;
};

/* http_client.c */

/* Takes CALL off its host, queue or connection and has DONE called on the next tick. SL_EDOWN of a
 * call that was tried before becomes SL_EUNKNOWN. The connection is left to the caller. */
void call_finish(struct http_call *call, enum sl_err err, const char *format, ...) SL_PRINTF(3, 4);
/* Gives the waiting calls connections, as far as they may be had; frees HOST if it is of no use. */
void host_pump(struct http_host *host);

/* http_conn.c */

/* Opens a connection for CALL, which must be off the queue; it may be finished when this returns. */
void conn_open(struct http_host *host, struct http_call *call);
bool conn_is_clean(const struct http_conn *conn); /* of an idle one: the host has said nothing that nobody asked for */
void conn_send(struct http_conn *conn, struct http_call *call); /* on an idle connection */
void conn_close(struct http_conn *conn);                        /* its call, if any, is just let go */

/* Whether addresses are known. If not, a lookup is under way (host_pump follows), or it failed at
 * once and all calls in the queue were finished. */
bool host_addresses(struct http_host *host);
void host_lookup_drop(struct http_host *host);
/* Errors: SL_EINVAL with *WHY, static. */
SL_MUST_USE enum sl_err client_tls(struct http_client *client, const char **why);

#endif

/* What server.c (who may come, and for how long) and connection.c (what is said) share. */
#ifndef SLUICE_HTTP_INTERNAL_H
#define SLUICE_HTTP_INTERNAL_H

#include <event2/event.h>
#include <uthash.h>

#include "http/listen.h"
#include "http/reader.h"
#include "http/server.h"

#define HTTP_SCRATCH 65536 /* bytes read at a time */
#define HTTP_DATE_MAX 40

struct http_address {
    uint8_t key[16]; /* IPv4: the first 4 bytes; IPv6: its network of 64 bits */
    size_t count;
    UT_hash_handle hh;
};

/* A connection; and the one exchange that is open on it, if its state is HTTP_ANSWERING. */
struct http_exchange {
    struct http_exchange *prev, *next; /* in the list of its state, longest there first; dead: in the server's list */
    struct http_server *server;
    struct http_address *address;      /* NULL: not counted */
    int fd;                            /* -1: dead */
    struct event *read, *write;
    struct http_reader reader;
    struct buf input;                  /* came behind the request under way */
    struct buf head, body;             /* of the answer */
    struct buf headers;                /* further ones of the answer to come */
    size_t written;
    enum http_state state;
    int64_t since_us, deadline_us;     /* deadline 0: none */
    bool heard;      /* something of the request to come has come */
    bool unread;     /* the socket may have more: INPUT was full */
    bool eof;        /* the client has closed its side */
    bool closes;     /* after the answer */
    bool told;       /* 100 Continue was sent */
    bool processing; /* in connection_process */
    void (*gone)(void *arg);
    void *gone_arg;
};

struct http_server {
    struct http_server_setup setup;
    struct event *listeners[LISTEN_MAX];
    size_t listener_count;
    struct http_exchange *by_state[HTTP_STATES], *dead;
    struct http_address *addresses;
    struct event *tick, *reap, *resume;
    int64_t tick_us; /* the deadline that TICK is armed for; 0: it is not */
    int files_max;   /* a connection whose descriptor would be higher is one too many */
    bool paused;     /* takes none until RESUME */
    int64_t warned_us;
    struct http_stats stats;
    int64_t date_s;
    char date[HTTP_DATE_MAX], scratch[HTTP_SCRATCH];
};

/* server.c */
void server_state(struct http_exchange *connection, enum http_state state, int64_t deadline_ms); /* 0: no deadline */
void server_close(struct http_exchange *connection, enum http_end end); /* its memory stays until the loop comes round */
const char *server_date(struct http_server *server);

/* connection.c */
void connection_start(struct http_exchange *connection); /* its descriptor, server and state are set */
void connection_readable(evutil_socket_t fd, short what, void *arg);
void connection_writable(evutil_socket_t fd, short what, void *arg);
/* Tells the client STATUS, because of WHY (static), and closes. Nothing else may be under way. */
void connection_refuse(struct http_exchange *connection, int status, const char *why, enum http_end end);

#endif

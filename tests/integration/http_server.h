/* A server for tests of HTTP clients: plain sockets and threads on loopback, so that it can do what no
 * proper server would. What it answers is up to the test.                                         */
#ifndef SLUICE_TESTS_HTTP_SERVER_H
#define SLUICE_TESTS_HTTP_SERVER_H

#include <event2/event.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct bare_server;

struct bare_server_request {
    char path[256];
    char key[256]; /* Idempotency-Key; "" if there was none */
    char *body;    /* NUL-terminated */
    size_t body_len;
    int nth; /* on its connection; 1 is the first */
};

/* Answers REQUEST on FD. False: close the connection. Runs in a thread of its own for each connection. */
typedef bool (*bare_server_serve_fn)(struct bare_server *server, int fd, const struct bare_server_request *request);

#define SERVER_CONNS_MAX 256
#define SERVER_KEYS_MAX 64

struct bare_server {
    int fd, port;
    bare_server_serve_fn serve;
    bool reset_on_accept; /* set before the first request */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under lock */
    bool stopping, released;
    int connections, closed, requests, active, active_max;
    char keys[SERVER_KEYS_MAX][256]; /* of the first requests, in their order */
    struct {
        pthread_t thread;
        int fd;
    } conns[SERVER_CONNS_MAX];
};

void bare_server_start(struct bare_server *server, bare_server_serve_fn serve);
void bare_server_stop(struct bare_server *server);
void bare_server_release(struct bare_server *server); /* ends all bare_server_wait_release */

/* For serve functions. */
void bare_server_wait_release(struct bare_server *server);
/* False: the other side is gone. */
bool bare_server_say(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool bare_server_answer(int fd, int status, const char *body);
/* Waits until the other side closed. */
void bare_server_wait_closed(int fd);
void bare_server_reset(int fd); /* makes the close that follows a reset */

/* Waits, for ten seconds at most, until the server has closed COUNT connections, taken COUNT requests. */
void bare_server_until_closed(struct bare_server *server, int count);
void bare_server_until_requests(struct bare_server *server, int count);

int bare_server_listen(int *port); /* a socket that listens on loopback */
/* A port of loopback where nobody listens. */
int bare_server_free_port(void);

/* Runs BASE until *COUNT reaches WANT; fails the test after twenty seconds. */
void loop_until(struct event_base *base, const int *count, int want);
/* Runs BASE for MS milliseconds: to see that something does not happen. */
void loop_for(struct event_base *base, int ms);

#endif

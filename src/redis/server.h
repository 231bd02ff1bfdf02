/* A private redis-server: for newcomers, who give no address, and for tests. It listens on a unix socket
 * in its data directory and nowhere else, and ends when its parent does. */
#ifndef SLUICE_REDIS_SERVER_H
#define SLUICE_REDIS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct server_setup {
    const char *dir;     /* made if missing; holds the socket, the log and the data */
    const char *program; /* NULL: redis-server from PATH */
    bool fsync_always;   /* appendfsync always; else everysec */
    bool tells_parent;   /* end with the parent (PR_SET_PDEATHSIG); tests and daemons want it */
    int stream_node_max_bytes; /* 0: 8192; a payment's whole history fits one node, which wastes least memory */
};

struct server;

/* Starts it and waits (blocking: before the event loop runs) until it answers, at most 10 s, or 10 minutes
 * while it loads its data. Each redis-server holds the lock on DIR until it is gone, also when its parent
 * was killed; a new one waits 3 s for it.
 * Errors: SL_EEXIST another process uses DIR; SL_ESYS; with *WHY, a sentence (owned by the caller, free()). */
SL_MUST_USE enum sl_err server_start(const struct server_setup *setup, struct server **out, char **why);
const char *server_url(const struct server *server); /* unix://… ; borrowed */
pid_t server_pid(const struct server *server); /* 0: not running */
/* Whether it has ended by itself, seen for the first time (call it on SIGCHLD); HOW: "signal 9", "status 1". */
bool server_ended(struct server *server, char *how, size_t size);
/* SIGTERM and wait; after 10 s SIGKILL. Frees. NULL is fine. */
void server_stop(struct server *server);

/* For crash tests: SIGKILL now and wait; then start it again on the same data, as server_start does. */
void server_kill(struct server *server);
SL_MUST_USE enum sl_err server_restart(struct server *server, char **why);

#endif

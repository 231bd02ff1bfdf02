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
};

struct server;

/* Starts it and waits (at most 10 s, blocking: before the event loop runs) until it answers.
 * Errors: SL_EEXIST another process uses DIR; SL_ESYS; with *WHY, a sentence (owned by the caller, free()). */
SL_MUST_USE enum sl_err server_start(const struct server_setup *setup, struct server **out, char **why);
const char *server_url(const struct server *server); /* unix://… ; borrowed */
pid_t server_pid(const struct server *server);
/* SIGTERM and wait; after 10 s SIGKILL. Frees. NULL is fine. */
void server_stop(struct server *server);

#endif

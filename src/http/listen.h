/* Where the API listens: addresses as people write them, and sockets bound to them. */
#ifndef SLUICE_HTTP_LISTEN_H
#define SLUICE_HTTP_LISTEN_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/err.h"

#define LISTEN_MAX 8        /* addresses of one daemon */
#define LISTEN_TEXT_MAX 64  /* bytes of an address as text, with its port and the NUL */

struct listen_at {
    struct sockaddr_storage address;
    socklen_t len;
};

/* "127.0.0.1:8080", "[::1]:8080", "localhost:8080"; port 0: the kernel chooses. No names are looked up. */
bool listen_parse(const char *text, struct listen_at *out);
void listen_text(const struct listen_at *at, char out[LISTEN_TEXT_MAX]);
bool listen_is_loopback(const struct listen_at *at);

/* A socket that listens, which does not block. AT gets the port that the kernel chose. Errors: SL_ESYS. */
SL_MUST_USE enum sl_err listen_open(struct listen_at *at, bool reuse_port, int *fd);

#endif

/* The address of a Redis, as operators write it. Pure. */
#ifndef SLUICE_REDIS_ADDRESS_H
#define SLUICE_REDIS_ADDRESS_H

#include <stdbool.h>

struct address {
    char host[256]; /* or the socket's path */
    int port;       /* 0: a unix socket */
    char user[128], password[256];
    int db;
    bool tls;
};

/* redis://[[user]:password@]host[:port][/db], rediss:// (TLS), unix://path[?db=N]. An IPv6 host stands in
 * brackets; %XX in user and password is a byte. Answers NULL, or a sentence that says what is wrong,
 * without the password; *OUT is then not to be used. */
const char *address_parse(const char *url, struct address *out);

#endif

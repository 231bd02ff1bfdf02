/* What sluiced is told on its command line and in its environment. */
#ifndef SLUICE_DAEMON_OPTIONS_H
#define SLUICE_DAEMON_OPTIONS_H

#include "payment/bounds.h"
#include <stdbool.h>
#include <stdint.h>

#include "http/server.h"
#include "http/listen.h"
#include "domain/health.h"
#include "engine/machine.h"

#define BENIGN_MAX 64
#define BENIGN_TEXT_MAX 2048

struct options {
    const char *redis;   /* address; NULL: a private redis-server in DATA */
    const char *data;
    struct listen_at listen[LISTEN_MAX];
    size_t listen_count;
    struct http_limits http;
    const char *tokens;  /* file; NULL: none */
    bool insecure;
    bool relaxed;        /* accept a Redis that may lose the last second */
    bool packs;          /* store events and snapshots packed, not as plain JSON */
    const char *seen;    /* file of what was seen in Redis; NULL: none (a private one: in DATA) */
    int partitions;      /* 0: as initialised (a private one: 64) */
    int64_t lease_ms;
    int64_t inspect_timeout_ms, provider_timeout_ms; /* of a call */
    int64_t call_timeout_ms;                         /* of a request to the API, waiting included */
    struct retry_policy retry;                       /* of steps */
    size_t work_max;             /* machines in work at once */
    struct payment_bounds bounds;
    size_t provider_calls;       /* to one provider, under way; 0: a quarter of WORK_MAX */
    size_t provider_connections; /* to one host; 0: the client's default */
    int64_t grace_ms;    /* for work under way when told to stop */
    const char *name;    /* among the daemons; NULL: host:pid */
    bool reuse_port;
    struct health_settings health; /* of the fault detector */
    const char *benign[BENIGN_MAX]; /* its benign failures, where they are given; parts of the text */
    char benign_text[BENIGN_TEXT_MAX];
};

/* Parses; ends the process after --help, --version or with a sentence and status 2 after a fault. */
void options_parse(int argc, char **argv, struct options *out);

#endif

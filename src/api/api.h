/* The HTTP API: requests in, calls to the runtime, answers out. Ref: doc/http-api.md; doc/spec/api.md.
 *
 * One HTTP server (src/http) on the daemon's event loop. Every route is a row of the table in routes.c; every
 * resource has a file of its own. An answer that is not a success is problem+json (problem.h).      */
#ifndef SLUICE_API_API_H
#define SLUICE_API_API_H

#include <stdbool.h>
#include <stdint.h>

#include "api/auth.h"
#include "api/domain_store.h"
#include "engine/runtime.h"
#include "engine/space.h"
#include "engine/wheel.h"
#include "http/listen.h"
#include "http/server.h"
#include "limits/store.h"
#include "provider/effects.h"
#include "provider/health_watch.h"

struct api;
struct card_store;
struct event_base;
struct guard;
struct limit_store;
struct roster;

struct api_setup {
    struct event_base *base;
    struct listen_at *listen; /* gets the ports that the kernel chose */
    size_t listen_count; /* 1..LISTEN_MAX */
    bool reuse_port;     /* SO_REUSEPORT: several daemons on one port */
    struct http_limits http;
    struct auth *auth;   /* NULL: no tokens, everybody may do everything */
    struct client *client;
    const struct space *space;
    struct runtime *runtime;
    struct wheel *wheel;
    const struct roster *roster;
    struct effects *effects;
    struct health_watch *health;
    struct limit_store *limits;
    struct card_store *cards;
    struct domain_store *domains;
    const struct alarm_ops *alarm;
    void *alarm_ctx;
    int64_t call_timeout_ms;   /* > 0: for a request to wait for its machine (doc/spec/machine.md 18) */
    const struct guard *guard; /* for /readyz and /metrics */
    bool bare_ids;       /* machines of format 1, whose ids have no party, may be there */
};

/* Errors: SL_ESYS (errno): the address numbered *FAILED cannot be bound; then none is. */
SL_MUST_USE enum sl_err api_new(const struct api_setup *setup, struct api **out, size_t *failed);
/* Takes no more connections; long polls are answered with what there is. DONE when no request is open. */
void api_stop(struct api *api, void (*done)(void *arg), void *arg);
/* New tokens; the old ones may be freed: no request under way keeps a principal of theirs. */
void api_set_auth(struct api *api, struct auth *auth);
void api_free(struct api *api);

#endif

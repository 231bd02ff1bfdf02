/* sluiced: wires the parts together, in the order in which each needs the one before, and takes them
 * apart again in the opposite order.
 *
 *   private redis? -> client -> meta data -> durability -> configuration, effects, runtime, wheel, API
 *   from then on the guard says whether Redis may be used; a private one that ends, ends the daemon
 *   SIGTERM: API, wheel and runtime are told at once; exit when all are done, or at the end of the grace */
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "cards/store.h"
#include "daemon/alarm_loop.h"
#include "daemon/card.h"
#include "daemon/options.h"
#include "engine/redis_store.h"
#include "limits/store.h"
#include "payment/kind.h"
#include "provider/health_watch.h"
#include "redis/guard.h"
#include "redis/meta.h"
#include "redis/partition.h"
#include "redis/roster.h"
#include "redis/script_list.h"
#include "redis/seen.h"
#include "redis/server.h"

#define LET_GO_PART 4       /* so much of the grace is kept for giving leases back, */
#define LET_GO_MAX_MS 500   /* and no more than this */
#define STOP_PARTS 3        /* API, wheel, runtime */
#define STORE_MS 10000 /* deadline of one request to Redis */
#define STATUS_REDIS_ENDED 3 /* exit status, doc/operations.md */
#define PACKED_NODE_BYTES 1024 /* of the private Redis's streams: a packed history fits, doc/decisions/0016 */

struct daemon {
    struct options options;
    struct event_base *base;
    struct alarm_loop *alarm;
    struct server *server;
    struct client *client;
    struct roster *roster;
    char *differing; /* what card_compare() has told */
    struct guard *guard; /* once the start has found Redis fit */
    struct seen *seen;
    struct space *space;
    struct domain_store *domains;
    struct http_client *http;
    struct limit_store *limits;
    struct health_watch *health;
    struct card_store *cards;
    struct effects *effects;
    struct redis_store store;
    struct runtime *runtime;
    struct wheel *wheel;
    struct auth *auth;
    struct api *api;
    struct event *signals[4], *grace_end;
    int64_t told_us; /* monotonic; when it was told to stop */
    int parts_open;  /* that have not stopped yet */
    char name[128];
    int64_t started_us; /* since 1970 */
    bool checking, running, stopping;
    bool bare_ids; /* machines of format 1 may be there */
    int status;
};

static const struct machine_kind *const kinds[] = { &invoice_kind, NULL };

static void daemon_end(struct daemon *daemon, int status)
{
    daemon->status = status;
    event_base_loopbreak(daemon->base);
}

/* ---- start ---- */

/* Its card has its addresses, now that they are known. */
static void daemon_say(struct daemon *daemon)
{
    char *card = card_write(daemon->name, daemon->started_us, &daemon->options, true);

    roster_say(daemon->roster, card);
    free(card);
}

static void daemon_run(struct daemon *daemon, int partitions)
{
    struct options *options = &daemon->options;
    char place[LISTEN_TEXT_MAX];
    size_t i, failed;
    const char *why;
    int saved;

    daemon->space = space_new(partitions);
    daemon->domains = domain_store_new(daemon->client, &alarm_loop_ops, daemon->alarm);
    if (http_client_new(&(struct http_client_setup){
            .base = daemon->base, .connections_max = options->provider_connections,
        }, &daemon->http, &why)) {
        log_error("%s", why);
        daemon_end(daemon, 1);
        return;
    }
    daemon->limits = limit_store_new(daemon->client, partitions, STORE_MS);
    daemon->health = health_watch_new(&(struct health_watch_setup){
        .base = daemon->base, .client = daemon->client, .settings = &options->health,
    });
    daemon->cards = card_store_new(daemon->client, daemon->space, STORE_MS);
    daemon->effects = effects_new(daemon->base, &(struct effects_setup){
        .http = daemon->http, .limits = daemon->limits, .heard = health_watch_heard, .heard_ctx = daemon->health,
        .client = daemon->client, .space = daemon->space, .cards = daemon->cards,
        .inspector_timeout_ms = options->inspect_timeout_ms, .provider_timeout_ms = options->provider_timeout_ms,
        .calls_max = options->provider_calls ? options->provider_calls : options->work_max / 4,
    });
    daemon->store = (struct redis_store){
        .client = daemon->client, .space = daemon->space, .deadline_ms = STORE_MS, .packer = packer_new(),
        .packs = options->packs, .seen = daemon->seen,
    };
    daemon->runtime = runtime_new(&(struct runtime_setup){
        .store = &redis_store_ops, .store_ctx = &daemon->store, .effects = effects_ops(), .effects_ctx = daemon->effects,
        .config = &domain_store_ops, .config_ctx = daemon->domains, .alarm = &alarm_loop_ops, .alarm_ctx = daemon->alarm,
        .settings = &options->bounds, .outlook = health_watch_outlook, .note = health_watch_note, .owner_ctx = daemon->health,
        .lease_ms = options->lease_ms, .retry = options->retry, .work_max = options->work_max,
    });
    daemon->wheel = wheel_new(&(struct wheel_setup){
        .store = &redis_store_ops, .store_ctx = &daemon->store, .space = daemon->space, .runtime = daemon->runtime, .alarm = &alarm_loop_ops,
        .alarm_ctx = daemon->alarm, .name = daemon->name, .kinds = kinds, .lease_ms = options->lease_ms,
    });
    if (api_new(&(struct api_setup){
            .base = daemon->base, .listen = options->listen, .listen_count = options->listen_count, .reuse_port = options->reuse_port,
            .auth = daemon->auth, .client = daemon->client, .space = daemon->space, .runtime = daemon->runtime,
            .wheel = daemon->wheel, .roster = daemon->roster, .effects = daemon->effects, .health = daemon->health, .limits = daemon->limits,
            .cards = daemon->cards, .http = options->http, .call_timeout_ms = options->call_timeout_ms,
            .domains = daemon->domains, .alarm = &alarm_loop_ops,
            .alarm_ctx = daemon->alarm, .guard = daemon->guard, .bare_ids = daemon->bare_ids,
        }, &daemon->api, &failed)) {
        saved = errno;
        listen_text(&options->listen[failed], place);
        log_error("cannot listen on %s: %s", place, strerror(saved));
        daemon_end(daemon, 1);
        return;
    }
    daemon->running = true;
    daemon_say(daemon);
    log_info("%s serves %d partitions%s", daemon->name, partitions,
             daemon->auth ? "" : " WITHOUT TOKENS: everybody who reaches it may do everything");
    for (i = 0; i < options->listen_count; i++) {
        listen_text(&options->listen[i], place);
        log_info("it listens on http://%s", place);
        printf("sluiced listening on %s\n", place);
    }
    fflush(stdout);
}

/* Whether RESULT lets the start go on. If not, it ends the daemon; but a Redis that was lost meanwhile is asked
 * again when it is back. */
static bool start_may(struct daemon *daemon, const struct meta_result *result)
{
    if (!result->err)
        return true;
    daemon->checking = false;
    if (result->err == SL_ENOENT || result->err == SL_EREFUSED || result->error) {
        log_error("%s", result->message);
        daemon_end(daemon, 1);
    }
    return false;
}

static void redis_judged(void *arg)
{
    struct daemon *daemon = arg;

    daemon_run(daemon, daemon->options.partitions);
}

/* A private Redis has what was seen in it beside its data. */
static bool seen_start(struct daemon *daemon)
{
    struct buf path = BUF_EMPTY;
    const char *given = daemon->options.seen;
    enum sl_err err;
    char *why = NULL;

    if (given)
        buf_str(&path, given);
    else if (daemon->server)
        buf_printf(&path, "%s/seen", daemon->options.data);
    err = seen_new(daemon->options.partitions, path.len ? buf_text(&path) : NULL, &daemon->seen, &why);
    buf_clear(&path);
    if (!err)
        return true;
    log_error("%s", why);
    free(why);
    daemon_end(daemon, 1);
    return false;
}

/* The name is ours, or HOLDER's: two under one name would take each other's partitions for their own. */
static void daemon_enlisted(void *arg, const char *holder)
{
    struct daemon *daemon = arg;

    if (holder) {
        log_error("a daemon of the name %s runs already: %s; give this one another --name", daemon->name, holder);
        daemon_end(daemon, 1);
    } else if (seen_start(daemon)) { /* what is said of Redis's durability, the guard says */
        daemon->guard = guard_new(&(struct guard_setup){
            .base = daemon->base, .client = daemon->client, .seen = daemon->seen, .strict = !daemon->options.relaxed,
            .judged = redis_judged, .judged_arg = daemon,
        });
    }
}

static void others_seen(void *arg)
{
    struct daemon *daemon = arg;

    card_compare(daemon->roster, &daemon->differing);
}

static void durability_checked(void *arg, const struct meta_result *result)
{
    struct daemon *daemon = arg;
    char *card;

    if (!start_may(daemon, result))
        return;
    daemon->roster = roster_new(&(struct roster_setup){
        .base = daemon->base, .client = daemon->client, .name = daemon->name, .seen = others_seen, .seen_arg = daemon,
    });
    card = card_write(daemon->name, daemon->started_us, &daemon->options, false);
    roster_enlist(daemon->roster, card, daemon_enlisted, daemon);
    free(card);
}

static void meta_checked(void *arg, const struct meta_result *result)
{
    struct daemon *daemon = arg;

    if (!start_may(daemon, result))
        return;
    daemon->options.partitions = result->partitions;
    daemon->bare_ids = result->format_first < 2;
    meta_check_durability(daemon->client, !daemon->options.relaxed, durability_checked, daemon);
}

static void meta_made(void *arg, const struct meta_result *result)
{
    struct daemon *daemon = arg;

    if (result->err)
        meta_checked(daemon, result);
    else
        meta_take_over(daemon->client, result->partitions, meta_checked, daemon);
}

/* What comes back after a failover or a restart may be another Redis, without our data or with weaker promises, and to
 * go on with it would be to forget payments: a running daemon's guard judges it. */
static void connection_changed(void *arg, bool up)
{
    struct daemon *daemon = arg;

    if (daemon->guard) {
        guard_connection(daemon->guard, up);
        return;
    }
    if (!up || daemon->checking || daemon->stopping)
        return;
    daemon->checking = true;
    if (daemon->server) /* ours alone: what a newcomer needs is made on the way */
        meta_init(daemon->client, daemon->options.partitions ? daemon->options.partitions : PARTITIONS_DEFAULT,
                  meta_made, daemon);
    else
        meta_take_over(daemon->client, daemon->options.partitions, meta_checked, daemon);
}

static bool daemon_connect(struct daemon *daemon)
{
    const char *url = daemon->options.redis, *why_not;
    char *why = NULL;

    if (!url) {
        if (server_start(&(struct server_setup){
                .dir = daemon->options.data, .fsync_always = !daemon->options.relaxed, .tells_parent = true,
                .stream_node_max_bytes = daemon->options.packs ? PACKED_NODE_BYTES : 0,
            }, &daemon->server, &why)) {
            log_error("%s", why);
            free(why);
            return false;
        }
        url = server_url(daemon->server);
        log_info("a private redis-server keeps the data in %s", daemon->options.data);
    }
    if (client_new(&(struct client_setup){
            .base = daemon->base, .url = url, .name = "sluiced", .on_state = connection_changed, .on_state_arg = daemon,
            .scripts = script_list,
        }, &daemon->client, &why_not)) {
        log_error("%s", why_not);
        return false;
    }
    return true;
}

/* ---- stop ---- */

static void timer_start(struct event *timer, int64_t delay_ms)
{
    struct timeval delay = { delay_ms / 1000, delay_ms % 1000 * 1000 };

    event_add(timer, &delay);
}

static void on_part_stopped(void *arg)
{
    struct daemon *daemon = arg;

    if (--daemon->parts_open == 0)
        daemon_end(daemon, 0);
}

/* Whatever still waits is answered when the parts are taken apart. */
static void on_grace_end(evutil_socket_t number, short what, void *arg)
{
    (void)number;
    (void)what;
    log_warn("the grace is over; what is still in work is left to other daemons, when its leases end");
    daemon_end(arg, 0);
}

static void told_to_stop(evutil_socket_t number, short what, void *arg)
{
    struct daemon *daemon = arg;
    int64_t grace_ms = daemon->options.grace_ms, let_go_ms = grace_ms / LET_GO_PART;

    (void)what;
    if (daemon->stopping || !daemon->running) {
        daemon_end(daemon, daemon->running ? 1 : 0);
        return;
    }
    daemon->stopping = true;
    daemon->told_us = clock_mono_us();
    daemon->parts_open = STOP_PARTS;
    log_info("signal %d: finishing what is in work, for at most %" PRId64 " ms", (int)number, grace_ms);
    if (let_go_ms > LET_GO_MAX_MS)
        let_go_ms = LET_GO_MAX_MS;
    timer_start(daemon->grace_end, grace_ms - let_go_ms / LET_GO_PART);
    roster_leave(daemon->roster);
    wheel_stop(daemon->wheel, on_part_stopped, daemon);
    api_stop(daemon->api, on_part_stopped, daemon);
    runtime_drain(daemon->runtime, grace_ms - let_go_ms, on_part_stopped, daemon);
}

/* A private Redis that ended is not started again here: to load it would hold up the loop, and whoever looks after the
 * daemon starts both in order, the torn end of its file cut off. */
static void child_ended(evutil_socket_t number, short what, void *arg)
{
    struct daemon *daemon = arg;
    char how[64];

    (void)number;
    (void)what;
    if (!daemon->server || !server_ended(daemon->server, how, sizeof(how)))
        return;
    log_error("the private redis-server ended (%s), and nothing can be done without it; see redis.log in %s", how,
              daemon->options.data);
    daemon_end(daemon, STATUS_REDIS_ENDED);
}

static void told_to_reload(evutil_socket_t number, short what, void *arg)
{
    struct daemon *daemon = arg;
    struct auth *auth;
    char *why;

    (void)number;
    (void)what;
    if (!daemon->auth)
        return;
    if (auth_load(daemon->options.tokens, &auth, &why)) {
        log_error("%s; the tokens stay as they were", why);
        free(why);
        return;
    }
    api_set_auth(daemon->api, auth);
    auth_free(daemon->auth);
    daemon->auth = auth;
    log_info("the tokens have been read again");
}

/* ---- life ---- */

static void daemon_name(struct daemon *daemon)
{
    char host[64] = "localhost";

    if (daemon->options.name) {
        snprintf(daemon->name, sizeof(daemon->name), "%s", daemon->options.name);
        return;
    }
    gethostname(host, sizeof(host) - 1);
    snprintf(daemon->name, sizeof(daemon->name), "%s:%ld", host, (long)getpid());
}

static void daemon_free(struct daemon *daemon)
{
    size_t i;

    for (i = 0; i < SL_COUNT(daemon->signals); i++) {
        if (daemon->signals[i])
            event_free(daemon->signals[i]);
    }
    event_free(daemon->grace_end);
    client_free(daemon->client); /* whatever waits for Redis is answered now */
    roster_free(daemon->roster);
    free(daemon->differing);
    wheel_free(daemon->wheel);
    runtime_free(daemon->runtime); /* cancels what is out at providers */
    api_free(daemon->api); /* after those who may still have answers for its requests */
    packer_free(daemon->store.packer);
    effects_free(daemon->effects);
    limit_store_free(daemon->limits);
    card_store_free(daemon->cards);
    http_client_free(daemon->http);
    health_watch_free(daemon->health);
    domain_store_free(daemon->domains);
    space_free(daemon->space);
    guard_free(daemon->guard);
    seen_free(daemon->seen);
    auth_free(daemon->auth);
    alarm_loop_free(daemon->alarm);
    event_base_free(daemon->base);
    server_stop(daemon->server);
}

int main(int argc, char **argv)
{
    struct daemon daemon = { .status = 1 };
    char *why;

    xmalloc_init();
    options_parse(argc, argv, &daemon.options);
    daemon_name(&daemon);
    daemon.started_us = clock_wall_us();
    if (daemon.options.tokens && auth_load(daemon.options.tokens, &daemon.auth, &why)) {
        log_error("%s", why);
        free(why);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    daemon.base = alarm_base_new();
    daemon.alarm = alarm_loop_new(daemon.base);
    daemon.signals[0] = evsignal_new(daemon.base, SIGTERM, told_to_stop, &daemon);
    daemon.signals[1] = evsignal_new(daemon.base, SIGINT, told_to_stop, &daemon);
    daemon.signals[2] = evsignal_new(daemon.base, SIGHUP, told_to_reload, &daemon);
    event_add(daemon.signals[0], NULL);
    event_add(daemon.signals[1], NULL);
    event_add(daemon.signals[2], NULL);
    daemon.signals[3] = evsignal_new(daemon.base, SIGCHLD, child_ended, &daemon);
    event_add(daemon.signals[3], NULL);
    daemon.grace_end = evtimer_new(daemon.base, on_grace_end, &daemon);
    if (daemon_connect(&daemon))
        event_base_dispatch(daemon.base);
    daemon_free(&daemon);
    if (daemon.stopping)
        log_info("stopped after %" PRId64 " ms", (clock_mono_us() - daemon.told_us) / 1000);
    return daemon.status;
}

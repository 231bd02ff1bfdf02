/* Who may come, and for how long they may stay. What is said is in connection.c.
 *
 * The connections of each state are a list, longest there first. One timer serves all deadlines: in most states every
 * connection has the same time, so its list is in the order of deadlines, and looking at its head is enough. */
#include "http/server.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "http/internal.h"

#define FILES_SPARE 128  /* descriptors kept for Redis, providers and files */
#define PAUSE_MS 100     /* of taking connections, when there are too many and none can go */
#define NEW_MS 1000      /* so long a new connection is not the first to go */
#define YOUNG_MS 100     /* so long it does not go at all: its request is on its way */
#define WARN_MS 10000    /* a warning about too many connections is repeated no sooner */
#define ACCEPT_MAX 64    /* connections taken before others get their turn */

static const char *const state_names[] = {
    [HTTP_NEW] = "new", [HTTP_IDLE] = "idle", [HTTP_READING] = "reading", [HTTP_ANSWERING] = "answering",
    [HTTP_WRITING] = "writing", [HTTP_CLOSING] = "closing",
};
_Static_assert(SL_COUNT(state_names) == HTTP_STATES, "a state without a name");

static const char *const end_names[] = {
    [HTTP_DONE] = "done", [HTTP_SLOW_REQUEST] = "slow_request", [HTTP_SLOW_READER] = "slow_reader",
    [HTTP_UNUSED] = "idle", [HTTP_MADE_ROOM] = "made_room", [HTTP_REFUSED] = "refused", [HTTP_BROKEN] = "broken",
};
_Static_assert(SL_COUNT(end_names) == HTTP_ENDS, "an end without a name");

const char *http_state_name(enum http_state state)
{
    return state_names[state];
}

const char *http_end_name(enum http_end end)
{
    return end_names[end];
}

void http_server_stats(const struct http_server *server, struct http_stats *out)
{
    *out = server->stats;
}

static bool server_warns(struct http_server *server)
{
    int64_t now_us = clock_mono_us();

    if (server->warned_us && now_us - server->warned_us < WARN_MS * 1000)
        return false;
    server->warned_us = now_us;
    return true;
}

const char *server_date(struct http_server *server)
{
    time_t now = (time_t)(clock_wall_us() / 1000000);
    struct tm parts;

    if (now != server->date_s) {
        gmtime_r(&now, &parts);
        strftime(server->date, sizeof(server->date), "%a, %d %b %Y %H:%M:%S GMT", &parts);
        server->date_s = now;
    }
    return server->date;
}

/* ---- deadlines ---- */

static void tick_arm(struct http_server *server, int64_t deadline_us, int64_t now_us)
{
    int64_t left_us = deadline_us > now_us ? deadline_us - now_us : 0;
    struct timeval after = { .tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000 };

    server->tick_us = deadline_us;
    evtimer_add(server->tick, &after);
}

void server_state(struct http_exchange *connection, enum http_state state, int64_t deadline_ms)
{
    struct http_server *server = connection->server;

    DL_DELETE(server->by_state[connection->state], connection);
    server->stats.now[connection->state]--;
    connection->state = state;
    connection->since_us = clock_mono_us();
    connection->deadline_us = deadline_ms > 0 ? connection->since_us + deadline_ms * 1000 : 0;
    DL_APPEND(server->by_state[state], connection);
    server->stats.now[state]++;
    if (deadline_ms > 0 && (!server->tick_us || connection->deadline_us < server->tick_us))
        tick_arm(server, connection->deadline_us, connection->since_us);
}

static void connection_late(struct http_exchange *connection)
{
    struct linger reset = { .l_onoff = 1, .l_linger = 0 };

    switch (connection->state) {
    case HTTP_NEW:
    case HTTP_READING:
        if (connection->heard)
            connection_refuse(connection, 408, "the request did not come in time; nothing was done", HTTP_SLOW_REQUEST);
        else
            server_close(connection, HTTP_SLOW_REQUEST);
        break;
    case HTTP_IDLE: server_close(connection, HTTP_UNUSED); break;
    case HTTP_WRITING:
        /* The kernel, too, shall not keep what nobody takes. */
        setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        server_close(connection, HTTP_SLOW_READER);
        break;
    case HTTP_CLOSING: server_close(connection, HTTP_ENDS); break;
    case HTTP_ANSWERING:
    case HTTP_STATES: break;
    }
}

static void server_tick(evutil_socket_t none, short what, void *arg)
{
    struct http_server *server = arg;
    struct http_exchange *connection, *next;
    int64_t now_us = clock_mono_us(), first_us = 0;
    int state;

    (void)none;
    (void)what;
    server->tick_us = now_us; /* so that nothing arms it meanwhile: the first deadline is looked for below */
    for (state = 0; state < HTTP_STATES; state++) {
        DL_FOREACH_SAFE(server->by_state[state], connection, next) {
            if (connection->deadline_us && connection->deadline_us <= now_us)
                connection_late(connection);
            else if (state != HTTP_WRITING)
                break;
        }
    }
    for (state = 0; state < HTTP_STATES; state++) {
        DL_FOREACH(server->by_state[state], connection) {
            if (connection->deadline_us && (!first_us || connection->deadline_us < first_us))
                first_us = connection->deadline_us;
            if (state != HTTP_WRITING)
                break;
        }
    }
    server->tick_us = 0;
    if (first_us)
        tick_arm(server, first_us, now_us);
}

/* ---- the end of a connection ---- */

static void address_leave(struct http_server *server, struct http_address *address)
{
    if (!address || --address->count > 0)
        return;
    HASH_DEL(server->addresses, address);
    free(address);
}

static void connection_free(struct http_exchange *connection)
{
    http_reader_clear(&connection->reader);
    buf_clear(&connection->input);
    buf_clear(&connection->head);
    buf_clear(&connection->body);
    buf_clear(&connection->headers);
    free(connection);
}

static void server_reap(evutil_socket_t none, short what, void *arg)
{
    struct http_server *server = arg;
    struct http_exchange *connection;

    (void)none;
    (void)what;
    while ((connection = server->dead)) {
        DL_DELETE(server->dead, connection);
        connection_free(connection);
    }
}

/* END is HTTP_ENDS where it was counted before. */
void server_close(struct http_exchange *connection, enum http_end end)
{
    struct http_server *server = connection->server;
    void (*gone)(void *arg) = connection->gone;

    if (connection->fd < 0)
        return;
    event_free(connection->read);
    event_free(connection->write);
    close(connection->fd);
    connection->fd = -1;
    connection->gone = NULL;
    DL_DELETE(server->by_state[connection->state], connection);
    server->stats.now[connection->state]--;
    if (end < HTTP_ENDS)
        server->stats.ended[end]++;
    address_leave(server, connection->address);
    DL_APPEND(server->dead, connection);
    event_active(server->reap, EV_TIMEOUT, 0);
    if (gone)
        gone(connection->gone_arg);
}

/* ---- too many ---- */

static size_t server_count(const struct http_server *server)
{
    size_t state, count = 0;

    for (state = 0; state < HTTP_STATES; state++)
        count += server->stats.now[state];
    return count;
}

static void server_take(struct http_server *server, bool on)
{
    size_t i;

    for (i = 0; i < server->listener_count; i++) {
        if (on)
            event_add(server->listeners[i], NULL);
        else
            event_del(server->listeners[i]);
    }
}

static void server_resume(evutil_socket_t none, short what, void *arg)
{
    struct http_server *server = arg;

    (void)none;
    (void)what;
    server->paused = false;
    server_take(server, true);
}

static void server_pause(struct http_server *server)
{
    struct timeval after = { .tv_usec = PAUSE_MS * 1000 };

    if (server->paused || server->listener_count == 0)
        return;
    server->paused = true;
    server->stats.pauses++;
    if (server_warns(server))
        log_warn("too many connections (%zu), and none that can go: no more are taken for %d ms at a time",
                 server_count(server), PAUSE_MS);
    server_take(server, false);
    evtimer_add(server->resume, &after);
}

/* The connection that can go: who has not shown a request for long, then who has shown one before. NULL: nobody can. */
static struct http_exchange *server_oldest(const struct http_server *server)
{
    struct http_exchange *fresh = server->by_state[HTTP_NEW];
    int64_t age_us = fresh ? clock_mono_us() - fresh->since_us : 0;

    if (server->by_state[HTTP_CLOSING])
        return server->by_state[HTTP_CLOSING];
    if (age_us >= NEW_MS * 1000)
        return fresh;
    if (server->by_state[HTTP_IDLE])
        return server->by_state[HTTP_IDLE];
    if (server->by_state[HTTP_READING])
        return server->by_state[HTTP_READING];
    return age_us >= YOUNG_MS * 1000 ? fresh : NULL;
}

/* False: nobody could go, and no more are taken for a while. */
static bool server_make_room(struct http_server *server)
{
    struct http_exchange *oldest = server_oldest(server);

    if (!oldest) {
        server_pause(server);
        return false;
    }
    if (server_warns(server))
        log_warn("too many connections (%zu): the one that waited longest makes room", server_count(server));
    server_close(oldest, oldest->state == HTTP_CLOSING ? HTTP_ENDS : HTTP_MADE_ROOM);
    return true;
}

/* ---- new connections ---- */

static void address_key(const struct sockaddr_storage *peer, uint8_t key[16])
{
    memset(key, 0, 16);
    if (peer->ss_family == AF_INET)
        memcpy(key, &((const struct sockaddr_in *)peer)->sin_addr, 4);
    else if (peer->ss_family == AF_INET6)
        memcpy(key, &((const struct sockaddr_in6 *)peer)->sin6_addr, 8);
}

static struct http_address *address_enter(struct http_server *server, const struct sockaddr_storage *peer)
{
    struct http_address *address;
    uint8_t key[16];

    if (!server->setup.limits.address_max)
        return NULL;
    address_key(peer, key);
    HASH_FIND(hh, server->addresses, key, sizeof(key), address);
    if (!address) {
        address = xcalloc(1, sizeof(*address));
        memcpy(address->key, key, sizeof(key));
        HASH_ADD(hh, server->addresses, key, sizeof(address->key), address);
    }
    address->count++;
    return address;
}

/* Takes FD over. */
static void server_admit(struct http_server *server, int fd, const struct sockaddr_storage *peer)
{
    struct http_exchange *connection = xcalloc(1, sizeof(*connection));
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* else the second half of an answer may wait */
    connection->server = server;
    connection->fd = fd;
    connection->address = address_enter(server, peer);
    connection->state = HTTP_NEW;
    DL_APPEND(server->by_state[HTTP_NEW], connection);
    server->stats.now[HTTP_NEW]++;
    server->stats.taken++;
    server_state(connection, HTTP_NEW, server->setup.limits.request_ms);
    connection_start(connection);
    if (connection->address && connection->address->count > server->setup.limits.address_max)
        connection_refuse(connection, 503, "this address has too many connections", HTTP_REFUSED);
}

static bool server_full(const struct http_server *server)
{
    return server->setup.limits.max && server_count(server) >= server->setup.limits.max;
}

static void server_accept(evutil_socket_t listener, short what, void *arg)
{
    struct http_server *server = arg;
    struct sockaddr_storage peer;
    socklen_t len;
    int fd, i;

    (void)what;
    for (i = 0; i < ACCEPT_MAX; i++) {
        if (server_full(server) && !server_make_room(server))
            return;
        len = sizeof(peer);
        memset(&peer, 0, sizeof(peer));
        fd = accept4(listener, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
            server_make_room(server);
            server_pause(server); /* to try again at once would be to spin */
            return;
        }
        if (fd < 0 && (errno == EAGAIN || errno == EBADF))
            return;
        if (fd < 0)
            continue; /* it hung up before it was taken */
        server_admit(server, fd, &peer);
        if (fd >= server->files_max && !server_make_room(server)) /* descriptors are given lowest first */
            return;
    }
}

/* ---- life ---- */

/* So many descriptors as MAX connections need, if they can be had. */
static void files_raise(struct rlimit *files, size_t max)
{
    rlim_t wanted = (rlim_t)max + FILES_SPARE;

    if (max == 0 || files->rlim_cur >= wanted)
        return;
    files->rlim_cur = files->rlim_max < wanted ? files->rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, files) != 0)
        getrlimit(RLIMIT_NOFILE, files);
    if (files->rlim_cur < wanted)
        log_warn("%zu connections are allowed, and descriptors for %" PRIu64 " (ulimit -n)", max,
                 (uint64_t)files->rlim_cur);
}

struct http_server *http_server_new(const struct http_server_setup *setup)
{
    struct http_server *server = xcalloc(1, sizeof(*server));
    struct rlimit files = { .rlim_cur = 1024, .rlim_max = 1024 };
    rlim_t most;

    assert(setup->limits.request_ms > 0 && setup->limits.idle_ms > 0 && setup->limits.body_max > 0 &&
           setup->limits.head_max > 0);
    server->setup = *setup;
    server->tick = evtimer_new(setup->base, server_tick, server);
    server->reap = evtimer_new(setup->base, server_reap, server);
    server->resume = evtimer_new(setup->base, server_resume, server);
    getrlimit(RLIMIT_NOFILE, &files);
    files_raise(&files, setup->limits.max);
    most = files.rlim_cur < INT_MAX ? files.rlim_cur : INT_MAX;
    server->files_max = most > 2 * FILES_SPARE ? (int)most - FILES_SPARE : (int)most / 2;
    return server;
}

void http_server_listen(struct http_server *server, int fd)
{
    struct event *event = event_new(server->setup.base, fd, EV_READ | EV_PERSIST, server_accept, server);

    assert(event && server->listener_count < LISTEN_MAX);
    server->listeners[server->listener_count++] = event;
    event_add(event, NULL);
}

void http_server_stop(struct http_server *server)
{
    while (server->listener_count > 0) {
        struct event *event = server->listeners[--server->listener_count];
        int fd = event_get_fd(event);

        event_free(event);
        close(fd);
    }
    event_del(server->resume);
}

void http_server_free(struct http_server *server)
{
    int state;

    if (!server)
        return;
    http_server_stop(server);
    for (state = 0; state < HTTP_STATES; state++) {
        while (server->by_state[state])
            server_close(server->by_state[state], HTTP_DONE);
    }
    event_del(server->reap);
    server_reap(-1, 0, server);
    event_free(server->tick);
    event_free(server->reap);
    event_free(server->resume);
    free(server);
}

/* See connections.h. What of evhttp is used, and how far it can be relied on:
 *
 *  - The bufferevent of a new connection is made here (evhttp_set_bevcb). evhttp's own connection is the argument of
 *    its callbacks, as soon as accepting is over: so connections are admitted by an event that runs right after that.
 *  - The close callback of a connection is called once, whatever ended it.
 *  - Bytes in its input that were not there tell that a request has begun.
 *  - Bytes in its output that are not of an answer of ours are evhttp's own: "100 Continue", or an error page. The page
 *    is still in memory when the same event runs, and nothing else is under way: our answer is written in its place, and
 *    the connection closed. (libevent 2.2 has evhttp_set_errorcb for it; 2.1 has nothing.)
 *
 * A connection that is closed with a reason is read to its end for a moment: closing a socket with unread bytes in it
 * sends a reset, which can overtake the answer. */
#include "api/connections.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uthash.h>
#include <utlist.h>

#include "api/listen.h"
#include "api/problem.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/xmalloc.h"

#define FILES_SPARE 128     /* descriptors kept for Redis, providers and files */
#define PAUSE_MS 100        /* of taking connections, when there are too many and none can go */
#define STRANGER_MS 1000    /* so long a new connection is not the first to go */
#define YOUNG_MS 100        /* so long it does not go at all: its request is on its way */
#define TAKE_BYTES_MS 32    /* bytes of an answer that a client must take in a millisecond, beyond request_ms */
#define CLOSING_MS 2000     /* a connection that was told why it is closed is read for so long at most */
#define CLOSING_MAX 128     /* so many at a time; others are closed at once */
#define WARN_MS 10000       /* a warning about too many connections is repeated no sooner */
#define ANSWER_MAX 1024     /* bytes of an answer that is written here */

struct address {
    uint8_t key[16]; /* IPv4: the first 4 bytes; IPv6: its network of 64 bits */
    size_t count;
    UT_hash_handle hh;
};

struct connection {
    struct connection *prev, *next; /* in the list of its state, longest there first; before: of fresh */
    struct connection *written_prev, *written_next; /* if WRITTEN */
    struct connections *all;
    struct bufferevent *bev; /* while fresh: counted, so that it is there even if evhttp gave up */
    struct evhttp_connection *http; /* NULL: fresh; the key of the table */
    struct evbuffer_cb_entry *input, *output;
    struct event *timer;
    struct address *address;
    enum connection_state state;
    enum connection_end end; /* why it is closed, if it is closed here */
    int64_t since_us;
    bool heard;   /* something of the request under way has come */
    bool written; /* something was, and not by us */
    void (*gone)(void *arg);
    void *gone_arg;
    UT_hash_handle hh;
};

/* A connection that evhttp has let go of, and that is not closed yet. */
struct closing {
    struct closing *prev, *next;
    struct connections *all;
    struct event *event;
    int64_t until_us;
    int fd;
};

struct connections {
    struct event_base *base;
    struct connections_limits limits;
    struct evhttp_bound_socket *sockets[LISTEN_MAX];
    size_t socket_count;
    struct connection *fresh, *written, *by_state[CONNECTION_STATES], *by_http;
    struct closing *closing;
    struct address *addresses;
    struct event *look, *resume;
    int files_max; /* a connection whose descriptor would be higher is one too many */
    bool paused; /* takes none until RESUME */
    bool held;   /* takes none until those that came are admitted */
    size_t fresh_count;
    int64_t warned_us;
    struct connections_stats stats;
};

static struct connections *taking; /* whose listener accept_failed is about; a process has one server */

static const char *const state_names[] = {
    [CONNECTION_STRANGER] = "stranger", [CONNECTION_IDLE] = "idle", [CONNECTION_READING] = "reading",
    [CONNECTION_ANSWERING] = "answering", [CONNECTION_WRITING] = "writing", [CONNECTION_CLOSING] = "closing",
};
_Static_assert(SL_COUNT(state_names) == CONNECTION_STATES, "a state without a name");

static const char *const end_names[] = {
    [CONNECTION_DONE] = "done", [CONNECTION_SLOW_REQUEST] = "slow_request", [CONNECTION_SLOW_READER] = "slow_reader",
    [CONNECTION_UNUSED] = "idle", [CONNECTION_MADE_ROOM] = "made_room", [CONNECTION_REFUSED] = "refused",
    [CONNECTION_BROKEN] = "broken",
};
_Static_assert(SL_COUNT(end_names) == CONNECTION_ENDS, "an end without a name");

const char *connection_state_name(enum connection_state state)
{
    return state_names[state];
}

const char *connection_end_name(enum connection_end end)
{
    return end_names[end];
}

void connections_stats(const struct connections *connections, struct connections_stats *out)
{
    *out = connections->stats;
}

static bool all_warn(struct connections *all)
{
    int64_t now_us = clock_mono_us();

    if (all->warned_us && now_us - all->warned_us < WARN_MS * 1000)
        return false;
    all->warned_us = now_us;
    return true;
}

/* ---- states ---- */

static void connection_set(struct connection *connection, enum connection_state state, int64_t deadline_ms)
{
    struct connections *all = connection->all;
    struct timeval after = { .tv_sec = deadline_ms / 1000, .tv_usec = deadline_ms % 1000 * 1000 };

    DL_DELETE(all->by_state[connection->state], connection);
    all->stats.now[connection->state]--;
    connection->state = state;
    connection->since_us = clock_mono_us();
    DL_APPEND(all->by_state[state], connection);
    all->stats.now[state]++;
    if (deadline_ms > 0)
        evtimer_add(connection->timer, &after);
    else
        evtimer_del(connection->timer);
}

/* ---- the end of a connection ---- */

static void closing_free(struct closing *closing)
{
    closing->all->stats.now[CONNECTION_CLOSING]--;
    DL_DELETE(closing->all->closing, closing);
    event_free(closing->event);
    close(closing->fd);
    free(closing);
}

static void closing_read(evutil_socket_t fd, short what, void *arg)
{
    struct closing *closing = arg;
    char rest[16384];

    if ((what & EV_TIMEOUT) || clock_mono_us() >= closing->until_us || recv(fd, rest, sizeof(rest), MSG_DONTWAIT) <= 0)
        closing_free(closing);
}

/* Reads FD, which is evhttp's, to its end after evhttp has closed it. */
static void closing_new(struct connections *all, int fd)
{
    struct timeval most = { .tv_sec = CLOSING_MS / 1000 };
    struct closing *closing;
    int own = all->stats.now[CONNECTION_CLOSING] < CLOSING_MAX ? dup(fd) : -1;

    if (own < 0)
        return;
    closing = xcalloc(1, sizeof(*closing));
    closing->all = all;
    closing->fd = own;
    closing->until_us = clock_mono_us() + CLOSING_MS * 1000;
    closing->event = event_new(all->base, own, EV_READ | EV_PERSIST, closing_read, closing);
    event_add(closing->event, &most);
    DL_APPEND(all->closing, closing);
    all->stats.now[CONNECTION_CLOSING]++;
}

static void address_leave(struct connections *all, struct address *address)
{
    if (!address || --address->count > 0)
        return;
    HASH_DEL(all->addresses, address);
    free(address);
}

/* evhttp's close callback: whatever the reason, this is the last that is heard of it. */
static void connection_closed(struct evhttp_connection *http, void *arg)
{
    struct connection *connection = arg;
    struct connections *all = connection->all;

    (void)http;
    if (connection->gone)
        connection->gone(connection->gone_arg);
    evbuffer_remove_cb_entry(bufferevent_get_input(connection->bev), connection->input);
    evbuffer_remove_cb_entry(bufferevent_get_output(connection->bev), connection->output);
    DL_DELETE(all->by_state[connection->state], connection);
    if (connection->written)
        DL_DELETE2(all->written, connection, written_prev, written_next);
    all->stats.now[connection->state]--;
    all->stats.ended[connection->end]++;
    HASH_DEL(all->by_http, connection);
    address_leave(all, connection->address);
    event_free(connection->timer);
    free(connection);
}

static void connection_end(struct connection *connection, enum connection_end end)
{
    connection->end = end;
    evhttp_connection_free(connection->http);
}

static const struct own_answer {
    int status;
    const char *reason, *error, *detail;
} own_answers[] = {
    { 400, "Bad Request", "InvalidRequest", "this is no HTTP request, or its headers are too long" },
    { 408, "Request Timeout", "RequestTimeout", "the request did not come in time; nothing was done" },
    { 413, "Content Too Large", "ContentTooLarge", "the body is far too long" },
    { 417, "Expectation Failed", "ExpectationFailed", "nothing but 100-continue can be expected" },
    { 501, "Not Implemented", "NotImplemented", "there is no such method" },
    { 503, "Service Unavailable", "TooManyConnections", "this address has too many connections" },
    { 500, "Internal Server Error", "Internal", NULL },
};

/* Tells the client STATUS past evhttp, which must have nothing of its own under way, and closes. */
static void connection_refuse(struct connection *connection, int status, enum connection_end end)
{
    const struct own_answer *row = own_answers;
    int fd = bufferevent_getfd(connection->bev);
    struct buf json = BUF_EMPTY;
    char text[ANSWER_MAX];
    int len;

    while (row->status != status && row->status != 500)
        row++;
    problem_write(&json, row->status, row->error, row->detail, NULL);
    len = snprintf(text, sizeof(text),
                   "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\nContent-Length: %zu\r\n%s"
                   "Connection: close\r\n\r\n%s", row->status, row->reason, json.len,
                   row->status == 503 ? "Retry-After: 1\r\n" : "", buf_text(&json));
    assert(len > 0 && (size_t)len < sizeof(text));
    /* The socket's own buffer is empty, so all of it finds room; if not, the client is no worse off than without. */
    if (send(fd, text, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) == len) {
        shutdown(fd, SHUT_WR);
        closing_new(connection->all, fd);
    }
    buf_clear(&json);
    connection_end(connection, end);
}

static void connection_late(evutil_socket_t none, short what, void *arg)
{
    struct linger reset = { .l_onoff = 1, .l_linger = 0 };
    struct connection *connection = arg;

    (void)none;
    (void)what;
    switch (connection->state) {
    case CONNECTION_STRANGER:
    case CONNECTION_READING:
        if (connection->heard)
            connection_refuse(connection, 408, CONNECTION_SLOW_REQUEST);
        else
            connection_end(connection, CONNECTION_SLOW_REQUEST);
        break;
    case CONNECTION_IDLE: connection_end(connection, CONNECTION_UNUSED); break;
    case CONNECTION_WRITING:
        /* The kernel, too, shall not keep what nobody takes. */
        setsockopt(bufferevent_getfd(connection->bev), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        connection_end(connection, CONNECTION_SLOW_READER);
        break;
    case CONNECTION_ANSWERING:
    case CONNECTION_CLOSING:
    case CONNECTION_STATES: break;
    }
}

/* ---- too many ---- */

static size_t all_count(const struct connections *all)
{
    size_t state, count = all->fresh_count;

    for (state = 0; state < CONNECTION_STATES; state++)
        count += all->stats.now[state];
    return count;
}

static void all_listen(struct connections *all, bool on)
{
    size_t i;

    for (i = 0; i < all->socket_count; i++) {
        struct evconnlistener *listener = evhttp_bound_socket_get_listener(all->sockets[i]);

        if (on)
            evconnlistener_enable(listener);
        else
            evconnlistener_disable(listener);
    }
}

static void all_resume(evutil_socket_t none, short what, void *arg)
{
    struct connections *all = arg;

    (void)none;
    (void)what;
    all->paused = false;
    all_listen(all, true);
}

static void all_pause(struct connections *all)
{
    struct timeval after = { .tv_usec = PAUSE_MS * 1000 };

    if (all->paused || all->socket_count == 0)
        return;
    all->paused = true;
    all->held = false;
    all->stats.pauses++;
    if (all_warn(all))
        log_warn("too many connections (%zu), and none that can go: no more are taken for %d ms at a time",
                 all_count(all), PAUSE_MS);
    all_listen(all, false);
    evtimer_add(all->resume, &after);
}

/* The connection that can go: who has not shown a request for long, then who has shown one before. NULL: nobody can. */
static struct connection *all_oldest(const struct connections *all)
{
    struct connection *stranger = all->by_state[CONNECTION_STRANGER];
    int64_t age_us = stranger ? clock_mono_us() - stranger->since_us : 0;

    if (age_us >= STRANGER_MS * 1000)
        return stranger;
    if (all->by_state[CONNECTION_IDLE])
        return all->by_state[CONNECTION_IDLE];
    if (all->by_state[CONNECTION_READING])
        return all->by_state[CONNECTION_READING];
    return age_us >= YOUNG_MS * 1000 ? stranger : NULL;
}

/* Descriptors are given lowest first, so the next one's number bounds how many are open. */
static bool all_full(const struct connections *all)
{
    int next = dup(STDERR_FILENO);

    if (next >= 0)
        close(next);
    return next < 0 || next >= all->files_max || (all->limits.max && all_count(all) > all->limits.max);
}

static void all_make_room(struct connections *all)
{
    struct connection *oldest = all_oldest(all);

    if (!oldest) {
        all_pause(all);
        return;
    }
    if (all_warn(all))
        log_warn("too many connections (%zu): the one that waited longest makes room", all_count(all));
    connection_end(oldest, CONNECTION_MADE_ROOM);
}

/* accept() failed, as it does without descriptors: to try again at once would be to spin. */
static void accept_failed(struct evconnlistener *listener, void *arg)
{
    (void)listener;
    (void)arg; /* evhttp's own */
    if (!taking)
        return;
    all_make_room(taking);
    all_pause(taking);
}

/* ---- what comes and goes on a connection ---- */

static void input_changed(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
    struct connection *connection = arg;

    (void)input;
    if (info->n_added == 0)
        return;
    connection->heard = true;
    if (connection->state == CONNECTION_IDLE)
        connection_set(connection, CONNECTION_READING, connection->all->limits.request_ms);
}

static void output_changed(struct evbuffer *output, const struct evbuffer_cb_info *info, void *arg)
{
    struct connection *connection = arg;

    (void)output;
    if (info->n_added == 0 || connection->written || connection->state == CONNECTION_WRITING)
        return;
    connection->written = true;
    DL_APPEND2(connection->all->written, connection, written_prev, written_next);
    event_active(connection->all->look, EV_TIMEOUT, 0);
}

/* Copies the first bytes of OUTPUT to TEXT. evbuffer_copyout() would refuse, since only libevent may take from it. */
static void output_begin(struct evbuffer *output, char *text, size_t size)
{
    struct evbuffer_iovec parts[4];
    int count = evbuffer_peek(output, (ev_ssize_t)(size - 1), NULL, parts, SL_COUNT(parts)), i;
    size_t len = 0, part;

    for (i = 0; i < count && i < (int)SL_COUNT(parts) && len < size - 1; i++) {
        part = parts[i].iov_len < size - 1 - len ? parts[i].iov_len : size - 1 - len;
        memcpy(text + len, parts[i].iov_base, part);
        len += part;
    }
    text[len] = '\0';
}

/* evhttp has written something by itself. */
static void connection_look(struct connection *connection)
{
    static const char go_on[] = "HTTP/1.1 100";
    char head[16] = ""; /* as long as the status line up to its code */
    int status = 500;

    output_begin(bufferevent_get_output(connection->bev), head, sizeof(head));
    if (!*head || strncmp(head, go_on, sizeof(go_on) - 1) == 0)
        return;
    if (sscanf(head, "HTTP/1.%*d %d", &status) != 1)
        status = 500;
    connection_refuse(connection, status, CONNECTION_BROKEN);
}

/* ---- new connections ---- */

static void address_key(int fd, uint8_t key[16])
{
    struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
    socklen_t len = sizeof(peer);

    memset(key, 0, 16);
    if (getpeername(fd, (struct sockaddr *)&peer, &len) != 0)
        return;
    if (peer.ss_family == AF_INET)
        memcpy(key, &((struct sockaddr_in *)&peer)->sin_addr, 4);
    else if (peer.ss_family == AF_INET6)
        memcpy(key, &((struct sockaddr_in6 *)&peer)->sin6_addr, 8);
}

static struct address *address_enter(struct connections *all, int fd)
{
    struct address *address;
    uint8_t key[16];

    if (!all->limits.address_max)
        return NULL;
    address_key(fd, key);
    HASH_FIND(hh, all->addresses, key, sizeof(key), address);
    if (!address) {
        address = xcalloc(1, sizeof(*address));
        memcpy(address->key, key, sizeof(key));
        HASH_ADD(hh, all->addresses, key, sizeof(address->key), address);
    }
    address->count++;
    return address;
}

static void connection_admit(struct connection *connection)
{
    struct connections *all = connection->all;
    void *http = NULL;

    bufferevent_getcb(connection->bev, NULL, NULL, NULL, &http);
    if (bufferevent_decref(connection->bev)) { /* ours was the last: evhttp could not use it */
        free(connection);
        return;
    }
    connection->http = http;
    assert(evhttp_connection_get_bufferevent(connection->http) == connection->bev);
    connection->timer = evtimer_new(all->base, connection_late, connection);
    connection->input = evbuffer_add_cb(bufferevent_get_input(connection->bev), input_changed, connection);
    connection->output = evbuffer_add_cb(bufferevent_get_output(connection->bev), output_changed, connection);
    connection->address = address_enter(all, bufferevent_getfd(connection->bev));
    HASH_ADD_PTR(all->by_http, http, connection);
    DL_APPEND(all->by_state[CONNECTION_STRANGER], connection);
    all->stats.now[CONNECTION_STRANGER]++;
    all->stats.taken++;
    connection_set(connection, CONNECTION_STRANGER, all->limits.request_ms);
    evhttp_connection_set_closecb(connection->http, connection_closed, connection);
    connection->heard = evbuffer_get_length(bufferevent_get_input(connection->bev)) > 0;
    if (connection->address && connection->address->count > all->limits.address_max)
        connection_refuse(connection, 503, CONNECTION_REFUSED);
    else if (all_full(all))
        all_make_room(all);
}

static void all_admit(struct connections *all)
{
    struct connection *connection;

    while ((connection = all->fresh)) {
        DL_DELETE(all->fresh, connection);
        all->fresh_count--;
        connection_admit(connection);
    }
    if (all->held) {
        all->held = false;
        all_listen(all, true);
    }
}

static void all_look(evutil_socket_t none, short what, void *arg)
{
    struct connections *all = arg;
    struct connection *connection;

    (void)none;
    (void)what;
    all_admit(all);
    while ((connection = all->written)) {
        DL_DELETE2(all->written, connection, written_prev, written_next);
        connection->written = false;
        connection_look(connection);
    }
}

static struct bufferevent *connection_new(struct event_base *base, void *arg)
{
    struct connections *all = arg;
    struct connection *connection = xcalloc(1, sizeof(*connection));

    connection->all = all;
    connection->bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    assert(connection->bev);
    bufferevent_incref(connection->bev);
    DL_APPEND(all->fresh, connection);
    all->fresh_count++;
    if (!all->paused && !all->held && all_full(all)) { /* else all that wait would be taken before any is looked at */
        all->held = true;
        all_listen(all, false);
    }
    event_active(all->look, EV_TIMEOUT, 0);
    return connection->bev;
}

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

struct connections *connections_new(struct event_base *base, struct evhttp *http,
                                    const struct connections_limits *limits)
{
    struct connections *all = xcalloc(1, sizeof(*all));
    struct rlimit files = { .rlim_cur = 1024, .rlim_max = 1024 };
    rlim_t most;

    assert(limits->request_ms > 0 && limits->idle_ms > 0);
    all->base = base;
    all->limits = *limits;
    all->look = event_new(base, -1, 0, all_look, all);
    all->resume = evtimer_new(base, all_resume, all);
    getrlimit(RLIMIT_NOFILE, &files);
    files_raise(&files, limits->max);
    most = files.rlim_cur < INT_MAX ? files.rlim_cur : INT_MAX;
    all->files_max = most > 2 * FILES_SPARE ? (int)most - FILES_SPARE : (int)most / 2;
    taking = all;
    evhttp_set_bevcb(http, connection_new, all);
    return all;
}

void connections_listen(struct connections *all, struct evhttp_bound_socket *socket)
{
    assert(all->socket_count < LISTEN_MAX);
    all->sockets[all->socket_count++] = socket;
    evconnlistener_set_error_cb(evhttp_bound_socket_get_listener(socket), accept_failed);
}

void connections_stop(struct connections *all)
{
    all->socket_count = 0;
    event_del(all->resume);
}

void connections_free(struct connections *all)
{
    struct connection *connection;

    if (!all)
        return;
    taking = NULL;
    while ((connection = all->fresh)) {
        DL_DELETE(all->fresh, connection);
        bufferevent_decref(connection->bev);
        free(connection);
    }
    assert(!all->by_http);
    while (all->closing)
        closing_free(all->closing);
    event_free(all->look);
    event_free(all->resume);
    free(all);
}

/* ---- requests ---- */

struct connection *connection_begin(struct connections *all, struct evhttp_request *request, void (*gone)(void *arg),
                                    void *arg)
{
    struct evhttp_connection *http = evhttp_request_get_connection(request);
    struct connection *connection;

    all_admit(all); /* a request may come with its connection */
    HASH_FIND_PTR(all->by_http, &http, connection);
    assert(connection);
    connection_set(connection, CONNECTION_ANSWERING, 0);
    connection->gone = gone;
    connection->gone_arg = arg;
    return connection;
}

/* The answer has been written: the connection is kept, or its close callback is next. */
static void connection_answered(struct evhttp_request *request, void *arg)
{
    struct connection *connection = arg;

    (void)request;
    connection->heard = evbuffer_get_length(bufferevent_get_input(connection->bev)) > 0;
    if (connection->heard)
        connection_set(connection, CONNECTION_READING, connection->all->limits.request_ms);
    else
        connection_set(connection, CONNECTION_IDLE, connection->all->limits.idle_ms);
}

void connection_answer(struct connection *connection, struct evhttp_request *request, size_t len)
{
    connection->gone = NULL;
    connection_set(connection, CONNECTION_WRITING, connection->all->limits.request_ms + (int64_t)(len / TAKE_BYTES_MS));
    evhttp_request_set_on_complete_cb(request, connection_answered, connection);
}

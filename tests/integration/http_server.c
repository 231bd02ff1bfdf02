#include "integration/http_server.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xmalloc.h"

/* ---- answering ---- */

static bool say_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        data += sent;
        len -= (size_t)sent;
    }
    return true;
}

bool bare_server_say(int fd, const char *format, ...)
{
    char text[4096];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return say_all(fd, text, (size_t)len);
}

bool bare_server_answer(int fd, int status, const char *body)
{
    return bare_server_say(fd, "HTTP/1.1 %d Whatever\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", status,
                      strlen(body)) &&
           say_all(fd, body, strlen(body));
}

void bare_server_wait_closed(int fd)
{
    char rest[256];

    while (recv(fd, rest, sizeof(rest), 0) > 0)
        ;
}

void bare_server_reset(int fd)
{
    struct linger linger = { 1, 0 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

void bare_server_wait_release(struct bare_server *server)
{
    pthread_mutex_lock(&server->lock);
    while (!server->released && !server->stopping)
        pthread_cond_wait(&server->changed, &server->lock);
    pthread_mutex_unlock(&server->lock);
}

void bare_server_release(struct bare_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->released = true;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

/* ---- reading ---- */

static void read_head(const char *head, struct bare_server_request *out, size_t *body_len)
{
    const char *key = strstr(head, "\r\nIdempotency-Key: "), *length = strstr(head, "\r\nContent-Length: ");

    out->path[0] = out->key[0] = '\0';
    sscanf(head, "%*s %255s", out->path);
    if (key)
        sscanf(key, "\r\nIdempotency-Key: %255[^\r]", out->key);
    *body_len = length ? strtoul(length + 18, NULL, 10) : 0;
}

/* Reads one request; what follows it is an error of the client, which never pipelines. */
static bool read_request(int fd, struct bare_server_request *out)
{
    size_t cap = 1 << 20, len = 0, head_len = 0, body_len = 0;
    char *data = xmalloc(cap + 1), *end;

    for (;;) {
        ssize_t got = recv(fd, data + len, cap - len, 0);

        if (got <= 0) {
            free(data);
            return false;
        }
        len += (size_t)got;
        data[len] = '\0';
        if (head_len == 0 && (end = strstr(data, "\r\n\r\n"))) {
            head_len = (size_t)(end - data) + 4;
            read_head(data, out, &body_len);
        }
        if (head_len > 0 && len >= head_len + body_len)
            break;
    }
    memmove(data, data + head_len, body_len + 1);
    out->body = data;
    out->body_len = body_len;
    return true;
}

struct conn_start {
    struct bare_server *server;
    int fd, index;
};

static bool conn_serve(struct bare_server *server, int fd, int nth)
{
    struct bare_server_request request = { .nth = nth };
    bool more;

    if (!read_request(fd, &request))
        return false;
    pthread_mutex_lock(&server->lock);
    if (server->requests < SERVER_KEYS_MAX)
        snprintf(server->keys[server->requests], sizeof(server->keys[0]), "%s", request.key);
    server->requests++;
    if (++server->active > server->active_max)
        server->active_max = server->active;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    more = server->serve(server, fd, &request);
    pthread_mutex_lock(&server->lock);
    server->active--;
    pthread_mutex_unlock(&server->lock);
    free(request.body);
    return more;
}

static void *conn_run(void *arg)
{
    struct conn_start start = *(struct conn_start *)arg;
    struct bare_server *server = start.server;
    int nth = 0;

    free(arg);
    if (server->reset_on_accept)
        bare_server_reset(start.fd);
    else
        while (conn_serve(server, start.fd, ++nth))
            ;
    pthread_mutex_lock(&server->lock);
    close(start.fd);
    server->conns[start.index].fd = -1;
    server->closed++;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

static void *accept_run(void *arg)
{
    struct bare_server *server = arg;
    int fd, on = 1;

    while ((fd = accept(server->fd, NULL, NULL)) >= 0) {
        struct conn_start *start = xmalloc(sizeof(*start));

        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        pthread_mutex_lock(&server->lock);
        cr_assert_lt(server->connections, SERVER_CONNS_MAX);
        *start = (struct conn_start){ server, fd, server->connections };
        server->conns[server->connections].fd = fd;
        pthread_create(&server->conns[server->connections].thread, NULL, conn_run, start);
        server->connections++;
        pthread_mutex_unlock(&server->lock);
    }
    return NULL;
}

/* ---- start and stop ---- */

int bare_server_listen(int *port)
{
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_geq(fd, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    cr_assert_eq(listen(fd, 512), 0);
    *port = ntohs(addr.sin_port);
    return fd;
}

void bare_server_start(struct bare_server *server, bare_server_serve_fn serve)
{
    memset(server, 0, sizeof(*server));
    server->serve = serve;
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    server->fd = bare_server_listen(&server->port);
    pthread_create(&server->thread, NULL, accept_run, server);
}

void bare_server_stop(struct bare_server *server)
{
    int i;

    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->fd);
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    for (i = 0; i < server->connections; i++)
        if (server->conns[i].fd >= 0)
            shutdown(server->conns[i].fd, SHUT_RDWR);
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    for (i = 0; i < server->connections; i++)
        pthread_join(server->conns[i].thread, NULL);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
}

int bare_server_free_port(void)
{
    int port, fd = bare_server_listen(&port);

    close(fd);
    return port;
}

/* ---- waiting ---- */

static void until(struct bare_server *server, const int *count, int want)
{
    struct timespec end;
    int err = 0;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 10;
    pthread_mutex_lock(&server->lock);
    while (*count < want && !err)
        err = pthread_cond_timedwait(&server->changed, &server->lock, &end);
    pthread_mutex_unlock(&server->lock);
    cr_assert_eq(err, 0, "the server did not get there in ten seconds");
}

void bare_server_until_closed(struct bare_server *server, int count)
{
    until(server, &server->closed, count);
}

void bare_server_until_requests(struct bare_server *server, int count)
{
    until(server, &server->requests, count);
}

static void bell(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

void loop_until(struct event_base *base, const int *count, int want)
{
    int64_t end_us = clock_mono_us() + 20 * 1000000;
    struct timeval tick = { 0, 50000 };
    struct event *timer = event_new(base, -1, EV_PERSIST, bell, NULL);

    event_add(timer, &tick);
    while (*count < want && clock_mono_us() < end_us)
        event_base_loop(base, EVLOOP_ONCE);
    event_free(timer);
    cr_assert_geq(*count, want, "only %d of %d came in twenty seconds", *count, want);
}

void loop_for(struct event_base *base, int ms)
{
    struct timeval wait = { ms / 1000, ms % 1000 * 1000 };

    event_base_loopexit(base, &wait);
    event_base_dispatch(base);
}

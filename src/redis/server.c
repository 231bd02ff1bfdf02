#include "redis/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "redis/aof.h"

#define START_MS 10000
#define LOAD_MS 600000
#define STOP_MS 10000
#define LOCK_MS 3000 /* a redis-server whose parent was killed needs a moment to end */
#define LOOK_MS 10
#define STREAM_NODE_BYTES 8192

enum health { HEALTH_SILENT, HEALTH_LOADING, HEALTH_READY };

struct server {
    pid_t pid;
    int lock;
    bool fsync_always, tells_parent;
    int stream_node_max_bytes;
    char *dir, *program, *url;
    char socket[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
};

static void pause_ms(long ms)
{
    struct timespec wait = { ms / 1000, ms % 1000 * 1000000 };

    nanosleep(&wait, NULL);
}

/* "WHAT DIR: why", and ERR back. */
static enum sl_err fault(enum sl_err err, char **why, const char *what, const char *dir)
{
    struct buf text = BUF_EMPTY;

    buf_printf(&text, "%s %s: %s", what, dir, strerror(errno));
    *why = buf_take(&text);
    return err;
}

/* ---- start ---- */

static enum health server_health(const struct server *server)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct timeval patience = { 1, 0 };
    char answer[16] = "";
    ssize_t got = 0;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return HEALTH_SILENT;
    memcpy(address.sun_path, server->socket, sizeof(address.sun_path));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6)
        got = recv(fd, answer, sizeof(answer) - 1, 0);
    close(fd);
    if (got > 0 && strncmp(answer, "+PONG", 5) == 0)
        return HEALTH_READY;
    return got > 0 && strncmp(answer, "-LOADING", 8) == 0 ? HEALTH_LOADING : HEALTH_SILENT;
}

/* In the child. The lock goes along: it is free when the last process that may write is gone. */
static void server_run(const struct server *server, pid_t parent)
{
    int null = open("/dev/null", O_RDWR);
    char node_bytes[16];
    sigset_t none;

    if (server->tells_parent) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent)
            _exit(1); /* it died before we could ask */
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid(); /* an interrupt from the terminal is for the daemon, which stops us in its own time */
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
    fcntl(server->lock, F_SETFD, 0);
    snprintf(node_bytes, sizeof(node_bytes), "%d", server->stream_node_max_bytes);
    execlp(server->program, server->program, "--port", "0", "--unixsocket", server->socket, "--unixsocketperm", "700",
           "--dir", server->dir, "--appendonly", "yes", "--appendfsync", server->fsync_always ? "always" : "everysec",
           "--aof-load-truncated", "no", "--no-appendfsync-on-rewrite", "no", "--save", "", "--maxmemory-policy", "noeviction",
           "--lazyfree-lazy-expire", "yes",
           "--stream-node-max-bytes", node_bytes, "--logfile", "redis.log", "--daemonize", "no", (char *)NULL);
    _exit(127);
}

static enum sl_err server_lock(struct server *server, char **why)
{
    int64_t until_us = clock_mono_us() + LOCK_MS * 1000;
    struct buf path = BUF_EMPTY;

    buf_printf(&path, "%s/lock", server->dir);
    server->lock = open(buf_text(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    buf_clear(&path);
    if (server->lock < 0)
        return fault(SL_ESYS, why, "cannot use the data directory", server->dir);
    while (flock(server->lock, LOCK_EX | LOCK_NB) != 0) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || clock_mono_us() > until_us)
            return fault(SL_EEXIST, why, "another process uses the data directory", server->dir);
        pause_ms(LOOK_MS);
    }
    return SL_OK;
}

static enum sl_err server_wait(struct server *server, char **why)
{
    int64_t until_us = clock_mono_us() + START_MS * 1000, load_until_us = clock_mono_us() + (int64_t)LOAD_MS * 1000;
    bool said = false;
    int status;

    for (;;) {
        enum health health = server_health(server);

        if (health == HEALTH_READY)
            return SL_OK;
        if (waitpid(server->pid, &status, WNOHANG) == server->pid) {
            server->pid = 0;
            errno = WIFEXITED(status) && WEXITSTATUS(status) == 127 ? ENOENT : ECHILD;
            return fault(SL_ESYS, why, "redis-server did not start; see redis.log in", server->dir);
        }
        if (health == HEALTH_LOADING && !said) {
            said = true;
            until_us = load_until_us;
            log_info("redis-server loads its data from %s", server->dir);
        }
        if (clock_mono_us() > until_us) {
            errno = ETIMEDOUT;
            return fault(SL_ESYS, why, "redis-server does not answer in", server->dir);
        }
        pause_ms(LOOK_MS);
    }
}

static enum sl_err server_spawn(struct server *server, char **why)
{
    pid_t parent = getpid();

    unlink(server->socket);
    server->pid = fork();
    if (server->pid == 0)
        server_run(server, parent);
    if (server->pid < 0) {
        server->pid = 0;
        return fault(SL_ESYS, why, "cannot start redis-server in", server->dir);
    }
    return server_wait(server, why);
}

/* A redis-server that ends at once may have met a file that a power cut left torn. Under appendfsync always nobody was
 * told of anything in it, so it is cut off, and Redis started again. */
static enum sl_err server_launch(struct server *server, char **why)
{
    enum sl_err err = server_spawn(server, why);
    char *said;

    if (!err || server->pid > 0)
        return err;
    if (aof_cut(server->dir, &said)) {
        log_warn("%s; %s", said, server->fsync_always ? "none of it had been acknowledged (appendfsync always)"
                                                      : "some of it may have been acknowledged (--durability relaxed)");
        free(*why);
        err = server_spawn(server, why);
    } else if (said) {
        log_error("%s", said);
    }
    free(said);
    return err;
}

static enum sl_err server_prepare(struct server *server, const char *dir, char **why)
{
    struct buf url = BUF_EMPTY;
    int len;

    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return fault(SL_ESYS, why, "cannot make the data directory", dir);
    server->dir = realpath(dir, NULL);
    if (!server->dir)
        return fault(SL_ESYS, why, "cannot use the data directory", dir);
    len = snprintf(server->socket, sizeof(server->socket), "%s/redis.sock", server->dir);
    if ((size_t)len >= sizeof(server->socket)) {
        errno = ENAMETOOLONG;
        return fault(SL_ESYS, why, "the path is too long of the data directory", dir);
    }
    buf_printf(&url, "unix://%s", server->socket);
    server->url = buf_take(&url);
    return SL_OK;
}

enum sl_err server_start(const struct server_setup *setup, struct server **out, char **why)
{
    struct server *server = xcalloc(1, sizeof(*server));
    enum sl_err err;

    server->lock = -1;
    server->fsync_always = setup->fsync_always;
    server->tells_parent = setup->tells_parent;
    server->stream_node_max_bytes = setup->stream_node_max_bytes ? setup->stream_node_max_bytes : STREAM_NODE_BYTES;
    server->program = xstrdup(setup->program ? setup->program : "redis-server");
    err = server_prepare(server, setup->dir, why);
    if (!err)
        err = server_lock(server, why);
    if (!err)
        err = server_launch(server, why);
    if (err)
        server_stop(server);
    else
        *out = server;
    return err;
}

const char *server_url(const struct server *server)
{
    return server->url;
}

pid_t server_pid(const struct server *server)
{
    return server->pid;
}

bool server_ended(struct server *server, char *how, size_t size)
{
    int status;

    if (server->pid <= 0 || waitpid(server->pid, &status, WNOHANG) != server->pid)
        return false;
    server->pid = 0;
    if (WIFSIGNALED(status))
        snprintf(how, size, "signal %d", WTERMSIG(status));
    else
        snprintf(how, size, "status %d", WEXITSTATUS(status));
    return true;
}

/* ---- stop ---- */

void server_stop(struct server *server)
{
    int64_t until_us = clock_mono_us() + STOP_MS * 1000;

    if (!server)
        return;
    if (server->pid > 0) {
        kill(server->pid, SIGTERM);
        kill(server->pid, SIGCONT); /* a stopped one would not hear it */
        while (waitpid(server->pid, NULL, WNOHANG) == 0) {
            if (clock_mono_us() > until_us)
                kill(server->pid, SIGKILL);
            pause_ms(LOOK_MS);
        }
    }
    if (server->lock >= 0)
        close(server->lock);
    free(server->url);
    free(server->dir);
    free(server->program);
    free(server);
}

void server_kill(struct server *server)
{
    if (server->pid <= 0)
        return;
    kill(server->pid, SIGKILL);
    while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    server->pid = 0;
}

enum sl_err server_restart(struct server *server, char **why)
{
    return server_launch(server, why);
}

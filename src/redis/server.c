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
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/xmalloc.h"

#define START_MS 10000
#define STOP_MS 10000
#define LOOK_MS 20

struct server {
    pid_t pid;
    int lock;
    char *url;
    char socket[100];
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

/* True once the server answers a PING on its socket. */
static bool server_answers(const struct server *server)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char answer[8] = "";
    ssize_t got = 0;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return false;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", server->socket);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && write(fd, "PING\r\n", 6) == 6)
        got = read(fd, answer, sizeof(answer) - 1);
    close(fd);
    return got >= 5 && strncmp(answer, "+PONG", 5) == 0;
}

static void server_run(const struct server_setup *setup, const struct server *server, pid_t parent)
{
    const char *program = setup->program ? setup->program : "redis-server";
    int null = open("/dev/null", O_RDWR);

    if (setup->tells_parent) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent)
            _exit(1); /* it died before we could ask */
    }
    setsid(); /* an interrupt from the terminal is for the daemon, which stops us in its own time */
    dup2(null, 0);
    dup2(null, 1);
    execlp(program, program, "--port", "0", "--unixsocket", server->socket, "--unixsocketperm", "700", "--dir",
           setup->dir, "--appendonly", "yes", "--appendfsync", setup->fsync_always ? "always" : "everysec", "--save", "",
           "--maxmemory-policy", "noeviction", "--stream-node-max-bytes", "1024", "--logfile", "redis.log", "--daemonize",
           "no", (char *)NULL);
    _exit(127);
}

static enum sl_err server_lock(const struct server_setup *setup, struct server *server, char **why)
{
    char path[512];

    if (mkdir(setup->dir, 0700) != 0 && errno != EEXIST)
        return fault(SL_ESYS, why, "cannot make the data directory", setup->dir);
    snprintf(path, sizeof(path), "%s/lock", setup->dir);
    server->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (server->lock < 0)
        return fault(SL_ESYS, why, "cannot use the data directory", setup->dir);
    if (flock(server->lock, LOCK_EX | LOCK_NB) != 0)
        return fault(SL_EEXIST, why, "another process uses the data directory", setup->dir);
    return SL_OK;
}

static enum sl_err server_wait(struct server *server, const char *dir, char **why)
{
    int64_t until_us = clock_mono_us() + START_MS * 1000;
    int status;

    while (!server_answers(server)) {
        if (waitpid(server->pid, &status, WNOHANG) == server->pid) {
            server->pid = 0;
            errno = WIFEXITED(status) && WEXITSTATUS(status) == 127 ? ENOENT : ECHILD;
            return fault(SL_ESYS, why, "redis-server did not start; see redis.log in", dir);
        }
        if (clock_mono_us() > until_us)
            return fault(SL_ESYS, why, "redis-server does not answer in", dir);
        pause_ms(LOOK_MS);
    }
    return SL_OK;
}

enum sl_err server_start(const struct server_setup *setup, struct server **out, char **why)
{
    struct server *server = xcalloc(1, sizeof(*server));
    struct buf url = BUF_EMPTY;
    pid_t parent = getpid();
    enum sl_err err = SL_OK;
    char *dir;
    int len;

    server->lock = -1;
    err = server_lock(setup, server, why);
    if (err)
        goto out;
    dir = realpath(setup->dir, NULL);
    len = snprintf(server->socket, sizeof(server->socket), "%s/redis.sock", dir ? dir : setup->dir);
    free(dir);
    if ((size_t)len >= sizeof(server->socket)) {
        errno = ENAMETOOLONG;
        err = fault(SL_ESYS, why, "the path is too long of the data directory", setup->dir);
        goto out;
    }
    buf_printf(&url, "unix://%s", server->socket);
    server->url = buf_take(&url);
    unlink(server->socket);
    server->pid = fork();
    if (server->pid == 0)
        server_run(setup, server, parent);
    if (server->pid < 0) {
        server->pid = 0;
        err = fault(SL_ESYS, why, "cannot start redis-server in", setup->dir);
        goto out;
    }
    err = server_wait(server, setup->dir, why);
out:
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
    free(server);
}

#include "support/daemon_fixture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/xmalloc.h"
#include "redis/meta.h"
#include "support/http.h"

#define WORDS_MAX 24

static const char *folder(const char *variable, const char *otherwise)
{
    const char *value = getenv(variable);

    return value ? value : otherwise;
}

pid_t daemon_fixture_spawn(const char *program, const char *log, const char *const *words, int *out)
{
    const char *argv[WORDS_MAX + 2];
    char path[512];
    size_t i;
    int fds[2];
    pid_t pid;

    snprintf(path, sizeof(path), "%s/%s", folder("SLUICE_BUILDDIR", "."), program);
    argv[0] = path;
    for (i = 0; words[i]; i++) {
        cr_assert(i < WORDS_MAX);
        argv[i + 1] = words[i];
    }
    argv[i + 1] = NULL;
    cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
    pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(fds[1], STDOUT_FILENO);
        dup2(open(log, O_WRONLY | O_CREAT | O_APPEND, 0600), STDERR_FILENO);
        execv(path, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(fds[1]);
    *out = fds[0];
    return pid;
}

int daemon_fixture_port(int fd)
{
    int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;
    struct pollfd waits = { .fd = fd, .events = POLLIN };
    char line[256] = "";
    size_t len = 0;
    const char *colon;

    while (!strchr(line, '\n')) {
        cr_assert(clock_mono_us() < until_us && len < sizeof(line) - 1, "no port: %s", line);
        if (poll(&waits, 1, 100) == 1) {
            cr_assert_eq(read(fd, line + len, 1), 1, "it ended after: %s", line);
            line[++len] = '\0';
        }
    }
    colon = strrchr(line, ':');
    cr_assert(colon, "no port in: %s", line);
    return atoi(colon + 1);
}

static void initialised(void *arg, const struct meta_result *result)
{
    cr_assert_eq(result->err, SL_OK, "%s", result->message);
    *(bool *)arg = true;
}

void daemon_fixture_open(struct daemon_fixture *daemon, ...)
{
    const char *words[WORDS_MAX + 1], *word;
    char redis[128];
    size_t count = 0;
    bool done = false;
    va_list rest;
    int out;

    memset(daemon, 0, sizeof(*daemon));
    redis_fixture_open(&daemon->redis);
    meta_init(daemon->redis.client, FIXTURE_PARTITIONS, initialised, &done);
    redis_fixture_wait(&daemon->redis, &done);
    snprintf(daemon->log, sizeof(daemon->log), "%s/sluiced.log", daemon->redis.dir);
    snprintf(redis, sizeof(redis), "--redis=%s", server_url(daemon->redis.server));
    words[count++] = redis;
    words[count++] = "--listen=127.0.0.1:0";
    words[count++] = "--durability=relaxed";
    words[count++] = "--grace=2000";
    va_start(rest, daemon);
    while ((word = va_arg(rest, const char *)) != NULL) {
        cr_assert(count < WORDS_MAX);
        words[count++] = word;
    }
    va_end(rest);
    words[count] = NULL;
    setenv("SLUICE_FAULT_DETECTOR", "off", 0); /* a bank that a test breaks stays in use, unless the test says otherwise */
    daemon->pid = daemon_fixture_spawn("sluiced", daemon->log, words, &out);
    daemon->port = daemon_fixture_port(out);
    close(out);
}

int daemon_fixture_wait(struct daemon_fixture *daemon)
{
    int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;
    int status;

    while (waitpid(daemon->pid, &status, WNOHANG) == 0) {
        cr_assert(clock_mono_us() < until_us, "sluiced does not end");
        nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
    }
    daemon->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void daemon_fixture_close(struct daemon_fixture *daemon)
{
    int status;

    if (daemon->pid) {
        kill(daemon->pid, SIGTERM);
        status = daemon_fixture_wait(daemon);
        cr_assert_eq(status, 0, "sluiced left with %d", status);
    }
    redis_fixture_close(&daemon->redis);
}

char *daemon_fixture_file(const char *path)
{
    struct buf name = BUF_EMPTY, text = BUF_EMPTY;
    char chunk[8192];
    size_t count;
    FILE *file;

    buf_printf(&name, "%s/%s", folder("SLUICE_SRCDIR", "."), path);
    file = fopen(buf_text(&name), "re");
    cr_assert(file, "%s cannot be read", buf_text(&name));
    while ((count = fread(chunk, 1, sizeof(chunk), file)) > 0)
        buf_add(&text, chunk, count);
    fclose(file);
    buf_clear(&name);
    return buf_take(&text);
}

void daemon_fixture_configure(const struct daemon_fixture *daemon, const char *headers, const char *text)
{
    struct http_reply reply;
    struct buf lines = BUF_EMPTY;

    buf_printf(&lines, "Content-Type: application/json\r\n%s", headers ? headers : "");
    reply = http_request(daemon->port, "PUT", "/v1/domain?force=true", buf_text(&lines), text);
    cr_assert_eq(reply.status, 200, "%d %s", reply.status, reply.body);
    http_reply_clear(&reply);
    buf_clear(&lines);
}

char *daemon_fixture_digest(struct daemon_fixture *daemon)
{
    static const char script[] =
        "local keys = redis.call('KEYS', '*') table.sort(keys) local digest = ''\n"
        "for _, key in ipairs(keys) do\n"
        "    if key:sub(1, 14) ~= 'sluice:daemons' and key ~= 'sluice:{domain}:health' then\n"
        "        digest = redis.sha1hex(digest .. key .. redis.call('DUMP', key))\n"
        "    end\n"
        "end\n"
        "return digest";

    return xstrdup(redis_fixture_ask(&daemon->redis, "EVAL", script, "0", NULL));
}

/* sluiced as a process: how it starts, what it refuses, how it ends. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "support/daemon_fixture.h"
#include "support/http.h"

/* Runs sluiced with WORDS to its end; the exit status. *SAID gets its stderr, the caller's. */
static int run(const char *const *words, char **said)
{
    struct daemon_fixture daemon = { .pid = 0 };
    char log[] = "/tmp/sluice-log-XXXXXX", *text = calloc(1, 16384);
    int out, status;
    FILE *file;

    close(mkstemp(log));
    daemon.pid = daemon_fixture_spawn("sluiced", log, words, &out);
    status = daemon_fixture_wait(&daemon);
    file = fopen(log, "re");
    cr_assert(file && fread(text, 1, 16383, file) < 16383);
    fclose(file);
    close(out);
    unlink(log);
    *said = text;
    return status;
}

static void check_end(const char *const *words, int status, const char *says)
{
    char *said;
    int left = run(words, &said);

    cr_assert_eq(left, status, "%s: left with %d and said: %s", words[0], left, said);
    cr_assert(strstr(said, says), "%s: said: %s", words[0], said);
    free(said);
}

static const struct {
    const char *words[4];
    int status;
    const char *says;
} faults[] = {
    { { "--redis=redis://127.0.0.1:1" }, 2, "--tokens=FILE, or --insecure" },
    { { "--insecure", "--tokens=x" }, 2, "contradict" },
    { { "--insecure", "--listen=0.0.0.0:0" }, 2, "loopback" },
    { { "--listen=127.0.0.1:65536", "--insecure" }, 2, "ADDRESS:PORT" },
    { { "--listen=8080", "--insecure" }, 2, "ADDRESS:PORT" },
    { { "--listen=127.0.0.1:", "--insecure" }, 2, "--listen" },
    { { "--listen=127.0.0.1:0,", "--insecure" }, 2, "--listen" },
    { { "--listen=127.0.0.1:0,[::]:0", "--insecure" }, 2, "loopback addresses only, not for [::]:0" },
    { { "--listen=h:1,h:2,h:3", "--insecure" }, 2, "not \"h:1" },
    { { "--lease=0", "--insecure" }, 2, "--lease" },
    { { "--grace=soon", "--insecure" }, 2, "--grace" },
    { { "--inspect-timeout=0", "--insecure" }, 2, "--inspect-timeout" },
    { { "--provider-timeout=1h", "--insecure" }, 2, "--provider-timeout" },
    { { "--call-timeout=-1", "--insecure" }, 2, "--call-timeout" },
    { { "--retry=1000,500,3", "--insecure" }, 2, "--retry must be FIRST,MAX,N" },
    { { "--retry=1000,2000", "--insecure" }, 2, "--retry must be FIRST,MAX,N" },
    { { "--http-request=99", "--insecure" }, 2, "--http-request" },
    { { "--http-idle=0", "--insecure" }, 2, "--http-idle" },
    { { "--http-connections=0", "--insecure" }, 2, "--http-connections" },
    { { "--http-per-address=-1", "--insecure" }, 2, "--http-per-address" },
    { { "--partitions=0", "--insecure" }, 2, "--partitions" },
    { { "--durability=maybe", "--insecure" }, 2, "strict or relaxed" },
    { { "--fault-detector=maybe", "--insecure" }, 2, "on or off" },
    { { "--fault-critical=0.7", "--insecure" }, 2, "0.7,0.7" },
    { { "--fault-critical=0,1", "--insecure" }, 2, "0.7,0.7" },
    { { "--fault-critical=0.5,1.1", "--insecure" }, 2, "0.7,0.7" },
    { { "--fault-critical=0.5,0.5x", "--insecure" }, 2, "0.7,0.7" },
    { { "--fault-critical=0.5,0.5,2", "--insecure" }, 2, "0.7,0.7" },
    { { "--fault-tick=0", "--insecure" }, 2, "--fault-tick" },
    { { "--session-calls=0", "--insecure" }, 2, "--session-calls" },
    { { "--session-wait-min=-1", "--insecure" }, 2, "--session-wait-min" },
    { { "--fault-limit=0", "--insecure" }, 2, "--fault-limit" },
    { { "--fault-window=100", "--insecure" }, 2, "1 to 1022 ticks" },
    { { "--log-level=loud", "--insecure" }, 2, "--log-level" },
    { { "start", "--insecure" }, 2, "\"start\"" },
    { { "--port=1", "--insecure" }, 2, "--help" },
    { { "--tokens=/nonexistent/tokens" }, 2, "/nonexistent/tokens" },
    { { "--insecure", "--redis=http://127.0.0.1" }, 1, "redis" },
    { { "--insecure", "--data=/nonexistent/data" }, 1, "/nonexistent/data" },
};

/* If it fails, a typing error starts a daemon that does something else than was meant. */
Test(daemon, faults_on_the_command_line_are_told_and_end_it, .timeout = 60)
{
    static const char *const environment[] = { "--insecure", NULL };
    size_t i;

    for (i = 0; i < SL_COUNT(faults); i++)
        check_end(faults[i].words, faults[i].status, faults[i].says);
    setenv("SLUICE_LOG_LEVEL", "loud", 1);
    check_end(environment, 2, "--log-level");
}

static const struct {
    const char *name, *file, *says;
} token_files[] = {
    { "no JSON", "[{", "token file" },
    { "no role", "[{\"name\":\"a\",\"token\":\"0123456789abcdef\"}]", "/0/role" },
    { "an unknown role", "[{\"name\":\"a\",\"token\":\"0123456789abcdef\",\"role\":\"king\"}]", "/0/role" },
    { "a short token", "[{\"name\":\"a\",\"token\":\"123\",\"role\":\"reader\"}]", "/0/token" },
    { "no token", "[{\"name\":\"a\",\"role\":\"reader\"}]", "token" },
    { "a merchant of nobody", "[{\"name\":\"a\",\"token\":\"0123456789abcdef\",\"role\":\"merchant\"}]", "party_id" },
    { "a provider of nobody", "[{\"name\":\"a\",\"token\":\"0123456789abcdef\",\"role\":\"provider\"}]", "provider_ids" },
    { "a reader with providers",
      "[{\"name\":\"a\",\"token\":\"0123456789abcdef\",\"role\":\"reader\",\"any_provider\":true}]", "provider_ids" },
    { "a provider of two minds",
      "[{\"name\":\"a\",\"token\":\"0123456789abcdef\",\"role\":\"provider\",\"any_provider\":true,\"provider_ids\":[1]}]",
      "provider_ids" },
    { "no provider", "[{\"name\":\"a\",\"token\":\"0123456789abcdef\",\"role\":\"provider\",\"provider_ids\":[]}]",
      "provider_ids" },
    { "no tokens at all", "[]", "no token" },
};

/* If it fails, a broken token file lets nobody in, or the wrong ones. */
Test(daemon, a_broken_token_file_ends_it, .timeout = 60)
{
    char path[] = "/tmp/sluice-tokens-XXXXXX", option[64];
    const char *words[] = { option, NULL };
    FILE *file;
    size_t i;

    close(mkstemp(path));
    snprintf(option, sizeof(option), "--tokens=%s", path);
    for (i = 0; i < SL_COUNT(token_files); i++) {
        file = fopen(path, "we");
        cr_assert(file);
        fputs(token_files[i].file, file);
        fclose(file);
        check_end(words, 2, token_files[i].says);
    }
    unlink(path);
}

/* If it fails, a daemon runs on a Redis that it does not understand or that forgets. */
Test(daemon, a_redis_that_does_not_fit_ends_it_with_the_reason, .timeout = 60)
{
    char redis[128], listen[64];
    const char *words[] = { redis, "--insecure", "--listen=127.0.0.1:0", "--durability=relaxed", NULL };
    const char *strict[] = { redis, "--insecure", "--listen=127.0.0.1:0", NULL };
    const char *other[] = { redis, "--insecure", "--listen=127.0.0.1:0", "--durability=relaxed", "--partitions=7", NULL };
    const char *taken[] = { redis, "--insecure", listen, "--durability=relaxed", NULL };
    struct daemon_fixture daemon;

    daemon_fixture_open(&daemon, "--insecure", NULL);
    snprintf(redis, sizeof(redis), "--redis=%s", server_url(daemon.redis.server));
    snprintf(listen, sizeof(listen), "--listen=127.0.0.1:%d", daemon.port);
    check_end(strict, 1, "appendfsync");
    check_end(other, 1, "7");
    check_end(taken, 1, "cannot listen on 127.0.0.1");
    cr_assert_str_eq(redis_fixture_ask(&daemon.redis, "HSET", "sluice:meta", "format", "3", NULL), "0");
    check_end(words, 1, "format");
    cr_assert_str_eq(redis_fixture_ask(&daemon.redis, "DEL", "sluice:meta", NULL), "1");
    check_end(words, 1, "init");
    daemon_fixture_close(&daemon);
}

/* If it fails, an address that was asked for is not served, or a daemon serves some of them and says nothing. */
Test(daemon, it_listens_on_all_of_its_addresses_or_ends, .timeout = 60)
{
    char redis[128], both[96];
    const char *words[] = { redis, "--insecure", "--durability=relaxed", both, NULL };
    struct daemon_fixture daemon, second = { .pid = 0 };
    struct http_reply reply;
    int out, port;

    daemon_fixture_open(&daemon, "--insecure", NULL);
    snprintf(redis, sizeof(redis), "--redis=%s", server_url(daemon.redis.server));
    snprintf(both, sizeof(both), "--listen=127.0.0.1:0,127.0.0.1:%d", daemon.port);
    check_end(words, 1, "cannot listen on 127.0.0.1");
    snprintf(both, sizeof(both), "--listen=127.0.0.1:0,localhost:0");
    second.pid = daemon_fixture_spawn("sluiced", daemon.log, words, &out);
    port = daemon_fixture_port(out);
    second.port = daemon_fixture_port(out);
    close(out);
    cr_assert_neq(port, second.port);
    reply = http_request(port, "GET", "/healthz", NULL, NULL);
    cr_assert_eq(reply.status, 200);
    http_reply_clear(&reply);
    reply = http_request(second.port, "GET", "/healthz", NULL, NULL);
    cr_assert_eq(reply.status, 200);
    http_reply_clear(&reply);
    kill(second.pid, SIGTERM);
    cr_assert_eq(daemon_fixture_wait(&second), 0);
    daemon_fixture_close(&daemon);
}

/* Waits for /readyz to answer STATUS and to hold TEXT. */
static void wait_ready(int port, int status, const char *text)
{
    int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;
    struct http_reply reply = { 0 };

    do {
        cr_assert(clock_mono_us() < until_us, "waiting for %d %s: %d %s", status, text, reply.status, reply.body);
        http_reply_clear(&reply);
        reply = http_request(port, "GET", "/readyz", NULL, NULL);
    } while (reply.status != status || !strstr(reply.body, text));
    http_reply_clear(&reply);
}

/* If it fails, a failover to an empty Redis is taken for a fresh start, and all payments are forgotten. */
Test(daemon, another_redis_in_the_place_of_ours_is_not_used, .timeout = 60)
{
    struct daemon_fixture daemon;
    struct http_reply reply;
    char *why = NULL;

    daemon_fixture_open(&daemon, "--insecure", NULL);
    cr_assert_str_eq(redis_fixture_ask(&daemon.redis, "RENAME", "sluice:meta", "kept", NULL), "OK");
    server_kill(daemon.redis.server);
    redis_fixture_wait_up(&daemon.redis, daemon.redis.client, false);
    cr_assert(server_restart(daemon.redis.server, &why) == SL_OK, "%s", why);
    wait_ready(daemon.port, 503, "\"reason\":\"data\"");
    reply = http_request(daemon.port, "GET", "/v1/invoices/x", NULL, NULL);
    cr_assert_eq(reply.status, 503, "%d: what it does not hold is taken for what does not exist", reply.status);
    http_reply_clear(&reply);
    redis_fixture_wait_up(&daemon.redis, daemon.redis.client, true);
    cr_assert_str_eq(redis_fixture_ask(&daemon.redis, "RENAME", "kept", "sluice:meta", NULL), "OK");
    wait_ready(daemon.port, 503, "\"redis\":true,\"configuration\":false");
    daemon_fixture_close(&daemon);
}

/* The process id of the redis-server in DIR, as it says itself. */
static pid_t private_redis(const char *dir)
{
    char command[160], line[64] = "";
    FILE *tool;

    snprintf(command, sizeof(command), "redis-cli -s %s/redis.sock INFO server | sed -n 's/^process_id://p'", dir);
    tool = popen(command, "re"); /* NOLINT(cert-env33-c): a fixed command */
    cr_assert(tool && fgets(line, sizeof(line), tool));
    pclose(tool);
    return (pid_t)strtol(line, NULL, 10);
}

/* If it fails, a daemon whose own Redis has died looks alive for ever, and nobody starts it again. */
Test(daemon, the_end_of_its_own_redis_ends_it_with_a_status_of_its_own, .timeout = 60)
{
    const char *words[] = { "--insecure", "--listen=127.0.0.1:0", "--partitions=3", NULL, NULL };
    char dir[] = "/tmp/sluice-data-XXXXXX", option[64], says[512] = "", line[512];
    struct daemon_fixture daemon = { .pid = 0 };
    FILE *log;
    int out;

    cr_assert(mkdtemp(dir));
    snprintf(option, sizeof(option), "--data=%s", dir);
    snprintf(daemon.log, sizeof(daemon.log), "%s/sluiced.log", dir);
    words[3] = option;
    daemon.pid = daemon_fixture_spawn("sluiced", daemon.log, words, &out);
    daemon.port = daemon_fixture_port(out);
    close(out);
    cr_assert_eq(kill(private_redis(dir), SIGKILL), 0);
    cr_assert_eq(daemon_fixture_wait(&daemon), 3);
    log = fopen(daemon.log, "re");
    while (fgets(line, sizeof(line), log)) {
        if (strstr(line, "private redis-server ended"))
            snprintf(says, sizeof(says), "%s", line);
    }
    fclose(log);
    cr_assert(strstr(says, "signal 9") && strstr(says, dir), "%s", says);
    redis_fixture_remove(dir);
}

/* If it fails, a newcomer who gives no address gets nothing, or loses it at the first restart. */
Test(daemon, with_no_redis_given_it_keeps_its_own, .timeout = 60)
{
    const char *words[] = { "--insecure", "--listen=127.0.0.1:0", NULL, "--partitions=3", NULL };
    char dir[] = "/tmp/sluice-data-XXXXXX", option[64], *domain = daemon_fixture_file("examples/domain.json");
    struct daemon_fixture daemon = { .pid = 0 };
    int out, round;

    cr_assert(mkdtemp(dir));
    snprintf(option, sizeof(option), "--data=%s", dir);
    snprintf(daemon.log, sizeof(daemon.log), "%s/sluiced.log", dir);
    words[2] = option;
    for (round = 0; round < 2; round++) {
        int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;
        struct http_reply reply = { 0 };

        daemon.pid = daemon_fixture_spawn("sluiced", daemon.log, words, &out);
        daemon.port = daemon_fixture_port(out);
        close(out);
        if (round == 0)
            daemon_fixture_configure(&daemon, NULL, domain);
        do {
            cr_assert(clock_mono_us() < until_us, "round %d: %s", round, reply.body);
            http_reply_clear(&reply);
            reply = http_request(daemon.port, "GET", "/readyz", NULL, NULL);
        } while (reply.status != 200);
        cr_assert(strstr(reply.body, "\"durability\":\"strict\"") && strstr(reply.body, "INSECURE"), "%s", reply.body);
        http_reply_clear(&reply);
        kill(daemon.pid, SIGINT);
        cr_assert_eq(daemon_fixture_wait(&daemon), 0);
    }
    free(domain);
    redis_fixture_remove(dir);
}

/* If it fails, idle connections of strangers keep everybody else out, or stop the daemon. */
Test(daemon, a_crowd_that_takes_all_descriptors_keeps_nobody_out, .timeout = 60)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    struct rlimit limit, small;
    struct daemon_fixture daemon;
    struct http_reply reply;
    int fds[400];
    size_t i;

    getrlimit(RLIMIT_NOFILE, &limit);
    small = limit;
    small.rlim_cur = 300; /* the daemon inherits it */
    setrlimit(RLIMIT_NOFILE, &small);
    daemon_fixture_open(&daemon, "--insecure", NULL);
    setrlimit(RLIMIT_NOFILE, &limit);
    address.sin_port = htons((uint16_t)daemon.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (i = 0; i < SL_COUNT(fds); i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        cr_assert(fds[i] >= 0);
        cr_assert_eq(connect(fds[i], (struct sockaddr *)&address, sizeof(address)), 0, "connection %zu", i);
    }
    reply = http_request(daemon.port, "GET", "/healthz", NULL, NULL);
    cr_assert_eq(reply.status, 200, "the crowd keeps it out");
    http_reply_clear(&reply);
    for (i = 0; i < SL_COUNT(fds); i++)
        close(fds[i]);
    reply = http_request(daemon.port, "GET", "/healthz", NULL, NULL);
    cr_assert_eq(reply.status, 200);
    http_reply_clear(&reply);
    daemon_fixture_close(&daemon);
}

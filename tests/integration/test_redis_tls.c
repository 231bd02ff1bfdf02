/* TLS to Redis (rediss://), on a real redis-server with certificates made anew for each test. Where this build's hiredis
 * cannot speak TLS, or redis-server cannot, there is nothing to test, and each test says so. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "config.h"
#include "redis/script_list.h"
#include "support/daemon_fixture.h"
#include "support/http.h"
#include "support/skip.h"

#ifdef HAVE_HIREDIS_SSL
#define BUILD_SPEAKS_TLS true
#else
#define BUILD_SPEAKS_TLS false
#endif

#define TRIES 5      /* to find two ports that stay free until redis-server has them */
#define REFUSED_MS 700 /* a client that must not come up is watched for so long: several attempts */

struct tls_redis {
    char dir[64], ca[128], other_ca[128];
    int port, plain_port;
    pid_t pid;
    struct redis_fixture loop; /* its base only */
};

/* ---- certificates ---- */

static void file_write(const char *path, void (*write_to)(FILE *file, void *what), void *what)
{
    FILE *file = fopen(path, "we");

    cr_assert(file, "%s", path);
    write_to(file, what);
    fclose(file);
}

static void cert_write(FILE *file, void *cert)
{
    PEM_write_X509(file, cert);
}

static void key_write(FILE *file, void *key)
{
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
}

static void extend(X509 *cert, int what, const char *value)
{
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, what, value);

    cr_assert(ext);
    X509_add_ext(cert, ext, -1);
    X509_EXTENSION_free(ext);
}

/* A certificate of KEY, called NAME, signed by ISSUER's key (NULL: by its own). NAMES: whom it is good for; NULL: a CA. */
static X509 *certificate(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key, const char *names)
{
    X509 *cert = X509_new();

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), issuer ? 2 : 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert));
    X509_set_pubkey(cert, key);
    if (names)
        extend(cert, NID_subject_alt_name, names);
    else
        extend(cert, NID_basic_constraints, "critical,CA:TRUE");
    cr_assert_gt(X509_sign(cert, issuer_key ? issuer_key : key, EVP_sha256()), 0);
    return cert;
}

/* In DIR: ca.pem, which signed server.pem (with server.key) for NAMES; other.pem is a CA that has not. */
static void certificates(struct tls_redis *redis, const char *names)
{
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256"), *other_key = EVP_EC_gen("P-256");
    X509 *ca = certificate(ca_key, "sluice test CA", NULL, NULL, NULL);
    X509 *other = certificate(other_key, "sluice other test CA", NULL, NULL, NULL);
    X509 *cert = certificate(key, "redis", ca, ca_key, names);
    char path[128];

    snprintf(redis->ca, sizeof(redis->ca), "%s/ca.pem", redis->dir);
    snprintf(redis->other_ca, sizeof(redis->other_ca), "%s/other.pem", redis->dir);
    file_write(redis->ca, cert_write, ca);
    file_write(redis->other_ca, cert_write, other);
    snprintf(path, sizeof(path), "%s/server.pem", redis->dir);
    file_write(path, cert_write, cert);
    snprintf(path, sizeof(path), "%s/server.key", redis->dir);
    file_write(path, key_write, key);
    X509_free(cert);
    X509_free(ca);
    X509_free(other);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(other_key);
}

/* ---- redis-server ---- */

static int port_free(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    close(fd);
    return ntohs(at.sin_port);
}

static bool port_answers(int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is = false;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    is = connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
    close(fd);
    return is;
}

static void redis_exec(const struct tls_redis *redis)
{
    const char *program = getenv("REDIS_SERVER");
    char port[16], plain[16];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (chdir(redis->dir) != 0 || !freopen("redis.log", "ae", stdout))
        _exit(126);
    snprintf(port, sizeof(port), "%d", redis->port);
    snprintf(plain, sizeof(plain), "%d", redis->plain_port);
    execlp(program ? program : "redis-server", "redis-server", "--bind", "127.0.0.1", "--port", plain, "--tls-port", port,
           "--tls-cert-file", "server.pem", "--tls-key-file", "server.key", "--tls-ca-cert-file", "ca.pem",
           "--tls-auth-clients", "no", "--save", "", "--appendonly", "no", (char *)NULL);
    _exit(127);
}

/* True: it listens on both ports. False: it has ended, as it does if a port was taken meanwhile. */
static bool redis_try(struct tls_redis *redis)
{
    int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;
    struct timespec pause = { .tv_nsec = 10000000 };

    redis->port = port_free();
    redis->plain_port = port_free();
    redis->pid = fork();
    cr_assert(redis->pid >= 0);
    if (redis->pid == 0)
        redis_exec(redis);
    while (!port_answers(redis->port) || !port_answers(redis->plain_port)) {
        cr_assert(clock_mono_us() < until_us, "redis-server does not listen");
        if (waitpid(redis->pid, NULL, WNOHANG) == redis->pid) {
            redis->pid = 0;
            return false;
        }
        nanosleep(&pause, NULL);
    }
    return true;
}

/* Whether redis-server was built with TLS: its log says which option it does not know. */
static bool redis_knows_tls(const struct tls_redis *redis)
{
    char path[128], text[8192] = "";
    FILE *file;

    snprintf(path, sizeof(path), "%s/redis.log", redis->dir);
    file = fopen(path, "re");
    if (file) {
        text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
        fclose(file);
    }
    return !strstr(text, "Bad directive") && !strstr(text, "tls-port");
}

static void tls_redis_close(struct tls_redis *redis)
{
    if (redis->pid > 0) {
        kill(redis->pid, SIGKILL);
        waitpid(redis->pid, NULL, 0);
    }
    if (redis->loop.base)
        event_base_free(redis->loop.base);
    redis_fixture_remove(redis->dir);
}

static void tls_redis_open(struct tls_redis *redis, const char *names)
{
    int tries = 0;

    if (!BUILD_SPEAKS_TLS)
        skip_test("this build's hiredis cannot speak TLS (it needs 1.x with its ssl half)");
    memset(redis, 0, sizeof(*redis));
    snprintf(redis->dir, sizeof(redis->dir), "/tmp/sluice-tls-XXXXXX");
    cr_assert(mkdtemp(redis->dir));
    certificates(redis, names);
    while (!redis_try(redis)) {
        if (!redis_knows_tls(redis)) {
            tls_redis_close(redis);
            skip_test("this redis-server was built without TLS");
        }
        cr_assert(++tries < TRIES, "redis-server does not start");
    }
    redis->loop.base = event_base_new();
}

/* A client that trusts the CA in FILE. The name of the host is looked up and checked. */
static struct client *client_to(struct tls_redis *redis, const char *scheme, const char *host, int port, const char *ca)
{
    struct client_setup setup = { .scripts = script_list };
    char url[128];

    snprintf(url, sizeof(url), "%s://%s:%d", scheme, host, port);
    setup.url = url;
    setenv("SSL_CERT_FILE", ca, 1);
    return redis_fixture_client(&redis->loop, &setup);
}

/* ---- the tests ---- */

static const struct {
    const char *name, *names, *host; /* what the certificate is good for, and what is asked for */
} good[] = {
    { "an address", "IP:127.0.0.1", "127.0.0.1" },
    { "a name", "DNS:localhost", "localhost" },
    { "one of several", "DNS:redis.example,IP:127.0.0.1,DNS:localhost", "localhost" },
};

/* If it fails, a Redis that can be reached over TLS only cannot be used. */
Test(redis_tls, a_good_certificate_is_taken_and_everything_works_over_it, .timeout = 120)
{
    struct tls_redis redis;
    size_t i, k;

    for (i = 0; i < SL_COUNT(good); i++) {
        char large[3001] = "", number[32];

        tls_redis_open(&redis, good[i].names);
        redis.loop.client = client_to(&redis, "rediss", good[i].host, redis.port, redis.ca);
        redis_fixture_wait_up(&redis.loop, redis.loop.client, true);
        for (k = 1; k <= 500; k++) {
            snprintf(number, sizeof(number), "%zu", k);
            cr_assert_str_eq(redis_fixture_ask(&redis.loop, "INCR", "n", NULL), number, "%s", good[i].name);
        }
        memset(large, 'x', sizeof(large) - 1);
        cr_assert_str_eq(redis_fixture_ask(&redis.loop, "SET", "large", large, NULL), "OK");
        cr_assert_str_eq(redis_fixture_ask(&redis.loop, "GET", "large", NULL), large);
        client_free(redis.loop.client);
        tls_redis_close(&redis);
    }
}

struct lost {
    size_t there;
    bool all;
};

static void one_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct lost *lost = arg;

    cr_assert(!err && reply, "%s", sl_err_name(err));
    lost->all = ++lost->there == 5000;
}

/* If it fails, a burst over TLS is lost, or a connection that broke does not come back. */
Test(redis_tls, bursts_and_broken_connections_are_as_without_it, .timeout = 120)
{
    struct lost lost = { 0 };
    struct client_stats stats;
    struct tls_redis redis;
    char text[1001];
    size_t i;

    memset(text, 'y', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    tls_redis_open(&redis, "IP:127.0.0.1");
    redis.loop.client = client_to(&redis, "rediss", "127.0.0.1", redis.port, redis.ca);
    redis_fixture_wait_up(&redis.loop, redis.loop.client, true);
    for (i = 0; i < 5000; i++)
        client_words(redis.loop.client, FIXTURE_WAIT_MS, one_done, &lost, "RPUSH", "list", text, NULL);
    redis_fixture_wait(&redis.loop, &lost.all);
    cr_assert_str_eq(redis_fixture_ask(&redis.loop, "LLEN", "list", NULL), "5000");
    redis_fixture_ask(&redis.loop, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no", NULL);
    for (stats.reconnects = 0; stats.reconnects < 2;) {
        redis_fixture_run(&redis.loop, 20);
        client_stats(redis.loop.client, &stats);
    }
    redis_fixture_wait_up(&redis.loop, redis.loop.client, true);
    cr_assert_str_eq(redis_fixture_ask(&redis.loop, "PING", NULL), "PONG");
    client_free(redis.loop.client);
    tls_redis_close(&redis);
}

static const struct {
    const char *name, *names, *scheme, *host;
    bool plain, other_ca;
} bad[] = {
    { "signed by somebody else", "IP:127.0.0.1", "rediss", "127.0.0.1", false, true },
    { "for another name", "DNS:redis.example", "rediss", "localhost", false, false },
    { "for an address, asked by name", "IP:127.0.0.1", "rediss", "localhost", false, false },
    { "for a name, asked by address", "DNS:localhost", "rediss", "127.0.0.1", false, false },
    { "for another address", "IP:127.0.0.2", "rediss", "127.0.0.1", false, false },
    { "TLS to the plain port", "IP:127.0.0.1", "rediss", "127.0.0.1", true, false },
    { "plain to the TLS port", "IP:127.0.0.1", "redis", "127.0.0.1", false, false },
};

/* If it fails, money is kept in whatever Redis answers first, and its password is told to it. */
Test(redis_tls, any_other_certificate_is_refused, .timeout = 120)
{
    struct client_stats stats;
    struct tls_redis redis;
    struct client *client;
    size_t i;

    for (i = 0; i < SL_COUNT(bad); i++) {
        tls_redis_open(&redis, bad[i].names);
        client = client_to(&redis, bad[i].scheme, bad[i].host, bad[i].plain ? redis.plain_port : redis.port,
                           bad[i].other_ca ? redis.other_ca : redis.ca);
        redis_fixture_run(&redis.loop, REFUSED_MS);
        client_stats(client, &stats);
        cr_assert(!client_is_up(client) && stats.reconnects == 0, "%s: taken", bad[i].name);
        client_free(client);
        tls_redis_close(&redis);
    }
}

/* Runs a program with WORDS to its end, which must be a good one. */
static void run(const char *program, const char *log, const char *const *words)
{
    struct daemon_fixture daemon = { .pid = 0 };
    int out;

    daemon.pid = daemon_fixture_spawn(program, log, words, &out);
    cr_assert_eq(daemon_fixture_wait(&daemon), 0, "%s: see %s", program, log);
    close(out);
}

/* If it fails, the programs cannot be given such a Redis. */
Test(redis_tls, daemon_and_command_line_work_over_it, .timeout = 120)
{
    int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;
    char option[128], log[128], *domain;
    const char *init[] = { "init", option, "--partitions=4", NULL };
    const char *serve[] = { "--insecure", "--listen=127.0.0.1:0", "--durability=relaxed", option, NULL };
    struct daemon_fixture daemon = { .pid = 0 };
    struct http_reply reply = { 0 };
    struct tls_redis redis;
    int out;

    tls_redis_open(&redis, "IP:127.0.0.1");
    domain = daemon_fixture_file("examples/domain.json");
    setenv("SSL_CERT_FILE", redis.ca, 1);
    snprintf(option, sizeof(option), "--redis=rediss://127.0.0.1:%d", redis.port);
    snprintf(log, sizeof(log), "%s/sluice.log", redis.dir);
    run("sluice", log, init);
    daemon.pid = daemon_fixture_spawn("sluiced", log, serve, &out);
    daemon.port = daemon_fixture_port(out);
    close(out);
    daemon_fixture_configure(&daemon, NULL, domain);
    do {
        cr_assert(clock_mono_us() < until_us, "%s", reply.body);
        http_reply_clear(&reply);
        reply = http_request(daemon.port, "GET", "/readyz", NULL, NULL);
    } while (reply.status != 200);
    http_reply_clear(&reply);
    kill(daemon.pid, SIGTERM);
    cr_assert_eq(daemon_fixture_wait(&daemon), 0);
    free(domain);
    tls_redis_close(&redis);
}

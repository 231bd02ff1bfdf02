/* A real sluiced on a private Redis, for one test; its port is chosen by the kernel.
 *
 *     struct daemon_fixture daemon;
 *     daemon_fixture_open(&daemon, "--insecure", NULL);
 *     ... http_request(daemon.port, "GET", "/readyz", NULL, NULL) ...
 *     daemon_fixture_close(&daemon);
 *
 * For Criterion: what fails, fails the test. */
#ifndef SLUICE_TESTS_DAEMON_FIXTURE_H
#define SLUICE_TESTS_DAEMON_FIXTURE_H

#include <sys/types.h>

#include "support/redis_fixture.h"

#define FIXTURE_PARTITIONS 4

struct daemon_fixture {
    struct redis_fixture redis;
    pid_t pid; /* 0: not running */
    int port;
    char log[96]; /* what it writes to stderr */
};

/* Redis, initialised, and sluiced with further options (end with NULL); ready but for a configuration. */
void daemon_fixture_open(struct daemon_fixture *daemon, ...) __attribute__((sentinel));
/* Ends it with SIGTERM and fails the test unless it leaves with 0. */
void daemon_fixture_close(struct daemon_fixture *daemon);

/* Waits for the end of the process; its exit status, or 128 + the signal. */
int daemon_fixture_wait(struct daemon_fixture *daemon);

/* A further process of PROGRAM in the build folder, with words that end with NULL. Its stdout is the answer, a
 * descriptor; its stderr goes to the file LOG. */
pid_t daemon_fixture_spawn(const char *program, const char *log, const char *const *words, int *out);
/* Reads a line from FD that has "…:PORT" at its end; fails the test after FIXTURE_WAIT_MS or if FD ends. */
int daemon_fixture_port(int fd);

/* The repository's file under PATH ("examples/domain.json"), the caller's, free(). */
char *daemon_fixture_file(const char *path);
/* PUTs TEXT as the configuration, with HEADERS; fails the test unless it is taken. */
void daemon_fixture_configure(const struct daemon_fixture *daemon, const char *headers, const char *text);

/* A digest of everything in Redis but what daemons write by themselves: heartbeats, health of providers. The caller's, free(). */
char *daemon_fixture_digest(struct daemon_fixture *daemon);

#endif

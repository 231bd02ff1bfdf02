/* Runs of the command line against a sluiced. For Criterion: what fails, fails the test. */
#ifndef SLUICE_TESTS_CLI_H
#define SLUICE_TESTS_CLI_H

#include "support/daemon_fixture.h"

#define CLI_WORDS_MAX 12

struct cli_said {
    int code; /* it left with this */
    char *out, *err;
};

/* `sluice` with WORDS (ended by NULL) and --api, which WORDS may override.
 * In them "@name" is the path of cli_file(). */
struct cli_said cli_run(const struct daemon_fixture *daemon, const char *const *words);
void cli_said_clear(struct cli_said *said);

/* TEXT becomes the file NAME in DAEMON's folder, which goes when it closes. */
void cli_file(const struct daemon_fixture *daemon, const char *name, const char *text);

struct cli_row {
    const char *words[CLI_WORDS_MAX];
    int code;
    const char *out, *err; /* pieces of what is said there; NULL: nothing is */
};

/* Runs COUNT rows one after the other, and fails the test where one says something else. With --json in a row OUT is
 * checked in one line, and the whole of it must be JSON. */
void cli_walk(const struct daemon_fixture *daemon, const struct cli_row *rows, size_t count);

#endif

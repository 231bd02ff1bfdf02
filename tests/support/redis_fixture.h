/* A private Redis for one test, in a temporary folder, gone with the test.
 *
 *     struct redis_fixture redis;
 *     redis_fixture_open(&redis);
 *     ... client_command(redis.client, ...); redis_fixture_wait(&redis, &flag) ...
 *     redis_fixture_close(&redis);
 *
 * For Criterion: what fails, fails the test. */
#ifndef SLUICE_TESTS_REDIS_FIXTURE_H
#define SLUICE_TESTS_REDIS_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "redis/client.h"
#include "redis/server.h"

struct event_base;

#define FIXTURE_WAIT_MS 15000 /* patience with anything that must happen; never waited for luck */

struct redis_fixture {
    char dir[64];
    struct server *server;
    struct event_base *base;
    struct client *client; /* up when redis_fixture_open returns; a test may free it and put NULL here */
};

void redis_fixture_open(struct redis_fixture *redis);
/* Only the server and the base: client is NULL. */
void redis_fixture_open_bare(struct redis_fixture *redis);
void redis_fixture_close(struct redis_fixture *redis); /* frees, stops, removes the folder */

void redis_fixture_remove(const char *dir); /* a folder and all that is in it */

/* A further client, not waited for. */
struct client *redis_fixture_client(struct redis_fixture *redis, const struct client_setup *setup);

/* Runs the loop until *FLAG, or until the client is up or not; fails the test after FIXTURE_WAIT_MS. */
void redis_fixture_wait(struct redis_fixture *redis, const bool *flag);
void redis_fixture_wait_up(struct redis_fixture *redis, const struct client *client, bool up);
/* Runs the loop for MS, for what must not happen meanwhile. */
void redis_fixture_run(struct redis_fixture *redis, int64_t ms);

/* Sends one command of words (ends with NULL), waits, and gives what redis-cli would show of the answer in one
 * line: "OK", "1", "nil", "[a b]", or the error's text; for no answer the name of the sl_err ("down").
 * Valid until the next call. */
const char *redis_fixture_ask(struct redis_fixture *redis, const char *word, ...) __attribute__((sentinel));

#endif

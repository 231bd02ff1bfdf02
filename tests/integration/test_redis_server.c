#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "support/redis_fixture.h"

/* If it fails, the first crash of a newcomer's Redis loses payments that were answered for. */
Test(redis_server, data_survives_kill_and_restart)
{
    struct redis_fixture redis;
    char *why = NULL;

    redis_fixture_open(&redis);
    cr_assert_str_eq(redis_fixture_ask(&redis, "CONFIG", "GET", "appendonly", NULL), "[appendonly yes]");
    cr_assert_str_eq(redis_fixture_ask(&redis, "CONFIG", "GET", "stream-node-max-bytes", NULL),
                     "[stream-node-max-bytes 8192]");
    cr_assert_str_eq(redis_fixture_ask(&redis, "CONFIG", "GET", "lazyfree-lazy-expire", NULL),
                     "[lazyfree-lazy-expire yes]"); /* large counters expire */
    cr_assert_str_eq(redis_fixture_ask(&redis, "SET", "k", "v", NULL), "OK");
    server_kill(redis.server);
    redis_fixture_wait_up(&redis, redis.client, false);
    cr_assert(server_restart(redis.server, &why) == SL_OK, "%s", why);
    redis_fixture_wait_up(&redis, redis.client, true);
    cr_assert_str_eq(redis_fixture_ask(&redis, "GET", "k", NULL), "v");
    redis_fixture_close(&redis);
}

/* If it fails, two daemons write one append only file, and neither can read it. */
Test(redis_server, a_data_directory_has_one_user)
{
    struct redis_fixture redis;
    struct server_setup setup = { .tells_parent = true };
    struct server *second = NULL;
    char *why = NULL;

    redis_fixture_open_bare(&redis);
    setup.dir = redis.dir;
    cr_assert_eq(server_start(&setup, &second, &why), SL_EEXIST);
    cr_assert(why && strstr(why, redis.dir), "%s", why);
    free(why);
    redis_fixture_close(&redis);
}

/* If it fails, a typing error in a setting is answered with silence. */
Test(redis_server, a_start_that_fails_says_why)
{
    static const struct { const char *dir, *program, *says; } rows[] = {
        { "/nonexistent/a", NULL, "cannot make the data directory" },
        { NULL, "no-such-redis-server", "did not start" },
    };
    char dir[] = "/tmp/sluice-server-XXXXXX";
    size_t i;

    cr_assert(mkdtemp(dir));
    for (i = 0; i < SL_COUNT(rows); i++) {
        struct server_setup setup = { .dir = rows[i].dir ? rows[i].dir : dir, .program = rows[i].program };
        struct server *server = NULL;
        char *why = NULL;

        cr_assert_eq(server_start(&setup, &server, &why), SL_ESYS);
        cr_assert(why && strstr(why, rows[i].says), "%s", why);
        free(why);
    }
    redis_fixture_remove(dir);
}

/* If it fails, a killed daemon leaves a redis-server behind that keeps the next one out, or, worse, that
 * writes to the same file as the next one's. */
Test(redis_server, ends_with_its_parent_and_hands_over)
{
    char dir[] = "/tmp/sluice-server-XXXXXX", *why = NULL;
    struct server_setup setup = { .dir = dir, .tells_parent = true };
    struct server *server = NULL;
    int fds[2], status;
    pid_t parent, first = 0;
    int64_t until_us;

    cr_assert(mkdtemp(dir));
    cr_assert_eq(pipe(fds), 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* so that we see the end of it */
    parent = fork();
    if (parent == 0) {
        pid_t pid = server_start(&setup, &server, &why) == SL_OK ? server_pid(server) : 0;

        if (write(fds[1], &pid, sizeof(pid)) == sizeof(pid))
            pause();
        _exit(1);
    }
    cr_assert_eq(read(fds[0], &first, sizeof(first)), sizeof(first));
    cr_assert(first > 0);
    kill(parent, SIGKILL);
    cr_assert_eq(waitpid(parent, &status, 0), parent);
    cr_assert(server_start(&setup, &server, &why) == SL_OK, "%s", why);
    for (until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000; waitpid(first, &status, WNOHANG) == 0;) {
        cr_assert(clock_mono_us() < until_us, "the first redis-server lives on");
        nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
    }
    server_stop(server);
    redis_fixture_remove(dir);
}

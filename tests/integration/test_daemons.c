/* Several daemons of one deployment: what they say of themselves and of each other, and two that have one name. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "config.h"
#include "support/daemon_fixture.h"
#include "support/http.h"

/* A further daemon on FIRST's Redis; it has a port once it listens. */
static struct daemon_fixture further(const struct daemon_fixture *first, const char *name, const char *option, int *out)
{
    const char *words[] = { NULL, NULL, "--listen=127.0.0.1:0", "--insecure", "--durability=relaxed", option, NULL };
    struct daemon_fixture daemon = { .pid = 0 };
    char redis[160], named[64];

    snprintf(redis, sizeof(redis), "--redis=%s", server_url(first->redis.server));
    snprintf(named, sizeof(named), "--name=%s", name);
    snprintf(daemon.log, sizeof(daemon.log), "%s/%s.log", first->redis.dir, name);
    words[0] = redis;
    words[1] = named;
    daemon.pid = daemon_fixture_spawn("sluiced", daemon.log, words, out);
    return daemon;
}

/* Asks for the daemons until there are COUNT that say their version; the answer is the caller's. */
static json_t *daemons_until(int port, size_t count)
{
    int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;
    struct http_reply reply;
    json_t *list, *one;
    size_t i, found;

    for (;;) {
        reply = http_request(port, "GET", "/v1/daemons", NULL, NULL);
        list = http_reply_json(&reply);
        found = 0;
        json_array_foreach(list, i, one)
            found += json_object_get(one, "version") != NULL;
        if (found == count && json_array_size(list) == count) {
            http_reply_clear(&reply);
            return list;
        }
        cr_assert(clock_mono_us() < until_us, "the daemons are %s", reply.body);
        http_reply_clear(&reply);
        json_decref(list);
    }
}

static const json_t *daemon_named(const json_t *list, const char *name)
{
    const json_t *one;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)list, i, one) {
        if (strcmp(json_string_value(json_object_get(one, "name")), name) == 0)
            return one;
    }
    cr_assert(false, "there is no %s", name);
    return NULL;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static bool log_has(const struct daemon_fixture *daemon, const char *text)
{
    FILE *log = fopen(daemon->log, "re");
    char line[1024];
    bool found = false;

    while (log && fgets(line, sizeof(line), log))
        found = found || strstr(line, text);
    if (log)
        fclose(log);
    return found;
}

/* If it fails, nobody sees which daemons run, of which version and where, or that two of them were started with options
 * that make them judge payments differently. */
Test(daemons, say_who_they_are_and_where_they_differ, .timeout = 120)
{
    struct daemon_fixture first, second;
    const json_t *one;
    char address[64];
    json_t *list;
    int out;

    setenv("SLUICE_FAULT_DETECTOR", "on", 1);
    daemon_fixture_open(&first, "--insecure", "--name=first", "--fault-window=60000", NULL);
    second = further(&first, "second", "--fault-window=30000", &out);
    second.port = daemon_fixture_port(out);
    list = daemons_until(first.port, 2);
    one = daemon_named(list, "first");
    snprintf(address, sizeof(address), "http://127.0.0.1:%d", first.port);
    cr_expect_str_eq(text_of(one, "version"), PACKAGE_VERSION);
    cr_expect_eq(strncmp(text_of(one, "started_at"), "20", 2), 0);
    cr_expect_str_eq(json_string_value(json_array_get(json_object_get(one, "listen"), 0)), address);
    cr_expect_eq(json_integer_value(json_object_get(json_object_get(one, "options"), "partitions")), FIXTURE_PARTITIONS);
    cr_expect_str_eq(text_of(json_object_get(one, "options"), "durability"), "relaxed");
    cr_expect_eq(json_array_size(json_object_get(one, "differs")), 0, "it answers");
    one = daemon_named(list, "second");
    cr_assert_eq(json_array_size(json_object_get(one, "differs")), 1, "%s", json_dumps(one, 0));
    cr_expect_str_eq(json_string_value(json_array_get(json_object_get(one, "differs"), 0)), "fault_window_ms");
    cr_expect(log_has(&second, "the daemon first was started with other options"));
    json_decref(list);
    kill(second.pid, SIGTERM);
    cr_expect_eq(daemon_fixture_wait(&second), 0);
    json_decref(daemons_until(first.port, 1)); /* who leaves is not there any more */
    daemon_fixture_close(&first);
    close(out);
}

/* If it fails, two daemons of one name take each other's partitions for their own, and nobody can tell them apart; or one
 * that was killed keeps its name from the one that is started in its place. */
Test(daemons, a_name_is_of_one_daemon_that_lives, .timeout = 120)
{
    struct daemon_fixture first, second, third;
    int out;

    daemon_fixture_open(&first, "--insecure", "--name=twin", NULL);
    json_decref(daemons_until(first.port, 1));
    second = further(&first, "twin", NULL, &out);
    close(out);
    cr_expect_eq(daemon_fixture_wait(&second), 1);
    cr_expect(log_has(&second, "a daemon of the name twin runs already"));
    json_decref(daemons_until(first.port, 1));
    kill(first.pid, SIGKILL);
    daemon_fixture_wait(&first);
    third = further(&first, "twin", NULL, &out);
    third.port = daemon_fixture_port(out);
    close(out);
    json_decref(daemons_until(third.port, 1));
    kill(third.pid, SIGTERM);
    cr_expect_eq(daemon_fixture_wait(&third), 0);
    daemon_fixture_close(&first);
}

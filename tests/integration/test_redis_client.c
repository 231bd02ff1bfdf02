#include <criterion/criterion.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "config.h"
#include "lua/bind.h"
#include "support/redis_fixture.h"

#define LONG_MS 10000

/* What one request came to, and when among the others. */
struct seen {
    int count, order;
    enum sl_err err;
    int64_t number;
    bool there, has_reply;
};

static int order;

static void seen_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct seen *seen = arg;

    seen->count++;
    seen->order = ++order;
    seen->err = err;
    seen->has_reply = reply;
    seen->number = reply_i64_or(reply, -1);
    seen->there = true;
}

static struct client_stats stats_of(const struct client *client)
{
    struct client_stats stats;

    client_stats(client, &stats);
    return stats;
}

/* Calls of write(2) and its kin by this process so far. */
static long writes_made(void)
{
    FILE *file = fopen("/proc/self/io", "r");
    char line[128];
    long count = 0;

    while (file && fgets(line, sizeof(line), file))
        sscanf(line, "syscw: %ld", &count);
    if (file)
        fclose(file);
    return count;
}

/* If it fails, an answer is given to somebody else's question, or a burst costs a write for each command. */
Test(redis_client, a_pipeline_is_answered_in_order)
{
    struct redis_fixture redis;
    static struct seen seen[5000];
    long writes;
    size_t i;

    redis_fixture_open(&redis);
    writes = writes_made();
    for (i = 0; i < SL_COUNT(seen); i++) {
        client_words(redis.client, LONG_MS, seen_done, &seen[i], "INCR", "n", NULL);
        cr_assert_eq(seen[i].count, 0);
    }
    cr_assert_eq(stats_of(redis.client).in_flight, SL_COUNT(seen));
    redis_fixture_wait(&redis, &seen[SL_COUNT(seen) - 1].there);
    cr_assert(writes_made() - writes < 100, "%ld writes", writes_made() - writes);
    for (i = 0; i < SL_COUNT(seen); i++) {
        cr_assert(seen[i].count == 1 && seen[i].err == SL_OK);
        cr_assert_eq(seen[i].number, (int64_t)i + 1);
        cr_assert_eq(seen[i].order, (int)i + 1);
    }
    cr_assert_eq(stats_of(redis.client).in_flight, 0);
    redis_fixture_close(&redis);
}

/* If it fails, keys or values with blanks, line ends or NULs arrive as something else. */
Test(redis_client, arguments_are_binary_safe)
{
    struct redis_fixture redis;
    struct seen seen = { 0 };
    const struct slice set[] = { slice_of("SET"), { "a\0b\r\n", 5 }, { NULL, 0 } };
    const struct slice get[] = { slice_of("STRLEN"), { "a\0b\r\n", 5 } };

    redis_fixture_open(&redis);
    client_command(redis.client, set, 3, LONG_MS, seen_done, &seen);
    redis_fixture_wait(&redis, &seen.there);
    cr_assert_eq(seen.err, SL_OK);
    seen.there = false;
    client_command(redis.client, get, 2, LONG_MS, seen_done, &seen);
    redis_fixture_wait(&redis, &seen.there);
    cr_assert(seen.err == SL_OK && seen.number == 0);
    cr_assert_str_eq(redis_fixture_ask(&redis, "DBSIZE", NULL), "1");
    redis_fixture_close(&redis);
}

/* If it fails, an error of Redis looks like an answer, or like a lost connection. */
Test(redis_client, errors_of_redis_are_told_by_kind)
{
    struct redis_fixture redis;
    struct seen wrong = { 0 }, oom = { 0 };

    redis_fixture_open(&redis);
    client_words(redis.client, LONG_MS, seen_done, &wrong, "NOSUCHCOMMAND", NULL);
    redis_fixture_wait(&redis, &wrong.there);
    cr_assert(wrong.err == SL_EREFUSED && wrong.has_reply);
    cr_assert_str_eq(redis_fixture_ask(&redis, "CONFIG", "SET", "maxmemory", "1", NULL), "OK");
    client_words(redis.client, LONG_MS, seen_done, &oom, "SET", "a", "b", NULL);
    redis_fixture_wait(&redis, &oom.there);
    cr_assert(oom.err == SL_EDOWN && oom.has_reply, "full memory: nothing happened, try later");
    redis_fixture_close(&redis);
}

/* If it fails, a command that this user may not run passes for data of a wrong kind, and parks a machine. */
Test(redis_client, what_this_user_may_not_do_was_not_done)
{
    struct redis_fixture redis;
    struct seen plain = { 0 }, script = { 0 };

    redis_fixture_open(&redis);
    cr_assert_str_eq(redis_fixture_ask(&redis, "ACL", "SETUSER", "default", "-hset", NULL), "OK");
    client_words(redis.client, LONG_MS, seen_done, &plain, "HSET", "h", "f", "v", NULL);
    client_words(redis.client, LONG_MS, seen_done, &script, "EVAL", "return redis.call('HSET', KEYS[1], 'f', 'v')", "1", "h",
                 NULL);
    redis_fixture_wait(&redis, &script.there);
    cr_assert(plain.err == SL_EDOWN && plain.has_reply, "%s", sl_err_name(plain.err));
    cr_assert(script.err == SL_EDOWN && script.has_reply, "%s", sl_err_name(script.err));
    redis_fixture_close(&redis);
}

/* If it fails, work goes on with a Redis that was found unfit, or nobody can find out that it is fit again. */
Test(redis_client, while_held_only_who_may_is_answered)
{
    struct redis_fixture redis;
    struct seen before = { 0 }, during = { 0 }, may = { 0 };

    redis_fixture_open(&redis);
    client_words(redis.client, LONG_MS, seen_done, &before, "INCR", "n", NULL);
    client_hold(redis.client, true);
    client_words(redis.client, LONG_MS, seen_done, &during, "INCR", "n", NULL);
    client_words_held(redis.client, LONG_MS, seen_done, &may, "GET", "n", NULL);
    redis_fixture_wait(&redis, &may.there);
    redis_fixture_wait(&redis, &during.there);
    cr_assert(before.err == SL_OK && before.number == 1, "what was in flight is answered");
    cr_assert(during.err == SL_EDOWN && !during.has_reply);
    cr_assert(may.err == SL_OK && may.number == 1);
    client_hold(redis.client, false);
    cr_assert_str_eq(redis_fixture_ask(&redis, "INCR", "n", NULL), "2");
    redis_fixture_close(&redis);
}

/* If it fails, a burst without end fills the daemon's memory. */
Test(redis_client, in_flight_is_bounded)
{
    struct redis_fixture redis;
    struct client_setup setup = { .in_flight_max = 3 };
    struct seen seen[4] = { 0 };
    struct client *client;
    size_t i;

    redis_fixture_open(&redis);
    client = redis_fixture_client(&redis, &setup);
    redis_fixture_wait_up(&redis, client, true);
    for (i = 0; i < 4; i++)
        client_words(client, LONG_MS, seen_done, &seen[i], "PING", NULL);
    cr_assert_eq(seen[3].count, 0, "not inside the call");
    for (i = 0; i < 4; i++)
        redis_fixture_wait(&redis, &seen[i].there);
    cr_assert(seen[2].err == SL_OK && seen[3].err == SL_EBUSY);
    client_free(client);
    redis_fixture_close(&redis);
}

/* If it fails, a killed Redis leaves requests hanging, or "may have happened" is taken for "did not", or the
 * daemon never finds the way back. */
Test(redis_client, a_killed_server_leaves_unknowns_and_comes_back)
{
    struct redis_fixture redis;
    struct seen sent[3] = { 0 }, unsent = { 0 }, down = { 0 };
    char *why = NULL;
    size_t i;

    redis_fixture_open(&redis);
    cr_assert_str_eq(redis_fixture_ask(&redis, "SET", "kept", "1", NULL), "OK");
    kill(server_pid(redis.server), SIGSTOP); /* so that they are sent and not answered */
    for (i = 0; i < 3; i++)
        client_words(redis.client, LONG_MS, seen_done, &sent[i], "INCR", "n", NULL);
    redis_fixture_run(&redis, 30);
    server_kill(redis.server);
    client_words(redis.client, LONG_MS, seen_done, &unsent, "INCR", "n", NULL);
    redis_fixture_wait_up(&redis, redis.client, false);
    client_words(redis.client, LONG_MS, seen_done, &down, "INCR", "n", NULL);
    cr_assert_eq(down.count, 0, "not inside the call");
    redis_fixture_wait(&redis, &down.there);
    for (i = 0; i < 3; i++)
        cr_assert(sent[i].count == 1 && sent[i].err == SL_EUNKNOWN, "%d %s", sent[i].count, sl_err_name(sent[i].err));
    cr_assert_eq(unsent.count, 1);
    cr_assert(down.count == 1 && down.err == SL_EDOWN);
    cr_assert(server_restart(redis.server, &why) == SL_OK, "%s", why);
    redis_fixture_wait_up(&redis, redis.client, true);
    cr_assert_str_eq(redis_fixture_ask(&redis, "GET", "kept", NULL), "1");
    cr_assert_eq(stats_of(redis.client).reconnects, 2);
    redis_fixture_close(&redis);
}

/* If it fails, what never left this host is reported as if it might have happened. */
Test(redis_client, what_was_not_written_did_not_happen)
{
    struct redis_fixture redis;
    struct seen first = { 0 }, huge = { 0 }, behind = { 0 };
    size_t len = 64 << 20; /* more than any socket buffer takes */
    char *bytes = calloc(1, len);
    const struct slice set[] = { slice_of("SET"), slice_of("huge"), { bytes, len } };

    redis_fixture_open(&redis);
    kill(server_pid(redis.server), SIGSTOP);
    client_words(redis.client, LONG_MS, seen_done, &first, "INCR", "n", NULL);
    client_command(redis.client, set, 3, LONG_MS, seen_done, &huge);
    client_words(redis.client, LONG_MS, seen_done, &behind, "INCR", "n", NULL);
    redis_fixture_run(&redis, 50);
    server_kill(redis.server);
    redis_fixture_wait(&redis, &behind.there);
    cr_assert_eq(first.err, SL_EUNKNOWN);
    cr_assert_eq(huge.err, SL_EDOWN, "its last byte was not written");
    cr_assert_eq(behind.err, SL_EDOWN);
    free(bytes);
    redis_fixture_close(&redis);
}

/* If it fails, a hung Redis hangs the daemon, or a late answer is given to the wrong request. */
Test(redis_client, a_deadline_passes_and_the_late_answer_is_dropped)
{
    struct redis_fixture redis;
    struct seen slow = { 0 }, longer = { 0 }, after = { 0 };
    int64_t from_us, took_us;

    redis_fixture_open(&redis);
    kill(server_pid(redis.server), SIGSTOP);
    from_us = clock_mono_us();
    client_words(redis.client, 100, seen_done, &slow, "INCR", "n", NULL);
    client_words(redis.client, LONG_MS, seen_done, &longer, "INCR", "n", NULL);
    redis_fixture_wait(&redis, &slow.there);
    took_us = clock_mono_us() - from_us;
    cr_assert(slow.err == SL_EUNKNOWN && longer.count == 0);
    cr_assert(took_us >= 100000, "never early: %lld us", (long long)took_us);
    kill(server_pid(redis.server), SIGCONT);
    client_words(redis.client, LONG_MS, seen_done, &after, "INCR", "n", NULL);
    redis_fixture_wait(&redis, &after.there);
    cr_assert_eq(slow.count, 1);
    cr_assert(longer.count == 1 && longer.number == 2, "the slow one did happen");
    cr_assert(after.count == 1 && after.number == 3);
    cr_assert(stats_of(redis.client).expired == 1 && stats_of(redis.client).late == 1);
    redis_fixture_close(&redis);
}

struct again {
    struct client *client;
    struct seen first, second;
};

static void asks_again(void *arg, enum sl_err err, const struct reply *reply)
{
    struct again *again = arg;

    seen_done(&again->first, err, reply);
    client_words(again->client, LONG_MS, seen_done, &again->second, "PING", NULL);
    cr_assert_eq(again->second.count, 0, "not inside the call");
}

/* If it fails, a Redis that hangs ends the daemon: whoever hears that an answer is lost asks for the next thing at once. */
Test(redis_client, a_silent_connection_may_be_asked_again_by_who_hears_of_it)
{
    struct redis_fixture redis;
    struct client_setup setup = { .silence_max_ms = 200 };
    struct again again[3] = { 0 };
    size_t i;

    redis_fixture_open(&redis);
    again[0].client = redis_fixture_client(&redis, &setup);
    redis_fixture_wait_up(&redis, again[0].client, true);
    kill(server_pid(redis.server), SIGSTOP);
    for (i = 0; i < SL_COUNT(again); i++) {
        again[i].client = again[0].client;
        client_words(again[i].client, LONG_MS, asks_again, &again[i], "PING", NULL);
    }
    for (i = 0; i < SL_COUNT(again); i++) {
        redis_fixture_wait(&redis, &again[i].second.there);
        cr_assert(again[i].first.err == SL_EUNKNOWN && again[i].second.err == SL_EDOWN, "%zu: %s %s", i,
                  sl_err_name(again[i].first.err), sl_err_name(again[i].second.err));
    }
    kill(server_pid(redis.server), SIGCONT);
    redis_fixture_wait_up(&redis, again[0].client, true);
    client_free(again[0].client);
    redis_fixture_close(&redis);
}

/* If it fails, a Redis that is gone without a word is waited for as long as TCP hopes. */
Test(redis_client, a_silent_connection_is_given_up)
{
    struct redis_fixture redis;
    struct client_setup setup = { .silence_max_ms = 200 };
    struct seen seen = { 0 };
    struct client *client;

    redis_fixture_open(&redis);
    client = redis_fixture_client(&redis, &setup);
    redis_fixture_wait_up(&redis, client, true);
    kill(server_pid(redis.server), SIGSTOP);
    client_words(client, LONG_MS, seen_done, &seen, "PING", NULL);
    redis_fixture_wait(&redis, &seen.there);
    cr_assert(seen.err == SL_EUNKNOWN && !client_is_up(client));
    kill(server_pid(redis.server), SIGCONT);
    redis_fixture_wait_up(&redis, client, true);
    client_free(client);
    redis_fixture_close(&redis);
}

/* If it fails, deadlines out of order or longer than a round of the wheel are missed, or come early. */
Test(redis_client, deadlines_pass_in_their_own_order)
{
    static const int64_t deadlines_ms[] = { 9000, 250, 1, 120, 8200, 60, 60 };
    struct redis_fixture redis;
    struct client_setup setup = { .silence_max_ms = 60000 };
    struct seen seen[SL_COUNT(deadlines_ms)] = { 0 };
    struct client *client;
    size_t i, k;

    redis_fixture_open(&redis);
    client = redis_fixture_client(&redis, &setup);
    redis_fixture_wait_up(&redis, client, true);
    order = 0;
    kill(server_pid(redis.server), SIGSTOP);
    for (i = 0; i < SL_COUNT(seen); i++)
        client_words(client, deadlines_ms[i], seen_done, &seen[i], "PING", NULL);
    redis_fixture_run(&redis, 400);
    for (i = 0; i < SL_COUNT(seen); i++)
        cr_assert_eq(seen[i].count, deadlines_ms[i] < 400);
    redis_fixture_wait(&redis, &seen[0].there);
    for (i = 0; i < SL_COUNT(seen); i++) {
        cr_assert(seen[i].count == 1 && seen[i].err == SL_EUNKNOWN);
        for (k = 0; k < SL_COUNT(seen); k++)
            cr_assert(deadlines_ms[i] >= deadlines_ms[k] || seen[i].order < seen[k].order);
    }
    client_free(client);
    redis_fixture_close(&redis);
}

/* If it fails, the end of a client leaks its requests, or calls back into what is gone. */
Test(redis_client, free_finishes_what_is_in_flight)
{
    struct redis_fixture redis;
    struct seen sent = { 0 }, unsent = { 0 }, refused = { 0 };

    redis_fixture_open(&redis);
    client_words(redis.client, LONG_MS, seen_done, &sent, "BLPOP", "nothing", "0", NULL);
    redis_fixture_run(&redis, 30);
    client_words(redis.client, LONG_MS, seen_done, &unsent, "PING", NULL);
    client_free(redis.client);
    cr_assert(sent.count == 1 && sent.err == SL_EUNKNOWN);
    cr_assert(unsent.count == 1 && unsent.err == SL_EDOWN, "it was not written yet");
    redis.client = redis_fixture_client(&redis, &(struct client_setup){ 0 });
    client_words(redis.client, LONG_MS, seen_done, &refused, "PING", NULL);
    cr_assert_eq(refused.count, 0);
    client_free(redis.client); /* while it connects */
    redis.client = NULL;
    cr_assert(refused.count == 1 && refused.err == SL_EDOWN);
    redis_fixture_close(&redis);
}

static void freeing_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct redis_fixture *redis = arg;

    (void)err;
    (void)reply;
    client_free(redis->client);
    redis->client = NULL;
}

/* If it fails, a daemon that stops because of an answer stops with a crash. */
Test(redis_client, may_be_freed_from_its_own_callbacks)
{
    static const struct { const char *name; int64_t deadline_ms; bool killed, refused; } rows[] = {
        { "answer", LONG_MS, false, false },
        { "deadline", 20, false, false },
        { "lost connection", LONG_MS, true, false },
        { "refusal", LONG_MS, true, true },
    };
    struct redis_fixture redis;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct seen first = { 0 }, second = { 0 };
        bool blocks = rows[i].deadline_ms < LONG_MS || rows[i].killed;

        redis_fixture_open(&redis);
        if (rows[i].killed)
            kill(server_pid(redis.server), SIGSTOP);
        if (rows[i].refused) {
            server_kill(redis.server);
            redis_fixture_wait_up(&redis, redis.client, false);
        }
        if (blocks && !rows[i].killed)
            client_words(redis.client, rows[i].deadline_ms, freeing_done, &redis, "BLPOP", "nothing", "0", NULL);
        else
            client_words(redis.client, rows[i].deadline_ms, freeing_done, &redis, "PING", NULL);
        client_words(redis.client, LONG_MS, seen_done, &first, "PING", NULL);
        client_words(redis.client, LONG_MS, seen_done, &second, "PING", NULL);
        if (rows[i].killed && !rows[i].refused) {
            redis_fixture_run(&redis, 30);
            server_kill(redis.server);
        }
        redis_fixture_wait(&redis, &second.there);
        cr_assert(first.count == 1 && second.count == 1, "%s", rows[i].name);
        cr_assert_null(redis.client);
        redis_fixture_run(&redis, 30);
        redis_fixture_close(&redis);
    }
}

static void state_count(void *arg, bool up)
{
    int *counts = arg;

    counts[up]++;
}

/* If it fails, a wrong password or database lets commands loose where they do not belong. */
Test(redis_client, a_refused_greeting_never_comes_up)
{
    static const char *const tails[] = { "?db=99", NULL };
    struct redis_fixture redis;
    int counts[2] = { 0 };
    char url[256];
    struct client_setup setup = { .url = url, .name = "test client", .on_state = state_count, .on_state_arg = counts };
    struct seen seen = { 0 };
    struct client *client;

    redis_fixture_open(&redis);
    snprintf(url, sizeof(url), "%s%s", server_url(redis.server), tails[0]);
    client = redis_fixture_client(&redis, &setup);
    redis_fixture_run(&redis, 300);
    cr_assert(!client_is_up(client) && counts[0] == 0 && counts[1] == 0);
    client_words(client, LONG_MS, seen_done, &seen, "SET", "loose", "1", NULL);
    redis_fixture_wait(&redis, &seen.there);
    cr_assert_eq(seen.err, SL_EDOWN);
    cr_assert_str_eq(redis_fixture_ask(&redis, "EXISTS", "loose", NULL), "0");
    client_free(client);
    redis_fixture_close(&redis);
}

/* If it fails, a client with a password, a database and a name is refused, or lands elsewhere. */
Test(redis_client, greets_with_password_database_and_name)
{
    struct redis_fixture redis;
    int counts[2] = { 0 };
    char url[64];
    struct client_setup setup = { .url = url, .name = "sluiced-1", .on_state = state_count, .on_state_arg = counts };
    struct client *plain;
    int port;
    char text[16];

    redis_fixture_open(&redis);
    cr_assert_str_eq(redis_fixture_ask(&redis, "ACL", "SETUSER", "me", "on", ">a@b", "~*", "+@all", NULL), "OK");
    for (port = 20000 + (int)(clock_random() % 20000);; port++) { /* any that is free */
        snprintf(text, sizeof(text), "%d", port);
        if (strcmp(redis_fixture_ask(&redis, "CONFIG", "SET", "port", text, NULL), "OK") == 0)
            break;
    }
    snprintf(url, sizeof(url), "redis://me:a%%40b@127.0.0.1:%d/3", port);
    plain = redis.client;
    redis.client = redis_fixture_client(&redis, &setup);
    redis_fixture_wait_up(&redis, redis.client, true);
    cr_assert_str_eq(redis_fixture_ask(&redis, "ACL", "WHOAMI", NULL), "me");
    cr_assert_str_eq(redis_fixture_ask(&redis, "CLIENT", "GETNAME", NULL), "sluiced-1");
    cr_assert_str_eq(redis_fixture_ask(&redis, "SET", "k", "v", NULL), "OK");
    cr_assert(strstr(redis_fixture_ask(&redis, "INFO", "keyspace", NULL), "db3:keys=1"));
    server_kill(redis.server);
    redis_fixture_wait_up(&redis, redis.client, false);
    cr_assert(counts[0] == 1 && counts[1] == 1);
    client_free(plain);
    redis_fixture_close(&redis);
}

/* If it fails, a build without TLS connects in the clear, or a bad address is tried for ever. */
Test(redis_client, bad_addresses_are_refused_with_a_sentence)
{
    struct event_base *base = event_base_new();
    struct client *client;
    const char *why = NULL;

    cr_assert_eq(client_new(&(struct client_setup){ .base = base, .url = "http://h" }, &client, &why), SL_EINVAL);
    cr_assert(why && strstr(why, "redis://"));
#ifndef HAVE_HIREDIS_SSL
    cr_assert_eq(client_new(&(struct client_setup){ .base = base, .url = "rediss://h" }, &client, &why), SL_EINVAL);
    cr_assert(why && strstr(why, "TLS"));
#endif
    event_base_free(base);
}

/* ---- scripts ---- */

static const struct lua_bind_keys bind_keys = { { "sluice:{1}:tag:t", 16 } };
static const struct lua_bind_args bind_args = { { "inv-1", 5 } };

/* If it fails, a flushed script cache stops all work, or each waiting call sends the whole text. */
Test(redis_script, a_flushed_script_is_loaded_once_and_called_again)
{
    struct redis_fixture redis;
    struct seen seen[20] = { 0 };
    uint64_t before;
    size_t i;

    redis_fixture_open(&redis);
    for (int round = 0; round < 2; round++) {
        cr_assert_str_eq(redis_fixture_ask(&redis, "SCRIPT", "FLUSH", NULL), "OK");
        memset(seen, 0, sizeof(seen));
        before = stats_of(redis.client).requests;
        for (i = 0; i < SL_COUNT(seen); i++)
            lua_bind(redis.client, &bind_keys, &bind_args, LONG_MS, seen_done, &seen[i]);
        for (i = 0; i < SL_COUNT(seen); i++) {
            redis_fixture_wait(&redis, &seen[i].there);
            cr_assert(seen[i].count == 1 && seen[i].err == SL_OK, "%s", sl_err_name(seen[i].err));
        }
        cr_assert_eq(stats_of(redis.client).requests - before, 2 * SL_COUNT(seen) + 1, "each twice and one load");
    }
    cr_assert_str_eq(redis_fixture_ask(&redis, "GET", "sluice:{1}:tag:t", NULL), "inv-1");
    redis_fixture_close(&redis);
}

/* If it fails, the first call of each script after each connect costs a second round trip. */
Test(redis_script, scripts_are_there_from_the_start)
{
    struct redis_fixture redis;
    struct seen seen = { 0 };
    char *why = NULL;
    uint64_t before;

    redis_fixture_open(&redis);
    server_kill(redis.server);
    redis_fixture_wait_up(&redis, redis.client, false);
    cr_assert(server_restart(redis.server, &why) == SL_OK, "%s", why);
    redis_fixture_wait_up(&redis, redis.client, true);
    before = stats_of(redis.client).requests;
    lua_bind(redis.client, &bind_keys, &bind_args, LONG_MS, seen_done, &seen);
    redis_fixture_wait(&redis, &seen.there);
    cr_assert_eq(seen.err, SL_OK);
    cr_assert_eq(stats_of(redis.client).requests - before, 1);
    redis_fixture_close(&redis);
}

/* If it fails, a script that may not be loaded is taken for one that did something. */
Test(redis_script, that_cannot_be_loaded_did_nothing)
{
    struct redis_fixture redis;
    struct seen seen = { 0 };

    redis_fixture_open(&redis);
    cr_assert_str_eq(redis_fixture_ask(&redis, "SCRIPT", "FLUSH", NULL), "OK");
    cr_assert_str_eq(redis_fixture_ask(&redis, "ACL", "SETUSER", "default", "-script", NULL), "OK");
    lua_bind(redis.client, &bind_keys, &bind_args, LONG_MS, seen_done, &seen);
    redis_fixture_wait(&redis, &seen.there);
    cr_assert(seen.count == 1 && seen.err == SL_EDOWN && seen.has_reply, "%s", sl_err_name(seen.err));
    redis_fixture_close(&redis);
}

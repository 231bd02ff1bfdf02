#include "support/redis_fixture.h"

#include <criterion/criterion.h>
#include <event2/event.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "redis/script_list.h"

void redis_fixture_open_bare(struct redis_fixture *redis)
{
    struct server_setup setup = { .dir = redis->dir, .program = getenv("REDIS_SERVER"), .tells_parent = true };
    char *why = NULL;

    memset(redis, 0, sizeof(*redis));
    snprintf(redis->dir, sizeof(redis->dir), "/tmp/sluice-redis-XXXXXX");
    cr_assert(mkdtemp(redis->dir));
    cr_assert(server_start(&setup, &redis->server, &why) == SL_OK, "%s", why);
    redis->base = event_base_new();
    cr_assert(redis->base);
}

void redis_fixture_open(struct redis_fixture *redis)
{
    struct client_setup setup = { .scripts = script_list };

    redis_fixture_open_bare(redis);
    redis->client = redis_fixture_client(redis, &setup);
    redis_fixture_wait_up(redis, redis->client, true);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

void redis_fixture_remove(const char *dir)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void redis_fixture_close(struct redis_fixture *redis)
{
    client_free(redis->client);
    event_base_free(redis->base);
    server_stop(redis->server);
    redis_fixture_remove(redis->dir);
}

struct client *redis_fixture_client(struct redis_fixture *redis, const struct client_setup *setup)
{
    struct client_setup own = *setup;
    struct client *client;
    const char *why;

    own.base = redis->base;
    if (!own.url)
        own.url = server_url(redis->server);
    cr_assert(client_new(&own, &client, &why) == SL_OK, "%s", why);
    return client;
}

static void nothing(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

/* One turn of the loop, at most 20 ms long. */
static void turn(struct redis_fixture *redis)
{
    struct timeval limit = { 0, 20000 };

    event_base_once(redis->base, -1, EV_TIMEOUT, nothing, NULL, &limit);
    event_base_loop(redis->base, EVLOOP_ONCE);
}

void redis_fixture_wait(struct redis_fixture *redis, const bool *flag)
{
    int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;

    while (!*flag) {
        cr_assert(clock_mono_us() < until_us, "nothing came");
        turn(redis);
    }
}

void redis_fixture_wait_up(struct redis_fixture *redis, const struct client *client, bool up)
{
    int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;

    while (client_is_up(client) != up) {
        cr_assert(clock_mono_us() < until_us, "the client did not come %s", up ? "up" : "down");
        turn(redis);
    }
}

void redis_fixture_run(struct redis_fixture *redis, int64_t ms)
{
    int64_t until_us = clock_mono_us() + ms * 1000;

    while (clock_mono_us() < until_us)
        turn(redis);
}

/* ---- one command ---- */

struct answer {
    bool there;
    struct buf text;
};

static void answer_write(struct buf *out, const struct reply *reply)
{
    size_t i;

    switch (reply_kind(reply)) {
    case REPLY_NIL: buf_str(out, "nil"); break;
    case REPLY_INTEGER: buf_i64(out, reply_i64_or(reply, 0)); break;
    case REPLY_STATUS:
    case REPLY_ERROR:
    case REPLY_STRING: buf_str(out, reply_text(reply, NULL)); break;
    case REPLY_ARRAY:
        buf_char(out, '[');
        for (i = 0; i < reply_count(reply); i++) {
            if (i)
                buf_char(out, ' ');
            answer_write(out, reply_at(reply, i));
        }
        buf_char(out, ']');
        break;
    }
}

static void answered(void *arg, enum sl_err err, const struct reply *reply)
{
    struct answer *answer = arg;

    answer->there = true;
    if (err && !reply)
        buf_str(&answer->text, sl_err_name(err));
    else
        answer_write(&answer->text, reply);
}

const char *redis_fixture_ask(struct redis_fixture *redis, const char *word, ...)
{
    static char text[4096];
    struct answer answer = { 0 };
    struct slice args[32];
    size_t count = 0;
    va_list words;

    va_start(words, word);
    for (; word; word = va_arg(words, const char *)) {
        cr_assert(count < SL_COUNT(args));
        args[count++] = slice_of(word);
    }
    va_end(words);
    client_command(redis->client, args, count, FIXTURE_WAIT_MS, answered, &answer);
    redis_fixture_wait(redis, &answer.there);
    snprintf(text, sizeof(text), "%s", buf_text(&answer.text));
    buf_clear(&answer.text);
    return text;
}

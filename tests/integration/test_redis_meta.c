#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "redis/loss.h"
#include "redis/meta.h"
#include "redis/seen.h"
#include "support/redis_fixture.h"

struct told {
    bool there;
    enum sl_err err;
    int partitions, format_first;
    char message[512];
};

static void told_done(void *arg, const struct meta_result *result)
{
    struct told *told = arg;

    cr_assert(!told->there);
    told->there = true;
    told->err = result->err;
    told->partitions = result->partitions;
    told->format_first = result->format_first;
    strncpy(told->message, result->message, sizeof(told->message) - 1);
}

static struct told init(struct redis_fixture *redis, int partitions)
{
    struct told told = { 0 };

    meta_init(redis->client, partitions, told_done, &told);
    redis_fixture_wait(redis, &told.there);
    return told;
}

static struct told check(struct redis_fixture *redis, int partitions)
{
    struct told told = { 0 };

    meta_check(redis->client, partitions, told_done, &told);
    redis_fixture_wait(redis, &told.there);
    return told;
}

static struct told take_over(struct redis_fixture *redis, int partitions)
{
    struct told told = { 0 };

    meta_take_over(redis->client, partitions, told_done, &told);
    redis_fixture_wait(redis, &told.there);
    return told;
}

static struct told durability(struct redis_fixture *redis, bool strict)
{
    struct told told = { 0 };

    meta_check_durability(redis->client, strict, told_done, &told);
    redis_fixture_wait(redis, &told.there);
    return told;
}

/* If it fails, a second init moves machines to partitions where nobody finds them. */
Test(redis_meta, init_is_done_once_and_says_so)
{
    struct redis_fixture redis;
    struct told told;

    redis_fixture_open(&redis);
    told = check(&redis, 0);
    cr_assert(told.err == SL_ENOENT && strstr(told.message, "sluice init"), "%s", told.message);
    told = init(&redis, 8);
    cr_assert(told.err == SL_OK && told.partitions == 8 && !told.message[0], "%s", told.message);
    told = init(&redis, 8);
    cr_assert(told.err == SL_OK && told.partitions == 8, "again is fine");
    told = init(&redis, 16);
    cr_assert(told.err == SL_EREFUSED && strstr(told.message, "8 partitions, not 16"), "%s", told.message);
    cr_assert_str_eq(redis_fixture_ask(&redis, "HMGET", META_KEY, "format", "partitions", NULL), "[2 8]");
    cr_assert(strlen(redis_fixture_ask(&redis, "HGET", META_KEY, "created_at", NULL)) == 13);
    told = check(&redis, 0);
    cr_assert(told.err == SL_OK && told.partitions == 8);
    told = check(&redis, 64);
    cr_assert_eq(told.err, SL_EREFUSED);
    redis_fixture_close(&redis);
}

/* If it fails, an older program goes on writing where a newer one has written, or nobody knows any more that what an
 * older one stored is there. */
Test(redis_meta, an_older_format_is_taken_over_and_remembered)
{
    struct redis_fixture redis;
    struct told told;
    int i;

    redis_fixture_open(&redis);
    redis_fixture_ask(&redis, "HSET", META_KEY, "format", "1", "partitions", "8", NULL);
    told = check(&redis, 0);
    cr_expect(told.err == SL_OK && told.partitions == 8 && told.format_first == 1, "%s", told.message);
    cr_expect_str_eq(redis_fixture_ask(&redis, "HGETALL", META_KEY, NULL), "[format 1 partitions 8]",
                     "a look changes nothing: the daemons that work there may be older");
    told = init(&redis, 8);
    cr_assert_eq(told.err, SL_OK, "%s", told.message);
    for (i = 0; i < 2; i++) {
        told = take_over(&redis, 0);
        cr_assert(told.err == SL_OK && told.partitions == 8 && told.format_first == 1, "%d: %s", i, told.message);
        cr_assert_str_eq(redis_fixture_ask(&redis, "HMGET", META_KEY, "format", "format_first", NULL), "[2 1]");
    }
    redis_fixture_ask(&redis, "DEL", META_KEY, NULL);
    init(&redis, 8);
    cr_assert_eq(check(&redis, 0).format_first, 2, "a new deployment has nothing old");
    redis_fixture_close(&redis);
}

/* If it fails, a daemon runs on data that it does not understand. */
Test(redis_meta, strange_data_is_refused)
{
    static const struct { const char *format, *partitions, *says; } rows[] = {
        { "3", "8", "newer sluiced" },  { "0", "8", "not the meta data" },    { "1", "0", "not the meta data" },
        { "1", "9999", "not the meta" }, { "x", "8", "not the meta data" },   { "1", "8x", "not the meta data" },
        { "1", NULL, "not the meta" },
    };
    struct redis_fixture redis;
    size_t i;

    redis_fixture_open(&redis);
    for (i = 0; i < SL_COUNT(rows); i++) {
        struct told told[2];

        redis_fixture_ask(&redis, "DEL", META_KEY, NULL);
        redis_fixture_ask(&redis, "HSET", META_KEY, "format", rows[i].format, NULL);
        if (rows[i].partitions)
            redis_fixture_ask(&redis, "HSET", META_KEY, "partitions", rows[i].partitions, NULL);
        told[0] = check(&redis, 0);
        told[1] = init(&redis, 8);
        for (int k = 0; k < 2; k++) {
            cr_expect_eq(told[k].err, SL_EREFUSED, "row %zu: %s", i, sl_err_name(told[k].err));
            cr_expect(strstr(told[k].message, rows[i].says), "row %zu: %s", i, told[k].message);
        }
    }
    redis_fixture_ask(&redis, "SET", META_KEY, "a string", NULL);
    cr_expect_eq(check(&redis, 0).err, SL_EREFUSED);
    cr_expect_eq(init(&redis, 8).err, SL_EREFUSED);
    redis_fixture_close(&redis);
}

/* If it fails, `strict` runs on a Redis that forgets payments, or `relaxed` on one that throws them away. */
Test(redis_meta, durability_is_judged_by_what_can_be_lost)
{
    static const struct {
        const char *option, *value;
        enum sl_err strict, relaxed;
        const char *strict_says, *relaxed_says;
    } rows[] = {
        { "appendfsync", "always", SL_OK, SL_OK, "", "" },
        { "appendfsync", "everysec", SL_EREFUSED, SL_OK, "CONFIG SET appendfsync always", "the last seconds" },
        { "appendfsync", "no", SL_EREFUSED, SL_OK, "redis.conf", "the last seconds" },
        { "no-appendfsync-on-rewrite", "yes", SL_EREFUSED, SL_OK, "CONFIG SET no-appendfsync-on-rewrite no", "rewrites" },
        { "aof-load-truncated", "yes", SL_EREFUSED, SL_OK, "redis-check-aof --fix", "half a transaction" },
        { "maxmemory-policy", "allkeys-lru", SL_EREFUSED, SL_EREFUSED, "CONFIG SET maxmemory-policy noeviction", "evict" },
        /* The last: turned on again, Redis would not end before it had written the file anew. */
        { "appendonly", "no", SL_EREFUSED, SL_OK, "CONFIG SET appendonly yes", "last snapshot" },
    };
    struct redis_fixture redis;
    size_t i;

    redis_fixture_open(&redis);
    for (i = 0; i < SL_COUNT(rows); i++) {
        struct told strict, relaxed;

        redis_fixture_ask(&redis, "CONFIG", "SET", "appendfsync", "always", NULL);
        redis_fixture_ask(&redis, "CONFIG", "SET", "no-appendfsync-on-rewrite", "no", NULL);
        redis_fixture_ask(&redis, "CONFIG", "SET", "aof-load-truncated", "no", NULL);
        redis_fixture_ask(&redis, "CONFIG", "SET", "maxmemory-policy", "noeviction", NULL);
        cr_assert_str_eq(redis_fixture_ask(&redis, "CONFIG", "SET", rows[i].option, rows[i].value, NULL), "OK");
        strict = durability(&redis, true);
        relaxed = durability(&redis, false);
        cr_expect_eq(strict.err, rows[i].strict, "row %zu: %s", i, strict.message);
        cr_expect_eq(relaxed.err, rows[i].relaxed, "row %zu: %s", i, relaxed.message);
        cr_expect(strstr(strict.message, rows[i].strict_says), "row %zu: %s", i, strict.message);
        cr_expect(strstr(relaxed.message, rows[i].relaxed_says), "row %zu: %s", i, relaxed.message);
        cr_expect(rows[i].strict_says[0] || !strict.message[0], "row %zu: %s", i, strict.message);
    }
    redis_fixture_close(&redis);
}

/* If it fails, a managed Redis that hides its configuration counts as safe, or cannot be used at all. */
Test(redis_meta, where_config_is_forbidden_only_relaxed_runs)
{
    struct redis_fixture redis;
    struct told told;

    redis_fixture_open(&redis);
    cr_assert_str_eq(redis_fixture_ask(&redis, "ACL", "SETUSER", "default", "-config", NULL), "OK");
    told = durability(&redis, true);
    cr_assert(told.err == SL_EREFUSED && strstr(told.message, "--durability relaxed"), "%s", told.message);
    told = durability(&redis, false);
    cr_assert(told.err == SL_OK && strstr(told.message, "CONFIG is forbidden"), "%s", told.message);
    redis_fixture_close(&redis);
}

/* If it fails, a start without Redis is answered with nothing, twice, or with a wrong reason. */
Test(redis_meta, without_redis_it_says_so)
{
    struct redis_fixture redis;
    struct told told;

    redis_fixture_open(&redis);
    server_kill(redis.server);
    redis_fixture_wait_up(&redis, redis.client, false);
    told = check(&redis, 0);
    cr_assert(told.err == SL_EDOWN && strstr(told.message, "cannot be reached"));
    cr_assert_eq(init(&redis, 8).err, SL_EDOWN);
    cr_assert_eq(durability(&redis, false).err, SL_EDOWN);
    redis_fixture_close(&redis);
}

/* ---- what was seen ---- */

static struct seen *seen_of(const char *path)
{
    struct seen *seen = NULL;
    char *why = NULL;

    cr_assert(seen_new(4, path, &seen, &why) == SL_OK, "%s", why);
    return seen;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    cr_assert(file && fputs(text, file) >= 0);
    fclose(file);
}

/* If it fails, a daemon that is started again has forgotten what it had seen, or reads another one's words for its own. */
Test(redis_seen, is_written_down_and_read_again)
{
    static const char *const strange[] = {
        "", "sluice-seen 2 4 1 0\n", "sluice-seen 1 8 1 0\n", "sluice-seen 1 4 1 0\n4 5-0\n", "sluice-seen 1 4 1 0\n1 x\n",
        "sluice-seen 1 4 1 0\n1 5-0\nand more",
    };
    char path[] = "/tmp/sluice-seen-XXXXXX", entry[SEEN_ID_MAX], *why = NULL;
    struct seen *seen;
    size_t i;

    close(mkstemp(path));
    unlink(path);
    seen = seen_of(path);
    seen_commit(seen, 1, "18446744073709551615-3", "inv:a", 7);
    seen_raise(seen, 2, "5-0");
    seen_raise(seen, 2, "4-9");
    seen_raise(seen, 2, "no entry");
    cr_assert(seen_save(seen, "1795565870369", 12));
    seen_free(seen);
    seen = seen_of(path);
    cr_expect_str_eq(seen_deployment(seen), "1795565870369");
    cr_expect_eq(seen_accepted(seen), 12);
    cr_expect_str_eq(seen_newest(seen, 0, entry), "");
    cr_expect_str_eq(seen_newest(seen, 1, entry), "18446744073709551615-3");
    cr_expect_str_eq(seen_newest(seen, 2, entry), "5-0");
    seen_free(seen);
    for (i = 0; i < SL_COUNT(strange); i++) {
        write_file(path, strange[i]);
        cr_expect_eq(seen_new(4, path, &seen, &why), SL_ECORRUPT, "row %zu", i);
        cr_expect(why && strstr(why, path), "row %zu", i);
        free(why);
        why = NULL;
    }
    unlink(path);
}

struct found {
    bool there;
    enum sl_err err;
    size_t feeds, listed;
    char lost[256];
    int64_t oldest_ms;
};

static void found_done(void *arg, const struct loss *loss)
{
    struct found *found = arg;
    size_t i, len = 0;

    *found = (struct found){ true, loss->err, loss->feeds, loss->listed, "", loss->oldest_ms };
    for (i = 0; i < loss->listed && len < sizeof(found->lost); i++)
        len += (size_t)snprintf(found->lost + len, sizeof(found->lost) - len, "%s/%d ", loss->lost[i]->member,
                                (int)loss->lost[i]->event);
}

static struct found look(struct redis_fixture *redis, struct seen *seen, bool list)
{
    struct found found = { 0 };

    loss_check(seen, redis->client, list, found_done, &found);
    redis_fixture_wait(redis, &found.there);
    return found;
}

/* If it fails, what a stale replica lacks is not noticed because others wrote to it since, or the wrong payments are named. */
Test(redis_loss, is_what_was_seen_and_is_not_there)
{
    struct redis_fixture redis;
    struct seen *seen = seen_of(NULL);
    char entry[SEEN_ID_MAX];
    struct found found;

    redis_fixture_open(&redis);
    redis_fixture_ask(&redis, "XADD", seen_feed(seen, 1), "100-0", "id", "inv:a", NULL);
    redis_fixture_ask(&redis, "XADD", seen_feed(seen, 3), "200-0", "id", "inv:z", NULL);
    seen_commit(seen, 1, "100-0", "inv:a", 1);
    client_hold(redis.client, true);
    found = look(&redis, seen, true);
    cr_assert(found.err == SL_OK && found.feeds == 0);
    cr_expect_str_eq(seen_newest(seen, 3, entry), "200-0", "what others wrote is seen, too");
    seen_commit(seen, 1, "120-0", "inv:b", 1);
    seen_commit(seen, 1, "130-0", "inv:b", 2);
    seen_commit(seen, 2, "125-0", "inv:c", 1);
    client_hold(redis.client, false);
    redis_fixture_ask(&redis, "XADD", seen_feed(seen, 1), "500-0", "id", "inv:n", NULL);
    found = look(&redis, seen, false);
    cr_assert(found.err == SL_OK && found.feeds == 2 && found.listed == 0);
    found = look(&redis, seen, true);
    cr_expect_eq(found.feeds, 2);
    cr_expect_str_eq(found.lost, "inv:b/1 inv:b/2 inv:c/1 ");
    cr_expect_eq(found.oldest_ms, 120);
    seen_forget(seen);
    cr_expect_eq(look(&redis, seen, true).feeds, 0);
    server_kill(redis.server);
    redis_fixture_wait_up(&redis, redis.client, false);
    cr_expect_eq(look(&redis, seen, true).err, SL_EDOWN);
    seen_free(seen);
    redis_fixture_close(&redis);
}

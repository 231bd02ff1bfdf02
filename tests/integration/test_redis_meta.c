#include <criterion/criterion.h>
#include <string.h>

#include "redis/meta.h"
#include "support/redis_fixture.h"

struct told {
    bool there;
    enum sl_err err;
    int partitions;
    char message[512];
};

static void told_done(void *arg, const struct meta_result *result)
{
    struct told *told = arg;

    cr_assert(!told->there);
    told->there = true;
    told->err = result->err;
    told->partitions = result->partitions;
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
    cr_assert_str_eq(redis_fixture_ask(&redis, "HMGET", META_KEY, "format", "partitions", NULL), "[1 8]");
    cr_assert(strlen(redis_fixture_ask(&redis, "HGET", META_KEY, "created_at", NULL)) == 13);
    told = check(&redis, 0);
    cr_assert(told.err == SL_OK && told.partitions == 8);
    told = check(&redis, 64);
    cr_assert_eq(told.err, SL_EREFUSED);
    redis_fixture_close(&redis);
}

/* If it fails, a daemon runs on data that it does not understand. */
Test(redis_meta, strange_data_is_refused)
{
    static const struct { const char *format, *partitions, *says; } rows[] = {
        { "2", "8", "newer sluiced" },  { "0", "8", "not the meta data" },    { "1", "0", "not the meta data" },
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

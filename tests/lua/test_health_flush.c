/* lua/health_flush.lua on a real Redis. Its clock cannot be moved, so the data are placed around it. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xmalloc.h"
#include "lua/health_flush.h"
#include "support/redis_fixture.h"

#define KEY "sluice:{domain}:health"
#define TICK_MS 60000 /* long: no test crosses the end of one but by the bad luck that begin() takes care of */
#define KEEP_MS (TICK_MS * 5)
#define FORGET_MS (TICK_MS * 50)

static struct redis_fixture redis;
static int64_t tick_ms; /* the start of the present tick */
static bool there;
static enum sl_err err;
static char shown[4096]; /* the answer's services: "1:availability=… 2:…=…" */
static int64_t now_ms;

static int64_t redis_now_ms(void)
{
    const char *time = redis_fixture_ask(&redis, "TIME", NULL); /* "[seconds microseconds]" */
    char *end;
    int64_t seconds = strtoll(time + 1, &end, 10);

    return seconds * 1000 + strtoll(end, NULL, 10) / 1000;
}

static void begin(void)
{
    redis_fixture_open(&redis);
    while (redis_now_ms() % TICK_MS > TICK_MS - 3000)
        redis_fixture_run(&redis, 100);
    tick_ms = redis_now_ms() / TICK_MS * TICK_MS;
}

static void end(void)
{
    redis_fixture_close(&redis);
}

static void answered(void *arg, enum sl_err result, const struct reply *reply)
{
    size_t i;

    (void)arg;
    err = result;
    now_ms = reply_i64_or(reply_at(reply, 1), 0);
    shown[0] = '\0';
    for (i = 2; i + 1 < reply_count(reply); i += 2)
        sprintf(shown + strlen(shown), "%s%s=%s", i > 2 ? " | " : "", reply_text(reply_at(reply, i), NULL),
                reply_text(reply_at(reply, i + 1), NULL));
    there = true;
}

/* OUTCOMES: "1:availability 2 3 2:conversion 0 1". */
static const char *flush_with(const char *tick, const char *keep, const char *forget, const char *outcomes)
{
    char *text = xstrdup(outcomes), *rest = text, *word;
    struct slice words[32];
    struct lua_health_flush_keys keys = { slice_of(KEY) };
    struct lua_health_flush_args args = {
        .tick = slice_of(tick), .keep = slice_of(keep), .forget = slice_of(forget), .outcomes = words,
    };

    while ((word = strsep(&rest, " "))) {
        if (*word)
            words[args.outcomes_count++] = slice_of(word);
    }
    there = false;
    lua_health_flush(redis.client, &keys, &args, 5000, answered, NULL);
    free(text);
    redis_fixture_wait(&redis, &there);
    return err ? "error" : shown;
}

static const char *flush(const char *outcomes)
{
    return flush_with("60000", "300000", "3000000", outcomes);
}

/* "first start:s:f", moments given as ticks before the present one. */
static void seed(const char *service, int first, const char *ticks)
{
    char record[1024], *out = record;
    int back, good, bad, used;

    out += sprintf(out, "%" PRId64, tick_ms - (int64_t)first * TICK_MS);
    for (; sscanf(ticks, " %d:%d:%d%n", &back, &good, &bad, &used) == 3; ticks += used)
        out += sprintf(out, " %" PRId64 ":%d:%d", tick_ms - (int64_t)back * TICK_MS, good, bad);
    redis_fixture_ask(&redis, "HSET", KEY, service, record, NULL);
}

/* What SEED would have stored, as the answer shows it. */
static const char *expect(const char *service, int first, const char *ticks)
{
    static char record[1024];
    char *out = record;
    int back, good, bad, used;

    out += sprintf(out, "%s=%" PRId64, service, tick_ms - (int64_t)first * TICK_MS);
    for (; sscanf(ticks, " %d:%d:%d%n", &back, &good, &bad, &used) == 3; ticks += used)
        out += sprintf(out, " %" PRId64 ":%d:%d", tick_ms - (int64_t)back * TICK_MS, good, bad);
    return record;
}

static char *digest(void)
{
    return xstrdup(redis_fixture_ask(
        &redis, "EVAL",
        "local r = {} for _, k in ipairs(redis.call('KEYS', '*')) do r[#r + 1] = k .. redis.sha1hex(redis.call('DUMP', k)) end "
        "return redis.sha1hex(table.concat(r))", "0", NULL));
}

/* If this fails, daemons do not see each other's counts, or count them away. */
Test(health_flush, outcomes_of_two_daemons_add_up_in_one_tick, .init = begin, .fini = end)
{
    cr_expect_str_eq(flush("7:availability 3 1"), expect("7:availability", 0, "0:3:1"));
    cr_expect_eq(now_ms / TICK_MS * TICK_MS, tick_ms);
    cr_expect_str_eq(flush("7:availability 2 4"), expect("7:availability", 0, "0:5:5"));
    cr_expect_str_eq(flush(""), expect("7:availability", 0, "0:5:5"));
    cr_expect_str_eq(redis_fixture_ask(&redis, "HLEN", KEY, NULL), "1");
}

/* If this fails, one service's counts land in another's. */
Test(health_flush, services_are_kept_apart, .init = begin, .fini = end)
{
    char both[1024];

    snprintf(both, sizeof(both), "%s | ", expect("7:availability", 0, "0:1:0"));
    strcat(both, expect("7:conversion", 0, "0:0:2"));
    cr_expect_str_eq(flush("7:availability 1 0 7:conversion 0 2"), both);
}

/* If this fails, a look at the statistics costs writes, or changes them. */
Test(health_flush, a_look_writes_nothing, .init = begin, .fini = end)
{
    char *before, *after;

    seed("7:availability", 9, "3:1:1");
    before = digest();
    cr_expect_str_eq(flush(""), expect("7:availability", 9, "3:1:1"));
    after = digest();
    cr_expect_str_eq(before, after);
    cr_expect_str_eq(redis_fixture_ask(&redis, "TTL", KEY, NULL), "-1");
    free(before);
    free(after);
}

/* If this fails, records grow for ever, or lose what still counts. Ticks older than KEEP go when the next is added. */
Test(health_flush, ticks_outside_the_window_are_removed, .init = begin, .fini = end)
{
    seed("7:availability", 20, "20:1:1 6:2:2 4:3:3 1:4:4");
    cr_expect_str_eq(flush("7:availability 1 0"), expect("7:availability", 20, "4:3:3 1:4:4 0:1:0"));
}

/* If this fails, a clock of Redis that was set back leaves counts that come true later. */
Test(health_flush, ticks_of_the_future_are_removed, .init = begin, .fini = end)
{
    seed("7:availability", -3, "-3:9:9 -2:1:1");
    cr_expect_str_eq(flush("7:availability 0 1"), expect("7:availability", 0, "0:0:1"));
}

/* If this fails, statistics of providers that are long gone stay for good, or idle ones are taken for new. */
Test(health_flush, services_are_forgotten_after_long_silence_only, .init = begin, .fini = end)
{
    char both[1024];

    seed("7:availability", 80, "48:1:0");
    seed("8:availability", 80, "51:1:0");
    redis_fixture_ask(&redis, "HSET", KEY, "9:availability", "rubbish", NULL);
    snprintf(both, sizeof(both), "%s | ", expect("7:availability", 80, "48:1:0"));
    strcat(both, expect("8:availability", 0, "0:0:1"));
    cr_expect_str_eq(flush("8:availability 0 1"), both);
    cr_expect_str_eq(redis_fixture_ask(&redis, "HLEN", KEY, NULL), "2");
    cr_expect_gt(atol(redis_fixture_ask(&redis, "PTTL", KEY, NULL)), (long)FORGET_MS - 60000);
}

/* If this fails, something that somebody wrote by hand stays in a record for good, and no daemon can read it. */
Test(health_flush, rubbish_in_a_record_is_replaced, .init = begin, .fini = end)
{
    static const char *const rubbish[] = { "x 1:2:3", "5 a:2:3 4:1:1", "1 2:3:4,5:6:7 8:1:1", " 9:1:1" };
    char record[128];
    size_t i;

    for (i = 0; i < SL_COUNT(rubbish); i++) {
        redis_fixture_ask(&redis, "HSET", KEY, "7:availability", rubbish[i], NULL);
        cr_expect_str_eq(flush("7:availability 1 0"), expect("7:availability", 0, "0:1:0"), "%s", rubbish[i]);
    }
    snprintf(record, sizeof(record), "5 %" PRId64 ":1:1", tick_ms);
    redis_fixture_ask(&redis, "HSET", KEY, "7:availability", record, NULL);
    snprintf(record, sizeof(record), "7:availability=5 %" PRId64 ":2:1", tick_ms);
    cr_expect_str_eq(flush("7:availability 1 0"), record);
}

/* If this fails, counts overflow into nonsense. */
Test(health_flush, counts_have_a_ceiling, .init = begin, .fini = end)
{
    char record[128];

    snprintf(record, sizeof(record), "%" PRId64 " %" PRId64 ":999999999999:5", tick_ms, tick_ms);
    redis_fixture_ask(&redis, "HSET", KEY, "7:availability", record, NULL);
    snprintf(record, sizeof(record), "7:availability=%" PRId64 " %" PRId64 ":1000000000000:5", tick_ms, tick_ms);
    cr_expect_str_eq(flush("7:availability 999999999 0"), record);
}

/* If this fails, a slip of a daemon ruins what all share. */
Test(health_flush, wrong_arguments_are_refused_and_change_nothing, .init = begin, .fini = end)
{
    static const struct {
        const char *tick, *keep, *forget, *outcomes;
    } rows[] = {
        { "0", "300000", "3000000", "" },          { "x", "300000", "3000000", "" },
        { "1.5", "300000", "3000000", "" },        { "60000", "1", "3000000", "" },
        { "60000", "300000", "1", "" },            { "60000", "300000", "99999999999999", "" },
        { "60000", "300000", "3000000", "7:x 1" }, { "60000", "300000", "3000000", "7 1 1" },
        { "60000", "300000", "3000000", "7:availability -1 0" },
        { "60000", "300000", "3000000", "7:availability 1 1e5" },
        { "60000", "300000", "3000000", "7:availability 1 1 7:availability 1 1000000000" },
    };
    char *before, *after;
    size_t i;

    seed("7:availability", 90, "80:1:1");
    before = digest();
    for (i = 0; i < SL_COUNT(rows); i++) {
        flush_with(rows[i].tick, rows[i].keep, rows[i].forget, rows[i].outcomes);
        cr_expect_eq(err, SL_EREFUSED, "row %zu", i);
    }
    redis_fixture_ask(&redis, "RENAME", KEY, "x", NULL);
    redis_fixture_ask(&redis, "SET", KEY, "7", NULL);
    flush("7:availability 1 1");
    cr_expect_eq(err, SL_EREFUSED, "a key of another type");
    redis_fixture_ask(&redis, "RENAME", "x", KEY, NULL);
    after = digest();
    cr_expect_str_eq(before, after);
    free(before);
    free(after);
}

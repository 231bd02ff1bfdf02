/* A call that was begun, as lua/commit.lua, fail.lua and load.lua keep it: on a real Redis. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "lua/commit.h"
#include "lua/fail.h"
#include "lua/load.h"
#include "redis/script_list.h"
#include "support/redis_fixture.h"

#define CALL "{\"x\":1}"

static struct redis_fixture redis;
static struct {
    bool there;
    int64_t code, token, now;
    char asked[64];
} answer;

static void answered(void *arg, enum sl_err err, const struct reply *reply)
{
    (void)arg;
    answer.code = err ? -1 : reply_i64_or(reply_at(reply, 0), -1);
    answer.token = reply_i64_or(reply_at(reply, 2), 0);
    answer.now = reply_i64_or(reply_at(reply, 3), 0);
    answer.there = true;
}

static void begin(void)
{
    redis_fixture_open(&redis);
}

static void end(void)
{
    redis_fixture_close(&redis);
}

static int commits;

struct words {
    const char *asked, *mode, *changes, *lease, *token, *due, *version;
};

static int64_t commit(struct words words)
{
    struct lua_commit_keys keys = {
        slice_of("{a}:m"), slice_of("{a}:m:events"), slice_of("{a}:wheel"), slice_of("{a}:accounts"), slice_of("{a}:feed"),
        slice_of("{a}:failed"), slice_of("{a}:m"), slice_of("{a}:retrying"),
    };
    char id[SLICE_I64_MAX];
    struct lua_commit_args args = {
        .id = slice_of("inv:m"), .commit_id = slice_i64(id, ++commits),
        .expect_version = slice_of(words.version ? words.version : "1"),
        .expect_token = slice_of(words.token ? words.token : "0"), .changes = slice_of(words.changes ? words.changes : ""),
        .due = slice_of(words.due ? words.due : "keep"), .lease = slice_of(words.lease ? words.lease : "0"),
        .activity = slice_of("act"), .outcome = slice_of("out"), .snapshot = slice_of(""),
        .mode = slice_of(words.mode ? words.mode : ""), .once = slice_of(""),
        .asked = slice_of(words.asked ? words.asked : ""), .currencies = slice_of(""),
    };

    answer.there = false;
    lua_commit(redis.client, &keys, &args, 5000, answered, NULL);
    redis_fixture_wait(&redis, &answer.there);
    return answer.code;
}

static int64_t fail(const char *retry, const char *asked)
{
    struct lua_fail_keys keys = { slice_of("{a}:m"), slice_of("{a}:m:events"), slice_of("{a}:wheel"), slice_of("{a}:failed"), slice_of("{a}:retrying") };
    struct lua_fail_args args = {
        slice_of("inv:m"), slice_of("1"), slice_of("0"), slice_of("why"), slice_of(retry), slice_of("3"),
        slice_of("unknown_outcome"), slice_of(asked),
    };

    answer.there = false;
    lua_fail(redis.client, &keys, &args, 5000, answered, NULL);
    redis_fixture_wait(&redis, &answer.there);
    return answer.code;
}

static const char *field(const char *name)
{
    return redis_fixture_ask(&redis, "HGET", "{a}:m", name, NULL);
}

static int64_t score(void)
{
    return strtoll(redis_fixture_ask(&redis, "ZSCORE", "{a}:wheel", "inv:m", NULL), NULL, 10);
}

#define DUE "4000000000000" /* far away */

/* A machine whose timer is far away, with CALL begun under a claim. */
static void make_begun(void)
{
    cr_assert_eq(commit((struct words){ .version = "0", .changes = "[1]", .due = DUE }), LUA_COMMIT_DONE);
    cr_assert_eq(commit((struct words){ .asked = CALL, .mode = "c", .lease = "60000" }), LUA_COMMIT_DONE);
}

/* If this fails, nobody knows after a crash that the world was asked. */
Test(asked, is_kept_with_the_claim_and_cleared_with_the_result, .init = begin, .fini = end)
{
    char token[SLICE_I64_MAX];

    make_begun();
    cr_expect_str_eq(field("asked"), CALL);
    cr_expect_str_eq(field("due"), DUE, "the timer is as it was");
    cr_expect_eq(score(), answer.token);
    slice_i64(token, answer.token);
    cr_expect_eq(commit((struct words){ .asked = "-", .changes = "[2]", .token = token, .due = DUE }), LUA_COMMIT_DONE);
    cr_expect_str_eq(field("asked"), "nil");
    cr_expect_str_eq(field("status"), "working");
}

static void loaded(void *arg, enum sl_err err, const struct reply *reply)
{
    const char *text = err ? NULL : reply_text(reply_at(reply_at(reply, 4), 10), NULL);

    (void)arg;
    snprintf(answer.asked, sizeof(answer.asked), "%s", text ? text : "");
    answer.there = true;
}

/* If this fails, who takes over does not see it. */
Test(asked, is_loaded, .init = begin, .fini = end)
{
    struct lua_load_keys keys = { slice_of("{a}:m"), slice_of("{a}:m:events"), slice_of("{a}:wheel") };
    struct lua_load_args args = { slice_of("inv:m"), slice_of("0") };

    make_begun();
    answer.there = false;
    lua_load(redis.client, &keys, &args, 5000, loaded, NULL);
    redis_fixture_wait(&redis, &answer.there);
    cr_expect_str_eq(answer.asked, CALL);
}

/* If this fails, a daemon that has not seen it goes over it, or two calls are taken for one. */
Test(asked, who_does_not_know_it_is_refused, .init = begin, .fini = end)
{
    static const struct {
        const char *name;
        struct words words;
    } rows[] = {
        { "a change by somebody who knows of none", { .changes = "[2]" } },
        { "the same with a timer of its own", { .changes = "[2]", .due = "5000" } },
        { "another call", { .asked = "{\"x\":2}", .mode = "c", .lease = "60000" } },
    };
    char *before, *after;
    size_t i;

    make_begun();
    redis_fixture_ask(&redis, "ZADD", "{a}:wheel", "1", "inv:m", NULL); /* its claim has run out */
    for (i = 0; i < SL_COUNT(rows); i++) {
        before = strdup(redis_fixture_ask(&redis, "DEBUG", "DIGEST", NULL));
        cr_expect_eq(commit(rows[i].words), LUA_COMMIT_CONFLICT, "%s", rows[i].name);
        after = strdup(redis_fixture_ask(&redis, "DEBUG", "DIGEST", NULL));
        cr_expect_str_eq(before, after, "%s left a trace", rows[i].name);
        free(before);
        free(after);
    }
    cr_expect_eq(commit((struct words){ .asked = CALL, .mode = "c", .lease = "60000" }), LUA_COMMIT_DONE, "the same call");
    cr_expect_eq(commit((struct words){ .asked = "-", .changes = "[2]" }), LUA_COMMIT_DONE);
    cr_expect_eq(commit((struct words){ .version = "2", .asked = "=", .changes = "[3]" }), LUA_COMMIT_CONFLICT, "it is over");
    cr_expect_eq(commit((struct words){ .version = "2", .asked = "-", .changes = "[3]" }), LUA_COMMIT_CONFLICT, "it is over");
}

/* If this fails, a call that a stopping daemon lets go of waits for the timer, which may decide otherwise. */
Test(asked, a_machine_let_go_with_it_is_due_at_once, .init = begin, .fini = end)
{
    char token[SLICE_I64_MAX];

    make_begun();
    slice_i64(token, answer.token);
    cr_assert_eq(commit((struct words){ .asked = "=", .mode = "c", .token = token }), LUA_COMMIT_DONE);
    cr_expect_eq(score(), answer.now);
    cr_expect_str_eq(field("due"), DUE);
    cr_expect_str_eq(field("asked"), CALL);
}

/* If this fails, a failure forgets what is open, or the answer "no" leaves it open for ever. */
Test(asked, a_failure_keeps_it_unless_it_was_answered, .init = begin, .fini = end)
{
    make_begun();
    cr_assert_eq(fail("60000", ""), LUA_FAIL_DONE);
    cr_expect_str_eq(field("asked"), CALL);
    cr_assert_eq(fail("0", ""), LUA_FAIL_DONE);
    cr_expect_str_eq(field("asked"), CALL);
    cr_assert_eq(commit((struct words){ .asked = "=", .mode = "r" }), LUA_COMMIT_DONE, "the simple repair");
    cr_expect_eq(score(), answer.now, "runs it again at once");
    cr_expect_str_eq(field("asked"), CALL);
    cr_assert_eq(fail("0", "-"), LUA_FAIL_DONE);
    cr_expect_str_eq(field("asked"), "nil");
}

/* If this fails, an operator's word does not count, or the old call comes back after it. */
Test(asked, a_repair_with_changes_ends_it, .init = begin, .fini = end)
{
    make_begun();
    cr_assert_eq(fail("0", ""), LUA_FAIL_DONE);
    cr_assert_eq(commit((struct words){ .asked = "-", .mode = "r", .changes = "[2]" }), LUA_COMMIT_DONE);
    cr_expect_str_eq(field("asked"), "nil");
    cr_expect_str_eq(redis_fixture_ask(&redis, "ZSCORE", "{a}:wheel", "inv:m", NULL), DUE);
}

/* If this fails, a machine whose call came to nothing looks as if it were still failing. */
Test(asked, an_end_without_changes_ends_the_retrying, .init = begin, .fini = end)
{
    make_begun();
    cr_assert_eq(fail("60000", ""), LUA_FAIL_DONE);
    cr_assert_eq(commit((struct words){ .asked = "-", .mode = "c" }), LUA_COMMIT_DONE);
    cr_expect_str_eq(field("asked"), "nil");
    cr_expect_str_eq(field("status"), "working");
    cr_expect_str_eq(field("attempts"), "nil");
    cr_expect_str_eq(field("cause"), "nil");
    cr_expect_str_eq(redis_fixture_ask(&redis, "ZSCORE", "{a}:wheel", "inv:m", NULL), DUE);
}

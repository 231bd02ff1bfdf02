/* The engine's scripts on a real Redis: what they do, that a repeat changes nothing, that a refusal leaves no
 * trace, and that a key of a wrong type is found before the first write. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/xmalloc.h"
#include "lua/bind.h"
#include "lua/card_put.h"
#include "lua/claim.h"
#include "lua/commit.h"
#include "lua/customer_link.h"
#include "lua/domain_put.h"
#include "lua/events.h"
#include "lua/extend.h"
#include "lua/fail.h"
#include "lua/enlist.h"
#include "lua/heartbeat.h"
#include "lua/load.h"
#include "lua/loss.h"
#include "lua/probe.h"
#include "lua/seen.h"
#include "redis/script_list.h"
#include "support/redis_fixture.h"

static struct redis_fixture redis;

/* What a script answered: its integers, in order, and its texts. */
static struct answer {
    bool there;
    enum sl_err err;
    size_t count;
    int64_t numbers[16];
    char texts[16][64];
} answer;

static void answered(void *arg, enum sl_err err, const struct reply *reply)
{
    size_t i;

    (void)arg;
    memset(&answer, 0, sizeof(answer));
    answer.err = err;
    answer.count = reply_count(reply);
    for (i = 0; i < answer.count && i < SL_COUNT(answer.numbers); i++) {
        const char *text = reply_text(reply_at(reply, i), NULL);

        answer.numbers[i] = reply_i64_or(reply_at(reply, i), 0);
        snprintf(answer.texts[i], sizeof(answer.texts[i]), "%s", text ? text : "");
    }
    answer.there = true;
}

static void wait_answer(void)
{
    answer.there = false;
    redis_fixture_wait(&redis, &answer.there);
}

static void begin(void)
{
    redis_fixture_open(&redis);
}

static void end(void)
{
    redis_fixture_close(&redis);
}

/* One word for the whole keyspace. */
static char *digest(void)
{
    return xstrdup(redis_fixture_ask(
        &redis, "EVAL",
        "local r = {} for _, k in ipairs(redis.call('KEYS', '*')) do r[#r + 1] = k .. redis.sha1hex(redis.call('DUMP', k)) end "
        "table.sort(r) return redis.sha1hex(table.concat(r))", "0", NULL));
}

/* ---- commit, with defaults ---- */

struct commit_words {
    const char *commit_id, *expect_version, *expect_token, *changes, *due, *lease, *snapshot, *mode, *once, *currencies;
    const char *tallies[8];
};

static int64_t commit(struct commit_words words)
{
    struct lua_commit_keys keys = {
        slice_of("{a}:m"), slice_of("{a}:m:events"), slice_of("{a}:wheel"), slice_of("{a}:accounts"), slice_of("{a}:feed"),
        slice_of("{a}:failed"), slice_of(words.once ? "{a}:m:once:k" : "{a}:m"), slice_of("{a}:retrying"),
    };
    struct slice tallies[8];
    struct lua_commit_args args = {
        slice_of("inv:m"), slice_of(words.commit_id ? words.commit_id : "c1"),
        slice_of(words.expect_version ? words.expect_version : "0"), slice_of(words.expect_token ? words.expect_token : "0"),
        slice_of(words.changes ? words.changes : ""), slice_of(words.due ? words.due : "keep"),
        slice_of(words.lease ? words.lease : "0"), slice_of("act"), slice_of("out"),
        slice_of(words.snapshot ? words.snapshot : ""), slice_of(words.mode ? words.mode : ""),
        slice_of(words.once ? words.once : ""), slice_of(""), slice_of(words.currencies ? words.currencies : ""), tallies, 0,
    };

    while (args.tallies_count < 8 && words.tallies[args.tallies_count]) {
        tallies[args.tallies_count] = slice_of(words.tallies[args.tallies_count]);
        args.tallies_count++;
    }
    lua_commit(redis.client, &keys, &args, 5000, answered, NULL);
    wait_answer();
    return answer.err ? -1 : answer.numbers[0];
}

static const char *ask(const char *command, const char *key, const char *rest)
{
    return rest ? redis_fixture_ask(&redis, command, key, rest, NULL) : redis_fixture_ask(&redis, command, key, NULL);
}

static void make_machine(void)
{
    cr_assert_eq(commit((struct commit_words){ .commit_id = "birth", .changes = "[1]", .due = "5000" }), LUA_COMMIT_DONE);
}

/* If this fails, a turn may become visible in part. */
Test(commit, moves_event_timer_ledger_feed_and_snapshot_together, .init = begin, .fini = end)
{
    cr_assert_eq(commit((struct commit_words){ .changes = "[{\"x\":9007199254740993}]", .due = "1234567890123",
                                               .snapshot = "{\"s\":1}", .tallies = { "1:own", "-99999999999999999", "2:own", "7" } }),
                 LUA_COMMIT_DONE);
    cr_expect_eq(answer.numbers[1], 1);
    cr_expect_eq(answer.numbers[2], 0);
    cr_expect_str_eq(ask("XLEN", "{a}:m:events", NULL), "1");
    cr_expect(strstr(redis_fixture_ask(&redis, "XRANGE", "{a}:m:events", "1", "1", NULL), "9007199254740993"));
    cr_expect_str_eq(ask("ZSCORE", "{a}:wheel", "inv:m"), "1234567890123");
    cr_expect_str_eq(ask("HGET", "{a}:accounts", "1:own"), "-99999999999999999");
    cr_expect_str_eq(ask("XLEN", "{a}:feed", NULL), "1");
    cr_expect_str_eq(ask("HGET", "{a}:m", "state"), "{\"s\":1}");
    cr_expect_str_eq(ask("HGET", "{a}:m", "v"), "1");
}

/* If this fails, an answer that was lost makes a turn happen twice. */
Test(commit, the_same_commit_again_is_done_and_changes_nothing, .init = begin, .fini = end)
{
    struct commit_words words = { .changes = "[1]", .due = "none", .lease = "60000", .tallies = { "1:own", "5" } };
    char *before, *after;
    int64_t token;

    cr_assert_eq(commit(words), LUA_COMMIT_DONE);
    token = answer.numbers[2];
    cr_expect_gt(token, answer.numbers[3]);
    before = digest();
    cr_expect_eq(commit(words), LUA_COMMIT_DONE);
    cr_expect_eq(answer.numbers[1], 1);
    cr_expect_eq(answer.numbers[2], token);
    after = digest();
    cr_expect_str_eq(before, after);
    free(before);
    free(after);
}

/* If this fails, a command that is forbidden (or allowed again) in the middle of a day leaves half a commit: an event
 * without its postings. */
Test(commit, a_user_who_may_not_write_all_of_it_writes_nothing, .init = begin, .fini = end)
{
    static const char *const commands[] = { "xadd", "hincrby", "hset", "hdel", "zadd", "zrem" };
    struct commit_words words = {
        .commit_id = "r", .expect_version = "1", .changes = "[2]", .due = "none", .tallies = { "1:own", "5" },
    };
    char forbid[16], allow[16], *before, *after;
    size_t i;

    make_machine();
    before = digest();
    for (i = 0; i < SL_COUNT(commands); i++) {
        snprintf(forbid, sizeof(forbid), "-%s", commands[i]);
        snprintf(allow, sizeof(allow), "+%s", commands[i]);
        cr_assert_str_eq(redis_fixture_ask(&redis, "ACL", "SETUSER", "default", forbid, NULL), "OK");
        cr_expect_eq(commit(words), -1, "%s", commands[i]);
        cr_expect_eq(answer.err, SL_EDOWN, "%s: %s, which is no fault of the machine's", commands[i], sl_err_name(answer.err));
        cr_assert_str_eq(redis_fixture_ask(&redis, "ACL", "SETUSER", "default", allow, NULL), "OK");
        after = digest();
        cr_expect_str_eq(after, before, "%s: something was written", commands[i]);
        free(after);
    }
    cr_expect_eq(commit(words), LUA_COMMIT_DONE);
    free(before);
}

/* If this fails, a refused commit leaves something behind. */
Test(commit, refusals_leave_no_trace, .init = begin, .fini = end)
{
    static const struct {
        const char *name;
        struct commit_words words;
        int64_t code;
    } rows[] = {
        { "exists", { .commit_id = "r", .expect_version = "0", .changes = "[2]" }, LUA_COMMIT_EXISTS },
        { "old version", { .commit_id = "r", .expect_version = "2", .changes = "[2]" }, LUA_COMMIT_CONFLICT },
        { "lost claim", { .commit_id = "r", .expect_version = "1", .expect_token = "77", .changes = "[2]" }, LUA_COMMIT_CONFLICT },
        { "repair of a working one", { .commit_id = "r", .expect_version = "1", .mode = "r" }, LUA_COMMIT_NOT_FAILED },
        { "posting of 19 digits", { .commit_id = "r", .expect_version = "1", .changes = "[2]", .tallies = { "1:own", "1", "2:own", "1999999999999999999" } }, LUA_COMMIT_RANGE },
        { "posting that is no number", { .commit_id = "r", .expect_version = "1", .changes = "[2]", .tallies = { "1:own", "1.5" } }, LUA_COMMIT_RANGE },
        { "wrong arguments", { .commit_id = "r", .expect_version = "x", .changes = "[2]" }, -1 },
        { "half a posting", { .commit_id = "r", .expect_version = "1", .changes = "[2]", .tallies = { "1:own" } }, -1 },
    };
    char *before, *after;
    size_t i;

    make_machine();
    before = digest();
    for (i = 0; i < SL_COUNT(rows); i++) {
        cr_expect_eq(commit(rows[i].words), rows[i].code, "%s", rows[i].name);
        after = digest();
        cr_expect_str_eq(before, after, "%s", rows[i].name);
        free(after);
    }
    free(before);
}

/* If this fails, a key that somebody overwrote turns a commit into half a commit. */
Test(commit, keys_of_a_wrong_type_are_found_before_the_first_write, .init = begin, .fini = end)
{
    static const char *const keys[] = {
        "{a}:m", "{a}:m:events", "{a}:wheel", "{a}:accounts", "{a}:feed", "{a}:failed",
    };
    char *before, *after;
    size_t i;

    for (i = 0; i < SL_COUNT(keys); i++) {
        redis_fixture_ask(&redis, "FLUSHALL", NULL);
        make_machine();
        redis_fixture_ask(&redis, "SET", keys[i], "mine", NULL);
        before = digest();
        cr_expect_eq(commit((struct commit_words){ .commit_id = "w", .expect_version = "1", .changes = "[2]",
                                                   .due = "none", .tallies = { "1:own", "5" } }), -1, "%s", keys[i]);
        cr_expect_eq(answer.err, SL_EREFUSED, "%s", keys[i]);
        after = digest();
        cr_expect_str_eq(before, after, "%s", keys[i]);
        free(before);
        free(after);
    }
    redis_fixture_ask(&redis, "FLUSHALL", NULL);
    make_machine();
    redis_fixture_ask(&redis, "HSET", "{a}:accounts", "1:own", "much", NULL);
    cr_expect_eq(commit((struct commit_words){ .commit_id = "w", .expect_version = "1", .changes = "[2]",
                                               .tallies = { "1:own", "5" } }), LUA_COMMIT_RANGE);
    cr_expect_str_eq(ask("XLEN", "{a}:m:events", NULL), "1");
}

/* If this fails, what somebody wrote into a field by hand turns a commit into half a commit. */
Test(commit, fields_that_make_no_sense_are_found_before_the_first_write, .init = begin, .fini = end)
{
    static const struct {
        const char *name, *key, *field, *value;
        struct commit_words words;
        int64_t code;
    } rows[] = {
        { "balance with zeros in front", "{a}:accounts", "1:own", "007", { .tallies = { "1:own", "5" } }, LUA_COMMIT_RANGE },
        { "balance of minus zero", "{a}:accounts", "1:own", "-0", { .tallies = { "1:own", "5" } }, LUA_COMMIT_RANGE },
        { "balance of 18 digits", "{a}:accounts", "1:own", "100000000000000000", { .tallies = { "1:own", "5" } }, LUA_COMMIT_RANGE },
        { "the same below zero", "{a}:accounts", "1:own", "-100000000000000000", { .tallies = { "1:own", "5" } }, LUA_COMMIT_RANGE },
        { "second posting bad", "{a}:accounts", "2:own", "x", { .tallies = { "1:own", "5", "2:own", "-5" } }, LUA_COMMIT_RANGE },
        { "posting with zeros in front", "{a}:m", "note", "1", { .tallies = { "1:own", "007" } }, LUA_COMMIT_RANGE },
        { "empty posting", "{a}:m", "note", "1", { .tallies = { "1:own", "" } }, LUA_COMMIT_RANGE },
        { "a field twice", "{a}:m", "note", "1", { .tallies = { "1:own", "99999999999999999", "1:own", "1" } }, -1 },
        { "stored timer no number", "{a}:m", "due", "soon", { .due = "keep" }, -1 },
        { "stored timer nan", "{a}:m", "due", "nan", { .due = "keep" }, -1 },
        { "quiet no number", "{a}:m", "quiet", "x", { .changes = "" }, -1 },
        { "timer nan", "{a}:m", "note", "1", { .due = "nan" }, -1 },
        { "timer with blanks", "{a}:m", "note", "1", { .due = " 5" }, -1 },
        { "timer that is no whole number", "{a}:m", "note", "1", { .due = "1.5" }, -1 },
        { "claims only, yet a change", "{a}:m", "note", "1", { .mode = "c", .lease = "100" }, -1 },
        { "claims only, yet a posting", "{a}:m", "note", "1", { .changes = "", .mode = "c", .lease = "100", .tallies = { "1:own", "1" } }, -1 },
    };
    char *before, *after;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct commit_words words = rows[i].words;

        redis_fixture_ask(&redis, "FLUSHALL", NULL);
        make_machine();
        redis_fixture_ask(&redis, "HSET", rows[i].key, rows[i].field, rows[i].value, NULL);
        words.commit_id = "w";
        words.expect_version = "1";
        words.changes = words.changes ? words.changes : "[2]";
        before = digest();
        cr_expect_eq(commit(words), rows[i].code, "%s: %lld", rows[i].name, (long long)answer.numbers[0]);
        after = digest();
        cr_expect_str_eq(before, after, "%s", rows[i].name);
        free(before);
        free(after);
    }
}

/* If this fails, sums of the greatest postings leave what Redis can hold, or legal ones are refused. */
Test(commit, postings_up_to_17_digits_are_exact, .init = begin, .fini = end)
{
    cr_assert_eq(commit((struct commit_words){ .commit_id = "1", .changes = "[1]", .due = "none",
                                               .tallies = { "1:own", "99999999999999998", "2:own", "-99999999999999998" } }), LUA_COMMIT_DONE);
    cr_assert_eq(commit((struct commit_words){ .commit_id = "2", .expect_version = "1", .changes = "[2]",
                                               .tallies = { "1:own", "1", "2:own", "-1", "3:own", "0" } }), LUA_COMMIT_DONE);
    cr_expect_str_eq(ask("HGET", "{a}:accounts", "1:own"), "99999999999999999");
    cr_expect_str_eq(ask("HGET", "{a}:accounts", "2:own"), "-99999999999999999");
    cr_assert_eq(commit((struct commit_words){ .commit_id = "3", .expect_version = "2", .changes = "[3]",
                                               .tallies = { "1:own", "-99999999999999999" } }), LUA_COMMIT_DONE);
    cr_expect_str_eq(ask("HGET", "{a}:accounts", "1:own"), "0");
}

/* If this fails, a machine that is parked or removed is changed all the same. */
/* If it fails, an account is credited in a currency that it is not kept in: doc/spec/accounting.md 3 row 12. */
Test(commit, an_account_keeps_its_first_currency, .init = begin, .fini = end)
{
    char *before;

    cr_assert_eq(commit((struct commit_words){ .changes = "[1]", .due = "none", .currencies = "1 RUB 2 RUB",
                                               .tallies = { "1:own", "5", "2:own", "-5" } }), LUA_COMMIT_DONE);
    cr_expect_str_eq(ask("HGET", "{a}:accounts", "1:currency"), "RUB");
    cr_expect_str_eq(ask("HGET", "{a}:accounts", "2:currency"), "RUB");
    before = xstrdup(redis_fixture_ask(&redis, "DEBUG", "DIGEST", NULL));
    cr_expect_eq(commit((struct commit_words){ .commit_id = "c2", .expect_version = "1", .changes = "[2]", .due = "none",
                                               .currencies = "3 USD 2 USD", .tallies = { "3:own", "5", "2:own", "-5" } }),
                 LUA_COMMIT_CURRENCY);
    cr_expect_str_eq(redis_fixture_ask(&redis, "DEBUG", "DIGEST", NULL), before, "a refusal leaves no trace");
    free(before);
    cr_expect_eq(commit((struct commit_words){ .commit_id = "c3", .expect_version = "1", .changes = "[2]", .due = "none",
                                               .currencies = "1 RUB 3 USD", .tallies = { "1:own", "1", "3:own", "5" } }),
                 LUA_COMMIT_DONE, "one that was not named yet takes the currency it is given");
    cr_expect_str_eq(ask("HGET", "{a}:accounts", "3:currency"), "USD");
}

Test(commit, what_is_failed_or_removed_takes_nothing, .init = begin, .fini = end)
{
    static const struct {
        const char *name, *status;
        struct commit_words words;
        int64_t code;
    } rows[] = {
        { "failed, a change", "failed", { .changes = "[2]" }, LUA_COMMIT_FAILED },
        { "failed, a quiet one", "failed", { .due = "9" }, LUA_COMMIT_FAILED },
        { "failed, a claim", "failed", { .lease = "100", .mode = "c" }, LUA_COMMIT_FAILED },
        { "removed, a change", "removed", { .changes = "[2]" }, LUA_COMMIT_MISSING },
        { "removed, a repair", "removed", { .mode = "r" }, LUA_COMMIT_MISSING },
        { "removed, a start", "removed", { .expect_version = "0", .changes = "[1]" }, LUA_COMMIT_EXISTS },
        { "retrying, a repair", "retrying", { .mode = "r" }, LUA_COMMIT_NOT_FAILED },
    };
    char *before, *after;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct commit_words words = rows[i].words;

        redis_fixture_ask(&redis, "FLUSHALL", NULL);
        make_machine();
        redis_fixture_ask(&redis, "HSET", "{a}:m", "status", rows[i].status, NULL);
        words.commit_id = "w";
        words.expect_version = words.expect_version ? words.expect_version : "1";
        before = digest();
        cr_expect_eq(commit(words), rows[i].code, "%s: %lld", rows[i].name, (long long)answer.numbers[0]);
        after = digest();
        cr_expect_str_eq(before, after, "%s", rows[i].name);
        free(before);
        free(after);
    }
}

/* If this fails, a repair's or a removal's lost answer makes it happen twice, or be refused. */
Test(commit, every_mode_answers_a_repeat_as_done, .init = begin, .fini = end)
{
    static const struct {
        const char *name, *status;
        struct commit_words words;
    } rows[] = {
        { "claim", "working", { .lease = "60000", .mode = "c" } },
        { "quiet", "working", { .due = "9" } },
        { "repair", "failed", { .mode = "r" } },
        { "repair with a change", "failed", { .changes = "[2]", .mode = "r" } },
        { "removal", "working", { .changes = "[2]", .mode = "x" } },
        { "finished", "working", { .changes = "[2]", .snapshot = "-", .due = "none" } },
    };
    char *before, *after;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct commit_words words = rows[i].words;

        redis_fixture_ask(&redis, "FLUSHALL", NULL);
        make_machine();
        redis_fixture_ask(&redis, "HSET", "{a}:m", "status", rows[i].status, NULL);
        words.commit_id = "w";
        words.expect_version = "1";
        cr_expect_eq(commit(words), LUA_COMMIT_DONE, "%s", rows[i].name);
        before = digest();
        cr_expect_eq(commit(words), LUA_COMMIT_DONE, "%s again", rows[i].name);
        after = digest();
        cr_expect_str_eq(before, after, "%s", rows[i].name);
        free(before);
        free(after);
    }
}

/* If this fails, polls share an idempotency key, or a claim alone counts as one. */
Test(commit, counts_quiet_commits_but_not_claims, .init = begin, .fini = end)
{
    char token[24];

    make_machine();
    cr_assert_eq(commit((struct commit_words){ .commit_id = "claim", .expect_version = "1", .lease = "60000", .mode = "c" }), LUA_COMMIT_DONE);
    snprintf(token, sizeof(token), "%lld", (long long)answer.numbers[2]);
    cr_expect_str_eq(ask("HGET", "{a}:m", "quiet"), "0");
    cr_expect_str_eq(ask("HGET", "{a}:m", "due"), "5000");
    cr_assert_eq(commit((struct commit_words){ .commit_id = "q1", .expect_version = "1", .expect_token = token, .due = "6000" }), LUA_COMMIT_DONE);
    cr_expect_str_eq(ask("HGET", "{a}:m", "quiet"), "1");
    cr_expect_str_eq(ask("ZSCORE", "{a}:wheel", "inv:m"), "6000");
    cr_assert_eq(commit((struct commit_words){ .commit_id = "e2", .expect_version = "1", .changes = "[2]", .due = "none" }), LUA_COMMIT_DONE);
    cr_expect_str_eq(ask("HGET", "{a}:m", "quiet"), "0");
    cr_expect_str_eq(ask("ZSCORE", "{a}:wheel", "inv:m"), "nil");
}

/* If this fails, a machine that one daemon works on is taken by another's quiet commit. */
Test(commit, without_changes_respects_anothers_claim, .init = begin, .fini = end)
{
    make_machine();
    cr_assert_eq(commit((struct commit_words){ .commit_id = "a", .expect_version = "1", .lease = "60000", .mode = "c" }), LUA_COMMIT_DONE);
    cr_expect_eq(commit((struct commit_words){ .commit_id = "b", .expect_version = "1", .lease = "60000", .mode = "c" }), LUA_COMMIT_CONFLICT);
}

/* If this fails, an id comes back to life, or a removed machine keeps its timer. */
Test(commit, a_removed_machine_stays_removed, .init = begin, .fini = end)
{
    make_machine();
    cr_assert_eq(commit((struct commit_words){ .commit_id = "x", .expect_version = "1", .changes = "[2]", .due = "9000", .mode = "x" }), LUA_COMMIT_DONE);
    cr_expect_str_eq(ask("HGET", "{a}:m", "status"), "removed");
    cr_expect_str_eq(ask("ZSCORE", "{a}:wheel", "inv:m"), "nil");
    cr_expect_eq(commit((struct commit_words){ .commit_id = "y", .expect_version = "2", .changes = "[3]" }), LUA_COMMIT_MISSING);
    cr_expect_eq(commit((struct commit_words){ .commit_id = "z", .changes = "[1]" }), LUA_COMMIT_EXISTS);
}

/* ---- fail ---- */

static int64_t fail(const char *version, const char *token, const char *retry)
{
    struct lua_fail_keys keys = { slice_of("{a}:m"), slice_of("{a}:m:events"), slice_of("{a}:wheel"), slice_of("{a}:failed"), slice_of("{a}:retrying") };
    struct lua_fail_args args = {
        slice_of("inv:m"), slice_of(version), slice_of(token), slice_of("why"), slice_of(retry), slice_of("3"),
        slice_of("unknown_outcome"), slice_of(""),
    };

    lua_fail(redis.client, &keys, &args, 5000, answered, NULL);
    wait_answer();
    return answer.err ? -1 : answer.numbers[0];
}

/* If this fails, a failing step is lost from the wheel, or a parked machine goes on by itself. */
Test(fail, retries_then_parks_and_a_repair_brings_it_back, .init = begin, .fini = end)
{
    make_machine();
    cr_assert_eq(fail("1", "0", "60000"), LUA_FAIL_DONE);
    cr_expect_str_eq(ask("HGET", "{a}:m", "status"), "retrying");
    cr_expect_gt(answer.numbers[1], answer.numbers[2]);
    cr_assert_eq(fail("1", "0", "0"), LUA_FAIL_DONE);
    cr_expect_str_eq(ask("HGET", "{a}:m", "status"), "failed");
    cr_expect_str_eq(ask("HGET", "{a}:m", "reason"), "why");
    cr_expect_str_eq(ask("HGET", "{a}:m", "cause"), "unknown_outcome");
    cr_expect_str_eq(ask("ZSCORE", "{a}:wheel", "inv:m"), "nil");
    cr_expect_str_neq(ask("ZSCORE", "{a}:failed", "inv:m"), "nil");
    cr_expect_eq(commit((struct commit_words){ .commit_id = "n", .expect_version = "1", .changes = "[2]" }), LUA_COMMIT_FAILED);
    cr_expect_eq(fail("1", "0", "0"), LUA_FAIL_CONFLICT, "it is parked already");
    cr_assert_eq(commit((struct commit_words){ .commit_id = "rep", .expect_version = "1", .mode = "r" }), LUA_COMMIT_DONE);
    cr_expect_str_eq(ask("HGET", "{a}:m", "status"), "working");
    cr_expect_str_eq(ask("HGET", "{a}:m", "reason"), "nil");
    cr_expect_str_eq(ask("HGET", "{a}:m", "cause"), "unknown_outcome", "nobody has answered");
    cr_expect_str_eq(ask("HGET", "{a}:m", "quiet"), "0", "what was not answered is asked again under its key");
    cr_assert_eq(commit((struct commit_words){ .commit_id = "on", .expect_version = "1", .changes = "[2]" }), LUA_COMMIT_DONE);
    cr_expect_str_eq(ask("HGET", "{a}:m", "cause"), "nil");
    cr_expect_str_eq(ask("ZSCORE", "{a}:failed", "inv:m"), "nil");
    cr_expect_str_eq(ask("ZSCORE", "{a}:wheel", "inv:m"), "5000", "the timer that failed is due again");
}

/* If this fails, a repair that needs something from outside and is refused leaves the parked machine on the wheel, to be
 * claimed for ever. */
Test(fail, a_repair_may_claim_and_let_go, .init = begin, .fini = end)
{
    char token[32];

    make_machine();
    cr_assert_eq(fail("1", "0", "0"), LUA_FAIL_DONE);
    cr_assert_eq(commit((struct commit_words){ .commit_id = "take", .expect_version = "1", .lease = "60000", .mode = "cr" }),
                 LUA_COMMIT_DONE);
    snprintf(token, sizeof(token), "%lld", (long long)answer.numbers[2]);
    cr_expect_str_eq(ask("ZSCORE", "{a}:wheel", "inv:m"), token);
    cr_expect_str_eq(ask("HGET", "{a}:m", "status"), "failed");
    cr_expect_eq(commit((struct commit_words){ .commit_id = "more", .expect_version = "1", .expect_token = token,
                                               .lease = "60000", .mode = "c" }), LUA_COMMIT_FAILED);
    cr_assert_eq(commit((struct commit_words){ .commit_id = "go", .expect_version = "1", .expect_token = token, .mode = "c" }),
                 LUA_COMMIT_DONE);
    cr_expect_str_eq(ask("ZSCORE", "{a}:wheel", "inv:m"), "nil");
    cr_expect_str_eq(ask("HGET", "{a}:m", "due"), "5000", "the timer is kept");
    cr_expect_str_eq(ask("HGET", "{a}:m", "status"), "failed");
    cr_expect_str_neq(ask("ZSCORE", "{a}:failed", "inv:m"), "nil");
}

/* If this fails, what somebody answered with no is asked again under the key that has that answer. */
Test(fail, a_repair_after_a_no_asks_anew, .init = begin, .fini = end)
{
    make_machine();
    cr_assert_eq(fail("1", "0", "0"), LUA_FAIL_DONE);
    redis_fixture_ask(&redis, "HSET", "{a}:m", "cause", "declined", NULL);
    cr_assert_eq(commit((struct commit_words){ .commit_id = "rep", .expect_version = "1", .mode = "r" }), LUA_COMMIT_DONE);
    cr_expect_str_eq(ask("HGET", "{a}:m", "quiet"), "1");
}

/* If this fails, a daemon that lost its claim can park what another has done. */
Test(fail, refusals_leave_no_trace, .init = begin, .fini = end)
{
    char *before, *after;

    make_machine();
    before = digest();
    cr_expect_eq(fail("2", "0", "0"), LUA_FAIL_CONFLICT);
    cr_expect_eq(fail("1", "77", "0"), LUA_FAIL_CONFLICT);
    cr_expect_eq(fail("one", "0", "0"), -1);
    redis_fixture_ask(&redis, "SET", "{a}:failed", "mine", NULL);
    cr_expect_eq(fail("1", "0", "0"), -1);
    redis_fixture_ask(&redis, "DEL", "{a}:failed", NULL);
    after = digest();
    cr_expect_str_eq(before, after);
    free(before);
    free(after);
}

/* ---- claim, extend ---- */

static int64_t claim(const char *limit, const char *lease)
{
    struct lua_claim_keys keys = { slice_of("{a}:wheel") };
    struct lua_claim_args args = { slice_of(limit), slice_of(lease) };

    lua_claim(redis.client, &keys, &args, 5000, answered, NULL);
    wait_answer();
    return answer.err ? -1 : answer.numbers[0];
}

/* If this fails, timers are run out of order, early, or by two daemons at once. */
Test(claim, takes_the_oldest_due_once_and_never_early, .init = begin, .fini = end)
{
    redis_fixture_ask(&redis, "ZADD", "{a}:wheel", "3", "inv:c", "1", "inv:a", "2", "inv:b", "9999999999999", "inv:z", NULL);
    cr_assert_eq(claim("2", "60000"), LUA_CLAIM_DONE);
    cr_assert_eq(answer.count, 8);
    cr_expect_str_eq(answer.texts[4], "inv:a");
    cr_expect_str_eq(answer.texts[6], "inv:b");
    cr_expect_eq(answer.numbers[5], 1, "the score that it had");
    cr_expect_eq(answer.numbers[3], answer.numbers[1] + 60000, "the token is the end of the claim");
    cr_expect_eq(answer.numbers[2], 3, "what is left first");
    cr_assert_eq(claim("10", "60000"), LUA_CLAIM_DONE);
    cr_expect_eq(answer.count, 6, "only the third is left");
    cr_assert_eq(claim("10", "60000"), LUA_CLAIM_DONE);
    cr_expect_eq(answer.count, 4, "a second claim finds nothing");
    cr_expect_eq(claim("1001", "60000"), -1);
    cr_expect_eq(claim("1", "0"), -1);
}

/* If this fails, the machines of a dead daemon are lost. */
Test(claim, a_claim_that_ran_out_is_due_again, .init = begin, .fini = end)
{
    int64_t until_us = clock_mono_us() + 5000000;

    redis_fixture_ask(&redis, "ZADD", "{a}:wheel", "1", "inv:a", NULL);
    cr_assert_eq(claim("1", "20"), LUA_CLAIM_DONE);
    do {
        cr_assert_lt(clock_mono_us(), until_us);
        cr_assert_eq(claim("1", "60000"), LUA_CLAIM_DONE);
    } while (answer.count < 6);
    cr_expect_str_eq(answer.texts[4], "inv:a");
}

static int64_t extend(const char *token)
{
    struct lua_extend_keys keys = { slice_of("{a}:wheel") };
    struct lua_extend_args args = { slice_of("inv:a"), slice_of(token), slice_of("60000") };

    lua_extend(redis.client, &keys, &args, 5000, answered, NULL);
    wait_answer();
    return answer.err ? -1 : answer.numbers[0];
}

/* If this fails, a slow call loses its machine, or keeps one that another has. */
Test(extend, only_the_holder_may, .init = begin, .fini = end)
{
    char *before, *after;

    redis_fixture_ask(&redis, "ZADD", "{a}:wheel", "500", "inv:a", NULL);
    cr_assert_eq(extend("500"), LUA_EXTEND_DONE);
    cr_expect_eq(answer.numbers[1], answer.numbers[2] + 60000);
    before = digest();
    cr_expect_eq(extend("500"), LUA_EXTEND_CONFLICT);
    cr_expect_eq(extend("x"), -1);
    after = digest();
    cr_expect_str_eq(before, after);
    free(before);
    free(after);
}

/* ---- bind, heartbeat, load, events, domain_put ---- */

static int64_t bind(const char *id)
{
    struct lua_bind_keys keys = { slice_of("{a}:tag:t") };
    struct lua_bind_args args = { slice_of(id) };

    lua_bind(redis.client, &keys, &args, 5000, answered, NULL);
    wait_answer();
    return answer.err ? -1 : answer.numbers[0];
}

/* If this fails, a callback reaches another's payment. */
Test(bind, a_tag_is_bound_once_and_for_all, .init = begin, .fini = end)
{
    cr_expect_eq(bind("inv:a"), LUA_BIND_DONE);
    cr_expect_eq(bind("inv:a"), LUA_BIND_DONE);
    cr_expect_eq(bind("inv:b"), LUA_BIND_BOUND_ELSEWHERE);
    cr_expect_str_eq(answer.texts[1], "inv:a");
    cr_expect_eq(bind(""), -1);
}

static void heartbeat(const char *name, const char *silent, const char *leaving)
{
    struct lua_heartbeat_keys keys = { slice_of("daemons") };
    struct lua_heartbeat_args args = { slice_of(name), slice_of(silent), slice_of(leaving) };

    lua_heartbeat(redis.client, &keys, &args, 5000, answered, NULL);
    wait_answer();
}

/* If this fails, partitions stay with daemons that are gone. */
Test(heartbeat, tells_who_is_there_and_forgets_who_is_not, .init = begin, .fini = end)
{
    redis_fixture_ask(&redis, "ZADD", "daemons", "1", "dead", NULL);
    heartbeat("b", "3000", "0");
    heartbeat("a", "3000", "0");
    cr_assert_eq(answer.count, 4);
    cr_expect_str_eq(answer.texts[2], "a");
    cr_expect_str_eq(answer.texts[3], "b");
    heartbeat("b", "3000", "1");
    cr_assert_eq(answer.count, 3);
    cr_expect_str_eq(answer.texts[2], "a");
}

static int64_t enlist(const char *name, const char *instance, const char *silent, const char *leaving)
{
    struct lua_enlist_keys keys = { slice_of("cards") };
    struct lua_enlist_args args = {
        slice_of(name), slice_of(instance), slice_of(instance), slice_of(silent), slice_of(leaving),
    };

    lua_enlist(redis.client, &keys, &args, 5000, answered, NULL);
    wait_answer();
    return answer.err ? -1 : answer.numbers[0];
}

/* If this fails, two daemons have one name, or one that was killed keeps it. */
Test(enlist, a_name_is_of_one_instance_that_is_not_silent, .init = begin, .fini = end)
{
    char *before, *after;

    redis_fixture_ask(&redis, "HSET", "cards", "dead", "1 x x", "broken", "nonsense", NULL);
    cr_expect_eq(enlist("a", "one", "60000", "0"), LUA_ENLIST_DONE);
    cr_expect_str_eq(redis_fixture_ask(&redis, "HLEN", "cards", NULL), "1", "who is silent or makes no sense is forgotten");
    cr_expect_eq(enlist("b", "two", "60000", "0"), LUA_ENLIST_DONE);
    cr_assert_eq(answer.count, 5);
    cr_expect_str_eq(answer.texts[1], "a");
    cr_expect_str_eq(answer.texts[2], "one");
    cr_expect_str_eq(answer.texts[3], "b");
    before = digest();
    cr_expect_eq(enlist("a", "three", "60000", "0"), LUA_ENLIST_TAKEN);
    cr_expect_str_eq(answer.texts[2], "one", "the card of the one who has it");
    cr_expect_eq(enlist("a", "three", "60000", "1"), LUA_ENLIST_TAKEN, "nobody leaves in another's place");
    cr_expect_eq(enlist("", "three", "60000", "0"), -1);
    cr_expect_eq(enlist("c", "", "60000", "0"), -1);
    cr_expect_eq(enlist("c", "th ree", "60000", "0"), -1);
    cr_expect_eq(enlist("c", "three", "0", "0"), -1);
    after = digest();
    cr_expect_str_eq(before, after, "a refusal left something behind");
    cr_expect_eq(enlist("a", "one", "60000", "1"), LUA_ENLIST_DONE);
    cr_expect_eq(answer.count, 3);
    cr_expect_eq(enlist("a", "three", "60000", "0"), LUA_ENLIST_DONE);
    redis_fixture_ask(&redis, "HSET", "cards", "a", "1 one one", NULL);
    cr_expect_eq(enlist("a", "four", "60000", "0"), LUA_ENLIST_DONE, "who is silent has no name");
    free(before);
    free(after);
}

static void load(const char *at)
{
    struct lua_load_keys keys = { slice_of("{a}:m"), slice_of("{a}:m:events"), slice_of("{a}:wheel") };
    struct lua_load_args args = { slice_of("inv:m"), slice_of(at) };

    lua_load(redis.client, &keys, &args, 5000, answered, NULL);
    wait_answer();
}

/* If this fails, a machine is folded from the wrong events. */
Test(load, gives_what_is_there_and_changes_nothing, .init = begin, .fini = end)
{
    char *before, *after;

    load("0");
    cr_expect_eq(answer.err, SL_OK);
    cr_expect_eq(answer.numbers[2], 0, "no machine, no events");
    make_machine();
    before = digest();
    load("0");
    cr_expect_eq(answer.numbers[2], 1);
    cr_expect_eq(answer.numbers[3], 5000);
    load("1");
    cr_expect_eq(answer.numbers[2], 1);
    load("-1");
    cr_expect_eq(answer.err, SL_EREFUSED);
    after = digest();
    cr_expect_str_eq(before, after);
    free(before);
    free(after);
}

static void events(const char *after, const char *limit)
{
    struct lua_events_keys keys = { slice_of("{a}:m:events") };
    struct lua_events_args args = { slice_of(after), slice_of(limit) };

    lua_events(redis.client, &keys, &args, 5000, answered, NULL);
    wait_answer();
}

/* If this fails, a reader misses events or sees them twice. */
Test(events, refuses_what_is_out_of_range, .init = begin, .fini = end)
{
    make_machine();
    events("0", "10");
    cr_expect_eq(answer.err, SL_OK);
    cr_expect_eq(answer.numbers[2], 1);
    events("5", "10");
    cr_expect_eq(answer.err, SL_OK, "past the end is no error");
    events("-1", "10");
    cr_expect_eq(answer.err, SL_EREFUSED);
    events("0", "0");
    cr_expect_eq(answer.err, SL_EREFUSED);
    events("0", "1001");
    cr_expect_eq(answer.err, SL_EREFUSED);
}

static int64_t domain_put(const char *expect, const char *revision, const char *key)
{
    struct lua_domain_put_keys keys = { slice_of("{d}:head"), slice_of(key) };
    struct lua_domain_put_args args = { slice_of(expect), slice_of(revision), slice_of("{}") };

    lua_domain_put(redis.client, &keys, &args, 5000, answered, NULL);
    wait_answer();
    return answer.err ? -1 : answer.numbers[0];
}

/* If this fails, two operators overwrite each other's configuration. */
Test(domain_put, only_on_top_of_the_head_it_was_made_from, .init = begin, .fini = end)
{
    char *before, *after;

    cr_expect_eq(domain_put("0", "1", "{d}:1"), LUA_DOMAIN_PUT_DONE);
    cr_expect_eq(domain_put("1", "2", "{d}:2"), LUA_DOMAIN_PUT_DONE);
    before = digest();
    cr_expect_eq(domain_put("1", "3", "{d}:3"), LUA_DOMAIN_PUT_CONFLICT);
    cr_expect_eq(answer.numbers[1], 2);
    cr_expect_eq(domain_put("2", "3", "{d}:1"), LUA_DOMAIN_PUT_CONFLICT, "a document is never changed");
    cr_expect_eq(domain_put("2", "2", "{d}:3"), -1);
    after = digest();
    cr_expect_str_eq(before, after);
    free(before);
    free(after);
}

/* ---- card_put, customer_link ---- */

static int64_t card_put(const char *route, const char *created_at, const char *token)
{
    struct lua_card_put_keys keys = { slice_of("{a}:card") };
    struct lua_card_put_args args = { slice_of(route), slice_of(created_at), slice_of(token) };

    lua_card_put(redis.client, &keys, &args, 5000, answered, NULL);
    wait_answer();
    return answer.err ? -1 : answer.numbers[0];
}

/* If this fails, a token is replaced by an older one, or what makes no sense is kept. */
Test(card_put, keeps_the_newest_and_refuses_without_a_trace, .init = begin, .fini = end)
{
    static const struct {
        const char *route, *created_at, *token;
        int64_t code;
    } rows[] = {
        { "1:2", "10", "{}", LUA_CARD_PUT_DONE },       { "1:2", "9", "{\"old\":1}", LUA_CARD_PUT_NEWER_THERE },
        { "1:", "10", "{}", -1 },                       { "1:2", "-1", "{}", -1 },
        { "1:2", "10.5", "{}", -1 },                    { "1:2", "10", "", -1 },
        { ":", "10", "{}", -1 },                        { "x:2", "10", "{}", -1 },
    };
    char *before, *after;
    size_t i;

    cr_assert_eq(card_put("1:2", "10", "{}"), LUA_CARD_PUT_DONE);
    before = digest();
    for (i = 0; i < SL_COUNT(rows); i++)
        cr_expect_eq(card_put(rows[i].route, rows[i].created_at, rows[i].token), rows[i].code, "row %zu", i);
    after = digest();
    cr_expect_str_eq(before, after);
    free(before);
    free(after);
    cr_expect_str_eq(redis_fixture_ask(&redis, "HGET", "{a}:card", "1:2", NULL), "10 {}");
}

static int64_t customer_link(const char *created_at, const char *payment, const char *card)
{
    struct lua_customer_link_keys keys = { slice_of("{a}:payments"), slice_of("{a}:cards") };
    struct lua_customer_link_args args = { slice_of(created_at), slice_of(payment), slice_of(card) };

    lua_customer_link(redis.client, &keys, &args, 5000, answered, NULL);
    wait_answer();
    return answer.err ? -1 : answer.numbers[0];
}

/* If this fails, a repeat moves a payment to another moment, or half of a link is stored. */
Test(customer_link, once_is_enough_and_refusals_leave_no_trace, .init = begin, .fini = end)
{
    char *before, *after;

    cr_assert_eq(customer_link("10", "i/1", "card"), LUA_CUSTOMER_LINK_DONE);
    before = digest();
    cr_expect_eq(customer_link("20", "i/1", "card"), LUA_CUSTOMER_LINK_DONE);
    cr_expect_eq(customer_link("x", "i/1", "card"), -1);
    cr_expect_eq(customer_link("1", "", "card"), -1);
    after = digest();
    cr_expect_str_eq(before, after);
    free(before);
    free(after);
    redis_fixture_ask(&redis, "DEL", "{a}:cards", NULL);
    redis_fixture_ask(&redis, "SET", "{a}:cards", "mine", NULL);
    before = digest();
    cr_expect_eq(customer_link("30", "i/2", "card"), -1);
    after = digest();
    cr_expect_str_eq(before, after, "a wrong type of the second key is found before the first is written");
    free(before);
    free(after);
}

/* ---- all scripts ---- */

/* If this fails, a key that somebody overwrote turns another script's work into half of it. */
Test(scripts, keys_of_a_wrong_type_are_errors_without_a_trace, .init = begin, .fini = end)
{
    static const char *const strings[] = { "{a}:m", "{a}:m:events", "{a}:wheel", "{a}:failed", "daemons", "cards", "meta" };
    char *before, *after;
    size_t i;

    make_machine();
    for (i = 0; i < SL_COUNT(strings); i++)
        redis_fixture_ask(&redis, "SET", strings[i], "mine", NULL);
    redis_fixture_ask(&redis, "DEL", "{a}:tag:t", "{d}:head", NULL);
    redis_fixture_ask(&redis, "HSET", "{a}:tag:t", "a", "b", NULL);
    redis_fixture_ask(&redis, "HSET", "{d}:head", "a", "b", NULL);
    before = digest();
    cr_expect_eq(claim("1", "100"), -1);
    cr_expect_eq(extend("1"), -1);
    cr_expect_eq(fail("1", "0", "0"), -1);
    cr_expect_eq(bind("inv:a"), -1);
    heartbeat("a", "3000", "0");
    cr_expect_eq(answer.err, SL_EREFUSED);
    cr_expect_eq(enlist("a", "one", "3000", "0"), -1);
    load("0");
    cr_expect_eq(answer.err, SL_EREFUSED);
    events("0", "1");
    cr_expect_eq(answer.err, SL_EREFUSED);
    cr_expect_eq(domain_put("0", "1", "{d}:1"), -1);
    after = digest();
    cr_expect_str_eq(before, after);
    free(before);
    free(after);
}

/* If this fails, a reader is given other events than it asked for. */
Test(scripts, load_and_events_give_what_was_asked_for, .init = begin, .fini = end)
{
    static const struct {
        const char *after, *limit, *have, *lack;
    } rows[] = {
        { "0", "2", "[2]", "[3]" }, { "1", "1", "[2]", "[1]" }, { "2", "1000", "[4]", "[2]" }, { "4", "10", "[]", "[4]" },
    };
    char number[8], changes[8], *text;
    size_t i;

    for (i = 0; i < 4; i++) {
        snprintf(number, sizeof(number), "%zu", i);
        snprintf(changes, sizeof(changes), "[%zu]", i + 1);
        cr_assert_eq(commit((struct commit_words){ .commit_id = number, .expect_version = number, .changes = changes,
                                                   .due = "5000", .snapshot = i == 1 ? "{\"two\":2}" : "" }), LUA_COMMIT_DONE);
    }
    for (i = 0; i < SL_COUNT(rows); i++) {
        text = xstrdup(redis_fixture_ask(&redis, "EVAL", script_events.text, "1", "{a}:m:events", rows[i].after, rows[i].limit, NULL));
        cr_expect(strstr(text, rows[i].have), "row %zu: %s", i, text);
        cr_expect_not(strstr(text, rows[i].lack), "row %zu: %s", i, text);
        free(text);
    }
    text = xstrdup(redis_fixture_ask(&redis, "EVAL", script_load.text, "3", "{a}:m", "{a}:m:events", "{a}:wheel", "inv:m", "0", NULL));
    cr_expect(strstr(text, "{\"two\":2}") && strstr(text, "[3]") && strstr(text, "[4]"), "%s", text);
    cr_expect_not(strstr(text, "[2]"), "what the snapshot has: %s", text);
    free(text);
    text = xstrdup(redis_fixture_ask(&redis, "EVAL", script_load.text, "3", "{a}:m", "{a}:m:events", "{a}:wheel", "inv:m", "3", NULL));
    cr_expect(strstr(text, "[1]") && strstr(text, "[3]"), "%s", text);
    cr_expect_not(strstr(text, "[4]") || strstr(text, "two"), "the state as of event 3: %s", text);
    free(text);
}

/* CODE stands somewhere behind "return {" in TEXT's code, alone or as a choice ("x and 0 or 1"). */
static bool returns_code(const char *text, int64_t code)
{
    const char *at = text, *p;

    while ((at = strstr(at, "return {"))) {
        at += strlen("return {");
        for (p = at; *p && *p != ',' && *p != '}'; p++) {
            if (*p >= '0' && *p <= '9' && (p == at || p[-1] == ' ') && strtoll(p, NULL, 10) == code)
                return true;
        }
    }
    return strstr(text, "local answer = { 0,") && code == 0;
}

/* If this fails, a script's header says something else than the script does, and C believes the header. */
Test(scripts, headers_and_bodies_name_the_same_codes)
{
    struct script *const *script;
    size_t count = 0;

    for (script = script_list; *script; script++, count++) {
        const char *text = (*script)->text, *line = text;
        int64_t code, declared = 0;

        while ((line = strstr(line, "-- RETURNS "))) {
            line += strlen("-- RETURNS ");
            code = strtoll(line, NULL, 10);
            declared |= (int64_t)1 << code;
            cr_expect(returns_code(text, code), "%s never returns %lld", (*script)->name, (long long)code);
        }
        for (code = 0; code < 32; code++)
            cr_expect(declared >> code & 1 || !returns_code(text, code), "%s does not declare %lld", (*script)->name, (long long)code);
        cr_expect_eq(!strstr(text, "-- ERRORS SLARGS"), !strstr(text, "error_reply('SLARGS "), "%s", (*script)->name);
    }
    cr_expect_geq(count, 14);
}

/* ---- seen, loss, probe ---- */

static void seen(const char *first, const char *second)
{
    struct slice feeds[] = { slice_of("{a}:feed"), slice_of("{b}:feed") }, entries[] = { slice_of(first), slice_of(second) };
    struct lua_seen_keys keys = { .feeds = feeds, .feeds_count = 2 };
    struct lua_seen_args args = { .feeds = slice_of("2"), .entries = entries, .entries_count = 2 };

    lua_seen(redis.client, &keys, &args, 5000, answered, NULL);
    wait_answer();
    cr_assert_eq(answer.err, SL_OK);
}

/* If this fails, a feed that has gone on without what was seen passes for complete, or a complete one does not. */
Test(seen, an_entry_is_there_or_not_whatever_is_newer, .init = begin, .fini = end)
{
    redis_fixture_ask(&redis, "XADD", "{a}:feed", "5-0", "id", "x", NULL);
    redis_fixture_ask(&redis, "XADD", "{a}:feed", "9-1", "id", "x", NULL);
    seen("5-0", "");
    cr_expect(answer.numbers[1] == 1 && answer.numbers[3] == 1, "the older one is there, and nothing was asked of the other");
    cr_expect_str_eq(answer.texts[2], "9-1");
    cr_expect_str_eq(answer.texts[4], "");
    seen("7-0", "1-1");
    cr_expect(answer.numbers[1] == 0 && answer.numbers[3] == 0, "neither was ever there");
    seen("9-1", "");
    cr_expect_eq(answer.numbers[1], 1);
}

static int64_t loss(const char *report, const char *accepted)
{
    struct lua_loss_keys keys = { slice_of("sluice:meta") };
    struct lua_loss_args args = { slice_of(report), slice_of(accepted) };

    lua_loss(redis.client, &keys, &args, 5000, answered, NULL);
    wait_answer();
    return answer.err ? -1 : answer.numbers[0];
}

/* If this fails, an operator's word is undone by a daemon that had not heard it, or is given for a loss nobody has seen. */
Test(loss, is_reported_once_and_accepted_once, .init = begin, .fini = end)
{
    char accepted[32];

    cr_expect_eq(loss("gone", "0"), LUA_LOSS_NOTHING, "there is no deployment");
    cr_expect_str_eq(ask("EXISTS", "sluice:meta", NULL), "0");
    redis_fixture_ask(&redis, "HSET", "sluice:meta", "format", "1", NULL);
    cr_expect_eq(loss("", "0"), LUA_LOSS_NOTHING, "nobody has reported any");
    cr_expect_eq(loss("gone", "0"), LUA_LOSS_DONE);
    cr_expect_eq(loss("gone, too", "0"), LUA_LOSS_NOTHING);
    cr_expect_str_eq(ask("HGET", "sluice:meta", "suspect"), "gone");
    cr_expect_eq(loss("", "0"), LUA_LOSS_DONE);
    cr_expect_str_eq(answer.texts[1], "gone");
    cr_expect_str_eq(ask("HGET", "sluice:meta", "suspect"), "nil");
    snprintf(accepted, sizeof(accepted), "%s", ask("HGET", "sluice:meta", "accepted_at"));
    cr_expect_eq(strlen(accepted), 13);
    cr_expect_eq(loss("gone", "0"), LUA_LOSS_NOTHING, "a report from before");
    cr_expect_eq(loss("again", accepted), LUA_LOSS_DONE);
    cr_expect_eq(loss("", "0"), LUA_LOSS_DONE);
    cr_expect(strcmp(ask("HGET", "sluice:meta", "accepted_at"), accepted) > 0, "it only rises");
}

/* If this fails, the look at Redis changes it, or a Redis that takes no writes passes it. */
Test(probe, writes_nothing_and_is_refused_where_writes_are, .init = begin, .fini = end)
{
    struct lua_probe_keys keys = { slice_of("{a}:wheel") };
    char *before = digest(), *after;
    enum sl_err err;

    lua_probe(redis.client, &keys, NULL, 5000, answered, NULL);
    wait_answer();
    cr_assert_eq(answer.err, SL_OK);
    after = digest();
    cr_expect_str_eq(before, after);
    cr_expect_str_eq(ask("EXISTS", "{a}:wheel", NULL), "0");
    redis_fixture_ask(&redis, "CONFIG", "SET", "min-replicas-to-write", "1", NULL);
    lua_probe(redis.client, &keys, NULL, 5000, answered, NULL);
    wait_answer();
    err = answer.err;
    redis_fixture_ask(&redis, "CONFIG", "SET", "min-replicas-to-write", "0", NULL);
    cr_expect_eq(err, SL_EDOWN);
    free(before);
    free(after);
}

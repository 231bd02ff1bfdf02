/* What the engine keeps, and how it is put right: histories, snapshots, repairs and their rehearsals. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "engine/space.h"
#include "support/engine_rig.h"

/* ---- repairs ---- */

/* If this fails, a repair loses what it adds, or the step that failed does not run again. */
Test(engine_process, repair_after_non_retriable_error_test, .init = rig_begin, .fini = rig_end)
{
    rig_make_failed("a");
    rig_repair("a", &add_two);
    cr_expect_eq(rig.outcome.err, SL_OK);
    cr_expect_eq(rig.outcome.value, 102);
    WAIT_UNTIL("a", strcmp(now.text, "echo") == 0);
    cr_expect_str_eq(rig.outcome.status, "working");
    cr_expect_str_eq(rig.outcome.reason, "");
}

/* If this fails, what a refused repair had begun stays in memory, and the next one stores it. */
Test(engine, a_repair_that_does_not_fit_leaves_nothing_to_the_next_one, .init = rig_begin, .fini = rig_end)
{
    static const struct ask too_much = { ASK_ADD, -1000, NULL };
    struct outcome bad = { 0 }, good = { 0 };

    rig_make_failed("a");
    runtime_repair(rig.first.runtime, &counter_kind, "a", &too_much, 5000, rig_ended, &bad);
    runtime_repair(rig.first.runtime, &counter_kind, "a", &add_two, 5000, rig_ended, &good);
    redis_fixture_wait(&rig.redis, &bad.there);
    redis_fixture_wait(&rig.redis, &good.there);
    cr_expect_eq(bad.err, SL_EFAILED);
    cr_expect_eq(good.err, SL_OK);
    cr_expect_eq(good.ticks, 1);
    WAIT_UNTIL("a", strcmp(now.text, "echo") == 0);
    rig_expect_snapshot_is_history("a");
}

struct rehearsed {
    bool there;
    enum sl_err err;
    enum step_end end;
    size_t changes;
    int64_t value, version;
};

static void rehearsed(void *arg, const struct runtime_rehearsal *rehearsal)
{
    struct rehearsed *out = arg;
    const struct counter *state = rehearsal->state;

    *out = (struct rehearsed){ .there = true, .err = rehearsal->err, .version = rehearsal->version };
    if (!rehearsal->err) {
        out->end = rehearsal->out->end;
        out->changes = rehearsal->out->change_count;
        out->value = state->value;
    }
}

/* If this fails, a look at what a repair would do stores something, wakes the machine, or shows something else. */
Test(engine, a_rehearsal_shows_what_would_be_and_leaves_no_trace, .init = rig_begin, .fini = rig_end)
{
    static const struct ask too_much = { ASK_ADD, -1000, NULL };
    static const char digest[] = "local keys, text = redis.call('KEYS', 'sluice:{*'), '' table.sort(keys)\n"
                                 "for _, key in ipairs(keys) do text = text .. key .. redis.call('DUMP', key) end\n"
                                 "return redis.sha1hex(text)";
    const struct {
        const char *id;
        const struct ask *ask;
        struct rehearsed want;
    } rows[] = {
        { "a", &add_two, { true, SL_OK, STEP_OK, 2, 102, 1 } },
        { "a", &too_much, { true, SL_OK, STEP_FAIL, 0, 100, 1 } },
        { "well", &add_two, { .there = true, .err = SL_EREFUSED, .version = 1 } },
        { "nobody", &add_two, { .there = true, .err = SL_ENOENT } },
    };
    char before[64];
    size_t i;

    rig_make_failed("a");
    rig_start("well", 1);
    rig_look("a", 0);
    snprintf(before, sizeof(before), "%s", redis_fixture_ask(&rig.redis, "EVAL", digest, "0", NULL));
    for (i = 0; i < SL_COUNT(rows); i++) {
        struct rehearsed got = { 0 };

        runtime_rehearse(rig.first.runtime, &counter_kind, rows[i].id, IN_REPAIR, rows[i].ask, NULL, rehearsed, &got);
        redis_fixture_wait(&rig.redis, &got.there);
        cr_expect_eq(got.err, rows[i].want.err, "row %zu: %s", i, sl_err_name(got.err));
        cr_expect_eq(got.end, rows[i].want.end, "row %zu", i);
        cr_expect_eq(got.changes, rows[i].want.changes, "row %zu: %zu", i, got.changes);
        cr_expect_eq(got.value, rows[i].want.value, "row %zu: %lld", i, (long long)got.value);
        cr_expect_eq(got.version, rows[i].want.version, "row %zu: %lld", i, (long long)got.version);
    }
    cr_expect_str_eq(redis_fixture_ask(&rig.redis, "EVAL", digest, "0", NULL), before);
    rig_look("a", 0);
    cr_expect_str_eq(rig.outcome.status, "failed");
}

/* ---- histories ---- */

static struct {
    bool there;
    enum sl_err err;
    size_t count;
    int64_t version, numbers[64];
} page;

static void page_take(void *arg, const struct runtime_events *events)
{
    size_t i;

    (void)arg;
    page.there = true;
    page.err = events->err;
    page.count = events->count;
    page.version = events->version;
    for (i = 0; i < events->count; i++)
        page.numbers[i] = events->events[i].number;
}

static void page_read(const char *id, int64_t after, size_t limit)
{
    page.there = false;
    runtime_events(rig.first.runtime, &counter_kind, id, after, limit, page_take, NULL);
    redis_fixture_wait(&rig.redis, &page.there);
}

/* If this fails, who reads a history in pages misses events, or sees some twice. */
Test(engine_history_range, pages_have_every_event_once, .init = rig_begin, .fini = rig_end)
{
    static const struct {
        int64_t after;
        size_t limit, count;
    } rows[] = { { 0, 4, 4 }, { 4, 4, 4 }, { 8, 4, 2 }, { 10, 4, 0 }, { 42, 4, 0 }, { 0, 10, 10 }, { 0, 1000, 10 }, { 9, 1, 1 } };
    size_t i, k;

    rig_start("a", 0);
    for (i = 0; i < 9; i++)
        rig_call("a", (struct ask){ ASK_ADD, 1, NULL });
    for (i = 0; i < SL_COUNT(rows); i++) {
        page_read("a", rows[i].after, rows[i].limit);
        cr_expect_eq(page.err, SL_OK, "row %zu", i);
        cr_expect_eq(page.count, rows[i].count, "row %zu", i);
        cr_expect_eq(page.version, 10, "row %zu", i);
        for (k = 0; k < page.count; k++)
            cr_expect_eq(page.numbers[k], rows[i].after + 1 + (int64_t)k, "row %zu", i);
    }
    page_read("nobody", 0, 4);
    cr_expect_eq(page.err, SL_ENOENT);
}

/* If this fails, a hole in the stored events is taken for a shorter history. */
Test(engine_machine, get_corrupted_machine_fails, .init = rig_begin, .fini = rig_end)
{
    struct machine_keys keys;

    rig_start("a", 0);
    rig_call("a", (struct ask){ ASK_ADD, 1, NULL });
    rig_call("a", (struct ask){ ASK_ADD, 1, NULL });
    space_machine(rig.space, counter_kind.name, "a", &keys);
    redis_fixture_ask(&rig.redis, "HDEL", keys.machine, "state", "v", NULL);
    redis_fixture_ask(&rig.redis, "XDEL", keys.events, "2-0", NULL);
    cr_expect_eq(rig_look("a", 0).err, SL_ECORRUPT);
    cr_expect_eq(rig_call("a", (struct ask){ ASK_ADD, 1, NULL }).err, SL_ECORRUPT);
    cr_expect_str_eq(redis_fixture_ask(&rig.redis, "XLEN", keys.events, NULL), "2", "nothing is written behind a hole");
}

/* If this fails, the snapshot says something else than the history. */
Test(engine, the_snapshot_equals_the_folded_history, .init = rig_begin, .fini = rig_end)
{
    struct outcome snapshot, folded;
    int i;

    rig_start("a", 3);
    for (i = 0; i < 40; i++)
        rig_call("a", (struct ask){ ASK_ADD, i % 3, NULL });
    snapshot = rig_look("a", 0);
    folded = rig_look("a", snapshot.version);
    cr_expect_eq(snapshot.version, 41);
    cr_expect_eq(snapshot.value, folded.value);
    cr_expect_eq(snapshot.ticks, folded.ticks);
}

/* If this fails, the snapshot says something else than the history, in any field. */
Test(engine, the_snapshot_equals_the_history_in_every_field, .init = rig_begin, .fini = rig_end)
{
    int i;

    rig_start("a", 3);
    for (i = 0; i < 40; i++)
        rig_call("a", (struct ask){ ASK_ADD, i % 3, NULL });
    rig_call("a", (struct ask){ ASK_ECHO, 0, NULL });
    rig_call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", now.ticks > 0);
    rig_expect_snapshot_is_history("a");
}

/* Callers of the engine: keys under which they ask again, and what becomes of requests that come together. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "support/engine_rig.h"

/* ---- idempotency keys ---- */

static const struct runtime_once key_one = { "key-1", "f1" }, key_misused = { "key-1", "f2" };

static struct outcome call_once(struct rig_daemon *daemon, const char *id, const struct ask *ask, const struct runtime_once *once)
{
    rig.outcome.there = false;
    runtime_call_once(daemon->runtime, &counter_kind, id, ask, 5000, once, rig_ended, &rig.outcome);
    redis_fixture_wait(&rig.redis, &rig.outcome.there);
    return rig.outcome;
}

/* If this fails, a caller who asks again, anywhere, makes it happen twice, or hears something else than at first. */
Test(engine, a_key_gives_the_first_answer_again, .init = rig_begin, .fini = rig_end)
{
    rig_daemon_open(&rig.second, "second", 300);
    rig_start("a", 5);
    rig_start("b", 100);
    cr_expect_eq(call_once(&rig.first, "a", &add_two, &key_one).value, 7);
    cr_expect(!rig.outcome.repeated);
    cr_assert_eq(rig_call("a", add_one).value, 8);
    cr_expect_eq(call_once(&rig.second, "a", &add_two, &key_one).err, SL_OK);
    cr_expect(rig.outcome.repeated);
    cr_expect_eq(rig.outcome.value, 7, "as it was then");
    cr_expect_eq(rig.outcome.version, 2);
    cr_expect_eq(call_once(&rig.second, "a", &add_one, &key_misused).err, SL_ECONFLICT);
    cr_expect_eq(call_once(&rig.first, "b", &add_two, &key_one).value, 102, "another machine has keys of its own");
    cr_expect_eq(rig_look("a", 0).value, 8);
    cr_expect_eq(rig.outcome.version, 3);
}

/* If this fails, two daemons that are asked at once both do it. */
Test(engine, a_key_that_two_daemons_see_at_once_counts_once, .init = rig_begin, .fini = rig_end)
{
    struct outcome one = { 0 }, other = { 0 };

    rig_daemon_open(&rig.second, "second", 300);
    rig_start("a", 5);
    runtime_call_once(rig.first.runtime, &counter_kind, "a", &add_two, 5000, &key_one, rig_ended, &one);
    runtime_call_once(rig.second.runtime, &counter_kind, "a", &add_two, 5000, &key_one, rig_ended, &other);
    redis_fixture_wait(&rig.redis, &one.there);
    redis_fixture_wait(&rig.redis, &other.there);
    cr_expect(one.err == SL_OK && other.err == SL_OK);
    cr_expect(one.value == 7 && other.value == 7);
    cr_expect_neq(one.repeated, other.repeated);
    cr_expect_eq(rig_look("a", 0).value, 7);
}

/* If this fails, a call with a key is answered with "perhaps", or done again, though its key tells that it was done. */
Test(engine, a_key_settles_what_a_lost_answer_left_open, .init = rig_begin, .fini = rig_end)
{
    struct outcome one = { 0 };

    rig_daemon_open(&rig.second, "second", 300);
    rig_start("a", 5);
    rig.lost.armed = true;
    runtime_call_once(rig.first.runtime, &counter_kind, "a", &add_two, 5000, &key_one, rig_ended, &one);
    redis_fixture_wait(&rig.redis, &rig.lost.done);
    cr_assert_eq(rig_call_at(&rig.second, "a", (struct ask){ ASK_ADD, 10, NULL }).value, 17);
    rig_lost_tell();
    redis_fixture_wait(&rig.redis, &one.there);
    cr_expect_eq(one.err, SL_OK);
    cr_expect_eq(one.value, 7);
    cr_expect_eq(rig_look("a", 0).value, 17, "it was done once");
}

/* If this fails, what was done before the machine failed is said not to have happened although its key tells that it was. */
Test(engine, a_key_is_asked_for_on_a_failed_machine_too, .init = rig_begin, .fini = rig_end)
{
    struct outcome one = { 0 };

    rig_daemon_open(&rig.second, "second", 300);
    rig_start("a", 5);
    rig.lost.armed = true;
    runtime_call_once(rig.first.runtime, &counter_kind, "a", &add_two, 5000, &key_one, rig_ended, &one);
    redis_fixture_wait(&rig.redis, &rig.lost.done);
    rig.world.script[0] = SL_EPROTO;
    rig.world.scripted = 1;
    cr_assert_eq(rig_call_at(&rig.second, "a", (struct ask){ ASK_ECHO, 0, NULL }).err, SL_EFAILED);
    rig_lost_tell();
    redis_fixture_wait(&rig.redis, &one.there);
    cr_expect_eq(one.err, SL_OK, "%s", sl_err_name(one.err));
    cr_expect_eq(one.value, 7);
    cr_expect_eq(call_once(&rig.second, "a", &add_two, &key_one).value, 7);
}

/* If this fails, a start with a key is not told from one that came too late, or a call that came to nothing has used its
 * key up. */
Test(engine, keys_of_starts_and_of_what_came_to_nothing, .init = rig_begin, .fini = rig_end)
{
    static const struct ask five = { ASK_ADD, 5, NULL }, too_much = { ASK_ADD, -1000, NULL };
    struct outcome out = { 0 };
    int i;

    rig_daemon_open(&rig.second, "second", 300);
    for (i = 0; i < 2; i++) {
        out.there = false;
        runtime_start_once((i ? &rig.second : &rig.first)->runtime, &counter_kind, "a", &five, 5000, &key_one, rig_ended, &out);
        redis_fixture_wait(&rig.redis, &out.there);
        cr_expect_eq(out.err, SL_OK);
        cr_expect_eq(out.repeated, i == 1);
        cr_expect_eq(out.version, 1);
    }
    out.there = false;
    runtime_start_once(rig.second.runtime, &counter_kind, "a", &five, 5000, &key_misused, rig_ended, &out);
    redis_fixture_wait(&rig.redis, &out.there);
    cr_expect_eq(out.err, SL_ECONFLICT);
    rig_make_failed("b");
    for (i = 0; i < 2; i++) {
        const struct runtime_once once = { "key-2", "f" };

        out.there = false;
        runtime_repair_once(rig.first.runtime, &counter_kind, "b", i ? &add_two : &too_much, 5000, &once, rig_ended, &out);
        redis_fixture_wait(&rig.redis, &out.there);
        cr_expect_eq(out.err, i ? SL_OK : SL_EFAILED, "%d: %s", i, sl_err_name(out.err));
    }
}

/* ---- requests that come together ---- */

static struct outcome inner;
static const struct ask start_nine = { ASK_ADD, 9, NULL };

static void start_instead(void *arg, const struct runtime_result *result)
{
    rig_ended(arg, result);
    runtime_start(rig.first.runtime, &counter_kind, "new", &start_nine, 5000, rig_ended, &inner);
}

/* If this fails, who asks again from within an answer is never answered. */
Test(engine, a_request_made_in_an_answer_is_answered, .init = rig_begin, .fini = rig_end)
{
    rig.outcome.there = inner.there = false;
    runtime_call(rig.first.runtime, &counter_kind, "new", &add_one, 5000, start_instead, &rig.outcome);
    redis_fixture_wait(&rig.redis, &rig.outcome.there);
    cr_expect_eq(rig.outcome.err, SL_ENOENT);
    redis_fixture_wait(&rig.redis, &inner.there);
    cr_expect_eq(inner.err, SL_OK);
    cr_expect_eq(rig_look("new", 0).value, 9);
}

/* If this fails, who asks again about a removed machine, or a store that is away, is never answered. */
Test(engine, a_request_made_in_an_error_is_answered, .init = rig_begin, .fini = rig_end)
{
    rig_start("new", 1);
    rig_call("new", (struct ask){ ASK_REMOVE, 0, NULL });
    rig.outcome.there = inner.there = false;
    runtime_call(rig.first.runtime, &counter_kind, "new", &add_one, 5000, start_instead, &rig.outcome);
    redis_fixture_wait(&rig.redis, &rig.outcome.there);
    cr_expect_eq(rig.outcome.err, SL_ENOENT);
    redis_fixture_wait(&rig.redis, &inner.there);
    cr_expect_neq(inner.err, SL_OK, "the id is not used again");
}

static void call_again(void *arg, const struct runtime_result *result)
{
    rig_ended(arg, result);
    runtime_call(rig.first.runtime, &counter_kind, "a", &add_one, 5000, rig_ended, &inner);
}

/* If this fails, a caller that tries again after its deadline is never answered. */
Test(engine, a_call_that_waited_too_long_is_dropped_and_may_be_made_again, .init = rig_begin, .fini = rig_end)
{
    struct outcome late = { 0 };

    rig_start("a", 100);
    rig.world.silent = true;
    rig_call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", now.version > 0 && rig.world.held);
    inner.there = false;
    runtime_call(rig.first.runtime, &counter_kind, "a", &add_two, 20, call_again, &late);
    redis_fixture_wait(&rig.redis, &late.there);
    cr_expect_eq(late.err, SL_ETIMEOUT);
    rig_world_speak();
    redis_fixture_wait(&rig.redis, &inner.there);
    cr_expect_eq(inner.err, SL_OK);
    cr_expect_eq(inner.value, 101, "the dropped one was not done");
}

/* If this fails, a start that is refused hides a machine from those who ask behind it. */
Test(engine, a_refused_start_does_not_hide_what_is_there, .init = rig_begin, .fini = rig_end)
{
    static const struct ask bad = { ASK_ADD, -1, NULL };
    struct outcome refused = { 0 }, called = { 0 };

    rig_start("a", 5);
    runtime_start(rig.first.runtime, &counter_kind, "a", &bad, 5000, rig_ended, &refused);
    runtime_call(rig.first.runtime, &counter_kind, "a", &add_one, 5000, rig_ended, &called);
    redis_fixture_wait(&rig.redis, &refused.there);
    redis_fixture_wait(&rig.redis, &called.there);
    cr_expect(refused.refused || refused.err == SL_EEXIST);
    cr_expect_eq(called.err, SL_OK);
    cr_expect_eq(called.value, 6);
}

/* What may wait is bounded: the rest is turned away at once, and all are answered. */
Test(engine, a_full_queue_turns_callers_away, .init = rig_begin, .fini = rig_end)
{
    static struct outcome many[600];
    size_t i, busy = 0, done = 0;

    rig_start("a", 0);
    for (i = 0; i < SL_COUNT(many); i++) {
        many[i].there = false;
        runtime_call(rig.first.runtime, &counter_kind, "a", &add_one, 15000, rig_ended, &many[i]);
    }
    for (i = 0; i < SL_COUNT(many); i++) {
        redis_fixture_wait(&rig.redis, &many[i].there);
        busy += many[i].err == SL_EBUSY;
        done += many[i].err == SL_OK;
    }
    cr_expect_eq(busy + done, SL_COUNT(many));
    cr_expect_gt(busy, 0);
    cr_expect_eq(rig_look("a", 0).value, (int64_t)done, "who was turned away has changed nothing");
}

/* ---- calls behind a running step ---- */

static bool always_judged(const void *args)
{
    (void)args;
    return true;
}

/* If this fails, a call is done, or refused, by what a running step made of the machine, which its caller could not know. */
Test(engine, a_call_behind_a_step_is_judged_by_what_its_caller_could_know, .init = rig_begin, .fini = rig_end)
{
    static const struct ask echo = { ASK_ECHO, 0, NULL }, too_much = { ASK_ADD, -10, NULL }, ten = { ASK_ADD, 10, NULL };
    struct outcome asking = { 0 }, refused = { 0 }, waits = { 0 }, with_key = { 0 };
    struct machine_kind kind = counter_kind;

    kind.judged = always_judged;
    rig_start("a", 5);
    rig.world.silent = true;
    runtime_call(rig.first.runtime, &kind, "a", &echo, 20000, rig_ended, &asking);
    runtime_call(rig.first.runtime, &kind, "a", &ten, 20000, rig_ended, &waits);
    runtime_call(rig.first.runtime, &kind, "a", &too_much, 20000, rig_ended, &refused);
    runtime_call_once(rig.first.runtime, &kind, "a", &too_much, 20000, &key_one, rig_ended, &with_key);
    redis_fixture_wait(&rig.redis, &refused.there);
    cr_expect(refused.refused);
    cr_expect(!asking.there && !waits.there && !with_key.there, "the step is running");
    refused.there = false;
    runtime_call(rig.first.runtime, &kind, "a", &too_much, 20000, rig_ended, &refused);
    redis_fixture_wait(&rig.redis, &refused.there);
    cr_expect(refused.refused, "this one came while the world was asked");
    cr_expect(!asking.there && !waits.there && !with_key.there);
    rig_world_speak();
    redis_fixture_wait(&rig.redis, &with_key.there);
    cr_expect(asking.there && asking.err == SL_OK);
    cr_expect(waits.there && waits.err == SL_OK && !waits.refused);
    cr_expect_eq(waits.value, 15, "it was allowed, and was done in its turn");
    cr_expect(with_key.refused, "when it came there was too little");
    cr_expect_eq(rig_look("a", 0).value, 15);
}

/* If it fails, new work takes the last places, and timers and callbacks of what was begun find none. */
Test(engine, what_begins_leaves_room_for_what_goes_on, .init = rig_begin, .fini = rig_end)
{
    static const struct {
        const char *id;
        bool start;
        struct ask ask;
        enum sl_err err; /* of four places, the last is for what goes on */
    } rows[] = {
        { "a", false, { ASK_ADD, 1, NULL }, SL_ENOENT },     { "b", false, { ASK_ADD, 1, NULL }, SL_ENOENT },
        { "c", false, { ASK_ADD, 1, NULL }, SL_ENOENT },     { "d", false, { ASK_ADD, 1, NULL }, SL_EBUSY },
        { "e", true, { ASK_ADD, 1, NULL }, SL_EBUSY },       { "a", false, { ASK_ADD, 1, NULL }, SL_ENOENT },
        { "f", false, { ASK_TIMER, 1, NULL }, SL_ENOENT },   { "g", false, { ASK_TIMER, 1, NULL }, SL_EBUSY },
    };
    static struct outcome outcomes[SL_COUNT(rows)];
    struct runtime_stats stats;
    size_t i;

    rig.work_max = 4;
    rig_daemon_open(&rig.second, "second", 30000);
    rig_call_at(&rig.second, "nobody", (struct ask){ ASK_TIMER, 1, NULL }); /* Redis's clock is known from here on */
    for (i = 0; i < SL_COUNT(rows); i++)
        (rows[i].start ? runtime_start : runtime_call)(rig.second.runtime, &counter_kind, rows[i].id, &rows[i].ask, 5000,
                                                       rig_ended, &outcomes[i]);
    for (i = 0; i < SL_COUNT(rows); i++) {
        redis_fixture_wait(&rig.redis, &outcomes[i].there);
        cr_expect_eq(outcomes[i].err, rows[i].err, "%zu (%s): %s", i, rows[i].id, sl_err_name(outcomes[i].err));
    }
    runtime_stats(rig.second.runtime, &stats);
    cr_expect_eq(stats.overloads, 3);
}

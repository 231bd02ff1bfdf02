/* The engine when something is gone: another daemon, an answer, Redis, a claim; and how a daemon comes to its end. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "engine/space.h"
#include "support/engine_rig.h"

/* ---- two daemons ---- */

/* If this fails, two daemons overwrite each other's work. */
Test(engine, conflicting_calls_of_two_daemons_are_both_done, .init = rig_begin, .fini = rig_end)
{
    struct outcome one = { 0 }, other = { 0 };
    struct ask ask = { ASK_ADD, 1, NULL };
    int i;

    rig_daemon_open(&rig.second, "second", 300);
    rig_start("a", 0);
    for (i = 0; i < 20; i++) {
        one.there = other.there = false;
        runtime_call(rig.first.runtime, &counter_kind, "a", &ask, 5000, rig_ended, &one);
        runtime_call(rig.second.runtime, &counter_kind, "a", &ask, 5000, rig_ended, &other);
        redis_fixture_wait(&rig.redis, &one.there);
        redis_fixture_wait(&rig.redis, &other.there);
        cr_assert(one.err == SL_OK && other.err == SL_OK);
    }
    cr_expect_eq(rig_look("a", 0).value, 40);
    cr_expect_eq(rig.outcome.version, 41);
}

/* If this fails, the machines of a daemon that hangs in an effect are stuck with it. */
Test(engine, a_daemon_that_is_gone_is_replaced, .init = rig_begin, .fini = rig_end)
{
    rig_start("a", 100);
    rig.world.silent = true;
    rig_call("a", (struct ask){ ASK_TIMER, 1, NULL });
    redis_fixture_run(&rig.redis, 50);
    rig_daemon_close(&rig.first); /* with its claim and its effect */
    rig_world_speak();
    rig_daemon_open(&rig.first, "heir", 300);
    WAIT_UNTIL("a", strcmp(now.text, "echo") == 0);
}

/* If this fails, a daemon that has lost its machine goes on with it all the same. */
Test(engine, a_claim_that_was_lost_is_dropped, .init = rig_begin, .fini = rig_end)
{
    int64_t deadline_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;
    struct runtime_stats stats;
    char wheel[64];

    rig_start("a", 100);
    rig.world.silent = true;
    rig_call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", now.version > 0 && rig.world.held);
    snprintf(wheel, sizeof(wheel), "%s", space_wheel(rig.space, space_partition(rig.space, "a")).data);
    redis_fixture_ask(&rig.redis, "ZADD", wheel, "9999999999999", "counter:a", NULL);
    do {
        cr_assert_lt(clock_mono_us(), deadline_us);
        redis_fixture_run(&rig.redis, 10);
        runtime_stats(rig.first.runtime, &stats);
    } while (stats.lost_claims == 0 || stats.in_work > 0);
    cr_expect_eq(rig.world.cancelled, 1);
    cr_expect_null(rig.world.held);
    cr_expect_str_eq(redis_fixture_ask(&rig.redis, "ZSCORE", wheel, "counter:a", NULL), "9999999999999", "it is the other's still");
    rig_world_speak();
    redis_fixture_ask(&rig.redis, "ZADD", wheel, "1", "counter:a", NULL); /* and the other lets go of it */
    WAIT_UNTIL("a", strcmp(now.text, "echo") == 0);
    cr_expect_eq(rig.world.answered, 1);
}

/* If this fails, answers go to the wrong callers. */
Test(engine_workers, workers_stress_test, .init = rig_begin, .fini = rig_end)
{
    static struct outcome answers[400];
    static struct ask asks[400];
    int64_t sums[10] = { 0 };
    char id[8];
    size_t i;

    rig_daemon_open(&rig.second, "second", 300);
    for (i = 0; i < 10; i++) {
        snprintf(id, sizeof(id), "m%zu", i);
        rig_start(id, 0);
    }
    for (i = 0; i < SL_COUNT(asks); i++) {
        asks[i] = (struct ask){ ASK_ADD, (int64_t)i, NULL };
        snprintf(id, sizeof(id), "m%zu", i % 10);
        runtime_call((i / 10 % 2 ? &rig.first : &rig.second)->runtime, &counter_kind, id, &asks[i], 15000, rig_ended, &answers[i]);
    }
    for (i = 0; i < SL_COUNT(asks); i++) {
        redis_fixture_wait(&rig.redis, &answers[i].there);
        cr_assert(answers[i].err == SL_OK || answers[i].err == SL_EBUSY, "%zu: %s", i, sl_err_name(answers[i].err));
        if (answers[i].err == SL_OK) {
            sums[i % 10] += (int64_t)i;
            cr_expect_geq(answers[i].value, (int64_t)i);
        }
    }
    for (i = 0; i < 10; i++) {
        snprintf(id, sizeof(id), "m%zu", i);
        cr_expect_eq(rig_look(id, 0).value, sums[i], "%s: those who were told so, and nobody else", id);
    }
}

/* ---- answers that get lost ---- */

/* If this fails, a connection that breaks at the wrong moment makes a call happen twice. */
Test(engine, a_lost_answer_is_asked_for_again, .init = rig_begin, .fini = rig_end)
{
    struct outcome one;

    rig_start("a", 5);
    rig_call_and_lose("a", &one);
    rig_lost_tell();
    redis_fixture_wait(&rig.redis, &one.there);
    cr_expect_eq(one.err, SL_OK);
    cr_expect_eq(rig_look("a", 0).value, 7);
    cr_expect_eq(rig.outcome.version, 2);
}

/* If this fails, a call whose answer got lost is run again after another's, or is said not to have happened. */
Test(engine, a_lost_answer_that_nobody_can_give_any_more_is_unknown, .init = rig_begin, .fini = rig_end)
{
    struct outcome one;

    rig_daemon_open(&rig.second, "second", 300);
    rig_start("a", 5);
    rig_call_and_lose("a", &one);
    cr_assert_eq(rig_call_at(&rig.second, "a", (struct ask){ ASK_ADD, 10, NULL }).value, 17);
    rig_lost_tell();
    redis_fixture_wait(&rig.redis, &one.there);
    cr_expect_eq(one.err, SL_EUNKNOWN);
    cr_expect_eq(rig_look("a", 0).value, 17, "it was done once");
    cr_expect_eq(rig.outcome.version, 3);
}

/* If this fails, a call that was done before the machine failed is said not to have happened. */
Test(engine, a_lost_answer_of_a_machine_that_failed_since_is_unknown, .init = rig_begin, .fini = rig_end)
{
    struct outcome one;

    rig_daemon_open(&rig.second, "second", 300);
    rig_start("a", 5);
    rig_call_and_lose("a", &one);
    rig.world.script[0] = SL_EPROTO;
    rig.world.scripted = 1;
    cr_assert_eq(rig_call_at(&rig.second, "a", (struct ask){ ASK_ECHO, 0, NULL }).err, SL_EFAILED);
    rig_lost_tell();
    redis_fixture_wait(&rig.redis, &one.there);
    cr_expect_eq(one.err, SL_EUNKNOWN);
    cr_expect_eq(rig_look("a", 0).value, 7);
}

/* ---- Redis goes away ---- */

/* If this fails, timers that were due while Redis was away are lost. */
Test(engine, what_was_due_while_redis_was_away_is_done, .init = rig_begin, .fini = rig_end)
{
    char *why = NULL;

    rig_start("a", 2);
    rig_call("a", (struct ask){ ASK_TIMER, 200, NULL });
    server_kill(rig.redis.server);
    redis_fixture_wait_up(&rig.redis, rig.first.client, false);
    cr_expect_eq(rig_call("a", (struct ask){ ASK_ADD, 1, NULL }).err, SL_EDOWN);
    redis_fixture_run(&rig.redis, 300);
    cr_assert(server_restart(rig.redis.server, &why) == SL_OK, "%s", why);
    redis_fixture_wait_up(&rig.redis, rig.first.client, true);
    WAIT_UNTIL("a", now.err == SL_OK && now.ticks == 1);
    cr_expect_eq(rig.outcome.value, 2);
}

/* ---- the end ---- */

static bool drained;

static void drain_done(void *arg)
{
    (void)arg;
    drained = true;
}

/* If this fails, a daemon that is told to stop keeps its machines from the others. */
Test(engine, drain_lets_go_of_what_it_cannot_finish, .init = rig_begin, .fini = rig_end)
{
    rig_start("a", 100);
    rig.world.silent = true;
    rig_call("a", (struct ask){ ASK_TIMER, 1, NULL });
    redis_fixture_run(&rig.redis, 50);
    drained = false;
    runtime_drain(rig.first.runtime, 100, drain_done, NULL);
    redis_fixture_wait(&rig.redis, &drained);
    cr_expect_eq(rig_call("a", (struct ask){ ASK_ADD, 1, NULL }).err, SL_EDOWN);
    rig_world_speak();
    rig_daemon_open(&rig.second, "second", 60000);
    WAIT_UNTIL("a", strcmp(now.text, "echo") == 0);
}

/* If this fails, a daemon that is told to stop does not let what runs come to its end. */
Test(engine_workers, graceful_shutdown_test, .init = rig_begin, .fini = rig_end)
{
    static const struct ask echo = { ASK_ECHO, 0, NULL };
    struct outcome one = { 0 };

    rig_start("a", 2);
    rig.world.silent = true;
    runtime_call(rig.first.runtime, &counter_kind, "a", &echo, 5000, rig_ended, &one);
    WAIT_UNTIL("a", now.version > 0 && rig.world.held);
    drained = false;
    runtime_drain(rig.first.runtime, 10000, drain_done, NULL);
    redis_fixture_run(&rig.redis, 150);
    cr_expect_not(drained);
    rig_world_speak();
    redis_fixture_wait(&rig.redis, &one.there);
    redis_fixture_wait(&rig.redis, &drained);
    cr_expect_eq(one.err, SL_OK);
    cr_expect_str_eq(one.text, "echo");
}

/* If this fails, a daemon cannot be stopped while Redis is away. */
Test(engine, drain_ends_without_redis_too, .init = rig_begin, .fini = rig_end)
{
    struct outcome one;

    rig_start("a", 5);
    rig_call_and_lose("a", &one);
    server_kill(rig.redis.server);
    redis_fixture_wait_up(&rig.redis, rig.first.client, false);
    rig_lost_tell();
    drained = false;
    runtime_drain(rig.first.runtime, 100, drain_done, NULL);
    redis_fixture_wait(&rig.redis, &drained);
    cr_expect(one.there);
    cr_expect_eq(one.err, SL_EUNKNOWN, "it may have happened");
}

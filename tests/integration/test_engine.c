/* The engine with another kind of machine than invoices: a counter (support/counter.h). Starts, calls and reads, timers,
 * effects and their failures, tags. What holds here holds for every kind. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "support/engine_rig.h"

/* ---- starts, calls, reads ---- */

/* If this fails, a machine is made twice, or a call is lost. */
Test(engine, starts_once_and_takes_calls, .init = rig_begin, .fini = rig_end)
{
    cr_expect_eq(rig_start("a", 5).version, 1);
    cr_expect_eq(rig_start("a", 9).err, SL_EEXIST);
    cr_expect_eq(rig.outcome.value, 5, "what is there is shown");
    cr_expect_eq(rig_call("a", (struct ask){ ASK_ADD, 2, NULL }).value, 7);
    cr_expect_eq(rig.outcome.version, 2);
    cr_expect_eq(rig_call("nobody", (struct ask){ ASK_ADD, 1, NULL }).err, SL_ENOENT);
    cr_expect_eq(rig_look("nobody", 0).err, SL_ENOENT);
    cr_expect_eq(rig_look("a", 1).value, 5, "the state as of event 1");
    cr_expect_eq(rig_look("a", 0).value, 7);
}

/* If this fails, a refused call changes something. */
Test(engine, a_refusal_leaves_no_trace, .init = rig_begin, .fini = rig_end)
{
    struct outcome before;

    rig_start("a", 5);
    before = rig_look("a", 0);
    cr_expect(rig_call("a", (struct ask){ ASK_ADD, -6, NULL }).refused);
    cr_expect_eq(rig_look("a", 0).version, before.version);
    cr_expect_eq(rig.outcome.value, 5);
    cr_expect(rig_start("b", -1).refused);
    cr_expect_eq(rig_look("b", 0).err, SL_ENOENT, "a refused start leaves no machine");
}

/* If this fails, a removed machine answers, or its id is taken by another. */
Test(engine, a_removed_machine_is_not_there, .init = rig_begin, .fini = rig_end)
{
    rig_start("a", 1);
    cr_expect_eq(rig_call("a", (struct ask){ ASK_REMOVE, 0, NULL }).err, SL_OK);
    cr_expect_eq(rig_look("a", 0).err, SL_ENOENT);
    cr_expect_eq(rig_call("a", (struct ask){ ASK_ADD, 1, NULL }).err, SL_ENOENT);
    cr_expect_neq(rig_start("a", 1).err, SL_OK);
}

/* ---- outlook and notes ---- */

/* If this fails, statistics hear of what did not happen, hear it twice, or not at all. Inputs: 0 start, 1 timer,
 * 2 call, 3 effect. */
Test(engine, notes_are_handed_over_once_what_they_are_of_is_stored, .init = rig_begin, .fini = rig_end)
{
    rig.owner.outlook = 5;
    rig_start("a", 1);
    cr_expect_str_eq(rig.owner.notes, "0:5 ");
    rig.owner.outlook = 6;
    rig_call("a", (struct ask){ ASK_ADD, -9, NULL });
    cr_expect_str_eq(rig.owner.notes, "0:5 ", "a refusal says nothing");
    rig_call("a", (struct ask){ ASK_ADD, 1, NULL });
    cr_expect_str_eq(rig.owner.notes, "0:5 2:6 ");
    rig_start("b", VALUE_STUMBLES);
    rig.owner.notes[0] = '\0';
    rig_call("b", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("b", strcmp(now.status, "failed") == 0);
    cr_expect_str_eq(rig.owner.notes, "2:6 1:6 1:6 1:6 1:6 ", "the call, the tick, and each step that failed");
    rig_start("c", VALUE_ASKS);
    rig.owner.notes[0] = '\0';
    rig.world.script[rig.world.answered] = SL_EPROTO;
    rig.world.scripted = rig.world.answered + 1;
    rig_call("c", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("c", strcmp(now.status, "failed") == 0);
    cr_expect_str_eq(rig.owner.notes, "2:6 3:6 ", "an order without changes stores nothing; its failed end does");
}

/* If this fails, an answer that was lost makes a note be handed over twice, or never. */
Test(engine, a_note_of_a_commit_that_is_sent_again_is_handed_over_once, .init = rig_begin, .fini = rig_end)
{
    struct ask ask = { ASK_ADD, 1, NULL };

    rig_start("a", 1);
    rig.owner.notes[0] = '\0';
    rig.lost.armed = true;
    rig.outcome.there = false;
    runtime_call(rig.first.runtime, &counter_kind, "a", &ask, 5000, rig_ended, &rig.outcome);
    redis_fixture_wait(&rig.redis, &rig.lost.done);
    cr_expect_str_eq(rig.owner.notes, "");
    rig_lost_tell();
    redis_fixture_wait(&rig.redis, &rig.outcome.there);
    cr_expect_eq(rig.outcome.value, 2);
    cr_expect_str_eq(rig.owner.notes, "2:0 ");
}

/* ---- timers ---- */

/* If this fails, timers run early, never, or twice. */
Test(engine, a_timer_fires_once_and_not_early, .init = rig_begin, .fini = rig_end)
{
    int64_t began_us;

    rig_start("a", 2);
    began_us = clock_mono_us();
    rig_call("a", (struct ask){ ASK_TIMER, 150, NULL });
    WAIT_UNTIL("a", now.ticks == 1);
    cr_expect_geq(clock_mono_us() - began_us, 149000);
    redis_fixture_run(&rig.redis, 100);
    cr_expect_eq(rig_look("a", 0).ticks, 1);
}

/* If this fails, a call that took the timer away is answered, and the timer fires all the same. */
Test(engine, a_call_that_unsets_the_timer_wins, .init = rig_begin, .fini = rig_end)
{
    rig_start("a", 2);
    rig_call("a", (struct ask){ ASK_TIMER, 150, NULL });
    rig_call("a", (struct ask){ ASK_UNSET, 0, NULL });
    redis_fixture_run(&rig.redis, 400);
    cr_expect_eq(rig_look("a", 0).ticks, 0);
}

/* If this fails, the old moment of a timer that was moved counts still. */
Test(engine, a_call_that_moves_the_timer_wins, .init = rig_begin, .fini = rig_end)
{
    int64_t began_us = clock_mono_us();

    rig_start("a", 2);
    rig_call("a", (struct ask){ ASK_TIMER, 100, NULL });
    rig_call("a", (struct ask){ ASK_TIMER, 400, NULL });
    redis_fixture_run(&rig.redis, 250);
    cr_expect_eq(rig_look("a", 0).ticks, 0);
    WAIT_UNTIL("a", now.ticks == 1);
    cr_expect_geq(clock_mono_us() - began_us, 400000);
    rig_call("a", (struct ask){ ASK_TIMER, 60000, NULL });
    rig_call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", now.ticks == 2);
}

/* If this fails, a call loses the timer that was there. */
Test(engine_process, reschedule_after_call_test, .init = rig_begin, .fini = rig_end)
{
    int64_t began_us;

    rig_start("a", 2);
    began_us = clock_mono_us();
    rig_call("a", (struct ask){ ASK_TIMER, 200, NULL });
    rig_call("a", (struct ask){ ASK_ADD, 2, NULL });
    WAIT_UNTIL("a", now.ticks == 1);
    cr_expect_geq(clock_mono_us() - began_us, 199000);
    cr_expect_eq(rig.outcome.value, 4);
}

/* If this fails, a machine that ends itself goes on, or is shown. */
Test(engine_process, remove_by_timer_test, .init = rig_begin, .fini = rig_end)
{
    rig_start("a", VALUE_ENDS);
    rig_call("a", (struct ask){ ASK_TIMER, 50, NULL });
    WAIT_UNTIL("a", now.err == SL_ENOENT);
}

/* If this fails, each step costs a commit. */
Test(engine, steps_that_follow_at_once_share_an_event, .init = rig_begin, .fini = rig_end)
{
    rig_start("a", 3);
    rig_call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", now.ticks == 3);
    cr_expect_eq(rig.outcome.version, 2, "three ticks in one event");
}

/* ---- effects and failures ---- */

/* If this fails, a provider that is away for a moment parks payments, or is asked no more. */
Test(engine, a_transient_failure_is_tried_again, .init = rig_begin, .fini = rig_end)
{
    rig.world.script[0] = SL_EDOWN;
    rig.world.script[1] = SL_EUNKNOWN;
    rig.world.scripted = 2;
    rig_start("a", 100);
    rig_call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", strcmp(now.text, "echo") == 0);
    cr_expect_eq(rig.world.answered, 3);
    cr_expect_str_eq(rig.outcome.status, "working");
    cr_expect_str_eq(rig.outcome.reason, "", "a success clears the failures");
}

/* If this fails, a machine that cannot go on goes on for ever, or is lost. */
Test(engine, exhausted_retries_park_it_and_a_repair_runs_the_step_again, .init = rig_begin, .fini = rig_end)
{
    size_t i;

    for (i = 0; i < 3; i++)
        rig.world.script[i] = SL_EDOWN;
    rig.world.scripted = 3;
    rig_start("a", 100);
    rig_call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", strcmp(now.status, "failed") == 0);
    cr_expect_str_eq(rig.outcome.reason, "scripted");
    cr_expect_eq(rig_call("a", (struct ask){ ASK_ADD, 1, NULL }).err, SL_EFAILED);
    rig_repair("a", NULL);
    cr_expect_eq(rig.outcome.err, SL_OK);
    WAIT_UNTIL("a", strcmp(now.text, "echo") == 0);
    rig_repair("a", NULL);
    cr_expect_eq(rig.outcome.err, SL_EREFUSED, "there is nothing to repair");
}

/* If this fails, an answer that makes no sense is taken for one that does. */
Test(engine, an_unexpected_failure_parks_it_at_once, .init = rig_begin, .fini = rig_end)
{
    rig.world.script[0] = SL_EPROTO;
    rig.world.scripted = 1;
    rig_start("a", 100);
    rig_call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", strcmp(now.status, "failed") == 0);
    cr_expect_eq(rig.world.answered, 1);
}

/* If this fails, a call with an effect loses the timer, or its answer. */
Test(engine, a_call_with_an_effect_keeps_the_timer, .init = rig_begin, .fini = rig_end)
{
    rig_start("a", 2);
    rig_call("a", (struct ask){ ASK_TIMER, 300, NULL });
    cr_expect_eq(rig_call("a", (struct ask){ ASK_ECHO, 0, NULL }).err, SL_OK);
    cr_expect_str_eq(rig.outcome.text, "echo");
    cr_expect_eq(rig.outcome.ticks, 0);
    WAIT_UNTIL("a", now.ticks == 1);
    rig.world.script[rig.world.answered] = SL_EDOWN;
    rig.world.scripted = rig.world.answered + 1;
    cr_expect_eq(rig_call("a", (struct ask){ ASK_ECHO, 0, NULL }).err, SL_EDOWN, "its caller is told");
    cr_expect_str_eq(rig_look("a", 0).status, "working");
}

/* If this fails, the good steps of a turn are lost with the bad one, or the machine is stuck in memory. */
Test(engine, a_step_that_fails_late_keeps_the_steps_before_it, .init = rig_begin, .fini = rig_end)
{
    rig_start("a", VALUE_STUMBLES);
    rig_call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", strcmp(now.status, "failed") == 0);
    cr_expect_eq(rig.outcome.ticks, 1);
    cr_expect_eq(rig.outcome.version, 2);
    cr_expect_str_eq(rig.outcome.reason, "it stumbles");
}

/* If this fails, a machine that may have done something outside is listed as one that has not. */
Test(engine, an_unknown_outcome_stays_unknown_until_it_is_answered, .init = rig_begin, .fini = rig_end)
{
    struct runtime_stats stats;

    rig.world.script[0] = SL_EUNKNOWN;
    rig.world.script[1] = rig.world.script[2] = SL_EDOWN;
    rig.world.scripted = 3;
    rig_start("a", 100);
    rig_call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", strcmp(now.status, "failed") == 0);
    cr_expect_str_eq(rig.outcome.cause, "unknown_outcome");
    runtime_stats(rig.first.runtime, &stats);
    cr_expect_eq(stats.retries_by[CAUSE_UNKNOWN_OUTCOME], 2);
    cr_expect_eq(stats.failures_by[CAUSE_UNKNOWN_OUTCOME], 1);
    rig.world.answered = 0;
    rig.world.script[0] = SL_EDOWN;
    rig_repair("a", NULL);
    WAIT_UNTIL("a", strcmp(now.status, "failed") == 0);
    cr_expect_str_eq(rig.outcome.cause, "unknown_outcome", "a repair answers nothing");
    rig.world.answered = rig.world.scripted = 0;
    rig_repair("a", NULL);
    WAIT_UNTIL("a", strcmp(now.text, "echo") == 0);
    cr_expect_str_eq(rig.outcome.cause, "");
}

/* If this fails, a call that was refused after a first answer got lost is repeated under its old key for ever. */
Test(engine, a_refusal_answers_what_was_not_known, .init = rig_begin, .fini = rig_end)
{
    rig.world.script[0] = SL_EUNKNOWN;
    rig.world.script[1] = SL_EREFUSED;
    rig.world.scripted = 2;
    rig_start("a", 100);
    rig_call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", strcmp(now.status, "failed") == 0);
    cr_expect_str_eq(rig.outcome.cause, "declined");
}

/* ---- tags ---- */

static enum sl_err tag_err;
static bool tag_there;
static char tag_id[64];

static void tag_found(void *arg, enum sl_err err, const char *id)
{
    (void)arg;
    tag_err = err;
    tag_there = true;
    snprintf(tag_id, sizeof(tag_id), "%s", id ? id : "");
}

static void resolve(const char *tag)
{
    tag_there = false;
    runtime_resolve_tag(rig.first.runtime, tag, tag_found, NULL);
    redis_fixture_wait(&rig.redis, &tag_there);
}

/* If this fails, a callback finds the wrong machine. */
Test(engine, tags_belong_to_one_machine, .init = rig_begin, .fini = rig_end)
{
    rig_start("a", 1);
    rig_start("b", 1);
    cr_expect_eq(rig_call("a", (struct ask){ ASK_BIND, 0, "t" }).err, SL_OK);
    resolve("t");
    cr_expect_str_eq(tag_id, "a");
    resolve("unknown");
    cr_expect_eq(tag_err, SL_ENOENT);
    cr_expect_eq(rig_call("b", (struct ask){ ASK_BIND, 0, "t" }).err, SL_EFAILED);
    cr_expect_str_eq(rig_look("b", 0).status, "failed");
    cr_expect_eq(rig.outcome.ticks, 0, "nothing of the step is kept");
}

/* If this fails, a tag that a step binds, and nothing else, is not bound. */
Test(engine, a_tag_alone_is_bound, .init = rig_begin, .fini = rig_end)
{
    rig_start("a", 1);
    cr_expect_eq(rig_call("a", (struct ask){ ASK_BIND_ONLY, 0, "alone" }).err, SL_OK);
    resolve("alone");
    cr_expect_str_eq(tag_id, "a");
    cr_expect_eq(rig_look("a", 0).version, 1);
}

/* If this fails, a callback that comes during the effect does not find its machine. */
Test(engine, a_tag_is_bound_before_the_effect_that_comes_with_it, .init = rig_begin, .fini = rig_end)
{
    rig_start("a", VALUE_BINDS);
    rig.world.silent = true;
    rig_call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", now.version > 0 && rig.world.held);
    resolve("of-timer");
    cr_expect_eq(tag_err, SL_OK);
    cr_expect_str_eq(tag_id, "a");
    rig_world_speak();
    WAIT_UNTIL("a", strcmp(now.text, "echo") == 0);
}

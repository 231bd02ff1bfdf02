/* Effects that do not wait for the commit of their turn (step_effect_ahead), on a real Redis. */
#include <criterion/criterion.h>

#include "support/engine_rig.h"

static bool drained;

static void drain_done(void *arg)
{
    (void)arg;
    drained = true;
}

/* If this fails, an effect that could have gone ahead costs a commit, or the steps before it are lost. */
Test(engine_ahead, an_effect_ahead_shares_the_event_of_its_turn, .init = rig_begin, .fini = rig_end)
{
    rig_start("a", VALUE_HURRIES);
    rig_call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", strcmp(now.text, "echo") == 0);
    cr_expect_eq(rig.outcome.version, 2, "the tick and what was told are one event");
    cr_expect_eq(rig.outcome.ticks, 1);
    cr_expect_eq(rig.world.answered, 1);
}

/* If this fails, a caller waits for the world, though what it asked for is done. */
Test(engine_ahead, a_caller_is_answered_before_an_effect_ahead, .init = rig_begin, .fini = rig_end)
{
    rig_start("a", VALUE_HURRIES);
    rig.world.silent = true;
    cr_expect_eq(rig_call("a", (struct ask){ ASK_TIMER, 0, NULL }).err, SL_OK);
    cr_expect_eq(rig.outcome.version, 2);
    WAIT_UNTIL("a", now.version > 0 && rig.world.held);
    rig_world_speak();
    WAIT_UNTIL("a", strcmp(now.text, "echo") == 0);
    cr_expect_eq(rig.outcome.version, 3);
    cr_expect_eq(rig.outcome.ticks, 1);
}

/* If this fails, what a daemon had in memory alone is lost with it, or is there twice. */
Test(engine_ahead, a_turn_that_dies_ahead_of_its_commit_is_run_again, .init = rig_begin, .fini = rig_end)
{
    rig_start("a", VALUE_HURRIES);
    rig.world.silent = true;
    rig_call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", now.version > 0 && rig.world.held);
    cr_expect_eq(rig.outcome.version, 1, "nothing is stored yet");
    rig_daemon_close(&rig.first);
    rig_world_speak();
    rig_daemon_open(&rig.first, "heir", 300);
    WAIT_UNTIL("a", strcmp(now.text, "echo") == 0);
    cr_expect_eq(rig.outcome.version, 2);
    cr_expect_eq(rig.outcome.ticks, 1);
}

/* If this fails, a daemon that stops keeps what was never stored when it gives up an effect, or lets a call wait. */
Test(engine_ahead, drain_drops_what_ran_ahead, .init = rig_begin, .fini = rig_end)
{
    struct outcome called = { 0 };

    rig_start("a", VALUE_HURRIES);
    rig.world.silent = true;
    rig_call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", now.version > 0 && rig.world.held);
    runtime_call(rig.first.runtime, &counter_kind, "a", &(struct ask){ ASK_UNSET, 0, NULL }, 5000, rig_ended, &called);
    drained = false;
    runtime_drain(rig.first.runtime, 20, drain_done, NULL);
    redis_fixture_wait(&rig.redis, &drained);
    cr_expect(called.there && called.err == SL_EDOWN, "nothing of it was done");
    cr_expect_eq(rig_look("a", 0).version, 1, "what ran ahead was not stored");
    cr_expect_eq(rig.outcome.ticks, 0);
    rig_world_speak();
    rig_daemon_open(&rig.second, "heir", 60000);
    WAIT_UNTIL("a", strcmp(now.text, "echo") == 0);
    cr_expect_eq(rig.outcome.ticks, 1, "its timer was due for the heir");
}

/* If this fails, steps are lost with an effect ahead that came to nothing, or the failure is. */
Test(engine_ahead, an_effect_ahead_that_fails_keeps_the_steps_before_it, .init = rig_begin, .fini = rig_end)
{
    rig.world.script[0] = SL_EDOWN;
    rig.world.script[1] = SL_EPROTO;
    rig.world.scripted = 2;
    rig_start("a", VALUE_HURRIES);
    rig_call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", strcmp(now.status, "failed") == 0);
    cr_expect_eq(rig.world.answered, 2);
    cr_expect_eq(rig.outcome.version, 2);
    cr_expect_eq(rig.outcome.ticks, 1);
}

/* The engine with another kind of machine than invoices: a counter. Real Redis, real runtime, real wheel;
 * only the world outside (effects) is scripted. What holds here holds for every kind. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/alarm_loop.h"
#include "engine/fold.h"
#include "engine/redis_store.h"
#include "engine/runtime.h"
#include "engine/wheel.h"
#include "redis/script_list.h"
#include "support/redis_fixture.h"

/* ---- the counter ---- */

struct added {
    int64_t by;
};
struct told {
    const char *text;
};
struct counter_change {
    int tag;
    struct added added;
    struct told told;
};
enum { ADDED = 1, TOLD, TICKED };
struct counter {
    int64_t value, ticks;
    const char *text;
    bool born;
};

static const struct type_field added_rows[] = { TF_REQ(added, by, type_i64) };
static const struct type type_added = TYPE_STRUCT_OF(NULL, added, added_rows);
static const struct type_field told_rows[] = { TF_REQ(told, text, type_str) };
static const struct type type_told = TYPE_STRUCT_OF(NULL, told, told_rows);
static const struct type_field change_rows[] = {
    TF_VAR(counter_change, added, type_added), TF_VAR(counter_change, told, type_told), TF_EMPTY("ticked"),
};
static const struct type type_change = TYPE_UNION_OF(NULL, counter_change, change_rows);
static const struct type_field counter_rows[] = {
    TF_REQ(counter, value, type_i64), TF_REQ(counter, ticks, type_i64), TF_OPT(counter, text, type_str),
    TF_REQ(counter, born, type_bool),
};
static const struct type type_counter = TYPE_STRUCT_OF(NULL, counter, counter_rows);

/* What may be asked of it: ADD by, or TIMER in so many ms, or ECHO by an effect (of the call, or of the timer). */
struct ask {
    enum { ASK_ADD, ASK_TIMER, ASK_UNSET, ASK_ECHO, ASK_BIND, ASK_REMOVE } what;
    int64_t by;
    const char *tag;
};

static const char *fold(void *state_in, const void *change_in, int64_t now_us, bool strict, struct arena *arena)
{
    const struct counter_change *change = change_in;
    struct counter *state = state_in;

    (void)now_us;
    (void)strict;
    (void)arena;
    state->born = true;
    if (change->tag == ADDED && state->value + change->added.by < 0)
        return "may not go below zero";
    state->value += change->tag == ADDED ? change->added.by : 0;
    state->ticks += change->tag == TICKED;
    if (change->tag == TOLD)
        state->text = change->told.text;
    return NULL;
}

static void change(const struct step_in *in, struct step_out *out, struct counter_change value)
{
    step_change(out, arena_memdup(in->arena, &value, sizeof(value)));
}

static void step_effect_done(const struct step_in *in, struct step_out *out)
{
    const struct effect_result *result = in->args;

    if (result->err == SL_OK)
        change(in, out, (struct counter_change){ .tag = TOLD, .told = { result->value } });
    else if (result->err == SL_EPROTO)
        step_fail(in, out, "%s", result->detail);
    else
        step_retry(in, out, "%s", result->detail);
}

static void step_call(const struct step_in *in, struct step_out *out, const struct ask *ask)
{
    const struct counter *state = in->state;

    switch (ask->what) {
    case ASK_ADD:
        if (state->value + ask->by < 0) {
            step_refuse(out, "too little");
            return;
        }
        change(in, out, (struct counter_change){ .tag = ADDED, .added = { ask->by } });
        break;
    case ASK_TIMER: step_timer_ms(out, in->now_us / 1000 + ask->by); break;
    case ASK_UNSET: out->timer = TIMER_UNSET; break;
    case ASK_ECHO: step_effect(in, out, 7, "of a call"); break;
    case ASK_BIND:
        step_bind(out, ask->tag);
        change(in, out, (struct counter_change){ .tag = TICKED });
        break;
    case ASK_REMOVE:
        change(in, out, (struct counter_change){ .tag = TICKED });
        out->remove = true;
        break;
    }
}

/* The timer ticks; while the value is odd it ticks on at once, at 100 and more it asks the world instead. */
static void step_timeout(const struct step_in *in, struct step_out *out)
{
    const struct counter *state = in->state;

    if (state->value >= 100) {
        step_effect(in, out, 7, "of a timer");
        return;
    }
    change(in, out, (struct counter_change){ .tag = TICKED });
    if (state->value % 2 == 1 && state->ticks % 3 != 2)
        step_continue(in, out);
}

static void step(const struct step_in *in, struct step_out *out)
{
    switch (in->input) {
    case IN_INIT: step_call(in, out, in->args); break;
    case IN_CALL: step_call(in, out, in->args); break;
    case IN_EFFECT: step_effect_done(in, out); break;
    case IN_TIMEOUT: step_timeout(in, out); break;
    case IN_REPAIR: step_fail(in, out, "no such repair"); break;
    }
}

static struct machine_label label(const void *state)
{
    (void)state;
    return (struct machine_label){ "counting", "fine", false };
}

static int64_t revision(const void *state)
{
    (void)state;
    return 0;
}

static const struct machine_kind counter_kind = {
    "counter", &type_change, &type_counter, { 20, 2, 100, 3 }, fold, step, label, revision,
};
static const struct machine_kind *const kinds[] = { &counter_kind, NULL };

/* ---- the world ---- */

/* Effects are answered with these, one after the other; then with SL_OK. */
struct world {
    enum sl_err script[8];
    size_t scripted, answered;
    struct alarm_loop *alarm;
    bool silent; /* no answers at all */
};

struct pending {
    effect_done_fn done;
    void *arg;
    uint64_t number;
    enum sl_err err;
};

static void effect_answer(void *arg)
{
    struct pending pending = *(struct pending *)arg;
    struct effect_result result = { 7, pending.err, pending.err ? NULL : "echo", "scripted" };

    free(arg);
    pending.done(pending.arg, pending.number, &result);
}

static void effect_start(void *ctx, const struct effect *effect, uint64_t number, struct arena *arena,
                         effect_done_fn done, void *arg)
{
    struct world *world = ctx;
    struct pending *pending;

    (void)arena;
    cr_assert_eq(effect->kind, 7);
    if (world->silent)
        return;
    pending = malloc(sizeof(*pending));
    *pending = (struct pending){ done, arg, number, SL_OK };
    if (world->answered < world->scripted)
        pending->err = world->script[world->answered];
    world->answered++;
    alarm_loop_ops.after(world->alarm, 0, effect_answer, pending);
}

static void effect_cancel(void *ctx, uint64_t number)
{
    (void)ctx;
    (void)number;
}

static const struct effect_ops effects = { effect_start, effect_cancel };

static const void *no_config(void *ctx)
{
    (void)ctx;
    return NULL;
}

static const void *no_revision(void *ctx, int64_t number)
{
    (void)ctx;
    (void)number;
    return NULL;
}

static const struct config_ops config = { no_config, no_revision, NULL };

/* ---- the rig ---- */

struct daemon {
    struct alarm_loop *alarm; /* its own: what has not rung dies with it */
    struct client *client;
    struct redis_store store;
    struct runtime *runtime;
    struct wheel *wheel;
};

static struct redis_fixture redis;
static struct world world;
static struct space *space;
static struct daemon first, second;

static void daemon_open(struct daemon *daemon, const char *name, int64_t lease_ms)
{
    daemon->client = redis_fixture_client(&redis, &(struct client_setup){
        .base = redis.base, .url = server_url(redis.server), .name = name, .scripts = script_list,
    });
    redis_fixture_wait_up(&redis, daemon->client, true);
    daemon->alarm = alarm_loop_new(redis.base);
    daemon->store = (struct redis_store){ daemon->client, space, 5000 };
    daemon->runtime = runtime_new(&(struct runtime_setup){
        .store = &redis_store_ops, .store_ctx = &daemon->store, .effects = &effects, .effects_ctx = &world,
        .config = &config, .alarm = &alarm_loop_ops, .alarm_ctx = daemon->alarm, .lease_ms = lease_ms,
    });
    daemon->wheel = wheel_new(&(struct wheel_setup){
        .client = daemon->client, .space = space, .runtime = daemon->runtime, .alarm = &alarm_loop_ops,
        .alarm_ctx = daemon->alarm, .name = name, .kinds = kinds, .lease_ms = lease_ms,
    });
}

static void daemon_close(struct daemon *daemon)
{
    if (!daemon->client)
        return;
    client_free(daemon->client);
    wheel_free(daemon->wheel);
    runtime_free(daemon->runtime);
    alarm_loop_free(daemon->alarm);
    memset(daemon, 0, sizeof(*daemon));
}

static void begin(void)
{
    redis_fixture_open(&redis);
    memset(&world, 0, sizeof(world));
    world.alarm = alarm_loop_new(redis.base);
    space = space_new(4);
    daemon_open(&first, "first", 300);
}

static void end(void)
{
    daemon_close(&first);
    daemon_close(&second);
    alarm_loop_free(world.alarm);
    space_free(space);
    redis_fixture_close(&redis);
}

static struct outcome {
    bool there, refused, has_state;
    enum sl_err err;
    int64_t version, value, ticks;
    char text[32], status[16], reason[128];
} outcome;

static void ended(void *arg, const struct runtime_result *result)
{
    const struct counter *state = result->state;
    struct outcome *out = arg;

    *out = (struct outcome){ .there = true, .refused = result->refused, .err = result->err, .version = result->version };
    if (state) {
        out->has_state = true;
        out->value = state->value;
        out->ticks = state->ticks;
        snprintf(out->text, sizeof(out->text), "%s", state->text ? state->text : "");
    }
    if (result->info) {
        snprintf(out->status, sizeof(out->status), "%s", result->info->status);
        snprintf(out->reason, sizeof(out->reason), "%s", result->info->reason ? result->info->reason : "");
    }
}

static struct outcome start(const char *id, int64_t value)
{
    struct ask ask = { ASK_ADD, value, NULL };

    outcome.there = false;
    runtime_start(first.runtime, &counter_kind, id, &ask, 5000, ended, &outcome);
    redis_fixture_wait(&redis, &outcome.there);
    return outcome;
}

static struct outcome call_at(struct daemon *daemon, const char *id, struct ask ask)
{
    outcome.there = false;
    runtime_call(daemon->runtime, &counter_kind, id, &ask, 5000, ended, &outcome);
    redis_fixture_wait(&redis, &outcome.there);
    return outcome;
}

static struct outcome call(const char *id, struct ask ask)
{
    return call_at(&first, id, ask);
}

static struct outcome look(const char *id, int64_t at)
{
    outcome.there = false;
    runtime_read(first.runtime, &counter_kind, id, at, ended, &outcome);
    redis_fixture_wait(&redis, &outcome.there);
    return outcome;
}

/* Looks until CONDITION, which may name NOW; fails the test after FIXTURE_WAIT_MS. */
#define WAIT_UNTIL(ID, CONDITION)                                               \
    do {                                                                        \
        int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;            \
        struct outcome now = look(ID, 0);                                       \
                                                                                \
        while (!(CONDITION)) {                                                  \
            cr_assert_lt(clock_mono_us(), until_us, "waited for " #CONDITION);  \
            redis_fixture_run(&redis, 5);                                       \
            now = look(ID, 0);                                                  \
        }                                                                       \
    } while (0)

/* ---- starts, calls, reads ---- */

/* If this fails, a machine is made twice, or a call is lost. */
Test(engine, starts_once_and_takes_calls, .init = begin, .fini = end)
{
    cr_expect_eq(start("a", 5).version, 1);
    cr_expect_eq(start("a", 9).err, SL_EEXIST);
    cr_expect_eq(outcome.value, 5, "what is there is shown");
    cr_expect_eq(call("a", (struct ask){ ASK_ADD, 2, NULL }).value, 7);
    cr_expect_eq(outcome.version, 2);
    cr_expect_eq(call("nobody", (struct ask){ ASK_ADD, 1, NULL }).err, SL_ENOENT);
    cr_expect_eq(look("nobody", 0).err, SL_ENOENT);
    cr_expect_eq(look("a", 1).value, 5, "the state as of event 1");
    cr_expect_eq(look("a", 0).value, 7);
}

/* If this fails, a refused call changes something. */
Test(engine, a_refusal_leaves_no_trace, .init = begin, .fini = end)
{
    struct outcome before;

    start("a", 5);
    before = look("a", 0);
    cr_expect(call("a", (struct ask){ ASK_ADD, -6, NULL }).refused);
    cr_expect_eq(look("a", 0).version, before.version);
    cr_expect_eq(outcome.value, 5);
    cr_expect(start("b", -1).refused);
    cr_expect_eq(look("b", 0).err, SL_ENOENT, "a refused start leaves no machine");
}

/* ---- timers ---- */

/* If this fails, timers run early, never, or twice. */
Test(engine, a_timer_fires_once_and_not_early, .init = begin, .fini = end)
{
    int64_t began_us;

    start("a", 2);
    began_us = clock_mono_us();
    call("a", (struct ask){ ASK_TIMER, 150, NULL });
    WAIT_UNTIL("a", now.ticks == 1);
    cr_expect_geq(clock_mono_us() - began_us, 149000);
    redis_fixture_run(&redis, 100);
    cr_expect_eq(look("a", 0).ticks, 1);
}

/* If this fails, a call that took the timer away is answered, and the timer fires all the same. */
Test(engine, a_call_that_unsets_the_timer_wins, .init = begin, .fini = end)
{
    start("a", 2);
    call("a", (struct ask){ ASK_TIMER, 150, NULL });
    call("a", (struct ask){ ASK_UNSET, 0, NULL });
    redis_fixture_run(&redis, 400);
    cr_expect_eq(look("a", 0).ticks, 0);
}

/* If this fails, each step costs a commit. */
Test(engine, steps_that_follow_at_once_share_an_event, .init = begin, .fini = end)
{
    start("a", 3);
    call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", now.ticks == 3);
    cr_expect_eq(outcome.version, 2, "three ticks in one event");
}

/* ---- effects and failures ---- */

/* If this fails, a provider that is away for a moment parks payments, or is asked no more. */
Test(engine, a_transient_failure_is_tried_again, .init = begin, .fini = end)
{
    world.script[0] = SL_EDOWN;
    world.script[1] = SL_EUNKNOWN;
    world.scripted = 2;
    start("a", 100);
    call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", strcmp(now.text, "echo") == 0);
    cr_expect_eq(world.answered, 3);
    cr_expect_str_eq(outcome.status, "working");
    cr_expect_str_eq(outcome.reason, "", "a success clears the failures");
}

/* If this fails, a machine that cannot go on goes on for ever, or is lost. */
Test(engine, exhausted_retries_park_it_and_a_repair_runs_the_step_again, .init = begin, .fini = end)
{
    size_t i;

    for (i = 0; i < 3; i++)
        world.script[i] = SL_EDOWN;
    world.scripted = 3;
    start("a", 100);
    call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", strcmp(now.status, "failed") == 0);
    cr_expect_str_eq(outcome.reason, "scripted");
    cr_expect_eq(call("a", (struct ask){ ASK_ADD, 1, NULL }).err, SL_EFAILED);
    outcome.there = false;
    runtime_repair(first.runtime, &counter_kind, "a", NULL, 5000, ended, &outcome);
    redis_fixture_wait(&redis, &outcome.there);
    cr_expect_eq(outcome.err, SL_OK);
    WAIT_UNTIL("a", strcmp(now.text, "echo") == 0);
    outcome.there = false;
    runtime_repair(first.runtime, &counter_kind, "a", NULL, 5000, ended, &outcome);
    redis_fixture_wait(&redis, &outcome.there);
    cr_expect_eq(outcome.err, SL_EREFUSED, "there is nothing to repair");
}

/* If this fails, an answer that makes no sense is taken for one that does. */
Test(engine, an_unexpected_failure_parks_it_at_once, .init = begin, .fini = end)
{
    world.script[0] = SL_EPROTO;
    world.scripted = 1;
    start("a", 100);
    call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", strcmp(now.status, "failed") == 0);
    cr_expect_eq(world.answered, 1);
}

/* If this fails, a call with an effect loses the timer, or its answer. */
Test(engine, a_call_with_an_effect_keeps_the_timer, .init = begin, .fini = end)
{
    start("a", 2);
    call("a", (struct ask){ ASK_TIMER, 300, NULL });
    cr_expect_eq(call("a", (struct ask){ ASK_ECHO, 0, NULL }).err, SL_OK);
    cr_expect_str_eq(outcome.text, "echo");
    cr_expect_eq(outcome.ticks, 0);
    WAIT_UNTIL("a", now.ticks == 1);
    world.script[world.answered] = SL_EDOWN;
    world.scripted = world.answered + 1;
    cr_expect_eq(call("a", (struct ask){ ASK_ECHO, 0, NULL }).err, SL_EDOWN, "its caller is told");
    cr_expect_str_eq(look("a", 0).status, "working");
}

/* ---- two daemons ---- */

/* If this fails, two daemons overwrite each other's work. */
Test(engine, conflicting_calls_of_two_daemons_are_both_done, .init = begin, .fini = end)
{
    struct outcome one = { 0 }, other = { 0 };
    struct ask ask = { ASK_ADD, 1, NULL };
    int i;

    daemon_open(&second, "second", 300);
    start("a", 0);
    for (i = 0; i < 20; i++) {
        one.there = other.there = false;
        runtime_call(first.runtime, &counter_kind, "a", &ask, 5000, ended, &one);
        runtime_call(second.runtime, &counter_kind, "a", &ask, 5000, ended, &other);
        redis_fixture_wait(&redis, &one.there);
        redis_fixture_wait(&redis, &other.there);
        cr_assert(one.err == SL_OK && other.err == SL_OK);
    }
    cr_expect_eq(look("a", 0).value, 40);
    cr_expect_eq(outcome.version, 41);
}

/* If this fails, the machines of a daemon that hangs in an effect are stuck with it. */
Test(engine, a_daemon_that_is_gone_is_replaced, .init = begin, .fini = end)
{
    start("a", 100);
    world.silent = true;
    call("a", (struct ask){ ASK_TIMER, 1, NULL });
    redis_fixture_run(&redis, 50);
    daemon_close(&first); /* with its claim and its effect */
    world.silent = false;
    daemon_open(&first, "heir", 300);
    WAIT_UNTIL("a", strcmp(now.text, "echo") == 0);
}

/* ---- tags, removal, histories ---- */

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
    runtime_resolve_tag(first.runtime, tag, tag_found, NULL);
    redis_fixture_wait(&redis, &tag_there);
}

/* If this fails, a callback finds the wrong machine. */
Test(engine, tags_belong_to_one_machine, .init = begin, .fini = end)
{
    start("a", 1);
    start("b", 1);
    cr_expect_eq(call("a", (struct ask){ ASK_BIND, 0, "t" }).err, SL_OK);
    resolve("t");
    cr_expect_str_eq(tag_id, "a");
    resolve("unknown");
    cr_expect_eq(tag_err, SL_ENOENT);
    cr_expect_eq(call("b", (struct ask){ ASK_BIND, 0, "t" }).err, SL_EFAILED);
    cr_expect_str_eq(look("b", 0).status, "failed");
    cr_expect_eq(outcome.ticks, 0, "nothing of the step is kept");
}

/* If this fails, a removed machine answers, or its id is taken by another. */
Test(engine, a_removed_machine_is_not_there, .init = begin, .fini = end)
{
    start("a", 1);
    cr_expect_eq(call("a", (struct ask){ ASK_REMOVE, 0, NULL }).err, SL_OK);
    cr_expect_eq(look("a", 0).err, SL_ENOENT);
    cr_expect_eq(call("a", (struct ask){ ASK_ADD, 1, NULL }).err, SL_ENOENT);
    cr_expect_neq(start("a", 1).err, SL_OK);
}

/* If this fails, the snapshot says something else than the history. */
Test(engine, the_snapshot_equals_the_folded_history, .init = begin, .fini = end)
{
    struct outcome snapshot, folded;
    int i;

    start("a", 3);
    for (i = 0; i < 40; i++)
        call("a", (struct ask){ ASK_ADD, i % 3, NULL });
    snapshot = look("a", 0);
    folded = look("a", snapshot.version);
    cr_expect_eq(snapshot.version, 41);
    cr_expect_eq(snapshot.value, folded.value);
    cr_expect_eq(snapshot.ticks, folded.ticks);
}

/* If this fails, timers that were due while Redis was away are lost. */
Test(engine, what_was_due_while_redis_was_away_is_done, .init = begin, .fini = end)
{
    char *why = NULL;

    start("a", 2);
    call("a", (struct ask){ ASK_TIMER, 200, NULL });
    server_kill(redis.server);
    redis_fixture_wait_up(&redis, first.client, false);
    cr_expect_eq(call("a", (struct ask){ ASK_ADD, 1, NULL }).err, SL_EDOWN);
    redis_fixture_run(&redis, 300);
    cr_assert(server_restart(redis.server, &why) == SL_OK, "%s", why);
    redis_fixture_wait_up(&redis, first.client, true);
    WAIT_UNTIL("a", now.err == SL_OK && now.ticks == 1);
    cr_expect_eq(outcome.value, 2);
}

static bool drained;

static void drain_done(void *arg)
{
    (void)arg;
    drained = true;
}

/* If this fails, a daemon that is told to stop keeps its machines from the others. */
Test(engine, drain_lets_go_of_what_it_cannot_finish, .init = begin, .fini = end)
{
    start("a", 100);
    world.silent = true;
    call("a", (struct ask){ ASK_TIMER, 1, NULL });
    redis_fixture_run(&redis, 50);
    drained = false;
    runtime_drain(first.runtime, 100, drain_done, NULL);
    redis_fixture_wait(&redis, &drained);
    cr_expect_eq(call("a", (struct ask){ ASK_ADD, 1, NULL }).err, SL_EDOWN);
    world.silent = false;
    daemon_open(&second, "second", 60000);
    WAIT_UNTIL("a", strcmp(now.text, "echo") == 0);
}

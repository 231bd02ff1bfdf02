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
    enum { ASK_ADD, ASK_TIMER, ASK_UNSET, ASK_ECHO, ASK_BIND, ASK_BIND_ONLY, ASK_REMOVE } what;
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
    else if (result->err == SL_EPROTO || result->err == SL_EREFUSED)
        step_fail(in, out, "%s", result->detail);
    else
        step_retry(in, out, "%s", result->detail);
    if (result->err)
        out->cause = result->err == SL_EUNKNOWN    ? CAUSE_UNKNOWN_OUTCOME
                     : result->err == SL_EREFUSED ? CAUSE_DECLINED
                                                  : CAUSE_UNAVAILABLE;
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
    case ASK_BIND_ONLY: step_bind(out, ask->tag); break;
    case ASK_REMOVE:
        change(in, out, (struct counter_change){ .tag = TICKED });
        out->remove = true;
        break;
    }
}

/* Values at which the timer does something of its own. */
#define VALUE_STUMBLES 50 /* ticks, goes on at once, and then cannot */
#define VALUE_ENDS 60     /* removes itself */
#define VALUE_ASKS 100    /* and more: asks the world */
#define VALUE_BINDS 200   /* and more: binds a tag, too */

/* The timer ticks; while the value is odd it ticks on at once. */
static void step_timeout(const struct step_in *in, struct step_out *out)
{
    const struct counter *state = in->state;

    if (state->value >= VALUE_ASKS) {
        if (state->value >= VALUE_BINDS)
            step_bind(out, "of-timer");
        step_effect(in, out, 7, "of a timer");
        return;
    }
    if (state->value == VALUE_STUMBLES && state->ticks > 0) {
        step_retry(in, out, "it stumbles");
        return;
    }
    change(in, out, (struct counter_change){ .tag = TICKED });
    out->remove = state->value == VALUE_ENDS;
    if (state->value == VALUE_STUMBLES)
        step_continue(in, out);
    if (state->value % 2 == 1 && state->ticks % 3 != 2)
        step_continue(in, out);
}

/* A repair ticks and adds, in this order: what it adds may be refused after the tick. */
static void step_repair(const struct step_in *in, struct step_out *out)
{
    const struct ask *ask = in->args;

    change(in, out, (struct counter_change){ .tag = TICKED });
    change(in, out, (struct counter_change){ .tag = ADDED, .added = { ask->by } });
}

/* Notes what came in, and how the outlook was then. */
static void step(const struct step_in *in, struct step_out *out)
{
    const int *outlook = in->outlook;

    cr_assert(outlook);
    step_note(out, (int)in->input, arena_memdup(in->arena, outlook, sizeof(*outlook)));
    switch (in->input) {
    case IN_INIT: step_call(in, out, in->args); break;
    case IN_CALL: step_call(in, out, in->args); break;
    case IN_EFFECT: step_effect_done(in, out); break;
    case IN_TIMEOUT: step_timeout(in, out); break;
    case IN_REPAIR: step_repair(in, out); break;
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
    bool silent; /* no answers: the last effect is held until it is cancelled, or let go by world_speak() */
    struct pending *held;
    size_t cancelled;
};

struct pending {
    effect_done_fn done;
    void *arg;
    uint64_t number;
    enum sl_err err;
};

static struct world world;

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
    struct pending *pending = malloc(sizeof(*pending));

    (void)ctx;
    (void)arena;
    cr_assert_eq(effect->kind, 7);
    *pending = (struct pending){ done, arg, number, SL_OK };
    if (world.silent) {
        cr_assert_null(world.held);
        world.held = pending;
        return;
    }
    if (world.answered < world.scripted)
        pending->err = world.script[world.answered];
    world.answered++;
    alarm_loop_ops.after(world.alarm, 0, effect_answer, pending);
}

static void effect_cancel(void *ctx, uint64_t number)
{
    (void)ctx;
    world.cancelled++;
    if (world.held && world.held->number == number) {
        free(world.held);
        world.held = NULL;
    }
}

/* The world answers again, first of all what it has kept waiting. */
static void world_speak(void)
{
    struct pending *held = world.held;

    world.silent = false;
    world.held = NULL;
    if (held)
        alarm_loop_ops.after(world.alarm, 0, effect_answer, held);
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

/* ---- the owner ---- */

static struct {
    int outlook;
    char notes[512]; /* "input:outlook " */
} owner;

static const void *owner_outlook(void *ctx)
{
    cr_assert_eq(ctx, &owner);
    return &owner.outlook;
}

static void owner_note(void *ctx, const struct note *note)
{
    size_t len = strlen(owner.notes);

    cr_assert_eq(ctx, &owner);
    if (len < sizeof(owner.notes) - 32)
        sprintf(owner.notes + len, "%d:%d ", note->kind, *(const int *)note->args);
}

/* ---- the rig ---- */

struct daemon {
    struct alarm_loop *alarm; /* its own: what has not rung dies with it */
    struct client *client;
    struct redis_store store;
    struct runtime *runtime;
    struct wheel *wheel;
};

static struct redis_fixture redis;
static struct space *space;
static struct daemon first, second;

/* The Redis store, but the answer to one commit can get lost: the commit is done, and nobody is told. */
static struct {
    bool armed, done;
    store_committed_fn fn;
    void *arg;
} lost;
static struct store_ops store_ops;

static void lost_committed(void *arg, const struct store_committed *committed)
{
    (void)arg;
    cr_assert_eq(committed->err, SL_OK);
    lost.done = true;
}

static void lossy_commit(void *ctx, const struct commit *commit, store_committed_fn done, void *arg)
{
    if (!lost.armed) {
        redis_store_ops.commit(ctx, commit, done, arg);
        return;
    }
    lost.armed = false;
    lost.fn = done;
    lost.arg = arg;
    redis_store_ops.commit(ctx, commit, lost_committed, NULL);
}

/* What the runtime hears of that commit in the end. */
static void lost_tell(void)
{
    lost.fn(lost.arg, &(struct store_committed){ .err = SL_EUNKNOWN, .detail = "the connection was lost" });
}

static void daemon_open(struct daemon *daemon, const char *name, int64_t lease_ms)
{
    daemon->client = redis_fixture_client(&redis, &(struct client_setup){
        .base = redis.base, .url = server_url(redis.server), .name = name, .scripts = script_list,
    });
    redis_fixture_wait_up(&redis, daemon->client, true);
    daemon->alarm = alarm_loop_new(redis.base);
    daemon->store = (struct redis_store){ daemon->client, space, 5000 };
    daemon->runtime = runtime_new(&(struct runtime_setup){
        .store = &store_ops, .store_ctx = &daemon->store, .effects = &effects, .effects_ctx = &world,
        .config = &config, .alarm = &alarm_loop_ops, .alarm_ctx = daemon->alarm, .lease_ms = lease_ms,
        .outlook = owner_outlook, .note = owner_note, .owner_ctx = &owner,
    });
    daemon->wheel = wheel_new(&(struct wheel_setup){
        .store = &redis_store_ops, .store_ctx = &daemon->store, .space = space, .runtime = daemon->runtime, .alarm = &alarm_loop_ops,
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
    memset(&lost, 0, sizeof(lost));
    memset(&owner, 0, sizeof(owner));
    store_ops = redis_store_ops;
    store_ops.commit = lossy_commit;
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
    bool there, refused, has_state, repeated;
    enum sl_err err;
    int64_t version, value, ticks;
    char text[32], status[16], reason[128], cause[24];
} outcome;

static void ended(void *arg, const struct runtime_result *result)
{
    const struct counter *state = result->state;
    struct outcome *out = arg;

    *out = (struct outcome){ .there = true, .refused = result->refused, .err = result->err, .version = result->version };
    out->repeated = result->repeated;
    if (state) {
        out->has_state = true;
        out->value = state->value;
        out->ticks = state->ticks;
        snprintf(out->text, sizeof(out->text), "%s", state->text ? state->text : "");
    }
    if (result->info) {
        snprintf(out->status, sizeof(out->status), "%s", result->info->status);
        snprintf(out->reason, sizeof(out->reason), "%s", result->info->reason ? result->info->reason : "");
        snprintf(out->cause, sizeof(out->cause), "%s", result->info->cause ? result->info->cause : "");
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

/* ---- outlook and notes ---- */

/* If this fails, statistics hear of what did not happen, hear it twice, or not at all. Inputs: 0 start, 1 timer,
 * 2 call, 3 effect. */
Test(engine, notes_are_handed_over_once_what_they_are_of_is_stored, .init = begin, .fini = end)
{
    owner.outlook = 5;
    start("a", 1);
    cr_expect_str_eq(owner.notes, "0:5 ");
    owner.outlook = 6;
    call("a", (struct ask){ ASK_ADD, -9, NULL });
    cr_expect_str_eq(owner.notes, "0:5 ", "a refusal says nothing");
    call("a", (struct ask){ ASK_ADD, 1, NULL });
    cr_expect_str_eq(owner.notes, "0:5 2:6 ");
    start("b", VALUE_STUMBLES);
    owner.notes[0] = '\0';
    call("b", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("b", strcmp(now.status, "failed") == 0);
    cr_expect_str_eq(owner.notes, "2:6 1:6 1:6 1:6 1:6 ", "the call, the tick, and each step that failed");
    start("c", VALUE_ASKS);
    owner.notes[0] = '\0';
    world.script[world.answered] = SL_EPROTO;
    world.scripted = world.answered + 1;
    call("c", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("c", strcmp(now.status, "failed") == 0);
    cr_expect_str_eq(owner.notes, "2:6 3:6 ", "an order without changes stores nothing; its failed end does");
}

/* If this fails, an answer that was lost makes a note be handed over twice, or never. */
Test(engine, a_note_of_a_commit_that_is_sent_again_is_handed_over_once, .init = begin, .fini = end)
{
    struct ask ask = { ASK_ADD, 1, NULL };

    start("a", 1);
    owner.notes[0] = '\0';
    lost.armed = true;
    outcome.there = false;
    runtime_call(first.runtime, &counter_kind, "a", &ask, 5000, ended, &outcome);
    redis_fixture_wait(&redis, &lost.done);
    cr_expect_str_eq(owner.notes, "");
    lost_tell();
    redis_fixture_wait(&redis, &outcome.there);
    cr_expect_eq(outcome.value, 2);
    cr_expect_str_eq(owner.notes, "2:0 ");
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
    world_speak();
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
    world_speak();
    daemon_open(&second, "second", 60000);
    WAIT_UNTIL("a", strcmp(now.text, "echo") == 0);
}

/* ---- answers that get lost ---- */

static const struct ask add_one = { ASK_ADD, 1, NULL }, add_two = { ASK_ADD, 2, NULL };

/* Calls ADD_TWO and loses the answer to its commit. */
static void call_and_lose(const char *id, struct outcome *out)
{
    out->there = false;
    lost.armed = true;
    runtime_call(first.runtime, &counter_kind, id, &add_two, 5000, ended, out);
    redis_fixture_wait(&redis, &lost.done);
}

/* If this fails, a connection that breaks at the wrong moment makes a call happen twice. */
Test(engine, a_lost_answer_is_asked_for_again, .init = begin, .fini = end)
{
    struct outcome one;

    start("a", 5);
    call_and_lose("a", &one);
    lost_tell();
    redis_fixture_wait(&redis, &one.there);
    cr_expect_eq(one.err, SL_OK);
    cr_expect_eq(look("a", 0).value, 7);
    cr_expect_eq(outcome.version, 2);
}

/* If this fails, a call whose answer got lost is run again after another's, or is said not to have happened. */
Test(engine, a_lost_answer_that_nobody_can_give_any_more_is_unknown, .init = begin, .fini = end)
{
    struct outcome one;

    daemon_open(&second, "second", 300);
    start("a", 5);
    call_and_lose("a", &one);
    cr_assert_eq(call_at(&second, "a", (struct ask){ ASK_ADD, 10, NULL }).value, 17);
    lost_tell();
    redis_fixture_wait(&redis, &one.there);
    cr_expect_eq(one.err, SL_EUNKNOWN);
    cr_expect_eq(look("a", 0).value, 17, "it was done once");
    cr_expect_eq(outcome.version, 3);
}

/* ---- idempotency keys ---- */

static void make_failed(const char *id);

static const struct runtime_once key_one = { "key-1", "f1" }, key_misused = { "key-1", "f2" };

static struct outcome call_once(struct daemon *daemon, const char *id, const struct ask *ask, const struct runtime_once *once)
{
    outcome.there = false;
    runtime_call_once(daemon->runtime, &counter_kind, id, ask, 5000, once, ended, &outcome);
    redis_fixture_wait(&redis, &outcome.there);
    return outcome;
}

/* If this fails, a caller who asks again, anywhere, makes it happen twice, or hears something else than at first. */
Test(engine, a_key_gives_the_first_answer_again, .init = begin, .fini = end)
{
    daemon_open(&second, "second", 300);
    start("a", 5);
    start("b", 100);
    cr_expect_eq(call_once(&first, "a", &add_two, &key_one).value, 7);
    cr_expect(!outcome.repeated);
    cr_assert_eq(call("a", add_one).value, 8);
    cr_expect_eq(call_once(&second, "a", &add_two, &key_one).err, SL_OK);
    cr_expect(outcome.repeated);
    cr_expect_eq(outcome.value, 7, "as it was then");
    cr_expect_eq(outcome.version, 2);
    cr_expect_eq(call_once(&second, "a", &add_one, &key_misused).err, SL_ECONFLICT);
    cr_expect_eq(call_once(&first, "b", &add_two, &key_one).value, 102, "another machine has keys of its own");
    cr_expect_eq(look("a", 0).value, 8);
    cr_expect_eq(outcome.version, 3);
}

/* If this fails, two daemons that are asked at once both do it. */
Test(engine, a_key_that_two_daemons_see_at_once_counts_once, .init = begin, .fini = end)
{
    struct outcome one = { 0 }, other = { 0 };

    daemon_open(&second, "second", 300);
    start("a", 5);
    runtime_call_once(first.runtime, &counter_kind, "a", &add_two, 5000, &key_one, ended, &one);
    runtime_call_once(second.runtime, &counter_kind, "a", &add_two, 5000, &key_one, ended, &other);
    redis_fixture_wait(&redis, &one.there);
    redis_fixture_wait(&redis, &other.there);
    cr_expect(one.err == SL_OK && other.err == SL_OK);
    cr_expect(one.value == 7 && other.value == 7);
    cr_expect_neq(one.repeated, other.repeated);
    cr_expect_eq(look("a", 0).value, 7);
}

/* If this fails, a call with a key is answered with "perhaps", or done again, though its key tells that it was done. */
Test(engine, a_key_settles_what_a_lost_answer_left_open, .init = begin, .fini = end)
{
    struct outcome one = { 0 };

    daemon_open(&second, "second", 300);
    start("a", 5);
    lost.armed = true;
    runtime_call_once(first.runtime, &counter_kind, "a", &add_two, 5000, &key_one, ended, &one);
    redis_fixture_wait(&redis, &lost.done);
    cr_assert_eq(call_at(&second, "a", (struct ask){ ASK_ADD, 10, NULL }).value, 17);
    lost_tell();
    redis_fixture_wait(&redis, &one.there);
    cr_expect_eq(one.err, SL_OK);
    cr_expect_eq(one.value, 7);
    cr_expect_eq(look("a", 0).value, 17, "it was done once");
}

/* If this fails, what was done before the machine failed is said not to have happened although its key tells that it was. */
Test(engine, a_key_is_asked_for_on_a_failed_machine_too, .init = begin, .fini = end)
{
    struct outcome one = { 0 };

    daemon_open(&second, "second", 300);
    start("a", 5);
    lost.armed = true;
    runtime_call_once(first.runtime, &counter_kind, "a", &add_two, 5000, &key_one, ended, &one);
    redis_fixture_wait(&redis, &lost.done);
    world.script[0] = SL_EPROTO;
    world.scripted = 1;
    cr_assert_eq(call_at(&second, "a", (struct ask){ ASK_ECHO, 0, NULL }).err, SL_EFAILED);
    lost_tell();
    redis_fixture_wait(&redis, &one.there);
    cr_expect_eq(one.err, SL_OK, "%s", sl_err_name(one.err));
    cr_expect_eq(one.value, 7);
    cr_expect_eq(call_once(&second, "a", &add_two, &key_one).value, 7);
}

/* If this fails, a start with a key is not told from one that came too late, or a call that came to nothing has used its
 * key up. */
Test(engine, keys_of_starts_and_of_what_came_to_nothing, .init = begin, .fini = end)
{
    static const struct ask five = { ASK_ADD, 5, NULL }, too_much = { ASK_ADD, -1000, NULL };
    struct outcome out = { 0 };
    int i;

    daemon_open(&second, "second", 300);
    for (i = 0; i < 2; i++) {
        out.there = false;
        runtime_start_once((i ? &second : &first)->runtime, &counter_kind, "a", &five, 5000, &key_one, ended, &out);
        redis_fixture_wait(&redis, &out.there);
        cr_expect_eq(out.err, SL_OK);
        cr_expect_eq(out.repeated, i == 1);
        cr_expect_eq(out.version, 1);
    }
    out.there = false;
    runtime_start_once(second.runtime, &counter_kind, "a", &five, 5000, &key_misused, ended, &out);
    redis_fixture_wait(&redis, &out.there);
    cr_expect_eq(out.err, SL_ECONFLICT);
    make_failed("b");
    for (i = 0; i < 2; i++) {
        const struct runtime_once once = { "key-2", "f" };

        out.there = false;
        runtime_repair_once(first.runtime, &counter_kind, "b", i ? &add_two : &too_much, 5000, &once, ended, &out);
        redis_fixture_wait(&redis, &out.there);
        cr_expect_eq(out.err, i ? SL_OK : SL_EFAILED, "%d: %s", i, sl_err_name(out.err));
    }
}

/* If this fails, a call that was done before the machine failed is said not to have happened. */
Test(engine, a_lost_answer_of_a_machine_that_failed_since_is_unknown, .init = begin, .fini = end)
{
    struct outcome one;

    daemon_open(&second, "second", 300);
    start("a", 5);
    call_and_lose("a", &one);
    world.script[0] = SL_EPROTO;
    world.scripted = 1;
    cr_assert_eq(call_at(&second, "a", (struct ask){ ASK_ECHO, 0, NULL }).err, SL_EFAILED);
    lost_tell();
    redis_fixture_wait(&redis, &one.there);
    cr_expect_eq(one.err, SL_EUNKNOWN);
    cr_expect_eq(look("a", 0).value, 7);
}

/* ---- requests that come together ---- */

static struct outcome inner;
static const struct ask start_nine = { ASK_ADD, 9, NULL };

static void start_instead(void *arg, const struct runtime_result *result)
{
    ended(arg, result);
    runtime_start(first.runtime, &counter_kind, "new", &start_nine, 5000, ended, &inner);
}

/* If this fails, who asks again from within an answer is never answered. */
Test(engine, a_request_made_in_an_answer_is_answered, .init = begin, .fini = end)
{
    outcome.there = inner.there = false;
    runtime_call(first.runtime, &counter_kind, "new", &add_one, 5000, start_instead, &outcome);
    redis_fixture_wait(&redis, &outcome.there);
    cr_expect_eq(outcome.err, SL_ENOENT);
    redis_fixture_wait(&redis, &inner.there);
    cr_expect_eq(inner.err, SL_OK);
    cr_expect_eq(look("new", 0).value, 9);
}

/* If this fails, who asks again about a removed machine, or a store that is away, is never answered. */
Test(engine, a_request_made_in_an_error_is_answered, .init = begin, .fini = end)
{
    start("new", 1);
    call("new", (struct ask){ ASK_REMOVE, 0, NULL });
    outcome.there = inner.there = false;
    runtime_call(first.runtime, &counter_kind, "new", &add_one, 5000, start_instead, &outcome);
    redis_fixture_wait(&redis, &outcome.there);
    cr_expect_eq(outcome.err, SL_ENOENT);
    redis_fixture_wait(&redis, &inner.there);
    cr_expect_neq(inner.err, SL_OK, "the id is not used again");
}

static void call_again(void *arg, const struct runtime_result *result)
{
    ended(arg, result);
    runtime_call(first.runtime, &counter_kind, "a", &add_one, 5000, ended, &inner);
}

/* If this fails, a caller that tries again after its deadline is never answered. */
Test(engine, a_call_that_waited_too_long_is_dropped_and_may_be_made_again, .init = begin, .fini = end)
{
    struct outcome late = { 0 };

    start("a", 100);
    world.silent = true;
    call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", now.version > 0 && world.held);
    inner.there = false;
    runtime_call(first.runtime, &counter_kind, "a", &add_two, 20, call_again, &late);
    redis_fixture_wait(&redis, &late.there);
    cr_expect_eq(late.err, SL_ETIMEOUT);
    world_speak();
    redis_fixture_wait(&redis, &inner.there);
    cr_expect_eq(inner.err, SL_OK);
    cr_expect_eq(inner.value, 101, "the dropped one was not done");
}

/* If this fails, a start that is refused hides a machine from those who ask behind it. */
Test(engine, a_refused_start_does_not_hide_what_is_there, .init = begin, .fini = end)
{
    static const struct ask bad = { ASK_ADD, -1, NULL };
    struct outcome refused = { 0 }, called = { 0 };

    start("a", 5);
    runtime_start(first.runtime, &counter_kind, "a", &bad, 5000, ended, &refused);
    runtime_call(first.runtime, &counter_kind, "a", &add_one, 5000, ended, &called);
    redis_fixture_wait(&redis, &refused.there);
    redis_fixture_wait(&redis, &called.there);
    cr_expect(refused.refused || refused.err == SL_EEXIST);
    cr_expect_eq(called.err, SL_OK);
    cr_expect_eq(called.value, 6);
}

/* What may wait is bounded: the rest is turned away at once, and all are answered. */
Test(engine, a_full_queue_turns_callers_away, .init = begin, .fini = end)
{
    static struct outcome many[600];
    size_t i, busy = 0, done = 0;

    start("a", 0);
    for (i = 0; i < SL_COUNT(many); i++) {
        many[i].there = false;
        runtime_call(first.runtime, &counter_kind, "a", &add_one, 15000, ended, &many[i]);
    }
    for (i = 0; i < SL_COUNT(many); i++) {
        redis_fixture_wait(&redis, &many[i].there);
        busy += many[i].err == SL_EBUSY;
        done += many[i].err == SL_OK;
    }
    cr_expect_eq(busy + done, SL_COUNT(many));
    cr_expect_gt(busy, 0);
    cr_expect_eq(look("a", 0).value, (int64_t)done, "who was turned away has changed nothing");
}

/* ---- repairs ---- */

/* A machine that failed before its first tick, with 100 in it. */
static void make_failed(const char *id)
{
    world.script[world.answered] = SL_EPROTO;
    world.scripted = world.answered + 1;
    start(id, 100);
    call(id, (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL(id, strcmp(now.status, "failed") == 0);
}

/* If this fails, a repair loses what it adds, or the step that failed does not run again. */
Test(engine_process, repair_after_non_retriable_error_test, .init = begin, .fini = end)
{
    make_failed("a");
    outcome.there = false;
    runtime_repair(first.runtime, &counter_kind, "a", &add_two, 5000, ended, &outcome);
    redis_fixture_wait(&redis, &outcome.there);
    cr_expect_eq(outcome.err, SL_OK);
    cr_expect_eq(outcome.value, 102);
    WAIT_UNTIL("a", strcmp(now.text, "echo") == 0);
    cr_expect_str_eq(outcome.status, "working");
    cr_expect_str_eq(outcome.reason, "");
}

static char folded_text[256];

static void folded(void *arg, const struct runtime_result *result)
{
    struct buf text = { 0 };
    bool *there = arg;

    cr_assert_eq(result->err, SL_OK);
    type_encode(&type_counter, result->state, &text);
    snprintf(folded_text, sizeof(folded_text), "%s", buf_text(&text));
    buf_clear(&text);
    *there = true;
}

static const char *fold_at(const char *id, int64_t version)
{
    bool there = false;

    runtime_read(first.runtime, &counter_kind, id, version, folded, &there);
    redis_fixture_wait(&redis, &there);
    return folded_text;
}

static void expect_snapshot_is_history(const char *id)
{
    struct machine_keys keys;
    char newest[256];

    snprintf(newest, sizeof(newest), "%s", fold_at(id, 0));
    look(id, 0);
    cr_expect_str_eq(newest, fold_at(id, outcome.version));
    space_machine(space, counter_kind.name, id, &keys);
    cr_expect_str_eq(redis_fixture_ask(&redis, "HGET", keys.machine, "state", NULL), newest, "the snapshot is what was read");
}

/* If this fails, what a refused repair had begun stays in memory, and the next one stores it. */
Test(engine, a_repair_that_does_not_fit_leaves_nothing_to_the_next_one, .init = begin, .fini = end)
{
    static const struct ask too_much = { ASK_ADD, -1000, NULL };
    struct outcome bad = { 0 }, good = { 0 };

    make_failed("a");
    runtime_repair(first.runtime, &counter_kind, "a", &too_much, 5000, ended, &bad);
    runtime_repair(first.runtime, &counter_kind, "a", &add_two, 5000, ended, &good);
    redis_fixture_wait(&redis, &bad.there);
    redis_fixture_wait(&redis, &good.there);
    cr_expect_eq(bad.err, SL_EFAILED);
    cr_expect_eq(good.err, SL_OK);
    cr_expect_eq(good.ticks, 1);
    WAIT_UNTIL("a", strcmp(now.text, "echo") == 0);
    expect_snapshot_is_history("a");
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
Test(engine, a_rehearsal_shows_what_would_be_and_leaves_no_trace, .init = begin, .fini = end)
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

    make_failed("a");
    start("well", 1);
    look("a", 0);
    snprintf(before, sizeof(before), "%s", redis_fixture_ask(&redis, "EVAL", digest, "0", NULL));
    for (i = 0; i < SL_COUNT(rows); i++) {
        struct rehearsed got = { 0 };

        runtime_rehearse(first.runtime, &counter_kind, rows[i].id, IN_REPAIR, rows[i].ask, NULL, rehearsed, &got);
        redis_fixture_wait(&redis, &got.there);
        cr_expect_eq(got.err, rows[i].want.err, "row %zu: %s", i, sl_err_name(got.err));
        cr_expect_eq(got.end, rows[i].want.end, "row %zu", i);
        cr_expect_eq(got.changes, rows[i].want.changes, "row %zu: %zu", i, got.changes);
        cr_expect_eq(got.value, rows[i].want.value, "row %zu: %lld", i, (long long)got.value);
        cr_expect_eq(got.version, rows[i].want.version, "row %zu: %lld", i, (long long)got.version);
    }
    cr_expect_str_eq(redis_fixture_ask(&redis, "EVAL", digest, "0", NULL), before);
    look("a", 0);
    cr_expect_str_eq(outcome.status, "failed");
}

/* If this fails, the good steps of a turn are lost with the bad one, or the machine is stuck in memory. */
Test(engine, a_step_that_fails_late_keeps_the_steps_before_it, .init = begin, .fini = end)
{
    start("a", VALUE_STUMBLES);
    call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", strcmp(now.status, "failed") == 0);
    cr_expect_eq(outcome.ticks, 1);
    cr_expect_eq(outcome.version, 2);
    cr_expect_str_eq(outcome.reason, "it stumbles");
}

/* If this fails, a machine that may have done something outside is listed as one that has not. */
Test(engine, an_unknown_outcome_stays_unknown_until_it_is_answered, .init = begin, .fini = end)
{
    struct runtime_stats stats;

    world.script[0] = SL_EUNKNOWN;
    world.script[1] = world.script[2] = SL_EDOWN;
    world.scripted = 3;
    start("a", 100);
    call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", strcmp(now.status, "failed") == 0);
    cr_expect_str_eq(outcome.cause, "unknown_outcome");
    runtime_stats(first.runtime, &stats);
    cr_expect_eq(stats.retries_by[CAUSE_UNKNOWN_OUTCOME], 2);
    cr_expect_eq(stats.failures_by[CAUSE_UNKNOWN_OUTCOME], 1);
    world.answered = 0;
    world.script[0] = SL_EDOWN;
    outcome.there = false;
    runtime_repair(first.runtime, &counter_kind, "a", NULL, 5000, ended, &outcome);
    redis_fixture_wait(&redis, &outcome.there);
    WAIT_UNTIL("a", strcmp(now.status, "failed") == 0);
    cr_expect_str_eq(outcome.cause, "unknown_outcome", "a repair answers nothing");
    world.answered = world.scripted = 0;
    outcome.there = false;
    runtime_repair(first.runtime, &counter_kind, "a", NULL, 5000, ended, &outcome);
    redis_fixture_wait(&redis, &outcome.there);
    WAIT_UNTIL("a", strcmp(now.text, "echo") == 0);
    cr_expect_str_eq(outcome.cause, "");
}

/* If this fails, a call that was refused after a first answer got lost is repeated under its old key for ever. */
Test(engine, a_refusal_answers_what_was_not_known, .init = begin, .fini = end)
{
    world.script[0] = SL_EUNKNOWN;
    world.script[1] = SL_EREFUSED;
    world.scripted = 2;
    start("a", 100);
    call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", strcmp(now.status, "failed") == 0);
    cr_expect_str_eq(outcome.cause, "declined");
}

/* ---- tags without changes ---- */

/* If this fails, a tag that a step binds, and nothing else, is not bound. */
Test(engine, a_tag_alone_is_bound, .init = begin, .fini = end)
{
    start("a", 1);
    cr_expect_eq(call("a", (struct ask){ ASK_BIND_ONLY, 0, "alone" }).err, SL_OK);
    resolve("alone");
    cr_expect_str_eq(tag_id, "a");
    cr_expect_eq(look("a", 0).version, 1);
}

/* If this fails, a callback that comes during the effect does not find its machine. */
Test(engine, a_tag_is_bound_before_the_effect_that_comes_with_it, .init = begin, .fini = end)
{
    start("a", VALUE_BINDS);
    world.silent = true;
    call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", now.version > 0 && world.held);
    resolve("of-timer");
    cr_expect_eq(tag_err, SL_OK);
    cr_expect_str_eq(tag_id, "a");
    world_speak();
    WAIT_UNTIL("a", strcmp(now.text, "echo") == 0);
}

/* ---- timers and claims ---- */

/* If this fails, a call loses the timer that was there. */
Test(engine_process, reschedule_after_call_test, .init = begin, .fini = end)
{
    int64_t began_us;

    start("a", 2);
    began_us = clock_mono_us();
    call("a", (struct ask){ ASK_TIMER, 200, NULL });
    call("a", (struct ask){ ASK_ADD, 2, NULL });
    WAIT_UNTIL("a", now.ticks == 1);
    cr_expect_geq(clock_mono_us() - began_us, 199000);
    cr_expect_eq(outcome.value, 4);
}

/* If this fails, the old moment of a timer that was moved counts still. */
Test(engine, a_call_that_moves_the_timer_wins, .init = begin, .fini = end)
{
    int64_t began_us = clock_mono_us();

    start("a", 2);
    call("a", (struct ask){ ASK_TIMER, 100, NULL });
    call("a", (struct ask){ ASK_TIMER, 400, NULL });
    redis_fixture_run(&redis, 250);
    cr_expect_eq(look("a", 0).ticks, 0);
    WAIT_UNTIL("a", now.ticks == 1);
    cr_expect_geq(clock_mono_us() - began_us, 400000);
    call("a", (struct ask){ ASK_TIMER, 60000, NULL });
    call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", now.ticks == 2);
}

/* If this fails, a machine that ends itself goes on, or is shown. */
Test(engine_process, remove_by_timer_test, .init = begin, .fini = end)
{
    start("a", VALUE_ENDS);
    call("a", (struct ask){ ASK_TIMER, 50, NULL });
    WAIT_UNTIL("a", now.err == SL_ENOENT);
}

/* If this fails, a daemon that has lost its machine goes on with it all the same. */
Test(engine, a_claim_that_was_lost_is_dropped, .init = begin, .fini = end)
{
    int64_t deadline_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;
    struct runtime_stats stats;
    char wheel[64];

    start("a", 100);
    world.silent = true;
    call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", now.version > 0 && world.held);
    snprintf(wheel, sizeof(wheel), "%s", space_wheel(space, space_partition(space, "a")).data);
    redis_fixture_ask(&redis, "ZADD", wheel, "9999999999999", "counter:a", NULL);
    do {
        cr_assert_lt(clock_mono_us(), deadline_us);
        redis_fixture_run(&redis, 10);
        runtime_stats(first.runtime, &stats);
    } while (stats.lost_claims == 0 || stats.in_work > 0);
    cr_expect_eq(world.cancelled, 1);
    cr_expect_null(world.held);
    cr_expect_str_eq(redis_fixture_ask(&redis, "ZSCORE", wheel, "counter:a", NULL), "9999999999999", "it is the other's still");
    world_speak();
    redis_fixture_ask(&redis, "ZADD", wheel, "1", "counter:a", NULL); /* and the other lets go of it */
    WAIT_UNTIL("a", strcmp(now.text, "echo") == 0);
    cr_expect_eq(world.answered, 1);
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
    runtime_events(first.runtime, &counter_kind, id, after, limit, page_take, NULL);
    redis_fixture_wait(&redis, &page.there);
}

/* If this fails, who reads a history in pages misses events, or sees some twice. */
Test(engine_history_range, pages_have_every_event_once, .init = begin, .fini = end)
{
    static const struct {
        int64_t after;
        size_t limit, count;
    } rows[] = { { 0, 4, 4 }, { 4, 4, 4 }, { 8, 4, 2 }, { 10, 4, 0 }, { 42, 4, 0 }, { 0, 10, 10 }, { 0, 1000, 10 }, { 9, 1, 1 } };
    size_t i, k;

    start("a", 0);
    for (i = 0; i < 9; i++)
        call("a", (struct ask){ ASK_ADD, 1, NULL });
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
Test(engine_machine, get_corrupted_machine_fails, .init = begin, .fini = end)
{
    struct machine_keys keys;

    start("a", 0);
    call("a", (struct ask){ ASK_ADD, 1, NULL });
    call("a", (struct ask){ ASK_ADD, 1, NULL });
    space_machine(space, counter_kind.name, "a", &keys);
    redis_fixture_ask(&redis, "HDEL", keys.machine, "state", "v", NULL);
    redis_fixture_ask(&redis, "XDEL", keys.events, "2-0", NULL);
    cr_expect_eq(look("a", 0).err, SL_ECORRUPT);
    cr_expect_eq(call("a", (struct ask){ ASK_ADD, 1, NULL }).err, SL_ECORRUPT);
    cr_expect_str_eq(redis_fixture_ask(&redis, "XLEN", keys.events, NULL), "2", "nothing is written behind a hole");
}

/* If this fails, the snapshot says something else than the history, in any field. */
Test(engine, the_snapshot_equals_the_history_in_every_field, .init = begin, .fini = end)
{
    int i;

    start("a", 3);
    for (i = 0; i < 40; i++)
        call("a", (struct ask){ ASK_ADD, i % 3, NULL });
    call("a", (struct ask){ ASK_ECHO, 0, NULL });
    call("a", (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL("a", now.ticks > 0);
    expect_snapshot_is_history("a");
}

/* ---- many callers, and the end ---- */

/* If this fails, answers go to the wrong callers. */
Test(engine_workers, workers_stress_test, .init = begin, .fini = end)
{
    static struct outcome answers[400];
    static struct ask asks[400];
    int64_t sums[10] = { 0 };
    char id[8];
    size_t i;

    daemon_open(&second, "second", 300);
    for (i = 0; i < 10; i++) {
        snprintf(id, sizeof(id), "m%zu", i);
        start(id, 0);
    }
    for (i = 0; i < SL_COUNT(asks); i++) {
        asks[i] = (struct ask){ ASK_ADD, (int64_t)i, NULL };
        snprintf(id, sizeof(id), "m%zu", i % 10);
        runtime_call((i / 10 % 2 ? &first : &second)->runtime, &counter_kind, id, &asks[i], 15000, ended, &answers[i]);
    }
    for (i = 0; i < SL_COUNT(asks); i++) {
        redis_fixture_wait(&redis, &answers[i].there);
        cr_assert(answers[i].err == SL_OK || answers[i].err == SL_EBUSY, "%zu: %s", i, sl_err_name(answers[i].err));
        if (answers[i].err == SL_OK) {
            sums[i % 10] += (int64_t)i;
            cr_expect_geq(answers[i].value, (int64_t)i);
        }
    }
    for (i = 0; i < 10; i++) {
        snprintf(id, sizeof(id), "m%zu", i);
        cr_expect_eq(look(id, 0).value, sums[i], "%s: those who were told so, and nobody else", id);
    }
}

/* If this fails, a daemon that is told to stop does not let what runs come to its end. */
Test(engine_workers, graceful_shutdown_test, .init = begin, .fini = end)
{
    static const struct ask echo = { ASK_ECHO, 0, NULL };
    struct outcome one = { 0 };

    start("a", 2);
    world.silent = true;
    runtime_call(first.runtime, &counter_kind, "a", &echo, 5000, ended, &one);
    WAIT_UNTIL("a", now.version > 0 && world.held);
    drained = false;
    runtime_drain(first.runtime, 10000, drain_done, NULL);
    redis_fixture_run(&redis, 150);
    cr_expect_not(drained);
    world_speak();
    redis_fixture_wait(&redis, &one.there);
    redis_fixture_wait(&redis, &drained);
    cr_expect_eq(one.err, SL_OK);
    cr_expect_str_eq(one.text, "echo");
}

/* If this fails, a daemon cannot be stopped while Redis is away. */
Test(engine, drain_ends_without_redis_too, .init = begin, .fini = end)
{
    struct outcome one;

    start("a", 5);
    call_and_lose("a", &one);
    server_kill(redis.server);
    redis_fixture_wait_up(&redis, first.client, false);
    lost_tell();
    drained = false;
    runtime_drain(first.runtime, 100, drain_done, NULL);
    redis_fixture_wait(&redis, &drained);
    cr_expect(one.there);
    cr_expect_eq(one.err, SL_EUNKNOWN, "it may have happened");
}

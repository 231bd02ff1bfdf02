/* Calls that were begun come to an end: a door that somebody knocks at, and a world behind it that opens it, or is not
 * heard. Real Redis, real runtime, real wheel. Ref: doc/decisions/0015-calls-that-were-begun.md. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/alarm_loop.h"
#include "engine/redis_store.h"
#include "engine/runtime.h"
#include "engine/wheel.h"
#include "redis/script_list.h"
#include "support/redis_fixture.h"

/* ---- the door ---- */

struct noted {
    const char *text;
};
struct door_change {
    int tag;
    struct noted noted;
};
enum { NOTED = 1 };
struct door {
    const char *story; /* all that has happened, e.g. "born opened:tom rang" */
};
struct knock {
    const char *who;
};
struct kept {
    int tag;
    struct knock knock;
};

static const struct type_field noted_rows[] = { TF_REQ(noted, text, type_str) };
static const struct type type_noted = TYPE_STRUCT_OF(NULL, noted, noted_rows);
static const struct type_field change_rows[] = { TF_VAR(door_change, noted, type_noted) };
static const struct type type_change = TYPE_UNION_OF(NULL, door_change, change_rows);
static const struct type_field door_rows[] = { TF_OPT(door, story, type_str) };
static const struct type type_door = TYPE_STRUCT_OF(NULL, door, door_rows);
static const struct type_field knock_rows[] = { TF_REQ(knock, who, type_str) };
static const struct type type_knock = TYPE_STRUCT_OF(NULL, knock, knock_rows);
static const struct type_field kept_rows[] = { TF_VAR(kept, knock, type_knock) };
static const struct type type_kept = TYPE_UNION_OF(NULL, kept, kept_rows);

struct ask {
    enum { ASK_NOTE, ASK_KNOCK, ASK_TIMER } what;
    const char *text;
    int64_t in_ms;
};

static const char *fold(void *state_in, const void *change_in, int64_t now_us, bool strict, struct arena *arena)
{
    const struct door_change *change = change_in;
    struct door *state = state_in;

    (void)now_us;
    (void)strict;
    state->story = arena_printf(arena, "%s%s%s", state->story ? state->story : "", state->story ? " " : "",
                                change->noted.text);
    return NULL;
}

static void note(const struct step_in *in, struct step_out *out, const char *text)
{
    struct door_change change = { .tag = NOTED, .noted = { text } };

    step_change(out, arena_memdup(in->arena, &change, sizeof(change)));
}

static void knock_answered(const struct step_in *in, struct step_out *out, const struct ask *ask)
{
    const struct effect_result *result = in->args;

    switch ((int)result->err) {
    case SL_OK:
        note(in, out, arena_printf(in->arena, "opened:%s", ask->text));
        out->reply = arena_strdup(in->arena, ask->text);
        break;
    case SL_EREFUSED: step_refuse(out, "nobody opens"); break;
    case SL_EPROTO:
        step_fail(in, out, "a strange noise");
        out->cause = CAUSE_BAD_ANSWER;
        break;
    case SL_ENOENT:
        step_fail(in, out, "no");
        out->cause = CAUSE_DECLINED;
        break;
    default:
        step_retry(in, out, "nothing is heard");
        out->cause = CAUSE_UNKNOWN_OUTCOME;
    }
}

/* The key is made of what the engine says, as those of payments are. */
static void step_call(const struct step_in *in, struct step_out *out, const struct ask *ask)
{
    if (ask->what == ASK_NOTE)
        note(in, out, arena_strdup(in->arena, ask->text));
    else if (ask->what == ASK_TIMER)
        step_timer_ms(out, in->now_us / 1000 + ask->in_ms);
    else
        step_effect(in, out, 7, arena_printf(in->arena, "%s.%d.%d", ask->text, (int)in->version, (int)in->quiet));
}

static void step(const struct step_in *in, struct step_out *out)
{
    switch (in->input) {
    case IN_INIT:
    case IN_CALL: step_call(in, out, in->args); break;
    case IN_EFFECT: knock_answered(in, out, in->call); break;
    case IN_TIMEOUT: note(in, out, "rang"); break;
    case IN_REPAIR: note(in, out, "repaired"); break;
    }
}

static struct machine_label label(const void *state)
{
    (void)state;
    return (struct machine_label){ "standing", "fine", false };
}

static int64_t revision(const void *state)
{
    (void)state;
    return 0;
}

static const struct type *reply(const void *args)
{
    (void)args;
    return NULL;
}

static bool keep(const void *args, struct buf *out)
{
    const struct ask *ask = args;
    struct kept kept = { .tag = 1, .knock = { ask->text } };

    if (ask->what != ASK_KNOCK)
        return false;
    type_encode(&type_kept, &kept, out);
    return true;
}

static const void *recall(const char *json, size_t len, struct arena *arena)
{
    struct ask *ask = arena_alloc(arena, sizeof(*ask));
    struct type_errors errors = { 0 };
    struct kept kept;

    if (type_decode_text(&type_kept, json, len, TYPE_STORED, arena, &kept, &errors))
        return NULL;
    *ask = (struct ask){ .what = ASK_KNOCK, .text = kept.knock.who };
    return ask;
}

static const struct machine_kind door_kind = {
    .name = "door", .change = &type_change, .state = &type_door, .retry = { 30, 2, 100, 3 }, .fold = fold, .step = step,
    .label = label, .revision = revision, .reply = reply, .keep = keep, .recall = recall,
};
static const struct machine_kind patient_kind = { /* its next attempt is far away */
    .name = "door", .change = &type_change, .state = &type_door, .retry = { 60000, 2, 60000, 3 }, .fold = fold, .step = step,
    .label = label, .revision = revision, .reply = reply, .keep = keep, .recall = recall,
};
static const struct machine_kind *const kinds[] = { &door_kind, NULL };

/* ---- the world ---- */

struct pending {
    effect_done_fn done;
    void *arg;
    uint64_t number;
    enum sl_err err;
};

static struct {
    enum sl_err script[8]; /* how it answers, one after the other; then with SL_OK */
    size_t scripted, count;
    char keys[16][32];     /* with which it was asked */
    bool silent;
    struct pending *held;
    struct alarm_loop *alarm;
} world;

static void effect_answer(void *arg)
{
    struct pending pending = *(struct pending *)arg;
    struct effect_result result = { 7, pending.err, pending.err ? NULL : "opened", "scripted" };

    free(arg);
    pending.done(pending.arg, pending.number, &result);
}

static void effect_start(void *ctx, const struct effect *effect, uint64_t number, struct arena *arena,
                         effect_done_fn done, void *arg)
{
    struct pending *pending = malloc(sizeof(*pending));

    (void)ctx;
    (void)arena;
    cr_assert_lt(world.count, SL_COUNT(world.keys));
    *pending = (struct pending){ done, arg, number, world.count < world.scripted ? world.script[world.count] : SL_OK };
    snprintf(world.keys[world.count++], sizeof(world.keys[0]), "%s", (const char *)effect->args);
    if (world.silent)
        world.held = pending;
    else
        alarm_loop_ops.after(world.alarm, 0, effect_answer, pending);
}

static void effect_cancel(void *ctx, uint64_t number)
{
    (void)ctx;
    if (world.held && world.held->number == number) {
        free(world.held);
        world.held = NULL;
    }
}

static const struct effect_ops effects = { effect_start, effect_cancel };

static void script(size_t count, enum sl_err err)
{
    for (world.scripted = 0; world.scripted < count; world.scripted++)
        world.script[world.scripted] = err;
}

static void same_keys(size_t count)
{
    size_t i;

    cr_expect_eq(world.count, count, "the world was asked %zu times", world.count);
    for (i = 1; i < world.count; i++)
        cr_expect_str_eq(world.keys[i], world.keys[0], "asked under another key");
}

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
    struct alarm_loop *alarm;
    struct client *client;
    struct redis_store store;
    struct runtime *runtime;
    struct wheel *wheel;
};

static struct redis_fixture redis;
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
        .store = &redis_store_ops, .store_ctx = &daemon->store, .space = space, .runtime = daemon->runtime,
        .alarm = &alarm_loop_ops, .alarm_ctx = daemon->alarm, .name = name, .kinds = kinds, .lease_ms = lease_ms,
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

struct outcome {
    bool there, refused, repeated;
    enum sl_err err;
    char story[128], status[16], cause[24], asked[64], reply[32];
    int attempts;
};

static void ended(void *arg, const struct runtime_result *result)
{
    const struct door *state = result->state;
    struct outcome *out = arg;

    *out = (struct outcome){ .there = true, .refused = result->refused, .repeated = result->repeated, .err = result->err };
    snprintf(out->story, sizeof(out->story), "%s", state && state->story ? state->story : "");
    snprintf(out->reply, sizeof(out->reply), "%s", result->reply ? (const char *)result->reply : "");
    if (!result->info)
        return;
    snprintf(out->status, sizeof(out->status), "%s", result->info->status);
    snprintf(out->cause, sizeof(out->cause), "%s", result->info->cause ? result->info->cause : "");
    snprintf(out->asked, sizeof(out->asked), "%s", result->info->asked ? result->info->asked : "");
    out->attempts = result->info->attempts;
}

static struct outcome wait_for(struct outcome *outcome)
{
    redis_fixture_wait(&redis, &outcome->there);
    return *outcome;
}

static struct outcome call_kind(struct daemon *daemon, const struct machine_kind *kind, struct ask ask)
{
    struct outcome outcome = { 0 };

    runtime_call(daemon->runtime, kind, "d", &ask, 5000, ended, &outcome);
    return wait_for(&outcome);
}

static struct outcome call(struct ask ask)
{
    return call_kind(&first, &door_kind, ask);
}

static struct outcome repair(struct daemon *daemon, const void *args)
{
    struct outcome outcome = { 0 };

    runtime_repair(daemon->runtime, &door_kind, "d", args, 5000, ended, &outcome);
    return wait_for(&outcome);
}

static struct outcome look(void)
{
    struct daemon *daemon = first.client ? &first : &second;
    struct outcome outcome = { 0 };

    runtime_read(daemon->runtime, &door_kind, "d", 0, ended, &outcome);
    return wait_for(&outcome);
}

static void start(void)
{
    struct ask ask = { .what = ASK_NOTE, .text = "born" };
    struct outcome outcome = { 0 };

    runtime_start(first.runtime, &door_kind, "d", &ask, 5000, ended, &outcome);
    cr_assert_eq(wait_for(&outcome).err, SL_OK);
}

/* Looks until CONDITION, which may name NOW; fails the test after FIXTURE_WAIT_MS. */
#define WAIT_UNTIL(CONDITION)                                                   \
    do {                                                                        \
        int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;            \
        struct outcome now = look();                                            \
                                                                                \
        while (!(CONDITION)) {                                                  \
            cr_assert_lt(clock_mono_us(), until_us, "waited for " #CONDITION);  \
            redis_fixture_run(&redis, 5);                                       \
            now = look();                                                       \
        }                                                                       \
    } while (0)

#define KNOCK(WHO) ((struct ask){ .what = ASK_KNOCK, .text = (WHO) })
#define NOTE(TEXT) ((struct ask){ .what = ASK_NOTE, .text = (TEXT) })
#define TIMER(MS) ((struct ask){ .what = ASK_TIMER, .in_ms = (MS) })

static struct outcome knocked; /* of a knock that is not waited for */

static void knock_held(struct daemon *daemon, const struct ask *ask)
{
    world.silent = true;
    knocked.there = false;
    runtime_call(daemon->runtime, &door_kind, "d", ask, 5000, ended, &knocked);
    while (!world.held)
        redis_fixture_run(&redis, 1);
    world.silent = false;
}

/* ---- the ordinary case ---- */

/* If this fails, a call that nothing happened to costs more than its claim and its result. */
Test(asked, costs_nothing_when_all_is_well, .init = begin, .fini = end)
{
    struct runtime_stats before, after;
    struct outcome outcome;

    start();
    runtime_stats(first.runtime, &before);
    outcome = call(KNOCK("tom"));
    runtime_stats(first.runtime, &after);
    cr_expect_eq(outcome.err, SL_OK);
    cr_expect_str_eq(outcome.reply, "tom");
    cr_expect_eq(after.commits - before.commits, 2);
    cr_expect_str_eq(look().story, "born opened:tom");
    cr_expect_str_eq(look().asked, "");
}

/* If this fails, nothing durable says that the world was asked. */
Test(asked, is_stored_before_the_effect_begins, .init = begin, .fini = end)
{
    struct ask ask = KNOCK("tom");

    start();
    knock_held(&first, &ask);
    cr_expect_str_eq(look().asked, "{\"knock\":{\"who\":\"tom\"}}");
    alarm_loop_ops.after(world.alarm, 0, effect_answer, world.held);
    world.held = NULL;
    cr_expect_eq(wait_for(&knocked).err, SL_OK);
    cr_expect_str_eq(look().asked, "");
}

/* ---- the answer is lost ---- */

/* If this fails, what the world did is never learned unless the caller comes again. */
Test(asked, an_answer_that_is_lost_is_asked_for_again, .init = begin, .fini = end)
{
    struct outcome outcome;

    start();
    script(1, SL_EUNKNOWN);
    outcome = call(KNOCK("tom"));
    cr_expect_eq(outcome.err, SL_EDOWN, "the caller is told to come again");
    cr_expect_str_eq(look().cause, "unknown_outcome");
    WAIT_UNTIL(strcmp(now.story, "born opened:tom") == 0);
    cr_expect_str_eq(look().status, "working");
    cr_expect_str_eq(look().asked, "");
    same_keys(2);
}

/* If this fails, the timer decides against what the world has done. */
Test(asked, the_timer_waits_for_it, .init = begin, .fini = end)
{
    start();
    call(TIMER(20));
    script(2, SL_EUNKNOWN);
    call(KNOCK("tom"));
    WAIT_UNTIL(strstr(now.story, "rang"));
    cr_expect_str_eq(look().story, "born opened:tom rang");
    same_keys(3);
}

/* If this fails, the world's silence is retried for ever, or forgotten when it is parked. */
Test(asked, is_parked_when_its_attempts_are_used_up_and_repaired, .init = begin, .fini = end)
{
    start();
    script(3, SL_EUNKNOWN);
    call(KNOCK("tom"));
    WAIT_UNTIL(strcmp(now.status, "failed") == 0);
    cr_expect_str_eq(look().cause, "unknown_outcome");
    cr_expect_str_neq(look().asked, "");
    cr_expect_eq(call(NOTE("x")).err, SL_EFAILED);
    cr_expect_eq(repair(&first, NULL).err, SL_OK);
    WAIT_UNTIL(strcmp(now.story, "born opened:tom") == 0);
    same_keys(4);
}

/* If this fails, an operator's word does not hold. */
Test(asked, a_repair_with_a_word_of_its_own_ends_it, .init = begin, .fini = end)
{
    start();
    script(1, SL_EPROTO);
    cr_expect_eq(call(KNOCK("tom")).err, SL_EFAILED);
    cr_expect_str_neq(look().asked, "", "a noise is no answer");
    cr_expect_str_eq(look().cause, "bad_answer");
    cr_expect_eq(repair(&first, "word").err, SL_OK);
    cr_expect_str_eq(look().story, "born repaired");
    cr_expect_str_eq(look().asked, "");
    cr_expect_eq(call(NOTE("on")).err, SL_OK);
    same_keys(1);
}

/* If this fails, what was answered is asked for ever. */
Test(asked, a_definite_no_ends_it, .init = begin, .fini = end)
{
    struct outcome outcome;

    start();
    script(1, SL_EREFUSED);
    outcome = call(KNOCK("tom"));
    cr_expect(outcome.refused);
    WAIT_UNTIL(!*now.asked);
    cr_expect_str_eq(look().status, "working");
    cr_expect_eq(call(NOTE("on")).err, SL_OK);
    world.script[1] = SL_ENOENT;
    world.scripted = 2;
    cr_expect_eq(call(KNOCK("tim")).err, SL_EFAILED);
    cr_expect_str_eq(look().cause, "declined");
    cr_expect_str_eq(look().asked, "");
}

/* If this fails, a refusal that comes late leaves the machine retrying for nothing. */
Test(asked, a_no_after_an_unknown_outcome_ends_it, .init = begin, .fini = end)
{
    start();
    world.script[0] = SL_EUNKNOWN;
    world.script[1] = SL_EREFUSED;
    world.scripted = 2;
    call(KNOCK("tom"));
    WAIT_UNTIL(!*now.asked);
    cr_expect_str_eq(look().status, "working");
    cr_expect_str_eq(look().story, "born");
    cr_expect_eq(look().attempts, 0);
    same_keys(2);
}

/* ---- others come meanwhile ---- */

/* If this fails, a caller who repeats it is sent away although the world answers, or it is done twice. */
Test(asked, the_same_call_again_does_it_at_once, .init = begin, .fini = end)
{
    struct outcome outcome;

    start();
    script(2, SL_EUNKNOWN);
    cr_expect_eq(call_kind(&first, &patient_kind, KNOCK("tom")).err, SL_EDOWN);
    cr_expect_eq(call_kind(&first, &patient_kind, KNOCK("tom")).err, SL_EDOWN);
    cr_expect_eq(look().attempts, 1, "who comes before the time does not use up attempts");
    outcome = call_kind(&first, &patient_kind, KNOCK("tom"));
    cr_expect_eq(outcome.err, SL_OK);
    cr_expect_str_eq(outcome.reply, "tom");
    cr_expect_str_eq(look().story, "born opened:tom");
    same_keys(3);
}

/* If this fails, others change the machine under a call whose outcome is open. */
Test(asked, other_calls_wait_until_it_is_over, .init = begin, .fini = end)
{
    start();
    script(2, SL_EUNKNOWN);
    call_kind(&first, &patient_kind, KNOCK("tom"));
    cr_expect_eq(call_kind(&first, &patient_kind, NOTE("x")).err, SL_EDOWN, "it is still open");
    cr_expect_str_eq(look().story, "born");
    cr_expect_eq(call_kind(&first, &patient_kind, KNOCK("tim")).err, SL_OK, "another knock");
    cr_expect_str_eq(look().story, "born opened:tom opened:tim");
    cr_expect_eq(world.count, 4);
    cr_expect_str_neq(world.keys[3], world.keys[0]);
}

/* If this fails, two daemons work on one call, or change what it is about. */
Test(asked, another_daemon_stands_back_while_it_is_under_way, .init = begin, .fini = end)
{
    struct ask ask = KNOCK("tom");

    daemon_close(&first);
    daemon_open(&first, "first", 60000);
    start();
    daemon_open(&second, "second", 60000);
    knock_held(&first, &ask);
    cr_expect_eq(call_kind(&second, &door_kind, NOTE("x")).err, SL_EDOWN);
    cr_expect_eq(call_kind(&second, &door_kind, KNOCK("tom")).err, SL_EDOWN);
    alarm_loop_ops.after(world.alarm, 0, effect_answer, world.held);
    world.held = NULL;
    cr_expect_eq(wait_for(&knocked).err, SL_OK);
    cr_expect_str_eq(look().story, "born opened:tom");
    same_keys(1);
}

/* ---- the daemon is gone ---- */

/* If this fails, a crash between the world's answer and its commit loses what was done. */
Test(asked, who_takes_over_finishes_it_first, .init = begin, .fini = end)
{
    struct ask ask = KNOCK("tom");

    start();
    call(TIMER(50));
    knock_held(&first, &ask);
    daemon_close(&first);
    daemon_open(&second, "second", 300);
    WAIT_UNTIL(strstr(now.story, "rang"));
    cr_expect_str_eq(look().story, "born opened:tom rang");
    cr_expect_str_eq(look().asked, "");
    same_keys(2);
}

static void set(void *arg)
{
    *(bool *)arg = true;
}

/* If this fails, a daemon that is stopped leaves the call to a timer that may be far away. */
Test(asked, a_daemon_that_stops_leaves_it_due, .init = begin, .fini = end)
{
    struct ask ask = KNOCK("tom");
    bool drained = false;

    start();
    call(TIMER(3600000));
    knock_held(&first, &ask);
    runtime_drain(first.runtime, 50, set, &drained);
    redis_fixture_wait(&redis, &drained);
    cr_expect_eq(wait_for(&knocked).err, SL_EDOWN);
    cr_expect_str_neq(look().asked, "");
    daemon_close(&first);
    daemon_open(&second, "second", 300);
    WAIT_UNTIL(strcmp(now.story, "born opened:tom") == 0);
    same_keys(2);
}

/* If this fails, a caller with an idempotency key is refused what was done for it. */
Test(asked, its_idempotency_key_is_left_by_whoever_ends_it, .init = begin, .fini = end)
{
    struct runtime_once once = { "key-1", "print" };
    struct outcome outcome = { 0 };
    struct ask ask = KNOCK("tom");

    start();
    script(1, SL_EUNKNOWN);
    runtime_call_once(first.runtime, &door_kind, "d", &ask, 5000, &once, ended, &outcome);
    cr_expect_eq(wait_for(&outcome).err, SL_EDOWN);
    cr_expect_str_eq(look().asked, "key-1 print {\"knock\":{\"who\":\"tom\"}}");
    WAIT_UNTIL(strcmp(now.story, "born opened:tom") == 0);
    outcome.there = false;
    runtime_call_once(first.runtime, &door_kind, "d", &ask, 5000, &once, ended, &outcome);
    cr_expect(wait_for(&outcome).repeated);
    same_keys(2);
}

/* If this fails, a stored text that nobody understands is run as something else, or over and over. */
Test(asked, what_cannot_be_read_is_parked, .init = begin, .fini = end)
{
    struct machine_keys keys;

    start();
    call(TIMER(3600000));
    space_machine(space, "door", "d", &keys);
    redis_fixture_ask(&redis, "HSET", keys.machine, "asked", "{\"song\":{}}", NULL);
    cr_expect_eq(call(NOTE("x")).err, SL_EFAILED);
    cr_expect_str_eq(look().status, "failed");
    cr_expect_eq(repair(&first, "word").err, SL_OK);
    cr_expect_str_eq(look().asked, "");
    cr_expect_eq(world.count, 0);
}

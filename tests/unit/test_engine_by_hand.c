/* The runtime and the wheel on a store and alarms by hand: what takes exact moments.
 *
 * Callers that stop waiting while a commit of their call is not answered: what they asked with is theirs again.
 * Timers that are set while the wheel looks, or looks for others: it must be there for them, too.           */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/space.h"
#include "engine/wheel.h"
#include "redis/partition.h"

/* ---- a machine whose calls need an effect, or do not ---- */

struct tick {
    int64_t by;
};
struct tick_change {
    int tag;
    struct tick tick;
};
struct clockwork {
    int64_t value;
};
static const struct type_field tick_rows[] = { TF_REQ(tick, by, type_i64) };
static const struct type type_tick = TYPE_STRUCT_OF(NULL, tick, tick_rows);
static const struct type_field change_rows[] = { TF_VAR(tick_change, tick, type_tick) };
static const struct type type_change = TYPE_UNION_OF(NULL, tick_change, change_rows);
static const struct type_field clockwork_rows[] = { TF_REQ(clockwork, value, type_i64) };
static const struct type type_clockwork = TYPE_STRUCT_OF(NULL, clockwork, clockwork_rows);

#define ASK_SIMPLE 1
#define ASK_EFFECT 2
#define ASK_GONE 666 /* what its caller writes over it */
#define ASK_TIMER 1000 /* and more: in so many ms more */

static int gone_seen, effects;

static const char *fold(void *state, const void *change, int64_t now_us, bool strict, struct arena *arena)
{
    (void)now_us, (void)strict, (void)arena;
    ((struct clockwork *)state)->value += ((const struct tick_change *)change)->tick.by;
    return NULL;
}

static void step(const struct step_in *in, struct step_out *out)
{
    const int *ask = in->input == IN_EFFECT ? in->call : in->args;
    struct tick_change change = { .tag = 1, .tick = { 1 } };

    gone_seen += *ask == ASK_GONE;
    if (*ask >= ASK_TIMER)
        step_timer_ms(out, in->now_us / 1000 + *ask - ASK_TIMER);
    if (in->input == IN_CALL && *ask == ASK_EFFECT)
        step_effect(in, out, 1, "order");
    else
        step_change(out, arena_memdup(in->arena, &change, sizeof(change)));
}

static struct machine_label label(const void *state)
{
    (void)state;
    return (struct machine_label){ "ticking", "whole", false };
}

static int64_t revision(const void *state)
{
    (void)state;
    return 0;
}

static const struct type *reply(const void *args)
{
    gone_seen += *(const int *)args == ASK_GONE;
    return NULL;
}

static const struct machine_kind kind = {
    .name = "toy", .change = &type_change, .state = &type_clockwork, .retry = { 1000, 2, 60000, 3 }, .fold = fold,
    .step = step, .label = label, .revision = revision, .reply = reply,
};

/* ---- the world: alarms by hand, a store that answers commits when it is told to ---- */

struct alarm {
    int64_t at_ms;
    void (*fn)(void *arg);
    void *arg;
};

static struct world {
    int64_t now_ms;
    struct alarm alarms[256];
    size_t alarm_count;
    int unanswered; /* commits, before one is answered */
    int commits;
    char key[80];
    int64_t claims_ms[64]; /* when the wheel looked */
    size_t claim_count;
    int64_t dues_ms[8]; /* that were committed */
    size_t due_count;
    enum sl_err err;
    bool answered;
    struct runtime *runtime;
} world;

static int64_t mono_us(void *ctx)
{
    (void)ctx;
    return world.now_ms * 1000;
}

static void after(void *ctx, int64_t delay_ms, void (*fn)(void *arg), void *arg)
{
    (void)ctx;
    cr_assert_lt(world.alarm_count, SL_COUNT(world.alarms));
    world.alarms[world.alarm_count++] = (struct alarm){ world.now_ms + delay_ms, fn, arg };
}

static uint64_t random_bits(void *ctx)
{
    (void)ctx;
    return 4;
}

static void run_until(int64_t end_ms)
{
    size_t i, next;

    for (;;) {
        for (i = 0, next = SIZE_MAX; i < world.alarm_count; i++) {
            if (world.alarms[i].at_ms <= end_ms && (next == SIZE_MAX || world.alarms[i].at_ms < world.alarms[next].at_ms))
                next = i;
        }
        if (next == SIZE_MAX)
            break;
        struct alarm alarm = world.alarms[next];

        world.alarms[next] = world.alarms[--world.alarm_count];
        if (alarm.at_ms > world.now_ms)
            world.now_ms = alarm.at_ms;
        alarm.fn(alarm.arg);
    }
    world.now_ms = end_ms;
}

struct answer {
    void *done, *arg;
    struct store_loaded loaded;
    struct store_committed committed;
};

static void load_answer(void *arg)
{
    struct answer *answer = arg;
    store_loaded_fn done = (store_loaded_fn)answer->done;

    done(answer->arg, &answer->loaded);
    free(answer);
}

static void load(void *ctx, const struct machine_kind *of, const char *id, int64_t at_version, store_loaded_fn done, void *arg)
{
    struct answer *answer = calloc(1, sizeof(*answer));

    (void)ctx, (void)of, (void)id, (void)at_version;
    answer->done = (void *)done;
    answer->arg = arg;
    answer->loaded = (struct store_loaded){
        .info = { .version = 1, .status = "working", .activity = "ticking" }, .snapshot = "{\"value\":1}",
        .snapshot_len = 11, .snapshot_version = 1, .now_ms = 1000000 + world.now_ms,
    };
    after(NULL, 1, load_answer, answer);
}

static void commit_answer(void *arg)
{
    struct answer *answer = arg;
    store_committed_fn done = (store_committed_fn)answer->done;

    done(answer->arg, &answer->committed);
    free(answer);
}

static void commit(void *ctx, const struct commit *asked, store_committed_fn done, void *arg)
{
    struct answer *answer = calloc(1, sizeof(*answer));

    (void)ctx;
    world.commits++;
    snprintf(world.key, sizeof(world.key), "%s", asked->once_key ? asked->once_key : "");
    answer->done = (void *)done;
    answer->arg = arg;
    answer->committed = (struct store_committed){
        .version = asked->expect_version + (asked->changes != NULL), .now_ms = 1000000 + world.now_ms,
        .token_ms = asked->lease_ms ? 1000000 + world.now_ms + asked->lease_ms : 0,
    };
    if (asked->due == DUE_SET)
        world.dues_ms[world.due_count++] = asked->due_ms;
    if (world.unanswered-- > 0)
        answer->committed = (struct store_committed){ .err = SL_EUNKNOWN, .detail = "not answered" };
    after(NULL, 1, commit_answer, answer);
}

struct look {
    store_once_fn done;
    void *arg;
};

static void once_answer(void *arg)
{
    struct look *look = arg;

    look->done(look->arg, SL_OK, NULL);
    free(look);
}

static void once(void *ctx, const struct machine_kind *of, const char *id, const char *key, store_once_fn done, void *arg)
{
    struct look *look = malloc(sizeof(*look));

    (void)ctx, (void)of, (void)id, (void)key;
    *look = (struct look){ done, arg };
    after(NULL, 1, once_answer, look);
}

/* ---- a wheel that another daemon owns, who will find all that is due there ---- */

#define LOOK_MS 10 /* that a look takes */

struct wheel_answer {
    store_claimed_fn claimed_done;
    store_alive_fn alive_done;
    void *arg;
    int64_t next_ms;
};

static void claim_answer(void *arg)
{
    struct wheel_answer *answer = arg;
    struct store_claimed claimed = { .now_ms = 1000000 + world.now_ms, .next_ms = answer->next_ms };

    answer->claimed_done(answer->arg, &claimed);
    free(answer);
}

static void claim(void *ctx, int partition, size_t limit, int64_t lease_ms, store_claimed_fn done, void *arg)
{
    struct wheel_answer *answer = calloc(1, sizeof(*answer));
    size_t i;

    (void)ctx, (void)partition, (void)limit, (void)lease_ms;
    cr_assert_lt(world.claim_count, SL_COUNT(world.claims_ms));
    world.claims_ms[world.claim_count++] = world.now_ms;
    *answer = (struct wheel_answer){ .claimed_done = done, .arg = arg };
    for (i = 0; i < world.due_count; i++) {
        if (world.dues_ms[i] > 1000000 + world.now_ms && (!answer->next_ms || world.dues_ms[i] < answer->next_ms))
            answer->next_ms = world.dues_ms[i];
    }
    after(NULL, LOOK_MS, claim_answer, answer);
}

static void alive_answer(void *arg)
{
    static const char *const names[] = { "a", "b" };
    struct wheel_answer *answer = arg;
    struct store_alive alive = { .now_ms = 1000000 + world.now_ms, .names = names, .count = 2 };

    answer->alive_done(answer->arg, &alive);
    free(answer);
}

static void heartbeat(void *ctx, const char *name, int64_t silent_ms, bool leaving, store_alive_fn done, void *arg)
{
    struct wheel_answer *answer = calloc(1, sizeof(*answer));

    (void)ctx, (void)name, (void)silent_ms, (void)leaving;
    *answer = (struct wheel_answer){ .alive_done = done, .arg = arg };
    after(NULL, 1, alive_answer, answer);
}

static void effect_start(void *ctx, const struct effect *effect, uint64_t number, struct arena *arena, effect_done_fn done,
                         void *done_arg)
{
    static const struct effect_result fine = { .kind = 1 };

    (void)ctx, (void)effect, (void)arena;
    effects++;
    done(done_arg, number, &fine);
}

static void effect_cancel(void *ctx, uint64_t number)
{
    (void)ctx, (void)number;
}

static const void *config_head(void *ctx)
{
    (void)ctx;
    return "head";
}

static const struct alarm_ops alarms = { mono_us, after, random_bits };
static const struct store_ops store = { .load = load, .commit = commit, .once = once, .claim = claim,
                                        .heartbeat = heartbeat };
static const struct effect_ops effect_ops = { effect_start, effect_cancel };
static const struct config_ops config = { .head = config_head };

/* ---- the caller, who writes over what it asked with as soon as it is answered ---- */

static struct caller {
    int ask;
    char key[16], fingerprint[16];
    struct runtime_once once;
} caller;

static void answered(void *arg, const struct runtime_result *result)
{
    (void)arg;
    world.err = result->err;
    world.answered = true;
    caller.ask = ASK_GONE;
    memset(caller.key, 'x', sizeof(caller.key) - 1);
    memset(caller.fingerprint, 'x', sizeof(caller.fingerprint) - 1);
    caller.once = (struct runtime_once){ caller.key, caller.fingerprint };
}

static void ask(int what, bool with_key)
{
    memset(&world, 0, sizeof(world));
    gone_seen = effects = 0;
    world.now_ms = 1000;
    world.unanswered = 5; /* the fifth is sent after 20 + 40 + 80 + 160 ms and more */
    world.runtime = runtime_new(&(struct runtime_setup){
        .store = &store, .effects = &effect_ops, .config = &config, .alarm = &alarms, .lease_ms = 10000,
    });
    caller = (struct caller){ what, "key", "print", { NULL, NULL } };
    caller.once = (struct runtime_once){ caller.key, caller.fingerprint };
    runtime_call_once(world.runtime, &kind, "t", &caller.ask, 50, with_key ? &caller.once : NULL, answered, NULL);
    run_until(20000);
}

/* If this fails, a daemon reads what a request asked for after the request is gone: a caller who had no patience while
 * the store did not answer makes it crash, or do something else. */
Test(runtime_gone, an_effect_of_a_call_is_not_ordered_for_nobody)
{
    ask(ASK_EFFECT, false);
    cr_assert(world.answered && world.err == SL_EUNKNOWN);
    cr_assert_eq(gone_seen, 0, "a step was run with what its caller has thrown away");
    cr_assert_eq(effects, 0);
    runtime_free(world.runtime);
}

/* If this fails, what was done is kept under a key that nobody gave, and a caller who asks again is done twice. */
Test(runtime_gone, a_commit_that_is_sent_again_keeps_its_key)
{
    ask(ASK_SIMPLE, true);
    cr_assert(world.answered && world.err == SL_EUNKNOWN);
    cr_assert_geq(world.commits, 6);
    cr_assert_str_eq(world.key, "key");
    cr_assert_eq(gone_seen, 0);
    runtime_free(world.runtime);
}

/* ---- timers ---- */

static void heard(void *arg, const struct runtime_result *result)
{
    (void)arg;
    cr_assert_eq(result->err, SL_OK);
}

/* Whether the wheel looked at AT_MS or up to 5 ms later. */
static bool looked_at(int64_t at_ms)
{
    size_t i;

    for (i = 0; i < world.claim_count; i++) {
        if (world.claims_ms[i] >= at_ms && world.claims_ms[i] <= at_ms + 5)
            return true;
    }
    return false;
}

/* If this fails, a timer that was set near is late by as much as the wheel's owner looks away: a second. */
Test(wheel_by_hand, near_timers_are_not_forgotten)
{
    static const struct {
        const char *name;
        int64_t set_ms[3]; /* after the beginning */
        int in_ms[3];
    } rows[] = {
        { "one", { 100, 200, 300 }, { 50, 50, 50 } },
        { "set while a look is on its way", { 100, 105, 300 }, { 1, 3, 1 } },
        { "the second is set before the first is due", { 100, 110, 120 }, { 50, 90, 130 } },
        { "the later one first", { 100, 110, 120 }, { 150, 60, 30 } },
    };
    static const char *const ids[] = { "t1", "t2", "t3" };
    struct space *space = space_new(1);
    const struct machine_kind *kinds[] = { &kind, NULL };
    int asks[3];
    size_t i, j;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct wheel_setup setup = {
            .store = &store, .space = space, .alarm = &alarms, .name = "a", .kinds = kinds, .lease_ms = 10000,
        };
        struct wheel *wheel;

        memset(&world, 0, sizeof(world));
        world.now_ms = 1000;
        world.runtime = runtime_new(&(struct runtime_setup){
            .store = &store, .effects = &effect_ops, .config = &config, .alarm = &alarms, .lease_ms = 10000,
        });
        setup.runtime = world.runtime;
        setup.name = partition_owner(0, (const char *const[]){ "a", "b" }, 2) == 0 ? "b" : "a";
        wheel = wheel_new(&setup);
        for (j = 0; j < 3; j++) {
            run_until(1000 + rows[i].set_ms[j]);
            asks[j] = ASK_TIMER + rows[i].in_ms[j];
            runtime_call(world.runtime, &kind, ids[j], &asks[j], 5000, heard, NULL);
        }
        run_until(2000);
        for (j = 0; j < 3; j++)
            cr_expect(looked_at(1000 + rows[i].set_ms[j] + rows[i].in_ms[j]), "%s: nobody looked for timer %zu",
                      rows[i].name, j + 1);
        wheel_free(wheel);
        runtime_free(world.runtime);
    }
    space_free(space);
}

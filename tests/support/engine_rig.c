/* See engine_rig.h. */
#include "support/engine_rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "daemon/alarm_loop.h"
#include "redis/script_list.h"

struct rig rig;
const struct ask add_one = { ASK_ADD, 1, NULL }, add_two = { ASK_ADD, 2, NULL };

static const struct machine_kind *const kinds[] = { &counter_kind, NULL };
static struct store_ops store_ops; /* the Redis store, which may lose an answer */

/* ---- the world ---- */

struct rig_pending {
    effect_done_fn done;
    void *arg;
    uint64_t number;
    enum sl_err err;
};

static void effect_answer(void *arg)
{
    struct rig_pending pending = *(struct rig_pending *)arg;
    struct effect_result result = { COUNTER_EFFECT, pending.err, pending.err ? NULL : "echo", "scripted" };

    free(arg);
    pending.done(pending.arg, pending.number, &result);
}

static void effect_start(void *ctx, const struct effect *effect, uint64_t number, struct arena *arena,
                         effect_done_fn done, void *arg)
{
    struct rig_pending *pending = malloc(sizeof(*pending));

    (void)ctx;
    (void)arena;
    cr_assert_eq(effect->kind, COUNTER_EFFECT);
    *pending = (struct rig_pending){ done, arg, number, SL_OK };
    if (rig.world.silent) {
        cr_assert_null(rig.world.held);
        rig.world.held = pending;
        return;
    }
    if (rig.world.answered < rig.world.scripted)
        pending->err = rig.world.script[rig.world.answered];
    rig.world.answered++;
    alarm_loop_ops.after(rig.world.alarm, 0, effect_answer, pending);
}

static void effect_cancel(void *ctx, uint64_t number)
{
    (void)ctx;
    rig.world.cancelled++;
    if (rig.world.held && rig.world.held->number == number) {
        free(rig.world.held);
        rig.world.held = NULL;
    }
}

void rig_world_speak(void)
{
    struct rig_pending *held = rig.world.held;

    rig.world.silent = false;
    rig.world.held = NULL;
    if (held)
        alarm_loop_ops.after(rig.world.alarm, 0, effect_answer, held);
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

static const void *owner_outlook(void *ctx)
{
    cr_assert_eq(ctx, &rig.owner);
    return &rig.owner.outlook;
}

static void owner_note(void *ctx, const struct note *note)
{
    size_t len = strlen(rig.owner.notes);

    cr_assert_eq(ctx, &rig.owner);
    if (len < sizeof(rig.owner.notes) - 32)
        sprintf(rig.owner.notes + len, "%d:%d ", note->kind, *(const int *)note->args);
}

/* ---- the store ---- */

static void lost_committed(void *arg, const struct store_committed *committed)
{
    (void)arg;
    cr_assert_eq(committed->err, SL_OK);
    rig.lost.done = true;
}

static void lossy_commit(void *ctx, const struct commit *commit, store_committed_fn done, void *arg)
{
    if (!rig.lost.armed) {
        redis_store_ops.commit(ctx, commit, done, arg);
        return;
    }
    rig.lost.armed = false;
    rig.lost.fn = done;
    rig.lost.arg = arg;
    redis_store_ops.commit(ctx, commit, lost_committed, NULL);
}

void rig_lost_tell(void)
{
    rig.lost.fn(rig.lost.arg, &(struct store_committed){ .err = SL_EUNKNOWN, .detail = "the connection was lost" });
}

/* ---- daemons ---- */

void rig_daemon_open(struct rig_daemon *daemon, const char *name, int64_t lease_ms)
{
    daemon->client = redis_fixture_client(&rig.redis, &(struct client_setup){
        .base = rig.redis.base, .url = server_url(rig.redis.server), .name = name, .scripts = script_list,
    });
    redis_fixture_wait_up(&rig.redis, daemon->client, true);
    daemon->alarm = alarm_loop_new(rig.redis.base);
    daemon->store = (struct redis_store){ daemon->client, rig.space, 5000 };
    daemon->runtime = runtime_new(&(struct runtime_setup){
        .store = &store_ops, .store_ctx = &daemon->store, .effects = &effects, .effects_ctx = &rig.world,
        .config = &config, .alarm = &alarm_loop_ops, .alarm_ctx = daemon->alarm, .lease_ms = lease_ms,
        .work_max = rig.work_max, .outlook = owner_outlook, .note = owner_note, .owner_ctx = &rig.owner,
    });
    daemon->wheel = wheel_new(&(struct wheel_setup){
        .store = &redis_store_ops, .store_ctx = &daemon->store, .space = rig.space, .runtime = daemon->runtime, .alarm = &alarm_loop_ops,
        .alarm_ctx = daemon->alarm, .name = name, .kinds = kinds, .lease_ms = lease_ms,
    });
}

void rig_daemon_close(struct rig_daemon *daemon)
{
    if (!daemon->client)
        return;
    client_free(daemon->client);
    wheel_free(daemon->wheel);
    runtime_free(daemon->runtime);
    alarm_loop_free(daemon->alarm);
    memset(daemon, 0, sizeof(*daemon));
}

void rig_begin(void)
{
    memset(&rig, 0, sizeof(rig));
    redis_fixture_open(&rig.redis);
    store_ops = redis_store_ops;
    store_ops.commit = lossy_commit;
    rig.world.alarm = alarm_loop_new(rig.redis.base);
    rig.space = space_new(4);
    rig_daemon_open(&rig.first, "first", 300);
}

void rig_end(void)
{
    rig_daemon_close(&rig.first);
    rig_daemon_close(&rig.second);
    alarm_loop_free(rig.world.alarm);
    space_free(rig.space);
    redis_fixture_close(&rig.redis);
}

/* ---- requests ---- */

void rig_ended(void *arg, const struct runtime_result *result)
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

struct outcome rig_start(const char *id, int64_t value)
{
    struct ask ask = { ASK_ADD, value, NULL };

    rig.outcome.there = false;
    runtime_start(rig.first.runtime, &counter_kind, id, &ask, 5000, rig_ended, &rig.outcome);
    redis_fixture_wait(&rig.redis, &rig.outcome.there);
    return rig.outcome;
}

struct outcome rig_call_at(struct rig_daemon *daemon, const char *id, struct ask ask)
{
    rig.outcome.there = false;
    runtime_call(daemon->runtime, &counter_kind, id, &ask, 5000, rig_ended, &rig.outcome);
    redis_fixture_wait(&rig.redis, &rig.outcome.there);
    return rig.outcome;
}

struct outcome rig_call(const char *id, struct ask ask)
{
    return rig_call_at(&rig.first, id, ask);
}

struct outcome rig_repair(const char *id, const struct ask *ask)
{
    rig.outcome.there = false;
    runtime_repair(rig.first.runtime, &counter_kind, id, ask, 5000, rig_ended, &rig.outcome);
    redis_fixture_wait(&rig.redis, &rig.outcome.there);
    return rig.outcome;
}

struct outcome rig_look(const char *id, int64_t at)
{
    rig.outcome.there = false;
    runtime_read(rig.first.runtime, &counter_kind, id, at, rig_ended, &rig.outcome);
    redis_fixture_wait(&rig.redis, &rig.outcome.there);
    return rig.outcome;
}

void rig_call_and_lose(const char *id, struct outcome *out)
{
    out->there = false;
    rig.lost.armed = true;
    runtime_call(rig.first.runtime, &counter_kind, id, &add_two, 5000, rig_ended, out);
    redis_fixture_wait(&rig.redis, &rig.lost.done);
}

/* ---- machines ---- */

void rig_make_failed(const char *id)
{
    rig.world.script[rig.world.answered] = SL_EPROTO;
    rig.world.scripted = rig.world.answered + 1;
    rig_start(id, 100);
    rig_call(id, (struct ask){ ASK_TIMER, 1, NULL });
    WAIT_UNTIL(id, strcmp(now.status, "failed") == 0);
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

    runtime_read(rig.first.runtime, &counter_kind, id, version, folded, &there);
    redis_fixture_wait(&rig.redis, &there);
    return folded_text;
}

void rig_expect_snapshot_is_history(const char *id)
{
    struct machine_keys keys;
    char newest[256];

    snprintf(newest, sizeof(newest), "%s", fold_at(id, 0));
    rig_look(id, 0);
    cr_expect_str_eq(newest, fold_at(id, rig.outcome.version));
    space_machine(rig.space, counter_kind.name, id, &keys);
    cr_expect_str_eq(redis_fixture_ask(&rig.redis, "HGET", keys.machine, "state", NULL), newest, "the snapshot is what was read");
}

/* What a step would do: load, fold, run it once, fold its changes, tell, forget. Nothing here writes.
 *
 *     runtime_rehearse --> load --> (configuration) --> step --> DONE
 *
 * Like reads it goes past the machines in work, straight to the store.                              */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xmalloc.h"
#include "engine/fold.h"
#include "engine/runtime_internal.h"

struct rehearsing {
    struct runtime *runtime;
    const struct machine_kind *kind;
    char *id;
    enum machine_input input;
    const void *args;
    runtime_assume_fn assume;
    runtime_rehearsal_fn done;
    void *done_arg;
    struct arena *arena;
    void *state;
    struct machine_info info;
};

static void rehearse_end(struct rehearsing *one, struct runtime_rehearsal *rehearsal)
{
    rehearsal->id = one->id;
    rehearsal->info = &one->info;
    rehearsal->version = one->info.version;
    if (rehearsal->err == SL_ECORRUPT)
        log_error("%s %s cannot be read: %s", one->kind->name, one->id, rehearsal->detail);
    one->done(one->done_arg, rehearsal);
    arena_free(one->arena);
    free(one->id);
    free(one);
}

static void rehearse_err(struct rehearsing *one, enum sl_err err, const char *detail)
{
    struct runtime_rehearsal rehearsal = { .err = err, .detail = detail };

    rehearse_end(one, &rehearsal);
}

/* The changes of OUT as the state would have them; those that may not come make it a failure. */
static void rehearse_fold(struct rehearsing *one, const struct step_in *in, struct step_out *out)
{
    const char *why = NULL;
    size_t i;

    for (i = 0; !why && i < out->change_count; i++)
        why = one->kind->fold(one->state, out->changes[i], in->now_us, !out->forced, one->arena);
    if (why)
        step_fail(in, out, "%s", why);
}

static void rehearse_step(struct rehearsing *one, const void *config)
{
    const struct runtime_setup *setup = &one->runtime->setup;
    struct step_out *out = arena_alloc(one->arena, sizeof(*out));
    const struct effect_result *result;
    struct runtime_rehearsal rehearsal = { .out = out, .state = one->state };
    struct step_in in = {
        .input = one->input, .args = one->args, .id = one->id, .state = one->state, .version = one->info.version,
        .quiet = one->info.quiet, .now_us = runtime_now_us(one->runtime), .arena = one->arena,
        .head = setup->config->head(setup->config_ctx), .config = config,
        .outlook = setup->outlook ? setup->outlook(setup->owner_ctx) : NULL,
        .settings = setup->settings,
        .random = setup->alarm->random(setup->alarm_ctx),
    };

    one->kind->step(&in, out);
    result = one->assume && out->end == STEP_OK && out->effect && out->change_count == 0
                 ? one->assume(out->effect, one->arena) : NULL;
    if (result) {
        rehearsal.effect = out->effect;
        in.call = one->args;
        in.input = IN_EFFECT;
        in.args = result;
        in.effect = rehearsal.effect;
        memset(out, 0, sizeof(*out));
        one->kind->step(&in, out);
    }
    rehearse_fold(one, &in, out);
    rehearse_end(one, &rehearsal);
}

static void rehearse_fetched(void *arg, enum sl_err err)
{
    struct rehearsing *one = arg;
    const struct runtime_setup *setup = &one->runtime->setup;

    if (err)
        rehearse_err(one, err == SL_ENOENT ? SL_ECORRUPT : err, "the configuration that it needs cannot be read");
    else
        rehearse_step(one, setup->config->get(setup->config_ctx, one->kind->revision(one->state)));
}

static void rehearse_config(struct rehearsing *one)
{
    const struct runtime_setup *setup = &one->runtime->setup;
    int64_t revision = one->kind->revision(one->state);
    const void *head = setup->config->head(setup->config_ctx);
    const void *config = revision ? setup->config->get(setup->config_ctx, revision) : head;

    if (!revision || (config && head))
        rehearse_step(one, config);
    else
        setup->config->fetch(setup->config_ctx, revision, rehearse_fetched, one);
}

/* A call that was begun is what would be run, before any timer. */
static bool rehearse_recall(struct rehearsing *one)
{
    const char *json = runtime_asked_json(one->info.asked);

    one->input = IN_CALL;
    one->args = one->kind->recall ? one->kind->recall(json, strlen(json), one->arena) : NULL;
    return one->args != NULL;
}

static void rehearse_loaded(void *arg, const struct store_loaded *loaded)
{
    struct rehearsing *one = arg;
    const char *why = NULL;
    enum sl_err err;

    if (loaded->err) {
        rehearse_err(one, loaded->err, loaded->detail);
        return;
    }
    runtime_saw_time(one->runtime, loaded->now_ms);
    if (loaded->info.version == 0 || strcmp(loaded->info.status, "removed") == 0) {
        rehearse_err(one, SL_ENOENT, "there is no such machine");
        return;
    }
    one->info = loaded->info;
    one->info.status = arena_strdup(one->arena, loaded->info.status);
    one->info.activity = arena_strdup(one->arena, loaded->info.activity);
    one->info.reason = loaded->info.reason ? arena_strdup(one->arena, loaded->info.reason) : NULL;
    one->info.cause = loaded->info.cause ? arena_strdup(one->arena, loaded->info.cause) : NULL;
    one->info.asked = loaded->info.asked ? arena_strdup(one->arena, loaded->info.asked) : NULL;
    err = machine_fold(one->kind, loaded, one->arena, &one->state, &why);
    if (!err && one->input == IN_TIMEOUT && one->info.asked && !rehearse_recall(one))
        err = SL_ECORRUPT;
    if (err)
        rehearse_err(one, err, why ? why : "a call that was begun cannot be read");
    else if (one->input == IN_REPAIR && strcmp(one->info.status, "failed") != 0)
        rehearse_err(one, SL_EREFUSED, "the machine works; there is nothing to repair");
    else
        rehearse_config(one);
}

void runtime_rehearse(struct runtime *runtime, const struct machine_kind *kind, const char *id,
                      enum machine_input input, const void *args, runtime_assume_fn assume, runtime_rehearsal_fn done,
                      void *done_arg)
{
    struct rehearsing *one = xcalloc(1, sizeof(*one));

    one->runtime = runtime;
    one->kind = kind;
    one->id = xstrdup(id);
    one->input = input;
    one->args = args;
    one->assume = assume;
    one->done = done;
    one->done_arg = done_arg;
    one->arena = arena_new();
    runtime->setup.store->load(runtime->setup.store_ctx, kind, one->id, 0, rehearse_loaded, one);
}

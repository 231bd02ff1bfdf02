/* See machine_driver.h. */
#include "support/machine_driver.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/type_fits.h"
#include "engine/fold.h"

static void driver_step(struct machine_driver *driver, enum machine_input input, const void *args, const void *call,
                        struct step_out *out);
static void driver_encode(const struct machine_driver *driver, const struct step_out *out, struct buf *text);
static void driver_commit(struct machine_driver *driver, const struct step_out *out, bool timer_consumed);

void machine_driver_init(struct machine_driver *driver, const struct machine_kind *kind, const char *id)
{
    memset(driver, 0, sizeof(*driver));
    driver->kind = kind;
    driver->id = id;
    driver->arena = arena_new();
    driver->state = machine_state_new(kind, driver->arena);
    driver->now_us = 1700000000000000; /* 2023-11-14T22:13:20Z */
}

void machine_driver_clear(struct machine_driver *driver)
{
    arena_free(driver->arena);
    memset(driver, 0, sizeof(*driver));
}

enum step_end machine_driver_input(struct machine_driver *driver, enum machine_input input, const void *args)
{
    bool consumed = input == IN_TIMEOUT;
    const void *call = input == IN_CALL || input == IN_REPAIR ? args : NULL;
    struct step_out *out = arena_alloc(driver->arena, sizeof(*out));
    struct effect_result *result;

    driver->reply = NULL;
    driver->reason = NULL;
    driver->performed = NULL;
    driver_step(driver, input, args, call, out);
    while (out->end == STEP_OK) {
        driver_commit(driver, out, consumed);
        if (!out->effect)
            break;
        cr_assert(out->timer == TIMER_DEFAULT, "a step asked for an effect and for a timer");
        driver->effect_count++;
        result = arena_alloc(driver->arena, sizeof(*result));
        result->kind = out->effect->kind;
        driver->performed = out->effect;
        driver->outcome(driver, out->effect, result);
        driver_step(driver, IN_EFFECT, result, call, out);
    }
    driver->end = out->end;
    driver->reply = out->reply;
    driver->reason = out->reason;
    driver->cause = out->cause;
    if (out->end == STEP_FAIL)
        driver->failed = true;
    return out->end;
}

enum step_end machine_driver_fire(struct machine_driver *driver)
{
    int64_t due_ms = driver->due_ms;
    enum step_end end;

    cr_assert(due_ms > 0, "there is no timer to fire");
    if (driver->now_us < due_ms * 1000)
        driver->now_us = due_ms * 1000;
    end = machine_driver_input(driver, IN_TIMEOUT, NULL);
    if (end != STEP_OK)
        driver->due_ms = due_ms; /* a timer whose handling failed is kept */
    return end;
}

size_t machine_driver_run(struct machine_driver *driver, size_t steps_max)
{
    size_t steps;

    for (steps = 0; steps < steps_max && driver->due_ms && driver->due_ms * 1000 <= driver->now_us; steps++) {
        if (machine_driver_fire(driver) != STEP_OK)
            return steps + 1;
    }
    return steps;
}

int64_t machine_driver_balance(const struct machine_driver *driver, const char *field)
{
    size_t i;

    for (i = 0; i < driver->balance_count; i++) {
        if (strcmp(driver->balances[i].field, field) == 0)
            return driver->balances[i].delta;
    }
    return 0;
}

void machine_driver_history(const struct machine_driver *driver, size_t from, driver_name_fn name, struct buf *out)
{
    size_t i, j;

    for (i = from ? from - 1 : 0; i < driver->event_count; i++) {
        if (out->len)
            buf_str(out, " | ");
        for (j = 0; j < driver->events[i].change_count; j++) {
            if (j)
                buf_char(out, ' ');
            name(driver->events[i].changes[j], out);
        }
    }
}

/* Runs the step twice; a step that looks at anything but its input gives itself away here. */
static void driver_step(struct machine_driver *driver, enum machine_input input, const void *args, const void *call,
                        struct step_out *out)
{
    struct step_out *again = arena_alloc(driver->arena, sizeof(*again));
    int64_t revision = driver->kind->revision(driver->state);
    struct step_in in = {
        .input = input,
        .args = args,
        .effect = driver->performed,
        .call = input == IN_EFFECT ? call : NULL,
        .id = driver->id,
        .state = driver->state,
        .version = driver->version,
        .quiet = driver->quiet,
        .now_us = driver->now_us,
        .made_us = input == IN_CALL ? driver->made_us : 0,
        .random = driver->random,
        .head = driver->head,
        .config = driver->head,
        .outlook = driver->outlook,
        .settings = driver->settings,
        .arena = driver->arena,
    };
    struct buf first = BUF_EMPTY, second = BUF_EMPTY;
    size_t i;

    if (revision && driver->config)
        in.config = driver->config(driver, revision);
    memset(out, 0, sizeof(*out));
    driver->kind->step(&in, out);
    driver->kind->step(&in, again);
    for (i = 0; i < out->note_count; i++) {
        cr_assert(driver->note_count < DRIVER_NOTES_MAX);
        driver->notes[driver->note_count++] = out->notes[i];
    }
    driver_encode(driver, out, &first);
    driver_encode(driver, again, &second);
    cr_assert_str_eq(buf_text(&first), buf_text(&second), "a step gave two outputs for one input");
    buf_clear(&first);
    buf_clear(&second);
}

static void driver_encode(const struct machine_driver *driver, const struct step_out *out, struct buf *text)
{
    size_t i;

    buf_printf(text, "%d %d %lld %d %s\n", (int)out->end, (int)out->timer, (long long)out->due_ms, (int)out->remove,
               out->reason ? out->reason : "-");
    for (i = 0; i < out->change_count; i++) {
        type_encode(driver->kind->change, out->changes[i], text);
        buf_char(text, '\n');
    }
    for (i = 0; i < out->tally_count; i++)
        buf_printf(text, "%s %lld\n", out->tallies[i].field, (long long)out->tallies[i].delta);
    for (i = 0; i < out->bind_count; i++)
        buf_printf(text, "bind %s\n", out->binds[i]);
    for (i = 0; i < out->note_count; i++)
        buf_printf(text, "note %d\n", out->notes[i].kind);
    if (out->effect) {
        buf_printf(text, "effect %d ", out->effect->kind);
        if (driver->effect_encode)
            driver->effect_encode(out->effect, text);
    }
}

static void driver_tally(struct machine_driver *driver, const struct tally *tally)
{
    size_t i;

    for (i = 0; i < driver->balance_count && strcmp(driver->balances[i].field, tally->field) != 0; i++)
        ;
    if (i == driver->balance_count) {
        cr_assert(driver->balance_count < DRIVER_BALANCES_MAX);
        driver->balances[driver->balance_count++].field = tally->field;
    }
    driver->balances[i].delta += tally->delta;
}

/* What the commit script does: events, tallies, tags, timer. */
static void driver_commit(struct machine_driver *driver, const struct step_out *out, bool timer_consumed)
{
    size_t i;

    for (i = 0; i < out->change_count; i++) {
        const char *why = type_unfit(driver->kind->change, out->changes[i], driver->arena);

        cr_assert(why == NULL, "change %zu of event %zu could not be read again: %s", i + 1, driver->event_count + 1, why);
        why = driver->kind->fold(driver->state, out->changes[i], driver->now_us, !out->forced, driver->arena);
        cr_assert(why == NULL, "change %zu of event %zu may not come here: %s", i + 1, driver->event_count + 1, why);
    }
    if (out->change_count) {
        cr_assert(driver->event_count < DRIVER_EVENTS_MAX);
        driver->events[driver->event_count++] = (struct driver_event){
            .changes = arena_memdup(driver->arena, out->changes, out->change_count * sizeof(out->changes[0])),
            .change_count = out->change_count,
            .at_us = driver->now_us,
        };
        driver->version++;
        driver->quiet = 0;
    } else if (!out->effect) { /* with an effect the store only extends the claim */
        driver->quiet++;
    }
    for (i = 0; i < out->tally_count; i++)
        driver_tally(driver, &out->tallies[i]);
    for (i = 0; i < out->bind_count; i++) {
        cr_assert(driver->tag_count < DRIVER_TAGS_MAX);
        driver->tags[driver->tag_count++] = out->binds[i];
    }
    driver->removed = driver->removed || out->remove;
    if (out->timer == TIMER_SET)
        driver->due_ms = out->due_ms;
    else if (out->timer == TIMER_UNSET || timer_consumed)
        driver->due_ms = 0;
}

/* See counter.h. */
#include "support/counter.h"

#include <criterion/criterion.h>

#include "engine/fold.h"

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
const struct type type_counter = TYPE_STRUCT_OF(NULL, counter, counter_rows);

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
    case ASK_ECHO: step_effect(in, out, COUNTER_EFFECT, "of a call"); break;
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

/* The timer ticks; while the value is odd it ticks on at once. */
static void step_timeout(const struct step_in *in, struct step_out *out)
{
    const struct counter *state = in->state;

    if (state->value >= VALUE_ASKS) {
        if (state->value >= VALUE_BINDS)
            step_bind(out, "of-timer");
        step_effect(in, out, COUNTER_EFFECT, "of a timer");
        return;
    }
    if (state->value == VALUE_HURRIES && state->ticks > 0) {
        step_effect_ahead(in, out, COUNTER_EFFECT, "ahead of its commit");
        return;
    }
    if (state->value == VALUE_STUMBLES && state->ticks > 0) {
        step_retry(in, out, "it stumbles");
        return;
    }
    change(in, out, (struct counter_change){ .tag = TICKED });
    out->remove = state->value == VALUE_ENDS;
    if (state->value == VALUE_STUMBLES || state->value == VALUE_HURRIES)
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

static bool begins(const void *args)
{
    return ((const struct ask *)args)->what == ASK_ADD;
}

const struct machine_kind counter_kind = {
    .name = "counter", .change = &type_change, .state = &type_counter, .retry = { 20, 2, 100, 3 }, .fold = fold,
    .step = step, .label = label, .revision = revision, .begins = begins,
};

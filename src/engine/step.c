/* Filling in what a step wants. See machine.h. */
#include "engine/machine.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void step_change(struct step_out *out, const void *change)
{
    assert(change && out->change_count < STEP_CHANGES_MAX);
    out->changes[out->change_count++] = change;
}

void step_bind(struct step_out *out, const char *tag)
{
    assert(tag && *tag && out->bind_count < STEP_BINDS_MAX);
    out->binds[out->bind_count++] = tag;
}

void step_tally(struct step_out *out, const char *field, int64_t delta, const char *currency)
{
    size_t i;

    for (i = 0; i < out->tally_count && strcmp(out->tallies[i].field, field) != 0; i++)
        ;
    if (i == out->tally_count) {
        assert(out->tally_count < STEP_TALLIES_MAX);
        out->tallies[out->tally_count++] = (struct tally){ .field = field, .currency = currency };
    }
    out->tallies[i].delta += delta;
    assert(out->tallies[i].delta <= TALLY_MAX && out->tallies[i].delta >= -TALLY_MAX);
}

void step_timer_ms(struct step_out *out, int64_t due_ms)
{
    assert(due_ms > 0);
    out->timer = TIMER_SET;
    out->due_ms = due_ms;
}

void step_continue(const struct step_in *in, struct step_out *out)
{
    step_timer_ms(out, in->now_us / 1000);
}

void step_effect(const struct step_in *in, struct step_out *out, int kind, const void *args)
{
    struct effect *effect = arena_alloc(in->arena, sizeof(*effect));

    assert(!out->effect);
    *effect = (struct effect){ .kind = kind, .args = args };
    out->effect = effect;
}

void step_effect_ahead(const struct step_in *in, struct step_out *out, int kind, const void *args)
{
    struct effect *effect = arena_alloc(in->arena, sizeof(*effect));

    assert(!out->effect);
    *effect = (struct effect){ .kind = kind, .args = args, .ahead = true };
    out->effect = effect;
}

void step_note(struct step_out *out, int kind, const void *args)
{
    assert(out->note_count < STEP_NOTES_MAX);
    out->notes[out->note_count++] = (struct note){ kind, args };
}

void step_refuse(struct step_out *out, const void *reply)
{
    memset(out, 0, sizeof(*out));
    out->end = STEP_REFUSED;
    out->reply = reply;
}

static void step_end(const struct step_in *in, struct step_out *out, enum step_end end, const char *format, va_list args)
{
    struct step_out kept = { .note_count = out->note_count };
    char reason[512];

    vsnprintf(reason, sizeof(reason), format, args);
    memcpy(kept.notes, out->notes, sizeof(kept.notes));
    *out = kept;
    out->end = end;
    out->reason = arena_strdup(in->arena, reason);
}

void step_retry(const struct step_in *in, struct step_out *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    step_end(in, out, STEP_RETRY, format, args);
    va_end(args);
}

void step_fail(const struct step_in *in, struct step_out *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    step_end(in, out, STEP_FAIL, format, args);
    va_end(args);
}

static const char *const cause_names[] = {
    [CAUSE_OTHER] = "other",           [CAUSE_UNAVAILABLE] = "unavailable", [CAUSE_UNKNOWN_OUTCOME] = "unknown_outcome",
    [CAUSE_BAD_ANSWER] = "bad_answer", [CAUSE_DECLINED] = "declined",
    [CAUSE_CORRUPT] = "corrupt", [CAUSE_TOO_MANY_CALLS] = "too_many_calls",
};
_Static_assert(SL_COUNT(cause_names) == STEP_CAUSES, "every cause has a name");

const char *step_cause_name(enum step_cause cause)
{
    assert((size_t)cause < STEP_CAUSES);
    return cause_names[cause];
}

enum step_cause step_cause_of(const char *name)
{
    size_t i;

    for (i = 0; name && i < STEP_CAUSES; i++) {
        if (strcmp(cause_names[i], name) == 0)
            return (enum step_cause)i;
    }
    return CAUSE_OTHER;
}

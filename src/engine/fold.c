#include "engine/fold.h"

#include <string.h>

#include "base/rfc3339.h"

void *machine_state_new(const struct machine_kind *kind, struct arena *arena)
{
    return arena_alloc(arena, kind->state->size);
}

static const char *explain(struct arena *arena, const char *what, const struct type_errors *errors)
{
    if (errors->count == 0)
        return arena_printf(arena, "%s cannot be read", what);
    return arena_printf(arena, "%s cannot be read: %s %s", what, errors->list[0].path, errors->list[0].message);
}

enum sl_err machine_decode_changes(const struct machine_kind *kind, const char *text, size_t len, struct arena *arena,
                                   struct type_list *changes_out, const char **why)
{
    const struct type list = { .kind = TYPE_LIST, .size = sizeof(struct type_list), .item = kind->change };
    struct type_errors errors = { 0 };
    enum sl_err err = type_decode_text(&list, text, len, TYPE_STORED, arena, changes_out, &errors);

    if (err) {
        *why = explain(arena, "an event", &errors);
        return SL_ECORRUPT;
    }
    return SL_OK;
}

static enum sl_err fold_event(const struct machine_kind *kind, const struct stored_event *event, struct arena *arena,
                              void *state, const char **why)
{
    struct type_list changes;
    enum sl_err err;
    size_t i;

    err = machine_decode_changes(kind, event->changes, event->changes_len, arena, &changes, why);
    if (err)
        return err;
    for (i = 0; i < changes.count; i++) {
        const char *change = (const char *)changes.items + i * kind->change->size;

        kind->fold(state, change, rfc3339_us_of_ms(event->at_ms), false, arena);
    }
    return SL_OK;
}

enum sl_err machine_fold(const struct machine_kind *kind, const struct store_loaded *loaded, struct arena *arena,
                         void **state_out, const char **why)
{
    void *state = machine_state_new(kind, arena);
    struct type_errors errors = { 0 };
    int64_t version = 0;
    enum sl_err err;
    size_t i;

    if (loaded->snapshot) {
        err = type_decode_text(kind->state, loaded->snapshot, loaded->snapshot_len, TYPE_STORED, arena, state, &errors);
        if (err) {
            *why = explain(arena, "the snapshot", &errors);
            return SL_ECORRUPT;
        }
        version = loaded->snapshot_version;
    }
    for (i = 0; i < loaded->event_count; i++) {
        if (loaded->events[i].number != ++version) {
            *why = arena_printf(arena, "event %lld follows event %lld", (long long)loaded->events[i].number,
                                (long long)version - 1);
            return SL_ECORRUPT;
        }
        err = fold_event(kind, &loaded->events[i], arena, state, why);
        if (err)
            return err;
    }
    *state_out = state;
    return SL_OK;
}

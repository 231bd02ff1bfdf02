/* See machine.h. */
#include "check/machine.h"

#include <inttypes.h>
#include <string.h>

#include "engine/fold.h"

#define LATE_MS 3600000 /* no claim and no wait between attempts is longer */

struct checking {
    const struct check_look *look;
    struct arena *arena;
    struct check_finding *findings;
    size_t count;
};

static struct check_finding *found(struct checking *checking, enum check_rule rule, enum check_remedy remedy,
                                   const char *text)
{
    const struct machine_info *info = &checking->look->loaded->info;
    struct check_finding *finding = &checking->findings[checking->count++];

    *finding = (struct check_finding){
        .rule = rule, .remedy = remedy, .subject = checking->look->member, .text = text, .version = info->version,
        .score_ms = info->score_ms,
    };
    return finding;
}

static bool is_failed(const struct machine_info *info)
{
    return info->status && strcmp(info->status, "failed") == 0;
}

/* False: nothing more can be told of it. */
static bool check_history(struct checking *checking)
{
    const struct check_look *look = checking->look;
    const struct store_loaded *whole = look->whole ? look->whole : look->loaded;
    bool parked = is_failed(&look->loaded->info) && look->listed;
    enum check_remedy remedy = parked ? REMEDY_NONE : REMEDY_PARK;
    const char *why = whole->detail;
    enum sl_err err = whole->err;
    void *state;

    if (!err)
        err = machine_fold(look->kind, whole, checking->arena, &state, &why);
    if (err) {
        found(checking, CHECK_HISTORY, remedy,
              arena_printf(checking->arena, "its history cannot be read: %s%s", why, parked ? " (parked already)" : ""));
        return false;
    }
    if (look->feed > look->loaded->info.version) {
        found(checking, CHECK_HISTORY, remedy,
              arena_printf(checking->arena, "the feed knows %" PRId64 " events, its history has %" PRId64, look->feed,
                           look->loaded->info.version));
        return false;
    }
    return true;
}

static void check_snapshot(struct checking *checking)
{
    const struct check_look *look = checking->look;
    struct store_loaded then;
    struct buf is = BUF_EMPTY, should = BUF_EMPTY;
    void *folded, *stored = machine_state_new(look->kind, checking->arena);
    const char *why;

    if (!look->loaded->snapshot || !look->whole)
        return;
    then = *look->whole;
    then.event_count = (size_t)look->loaded->snapshot_version;
    if (then.event_count > look->whole->event_count ||
        machine_fold(look->kind, &then, checking->arena, &folded, &why))
        return;
    type_encode(look->kind->state, folded, &should);
    if (!type_decode_text(look->kind->state, look->loaded->snapshot, look->loaded->snapshot_len, TYPE_STORED,
                          checking->arena, stored, NULL))
        type_encode(look->kind->state, stored, &is);
    if (strcmp(buf_text(&is), buf_text(&should)) != 0)
        found(checking, CHECK_SNAPSHOT, REMEDY_SNAPSHOT,
              is.len ? "its snapshot differs from what its events come to" : "its snapshot cannot be read");
    buf_clear(&is);
    buf_clear(&should);
}

static void check_wheel(struct checking *checking)
{
    const struct store_loaded *loaded = checking->look->loaded;
    const struct machine_info *info = &loaded->info;
    bool waits = info->due_ms > 0 || (info->asked && *info->asked);
    struct check_finding *finding;

    if (is_failed(info) || strcmp(info->status, "removed") == 0 || !waits)
        return;
    if (info->score_ms == 0) {
        finding = found(checking, CHECK_WHEEL, REMEDY_WHEEL, "it has a timer, and is not on the wheel");
        finding->at_ms = info->due_ms > 0 ? info->due_ms : loaded->now_ms;
    } else if (info->due_ms > 0 && info->score_ms > info->due_ms && info->score_ms > loaded->now_ms + LATE_MS) {
        finding = found(checking, CHECK_WHEEL, REMEDY_WHEEL, "it is on the wheel far behind its time");
        finding->at_ms = info->due_ms;
    }
}

static void check_failed(struct checking *checking)
{
    const struct check_look *look = checking->look;

    if (is_failed(&look->loaded->info) && !look->listed)
        found(checking, CHECK_FAILED, REMEDY_LIST, "it has failed, and no list has it");
    else if (!is_failed(&look->loaded->info) && look->listed)
        found(checking, CHECK_FAILED, REMEDY_UNLIST, "it is listed as failed, and works");
}

/* There is no history: what else is there of it? */
static void check_ghost(struct checking *checking)
{
    const struct machine_info *info = &checking->look->loaded->info;

    if (checking->look->feed > 0 || *info->activity)
        found(checking, CHECK_HISTORY, is_failed(info) && checking->look->listed ? REMEDY_NONE : REMEDY_PARK,
              "its history is gone");
    else if (info->score_ms > 0 || checking->look->listed)
        found(checking, CHECK_GHOST, REMEDY_FORGET, "there is no such machine");
}

size_t check_machine(const struct check_look *look, struct arena *arena, struct check_finding *findings)
{
    struct checking checking = { look, arena, findings, 0 };

    if (!look->loaded->err && look->loaded->info.version == 0) {
        check_ghost(&checking);
    } else if (check_history(&checking)) {
        check_snapshot(&checking);
        check_wheel(&checking);
        check_failed(&checking);
    }
    return checking.count;
}

/* The machines of a partition, a batch at a time, each in one look; what is wrong is looked at again before it is told. */
#include <stdlib.h>

#include "base/xmalloc.h"
#include "check/fix.h"
#include "check/machine.h"
#include "check/walk_internal.h"
#include "engine/fold.h"
#include "payment/kind.h"

#define BATCH 32    /* machines that are read at once */
#define LOOKS_MAX 4 /* at a machine of which there is something to say */
#define AGAIN_MS 50 /* between them */

/* One machine being looked at. */
struct look {
    struct walk *walk;
    struct member *member;
    const struct machine_kind *kind;
    const char *id;
    struct arena *arena;
    struct store_loaded newest, whole; /* copies, in ARENA */
    bool has_whole;
    int tries;
};

static void look_begin(struct look *look);

static void look_end(struct look *look)
{
    struct walk *walk = look->walk;

    arena_free(look->arena);
    free(look);
    walk->done++;
    walk->machines++;
    if (--walk->open > 0 || walk->is_over)
        return;
    walk->setup.progress(walk->setup.arg, walk->p, walk->done, walk->count);
    walk_later(walk, walk->setup.pause_ms, machines_begin);
}

/* What LOADED has, beyond its callback. */
static void loaded_copy(struct store_loaded *to, const struct store_loaded *loaded, struct arena *arena)
{
    struct stored_event *events = arena_array(arena, loaded->event_count, sizeof(*events));
    size_t i;

    *to = *loaded;
    to->detail = loaded->detail ? arena_strdup(arena, loaded->detail) : NULL;
    to->info.status = arena_strdup(arena, loaded->info.status ? loaded->info.status : "working");
    to->info.activity = arena_strdup(arena, loaded->info.activity ? loaded->info.activity : "");
    to->info.asked = loaded->info.asked ? arena_strdup(arena, loaded->info.asked) : NULL;
    to->info.reason = to->info.cause = NULL;
    if (loaded->snapshot)
        to->snapshot = arena_strndup(arena, loaded->snapshot, loaded->snapshot_len);
    for (i = 0; i < loaded->event_count; i++) {
        events[i] = loaded->events[i];
        events[i].changes = arena_strndup(arena, events[i].changes, events[i].changes_len);
    }
    to->events = events;
}

struct machine_fix {
    struct walk *walk;
    struct look *look;
    struct check_finding finding;
    size_t left;
};

static void machine_fixed(void *arg, enum sl_err err)
{
    struct machine_fix *fix = arg;
    struct look *look = fix->look;

    walk_tell(fix->walk, &fix->finding, err);
    free(fix);
    look_end(look);
}

/* Adds what the machine's history implied at the mark to the ledger's side of the books. */
static void look_imply(struct look *look)
{
    struct walk *walk = look->walk;
    struct store_loaded then = look->has_whole ? look->whole : look->newest;
    const char *why;
    void *state;

    if (look->kind != &invoice_kind || look->member->then == 0)
        return;
    if (then.err || then.snapshot || then.event_count < (size_t)look->member->then) {
        walk->ledger_known = false;
        return;
    }
    then.event_count = (size_t)look->member->then;
    if (machine_fold(look->kind, &then, look->arena, &state, &why) || implied_add(&walk->implied, state, look->arena))
        walk->ledger_known = false;
}

static void look_again(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    look_begin(arg);
}

/* There is something to say: is it so still? */
static void look_doubt(struct look *look)
{
    struct timeval delay = { 0, AGAIN_MS * 1000 };

    event_base_once(look->walk->setup.base, -1, EV_TIMEOUT, look_again, look, &delay);
}

/* The first remedy that can be carried out is; a further check finds what is left. */
static void look_tell(struct look *look, struct check_finding *findings, size_t count)
{
    struct walk *walk = look->walk;
    struct machine_fix *fix = NULL;
    size_t i;

    for (i = 0; i < count; i++) {
        findings[i].partition = walk->p;
        if (walk->setup.fix && !fix && findings[i].remedy != REMEDY_NONE) {
            fix = xcalloc(1, sizeof(*fix));
            fix->walk = walk;
            fix->look = look;
            fix->finding = findings[i];
        } else {
            walk_tell(walk, &findings[i], SL_EINVAL);
        }
    }
    if (fix)
        fix_machine(walk->setup.client, walk->setup.space, &fix->finding, machine_fixed, fix);
    else
        look_end(look);
}

static void look_judge(struct look *look)
{
    struct check_finding findings[CHECK_FINDINGS_MAX];
    struct check_look seen = {
        .member = look->member->name, .kind = look->kind, .loaded = &look->newest,
        .whole = look->has_whole ? &look->whole : NULL, .listed = look->member->listed, .feed = look->member->then,
    };
    size_t count;

    if (look->newest.info.version > seen.feed) /* perhaps of after the mark: part_end knows */
        seen.feed = -1;
    count = check_machine(&seen, look->arena, findings);
    if (count > 0 && ++look->tries < LOOKS_MAX) {
        look_doubt(look);
        return;
    }
    look->member->version = look->newest.err ? 0 : look->newest.info.version;
    look_imply(look);
    look_tell(look, findings, count);
}

static void listed_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct look *look = arg;

    if (err) {
        walk_over(look->walk, err, reply);
        look_end(look);
        return;
    }
    look->member->listed = reply_kind(reply) != REPLY_NIL;
    look_judge(look);
}

static void look_listed(struct look *look)
{
    struct slice words[] = {
        slice_of("ZSCORE"), space_failed(look->walk->setup.space, look->walk->p), slice_of(look->member->name),
    };

    client_command(look->walk->setup.client, words, SL_COUNT(words), WALK_ASK_MS, listed_done, look);
}

static bool look_lost(struct look *look, const struct store_loaded *loaded)
{
    if (loaded->err != SL_EDOWN && loaded->err != SL_EUNKNOWN)
        return false;
    walk_over(look->walk, loaded->err, NULL);
    look_end(look);
    return true;
}

static void whole_done(void *arg, const struct store_loaded *loaded)
{
    struct look *look = arg;

    if (look_lost(look, loaded))
        return;
    loaded_copy(&look->whole, loaded, look->arena);
    look->has_whole = true;
    look_listed(look);
}

static void newest_done(void *arg, const struct store_loaded *loaded)
{
    struct look *look = arg;

    if (look_lost(look, loaded))
        return;
    loaded_copy(&look->newest, loaded, look->arena);
    if (!loaded->err && loaded->snapshot)
        redis_store_ops.load(&look->walk->store, look->kind, look->id, loaded->info.version, whole_done, look);
    else
        look_listed(look);
}

static void look_begin(struct look *look)
{
    look->has_whole = false;
    redis_store_ops.load(&look->walk->store, look->kind, look->id, 0, newest_done, look);
}

void machines_begin(struct walk *walk)
{
    struct part *part = &walk->parts[walk->p];
    struct member *members[BATCH];
    int i, count = 0;

    while (part->next && count < BATCH) {
        members[count++] = part->next;
        part->next = part->next->hh.next;
    }
    if (count == 0) {
        walk_read_feed(walk);
        return;
    }
    walk->open = count;
    for (i = 0; i < count; i++) {
        struct look *look = xcalloc(1, sizeof(*look));
        char kind[SPACE_KIND_MAX];

        look->walk = walk;
        look->member = members[i];
        look->arena = arena_new();
        look->id = space_split(members[i]->name, kind);
        look->kind = walk_kind(kind);
        look_begin(look);
    }
}

/* See walk.h.
 *
 *     SCAN ... --> of each partition:
 *       members of wheel and failed --> mark --> feed up to it --> machines, a batch at a time --> rest of the feed --> ledger
 *
 * The scan of keys finds machines that nothing else names. Everything is read with the scripts that daemons use. */
#include "check/walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "check/fix.h"
#include "check/implied.h"
#include "check/machine.h"
#include "engine/fold.h"
#include "engine/redis_store.h"
#include "lua/check_mark.h"
#include "payment/kind.h"
#include "payment/template.h"

#define ASK_MS 30000
#define SCAN_COUNT "1000"
#define PAGE 1000   /* entries of a feed or a sorted set that are read at once */
#define PAGE_TEXT "1000"
#define BATCH 32    /* machines that are read at once */
#define LOOKS_MAX 4 /* at a machine of which there is something to say */
#define AGAIN_MS 50 /* between them */
#define PLACE_MAX 48
#define EVENTS_SUFFIX "events" /* behind a slash, or a colon in format 1 */

static const struct machine_kind *const kinds[] = { &invoice_kind, &template_kind };

struct member {
    UT_hash_handle hh;
    int64_t then; /* events that the feed has of it up to the mark */
    int64_t now;  /* up to where it has been read */
    int64_t gap;  /* the first event that came out of order in the feed; 0: none */
    int64_t version; /* as it was last looked at */
    bool listed;
    char name[];
};

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

struct part {
    struct member *members;
    struct member *next; /* to be looked at */
};

struct walk {
    struct walk_setup setup;
    struct redis_store store;
    struct part *parts;
    int p;
    char after[PLACE_MAX], until[PLACE_MAX]; /* places in the feed: read up to, the mark */
    bool marked;   /* the feed is read beyond the mark */
    char *mark;    /* of the ledger */
    struct {
        char *field;
        int64_t value;
    } *fields;
    size_t field_count;
    struct implied_account *implied;
    bool ledger_known; /* every history could be told */
    int open;      /* looks and fixes on their way */
    int64_t done, count, machines;
    struct event *timer;
    void (*timed)(struct walk *walk);
    bool is_over;
};

static void part_begin(struct walk *walk);
static void feed_read(struct walk *walk);
static void batch_begin(struct walk *walk);
static void part_end(struct walk *walk);

/* ---- small things ---- */

static void walk_timed(evutil_socket_t fd, short what, void *arg)
{
    struct walk *walk = arg;

    (void)fd;
    (void)what;
    walk->timed(walk);
}

static void walk_later(struct walk *walk, int64_t delay_ms, void (*fn)(struct walk *walk))
{
    struct timeval delay = { delay_ms / 1000, delay_ms % 1000 * 1000 };

    walk->timed = fn;
    event_add(walk->timer, &delay);
}

static void walk_over(struct walk *walk, enum sl_err err, const struct reply *reply)
{
    const char *text = reply_kind(reply) == REPLY_ERROR ? reply_text(reply, NULL) : NULL;

    if (walk->is_over)
        return;
    walk->is_over = true;
    walk->setup.over(walk->setup.arg, err, text ? text : err ? "Redis did not answer" : NULL);
}

static const struct machine_kind *kind_of(const char *name)
{
    size_t i;

    for (i = 0; i < SL_COUNT(kinds); i++) {
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    }
    return NULL;
}

/* NULL: NAME is of no machine of this partition. */
static struct member *member_of(struct walk *walk, int p, const char *name)
{
    struct part *part = &walk->parts[p];
    struct member *member;
    char kind[SPACE_KIND_MAX];
    const char *id;

    HASH_FIND(hh, part->members, name, strlen(name), member);
    if (member)
        return member;
    id = space_split(name, kind);
    if (!id || !kind_of(kind) || space_partition(walk->setup.space, id) != p)
        return NULL;
    member = xcalloc(1, sizeof(*member) + strlen(name) + 1);
    strcpy(member->name, name);
    HASH_ADD_KEYPTR(hh, part->members, member->name, strlen(member->name), member);
    return member;
}

static void members_clear(struct part *part)
{
    struct member *member, *next;

    HASH_ITER(hh, part->members, member, next) {
        HASH_DEL(part->members, member);
        free(member);
    }
    part->next = NULL;
}

static void tell(struct walk *walk, const struct check_finding *finding, enum sl_err fix)
{
    walk->setup.found(walk->setup.arg, finding, fix);
}

/* ---- keys ---- */

/* "sluice:{T}:KIND:ID/events" */
static void key_take(struct walk *walk, const char *key)
{
    const char *tag = strchr(key, '{'), *end = tag ? strstr(tag, "}:") : NULL;
    size_t len = strlen(key), tail = strlen(EVENTS_SUFFIX) + 1;
    char name[SPACE_KEY_MAX], kind[SPACE_KIND_MAX];
    struct machine_keys names;
    const char *id;
    int p;

    if (!end || len <= tail || len >= sizeof(name) || strcmp(key + len - tail + 1, EVENTS_SUFFIX) != 0)
        return;
    snprintf(name, sizeof(name), "%.*s", (int)(len - tail - (size_t)(end + 2 - key)), end + 2);
    id = space_split(name, kind);
    if (!id || !kind_of(kind))
        return;
    p = space_partition(walk->setup.space, id);
    space_machine(walk->setup.space, kind, id, &names);
    if (strcmp(names.events, key) == 0 && (walk->setup.partition < 0 || walk->setup.partition == p))
        member_of(walk, p, name);
}

static void keys_read(struct walk *walk, const char *cursor);

static void keys_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct walk *walk = arg;
    const struct reply *keys = reply_at(reply, 1);
    const char *cursor = reply_text(reply_at(reply, 0), NULL);
    size_t i;

    if (err || !cursor) {
        walk_over(walk, err ? err : SL_EPROTO, reply);
        return;
    }
    for (i = 0; i < reply_count(keys); i++) {
        const char *key = reply_text(reply_at(keys, i), NULL);

        if (key)
            key_take(walk, key);
    }
    if (strcmp(cursor, "0") != 0) {
        keys_read(walk, cursor);
        return;
    }
    walk->p = walk->setup.partition < 0 ? 0 : walk->setup.partition;
    part_begin(walk);
}

static void keys_read(struct walk *walk, const char *cursor)
{
    client_words(walk->setup.client, ASK_MS, keys_done, walk, "SCAN", cursor, "MATCH", "sluice:{*}:*" EVENTS_SUFFIX, "COUNT",
                 SCAN_COUNT, NULL);
}

/* ---- a partition's sets ---- */

static void set_take(struct walk *walk, const struct reply *reply, bool listed)
{
    size_t i;

    for (i = 0; i < reply_count(reply); i++) {
        const char *name = reply_text(reply_at(reply, i), NULL);
        struct member *member = name ? member_of(walk, walk->p, name) : NULL;

        if (member && listed)
            member->listed = true;
    }
}

static void mark_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct walk *walk = arg;
    const struct reply *fields = reply_at(reply, 3);
    const char *until = reply_text(reply_at(reply, 1), NULL), *mark = reply_text(reply_at(reply, 2), NULL);
    size_t i;

    if (err || !until || !mark) {
        walk_over(walk, err ? err : SL_EPROTO, reply);
        return;
    }
    snprintf(walk->until, sizeof(walk->until), "%s", until);
    walk->mark = xstrdup(mark);
    walk->fields = xcalloc(reply_count(fields) / 2 + 1, sizeof(*walk->fields));
    for (i = 0; i + 1 < reply_count(fields); i += 2) {
        const char *field = reply_text(reply_at(fields, i), NULL);

        if (!field || !(strstr(field, ":own") || strstr(field, ":min") || strstr(field, ":max")))
            continue;
        walk->fields[walk->field_count].field = xstrdup(field);
        walk->fields[walk->field_count++].value = reply_i64_or(reply_at(fields, i + 1), 0);
    }
    feed_read(walk);
}

static void failed_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct walk *walk = arg;
    struct lua_check_mark_keys keys = {
        space_feed(walk->setup.space, walk->p), space_accounts(walk->setup.space, walk->p),
        space_check(walk->setup.space, walk->p),
    };

    if (err) {
        walk_over(walk, err, reply);
        return;
    }
    set_take(walk, reply, true);
    lua_check_mark(walk->setup.client, &keys, &(struct lua_check_mark_args){ 0 }, ASK_MS, mark_done, walk);
}

static void set_ask(struct walk *walk, struct slice key, client_done_fn done)
{
    struct slice words[] = { slice_of("ZRANGE"), key, slice_of("0"), slice_of("-1") };

    client_command(walk->setup.client, words, SL_COUNT(words), ASK_MS, done, walk);
}

static void wheel_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct walk *walk = arg;

    if (err) {
        walk_over(walk, err, reply);
        return;
    }
    set_take(walk, reply, false);
    set_ask(walk, space_failed(walk->setup.space, walk->p), failed_done);
}

static void part_clear(struct walk *walk)
{
    size_t i;

    members_clear(&walk->parts[walk->p]);
    implied_clear(&walk->implied);
    for (i = 0; i < walk->field_count; i++)
        free(walk->fields[i].field);
    free(walk->fields);
    free(walk->mark);
    walk->fields = NULL;
    walk->field_count = 0;
    walk->mark = NULL;
}

static void part_begin(struct walk *walk)
{
    walk->marked = false;
    walk->ledger_known = true;
    strcpy(walk->after, "0-0");
    walk->done = walk->count = 0;
    set_ask(walk, space_wheel(walk->setup.space, walk->p), wheel_done);
}

/* ---- the feed ---- */

static void entry_take(struct walk *walk, const struct reply *entry)
{
    const char *place = reply_text(reply_at(entry, 0), NULL), *name = NULL;
    const struct reply *fields = reply_at(entry, 1);
    struct member *member;
    int64_t event = 0;
    size_t i;

    if (place)
        snprintf(walk->after, sizeof(walk->after), "%s", place);
    for (i = 0; i + 1 < reply_count(fields); i += 2) {
        const char *field = reply_text(reply_at(fields, i), NULL);

        if (field && strcmp(field, "id") == 0)
            name = reply_text(reply_at(fields, i + 1), NULL);
        else if (field && strcmp(field, "event") == 0)
            event = reply_i64_or(reply_at(fields, i + 1), 0);
    }
    member = name && event > 0 ? member_of(walk, walk->p, name) : NULL;
    if (!member)
        return;
    if (event != member->now + 1 && !member->gap)
        member->gap = event;
    if (event > member->now)
        member->now = event;
    if (!walk->marked)
        member->then = member->now;
}

static void feed_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct walk *walk = arg;
    size_t i;

    if (err) {
        walk_over(walk, err, reply);
        return;
    }
    for (i = 0; i < reply_count(reply); i++)
        entry_take(walk, reply_at(reply, i));
    if (reply_count(reply) == PAGE) {
        feed_read(walk);
        return;
    }
    if (walk->marked) {
        part_end(walk);
        return;
    }
    walk->marked = true;
    snprintf(walk->after, sizeof(walk->after), "%s", walk->until);
    walk->parts[walk->p].next = walk->parts[walk->p].members;
    walk->count = HASH_COUNT(walk->parts[walk->p].members);
    batch_begin(walk);
}

static void feed_read(struct walk *walk)
{
    char after[PLACE_MAX + 1];
    struct slice words[] = {
        slice_of("XRANGE"), space_feed(walk->setup.space, walk->p), { NULL, 0 },
        slice_of(walk->marked ? "+" : walk->until), slice_of("COUNT"), slice_of(PAGE_TEXT),
    };

    snprintf(after, sizeof(after), "(%s", walk->after);
    words[2] = slice_of(after);
    client_command(walk->setup.client, words, SL_COUNT(words), ASK_MS, feed_done, walk);
}

/* ---- machines ---- */

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
    walk_later(walk, walk->setup.pause_ms, batch_begin);
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

    tell(fix->walk, &fix->finding, err);
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
            tell(walk, &findings[i], SL_EINVAL);
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

    client_command(look->walk->setup.client, words, SL_COUNT(words), ASK_MS, listed_done, look);
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

static void batch_begin(struct walk *walk)
{
    struct part *part = &walk->parts[walk->p];
    struct member *members[BATCH];
    int i, count = 0;

    while (part->next && count < BATCH) {
        members[count++] = part->next;
        part->next = part->next->hh.next;
    }
    if (count == 0) {
        feed_read(walk);
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
        look->kind = kind_of(kind);
        look_begin(look);
    }
}

/* ---- feed and ledger ---- */

static void part_next(struct walk *walk)
{
    part_clear(walk);
    walk->p++;
    if (walk->setup.partition >= 0 || walk->p == space_count(walk->setup.space))
        walk_over(walk, SL_OK, NULL);
    else
        part_begin(walk);
}

struct ledger_fix {
    struct walk *walk;
    size_t count;
    const char *fields[3 * 1024];
    int64_t deltas[3 * 1024];
    char names[3 * 1024][40];
};

static void ledger_tell(struct ledger_fix *fix, enum sl_err err)
{
    size_t i;

    for (i = 0; i < fix->count; i++) {
        char text[120];

        snprintf(text, sizeof(text), "the account's share here is off: the histories come to %+" PRId64, fix->deltas[i]);
        tell(fix->walk, &(struct check_finding){
            .rule = CHECK_LEDGER, .remedy = REMEDY_LEDGER, .partition = fix->walk->p, .subject = fix->fields[i],
            .text = text, .delta = fix->deltas[i],
        }, err);
    }
}

static void ledger_fixed(void *arg, enum sl_err err)
{
    struct ledger_fix *fix = arg;
    struct walk *walk = fix->walk;

    ledger_tell(fix, err);
    free(fix);
    part_next(walk);
}

static void ledger_expect(struct ledger_fix *fix, int64_t account_id, const char *balance, int64_t value)
{
    struct walk *walk = fix->walk;
    int64_t stored = 0;
    char name[40];
    size_t i;

    snprintf(name, sizeof(name), "%" PRId64 ":%s", account_id, balance);
    for (i = 0; i < walk->field_count; i++) {
        if (strcmp(walk->fields[i].field, name) == 0) {
            stored = walk->fields[i].value;
            walk->fields[i].value = 0; /* accounted for */
        }
    }
    if (stored == value || fix->count == SL_COUNT(fix->deltas))
        return;
    strcpy(fix->names[fix->count], name);
    fix->fields[fix->count] = fix->names[fix->count];
    fix->deltas[fix->count++] = value - stored;
}

static void ledger_check(struct walk *walk)
{
    struct ledger_fix *fix = xcalloc(1, sizeof(*fix));
    struct implied_account *account, *next;
    size_t i;

    fix->walk = walk;
    HASH_ITER(hh, walk->implied, account, next) {
        ledger_expect(fix, account->account_id, "own", account->balance.own);
        ledger_expect(fix, account->account_id, "min", account->balance.min);
        ledger_expect(fix, account->account_id, "max", account->balance.max);
    }
    for (i = 0; i < walk->field_count; i++) {
        const char *colon = strchr(walk->fields[i].field, ':');

        if (walk->fields[i].value != 0) /* of an account that no history touches */
            ledger_expect(fix, strtoll(walk->fields[i].field, NULL, 10), colon + 1, 0);
    }
    if (fix->count > 0 && walk->setup.fix) {
        fix_ledger(walk->setup.client, walk->setup.space, walk->p, walk->mark, fix->fields, fix->deltas, fix->count,
                   ledger_fixed, fix);
        return;
    }
    ledger_tell(fix, SL_EINVAL);
    free(fix);
    part_next(walk);
}

/* The feed has been read beyond every look, so that it has all events that were seen. */
static bool feed_lacks(struct walk *walk, const struct member *member, struct check_finding *finding, char *text,
                       size_t size)
{
    bool lacks = member->now < member->version;

    if (!lacks && !(member->gap && member->version >= member->gap))
        return false;
    *finding = (struct check_finding){
        .rule = CHECK_FEED, .remedy = lacks && !member->gap ? REMEDY_FEED : REMEDY_NONE, .partition = walk->p,
        .subject = member->name, .text = text, .version = member->version, .at_ms = member->now + 1,
    };
    if (lacks)
        snprintf(text, size, "the feed lacks its events %" PRId64 " to %" PRId64, member->now + 1, member->version);
    else
        snprintf(text, size, "the feed has its event %" PRId64 " out of order; readers have gone past it", member->gap);
    return true;
}

struct feed_fix {
    struct walk *walk;
    struct check_finding finding;
    char text[120];
};

static void feeds_end(struct walk *walk);

static void feed_fixed(void *arg, enum sl_err err)
{
    struct feed_fix *fix = arg;
    struct walk *walk = fix->walk;

    tell(walk, &fix->finding, err);
    free(fix);
    feeds_end(walk);
}

/* One machine's part of the feed after the other. */
static void feeds_end(struct walk *walk)
{
    struct part *part = &walk->parts[walk->p];
    struct feed_fix *fix = xcalloc(1, sizeof(*fix));

    fix->walk = walk;
    while (part->next) {
        struct member *member = part->next;

        part->next = member->hh.next;
        if (!feed_lacks(walk, member, &fix->finding, fix->text, sizeof(fix->text)))
            continue;
        walk->ledger_known = false; /* what it had at the mark is not told by the feed */
        if (walk->setup.fix && fix->finding.remedy == REMEDY_FEED) {
            fix_machine(walk->setup.client, walk->setup.space, &fix->finding, feed_fixed, fix);
            return;
        }
        tell(walk, &fix->finding, SL_EINVAL);
    }
    free(fix);
    if (walk->ledger_known)
        ledger_check(walk);
    else
        part_next(walk);
}

static void part_end(struct walk *walk)
{
    walk->parts[walk->p].next = walk->parts[walk->p].members;
    feeds_end(walk);
}

/* ---- life ---- */

static void walk_start(struct walk *walk)
{
    keys_read(walk, "0");
}

struct walk *walk_new(const struct walk_setup *setup)
{
    struct walk *walk = xcalloc(1, sizeof(*walk));

    walk->setup = *setup;
    walk->store = (struct redis_store){
        .client = setup->client, .space = setup->space, .deadline_ms = ASK_MS, .packer = packer_new(),
    };
    walk->parts = xcalloc((size_t)space_count(setup->space), sizeof(*walk->parts));
    walk->timer = evtimer_new(setup->base, walk_timed, walk);
    walk_later(walk, 0, walk_start);
    return walk;
}

void walk_free(struct walk *walk)
{
    int p;

    if (!walk)
        return;
    walk->is_over = true;
    if (walk->p < space_count(walk->setup.space))
        part_clear(walk);
    for (p = 0; p < space_count(walk->setup.space); p++)
        members_clear(&walk->parts[p]);
    event_free(walk->timer);
    packer_free(walk->store.packer);
    free(walk->parts);
    free(walk);
}

int64_t walk_machines(const struct walk *walk)
{
    return walk->machines;
}

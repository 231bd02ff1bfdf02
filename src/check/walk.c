/* See walk.h.
 *
 *     SCAN ... --> of each partition:
 *       members of wheel and failed --> mark --> feed up to it --> machines, a batch at a time --> rest of the feed --> ledger
 *
 * The scan of keys finds machines that nothing else names. Everything is read with the scripts that daemons use.
 * Machines are looked at in walk_machines.c, the ledger in walk_ledger.c. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "check/fix.h"
#include "check/walk_internal.h"
#include "lua/check_mark.h"
#include "payment/kind.h"
#include "payment/template.h"

#define SCAN_COUNT "1000"
#define PAGE 1000   /* entries of a feed or a sorted set that are read at once */
#define PAGE_TEXT "1000"
#define EVENTS_SUFFIX "events" /* behind a slash, or a colon in format 1 */

static const struct machine_kind *const kinds[] = { &invoice_kind, &template_kind };

static void part_begin(struct walk *walk);
static void part_end(struct walk *walk);

/* ---- small things ---- */

static void walk_timed(evutil_socket_t fd, short what, void *arg)
{
    struct walk *walk = arg;

    (void)fd;
    (void)what;
    walk->timed(walk);
}

void walk_later(struct walk *walk, int64_t delay_ms, void (*fn)(struct walk *walk))
{
    struct timeval delay = { delay_ms / 1000, delay_ms % 1000 * 1000 };

    walk->timed = fn;
    event_add(walk->timer, &delay);
}

void walk_over(struct walk *walk, enum sl_err err, const struct reply *reply)
{
    const char *text = reply_kind(reply) == REPLY_ERROR ? reply_text(reply, NULL) : NULL;

    if (walk->is_over)
        return;
    walk->is_over = true;
    walk->setup.over(walk->setup.arg, err, text ? text : err ? "Redis did not answer" : NULL);
}

const struct machine_kind *walk_kind(const char *name)
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
    if (!id || !walk_kind(kind) || space_partition(walk->setup.space, id) != p)
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

void walk_tell(struct walk *walk, const struct check_finding *finding, enum sl_err fix)
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
    if (!id || !walk_kind(kind))
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
    client_words(walk->setup.client, WALK_ASK_MS, keys_done, walk, "SCAN", cursor, "MATCH", "sluice:{*}:*" EVENTS_SUFFIX, "COUNT",
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
    const char *until = reply_text(reply_at(reply, 1), NULL), *mark = reply_text(reply_at(reply, 2), NULL);

    if (err || !until || !mark) {
        walk_over(walk, err ? err : SL_EPROTO, reply);
        return;
    }
    snprintf(walk->until, sizeof(walk->until), "%s", until);
    walk->mark = xstrdup(mark);
    ledger_take(walk, reply_at(reply, 3));
    walk_read_feed(walk);
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
    lua_check_mark(walk->setup.client, &keys, &(struct lua_check_mark_args){ 0 }, WALK_ASK_MS, mark_done, walk);
}

static void set_ask(struct walk *walk, struct slice key, client_done_fn done)
{
    struct slice words[] = { slice_of("ZRANGE"), key, slice_of("0"), slice_of("-1") };

    client_command(walk->setup.client, words, SL_COUNT(words), WALK_ASK_MS, done, walk);
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
    members_clear(&walk->parts[walk->p]);
    implied_clear(&walk->implied);
    ledger_clear(walk);
    free(walk->mark);
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
        walk_read_feed(walk);
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
    machines_begin(walk);
}

void walk_read_feed(struct walk *walk)
{
    char after[WALK_PLACE_MAX + 1];
    struct slice words[] = {
        slice_of("XRANGE"), space_feed(walk->setup.space, walk->p), { NULL, 0 },
        slice_of(walk->marked ? "+" : walk->until), slice_of("COUNT"), slice_of(PAGE_TEXT),
    };

    snprintf(after, sizeof(after), "(%s", walk->after);
    words[2] = slice_of(after);
    client_command(walk->setup.client, words, SL_COUNT(words), WALK_ASK_MS, feed_done, walk);
}

/* ---- the end of a partition ---- */

void walk_part_next(struct walk *walk)
{
    part_clear(walk);
    walk->p++;
    if (walk->setup.partition >= 0 || walk->p == space_count(walk->setup.space))
        walk_over(walk, SL_OK, NULL);
    else
        part_begin(walk);
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

    walk_tell(walk, &fix->finding, err);
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
        walk_tell(walk, &fix->finding, SL_EINVAL);
    }
    free(fix);
    if (walk->ledger_known)
        ledger_check(walk);
    else
        walk_part_next(walk);
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
        .client = setup->client, .space = setup->space, .deadline_ms = WALK_ASK_MS, .packer = packer_new(),
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

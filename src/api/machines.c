/* /v1/machines, /v1/timers, /v1/partitions: what operators look at. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/request.h"
#include "base/rfc3339.h"
#include "payment/kind.h"

#define ASK_MS 5000
#define LIMIT_MAX 1000

/* Of each partition so many timers are looked through for machines that are retrying or overdue: their next attempts
 * are near or past, so they stand in front. */
#define WHEEL_SCAN 250
#define OLDER_MAX_S 31622400 /* a year */

/* One machine on some partition's sorted set. */
struct entry {
    int64_t score_ms;
    const char *kind, *id;
    const char *status, *activity, *reason, *cause; /* NULL: the machine's hash does not say */
    int64_t attempts, since_ms;
};

/* Collects the first DEPTH of all partitions' sets, then what stands in the machines' hashes. */
struct listing {
    int left;
    enum sl_err err;
    int64_t limit, depth;
    struct entry *entries;
    size_t count, next;
    const char *only;     /* status that is wanted; NULL: any */
    const char *activity, *cause; /* the same */
    bool stuck;           /* failed; or retrying, or overdue, for longer than older_ms */
    int64_t older_ms, now_ms;
};

static bool is_wanted(const struct listing *listing, const struct entry *entry)
{
    const char *status = entry->status ? entry->status : "";
    bool failed = strcmp(status, "failed") == 0;

    if (listing->only && strcmp(status, listing->only) != 0)
        return false;
    if (listing->activity && (!entry->activity || strcmp(entry->activity, listing->activity) != 0))
        return false;
    if (listing->cause && (!entry->cause || strcmp(entry->cause, listing->cause) != 0))
        return false;
    if (!listing->stuck || failed)
        return true;
    if (strcmp(status, "retrying") == 0 && entry->since_ms > 0 && entry->since_ms + listing->older_ms <= listing->now_ms)
        return true;
    return entry->score_ms + listing->older_ms < listing->now_ms;
}

static int by_score(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    return x->score_ms < y->score_ms ? -1 : x->score_ms > y->score_ms;
}

static void time_member(struct buf *out, const char *name, int64_t ms)
{
    char at[RFC3339_MAX];

    rfc3339_format(rfc3339_us_of_ms(ms), at);
    buf_printf(out, ",\"%s\":\"%s\"", name, at);
}

static void text_member(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, ",\"%s\":", name);
    buf_json_str(out, text, strlen(text));
}

static void entry_write(const struct entry *entry, struct buf *out)
{
    bool failed = entry->status && strcmp(entry->status, "failed") == 0;

    buf_printf(out, "{\"kind\":\"%s\",\"id\":\"%s\"", entry->kind, entry->id);
    if (!failed)
        time_member(out, "due", entry->score_ms);
    if (entry->status)
        text_member(out, "status", entry->status);
    if (entry->activity)
        text_member(out, "activity", entry->activity);
    if (entry->attempts > 0)
        buf_printf(out, ",\"attempts\":%" PRId64, entry->attempts);
    if (entry->since_ms > 0 || failed)
        time_member(out, "since", entry->since_ms > 0 ? entry->since_ms : entry->score_ms);
    if (entry->cause && strcmp(entry->cause, "other") != 0)
        text_member(out, "cause", entry->cause);
    if (entry->reason)
        text_member(out, "reason", entry->reason);
    buf_char(out, '}');
}

static void answer_listing(struct api_request *request)
{
    struct listing *listing = request->waiting;
    struct buf json = BUF_EMPTY;
    int64_t written = 0;
    size_t i;

    if (listing->err) {
        answer_err(request, listing->err, "NotFound", NULL);
        return;
    }
    buf_char(&json, '[');
    for (i = 0; i < listing->count && written < listing->limit; i++) {
        const struct entry *entry = &listing->entries[i];

        if (!is_wanted(listing, entry))
            continue;
        if (written++)
            buf_char(&json, ',');
        entry_write(entry, &json);
    }
    buf_char(&json, ']');
    answer_json(request, 200, &json);
}

static const char *field_copy(struct api_request *request, const struct reply *reply, size_t i)
{
    const char *text = reply_text(reply_at(reply, i), NULL);

    return text && *text ? arena_strdup(request->arena, text) : NULL;
}

static void machine_read(void *arg, enum sl_err err, const struct reply *reply)
{
    struct api_request *request = arg;
    struct listing *listing = request->waiting;
    struct entry *entry = &listing->entries[listing->next++]; /* answers come in the order of the questions */

    if (err && err != SL_EREFUSED)
        listing->err = err;
    if (err == SL_EREFUSED) { /* its hash is something else: listed all the same */
        entry->status = "failed";
        entry->cause = "corrupt";
        entry->reason = arena_strdup(request->arena, reply_text(reply, NULL));
        if (--listing->left == 0)
            answer_listing(request);
        return;
    }
    entry->status = field_copy(request, reply, 0);
    entry->activity = field_copy(request, reply, 1);
    entry->attempts = reply_i64_or(reply_at(reply, 2), 0);
    entry->since_ms = reply_i64_or(reply_at(reply, 3), 0);
    entry->reason = field_copy(request, reply, 4);
    entry->cause = field_copy(request, reply, 5);
    if (--listing->left == 0)
        answer_listing(request);
}

static bool is_filtered(const struct listing *listing)
{
    return listing->only || listing->stuck || listing->activity || listing->cause;
}

static void machines_read(struct api_request *request)
{
    const struct api_setup *setup = api_setup(request);
    struct listing *listing = request->waiting;
    struct machine_keys keys;
    size_t i;

    qsort(listing->entries, listing->count, sizeof(*listing->entries), by_score);
    if (!is_filtered(listing) && listing->count > (size_t)listing->limit)
        listing->count = (size_t)listing->limit;
    if (listing->err || listing->count == 0) {
        answer_listing(request);
        return;
    }
    listing->left = (int)listing->count;
    for (i = 0; i < listing->count; i++) {
        space_machine(setup->space, listing->entries[i].kind, listing->entries[i].id, &keys);
        client_words(setup->client, ASK_MS, machine_read, request, "HMGET", keys.machine, "status", "activity", "attempts",
                     "since", "reason", "cause", NULL);
    }
}

static void set_read(void *arg, enum sl_err err, const struct reply *reply)
{
    struct api_request *request = arg;
    struct listing *listing = request->waiting;
    char kind[SPACE_KIND_MAX];
    size_t i;

    if (err)
        listing->err = err == SL_EREFUSED ? SL_ECORRUPT : err;
    for (i = 0; i + 1 < reply_count(reply); i += 2) {
        const char *member = reply_text(reply_at(reply, i), NULL), *id = member ? space_split(member, kind) : NULL;
        struct entry *entry = &listing->entries[listing->count];

        if (!id)
            continue;
        *entry = (struct entry){ .score_ms = reply_i64_or(reply_at(reply, i + 1), 0) };
        entry->kind = arena_strdup(request->arena, kind);
        entry->id = arena_strdup(request->arena, id);
        listing->count++;
    }
    if (--listing->left == 0)
        machines_read(request);
}

typedef struct slice (*set_key_fn)(const struct space *space, int p);

/* The first DEPTH of partition P's set. */
static void set_ask(struct api_request *request, set_key_fn key, int p)
{
    const struct api_setup *setup = api_setup(request);
    const struct listing *listing = request->waiting;
    char last[SLICE_I64_MAX];
    struct slice words[] = {
        slice_of("ZRANGE"), key(setup->space, p), slice_of("0"), slice_i64(last, listing->depth - 1),
        slice_of("WITHSCORES"),
    };

    client_command(setup->client, words, SL_COUNT(words), ASK_MS, set_read, request);
}

/* Lists what is WANTED, from one set or two (MORE may be NULL). */
static void list_sets(struct api_request *request, set_key_fn key, set_key_fn more, struct listing wanted)
{
    const struct api_setup *setup = api_setup(request);
    struct listing *listing = request->waiting = arena_memdup(request->arena, &wanted, sizeof(wanted));
    int p, count = space_count(setup->space);

    if (!request_query_i64(request, "limit", 1, LIMIT_MAX, 100, &listing->limit))
        return;
    listing->now_ms = runtime_now_us(setup->runtime) / 1000;
    listing->depth = is_filtered(listing) && listing->limit < WHEEL_SCAN ? WHEEL_SCAN : listing->limit;
    listing->left = more ? 2 * count : count;
    listing->entries = arena_array(request->arena, (size_t)(listing->left * listing->depth), sizeof(*listing->entries));
    for (p = 0; p < count; p++) {
        set_ask(request, key, p);
        if (more)
            set_ask(request, more, p);
    }
}

void machines_list(struct api_request *request)
{
    const char *status = request_query(request, "status");
    struct listing wanted = {
        .activity = request_query(request, "activity"), .cause = request_query(request, "cause"),
    };

    if (!request_query_i64(request, "older", 0, OLDER_MAX_S, 60, &wanted.older_ms))
        return;
    wanted.older_ms *= 1000;
    if (!status || strcmp(status, "failed") == 0) {
        list_sets(request, space_failed, NULL, wanted);
    } else if (strcmp(status, "waiting") == 0) {
        list_sets(request, space_wheel, NULL, wanted);
    } else if (strcmp(status, "retrying") == 0) {
        wanted.only = status;
        list_sets(request, space_wheel, NULL, wanted);
    } else if (strcmp(status, "stuck") == 0) {
        wanted.stuck = true;
        list_sets(request, space_failed, space_wheel, wanted);
    } else {
        answer_invalid(request, "?status", "must be one of: failed, retrying, stuck, waiting");
    }
}

void timers_list(struct api_request *request)
{
    list_sets(request, space_wheel, NULL, (struct listing){ 0 });
}

/* ---- partitions ---- */

struct depths {
    int left, next;
    enum sl_err err;
    int64_t *depth;
};

static void answer_partitions(struct api_request *request)
{
    const struct api_setup *setup = api_setup(request);
    struct depths *depths = request->waiting;
    struct buf json = BUF_EMPTY;
    int p;

    if (depths->err) {
        answer_err(request, depths->err, "NotFound", NULL);
        return;
    }
    buf_char(&json, '[');
    for (p = 0; p < space_count(setup->space); p++)
        buf_printf(&json, "%s{\"partition\":%d,\"tag\":\"%s\",\"owner\":\"%s\",\"waiting\":%" PRId64 "}", p ? "," : "", p,
                   space_tag(setup->space, p), wheel_owner(setup->wheel, p), depths->depth[p]);
    buf_char(&json, ']');
    answer_json(request, 200, &json);
}

static void depth_read(void *arg, enum sl_err err, const struct reply *reply)
{
    struct api_request *request = arg;
    struct depths *depths = request->waiting;

    if (err)
        depths->err = err == SL_EREFUSED ? SL_ECORRUPT : err;
    depths->depth[depths->next++] = reply_i64_or(reply, 0); /* answers come in the order of the questions */
    if (--depths->left == 0)
        answer_partitions(request);
}

void partitions_list(struct api_request *request)
{
    const struct api_setup *setup = api_setup(request);
    struct depths *depths = request->waiting = arena_alloc(request->arena, sizeof(*depths));
    int p;

    depths->left = space_count(setup->space);
    depths->depth = arena_array(request->arena, (size_t)depths->left, sizeof(*depths->depth));
    for (p = 0; p < space_count(setup->space); p++) {
        struct slice words[] = { slice_of("ZCARD"), space_wheel(setup->space, p) };

        client_command(setup->client, words, SL_COUNT(words), ASK_MS, depth_read, request);
    }
}

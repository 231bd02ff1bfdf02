/* /v1/feed: every event of every invoice and template, from where the last answer's cursor ends; of a merchant's party
 * alone, if it is a merchant who asks.
 *
 * Each partition has a feed of its own, in commit order. A cursor is a place in each of them; what is answered
 * is merged by time, and the events themselves are read from their machines. Events of one invoice come in order
 * and once; nothing is promised of the order of two invoices.
 *
 *   look -> part_read (one of each partition) -> pick -> event_read (one of each entry) -> answer           */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/feed_cursor.h"
#include "api/owner.h"
#include "api/request.h"
#include "api/watch.h"
#include "base/qualified.h"
#include "payment/kind.h"
#include "payment/template.h"

#define ASK_MS 5000
#define LIMIT_MAX 1000
#define LIMIT_USUAL 100
#define WAIT_MAX_S 60
#define PASSES_MAX 16 /* times that events of others are passed over before there is an answer without any */

struct entry {
    struct entry *next;
    struct api_request *request;
    struct feed_place place;
    int p;
    const struct machine_kind *kind;
    const char *id; /* NULL: of a machine that nobody hears of */
    int64_t number;
    const char *json; /* the event; NULL: of a machine that nobody hears of */
};

struct feeding {
    struct feed_place *places; /* of each partition */
    int64_t limit, wait_s;
    struct watch *watch;
    bool looking, again, over;
    int left, part; /* answers to come; the partition that the next one is of */
    enum sl_err err;
    struct entry *found; /* the newest first */
    size_t heard;        /* of them, those that somebody hears of */
    int passes;
    struct entry **entries;
    size_t count;
};

static void look(struct api_request *request);

static void look_over(struct api_request *request)
{
    struct feeding *feeding = request->waiting;

    feeding->over = true;
    look(request);
}

static void answer_feed(struct api_request *request)
{
    struct feeding *feeding = request->waiting;
    struct buf json = BUF_EMPTY;
    const char *comma = "";
    size_t i;

    if (feeding->watch)
        watch_end(feeding->watch);
    if (feeding->err) {
        answer_err(request, feeding->err, "NotFound", NULL);
        return;
    }
    buf_str(&json, "{\"events\":[");
    for (i = 0; i < feeding->count; i++) {
        feeding->places[feeding->entries[i]->p] = feeding->entries[i]->place;
        if (!feeding->entries[i]->json)
            continue;
        buf_str(&json, comma);
        buf_str(&json, feeding->entries[i]->json);
        comma = ",";
    }
    buf_str(&json, "],\"cursor\":\"");
    feed_cursor_write(feeding->places, space_count(api_setup(request)->space), &json);
    buf_str(&json, "\"}");
    answer_json(request, 200, &json);
}

/* ---- the events ---- */

static void event_read(void *arg, const struct runtime_events *events)
{
    struct entry *entry = arg;
    struct api_request *request = entry->request;
    struct feeding *feeding = request->waiting;
    struct buf json = BUF_EMPTY;

    if (events->err && events->err != SL_ENOENT && events->err != SL_ECORRUPT) {
        feeding->err = events->err;
    } else { /* one that is broken or gone does not stop the feed */
        if (!events->err && events->count == 1 && events->events[0].number == entry->number)
            event_write(entry->kind, owner_shown(request, entry->id), &events->events[0], &json);
        else
            event_write_unreadable(entry->kind, owner_shown(request, entry->id), entry->number, &json);
        entry->json = arena_strdup(request->arena, buf_text(&json));
        buf_clear(&json);
    }
    if (--feeding->left == 0)
        answer_feed(request);
}

static int by_place(const void *a, const void *b)
{
    const struct entry *x = *(const struct entry *const *)a, *y = *(const struct entry *const *)b;

    if (x->place.ms != y->place.ms)
        return x->place.ms < y->place.ms ? -1 : 1;
    if (x->p != y->p)
        return x->p < y->p ? -1 : 1;
    return x->place.seq < y->place.seq ? -1 : x->place.seq > y->place.seq;
}

/* The first of all that was found; each partition's own order is kept, so no place is skipped. */
static void pick(struct api_request *request)
{
    struct feeding *feeding = request->waiting;
    struct entry *entry;
    size_t i = 0;

    feeding->entries = arena_array(request->arena, feeding->count, sizeof(*feeding->entries));
    for (entry = feeding->found; entry; entry = entry->next)
        feeding->entries[i++] = entry;
    qsort(feeding->entries, feeding->count, sizeof(*feeding->entries), by_place);
    if (feeding->count > (size_t)feeding->limit)
        feeding->count = (size_t)feeding->limit;
    feeding->left = 1; /* our own, so that nothing is answered from inside the loop */
    for (i = 0; i < feeding->count; i++) {
        entry = feeding->entries[i];
        if (!entry->id)
            continue;
        feeding->left++;
        runtime_events(api_setup(request)->runtime, entry->kind, entry->id, entry->number - 1, 1, event_read, entry);
    }
    if (--feeding->left == 0)
        answer_feed(request);
}

/* ---- the partitions ---- */

/* NULL: no machine of the kind tells others its events. */
static const struct machine_kind *kind_of(const char *name)
{
    static const struct machine_kind *const kinds[] = { &invoice_kind, &template_kind };
    size_t i;

    for (i = 0; i < SL_COUNT(kinds); i++) {
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    }
    return NULL;
}

/* Merchants are told of their own machines, whose ids say so; those that are older than that belong to nobody here. */
static bool is_told(const struct api_request *request, const char *machine)
{
    const struct principal *principal = request->principal;
    const char *party;

    if (!principal || principal->role != ROLE_MERCHANT)
        return true;
    party = qualified_party(machine);
    return party && strcmp(party, principal->party_id) == 0;
}

/* { "ms-seq", { "id", member, "event", number } } */
static void entry_take(struct api_request *request, int p, const struct reply *reply)
{
    const char *place = reply_text(reply_at(reply, 0), NULL), *name, *id;
    struct entry *entry = arena_alloc(request->arena, sizeof(*entry));
    const struct reply *fields = reply_at(reply, 1);
    struct feeding *feeding = request->waiting;
    char kind[SPACE_KIND_MAX];
    size_t i;

    entry->request = request;
    entry->p = p;
    if (!place || sscanf(place, "%" SCNu64 "-%" SCNu64, &entry->place.ms, &entry->place.seq) != 2) {
        feeding->err = SL_ECORRUPT;
        return;
    }
    for (i = 0; i + 1 < reply_count(fields); i += 2) {
        name = reply_text(reply_at(fields, i), NULL);
        if (name && strcmp(name, "event") == 0)
            entry->number = reply_i64_or(reply_at(fields, i + 1), 0);
        if (!name || strcmp(name, "id") != 0)
            continue;
        id = reply_text(reply_at(fields, i + 1), NULL);
        id = id ? space_split(id, kind) : NULL;
        entry->kind = id ? kind_of(kind) : NULL;
        if (entry->kind)
            entry->id = arena_strdup(request->arena, id);
    }
    if (entry->number < 1 || (entry->id && !is_told(request, entry->id)))
        entry->id = NULL;
    feeding->heard += entry->id != NULL;
    entry->next = feeding->found;
    feeding->found = entry;
    feeding->count++;
}

/* What was found is all of others: it is looked on behind it. */
static void pass_over(struct api_request *request)
{
    struct feeding *feeding = request->waiting;
    const struct entry *entry;

    for (entry = feeding->found; entry; entry = entry->next) {
        struct feed_place *place = &feeding->places[entry->p];

        if (entry->place.ms > place->ms || (entry->place.ms == place->ms && entry->place.seq > place->seq))
            *place = entry->place;
    }
    feeding->found = NULL;
    feeding->count = 0;
    feeding->passes++;
    look(request);
}

static void all_read(struct api_request *request)
{
    struct feeding *feeding = request->waiting;

    feeding->looking = false;
    if (feeding->err) {
        answer_feed(request);
    } else if (feeding->count > 0 && feeding->heard == 0 && !feeding->over && feeding->passes < PASSES_MAX) {
        pass_over(request);
    } else if (feeding->count > 0 || feeding->wait_s == 0 || feeding->over) {
        pick(request);
    } else {
        if (!feeding->watch)
            feeding->watch = watch_begin(request, NULL, feeding->wait_s * 1000, look, look_over);
        if (feeding->again)
            look(request);
    }
}

static void part_read(void *arg, enum sl_err err, const struct reply *reply)
{
    struct api_request *request = arg;
    struct feeding *feeding = request->waiting;
    int p = feeding->part++; /* answers come in the order of the questions */
    size_t i;

    if (err)
        feeding->err = err == SL_EREFUSED ? SL_ECORRUPT : err;
    for (i = 0; i < reply_count(reply); i++)
        entry_take(request, p, reply_at(reply, i));
    if (--feeding->left == 0)
        all_read(request);
}

static void look(struct api_request *request)
{
    const struct api_setup *setup = api_setup(request);
    struct feeding *feeding = request->waiting;
    char after[64], limit[SLICE_I64_MAX];
    int p;

    if (feeding->looking) {
        feeding->again = true;
        return;
    }
    feeding->looking = true;
    feeding->again = false;
    feeding->part = 0;
    feeding->left = space_count(setup->space);
    for (p = 0; p < space_count(setup->space); p++) {
        struct slice words[] = {
            slice_of("XRANGE"), space_feed(setup->space, p), { after, 0 }, slice_of("+"), slice_of("COUNT"),
            slice_i64(limit, feeding->limit),
        };

        words[2].len = (size_t)snprintf(after, sizeof(after), "(%" PRIu64 "-%" PRIu64, feeding->places[p].ms,
                                        feeding->places[p].seq);
        client_command(setup->client, words, SL_COUNT(words), ASK_MS, part_read, request);
    }
}

void feed_get(struct api_request *request)
{
    struct feeding *feeding = arena_alloc(request->arena, sizeof(*feeding));
    int parts = space_count(api_setup(request)->space);
    const char *cursor = request_query(request, "cursor");

    request->waiting = feeding;
    feeding->places = arena_array(request->arena, (size_t)parts, sizeof(*feeding->places));
    if (!request_query_i64(request, "limit", 1, LIMIT_MAX, LIMIT_USUAL, &feeding->limit) ||
        !request_query_i64(request, "wait", 0, WAIT_MAX_S, 0, &feeding->wait_s))
        return;
    if (cursor && !feed_cursor_read(cursor, feeding->places, parts))
        answer_invalid(request, "?cursor", "is not a cursor that this deployment gave");
    else
        look(request);
}

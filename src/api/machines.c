/* /v1/machines, /v1/timers, /v1/partitions, /v1/daemons, …/repair: what operators look at. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/request.h"
#include "base/rfc3339.h"
#include "payment/kind.h"

#define ASK_MS 5000
#define LIMIT_MAX 1000

/* One machine on some partition's sorted set. */
struct entry {
    const char *member;
    int64_t score_ms;
};

/* Collects the first LIMIT of all partitions' sets. */
struct listing {
    int left;
    enum sl_err err;
    int64_t limit;
    struct entry *entries;
    size_t count;
    const char *score_name;
    const char *status; /* NULL: any */
};

static int by_score(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    return x->score_ms < y->score_ms ? -1 : x->score_ms > y->score_ms;
}

static void answer_listing(struct api_request *request)
{
    struct listing *listing = request->waiting;
    struct buf json = BUF_EMPTY;
    char kind[SPACE_KIND_MAX], at[RFC3339_MAX];
    size_t i;

    if (listing->err) {
        answer_err(request, listing->err, "NotFound", NULL);
        return;
    }
    qsort(listing->entries, listing->count, sizeof(*listing->entries), by_score);
    buf_str(&json, "[");
    for (i = 0; i < listing->count && i < (size_t)listing->limit; i++) {
        const char *id = space_split(listing->entries[i].member, kind);

        if (!id)
            continue;
        rfc3339_format(listing->entries[i].score_ms * 1000, at);
        buf_printf(&json, "%s{\"kind\":\"%s\",\"id\":\"%s\",\"%s\":\"%s\"", json.len > 1 ? "," : "", kind, id,
                   listing->score_name, at);
        if (listing->status)
            buf_printf(&json, ",\"status\":\"%s\"", listing->status);
        buf_char(&json, '}');
    }
    buf_char(&json, ']');
    answer_json(request, 200, &json);
}

static void set_read(void *arg, enum sl_err err, const struct reply *reply)
{
    struct api_request *request = arg;
    struct listing *listing = request->waiting;
    size_t i;

    if (err)
        listing->err = err == SL_EREFUSED ? SL_ECORRUPT : err;
    for (i = 0; i + 1 < reply_count(reply); i += 2) {
        const char *member = reply_text(reply_at(reply, i), NULL);

        if (!member)
            continue;
        listing->entries[listing->count].member = arena_strdup(request->arena, member);
        listing->entries[listing->count++].score_ms = reply_i64_or(reply_at(reply, i + 1), 0);
    }
    if (--listing->left == 0)
        answer_listing(request);
}

static void list_sets(struct api_request *request, struct slice (*key)(const struct space *space, int p),
                      const char *score_name, const char *status)
{
    const struct api_setup *setup = api_setup(request);
    struct listing *listing = request->waiting = arena_alloc(request->arena, sizeof(*listing));
    char last[SLICE_I64_MAX];
    int p;

    if (!request_query_i64(request, "limit", 1, LIMIT_MAX, 100, &listing->limit))
        return;
    listing->score_name = score_name;
    listing->status = status;
    listing->left = space_count(setup->space);
    listing->entries = arena_array(request->arena, (size_t)(listing->left * listing->limit), sizeof(*listing->entries));
    for (p = 0; p < space_count(setup->space); p++) {
        struct slice words[] = {
            slice_of("ZRANGE"), key(setup->space, p), slice_of("0"), slice_i64(last, listing->limit - 1),
            slice_of("WITHSCORES"),
        };

        client_command(setup->client, words, SL_COUNT(words), ASK_MS, set_read, request);
    }
}

void machines_list(struct api_request *request)
{
    const char *status = request_query(request, "status");

    if (!status || strcmp(status, "failed") == 0)
        list_sets(request, space_failed, "since", "failed");
    else if (strcmp(status, "waiting") == 0)
        list_sets(request, space_wheel, "due", "waiting");
    else
        answer_invalid(request, "?status", "must be one of: failed, waiting");
}

void timers_list(struct api_request *request)
{
    list_sets(request, space_wheel, "due", NULL);
}

/* ---- repair ---- */

static void repaired(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;
    struct buf json = BUF_EMPTY;

    if (answer_failed(request, result, "InvoiceNotFound"))
        return;
    buf_printf(&json, "{\"id\":\"%s\",\"version\":%" PRId64 "}", result->id, result->version);
    answer_json(request, 200, &json);
}

void machines_repair(struct api_request *request)
{
    runtime_repair(api_setup(request)->runtime, &invoice_kind, request->params[0], NULL, CALL_DEADLINE_MS, repaired,
                   request);
}

/* ---- daemons, partitions ---- */

void daemons_list(struct api_request *request)
{
    const char *const *names;
    size_t i, count = wheel_daemons(api_setup(request)->wheel, &names);
    struct buf json = BUF_EMPTY;

    buf_char(&json, '[');
    for (i = 0; i < count; i++) {
        buf_str(&json, i ? ",{\"name\":" : "{\"name\":");
        buf_json_str(&json, names[i], strlen(names[i]));
        buf_char(&json, '}');
    }
    buf_char(&json, ']');
    answer_json(request, 200, &json);
}

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

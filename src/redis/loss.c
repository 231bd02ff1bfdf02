/*     the newest entry of each feed, all feeds ──> all there
 *                          └── some are not ──> (list) each commit of theirs ──> which are gone   */
#include "redis/loss.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/xmalloc.h"
#include "lua/seen.h"
#include "redis/client.h"
#include "redis/script.h"

#define ASK_MS 5000
#define CHUNK 64 /* entries of one request: some 100 us of Redis's time */

struct check {
    struct seen *seen;
    struct client *client;
    bool list, listing;
    loss_done_fn done;
    void *arg;
    size_t waiting; /* requests that are out */
    bool *gone;     /* by partition */
    struct loss loss;
    char *error;
    const struct seen_commit **lost;
};

/* One request: entries of feeds, by partition, or by place among the commits. */
struct chunk {
    struct check *check;
    size_t count;
    int partitions[CHUNK];
    size_t places[CHUNK];
    uint64_t numbers[CHUNK];
    char entries[CHUNK][SEEN_ID_MAX];
};

static void check_step(struct check *check);

static struct chunk *chunk_new(struct check *check)
{
    struct chunk *chunk = xcalloc(1, sizeof(*chunk));

    chunk->check = check;
    check->waiting++;
    return chunk;
}

static void feed_told(struct check *check, int p, bool there, const char *newest)
{
    char mark[SEEN_ID_MAX];

    if (!there) {
        check->gone[p] = true;
        check->loss.feeds++;
        seen_newest(check->seen, p, mark);
        if (!check->loss.oldest_ms || strtoll(mark, NULL, 10) < check->loss.oldest_ms)
            check->loss.oldest_ms = strtoll(mark, NULL, 10);
    } else if (newest) {
        seen_raise(check->seen, p, newest);
    }
}

static void commit_told(struct check *check, size_t place, uint64_t number, bool there)
{
    const struct seen_commit *commit = seen_at(check->seen, place);

    if (there || !commit || commit->number != number)
        return;
    check->lost[check->loss.listed++] = commit;
    if (commit->ms < check->loss.oldest_ms)
        check->loss.oldest_ms = commit->ms;
}

static void chunk_answered(void *arg, enum sl_err err, const struct reply *reply)
{
    struct chunk *chunk = arg;
    struct check *check = chunk->check;
    size_t i;

    if (err && !check->loss.err) {
        check->loss.err = err;
        if (reply_text(reply, NULL))
            check->error = xstrdup(reply_text(reply, NULL));
    }
    for (i = 0; !err && i < chunk->count; i++) {
        bool there = reply_i64_or(reply_at(reply, 1 + 2 * i), 0) != 0;

        if (check->listing)
            commit_told(check, chunk->places[i], chunk->numbers[i], there);
        else
            feed_told(check, chunk->partitions[i], there, reply_text(reply_at(reply, 2 + 2 * i), NULL));
    }
    free(chunk);
    if (--check->waiting == 0)
        check_step(check);
}

static void chunk_send(struct chunk *chunk)
{
    struct slice keys[CHUNK], entries[CHUNK], count;
    char digits[SLICE_I64_MAX];
    size_t i;

    for (i = 0; i < chunk->count; i++) {
        keys[i] = slice_of(seen_feed(chunk->check->seen, chunk->partitions[i]));
        entries[i] = slice_of(chunk->entries[i]);
    }
    count = slice_i64(digits, (int64_t)chunk->count);
    script_call(chunk->check->client, &script_seen, &(struct script_input){
        .fixed = &count, .fixed_count = 1, .more_keys = keys, .more_key_count = chunk->count, .rest = entries,
        .rest_count = chunk->count, .held = true,
    }, ASK_MS, chunk_answered, chunk);
}

static void feeds_ask(struct check *check)
{
    struct chunk *chunk = NULL;
    int p;

    for (p = 0; p < seen_partitions(check->seen); p++) {
        if (!chunk)
            chunk = chunk_new(check);
        chunk->partitions[chunk->count] = p;
        seen_newest(check->seen, p, chunk->entries[chunk->count++]);
        if (chunk->count == CHUNK) {
            chunk_send(chunk);
            chunk = NULL;
        }
    }
    if (chunk)
        chunk_send(chunk);
}

static void commits_ask(struct check *check)
{
    const struct seen_commit *commit;
    struct chunk *chunk = NULL;
    size_t i;

    check->listing = true;
    check->lost = xcalloc(SEEN_COMMITS_MAX, sizeof(*check->lost));
    for (i = 0; i < SEEN_COMMITS_MAX; i++) {
        commit = seen_at(check->seen, i);
        if (!commit || !check->gone[commit->p])
            continue;
        if (!chunk)
            chunk = chunk_new(check);
        chunk->partitions[chunk->count] = commit->p;
        chunk->places[chunk->count] = i;
        chunk->numbers[chunk->count] = commit->number;
        snprintf(chunk->entries[chunk->count++], SEEN_ID_MAX, "%s", commit->entry);
        if (chunk->count == CHUNK) {
            chunk_send(chunk);
            chunk = NULL;
        }
    }
    if (chunk)
        chunk_send(chunk);
}

static int by_number(const void *left, const void *right)
{
    const struct seen_commit *const *a = left, *const *b = right;

    return ((*a)->number > (*b)->number) - ((*a)->number < (*b)->number);
}

/* Nothing is out: go on, or tell. */
static void check_step(struct check *check)
{
    if (!check->loss.err && check->loss.feeds > 0 && check->list && !check->listing)
        commits_ask(check);
    if (check->waiting > 0)
        return;
    if (check->lost)
        qsort(check->lost, check->loss.listed, sizeof(*check->lost), by_number);
    check->loss.lost = check->lost;
    check->loss.error = check->error;
    check->done(check->arg, &check->loss);
    free(check->lost);
    free(check->error);
    free(check->gone);
    free(check);
}

void loss_check(struct seen *seen, struct client *client, bool list, loss_done_fn done, void *arg)
{
    struct check *check = xcalloc(1, sizeof(*check));

    check->seen = seen;
    check->client = client;
    check->list = list;
    check->done = done;
    check->arg = arg;
    check->gone = xcalloc((size_t)seen_partitions(seen), sizeof(*check->gone));
    feeds_ask(check);
}

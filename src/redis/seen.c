/* See seen.h. No I/O but the file. */
#include "redis/seen.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xmalloc.h"
#include "redis/partition.h"

#define FORMAT 1
#define FEED_MAX 40

struct mark {
    uint64_t ms, seq; /* 0-0: none */
    char feed[FEED_MAX];
};

struct seen {
    int partitions;
    char *path;
    bool changed;
    char deployment[32];
    int64_t accepted;
    struct mark *marks;
    uint64_t commits; /* so far */
    struct seen_commit ring[SEEN_COMMITS_MAX];
};

static bool entry_parse(const char *entry, uint64_t *ms, uint64_t *seq)
{
    char end;

    return sscanf(entry, "%" SCNu64 "-%" SCNu64 "%c", ms, seq, &end) == 2; /* NOLINT(cert-err34-c): Redis's own words */
}

/* ---- what was seen ---- */

int seen_partitions(const struct seen *seen)
{
    return seen->partitions;
}

const char *seen_feed(const struct seen *seen, int p)
{
    return seen->marks[p].feed;
}

const char *seen_newest(const struct seen *seen, int p, char out[SEEN_ID_MAX])
{
    const struct mark *mark = &seen->marks[p];

    out[0] = '\0';
    if (mark->ms)
        snprintf(out, SEEN_ID_MAX, "%" PRIu64 "-%" PRIu64, mark->ms, mark->seq);
    return out;
}

int64_t seen_newest_ms(const struct seen *seen)
{
    uint64_t newest = 0;
    int p;

    for (p = 0; p < seen->partitions; p++) {
        if (seen->marks[p].ms > newest)
            newest = seen->marks[p].ms;
    }
    return (int64_t)newest;
}

void seen_raise(struct seen *seen, int p, const char *entry)
{
    struct mark *mark = &seen->marks[p];
    uint64_t ms, seq;

    if (!entry_parse(entry, &ms, &seq) || ms < mark->ms || (ms == mark->ms && seq <= mark->seq))
        return;
    mark->ms = ms;
    mark->seq = seq;
    seen->changed = true;
}

void seen_commit(struct seen *seen, int p, const char *entry, const char *member, int64_t event)
{
    struct seen_commit *commit = &seen->ring[seen->commits % SEEN_COMMITS_MAX];
    uint64_t ms, seq;

    if (!entry_parse(entry, &ms, &seq))
        return;
    free(commit->member);
    *commit = (struct seen_commit){
        .number = ++seen->commits, .p = p, .ms = (int64_t)ms, .member = xstrdup(member), .event = event,
    };
    snprintf(commit->entry, sizeof(commit->entry), "%s", entry);
    seen_raise(seen, p, entry);
}

const struct seen_commit *seen_at(const struct seen *seen, size_t i)
{
    return seen->ring[i].number ? &seen->ring[i] : NULL;
}

void seen_forget(struct seen *seen)
{
    size_t i;
    int p;

    for (p = 0; p < seen->partitions; p++)
        seen->marks[p].ms = seen->marks[p].seq = 0;
    for (i = 0; i < SEEN_COMMITS_MAX; i++) {
        free(seen->ring[i].member);
        seen->ring[i] = (struct seen_commit){ 0 };
    }
    seen->changed = true;
}

/* ---- the file ---- */

const char *seen_deployment(const struct seen *seen)
{
    return seen->deployment;
}

int64_t seen_accepted(const struct seen *seen)
{
    return seen->accepted;
}

bool seen_save(struct seen *seen, const char *deployment, int64_t accepted)
{
    struct buf path = BUF_EMPTY;
    char entry[SEEN_ID_MAX];
    bool done = true;
    FILE *file;
    int p;

    if (!seen->path || (!seen->changed && accepted == seen->accepted && strcmp(deployment, seen->deployment) == 0))
        return true;
    buf_printf(&path, "%s.new", seen->path);
    file = fopen(buf_text(&path), "we");
    if (file) {
        fprintf(file, "sluice-seen %d %d %s %" PRId64 "\n", FORMAT, seen->partitions, *deployment ? deployment : "-", accepted);
        for (p = 0; p < seen->partitions; p++) {
            if (*seen_newest(seen, p, entry))
                fprintf(file, "%d %s\n", p, entry);
        }
        done = fflush(file) == 0 && !ferror(file);
        done = fclose(file) == 0 && done;
    }
    done = file && done && rename(buf_text(&path), seen->path) == 0;
    buf_clear(&path);
    if (done) {
        seen->changed = false;
        seen->accepted = accepted;
        snprintf(seen->deployment, sizeof(seen->deployment), "%s", deployment);
    }
    return done;
}

static bool file_read(struct seen *seen, FILE *file)
{
    char entry[SEEN_ID_MAX];
    int format, partitions, p;
    uint64_t ms, seq;

    /* NOLINTBEGIN(cert-err34-c): written by seen_save; what does not fit is refused */
    if (fscanf(file, "sluice-seen %d %d %31s %" SCNd64, &format, &partitions, seen->deployment, &seen->accepted) != 4 ||
        format != FORMAT || partitions != seen->partitions)
        return false;
    while (fscanf(file, "%d %47s", &p, entry) == 2) {
        if (p < 0 || p >= partitions || !entry_parse(entry, &ms, &seq))
            return false;
        seen_raise(seen, p, entry);
    }
    /* NOLINTEND(cert-err34-c) */
    if (strcmp(seen->deployment, "-") == 0)
        seen->deployment[0] = '\0';
    return feof(file) && !ferror(file);
}

static enum sl_err seen_load(struct seen *seen, char **why)
{
    struct buf text = BUF_EMPTY;
    FILE *file = fopen(seen->path, "re");
    bool right;

    if (!file && errno == ENOENT)
        return SL_OK;
    right = file && file_read(seen, file);
    if (file)
        fclose(file);
    seen->changed = false;
    if (right)
        return SL_OK;
    buf_printf(&text, "%s cannot be read as what a daemon of this deployment has seen; remove it if that is all the same",
               seen->path);
    *why = buf_take(&text);
    return SL_ECORRUPT;
}

/* ---- life ---- */

enum sl_err seen_new(int partitions, const char *path, struct seen **out, char **why)
{
    struct seen *seen = xcalloc(1, sizeof(*seen));
    char tag[PARTITION_TAG_MAX];
    enum sl_err err = SL_OK;
    int p;

    seen->partitions = partitions;
    seen->marks = xcalloc((size_t)partitions, sizeof(*seen->marks));
    for (p = 0; p < partitions; p++) {
        partition_tag(p, partitions, tag);
        snprintf(seen->marks[p].feed, sizeof(seen->marks[p].feed), "sluice:{%s}:feed", tag);
    }
    if (path) {
        seen->path = xstrdup(path);
        err = seen_load(seen, why);
    }
    if (err)
        seen_free(seen);
    else
        *out = seen;
    return err;
}

void seen_free(struct seen *seen)
{
    size_t i;

    if (!seen)
        return;
    for (i = 0; i < SEEN_COMMITS_MAX; i++)
        free(seen->ring[i].member);
    free(seen->marks);
    free(seen->path);
    free(seen);
}

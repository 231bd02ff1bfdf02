#include "redis/meta.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xmalloc.h"
#include "redis/partition.h"

#define ASK_MS 5000

struct asking {
    struct client *client;
    meta_done_fn done;
    void *arg;
    int partitions;
    bool strict;
    char appendonly[16], appendfsync[16], eviction[32];
    char message[512];
};

static struct asking *asking_new(struct client *client, int partitions, meta_done_fn done, void *arg)
{
    struct asking *asking = xcalloc(1, sizeof(*asking));

    asking->client = client;
    asking->partitions = partitions;
    asking->done = done;
    asking->arg = arg;
    return asking;
}

static void asking_end(struct asking *asking, enum sl_err err, int partitions)
{
    struct meta_result result = { err, partitions, asking->message };

    asking->done(asking->arg, &result);
    free(asking);
}

/* ---- sluice:meta ---- */

static void meta_read(void *arg, enum sl_err err, const struct reply *reply)
{
    struct asking *asking = arg;
    int64_t format = reply_i64_or(reply_at(reply, 0), 0), partitions = reply_i64_or(reply_at(reply, 1), 0);

    if (err == SL_EREFUSED) {
        snprintf(asking->message, sizeof(asking->message), "Redis refuses to read " META_KEY ": %s",
                 reply_text(reply, NULL));
    } else if (!err && format == 0) {
        err = SL_ENOENT;
        snprintf(asking->message, sizeof(asking->message),
                 "this Redis has not been initialised for Sluice: run `sluice init` once");
    } else if (!err && format > META_FORMAT) {
        err = SL_EREFUSED;
        snprintf(asking->message, sizeof(asking->message),
                 "this Redis holds data of format %lld and this program knows formats up to %d: run a newer sluiced",
                 (long long)format, META_FORMAT);
    } else if (!err && (partitions < 1 || partitions > PARTITIONS_MAX)) {
        err = SL_EREFUSED;
        snprintf(asking->message, sizeof(asking->message),
                 META_KEY " names %lld partitions, and 1..%d are possible: this is not the meta data of a deployment",
                 (long long)partitions, PARTITIONS_MAX);
    } else if (!err && asking->partitions && partitions != asking->partitions) {
        err = SL_EREFUSED;
        snprintf(asking->message, sizeof(asking->message),
                 "this Redis was initialised with %lld partitions, not %d; the number is fixed for good: leave "
                 "--partitions out, or start with an empty Redis",
                 (long long)partitions, asking->partitions);
    }
    asking_end(asking, err, err ? 0 : (int)partitions);
}

void meta_check(struct client *client, int partitions_wanted, meta_done_fn done, void *arg)
{
    struct asking *asking = asking_new(client, partitions_wanted, done, arg);

    client_words(client, ASK_MS, meta_read, asking, "HMGET", META_KEY, "format", "partitions", NULL);
}

static void meta_written(void *arg, enum sl_err err, const struct reply *reply)
{
    struct asking *asking = arg;

    if (err == SL_EREFUSED)
        snprintf(asking->message, sizeof(asking->message), "Redis refuses to write " META_KEY ": %s",
                 reply_text(reply, NULL));
    if (err) {
        asking_end(asking, err, 0);
        return;
    }
    client_words(asking->client, ASK_MS, meta_read, asking, "HMGET", META_KEY, "format", "partitions", NULL);
}

static void init_step(void *arg, enum sl_err err, const struct reply *reply)
{
    (void)arg;
    (void)err;
    (void)reply; /* the last of the three tells, and what they wrote is read back */
}

void meta_init(struct client *client, int partitions, meta_done_fn done, void *arg)
{
    struct asking *asking = asking_new(client, partitions, done, arg);
    char count[16], format[16], now[32];

    assert(partitions >= 1 && partitions <= PARTITIONS_MAX);
    snprintf(count, sizeof(count), "%d", partitions);
    snprintf(format, sizeof(format), "%d", META_FORMAT);
    snprintf(now, sizeof(now), "%lld", (long long)(clock_wall_us() / 1000));
    /* HSETNX, the number first: whoever came first stays. */
    client_words(client, ASK_MS, init_step, asking, "HSETNX", META_KEY, "partitions", count, NULL);
    client_words(client, ASK_MS, init_step, asking, "HSETNX", META_KEY, "created_at", now, NULL);
    client_words(client, ASK_MS, meta_written, asking, "HSETNX", META_KEY, "format", format, NULL);
}

/* ---- durability ---- */

static void config_take(const struct reply *reply, char *out, size_t size)
{
    const char *value = reply_text(reply_at(reply, 1), NULL);

    snprintf(out, size, "%s", value ? value : "?");
}

static void durability_judge(struct asking *asking)
{
    bool evicts = strcmp(asking->eviction, "noeviction") != 0 && strcmp(asking->eviction, "?") != 0;
    bool unknown = strcmp(asking->appendonly, "?") == 0;
    bool on = strcmp(asking->appendonly, "yes") == 0, always = strcmp(asking->appendfsync, "always") == 0;
    size_t size = sizeof(asking->message);

    if (evicts) {
        snprintf(asking->message, size,
                 "Redis may evict keys (maxmemory-policy %s), and payments with them: CONFIG SET maxmemory-policy noeviction",
                 asking->eviction);
        asking_end(asking, SL_EREFUSED, 0);
    } else if (unknown) {
        snprintf(asking->message, size,
                 "Redis does not tell how durable it is (CONFIG is forbidden): check appendonly and appendfsync with "
                 "whoever runs it%s", asking->strict ? ", then start with --durability relaxed" : "");
        asking_end(asking, asking->strict ? SL_EREFUSED : SL_OK, 0);
    } else if (!on || !always) {
        snprintf(asking->message, size,
                 "Redis answers before its data is safe (appendonly %s, appendfsync %s): a crash of its host can lose %s%s",
                 asking->appendonly, asking->appendfsync, on ? "the last second" : "everything since its last snapshot",
                 asking->strict ? "; set `appendonly yes` and `appendfsync always` in redis.conf (or CONFIG SET both), or "
                                  "accept the loss with --durability relaxed" : "");
        asking_end(asking, asking->strict ? SL_EREFUSED : SL_OK, 0);
    } else {
        asking_end(asking, SL_OK, 0);
    }
}

static void config_only(void *arg, enum sl_err err, const struct reply *reply)
{
    struct asking *asking = arg;

    if (!err)
        config_take(reply, asking->appendonly, sizeof(asking->appendonly));
    else
        snprintf(asking->appendonly, sizeof(asking->appendonly), "?");
}

static void config_fsync(void *arg, enum sl_err err, const struct reply *reply)
{
    struct asking *asking = arg;

    if (!err)
        config_take(reply, asking->appendfsync, sizeof(asking->appendfsync));
}

static void config_eviction(void *arg, enum sl_err err, const struct reply *reply)
{
    struct asking *asking = arg;

    if (err == SL_EDOWN || err == SL_EUNKNOWN) {
        asking_end(asking, err, 0);
        return;
    }
    config_take(err ? NULL : reply, asking->eviction, sizeof(asking->eviction));
    durability_judge(asking);
}

void meta_check_durability(struct client *client, bool strict, meta_done_fn done, void *arg)
{
    struct asking *asking = asking_new(client, 0, done, arg);

    asking->strict = strict;
    client_words(client, ASK_MS, config_only, asking, "CONFIG", "GET", "appendonly", NULL);
    client_words(client, ASK_MS, config_fsync, asking, "CONFIG", "GET", "appendfsync", NULL);
    client_words(client, ASK_MS, config_eviction, asking, "CONFIG", "GET", "maxmemory-policy", NULL);
}

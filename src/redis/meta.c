#include "redis/meta.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "lua/meta_init.h"
#include "redis/partition.h"

#define ASK_MS 5000

/* What durability depends on, asked one after the other. */
enum option { OPT_APPENDONLY, OPT_APPENDFSYNC, OPT_NO_FSYNC_ON_REWRITE, OPT_LOAD_TRUNCATED, OPT_EVICTION, OPTION_COUNT };

static const char *const option_names[] = {
    [OPT_APPENDONLY] = "appendonly",
    [OPT_APPENDFSYNC] = "appendfsync",
    [OPT_NO_FSYNC_ON_REWRITE] = "no-appendfsync-on-rewrite",
    [OPT_LOAD_TRUNCATED] = "aof-load-truncated",
    [OPT_EVICTION] = "maxmemory-policy",
};
_Static_assert(SL_COUNT(option_names) == OPTION_COUNT, "each option has its name");

/* Who asked. One allocation per question, freed after its callback. */
struct asking {
    struct client *client;
    meta_done_fn done;
    void *arg;
    int partitions;
    int format_first;
    bool takes_over;
    bool strict;
    enum option option;                /* the one being asked */
    char values[OPTION_COUNT][32];     /* "": Redis does not tell */
    char deployment[SLICE_I64_MAX], suspect[256];
    int64_t accepted;
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

static void asking_tell(struct asking *asking, enum sl_err err, int partitions, const char *error)
{
    struct meta_result result = {
        err, partitions, err ? 0 : asking->format_first, asking->deployment, asking->suspect, asking->accepted, error,
        asking->message,
    };

    asking->done(asking->arg, &result);
    free(asking);
}

static void asking_end(struct asking *asking, enum sl_err err, int partitions)
{
    asking_tell(asking, err, partitions, NULL);
}

/* Redis said no, or nothing. */
static void asking_fail(struct asking *asking, enum sl_err err, const struct reply *reply)
{
    const char *text = reply_text(reply, NULL);

    if (text)
        snprintf(asking->message, sizeof(asking->message), "Redis refuses to show or write " META_KEY ": %s", text);
    else
        snprintf(asking->message, sizeof(asking->message), "%s",
                 err == SL_EUNKNOWN ? "Redis did not answer; try again" : "Redis cannot be reached; try again later");
    asking_tell(asking, err, 0, text);
}

/* ---- sluice:meta ---- */

/* Answers SL_OK, or why such a Redis cannot be used, with the sentence. */
static enum sl_err meta_judge(struct asking *asking, int64_t format, int64_t partitions)
{
    char *message = asking->message;
    size_t size = sizeof(asking->message);

    if (format > META_FORMAT) {
        snprintf(message, size,
                 "this Redis holds data of format %lld and this program knows formats up to %d: run a newer sluiced",
                 (long long)format, META_FORMAT);
    } else if (format < 1 || partitions < 1 || partitions > PARTITIONS_MAX) {
        snprintf(message, size,
                 META_KEY " names format %lld and %lld partitions (1..%d are possible): this is not the meta data of "
                          "a deployment; look with HGETALL " META_KEY,
                 (long long)format, (long long)partitions, PARTITIONS_MAX);
    } else if (asking->partitions && partitions != asking->partitions) {
        snprintf(message, size,
                 "this Redis was initialised with %lld partitions, not %d; the number is fixed for good: leave "
                 "--partitions out, or start with an empty Redis",
                 (long long)partitions, asking->partitions);
    } else {
        return SL_OK;
    }
    return SL_EREFUSED;
}

static void meta_take(struct asking *asking, const struct reply *format, const struct reply *partitions)
{
    int64_t count = reply_i64_or(partitions, -1);
    enum sl_err err = meta_judge(asking, reply_i64_or(format, -1), count);

    asking_end(asking, err, err ? 0 : (int)count);
}

static void meta_renewed(void *arg, enum sl_err err, const struct reply *reply)
{
    struct asking *asking = arg;

    if (err)
        asking_fail(asking, err, reply);
    else
        asking_end(asking, SL_OK, asking->partitions);
}

/* What was written with an older format is read as it is; what is written from now on, older programs cannot read. */
static void meta_renew(struct asking *asking, int partitions)
{
    char format[SLICE_I64_MAX], first[SLICE_I64_MAX];

    snprintf(format, sizeof(format), "%d", META_FORMAT);
    snprintf(first, sizeof(first), "%d", asking->format_first);
    asking->partitions = partitions;
    client_words_held(asking->client, ASK_MS, meta_renewed, asking, "HSET", META_KEY, "format", format, "format_first",
                      first, NULL);
}

static void meta_check_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct asking *asking = arg;
    const struct reply *format = reply_at(reply, 0), *partitions = reply_at(reply, 1);
    const char *born = err ? NULL : reply_text(reply_at(reply, 2), NULL);
    int64_t number = err ? -1 : reply_i64_or(format, -1);
    const char *suspect = err ? NULL : reply_text(reply_at(reply, 3), NULL);

    snprintf(asking->deployment, sizeof(asking->deployment), "%s", born ? born : "");
    snprintf(asking->suspect, sizeof(asking->suspect), "%s", suspect ? suspect : "");
    asking->accepted = err ? 0 : reply_i64_or(reply_at(reply, 4), 0);
    if (err) {
        asking_fail(asking, err, reply);
    } else if (reply_kind(format) == REPLY_NIL && reply_kind(partitions) == REPLY_NIL) {
        snprintf(asking->message, sizeof(asking->message),
                 "this Redis has not been initialised for Sluice: run `sluice init` once");
        asking_end(asking, SL_ENOENT, 0);
    } else if (asking->takes_over && number >= 1 && number < META_FORMAT && !meta_judge(asking, number, reply_i64_or(partitions, -1))) {
        asking->format_first = (int)number;
        meta_renew(asking, (int)reply_i64_or(partitions, -1));
    } else {
        asking->format_first = (int)reply_i64_or(reply_at(reply, 5), number);
        meta_take(asking, format, partitions);
    }
}

static void meta_ask(struct asking *asking)
{
    client_words_held(asking->client, ASK_MS, meta_check_done, asking, "HMGET", META_KEY, "format", "partitions",
                      "created_at", "suspect", "accepted_at", "format_first", NULL);
}

void meta_check(struct client *client, int partitions_wanted, meta_done_fn done, void *arg)
{
    meta_ask(asking_new(client, partitions_wanted, done, arg));
}

void meta_take_over(struct client *client, int partitions_wanted, meta_done_fn done, void *arg)
{
    struct asking *asking = asking_new(client, partitions_wanted, done, arg);

    asking->takes_over = true;
    meta_ask(asking);
}

static void meta_init_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct asking *asking = arg;

    if (err)
        asking_fail(asking, err, reply);
    else
        meta_take(asking, reply_at(reply, 1), reply_at(reply, 2));
}

void meta_init(struct client *client, int partitions, meta_done_fn done, void *arg)
{
    struct lua_meta_init_keys keys = { slice_of(META_KEY) };
    char format[SLICE_I64_MAX], count[SLICE_I64_MAX];
    struct lua_meta_init_args args = { slice_i64(format, META_FORMAT), slice_i64(count, partitions) };

    assert(partitions >= 1 && partitions <= PARTITIONS_MAX);
    lua_meta_init(client, &keys, &args, ASK_MS, meta_init_done, asking_new(client, partitions, done, arg));
}

/* ---- durability ---- */

static bool option_is(const struct asking *asking, enum option option, const char *value)
{
    return strcmp(asking->values[option], value) == 0;
}

static enum sl_err durability_judge(struct asking *asking)
{
    bool on = option_is(asking, OPT_APPENDONLY, "yes"), always = option_is(asking, OPT_APPENDFSYNC, "always");
    const char *hint = "";
    char *message = asking->message;
    size_t size = sizeof(asking->message);

    if (asking->values[OPT_EVICTION][0] && !option_is(asking, OPT_EVICTION, "noeviction")) {
        snprintf(message, size,
                 "Redis may evict keys (maxmemory-policy %s), and payments with them: "
                 "CONFIG SET maxmemory-policy noeviction, and the same in redis.conf",
                 asking->values[OPT_EVICTION]);
        return SL_EREFUSED;
    }
    if (!asking->values[OPT_APPENDONLY][0] || !asking->values[OPT_APPENDFSYNC][0]) {
        if (asking->strict)
            hint = ", then start with --durability relaxed";
        snprintf(message, size,
                 "Redis does not tell how durable it is (CONFIG is forbidden): check appendonly, appendfsync and "
                 "maxmemory-policy with whoever runs it%s", hint);
    } else if (!on || !always) {
        if (asking->strict)
            hint = ": CONFIG SET appendonly yes, CONFIG SET appendfsync always, and the same in redis.conf; or accept "
                   "the loss with --durability relaxed";
        snprintf(message, size,
                 "Redis answers before its data is safe (appendonly %s, appendfsync %s): a crash of its host can lose "
                 "%s%s",
                 asking->values[OPT_APPENDONLY], asking->values[OPT_APPENDFSYNC],
                 on ? "the last seconds" : "everything since its last snapshot", hint);
    } else if (option_is(asking, OPT_NO_FSYNC_ON_REWRITE, "yes")) {
        if (asking->strict)
            hint = ": CONFIG SET no-appendfsync-on-rewrite no, and the same in redis.conf; or accept the loss with "
                   "--durability relaxed";
        snprintf(message, size,
                 "Redis does not make its data safe while it rewrites its append only file "
                 "(no-appendfsync-on-rewrite yes)%s", hint);
    } else if (!option_is(asking, OPT_LOAD_TRUNCATED, "no")) {
        if (asking->strict)
            hint = ": CONFIG SET aof-load-truncated no, then BGREWRITEAOF, and the same in redis.conf (a Redis that then "
                   "refuses to start wants redis-check-aof --fix); or accept the loss with --durability relaxed";
        snprintf(message, size,
                 "Redis starts on half a transaction after a power cut, and runs it at the start after (aof-load-truncated "
                 "%s): acknowledged payments change%s",
                 asking->values[OPT_LOAD_TRUNCATED][0] ? asking->values[OPT_LOAD_TRUNCATED] : "not told", hint);
    } else {
        return SL_OK;
    }
    return asking->strict ? SL_EREFUSED : SL_OK;
}

static void option_ask(struct asking *asking);

static void option_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct asking *asking = arg;
    const char *value = err ? NULL : reply_text(reply_at(reply, 1), NULL);

    if (err && err != SL_EREFUSED && !reply_is_error(reply, "NOPERM")) { /* else CONFIG is forbidden: an answer too */
        asking_fail(asking, err, reply);
        return;
    }
    snprintf(asking->values[asking->option], sizeof(asking->values[0]), "%s", value ? value : "");
    asking->option++;
    if (asking->option < OPTION_COUNT)
        option_ask(asking);
    else
        asking_end(asking, durability_judge(asking), 0);
}

static void option_ask(struct asking *asking)
{
    client_words_held(asking->client, ASK_MS, option_done, asking, "CONFIG", "GET", option_names[asking->option], NULL);
}

void meta_check_durability(struct client *client, bool strict, meta_done_fn done, void *arg)
{
    struct asking *asking = asking_new(client, 0, done, arg);

    asking->strict = strict;
    option_ask(asking);
}

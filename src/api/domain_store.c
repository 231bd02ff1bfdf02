#include "api/domain_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/log.h"
#include "base/xmalloc.h"
#include "lua/domain_put.h"

#define KEY_HEAD "sluice:{domain}:head"
#define KEY_MAX 64
#define WATCH_MS 1000
#define ASK_MS 5000
#define REVISIONS_MAX 32     /* in memory; more only while they are used */
#define KEEP_US 3600000000LL /* what was used within the last hour stays: machines in work point into it */

struct revision {
    UT_hash_handle hh;
    int64_t number;
    int64_t used_us; /* monotonic */
    struct domain *domain;
    char *text;
    size_t len;
};

struct domain_store {
    struct client *client;
    const struct alarm_ops *alarm;
    void *alarm_ctx;
    struct revision *revisions;
    const struct revision *head;
};

/* ---- memory ---- */

static struct revision *revision_find(const struct domain_store *store, int64_t number)
{
    struct revision *revision;

    HASH_FIND(hh, store->revisions, &number, sizeof(number), revision);
    return revision;
}

static struct revision *revision_use(const struct domain_store *store, int64_t number)
{
    struct revision *revision = revision_find(store, number);

    if (revision)
        revision->used_us = store->alarm->mono_us(store->alarm_ctx);
    return revision;
}

static void revision_free(struct domain_store *store, struct revision *revision)
{
    HASH_DEL(store->revisions, revision);
    domain_free(revision->domain);
    free(revision->text);
    free(revision);
}

/* Forgets those that were used longest ago; whoever needs one of them again reads it again. */
static void revisions_trim(struct domain_store *store)
{
    int64_t now_us = store->alarm->mono_us(store->alarm_ctx);

    while (HASH_COUNT(store->revisions) > REVISIONS_MAX) {
        struct revision *revision, *next, *oldest = NULL;

        HASH_ITER(hh, store->revisions, revision, next) {
            if (revision != store->head && (!oldest || revision->used_us < oldest->used_us))
                oldest = revision;
        }
        if (now_us - oldest->used_us < KEEP_US)
            return;
        revision_free(store, oldest);
    }
}

/* Parses and keeps a document that was committed. */
static enum sl_err revision_keep(struct domain_store *store, int64_t number, const char *text, size_t len)
{
    struct arena *arena = arena_new();
    struct type_errors errors = { 0 };
    struct revision *revision;
    struct domain *domain;
    enum sl_err err = SL_OK;

    if (revision_find(store, number))
        goto out;
    err = domain_parse(text, len, arena, &domain, &errors);
    if (err) {
        log_error("configuration revision %" PRId64 " cannot be read: %s %s", number, errors.list[0].path,
                  errors.list[0].message);
        err = SL_ECORRUPT;
        goto out;
    }
    domain_set_revision(domain, number);
    revision = xcalloc(1, sizeof(*revision));
    revision->number = number;
    revision->domain = domain;
    revision->text = xstrndup(text, len);
    revision->len = len;
    revision->used_us = store->alarm->mono_us(store->alarm_ctx);
    HASH_ADD(hh, store->revisions, number, sizeof(revision->number), revision);
out:
    arena_free(arena);
    return err;
}

static void head_set(struct domain_store *store, int64_t number)
{
    const struct revision *revision = revision_find(store, number);

    if (!revision || (store->head && store->head->number >= number))
        return;
    store->head = revision;
    log_info("configuration revision %" PRId64 " is in use (%zu objects)", number,
             domain_object_count(revision->domain));
}

const struct domain *domain_store_get(const struct domain_store *store, int64_t revision, const char **text, size_t *len)
{
    const struct revision *found = revision ? revision_use(store, revision) : store->head;

    if (!found)
        return NULL;
    *text = found->text;
    *len = found->len;
    return found->domain;
}

/* ---- reading ---- */

struct fetching {
    struct domain_store *store;
    int64_t number;
    int64_t then; /* is read behind it; 0: none */
    bool is_head;
    config_done_fn done; /* NULL: the watch */
    void *done_arg;
};

static void fetch_end(struct fetching *fetching, enum sl_err err)
{
    if (fetching->done)
        fetching->done(fetching->done_arg, err);
    free(fetching);
}

static void document_fetch(struct fetching *fetching);

static void document_read(void *arg, enum sl_err err, const struct reply *reply)
{
    struct fetching *fetching = arg;
    const char *text;
    size_t len;

    if (!err) {
        text = reply_text(reply, &len);
        err = text ? revision_keep(fetching->store, fetching->number, text, len) : SL_ENOENT;
    }
    if (!err && fetching->is_head)
        head_set(fetching->store, fetching->number);
    if (!err && fetching->then) {
        fetching->number = fetching->then;
        fetching->then = 0;
        fetching->is_head = false;
        document_fetch(fetching);
        return;
    }
    fetch_end(fetching, err == SL_ENOENT && fetching->then ? SL_ECORRUPT : err); /* it is not THEN that is missing */
}

static void document_fetch(struct fetching *fetching)
{
    char key[KEY_MAX];

    snprintf(key, sizeof(key), "sluice:{domain}:%" PRId64, fetching->number);
    client_words(fetching->store->client, ASK_MS, document_read, fetching, "GET", key, NULL);
}

static void domain_watch(void *arg);

static void head_read(void *arg, enum sl_err err, const struct reply *reply)
{
    struct domain_store *store = arg;
    int64_t number = err ? 0 : reply_i64_or(reply, 0);
    struct fetching *fetching;

    if (number > 0 && (!store->head || store->head->number < number)) {
        head_set(store, number);
        if (!revision_find(store, number)) {
            fetching = xcalloc(1, sizeof(*fetching));
            fetching->store = store;
            fetching->number = number;
            fetching->is_head = true;
            document_fetch(fetching);
        }
    }
    store->alarm->after(store->alarm_ctx, WATCH_MS, domain_watch, store);
}

static void domain_watch(void *arg)
{
    struct domain_store *store = arg;

    revisions_trim(store);
    client_words(store->client, ASK_MS, head_read, store, "GET", KEY_HEAD, NULL);
}

struct domain_store *domain_store_new(struct client *client, const struct alarm_ops *alarm, void *alarm_ctx)
{
    struct domain_store *store = xcalloc(1, sizeof(*store));

    store->client = client;
    store->alarm = alarm;
    store->alarm_ctx = alarm_ctx;
    domain_watch(store);
    return store;
}

void domain_store_free(struct domain_store *store)
{
    struct revision *revision, *next;

    if (!store)
        return;
    HASH_ITER(hh, store->revisions, revision, next)
        revision_free(store, revision);
    free(store);
}

/* ---- for the runtime ---- */

static const void *config_head(void *ctx)
{
    const struct domain_store *store = ctx;

    return store->head ? store->head->domain : NULL;
}

static const void *config_get(void *ctx, int64_t revision)
{
    const struct revision *found = revision_use(ctx, revision);

    return found ? found->domain : NULL;
}

/* The newest first, then what was asked for. */
static void newest_read(void *arg, enum sl_err err, const struct reply *reply)
{
    struct fetching *fetching = arg;
    int64_t number = err ? 0 : reply_i64_or(reply, 0), wanted = fetching->number;

    if (err || number <= 0) {
        fetch_end(fetching, err ? err : wanted ? SL_ECORRUPT : SL_ENOENT);
        return;
    }
    fetching->number = number;
    fetching->then = wanted == number ? 0 : wanted;
    fetching->is_head = true;
    document_fetch(fetching);
}

static void config_fetch(void *ctx, int64_t revision, config_done_fn done, void *done_arg)
{
    struct domain_store *store = ctx;
    struct fetching *fetching = xcalloc(1, sizeof(*fetching));

    fetching->store = store;
    fetching->number = revision;
    fetching->done = done;
    fetching->done_arg = done_arg;
    if (revision && store->head)
        document_fetch(fetching);
    else
        client_words(store->client, ASK_MS, newest_read, fetching, "GET", KEY_HEAD, NULL);
}

const struct config_ops domain_store_ops = { config_head, config_get, config_fetch };

/* ---- committing ---- */

struct putting {
    struct domain_store *store;
    char *text;
    size_t len;
    int64_t expect_head;
    domain_put_fn done;
    void *arg;
    struct arena *arena;
    struct domain *domain; /* what TEXT says; NULL: it has faults */
    struct type_errors errors;
    struct lint_findings findings;
    struct domain_put_result result;
};

static void put_end(void *arg)
{
    struct putting *putting = arg;

    putting->result.errors = &putting->errors;
    putting->result.findings = &putting->findings;
    putting->done(putting->arg, &putting->result);
    domain_free(putting->domain);
    arena_free(putting->arena);
    free(putting->text);
    free(putting);
}

static void put_fail(struct putting *putting, enum sl_err err)
{
    putting->result.err = err;
    put_end(putting);
}

static void put_written(void *arg, enum sl_err err, const struct reply *reply)
{
    struct putting *putting = arg;
    struct domain_put_result *result = &putting->result;

    result->err = err == SL_EREFUSED ? SL_ECORRUPT : err;
    if (!err && reply_i64_or(reply_at(reply, 0), -1) == LUA_DOMAIN_PUT_CONFLICT) {
        result->err = SL_ECONFLICT;
        result->revision = reply_i64_or(reply_at(reply, 1), 0);
    } else if (!err) {
        result->err = revision_keep(putting->store, result->revision, putting->text, putting->len);
        head_set(putting->store, result->revision);
    }
    put_end(putting);
}

static void put_write(struct putting *putting, int64_t head)
{
    char key[KEY_MAX], expect[SLICE_I64_MAX], number[SLICE_I64_MAX];
    struct lua_domain_put_keys keys;
    struct lua_domain_put_args args;

    putting->result.revision = head + 1;
    snprintf(key, sizeof(key), "sluice:{domain}:%" PRId64, putting->result.revision);
    keys = (struct lua_domain_put_keys){ slice_of(KEY_HEAD), slice_of(key) };
    args = (struct lua_domain_put_args){
        slice_i64(expect, head), slice_i64(number, putting->result.revision), { putting->text, putting->len },
    };
    lua_domain_put(putting->store->client, &keys, &args, ASK_MS, put_written, putting);
}

/* Whether the document says what revision HEAD says, however it is written. */
static bool is_same(const struct putting *putting, const struct revision *head)
{
    json_t *ours = json_loadb(putting->text, putting->len, 0, NULL), *theirs = json_loadb(head->text, head->len, 0, NULL);
    bool same = ours && theirs && json_equal(ours, theirs);

    json_decref(ours);
    json_decref(theirs);
    return same;
}

/* The head's document is in memory, if there is one and it can be read. */
static void put_compare(void *arg, enum sl_err err)
{
    struct putting *putting = arg;
    const struct revision *head = revision_find(putting->store, putting->result.revision);

    if (err && err != SL_ECORRUPT && err != SL_ENOENT) {
        put_fail(putting, err);
    } else if (head && is_same(putting, head)) {
        putting->result.unchanged = true; /* also when the caller knows an older head: it may have asked before */
        put_end(putting);
    } else if (putting->expect_head >= 0 && putting->expect_head != putting->result.revision) {
        put_fail(putting, SL_ECONFLICT);
    } else if (!domain_succeeds(putting->domain, head ? head->domain : NULL, putting->result.revision + 1, putting->arena,
                                &putting->errors)) {
        put_fail(putting, SL_EINVAL);
    } else {
        put_write(putting, putting->result.revision);
    }
}

static void put_head_read(void *arg, enum sl_err err, const struct reply *reply)
{
    struct putting *putting = arg;
    int64_t head = err ? 0 : reply_i64_or(reply, 0);

    putting->result.revision = head;
    if (err)
        put_fail(putting, err);
    else if (head > 0 && !revision_find(putting->store, head))
        config_fetch(putting->store, head, put_compare, putting);
    else
        put_compare(putting, SL_OK);
}

void domain_store_put(struct domain_store *store, const struct domain_put *put, domain_put_fn done, void *arg)
{
    struct putting *putting = xcalloc(1, sizeof(*putting));

    putting->store = store;
    putting->text = xstrndup(put->text, put->len);
    putting->len = put->len;
    putting->expect_head = put->expect_head;
    putting->done = done;
    putting->arg = arg;
    putting->arena = arena_new();
    putting->result.err = domain_parse_new(put->text, put->len, putting->arena, &putting->domain, &putting->errors);
    if (!putting->result.err)
        domain_lint(putting->domain, putting->arena, &putting->findings);
    if (putting->findings.errors && !put->force)
        putting->result.err = SL_EINVAL;
    if (putting->result.err)
        store->alarm->after(store->alarm_ctx, 0, put_end, putting);
    else
        client_words(store->client, ASK_MS, put_head_read, putting, "GET", KEY_HEAD, NULL);
}

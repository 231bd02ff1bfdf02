/* Store calls as scripts: build keys and arguments, send, turn the answer into plain values. */
#include "engine/redis_store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "lua/bind.h"
#include "lua/claim.h"
#include "lua/commit.h"
#include "lua/events.h"
#include "lua/extend.h"
#include "lua/fail.h"
#include "lua/heartbeat.h"
#include "lua/load.h"
#include "lua/park.h"
#include "redis/seen.h"

#define HEARTBEAT_MS 1000 /* deadline of a heartbeat: the next one is due by then */

/* Who asked. One allocation per call, freed after its callback. */
struct asked {
    union {
        store_loaded_fn loaded;
        store_committed_fn committed;
        store_err_fn err;
        store_tag_fn tag;
        store_once_fn once;
        store_events_fn events;
        store_claimed_fn claimed;
        store_alive_fn alive;
    } done;
    void *arg;
    const struct redis_store *store;
    const struct machine_kind *kind; /* of the texts that come back */
    int p;        /* of a commit, for what was seen */
    char *member;
};

static struct asked *asked_new(void *arg)
{
    struct asked *asked = xcalloc(1, sizeof(*asked));

    asked->arg = arg;
    return asked;
}

/* SL_EREFUSED is how the client names an error of Redis: here it means data of a wrong kind. */
static enum sl_err store_error(enum sl_err err)
{
    return err == SL_EREFUSED ? SL_ECORRUPT : err == SL_EBUSY ? SL_EDOWN : err;
}

static const char *store_detail(enum sl_err err, const struct reply *reply)
{
    const char *text = reply_kind(reply) == REPLY_ERROR ? reply_text(reply, NULL) : NULL;

    if (!err)
        return NULL;
    if (text)
        return text;
    return err == SL_EUNKNOWN ? "Redis did not answer" : "Redis cannot be reached";
}

/* ---- texts ---- */

/* TEXT as it is to be stored. */
static struct slice text_pack(const struct redis_store *store, const struct machine_kind *kind, struct slice text,
                              struct arena *arena)
{
    return store->packs && text.len > 0 ? packer_pack(store->packer, kind, text, arena) : text;
}

/* Makes what was stored readable; in ARENA, unless it is already. */
static bool text_unpack(const struct asked *asked, const char **text, size_t *len, struct arena *arena)
{
    struct slice stored = { *text, *len };

    if (!*text || !pack_is_packed(stored))
        return true;
    if (!asked->store->packer || packer_unpack(asked->store->packer, asked->kind, stored, arena, &stored))
        return false;
    *text = stored.data;
    *len = stored.len;
    return true;
}

/* ---- events ---- */

/* { number-0, { field, value, ... } } */
static bool event_take(const struct reply *entry, struct stored_event *out)
{
    const struct reply *fields = reply_at(entry, 1);
    const char *id = reply_text(reply_at(entry, 0), NULL), *name;
    size_t i;

    memset(out, 0, sizeof(*out));
    if (!id)
        return false;
    out->number = strtoll(id, NULL, 10);
    for (i = 0; i + 1 < reply_count(fields); i += 2) {
        name = reply_text(reply_at(fields, i), NULL);
        if (!name)
            return false;
        if (strcmp(name, "at") == 0)
            out->at_ms = reply_i64_or(reply_at(fields, i + 1), 0);
        else if (strcmp(name, "changes") == 0)
            out->changes = reply_text(reply_at(fields, i + 1), &out->changes_len);
    }
    return out->number > 0 && out->at_ms > 0 && out->changes;
}

/* A list of entries, in ARENA; NULL in *WHY unless one cannot be read. */
static struct stored_event *events_take(const struct asked *asked, const struct reply *entries, struct arena *arena,
                                        size_t *count, const char **why)
{
    struct stored_event *events = arena_array(arena, reply_count(entries), sizeof(*events));
    size_t i;

    *why = NULL;
    *count = reply_count(entries);
    for (i = 0; i < *count; i++) {
        if (!event_take(reply_at(entries, i), &events[i]))
            *why = "an entry of the events stream is not an event";
        else if (!text_unpack(asked, &events[i].changes, &events[i].changes_len, arena))
            *why = "an event was packed in a way that is not known here";
    }
    return events;
}

/* ---- load ---- */

static void info_take(const struct reply *reply, struct store_loaded *out)
{
    const struct reply *fields = reply_at(reply, 4);
    struct machine_info *info = &out->info;

    out->now_ms = reply_i64_or(reply_at(reply, 1), 0);
    info->version = reply_i64_or(reply_at(reply, 2), 0);
    info->score_ms = reply_i64_or(reply_at(reply, 3), 0);
    info->status = reply_text(reply_at(fields, 0), NULL);
    info->due_ms = reply_i64_or(reply_at(fields, 1), 0);
    info->quiet = reply_i64_or(reply_at(fields, 2), 0);
    info->activity = reply_text(reply_at(fields, 3), NULL);
    info->attempts = (int)reply_i64_or(reply_at(fields, 4), 0);
    info->since_ms = reply_i64_or(reply_at(fields, 5), 0);
    info->reason = reply_text(reply_at(fields, 6), NULL);
    info->cause = reply_text(reply_at(fields, 9), NULL);
    info->asked = reply_text(reply_at(fields, 10), NULL);
    out->snapshot_version = reply_i64_or(reply_at(fields, 7), 0);
    out->snapshot = reply_text(reply_at(fields, 8), &out->snapshot_len);
    if (!info->status)
        info->status = "working";
    if (!info->activity)
        info->activity = "";
}

static void load_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct asked *asked = arg;
    struct store_loaded loaded = { .err = store_error(err), .detail = store_detail(err, reply) };
    struct arena *arena = arena_new();
    const char *why;

    if (!err) {
        info_take(reply, &loaded);
        loaded.events = events_take(asked, reply_at(reply, 5), arena, &loaded.event_count, &why);
        (void)text_unpack(asked, &loaded.snapshot, &loaded.snapshot_len, arena); /* else it cannot be folded, and is left out */
        if (why) {
            loaded.err = SL_ECORRUPT;
            loaded.detail = why;
        }
    }
    asked->done.loaded(asked->arg, &loaded);
    arena_free(arena);
    free(asked);
}

static void redis_load(void *ctx, const struct machine_kind *kind, const char *id, int64_t at_version,
                       store_loaded_fn done, void *arg)
{
    struct redis_store *store = ctx;
    struct asked *asked = asked_new(arg);
    char at[SLICE_I64_MAX];
    struct machine_keys names;
    struct lua_load_keys keys;
    struct lua_load_args args;

    space_machine(store->space, kind->name, id, &names);
    keys = (struct lua_load_keys){ slice_of(names.machine), slice_of(names.events), space_wheel(store->space, names.p) };
    args = (struct lua_load_args){ slice_of(names.member), slice_i64(at, at_version) };
    asked->done.loaded = done;
    asked->store = store;
    asked->kind = kind;
    lua_load(store->client, &keys, &args, store->deadline_ms, load_done, asked);
}

/* ---- commit ---- */

static void commit_done(void *arg, enum sl_err err, const struct reply *reply)
{
    static const enum sl_err codes[] = {
        [LUA_COMMIT_DONE] = SL_OK,         [LUA_COMMIT_CONFLICT] = SL_ECONFLICT, [LUA_COMMIT_EXISTS] = SL_EEXIST,
        [LUA_COMMIT_FAILED] = SL_EFAILED,  [LUA_COMMIT_RANGE] = SL_ECORRUPT,     [LUA_COMMIT_NOT_FAILED] = SL_EREFUSED,
        [LUA_COMMIT_MISSING] = SL_ENOENT,  [LUA_COMMIT_CURRENCY] = SL_ECORRUPT,
    };
    static const char *const details[] = {
        [LUA_COMMIT_FAILED] = "the machine has failed and waits for a repair",
        [LUA_COMMIT_RANGE] = "a balance would leave the range of 17 digits",
        [LUA_COMMIT_NOT_FAILED] = "the machine works; there is nothing to repair",
        [LUA_COMMIT_MISSING] = "there is no such machine",
        [LUA_COMMIT_CURRENCY] = "an account would be posted to in another currency than its own",
    };
    struct asked *asked = arg;
    struct store_committed committed = { .err = store_error(err), .detail = store_detail(err, reply) };
    int64_t code;

    if (!err) {
        code = reply_i64_or(reply_at(reply, 0), -1);
        assert(code >= 0 && code < (int64_t)SL_COUNT(codes));
        committed.err = codes[code];
        committed.detail = details[code];
        committed.version = reply_i64_or(reply_at(reply, 1), 0);
        committed.token_ms = reply_i64_or(reply_at(reply, 2), 0);
        committed.now_ms = reply_i64_or(reply_at(reply, 3), 0);
        if (asked->member && reply_text(reply_at(reply, 4), NULL))
            seen_commit(asked->store->seen, asked->p, reply_text(reply_at(reply, 4), NULL), asked->member, committed.version);
    }
    asked->done.committed(asked->arg, &committed);
    free(asked->member);
    free(asked);
}

static struct slice commit_due(const struct commit *commit, char text[SLICE_I64_MAX])
{
    switch (commit->due) {
    case DUE_KEEP: return slice_of("keep");
    case DUE_UNSET: return slice_of("none");
    case DUE_SET: break;
    }
    return slice_i64(text, commit->due_ms);
}

static struct slice commit_snapshot(const struct redis_store *store, const struct commit *commit, struct arena *arena)
{
    if (commit->drop_snapshot)
        return slice_of("-");
    if (!commit->snapshot)
        return slice_of("");
    return text_pack(store, commit->kind, (struct slice){ commit->snapshot, commit->snapshot_len }, arena);
}

static const char *commit_asked(const struct commit *commit)
{
    switch (commit->asked) {
    case ASKED_NONE: return "";
    case ASKED_KEEP: return "=";
    case ASKED_END: return "-";
    case ASKED_SET: break;
    }
    return commit->asked_text;
}

/* Rows of zero are left out: nothing moves. */
static size_t commit_tallies(const struct commit *commit, struct slice *out, char (*texts)[SLICE_I64_MAX])
{
    size_t i, count = 0;

    for (i = 0; i < commit->tally_count; i++) {
        if (commit->tallies[i].delta == 0)
            continue;
        out[count++] = slice_of(commit->tallies[i].field);
        out[count++] = slice_i64(texts[i], commit->tallies[i].delta);
    }
    return count;
}

/* "3001 RUB 1001 RUB": each account that is posted to, once, with its currency. */
static struct slice commit_currencies(const struct commit *commit, struct arena *arena)
{
    struct buf text = BUF_EMPTY;
    const char *last = NULL;
    struct slice out;
    size_t i, len;

    buf_str(&text, "");
    for (i = 0; i < commit->tally_count; i++) {
        const struct tally *tally = &commit->tallies[i];

        len = strcspn(tally->field, ":");
        if (!tally->delta || !tally->currency || (last && strncmp(last, tally->field, len + 1) == 0))
            continue; /* balances of one account stand together; twice would do no harm */
        last = tally->field;
        buf_printf(&text, "%s%.*s %s", text.len ? " " : "", (int)len, tally->field, tally->currency);
    }
    out = (struct slice){ arena_strndup(arena, buf_text(&text), text.len), text.len };
    buf_clear(&text);
    return out;
}

static void redis_commit(void *ctx, const struct commit *commit, store_committed_fn done, void *arg)
{
    struct redis_store *store = ctx;
    struct asked *asked = asked_new(arg);
    char version[SLICE_I64_MAX], token[SLICE_I64_MAX], due[SLICE_I64_MAX], lease[SLICE_I64_MAX], mode[4];
    char once[SPACE_KEY_MAX] = "";
    struct arena *arena = arena_new();
    struct slice *tallies = arena_array(arena, commit->tally_count * 2, sizeof(*tallies));
    char (*texts)[SLICE_I64_MAX] = arena_array(arena, commit->tally_count, sizeof(*texts));
    struct slice changes = { commit->changes ? commit->changes : "", commit->changes ? commit->changes_len : 0 };
    struct machine_keys names;
    struct lua_commit_keys keys;
    struct lua_commit_args args;

    space_machine(store->space, commit->kind->name, commit->id, &names);
    snprintf(mode, sizeof(mode), "%s%s%s", commit->claims_only ? "c" : "", commit->repaired ? "r" : "",
             commit->remove ? "x" : "");
    if (commit->once_key)
        space_once_key(store->space, commit->kind->name, commit->id, commit->once_key, once);
    keys = (struct lua_commit_keys){
        .machine = slice_of(names.machine), .events = slice_of(names.events),
        .wheel = space_wheel(store->space, names.p), .accounts = space_accounts(store->space, names.p),
        .feed = space_feed(store->space, names.p), .failed = space_failed(store->space, names.p),
        .retrying = space_retrying(store->space, names.p),
        .once = slice_of(*once ? once : names.machine), /* any key of the partition that is not looked at */
    };
    args = (struct lua_commit_args){
        .id = slice_of(names.member), .commit_id = slice_of(commit->commit_id),
        .expect_version = slice_i64(version, commit->expect_version),
        .expect_token = slice_i64(token, commit->expect_token_ms),
        .changes = text_pack(store, commit->kind, changes, arena),
        .due = commit_due(commit, due), .lease = slice_i64(lease, commit->lease_ms),
        .activity = slice_of(commit->activity), .outcome = slice_of(commit->status),
        .snapshot = commit_snapshot(store, commit, arena), .mode = slice_of(mode),
        .once = slice_of(commit->once_key ? commit->once_value : ""), .asked = slice_of(commit_asked(commit)),
        .currencies = commit_currencies(commit, arena),
        .tallies = tallies, .tallies_count = commit_tallies(commit, tallies, texts),
    };
    asked->done.committed = done;
    asked->store = store;
    if (store->seen && changes.len > 0) {
        asked->p = names.p;
        asked->member = xstrdup(names.member);
    }
    lua_commit(store->client, &keys, &args, store->deadline_ms, commit_done, asked);
    arena_free(arena);
}

/* ---- fail, extend ---- */

static void err_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct asked *asked = arg;

    if (!err && reply_i64_or(reply_at(reply, 0), -1) != 0)
        err = SL_ECONFLICT;
    asked->done.err(asked->arg, store_error(err), reply_i64_or(reply_at(reply, 1), 0),
                    reply_i64_or(reply_at(reply, 2), 0));
    free(asked);
}

static void redis_fail(void *ctx, const struct step_failure *failure, store_err_fn done, void *arg)
{
    struct redis_store *store = ctx;
    struct asked *asked = asked_new(arg);
    char version[SLICE_I64_MAX], token[SLICE_I64_MAX], retry[SLICE_I64_MAX], attempts[SLICE_I64_MAX];
    struct machine_keys names;
    struct lua_fail_keys keys;
    struct lua_fail_args args;

    space_machine(store->space, failure->kind->name, failure->id, &names);
    keys = (struct lua_fail_keys){
        slice_of(names.machine), slice_of(names.events), space_wheel(store->space, names.p),
        space_failed(store->space, names.p), space_retrying(store->space, names.p),
    };
    args = (struct lua_fail_args){
        .id = slice_of(names.member), .expect_version = slice_i64(version, failure->expect_version),
        .expect_token = slice_i64(token, failure->expect_token_ms), .reason = slice_of(failure->reason),
        .retry = slice_i64(retry, failure->retry_ms), .attempts = slice_i64(attempts, failure->attempts),
        .cause = slice_of(step_cause_name(failure->cause)), .asked = slice_of(failure->asked_ends ? "-" : ""),
    };
    asked->done.err = done;
    lua_fail(store->client, &keys, &args, store->deadline_ms, err_done, asked);
}

static void redis_park(void *ctx, const struct machine_kind *kind, const char *id, int64_t token_ms, const char *reason,
                       store_err_fn done, void *arg)
{
    struct redis_store *store = ctx;
    struct asked *asked = asked_new(arg);
    char token[SLICE_I64_MAX];
    struct machine_keys names;
    struct lua_park_keys keys;
    struct lua_park_args args;

    space_machine(store->space, kind->name, id, &names);
    keys = (struct lua_park_keys){
        slice_of(names.machine), space_wheel(store->space, names.p), space_failed(store->space, names.p),
        space_retrying(store->space, names.p),
    };
    args = (struct lua_park_args){ slice_of(names.member), slice_i64(token, token_ms), slice_of(reason) };
    asked->done.err = done;
    lua_park(store->client, &keys, &args, store->deadline_ms, err_done, asked);
}

static void redis_extend(void *ctx, const struct machine_kind *kind, const char *id, int64_t token_ms, int64_t lease_ms,
                         store_err_fn done, void *arg)
{
    struct redis_store *store = ctx;
    struct asked *asked = asked_new(arg);
    char token[SLICE_I64_MAX], lease[SLICE_I64_MAX];
    struct machine_keys names;
    struct lua_extend_keys keys;
    struct lua_extend_args args;

    space_machine(store->space, kind->name, id, &names);
    keys = (struct lua_extend_keys){ space_wheel(store->space, names.p) };
    args = (struct lua_extend_args){ slice_of(names.member), slice_i64(token, token_ms), slice_i64(lease, lease_ms) };
    asked->done.err = done;
    lua_extend(store->client, &keys, &args, store->deadline_ms, err_done, asked);
}

/* ---- idempotency keys ---- */

static void once_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct asked *asked = arg;

    asked->done.once(asked->arg, store_error(err), err ? NULL : reply_text(reply, NULL));
    free(asked);
}

static void redis_once(void *ctx, const struct machine_kind *kind, const char *id, const char *key, store_once_fn done,
                       void *arg)
{
    struct redis_store *store = ctx;
    struct asked *asked = asked_new(arg);
    char name[SPACE_KEY_MAX];

    space_once_key(store->space, kind->name, id, key, name);
    asked->done.once = done;
    client_words(store->client, store->deadline_ms, once_done, asked, "GET", name, NULL);
}

/* ---- tags ---- */

static void tag_answer(struct asked *asked, enum sl_err err, const char *member)
{
    char kind[SPACE_KIND_MAX];
    const char *id = member ? space_split(member, kind) : NULL;

    asked->done.tag(asked->arg, store_error(err), id);
    free(asked);
}

static void bind_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct asked *asked = arg;

    if (err) {
        tag_answer(asked, err, NULL);
        return;
    }
    if (reply_i64_or(reply_at(reply, 0), -1) != LUA_BIND_DONE) {
        asked->done.tag(asked->arg, SL_EREFUSED, NULL);
        free(asked);
        return;
    }
    tag_answer(asked, SL_OK, reply_text(reply_at(reply, 1), NULL));
}

static void redis_bind(void *ctx, const char *tag, const struct machine_kind *kind, const char *id, store_tag_fn done,
                       void *arg)
{
    struct redis_store *store = ctx;
    struct asked *asked = asked_new(arg);
    char key[TAG_KEY_MAX];
    struct machine_keys names;
    struct lua_bind_keys keys;
    struct lua_bind_args args;

    space_tag_key(store->space, tag, key);
    space_machine(store->space, kind->name, id, &names);
    keys = (struct lua_bind_keys){ slice_of(key) };
    args = (struct lua_bind_args){ slice_of(names.member) };
    asked->done.tag = done;
    lua_bind(store->client, &keys, &args, store->deadline_ms, bind_done, asked);
}

static void resolve_done(void *arg, enum sl_err err, const struct reply *reply)
{
    if (!err && reply_kind(reply) != REPLY_STRING)
        err = SL_ENOENT;
    tag_answer(arg, err, err ? NULL : reply_text(reply, NULL));
}

static void redis_resolve(void *ctx, const char *tag, store_tag_fn done, void *arg)
{
    struct redis_store *store = ctx;
    struct asked *asked = asked_new(arg);
    char key[TAG_KEY_MAX];

    space_tag_key(store->space, tag, key);
    asked->done.tag = done;
    client_words(store->client, store->deadline_ms, resolve_done, asked, "GET", key, NULL);
}

/* ---- events ---- */

static void events_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct asked *asked = arg;
    struct store_events found = { .err = store_error(err) };
    struct arena *arena = arena_new();
    const char *why;

    if (!err) {
        found.version = reply_i64_or(reply_at(reply, 2), 0);
        found.events = events_take(asked, reply_at(reply, 3), arena, &found.count, &why);
        if (why)
            found.err = SL_ECORRUPT;
    }
    asked->done.events(asked->arg, &found);
    arena_free(arena);
    free(asked);
}

static void redis_events(void *ctx, const struct machine_kind *kind, const char *id, int64_t after, size_t limit,
                         store_events_fn done, void *arg)
{
    struct redis_store *store = ctx;
    struct asked *asked = asked_new(arg);
    char from[SLICE_I64_MAX], count[SLICE_I64_MAX];
    struct machine_keys names;
    struct lua_events_keys keys;
    struct lua_events_args args;

    space_machine(store->space, kind->name, id, &names);
    keys = (struct lua_events_keys){ slice_of(names.events) };
    args = (struct lua_events_args){ slice_i64(from, after), slice_i64(count, (int64_t)limit) };
    asked->done.events = done;
    asked->store = store;
    asked->kind = kind;
    lua_events(store->client, &keys, &args, store->deadline_ms, events_done, asked);
}

/* ---- the wheel ---- */

static void claim_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct asked *asked = arg;
    struct store_claimed claimed = { .err = store_error(err) };
    struct store_due *due = NULL;
    size_t i;

    if (!err) {
        claimed.now_ms = reply_i64_or(reply_at(reply, 1), 0);
        claimed.next_ms = reply_i64_or(reply_at(reply, 2), 0);
        claimed.token_ms = reply_i64_or(reply_at(reply, 3), 0);
        due = xcalloc(reply_count(reply) / 2 + 1, sizeof(*due));
        for (i = 4; i + 1 < reply_count(reply); i += 2) {
            const char *member = reply_text(reply_at(reply, i), NULL);

            due[claimed.count++] = (struct store_due){
                member ? member : "?", reply_i64_or(reply_at(reply, i + 1), claimed.now_ms),
            };
        }
        claimed.due = due;
    }
    asked->done.claimed(asked->arg, &claimed);
    free(due);
    free(asked);
}

static void redis_claim(void *ctx, int partition, size_t limit, int64_t lease_ms, store_claimed_fn done, void *arg)
{
    struct redis_store *store = ctx;
    struct asked *asked = asked_new(arg);
    char most[SLICE_I64_MAX], lease[SLICE_I64_MAX];
    struct lua_claim_keys keys = { space_wheel(store->space, partition) };
    struct lua_claim_args args = { slice_i64(most, (int64_t)limit), slice_i64(lease, lease_ms) };

    asked->done.claimed = done;
    lua_claim(store->client, &keys, &args, store->deadline_ms, claim_done, asked);
}

static void heartbeat_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct asked *asked = arg;
    struct store_alive alive = { .err = store_error(err) };
    const char **names = NULL;
    size_t i;

    if (!err && reply_count(reply) >= 2) {
        alive.now_ms = reply_i64_or(reply_at(reply, 1), 0);
        alive.count = reply_count(reply) - 2;
        names = xcalloc(alive.count, sizeof(*names));
        for (i = 0; i < alive.count; i++) {
            names[i] = reply_text(reply_at(reply, i + 2), NULL);
            if (!names[i])
                names[i] = "";
        }
        alive.names = names;
    } else if (!err) {
        alive.err = SL_ECORRUPT;
    }
    asked->done.alive(asked->arg, &alive);
    free(names);
    free(asked);
}

static void redis_heartbeat(void *ctx, const char *name, int64_t silent_ms, bool leaving, store_alive_fn done, void *arg)
{
    struct redis_store *store = ctx;
    struct asked *asked = asked_new(arg);
    char silent[SLICE_I64_MAX];
    struct lua_heartbeat_keys keys = { slice_of(SPACE_DAEMONS) };
    struct lua_heartbeat_args args = { slice_of(name), slice_i64(silent, silent_ms), slice_of(leaving ? "1" : "0") };

    asked->done.alive = done;
    lua_heartbeat(store->client, &keys, &args, HEARTBEAT_MS, heartbeat_done, asked);
}

const struct store_ops redis_store_ops = {
    .load = redis_load,
    .commit = redis_commit,
    .fail = redis_fail,
    .park = redis_park,
    .extend = redis_extend,
    .once = redis_once,
    .bind = redis_bind,
    .resolve = redis_resolve,
    .events = redis_events,
    .claim = redis_claim,
    .heartbeat = redis_heartbeat,
};

/* See fix.h. */
#include "check/fix.h"

#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "lua/check_fix.h"
#include "lua/check_ledger.h"
#include "lua/park.h"

#define FIX_MS 10000

struct fixing {
    fix_done_fn done;
    void *arg;
};

static struct fixing *fixing_new(fix_done_fn done, void *arg)
{
    struct fixing *fixing = xcalloc(1, sizeof(*fixing));

    fixing->done = done;
    fixing->arg = arg;
    return fixing;
}

static const char *const verbs[] = {
    [REMEDY_SNAPSHOT] = "snapshot", [REMEDY_WHEEL] = "wheel", [REMEDY_FORGET] = "forget", [REMEDY_LIST] = "list",
    [REMEDY_UNLIST] = "unlist",     [REMEDY_FEED] = "feed",
};

static void fixed(void *arg, enum sl_err err, const struct reply *reply)
{
    struct fixing *fixing = arg;

    if (!err && reply_i64_or(reply_at(reply, 0), -1) != 0)
        err = SL_ECONFLICT;
    fixing->done(fixing->arg, err == SL_EREFUSED ? SL_ECORRUPT : err);
    free(fixing);
}

void fix_ledger(struct client *client, const struct space *space, int partition, const char *mark,
                const char *const *fields, const int64_t *deltas, size_t count, fix_done_fn done, void *arg)
{
    struct slice *rows = xcalloc(2 * count, sizeof(*rows));
    char (*texts)[SLICE_I64_MAX] = xcalloc(count, sizeof(*texts));
    struct lua_check_ledger_keys keys = { space_accounts(space, partition), space_check(space, partition) };
    struct lua_check_ledger_args args = { .mark = slice_of(mark), .deltas = rows, .deltas_count = 2 * count };
    size_t i;

    for (i = 0; i < count; i++) {
        rows[2 * i] = slice_of(fields[i]);
        rows[2 * i + 1] = slice_i64(texts[i], deltas[i]);
    }
    lua_check_ledger(client, &keys, &args, FIX_MS, fixed, fixing_new(done, arg));
    free(texts);
    free(rows);
}

void fix_machine(struct client *client, const struct space *space, const struct check_finding *finding,
                 fix_done_fn done, void *arg)
{
    char kind[SPACE_KIND_MAX], version[SLICE_I64_MAX], score[SLICE_I64_MAX], at[SLICE_I64_MAX];
    struct fixing *fixing = fixing_new(done, arg);
    struct lua_check_fix_keys keys;
    struct lua_check_fix_args args;
    struct machine_keys names;

    space_machine(space, kind, space_split(finding->subject, kind), &names);
    if (finding->remedy == REMEDY_PARK) {
        struct lua_park_keys park_keys = {
            slice_of(names.machine), space_wheel(space, names.p), space_failed(space, names.p),
            space_retrying(space, names.p),
        };
        struct lua_park_args park_args = {
            slice_of(names.member), slice_i64(score, finding->score_ms), slice_of(finding->text),
        };

        lua_park(client, &park_keys, &park_args, FIX_MS, fixed, fixing);
        return;
    }
    keys = (struct lua_check_fix_keys){
        slice_of(names.machine), slice_of(names.events), space_wheel(space, names.p), space_failed(space, names.p),
        space_feed(space, names.p),
    };
    args = (struct lua_check_fix_args){
        slice_of(verbs[finding->remedy]), slice_of(names.member), slice_i64(version, finding->version),
        slice_i64(score, finding->score_ms), slice_i64(at, finding->at_ms),
    };
    lua_check_fix(client, &keys, &args, FIX_MS, fixed, fixing);
}

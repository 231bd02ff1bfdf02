/*     tick, or connected ──> sluice:meta ──> durability ──> probe ──> usable
 *                                 └──────────────┴─────────────┴────> not usable, and why
 *
 * An answer that does not come changes nothing: a Redis that is only slow stays in use, and one that is silent for long
 * loses its connection. */
#include "redis/guard.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "lua/probe.h"
#include "redis/client.h"
#include "redis/meta.h"

#define ROUND_MS 1000
#define PROBE_MS 5000
#define PROBE_KEY "sluice:{0}:wheel" /* of the first partition; the script writes nothing there */

struct guard {
    struct guard_setup setup;
    struct event *timer;
    bool connected, asking, durable;
    enum guard_state state;
    char reason[512];
    char warned[512];      /* what relaxed accepts; said once */
    char deployment[32];   /* ours; "": not known yet */
    int64_t left_us;       /* when it was usable for the last time */
    uint64_t entered[GUARD_STATES];
};

static const char *const state_names[] = {
    [GUARD_USABLE] = "usable",           [GUARD_DOWN] = "down",           [GUARD_DATA] = "data",
    [GUARD_DURABILITY] = "durability",   [GUARD_READ_ONLY] = "read_only", [GUARD_PERMISSIONS] = "permissions",
    [GUARD_MEMORY] = "memory",           [GUARD_DISK] = "disk",           [GUARD_REPLICAS] = "replicas",
    [GUARD_REFUSES] = "refuses",
};
_Static_assert(SL_COUNT(state_names) == GUARD_STATES, "each state has its name");

/* ---- the verdict ---- */

static void guard_say(const struct guard *guard, enum guard_state before)
{
    double seconds = (double)(clock_mono_us() - guard->left_us) / 1e6;

    if (guard->state == GUARD_USABLE)
        log_info("Redis can be used again, after %.1f s (%s)", seconds, state_names[before]);
    else if (guard->state != GUARD_DOWN) /* the client says that */
        log_error("Redis cannot be used (%s): %s; nothing is taken or done until it can", state_names[guard->state],
                  guard->reason);
}

static void guard_set(struct guard *guard, enum guard_state state, const char *reason)
{
    enum guard_state before = guard->state;
    bool same = state == before && strcmp(reason, guard->reason) == 0;

    if (same)
        return;
    if (before == GUARD_USABLE)
        guard->left_us = clock_mono_us();
    if (state != before)
        guard->entered[state]++;
    guard->state = state;
    snprintf(guard->reason, sizeof(guard->reason), "%s", reason);
    client_hold(guard->setup.client, state != GUARD_USABLE);
    guard_say(guard, before);
}

static void round_end(struct guard *guard, enum guard_state state, const char *reason)
{
    guard->asking = false;
    if (guard->connected)
        guard_set(guard, state, reason);
}

/* Nothing was found out. */
static void round_drop(struct guard *guard)
{
    guard->asking = false;
}

/* What an error of Redis's own says of it. */
static enum guard_state state_of(const char *error)
{
    static const struct {
        const char *begins;
        enum guard_state state;
    } rows[] = {
        { "READONLY", GUARD_READ_ONLY }, { "NOPERM", GUARD_PERMISSIONS },   { "NOAUTH", GUARD_PERMISSIONS },
        { "OOM", GUARD_MEMORY },         { "MISCONF", GUARD_DISK },         { "NOREPLICAS", GUARD_REPLICAS },
        { "WRONGTYPE", GUARD_DATA },     { "ERR The user ", GUARD_PERMISSIONS }, { "ERR ACL ", GUARD_PERMISSIONS },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        if (strncmp(error, rows[i].begins, strlen(rows[i].begins)) == 0)
            return rows[i].state;
    }
    return GUARD_REFUSES;
}

/* ---- a round ---- */

static void loaded(void *arg, enum sl_err err, const struct reply *reply)
{
    (void)err;
    (void)reply;
    round_drop(arg); /* the next round uses it */
}

static void probed(void *arg, enum sl_err err, const struct reply *reply)
{
    struct guard *guard = arg;
    const char *error = err ? reply_text(reply, NULL) : NULL;

    if (reply_is_error(reply, "NOSCRIPT"))
        client_words_held(guard->setup.client, PROBE_MS, loaded, guard, "SCRIPT", "LOAD", script_probe.text, NULL);
    else if (error)
        round_end(guard, state_of(error), error);
    else if (err)
        round_drop(guard);
    else
        round_end(guard, GUARD_USABLE, "");
}

static void durability_told(void *arg, const struct meta_result *result)
{
    struct guard *guard = arg;

    if (result->err == SL_EREFUSED) {
        round_end(guard, GUARD_DURABILITY, result->message);
        return;
    }
    if (result->err && result->error) {
        round_end(guard, state_of(result->error), result->error);
        return;
    }
    if (result->err) {
        round_drop(guard);
        return;
    }
    guard->durable = !*result->message;
    if (strcmp(result->message, guard->warned) != 0 && *result->message)
        log_warn("%s", result->message);
    snprintf(guard->warned, sizeof(guard->warned), "%s", result->message);
    client_words_held(guard->setup.client, PROBE_MS, probed, guard, "EVALSHA", script_sha(&script_probe), "1", PROBE_KEY,
                      NULL);
}

static void meta_told(void *arg, const struct meta_result *result)
{
    struct guard *guard = arg;

    if (result->err == SL_ENOENT) {
        round_end(guard, GUARD_DATA,
                  META_KEY " is gone: Redis was emptied, or is another one; restore it. To begin anew, end the daemons "
                  "first, then run `sluice init`");
    } else if (result->err && result->error) {
        round_end(guard, state_of(result->error), result->error);
    } else if (result->err == SL_EREFUSED) {
        round_end(guard, GUARD_DATA, result->message);
    } else if (result->err) {
        round_drop(guard);
    } else if (guard->deployment[0] && strcmp(guard->deployment, result->deployment) != 0) {
        round_end(guard, GUARD_DATA,
                  "this Redis holds another deployment (" META_KEY " was made at another moment): give back the one that "
                  "was here, or start the daemons anew for this one");
    } else {
        snprintf(guard->deployment, sizeof(guard->deployment), "%s", result->deployment);
        meta_check_durability(guard->setup.client, guard->setup.strict, durability_told, guard);
    }
}

static void round_begin(struct guard *guard)
{
    if (guard->asking || !guard->connected)
        return;
    guard->asking = true;
    meta_check(guard->setup.client, guard->setup.partitions, meta_told, guard);
}

static void round_fire(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    round_begin(arg);
}

/* ---- life ---- */

struct guard *guard_new(const struct guard_setup *setup)
{
    struct guard *guard = xcalloc(1, sizeof(*guard));
    struct timeval pace = { ROUND_MS / 1000, ROUND_MS % 1000 * 1000 };

    guard->setup = *setup;
    guard->connected = true;
    guard->durable = setup->durable;
    guard->timer = event_new(setup->base, -1, EV_PERSIST, round_fire, guard);
    event_add(guard->timer, &pace);
    round_begin(guard);
    return guard;
}

void guard_free(struct guard *guard)
{
    if (!guard)
        return;
    event_free(guard->timer);
    free(guard);
}

void guard_connection(struct guard *guard, bool up)
{
    guard->connected = up;
    if (up)
        round_begin(guard);
    else
        guard_set(guard, GUARD_DOWN, "there is no connection to Redis");
}

void guard_view(const struct guard *guard, struct guard_view *out)
{
    *out = (struct guard_view){ .state = guard->state, .reason = guard->reason, .durable = guard->durable };
    memcpy(out->entered, guard->entered, sizeof(out->entered));
}

const char *guard_state_name(enum guard_state state)
{
    return state_names[state];
}

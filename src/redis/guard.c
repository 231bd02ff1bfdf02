/*     tick, or connected ──> sluice:meta ──> durability ──> probe ──> what was seen ──> usable
 *                                 └──────────────┴─────────────┴────────────┴─────> not usable, and why
 *
 * An answer that does not come changes nothing: a Redis that is only slow stays in use, and one that is silent for long
 * loses its connection. */
#include "redis/guard.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "lua/loss.h"
#include "lua/probe.h"
#include "redis/client.h"
#include "redis/loss.h"
#include "redis/meta.h"
#include "redis/script.h"
#include "redis/seen.h"

#define ROUND_MS 1000
#define PROBE_MS 5000
#define LOST_LINES_MAX 1000  /* of the log */
#define RELAXED_LOSS_MS 10000 /* what relaxed accepts by itself: more than a crash of its host costs (everysec) */
#define PROBE_KEY "sluice:{0}:wheel" /* of the first partition; the script writes nothing there */

struct guard {
    struct guard_setup setup;
    struct event *timer;
    bool connected, asking, durable, judged, knows_accepted, says_unsaved;
    enum guard_state state;
    char reason[512];
    char warned[512];      /* what relaxed accepts; said once */
    char deployment[32];   /* ours; "": not known yet */
    char suspect[256];     /* of this round: what another daemon misses */
    int64_t accepted;      /* when a loss was last accepted */
    int64_t left_us;       /* when it was usable for the last time */
    uint64_t entered[GUARD_STATES];
};

static const char *const state_names[] = {
    [GUARD_USABLE] = "usable",           [GUARD_DOWN] = "down",           [GUARD_DATA] = "data",
    [GUARD_DURABILITY] = "durability",   [GUARD_READ_ONLY] = "read_only", [GUARD_PERMISSIONS] = "permissions",
    [GUARD_MEMORY] = "memory",           [GUARD_DISK] = "disk",           [GUARD_REPLICAS] = "replicas",
    [GUARD_LOSS] = "loss",               [GUARD_REFUSES] = "refuses",
};
_Static_assert(SL_COUNT(state_names) == GUARD_STATES, "each state has its name");

/* ---- the verdict ---- */

static void guard_say(const struct guard *guard, enum guard_state before)
{
    double seconds = (double)(clock_mono_us() - guard->left_us) / 1e6;

    if (guard->state == GUARD_USABLE && guard->judged)
        log_info("Redis can be used again, after %.1f s (%s)", seconds, state_names[before]);
    else if (guard->state == GUARD_USABLE)
        return;
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
    bool first = !guard->judged;

    guard->asking = false;
    if (!guard->connected)
        return;
    guard_set(guard, state, reason);
    guard->judged = true;
    if (first)
        guard->setup.judged(guard->setup.judged_arg);
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

/* Redis's own words, without the place in the script where it said them. */
static void round_refused(struct guard *guard, const char *error)
{
    const char *place = strstr(error, " script: ");
    char reason[256];

    snprintf(reason, sizeof(reason), "%.*s", place ? (int)(place - error) : (int)strlen(error), error);
    round_end(guard, state_of(error), reason);
}

/* ---- a round ---- */

static void save(struct guard *guard)
{
    bool saved = seen_save(guard->setup.seen, guard->deployment, guard->accepted);

    if (!saved && !guard->says_unsaved)
        log_error("what was seen in Redis cannot be written down: %s", strerror(errno));
    guard->says_unsaved = !saved;
}

static void round_passed(struct guard *guard)
{
    if (*guard->suspect) {
        round_end(guard, GUARD_LOSS, guard->suspect);
        return;
    }
    save(guard);
    round_end(guard, GUARD_USABLE, "");
}

static void lost_say(const struct loss *loss)
{
    size_t i;

    for (i = 0; i < loss->listed && i < LOST_LINES_MAX; i++)
        log_error("lost: %s event %" PRId64 ", answered by this daemon, entry %s of the feed", loss->lost[i]->member,
                  loss->lost[i]->event, loss->lost[i]->entry);
    if (loss->listed > LOST_LINES_MAX)
        log_error("lost: %zu more", loss->listed - LOST_LINES_MAX);
}

static void reported(void *arg, enum sl_err err, const struct reply *reply)
{
    (void)arg;
    if (err)
        log_warn("the loss cannot be reported to the other daemons: %s",
                 reply_text(reply, NULL) ? reply_text(reply, NULL) : sl_err_name(err));
}

/* For the daemons that do not know themselves: those that were started since. KNOWN: when a loss was last accepted in
 * this Redis. */
static void loss_report(struct guard *guard, int64_t known)
{
    char accepted[SLICE_I64_MAX];
    struct slice words[] = { slice_of(META_KEY), slice_of(guard->reason), slice_i64(accepted, known) };

    script_call(guard->setup.client, &script_loss, &(struct script_input){
        .fixed = words, .key_count = 1, .fixed_count = SL_COUNT(words), .held = true,
    }, PROBE_MS, reported, NULL);
}

static void loss_found(struct guard *guard, const struct loss *loss)
{
    int64_t span_ms = seen_newest_ms(guard->setup.seen) - loss->oldest_ms;
    char reason[sizeof(guard->suspect)], rest[96] = "";

    if (loss->listed > 0)
        snprintf(rest, sizeof(rest), ": %zu commits of this daemon, from %s event %" PRId64 " on", loss->listed,
                 loss->lost[0]->member, loss->lost[0]->event);
    snprintf(reason, sizeof(reason),
             "Redis lacks what was answered for (a failover to a stale replica, an old backup?): the newest entries of "
             "%zu feeds%s; `sluice accept-loss` goes on without", loss->feeds, rest);
    lost_say(loss);
    if (!guard->setup.strict && span_ms <= RELAXED_LOSS_MS) {
        log_error("Redis has lost what was answered in its last %" PRId64 " ms (--durability relaxed): the newest entries of "
                  "%zu feeds%s", span_ms, loss->feeds, rest);
        seen_forget(guard->setup.seen);
        round_passed(guard);
        return;
    }
    round_end(guard, GUARD_LOSS, reason);
    loss_report(guard, guard->accepted);
}

static void loss_told(void *arg, const struct loss *loss)
{
    struct guard *guard = arg;

    if (loss->error)
        round_refused(guard, loss->error);
    else if (loss->err)
        round_drop(guard);
    else if (loss->feeds == 0)
        round_passed(guard);
    else if (guard->state == GUARD_LOSS)
        round_end(guard, GUARD_LOSS, guard->reason); /* listed already */
    else
        loss_found(guard, loss);
}

static void probed(void *arg, enum sl_err err, const struct reply *reply)
{
    struct guard *guard = arg;
    const char *error = err ? reply_text(reply, NULL) : NULL;

    if (error)
        round_refused(guard, error);
    else if (err)
        round_drop(guard);
    else
        loss_check(guard->setup.seen, guard->setup.client, guard->state != GUARD_LOSS, loss_told, guard);
}

static void probe(struct guard *guard)
{
    struct slice key = slice_of(PROBE_KEY);

    script_call(guard->setup.client, &script_probe, &(struct script_input){
        .fixed = &key, .key_count = 1, .fixed_count = 1, .held = true,
    }, PROBE_MS, probed, guard);
}

static void durability_told(void *arg, const struct meta_result *result)
{
    struct guard *guard = arg;

    if (result->err == SL_EREFUSED) {
        round_end(guard, GUARD_DURABILITY, result->message);
        return;
    }
    if (result->err && result->error) {
        round_refused(guard, result->error);
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
    probe(guard);
}

/* An operator's word counts for all that was seen before it. */
static void accepted_take(struct guard *guard, int64_t accepted)
{
    if (guard->knows_accepted && accepted > guard->accepted) {
        log_warn("an operator has accepted the loss; what was seen before is forgotten");
        seen_forget(guard->setup.seen);
    }
    guard->accepted = accepted;
    guard->knows_accepted = true;
}

static void meta_told(void *arg, const struct meta_result *result)
{
    struct guard *guard = arg;

    if (result->err == SL_ENOENT) {
        round_end(guard, GUARD_DATA,
                  META_KEY " is gone: Redis was emptied, or is another one; restore it. To begin anew, end the daemons "
                  "first, then run `sluice init`");
    } else if (result->err && result->error) {
        round_refused(guard, result->error);
    } else if (result->err == SL_EREFUSED) {
        round_end(guard, GUARD_DATA, result->message);
    } else if (result->err) {
        round_drop(guard);
    } else if (guard->deployment[0] && strcmp(guard->deployment, result->deployment) != 0) {
        round_end(guard, GUARD_DATA,
                  "this Redis holds another deployment (" META_KEY " was made at another moment): give back the one that "
                  "was here, or start the daemons anew for this one (without their --seen files)");
    } else if (guard->knows_accepted && result->accepted < guard->accepted) {
        round_end(guard, GUARD_LOSS, "this Redis is from before the moment when a loss was accepted; `sluice accept-loss` "
                  "goes on with it");
        loss_report(guard, result->accepted);
    } else {
        accepted_take(guard, result->accepted);
        snprintf(guard->suspect, sizeof(guard->suspect), "%s", result->suspect);
        snprintf(guard->deployment, sizeof(guard->deployment), "%s", result->deployment);
        meta_check_durability(guard->setup.client, guard->setup.strict, durability_told, guard);
    }
}

static void round_begin(struct guard *guard)
{
    if (guard->asking || !guard->connected)
        return;
    guard->asking = true;
    meta_take_over(guard->setup.client, seen_partitions(guard->setup.seen), meta_told, guard);
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
    guard->state = GUARD_DOWN;
    guard->left_us = clock_mono_us();
    guard->accepted = seen_accepted(setup->seen);
    guard->knows_accepted = *seen_deployment(setup->seen) != '\0';
    snprintf(guard->deployment, sizeof(guard->deployment), "%s", seen_deployment(setup->seen));
    snprintf(guard->reason, sizeof(guard->reason), "it was not looked at yet");
    client_hold(setup->client, true);
    guard->timer = event_new(setup->base, -1, EV_PERSIST, round_fire, guard);
    event_add(guard->timer, &pace);
    round_begin(guard);
    return guard;
}

void guard_free(struct guard *guard)
{
    if (!guard)
        return;
    if (guard->deployment[0])
        save(guard);
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

/* When to look where.
 *
 *   heartbeat, each second ---> who is alive ---> which partitions are ours
 *   look_at[p]: the next moment at which partition p is worth a look
 *        = due of the first machine left there, at most a poll interval away      after each claim
 *        = due of a timer that this daemon sets itself, if that is sooner         on each commit
 *   one alarm for the earliest look_at of all partitions ---> claim ---> runtime
 *
 * All moments are Redis's, as the runtime knows its clock from answers: never ahead of it, so nothing
 * fires early. */
#include "engine/wheel.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/log.h"
#include "base/xmalloc.h"
#include "redis/partition.h"

#define LEASE_MS 30000
#define HEARTBEAT_MS 1000
#define SILENT_MAX_MS 3500   /* a daemon that has not been heard for so long is gone */
#define POLL_OWNED_MS 1000   /* timers that others set on our partitions are found by this at the latest */
#define CLAIM_MAX 500        /* machines of one claim; a backlog takes several */
#define CROWDED_MS 5         /* the runtime is full: look again so much later */
#define DAEMONS_MAX 1024

const int64_t wheel_bucket_ms[WHEEL_BUCKETS - 1] = { 1, 2, 5, 10, 50, 100, 1000 };

struct slot {
    struct wheel *wheel;
    int p;
    bool owned, asking;
    int64_t look_at_ms;
    int64_t news_ms;       /* the first timer that was set here while a look was on its way; 0: none */
    int64_t near_until_ms; /* timers up to then were set here, too near for the owner to find them in time */
};

struct ring;

struct wheel {
    struct wheel_setup setup;
    struct ring *rings; /* alarms that are out */
    char name[128];
    struct slot *slots;
    char **names; /* alive, sorted */
    size_t name_count;
    uint64_t alarm_number; /* of the alarm that counts; older ones find another number */
    int64_t alarm_at_ms;
    bool stopping;
    void (*stopped)(void *arg);
    void *stopped_arg;
    struct wheel_stats stats;
};

static void wheel_arm(struct wheel *wheel);

static int64_t now_ms(const struct wheel *wheel)
{
    return runtime_now_us(wheel->setup.runtime) / 1000;
}

/* ---- claims ---- */

static const struct machine_kind *kind_find(const struct wheel *wheel, const char *name)
{
    const struct machine_kind *const *kind;

    for (kind = wheel->setup.kinds; *kind; kind++) {
        if (strcmp((*kind)->name, name) == 0)
            return *kind;
    }
    return NULL;
}

static void lateness_count(struct wheel *wheel, int64_t late_ms)
{
    size_t i;

    for (i = 0; i < WHEEL_BUCKETS - 1 && late_ms > wheel_bucket_ms[i]; i++)
        ;
    wheel->stats.lateness[i]++;
    wheel->stats.lateness_sum_ms += (uint64_t)late_ms;
}

static void claim_take(struct wheel *wheel, const struct store_due *due, int64_t now, int64_t token)
{
    char kind_name[SPACE_KIND_MAX];
    const char *id = space_split(due->member, kind_name);
    const struct machine_kind *kind = id ? kind_find(wheel, kind_name) : NULL;
    struct claim claim = { id, due->due_ms, token };

    if (!kind) {
        wheel->stats.unknown++;
        log_warn("wheel: %s is of no kind that this daemon knows", due->member);
        return;
    }
    wheel->stats.claimed++;
    lateness_count(wheel, now > claim.due_ms ? now - claim.due_ms : 0);
    runtime_claimed(wheel->setup.runtime, kind, &claim, 1);
}

static void claim_done(void *arg, const struct store_claimed *claimed)
{
    struct slot *slot = arg;
    struct wheel *wheel = slot->wheel;
    int64_t now = now_ms(wheel), next = claimed->next_ms, poll;
    size_t i;

    slot->asking = false;
    if (claimed->err) { /* not there: the heartbeat's answer starts us again */
        slot->look_at_ms = now + POLL_OWNED_MS;
        wheel_arm(wheel);
        return;
    }
    now = claimed->now_ms;
    for (i = 0; i < claimed->count; i++)
        claim_take(wheel, &claimed->due[i], now, claimed->token_ms);
    poll = now + (slot->owned ? POLL_OWNED_MS : wheel->setup.lease_ms / 2);
    if (!slot->owned && next > slot->near_until_ms)
        next = 0; /* not ours */
    slot->look_at_ms = next > 0 && next < poll ? next : poll;
    if (slot->news_ms && slot->news_ms < slot->look_at_ms)
        slot->look_at_ms = slot->news_ms;
    slot->news_ms = 0;
    wheel_arm(wheel);
}

static void slot_look(struct slot *slot)
{
    struct wheel *wheel = slot->wheel;
    size_t room = runtime_room(wheel->setup.runtime);

    if (room == 0) {
        slot->look_at_ms = now_ms(wheel) + CROWDED_MS;
        return;
    }
    slot->asking = true;
    wheel->stats.claims++;
    wheel->setup.store->claim(wheel->setup.store_ctx, slot->p, room < CLAIM_MAX ? room : CLAIM_MAX,
                              wheel->setup.lease_ms, claim_done, slot);
}

/* ---- the alarm ---- */

struct ring {
    struct ring *prev, *next;
    struct wheel *wheel;
    uint64_t number;
};

static void wheel_look(void *arg)
{
    struct ring *ring = arg;
    struct wheel *wheel = ring->wheel;
    uint64_t number = ring->number;
    int64_t now;
    int p;

    DL_DELETE(wheel->rings, ring);
    free(ring);
    if (number != wheel->alarm_number || wheel->stopping)
        return;
    wheel->alarm_at_ms = 0;
    now = now_ms(wheel);
    for (p = 0; p < space_count(wheel->setup.space); p++) {
        struct slot *slot = &wheel->slots[p];

        if (!slot->asking && slot->look_at_ms <= now)
            slot_look(slot);
    }
    wheel_arm(wheel);
}

/* Arms the alarm for the earliest look, unless it is armed for that or sooner. */
static void wheel_arm(struct wheel *wheel)
{
    int64_t earliest = INT64_MAX, now = now_ms(wheel);
    struct ring *ring;
    int p;

    if (wheel->stopping)
        return;
    for (p = 0; p < space_count(wheel->setup.space); p++) {
        if (!wheel->slots[p].asking && wheel->slots[p].look_at_ms < earliest)
            earliest = wheel->slots[p].look_at_ms;
    }
    if (earliest == INT64_MAX || (wheel->alarm_at_ms && wheel->alarm_at_ms <= earliest))
        return;
    wheel->alarm_at_ms = earliest;
    ring = xmalloc(sizeof(*ring));
    ring->wheel = wheel;
    ring->number = ++wheel->alarm_number;
    DL_APPEND(wheel->rings, ring);
    wheel->setup.alarm->after(wheel->setup.alarm_ctx, earliest > now ? earliest - now : 0, wheel_look, ring);
}

/* Redis's clock is ahead of what the alarm was set by. */
static void wheel_clock_jumped(void *arg)
{
    struct wheel *wheel = arg;

    wheel->alarm_at_ms = 0;
    wheel_arm(wheel);
}

/* A timer was set here: be there when it is due. */
static void wheel_news(void *arg, const struct runtime_news *news)
{
    struct wheel *wheel = arg;
    struct slot *slot = &wheel->slots[space_partition(wheel->setup.space, news->id)];

    if (!news->due_ms)
        return;
    if (news->due_ms < now_ms(wheel) + POLL_OWNED_MS && news->due_ms > slot->near_until_ms)
        slot->near_until_ms = news->due_ms;
    if (slot->asking && (!slot->news_ms || news->due_ms < slot->news_ms))
        slot->news_ms = news->due_ms; /* the look may have missed it */
    if (slot->asking || news->due_ms >= slot->look_at_ms)
        return;
    slot->look_at_ms = news->due_ms;
    wheel_arm(wheel);
}

/* ---- who is alive ---- */

static void names_clear(struct wheel *wheel)
{
    while (wheel->name_count > 0)
        free(wheel->names[--wheel->name_count]);
    free(wheel->names);
    wheel->names = NULL;
}

static void names_take(struct wheel *wheel, const struct store_alive *alive)
{
    size_t i;

    names_clear(wheel);
    wheel->names = xcalloc(alive->count, sizeof(*wheel->names));
    for (i = 0; i < alive->count && i < DAEMONS_MAX; i++)
        wheel->names[wheel->name_count++] = xstrdup(alive->names[i]);
}

static void owners_set(struct wheel *wheel, int64_t now)
{
    int p;

    wheel->stats.owned = 0;
    for (p = 0; p < space_count(wheel->setup.space); p++) {
        struct slot *slot = &wheel->slots[p];
        bool owned = strcmp(wheel_owner(wheel, p), wheel->name) == 0;

        if (owned && !slot->owned)
            slot->look_at_ms = now; /* ours from now on: see what is there */
        else if (!owned && slot->look_at_ms == INT64_MAX)
            slot->look_at_ms = now + wheel->setup.lease_ms / 2;
        slot->owned = owned;
        wheel->stats.owned += owned;
    }
}

static void wheel_beat(void *arg);

static void heartbeat_done(void *arg, const struct store_alive *alive)
{
    struct wheel *wheel = arg;

    if (wheel->stopping)
        return;
    if (!alive->err) {
        names_take(wheel, alive);
        owners_set(wheel, alive->now_ms);
        wheel->stats.daemons = (int)wheel->name_count;
        runtime_heard(wheel->setup.runtime, alive->now_ms);
        wheel_arm(wheel);
    }
    wheel->setup.alarm->after(wheel->setup.alarm_ctx, HEARTBEAT_MS, wheel_beat, wheel);
}

static void leaving_done(void *arg, const struct store_alive *alive)
{
    struct wheel *wheel = arg;

    (void)alive; /* those that were not told find us silent */
    wheel->stopped(wheel->stopped_arg);
}

static void wheel_beat(void *arg)
{
    struct wheel *wheel = arg;

    if (!wheel->stopping)
        wheel->setup.store->heartbeat(wheel->setup.store_ctx, wheel->name, SILENT_MAX_MS, false, heartbeat_done, wheel);
}

/* ---- life ---- */

struct wheel *wheel_new(const struct wheel_setup *setup)
{
    struct wheel *wheel = xcalloc(1, sizeof(*wheel));
    int p, count = space_count(setup->space);

    wheel->setup = *setup;
    if (!wheel->setup.lease_ms)
        wheel->setup.lease_ms = LEASE_MS;
    snprintf(wheel->name, sizeof(wheel->name), "%s", setup->name);
    wheel->slots = xcalloc((size_t)count, sizeof(*wheel->slots));
    for (p = 0; p < count; p++)
        wheel->slots[p] = (struct slot){ .wheel = wheel, .p = p, .look_at_ms = INT64_MAX };
    runtime_on_commit(setup->runtime, wheel_news, wheel);
    runtime_on_clock(setup->runtime, wheel_clock_jumped, wheel);
    wheel_beat(wheel);
    return wheel;
}

void wheel_stop(struct wheel *wheel, void (*done)(void *arg), void *arg)
{
    wheel->stopping = true;
    wheel->stopped = done;
    wheel->stopped_arg = arg;
    wheel->setup.store->heartbeat(wheel->setup.store_ctx, wheel->name, SILENT_MAX_MS, true, leaving_done, wheel);
}

void wheel_free(struct wheel *wheel)
{
    struct ring *ring, *next;

    if (!wheel)
        return;
    runtime_on_clock(wheel->setup.runtime, NULL, NULL);
    DL_FOREACH_SAFE(wheel->rings, ring, next)
        free(ring);
    names_clear(wheel);
    free(wheel->slots);
    free(wheel);
}

void wheel_stats(const struct wheel *wheel, struct wheel_stats *out)
{
    *out = wheel->stats;
}

size_t wheel_daemons(const struct wheel *wheel, const char *const **names)
{
    *names = (const char *const *)wheel->names;
    return wheel->name_count;
}

const char *wheel_owner(const struct wheel *wheel, int p)
{
    int owner = partition_owner(p, (const char *const *)wheel->names, wheel->name_count);

    return owner < 0 ? "" : wheel->names[owner];
}

/* See roster.h. One request a second says that this daemon lives, and brings the cards of the others. */
#include "redis/roster.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "lua/enlist.h"

#define BEAT_MS 1000
#define SILENT_MAX_MS 3500 /* as on the wheel */
#define AGAIN_MS 250       /* a name that is taken, or a Redis that is away, is asked again so much later */
#define ASK_MS 5000

struct roster {
    struct roster_setup setup;
    struct event *timer;
    char *name, *card;
    char instance[17];
    roster_done_fn enlisted; /* NULL: the name is ours, or was not asked for */
    void *enlisted_arg;
    int64_t taken_until_us;  /* a holder that lives until then keeps the name; 0: not taken */
    struct roster_entry *entries;
    size_t count;
    bool leaving, lost; /* lost: somebody else has the name */
};

static void beat(struct roster *roster);

static void beat_due(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    beat(arg);
}

struct roster *roster_new(const struct roster_setup *setup)
{
    struct roster *roster = xcalloc(1, sizeof(*roster));

    roster->setup = *setup;
    roster->name = xstrdup(setup->name);
    roster->timer = evtimer_new(setup->base, beat_due, roster);
    snprintf(roster->instance, sizeof(roster->instance), "%016" PRIx64, clock_random());
    return roster;
}

static void entries_clear(struct roster *roster)
{
    while (roster->count > 0) {
        roster->count--;
        free((char *)(uintptr_t)roster->entries[roster->count].name);
        free((char *)(uintptr_t)roster->entries[roster->count].card);
    }
    free(roster->entries);
    roster->entries = NULL;
}

void roster_free(struct roster *roster)
{
    if (!roster)
        return;
    entries_clear(roster);
    event_free(roster->timer);
    free(roster->name);
    free(roster->card);
    free(roster);
}

static void arm(struct roster *roster, int64_t ms)
{
    struct timeval delay = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000) };

    if (!roster->leaving)
        evtimer_add(roster->timer, &delay);
}

static int by_name(const void *a, const void *b)
{
    const struct roster_entry *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static void entries_take(struct roster *roster, const struct reply *reply)
{
    size_t i, pairs = (reply_count(reply) - 1) / 2;

    entries_clear(roster);
    roster->entries = xcalloc(pairs + 1, sizeof(*roster->entries));
    for (i = 0; i < pairs; i++) {
        roster->entries[i].name = xstrdup(reply_text(reply_at(reply, 1 + 2 * i), NULL));
        roster->entries[i].card = xstrdup(reply_text(reply_at(reply, 2 + 2 * i), NULL));
    }
    roster->count = pairs;
    qsort(roster->entries, pairs, sizeof(*roster->entries), by_name);
}

static void enlisted(struct roster *roster, const char *holder)
{
    roster_done_fn done = roster->enlisted;

    roster->enlisted = NULL;
    if (done)
        done(roster->enlisted_arg, holder);
}

/* Its holder may be dead and not silent for long enough. */
static void name_taken(struct roster *roster, const char *holder)
{
    int64_t now_us = clock_mono_us();

    if (!roster->enlisted) { /* it was ours; we were silent for too long */
        if (!roster->lost)
            log_error("another daemon has taken the name %s meanwhile: %s", roster->name, holder);
        roster->lost = true;
        arm(roster, BEAT_MS);
        return;
    }
    if (!roster->taken_until_us) {
        roster->taken_until_us = now_us + (SILENT_MAX_MS + BEAT_MS) * 1000;
        log_info("the name %s is taken; unless its daemon is gone this one ends", roster->name);
    }
    if (now_us >= roster->taken_until_us)
        enlisted(roster, holder);
    else
        arm(roster, AGAIN_MS);
}

static void beaten(void *arg, enum sl_err err, const struct reply *reply)
{
    struct roster *roster = arg;
    int64_t code = err ? -1 : reply_i64_or(reply_at(reply, 0), -1);

    if (roster->leaving)
        return;
    if (code == LUA_ENLIST_TAKEN) {
        name_taken(roster, reply_text(reply_at(reply, 2), NULL));
    } else if (code == LUA_ENLIST_DONE) {
        roster->lost = false;
        entries_take(roster, reply);
        arm(roster, BEAT_MS);
        enlisted(roster, NULL);
        if (roster->setup.seen)
            roster->setup.seen(roster->setup.seen_arg);
    } else {
        arm(roster, AGAIN_MS);
    }
}

static void beat(struct roster *roster)
{
    struct lua_enlist_keys keys = { slice_of(ROSTER_KEY) };
    char silent[SLICE_I64_MAX];
    struct lua_enlist_args args = {
        slice_of(roster->name), slice_of(roster->instance), slice_of(roster->card), slice_i64(silent, SILENT_MAX_MS),
        slice_of(roster->leaving ? "1" : "0"),
    };

    lua_enlist(roster->setup.client, &keys, &args, ASK_MS, beaten, roster);
}

void roster_enlist(struct roster *roster, const char *card, roster_done_fn done, void *arg)
{
    roster->enlisted = done;
    roster->enlisted_arg = arg;
    roster_say(roster, card);
    beat(roster);
}

void roster_say(struct roster *roster, const char *card)
{
    free(roster->card);
    roster->card = xstrdup(card);
}

void roster_leave(struct roster *roster)
{
    if (roster->leaving || roster->enlisted || !roster->card)
        return;
    roster->leaving = true;
    evtimer_del(roster->timer);
    if (!roster->lost)
        beat(roster);
}

size_t roster_entries(const struct roster *roster, const struct roster_entry **out)
{
    *out = roster->entries;
    return roster->count;
}

const char *roster_own(const struct roster *roster)
{
    return roster->card;
}

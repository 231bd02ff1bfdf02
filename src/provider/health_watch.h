/* The health of providers, shared by all daemons through Redis: counts what this daemon sees, hands it over once a
 * tick, and makes a view of what all of them have seen (domain/health.h, lua/health_flush.lua).
 *
 * One call to Redis a tick, whatever the traffic, and none when the settings say that it is off. Nobody ever waits
 * for it. What it loses on the way (an answer that did not come, a daemon that died) is a few counts of a statistic.
 * Ref: doc/spec/routing.md 13; doc/decisions/0014-health-is-counted-in-redis.md.                   */
#ifndef SLUICE_PROVIDER_HEALTH_WATCH_H
#define SLUICE_PROVIDER_HEALTH_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/health.h"
#include "engine/machine.h"
#include "redis/client.h"

#define HEALTH_KEY "sluice:{domain}:health"

struct event_base;
struct health_watch;

struct health_watch_setup {
    struct event_base *base;
    struct client *client;                  /* borrowed */
    const struct health_settings *settings; /* borrowed; fit for health_settings_fit() */
};

/* Whether a watch can work by SETTINGS; else *WHY, a static sentence. */
bool health_settings_fit(const struct health_settings *settings, const char **why);

/* Begins at once. */
struct health_watch *health_watch_new(const struct health_watch_setup *setup);
/* What was not handed over is lost. Before or after the client; NULL is fine. */
void health_watch_free(struct health_watch *watch);

/* An operation of KIND at a provider ended; GOOD: nothing in it speaks against the provider. */
void health_watch_report(struct health_watch *watch, int64_t provider_id, enum health_kind kind, bool good);

/* As of the last tick. Borrowed until the event loop turns. NULL: switched off. */
const struct health_view *health_watch_view(const struct health_watch *watch);

/* For effects_setup.heard, runtime_setup.note and runtime_setup.outlook, with the watch as their ctx. */
void health_watch_heard(void *ctx, int64_t provider_id, bool answered, int64_t took_us);
void health_watch_note(void *ctx, const struct note *note);
const void *health_watch_outlook(void *ctx);

#define HEALTH_WATCH_STATUSES 8
struct health_watch_stats {
    uint64_t reports; /* outcomes counted here */
    uint64_t flushes; /* answered by Redis */
    uint64_t failed;  /* flushes that were not answered, or refused */
    uint64_t lost;    /* outcomes that were given up */
    uint64_t payments[HEALTH_WATCH_STATUSES]; /* by PAYMENT_*: that came to it here */
};
void health_watch_stats(const struct health_watch *watch, struct health_watch_stats *out);

#endif

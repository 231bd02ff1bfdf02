/* The health of providers: what is counted, what a failure rate is, and what it means to routing. Pure.
 *
 * Each provider has three services: its availability (does its adapter answer?), its conversion (do the payments
 * sent to it succeed?) and its slowness (how many of its answers come late?). Outcomes are counted by ticks of Redis's clock; a view is what a daemon makes of the counts
 * of all daemons, and what steps are given as step_in.outlook. Every function that takes a view takes NULL for it:
 * the fault detector is off, or knows nothing, and everybody is in good health.
 * Ref: doc/spec/routing.md 7, 13; doc/spec/domain.md 12; doc/decisions/0014-health-is-counted-in-redis.md.      */
#ifndef SLUICE_DOMAIN_HEALTH_H
#define SLUICE_DOMAIN_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "domain/objects.h"

enum health_kind { HEALTH_AVAILABILITY, HEALTH_CONVERSION, HEALTH_SLOWNESS };
#define HEALTH_KINDS 3

const char *health_kind_name(enum health_kind kind); /* "availability" */

struct health_kind_settings {
    double critical;   /* 0..1: from this failure rate on a provider is dead, or lacks conversion; of slowness: counts as
                          dead for being slow, 0: never */
    int64_t window_ms; /* how long an outcome counts; >= 1 tick */
    int64_t limit_ms;  /* slowness: an answer that took longer is late. Of the others: not used */
};

struct health_settings {
    bool enabled;
    int64_t tick_ms;
    struct health_kind_settings kinds[HEALTH_KINDS];
    const char *const *benign; /* sub codes of authorization_failed that do not speak against the provider */
    size_t benign_count;
};

/* Ticks that take part in a rate at most: SETTINGS must not ask for more. */
#define HEALTH_TICKS_MAX 1024

extern const struct health_settings health_defaults; /* doc/spec/domain.md 12 */

/* ---- the view ---- */

struct health_rates {
    int64_t provider_id;
    bool known[HEALTH_KINDS]; /* there are statistics */
    double rates[HEALTH_KINDS];
};

struct health_view {
    const struct health_settings *settings;
    const struct health_rates *providers; /* by rising id */
    size_t count;
};

/* The failure rate of a provider, 0..1. False: there are no statistics, *RATE is not written. */
bool health_rate(const struct health_view *view, int64_t provider_id, enum health_kind kind, double *rate);

/* What routing makes of it (routing.md 7.2). */
struct health_status {
    bool critical; /* dead (availability), lacking (conversion), slow (slowness) */
    double rate;   /* 0.0 without statistics */
};
struct health_status health_status(const struct health_view *view, int64_t provider_id, enum health_kind kind);

/* Whether the statistics of a route are to be passed over (routing.md 7.3): its terminal's override, else its
 * provider's. */
bool health_is_overridden(const struct provider *provider, const struct terminal *terminal);

/* Both at once for a route. */
struct health_status health_route_status(const struct health_view *view, const struct provider *provider,
                                         const struct terminal *terminal, enum health_kind kind);

/* Whether a session that failed with authorization_failed:SUB_CODE speaks against its provider. SUB_CODE NULL:
 * there was none, and it does not. */
bool health_sub_code_counts(const struct health_view *view, const char *sub_code);

/* ---- the computation (routing.md 13.4) ---- */

/* Outcomes of one service in one tick. Failures are errors and what took too long. */
struct health_tick {
    int64_t successes, failures;
};

/* TICKS oldest first, COUNT of them; the newest weighs COUNT, the oldest 1. 0 for none. */
double health_failure_rate(const struct health_tick *ticks, size_t count);

/* How many ticks take part in a rate. */
size_t health_window_ticks(const struct health_settings *settings, enum health_kind kind);

/* A service's record as lua/health_flush.lua keeps it: "first start:successes:failures …", moments in ms, ticks with
 * outcomes only. Computes the rate as of NOW_MS: the newest tick is the last one that is over, and none before FIRST
 * takes part. False: RECORD is no such text, or no tick of it is over yet. */
bool health_record_rate(const struct health_settings *settings, enum health_kind kind, const char *record,
                        int64_t now_ms, double *rate);

/* "7:availability". */
#define HEALTH_SERVICE_MAX 40
void health_service_name(int64_t provider_id, enum health_kind kind, char out[HEALTH_SERVICE_MAX]);
bool health_service_parse(const char *name, int64_t *provider_id, enum health_kind *kind);

#endif

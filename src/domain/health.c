/* See health.h. Statistics, not money: rates are floating point. */
#include "domain/health.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_MAX ((int64_t)1000000000000) /* of one tick; what is more is no count of ours */

static const char *const kind_names[HEALTH_KINDS] = {
    [HEALTH_AVAILABILITY] = "availability",
    [HEALTH_CONVERSION] = "conversion",
    [HEALTH_SLOWNESS] = "slowness",
};

static const char *const benign_default[] = {
    "insufficient_funds", "rejected_by_issuer", "processing_deadline_reached",
};

const struct health_settings health_defaults = {
    .enabled = true,
    .tick_ms = 3000,
    .kinds = {
        [HEALTH_AVAILABILITY] = { .critical = 0.7, .window_ms = 60000 },
        [HEALTH_CONVERSION] = { .critical = 0.7, .window_ms = 60000 },
        [HEALTH_SLOWNESS] = { .critical = 0, .window_ms = 60000, .limit_ms = 10000 },
    },
    .benign = benign_default,
    .benign_count = SL_COUNT(benign_default),
};

const char *health_kind_name(enum health_kind kind)
{
    return kind_names[kind];
}

/* ---- the view ---- */

static int by_id(const void *id, const void *rates)
{
    const int64_t *wanted = id;
    const struct health_rates *row = rates;

    return (*wanted > row->provider_id) - (*wanted < row->provider_id);
}

bool health_rate(const struct health_view *view, int64_t provider_id, enum health_kind kind, double *rate)
{
    const struct health_rates *row;

    if (!view || view->count == 0)
        return false;
    row = bsearch(&provider_id, view->providers, view->count, sizeof(*row), by_id);
    if (!row || !row->known[kind])
        return false;
    *rate = row->rates[kind];
    return true;
}

struct health_status health_status(const struct health_view *view, int64_t provider_id, enum health_kind kind)
{
    struct health_status status = { false, 0.0 };
    double critical;

    if (health_rate(view, provider_id, kind, &status.rate)) {
        critical = view->settings->kinds[kind].critical;
        status.critical = critical > 0 && status.rate >= critical;
    }
    return status;
}

bool health_is_overridden(const struct provider *provider, const struct terminal *terminal)
{
    const struct fd_overrides *own = terminal->route_fd_overrides, *inherited = provider->route_fd_overrides;

    if (own && own->enabled)
        return *own->enabled;
    return inherited && inherited->enabled && *inherited->enabled;
}

struct health_status health_route_status(const struct health_view *view, const struct provider *provider,
                                         const struct terminal *terminal, enum health_kind kind)
{
    struct health_status status;

    if (health_is_overridden(provider, terminal))
        view = NULL;
    status = health_status(view, provider->id, kind);
    if (kind == HEALTH_AVAILABILITY) /* late answers speak against a route only where an operator says so */
        status.critical |= health_status(view, provider->id, HEALTH_SLOWNESS).critical;
    return status;
}

bool health_sub_code_counts(const struct health_view *view, const char *sub_code)
{
    const struct health_settings *settings = view ? view->settings : &health_defaults;
    size_t i;

    for (i = 0; sub_code && i < settings->benign_count; i++) {
        if (strcmp(sub_code, settings->benign[i]) == 0)
            return false;
    }
    return sub_code != NULL;
}

/* ---- the computation ---- */

double health_failure_rate(const struct health_tick *ticks, size_t count)
{
    double rates = 0, weights = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        double weight = (double)(i + 1), failures = (double)ticks[i].failures, all = failures + (double)ticks[i].successes;

        weights += weight;
        if (all > 0)
            rates += weight * failures / all;
    }
    return weights > 0 ? rates / weights : 0.0;
}

/* An aggregate is dropped after the computation in which it was found older than the window: one tick more than fit
 * into the window and its two ends take part. */
size_t health_window_ticks(const struct health_settings *settings, enum health_kind kind)
{
    int64_t ticks = settings->kinds[kind].window_ms / settings->tick_ms + 2;

    return ticks < HEALTH_TICKS_MAX ? (size_t)ticks : HEALTH_TICKS_MAX;
}

/* Takes a whole number 0..MAX from *TEXT. */
static bool take_number(const char **text, int64_t max, int64_t *out)
{
    char *end;

    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    *out = strtoll(*text, &end, 10);
    *text = end;
    return !errno && *out <= max;
}

/* " start:successes:failures" */
static bool take_entry(const char **text, int64_t *start_ms, struct health_tick *tick)
{
    const char *at = *text;

    if (*at++ != ' ' || !take_number(&at, INT64_MAX, start_ms) || *at++ != ':' ||
        !take_number(&at, COUNT_MAX, &tick->successes) || *at++ != ':' || !take_number(&at, COUNT_MAX, &tick->failures))
        return false;
    *text = at;
    return true;
}

bool health_record_rate(const struct health_settings *settings, enum health_kind kind, const char *record,
                        int64_t now_ms, double *rate)
{
    struct health_tick ticks[HEALTH_TICKS_MAX] = { 0 }, one;
    int64_t newest = now_ms / settings->tick_ms - 1, oldest, first_ms, start_ms;
    const char *at = record;

    if (!take_number(&at, INT64_MAX, &first_ms) || first_ms / settings->tick_ms > newest)
        return false;
    oldest = newest - (int64_t)health_window_ticks(settings, kind) + 1;
    if (oldest < first_ms / settings->tick_ms)
        oldest = first_ms / settings->tick_ms;
    while (*at) {
        if (!take_entry(&at, &start_ms, &one))
            return false;
        start_ms /= settings->tick_ms; /* daemons with shorter ticks may have written several into one of ours */
        if (start_ms < oldest || start_ms > newest)
            continue;
        ticks[start_ms - oldest].successes += one.successes;
        ticks[start_ms - oldest].failures += one.failures;
    }
    *rate = health_failure_rate(ticks, (size_t)(newest - oldest + 1));
    return true;
}

void health_service_name(int64_t provider_id, enum health_kind kind, char out[HEALTH_SERVICE_MAX])
{
    snprintf(out, HEALTH_SERVICE_MAX, "%" PRId64 ":%s", provider_id, kind_names[kind]);
}

bool health_service_parse(const char *name, int64_t *provider_id, enum health_kind *kind)
{
    size_t i;

    if (!take_number(&name, INT64_MAX, provider_id) || *name++ != ':')
        return false;
    for (i = 0; i < HEALTH_KINDS; i++) {
        if (strcmp(name, kind_names[i]) == 0) {
            *kind = (enum health_kind)i;
            return true;
        }
    }
    return false;
}

/* /metrics: figures in Prometheus's text format. */
#include <inttypes.h>

#include "api/metrics_process.h"
#include "api/request.h"
#include "payment/types.h"
#include "provider/lanes.h"
#include "redis/guard.h"

const int64_t latency_bucket_us[LATENCY_BUCKETS] = {
    1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 1000000, 10000000,
};

static void figure(struct buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
    buf_printf(out, "# HELP sluice_%s %s\n# TYPE sluice_%s %s\nsluice_%s %" PRIu64 "\n", name, help, name, type, name, value);
}

/* All causes, so that an alert has something to compare with from the start. */
static void cause_figures(struct buf *out, const char *name, const char *help, const uint64_t *counts)
{
    size_t i;

    buf_printf(out, "# HELP sluice_%s %s\n# TYPE sluice_%s counter\n", name, help, name);
    for (i = 0; i < STEP_CAUSES; i++)
        buf_printf(out, "sluice_%s{cause=\"%s\"} %" PRIu64 "\n", name, step_cause_name((enum step_cause)i), counts[i]);
}

static void runtime_figures(const struct api_setup *setup, struct buf *out)
{
    struct runtime_stats stats;

    runtime_stats(setup->runtime, &stats);
    figure(out, "turns_total", "counter", "Turns of machines.", stats.turns);
    figure(out, "steps_total", "counter", "Steps run.", stats.steps);
    figure(out, "commits_total", "counter", "Commits done.", stats.commits);
    figure(out, "quiet_commits_total", "counter", "Commits without changes.", stats.quiet_commits);
    figure(out, "conflicts_total", "counter", "Commits that somebody else was ahead of.", stats.conflicts);
    figure(out, "loads_total", "counter", "Machines loaded.", stats.loads);
    figure(out, "effects_total", "counter", "Effects ordered.", stats.effects);
    figure(out, "step_retries_total", "counter", "Steps that failed and are tried again.", stats.retries);
    figure(out, "machine_failures_total", "counter", "Machines parked as failed.", stats.failures);
    cause_figures(out, "step_retries_by_cause_total", "Steps that are tried again, by what was in their way.",
                  stats.retries_by);
    cause_figures(out, "machine_failures_by_cause_total", "Machines parked as failed, by what was in their way.",
                  stats.failures_by);
    figure(out, "calls_total", "counter", "Calls taken.", stats.calls);
    figure(out, "overloads_total", "counter", "Calls refused because too much was in work.", stats.overloads);
    figure(out, "refusals_total", "counter", "Calls refused by the rules.", stats.refusals);
    figure(out, "lost_claims_total", "counter", "Claims that ran out while in work.", stats.lost_claims);
    figure(out, "machines_in_work", "gauge", "Machines in memory now.", stats.in_work);
    figure(out, "requests_waiting", "gauge", "Requests waiting for their machine.", stats.waiting);
}

static void redis_figures(const struct api_setup *setup, struct buf *out)
{
    struct client_stats stats;

    client_stats(setup->client, &stats);
    figure(out, "redis_up", "gauge", "1: the connection to Redis is there.", client_is_up(setup->client));
    figure(out, "redis_requests_total", "counter", "Commands sent to Redis.", stats.requests);
    figure(out, "redis_errors_total", "counter", "Error answers of Redis.", stats.errors);
    figure(out, "redis_lost_total", "counter", "Commands whose answer was lost.", stats.lost);
    figure(out, "redis_connects_total", "counter", "Connections made to Redis.", stats.reconnects);
    figure(out, "redis_in_flight", "gauge", "Commands under way.", stats.in_flight);
    figure(out, "redis_sent_bytes_total", "counter", "Bytes of commands.", stats.bytes_out);
}

/* All reasons but "usable", so that an alert has something to compare with from the start. */
static void guard_figures(const struct api_setup *setup, struct buf *out)
{
    struct guard_view view;
    int state;

    guard_view(setup->guard, &view);
    figure(out, "redis_usable", "gauge", "1: Redis was found usable, and work is done.", view.state == GUARD_USABLE);
    buf_str(out, "# HELP sluice_redis_unusable Why Redis is not used now, 1 at the reason.\n"
                 "# TYPE sluice_redis_unusable gauge\n");
    for (state = GUARD_USABLE + 1; state < GUARD_STATES; state++)
        buf_printf(out, "sluice_redis_unusable{reason=\"%s\"} %d\n", guard_state_name((enum guard_state)state),
                   (int)view.state == state);
    buf_str(out, "# HELP sluice_redis_unusable_total Times that Redis became unusable, by reason.\n"
                 "# TYPE sluice_redis_unusable_total counter\n");
    for (state = GUARD_USABLE + 1; state < GUARD_STATES; state++)
        buf_printf(out, "sluice_redis_unusable_total{reason=\"%s\"} %" PRIu64 "\n",
                   guard_state_name((enum guard_state)state), view.entered[state]);
}

static void wheel_figures(const struct api_setup *setup, struct buf *out)
{
    struct wheel_stats stats;
    uint64_t sum = 0;
    size_t i;

    wheel_stats(setup->wheel, &stats);
    figure(out, "wheel_claims_total", "counter", "Looks at the wheel.", stats.claims);
    figure(out, "wheel_claimed_total", "counter", "Machines claimed.", stats.claimed);
    figure(out, "partitions_owned", "gauge", "Partitions that prefer this daemon.", (uint64_t)stats.owned);
    figure(out, "daemons", "gauge", "Daemons alive.", (uint64_t)stats.daemons);
    buf_str(out, "# HELP sluice_timer_lateness_seconds How late timers were claimed.\n"
                 "# TYPE sluice_timer_lateness_seconds histogram\n");
    for (i = 0; i < WHEEL_BUCKETS - 1; i++) {
        sum += stats.lateness[i];
        buf_printf(out, "sluice_timer_lateness_seconds_bucket{le=\"%g\"} %" PRIu64 "\n", (double)wheel_bucket_ms[i] / 1e3,
                   sum);
    }
    sum += stats.lateness[WHEEL_BUCKETS - 1];
    buf_printf(out, "sluice_timer_lateness_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\nsluice_timer_lateness_seconds_sum %.3f"
               "\nsluice_timer_lateness_seconds_count %" PRIu64 "\n", sum, (double)stats.lateness_sum_ms / 1e3, sum);
}

static void lane_figures(const struct lanes *lanes, struct buf *out)
{
    const struct lane_stats *lane;

    buf_str(out, "# HELP sluice_provider_calls Calls under way, by provider; 0 are all inspectors.\n"
                 "# TYPE sluice_provider_calls gauge\n");
    for (lane = lanes_next(lanes, NULL); lane; lane = lanes_next(lanes, lane))
        buf_printf(out, "sluice_provider_calls{provider=\"%" PRId64 "\"} %zu\n", lane->provider_id, lane->under_way);
    buf_str(out, "# HELP sluice_provider_calls_refused_total Calls put off because the provider had too many under way.\n"
                 "# TYPE sluice_provider_calls_refused_total counter\n");
    for (lane = lanes_next(lanes, NULL); lane; lane = lanes_next(lanes, lane))
        buf_printf(out, "sluice_provider_calls_refused_total{provider=\"%" PRId64 "\"} %" PRIu64 "\n", lane->provider_id,
                   lane->refused);
}

/* One call's answers, whatever they were: sums over the outcomes. */
static void call_latency(const struct effects_kind_stats *kind, struct buf *out)
{
    uint64_t count = 0, sum_us = 0;
    size_t bucket, outcome;

    for (outcome = 0; outcome < SL_ERR_COUNT; outcome++)
        sum_us += kind->outcomes[outcome].latency_us;
    for (bucket = 0; bucket < EFFECTS_BUCKETS; bucket++) {
        for (outcome = 0; outcome < SL_ERR_COUNT; outcome++)
            count += kind->outcomes[outcome].buckets[bucket];
        buf_printf(out, "sluice_provider_answer_seconds_bucket{call=\"%s\",le=\"", kind->name);
        if (bucket + 1 < EFFECTS_BUCKETS)
            buf_printf(out, "%g\"} %" PRIu64 "\n", (double)effects_bucket_us[bucket] / 1e6, count);
        else
            buf_printf(out, "+Inf\"} %" PRIu64 "\n", count);
    }
    buf_printf(out, "sluice_provider_answer_seconds_sum{call=\"%s\"} %.6f\n"
                    "sluice_provider_answer_seconds_count{call=\"%s\"} %" PRIu64 "\n",
               kind->name, (double)sum_us / 1e6, kind->name, count);
}

static void effect_figures(const struct api_setup *setup, struct buf *out)
{
    struct effects_stats stats;
    size_t kind, outcome;

    effects_stats(setup->effects, &stats);
    buf_str(out, "# HELP sluice_effect_answers_total Answers of providers and inspectors, by call and outcome.\n"
                 "# TYPE sluice_effect_answers_total counter\n");
    for (kind = 0; kind < EFFECTS_KINDS; kind++) {
        for (outcome = 0; outcome < SL_ERR_COUNT; outcome++) {
            if (stats.kinds[kind].outcomes[outcome].count > 0)
                buf_printf(out, "sluice_effect_answers_total{call=\"%s\",outcome=\"%s\"} %" PRIu64 "\n",
                           stats.kinds[kind].name, sl_err_name((enum sl_err)-(int)outcome),
                           stats.kinds[kind].outcomes[outcome].count);
        }
    }
    buf_str(out, "# HELP sluice_provider_answer_seconds Time to the answers of providers and inspectors, by call.\n"
                 "# TYPE sluice_provider_answer_seconds histogram\n");
    for (kind = 0; kind < EFFECTS_KINDS; kind++) {
        if (stats.kinds[kind].name)
            call_latency(&stats.kinds[kind], out);
    }
    lane_figures(effects_lanes(setup->effects), out);
    figure(out, "effects_in_flight", "gauge", "Calls to providers and inspectors under way.", stats.in_flight);
}

/* Of this daemon since it was started; all statuses, so that rates have something to begin with. */
static void payment_figures(const struct api_setup *setup, struct buf *out)
{
    static const int shown[] = { PAYMENT_CAPTURED, PAYMENT_CANCELLED, PAYMENT_FAILED };
    struct health_watch_stats stats;
    size_t i;

    health_watch_stats(setup->health, &stats);
    buf_str(out, "# HELP sluice_payments_total Payments that came to this status.\n# TYPE sluice_payments_total counter\n");
    for (i = 0; i < SL_COUNT(shown); i++)
        buf_printf(out, "sluice_payments_total{status=\"%s\"} %" PRIu64 "\n",
                   type_name_of(&type_payment_status, shown[i]), stats.payments[shown[i]]);
}

static void health_figures(const struct api_setup *setup, struct buf *out)
{
    const struct health_view *view = health_watch_view(setup->health);
    struct health_watch_stats stats;
    size_t i, kind;

    health_watch_stats(setup->health, &stats);
    figure(out, "fault_reports_total", "counter", "Outcomes at providers that the fault detector was told here.", stats.reports);
    figure(out, "fault_flushes_total", "counter", "Times that outcomes were shared with the other daemons.", stats.flushes);
    figure(out, "fault_flush_failures_total", "counter", "Times that this failed.", stats.failed);
    figure(out, "fault_lost_total", "counter", "Outcomes that were given up.", stats.lost);
    buf_str(out, "# HELP sluice_provider_failure_rate How much of what was lately asked of a provider failed, or was answered late (slowness), 0 to 1.\n"
                 "# TYPE sluice_provider_failure_rate gauge\n");
    for (i = 0; view && i < view->count; i++) {
        const struct health_rates *rates = &view->providers[i];

        for (kind = 0; kind < HEALTH_KINDS; kind++) {
            if (rates->known[kind])
                buf_printf(out, "sluice_provider_failure_rate{provider=\"%" PRId64 "\",kind=\"%s\"} %.6f\n",
                           rates->provider_id, health_kind_name((enum health_kind)kind), rates->rates[kind]);
        }
    }
}

static void route_latency(const struct api_route *route, struct buf *out)
{
    uint64_t count = 0;
    size_t i;

    for (i = 0; i <= LATENCY_BUCKETS; i++)
        count += route->took[i];
    if (count == 0)
        return;
    count = 0;
    for (i = 0; i < LATENCY_BUCKETS; i++) {
        count += route->took[i];
        buf_printf(out, "sluice_http_seconds_bucket{method=\"%s\",route=\"%s\",le=\"%g\"} %" PRIu64 "\n", route->method,
                   route->path, (double)latency_bucket_us[i] / 1e6, count);
    }
    count += route->took[LATENCY_BUCKETS];
    buf_printf(out, "sluice_http_seconds_bucket{method=\"%s\",route=\"%s\",le=\"+Inf\"} %" PRIu64 "\n"
                    "sluice_http_seconds_sum{method=\"%s\",route=\"%s\"} %.6f\n"
                    "sluice_http_seconds_count{method=\"%s\",route=\"%s\"} %" PRIu64 "\n",
               route->method, route->path, count, route->method, route->path, (double)route->us_sum / 1e6,
               route->method, route->path, count);
}

static void http_figures(struct buf *out)
{
    const struct api_route *route;
    int class;

    buf_str(out, "# HELP sluice_http_requests_total Requests answered, by route and class of status.\n"
                 "# TYPE sluice_http_requests_total counter\n");
    for (route = api_routes(); route->method; route++) {
        for (class = 1; class < 6; class++) {
            if (route->answered[class] > 0)
                buf_printf(out, "sluice_http_requests_total{method=\"%s\",route=\"%s\",status=\"%dxx\"} %" PRIu64 "\n",
                           route->method, route->path, class, route->answered[class]);
        }
    }
    buf_str(out, "# HELP sluice_http_seconds Time to the answer, by route.\n# TYPE sluice_http_seconds histogram\n");
    for (route = api_routes(); route->method; route++)
        route_latency(route, out);
}

static void connection_figures(const struct http_stats *stats, struct buf *out)
{
    size_t i;

    buf_str(out, "# HELP sluice_http_connections Connections open, by what they wait for.\n"
                 "# TYPE sluice_http_connections gauge\n");
    for (i = 0; i < HTTP_STATES; i++)
        buf_printf(out, "sluice_http_connections{state=\"%s\"} %zu\n", http_state_name((enum http_state)i),
                   stats->now[i]);
    figure(out, "http_connections_total", "counter", "Connections taken.", stats->taken);
    buf_str(out, "# HELP sluice_http_connections_ended_total Connections closed, by reason.\n"
                 "# TYPE sluice_http_connections_ended_total counter\n");
    for (i = 0; i < HTTP_ENDS; i++)
        buf_printf(out, "sluice_http_connections_ended_total{reason=\"%s\"} %" PRIu64 "\n",
                   http_end_name((enum http_end)i), stats->ended[i]);
    figure(out, "http_pauses_total", "counter", "Times that no more connections were taken for a moment.", stats->pauses);
}

/* ---- what is stored ---- */

/* Counted in Redis when it is asked for, so that it outlives daemons. */
struct stored_counts {
    int left;
    enum sl_err err;
    uint64_t failed, retrying, overdue, waiting;
};

#define OVERDUE_MS 5000 /* a timer that should have run so long ago, and nobody has taken it */
#define COUNT_MS 1000

static void metrics_answer(struct api_request *request, const struct stored_counts *counts)
{
    const struct api_setup *setup = api_setup(request);
    struct buf text = BUF_EMPTY;
    struct http_stats http;

    process_figures(&text);
    if (!counts->err) {
        buf_printf(&text, "# HELP sluice_machines Machines of the whole deployment: failed, retrying, overdue, or on the wheel.\n"
                          "# TYPE sluice_machines gauge\nsluice_machines{status=\"failed\"} %" PRIu64 "\n"
                          "sluice_machines{status=\"retrying\"} %" PRIu64 "\n"
                          "sluice_machines{status=\"overdue\"} %" PRIu64 "\nsluice_machines{status=\"waiting\"} %" PRIu64 "\n",
                   counts->failed, counts->retrying, counts->overdue, counts->waiting);
    }
    payment_figures(setup, &text);
    runtime_figures(setup, &text);
    redis_figures(setup, &text);
    guard_figures(setup, &text);
    wheel_figures(setup, &text);
    effect_figures(setup, &text);
    health_figures(setup, &text);
    figure(&text, "http_open", "gauge", "Requests that are not answered yet, this one too.", requests_open(request));
    api_http_stats(request, &http);
    connection_figures(&http, &text);
    http_figures(&text);
    answer_text(request, 200, "text/plain; version=0.0.4", &text);
}

static void counted(struct api_request *request, enum sl_err err, const struct reply *reply, uint64_t *figure)
{
    struct stored_counts *counts = request->waiting;

    if (err)
        counts->err = err;
    else
        *figure += (uint64_t)reply_i64_or(reply, 0);
    if (--counts->left == 0)
        metrics_answer(request, counts);
}

static void failed_counted(void *arg, enum sl_err err, const struct reply *reply)
{
    struct stored_counts *counts = ((struct api_request *)arg)->waiting;

    counted(arg, err, reply, &counts->failed);
}

static void retrying_counted(void *arg, enum sl_err err, const struct reply *reply)
{
    struct stored_counts *counts = ((struct api_request *)arg)->waiting;

    counted(arg, err, reply, &counts->retrying);
}

static void overdue_counted(void *arg, enum sl_err err, const struct reply *reply)
{
    struct stored_counts *counts = ((struct api_request *)arg)->waiting;

    counted(arg, err, reply, &counts->overdue);
}

static void waiting_counted(void *arg, enum sl_err err, const struct reply *reply)
{
    struct stored_counts *counts = ((struct api_request *)arg)->waiting;

    counted(arg, err, reply, &counts->waiting);
}

void metrics_get(struct api_request *request)
{
    const struct api_setup *setup = api_setup(request);
    struct stored_counts *counts = request->waiting = arena_alloc(request->arena, sizeof(*counts));
    int p, partitions = space_count(setup->space);
    char latest[SLICE_I64_MAX];
    struct slice before = slice_i64(latest, runtime_now_us(setup->runtime) / 1000 - OVERDUE_MS);

    counts->left = 4 * partitions;
    for (p = 0; p < partitions; p++) {
        struct slice failed[] = { slice_of("ZCARD"), space_failed(setup->space, p) };
        struct slice retrying[] = { slice_of("ZCARD"), space_retrying(setup->space, p) };
        struct slice overdue[] = { slice_of("ZCOUNT"), space_wheel(setup->space, p), slice_of("-inf"), before };
        struct slice waiting[] = { slice_of("ZCARD"), space_wheel(setup->space, p) };

        client_command(setup->client, failed, SL_COUNT(failed), COUNT_MS, failed_counted, request);
        client_command(setup->client, retrying, SL_COUNT(retrying), COUNT_MS, retrying_counted, request);
        client_command(setup->client, overdue, SL_COUNT(overdue), COUNT_MS, overdue_counted, request);
        client_command(setup->client, waiting, SL_COUNT(waiting), COUNT_MS, waiting_counted, request);
    }
}

/* Failure rates and what they mean, against the figures of doc/spec/routing.md 13.5. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "domain/health.h"

#define TICK 3000
#define T0 ((int64_t)600000 * TICK) /* a tick long ago, by whose start services have their first record */

/* Outcomes of the tick numbered AT since T0. */
static void record_tick(char *record, int at, int successes, int failures)
{
    sprintf(record + strlen(record), " %lld:%d:%d", (long long)(T0 + (int64_t)at * TICK), successes, failures);
}

static void record_begin(char *record, int first)
{
    sprintf(record, "%lld", (long long)(T0 + (int64_t)first * TICK));
}

/* The rate that is known in tick NOW, when the one before it is over. -1: none. */
static double rate_at(const char *record, int now)
{
    double rate = -1;

    if (!health_record_rate(&health_defaults, HEALTH_AVAILABILITY, record, T0 + (int64_t)now * TICK + TICK / 2, &rate))
        return -1;
    return rate;
}

/* If this fails, rates are not those that operators know from the reference. */
Test(health, the_windows_of_the_reference)
{
    static const struct row {
        const char *name;
        int first;          /* tick of the service's first outcome, all idle up to FROM */
        int from, to;       /* ticks with outcomes, TO exclusive */
        int successes, failures;
        int now;
        double rate;
        bool dead;
    } rows[] = {
        { "idle, then 10 ticks with only errors", 0, 100, 110, 0, 1, 110, 175.0 / 253, false },
        { "idle, then 11 ticks with only errors", 0, 100, 111, 0, 5, 111, 187.0 / 253, true },
        { "brand-new, first tick has one error", 100, 100, 101, 0, 1, 101, 1.0, true },
        { "the same, next tick idle", 100, 100, 101, 0, 1, 102, 1.0 / 3, false },
        { "steady half", 0, 0, 100, 7, 7, 100, 0.5, false },
        { "errors stopped 11 ticks ago", 0, 0, 100, 0, 3, 111, 66.0 / 253, false },
        { "a known one errs once", 0, 100, 101, 0, 1, 101, 22.0 / 253, false },
        { "the oldest tick that counts", 0, 100, 101, 0, 1, 122, 1.0 / 253, false },
        { "one tick older", 0, 100, 101, 0, 1, 123, 0.0, false },
        { "all well", 50, 50, 100, 9, 0, 100, 0.0, false },
        { "the tick that is not over", 0, 100, 101, 0, 1, 100, 0.0, false },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        const struct row *row = &rows[i];
        char record[8192];
        struct health_rates rates = { .provider_id = 7, .known = { true } };
        struct health_view view = { &health_defaults, &rates, 1 };
        struct health_status status;
        int at;

        record_begin(record, row->first);
        for (at = row->from; at < row->to; at++)
            record_tick(record, at, row->successes, row->failures);
        rates.rates[HEALTH_AVAILABILITY] = rate_at(record, row->now);
        cr_expect_float_eq(rates.rates[HEALTH_AVAILABILITY], row->rate, 1e-9, "%s: %f", row->name,
                           rates.rates[HEALTH_AVAILABILITY]);
        status = health_status(&view, 7, HEALTH_AVAILABILITY);
        cr_expect_eq(status.critical, row->dead, "%s", row->name);
    }
}

/* If this fails, the window has another length than its settings say. */
Test(health, a_window_has_two_ticks_more_than_fit)
{
    struct health_settings settings = health_defaults;

    cr_expect_eq(health_window_ticks(&settings, HEALTH_AVAILABILITY), 22);
    settings.kinds[HEALTH_CONVERSION].window_ms = 200;
    settings.tick_ms = 100;
    cr_expect_eq(health_window_ticks(&settings, HEALTH_CONVERSION), 4);
    settings.kinds[HEALTH_CONVERSION].window_ms = INT64_MAX;
    cr_expect_eq(health_window_ticks(&settings, HEALTH_CONVERSION), HEALTH_TICKS_MAX);
}

/* If this fails, a provider is shut out, or let in, on no evidence or on somebody's rubbish. */
Test(health, what_is_no_record_gives_no_rate)
{
    static const char *const bad[] = {
        "", "x", "-1", "1 ", "1 2", "1 2:3", "1 2:3:", "1 2:3:4 ", "1 2:3:4:5", "1 2:-3:4", "1  2:3:4",
        "99999999999999999999", "1 2:9999999999999:1",
    };
    char record[256];
    size_t i;

    for (i = 0; i < SL_COUNT(bad); i++)
        cr_expect_eq(rate_at(bad[i], 10), -1, "%s", bad[i]);
    record_begin(record, 10);
    record_tick(record, 10, 0, 1);
    cr_expect_eq(rate_at(record, 9), -1, "a first tick in the future");
    cr_expect_eq(rate_at(record, 10), -1, "no tick of it is over");
    record_tick(record, 30, 0, 9); /* Redis's clock was set back */
    cr_expect_eq(rate_at(record, 11), 1.0);
}

/* If this fails, a daemon with longer ticks reads nonsense from those with shorter ones. */
Test(health, ticks_of_other_lengths_are_added_up)
{
    char record[256];

    record_begin(record, 0);
    sprintf(record + strlen(record), " %lld:1:0 %lld:0:1", (long long)T0, (long long)(T0 + 1000));
    cr_expect_float_eq(rate_at(record, 1), 0.5, 1e-9);
}

/* If this fails, routing treats a healthy provider as dead, or a dead one as alive. */
Test(health, status_is_a_matter_of_the_threshold)
{
    const struct health_rates rates[] = {
        { 1, { true, true }, { 0.7, 0.699999 } }, { 5, { true, false }, { 0.1, 0.9 } }, { 9, { false, true }, { 0.9, 1.0 } },
    };
    const struct health_view view = { &health_defaults, rates, SL_COUNT(rates) };
    static const struct row {
        int64_t provider;
        enum health_kind kind;
        bool critical;
        double rate;
    } rows[] = {
        { 1, HEALTH_AVAILABILITY, true, 0.7 },  { 1, HEALTH_CONVERSION, false, 0.699999 },
        { 5, HEALTH_AVAILABILITY, false, 0.1 }, { 5, HEALTH_CONVERSION, false, 0.0 },
        { 9, HEALTH_AVAILABILITY, false, 0.0 }, { 9, HEALTH_CONVERSION, true, 1.0 },
        { 2, HEALTH_AVAILABILITY, false, 0.0 }, { INT64_MAX, HEALTH_CONVERSION, false, 0.0 },
    };
    double rate = 5;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct health_status status = health_status(&view, rows[i].provider, rows[i].kind);

        cr_expect_eq(status.critical, rows[i].critical, "row %zu", i);
        cr_expect_eq(status.rate, rows[i].rate, "row %zu", i);
    }
    cr_expect_not(health_rate(&view, 2, HEALTH_AVAILABILITY, &rate));
    cr_expect_not(health_rate(NULL, 1, HEALTH_AVAILABILITY, &rate));
    cr_expect_eq(rate, 5);
    cr_expect_not(health_status(NULL, 1, HEALTH_AVAILABILITY).critical);
}

/* If this fails, a bank that is slow and works loses its routes, though no operator said so; or keeps them where one did. */
Test(health, lateness_speaks_against_a_route_only_where_it_is_switched_on)
{
    const struct health_rates rates = { 4, { true, true, true }, { 0.1, 0.1, 0.95 } };
    struct health_settings settings = health_defaults;
    const struct health_view view = { &settings, &rates, 1 };
    const struct provider provider = { .id = 4 };
    const struct terminal terminal = { .id = 1 };
    struct health_status status = health_route_status(&view, &provider, &terminal, HEALTH_AVAILABILITY);

    cr_expect_not(status.critical);
    cr_expect_float_eq(status.rate, 0.1, 1e-9);
    cr_expect_not(health_status(&view, 4, HEALTH_SLOWNESS).critical);
    settings.kinds[HEALTH_SLOWNESS].critical = 0.9;
    status = health_route_status(&view, &provider, &terminal, HEALTH_AVAILABILITY);
    cr_expect(status.critical);
    cr_expect_float_eq(status.rate, 0.1, 1e-9, "its availability is what it was");
    cr_expect_not(health_route_status(&view, &provider, &terminal, HEALTH_CONVERSION).critical);
    settings.kinds[HEALTH_SLOWNESS].critical = 0.96;
    cr_expect_not(health_route_status(&view, &provider, &terminal, HEALTH_AVAILABILITY).critical);
}

/* If this fails, a route that is to be tried whatever the statistics say is dropped, or the other way round. */
Test(health, an_override_passes_the_statistics_over)
{
    static const bool yes = true, no = false;
    static const struct fd_overrides on = { &yes }, off = { &no }, silent = { NULL };
    static const struct row {
        const struct fd_overrides *provider, *terminal;
        bool dead;
    } rows[] = {
        { NULL, NULL, true }, { &on, NULL, false },  { &off, NULL, true },    { NULL, &on, false },
        { &on, &off, true },  { &off, &on, false },  { &on, &silent, false }, { &silent, NULL, true },
    };
    const struct health_rates rates = { 4, { true, true }, { 0.9, 0.9 } };
    const struct health_view view = { &health_defaults, &rates, 1 };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct provider provider = { .id = 4, .route_fd_overrides = rows[i].provider };
        struct terminal terminal = { .route_fd_overrides = rows[i].terminal };
        struct health_status status = health_route_status(&view, &provider, &terminal, HEALTH_AVAILABILITY);

        cr_expect_eq(status.critical, rows[i].dead, "row %zu", i);
        cr_expect_eq(status.rate, rows[i].dead ? 0.9 : 0.0, "row %zu", i);
    }
}

/* If this fails, payers without money make a provider look broken, or a broken one looks well. */
Test(health, benign_refusals_do_not_count)
{
    static const char *const mine[] = { "unknown" };
    struct health_settings settings = health_defaults;
    struct health_view view = { .settings = &settings };

    cr_expect_not(health_sub_code_counts(NULL, "insufficient_funds"));
    cr_expect_not(health_sub_code_counts(NULL, "rejected_by_issuer"));
    cr_expect_not(health_sub_code_counts(NULL, "processing_deadline_reached"));
    cr_expect_not(health_sub_code_counts(NULL, NULL));
    cr_expect(health_sub_code_counts(NULL, "unknown"));
    cr_expect(health_sub_code_counts(NULL, "something_new"));
    settings.benign = mine;
    settings.benign_count = 1;
    cr_expect_not(health_sub_code_counts(&view, "unknown"));
    cr_expect(health_sub_code_counts(&view, "insufficient_funds"));
}

/* If this fails, statistics are written under one name and looked for under another. */
Test(health, names_of_services_come_back)
{
    static const char *const bad[] = { "", "7", "7:", ":availability", "7:x", "x:availability", "7:availability ", "-7:conversion" };
    char name[HEALTH_SERVICE_MAX];
    enum health_kind kind;
    int64_t id;
    size_t i;

    for (i = 0; i < HEALTH_KINDS; i++) {
        health_service_name(INT64_MAX, (enum health_kind)i, name);
        cr_assert(health_service_parse(name, &id, &kind));
        cr_expect_eq(id, INT64_MAX);
        cr_expect_eq(kind, (enum health_kind)i);
    }
    for (i = 0; i < SL_COUNT(bad); i++)
        cr_expect_not(health_service_parse(bad[i], &id, &kind), "%s", bad[i]);
}

/* Daemons sharing the health of providers through a real Redis: several watches, each with a connection of its own. */
#include <criterion/criterion.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "payment/note.h"
#include "provider/health_watch.h"
#include "redis/script_list.h"
#include "support/redis_fixture.h"

#define TICK_MS 100
#define WINDOW_MS 1000

static struct redis_fixture redis;
static struct health_settings settings;
static struct client *clients[2];
static struct health_watch *watches[2];

static struct health_watch *watch_on(struct client *client)
{
    return health_watch_new(&(struct health_watch_setup){ .base = redis.base, .client = client, .settings = &settings });
}

static void open_watches(void)
{
    struct client_setup setup = { .scripts = script_list };
    size_t i;

    redis_fixture_open(&redis);
    settings = health_defaults;
    settings.tick_ms = TICK_MS;
    settings.kinds[HEALTH_AVAILABILITY].window_ms = settings.kinds[HEALTH_CONVERSION].window_ms = WINDOW_MS;
    settings.kinds[HEALTH_SLOWNESS].window_ms = WINDOW_MS;
    for (i = 0; i < SL_COUNT(watches); i++) {
        clients[i] = redis_fixture_client(&redis, &setup);
        redis_fixture_wait_up(&redis, clients[i], true);
        watches[i] = watch_on(clients[i]);
    }
}

static void close_watches(void)
{
    size_t i;

    for (i = 0; i < SL_COUNT(watches); i++) {
        client_free(clients[i]);
        health_watch_free(watches[i]);
    }
    redis_fixture_close(&redis);
}

TestSuite(health_watch, .init = open_watches, .fini = close_watches, .timeout = 60);

/* The rate that WATCH knows; -1: none. */
static double rate(const struct health_watch *watch, int64_t provider_id, enum health_kind kind)
{
    double value;

    return health_rate(health_watch_view(watch), provider_id, kind, &value) ? value : -1;
}

/* Runs the loop until the rate of provider 7's availability, as WATCH knows it, lies within LOW..HIGH. */
static void wait_rate(const struct health_watch *watch, double low, double high)
{
    int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;

    while (rate(watch, 7, HEALTH_AVAILABILITY) < low || rate(watch, 7, HEALTH_AVAILABILITY) > high) {
        cr_assert(clock_mono_us() < until_us, "the rate is %f, not within %f..%f", rate(watch, 7, HEALTH_AVAILABILITY),
                  low, high);
        redis_fixture_run(&redis, 5);
    }
}

/* The same with failures all the while: no tick in which they show can be missed. */
static void fail_until_dead(const struct health_watch *seen_by)
{
    int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;

    while (!health_status(health_watch_view(seen_by), 7, HEALTH_AVAILABILITY).critical) {
        cr_assert(clock_mono_us() < until_us, "the rate is %f", rate(seen_by, 7, HEALTH_AVAILABILITY));
        health_watch_report(watches[0], 7, HEALTH_AVAILABILITY, false);
        redis_fixture_run(&redis, 5);
    }
}

static uint64_t flushes(const struct health_watch *watch)
{
    struct health_watch_stats stats;

    health_watch_stats(watch, &stats);
    return stats.flushes;
}

static void wait_flushes(const struct health_watch *watch, uint64_t count)
{
    int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;

    while (flushes(watch) < count) {
        cr_assert(clock_mono_us() < until_us, "%" PRIu64 " flushes", flushes(watch));
        redis_fixture_run(&redis, 5);
    }
}

/* Sum of what Redis has of SERVICE: "successes/failures". */
static const char *stored(const char *service)
{
    static char sums[64];
    const char *at = redis_fixture_ask(&redis, "HGET", HEALTH_KEY, service, NULL);
    long good = 0, bad = 0, one, two;

    while ((at = strchr(at, ' '))) {
        if (sscanf(++at, "%*d:%ld:%ld", &one, &two) == 2) {
            good += one;
            bad += two;
        }
    }
    snprintf(sums, sizeof(sums), "%ld/%ld", good, bad);
    return sums;
}

/* If this fails, a daemon sends payments to a provider that another one has found dead, or for ever shuns one that
 * works again: it gets no traffic that could prove it. */
Test(health_watch, what_one_sees_the_other_knows_and_idleness_heals)
{
    fail_until_dead(watches[1]);
    cr_expect_eq(rate(watches[1], 7, HEALTH_CONVERSION), -1);
    cr_expect_eq(rate(watches[1], 8, HEALTH_AVAILABILITY), -1);
    wait_rate(watches[1], 0.0, 0.1);
    cr_expect_not(health_status(health_watch_view(watches[1]), 7, HEALTH_AVAILABILITY).critical);
    wait_rate(watches[0], 0.0, 0.0);
    cr_expect_eq(rate(watches[1], 7, HEALTH_AVAILABILITY) >= 0, 1, "it is known still, not new");
}

/* If this fails, counts are lost or doubled where nothing went wrong. */
Test(health_watch, every_outcome_is_counted_once)
{
    int i;

    for (i = 0; i < 100; i++) {
        health_watch_report(watches[i % 2], 7, HEALTH_AVAILABILITY, i % 4 != 0);
        if (i == 50)
            wait_flushes(watches[0], flushes(watches[0]) + 1);
    }
    wait_flushes(watches[0], flushes(watches[0]) + 2);
    wait_flushes(watches[1], flushes(watches[1]) + 2);
    cr_expect_str_eq(stored("7:availability"), "75/25");
}

/* If this fails, what reaches the watch is counted under a wrong name, or a bank that is slow and works loses its
 * routes. */
Test(health_watch, hooks_count_calls_and_conversions)
{
    const struct conversion_note bad = { 7, false };
    const struct note note = { NOTE_CONVERSION, &bad }, other = { 99, NULL };

    health_watch_heard(watches[0], 7, true, 10000 * 1000);
    health_watch_heard(watches[0], 7, true, 10001 * 1000);
    health_watch_note(watches[0], &note);
    health_watch_note(watches[0], &other);
    health_watch_heard(watches[0], 7, false, 10001 * 1000);
    wait_rate(watches[1], 0.0001, 0.5);
    cr_expect_gt(rate(watches[1], 7, HEALTH_CONVERSION), 0);
    cr_expect_str_eq(stored("7:availability"), "2/1", "who answers is there, however late");
    cr_expect_str_eq(stored("7:slowness"), "1/1", "only what was answered can be late");
    cr_expect_eq(health_watch_outlook(watches[0]), health_watch_view(watches[0]));
}

/* If this fails, statistics are a load of their own: one call a tick, whatever the traffic. */
Test(health_watch, one_call_a_tick)
{
    int64_t began_us;
    uint64_t before;
    int i;

    wait_flushes(watches[0], 2);
    before = flushes(watches[0]);
    began_us = clock_mono_us();
    while (clock_mono_us() - began_us < 8 * TICK_MS * 1000) {
        for (i = 0; i < 50; i++)
            health_watch_report(watches[0], i, HEALTH_AVAILABILITY, true);
        redis_fixture_run(&redis, 10);
    }
    cr_expect_leq(flushes(watches[0]) - before, (uint64_t)((clock_mono_us() - began_us) / 1000 / TICK_MS + 1));
    cr_expect_gt(flushes(watches[0]), before);
}

/* If this fails, a daemon without Redis waits, piles counts up, or goes on shunning a provider by old news. */
Test(health_watch, without_redis_the_view_grows_old_and_counts_are_given_up)
{
    struct health_watch_stats stats;
    int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;
    int64_t reported_us;

    health_watch_report(watches[0], 7, HEALTH_AVAILABILITY, false);
    wait_rate(watches[0], 0.01, 1.0);
    client_free(redis.client);
    redis.client = NULL;
    server_stop(redis.server);
    redis.server = NULL;
    redis_fixture_wait_up(&redis, clients[0], false);
    health_watch_report(watches[0], 7, HEALTH_AVAILABILITY, false);
    reported_us = clock_mono_us();
    wait_rate(watches[0], 0.0, 0.0);
    do {
        cr_assert(clock_mono_us() < until_us);
        redis_fixture_run(&redis, 10);
        health_watch_stats(watches[0], &stats);
    } while (stats.lost == 0);
    cr_expect_geq(clock_mono_us() - reported_us, WINDOW_MS * 1000, "what still counts is kept");
    cr_expect_gt(stats.failed, 0);
}

/* If this fails, a Redis that lost everything leaves daemons with nothing, or with what it has no more. */
Test(health_watch, an_emptied_redis_is_filled_anew)
{
    health_watch_report(watches[0], 7, HEALTH_AVAILABILITY, false);
    wait_rate(watches[1], 0.01, 1.0);
    redis_fixture_ask(&redis, "FLUSHALL", NULL);
    wait_rate(watches[1], -1, -1);
    health_watch_report(watches[0], 7, HEALTH_AVAILABILITY, true);
    wait_rate(watches[1], 0.0, 0.0);
}

/* If this fails, a daemon that comes late starts blind, or one that goes leaves a call behind that finds nothing. */
Test(health_watch, watches_come_and_go)
{
    struct health_watch *third;

    health_watch_report(watches[0], 7, HEALTH_AVAILABILITY, false);
    wait_rate(watches[1], 0.01, 1.0);
    third = watch_on(clients[1]);
    wait_flushes(third, 1);
    cr_expect_gt(rate(third, 7, HEALTH_AVAILABILITY), 0.0);
    health_watch_free(third);
    third = watch_on(clients[1]);
    health_watch_report(third, 7, HEALTH_AVAILABILITY, true);
    event_base_loop(redis.base, EVLOOP_NONBLOCK); /* its first flush is on its way now */
    health_watch_free(third);
    redis_fixture_run(&redis, 3 * TICK_MS);
}

/* If this fails, a detector that is switched off costs something, or speaks all the same. */
Test(health_watch, switched_off_it_is_silent)
{
    struct health_settings off = settings;
    struct health_watch *third;

    off.enabled = false;
    third = health_watch_new(&(struct health_watch_setup){ .base = redis.base, .client = clients[0], .settings = &off });
    health_watch_report(third, 7, HEALTH_AVAILABILITY, false);
    redis_fixture_run(&redis, 3 * TICK_MS);
    cr_expect_null(health_watch_view(third));
    cr_expect_eq(flushes(third), 0);
    cr_expect_str_eq(redis_fixture_ask(&redis, "EXISTS", HEALTH_KEY, NULL), "0");
    health_watch_free(third);
}

/* If this fails, a slip in the options is found by an assertion at night. */
Test(health_settings, nonsense_is_told, .timeout = 5)
{
    struct health_settings bad;
    const char *why;
    int row;

    cr_expect(health_settings_fit(&health_defaults, &why), "%s", why);
    for (row = 0; row < 7; row++) {
        bad = health_defaults;
        switch (row) {
        case 0: bad.tick_ms = 9; break;
        case 1: bad.tick_ms = 60001; break;
        case 2: bad.kinds[HEALTH_CONVERSION].window_ms = 2999; break;
        case 3: bad.kinds[HEALTH_AVAILABILITY].window_ms = 3000 * 1023; break;
        case 4: bad.kinds[HEALTH_AVAILABILITY].critical = 0; break;
        case 5: bad.kinds[HEALTH_SLOWNESS].critical = 1.1; break;
        default: bad.kinds[HEALTH_SLOWNESS].limit_ms = 0; break;
        }
        cr_expect_not(health_settings_fit(&bad, &why), "row %d", row);
        cr_expect(why, "row %d", row);
    }
}

/* Simulated daemons: a runtime and a wheel each, on the one store. They are started, stopped, killed and held up. */
#include "sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/xmalloc.h"

/* A configuration revision on its way to a daemon. */
struct fetch {
    struct fetch *prev, *next;
    struct house *house;
    int64_t revision;
    config_done_fn done;
    void *arg;
};

/* A daemon and what only this file needs of it. */
struct house {
    struct daemon daemon; /* first, so that one is the other */
    struct fetch *fetches;
    bool have[REVISIONS_MAX];
};

static uint64_t lives; /* given out so far */
static bool ending;    /* the run is over: who dies stays dead */

static void daemon_start(void *arg);
static void plan_crash(struct daemon *daemon);

/* ---- what a runtime sees ---- */

static int64_t alarm_mono_us(void *ctx)
{
    struct daemon *daemon = ctx;

    return daemon->sim->now_us + daemon->mono_offset_us;
}

static void alarm_after(void *ctx, int64_t delay_ms, void (*fn)(void *arg), void *arg)
{
    struct daemon *daemon = ctx;

    if (!daemon->life)
        return; /* its last words */
    clock_after(daemon->sim, delay_ms * 1000 + (delay_ms > 0 ? rng_between(&daemon->random, 0, 200) : 1), daemon->life,
                fn, arg);
}

static uint64_t alarm_random(void *ctx)
{
    struct daemon *daemon = ctx;

    return rng_next(&daemon->random);
}

const struct alarm_ops sim_alarm_ops = { alarm_mono_us, alarm_after, alarm_random };

static const void *config_head(void *ctx)
{
    struct daemon *daemon = ctx;

    return daemon->sim->revisions[daemon->sim->revision_count - 1];
}

static const void *config_get(void *ctx, int64_t revision)
{
    struct house *house = ctx;
    struct sim *sim = house->daemon.sim;

    if (revision == (int64_t)sim->revision_count)
        return sim->revisions[revision - 1];
    if (house->have[revision - 1] && rng_chance(&sim->faults, 50000))
        house->have[revision - 1] = false; /* it made room for another */
    return house->have[revision - 1] ? sim->revisions[revision - 1] : NULL;
}

static void config_fetched(void *arg)
{
    struct fetch *fetch = arg;
    struct house *house = fetch->house;
    struct sim *sim = house->daemon.sim;
    enum sl_err err = sim->now_us < sim->away_until_us || sim_fault(sim, 20000, FAULT_NOT_SENT) ? SL_EDOWN : SL_OK;

    DL_DELETE(house->fetches, fetch);
    if (!err)
        house->have[fetch->revision - 1] = true;
    fetch->done(fetch->arg, err);
    free(fetch);
}

static void config_fetch(void *ctx, int64_t revision, config_done_fn done, void *arg)
{
    struct house *house = ctx;
    struct fetch *fetch = xcalloc(1, sizeof(*fetch));

    sim_count(house->daemon.sim, FAULT_CONFIG_MISSING);
    *fetch = (struct fetch){ .house = house, .revision = revision, .done = done, .arg = arg };
    DL_APPEND(house->fetches, fetch);
    if (!house->daemon.life)
        return; /* freed with the others */
    clock_after(house->daemon.sim, rng_between(&house->daemon.random, 100, 2000), house->daemon.life, config_fetched,
                fetch);
}

const struct config_ops sim_config_ops = { config_head, config_get, config_fetch };

/* ---- life and death ---- */

/* Whoever waits for a revision is told that it cannot be had. */
static void fetches_end(struct house *house)
{
    struct fetch *fetches = house->fetches, *fetch, *next;

    house->fetches = NULL;
    DL_FOREACH_SAFE(fetches, fetch, next) {
        fetch->done(fetch->arg, SL_EDOWN);
        free(fetch);
    }
}

static void daemon_end(struct daemon *daemon)
{
    struct house *house = (struct house *)daemon;
    struct fetch *fetch, *next;

    daemon->life = 0; /* whatever is still to come for it is dropped */
    fetches_end(house);
    link_free(daemon->link);
    wheel_free(daemon->wheel);
    runtime_free(daemon->runtime);
    bank_daemon_gone(daemon);
    DL_FOREACH_SAFE(house->fetches, fetch, next)
        free(fetch);
    house->fetches = NULL;
    memset(house->have, 0, sizeof(house->have));
    daemon->runtime = NULL;
    daemon->wheel = NULL;
    daemon->link = NULL;
    daemon->doomed = daemon->stopping = false;
}

void daemons_reap(struct sim *sim)
{
    size_t i;

    for (i = 0; i < sim->daemon_count; i++) {
        struct daemon *daemon = sim->daemons[i];

        if (!daemon->life || !daemon->doomed)
            continue;
        sim_say(sim, "%s dies", daemon->name);
        daemon_end(daemon);
        sim_disturbed(sim, sim->now_us);
        if (!ending)
            clock_after(sim, rng_between(&sim->faults, 0, 1) ? 10000 : rng_between(&sim->faults, 10000, 15000000), 0,
                        daemon_start, daemon);
    }
}

void daemon_doom(struct daemon *daemon, enum fault why)
{
    if (daemon->doomed || !daemon->life)
        return;
    daemon->doomed = true;
    if (why != FAULT_COUNT)
        sim_count(daemon->sim, why);
}

static void daemon_start(void *arg)
{
    struct daemon *daemon = arg;
    struct sim *sim = daemon->sim;

    if (daemon->life)
        return;
    daemon->life = ++lives;
    sim_disturbed(sim, sim->now_us);
    daemon->random.state = mix(sim->options.seed, daemon->life);
    daemon->mono_offset_us = rng_between(&daemon->random, 0, 1000000000);
    snprintf(daemon->name, sizeof(daemon->name), "d%zu.%u", daemon->index, (unsigned)daemon->life);
    sim_say(sim, "%s starts", daemon->name);
    daemon->link = link_new(daemon);
    daemon->runtime = runtime_new(&(struct runtime_setup){
        .store = &link_ops, .store_ctx = daemon->link, .effects = &bank_effect_ops, .effects_ctx = daemon,
        .config = &sim_config_ops, .config_ctx = daemon, .alarm = &sim_alarm_ops, .alarm_ctx = daemon,
        .lease_ms = sim->lease_ms,
    });
    daemon->wheel = wheel_new(&(struct wheel_setup){
        .store = &link_ops, .store_ctx = daemon->link, .space = sim->space, .runtime = daemon->runtime,
        .alarm = &sim_alarm_ops, .alarm_ctx = daemon, .name = daemon->name, .kinds = sim->kinds,
        .lease_ms = sim->lease_ms,
    });
    if (!sim->settling)
        plan_crash(daemon);
}

struct daemon *daemon_of_life(struct sim *sim, uint64_t life)
{
    size_t i;

    for (i = 0; i < sim->daemon_count; i++) {
        if (sim->daemons[i]->life == life)
            return sim->daemons[i];
    }
    return NULL;
}

struct daemon *daemon_any(struct sim *sim)
{
    size_t i, first = rng_below(&sim->choices, sim->daemon_count);

    for (i = 0; i < sim->daemon_count; i++) {
        struct daemon *daemon = sim->daemons[(first + i) % sim->daemon_count];

        if (daemon->life && !daemon->doomed && !daemon->stopping)
            return daemon;
    }
    return NULL;
}

/* ---- faults of daemons ---- */

static void daemon_said_goodbye(void *arg)
{
    daemon_doom(arg, FAULT_COUNT);
}

static void daemon_drained(void *arg)
{
    struct daemon *daemon = arg;
    struct runtime_stats stats;

    runtime_stats(daemon->runtime, &stats);
    if (stats.in_work > 0)
        sim_violation(daemon->sim, NULL, "%s says that it has finished, and has %zu machines in work", daemon->name,
                      stats.in_work);
    wheel_stop(daemon->wheel, daemon_said_goodbye, daemon);
}

static void daemon_stop(struct daemon *daemon)
{
    if (daemon->stopping)
        return;
    daemon->stopping = true;
    sim_say(daemon->sim, "%s is stopped", daemon->name);
    runtime_drain(daemon->runtime, 3000, daemon_drained, daemon);
}

static void fault_crash(void *arg)
{
    struct daemon *daemon = arg;

    if (!daemon->sim->settling)
        daemon_doom(daemon, FAULT_CRASH);
}

static void fault_stop(void *arg)
{
    struct daemon *daemon = arg;

    if (daemon->sim->settling)
        return;
    sim_count(daemon->sim, FAULT_STOP);
    daemon_stop(daemon);
}

static void fault_pause(void *arg)
{
    struct daemon *daemon = arg;
    struct sim *sim = daemon->sim;

    if (sim->settling)
        return;
    sim_count(sim, FAULT_PAUSE);
    daemon->paused_until_us = sim->now_us + (rng_chance(&sim->faults, 500000)
                                                 ? rng_between(&sim->faults, 1000, 500000)
                                                 : rng_between(&sim->faults, 0, 2 * sim->lease_ms * 1000));
    sim_disturbed(sim, daemon->paused_until_us);
    sim_say(sim, "%s stands still until %lld", daemon->name, (long long)daemon->paused_until_us / 1000);
    clock_after(sim, rng_between(&sim->faults, 1, 2 * sim->weather.pause_s * 1000000), daemon->life, fault_pause, daemon);
}

static void plan_crash(struct daemon *daemon)
{
    struct sim *sim = daemon->sim;
    const struct weather *weather = &sim->weather;

    if (weather->crash_s)
        clock_after(sim, rng_between(&sim->faults, 1, 2 * weather->crash_s * 1000000), daemon->life, fault_crash, daemon);
    if (weather->stop_s)
        clock_after(sim, rng_between(&sim->faults, 1, 2 * weather->stop_s * 1000000), daemon->life, fault_stop, daemon);
    if (weather->pause_s)
        clock_after(sim, rng_between(&sim->faults, 1, 2 * weather->pause_s * 1000000), daemon->life, fault_pause, daemon);
}

static void fault_away(void *arg)
{
    struct sim *sim = arg;

    if (sim->settling)
        return;
    sim_count(sim, FAULT_STORE_AWAY);
    sim->away_until_us = sim->now_us + rng_between(&sim->faults, 10000, 20000000);
    sim_disturbed(sim, sim->away_until_us);
    sim_say(sim, "the store is away until %lld", (long long)sim->away_until_us / 1000);
    clock_at(sim, sim->away_until_us + rng_between(&sim->faults, 1, 2 * sim->weather.away_s * 1000000), 0, fault_away, sim);
}

static void fault_all_down(void *arg)
{
    struct sim *sim = arg;
    size_t i;

    if (sim->settling)
        return;
    sim_count(sim, FAULT_ALL_DOWN);
    for (i = 0; i < sim->daemon_count; i++)
        daemon_doom(sim->daemons[i], FAULT_COUNT);
    clock_after(sim, rng_between(&sim->faults, 1, 2 * sim->weather.all_down_s * 1000000), 0, fault_all_down, sim);
}

/* ---- all of them ---- */

void daemons_start(struct sim *sim)
{
    size_t i;

    lives = 0;
    ending = false;
    for (i = 0; i < sim->daemon_count; i++) {
        struct house *house = xcalloc(1, sizeof(*house));

        sim->daemons[i] = &house->daemon;
        house->daemon.sim = sim;
        house->daemon.index = i;
        clock_after(sim, (int64_t)i * 100000, 0, daemon_start, sim->daemons[i]);
    }
    if (sim->weather.away_s)
        clock_after(sim, rng_between(&sim->faults, 1, 2 * sim->weather.away_s * 1000000), 0, fault_away, sim);
    if (sim->weather.all_down_s)
        clock_after(sim, rng_between(&sim->faults, 1, 2 * sim->weather.all_down_s * 1000000), 0, fault_all_down, sim);
}

void daemons_free(struct sim *sim)
{
    size_t i;

    for (i = 0; i < sim->daemon_count; i++) {
        if (sim->daemons[i]->life)
            daemon_end(sim->daemons[i]);
        free(sim->daemons[i]);
    }
}

void daemons_settle(struct sim *sim)
{
    size_t i;

    sim_disturbed(sim, sim->now_us);
    for (i = 0; i < sim->daemon_count; i++) {
        if (!sim->daemons[i]->life)
            clock_after(sim, 1, 0, daemon_start, sim->daemons[i]);
    }
}

bool daemons_idle(const struct sim *sim)
{
    struct runtime_stats stats;
    size_t i;

    for (i = 0; i < sim->daemon_count; i++) {
        if (!sim->daemons[i]->life)
            continue;
        runtime_stats(sim->daemons[i]->runtime, &stats);
        if (stats.in_work > 0)
            return false;
    }
    return true;
}

void daemons_stop(struct sim *sim)
{
    size_t i;

    ending = true;
    for (i = 0; i < sim->daemon_count; i++) {
        if (sim->daemons[i]->life)
            daemon_stop(sim->daemons[i]);
    }
}

bool daemons_stopped(const struct sim *sim)
{
    size_t i;

    for (i = 0; i < sim->daemon_count; i++) {
        if (sim->daemons[i]->life)
            return false;
    }
    return true;
}

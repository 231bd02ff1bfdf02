/* How the runtime follows Redis's clock. */
#include <criterion/criterion.h>

#include "engine/runtime.h"

struct world {
    int64_t mono_us;
    int jumps;
};

static int64_t world_mono_us(void *ctx)
{
    return ((struct world *)ctx)->mono_us;
}

static void world_after(void *ctx, int64_t delay_ms, void (*fn)(void *arg), void *arg)
{
    (void)ctx, (void)delay_ms, (void)fn, (void)arg;
}

static uint64_t world_random(void *ctx)
{
    (void)ctx;
    return 4;
}

static const struct alarm_ops world_alarm = { .mono_us = world_mono_us, .after = world_after, .random = world_random };

static void jumped(void *arg)
{
    ((struct world *)arg)->jumps++;
}

/* If this fails, alarms that were set before Redis's clock was put forward ring late by as much, or all alarms are
 * set again with every answer. */
Test(runtime_clock, a_step_forward_is_told_once)
{
    static const struct {
        const char *name;
        int64_t mono_us, now_ms;
        int jumps;
    } rows[] = {
        { "the first reading", 1000000, 5000000, 0 },
        { "as expected", 2000000, 5001000, 0 },
        { "a slow answer", 3000000, 5001900, 0 },
        { "a quicker answer than any before", 4000000, 5003015, 0 },
        { "put forward by an hour", 5000000, 8604015, 1 },
        { "as expected from there", 6000000, 8605015, 1 },
        { "put forward by as little as matters", 7000000, 8606050, 2 },
        { "long after, as expected", 60000000, 8659050, 2 },
        { "put back", 61000000, 5000000, 2 },
    };
    struct world world = { 0, 0 };
    struct runtime *runtime = runtime_new(&(struct runtime_setup){ .alarm = &world_alarm, .alarm_ctx = &world });
    size_t i;

    runtime_on_clock(runtime, jumped, &world);
    for (i = 0; i < SL_COUNT(rows); i++) {
        world.mono_us = rows[i].mono_us;
        runtime_heard(runtime, rows[i].now_ms);
        cr_expect_eq(world.jumps, rows[i].jumps, "%s: told %d times", rows[i].name, world.jumps);
    }
    runtime_on_clock(runtime, NULL, NULL);
    world.mono_us += 1000000;
    runtime_heard(runtime, 9999999);
    cr_expect_eq(world.jumps, 2, "nobody listens");
    runtime_free(runtime);
}

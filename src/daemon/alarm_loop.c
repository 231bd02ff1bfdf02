#include "daemon/alarm_loop.h"

#include <event2/event.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/xmalloc.h"

struct alarm_call {
    void (*fn)(void *arg);
    void *arg;
};

static int64_t alarm_mono_us(void *ctx)
{
    (void)ctx;
    return clock_mono_us();
}

static uint64_t alarm_random(void *ctx)
{
    (void)ctx;
    return clock_random();
}

static void alarm_ring(evutil_socket_t fd, short what, void *arg)
{
    struct alarm_call call = *(struct alarm_call *)arg;

    (void)fd;
    (void)what;
    free(arg);
    call.fn(call.arg);
}

static void alarm_after(void *ctx, int64_t delay_ms, void (*fn)(void *arg), void *arg)
{
    struct timeval delay = { delay_ms / 1000, delay_ms % 1000 * 1000 };
    struct alarm_call *call = xmalloc(sizeof(*call));

    call->fn = fn;
    call->arg = arg;
    if (event_base_once(ctx, -1, EV_TIMEOUT, alarm_ring, call, &delay) != 0)
        abort(); /* out of memory is the only way */
}

const struct alarm_ops alarm_loop_ops = {
    .mono_us = alarm_mono_us,
    .after = alarm_after,
    .random = alarm_random,
};

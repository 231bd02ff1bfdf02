#include "daemon/alarm_loop.h"

#include <event2/event.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/xmalloc.h"

#define SPARE_MAX 1024 /* events kept for the next alarms: each turn of a machine sets one or two */

struct alarm_call {
    struct alarm_call *prev, *next;
    struct alarm_loop *loop;
    struct event *event;
    void (*fn)(void *arg);
    void *arg;
};

struct alarm_loop {
    struct event_base *base;
    struct alarm_call *calls, *spares;
    size_t spare_count;
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

static void call_free(struct alarm_call *call)
{
    event_free(call->event);
    free(call);
}

static void alarm_ring(evutil_socket_t fd, short what, void *arg)
{
    struct alarm_call *call = arg;
    struct alarm_loop *loop = call->loop;
    void (*fn)(void *arg) = call->fn;
    void *fn_arg = call->arg;

    (void)fd;
    (void)what;
    DL_DELETE(loop->calls, call);
    if (loop->spare_count < SPARE_MAX) {
        DL_PREPEND(loop->spares, call);
        loop->spare_count++;
    } else {
        call_free(call);
    }
    fn(fn_arg);
}

static struct alarm_call *call_take(struct alarm_loop *loop)
{
    struct alarm_call *call = loop->spares;

    if (call) {
        DL_DELETE(loop->spares, call);
        loop->spare_count--;
        return call;
    }
    call = xcalloc(1, sizeof(*call));
    call->loop = loop;
    call->event = evtimer_new(loop->base, alarm_ring, call);
    return call;
}

static void alarm_after(void *ctx, int64_t delay_ms, void (*fn)(void *arg), void *arg)
{
    struct timeval delay = { delay_ms / 1000, delay_ms % 1000 * 1000 };
    struct alarm_loop *loop = ctx;
    struct alarm_call *call = call_take(loop);

    call->fn = fn;
    call->arg = arg;
    DL_APPEND(loop->calls, call);
    if (delay_ms > 0)
        event_add(call->event, &delay);
    else
        event_active(call->event, EV_TIMEOUT, 1);
}

struct event_base *alarm_base_new(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base;

    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

struct alarm_loop *alarm_loop_new(struct event_base *base)
{
    struct alarm_loop *loop = xcalloc(1, sizeof(*loop));

    loop->base = base;
    return loop;
}

void alarm_loop_free(struct alarm_loop *loop)
{
    struct alarm_call *call, *next;

    if (!loop)
        return;
    DL_FOREACH_SAFE(loop->calls, call, next)
        call_free(call);
    DL_FOREACH_SAFE(loop->spares, call, next)
        call_free(call);
    free(loop);
}

const struct alarm_ops alarm_loop_ops = {
    .mono_us = alarm_mono_us,
    .after = alarm_after,
    .random = alarm_random,
};

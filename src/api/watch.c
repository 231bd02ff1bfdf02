#include "api/watch.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/xmalloc.h"

struct watch {
    struct watch *prev, *next;
    struct api_request *request;
    char *id;
    int64_t until_us;
    int64_t look_us; /* when to look without news */
    void (*look)(struct api_request *request);
    void (*over)(struct api_request *request);
    bool ended;      /* freed by the next ring */
};

/* One list for the process: long polls are few. */
static struct watch *watches;
static struct runtime *listening;
static bool ringing; /* the regular ring is set */
static bool hurrying; /* one at once is, too */

#define RING_MS 50

static void hurry(const struct api_setup *setup);

static void watch_news(void *arg, const struct runtime_news *news)
{
    struct watch *watch;

    (void)arg;
    /* The look itself reads the store and must not run inside a commit's answer: a ring does it. */
    DL_FOREACH(watches, watch) {
        if (!watch->ended && (!watch->id || strcmp(watch->id, news->id) == 0)) {
            watch->look_us = 0;
            hurry(api_setup(watch->request));
        }
    }
}

static void watch_free(struct watch *watch)
{
    DL_DELETE(watches, watch);
    free(watch->id);
    free(watch);
}

static void look_around(void)
{
    struct watch *watch, *next;
    int64_t now_us = clock_mono_us();

    DL_FOREACH_SAFE(watches, watch, next) {
        if (watch->ended) {
            watch_free(watch);
        } else if (now_us >= watch->until_us || !watch->request->exchange) {
            watch->over(watch->request);
        } else if (now_us >= watch->look_us) {
            watch->look_us = now_us + WATCH_LOOK_MS * 1000;
            if (request_hung_up(watch->request))
                watch->until_us = 0; /* and so over, with the next ring */
            watch->look(watch->request);
        }
    }
    DL_FOREACH_SAFE(watches, watch, next) {
        if (watch->ended)
            watch_free(watch);
    }
}

static void ring_hurried(void *arg)
{
    (void)arg;
    hurrying = false;
    look_around();
}

static void hurry(const struct api_setup *setup)
{
    if (hurrying)
        return;
    hurrying = true;
    setup->alarm->after(setup->alarm_ctx, 0, ring_hurried, NULL);
}

static void ring(void *arg)
{
    const struct api_setup *setup;

    (void)arg;
    ringing = false;
    look_around();
    if (!watches)
        return;
    ringing = true;
    setup = api_setup(watches->request);
    setup->alarm->after(setup->alarm_ctx, RING_MS, ring, NULL);
}

static void give_up(struct api_request *request)
{
    struct watch *watch;

    DL_FOREACH(watches, watch) {
        if (watch->request == request && !watch->ended) {
            watch->until_us = 0;
            hurry(api_setup(request));
        }
    }
}

struct watch *watch_begin(struct api_request *request, const char *id, int64_t wait_ms,
                          void (*look)(struct api_request *request), void (*over)(struct api_request *request))
{
    const struct api_setup *setup = api_setup(request);
    struct watch *watch = xcalloc(1, sizeof(*watch));

    watch->request = request;
    watch->id = id ? xstrdup(id) : NULL;
    watch->until_us = request_stopping(request) ? 0 : clock_mono_us() + wait_ms * 1000;
    watch->look_us = clock_mono_us() + WATCH_LOOK_MS * 1000;
    watch->look = look;
    watch->over = over;
    DL_APPEND(watches, watch);
    request->give_up = give_up;
    request->has_waited = true;
    if (listening != setup->runtime) {
        listening = setup->runtime;
        runtime_on_commit(setup->runtime, watch_news, NULL);
    }
    if (!ringing) {
        ringing = true;
        setup->alarm->after(setup->alarm_ctx, RING_MS, ring, NULL);
    }
    return watch;
}

void watch_end(struct watch *watch)
{
    watch->ended = true;
    watch->request->give_up = NULL;
}

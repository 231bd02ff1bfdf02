/* See settle.h. */
#include "api/settle.h"

#include <string.h>

#include "api/watch.h"
#include "payment/kind.h"

struct settling {
    struct watch *watch;
    const char *id;
    settled_fn is_settled;
    runtime_done_fn done;
    bool looking, again, over; /* again: news came while looking */
};

static void look(struct api_request *request);

/* A store that is away for a moment is waited for, too. */
static bool is_over(const struct api_request *request, const struct settling *settling,
                    const struct runtime_result *result)
{
    if (result->err)
        return result->err == SL_ENOENT;
    return (result->info && strcmp(result->info->status, "failed") == 0) || settling->is_settled(request, result);
}

static void looked(void *arg, const struct runtime_result *result)
{
    struct api_request *request = arg;
    struct settling *settling = request->waiting;

    settling->looking = false;
    if (!settling->over && !is_over(request, settling, result)) {
        if (settling->again)
            look(request);
        return;
    }
    watch_end(settling->watch);
    settling->done(request, result);
}

static void look(struct api_request *request)
{
    struct settling *settling = request->waiting;

    if (settling->looking) {
        settling->again = true;
        return;
    }
    settling->looking = true;
    settling->again = false;
    runtime_read(api_setup(request)->runtime, &invoice_kind, settling->id, 0, looked, request);
}

static void look_over(struct api_request *request)
{
    struct settling *settling = request->waiting;

    settling->over = true;
    look(request);
}

void settle_wait(struct api_request *request, const char *id, int64_t wait_s, settled_fn is_settled,
                 runtime_done_fn done)
{
    struct settling *settling = request->waiting = arena_alloc(request->arena, sizeof(*settling));

    settling->id = arena_strdup(request->arena, id);
    settling->is_settled = is_settled;
    settling->done = done;
    settling->watch = watch_begin(request, id, wait_s * 1000, look, look_over);
    look(request); /* it may be done by now */
}

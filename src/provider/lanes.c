/* See lanes.h. */
#include "provider/lanes.h"

#include <assert.h>
#include <stdlib.h>
#include <uthash.h>

#include "base/xmalloc.h"

struct lane {
    struct lane_stats stats; /* first: see lanes_next */
    UT_hash_handle hh;
};

struct lanes {
    struct lane *all;
    size_t calls_max;
};

struct lanes *lanes_new(size_t calls_max)
{
    struct lanes *lanes = xcalloc(1, sizeof(*lanes));

    assert(calls_max > 0);
    lanes->calls_max = calls_max;
    return lanes;
}

void lanes_free(struct lanes *lanes)
{
    struct lane *lane, *next;

    if (!lanes)
        return;
    HASH_ITER(hh, lanes->all, lane, next) {
        HASH_DEL(lanes->all, lane);
        free(lane);
    }
    free(lanes);
}

static struct lane *lane_find(struct lanes *lanes, int64_t provider_id)
{
    struct lane *lane;

    HASH_FIND(hh, lanes->all, &provider_id, sizeof(provider_id), lane);
    return lane;
}

static int lane_compare(const struct lane *a, const struct lane *b)
{
    return a->stats.provider_id < b->stats.provider_id ? -1 : a->stats.provider_id > b->stats.provider_id;
}

bool lanes_enter(struct lanes *lanes, int64_t provider_id)
{
    struct lane *lane = lane_find(lanes, provider_id);

    if (!lane) { /* as many as the configuration has providers: they stay */
        lane = xcalloc(1, sizeof(*lane));
        lane->stats.provider_id = provider_id;
        HASH_ADD(hh, lanes->all, stats.provider_id, sizeof(provider_id), lane);
        HASH_SORT(lanes->all, lane_compare);
    }
    if (lane->stats.under_way >= lanes->calls_max) {
        lane->stats.refused++;
        return false;
    }
    lane->stats.under_way++;
    return true;
}

void lanes_leave(struct lanes *lanes, int64_t provider_id)
{
    struct lane *lane = lane_find(lanes, provider_id);

    assert(lane && lane->stats.under_way > 0);
    lane->stats.under_way--;
}

const struct lane_stats *lanes_next(const struct lanes *lanes, const struct lane_stats *previous)
{
    const struct lane *lane = previous ? ((const struct lane *)previous)->hh.next : lanes->all;

    return lane ? &lane->stats : NULL;
}

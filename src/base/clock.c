#include "base/clock.h"

#include <assert.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
    struct timespec now;
    int failed = clock_gettime(id, &now);

    assert(!failed);
    (void)failed;
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_wall_us(void)
{
    return read_us(CLOCK_REALTIME);
}

int64_t clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

/* One system call serves many draws: ids and seeds are drawn on the hot path. */
uint64_t clock_random(void)
{
    static uint64_t pool[32];
    static size_t left;

    if (left == 0) {
        ssize_t got = getrandom(pool, sizeof(pool), 0);

        assert(got == (ssize_t)sizeof(pool));
        (void)got;
        left = sizeof(pool) / sizeof(pool[0]);
    }
    return pool[--left];
}

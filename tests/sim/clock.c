/* Random numbers and virtual time: one heap of everything that is to happen, by moment and then by order of birth. */
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "sim/sim.h"

/* ---- random numbers: splitmix64 ---- */

uint64_t rng_next(struct rng *rng)
{
    uint64_t z = rng->state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t rng_below(struct rng *rng, uint64_t bound)
{
    return rng_next(rng) % bound; /* the bias is of no matter here */
}

int64_t rng_between(struct rng *rng, int64_t low, int64_t high)
{
    return low + (int64_t)rng_below(rng, (uint64_t)(high - low) + 1);
}

bool rng_chance(struct rng *rng, int64_t per_million)
{
    return (int64_t)rng_below(rng, 1000000) < per_million;
}

uint64_t mix(uint64_t a, uint64_t b)
{
    struct rng rng = { a ^ (b * 0xd1342543de82ef95u) };

    return rng_next(&rng);
}

uint64_t hash_bytes(uint64_t seed, const void *data, size_t len)
{
    const unsigned char *bytes = data;
    uint64_t hash = seed ^ 14695981039346656037u;
    size_t i;

    for (i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 1099511628211u;
    return hash;
}

/* ---- the heap ---- */

struct happening {
    int64_t at_us;
    uint64_t number, owner;
    void (*fn)(void *arg);
    void *arg;
};

struct clock_queue {
    struct happening *heap; /* from 1 */
    size_t count, cap;
    uint64_t numbers;
};

struct clock_queue *clock_new(void)
{
    struct clock_queue *clock = xcalloc(1, sizeof(*clock));

    clock->cap = 1024;
    clock->heap = xcalloc(clock->cap, sizeof(*clock->heap));
    return clock;
}

void clock_free(struct clock_queue *clock)
{
    free(clock->heap);
    free(clock);
}

static bool before(const struct happening *a, const struct happening *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->number < b->number;
}

void clock_at(struct sim *sim, int64_t at_us, uint64_t owner, void (*fn)(void *arg), void *arg)
{
    struct clock_queue *clock = sim->clock;
    struct happening now = { at_us > sim->now_us ? at_us : sim->now_us, ++clock->numbers, owner, fn, arg };
    size_t i;

    if (clock->count + 2 > clock->cap) {
        clock->cap *= 2;
        clock->heap = xrealloc(clock->heap, clock->cap * sizeof(*clock->heap));
    }
    for (i = ++clock->count; i > 1 && before(&now, &clock->heap[i / 2]); i /= 2)
        clock->heap[i] = clock->heap[i / 2];
    clock->heap[i] = now;
}

void clock_after(struct sim *sim, int64_t delay_us, uint64_t owner, void (*fn)(void *arg), void *arg)
{
    clock_at(sim, sim->now_us + delay_us, owner, fn, arg);
}

static struct happening clock_take(struct clock_queue *clock)
{
    struct happening first = clock->heap[1], last = clock->heap[clock->count--];
    size_t i = 1, child;

    while ((child = 2 * i) <= clock->count) {
        if (child < clock->count && before(&clock->heap[child + 1], &clock->heap[child]))
            child++;
        if (!before(&clock->heap[child], &last))
            break;
        clock->heap[i] = clock->heap[child];
        i = child;
    }
    clock->heap[i] = last;
    return first;
}

bool clock_step(struct sim *sim)
{
    struct happening next;
    struct daemon *daemon;

    if (sim->clock->count == 0)
        return false;
    next = clock_take(sim->clock);
    sim->now_us = next.at_us;
    if (next.owner) {
        daemon = daemon_of_life(sim, next.owner);
        if (!daemon)
            return true;
        if (daemon->paused_until_us > sim->now_us) {
            clock_at(sim, daemon->paused_until_us, next.owner, next.fn, next.arg);
            return true;
        }
    }
    next.fn(next.arg);
    daemons_reap(sim);
    return true;
}

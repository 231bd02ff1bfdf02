/* Choosing among accepted candidates: weights, scores, pins, ties. Ref: doc/spec/routing.md 8. */
#include <assert.h>
#include <string.h>

#include "domain/routing.h"

struct runner {
    const struct candidate *candidate;
    size_t index;
    struct routing_score score;
};

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_scores(const struct routing_score *a, const struct routing_score *b)
{
    int order = COMPARE(a->availability_condition, b->availability_condition);

    if (!order)
        order = COMPARE(a->conversion_condition, b->conversion_condition);
    if (!order)
        order = COMPARE(a->priority, b->priority);
    if (!order)
        order = COMPARE(a->pin, b->pin);
    return order ? order : COMPARE(a->random_condition, b->random_condition);
}

static int compare_routes(const struct runner *a, const struct runner *b)
{
    int order = COMPARE(a->candidate->provider->id, b->candidate->provider->id);

    return order ? order : COMPARE(a->candidate->terminal->id, b->candidate->terminal->id);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0xff51afd7ed558ccdu;
    return hash ^ hash >> 32;
}

static uint64_t pinned(const struct runner *runner)
{
    return mix(mix(mix(0x9e3779b97f4a7c15u, runner->candidate->pin), (uint64_t)runner->candidate->provider->id),
               (uint64_t)runner->candidate->terminal->id);
}

/* Whether NEWCOMER beats CHOSEN (routing.md 8.3). */
static bool is_better(const struct runner *newcomer, const struct runner *chosen)
{
    struct routing_score a = newcomer->score, b = chosen->score;
    int order;

    if (newcomer->candidate->pin && newcomer->candidate->pin == chosen->candidate->pin) {
        a.random_condition = b.random_condition = 0;
        a.pin = pinned(newcomer);
        b.pin = pinned(chosen);
        return compare_scores(&a, &b) >= 0;
    }
    a.pin = b.pin = 0;
    order = compare_scores(&a, &b);
    return (order ? order : compare_routes(newcomer, chosen)) >= 0;
}

/* Gives one of those of PRIORITY the random condition, by weight (routing.md 8.1). */
static void draw(struct runner *runners, size_t count, int64_t priority, uint64_t random)
{
    unsigned __int128 place;
    uint64_t sum = 0, start = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        if (runners[i].score.priority == priority)
            sum += (uint64_t)runners[i].candidate->weight;
    }
    place = (unsigned __int128)random * sum >> 64; /* uniform in [0, sum) */
    for (i = count; i-- > 0;) { /* in reverse candidate order */
        uint64_t weight = (uint64_t)runners[i].candidate->weight;

        if (runners[i].score.priority != priority)
            continue;
        runners[i].score.random_condition = sum > 0 && start <= place && place < (unsigned __int128)start + weight;
        start += weight;
    }
}

static bool drawn_before(const struct runner *runners, size_t index)
{
    size_t i;

    for (i = 0; i < index; i++) {
        if (runners[i].score.priority == runners[index].score.priority)
            return true;
    }
    return false;
}

size_t routing_choose(const struct candidates *candidates, uint64_t random, struct routing_score *scores)
{
    struct arena *arena = arena_new();
    struct runner *runners = arena_array(arena, candidates->count, sizeof(*runners));
    const struct runner *chosen = NULL;
    size_t i, count = 0, index;

    for (i = 0; i < candidates->count; i++) {
        const struct candidate *candidate = &candidates->list[i];

        if (candidate->rejected)
            continue;
        runners[count++] = (struct runner){
            candidate, i, { 1, 1, candidate->priority, candidate->pin, 0 },
        };
    }
    assert(count > 0);
    for (i = 0; i < count; i++) {
        if (!drawn_before(runners, i))
            draw(runners, count, runners[i].score.priority, random);
    }
    for (i = count; i-- > 0;) {
        if (!chosen || is_better(&runners[i], chosen))
            chosen = &runners[i];
    }
    for (i = 0; scores && i < count; i++)
        scores[runners[i].index] = runners[i].score;
    index = chosen->index;
    arena_free(arena);
    return index;
}

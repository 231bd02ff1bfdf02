/* Choosing among accepted candidates: weights, health, scores, pins, ties. Ref: doc/spec/routing.md 8. */
#include <assert.h>
#include <string.h>

#include "domain/routing.h"

struct runner {
    const struct candidate *candidate;
    size_t index;
    struct routing_score score;
    uint64_t weight; /* its own, or that of all with its pin; 0: it does not compete */
    bool drawn; /* its group has had its draw */
};

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

/* The scores in the order in which they count. */
enum { BY_AVAILABILITY_CONDITION, BY_CONVERSION_CONDITION, BY_PRIORITY, BY_PIN, BY_RANDOM, BY_AVAILABILITY,
       BY_CONVERSION, SCORE_COUNT };
static const char *const score_names[SCORE_COUNT] = {
    "availability_condition", "conversion_condition", "terminal_priority_rating", "route_pin", "random_condition",
    "availability", "conversion",
};

static int compare_score(int by, const struct routing_score *a, const struct routing_score *b)
{
    switch (by) {
    case BY_AVAILABILITY_CONDITION: return COMPARE(a->availability_condition, b->availability_condition);
    case BY_CONVERSION_CONDITION: return COMPARE(a->conversion_condition, b->conversion_condition);
    case BY_PRIORITY: return COMPARE(a->priority, b->priority);
    case BY_PIN: return COMPARE(a->pin, b->pin);
    case BY_RANDOM: return COMPARE(a->random_condition, b->random_condition);
    case BY_AVAILABILITY: return COMPARE(a->availability, b->availability);
    default: return COMPARE(a->conversion, b->conversion);
    }
}

/* The first score in which they differ; SCORE_COUNT: none. */
static int first_difference(const struct routing_score *a, const struct routing_score *b)
{
    int by = 0;

    while (by < SCORE_COUNT && compare_score(by, a, b) == 0)
        by++;
    return by;
}

static int compare_scores(const struct routing_score *a, const struct routing_score *b)
{
    int by = first_difference(a, b);

    return by == SCORE_COUNT ? 0 : compare_score(by, a, b);
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

static struct routing_score in_good_health(struct routing_score score)
{
    score.availability_condition = score.conversion_condition = 1;
    score.availability = score.conversion = 1;
    return score;
}

/* ---- one for each pin ---- */

static struct routing_score score_of(const struct runner *runner, bool healthy)
{
    return healthy ? in_good_health(runner->score) : runner->score;
}

/* The same payer for both, in a place of the same rank: only one of them competes. HEALTHY: were their providers in good
 * health. */
static bool same_pin(const struct runner *a, const struct runner *b, bool healthy)
{
    struct routing_score x = score_of(a, healthy), y = score_of(b, healthy);

    return x.pin && x.pin == y.pin && first_difference(&x, &y) > BY_PRIORITY;
}

static int compare_pinned(const struct runner *a, const struct runner *b)
{
    uint64_t x = pinned(a), y = pinned(b);
    int order = COMPARE(x, y);

    order = order ? order : compare_routes(a, b);
    return order ? order : COMPARE(b->index, a->index); /* one route twice: the first */
}

/* Whether RUNNER speaks for those of its pin, or has none. */
static bool competes(const struct runner *runners, size_t count, const struct runner *runner, bool healthy)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (same_pin(&runners[i], runner, healthy) && compare_pinned(&runners[i], runner) > 0)
            return false;
    }
    return true;
}

/* ---- the draw ---- */

/* Weights share the payments between those of one priority whose providers fail equally often. */
static bool same_group(const struct runner *a, const struct runner *b)
{
    return a->score.priority == b->score.priority && compare_score(BY_AVAILABILITY, &a->score, &b->score) == 0;
}

static uint64_t weight_of(const struct runner *runners, size_t count, const struct runner *runner)
{
    uint64_t sum = 0;
    size_t i;

    if (!runner->score.pin)
        return (uint64_t)runner->candidate->weight;
    if (!competes(runners, count, runner, false))
        return 0;
    for (i = 0; i < count; i++) {
        if (same_pin(&runners[i], runner, false))
            sum += (uint64_t)runners[i].candidate->weight;
    }
    return sum;
}

/* Gives one of FIRST's group the random condition, by weight (routing.md 8.1). */
static void draw(struct runner *runners, size_t count, const struct runner *first, uint64_t random)
{
    unsigned __int128 place;
    uint64_t sum = 0, start = 0;
    size_t i;

    for (i = 0; i < count; i++) {
        if (same_group(&runners[i], first))
            sum += runners[i].weight;
    }
    place = (unsigned __int128)random * sum >> 64; /* uniform in [0, sum) */
    for (i = count; i-- > 0;) { /* in reverse candidate order */
        uint64_t weight = runners[i].weight;

        if (!same_group(&runners[i], first))
            continue;
        runners[i].score.random_condition = sum > 0 && start <= place && place < (unsigned __int128)start + weight;
        runners[i].drawn = true;
        start += weight;
    }
}

/* ---- the best ---- */

/* What RUNNER competes with: no pin, and the draw of whoever competes for its pin when its provider's health counts. */
static struct routing_score final_score(const struct runner *runners, size_t count, const struct runner *runner, bool healthy)
{
    struct routing_score score = score_of(runner, healthy);
    size_t i;

    for (i = 0; i < count; i++) {
        if (same_pin(&runners[i], runner, healthy) && runners[i].score.random_condition > score.random_condition)
            score.random_condition = runners[i].score.random_condition;
    }
    score.pin = 0;
    return score;
}

/* HEALTHY: were all providers in good health. A total order of those that compete (routing.md 8.3). */
static size_t best(const struct runner *runners, size_t count, bool healthy)
{
    struct routing_score greatest = { 0 };
    size_t i, chosen = count;

    for (i = count; i-- > 0;) {
        struct routing_score score;
        int order;

        if (!competes(runners, count, &runners[i], healthy))
            continue;
        score = final_score(runners, count, &runners[i], healthy);
        order = chosen < count ? compare_scores(&score, &greatest) : 1;
        if ((order ? order : compare_routes(&runners[i], &runners[chosen])) < 0)
            continue;
        chosen = i;
        greatest = score;
    }
    assert(chosen < count);
    return chosen;
}

static const char *difference(const struct runner *chosen, const struct runner *preferable)
{
    int by = first_difference(&chosen->score, &preferable->score);

    return by == SCORE_COUNT ? "unknown" : score_names[by];
}

struct routing_choice routing_choose(const struct candidates *candidates, uint64_t random,
                                     struct routing_score *scores)
{
    struct arena *arena = arena_new();
    struct runner *runners = arena_array(arena, candidates->count, sizeof(*runners));
    struct routing_choice choice;
    size_t i, count = 0, chosen, preferable;

    for (i = 0; i < candidates->count; i++) {
        const struct candidate *candidate = &candidates->list[i];

        if (candidate->rejected)
            continue;
        runners[count++] = (struct runner){
            .candidate = candidate,
            .index = i,
            .score = {
                1, !candidate->lacking, candidate->priority, candidate->pin, 0, candidate->availability,
                candidate->conversion,
            },
        };
    }
    assert(count > 0);
    for (i = 0; i < count; i++)
        runners[i].weight = weight_of(runners, count, &runners[i]);
    for (i = 0; i < count; i++) {
        if (!runners[i].drawn)
            draw(runners, count, &runners[i], random);
    }
    chosen = best(runners, count, false);
    preferable = best(runners, count, true);
    for (i = 0; scores && i < count; i++)
        scores[runners[i].index] = runners[i].score;
    choice = (struct routing_choice){
        runners[chosen].index, runners[preferable].index,
        chosen == preferable ? NULL : difference(&runners[chosen], &runners[preferable]),
    };
    arena_free(arena);
    return choice;
}

/* What routing found, as changes: the route, the candidates with their scores and limits, or why there is none.
 * Ref: doc/spec/routing.md 6.1, 6.2, 9. */
#include "payment/route.h"

static const int64_t *keep_i64(const struct route_search *search, int64_t value)
{
    return arena_memdup(search->ctx->in->arena, &value, sizeof(value));
}

static const double *keep_double(const struct route_search *search, double value)
{
    return arena_memdup(search->ctx->in->arena, &value, sizeof(value));
}

/* Stored scores are those of the candidate itself: its random condition is the raw weight. */
static struct route_scores scores_of(const struct route_search *search, const struct candidate *candidate)
{
    bool listed = candidate->group == REJECT_BLACKLIST;
    struct route_scores scores = {
        .terminal_priority_rating = keep_i64(search, candidate->priority),
        .route_pin = keep_i64(search, (int64_t)candidate->pin),
        .random_condition = keep_i64(search, candidate->weight),
        .blacklist_condition = keep_i64(search, listed),
    };

    if (listed)
        return scores; /* the health of its provider was not looked at */
    scores.availability_condition = keep_i64(search, candidate->group != REJECT_UNAVAILABLE);
    scores.conversion_condition = keep_i64(search, !candidate->lacking);
    scores.availability = keep_double(search, candidate->availability);
    scores.conversion = keep_double(search, candidate->conversion);
    return scores;
}

/* The last of the blacklisted ones; the count of all candidates: there is none. */
static size_t last_blacklisted(const struct route_search *search)
{
    size_t i;

    for (i = search->candidates.count; i-- > 0;) {
        if (search->candidates.list[i].group == REJECT_BLACKLIST)
            return i;
    }
    return search->candidates.count;
}

static struct type_list all_scores(const struct route_search *search)
{
    size_t i, count = 0, listed = last_blacklisted(search);
    struct route_score_entry *entries =
        arena_array(search->ctx->in->arena, search->candidates.count, sizeof(*entries));

    for (i = 0; i < search->candidates.count; i++) {
        const struct candidate *candidate = &search->candidates.list[i];

        if (search->assessed[i] || i == listed)
            entries[count++] = (struct route_score_entry){ route_of(candidate), scores_of(search, candidate) };
    }
    return (struct type_list){ entries, count };
}

static struct type_list limit_values(const struct route_search *search, const struct limits_set *set)
{
    struct route_limit_value *values = arena_array(search->ctx->in->arena, set->use_count, sizeof(*values));
    size_t i;

    for (i = 0; i < set->use_count; i++) {
        const struct turnover_limit *limit = set->uses[i].limit;

        values[i] = (struct route_limit_value){
            .limit = { limit->ref, limit->upper_boundary, limit->domain_revision },
            .value = limits_value(set, search->ask, i),
        };
    }
    return (struct type_list){ values, set->use_count };
}

static struct type_list all_limits(const struct route_search *search)
{
    struct route_limit_entry *entries =
        arena_array(search->ctx->in->arena, search->candidates.count, sizeof(*entries));
    size_t i, count = 0;

    for (i = 0; i < search->candidates.count; i++) {
        if (search->considered[i] && search->limits[i].use_count > 0)
            entries[count++] = (struct route_limit_entry){
                route_of(&search->candidates.list[i]), limit_values(search, &search->limits[i]),
            };
    }
    return (struct type_list){ entries, count };
}

/* Those whose limits are held: whoever releases them goes by this list. */
static struct type_list considered_routes(const struct route_search *search)
{
    struct route *routes = arena_array(search->ctx->in->arena, search->candidates.count, sizeof(*routes));
    size_t i, count = 0;

    for (i = 0; i < search->candidates.count; i++) {
        if (search->considered[i])
            routes[count++] = route_of(&search->candidates.list[i]);
    }
    return (struct type_list){ routes, count };
}

static void emit_route(struct route_search *search, struct route_changed *changed)
{
    changed->scores = all_scores(search);
    changed->limits = all_limits(search);
    emit_change(search->ctx, &(struct payment_change){
        .tag = PCHG_ROUTE_CHANGED,
        .route_changed = arena_memdup(search->ctx->in->arena, changed, sizeof(*changed)),
    });
}

static bool is_drawn(const struct candidates *candidates)
{
    size_t i;

    for (i = 0; i < candidates->count; i++) {
        if (!candidates->list[i].rejected && candidates->list[i].weight > 0)
            return true;
    }
    return false;
}

void route_record_choice(struct route_search *search, const struct routing_choice *choice, int64_t draw)
{
    struct arena *arena = search->ctx->in->arena;
    const struct candidate *chosen = &search->candidates.list[choice->chosen];
    struct route preferable = route_of(&search->candidates.list[choice->preferable]);
    struct route_decision decision = {
        .skip_recurrent = arena_memdup(arena, &chosen->skip_recurrent, sizeof(chosen->skip_recurrent)),
        .draw = is_drawn(&search->candidates) ? keep_i64(search, draw) : NULL,
    };
    struct route_changed changed = { .route = route_of(chosen), .candidates = considered_routes(search) };

    if (choice->switched) {
        decision.preferable = arena_memdup(arena, &preferable, sizeof(preferable));
        decision.reject_reason = choice->switched;
    }
    changed.decision = arena_memdup(arena, &decision, sizeof(decision));
    emit_route(search, &changed);
    step_continue(search->ctx->in, search->ctx->out);
}

struct operation_failure route_failure(const struct route_search *search, int group)
{
    struct arena *arena = search->ctx->in->arena;
    bool named = group == REJECT_LIMIT_MISCONFIGURATION || group == REJECT_LIMIT_OVERFLOW ||
                 group == REJECT_UNAVAILABLE;
    const char *code = named ? arena_printf(arena, "no_route_found:rejected:%s", reject_group_name(group))
                             : "no_route_found:forbidden";

    return failure_make(arena, code, routing_rejections(&search->candidates, group, arena));
}

/* As the terms of ROUTE say, one of the candidates. */
static const bool *skips_recurrent(const struct route_search *search, const struct route *route)
{
    size_t i;

    for (i = 0; i < search->candidates.count; i++) {
        const struct candidate *candidate = &search->candidates.list[i];
        const struct route own = route_of(candidate);

        if (route_equal(&own, route))
            return arena_memdup(search->ctx->in->arena, &candidate->skip_recurrent, sizeof(candidate->skip_recurrent));
    }
    return NULL;
}

/* A route is named only because the protocol wants one; the next step gives all holds back. */
void route_record_none(struct route_search *search)
{
    struct step_ctx *ctx = search->ctx;
    struct operation_failure failure = route_failure(search, search->last_group);
    struct route_decision decision = { 0 };
    struct route_changed changed = { .candidates = considered_routes(search) };

    if (changed.candidates.count == 0)
        changed.candidates = search->initial;
    changed.route = *(const struct route *)changed.candidates.items;
    decision.skip_recurrent = skips_recurrent(search, &changed.route);
    changed.decision = arena_memdup(ctx->in->arena, &decision, sizeof(decision));
    emit_route(search, &changed);
    emit_rollback(ctx, ctx->payment->failure ? ctx->payment->failure : &failure);
    step_continue(ctx->in, ctx->out);
}

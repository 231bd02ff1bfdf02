/* See route_explain.h. */
#include "payment/route_explain.h"

#include <inttypes.h>
#include <string.h>

#include "payment/flow.h"
#include "payment/route.h"

struct explanation {
    const struct payment_state *payment;
    const struct health_settings *health;
    struct arena *arena;
    struct buf *out;
    bool any;
    struct type_list told; /* of struct route */
};

/* ---- what is known of a route ---- */

static const struct route_scores *scores_find(const struct payment_state *payment, const struct route *route)
{
    const struct route_score_entry *entries = payment->scores.items;
    size_t i;

    for (i = 0; i < payment->scores.count; i++) {
        if (route_equal(&entries[i].route, route))
            return &entries[i].value;
    }
    return NULL;
}

static const struct type_list *limits_find(const struct payment_state *payment, const struct route *route)
{
    const struct route_limit_entry *entries = payment->limits.items;
    size_t i;

    for (i = 0; i < payment->limits.count; i++) {
        if (route_equal(&entries[i].route, route))
            return &entries[i].value;
    }
    return NULL;
}

/* ---- sentences ---- */

/* Each exceeded limit with its boundary and value; "": none is. */
static const char *limits_note(struct arena *arena, const struct type_list *limits)
{
    const struct route_limit_value *values = limits ? limits->items : NULL;
    const char *text = "";
    size_t i;

    for (i = 0; limits && i < limits->count; i++) {
        if (values[i].value > values[i].limit.upper_boundary)
            text = arena_printf(arena, "%s%slimit %s is exceeded: %" PRId64 " of %" PRId64, text, *text ? "; " : "",
                                values[i].limit.ref.id, values[i].value, values[i].limit.upper_boundary);
    }
    return text;
}

enum { BY_AVAILABILITY_CONDITION, BY_CONVERSION_CONDITION, BY_PRIORITY, BY_PIN, BY_RANDOM, BY_AVAILABILITY,
       BY_CONVERSION, BY_BLACKLIST, BY_COUNT };

static double score_of(const struct route_scores *scores, int by)
{
    const int64_t *const whole[BY_COUNT] = {
        [BY_AVAILABILITY_CONDITION] = scores->availability_condition,
        [BY_CONVERSION_CONDITION] = scores->conversion_condition,
        [BY_PRIORITY] = scores->terminal_priority_rating,
        [BY_PIN] = scores->route_pin,
        [BY_RANDOM] = scores->random_condition,
        [BY_BLACKLIST] = scores->blacklist_condition,
    };

    if (by == BY_AVAILABILITY)
        return scores->availability ? *scores->availability : 0;
    if (by == BY_CONVERSION)
        return scores->conversion ? *scores->conversion : 0;
    return whole[by] ? (double)*whole[by] : 0;
}

/* The first score in which they differ; BY_COUNT: none. *ORDER: how A compares with B in it. */
static int first_difference(const struct route_scores *a, const struct route_scores *b, int *order)
{
    int by;

    for (by = 0; by < BY_COUNT; by++) {
        double x = score_of(a, by), y = score_of(b, by);

        *order = (x > y) - (x < y);
        if (*order)
            return by;
    }
    *order = 0;
    return BY_COUNT;
}

/* What made the route's score smaller than the chosen one's. */
static const char *score_note(const struct explanation *explanation, const struct route_scores *scores,
                              const struct route_scores *chosen, int by)
{
    static const char *const names[] = {
        [BY_PRIORITY] = "priority", [BY_PIN] = "pin", [BY_RANDOM] = "random condition (weight)",
        [BY_AVAILABILITY] = "availability", [BY_CONVERSION] = "conversion",
    };
    struct arena *arena = explanation->arena;
    const struct health_kind_settings *kinds = explanation->health->kinds;

    switch (by) {
    case BY_AVAILABILITY_CONDITION:
        return arena_printf(arena, "its provider is not available: %.1f %% of the calls fail, from %.1f %% on it counts as dead",
                            100 * (1 - score_of(scores, BY_AVAILABILITY)), 100 * kinds[HEALTH_AVAILABILITY].critical);
    case BY_CONVERSION_CONDITION:
        return arena_printf(arena, "its provider lacks conversion: %.1f %% of the payments fail, the critical level is %.1f %%",
                            100 * (1 - score_of(scores, BY_CONVERSION)), 100 * kinds[HEALTH_CONVERSION].critical);
    case BY_AVAILABILITY:
    case BY_CONVERSION:
        return arena_printf(arena, "its %s is smaller: %.3f against %.3f", names[by], score_of(scores, by),
                            score_of(chosen, by));
    case BY_BLACKLIST:
        return "";
    default:
        return arena_printf(arena, "its %s is smaller: %.0f against %.0f", names[by], score_of(scores, by),
                            score_of(chosen, by));
    }
}

/* Whether a common pin decided between two routes that are equal in all that counts before it (routing.md 8.3). */
static bool pin_decided(const struct route_scores *a, const struct route_scores *b)
{
    int order;

    return score_of(a, BY_PIN) != 0 && first_difference(a, b, &order) >= BY_PIN &&
           score_of(a, BY_PIN) == score_of(b, BY_PIN);
}

/* A and B, with one blank between them where both say something. */
static const char *joined(struct arena *arena, const char *a, const char *b)
{
    return arena_printf(arena, "%s%s%s", a, *a && *b ? " " : "", b);
}

static const char *candidate_note(const struct explanation *explanation, const struct route *route)
{
    struct arena *arena = explanation->arena;
    const struct route_scores *scores = scores_find(explanation->payment, route);
    const struct route_scores *chosen = scores_find(explanation->payment, payment_route(explanation->payment));
    const struct type_list *limits = limits_find(explanation->payment, route);
    const char *over = limits_note(arena, limits);
    int order, by;

    if (!scores && !limits)
        return "there is not enough data to explain it";
    if (!scores)
        return *over ? over : "no limit was exceeded, but nothing more is known than its limits";
    if (score_of(scores, BY_BLACKLIST) > 0)
        return "the card is blacklisted for it";
    if (!chosen)
        return *over ? over : "the chosen route has no score to compare with";
    by = first_difference(scores, chosen, &order);
    if (pin_decided(scores, chosen))
        return *over ? over : "its equals are pinned: the payer belongs to the chosen route, whatever the weights";
    if (order == 0)
        return *over ? over : "its score is the same as that of the chosen route, which won by the order of their ids";
    if (order > 0)
        return *over ? over : "there is no explanation: its score is the greater one";
    return joined(arena, score_note(explanation, scores, chosen, by), over);
}

/* ---- writing ---- */

static void remember(struct explanation *explanation, const struct route *route)
{
    size_t count = explanation->told.count;
    struct route *routes = arena_array(explanation->arena, count + 1, sizeof(*routes));

    if (count)
        memcpy(routes, explanation->told.items, count * sizeof(*routes));
    routes[count] = *route;
    explanation->told = (struct type_list){ routes, count + 1 };
}

static bool is_told(const struct explanation *explanation, const struct route *route)
{
    const struct route *routes = explanation->told.items;
    size_t i;

    for (i = 0; i < explanation->told.count; i++) {
        if (route_equal(&routes[i], route))
            return true;
    }
    return false;
}

static void tell(struct explanation *explanation, const struct route *route, bool chosen, const char *note)
{
    struct buf *out = explanation->out;
    struct route_score_entry scored = { .route = *route };
    struct route_limit_entry limited = { .route = *route };
    const struct route_scores *scores = scores_find(explanation->payment, route);
    const struct type_list *limits = limits_find(explanation->payment, route);

    buf_str(out, explanation->any ? ",{\"route\":" : "{\"route\":");
    explanation->any = true;
    type_encode(&type_route, route, out);
    buf_printf(out, ",\"is_chosen\":%s", chosen ? "true" : "false");
    if (scores) {
        scored.value = *scores;
        buf_str(out, ",\"scores\":");
        type_encode(&type_route_scores, &scored.value, out);
    }
    if (limits) {
        limited.value = *limits;
        buf_str(out, ",\"limits\":");
        type_encode(&type_route_limit_values, &limited.value, out);
    }
    buf_str(out, ",\"rejection_description\":");
    buf_json_str(out, note, strlen(note));
    buf_char(out, '}');
    remember(explanation, route);
}

/* What kept the current route away, which was only named. */
static const char *named_note(const struct explanation *explanation)
{
    const struct route *routes = explanation->payment->routes.items;
    const struct route_scores *scores = scores_find(explanation->payment, &routes[0]);
    const char *over = limits_note(explanation->arena, limits_find(explanation->payment, &routes[0]));
    size_t i;

    for (i = 1; i < explanation->payment->routes.count; i++) {
        if (route_equal(&routes[i], &routes[0]))
            return "it was tried before, without success";
    }
    if (*over)
        return over;
    if (scores && score_of(scores, BY_BLACKLIST) > 0)
        return "the card is blacklisted for it";
    if (scores && score_of(scores, BY_AVAILABILITY_CONDITION) == 0)
        return score_note(explanation, scores, scores, BY_AVAILABILITY_CONDITION);
    return "there is not enough data to explain it";
}

static void tell_tried(struct explanation *explanation)
{
    const struct payment_state *payment = explanation->payment;
    const struct route *routes = payment->routes.items;
    /* Without a flow, made or to be made, it was named for want of another. */
    bool found = payment->cash_flow.items != NULL || payment->activity == ACT_CASH_FLOW_BUILDING;
    size_t i;

    for (i = 0; i < explanation->payment->routes.count; i++) {
        if (i == 0)
            tell(explanation, &routes[i], true,
                 found ? "it was chosen"
                       : joined(explanation->arena, "it was named when no route was left:", named_note(explanation)));
        else
            tell(explanation, &routes[i], false, "it was tried before, without success");
    }
}

static void tell_candidates(struct explanation *explanation)
{
    const struct route *routes = explanation->payment->candidates.items;
    size_t i;

    for (i = 0; i < explanation->payment->candidates.count; i++) {
        if (!is_told(explanation, &routes[i]))
            tell(explanation, &routes[i], false, candidate_note(explanation, &routes[i]));
    }
}

static void tell_turned_away(struct explanation *explanation, const struct candidates *candidates)
{
    size_t i;

    for (i = 0; i < candidates->count; i++) {
        struct route route = route_of(&candidates->list[i]);

        if (candidates->list[i].rejected && !is_told(explanation, &route))
            tell(explanation, &route, false,
                 arena_printf(explanation->arena, "it was no candidate: %s", candidates->list[i].rejected));
    }
}

static void varset_write(const struct varset *facts, struct buf *out)
{
    buf_printf(out, "{\"category\":{\"id\":%" PRId64 "},\"currency\":{\"symbolic_code\":", facts->category);
    buf_json_str(out, facts->currency, strlen(facts->currency));
    buf_str(out, "},\"amount\":");
    type_encode(&type_cash, facts->amount, out);
    buf_str(out, ",\"shop_id\":");
    buf_json_str(out, facts->shop_id, strlen(facts->shop_id));
    buf_str(out, ",\"party_id\":");
    buf_json_str(out, facts->party_id, strlen(facts->party_id));
    buf_str(out, ",\"payment_tool\":");
    type_encode(&type_payment_tool, facts->payment_tool, out);
    buf_char(out, '}');
}

void route_explain(const char *id, const struct invoice_state *invoice, const struct payment_state *payment,
                   const struct domain *config, const struct health_settings *health, struct arena *arena,
                   struct buf *out)
{
    struct step_in in = { .id = id, .state = invoice, .config = config, .head = config, .arena = arena };
    struct step_out unused = { 0 };
    struct step_ctx ctx = { .in = &in, .out = &unused, .invoice = invoice, .payment = payment };
    struct explanation explanation = { .payment = payment, .health = health, .arena = arena, .out = out };
    struct routing_request request;
    struct candidates candidates = { NULL, 0, NULL };

    if (route_request_build(&ctx, &request))
        route_candidates(&ctx, &request, &candidates);
    buf_str(out, "{\"explained_routes\":[");
    tell_tried(&explanation);
    tell_candidates(&explanation);
    tell_turned_away(&explanation, &candidates);
    buf_str(out, "],\"used_varset\":");
    if (request.facts.currency)
        varset_write(&request.facts, out);
    else
        buf_str(out, "{}");
    buf_char(out, '}');
}

/* See route_values.h. Each candidate is asked for twice: for its operation, and for the present. */
#include "payment/route_values.h"

#include <inttypes.h>

#include "payment/limits.h"
#include "payment/route.h"

struct route_values {
    struct candidates candidates;
    struct limits_set *held, *current; /* one of each per candidate */
    struct limits_ask ask;
    struct limit_order order;
};

static bool ask_for(struct step_ctx *ctx, struct route_values *values, size_t i, int64_t iter)
{
    const struct limits_route_task held = { .verb = LIMIT_READ, .iter = iter };
    const struct limits_route_task current = { .verb = LIMIT_CURRENT, .iter = iter };
    struct route route = route_of(&values->candidates.list[i]);
    struct turnover_fault fault;

    return limits_ask_route(ctx, &route, &held, &values->ask, &values->held[i], &fault) &&
           limits_ask_route(ctx, &route, &current, &values->ask, &values->current[i], &fault);
}

struct route_values *route_values_new(const char *id, const struct invoice_state *invoice,
                                      const struct payment_state *payment, const struct domain *config,
                                      struct arena *arena, const char **why)
{
    struct step_in in = { .id = id, .state = invoice, .config = config, .head = config, .arena = arena };
    struct step_out out = { 0 };
    struct step_ctx ctx = { .in = &in, .out = &out, .invoice = invoice, .payment = payment };
    struct route_values *values = arena_alloc(arena, sizeof(*values));
    int64_t iter = payment_route(payment) ? payment_iter(payment) : 1;
    struct routing_request request;
    size_t i;

    *why = "the routing rules do not decide";
    if (route_request_build(&ctx, &request))
        route_candidates(&ctx, &request, &values->candidates);
    values->held = arena_array(arena, values->candidates.count, sizeof(*values->held));
    values->current = arena_array(arena, values->candidates.count, sizeof(*values->current));
    for (i = 0; i < values->candidates.count && out.end == STEP_OK; i++) {
        if (!values->candidates.list[i].rejected)
            (void)ask_for(&ctx, values, i, iter); /* a failure is in OUT */
    }
    if (out.end != STEP_OK)
        *why = out.reason;
    if (out.end != STEP_OK || values->candidates.misconfiguration)
        return NULL;
    values->order = (struct limit_order){ values->ask.requests, values->ask.count };
    return values;
}

const struct limit_order *route_values_order(const struct route_values *values)
{
    return &values->order;
}

/* Whether all of the set's requests were answered; else the payment never held it. */
static bool is_answered(const struct limits_set *set, const struct limit_answer *answer)
{
    size_t i;

    for (i = 0; i < set->request_count; i++) {
        if (answer->outcomes[set->first + i].fault)
            return false;
    }
    return set->request_count > 0;
}

static void limit_write(const struct route_values *values, const struct limits_ask *ask, size_t i, size_t use,
                        struct buf *out)
{
    const struct turnover_limit *limit = values->held[i].uses[use].limit;
    const struct turnover_limit_ref ref = { limit->ref, limit->upper_boundary, limit->domain_revision };

    buf_str(out, use ? ",{\"limit\":" : "{\"limit\":");
    type_encode(&type_route_limit, &ref, out);
    if (is_answered(&values->held[i], ask->answer))
        buf_printf(out, ",\"value\":%" PRId64, limits_value(&values->held[i], ask, use));
    if (is_answered(&values->current[i], ask->answer))
        buf_printf(out, ",\"current\":%" PRId64, limits_value(&values->current[i], ask, use));
    buf_char(out, '}');
}

void route_values_write(const struct route_values *values, const struct limit_answer *answer, struct buf *out)
{
    struct limits_ask ask = values->ask;
    bool any = false;
    size_t i, use;

    ask.answer = answer;
    buf_char(out, '[');
    for (i = 0; i < values->candidates.count; i++) {
        struct route route = route_of(&values->candidates.list[i]);

        if (values->candidates.list[i].rejected)
            continue;
        buf_str(out, any ? ",{\"route\":" : "{\"route\":");
        any = true;
        type_encode(&type_route, &route, out);
        buf_str(out, ",\"limits\":[");
        for (use = 0; use < values->held[i].use_count; use++)
            limit_write(values, &ask, i, use, out);
        buf_str(out, "]}");
    }
    buf_char(out, ']');
}

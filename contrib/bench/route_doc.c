/* See route_doc.h. */
#include "route_doc.h"

#include <assert.h>
#include <stdbool.h>

#define FIRST_ID 1001
#define CARDS_RULESET 2 /* of the example: where card payments end */
#define PROVIDER 1

static const char *const limit_ids[] = { "bench-terminal-turnover", "bench-terminal-count" };

#define BOUNDARY 1000000000000000 /* the largest there is */

static json_t *cash(json_int_t amount)
{
    return json_pack("{s:I, s:{s:s}}", "amount", amount, "currency", "symbolic_code", "RUB");
}

static json_t *limit_config(const char *id, bool counts)
{
    json_t *metric = counts ? json_pack("{s:{}}", "number") : json_pack("{s:{s:s}}", "amount", "currency", "RUB");

    return json_pack("{s:{s:{s:s}, s:{s:s, s:s, s:i, s:{s:{s:{}}}, s:{s:{}}, s:{s:{s:o}}, s:[{s:{}}, {s:{}}], s:s}}}",
                     "limit_config", "ref", "id", id, "data", "processor_type", "TurnoverProcessor", "started_at",
                     "2024-01-01T00:00:00Z", "shard_size", 1, "time_range_type", "calendar", "day", "context_type",
                     "payment_processing", "type", "turnover", "metric", metric, "scopes", "provider", "terminal",
                     "description", "for the bench");
}

static json_t *limits_of(int limits)
{
    json_t *list = json_array();
    int i;

    for (i = 0; i < limits; i++)
        json_array_append_new(list, json_pack("{s:{s:s}, s:I, s:i}", "ref", "id", limit_ids[i], "upper_boundary",
                                              (json_int_t)BOUNDARY, "domain_revision", 1));
    return list;
}

/* Terms that have something to decide: the card's system, the cost, and tiers of the provider's share. */
static json_t *terminal(int i, int limits)
{
    json_t *allow = json_pack("{s:[{s:{s:{s:{s:{s:{s:{s:s}}}}}}}, {s:{s:{s:{}}}}]}", "any_of", "condition", "payment_tool",
                              "bank_card", "definition", "payment_system", "payment_system_is", "id", "VISA", "condition",
                              "payment_tool", "bank_card");
    json_t *range = json_pack("{s:{s:o}, s:{s:o}}", "lower", "inclusive", cash(100 + i), "upper", "exclusive", cash(900000000));

    return json_pack("{s:{s:{s:i}, s:{s:s, s:s, s:{s:i}, s:{s:{s:o, s:{s:o}, s:{s:s}, s:{s:o}}}}}}", "terminal", "ref", "id",
                     FIRST_ID + i, "data", "name", "bench", "description", "", "provider_ref", "id", PROVIDER, "terms",
                     "payments", "allow", allow, "cash_limit", "value", range, "risk_coverage", "value", "high",
                     "turnover_limits", "value", limits_of(limits));
}

static json_t *candidate(int i)
{
    return json_pack("{s:{s:{s:{s:s}}}, s:{s:i}, s:i, s:i}", "allowed", "condition", "currency_is", "symbolic_code", "RUB",
                     "terminal", "id", FIRST_ID + i, "priority", 1000, "weight", 5);
}

void route_doc_lift_limits(json_t *value)
{
    const char *name;
    json_t *member;
    size_t i;

    if (json_object_get(value, "upper_boundary"))
        json_object_set_new(value, "upper_boundary", json_integer(BOUNDARY));
    json_object_foreach(value, name, member)
        route_doc_lift_limits(member);
    json_array_foreach(value, i, member)
        route_doc_lift_limits(member);
}

void route_doc_drop_limits(json_t *value)
{
    const char *name;
    json_t *member;
    size_t i;

    json_object_del(value, "turnover_limits");
    json_object_foreach(value, name, member)
        route_doc_drop_limits(member);
    json_array_foreach(value, i, member)
        route_doc_drop_limits(member);
}

void route_doc_fill(json_t *doc, int terminals, int limits)
{
    json_t *objects = json_object_get(doc, "objects"), *candidates = json_array(), *object, *rules;
    size_t at;
    int i;

    assert(limits <= (int)(sizeof(limit_ids) / sizeof(limit_ids[0])));
    for (i = 0; i < limits; i++)
        json_array_append_new(objects, limit_config(limit_ids[i], i == 1));
    for (i = 0; i < terminals; i++) {
        json_array_append_new(objects, terminal(i, limits));
        json_array_append_new(candidates, candidate(i));
    }
    json_array_foreach(objects, at, object) {
        rules = json_object_get(object, "routing_rules");
        if (json_integer_value(json_object_get(json_object_get(rules, "ref"), "id")) == CARDS_RULESET)
            json_object_set_new(json_object_get(json_object_get(rules, "data"), "decisions"), "candidates",
                                json_incref(candidates)); /* the document keeps it */
    }
    json_decref(candidates);
}

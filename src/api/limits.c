/* /v1/limits/{id}: what a turnover counter stands at. It is named in whole, or by what its limit counts by. */
#include <inttypes.h>
#include <string.h>

#include "api/request.h"
#include "base/clock.h"
#include "base/rfc3339.h"
#include "limits/store.h"
#include "limits/turnover.h"

struct limit_reading {
    int64_t version;
    struct turnover_facts facts;
    struct limit_change change;
    struct limit_request request;
    struct limit_order order;
};

static void answer_missing(struct api_request *request)
{
    answer_problem(request, 404, "LimitNotFound", "there is no such limit in that revision of the configuration", NULL);
}

static void value_read(void *arg, uint64_t number, enum sl_err err, const struct limit_answer *answer,
                       const char *detail)
{
    struct api_request *request = arg;
    const struct limit_reading *reading = request->waiting;
    const struct limit_request *asked = &reading->request;
    struct buf json = BUF_EMPTY;

    (void)number;
    if (err) {
        answer_err(request, err, "LimitNotFound", detail);
        return;
    }
    if (answer->outcomes[0].fault) { /* reads of what is not there are answered with 0 */
        answer_err(request, SL_ECORRUPT, "LimitNotFound", answer->outcomes[0].fault);
        return;
    }
    buf_str(&json, "{\"limit_id\":");
    buf_json_str(&json, asked->changes[0].limit_id, strlen(asked->changes[0].limit_id));
    buf_str(&json, ",\"counter\":");
    buf_json_str(&json, asked->changes[0].counter, strlen(asked->changes[0].counter));
    buf_printf(&json, ",\"value\":%" PRId64 "}", answer->outcomes[0].values[0]);
    answer_json(request, 200, &json);
}

static void reading_run(struct api_request *request)
{
    struct limit_reading *reading = request->waiting;

    reading->order = (struct limit_order){ &reading->request, 1 };
    limit_store_run(api_setup(request)->limits, &reading->order, request->arena, value_read, request);
}

/* ---- by name ---- */

static void read_by_name(struct api_request *request, const char *counter)
{
    const char *id = request->params[0];
    const struct domain *head = domain_store_ops.head(api_setup(request)->domains);
    struct limit_reading *reading = request->waiting;
    size_t len = strlen(id);

    if (strncmp(counter, id, len) != 0 || counter[len] != '/') {
        answer_invalid(request, "?counter", "begins with the limit's id and a slash");
        return;
    }
    if (!head || !domain_limit_config(head, id)) {
        answer_missing(request);
        return;
    }
    reading->change = (struct limit_change){ .limit_id = id, .counter = counter, .verb = LIMIT_CURRENT };
    reading->request = (struct limit_request){ .operation = "read", .changes = &reading->change, .count = 1 };
    reading_run(request);
}

/* ---- by facts ---- */

static void revision_fetched(void *arg, enum sl_err err)
{
    struct api_request *request = arg;
    struct limit_reading *reading = request->waiting;
    const struct turnover_task task = { .verb = LIMIT_CURRENT, .operation = "read" };
    const struct turnover_limit limit = { .ref = { request->params[0] }, .domain_revision = &reading->version };
    struct turnover_use use = { .limit = &limit };
    struct turnover_fault fault;
    const struct domain *domain;
    size_t count, len;
    const char *text;

    if (err && err != SL_ENOENT) {
        answer_err(request, err, "LimitNotFound", NULL);
        return;
    }
    domain = err ? NULL : domain_store_get(api_setup(request)->domains, reading->version, &text, &len);
    use.config = domain ? domain_limit_config(domain, request->params[0]) : NULL;
    if (!use.config)
        answer_missing(request);
    else if (!turnover_requests(&task, &reading->facts, &use, 1, request->arena, &reading->request, &count, &fault))
        answer_problem(request, 422, turnover_fault_is_misconfiguration(&fault) ? turnover_fault_name(fault.kind)
                                                                                : "InvalidRequest", fault.text, NULL);
    else
        reading_run(request);
}

static bool facts_read(struct api_request *request, struct limit_reading *reading)
{
    struct turnover_facts *facts = &reading->facts;
    const char *at = request_query(request, "at");

    facts->party_id = request_query(request, "party");
    facts->shop_id = request_query(request, "shop");
    facts->email = request_query(request, "email");
    facts->created_at = clock_wall_us();
    if (at && !rfc3339_parse(at, &facts->created_at)) {
        answer_invalid(request, "?at", "is a moment like 2026-01-31T23:59:59Z");
        return false;
    }
    return request_query_i64(request, "version", 0, INT64_MAX, -1, &reading->version) &&
           request_query_i64(request, "provider", 1, INT64_MAX, 0, &facts->provider_id) &&
           request_query_i64(request, "terminal", 1, INT64_MAX, 0, &facts->terminal_id);
}

void limits_get(struct api_request *request)
{
    struct limit_reading *reading = request->waiting = arena_alloc(request->arena, sizeof(*reading));
    const char *counter = request_query(request, "counter");

    if (!facts_read(request, reading))
        return;
    if (counter)
        read_by_name(request, counter);
    else if (reading->version < 0)
        answer_invalid(request, "?version", "the terms' revision of the limit, or the counter's whole name, is needed");
    else if (reading->version == 0)
        answer_missing(request);
    else
        domain_store_ops.fetch(api_setup(request)->domains, reading->version, revision_fetched, request);
}

/* Turnover limits: what counters are called, what operations count for, and what their values mean. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#include "base/rfc3339.h"
#include "domain/domain.h"
#include "limits/shard.h"
#include "limits/turnover.h"
#include "support/domain_doc.h"

/* SHA-1 of "a.b.x" and of "c.y", in base 61 */
#define DESTINATIONS \
    "L/7/destination/kLdWDtRrfBGyNHJPaOoMf5mYvD8/destination/B05QmXTdwUVel1lhRXrN7cWtXct/future/month/2"

#define DAY_MS ((int64_t)86400000)

static struct arena *arena;

static void setup(void)
{
    arena = arena_new();
}

static void teardown(void)
{
    arena_free(arena);
}

TestSuite(turnover, .init = setup, .fini = teardown);

static int64_t at(const char *text)
{
    int64_t us;

    cr_assert(rfc3339_parse(text, &us), "%s", text);
    return us;
}

/* A limit "L" of revision 7 with boundary 100; MORE are further fields of its configuration. */
static struct turnover_use use_of(const char *more)
{
    struct turnover_limit *limit = arena_alloc(arena, sizeof(*limit));
    struct limit_config *config = arena_alloc(arena, sizeof(*config));
    int64_t *revision = arena_alloc(arena, sizeof(*revision));

    must_decode(&type_limit_config,
                arena_printf(arena,
                             "{\"processor_type\":\"TurnoverProcessor\",\"started_at\":\"2000-01-01T00:00:00Z\",\"shard_size\":1,"
                             "\"time_range_type\":{\"calendar\":{\"month\":{}}},\"context_type\":{\"payment_processing\":{}}%s%s}",
                             *more ? "," : "", more),
                arena, config);
    *revision = 7;
    *limit = (struct turnover_limit){ .ref = { "L" }, .upper_boundary = 100, .domain_revision = revision };
    return (struct turnover_use){ limit, config };
}

static const struct payment_tool *tool_of(const char *json)
{
    struct payment_tool *tool = arena_alloc(arena, sizeof(*tool));

    must_decode(&type_payment_tool, json, arena, tool);
    return tool;
}

#define CARD \
    "{\"bank_card\":{\"token\":\"tok42\",\"bin\":\"424242\",\"last_digits\":\"4242\",\"exp_date\":{\"month\":2,\"year\":2022}}}"

static struct turnover_facts facts_of(int64_t amount, const char *currency)
{
    return (struct turnover_facts){
        .party_id = "P1",
        .shop_id = "S1",
        .tool = tool_of(CARD),
        .provider_id = 22,
        .terminal_id = 2,
        .email = "A@b.C",
        .body = { amount, { currency } },
        .created_at = at("2000-03-10T00:00:00Z"),
    };
}

static bool ask(enum limit_verb verb, struct turnover_use use, const struct turnover_facts *facts,
                struct limit_request *out, struct turnover_fault *fault)
{
    struct turnover_task task = { .verb = verb, .operation = "op" };
    size_t count = 0;
    bool ok = turnover_requests(&task, facts, &use, 1, arena, out, &count, fault);

    cr_assert(!ok || (count == 1 && out->count == 1));
    return ok;
}

/* ---- periods ---- */

/* Two payments of one period would be counted apart, or those of two periods together. */
Test(turnover, shards_are_those_of_the_calendar)
{
    static const struct {
        int calendar;
        const char *start;
        int64_t size;
        const char *moment, *shard;
    } rows[] = {
        { CALENDAR_DAY, "2000-01-01T00:00:00Z", 1, "2000-01-02T23:59:59Z", "future/day/1" },
        { CALENDAR_DAY, "2000-01-01T00:00:00Z", 1, "1999-12-31T00:00:00Z", "past/day/1" },
        { CALENDAR_DAY, "2000-01-01T00:00:00Z", 2, "2000-01-04T00:00:00Z", "future/day/1" },
        { CALENDAR_DAY, "2000-01-01T00:00:00Z", 30, "2001-01-01T00:00:00Z", "future/day/12" },
        { CALENDAR_DAY, "2000-01-01T03:00:00Z", 1, "2000-01-01T00:00:00Z", "past/day/1" },
        { CALENDAR_DAY, "2000-01-01T03:00:00Z", 1, "2000-01-03T00:00:00Z", "future/day/1" },
        { CALENDAR_WEEK, "2000-01-01T00:00:00Z", 1, "2000-01-08T00:00:00Z", "future/week/1" },
        { CALENDAR_WEEK, "2000-01-01T00:00:00Z", 1, "1999-12-31T00:00:00Z", "past/week/1" },
        { CALENDAR_WEEK, "2000-01-01T00:00:00Z", 4, "2001-01-01T00:00:00Z", "future/week/13" },
        { CALENDAR_WEEK, "2000-01-02T03:00:00Z", 1, "2000-01-02T00:00:00Z", "past/week/1" },
        { CALENDAR_WEEK, "2000-01-02T03:00:00Z", 1, "2000-01-09T00:00:00Z", "future/week/0" },
        { CALENDAR_MONTH, "2000-01-01T00:00:00Z", 1, "2001-01-01T00:00:00Z", "future/month/12" },
        { CALENDAR_MONTH, "2000-01-02T03:00:00Z", 1, "2000-02-02T00:00:00Z", "future/month/0" },
        { CALENDAR_YEAR, "2000-01-01T00:00:00Z", 10, "2020-01-01T00:00:00Z", "future/year/2" },
        { CALENDAR_YEAR, "2000-01-02T03:00:00Z", 1, "2001-01-01T00:00:00Z", "future/year/0" },
        /* both sides of the origin have a shard 0 when shards are longer than a unit */
        { CALENDAR_DAY, "2000-01-01T00:00:00Z", 2, "1999-12-31T00:00:00Z", "past/day/0" },
        { CALENDAR_DAY, "2000-01-01T00:00:00Z", 2, "2000-01-01T00:00:00Z", "future/day/0" },
        { CALENDAR_MONTH, "2020-02-29T00:00:00Z", 1, "2021-02-28T23:59:59Z", "future/month/11" },
        { CALENDAR_WEEK, "2000-01-01T00:00:00Z", 1, "2000-01-07T23:59:59Z", "future/week/0" },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct limit_config config = {
            .started_at = at(rows[i].start),
            .shard_size = rows[i].size,
            .time_range_type = { .tag = LIMIT_CALENDAR, .calendar = { rows[i].calendar } },
        };
        struct shard shard = shard_of(&config, at(rows[i].moment));
        const char *name =
            arena_printf(arena, "%s/%s/%" PRId64, shard.past ? "past" : "future", shard.unit, shard.number);

        cr_assert_str_eq(name, rows[i].shard, "%s since %s: %s", rows[i].moment, rows[i].start, name);
    }
}

/* Redis would forget a counter that payments still count in; or two of its payments would disagree when. */
Test(turnover, a_shard_ends_after_its_last_moment_and_soon)
{
    static const char *const starts[] = { "2000-01-01T00:00:00Z", "2001-05-31T13:14:15Z", "2024-02-29T23:59:59Z" };
    static const int64_t unit_days[] = {
        [CALENDAR_YEAR] = 366, [CALENDAR_MONTH] = 31, [CALENDAR_WEEK] = 7, [CALENDAR_DAY] = 1,
    };
    int64_t size, step, moment, last_ends = 0;
    int calendar;
    size_t i;

    for (i = 0; i < SL_COUNT(starts); i++) {
        for (calendar = CALENDAR_YEAR; calendar <= CALENDAR_DAY; calendar++) {
            for (size = 1; size <= 5; size += 2) {
                struct limit_config config = {
                    .started_at = at(starts[i]),
                    .shard_size = size,
                    .time_range_type = { .tag = LIMIT_CALENDAR, .calendar = { calendar } },
                };
                struct shard shard, before = { .number = -1 };

                moment = at("1998-12-25T05:06:07Z");
                for (step = 0; step < 4000; step++, moment += (int64_t)20011 * 1000000) {
                    shard = shard_of(&config, moment);
                    cr_assert_gt(shard.ends_ms, moment / 1000);
                    cr_assert_leq(shard.ends_ms, moment / 1000 + (size + 2) * unit_days[calendar] * DAY_MS);
                    if (shard.number == before.number && shard.past == before.past)
                        cr_assert_eq(shard.ends_ms, last_ends);
                    before = shard;
                    last_ends = shard.ends_ms;
                }
            }
        }
    }
}

/* A configuration with huge shards would bring an overflow into the daemon. */
Test(turnover, a_shard_ends_with_the_year_9999_at_the_latest)
{
    int calendar;

    for (calendar = CALENDAR_YEAR; calendar <= CALENDAR_DAY; calendar++) {
        struct limit_config config = {
            .started_at = at("9999-12-31T23:59:59Z"),
            .shard_size = 1000000,
            .time_range_type = { .tag = LIMIT_CALENDAR, .calendar = { calendar } },
        };
        struct shard shard = shard_of(&config, at("9999-12-31T23:59:59Z"));

        cr_assert_eq(shard.ends_ms, INT64_C(253402300799999));
    }
}

/* ---- names ---- */

/* Turnover of different parties, cards or terminals would be counted in one, or of one in several. */
Test(turnover, counters_are_named_by_scopes_in_a_fixed_order)
{
    static const struct {
        const char *scopes, *name;
    } rows[] = {
        { "", "L/7/future/month/2" },
        { "{\"party\":{}}", "L/7/P1/future/month/2" },
        { "{\"shop\":{}}", "L/7/P1/S1/future/month/2" },
        { "{\"shop\":{}},{\"party\":{}}", "L/7/P1/S1/future/month/2" },
        { "{\"payment_tool\":{}},{\"shop\":{}}", "L/7/P1/S1/tok42/2/2022/future/month/2" },
        { "{\"payment_tool\":{}},{\"party\":{}}", "L/7/P1/tok42/2/2022/future/month/2" },
        { "{\"provider\":{}}", "L/7/provider/22/future/month/2" },
        { "{\"terminal\":{}},{\"provider\":{}}", "L/7/terminal/22/2/future/month/2" },
        { "{\"payer_contact_email\":{}},{\"payment_tool\":{}}",
          "L/7/tok42/2/2022/payer_contact_email/a@b.c/future/month/2" },
        { "{\"payer_contact_email\":{}},{\"terminal\":{}},{\"payment_tool\":{}},{\"shop\":{}},{\"party\":{}}",
          "L/7/P1/S1/tok42/2/2022/terminal/22/2/payer_contact_email/a@b.c/future/month/2" },
    };
    struct turnover_facts facts = facts_of(10, "RUB");
    struct turnover_fault fault;
    struct limit_request request;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        cr_assert(ask(LIMIT_READ, use_of(arena_printf(arena, "\"scopes\":[%s]", rows[i].scopes)), &facts, &request,
                      &fault));
        cr_assert_str_eq(request.changes[0].counter, rows[i].name);
    }
}

/* A card with and one without an expiry date are two cards. */
Test(turnover, tools_have_names_of_their_own)
{
    static const struct {
        const char *tool, *name; /* NULL: there is no counter for it */
        enum turnover_fault_kind kind;
    } rows[] = {
        { "{\"bank_card\":{\"token\":\"t\",\"bin\":\"424242\",\"last_digits\":\"4242\"}}", "L/7/t/undefined/future/month/2", 0 },
        { "{\"bank_card\":{\"token\":\"t\",\"bin\":\"424242\",\"last_digits\":\"4242\",\"exp_date\":{\"month\":12,\"year\":2030}}}",
          "L/7/t/12/2030/future/month/2", 0 },
        { "{\"digital_wallet\":{\"id\":\"w1\",\"payment_service\":{\"id\":\"qiwi\"}}}", "L/7/DW/qiwi/w1/future/month/2", 0 },
        { "{\"digital_wallet\":{\"id\":\"w1\"}}", NULL, TURNOVER_INTERNAL },
        { "{\"payment_terminal\":{\"payment_service\":{\"id\":\"euroset\"}}}", NULL, TURNOVER_PAYMENT_TOOL_NOT_SUPPORTED },
        { "{\"crypto_currency\":{\"id\":{\"id\":\"BTC\"}}}", NULL, TURNOVER_PAYMENT_TOOL_NOT_SUPPORTED },
    };
    struct turnover_facts facts = facts_of(10, "RUB");
    struct turnover_fault fault;
    struct limit_request request;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        facts.tool = tool_of(rows[i].tool);
        if (ask(LIMIT_HOLD, use_of("\"scopes\":[{\"payment_tool\":{}}]"), &facts, &request, &fault)) {
            cr_assert(rows[i].name, "%s", rows[i].tool);
            cr_assert_str_eq(request.changes[0].counter, rows[i].name);
        } else {
            cr_assert(!rows[i].name, "%s: %s", rows[i].tool, fault.text);
            cr_assert_eq(fault.kind, rows[i].kind, "%s", rows[i].tool);
        }
    }
}

/* Payouts to one destination would be counted apart. */
Test(turnover, generic_tools_are_counted_by_their_fields)
{
    /* {"a":{"b":"x"},"c":"y"} */
    const char *generic = "{\"generic\":{\"payment_service\":{\"id\":\"g\"},\"data\":{\"type\":\"application/json\","
                          "\"data\":\"eyJhIjp7ImIiOiJ4In0sImMiOiJ5In0=\"}}}";
    const char *both = "\"scopes\":[{\"destination_field\":{\"field_path\":[\"c\"]}},{\"destination_field\":{\"field_path\":[\"a\",\"b\"]}}]";
    struct turnover_facts facts = facts_of(10, "RUB");
    struct turnover_fault fault;
    struct limit_request request, other;

    cr_assert(!ask(LIMIT_HOLD, use_of(both), &facts, &request, &fault));
    cr_assert_eq(fault.kind, TURNOVER_PAYMENT_TOOL_NOT_SUPPORTED, "a card has no such fields");
    facts.tool = tool_of(generic);
    cr_assert(ask(LIMIT_HOLD, use_of(both), &facts, &request, &fault));
    cr_assert_str_eq(request.changes[0].counter, DESTINATIONS);
    cr_assert(ask(LIMIT_HOLD, use_of("\"scopes\":[{\"destination_field\":{\"field_path\":[\"a\",\"b\"]}},"
                                     "{\"destination_field\":{\"field_path\":[\"c\"]}}]"), &facts, &other, &fault));
    cr_assert_str_eq(request.changes[0].counter, other.changes[0].counter, "in whatever order they stand");
    cr_assert(!ask(LIMIT_HOLD, use_of("\"scopes\":[{\"destination_field\":{\"field_path\":[\"d\"]}}]"), &facts, &request, &fault));
    cr_assert_eq(fault.kind, TURNOVER_INTERNAL, "there is no field d");
}

/* A limit would be counted under a name with a hole in it, with others' turnover. */
Test(turnover, a_missing_fact_is_a_fault)
{
    static const char *const rows[] = {
        "{\"party\":{}}", "{\"shop\":{}}", "{\"provider\":{}}", "{\"terminal\":{}}", "{\"payer_contact_email\":{}}",
        "{\"payment_tool\":{}}", "{\"wallet\":{}}", "{\"sender\":{}}", "{\"receiver\":{}}", "{\"party\":{}},{\"wallet\":{}}",
        "{\"destination_field\":{\"field_path\":[\"a\"]}}",
    };
    struct turnover_facts facts = { .body = { 10, { "RUB" } }, .created_at = at("2000-03-10T00:00:00Z") };
    struct turnover_fault fault;
    struct limit_request request;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        cr_assert(!ask(LIMIT_READ, use_of(arena_printf(arena, "\"scopes\":[%s]", rows[i])), &facts, &request, &fault));
        cr_assert_eq(fault.kind, TURNOVER_INTERNAL, "%s", rows[i]);
        cr_assert(!turnover_fault_is_misconfiguration(&fault));
        cr_assert_str_eq(fault.limit_id, "L");
        cr_assert(strstr(fault.text, "limit L: it counts by"), "%s", fault.text);
    }
}

/* ---- amounts ---- */

#define RUB "\"type\":{\"turnover\":{\"metric\":{\"amount\":{\"currency\":\"RUB\"}}}}"
#define NUMBER "\"type\":{\"turnover\":{\"metric\":{\"number\":{}}}}"
#define SUBTRACTS ",\"op_behaviour\":{\"invoice_payment_refund\":{\"subtraction\":{}}}"
#define ADDS ",\"op_behaviour\":{\"invoice_payment_refund\":{\"addition\":{}}}"

/* Turnover would grow by other amounts than were paid. */
Test(turnover, amounts_follow_metric_body_and_behaviour)
{
    static const struct {
        const char *config;
        enum limit_verb verb;
        bool refund;
        int64_t body, partial; /* partial -1: none */
        int64_t amount;
    } rows[] = {
        { RUB, LIMIT_HOLD, false, 42000, -1, 42000 },
        { RUB, LIMIT_HOLD, false, 42000, 10000, 42000 },
        { RUB, LIMIT_COMMIT, false, 42000, -1, 42000 },
        { RUB, LIMIT_COMMIT, false, 42000, 10000, 10000 },
        { RUB, LIMIT_COMMIT, false, 42000, 0, 0 },
        { RUB, LIMIT_HOLD, false, 0, -1, 0 },
        { RUB SUBTRACTS, LIMIT_HOLD, false, 42000, -1, 42000 },
        { RUB SUBTRACTS, LIMIT_HOLD, true, 42000, -1, -42000 },
        { RUB SUBTRACTS, LIMIT_COMMIT, true, 42000, 10000, -42000 }, /* refunds have no partial body */
        { RUB ADDS, LIMIT_HOLD, true, 42000, -1, 42000 },
        { RUB, LIMIT_HOLD, true, 42000, -1, 42000 },
        { NUMBER, LIMIT_HOLD, false, 42000, -1, 1 },
        { NUMBER, LIMIT_COMMIT, false, 42000, 10000, 1 },
        { NUMBER, LIMIT_COMMIT, false, 42000, 0, 0 },
        { NUMBER SUBTRACTS, LIMIT_HOLD, true, 42000, -1, -1 },
        { NUMBER, LIMIT_HOLD, true, 42000, -1, 1 },
        { "", LIMIT_HOLD, false, 42000, -1, 1 },
        { "\"type\":{\"turnover\":{}}", LIMIT_HOLD, false, 42000, -1, 1 },
        { RUB, LIMIT_ROLLBACK, false, 42000, -1, 0 },
        { RUB, LIMIT_READ, false, 42000, -1, 0 },
    };
    struct turnover_facts facts = facts_of(0, "RUB");
    struct limit_request request;
    struct turnover_fault fault;
    struct cash partial = { 0, { "RUB" } };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        facts.body.amount = rows[i].body;
        partial.amount = rows[i].partial;
        facts.partial = rows[i].partial < 0 ? NULL : &partial;
        facts.is_refund = rows[i].refund;
        cr_assert(ask(rows[i].verb, use_of(rows[i].config), &facts, &request, &fault), "row %zu: %s", i, fault.text);
        cr_assert_eq(request.changes[0].verb, rows[i].verb, "row %zu", i);
        cr_assert_eq(request.changes[0].amount, rows[i].amount, "row %zu: %" PRId64, i, request.changes[0].amount);
    }
    facts = facts_of(0, "RUB");
    cr_assert(!ask(LIMIT_HOLD, use_of(NUMBER), &facts, &request, &fault), "nothing cannot be counted");
    cr_assert_eq(fault.kind, TURNOVER_INTERNAL);
}

/* ---- conversion ---- */

#define CONVERTS RUB ",\"currency_conversion\":{}"

/* The example configuration, with RATES in US dollars and FACTORS in the globals (NULL: as they are). */
static struct domain *domain_with(const char *rates, const char *factors)
{
    json_t *doc = doc_load();

    doc_set(doc, "currency", "{\"symbolic_code\":\"USD\"}", "/data/rates", rates);
    if (factors)
        doc_set(doc, "globals", "{}", "/data/exchange_factors", factors);
    return doc_domain_take(doc, arena);
}

/* A foreign payment would count for more or less than it is worth, by a unit or by much. */
Test(turnover, conversions_are_exact_and_rounded_once)
{
    static const struct {
        const char *rates, *factors;
        int64_t body, amount;
    } rows[] = {
        { "{\"RUB\":{\"p\":90,\"q\":1}}", NULL, 1000, 94500 }, /* the dollar's own 105/100 */
        { "{\"RUB\":{\"p\":1,\"q\":1}}", "{\"USD\":{\"p\":1,\"q\":2}}", 1, 1 },
        { "{\"RUB\":{\"p\":1,\"q\":1}}", "{\"USD\":{\"p\":1,\"q\":2}}", -1, -1 },
        { "{\"RUB\":{\"p\":1,\"q\":1}}", "{\"USD\":{\"p\":1,\"q\":2}}", 5, 3 },
        { "{\"RUB\":{\"p\":1,\"q\":3}}", "{\"USD\":{\"p\":1,\"q\":1}}", 4, 1 },
        { "{\"RUB\":{\"p\":1,\"q\":3}}", "{\"USD\":{\"p\":1,\"q\":1}}", 5, 2 },
        /* rate and factor are not rounded in between: 3 * 1/2 * 1/3 is a half, and not 2 * 1/3 */
        { "{\"RUB\":{\"p\":1,\"q\":2}}", "{\"USD\":{\"p\":1,\"q\":3}}", 3, 1 },
        { "{\"RUB\":{\"p\":10,\"q\":1}}", "{\"DEFAULT\":{\"p\":2,\"q\":1},\"EUR\":{\"p\":9,\"q\":1}}", 5, 100 },
        { "{\"RUB\":{\"p\":10,\"q\":1}}", "{\"EUR\":{\"p\":9,\"q\":1}}", 5, 55 }, /* no DEFAULT either: 1.1 */
        { "{\"RUB\":{\"p\":999999999999999,\"q\":1000000000000000}}", "{\"USD\":{\"p\":1,\"q\":1}}",
          INT64_C(1000000000000000), INT64_C(999999999999999) },
        { "{\"RUB\":{\"p\":1000000000000000,\"q\":999999999999999}}",
          "{\"USD\":{\"p\":999999999999999,\"q\":1000000000000000}}", INT64_C(1000000000000000), INT64_C(1000000000000000) },
    };
    struct turnover_facts facts = facts_of(0, "USD");
    struct limit_request request;
    struct turnover_fault fault;
    struct domain *domain;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        domain = domain_with(rows[i].rates, rows[i].factors);
        facts.domain = domain;
        facts.is_refund = rows[i].body < 0;
        facts.body.amount = rows[i].body < 0 ? -rows[i].body : rows[i].body;
        cr_assert(ask(LIMIT_HOLD, use_of(CONVERTS SUBTRACTS), &facts, &request, &fault), "row %zu: %s", i, fault.text);
        cr_assert_eq(request.changes[0].amount, rows[i].amount, "row %zu: %" PRId64, i, request.changes[0].amount);
        domain_free(domain);
    }
}

/* A payment in a currency without a rate would be counted as though it were in another. */
Test(turnover, what_cannot_be_converted_is_a_fault)
{
    static const struct {
        const char *rates;
        int64_t body;
        const char *says;
    } rows[] = {
        { "{\"USD\":{\"p\":1,\"q\":1}}", 5, "no rate from USD to RUB" },
        { "{\"RUB\":{\"p\":1000000000000000,\"q\":1}}", INT64_C(1000000000000000), "out of range" },
        { "{\"RUB\":{\"p\":1000000000000000,\"q\":1}}", 1000, "out of range" },
        { "{\"RUB\":{\"p\":999999999999999,\"q\":7}}", INT64_C(999999999999998), "out of range" },
    };
    struct turnover_facts facts = facts_of(5, "USD");
    struct limit_request request;
    struct turnover_fault fault;
    struct domain *domain;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        domain = domain_with(rows[i].rates, NULL);
        facts.domain = domain;
        facts.body.amount = rows[i].body;
        cr_assert(!ask(LIMIT_HOLD, use_of(CONVERTS), &facts, &request, &fault), "row %zu", i);
        cr_assert_eq(fault.kind, TURNOVER_INTERNAL);
        cr_assert(strstr(fault.text, rows[i].says), "row %zu: %s", i, fault.text);
        domain_free(domain);
    }
    facts.domain = NULL;
    cr_assert(!ask(LIMIT_HOLD, use_of(CONVERTS), &facts, &request, &fault));
    cr_assert_eq(fault.kind, TURNOVER_INTERNAL);
}

/* ---- faults ---- */

/* A route would be rejected for what is wrong with us, or a payment stopped for what is wrong with a route. */
Test(turnover, misconfigured_limits_are_told_from_other_faults)
{
    struct turnover_facts facts = facts_of(10, "USD");
    struct turnover_use withdrawals = use_of(""), nameless = use_of("");
    struct limit_config config = *withdrawals.config;
    struct turnover_limit limit = *nameless.limit;
    struct limit_request request;
    struct turnover_fault fault;

    cr_assert(!ask(LIMIT_HOLD, use_of(RUB), &facts, &request, &fault));
    cr_assert_eq(fault.kind, TURNOVER_INVALID_CURRENCY);
    cr_assert(turnover_fault_is_misconfiguration(&fault));
    cr_assert_str_eq(fault.currency, "USD");
    cr_assert_str_eq(fault.expected, "RUB");
    cr_assert_str_eq(turnover_fault_name(fault.kind), "InvalidOperationCurrency");
    cr_assert(ask(LIMIT_ROLLBACK, use_of(RUB), &facts, &request, &fault), "no amount, no currency");

    config.context_type.tag = LIMIT_WITHDRAWALS;
    withdrawals.config = &config;
    cr_assert(!ask(LIMIT_HOLD, withdrawals, &facts, &request, &fault));
    cr_assert_eq(fault.kind, TURNOVER_CONTEXT_NOT_SUPPORTED);
    cr_assert(turnover_fault_is_misconfiguration(&fault));

    limit.domain_revision = NULL;
    nameless.limit = &limit;
    cr_assert(!ask(LIMIT_HOLD, nameless, &facts, &request, &fault));
    cr_assert_eq(fault.kind, TURNOVER_INTERNAL);
}

/* ---- sets ---- */

#define TURNS ",\"finalization_behaviour\":{\"invertable\":{\"session_presence\":{}}}"

/* An invertable limit would count successes for failures, or share an operation with limits that are not. */
Test(turnover, invertable_limits_are_a_group_of_their_own)
{
    static const struct {
        enum limit_verb verb, normal, inverted, inverted_in_session;
        int64_t amount_in_session;
    } rows[] = {
        { LIMIT_HOLD, LIMIT_HOLD, LIMIT_HOLD, LIMIT_HOLD, 1 },
        { LIMIT_COMMIT, LIMIT_COMMIT, LIMIT_COMMIT, LIMIT_ROLLBACK, 0 },
        { LIMIT_ROLLBACK, LIMIT_ROLLBACK, LIMIT_ROLLBACK, LIMIT_COMMIT, 1 },
        { LIMIT_READ, LIMIT_READ, LIMIT_READ, LIMIT_READ, 0 },
    };
    struct turnover_use uses[] = { use_of(NUMBER TURNS), use_of(RUB), use_of(NUMBER TURNS), use_of(NUMBER) };
    struct turnover_facts facts = facts_of(10, "RUB");
    struct limit_request requests[TURNOVER_REQUESTS_MAX];
    struct turnover_fault fault;
    size_t i, count;

    for (i = 0; i < SL_COUNT(rows) * 2; i++) {
        struct turnover_task task = { .verb = rows[i / 2].verb, .operation = "op" };

        facts.session_present = i % 2;
        cr_assert(turnover_requests(&task, &facts, uses, SL_COUNT(uses), arena, requests, &count, &fault));
        cr_assert(count == 2 && requests[0].count == 2 && requests[1].count == 2);
        cr_assert_str_eq(requests[0].operation, "op");
        cr_assert_str_eq(requests[1].operation, "op/inverted/session-presence");
        cr_assert_eq(requests[0].changes[0].verb, rows[i / 2].normal, "row %zu", i);
        cr_assert_eq(requests[1].changes[1].verb, i % 2 ? rows[i / 2].inverted_in_session : rows[i / 2].inverted, "row %zu", i);
        if (i % 2)
            cr_assert_eq(requests[1].changes[1].amount, rows[i / 2].amount_in_session, "row %zu", i);
    }
}

/* A set without limits would be asked for, or one without normal limits answered for another. */
Test(turnover, groups_without_limits_are_no_requests)
{
    struct turnover_use turning = use_of(NUMBER TURNS);
    struct turnover_task task = { .verb = LIMIT_HOLD, .operation = "op" };
    struct turnover_facts facts = facts_of(10, "RUB");
    struct limit_request requests[TURNOVER_REQUESTS_MAX];
    struct turnover_fault fault;
    size_t count = 7;

    cr_assert(turnover_requests(&task, &facts, NULL, 0, arena, requests, &count, &fault));
    cr_assert_eq(count, 0);
    cr_assert(turnover_requests(&task, &facts, &turning, 1, arena, requests, &count, &fault));
    cr_assert_eq(count, 1);
    cr_assert_str_eq(requests[0].operation, "op/inverted/session-presence");
}

/* A route that was rejected for its limits' sake could never be released. */
Test(turnover, tolerant_rollbacks_leave_out_what_cannot_be_held)
{
    struct turnover_use uses[] = { use_of("\"scopes\":[{\"payment_tool\":{}}]"), use_of(RUB) };
    struct turnover_task task = { .verb = LIMIT_ROLLBACK, .operation = "op", .tolerant = true };
    struct turnover_facts facts = facts_of(10, "RUB");
    struct limit_request requests[TURNOVER_REQUESTS_MAX];
    struct turnover_fault fault;
    size_t count;

    facts.tool = tool_of("{\"crypto_currency\":{\"id\":{\"id\":\"BTC\"}}}");
    cr_assert(turnover_requests(&task, &facts, uses, 2, arena, requests, &count, &fault));
    cr_assert(count == 1 && requests[0].count == 1 && requests[0].tolerant);
    cr_assert_str_eq(requests[0].changes[0].counter, "L/7/future/month/2");
    cr_assert(turnover_requests(&task, &facts, uses, 1, arena, requests, &count, &fault));
    cr_assert_eq(count, 0);
    facts.tool = NULL;
    cr_assert(turnover_requests(&task, &facts, uses, 1, arena, requests, &count, &fault), "nor what lacks a fact");
    cr_assert_eq(count, 0);
    task.tolerant = false;
    facts.tool = tool_of("{\"crypto_currency\":{\"id\":{\"id\":\"BTC\"}}}");
    cr_assert(!turnover_requests(&task, &facts, uses, 1, arena, requests, &count, &fault));
}

/* A limit would be judged by another one's value. */
Test(turnover, values_are_found_at_their_limits)
{
    struct turnover_use uses[] = { use_of(NUMBER TURNS), use_of(RUB), use_of(NUMBER TURNS), use_of(RUB) };
    static const int64_t normal[] = { 1, 3 }, inverted[] = { 0, 2 };
    const struct limit_outcome outcomes[] = { { NULL, normal }, { NULL, inverted } };
    size_t i;

    for (i = 0; i < SL_COUNT(uses); i++)
        cr_assert_eq(turnover_value(uses, SL_COUNT(uses), outcomes, i), (int64_t)i);
    cr_assert_eq(turnover_value(uses, 1, outcomes + 1, 0), 0, "no normal limits, so no request of theirs");
}

/* Stored operations would not be found again. */
Test(turnover, operations_have_their_ids)
{
    cr_assert_str_eq(turnover_route_operation(arena, 5, 12, "inv", "1", 2), "limiter.batch-request.5.12.inv.1.2");
    cr_assert_str_eq(turnover_shop_operation(arena, "P1", "S1", "inv", "1"),
                     "limiter.batch-request.domain_PartyConfigRef-P1.domain_ShopConfigRef-S1.inv.1");
    cr_assert_str_eq(turnover_refund_operation(arena, "inv", "1", "3"), "limiter.batch-request.inv.1.refund_session-3");
}

/* If it fails, two operations hold once, and the second one evades its limit: doc/spec/limits.md 5. */
Test(turnover, operations_of_different_parts_have_different_ids)
{
    const char *const ids[] = {
        turnover_route_operation(arena, 5, 12, "a", "1.2", 1),
        turnover_route_operation(arena, 5, 12, "a.1", "2", 1),
        turnover_route_operation(arena, 5, 12, "a", "1%2E2", 1),
        turnover_refund_operation(arena, "a", "1.2", "3"),
        turnover_refund_operation(arena, "a.1", "2", "3"),
        turnover_refund_operation(arena, "a", "1", "2.refund_session-3"),
        turnover_refund_operation(arena, "a", "1.refund_session-2", "3"),
        turnover_refund_operation(arena, "5.12.a", "1.2", "3"),
        turnover_shop_operation(arena, "P", "S", "a", "1.2"),
        turnover_shop_operation(arena, "P", "S", "a.1", "2"),
        turnover_shop_operation(arena, "P", "S.a", "1", "2"),
        turnover_shop_operation(arena, "P.domain_ShopConfigRef-S", "T", "1", "2"),
        turnover_shop_operation(arena, "P", "S.domain_ShopConfigRef-T", "1", "2"),
        turnover_shop_operation(arena, "P", "S", "a.1", "refund_session-3"),
        turnover_refund_operation(arena, "domain_PartyConfigRef-P.domain_ShopConfigRef-S.a", "1", "3"),
    };
    size_t i, j;

    for (i = 0; i < SL_COUNT(ids); i++) {
        for (j = 0; j < i; j++)
            cr_expect_str_neq(ids[i], ids[j], "number %zu is number %zu: %s", i, j, ids[i]);
    }
    cr_expect_str_eq(ids[0], "limiter.batch-request.5.12.a.1%2E2.1");
}

/* If it fails, payers share a counter: one of them uses up the other's limit. */
Test(turnover, different_payers_have_different_counters)
{
#define CARD_OF(TOKEN, MORE) \
    "{\"bank_card\":{\"token\":\"" TOKEN "\",\"bin\":\"424242\",\"last_digits\":\"4242\"" MORE "}}"
#define BY_SHOP_TOOL_EMAIL "\"scopes\":[{\"shop\":{}},{\"payment_tool\":{}},{\"payer_contact_email\":{}}]"
#define EXPIRY ",\"exp_date\":{\"month\":5,\"year\":2030}"
    static const struct {
        const char *tool, *email, *party, *shop;
    } rows[] = {
        { CARD_OF("T", ""), "u/undefined/payer_contact_email/v", "P", "S" },
        { CARD_OF("T/undefined/payer_contact_email/u", ""), "v", "P", "S" },
        { CARD_OF("T/5/2030", ""), "v", "P", "S" },
        { CARD_OF("T", EXPIRY), "v", "P", "S" },
        { CARD_OF("T%2F5", EXPIRY), "v", "P", "S" },
        { CARD_OF("T/5", EXPIRY), "v", "P", "S" },
        { CARD_OF("DW", EXPIRY), "v", "P", "S" },
        { "{\"digital_wallet\":{\"payment_service\":{\"id\":\"5\"},\"id\":\"2030\"}}", "v", "P", "S" },
        { "{\"digital_wallet\":{\"payment_service\":{\"id\":\"5\"},\"id\":\"2030/6\"}}", "v", "P", "S" },
        { CARD_OF("T", EXPIRY), "v", "P", "R" },
    };
    const char *names[SL_COUNT(rows)];
    size_t i, j;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct turnover_facts facts = facts_of(100, "RUB");
        struct turnover_fault fault;
        struct limit_request request;

        facts.tool = tool_of(rows[i].tool);
        facts.email = rows[i].email;
        facts.party_id = rows[i].party;
        facts.shop_id = rows[i].shop;
        cr_assert(ask(LIMIT_HOLD, use_of(BY_SHOP_TOOL_EMAIL), &facts, &request, &fault));
        names[i] = request.changes[0].counter;
        for (j = 0; j < i; j++)
            cr_expect_str_neq(names[i], names[j], "number %zu is number %zu: %s", i, j, names[i]);
    }
}

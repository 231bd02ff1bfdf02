/* Turnover limits: what counters are called, what operations count for, and what their values mean. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#include "base/rfc3339.h"
#include "domain/domain.h"
#include "limits/shard.h"
#include "limits/turnover.h"
#include "support/domain_doc.h"

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

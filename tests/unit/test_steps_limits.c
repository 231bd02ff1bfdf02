/* Turnover limits, the blacklist and the cascade on the way of a payment. Counters are in memory. */
#include <criterion/criterion.h>

#include "payment/limits.h"
#include "payment/route_explain.h"
#include "support/payment_world.h"

#define BOOKS "shop-acme-books"
#define DECLINED(code) \
    "{\"intent\":{\"finish\":{\"status\":{\"failure\":{\"code\":\"authorization_failed\",\"sub\":{\"code\":\"" code "\"}}}}}}"
#define REDIRECTED                                                                                          \
    "{\"intent\":{\"sleep\":{\"timer\":{\"timeout\":1},\"user_interaction\":{\"redirect\":{\"get_request\":" \
    "{\"uri\":\"https://acs\"}}}}}}"
#define NOVEMBER "future/month/2" /* started_at is 2023-09-01 in these */

#define LIMIT(id, boundary) "{\"ref\":{\"id\":\"" id "\"},\"upper_boundary\":" #boundary ",\"domain_revision\":1}"
#define ROUTES(...) "{\"candidates\":[" __VA_ARGS__ "]}"
#define ROUTE(terminal, priority) \
    "{\"allowed\":{\"constant\":true},\"terminal\":{\"id\":" #terminal "},\"priority\":" #priority "}"
#define LIMITS_OF(provider, ...) \
    { "provider", "{\"id\":" #provider "}", "terms.payments.turnover_limits", "{\"value\":[" __VA_ARGS__ "]}" }
#define NO_LIMITS(kind, id) { kind, "{\"id\":" #id "}", "terms.payments.turnover_limits", NULL }
#define SHOP_LIMITS(...) { "shop_config", "{\"id\":\"" BOOKS "\"}", "turnover_limits", "[" __VA_ARGS__ "]" }
#define STARTED(limit) { "limit_config", "{\"id\":\"" limit "\"}", "started_at", "\"2023-09-01T00:00:00Z\"" }
#define ATTEMPTS(n) { "term_set_hierarchy", "{\"id\":1}", "term_set.payments.attempt_limit", "{\"value\":{\"attempts\":" #n "}}" }
#define BEHAVIOUR(json) { "provider", "{\"id\":1}", "cascade_behaviour", json }
#define END { NULL, NULL, NULL, NULL }

/* Terminal 1 (provider 1) before terminal 3 (provider 2); the monthly turnover of each provider is limited. */
#define TWO_ROUTES                                                                                          \
    { "routing_rules", "{\"id\":2}", "decisions", ROUTES(ROUTE(1, 1000) "," ROUTE(3, 900)) },               \
    LIMITS_OF(1, LIMIT("provider-month-turnover", 100000)), LIMITS_OF(2, LIMIT("provider-month-turnover", 90000)), \
    STARTED("provider-month-turnover"), STARTED("shop-month-turnover"), SHOP_LIMITS()

static const struct world_patch two_routes[] = { TWO_ROUTES, END };

static int64_t turnover_of(const struct payment_world *world, int provider)
{
    return limit_counters_value(world->counters,
                                arena_printf(world->driver.arena, "provider-month-turnover/1/provider/%d/" NOVEMBER,
                                             provider));
}

static void pay(struct payment_world *world)
{
    cr_assert(world_start(world) == STEP_OK);
    world_run(world);
    cr_assert(!world->driver.failed, "%s", world->driver.reason);
}

/* Another invoice of the same world would be another machine: its payments are counted by hand. */
static void count_before(struct payment_world *world, int provider, int64_t amount)
{
    struct limit_change change = {
        .limit_id = "provider-month-turnover",
        .counter = arena_printf(world->driver.arena, "provider-month-turnover/1/provider/%d/" NOVEMBER, provider),
        .verb = LIMIT_HOLD, .amount = amount, .expires_ms = 1,
    };
    struct limit_request request = { .operation = "earlier", .changes = &change, .count = 1 };
    struct limit_order order = { &request, 1 };

    cr_assert_null(limit_counters_run(world->counters, &order)->outcomes[0].fault);
    change.verb = LIMIT_COMMIT;
    cr_assert_null(limit_counters_run(world->counters, &order)->outcomes[0].fault);
}

/* What was captured counts, what was only considered does not. */
Test(steps_limits, a_captured_payment_counts_on_its_route_alone)
{
    struct payment_world world;

    world_open(&world, BOOKS, 42000, two_routes);
    pay(&world);
    cr_assert_str_eq(world_status(&world), "captured");
    cr_assert_eq(turnover_of(&world, 1), 42000);
    cr_assert_eq(turnover_of(&world, 2), 0);
    cr_assert_eq(limit_counters_held(world.counters), 0, "nothing stays held");
    world_close(&world);
}

/* A route over its boundary gives way to the next; exactly the boundary is within (limits.md 5). */
Test(steps_limits, a_full_route_gives_way_to_the_next)
{
    static const struct {
        int64_t before;
        int64_t terminal;
    } rows[] = { { 58000, 1 }, { 58001, 3 } };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        world_open(&world, BOOKS, 42000, two_routes);
        count_before(&world, 1, rows[i].before);
        pay(&world);
        cr_assert_str_eq(world_status(&world), "captured");
        cr_assert_eq(payment_route(world_payment(&world))->terminal.id, rows[i].terminal);
        cr_assert_eq(turnover_of(&world, 1), rows[i].before + (rows[i].terminal == 1 ? 42000 : 0));
        cr_assert_eq(limit_counters_held(world.counters), 0);
        world_close(&world);
    }
}

/* With all routes full the payment fails with that as its reason, and holds nothing. */
Test(steps_limits, when_all_routes_are_full_the_payment_fails)
{
    struct payment_world world;

    world_open(&world, BOOKS, 42000, two_routes);
    count_before(&world, 1, 100000);
    count_before(&world, 2, 90000);
    pay(&world);
    cr_assert_str_eq(world_status(&world), "failed:no_route_found:rejected:limit_overflow");
    cr_assert_str_eq(world_history(&world, 5), "risk_score_changed | route_changed rollback_started | status:failed");
    cr_assert_eq(world_payment(&world)->candidates.count, 2);
    cr_assert_eq(world_payment(&world)->limits.count, 2, "their values are told");
    cr_assert_eq(turnover_of(&world, 1), 100000);
    cr_assert_eq(turnover_of(&world, 2), 90000);
    cr_assert_eq(limit_counters_held(world.counters), 0);
    world_close(&world);
}

/* The shop's own turnover counts every attempt, and stops the payment before anything else is asked. */
Test(steps_limits, a_shop_over_its_turnover_takes_nothing)
{
    static const struct world_patch patches[] = {
        { "limit_config", "{\"id\":\"shop-month-turnover\"}", "started_at", "\"2023-09-01T00:00:00Z\"" },
        SHOP_LIMITS(LIMIT("shop-month-turnover", 50000) "," LIMIT("card-day-count", 9)), ATTEMPTS(1), END,
    };
    struct payment_world world;

    world_open(&world, BOOKS, 30000, patches);
    world_say(&world, DECLINED("insufficient_funds"));
    pay(&world);
    cr_assert_str_eq(world_status(&world), "failed:authorization_failed:insufficient_funds");
    pay(&world);
    cr_assert_str_eq(world_status(&world), "failed:authorization_failed:shop_limit_exceeded:unknown");
    cr_assert_str_eq(world_payment(&world)->payment.status.failed.failure.failure.reason,
                     "Limits with following IDs overflowed: shop-month-turnover, card-day-count");
    cr_assert_eq(limit_counters_value(world.counters, "shop-month-turnover/1/party-acme/" BOOKS "/" NOVEMBER), 30000);
    cr_assert_eq(limit_counters_held(world.counters), 0);
    world_close(&world);
}

/* Counters that cannot be reached delay the payment and never decide it. */
Test(steps_limits, unreachable_counters_are_asked_again)
{
    struct payment_world world;

    world_open(&world, BOOKS, 42000, two_routes);
    cr_assert(world_start(&world) == STEP_OK);
    world.limits_err = SL_EDOWN;
    cr_assert(machine_driver_fire(&world.driver) == STEP_OK); /* shop limits: none to ask for */
    cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    cr_assert(machine_driver_fire(&world.driver) == STEP_OK); /* risk */
    cr_assert(machine_driver_fire(&world.driver) == STEP_RETRY);
    world.limits_err = SL_EUNKNOWN;
    cr_assert(machine_driver_fire(&world.driver) == STEP_RETRY);
    world.limits_err = SL_OK;
    world_run(&world);
    cr_assert_str_eq(world_status(&world), "captured");
    cr_assert_eq(turnover_of(&world, 1), 42000);
    world_close(&world);
}

/* A limit in another currency speaks against the route and not against the payment (limits.md 5). */
Test(steps_limits, a_limit_that_cannot_count_the_payment_rejects_the_route)
{
    static const struct world_patch patches[] = {
        TWO_ROUTES,
        { "limit_config", "{\"id\":\"card-day-count\"}", "type", "{\"turnover\":{\"metric\":{\"amount\":{\"currency\":\"USD\"}}}}" },
        LIMITS_OF(1, LIMIT("card-day-count", 100)), END,
    };
    struct payment_world world;

    world_open(&world, BOOKS, 42000, patches);
    pay(&world);
    cr_assert_str_eq(world_status(&world), "captured");
    cr_assert_eq(payment_route(world_payment(&world))->terminal.id, 3);
    cr_assert_eq(world_payment(&world)->candidates.count, 1, "it was not considered");
    world_close(&world);
}

/* A blacklisted card is kept from the terminal that listed it, and its score says so. */
Test(steps_limits, a_blacklisted_card_goes_elsewhere)
{
    struct payment_world world;
    const struct route_score_entry *scores;

    world_open(&world, BOOKS, 42000, two_routes);
    world.blacklisted_terminal = 1;
    pay(&world);
    cr_assert_str_eq(world_status(&world), "captured");
    cr_assert_eq(payment_route(world_payment(&world))->terminal.id, 3);
    cr_assert_eq(world_payment(&world)->scores.count, 2);
    scores = world_payment(&world)->scores.items;
    cr_assert(*scores[0].value.blacklist_condition == 1 && !scores[0].value.availability);
    cr_assert(*scores[1].value.blacklist_condition == 0 && *scores[1].value.availability == 1);
    cr_assert_eq(limit_counters_held(world.counters), 0);
    world_close(&world);
}

/* ---- what a payment's terms see must stay the same from hold to end ---- */

#define HOLD "{\"hold\":{\"on_hold_expiration\":\"cancel\"}}"
#define CHANGED_TO(amount)                                                                                  \
    "{\"intent\":{\"finish\":{\"status\":{\"success\":{\"changed_cost\":{\"amount\":" #amount               \
    ",\"currency\":{\"symbolic_code\":\"RUB\"}}}}}},\"trx\":{\"id\":\"T1\",\"extra\":{}}}"
#define RUB(amount) "{\"inclusive\":{\"amount\":" #amount ",\"currency\":{\"symbolic_code\":\"RUB\"}}}"
#define IF(condition, limit) "{\"if_\":{\"condition\":" condition "},\"then_\":{\"value\":[" limit "]}}"
#define SELECTED_LIMITS(provider, ...)                                                                      \
    { "provider", "{\"id\":" #provider "}", "terms.payments.turnover_limits", "{\"decisions\":[" __VA_ARGS__ "]}" }
#define FAILURES "card-terminal-failures"
#define COUNTS_MONEY(limit) \
    { "limit_config", "{\"id\":\"" limit "\"}", "type", "{\"turnover\":{\"metric\":{\"amount\":{\"currency\":\"RUB\"}}}}" }

/* Starts a held payment whose provider answers ANSWER, and captures or cancels it. */
static void pay_held(struct payment_world *world, const char *answer, bool captures)
{
    if (answer)
        world_say(world, answer);
    cr_assert(world_start_with(world, NULL, HOLD, NULL) == STEP_OK);
    world_run(world);
    cr_assert(!world->driver.failed, "%s", world->driver.reason);
    cr_assert_str_eq(world_status(world), "processed");
    cr_assert((captures ? world_capture(world, "1", "{\"reason\":\"ok\"}") : world_cancel(world, "1", "no")) == STEP_OK);
    world_run(world);
    cr_assert(!world->driver.failed, "%s", world->driver.reason);
    cr_assert_str_eq(world_status(world), captures ? "captured" : "cancelled");
    cr_assert_eq(limit_counters_held(world->counters), 0);
}

/* Limits that depend on the cost are released as they were held: at the cost that the payment had then. Fails: a
 * changed cost parks the machine after the money was authorised. */
Test(steps_limits, a_changed_cost_may_come_under_other_limits)
{
    static const struct world_patch patches[] = {
        TWO_ROUTES, STARTED("terminal-day-turnover"),
        SELECTED_LIMITS(1, IF("{\"cost_in\":{\"lower\":" RUB(0) ",\"upper\":" RUB(50000) "}}", LIMIT("provider-month-turnover", 100000)) ","
                           IF("{\"cost_in\":{\"lower\":" RUB(50001) ",\"upper\":" RUB(900000) "}}", LIMIT("terminal-day-turnover", 1))),
        END,
    };
    struct payment_world world;
    int captures;

    for (captures = 0; captures < 2; captures++) {
        world_open(&world, BOOKS, 42000, patches);
        pay_held(&world, CHANGED_TO(84000), captures);
        cr_assert_eq(turnover_of(&world, 1), 0);
        world_close(&world);
    }
}

/* A limit that cannot count the changed cost is passed over at its hold, and so it is when the payment ends. Fails: the
 * machine parks after the money was captured or cancelled. */
Test(steps_limits, a_limit_that_cannot_count_a_changed_cost_stays_out_of_it)
{
    static const struct world_patch patches[] = {
        TWO_ROUTES,
        { "limit_config", "{\"id\":\"card-day-count\"}", "type", "{\"turnover\":{\"metric\":{\"amount\":{\"currency\":\"USD\"}}}}" },
        SELECTED_LIMITS(1, IF("{\"cost_in\":{\"lower\":" RUB(0) ",\"upper\":" RUB(50000) "}}", LIMIT("provider-month-turnover", 100000)) ","
                           IF("{\"cost_in\":{\"lower\":" RUB(50001) ",\"upper\":" RUB(900000) "}}", LIMIT("card-day-count", 1))),
        END,
    };
    struct payment_world world;
    int captures;

    for (captures = 0; captures < 2; captures++) {
        world_open(&world, BOOKS, 42000, patches);
        pay_held(&world, CHANGED_TO(84000), captures);
        cr_assert_eq(turnover_of(&world, 1), 0);
        world_close(&world);
    }
}

/* An invertable limit counts the attempt that a cancel ends, at the cost that is held for it. Fails: a cost that the
 * provider lowered parks the machine at the cancel. */
Test(steps_limits, a_cancelled_attempt_counts_at_its_changed_cost)
{
    static const struct world_patch patches[] = {
        TWO_ROUTES, STARTED(FAILURES), COUNTS_MONEY(FAILURES), LIMITS_OF(1, LIMIT(FAILURES, 100000)), END,
    };
    static const struct {
        const char *answer;
        int64_t counted;
    } rows[] = { { NULL, 42000 }, { CHANGED_TO(21000), 21000 }, { CHANGED_TO(84000), 84000 } };
    struct payment_world world;
    const char *counter;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        world_open(&world, BOOKS, 42000, patches);
        pay_held(&world, rows[i].answer, false);
        counter = limit_counters_name(world.counters, FAILURES);
        cr_assert_not_null(counter);
        cr_assert_eq(limit_counters_value(world.counters, counter), rows[i].counted, "%zu: %lld", i,
                     (long long)limit_counters_value(world.counters, counter));
        world_close(&world);
    }
}

/* Limits that depend on the trust in the payer's client are committed as they were held. Fails: every such payment
 * parks its machine after the capture. */
Test(steps_limits, limits_may_depend_on_trust)
{
    static const struct world_patch patches[] = {
        TWO_ROUTES,
        SELECTED_LIMITS(1, IF("{\"trust_level_is\":\"well_known\"}", LIMIT("provider-month-turnover", 100000)) ","
                           IF("{\"trust_level_is\":\"unknown\"}", LIMIT("card-day-count", 1))),
        END,
    };
    static const struct invoice_client_info client = { .trust_level = TRUST_WELL_KNOWN };
    struct payment_world world;
    int captures;

    for (captures = 0; captures < 2; captures++) {
        world_open(&world, BOOKS, 42000, patches);
        ((struct invoice_state *)world.driver.state)->invoice.client_info = &client;
        pay_held(&world, NULL, captures);
        cr_assert_eq(turnover_of(&world, 1), captures ? 42000 : 0);
        world_close(&world);
    }
}

/* A provider that takes nothing at all has captured nothing: that is no cost to change to. Fails: a payment is captured for
 * nothing, or counts nowhere. */
Test(steps_limits, a_cost_changed_to_nothing_is_a_bad_answer)
{
    static const struct world_patch patches[] = { TWO_ROUTES, LIMITS_OF(1, LIMIT("provider-month-turnover", 100000)), END };
    struct payment_world world;

    world_open(&world, BOOKS, 42000, patches);
    world_say(&world, CHANGED_TO(0));
    cr_assert(world_start_with(&world, NULL, HOLD, NULL) == STEP_OK);
    world_run(&world);
    cr_assert(world.driver.failed && world.driver.cause == CAUSE_BAD_ANSWER);
    cr_assert(strstr(world.driver.reason, "changed the cost to 0 RUB"), "%s", world.driver.reason);
    world_close(&world);
}

/* ---- the cascade ---- */

/* After a failure the next route is tried under the next iteration; the first holds nothing any more. */
Test(steps_cascade, the_next_route_takes_what_the_first_declined)
{
    static const struct world_patch patches[] = { TWO_ROUTES, ATTEMPTS(2), BEHAVIOUR(NULL), END };
    struct payment_world world;

    world_open(&world, BOOKS, 42000, patches);
    world_say(&world, DECLINED("insufficient_funds"));
    pay(&world);
    cr_assert_str_eq(world_status(&world), "captured");
    cr_assert_eq(world_payment(&world)->routes.count, 2);
    cr_assert_eq(payment_route(world_payment(&world))->terminal.id, 3);
    cr_assert_not_null(strstr(world_history(&world, 5), "finished(failed) rollback_started | route_changed"), "%s",
                       world_history(&world, 5));
    cr_assert_eq(turnover_of(&world, 1), 0);
    cr_assert_eq(turnover_of(&world, 2), 42000);
    cr_assert_eq(limit_counters_held(world.counters), 0);
    cr_assert(world_books_are_settled(&world));
    world_close(&world);
}

/* When the cascade finds nothing more, the payment fails with what the provider said, not with the routing's word. */
Test(steps_cascade, the_first_failure_is_kept_as_the_cause)
{
    static const struct world_patch patches[] = { TWO_ROUTES, ATTEMPTS(5), BEHAVIOUR(NULL), END };
    struct payment_world world;

    world_open(&world, BOOKS, 42000, patches);
    count_before(&world, 2, 90000);
    world_say(&world, DECLINED("insufficient_funds"));
    pay(&world);
    cr_assert_str_eq(world_status(&world), "failed:authorization_failed:insufficient_funds");
    cr_assert_eq(turnover_of(&world, 1), 0);
    cr_assert_eq(turnover_of(&world, 2), 90000);
    cr_assert_eq(limit_counters_held(world.counters), 0);
    cr_assert(world_books_are_settled(&world));
    world_close(&world);
}

/* Each condition of payment.md 11 by itself: whether there is a second attempt. */
Test(steps_cascade, every_condition_has_its_say)
{
    static const struct {
        const char *what;
        const struct world_patch patches[12];
        const char *answers[2];
        bool cascades;
    } rows[] = {
        { "no behaviour, nobody was asked", { TWO_ROUTES, ATTEMPTS(2), BEHAVIOUR(NULL), END },
          { DECLINED("x") }, true },
        { "no behaviour, the user was asked", { TWO_ROUTES, ATTEMPTS(2), BEHAVIOUR(NULL), END },
          { REDIRECTED, DECLINED("x") }, false },
        { "an empty behaviour", { TWO_ROUTES, ATTEMPTS(2), BEHAVIOUR("{}"), END }, { DECLINED("x") }, false },
        { "one attempt", { TWO_ROUTES, ATTEMPTS(1), BEHAVIOUR(NULL), END }, { DECLINED("x") }, false },
        { "no word of attempts", { TWO_ROUTES, { "term_set_hierarchy", "{\"id\":1}", "term_set.payments.attempt_limit", NULL },
          BEHAVIOUR(NULL), END }, { DECLINED("x") }, false },
        { "one candidate", { TWO_ROUTES, ATTEMPTS(2), BEHAVIOUR(NULL),
          { "routing_rules", "{\"id\":2}", "decisions", ROUTES(ROUTE(1, 1000)) }, END }, { DECLINED("x") }, false },
        { "a mapped error", { TWO_ROUTES, ATTEMPTS(2),
          BEHAVIOUR("{\"mapped_errors\":{\"error_signatures\":[\"preauth\",\"authorization_failed:x\"]}}"), END },
          { DECLINED("xyz") }, true },
        { "another error", { TWO_ROUTES, ATTEMPTS(2),
          BEHAVIOUR("{\"mapped_errors\":{\"error_signatures\":[\"authorization_failed:x:\"]}}"), END },
          { DECLINED("x") }, false },
        { "a mapped error, but the user was asked", { TWO_ROUTES, ATTEMPTS(2),
          BEHAVIOUR("{\"no_user_interaction\":{},\"mapped_errors\":{\"error_signatures\":[\"authorization_failed\"]}}"), END },
          { REDIRECTED, DECLINED("x") }, false },
        { "a mapped error after the user was asked, which does not matter", { TWO_ROUTES, ATTEMPTS(2),
          BEHAVIOUR("{\"mapped_errors\":{\"error_signatures\":[\"authorization_failed\"]}}"), END },
          { REDIRECTED, DECLINED("x") }, true },
    };
    struct payment_world world;
    size_t i, j;

    for (i = 0; i < SL_COUNT(rows); i++) {
        world_open(&world, BOOKS, 42000, rows[i].patches);
        for (j = 0; j < 2 && rows[i].answers[j]; j++)
            world_say(&world, rows[i].answers[j]);
        cr_assert(world_start(&world) == STEP_OK);
        world_run(&world);
        for (j = 0; j < 4 && world_payment(&world)->activity != ACT_IDLE; j++) {
            cr_assert(machine_driver_fire(&world.driver) == STEP_OK, "%s", rows[i].what);
            world_run(&world);
        }
        cr_assert_str_eq(world_status(&world), rows[i].cascades ? "captured" : arena_printf(world.driver.arena,
                         "failed:authorization_failed:%s", strstr(rows[i].answers[0], "xyz") ? "xyz" : "x"), "%s: %s",
                         rows[i].what, world_status(&world));
        cr_assert_eq(limit_counters_held(world.counters), 0, "%s", rows[i].what);
        cr_assert(world_books_are_settled(&world), "%s", rows[i].what);
        world_close(&world);
    }
}

#define DEADLINE ",\"processing_deadline\":\"2023-11-14T22:23:20Z\"" /* in ten minutes */
#define TODAY "future/day/74"

/* A failed attempt counts on its terminal's invertable limit once, an attempt that was never begun does not, and what
 * the counters do not answer is asked again. Fails: attempts are counted wrongly, or holds stay. */
Test(steps_cascade, an_invertable_limit_counts_failed_attempts_alone)
{
    static const struct world_patch patches[] = {
        TWO_ROUTES, ATTEMPTS(2), BEHAVIOUR(NULL), STARTED(FAILURES), LIMITS_OF(1, LIMIT(FAILURES, 9)),
        LIMITS_OF(2, LIMIT("provider-month-turnover", 90000) "," LIMIT(FAILURES, 9)), END,
    };
    struct payment_world world;
    size_t i;

    for (i = 0; i < 2; i++) { /* 1: by the second attempt the deadline has passed */
        world_open(&world, BOOKS, 42000, patches);
        world_say(&world, DECLINED("x"));
        cr_assert(world_start_with(&world, NULL, NULL, i ? DEADLINE : NULL) == STEP_OK);
        while (world_payment(&world)->activity != ACT_PROCESSING_FAILURE)
            cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
        world.limits_err = SL_EUNKNOWN;
        cr_assert(machine_driver_fire(&world.driver) == STEP_RETRY);
        world.limits_err = SL_OK;
        world.driver.now_us += i * 1800 * (int64_t)1000000;
        world_run(&world);
        cr_assert(!world.driver.failed, "%s", world.driver.reason);
        cr_assert_str_eq(world_status(&world), i ? "failed:authorization_failed:processing_deadline_reached" : "captured");
        cr_assert_eq(world_payment(&world)->routes.count, 2);
        cr_assert_eq(limit_counters_held(world.counters), 0);
        cr_assert_eq(limit_counters_value(world.counters, FAILURES "/1/tok/undefined/terminal/1/1/" TODAY), 1);
        cr_assert_eq(limit_counters_value(world.counters, FAILURES "/1/tok/undefined/terminal/2/3/" TODAY), 0);
        cr_assert_eq(turnover_of(&world, 2), i ? 0 : 42000);
        cr_assert(world_books_are_settled(&world));
        world_close(&world);
    }
}

/* ---- why a route is the first of those explained ---- */

#define NAMED "it was named when no route was left: "

/* The sentence about the payment's current route. */
static const char *first_sentence(struct payment_world *world)
{
    struct buf json = BUF_EMPTY;
    const char *text;
    char *end;

    route_explain("inv", world_state(world), world_payment(world), world->domain, &health_defaults, world->driver.arena,
                  &json);
    text = strstr(arena_strdup(world->driver.arena, buf_text(&json)), "\"rejection_description\":\"");
    buf_clear(&json);
    cr_assert_not_null(text);
    text += strlen("\"rejection_description\":\"");
    end = strchr(text, '"');
    *end = '\0';
    return text;
}

/* A route that was only named because the protocol wants one says what kept it away, and not how it compares with
 * itself. Fails: who looks for the reason is told that the route won against itself. */
Test(steps_explain, a_route_that_was_only_named_says_what_kept_it_away)
{
    static const struct health_rates rates[] = {
        { 1, { true, true }, { 0.9, 0.1 } }, { 2, { true, true }, { 0.9, 0.1 } },
    };
    static const struct health_view dead = { &health_defaults, rates, SL_COUNT(rates) };
    static const struct {
        const struct health_view *outlook;
        int64_t before;
        const char *sentence;
    } rows[] = {
        { &dead, 0, NAMED "its provider is not available: 90.0 % of the calls fail, from 70.0 % on it counts as dead" },
        { NULL, 100000, NAMED "limit provider-month-turnover is exceeded: 142000 of 100000" },
    };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        world_open(&world, BOOKS, 42000, two_routes);
        world.driver.outlook = rows[i].outlook;
        if (rows[i].before) {
            count_before(&world, 1, rows[i].before);
            count_before(&world, 2, rows[i].before);
        }
        pay(&world);
        cr_assert_str_eq(first_sentence(&world), rows[i].sentence);
        world_close(&world);
    }
}

/* Rules that list a terminal twice make a cascade that finds nothing more and names the same route again; that is no
 * reason to say it won, nor to hold anything of it. */
Test(steps_explain, a_route_that_was_tried_and_named_again_says_so)
{
    static const struct world_patch patches[] = {
        TWO_ROUTES, ATTEMPTS(5), BEHAVIOUR(NULL),
        { "routing_rules", "{\"id\":2}", "decisions", ROUTES(ROUTE(1, 1000) "," ROUTE(1, 900)) }, END,
    };
    struct payment_world world;

    world_open(&world, BOOKS, 42000, patches);
    world_say(&world, DECLINED("x"));
    pay(&world);
    cr_assert_str_eq(world_status(&world), "failed:authorization_failed:x");
    cr_assert_eq(limit_counters_held(world.counters), 0);
    cr_assert_str_eq(first_sentence(&world), NAMED "it was tried before, without success");
    world_close(&world);
}

/* A route is chosen before its cash flow is built, where a payment may park. Fails: the operator who looks at it is
 * told that no route was left. */
Test(steps_explain, a_route_without_a_cash_flow_yet_was_chosen)
{
    struct payment_world world;

    world_open(&world, BOOKS, 42000, two_routes);
    cr_assert(world_start(&world) == STEP_OK);
    while (world_payment(&world)->activity != ACT_CASH_FLOW_BUILDING)
        cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    cr_assert_str_eq(first_sentence(&world), "it was chosen");
    world_close(&world);
}

/* If this fails, a limit of the shop that cannot count a payment parks it: nothing would have happened yet, so the call is
 * refused. */
Test(steps_limits, what_the_shops_limits_cannot_count_does_not_start)
{
    static const struct {
        const char *scopes, *tool, *refusal;
    } rows[] = {
        { "[{\"payer_contact_email\":{}}]", NULL,
          "InvalidRequest: The payment cannot be counted: turnover limit shop-month-turnover: internal error: limit "
          "shop-month-turnover: it counts by the payer's e-mail, which the operation does not have" },
        { "[{\"destination_field\":{\"field_path\":[\"a\"]}}]", NULL,
          "InvalidRequest: The payment cannot be counted: turnover limit shop-month-turnover: PaymentToolNotSupported: limit "
          "shop-month-turnover: only generic payment tools have fields to count by" },
    };
    static const char payer[] = "{\"payer\":{\"payment_resource\":{\"resource\":{\"payment_tool\":%s},\"contact_info\":{}}},"
                                "\"flow\":{\"instant\":{}}}";
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct invoice_call call = { .kind = CALL_START_PAYMENT };
        const struct world_patch patches[] = {
            { "limit_config", "{\"id\":\"shop-month-turnover\"}", "scopes", rows[i].scopes }, END,
        };
        const char *json;

        world_open(&world, BOOKS, 42000, patches);
        json = arena_printf(world.driver.arena, payer, tool_visa_usa);
        cr_assert_eq(type_decode_text(&type_start_payment_call, json, strlen(json), 0, world.driver.arena, &call.start_payment,
                                      NULL), SL_OK);
        cr_expect(machine_driver_input(&world.driver, IN_CALL, &call) == STEP_REFUSED);
        cr_expect_str_eq(world_refusal(&world), rows[i].refusal);
        cr_expect_eq(world.driver.event_count, 1);
        world_close(&world);
    }
}

/* If this fails, a limit of a route that counts by what the payer did not give parks payments that have another route. */
Test(steps_limits, a_route_whose_limits_lack_a_fact_is_not_taken)
{
    static const char params[] = "{\"payer\":{\"payment_resource\":{\"resource\":{\"payment_tool\":%s},\"contact_info\":{}}},"
                                 "\"flow\":{\"instant\":{}}}";
    static const struct world_patch patches[] = {
        TWO_ROUTES, LIMITS_OF(1, LIMIT("terminal-day-turnover", 100000)),
        { "limit_config", "{\"id\":\"terminal-day-turnover\"}", "scopes", "[{\"payer_contact_email\":{}}]" }, END,
    };
    struct invoice_call call = { .kind = CALL_START_PAYMENT };
    struct payment_world world;
    const char *json;

    world_open(&world, BOOKS, 42000, patches);
    json = arena_printf(world.driver.arena, params, tool_visa_usa);
    cr_assert_eq(type_decode_text(&type_start_payment_call, json, strlen(json), 0, world.driver.arena, &call.start_payment,
                                  NULL), SL_OK);
    cr_assert(machine_driver_input(&world.driver, IN_CALL, &call) == STEP_OK);
    world_run(&world);
    cr_assert(!world.driver.failed, "%s", world.driver.reason);
    cr_assert_str_eq(world_status(&world), "captured");
    cr_assert_eq(payment_route(world_payment(&world))->provider.id, 2);
    cr_assert_eq(limit_counters_held(world.counters), 0);
    world_close(&world);
}

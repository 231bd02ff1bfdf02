/* What a payment holds of turnover limits and does not need goes back, and what its shop's limits were told to count is
 * committed, whichever way the payment goes. Counters are in memory. Ref: doc/spec/limits.md 6, 7. */
#include <criterion/criterion.h>
#include <string.h>

#include "payment/effect.h"
#include "payment/repair.h"
#include "support/payment_world.h"

#define BOOKS "shop-acme-books"
#define AMOUNT 42000
#define MONTH "future/month/2" /* limits are counted from 2023-09-01 on */
#define DECLINED \
    "{\"intent\":{\"finish\":{\"status\":{\"failure\":{\"code\":\"authorization_failed\",\"sub\":{\"code\":\"x\"}}}}}}"
#define ASLEEP "{\"intent\":{\"sleep\":{\"timer\":{\"timeout\":1}}}}"
#define DEADLINE ",\"processing_deadline\":\"2023-11-14T22:13:20Z\"" /* when the payment starts */
#define FAILURE "{\"failure\":{\"code\":\"authorization_failed\",\"sub\":{\"code\":\"unknown\"}}}"
#define FAIL_PRE "{\"fail_pre_processing\":" FAILURE "}"
#define FAIL_SESSION "{\"fail_session\":" FAILURE "}"
#define FULFILL "{\"fulfill_session\":{}}"
#define SKIP_FATAL "{\"skip_inspector\":{\"risk_score\":\"fatal\"}}"

#define REGISTERED \
    "\"route\":{\"provider\":{\"id\":1},\"terminal\":{\"id\":1}},\"transaction_info\":{\"id\":\"T7\",\"extra\":{}}"

#define LIMIT(id, boundary) "{\"ref\":{\"id\":\"" id "\"},\"upper_boundary\":" #boundary ",\"domain_revision\":1}"
#define LIMITS_OF(provider, boundary)                                                                       \
    { "provider", "{\"id\":" #provider "}", "terms.payments.turnover_limits",                               \
      "{\"value\":[" LIMIT("provider-month-turnover", boundary) "]}" }
#define ROUTE(terminal, priority) \
    "{\"allowed\":{\"constant\":true},\"terminal\":{\"id\":" #terminal "},\"priority\":" #priority "}"
#define RULES(...) { "routing_rules", "{\"id\":2}", "decisions", "{\"candidates\":[" __VA_ARGS__ "]}" }
#define STARTED(limit) { "limit_config", "{\"id\":\"" limit "\"}", "started_at", "\"2023-09-01T00:00:00Z\"" }
#define ATTEMPTS(n) \
    { "term_set_hierarchy", "{\"id\":1}", "term_set.payments.attempt_limit", "{\"value\":{\"attempts\":" #n "}}" }
#define SHOP_LIMITS(list) { "shop_config", "{\"id\":\"" BOOKS "\"}", "turnover_limits", "[" list "]" }
#define COMMON \
    STARTED("provider-month-turnover"), STARTED("shop-month-turnover"), { "provider", "{\"id\":1}", "cascade_behaviour", NULL }
#define END { NULL, NULL, NULL, NULL }

/* Terminal 1 (provider 1) before terminal 3 (provider 2), and a second attempt. */
static const struct world_patch two_routes[] = {
    RULES(ROUTE(1, 1000) "," ROUTE(3, 900)), LIMITS_OF(1, 100000), LIMITS_OF(2, 100000), SHOP_LIMITS(""), ATTEMPTS(2),
    COMMON, END,
};
static const struct world_patch two_routes_once[] = {
    RULES(ROUTE(1, 1000) "," ROUTE(3, 900)), LIMITS_OF(1, 100000), LIMITS_OF(2, 100000), SHOP_LIMITS(""), ATTEMPTS(1),
    COMMON, END,
};
static const struct world_patch shop_counts[] = {
    RULES(ROUTE(1, 1000) "," ROUTE(3, 900)), LIMITS_OF(1, 100000), LIMITS_OF(2, 100000),
    SHOP_LIMITS(LIMIT("shop-month-turnover", 100000)), ATTEMPTS(1), COMMON, END,
};

static int64_t turnover_of(const struct payment_world *world, int provider)
{
    return limit_counters_value(world->counters, arena_printf(world->driver.arena,
                                "provider-month-turnover/1/provider/%d/" MONTH, provider));
}

static size_t calls_of_provider(const struct payment_world *world)
{
    size_t i, count = 0;

    for (i = 0; i < world->call_count; i++)
        count += world->calls[i].kind == FX_PROVIDER_PROCESS;
    return count;
}

static enum step_end scenario(struct payment_world *world, const char *json)
{
    struct arena *arena = world->driver.arena;
    struct repair_scenario_call *args = arena_alloc(arena, sizeof(*args));
    struct invoice_call call = { .kind = CALL_REPAIR_SCENARIO, .repair_scenario = args };
    struct type_errors errors = { 0 };

    cr_assert_eq(type_decode_text(&type_repair_scenario, json, strlen(json), 0, arena, &args->scenario, &errors), SL_OK);
    world->driver.failed = false;
    return machine_driver_input(&world->driver, IN_REPAIR, arena_memdup(arena, &call, sizeof(call)));
}

/* A payment as it stands when ACTIVITY is to be run. */
static void open_at(struct payment_world *world, const struct world_patch *patches, int activity)
{
    world_open(world, BOOKS, AMOUNT, patches);
    cr_assert_eq(world_start(world), STEP_OK);
    while (world_payment(world)->activity != activity)
        cr_assert_eq(machine_driver_fire(&world->driver), STEP_OK);
}

static void go_on(struct payment_world *world)
{
    world_run(world);
    cr_assert_not(world->driver.failed, "%s", world->driver.reason);
    cr_assert_eq(limit_counters_held(world->counters), 0, "%zu are held", limit_counters_held(world->counters));
    cr_assert(world_books_are_settled(world));
}

/* ---- candidates that were not chosen ---- */

/* If this fails, a provider that takes its time keeps other payments from routes that nobody uses. */
Test(steps_release, unused_routes_are_free_when_the_provider_is_asked)
{
    struct payment_world world;

    open_at(&world, two_routes, ACT_PROCESSING_SESSION);
    cr_assert_eq(turnover_of(&world, 2), AMOUNT, "the choice is not stored yet");
    world_say_error(&world, SL_EDOWN);
    world_run(&world);
    cr_assert_eq(calls_of_provider(&world), 1);
    cr_assert_eq(turnover_of(&world, 1), AMOUNT);
    cr_assert_eq(turnover_of(&world, 2), 0);
    cr_assert_eq(limit_counters_held(world.counters), 1);
    go_on(&world);
    cr_assert_str_eq(world_status(&world), "captured");
    cr_assert_eq(turnover_of(&world, 1), AMOUNT);
    world_close(&world);
}

/* If this fails, every poll of a provider asks the counters, too. */
Test(steps_release, they_are_released_once)
{
    struct payment_world world;
    size_t i, before;

    open_at(&world, two_routes, ACT_PROCESSING_SESSION);
    for (i = 0; i < 4; i++)
        world_say(&world, ASLEEP);
    world_run(&world);
    for (i = 1; i < 4; i++) {
        before = world.driver.effect_count;
        cr_assert_eq(machine_driver_fire(&world.driver), STEP_OK);
        cr_assert_eq(world.driver.effect_count, before + 1);
    }
    cr_assert_eq(calls_of_provider(&world), 4);
    world_close(&world);
}

/* If this fails, the provider is asked while unused routes stay held for want of counters. */
Test(steps_release, counters_that_cannot_be_reached_delay_the_provider)
{
    struct payment_world world;

    open_at(&world, two_routes, ACT_PROCESSING_SESSION);
    world.limits_err = SL_EDOWN;
    cr_assert_eq(machine_driver_fire(&world.driver), STEP_OK, "the session begins");
    cr_assert_eq(machine_driver_fire(&world.driver), STEP_RETRY);
    cr_assert_eq(calls_of_provider(&world), 0);
    world.limits_err = SL_OK;
    go_on(&world);
    cr_assert_str_eq(world_status(&world), "captured");
    cr_assert_eq(turnover_of(&world, 2), 0);
    world_close(&world);
}

/* Each attempt of a cascade gives back what it does not use, under its own number. Fails: the third route stays held. */
Test(steps_release, a_cascade_releases_for_each_attempt)
{
    static const struct world_patch patches[] = {
        RULES(ROUTE(1, 1000) "," ROUTE(3, 900) "," ROUTE(2, 800)), LIMITS_OF(1, 100000), LIMITS_OF(2, 100000),
        SHOP_LIMITS(""), ATTEMPTS(2), COMMON, { "terminal", "{\"id\":2}", "terms.payments.turnover_limits", NULL }, END,
    };
    struct payment_world world;

    world_open(&world, BOOKS, AMOUNT, patches);
    cr_assert_eq(world_start_with(&world, tool_visa_rus, NULL, NULL), STEP_OK);
    while (world_payment(&world)->activity != ACT_PROCESSING_SESSION)
        cr_assert_eq(machine_driver_fire(&world.driver), STEP_OK);
    cr_assert_eq(limit_counters_held(world.counters), 3);
    world_say(&world, DECLINED);
    world_say_error(&world, SL_EDOWN);
    world_run(&world);
    cr_assert_eq(world_payment(&world)->routes.count, 2);
    cr_assert_eq(payment_route(world_payment(&world))->terminal.id, 3);
    cr_assert_eq(limit_counters_held(world.counters), 1);
    cr_assert_eq(turnover_of(&world, 1), 0);
    go_on(&world);
    cr_assert_str_eq(world_status(&world), "captured");
    cr_assert_eq(turnover_of(&world, 1), 0);
    cr_assert_eq(turnover_of(&world, 2), AMOUNT);
    world_close(&world);
}

/* A deadline that ends an attempt before its session gives back all of it, with another attempt and without. */
Test(steps_release, an_attempt_without_a_session_holds_nothing)
{
    const struct world_patch *const rows[] = { two_routes_once, two_routes };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        world_open(&world, BOOKS, AMOUNT, rows[i]);
        cr_assert_eq(world_start_with(&world, NULL, NULL, DEADLINE), STEP_OK);
        go_on(&world);
        cr_assert_str_eq(world_status(&world), "failed:authorization_failed:processing_deadline_reached");
        cr_assert_eq(world_payment(&world)->routes.count, i + 1);
        cr_assert_eq(calls_of_provider(&world), 0);
        cr_assert_eq(turnover_of(&world, 1), 0);
        cr_assert_eq(turnover_of(&world, 2), 0);
        world_close(&world);
    }
}

/* An operator who ends a session that has come to nothing yet: unused routes are given back first, or nothing is done. */
Test(steps_release, a_repaired_session_holds_nothing_else)
{
    static const struct {
        bool begun; /* the session; its first step fails */
        const char *repair, *status;
    } rows[] = {
        { false, FAIL_SESSION, "failed:authorization_failed:unknown" }, { false, FULFILL, "captured" },
        { true, FAIL_SESSION, "failed:authorization_failed:unknown" }, { true, FULFILL, "captured" },
    };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        open_at(&world, two_routes_once, ACT_PROCESSING_SESSION);
        world.limits_err = SL_EPROTO;
        if (rows[i].begun) {
            cr_assert_eq(machine_driver_fire(&world.driver), STEP_OK);
            cr_assert_eq(machine_driver_fire(&world.driver), STEP_FAIL);
        }
        world.limits_err = SL_EDOWN;
        cr_assert_eq(scenario(&world, rows[i].repair), STEP_RETRY);
        world.limits_err = SL_OK;
        cr_assert_eq(scenario(&world, rows[i].repair), STEP_OK);
        cr_assert_eq(turnover_of(&world, 2), 0, "row %zu", i);
        cr_assert_eq(limit_counters_held(world.counters), 1, "row %zu", i);
        go_on(&world);
        cr_assert_str_eq(world_status(&world), rows[i].status, "row %zu: %s", i, world_status(&world));
        cr_assert_eq(turnover_of(&world, 1), strcmp(rows[i].status, "captured") ? 0 : AMOUNT, "row %zu", i);
        world_close(&world);
    }
}

/* A captured payment's turnover is committed ahead of the event that says so; a registered one's is not, since it is held
 * in the same turn. Fails: a crash between the two parks every registered payment. */
Test(steps_release, the_end_of_a_hold_waits_until_the_hold_is_stored)
{
    struct payment_world world;
    int registered;

    for (registered = 0; registered < 2; registered++) {
        world_open(&world, BOOKS, AMOUNT, two_routes);
        cr_assert_eq(registered ? world_register(&world, REGISTERED, NULL) : world_start(&world), STEP_OK);
        while (world_payment(&world)->activity != ACT_FINALIZING_ACCOUNTER)
            cr_assert_eq(machine_driver_fire(&world.driver), STEP_OK);
        cr_assert_eq(machine_driver_fire(&world.driver), STEP_OK);
        cr_assert_eq(world.driver.performed->kind, FX_LIMITS);
        cr_assert_eq(world.driver.performed->ahead, !registered);
        go_on(&world);
        cr_assert_str_eq(world_status(&world), "captured");
        world_close(&world);
    }
}

/* ---- the shop's limits ---- */

/* What shop_limit_applied announced is done at every end that comes before a provider, and at the others, too. Fails: the
 * shop's turnover keeps a hold for good, or loses what was attempted. */
Test(steps_release, the_shops_turnover_counts_whatever_becomes_of_the_payment)
{
    static const struct {
        const char *what, *risk, *answer;
        int repaired_at; /* 0: it is not */
        const char *repair, *status;
        int64_t amount;
    } rows[] = {
        { "captured", NULL, NULL, 0, NULL, "captured", AMOUNT },
        { "declined", NULL, DECLINED, 0, NULL, "failed:authorization_failed:x", AMOUNT },
        { "fatal risk", "fatal", NULL, 0, NULL, "failed:no_route_found:risk_score_is_too_high", AMOUNT },
        { "no candidate", NULL, NULL, 0, NULL, "failed:no_route_found:forbidden", 500 },
        { "given up before the risk", NULL, NULL, ACT_RISK_SCORING, FAIL_PRE, "failed:authorization_failed:unknown", AMOUNT },
        { "given up before routing", NULL, NULL, ACT_ROUTING, FAIL_PRE, "failed:authorization_failed:unknown", AMOUNT },
        { "given up behind routing", NULL, NULL, ACT_CASH_FLOW_BUILDING, FAIL_PRE, "failed:authorization_failed:unknown", AMOUNT },
        { "called a fatal risk", NULL, NULL, ACT_RISK_SCORING, SKIP_FATAL, "failed:no_route_found:risk_score_is_too_high", AMOUNT },
    };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        world_open(&world, BOOKS, rows[i].amount, shop_counts);
        world.risk = rows[i].risk;
        if (rows[i].answer)
            world_say(&world, rows[i].answer);
        cr_assert_eq(world_start(&world), STEP_OK);
        while (rows[i].repaired_at && world_payment(&world)->activity != rows[i].repaired_at)
            cr_assert_eq(machine_driver_fire(&world.driver), STEP_OK);
        if (rows[i].repaired_at)
            cr_assert_eq(scenario(&world, rows[i].repair), STEP_OK, "%s", rows[i].what);
        go_on(&world);
        cr_assert_str_eq(world_status(&world), rows[i].status, "%s: %s", rows[i].what, world_status(&world));
        cr_assert_eq(limit_counters_value(world.counters, "shop-month-turnover/1/party-acme/" BOOKS "/" MONTH),
                     rows[i].amount, "%s", rows[i].what);
        world_close(&world);
    }
}

/* All routes full: the shop's part is counted all the same. Fails: a payment that found no route is not an attempt. */
Test(steps_release, the_shops_turnover_counts_a_payment_without_a_route)
{
    static const struct world_patch patches[] = {
        RULES(ROUTE(1, 1000) "," ROUTE(3, 900)), LIMITS_OF(1, 41999), LIMITS_OF(2, 41999),
        SHOP_LIMITS(LIMIT("shop-month-turnover", 100000)), ATTEMPTS(1), COMMON, END,
    };
    struct payment_world world;

    open_at(&world, patches, ACT_ROUTING_FAILURE);
    go_on(&world);
    cr_assert_str_eq(world_status(&world), "failed:no_route_found:rejected:limit_overflow");
    cr_assert_eq(limit_counters_value(world.counters, "shop-month-turnover/1/party-acme/" BOOKS "/" MONTH), AMOUNT);
    cr_assert_eq(turnover_of(&world, 1), 0);
    world_close(&world);
}

/* A fatal score waits for the counters, and is not forgotten over it. Fails: the payment ends with the shop's hold. */
Test(steps_release, a_fatal_score_waits_for_the_shops_counters)
{
    struct payment_world world;

    open_at(&world, shop_counts, ACT_RISK_SCORING);
    world.risk = "fatal";
    world.limits_err = SL_EUNKNOWN;
    cr_assert_eq(machine_driver_fire(&world.driver), STEP_RETRY);
    cr_assert_eq(limit_counters_held(world.counters), 1);
    world.limits_err = SL_OK;
    go_on(&world);
    cr_assert_str_eq(world_status(&world), "failed:no_route_found:risk_score_is_too_high");
    cr_assert_str_eq(world_history(&world, world.driver.event_count), "risk_score_changed status:failed");
    world_close(&world);
}

/* Whoever led a payment past its shop's limits by hand finds it go on. Fails: it parks in routing, where nothing helps. */
Test(steps_release, a_payment_led_past_its_shops_limits_goes_on)
{
    struct payment_world world;

    open_at(&world, shop_counts, ACT_SHOP_LIMIT_INITIALIZING);
    ((struct payment_state *)(uintptr_t)world_payment(&world))->activity = ACT_RISK_SCORING;
    go_on(&world);
    cr_assert_str_eq(world_status(&world), "captured");
    world_close(&world);
}

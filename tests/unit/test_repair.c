/* Repairs of an invoice in memory: scenarios against every activity, and changes by hand. */
#include <criterion/criterion.h>
#include <string.h>

#include "payment/calls.h"
#include "limits/turnover.h"
#include "payment/repair.h"
#include "support/payment_world.h"

#define SHOP "shop-acme-books"
#define SUSPEND "{\"intent\":{\"suspend\":{\"tag\":\"t1\",\"timeout\":{\"timeout\":0},\"timeout_behaviour\":" \
                "{\"callback\":\"ZmFpbHVyZQ==\"}}}}"
#define SLEEP_BOUND "{\"intent\":{\"sleep\":{\"timer\":{\"timeout\":1}}},\"trx\":{\"id\":\"T1\",\"extra\":{}}}"
#define FAIL_SESSION "{\"fail_session\":{\"failure\":{\"code\":\"authorization_failed\",\"sub\":{\"code\":\"unknown\"}}}}"
#define FULFILL "{\"fulfill_session\":{}}"
#define FULFILL_AS(trx) "{\"fulfill_session\":{\"trx\":{\"id\":\"" trx "\",\"extra\":{}}}}"
#define FAIL_PRE "{\"fail_pre_processing\":{\"failure\":{\"code\":\"no_route_found\",\"sub\":{\"code\":\"unknown\"}}}}"
#define SKIP(risk) "{\"skip_inspector\":{\"risk_score\":\"" risk "\"}}"
#define COMPLEX(list) "{\"complex\":{\"scenarios\":[" list "]}}"
#define ABOUT(payload) "{\"invoice_payment_change\":{\"id\":\"1\",\"payload\":{\"invoice_payment_" payload "}}}"
#define FINISHED(target) ABOUT("session_change\":{\"target\":" target \
                               ",\"payload\":{\"session_finished\":{\"result\":{\"succeeded\":{}}}}}")

static void decode(struct payment_world *world, const struct type *type, const char *json, void *out)
{
    struct type_errors errors = { 0 };

    if (type_decode_text(type, json, strlen(json), 0, world->driver.arena, out, &errors))
        cr_assert_fail("%s: %s in %s", errors.list[0].path, errors.list[0].message, json);
}

static enum step_end scenario(struct payment_world *world, const char *json)
{
    struct arena *arena = world->driver.arena;
    struct repair_scenario_call *args = arena_alloc(arena, sizeof(*args));
    struct invoice_call call = { .kind = CALL_REPAIR_SCENARIO, .repair_scenario = args };

    decode(world, &type_repair_scenario, json, &args->scenario);
    return machine_driver_input(&world->driver, IN_REPAIR, arena_memdup(arena, &call, sizeof(call)));
}

static enum step_end changes(struct payment_world *world, const char *json)
{
    struct arena *arena = world->driver.arena;
    struct repair_call *args = arena_alloc(arena, sizeof(*args));
    struct invoice_call call = { .kind = CALL_REPAIR, .repair = args };

    decode(world, &type_repair_call, json, args);
    return machine_driver_input(&world->driver, IN_REPAIR, arena_memdup(arena, &call, sizeof(call)));
}

/* "reason activity scenario: details" of the last refusal. */
static const char *refused(const struct payment_world *world)
{
    const struct call_error *error = world->driver.reply;
    struct buf text = BUF_EMPTY;
    const char *copy;

    if (world->driver.end != STEP_REFUSED)
        return "not refused";
    call_error_encode(error, &text);
    copy = arena_printf(world->driver.arena, "%s %s", call_error_name(error->kind), buf_text(&text));
    buf_clear(&text);
    return copy;
}

/* A payment as it stands when ACTIVITY is to be run; SESSION: with one under way. */
static void open_at(struct payment_world *world, int activity, bool session, const char *flow)
{
    world_open(world, SHOP, 42000, world_no_cascade);
    cr_assert_eq(world_start_with(world, NULL, flow, NULL), STEP_OK);
    while (world_payment(world)->activity != activity ||
           (session && !payment_session(world_payment(world), world_payment(world)->target.tag)))
        cr_assert_eq(machine_driver_fire(&world->driver), STEP_OK);
}

/* The same, and the next step fails because the adapter's answer makes no sense. */
static void open_failed(struct payment_world *world, int activity)
{
    open_at(world, activity, true, NULL);
    world_say_error(world, SL_EPROTO);
    cr_assert_eq(machine_driver_fire(&world->driver), STEP_FAIL);
}

static const char *last_event(const struct payment_world *world)
{
    return world_history(world, world->driver.event_count);
}

/* ---- scenarios ---- */

/* The table of repair.md 4: if a cell is wrong, a scenario does harm where it has no business, or is refused where it
 * is the only help. */
Test(repair, each_scenario_fits_its_activities_and_no_others)
{
    static const struct {
        int activity;
        bool session;
        bool fits[REPAIR_COMPLEX]; /* by REPAIR_* */
    } rows[] = {
        { ACT_SHOP_LIMIT_INITIALIZING, false, { false } },
        { ACT_SHOP_LIMIT_FINALIZING, false, { false } },
        { ACT_RISK_SCORING, false, { [REPAIR_SKIP_INSPECTOR] = true, [REPAIR_FAIL_PRE_PROCESSING] = true } },
        { ACT_ROUTING, false, { [REPAIR_FAIL_PRE_PROCESSING] = true } },
        { ACT_CASH_FLOW_BUILDING, false, { [REPAIR_FAIL_PRE_PROCESSING] = true } },
        { ACT_PROCESSING_SESSION, false, { [REPAIR_FAIL_SESSION] = true, [REPAIR_FULFILL_SESSION] = true } },
        { ACT_PROCESSING_SESSION, true, { [REPAIR_FAIL_SESSION] = true, [REPAIR_FULFILL_SESSION] = true } },
        { ACT_PROCESSING_ACCOUNTER, false, { false } },
        { ACT_FLOW_WAITING, false, { false } },
        { ACT_FINALIZING_SESSION, true, { [REPAIR_FULFILL_SESSION] = true } },
        { ACT_FINALIZING_ACCOUNTER, false, { false } },
    };
    static const char *const scenarios[] = {
        [REPAIR_SKIP_INSPECTOR] = SKIP("low"), [REPAIR_FAIL_PRE_PROCESSING] = FAIL_PRE,
        [REPAIR_FAIL_SESSION] = FAIL_SESSION, [REPAIR_FULFILL_SESSION] = FULFILL,
    };
    struct payment_world world;
    size_t i;
    int s;

    for (i = 0; i < SL_COUNT(rows); i++) {
        for (s = REPAIR_SKIP_INSPECTOR; s < REPAIR_COMPLEX; s++) {
            open_at(&world, rows[i].activity, rows[i].session, NULL);
            cr_assert_eq(scenario(&world, scenarios[s]), rows[i].fits[s] ? STEP_OK : STEP_REFUSED, "%s in %s: %s",
                         type_name_of(&type_repair_scenario, s), activity_name(rows[i].activity), refused(&world));
            if (!rows[i].fits[s])
                cr_assert_str_eq(refused(&world),
                                 arena_printf(world.driver.arena, "RepairRefused ,\"reason\":"
                                              "\"activity_not_compatible_with_scenario\",\"activity\":\"%s\","
                                              "\"scenario\":\"%s\"", activity_name(rows[i].activity),
                                              type_name_of(&type_repair_scenario, s)));
            world_close(&world);
        }
    }
}

/* The rows of repair.md 7: what each repair writes, and where the payment comes to by itself afterwards. */
Test(repair, each_scenario_writes_its_changes_and_the_payment_goes_on)
{
    static const struct {
        int activity;
        bool session;
        const char *scenario, *event, *status;
    } rows[] = {
        { ACT_RISK_SCORING, false, SKIP("high"), "risk_score_changed", "captured" },
        { ACT_RISK_SCORING, false, SKIP("fatal"), "risk_score_changed status:failed",
          "failed:no_route_found:risk_score_is_too_high" },
        { ACT_RISK_SCORING, false, FAIL_PRE, "status:failed", "failed:no_route_found:unknown" },
        { ACT_ROUTING, false, FAIL_PRE, "status:failed", "failed:no_route_found:unknown" },
        { ACT_CASH_FLOW_BUILDING, false, FAIL_PRE, "status:failed", "failed:no_route_found:unknown" },
        { ACT_PROCESSING_SESSION, true, FAIL_SESSION, "finished(failed) rollback_started",
          "failed:authorization_failed:unknown" },
        { ACT_PROCESSING_SESSION, true, FULFILL, "finished(succeeded)", "captured" },
        { ACT_PROCESSING_SESSION, true, FULFILL_AS("T1"), "transaction_bound finished(succeeded)", "captured" },
        { ACT_PROCESSING_SESSION, false, FULFILL, "started(processed) finished(succeeded)", "captured" },
        { ACT_PROCESSING_SESSION, false, FAIL_SESSION, "started(processed) finished(failed) rollback_started",
          "failed:authorization_failed:unknown" },
        { ACT_FINALIZING_SESSION, true, FULFILL, "finished(succeeded)", "captured" },
        { ACT_RISK_SCORING, false, COMPLEX(FAIL_SESSION "," SKIP("low") "," FAIL_PRE), "risk_score_changed", "captured" },
        { ACT_ROUTING, false, COMPLEX(SKIP("low") "," FAIL_PRE "," FAIL_SESSION), "status:failed",
          "failed:no_route_found:unknown" },
    };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        open_at(&world, rows[i].activity, rows[i].session, NULL);
        cr_assert_eq(scenario(&world, rows[i].scenario), STEP_OK, "row %zu: %s", i, refused(&world));
        cr_assert_str_eq(last_event(&world), rows[i].event, "row %zu", i);
        world_run(&world);
        cr_assert_str_eq(world_status(&world), rows[i].status, "row %zu", i);
        cr_assert(world_books_are_settled(&world), "row %zu", i);
        world_close(&world);
    }
}

/* If this fails, a parked payment is not settled as its provider says it was. */
Test(repair, a_session_that_broke_ends_as_the_operator_says)
{
    struct payment_world world;

    open_failed(&world, ACT_PROCESSING_SESSION);
    cr_assert_eq(scenario(&world, FULFILL), STEP_OK);
    cr_assert_str_eq(last_event(&world), "finished(succeeded)");
    world_run(&world);
    cr_assert_str_eq(world_status(&world), "captured");
    cr_assert_eq(world_state(&world)->invoice.status.tag, INVOICE_PAID);
    cr_assert_str_eq(world_payment(&world)->trx->id, "T1", "bound by the capture");
    cr_assert(world_books_are_settled(&world));
    world_close(&world);
}

/* A session that broke while it was suspended ends as it stands; its tag is good for nothing afterwards. */
Test(repair, a_suspended_session_ends_without_being_activated)
{
    static const struct {
        const char *scenario, *event, *status;
    } rows[] = {
        { FAIL_SESSION, "finished(failed) rollback_started", "failed:authorization_failed:unknown" },
        { FULFILL, "finished(succeeded)", "captured" },
    };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        open_at(&world, ACT_PROCESSING_SESSION, true, NULL);
        world_say(&world, SUSPEND);
        cr_assert_eq(machine_driver_fire(&world.driver), STEP_OK);
        world_say_error(&world, SL_EPROTO);
        cr_assert_eq(machine_driver_fire(&world.driver), STEP_FAIL);
        cr_assert_eq(scenario(&world, rows[i].scenario), STEP_OK);
        cr_assert_str_eq(last_event(&world), rows[i].event);
        cr_assert_eq(world_callback(&world, "t1", "b2s="), STEP_REFUSED);
        world_run(&world);
        cr_assert_str_eq(world_status(&world), rows[i].status);
        cr_assert(world_books_are_settled(&world));
        world_close(&world);
    }
}

/* The other target of finalizing_session: a hold that is given up. */
Test(repair, a_broken_cancel_can_be_declared_fulfilled)
{
    struct payment_world world;

    open_at(&world, ACT_FINALIZING_SESSION, true, "{\"hold\":{\"on_hold_expiration\":\"cancel\"}}");
    world_say_error(&world, SL_EPROTO);
    cr_assert_eq(machine_driver_fire(&world.driver), STEP_FAIL);
    cr_assert_eq(scenario(&world, FAIL_SESSION), STEP_REFUSED, "what is done at the provider cannot be failed here");
    cr_assert_eq(scenario(&world, FULFILL), STEP_OK);
    world_run(&world);
    cr_assert_str_eq(world_status(&world), "cancelled");
    cr_assert(world_books_are_settled(&world));
    world_close(&world);
}

/* If this fails, a repair binds a payment to somebody else's transaction. */
Test(repair, another_transaction_is_refused_and_changes_nothing)
{
    struct payment_world world;
    size_t events;
    int64_t due_ms;

    open_at(&world, ACT_PROCESSING_SESSION, true, NULL);
    world_say(&world, SLEEP_BOUND);
    cr_assert_eq(machine_driver_fire(&world.driver), STEP_OK);
    events = world.driver.event_count;
    due_ms = world.driver.due_ms;
    cr_assert_eq(scenario(&world, FULFILL_AS("T2")), STEP_REFUSED);
    cr_assert_str_eq(refused(&world), "RepairRefused ,\"details\":\"the provider changed its transaction from T1 to T2\","
                                      "\"reason\":\"step_failed\"");
    cr_assert_eq(world.driver.event_count, events);
    cr_assert_eq(world.driver.due_ms, due_ms);
    cr_assert_eq(scenario(&world, FULFILL_AS("T1")), STEP_OK);
    cr_assert_str_eq(last_event(&world), "finished(succeeded)");
    world_close(&world);
}

/* A failure that an adapter could have given for a while is retried like one of its own. */
Test(repair, a_temporary_failure_is_retried)
{
    struct payment_world world;

    open_failed(&world, ACT_PROCESSING_SESSION);
    cr_assert_eq(scenario(&world, "{\"fail_session\":{\"failure\":{\"code\":\"authorization_failed\",\"sub\":"
                                  "{\"code\":\"temporarily_unavailable\"}}}}"), STEP_OK);
    cr_assert_str_eq(last_event(&world), "finished(failed) started(processed)");
    cr_assert(world.driver.due_ms * 1000 > world.driver.now_us);
    cr_assert_eq(machine_driver_fire(&world.driver), STEP_OK);
    world_run(&world);
    cr_assert_str_eq(world_status(&world), "captured");
    world_close(&world);
}

/* If this fails, one command over many invoices stops at those where none of its scenarios fits, without a word. */
Test(repair, a_complex_scenario_of_which_none_fits_is_refused)
{
    static const char *const lists[] = {
        COMPLEX(SKIP("low") "," FAIL_PRE), COMPLEX(COMPLEX(FAIL_SESSION)),
    };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(lists); i++) {
        open_failed(&world, ACT_PROCESSING_SESSION);
        cr_assert_eq(scenario(&world, lists[i]), STEP_REFUSED);
        cr_assert_str_eq(refused(&world), "RepairRefused ,\"reason\":\"activity_not_compatible_with_complex_scenario\","
                                          "\"activity\":\"processing_session\"");
        world_close(&world);
    }
}

/* Scenarios are about the payment under way; without one there is nothing to say. */
Test(repair, an_invoice_without_an_active_payment_takes_no_scenario)
{
    struct payment_world world;

    world_open(&world, SHOP, 42000, world_no_cascade);
    cr_assert_eq(scenario(&world, FULFILL), STEP_REFUSED);
    cr_assert_str_eq(refused(&world), "RepairRefused ,\"reason\":\"invoice_has_no_active_payment\"");
    world_close(&world);
}

/* ---- limits ---- */

#define LIMIT(id) "{\"ref\":{\"id\":\"" id "\"},\"upper_boundary\":100000,\"domain_revision\":1}"
#define LIMITS_OF(provider) \
    { "provider", "{\"id\":" #provider "}", "terms.payments.turnover_limits", "{\"value\":[" LIMIT("provider-month-turnover") "]}" }

static const struct world_patch limited[] = {
    LIMITS_OF(1), LIMITS_OF(2),
    { "limit_config", "{\"id\":\"provider-month-turnover\"}", "started_at", "\"2023-09-01T00:00:00Z\"" },
    { "shop_config", "{\"id\":\"" SHOP "\"}", "turnover_limits", "[]" },
    { NULL, NULL, NULL, NULL },
};

/* What routing held and no event tells: once for each provider's first terminal, as its step would have. */
static void hold_as_routing_does(struct payment_world *world)
{
    static const struct route route = { { 1 }, { 1 } };
    struct limit_change change = {
        .limit_id = "provider-month-turnover", .counter = "provider-month-turnover/1/provider/1/future/month/2",
        .verb = LIMIT_HOLD, .amount = 42000, .expires_ms = 1,
    };
    struct limit_request request = {
        .operation = turnover_route_operation(world->driver.arena, route.provider.id, route.terminal.id, "inv", "1", 1),
        .changes = &change, .count = 1,
    };
    struct limit_order order = { &request, 1 };

    cr_assert_null(limit_counters_run(world->counters, &order)->outcomes[0].fault);
}

/* A payment that is given up before any provider was asked leaves nothing on the counters, wherever it was interrupted. */
Test(repair, what_was_held_of_limits_goes_back)
{
    struct payment_world world;
    size_t i;

    for (i = 0; i < 2; i++) {
        world_open(&world, SHOP, 42000, limited);
        cr_assert_eq(world_start(&world), STEP_OK);
        while (world_payment(&world)->activity != (i ? ACT_CASH_FLOW_BUILDING : ACT_ROUTING))
            cr_assert_eq(machine_driver_fire(&world.driver), STEP_OK);
        if (i == 0)
            hold_as_routing_does(&world);
        cr_assert_gt(limit_counters_held(world.counters), 0);
        world.limits_err = SL_EDOWN;
        cr_assert_eq(scenario(&world, FAIL_PRE), STEP_RETRY, "the counters cannot be reached: nothing is done");
        world.limits_err = SL_OK;
        cr_assert_eq(scenario(&world, FAIL_PRE), STEP_OK, "%s", refused(&world));
        cr_assert_str_eq(world_status(&world), "failed:no_route_found:unknown");
        cr_assert_eq(limit_counters_held(world.counters), 0, "row %zu", i);
        world_close(&world);
    }
}

/* ---- changes by hand ---- */

#define CAPTURED ABOUT("status_changed\":{\"status\":{\"captured\":{}}}")
#define FORCED ",\"params\":{\"validate_transitions\":false}"
#define FORCED_MOVING ",\"params\":{\"validate_transitions\":false,\"move_balances\":true}"

/* What cannot come now is refused whole, whatever else is in the list; what can is an event just as it was given. */
Test(repair, changes_are_taken_whole_or_not_at_all)
{
    static const struct {
        const char *repair, *why; /* NULL: taken */
    } rows[] = {
        { "{\"changes\":[" CAPTURED "]}", "change 1: invoice_payment_status_changed may not come in processing_session" },
        { "{\"changes\":[" FINISHED("{\"processed\":{}}") "," FINISHED("{\"processed\":{}}") "]}",
          "change 2: invoice_payment_session_change may not come in processing_accounter" },
        { "{\"changes\":[{\"invoice_payment_change\":{\"id\":\"7\",\"payload\":{\"invoice_payment_status_changed\":"
          "{\"status\":{\"processed\":{}}}}}}]" FORCED "}", "change 1: there is no payment 7" },
        { "{\"changes\":[" FINISHED("{\"captured\":{}}") "]" FORCED "}",
          "change 1: payment 1 has no captured session on its route" },
        { "{\"changes\":[" FINISHED("{\"processed\":{}}") "]}", NULL },
        { "{\"changes\":[" CAPTURED ",{\"invoice_status_changed\":{\"status\":{\"paid\":{}}}}]" FORCED_MOVING "}", NULL },
    };
    struct payment_world world;
    size_t i, events;

    for (i = 0; i < SL_COUNT(rows); i++) {
        open_failed(&world, ACT_PROCESSING_SESSION);
        events = world.driver.event_count;
        cr_assert_eq(changes(&world, rows[i].repair), rows[i].why ? STEP_REFUSED : STEP_OK, "row %zu: %s", i,
                     refused(&world));
        cr_assert_eq(world.driver.event_count, events + !rows[i].why, "row %zu", i);
        if (rows[i].why)
            cr_assert_str_eq(refused(&world), arena_printf(world.driver.arena, "RepairRefused ,\"details\":\"%s\","
                                                           "\"reason\":\"invalid_changes\"", rows[i].why));
        world_close(&world);
    }
}

/* The missing change is supplied, and the timer that was kept does the rest (repair.md 3). */
Test(repair, the_kept_timer_goes_on_from_the_given_changes)
{
    struct payment_world world;
    int64_t due_ms;

    open_failed(&world, ACT_FINALIZING_SESSION);
    due_ms = world.driver.due_ms;
    cr_assert_eq(changes(&world, "{\"changes\":[" FINISHED("{\"captured\":{\"reason\":\"Timeout\"}}") "]}"), STEP_OK);
    cr_assert_eq(world.driver.due_ms, due_ms);
    world_run(&world);
    cr_assert_str_eq(world_status(&world), "captured");
    cr_assert_eq(world_state(&world)->invoice.status.tag, INVOICE_PAID);
    cr_assert(world_books_are_settled(&world));
    world_close(&world);
}

/* Forced into a state that no table leads to: what was held for it is committed along with it. */
Test(repair, forced_changes_are_folded_as_they_are)
{
    struct payment_world world;

    open_failed(&world, ACT_PROCESSING_SESSION);
    cr_assert_eq(changes(&world, "{\"changes\":[" CAPTURED "],\"action\":{\"timer\":{\"unset_timer\":{}}}" FORCED_MOVING "}"),
                 STEP_OK);
    cr_assert_str_eq(world_status(&world), "captured");
    cr_assert_eq(world_payment(&world)->activity, ACT_IDLE);
    cr_assert_null(world_state(&world)->active);
    cr_assert(world_books_are_settled(&world));
    cr_assert_eq(machine_driver_balance(&world.driver, "3001:own") > 0, true, "the merchant has the money");
    world_close(&world);
}

/* What an action does to the timer, and that it needs no changes. */
Test(repair, an_action_moves_the_timer)
{
    static const struct {
        const char *action;
        int64_t wait_s; /* -1: no timer; -2: as it was */
    } rows[] = {
        { "{}", -2 },
        { "{\"timer\":{\"unset_timer\":{}}}", -1 },
        { "{\"timer\":{\"set_timer\":{\"timer\":{\"timeout\":0}}}}", 0 },
        { "{\"timer\":{\"set_timer\":{\"timer\":{\"timeout\":90}}}}", 90 },
        { "{\"timer\":{\"set_timer\":{\"timer\":{\"deadline\":\"2023-11-14T22:13:21Z\"}}}}", 1 },
    };
    struct payment_world world;
    int64_t before_ms, wanted_ms;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        open_failed(&world, ACT_PROCESSING_SESSION);
        before_ms = world.driver.due_ms;
        cr_assert_eq(changes(&world, arena_printf(world.driver.arena, "{\"changes\":[],\"action\":%s}", rows[i].action)),
                     STEP_OK);
        wanted_ms = rows[i].wait_s == -2 ? before_ms : rows[i].wait_s == -1 ? 0
                  : world.driver.now_us / 1000 + rows[i].wait_s * 1000;
        cr_assert_eq(world.driver.due_ms, wanted_ms, "row %zu: %lld", i, (long long)world.driver.due_ms);
        world_close(&world);
    }
}

/* ---- the tables ---- */

/* If this fails, an operator's slip of the pen passes, or a good repair is called malformed. */
Test(repair, malformed_repairs_name_the_place)
{
    static const struct {
        const struct type *type;
        const char *json, *path; /* NULL: well-formed */
    } rows[] = {
        { &type_repair_call, "{\"changes\":[]}", NULL },
        { &type_repair_call, "{\"changes\":[],\"action\":{\"remove\":{}}}", NULL },
        { &type_repair_call, "{}", "/changes" },
        { &type_repair_call, "{\"changes\":[{\"invoice_paid\":{}}]}", "/changes/0/invoice_paid" },
        { &type_repair_call, "{\"changes\":[],\"action\":{\"timer\":{\"set_timer\":{\"timer\":{\"timeout\":-1}}}}}",
          "/action/timer/set_timer/timer/timeout" },
        { &type_repair_call, "{\"changes\":[],\"params\":{\"validate_transitions\":\"no\"}}",
          "/params/validate_transitions" },
        { &type_repair_scenario_call, "{\"scenario\":" COMPLEX(COMPLEX(FULFILL)) "}", NULL },
        { &type_repair_scenario_call, "{\"scenario\":" COMPLEX("") "}", "/scenario/complex/scenarios" },
        { &type_repair_scenario_call, "{\"scenario\":{\"fail_session\":{}}}", "/scenario/fail_session/failure" },
        { &type_repair_scenario_call, "{\"scenario\":{\"skip_inspector\":{\"risk_score\":\"none\"}}}",
          "/scenario/skip_inspector/risk_score" },
        { &type_repair_scenario_call, "{\"scenario\":{\"fail_adjustment\":{}}}", "/scenario/fail_adjustment" },
    };
    struct arena *arena = arena_new();
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct type_errors errors = { 0 };
        enum sl_err err = type_decode_text(rows[i].type, rows[i].json, strlen(rows[i].json), 0, arena,
                                           arena_alloc(arena, rows[i].type->size), &errors);

        cr_assert_eq(err, rows[i].path ? SL_EINVAL : SL_OK, "row %zu: %s", i, err ? errors.list[0].message : "taken");
        if (rows[i].path)
            cr_assert_str_eq(errors.list[0].path, rows[i].path, "row %zu: %s", i, errors.list[0].path);
    }
    arena_free(arena);
}

/* ---- the ledger ---- */

/* If it fails, a cash flow that was given by hand is committed though nothing holds it, and the account's min is more
 * than it owns: doc/spec/accounting.md 5, min <= own <= max. What it does is asked for. */
Test(repair, a_cash_flow_by_hand_is_held)
{
    struct payment_world model, world;
    struct buf flow = BUF_EMPTY;
    const char *plain, *moving;

    open_at(&model, ACT_PROCESSING_SESSION, false, NULL);
    type_encode(&type_cash_flow, &world_payment(&model)->cash_flow, &flow);
    open_at(&world, ACT_CASH_FLOW_BUILDING, false, NULL);
    plain = arena_printf(world.driver.arena, "{\"changes\":[" ABOUT("cash_flow_changed\":{\"cash_flow\":%s}") "]}", buf_text(&flow));
    moving = arena_printf(world.driver.arena, "%.*s,\"params\":{\"move_balances\":true}}", (int)strlen(plain) - 1, plain);
    cr_assert_eq(changes(&world, plain), STEP_REFUSED);
    cr_expect(strstr(refused(&world), "\"reason\":\"moves_balances\""), "%s", refused(&world));
    cr_expect(strstr(refused(&world), "3001:max 40110"), "%s", refused(&world));
    cr_assert_eq(changes(&world, moving), STEP_OK);
    cr_expect_eq(machine_driver_balance(&world.driver, "3001:max"), machine_driver_balance(&model.driver, "3001:max"));
    cr_expect_eq(machine_driver_balance(&world.driver, "3001:min"), machine_driver_balance(&model.driver, "3001:min"));
    world_run(&world);
    cr_expect_not(world.driver.failed, "%s", world.driver.reason);
    cr_expect_str_eq(world_status(&world), "captured");
    cr_expect(world_books_are_settled(&world));
    buf_clear(&flow);
    world_close(&model);
    world_close(&world);
}

/* If it fails, a status by hand leaves money held or owned that nothing stands for any more. */
Test(repair, a_status_by_hand_moves_what_was_held_and_owned)
{
#define FAILED_BY_HAND                                                                                          \
    ABOUT("status_changed\":{\"status\":{\"failed\":{\"failure\":{\"failure\":{\"code\":\"by_hand\"}}}}}")
    static const struct {
        const char *name, *repair;
        bool captured; /* before it */
        int64_t own;   /* the merchant's, behind it: 0, or what a captured payment leaves him */
    } rows[] = {
        { "a failed one releases", "{\"changes\":[" FAILED_BY_HAND "]", false, 0 },
        { "one that was captured goes back", "{\"changes\":[" FAILED_BY_HAND "]", true, 0 },
        { "a removed one releases", "{\"changes\":[],\"action\":{\"remove\":{}}", false, 0 },
    };
    struct payment_world world;
    size_t i, events;

    for (i = 0; i < SL_COUNT(rows); i++) {
        if (rows[i].captured) {
            open_at(&world, ACT_PROCESSING_SESSION, true, NULL);
            world_run(&world);
            cr_assert_str_eq(world_status(&world), "captured");
        } else {
            open_failed(&world, ACT_PROCESSING_SESSION);
        }
        events = world.driver.event_count;
        cr_expect_eq(changes(&world, arena_printf(world.driver.arena, "%s" FORCED "}", rows[i].repair)), STEP_REFUSED, "%s",
                     rows[i].name);
        cr_expect(strstr(refused(&world), "moves_balances"), "%s: %s", rows[i].name, refused(&world));
        cr_expect_eq(world.driver.event_count, events);
        cr_expect_eq(changes(&world, arena_printf(world.driver.arena, "%s" FORCED_MOVING "}", rows[i].repair)), STEP_OK,
                     "%s: %s", rows[i].name, refused(&world));
        cr_expect(world_books_are_settled(&world), "%s", rows[i].name);
        cr_expect_eq(machine_driver_balance(&world.driver, "3001:own"), rows[i].own, "%s", rows[i].name);
        world_close(&world);
    }
}

/* If it fails, an account is posted to in a currency that it is not kept in, or by a plan that cannot be. */
Test(repair, postings_by_hand_that_cannot_be_are_refused)
{
#define POSTING(from, to, amount, currency)                                                                     \
    ABOUT("cash_flow_changed\":{\"cash_flow\":[{\"source\":{\"account_type\":{\"provider\":\"settlement\"},\"account_id\":" from \
          "},\"destination\":{\"account_type\":{\"merchant\":\"settlement\"},\"account_id\":" to                       \
          "},\"volume\":{\"amount\":" amount ",\"currency\":{\"symbolic_code\":\"" currency "\"}}}]}")
    static const struct {
        const char *change, *why;
    } rows[] = {
        { POSTING("4001", "3001", "500", "USD"), "is kept in RUB, not in USD" },
        { POSTING("3001", "3001", "500", "RUB"), "source and target accounts cannot be the same" },
        { POSTING("4001", "3001", "-500", "RUB"), "amount cannot be negative" },
    };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        open_at(&world, ACT_CASH_FLOW_BUILDING, false, NULL);
        cr_expect_eq(changes(&world, arena_printf(world.driver.arena, "{\"changes\":[%s]" FORCED_MOVING "}", rows[i].change)),
                     STEP_REFUSED, "%s", rows[i].why);
        cr_expect(strstr(refused(&world), rows[i].why), "%s: %s", rows[i].why, refused(&world));
        world_close(&world);
    }
}

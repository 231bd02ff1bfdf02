#include <criterion/criterion.h>

#include "support/payment_world.h"

#define ASK(text) "{\"intent\":" text "}"
#define FAILURE(code) "{\"intent\":{\"finish\":{\"status\":{\"failure\":" code "}}}}"
#define DECLINED FAILURE("{\"code\":\"authorization_failed\",\"sub\":{\"code\":\"insufficient_funds\"}}")
#define HOLD(what) "{\"hold\":{\"on_hold_expiration\":\"" what "\"}}"
#define COST(amount)                                                                                        \
    "{\"intent\":{\"finish\":{\"status\":{\"success\":{\"changed_cost\":{\"amount\":" #amount               \
    ",\"currency\":{\"symbolic_code\":\"RUB\"}}}}}},\"trx\":{\"id\":\"T1\",\"extra\":{}}}"

/* The whole life of an instant payment, change by change (payment.md 13). If this fails, nothing works. */
Test(steps_payment, instant_success_has_the_history_of_the_spec)
{
    struct payment_world world;

    world_open(&world, "shop-globex-travel", 42000, NULL);
    cr_assert(world_start(&world) == STEP_OK);
    world_run(&world);
    cr_assert_str_eq(world_history(&world, 1),
                     "created | started | shop_limit_initiated | shop_limit_applied | risk_score_changed | "
                     "route_changed | cash_flow_changed | started(processed) | "
                     "transaction_bound finished(succeeded) | status:processed | "
                     "capture_started started(captured) | finished(succeeded) | status:captured invoice:paid");
    cr_assert_str_eq(world_status(&world), "captured");
    cr_assert(world_state(&world)->invoice.status.tag == INVOICE_PAID);
    cr_assert(world.driver.due_ms == 0, "a paid invoice has no timer");
    cr_assert(world_payment(&world)->activity == ACT_IDLE);
    world_close(&world);
}

/* cashflow.md 10.1 to the unit: shop 3001, system 1001, provider 4002, external 2002. Fails: money is lost. */
Test(steps_payment, full_capture_moves_the_money_of_the_worked_example)
{
    static const struct world_patch only_t3[] = {
        { "routing_rules", "{\"id\":2}", "decisions", "{\"candidates\":[{\"allowed\":{\"constant\":true},\"terminal\":{\"id\":3}}]}" },
        { NULL, NULL, NULL, NULL },
    };
    struct payment_world world;

    world_open(&world, "shop-acme-books", 42000, only_t3);
    cr_assert(world_start_with(&world, NULL, HOLD("capture"), NULL) == STEP_OK);
    world_run(&world);
    cr_assert_str_eq(world_status(&world), "processed");
    cr_assert_str_eq(world_balance(&world, 3001), "0/0/40110");
    cr_assert_str_eq(world_balance(&world, 1001), "0/0/1198");
    cr_assert_str_eq(world_balance(&world, 4002), "0/-41328/0");
    cr_assert_str_eq(world_balance(&world, 2002), "0/0/20");
    cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    world_run(&world);
    cr_assert_str_eq(world_status(&world), "captured");
    cr_assert_str_eq(world_balance(&world, 3001), "40110/40110/40110");
    cr_assert_str_eq(world_balance(&world, 1001), "1198/1198/1198");
    cr_assert_str_eq(world_balance(&world, 4002), "-41328/-41328/-41328");
    cr_assert_str_eq(world_balance(&world, 2002), "20/20/20");
    cr_assert(world_books_are_settled(&world));
    world_close(&world);
}

/* A held payment waits until held_until and then does what its merchant wished. Fails: money hangs. */
Test(steps_payment, a_hold_ends_as_it_was_ordered)
{
    static const struct {
        const char *order, *status, *history;
        int invoice;
    } rows[] = {
        { HOLD("capture"), "captured",
          "capture_started started(captured) | finished(succeeded) | status:captured invoice:paid", INVOICE_PAID },
        { HOLD("cancel"), "cancelled", "started(cancelled) | finished(succeeded) | status:cancelled", INVOICE_UNPAID },
    };
    struct payment_world world;
    int64_t created_s;
    size_t i, events;

    for (i = 0; i < SL_COUNT(rows); i++) {
        world_open(&world, "shop-acme-books", 42000, NULL);
        created_s = world.driver.now_us / 1000000;
        cr_assert(world_start_with(&world, NULL, rows[i].order, NULL) == STEP_OK);
        world_run(&world);
        cr_assert_str_eq(world_status(&world), "processed", "%s", rows[i].order);
        cr_assert(world.driver.due_ms == world_payment(&world)->payment.flow.hold.held_until / 1000);
        cr_assert(world.driver.due_ms > created_s * 1000);
        events = world.driver.event_count;
        cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
        world_run(&world);
        cr_assert_str_eq(world_status(&world), rows[i].status);
        cr_assert_str_eq(world_history(&world, events + 1), rows[i].history);
        cr_assert(world_state(&world)->invoice.status.tag == rows[i].invoice);
        cr_assert(world_books_are_settled(&world), "%s", rows[i].order);
        world_close(&world);
    }
}

/* A decline gives everything back, and the invoice waits for another payment until it is due. */
Test(steps_payment, a_declined_payment_gives_everything_back)
{
    struct payment_world world;

    world_open(&world, "shop-globex-travel", 42000, world_no_cascade);
    cr_assert(world_start(&world) == STEP_OK);
    world_say(&world, DECLINED);
    world_run(&world);
    cr_assert_str_eq(world_status(&world), "failed:authorization_failed:insufficient_funds");
    cr_assert_str_eq(world_history(&world, 8), "started(processed) | finished(failed) rollback_started | status:failed");
    cr_assert(world_books_are_settled(&world));
    cr_assert_str_eq(world_balance(&world, 3005), "0/0/0");
    cr_assert(world.driver.due_ms == world_state(&world)->invoice.due / 1000);
    cr_assert(world_start(&world) == STEP_OK, "another payment may follow");
    cr_assert_str_eq(world_payment(&world)->payment.id, "2");
    world_run(&world);
    cr_assert_str_eq(world_status(&world), "captured");
    cr_assert(world_books_are_settled(&world));
    world_close(&world);
}

/* Where a payment can fail before or at the provider, it ends failed with the right code (payment.md 12). */
Test(steps_payment, fails_at_every_place_with_its_own_code)
{
    static const struct {
        const char *name, *shop, *risk, *answer, *more, *status, *tail;
        int64_t amount;
    } rows[] = {
        { "fatal risk", "shop-acme-books", "fatal", NULL, NULL, "failed:no_route_found:risk_score_is_too_high",
          "risk_score_changed status:failed", 42000 },
        { "no candidate", "shop-acme-books", NULL, NULL, NULL, "failed:no_route_found:forbidden",
          "risk_score_changed | status:failed", 500 },
        { "deadline", "shop-acme-books", NULL, NULL, ",\"processing_deadline\":\"2023-11-14T22:13:20Z\"",
          "failed:authorization_failed:processing_deadline_reached",
          "risk_score_changed | route_changed | cash_flow_changed | rollback_started | status:failed", 42000 },
        { "deadline at the first moment of all", "shop-acme-books", NULL, NULL, ",\"processing_deadline\":\"1970-01-01T00:00:00Z\"",
          "failed:authorization_failed:processing_deadline_reached",
          "risk_score_changed | route_changed | cash_flow_changed | rollback_started | status:failed", 42000 },
        { "provider", "shop-acme-books", NULL, DECLINED, NULL, "failed:authorization_failed:insufficient_funds",
          "risk_score_changed | route_changed | cash_flow_changed | started(processed) | "
          "finished(failed) rollback_started | status:failed", 42000 },
    };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        world_open(&world, rows[i].shop, rows[i].amount, world_no_cascade);
        world.risk = rows[i].risk;
        if (rows[i].answer)
            world_say(&world, rows[i].answer);
        cr_assert(world_start_with(&world, NULL, NULL, rows[i].more) == STEP_OK, "%s", rows[i].name);
        world_run(&world);
        cr_assert_str_eq(world_status(&world), rows[i].status, "%s: %s", rows[i].name, world_status(&world));
        cr_assert_str_eq(world_history(&world, 5), rows[i].tail, "%s: %s", rows[i].name, world_history(&world, 5));
        cr_assert(world_books_are_settled(&world), "%s", rows[i].name);
        cr_assert(world.driver.due_ms == world_state(&world)->invoice.due / 1000, "%s", rows[i].name);
        world_close(&world);
    }
}

/* An inspector that cannot be asked costs nothing but its fallback score, and is asked once. */
Test(steps_payment, an_inspector_that_is_down_is_replaced_by_its_fallback)
{
    static const struct world_patch no_fallback[] = {
        { "inspector", "{\"id\":1}", "fallback_risk_score", NULL }, { NULL, NULL, NULL, NULL },
    };
    struct payment_world world;

    world_open(&world, "shop-acme-books", 42000, NULL);
    world.risk = "";
    cr_assert(world_start(&world) == STEP_OK);
    world_run(&world);
    cr_assert(world_payment(&world)->risk_score == RISK_LOW, "the inspector's own fallback");
    cr_assert_str_eq(world_status(&world), "captured");
    world_close(&world);

    world_open(&world, "shop-acme-books", 42000, no_fallback);
    world.risk = "";
    cr_assert(world_start(&world) == STEP_OK);
    world_run(&world);
    cr_assert(world_payment(&world)->risk_score == RISK_HIGH, "high where there is none");
    world_close(&world);
}

/* The provider may take more or less: old plan back, new plan held, and the capture is for the new cost
 * (payment.md 10; cashflow.md 10.3 doubles 42000 over terminal 3). */
Test(steps_payment, a_changed_cost_replaces_the_plan)
{
    static const struct world_patch only_t3[] = {
        { "routing_rules", "{\"id\":2}", "decisions", "{\"candidates\":[{\"allowed\":{\"constant\":true},\"terminal\":{\"id\":3}}]}" },
        { NULL, NULL, NULL, NULL },
    };
    static const struct {
        const char *answer, *merchant, *system, *provider;
        int64_t cost;
    } rows[] = {
        { COST(84000), "80220", "2416", "-82656", 84000 },
        { COST(21000), "20055", "589", "-20664", 21000 },
        { COST(42000), "40110", "1198", "-41328", 42000 },
    };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        world_open(&world, "shop-acme-books", 42000, only_t3);
        cr_assert(world_start(&world) == STEP_OK);
        world_say(&world, rows[i].answer);
        world_run(&world);
        cr_assert_str_eq(world_history(&world, 8),
                         "started(processed) | transaction_bound cash_changed finished(succeeded) | cash_flow_changed | "
                         "status:processed | capture_started started(captured) | finished(succeeded) | "
                         "status:captured invoice:paid");
        cr_assert_str_eq(world_balance(&world, 3001), arena_printf(world.driver.arena, "%1$s/%1$s/%1$s", rows[i].merchant));
        cr_assert_str_eq(world_balance(&world, 1001), arena_printf(world.driver.arena, "%1$s/%1$s/%1$s", rows[i].system));
        cr_assert_str_eq(world_balance(&world, 4002), arena_printf(world.driver.arena, "%1$s/%1$s/%1$s", rows[i].provider));
        cr_assert(world_books_are_settled(&world));
        cr_assert(world_payment(&world)->payment.cost.amount == rows[i].cost);
        cr_assert(payment_iter(world_payment(&world)) == 1000);
        world_close(&world);
    }
}

/* A capture or cancel that the provider refuses parks the machine with the reason; nothing of that step is stored, and
 * the payment stays as it was. A repair makes the step run again. Fails: nobody sees why, or the money hangs. */
Test(steps_payment, a_refused_capture_or_cancel_waits_for_an_operator)
{
    static const struct {
        const char *order, *reason, *status;
    } rows[] = {
        { HOLD("capture"), "the captured session failed: authorization_failed:insufficient_funds", "captured" },
        { HOLD("cancel"), "the cancelled session failed: authorization_failed:insufficient_funds", "cancelled" },
    };
    struct payment_world world;
    size_t i, events;
    const char *key;

    for (i = 0; i < SL_COUNT(rows); i++) {
        world_open(&world, "shop-acme-books", 42000, NULL);
        cr_assert(world_start_with(&world, NULL, rows[i].order, NULL) == STEP_OK);
        world_run(&world);
        cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
        events = world.driver.event_count;
        world_say(&world, DECLINED);
        cr_assert(machine_driver_fire(&world.driver) == STEP_FAIL);
        cr_assert(world.driver.failed && world.driver.cause == CAUSE_DECLINED);
        cr_assert_str_eq(world.driver.reason, rows[i].reason);
        cr_assert(world.driver.event_count == events);
        cr_assert_str_eq(world_status(&world), "processed");
        cr_assert(world.driver.due_ms > 0, "the timer is kept");
        key = world.calls[world.call_count - 1].key;
        world.driver.quiet++; /* what a simple repair after a refusal comes to */
        cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
        cr_assert_str_neq(world.calls[world.call_count - 1].key, key);
        world_run(&world);
        cr_assert_str_eq(world_status(&world), rows[i].status);
        cr_assert(world_books_are_settled(&world));
        world_close(&world);
    }
}

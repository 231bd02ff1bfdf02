#include <criterion/criterion.h>

#include "support/payment_world.h"

#define HOLD(what) "{\"hold\":{\"on_hold_expiration\":\"" what "\"}}"
#define CASH(amount, code) "{\"amount\":" #amount ",\"currency\":{\"symbolic_code\":\"" code "\"}}"
#define CAPTURE(amount) "{\"reason\":\"ok\",\"cash\":" CASH(amount, "RUB") "}"
#define LINE(quantity, price) "{\"product\":\"Test\",\"quantity\":" #quantity ",\"price\":" price ",\"metadata\":{}}"
#define ALL "{\"reason\":\"ok\"}"
#define COST(amount)                                                                                        \
    "{\"intent\":{\"finish\":{\"status\":{\"success\":{\"changed_cost\":" CASH(amount, "RUB")               \
    "}}}},\"trx\":{\"id\":\"T1\",\"extra\":{}}}"
#define SUSPEND "{\"intent\":{\"suspend\":{\"tag\":\"t\",\"timeout\":{\"timeout\":60}}}}"

/* The route and the amounts of the worked example (cashflow.md 10): terminal 3, 42000 RUB, 45/1000. */
static const struct world_patch only_t3[] = {
    { "routing_rules", "{\"id\":2}", "decisions", "{\"candidates\":[{\"allowed\":{\"constant\":true},\"terminal\":{\"id\":3}}]}" },
    { NULL, NULL, NULL, NULL },
};

/* A held payment "1" of 42000 RUB that waits for its merchant's decision. */
static void open_held(struct payment_world *world, const char *order, const struct world_patch *patches)
{
    world_open(world, "shop-acme-books", 42000, patches);
    cr_assert(world_start_with(world, NULL, order, NULL) == STEP_OK);
    world_run(world);
    cr_assert(world_payment(world)->activity == ACT_FLOW_WAITING);
}

static const char *same(struct payment_world *world, const char *amount)
{
    return arena_printf(world->driver.arena, "%1$s/%1$s/%1$s", amount);
}

/* A merchant takes or gives back what is held, with its own reason. Fails: holds can only run out. */
Test(steps_holds, a_merchant_decides_before_the_hold_ends)
{
    struct payment_world world;
    const struct payment_status *status;
    size_t events;

    open_held(&world, HOLD("cancel"), NULL);
    events = world.driver.event_count;
    cr_assert(world_capture(&world, "1", ALL) == STEP_OK);
    cr_assert_str_eq(world_history(&world, events + 1), "capture_started started(captured)", "answered before the bank is asked");
    world_run(&world);
    cr_assert_str_eq(world_history(&world, events + 1), "capture_started started(captured) | finished(succeeded) | "
                                                        "status:captured invoice:paid");
    status = &world_payment(&world)->payment.status;
    cr_assert_str_eq(status->captured.reason, "ok");
    cr_assert(status->captured.cost->amount == 42000);
    cr_assert(world_books_are_settled(&world));
    world_close(&world);

    open_held(&world, HOLD("capture"), NULL);
    events = world.driver.event_count;
    cr_assert(world_cancel(&world, "1", "whynot") == STEP_OK);
    world_run(&world);
    cr_assert_str_eq(world_history(&world, events + 1), "started(cancelled) | finished(succeeded) | status:cancelled");
    cr_assert_str_eq(world_payment(&world)->payment.status.cancelled.reason, "whynot");
    cr_assert(world_state(&world)->invoice.status.tag == INVOICE_UNPAID);
    cr_assert(world.driver.due_ms == world_state(&world)->invoice.due / 1000, "the invoice waits until it is due");
    cr_assert(world_books_are_settled(&world));
    world_close(&world);
}

/* cashflow.md 10.2 to the unit: 10000 of 42000 in three batches. Fails: a part is booked as something else. */
Test(steps_holds, a_part_is_captured_as_in_the_worked_example)
{
    struct payment_world world;
    size_t events;

    open_held(&world, HOLD("cancel"), only_t3);
    events = world.driver.event_count;
    cr_assert(world_capture(&world, "1", CAPTURE(10000)) == STEP_OK);
    cr_assert_str_eq(world_history(&world, events + 1), "capture_started cash_flow_changed");
    cr_assert_str_eq(world_balance(&world, 3001), "0/0/40110", "batch 1 alone is held");
    cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    cr_assert_str_eq(world_history(&world, events + 2), "started(captured)");
    cr_assert_str_eq(world_balance(&world, 3001), "0/0/9550");
    cr_assert_str_eq(world_balance(&world, 1001), "0/0/270");
    cr_assert_str_eq(world_balance(&world, 4002), "0/-9840/0");
    cr_assert_str_eq(world_balance(&world, 2002), "0/0/20");
    world_run(&world);
    cr_assert_not_null(strstr(world.calls[world.call_count - 1].request, "\"capture\":{\"cost\":{\"amount\":10000"));
    cr_assert_str_eq(world_status(&world), "captured");
    cr_assert_str_eq(world_balance(&world, 3001), same(&world, "9550"));
    cr_assert_str_eq(world_balance(&world, 1001), same(&world, "270"));
    cr_assert_str_eq(world_balance(&world, 4002), same(&world, "-9840"));
    cr_assert_str_eq(world_balance(&world, 2002), same(&world, "20"));
    cr_assert(world_books_are_settled(&world));
    cr_assert(world_payment(&world)->payment.cost.amount == 10000);
    cr_assert(world_state(&world)->invoice.status.tag == INVOICE_PAID);
    world_close(&world);
}

/* Every way to say how much. Fails: a capture of one amount is answered as one of another. */
Test(steps_holds, how_much_is_captured)
{
    static const struct {
        const char *name, *body;
        int64_t cost;
        size_t lines;
        const char *history;
    } rows[] = {
        { "nothing said", ALL, 42000, 0, "capture_started started(captured)" },
        { "all of it", CAPTURE(42000), 42000, 0, "capture_started started(captured)" },
        { "a part", CAPTURE(41999), 41999, 0, "capture_started cash_flow_changed" },
        { "nothing at all", CAPTURE(0), 0, 0, "capture_started cash_flow_changed" },
        { "a cart of all", "{\"reason\":\"ok\",\"cart\":{\"lines\":[" LINE(2, CASH(21000, "RUB")) "]}}", 42000, 1,
          "capture_started started(captured)" },
        { "a cart of a part", "{\"reason\":\"ok\",\"cart\":{\"lines\":[" LINE(3, CASH(1000, "RUB")) ","
          LINE(1, CASH(7000, "RUB")) "]}}", 10000, 2, "capture_started cash_flow_changed" },
        { "cash and cart", "{\"reason\":\"ok\",\"cash\":" CASH(10000, "RUB") ",\"cart\":{\"lines\":["
          LINE(1, CASH(10000, "RUB")) "]}}", 10000, 1, "capture_started cash_flow_changed" },
    };
    const struct captured *captured;
    struct payment_world world;
    size_t i, events;

    for (i = 0; i < SL_COUNT(rows); i++) {
        open_held(&world, HOLD("cancel"), only_t3);
        events = world.driver.event_count;
        cr_assert(world_capture(&world, "1", rows[i].body) == STEP_OK, "%s: %s", rows[i].name, world_refusal(&world));
        cr_assert_str_eq(world_history(&world, events + 1), rows[i].history, "%s", rows[i].name);
        world_run(&world);
        cr_assert_str_eq(world_status(&world), "captured", "%s", rows[i].name);
        captured = &world_payment(&world)->payment.status.captured;
        cr_assert(captured->cost->amount == rows[i].cost, "%s", rows[i].name);
        cr_assert((captured->cart ? captured->cart->lines.count : 0) == rows[i].lines, "%s", rows[i].name);
        cr_assert(world_payment(&world)->payment.cost.amount == rows[i].cost, "%s", rows[i].name);
        cr_assert(world_books_are_settled(&world), "%s", rows[i].name);
        world_close(&world);
    }
}

/* Refusals, each with its name, and none of them leaves a trace. */
Test(steps_holds, refused_captures)
{
    static const struct world_patch forbidden[] = {
        { "terminal", "{\"id\":3}", "terms.payments.holds", "{\"lifetime\":{\"value\":{\"seconds\":60}},\"partial_captures\":{}}" },
        { "routing_rules", "{\"id\":2}", "decisions",
          "{\"candidates\":[{\"allowed\":{\"constant\":true},\"terminal\":{\"id\":3}}]}" },
        { NULL, NULL, NULL, NULL },
    };
    static const struct world_patch unwanted[] = {
        { "term_set_hierarchy", "{\"id\":1}", "term_set.payments.holds.partial_captures", "{}" },
        { NULL, NULL, NULL, NULL },
    };
    static const struct {
        const char *name, *payment, *body, *refusal;
        const struct world_patch *patches;
    } rows[] = {
        { "no such payment", "2", ALL, "InvoicePaymentNotFound", NULL },
        { "another currency", "1", "{\"reason\":\"ok\",\"cash\":" CASH(10000, "USD") "}", "InconsistentCaptureCurrency", NULL },
        { "a cart in another currency", "1", "{\"reason\":\"ok\",\"cart\":{\"lines\":[" LINE(1, CASH(1, "USD")) "]}}",
          "InconsistentCaptureCurrency", NULL },
        { "more than is held", "1", CAPTURE(42001), "AmountExceededCaptureBalance", NULL },
        { "a cart of another sum", "1", "{\"reason\":\"ok\",\"cash\":" CASH(10000, "RUB") ",\"cart\":{\"lines\":["
          LINE(1, CASH(9999, "RUB")) "]}}",
          "InvalidRequest: Capture amount does not match with the cart total amount", NULL },
        { "a cart in two currencies", "1", "{\"reason\":\"ok\",\"cart\":{\"lines\":[" LINE(1, CASH(1, "RUB")) ","
          LINE(1, CASH(1, "USD")) "]}}", "InvalidRequest: The lines of the cart are in different currencies", NULL },
        { "a cart past all bounds", "1", "{\"reason\":\"ok\",\"cart\":{\"lines\":["
          LINE(1000000, CASH(1000000000000000, "RUB")) "]}}", "InvalidRequest: The total of the cart is out of range", NULL },
        { "a cart of less than nothing", "1", "{\"reason\":\"ok\",\"cart\":{\"lines\":[" LINE(1, CASH(-1, "RUB")) "]}}",
          "InvalidRequest: The total of the cart is out of range", NULL },
        { "a part, forbidden by the provider", "1", CAPTURE(10000), "OperationNotPermitted", forbidden },
        { "a part, forbidden by the merchant's terms", "1", CAPTURE(10000), "OperationNotPermitted", unwanted },
    };
    struct payment_world world;
    size_t i, events;
    int64_t due_ms;

    for (i = 0; i < SL_COUNT(rows); i++) {
        open_held(&world, HOLD("cancel"), rows[i].patches ? rows[i].patches : only_t3);
        events = world.driver.event_count;
        due_ms = world.driver.due_ms;
        cr_assert(world_capture(&world, rows[i].payment, rows[i].body) == STEP_REFUSED, "%s", rows[i].name);
        cr_assert_str_eq(world_refusal(&world), rows[i].refusal, "%s", rows[i].name);
        cr_assert(world.driver.event_count == events && world.driver.due_ms == due_ms, "%s", rows[i].name);
        cr_assert(world_capture(&world, "1", ALL) == STEP_OK, "%s: all of it may always be captured", rows[i].name);
        world_close(&world);
    }
}

/* The first decision is the only one; the end of the hold is one of the three. Fails: money is taken and given back. */
Test(steps_holds, only_the_first_decision_counts)
{
    struct payment_world world;

    open_held(&world, HOLD("cancel"), NULL);
    cr_assert(world_capture(&world, "1", ALL) == STEP_OK);
    cr_assert(world_cancel(&world, "1", "late") == STEP_REFUSED);
    cr_assert_str_eq(world_refusal(&world), "InvalidPaymentStatus");
    cr_assert(world_capture(&world, "1", CAPTURE(10000)) == STEP_REFUSED);
    world_run(&world);
    cr_assert(world_cancel(&world, "1", "late") == STEP_REFUSED);
    cr_assert_str_eq(world_refusal(&world), "InvalidPaymentStatus");
    world_close(&world);

    open_held(&world, HOLD("capture"), NULL);
    cr_assert(world_cancel(&world, "1", "whynot") == STEP_OK);
    cr_assert(world_cancel(&world, "1", "whynot") == STEP_REFUSED);
    cr_assert(world_capture(&world, "1", ALL) == STEP_REFUSED);
    world_close(&world);

    open_held(&world, HOLD("capture"), NULL);
    cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    cr_assert(world_payment(&world)->activity == ACT_FINALIZING_SESSION, "the hold has ended by itself");
    cr_assert(world_capture(&world, "1", ALL) == STEP_REFUSED);
    cr_assert(world_cancel(&world, "1", "late") == STEP_REFUSED);
    world_close(&world);

    open_held(&world, HOLD("capture"), NULL);
    world.driver.now_us = world_payment(&world)->payment.flow.hold.held_until + 1;
    cr_assert(world_cancel(&world, "1", "just in time") == STEP_OK, "until the timer has been handled, a call may win");
    world_run(&world);
    cr_assert_str_eq(world_status(&world), "cancelled");
    world_close(&world);
}

/* An instant payment is not for its merchant to decide on; neither is one before its time. */
Test(steps_holds, only_a_waiting_hold_can_be_decided_on)
{
    struct payment_world world;

    world_open(&world, "shop-acme-books", 42000, NULL);
    cr_assert(world_start(&world) == STEP_OK);
    while (world_payment(&world)->activity != ACT_FLOW_WAITING) {
        cr_assert(world_capture(&world, "1", ALL) == STEP_REFUSED);
        cr_assert_str_eq(world_refusal(&world), "InvalidPaymentStatus");
        cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    }
    cr_assert(world_capture(&world, "1", ALL) == STEP_REFUSED);
    cr_assert_str_eq(world_refusal(&world), "OperationNotPermitted");
    cr_assert(world_cancel(&world, "1", "x") == STEP_REFUSED);
    cr_assert_str_eq(world_refusal(&world), "OperationNotPermitted");
    world_close(&world);
}

/* Owners that may not trade may not capture either; the payment waits. */
Test(steps_holds, a_suspended_party_or_shop_decides_nothing)
{
    static const struct world_patch party[] = {
        { "party_config", "{\"id\":\"party-acme\"}", "suspension", "{\"suspended\":{\"since\":\"2023-01-01T00:00:00Z\"}}" },
        { NULL, NULL, NULL, NULL },
    };
    static const struct world_patch shop[] = {
        { "shop_config", "{\"id\":\"shop-acme-books\"}", "block",
          "{\"blocked\":{\"reason\":\"fraud\",\"since\":\"2023-01-01T00:00:00Z\"}}" },
        { NULL, NULL, NULL, NULL },
    };
    struct payment_world world;

    open_held(&world, HOLD("cancel"), NULL);
    world_configure(&world, party);
    cr_assert(world_capture(&world, "nobody", ALL) == STEP_REFUSED);
    cr_assert_str_eq(world_refusal(&world), "InvalidPartyStatus", "the owner is looked at first");
    world_configure(&world, shop);
    cr_assert(world_cancel(&world, "1", "x") == STEP_REFUSED);
    cr_assert_str_eq(world_refusal(&world), "InvalidShopStatus");
    world_configure(&world, NULL);
    cr_assert(world_cancel(&world, "1", "x") == STEP_OK);
    world_close(&world);
}

/* A provider may do its own thing in a capture, too: wait for a callback, and be cut off. */
Test(steps_holds, a_capture_session_can_be_suspended)
{
    struct payment_world world;

    open_held(&world, HOLD("cancel"), NULL);
    cr_assert(world_capture(&world, "1", ALL) == STEP_OK);
    world_say(&world, SUSPEND);
    world_run(&world);
    cr_assert(world_payment(&world)->activity == ACT_FINALIZING_SESSION);
    cr_assert(world_callback(&world, "t", "cGF5") == STEP_OK);
    world_run(&world);
    cr_assert_str_eq(world_status(&world), "captured");
    world_close(&world);
}

/* A part of a cost that the provider had changed: five batches, and the amount asked for is what is booked and what
 * counts from then on. Limits of a capture are those of the changed cost. */
Test(steps_holds, a_part_of_a_changed_cost)
{
    static const struct {
        const char *answer, *body, *refusal;
        int64_t cost;
        const char *merchant, *system, *provider;
    } rows[] = {
        { COST(84000), CAPTURE(10000), NULL, 10000, "9550", "270", "-9840" },
        { COST(84000), CAPTURE(42000), NULL, 42000, "40110", "1198", "-41328" },
        { COST(84000), CAPTURE(84000), NULL, 84000, "80220", "2416", "-82656" },
        { COST(84000), ALL, NULL, 84000, "80220", "2416", "-82656" },
        { COST(84000), CAPTURE(84001), "AmountExceededCaptureBalance", 0, NULL, NULL, NULL },
        { COST(21000), CAPTURE(10000), NULL, 10000, "9550", "270", "-9840" },
        { COST(21000), CAPTURE(42000), "AmountExceededCaptureBalance", 0, NULL, NULL, NULL },
    };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        world_open(&world, "shop-acme-books", 42000, only_t3);
        cr_assert(world_start_with(&world, NULL, HOLD("cancel"), NULL) == STEP_OK);
        world_say(&world, rows[i].answer);
        world_run(&world);
        cr_assert(world_payment(&world)->activity == ACT_FLOW_WAITING);
        cr_assert(world_capture(&world, "1", rows[i].body) == (rows[i].refusal ? STEP_REFUSED : STEP_OK), "%zu", i);
        if (rows[i].refusal) {
            cr_assert_str_eq(world_refusal(&world), rows[i].refusal);
            cr_assert(world_cancel(&world, "1", "x") == STEP_OK);
            world_run(&world);
            cr_assert_str_eq(world_balance(&world, 3001), "0/0/0");
            world_close(&world);
            continue;
        }
        world_run(&world);
        cr_assert_str_eq(world_status(&world), "captured");
        cr_assert_str_eq(world_balance(&world, 3001), same(&world, rows[i].merchant), "%zu", i);
        cr_assert_str_eq(world_balance(&world, 1001), same(&world, rows[i].system), "%zu", i);
        cr_assert_str_eq(world_balance(&world, 4002), same(&world, rows[i].provider), "%zu", i);
        cr_assert(world_books_are_settled(&world));
        cr_assert(world_payment(&world)->payment.cost.amount == rows[i].cost);
        cr_assert(payment_state_cost(world_payment(&world))->amount == rows[i].cost);
        cr_assert_not_null(strstr(world.calls[world.call_count - 1].request,
                                  arena_printf(world.driver.arena, "\"capture\":{\"cost\":{\"amount\":%lld,",
                                               (long long)rows[i].cost)));
        world_close(&world);
    }
}

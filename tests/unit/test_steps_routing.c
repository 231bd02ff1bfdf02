#include <criterion/criterion.h>
#include <string.h>

#include "support/payment_world.h"

#define CARD(system, more)                                                                                  \
    "{\"bank_card\":{\"token\":\"tok\",\"payment_system\":{\"id\":\"" system "\"},\"bin\":\"424242\","      \
    "\"last_digits\":\"4242\"" more "}}"
#define USA ",\"issuer_country\":\"USA\""
#define RUS ",\"issuer_country\":\"RUS\""
#define WALLET "{\"digital_wallet\":{\"payment_service\":{\"id\":\"QIWI\"},\"id\":\"w\"}}"
#define BOOKS "shop-acme-books"

/* Terminals of the candidates, in ruleset order. */
static const char *candidates(struct payment_world *world)
{
    const struct type_list *list = &world_payment(world)->candidates;
    const char *text = "";
    size_t i;

    for (i = 0; i < list->count; i++)
        text = arena_printf(world->driver.arena, "%s%st%lld", text, i ? " " : "",
                            (long long)((const struct route *)list->items)[i].terminal.id);
    return text;
}

/* domain.md 15 as payments: risk, candidates, the route chosen (0: by the pin's hash) and the end. */
Test(steps_routing, the_example_configuration_routes_as_its_table_says)
{
    static const struct {
        const char *name, *shop, *tool, *flow;
        int64_t amount;
        int risk;
        const char *candidates;
        int64_t terminal;
        const char *status;
    } rows[] = {
        { "1", BOOKS, CARD("VISA", RUS), NULL, 42000, RISK_LOW, "t2 t1 t3 t4", 2, "captured" },
        { "2", BOOKS, CARD("VISA", USA), NULL, 42000, RISK_LOW, "t1 t3 t4", 0, "captured" },
        { "3", BOOKS, CARD("VISA", ""), NULL, 42000, RISK_LOW, "t1 t3 t4", 0, "captured" },
        { "4", BOOKS, CARD("VISA", USA), NULL, 700000, RISK_HIGH, "t1", 1, "captured" },
        { "5", BOOKS, CARD("MIR", RUS), NULL, 42000, RISK_LOW, "t3 t4", 3, "captured" },
        { "6", BOOKS, WALLET, NULL, 42000, RISK_LOW, "t5", 5, "captured" },
        { "7", "shop-acme-games", CARD("VISA", USA), NULL, 10000, RISK_LOW, "t1 t3 t4", 0, "captured" },
        { "8", "shop-globex-travel", CARD("VISA", USA), NULL, 42000, RISK_HIGH, "t3 t1", 3, "captured" },
        { "9", "shop-globex-travel", CARD("VISA", USA), NULL, 700000, RISK_HIGH, "t3 t1", 3, "captured" },
        { "10", BOOKS, CARD("VISA", USA), NULL, 150000000, RISK_FATAL, "", -1,
          "failed:no_route_found:risk_score_is_too_high" },
        { "11", BOOKS, CARD("VISA", USA), NULL, 500, RISK_LOW, "", -1, "failed:no_route_found:forbidden" },
        { "14", BOOKS, CARD("VISA", USA ",\"payment_token\":{\"id\":\"APPLEPAY\"},\"tokenization_method\":\"dpan\""),
          NULL, 42000, RISK_LOW, "t1", 1, "captured" },
        { "15", BOOKS, CARD("MASTERCARD", USA), "{\"hold\":{\"on_hold_expiration\":\"capture\"}}", 42000, RISK_LOW,
          "t1 t3 t4", 0, "processed" },
    };
    static const struct world_patch no_shop_limit[] = { /* row 10 is over it */
        { "shop_config", "{\"id\":\"" BOOKS "\"}", "turnover_limits", NULL }, { NULL, NULL, NULL, NULL },
    };
    struct payment_world world;
    const struct route *route;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        world_open(&world, rows[i].shop, rows[i].amount, no_shop_limit);
        cr_assert(world_start_with(&world, rows[i].tool, rows[i].flow, NULL) == STEP_OK, "row %s: %s", rows[i].name,
                  world_refusal(&world));
        world_run(&world);
        cr_assert(!world.driver.failed, "row %s: %s", rows[i].name, world.driver.reason);
        cr_assert(world_payment(&world)->risk_score == rows[i].risk, "row %s", rows[i].name);
        cr_assert_str_eq(candidates(&world), rows[i].candidates, "row %s: %s", rows[i].name, candidates(&world));
        route = payment_route(world_payment(&world));
        if (rows[i].terminal > 0)
            cr_assert(route->terminal.id == rows[i].terminal, "row %s", rows[i].name);
        else if (rows[i].terminal == 0)
            cr_assert(route->terminal.id == 1 || route->terminal.id == 3, "row %s", rows[i].name);
        else
            cr_assert_null(route, "row %s", rows[i].name);
        cr_assert_str_eq(world_status(&world), rows[i].status, "row %s: %s", rows[i].name, world_status(&world));
        world_close(&world);
    }
}

/* The cash flows of the same table, by balances after the capture. */
Test(steps_routing, the_example_configuration_pays_as_its_table_says)
{
    static const struct {
        const char *name, *shop, *tool;
        int64_t amount;
        struct {
            int64_t account, own;
        } accounts[5];
    } rows[] = {
        { "1", BOOKS, CARD("VISA", RUS), 42000, { { 3001, 40110 }, { 1001, 1386 }, { 4001, -41496 } } },
        { "4", BOOKS, CARD("VISA", USA), 700000, { { 3001, 668500 }, { 1001, 18900 }, { 4001, -687400 } } },
        { "6", BOOKS, WALLET, 42000, { { 3001, 40110 }, { 1001, 630 }, { 4003, -40740 } } },
        { "8", "shop-globex-travel", CARD("VISA", USA), 42000,
          { { 3005, 39950 }, { 1001, 1358 }, { 4002, -41328 }, { 2004, 20 } } },
    };
    struct payment_world world;
    const char *balance, *wanted;
    size_t i, j;

    for (i = 0; i < SL_COUNT(rows); i++) {
        world_open(&world, rows[i].shop, rows[i].amount, NULL);
        cr_assert(world_start_with(&world, rows[i].tool, NULL, NULL) == STEP_OK);
        world_run(&world);
        for (j = 0; rows[i].accounts[j].account; j++) {
            long long own = rows[i].accounts[j].own;

            balance = world_balance(&world, rows[i].accounts[j].account);
            wanted = arena_printf(world.driver.arena, "%lld/%lld/%lld", own, own, own);
            cr_assert_str_eq(balance, wanted, "row %s account %lld: %s", rows[i].name,
                             (long long)rows[i].accounts[j].account, balance);
        }
        cr_assert(world_books_are_settled(&world), "row %s", rows[i].name);
        world_close(&world);
    }
}

/* A ruleset that does not decide is a configuration's fault and says so (payment.md 8.5). */
Test(steps_routing, a_ruleset_that_does_not_decide_fails_the_payment_as_misconfigured)
{
    static const struct world_patch undecided[] = {
        { "routing_rules", "{\"id\":2}", "decisions",
          "{\"candidates\":[{\"allowed\":{\"condition\":{\"trust_level_is\":\"well_known\"}},\"terminal\":{\"id\":1}}]}" },
        { NULL, NULL, NULL, NULL },
    };
    struct payment_world world;

    world_open(&world, BOOKS, 42000, undecided);
    cr_assert(world_start(&world) == STEP_OK);
    world_run(&world);
    cr_assert_str_eq(world_status(&world), "failed:no_route_found:unknown:misconfiguration");
    cr_assert_not_null(world_payment(&world)->payment.status.failed.failure.failure.reason);
    cr_assert_str_eq(world_history(&world, 5), "risk_score_changed | status:failed");
    world_close(&world);
}

/* The draw decides among equals by weight, and nothing else decides. */
Test(steps_routing, weights_decide_among_equals)
{
    static const struct world_patch weighted[] = {
        { "routing_rules", "{\"id\":2}", "decisions",
          "{\"candidates\":[{\"allowed\":{\"constant\":true},\"terminal\":{\"id\":1},\"weight\":70},"
          "{\"allowed\":{\"constant\":true},\"terminal\":{\"id\":3},\"weight\":30}]}" },
        { NULL, NULL, NULL, NULL },
    };
    struct payment_world world;
    int i, first = 0;

    for (i = 0; i < 20; i++) {
        world_open(&world, BOOKS, 42000, weighted);
        world.driver.random = (uint64_t)i * (UINT64_MAX / 20) + UINT64_MAX / 40;
        cr_assert(world_start(&world) == STEP_OK);
        world_run(&world);
        first += payment_route(world_payment(&world))->terminal.id == 1;
        world_close(&world);
    }
    cr_assert(first == 14, "terminal 1 was chosen %d times of 20", first);
}

/* The decision of the route_changed that event NUMBER begins with. */
static const struct route_decision *route_decision_of(const struct payment_world *world, size_t number)
{
    const struct invoice_change *change = world->driver.events[number - 1].changes[0];

    cr_assert_eq(change->invoice_payment_change->payload.tag, PCHG_ROUTE_CHANGED);
    return change->invoice_payment_change->payload.route_changed->decision;
}

/* Candidates that were all tried before leave a placeholder route and a rollback, and nothing is held (payment.md 8.5,
 * 8.13). Fails: a payment goes over a route that has declined it, or hangs. */
Test(steps_routing, a_route_is_never_attempted_twice)
{
    static struct route attempted = { .provider = { 1 }, .terminal = { 1 } };
    struct payment_world world;
    struct payment_state *payment;

    world_open(&world, BOOKS, 700000, NULL);
    cr_assert(world_start(&world) == STEP_OK);
    while (world_payment(&world)->activity != ACT_ROUTING)
        cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    payment = invoice_active_payment(world_state(&world));
    payment->routes = (struct type_list){ &attempted, 1 };
    world_run(&world);
    cr_assert_not_null(route_decision_of(&world, 6), "what the named route's terms say is told of a failed routing, too");
    cr_assert_not(*route_decision_of(&world, 6)->skip_recurrent);
    cr_assert_str_eq(world_history(&world, 6), "route_changed rollback_started | status:failed");
    cr_assert_str_eq(world_status(&world), "failed:no_route_found:forbidden");
    cr_assert_str_eq(candidates(&world), "t1");
    cr_assert(world.driver.balance_count == 0);
    world_close(&world);
}

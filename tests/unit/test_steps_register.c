/* Payments that their provider has taken already: doc/spec/payment.md 14. */
#include <criterion/criterion.h>
#include <string.h>

#include "payment/calls.h"
#include "payment/steps.h"
#include "support/payment_world.h"

#define NONE { NULL, NULL, NULL, NULL }
#define BLOCKED_JSON "{\"blocked\":{\"reason\":\"x\",\"since\":\"2024-01-01T00:00:00Z\"}}"
#define SUSPENDED_JSON "{\"suspended\":{\"since\":\"2024-01-01T00:00:00Z\"}}"
#define BOOKS "shop_config", "{\"id\":\"shop-acme-books\"}"
#define ACME "party_config", "{\"id\":\"party-acme\"}"
#define ROUTE "\"route\":{\"provider\":{\"id\":1},\"terminal\":{\"id\":1}}"
#define REFUND_TRX "\"transaction_info\":{\"id\":\"outside\",\"extra\":{}}"
#define TRX ",\"transaction_info\":{\"id\":\"T7\",\"extra\":{}}"

/* If it fails, a registered payment's history is not the one that consumers are promised, or its books are off. */
Test(steps_register, one_commit_then_the_capture)
{
    struct payment_world world;
    const struct payment_state *payment;

    world_open(&world, "shop-acme-books", 42000, NULL);
    cr_assert(world_register(&world, ROUTE TRX, NULL) == STEP_OK);
    cr_expect_str_eq(world_history(&world, 2),
                     "started shop_limit_initiated shop_limit_applied route_changed cash_flow_changed "
                     "started(processed) transaction_bound finished(succeeded) status:processed capture_started");
    world_run(&world);
    cr_expect_str_eq(world_history(&world, 3),
                     "started(captured) finished(succeeded) | status:captured invoice:paid");
    payment = world_payment(&world);
    cr_expect_str_eq(world_status(&world), "captured");
    cr_expect_eq(payment->payment.registration_origin.tag, ORIGIN_PROVIDER);
    cr_expect_str_eq(payment->payment.status.captured.reason, "Timeout");
    cr_expect_eq(payment->payment.cost.amount, 42000);
    cr_expect_str_eq(payment->trx->id, "T7");
    cr_expect_eq(world.call_count, 0, "nobody is asked");
    cr_expect(world_books_are_settled(&world));
    cr_expect_str_eq(world_balance(&world, 4001), "-41244/-41244/-41244");
    world_close(&world);
}

/* If it fails, what the caller knows of the payment is lost. */
Test(steps_register, keeps_what_it_is_told)
{
    struct payment_world world;
    const struct payment_state *payment;

    world_open(&world, "shop-acme-books", 42000, NULL);
    cr_assert(world_register(&world, ROUTE TRX ",\"id\":\"mine\",\"risk_score\":\"high\",\"recurrent_token\":\"rt\","
                            "\"occurred_at\":\"2023-11-01T00:00:00Z\",\"external_id\":\"x\","
                            "\"cost\":{\"amount\":1000,\"currency\":{\"symbolic_code\":\"RUB\"}}", NULL) == STEP_OK);
    cr_expect_str_eq(world_history(&world, 2),
                     "started shop_limit_initiated shop_limit_applied risk_score_changed route_changed cash_flow_changed "
                     "started(processed) rec_token_acquired transaction_bound finished(succeeded) status:processed "
                     "capture_started");
    world_run(&world);
    payment = world_payment(&world);
    cr_expect_str_eq(payment->payment.id, "mine");
    cr_expect_str_eq(payment->payment.external_id, "x");
    cr_expect_str_eq(payment->recurrent_token, "rt");
    cr_expect_eq(payment->payment.created_at, 1698796800000000);
    cr_expect_eq(payment->payment.cost.amount, 1000);
    cr_expect_eq(world_state(&world)->invoice.status.tag, INVOICE_PAID, "less than the invoice's cost pays it, too");
    cr_expect(world_books_are_settled(&world));
    world_close(&world);
}

/* If it fails, a mistaken call parks an invoice or moves money on a route that does not exist. */
Test(steps_register, refuses_and_changes_nothing)
{
    static const struct {
        const char *name;
        struct world_patch patches[3];
        const char *rest, *refusal;
    } rows[] = {
        { "party blocked", { { ACME, "block", BLOCKED_JSON }, NONE }, ROUTE TRX, "InvalidPartyStatus" },
        { "shop blocked", { { BOOKS, "block", BLOCKED_JSON }, NONE }, ROUTE TRX, "InvalidShopStatus" },
        { "no provider", { NONE }, "\"route\":{\"provider\":{\"id\":9},\"terminal\":{\"id\":1}}" TRX,
          "InvalidRequest: There is no such provider" },
        { "no terminal", { NONE }, "\"route\":{\"provider\":{\"id\":1},\"terminal\":{\"id\":9}}" TRX,
          "InvalidRequest: There is no such terminal" },
        { "another's terminal", { NONE }, "\"route\":{\"provider\":{\"id\":1},\"terminal\":{\"id\":3}}" TRX,
          "InvalidRequest: The terminal is another provider's" },
        { "no accounts", { NONE },
          ROUTE TRX ",\"cost\":{\"amount\":1,\"currency\":{\"symbolic_code\":\"USD\"}}",
          "InvalidRequest: The payment has no cash flow: accounts: shop shop-acme-books has its accounts in RUB, not in USD" },
        { "a currency that only the provider has",
          { { "provider", "{\"id\":1}", "accounts",
              "{\"RUB\":{\"settlement\":4001},\"USD\":{\"settlement\":4999}}" }, NONE },
          ROUTE TRX ",\"cost\":{\"amount\":50000,\"currency\":{\"symbolic_code\":\"USD\"}}",
          "InvalidRequest: The payment has no cash flow: accounts: shop shop-acme-books has its accounts in RUB, not in USD" },
        { "nothing", { NONE }, ROUTE TRX ",\"cost\":{\"amount\":0,\"currency\":{\"symbolic_code\":\"RUB\"}}",
          "InvalidRequest: Invalid amount" },
        { "less than nothing", { NONE }, ROUTE TRX ",\"cost\":{\"amount\":-5,\"currency\":{\"symbolic_code\":\"RUB\"}}",
          "InvalidRequest: Invalid amount" },
    };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        world_open(&world, "shop-acme-books", 42000, NULL);
        world_configure(&world, rows[i].patches);
        cr_assert_eq(world_register(&world, rows[i].rest, NULL), STEP_REFUSED, "%s", rows[i].name);
        cr_expect_str_eq(world_refusal(&world), rows[i].refusal, "%s: %s", rows[i].name, world_refusal(&world));
        cr_expect_eq(world.driver.event_count, 1, "%s", rows[i].name);
        world_close(&world);
    }
}

/* If it fails, what has happened cannot be recorded because its shop was stopped afterwards. */
Test(steps_register, suspended_shops_may_register)
{
    static const struct world_patch patches[] = {
        { ACME, "suspension", SUSPENDED_JSON }, { BOOKS, "suspension", SUSPENDED_JSON }, NONE,
    };
    struct payment_world world;

    world_open(&world, "shop-acme-books", 42000, NULL);
    world_configure(&world, patches);
    cr_expect(world_register(&world, ROUTE TRX, NULL) == STEP_OK);
    world_close(&world);
}

/* If it fails, a payment is registered over another one, or on an invoice that is paid. */
Test(steps_register, one_at_a_time)
{
    struct payment_world world;

    world_open(&world, "shop-acme-books", 42000, NULL);
    cr_assert(world_start(&world) == STEP_OK);
    cr_assert(world_register(&world, ROUTE TRX, NULL) == STEP_REFUSED);
    cr_expect_str_eq(world_refusal(&world), "InvoicePaymentPending");
    world_run(&world);
    cr_assert(world_register(&world, ROUTE TRX, NULL) == STEP_REFUSED);
    cr_expect_str_eq(world_refusal(&world), "InvalidInvoiceStatus");
    world_close(&world);
}

/* If it fails, a caller who lost the answer registers twice, or takes another's payment for its own. */
Test(steps_register, the_same_call_again_is_the_same_payment)
{
    static const struct {
        const char *rest;
        bool same;
    } rows[] = {
        { ROUTE TRX ",\"id\":\"mine\"", true },
        { ROUTE ",\"transaction_info\":{\"id\":\"T8\",\"extra\":{}},\"id\":\"mine\"", false },
        { "\"route\":{\"provider\":{\"id\":2},\"terminal\":{\"id\":3}}" TRX ",\"id\":\"mine\"", false },
        { ROUTE TRX ",\"id\":\"mine\",\"external_id\":\"e\"", false },
        { ROUTE TRX ",\"id\":\"mine\",\"recurrent_token\":\"e\"", false },
        { ROUTE TRX ",\"id\":\"mine\",\"risk_score\":\"low\"", false },
        { ROUTE TRX ",\"id\":\"mine\",\"cost\":{\"amount\":7,\"currency\":{\"symbolic_code\":\"RUB\"}}", false },
        { ROUTE TRX ",\"id\":\"mine\",\"cost\":{\"amount\":42000,\"currency\":{\"symbolic_code\":\"RUB\"}}", true },
    };
    struct payment_world world;
    const struct start_payment_reply *reply;
    size_t i, events;

    world_open(&world, "shop-acme-books", 42000, NULL);
    cr_assert(world_register(&world, rows[0].rest, NULL) == STEP_OK);
    world_run(&world);
    events = world.driver.event_count;
    for (i = 0; i < SL_COUNT(rows); i++) {
        cr_assert(world_register(&world, rows[i].rest, NULL) == (rows[i].same ? STEP_OK : STEP_REFUSED), "%zu", i);
        reply = world.driver.reply;
        cr_expect(!rows[i].same || reply->existing, "%zu", i);
    }
    cr_expect(world_start_with(&world, NULL, NULL, ",\"id\":\"mine\"") == STEP_REFUSED, "a started one is another");
    cr_expect_eq(world.driver.event_count, events);
    world_close(&world);
}

/* The members by which the last call was refused as another one's. */
static const char *differing(const struct payment_world *world)
{
    const struct call_error *error = world->driver.reply;
    const char *text = "";
    size_t i;

    for (i = 0; world->driver.end == STEP_REFUSED && error->differs && i < error->differs->count; i++)
        text = arena_printf(world->driver.arena, "%s%s%s", text, i ? " " : "", error->differs->list[i]);
    return text;
}

/* A repair may store a registered payment as it likes. If it fails, the same id again ends the daemon. */
Test(steps_register, an_id_whose_payment_was_repaired_is_another)
{
    struct payment_world world;
    struct payment_state *payment;
    const struct cash *cash;

    world_open(&world, "shop-acme-books", 42000, NULL);
    cr_assert(world_register(&world, ROUTE TRX ",\"id\":\"mine\"", NULL) == STEP_OK);
    world_run(&world);
    payment = (struct payment_state *)(uintptr_t)world_payment(&world);
    cash = payment->capture_data->cash;
    ((struct capture_data *)(uintptr_t)payment->capture_data)->cash = NULL;
    cr_expect(world_register(&world, ROUTE TRX ",\"id\":\"mine\"", NULL) == STEP_REFUSED, "no cost is known");
    ((struct capture_data *)(uintptr_t)payment->capture_data)->cash = cash;
    payment_session(payment, TARGET_PROCESSED)->trx = NULL;
    cr_expect(world_register(&world, ROUTE TRX ",\"id\":\"mine\"", NULL) == STEP_REFUSED, "nothing was bound");
    cr_expect_str_eq(differing(&world), "/transaction_info");
    payment->sessions.count = 0;
    cr_expect(world_register(&world, ROUTE TRX ",\"id\":\"mine\"", NULL) == STEP_REFUSED, "no session");
    payment->routes.count = 0;
    payment->capture_data = NULL;
    cr_expect(world_register(&world, ROUTE TRX ",\"id\":\"mine\"", NULL) == STEP_REFUSED, "no route");
    cr_expect_str_eq(differing(&world), "/route /transaction_info /cost");
    world_close(&world);
}

/* If it fails, a registered recurrent payment has no tool, or one with an unknown parent is taken. */
Test(steps_register, recurrent_payers_have_their_parents_tool)
{
    struct payment_world world;
    struct payment_resource_payer payer = { .contact_info = { 0 } };
    struct payment_state state = { .payment.payer = { .tag = PAYER_PAYMENT_RESOURCE, .payment_resource = &payer } };
    struct parent_payment nobody = { .invoice_id = NULL }, parent = { .invoice_id = "inv", .payment = &state };

    world_open(&world, "shop-acme-books", 42000, NULL);
    cr_assert_eq(type_decode_text(&type_payment_tool, tool_visa_rus, strlen(tool_visa_rus), 0, world.driver.arena,
                                  &payer.resource.payment_tool, NULL), SL_OK);
    cr_assert(world_register(&world, ROUTE TRX, &nobody) == STEP_REFUSED);
    cr_expect_str_eq(world_refusal(&world), "InvalidRecurrentParentPayment");
    cr_assert(world_register(&world, ROUTE TRX, &parent) == STEP_OK);
    cr_expect_str_eq(world_payment(&world)->payment.payer.recurrent->payment_tool.bank_card->issuer_country, "RUS");
    world_close(&world);
}

/* A route whose limits cannot count the payment refuses the call, as terms without a flow do. Fails: the invoice parks
 * at the first step, with money that has moved. */
Test(steps_register, limits_that_cannot_count_it_refuse_the_call)
{
    static const struct world_patch by_email[] = {
        { "limit_config", "{\"id\":\"provider-month-turnover\"}", "scopes", "[{\"payer_contact_email\":{}}]" }, NONE,
    };
    static const struct world_patch in_dollars[] = {
        { "limit_config", "{\"id\":\"provider-month-turnover\"}", "type",
          "{\"turnover\":{\"metric\":{\"amount\":{\"currency\":\"USD\"}}}}" }, NONE,
    };
    static const struct world_patch *const rows[] = { by_email, in_dollars };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        world_open(&world, "shop-acme-books", 42000, rows[i]);
        cr_assert(world_register(&world, ROUTE TRX, NULL) == STEP_REFUSED, "%zu", i);
        cr_expect_not_null(strstr(world_refusal(&world), "provider-month-turnover"), "%s", world_refusal(&world));
        world_close(&world);
    }
}

/* Whoever gives the money back asks the adapter, who wants a token of a recurrent payer. Fails: the refund parks the
 * invoice, and there is no way out. */
Test(steps_register, refunds_of_recurrent_payers_have_a_token_or_are_refused)
{
    static const struct {
        const char *parents, *own, *sent; /* SENT NULL: the refund is refused */
        int64_t terminal;                 /* of the parent */
    } rows[] = {
        { "parent-token", NULL, "parent-token", 1 },
        { "parent-token", ",\"recurrent_token\":\"own\"", "parent-token", 1 },
        { "parent-token", NULL, NULL, 2 },
        { "parent-token", ",\"recurrent_token\":\"own\"", "own", 2 },
        { NULL, ",\"recurrent_token\":\"own\"", "own", 1 },
        { NULL, NULL, NULL, 1 },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct payment_world world;
        struct payment_resource_payer payer = { .contact_info = { 0 } };
        struct route route = { { 1 }, { rows[i].terminal } };
        struct payment_state state = {
            .payment = { .id = "0", .created_at = 1690000000000000, .payer = { .tag = PAYER_PAYMENT_RESOURCE, .payment_resource = &payer } },
            .routes = { &route, 1 }, .recurrent_token = rows[i].parents,
        };
        struct parent_payment parent = { .invoice_id = "inv", .payment = &state };

        world_open(&world, "shop-acme-books", 42000, NULL);
        world.funds = 1000000;
        cr_assert_eq(type_decode_text(&type_payment_tool, tool_visa_rus, strlen(tool_visa_rus), 0, world.driver.arena,
                                      &payer.resource.payment_tool, NULL), SL_OK);
        cr_assert(world_register(&world, arena_printf(world.driver.arena, ROUTE TRX "%s", rows[i].own ? rows[i].own : ""),
                                 &parent) == STEP_OK);
        world_run(&world);
        cr_assert_str_eq(world_status(&world), "captured", "row %zu", i);
        world.call_count = 0;
        if (!rows[i].sent) {
            cr_expect(world_refund(&world, "1", "{}") == STEP_REFUSED, "row %zu", i);
            cr_expect(strstr(world_refusal(&world), "no recurrent token"), "row %zu: %s", i, world_refusal(&world));
            cr_expect(world_manual_refund(&world, "1", "{" REFUND_TRX "}") == STEP_OK, "row %zu: nobody is asked", i);
        } else {
            cr_expect(world_refund(&world, "1", "{}") == STEP_OK, "row %zu: %s", i, world_refusal(&world));
        }
        world_run(&world);
        cr_expect_not(world.driver.failed, "row %zu: %s", i, world.driver.reason);
        cr_expect_str_eq(world_status(&world), "refunded", "row %zu", i);
        cr_expect_eq(world.call_count, rows[i].sent ? 1 : 0, "row %zu", i);
        if (rows[i].sent && world.call_count)
            cr_expect(strstr(world.calls[0].request, rows[i].sent), "row %zu: %s", i, world.calls[0].request);
        world_close(&world);
    }
}

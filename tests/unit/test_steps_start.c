#include <criterion/criterion.h>
#include <string.h>

#include "payment/calls.h"
#include "payment/steps.h"
#include "support/payment_world.h"

#define HOLD "{\"hold\":{\"on_hold_expiration\":\"cancel\"}}"
#define NONE { NULL, NULL, NULL, NULL }
#define BLOCKED_JSON "{\"blocked\":{\"reason\":\"x\",\"since\":\"2024-01-01T00:00:00Z\"}}"
#define SUSPENDED_JSON "{\"suspended\":{\"since\":\"2024-01-01T00:00:00Z\"}}"
#define BOOKS "shop_config", "{\"id\":\"shop-acme-books\"}"
#define ACME "party_config", "{\"id\":\"party-acme\"}"
#define TARIFF "term_set_hierarchy", "{\"id\":1}"
#define NO_CVV "{\"bank_card\":{\"token\":\"t\",\"payment_system\":{\"id\":\"VISA\"},\"bin\":\"1\",\"last_digits\":\"1\",\"is_cvv_empty\":true}}"
#define WALLET "{\"digital_wallet\":{\"payment_service\":{\"id\":\"QIWI\"},\"id\":\"w\"}}"

/* The checks of payment.md 6.3, row by row: each refusal has its own words and leaves the invoice as it was. */
Test(steps_start, refuses_what_the_terms_forbid)
{
    static const struct {
        const char *name;
        struct world_patch patches[3];
        int64_t amount;
        const char *tool, *flow, *more, *refusal;
    } rows[] = {
        { "party blocked", { { ACME, "block", BLOCKED_JSON }, NONE }, 42000, NULL, NULL, NULL, "InvalidPartyStatus" },
        { "party before shop", { { ACME, "suspension", SUSPENDED_JSON }, { BOOKS, "block", BLOCKED_JSON }, NONE },
          42000, NULL, NULL, NULL, "InvalidPartyStatus" },
        { "shop suspended", { { BOOKS, "suspension", SUSPENDED_JSON }, NONE }, 42000, NULL, NULL, NULL,
          "InvalidShopStatus" },
        { "method", { NONE }, 42000, NO_CVV, NULL, NULL, "InvalidRequest: Invalid payment method" },
        { "too little", { NONE }, 5, NULL, NULL, NULL, "InvalidRequest: Invalid amount, less than allowed minumum" },
        { "too much", { NONE }, 420000000, NULL, NULL, NULL,
          "InvalidRequest: Invalid amount, more than allowed maximum" },
        { "no holds", { { TARIFF, "term_set.payments.holds", NULL }, NONE }, 42000, NULL, HOLD, NULL,
          "InvalidRequest: Holds are not available" },
        { "hold method", { NONE }, 42000, WALLET, HOLD, NULL, "InvalidRequest: Invalid payment method" },
        { "no recurrent terms", { { TARIFF, "term_set.recurrent_paytools", NULL }, NONE }, 42000, NULL, NULL,
          ",\"make_recurrent\":true", "OperationNotPermitted" },
        { "recurrent method", { NONE }, 42000, WALLET, NULL, ",\"make_recurrent\":true",
          "InvalidRequest: Invalid payment method" },
    };
    struct payment_world world;
    int64_t due_ms;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        world_open(&world, "shop-acme-books", 42000, NULL);
        world_configure(&world, rows[i].patches);
        due_ms = world.driver.due_ms;
        /* The amount is set behind the creation's own checks: it is the payment's that are looked at. */
        ((struct invoice_state *)world.driver.state)->invoice.cost.amount = rows[i].amount;
        cr_assert(world_start_with(&world, rows[i].tool, rows[i].flow, rows[i].more) == STEP_REFUSED, "%s", rows[i].name);
        cr_assert_str_eq(world_refusal(&world), rows[i].refusal, "%s: %s", rows[i].name, world_refusal(&world));
        cr_assert(world.driver.event_count == 1, "%s", rows[i].name);
        cr_assert(world.driver.due_ms == due_ms, "%s", rows[i].name);
        world_close(&world);
    }
}

/* One payment at a time, and none on an invoice that is paid. */
Test(steps_start, refuses_a_second_payment)
{
    struct payment_world world;
    const struct call_error *error;

    world_open(&world, "shop-acme-books", 42000, NULL);
    cr_assert(world_start(&world) == STEP_OK);
    cr_assert(world_start(&world) == STEP_REFUSED);
    cr_assert_str_eq(world_refusal(&world), "InvoicePaymentPending");
    error = world.driver.reply;
    cr_assert_str_eq(error->id, "1");
    world_run(&world);
    cr_assert(world_start(&world) == STEP_REFUSED);
    cr_assert_str_eq(world_refusal(&world), "InvalidInvoiceStatus");
    world_close(&world);
}

/* A client that lost the answer asks again and gets the same payment; other parameters under its id are refused. */
Test(steps_start, the_same_call_again_is_the_same_payment)
{
    static const struct {
        const char *name, *tool, *flow, *more;
        bool same;
    } rows[] = {
        { "same", NULL, NULL, ",\"id\":\"mine\",\"external_id\":\"e\"", true },
        { "tool", tool_visa_rus, NULL, ",\"id\":\"mine\",\"external_id\":\"e\"", false },
        { "flow", NULL, HOLD, ",\"id\":\"mine\",\"external_id\":\"e\"", false },
        { "external id", NULL, NULL, ",\"id\":\"mine\"", false },
        { "deadline", NULL, NULL, ",\"id\":\"mine\",\"external_id\":\"e\",\"processing_deadline\":\"2030-01-01T00:00:00Z\"",
          false },
    };
    struct payment_world world;
    const struct start_payment_reply *reply;
    size_t i, events;
    int64_t due_ms;
    bool again;

    for (again = false;; again = true) { /* while it runs, and when it is captured */
        world_open(&world, "shop-acme-books", 42000, NULL);
        cr_assert(world_start_with(&world, NULL, NULL, ",\"id\":\"mine\",\"external_id\":\"e\"") == STEP_OK);
        reply = world.driver.reply;
        cr_assert(!reply->existing);
        cr_assert_str_eq(reply->payment_id, "mine");
        if (again)
            world_run(&world);
        events = world.driver.event_count;
        due_ms = world.driver.due_ms;
        for (i = 0; i < SL_COUNT(rows); i++) {
            enum step_end end = world_start_with(&world, rows[i].tool, rows[i].flow, rows[i].more);

            cr_assert(end == (rows[i].same ? STEP_OK : STEP_REFUSED), "%s", rows[i].name);
            reply = world.driver.reply;
            cr_assert(!rows[i].same || reply->existing);
            cr_assert(world.driver.event_count == events && world.driver.due_ms == due_ms, "%s", rows[i].name);
        }
        world_close(&world);
        if (again)
            break;
    }
}

/* Each payment of an invoice costs all later ones: without a bound a client makes one that takes seconds. A repeat is
 * answered all the same. */
Test(steps_start, refuses_more_payments_than_an_invoice_may_have)
{
    struct payment_state payments[200]; /* payment.md 6.3 */
    struct payment_world world;
    struct invoice_state *state;
    size_t i;

    world_open(&world, "shop-acme-books", 42000, NULL);
    world.risk = "fatal";
    cr_assert(world_start(&world) == STEP_OK);
    world_run(&world);
    state = world.driver.state;
    for (i = 0; i < SL_COUNT(payments); i++) {
        payments[i] = *(const struct payment_state *)state->payments.items;
        payments[i].payment.id = arena_printf(world.driver.arena, "%zu", i + 1);
    }
    state->payments = (struct type_list){ payments, SL_COUNT(payments) };
    cr_assert(world_start(&world) == STEP_REFUSED);
    cr_assert_str_eq(world_refusal(&world), "InvalidRequest: Too many payments of this invoice");
    cr_assert(world_start_with(&world, NULL, NULL, ",\"id\":\"200\"") == STEP_OK, "the same again is the one that is there");
    state->payments.count--;
    cr_assert(world_start(&world) == STEP_OK, "the last one that may be");
    world_close(&world);
}

/* Numbers of our own never run into ids that clients chose. */
Test(steps_start, numbers_skip_ids_that_are_taken)
{
    struct payment_world world;

    world_open(&world, "shop-acme-books", 42000, NULL);
    world.risk = "fatal";
    cr_assert(world_start_with(&world, NULL, NULL, ",\"id\":\"2\"") == STEP_OK);
    world_run(&world);
    cr_assert(world_start(&world) == STEP_OK);
    cr_assert_str_eq(world_payment(&world)->payment.id, "3");
    world_close(&world);
}

/* held_until counts from the whole second of the start (payment.md 6.3, row 14). */
Test(steps_start, a_hold_lasts_as_long_as_the_terms_say)
{
    struct payment_world world;
    const struct payment *payment;

    world_open(&world, "shop-acme-books", 42000, NULL);
    world.driver.now_us += 999999;
    cr_assert(world_start_with(&world, NULL, HOLD, NULL) == STEP_OK);
    payment = &world_payment(&world)->payment;
    cr_assert(payment->flow.hold.held_until % 1000000 == 0);
    cr_assert(payment->flow.hold.held_until > payment->created_at);
    cr_assert(payment->domain_revision == domain_revision(world.domain));
    world_close(&world);
}

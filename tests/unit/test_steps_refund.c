#include <criterion/criterion.h>

#include "payment/calls.h"
#include "payment/effect.h"
#include "payment/kind.h"
#include "payment/repair.h"
#include "payment/steps.h"
#include "support/payment_world.h"

#define CASH(amount, code) "{\"amount\":" #amount ",\"currency\":{\"symbolic_code\":\"" code "\"}}"
#define RUB(amount) "{\"cash\":" CASH(amount, "RUB") "}"
#define LINE(quantity, price) "{\"product\":\"Test\",\"quantity\":" #quantity ",\"price\":" price ",\"metadata\":{}}"
#define CART(lines) "\"cart\":{\"lines\":[" lines "]}"
#define TRX "\"transaction_info\":{\"id\":\"test\",\"extra\":{}}"
#define FAILURE(code) "{\"intent\":{\"finish\":{\"status\":{\"failure\":{\"code\":\"" code "\"}}}}}"
#define TRANSIENT                                                                                           \
    "{\"intent\":{\"finish\":{\"status\":{\"failure\":{\"code\":\"authorization_failed\",\"sub\":"          \
    "{\"code\":\"temporarily_unavailable\"}}}}}}"
#define FINE(trx) "{\"intent\":{\"finish\":{\"status\":{\"success\":{}}}},\"trx\":{\"id\":\"" trx "\",\"extra\":{}}}"
#define SUSPEND "{\"intent\":{\"suspend\":{\"tag\":\"t1\",\"timeout\":{\"timeout\":60}}},\"trx\":{\"id\":\"R1\",\"extra\":{}}}"

#define T3 \
    { "routing_rules", "{\"id\":2}", "decisions", "{\"candidates\":[{\"allowed\":{\"constant\":true},\"terminal\":{\"id\":3}}]}" }
#define REFUNDS "term_set.payments.refunds"
#define END { NULL, NULL, NULL, NULL }

/* The route and the amounts of the worked example (cashflow.md 10.4): no fee for refunds. */
static const struct world_patch no_fee[] = {
    T3, { "term_set_hierarchy", "{\"id\":1}", REFUNDS ".fees", "{\"value\":[]}" }, END,
};

/* A captured payment "1" of 42000 RUB; the merchant has plenty beside. */
static void open_captured(struct payment_world *world, const struct world_patch *patches)
{
    world_open(world, "shop-acme-books", 42000, patches);
    world->funds = 1000000;
    cr_assert(world_start(world) == STEP_OK);
    world_run(world);
    cr_assert_str_eq(world_status(world), "captured");
    world->call_count = 0;
}

static const struct refund_state *refund_of(const struct payment_world *world, const char *id)
{
    const struct refund_state *refund = payment_refund(world_payment(world), id);

    cr_assert_not_null(refund, "no refund %s", id);
    return refund;
}

/* "succeeded"; "failed:code:sub" */
static const char *refund_status(const struct payment_world *world, const char *id)
{
    const struct refund_status *status = &refund_of(world, id)->refund.status;
    const char *notation;

    if (status->tag != REFUND_FAILED)
        return type_name_of(&type_refund_status, status->tag);
    notation = failure_notation(&status->failed.failure, world->driver.arena);
    return arena_printf(world->driver.arena, "failed:%s", notation ? notation : "operation_timeout");
}

static const char *replied_id(const struct payment_world *world)
{
    const struct refund_reply *reply = world->driver.reply;

    return reply->refund_id;
}

/* ---- all goes well ---- */

/* The way of every refund, in events and to the unit in the books (cashflow.md 10.4). Fails: money is lost, or a
 * payment that nothing is left of can be refunded again. */
Test(steps_refund, a_full_refund_gives_everything_back)
{
    struct payment_world world;
    size_t events;

    open_captured(&world, no_fee);
    events = world.driver.event_count;
    cr_assert(world_refund(&world, "1", "{\"reason\":\"broken\",\"external_id\":\"e\"}") == STEP_OK);
    cr_assert_str_eq(replied_id(&world), "1");
    cr_assert_str_eq(world_balance(&world, 3001), "40110/-1890/40110", "held in the commit that creates it");
    cr_assert_str_eq(world_balance(&world, 4002), "-41328/-41328/672");
    cr_assert_str_eq(payment_activity_label(world_payment(&world)), "refund_new");
    world_run(&world);
    cr_assert_str_eq(world_history(&world, events + 1),
                     "1:created | 1:started(refunded) | 1:transaction_bound 1:finished(succeeded) | "
                     "1:succeeded status:refunded");
    cr_assert_str_eq(refund_of(&world, "1")->refund.reason, "broken");
    cr_assert_str_eq(refund_of(&world, "1")->refund.external_id, "e");
    cr_assert_str_eq(world_balance(&world, 3001), "-1890/-1890/-1890");
    cr_assert_str_eq(world_balance(&world, 1001), "1198/1198/1198");
    cr_assert_str_eq(world_balance(&world, 4002), "672/672/672");
    cr_assert(world_books_are_settled(&world));
    cr_assert(world.driver.due_ms == 0, "nothing is left to do");
    cr_assert(world_payment(&world)->activity == ACT_IDLE);
    cr_assert(world_refund(&world, "1", "{}") == STEP_REFUSED);
    cr_assert_str_eq(world_refusal(&world), "InvalidPaymentStatus");
    world_close(&world);
}

/* cashflow.md 10.5: the merchant's fee for a refund is a posting of its own. */
Test(steps_refund, a_partial_refund_costs_its_fee_and_leaves_the_payment_captured)
{
    static const struct world_patch only_t3[] = { T3, END };
    struct payment_world world;

    open_captured(&world, only_t3);
    cr_assert(world_refund(&world, "1", RUB(10000)) == STEP_OK);
    cr_assert_str_eq(world_balance(&world, 3001), "40110/30010/40110");
    world_run(&world);
    cr_assert_str_eq(world_balance(&world, 3001), "30010/30010/30010");
    cr_assert_str_eq(world_balance(&world, 1001), "1298/1298/1298");
    cr_assert_str_eq(world_balance(&world, 4002), "-31328/-31328/-31328");
    cr_assert_str_eq(world_status(&world), "captured");
    cr_assert(payment_remaining(world_payment(&world)).amount == 32000);
    world_close(&world);
}

/* Parts add up: the payment is refunded when nothing remains, not before (refunds.md 7). */
Test(steps_refund, several_refunds_come_to_the_whole)
{
    struct payment_world world;

    open_captured(&world, NULL);
    cr_assert(world_refund(&world, "1", RUB(10000)) == STEP_OK);
    world_run(&world);
    cr_assert(world_refund(&world, "1", RUB(33000)) == STEP_REFUSED);
    cr_assert_str_eq(world_refusal(&world), "InvoicePaymentAmountExceeded");
    cr_assert(((const struct call_error *)world.driver.reply)->maximum->amount == 32000);
    cr_assert(world_refund(&world, "1", RUB(30000)) == STEP_OK);
    cr_assert_str_eq(replied_id(&world), "2");
    world_run(&world);
    cr_assert_str_eq(world_status(&world), "captured");
    cr_assert(world_refund(&world, "1", "{}") == STEP_OK, "the rest");
    world_run(&world);
    cr_assert(refund_of(&world, "3")->refund.cash.amount == 2000);
    cr_assert_str_eq(world_status(&world), "refunded");
    cr_assert(world_books_are_settled(&world));
    world_close(&world);
}

/* ---- checks ---- */

/* refunds.md 3 and 7, each on a fresh payment. Fails: money goes back that may not. */
Test(steps_refund, calls_are_refused_as_the_terms_say)
{
    static const struct {
        const char *body, *refusal;
    } rows[] = {
        { RUB(50), "InvalidRequest: Invalid amount, less than allowed minumum" },
        { RUB(999), "InvalidRequest: Invalid amount, less than allowed minumum" },
        { RUB(40000), "InvalidRequest: Invalid amount, more than allowed maximum" },
        { RUB(40001), "InvalidRequest: Invalid amount, more than allowed maximum" },
        { RUB(43000), "InvoicePaymentAmountExceeded" },
        { RUB(0), "InvalidRequest: Invalid amount, less than allowed minumum" },
        { RUB(-1), "InvalidRequest: Invalid amount, less than allowed minumum" },
        { "{\"cash\":" CASH(10000, "USD") "}", "InconsistentRefundCurrency" },
        { "{\"cash\":" CASH(10000, "RUB") "," CART(LINE(2, CASH(15000, "RUB"))) "}",
          "InvalidRequest: Remaining payment amount not equal cart cost" },
        { "{\"cash\":" CASH(10000, "RUB") "," CART(LINE(1, CASH(32000, "USD"))) "}",
          "InvalidRequest: Remaining payment amount not equal cart cost" },
        { "{" CART(LINE(1, CASH(32000, "RUB"))) "}",
          "InvalidRequest: Refund amount does not match with the cart total amount" },
        { "{\"allocation\":{},\"cash\":" CASH(10000, "RUB") "}", "AllocationNotAllowed" },
        { "{\"allocation\":{},\"cash\":" CASH(43000, "RUB") "}", "InvoicePaymentAmountExceeded" },
        { "{\"id\":\"m1\"}", "InvalidRequest: Invalid id format" },
        { RUB(1000), NULL },
        { RUB(39999), NULL },
        { RUB(42000), NULL }, /* all of it: the limits are those of partial refunds */
        { "{\"cash\":" CASH(10000, "RUB") "," CART(LINE(2, CASH(16000, "RUB"))) "}", NULL },
    };
    struct payment_world world;
    size_t i, events;

    for (i = 0; i < SL_COUNT(rows); i++) {
        open_captured(&world, NULL);
        events = world.driver.event_count;
        cr_expect_eq(world_refund(&world, "1", rows[i].body), rows[i].refusal ? STEP_REFUSED : STEP_OK, "%s", rows[i].body);
        if (rows[i].refusal) {
            cr_expect_str_eq(world_refusal(&world), rows[i].refusal, "%s: %s", rows[i].body, world_refusal(&world));
            cr_expect_eq(world.driver.event_count, events);
            cr_expect(world_books_are_settled(&world), "nothing is held for %s", rows[i].body);
        } else {
            world_run(&world);
            cr_expect_str_eq(refund_status(&world, "1"), "succeeded", "%s", rows[i].body);
        }
        world_close(&world);
    }
}

/* Terms that say no, and terms that say nothing: neither parks the invoice. */
Test(steps_refund, terms_may_forbid_refunds)
{
#define SHOP_TERMS "term_set_hierarchy", "{\"id\":1}"
#define PROVIDER "provider", "{\"id\":2}"
    static const struct {
        struct world_patch patch;
        const char *body, *refusal;
    } rows[] = {
        { { SHOP_TERMS, REFUNDS, NULL }, "{}", "OperationNotPermitted" },
        { { SHOP_TERMS, REFUNDS ".partial_refunds", NULL }, RUB(10000), "OperationNotPermitted" },
        { { SHOP_TERMS, REFUNDS ".partial_refunds", NULL }, "{}", NULL },
        { { SHOP_TERMS, REFUNDS ".payment_methods", "{\"value\":[]}" }, "{}", "InvalidRequest: Invalid payment method" },
        { { SHOP_TERMS, REFUNDS ".payment_methods", NULL }, "{}",
          "InvalidRequest: The terms do not decide on payment methods of refunds" },
        { { SHOP_TERMS, REFUNDS ".eligibility_time", NULL }, "{}",
          "InvalidRequest: The terms do not decide on the time for refunds" },
        { { SHOP_TERMS, REFUNDS ".fees", NULL }, "{}",
          "InvalidRequest: the merchant's terms have no cash flow for this payment" },
        { { PROVIDER, "terms.payments.refunds", NULL }, "{}",
          "InvalidRequest: The terms do not decide on refunds by the payment's provider" },
        { { PROVIDER, "terms.payments.refunds.partial_refunds", NULL }, RUB(10000),
          "InvalidRequest: The terms do not decide on a partial refund of this amount by the payment's provider" },
        { { PROVIDER, "terms.payments.refunds.partial_refunds", NULL }, "{}", NULL },
        { { PROVIDER, "terms.payments.refunds.cash_flow", NULL }, "{}",
          "InvalidRequest: the provider's terms have no cash flow for this payment" },
        { { "party_config", "{\"id\":\"party-acme\"}", "suspension", "{\"suspended\":{\"since\":\"2024-01-01T00:00:00Z\"}}" },
          "{}", "InvalidPartyStatus" },
        { { "shop_config", "{\"id\":\"shop-acme-books\"}", "block",
            "{\"blocked\":{\"reason\":\"\",\"since\":\"2024-01-01T00:00:00Z\"}}" }, "{}", "InvalidShopStatus" },
    };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        const struct world_patch then[] = { T3, rows[i].patch, END };
        static const struct world_patch before[] = { T3, END };

        open_captured(&world, before);
        world_configure(&world, then); /* the terms of the moment of the call count */
        cr_expect_eq(world_refund(&world, "1", rows[i].body), rows[i].refusal ? STEP_REFUSED : STEP_OK, "row %zu", i);
        if (rows[i].refusal)
            cr_expect_str_eq(world_refusal(&world), rows[i].refusal, "row %zu: %s", i, world_refusal(&world));
        cr_expect_not(world.driver.failed);
        world_close(&world);
    }
}

/* Until when: the moment itself is still good (refunds.md 3 row 13). */
Test(steps_refund, the_time_for_refunds_ends)
{
    static const struct world_patch minute[] = {
        { "term_set_hierarchy", "{\"id\":1}", REFUNDS ".eligibility_time", "{\"value\":{\"minutes\":1}}" }, END,
    };
    struct payment_world world;
    int64_t started_us;

    open_captured(&world, minute);
    started_us = world_payment(&world)->payment.created_at;
    world.driver.now_us = started_us + 61000000;
    cr_assert(world_refund(&world, "1", "{}") == STEP_REFUSED);
    cr_assert_str_eq(world_refusal(&world), "OperationNotPermitted");
    world.driver.now_us = started_us / 1000000 * 1000000 + 60000000;
    cr_assert(world_refund(&world, "1", "{}") == STEP_OK);
    world_close(&world);
}

/* Only what is captured, and one at a time. */
Test(steps_refund, the_payment_must_be_captured_and_idle)
{
    struct payment_world world;

    world_open(&world, "shop-acme-books", 42000, NULL);
    cr_assert(world_refund(&world, "1", "{}") == STEP_REFUSED);
    cr_assert_str_eq(world_refusal(&world), "InvoicePaymentNotFound");
    cr_assert(world_start_with(&world, NULL, "{\"hold\":{\"on_hold_expiration\":\"capture\"}}", NULL) == STEP_OK);
    cr_assert(world_refund(&world, "1", "{}") == STEP_REFUSED);
    cr_assert_str_eq(world_refusal(&world), "InvalidPaymentStatus");
    world_run(&world);
    cr_assert(world_refund(&world, "1", "{}") == STEP_REFUSED, "it is held only");
    cr_assert_str_eq(world_refusal(&world), "InvalidPaymentStatus");
    cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    world_run(&world);
    cr_assert_str_eq(world_status(&world), "captured");
    world.funds = 1000000;
    cr_assert(world_refund(&world, "1", RUB(10000)) == STEP_OK);
    cr_assert(world_refund(&world, "1", RUB(10000)) == STEP_REFUSED);
    cr_assert_str_eq(world_refusal(&world), "OperationNotPermitted", "the first one is under way");
    cr_assert(world_refund(&world, "1", "{\"id\":\"1\",\"cash\":" CASH(10000, "RUB") "}") == STEP_OK, "but the same one may be asked for again");
    world_run(&world);
    cr_assert(world_refund(&world, "1", RUB(10000)) == STEP_OK);
    world_close(&world);
}

/* A call that was made before another refund began is judged as of then, also where that one is over when its turn comes.
 * Fails: who clicks twice is given the money twice. */
Test(steps_refund, a_refund_that_was_overtaken_is_refused)
{
    struct payment_world world;
    int64_t before;

    open_captured(&world, NULL);
    before = world.driver.now_us;
    cr_assert(world_refund(&world, "1", RUB(10000)) == STEP_OK);
    world_run(&world);
    cr_assert_str_eq(refund_status(&world, "1"), "succeeded");
    world.driver.made_us = before;
    cr_assert(world_refund(&world, "1", RUB(10000)) == STEP_REFUSED);
    cr_assert_str_eq(world_refusal(&world), "OperationNotPermitted");
    cr_assert(world_refund(&world, "1", "{\"id\":\"1\",\"cash\":" CASH(10000, "RUB") "}") == STEP_OK, "a repeat is one");
    world.driver.made_us = world.driver.now_us + 1;
    cr_assert(world_refund(&world, "1", RUB(10000)) == STEP_OK, "this caller could know of the first");
    world_close(&world);
}

/* refunds.md 2. Fails: a caller's repeat refunds twice, or two refunds get one name. */
Test(steps_refund, ids_are_chosen_or_counted)
{
    static const struct {
        bool manual;
        const char *body, *id;
    } rows[] = {
        { false, RUB(1000), "1" },
        { true, RUB(1000), "m2" },
        { false, RUB(1000), "3" },
        { false, "{\"id\":\"007\",\"cash\":" CASH(1000, "RUB") "}", "007" },
        { false, RUB(1000), "8" },
        { true, "{\"id\":\"m12\",\"cash\":" CASH(1000, "RUB") "}", "m12" },
        { true, "{\"id\":\"abc\",\"cash\":" CASH(1000, "RUB") "}", "mabc" },
        { false, "{\"id\":\"99999999999999999999\",\"cash\":" CASH(1000, "RUB") "}", "99999999999999999999" },
        { false, RUB(1000), "13" },
    };
    struct payment_world world;
    const struct refund_reply *reply;
    size_t i, events;

    open_captured(&world, NULL);
    for (i = 0; i < SL_COUNT(rows); i++) {
        cr_assert((rows[i].manual ? world_manual_refund : world_refund)(&world, "1", rows[i].body) == STEP_OK, "row %zu: %s",
                  i, world_refusal(&world));
        cr_assert_str_eq(replied_id(&world), rows[i].id, "row %zu: %s", i, replied_id(&world));
        world_run(&world);
        cr_assert_str_eq(refund_status(&world, rows[i].id), "succeeded");
    }
    events = world.driver.event_count;
    cr_assert(world_refund(&world, "1", "{\"id\":\"3\",\"cash\":" CASH(1000, "RUB") "}") == STEP_OK);
    reply = world.driver.reply;
    cr_assert(reply->existing);
    cr_assert(world_refund(&world, "1", "{\"id\":\"3\",\"cash\":" CASH(777, "USD") "}") == STEP_REFUSED);
    cr_assert_str_eq(world_refusal(&world), "IdReused");
    cr_assert(world_manual_refund(&world, "1", "{\"id\":\"2\",\"cash\":" CASH(1000, "RUB") "}") == STEP_OK, "the prefix is part of the comparison");
    cr_assert_str_eq(replied_id(&world), "m2");
    cr_assert(world.driver.event_count == events);
    world_close(&world);
}

/* ---- funds ---- */

/* The merchant must have it once everything that is held is counted (accounting.md 5). Fails: a merchant who has
 * gone gets more out than it had. */
Test(steps_refund, funds_are_looked_at_with_the_hold_counted)
{
    static const struct {
        int64_t elsewhere;
        const char *status;
    } rows[] = {
        { 1889, "failed:terms_violated:insufficient_merchant_funds" },
        { 1890, "succeeded" },
    };
    struct payment_world world;
    size_t i, events;

    for (i = 0; i < SL_COUNT(rows); i++) {
        open_captured(&world, no_fee);
        events = world.driver.event_count;
        world.funds = rows[i].elsewhere;
        cr_assert(world_refund(&world, "1", "{}") == STEP_OK, "the call is answered before anybody looks");
        world_run(&world);
        cr_expect_str_eq(refund_status(&world, "1"), rows[i].status);
        cr_expect(world_books_are_settled(&world));
        if (i == 0) {
            cr_expect_str_eq(world_history(&world, events + 1), "1:created | 1:rollback_started | 1:failed");
            cr_expect_str_eq(world_balance(&world, 3001), "40110/40110/40110");
            cr_expect_eq(world.call_count, 0, "the bank never heard of it");
            cr_expect_str_eq(world_status(&world), "captured");
            world.funds = 1890;
            cr_expect(world_refund(&world, "1", "{}") == STEP_OK, "another may be tried");
            cr_expect_str_eq(replied_id(&world), "2");
        }
        world_close(&world);
    }
}

/* Nobody knows the balance: the refund waits, nothing is decided. */
Test(steps_refund, unreadable_balances_are_read_again)
{
    struct payment_world world;

    open_captured(&world, NULL);
    world.funds_err = SL_EUNKNOWN;
    cr_assert(world_refund(&world, "1", RUB(10000)) == STEP_OK);
    cr_assert(machine_driver_fire(&world.driver) == STEP_RETRY);
    cr_assert(world.driver.due_ms > 0);
    world.funds_err = SL_OK;
    world_run(&world);
    cr_assert_str_eq(refund_status(&world, "1"), "succeeded");
    cr_assert(world_books_are_settled(&world), "held once, though the step ran twice");
    world_close(&world);
}

/* ---- limits ---- */

/* A refund has a place in the turnover of its route: held, committed, and given back when it fails (limits.md 8). */
Test(steps_refund, turnover_counts_refunds)
{
#define LIMITED                                                                                             \
    T3, { "provider", "{\"id\":2}", "terms.payments.turnover_limits",                                       \
          "{\"value\":[{\"ref\":{\"id\":\"provider-month-turnover\"},\"upper_boundary\":42000,\"domain_revision\":1}]}" },  \
        { "limit_config", "{\"id\":\"provider-month-turnover\"}", "started_at", "\"2023-09-01T00:00:00Z\"" }
    static const char counter[] = "provider-month-turnover/1/provider/2/future/month/2";
    static const struct world_patch less[] = {
        LIMITED,
        { "limit_config", "{\"id\":\"provider-month-turnover\"}", "op_behaviour",
          "{\"invoice_payment_refund\":{\"subtraction\":{}}}" }, END,
    };
    static const struct world_patch more[] = {
        LIMITED, { "limit_config", "{\"id\":\"provider-month-turnover\"}", "op_behaviour", NULL }, END,
    };
    static const struct {
        const struct world_patch *patches;
        const char *answer;
        int64_t held, after;
    } rows[] = {
        { less, NULL, 32000, 32000 },
        { less, FAILURE("authorization_failed"), 32000, 42000 },
        { more, NULL, 52000, 52000 }, /* beyond the boundary: nobody compares */
        { more, FAILURE("authorization_failed"), 52000, 42000 },
    };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        open_captured(&world, rows[i].patches);
        cr_assert_eq(limit_counters_value(world.counters, counter), 42000);
        if (rows[i].answer)
            world_say(&world, rows[i].answer);
        cr_assert(world_refund(&world, "1", RUB(10000)) == STEP_OK);
        cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
        cr_expect_eq(limit_counters_value(world.counters, counter), rows[i].held, "row %zu", i);
        cr_expect_eq(limit_counters_held(world.counters), 1);
        world_run(&world);
        cr_expect_not(world.driver.failed, "%s", world.driver.reason);
        cr_expect_eq(limit_counters_value(world.counters, counter), rows[i].after, "row %zu", i);
        cr_expect_eq(limit_counters_held(world.counters), 0);
        cr_expect(world_books_are_settled(&world));
        world_close(&world);
    }
    open_captured(&world, less);
    world.funds = 0;
    cr_assert(world_refund(&world, "1", "{}") == STEP_OK);
    world_run(&world);
    cr_expect_eq(refund_of(&world, "1")->refund.status.tag, REFUND_FAILED);
    cr_expect_eq(limit_counters_value(world.counters, counter), 42000, "no funds: given back, too");
    cr_expect_eq(limit_counters_held(world.counters), 0);
    world_close(&world);
}

/* If it fails, a limit that counts failed attempts counts refunds backwards, and three failed refunds close a terminal.
 *
 * What a session turns round are the limits of an attempt on a route: the context of limits.md 7 has the marker of a
 * finished session, the one of 8 has only the operation, a refund. So by 4.2 invertable limits of a refund are as the
 * others: 8 says commit for one that is accounted (its change stays) and rollback for one that failed (it goes), and
 * 3 says that the change by number is +1, or -1 where refunds subtract.
 *
 * The payment itself is one that has been captured: its commit was turned into a rollback (4.2), and left 0. */
Test(steps_refund, invertable_limits_count_refunds_as_others_do)
{
#define INVERTABLE                                                                                          \
    LIMITED,                                                                                                \
        { "limit_config", "{\"id\":\"provider-month-turnover\"}", "finalization_behaviour",                 \
          "{\"invertable\":{\"session_presence\":{}}}" },                                                   \
        { "limit_config", "{\"id\":\"provider-month-turnover\"}", "type", "{\"turnover\":{}}" }
    static const char counter[] = "provider-month-turnover/1/provider/2/future/month/2";
    static const struct world_patch less[] = {
        INVERTABLE,
        { "limit_config", "{\"id\":\"provider-month-turnover\"}", "op_behaviour",
          "{\"invoice_payment_refund\":{\"subtraction\":{}}}" }, END,
    };
    static const struct world_patch more[] = {
        INVERTABLE, { "limit_config", "{\"id\":\"provider-month-turnover\"}", "op_behaviour", NULL }, END,
    };
    static const struct {
        const char *name;
        int status;
        const struct world_patch *patches;
        const char *answer;
        int64_t funds, after;
    } rows[] = {
        { "paid out", REFUND_SUCCEEDED, more, NULL, 1000000, 1 },
        { "refused by the provider", REFUND_FAILED, more, FAILURE("authorization_failed"), 1000000, 0 },
        { "without funds, and without a session", REFUND_FAILED, more, NULL, -1000000, 0 },
        { "paid out, subtracting", REFUND_SUCCEEDED, less, NULL, 1000000, -1 },
        { "refused, subtracting", REFUND_FAILED, less, FAILURE("authorization_failed"), 1000000, 0 },
    };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        open_captured(&world, rows[i].patches);
        cr_assert_eq(limit_counters_value(world.counters, counter), 0, "%s: a captured payment", rows[i].name);
        if (rows[i].answer)
            world_say(&world, rows[i].answer);
        world.funds = rows[i].funds;
        cr_assert(world_refund(&world, "1", RUB(10000)) == STEP_OK);
        world_run(&world);
        cr_expect_not(world.driver.failed, "%s: %s", rows[i].name, world.driver.reason);
        cr_expect_eq(refund_of(&world, "1")->refund.status.tag, rows[i].status, "%s", rows[i].name);
        cr_expect_eq(limit_counters_value(world.counters, counter), rows[i].after, "%s: %lld", rows[i].name,
                     (long long)limit_counters_value(world.counters, counter));
        cr_expect_eq(limit_counters_held(world.counters), 0, "%s", rows[i].name);
        world_close(&world);
    }
}

/* If this fails, a refund is held by one revision's limits and committed by another's, or looks at the wrong account
 * for its funds. */
Test(steps_refund, limits_are_of_the_refunds_revision_and_funds_of_the_payments)
{
    static const struct world_patch moved[] = {
        { "shop_config", "{\"id\":\"shop-acme-books\"}", "account.settlement", "3991" }, END,
    };
    struct payment_world world;
    const struct invoice_state *state;

    open_captured(&world, NULL);
    world.funds = 0;
    world_configure(&world, moved);
    domain_set_revision(world.domain, 7);
    cr_assert(world_refund(&world, "1", RUB(10000)) == STEP_OK);
    state = world_state(&world);
    cr_assert_eq(refund_of(&world, "1")->refund.domain_revision, 7);
    cr_assert_eq(invoice_kind.revision(state), 7);
    world_say(&world, SUSPEND);
    cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    cr_assert_eq(invoice_kind.revision(world_state(&world)), world_payment(&world)->payment.domain_revision,
                 "the adapter hears of the payment as it was");
    cr_assert_str_eq(world_balance(&world, 3991), "0/-10100/0", "this account has nothing, the payment's had enough");
    world_close(&world);
}

/* A limit that cannot count the payment refuses the refund that it would park. Fails: newer terms stop an invoice, and no
 * repair leads on. */
Test(steps_refund, limits_that_cannot_count_it_refuse_the_call)
{
    static const struct world_patch in_dollars[] = {
        LIMITED, { "limit_config", "{\"id\":\"provider-month-turnover\"}", "type",
          "{\"turnover\":{\"metric\":{\"amount\":{\"currency\":\"USD\"}}}}" }, END,
    };
    static const struct world_patch before[] = { T3, END }, corrected[] = { LIMITED, END };
    struct payment_world world;
    size_t events;

    open_captured(&world, before);
    world_configure(&world, in_dollars);
    events = world.driver.event_count;
    cr_assert(world_refund(&world, "1", RUB(10000)) == STEP_REFUSED);
    cr_expect_not_null(strstr(world_refusal(&world), "provider-month-turnover"), "%s", world_refusal(&world));
    cr_expect_eq(world.driver.event_count, events);
    world_configure(&world, corrected);
    cr_assert(world_refund(&world, "1", RUB(10000)) == STEP_OK, "%s", world_refusal(&world));
    world_run(&world);
    cr_expect_str_eq(refund_status(&world, "1"), "succeeded");
    world_close(&world);
}

/* A refund that was stored before anybody looked, and parks at its hold: its rollback must not be stopped by what stopped
 * the hold. */
Test(steps_refund, a_refund_that_was_never_counted_can_be_given_up)
{
    static const struct world_patch in_dollars[] = {
        LIMITED, { "limit_config", "{\"id\":\"provider-month-turnover\"}", "type",
          "{\"turnover\":{\"metric\":{\"amount\":{\"currency\":\"USD\"}}}}" }, END,
    };
    static const struct world_patch before[] = { T3, END };
    static const char give_up[] =
        "{\"changes\":[{\"invoice_payment_change\":{\"id\":\"1\",\"payload\":{\"invoice_payment_refund_change\":{\"id\":\"1\","
        "\"payload\":{\"invoice_payment_refund_rollback_started\":{\"reason\":{\"failure\":{\"code\":\"given_up\"}}}}}}}}],"
        "\"action\":{\"timer\":{\"set_timer\":{\"timer\":{\"timeout\":0}}}}}";
    struct type_errors errors = { .count = 0 };
    struct domain *taken_under;
    struct repair_call repair;
    struct invoice_call call = { .kind = CALL_REPAIR, .repair = &repair };
    struct payment_world world;

    open_captured(&world, before);
    cr_assert(world_refund(&world, "1", RUB(10000)) == STEP_OK);
    taken_under = world.domain; /* the refund's cash flow lies there */
    world.domain = NULL;
    world_configure(&world, in_dollars); /* as if it had been so when the refund was taken */
    cr_assert(machine_driver_fire(&world.driver) == STEP_FAIL);
    cr_assert(type_decode_text(&type_repair_call, give_up, strlen(give_up), 0, world.driver.arena, &repair, &errors) == SL_OK,
              "%s %s", errors.list[0].path, errors.list[0].message);
    world.driver.failed = false;
    cr_assert(machine_driver_input(&world.driver, IN_REPAIR, &call) == STEP_OK, "%s", world_refusal(&world));
    world_run(&world);
    cr_expect_not(world.driver.failed, "%s", world.driver.reason);
    cr_expect_str_eq(refund_status(&world, "1"), "failed:given_up");
    cr_expect(world_books_are_settled(&world));
    domain_free(taken_under);
    world_close(&world);
}

/* ---- sessions ---- */

/* What adapters need to know, and a key that is the same for the same call. */
Test(steps_refund, an_adapter_hears_of_the_refund_with_a_transaction_of_its_own)
{
    static const char part[] = "\"refund\":{\"id\":\"a.b\",\"created_at\":\"";
    struct payment_world world;

    open_captured(&world, NULL);
    cr_assert(world_refund(&world, "1", "{\"id\":\"a.b\",\"cash\":" CASH(10000, "RUB") "}") == STEP_OK);
    world_say(&world, "{\"intent\":{\"sleep\":{\"timer\":{\"timeout\":5}}},\"trx\":{\"id\":\"R1\",\"extra\":{}}}");
    world_say_error(&world, SL_EUNKNOWN);
    world_say(&world, FINE("R1"));
    world_run(&world);
    cr_assert(machine_driver_fire(&world.driver) == STEP_RETRY);
    cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    cr_assert_eq(world.call_count, 3);
    cr_assert_str_eq(world.calls[0].key, "inv.1.a%2Eb.refunded.1.0.0");
    cr_assert_str_eq(world.calls[1].key, "inv.1.a%2Eb.refunded.1.1.0");
    cr_assert_str_eq(world.calls[2].key, world.calls[1].key, "nothing new was heard: the same call");
    cr_assert_not_null(strstr(world.calls[0].request, "\"target\":{\"refunded\":{}}"));
    cr_assert_not_null(strstr(world.calls[0].request, part), "%s", world.calls[0].request);
    cr_assert_null(strstr(world.calls[0].request, "\"trx\":{\"id\":\"R1\""));
    cr_assert_not_null(strstr(world.calls[0].request, "\"trx\":{\"id\":\"T1\""), "the payment's own");
    cr_assert_not_null(strstr(world.calls[2].request, "\"trx\":{\"id\":\"R1\""), "the refund's");
    world_close(&world);
}

/* A refusal of the bank is the end of this refund and of nothing else. */
Test(steps_refund, a_declined_refund_releases_what_it_held)
{
    static const struct {
        const char *answer, *status;
    } rows[] = {
        { FAILURE("authorization_failed"), "failed:authorization_failed" },
        { TRANSIENT, "failed:authorization_failed:temporarily_unavailable" }, /* by default nothing is retried */
    };
    struct payment_world world;
    size_t i, events;

    for (i = 0; i < SL_COUNT(rows); i++) {
        open_captured(&world, NULL);
        events = world.driver.event_count;
        world_say(&world, rows[i].answer);
        cr_assert(world_refund(&world, "1", RUB(10000)) == STEP_OK);
        world_run(&world);
        cr_expect_str_eq(world_history(&world, events + 1),
                         "1:created | 1:started(refunded) | 1:finished(failed) 1:rollback_started | 1:failed");
        cr_expect_str_eq(refund_status(&world, "1"), rows[i].status);
        cr_expect_str_eq(world_status(&world), "captured");
        cr_expect(world_books_are_settled(&world));
        cr_expect_eq(payment_remaining(world_payment(&world)).amount, 42000);
        cr_expect(world_refund(&world, "1", "{}") == STEP_OK);
        world_run(&world);
        cr_expect_str_eq(world_status(&world), "refunded");
        world_close(&world);
    }
}

/* The first session counts as an attempt, so the policy's first wait is never used (refunds.md 6). */
Test(steps_refund, a_configured_policy_retries_refunds)
{
    static const struct world_patch retries[] = {
        { "globals", "{}", "session_retry", "{\"refunded\":{\"intervals\":{\"timeouts\":[5,7]}}}" }, END,
    };
    struct payment_world world;
    size_t events;

    open_captured(&world, retries);
    events = world.driver.event_count;
    world_say(&world, "{\"intent\":{\"finish\":{\"status\":{\"failure\":{\"code\":\"authorization_failed\",\"sub\":"
                      "{\"code\":\"temporarily_unavailable\"}}}}},\"trx\":{\"id\":\"R1\",\"extra\":{}}}");
    cr_assert(world_refund(&world, "1", RUB(10000)) == STEP_OK);
    world_run(&world);
    cr_assert_str_eq(world_history(&world, events + 3), "1:transaction_bound 1:finished(failed) 1:started(refunded)");
    cr_assert(world.driver.due_ms * 1000 == world.driver.now_us + 7000000);
    cr_assert_null(refund_session(refund_of(&world, "1"))->trx, "a new session knows no transaction");
    world_say(&world, TRANSIENT);
    cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    cr_assert_str_eq(world.calls[1].key, "inv.1.1.refunded.2.0.0");
    world_run(&world);
    cr_assert_str_eq(refund_status(&world, "1"), "failed:authorization_failed:temporarily_unavailable");
    cr_assert(world_books_are_settled(&world));
    world_close(&world);
}

/* Callbacks, changes from outside and timeouts reach the refund's session while it is the one that waits. */
Test(steps_refund, a_suspended_refund_is_woken_like_a_payment)
{
    static const struct {
        const char *how, *history, *status;
    } rows[] = {
        { "callback", "1:activated 1:finished(succeeded) | 1:succeeded", "succeeded" },
        { "change", "1:activated 1:finished(failed) 1:rollback_started | 1:failed", "failed:no" },
        { "timeout", "1:finished(failed) 1:rollback_started | 1:failed", "failed:operation_timeout" },
    };
    struct payment_world world;
    size_t i, events;

    for (i = 0; i < SL_COUNT(rows); i++) {
        open_captured(&world, NULL);
        world_say(&world, SUSPEND);
        cr_assert(world_refund(&world, "1", RUB(10000)) == STEP_OK);
        world_run(&world);
        cr_assert_str_eq(world.driver.tags[world.driver.tag_count - 1], "t1");
        cr_assert(world_callback(&world, "t2", "") == STEP_REFUSED);
        events = world.driver.event_count;
        if (i == 0)
            world_say(&world, "{\"response\":\"\",\"result\":" FINE("R1") "}");
        if (i == 0)
            cr_assert(world_callback(&world, "t1", "") == STEP_OK);
        else if (i == 1)
            cr_assert(world_session_change(&world, "t1", "{\"code\":\"no\"}") == STEP_OK);
        else
            cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
        world_run(&world);
        cr_expect_str_eq(world_history(&world, events + 1), rows[i].history, "%s: %s", rows[i].how,
                         world_history(&world, events + 1));
        cr_expect_str_eq(refund_status(&world, "1"), rows[i].status, "%s", rows[i].how);
        cr_expect(world_books_are_settled(&world));
        world_close(&world);
    }
}

/* A token or another cost has no meaning for a refund, and must not touch the payment. */
Test(steps_refund, what_means_nothing_to_a_refund_is_ignored)
{
    struct payment_world world;

    open_captured(&world, NULL);
    world_say(&world, "{\"intent\":{\"finish\":{\"status\":{\"success\":{\"token\":\"tok\",\"changed_cost\":"
                      CASH(1, "RUB") "}}}},\"trx\":{\"id\":\"R1\",\"extra\":{}}}");
    cr_assert(world_refund(&world, "1", RUB(10000)) == STEP_OK);
    world_run(&world);
    cr_assert_str_eq(refund_status(&world, "1"), "succeeded");
    cr_assert_null(world_payment(&world)->recurrent_token);
    cr_assert_null(world_payment(&world)->payment.changed_cost);
    cr_assert_str_eq(world_payment(&world)->trx->id, "T1", "the payment keeps its own transaction");
    world_close(&world);
}

/* Scenarios stand in for the adapter while the refund's session is under way, and only then (repair.md). */
Test(steps_refund, an_operator_can_end_a_session_that_broke)
{
    static const struct {
        const char *scenario, *status;
    } rows[] = {
        { "{\"fail_session\":{\"failure\":{\"code\":\"lost\"}}}", "failed:lost" },
        { "{\"fulfill_session\":{\"trx\":{\"id\":\"R9\",\"extra\":{}}}}", "succeeded" },
    };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct repair_scenario_call scenario;
        struct type_errors errors = { .count = 0 };
        struct invoice_call *call;

        open_captured(&world, NULL);
        call = arena_alloc(world.driver.arena, sizeof(*call));
        cr_assert(type_decode_text(&type_repair_scenario, rows[i].scenario, strlen(rows[i].scenario), 0, world.driver.arena,
                                   &scenario.scenario, &errors) == SL_OK);
        *call = (struct invoice_call){ .kind = CALL_REPAIR_SCENARIO, .repair_scenario = &scenario };
        cr_assert(world_refund(&world, "1", RUB(10000)) == STEP_OK);
        cr_expect(machine_driver_input(&world.driver, IN_REPAIR, call) == STEP_REFUSED, "funds come first");
        world_say_error(&world, SL_EPROTO);
        world_run(&world);
        cr_assert(world.driver.failed);
        world.driver.failed = false;
        cr_assert(machine_driver_input(&world.driver, IN_REPAIR, call) == STEP_OK);
        world_run(&world);
        cr_expect_str_eq(refund_status(&world, "1"), rows[i].status);
        cr_expect(world_books_are_settled(&world));
        world_close(&world);
    }
}

/* ---- manual refunds ---- */

/* Made outside: it is booked, and no adapter hears of it. */
Test(steps_refund, a_manual_refund_with_a_transaction_calls_nobody)
{
    struct payment_world world;
    size_t events;

    open_captured(&world, NULL);
    events = world.driver.event_count;
    cr_assert(world_manual_refund(&world, "1", "{\"reason\":\"manual\"," TRX "}") == STEP_OK);
    world_run(&world);
    cr_assert_str_eq(world_history(&world, events + 1),
                     "m1:created | m1:started(refunded) m1:transaction_bound m1:finished(succeeded) | "
                     "m1:succeeded status:refunded");
    cr_assert_str_eq(refund_session(refund_of(&world, "m1"))->trx->id, "test");
    cr_assert_eq(world.call_count, 0);
    cr_assert(world_books_are_settled(&world));
    world_close(&world);

    open_captured(&world, NULL);
    cr_assert(world_manual_refund(&world, "1", "{}") == STEP_OK);
    world_run(&world);
    cr_assert_str_eq(refund_status(&world, "m1"), "succeeded");
    cr_assert_eq(world.call_count, 1, "without one it is like any other");
    world_close(&world);

    open_captured(&world, no_fee);
    world.funds = 0;
    cr_assert(world_manual_refund(&world, "1", "{" TRX "}") == STEP_OK);
    world_run(&world);
    cr_assert_str_eq(refund_status(&world, "m1"), "failed:terms_violated:insufficient_merchant_funds");
    world_close(&world);
}

/* ---- snapshots ---- */

/* If this fails, a refund that was begun before a restart ends differently after it. */
Test(steps_refund, a_snapshot_holds_all_of_a_refund)
{
    struct payment_world world;
    struct buf first = BUF_EMPTY, second = BUF_EMPTY;
    struct invoice_state again;
    struct type_errors errors = { .count = 0 };

    open_captured(&world, NULL);
    world_say(&world, SUSPEND);
    cr_assert(world_refund(&world, "1", "{\"cash\":" CASH(10000, "RUB") "," CART(LINE(2, CASH(16000, "RUB"))) "}") == STEP_OK);
    world_run(&world);
    type_encode(&type_invoice_state, world_state(&world), &first);
    cr_assert(type_decode_text(&type_invoice_state, buf_text(&first), first.len, 0, world.driver.arena, &again, &errors) == SL_OK);
    type_encode(&type_invoice_state, &again, &second);
    cr_assert_str_eq(buf_text(&first), buf_text(&second));
    cr_assert_str_eq(invoice_kind.label(&again).activity, "refund_session");
    buf_clear(&first);
    buf_clear(&second);
    world_close(&world);
}

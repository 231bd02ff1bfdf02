#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "payment/view.h"
#include "support/payment_world.h"

#define HOLD "{\"hold\":{\"on_hold_expiration\":\"cancel\"}}"
#define DECLINED "{\"intent\":{\"finish\":{\"status\":{\"failure\":{\"code\":\"no_funds\"}}}}}"
#define REFUND "{\"reason\":\"r\",\"cash\":{\"amount\":1000,\"currency\":{\"symbolic_code\":\"RUB\"}}}"

static struct payment_world world;
static const struct outcome_machine unknown;

/* As clients read it; the caller drops it. */
static json_t *seen(void)
{
    struct buf text = BUF_EMPTY;
    json_error_t error;
    json_t *json;

    view_payment(world_state(&world), world_payment(&world), 7, &unknown, &text);
    json = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error);
    cr_assert(json, "%s: %s", error.text, buf_text(&text));
    buf_clear(&text);
    return json;
}

/* The members' names in their order. */
static const char *members(json_t *object)
{
    const char *name, *text = "";
    json_t *value;

    json_object_foreach(object, name, value)
        text = arena_printf(world.driver.arena, "%s%s%s", text, *text ? " " : "", name);
    return text;
}

/* The targets of the sessions, in their order. */
static const char *targets(json_t *payment)
{
    const char *text = "";
    json_t *session;
    size_t i;

    json_array_foreach(json_object_get(payment, "sessions"), i, session)
        text = arena_printf(world.driver.arena, "%s%s%s", text, *text ? " " : "",
                            members(json_object_get(session, "target_status")));
    return text;
}

static void to_pending(void)
{
    cr_assert(world_start(&world) == STEP_OK);
}

static void to_held(void)
{
    cr_assert(world_start_with(&world, NULL, HOLD, NULL) == STEP_OK);
    world_run(&world);
}

static void to_captured(void)
{
    to_pending();
    world_run(&world);
}

static void to_cancelled(void)
{
    to_held();
    cr_assert(world_cancel(&world, "1", "whynot") == STEP_OK);
    world_run(&world);
}

static void to_failed(void)
{
    world_say(&world, DECLINED);
    to_captured();
}

static void to_refunding(void)
{
    to_captured();
    cr_assert(world_refund(&world, "1", REFUND) == STEP_OK);
}

/* In each main state a client finds the members of that state and no others, absent ones left out rather than null: a
 * view that shows a route too early, or loses a session, misleads everyone who polls. */
Test(view, a_payment_in_its_main_states)
{
#define FRAME(more) "payment " more "adjustments refunds legacy_refunds sessions "
#define ENDS "activity status amount_captured amount_refunded invoice_id latest_event_id"
    static const struct {
        void (*go)(void);
        const char *status, *activity, *members, *targets;
    } rows[] = {
        { to_pending, "pending", "shop_limit_initializing", FRAME("") ENDS, "" },
        { to_held, "processed", "flow_waiting", FRAME("route cash_flow ") "last_transaction_info " ENDS, "processed" },
        { to_captured, "captured", "idle", FRAME("route cash_flow ") "last_transaction_info " ENDS,
          "captured processed" },
        { to_cancelled, "cancelled", "idle", FRAME("route cash_flow ") "last_transaction_info " ENDS,
          "cancelled processed" },
        { to_failed, "failed", "idle", FRAME("route cash_flow ")
          "activity status failure amount_captured amount_refunded invoice_id latest_event_id", "processed" },
        { to_refunding, "captured", "refund_new", FRAME("route cash_flow ") "last_transaction_info " ENDS,
          "captured processed" },
    };
    json_t *json;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        world_open(&world, "shop-acme-books", 42000, world_no_cascade);
        rows[i].go();
        json = seen();
        cr_expect_str_eq(members(json), rows[i].members, "row %zu: %s", i, members(json));
        cr_expect_str_eq(members(json_object_get(json_object_get(json, "payment"), "status")), rows[i].status, "row %zu", i);
        cr_expect_str_eq(json_string_value(json_object_get(json, "activity")), rows[i].activity, "row %zu: %s", i,
                         json_string_value(json_object_get(json, "activity")));
        cr_expect_str_eq(targets(json), rows[i].targets, "row %zu: %s", i, targets(json));
        cr_expect_str_eq(json_string_value(json_object_get(json, "invoice_id")), "inv");
        cr_expect(json_integer_value(json_object_get(json, "latest_event_id")) == 7);
        json_decref(json);
        world_close(&world);
    }
}

/* Refunds come by id as text, with their own sessions and postings (doc/spec/refunds.md 1). */
Test(view, refunds_come_by_id_as_text)
{
    json_t *json, *refund;
    char ids[64] = "";
    size_t i;

    world_open(&world, "shop-acme-books", 42000, NULL);
    to_captured();
    for (i = 0; i < 10; i++) {
        cr_assert(world_refund(&world, "1", REFUND) == STEP_OK);
        world_run(&world);
    }
    json = seen();
    json_array_foreach(json_object_get(json, "refunds"), i, refund) {
        cr_expect_str_eq(members(refund), "refund sessions cash_flow status", "%s", members(refund));
        cr_expect(json_array_size(json_object_get(refund, "sessions")) == 1);
        snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids), "%s ",
                 json_string_value(json_object_get(json_object_get(refund, "refund"), "id")));
    }
    cr_expect_str_eq(ids, "1 10 2 3 4 5 6 7 8 9 ");
    cr_expect(json_array_size(json_object_get(json, "legacy_refunds")) == 10);
    json_decref(json);
    world_close(&world);
}

/* An invoice shows all its payments, and of its machine what is known and no more. */
Test(view, an_invoice_shows_its_payments_and_machine)
{
    static const struct {
        struct machine_info info;
        bool shows_reason;
        const char *members;
    } rows[] = {
        { { .status = "working", .activity = "idle" }, true, "status activity" },
        { { .status = "failed", .activity = "routing", .due_ms = 1000, .attempts = 2, .since_ms = 1500, .reason = "r",
            .cause = "other" }, true, "status activity due attempts since cause reason" },
        { { .status = "failed", .activity = "routing", .since_ms = 1500, .reason = "r", .cause = "other" }, false,
          "status activity since cause" },
    };
    struct buf text = BUF_EMPTY;
    json_t *json, *payments;
    size_t i;

    world_open(&world, "shop-acme-books", 42000, world_no_cascade);
    to_failed();
    to_captured();
    for (i = 0; i < SL_COUNT(rows); i++) {
        view_invoice(world_state(&world), 9, &(struct outcome_machine){ &rows[i].info, rows[i].shows_reason }, &text);
        json = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
        cr_assert(json, "%s", buf_text(&text));
        cr_expect_str_eq(members(json), "latest_event_id invoice status payments machine", "%s", members(json));
        payments = json_object_get(json, "payments");
        cr_expect(json_array_size(payments) == 2);
        cr_expect_str_eq(members(json_object_get(json_object_get(json_array_get(payments, 1), "payment"), "status")), "captured");
        cr_expect_str_eq(members(json_object_get(json_object_get(json, "invoice"), "status")), "paid");
        cr_expect_str_eq(members(json_object_get(json, "machine")), rows[i].members, "%s",
                         members(json_object_get(json, "machine")));
        json_decref(json);
        buf_clear(&text);
    }
    view_invoice(world_state(&world), 9, &unknown, &text);
    cr_expect(!strstr(buf_text(&text), "\"machine\""));
    buf_clear(&text);
    world_close(&world);
}

/* Every call at every place where an invoice can be: the exact refusal, or what is committed.
 *
 * A stage is a place, with the way there. A call is a row: what it answers at most stages, and the stages where it
 * answers something else. To add a call, add a row; to add an activity, add a stage, and the rows whose answer is
 * another there will say so. Ref: doc/spec/api.md 2-8. */
#include <criterion/criterion.h>
#include <string.h>

#include "payment/calls.h"
#include "support/payment_world.h"

#define HOLD "{\"hold\":{\"on_hold_expiration\":\"cancel\"}}"
#define SUSPEND "{\"intent\":{\"suspend\":{\"tag\":\"t\",\"timeout\":{\"timeout\":60}}}}"
#define SLEEP "{\"intent\":{\"sleep\":{\"timer\":{\"timeout\":60}}}}"
#define DECLINED "{\"intent\":{\"finish\":{\"status\":{\"failure\":{\"code\":\"authorization_failed\"}}}}}"

/* ---- stages ---- */

/* Fires the timer until the payment is at ACTIVITY. */
static void reach(struct payment_world *world, int activity)
{
    while (world_payment(world)->activity != activity)
        cr_assert(machine_driver_fire(&world->driver) == STEP_OK);
}

static void begin(struct payment_world *world, const char *flow, int activity)
{
    cr_assert(world_start_with(world, NULL, flow, NULL) == STEP_OK);
    reach(world, activity);
}

/* Places that a commit passes through, or that limits lead to, are given as they would be found after a crash. */
static void force(struct payment_world *world, int activity)
{
    struct payment_state *payment = invoice_payment(world_state(world), "1");

    payment->activity = activity;
}

static void at_unpaid(struct payment_world *world)
{
    (void)world;
}

static void at_rescinded(struct payment_world *world)
{
    struct invoice_call call = { .kind = CALL_RESCIND, .rescind = { "x" } };

    cr_assert(machine_driver_input(&world->driver, IN_CALL, &call) == STEP_OK);
}

static void at_session(struct payment_world *world)
{
    begin(world, HOLD, ACT_PROCESSING_SESSION);
    cr_assert(machine_driver_fire(&world->driver) == STEP_OK);
}

static void at_suspended(struct payment_world *world)
{
    at_session(world);
    world_say(world, SUSPEND);
    cr_assert(machine_driver_fire(&world->driver) == STEP_OK);
}

/* The callback came, and the adapter thinks about it. */
static void at_called_back(struct payment_world *world)
{
    at_suspended(world);
    world_say(world, "{\"response\":\"\",\"result\":" SLEEP "}");
    cr_assert(world_callback(world, "t", "") == STEP_OK);
}

static void at_held(struct payment_world *world)
{
    begin(world, HOLD, ACT_FLOW_WAITING);
}

static void at_processing_capture(struct payment_world *world)
{
    at_held(world);
    force(world, ACT_PROCESSING_CAPTURE);
}

static void at_updating_accounter(struct payment_world *world)
{
    at_held(world);
    cr_assert(world_capture(world, "1", "{\"reason\":\"x\",\"cash\":{\"amount\":10000,\"currency\":"
                                        "{\"symbolic_code\":\"RUB\"}}}") == STEP_OK);
    cr_assert(world_payment(world)->activity == ACT_UPDATING_ACCOUNTER);
}

static void at_capturing(struct payment_world *world)
{
    at_held(world);
    cr_assert(world_capture(world, "1", "{\"reason\":\"x\"}") == STEP_OK);
}

static void at_capture_suspended(struct payment_world *world)
{
    at_capturing(world);
    world_say(world, SUSPEND);
    cr_assert(machine_driver_fire(&world->driver) == STEP_OK);
}

static void at_cancelling(struct payment_world *world)
{
    at_held(world);
    cr_assert(world_cancel(world, "1", "x") == STEP_OK);
}

static void at_finalizing_accounter(struct payment_world *world)
{
    at_capturing(world);
    reach(world, ACT_FINALIZING_ACCOUNTER);
}

static void at_captured(struct payment_world *world)
{
    at_capturing(world);
    world_run(world);
    cr_assert_str_eq(world_status(world), "captured");
}

static void at_fulfilled(struct payment_world *world)
{
    struct invoice_call call = { .kind = CALL_FULFILL, .fulfill = { "x" } };

    at_captured(world);
    cr_assert(machine_driver_input(&world->driver, IN_CALL, &call) == STEP_OK);
}

static void at_cancelled(struct payment_world *world)
{
    at_cancelling(world);
    world_run(world);
    cr_assert_str_eq(world_status(world), "cancelled");
}

static void at_processing_failure(struct payment_world *world)
{
    at_session(world);
    world_say(world, DECLINED);
    reach(world, ACT_PROCESSING_FAILURE);
}

static void at_routing_failure(struct payment_world *world)
{
    at_processing_failure(world);
    force(world, ACT_ROUTING_FAILURE);
}

static void at_shop_limit_failure(struct payment_world *world)
{
    at_processing_failure(world);
    force(world, ACT_SHOP_LIMIT_FAILURE);
}

static void at_failed(struct payment_world *world)
{
    at_processing_failure(world);
    world_run(world);
    cr_assert(world_payment(world)->activity == ACT_IDLE);
}

static void at_refunding(struct payment_world *world)
{
    at_captured(world);
    cr_assert(world_refund(world, "1", "{\"reason\":\"x\"}") == STEP_OK);
    cr_assert(world_payment(world)->activity == ACT_REFUND);
}

static const struct stage {
    const char *name;
    void (*reach)(struct payment_world *world);
    int activity; /* the way there is to begin and to wait for it */
    const char *flow;
} stages[] = {
    { "unpaid", at_unpaid, 0, NULL },
    { "rescinded", at_rescinded, 0, NULL },
    { "shop_limit_initializing", NULL, ACT_SHOP_LIMIT_INITIALIZING, HOLD },
    { "shop_limit_finalizing", NULL, ACT_SHOP_LIMIT_FINALIZING, HOLD },
    { "shop_limit_failure", at_shop_limit_failure, 0, NULL },
    { "risk_scoring", NULL, ACT_RISK_SCORING, HOLD },
    { "routing", NULL, ACT_ROUTING, HOLD },
    { "routing_failure", at_routing_failure, 0, NULL },
    { "cash_flow_building", NULL, ACT_CASH_FLOW_BUILDING, HOLD },
    { "before_session", NULL, ACT_PROCESSING_SESSION, HOLD },
    { "session", at_session, 0, NULL },
    { "suspended", at_suspended, 0, NULL },
    { "called_back", at_called_back, 0, NULL },
    { "processing_failure", at_processing_failure, 0, NULL },
    { "processing_accounter", NULL, ACT_PROCESSING_ACCOUNTER, HOLD },
    { "instant", NULL, ACT_FLOW_WAITING, "{\"instant\":{}}" },
    { "held", at_held, 0, NULL },
    { "processing_capture", at_processing_capture, 0, NULL },
    { "updating_accounter", at_updating_accounter, 0, NULL },
    { "capturing", at_capturing, 0, NULL },
    { "capture_suspended", at_capture_suspended, 0, NULL },
    { "cancelling", at_cancelling, 0, NULL },
    { "finalizing_accounter", at_finalizing_accounter, 0, NULL },
    { "captured", at_captured, 0, NULL },
    { "fulfilled", at_fulfilled, 0, NULL },
    { "refunding", at_refunding, 0, NULL },
    { "cancelled", at_cancelled, 0, NULL },
    { "failed", at_failed, 0, NULL },
};

/* ---- calls ---- */

static enum step_end rescind(struct payment_world *world)
{
    static const struct invoice_call call = { .kind = CALL_RESCIND, .rescind = { "x" } };

    return machine_driver_input(&world->driver, IN_CALL, &call);
}

static enum step_end fulfill(struct payment_world *world)
{
    static const struct invoice_call call = { .kind = CALL_FULFILL, .fulfill = { "x" } };

    return machine_driver_input(&world->driver, IN_CALL, &call);
}

static enum step_end start_anew(struct payment_world *world)
{
    return world_start_with(world, NULL, HOLD, NULL);
}

static enum step_end start_again(struct payment_world *world)
{
    return world_start_with(world, NULL, HOLD, ",\"id\":\"1\"");
}

static enum step_end capture_all(struct payment_world *world)
{
    return world_capture(world, "1", "{\"reason\":\"x\"}");
}

static enum step_end capture_part(struct payment_world *world)
{
    return world_capture(world, "1", "{\"reason\":\"x\",\"cash\":{\"amount\":1,\"currency\":{\"symbolic_code\":\"RUB\"}}}");
}

static enum step_end cancel(struct payment_world *world)
{
    return world_cancel(world, "1", "x");
}

static enum step_end call_back(struct payment_world *world)
{
    return world_callback(world, "t", "cGF5");
}

static enum step_end end_session(struct payment_world *world)
{
    return world_session_change(world, "t", "{\"code\":\"authorization_failed\"}");
}

static enum step_end refund(struct payment_world *world)
{
    return world_refund(world, "1", "{\"reason\":\"x\"}");
}

static enum step_end refund_manually(struct payment_world *world)
{
    return world_manual_refund(world, "1", "{\"reason\":\"x\"}");
}

static enum step_end register_payment(struct payment_world *world)
{
    return world_register(world, "\"route\":{\"provider\":{\"id\":1},\"terminal\":{\"id\":1}},"
                                 "\"transaction_info\":{\"id\":\"T7\",\"extra\":{}}", NULL);
}

#define REGISTERED                                                                                          \
    "started shop_limit_initiated shop_limit_applied route_changed cash_flow_changed started(processed) "  \
    "transaction_bound finished(succeeded) status:processed capture_started"

#define CELLS_MAX 16
static const struct call_row {
    const char *name;
    enum step_end (*make)(struct payment_world *world);
    const char *otherwise; /* the answer where no cell says another */
    struct {
        const char *stage, *answer;
    } cells[CELLS_MAX];
} calls[] = {
    { "Rescind", rescind, "InvoicePaymentPending",
      { { "unpaid", "invoice:cancelled" }, { "rescinded", "InvalidInvoiceStatus" },
        { "captured", "InvalidInvoiceStatus" }, { "fulfilled", "InvalidInvoiceStatus" },
        { "refunding", "InvalidInvoiceStatus" }, { "cancelled", "invoice:cancelled" },
        { "failed", "invoice:cancelled" } } },
    { "Fulfill", fulfill, "InvalidInvoiceStatus",
      { { "captured", "invoice:fulfilled" }, { "refunding", "invoice:fulfilled" } } },
    { "StartPayment", start_anew, "InvoicePaymentPending",
      { { "unpaid", "started" }, { "rescinded", "InvalidInvoiceStatus" },
        { "captured", "InvalidInvoiceStatus" }, { "fulfilled", "InvalidInvoiceStatus" },
        { "refunding", "InvalidInvoiceStatus" }, { "cancelled", "started" }, { "failed", "started" } } },
    { "StartPayment with a known id", start_again, "nothing",
      { { "unpaid", "started" }, { "rescinded", "InvalidInvoiceStatus" },
        { "instant", "InvalidRequest: A payment with this id was started with other parameters" } } },
    { "RegisterPayment", register_payment, "InvoicePaymentPending",
      { { "unpaid", REGISTERED }, { "rescinded", "InvalidInvoiceStatus" }, { "captured", "InvalidInvoiceStatus" },
        { "fulfilled", "InvalidInvoiceStatus" }, { "refunding", "InvalidInvoiceStatus" }, { "cancelled", REGISTERED },
        { "failed", REGISTERED } } },
    { "CapturePayment", capture_all, "InvalidPaymentStatus",
      { { "unpaid", "InvoicePaymentNotFound" }, { "rescinded", "InvoicePaymentNotFound" },
        { "instant", "OperationNotPermitted" }, { "held", "capture_started started(captured)" } } },
    { "CapturePayment of a part", capture_part, "InvalidPaymentStatus",
      { { "unpaid", "InvoicePaymentNotFound" }, { "rescinded", "InvoicePaymentNotFound" },
        { "instant", "OperationNotPermitted" }, { "held", "capture_started cash_flow_changed" } } },
    { "CancelPayment", cancel, "InvalidPaymentStatus",
      { { "unpaid", "InvoicePaymentNotFound" }, { "rescinded", "InvoicePaymentNotFound" },
        { "instant", "OperationNotPermitted" }, { "held", "started(cancelled)" } } },
    { "ProcessPaymentCallback", call_back, "InvalidRequest: Invalid callback",
      { { "suspended", "activated transaction_bound finished(succeeded)" },
        { "capture_suspended", "activated finished(succeeded)" } } },
    { "ChangePaymentSession", end_session, "InvalidRequest: Not found",
      { { "suspended", "activated finished(failed) rollback_started" },
        { "capture_suspended", "fail: the captured session failed: authorization_failed" } } },
    { "RefundPayment", refund, "InvalidPaymentStatus",
      { { "unpaid", "InvoicePaymentNotFound" }, { "rescinded", "InvoicePaymentNotFound" },
        { "captured", "1:created" }, { "fulfilled", "1:created" }, { "refunding", "OperationNotPermitted" } } },
    { "CreateManualRefund", refund_manually, "InvalidPaymentStatus",
      { { "unpaid", "InvoicePaymentNotFound" }, { "rescinded", "InvoicePaymentNotFound" },
        { "captured", "m1:created" }, { "fulfilled", "m1:created" },
        { "refunding", "OperationNotPermitted" } } },
};

/* What a call came to, in words: its refusal, or the changes that it committed. */
static const char *answer_of(struct payment_world *world, const struct call_row *row)
{
    size_t events = world->driver.event_count;

    switch (row->make(world)) {
    case STEP_OK: return world->driver.event_count > events ? world_history(world, events + 1) : "nothing";
    case STEP_REFUSED: return world_refusal(world);
    case STEP_RETRY: return arena_printf(world->driver.arena, "retry: %s", world->driver.reason);
    case STEP_FAIL: break;
    }
    return arena_printf(world->driver.arena, "fail: %s", world->driver.reason);
}

static const char *expected(const struct call_row *row, const char *stage)
{
    size_t i;

    for (i = 0; i < CELLS_MAX && row->cells[i].stage; i++) {
        if (strcmp(row->cells[i].stage, stage) == 0)
            return row->cells[i].answer;
    }
    return row->otherwise;
}

/* If it fails, a caller is told something else than doc/spec/api.md says, or an invoice is changed that should not be. */
Test(calls_table, every_call_at_every_stage)
{
    struct payment_world world;
    const char *answer;
    size_t i, j, events;

    for (i = 0; i < SL_COUNT(calls); i++) {
        for (j = 0; j < SL_COUNT(stages); j++) {
            world_open(&world, "shop-acme-books", 42000, world_no_cascade);
            if (stages[j].reach)
                stages[j].reach(&world);
            else
                begin(&world, stages[j].flow, stages[j].activity);
            events = world.driver.event_count;
            answer = answer_of(&world, &calls[i]);
            cr_expect_str_eq(answer, expected(&calls[i], stages[j].name), "%s at %s: %s", calls[i].name, stages[j].name,
                             answer);
            if (world.driver.end != STEP_OK)
                cr_expect(world.driver.event_count == events, "%s at %s", calls[i].name, stages[j].name);
            world_close(&world);
        }
    }
}

/* If it fails, a row speaks of a stage that there is not, and proves nothing. */
Test(calls_table, rows_speak_of_stages)
{
    size_t i, j, k;

    for (i = 0; i < SL_COUNT(calls); i++) {
        for (j = 0; j < CELLS_MAX && calls[i].cells[j].stage; j++) {
            for (k = 0; k < SL_COUNT(stages) && strcmp(stages[k].name, calls[i].cells[j].stage) != 0; k++)
                ;
            cr_expect(k < SL_COUNT(stages), "%s: %s", calls[i].name, calls[i].cells[j].stage);
        }
    }
}

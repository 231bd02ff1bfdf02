/* See calls_table.h. A row says what its call answers at most stages, and where it answers something else. To add a
 * call, add a row; to add an activity, add a stage, and the rows whose answer is another there will say so.
 * Ref: doc/spec/api.md 2-8; doc/spec/repair.md 2-4. */
#include "unit/calls_table.h"

#include <criterion/criterion.h>
#include <string.h>

#include "payment/calls.h"
#include "payment/repair.h"

#define HOLD "{\"hold\":{\"on_hold_expiration\":\"cancel\"}}"
#define ROUTE "\"route\":{\"provider\":{\"id\":1},\"terminal\":{\"id\":1}}"
#define RUB(amount) "{\"amount\":" #amount ",\"currency\":{\"symbolic_code\":\"RUB\"}}"
#define USD(amount) "{\"amount\":" #amount ",\"currency\":{\"symbolic_code\":\"USD\"}}"

/* ---- how each is made ---- */

static void *decoded(struct payment_world *world, const struct type *type, const char *json)
{
    void *value = arena_alloc(world->driver.arena, type->size);
    struct type_errors errors = { .count = 0 };

    if (type_decode_text(type, json, strlen(json), 0, world->driver.arena, value, &errors))
        cr_assert_fail("%s: %s in %s", errors.list[0].path, errors.list[0].message, json);
    return value;
}

static enum step_end make(struct payment_world *world, enum machine_input input, const struct invoice_call *call)
{
    return machine_driver_input(&world->driver, input, arena_memdup(world->driver.arena, call, sizeof(*call)));
}

static enum step_end rescind(struct payment_world *world, const char *body)
{
    (void)body;
    return make(world, IN_CALL, &(struct invoice_call){ .kind = CALL_RESCIND, .rescind = { "x" } });
}

static enum step_end fulfill(struct payment_world *world, const char *body)
{
    (void)body;
    return make(world, IN_CALL, &(struct invoice_call){ .kind = CALL_FULFILL, .fulfill = { "x" } });
}

static enum step_end start(struct payment_world *world, const char *body)
{
    return world_start_with(world, NULL, HOLD, body);
}

static enum step_end register_payment(struct payment_world *world, const char *body)
{
    return world_register(world, arena_printf(world->driver.arena, ROUTE ",\"transaction_info\":{\"id\":\"T7\",\"extra\":{}}%s",
                                              body ? body : ""), NULL);
}

static enum step_end capture(struct payment_world *world, const char *body)
{
    return world_capture(world, "1", body);
}

static enum step_end cancel(struct payment_world *world, const char *body)
{
    (void)body;
    return world_cancel(world, "1", "x");
}

static enum step_end refund(struct payment_world *world, const char *body)
{
    return world_refund(world, "1", body);
}

static enum step_end refund_manually(struct payment_world *world, const char *body)
{
    return world_manual_refund(world, "1", body);
}

static enum step_end call_back(struct payment_world *world, const char *body)
{
    (void)body;
    return world_callback(world, "t", "cGF5");
}

static enum step_end end_session(struct payment_world *world, const char *body)
{
    return world_session_change(world, "t", body);
}

static enum step_end repair_changes(struct payment_world *world, const char *body)
{
    struct invoice_call call = { .kind = CALL_REPAIR, .repair = decoded(world, &type_repair_call, body) };

    return make(world, IN_REPAIR, &call);
}

static enum step_end repair_scenario(struct payment_world *world, const char *body)
{
    struct invoice_call call = {
        .kind = CALL_REPAIR_SCENARIO,
        .repair_scenario = decoded(world, &type_repair_scenario_call,
                                   arena_printf(world->driver.arena, "{\"scenario\":%s}", body)),
    };

    return make(world, IN_REPAIR, &call);
}

/* ---- answers ---- */

#define INVALID(text) "InvalidRequest \"errors\":[{\"field\":\"\",\"message\":\"" text "\"}]"
#define INVALID_IN(field, text) "InvalidRequest \"errors\":[{\"field\":\"" field "\",\"message\":\"" text "\"}]"
#define OTHER_PARAMETERS(PLACES) "IdReused \"differs\":[" PLACES "]"
#define OTHER(PAYER) "\"/" PAYER "/payment_resource/resource/client_info\",\"/" PAYER "/payment_resource/contact_info/email\""
#define PENDING "InvoicePaymentPending \"id\":\"1\""
#define INVOICE_STATUS "InvalidInvoiceStatus \"state\":$I"
#define PAYMENT_STATUS "InvalidPaymentStatus \"state\":$P"
#define NO_PAYMENT { "unpaid", "InvoicePaymentNotFound" }, { "rescinded", "InvoicePaymentNotFound" }
#define NOT_PERMITTED "OperationNotPermitted"
#define PAID_STAGES(answer)                                                                                \
    { "captured", answer }, { "fulfilled", answer }, { "refund_new", answer }, { "refund_session", answer }, \
    { "refund_suspended", answer }, { "refund_accounter", answer }, { "refund_failure", answer }, { "refunded", answer }
#define REFUND_STAGES(answer)                                                                              \
    { "refund_new", answer }, { "refund_session", answer }, { "refund_suspended", answer },                 \
    { "refund_accounter", answer }, { "refund_failure", answer }
#define REGISTERED                                                                                          \
    "started shop_limit_initiated shop_limit_applied route_changed cash_flow_changed started(processed) "  \
    "transaction_bound finished(succeeded) status:processed capture_started"

#define MISFIT(scenario)                                                                                    \
    "RepairRefused \"reason\":\"activity_not_compatible_with_scenario\",\"activity\":\"$A\",\"scenario\":\"" \
    scenario "\""
#define MISFIT_COMPLEX "RepairRefused \"reason\":\"activity_not_compatible_with_complex_scenario\",\"activity\":\"$A\""
#define NOT_ACTIVE "RepairRefused \"reason\":\"invoice_has_no_active_payment\""
#define BAD_CHANGES(text) "RepairRefused \"details\":\"change 1: " text "\",\"reason\":\"invalid_changes\""
#define NO_PAYMENT_1 BAD_CHANGES("there is no payment 1")
#define NO_SESSION BAD_CHANGES("payment 1 has no processed session on its route")
#define ABOUT(payload) "{\"invoice_payment_change\":{\"id\":\"1\",\"payload\":{\"invoice_payment_" payload "}}}"
#define SESSION_SUCCEEDED_AS(target)                                                                        \
    ABOUT("session_change\":{\"target\":{\"" target "\":{}},\"payload\":{\"session_finished\":{\"result\":"  \
          "{\"succeeded\":{}}}}}")
#define FORCED ",\"params\":{\"validate_transitions\":false,\"move_balances\":true}"
#define REFUSED_FOR_GOOD "{\"failure\":{\"code\":\"authorization_failed\"}}"
#define SKIP_INSPECTOR "{\"skip_inspector\":{\"risk_score\":\"low\"}}"
#define FAIL_PRE_PROCESSING "{\"fail_pre_processing\":" REFUSED_FOR_GOOD "}"
#define FAIL_SESSION "{\"fail_session\":" REFUSED_FOR_GOOD "}"

const struct call_row call_rows[] = {
    { "Rescind", rescind, NULL, false, PENDING, NULL,
      { { "unpaid", "invoice:cancelled" }, { "rescinded", INVOICE_STATUS }, PAID_STAGES(INVOICE_STATUS),
        { "cancelled", "invoice:cancelled" }, { "failed", "invoice:cancelled" } } },
    { "Fulfill", fulfill, NULL, false, INVOICE_STATUS, NULL,
      { { "captured", "invoice:fulfilled" }, { "refunded", "invoice:fulfilled" }, REFUND_STAGES("invoice:fulfilled") } },
    { "StartPayment", start, NULL, false, PENDING, NULL,
      { { "unpaid", "started" }, { "rescinded", INVOICE_STATUS }, PAID_STAGES(INVOICE_STATUS),
        { "cancelled", "started" }, { "failed", "started" } } },
    { "StartPayment with a known id", start, ",\"id\":\"1\"", false, "nothing", NULL,
      { { "unpaid", "started" }, { "rescinded", INVOICE_STATUS },
        { "instant", OTHER_PARAMETERS("\"/flow\"") },
        { "processing_capture", OTHER_PARAMETERS("\"/flow\"," OTHER("payer") ",\"/registration_origin\"") } } },
    { "RegisterPayment", register_payment, NULL, false, PENDING, NULL,
      { { "unpaid", REGISTERED }, { "rescinded", INVOICE_STATUS }, PAID_STAGES(INVOICE_STATUS),
        { "cancelled", REGISTERED }, { "failed", REGISTERED } } },
    { "RegisterPayment with a known id", register_payment, ",\"id\":\"1\"", false,
      OTHER_PARAMETERS(OTHER("payer_params") ",\"/registration_origin\""), NULL,
      { { "unpaid", REGISTERED }, { "rescinded", INVOICE_STATUS }, { "processing_capture", "nothing" } } },
    { "CapturePayment", capture, "{\"reason\":\"x\"}", false, PAYMENT_STATUS, NULL,
      { NO_PAYMENT, { "instant", NOT_PERMITTED }, { "held", "capture_started started(captured)" } } },
    { "CapturePayment of a part", capture, "{\"reason\":\"x\",\"cash\":" RUB(1) "}", false, PAYMENT_STATUS, NULL,
      { NO_PAYMENT, { "instant", NOT_PERMITTED }, { "held", "capture_started cash_flow_changed" } } },
    { "CapturePayment of too much", capture, "{\"reason\":\"x\",\"cash\":" RUB(42001) "}", false, PAYMENT_STATUS, NULL,
      { NO_PAYMENT, { "instant", NOT_PERMITTED },
        { "held", "AmountExceededCaptureBalance \"payment_amount\":42000,\"passed_amount\":42001" } } },
    { "CapturePayment in another currency", capture, "{\"reason\":\"x\",\"cash\":" USD(1) "}", false,
      "InconsistentCaptureCurrency \"payment_currency\":\"RUB\",\"passed_currency\":\"USD\"", NULL, { NO_PAYMENT } },
    { "CancelPayment", cancel, NULL, false, PAYMENT_STATUS, NULL,
      { NO_PAYMENT, { "instant", NOT_PERMITTED }, { "held", "started(cancelled)" } } },
    { "ProcessPaymentCallback", call_back, NULL, false, INVALID("Invalid callback"), NULL,
      { { "suspended", "activated transaction_bound finished(succeeded)" },
        { "capture_suspended", "activated finished(succeeded)" },
        { "refund_suspended", "1:activated 1:transaction_bound 1:finished(succeeded)" } } },
    { "ChangePaymentSession", end_session, "{\"code\":\"authorization_failed\"}", false, INVALID("Not found"), NULL,
      { { "suspended", "activated finished(failed) rollback_started" },
        { "capture_suspended", "fail: the captured session failed: authorization_failed" },
        { "refund_suspended", "1:activated 1:finished(failed) 1:rollback_started" } } },
    { "RefundPayment", refund, "{\"reason\":\"x\"}", false, PAYMENT_STATUS, NULL,
      { NO_PAYMENT, { "captured", "1:created" }, { "fulfilled", "1:created" }, REFUND_STAGES(NOT_PERMITTED) } },
    { "RefundPayment with a known id", refund, "{\"id\":\"1\",\"reason\":\"x\"}", false, PAYMENT_STATUS, NULL,
      { NO_PAYMENT, { "captured", "1:created" }, { "fulfilled", "1:created" }, REFUND_STAGES("nothing"),
        { "refunded", "nothing" } } },
    { "RefundPayment of too much", refund, "{\"cash\":" RUB(42001) "}", false, PAYMENT_STATUS, NULL,
      { NO_PAYMENT, { "captured", "InvoicePaymentAmountExceeded \"maximum\":" RUB(42000) },
        { "fulfilled", "InvoicePaymentAmountExceeded \"maximum\":" RUB(42000) }, REFUND_STAGES(NOT_PERMITTED) } },
    { "RefundPayment in another currency", refund, "{\"cash\":" USD(1) "}", false, PAYMENT_STATUS, NULL,
      { NO_PAYMENT, { "captured", "InconsistentRefundCurrency \"currency\":\"USD\"" },
        { "fulfilled", "InconsistentRefundCurrency \"currency\":\"USD\"" }, REFUND_STAGES(NOT_PERMITTED) } },
    { "CreateManualRefund", refund_manually, "{\"reason\":\"x\"}", false, PAYMENT_STATUS, NULL,
      { NO_PAYMENT, { "captured", "m1:created" }, { "fulfilled", "m1:created" }, REFUND_STAGES(NOT_PERMITTED) } },

    { "Repair that runs the step again", repair_changes, "{\"changes\":[]}", true, "nothing", NULL, { { NULL, NULL } } },
    { "Repair that moves the timer", repair_changes,
      "{\"changes\":[],\"action\":{\"timer\":{\"set_timer\":{\"timer\":{\"timeout\":77}}}}}", true, "timer +77", NULL,
      { { NULL, NULL } } },
    { "Repair that removes", repair_changes, "{\"changes\":[],\"action\":{\"remove\":{}}" FORCED "}", true, "removed", NULL,
      { { NULL, NULL } } },
    { "Repair that ends the session", repair_changes, "{\"changes\":[" SESSION_SUCCEEDED_AS("processed") "]}", true,
      BAD_CHANGES("invoice_payment_session_change may not come in $A"), NULL,
      { { "unpaid", NO_PAYMENT_1 }, { "rescinded", NO_PAYMENT_1 }, { "shop_limit_initializing", NO_SESSION },
        { "shop_limit_finalizing", NO_SESSION }, { "shop_limit_failure", NO_SESSION }, { "risk_scoring", NO_SESSION },
        { "routing", NO_SESSION }, { "routing_failure", NO_SESSION }, { "cash_flow_building", NO_SESSION },
        { "before_session", NO_SESSION }, { "session", "finished(succeeded)" }, { "suspended", "finished(succeeded)" },
        { "called_back", "finished(succeeded)" }, { "capturing", "finished(succeeded)" },
        { "capture_suspended", "finished(succeeded)" }, { "cancelling", "finished(succeeded)" },
        REFUND_STAGES(BAD_CHANGES("invoice_payment_session_change may not come in refund")) } },
    { "Repair by force", repair_changes, "{\"changes\":[" ABOUT("status_changed\":{\"status\":{\"captured\":{}}}") "]" FORCED "}",
      true, "status:captured", NULL,
      { { "unpaid", NO_PAYMENT_1 }, { "rescinded", NO_PAYMENT_1 } } },
    { "skip_inspector", repair_scenario, SKIP_INSPECTOR, true, MISFIT("skip_inspector"), NOT_ACTIVE,
      { { "risk_scoring", "risk_score_changed" } } },
    { "fail_pre_processing", repair_scenario, FAIL_PRE_PROCESSING, true, MISFIT("fail_pre_processing"), NOT_ACTIVE,
      { { "risk_scoring", "status:failed" }, { "routing", "status:failed" }, { "cash_flow_building", "status:failed" } } },
    { "fail_session", repair_scenario, FAIL_SESSION, true, MISFIT("fail_session"), NOT_ACTIVE,
      { { "before_session", "started(processed) finished(failed) rollback_started" },
        { "session", "finished(failed) rollback_started" }, { "suspended", "finished(failed) rollback_started" },
        { "called_back", "finished(failed) rollback_started" },
        { "refund_session", "1:finished(failed) 1:rollback_started" },
        { "refund_suspended", "1:finished(failed) 1:rollback_started" } } },
    { "fulfill_session", repair_scenario, "{\"fulfill_session\":{}}", true, MISFIT("fulfill_session"), NOT_ACTIVE,
      { { "before_session", "started(processed) finished(succeeded)" }, { "session", "finished(succeeded)" },
        { "suspended", "finished(succeeded)" }, { "called_back", "finished(succeeded)" },
        { "capturing", "finished(succeeded)" }, { "capture_suspended", "finished(succeeded)" },
        { "cancelling", "finished(succeeded)" }, { "refund_session", "1:finished(succeeded)" },
        { "refund_suspended", "1:finished(succeeded)" } } },
    { "complex", repair_scenario, "{\"complex\":{\"scenarios\":[" SKIP_INSPECTOR "," FAIL_PRE_PROCESSING "," FAIL_SESSION "]}}",
      true, MISFIT_COMPLEX, NOT_ACTIVE,
      { { "risk_scoring", "risk_score_changed" }, { "routing", "status:failed" }, { "cash_flow_building", "status:failed" },
        { "before_session", "started(processed) finished(failed) rollback_started" },
        { "session", "finished(failed) rollback_started" }, { "suspended", "finished(failed) rollback_started" },
        { "called_back", "finished(failed) rollback_started" },
        { "refund_session", "1:finished(failed) 1:rollback_started" },
        { "refund_suspended", "1:finished(failed) 1:rollback_started" } } },
};
const size_t call_row_count = SL_COUNT(call_rows);

/* See invoice_stages.h. */
#include "support/invoice_stages.h"

#include <criterion/criterion.h>
#include <string.h>

#define HOLD "{\"hold\":{\"on_hold_expiration\":\"cancel\"}}"
#define SUSPEND "{\"intent\":{\"suspend\":{\"tag\":\"t\",\"timeout\":{\"timeout\":60}}}}"
#define SLEEP "{\"intent\":{\"sleep\":{\"timer\":{\"timeout\":60}}}}"
#define DECLINED "{\"intent\":{\"finish\":{\"status\":{\"failure\":{\"code\":\"authorization_failed\"}}}}}"

/* ---- steps on the way ---- */

static void fire(struct payment_world *world)
{
    cr_assert(machine_driver_fire(&world->driver) == STEP_OK, "%s", world->driver.reason);
}

/* Fires the timer until the payment is about to do what LABEL says. */
static void reach(struct payment_world *world, const char *label)
{
    while (strcmp(payment_activity_label(world_payment(world)), label) != 0) {
        cr_assert(world->driver.due_ms > 0, "no way to %s: %s", label, world_history(world, 1));
        fire(world);
    }
}

static void ask(struct payment_world *world, int kind)
{
    struct invoice_call call = { .kind = kind, .rescind = { "x" } };

    cr_assert(machine_driver_input(&world->driver, IN_CALL, &call) == STEP_OK);
}

static void begin(struct payment_world *world, const char *label)
{
    cr_assert(world_start_with(world, NULL, HOLD, NULL) == STEP_OK);
    reach(world, label);
}

/* ---- invoices ---- */

static void at_unpaid(struct payment_world *world)
{
    (void)world;
}

static void at_rescinded(struct payment_world *world)
{
    ask(world, CALL_RESCIND);
}

/* ---- sessions ---- */

static void at_session(struct payment_world *world)
{
    begin(world, "processing_session");
    fire(world);
}

static void at_suspended(struct payment_world *world)
{
    at_session(world);
    world_say(world, SUSPEND);
    fire(world);
}

/* The callback came, and the adapter thinks about it. */
static void at_called_back(struct payment_world *world)
{
    at_suspended(world);
    world_say(world, "{\"response\":\"\",\"result\":" SLEEP "}");
    cr_assert(world_callback(world, "t", "") == STEP_OK);
}

static void at_processing_failure(struct payment_world *world)
{
    at_session(world);
    world_say(world, DECLINED);
    reach(world, "processing_failure");
}

static void at_failed(struct payment_world *world)
{
    at_processing_failure(world);
    world_run(world);
}

/* ---- limits ---- */

#define SHOP "{\"id\":\"shop-acme-books\"}"
#define LIMIT(id, boundary) "{\"ref\":{\"id\":\"" id "\"},\"upper_boundary\":" #boundary ",\"domain_revision\":1}"
#define LIMITS_OF(provider) \
    { "provider", "{\"id\":" #provider "}", "terms.payments.turnover_limits", \
      "{\"value\":[" LIMIT("provider-month-turnover", 1) "]}" }
#define STARTED(limit) { "limit_config", "{\"id\":\"" limit "\"}", "started_at", "\"2023-09-01T00:00:00Z\"" }
#define END { NULL, NULL, NULL, NULL }

static const struct world_patch shop_is_full[] = {
    { "shop_config", SHOP, "turnover_limits", "[" LIMIT("shop-month-turnover", 1) "]" },
    STARTED("shop-month-turnover"), END,
};
static const struct world_patch routes_are_full[] = {
    { "shop_config", SHOP, "turnover_limits", "[]" },
    LIMITS_OF(1), LIMITS_OF(2), STARTED("provider-month-turnover"), END,
};

static void at_shop_limit_failure(struct payment_world *world)
{
    begin(world, "shop_limit_failure");
}

static void at_routing_failure(struct payment_world *world)
{
    begin(world, "routing_failure");
}

/* ---- holds ---- */

static void at_instant(struct payment_world *world)
{
    cr_assert(world_start(world) == STEP_OK);
    reach(world, "flow_waiting");
}

static void at_held(struct payment_world *world)
{
    begin(world, "flow_waiting");
}

static void at_processing_capture(struct payment_world *world)
{
    cr_assert(world_register(world, "\"route\":{\"provider\":{\"id\":1},\"terminal\":{\"id\":1}},"
                                    "\"transaction_info\":{\"id\":\"T7\",\"extra\":{}}", NULL) == STEP_OK);
}

static void at_updating_accounter(struct payment_world *world)
{
    at_held(world);
    cr_assert(world_capture(world, "1", "{\"reason\":\"x\",\"cash\":{\"amount\":10000,\"currency\":"
                                        "{\"symbolic_code\":\"RUB\"}}}") == STEP_OK);
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
    fire(world);
}

static void at_finalizing_accounter(struct payment_world *world)
{
    at_capturing(world);
    reach(world, "finalizing_accounter");
}

static void at_captured(struct payment_world *world)
{
    at_capturing(world);
    world_run(world);
}

static void at_fulfilled(struct payment_world *world)
{
    at_captured(world);
    ask(world, CALL_FULFILL);
}

static void at_cancelling(struct payment_world *world)
{
    at_held(world);
    cr_assert(world_cancel(world, "1", "x") == STEP_OK);
}

static void at_cancelled(struct payment_world *world)
{
    at_cancelling(world);
    world_run(world);
}

/* ---- refunds ---- */

static void at_refund_new(struct payment_world *world)
{
    at_captured(world);
    cr_assert(world_refund(world, "1", "{\"reason\":\"x\"}") == STEP_OK);
}

static void at_refund_session(struct payment_world *world)
{
    at_refund_new(world);
    reach(world, "refund_session");
}

static void at_refund_suspended(struct payment_world *world)
{
    at_refund_session(world);
    world_say(world, SUSPEND);
    fire(world);
}

static void at_refund_accounter(struct payment_world *world)
{
    at_refund_session(world);
    reach(world, "refund_accounter");
}

static void at_refund_failure(struct payment_world *world)
{
    at_refund_session(world);
    world_say(world, DECLINED);
    reach(world, "refund_failure");
}

static void at_refunded(struct payment_world *world)
{
    at_refund_accounter(world);
    world_run(world);
}

/* ---- the table ---- */

#define UNPAID "{\"unpaid\":{}}"
#define PAID "{\"paid\":{}}"
#define PENDING "{\"pending\":{}}"
#define PROCESSED "{\"processed\":{}}"
#define ALL_CASH "{\"amount\":42000,\"currency\":{\"symbolic_code\":\"RUB\"}}"
#define CAPTURED "{\"captured\":{\"reason\":\"x\",\"cost\":" ALL_CASH "}}"
#define REFUNDED "{\"refunded\":{}}"
#define FAILED "{\"failed\":{\"failure\":{\"failure\":{\"code\":\"authorization_failed\"}}}}"

const struct invoice_stage invoice_stages[] = {
    { "unpaid", NULL, UNPAID, NULL, at_unpaid, NULL },
    { "rescinded", NULL, "{\"cancelled\":{\"details\":\"x\"}}", NULL, at_rescinded, NULL },
    { "shop_limit_initializing", "shop_limit_initializing", UNPAID, PENDING, NULL, NULL },
    { "shop_limit_finalizing", "shop_limit_finalizing", UNPAID, PENDING, NULL, NULL },
    { "shop_limit_failure", "shop_limit_failure", UNPAID, PENDING, at_shop_limit_failure, shop_is_full },
    { "risk_scoring", "risk_scoring", UNPAID, PENDING, NULL, NULL },
    { "routing", "routing", UNPAID, PENDING, NULL, NULL },
    { "routing_failure", "routing_failure", UNPAID, PENDING, at_routing_failure, routes_are_full },
    { "cash_flow_building", "cash_flow_building", UNPAID, PENDING, NULL, NULL },
    { "before_session", "processing_session", UNPAID, PENDING, NULL, NULL },
    { "session", "processing_session", UNPAID, PENDING, at_session, NULL },
    { "suspended", "processing_session", UNPAID, PENDING, at_suspended, NULL },
    { "called_back", "processing_session", UNPAID, PENDING, at_called_back, NULL },
    { "processing_failure", "processing_failure", UNPAID, PENDING, at_processing_failure, NULL },
    { "processing_accounter", "processing_accounter", UNPAID, PENDING, NULL, NULL },
    { "instant", "flow_waiting", UNPAID, PROCESSED, at_instant, NULL },
    { "held", "flow_waiting", UNPAID, PROCESSED, at_held, NULL },
    { "processing_capture", "processing_capture", UNPAID, PROCESSED, at_processing_capture, NULL },
    { "updating_accounter", "updating_accounter", UNPAID, PROCESSED, at_updating_accounter, NULL },
    { "capturing", "finalizing_session", UNPAID, PROCESSED, at_capturing, NULL },
    { "capture_suspended", "finalizing_session", UNPAID, PROCESSED, at_capture_suspended, NULL },
    { "cancelling", "finalizing_session", UNPAID, PROCESSED, at_cancelling, NULL },
    { "finalizing_accounter", "finalizing_accounter", UNPAID, PROCESSED, at_finalizing_accounter, NULL },
    { "captured", NULL, PAID, CAPTURED, at_captured, NULL },
    { "fulfilled", NULL, "{\"fulfilled\":{\"details\":\"x\"}}", CAPTURED, at_fulfilled, NULL },
    { "refund_new", "refund_new", PAID, CAPTURED, at_refund_new, NULL },
    { "refund_session", "refund_session", PAID, CAPTURED, at_refund_session, NULL },
    { "refund_suspended", "refund_session", PAID, CAPTURED, at_refund_suspended, NULL },
    { "refund_accounter", "refund_accounter", PAID, CAPTURED, at_refund_accounter, NULL },
    { "refund_failure", "refund_failure", PAID, CAPTURED, at_refund_failure, NULL },
    { "refunded", NULL, PAID, REFUNDED, at_refunded, NULL },
    { "cancelled", NULL, UNPAID, "{\"cancelled\":{\"reason\":\"x\"}}", at_cancelled, NULL },
    { "failed", NULL, UNPAID, FAILED, at_failed, NULL },
};
const size_t invoice_stage_count = SL_COUNT(invoice_stages);

/* ---- arrivals ---- */

static const char *text_of(const struct payment_world *world, const struct type *type, const void *value)
{
    struct buf text = BUF_EMPTY;
    const char *copy;

    type_encode(type, value, &text);
    copy = arena_strdup(world->driver.arena, buf_text(&text));
    buf_clear(&text);
    return copy;
}

void invoice_stage_open(struct payment_world *world, const struct invoice_stage *stage)
{
    const struct payment_state *active;

    world_open(world, "shop-acme-books", 42000, stage->patches ? stage->patches : world_no_cascade);
    world->funds = 1000000; /* merchants can pay for refunds */
    if (stage->way)
        stage->way(world);
    else
        begin(world, stage->activity);
    active = invoice_active_payment(world_state(world));
    cr_assert_str_eq(active ? payment_activity_label(active) : "none", stage->activity ? stage->activity : "none", "%s",
                     stage->name);
    cr_assert_str_eq(text_of(world, &type_invoice_status, &world_state(world)->invoice.status), stage->invoice, "%s",
                     stage->name);
    cr_assert_eq(world_state(world)->payments.count, stage->payment != NULL, "%s", stage->name);
    if (stage->payment)
        cr_assert_str_eq(text_of(world, &type_payment_status, &world_payment(world)->payment.status), stage->payment, "%s",
                         stage->name);
}

void invoice_stage_park(struct payment_world *world)
{
    world->driver.head = NULL;
    cr_assert(machine_driver_fire(&world->driver) == STEP_FAIL, "it did not fail");
    world->driver.head = world->domain;
}

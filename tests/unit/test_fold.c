/* The transition table of payments, cell by cell: every change in every activity, and what an invoice folds to. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "payment/kind.h"
#include "payment/state.h"

#define ANY 0 /* activity */

/* What may come in which activity, and what is next; the rest is refused. NEXT 0: stays. */
static const struct allowed {
    const char *change;
    int activity, next;
} allowed[] = {
    { "started", ACT_NEW, ACT_SHOP_LIMIT_INITIALIZING },
    { "shop_limit_initiated", ACT_SHOP_LIMIT_INITIALIZING, ACT_SHOP_LIMIT_FINALIZING },
    { "shop_limit_applied", ACT_SHOP_LIMIT_FINALIZING, ACT_RISK_SCORING },
    { "risk_score_changed", ACT_RISK_SCORING, ACT_ROUTING },
    { "risk_score_changed", ACT_SHOP_LIMIT_INITIALIZING, ACT_ROUTING },
    { "route_changed", ACT_ROUTING, ACT_CASH_FLOW_BUILDING },
    { "route_changed", ACT_PROCESSING_FAILURE, ACT_CASH_FLOW_BUILDING },
    { "cash_flow_changed", ACT_CASH_FLOW_BUILDING, ACT_PROCESSING_SESSION },
    { "cash_flow_changed", ACT_PROCESSING_CAPTURE, ACT_UPDATING_ACCOUNTER },
    { "cash_flow_changed", ACT_PROCESSING_ACCOUNTER, 0 },
    { "cash_changed", ACT_PROCESSING_SESSION, 0 },
    { "rec_token_acquired", ACT_PROCESSING_SESSION, 0 },
    { "rec_token_acquired", ACT_FINALIZING_SESSION, 0 },
    { "cascade_tokens_loaded", ANY, 0 },
    { "rollback_started", ACT_SHOP_LIMIT_FINALIZING, ACT_ROUTING_FAILURE },
    { "rollback_started", ACT_CASH_FLOW_BUILDING, ACT_ROUTING_FAILURE },
    { "rollback_started", ACT_PROCESSING_SESSION, ACT_ROUTING_FAILURE },
    { "capture_started", ACT_FLOW_WAITING, ACT_PROCESSING_CAPTURE },
    { "session_started", ACT_PROCESSING_SESSION, 0 },
    { "session_started", ACT_FLOW_WAITING, ACT_FINALIZING_SESSION },
    { "session_started", ACT_PROCESSING_CAPTURE, ACT_FINALIZING_SESSION },
    { "session_started", ACT_UPDATING_ACCOUNTER, ACT_FINALIZING_SESSION },
    { "session_started", ACT_FINALIZING_SESSION, 0 },
    { "session_finished", ACT_PROCESSING_SESSION, ACT_PROCESSING_ACCOUNTER },
    { "session_finished", ACT_FINALIZING_SESSION, ACT_FINALIZING_ACCOUNTER },
    { "session_activated", ACT_PROCESSING_SESSION, 0 },
    { "session_activated", ACT_FINALIZING_SESSION, 0 },
    { "status processed", ACT_PROCESSING_ACCOUNTER, ACT_FLOW_WAITING },
    { "status captured", ACT_FINALIZING_ACCOUNTER, ACT_IDLE },
    { "status captured", ACT_IDLE, 0 },
    { "status cancelled", ACT_FINALIZING_ACCOUNTER, ACT_IDLE },
    { "status failed", ACT_RISK_SCORING, ACT_IDLE },
    { "status failed", ACT_ROUTING, ACT_IDLE },
    { "status failed", ACT_CASH_FLOW_BUILDING, ACT_IDLE },
    { "status failed", ACT_SHOP_LIMIT_FAILURE, ACT_IDLE },
    { "status failed", ACT_ROUTING_FAILURE, ACT_IDLE },
    { "status failed", ACT_PROCESSING_FAILURE, ACT_IDLE },
    { "refund created", ACT_IDLE, ACT_REFUND },
    { "refund session_started", ACT_REFUND, 0 },
    { "refund session_activated", ACT_REFUND, 0 },
    { "refund rollback_started", ACT_REFUND, 0 },
    { "refund succeeded", ACT_REFUND, ACT_IDLE },
    { "refund failed", ACT_REFUND, ACT_IDLE },
    { "status refunded", ACT_IDLE, 0 },
    { "status charged_back", ACT_IDLE, 0 },
};

#define REFUND(ID, PAYLOAD) "{\"invoice_payment_refund_change\":{\"id\":\"" ID "\",\"payload\":{" PAYLOAD "}}}"
#define REFUND_SESSION(CHANGE) \
    REFUND("1", "\"invoice_payment_session_change\":{\"target\":{\"refunded\":{}},\"payload\":{" CHANGE "}}")

/* One change of each kind, as events hold it. */
static const struct sample {
    const char *name, *json;
} samples[] = {
    { "started", "{\"invoice_payment_started\":{\"payment\":{\"id\":\"1\",\"created_at\":\"2026-01-01T00:00:00Z\",\"status\":{\"pending\":{}},"
                 "\"cost\":{\"amount\":1,\"currency\":{\"symbolic_code\":\"RUB\"}},\"domain_revision\":1,\"flow\":{\"instant\":{}},"
                 "\"payer\":{\"payment_resource\":{\"resource\":{\"payment_tool\":{\"crypto_currency\":{\"id\":{\"id\":\"BTC\"}}}},\"contact_info\":{}}},"
                 "\"party_ref\":{\"id\":\"p\"},\"shop_ref\":{\"id\":\"s\"}}}}" },
    { "shop_limit_initiated", "{\"invoice_payment_shop_limit_initiated\":{}}" },
    { "shop_limit_applied", "{\"invoice_payment_shop_limit_applied\":{}}" },
    { "risk_score_changed", "{\"invoice_payment_risk_score_changed\":{\"risk_score\":\"low\"}}" },
    { "route_changed", "{\"invoice_payment_route_changed\":{\"route\":{\"provider\":{\"id\":1},\"terminal\":{\"id\":2}}}}" },
    { "cash_flow_changed", "{\"invoice_payment_cash_flow_changed\":{\"cash_flow\":[]}}" },
    { "rollback_started", "{\"invoice_payment_rollback_started\":{\"reason\":{\"operation_timeout\":{}}}}" },
    { "capture_started", "{\"invoice_payment_capture_started\":{\"data\":{\"reason\":\"r\"}}}" },
    { "rec_token_acquired", "{\"invoice_payment_rec_token_acquired\":{\"token\":\"t\"}}" },
    { "cash_changed", "{\"invoice_payment_cash_changed\":{\"old_cash\":{\"amount\":1,\"currency\":{\"symbolic_code\":\"RUB\"}},\"new_cash\":{\"amount\":2,\"currency\":{\"symbolic_code\":\"RUB\"}}}}" },
    { "session_started", "{\"invoice_payment_session_change\":{\"target\":{\"processed\":{}},\"payload\":{\"session_started\":{}}}}" },
    { "session_finished", "{\"invoice_payment_session_change\":{\"target\":{\"processed\":{}},\"payload\":{\"session_finished\":{\"result\":{\"succeeded\":{}}}}}}" },
    { "session_activated", "{\"invoice_payment_session_change\":{\"target\":{\"processed\":{}},\"payload\":{\"session_activated\":{}}}}" },
    { "status pending", "{\"invoice_payment_status_changed\":{\"status\":{\"pending\":{}}}}" },
    { "status processed", "{\"invoice_payment_status_changed\":{\"status\":{\"processed\":{}}}}" },
    { "status captured", "{\"invoice_payment_status_changed\":{\"status\":{\"captured\":{}}}}" },
    { "status cancelled", "{\"invoice_payment_status_changed\":{\"status\":{\"cancelled\":{}}}}" },
    { "status failed", "{\"invoice_payment_status_changed\":{\"status\":{\"failed\":{\"failure\":{\"operation_timeout\":{}}}}}}" },
    { "status refunded", "{\"invoice_payment_status_changed\":{\"status\":{\"refunded\":{}}}}" },
    { "refund created", REFUND("2", "\"invoice_payment_refund_created\":{\"refund\":{\"id\":\"2\",\"status\":{\"pending\":{}},"
                               "\"created_at\":\"2026-01-01T00:00:00Z\",\"domain_revision\":1,"
                               "\"cash\":{\"amount\":1,\"currency\":{\"symbolic_code\":\"RUB\"}}},\"cash_flow\":[]}") },
    { "refund session_started", REFUND_SESSION("\"session_started\":{}") },
    { "refund session_activated", REFUND_SESSION("\"session_activated\":{}") },
    { "refund rollback_started", REFUND("1", "\"invoice_payment_refund_rollback_started\":{\"reason\":{\"operation_timeout\":{}}}") },
    { "refund succeeded", REFUND("1", "\"invoice_payment_refund_status_changed\":{\"status\":{\"succeeded\":{}}}") },
    { "refund failed", REFUND("1", "\"invoice_payment_refund_status_changed\":{\"status\":{\"failed\":{\"failure\":{\"operation_timeout\":{}}}}}") },
    { "status charged_back", "{\"invoice_payment_status_changed\":{\"status\":{\"charged_back\":{}}}}" },
    { "cascade_tokens_loaded", "{\"invoice_payment_cascade_tokens_loaded\":{\"tokens\":[{\"id\":\"i\",\"provider_ref\":{\"id\":1},"
                               "\"terminal_ref\":{\"id\":2},\"token\":\"t\",\"created_at\":\"2026-01-01T00:00:00Z\",\"status\":\"active\"}]}}" },
};

static const struct allowed *find(const char *change, int activity)
{
    size_t i;

    for (i = 0; i < SL_COUNT(allowed); i++) {
        if (strcmp(allowed[i].change, change) == 0 && (allowed[i].activity == ANY || allowed[i].activity == activity))
            return &allowed[i];
    }
    return NULL;
}

static void decode(const struct type *type, const char *json, struct arena *arena, void *out)
{
    struct type_errors errors = { 0 };

    cr_assert_eq(type_decode_text(type, json, strlen(json), 0, arena, out, &errors), SL_OK, "%s: %s %s", json,
                 errors.count ? errors.list[0].path : "", errors.count ? errors.list[0].message : "");
}

/* A payment in ACTIVITY, with a route, a session and a refund for whatever needs them. */
static struct payment_state payment_in(int activity, struct arena *arena)
{
    struct route *route = arena_alloc(arena, sizeof(*route));
    struct session *session = arena_alloc(arena, sizeof(*session));
    struct refund_state *refund = arena_alloc(arena, sizeof(*refund));

    *route = (struct route){ { 1 }, { 2 } };
    *session = (struct session){ .target = { .tag = TARGET_PROCESSED }, .route = *route, .status = SESSION_ACTIVE };
    *refund = (struct refund_state){
        .refund = { .id = "1", .status = { REFUND_PENDING } }, .sessions = { session, 1 },
    };
    return (struct payment_state){
        .activity = activity, .routes = { route, 1 }, .sessions = { session, 1 }, .refunds = { refund, 1 },
        .operation_id = activity == ACT_REFUND ? "1" : NULL,
    };
}

/* If this fails, a payment takes a way that the rules do not have, or misses one that they have. */
Test(fold, every_change_in_every_activity)
{
    size_t i;
    int activity;

    for (i = 0; i < SL_COUNT(samples); i++) {
        for (activity = 1; activity <= ACT_COUNT; activity++) {
            const struct allowed *row = find(samples[i].name, activity);
            struct arena *arena = arena_new();
            struct payment_state payment = payment_in(activity, arena);
            struct payment_change change;
            const char *why;

            decode(&type_payment_change, samples[i].json, arena, &change);
            why = payment_fold(&payment, &change, true, arena);
            cr_expect_eq(why == NULL, row != NULL, "%s in %s: %s", samples[i].name, activity_name(activity), why ? why : "taken");
            if (!why)
                cr_expect_eq(payment.activity, row->next ? row->next : activity, "%s in %s leads to %s", samples[i].name,
                             activity_name(activity), activity_name(payment.activity));
            else
                cr_expect_eq(payment.activity, activity, "a refused change moves nothing");
            arena_free(arena);
        }
    }
}

/* If this fails, what a provider registered cannot be told of in one event. */
Test(fold, a_registered_payment_has_its_route_whatever_it_is_doing)
{
    int activity;

    for (activity = 1; activity <= ACT_COUNT; activity++) {
        struct arena *arena = arena_new();
        struct payment_state payment = payment_in(activity, arena);
        struct payment_change change;

        payment.payment.registration_origin.tag = ORIGIN_PROVIDER;
        decode(&type_payment_change, samples[4].json, arena, &change);
        cr_expect_null(payment_fold(&payment, &change, true, arena), "in %s", activity_name(activity));
        cr_expect_eq(payment.activity, ACT_CASH_FLOW_BUILDING);
        arena_free(arena);
    }
}

/* If this fails, stored history that today's table would refuse cannot be read. */
Test(fold, history_is_applied_whatever_the_table_says)
{
    size_t i;
    int activity;

    for (i = 0; i < SL_COUNT(samples); i++) {
        for (activity = 1; activity <= ACT_COUNT; activity++) {
            struct arena *arena = arena_new();
            struct payment_state payment = payment_in(activity, arena);
            struct payment_change change;

            decode(&type_payment_change, samples[i].json, arena, &change);
            if (strcmp(samples[i].name, "status pending") != 0) /* nobody ever wrote that */
                cr_expect_null(payment_fold(&payment, &change, false, arena), "%s in %s", samples[i].name, activity_name(activity));
            arena_free(arena);
        }
    }
}

/* If this fails, a failure after the money was held is treated as one before, and the hold stays behind. */
Test(fold, a_rollback_goes_where_the_money_is)
{
    static const struct {
        int64_t limit_status;
        bool flow;
        int next;
    } rows[] = {
        { SHOP_LIMIT_INITIALIZED, false, ACT_SHOP_LIMIT_FAILURE },
        { SHOP_LIMIT_INITIALIZED, true, ACT_SHOP_LIMIT_FAILURE },
        { SHOP_LIMIT_FINALIZED, false, ACT_ROUTING_FAILURE },
        { SHOP_LIMIT_FINALIZED, true, ACT_PROCESSING_FAILURE },
    };
    struct arena *arena = arena_new();
    struct payment_change change;
    size_t i;

    decode(&type_payment_change, samples[6].json, arena, &change);
    for (i = 0; i < SL_COUNT(rows); i++) {
        struct payment_state payment = payment_in(ACT_PROCESSING_SESSION, arena);

        payment.shop_limit_status = rows[i].limit_status;
        payment.cash_flow.items = rows[i].flow ? arena_alloc(arena, 1) : NULL;
        cr_expect_null(payment_fold(&payment, &change, true, arena));
        cr_expect_eq(payment.activity, rows[i].next, "row %zu", i);
    }
    arena_free(arena);
}

/* If this fails, a snapshot says something else than the history it stands for. */
Test(fold, a_snapshot_folds_on_like_the_history)
{
    static const char invoice[] =
        "{\"invoice_created\":{\"invoice\":{\"id\":\"i\",\"domain_revision\":1,\"party_ref\":{\"id\":\"p\"},\"shop_ref\":{\"id\":\"s\"},"
        "\"created_at\":\"2026-01-01T00:00:00Z\",\"status\":{\"unpaid\":{}},\"details\":{\"product\":\"x\"},\"due\":\"2027-01-01T00:00:00Z\","
        "\"cost\":{\"amount\":1,\"currency\":{\"symbolic_code\":\"RUB\"}}}}}";
    static const int order[] = { 0, 1, 2, 3, 4, 5, 10, 11, 14 };
    struct arena *arena = arena_new();
    struct invoice_state state = { 0 }, again;
    struct buf first = BUF_EMPTY, second = BUF_EMPTY;
    struct invoice_change change;
    char json[4096];
    size_t i;

    decode(&type_invoice_change, invoice, arena, &change);
    cr_assert_null(invoice_fold(&state, &change, 0, true, arena));
    for (i = 0; i < SL_COUNT(order); i++) {
        struct invoice_change *step = arena_alloc(arena, sizeof(*step));

        snprintf(json, sizeof(json), "{\"invoice_payment_change\":{\"id\":\"1\",\"payload\":%s}}", samples[order[i]].json);
        decode(&type_invoice_change, json, arena, step);
        cr_assert_null(invoice_fold(&state, step, 0, true, arena), "step %zu", i);
        buf_reset(&first);
        buf_reset(&second);
        type_encode(&type_invoice_state, &state, &first);
        decode(&type_invoice_state, buf_text(&first), arena, &again);
        type_encode(&type_invoice_state, &again, &second);
        cr_expect_str_eq(buf_text(&first), buf_text(&second));
        state = again; /* and on from there */
    }
    cr_expect_eq(invoice_active_payment(&state)->activity, ACT_FLOW_WAITING);
    cr_expect_str_eq(invoice_kind.label(&state).activity, "flow_waiting");
    buf_clear(&first);
    buf_clear(&second);
    arena_free(arena);
}

/* If this fails, a change for a payment that nobody started makes one. */
Test(fold, changes_of_unknown_payments_are_refused)
{
    struct arena *arena = arena_new();
    struct invoice_state state = { .invoice = { .id = "i" } };
    struct invoice_change change;

    decode(&type_invoice_change, "{\"invoice_payment_change\":{\"id\":\"9\",\"payload\":{\"invoice_payment_shop_limit_applied\":{}}}}",
           arena, &change);
    cr_expect_not_null(invoice_fold(&state, &change, 0, true, arena));
    cr_expect_eq(state.payments.count, 0);
    arena_free(arena);
}

/* If this fails, a refund takes a step that its history does not call for, or the payment rests before it is over. */
Test(fold, a_refund_goes_through_its_stages)
{
    static const struct {
        const char *json;
        enum refund_stage stage;
        const char *label;
    } rows[] = {
        { NULL, REFUND_NEW, "refund_new" },
        { REFUND_SESSION("\"session_started\":{}"), REFUND_SESSION, "refund_session" },
        { REFUND_SESSION("\"session_finished\":{\"result\":{\"failed\":{\"failure\":{\"operation_timeout\":{}}}}}"), REFUND_FAILURE, "refund_failure" },
        { REFUND_SESSION("\"session_started\":{}"), REFUND_SESSION, "refund_session" },
        { REFUND_SESSION("\"session_transaction_bound\":{\"trx\":{\"id\":\"t\",\"extra\":{}}}"), REFUND_SESSION, "refund_session" },
        { REFUND_SESSION("\"session_finished\":{\"result\":{\"succeeded\":{}}}"), REFUND_ACCOUNTER, "refund_accounter" },
        { REFUND("1", "\"invoice_payment_refund_status_changed\":{\"status\":{\"succeeded\":{}}}"), REFUND_FINISHED, "idle" },
    };
    struct arena *arena = arena_new();
    struct payment_state payment = payment_in(ACT_REFUND, arena);
    struct refund_state *refund = payment_refund(&payment, "1");
    size_t i;

    refund->sessions.count = 0;
    payment.trx = arena_alloc(arena, sizeof(*payment.trx));
    for (i = 0; i < SL_COUNT(rows); i++) {
        struct payment_change *change = arena_alloc(arena, sizeof(*change));

        if (rows[i].json) {
            decode(&type_payment_change, rows[i].json, arena, change);
            cr_assert_null(payment_fold(&payment, change, true, arena), "row %zu", i);
        }
        cr_expect_eq(refund_stage(refund), rows[i].stage, "row %zu", i);
        cr_expect_str_eq(payment_activity_label(&payment), rows[i].label, "row %zu", i);
    }
    cr_expect_eq(refund->sessions.count, 2);
    cr_expect_str_eq(refund_session(refund)->trx->id, "t");
    cr_expect_null(((struct session *)refund->sessions.items)[1].trx, "a refund's session begins without a transaction");
    cr_expect_null(payment.operation_id);
    arena_free(arena);
}

/* If this fails, more can be refunded than was paid, or a refund that failed counts. */
Test(fold, only_refunds_that_succeeded_lower_what_remains)
{
    struct refund_state refunds[] = {
        { .refund = { .id = "1", .status = { REFUND_SUCCEEDED }, .cash = { 10, { "RUB" } } } },
        { .refund = { .id = "2", .status = { REFUND_FAILED }, .cash = { 20, { "RUB" } } } },
        { .refund = { .id = "3", .status = { REFUND_PENDING }, .cash = { 30, { "RUB" } } } },
    };
    struct payment_state payment = {
        .payment = { .cost = { 100, { "RUB" } } }, .refunds = { refunds, SL_COUNT(refunds) },
    };
    struct cash changed = { 70, { "RUB" } };

    cr_expect_eq(payment_remaining(&payment).amount, 90);
    payment.payment.changed_cost = &changed;
    cr_expect_eq(payment_remaining(&payment).amount, 60);
}

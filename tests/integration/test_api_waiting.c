/* Calls that wait behind a running step, as callers see them: a real sluiced with a slow bank. The table is
 * doc/spec/api.md 8. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "support/banked.h"
#include "support/http.h"

#define INVOICE "/v1/invoices/inv-1"
#define PAYMENT INVOICE "/payments/1"
#define RUB(amount) "\"cash\":{\"amount\":" #amount ",\"currency\":{\"symbolic_code\":\"RUB\"}}"
#define TRX "\"transaction_info\":{\"id\":\"t\",\"extra\":{}}"
#define PAYER                                                                                                       \
    "\"payer\":{\"payment_resource\":{\"resource\":{\"payment_tool\":{\"bank_card\":{\"token\":\"no_preauth\","      \
    "\"payment_system\":{\"id\":\"VISA\"},\"bin\":\"424242\",\"last_digits\":\"4242\",\"issuer_country\":\"RUS\"}}}," \
    "\"contact_info\":{\"email\":\"payer@example.com\"}}}"
#define HOLD ",\"flow\":{\"hold\":{\"on_hold_expiration\":\"cancel\"}}}"
#define INSTANT ",\"flow\":{\"instant\":{}}}"
#define AGAIN(AMOUNT)                                                                                               \
    "{\"id\":\"inv-1\",\"party_id\":\"party-acme\",\"shop_id\":\"shop-acme-books\",\"details\":{\"product\":\"A book\"}," \
    "\"due\":\"2030-01-01T00:00:00Z\"," RUB_COST(AMOUNT) ",\"context\":{\"type\":\"text/plain\",\"data\":\"ZGVtbw==\"}}"
#define RUB_COST(amount) "\"cost\":{\"amount\":" #amount ",\"currency\":{\"symbolic_code\":\"RUB\"}}"
#define REASON "{\"reason\":\"r\"}"
#define SLOW_MS "8000"

static struct banked banked;

/* inv-1 with payment 1, which has come to rest. FLOW: HOLD or INSTANT. */
static void open_paid(const char *flow)
{
    char body[640];

    banked_open(&banked, NULL);
    json_decref(banked_invoice(&banked, "inv-1"));
    snprintf(body, sizeof(body), "{\"id\":\"1\"," PAYER "%s", flow);
    json_decref(banked_must(&banked, "POST", INVOICE "/payments?wait=20", body, 202));
}

/* ---- one call while another one's step is running ---- */

struct behind {
    const char *path, *body;
    int status;
    const char *error; /* NULL: it is accepted */
    const char *state; /* of a refusal; NULL: not looked at */
};

/* From now on the bank is slow to do TARGET; the call POST PATH BODY is accepted and has it work on that. */
static void begin_slowly(const char *target, const char *path, const char *body)
{
    char wish[128];

    snprintf(wish, sizeof(wish), "{\"kind\":\"delay\",\"next\":1,\"ms\":" SLOW_MS ",\"target\":\"%s\"}", target);
    banked_fault(&banked, wish);
    json_decref(banked_must(&banked, "POST", path, body, 202));
}

/* Fails the test unless each of ROWS is answered as it says while ACTIVITY is still going on. */
static void expect_behind(const char *activity, const struct behind *rows, size_t count)
{
    json_t *answer;
    size_t i;

    for (i = 0; i < count; i++) {
        int status = banked_ask(&banked, "POST", rows[i].path, NULL, rows[i].body, &answer);

        cr_expect_eq(status, rows[i].status, "%s behind %s: %d", rows[i].path, activity, status);
        if (rows[i].error)
            cr_expect_str_eq(banked_text(answer, "error"), rows[i].error, "%s behind %s", rows[i].path, activity);
        if (rows[i].state)
            cr_expect_str_eq(banked_text(answer, "state"), rows[i].state, "%s behind %s", rows[i].path, activity);
        json_decref(answer);
    }
    answer = banked_must(&banked, "GET", PAYMENT, NULL, 200);
    cr_expect_str_eq(banked_text(answer, "activity"), activity, "the answers waited for the bank");
    json_decref(answer);
}

/* If it fails, a second refund is judged by what became of the first, which its caller could not know. */
Test(api_waiting, behind_a_refund, .timeout = 120)
{
    static const struct behind rows[] = {
        { PAYMENT "/refunds", "{" RUB(1000) "}", 422, "OperationNotPermitted", NULL },
        { PAYMENT "/refunds", "{\"id\":\"r\"," RUB(1000) "}", 202, NULL, NULL },
        { PAYMENT "/manual-refunds", "{" RUB(1000) "," TRX "}", 422, "OperationNotPermitted", NULL },
        { PAYMENT "/capture", REASON, 409, "InvalidPaymentStatus", "captured" },
        { PAYMENT "/cancel", REASON, 409, "InvalidPaymentStatus", "captured" },
        { INVOICE "/rescind", REASON, 409, "InvalidInvoiceStatus", "paid" },
        { INVOICE "/payments", "{" PAYER INSTANT, 409, "InvalidInvoiceStatus", "paid" },
        { "/v1/invoices", AGAIN(42000), 200, NULL, NULL },
        { "/v1/invoices", AGAIN(42001), 409, "IdReused", NULL },
    };

    open_paid(INSTANT);
    begin_slowly("refunded", PAYMENT "/refunds", "{\"id\":\"r\"," RUB(1000) "}");
    expect_behind("refund_session", rows, SL_COUNT(rows));
    cr_expect_eq(banked_ask(&banked, "POST", INVOICE "/fulfill", NULL, REASON, NULL), 200, "allowed: it waits for its turn");
    banked_until(&banked, PAYMENT "/refunds/r", "status", "succeeded");
    banked_refused(&banked, "GET", PAYMENT "/refunds/1", NULL, 404, "InvoicePaymentRefundNotFound");
    banked_close(&banked);
}

/* If it fails, a capture is followed by what nobody could order when it was ordered. */
Test(api_waiting, behind_a_capture, .timeout = 120)
{
    static const struct behind rows[] = {
        { PAYMENT "/capture", REASON, 409, "InvalidPaymentStatus", "processed" },
        { PAYMENT "/cancel", REASON, 409, "InvalidPaymentStatus", "processed" },
        { PAYMENT "/refunds", "{}", 409, "InvalidPaymentStatus", "processed" },
        { INVOICE "/rescind", REASON, 409, "InvoicePaymentPending", NULL },
        { INVOICE "/fulfill", REASON, 409, "InvalidInvoiceStatus", "unpaid" },
        { INVOICE "/payments", "{" PAYER INSTANT, 409, "InvoicePaymentPending", NULL },
    };

    open_paid(HOLD);
    begin_slowly("captured", PAYMENT "/capture", REASON);
    expect_behind("finalizing_session", rows, SL_COUNT(rows));
    banked_until(&banked, PAYMENT, "payment.status", "captured");
    banked_close(&banked);
}

/* If it fails, what was refused before a cancel's end is done after it. */
Test(api_waiting, behind_a_cancel, .timeout = 120)
{
    static const struct behind rows[] = {
        { PAYMENT "/capture", REASON, 409, "InvalidPaymentStatus", "processed" },
        { PAYMENT "/cancel", REASON, 409, "InvalidPaymentStatus", "processed" },
        { INVOICE "/rescind", REASON, 409, "InvoicePaymentPending", NULL },
        { INVOICE "/payments", "{" PAYER INSTANT, 409, "InvoicePaymentPending", NULL },
    };

    open_paid(HOLD);
    begin_slowly("cancelled", PAYMENT "/cancel", REASON);
    expect_behind("finalizing_session", rows, SL_COUNT(rows));
    banked_until(&banked, PAYMENT, "payment.status", "cancelled");
    banked_refused(&banked, "GET", INVOICE "/payments/2", NULL, 404, "InvoicePaymentNotFound");
    banked_close(&banked);
}

/* If it fails, a payer who clicks twice pays twice when the first payment fails. */
Test(api_waiting, behind_a_payment, .timeout = 120)
{
    static const struct behind rows[] = {
        { INVOICE "/payments", "{" PAYER INSTANT, 409, "InvoicePaymentPending", NULL },
        { PAYMENT "/capture", REASON, 409, "InvalidPaymentStatus", "pending" },
        { PAYMENT "/cancel", REASON, 409, "InvalidPaymentStatus", "pending" },
        { PAYMENT "/refunds", "{}", 409, "InvalidPaymentStatus", "pending" },
        { INVOICE "/rescind", REASON, 409, "InvoicePaymentPending", NULL },
        { INVOICE "/fulfill", REASON, 409, "InvalidInvoiceStatus", "unpaid" },
    };

    banked_open(&banked, NULL);
    json_decref(banked_invoice(&banked, "inv-1"));
    begin_slowly("processed", INVOICE "/payments", "{\"id\":\"1\"," PAYER HOLD);
    expect_behind("processing_session", rows, SL_COUNT(rows));
    banked_until(&banked, PAYMENT, "payment.status", "processed");
    banked_close(&banked);
}

/* ---- many at once ---- */

#define CLICKS 10

struct click {
    const struct banked *at;
    const char *path, *body;
    char key[48]; /* "" or a header */
    int status;
    char error[48];
};

static void *click(void *arg)
{
    struct click *one = arg;
    json_t *answer;

    one->status = banked_ask(one->at, "POST", one->path, *one->key ? one->key : NULL, one->body, &answer);
    snprintf(one->error, sizeof(one->error), "%s", json_string_value(json_object_get(answer, "error")) ?: "");
    json_decref(answer);
    return NULL;
}

/* Fails the test unless one of ten equal requests at once is accepted and the others are refused for it. KEYS: each has
 * an idempotency key of its own. TWO: every other one goes to a second daemon. */
static void expect_one_accepted(const char *path, const char *body, bool keys, bool two)
{
    struct banked other;
    struct click clicks[CLICKS] = { 0 };
    pthread_t threads[CLICKS];
    int i, accepted = 0, refused = 0;
    json_t *answer;

    open_paid(INSTANT);
    banked_fault(&banked, "{\"kind\":\"delay\",\"next\":1,\"ms\":6000,\"target\":\"refunded\"}");
    other = banked;
    if (two)
        banked_start(&other);
    for (i = 0; i < CLICKS; i++) {
        clicks[i].at = i % 2 ? &other : &banked;
        clicks[i].path = path;
        clicks[i].body = body;
        if (keys)
            snprintf(clicks[i].key, sizeof(clicks[i].key), "Idempotency-Key: k-%d\r\n", i);
        cr_assert_eq(pthread_create(&threads[i], NULL, click, &clicks[i]), 0);
    }
    for (i = 0; i < CLICKS; i++) {
        pthread_join(threads[i], NULL);
        accepted += clicks[i].status == 202;
        refused += clicks[i].status == 422 && strcmp(clicks[i].error, "OperationNotPermitted") == 0;
    }
    cr_expect_eq(accepted, 1, "%d of %d were accepted", accepted, CLICKS);
    cr_expect_eq(refused, CLICKS - 1, "%d were refused", refused);
    banked_until(&banked, PAYMENT, "activity", "idle");
    answer = banked_must(&banked, "GET", PAYMENT, NULL, 200);
    cr_expect_eq(json_array_size(json_object_get(answer, "refunds")), 1);
    json_decref(answer);
    if (two) {
        kill(other.daemon.pid, SIGTERM);
        cr_expect_eq(daemon_fixture_wait(&other.daemon), 0);
    }
    banked_close(&banked);
}

/* If it fails, who clicks twice is given the money twice. */
Test(api_waiting, ten_refunds_at_once_are_one, .timeout = 120)
{
    expect_one_accepted(PAYMENT "/refunds", "{" RUB(1000) "}", false, false);
}

/* The same for those who have keys, which must be looked for first. */
Test(api_waiting, ten_refunds_with_keys_are_one, .timeout = 120)
{
    expect_one_accepted(PAYMENT "/refunds", "{" RUB(1000) "}", true, false);
}

/* The same at two daemons, which know of each other's steps by the store alone. */
Test(api_waiting, ten_refunds_at_two_daemons_are_one, .timeout = 120)
{
    expect_one_accepted(PAYMENT "/refunds", "{" RUB(1000) "}", false, true);
}

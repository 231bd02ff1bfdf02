/* Refunds over HTTP: a real sluiced, a real bank with its book, the ledger in Redis. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/banked.h"
#include "support/http.h"

#define PAYMENT "/v1/invoices/inv-1/payments/1"
#define REFUNDS PAYMENT "/refunds"
#define RUB(amount) "\"cash\":{\"amount\":" #amount ",\"currency\":{\"symbolic_code\":\"RUB\"}}"
#define FEE 100 /* of every refund, by the example's terms */

#define ACCOUNT_MERCHANT 3001
#define ACCOUNT_SYSTEM 1001

static struct banked banked;

/* inv-1 with a captured payment of 42000 RUB; with RICH the merchant has another payment's money beside. */
static void open_captured(const char *card, bool rich)
{
    json_t *json;

    banked_open(&banked, NULL);
    json_decref(banked_invoice(&banked, "inv-1"));
    json = banked_pay(&banked, "inv-1", card, NULL);
    cr_assert_str_eq(banked_text(json, "payment.status"), "captured");
    json_decref(json);
    if (!rich)
        return;
    json_decref(banked_invoice(&banked, "inv-2"));
    json_decref(banked_pay(&banked, "inv-2", "no_preauth/2", NULL));
}

/* POST to PATH with BODY, waiting for the end; the refund's status. */
static const char *refund(const char *path, const char *body, const char *id)
{
    json_t *json = banked_must(&banked, "POST", path, body, 202);
    const char *status;

    cr_expect_str_eq(banked_text(json, "id"), id, "%s: %s", body, json_dumps(json, 0));
    status = banked_text(json, "status");
    json_decref(json);
    return status;
}

/* What the bank's book says of the payment's refunds: "10000 RUB, 2000 RUB"; the caller's, free(). */
static char *book(void)
{
    struct http_reply reply = http_request(banked.bank.port, "GET", "/book", NULL, NULL);
    json_t *json = http_reply_json(&reply), *payment = NULL, *row;
    char *text = calloc(1, 1024);
    size_t i;

    json_array_foreach(json_object_get(json, "payments"), i, payment) {
        if (strcmp(banked_text(payment, "invoice_id"), "inv-1@party-acme") == 0)
            break;
    }
    cr_assert(payment, "%s", reply.body);
    json_array_foreach(json_object_get(payment, "refunds"), i, row)
        sprintf(text + strlen(text), "%s%s %s", i ? ", " : "", banked_text(row, "amount"), banked_text(row, "currency"));
    cr_expect(json_array_size(json_object_get(json, "conflicts")) == 0, "%s", reply.body);
    json_decref(json);
    http_reply_clear(&reply);
    return text;
}

static void expect_book(const char *wanted)
{
    char *text = book();

    cr_expect_str_eq(text, wanted, "the bank has %s", text);
    free(text);
}

/* If it fails, money does not come back, comes back twice, or the merchant's books disagree with the bank's. */
Test(api_refunds, parts_come_to_the_whole, .timeout = 90)
{
    int64_t merchant, system;
    json_t *json;
    char *history;

    open_captured("no_preauth", true);
    merchant = banked_own(&banked, ACCOUNT_MERCHANT);
    system = banked_own(&banked, ACCOUNT_SYSTEM);
    banked_refused(&banked, "POST", REFUNDS, "{" RUB(43000) "}", 422, "InvoicePaymentAmountExceeded");
    cr_expect_str_eq(refund(REFUNDS "?wait=20", "{" RUB(10000) ",\"reason\":\"broken\"}", "1"), "succeeded");
    cr_expect_eq(banked_own(&banked, ACCOUNT_MERCHANT), merchant - 10000 - FEE);
    cr_expect_eq(banked_own(&banked, ACCOUNT_SYSTEM), system + FEE);
    json = banked_must(&banked, "POST", REFUNDS, "{" RUB(33000) "}", 422);
    cr_expect_str_eq(banked_text(json, "error"), "InvoicePaymentAmountExceeded");
    cr_expect_str_eq(banked_text(json, "maximum.amount"), "32000");
    json_decref(json);
    cr_expect_str_eq(refund(REFUNDS "?wait=20", "{" RUB(30000) "}", "2"), "succeeded");
    json = banked_must(&banked, "GET", PAYMENT, NULL, 200);
    cr_expect_str_eq(banked_text(json, "payment.status"), "captured");
    json_decref(json);
    cr_expect_str_eq(refund(REFUNDS "?wait=20", "{\"external_id\":\"e\"}", "3"), "succeeded");
    json = banked_must(&banked, "GET", PAYMENT, NULL, 200);
    cr_expect_str_eq(banked_text(json, "payment.status"), "refunded");
    cr_expect_str_eq(banked_text(json, "refunds.2.refund.cash.amount"), "2000");
    cr_expect_str_eq(banked_text(json, "refunds.0.refund.reason"), "broken");
    cr_expect_neq(*banked_text(json, "refunds.1.sessions.0.transaction_info.id"), '\0');
    cr_expect_neq(*banked_text(json, "refunds.1.cash_flow.0.volume.amount"), '\0');
    cr_expect_str_eq(banked_text(json, "legacy_refunds.2.external_id"), "e");
    cr_expect_str_eq(banked_text(json, "activity"), "idle");
    json_decref(json);
    json = banked_must(&banked, "GET", REFUNDS "/2", NULL, 200);
    cr_expect_str_eq(banked_text(json, "cash.amount"), "30000");
    json_decref(json);
    banked_refused(&banked, "POST", REFUNDS, "{}", 409, "InvalidPaymentStatus");
    cr_expect_eq(banked_own(&banked, ACCOUNT_MERCHANT), merchant - 42000 - 3 * FEE);
    cr_expect_str_eq(banked_books(&banked), "");
    expect_book("10000 RUB, 30000 RUB, 2000 RUB");
    history = banked_history(&banked, "inv-1");
    cr_expect_not_null(strstr(history, "refund_created | session_change | session_change session_change | "
                                       "refund_status_changed status_changed"), "%s", history);
    free(history);
    banked_close(&banked);
}

/* If it fails, a merchant takes out more than it has, over two invoices that are kept apart. */
Test(api_refunds, funds_are_those_of_all_invoices, .timeout = 90)
{
    int64_t merchant;
    json_t *json;

    open_captured("no_preauth", false);
    merchant = banked_own(&banked, ACCOUNT_MERCHANT);
    json = banked_must(&banked, "POST", REFUNDS "?wait=20", "{}", 202);
    cr_expect_str_eq(banked_text(json, "status"), "failed");
    cr_expect_str_eq(banked_text(json, "status.failed.failure.failure.sub.code"), "insufficient_merchant_funds", "%s",
                     json_dumps(json, 0));
    json_decref(json);
    cr_expect_eq(banked_own(&banked, ACCOUNT_MERCHANT), merchant);
    cr_expect_str_eq(banked_books(&banked), "");
    expect_book("");
    json_decref(banked_invoice(&banked, "inv-2"));
    json_decref(banked_pay(&banked, "inv-2", "no_preauth/2", NULL));
    cr_expect_str_eq(refund(REFUNDS "?wait=20", "{}", "2"), "succeeded");
    cr_expect_str_eq(banked_books(&banked), "");
    expect_book("42000 RUB");
    banked_close(&banked);
}

/* If it fails, a refund whose answer was lost, or that was asked for twice, is made twice. */
Test(api_refunds, a_refund_is_made_once, .timeout = 90)
{
    static const char named[] = "{\"id\":\"r-7\"," RUB(10000) "}";
    json_t *json;

    open_captured("no_preauth", true);
    banked_fault(&banked, "{\"kind\":\"delay\",\"next\":1,\"ms\":1000,\"target\":\"refunded\"}");
    json = banked_must(&banked, "POST", REFUNDS, named, 202);
    cr_expect_str_eq(banked_text(json, "status"), "pending");
    json_decref(json);
    json = banked_must(&banked, "POST", REFUNDS, named, 202);
    cr_expect_str_eq(banked_text(json, "cash.amount"), "10000", "the same one");
    json_decref(json);
    banked_refused(&banked, "POST", REFUNDS, "{\"id\":\"r-7\"}", 409, "IdReused");
    banked_until(&banked, REFUNDS "/r-7", "status", "succeeded");
    cr_expect_str_eq(refund(REFUNDS "?wait=20", named, "r-7"), "succeeded");
    expect_book("10000 RUB");
    banked_fault(&banked, "{\"kind\":\"lost_after\",\"next\":2,\"target\":\"refunded\"}");
    cr_expect_str_eq(refund(REFUNDS "?wait=20", "{" RUB(2000) "}", "1"), "succeeded", "asked again under the same key");
    expect_book("10000 RUB, 2000 RUB");
    cr_expect_str_eq(banked_books(&banked), "");
    banked_close(&banked);
}

/* Posts the bank's form that the newest suspension of inv-1 waits for; dropped. */
static void post_form(void)
{
    json_t *events = banked_must(&banked, "GET", "/v1/invoices/inv-1/events", NULL, 200);
    char *text = json_dumps(events, 0), *at, *tag = NULL;
    struct http_reply reply;
    char body[256];

    for (at = text; (at = strstr(at, "\"tag\": \"")); tag = at += strlen("\"tag\": \""))
        ;
    cr_assert(tag, "nothing is suspended: %s", text);
    snprintf(body, sizeof(body), "tag=%.*s", (int)strcspn(tag, "\""), tag);
    reply = http_request(banked.bank.port, "POST", "/form", "Content-Type: application/x-www-form-urlencoded\r\n", body);
    cr_assert(reply.status >= 200 && reply.status < 400, "%s: %d %s", body, reply.status, reply.body);
    http_reply_clear(&reply);
    free(text);
    json_decref(events);
}

/* If it fails, a refund that waits for somebody is never woken, or another one overtakes it. */
Test(api_refunds, a_refund_may_wait_for_a_callback, .timeout = 90)
{
    json_t *json;

    banked_open(&banked, NULL);
    json_decref(banked_invoice(&banked, "inv-2"));
    json_decref(banked_pay(&banked, "inv-2", "no_preauth/2", NULL));
    json_decref(banked_invoice(&banked, "inv-1"));
    json_decref(banked_pay(&banked, "inv-1", "preauth_3ds:timeout=60", NULL));
    post_form();
    banked_until(&banked, PAYMENT, "payment.status", "captured");
    json = banked_must(&banked, "POST", REFUNDS "?wait=20", "{\"id\":\"r\"," RUB(10000) "}", 202);
    cr_expect_str_eq(banked_text(json, "status"), "pending");
    json_decref(json);
    json = banked_must(&banked, "GET", PAYMENT, NULL, 200);
    cr_expect_str_eq(banked_text(json, "activity"), "refund_session");
    cr_expect_str_eq(banked_text(json, "payment.status"), "captured");
    json_decref(json);
    banked_refused(&banked, "POST", REFUNDS, "{" RUB(10000) "}", 422, "OperationNotPermitted");
    json_decref(banked_must(&banked, "POST", REFUNDS, "{\"id\":\"r\"," RUB(10000) "}", 202));
    post_form();
    banked_until(&banked, REFUNDS "/r", "status", "succeeded");
    expect_book("10000 RUB");
    cr_expect_str_eq(banked_books(&banked), "");
    banked_close(&banked);
}

/* If it fails, what the bank declines stays held, or ends the payment. */
Test(api_refunds, a_declined_refund_leaves_the_payment, .timeout = 90)
{
    int64_t merchant;
    json_t *json;

    open_captured("scenario_ggfg", true); /* authorised, captured, declined, refunded */
    merchant = banked_own(&banked, ACCOUNT_MERCHANT);
    cr_expect_str_eq(refund(REFUNDS "?wait=20", "{" RUB(10000) "}", "1"), "failed");
    cr_expect_eq(banked_own(&banked, ACCOUNT_MERCHANT), merchant);
    cr_expect_str_eq(banked_books(&banked), "");
    expect_book("");
    json = banked_must(&banked, "GET", PAYMENT, NULL, 200);
    cr_expect_str_eq(banked_text(json, "payment.status"), "captured");
    json_decref(json);
    banked_close(&banked);
}

/* If it fails, a manual refund needs the bank, or is not booked. */
Test(api_refunds, manual_refunds_are_booked, .timeout = 90)
{
    static const char path[] = PAYMENT "/manual-refunds?wait=20";
    static const char trx[] = ",\"transaction_info\":{\"id\":\"test\",\"extra\":{}}}";
    char body[256];
    int64_t merchant;
    json_t *json;

    open_captured("no_preauth", true);
    merchant = banked_own(&banked, ACCOUNT_MERCHANT);
    snprintf(body, sizeof(body), "{" RUB(10000) ",\"reason\":\"manual\"%s", trx);
    cr_expect_str_eq(refund(path, body, "m1"), "succeeded");
    expect_book("");
    cr_expect_eq(banked_own(&banked, ACCOUNT_MERCHANT), merchant - 10000 - FEE);
    json = banked_must(&banked, "GET", PAYMENT, NULL, 200);
    cr_expect_str_eq(banked_text(json, "refunds.0.sessions.0.transaction_info.id"), "test");
    json_decref(json);
    cr_expect_str_eq(refund(path, "{" RUB(10000) "}", "m2"), "succeeded");
    expect_book("10000 RUB");
    cr_expect_str_eq(banked_books(&banked), "");
    banked_refused(&banked, "POST", REFUNDS, "{" RUB(10000) ",\"transaction_info\":{\"id\":\"t\",\"extra\":{}}}", 400,
                   "InvalidRequest");
    banked_close(&banked);
}

/* If it fails, callers' mistakes have other words than promised, or leave traces. */
Test(api_refunds, refusals, .timeout = 90)
{
    static const struct {
        const char *path, *body;
        int status;
        const char *error;
    } rows[] = {
        { "/v1/invoices/nobody/payments/1/refunds", "{}", 404, "InvoiceNotFound" },
        { "/v1/invoices/inv-1/payments/9/refunds", "{}", 404, "InvoicePaymentNotFound" },
        { REFUNDS, "{\"id\":\"m1\"}", 400, "InvalidRequest" },
        { REFUNDS, "{\"cash\":{\"amount\":5000,\"currency\":{\"symbolic_code\":\"EUR\"}}}", 422,
          "InconsistentRefundCurrency" },
        { REFUNDS, "{" RUB(50) "}", 400, "InvalidRequest" },
        { REFUNDS, "{" RUB(5000) ",\"allocation\":{}}", 422, "AllocationNotAllowed" },
        { REFUNDS, "{\"cart\":{\"lines\":[]}}", 400, "InvalidRequest" },
        { REFUNDS, "{\"amount\":5000}", 400, "InvalidRequest" },
        { REFUNDS "?wait=61", "{}", 400, "InvalidRequest" },
    };
    char *before, *after;
    size_t i;

    open_captured("no_preauth", true);
    before = daemon_fixture_digest(&banked.daemon);
    for (i = 0; i < SL_COUNT(rows); i++)
        banked_refused(&banked, "POST", rows[i].path, rows[i].body, rows[i].status, rows[i].error);
    banked_refused(&banked, "GET", REFUNDS "/1", NULL, 404, "InvoicePaymentRefundNotFound");
    banked_refused(&banked, "GET", "/v1/invoices/inv-1/payments/9/refunds/1", NULL, 404, "InvoicePaymentNotFound");
    after = daemon_fixture_digest(&banked.daemon);
    cr_expect_str_eq(before, after);
    free(before);
    free(after);
    banked_close(&banked);
}

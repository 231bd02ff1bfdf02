/* What the HTTP API refuses, and whom: a real sluiced on a real Redis. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xmalloc.h"
#include "support/api_calls.h"

#define MERCHANT "Authorization: Bearer merchant-acme-token\r\n"
#define OTHER "Authorization: Bearer merchant-globex-token\r\n"
#define PROVIDER "Authorization: Bearer provider-bank-token\r\n"
#define READER "Authorization: Bearer reader-of-all-token\r\n"
#define OPERATOR "Authorization: Bearer operator-of-all-token\r\n"

/* Bodies made from the good invoice by one exchange. */
static const struct {
    const char *name, *from, *to, *field;
} bad_invoices[] = {
    { "text for a number", "42000", "\"42000\"", "/cost/amount" },
    { "a real where money belongs", "42000", "42000.0", "/cost/amount" },
    { "an integer past 64 bits", "42000", "99999999999999999999", "" },
    { "a number for text", "\"A book\"", "7", "/details/product" },
    { "null for text", "\"A book\"", "null", "/details/product" },
    { "a list for a struct", "\"cost\": {", "\"cost\": [], \"cash\": {", "/cost" },
    { "an unknown field", "\"shop_id\"", "\"shopid\"", NULL },
    { "an unknown field deep inside", "\"product\"", "\"colour\": \"red\", \"product\"", "/details/colour" },
    { "a duplicate key", "\"due\"", "\"id\": \"again\", \"due\"", "" },
    { "no such time", "2030-01-01T", "2030-13-01T", "/due" },
    { "a time without a zone", "00:00:00Z", "00:00:00", "/due" },
    { "an id with a blank", "\"demo-1\"", "\"demo 1\"", "/id" },
    { "an id with a Redis tag", "\"demo-1\"", "\"{demo}\"", "/id" },
    { "an empty id", "\"demo-1\"", "\"\"", "/id" },
    { "not base64", "ZGVtbw==", "?demo?", "/context/data" },
    { "an allocation", "\"due\"", "\"allocation\": {\"transactions\": []}, \"due\"", "/allocation" },
    { "an amount that is randomised past the greatest", "\"cost\": {\n    \"amount\": 42000",
      "\"mutations\": [{\"amount\": {\"randomization\": {\"deviation\": 1000000000000000, \"precision\": 0, \"direction\": "
      "\"upward\"}}}], \"cost\": {\"amount\": 999999999999999", "/cost/amount" },
    { "bytes after the value", "\"party_id\"", "\"x\": 1}, {\"party_id\"", "" },
    { "NUL in text", "A book", "A\\u0000book", NULL },
    { "not UTF-8", "A book", "A \xff book", "" },
};

/* If it fails, a caller's mistake passes in silence, is answered without its place, or leaves a trace. */
Test(api, malformed_invoices_are_refused_with_their_place_and_change_nothing, .timeout = 60)
{
    char *good = daemon_fixture_file("examples/invoice.json"), *before, *after, *body;
    struct daemon_fixture daemon;
    size_t i;

    api_open_configured(&daemon);
    before = daemon_fixture_digest(&daemon);
    for (i = 0; i < SL_COUNT(bad_invoices); i++) {
        body = api_exchanged(good, bad_invoices[i].from, bad_invoices[i].to);
        api_check_refusal(daemon.port, &(struct api_refusal){ bad_invoices[i].name, "POST", "/v1/invoices", JSON_TYPE, body, 400,
                                                      "InvalidRequest", bad_invoices[i].field });
        free(body);
    }
    after = daemon_fixture_digest(&daemon);
    cr_assert_str_eq(before, after);
    free(before);
    free(after);
    free(good);
    daemon_fixture_close(&daemon);
}

#define START "{\"id\":\"p\",\"payer\":{\"payment_resource\":{\"resource\":{\"payment_tool\":%s}," \
              "\"contact_info\":{}}},\"flow\":{\"instant\":{}}}"

#define PAN "4242424242424242"
#define WITH_CARD(TOKEN) "{\"bank_card\":{\"token\":\"" TOKEN "\",\"payment_system\":{\"id\":\"VISA\"},\"bin\":\"424242\",\"last_digits\":\"4242\"}}"

static const struct api_refusal refusals[] = {
    /* card numbers, which would stand in histories and in names of keys */
    { "a card number as a card's token", "POST", "/v1/invoices/inv/payments", JSON_TYPE,
      "{\"id\":\"p\",\"payer\":{\"payment_resource\":{\"resource\":{\"payment_tool\":" WITH_CARD(PAN) "},"
      "\"contact_info\":{}}},\"flow\":{\"instant\":{}}}", 400, "InvalidRequest",
      "/payer/payment_resource/resource/payment_tool/bank_card/token" },
    { "a card number as an id", "POST", "/v1/invoices/inv/payments", JSON_TYPE,
      "{\"id\":\"" PAN "\",\"payer\":{\"payment_resource\":{\"resource\":{\"payment_tool\":" WITH_CARD("t") "},"
      "\"contact_info\":{}}},\"flow\":{\"instant\":{}}}", 400, "InvalidRequest", "/id" },
    { "a card number as an external id", "POST", "/v1/invoices/inv/payments/1/refunds", JSON_TYPE,
      "{\"external_id\":\"" PAN "\"}", 400, "InvalidRequest", "/external_id" },
    { "a card number as an idempotency key", "POST", "/v1/invoices/inv/rescind", JSON_TYPE "Idempotency-Key: " PAN "\r\n",
      "{\"reason\":\"r\"}", 400, "InvalidRequest", "Idempotency-Key" },
    { "no JSON", "POST", "/v1/invoices", JSON_TYPE, "{\"id\": ", 400, "InvalidRequest", "" },
    { "an empty body", "POST", "/v1/invoices", JSON_TYPE, "", 400, "InvalidRequest", "" },
    { "a list", "POST", "/v1/invoices", JSON_TYPE, "[]", 400, "InvalidRequest", "" },
    { "no content type", "POST", "/v1/invoices", NULL, "{}", 415, "UnsupportedMediaType", NULL },
    { "a form", "POST", "/v1/invoices", "Content-Type: application/x-www-form-urlencoded\r\n", "a=b", 415,
      "UnsupportedMediaType", NULL },
    { "a longer word", "POST", "/v1/invoices", "Content-Type: application/jsonp\r\n", "{}", 415, "UnsupportedMediaType",
      NULL },
    { "a configuration as text", "PUT", "/v1/domain", "Content-Type: text/plain\r\n", "{}", 415, "UnsupportedMediaType",
      NULL },
    { "no such path", "GET", "/v1/nothing", NULL, NULL, 404, "NotFound", NULL },
    { "no such root", "GET", "/", NULL, NULL, 404, "NotFound", NULL },
    { "a slash too many", "GET", "/v1/invoices/", NULL, NULL, 404, "NotFound", NULL },
    { "no such method", "DELETE", "/v1/invoices/inv-1", NULL, NULL, 405, "MethodNotAllowed", NULL },
    { "GET of a collection", "GET", "/v1/invoices", NULL, NULL, 405, "MethodNotAllowed", NULL },
    { "unknown invoice", "GET", "/v1/invoices/nobody", NULL, NULL, 404, "InvoiceNotFound", NULL },
    { "unknown invoice's events", "GET", "/v1/invoices/nobody/events", NULL, NULL, 404, "InvoiceNotFound", NULL },
    { "an id that none has", "GET", "/v1/invoices/a%20b", NULL, NULL, 404, "NotFound", NULL },
    { "a hidden end of text", "GET", "/v1/invoices/inv-1%00x", NULL, NULL, 404, "NotFound", NULL },
    { "a hidden slash", "GET", "/v1/invoices/inv-1%2Fevents", NULL, NULL, 404, "NotFound", NULL },
    { "unknown payment", "GET", "/v1/invoices/inv-1/payments/77", NULL, NULL, 404, "InvoicePaymentNotFound", NULL },
    { "unknown query parameter", "GET", "/v1/invoices/inv-1?verbose=1", NULL, NULL, 400, "InvalidRequest", "?verbose" },
    { "a parameter twice", "GET", "/v1/invoices/inv-1?at_event=1&at_event=2", NULL, NULL, 400, "InvalidRequest",
      "?at_event" },
    { "a parameter that is no number", "GET", "/v1/invoices/inv-1?at_event=one", NULL, NULL, 400, "InvalidRequest",
      "?at_event" },
    { "a number with a blank", "GET", "/v1/invoices/inv-1?at_event=%201", NULL, NULL, 400, "InvalidRequest", "?at_event" },
    { "a number with a sign", "GET", "/v1/invoices/inv-1?at_event=+1", NULL, NULL, 400, "InvalidRequest", "?at_event" },
    { "event 0", "GET", "/v1/invoices/inv-1?at_event=0", NULL, NULL, 400, "InvalidRequest", "?at_event" },
    { "an event yet to come", "GET", "/v1/invoices/inv-1?at_event=999", NULL, NULL, 404, "EventNotFound", NULL },
    { "a limit of none", "GET", "/v1/invoices/inv-1/events?limit=0", NULL, NULL, 400, "InvalidRequest", "?limit" },
    { "a wait too long", "GET", "/v1/invoices/inv-1/events?wait=61", NULL, NULL, 400, "InvalidRequest", "?wait" },
    { "a number past 64 bits", "GET", "/v1/invoices/inv-1/events?after=9999999999999999999", NULL, NULL, 400,
      "InvalidRequest", "?after" },
    { "rescind nothing", "POST", "/v1/invoices/nobody/rescind", JSON_TYPE, "{\"reason\":\"x\"}", 404, "InvoiceNotFound",
      NULL },
    { "rescind without reason", "POST", "/v1/invoices/inv-1/rescind", JSON_TYPE, "{}", 400, "InvalidRequest", "/reason" },
    { "fulfil what is unpaid", "POST", "/v1/invoices/inv-1/fulfill", JSON_TYPE, "{\"reason\":\"x\"}", 409,
      "InvalidInvoiceStatus", NULL },
    { "pay what is not there", "POST", "/v1/invoices/nobody/payments", JSON_TYPE, NULL, 404, "InvoiceNotFound", NULL },
    { "two variants", "POST", "/v1/invoices/inv-1/payments", JSON_TYPE,
      "{\"payer\":{},\"flow\":{\"instant\":{},\"hold\":{}}}", 400, "InvalidRequest", NULL },
    { "no such callback", "POST", "/v1/provider/callbacks/nobody", JSON_TYPE, "{\"payload\":\"eA==\"}", 400,
      "InvalidRequest", NULL },
    { "no such tag", "GET", "/v1/provider/payments/nobody", NULL, NULL, 404, "PaymentNotFound", NULL },
    { "no such revision", "GET", "/v1/domain/999", NULL, NULL, 404, "VersionNotFound", NULL },
    { "a revision in words", "GET", "/v1/domain/newest", NULL, NULL, 404, "VersionNotFound", NULL },
    { "a stale If-Match", "PUT", "/v1/domain", JSON_TYPE "If-Match: \"7\"\r\n", "{\"objects\":[]}", 412,
      "ObsoleteCommitVersion", NULL },
    { "a bad If-Match", "PUT", "/v1/domain", JSON_TYPE "If-Match: newest\r\n", "{\"objects\":[]}", 400, "InvalidRequest",
      "If-Match" },
    { "an open If-Match", "PUT", "/v1/domain", JSON_TYPE "If-Match: \"1\r\n", "{\"objects\":[]}", 400, "InvalidRequest",
      "If-Match" },
    { "no account", "GET", "/v1/accounts/424242", NULL, NULL, 404, "AccountNotFound", NULL },
    { "an account in words", "GET", "/v1/accounts/cash", NULL, NULL, 404, "AccountNotFound", NULL },
    { "an unknown status", "GET", "/v1/machines?status=lazy", NULL, NULL, 400, "InvalidRequest", "?status" },
    { "repair what is well", "POST", "/v1/invoices/inv-1/repair", NULL, NULL, 409, "NoNeedToRepair", NULL },
};

/* If it fails, an error has the wrong status or name, or a refused request changes what is stored. */
Test(api, refusals_have_their_status_and_name_and_change_nothing, .timeout = 60)
{
    char *before, *after, *payment = daemon_fixture_file("examples/payment.json");
    struct daemon_fixture daemon;
    struct api_refusal row;
    size_t i;

    api_open_configured(&daemon);
    api_create(daemon.port, "inv-1", JSON_TYPE);
    before = daemon_fixture_digest(&daemon);
    for (i = 0; i < SL_COUNT(refusals); i++) {
        row = refusals[i];
        if (strstr(row.path, "/payments") && strcmp(row.method, "POST") == 0 && !row.body)
            row.body = payment;
        api_check_refusal(daemon.port, &row);
    }
    after = daemon_fixture_digest(&daemon);
    cr_assert_str_eq(before, after);
    free(before);
    free(after);
    free(payment);
    daemon_fixture_close(&daemon);
}

static char *repeated(const char *head, const char *piece, size_t count)
{
    struct buf text = BUF_EMPTY;
    size_t i;

    buf_str(&text, head);
    for (i = 0; i < count; i++)
        buf_str(&text, piece);
    return buf_take(&text);
}

/* If it fails, one request can take the daemon's memory or its stack. */
Test(api, what_is_too_much_is_refused, .timeout = 60)
{
    char *deep = repeated("{\"id\":", "[", 10000), *deep_raw = repeated("{\"allocation\":", "{\"a\":", 10000);
    char *long_line = repeated("X-Long: ", "xxxxxxxxxxxxxxxx", 4096), *lines = repeated(long_line, "\r\n", 1);
    char *big = repeated("\"", "xxxxxxxxxxxxxxxx", 1024 * 1024 / 16), *huge = repeated("\"", "xxxxxxxxxx", 1024 * 1024);
    struct daemon_fixture daemon;
    int status;

    api_open_configured(&daemon);
    api_check_refusal(daemon.port,
                  &(struct api_refusal){ "deep", "POST", "/v1/invoices", JSON_TYPE, deep, 400, "InvalidRequest", NULL });
    api_check_refusal(daemon.port,
                  &(struct api_refusal){ "deep raw", "POST", "/v1/invoices", JSON_TYPE, deep_raw, 400, "InvalidRequest", NULL });
    api_check_refusal(daemon.port,
                  &(struct api_refusal){ "big", "POST", "/v1/invoices", JSON_TYPE, big, 413, "ContentTooLarge", NULL });
    status = api_ask(daemon.port, "POST", "/v1/invoices", JSON_TYPE, huge, NULL);
    cr_assert_eq(status, 413, "huge: %d", status);
    status = api_ask(daemon.port, "GET", "/healthz", lines, NULL, NULL);
    cr_assert(status == 400 || status == 431 || status == 413, "headers: %d", status);
    cr_assert_eq(api_ask(daemon.port, "GET", "/healthz", NULL, NULL, NULL), 200);
    free(deep);
    free(deep_raw);
    free(long_line);
    free(lines);
    free(big);
    free(huge);
    daemon_fixture_close(&daemon);
}

/* ---- who may do what ---- */

static const char tokens[] =
    "[{\"name\":\"acme\",\"token\":\"merchant-acme-token\",\"role\":\"merchant\",\"party_id\":\"party-acme\"},"
    "{\"name\":\"globex\",\"token\":\"merchant-globex-token\",\"role\":\"merchant\",\"party_id\":\"party-globex\"},"
    "{\"name\":\"bank\",\"token\":\"provider-bank-token\",\"role\":\"provider\",\"provider_ids\":[1]},"
    "{\"name\":\"look\",\"token\":\"reader-of-all-token\",\"role\":\"reader\"},"
    "{\"name\":\"ops\",\"token\":\"operator-of-all-token\",\"role\":\"operator\"}]";

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    cr_assert(file);
    fputs(text, file);
    fclose(file);
}

static const struct {
    const char *name, *method, *path, *headers, *body;
    int status;
} access_rows[] = {
    { "no token", "GET", "/v1/invoices/inv-1", NULL, NULL, 401 },
    { "a wrong token", "GET", "/v1/invoices/inv-1", "Authorization: Bearer merchant-acme-tokem\r\n", NULL, 401 },
    { "a token's beginning", "GET", "/v1/invoices/inv-1", "Authorization: Bearer merchant-acme\r\n", NULL, 401 },
    { "another scheme", "GET", "/v1/invoices/inv-1", "Authorization: Basic merchant-acme-token\r\n", NULL, 401 },
    { "health needs none", "GET", "/healthz", NULL, NULL, 200 },
    { "readiness needs none", "GET", "/readyz", NULL, NULL, 200 },
    { "the description needs none", "GET", "/openapi.json", NULL, NULL, 200 },
    { "its own", "GET", "/v1/invoices/inv-1", MERCHANT, NULL, 200 },
    { "its own events", "GET", "/v1/invoices/inv-1/events", MERCHANT, NULL, 200 },
    { "another's", "GET", "/v1/invoices/inv-1", OTHER, NULL, 404 },
    { "another's events", "GET", "/v1/invoices/inv-1/events", OTHER, NULL, 404 },
    { "another's events, waiting", "GET", "/v1/invoices/inv-1/events?after=9&wait=5", OTHER, NULL, 404 },
    { "another's payment", "GET", "/v1/invoices/inv-1/payments/1", OTHER, NULL, 404 },
    { "cancel another's", "POST", "/v1/invoices/inv-1/rescind", OTHER JSON_TYPE, "{\"reason\":\"x\"}", 404 },
    { "unknown", "GET", "/v1/invoices/nobody", MERCHANT, NULL, 404 },
    { "a merchant's configuration", "GET", "/v1/domain", MERCHANT, NULL, 403 },
    { "a merchant's repair", "POST", "/v1/invoices/inv-1/repair", MERCHANT, NULL, 403 },
    { "a merchant's look at machines", "GET", "/v1/machines", MERCHANT, NULL, 403 },
    { "a merchant's callback", "POST", "/v1/provider/callbacks/t", MERCHANT JSON_TYPE, "{\"payload\":\"eA==\"}", 403 },
    { "a provider's look", "GET", "/v1/invoices/inv-1", PROVIDER, NULL, 403 },
    { "a provider's callback", "POST", "/v1/provider/callbacks/t", PROVIDER JSON_TYPE, "{\"payload\":\"eA==\"}", 400 },
    { "a reader reads", "GET", "/v1/invoices/inv-1", READER, NULL, 200 },
    { "a reader reads the configuration", "GET", "/v1/domain", READER, NULL, 200 },
    { "a reader writes", "POST", "/v1/invoices/inv-1/rescind", READER JSON_TYPE, "{\"reason\":\"x\"}", 403 },
    { "a reader's callback", "GET", "/v1/provider/payments/t", READER, NULL, 403 },
    { "the operator", "GET", "/v1/partitions", OPERATOR, NULL, 200 },
};

/* If it fails, somebody sees or moves what is not theirs. */
Test(api, each_token_may_do_its_own_and_no_more, .timeout = 60)
{
    char *domain = daemon_fixture_file("examples/domain.json"), *body = api_invoice_body("inv-1"), *shop, *other;
    struct daemon_fixture daemon;
    char path[] = "/tmp/sluice-tokens-XXXXXX", option[64];
    int status;
    size_t i;

    close(mkstemp(path));
    write_file(path, tokens);
    snprintf(option, sizeof(option), "--tokens=%s", path);
    daemon_fixture_open(&daemon, option, NULL);
    daemon_fixture_configure(&daemon, OPERATOR, domain);
    api_create(daemon.port, "inv-1", MERCHANT JSON_TYPE);
    for (i = 0; i < SL_COUNT(access_rows); i++) {
        status = api_ask(daemon.port, access_rows[i].method, access_rows[i].path, access_rows[i].headers, access_rows[i].body,
                     NULL);
        cr_assert_eq(status, access_rows[i].status, "%s: %d", access_rows[i].name, status);
    }
    cr_assert_eq(api_ask(daemon.port, "POST", "/v1/invoices", OTHER JSON_TYPE, body, NULL), 403, "a bill of another party");
    shop = api_exchanged(body, "shop-acme-books", "shop-globex-travel");
    other = api_exchanged(shop, "party-acme", "party-globex");
    status = api_ask(daemon.port, "POST", "/v1/invoices", OTHER JSON_TYPE, other, NULL);
    cr_assert_eq(status, 201, "the same id of another party: %d", status);
    write_file(path, "[{\"name\":\"new\",\"token\":\"a-new-operator-token\",\"role\":\"operator\"}]");
    kill(daemon.pid, SIGHUP);
    for (i = 0; api_ask(daemon.port, "GET", "/v1/domain", OPERATOR, NULL, NULL) != 401; i++)
        cr_assert(i < 500, "the old token still works");
    cr_assert_eq(api_ask(daemon.port, "GET", "/v1/domain", "Authorization: bearer a-new-operator-token\r\n", NULL, NULL), 200);
    write_file(path, "[{\"name\":");
    kill(daemon.pid, SIGHUP);
    for (i = 0; i < 20; i++)
        cr_assert_eq(api_ask(daemon.port, "GET", "/v1/domain", "Authorization: bearer a-new-operator-token\r\n", NULL, NULL),
                     200, "a broken file took the tokens away");
    free(shop);
    free(other);
    free(body);
    free(domain);
    unlink(path);
    daemon_fixture_close(&daemon);
}

/* TEXT as the configuration; the status, and in *SAID the answer, the caller's. */
static int put_configuration(const struct daemon_fixture *daemon, const char *text, char **said)
{
    struct http_reply reply = http_request(daemon->port, "PUT", "/v1/domain", JSON_TYPE, text);
    int status = reply.status;

    *said = xstrdup(reply.body);
    http_reply_clear(&reply);
    return status;
}

static char *replaced_all(const char *text, const char *from, const char *to)
{
    struct buf out = BUF_EMPTY;
    const char *at;

    while ((at = strstr(text, from))) {
        buf_add(&out, text, (size_t)(at - text));
        buf_str(&out, to);
        text = at + strlen(from);
    }
    buf_str(&out, text);
    return buf_take(&out);
}

#define BY_AMOUNT "\"type\": {\"turnover\": {\"metric\": {\"amount\": {\"currency\": \"RUB\"}}}}"
#define BY_NUMBER "\"type\": {\"turnover\": {\"metric\": {\"number\": {}}}}"

/* If it fails, a counter goes on by another rule: 42000 by amount became 42001 when its limit was changed to count
 * by number. What counts is the configuration at the revision that the terms name (doc/spec/limits.md 2). */
Test(api, a_limit_is_changed_with_the_terms_that_use_it, .timeout = 60)
{
    struct daemon_fixture daemon;
    char *domain = daemon_fixture_file("examples/domain.json"), *said, *changed, *future, *described;

    changed = api_exchanged(domain, BY_AMOUNT, BY_NUMBER);
    described = api_exchanged(domain, "Monthly turnover of one shop", "What one shop turns over");
    future = replaced_all(changed, "\"domain_revision\": 1", "\"domain_revision\": 3");
    daemon_fixture_open(&daemon, "--insecure", NULL);
    daemon_fixture_configure(&daemon, "", domain);
    cr_expect_eq(put_configuration(&daemon, changed, &said), 422, "%.200s", said);
    cr_expect(strstr(said, "counts in another way than at revision 1; name 2"), "%.200s", said);
    free(said);
    cr_expect_eq(put_configuration(&daemon, future, &said), 422, "%.200s", said);
    cr_expect(strstr(said, "there is no revision 3 yet; this document becomes 2"), "%.200s", said);
    free(said);
    cr_expect_eq(put_configuration(&daemon, described, &said), 200, "told in other words, counted alike: %.200s", said);
    free(said);
    cr_expect_eq(put_configuration(&daemon, future, &said), 200, "the terms name it: %.200s", said);
    free(said);
    cr_expect_eq(put_configuration(&daemon, domain, &said), 422, "and back again: %.200s", said);
    free(said);
    free(domain);
    free(changed);
    free(described);
    free(future);
    daemon_fixture_close(&daemon);
}

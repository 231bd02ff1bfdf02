/* The HTTP API as its callers see it: a real sluiced on a real Redis. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "support/daemon_fixture.h"
#include "support/http.h"

#define JSON_TYPE "Content-Type: application/json\r\n"
#define MERCHANT "Authorization: Bearer merchant-acme-token\r\n"
#define OTHER "Authorization: Bearer merchant-globex-token\r\n"
#define PROVIDER "Authorization: Bearer provider-bank-token\r\n"
#define READER "Authorization: Bearer reader-of-all-token\r\n"
#define OPERATOR "Authorization: Bearer operator-of-all-token\r\n"

static const char tokens[] =
    "[{\"name\":\"acme\",\"token\":\"merchant-acme-token\",\"role\":\"merchant\",\"party_id\":\"party-acme\"},"
    "{\"name\":\"globex\",\"token\":\"merchant-globex-token\",\"role\":\"merchant\",\"party_id\":\"party-globex\"},"
    "{\"name\":\"bank\",\"token\":\"provider-bank-token\",\"role\":\"provider\"},"
    "{\"name\":\"look\",\"token\":\"reader-of-all-token\",\"role\":\"reader\"},"
    "{\"name\":\"ops\",\"token\":\"operator-of-all-token\",\"role\":\"operator\"}]";

/* A piece of TEXT exchanged for another; the caller's. */
static char *exchanged(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    struct buf out = BUF_EMPTY;

    cr_assert(at, "there is no %s in %s", from, text);
    buf_add(&out, text, (size_t)(at - text));
    buf_str(&out, to);
    buf_str(&out, at + strlen(from));
    return buf_take(&out);
}

static char *invoice_body(const char *id)
{
    char *text = daemon_fixture_file("examples/invoice.json"), *body = exchanged(text, "demo-1", id);

    free(text);
    return body;
}

/* The status; *OUT, if wanted, gets the JSON of the answer. */
static int ask(int port, const char *method, const char *path, const char *headers, const char *body, json_t **out)
{
    struct http_reply reply = http_request(port, method, path, headers, body);
    int status = reply.status;

    if (out)
        *out = http_reply_json(&reply);
    http_reply_clear(&reply);
    return status;
}

static const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    return text ? text : "";
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    cr_assert(file);
    fputs(text, file);
    fclose(file);
}

static void create(int port, const char *id, const char *headers)
{
    char *body = invoice_body(id);
    json_t *json;
    int status = ask(port, "POST", "/v1/invoices", headers, body, &json);

    cr_assert_eq(status, 201, "%d", status);
    json_decref(json);
    free(body);
}

static void open_configured(struct daemon_fixture *daemon)
{
    char *domain = daemon_fixture_file("examples/domain.json");

    daemon_fixture_open(daemon, "--insecure", NULL);
    daemon_fixture_configure(daemon, NULL, domain);
    free(domain);
}

/* ---- what is refused ---- */

struct refusal {
    const char *name, *method, *path, *headers, *body;
    int status;
    const char *error;
    const char *field; /* of the first fault; NULL: not looked at */
};

static void check_refusal(int port, const struct refusal *row)
{
    struct http_reply reply = http_request(port, row->method, row->path, row->headers, row->body);
    json_t *json = http_reply_json(&reply), *first;
    char type[64] = "";

    cr_assert_eq(reply.status, row->status, "%s: %d %s", row->name, reply.status, reply.body);
    http_reply_header(&reply, "Content-Type", type, sizeof(type));
    cr_assert_str_eq(type, "application/problem+json", "%s: %s", row->name, type);
    cr_assert(json, "%s: %s", row->name, reply.body);
    cr_assert_str_eq(text_of(json, "error"), row->error, "%s: %s", row->name, reply.body);
    cr_assert_eq(json_integer_value(json_object_get(json, "status")), row->status, "%s: %s", row->name, reply.body);
    cr_assert(*text_of(json, "title") && *text_of(json, "type"), "%s: %s", row->name, reply.body);
    if (row->field) {
        first = json_array_get(json_object_get(json, "errors"), 0);
        cr_assert_str_eq(text_of(first, "field"), row->field, "%s: %s", row->name, reply.body);
        cr_assert(*text_of(first, "message"), "%s: %s", row->name, reply.body);
    }
    json_decref(json);
    http_reply_clear(&reply);
}

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

    open_configured(&daemon);
    before = daemon_fixture_digest(&daemon);
    for (i = 0; i < SL_COUNT(bad_invoices); i++) {
        body = exchanged(good, bad_invoices[i].from, bad_invoices[i].to);
        check_refusal(daemon.port, &(struct refusal){ bad_invoices[i].name, "POST", "/v1/invoices", JSON_TYPE, body, 400,
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

static const struct refusal refusals[] = {
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
    struct refusal row;
    size_t i;

    open_configured(&daemon);
    create(daemon.port, "inv-1", JSON_TYPE);
    before = daemon_fixture_digest(&daemon);
    for (i = 0; i < SL_COUNT(refusals); i++) {
        row = refusals[i];
        if (strstr(row.path, "/payments") && strcmp(row.method, "POST") == 0 && !row.body)
            row.body = payment;
        check_refusal(daemon.port, &row);
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

    open_configured(&daemon);
    check_refusal(daemon.port,
                  &(struct refusal){ "deep", "POST", "/v1/invoices", JSON_TYPE, deep, 400, "InvalidRequest", NULL });
    check_refusal(daemon.port,
                  &(struct refusal){ "deep raw", "POST", "/v1/invoices", JSON_TYPE, deep_raw, 400, "InvalidRequest", NULL });
    check_refusal(daemon.port,
                  &(struct refusal){ "big", "POST", "/v1/invoices", JSON_TYPE, big, 413, "ContentTooLarge", NULL });
    status = ask(daemon.port, "POST", "/v1/invoices", JSON_TYPE, huge, NULL);
    cr_assert_eq(status, 413, "huge: %d", status);
    status = ask(daemon.port, "GET", "/healthz", lines, NULL, NULL);
    cr_assert(status == 400 || status == 431 || status == 413, "headers: %d", status);
    cr_assert_eq(ask(daemon.port, "GET", "/healthz", NULL, NULL, NULL), 200);
    free(deep);
    free(deep_raw);
    free(long_line);
    free(lines);
    free(big);
    free(huge);
    daemon_fixture_close(&daemon);
}

/* ---- who may do what ---- */

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
    char *domain = daemon_fixture_file("examples/domain.json"), *body = invoice_body("inv-1"), *shop, *other;
    struct daemon_fixture daemon;
    char path[] = "/tmp/sluice-tokens-XXXXXX", option[64];
    int status;
    size_t i;

    close(mkstemp(path));
    write_file(path, tokens);
    snprintf(option, sizeof(option), "--tokens=%s", path);
    daemon_fixture_open(&daemon, option, NULL);
    daemon_fixture_configure(&daemon, OPERATOR, domain);
    create(daemon.port, "inv-1", MERCHANT JSON_TYPE);
    for (i = 0; i < SL_COUNT(access_rows); i++) {
        status = ask(daemon.port, access_rows[i].method, access_rows[i].path, access_rows[i].headers, access_rows[i].body,
                     NULL);
        cr_assert_eq(status, access_rows[i].status, "%s: %d", access_rows[i].name, status);
    }
    cr_assert_eq(ask(daemon.port, "POST", "/v1/invoices", OTHER JSON_TYPE, body, NULL), 403, "a bill of another party");
    shop = exchanged(body, "shop-acme-books", "shop-globex-travel");
    other = exchanged(shop, "party-acme", "party-globex");
    status = ask(daemon.port, "POST", "/v1/invoices", OTHER JSON_TYPE, other, NULL);
    cr_assert_eq(status, 403, "an id of another party: %d", status);
    write_file(path, "[{\"name\":\"new\",\"token\":\"a-new-operator-token\",\"role\":\"operator\"}]");
    kill(daemon.pid, SIGHUP);
    for (i = 0; ask(daemon.port, "GET", "/v1/domain", OPERATOR, NULL, NULL) != 401; i++)
        cr_assert(i < 500, "the old token still works");
    cr_assert_eq(ask(daemon.port, "GET", "/v1/domain", "Authorization: bearer a-new-operator-token\r\n", NULL, NULL), 200);
    write_file(path, "[{\"name\":");
    kill(daemon.pid, SIGHUP);
    for (i = 0; i < 20; i++)
        cr_assert_eq(ask(daemon.port, "GET", "/v1/domain", "Authorization: bearer a-new-operator-token\r\n", NULL, NULL),
                     200, "a broken file took the tokens away");
    free(shop);
    free(other);
    free(body);
    free(domain);
    unlink(path);
    daemon_fixture_close(&daemon);
}

/* ---- what works ---- */

/* If it fails, the first steps of every integration fail. */
Test(api, an_invoice_is_created_once_read_back_and_cancelled, .timeout = 60)
{
    char *body = invoice_body("inv-2"), location[64] = "";
    struct daemon_fixture daemon;
    struct http_reply reply;
    json_t *json, *again;

    open_configured(&daemon);
    reply = http_request(daemon.port, "POST", "/v1/invoices", "Content-Type: application/json; charset=utf-8\r\n", body);
    cr_assert_eq(reply.status, 201, "%s", reply.body);
    http_reply_header(&reply, "Location", location, sizeof(location));
    cr_assert_str_eq(location, "/v1/invoices/inv-2");
    http_reply_clear(&reply);
    cr_assert_eq(ask(daemon.port, "POST", "/v1/invoices", JSON_TYPE, body, &again), 200);
    cr_assert_eq(ask(daemon.port, "GET", location, NULL, NULL, &json), 200);
    cr_assert_str_eq(text_of(json_object_get(again, "invoice"), "id"), "inv-2");
    cr_assert(json_equal(json_object_get(again, "invoice"), json_object_get(json, "invoice")));
    json_decref(again);
    json_decref(json);
    cr_assert_eq(ask(daemon.port, "POST", "/v1/invoices/inv-2/rescind", JSON_TYPE, "{\"reason\":\"wrong\"}", &json), 200);
    cr_assert(json_object_get(json_object_get(json_object_get(json, "invoice"), "status"), "cancelled"));
    json_decref(json);
    check_refusal(daemon.port, &(struct refusal){ "again", "POST", "/v1/invoices/inv-2/rescind", JSON_TYPE,
                                                  "{\"reason\":\"wrong\"}", 409, "InvalidInvoiceStatus", NULL });
    cr_assert_eq(ask(daemon.port, "GET", "/v1/invoices/inv-2?at_event=1", NULL, NULL, &json), 200);
    cr_assert(json_object_get(json_object_get(json_object_get(json, "invoice"), "status"), "unpaid"));
    json_decref(json);
    cr_assert_eq(ask(daemon.port, "GET", "/v1/invoices/inv-2/events?after=1&limit=1", NULL, NULL, &json), 200);
    cr_assert_eq(json_array_size(json), 1);
    cr_assert_eq(json_integer_value(json_object_get(json_array_get(json, 0), "id")), 2);
    json_decref(json);
    free(body);
    daemon_fixture_close(&daemon);
}

struct polling {
    pthread_t thread;
    int port;
    const char *path;
    struct http_reply reply;
    int64_t took_us;
};

static void *poll_run(void *arg)
{
    struct polling *polling = arg;
    int64_t began_us = clock_mono_us();

    polling->reply = http_request_within(30000, polling->port, "GET", polling->path, NULL, NULL);
    polling->took_us = clock_mono_us() - began_us;
    return NULL;
}

static void poll_begin(struct polling *polling, int port, const char *path)
{
    *polling = (struct polling){ .port = port, .path = path };
    cr_assert_eq(pthread_create(&polling->thread, NULL, poll_run, polling), 0);
}

/* Waits until PORT has as many requests open as it should. */
static void until_open(int port, int count)
{
    int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;
    struct http_reply reply;
    char line[64];
    bool there = false;

    snprintf(line, sizeof(line), "\nsluice_http_open %d\n", count + 1); /* that of the figures, too */
    while (!there) {
        cr_assert(clock_mono_us() < until_us, "the request did not arrive");
        reply = http_request(port, "GET", "/metrics", NULL, NULL);
        there = strstr(reply.body, line) != NULL;
        http_reply_clear(&reply);
    }
}

/* If it fails, a follower of an invoice hears of news late, or hears of nothing that another daemon did. */
Test(api, a_long_poll_ends_with_the_next_event_of_any_daemon, .timeout = 60)
{
    const char *words[] = { NULL, "--listen=127.0.0.1:0", "--durability=relaxed", "--insecure", "--name=second", NULL };
    struct daemon_fixture daemon, second = { .pid = 0 };
    struct polling here, there, nothing;
    char redis[128];
    json_t *json;
    int out;

    open_configured(&daemon);
    snprintf(redis, sizeof(redis), "--redis=%s", server_url(daemon.redis.server));
    words[0] = redis;
    second.pid = daemon_fixture_spawn("sluiced", daemon.log, words, &out);
    second.port = daemon_fixture_port(out);
    close(out);
    create(daemon.port, "inv-3", JSON_TYPE);
    poll_begin(&here, daemon.port, "/v1/invoices/inv-3/events?after=1&wait=20");
    poll_begin(&there, second.port, "/v1/invoices/inv-3/events?after=1&wait=20");
    poll_begin(&nothing, daemon.port, "/v1/invoices/inv-3/events?after=2&wait=1");
    until_open(daemon.port, 2);
    until_open(second.port, 1);
    cr_assert_eq(ask(daemon.port, "POST", "/v1/invoices/inv-3/rescind", JSON_TYPE, "{\"reason\":\"x\"}", NULL), 200);
    pthread_join(here.thread, NULL);
    pthread_join(there.thread, NULL);
    pthread_join(nothing.thread, NULL);
    json = http_reply_json(&here.reply);
    cr_assert_eq(json_array_size(json), 1, "%s", here.reply.body);
    cr_assert_str_eq(here.reply.body, there.reply.body);
    cr_assert_str_eq(nothing.reply.body, "[]");
    cr_assert(here.took_us < 10000000 && there.took_us < 10000000 && nothing.took_us >= 1000000);
    json_decref(json);
    http_reply_clear(&here.reply);
    http_reply_clear(&there.reply);
    http_reply_clear(&nothing.reply);
    kill(second.pid, SIGTERM);
    cr_assert_eq(daemon_fixture_wait(&second), 0);
    daemon_fixture_close(&daemon);
}

/* ---- with a bank ---- */

struct banked {
    struct daemon_fixture daemon, bank;
};

static void open_banked(struct banked *banked)
{
    const char *words[] = { "--port=0", NULL, NULL, NULL };
    char *domain = daemon_fixture_file("examples/domain.json"), *next, address[64], book[96], service[64];
    int out;

    daemon_fixture_open(&banked->daemon, "--insecure", NULL);
    snprintf(book, sizeof(book), "--book=%s/book", banked->daemon.redis.dir);
    snprintf(service, sizeof(service), "--service=http://127.0.0.1:%d", banked->daemon.port);
    words[1] = book;
    words[2] = service;
    banked->bank = (struct daemon_fixture){ .pid = daemon_fixture_spawn("mockbank", banked->daemon.log, words, &out) };
    banked->bank.port = daemon_fixture_port(out);
    close(out);
    snprintf(address, sizeof(address), "127.0.0.1:%d", banked->bank.port);
    while (strstr(domain, "127.0.0.1:8090")) {
        next = exchanged(domain, "127.0.0.1:8090", address);
        free(domain);
        domain = next;
    }
    daemon_fixture_configure(&banked->daemon, NULL, domain);
    free(domain);
}

static void close_banked(struct banked *banked)
{
    kill(banked->bank.pid, SIGTERM);
    daemon_fixture_wait(&banked->bank);
    daemon_fixture_close(&banked->daemon);
}

/* Creates an invoice and starts a payment with a card of the bank's; the payment's state after WAIT_S or at rest. */
static json_t *pay(const struct banked *banked, const char *id, const char *card, int wait_s)
{
    char *text = daemon_fixture_file("examples/payment.json"), *body = exchanged(text, "no_preauth", card), path[128];
    json_t *json;
    int status;

    create(banked->daemon.port, id, JSON_TYPE);
    snprintf(path, sizeof(path), "/v1/invoices/%s/payments?wait=%d", id, wait_s);
    status = ask(banked->daemon.port, "POST", path, JSON_TYPE, body, &json);
    cr_assert_eq(status, 202, "%s: %d", id, status);
    free(text);
    free(body);
    return json;
}

static const char *status_name(const json_t *state)
{
    const char *name = json_object_iter_key(json_object_iter(json_object_get(json_object_get(state, "payment"), "status")));

    return name ? name : "";
}

/* Waits until the payment has STATUS. */
static void until_status(const struct banked *banked, const char *id, const char *status)
{
    int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;
    char path[128];
    json_t *json;
    bool there;

    snprintf(path, sizeof(path), "/v1/invoices/%s/payments/1", id);
    do {
        cr_assert_eq(ask(banked->daemon.port, "GET", path, NULL, NULL, &json), 200);
        there = strcmp(status_name(json), status) == 0;
        cr_assert(there || clock_mono_us() < until_us, "%s is %s", id, status_name(json));
        json_decref(json);
    } while (!there);
}

/* The tag that the payment of invoice ID waits under, from its events. */
static void waiting_tag(const struct banked *banked, const char *id, char *tag, size_t size)
{
    static const char before[] = "\"session_suspended\":{\"tag\":\"";
    struct http_reply reply;
    char path[128];
    const char *at;

    snprintf(path, sizeof(path), "/v1/invoices/%s/events", id);
    reply = http_request(banked->daemon.port, "GET", path, NULL, NULL);
    at = strstr(reply.body, before);
    cr_assert(at, "%s", reply.body);
    at += strlen(before);
    snprintf(tag, size, "%.*s", (int)strcspn(at, "\""), at);
    http_reply_clear(&reply);
}

/* If it fails, StartPayment with ?wait does not tell how the payment ended, or the books do not show it. */
Test(api, a_payment_runs_to_its_end_and_to_the_books, .timeout = 60)
{
    static const char *const shop[] = { "/v1/accounts/3001", "/v1/accounts/3002" };
    int64_t own = 0;
    struct banked banked;
    json_t *json;
    size_t i;

    open_banked(&banked);
    json = pay(&banked, "inv-4", "no_preauth", 20);
    cr_assert_str_eq(status_name(json), "captured");
    json_decref(json);
    cr_assert_eq(ask(banked.daemon.port, "GET", "/v1/invoices/inv-4", NULL, NULL, &json), 200);
    cr_assert(json_object_get(json_object_get(json_object_get(json, "invoice"), "status"), "paid"));
    json_decref(json);
    for (i = 0; i < SL_COUNT(shop); i++) {
        cr_assert_eq(ask(banked.daemon.port, "GET", shop[i], NULL, NULL, &json), 200, "%s", shop[i]);
        own += json_integer_value(json_object_get(json, "own_amount"));
        cr_assert_str_eq(text_of(json_object_get(json, "currency"), "symbolic_code"), "RUB");
        json_decref(json);
    }
    cr_assert(own > 0 && own < 42000, "the shop got %lld", (long long)own);
    close_banked(&banked);
}

/* If it fails, a payment that waits for its payer is never told that the payer came, or that nobody will. */
Test(api, a_waiting_payment_hears_from_the_bank, .timeout = 60)
{
    char tag[256], path[320], form[320];
    struct banked banked;
    json_t *json;

    open_banked(&banked);
    json = pay(&banked, "inv-9", "preauth_3ds:timeout=30", 20);
    cr_assert_str_eq(status_name(json), "pending");
    json_decref(json);
    waiting_tag(&banked, "inv-9", tag, sizeof(tag));
    snprintf(path, sizeof(path), "/v1/provider/payments/%s", tag);
    cr_assert_eq(ask(banked.daemon.port, "GET", path, NULL, NULL, &json), 200);
    cr_assert(json_object_get(json, "payment") && json_object_get(json, "invoice"), "%s", json_dumps(json, 0));
    json_decref(json);
    snprintf(form, sizeof(form), "tag=%s", tag);
    cr_assert_eq(ask(banked.bank.port, "POST", "/form", "Content-Type: application/x-www-form-urlencoded\r\n", form, NULL),
                 200);
    until_status(&banked, "inv-9", "captured");
    snprintf(path, sizeof(path), "/v1/provider/callbacks/%s", tag);
    check_refusal(banked.daemon.port, &(struct refusal){ "a callback again", "POST", path, JSON_TYPE,
                                                         "{\"payload\":\"eA==\"}", 400, "InvalidRequest", NULL });

    json_decref(pay(&banked, "inv-10", "preauth_3ds:timeout=30", 20));
    waiting_tag(&banked, "inv-10", tag, sizeof(tag));
    snprintf(path, sizeof(path), "/v1/provider/sessions/%s", tag);
    cr_assert_eq(ask(banked.daemon.port, "POST", path, JSON_TYPE,
                     "{\"change\":{\"status\":{\"failure\":{\"code\":\"authorization_failed\"}}}}", NULL), 200);
    until_status(&banked, "inv-10", "failed");
    close_banked(&banked);
}

/* If it fails, HTTP's own rules are broken and proxies and clients stumble. */
Test(api, methods_of_http_itself_are_served, .timeout = 60)
{
    struct daemon_fixture daemon;
    struct http_reply reply;
    char allow[64] = "", length[32] = "";

    daemon_fixture_open(&daemon, "--insecure", NULL);
    reply = http_request(daemon.port, "OPTIONS", "/v1/domain", NULL, NULL);
    http_reply_header(&reply, "Allow", allow, sizeof(allow));
    cr_assert_eq(reply.status, 204, "%d", reply.status);
    cr_assert_str_eq(allow, "GET, HEAD, PUT, OPTIONS");
    http_reply_clear(&reply);
    reply = http_request(daemon.port, "POST", "/healthz", JSON_TYPE, "{}");
    http_reply_header(&reply, "Allow", allow, sizeof(allow));
    cr_assert_eq(reply.status, 405);
    cr_assert_str_eq(allow, "GET, HEAD, OPTIONS");
    http_reply_clear(&reply);
    reply = http_request(daemon.port, "HEAD", "/healthz", NULL, NULL);
    cr_assert_eq(reply.body_len, 0);
    http_reply_header(&reply, "Content-Length", length, sizeof(length));
    cr_assert(atoi(length) > 0, "%s", reply.headers); /* which it would have, so the reply counts as cut off */
    http_reply_clear(&reply);
    daemon_fixture_close(&daemon);
}

/* If it fails, a configuration that cannot work is taken, or two operators overwrite each other. */
Test(api, a_configuration_is_checked_as_a_whole_and_made_from_the_head, .timeout = 60)
{
    char *domain = daemon_fixture_file("examples/domain.json"), *bad, *worse, etag[16] = "";
    struct daemon_fixture daemon;
    struct http_reply reply;
    json_t *json;

    daemon_fixture_open(&daemon, "--insecure", NULL);
    cr_assert_eq(ask(daemon.port, "GET", "/readyz", NULL, NULL, NULL), 503);
    check_refusal(daemon.port, &(struct refusal){ "none", "GET", "/v1/domain", NULL, NULL, 404, "VersionNotFound", NULL });
    daemon_fixture_configure(&daemon, "If-Match: \"0\"\r\n", domain);
    cr_assert_eq(ask(daemon.port, "GET", "/readyz", NULL, NULL, NULL), 200);
    reply = http_request(daemon.port, "GET", "/v1/domain", NULL, NULL);
    http_reply_header(&reply, "ETag", etag, sizeof(etag));
    cr_assert_str_eq(etag, "\"1\"");
    http_reply_clear(&reply);
    cr_assert_eq(ask(daemon.port, "PUT", "/v1/domain", JSON_TYPE "If-Match: \"0\"\r\n", domain, NULL), 412);
    daemon_fixture_configure(&daemon, "If-Match: \"1\"\r\n", domain);
    bad = exchanged(domain, "\"exponent\": 2", "\"exponent\": -2");
    worse = exchanged(bad, "\"name\": \"US dollar\"", "\"nom\": \"US dollar\"");
    cr_assert_eq(ask(daemon.port, "PUT", "/v1/domain", JSON_TYPE, worse, &json), 422);
    cr_assert(json_array_size(json_object_get(json, "errors")) >= 2, "%s", json_dumps(json, 0));
    json_decref(json);
    cr_assert_eq(ask(daemon.port, "GET", "/v1/domain/1", NULL, NULL, NULL), 200);
    cr_assert_eq(ask(daemon.port, "GET", "/v1/domain/3", NULL, NULL, NULL), 404);
    free(domain);
    free(bad);
    free(worse);
    daemon_fixture_close(&daemon);
}

static const struct {
    const char *path;
    json_type type;
} views[] = {
    { "/v1/accounts/1", JSON_OBJECT }, { "/v1/machines", JSON_ARRAY }, { "/v1/machines?status=retrying", JSON_ARRAY },
    { "/v1/machines?status=waiting&limit=1", JSON_ARRAY }, { "/v1/timers", JSON_ARRAY }, { "/v1/daemons", JSON_ARRAY },
    { "/v1/partitions", JSON_ARRAY }, { "/openapi.json", JSON_OBJECT }, { "/v1/feed", JSON_OBJECT },
};

/* If it fails, operators cannot see what the daemon sees. */
Test(api, operators_can_look_at_everything, .timeout = 60)
{
    struct daemon_fixture daemon;
    json_t *json;
    size_t i;
    int status;

    open_configured(&daemon);
    create(daemon.port, "inv-5", JSON_TYPE);
    for (i = 0; i < SL_COUNT(views); i++) {
        status = ask(daemon.port, "GET", views[i].path, NULL, NULL, &json);
        if (i == 0 && status == 404) {
            json_decref(json); /* an account that the example does not name */
            continue;
        }
        cr_assert_eq(status, 200, "%s: %d", views[i].path, status);
        cr_assert_eq(json_typeof(json), views[i].type, "%s", views[i].path);
        json_decref(json);
    }
    cr_assert_eq(ask(daemon.port, "GET", "/v1/machines?status=waiting", NULL, NULL, &json), 200);
    cr_assert_str_eq(text_of(json_array_get(json, 0), "id"), "inv-5");
    json_decref(json);
    cr_assert_eq(ask(daemon.port, "GET", "/v1/partitions", NULL, NULL, &json), 200);
    cr_assert_eq(json_array_size(json), FIXTURE_PARTITIONS);
    json_decref(json);
    daemon_fixture_close(&daemon);
}

/* Reads the feed in pages of LIMIT until it is empty; how many events came. SEEN counts them by invoice, and each
 * invoice's must come in order. */
static int read_feed(int port, int limit, int invoices, int *seen, char *cursor, size_t size)
{
    int count = 0, status, which;
    json_t *json, *event;
    char path[512];
    size_t i;

    for (;;) {
        snprintf(path, sizeof(path), "/v1/feed?limit=%d%s%s", limit, *cursor ? "&cursor=" : "", cursor);
        status = ask(port, "GET", path, NULL, NULL, &json);
        cr_assert_eq(status, 200, "%s: %d", path, status);
        snprintf(cursor, size, "%s", text_of(json, "cursor"));
        cr_assert(json_array_size(json_object_get(json, "events")) <= (size_t)limit);
        if (json_array_size(json_object_get(json, "events")) == 0)
            break;
        json_array_foreach(json_object_get(json, "events"), i, event) {
            which = atoi(text_of(json_object_get(event, "source"), "invoice_id") + strlen("feed-"));
            cr_assert(which >= 0 && which < invoices);
            cr_assert_eq(json_integer_value(json_object_get(event, "id")), ++seen[which], "invoice %d", which);
            count++;
        }
        json_decref(json);
    }
    json_decref(json);
    return count;
}

/* If it fails, a consumer of all events misses some, or gets some twice or in the wrong order. */
Test(api, the_feed_has_each_event_once_and_wakes_who_waits, .timeout = 60)
{
    char cursor[256] = "", path[320], id[32];
    struct daemon_fixture daemon;
    struct polling polling;
    int seen[12] = { 0 };
    json_t *json;
    int i;

    open_configured(&daemon);
    for (i = 0; i < 12; i++) {
        snprintf(id, sizeof(id), "feed-%d", i);
        create(daemon.port, id, JSON_TYPE);
        snprintf(path, sizeof(path), "/v1/invoices/feed-%d/rescind", i);
        cr_assert_eq(ask(daemon.port, "POST", path, JSON_TYPE, "{\"reason\":\"x\"}", NULL), 200);
    }
    cr_assert_eq(read_feed(daemon.port, 5, 12, seen, cursor, sizeof(cursor)), 24);
    snprintf(path, sizeof(path), "/v1/feed?wait=20&cursor=%s", cursor);
    poll_begin(&polling, daemon.port, path);
    until_open(daemon.port, 1);
    create(daemon.port, "news", JSON_TYPE);
    pthread_join(polling.thread, NULL);
    json = http_reply_json(&polling.reply);
    cr_assert_eq(json_array_size(json_object_get(json, "events")), 1, "%s", polling.reply.body);
    cr_assert(polling.took_us < 10000000);
    json_decref(json);
    http_reply_clear(&polling.reply);
    check_refusal(daemon.port, &(struct refusal){ "cursor", "GET", "/v1/feed?cursor=1.2", NULL, NULL, 400,
                                                  "InvalidRequest", "?cursor" });
    daemon_fixture_close(&daemon);
}

/* Every $ref in JSON leads to a schema. */
static void check_references(const json_t *json, const json_t *schemas)
{
    static const char before[] = "#/components/schemas/";
    const json_t *value;
    const char *key, *to;
    size_t i;

    json_array_foreach(json, i, value)
        check_references(value, schemas);
    json_object_foreach((json_t *)(uintptr_t)json, key, value) {
        to = strcmp(key, "$ref") == 0 ? json_string_value(value) : NULL;
        if (to)
            cr_assert(strncmp(to, before, strlen(before)) == 0 && json_object_get(schemas, to + strlen(before)), "%s", to);
        check_references(value, schemas);
    }
}

/* If it fails, clients made from the description do not build, or know nothing of an operation. */
Test(api, the_description_is_whole, .timeout = 60)
{
    json_t *json, *path, *operation, *ids = json_object(), *schemas;
    struct daemon_fixture daemon;
    const char *name, *method, *id;
    size_t count = 0;

    daemon_fixture_open(&daemon, "--insecure", NULL);
    cr_assert_eq(ask(daemon.port, "GET", "/openapi.json", NULL, NULL, &json), 200);
    schemas = json_object_get(json_object_get(json, "components"), "schemas");
    check_references(json, schemas);
    json_object_foreach(schemas, name, path)
        cr_assert(json_is_object(path), "%s", name);
    json_object_foreach(json_object_get(json, "paths"), name, path) {
        json_object_foreach(path, method, operation) {
            id = text_of(operation, "operationId");
            cr_assert(*id && !json_object_get(ids, id), "%s %s: \"%s\"", method, name, id);
            json_object_set_new(ids, id, json_true());
            cr_assert(*text_of(operation, "summary"), "%s %s", method, name);
            cr_assert(strcmp(method, "put") != 0 || json_object_get(operation, "requestBody"), "%s", name);
            count++;
        }
    }
    cr_assert(count >= 24, "%zu operations", count);
    json_decref(ids);
    json_decref(json);
    daemon_fixture_close(&daemon);
}

/* ---- connections ---- */

static int connected(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

static void say(int fd, const char *text)
{
    cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Reads until COUNT answers have begun, or the server closes, or FIXTURE_WAIT_MS are over; what came. */
static char *hear(int fd, int count)
{
    struct pollfd waits = { .fd = fd, .events = POLLIN };
    int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;
    struct buf text = BUF_EMPTY;
    char chunk[4096];
    ssize_t len;
    const char *at;
    int seen = 0;

    while (seen < count && clock_mono_us() < until_us) {
        if (poll(&waits, 1, 100) != 1)
            continue;
        len = recv(fd, chunk, sizeof(chunk), 0);
        if (len <= 0)
            break;
        buf_add(&text, chunk, (size_t)len);
        for (seen = 0, at = strstr(text.data, "HTTP/1.1 "); at; at = strstr(at + 1, "HTTP/1.1 "))
            seen++;
    }
    return buf_take(&text);
}

#define GET(PATH) "GET " PATH " HTTP/1.1\r\nHost: x\r\n\r\n"

/* If it fails, a client that hangs up takes the daemon with it, or keeps a request open for ever. */
Test(api, clients_may_hang_up_at_any_moment, .timeout = 60)
{
    static const char *const last_words[] = {
        "", "G", "GET /heal", "GET /healthz HTTP/1.1\r\nHost:", GET("/healthz"),
        "POST /v1/invoices HTTP/1.1\r\nHost: x\r\n" JSON_TYPE "Content-Length: 100\r\n\r\n{\"id\":",
        "POST /v1/invoices HTTP/1.1\r\nHost: x\r\n" JSON_TYPE "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"i",
        GET("/v1/invoices/inv-11"), GET("/v1/partitions"), GET("/v1/accounts/3001"), GET("/v1/machines?status=waiting"),
        GET("/v1/feed"), GET("/v1/feed?wait=30&cursor=zzzzzzzzz.zzzzzzzzz.zzzzzzzzz.zzzzzzzzz"),
        GET("/v1/invoices/inv-11/events?after=1&wait=30"), GET("/v1/invoices/inv-11/events?after=9&wait=1"),
        GET("/v1/invoices/inv-11/events?after=1&wait=30") GET("/healthz"), GET("/v1/domain"),
        "\r\n\r\n\r\n", "NONSENSE / HTTP/9.9\r\n\r\n", "GET http://[ HTTP/1.1\r\n\r\n",
        "POST /v1/invoices HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        "POST /v1/invoices HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /v1/invoices HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
    };
    struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    struct daemon_fixture daemon;
    size_t i, round;
    int fd;

    open_configured(&daemon);
    create(daemon.port, "inv-11", JSON_TYPE);
    for (round = 0; round < 3; round++) {
        for (i = 0; i < SL_COUNT(last_words); i++) {
            fd = connected(daemon.port);
            say(fd, last_words[i]);
            if (round == 1)
                setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)); /* a reset */
            if (round == 2)
                cr_assert_eq(ask(daemon.port, "GET", "/healthz", NULL, NULL, NULL), 200); /* it has read it by now */
            close(fd);
        }
    }
    cr_assert_eq(ask(daemon.port, "POST", "/v1/invoices/inv-11/rescind", JSON_TYPE, "{\"reason\":\"x\"}", NULL), 200);
    create(daemon.port, "inv-12", JSON_TYPE);
    until_open(daemon.port, 0);
    daemon_fixture_close(&daemon);
}

/* If it fails, answers on one connection come out of order or not at all. */
Test(api, requests_on_one_connection_are_answered_in_order, .timeout = 60)
{
    static const char body[] = "POST /v1/invoices/inv-13/rescind HTTP/1.1\r\nHost: x\r\n" JSON_TYPE
                               "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"rea\r\nA\r\nson\":\"ab\"}\r\n0\r\n\r\n";
    const char *first, *second, *third;
    struct daemon_fixture daemon;
    char *heard;
    int fd;

    open_configured(&daemon);
    create(daemon.port, "inv-13", JSON_TYPE);
    fd = connected(daemon.port);
    say(fd, GET("/v1/invoices/nobody") GET("/healthz") GET("/v1/domain/77"));
    heard = hear(fd, 3);
    first = strstr(heard, "InvoiceNotFound");
    second = first ? strstr(first, "alive") : NULL;
    third = second ? strstr(second, "HTTP/1.1 404") : NULL;
    cr_assert(third, "%s", heard);
    free(heard);
    close(fd);
    fd = connected(daemon.port);
    say(fd, body);
    heard = hear(fd, 1);
    cr_assert(strstr(heard, "HTTP/1.1 200"), "%s", heard);
    free(heard);
    say(fd, GET("/healthz"));
    heard = hear(fd, 1);
    cr_assert(strstr(heard, "HTTP/1.1 200"), "%s", heard);
    free(heard);
    close(fd);
    daemon_fixture_close(&daemon);
}

/* ---- when things go away ---- */

/* If it fails, a lost Redis hangs callers, or needs a restart of the daemon afterwards. */
Test(api, without_redis_it_says_503_and_comes_back, .timeout = 60)
{
    int64_t until_us = clock_mono_us() + 2 * FIXTURE_WAIT_MS * 1000;
    struct daemon_fixture daemon;
    struct http_reply reply;
    char seconds[16] = "", *why = NULL;

    open_configured(&daemon);
    create(daemon.port, "inv-6", JSON_TYPE);
    server_kill(daemon.redis.server);
    while (ask(daemon.port, "GET", "/readyz", NULL, NULL, NULL) != 503)
        cr_assert(clock_mono_us() < until_us, "it does not notice");
    reply = http_request(daemon.port, "GET", "/v1/invoices/inv-6", NULL, NULL);
    http_reply_header(&reply, "Retry-After", seconds, sizeof(seconds));
    cr_assert_eq(reply.status, 503, "%d %s", reply.status, reply.body);
    cr_assert(*seconds);
    http_reply_clear(&reply);
    check_refusal(daemon.port, &(struct refusal){ "rescind", "POST", "/v1/invoices/inv-6/rescind", JSON_TYPE,
                                                  "{\"reason\":\"x\"}", 503, "Unavailable", NULL });
    cr_assert_eq(ask(daemon.port, "GET", "/v1/partitions", NULL, NULL, NULL), 503);
    cr_assert_eq(ask(daemon.port, "GET", "/healthz", NULL, NULL, NULL), 200);
    cr_assert(server_restart(daemon.redis.server, &why) == SL_OK, "%s", why);
    while (ask(daemon.port, "GET", "/v1/invoices/inv-6", NULL, NULL, NULL) != 200)
        cr_assert(clock_mono_us() < until_us, "it does not come back");
    daemon_fixture_close(&daemon);
}

/* If it fails, a restart of the daemon cuts off those who wait, or lasts as long as they wait. */
Test(api, told_to_stop_it_answers_those_who_wait_and_leaves, .timeout = 60)
{
    struct daemon_fixture daemon;
    struct polling polling;

    open_configured(&daemon);
    create(daemon.port, "inv-7", JSON_TYPE);
    poll_begin(&polling, daemon.port, "/v1/invoices/inv-7/events?after=1&wait=60");
    until_open(daemon.port, 1);
    kill(daemon.pid, SIGTERM);
    cr_assert_eq(daemon_fixture_wait(&daemon), 0);
    pthread_join(polling.thread, NULL);
    cr_assert_eq(polling.reply.status, 200, "%d", polling.reply.status);
    cr_assert_str_eq(polling.reply.body, "[]");
    http_reply_clear(&polling.reply);
    daemon_fixture_close(&daemon);
}

/* If it fails, an impatient second signal crashes the daemon on what is under way. */
Test(api, told_twice_it_leaves_at_once_whatever_is_under_way, .timeout = 60)
{
    struct daemon_fixture daemon;
    int64_t until_us = clock_mono_us() + 2 * FIXTURE_WAIT_MS * 1000;
    struct polling polling[4];
    size_t i;

    open_configured(&daemon);
    create(daemon.port, "inv-8", JSON_TYPE);
    poll_begin(&polling[0], daemon.port, "/v1/invoices/inv-8/events?after=1&wait=60");
    poll_begin(&polling[1], daemon.port, "/v1/feed?wait=60&limit=1&cursor=zzzzzzzzz.zzzzzzzzz.zzzzzzzzz.zzzzzzzzz");
    until_open(daemon.port, 2);
    kill(server_pid(daemon.redis.server), SIGSTOP); /* so that what is asked of Redis stays out */
    poll_begin(&polling[2], daemon.port, "/v1/partitions");
    poll_begin(&polling[3], daemon.port, "/v1/invoices/inv-8");
    until_open(daemon.port, 4);
    kill(daemon.pid, SIGTERM);
    while (ask(daemon.port, "GET", "/healthz", NULL, NULL, NULL) == 200) /* two signals sent at once are one */
        cr_assert(clock_mono_us() < until_us, "it does not stop taking requests");
    kill(daemon.pid, SIGINT);
    cr_assert_eq(daemon_fixture_wait(&daemon), 1);
    kill(server_pid(daemon.redis.server), SIGCONT);
    for (i = 0; i < SL_COUNT(polling); i++) {
        pthread_join(polling[i].thread, NULL);
        http_reply_clear(&polling[i].reply);
    }
    daemon_fixture_close(&daemon);
}

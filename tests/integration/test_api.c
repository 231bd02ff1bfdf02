/* The HTTP API as its callers see it: a real sluiced on a real Redis. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "support/api_calls.h"

/* ---- what works ---- */

/* If it fails, the first steps of every integration fail. */
Test(api, an_invoice_is_created_once_read_back_and_cancelled, .timeout = 60)
{
    char *body = api_invoice_body("inv-2"), location[64] = "";
    struct daemon_fixture daemon;
    struct http_reply reply;
    json_t *json, *again;

    api_open_configured(&daemon);
    reply = http_request(daemon.port, "POST", "/v1/invoices", "Content-Type: application/json; charset=utf-8\r\n", body);
    cr_assert_eq(reply.status, 201, "%s", reply.body);
    http_reply_header(&reply, "Location", location, sizeof(location));
    cr_assert_str_eq(location, "/v1/invoices/inv-2@party-acme");
    http_reply_clear(&reply);
    cr_assert_eq(api_ask(daemon.port, "POST", "/v1/invoices", JSON_TYPE, body, &again), 200);
    cr_assert_eq(api_ask(daemon.port, "GET", location, NULL, NULL, &json), 200);
    cr_assert_str_eq(api_text_of(json_object_get(again, "invoice"), "id"), "inv-2");
    cr_assert(json_equal(json_object_get(again, "invoice"), json_object_get(json, "invoice")));
    json_decref(again);
    json_decref(json);
    cr_assert_eq(api_ask(daemon.port, "POST", "/v1/invoices/inv-2/rescind", JSON_TYPE, "{\"reason\":\"wrong\"}", &json), 200);
    cr_assert(json_object_get(json_object_get(json_object_get(json, "invoice"), "status"), "cancelled"));
    json_decref(json);
    api_check_refusal(daemon.port, &(struct api_refusal){ "again", "POST", "/v1/invoices/inv-2/rescind", JSON_TYPE,
                                                  "{\"reason\":\"wrong\"}", 409, "InvalidInvoiceStatus", NULL });
    cr_assert_eq(api_ask(daemon.port, "GET", "/v1/invoices/inv-2?at_event=1", NULL, NULL, &json), 200);
    cr_assert(json_object_get(json_object_get(json_object_get(json, "invoice"), "status"), "unpaid"));
    json_decref(json);
    cr_assert_eq(api_ask(daemon.port, "GET", "/v1/invoices/inv-2/events?after=1&limit=1", NULL, NULL, &json), 200);
    cr_assert_eq(json_array_size(json), 1);
    cr_assert_eq(json_integer_value(json_object_get(json_array_get(json, 0), "id")), 2);
    json_decref(json);
    free(body);
    daemon_fixture_close(&daemon);
}

/* If it fails, a follower of an invoice hears of news late, or hears of nothing that another daemon did. */
Test(api, a_long_poll_ends_with_the_next_event_of_any_daemon, .timeout = 60)
{
    const char *words[] = { NULL, "--listen=127.0.0.1:0", "--durability=relaxed", "--insecure", "--name=second", NULL };
    struct daemon_fixture daemon, second = { .pid = 0 };
    struct api_polling here, there, nothing;
    char redis[128];
    json_t *json;
    int out;

    api_open_configured(&daemon);
    snprintf(redis, sizeof(redis), "--redis=%s", server_url(daemon.redis.server));
    words[0] = redis;
    second.pid = daemon_fixture_spawn("sluiced", daemon.log, words, &out);
    second.port = daemon_fixture_port(out);
    close(out);
    api_create(daemon.port, "inv-3", JSON_TYPE);
    api_poll_begin(&here, daemon.port, "/v1/invoices/inv-3/events?after=1&wait=20");
    api_poll_begin(&there, second.port, "/v1/invoices/inv-3/events?after=1&wait=20");
    api_poll_begin(&nothing, daemon.port, "/v1/invoices/inv-3/events?after=2&wait=1");
    api_until_open(daemon.port, 2);
    api_until_open(second.port, 1);
    cr_assert_eq(api_ask(daemon.port, "POST", "/v1/invoices/inv-3/rescind", JSON_TYPE, "{\"reason\":\"x\"}", NULL), 200);
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
        next = api_exchanged(domain, "127.0.0.1:8090", address);
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
    char *text = daemon_fixture_file("examples/payment.json"), *body = api_exchanged(text, "no_preauth", card), path[128];
    json_t *json;
    int status;

    api_create(banked->daemon.port, id, JSON_TYPE);
    snprintf(path, sizeof(path), "/v1/invoices/%s/payments?wait=%d", id, wait_s);
    status = api_ask(banked->daemon.port, "POST", path, JSON_TYPE, body, &json);
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
        cr_assert_eq(api_ask(banked->daemon.port, "GET", path, NULL, NULL, &json), 200);
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
    cr_assert_eq(api_ask(banked.daemon.port, "GET", "/v1/invoices/inv-4", NULL, NULL, &json), 200);
    cr_assert(json_object_get(json_object_get(json_object_get(json, "invoice"), "status"), "paid"));
    json_decref(json);
    for (i = 0; i < SL_COUNT(shop); i++) {
        cr_assert_eq(api_ask(banked.daemon.port, "GET", shop[i], NULL, NULL, &json), 200, "%s", shop[i]);
        own += json_integer_value(json_object_get(json, "own_amount"));
        cr_assert_str_eq(api_text_of(json_object_get(json, "currency"), "symbolic_code"), "RUB");
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
    cr_assert_eq(api_ask(banked.daemon.port, "GET", path, NULL, NULL, &json), 200);
    cr_assert(json_object_get(json, "payment") && json_object_get(json, "invoice"), "%s", json_dumps(json, 0));
    json_decref(json);
    snprintf(form, sizeof(form), "tag=%s", tag);
    cr_assert_eq(api_ask(banked.bank.port, "POST", "/form", "Content-Type: application/x-www-form-urlencoded\r\n", form, NULL),
                 200);
    until_status(&banked, "inv-9", "captured");
    snprintf(path, sizeof(path), "/v1/provider/callbacks/%s", tag);
    api_check_refusal(banked.daemon.port, &(struct api_refusal){ "a callback again", "POST", path, JSON_TYPE,
                                                         "{\"payload\":\"eA==\"}", 400, "InvalidRequest", NULL });

    json_decref(pay(&banked, "inv-10", "preauth_3ds:timeout=30", 20));
    waiting_tag(&banked, "inv-10", tag, sizeof(tag));
    snprintf(path, sizeof(path), "/v1/provider/sessions/%s", tag);
    cr_assert_eq(api_ask(banked.daemon.port, "POST", path, JSON_TYPE,
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
    char *domain = daemon_fixture_file("examples/domain.json"), *bad, *worse, *other, etag[16] = "";
    struct daemon_fixture daemon;
    struct http_reply reply;
    json_t *json;

    daemon_fixture_open(&daemon, "--insecure", NULL);
    cr_assert_eq(api_ask(daemon.port, "GET", "/readyz", NULL, NULL, NULL), 503);
    api_check_refusal(daemon.port, &(struct api_refusal){ "none", "GET", "/v1/domain", NULL, NULL, 404, "VersionNotFound", NULL });
    daemon_fixture_configure(&daemon, "If-Match: \"0\"\r\n", domain);
    cr_assert_eq(api_ask(daemon.port, "GET", "/readyz", NULL, NULL, NULL), 200);
    reply = http_request(daemon.port, "GET", "/v1/domain", NULL, NULL);
    http_reply_header(&reply, "ETag", etag, sizeof(etag));
    cr_assert_str_eq(etag, "\"1\"");
    http_reply_clear(&reply);
    other = api_exchanged(domain, "\"name\": \"US dollar\"", "\"name\": \"Dollar\"");
    cr_assert_eq(api_ask(daemon.port, "PUT", "/v1/domain", JSON_TYPE "If-Match: \"0\"\r\n", other, NULL), 412);
    daemon_fixture_configure(&daemon, "If-Match: \"1\"\r\n", other);
    free(other);
    bad = api_exchanged(domain, "\"exponent\": 2", "\"exponent\": -2");
    worse = api_exchanged(bad, "\"name\": \"US dollar\"", "\"nom\": \"US dollar\"");
    cr_assert_eq(api_ask(daemon.port, "PUT", "/v1/domain", JSON_TYPE, worse, &json), 422);
    cr_assert(json_array_size(json_object_get(json, "errors")) >= 2, "%s", json_dumps(json, 0));
    json_decref(json);
    cr_assert_eq(api_ask(daemon.port, "GET", "/v1/domain/1", NULL, NULL, NULL), 200);
    cr_assert_eq(api_ask(daemon.port, "GET", "/v1/domain/3", NULL, NULL, NULL), 404);
    free(domain);
    free(bad);
    free(worse);
    daemon_fixture_close(&daemon);
}

static json_int_t put_document(const struct daemon_fixture *daemon, const char *path, const char *headers, const char *text,
                               int status, bool unchanged, const char *rule)
{
    char lines[128];
    json_t *json, *finding;
    json_int_t revision;
    bool found = false;
    size_t i;

    snprintf(lines, sizeof(lines), JSON_TYPE "%s", headers);
    cr_assert_eq(api_ask(daemon->port, "PUT", path, lines, text, &json), status, "%s", json_dumps(json, 0));
    revision = json_integer_value(json_object_get(json, "revision"));
    cr_assert_eq(json_is_true(json_object_get(json, "unchanged")), unchanged, "%s", json_dumps(json, 0));
    json_array_foreach(json_object_get(json, "findings"), i, finding)
        found |= strcmp(json_string_value(json_object_get(finding, "rule")), rule) == 0;
    cr_assert(found, "no %s: %s", rule, json_dumps(json, 0));
    json_decref(json);
    return revision;
}

/* If it fails, a document that parks every payment is in use before anybody has read what the check says of it. */
Test(api, a_configuration_under_which_payments_stop_is_refused_unless_one_insists, .timeout = 60)
{
    char *domain = daemon_fixture_file("examples/domain.json"), *spaced, *parks;
    struct daemon_fixture daemon;
    json_t *json, *row, *terms;
    size_t i;

    json = json_loads(domain, 0, NULL);
    spaced = json_dumps(json, JSON_INDENT(7) | JSON_SORT_KEYS);
    json_array_foreach(json_object_get(json, "objects"), i, row) {
        terms = json_object_get(json_object_get(json_object_get(row, "term_set_hierarchy"), "data"), "term_set");
        terms = json_object_get(json_object_get(terms, "payments"), "refunds");
        if (json_object_get(terms, "payment_methods"))
            json_object_del(terms, "payment_methods");
    }
    parks = json_dumps(json, 0);
    json_decref(json);
    daemon_fixture_open(&daemon, "--insecure", NULL);
    put_document(&daemon, "/v1/domain", "", parks, 422, false, "terms_missing");
    cr_assert_eq(api_ask(daemon.port, "GET", "/v1/domain", NULL, NULL, NULL), 404);
    cr_assert_eq(put_document(&daemon, "/v1/domain", "", domain, 200, false, "method_unrouted"), 1);
    /* the same again, as it may be sent by whoever did not hear the answer, is no other revision */
    cr_assert_eq(put_document(&daemon, "/v1/domain", "", domain, 200, true, "method_unrouted"), 1);
    cr_assert_eq(put_document(&daemon, "/v1/domain", "If-Match: \"0\"\r\n", spaced, 200, true, "method_unrouted"), 1);
    cr_assert_eq(put_document(&daemon, "/v1/domain?force=true", "If-Match: \"1\"\r\n", parks, 200, false, "terms_missing"), 2);
    cr_assert_eq(put_document(&daemon, "/v1/domain", "If-Match: \"2\"\r\n", domain, 200, false, "method_unrouted"), 3);
    free(domain);
    free(spaced);
    free(parks);
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

    api_open_configured(&daemon);
    api_create(daemon.port, "inv-5", JSON_TYPE);
    for (i = 0; i < SL_COUNT(views); i++) {
        status = api_ask(daemon.port, "GET", views[i].path, NULL, NULL, &json);
        if (i == 0 && status == 404) {
            json_decref(json); /* an account that the example does not name */
            continue;
        }
        cr_assert_eq(status, 200, "%s: %d", views[i].path, status);
        cr_assert_eq(json_typeof(json), views[i].type, "%s", views[i].path);
        json_decref(json);
    }
    cr_assert_eq(api_ask(daemon.port, "GET", "/v1/machines?status=waiting", NULL, NULL, &json), 200);
    cr_assert_str_eq(api_text_of(json_array_get(json, 0), "id"), "inv-5@party-acme");
    json_decref(json);
    cr_assert_eq(api_ask(daemon.port, "GET", "/v1/partitions", NULL, NULL, &json), 200);
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
        status = api_ask(port, "GET", path, NULL, NULL, &json);
        cr_assert_eq(status, 200, "%s: %d", path, status);
        snprintf(cursor, size, "%s", api_text_of(json, "cursor"));
        cr_assert(json_array_size(json_object_get(json, "events")) <= (size_t)limit);
        if (json_array_size(json_object_get(json, "events")) == 0)
            break;
        json_array_foreach(json_object_get(json, "events"), i, event) {
            which = atoi(api_text_of(json_object_get(event, "source"), "invoice_id") + strlen("feed-"));
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
    struct api_polling polling;
    int seen[12] = { 0 };
    json_t *json;
    int i;

    api_open_configured(&daemon);
    for (i = 0; i < 12; i++) {
        snprintf(id, sizeof(id), "feed-%d", i);
        api_create(daemon.port, id, JSON_TYPE);
        snprintf(path, sizeof(path), "/v1/invoices/feed-%d/rescind", i);
        cr_assert_eq(api_ask(daemon.port, "POST", path, JSON_TYPE, "{\"reason\":\"x\"}", NULL), 200);
    }
    cr_assert_eq(read_feed(daemon.port, 5, 12, seen, cursor, sizeof(cursor)), 24);
    snprintf(path, sizeof(path), "/v1/feed?wait=20&cursor=%s", cursor);
    api_poll_begin(&polling, daemon.port, path);
    api_until_open(daemon.port, 1);
    api_create(daemon.port, "news", JSON_TYPE);
    pthread_join(polling.thread, NULL);
    json = http_reply_json(&polling.reply);
    cr_assert_eq(json_array_size(json_object_get(json, "events")), 1, "%s", polling.reply.body);
    cr_assert(polling.took_us < 10000000);
    json_decref(json);
    http_reply_clear(&polling.reply);
    api_check_refusal(daemon.port, &(struct api_refusal){ "cursor", "GET", "/v1/feed?cursor=1.2", NULL, NULL, 400,
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

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* The file of the documentation called NAME; the caller's. */
static char *page_of(const char *name)
{
    const char *dir = getenv("SLUICE_SRCDIR");
    struct buf text = BUF_EMPTY;
    char path[512], chunk[4096];
    FILE *file;
    size_t len;

    snprintf(path, sizeof(path), "%s/doc/%s", dir ? dir : "..", name);
    file = fopen(path, "re");
    cr_assert(file, "%s", path);
    while ((len = fread(chunk, 1, sizeof(chunk), file)) > 0)
        buf_add(&text, chunk, len);
    fclose(file);
    return buf_take(&text);
}

/* If it fails, an operation is there that no page tells of. */
Test(api, the_page_lists_every_operation, .timeout = 60)
{
    struct daemon_fixture daemon;
    char *page = page_of("http-api.md"), short_form[128];
    const char *path;
    json_t *json, *operations;

    daemon_fixture_open(&daemon, "--insecure", NULL);
    cr_assert_eq(api_ask(daemon.port, "GET", "/openapi.json", NULL, NULL, &json), 200);
    json_object_foreach(json_object_get(json, "paths"), path, operations) {
        snprintf(short_form, sizeof(short_form), "…%s", strrchr(path, '/')); /* "…/fulfill", behind its neighbour */
        cr_expect(strstr(page, path) || strstr(page, short_form), "doc/http-api.md does not tell of %s", path);
    }
    json_decref(json);
    free(page);
    daemon_fixture_close(&daemon);
}

/* Every cause that a machine can be shown with is one that SCHEMA allows: those of doc/spec/repair.md and http-api.md. */
static void check_causes(const json_t *schema)
{
    static const char *const causes[] = {
        "unavailable", "unknown_outcome", "bad_answer", "declined", "other", "corrupt", "too_many_calls",
    };
    const json_t *allowed = json_object_get(json_object_get(json_object_get(schema, "properties"), "cause"), "enum"), *one;
    size_t i, j;

    for (i = 0; i < SL_COUNT(causes); i++) {
        bool found = false;

        json_array_foreach((json_t *)(uintptr_t)allowed, j, one)
            found |= strcmp(json_string_value(one), causes[i]) == 0;
        cr_expect(found, "a client made from the description refuses the cause %s", causes[i]);
    }
    cr_expect_eq(json_array_size(allowed), SL_COUNT(causes));
}

/* If it fails, clients made from the description do not build, or know nothing of an operation. */
Test(api, the_description_is_whole, .timeout = 60)
{
    json_t *json, *path, *operation, *ids = json_object(), *schemas;
    struct daemon_fixture daemon;
    const char *name, *method, *id;
    size_t count = 0;

    daemon_fixture_open(&daemon, "--insecure", NULL);
    cr_assert_eq(api_ask(daemon.port, "GET", "/openapi.json", NULL, NULL, &json), 200);
    schemas = json_object_get(json_object_get(json, "components"), "schemas");
    check_references(json, schemas);
    check_causes(json_object_get(schemas, "MachineState"));
    json_object_foreach(schemas, name, path)
        cr_assert(json_is_object(path), "%s", name);
    json_object_foreach(json_object_get(json, "paths"), name, path) {
        json_object_foreach(path, method, operation) {
            id = api_text_of(operation, "operationId");
            cr_assert(*id && !json_object_get(ids, id), "%s %s: \"%s\"", method, name, id);
            json_object_set_new(ids, id, json_true());
            cr_assert(id[0] >= 'a' && id[0] <= 'z' && strspn(id, LETTERS) == strlen(id), "%s: a name that a client can bear", id);
            cr_assert_eq(json_array_size(json_object_get(operation, "tags")), 1, "%s", id);
            cr_assert(json_object_get(json_object_get(operation, "responses"), "2XX"), "%s", id);
            cr_assert(strstr(name, "{id}") == NULL || json_object_get(json_object_get(operation, "responses"), "404"), "%s", id);
            cr_assert(*api_text_of(operation, "summary"), "%s %s", method, name);
            cr_assert(strcmp(method, "put") != 0 || json_object_get(operation, "requestBody"), "%s", name);
            count++;
        }
    }
    cr_assert(count >= 24, "%zu operations", count);
    json_decref(ids);
    json_decref(json);
    daemon_fixture_close(&daemon);
}

/* What an adapter may send and what it may not, against a real sluiced: long texts, bad redirects, impossible costs. The
 * adapter is a bare server here, so that it can say what no proper one would. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "integration/http_server.h"
#include "support/banked.h"

#define LONG 5000      /* bytes: more than a text of a caller may have */
#define HUGE_TEXT 900000 /* bytes: nearly all of an answer */

#define SUCCESS(more) "{\"intent\":{\"finish\":{\"status\":{\"success\":{" more "}}}},\"trx\":{\"id\":\"T\",\"extra\":{}}}"
#define SLEEP(more) "{\"intent\":{\"sleep\":{\"timer\":{\"timeout\":600}" more "}}}"
#define REDIRECT(uri) ",\"user_interaction\":{\"redirect\":{\"get_request\":{\"uri\":\"" uri "\"}}}"

static const char *processed_answer; /* what a processed session is answered; other targets succeed */

static bool serve(struct bare_server *server, int fd, const struct bare_server_request *request)
{
    (void)server;
    if (strstr(request->path, "handle_payment_callback"))
        return bare_server_answer(fd, 200, "{\"response\":\"b2s=\",\"result\":" SUCCESS("") "}");
    return bare_server_answer(fd, 200, strstr(request->body, "\"target\":{\"processed\"") ? processed_answer : SUCCESS(""));
}

static char *as(char c, size_t count)
{
    char *text = malloc(count + 1);

    memset(text, c, count);
    text[count] = '\0';
    return text;
}

/* TEMPLATE with each % replaced by TEXT; the caller's. */
static char *filled(const char *template, const char *text)
{
    struct buf out = BUF_EMPTY;

    for (; *template; template ++) {
        if (*template == '%')
            buf_str(&out, text);
        else
            buf_char(&out, *template);
    }
    return buf_take(&out);
}

struct adapter {
    struct banked bank;
    struct bare_server server;
};

/* OPTION: a further one for sluiced, or NULL; HEADERS: of an operator, or NULL. */
static void open_adapter(struct adapter *adapter, const char *option, const char *headers)
{
    char url[64];
    json_t *domain;

    signal(SIGPIPE, SIG_IGN);
    bare_server_start(&adapter->server, serve);
    banked_open(&adapter->bank, option);
    domain = banked_domain(&adapter->bank);
    snprintf(url, sizeof(url), "\"http://127.0.0.1:%d\"", adapter->server.port);
    banked_set(domain, "proxy", "{\"id\":1}", "url", url);
    banked_configure_take(&adapter->bank, headers, domain);
}

static void close_adapter(struct adapter *adapter)
{
    banked_close(&adapter->bank);
    bare_server_stop(&adapter->server);
}

/* A payment of a new invoice ID whose processed session is answered ANSWER; what the API says of it at rest. */
static json_t *pay(struct adapter *adapter, const char *id, const char *answer)
{
    processed_answer = answer;
    json_decref(banked_invoice(&adapter->bank, id));
    return banked_pay(&adapter->bank, id, "card", NULL);
}

/* The events of invoice ID as text; the caller's. */
static char *events_of(struct adapter *adapter, const char *id)
{
    char path[128];
    json_t *json;
    char *text;

    snprintf(path, sizeof(path), "/v1/invoices/%s/events", id);
    json = banked_must(&adapter->bank, "GET", path, NULL, 200);
    text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return text;
}

/* If it fails, a bank's page, token or message that is a little longer than somebody thought parks an invoice whose money
 * was taken. */
static void check_long_texts(struct adapter *adapter)
{
    static const struct {
        const char *name, *answer, *status;
        size_t len, kept; /* KEPT: the bytes of the text that are still there */
    } rows[] = {
        { "reason", "{\"intent\":{\"finish\":{\"status\":{\"failure\":{\"code\":\"c\",\"reason\":\"%\"}}}}}", "failed", LONG,
          4096 - strlen(" [cut]") },
        { "hugereason", "{\"intent\":{\"finish\":{\"status\":{\"failure\":{\"code\":\"c\",\"reason\":\"%\"}}}}}", "failed",
          HUGE_TEXT, 4096 - strlen(" [cut]") },
        { "pares", "{\"intent\":{\"finish\":{\"status\":{\"success\":{}}}},\"trx\":{\"id\":\"T\",\"extra\":{},"
                   "\"additional_info\":{\"pares\":\"%\",\"extra_payment_info\":{}}}}", "captured", LONG, LONG },
        { "acs", "{\"intent\":{\"finish\":{\"status\":{\"success\":{}}}},\"trx\":{\"id\":\"T\",\"extra\":{},"
                 "\"additional_info\":{\"acs_url\":\"%\",\"extra_payment_info\":{}}}}", "captured", HUGE_TEXT, HUGE_TEXT },
        { "extra", "{\"intent\":{\"finish\":{\"status\":{\"success\":{}}}},\"trx\":{\"id\":\"T\",\"extra\":{\"k\":\"%\"}}}",
          "captured", LONG, LONG },
        { "key", "{\"intent\":{\"finish\":{\"status\":{\"success\":{}}}},\"trx\":{\"id\":\"T\",\"extra\":{\"%\":\"v\",\"\":\"\"}}}",
          "captured", LONG, LONG },
        { "form", SLEEP(",\"user_interaction\":{\"redirect\":{\"post_request\":{\"uri\":\"https://acs/?q=x\",\"form\":"
                        "{\"PaReq\":\"%\"}}}}"), "pending", LONG, LONG },
        { "uri", SLEEP(REDIRECT("https://acs/%")), "pending", LONG, LONG },
        { "qr", SLEEP(",\"user_interaction\":{\"qr_code_display_request\":{\"qr_code\":{\"payload\":\"%\"}}}"), "pending",
          100000, 100000 },
        { "state", "{\"intent\":{\"sleep\":{\"timer\":{\"timeout\":600}}},\"next_state\":\"%\"}", "pending", 100000, 100000 },
        { "token", SUCCESS("\"token\":\"%\""), "captured", LONG, LONG },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        char *text = as('x', rows[i].len), *answer = filled(rows[i].answer, text), *events, *kept = as('x', rows[i].kept);
        json_t *state = pay(adapter, rows[i].name, answer);

        cr_expect_str_eq(banked_text(state, "status"), rows[i].status, "%s: %s, %s", rows[i].name,
                         banked_text(state, "status"), banked_text(state, "machine.reason"));
        cr_expect_str_neq(banked_text(state, "machine.status"), "failed", "%s: %s", rows[i].name,
                          banked_text(state, "machine.reason"));
        events = events_of(adapter, rows[i].name);
        cr_expect(strstr(events, kept), "%s: the text is not kept", rows[i].name);
        cr_expect(rows[i].kept == rows[i].len || strstr(events, "x [cut]\""), "%s: cut without a mark", rows[i].name);
        json_decref(state);
        free(kept);
        free(events);
        free(answer);
        free(text);
    }
}

/* If it fails, a lying adapter runs a script in the payer's browser, sells for nothing, or has a payment processed that
 * nobody could ever give back. */
static void check_refusals(struct adapter *adapter)
{
    static const struct {
        const char *name, *answer, *reason; /* a part of it */
    } rows[] = {
        { "script", SLEEP(REDIRECT("javascript:alert(1)")), "neither http nor https" },
        { "data", SLEEP(REDIRECT("data:text/html,x")), "neither http nor https" },
        { "case", SLEEP(REDIRECT(" JavaScript:alert(1)")), "neither http nor https" },
        { "post", SLEEP(",\"user_interaction\":{\"redirect\":{\"post_request\":{\"uri\":\"javascript:x\",\"form\":{}}}}"),
          "neither http nor https" },
        { "broken", SLEEP(REDIRECT("https://acs/\\r\\nSet-Cookie: x")), "control" },
        { "nothing", SUCCESS("\"changed_cost\":{\"amount\":0,\"currency\":{\"symbolic_code\":\"RUB\"}}"), "cost" },
        { "toomuch", SUCCESS("\"changed_cost\":{\"amount\":1000000000000001,\"currency\":{\"symbolic_code\":\"RUB\"}}"),
          "changed_cost" },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        json_t *state = pay(adapter, rows[i].name, rows[i].answer);

        cr_expect_str_eq(banked_text(state, "machine.cause"), "bad_answer", "%s: %s", rows[i].name,
                         banked_text(state, "status"));
        cr_expect(strstr(banked_text(state, "machine.reason"), rows[i].reason), "%s: %s", rows[i].name,
                  banked_text(state, "machine.reason"));
        json_decref(state);
    }
}

/* ---- whose tag it is ---- */

#define BEARER(token) "Authorization: Bearer " token "\r\n"
#define OPERATOR BEARER("operator-of-all-token")
#define OWN BEARER("token-of-providers-1-2")
#define OTHER BEARER("token-of-provider-3..")
#define ANY BEARER("token-of-any-provider")
#define SUSPENDED "{\"intent\":{\"suspend\":{\"tag\":\"t28\",\"timeout\":{\"timeout\":600}}}}"
#define PAYLOAD "{\"payload\":\"eA==\"}"
#define ENDED "{\"change\":{\"status\":{\"failure\":{\"code\":\"x\"}}}}"

static const char provider_tokens[] =
    "[{\"name\":\"ops\",\"token\":\"operator-of-all-token\",\"role\":\"operator\"},"
    "{\"name\":\"own\",\"token\":\"token-of-providers-1-2\",\"role\":\"provider\",\"provider_ids\":[1,2]},"
    "{\"name\":\"other\",\"token\":\"token-of-provider-3..\",\"role\":\"provider\",\"provider_ids\":[3]},"
    "{\"name\":\"any\",\"token\":\"token-of-any-provider\",\"role\":\"provider\",\"any_provider\":true}]";

/* Makes an invoice with a payment that suspends under t28. */
static void suspend_as_operator(struct adapter *adapter)
{
    char *text = daemon_fixture_file("examples/invoice.json");
    json_t *params = json_loads(text, 0, NULL);
    int64_t until_us = clock_mono_us() + 30 * 1000000;
    char *body;

    processed_answer = SUSPENDED;
    json_object_set_new(params, "id", json_string("i28"));
    body = json_dumps(params, JSON_COMPACT);
    cr_assert_eq(banked_ask(&adapter->bank, "POST", "/v1/invoices", OPERATOR, body, NULL), 201);
    cr_assert_eq(banked_ask(&adapter->bank, "POST", "/v1/invoices/i28/payments", OPERATOR,
        "{\"payer\":{\"payment_resource\":{\"resource\":{\"payment_tool\":{\"bank_card\":{\"token\":\"card\",\"payment_system\":"
        "{\"id\":\"VISA\"},\"bin\":\"424242\",\"last_digits\":\"4242\",\"issuer_country\":\"RUS\"}}},\"contact_info\":{}}},"
        "\"flow\":{\"instant\":{}}}", NULL), 202);
    while (banked_ask(&adapter->bank, "GET", "/v1/provider/payments/t28", ANY, NULL, NULL) != 200)
        cr_assert(clock_mono_us() < until_us, "the payment does not suspend");
    json_decref(params);
    free(body);
    free(text);
}

/* ---- what may be left out ---- */

/* If it fails, whoever writes an adapter or a first request has to send what nobody needs. */
static void check_left_out(struct adapter *adapter)
{
    char *text = daemon_fixture_file("examples/invoice.json"), *body;
    json_t *params = json_loads(text, 0, NULL), *state;

    processed_answer = "{\"intent\":{\"finish\":{\"status\":{\"success\":{}}}},\"trx\":{\"id\":\"T\"}}";
    json_object_set_new(params, "id", json_string("i17"));
    json_object_del(params, "context");
    body = json_dumps(params, JSON_COMPACT);
    json_decref(banked_must(&adapter->bank, "POST", "/v1/invoices", body, 201));
    json_decref(banked_must(&adapter->bank, "POST", "/v1/invoices", body, 200)); /* the same again is the same */
    state = banked_pay(&adapter->bank, "i17", "card", NULL);
    cr_expect_str_eq(banked_text(state, "status"), "captured", "%s", banked_text(state, "machine.reason"));
    json_decref(state);
    state = pay(adapter, "notrx", "{\"intent\":{\"finish\":{\"status\":{\"success\":{}}}}}"); /* the capture names it */
    cr_expect_str_eq(banked_text(state, "status"), "captured", "%s", banked_text(state, "machine.reason"));
    json_decref(state);
    json_decref(params);
    free(body);
    free(text);
}

static void names_write(struct buf *out, json_t *names)
{
    size_t i;
    json_t *name;

    json_array_foreach(names, i, name)
        buf_printf(out, "%s`%s`", i ? ", " : "", json_string_value(name));
}

/* What SCHEMA, an object's, has beside what it requires. */
static json_t *optional_of(const json_t *schema)
{
    json_t *names = json_array(), *required = json_object_get(schema, "required"), *value, *one;
    const char *name;
    size_t i;

    json_object_foreach(json_object_get(schema, "properties"), name, value) {
        bool is_required = false;

        json_array_foreach(required, i, one)
            is_required |= strcmp(json_string_value(one), name) == 0;
        if (!is_required)
            json_array_append_new(names, json_string(name));
    }
    return names;
}

static void row_write(struct buf *out, const char *name, const json_t *schema)
{
    json_t *one_of = json_object_get(schema, "oneOf"), *optional = optional_of(schema), *variant;
    size_t i;

    buf_printf(out, "| %s | ", name);
    if (one_of)
        buf_str(out, "one of ");
    json_array_foreach(one_of, i, variant) {
        buf_str(out, i ? ", " : "");
        names_write(out, json_object_get(variant, "required"));
    }
    if (json_object_get(schema, "enum"))
        names_write(out, json_object_get(schema, "enum"));
    names_write(out, json_object_get(schema, "required"));
    buf_str(out, " | ");
    names_write(out, optional);
    buf_str(out, " |\n");
    json_decref(optional);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* If it fails, the page for those who write adapters names fields as required that are not, or the other way round: its
 * table is what the tables of the code say. What it should be is in the message. */
static void check_page(const struct banked *bank)
{
    json_t *protocol, *schemas, *schema;
    char *page = daemon_fixture_file("doc/provider-protocol.md");
    struct buf table = BUF_EMPTY;
    const char *names[256], *name;
    size_t count = 0, i;

    protocol = banked_must(bank, "GET", "/provider-protocol.json", NULL, 200);
    cr_assert_not_null(json_object_get(json_object_get(protocol, "calls"), "handle_payment_callback"));
    cr_assert_eq(json_object_size(json_object_get(protocol, "calls")), 7);
    schemas = json_object_get(json_object_get(protocol, "components"), "schemas");
    json_object_foreach(schemas, name, schema)
        names[count++] = name;
    qsort(names, count, sizeof(*names), by_name);
    for (i = 0; i < count; i++)
        row_write(&table, names[i], json_object_get(schemas, names[i]));
    cr_expect(strstr(page, buf_text(&table)), "the table is\n%s", buf_text(&table));
    json_decref(protocol);
    buf_clear(&table);
    free(page);
}

/* If it fails, one provider's adapter reads, ends or moves another one's payments. */
static void check_tags(void)
{
    static const struct {
        const char *method, *path, *headers, *body;
        int status;
    } rows[] = {
        { "GET", "/v1/provider/payments/t28", OTHER, NULL, 404 },
        { "POST", "/v1/provider/sessions/t28", OTHER, ENDED, 404 },
        { "POST", "/v1/provider/callbacks/t28", OTHER, PAYLOAD, 404 },
        { "GET", "/v1/provider/payments/t28", OWN, NULL, 200 },
        { "GET", "/v1/provider/payments/t28", OPERATOR, NULL, 200 },
        { "POST", "/v1/provider/callbacks/t28", OWN, PAYLOAD, 200 },
        { "POST", "/v1/provider/callbacks/t28", OTHER, PAYLOAD, 404 }, /* nor when it is used up */
        { "POST", "/v1/provider/callbacks/t28", OWN, PAYLOAD, 400 },
    };
    char file[] = "/tmp/sluice-tokens-XXXXXX", option[64];
    struct adapter adapter;
    json_t *answer;
    size_t i;
    int fd = mkstemp(file), status;

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, provider_tokens, strlen(provider_tokens)), (ssize_t)strlen(provider_tokens));
    close(fd);
    snprintf(option, sizeof(option), "--tokens=%s", file);
    open_adapter(&adapter, option, OPERATOR);
    unlink(file);
    suspend_as_operator(&adapter);
    for (i = 0; i < SL_COUNT(rows); i++) {
        status = banked_ask(&adapter.bank, rows[i].method, rows[i].path, rows[i].headers, rows[i].body, &answer);
        cr_expect_eq(status, rows[i].status, "row %zu: %d %s", i, status, banked_text(answer, "detail"));
        cr_expect(status != 404 || strcmp(banked_text(answer, "error"), "PaymentNotFound") == 0, "row %zu", i);
        json_decref(answer);
    }
    check_page(&adapter.bank);
    close_adapter(&adapter);
}

/* One daemon for all of them but the last, which needs tokens: each has invoices of its own. */
Test(api_adapter, answers_are_kept_cut_or_refused, .timeout = 240)
{
    struct adapter adapter;

    open_adapter(&adapter, NULL, NULL);
    check_long_texts(&adapter);
    check_refusals(&adapter);
    check_left_out(&adapter);
    close_adapter(&adapter);
    check_tags();
}

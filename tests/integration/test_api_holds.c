/* Holds and the session's corners as callers see them: a real sluiced with a real bank. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "support/banked.h"
#include "support/http.h"

#define SHOP_ACCOUNT 3001 /* of the example's shop */
#define CASH(amount, code) "{\"amount\":" #amount ",\"currency\":{\"symbolic_code\":\"" code "\"}}"

/* An invoice and a payment "1" of it with a card of the bank's; the payment at rest. FLOW: JSON. */
static void pay(const struct banked *bank, const char *id, const char *card, const char *flow)
{
    static const char params[] =
        "{\"id\":\"1\",\"payer\":{\"payment_resource\":{\"resource\":{\"payment_tool\":{\"bank_card\":{\"token\":"
        "\"%s\",\"payment_system\":{\"id\":\"VISA\"},\"bin\":\"424242\",\"last_digits\":\"4242\","
        "\"issuer_country\":\"RUS\"}}},\"contact_info\":{\"email\":\"payer@example.com\"}}},\"flow\":%s}";
    char path[128], body[512];

    json_decref(banked_invoice(bank, id));
    snprintf(path, sizeof(path), "/v1/invoices/%s/payments?wait=10", id);
    snprintf(body, sizeof(body), params, card, flow);
    json_decref(banked_must(bank, "POST", path, body, 202));
}

static void hold(const struct banked *bank, const char *id, const char *card)
{
    pay(bank, id, card, "{\"hold\":{\"on_hold_expiration\":\"cancel\"}}");
}

/* "/v1/invoices/ID/payments/1/TAIL"; static until the next call. */
static const char *path_of(const char *id, const char *tail)
{
    static char path[256];

    snprintf(path, sizeof(path), "/v1/invoices/%s/payments/1%s%s", id, *tail ? "/" : "", tail);
    return path;
}

static void expect(json_t *answer, const char *field, const char *text)
{
    cr_expect_str_eq(banked_text(answer, field), text, "%s is %s", field, banked_text(answer, field));
}

/* Fails: a merchant cannot take or give back what is held, or not a part of it. */
Test(api_holds, a_merchant_captures_and_cancels, .timeout = 120)
{
    struct banked bank;
    json_t *answer;

    banked_open(&bank, NULL);
    hold(&bank, "all", "no_preauth");
    banked_until(&bank, path_of("all", ""), "payment.status", "processed");
    cr_expect_eq(banked_own(&bank, SHOP_ACCOUNT), 0);
    answer = banked_must(&bank, "POST", path_of("all", "capture?wait=10"), "{\"reason\":\"shipped\"}", 202);
    expect(answer, "payment.status", "captured");
    expect(answer, "payment.status.captured.reason", "shipped");
    expect(answer, "payment.status.captured.cost.amount", "42000");
    json_decref(answer);
    banked_until(&bank, "/v1/invoices/all", "invoice.status", "paid");
    cr_expect_eq(banked_own(&bank, SHOP_ACCOUNT), 40110);
    banked_refused(&bank, "POST", path_of("all", "capture"), "{\"reason\":\"again\"}", 409, "InvalidPaymentStatus");
    banked_refused(&bank, "POST", path_of("all", "cancel"), "{\"reason\":\"again\"}", 409, "InvalidPaymentStatus");

    hold(&bank, "part", "no_preauth");
    answer = banked_must(&bank, "POST", path_of("part", "capture?wait=10"),
                         "{\"reason\":\"one of four\",\"cart\":{\"lines\":[{\"product\":\"book\",\"quantity\":2,\"price\":"
                         CASH(5000, "RUB") ",\"metadata\":{}}]}}", 202);
    expect(answer, "payment.cost.amount", "10000");
    expect(answer, "payment.status.captured.cart.lines.0.quantity", "2");
    json_decref(answer);
    cr_expect_eq(banked_own(&bank, SHOP_ACCOUNT), 40110 + 9550);

    hold(&bank, "none", "no_preauth");
    answer = banked_must(&bank, "POST", path_of("none", "cancel?wait=10"), "{\"reason\":\"sold out\"}", 202);
    expect(answer, "payment.status.cancelled.reason", "sold out");
    json_decref(answer);
    cr_expect_eq(banked_own(&bank, SHOP_ACCOUNT), 40110 + 9550);
    cr_expect_str_eq(banked_books(&bank), "");
    banked_close(&bank);
}

/* Fails: an error has another status, name or field than callers were told, or changes something. */
Test(api_holds, refusals, .timeout = 120)
{
    static const struct {
        const char *tail, *body;
        int status;
        const char *error;
    } rows[] = {
        { "capture", "{}", 400, "InvalidRequest" },
        { "capture", "{\"reason\":\"x\",\"amount\":1}", 400, "InvalidRequest" },
        { "capture", "{\"reason\":\"x\",\"cash\":" CASH(-1, "RUB") "}", 400, "InvalidRequest" },
        { "capture", "{\"reason\":\"x\",\"cash\":" CASH(1.0, "RUB") "}", 400, "InvalidRequest" },
        { "capture", "{\"reason\":\"x\",\"cart\":{\"lines\":[]}}", 400, "InvalidRequest" },
        { "capture", "{\"reason\":\"x\",\"cash\":" CASH(10000, "USD") "}", 422, "InconsistentCaptureCurrency" },
        { "capture", "{\"reason\":\"x\",\"cash\":" CASH(42001, "RUB") "}", 422, "AmountExceededCaptureBalance" },
        { "capture", "{\"reason\":\"x\",\"allocation\":{\"transactions\":[]}}", 400, "InvalidRequest" },
        { "capture?wait=61", "{\"reason\":\"x\"}", 400, "InvalidRequest" },
        { "cancel", "{}", 400, "InvalidRequest" },
    };
    struct banked bank;
    char *before, *after;
    json_t *answer;
    size_t i;

    banked_open(&bank, NULL);
    hold(&bank, "h", "no_preauth");
    before = daemon_fixture_digest(&bank.daemon);
    for (i = 0; i < SL_COUNT(rows); i++)
        banked_refused(&bank, "POST", path_of("h", rows[i].tail), rows[i].body, rows[i].status, rows[i].error);
    banked_refused(&bank, "POST", "/v1/invoices/h/payments/2/capture", "{\"reason\":\"x\"}", 404, "InvoicePaymentNotFound");
    banked_refused(&bank, "POST", "/v1/invoices/none/payments/1/cancel", "{\"reason\":\"x\"}", 404, "InvoiceNotFound");
    answer = banked_must(&bank, "POST", path_of("h", "capture"), "{\"reason\":\"x\",\"allocation\":{}}", 400);
    expect(answer, "errors.0.field", "/allocation");
    json_decref(answer);
    cr_expect_eq(banked_ask(&bank, "POST", path_of("h", "capture"), NULL, rows[5].body, &answer), 422);
    expect(answer, "payment_currency", "RUB");
    expect(answer, "passed_currency", "USD");
    json_decref(answer);
    cr_expect_eq(banked_ask(&bank, "POST", path_of("h", "capture"), NULL, rows[6].body, &answer), 422);
    expect(answer, "payment_amount", "42000");
    expect(answer, "passed_amount", "42001");
    json_decref(answer);
    after = daemon_fixture_digest(&bank.daemon);
    cr_expect_str_eq(before, after);
    free(before);
    free(after);
    banked_close(&bank);
}

/* How many effects of kind WHAT ("captures") the bank has in its book; no key was ever used for two things. */
static size_t effects(const struct banked *bank, const char *what)
{
    struct http_reply reply = http_request(bank->bank.port, "GET", "/book", NULL, NULL);
    json_t *book = http_reply_json(&reply), *payment;
    size_t i, count = 0;

    cr_expect_eq(json_array_size(json_object_get(book, "conflicts")), 0, "%s", reply.body);
    json_array_foreach(json_object_get(book, "payments"), i, payment)
        count += json_array_size(json_object_get(payment, what));
    json_decref(book);
    http_reply_clear(&reply);
    return count;
}

struct decision {
    const struct banked *bank;
    const char *id, *what;
    int status;
};

static void *decide(void *arg)
{
    struct decision *decision = arg;
    char path[128];

    snprintf(path, sizeof(path), "/v1/invoices/%s/payments/1/%s", decision->id, decision->what);
    decision->status = banked_ask(decision->bank, "POST", path, NULL, "{\"reason\":\"race\"}", NULL);
    return NULL;
}

#define RACES 8

/* Fails: of a capture, a cancel and the end of the hold more than one is told that it counts, or none does. */
Test(api_holds, capture_cancel_and_expiry_race, .timeout = 120)
{
    struct decision decisions[RACES][2];
    pthread_t threads[RACES][2];
    char ids[RACES][16];
    struct banked bank;
    json_t *domain, *answer;
    const char *status;
    size_t i, j, captured = 0;

    banked_open(&bank, NULL);
    domain = banked_domain(&bank);
    banked_set(domain, "term_set_hierarchy", "{\"id\":1}", "term_set.payments.holds.lifetime", "{\"value\":{\"seconds\":3}}");
    banked_configure_take(&bank, NULL, domain);
    for (i = 0; i < RACES; i++) {
        snprintf(ids[i], sizeof(ids[i]), "race-%zu", i);
        hold(&bank, ids[i], "no_preauth");
    }
    for (i = 0; i < RACES; i++) {
        for (j = 0; j < 2; j++) {
            decisions[i][j] = (struct decision){ &bank, ids[i], j ? "cancel" : "capture", 0 };
            cr_assert_eq(pthread_create(&threads[i][j], NULL, decide, &decisions[i][j]), 0);
        }
    }
    for (i = 0; i < RACES; i++) {
        for (j = 0; j < 2; j++)
            pthread_join(threads[i][j], NULL);
        cr_expect(decisions[i][0].status == 202 || decisions[i][0].status == 409, "%d", decisions[i][0].status);
        cr_expect(decisions[i][1].status == 202 || decisions[i][1].status == 409, "%d", decisions[i][1].status);
        cr_expect(decisions[i][0].status == 409 || decisions[i][1].status == 409, "%s: both were taken", ids[i]);
        banked_until(&bank, path_of(ids[i], ""), "activity", "idle");
        answer = banked_must(&bank, "GET", path_of(ids[i], ""), NULL, 200);
        status = banked_text(answer, "payment.status");
        cr_expect_str_eq(status, decisions[i][0].status == 202 ? "captured" : "cancelled", "%s", ids[i]);
        captured += decisions[i][0].status == 202;
        json_decref(answer);
    }
    cr_expect_eq(effects(&bank, "captures"), captured);
    cr_expect_eq(effects(&bank, "cancels"), RACES - captured);
    cr_expect_str_eq(banked_books(&bank), "");
    banked_close(&bank);
}

/* Fails: a capture whose answer was lost is done twice, or nobody can see that its outcome is not known. */
Test(api_holds, a_lost_answer_is_asked_for_again_and_listed, .timeout = 120)
{
    struct banked bank;
    json_t *answer;

    banked_open(&bank, NULL);
    hold(&bank, "lost", "no_preauth");
    banked_fault(&bank, "{\"kind\":\"lost_after\",\"next\":2,\"target\":\"captured\"}");
    json_decref(banked_must(&bank, "POST", path_of("lost", "capture"), "{\"reason\":\"x\"}", 202));
    banked_until(&bank, "/v1/machines?status=retrying&cause=unknown_outcome", "0.id", "lost@party-acme");
    answer = banked_must(&bank, "GET", "/v1/machines?status=stuck&older=0", NULL, 200);
    expect(answer, "0.id", "lost@party-acme");
    expect(answer, "0.status", "retrying");
    expect(answer, "0.cause", "unknown_outcome");
    expect(answer, "0.activity", "finalizing_session");
    json_decref(answer);
    answer = banked_must(&bank, "GET", "/v1/machines?status=stuck", NULL, 200);
    cr_expect_eq(json_array_size(answer), 0, "not for a minute yet");
    json_decref(answer);
    answer = banked_must(&bank, "GET", "/v1/machines?status=stuck&older=0&activity=routing", NULL, 200);
    cr_expect_eq(json_array_size(answer), 0);
    json_decref(answer);
    banked_until(&bank, path_of("lost", ""), "payment.status", "captured");
    cr_expect_eq(effects(&bank, "captures"), 1);
    answer = banked_must(&bank, "GET", "/v1/machines?status=stuck&older=0", NULL, 200);
    cr_expect_eq(json_array_size(answer), 0, "it is answered");
    json_decref(answer);
    cr_expect_str_eq(banked_books(&bank), "");
    banked_close(&bank);
}

/* Fails: a refused capture fails the payment, hides why, or cannot be asked for again. */
Test(api_holds, a_refused_capture_is_listed_and_asked_for_anew, .timeout = 120)
{
    struct banked bank;
    json_t *answer;

    banked_open(&bank, NULL);
    hold(&bank, "gf", "scenario_gf");
    json_decref(banked_must(&bank, "POST", path_of("gf", "capture"), "{\"reason\":\"x\"}", 202));
    banked_until(&bank, "/v1/invoices/gf", "machine.status", "failed");
    answer = banked_must(&bank, "GET", "/v1/machines?status=stuck&older=86400", NULL, 200);
    expect(answer, "0.id", "gf@party-acme");
    expect(answer, "0.status", "failed");
    expect(answer, "0.cause", "declined");
    expect(answer, "0.reason", "the captured session failed: authorization_failed:unknown");
    json_decref(answer);
    banked_refused(&bank, "POST", path_of("gf", "cancel"), "{\"reason\":\"x\"}", 423, "MachineFailed");
    banked_until(&bank, path_of("gf", ""), "payment.status", "processed");
    json_decref(banked_must(&bank, "POST", "/v1/invoices/gf/repair", NULL, 200));
    banked_until(&bank, path_of("gf", ""), "payment.status", "captured");
    cr_expect_str_eq(banked_books(&bank), "");
    banked_close(&bank);
}

/* What the payer's page does: the browser's form, posted to the bank. */
static int post_form(const struct banked *bank, const char *tag)
{
    struct http_reply reply;
    char body[256];
    int status;

    snprintf(body, sizeof(body), "tag=%s", tag);
    reply = http_request(bank->bank.port, "POST", "/form", "Content-Type: application/x-www-form-urlencoded\r\n", body);
    status = reply.status;
    http_reply_clear(&reply);
    return status;
}

/* The newest tag of invoice ID's history. */
static void tag_of(const struct banked *bank, const char *id, char *tag, size_t size)
{
    char path[128];
    json_t *events;
    char *text, *at, *last = NULL;

    snprintf(path, sizeof(path), "/v1/invoices/%s/events", id);
    events = banked_must(bank, "GET", path, NULL, 200);
    text = json_dumps(events, JSON_COMPACT);
    for (at = text; (at = strstr(at, "\"session_suspended\":{")); at++)
        last = at;
    cr_assert(last && sscanf(last, "\"session_suspended\":{\"tag\":\"%127[^\"]", tag) == 1 && strlen(tag) < size, "%s", text);
    free(text);
    json_decref(events);
}

/* What an adapter is told of a payment is of the payment's revision, also by a daemon that has not read it yet. Fails: after a
 * restart the bank sees another shop than the payer. */
Test(api_holds, an_adapter_is_told_of_the_payments_revision, .timeout = 120)
{
    struct banked bank;
    char tag[128], path[192], shop[64];
    json_t *domain, *answer;

    banked_open(&bank, NULL);
    pay(&bank, "old", "preauth_3ds:timeout=60", "{\"instant\":{}}");
    tag_of(&bank, "old", tag, sizeof(tag));
    snprintf(path, sizeof(path), "/v1/provider/payments/%s", tag);
    answer = banked_must(&bank, "GET", path, NULL, 200);
    snprintf(shop, sizeof(shop), "%s", banked_text(answer, "shop.name"));
    cr_assert_neq(*shop, '\0');
    json_decref(answer);
    domain = banked_domain(&bank);
    banked_set(domain, "shop_config", "{\"id\":\"shop-acme-books\"}", "name", "\"Renamed\"");
    banked_configure_take(&bank, NULL, domain);
    answer = banked_must(&bank, "GET", path, NULL, 200);
    expect(answer, "shop.name", shop);
    json_decref(answer);
    banked_restart(&bank);
    answer = banked_must(&bank, "GET", path, NULL, 200);
    expect(answer, "shop.name", shop);
    json_decref(answer);
    banked_close(&bank);
}

/* Fails: a callback that is too early is lost, one that comes again is taken twice, or a stranger's is taken. */
Test(api_holds, callbacks_at_every_time, .timeout = 120)
{
    struct banked bank;
    char tag[128], path[192];
    json_t *answer;

    banked_open(&bank, NULL);
    banked_refused(&bank, "POST", "/v1/provider/callbacks/never", "{\"payload\":\"eA==\"}", 400, "InvalidRequest");

    banked_fault(&bank, "{\"kind\":\"early_callback\",\"target\":\"processed\",\"ms\":200}");
    pay(&bank, "early", "preauth_3ds:timeout=30", "{\"instant\":{}}");
    banked_until(&bank, path_of("early", ""), "payment.status", "captured");
    tag_of(&bank, "early", tag, sizeof(tag));
    snprintf(path, sizeof(path), "/v1/provider/callbacks/%s", tag);
    banked_refused(&bank, "POST", path, "{\"payload\":\"eA==\"}", 400, "InvalidRequest");
    snprintf(path, sizeof(path), "/v1/provider/payments/%s", tag);
    answer = banked_must(&bank, "GET", path, NULL, 200);
    expect(answer, "invoice.id", "early@party-acme"); /* old tags still tell whose they were */
    json_decref(answer);

    pay(&bank, "twice", "preauth_3ds:timeout=30", "{\"hold\":{\"on_hold_expiration\":\"cancel\"}}");
    tag_of(&bank, "twice", tag, sizeof(tag));
    cr_expect_eq(post_form(&bank, tag), 200);
    cr_expect_eq(post_form(&bank, tag), 400, "the tag is spent");
    banked_until(&bank, path_of("twice", ""), "payment.status", "processed");
    cr_expect_eq(post_form(&bank, tag), 400);
    json_decref(banked_must(&bank, "POST", path_of("twice", "cancel?wait=10"), "{\"reason\":\"x\"}", 202));

    banked_fault(&bank, "{\"kind\":\"late_callback\",\"target\":\"processed\",\"ms\":100}");
    pay(&bank, "late", "preauth_3ds:timeout=1", "{\"instant\":{}}");
    banked_until(&bank, path_of("late", ""), "payment.status", "failed");
    answer = banked_must(&bank, "GET", path_of("late", ""), NULL, 200);
    expect(answer, "payment.status.failed.failure", "operation_timeout");
    json_decref(answer);

    pay(&bank, "ended", "preauth_3ds:timeout=30", "{\"instant\":{}}");
    tag_of(&bank, "ended", tag, sizeof(tag));
    snprintf(path, sizeof(path), "/v1/provider/sessions/%s", tag);
    json_decref(banked_must(&bank, "POST", path, "{\"change\":{\"status\":{\"failure\":{\"code\":\"preauthorization_failed\"}}}}", 200));
    banked_until(&bank, path_of("ended", ""), "payment.status", "failed");
    banked_refused(&bank, "POST", path, "{\"change\":{\"status\":{\"failure\":{\"code\":\"x\"}}}}", 400, "InvalidRequest");
    cr_expect_str_eq(banked_books(&bank), "");
    banked_close(&bank);
}

/* Fails: the command line says something else than the API. */
Test(api_holds, the_command_line_decides_and_lists, .timeout = 120)
{
    static const struct {
        const char *words[8];
        int status;
    } rows[] = {
        { { "payment", "capture", "cli", "1", "10000", "--wait=10", NULL }, 0 },
        { { "payment", "capture", "cli", "1", NULL }, 1 },
        { { "payment", "cancel", "cli", "1", NULL }, 1 },
        { { "payment", "capture", "cli", "1", "much", NULL }, 2 },
        { { "payment", "capture", "cli", NULL }, 2 },
        { { "stuck", "--older=0", NULL }, 0 },
    };
    const char *words[10];
    struct daemon_fixture cli;
    struct banked bank;
    char api[64];
    size_t i, j;
    int out;

    banked_open(&bank, NULL);
    hold(&bank, "cli", "no_preauth");
    snprintf(api, sizeof(api), "--api=http://127.0.0.1:%d", bank.daemon.port);
    for (i = 0; i < SL_COUNT(rows); i++) {
        words[0] = api;
        for (j = 0; rows[i].words[j]; j++)
            words[j + 1] = rows[i].words[j];
        words[j + 1] = NULL;
        cli = (struct daemon_fixture){ .pid = daemon_fixture_spawn("sluice", bank.daemon.log, words, &out) };
        cr_expect_eq(daemon_fixture_wait(&cli), rows[i].status, "%s %s", rows[i].words[0], rows[i].words[1]);
        close(out);
    }
    banked_until(&bank, path_of("cli", ""), "payment.cost.amount", "10000");
    banked_close(&bank);
}

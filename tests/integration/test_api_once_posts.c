/* Idempotency-Key on every POST there is: two at once, again, with another body, and after the daemon was killed. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "support/banked.h"
#include "support/http.h"

#define JSON_TYPE "Content-Type: application/json\r\n"
#define CASH(amount) "{\"amount\":" #amount ",\"currency\":{\"symbolic_code\":\"RUB\"}}"
#define INVOICE(id, product)                                                                                 \
    "{\"id\":\"" id "\",\"party_id\":\"party-acme\",\"shop_id\":\"shop-acme-books\",\"details\":{\"product\":\"" product "\"}," \
    "\"due\":\"2030-01-01T00:00:00Z\",\"cost\":" CASH(42000) ",\"context\":{\"type\":\"text/plain\",\"data\":\"\"}}"
#define CARD(token)                                                                                          \
    "{\"payment_resource\":{\"resource\":{\"payment_tool\":{\"bank_card\":{\"token\":\"" token "\",\"payment_system\":" \
    "{\"id\":\"VISA\"},\"bin\":\"424242\",\"last_digits\":\"4242\",\"issuer_country\":\"RUS\"}}},\"contact_info\":{}}}"
#define PAYMENT(token, flow) "{\"payer\":" CARD(token) ",\"flow\":" flow "}"
#define HOLD "{\"hold\":{\"on_hold_expiration\":\"cancel\"}}"
#define INSTANT "{\"instant\":{}}"
#define REGISTERED(trx)                                                                                      \
    "{\"payer_params\":" CARD("forbidden") ",\"route\":{\"provider\":{\"id\":1},\"terminal\":{\"id\":1}},"    \
    "\"transaction_info\":{\"id\":\"" trx "\",\"extra\":{}}}"
#define TEMPLATE(product)                                                                                    \
    "{\"template_id\":\"t1\",\"party_id\":\"party-acme\",\"shop_id\":\"shop-acme-books\",\"invoice_lifetime\":{\"months\":1}," \
    "\"product\":\"" product "\",\"details\":{\"product\":{\"product\":\"duck\",\"price\":{\"fixed\":" CASH(5000) "}," \
    "\"metadata\":{}}},\"context\":{\"type\":\"text/plain\",\"data\":\"\"}}"
#define REASON(reason) "{\"reason\":\"" reason "\"}"
#define ENDED(code) "{\"change\":{\"status\":{\"failure\":{\"code\":\"" code "\"}}}}"
#define FAIL_SESSION(code) "{\"scenario\":{\"fail_session\":{\"failure\":{\"code\":\"" code "\"}}}}"

/* Behind a path that ends in a slash comes the tag that the invoice TAG_OF waits under. */
static const struct post {
    const char *path, *body, *other;
    int status;
    const char *tag_of;
    const char *until, *field, *value; /* what it comes to at UNTIL; NULL: nothing more; VALUE NULL: a session of it waits */
} posts[] = {
    { "/v1/invoices", INVOICE("i1", "duck"), INVOICE("i1", "goose"), 201, NULL, NULL, NULL, NULL },
    { "/v1/invoice-templates", TEMPLATE("duck"), TEMPLATE("goose"), 201, NULL, NULL, NULL, NULL },
    { "/v1/invoice-templates/t1/invoices", "{\"id\":\"i2\"}", "{\"id\":\"i2\",\"external_id\":\"x\"}", 201, NULL, NULL, NULL, NULL },
    { "/v1/invoices/i1/payments", PAYMENT("no_preauth", HOLD), PAYMENT("no_preauth", INSTANT), 202, NULL,
      "/v1/invoices/i1/payments/1", "activity", "flow_waiting" },
    { "/v1/invoices/i1/payments/1/capture", REASON("x"), REASON("y"), 202, NULL, "/v1/invoices/i1/payments/1",
      "payment.status", "captured" },
    { "/v1/invoices/i1/payments/1/refunds", "{\"cash\":" CASH(1000) "}", "{\"cash\":" CASH(1001) "}", 202, NULL,
      "/v1/invoices/i1/payments/1/refunds/1", "status", "succeeded" },
    { "/v1/invoices/i1/payments/1/manual-refunds", "{\"cash\":" CASH(1000) "}", "{\"cash\":" CASH(1001) "}", 202, NULL,
      "/v1/invoices/i1/payments/1/refunds/m2", "status", "succeeded" },
    { "/v1/invoices/i1/fulfill", REASON("x"), REASON("y"), 200, NULL, NULL, NULL, NULL },
    { "/v1/invoices/i2/rescind", REASON("x"), REASON("y"), 200, NULL, NULL, NULL, NULL },
    { "/v1/invoices", INVOICE("i3", "duck"), INVOICE("i3", "goose"), 201, NULL, NULL, NULL, NULL },
    { "/v1/invoices/i3/payments", PAYMENT("no_preauth", HOLD), PAYMENT("no_preauth", INSTANT), 202, NULL,
      "/v1/invoices/i3/payments/1", "activity", "flow_waiting" },
    { "/v1/invoices/i3/payments/1/cancel", REASON("x"), REASON("y"), 202, NULL, "/v1/invoices/i3/payments/1",
      "payment.status", "cancelled" },
    { "/v1/invoices/i3/payments/register", REGISTERED("T7"), REGISTERED("T8"), 202, NULL, "/v1/invoices/i3/payments/2",
      "payment.status", "captured" },
    { "/v1/invoices", INVOICE("i4", "duck"), INVOICE("i4", "goose"), 201, NULL, NULL, NULL, NULL },
    { "/v1/invoices/i4/payments", PAYMENT("preauth_3ds:timeout=30", HOLD), PAYMENT("no_preauth", HOLD), 202, NULL,
      "/v1/invoices/i4/events", "suspended", NULL },
    { "/v1/provider/callbacks/", "{\"payload\":\"cGF5bG9hZA==\"}", "{\"payload\":\"\"}", 200, "i4",
      "/v1/invoices/i4/payments/1", "activity", "flow_waiting" },
    { "/v1/invoices", INVOICE("i5", "duck"), INVOICE("i5", "goose"), 201, NULL, NULL, NULL, NULL },
    { "/v1/invoices/i5/payments", PAYMENT("preauth_3ds:timeout=30", HOLD), PAYMENT("no_preauth", HOLD), 202, NULL,
      "/v1/invoices/i5/events", "suspended", NULL },
    { "/v1/provider/sessions/", ENDED("x"), ENDED("y"), 200, "i5", "/v1/invoices/i5/payments/1", "payment.status", "failed" },
    { "/v1/invoices", INVOICE("i6", "duck"), INVOICE("i6", "goose"), 201, NULL, NULL, NULL, NULL },
    { "/v1/invoices/i6/payments", PAYMENT("unexpected_failure", HOLD), PAYMENT("no_preauth", HOLD), 202, NULL,
      "/v1/invoices/i6", "machine.status", "failed" },
    { "/v1/invoices/i6/repair-scenario", FAIL_SESSION("x"), FAIL_SESSION("y"), 200, NULL, "/v1/invoices/i6/payments/1",
      "payment.status", "failed" },
    { "/v1/invoices", INVOICE("i7", "duck"), INVOICE("i7", "goose"), 201, NULL, NULL, NULL, NULL },
    { "/v1/invoices/i7/payments", PAYMENT("unexpected_failure", HOLD), PAYMENT("no_preauth", HOLD), 202, NULL,
      "/v1/invoices/i7", "machine.status", "failed" },
    { "/v1/invoices/i7/repair", "{\"changes\":[],\"action\":{\"timer\":{\"unset_timer\":{}}}}", "{\"changes\":[]}", 200, NULL,
      "/v1/invoices/i7", "machine.status", "working" },
};

struct answer {
    int status;
    bool replayed;
    char *body;
};

struct asking {
    int port;
    const char *path, *key, *body;
    struct answer answer;
};

static void *ask(void *arg)
{
    struct asking *asking = arg;
    char headers[128], replayed[16];
    struct http_reply reply;

    snprintf(headers, sizeof(headers), JSON_TYPE "Idempotency-Key: %s\r\n", asking->key);
    reply = http_request_within(3 * HTTP_DEADLINE_MS, asking->port, "POST", asking->path, headers, asking->body);
    asking->answer.status = reply.status;
    asking->answer.replayed = http_reply_header(&reply, "Idempotent-Replayed", replayed, sizeof(replayed));
    asking->answer.body = strdup(reply.body);
    http_reply_clear(&reply);
    return NULL;
}

static struct answer post(int port, const char *path, const char *key, const char *body)
{
    struct asking asking = { port, path, key, body, { 0 } };

    ask(&asking);
    return asking.answer;
}

/* How many events there are, of all machines. */
static long events(struct banked *bank)
{
    static const char script[] = "local sum = 0\n"
                                 "for _, key in ipairs(redis.call('KEYS', 'sluice:*:feed')) do sum = sum + redis.call('XLEN', key) end\n"
                                 "return sum";

    return atol(redis_fixture_ask(&bank->daemon.redis, "EVAL", script, "0", NULL));
}

/* Both at once; *FIRST gets what both were told. */
static void post_twice(const struct banked *bank, const char *path, const char *key, const char *body, struct answer *first)
{
    struct asking both[2];
    pthread_t threads[2];
    size_t i;

    for (i = 0; i < 2; i++) {
        both[i] = (struct asking){ bank->daemon.port, path, key, body, { 0 } };
        cr_assert_eq(pthread_create(&threads[i], NULL, ask, &both[i]), 0);
    }
    for (i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    cr_expect_eq(both[0].answer.status, both[1].answer.status, "%s: %s %s", path, both[0].answer.body, both[1].answer.body);
    cr_expect_neq(both[0].answer.replayed, both[1].answer.replayed, "%s: it is done once", path);
    cr_expect_str_eq(both[0].answer.body, both[1].answer.body, "%s", path);
    free(both[1].answer.body);
    *first = both[0].answer;
}

static void expect_again(struct banked *bank, const char *path, const char *key, const struct post *row,
                         const struct answer *first)
{
    long before = events(bank);
    struct answer again = post(bank->daemon.port, path, key, row->body);
    struct answer other = post(bank->daemon.port, path, key, row->other);

    cr_expect_eq(again.status, first->status, "%s: %d %s", path, again.status, again.body);
    cr_expect(again.replayed, "%s", path);
    cr_expect_str_eq(again.body, first->body, "%s: %s", path, again.body);
    cr_expect(other.status == 422 && strstr(other.body, "IdempotencyKeyReused"), "%s: %d %s", path, other.status, other.body);
    cr_expect_eq(events(bank), before, "%s: something more has happened", path);
    free(again.body);
    free(other.body);
}

/* The tag under which a session of the invoice waits whose events are at PATH; waits for it. */
static void tag_of(const struct banked *bank, const char *path, char *tag)
{
    int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;
    const char *at;
    json_t *answer;
    char *text;
    bool there;

    do {
        answer = banked_must(bank, "GET", path, NULL, 200);
        text = json_dumps(answer, JSON_COMPACT);
        at = strstr(text, "\"session_suspended\":{");
        there = at && sscanf(at, "\"session_suspended\":{\"tag\":\"%127[^\"]", tag) == 1;
        cr_assert(there || clock_mono_us() < until_us, "%s", text);
        free(text);
        json_decref(answer);
    } while (!there);
}

static void path_of(const struct banked *bank, const struct post *row, char *path, size_t size)
{
    char events_path[64], tag[128] = "";

    if (row->tag_of) {
        snprintf(events_path, sizeof(events_path), "/v1/invoices/%s/events", row->tag_of);
        tag_of(bank, events_path, tag);
    }
    snprintf(path, size, "%s%s", row->path, tag);
}

static void settle(const struct banked *bank, const struct post *row)
{
    char tag[128];

    if (row->until && !row->value)
        tag_of(bank, row->until, tag);
    else if (row->until)
        banked_until(bank, row->until, row->field, row->value);
}

/* If it fails, somewhere a POST that comes twice is done twice, or is answered otherwise than at first. */
Test(api_once_posts, each_is_done_once_and_answered_the_same, .timeout = 120)
{
    static struct answer first[SL_COUNT(posts)];
    static char paths[SL_COUNT(posts)][192];
    struct banked bank;
    char key[16];
    size_t i;

    banked_open(&bank, NULL);
    for (i = 0; i < SL_COUNT(posts); i++) {
        snprintf(key, sizeof(key), "key-%zu", i);
        path_of(&bank, &posts[i], paths[i], sizeof(paths[i]));
        post_twice(&bank, paths[i], key, posts[i].body, &first[i]);
        cr_assert_eq(first[i].status, posts[i].status, "%s: %d %s", paths[i], first[i].status, first[i].body);
        settle(&bank, &posts[i]);
        expect_again(&bank, paths[i], key, &posts[i], &first[i]);
    }
    banked_restart(&bank);
    for (i = 0; i < SL_COUNT(posts); i++) {
        snprintf(key, sizeof(key), "key-%zu", i);
        expect_again(&bank, paths[i], key, &posts[i], &first[i]);
        free(first[i].body);
    }
    banked_close(&bank);
}

/* What is gone since then does not take the answer away. */
static const struct {
    const char *path, *body; /* done once, under a key */
    int status;
    const char *method, *then_path, *then_body; /* then this happens, and the shop is suspended */
} gone[] = {
    { "/v1/invoices", INVOICE("i1", "duck"), 201, "POST", "/v1/invoices/i1/rescind", REASON("x") },
    { "/v1/invoice-templates", TEMPLATE("duck"), 201, "PATCH", "/v1/invoice-templates/t1", "{\"name\":\"n\"}" },
    { "/v1/invoice-templates/t1/invoices", "{\"id\":\"i2\"}", 201, "DELETE", "/v1/invoice-templates/t1", NULL },
};

/* If it fails, a caller whose answer was lost hears that its invoice could not be made, because the template that it
 * was made from has changed or is gone by now. */
Test(api_once_posts, the_first_answer_outlives_what_it_was_about, .timeout = 120)
{
    struct answer first[SL_COUNT(gone)], again, late;
    struct banked bank;
    json_t *domain;
    size_t i;

    banked_open(&bank, NULL);
    for (i = 0; i < SL_COUNT(gone); i++) {
        first[i] = post(bank.daemon.port, gone[i].path, "k", gone[i].body);
        cr_assert_eq(first[i].status, gone[i].status, "%s", first[i].body);
        json_decref(banked_must(&bank, gone[i].method, gone[i].then_path, gone[i].then_body, 200));
    }
    domain = banked_domain(&bank); /* and nothing can be made of this shop any more */
    banked_set(domain, "shop_config", "{\"id\":\"shop-acme-books\"}", "suspension", "{\"suspended\":{\"since\":\"2020-01-01T00:00:00Z\"}}");
    banked_configure_take(&bank, NULL, domain);
    late = post(bank.daemon.port, "/v1/invoices", "k", INVOICE("i9", "duck"));
    cr_expect_eq(late.status, 409, "%d %s", late.status, late.body);
    free(late.body);
    for (i = 0; i < SL_COUNT(gone); i++) {
        again = post(bank.daemon.port, gone[i].path, "k", gone[i].body);
        cr_expect_eq(again.status, first[i].status, "%s: %d %s", gone[i].path, again.status, again.body);
        cr_expect(again.replayed);
        cr_expect_str_eq(again.body, first[i].body, "%s", again.body);
        free(again.body);
        free(first[i].body);
    }
    late = post(bank.daemon.port, "/v1/invoice-templates/t1/invoices", "k", "{\"id\":\"i9\"}");
    cr_expect_eq(late.status, 410, "a new one is not made: %s", late.body);
    free(late.body);
    late = post(bank.daemon.port, "/v1/invoice-templates/t1/invoices", "other", "{\"id\":\"i2\"}");
    cr_expect_eq(late.status, 410, "without its key it is as any other: %s", late.body);
    free(late.body);
    late = post(bank.daemon.port, "/v1/invoice-templates/t9/invoices", "k", "{\"id\":\"i9\"}");
    cr_expect_eq(late.status, 404, "%s", late.body);
    free(late.body);
    banked_refused(&bank, "GET", "/v1/invoices/i9", NULL, 404, "InvoiceNotFound");
    banked_close(&bank);
}

/* If it fails, a call that finds its work done already is done again, or answered otherwise. */
Test(api_once_posts, what_was_done_without_a_key_is_not_done_again_with_one, .timeout = 120)
{
    static const char path[] = "/v1/invoices/i1/payments/1/refunds", body[] = "{\"id\":\"1\",\"cash\":" CASH(1000) "}";
    struct answer first, again;
    struct banked bank;
    long before;

    banked_open(&bank, NULL);
    json_decref(banked_invoice(&bank, "i1"));
    json_decref(banked_pay(&bank, "i1", "no_preauth", NULL));
    json_decref(banked_must(&bank, "POST", path, body, 202));
    banked_until(&bank, "/v1/invoices/i1/payments/1/refunds/1", "status", "succeeded");
    before = events(&bank);
    first = post(bank.daemon.port, path, "k", body);
    cr_expect_eq(first.status, 202, "%s", first.body);
    again = post(bank.daemon.port, path, "k", body);
    cr_expect_eq(again.status, 202, "%s", again.body);
    cr_expect_str_eq(again.body, first.body);
    cr_expect_eq(events(&bank), before);
    free(first.body);
    free(again.body);
    banked_close(&bank);
}

/* If it fails, a removal that comes twice is taken for a failure, or a key brings a removed invoice back. */
Test(api_once_posts, a_removal_takes_its_key_along, .timeout = 120)
{
    static const char removal[] = "{\"changes\":[],\"action\":{\"remove\":{}},\"params\":{\"move_balances\":true}}";
    struct answer first, again;
    struct banked bank;

    banked_open(&bank, NULL);
    json_decref(banked_invoice(&bank, "i1"));
    json_decref(banked_must(&bank, "POST", "/v1/invoices/i1/payments", PAYMENT("unexpected_failure", HOLD), 202));
    banked_until(&bank, "/v1/invoices/i1", "machine.status", "failed");
    first = post(bank.daemon.port, "/v1/invoices/i1/repair", "k", removal);
    cr_expect_eq(first.status, 200, "%s", first.body);
    again = post(bank.daemon.port, "/v1/invoices/i1/repair", "k", removal);
    cr_expect(again.status == 404 && strstr(again.body, "InvoiceNotFound"), "%d %s", again.status, again.body);
    free(first.body);
    free(again.body);
    banked_refused(&bank, "GET", "/v1/invoices/i1", NULL, 404, "InvoiceNotFound");
    banked_close(&bank);
}

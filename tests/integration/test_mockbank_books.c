/* What the mock bank keeps and breaks: its inspector, its books, its faults, its calls to the service. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/xmalloc.h"
#include "integration/http_server.h"
#include "support/bank_talk.h"

TestSuite(mockbank, .init = bank_setup, .fini = bank_teardown, .timeout = 60);

/* ---- the inspector ---- */

/* Fallback scores are tested with these, and each kind fails in its own way. */
Test(mockbank, inspector_answers_by_its_options)
{
    struct { const char *options; int status; const char *score; } rows[] = {
        { "{\"risk_score\":\"fatal\",\"link_state\":\"timeout\"}", 200, "fatal" },
        { "{\"link_state\":\"unexpected_failure\"}", 500, "" },
        { "{\"link_state\":\"temporary_failure\"}", 500, "" },
        { "{\"link_state\":\"temporary_failure\"}", 200, "low" },
    };
    char body[300];
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct http_reply reply;
        json_t *json;

        snprintf(body, sizeof(body), "{\"payment\":{\"invoice\":{\"id\":\"i\"},\"payment\":{\"id\":\"1\"}},\"options\":%s}",
                 rows[i].options);
        reply = bank_post("/inspector/inspect_payment", "k", body);
        json = http_reply_json(&reply);
        cr_assert_eq(reply.status, rows[i].status, "%s", rows[i].options);
        cr_assert_str_eq(bank_text_at(json, "risk_score"), rows[i].score, "%s", rows[i].options);
        json_decref(json);
        http_reply_clear(&reply);
    }
}

/* A late inspector is one whose answer nobody waits for. */
Test(mockbank, inspector_may_be_too_late)
{
    struct http_reply reply = http_request_within(300, bank_port, "POST", "/inspector/inspect_payment",
                                                  "Idempotency-Key: k\r\n",
                                                  "{\"payment\":{},\"options\":{\"link_state\":\"timeout\"}}");

    cr_assert(reply.status == 0 && reply.timed_out);
    http_reply_clear(&reply);
}

/* Black lists make routes drop out, one candidate at a time. */
Test(mockbank, black_list_knows_its_cards)
{
    struct { const char *terminal, *value; bool listed; } rows[] = {
        { "1", "inspector_fail_first", true }, { "2", "inspector_fail_first", false },
        { "2", "inspector_fail_all", true },   { "1", "no_preauth", false },
    };
    char body[200];
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct http_reply reply;
        json_t *json;

        snprintf(body, sizeof(body), "{\"routes\":[{\"first_id\":7,\"second_id\":%s}],\"field_name\":\"CARD_TOKEN\",\"value\":\"%s\"}",
                 rows[i].terminal, rows[i].value);
        reply = bank_post("/inspector/is_blacklisted", "k", body);
        json = http_reply_json(&reply);
        cr_assert_eq(json_is_true(json_array_get(json_object_get(json, "blacklisted"), 0)), rows[i].listed, "%s", body);
        json_decref(json);
        http_reply_clear(&reply);
    }
}

/* ---- the books ---- */

static void finish_first_call(struct bank_talk *talk)
{
    cr_assert_eq(talk_ask(talk), 200);
    must_sleep(talk);
}

/* A repeated call that charged twice would make the judge the culprit. */
Test(mockbank, repeated_key_changes_nothing)
{
    struct bank_talk talk = { .invoice = "b1", .tool = CARD("no_preauth") };
    struct http_reply first, again;

    finish_first_call(&talk);
    first = talk_ask_as(&talk, "key-1");
    again = talk_ask_as(&talk, "key-1");
    cr_assert_eq(again.status, 200);
    cr_assert_str_eq(first.body, again.body);
    cr_assert_eq(bank_book_count("b1", "charges"), 1);
    http_reply_clear(&first);
    http_reply_clear(&again);
    talk_hush(&talk);
}

/* The same key for something else is a fault of the caller that must stop a test. */
Test(mockbank, key_with_other_content_is_a_conflict)
{
    struct bank_talk talk = { .invoice = "b2", .tool = CARD("no_preauth") };
    struct http_reply reply;
    json_t *book;

    finish_first_call(&talk);
    reply = talk_ask_as(&talk, "key-2");
    http_reply_clear(&reply);
    talk.options = "{\"override\":\"other\"}";
    reply = talk_ask_as(&talk, "key-2");
    cr_assert_eq(reply.status, 409);
    http_reply_clear(&reply);
    book = bank_get_json("/book");
    cr_assert_str_eq(bank_text_at(book, "conflicts/0/key"), "key-2");
    json_decref(book);
    cr_assert_eq(bank_book_count("b2", "charges"), 1);
    talk_hush(&talk);
}

/* A bank that is killed and comes back must still know what it did, or fault tests prove nothing. */
Test(mockbank, book_survives_a_kill)
{
    struct bank_talk talk = { .invoice = "b3", .tool = CARD("no_preauth") };
    struct http_reply first, again;
    FILE *file;

    finish_first_call(&talk);
    first = talk_ask_as(&talk, "key-3");
    bank_stop(SIGKILL);
    file = fopen(bank_book_path, "a");
    fputs("{\"key\":\"half a li", file); /* what a crash within a write leaves */
    fclose(file);
    bank_start("1");
    again = talk_ask_as(&talk, "key-3");
    cr_assert_str_eq(first.body, again.body);
    cr_assert_eq(bank_book_count("b3", "charges"), 1);
    http_reply_clear(&again);
    again = talk_ask_as(&talk, "key-4"); /* another key: a second charge, which the book shows */
    http_reply_clear(&again);
    bank_stop(SIGKILL);
    bank_start("1");
    cr_assert_eq(bank_book_count("b3", "charges"), 2);
    http_reply_clear(&first);
    talk_hush(&talk);
}

/* A browser may send any bytes; a line of them that cannot be read again would cost the whole book. */
Test(mockbank, book_takes_text_alone)
{
    struct bank_talk talk = { .invoice = "b6", .tool = CARD("preauth_3ds_offsite") };

    bank_form("invoice_id=%ff&payment_id=1", 400);
    bank_form("invoice_id=b5&payment_id=%c3%28", 400);
    bank_form("invoice_id=%c3%bc&payment_id=1", 404); /* nobody of that name was sent there */
    cr_assert_eq(talk_ask(&talk), 200);
    bank_form("invoice_id=b6&payment_id=1", 200);
    bank_stop(SIGKILL);
    bank_start("1");
    bank_form("invoice_id=b6&payment_id=1", 200);
    bank_form("invoice_id=b5&payment_id=1", 404);
    talk_hush(&talk);
}

/* Amounts are what a test compares with its own books. */
Test(mockbank, book_shows_amounts)
{
    struct bank_talk talk = { .invoice = "b4", .tool = CARD("4242424242424242") };
    json_t *book;

    cr_assert_eq(talk_ask(&talk), 200);
    book = bank_get_json("/book");
    cr_assert_str_eq(bank_text_at(book, "payments/0/charges/0/key"), "b4.processed.1");
    cr_assert_str_eq(bank_text_at(book, "payments/0/charges/0/currency"), "RUB");
    cr_assert_eq(json_integer_value(json_object_get(json_array_get(json_object_get(json_array_get(
                     json_object_get(book, "payments"), 0), "charges"), 0), "amount")), 1001);
    json_decref(book);
    talk_hush(&talk);
}

/* ---- faults ---- */

/* Each fault must be what its name says before or after the effect: that is what tests rely on. */
Test(mockbank, faults_strike_before_or_after_the_effect)
{
    struct { const char *wish; int status; size_t charges; bool timed_out; } rows[] = {
        { "{\"kind\":\"lost_after\",\"next\":1,\"target\":\"processed\"}", 0, 1, false },
        { "{\"kind\":\"reset_before\"}", 0, 0, false },
        { "{\"kind\":\"status_500\"}", 500, 0, false },
        { "{\"kind\":\"status_503\"}", 503, 0, false },
        { "{\"kind\":\"garbage\"}", 200, 1, false },
        { "{\"kind\":\"huge_body\"}", 200, 1, false },
        { "{\"kind\":\"slow_drip\",\"ms\":1}", 200, 1, false },
        { "{\"kind\":\"delay\",\"ms\":50}", 200, 1, false },
        { "{\"kind\":\"status_500\",\"target\":\"captured\"}", 200, 1, false },
        { "{\"kind\":\"status_500\",\"share\":0}", 200, 1, false },
    };
    char invoice[16], key[24];
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct bank_talk talk = { .invoice = invoice, .tool = CARD("no_preauth") };
        int64_t from_us;
        struct http_reply reply;

        snprintf(invoice, sizeof(invoice), "x%zu", i);
        snprintf(key, sizeof(key), "xk%zu", i);
        finish_first_call(&talk);
        bank_fault(rows[i].wish);
        from_us = clock_mono_us();
        reply = talk_ask_as(&talk, key);
        cr_assert_eq(reply.status, rows[i].status, "%s: %d", rows[i].wish, reply.status);
        cr_assert_eq(reply.timed_out, rows[i].timed_out);
        cr_assert_eq(bank_book_count(invoice, "charges"), rows[i].charges, "%s", rows[i].wish);
        if (strstr(rows[i].wish, "delay"))
            cr_assert_geq(clock_mono_us() - from_us, 50000);
        if (strstr(rows[i].wish, "huge"))
            cr_assert_gt(reply.body_len, (size_t)1024 * 1024);
        http_reply_clear(&reply);
        reply = http_request(bank_port, "DELETE", "/faults", NULL, NULL);
        http_reply_clear(&reply);
        reply = talk_ask_as(&talk, key); /* the same call again: one charge, whatever happened before */
        cr_assert_eq(reply.status, 200, "%s", rows[i].wish);
        cr_assert_eq(bank_book_count(invoice, "charges"), 1, "%s", rows[i].wish);
        http_reply_clear(&reply);
        talk_hush(&talk);
    }
}

/* A caller that gave up must not take the bank down when its late answer is due. */
Test(mockbank, caller_may_hang_up)
{
    const char *wishes[] = { "{\"kind\":\"delay\",\"ms\":150}", "{\"kind\":\"slow_drip\",\"ms\":20}" };
    struct bank_talk talk = { .invoice = "h1", .tool = CARD("no_preauth") };
    struct buf body = BUF_EMPTY;
    size_t i;

    talk_context_add(&talk, &body);
    for (i = 0; i < SL_COUNT(wishes); i++) {
        struct http_reply reply;

        bank_fault(wishes[i]);
        reply = http_request_within(50, bank_port, "POST", "/provider/process_payment",
                                    i ? "Idempotency-Key: h-1\r\n" : "Idempotency-Key: h-0\r\n", buf_text(&body));
        cr_assert(reply.timed_out);
        http_reply_clear(&reply);
    }
    bank_fault("{\"kind\":\"delay\",\"ms\":400}");
    cr_assert_eq(talk_ask(&talk), 200); /* by then the others are over */
    buf_clear(&body);
    talk_hush(&talk);
}

/* ---- towards the service ---- */

static struct bare_server service;

static int callbacks_until(int count)
{
    bare_server_until_requests(&service, count);
    return service.requests;
}

static bool serve(struct bare_server *server, int fd, const struct bare_server_request *request)
{
    (void)server;
    if (strstr(request->path, "unknown"))
        return bare_server_answer(fd, 400, "{}");
    if (strstr(request->path, "broken"))
        return bare_server_answer(fd, 500, "{}");
    return bare_server_answer(fd, 200, "{\"response\":\"c3VyZQ==\"}");
}

static void setup_service(void)
{
    bare_server_start(&service, serve);
    snprintf(bank_service_url, sizeof(bank_service_url), "http://127.0.0.1:%d", service.port);
    bank_setup();
}

static void teardown_service(void)
{
    bank_teardown();
    bare_server_stop(&service);
}

TestSuite(mockbank_service, .init = setup_service, .fini = teardown_service, .timeout = 60);

/* The payer's form is how every 3DS scenario goes on, and its status is how it learns of refusals. */
Test(mockbank_service, form_is_delivered_as_a_callback)
{
    struct http_reply reply;

    bank_form("tag=payment-1", 200);
    bank_form("tag=unknown&payload=x", 400);
    bank_form("tag=broken", 500);
    bank_form("nonsense=1", 400);
    reply = http_request(bank_port, "GET", "/form", NULL, NULL);
    cr_assert_eq(reply.status, 405);
    http_reply_clear(&reply);
    cr_assert_eq(callbacks_until(3), 3);
}

/* Some banks send the payer to a page by GET; a link that leads nowhere ends no demonstration. */
Test(mockbank_service, page_by_get_is_delivered_as_a_callback)
{
    struct bank_talk talk = { .invoice = "s0", .tool = CARD("4556418324571052") };
    struct http_reply reply;
    const char *uri;

    cr_assert_eq(talk_ask(&talk), 200);
    uri = bank_text_at(talk.answer, "intent/suspend/user_interaction/redirect/get_request/uri");
    cr_assert(strstr(uri, "/acs?tag=COM_MPI-s0.1"), "%s", uri);
    reply = http_request(bank_port, "GET", strstr(uri, "/acs"), NULL, NULL);
    cr_assert_eq(reply.status, 200);
    http_reply_clear(&reply);
    cr_assert_eq(callbacks_until(1), 1);
    reply = http_request(bank_port, "GET", "/acs", NULL, NULL);
    cr_assert_eq(reply.status, 400);
    http_reply_clear(&reply);
    reply = http_request(bank_port, "POST", "/acs", NULL, "tag=x");
    cr_assert_eq(reply.status, 405);
    http_reply_clear(&reply);
    talk_hush(&talk);
}

/* The bank looks at the payment from inside the callback: a service that cannot show it then is wrong. */
Test(mockbank_service, callback_asks_for_the_payment)
{
    struct bank_talk talk = { .invoice = "s1", .tool = CARD("preauth_3ds:timeout=3") };

    cr_assert_eq(talk_ask(&talk), 200);
    cr_assert_eq(talk_call_back(&talk, talk.tag), 200);
    must_sleep(&talk);
    cr_assert_eq(callbacks_until(1), 1);
    talk_hush(&talk);
}

/* Callbacks come twice, before the answer and after the wait, as asked. */
Test(mockbank_service, callbacks_come_when_they_should_not)
{
    struct bank_talk early = { .invoice = "s2", .tool = CARD("preauth_3ds:timeout=3") };
    struct bank_talk late = { .invoice = "s3", .tool = CARD("preauth_3ds:timeout=0") };

    bank_fault("{\"kind\":\"early_callback\",\"ms\":1}");
    cr_assert_eq(talk_ask(&early), 200);
    cr_assert_eq(callbacks_until(1), 1);
    bank_fault("{\"kind\":\"late_callback\",\"ms\":1}");
    cr_assert_eq(talk_ask(&late), 200);
    cr_assert_eq(callbacks_until(2), 2);
    bank_fault("{\"kind\":\"duplicate_callback\"}");
    bank_form("tag=payment-1", 200);
    cr_assert_eq(callbacks_until(4), 4);
    talk_hush(&early);
    talk_hush(&late);
}

/* ---- what strangers send ---- */

/* A crash of the bank in a fault test would be blamed on the service. */
Test(mockbank, nonsense_is_refused)
{
    struct { const char *path, *header, *body; int status; } rows[] = {
        { "/provider/process_payment", "Idempotency-Key: k\r\n", "{", 400 },
        { "/provider/process_payment", "Idempotency-Key: k\r\n", "[]", 400 },
        { "/provider/process_payment", "Idempotency-Key: k\r\n", "{}", 400 },
        { "/provider/process_payment", "Idempotency-Key: k\xff\r\n", "{}", 400 },
        { "/provider/process_payment", NULL, "{}", 400 },
        { "/provider/handle_payment_callback", "Idempotency-Key: k\r\n", "{\"context\":{}}", 400 },
        { "/inspector/inspect_payment", "Idempotency-Key: k\r\n", "{}", 400 },
        { "/inspector/is_blacklisted", "Idempotency-Key: k\r\n", "{}", 400 },
        { "/faults", NULL, "{\"kind\":\"earthquake\"}", 400 },
        { "/faults", NULL, "{\"kind\":\"delay\",\"ms\":-1}", 400 },
        { "/faults", NULL, "{\"kind\":\"delay\",\"share\":2}", 400 },
        { "/nowhere", NULL, "", 404 },
    };
    struct http_reply reply;
    char *huge = xmalloc(2 * 1024 * 1024 + 1);
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        reply = http_request(bank_port, "POST", rows[i].path, rows[i].header, rows[i].body);
        cr_assert_eq(reply.status, rows[i].status, "%s %s: %d", rows[i].path, rows[i].body, reply.status);
        http_reply_clear(&reply);
    }
    memset(huge, ' ', 2 * 1024 * 1024);
    huge[2 * 1024 * 1024] = '\0';
    reply = bank_post("/provider/process_payment", "k", huge);
    cr_assert_neq(reply.status, 200);
    http_reply_clear(&reply);
    reply = http_request(bank_port, "GET", "/healthz", NULL, NULL);
    cr_assert_eq(reply.status, 200);
    http_reply_clear(&reply);
    free(huge);
}

/* Suites that need not wait say so by a factor; what is less than a second needs a deadline. */
Test(mockbank, time_is_scaled)
{
    struct bank_talk talk = { .invoice = "t1", .tool = CARD("preauth_3ds:timeout=3") };

    bank_stop(SIGTERM);
    bank_start("0.01");
    cr_assert_eq(talk_ask(&talk), 200);
    cr_assert_str_neq(bank_text_at(talk.answer, "intent/suspend/timeout/deadline"), "");
    talk_hush(&talk);
}

/* A test tells its calls apart by the log. */
Test(mockbank, log_tells_calls_apart)
{
    struct bank_talk talk = { .invoice = "l1", .tool = CARD("no_preauth") };
    json_t *log;

    finish_first_call(&talk);
    cr_assert_eq(talk_ask(&talk), 200);
    log = bank_get_json("/log");
    cr_assert_eq(json_array_size(log), 2);
    cr_assert_str_eq(bank_text_at(log, "0/state"), "");
    cr_assert_str_eq(bank_text_at(log, "1/state"), "sleep");
    cr_assert_str_eq(bank_text_at(log, "1/target"), "processed");
    cr_assert_str_eq(bank_text_at(log, "1/key"), "l1.processed.2");
    json_decref(log);
    talk_hush(&talk);
}

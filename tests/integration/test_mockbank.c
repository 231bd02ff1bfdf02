#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/xmalloc.h"
#include "integration/http_server.h"
#include "payment/effect.h"
#include "support/http.h"

/* ---- the bank: a process of its own, ended by its pid ---- */

static pid_t bank_pid;
static int bank_port;
static char book_path[64], service_url[64];
static struct server service;

static void bank_start(const char *time_scale)
{
    char program[512], line[128] = "", book[96], scale[64], service_option[96];
    const char *dir = getenv("SLUICE_BUILDDIR");
    FILE *out;
    int fds[2];

    snprintf(program, sizeof(program), "%s/mockbank", dir ? dir : ".");
    snprintf(book, sizeof(book), "--book=%s", book_path);
    snprintf(scale, sizeof(scale), "--time-scale=%s", time_scale);
    snprintf(service_option, sizeof(service_option), "--service=%s", *service_url ? service_url : "http://127.0.0.1:1");
    cr_assert_eq(pipe(fds), 0);
    bank_pid = fork();
    if (bank_pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        execl(program, program, "--port", "0", book, scale, *service_url ? service_option : (char *)NULL, (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    out = fdopen(fds[0], "r");
    cr_assert(out && fgets(line, sizeof(line), out) &&
              sscanf(line, "mockbank listening on 127.0.0.1:%d", &bank_port) == 1, "%s said \"%s\"", program, line);
    fclose(out);
}

static int bank_stop(int signal_number)
{
    int status = 0;

    kill(bank_pid, signal_number);
    waitpid(bank_pid, &status, 0);
    bank_pid = 0;
    return status;
}

static void setup(void)
{
    int fd;

    xmalloc_init();
    signal(SIGPIPE, SIG_IGN);
    strcpy(book_path, "/tmp/mockbank-book-XXXXXX");
    fd = mkstemp(book_path);
    cr_assert(fd >= 0);
    close(fd);
    bank_start("1");
}

static void teardown(void)
{
    int status = bank_pid ? bank_stop(SIGTERM) : 0;

    unlink(book_path);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the bank ended with %#x", (unsigned)status);
}

TestSuite(mockbank, .init = setup, .fini = teardown, .timeout = 60);

/* ---- what is asked ---- */

#define AT "2026-01-31T10:00:00Z"
#define MONEY(N) "{\"amount\":" N ",\"currency\":{\"name\":\"Ruble\",\"symbolic_code\":\"RUB\",\"numeric_code\":643,\"exponent\":2}}"
#define CARD(TOKEN) "{\"bank_card\":{\"token\":\"" TOKEN "\",\"bin\":\"424242\",\"last_digits\":\"4242\"}}"
#define PHONE(CC, CTN) "{\"mobile_commerce\":{\"operator\":{\"id\":\"mts\"},\"phone\":{\"cc\":\"" CC "\",\"ctn\":\"" CTN "\"}}}"
#define KIOSK "{\"payment_terminal\":{\"payment_service\":{\"id\":\"euroset\"}}}"

/* One payment under way: what the service would keep of it. */
struct talk {
    const char *invoice, *tool, *options, *target;
    const char *more; /* beside payment_info.payment */
    const char *contact; /* NULL: {} */
    char *state;      /* base64; NULL: none yet */
    char tag[600];
    int calls;
    json_t *answer;
};

static void context_add(const struct talk *talk, struct buf *out)
{
    buf_printf(out, "{\"session\":{\"target\":{\"%s\":{}}", talk->target ? talk->target : "processed");
    if (talk->state)
        buf_printf(out, ",\"state\":\"%s\"", talk->state);
    buf_printf(out, "},\"payment_info\":{\"shop\":{\"id\":\"s\",\"category\":{\"name\":\"c\",\"description\":\"d\"},"
                    "\"name\":\"n\",\"location\":{}},\"invoice\":{\"id\":\"%s\",\"created_at\":\"" AT "\",\"due\":\"" AT
                    "\",\"details\":{\"product\":\"p\"},\"cost\":" MONEY("1001") "},\"payment\":{\"id\":\"1\","
                    "\"created_at\":\"" AT "\",\"payment_resource\":{\"disposable_payment_resource\":{\"payment_tool\":%s}},"
                    "\"cost\":" MONEY("1001") ",\"contact_info\":%s}%s},\"options\":%s}",
               talk->invoice, talk->tool, talk->contact ? talk->contact : "{}", talk->more ? talk->more : "", talk->options ? talk->options : "{}");
}

static struct http_reply post(const char *path, const char *key, const char *body)
{
    char header[300];

    snprintf(header, sizeof(header), "Idempotency-Key: %s\r\n", key);
    return http_request(bank_port, "POST", path, header, body);
}

static const char *text_at(const json_t *json, const char *path)
{
    char name[64];
    size_t len;

    for (; *path; path += len + (path[len] != '\0')) {
        len = strcspn(path, "/");
        snprintf(name, sizeof(name), "%.*s", (int)len, path);
        json = json_is_array(json) ? json_array_get(json, strtoul(name, NULL, 10)) : json_object_get(json, name);
    }
    return json_is_string(json) ? json_string_value(json) : json_is_object(json) ? "{}" : json ? "other" : "";
}

/* The failure as code:sub:sub; "" if there is none. */
static const char *failure_in(const json_t *result)
{
    static char text[300];
    const json_t *at = json_object_get(json_object_get(json_object_get(json_object_get(result, "intent"), "finish"),
                                                       "status"), "failure");

    text[0] = '\0';
    for (; at; at = json_object_get(at, "sub"))
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", *text ? ":" : "", text_at(at, "code"));
    return text;
}

static void heed(struct talk *talk, const struct http_reply *reply, const struct type *type, const char *inside)
{
    struct arena *arena = arena_new();
    struct type_errors errors = { 0 };
    const char *tag;
    json_t *whole = http_reply_json(reply);

    cr_assert_eq(type_decode_text(type, reply->body, reply->body_len, 0, arena, arena_alloc(arena, type->size), &errors),
                 SL_OK, "%s: %s in %s", errors.list[0].path, errors.list[0].message, reply->body);
    arena_free(arena);
    json_decref(talk->answer);
    talk->answer = *inside ? json_incref(json_object_get(whole, inside)) : json_incref(whole); /* the talk's */
    json_decref(whole);
    if (*text_at(talk->answer, "next_state")) {
        free(talk->state);
        talk->state = xstrdup(text_at(talk->answer, "next_state"));
    }
    tag = text_at(talk->answer, "intent/suspend/tag");
    if (*tag)
        snprintf(talk->tag, sizeof(talk->tag), "%s", tag);
}

static struct http_reply ask_as(struct talk *talk, const char *key)
{
    struct buf body = BUF_EMPTY;
    struct http_reply reply;

    context_add(talk, &body);
    reply = post("/provider/process_payment", key, buf_text(&body));
    buf_clear(&body);
    return reply;
}

/* The next call. Answers with the HTTP status, and decodes a 200 by the protocol's own tables. */
static int ask(struct talk *talk)
{
    char key[100];
    struct http_reply reply;
    int status;

    snprintf(key, sizeof(key), "%s.%s.%d", talk->invoice, talk->target ? talk->target : "processed", ++talk->calls);
    reply = ask_as(talk, key);
    status = reply.status;
    if (status == 200)
        heed(talk, &reply, &type_proxy_result, "");
    http_reply_clear(&reply);
    return status;
}

static int call_back(struct talk *talk, const char *payload)
{
    char key[100], *encoded = base64_encode(payload, strlen(payload));
    struct buf body = BUF_EMPTY;
    struct http_reply reply;
    int status;

    snprintf(key, sizeof(key), "%s.cb.%d", talk->invoice, ++talk->calls);
    buf_printf(&body, "{\"callback\":\"%s\",\"context\":", encoded);
    context_add(talk, &body);
    buf_char(&body, '}');
    reply = post("/provider/handle_payment_callback", key, buf_text(&body));
    status = reply.status;
    if (status == 200)
        heed(talk, &reply, &type_proxy_callback_result, "result");
    http_reply_clear(&reply);
    buf_clear(&body);
    free(encoded);
    return status;
}

static void hush(struct talk *talk)
{
    json_decref(talk->answer);
    free(talk->state);
    talk->answer = NULL;
    talk->state = NULL;
}

/* A new session starts without a state. */
static void turn_to(struct talk *talk, const char *target, const char *more)
{
    free(talk->state);
    talk->state = NULL;
    talk->target = target;
    talk->more = more;
}

static json_t *get_json(const char *path)
{
    struct http_reply reply = http_request(bank_port, "GET", path, NULL, NULL);
    json_t *json = http_reply_json(&reply);

    cr_assert(reply.status == 200 && json, "GET %s: %d %s", path, reply.status, reply.body);
    http_reply_clear(&reply);
    return json;
}

static size_t book_count(const char *invoice, const char *list)
{
    json_t *book = get_json("/book"), *entry;
    size_t i, count = 0;

    json_array_foreach(json_object_get(book, "payments"), i, entry) {
        if (strcmp(text_at(entry, "invoice_id"), invoice) == 0)
            count = json_array_size(json_object_get(entry, list));
    }
    json_decref(book);
    return count;
}

static void fault(const char *wish)
{
    struct http_reply reply = http_request(bank_port, "POST", "/faults", NULL, wish);

    cr_assert_eq(reply.status, 200, "%s: %s", wish, reply.body);
    http_reply_clear(&reply);
}

static void form(const char *fields, int status)
{
    struct http_reply reply = http_request(bank_port, "POST", "/form",
                                           "Content-Type: application/x-www-form-urlencoded\r\n", fields);

    cr_assert_eq(reply.status, status, "%s: %d", fields, reply.status);
    cr_assert_eq(reply.body_len, 0);
    http_reply_clear(&reply);
}

#define must_be(TALK, PATH, TEXT)                                                                                      \
    cr_assert_str_eq(text_at((TALK)->answer, PATH), TEXT, "%s of %s", PATH, (TALK)->tool)
#define must_succeed(TALK) must_be(TALK, "intent/finish/status/success", "{}")
#define must_sleep(TALK) must_be(TALK, "intent/sleep", "{}")
#define must_fail(TALK, CODES) cr_assert_str_eq(failure_in((TALK)->answer), CODES, "%s", (TALK)->tool)

/* ---- the self-check of doc/spec/mock-provider.md 8 ---- */

/* Without the plain path nothing else of the bank is worth anything: scenarios compare ids to the letter. */
Test(mockbank, plain_card_sleeps_then_succeeds)
{
    struct talk talk = { .invoice = "i1", .tool = CARD("no_preauth/42"), .options = "{\"override\":\"brovider\"}" };

    cr_assert_eq(ask(&talk), 200);
    must_sleep(&talk);
    cr_assert_eq(ask(&talk), 200);
    must_succeed(&talk);
    must_be(&talk, "trx/id", "1.brovider");
    must_be(&talk, "trx/additional_info/rrn", "rrn");
    must_be(&talk, "trx/additional_info/approval_code", "code");
    turn_to(&talk, "captured", NULL);
    cr_assert_eq(ask(&talk), 500, "a capture must say what is captured");
    turn_to(&talk, "captured", ",\"capture\":{\"cost\":" MONEY("900") "}");
    cr_assert_eq(ask(&talk), 200);
    must_succeed(&talk);
    must_be(&talk, "trx/id", "1.brovider");
    cr_assert_eq(book_count("i1", "charges"), 1);
    cr_assert_eq(book_count("i1", "captures"), 1);
    hush(&talk);
}

static void three_ds(struct talk *talk, const char *prefix)
{
    cr_assert_eq(ask(talk), 200);
    cr_assert_eq(strncmp(talk->tag, prefix, strlen(prefix)), 0, "%s", talk->tag);
    must_be(talk, "intent/suspend/user_interaction/redirect/post_request/form/tag", talk->tag);
    cr_assert_eq(json_integer_value(json_object_get(json_object_get(json_object_get(json_object_get(
                     talk->answer, "intent"), "suspend"), "timeout"), "timeout")), 3);
    must_be(talk, "intent/suspend/timeout_behaviour", "");
    cr_assert_eq(call_back(talk, talk->tag), 200);
    must_sleep(talk);
    must_be(talk, "intent/sleep/user_interaction_completion", "{}");
    cr_assert_eq(ask(talk), 200);
    must_succeed(talk);
}

/* A 3DS payment and its refund are the only ways through suspend, callback and completion. */
Test(mockbank, three_ds_waits_for_a_callback_in_payment_and_refund)
{
    struct talk talk = { .invoice = "i2", .tool = CARD("preauth_3ds:timeout=3") };

    three_ds(&talk, "payment-");
    must_be(&talk, "trx/id", "1.");
    turn_to(&talk, "refunded", ",\"refund\":{\"id\":\"r1\",\"created_at\":\"" AT "\",\"cash\":" MONEY("5") "}");
    three_ds(&talk, "refund-");
    cr_assert_eq(book_count("i2", "refunds"), 1);
    hush(&talk);
}

/* A callback that settles nothing must leave the wait alone, or scenarios of lost payers cannot be played. */
Test(mockbank, callback_may_settle_nothing)
{
    struct talk talk = { .invoice = "i3", .tool = CARD("preauth_3ds:timeout=3") };

    cr_assert_eq(ask(&talk), 200);
    cr_assert_eq(call_back(&talk, "lay low buddy"), 200);
    must_be(&talk, "intent", "");
    cr_assert_eq(call_back(&talk, "x"), 200);
    must_sleep(&talk);
    cr_assert_eq(call_back(&talk, "x"), 500, "nothing waits any more");
    hush(&talk);
}

/* Off-site pages are polled; a form that was posted is what ends it well, a fourth fruitless poll badly. */
Test(mockbank, off_site_is_polled_until_the_form_comes)
{
    struct talk paid = { .invoice = "i4", .tool = CARD("preauth_3ds_offsite") };
    struct talk idle = { .invoice = "i5", .tool = CARD("preauth_3ds_offsite") };
    int i;

    cr_assert_eq(ask(&paid), 200);
    must_be(&paid, "intent/sleep/user_interaction/redirect/post_request/form/invoice_id", "i4");
    form("invoice_id=i4&payment_id=1", 200);
    cr_assert_eq(ask(&paid), 200);
    must_succeed(&paid);
    for (i = 0; i < 4; i++) {
        cr_assert_eq(ask(&idle), 200);
        must_sleep(&idle);
    }
    cr_assert_eq(ask(&idle), 200);
    must_fail(&idle, "authorization_failed:unknown");
    must_be(&idle, "trx", "");
    cr_assert_eq(book_count("i5", "charges"), 0);
    hush(&paid);
    hush(&idle);
}

/* The card that checks what reaches the bank must not fall over what does not. */
Test(mockbank, contact_info_is_compared)
{
    struct { const char *contact; int status; } rows[] = {
        { "{}", 200 }, { "{\"email\":\"a@b\"}", 500 }, { "null", 500 }, { "\"text\"", 500 },
    };
    char invoice[16];
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct talk talk = { .invoice = invoice, .tool = CARD("assert_contact_info/e30="), .contact = rows[i].contact };

        snprintf(invoice, sizeof(invoice), "a%zu", i);
        cr_assert_eq(ask(&talk), rows[i].status, "%s", rows[i].contact);
        hush(&talk);
    }
}

/* What follows a slash makes a card of its own in every call, or a scenario ends well that must not. */
Test(mockbank, card_that_fails_when_suspended_may_have_a_suffix)
{
    struct { const char *invoice, *tool; } rows[] = {
        { "u1", CARD("unexpected_failure_when_suspended") }, { "u2", CARD("unexpected_failure_when_suspended/7") },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct talk talk = { .invoice = rows[i].invoice, .tool = rows[i].tool };

        cr_assert_eq(ask(&talk), 200);
        must_be(&talk, "intent/suspend/timeout_behaviour/callback", "ZmFpbHVyZQ==");
        cr_assert_eq(call_back(&talk, "failure"), 500, "%s", rows[i].tool);
        hush(&talk);
    }
}

/* Retries are tested with these cards, over sessions that start anew. */
Test(mockbank, scenario_card_follows_its_letters)
{
    struct talk talk = { .invoice = "i6", .tool = CARD("scenario_ttgf") };
    int i;

    for (i = 0; i < 2; i++) {
        turn_to(&talk, NULL, NULL);
        cr_assert_eq(ask(&talk), 200);
        must_sleep(&talk);
        cr_assert_eq(ask(&talk), 200);
        must_fail(&talk, "authorization_failed:temporarily_unavailable");
        must_be(&talk, "trx", "");
    }
    turn_to(&talk, NULL, NULL);
    cr_assert_eq(ask(&talk), 200);
    cr_assert_eq(ask(&talk), 200);
    must_succeed(&talk);
    turn_to(&talk, "refunded", ",\"refund\":{\"id\":\"r9\",\"created_at\":\"" AT "\",\"cash\":" MONEY("5") "}");
    cr_assert_eq(ask(&talk), 200);
    must_fail(&talk, "authorization_failed:unknown");
    must_be(&talk, "trx/id", "1.r9.");
    cr_assert_eq(ask(&talk), 200);
    must_succeed(&talk); /* past the end all is good */
    hush(&talk);
}

/* The changed cost decides what is captured and paid out. */
Test(mockbank, cost_changes_up_and_down)
{
    struct { const char *invoice, *tool; int64_t amount; } rows[] = {
        { "i7", CARD("change_cash_increase"), 2002 }, { "i8", CARD("change_cash_decrease"), 500 },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct talk talk = { .invoice = rows[i].invoice, .tool = rows[i].tool };
        const json_t *success;

        cr_assert_eq(ask(&talk), 200);
        cr_assert_eq(ask(&talk), 200);
        must_succeed(&talk);
        success = json_object_get(json_object_get(json_object_get(json_object_get(talk.answer, "intent"), "finish"),
                                                  "status"), "success");
        cr_assert_eq(json_integer_value(json_object_get(json_object_get(success, "changed_cost"), "amount")),
                     rows[i].amount, "%s", rows[i].tool);
        hush(&talk);
    }
}

/* Receipts of kiosks are the other kind of interaction. */
Test(mockbank, terminal_shows_a_receipt)
{
    struct talk talk = { .invoice = "i9", .tool = KIOSK };

    cr_assert_eq(ask(&talk), 200);
    cr_assert_str_eq(talk.tag, "i9.1");
    must_be(&talk, "intent/suspend/user_interaction/payment_terminal_reciept/short_payment_id", "i9.1");
    must_be(&talk, "intent/suspend/user_interaction/payment_terminal_reciept/due", AT);
    cr_assert_eq(call_back(&talk, "paid"), 200);
    must_sleep(&talk);
    cr_assert_eq(ask(&talk), 200);
    must_succeed(&talk);
    hush(&talk);
}

/* Mobile commerce runs on timeouts alone: the payload of each wait leads to the next answer. */
Test(mockbank, phones_run_on_timeouts)
{
    struct { const char *invoice, *tool, *payload; bool good; } rows[] = {
        { "i10", PHONE("7", "9876543210"), "mobile_commerce finish success", true },
        { "i11", PHONE("777", "0000000000"), "mobile_commerce failure", false },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct talk talk = { .invoice = rows[i].invoice, .tool = rows[i].tool };
        char *payload = base64_encode(rows[i].payload, strlen(rows[i].payload));

        cr_assert_eq(ask(&talk), 200);
        must_be(&talk, "intent/suspend/timeout_behaviour/callback", "bW9iaWxlX2NvbW1lcmNl");
        cr_assert_eq(call_back(&talk, "mobile_commerce"), 200);
        must_be(&talk, "intent/suspend/timeout_behaviour/callback", payload);
        cr_assert_eq(call_back(&talk, rows[i].payload), 200);
        if (rows[i].good) {
            must_succeed(&talk);
            must_be(&talk, "trx", "");
        } else {
            must_be(&talk, "intent/suspend/timeout_behaviour/operation_failure/failure/code", "authorization_failed");
            must_be(&talk, "intent/suspend/timeout_behaviour/operation_failure/failure/reason", "test");
        }
        free(payload);
        hush(&talk);
    }
}

/* Where always_fail strikes is told apart call by call (mock-provider.md 2). */
Test(mockbank, always_fail_strikes_where_it_should)
{
#define ALWAYS "{\"override\":\"b\",\"always_fail\":\"a:b:c\"}"
    struct { const char *tool, *options; int call; } rows[] = {
        { CARD("no_preauth"), ALWAYS, 1 },
        { CARD("preauth_3ds:timeout=3"), ALWAYS, 1 },
        { CARD("empty_cvv"), ALWAYS, 2 },
        { CARD("inspector_fail_first"), ALWAYS, 0 },
        { CARD("change_cash_increase"), ALWAYS, 0 },
        { CARD("scenario_g"), ALWAYS, 0 },
        { CARD("no_preauth"), "{\"always_fail\":\"a:b\"}", 0 },
    };
    char invoice[16];
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct talk talk = { .invoice = invoice, .tool = rows[i].tool, .options = rows[i].options };
        int call;

        snprintf(invoice, sizeof(invoice), "f%zu", i);
        for (call = 1; call <= 2; call++) {
            cr_assert_eq(ask(&talk), 200);
            must_fail(&talk, call == rows[i].call ? "a:b:c" : "");
            if (call == rows[i].call) {
                must_be(&talk, "intent/finish/status/failure/reason", "sub failure by b");
                must_be(&talk, "trx/id", "1.b");
                break;
            }
        }
        hush(&talk);
    }
}

/* Demonstrations choose the outcome by the card's number. */
Test(mockbank, number_decides_the_outcome)
{
    struct { const char *tool, *failure; } rows[] = {
        { CARD("4242424242424242"), "" },
        { CARD("card_number:586824160825533338"), "" },
        { CARD("4000000000000002"), "authorization_failed:insufficient_funds" },
        { CARD("5100000000000511"), "authorization_failed:account_not_found" },
        { CARD("9860094242201120"), "authorization_failed:payment_tool_rejected:bank_card_rejected:cvv_invalid" },
        { CARD("4000000000000069"), "authorization_failed:payment_tool_rejected:bank_card_rejected:card_expired" },
        { CARD("4111110000000112"), "authorization_failed:unknown" },
        { CARD("4111111111111111"), "authorization_failed:payment_tool_rejected:bank_card_rejected:issuer_not_found" },
        { PHONE("7", "9151111111"), "" },
        { PHONE("7", "9021111112"), "authorization_failed:insufficient_funds" },
    };
    char invoice[16];
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct talk talk = { .invoice = invoice, .tool = rows[i].tool };

        snprintf(invoice, sizeof(invoice), "n%zu", i);
        cr_assert_eq(ask(&talk), 200);
        must_fail(&talk, rows[i].failure);
        if (!*rows[i].failure)
            must_succeed(&talk);
        hush(&talk);
    }
}

/* 3-D Secure by number ends by the number as well. */
Test(mockbank, number_decides_what_the_payer_proves)
{
    struct talk good = { .invoice = "n20", .tool = CARD("4012888888881881") };
    struct talk bad = { .invoice = "n21", .tool = CARD("4987654321098769") };

    cr_assert_eq(ask(&good), 200);
    cr_assert_str_eq(good.tag, "COM_MPI-n20.1");
    must_be(&good, "intent/suspend/timeout_behaviour/operation_failure/failure/sub/code", "three_ds_not_finished");
    cr_assert_eq(call_back(&good, "PaRes=Y"), 200);
    must_succeed(&good);
    must_be(&good, "trx/id", "n20.1");
    cr_assert_eq(ask(&bad), 200);
    cr_assert_eq(call_back(&bad, "PaRes=Y"), 200);
    must_fail(&bad, "preauthorization_failed:unknown");
    hush(&good);
    hush(&bad);
}

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
        reply = post("/inspector/inspect_payment", "k", body);
        json = http_reply_json(&reply);
        cr_assert_eq(reply.status, rows[i].status, "%s", rows[i].options);
        cr_assert_str_eq(text_at(json, "risk_score"), rows[i].score, "%s", rows[i].options);
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
        reply = post("/inspector/is_blacklisted", "k", body);
        json = http_reply_json(&reply);
        cr_assert_eq(json_is_true(json_array_get(json_object_get(json, "blacklisted"), 0)), rows[i].listed, "%s", body);
        json_decref(json);
        http_reply_clear(&reply);
    }
}

/* ---- the books ---- */

static void finish_first_call(struct talk *talk)
{
    cr_assert_eq(ask(talk), 200);
    must_sleep(talk);
}

/* A repeated call that charged twice would make the judge the culprit. */
Test(mockbank, repeated_key_changes_nothing)
{
    struct talk talk = { .invoice = "b1", .tool = CARD("no_preauth") };
    struct http_reply first, again;

    finish_first_call(&talk);
    first = ask_as(&talk, "key-1");
    again = ask_as(&talk, "key-1");
    cr_assert_eq(again.status, 200);
    cr_assert_str_eq(first.body, again.body);
    cr_assert_eq(book_count("b1", "charges"), 1);
    http_reply_clear(&first);
    http_reply_clear(&again);
    hush(&talk);
}

/* The same key for something else is a fault of the caller that must stop a test. */
Test(mockbank, key_with_other_content_is_a_conflict)
{
    struct talk talk = { .invoice = "b2", .tool = CARD("no_preauth") };
    struct http_reply reply;
    json_t *book;

    finish_first_call(&talk);
    reply = ask_as(&talk, "key-2");
    http_reply_clear(&reply);
    talk.options = "{\"override\":\"other\"}";
    reply = ask_as(&talk, "key-2");
    cr_assert_eq(reply.status, 409);
    http_reply_clear(&reply);
    book = get_json("/book");
    cr_assert_str_eq(text_at(book, "conflicts/0/key"), "key-2");
    json_decref(book);
    cr_assert_eq(book_count("b2", "charges"), 1);
    hush(&talk);
}

/* A bank that is killed and comes back must still know what it did, or fault tests prove nothing. */
Test(mockbank, book_survives_a_kill)
{
    struct talk talk = { .invoice = "b3", .tool = CARD("no_preauth") };
    struct http_reply first, again;
    FILE *file;

    finish_first_call(&talk);
    first = ask_as(&talk, "key-3");
    bank_stop(SIGKILL);
    file = fopen(book_path, "a");
    fputs("{\"key\":\"half a li", file); /* what a crash within a write leaves */
    fclose(file);
    bank_start("1");
    again = ask_as(&talk, "key-3");
    cr_assert_str_eq(first.body, again.body);
    cr_assert_eq(book_count("b3", "charges"), 1);
    http_reply_clear(&again);
    again = ask_as(&talk, "key-4"); /* another key: a second charge, which the book shows */
    http_reply_clear(&again);
    bank_stop(SIGKILL);
    bank_start("1");
    cr_assert_eq(book_count("b3", "charges"), 2);
    http_reply_clear(&first);
    hush(&talk);
}

/* A browser may send any bytes; a line of them that cannot be read again would cost the whole book. */
Test(mockbank, book_takes_text_alone)
{
    form("invoice_id=%ff&payment_id=1", 400);
    form("invoice_id=b5&payment_id=%c3%28", 400);
    form("invoice_id=%c3%bc&payment_id=1", 200);
    bank_stop(SIGKILL);
    bank_start("1");
    form("invoice_id=b5&payment_id=1", 200);
}

/* Amounts are what a test compares with its own books. */
Test(mockbank, book_shows_amounts)
{
    struct talk talk = { .invoice = "b4", .tool = CARD("4242424242424242") };
    json_t *book;

    cr_assert_eq(ask(&talk), 200);
    book = get_json("/book");
    cr_assert_str_eq(text_at(book, "payments/0/charges/0/key"), "b4.processed.1");
    cr_assert_str_eq(text_at(book, "payments/0/charges/0/currency"), "RUB");
    cr_assert_eq(json_integer_value(json_object_get(json_array_get(json_object_get(json_array_get(
                     json_object_get(book, "payments"), 0), "charges"), 0), "amount")), 1001);
    json_decref(book);
    hush(&talk);
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
        struct talk talk = { .invoice = invoice, .tool = CARD("no_preauth") };
        int64_t from_us;
        struct http_reply reply;

        snprintf(invoice, sizeof(invoice), "x%zu", i);
        snprintf(key, sizeof(key), "xk%zu", i);
        finish_first_call(&talk);
        fault(rows[i].wish);
        from_us = clock_mono_us();
        reply = ask_as(&talk, key);
        cr_assert_eq(reply.status, rows[i].status, "%s: %d", rows[i].wish, reply.status);
        cr_assert_eq(reply.timed_out, rows[i].timed_out);
        cr_assert_eq(book_count(invoice, "charges"), rows[i].charges, "%s", rows[i].wish);
        if (strstr(rows[i].wish, "delay"))
            cr_assert_geq(clock_mono_us() - from_us, 50000);
        if (strstr(rows[i].wish, "huge"))
            cr_assert_gt(reply.body_len, (size_t)1024 * 1024);
        http_reply_clear(&reply);
        reply = http_request(bank_port, "DELETE", "/faults", NULL, NULL);
        http_reply_clear(&reply);
        reply = ask_as(&talk, key); /* the same call again: one charge, whatever happened before */
        cr_assert_eq(reply.status, 200, "%s", rows[i].wish);
        cr_assert_eq(book_count(invoice, "charges"), 1, "%s", rows[i].wish);
        http_reply_clear(&reply);
        hush(&talk);
    }
}

/* A caller that gave up must not take the bank down when its late answer is due. */
Test(mockbank, caller_may_hang_up)
{
    const char *wishes[] = { "{\"kind\":\"delay\",\"ms\":150}", "{\"kind\":\"slow_drip\",\"ms\":20}" };
    struct talk talk = { .invoice = "h1", .tool = CARD("no_preauth") };
    struct buf body = BUF_EMPTY;
    size_t i;

    context_add(&talk, &body);
    for (i = 0; i < SL_COUNT(wishes); i++) {
        struct http_reply reply;

        fault(wishes[i]);
        reply = http_request_within(50, bank_port, "POST", "/provider/process_payment",
                                    i ? "Idempotency-Key: h-1\r\n" : "Idempotency-Key: h-0\r\n", buf_text(&body));
        cr_assert(reply.timed_out);
        http_reply_clear(&reply);
    }
    fault("{\"kind\":\"delay\",\"ms\":400}");
    cr_assert_eq(ask(&talk), 200); /* by then the others are over */
    buf_clear(&body);
    hush(&talk);
}

/* ---- towards the service ---- */

static int callbacks_until(int count)
{
    server_until_requests(&service, count);
    return service.requests;
}

static bool serve(struct server *server, int fd, const struct server_request *request)
{
    (void)server;
    if (strstr(request->path, "unknown"))
        return server_answer(fd, 400, "{}");
    if (strstr(request->path, "broken"))
        return server_answer(fd, 500, "{}");
    return server_answer(fd, 200, "{\"response\":\"c3VyZQ==\"}");
}

static void setup_service(void)
{
    server_start(&service, serve);
    snprintf(service_url, sizeof(service_url), "http://127.0.0.1:%d", service.port);
    setup();
}

static void teardown_service(void)
{
    teardown();
    server_stop(&service);
}

TestSuite(mockbank_service, .init = setup_service, .fini = teardown_service, .timeout = 60);

/* The payer's form is how every 3DS scenario goes on, and its status is how it learns of refusals. */
Test(mockbank_service, form_is_delivered_as_a_callback)
{
    struct http_reply reply;

    form("tag=payment-1", 200);
    form("tag=unknown&payload=x", 400);
    form("tag=broken", 500);
    form("nonsense=1", 400);
    reply = http_request(bank_port, "GET", "/form", NULL, NULL);
    cr_assert_eq(reply.status, 405);
    http_reply_clear(&reply);
    cr_assert_eq(callbacks_until(3), 3);
}

/* Some banks send the payer to a page by GET; a link that leads nowhere ends no demonstration. */
Test(mockbank_service, page_by_get_is_delivered_as_a_callback)
{
    struct talk talk = { .invoice = "s0", .tool = CARD("4556418324571052") };
    struct http_reply reply;
    const char *uri;

    cr_assert_eq(ask(&talk), 200);
    uri = text_at(talk.answer, "intent/suspend/user_interaction/redirect/get_request/uri");
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
    hush(&talk);
}

/* The bank looks at the payment from inside the callback: a service that cannot show it then is wrong. */
Test(mockbank_service, callback_asks_for_the_payment)
{
    struct talk talk = { .invoice = "s1", .tool = CARD("preauth_3ds:timeout=3") };

    cr_assert_eq(ask(&talk), 200);
    cr_assert_eq(call_back(&talk, talk.tag), 200);
    must_sleep(&talk);
    cr_assert_eq(callbacks_until(1), 1);
    hush(&talk);
}

/* Callbacks come twice, before the answer and after the wait, as asked. */
Test(mockbank_service, callbacks_come_when_they_should_not)
{
    struct talk early = { .invoice = "s2", .tool = CARD("preauth_3ds:timeout=3") };
    struct talk late = { .invoice = "s3", .tool = CARD("preauth_3ds:timeout=0") };

    fault("{\"kind\":\"early_callback\",\"ms\":1}");
    cr_assert_eq(ask(&early), 200);
    cr_assert_eq(callbacks_until(1), 1);
    fault("{\"kind\":\"late_callback\",\"ms\":1}");
    cr_assert_eq(ask(&late), 200);
    cr_assert_eq(callbacks_until(2), 2);
    fault("{\"kind\":\"duplicate_callback\"}");
    form("tag=payment-1", 200);
    cr_assert_eq(callbacks_until(4), 4);
    hush(&early);
    hush(&late);
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
    reply = post("/provider/process_payment", "k", huge);
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
    struct talk talk = { .invoice = "t1", .tool = CARD("preauth_3ds:timeout=3") };

    bank_stop(SIGTERM);
    bank_start("0.01");
    cr_assert_eq(ask(&talk), 200);
    cr_assert_str_neq(text_at(talk.answer, "intent/suspend/timeout/deadline"), "");
    hush(&talk);
}

/* A test tells its calls apart by the log. */
Test(mockbank, log_tells_calls_apart)
{
    struct talk talk = { .invoice = "l1", .tool = CARD("no_preauth") };
    json_t *log;

    finish_first_call(&talk);
    cr_assert_eq(ask(&talk), 200);
    log = get_json("/log");
    cr_assert_eq(json_array_size(log), 2);
    cr_assert_str_eq(text_at(log, "0/state"), "");
    cr_assert_str_eq(text_at(log, "1/state"), "sleep");
    cr_assert_str_eq(text_at(log, "1/target"), "processed");
    cr_assert_str_eq(text_at(log, "1/key"), "l1.processed.2");
    json_decref(log);
    hush(&talk);
}

/* What callers learn of a payment that is not simply captured: every call of an invoice that is parked, and what answers
 * tell of failures, retries, refunds and payers. A real sluiced, whose bank answers nonsense. What repairs come to on a
 * parked invoice is in test_api_repair.c. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "support/banked.h"

#define REASON "{\"reason\":\"x\"}"
#define CARD(token)                                                                                          \
    "{\"payment_resource\":{\"resource\":{\"payment_tool\":{\"bank_card\":{\"token\":\"" token "\",\"payment_system\":" \
    "{\"id\":\"VISA\"},\"bin\":\"424242\",\"last_digits\":\"4242\",\"issuer_country\":\"RUS\"}}},\"contact_info\":{}}}"
#define PAYMENT(token, more) "{\"payer\":" CARD(token) ",\"flow\":{\"instant\":{}}" more "}"
#define REGISTERED                                                                                           \
    "{\"payer_params\":" CARD("x") ",\"route\":{\"provider\":{\"id\":1},\"terminal\":{\"id\":1}},"             \
    "\"transaction_info\":{\"id\":\"T7\",\"extra\":{}}}"
#define CASH_OF(amount) "{\"cash\":{\"amount\":" #amount ",\"currency\":{\"symbolic_code\":\"RUB\"}}}"
#define FAILURE "{\"failure\":{\"code\":\"x\"}}"
#define FORCED "{\"changes\":[],\"params\":{\"validate_transitions\":false}}"

static const struct {
    const char *path, *body;
} calls[] = {
    { "/v1/invoices/i1/rescind", REASON },
    { "/v1/invoices/i1/fulfill", REASON },
    { "/v1/invoices/i1/payments", PAYMENT("no_preauth", "") },
    { "/v1/invoices/i1/payments", PAYMENT("unexpected_failure", ",\"id\":\"1\"") },
    { "/v1/invoices/i1/payments/register", REGISTERED },
    { "/v1/invoices/i1/payments/1/capture", REASON },
    { "/v1/invoices/i1/payments/1/cancel", REASON },
    { "/v1/invoices/i1/payments/1/refunds", "{}" },
    { "/v1/invoices/i1/payments/1/manual-refunds", "{}" },
};

static const struct {
    const char *path, *body;
} repairs[] = {
    { "/v1/invoices/i2/repair", NULL },
    { "/v1/invoices/i2/repair", "{\"changes\":[]}" },
    { "/v1/invoices/i2/repair", FORCED },
    { "/v1/invoices/i2/repair-scenario", "{\"scenario\":{\"skip_inspector\":{\"risk_score\":\"low\"}}}" },
    { "/v1/invoices/i2/repair-scenario", "{\"scenario\":{\"fail_pre_processing\":" FAILURE "}}" },
    { "/v1/invoices/i2/repair-scenario", "{\"scenario\":{\"fail_session\":" FAILURE "}}" },
    { "/v1/invoices/i2/repair-scenario", "{\"scenario\":{\"fulfill_session\":{}}}" },
    { "/v1/invoices/i2/repair-scenario", "{\"scenario\":{\"complex\":{\"scenarios\":[{\"fulfill_session\":{}}]}}}" },
};

/* If it fails, a call goes through to an invoice that waits for its operator, or a caller does not learn that it does;
 * or one that works is repaired. */
Test(api_parked, calls_are_refused_and_so_are_repairs_of_what_works, .timeout = 120)
{
    struct banked bank;
    char *before, *after;
    json_t *answer;
    size_t i;

    banked_open(&bank, NULL);
    json_decref(banked_invoice(&bank, "i1"));
    json_decref(banked_invoice(&bank, "i2"));
    json_decref(banked_must(&bank, "POST", "/v1/invoices/i1/payments", PAYMENT("unexpected_failure", ""), 202));
    banked_until(&bank, "/v1/invoices/i1", "machine.status", "failed");
    before = daemon_fixture_digest(&bank.daemon);
    for (i = 0; i < SL_COUNT(calls); i++) {
        answer = banked_must(&bank, "POST", calls[i].path, calls[i].body, 423);
        cr_expect_str_eq(banked_text(answer, "error"), "MachineFailed", "%s", calls[i].path);
        cr_expect_str_eq(banked_text(answer, "activity"), "processing_session", "%s", calls[i].path);
        json_decref(answer);
    }
    for (i = 0; i < SL_COUNT(repairs); i++)
        banked_refused(&bank, "POST", repairs[i].path, repairs[i].body, 409, "NoNeedToRepair");
    answer = banked_must(&bank, "GET", "/v1/invoices/i1/payments/1", NULL, 200);
    cr_expect_str_eq(banked_text(answer, "payment.status"), "pending", "it can be looked at all the same");
    cr_expect_str_eq(banked_text(answer, "activity"), "processing_session");
    json_decref(answer);
    after = daemon_fixture_digest(&bank.daemon);
    cr_expect_str_eq(before, after, "what was refused left something behind");
    free(before);
    free(after);
    banked_close(&bank);
}

/* ---- what became of a payment ---- */

#define ALWAYS_DOWN "{\"kind\":\"reset_before\",\"share\":1,\"target\":\"processed\"}"
#define OPERATOR "Authorization: Bearer operator-of-all-token\r\n"
#define MERCHANT "Authorization: Bearer merchant-acme-token\r\n"

struct seen {
    const char *member, *text; /* TEXT "": it is not there; "*": any text */
};

static void check_seen(const json_t *json, const char *name, const struct seen *seen, size_t count)
{
    const char *text;
    size_t i;

    for (i = 0; i < count && seen[i].member; i++) {
        text = banked_text(json, seen[i].member);
        if (strcmp(seen[i].text, "*") == 0)
            cr_expect(*text, "%s: no %s", name, seen[i].member);
        else
            cr_expect_str_eq(text, seen[i].text, "%s: %s is \"%s\"", name, seen[i].member, text);
    }
}

/* If it fails, an integrator has to fold a payment's events to learn whether it failed and why, what was given back, what
 * the payer has to do, or that nobody works on it any more; or a long poll lasts to its end though nothing will come. */
Test(api_parked, a_payment_tells_what_became_of_it, .timeout = 120)
{
    static const struct {
        const char *id, *card;
        struct seen seen[8];
    } rows[] = {
        { "o-captured", "no_preauth",
          { { "status", "captured" }, { "amount_captured", "42000" }, { "amount_refunded", "0" }, { "failure", "" },
            { "next_action", "" }, { "next_try_at", "" }, { "machine", "" } } },
        { "o-failed", "scenario_f",
          { { "status", "failed" }, { "failure.code", "authorization_failed:unknown" }, { "amount_captured", "0" },
            { "amount_refunded", "0" }, { "next_action", "" }, { "machine", "" } } },
        { "o-payer", "preauth_3ds:timeout=600",
          { { "status", "pending" }, { "next_action.redirect.method", "POST" }, { "next_action.redirect.url", "*" },
            { "next_action.redirect.form.tag", "*" }, { "failure", "" }, { "machine.status", "working" } } },
        { "o-offsite", "preauth_3ds_offsite",
          { { "status", "pending" }, { "next_action.redirect.url", "*" }, { "machine.status", "working" } } },
        { "o-parked", "forbidden",
          { { "status", "pending" }, { "machine.status", "failed" }, { "machine.cause", "bad_answer" },
            { "machine.reason", "*" }, { "machine.since", "*" }, { "next_action", "" }, { "next_try_at", "" } } },
    };
    struct banked bank;
    char path[128];
    json_t *answer;
    int64_t began_us;
    size_t i;

    banked_open(&bank, NULL);
    for (i = 0; i < SL_COUNT(rows); i++) {
        json_decref(banked_invoice(&bank, rows[i].id));
        began_us = clock_mono_us();
        answer = banked_pay(&bank, rows[i].id, rows[i].card, NULL); /* waits for 20 s at most */
        cr_expect_lt(clock_mono_us() - began_us, 15000000, "%s: it was waited for to the end", rows[i].id);
        check_seen(answer, rows[i].id, rows[i].seen, SL_COUNT(rows[i].seen));
        json_decref(answer);
        snprintf(path, sizeof(path), "/v1/invoices/%s/payments/1", rows[i].id);
        if (strcmp(rows[i].id, "o-offsite") != 0) { /* goes on by itself */
            answer = banked_must(&bank, "GET", path, NULL, 200);
            check_seen(answer, path, rows[i].seen, SL_COUNT(rows[i].seen));
            json_decref(answer);
        }
    }
    banked_close(&bank);
}

/* If it fails, nobody is told that a provider cannot be reached, how often it was tried and when it is tried next. */
Test(api_parked, a_payment_tells_that_it_is_tried_again, .timeout = 120)
{
    static const struct seen tried[] = {
        { "status", "pending" }, { "machine.status", "retrying" }, { "machine.cause", "*" }, { "machine.reason", "*" },
        { "machine.attempts", "*" }, { "next_try_at", "*" }, { "failure", "" },
    };
    struct banked bank;
    json_t *answer;

    banked_open(&bank, NULL);
    banked_fault(&bank, ALWAYS_DOWN);
    json_decref(banked_invoice(&bank, "r1"));
    json_decref(banked_must(&bank, "POST", "/v1/invoices/r1/payments", PAYMENT("no_preauth", ""), 202));
    banked_until(&bank, "/v1/invoices/r1", "machine.status", "retrying");
    answer = banked_must(&bank, "GET", "/v1/invoices/r1/payments/1", NULL, 200);
    check_seen(answer, "r1", tried, SL_COUNT(tried));
    json_decref(answer);
    answer = banked_must(&bank, "GET", "/v1/invoices/r1", NULL, 200);
    cr_expect_str_eq(banked_text(answer, "status"), "unpaid");
    cr_expect(*banked_text(answer, "payments.0.next_try_at"));
    json_decref(answer);
    banked_close(&bank);
}

/* If it fails, somebody has to add up refunds, or does not learn why one was not made. */
Test(api_parked, a_payment_tells_what_was_given_back, .timeout = 120)
{
    static const struct seen paid[] = {
        { "status", "captured" }, { "amount_captured", "42000" }, { "amount_refunded", "3000" },
        { "refunds.0.status", "succeeded" }, { "refunds.1.status", "succeeded" }, { "refunds.0.failure", "" },
    };
    static const struct seen failed[] = {
        { "status", "captured" }, { "amount_refunded", "0" }, { "refunds.0.status", "failed" },
        { "refunds.0.failure.code", "authorization_failed:unknown" },
    };
    struct banked bank;
    json_t *answer;

    banked_open(&bank, NULL);
    json_decref(banked_invoice(&bank, "b1"));
    json_decref(banked_pay(&bank, "b1", "no_preauth", NULL));
    json_decref(banked_must(&bank, "POST", "/v1/invoices/b1/payments/1/refunds?wait=20", CASH_OF(1000), 202));
    json_decref(banked_must(&bank, "POST", "/v1/invoices/b1/payments/1/refunds?wait=20", CASH_OF(2000), 202));
    answer = banked_must(&bank, "GET", "/v1/invoices/b1/payments/1", NULL, 200);
    check_seen(answer, "b1", paid, SL_COUNT(paid));
    json_decref(answer);
    json_decref(banked_invoice(&bank, "b2"));
    json_decref(banked_pay(&bank, "b2", "scenario_ggf", NULL));
    answer = banked_must(&bank, "POST", "/v1/invoices/b2/payments/1/refunds?wait=20", CASH_OF(1000), 202);
    cr_expect_str_eq(banked_text(answer, "failure.code"), "authorization_failed:unknown", "%s", json_dumps(answer, 0));
    json_decref(answer);
    answer = banked_must(&bank, "GET", "/v1/invoices/b2/payments/1", NULL, 200);
    check_seen(answer, "b2", failed, SL_COUNT(failed));
    json_decref(answer);
    banked_close(&bank);
}

/* ---- merchants ---- */

/* If it fails, a merchant reads addresses of adapters and words of the machinery. */
Test(api_parked, merchants_hear_the_cause_and_operators_the_reason, .timeout = 120)
{
    static const char tokens[] =
        "[{\"name\":\"acme\",\"token\":\"merchant-acme-token\",\"role\":\"merchant\",\"party_id\":\"party-acme\"},"
        "{\"name\":\"ops\",\"token\":\"operator-of-all-token\",\"role\":\"operator\"}]";
    static const char *const paths[] = { "/v1/invoices/m1", "/v1/invoices/m1/payments/1" };
    static const struct {
        const char *method, *path, *body;
        int status;
        const char *detail;
    } words[] = {
        { "GET", "/v1/invoices/none", NULL, 404, "there is no such invoice" },
        { "GET", "/v1/invoices/none/events", NULL, 404, "there is no such invoice" },
        { "GET", "/v1/invoices/m1/payments/9", NULL, 404, "the invoice has no such payment" },
        { "GET", "/v1/invoice-templates/none", NULL, 404, "there is no such invoice template" },
        { "POST", "/v1/invoices/none/rescind", REASON, 404, "there is no such invoice" },
        { "POST", "/v1/invoices/m1/rescind", REASON, 423, "the invoice has failed and waits for a repair by an operator" },
    };
    char file[] = "/tmp/sluice-tokens-XXXXXX", option[64];
    struct banked bank;
    json_t *answer;
    char *text;
    int fd = mkstemp(file);
    size_t i;

    cr_assert_eq(write(fd, tokens, strlen(tokens)), (ssize_t)strlen(tokens));
    close(fd);
    snprintf(option, sizeof(option), "--tokens=%s", file);
    banked_open(&bank, option);
    unlink(file);
    banked_configure_take(&bank, OPERATOR, banked_domain(&bank));
    text = daemon_fixture_file("examples/invoice.json");
    answer = json_loads(text, 0, NULL);
    json_object_set_new(answer, "id", json_string("m1"));
    free(text);
    text = json_dumps(answer, 0);
    json_decref(answer);
    cr_assert_eq(banked_ask(&bank, "POST", "/v1/invoices", MERCHANT, text, NULL), 201);
    free(text);
    cr_assert_eq(banked_ask(&bank, "POST", "/v1/invoices/m1/payments?wait=20", MERCHANT, PAYMENT("forbidden", ""), &answer),
                 202);
    cr_expect_str_eq(banked_text(answer, "machine.status"), "failed");
    cr_expect_str_eq(banked_text(answer, "machine.reason"), "");
    json_decref(answer);
    for (i = 0; i < SL_COUNT(paths); i++) {
        cr_assert_eq(banked_ask(&bank, "GET", paths[i], MERCHANT, NULL, &answer), 200);
        cr_expect_str_eq(banked_text(answer, "machine.cause"), "bad_answer", "%s", paths[i]);
        cr_expect_str_eq(banked_text(answer, "machine.reason"), "", "%s: %s", paths[i], banked_text(answer, "machine.reason"));
        json_decref(answer);
        cr_assert_eq(banked_ask(&bank, "GET", paths[i], OPERATOR, NULL, &answer), 200);
        cr_expect(strstr(banked_text(answer, "machine.reason"), "HTTP 500"), "%s", paths[i]);
        json_decref(answer);
    }
    for (i = 0; i < SL_COUNT(words); i++) {
        cr_expect_eq(banked_ask(&bank, words[i].method, words[i].path, MERCHANT, words[i].body, &answer), words[i].status);
        cr_expect_str_eq(banked_text(answer, "detail"), words[i].detail, "%s: %s", words[i].path, json_dumps(answer, 0));
        json_decref(answer);
    }
    banked_close(&bank);
}

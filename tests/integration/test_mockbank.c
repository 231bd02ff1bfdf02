/* The mock bank's tools against doc/spec/mock-provider.md: a real process. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "support/bank_talk.h"

TestSuite(mockbank, .init = bank_setup, .fini = bank_teardown, .timeout = 60);

/* ---- the self-check of doc/spec/mock-provider.md 8 ---- */

/* Without the plain path nothing else of the bank is worth anything: scenarios compare ids to the letter. */
Test(mockbank, plain_card_sleeps_then_succeeds)
{
    struct bank_talk talk = { .invoice = "i1", .tool = CARD("no_preauth/42"), .options = "{\"override\":\"brovider\"}" };

    cr_assert_eq(talk_ask(&talk), 200);
    must_sleep(&talk);
    cr_assert_eq(talk_ask(&talk), 200);
    must_succeed(&talk);
    must_be(&talk, "trx/id", "1.brovider");
    must_be(&talk, "trx/additional_info/rrn", "rrn");
    must_be(&talk, "trx/additional_info/approval_code", "code");
    talk_turn_to(&talk, "captured", NULL);
    cr_assert_eq(talk_ask(&talk), 500, "a capture must say what is captured");
    talk_turn_to(&talk, "captured", ",\"capture\":{\"cost\":" MONEY("900") "}");
    cr_assert_eq(talk_ask(&talk), 200);
    must_succeed(&talk);
    must_be(&talk, "trx/id", "1.brovider");
    cr_assert_eq(bank_book_count("i1", "charges"), 1);
    cr_assert_eq(bank_book_count("i1", "captures"), 1);
    talk_hush(&talk);
}

static void three_ds(struct bank_talk *talk, const char *prefix)
{
    cr_assert_eq(talk_ask(talk), 200);
    cr_assert_eq(strncmp(talk->tag, prefix, strlen(prefix)), 0, "%s", talk->tag);
    must_be(talk, "intent/suspend/user_interaction/redirect/post_request/form/tag", talk->tag);
    cr_assert_eq(json_integer_value(json_object_get(json_object_get(json_object_get(json_object_get(
                     talk->answer, "intent"), "suspend"), "timeout"), "timeout")), 3);
    must_be(talk, "intent/suspend/timeout_behaviour", "");
    cr_assert_eq(talk_call_back(talk, talk->tag), 200);
    must_sleep(talk);
    must_be(talk, "intent/sleep/user_interaction_completion", "{}");
    cr_assert_eq(talk_ask(talk), 200);
    must_succeed(talk);
}

/* A 3DS payment and its refund are the only ways through suspend, callback and completion. */
Test(mockbank, three_ds_waits_for_a_callback_in_payment_and_refund)
{
    struct bank_talk talk = { .invoice = "i2", .tool = CARD("preauth_3ds:timeout=3") };

    three_ds(&talk, "payment-");
    must_be(&talk, "trx/id", "1.");
    talk_turn_to(&talk, "refunded", ",\"refund\":{\"id\":\"r1\",\"created_at\":\"" AT "\",\"cash\":" MONEY("5") "}");
    three_ds(&talk, "refund-");
    cr_assert_eq(bank_book_count("i2", "refunds"), 1);
    talk_hush(&talk);
}

/* A callback that settles nothing must leave the wait alone, or scenarios of lost payers cannot be played. */
Test(mockbank, callback_may_settle_nothing)
{
    struct bank_talk talk = { .invoice = "i3", .tool = CARD("preauth_3ds:timeout=3") };

    cr_assert_eq(talk_ask(&talk), 200);
    cr_assert_eq(talk_call_back(&talk, "lay low buddy"), 200);
    must_be(&talk, "intent", "");
    cr_assert_eq(talk_call_back(&talk, "x"), 200);
    must_sleep(&talk);
    cr_assert_eq(talk_call_back(&talk, "x"), 500, "nothing waits any more");
    talk_hush(&talk);
}

/* Off-site pages are polled; a form that was posted is what ends it well, a fourth fruitless poll badly. */
Test(mockbank, off_site_is_polled_until_the_form_comes)
{
    struct bank_talk paid = { .invoice = "i4", .tool = CARD("preauth_3ds_offsite") };
    struct bank_talk idle = { .invoice = "i5", .tool = CARD("preauth_3ds_offsite") };
    int i;

    cr_assert_eq(talk_ask(&paid), 200);
    must_be(&paid, "intent/sleep/user_interaction/redirect/post_request/form/invoice_id", "i4");
    bank_form("invoice_id=i4&payment_id=1", 200);
    cr_assert_eq(talk_ask(&paid), 200);
    must_succeed(&paid);
    for (i = 0; i < 4; i++) {
        cr_assert_eq(talk_ask(&idle), 200);
        must_sleep(&idle);
    }
    cr_assert_eq(talk_ask(&idle), 200);
    must_fail(&idle, "authorization_failed:unknown");
    must_be(&idle, "trx", "");
    cr_assert_eq(bank_book_count("i5", "charges"), 0);
    talk_hush(&paid);
    talk_hush(&idle);
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
        struct bank_talk talk = { .invoice = invoice, .tool = CARD("assert_contact_info/e30="), .contact = rows[i].contact };

        snprintf(invoice, sizeof(invoice), "a%zu", i);
        cr_assert_eq(talk_ask(&talk), rows[i].status, "%s", rows[i].contact);
        talk_hush(&talk);
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
        struct bank_talk talk = { .invoice = rows[i].invoice, .tool = rows[i].tool };

        cr_assert_eq(talk_ask(&talk), 200);
        must_be(&talk, "intent/suspend/timeout_behaviour/callback", "ZmFpbHVyZQ==");
        cr_assert_eq(talk_call_back(&talk, "failure"), 500, "%s", rows[i].tool);
        talk_hush(&talk);
    }
}

/* Retries are tested with these cards, over sessions that start anew. */
Test(mockbank, scenario_card_follows_its_letters)
{
    struct bank_talk talk = { .invoice = "i6", .tool = CARD("scenario_ttgf") };
    int i;

    for (i = 0; i < 2; i++) {
        talk_turn_to(&talk, NULL, NULL);
        cr_assert_eq(talk_ask(&talk), 200);
        must_sleep(&talk);
        cr_assert_eq(talk_ask(&talk), 200);
        must_fail(&talk, "authorization_failed:temporarily_unavailable");
        must_be(&talk, "trx", "");
    }
    talk_turn_to(&talk, NULL, NULL);
    cr_assert_eq(talk_ask(&talk), 200);
    cr_assert_eq(talk_ask(&talk), 200);
    must_succeed(&talk);
    talk_turn_to(&talk, "refunded", ",\"refund\":{\"id\":\"r9\",\"created_at\":\"" AT "\",\"cash\":" MONEY("5") "}");
    cr_assert_eq(talk_ask(&talk), 200);
    must_fail(&talk, "authorization_failed:unknown");
    must_be(&talk, "trx/id", "1.r9.");
    cr_assert_eq(talk_ask(&talk), 200);
    must_succeed(&talk); /* past the end all is good */
    talk_hush(&talk);
}

/* The changed cost decides what is captured and paid out. */
Test(mockbank, cost_changes_up_and_down)
{
    struct { const char *invoice, *tool; int64_t amount; } rows[] = {
        { "i7", CARD("change_cash_increase"), 2002 }, { "i8", CARD("change_cash_decrease"), 500 },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct bank_talk talk = { .invoice = rows[i].invoice, .tool = rows[i].tool };
        const json_t *success;

        cr_assert_eq(talk_ask(&talk), 200);
        cr_assert_eq(talk_ask(&talk), 200);
        must_succeed(&talk);
        success = json_object_get(json_object_get(json_object_get(json_object_get(talk.answer, "intent"), "finish"),
                                                  "status"), "success");
        cr_assert_eq(json_integer_value(json_object_get(json_object_get(success, "changed_cost"), "amount")),
                     rows[i].amount, "%s", rows[i].tool);
        talk_hush(&talk);
    }
}

/* Receipts of kiosks are the other kind of interaction. */
Test(mockbank, terminal_shows_a_receipt)
{
    struct bank_talk talk = { .invoice = "i9", .tool = KIOSK };

    cr_assert_eq(talk_ask(&talk), 200);
    cr_assert_str_eq(talk.tag, "i9.1");
    must_be(&talk, "intent/suspend/user_interaction/payment_terminal_reciept/short_payment_id", "i9.1");
    must_be(&talk, "intent/suspend/user_interaction/payment_terminal_reciept/due", AT);
    cr_assert_eq(talk_call_back(&talk, "paid"), 200);
    must_sleep(&talk);
    cr_assert_eq(talk_ask(&talk), 200);
    must_succeed(&talk);
    talk_hush(&talk);
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
        struct bank_talk talk = { .invoice = rows[i].invoice, .tool = rows[i].tool };
        char *payload = base64_encode(rows[i].payload, strlen(rows[i].payload));

        cr_assert_eq(talk_ask(&talk), 200);
        must_be(&talk, "intent/suspend/timeout_behaviour/callback", "bW9iaWxlX2NvbW1lcmNl");
        cr_assert_eq(talk_call_back(&talk, "mobile_commerce"), 200);
        must_be(&talk, "intent/suspend/timeout_behaviour/callback", payload);
        cr_assert_eq(talk_call_back(&talk, rows[i].payload), 200);
        if (rows[i].good) {
            must_succeed(&talk);
            must_be(&talk, "trx", "");
        } else {
            must_be(&talk, "intent/suspend/timeout_behaviour/operation_failure/failure/code", "authorization_failed");
            must_be(&talk, "intent/suspend/timeout_behaviour/operation_failure/failure/reason", "test");
        }
        free(payload);
        talk_hush(&talk);
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
        struct bank_talk talk = { .invoice = invoice, .tool = rows[i].tool, .options = rows[i].options };
        int call;

        snprintf(invoice, sizeof(invoice), "f%zu", i);
        for (call = 1; call <= 2; call++) {
            cr_assert_eq(talk_ask(&talk), 200);
            must_fail(&talk, call == rows[i].call ? "a:b:c" : "");
            if (call == rows[i].call) {
                must_be(&talk, "intent/finish/status/failure/reason", "sub failure by b");
                must_be(&talk, "trx/id", "1.b");
                break;
            }
        }
        talk_hush(&talk);
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
        struct bank_talk talk = { .invoice = invoice, .tool = rows[i].tool };

        snprintf(invoice, sizeof(invoice), "n%zu", i);
        cr_assert_eq(talk_ask(&talk), 200);
        must_fail(&talk, rows[i].failure);
        if (!*rows[i].failure)
            must_succeed(&talk);
        talk_hush(&talk);
    }
}

/* 3-D Secure by number ends by the number as well. */
Test(mockbank, number_decides_what_the_payer_proves)
{
    struct bank_talk good = { .invoice = "n20", .tool = CARD("4012888888881881") };
    struct bank_talk bad = { .invoice = "n21", .tool = CARD("4987654321098769") };

    cr_assert_eq(talk_ask(&good), 200);
    cr_assert_str_eq(good.tag, "COM_MPI-n20.1");
    must_be(&good, "intent/suspend/timeout_behaviour/operation_failure/failure/sub/code", "three_ds_not_finished");
    cr_assert_eq(talk_call_back(&good, "PaRes=Y"), 200);
    must_succeed(&good);
    must_be(&good, "trx/id", "n20.1");
    cr_assert_eq(talk_ask(&bad), 200);
    cr_assert_eq(talk_call_back(&bad, "PaRes=Y"), 200);
    must_fail(&bad, "preauthorization_failed:unknown");
    talk_hush(&good);
    talk_hush(&bad);
}

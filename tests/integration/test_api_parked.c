/* Every call of an invoice that is parked, and every repair of one that is not: a real sluiced, whose bank has answered
 * nonsense. What repairs come to on a parked one is in test_api_repair.c. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

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
Test(api_parked, calls_are_refused_and_so_are_repairs_of_what_works, .timeout = 60)
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

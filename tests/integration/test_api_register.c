/* RegisterPayment over HTTP: a real sluiced, and a bank that must not be asked. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "support/banked.h"

#define PATH "/v1/invoices/inv-1/payments/register"
#define CARD "\"payer_params\":{\"payment_resource\":{\"resource\":{\"payment_tool\":{\"bank_card\":{\"token\":\"forbidden\"," \
             "\"payment_system\":{\"id\":\"VISA\"},\"bin\":\"424242\",\"last_digits\":\"4242\"}}},\"contact_info\":{}}}"
#define ROUTE ",\"route\":{\"provider\":{\"id\":1},\"terminal\":{\"id\":1}}"
#define TRX ",\"transaction_info\":{\"id\":\"T1\",\"extra\":{}}"

/* If it fails, what a bank took by itself cannot be brought into the books, or is taken twice. */
Test(api_register, a_payment_of_the_banks_own, .timeout = 60)
{
    struct banked banked;
    json_t *json;
    char *history;

    banked_open(&banked, NULL);
    json_decref(banked_invoice(&banked, "inv-1"));
    json = banked_must(&banked, "POST", PATH "?wait=20", "{" CARD ROUTE TRX ",\"id\":\"p\"}", 202);
    cr_expect_str_eq(banked_text(json, "payment.status"), "captured");
    cr_expect_str_eq(banked_text(json, "payment.registration_origin"), "provider");
    cr_expect_str_eq(banked_text(json, "last_transaction_info.id"), "T1");
    cr_expect_str_eq(banked_text(json, "route.terminal.id"), "1");
    json_decref(json);
    json = banked_must(&banked, "POST", PATH, "{" CARD ROUTE TRX ",\"id\":\"p\"}", 202);
    cr_expect_str_eq(banked_text(json, "payment.id"), "p");
    json_decref(json);
    history = banked_history(&banked, "inv-1");
    cr_expect_str_eq(history,
                     "invoice_created | started shop_limit_initiated shop_limit_applied route_changed cash_flow_changed "
                     "session_started session_transaction_bound session_finished status_changed capture_started | "
                     "session_started session_finished | status_changed invoice_status_changed", "%s", history);
    free(history);
    json = banked_must(&banked, "GET", "/v1/accounts/3001", NULL, 200);
    cr_expect_str_eq(banked_text(json, "own_amount"), banked_text(json, "min_available_amount"));
    cr_expect_gt(atoi(banked_text(json, "own_amount")), 0);
    json_decref(json);
    banked_close(&banked);
}

/* If it fails, callers' mistakes have other words than promised, or leave traces. */
Test(api_register, refusals, .timeout = 60)
{
    struct banked banked;
    char *before, *after;

    banked_open(&banked, NULL);
    json_decref(banked_invoice(&banked, "inv-1"));
    before = daemon_fixture_digest(&banked.daemon);
    banked_refused(&banked, "POST", PATH, "{" CARD ROUTE "}", 400, "InvalidRequest");
    banked_refused(&banked, "POST", PATH, "{" CARD ROUTE TRX ",\"flow\":{\"instant\":{}}}", 400, "InvalidRequest");
    banked_refused(&banked, "POST", PATH, "{" CARD ROUTE TRX ",\"cost\":{\"amount\":0,\"currency\":{\"symbolic_code\":"
                   "\"RUB\"}}}", 400, "InvalidRequest");
    banked_refused(&banked, "POST", PATH, "{" CARD ",\"route\":{\"provider\":{\"id\":1},\"terminal\":{\"id\":77}}" TRX "}",
                   400, "InvalidRequest");
    banked_refused(&banked, "POST", "/v1/invoices/nobody/payments/register", "{" CARD ROUTE TRX "}", 404,
                   "InvoiceNotFound");
    banked_refused(&banked, "POST", PATH, "{\"payer_params\":{\"recurrent\":{\"recurrent_parent\":{\"invoice_id\":\"x\","
                   "\"payment_id\":\"1\"},\"contact_info\":{}}}" ROUTE TRX "}", 422, "InvalidRecurrentParentPayment");
    after = daemon_fixture_digest(&banked.daemon);
    cr_expect_str_eq(before, after);
    free(before);
    free(after);
    banked_close(&banked);
}

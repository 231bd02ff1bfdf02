/* The command line, every command of it: a real sluiced, a real bank, a real process each time. What `sluice repair`
 * asks and shows is in test_api_repair.c. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/banked.h"
#include "support/cli.h"

#define CASH(amount) "{\"amount\":" #amount ",\"currency\":{\"symbolic_code\":\"RUB\"}}"
#define INVOICE(id)                                                                                          \
    "{\"id\":\"" id "\",\"party_id\":\"party-acme\",\"shop_id\":\"shop-acme-books\",\"details\":{\"product\":\"A book\"}," \
    "\"due\":\"2100-01-01T00:00:00Z\",\"cost\":" CASH(42000) ",\"context\":{\"type\":\"text/plain\",\"data\":\"\"}}"
#define CARD                                                                                                 \
    "{\"payment_resource\":{\"resource\":{\"payment_tool\":{\"bank_card\":{\"token\":\"no_preauth\",\"payment_system\":" \
    "{\"id\":\"VISA\"},\"bin\":\"424242\",\"last_digits\":\"4242\",\"issuer_country\":\"RUS\"}}},\"contact_info\":{}}}"
#define PAYMENT(flow) "{\"payer\":" CARD ",\"flow\":{" flow "}}"
#define HOLD "\"hold\":{\"on_hold_expiration\":\"cancel\"}"
#define SAMPLE                                                                                               \
    "{\"party\":\"party-acme\",\"shop\":\"shop-acme-books\",\"cost\":" CASH(42000) ",\"payment_tool\":{\"bank_card\":" \
    "{\"token\":\"x\",\"payment_system\":{\"id\":\"VISA\"},\"bin\":\"424242\",\"last_digits\":\"4242\"}}}"
#define LINE(amount) "{\"lines\":[{\"product\":\"b\",\"quantity\":1,\"price\":" CASH(amount) ",\"metadata\":{}}]}"
#define TEMPLATE(more)                                                                                       \
    "{\"template_id\":\"t1\",\"party_id\":\"party-acme\",\"shop_id\":\"shop-acme-books\",\"invoice_lifetime\":{\"months\":1}," \
    "\"product\":\"duck\",\"details\":{\"product\":{\"product\":\"duck\",\"price\":" more ",\"metadata\":{}}},"  \
    "\"context\":{\"type\":\"text/plain\",\"data\":\"\"}}"

static struct banked bank;

static void begin(void)
{
    banked_open(&bank, NULL);
    cli_file(&bank.daemon, "invoice", INVOICE("i1"));
    cli_file(&bank.daemon, "second", INVOICE("i2"));
    cli_file(&bank.daemon, "pay", PAYMENT("\"instant\":{}"));
    cli_file(&bank.daemon, "hold", PAYMENT(HOLD));
    cli_file(&bank.daemon, "broken", "{\"id\": ");
    cli_file(&bank.daemon, "wrong", "{\"id\":\"i3\"}");
}

static void end(void)
{
    banked_close(&bank);
}

/* ---- invoices and payments ---- */

/* If it fails, a shop cannot be served from a shell, or a script does not learn what was refused. */
Test(cli, invoices, .init = begin, .fini = end, .timeout = 120)
{
    static const struct cli_row rows[] = {
        { { "invoice", "create", "@invoice" }, 0, "Invoice i1@party-acme: unpaid, 42000 RUB, due 2100-01-01T00:00:00Z, event 1\n", NULL },
        { { "invoice", "create", "@invoice" }, 0, "Invoice i1@party-acme: unpaid", NULL },
        { { "invoice", "create", "@second", "--json" }, 0, "\"id\":\"i2\"", NULL },
        { { "invoice", "create", "@broken" }, 1, NULL, "sluice: InvalidRequest (400)" },
        { { "invoice", "create", "@wrong" }, 1, NULL, "  /cost: " },
        { { "invoice", "create", "@absent" }, 2, NULL, "No such file or directory" },
        { { "invoice", "create", "/" }, 2, NULL, "sluice: /: Is a directory\n" },
        { { "invoice", "create" }, 2, NULL, "sluice: usage: sluice invoice create FILE\n" },
        { { "invoice", "show", "i1" }, 0, "Invoice i1@party-acme: unpaid", NULL },
        { { "invoice", "show", "i1", "--json" }, 0, "\"latest_event_id\":1", NULL },
        { { "invoice", "show", "nobody" }, 1, NULL, "sluice: InvoiceNotFound (404)" },
        { { "invoice", "show", "no/body?" }, 1, NULL, "sluice: " },
        { { "invoice", "events", "i1" }, 0, "  invoice_created(42000 RUB)\n", NULL },
        { { "invoice", "events", "i1", "--json" }, 0, "\"invoice_created\":{", NULL },
        { { "invoice", "events", "nobody" }, 1, NULL, "sluice: InvoiceNotFound (404)" },
        { { "invoice", "events", "i1", "--wait=61" }, 2, NULL, "sluice: --wait must be a whole number within 0..60\n" },
        { { "invoice", "fulfill", "i1" }, 1, NULL, "sluice: InvalidInvoiceStatus (409)" },
        { { "invoice", "rescind", "i1", "--reason=sold out" }, 0, "Invoice i1@party-acme: cancelled", NULL },
        { { "invoice", "rescind", "i1" }, 1, NULL, "sluice: InvalidInvoiceStatus (409)" },
        { { "invoice", "rescind", "i2", "--reason=\xff" }, 2, NULL, "sluice: --reason is no UTF-8\n" },
        { { "invoice", "show", "i2" }, 0, "Invoice i2@party-acme: unpaid", NULL },
        { { "invoice", "rescind" }, 2, NULL, "sluice: usage: sluice invoice rescind ID\n" },
        { { "invoice", "forget", "i1" }, 2, NULL, "sluice: there is no command \"invoice" },
    };

    cli_walk(&bank.daemon, rows, SL_COUNT(rows));
}

/* If it fails, money is not taken as it was said on the command line. */
Test(cli, payments, .init = begin, .fini = end, .timeout = 120)
{
    static const struct cli_row rows[] = {
        { { "invoice", "create", "@invoice" }, 0, "i1", NULL },
        { { "payment", "start", "i1", "@pay", "--wait=20" }, 0,
          "Payment 1 of invoice i1: captured, idle, 42000 RUB, provider 1 terminal 2\n", NULL },
        { { "payment", "start", "i1", "@pay" }, 1, NULL, "sluice: InvalidInvoiceStatus (409)" },
        { { "payment", "start", "nobody", "@pay" }, 1, NULL, "sluice: InvoiceNotFound (404)" },
        { { "payment", "start", "i1", "@absent" }, 2, NULL, "No such file" },
        { { "payment", "start", "i1" }, 2, NULL, "sluice: usage: sluice payment start INVOICE FILE\n" },
        { { "payment", "show", "i1", "1" }, 0, "Payment 1 of invoice i1: captured, idle, 42000 RUB", NULL },
        { { "payment", "show", "i1", "1", "--json" }, 0, "\"activity\":\"idle\"", NULL },
        { { "payment", "show", "i1", "2" }, 1, NULL, "sluice: InvoicePaymentNotFound (404)" },
        { { "invoice", "fulfill", "i1", "--reason=sent" }, 0, "Invoice i1@party-acme: fulfilled", NULL },
        { { "invoice", "events", "i1" }, 0, "session_finished(processed, succeeded)", NULL },
        { { "route", "explain", "i1", "1" }, 0, "it was chosen", NULL },
        { { "route", "explain", "i1", "1", "--json" }, 0, "\"explained_routes\":[", NULL },
        { { "route", "explain", "i1", "2" }, 1, NULL, "sluice: InvoicePaymentNotFound (404)" },
        { { "invoice", "create", "@second" }, 0, "i2", NULL },
        { { "payment", "start", "i2", "@hold", "--wait=20" }, 5, "processed, flow_waiting", NULL },
        { { "payment", "capture", "i2", "1", "much" }, 2, NULL, "sluice: much is no amount in minor units\n" },
        { { "payment", "capture", "i2", "1", "99999999999999999999" }, 2, NULL, "is no amount in minor units\n" },
        { { "payment", "capture", "i2", "1", "" }, 2, NULL, "is no amount in minor units\n" },
        { { "payment", "capture", "i2", "1", "42001" }, 1, NULL, "sluice: AmountExceededCaptureBalance (422)" },
        { { "payment", "capture", "i2", "1", "10000", "--cart=@broken" }, 2, NULL, "broken" },
        { { "payment", "capture", "i2", "1", "10000", "--reason=in part", "--wait=20" }, 0, "captured, idle, 10000 RUB", NULL },
        { { "payment", "capture", "i2", "1" }, 1, NULL, "sluice: InvalidPaymentStatus (409)" },
        { { "payment", "cancel", "i2", "1" }, 1, NULL, "sluice: InvalidPaymentStatus (409)" },
        { { "payment", "cancel", "i2" }, 2, NULL, "sluice: usage: sluice payment cancel INVOICE PAYMENT\n" },
        { { "invoice", "create", "@third" }, 0, "i3", NULL },
        { { "payment", "start", "i3", "@hold", "--wait=20" }, 5, "processed, flow_waiting", NULL },
        { { "payment", "cancel", "i3", "1", "--reason=no", "--wait=20" }, 0, "cancelled, idle", NULL },
        { { "payment", "register", "i3", "@registered", "--wait=20" }, 0, "Payment 2 of invoice i3: captured, idle", NULL },
        { { "payment", "register", "i3", "@pay" }, 1, NULL, "sluice: InvalidRequest (400)" },
    };

    cli_file(&bank.daemon, "third", INVOICE("i3"));
    cli_file(&bank.daemon, "registered", "{\"payer_params\":" CARD ",\"route\":{\"provider\":{\"id\":1},\"terminal\":{\"id\":1}},"
                                         "\"transaction_info\":{\"id\":\"T7\",\"extra\":{}}}");
    cli_walk(&bank.daemon, rows, SL_COUNT(rows));
    cr_expect_str_eq(banked_books(&bank), "");
}

/* If it fails, a refund is made that nobody asked for, or not as it was asked for. */
Test(cli, refunds, .init = begin, .fini = end, .timeout = 120)
{
    static const struct cli_row rows[] = {
        { { "invoice", "create", "@second" }, 0, "i2", NULL },
        { { "payment", "start", "i2", "@pay", "--wait=20" }, 0, "captured", NULL }, /* the shop has money to give back */
        { { "invoice", "create", "@invoice" }, 0, "i1", NULL },
        { { "refund", "create", "i1", "1" }, 1, NULL, "sluice: InvoicePaymentNotFound (404)" },
        { { "refund", "create", "nobody", "1" }, 1, NULL, "sluice: InvoiceNotFound (404)" },
        { { "payment", "start", "i1", "@hold", "--wait=20" }, 5, "processed", NULL },
        { { "refund", "create", "i1", "1" }, 1, NULL, "sluice: InvalidPaymentStatus (409)" },
        { { "payment", "capture", "i1", "1", "--wait=20" }, 0, "captured", NULL },
        { { "refund", "create" }, 2, NULL, "sluice: usage: sluice refund create INVOICE PAYMENT [AMOUNT]\n" },
        { { "refund", "create", "i1", "1", "much" }, 2, NULL, "sluice: much is no amount in minor units\n" },
        { { "refund", "create", "i1", "1", "99999999999999999999" }, 2, NULL, "is no amount in minor units\n" },
        { { "refund", "create", "i1", "1", "42001" }, 1, NULL, "sluice: InvoicePaymentAmountExceeded (422)" },
        { { "refund", "create", "i1", "1", "0" }, 1, NULL, "(4" },
        { { "refund", "create", "i1", "1", "--", "-5" }, 1, NULL, "(4" },
        { { "refund", "create", "i1", "1", "1000", "--cart=@absent" }, 2, NULL, "No such file" },
        { { "refund", "create", "i1", "1", "1000", "--cart=@broken" }, 2, NULL, "broken:1: " },
        { { "refund", "create", "i1", "1", "1000", "--cart=@short" }, 1, NULL, "Remaining payment amount not equal cart cost" },
        { { "refund", "create", "i1", "1", "--reason=\xff" }, 2, NULL, "sluice: --reason is no UTF-8\n" },
        { { "refund", "create", "i1", "1", "1000", "--reason=damaged", "--wait=20" }, 0,
          "Refund 1 of payment 1 of invoice i1: succeeded, 1000 RUB, damaged\n", NULL },
        { { "refund", "create", "i1", "1", "1000", "--cart=@rest", "--wait=20", "--json" }, 0, "\"id\":\"2\",\"status\":", NULL },
        { { "refund", "book", "i1", "1", "1000", "--trx=outside", "--wait=20" }, 0,
          "Refund m3 of payment 1 of invoice i1: succeeded, 1000 RUB\n", NULL },
        { { "refund", "book", "i1", "1", "1000", "--trx=\xff" }, 2, NULL, "sluice: --trx is no UTF-8\n" },
        { { "refund", "book", "i1", "1", "39001" }, 1, NULL, "sluice: InvoicePaymentAmountExceeded (422)" },
        { { "refund", "book", "i1" }, 2, NULL, "sluice: usage: sluice refund book INVOICE PAYMENT [AMOUNT]\n" },
        { { "refund", "show", "i1", "1", "1" }, 0, "Refund 1 of payment 1 of invoice i1: succeeded, 1000 RUB, damaged\n", NULL },
        { { "refund", "show", "i1", "1", "m3" }, 0, "Refund m3 of", NULL },
        { { "refund", "show", "i1", "1", "2", "--json" }, 0, "\"succeeded\":{}", NULL },
        { { "refund", "show", "i1", "1", "9" }, 1, NULL, "sluice: InvoicePaymentRefundNotFound (404)" },
        { { "refund", "show", "i1", "9", "1" }, 1, NULL, "sluice: InvoicePaymentNotFound (404)" },
        { { "refund", "show", "i1", "1" }, 2, NULL, "sluice: usage: sluice refund show INVOICE PAYMENT ID\n" },
        { { "refund", "create", "i1", "1", "--wait=20" }, 0, "Refund 4 of payment 1 of invoice i1: succeeded, 39000 RUB\n", NULL },
        { { "refund", "create", "i1", "1" }, 1, NULL, "sluice: InvalidPaymentStatus (409)" },
        { { "payment", "show", "i1", "1" }, 0, "refunded, idle", NULL },
    };
    json_t *answer;

    cli_file(&bank.daemon, "short", LINE(1));
    cli_file(&bank.daemon, "rest", LINE(40000));
    cli_walk(&bank.daemon, rows, SL_COUNT(rows));
    answer = banked_must(&bank, "GET", "/v1/invoices/i1/payments/1", NULL, 200);
    cr_expect_eq(json_array_size(json_object_get(answer, "refunds")), 4, "what was refused left none");
    json_decref(answer);
    cr_expect_str_eq(banked_books(&bank), "");
}

/* If it fails, templates need another client than this one. */
Test(cli, templates, .init = begin, .fini = end, .timeout = 120)
{
    static const struct cli_row rows[] = {
        { { "template", "create", "@template" }, 0, "Template t1 of shop shop-acme-books: duck, fixed 5000 RUB\n", NULL },
        { { "template", "create", "@template", "--json" }, 0, "\"id\":\"t1\"", NULL },
        { { "template", "create", "@wrong" }, 1, NULL, "sluice: InvalidRequest (400)" },
        { { "template", "create", "@absent" }, 2, NULL, "No such file" },
        { { "template", "show", "t1" }, 0, "Template t1 of shop", NULL },
        { { "template", "show", "none" }, 1, NULL, "sluice: InvoiceTemplateNotFound (404)" },
        { { "template", "update", "t1", "@update" }, 0, "Template t1 of shop shop-acme-books: goose", NULL },
        { { "template", "update", "t1", "@broken" }, 1, NULL, "sluice: InvalidRequest (400)" },
        { { "template", "update", "none", "@update" }, 1, NULL, "sluice: InvoiceTemplateNotFound (404)" },
        { { "template", "update", "t1" }, 2, NULL, "sluice: usage: sluice template update ID FILE\n" },
        { { "template", "terms", "t1" }, 0, "payments", NULL },
        { { "template", "terms", "none" }, 1, NULL, "sluice: InvoiceTemplateNotFound (404)" },
        { { "template", "invoice", "t1", "@use" }, 0, "Invoice i9@party-acme: unpaid, 5000 RUB", NULL },
        { { "template", "invoice", "t1", "@other" }, 1, NULL, "sluice: InvalidRequest (400)" },
        { { "template", "invoice", "none", "@use" }, 1, NULL, "sluice: InvoiceTemplateNotFound (404)" },
        { { "template", "delete", "t1" }, 0, "t1", NULL },
        { { "template", "delete", "t1" }, 1, NULL, "sluice: InvoiceTemplateRemoved (410)" },
        { { "template", "show", "t1" }, 1, NULL, "sluice: InvoiceTemplateRemoved (410)" },
        { { "invoice", "show", "i9" }, 0, "Invoice i9@party-acme: unpaid, 5000 RUB", NULL },
    };

    cli_file(&bank.daemon, "template", TEMPLATE("{\"fixed\":" CASH(5000) "}"));
    cli_file(&bank.daemon, "update", "{\"product\":\"goose\"}");
    cli_file(&bank.daemon, "use", "{\"id\":\"i9\"}");
    cli_file(&bank.daemon, "other", "{\"id\":\"i8\",\"cost\":" CASH(1) "}");
    cli_walk(&bank.daemon, rows, SL_COUNT(rows));
}

/* ---- the operator's ---- */

/* If it fails, an operator is blind. */
Test(cli, looks_at_what_is_there, .init = begin, .fini = end, .timeout = 120)
{
    static const struct cli_row rows[] = {
        { { "stuck", "--older=0" }, 0, "Nothing is stuck.\n", NULL },
        { { "machines" }, 0, "No machine has failed.\n", NULL },
        { { "invoice", "create", "@invoice" }, 0, "i1", NULL },
        { { "timers" }, 0, "2100-01-01T00:00:00.001000Z  invoice  i1@party-acme  invoice\n", NULL },
        { { "timers", "--json" }, 0, "\"id\":\"i1@party-acme\"", NULL },
        { { "machines", "--status=waiting" }, 0, "2100-01-01T00:00:00.001000Z  invoice  i1@party-acme  invoice\n", NULL },
        { { "machines", "--status=lost" }, 1, NULL, "sluice: InvalidRequest (400)" },
        { { "machines", "--status=failed&limit=x" }, 1, NULL, "sluice: InvalidRequest (400)" },
        { { "payment", "start", "i1", "@breaking", "--wait=20" }, 6, "processing_session", NULL },
        { { "machines", "--json" }, 0, "\"id\":\"i1@party-acme\"", NULL },
        { { "stuck" }, 0, "  failed  invoice  i1@party-acme  processing_session", NULL },
        { { "stuck", "--json" }, 0, "\"activity\":\"processing_session\"", NULL },
        { { "stuck", "--older=soon" }, 2, NULL, "sluice: --older must be a whole number" },
        { { "invoice", "rescind", "i1" }, 1, NULL, "sluice: " },
        { { "repair", "i1", "--dry-run" }, 0, "What can be done:", NULL },
        { { "repair", "i1", "--revision=1", "--dry-run" }, 1, NULL, "configuration revision 1: it is worked by it already" },
        { { "repair", "i1", "--scenario=change_revision", "--yes" }, 2, NULL, "sluice: say which --revision" },
        { { "domain", "apply", "@newer" }, 0, "Configuration revision 2 is committed.", NULL },
        { { "repair", "i1", "--revision=2", "--dry-run" }, 0, "then processing_session", NULL },
        { { "repair", "i1", "--revision=2", "--yes" }, 6, "i1 has failed again", NULL }, /* its bank answers nonsense still */
        { { "invoice", "events", "i1" }, 0, "revision_changed", NULL },
        { { "repair", "nobody", "--dry-run" }, 1, NULL, "sluice: " },
        { { "repair" }, 2, NULL, "sluice: usage: sluice repair INVOICE\n" },
        { { "partitions" }, 0, "        3  {", NULL },
        { { "daemons" }, 0, "DIFFERS", NULL },
        { { "daemons", "--json" }, 0, "\"name\":", NULL },
        { { "partitions", "--json" }, 0, "\"partition\":3", NULL },
        { { "health" }, 0, "The fault detector is off.\n", NULL },
        { { "health", "--json" }, 0, "\"enabled\":false", NULL },
        { { "account", "3001" }, 0, "   3001 ", NULL },
        { { "account", "3001", "--json" }, 0, "\"account_id\":3001", NULL },
        { { "account", "77" }, 1, NULL, "sluice: AccountNotFound (404)" },
        { { "account", "own" }, 1, NULL, "sluice: " },
        { { "account" }, 2, NULL, "sluice: account takes an id, or --all\n" },
        { { "account", "--all" }, 0, "ACCOUNT ", NULL },
        { { "limit", "show", "nothing" }, 1, NULL, "sluice: " },
        { { "limit", "show" }, 2, NULL, "sluice: usage: sluice limit show COUNTER\n" },
    };
    json_t *domain = banked_domain(&bank);
    char *text;

    banked_set(domain, "category", "{\"id\":1}", "name", "\"Sand\"");
    text = json_dumps(domain, 0);
    cli_file(&bank.daemon, "newer", text);
    free(text);
    json_decref(domain);
    cli_file(&bank.daemon, "breaking",
             "{\"payer\":{\"payment_resource\":{\"resource\":{\"payment_tool\":{\"bank_card\":{\"token\":\"unexpected_failure\","
             "\"payment_system\":{\"id\":\"VISA\"},\"bin\":\"424242\",\"last_digits\":\"4242\",\"issuer_country\":\"RUS\"}}},"
             "\"contact_info\":{}}},\"flow\":{\"instant\":{}}}");
    cli_walk(&bank.daemon, rows, SL_COUNT(rows));
}

/* If it fails, a configuration is applied that should not be, or cannot be tried out before. */
Test(cli, configurations, .init = begin, .fini = end, .timeout = 120)
{
    static const struct cli_row rows[] = {
        { { "domain", "check", "@domain" }, 0, "0 errors", NULL },
        { { "domain", "init", "--currency=XXX" }, 2, NULL, "sluice: --currency must be one of AED" },
        { { "domain", "init", "--adapter=bank" }, 2, NULL, "sluice: --adapter must begin with http:// or https://" },
        { { "domain", "init", "--currency=JPY" }, 0, "\"numeric_code\": 392, \"exponent\": 0", NULL },
        { { "domain", "schema" }, 0, "#/components/schemas/Domain", NULL },
        { { "domain", "check", "@domain", "--json" }, 0, "[", NULL },
        { { "domain", "check", "@broken" }, 1, "error: document", NULL },
        { { "domain", "check", "@wrong", "--json" }, 1, "\"level\":\"error\"", NULL },
        { { "domain", "check", "@absent" }, 2, NULL, "No such file" },
        { { "domain", "show" }, 0, "shop-acme-books", NULL },
        { { "domain", "show", "1" }, 0, "shop-acme-books", NULL },
        { { "domain", "show", "9" }, 1, NULL, "sluice: " },
        { { "domain", "apply", "@domain" }, 0, "The document is configuration revision 1 already", NULL },
        { { "domain", "apply", "@domain" }, 0, "[method_unrouted]", NULL },
        { { "domain", "check", "@unsound" }, 1, "[terms_missing]", NULL },
        { { "domain", "apply", "@unsound" }, 1, NULL, "sluice: ConfigurationUnsound (422)" },
        { { "domain", "apply", "@unsound" }, 1, NULL, "the terms of refunds have no payment methods" },
        { { "domain", "show", "2" }, 1, NULL, "sluice: " },
        { { "domain", "apply", "@unsound", "--force" }, 0, "Configuration revision 2 is committed.", NULL },
        { { "domain", "apply", "@wrong" }, 1, NULL, "sluice: InvalidRequest (422)" },
        { { "domain", "apply", "@absent" }, 2, NULL, "No such file" },
        { { "domain", "show", "2" }, 0, "shop-acme-books", NULL },
        { { "domain", "apply", "@domain", "--json" }, 0, "\"revision\":3", NULL },
        { { "route", "simulate", "@payments", "--draws=10" }, 0, "2 payments, 10 draws each.", NULL },
        { { "route", "simulate", "@payments", "--json" }, 0, "{", NULL },
        { { "route", "simulate", "@payments", "--domain=@domain", "--compare=1" }, 0, "2 payments", NULL },
        { { "route", "simulate", "@payments", "--down=1", "--failing=2=0.5" }, 0, "2 payments", NULL },
        { { "route", "simulate", "@payments", "--failing=2=2" }, 2, NULL, "sluice: " },
        { { "route", "simulate", "@payments", "--down=77" }, 2, NULL, "sluice: " },
        { { "route", "simulate", "@payments", "--domain=9" }, 1, NULL, "sluice: " },
        { { "route", "simulate", "@broken" }, 1, NULL, "broken:1: " },
        { { "route", "simulate" }, 2, NULL, "sluice: either a FILE of payments or --from-feed=N is needed\n" },
        { { "route", "simulate", "@payments", "--draws=0" }, 2, NULL, "sluice: --draws must be a whole number" },
        { { "invoice", "create", "@invoice" }, 0, "i1", NULL },
        { { "payment", "start", "i1", "@pay", "--wait=20" }, 0, "captured", NULL },
        { { "route", "simulate", "--from-feed=5" }, 0, "1 payments", NULL },
    };
    json_t *domain = banked_domain(&bank);
    char *text = json_dumps(domain, 0);

    cli_file(&bank.daemon, "domain", text);
    free(text);
    banked_set(domain, "term_set_hierarchy", "{\"id\":1}", "term_set.payments.refunds.payment_methods", NULL);
    text = json_dumps(domain, 0);
    cli_file(&bank.daemon, "unsound", text);
    cli_file(&bank.daemon, "payments", SAMPLE "\n\n" SAMPLE "\n");
    free(text);
    json_decref(domain);
    cli_walk(&bank.daemon, rows, SL_COUNT(rows));
}

#define EUROS(amount) "{\"amount\":" #amount ",\"currency\":{\"symbolic_code\":\"EUR\"}}"
#define SMALL(id) "{\"id\":\"" id "\",\"party_id\":\"party-1\",\"shop_id\":\"shop-1\",\"details\":{\"product\":\"duck\"}," \
                  "\"due\":\"2100-01-01T00:00:00Z\",\"cost\":" EUROS(4200) ",\"context\":{\"type\":\"text/plain\",\"data\":\"\"}}"

/* If it fails, the first document that somebody starts from does not work. */
Test(cli, the_small_configuration_passes_the_check_and_pays, .init = begin, .fini = end, .timeout = 120)
{
    static const struct cli_row rows[] = {
        { { "domain", "check", "@small", "--strict" }, 0, ": 0 errors, 0 warnings.", NULL },
        { { "domain", "apply", "@small" }, 0, "Configuration revision 2 is committed.", NULL },
        { { "invoice", "create", "@small-1" }, 0, "Invoice s1@party-1: unpaid, 4200 EUR", NULL },
        { { "payment", "start", "s1", "@pay", "--wait=20" }, 0, "captured", NULL },
        { { "invoice", "create", "@small-2" }, 0, "Invoice s2@party-1: unpaid, 4200 EUR", NULL },
        { { "payment", "start", "s2", "@hold", "--wait=20" }, 5, "processed", NULL },
        { { "payment", "capture", "s2", "1", "4000", "--wait=20" }, 0, "captured", NULL },
        { { "refund", "create", "s1", "1", "1200", "--wait=20" }, 0, "succeeded", NULL },
        { { "refund", "create", "s1", "1", "--wait=20" }, 0, "succeeded", NULL },
        { { "account", "3001" }, 0, "  3795", NULL }, /* 4200 - 105, and 4000 - 100, less 1200 and 3000 */
    };
    char adapter[96];
    const char *words[] = { "domain", "init", "--currency=EUR", adapter, NULL };
    struct cli_said said;

    snprintf(adapter, sizeof(adapter), "--adapter=http://127.0.0.1:%d/provider", bank.bank.port);
    said = cli_run(&bank.daemon, words);
    cr_assert_eq(said.code, 0, "%s", said.err);
    cli_file(&bank.daemon, "small", said.out);
    cli_said_clear(&said);
    cli_file(&bank.daemon, "small-1", SMALL("s1"));
    cli_file(&bank.daemon, "small-2", SMALL("s2"));
    cli_walk(&bank.daemon, rows, SL_COUNT(rows));
}

/* ---- what all of them share ---- */

/* If it fails, a script takes a daemon that is not there, or a slip of the pen, for a refusal. */
Test(cli, usage_and_ways, .init = begin, .fini = end, .timeout = 120)
{
    static const struct cli_row rows[] = {
        { { NULL }, 2, NULL, "Usage: sluice COMMAND" },
        { { "--help" }, 0, "Usage: sluice COMMAND", NULL },
        { { "--version" }, 0, "sluice ", NULL },
        { { "dance" }, 2, NULL, "sluice: there is no command \"dance\"" },
        { { "--dance" }, 2, NULL, "Try sluice --help." },
        { { "timers", "now" }, 2, NULL, "sluice: usage: sluice timers\n" },
        { { "timers", "--api=http://127.0.0.1:1" }, 3, NULL, "sluice: http://127.0.0.1:1: " },
        { { "timers", "--api=gopher" }, 3, NULL, "sluice: gopher: " },
        { { "init", "--redis=redis://127.0.0.1:1" }, 3, NULL, "sluice: Redis at redis://127.0.0.1:1 cannot be reached\n" },
        { { "init", "--redis=nonsense" }, 2, NULL, "sluice: " },
        { { "init", "--partitions=0" }, 2, NULL, "sluice: --partitions must be a whole number within 1..1024\n" },
    };
    char redis[160];
    const struct cli_row again = { { "init", redis, "--partitions=4" }, 0, "deployment of 4 partitions", NULL };
    const struct cli_row other = { { "init", redis, "--partitions=5" }, 1, NULL, "sluice: " };

    snprintf(redis, sizeof(redis), "--redis=%s", server_url(bank.daemon.redis.server));
    cli_walk(&bank.daemon, rows, SL_COUNT(rows));
    cli_walk(&bank.daemon, &again, 1);
    cli_walk(&bank.daemon, &other, 1);
}

/* If it fails, a token does not reach the daemon, or its absence looks like something else. */
Test(cli_tokens, reach_the_daemon, .timeout = 120)
{
    static const struct cli_row rows[] = {
        { { "timers" }, 1, NULL, "sluice: Unauthorized (401)" },
        { { "timers", "--token=wrong" }, 1, NULL, "sluice: Unauthorized (401)" },
        { { "timers", "--token=merchant-acme-token" }, 1, NULL, "sluice: Forbidden (403)" },
        { { "timers", "--token=operator-of-all-token" }, 0, "No timer is set.\n", NULL },
    };
    static const struct cli_row from_environment = { { "timers" }, 0, "No timer is set.\n", NULL };
    static const char tokens[] =
        "[{\"name\":\"acme\",\"token\":\"merchant-acme-token\",\"role\":\"merchant\",\"party_id\":\"party-acme\"},"
        "{\"name\":\"ops\",\"token\":\"operator-of-all-token\",\"role\":\"operator\"}]";
    struct daemon_fixture daemon;
    char path[] = "/tmp/sluice-tokens-XXXXXX", option[64];
    int fd = mkstemp(path);

    cr_assert_eq(write(fd, tokens, strlen(tokens)), (ssize_t)strlen(tokens));
    close(fd);
    snprintf(option, sizeof(option), "--tokens=%s", path);
    daemon_fixture_open(&daemon, option, NULL);
    unlink(path);
    cli_walk(&daemon, rows, SL_COUNT(rows));
    setenv("SLUICE_TOKEN", "operator-of-all-token", 1);
    cli_walk(&daemon, &from_environment, 1);
    daemon_fixture_close(&daemon);
}

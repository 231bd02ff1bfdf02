/* What the command line says to people and to scripts: exit codes of payments, histories, lists, errors, help. A real
 * sluiced, a real bank, a real process each time. That each command does its work is in test_cli.c. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/clock.h"
#include "support/banked.h"
#include "support/cli.h"

#define CASH(amount) "{\"amount\":" #amount ",\"currency\":{\"symbolic_code\":\"RUB\"}}"
#define INVOICE(id)                                                                                          \
    "{\"id\":\"" id "\",\"party_id\":\"party-acme\",\"shop_id\":\"shop-acme-books\",\"details\":{\"product\":\"A book\"}," \
    "\"due\":\"2100-01-01T00:00:00Z\",\"cost\":" CASH(42000) ",\"context\":{\"type\":\"text/plain\",\"data\":\"\"}}"
#define PAYMENT(token, flow)                                                                                 \
    "{\"payer\":{\"payment_resource\":{\"resource\":{\"payment_tool\":{\"bank_card\":{\"token\":\"" token "\","  \
    "\"payment_system\":{\"id\":\"VISA\"},\"bin\":\"424242\",\"last_digits\":\"4242\",\"issuer_country\":\"RUS\"}}}," \
    "\"contact_info\":{}}},\"flow\":{" flow "}}"
#define INSTANT "\"instant\":{}"
#define HOLD "\"hold\":{\"on_hold_expiration\":\"cancel\"}"
#define TEMPLATE                                                                                             \
    "{\"template_id\":\"t1\",\"party_id\":\"party-acme\",\"shop_id\":\"shop-acme-books\",\"invoice_lifetime\":{\"months\":1}," \
    "\"product\":\"duck\",\"details\":{\"product\":{\"product\":\"duck\",\"price\":{\"fixed\":" CASH(5000)      \
    "},\"metadata\":{}}},\"context\":{\"type\":\"text/plain\",\"data\":\"\"}}"
#define COLUMNS 120
#define SETTLE "--wait=20"

static struct banked bank;

static void begin(void)
{
    static const char *const ids[] = { "i1", "i2", "i3", "i4", "i5", "i6", "i7" };
    size_t i;

    banked_open(&bank, NULL);
    for (i = 0; i < SL_COUNT(ids); i++)
        json_decref(banked_invoice(&bank, ids[i]));
    cli_file(&bank.daemon, "good", PAYMENT("no_preauth", INSTANT));
    cli_file(&bank.daemon, "declined", PAYMENT("scenario_f", INSTANT));
    cli_file(&bank.daemon, "hold", PAYMENT("no_preauth", HOLD));
    cli_file(&bank.daemon, "payer", PAYMENT("preauth_3ds:timeout=600", INSTANT));
    cli_file(&bank.daemon, "breaking", PAYMENT("forbidden", INSTANT));
    cli_file(&bank.daemon, "no-refund", PAYMENT("scenario_ggf", INSTANT));
    cli_file(&bank.daemon, "template", TEMPLATE);
    cli_file(&bank.daemon, "wrong", "{\"id\":\"i9\"}");
}

static void end(void)
{
    banked_close(&bank);
}

/* ---- what became of payments ---- */

/* If it fails, a script ships goods that were not paid, or an operator sees neither why a payment failed nor that it
 * waits for a repair. */
Test(cli_output, payments_say_what_became_of_them, .init = begin, .fini = end, .timeout = 120)
{
    static const struct cli_row rows[] = {
        { { "payment", "start", "i1", "@good", SETTLE }, 0, "Payment 1 of invoice i1: captured, idle, 42000 RUB", NULL },
        { { "payment", "start", "i2", "@declined", SETTLE }, 4, "  failure   authorization_failed:unknown", NULL },
        { { "payment", "show", "i2", "1" }, 4, "  failure   authorization_failed:unknown", NULL },
        { { "payment", "show", "i2", "1", "--json" }, 4, "\"failure\":{\"code\":\"authorization_failed:unknown\"", NULL },
        { { "invoice", "show", "i2" }, 0, "payment 1: failed, authorization_failed:unknown", NULL },
        { { "payment", "start", "i3", "@hold", SETTLE }, 5, "Payment 1 of invoice i3: processed, flow_waiting", NULL },
        { { "payment", "cancel", "i3", "1", SETTLE }, 0, "cancelled, idle", NULL },
        { { "payment", "show", "i3", "1" }, 4, "cancelled, idle", NULL },
        { { "payment", "start", "i4", "@payer", SETTLE }, 5, "  payer     has to be sent to http://127.0.0.1:", NULL },
        { { "payment", "show", "i4", "1" }, 5, "by POST, with tag=", NULL },
        { { "invoice", "show", "i4" }, 0, "payment 1: pending, waits for the payer", NULL },
        { { "payment", "start", "i5", "@breaking", SETTLE }, 6, "  machine   failed since ", NULL },
        { { "payment", "show", "i5", "1" }, 6, "bad_answer: provider: process_payment: ", NULL },
        { { "payment", "show", "i5", "1" }, 6, "sluice repair i5", NULL },
        { { "invoice", "show", "i5" }, 0, "  machine   failed since ", NULL },
        { { "refund", "create", "i1", "1", "1000", "--reason=damaged", SETTLE }, 0, "succeeded, 1000 RUB, damaged", NULL },
        { { "payment", "show", "i1", "1" }, 0, "  refunded  1000 RUB of 42000 RUB", NULL },
        { { "payment", "show", "i1", "1" }, 0, "  refund 1  succeeded, 1000 RUB, damaged", NULL },
        { { "invoice", "show", "i1" }, 0, "payment 1: captured, 1000 RUB refunded", NULL },
        { { "payment", "start", "i6", "@no-refund", SETTLE }, 0, "captured", NULL },
        { { "refund", "create", "i6", "1", "1000", SETTLE }, 4, "failed, 1000 RUB, authorization_failed:unknown", NULL },
        { { "refund", "show", "i6", "1", "1" }, 4, "authorization_failed:unknown", NULL },
        { { "payment", "show", "i6", "1" }, 0, "  refund 1  failed, 1000 RUB, authorization_failed:unknown", NULL },
    };
    static const struct cli_row retrying[] = {
        { { "payment", "start", "i7", "@good", "--wait=1" }, 5, "  machine   retrying: attempt ", NULL },
        { { "payment", "show", "i7", "1" }, 5, ", next try ", NULL },
        { { "invoice", "show", "i7" }, 0, "  machine   retrying: attempt ", NULL },
    };

    cli_walk(&bank.daemon, rows, SL_COUNT(rows));
    banked_fault(&bank, "{\"kind\":\"reset_before\",\"share\":1,\"target\":\"processed\"}");
    cli_walk(&bank.daemon, retrying, SL_COUNT(retrying));
}

/* ---- lists ---- */

/* Runs WORDS, which succeed; what they said is the caller's, free(). Fails the test for a line that is too long or has
 * something in it that nobody can paste. */
static char *said(const char *const *words)
{
    struct cli_said all = cli_run(&bank.daemon, words);
    const char *line, *end;

    cr_expect_eq(all.code, 0, "%s: %d %s", words[0], all.code, all.err);
    cr_expect(!strstr(all.out, "inv:") && !strstr(all.out, "tpl:"), "%s", all.out);
    cr_expect(!strstr(all.out, "(?)"), "%s", all.out);
    for (line = all.out; *line; line = *end ? end + 1 : end) {
        end = line + strcspn(line, "\n");
        cr_expect_leq(end - line, COLUMNS, "%s: %.*s", words[0], (int)(end - line), line);
    }
    free(all.err);
    return all.out;
}

#define WORDS(...) (const char *const[]){ __VA_ARGS__, NULL }

static void check_has(const char *text, const char *const *pieces)
{
    for (; *pieces; pieces++)
        cr_expect(strstr(text, *pieces), "no \"%s\" in: %s", *pieces, text);
}

/* If it fails, a history does not say whose refund or which session a change is about, or says that a payment timed out
 * which was captured at once. */
Test(cli_output, histories_name_payment_refund_and_target, .init = begin, .fini = end, .timeout = 120)
{
    static const struct cli_row rows[] = {
        { { "payment", "start", "i1", "@good", SETTLE }, 0, "captured", NULL },
        { { "refund", "create", "i1", "1", "1000", SETTLE }, 0, "succeeded", NULL },
        { { "payment", "start", "i2", "@declined", SETTLE }, 4, "failed", NULL },
        { { "payment", "start", "i2", "@good", SETTLE }, 0, "Payment 2 of invoice i2: captured", NULL },
    };
    char *text;

    cli_walk(&bank.daemon, rows, SL_COUNT(rows));
    text = said(WORDS("invoice", "events", "i1"));
    cr_expect_eq(strncmp(text, "EVENT  AT ", 10), 0, "%s", text);
    check_has(text, WORDS("  invoice              invoice_created(42000 RUB)\n",
                          "  payment 1            session_started(processed)\n",
                          "  payment 1            session_finished(captured, succeeded)\n",
                          "  payment 1            capture_started(42000 RUB, at once)\n",
                          "  payment 1, refund 1  created(1000 RUB)\n",
                          "  payment 1, refund 1  session_started(refunded)\n",
                          "  payment 1, refund 1  session_finished(refunded, succeeded)\n",
                          "  payment 1, refund 1  status_changed(succeeded)\n",
                          "  invoice              invoice_status_changed(paid)\n"));
    cr_expect(!strstr(text, "Timeout"), "%s", text);
    free(text);
    text = said(WORDS("invoice", "events", "i2"));
    check_has(text, WORDS("  payment 1  session_finished(processed, failed, authorization_failed:unknown)\n",
                          "  payment 1  status_changed(failed, authorization_failed:unknown)\n",
                          "  payment 2  status_changed(captured)\n"));
    free(text);
}

/* If it fails, a list cannot be read, or looks complete when it is not. */
Test(cli_output, lists_have_headers_and_say_when_they_are_cut_or_empty, .init = begin, .fini = end, .timeout = 120)
{
    int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;
    static const struct cli_row empty[] = {
        { { "machines" }, 0, "No machine has failed.\n", NULL },
        { { "machines", "--json" }, 0, "[]", NULL },
        { { "stuck" }, 0, "Nothing is stuck.\n", NULL },
        { { "health" }, 0, "The fault detector is off.\n", NULL },
        { { "account", "--all" }, 0, "No account has moved.\n", NULL },
    };
    static const struct cli_row rows[] = {
        { { "template", "create", "@template" }, 0, "Template t1", NULL },
        { { "payment", "start", "i1", "@good", SETTLE }, 0, "captured", NULL },
        { { "payment", "start", "i5", "@breaking", SETTLE }, 6, "failed", NULL },
        { { "timers", "--limit=2" }, 0, "The first 2 are shown; --limit=N shows up to 1000.\n", NULL },
        { { "timers", "--limit=0" }, 2, NULL, "sluice: --limit must be a whole number within 1..1000\n" },
    };
    char *text, *first, *second;

    cli_walk(&bank.daemon, empty, SL_COUNT(empty));
    cli_walk(&bank.daemon, rows, SL_COUNT(rows));
    text = said(WORDS("timers"));
    cr_expect_eq(strncmp(text, "DUE ", 4), 0, "%s", text);
    check_has(text, WORDS("  invoice  i2@party-acme  "));
    cr_expect(!strstr(text, "are shown"), "%s", text);
    free(text);
    text = said(WORDS("machines"));
    cr_expect_eq(strncmp(text, "SINCE ", 6), 0, "%s", text);
    check_has(text, WORDS("  invoice  i5@party-acme  processing_session  ", "bad_answer", "HTTP"));
    free(text);
    text = said(WORDS("stuck"));
    check_has(text, WORDS("SINCE ", "failed", "  i5@party-acme  ", "bad_answer"));
    free(text);
    text = said(WORDS("partitions"));
    check_has(text, WORDS("PARTITION  TAG", "WAITING  OWNER"));
    free(text);
    text = said(WORDS("daemons"));
    while (!strstr(text, "http://") && clock_mono_us() < until_us) { /* where it listens is told with its next sign of life */
        free(text);
        text = said(WORDS("daemons"));
    }
    check_has(text, WORDS("NAME", "VERSION", "STARTED", "LISTENS ON", "http://127.0.0.1:"));
    free(text);
    text = said(WORDS("account", "--all"));
    check_has(text, WORDS("ACCOUNT", "CURRENCY", "RUB"));
    first = strstr(text, "\n   3001"), second = strstr(text, "\n   4001");
    cr_expect(first && second && first < second, "they come by number: %s", text);
    free(text);
    free(said(WORDS("route", "explain", "i1", "1")));
    free(said(WORDS("invoice", "show", "i5")));
}

/* ---- errors and help ---- */

/* If it fails, a person or a script does not learn what the API said. */
Test(cli_output, errors_say_all_that_the_api_answers, .init = begin, .fini = end, .timeout = 120)
{
    static const struct cli_row rows[] = {
        { { "payment", "start", "i1", "@good", SETTLE }, 0, "captured", NULL },
        { { "payment", "start", "i1", "@good" }, 1, NULL, "  state: paid\n" },
        { { "payment", "start", "i1", "@good", "--json" }, 1, "\"state\":{\"paid\":{}}", NULL },
        { { "refund", "create", "i1", "1", "42001" }, 1, NULL, "  maximum: 42000 RUB\n" },
        { { "invoice", "create", "@wrong" }, 1, NULL, "  /cost: " },
        { { "invoice", "create", "@wrong", "--json" }, 1, "{\"field\":\"/cost\"", NULL },
        { { "invoice", "show", "none" }, 1, NULL, "sluice: InvoiceNotFound (404): there is no such invoice\n" },
        { { "invoice", "show", "none", "--json" }, 1, "\"error\":\"InvoiceNotFound\"", NULL },
        { { "payment", "start", "i5", "@breaking", SETTLE }, 6, "failed", NULL },
        { { "invoice", "rescind", "i5" }, 1, NULL, "  activity: processing_session\n" },
        { { "timers", "--api=http://127.0.0.1:1", "--json" }, 3, "\"error\":\"NotReached\"", NULL },
        { { "timers", "--limit=x", "--json" }, 2, "\"error\":\"Usage\"", NULL },
        { { "invoice", "create", "@absent", "--json" }, 2, "\"error\":\"Usage\"", NULL },
        { { "dance", "--json" }, 2, "\"error\":\"Usage\"", NULL },
        { { "invoice", "show", "i1", "--reason=x" }, 2, NULL, "sluice: invoice show takes no --reason\n" },
    };

    cli_walk(&bank.daemon, rows, SL_COUNT(rows));
}

/* If it fails, somebody who asks for help gets a wall of text, or a complaint. */
Test(cli_output, help_is_where_it_is_looked_for, .init = begin, .fini = end, .timeout = 120)
{
    static const struct cli_row rows[] = {
        { { "help" }, 0, "Usage: sluice COMMAND", NULL },
        { { "-h" }, 0, "Usage: sluice COMMAND", NULL },
        { { "invoice" }, 2, NULL, "Usage: sluice invoice COMMAND" },
        { { "invoice", "-h" }, 0, "Usage: sluice invoice COMMAND", NULL },
        { { "help", "invoice" }, 0, "Usage: sluice invoice COMMAND", NULL },
        { { "help", "invoice", "create" }, 0, "Usage: sluice invoice create FILE", NULL },
        { { "payment", "capture", "--help" }, 0, "--cart=FILE", NULL },
        { { "payment", "capture", "-h" }, 0, "Usage: sluice payment capture INVOICE PAYMENT [AMOUNT]", NULL },
        { { "help", "stuck" }, 0, "Usage: sluice stuck", NULL },
        { { "help", "dance" }, 2, NULL, "sluice: there is no command \"dance\"" },
        { { "help", "--json" }, 0, "\"exit_codes\":", NULL },
        { { "help", "payment", "start", "--json" }, 0, "\"usage\":\"sluice payment start INVOICE FILE\"", NULL },
    };
    static const char *const codes[] = { "0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "6 ", NULL };
    char *text;

    cli_walk(&bank.daemon, rows, SL_COUNT(rows));
    text = said(WORDS("help"));
    check_has(strstr(text, "Exit codes"), codes);
    free(text);
    free(said(WORDS("help", "route", "simulate")));
    free(said(WORDS("help", "repair")));
}

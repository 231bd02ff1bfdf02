/* Repairs as operators make them: a real sluiced whose bank makes no sense, over HTTP and with the command line. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "support/banked.h"
#include "support/skip.h"

#define SHOP_ACCOUNT 3001 /* of the example's shop */
#define NEVER "{\"decisions\":[{\"if_\":{\"constant\":false},\"then_\":{\"value\":%s}}]}"
#define FAIL_SESSION "{\"fail_session\":{\"failure\":{\"code\":\"authorization_failed\",\"sub\":{\"code\":\"unknown\"}}}}"
#define FULFILL "{\"fulfill_session\":{}}"
#define FAIL_PRE "{\"fail_pre_processing\":{\"failure\":{\"code\":\"no_route_found\",\"sub\":{\"code\":\"unknown\"}}}}"
#define SKIP "{\"skip_inspector\":{\"risk_score\":\"low\"}}"

/* An invoice and a payment of it with a card of TOKEN; nobody waits for what becomes of it. */
static void pay(const struct banked *bank, const char *id, const char *token)
{
    static const char params[] =
        "{\"id\":\"1\",\"payer\":{\"payment_resource\":{\"resource\":{\"payment_tool\":{\"bank_card\":{\"token\":"
        "\"%s\",\"payment_system\":{\"id\":\"VISA\"},\"bin\":\"424242\",\"last_digits\":\"4242\","
        "\"issuer_country\":\"RUS\"}}},\"contact_info\":{\"email\":\"payer@example.com\"}}},\"flow\":{\"instant\":{}}}";
    char path[128], body[512];

    json_decref(banked_invoice(bank, id));
    snprintf(path, sizeof(path), "/v1/invoices/%s/payments", id);
    snprintf(body, sizeof(body), params, token);
    json_decref(banked_must(bank, "POST", path, body, 202));
}

static void until_status(const struct banked *bank, const char *id, const char *status)
{
    char path[128];

    snprintf(path, sizeof(path), "/v1/invoices/%s/payments/1", id);
    banked_until(bank, path, "payment.status", status);
}

static void until_machine(const struct banked *bank, const char *id, const char *status)
{
    char path[128];

    snprintf(path, sizeof(path), "/v1/invoices/%s", id);
    banked_until(bank, path, "machine.status", status);
}

/* POSTs SCENARIO for invoice ID; the status. *OUT as in banked_ask. */
static int scenario(const struct banked *bank, const char *id, const char *query, const char *scenario_json,
                    json_t **out)
{
    char path[128], body[1024];

    snprintf(path, sizeof(path), "/v1/invoices/%s/repair-scenario%s", id, query);
    snprintf(body, sizeof(body), "{\"scenario\":%s}", scenario_json);
    return banked_ask(bank, "POST", path, NULL, body, out);
}

static int repair(const struct banked *bank, const char *id, const char *query, const char *body, json_t **out)
{
    char path[128];

    snprintf(path, sizeof(path), "/v1/invoices/%s/repair%s", id, query);
    return banked_ask(bank, "POST", path, NULL, body, out);
}

/* The payload of change I of a rehearsal: "invoice_payment_risk_score_changed". */
static const char *change_name(const json_t *answer, size_t i)
{
    const json_t *change = json_array_get(json_object_get(answer, "changes"), i);
    const json_t *payload = json_object_get(json_object_get(change, "invoice_payment_change"), "payload");
    const char *name = json_object_iter_key(json_object_iter((json_t *)(uintptr_t)payload));

    return name ? name : "";
}

/* The configuration in which the shop's payments get stuck: whose inspector, or whose fees, nothing selects. NULL:
 * in which they do not. */
static void configure(const struct banked *bank, const char *broken)
{
    json_t *domain = banked_domain(bank);
    char value[256];

    snprintf(value, sizeof(value), NEVER, broken && strcmp(broken, "inspector") == 0 ? "{\"id\":1}" : "[]");
    if (broken && strcmp(broken, "inspector") == 0)
        banked_set(domain, "payment_institution", "{\"id\":2}", "inspector", value);
    else if (broken)
        banked_set(domain, "term_set_hierarchy", "{\"id\":1}", "term_set.payments.fees", value);
    banked_configure_take(bank, NULL, domain);
}

static const struct {
    const char *id, *token, *broken, *fault;
    const char *activity, *scenario, *change, *status;
} parked[] = {
    { "p-inspector", "no_preauth", "inspector", NULL, "risk_scoring", SKIP, "invoice_payment_risk_score_changed",
      "captured" },
    { "p-inspector-fail", "no_preauth", "inspector", NULL, "risk_scoring", FAIL_PRE, "invoice_payment_status_changed",
      "failed" },
    { "p-fees", "no_preauth", "fees", NULL, "cash_flow_building", FAIL_PRE, "invoice_payment_status_changed", "failed" },
    { "p-bound", "unexpected_failure", NULL, NULL, "processing_session", FAIL_SESSION, "invoice_payment_session_change",
      "failed" },
    { "p-no-trx", "unexpected_failure_no_trx", NULL, NULL, "processing_session", FULFILL,
      "invoice_payment_session_change", "captured" },
    { "p-waiting", "unexpected_failure_when_suspended", NULL, NULL, "processing_session", FAIL_SESSION,
      "invoice_payment_session_change", "failed" },
    { "p-waiting-ok", "unexpected_failure_when_suspended", NULL, NULL, "processing_session", FULFILL,
      "invoice_payment_session_change", "captured" },
    { "p-garbage", "no_preauth", NULL, "{\"kind\":\"garbage\",\"target\":\"captured\"}", "finalizing_session", FULFILL,
      "invoice_payment_session_change", "captured" },
    { "p-500", "no_preauth", NULL, "{\"kind\":\"status_500\",\"target\":\"processed\"}", "processing_session",
      "{\"complex\":{\"scenarios\":[" SKIP "," FAIL_PRE "," FAIL_SESSION "]}}", "invoice_payment_session_change",
      "failed" },
};

/* Brings payment I to where it is parked; checks that it can be seen. */
static void park(const struct banked *bank, size_t i)
{
    char path[128];
    json_t *json;

    configure(bank, parked[i].broken);
    if (parked[i].fault)
        banked_fault(bank, parked[i].fault);
    pay(bank, parked[i].id, parked[i].token);
    until_machine(bank, parked[i].id, "failed");
    snprintf(path, sizeof(path), "/v1/invoices/%s", parked[i].id);
    json = banked_must(bank, "GET", path, NULL, 200);
    cr_assert_str_eq(banked_text(json, "machine.activity"), parked[i].activity, "%s", parked[i].id);
    cr_assert(*banked_text(json, "machine.reason") && *banked_text(json, "machine.since"), "%s", parked[i].id);
    json_decref(json);
}

/* If it fails, a parked payment cannot be brought to its end, a rehearsal stores something or promises something else
 * than the repair does, or a repair leaves the books askew. */
Test(api_repair, each_scenario_brings_a_parked_payment_to_its_end_and_the_books_are_exact, .timeout = 60)
{
    struct banked bank;
    char *before, *after;
    int64_t unit, captured = 1;
    json_t *json;
    size_t i;

    banked_open(&bank, NULL);
    pay(&bank, "plain", "no_preauth");
    until_status(&bank, "plain", "captured");
    unit = banked_own(&bank, SHOP_ACCOUNT);
    for (i = 0; i < SL_COUNT(parked); i++) {
        park(&bank, i);
        before = daemon_fixture_digest(&bank.daemon);
        cr_assert_eq(scenario(&bank, parked[i].id, "?dry_run=true", parked[i].scenario, &json), 200, "%s", parked[i].id);
        after = daemon_fixture_digest(&bank.daemon);
        cr_assert_str_eq(before, after, "%s: a rehearsal stored something", parked[i].id);
        cr_assert_str_eq(banked_text(json, "outcome"), "commit", "%s", parked[i].id);
        cr_assert_str_eq(change_name(json, 0), parked[i].change, "%s", parked[i].id);
        json_decref(json);
        cr_assert_eq(scenario(&bank, parked[i].id, "", parked[i].scenario, &json), 200, "%s", parked[i].id);
        cr_assert(json_integer_value(json_object_get(json, "version")) > 1);
        json_decref(json);
        until_status(&bank, parked[i].id, parked[i].status);
        until_machine(&bank, parked[i].id, "working");
        captured += strcmp(parked[i].status, "captured") == 0;
        cr_assert_str_eq(banked_books(&bank), "", "%s: %s", parked[i].id, banked_books(&bank));
        cr_assert_eq(banked_own(&bank, SHOP_ACCOUNT), captured * unit, "%s", parked[i].id);
        free(before);
        free(after);
    }
    banked_close(&bank);
}

/* If it fails, a refused repair is not told from a done one, or leaves a trace. */
Test(api_repair, what_cannot_be_repaired_is_refused_and_stays_as_it_was, .timeout = 60)
{
    static const struct {
        const char *path, *body;
        int status;
        const char *error, *reason;
    } rows[] = {
        { "/v1/invoices/nobody/repair", NULL, 404, "InvoiceNotFound", "" },
        { "/v1/invoices/nobody/repair?dry_run=true", NULL, 404, "InvoiceNotFound", "" },
        { "/v1/invoices/nobody/repair-scenario", "{\"scenario\":" FULFILL "}", 404, "InvoiceNotFound", "" },
        { "/v1/invoices/well/repair", NULL, 409, "NoNeedToRepair", "" },
        { "/v1/invoices/well/repair?dry_run=true", NULL, 409, "NoNeedToRepair", "" },
        { "/v1/invoices/well/repair", "{\"changes\":[]}", 409, "NoNeedToRepair", "" },
        { "/v1/invoices/well/repair-scenario", "{\"scenario\":" FULFILL "}", 409, "NoNeedToRepair", "" },
        { "/v1/invoices/well/repair-scenario?dry_run=true", "{\"scenario\":" FULFILL "}", 409, "NoNeedToRepair", "" },
        { "/v1/invoices/stuck/repair-scenario", "{\"scenario\":" SKIP "}", 409, "RepairRefused",
          "activity_not_compatible_with_scenario" },
        { "/v1/invoices/stuck/repair-scenario?dry_run=true", "{\"scenario\":" SKIP "}", 409, "RepairRefused",
          "activity_not_compatible_with_scenario" },
        { "/v1/invoices/stuck/repair-scenario", "{\"scenario\":{\"complex\":{\"scenarios\":[" SKIP "]}}}", 409,
          "RepairRefused", "activity_not_compatible_with_complex_scenario" },
        { "/v1/invoices/stuck/repair-scenario",
          "{\"scenario\":{\"fulfill_session\":{\"trx\":{\"id\":\"not-ours\",\"extra\":{}}}}}", 409, "RepairRefused",
          "step_failed" },
        { "/v1/invoices/stuck/repair", "{\"changes\":[{\"invoice_status_changed\":{\"status\":{\"paid\":{}}}},"
          "{\"invoice_payment_change\":{\"id\":\"9\",\"payload\":{\"invoice_payment_status_changed\":{\"status\":"
          "{\"processed\":{}}}}}}]}", 409, "RepairRefused", "invalid_changes" },
        { "/v1/invoices/stuck/repair?dry_run=maybe", NULL, 400, "InvalidRequest", "" },
        { "/v1/invoices/stuck/repair", "{}", 400, "InvalidRequest", "" },
        { "/v1/invoices/stuck/repair-scenario", "{\"scenario\":{\"hope\":{}}}", 400, "InvalidRequest", "" },
    };
    struct banked bank;
    char *before, *after;
    json_t *json;
    size_t i;

    banked_open(&bank, NULL);
    pay(&bank, "well", "no_preauth");
    until_status(&bank, "well", "captured");
    pay(&bank, "stuck", "unexpected_failure");
    until_machine(&bank, "stuck", "failed");
    before = daemon_fixture_digest(&bank.daemon);
    for (i = 0; i < SL_COUNT(rows); i++) {
        cr_assert_eq(banked_ask(&bank, "POST", rows[i].path, NULL, rows[i].body, &json), rows[i].status, "row %zu", i);
        cr_assert_str_eq(banked_text(json, "error"), rows[i].error, "row %zu", i);
        cr_assert_str_eq(banked_text(json, "reason"), rows[i].reason, "row %zu", i);
        json_decref(json);
    }
    after = daemon_fixture_digest(&bank.daemon);
    cr_assert_str_eq(before, after);
    free(before);
    free(after);
    banked_close(&bank);
}

/* If it fails, an operator does not see what the step would order next, or the step does not run again. */
Test(api_repair, the_step_that_failed_is_shown_and_runs_again, .timeout = 60)
{
    struct banked bank;
    json_t *json, *effect;

    banked_open(&bank, NULL);
    banked_fault(&bank, "{\"kind\":\"status_500\",\"target\":\"processed\"}");
    pay(&bank, "again", "no_preauth");
    until_machine(&bank, "again", "failed");
    cr_assert_eq(repair(&bank, "again", "?dry_run=true", NULL, &json), 200);
    effect = json_object_get(json, "effect");
    cr_assert_str_eq(banked_text(json, "outcome"), "effect");
    cr_assert_str_eq(banked_text(effect, "kind"), "process_payment");
    cr_assert(strncmp(banked_text(effect, "key"), "again@party-acme.1.processed.1.", 31) == 0, "%s", banked_text(effect, "key"));
    cr_assert(strstr(banked_text(effect, "url"), "127.0.0.1"));
    json_decref(json);
    cr_assert_eq(repair(&bank, "again", "", NULL, NULL), 200);
    until_status(&bank, "again", "captured");
    cr_assert_str_eq(banked_books(&bank), "");
    banked_close(&bank);
}

#define REMOVAL "{\"changes\":[],\"action\":{\"remove\":{}},\"params\":{\"move_balances\":true}}"
#define SUCCEEDED(target) "{\"changes\":[{\"invoice_payment_change\":{\"id\":\"1\",\"payload\":" \
    "{\"invoice_payment_session_change\":{\"target\":{\"" target "\":{}},\"payload\":{\"session_finished\":{\"result\":" \
    "{\"succeeded\":{}}}}}}}}]"

/* If it fails, an operator's own changes are not what is stored, or a removed invoice is still there. */
Test(api_repair, changes_by_hand_are_an_event_as_given, .timeout = 60)
{
    struct banked bank;
    json_t *json;

    banked_open(&bank, NULL);
    pay(&bank, "hand", "unexpected_failure");
    until_machine(&bank, "hand", "failed");
    cr_assert_eq(repair(&bank, "hand", "?dry_run=true", SUCCEEDED("processed") "}", &json), 200);
    cr_assert_eq(json_array_size(json_object_get(json, "changes")), 1);
    cr_assert_str_eq(banked_text(json, "activity"), "processing_accounter");
    json_decref(json);
    cr_assert_eq(repair(&bank, "hand", "", SUCCEEDED("processed") ",\"action\":{\"timer\":{\"set_timer\":{\"timer\":"
                                           "{\"timeout\":0}}}}}", NULL), 200);
    until_status(&bank, "hand", "captured");
    cr_assert_str_eq(banked_books(&bank), "");
    pay(&bank, "gone", "unexpected_failure");
    until_machine(&bank, "gone", "failed");
    /* What it holds goes back, which has to be said. */
    cr_assert_eq(repair(&bank, "gone", "?dry_run=true", "{\"changes\":[],\"action\":{\"remove\":{}}}", &json), 409);
    cr_expect_str_eq(banked_text(json, "reason"), "moves_balances");
    cr_expect(strstr(banked_text(json, "details"), ":max -"), "%s", banked_text(json, "details"));
    json_decref(json);
    cr_assert_eq(repair(&bank, "gone", "?dry_run=true", REMOVAL, &json), 200);
    cr_expect(json_array_size(json_object_get(json, "postings")) > 0);
    json_decref(json);
    cr_assert_eq(repair(&bank, "gone", "", REMOVAL, NULL), 200);
    cr_assert_str_eq(banked_books(&bank), "");
    cr_assert_eq(banked_ask(&bank, "GET", "/v1/invoices/gone", NULL, NULL, NULL), 404);
    cr_assert_eq(repair(&bank, "gone", "", NULL, NULL), 404);
    cr_assert_eq(banked_ask(&bank, "GET", "/v1/machines?status=failed", NULL, NULL, &json), 200);
    cr_assert_eq(json_array_size(json), 0);
    json_decref(json);
    banked_close(&bank);
}

/* ---- the command line ---- */

/* A pseudo-terminal, its other end's path in SLAVE; -1: the machine has none, as a bare chroot without /dev/pts. */
static int terminal_open(char *slave, size_t size)
{
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0 && ptsname_r(terminal, slave, size) == 0 &&
        access(slave, R_OK | W_OK) == 0)
        return terminal;
    if (terminal >= 0)
        close(terminal);
    return -1;
}

/* Runs `sluice repair` with WORDS (ended by NULL). INPUT: what is typed at its terminal; NULL: it has none. Its exit
 * code; *OUT (the caller's, free()) is what it said. */
static int sluice_repair(const struct banked *bank, const char *input, char **out, const char *const *words)
{
    const char *argv[16] = { "sluice", "repair" };
    struct buf said = BUF_EMPTY;
    char program[512], api[64], chunk[4096], slave[64] = "/dev/null";
    int terminal = -1, fds[2], status;
    size_t count = 2;
    ssize_t got;
    pid_t pid;

    snprintf(program, sizeof(program), "%s/sluice", getenv("SLUICE_BUILDDIR") ? getenv("SLUICE_BUILDDIR") : ".");
    snprintf(api, sizeof(api), "--api=http://127.0.0.1:%d", bank->daemon.port);
    argv[count++] = api;
    while (*words)
        argv[count++] = *words++;
    if (input) {
        terminal = terminal_open(slave, sizeof(slave));
        cr_assert(terminal >= 0);
    }
    cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
    pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(open(slave, O_RDWR | O_NOCTTY), STDIN_FILENO);
        dup2(fds[1], STDOUT_FILENO);
        dup2(fds[1], STDERR_FILENO);
        execv(program, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(fds[1]);
    if (input)
        cr_assert_eq(write(terminal, input, strlen(input)), (ssize_t)strlen(input));
    while ((got = read(fds[0], chunk, sizeof(chunk))) > 0)
        buf_add(&said, chunk, (size_t)got);
    close(fds[0]);
    if (input)
        close(terminal);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    *out = buf_take(&said);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void expect_said(const char *said, const char *const *pieces)
{
    for (; *pieces; pieces++)
        cr_assert(strstr(said, *pieces), "there is no \"%s\" in:\n%s", *pieces, said);
}

/* If it fails, an operator at a terminal repairs blindly, or something is done without their word. */
Test(api_repair, the_command_line_shows_asks_and_does, .timeout = 60)
{
    static const char *const shown[] = {
        "Invoice ask is parked.", "reason    provider: process_payment: HTTP 500", "in        processing_session",
        "since     20", "payment   1, pending, 42000 RUB, provider ", "transaction 1.", "Its last events:",
        "started(processed)", "1 again", "calls process_payment at http", "2 fail_session",
        "session_finished(processed, failed, authorization_failed:unknown),",
        "3 fulfill_session", "then processing_accounter", NULL,
    };
    struct banked bank;
    char *said, slave[64];
    int terminal = terminal_open(slave, sizeof(slave));

    if (terminal < 0)
        skip_test("this machine has no pseudo-terminals; is /dev/pts mounted?");
    close(terminal);
    banked_open(&bank, NULL);
    pay(&bank, "ask", "unexpected_failure");
    until_machine(&bank, "ask", "failed");
    cr_assert_eq(sluice_repair(&bank, "\n", &said, WORDS("ask")), 1, "%s", said);
    expect_said(said, WORDS("Which?", "Nothing was done."));
    free(said);
    cr_assert_eq(sluice_repair(&bank, "2\nauthorization_failed:insufficient_funds\n\nno\n", &said, WORDS("ask")), 1);
    expect_said(said, WORDS("Failure [", "Do it?", "Nothing was done."));
    free(said);
    until_machine(&bank, "ask", "failed");
    cr_assert_eq(sluice_repair(&bank, "3\n\nyes\n", &said, WORDS("ask")), 0, "%s", said);
    expect_said(said, shown);
    cr_assert(!strstr(said, "skip_inspector"), "it does not fit:\n%s", said);
    expect_said(said, WORDS("Do it?", "Invoice ask works again"));
    free(said);
    until_status(&bank, "ask", "captured");
    cr_assert_eq(sluice_repair(&bank, "1\nyes\n", &said, WORDS("ask")), 1);
    expect_said(said, WORDS("there is nothing to repair"));
    free(said);
    banked_close(&bank);
}

/* If it fails, a script hangs on a question, or does what nobody said. */
Test(api_repair, the_command_line_serves_scripts, .timeout = 60)
{
    struct banked bank;
    json_t *json;
    char *said;

    banked_open(&bank, NULL);
    pay(&bank, "script", "unexpected_failure_no_trx");
    until_machine(&bank, "script", "failed");
    cr_assert_eq(sluice_repair(&bank, NULL, &said, WORDS("script")), 2);
    free(said);
    cr_assert_eq(sluice_repair(&bank, NULL, &said, WORDS("script", "--scenario=fail_session")), 2);
    free(said);
    cr_assert_eq(sluice_repair(&bank, NULL, &said, WORDS("script", "--yes")), 2, "what is to be done was not said");
    free(said);
    cr_assert_eq(sluice_repair(&bank, NULL, &said, WORDS("script", "--scenario=magic", "--yes")), 2);
    expect_said(said, WORDS("there is no scenario \"magic\"", "fulfill_session"));
    free(said);
    cr_assert_eq(sluice_repair(&bank, NULL, &said, WORDS("script", "--scenario=skip_inspector", "--yes")), 1);
    expect_said(said, WORDS("RepairRefused (409)"));
    free(said);
    cr_assert_eq(sluice_repair(&bank, NULL, &said, WORDS("script", "--dry-run")), 0);
    expect_said(said, WORDS("What can be done:", "fail_session"));
    free(said);
    cr_assert_eq(sluice_repair(&bank, NULL, &said, WORDS("script", "--scenario=fulfill_session", "--dry-run")), 0);
    expect_said(said, WORDS("fulfill_session: session_finished(processed, succeeded)"));
    free(said);
    until_machine(&bank, "script", "failed");
    cr_assert_eq(sluice_repair(&bank, NULL, &said,
                               WORDS("script", "--scenario=fail_session", "--failure=a:b", "--trx=T9", "--yes")), 0);
    free(said);
    until_status(&bank, "script", "failed");
    json = banked_must(&bank, "GET", "/v1/invoices/script/payments/1", NULL, 200);
    cr_assert_str_eq(banked_text(json, "payment.status.failed.failure.failure.code"), "a");
    cr_assert_str_eq(banked_text(json, "payment.status.failed.failure.failure.sub.code"), "b");
    cr_assert_str_eq(banked_text(json, "last_transaction_info.id"), "T9");
    json_decref(json);
    banked_close(&bank);
}

/* If it fails, an operator is told that an invoice works again which has failed again by then. */
Test(api_repair, what_came_of_it_is_told, .timeout = 60)
{
    struct banked bank;
    json_t *json;
    char *said;

    banked_open(&bank, NULL);
    pay(&bank, "never", "forbidden");
    until_machine(&bank, "never", "failed");
    cr_assert_eq(repair(&bank, "never", "?wait=20", NULL, &json), 200);
    cr_expect_str_eq(banked_text(json, "machine.status"), "failed");
    cr_expect_str_eq(banked_text(json, "machine.cause"), "bad_answer");
    cr_expect(json_is_true(json_object_get(json, "settled")));
    json_decref(json);
    cr_expect_eq(sluice_repair(&bank, NULL, &said, WORDS("never", "--scenario=again", "--yes")), 6, "%s", said);
    expect_said(said, WORDS("Invoice never has failed again", "  machine   failed since ", "bad_answer: "));
    free(said);
    banked_fault(&bank, "{\"kind\":\"status_500\",\"target\":\"processed\"}");
    pay(&bank, "once", "no_preauth");
    until_machine(&bank, "once", "failed");
    cr_expect_eq(sluice_repair(&bank, NULL, &said, WORDS("once", "--scenario=again", "--yes")), 0, "%s", said);
    expect_said(said, WORDS("Invoice once works again", "  payment 1: captured\n"));
    free(said);
    banked_fault(&bank, "{\"kind\":\"status_500\",\"target\":\"processed\"}");
    pay(&bank, "down", "no_preauth");
    until_machine(&bank, "down", "failed");
    banked_fault(&bank, "{\"kind\":\"reset_before\",\"share\":1,\"target\":\"processed\"}");
    cr_expect_eq(sluice_repair(&bank, NULL, &said, WORDS("down", "--scenario=again", "--yes")), 5, "%s", said);
    expect_said(said, WORDS("  machine   retrying: attempt "));
    free(said);
    banked_close(&bank);
}

/* See commands.h. A new command is a row here and a function in the file of its noun. */
#include "cli/commands.h"

#include <string.h>

const char common_options[] = "api token party json help version";

const struct command commands[] = {
    { "init", NULL, "", 0, 0, cmd_init, "redis partitions", "make a Redis ready for Sluice, once" },
    { "accept-loss", NULL, "", 0, 0, cmd_accept_loss, "redis",
      "let daemons go on with a Redis that lacks what they had answered for" },
    { "check-store", NULL, "", 0, 0, cmd_check_store, "redis partition fix",
      "whether what Redis holds agrees with itself, while daemons work" },
    { "domain", "init", "", 0, 0, cmd_domain_init, "currency adapter", "print a small configuration document that works" },
    { "domain", "schema", "", 0, 0, cmd_domain_schema, "", "print the JSON Schema of configuration documents" },
    { "domain", "apply", "FILE", 1, 1, cmd_domain_apply, "force", "check a configuration document and commit it" },
    { "domain", "show", "[REVISION]", 0, 1, cmd_domain_show, "", "print the configuration in use, or a revision of it" },
    { "domain", "check", "FILE", 1, 1, cmd_domain_check, "strict",
      "find faults and oddities in a document, without a daemon" },
    { "invoice", "create", "FILE", 1, 1, cmd_invoice_create, "", "create an invoice from a JSON file (- is standard input)" },
    { "invoice", "show", "ID", 1, 1, cmd_invoice_show, "", "an invoice and what became of its payments" },
    { "invoice", "events", "ID", 1, 1, cmd_invoice_events, "wait", "its history, a change a line; with --wait, for the first event" },
    { "invoice", "rescind", "ID", 1, 1, cmd_invoice_rescind, "reason", "cancel an unpaid invoice" },
    { "invoice", "fulfill", "ID", 1, 1, cmd_invoice_fulfill, "reason", "mark a paid invoice as fulfilled" },
    { "payment", "start", "INVOICE FILE", 2, 2, cmd_payment_start, "wait",
      "start a payment; with --wait, until it is done, has failed, or waits for somebody" },
    { "payment", "register", "INVOICE FILE", 2, 2, cmd_payment_register, "wait",
      "add a payment that its provider has taken already" },
    { "payment", "capture", "INVOICE PAYMENT [AMOUNT]", 2, 3, cmd_payment_capture, "cart reason wait",
      "take what a payment holds, or AMOUNT minor units of it" },
    { "payment", "cancel", "INVOICE PAYMENT", 2, 2, cmd_payment_cancel, "reason wait", "give back what a payment holds" },
    { "payment", "show", "INVOICE PAYMENT", 2, 2, cmd_payment_show, "",
      "what became of a payment: failure, refunds, what it waits for" },
    { "route", "explain", "INVOICE PAYMENT", 2, 2, cmd_route_explain, "",
      "why a payment went over its route, and not over another" },
    { "route", "simulate", "[FILE]", 0, 1, cmd_route_simulate, "from-feed domain compare down failing draws seed",
      "where the payments of a JSON lines file, or of the feed, would go, touching nothing" },
    { "refund", "create", "INVOICE PAYMENT [AMOUNT]", 2, 3, cmd_refund_create, "cart reason wait",
      "give back what remains of a payment, or AMOUNT minor units" },
    { "refund", "book", "INVOICE PAYMENT [AMOUNT]", 2, 3, cmd_refund_book, "cart reason trx wait",
      "the same as a manual refund; with --trx it was made outside already" },
    { "refund", "show", "INVOICE PAYMENT ID", 3, 3, cmd_refund_show, "", "one refund" },
    { "template", "create", "FILE", 1, 1, cmd_template_create, "", "create an invoice template from a JSON file" },
    { "template", "show", "ID", 1, 1, cmd_template_show, "", "an invoice template" },
    { "template", "update", "ID FILE", 2, 2, cmd_template_update, "", "replace those of its fields that the file has" },
    { "template", "delete", "ID", 1, 1, cmd_template_delete, "", "remove a template; its invoices stay" },
    { "template", "terms", "ID", 1, 1, cmd_template_terms, "", "its shop's terms, as far as its price decides them" },
    { "template", "invoice", "ID FILE", 2, 2, cmd_template_invoice, "",
      "create an invoice from it: {\"id\": …, \"cost\"?: …}" },
    { "timers", NULL, "", 0, 0, cmd_timers, "limit", "the next timers" },
    { "machines", NULL, "", 0, 0, cmd_machines, "status limit", "invoices and templates whose machine has failed, or by --status" },
    { "stuck", NULL, "", 0, 0, cmd_stuck, "older limit",
      "machines that have failed, or are retrying or overdue for longer than --older, and why" },
    { "daemons", NULL, "", 0, 0, cmd_daemons, "", "which daemons are alive, and where they differ that must not" },
    { "partitions", NULL, "", 0, 0, cmd_partitions, "", "who prefers which partition, and how much waits there" },
    { "health", NULL, "", 0, 0, cmd_health, "", "failure rates of providers, as routing sees them" },
    { "account", NULL, "[ID]", 0, 1, cmd_account, "all", "balances of a ledger account" },
    { "repair", NULL, "INVOICE", 1, 1, cmd_repair, "scenario failure trx risk revision yes dry-run wait",
      "show an invoice whose machine has failed and what can be done, do it, and tell what came of it" },
    { "limit", "show", "COUNTER", 1, 1, cmd_limit_show, "", "what a turnover counter stands at" },
    { .group = NULL },
};

const struct cli_option cli_options[] = {
    { "api", "URL", 'a', "of a sluiced (default: $SLUICE_API, else http://127.0.0.1:8080)" },
    { "token", "TOKEN", 't', "bearer token (default: $SLUICE_TOKEN)" },
    { "party", "ID", 'Y', "whose invoice or template is meant; ID@PARTY says the same" },
    { "json", NULL, 'j', "print answers, errors and help as JSON on standard output, and nothing else" },
    { "help", NULL, 'h', "say what a command does (-h, sluice help COMMAND)" },
    { "version", NULL, 'v', "print the version" },
    { "redis", "URL", 'r', "of the Redis (default: $SLUICE_REDIS, else redis://127.0.0.1:6379)" },
    { "partitions", "N", 'p', "1..1024, fixed for good (default: 64)" },
    { "partition", "N", 'P', "this one alone (0..1023)" },
    { "fix", NULL, 'B', "put right what can be put right" },
    { "wait", "SECONDS", 'w', "wait so long for something to come of it (0..60)" },
    { "reason", "TEXT", 'R', "why; it is kept" },
    { "status", "STATUS", 's', "failed (default), retrying, waiting, stuck" },
    { "limit", "N", 'l', "at most so many (1..1000, default: 100)" },
    { "scenario", "NAME", 'S', "again, skip_inspector, fail_pre_processing, fail_session, fulfill_session, change_revision" },
    { "failure", "CODE[:SUB]...", 'F', "what the scenario fails with" },
    { "trx", "ID", 'T', "the provider's transaction" },
    { "risk", "SCORE", 'K', "trusted, low, high, fatal" },
    { "revision", "N", 'V', "go on under this revision of the configuration (scenario change_revision)" },
    { "yes", NULL, 'y', "without asking" },
    { "dry-run", NULL, 'n', "show what would be done, and do nothing" },
    { "cart", "FILE", 'c', "what is captured, or what remains after a refund, as JSON" },
    { "older", "SECONDS", 'o', "for longer than this (default: 60)" },
    { "strict", NULL, 'x', "warnings count as errors" },
    { "currency", "CODE", 'U', "of its shop and accounts (default: EUR)" },
    { "adapter", "URL", 'Q', "of its provider (default: http://127.0.0.1:8090/provider, the mock bank)" },
    { "force", NULL, 'X', "commit it in spite of the errors that the check finds" },
    { "domain", "FILE|REVISION", 'D', "of the configuration (default: the one in use)" },
    { "compare", "FILE|REVISION", 'C', "another configuration to hold against it" },
    { "from-feed", "N", 'f', "the last N payments that were started" },
    { "draws", "N", 'd', "draws of each payment (default: 100)" },
    { "seed", "N", 'e', "which draws (default: 1)" },
    { "down", "PROVIDER", 'O', "all calls of this provider fail" },
    { "failing", "PROVIDER=RATE", 'G', "so many of this provider's payments fail (0..1)" },
    { "all", NULL, 'A', "of all accounts that have moved" },
    { .name = NULL },
};

const char *const exit_helps[EXIT_CODES] = {
    [0] = "done; of a payment: it is captured (or cancelled, if that was asked for); of a refund: it succeeded",
    [EXIT_REFUSED] = "refused; nothing was done",
    [EXIT_USAGE] = "the command line is wrong; nothing was done",
    [EXIT_DOWN] = "not reached, or the outcome is not known: look before trying again",
    [EXIT_FAILED] = "the payment or the refund has failed, or the payment is cancelled",
    [EXIT_PENDING] = "the payment or the refund is not over: it goes on, or waits for its payer, for capture or cancel",
    [EXIT_BROKEN] = "the invoice's machine has failed: nothing goes on until it is repaired",
};

bool is_listed(const char *names, const char *name)
{
    size_t len = strlen(name), one;

    for (; *names; names += one + strspn(names + one, " ")) {
        one = strcspn(names, " ");
        if (one == len && strncmp(names, name, len) == 0)
            return true;
    }
    return false;
}

const struct command *command_find(int count, char *const *words, int *used)
{
    const struct command *command;

    for (command = commands; command->group; command++) {
        *used = command->name ? 2 : 1;
        if (count >= *used && strcmp(words[0], command->group) == 0 &&
            (!command->name || strcmp(words[1], command->name) == 0))
            return command;
    }
    return NULL;
}

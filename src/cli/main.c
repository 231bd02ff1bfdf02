/* sluice: the table of commands, their help, and the options that all of them share. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xmalloc.h"
#include "cli/cli.h"
#include "config.h"

static const struct command commands[] = {
    { "init", NULL, "", 0, 0, cmd_init, "make a Redis ready for Sluice, once (--redis, --partitions)" },
    { "domain", "apply", "FILE", 1, 1, cmd_domain_apply, "check a configuration document and commit it (--force: though it would stop payments)" },
    { "domain", "show", "[REVISION]", 0, 1, cmd_domain_show, "print the configuration in use, or a revision of it" },
    { "domain", "check", "FILE", 1, 1, cmd_domain_check, "find faults and oddities in a document, without a daemon (--strict)" },
    { "invoice", "create", "FILE", 1, 1, cmd_invoice_create, "create an invoice from a JSON file (- is standard input)" },
    { "invoice", "show", "ID", 1, 1, cmd_invoice_show, "an invoice and its payments" },
    { "invoice", "events", "ID", 1, 1, cmd_invoice_events, "its history (--wait: for the first event)" },
    { "invoice", "rescind", "ID", 1, 1, cmd_invoice_rescind, "cancel an unpaid invoice (--reason)" },
    { "invoice", "fulfill", "ID", 1, 1, cmd_invoice_fulfill, "mark a paid invoice as fulfilled (--reason)" },
    { "payment", "start", "INVOICE FILE", 2, 2, cmd_payment_start, "start a payment (--wait: until it comes to rest)" },
    { "payment", "register", "INVOICE FILE", 2, 2, cmd_payment_register, "add a payment that its provider has taken already" },
    { "payment", "capture", "INVOICE ID [AMOUNT]", 2, 3, cmd_payment_capture,
      "take what a payment holds, or AMOUNT minor units of it (--cart, --reason, --wait)" },
    { "payment", "cancel", "INVOICE ID", 2, 2, cmd_payment_cancel, "give back what a payment holds (--reason, --wait)" },
    { "payment", "show", "INVOICE ID", 2, 2, cmd_payment_show, "one payment" },
    { "route", "explain", "INVOICE ID", 2, 2, cmd_route_explain, "why a payment went over its route, and not over another" },
    { "route", "simulate", "[FILE]", 0, 1, cmd_route_simulate,
      "where the payments of a JSON lines file (or --from-feed=N) would go, touching nothing" },
    { "refund", "create", "INVOICE PAYMENT [AMOUNT]", 2, 3, cmd_refund_create,
      "give back what remains of a payment, or AMOUNT minor units (--cart, --reason, --wait)" },
    { "refund", "book", "INVOICE PAYMENT [AMOUNT]", 2, 3, cmd_refund_book,
      "the same as a manual refund; with --trx it was made outside already" },
    { "refund", "show", "INVOICE PAYMENT ID", 3, 3, cmd_refund_show, "one refund" },
    { "template", "create", "FILE", 1, 1, cmd_template_create, "create an invoice template from a JSON file" },
    { "template", "show", "ID", 1, 1, cmd_template_show, "an invoice template" },
    { "template", "update", "ID FILE", 2, 2, cmd_template_update, "replace those of its fields that the file has" },
    { "template", "delete", "ID", 1, 1, cmd_template_delete, "remove a template; its invoices stay" },
    { "template", "terms", "ID", 1, 1, cmd_template_terms, "its shop's terms, as far as its price decides them" },
    { "template", "invoice", "ID FILE", 2, 2, cmd_template_invoice, "create an invoice from it: {\"id\": …, \"cost\"?: …}" },
    { "timers", NULL, "", 0, 0, cmd_timers, "the next timers" },
    { "machines", NULL, "", 0, 0, cmd_machines, "invoices that are failed (--status failed) or wait (--status waiting)" },
    { "stuck", NULL, "", 0, 0, cmd_stuck,
      "invoices that are failed, or retrying or overdue for longer than --older seconds, and why" },
    { "partitions", NULL, "", 0, 0, cmd_partitions, "who prefers which partition, and how much waits there" },
    { "health", NULL, "", 0, 0, cmd_health, "failure rates of providers, as routing sees them" },
    { "account", NULL, "[ID]", 0, 1, cmd_account, "balances of a ledger account (--all: of all that have moved)" },
    { "repair", NULL, "INVOICE", 1, 1, cmd_repair,
      "show a parked invoice and what can be done, and do it (--scenario, --revision, --yes, --dry-run)" },
    { "limit", "show", "COUNTER", 1, 1, cmd_limit_show, "what a turnover counter stands at" },
};

static const struct option options[] = {
    { "api", required_argument, NULL, 'a' },    { "token", required_argument, NULL, 't' },
    { "redis", required_argument, NULL, 'r' },  { "partitions", required_argument, NULL, 'p' },
    { "json", no_argument, NULL, 'j' },         { "wait", required_argument, NULL, 'w' },
    { "reason", required_argument, NULL, 'R' }, { "status", required_argument, NULL, 's' },
    { "scenario", required_argument, NULL, 'S' }, { "failure", required_argument, NULL, 'F' },
    { "trx", required_argument, NULL, 'T' },    { "risk", required_argument, NULL, 'K' },
    { "yes", no_argument, NULL, 'y' },          { "dry-run", no_argument, NULL, 'n' },
    { "cart", required_argument, NULL, 'c' },   { "older", required_argument, NULL, 'o' },
    { "strict", no_argument, NULL, 'x' },     { "force", no_argument, NULL, 'X' },
    { "revision", required_argument, NULL, 'V' },
    { "domain", required_argument, NULL, 'D' }, { "compare", required_argument, NULL, 'C' },
    { "from-feed", required_argument, NULL, 'f' }, { "draws", required_argument, NULL, 'd' },
    { "seed", required_argument, NULL, 'e' },   { "down", required_argument, NULL, 'O' },
    { "failing", required_argument, NULL, 'G' },
    { "all", no_argument, NULL, 'A' },          { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, 'v' },      { NULL, 0, NULL, 0 },
};

static void print_help(FILE *out)
{
    size_t i;

    fputs("Usage: sluice COMMAND [ARGUMENT]... [OPTION]...\n\n", out);
    for (i = 0; i < SL_COUNT(commands); i++) {
        char words[64];

        snprintf(words, sizeof(words), "%s%s%s %s", commands[i].group, commands[i].name ? " " : "",
                 commands[i].name ? commands[i].name : "", commands[i].arguments);
        fprintf(out, "  %-38s %s\n", words, commands[i].help);
    }
    fputs("\n"
          "  --api=URL        of a sluiced (default: $SLUICE_API, else http://127.0.0.1:8080)\n"
          "  --token=TOKEN    bearer token (default: $SLUICE_TOKEN)\n"
          "  --redis=URL      init: of the Redis (default: $SLUICE_REDIS, else redis://127.0.0.1:6379)\n"
          "  --partitions=N   init: 1..1024, fixed for good (default: 64)\n"
          "  --json           print answers as they are\n"
          "  --wait=SECONDS   wait so long for something to happen (0..60)\n"
          "  --scenario=NAME  repair: again, skip_inspector, fail_pre_processing, fail_session, fulfill_session,\n"
          "                   change_revision\n"
          "  --failure=CODE[:SUB]..., --trx=ID, --risk=SCORE: what the scenario says\n"
          "  --revision=N     repair: go on under this revision of the configuration (scenario change_revision)\n"
          "  --yes, --dry-run repair: without asking; without doing anything\n"
          "  --cart=FILE      payment capture: what is captured; refund: what remains; as JSON\n"
          "  --strict         domain check: warnings count as errors\n"
          "  --force          domain apply: commit it in spite of the errors that the check finds\n"
          "  --domain=FILE|REVISION, --compare=FILE|REVISION: route simulate: of the configuration (default: the one\n"
          "                   in use), and of another one to hold against it\n"
          "  --from-feed=N    route simulate: the last N payments that were started\n"
          "  --down=PROVIDER, --failing=PROVIDER=RATE: route simulate: its calls fail; so many of its payments do (0..1)\n"
          "  --draws=N, --seed=N: route simulate: draws of each payment (default: 100), and which ones\n"
          "  --older=SECONDS  stuck: for longer than this (default: 60)\n"
          "  --reason=TEXT, --status=STATUS, --all, --help, --version\n"
          "\n"
          "Exit codes: 0 done; 1 refused; 2 wrong usage; 3 not reached, or the outcome is not known.\n", out);
}

static int number(const char *name, const char *text, long min, long max)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (!*text || *end || value < min || value > max) {
        fprintf(stderr, "sluice: --%s must be a whole number within %ld..%ld\n", name, min, max);
        exit(EXIT_USAGE);
    }
    return (int)value;
}

/* What goes into JSON; a reason must not get lost on the way. */
static const char *utf8(const char *name, const char *text)
{
    json_t *string = json_string(text);

    if (!string) {
        fprintf(stderr, "sluice: --%s is no UTF-8\n", name);
        exit(EXIT_USAGE);
    }
    json_decref(string);
    return text;
}

static void health_assume(struct cli *cli, const char *text, bool down)
{
    if (cli->health_count == CLI_HEALTH_MAX) {
        fprintf(stderr, "sluice: --down and --failing can be given %d times\n", CLI_HEALTH_MAX);
        exit(EXIT_USAGE);
    }
    cli->health[cli->health_count].text = text;
    cli->health[cli->health_count++].down = down;
}

static void options_read(int argc, char **argv, struct cli *cli)
{
    int option;

    cli->api = getenv("SLUICE_API") ? getenv("SLUICE_API") : "http://127.0.0.1:8080";
    cli->token = getenv("SLUICE_TOKEN");
    cli->redis = getenv("SLUICE_REDIS");
    cli->older_s = 60;
    cli->draws = 100;
    cli->seed = 1;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'a': cli->api = optarg; break;
        case 't': cli->token = optarg; break;
        case 'r': cli->redis = optarg; break;
        case 'p': cli->partitions = number("partitions", optarg, 1, 1024); break;
        case 'j': cli->json = true; break;
        case 'w': cli->wait_s = number("wait", optarg, 0, 60); break;
        case 'R': cli->reason = utf8("reason", optarg); break;
        case 's': cli->status = optarg; break;
        case 'c': cli->cart = optarg; break;
        case 'o': cli->older_s = number("older", optarg, 0, 31622400); break;
        case 'A': cli->all = true; break;
        case 'x': cli->strict = true; break;
        case 'X': cli->force = true; break;
        case 'V': cli->revision = number("revision", optarg, 1, 2147483647); break;
        case 'D': cli->domain = optarg; break;
        case 'C': cli->compare = optarg; break;
        case 'f': cli->from_feed = number("from-feed", optarg, 1, 1000000); break;
        case 'd': cli->draws = number("draws", optarg, 1, 1000000); break;
        case 'e': cli->seed = number("seed", optarg, 0, 2147483647); break;
        case 'O':
        case 'G': health_assume(cli, optarg, option == 'O'); break;
        case 'S': cli->scenario = optarg; break;
        case 'F': cli->failure = utf8("failure", optarg); break;
        case 'T': cli->trx = utf8("trx", optarg); break;
        case 'K': cli->risk = optarg; break;
        case 'y': cli->yes = true; break;
        case 'n': cli->dry_run = true; break;
        case 'h': print_help(stdout); exit(0);
        case 'v': puts("sluice " PACKAGE_VERSION); exit(0);
        default: fputs("Try sluice --help.\n", stderr); exit(EXIT_USAGE);
        }
    }
    cli->argc = argc - optind;
    cli->argv = argv + optind;
}

static const struct command *command_find(struct cli *cli)
{
    size_t i;

    for (i = 0; i < SL_COUNT(commands); i++) {
        int words = commands[i].name ? 2 : 1;

        if (cli->argc < words || strcmp(cli->argv[0], commands[i].group) != 0 ||
            (commands[i].name && strcmp(cli->argv[1], commands[i].name) != 0))
            continue;
        cli->argc -= words;
        cli->argv += words;
        return &commands[i];
    }
    return NULL;
}

int main(int argc, char **argv)
{
    struct cli cli = { 0 };
    const struct command *command;

    xmalloc_init();
    options_read(argc, argv, &cli);
    if (cli.argc == 0) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    command = command_find(&cli);
    if (!command || cli.argc < command->min || cli.argc > command->max) {
        if (command)
            fprintf(stderr, "sluice: usage: sluice %s%s%s %s\n", command->group, command->name ? " " : "",
                    command->name ? command->name : "", command->arguments);
        else
            fprintf(stderr, "sluice: there is no command \"%s\"; try sluice --help\n", cli.argv[0]);
        return EXIT_USAGE;
    }
    return command->run(&cli);
}

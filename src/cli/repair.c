/* sluice repair: shows an operator what a parked invoice is about and what could be done, and does it when told to.
 *
 *     look (machine, last events) --> rehearse every way --> choose --> rehearse again --> ask --> do
 *
 * With --scenario the choice is made; with --yes nobody is asked; with --dry-run nothing is done. Nobody can be
 * asked who is not at a terminal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/cli.h"

#define EVENTS_SHOWN 5
#define LINE_BYTES 512
#define WAIT_S 10 /* for what comes of a repair */
#define WAY_INDENT "                         " /* below a way's help */

/* A way to repair. MAKE answers its scenario's parameters, owned; NULL: there is no scenario, the step is run again. */
struct way {
    const char *name, *help;
    json_t *(*make)(const struct cli *cli);
};

static json_t *make_again(const struct cli *cli);
static json_t *make_skip(const struct cli *cli);
static json_t *make_fail_pre(const struct cli *cli);
static json_t *make_fail_session(const struct cli *cli);
static json_t *make_fulfill(const struct cli *cli);
static json_t *make_revision(const struct cli *cli);

static const struct way ways[] = {
    { "again", "run the step that failed once more", make_again },
    { "skip_inspector", "score the payment yourself (--risk)", make_skip },
    { "fail_pre_processing", "give the payment up before any provider is asked (--failure)", make_fail_pre },
    { "fail_session", "the provider says that it failed (--failure, --trx)", make_fail_session },
    { "fulfill_session", "the provider says that it succeeded (--trx)", make_fulfill },
    { "change_revision", "go on under another configuration revision (--revision; else the newest)", make_revision },
};

/* ---- scenarios as JSON ---- */

/* "code:sub:sub" */
static json_t *failure_json(const char *notation)
{
    const char *colon = strchr(notation, ':');
    json_t *failure = json_object();

    json_object_set_new(failure, "code", json_stringn(notation, colon ? (size_t)(colon - notation) : strlen(notation)));
    if (colon)
        json_object_set_new(failure, "sub", failure_json(colon + 1));
    return failure;
}

static void trx_set(const struct cli *cli, json_t *parameters)
{
    if (cli->trx)
        json_object_set_new(parameters, "trx", json_pack("{s:s,s:{}}", "id", cli->trx, "extra"));
}

static json_t *make_again(const struct cli *cli)
{
    (void)cli;
    return NULL;
}

static json_t *make_skip(const struct cli *cli)
{
    return json_pack("{s:s}", "risk_score", cli->risk ? cli->risk : "low");
}

static json_t *make_fail_pre(const struct cli *cli)
{
    return json_pack("{s:o}", "failure", failure_json(cli->failure ? cli->failure : "no_route_found:unknown"));
}

static json_t *make_fail_session(const struct cli *cli)
{
    json_t *parameters = json_pack("{s:o}", "failure", failure_json(cli->failure ? cli->failure
                                                                                 : "authorization_failed:unknown"));

    trx_set(cli, parameters);
    return parameters;
}

static json_t *make_fulfill(const struct cli *cli)
{
    json_t *parameters = json_object();

    trx_set(cli, parameters);
    return parameters;
}

/* The newest, unless it is said: that is what a corrected one would be. */
static json_t *make_revision(const struct cli *cli)
{
    json_int_t revision = cli->revision;
    json_t *answer = NULL;

    if (!revision && api_get(cli, "/v1/domain", &answer) == 0)
        revision = json_integer_value(json_object_get(answer, "revision"));
    json_decref(answer);
    return json_pack("{s:I}", "domain_revision", revision);
}

/* ---- requests ---- */

static char *repair_path(const struct cli *cli, const char *tail, const char *query)
{
    struct buf path = BUF_EMPTY;
    char *part = path_part(cli->argv[0]);

    buf_printf(&path, "/v1/invoices/%s/%s%s", part, tail, query);
    free(part);
    return buf_take(&path);
}

/* Sends WAY, or its rehearsal. */
static int send_way(const struct cli *cli, const struct way *way, bool dry_run, json_t **answer)
{
    json_t *parameters = way->make(cli);
    char query[32], *path, *body = NULL;
    json_t *json;
    int code;

    if (dry_run)
        snprintf(query, sizeof(query), "?dry_run=true");
    else
        snprintf(query, sizeof(query), "?wait=%d", cli->wait_given ? cli->wait_s : WAIT_S);
    path = repair_path(cli, parameters ? "repair-scenario" : "repair", query);

    if (parameters) {
        json = json_pack("{s:{s:o}}", "scenario", way->name, parameters);
        body = json_dumps(json, JSON_COMPACT);
        json_decref(json);
    }
    code = api_request(cli, "POST", path, body, NULL, answer);
    free(path);
    free(body);
    return code;
}

/* ---- what is shown ---- */

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "?";
}

/* The payment that the machine is busy with: the one that is not idle. NULL: none. */
static const json_t *busy_payment(const json_t *invoice)
{
    const json_t *payments = json_object_get(invoice, "payments"), *payment;
    size_t i;

    json_array_foreach(payments, i, payment) {
        if (strcmp(text_of(payment, "activity"), "idle") != 0)
            return payment;
    }
    return NULL;
}

static void show_payment(const json_t *payment)
{
    const json_t *route = json_object_get(payment, "route"), *trx = json_object_get(payment, "last_transaction_info");

    printf("  payment   %s, %s, ", text_of(json_object_get(payment, "payment"), "id"),
           variant(json_object_get(json_object_get(payment, "payment"), "status")));
    print_cash(json_object_get(json_object_get(payment, "payment"), "cost"));
    if (route)
        printf(", provider %lld, terminal %lld",
               (long long)json_integer_value(json_object_get(json_object_get(route, "provider"), "id")),
               (long long)json_integer_value(json_object_get(json_object_get(route, "terminal"), "id")));
    if (trx)
        printf(", transaction %s", text_of(trx, "id"));
    putchar('\n');
}

static void show_machine(const struct cli *cli, const json_t *invoice)
{
    const json_t *machine = json_object_get(invoice, "machine"), *payment = busy_payment(invoice);

    printf("Invoice %s is parked.\n", cli->argv[0]);
    printf("  reason    %s\n", text_of(machine, "reason"));
    printf("  in        %s\n", text_of(machine, "activity"));
    printf("  since     %s\n", text_of(machine, "since"));
    if (payment)
        show_payment(payment);
}

static void show_events(const struct cli *cli, const json_t *invoice)
{
    json_int_t version = json_integer_value(json_object_get(invoice, "latest_event_id"));
    char tail[96], *path;
    json_t *answer;

    snprintf(tail, sizeof(tail), "events?after=%lld&limit=%d", version > EVENTS_SHOWN ? (long long)(version - EVENTS_SHOWN) : 0LL,
             EVENTS_SHOWN);
    path = repair_path(cli, tail, "");
    if (api_get(cli, path, &answer) == 0) {
        puts("Its last events:");
        print_events(answer);
    }
    json_decref(answer);
    free(path);
}

/* A dry run in a few words behind LEAD. */
static void show_plan(const char *lead, const json_t *plan)
{
    const json_t *effect = json_object_get(plan, "effect"), *changes = json_object_get(plan, "changes"), *change;
    const char *outcome = text_of(plan, "outcome");
    bool is_commit = strcmp(outcome, "commit") == 0;
    struct buf text = BUF_EMPTY;
    size_t i;

    json_array_foreach(changes, i, change) {
        buf_str(&text, i ? ", " : "");
        add_change(change, &text);
    }
    buf_str(&text, json_array_size(changes) ? "; " : "");
    if (effect && is_commit)
        buf_printf(&text, "%s first; ", text_of(effect, "kind"));
    if (effect && !is_commit)
        buf_printf(&text, "calls %s%s%s", text_of(effect, "kind"), json_object_get(effect, "url") ? " at " : "",
                   json_object_get(effect, "url") ? text_of(effect, "url") : "");
    else if (is_commit)
        buf_printf(&text, "then %s", text_of(plan, "activity"));
    else
        buf_printf(&text, "it would %s: %s", strcmp(outcome, "retry") == 0 ? "have to wait" : "fail again",
                   text_of(plan, "reason"));
    say_wrapped(lead, buf_text(&text));
    buf_clear(&text);
}

static void show_postings(const json_t *plan)
{
    const json_t *postings = json_object_get(plan, "postings"), *posting;
    size_t i;

    json_array_foreach(postings, i, posting)
        printf("    account %s %+lld\n", text_of(posting, "balance"),
               (long long)json_integer_value(json_object_get(posting, "delta")));
    if (json_object_get(plan, "effect") && json_object_get(json_object_get(plan, "effect"), "key"))
        printf("    under the idempotency key %s\n", text_of(json_object_get(plan, "effect"), "key"));
}

/* What only the bank knows, and what becomes of it: a repair that changes nothing has the bank asked again. */
static void show_asked(const json_t *plan)
{
    if (json_object_get(plan, "asked_and_not_answered"))
        printf(WAY_INDENT "A callback was handed to the provider, who has not answered; %s.\n",
               json_array_size(json_object_get(plan, "changes")) ? "this would leave it at that" : "it would be handed over again");
}

/* Rehearses all ways and lists those that fit, numbered. The count; CHOICES gets them. */
static size_t show_ways(const struct cli *cli, const struct way **choices)
{
    struct cli quiet = *cli;
    size_t i, count = 0;
    json_t *plan;

    quiet.quiet = true; /* a way that does not fit is no news */
    puts("What can be done:");
    for (i = 0; i < SL_COUNT(ways); i++) {
        if (send_way(&quiet, &ways[i], true, &plan) == 0) {
            choices[count++] = &ways[i];
            printf("  %zu %-20s %s\n", count, ways[i].name, ways[i].help);
            show_plan(WAY_INDENT, plan);
            show_asked(plan);
        }
        json_decref(plan);
    }
    return count;
}

/* ---- questions ---- */

/* A line from the terminal into LINE, without its end. False: none came. */
static bool asked(const char *question, char line[LINE_BYTES])
{
    fputs(question, stdout);
    fflush(stdout);
    line[0] = '\0';
    if (!fgets(line, LINE_BYTES, stdin)) {
        putchar('\n');
        return false;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return true;
}

/* Asks for a parameter that is not given yet; an empty answer leaves it at its default. */
static void ask_parameter(const char **parameter, const char *question, char line[LINE_BYTES])
{
    if (!*parameter && asked(question, line) && *line)
        *parameter = line;
}

/* What is answered stays in LINES. */
static void ask_parameters(struct cli *cli, const struct way *way, char lines[2][LINE_BYTES])
{
    if (way->make == make_skip)
        ask_parameter(&cli->risk, "Risk score (trusted, low, high, fatal) [low]: ", lines[0]);
    if (way->make == make_fail_pre)
        ask_parameter(&cli->failure, "Failure [no_route_found:unknown]: ", lines[0]);
    if (way->make == make_fail_session)
        ask_parameter(&cli->failure, "Failure [authorization_failed:unknown]: ", lines[0]);
    if (way->make == make_fail_session || way->make == make_fulfill)
        ask_parameter(&cli->trx, "The provider's transaction, if it is not known yet [none]: ", lines[1]);
}

static const struct way *ask_way(const struct cli *cli)
{
    const struct way *choices[SL_COUNT(ways)];
    size_t count = show_ways(cli, choices), chosen = 0;
    char line[LINE_BYTES];

    if (count && asked("Which? (number; nothing: leave it) ", line))
        chosen = (size_t)strtoul(line, NULL, 10);
    return chosen >= 1 && chosen <= count ? choices[chosen - 1] : NULL;
}

static bool is_yes(const struct cli *cli)
{
    char line[LINE_BYTES];

    return cli->yes || (asked("Do it? (yes/no) ", line) && (strcmp(line, "yes") == 0 || strcmp(line, "y") == 0));
}

/* ---- the command ---- */

static const struct way *way_named(const char *name)
{
    struct buf names = BUF_EMPTY;
    size_t i;

    for (i = 0; i < SL_COUNT(ways); i++) {
        if (strcmp(ways[i].name, name) == 0)
            return &ways[i];
    }
    for (i = 0; i < SL_COUNT(ways); i++)
        buf_printf(&names, "%s %s", i ? "," : "", ways[i].name);
    complain(EXIT_USAGE, "there is no scenario \"%s\"; there are%s", name, buf_text(&names));
    buf_clear(&names);
    return NULL;
}

/* What came of a repair: the exit code. */
static int show_result(const struct cli *cli, const json_t *answer)
{
    const char *status = text_of(json_object_get(answer, "machine"), "status");
    bool is_broken = strcmp(status, "failed") == 0;
    struct buf path = BUF_EMPTY;
    json_t *invoice;
    char *part;
    int code;

    if (cli->json) {
        print_json(answer);
    } else {
        printf(is_broken ? "Invoice %s has failed again, after event %lld.\n"
                         : "Invoice %s works again, from event %lld on.\n",
               cli->argv[0], (long long)json_integer_value(json_object_get(answer, "version")));
        part = path_part(cli->argv[0]);
        buf_printf(&path, "/v1/invoices/%s", part);
        if (json_object_get(answer, "machine")) {
            code = api_get(cli, buf_text(&path), &invoice);
            show_invoice(cli, code, invoice);
        }
        buf_clear(&path);
        free(part);
    }
    if (is_broken)
        return EXIT_BROKEN;
    return strcmp(status, "retrying") == 0 || json_is_false(json_object_get(answer, "settled")) ? EXIT_PENDING : 0;
}

/* Rehearses WAY, asks, does it. */
static int do_way(const struct cli *cli, const struct way *way)
{
    char lead[64];
    json_t *answer;
    int code;

    if (!cli->yes || cli->dry_run) {
        code = send_way(cli, way, true, &answer);
        if (!code && cli->json) {
            print_json(answer);
        } else if (!code) {
            snprintf(lead, sizeof(lead), "%s: ", way->name);
            show_plan(lead, answer);
            show_postings(answer);
        }
        json_decref(answer);
        if (code || cli->dry_run)
            return code;
        if (!is_yes(cli)) {
            puts("Nothing was done.");
            return EXIT_REFUSED;
        }
    }
    code = send_way(cli, way, false, &answer);
    if (!code)
        code = show_result(cli, answer);
    json_decref(answer);
    return code;
}

/* The invoice; an exit code if it cannot be shown or needs no repair. */
static int invoice_get(const struct cli *cli, json_t **invoice)
{
    struct buf path = BUF_EMPTY;
    char *part = path_part(cli->argv[0]);
    int code;

    buf_printf(&path, "/v1/invoices/%s", part);
    code = api_get(cli, buf_text(&path), invoice);
    buf_clear(&path);
    free(part);
    if (code || strcmp(text_of(json_object_get(*invoice, "machine"), "status"), "failed") == 0)
        return code;
    return complain(EXIT_REFUSED, "invoice %s works: there is nothing to repair", cli->argv[0]);
}

int cmd_repair(struct cli *cli)
{
    const char *name = cli->scenario ? cli->scenario : cli->revision ? "change_revision" : NULL;
    const struct way *way = name ? way_named(name) : NULL;
    const struct way *fitting[SL_COUNT(ways)];
    char lines[2][LINE_BYTES];
    json_t *invoice = NULL;
    int code;

    if (name && !way)
        return EXIT_USAGE;
    if (!cli->dry_run && (cli->yes ? !way : !isatty(STDIN_FILENO)))
        return complain(EXIT_USAGE,
                        "nobody can be asked: name a --scenario and say --yes (or --dry-run, to see what there is)");
    if (way && way->make == make_revision && cli->yes && !cli->revision)
        return complain(EXIT_USAGE, "say which --revision: nobody is asked");
    if (way && (cli->yes || cli->dry_run))
        return do_way(cli, way);
    code = invoice_get(cli, &invoice);
    if (!code) {
        show_machine(cli, invoice);
        show_events(cli, invoice);
    }
    json_decref(invoice);
    if (code)
        return code;
    if (cli->dry_run) {
        show_ways(cli, fitting);
        return 0;
    }
    if (!way)
        way = ask_way(cli);
    if (!way) {
        puts("Nothing was done.");
        return EXIT_REFUSED;
    }
    ask_parameters(cli, way, lines);
    return do_way(cli, way);
}

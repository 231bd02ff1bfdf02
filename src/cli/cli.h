/* sluice: the command line. Commands are rows of the table in main.c; each group has a file.
 * Exit codes: 0 done; 1 refused or failed, with a sentence; 2 the command line is off; 3 not reached. */
#ifndef SLUICE_CLI_CLI_H
#define SLUICE_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_DOWN = 3 };

#define CLI_HEALTH_MAX 64

struct cli {
    const char *api;   /* http://127.0.0.1:8080 */
    const char *token; /* NULL: none */
    const char *redis; /* init */
    bool json;         /* print answers as they are */
    bool quiet;        /* say nothing of what is refused */
    int wait_s;        /* payment start, invoice events */
    int partitions;    /* init */
    bool all;          /* account */
    bool strict;       /* domain check */
    bool force;        /* domain apply */
    int revision;      /* repair: --revision; 0: not given */
    const char *domain, *compare; /* route simulate: a file or a revision; NULL: not given */
    int from_feed, draws, seed;
    struct {
        const char *text;
        bool down; /* else failing */
    } health[CLI_HEALTH_MAX];
    int health_count;
    const char *reason;
    const char *scenario, *failure, *trx, *risk; /* repair; TRX refund book, too; NULL: not given */
    bool yes, dry_run; /* repair */
    const char *status;
    const char *cart;  /* payment capture, refund: a file */
    int older_s;       /* stuck */
    int argc;          /* words behind the command */
    char **argv;
};

struct command {
    const char *group, *name; /* name NULL: the group is the command */
    const char *arguments;    /* for --help: "FILE" */
    int min, max;             /* words that it takes */
    int (*run)(struct cli *cli);
    const char *help;
};

/* One request to the API, waiting for its answer. BODY NULL: none. *OUT (owned) is the answer's JSON, of a problem
 * too. The exit code; what went wrong is said on stderr. */
int api_request(const struct cli *cli, const char *method, const char *path, const char *body, const char *if_match,
                json_t **out);
int api_get(const struct cli *cli, const char *path, json_t **out);
/* The same with the contents of FILE ("-": standard input) as the body. */
int api_send_file(const struct cli *cli, const char *method, const char *path, const char *file, json_t **out);

/* A file's text; NULL after a complaint. The caller frees it. */
char *read_file(const char *path);
/* PART as a part of a path; the caller frees it. */
char *path_part(const char *part);
void print_json(const json_t *json);
/* An event in a line; a change in a few words: "status_changed(captured)". */
void print_event(const json_t *event);
void print_change(const json_t *change);
/* The only key of a union; "?" if it is none. */
const char *variant(const json_t *json);
/* "420.00 RUB" would need the currency's exponent: amounts are printed as minor units, "42000 RUB". */
void print_cash(const json_t *cash);

/* AMOUNT minor units, of the currency of the payment that the first two words name, into BODY as its cash; the cart in
 * FILE. The exit code (payment.c). */
int body_add_cash(struct cli *cli, const char *amount, json_t *body);
int body_add_cart(const char *file, json_t *body);
/* Prints an invoice that was answered with CODE (0: there is one), drops it, and gives CODE back. */
int show_invoice(const struct cli *cli, int code, json_t *answer);

int cmd_init(struct cli *cli);
int cmd_domain_apply(struct cli *cli);
int cmd_domain_show(struct cli *cli);
int cmd_domain_check(struct cli *cli);
/* What a check found, a line each. */
void print_findings(const json_t *list);
int cmd_invoice_create(struct cli *cli);
int cmd_invoice_show(struct cli *cli);
int cmd_invoice_events(struct cli *cli);
int cmd_invoice_rescind(struct cli *cli);
int cmd_invoice_fulfill(struct cli *cli);
int cmd_payment_start(struct cli *cli);
int cmd_payment_register(struct cli *cli);
int cmd_payment_show(struct cli *cli);
int cmd_payment_capture(struct cli *cli);
int cmd_payment_cancel(struct cli *cli);
int cmd_route_explain(struct cli *cli);
int cmd_route_simulate(struct cli *cli);
int cmd_refund_create(struct cli *cli);
int cmd_refund_book(struct cli *cli);
int cmd_refund_show(struct cli *cli);
int cmd_template_create(struct cli *cli);
int cmd_template_show(struct cli *cli);
int cmd_template_update(struct cli *cli);
int cmd_template_delete(struct cli *cli);
int cmd_template_terms(struct cli *cli);
int cmd_template_invoice(struct cli *cli);
int cmd_timers(struct cli *cli);
int cmd_machines(struct cli *cli);
int cmd_stuck(struct cli *cli);
int cmd_partitions(struct cli *cli);
int cmd_health(struct cli *cli);
int cmd_account(struct cli *cli);
int cmd_limit_show(struct cli *cli);
int cmd_repair(struct cli *cli);

#endif

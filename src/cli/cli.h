/* sluice: the command line. Commands are rows of the table in main.c; each group has a file.
 * Exit codes: doc/operations.md, The command line; commands.c says them to users. */
#ifndef SLUICE_CLI_CLI_H
#define SLUICE_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/say.h"

enum {
    EXIT_REFUSED = 1,
    EXIT_USAGE = 2,
    EXIT_DOWN = 3,    /* not reached, or the outcome is not known */
    EXIT_FAILED = 4,  /* a payment or a refund */
    EXIT_PENDING = 5, /* the same: it is not over */
    EXIT_BROKEN = 6,  /* the machine has failed, and waits for a repair */
};
#define EXIT_CODES 7

#define CLI_HEALTH_MAX 64

struct cli {
    const char *api;   /* http://127.0.0.1:8080 */
    const char *token; /* NULL: none */
    const char *party; /* whose invoices and templates are meant; NULL: the ids say it, or the API finds it */
    const char *redis; /* init */
    bool json;         /* print answers as they are */
    bool quiet;        /* say nothing of what is refused */
    int wait_s;        /* payments, refunds, invoice events, repair; 0: not at all */
    bool wait_given;   /* it was said */
    int partitions;    /* init */
    int partition;     /* check-store; -1: all */
    bool fix;          /* check-store */
    bool all;          /* account */
    bool strict;       /* domain check */
    bool force;        /* domain apply */
    const char *currency, *adapter; /* domain init; NULL: not given */
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
    int limit;         /* lists: so many at most */
    bool help;         /* say what the command does */
    int argc;          /* words behind the command */
    char **argv;
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
/* A list of events, a change a line; a change in a few words: "status_changed(captured)" (events.c). */
void print_events(const json_t *events);
void add_change(const json_t *change, struct buf *out);
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
int cmd_check_store(struct cli *cli);
int cmd_domain_init(struct cli *cli);
int cmd_domain_schema(struct cli *cli);
int cmd_accept_loss(struct cli *cli);
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
int cmd_daemons(struct cli *cli);
int cmd_health(struct cli *cli);
int cmd_account(struct cli *cli);
int cmd_limit_show(struct cli *cli);
int cmd_repair(struct cli *cli);

#endif

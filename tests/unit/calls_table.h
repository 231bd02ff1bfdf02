/* What each call answers at each stage of an invoice (support/invoice_stages.h), as a table. */
#ifndef SLUICE_TESTS_CALLS_TABLE_H
#define SLUICE_TESTS_CALLS_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "support/payment_world.h"

#define CELLS_MAX 24

/* Answers are a refusal with its members (`OperationNotPermitted`, `InvoicePaymentPending "id":"1"`), or the changes
 * that are committed, or without any "nothing", "removed", "timer +77". In them $I and $P stand for the status of the
 * invoice and of the payment, and $A for the activity, all of the stage. */
struct call_row {
    const char *name;
    enum step_end (*make)(struct payment_world *world, const char *body);
    const char *body;      /* what is asked, as JSON; NULL: MAKE knows */
    bool repair;           /* of a machine that failed, too: the answer is the same there */
    const char *otherwise; /* the answer where no cell says another */
    const char *idle;      /* the same where no payment is active; NULL: as otherwise */
    struct {
        const char *stage, *answer;
    } cells[CELLS_MAX];
};

extern const struct call_row call_rows[];
extern const size_t call_row_count;

#endif

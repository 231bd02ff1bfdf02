/* What became of a payment or a refund, for people (lines) and for scripts (exit codes). */
#ifndef SLUICE_CLI_OUTCOME_H
#define SLUICE_CLI_OUTCOME_H

#include <jansson.h>
#include <stdbool.h>

/* The exit code of a PaymentState, or of a RefundState. IS_CANCELLING: what was asked for is that it be cancelled. */
int payment_code(const json_t *payment, bool is_cancelling);
int refund_code(const json_t *refund);

/* The lines below a payment's first one: failure, refunds, payer, machine. */
void print_payment_outcome(const json_t *payment);
/* In a few words behind "payment 1: " in an invoice. */
void print_payment_brief(const json_t *payment);
/* ", CODE: reason" of a flat failure; nothing if it is NULL. */
void print_failure(const json_t *failure);
/* What a payment or a refund waits for; INVOICE_ID is for what can be done. */
void print_pending(const json_t *object, const char *invoice_id);
/* How the machine is, unless it simply works. */
void print_machine(const json_t *machine, const char *invoice_id);

#endif

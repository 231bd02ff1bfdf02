/* What the checks share: check.c (machines, ledger, the bank's book, the feed), check_limits.c (turnover counters) and
 * check_told.c (what callers were told). Everybody else includes sim.h alone.                                 */
#ifndef SLUICE_TESTS_SIM_CHECK_H
#define SLUICE_TESTS_SIM_CHECK_H

#include "sim/sim.h"

struct expected; /* balances that the histories imply (check.c) */
struct given_token; /* check_cards.c */
struct turnover; /* and turnovers (check_limits.c) */

struct checking {
    struct sim *sim;
    struct expected *expected;
    struct turnover *turnovers;
    struct given_token *tokens;
};

/* Notes what a payment that is over implies, then compares with all that was counted. */
void check_limits_payment(struct checking *checking, const char *invoice, const struct cash *invoice_cost,
                          const struct payment_state *state);
void check_limits(struct checking *checking);
/* The same for what is left in the card store. */
void check_cards_payment(struct checking *checking, const char *invoice, const struct payment_state *state);
/* An invoice that was made from a template (check_templates.c). */
void check_template_invoice(struct checking *checking, const struct invoice *invoice);
void check_cards(struct checking *checking);
void check_told(struct checking *checking);

#endif

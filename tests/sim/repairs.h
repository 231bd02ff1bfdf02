/* What an operator's repair consists of: which scenario or which changes fit a parked invoice, and what the bank says of
 * its session. */
#ifndef SLUICE_TESTS_SIM_REPAIRS_H
#define SLUICE_TESTS_SIM_REPAIRS_H

#include "payment/repair.h"
#include "sim/traffic.h"

struct repair_plan {
    struct shopper *shopper;
    const struct invoice_state *state; /* as it was read; borrowed */
    enum deed deed;
    const struct payment_state *payment;
    struct bank_word word; /* for what is about a session */
    bool by_hand;
    int scenario;          /* DEED_REPAIR_MISFIT: one that does not fit */
};

/* Decides on PLAN->deed. False: nothing fits but to run the step again. */
bool repair_plan(struct repair_plan *plan);
/* The same for a repair that must be refused. */
bool repair_misfit(struct repair_plan *plan);
/* Puts what PLAN has decided on into WANT, whose marker goes into every reason. */
void repair_fill(const struct repair_plan *plan, struct want *want);
/* A payment failed before its provider was asked. */
void repair_fill_early(const struct repair_plan *plan, struct want *want);

#endif

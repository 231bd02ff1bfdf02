/* The balances that a history implies: what its payments and refunds hold or have moved, told from the state alone, apart
 * from the steps that posted it. Ref: doc/spec/accounting.md 5; src/payment/plan.h. */
#ifndef SLUICE_CHECK_IMPLIED_H
#define SLUICE_CHECK_IMPLIED_H

#include <uthash.h>

#include "money/ledger.h"
#include "payment/state.h"

struct implied_account {
    UT_hash_handle hh;
    int64_t account_id;
    struct balance balance;
};

/* Adds what STATE implies to *ACCOUNTS (a table, NULL at first). NULL, or in ARENA why that cannot be told. */
const char *implied_add(struct implied_account **accounts, const struct invoice_state *state, struct arena *arena);
void implied_clear(struct implied_account **accounts);

#endif

/* Amount randomisation. Ref: doc/spec/invoice.md 8. */
#ifndef SLUICE_PAYMENT_MUTATION_H
#define SLUICE_PAYMENT_MUTATION_H

#include "payment/calls.h"

/* Whether MUTATIONS (list of struct mutation_params) can be applied to DETAILS: with a cart, it must have
 * exactly one line of quantity 1. */
bool mutations_fit(const struct type_list *mutations, const struct invoice_details *details);

/* Applies those whose conditions hold to INVOICE: cost, list of mutations, and the price of a cart of one
 * line. RANDOM: 64 uniform bits. The amount may come out as 0 or less: the caller checks. */
void mutations_apply(struct invoice *invoice, const struct type_list *mutations, uint64_t random, struct arena *arena);

/* Whether MUTATIONS may have made APPLIED (list of struct invoice_mutation) of an invoice over ORIGINAL. */
bool mutations_explain(const struct type_list *mutations, const struct type_list *applied, int64_t original);

#endif

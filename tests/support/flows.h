/* The cash flows of the specification's worked examples, and a short way to write flows down. */
#ifndef SLUICE_TESTS_FLOWS_H
#define SLUICE_TESTS_FLOWS_H

#include "money/cashflow.h"

/* Accounts of the fixture: merchant, guarantee, system, subagent, provider, income, outcome. */
enum { ACC_M = 1, ACC_G, ACC_S, ACC_A, ACC_P, ACC_I, ACC_O };
extern const struct account_map flow_accounts;

/* Templates. FLOW_FEES: merchant to system 45/1000. FLOW_PROVIDER: provider to merchant 1/1, system to provider
 * 16/1000, system to outcome 20 "Kek". */
extern const char flow_fees[], flow_provider[];

/* Appends TEMPLATE finalised for AMOUNT roubles to *FLOW. Must succeed. */
void must_finalise(const char *template, int64_t amount, struct arena *arena, struct type_list *flow);

/* "m>s 1890, p>m 42000 Kek": letters of roles, amounts, details; in ARENA. */
const char *flow_text(const struct type_list *flow, struct arena *arena);

/* The flow written as above, over flow_accounts. */
struct type_list must_flow(const char *text, struct arena *arena);

#endif

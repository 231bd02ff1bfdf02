/* Invoices as a kind of machine: the table that the engine runs. */
#ifndef SLUICE_PAYMENT_KIND_H
#define SLUICE_PAYMENT_KIND_H

#include "engine/machine.h"

/* States are struct invoice_state; changes struct invoice_change; args of IN_INIT struct invoice_params, of
 * IN_CALL and IN_REPAIR struct invoice_call; refusals struct call_error; configurations struct domain. */
extern const struct machine_kind invoice_kind;

#endif

/* The inputs of an invoice that are not a payment's: birth, expiry, Rescind, Fulfill.
 * Ref: doc/spec/invoice.md 4, 6, 7, 8. */
#ifndef SLUICE_PAYMENT_INVOICE_H
#define SLUICE_PAYMENT_INVOICE_H

#include "engine/machine.h"
#include "payment/calls.h"

/* IN_INIT with struct invoice_params: all checks of Create in their order, then invoice_created. */
void invoice_init(const struct step_in *in, struct step_out *out);
/* The timer of an invoice without an active payment: it is overdue. */
void invoice_expire(const struct step_in *in, struct step_out *out);
void invoice_rescind(const struct step_in *in, struct step_out *out, const struct reason_call *call);
void invoice_fulfill(const struct step_in *in, struct step_out *out, const struct reason_call *call);

/* Adds invoice_status_changed to OUT. DETAILS: of cancelled and fulfilled; else NULL. */
void invoice_set_status(const struct step_in *in, struct step_out *out, int status, const char *details);

#endif

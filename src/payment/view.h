/* What users see of an invoice: JSON, straight from the state. Ref: doc/spec/api.md 10. */
#ifndef SLUICE_PAYMENT_VIEW_H
#define SLUICE_PAYMENT_VIEW_H

#include "payment/outcome.h"

/* InvoiceState as of VERSION, with `machine` if it is known: its status and activity. */
void view_invoice(const struct invoice_state *state, int64_t version, const struct outcome_machine *machine,
                  struct buf *out);

/* PaymentState, with `latest_event_id` and the invoice's id, so that a client knows from where to poll. */
void view_payment(const struct invoice_state *state, const struct payment_state *payment, int64_t version,
                  const struct outcome_machine *machine, struct buf *out);

/* InvoicePaymentRefund of PAYMENT, with its failure and, while it is pending, what it waits for. */
void view_refund(const struct payment_state *payment, const struct refund_state *refund,
                 const struct outcome_machine *machine, struct buf *out);

#endif

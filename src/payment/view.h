/* What users see of an invoice: JSON, straight from the state. Ref: doc/spec/api.md 10. */
#ifndef SLUICE_PAYMENT_VIEW_H
#define SLUICE_PAYMENT_VIEW_H

#include "engine/store.h"
#include "payment/state.h"

/* InvoiceState as of VERSION; INFO (may be NULL) adds `machine`: its status and activity. */
void view_invoice(const struct invoice_state *state, int64_t version, const struct machine_info *info, struct buf *out);

/* PaymentState, with `latest_event_id` and the invoice's id, so that a client knows from where to poll. */
void view_payment(const struct invoice_state *state, const struct payment_state *payment, int64_t version,
                  struct buf *out);

#endif

/* Why a payment went the way it did, for a person. Pure.
 *
 *   {"explained_routes": [{"route", "is_chosen", "scores"?, "limits"?, "rejection_description"}], "used_varset"}
 *
 * First the routes that were tried, the newest first; then the candidates of the latest routing; then those that
 * the terms or a prohibition kept from becoming candidates, found by looking again.
 * Ref: doc/spec/routing.md 11; doc/spec/api.md 3 (ExplainRoute).                                     */
#ifndef SLUICE_PAYMENT_ROUTE_EXPLAIN_H
#define SLUICE_PAYMENT_ROUTE_EXPLAIN_H

#include "base/buf.h"
#include "domain/domain.h"
#include "domain/health.h"
#include "payment/state.h"

/* Appends the JSON object. PAYMENT must have been routed (payment_route). CONFIG is the payment's own revision.
 * ID is the invoice's. */
void route_explain(const char *id, const struct invoice_state *invoice, const struct payment_state *payment,
                   const struct domain *config, const struct health_settings *health, struct arena *arena,
                   struct buf *out);

#endif

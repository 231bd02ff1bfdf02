/* Between a payment and the choice of its route: what routing has to know, and what it found as changes.
 * Ref: doc/spec/payment.md 8.5; doc/spec/routing.md 2, 6, 9.                                        */
#ifndef SLUICE_PAYMENT_ROUTE_H
#define SLUICE_PAYMENT_ROUTE_H

#include "domain/routing.h"
#include "payment/emit.h"

/* What routing asks of the payment. False: its terms are misconfigured, and the step has failed. */
bool route_request_build(struct step_ctx *ctx, struct routing_request *out);

/* Chooses the payment's next route: route_changed; or, when nothing is left, a rollback or a failed payment
 * with the reason. */
void route_run(struct step_ctx *ctx);

#endif

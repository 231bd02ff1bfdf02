/* What the configuration says about a payment: the facts that its conditions are tested against, and the
 * cash flow that its terms give. Ref: doc/spec/domain.md 7; doc/spec/cashflow.md 3, 4.               */
#ifndef SLUICE_PAYMENT_FLOW_H
#define SLUICE_PAYMENT_FLOW_H

#include "domain/domain.h"
#include "payment/emit.h"

/* The payment's shop at its own revision; NULL: it is gone, and the step has failed. */
const struct shop *flow_shop(struct step_ctx *ctx);

/* Facts about the payment at COST (kept by pointer). TRUST: with the trust level, for inspectors and routing. */
struct varset flow_facts(const struct step_ctx *ctx, const struct shop *shop, const struct cash *cost, bool trust);

/* The cash flow of the payment over its current route, were COST its cost; *FLOW is in the arena.
 * False: terms or accounts are misconfigured, and the step has failed. */
bool flow_build(struct step_ctx *ctx, const struct cash *cost, struct type_list *flow);
/* The same for a part of it that is CAPTURED: the merchant's fees are those of the whole, applied to the part. */
bool flow_build_partial(struct step_ctx *ctx, const struct cash *captured, struct type_list *flow);

/* What the payment's route allows of refunds at CTX's configuration; NULL: nothing. */
const struct provision_refund_terms *flow_refund_terms(const struct step_ctx *ctx);
/* The cash flow of a refund of AMOUNT by the merchant's TERMS: conditions see what the payment cost
 * (doc/spec/refunds.md 4). False: as above. */
bool flow_build_refund(struct step_ctx *ctx, const struct merchant_refund_terms *terms, const struct cash *amount,
                       struct type_list *flow);

#endif

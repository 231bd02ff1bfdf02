/* Which provider and terminal take the payment. Ref: doc/spec/payment.md 8.5. */
#include "payment/route.h"

#include "payment/steps/step.h"

void step_routing(struct step_ctx *ctx)
{
    route_run(ctx);
}

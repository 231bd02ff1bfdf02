/* Which provider and terminal take the payment. Ref: doc/spec/payment.md 8.5. */
#include "payment/route.h"

#include "payment/steps/step.h"

void step_routing(struct step_ctx *ctx)
{
    struct limits_ask ask = { 0 };

    (void)route_run(ctx, &ask); /* undecided: ordered or failed, as the step says */
}

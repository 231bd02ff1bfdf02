/* Which provider and terminal take the payment. What the shop's limits are still to be told goes along with the holds
 * of the candidates'. Ref: doc/spec/payment.md 8.5; doc/spec/limits.md 6. */
#include "payment/route.h"

#include "payment/steps/step.h"

void step_routing(struct step_ctx *ctx)
{
    struct limits_ask ask = { 0 };

    if (limits_ask_shop_commit(ctx, &ask))
        (void)route_run(ctx, &ask); /* undecided: ordered or failed, as the step says */
}

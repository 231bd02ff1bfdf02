/* Between a payment and the choice of its route: what routing has to know, the pipeline of what speaks against
 * a candidate, and the choice as changes. Ref: doc/spec/payment.md 8.5; doc/spec/routing.md 2, 6, 9. */
#ifndef SLUICE_PAYMENT_ROUTE_H
#define SLUICE_PAYMENT_ROUTE_H

#include "domain/routing.h"
#include "payment/emit.h"
#include "payment/limits.h"

/* What routing asks of the payment. False: its terms are misconfigured, and the step has failed. */
bool route_request_build(struct step_ctx *ctx, struct routing_request *out);

/* The candidates for REQUEST; see routing_gather. */
void route_candidates(const struct step_ctx *ctx, const struct routing_request *request, struct candidates *out);

/* Chooses the payment's next route: route_changed; or, when nothing is left, a rollback or a failed payment
 * with the reason, or in a cascade with the failure that began it. ASK is ordered together with the holds of
 * the candidates' limits. True: it is decided. False: something is ordered first, or the step has failed. */
bool route_run(struct step_ctx *ctx, struct limits_ask *ask);

/* Whether the failed attempt is followed by another one, over another route (doc/spec/payment.md 11). */
bool cascade_allowed(const struct step_ctx *ctx);

/* ---- between the pipeline and its record: route.c, route_record.c ---- */

/* One run of the pipeline; arrays have one element per candidate. */
struct route_search {
    struct step_ctx *ctx;
    struct routing_request request;
    struct candidates candidates;
    const bool *blacklisted;     /* NULL: nobody was asked */
    struct limits_set *limits;
    const struct limits_ask *ask;/* that their values are in */
    bool *considered;            /* its limits are held */
    bool *assessed;              /* the health of its provider has been looked at */
    int last_group;              /* the latest that turned something away; 0: nothing was */
    struct type_list initial;    /* of struct route: candidates before the pipeline */
};

struct route route_of(const struct candidate *candidate);

void route_record_choice(struct route_search *search, const struct routing_choice *choice, int64_t draw);
/* Nothing is left. */
void route_record_none(struct route_search *search);
/* The failure that no route was found: its code by GROUP (0: forbidden), with what that group turned away. */
struct operation_failure route_failure(const struct route_search *search, int group);

#endif

/* One step per file; steps.c has the table. Each reads ctx->payment and writes ctx->out. */
#ifndef SLUICE_PAYMENT_STEPS_STEP_H
#define SLUICE_PAYMENT_STEPS_STEP_H

#include "payment/emit.h"

void step_shop_limit_initializing(struct step_ctx *ctx);
void step_shop_limit_finalizing(struct step_ctx *ctx);
void step_shop_limit_failure(struct step_ctx *ctx);
void step_risk_scoring(struct step_ctx *ctx);
void step_routing(struct step_ctx *ctx);
void step_cash_flow_building(struct step_ctx *ctx);
void step_processing_capture(struct step_ctx *ctx);
void step_processing_session(struct step_ctx *ctx);
void step_processing_accounter(struct step_ctx *ctx);
void step_flow_waiting(struct step_ctx *ctx);
void step_updating_accounter(struct step_ctx *ctx);
void step_finalizing_session(struct step_ctx *ctx);
void step_finalizing_accounter(struct step_ctx *ctx);
void step_routing_failure(struct step_ctx *ctx);
void step_processing_failure(struct step_ctx *ctx);
void step_refund(struct step_ctx *ctx); /* by the stage of ctx->refund */

/* The stages of a refund. */
void step_refund_new(struct step_ctx *ctx);
void step_refund_session(struct step_ctx *ctx);
void step_refund_accounter(struct step_ctx *ctx);
void step_refund_failure(struct step_ctx *ctx);

/* The result of the effect that the step's earlier run ordered; NULL: this is not its continuation. */
const struct effect_result *step_effect_result(const struct step_ctx *ctx);

#endif

/* Running a session of a payment or of its refund: from an adapter's answer to changes, and what a finished
 * session means. Ref: doc/spec/session.md 2-4, 8, 9.                                              */
#ifndef SLUICE_PAYMENT_SESSION_H
#define SLUICE_PAYMENT_SESSION_H

#include "payment/effect.h"
#include "payment/emit.h"

/* Longest sleep or suspension that an adapter may ask for; longer ones are cut to it. */
#define SESSION_WAIT_MAX_US ((int64_t)30 * 24 * 3600 * 1000000)

/* The timer fired for SESSION: calls the adapter, or ends a suspension. */
void session_run(struct step_ctx *ctx, const struct session *session);

/* The adapter's call for SESSION ended with RESULT, in a step that no caller waits for. */
void session_answer(struct step_ctx *ctx, const struct session *session, const struct effect_result *result);

/* Turns RESULT into changes and the timer, SESSION being active or, of a callback, suspended. A result of
 * a callback without an intent leaves a suspension as it is. */
void session_apply(struct step_ctx *ctx, const struct session *session, const struct proxy_result *result);

/* SESSION fails with FAILURE, whoever says so: session_finished and what follows. */
void session_fail(struct step_ctx *ctx, const struct session *session, const struct operation_failure *failure);

/* Gives SESSION's suspension up because somebody from outside has spoken. */
void session_activate(struct step_ctx *ctx, const struct session *session);

/* Orders HandlePaymentCallback with PAYLOAD (base64) at the route's adapter. False: the step has failed. */
bool session_order_callback(struct step_ctx *ctx, const struct session *session, const char *payload);

#endif

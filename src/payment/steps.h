/* The steps of a payment: one file per activity under payment/steps/, one row per activity in
 * steps/steps.c. The invoice's machine kind (payment/kind.c) hands its inputs on to these.
 *
 *     started -> shop limits -> risk_scoring -> routing -> cash_flow_building
 *             -> processing_session -> processing_accounter -> flow_waiting
 *             -> finalizing_session -> finalizing_accounter -> idle
 *
 * Every one of them is a pure function of its step_in: the same input gives the same output, byte
 * for byte. All changes are struct invoice_change (payment/change.h) of the active payment.
 * Ref: doc/spec/payment.md 7, 8; doc/spec/session.md.                                             */
#ifndef SLUICE_PAYMENT_STEPS_H
#define SLUICE_PAYMENT_STEPS_H

#include "engine/machine.h"

struct callback_call;
struct cancel_call;
struct capture_call;
struct refund_call;
struct register_payment_call;
struct session_change_call;
struct start_payment_call;
struct step_ctx;

/* One step of the active payment's activity: IN_TIMEOUT, or IN_EFFECT with in->call NULL.
 * A payment must be active. Ends with STEP_OK, STEP_RETRY or STEP_FAIL, never STEP_REFUSED. */
void payment_step(const struct step_in *in, struct step_out *out);

/* The active payment's risk is RISK (RISK_*), whoever says so; doc/spec/payment.md 8.4. */
void risk_scored(struct step_ctx *ctx, int risk);

/* Reply of start_payment and register_payment: which payment it is about. */
struct start_payment_reply {
    const char *payment_id;
    bool existing; /* it had been started before, with the same parameters: nothing was changed */
};

/* StartPayment, doc/spec/payment.md 6.3 from check 2 on; IN_CALL. Ends with STEP_OK and a struct
 * start_payment_reply, or with STEP_REFUSED. The same id with other parameters is refused. */
void start_payment(const struct step_in *in, const struct start_payment_call *call, struct step_out *out);

/* CapturePayment and CancelPayment, doc/spec/payment.md 9; IN_CALL. No reply. */
void capture_payment(const struct step_in *in, const struct capture_call *call, struct step_out *out);
void cancel_payment(const struct step_in *in, const struct cancel_call *call, struct step_out *out);

/* RegisterPayment, doc/spec/payment.md 14; IN_CALL. Ends like start_payment. */
void register_payment(const struct step_in *in, const struct register_payment_call *call, struct step_out *out);

/* Reply of refund_payment. */
struct refund_reply {
    const char *refund_id;
    bool existing; /* there was one with this id: nothing was changed, whatever the other parameters */
};

/* For replies that are given again. */
extern const struct type type_start_payment_reply, type_refund_reply;

/* RefundPayment and CreateManualRefund, doc/spec/refunds.md 2, 3; IN_CALL. Ends with STEP_OK and a struct
 * refund_reply, or with STEP_REFUSED. */
void refund_payment(const struct step_in *in, const struct refund_call *call, struct step_out *out);

/* ProcessPaymentCallback, doc/spec/session.md 5 from check 4 on: IN_CALL orders the adapter's call,
 * IN_EFFECT (in->call is not NULL) takes its answer. The reply is a struct callback_reply. */
void callback(const struct step_in *in, const struct callback_call *call, struct step_out *out);

/* ChangePaymentSession, doc/spec/session.md 7; IN_CALL. No reply. */
void session_change(const struct step_in *in, const struct session_change_call *call, struct step_out *out);

#endif

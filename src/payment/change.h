/* Everything that can happen to an invoice: what its events are made of.
 * Names and shapes are those that consumers see. Ref: doc/spec/invoice.md 3; doc/spec/payment.md 4. */
#ifndef SLUICE_PAYMENT_CHANGE_H
#define SLUICE_PAYMENT_CHANGE_H

#include "payment/types.h"

/* ---- of a session ---- */

struct session_result {
    int tag; /* SESSION_* */
    const struct failed *failed;
};
enum { SESSION_SUCCEEDED = 1, SESSION_FAILED };

struct timeout_behaviour {
    int tag; /* ON_TIMEOUT_*; 0: absent, an operation timeout */
    struct operation_failure operation_failure;
    const char *callback; /* base64 */
};
enum { ON_TIMEOUT_FAIL = 1, ON_TIMEOUT_CALLBACK };

struct session_finished {
    struct session_result result;
};
struct session_suspended {
    const char *tag; /* NULL: none */
    struct timeout_behaviour timeout_behaviour;
};
struct session_transaction_bound {
    struct trx trx;
};
struct session_proxy_state_changed {
    const char *proxy_state; /* base64 */
};
struct interaction_status {
    int tag; /* INTERACTION_REQUESTED, …_COMPLETED; 0 counts as requested */
};
enum { INTERACTION_REQUESTED = 1, INTERACTION_COMPLETED };
struct session_interaction_changed {
    struct user_interaction interaction;
    struct interaction_status status;
};

struct session_change {
    int tag; /* SCHG_* */
    struct session_finished session_finished;
    struct session_suspended session_suspended;
    struct session_transaction_bound session_transaction_bound;
    struct session_proxy_state_changed session_proxy_state_changed;
    struct session_interaction_changed session_interaction_changed;
};
enum {
    SCHG_STARTED = 1,
    SCHG_FINISHED,
    SCHG_SUSPENDED,
    SCHG_ACTIVATED,
    SCHG_TRANSACTION_BOUND,
    SCHG_PROXY_STATE_CHANGED,
    SCHG_INTERACTION_CHANGED,
};

/* ---- of a payment ---- */

struct payment_started {
    struct payment payment;
};
struct risk_score_changed {
    int risk_score;
};
struct route_changed {
    struct route route;
    struct type_list candidates; /* of struct route; items NULL: absent */
    struct type_list scores;     /* of struct route_score_entry */
    struct type_list limits;     /* of struct route_limit_entry */
    const struct route_decision *decision;
};
struct cash_flow_changed {
    struct type_list cash_flow;
};
struct rollback_started {
    struct operation_failure reason;
};
struct payment_status_changed {
    struct payment_status status;
};
struct payment_session_change {
    struct target target;
    struct session_change payload;
};
struct capture_data {
    const char *reason;
    const struct cash *cash;
    const struct invoice_cart *cart;
    const char *allocation; /* raw */
};
struct capture_started {
    struct capture_data data;
};
struct rec_token_acquired {
    const char *token;
};
struct cascade_tokens_loaded {
    struct type_list tokens; /* of struct card_token */
};
struct revision_changed {
    int64_t domain_revision; /* of the payment from now on, or of the refund that is under way */
};
struct cash_changed {
    struct cash old_cash, new_cash;
};

/* ---- of a refund ---- */

struct refund_created {
    struct refund refund;
    struct type_list cash_flow;
    const struct trx *transaction_info; /* of a manual one: made outside; NULL: the adapter is to be called */
};
struct refund_status_changed {
    struct refund_status status;
};
struct refund_change {
    int tag; /* RCHG_* */
    const struct refund_created *created;
    const struct payment_session_change *session_change;
    const struct rollback_started *rollback_started;
    const struct refund_status_changed *status_changed;
};
enum { RCHG_CREATED = 1, RCHG_SESSION_CHANGE, RCHG_ROLLBACK_STARTED, RCHG_STATUS_CHANGED };

struct payment_refund_change {
    const char *id; /* of the refund */
    struct refund_change payload;
};

/* ---- of a payment, all together ---- */

struct payment_change {
    int tag; /* PCHG_* */
    const struct payment_started *started;
    const struct risk_score_changed *risk_score_changed;
    const struct route_changed *route_changed;
    const struct cash_flow_changed *cash_flow_changed;
    const struct rollback_started *rollback_started;
    const struct payment_status_changed *status_changed;
    const struct payment_session_change *session_change;
    const struct capture_started *capture_started;
    const struct rec_token_acquired *rec_token_acquired;
    const struct cash_changed *cash_changed;
    const struct cascade_tokens_loaded *cascade_tokens_loaded;
    const struct payment_refund_change *refund_change;
    const struct revision_changed *revision_changed;
};
enum {
    PCHG_STARTED = 1,
    PCHG_SHOP_LIMIT_INITIATED,
    PCHG_SHOP_LIMIT_APPLIED,
    PCHG_RISK_SCORE_CHANGED,
    PCHG_ROUTE_CHANGED,
    PCHG_CASH_FLOW_CHANGED,
    PCHG_ROLLBACK_STARTED,
    PCHG_STATUS_CHANGED,
    PCHG_SESSION_CHANGE,
    PCHG_CAPTURE_STARTED,
    PCHG_REC_TOKEN_ACQUIRED,
    PCHG_CASH_CHANGED,
    PCHG_CASCADE_TOKENS_LOADED,
    PCHG_REFUND_CHANGE,
    PCHG_REVISION_CHANGED,
};
#define PCHG_COUNT 15

/* ---- of an invoice ---- */

struct invoice_created {
    struct invoice invoice;
};
struct invoice_status_changed {
    struct invoice_status status;
};
struct invoice_payment_change {
    const char *id;
    struct payment_change payload;
    int64_t occurred_at; /* 0: absent */
};

struct invoice_change {
    int tag; /* ICHG_* */
    const struct invoice_created *invoice_created;
    const struct invoice_status_changed *invoice_status_changed;
    const struct invoice_payment_change *invoice_payment_change;
};
enum { ICHG_CREATED = 1, ICHG_STATUS_CHANGED, ICHG_PAYMENT_CHANGE };

extern const struct type type_timeout_behaviour, type_capture_data, type_session_change, type_refund_change,
    type_payment_change,
    type_invoice_change;

#endif

/* An invoice with its payments, folded from its events. Snapshots are this state as JSON under short
 * names: a format of our own that nobody else reads, and never a source of truth.
 * Ref: doc/spec/invoice.md 10; doc/spec/payment.md 3; doc/spec/session.md 1.                        */
#ifndef SLUICE_PAYMENT_STATE_H
#define SLUICE_PAYMENT_STATE_H

#include "payment/change.h"

#define STATE_FORMAT 1
#define PAYMENTS_MAX 200 /* of one invoice, those that failed among them: each is in every snapshot and fold of it */

/* What a payment does next; the words of payment.md 5. */
enum activity {
    ACT_NEW = 1,
    ACT_SHOP_LIMIT_INITIALIZING,
    ACT_SHOP_LIMIT_FINALIZING,
    ACT_RISK_SCORING,
    ACT_ROUTING,
    ACT_CASH_FLOW_BUILDING,
    ACT_PROCESSING_SESSION,
    ACT_PROCESSING_ACCOUNTER,
    ACT_FLOW_WAITING,
    ACT_PROCESSING_CAPTURE,
    ACT_UPDATING_ACCOUNTER,
    ACT_FINALIZING_SESSION,
    ACT_FINALIZING_ACCOUNTER,
    ACT_SHOP_LIMIT_FAILURE,
    ACT_ROUTING_FAILURE,
    ACT_PROCESSING_FAILURE,
    ACT_REFUND, /* the one whose id is operation_id; what it does next: refund_stage() */
    ACT_IDLE, /* nothing to do */
};
#define ACT_COUNT 18

enum session_status {
    SESSION_ACTIVE = 1, /* the timer means: call the adapter now */
    SESSION_SUSPENDED,  /* waits for a callback with the newest tag; the timer means: time is up */
    SESSION_FINISHED,
};

struct session {
    struct target target;
    struct route route;
    int status; /* enum session_status */
    struct session_result result; /* of a finished one */
    const struct trx *trx;
    const char *proxy_state;
    struct type_list tags; /* of strings, newest first */
    struct timeout_behaviour timeout_behaviour; /* tag 0: an operation timeout */
    const struct user_interaction *interaction; /* outstanding; NULL: none */
    bool interacted;  /* one was requested at some time */
    int64_t changes;  /* folded into it; part of idempotency keys */
};

enum { SHOP_LIMIT_INITIALIZED = 1, SHOP_LIMIT_FINALIZED };
/* Which flow is the final one: what users see. */
enum { FINAL_NONE, FINAL_FIRST, FINAL_PARTIAL, FINAL_NEW };

/* What a pending refund does next (refunds.md 5). */
enum refund_stage { REFUND_NEW = 1, REFUND_SESSION, REFUND_ACCOUNTER, REFUND_FAILURE, REFUND_FINISHED };

struct refund_state {
    struct refund refund;
    struct type_list cash_flow;
    const struct trx *transaction_info; /* NULL: none was given, the adapter is called */
    struct type_list sessions;          /* of struct session, newest first */
    const struct operation_failure *failure; /* reason of its rollback; NULL: none */
};

struct payment_state {
    struct payment payment;
    int activity; /* enum activity */
    const char *operation_id; /* which refund the activity is about; NULL: none */
    struct target target;
    int risk_score;             /* 0: not known yet */
    struct type_list routes;    /* of struct route: attempted, newest first; the head is the current one */
    struct type_list candidates;/* of struct route; of the latest routing */
    struct type_list scores, limits;
    struct type_list cash_flow, partial_cash_flow, new_cash_flow;
    int64_t final_flow;         /* FINAL_* */
    const struct cash *new_cash;/* changed by the provider, its flow not built yet */
    bool new_cash_provided;
    const struct trx *trx;      /* of the current route */
    struct type_list sessions;  /* of struct session, newest first, all targets */
    const char *recurrent_token; /* that the provider gave for this payment; NULL: none */
    const struct type_list *cascade_tokens; /* of struct card_token; NULL: none were loaded */
    const struct capture_data *capture_data;
    const struct operation_failure *failure; /* reason of a rollback under way */
    int64_t shop_limit_status;  /* 0, SHOP_LIMIT_* */
    struct type_list refunds;   /* of struct refund_state, in order of creation */
};

struct invoice_state {
    int64_t format;
    struct invoice invoice;
    struct type_list payments; /* of struct payment_state, in order of start */
    const char *active;        /* id of the payment whose activity is not idle; NULL: none */
};

extern const struct type type_activity, type_payment_state, type_invoice_state;

const char *activity_name(int activity);

/* NULL: none. All borrowed from STATE. */
struct payment_state *invoice_payment(const struct invoice_state *state, const char *id);
/* The first number from the count of payments on that is no payment's id; in ARENA. */
const char *invoice_free_id(const struct invoice_state *state, struct arena *arena);
struct payment_state *invoice_active_payment(const struct invoice_state *state);

const struct route *payment_route(const struct payment_state *payment); /* the current one; NULL: none yet */
bool route_equal(const struct route *a, const struct route *b);
/* The newest session of TARGET's type (TARGET_*) on the current route; NULL: none. */
struct session *payment_session(const struct payment_state *payment, int target);
/* Sessions of TARGET's type so far, over all routes, minus one (payment.md 3: retry_attempts); -1: none. */
int payment_retries(const struct payment_state *payment, int target);
/* Part of the ids of plans and limit operations (payment.md 3). */
int64_t payment_iter(const struct payment_state *payment);
const struct type_list *payment_final_flow(const struct payment_state *payment); /* NULL: none */
/* The effective cost (payment.md 1). */
const struct cash *payment_state_cost(const struct payment_state *payment);

/* The activity in one word for people: of a refund, its stage, e.g. "refund_session". */
const char *payment_activity_label(const struct payment_state *payment);

/* NULL: none. */
struct refund_state *payment_refund(const struct payment_state *payment, const char *id);
struct refund_state *payment_pending_refund(const struct payment_state *payment); /* that the activity is about */
enum refund_stage refund_stage(const struct refund_state *refund);
struct session *refund_session(const struct refund_state *refund); /* the newest; NULL: none */
/* The session that the activity is about: the refund's, or the newest of the payment's target; NULL: none. */
const struct session *payment_current_session(const struct payment_state *payment);
/* What can still be refunded: the effective cost less what was (refunds.md 1). */
struct cash payment_remaining(const struct payment_state *payment);

/* Folds one change; see machine.h, machine_kind.fold. */
const char *invoice_fold(void *state, const void *change, int64_t now_us, bool strict, struct arena *arena);

/* payment_fold.c: the same for one payment. */
const char *payment_fold(struct payment_state *payment, const struct payment_change *change, bool strict,
                         struct arena *arena);
/* refund_fold.c: the same for a refund of PAYMENT, whose activity follows. */
const char *refund_fold(struct payment_state *payment, const struct payment_refund_change *change, bool strict,
                        struct arena *arena);
/* The one place where an activity changes. */
void activity_set(struct payment_state *payment, int activity);
/* Puts a copy of ITEM (SIZE bytes) in front of LIST. */
void list_push(struct type_list *list, const void *item, size_t size, struct arena *arena);
/* session_fold.c: folds CHANGE into SESSION (not SCHG_STARTED). */
void session_fold(struct session *session, const struct session_change *change, struct arena *arena);

#endif

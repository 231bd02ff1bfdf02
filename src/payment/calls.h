/* What may be asked of an invoice, and the bodies that ask. Every call has a table for its body.
 * Ref: doc/spec/invoice.md 4, 7, 8; doc/spec/payment.md 6.1; doc/spec/session.md 5, 7.              */
#ifndef SLUICE_PAYMENT_CALLS_H
#define SLUICE_PAYMENT_CALLS_H

#include "payment/change.h"

/* ---- Create: args of IN_INIT ---- */

enum { DIRECTION_BOTH = 1, DIRECTION_UPWARD, DIRECTION_DOWNWARD };
struct randomization {
    int64_t deviation; /* minor units */
    int64_t precision; /* decimal digits */
    int direction;     /* DIRECTION_*; 0: both */
    const int64_t *min_amount_condition, *max_amount_condition, *amount_multiplicity_condition;
};
struct amount_mutation_params {
    int tag;
    struct randomization randomization;
};
struct mutation_params {
    int tag;
    struct amount_mutation_params amount;
};
struct invoice_params {
    const char *id;
    const char *party_id, *shop_id;
    struct invoice_details details;
    int64_t due;
    struct cash cost;
    const struct content *context; /* NULL: none */
    const char *external_id;
    const struct invoice_client_info *client_info;
    const char *allocation;     /* raw; refused: payments are not split */
    struct type_list mutations; /* of struct mutation_params */
    const struct template_use *from; /* CreateWithTemplate: all but the id is made from it; of no body */
};

/* CreateWithTemplate. TEMPLATE stands in the path, and is read by whoever makes the call (payment/template.h). */
struct invoice_template;
struct template_use {
    const char *id;
    const struct cash *cost;       /* NULL: the template's */
    const struct content *context; /* NULL: the template's */
    const char *external_id;
    const struct invoice_template *template;
    bool removed; /* TEMPLATE was: nothing can be made from it any more */
};
extern const struct type type_external_id; /* of requests; what is stored may be any text */
extern const struct type type_invoice_params, type_mutation_params_list;

/* ---- calls: args of IN_CALL ---- */

struct reason_call { /* Rescind, Fulfill */
    const char *reason;
};

struct payment_resource_params {
    struct payment_resource resource;
    struct contact_info contact_info;
};
struct recurrent_params {
    struct recurrent_parent recurrent_parent;
    struct contact_info contact_info;
};
struct payer_params {
    int tag; /* PAYER_* */
    const struct payment_resource_params *payment_resource;
    const struct recurrent_params *recurrent;
};
struct hold_flow_params {
    int on_hold_expiration;
};
struct payment_flow_params {
    int tag; /* FLOW_* */
    struct hold_flow_params hold;
};
/* The payment that a recurrent payer names, read by whoever makes the call (payment/payer.h). Of no body. */
struct payment_state;
struct parent_payment {
    const char *invoice_id;              /* NULL: there is no such invoice */
    const struct payment_state *payment; /* NULL: it has no such payment */
    struct type_list tokens;             /* of struct card_token: what the card store has for the party's card; count 0:
                                            nothing, or the tool is no card, and the parent's own is used */
};
struct start_payment_call {
    const char *id; /* NULL: the next free number */
    struct payer_params payer;
    struct payment_flow_params flow;
    const struct payer_session_info *payer_session_info;
    const bool *make_recurrent;
    const char *external_id;
    const struct content *context;
    int64_t processing_deadline;
    const char *customer_id;
    const struct parent_payment *parent; /* of a recurrent payer; NULL: of none, or it was not found */
};

struct register_payment_call { /* RegisterInvoicePaymentParams */
    const char *id; /* NULL: the next free number */
    struct payer_params payer_params;
    struct route route;
    struct trx transaction_info;
    const struct cash *cost; /* NULL: the invoice's */
    const struct payer_session_info *payer_session_info;
    const char *external_id;
    const struct content *context;
    int risk_score;      /* 0: none */
    int64_t occurred_at; /* 0: now */
    const char *recurrent_token;
    const struct parent_payment *parent; /* as above */
};

struct card_token_params { /* of the card store, doc/spec/payment.md 15; a call of no machine */
    const char *party_id, *card;
    struct number_ref provider_ref, terminal_ref;
    const char *token;
    const char *id; /* NULL: made from the route */
};

struct capture_params { /* InvoicePaymentCaptureParams */
    const char *reason;
    const struct cash *cash; /* NULL: the cart's total, else everything */
    const struct invoice_cart *cart;
    const char *allocation; /* raw; refused, as of invoices */
};
struct capture_call { /* PAYMENT_ID stands in the path */
    const char *payment_id;
    struct capture_params params;
};
struct cancel_call {
    const char *payment_id;
    const char *reason;
};

#define REFUND_ID_MAX 128 /* bytes, as of every id */
struct refund_params { /* InvoicePaymentRefundParams */
    const char *id;          /* NULL: the next number */
    const struct cash *cash; /* NULL: all that remains */
    const char *reason;
    const struct invoice_cart *cart; /* of what remains after the refund */
    const char *external_id;
    const struct trx *transaction_info; /* manual only: made outside already */
    const char *allocation; /* raw; refused */
};
struct refund_call { /* PAYMENT_ID stands in the path */
    const char *payment_id;
    bool manual;
    struct refund_params params;
};

struct callback_call { /* TAG stands in the path */
    const char *tag;
    const char *payload; /* base64 */
    const struct type_list *providers; /* of int64_t: whose tags the sender may name; NULL: anybody's. Not kept */
};
struct callback_reply {
    const char *response; /* base64 */
};

struct session_status_change {
    int tag;
    struct failure failure;
};
struct session_change_params {
    int tag;
    struct session_status_change status;
};
struct session_change_call {
    const char *tag;
    struct session_change_params change;
    const struct type_list *providers; /* as above */
};

struct repair_call;
struct repair_scenario_call;

struct invoice_call {
    int kind; /* CALL_* */
    union {
        struct reason_call rescind, fulfill;
        struct start_payment_call start_payment;
        struct register_payment_call register_payment;
        struct callback_call callback;
        struct session_change_call session_change;
        struct capture_call capture;
        struct cancel_call cancel;
        struct refund_call refund;
        const struct repair_call *repair;                   /* IN_REPAIR; payment/repair.h */
        const struct repair_scenario_call *repair_scenario; /* IN_REPAIR */
    };
};
enum {
    CALL_RESCIND = 1,
    CALL_FULFILL,
    CALL_START_PAYMENT,
    CALL_CALLBACK,
    CALL_SESSION_CHANGE,
    CALL_CAPTURE,
    CALL_CANCEL,
    CALL_REFUND,
    CALL_REPAIR,
    CALL_REPAIR_SCENARIO,
    CALL_REGISTER_PAYMENT,
};

/* Bodies of requests; each decodes into the struct of the same name above. Cancel takes type_reason_call. */
extern const struct type type_card_token_params;
extern const struct type type_reason_call, type_start_payment_call, type_register_payment_call, type_callback_call,
    type_session_change_call, type_capture_params, type_refund_params, type_manual_refund_params;
extern const struct type type_callback_reply;

/* A provider's callback as it is kept until its outcome is stored (machine_kind.keep): a union, of which
 * invoice_call.callback is the only variant. */
struct kept_call {
    int tag; /* KEPT_* */
    struct callback_call provider_callback;
};
enum { KEPT_PROVIDER_CALLBACK = 1 };
extern const struct type type_kept_call;

#endif

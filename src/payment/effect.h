/* What the payment workflow orders from the world outside: calls to provider adapters and to the
 * inspector, and a look at an account's balances. For a call a step fills an effect_args and never
 * performs anything; whoever performs it encodes the request and decodes the answer with the two tables
 * that effect_wire() gives, and answers with an effect_result (engine/machine.h) whose VALUE is the
 * decoded answer.
 *
 * The wire is JSON over HTTP, one POST per call:
 *
 *   process_payment          {"session":{"target","state"?},"payment_info":{...},"options":{...}}
 *                            -> {"intent"?,"next_state"?,"trx"?}          struct proxy_result
 *   handle_payment_callback  {"callback": base64,"context":{as process_payment's body}}
 *                            -> {"response": base64,"result":{...}}       struct proxy_callback_result
 *   inspect_payment          {"payment":{party,shop,invoice,payment},"options":{...}}
 *                            -> {"risk_score"}                            struct inspect_answer
 *   is_blacklisted           {"field_name","value","routes":[{"first_id","second_id"}]}
 *                            -> {"blacklisted":[bool]}                    struct blacklist_answer
 *
 * Answers are decoded with TYPE_LENIENT: fields that we do not know are passed over, fields that we
 * know must be right, else the outcome is SL_EPROTO. An answer of process_payment without an intent
 * decodes, and it is the step that finds it senseless.
 *
 * Ref: doc/spec/session.md 2, 5, 10-13; doc/spec/payment.md 16.                                    */
#ifndef SLUICE_PAYMENT_EFFECT_H
#define SLUICE_PAYMENT_EFFECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/type.h"
#include "engine/machine.h"
#include "limits/order.h"

enum {
    FX_INSPECT = 1,       /* inspect_payment */
    FX_PROVIDER_PROCESS,  /* process_payment */
    FX_PROVIDER_CALLBACK, /* handle_payment_callback */
    FX_BLACKLIST,         /* is_blacklisted */
    FX_LIMITS,            /* not a call: turnover counters. effect.args: struct limit_order; effect_result.value: struct
                             limit_answer (limits/order.h). A repeat of the same order changes nothing */
    FX_BALANCE,           /* not a call: effect.args: struct balance_order; effect_result.value: struct balance
                             (money/ledger.h) */
    FX_CARDS,             /* nor this: what is left in the card store. effect.args: struct card_order
                             (payment/card_order.h); no value. A repeat changes nothing */
    FX_END,               /* one past the last */
};

/* Unless whoever performs effects is set up otherwise. */
#define FX_INSPECT_TIMEOUT_MS 3000   /* inspect_timeout, doc/spec/domain.md 12 */
#define FX_PROVIDER_TIMEOUT_MS 30000 /* the default handling timeout, doc/spec/machine.md 18 */

/* FX_BALANCE: of whom. The answer counts every commit that was answered before the order was given. */
struct balance_order {
    int64_t account_id;
};

/* What effect.args points to, for every kind that is a call. */
struct effect_args {
    const char *url;     /* of the proxy definition; absolute, http or https; never NULL */
    const char *key;     /* idempotency key: the same whenever the same call is made again; never NULL */
    int64_t timeout_ms;  /* 0: as whoever performs effects is set up */
    int64_t provider_id; /* for the provider's own limits and statistics; 0: the inspector's */
    const void *request; /* of the type that effect_wire() names */
};

/* How a kind of effect looks on the wire. What is no call has a name and no tables. */
struct effect_wire {
    const char *name;           /* "process_payment"; "limits" */
    const struct type *request; /* what effect_args.request points to */
    const struct type *answer;  /* what effect_result.value must point to */
};

/* NULL if there is no such kind. */
const struct effect_wire *effect_wire(int kind);

/* Whether URL names a provider or an inspector that lives inside of whoever performs effects. */
bool effect_is_builtin(const char *url);

/* Whether a call that ended with ERR is to be made again as it was, rather than counted as a fault of the
 * other side: it was not delivered, or nobody knows (doc/spec/session.md 12). */
bool effect_is_transient(enum sl_err err);

/* What a step that is tried again because of it says was in its way. ERR is transient. */
enum step_cause effect_cause(enum sl_err err);

/* ---- parts that belong to payments (payment/types.h) and are only pointed to here ---- */

struct cash;
struct contact_info;
struct failure;
struct operation_failure;
struct invoice_details;
struct payer;
struct payer_session_info;
struct target;
struct trx;
struct user_interaction;

/* ---- payment_info, doc/spec/session.md 10 ---- */

struct proxy_currency {
    const char *name;
    const char *symbolic_code;
    int64_t numeric_code;
    int64_t exponent;
};

struct proxy_cash {
    int64_t amount;
    struct proxy_currency currency;
};

struct proxy_category {
    const char *name;
    const char *description;
    const char *type; /* "test", "live"; NULL: not said */
};

struct proxy_location {
    const char *url;
};

struct proxy_shop {
    const char *id;
    struct proxy_category category;
    const char *name;
    const char *description; /* NULL: none */
    struct proxy_location location;
};

struct proxy_invoice {
    const char *id;
    int64_t created_at;
    int64_t due;
    const struct invoice_details *details;
    struct proxy_cash cost;
};

/* A payment_service object, for payment_terminal and digital_wallet tools. */
struct proxy_payment_service {
    const char *name;
    const char *description; /* NULL: none */
    const char *category;    /* NULL: none */
    const char *brand_name;  /* NULL: none */
};

struct proxy_recurrent_resource {
    const void *payment_tool; /* struct payment_tool */
    const char *rec_token;
};

struct proxy_resource {
    int tag; /* PROXY_RESOURCE_* */
    const void *disposable_payment_resource; /* struct payment_resource */
    const struct proxy_recurrent_resource *recurrent_payment_resource;
};
enum { PROXY_RESOURCE_DISPOSABLE = 1, PROXY_RESOURCE_RECURRENT };

struct proxy_payment {
    const char *id;
    int64_t created_at;
    const struct trx *trx; /* NULL: none is bound on this route */
    struct proxy_resource payment_resource;
    const struct proxy_payment_service *payment_service;  /* NULL: not such a tool */
    const struct payer_session_info *payer_session_info; /* NULL: none */
    struct proxy_cash cost;
    const struct contact_info *contact_info;
    const bool *make_recurrent;
    const bool *skip_recurrent;
    int64_t processing_deadline; /* 0: none */
};

struct proxy_refund {
    const char *id;
    int64_t created_at;
    struct proxy_cash cash;
    const struct trx *trx; /* NULL: none is bound yet */
};

struct proxy_capture {
    struct proxy_cash cost;
};

struct payment_info {
    struct proxy_shop shop;
    struct proxy_invoice invoice;
    struct proxy_payment payment;
    const struct proxy_refund *refund;   /* only for refund targets */
    const struct proxy_capture *capture; /* only when the target is captured */
};

/* ---- process_payment, handle_payment_callback ---- */

struct proxy_session {
    const struct target *target;
    const char *state; /* base64; NULL in a new session */
};

struct proxy_request { /* FX_PROVIDER_PROCESS: effect_args.request */
    struct proxy_session session;
    struct payment_info payment_info;
    struct type_list options; /* of struct type_string_entry */
};

struct proxy_callback_request { /* FX_PROVIDER_CALLBACK: effect_args.request */
    const char *callback; /* base64 */
    struct proxy_request context;
};

struct proxy_success {
    const char *token;                /* recurrent token; NULL: none */
    const struct cash *changed_cost; /* NULL: unchanged */
};

struct proxy_status {
    int tag; /* PROXY_STATUS_* */
    const struct proxy_success *success;
    const struct failure *failure;
};
enum { PROXY_STATUS_SUCCESS = 1, PROXY_STATUS_FAILURE };

struct proxy_finish {
    struct proxy_status status;
};

struct proxy_timer {
    int tag; /* PROXY_TIMER_* */
    int64_t timeout;  /* seconds from now */
    int64_t deadline; /* microseconds since 1970 */
};
enum { PROXY_TIMER_TIMEOUT = 1, PROXY_TIMER_DEADLINE };

struct proxy_timeout_behaviour {
    int tag; /* PROXY_TIMEOUT_* */
    const struct operation_failure *operation_failure;
    const char *callback; /* base64 */
};
enum { PROXY_TIMEOUT_FAILURE = 1, PROXY_TIMEOUT_CALLBACK };

struct proxy_sleep {
    struct proxy_timer timer;
    const struct user_interaction *user_interaction; /* NULL: none */
    const void *user_interaction_completion;         /* {}; not NULL: the outstanding one is done */
};

struct proxy_suspend {
    const char *tag;
    struct proxy_timer timeout;
    const struct user_interaction *user_interaction;
    const void *user_interaction_completion;
    struct proxy_timeout_behaviour timeout_behaviour; /* tag 0: operation_timeout */
};

struct proxy_intent {
    int tag; /* PROXY_INTENT_* */
    const struct proxy_finish *finish;
    const struct proxy_sleep *sleep;
    const struct proxy_suspend *suspend;
};
enum { PROXY_INTENT_FINISH = 1, PROXY_INTENT_SLEEP, PROXY_INTENT_SUSPEND };

struct proxy_result { /* FX_PROVIDER_PROCESS: effect_result.value */
    struct proxy_intent intent; /* tag 0: none */
    const char *next_state;     /* base64; NULL: unchanged */
    const struct trx *trx;      /* NULL: no news */
};

struct proxy_callback_result { /* FX_PROVIDER_CALLBACK: effect_result.value */
    const char *response; /* base64; for whoever sent the callback */
    struct proxy_result result;
};

/* ---- inspect_payment, doc/spec/session.md 13 ---- */

struct inspect_party {
    const char *party_ref; /* the id */
};

struct inspect_shop {
    const char *shop_ref; /* the id */
    struct proxy_category category;
    const char *name;
    const char *description; /* NULL: none */
    struct proxy_location location;
};

struct inspect_invoice {
    const char *id;
    int64_t created_at;
    int64_t due;
    const struct invoice_details *details;
    const void *client_info; /* struct invoice_client_info; NULL: none */
};

struct inspect_payment {
    const char *id;
    int64_t created_at;
    const struct payer *payer;
    const struct cash *cost;
    const bool *make_recurrent;
};

struct inspect_payment_info {
    struct inspect_party party;
    struct inspect_shop shop;
    struct inspect_invoice invoice;
    struct inspect_payment payment;
};

struct inspect_request { /* FX_INSPECT: effect_args.request */
    struct inspect_payment_info payment;
    struct type_list options; /* of struct type_string_entry */
};

struct inspect_answer { /* FX_INSPECT: effect_result.value */
    int risk_score; /* of the risk score type: 1 trusted, 2 low, 3 high, 4 fatal */
};

/* ---- is_blacklisted, doc/spec/session.md 13: all candidates of a routing in one call ---- */

struct blacklist_route {
    int64_t first_id, second_id; /* provider, terminal */
};
struct blacklist_request { /* FX_BLACKLIST: effect_args.request */
    const char *field_name; /* "CARD_TOKEN" */
    const char *value;
    struct type_list routes; /* of struct blacklist_route */
};
struct blacklist_answer { /* FX_BLACKLIST: effect_result.value */
    struct type_list blacklisted; /* of bool, one for each route */
};

extern const struct type type_payment_info;
extern const struct type type_proxy_request;
extern const struct type type_proxy_callback_request;
extern const struct type type_proxy_result;
extern const struct type type_proxy_callback_result;
extern const struct type type_inspect_request;
extern const struct type type_inspect_answer;
extern const struct type type_blacklist_request;
extern const struct type type_blacklist_answer;

#endif

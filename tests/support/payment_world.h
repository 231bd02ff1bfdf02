/* An invoice with its payments on the machine driver, the example configuration, and scripted adapters. */
#ifndef SLUICE_TESTS_PAYMENT_WORLD_H
#define SLUICE_TESTS_PAYMENT_WORLD_H

#include "domain/domain.h"
#include "payment/calls.h"
#include "payment/errors.h"
#include "payment/state.h"
#include "support/limit_counters.h"
#include "support/machine_driver.h"

#define WORLD_ANSWERS_MAX 64
#define WORLD_CALLS_MAX 128

/* A change of the example configuration: of the object KIND with reference REF (JSON), what stands at PATH
 * (members, separated by dots) becomes VALUE (JSON), or is taken away (NULL). KIND NULL ends a list. */
struct world_patch {
    const char *kind, *ref, *path, *value;
};

struct world_answer {
    enum sl_err err;
    const char *json; /* SL_OK: of the call's answer */
};

struct world_call {
    int kind; /* FX_* */
    const char *key, *url, *request; /* request: JSON */
};

struct payment_world {
    struct machine_driver driver;
    struct domain *domain;
    bool borrowed; /* DOMAIN is somebody else's */
    struct world_answer answers[WORLD_ANSWERS_MAX]; /* of the provider; after the last one all goes well */
    size_t answer_count, answer_next;
    const char *risk; /* the inspector's answer; NULL: as its options say; "": it cannot be reached */
    int64_t funds;         /* of every account, in other partitions: nothing of it is held */
    enum sl_err funds_err; /* not SL_OK: balances cannot be read */
    struct world_call calls[WORLD_CALLS_MAX]; /* of adapters */
    size_t call_count;
    struct limit_counters *counters;
    enum sl_err limits_err;       /* what orders of limits end with; SL_OK: they are done */
    int64_t blacklisted_terminal; /* 0: none */
    const char *kept;             /* what the card store got last: "party/card token@provider.terminal customer payment" */
    enum sl_err cards_err;        /* what it answers */
};

/* A failed attempt is the end: the merchant's terms allow no other. */
extern const struct world_patch world_no_cascade[];

/* A world with an unpaid invoice "inv" of SHOP over AMOUNT (RUB), due in an hour. PATCHES may be NULL. */
void world_open(struct payment_world *world, const char *shop, int64_t amount, const struct world_patch *patches);
/* The same with a configuration of the caller's, which outlives the world. Answers how the invoice's creation ended. */
enum step_end world_open_with(struct payment_world *world, const char *shop, int64_t amount, struct domain *domain);
/* The example configuration with PATCHES is the newest from now on. */
void world_configure(struct payment_world *world, const struct world_patch *patches);
void world_close(struct payment_world *world);

/* What the provider will say next, one after the other. */
void world_say(struct payment_world *world, const char *json);
void world_say_error(struct payment_world *world, enum sl_err err);

/* StartPayment with a VISA card issued in the USA, instant. */
enum step_end world_start(struct payment_world *world);
/* The same with TOOL, FLOW and further members (`,"id":"7"`), all JSON; NULL: as above. */
enum step_end world_start_with(struct payment_world *world, const char *tool, const char *flow, const char *more);
/* RegisterPayment with a VISA card, or under PARENT a recurrent payer (NULL: none). REST: all members but the payer. */
enum step_end world_register(struct payment_world *world, const char *rest, const struct parent_payment *parent);
/* Runs all that is due now. */
void world_run(struct payment_world *world);

/* CapturePayment and CancelPayment of payment ID; BODY: JSON of the parameters. */
enum step_end world_capture(struct payment_world *world, const char *id, const char *body);
enum step_end world_cancel(struct payment_world *world, const char *id, const char *reason);
/* RefundPayment and CreateManualRefund, likewise. */
enum step_end world_refund(struct payment_world *world, const char *id, const char *body);
enum step_end world_manual_refund(struct payment_world *world, const char *id, const char *body);
enum step_end world_callback(struct payment_world *world, const char *tag, const char *payload);
enum step_end world_session_change(struct payment_world *world, const char *tag, const char *failure_json);

const struct invoice_state *world_state(const struct payment_world *world);
const struct payment_state *world_payment(const struct payment_world *world); /* the newest */
/* "captured"; "failed:code:sub" */
const char *world_status(const struct payment_world *world);
/* Names of all changes since event FROM: "started | shop_limit_initiated". */
const char *world_history(const struct payment_world *world, size_t from);
/* "InvalidRequest: text" of the last refusal. */
const char *world_refusal(const struct payment_world *world);
/* "own/min/max" of ACCOUNT. */
const char *world_balance(const struct payment_world *world, int64_t account);
/* Owns sum to zero, and no account has anything held. */
bool world_books_are_settled(const struct payment_world *world);

extern const char tool_visa_usa[], tool_visa_rus[];

#endif

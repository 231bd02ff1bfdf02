/* The mock bank: a provider and an inspector for tests and demonstrations, and the judge of fault tests.
 * One process, one event loop. See README.md. */
#ifndef MOCKBANK_MOCK_H
#define MOCKBANK_MOCK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct exchange;
struct evhttp_request;

struct mock {
    struct event_base *base;
    int port;
    double time_scale;   /* all timeouts, sleeps and delays are multiplied by it */
    const char *service; /* base url of sluiced's API; NULL: callbacks cannot be sent */
    const char *token;   /* bearer token for it; NULL: none */
    struct book *book;
    struct faults *faults;
    json_t *log;         /* of every call */
    struct exchange *exchanges; /* calls that are being answered: main.c */
    struct late *late;   /* callbacks that will be late: callbacks.c */
};

#define NAME_BYTES 640 /* of "what/invoice/payment" and of tags, with the NUL */
#define ID_BYTES 257   /* of invoice (ID@PARTY), payment and refund ids; longer ones are refused */

/* An answer to a call: HTTP status and body. BODY is the receiver's. */
struct answer {
    int status;
    json_t *body;
    int64_t delay_ms; /* it is to leave that much later */
};

/* ---- book.c: what was done, by idempotency key ---- */

struct book *book_new(const char *path); /* NULL: in memory only; ends the process if PATH cannot be used */
void book_free(struct book *book);
void book_reset(struct book *book);
/* The stored answer of KEY. False: none. A key with another CONTENT is a conflict: recorded, answered 409. */
bool book_find(struct book *book, const char *key, const char *content, struct answer *out);
bool book_knows(const struct book *book, const char *key);
/* Keeps the answer of KEY. EFFECT: "charge", "capture", "cancel", "refund" or NULL; CASH its amount. */
void book_keep(struct book *book, const char *key, const char *content, const struct answer *answer, const char *effect,
               const char *invoice, const char *payment, const json_t *cash, int step);
/* Counters that outlive the process as well: posted forms, polls, inspections; 0 at first. */
int64_t book_mark(const struct book *book, const char *name);
void book_mark_set(struct book *book, const char *name, int64_t value);
/* Steps that a scenario card's payment has made. */
int book_steps(const struct book *book, const char *invoice, const char *payment);
json_t *book_show(const struct book *book);

/* ---- faults.c: misbehaviour on demand ---- */

enum fault_kind {
    FAULT_NONE, FAULT_DELAY, FAULT_LOST_AFTER, FAULT_RESET_BEFORE, FAULT_STATUS_500, FAULT_STATUS_503, FAULT_GARBAGE,
    FAULT_HUGE_BODY, FAULT_SLOW_DRIP, FAULT_DUPLICATE_CALLBACK, FAULT_EARLY_CALLBACK, FAULT_LATE_CALLBACK,
};
struct fault {
    enum fault_kind kind;
    int ms; /* 0: the kind's own */
};
/* When faults are drawn: for each call, for each suspend answer, for each posted form. */
enum fault_moment { FAULT_AT_CALL, FAULT_AT_SUSPEND, FAULT_AT_FORM };
struct faults *faults_new(void);
void faults_free(struct faults *faults);
void faults_clear(struct faults *faults);
/* From {"kind", "next"?, "share"?, "ms"?, "target"?}; false with *WHY. */
bool faults_add(struct faults *faults, const json_t *wish, const char **why);
/* The fault for MOMENT of a call towards TARGET ("processed", …, "inspect"), used up by it. */
struct fault faults_take(struct faults *faults, enum fault_moment moment, const char *target);
const char *fault_name(enum fault_kind kind); /* "" for none */

/* ---- provider.c, tools.c, cards.c, inspector.c ---- */

struct answer provider_process(struct mock *mock, const json_t *context, const char *key, const char *content);
struct answer provider_callback(struct mock *mock, const json_t *request, const char *key, const char *content);
/* Whether the callback wants to see the payment first (service_get_payment); then TAG is its tag. */
bool provider_asks_payment(struct mock *mock, const json_t *request, const char *key, char tag[NAME_BYTES]);
struct answer inspect_payment(struct mock *mock, const json_t *request);
struct answer inspect_blacklist(const json_t *request);

/* One call to the provider, taken apart. */
struct call {
    struct mock *mock;
    const char *target;
    const char *state, *tag; /* what we left in the session: our own word, "" at first; the tag when suspended */
    const char *refund;      /* its id; "" if there is none */
    const char *invoice, *payment, *override;
    const json_t *info, *options, *tool, *cost;
    const char *token;          /* of the card; "" for other tools */
    const char *payload;        /* of a callback; NULL: none */
    unsigned strikes;           /* STRIKE_*: where always_fail strikes this tool */
    bool by_number;             /* the card table's ways: cards.c */
    /* out */
    const char *effect;
    json_t *effect_cash;        /* owned */
    int step;                   /* a scenario step was taken: its number */
    int64_t delay_ms;
};
enum { STRIKE_FIRST = 1, STRIKE_LATER = 2 };

json_t *call_answer(struct call *call);           /* tools.c: the result {intent, next_state?, trx?}, or NULL: unexpected error */
json_t *call_callback(struct call *call);         /* the same for a callback */

/* cards.c. NULL: no such number; else its digits. */
const char *card_number_of(const char *token);
json_t *card_by_number(struct call *call);
json_t *card_callback(struct call *call);
bool phone_is_known(const struct call *call);
json_t *phone_by_number(struct call *call); /* one that is known */

/* tools.c: parts of answers */
json_t *finish_ok(struct call *call);
json_t *finish_failure(struct call *call, const char *notation, const char *reason, bool with_trx);
json_t *sleep_for(struct call *call, double seconds, const char *next_state, json_t *interaction, bool completed);
json_t *suspend_for(struct call *call, const char *tag, double seconds, const char *next_state, json_t *interaction,
                    json_t *behaviour);
json_t *failure_of(const char *notation, const char *reason);
json_t *base64_of(const char *text);

/* ---- callbacks.c: towards the service ---- */

/* Calls: DONE once, with the service's status, 0: not reached; it may run before the function returns. */
typedef void (*service_done_fn)(void *arg, int status);
/* Delivers PAYLOAD under TAG; DONE may be NULL. */
void service_callback(struct mock *mock, const char *tag, const char *payload, service_done_fn done, void *arg);

void service_get_payment(struct mock *mock, const char *tag, service_done_fn done, void *arg);
/* What the faults want besides an answer that suspends. Gives the milliseconds by which it is to be held. */
int64_t callbacks_around(struct mock *mock, const char *target, const json_t *suspend);
/* Drops those that are still to come. */
void callbacks_forget(struct mock *mock);

/* ---- forms.c ---- */
void form_post(struct mock *mock, struct evhttp_request *http);
/* The page of a bank that wants a GET: the same fields, in the query. */
void form_get(struct mock *mock, struct evhttp_request *http);

#endif

/* What the parts of the traffic share: traffic.c (who comes, and when), want.c (one thing that a caller wants, over all
 * its attempts), shopper.c (what merchants hear and do), payments.c, recurrents.c and refunds.c (what they ask),
 * templates.c (invoice templates), callback.c (the bank's callbacks) and operator.c (repairs). Everybody else includes sim.h alone.            */
#ifndef SLUICE_TESTS_SIM_TRAFFIC_H
#define SLUICE_TESTS_SIM_TRAFFIC_H

#include <uthash.h>

#include "sim/sim.h"

#define MARKER_BYTES 24

struct shopper {
    UT_hash_handle hh; /* by id */
    struct sim *sim;
    char id[24];
    struct rng rng;
    int payments, started; /* wanted, asked for */
    int outstanding;       /* calls and plans */
    int repairs, refunds;
    int keys;              /* given out; short ones, that other machines have as well */
    bool repairing, capturing, closing;
    int64_t amount, due_us;
    int shop;
    char payment[MARKER_BYTES]; /* the newest */
    struct pattern *pattern; /* the template that it is to be made from; NULL: none */
    int64_t asked_us;        /* the first time for that */
};

/* A template, and its merchant. */
#define PATTERNS_MAX 200
struct pattern {
    struct sim *sim;
    char id[24];
    struct rng rng;
    int shop, acts, acts_wanted;
    bool over;
    struct invoice_template *first; /* as it was read first (BREAK_STALE_TEMPLATE) */
};

/* A payment that may have a recurrent token. */
#define PARENTS_MAX 64
struct parent_row {
    const char *party;
    char invoice[24], payment[MARKER_BYTES];
};

struct traffic {
    struct sim *sim;
    struct shopper *shoppers;
    size_t count, started, calls;
    bool all_born;
    uint64_t markers;
    struct parent_row parents[PARENTS_MAX]; /* the newest of them */
    size_t parent_count;
    struct pattern *patterns[PATTERNS_MAX];
    size_t pattern_count;
    struct arena *arena; /* of what was told */
    struct told *told;
    size_t told_count, told_cap;
};

/* One thing that a caller wants, over all its attempts. */
struct want {
    struct shopper *shopper; /* NULL: nobody's, as the bank's callback */
    struct sim *sim;
    struct arena *arena;
    const struct machine_kind *kind;
    const char *id;          /* of the machine */
    enum deed deed;
    enum { WANT_START, WANT_CALL, WANT_REPAIR } how;
    char what[MARKER_BYTES]; /* the payment's id, or the marker */
    const char *needle;      /* of its trace in the history; NULL: what it is told is not written down */
    bool many;               /* ... which may be there more than once */
    bool again;              /* it may be asked again without harm: under its id or its key */
    const char *key;         /* Idempotency-Key; NULL: none */
    struct invoice_params params;
    struct invoice_call call;
    const void *args;        /* either of them, or another kind's */
    /* What is read before the call is made, at the same daemon, and what is then asked: args, in the want's arena;
     * NULL: it is not asked at all, and ends with *VERDICT. FIRST_ID NULL: nothing is read. */
    const struct machine_kind *first_kind;
    const char *first_id;
    const void *(*prepare)(struct want *want, const struct runtime_result *result, int *verdict);
    int tries, out;          /* attempts that were made, and that are out */
    bool ended;
    int64_t done_version;    /* of the first answer that it was done; 0: none yet */
    char reply[MARKER_BYTES];/* the payment that the answer named */
    void (*then)(struct want *want, int verdict); /* once */
    callback_done_fn callback_done;
    void *callback_arg;
};

/* ---- plans and wants (want.c) ---- */

void plan_after(struct shopper *shopper, int64_t delay_us, void (*fn)(struct shopper *shopper));
/* A call on machine ID of KIND, of nobody in particular: traffic_over() does not wait for it. */
struct want *want_blank(struct sim *sim, const struct machine_kind *kind, const char *id, enum deed deed);
/* A call on the shopper's invoice. */
struct want *want_new(struct shopper *shopper, enum deed deed);
/* One whose marker (want->what) goes into its reason, say, and so into the history. NEEDLE: the text around the
 * marker, once for each time that it was done, with "%s" for the marker; NULL: the marker alone, perhaps often. */
struct want *want_marked(struct shopper *shopper, enum deed deed, int call, const char *needle);
void want_needle(struct want *want, const char *needle); /* the same for a want that is there */
void want_told(const struct want *want, int verdict, int64_t version); /* as if it had been asked */
void want_key(struct want *want);                        /* gives it a key: it is asked until somebody knows */
void want_try(struct want *want);                           /* at some daemon; WANT is gone when it has ended */
void want_try_at(struct want *want, struct daemon *daemon); /* at this one */
void want_end(struct want *want, int verdict);
void want_release(struct want *want);                       /* frees it when it has ended and nothing of it is out */

/* ---- merchants (shopper.c, payments.c, refunds.c) ---- */

struct shop_row {
    const char *party, *shop;
    int64_t low, high;
};
extern const struct shop_row shops[];
extern const size_t shop_count;

void shopper_create(struct shopper *shopper);
void shopper_pay(struct shopper *shopper);
void shopper_capture(struct shopper *shopper);
void shopper_cancel(struct shopper *shopper);
void shopper_refund(struct shopper *shopper);
struct type_list no_items(struct arena *arena); /* a list that is there, and empty */
/* COUNT lines that cost TOTAL together; in ARENA. */
const struct invoice_cart *cart_of(int64_t total, int count, struct arena *arena);

/* ---- recurrent and registered payments (recurrents.c) ---- */

#define CARDS 50 /* that there are */

void parent_note(const struct shopper *shopper, const char *payment);
/* WANT pays with what some earlier payment left behind. False: there is none. */
bool payer_recurrent(struct shopper *shopper, struct want *want, struct payer_params *payer);
/* WANT, which starts a payment under an id of its own, registers one instead. */
void register_fill(struct shopper *shopper, struct want *want, const struct payer_params *payer);
void card_post(void *arg); /* struct sim */

/* ---- templates (templates.c) ---- */

void pattern_arrives(void *arg); /* struct sim */
void patterns_free(struct traffic *traffic);
struct want *template_want(struct shopper *shopper); /* its invoice, from some template; NULL: there is none */

/* ---- the operator (operator.c) ---- */

void operator_look(void *arg); /* struct sim */

#endif

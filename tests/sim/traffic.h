/* What the parts of the traffic share: traffic.c (who comes, and when), want.c (one thing that a caller wants, over all
 * its attempts), shopper.c (what merchants ask for, and what they hear), callback.c (the bank's callbacks) and
 * operator.c (repairs). Everybody else includes sim.h alone.                                                  */
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
    bool born, repairing, capturing, closing;
    int64_t amount, due_us;
    int shop;
    int64_t seen_version;  /* some answer spoke of it */
};

struct traffic {
    struct sim *sim;
    struct shopper *shoppers;
    size_t count, started, calls;
    bool all_born;
    uint64_t markers;
    struct told *told;
    size_t told_count, told_cap;
};

/* One thing that a caller wants, over all its attempts. */
struct want {
    struct shopper *shopper; /* NULL: the bank's callback */
    struct sim *sim;
    struct arena *arena;
    int kind;                /* enum asked_what */
    char what[MARKER_BYTES];
    enum { WANT_CREATE, WANT_CALL, WANT_REPAIR } how;
    const char *id;
    struct invoice_params params;
    struct invoice_call call;
    int tries, out;          /* attempts that were made, and that are out */
    bool ended;
    void (*then)(struct want *want, int verdict); /* once */
    callback_done_fn callback_done;
    void *callback_arg;
};

/* ---- plans and wants (want.c) ---- */

void plan_after(struct shopper *shopper, int64_t delay_us, void (*fn)(struct shopper *shopper));
struct want *want_new(struct shopper *shopper, int kind, const char *what);
/* A want whose marker, which goes into its reason, is to be found in the history. */
struct want *want_marked(struct shopper *shopper, int call);
void want_try(struct want *want);                           /* at some daemon; WANT is gone when it has ended */
void want_try_at(struct want *want, struct daemon *daemon); /* at this one */
void want_end(struct want *want, int verdict);
void want_release(struct want *want);                       /* frees it when it has ended and nothing of it is out */

/* ---- merchants (shopper.c) ---- */

struct shop_row {
    const char *party, *shop;
    int64_t low, high;
};
extern const struct shop_row shops[];
extern const size_t shop_count;

void shopper_create(struct shopper *shopper);

/* ---- the operator (operator.c) ---- */

void operator_look(void *arg); /* struct sim */

#endif

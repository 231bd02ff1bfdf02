/* Allocations: one payment split over several shops, whose fees gather at the shop that was paid.
 *
 * A library with nobody inside who calls it: no allocation can enter the system (invoices and captures ignore
 * them, refunds refuse them), but their shapes and arithmetic are fixed here.
 * Ref: doc/spec/allocations.md 1-4.                                                                 */
#ifndef SLUICE_MONEY_ALLOCATION_H
#define SLUICE_MONEY_ALLOCATION_H

#include "money/cashflow.h"

#define ALLOCATION_TRANSACTIONS_MAX 1000

/* ---- shapes ---- */

struct allocation_target {
    int tag; /* TARGET_SHOP */
    struct merchant_owner shop;
};
enum { ALLOCATION_TARGET_SHOP = 1 };

struct allocation_details {
    const char *cart; /* raw JSON, carried through; NULL: none */
};
struct allocation_fee_share {
    struct rational parts;
    int rounding_method; /* enum rounding */
};
struct allocation_amount {
    struct cash amount;
};
struct allocation_fee {
    int tag; /* ALLOCATION_FEE_* */
    struct allocation_amount fixed;
    struct allocation_fee_share share;
};
enum { ALLOCATION_FEE_FIXED = 1, ALLOCATION_FEE_SHARE };
struct allocation_total {
    struct cash total;
    struct allocation_fee fee;
};
/* What is asked for. */
struct allocation_proto_body {
    int tag; /* ALLOCATION_BODY_* */
    struct allocation_amount amount;
    struct allocation_total total;
};
enum { ALLOCATION_BODY_AMOUNT = 1, ALLOCATION_BODY_TOTAL };
struct allocation_proto_trx {
    struct allocation_target target;
    struct allocation_proto_body body;
    const struct allocation_details *details; /* NULL: none */
};
struct allocation_prototype {
    struct type_list transactions; /* of struct allocation_proto_trx */
};

/* What comes of it. */
struct allocation_body {
    struct allocation_target fee_target;
    struct cash total, fee_amount;
    const struct allocation_fee_share *fee; /* NULL: it was a fixed one */
};
struct allocation_trx {
    const char *id;
    struct allocation_target target;
    struct cash amount;
    const struct allocation_body *body;       /* NULL: without a fee */
    const struct allocation_details *details; /* NULL: none */
};
struct allocation {
    struct type_list transactions; /* of struct allocation_trx; the newest first */
};

extern const struct type type_allocation_prototype, type_allocation;

/* ---- arithmetic ---- */

enum allocation_fault {
    ALLOCATION_AMOUNT_EXCEEDED = 1, /* what is left of the cost is not what the fees sum to, either way */
    ALLOCATION_ZERO_AMOUNT,
    ALLOCATION_NEGATIVE_AMOUNT,
    ALLOCATION_TARGET_CONFLICT, /* two transactions to one shop */
    ALLOCATION_CURRENCY_MISMATCH,
    ALLOCATION_NO_TRANSACTION_TO_SUB,
    ALLOCATION_EMPTY, /* no transaction is asked for */
    ALLOCATION_RANGE, /* a share has no value */
};
const char *allocation_fault_name(int fault); /* "amount_exceeded" */

/* What is wrong, and with which transaction (one of the two; NULL: with the whole). */
struct allocation_error {
    int fault; /* ALLOCATION_* */
    const struct allocation_proto_trx *prototype;
    const struct allocation_trx *transaction;
};

/* Splits COST (at least 0) as PROTOTYPE asks; fees go to FEE_TARGET. All in ARENA.
 * Errors: SL_EINVAL, and *ERROR says why; *OUT is then as it was. */
SL_MUST_USE enum sl_err allocation_calculate(const struct allocation_prototype *prototype,
                                             const struct allocation_target *fee_target, const struct cash *cost,
                                             struct arena *arena, struct allocation *out,
                                             struct allocation_error *error);

/* What is left of ALLOCATION after a refund's allocation TAKEN. Those that TAKEN does not touch stand first, in
 * their order, then the touched ones, the last touched first. Errors as above. */
SL_MUST_USE enum sl_err allocation_subtract(const struct allocation *allocation, const struct allocation *taken,
                                            struct arena *arena, struct allocation *out,
                                            struct allocation_error *error);

#endif

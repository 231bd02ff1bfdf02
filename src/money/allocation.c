/* Splitting, and taking away again what was refunded. */
#include "money/allocation.h"

#include <assert.h>
#include <string.h>

/* ---- tables ---- */

static const struct type_field owner_rows[] = {
    TF_REQ(merchant_owner, party_ref, type_id_ref),
    TF_REQ(merchant_owner, shop_ref, type_id_ref),
};
static const struct type type_owner = TYPE_STRUCT_OF("AllocationTargetShop", merchant_owner, owner_rows);
static const struct type_field target_rows[] = { TF_VAR(allocation_target, shop, type_owner) };
static const struct type type_target = TYPE_UNION_OF("AllocationTarget", allocation_target, target_rows);
static const struct type_field details_rows[] = { TF_OPT(allocation_details, cart, type_raw) };
static const struct type type_details = TYPE_STRUCT_OF("AllocationDetails", allocation_details, details_rows);
static const struct type_field share_rows[] = {
    TF_REQ(allocation_fee_share, parts, type_rational),
    TF_OPT(allocation_fee_share, rounding_method, type_rounding),
};
static const struct type type_share = TYPE_STRUCT_OF("AllocationFeeShare", allocation_fee_share, share_rows);
static const struct type_field amount_rows[] = { TF_REQ(allocation_amount, amount, type_cash) };
static const struct type type_amount_body = TYPE_STRUCT_OF("AllocationAmount", allocation_amount, amount_rows);
static const struct type_field fee_rows[] = {
    TF_VAR(allocation_fee, fixed, type_amount_body),
    TF_VAR(allocation_fee, share, type_share),
};
static const struct type type_fee = TYPE_UNION_OF("AllocationFee", allocation_fee, fee_rows);
static const struct type_field total_rows[] = {
    TF_REQ(allocation_total, total, type_cash),
    TF_REQ(allocation_total, fee, type_fee),
};
static const struct type type_total = TYPE_STRUCT_OF("AllocationTotal", allocation_total, total_rows);
static const struct type_field proto_body_rows[] = {
    TF_VAR(allocation_proto_body, amount, type_amount_body),
    TF_VAR(allocation_proto_body, total, type_total),
};
static const struct type type_proto_body = TYPE_UNION_OF("AllocationPrototypeBody", allocation_proto_body, proto_body_rows);
static const struct type_field proto_trx_rows[] = {
    TF_REQ(allocation_proto_trx, target, type_target),
    TF_REQ(allocation_proto_trx, body, type_proto_body),
    TF_PTR(allocation_proto_trx, details, type_details),
};
static const struct type type_proto_trx =
    TYPE_STRUCT_OF("AllocationPrototypeTransaction", allocation_proto_trx, proto_trx_rows);
static const struct type type_proto_list = {
    .kind = TYPE_LIST, .size = sizeof(struct type_list), .item = &type_proto_trx, .min = 0,
    .max = ALLOCATION_TRANSACTIONS_MAX,
};
static const struct type_field prototype_rows[] = { TF_REQ(allocation_prototype, transactions, type_proto_list) };
const struct type type_allocation_prototype =
    TYPE_STRUCT_OF("AllocationPrototype", allocation_prototype, prototype_rows);

static const struct type_field body_rows[] = {
    TF_REQ(allocation_body, fee_target, type_target),
    TF_REQ(allocation_body, total, type_cash),
    TF_REQ(allocation_body, fee_amount, type_cash),
    TF_PTR(allocation_body, fee, type_share),
};
static const struct type type_body = TYPE_STRUCT_OF("AllocationBody", allocation_body, body_rows);
static const struct type_field trx_rows[] = {
    TF_REQ(allocation_trx, id, type_id),         TF_REQ(allocation_trx, target, type_target),
    TF_REQ(allocation_trx, amount, type_cash),   TF_PTR(allocation_trx, body, type_body),
    TF_PTR(allocation_trx, details, type_details),
};
static const struct type type_trx = TYPE_STRUCT_OF("AllocationTransaction", allocation_trx, trx_rows);
static const struct type type_trx_list = {
    .kind = TYPE_LIST, .size = sizeof(struct type_list), .item = &type_trx, .min = 0,
    .max = ALLOCATION_TRANSACTIONS_MAX + 1, /* the one that gathers the fees */
};
static const struct type_field allocation_rows[] = { TF_REQ(allocation, transactions, type_trx_list) };
const struct type type_allocation = TYPE_STRUCT_OF("Allocation", allocation, allocation_rows);

static const char *const fault_names[] = {
    [ALLOCATION_AMOUNT_EXCEEDED] = "amount_exceeded",
    [ALLOCATION_ZERO_AMOUNT] = "zero_amount",
    [ALLOCATION_NEGATIVE_AMOUNT] = "negative_amount",
    [ALLOCATION_TARGET_CONFLICT] = "target_conflict",
    [ALLOCATION_CURRENCY_MISMATCH] = "currency_mismatch",
    [ALLOCATION_NO_TRANSACTION_TO_SUB] = "no_transaction_to_sub",
    [ALLOCATION_EMPTY] = "empty",
    [ALLOCATION_RANGE] = "out_of_range",
};
_Static_assert(SL_COUNT(fault_names) == ALLOCATION_RANGE + 1, "every fault has a name");

const char *allocation_fault_name(int fault)
{
    assert(fault >= 1 && fault <= ALLOCATION_RANGE);
    return fault_names[fault];
}

/* ---- splitting ---- */

static enum sl_err fault_of_prototype(struct allocation_error *error, int fault, const struct allocation_proto_trx *asked)
{
    *error = (struct allocation_error){ .fault = fault, .prototype = asked };
    return SL_EINVAL;
}

static enum sl_err fault_of_trx(struct allocation_error *error, int fault, const struct allocation_trx *trx)
{
    *error = (struct allocation_error){ .fault = fault, .transaction = trx };
    return SL_EINVAL;
}

static struct allocation_trx *trx_find(struct allocation_trx *list, size_t count, const struct allocation_target *target)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (type_equal(&type_target, &list[i].target, target))
            return &list[i];
    }
    return NULL;
}

/* Fills amount and body of TRX; *FEE gets what is kept back. */
static enum sl_err body_compute(const struct allocation_proto_trx *asked, const struct allocation_target *fee_target,
                                struct arena *arena, struct allocation_trx *trx, int64_t *fee,
                                struct allocation_error *error)
{
    const struct allocation_total *total = &asked->body.total;
    struct allocation_body *body;

    if (asked->body.tag == ALLOCATION_BODY_AMOUNT) {
        trx->amount = asked->body.amount.amount;
        *fee = 0;
        return SL_OK;
    }
    body = arena_alloc(arena, sizeof(*body));
    *body = (struct allocation_body){ .fee_target = *fee_target, .total = total->total, .fee_amount = total->total };
    if (total->fee.tag == ALLOCATION_FEE_FIXED) {
        body->fee_amount = total->fee.fixed.amount;
    } else {
        body->fee = &total->fee.share;
        if (!rational_share(total->total.amount, body->fee->parts, (enum rounding)body->fee->rounding_method,
                            &body->fee_amount.amount))
            return fault_of_prototype(error, ALLOCATION_RANGE, asked);
    }
    if (!cash_same_currency(&body->fee_amount, &total->total))
        return fault_of_prototype(error, ALLOCATION_CURRENCY_MISMATCH, asked);
    *fee = body->fee_amount.amount;
    trx->amount = total->total;
    if (__builtin_sub_overflow(total->total.amount, *fee, &trx->amount.amount))
        return fault_of_prototype(error, ALLOCATION_RANGE, asked);
    trx->body = body;
    return SL_OK;
}

/* The list as it is stored: the last one made stands first. */
static struct type_list reversed(const struct allocation_trx *list, size_t count, struct arena *arena)
{
    struct allocation_trx *turned = arena_alloc(arena, (count ? count : 1) * sizeof(*turned));
    size_t i;

    for (i = 0; i < count; i++)
        turned[i] = list[count - 1 - i];
    return (struct type_list){ .items = turned, .count = count };
}

/* What has been made so far. */
struct splitting {
    struct allocation_trx *made;
    size_t count;
    int64_t left, fees;
};

static enum sl_err trx_make(struct splitting *splitting, const struct allocation_proto_trx *asked,
                            const struct allocation_target *fee_target, const struct cash *cost, struct arena *arena,
                            struct allocation_error *error)
{
    struct allocation_trx *trx = &splitting->made[splitting->count];
    int64_t fee;
    enum sl_err err;

    *trx = (struct allocation_trx){ .target = asked->target, .details = asked->details };
    err = body_compute(asked, fee_target, arena, trx, &fee, error);
    if (err)
        return err;
    trx->id = arena_printf(arena, "%zu", splitting->count + 1);
    if (trx->amount.amount <= 0)
        return fault_of_trx(error, trx->amount.amount < 0 ? ALLOCATION_NEGATIVE_AMOUNT : ALLOCATION_ZERO_AMOUNT, trx);
    if (trx_find(splitting->made, splitting->count, &trx->target))
        return fault_of_trx(error, ALLOCATION_TARGET_CONFLICT, trx);
    if (!cash_same_currency(&trx->amount, cost))
        return fault_of_trx(error, ALLOCATION_CURRENCY_MISMATCH, trx);
    if (__builtin_sub_overflow(splitting->left, trx->amount.amount, &splitting->left) ||
        __builtin_add_overflow(splitting->fees, fee, &splitting->fees))
        return fault_of_trx(error, ALLOCATION_RANGE, trx);
    splitting->count++;
    return SL_OK;
}

enum sl_err allocation_calculate(const struct allocation_prototype *prototype, const struct allocation_target *fee_target,
                                 const struct cash *cost, struct arena *arena, struct allocation *out,
                                 struct allocation_error *error)
{
    const struct allocation_proto_trx *asked = prototype->transactions.items;
    size_t i, count = prototype->transactions.count;
    struct splitting splitting = { .left = cost->amount };
    enum sl_err err;

    if (count == 0)
        return fault_of_prototype(error, ALLOCATION_EMPTY, NULL);
    splitting.made = arena_alloc(arena, (count + 1) * sizeof(*splitting.made));
    for (i = 0; i < count; i++) {
        err = trx_make(&splitting, &asked[i], fee_target, cost, arena, error);
        if (err)
            return err;
    }
    if (splitting.left != splitting.fees)
        return fault_of_prototype(error, ALLOCATION_AMOUNT_EXCEEDED, NULL);
    if (splitting.fees > 0) {
        struct allocation_trx *gathers = &splitting.made[splitting.count];

        *gathers = (struct allocation_trx){
            .id = arena_printf(arena, "%zu", splitting.count + 1), .target = *fee_target, .amount = *cost,
        };
        gathers->amount.amount = splitting.fees;
        if (trx_find(splitting.made, splitting.count, fee_target))
            return fault_of_trx(error, ALLOCATION_TARGET_CONFLICT, gathers);
        splitting.count++;
    }
    out->transactions = reversed(splitting.made, splitting.count, arena);
    return SL_OK;
}

/* ---- taking away ---- */

/* Moves LIST's item AT to the end; the others close up. */
static void move_last(struct allocation_trx *list, size_t count, size_t at)
{
    struct allocation_trx moved = list[at];

    memmove(&list[at], &list[at + 1], (count - at - 1) * sizeof(*list));
    list[count - 1] = moved;
}

enum sl_err allocation_subtract(const struct allocation *allocation, const struct allocation *taken, struct arena *arena,
                                struct allocation *out, struct allocation_error *error)
{
    const struct allocation_trx *minus = taken->transactions.items;
    size_t i, count = allocation->transactions.count, touched = 0;
    struct allocation_trx *left = arena_alloc(arena, (count ? count : 1) * sizeof(*left));
    struct type_list turned;

    memcpy(left, allocation->transactions.items, count * sizeof(*left));
    for (i = 0; i < taken->transactions.count; i++) {
        struct allocation_trx *found = trx_find(left, count, &minus[i].target);
        size_t at;

        if (!found)
            return fault_of_trx(error, ALLOCATION_NO_TRANSACTION_TO_SUB, &minus[i]);
        if (!cash_same_currency(&found->amount, &minus[i].amount))
            return fault_of_trx(error, ALLOCATION_CURRENCY_MISMATCH, &minus[i]);
        if (minus[i].amount.amount > found->amount.amount)
            return fault_of_trx(error, ALLOCATION_NEGATIVE_AMOUNT, &minus[i]);
        found->amount.amount -= minus[i].amount.amount;
        at = (size_t)(found - left);
        if (at >= count - touched)
            touched--;
        move_last(left, count, at);
        if (left[count - 1].amount.amount == 0)
            count--;
        else
            touched++;
    }
    turned = reversed(left + count - touched, touched, arena);
    memcpy(left + count - touched, turned.items, touched * sizeof(*left));
    out->transactions = (struct type_list){ .items = left, .count = count };
    return SL_OK;
}

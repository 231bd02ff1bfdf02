/* Splits of a payment over shops: what each gets, what the paid shop keeps, and what is left after refunds. */
#include <criterion/criterion.h>
#include <string.h>

#include "money/allocation.h"

#define SHOP(N) "\"target\":{\"shop\":{\"party_ref\":{\"id\":\"" #N "\"},\"shop_ref\":{\"id\":\"" #N "\"}}}"
#define CASH(N) "{\"amount\":" #N ",\"currency\":{\"symbolic_code\":\"RUB\"}}"
#define USD(N) "{\"amount\":" #N ",\"currency\":{\"symbolic_code\":\"USD\"}}"
#define CART(N) ",\"details\":{\"cart\":[" #N "]}"
#define PLAIN(N, AMOUNT, MORE) "{" SHOP(N) ",\"body\":{\"amount\":{\"amount\":" CASH(AMOUNT) "}}" MORE "}"
#define FIXED(N, TOTAL, FEE, MORE) \
    "{" SHOP(N) ",\"body\":{\"total\":{\"total\":" CASH(TOTAL) ",\"fee\":{\"fixed\":{\"amount\":" CASH(FEE) "}}}}" MORE "}"
#define SHARE(N, TOTAL, P, Q, MORE) \
    "{" SHOP(N) ",\"body\":{\"total\":{\"total\":" CASH(TOTAL) ",\"fee\":{\"share\":{\"parts\":{\"p\":" #P ",\"q\":" #Q "}}}}}" MORE "}"
#define SPLIT_S PLAIN(1, 30, CART(30)) "," FIXED(2, 30, 10, CART(30)) "," SHARE(3, 30, 15, 100, CART(30))
#define OF_S "#4 0:15 #3 3:25 of 30 fee 5 15/100 cart [30] #2 2:20 of 30 fee 10 cart [30] #1 1:30 cart [30]"

static struct arena *arena;
static struct allocation_target payer;

static void open_arena(void)
{
    arena = arena_new();
    payer = (struct allocation_target){ ALLOCATION_TARGET_SHOP, { { "0" }, { "0" } } };
}

static void close_arena(void)
{
    arena_free(arena);
}

TestSuite(allocation, .init = open_arena, .fini = close_arena);

static struct allocation_prototype prototype_of(const char *transactions)
{
    struct type_errors errors = { .count = 0 };
    struct allocation_prototype prototype;
    const char *text = arena_printf(arena, "{\"transactions\":[%s]}", transactions);

    if (type_decode_text(&type_allocation_prototype, text, strlen(text), 0, arena, &prototype, &errors))
        cr_assert_fail("%s: %s", errors.list[0].path, errors.list[0].message);
    return prototype;
}

/* "#1 SHOP:AMOUNT of TOTAL fee FEE P/Q cart CART", the newest first as stored; or the fault and its transaction. */
static const char *told(const struct allocation *allocation)
{
    const struct allocation_trx *list = allocation->transactions.items;
    struct buf text = BUF_EMPTY;
    const char *result;
    size_t i;

    for (i = 0; i < allocation->transactions.count; i++) {
        const struct allocation_body *body = list[i].body;

        buf_printf(&text, "%s#%s %s:%lld", i ? " " : "", list[i].id, list[i].target.shop.shop_ref.id,
                   (long long)list[i].amount.amount);
        if (body) {
            cr_expect_str_eq(body->fee_target.shop.shop_ref.id, "0", "fees go to whom was paid");
            buf_printf(&text, " of %lld fee %lld", (long long)body->total.amount, (long long)body->fee_amount.amount);
        }
        if (body && body->fee)
            buf_printf(&text, " %lld/%lld", (long long)body->fee->parts.p, (long long)body->fee->parts.q);
        if (list[i].details)
            buf_printf(&text, " cart %s", list[i].details->cart);
    }
    result = arena_strdup(arena, buf_text(&text));
    buf_clear(&text);
    return result;
}

static const char *told_fault(const struct allocation_error *error)
{
    const struct allocation_target *target = error->transaction ? &error->transaction->target
                                             : error->prototype ? &error->prototype->target
                                                                : NULL;

    return arena_printf(arena, "%s%s%s", allocation_fault_name(error->fault), target ? " " : "",
                        target ? target->shop.shop_ref.id : "");
}

static const char *split(int64_t cost, const char *transactions, struct allocation *out)
{
    struct allocation_prototype prototype = prototype_of(transactions);
    struct cash cash = { cost, { "RUB" } };
    struct allocation_error error;

    if (allocation_calculate(&prototype, &payer, &cash, arena, out, &error))
        return told_fault(&error);
    return told(out);
}

/* What is left of S after the given refund. */
static const char *subtract(const char *transactions, int64_t cost, const char *refund)
{
    struct allocation whole, taken, left;
    struct allocation_error error;
    const char *made = split(cost, refund, &taken);

    if (made[0] != '#')
        return made;
    cr_assert_eq(split(90, transactions, &whole)[0], '#');
    if (allocation_subtract(&whole, &taken, arena, &left, &error))
        return told_fault(&error);
    return told(&left);
}

static void expect_split(int64_t cost, const char *transactions, const char *expected)
{
    struct allocation out;
    const char *found = split(cost, transactions, &out);

    cr_expect_str_eq(found, expected, "%s: %s", transactions, found);
}

/* A split with fees yields one transaction per line and one that gathers the fees for the owner. */
Test(allocation, calculate_test)
{
    expect_split(90, SPLIT_S, OF_S);
}

/* Without fees there is no gathering transaction. */
Test(allocation, calculate_without_generating_agg_trx_test)
{
    expect_split(90, PLAIN(1, 30, "") "," PLAIN(2, 30, "") "," PLAIN(3, 30, ""), "#3 3:30 #2 2:30 #1 1:30");
}

/* A split above the cost is refused. */
Test(allocation, calculate_amount_exceeded_error_1_test)
{
    expect_split(90, SHARE(1, 50, 1, 2, "") "," SHARE(2, 50, 1, 2, "") "," SHARE(3, 50, 1, 2, ""), "amount_exceeded");
}

/* Taking a whole plain line off removes that transaction only. */
Test(allocation, subtract_one_transaction_1_test)
{
    cr_expect_str_eq(subtract(SPLIT_S, 30, PLAIN(1, 30, "")),
                     "#4 0:15 #3 3:25 of 30 fee 5 15/100 cart [30] #2 2:20 of 30 fee 10 cart [30]");
}

/* Taking a line with share fee off also lowers the owner's fees. */
Test(allocation, subtract_one_transaction_3_test)
{
    cr_expect_str_eq(subtract(SPLIT_S, 30, SHARE(3, 30, 15, 100, "")),
                     "#2 2:20 of 30 fee 10 cart [30] #1 1:30 cart [30] #4 0:10");
}

/* Taking part of a line lowers its amount and keeps its details. */
Test(allocation, subtract_partial_transaction_test)
{
    cr_expect_str_eq(subtract(PLAIN(1, 30, ",\"details\":{\"cart\":[12,18]}") "," FIXED(2, 30, 10, "") ","
                              SHARE(3, 30, 15, 100, ""), 18, PLAIN(1, 18, CART(18))),
                     "#4 0:15 #3 3:25 of 30 fee 5 15/100 #2 2:20 of 30 fee 10 #1 1:12 cart [12,18]");
}

/* What no split may be (allocations.md 3): a wrong one moves money that is not there. */
Test(allocation, refuses_what_does_not_add_up)
{
    expect_split(100, SPLIT_S, "amount_exceeded");
    expect_split(91, PLAIN(1, 30, ""), "amount_exceeded");
    expect_split(30, PLAIN(1, 30, "") "," PLAIN(1, 0, ""), "zero_amount 1");
    expect_split(60, PLAIN(1, 30, "") "," PLAIN(1, 30, ""), "target_conflict 1");
    expect_split(60, PLAIN(0, 30, "") "," FIXED(1, 30, 10, "") "," PLAIN(2, 0, ""), "zero_amount 2");
    expect_split(60, PLAIN(0, 30, "") "," FIXED(1, 30, 5, ""), "target_conflict 0");
    expect_split(30, FIXED(1, 30, 30, ""), "zero_amount 1");
    expect_split(30, FIXED(1, 30, 40, ""), "negative_amount 1");
    expect_split(30, PLAIN(1, -5, ""), "negative_amount 1");
    expect_split(30, "{" SHOP(1) ",\"body\":{\"amount\":{\"amount\":" USD(30) "}}}", "currency_mismatch 1");
    expect_split(30, "{" SHOP(1) ",\"body\":{\"total\":{\"total\":" CASH(30) ",\"fee\":{\"fixed\":{\"amount\":" USD(5) "}}}}}",
                 "currency_mismatch 1");
    expect_split(0, "", "empty");
}

/* What cannot be taken off (allocations.md 4), and how what is left is ordered. */
Test(allocation, subtracts_what_is_there)
{
    static const struct {
        int64_t cost;
        const char *refund, *left;
    } rows[] = {
        { 10, PLAIN(9, 10, ""), "no_transaction_to_sub 9" },
        { 31, PLAIN(1, 31, ""), "negative_amount 1" },
        { 30, FIXED(2, 30, 10, ""), "#3 3:25 of 30 fee 5 15/100 #1 1:30 #4 0:5" },
        { 12, PLAIN(1, 5, "") "," PLAIN(2, 7, ""), "#4 0:15 #3 3:25 of 30 fee 5 15/100 #1 1:25 #2 2:13 of 30 fee 10" },
        { 90, PLAIN(1, 30, "") "," FIXED(2, 30, 10, "") "," SHARE(3, 30, 15, 100, ""), "" },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        const char *left = subtract(PLAIN(1, 30, "") "," FIXED(2, 30, 10, "") "," SHARE(3, 30, 15, 100, ""),
                                    rows[i].cost, rows[i].refund);

        cr_expect_str_eq(left, rows[i].left, "row %zu: %s", i, left);
    }
}

/* What is stored can be read again, or a refund would meet a split that nobody understands. */
Test(allocation, survives_being_stored)
{
    struct type_errors errors = { .count = 0 };
    struct buf text = BUF_EMPTY;
    struct allocation out, again;

    split(90, SPLIT_S, &out);
    type_encode(&type_allocation, &out, &text);
    cr_assert_eq(type_decode_text(&type_allocation, buf_text(&text), strlen(buf_text(&text)), 0, arena, &again, &errors), SL_OK);
    cr_expect(type_equal(&type_allocation, &out, &again));
    cr_expect_str_eq(told(&again), OF_S);
    buf_clear(&text);
}

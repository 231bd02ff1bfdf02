/* Worked cases of small rules, with their own numbers. */
#include <criterion/criterion.h>

#include "payment/mutation.h"
#include "payment/state.h"

struct bounds {
    int64_t low, high, step;
};

/* An invoice of AMOUNT in a cart of one line, after a randomisation; whether it was recorded. */
static bool randomise(int64_t amount, const struct randomization *params, uint64_t random, int64_t *mutated, struct arena *arena)
{
    struct mutation_params mutation = { .tag = 1, .amount = { .tag = 1, .randomization = *params } };
    struct type_list mutations = { &mutation, 1 };
    struct invoice_line line = { .product = "duck", .quantity = 1, .price = { amount, { "RUB" } } };
    struct invoice_cart cart = { .lines = { &line, 1 } };
    struct invoice invoice = { .cost = { amount, { "RUB" } }, .details = { .product = "duck", .cart = &cart } };
    const struct invoice_line *priced;

    mutations_apply(&invoice, &mutations, random, arena);
    priced = invoice.details.cart->lines.items;
    cr_expect_eq(priced->price.amount, invoice.cost.amount, "the cart's line takes the mutated price");
    *mutated = invoice.cost.amount;
    return invoice.mutations.count > 0;
}

/* Amount randomisation of invoices: when it applies and within which bounds. */
Test(unit_rules, apply_mutations_test_)
{
    static const struct {
        int64_t amount, deviation, precision;
        int direction;
        int64_t max, multiplicity;
        bool recorded;
        struct bounds bounds;
    } rows[] = {
        { 100000, 10000, 2, DIRECTION_BOTH, 10000, 100, false, { 100000, 100000, 1 } },
        { 123400, 10000, 2, DIRECTION_BOTH, 100000, 700, false, { 123400, 123400, 1 } },
        { 10000, 0, 2, DIRECTION_BOTH, 100000, 100, true, { 10000, 10000, 1 } },
        { 10000, 10000, 4, DIRECTION_BOTH, 100000, 100, true, { 0, 20000, 10000 } },
        { 100000, 10000, 2, DIRECTION_BOTH, 100000, 100, true, { 90000, 110000, 100 } },
        { 2000000, 200000, 4, DIRECTION_BOTH, 10000000, 100, true, { 1800000, 2200000, 10000 } },
        { 100000, 10000, 2, DIRECTION_UPWARD, 100000, 100, true, { 100000, 110000, 100 } },
        { 100000, 10000, 2, DIRECTION_DOWNWARD, 100000, 100, true, { 90000, 100000, 100 } },
    };
    struct arena *arena = arena_new();
    static const int64_t zero = 0;
    size_t i;
    uint64_t draw;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct randomization params = {
            .deviation = rows[i].deviation, .precision = rows[i].precision, .direction = rows[i].direction,
            .min_amount_condition = &zero, .max_amount_condition = &rows[i].max,
            .amount_multiplicity_condition = &rows[i].multiplicity,
        };
        int64_t least = INT64_MAX, most = INT64_MIN;

        for (draw = 0; draw < 1000; draw++) {
            int64_t mutated;

            cr_assert_eq(randomise(rows[i].amount, &params, draw * 0x9e3779b97f4a7c15u, &mutated, arena), rows[i].recorded,
                         "row %zu", i + 1);
            cr_assert(mutated >= rows[i].bounds.low && mutated <= rows[i].bounds.high && mutated % rows[i].bounds.step == 0,
                      "row %zu: %lld", i + 1, (long long)mutated);
            least = mutated < least ? mutated : least;
            most = mutated > most ? mutated : most;
        }
        cr_expect((least < most) == (rows[i].bounds.low < rows[i].bounds.high), "row %zu: draws differ", i + 1);
    }
    arena_free(arena);
}

/* Routes are equal when both ids are. */
Test(unit_rules, routes_equality_test_)
{
    static const struct {
        int64_t provider, terminal;
        bool equal;
    } rows[] = { { 1, 1, true }, { 1, 2, false }, { 2, 1, false }, { 2, 2, false } };
    const struct route one = { .provider = { 1 }, .terminal = { 1 } };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct route other = { .provider = { rows[i].provider }, .terminal = { rows[i].terminal } };

        cr_expect_eq(route_equal(&one, &other), rows[i].equal, "row %zu", i);
        cr_expect_eq(route_equal(&other, &one), rows[i].equal, "row %zu", i);
    }
}

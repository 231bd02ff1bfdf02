/* Amounts and ranges of amounts. */
#include <criterion/criterion.h>
#include <string.h>

#include "money/cash.h"

static struct cash rub(int64_t amount)
{
    return (struct cash){ amount, { "RUB" } };
}

/* "[1000" or "(1000" and "2000]" or "2000)". */
static struct cash_bound bound(char bracket, int64_t amount, const char *currency)
{
    struct cash cash = { amount, { currency } };

    if (bracket == '[' || bracket == ']')
        return (struct cash_bound){ .tag = BOUND_INCLUSIVE, .inclusive = cash };
    return (struct cash_bound){ .tag = BOUND_EXCLUSIVE, .exclusive = cash };
}

/* If a bound were on the wrong side, payments at the limit would be taken or refused wrongly. */
Test(cash, lies_within_or_outside_a_range)
{
    static const struct {
        char open;
        int64_t lower, upper;
        char close;
        int64_t amount;
        enum cash_place place;
    } rows[] = {
        { '[', 1000, 2000, ')', 1000, CASH_WITHIN },
        { '(', 1000, 2000, ')', 1000, CASH_EXCEEDS_LOWER },
        { '(', 1000, 2000, ')', 1001, CASH_WITHIN },
        { '[', 1000, 2000, ')', 999, CASH_EXCEEDS_LOWER },
        { '[', 1000, 2000, ')', 1999, CASH_WITHIN },
        { '[', 1000, 2000, ')', 2000, CASH_EXCEEDS_UPPER },
        { '[', 1000, 2000, ']', 2000, CASH_WITHIN },
        { '[', 1000, 2000, ']', 2001, CASH_EXCEEDS_UPPER },
        { '[', 5, 5, ']', 5, CASH_WITHIN },
        { '(', 5, 5, ')', 5, CASH_INCOMPATIBLE }, /* neither test holds */
        { '[', -10, 10, ']', -10, CASH_WITHIN },
        { '[', -CASH_MAX, CASH_MAX, ']', CASH_MAX, CASH_WITHIN },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct cash_range range = {
            .lower = bound(rows[i].open, rows[i].lower, "RUB"), .upper = bound(rows[i].close, rows[i].upper, "RUB"),
        };
        struct cash cash = rub(rows[i].amount);

        cr_expect_eq(cash_range_place(&range, &cash), rows[i].place, "row %zu", i);
    }
}

/* Another currency must never count as inside. */
Test(cash, of_another_currency_is_incompatible_with_a_range)
{
    struct cash_range range = { .lower = bound('[', 0, "USD"), .upper = bound(']', 100, "USD") };
    struct cash_range mixed = { .lower = bound('[', 0, "RUB"), .upper = bound(']', 100, "USD") };
    struct cash cash = rub(50);

    cr_expect_eq(cash_range_place(&range, &cash), CASH_INCOMPATIBLE);
    cr_expect_eq(cash_range_place(&mixed, &cash), CASH_EXCEEDS_UPPER);
}

/* Partial refund limits of a merchant and a provider are compared by this. */
Test(cash, one_range_lies_inside_another)
{
    static const struct {
        const char *inner, *outer; /* brackets */
        int64_t inner_lower, inner_upper, outer_lower, outer_upper;
        bool inside;
    } rows[] = {
        { "[]", "[]", 1000, 2000, 1000, 2000, true },
        { "[]", "()", 1000, 2000, 1000, 2000, false },
        { "[]", "(]", 1000, 2000, 1000, 2000, false },
        { "[]", "[)", 1000, 2000, 1000, 2000, false },
        { "()", "()", 1000, 2000, 1000, 2000, true },
        { "()", "[]", 1000, 2000, 1000, 2000, true },
        { "[]", "()", 1001, 1999, 1000, 2000, true },
        { "[]", "[]", 999, 2000, 1000, 2000, false },
        { "[]", "[]", 1000, 2001, 1000, 2000, false },
        { "()", "[]", 999, 2000, 1000, 2000, false },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct cash_range inner = {
            .lower = bound(rows[i].inner[0], rows[i].inner_lower, "RUB"),
            .upper = bound(rows[i].inner[1], rows[i].inner_upper, "RUB"),
        };
        struct cash_range outer = {
            .lower = bound(rows[i].outer[0], rows[i].outer_lower, "RUB"),
            .upper = bound(rows[i].outer[1], rows[i].outer_upper, "RUB"),
        };

        cr_expect_eq(cash_range_inside(&inner, &outer), rows[i].inside, "row %zu", i);
        outer.lower.inclusive.currency.symbolic_code = outer.lower.exclusive.currency.symbolic_code = "USD";
        cr_expect(!cash_range_inside(&inner, &outer), "row %zu in another currency", i);
    }
}

/* What is let in here is added up without further checks of range. */
Test(cash, is_refused_out_of_range_or_with_a_strange_currency)
{
    static const struct {
        const char *text, *path; /* NULL: fine */
    } rows[] = {
        { "{\"amount\":42000,\"currency\":{\"symbolic_code\":\"RUB\"}}", NULL },
        { "{\"amount\":-1000000000000000,\"currency\":{\"symbolic_code\":\"USDT2\"}}", NULL },
        { "{\"amount\":1000000000000001,\"currency\":{\"symbolic_code\":\"RUB\"}}", "/amount" },
        { "{\"amount\":-1000000000000001,\"currency\":{\"symbolic_code\":\"RUB\"}}", "/amount" },
        { "{\"amount\":1.0,\"currency\":{\"symbolic_code\":\"RUB\"}}", "/amount" },
        { "{\"amount\":1,\"currency\":{\"symbolic_code\":\"\"}}", "/currency/symbolic_code" },
        { "{\"amount\":1,\"currency\":{\"symbolic_code\":\"RU B\"}}", "/currency/symbolic_code" },
        { "{\"amount\":1,\"currency\":{\"symbolic_code\":\"RUB/USD\"}}", "/currency/symbolic_code" },
        { "{\"amount\":1,\"currency\":{}}", "/currency/symbolic_code" },
    };
    struct arena *arena = arena_new();
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct type_errors errors = { .count = 0 };
        struct cash cash;
        enum sl_err err = type_decode_text(&type_cash, rows[i].text, strlen(rows[i].text), 0, arena, &cash, &errors);

        cr_expect_eq(err == SL_OK, rows[i].path == NULL, "%s", rows[i].text);
        if (rows[i].path)
            cr_expect_str_eq(errors.list[0].path, rows[i].path, "%s", rows[i].text);
    }
    arena_free(arena);
}

#include "money/cash.h"

#include <string.h>

static const char *check_code(const void *value)
{
    const char *code = *(const char *const *)value;

    for (; *code; code++) {
        if (!(*code >= 'A' && *code <= 'Z') && !(*code >= 'a' && *code <= 'z') && !(*code >= '0' && *code <= '9'))
            return "may hold letters and digits only";
    }
    return NULL;
}
const struct type type_currency_code = {
    .kind = TYPE_STR, .size = sizeof(char *), .min = 1, .max = 16, .check = check_code, .doc = "Letters and digits",
};
static const struct type_field currency_ref_rows[] = { TF_REQ(currency_ref, symbolic_code, type_currency_code) };
const struct type type_currency_ref = TYPE_STRUCT_OF("CurrencyRef", currency_ref, currency_ref_rows);

const struct type type_amount = TYPE_I64_IN(-CASH_MAX, CASH_MAX);
static const struct type_field cash_rows[] = {
    TF_REQ(cash, amount, type_amount),
    TF_REQ(cash, currency, type_currency_ref),
};
const struct type type_cash = TYPE_STRUCT_OF("Cash", cash, cash_rows);

static const struct type_field bound_rows[] = {
    TF_VAR(cash_bound, inclusive, type_cash),
    TF_VAR(cash_bound, exclusive, type_cash),
};
static const struct type type_bound = TYPE_UNION_OF("CashBound", cash_bound, bound_rows);
static const struct type_field range_rows[] = {
    TF_REQ(cash_range, upper, type_bound),
    TF_REQ(cash_range, lower, type_bound),
};
const struct type type_cash_range = TYPE_STRUCT_OF("CashRange", cash_range, range_rows);

bool cash_same_currency(const struct cash *a, const struct cash *b)
{
    return strcmp(a->currency.symbolic_code, b->currency.symbolic_code) == 0;
}

bool cash_equal(const struct cash *a, const struct cash *b)
{
    return a->amount == b->amount && cash_same_currency(a, b);
}

static const struct cash *bound_cash(const struct cash_bound *bound)
{
    return bound->tag == BOUND_INCLUSIVE ? &bound->inclusive : &bound->exclusive;
}

/* SIGN 1: a lower bound, the cash must be above; -1: an upper bound, below. */
static bool bound_holds(const struct cash_bound *bound, const struct cash *cash, int sign)
{
    const struct cash *limit = bound_cash(bound);

    if (bound->tag == BOUND_INCLUSIVE && cash_equal(cash, limit))
        return true;
    return cash_same_currency(cash, limit) && (sign > 0 ? cash->amount > limit->amount : cash->amount < limit->amount);
}

enum cash_place cash_range_place(const struct cash_range *range, const struct cash *cash)
{
    bool lower = bound_holds(&range->lower, cash, 1), upper = bound_holds(&range->upper, cash, -1);

    if (lower && upper)
        return CASH_WITHIN;
    if (!lower && upper)
        return CASH_EXCEEDS_LOWER;
    if (lower && !upper)
        return CASH_EXCEEDS_UPPER;
    return CASH_INCOMPATIBLE;
}

static bool bound_inside(const struct cash_bound *inner, const struct cash_bound *outer, int sign)
{
    const struct cash *cash = bound_cash(inner);

    if (inner->tag == BOUND_EXCLUSIVE && cash_equal(cash, bound_cash(outer)))
        return true; /* also where the outer one is inclusive: what is inside is inside */
    return bound_holds(outer, cash, sign);
}

bool cash_range_inside(const struct cash_range *inner, const struct cash_range *outer)
{
    return bound_inside(&inner->lower, &outer->lower, 1) && bound_inside(&inner->upper, &outer->upper, -1);
}

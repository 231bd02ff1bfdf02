/* Amounts of money: whole minor units of one currency, never a floating-point number.
 * Ref: doc/spec/domain.md 1 and 8; doc/spec/invoice.md 1.                                          */
#ifndef SLUICE_MONEY_CASH_H
#define SLUICE_MONEY_CASH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/type.h"

/* Largest amount that is taken from outside, either sign: sums of thousands of them fit 64 bits. */
#define CASH_MAX ((int64_t)1000000000000000)

struct currency_ref {
    const char *symbolic_code; /* "RUB"; NULL: absent */
};

struct cash {
    int64_t amount; /* minor units */
    struct currency_ref currency;
};

/* One end of a range. */
struct cash_bound {
    int tag; /* BOUND_*; 0: absent */
    struct cash inclusive, exclusive;
};
enum { BOUND_INCLUSIVE = 1, BOUND_EXCLUSIVE };

struct cash_range {
    struct cash_bound upper, lower;
};

extern const struct type type_currency_code; /* 1..16 letters and digits */
extern const struct type type_currency_ref;
extern const struct type type_amount; /* -CASH_MAX..CASH_MAX */
extern const struct type type_cash;
extern const struct type type_cash_range;

bool cash_same_currency(const struct cash *a, const struct cash *b);
bool cash_equal(const struct cash *a, const struct cash *b);

enum cash_place { CASH_WITHIN, CASH_EXCEEDS_LOWER, CASH_EXCEEDS_UPPER, CASH_INCOMPATIBLE };
/* Where C lies (domain.md 8). */
enum cash_place cash_range_place(const struct cash_range *range, const struct cash *cash);
/* Whether INNER lies inside OUTER; of two equal bounds an inclusive one is not inside an exclusive one. */
bool cash_range_inside(const struct cash_range *inner, const struct cash_range *outer);

#endif

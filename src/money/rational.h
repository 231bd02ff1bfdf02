/* Shares: exact fractions, rounded once. Ref: doc/spec/cashflow.md 2.1; doc/spec/domain.md 1. */
#ifndef SLUICE_MONEY_RATIONAL_H
#define SLUICE_MONEY_RATIONAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/type.h"

struct rational {
    int64_t p, q;
};

enum rounding { ROUND_NONE, ROUND_HALF_AWAY_FROM_ZERO, ROUND_HALF_TOWARDS_ZERO };

extern const struct type type_rational; /* |p|, |q| <= 10^15; q not 0 */
extern const struct type type_rounding;

/* *OUT = AMOUNT * PART, rounded (ROUND_NONE: half away from zero). False if q is 0 or the result does not
 * fit 64 bits; *OUT is then as it was. */
SL_MUST_USE bool rational_share(int64_t amount, struct rational part, enum rounding rounding, int64_t *out);

#endif

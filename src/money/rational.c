#include "money/rational.h"

#include "money/cash.h"

static const char *check_rational(const void *value)
{
    const struct rational *rational = value;

    return rational->q == 0 ? "q must not be 0" : NULL;
}

static const struct type_field rational_rows[] = {
    TF_REQ(rational, p, type_amount),
    TF_REQ(rational, q, type_amount),
};
const struct type type_rational = {
    .kind = TYPE_STRUCT, .name = "Rational", .size = sizeof(struct rational), .fields = rational_rows,
    .field_count = SL_COUNT(rational_rows), .check = check_rational,
};

static const char *const rounding_names[] = {
    [ROUND_HALF_AWAY_FROM_ZERO] = "round_half_away_from_zero",
    [ROUND_HALF_TOWARDS_ZERO] = "round_half_towards_zero",
};
const struct type type_rounding = TYPE_ENUM_OF("RoundingMethod", rounding_names);

bool rational_share(int64_t amount, struct rational part, enum rounding rounding, int64_t *out)
{
    __int128 n = (__int128)amount * part.p, q = part.q, whole, rest;
    bool negative;

    if (q == 0)
        return false;
    if (q < 0) {
        q = -q;
        n = -n;
    }
    negative = n < 0;
    if (negative)
        n = -n;
    whole = n / q;
    rest = n % q;
    if (2 * rest > q || (2 * rest == q && rounding != ROUND_HALF_TOWARDS_ZERO))
        whole++;
    if (whole > INT64_MAX)
        return false;
    *out = (int64_t)(negative ? -whole : whole);
    return true;
}

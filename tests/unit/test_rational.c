/* Shares of amounts: exact, rounded once. */
#include <criterion/criterion.h>
#include <string.h>

#include "money/rational.h"

/* One unit off here is money lost or made on every payment. */
Test(rational, shares_round_as_the_tables_say)
{
    static const struct {
        int64_t amount;
        struct rational part;
        int64_t away, towards;
    } rows[] = {
        { 42000, { 45, 1000 }, 1890, 1890 },
        { 100000, { 1, 200000 }, 1, 0 },
        { 300000, { 1, 200000 }, 2, 1 },
        { 10001, { 45, 1000 }, 450, 450 },
        { 333, { 45, 1000 }, 15, 15 },
        { -100000, { 1, 200000 }, -1, 0 },
        { 1, { 1, 3 }, 0, 0 },
        { 2, { 1, 3 }, 1, 1 },
        { 0, { 1, 3 }, 0, 0 },
        { 42000, { 1, 1 }, 42000, 42000 },
        { 42000, { 0, 7 }, 0, 0 },
        { 42000, { 45, -1000 }, -1890, -1890 },  /* the sign moves to p */
        { 42000, { -45, -1000 }, 1890, 1890 },
        { -300000, { -1, 200000 }, 2, 1 },
        { 1000000000000000, { 1000000000000000, 1000000000000000 }, 1000000000000000, 1000000000000000 },
        { 999999999999999, { 999999999999999, 1000000000000000 }, 999999999999998, 999999999999998 },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        int64_t away = 7, towards = 7, unsaid = 7;

        cr_expect(rational_share(rows[i].amount, rows[i].part, ROUND_HALF_AWAY_FROM_ZERO, &away));
        cr_expect(rational_share(rows[i].amount, rows[i].part, ROUND_HALF_TOWARDS_ZERO, &towards));
        cr_expect(rational_share(rows[i].amount, rows[i].part, ROUND_NONE, &unsaid));
        cr_expect_eq(away, rows[i].away, "row %zu: %lld", i, (long long)away);
        cr_expect_eq(towards, rows[i].towards, "row %zu: %lld", i, (long long)towards);
        cr_expect_eq(unsaid, rows[i].away, "row %zu: away is the default", i);
    }
}

/* A result that does not fit must not wrap around into a wrong amount. */
Test(rational, share_without_a_value_is_no_value)
{
    int64_t out = 7;

    cr_expect(!rational_share(1, (struct rational){ 1, 0 }, ROUND_NONE, &out));
    cr_expect(!rational_share(INT64_MAX, (struct rational){ 2, 1 }, ROUND_NONE, &out));
    cr_expect(!rational_share(INT64_MIN, (struct rational){ INT64_MAX, 1 }, ROUND_NONE, &out));
    cr_expect_eq(out, 7, "left alone");
    cr_expect(rational_share(INT64_MAX, (struct rational){ 1, 1 }, ROUND_NONE, &out));
    cr_expect_eq(out, INT64_MAX);
}

/* A zero below the line is refused where it is written, not where it is used. */
Test(rational, with_zero_below_the_line_is_refused)
{
    static const char text[] = "{\"p\":1,\"q\":0}";
    struct arena *arena = arena_new();
    struct type_errors errors = { .count = 0 };
    struct rational rational;

    cr_assert_eq(type_decode_text(&type_rational, text, strlen(text), 0, arena, &rational, &errors), SL_EINVAL);
    cr_expect_str_eq(errors.list[0].path, "");
    arena_free(arena);
}

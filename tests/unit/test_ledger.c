/* What plans do to balances. The numbers are those of doc/spec/accounting.md 5 and doc/spec/cashflow.md 10. */
#include <criterion/criterion.h>
#include <string.h>

#include "money/ledger.h"
#include "support/flows.h"

#define ACCOUNTS 8

static struct arena *arena;
static struct balance balances[ACCOUNTS];

static void open_books(void)
{
    arena = arena_new();
    memset(balances, 0, sizeof(balances));
}

static void close_books(void)
{
    arena_free(arena);
}

TestSuite(ledger, .init = open_books, .fini = close_books);

static void apply(enum ledger_act act, const struct type_list *batches, size_t count, size_t held)
{
    const struct ledger_delta *list;
    struct type_list deltas;
    const char *why = NULL;
    int64_t sum = 0;
    size_t i;

    if (ledger_apply(act, batches, count, held, arena, &deltas, &why))
        cr_assert_fail("%s", why);
    list = deltas.items;
    for (i = 0; i < deltas.count; i++) {
        cr_assert(list[i].own || list[i].min || list[i].max, "a row that moves nothing");
        balances[list[i].account_id].own += list[i].own;
        balances[list[i].account_id].min += list[i].min;
        balances[list[i].account_id].max += list[i].max;
        sum += list[i].own;
    }
    cr_assert_eq(sum, 0, "own balances sum to zero");
    for (i = 0; i < ACCOUNTS; i++) {
        cr_assert_leq(balances[i].min, balances[i].own);
        cr_assert_leq(balances[i].own, balances[i].max);
    }
}

static void expect(int64_t account, int64_t own, int64_t min, int64_t max, const char *moment)
{
    cr_expect_eq(balances[account].own, own, "%s: own %lld", moment, (long long)balances[account].own);
    cr_expect_eq(balances[account].min, min, "%s: min %lld", moment, (long long)balances[account].min);
    cr_expect_eq(balances[account].max, max, "%s: max %lld", moment, (long long)balances[account].max);
}

/* The three balances of one account through two plans at once (accounting.md 5). */
Test(ledger, keeps_plans_apart_and_nets_batches_of_one)
{
    struct type_list x[] = { must_flow("m>s 30", arena), must_flow("s>m 45", arena) }, y = must_flow("p>m 50", arena);

    balances[ACC_M] = (struct balance){ 100, 100, 100 };
    apply(LEDGER_HOLD, x, 1, 0);
    apply(LEDGER_HOLD, &y, 1, 0);
    expect(ACC_M, 100, 70, 150, "both held");
    apply(LEDGER_HOLD, x, 2, 1);
    expect(ACC_M, 100, 100, 165, "a second batch of X");
    apply(LEDGER_COMMIT, x, 2, 0);
    expect(ACC_M, 115, 115, 165, "X committed");
    apply(LEDGER_ROLLBACK, &y, 1, 0);
    expect(ACC_M, 115, 115, 115, "Y rolled back");
}

/* A full capture, and the rollback that would undo it (cashflow.md 10.1). */
Test(ledger, of_a_captured_payment)
{
    struct type_list flow = must_flow("m>s 1890, p>m 42000, s>p 672, s>o 20", arena);

    apply(LEDGER_HOLD, &flow, 1, 0);
    expect(ACC_M, 0, 0, 40110, "held");
    expect(ACC_S, 0, 0, 1198, "held");
    expect(ACC_P, 0, -41328, 0, "held");
    expect(ACC_O, 0, 0, 20, "held");
    apply(LEDGER_ROLLBACK, &flow, 1, 0);
    expect(ACC_M, 0, 0, 0, "rolled back");
    expect(ACC_P, 0, 0, 0, "rolled back");
    apply(LEDGER_HOLD, &flow, 1, 0);
    apply(LEDGER_COMMIT, &flow, 1, 0);
    expect(ACC_M, 40110, 40110, 40110, "committed");
    expect(ACC_S, 1198, 1198, 1198, "committed");
    expect(ACC_P, -41328, -41328, -41328, "committed");
    expect(ACC_O, 20, 20, 20, "committed");
}

/* A partial capture: the first flow, its reverse, the smaller one (cashflow.md 10.2). */
Test(ledger, of_a_partially_captured_payment)
{
    struct type_list plan[3] = { must_flow("m>s 1890, p>m 42000, s>p 672, s>o 20", arena) };

    plan[1] = cashflow_revert(&plan[0], arena);
    plan[2] = must_flow("m>s 450, p>m 10000, s>p 160, s>o 20", arena);
    apply(LEDGER_HOLD, plan, 1, 0);
    apply(LEDGER_HOLD, plan, 2, 1);
    expect(ACC_M, 0, 0, 0, "batch 2 held");
    expect(ACC_P, 0, 0, 0, "batch 2 held");
    apply(LEDGER_HOLD, plan, 3, 2);
    expect(ACC_M, 0, 0, 9550, "batch 3 held");
    expect(ACC_S, 0, 0, 270, "batch 3 held");
    expect(ACC_P, 0, -9840, 0, "batch 3 held");
    expect(ACC_O, 0, 0, 20, "batch 3 held");
    apply(LEDGER_COMMIT, plan, 3, 0);
    expect(ACC_M, 9550, 9550, 9550, "committed");
    expect(ACC_S, 270, 270, 270, "committed");
    expect(ACC_P, -9840, -9840, -9840, "committed");
    expect(ACC_O, 20, 20, 20, "committed");
}

/* Two batches held in one go do what two holds do: a commit may take both. */
Test(ledger, holds_several_batches_at_once)
{
    struct type_list plan[] = { must_flow("m>s 30", arena), must_flow("s>m 45", arena) };

    apply(LEDGER_HOLD, plan, 2, 0);
    expect(ACC_M, 0, 0, 15, "both at once");
    apply(LEDGER_HOLD, plan, 2, 2);
    expect(ACC_M, 0, 0, 15, "nothing new");
}

/* A refund that the merchant cannot pay shows as a negative minimum (cashflow.md 10.4). */
Test(ledger, of_a_refund_without_funds)
{
    struct type_list payment = must_flow("m>s 1890, p>m 42000, s>p 672, s>o 20", arena);
    struct type_list refund = must_flow("m>p 42000", arena);

    apply(LEDGER_HOLD, &payment, 1, 0);
    apply(LEDGER_COMMIT, &payment, 1, 0);
    apply(LEDGER_HOLD, &refund, 1, 0);
    expect(ACC_M, 40110, -1890, 40110, "refund held");
    expect(ACC_P, -41328, -41328, 672, "refund held");
    apply(LEDGER_ROLLBACK, &refund, 1, 0);
    expect(ACC_M, 40110, 40110, 40110, "refund rolled back");
}

/* An adjustment: the reverse of the old flow and a new one in one plan (cashflow.md 10.7). */
Test(ledger, of_an_adjustment)
{
    struct type_list old = must_flow("m>s 1890, p>m 42000, s>p 882", arena), plan[2];

    plan[0] = cashflow_revert(&old, arena);
    plan[1] = must_flow("m>s 1890, p>m 42000, s>p 672, s>o 20", arena);
    apply(LEDGER_HOLD, &old, 1, 0);
    apply(LEDGER_COMMIT, &old, 1, 0);
    apply(LEDGER_HOLD, plan, 2, 0);
    expect(ACC_M, 40110, 40110, 40110, "held");
    expect(ACC_S, 1008, 1008, 1198, "held");
    expect(ACC_P, -41118, -41328, -41118, "held");
    expect(ACC_O, 0, 0, 20, "held");
    apply(LEDGER_COMMIT, plan, 2, 0);
    expect(ACC_S, 1198, 1198, 1198, "committed");
    expect(ACC_P, -41328, -41328, -41328, "committed");
}

/* What the ledger refuses (accounting.md 3); nothing may be half applied. */
Test(ledger, refuses_impossible_plans)
{
    struct type_list good = must_flow("m>s 1", arena), empty = { NULL, 0 }, loop = must_flow("m>m 1", arena);
    struct type_list negative = must_flow("m>s -1", arena), mixed = must_flow("m>s 1, s>p 1", arena);
    struct type_list huge = must_flow("m>s 9223372036854775807, m>s 9223372036854775807", arena);
    struct type_list edge = must_flow("m>s 9223372036854775807, m>p 1", arena);
    const struct {
        struct type_list batches[2];
        size_t count;
        const char *why;
    } rows[] = {
        { { { NULL, 0 } }, 0, "no batches" },
        { { good, empty }, 2, "no postings" },
        { { loop }, 1, "cannot be the same" },
        { { good, negative }, 2, "negative" },
        { { good, mixed }, 2, "two currencies" },
        { { huge }, 1, "out of range" },
        { { edge }, 1, "out of range" },
    };
    struct type_list out = { NULL, 99 };
    const char *why;
    size_t i;

    ((struct posting *)mixed.items)[1].volume.currency.symbolic_code = "USD";
    for (i = 0; i < SL_COUNT(rows); i++) {
        why = NULL;
        cr_assert_eq(ledger_apply(LEDGER_HOLD, rows[i].batches, rows[i].count, 0, arena, &out, &why), SL_EINVAL,
                     "row %zu", i);
        cr_expect(strstr(why, rows[i].why), "row %zu: %s", i, why);
        cr_expect_eq(out.count, 99, "row %zu: nothing was written", i);
    }
}

/* A zero posting moves nothing and is no fault. */
Test(ledger, postings_of_zero_move_nothing)
{
    struct type_list flow = must_flow("m>s 0", arena), out;
    const char *why = NULL;

    cr_assert_eq(ledger_apply(LEDGER_COMMIT, &flow, 1, 0, arena, &out, &why), SL_OK);
    cr_expect_eq(out.count, 0);
}

/* Plans are asked for by these names from outside. */
Test(ledger, plans_have_the_names_of_the_specification)
{
    cr_expect_str_eq(plan_id_payment(arena, "I", "1", 1), "I.1.1");
    cr_expect_str_eq(plan_id_payment(arena, "I", "1", 2000), "I.1.2000");
    cr_expect_str_eq(plan_id_refund(arena, "I", "1", "2"), "I.1.refund_session-2");
    cr_expect_str_eq(plan_id_adjustment(arena, "I", "1", "3"), "I.1.adj-3");
    cr_expect_str_eq(plan_id_chargeback(arena, "I", "1", "C", "pre_arbitration"), "I.1.chargeback-C.pre_arbitration");
}

/* If it fails, the hold of one plan is committed as another's: doc/spec/accounting.md 6. */
Test(ledger, plans_of_different_parts_have_different_names)
{
    const char *const names[] = {
        plan_id_payment(arena, "a", "1.2", 1),
        plan_id_payment(arena, "a.1", "2", 1),
        plan_id_refund(arena, "a", "1.2", "3"),
        plan_id_refund(arena, "a.1", "2", "3"),
        plan_id_refund(arena, "a", "1", "2.refund_session-3"),
        plan_id_adjustment(arena, "a", "1.2", "3"),
        plan_id_adjustment(arena, "a.1", "2", "3"),
        plan_id_chargeback(arena, "a", "1", "2.arbitration", "arbitration"),
        plan_id_chargeback(arena, "a", "1.chargeback-2", "arbitration", "arbitration"),
        plan_id_chargeback(arena, "a.1", "chargeback-2", "arbitration", "arbitration"),
    };
    size_t i, j;

    for (i = 0; i < SL_COUNT(names); i++) {
        for (j = 0; j < i; j++)
            cr_expect_str_neq(names[i], names[j], "number %zu is number %zu: %s", i, j, names[i]);
    }
}

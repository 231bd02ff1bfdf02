/* From templates to final flows, to the unit. The numbers are those of doc/spec/cashflow.md 10. */
#include <criterion/criterion.h>
#include <string.h>

#include "support/flows.h"

#define RUB "\"currency\":{\"symbolic_code\":\"RUB\"}"
#define SHARE(P, Q) "{\"share\":{\"parts\":{\"p\":" #P ",\"q\":" #Q "},\"of\":\"operation_amount\"}}"
#define FIXED(AMOUNT) "{\"fixed\":{\"cash\":{\"amount\":" #AMOUNT "," RUB "}}}"
#define FROM_TO(FROM, TO, VOLUME) "{\"source\":" FROM ",\"destination\":" TO ",\"volume\":" VOLUME "}"
#define MERCHANT "{\"merchant\":\"settlement\"}"
#define SYSTEM "{\"system\":\"settlement\"}"
#define PROVIDER "{\"provider\":\"settlement\"}"

static struct arena *arena;

static void open_arena(void)
{
    arena = arena_new();
}

static void close_arena(void)
{
    arena_free(arena);
}

TestSuite(cashflow, .init = open_arena, .fini = close_arena);

/* Merchants and providers are paid by these numbers. */
Test(cashflow, of_a_payment_is_what_the_worked_examples_say)
{
    static const struct {
        const char *fees, *provider;
        int64_t amount;
        const char *expected;
    } rows[] = {
        { flow_fees, flow_provider, 42000, "m>s 1890, p>m 42000, s>p 672, s>o 20 Kek" },                  /* 10.1 */
        { flow_fees, flow_provider, 10000, "m>s 450, p>m 10000, s>p 160, s>o 20 Kek" },                   /* 10.2 */
        { flow_fees, flow_provider, 84000, "m>s 3780, p>m 84000, s>p 1344, s>o 20 Kek" },                 /* 10.3 */
        { flow_fees, "[" FROM_TO(PROVIDER, MERCHANT, SHARE(1, 1)) "," FROM_TO(SYSTEM, PROVIDER, SHARE(18, 1000)) "]",
          42000, "m>s 1890, p>m 42000, s>p 756" },                                                        /* 10.8 */
        { "[]", "[]", 42000, "" },
        { "[" FROM_TO(MERCHANT, "{\"merchant\":\"guarantee\"}", FIXED(0)) "]", "[]", 42000, "m>g 0" }, /* zeros stay */
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct type_list flow = { NULL, 0 };

        must_finalise(rows[i].fees, rows[i].amount, arena, &flow);
        must_finalise(rows[i].provider, rows[i].amount, arena, &flow);
        cr_expect_str_eq(flow_text(&flow, arena), rows[i].expected, "row %zu", i);
    }
}

/* Each share is rounded by its own method (10.9). */
Test(cashflow, rounds_each_share_by_its_own_method)
{
#define ROUNDED(METHOD) "{\"share\":{\"parts\":{\"p\":1,\"q\":200000},\"of\":\"operation_amount\"" METHOD "}}"
#define AWAY ",\"rounding_method\":\"round_half_away_from_zero\""
#define TOWARDS ",\"rounding_method\":\"round_half_towards_zero\""
    static const char template[] =
        "[" FROM_TO(PROVIDER, MERCHANT, ROUNDED(TOWARDS)) "," FROM_TO(SYSTEM, PROVIDER, ROUNDED(AWAY)) ","
        FROM_TO(SYSTEM, "{\"system\":\"subagent\"}", ROUNDED(AWAY)) ","
        FROM_TO(SYSTEM, "{\"external\":\"income\"}", ROUNDED("")) "]";
    struct type_list flow = { NULL, 0 };

    must_finalise(template, 100000, arena, &flow);
    cr_expect_str_eq(flow_text(&flow, arena), "p>m 0, s>p 1, s>a 1, s>i 1");
}

static struct cash volume_of(const char *text, const char **why)
{
    struct cash surplus = { 4000, { "RUB" } };
    struct volume_context context = { .operation_amount = { 42000, { "RUB" } }, .surplus = &surplus };
    struct cash out = { -1, { "?" } };
    struct volume volume;

    cr_assert_eq(type_decode_text(&type_volume, text, strlen(text), 0, arena, &volume, NULL), SL_OK, "%s", text);
    if (volume_compute(&volume, &context, arena, &out, why))
        return (struct cash){ -1, { "?" } };
    return out;
}

/* Fees with a floor, a ceiling or two parts are products. */
Test(cashflow, products_take_the_least_the_most_or_the_sum)
{
    static const struct {
        const char *volume;
        int64_t amount; /* -1: a misconfiguration */
    } rows[] = {
        { "{\"product\":{\"min_of\":[" SHARE(45, 1000) "," FIXED(1000) "]}}", 1000 },
        { "{\"product\":{\"max_of\":[" SHARE(45, 1000) "," FIXED(2500) "]}}", 2500 },
        { "{\"product\":{\"sum_of\":[" SHARE(45, 1000) "," FIXED(300) "]}}", 2190 },
        { "{\"product\":{\"sum_of\":[" FIXED(300) "," FIXED(300) "]}}", 300 }, /* a set: one member */
        { "{\"product\":{\"sum_of\":[" FIXED(300) "," FIXED(1) "," FIXED(300) "]}}", 301 },
        { "{\"product\":{\"sum_of\":[{\"product\":{\"min_of\":[" FIXED(5) "," FIXED(7) "]}}," FIXED(1) "]}}", 6 },
        { "{\"product\":{\"min_of\":[]}}", -1 },
        { "{\"product\":{\"max_of\":[" FIXED(1) ",{\"fixed\":{\"cash\":{\"amount\":1,\"currency\":{\"symbolic_code\":\"USD\"}}}}]}}",
          -1 },
        { "{\"share\":{\"parts\":{\"p\":1,\"q\":2},\"of\":\"surplus\"}}", 2000 },
        { "{\"share\":{\"parts\":{\"p\":1000000000000000,\"q\":1},\"of\":\"operation_amount\"}}", -1 },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        const char *why = NULL;

        cr_expect_eq(volume_of(rows[i].volume, &why).amount, rows[i].amount, "row %zu", i);
        cr_expect_eq(why != NULL, rows[i].amount < 0, "row %zu says why", i);
    }
}

/* A fixed volume keeps its own currency: the ledger refuses it, nobody converts it. */
Test(cashflow, fixed_volumes_keep_their_currency)
{
    const char *why = NULL;
    struct cash cash =
        volume_of("{\"fixed\":{\"cash\":{\"amount\":1,\"currency\":{\"symbolic_code\":\"USD\"}}}}", &why);

    cr_expect_str_eq(cash.currency.symbolic_code, "USD");
}

/* A misconfiguration is an answer that names what is missing, never a crash and never account 0. */
Test(cashflow, names_what_is_misconfigured)
{
    static const struct {
        const char *template, *why;
    } rows[] = {
        { "[" FROM_TO("{\"merchant\":\"payout\"}", SYSTEM, FIXED(1)) "]", "{\"merchant\":\"payout\"} can not be mapped" },
        { "[" FROM_TO(SYSTEM, "{\"wallet\":\"sender_source\"}", FIXED(1)) "]", "{\"wallet\":\"sender_source\"} can not be" },
        { "[" FROM_TO(SYSTEM, "{\"system\":\"subagent\"}", FIXED(1)) "]", "{\"system\":\"subagent\"} can not be mapped" },
        { "[" FROM_TO(SYSTEM, "{\"external\":\"outcome\"}", FIXED(1)) "]", "{\"external\":\"outcome\"} can not be mapped" },
        { "[" FROM_TO(MERCHANT, SYSTEM, "{\"share\":{\"parts\":{\"p\":1,\"q\":1},\"of\":\"surplus\"}}") "]", "constant" },
        { "[" FROM_TO(MERCHANT, SYSTEM, SHARE(-1, 10)) "]", "negative" },
    };
    struct account_map bare = flow_accounts;
    struct volume_context context = { .operation_amount = { 42000, { "RUB" } } };
    size_t i;

    bare.system_subagent = bare.external_outcome = 0;
    for (i = 0; i < SL_COUNT(rows); i++) {
        struct type_list template, flow = { NULL, 0 };
        const char *why = NULL;

        cr_assert_eq(type_decode_text(&type_cash_flow_template, rows[i].template, strlen(rows[i].template), 0, arena,
                                      &template, NULL), SL_OK);
        cr_assert_eq(cashflow_finalise(&template, &bare, &context, arena, &flow, &why), SL_EINVAL, "row %zu", i);
        cr_expect(strstr(why, rows[i].why), "row %zu: %s", i, why);
        cr_expect_eq(flow.count, 0, "row %zu: the flow is as it was", i);
    }
}

/* The final form is what is stored in events and shown: its shape is a contract. */
Test(cashflow, final_postings_name_accounts_and_owners)
{
    static const char expected[] =
        "[{\"source\":{\"account_type\":{\"merchant\":\"settlement\"},\"account_id\":1,\"transaction_account\":"
        "{\"merchant\":{\"type\":\"settlement\",\"owner\":{\"party_ref\":{\"id\":\"party\"},\"shop_ref\":{\"id\":\"shop\"}}}}},"
        "\"destination\":{\"account_type\":{\"system\":\"settlement\"},\"account_id\":3,\"transaction_account\":"
        "{\"system\":{\"type\":\"settlement\"}}},\"volume\":{\"amount\":1890,\"currency\":{\"symbolic_code\":\"RUB\"}}},"
        "{\"source\":{\"account_type\":{\"provider\":\"settlement\"},\"account_id\":5,\"transaction_account\":"
        "{\"provider\":{\"type\":\"settlement\",\"owner\":{\"provider_ref\":{\"id\":2},\"terminal_ref\":{\"id\":7}}}}},"
        "\"destination\":{\"account_type\":{\"external\":\"outcome\"},\"account_id\":7,\"transaction_account\":"
        "{\"external\":{\"type\":\"outcome\"}}},\"volume\":{\"amount\":20,\"currency\":{\"symbolic_code\":\"RUB\"}}}]";
    struct type_list flow = { NULL, 0 }, again;
    struct buf text = BUF_EMPTY;

    must_finalise(flow_fees, 42000, arena, &flow);
    must_finalise("[" FROM_TO(PROVIDER, "{\"external\":\"outcome\"}", FIXED(20)) "]", 42000, arena, &flow);
    type_encode(&type_cash_flow, &flow, &text);
    cr_expect_str_eq(buf_text(&text), expected);
    cr_assert_eq(type_decode_text(&type_cash_flow, text.data, text.len, 0, arena, &again, NULL), SL_OK);
    cr_expect(type_equal(&type_cash_flow, &flow, &again));
    buf_clear(&text);
}

/* Corrections are reverse flows; a second reversal must be told from the first. */
Test(cashflow, reverts_by_swapping_ends_and_wrapping_details)
{
    struct type_list flow = { NULL, 0 }, once, twice;

    must_finalise(flow_fees, 42000, arena, &flow);
    must_finalise(flow_provider, 42000, arena, &flow);
    once = cashflow_revert(&flow, arena);
    cr_expect_str_eq(flow_text(&once, arena), "s>m 1890, m>p 42000, p>s 672, o>s 20 Revert 'Kek'");
    twice = cashflow_revert(&once, arena);
    cr_expect_str_eq(flow_text(&twice, arena), "m>s 1890, p>m 42000, s>p 672, s>o 20 Revert 'Revert 'Kek''");
}

/* A stored flow must be readable again, also reverted, also with the longest details. */
Test(cashflow, reverted_details_can_be_read_again)
{
    struct type_list flow = must_flow("m>s 1", arena), again;
    struct buf text = BUF_EMPTY;
    char details[CASHFLOW_DETAILS_MAX + 1];
    int i;

    memset(details, 'x', CASHFLOW_DETAILS_MAX);
    details[CASHFLOW_DETAILS_MAX] = '\0';
    must_finalise(flow_fees, 1, arena, &flow);
    ((struct posting *)flow.items)[1].details = details;
    flow = (struct type_list){ (struct posting *)flow.items + 1, 1 };
    for (i = 0; i < 20; i++)
        flow = cashflow_revert(&flow, arena);
    type_encode(&type_cash_flow, &flow, &text);
    cr_expect_eq(type_decode_text(&type_cash_flow, text.data, text.len, 0, arena, &again, NULL), SL_OK);
    buf_clear(&text);
}

/* What logs and reports say an account gained. */
Test(cashflow, totals_are_what_each_account_gains)
{
    static const struct {
        int64_t id, amount;
    } rows[] = { { ACC_M, 40110 }, { ACC_S, 1198 }, { ACC_P, -41328 }, { ACC_O, 20 } };
    struct type_list flow = { NULL, 0 }, totals;
    const struct cashflow_total *list;
    const char *why = NULL;
    size_t i;

    must_finalise(flow_fees, 42000, arena, &flow);
    must_finalise(flow_provider, 42000, arena, &flow);
    cr_assert_eq(cashflow_totals(&flow, arena, &totals, &why), SL_OK);
    cr_assert_eq(totals.count, SL_COUNT(rows));
    list = totals.items;
    for (i = 0; i < totals.count; i++) {
        cr_expect_eq(list[i].account_id, rows[i].id, "row %zu", i);
        cr_expect_eq(list[i].amount.amount, rows[i].amount, "row %zu", i);
    }
    ((struct posting *)flow.items)[3].volume.currency.symbolic_code = "USD";
    cr_expect_eq(cashflow_totals(&flow, arena, &totals, &why), SL_EINVAL);
}

/* A fee of 20 USD is none of an account in RUB: doc/spec/accounting.md 3 row 12. */
Test(cashflow, a_posting_in_another_currency_than_its_accounts_is_refused)
{
    static const char fixed[] = "[{\"source\":{\"system\":\"settlement\"},\"destination\":{\"external\":\"outcome\"},"
                                "\"volume\":{\"fixed\":{\"cash\":{\"amount\":20,\"currency\":{\"symbolic_code\":\"USD\"}}}}}]";
    struct volume_context context = { .operation_amount = { 1000, { "RUB" } } };
    struct account_map in_usd = flow_accounts;
    struct type_list template, flow = { NULL, 0 };
    const char *why = NULL;

    cr_assert_eq(type_decode_text(&type_cash_flow_template, fixed, strlen(fixed), 0, arena, &template, NULL), SL_OK);
    cr_expect_eq(cashflow_finalise(&template, &flow_accounts, &context, arena, &flow, &why), SL_EINVAL);
    cr_expect_str_eq(why, "a posting in USD goes to accounts in RUB");
    in_usd.currency = "USD";
    cr_expect_eq(cashflow_finalise(&template, &in_usd, &context, arena, &flow, &why), SL_OK);
}

/* A flow is bounded: it becomes one commit. */
Test(cashflow, with_too_many_postings_is_refused)
{
    struct type_list template, flow = { NULL, 0 };
    struct volume_context context = { .operation_amount = { 1, { "RUB" } } };
    const char *why = NULL;
    int i;

    cr_assert_eq(type_decode_text(&type_cash_flow_template, flow_fees, strlen(flow_fees), 0, arena, &template, NULL),
                 SL_OK);
    for (i = 0; i < CASHFLOW_POSTINGS_MAX; i++)
        cr_assert_eq(cashflow_finalise(&template, &flow_accounts, &context, arena, &flow, &why), SL_OK);
    cr_expect_eq(cashflow_finalise(&template, &flow_accounts, &context, arena, &flow, &why), SL_EINVAL);
    cr_expect_eq(flow.count, CASHFLOW_POSTINGS_MAX);
}

/* Values that depend on conditions. */
#include <criterion/criterion.h>
#include <string.h>

#include "domain/reduce.h"
#include "support/domain_doc.h"

#define VALUE(N) "{\"value\":" #N "}"
#define IF(PREDICATE, THEN) "{\"if_\":" PREDICATE ",\"then_\":" THEN "}"
#define DECIDE(ROWS) "{\"decisions\":[" ROWS "]}"
#define YES "{\"constant\":true}"
#define NO "{\"constant\":false}"
#define OPEN "{\"condition\":{\"trust_level_is\":\"well_known\"}}"
#define CATEGORY(ID) "{\"condition\":{\"category_is\":{\"id\":" #ID "}}}"

SELECTOR_TYPE(type_number_selector, "NumberSelector", type_i64);

static struct arena *arena;
static struct domain *domain;
static const struct varset facts = { .category = 2 };

static void open_domain(void)
{
    arena = arena_new();
    domain = doc_domain_take(doc_load(), arena);
}

static void close_domain(void)
{
    domain_free(domain);
    arena_free(arena);
}

TestSuite(selector, .init = open_domain, .fini = close_domain);

/* Which branch wins, and what is left when none does for sure (domain.md 6.2). -1: undecided; -2: nothing. */
static const struct {
    const char *selector;
    int64_t value;
    const char *left;
} rows[] = {
    { VALUE(1), 1, VALUE(1) },
    { DECIDE(""), -2, DECIDE("") },
    { DECIDE(IF(YES, VALUE(1))), 1, VALUE(1) },
    { DECIDE(IF(NO, VALUE(1))), -2, DECIDE("") },
    { DECIDE(IF(NO, VALUE(1)) "," IF(YES, VALUE(2)) "," IF(YES, VALUE(3))), 2, VALUE(2) },
    { DECIDE(IF(CATEGORY(1), VALUE(1)) "," IF(CATEGORY(2), VALUE(2))), 2, VALUE(2) },
    /* an unknown first entry hides what comes later, certain or not */
    { DECIDE(IF(OPEN, VALUE(1)) "," IF(YES, VALUE(2))), -1, DECIDE(IF(OPEN, VALUE(1)) "," IF(YES, VALUE(2))) },
    { DECIDE(IF(OPEN, VALUE(1)) "," IF(NO, VALUE(2))), -1, DECIDE(IF(OPEN, VALUE(1))) },
    { DECIDE(IF(YES, VALUE(1)) "," IF(OPEN, VALUE(2))), 1, VALUE(1) },
    /* a branch that comes to nothing falls through, even when its predicate is true */
    { DECIDE(IF(YES, DECIDE(IF(NO, VALUE(1)))) "," IF(YES, VALUE(2))), 2, VALUE(2) },
    { DECIDE(IF(OPEN, DECIDE(IF(NO, VALUE(1)))) "," IF(YES, VALUE(2))), 2, VALUE(2) },
    { DECIDE(IF(YES, DECIDE(""))), -2, DECIDE("") },
    /* no fall-through past a first true branch that is still undecided inside */
    { DECIDE(IF(YES, DECIDE(IF(OPEN, VALUE(1)))) "," IF(YES, VALUE(2))), -1, DECIDE(IF(OPEN, VALUE(1))) },
    { DECIDE(IF(YES, DECIDE(IF(CATEGORY(2), DECIDE(IF(YES, VALUE(4))))))), 4, VALUE(4) },
    { DECIDE(IF("{\"all_of\":[" CATEGORY(2) "," OPEN "]}", VALUE(1))), -1, DECIDE(IF(OPEN, VALUE(1))) },
};

static const struct selector *parse(const char *text)
{
    struct selector *selector = arena_alloc(arena, sizeof(*selector));

    must_decode(&type_number_selector, text, arena, selector);
    return selector;
}

/* The wrong branch is the wrong fee, limit or inspector. */
Test(selector, reduces_to_the_first_certain_branch)
{
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        const void *value = NULL;
        enum selected selected = selector_reduce(domain, parse(rows[i].selector), &facts, &value);

        if (rows[i].value >= 0) {
            cr_assert_eq(selected, SELECTED_VALUE, "row %zu", i);
            cr_expect_eq(*(const int64_t *)value, rows[i].value, "row %zu", i);
            cr_expect_eq(selector_value(domain, parse(rows[i].selector), &facts) != NULL, true);
        } else {
            cr_expect_eq(selected, rows[i].value == -1 ? SELECTED_UNDECIDED : SELECTED_NOTHING, "row %zu", i);
            cr_expect_null(value, "row %zu: the value is set with SELECTED_VALUE only", i);
            cr_expect_null(selector_value(domain, parse(rows[i].selector), &facts));
        }
    }
}

/* What is shown of terms must agree with what is decided by them. */
Test(selector, leaves_what_the_facts_do_not_decide)
{
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        const struct selector *selector = parse(rows[i].selector);
        const struct selector *left = selector_residual(domain, selector, &facts, arena);

        cr_expect_str_eq(encoded(&type_number_selector, left, arena), rows[i].left, "row %zu", i);
        if (selector->tag == SELECTOR_VALUE)
            cr_expect_eq(left, selector, "a value is borrowed");
    }
}

/* An absent selector has no value, and is no fault of the caller. */
Test(selector, that_is_absent_is_nothing)
{
    const void *value;

    cr_expect_eq(selector_reduce(domain, NULL, &facts, &value), SELECTED_NOTHING);
    cr_expect_null(selector_value(domain, NULL, &facts));
    cr_expect_null(selector_literal(NULL));
    cr_expect_null(selector_literal(parse(DECIDE(IF(YES, VALUE(1))))), "decisions are no literal, even when certain");
    cr_expect_eq(*(const int64_t *)selector_literal(parse(VALUE(3))), 3);
}

static bool is_number(const void *value, const void *arg)
{
    return *(const int64_t *)value == *(const int64_t *)arg;
}

/* At invoice creation most facts are missing: any branch that is left may take the cost (domain.md 4). */
Test(selector, may_accept_by_any_branch_that_is_left)
{
    static const struct {
        const char *selector;
        int64_t wanted;
        bool accepts;
    } any_rows[] = {
        { VALUE(1), 1, true },
        { VALUE(1), 2, false },
        { DECIDE(IF(OPEN, VALUE(1)) "," IF(OPEN, VALUE(2))), 2, true },
        { DECIDE(IF(OPEN, VALUE(1)) "," IF(NO, VALUE(2))), 2, false },
        { DECIDE(IF(YES, VALUE(1)) "," IF(OPEN, VALUE(2))), 2, false },
        { DECIDE(IF(OPEN, VALUE(1)) "," IF(YES, VALUE(2)) "," IF(OPEN, VALUE(3))), 3, true },
        { DECIDE(IF(OPEN, DECIDE(IF(OPEN, VALUE(1)) "," IF(OPEN, VALUE(2))))), 2, true },
        { DECIDE(IF(OPEN, DECIDE(IF(NO, VALUE(1)))) "," IF(YES, VALUE(2))), 2, true },
        { DECIDE(IF(OPEN, DECIDE(IF(NO, VALUE(1)))) "," IF(YES, VALUE(2)) "," IF(OPEN, VALUE(3))), 3, false },
        { DECIDE(""), 1, false },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(any_rows); i++)
        cr_expect_eq(selector_any(domain, parse(any_rows[i].selector), &facts, is_number, &any_rows[i].wanted),
                     any_rows[i].accepts, "row %zu", i);
    cr_expect(!selector_any(domain, NULL, &facts, is_number, &any_rows[0].wanted));
}

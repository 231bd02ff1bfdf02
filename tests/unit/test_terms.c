/* Terms of merchants and providers: who inherits what, and what is shown of them. */
#include <criterion/criterion.h>
#include <string.h>

#include "domain/reduce.h"
#include "support/domain_doc.h"

#define METHODS(SYSTEM) "{\"value\":[{\"id\":{\"bank_card\":{\"payment_system\":{\"id\":\"" SYSTEM "\"}}}}]}"
#define SECONDS(N) "{\"value\":{\"seconds\":" #N "}}"
#define CASH(N) "{\"amount\":" #N ",\"currency\":{\"symbolic_code\":\"RUB\"}}"
#define LIMIT(N) "{\"value\":{\"upper\":{\"inclusive\":" CASH(N) "},\"lower\":{\"inclusive\":" CASH(0) "}}}"
#define YES "{\"constant\":true}"
#define OPEN "{\"condition\":{\"trust_level_is\":\"unknown\"}}"

static struct arena *arena;

static void open_arena(void)
{
    arena = arena_new();
}

static void close_arena(void)
{
    arena_free(arena);
}

TestSuite(terms, .init = open_arena, .fini = close_arena);

/* A tariff says only what differs from its parent's; what it does not say must not get lost (domain.md 4.1). */
Test(terms, child_overrides_field_by_field)
{
    static const struct {
        const char *parent, *child, *merged;
    } rows[] = {
        { "{}", "{}", "{}" },
        { "{\"payments\":{}}", "{}", "{\"payments\":{}}" },
        { "{}", "{\"payments\":{\"cash_limit\":" LIMIT(1) "}}", "{\"payments\":{\"cash_limit\":" LIMIT(1) "}}" },
        { "{\"payments\":{\"payment_methods\":" METHODS("A") ",\"cash_limit\":" LIMIT(1) "}}",
          "{\"payments\":{\"cash_limit\":" LIMIT(2) "}}",
          "{\"payments\":{\"payment_methods\":" METHODS("A") ",\"cash_limit\":" LIMIT(2) "}}" },
        /* a selector is replaced whole, never mixed */
        { "{\"payments\":{\"cash_limit\":{\"decisions\":[{\"if_\":" YES ",\"then_\":" LIMIT(1) "}]}}}",
          "{\"payments\":{\"cash_limit\":{\"decisions\":[]}}}", "{\"payments\":{\"cash_limit\":{\"decisions\":[]}}}" },
        { "{\"payments\":{\"holds\":{\"payment_methods\":" METHODS("A") ",\"lifetime\":" SECONDS(60) "}}}",
          "{\"payments\":{\"holds\":{\"lifetime\":" SECONDS(9) ",\"partial_captures\":{}}}}",
          "{\"payments\":{\"holds\":{\"payment_methods\":" METHODS("A") ",\"lifetime\":" SECONDS(9)
          ",\"partial_captures\":{}}}}" },
        { "{\"payments\":{\"holds\":{\"partial_captures\":{}}}}", "{\"payments\":{\"holds\":{}}}",
          "{\"payments\":{\"holds\":{\"partial_captures\":{}}}}" }, /* nothing can be un-set */
        { "{\"payments\":{\"refunds\":{\"payment_methods\":" METHODS("A") ",\"partial_refunds\":{\"cash_limit\":" LIMIT(1)
          "}}}}",
          "{\"payments\":{\"refunds\":{\"fees\":{\"value\":[]},\"partial_refunds\":{}}}}",
          "{\"payments\":{\"refunds\":{\"payment_methods\":" METHODS("A")
          ",\"fees\":{\"value\":[]},\"partial_refunds\":{\"cash_limit\":" LIMIT(1) "}}}}" },
        { "{\"payments\":{\"chargebacks\":{\"allow\":" YES ",\"fees\":{\"value\":[]}}}}",
          "{\"payments\":{\"chargebacks\":{\"allow\":" OPEN "}}}",
          "{\"payments\":{\"chargebacks\":{\"allow\":" OPEN ",\"fees\":{\"value\":[]}}}}" },
        { "{\"payments\":{\"allocations\":{\"allow\":" YES "},\"attempt_limit\":{\"value\":{\"attempts\":2}}}}",
          "{\"recurrent_paytools\":{\"payment_methods\":" METHODS("B") "}}",
          "{\"payments\":{\"allocations\":{\"allow\":" YES "},\"attempt_limit\":{\"value\":{\"attempts\":2}}},"
          "\"recurrent_paytools\":{\"payment_methods\":" METHODS("B") "}}" },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct term_set parent, child, merged;

        must_decode(&type_term_set, rows[i].parent, arena, &parent);
        must_decode(&type_term_set, rows[i].child, arena, &child);
        term_set_merge(&parent, &child, arena, &merged);
        cr_expect_str_eq(encoded(&type_term_set, &merged, arena), rows[i].merged, "row %zu", i);
    }
}

/* A terminal's word over its provider's; holds, refunds and chargebacks as a unit (domain.md 5.2). */
Test(terms, of_a_terminal_go_over_its_providers)
{
    static const struct {
        const char *provider, *terminal, *merged; /* NULL: none */
    } rows[] = {
        { NULL, NULL, NULL },
        { "{\"payments\":{}}", NULL, "{\"payments\":{}}" },
        { NULL, "{\"recurrent_paytools\":{}}", "{\"recurrent_paytools\":{}}" },
        { "{\"payments\":{\"allow\":" YES ",\"cash_limit\":" LIMIT(1) "}}", "{\"payments\":{\"cash_limit\":" LIMIT(2) "}}",
          "{\"payments\":{\"allow\":" YES ",\"cash_limit\":" LIMIT(2) "}}" },
        { "{\"payments\":{\"holds\":{\"lifetime\":" SECONDS(60) ",\"partial_captures\":{}}}}",
          "{\"payments\":{\"holds\":{\"lifetime\":" SECONDS(9) "}}}",
          "{\"payments\":{\"holds\":{\"lifetime\":" SECONDS(9) "}}}" },
        { "{\"payments\":{\"refunds\":{\"cash_flow\":{\"value\":[]}}}}", "{\"payments\":{\"refunds\":{}}}",
          "{\"payments\":{\"refunds\":{}}}" },
        { "{\"recurrent_paytools\":{\"payment_methods\":" METHODS("A") "}}",
          "{\"recurrent_paytools\":{\"payment_methods\":" METHODS("B") "}}",
          "{\"recurrent_paytools\":{\"payment_methods\":" METHODS("A") "}}" },
        { "{\"payments\":{}}", "{\"recurrent_paytools\":{}}", "{\"payments\":{}}" },
        { "{\"extension\":{\"skip_recurrent\":true}}", "{\"extension\":{}}", "{\"extension\":{\"skip_recurrent\":true}}" },
        { "{\"extension\":{\"skip_recurrent\":true}}", "{\"extension\":{\"skip_recurrent\":false}}",
          "{\"extension\":{\"skip_recurrent\":false}}" },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct provision_terms provider, terminal, merged;
        bool there;

        if (rows[i].provider)
            must_decode(&type_provision_terms, rows[i].provider, arena, &provider);
        if (rows[i].terminal)
            must_decode(&type_provision_terms, rows[i].terminal, arena, &terminal);
        there = provision_terms_merge(rows[i].provider ? &provider : NULL, rows[i].terminal ? &terminal : NULL, arena,
                                      &merged);
        cr_assert_eq(there, rows[i].merged != NULL, "row %zu", i);
        if (there)
            cr_expect_str_eq(encoded(&type_provision_terms, &merged, arena), rows[i].merged, "row %zu", i);
    }
}

/* Shops see their tariff through three generations of the example. */
Test(terms, of_a_tariff_are_merged_with_its_parents)
{
    struct domain *domain;
    const struct term_set *games, *base;
    json_t *doc = doc_load();

    doc_add(doc, "term_set_hierarchy", "{\"id\":9}",
            "{\"parent_terms\":{\"id\":2},\"term_set\":{\"payments\":{\"attempt_limit\":{\"value\":{\"attempts\":7}}}}}");
    domain = doc_domain_take(doc, arena);
    base = domain_terms(domain, 1);
    games = domain_terms(domain, 9);
    cr_expect_null(domain_terms(domain, 77));
    cr_expect_eq(games->payments->cash_limit, base->payments->cash_limit, "from the grandparent");
    cr_expect_eq(games->payments->fees, domain_terms(domain, 2)->payments->fees, "from the parent");
    cr_expect_neq(games->payments->fees, base->payments->fees);
    cr_expect(games->payments->holds->partial_captures && !base->payments->holds->partial_captures);
    cr_expect_eq(games->payments->holds->lifetime, base->payments->holds->lifetime);
    cr_expect_eq(((const struct attempt_limit *)selector_literal(games->payments->attempt_limit))->attempts, 7);
    domain_free(domain);
}

/* What a client is shown of terms has nothing in it that was decided already. */
Test(terms, are_reduced_in_every_part)
{
    static const char text[] =
        "{\"payments\":{\"cash_limit\":{\"decisions\":[{\"if_\":{\"condition\":{\"category_is\":{\"id\":2}}},\"then_\":" LIMIT(1)
        "}]},\"fees\":{\"decisions\":[{\"if_\":" OPEN ",\"then_\":{\"value\":[]}},{\"if_\":{\"constant\":false},\"then_\":"
        "{\"value\":[]}}]},\"holds\":{\"lifetime\":{\"decisions\":[{\"if_\":" YES ",\"then_\":" SECONDS(5) "}]},"
        "\"partial_captures\":{}},\"chargebacks\":{\"allow\":{\"all_of\":[" YES "," OPEN "]}}}}";
    static const char expected[] =
        "{\"payments\":{\"cash_limit\":" LIMIT(1) ",\"fees\":{\"decisions\":[{\"if_\":" OPEN ",\"then_\":{\"value\":[]}}]},"
        "\"holds\":{\"lifetime\":" SECONDS(5) ",\"partial_captures\":{}},\"chargebacks\":{\"allow\":" OPEN "}}}";
    struct domain *domain = doc_domain_take(doc_load(), arena);
    struct varset facts = { .category = 2 };
    struct term_set terms, reduced;

    must_decode(&type_term_set, text, arena, &terms);
    term_set_reduce(domain, &terms, &facts, arena, &reduced);
    cr_expect_str_eq(encoded(&type_term_set, &reduced, arena), expected);
    cr_expect_neq(terms.payments, reduced.payments, "the terms themselves are as they were");
    domain_free(domain);
}

/* Two parts of provision terms are passed through untouched, and later fail where a value is needed (domain.md 5.2). */
Test(terms, of_providers_pass_two_parts_through)
{
#define FEES "{\"decisions\":[{\"if_\":" YES ",\"then_\":{\"value\":{\"fees\":{}}}}]}"
#define COVERAGE "{\"decisions\":[{\"if_\":" YES ",\"then_\":{\"value\":\"low\"}}]}"
    static const char text[] = "{\"payments\":{\"allow\":{\"is_not\":" YES "},\"chargebacks\":{\"fees\":" FEES
                               "},\"risk_coverage\":" COVERAGE "},\"recurrent_paytools\":{\"risk_coverage\":" COVERAGE "}}";
    static const char expected[] = "{\"payments\":{\"allow\":{\"constant\":false},\"chargebacks\":{\"fees\":" FEES
                                   "},\"risk_coverage\":{\"value\":\"low\"}},\"recurrent_paytools\":{\"risk_coverage\":" COVERAGE "}}";
    struct domain *domain = doc_domain_take(doc_load(), arena);
    struct varset facts = { .category = 2 };
    struct provision_terms terms, reduced;

    must_decode(&type_provision_terms, text, arena, &terms);
    provision_terms_reduce(domain, &terms, &facts, arena, &reduced);
    cr_expect_str_eq(encoded(&type_provision_terms, &reduced, arena), expected);
    domain_free(domain);
}

/* A method is covered by a set only if all of its parts are the same (domain.md 9). */
Test(terms, cover_methods_exactly)
{
#define CARD(MORE) "{\"bank_card\":{\"token\":\"t\",\"bin\":\"1\",\"last_digits\":\"1\"" MORE "}}"
#define VISA ",\"payment_system\":{\"id\":\"VISA\"}"
    static const char set[] =
        "[{\"id\":{\"bank_card\":{\"payment_system\":{\"id\":\"VISA\"},\"is_cvv_empty\":false}}},"
        "{\"id\":{\"bank_card\":{\"payment_system\":{\"id\":\"MIR\"},\"payment_token\":{\"id\":\"PAY\"},"
        "\"tokenization_method\":\"dpan\"}}},{\"id\":{\"digital_wallet\":{\"id\":\"QIWI\"}}},"
        "{\"id\":{\"payment_terminal\":{\"id\":\"KIOSK\"}}},{\"id\":{\"mobile\":{\"id\":\"mts\"}}},"
        "{\"id\":{\"crypto_currency\":{\"id\":\"btc\"}}},{\"id\":{\"generic\":{\"payment_service\":{\"id\":\"QIWI\"}}}}]";
    static const struct {
        const char *tool;
        bool covered;
    } rows[] = {
        { CARD(VISA), true },
        { CARD(VISA ",\"is_cvv_empty\":false"), true },
        { CARD(VISA ",\"is_cvv_empty\":true"), false },
        { CARD(VISA ",\"payment_token\":{\"id\":\"PAY\"}"), false },
        { CARD(VISA ",\"tokenization_method\":\"none\""), false },
        { CARD(""), false },
        { CARD(",\"payment_system\":{\"id\":\"MIR\"}"), false },
        { CARD(",\"payment_system\":{\"id\":\"MIR\"},\"payment_token\":{\"id\":\"PAY\"},\"tokenization_method\":\"dpan\""), true },
        { "{\"digital_wallet\":{\"payment_service\":{\"id\":\"QIWI\"},\"id\":\"7\"}}", true },
        { "{\"digital_wallet\":{\"id\":\"7\"}}", false },
        { "{\"payment_terminal\":{\"payment_service\":{\"id\":\"KIOSK\"}}}", true },
        { "{\"payment_terminal\":{\"payment_service\":{\"id\":\"QIWI\"}}}", false },
        { "{\"mobile_commerce\":{\"operator\":{\"id\":\"mts\"},\"phone\":{\"cc\":\"7\",\"ctn\":\"9\"}}}", true },
        { "{\"mobile_commerce\":{\"phone\":{\"cc\":\"7\",\"ctn\":\"9\"}}}", false },
        { "{\"crypto_currency\":{\"id\":{\"id\":\"btc\"}}}", true },
        { "{\"crypto_currency\":{\"id\":{\"id\":\"eth\"}}}", false },
        { "{\"generic\":{\"payment_service\":{\"id\":\"QIWI\"}}}", true },
        { "{\"generic\":{\"payment_service\":{\"id\":\"KIOSK\"}}}", false },
    };
    static const struct type type_set = TYPE_SET_OF(type_payment_method_ref);
    struct type_list methods;
    size_t i;

    must_decode(&type_set, set, arena, &methods);
    for (i = 0; i < SL_COUNT(rows); i++) {
        struct payment_method method;
        struct payment_tool tool;

        must_decode(&type_payment_tool, rows[i].tool, arena, &tool);
        cr_expect_eq(tool_method(&tool, &method) && method_in(&method, &methods), rows[i].covered, "row %zu: %s", i,
                     rows[i].tool);
    }
}

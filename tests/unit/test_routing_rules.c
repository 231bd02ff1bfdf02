/* Worked cases of routing, with their own numbers: which candidates there are, and which of them is taken. */
#include <criterion/criterion.h>
#include <string.h>

#include "domain/health.h"
#include "domain/routing.h"
#include "support/domain_doc.h"

#define RUB(N) "{\"amount\":" #N ",\"currency\":{\"symbolic_code\":\"RUB\"}}"
#define CODE(C) "{\"symbolic_code\":\"" C "\"}"
#define YES "{\"constant\":true}"
#define NO "{\"constant\":false}"
#define EUROSET "{\"id\":{\"payment_terminal\":{\"id\":\"EUROSET\"}}}"
#define VISA "{\"id\":{\"bank_card\":{\"payment_system\":{\"id\":\"VISA\"},\"is_cvv_empty\":false}}}"
#define TERMS(CURRENCIES, CATEGORY, METHOD, MORE) \
    "{\"payments\":{\"currencies\":{\"value\":[" CURRENCIES "]},\"categories\":{\"value\":[{\"id\":" #CATEGORY "}]}," \
    "\"payment_methods\":{\"value\":[" METHOD "]},\"cash_flow\":{\"value\":[]},\"cash_limit\":{\"value\":{\"lower\":{\"inclusive\":" RUB(1000) "}," \
    "\"upper\":{\"exclusive\":" RUB(10000000) "}}}" MORE "}}"
#define ALLOWED ",\"allow\":" YES ",\"global_allow\":" YES
#define P1_TERMS TERMS(CODE("RUB"), 1, EUROSET, ALLOWED)
#define CANDIDATE(TERMINAL, MORE) "{\"allowed\":" YES ",\"terminal\":{\"id\":" #TERMINAL "}" MORE "}"
#define FIVE CANDIDATE(1, "") "," CANDIDATE(2, "") "," CANDIDATE(3, "") "," CANDIDATE(4, "") "," CANDIDATE(7, "")
#define P "PaymentsProvisionTerms, "

static struct arena *arena;
static json_t *doc;
static struct domain *domain;
static struct payment_tool tool;
static struct cash cost;

static void open_doc(void)
{
    arena = arena_new();
    doc = doc_load();
    doc_add(doc, "currency", CODE("EUR"), "{\"name\":\"Euro\",\"symbolic_code\":\"EUR\",\"numeric_code\":978,\"exponent\":2}");
    cost = (struct cash){ 1000, { "RUB" } };
    must_decode(&type_payment_tool, "{\"payment_terminal\":{\"payment_service\":{\"id\":\"EUROSET\"}}}", arena, &tool);
}

static void close_doc(void)
{
    if (!domain)
        json_decref(doc);
    domain_free(domain);
    domain = NULL;
    arena_free(arena);
}

TestSuite(routing_rules, .init = open_doc, .fini = close_doc);

/* Provider N with TERMS, and terminal N of it without any of its own. Some are in the example already. */
static void provide(int n, const char *terms)
{
    const char *ref = arena_printf(arena, "{\"id\":%d}", n), *accounts = arena_printf(arena, "{\"RUB\":{\"settlement\":%d},\"EUR\":{\"settlement\":%d}}", 40000 + n, 50000 + n);
    const char *provider = arena_printf(arena, "{\"name\":\"P%d\",\"description\":\"\",\"proxy\":{\"ref\":{\"id\":1},\"additional\":{}},"
                                               "\"accounts\":%s,\"terms\":%s}", n, accounts, terms);
    const char *terminal = arena_printf(arena, "{\"name\":\"T%d\",\"description\":\"\",\"provider_ref\":{\"id\":%d}}", n, n);

    if (n <= 3)
        doc_set(doc, "provider", ref, "/data", provider);
    else
        doc_add(doc, "provider", ref, provider);
    if (n <= 5)
        doc_set(doc, "terminal", ref, "/data", terminal);
    else
        doc_add(doc, "terminal", ref, terminal);
}

static void rules(const char *policies, const char *prohibitions)
{
    doc_set(doc, "routing_rules", "{\"id\":1}", "/data/decisions", arena_printf(arena, "{\"candidates\":[%s]}", policies));
    doc_set(doc, "routing_rules", "{\"id\":100}", "/data/decisions", arena_printf(arena, "{\"candidates\":[%s]}", prohibitions));
}

static struct candidates gather(const struct routing_request *wanted)
{
    struct candidates candidates;
    struct routing_request request = wanted ? *wanted : (struct routing_request){ .risk_score = RISK_LOW };

    if (!domain)
        domain = doc_domain_take(doc, arena);
    request.facts = (struct varset){ .category = 1, .currency = cost.currency.symbolic_code, .amount = &cost, .payment_tool = &tool,
                                     .party_id = "party-acme", .shop_id = "shop-acme-books" };
    request.shop = domain_shop(domain, NULL, "shop-acme-books");
    routing_gather(domain, &request, arena, &candidates);
    return candidates;
}

/* "t1 t2(why)" */
static const char *told(const struct candidates *candidates)
{
    const char *text = "";
    size_t i;

    for (i = 0; i < candidates->count; i++) {
        const struct candidate *one = &candidates->list[i];

        text = one->rejected ? arena_printf(arena, "%s%st%lld(%s)", text, i ? " " : "", (long long)one->terminal->id, one->rejected)
                             : arena_printf(arena, "%s%st%lld", text, i ? " " : "", (long long)one->terminal->id);
    }
    return text;
}

static void provide_five(void)
{
    provide(1, P1_TERMS);
    provide(2, TERMS(CODE("RUB") "," CODE("EUR"), 2, EUROSET, ALLOWED));
    provide(3, TERMS(CODE("RUB") "," CODE("EUR"), 1, VISA, ALLOWED));
    provide(4, TERMS(CODE("RUB"), 1, EUROSET, ",\"allow\":" NO ",\"global_allow\":" YES));
    provide(7, TERMS(CODE("RUB"), 1, EUROSET, ",\"allow\":" YES ",\"global_allow\":" NO));
    rules(FIVE, CANDIDATE(3, ""));
}

/* The one candidate whose terms fit is accepted; every other is listed with its first mismatch. */
Test(routing_rules, gather_route_success)
{
    struct candidates candidates;

    provide_five();
    candidates = gather(NULL);
    cr_expect_str_eq(told(&candidates), "t1 t2(" P "category) t3(" P "payment_tool) t4(" P "allow) t7(" P "global_allow)");
}

/* With no fitting candidate the answer names a reason for each. */
Test(routing_rules, no_route_found_for_payment)
{
    struct candidates candidates;

    provide_five();
    cost.amount = 999;
    candidates = gather(NULL);
    cr_expect_str_eq(told(&candidates), "t1(" P "cost) t2(" P "category) t3(" P "payment_tool) t4(" P "allow) t7(" P "global_allow)");
    cost = (struct cash){ 1000, { "EUR" } };
    candidates = gather(NULL);
    cr_expect_str_eq(told(&candidates),
                     "t1(" P "currency) t2(" P "category) t3(" P "payment_tool) t4(" P "allow) t7(" P "global_allow)");
    cr_expect_eq(routing_accepted(&candidates), 0);
}

/* An institution without routing rules has no candidates and that is no error. */
Test(routing_rules, empty_candidate_ok)
{
    struct candidates candidates;

    doc_set(doc, "payment_institution", "{\"id\":2}", "/data/payment_routing_rules", NULL);
    cost.amount = 101010;
    must_decode(&type_payment_tool, "{\"bank_card\":{\"token\":\"tok\",\"payment_system\":{\"id\":\"VISA\"},\"bin\":\"\",\"last_digits\":\"\"}}",
                arena, &tool);
    candidates = gather(NULL);
    cr_expect_eq(candidates.count, 0);
    cr_expect_null(candidates.misconfiguration);
}

/* Policies that reduce to delegates instead of candidates are a configuration fault. */
Test(routing_rules, ruleset_misconfig)
{
    struct candidates candidates;

    doc_set(doc, "routing_rules", "{\"id\":1}", "/data/decisions", "{\"delegates\":[]}");
    candidates = gather(NULL);
    cr_assert_not_null(candidates.misconfiguration);
    cr_expect(strstr(candidates.misconfiguration, "no delegate applies"), "%s", candidates.misconfiguration);
}

/* A low score passes every coverage. */
Test(routing_rules, routes_selected_for_low_risk_score)
{
    struct candidates candidates;

    provide(1, TERMS(CODE("RUB"), 1, EUROSET, ALLOWED ",\"risk_coverage\":{\"value\":\"low\"}"));
    provide(2, TERMS(CODE("RUB"), 1, EUROSET, ALLOWED ",\"risk_coverage\":{\"value\":\"high\"}"));
    provide(3, P1_TERMS);
    provide(4, P1_TERMS);
    provide(7, P1_TERMS);
    rules(FIVE, "");
    candidates = gather(NULL);
    cr_expect_str_eq(told(&candidates), "t1 t2 t3 t4 t7");
}

/* Leaving the allow predicate out means allowed. */
Test(routing_rules, empty_terms_allow_test)
{
    struct candidates candidates;

    provide(5, TERMS(CODE("RUB"), 1, EUROSET, ",\"global_allow\":" YES));
    rules(CANDIDATE(5, ""), "");
    candidates = gather(NULL);
    cr_expect_str_eq(told(&candidates), "t5");
}

/* Rules may rank the same terminals differently per shop. */
Test(routing_rules, terminal_priority_for_shop)
{
    static const char *const orders[] = {
        CANDIDATE(11, ",\"priority\":10") "," CANDIDATE(12, ",\"priority\":5"),
        CANDIDATE(11, ",\"priority\":5") "," CANDIDATE(12, ",\"priority\":10"),
    };
    size_t i;

    for (i = 0; i < SL_COUNT(orders); i++) {
        struct candidates candidates;
        const struct candidate *chosen;

        if (i) { /* the other shop's rules */
            close_doc();
            open_doc();
        }
        provide(11, P1_TERMS);
        provide(12, P1_TERMS);
        rules(orders[i], "");
        candidates = gather(NULL);
        chosen = &candidates.list[routing_choose(&candidates, 7, NULL).chosen];
        cr_expect_eq(chosen->terminal->id, i ? 12 : 11);
        cr_expect_eq(chosen->priority, 10);
    }
}

/* Pin features take their values from the payment; a terminal's statistics override beats its provider's. */
Test(routing_rules, gather_pinned_route)
{
    static const struct {
        const char *provider, *terminal; /* overrides; NULL: none */
        bool overridden;
    } flags[] = { { NULL, NULL, false }, { NULL, "true", true }, { "true", "false", false } };
    struct candidates candidates;
    struct routing_request mail = { .risk_score = RISK_LOW, .email = "example@mail.com" };
    size_t i;

    for (i = 0; i < SL_COUNT(flags); i++) {
        const char *ref = arena_printf(arena, "{\"id\":%zu}", i + 1);

        provide((int)i + 1, P1_TERMS);
        if (flags[i].provider)
            doc_set(doc, "provider", ref, "/data/route_fd_overrides", arena_printf(arena, "{\"enabled\":%s}", flags[i].provider));
        if (flags[i].terminal)
            doc_set(doc, "terminal", ref, "/data/route_fd_overrides", arena_printf(arena, "{\"enabled\":%s}", flags[i].terminal));
    }
#define TWO ",\"priority\":0,\"weight\":0,\"pin\":{\"features\":[\"currency\",\"payment_tool\"]}"
    rules(CANDIDATE(1, ",\"priority\":0,\"weight\":0,\"pin\":{\"features\":[\"currency\",\"payment_tool\",\"email\",\"card_token\",\"client_ip\"]}")
          "," CANDIDATE(2, TWO) "," CANDIDATE(3, TWO), "");
    candidates = gather(NULL);
    cr_assert_eq(candidates.count, 3);
    for (i = 0; i < SL_COUNT(flags); i++)
        cr_expect_eq(health_is_overridden(candidates.list[i].provider, candidates.list[i].terminal), flags[i].overridden, "route %zu", i + 1);
    cr_expect_neq(candidates.list[0].pin, candidates.list[1].pin, "unknown features take part");
    cr_expect_eq(candidates.list[1].pin, candidates.list[2].pin);
    cr_expect_neq(gather(&mail).list[0].pin, candidates.list[0].pin, "the e-mail is one of the five");
    cr_expect_eq(gather(&mail).list[1].pin, candidates.list[1].pin, "and none of the two");
}

/* A provider flagged skip_recurrent needs no recurrent terms for a recurrent payment. */
Test(routing_rules, recurrent_payment_skip_recurrent_terms)
{
    struct routing_request recurrent = { .risk_score = RISK_LOW, .recurrent = true };
    struct candidates candidates;

    provide(8, P1_TERMS);
    doc_set(doc, "provider", "{\"id\":8}", "/data/terms/extension", "{\"skip_recurrent\":true}");
    rules(CANDIDATE(8, ""), "");
    candidates = gather(&recurrent);
    cr_expect_str_eq(told(&candidates), "t8");
}

/* ---- choices ---- */

struct route {
    int64_t provider, terminal, priority, weight;
    uint64_t pin;
    double availability_failures, conversion_failures;
    bool dead, lacking;
};

/* ROUTES as accepted candidates; those of dead providers are turned away, as before every choice. */
static struct candidates candidates_of(const struct route *routes, size_t count)
{
    struct candidates candidates = { .list = arena_array(arena, count, sizeof(struct candidate)), .count = count };
    size_t i;

    for (i = 0; i < count; i++) {
        struct provider *provider = arena_alloc(arena, sizeof(*provider));
        struct terminal *terminal = arena_alloc(arena, sizeof(*terminal));

        *provider = (struct provider){ .id = routes[i].provider };
        *terminal = (struct terminal){ .id = routes[i].terminal };
        candidates.list[i] = (struct candidate){
            .provider = provider, .terminal = terminal, .priority = routes[i].priority, .weight = routes[i].weight,
            .pin = routes[i].pin, .availability = 1 - routes[i].availability_failures,
            .conversion = 1 - routes[i].conversion_failures, .lacking = routes[i].lacking,
        };
        if (routes[i].dead)
            routing_reject(&candidates.list[i], REJECT_UNAVAILABLE, "dead");
    }
    return candidates;
}

TestSuite(unit_rules, .init = open_doc, .fini = close_doc);

/* The choice reports which route would have won without statistics and why it did not. */
Test(routing_rules, choice_context_formats_ok)
{
    static const struct route routes[] = {
        { 1, 1, 1000, 0, 0, 0.9, 0.9, true, true }, { 2, 2, 1000, 0, 0, 0.1, 0.1, false, false }, { 3, 3, 1000, 0, 0, 0.2, 0.2, false, false },
    };
    struct candidates candidates = candidates_of(routes, SL_COUNT(routes));
    struct routing_choice choice = routing_choose(&candidates, 0, NULL);

    cr_expect_eq(choice.chosen, 1);
    cr_expect_eq(choice.preferable, 2);
    cr_expect_str_eq(choice.switched, "availability");
}

/* Route ranking compares the availability condition before anything the ids could say. */
Test(unit_rules, record_comparsion_test)
{
    static const struct route routes[] = { { 42, 42, 0, 0, 0, 0.5, 0, false, false }, { 99, 99, 0, 0, 0, 0.9, 0, true, false } };
    struct candidates candidates = candidates_of(routes, SL_COUNT(routes));

    cr_expect_eq(routing_choose(&candidates, 0, NULL).chosen, 0);
}

/* Order of criteria and the reason that is reported. A dead provider is turned away before the choice, so it is not
 * what would have been preferable. */
Test(unit_rules, preferable_route_scoring_test_)
{
#define GOOD 0, 0.0, 0.0, false, false
#define POORER 0, 0.0, 0.1, false, false
#define DEAD 0, 0.4, 0.6, true, true
#define WEAK 0, 0.1, 0.1, false, false
#define BROKEN 0, 0.1, 0.8, false, true
    static const struct {
        struct route routes[3];
        size_t count, chosen, preferable;
        const char *switched;
    } rows[] = {
        { { { 1, 1, 1, 0, GOOD }, { 2, 2, 0, 0, GOOD } }, 2, 0, 0, NULL },
        { { { 1, 1, 1, 0, DEAD }, { 1, 2, 1, 0, DEAD }, { 1, 3, 1, 0, GOOD } }, 3, 2, 2, NULL },
        { { { 1, 1, 1, 0, DEAD }, { 2, 2, 0, 0, GOOD } }, 2, 1, 1, NULL },
        { { { 1, 1, 1, 0, BROKEN }, { 2, 2, 0, 0, GOOD } }, 2, 1, 0, "conversion_condition" },
        { { { 1, 1, 1, 0, GOOD }, { 1, 2, 1, 0, POORER } }, 2, 0, 1, "conversion" },
        { { { 1, 1, 1, 0, GOOD }, { 1, 2, 1, 0, WEAK }, { 2, 2, 0, 0, GOOD } }, 3, 0, 1, "availability" },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct candidates candidates = candidates_of(rows[i].routes, rows[i].count);
        struct routing_choice choice = routing_choose(&candidates, 0, NULL);

        cr_expect_eq(choice.chosen, rows[i].chosen, "row %zu: chosen %zu", i + 1, choice.chosen);
        cr_expect_eq(choice.preferable, rows[i].preferable, "row %zu: preferable %zu", i + 1, choice.preferable);
        cr_expect_str_eq(choice.switched ? choice.switched : "", rows[i].switched ? rows[i].switched : "", "row %zu", i + 1);
    }
}

/* Priority outranks a better availability. */
Test(unit_rules, prefer_weight_over_availability_test)
{
    static const struct route routes[] = {
        { 1, 1, 1000, 0, 0, 0.3, 0.3, false, false }, { 2, 2, 1005, 0, 0, 0.5, 0.3, false, false }, { 3, 3, 1000, 0, 0, 0.3, 0.3, false, false },
    };
    struct candidates candidates = candidates_of(routes, SL_COUNT(routes));

    cr_expect_eq(routing_choose(&candidates, 0, NULL).chosen, 1);
}

/* Draws as they come: 1000 places all over the range. */
static uint64_t random_of(int i)
{
    return (uint64_t)i * 0x9e3779b97f4a7c15u;
}

/* Routes with equal pins: one and the same wins every time. */
Test(unit_rules, pin_random_test)
{
    static const struct route routes[] = { { 1, 1, 1000, 50, 77, 0, 0, false, false }, { 2, 2, 1000, 50, 77, 0, 0, false, false } };
    struct candidates candidates = candidates_of(routes, SL_COUNT(routes));
    size_t first = routing_choose(&candidates, 0, NULL).chosen;
    int i;

    for (i = 0; i < 1000; i++)
        cr_assert_eq(routing_choose(&candidates, random_of(i), NULL).chosen, first);
}

/* Another pin value may fix another route. */
Test(unit_rules, pin_weight_test)
{
    struct route routes[] = { { 1, 1, 1000, 50, 0, 0, 0, false, false }, { 1, 2, 1000, 50, 0, 0, 0, false, false } };
    bool seen[2] = { false, false };
    int mail, i;

    for (mail = 1; mail <= 16; mail++) {
        struct candidates candidates;
        size_t chosen;

        routes[0].pin = routes[1].pin = random_of(mail);
        candidates = candidates_of(routes, SL_COUNT(routes));
        chosen = routing_choose(&candidates, 0, NULL).chosen;
        seen[chosen] = true;
        for (i = 0; i < 1000; i++)
            cr_assert_eq(routing_choose(&candidates, random_of(i), NULL).chosen, chosen, "e-mail %d", mail);
    }
    cr_expect(seen[0] && seen[1], "pins do not all fix one route");
}

/* A weighted draw marks exactly one route: it owns the half-open span of its weight. Spans are laid out from the last
 * candidate on. */
Test(unit_rules, balance_routes_test_)
{
    static const struct route routes[] = {
        { 5, 5, 1000, 0, 0, 0, 0, false, false }, { 4, 4, 1000, 1, 0, 0, 0, false, false }, { 3, 3, 1000, 0, 0, 0, 0, false, false },
        { 2, 2, 1000, 2, 0, 0, 0, false, false }, { 1, 1, 1000, 1, 0, 0, 0, false, false },
    };
    static const struct {
        double draw;
        int64_t marked; /* terminal */
    } rows[] = { { 0.2, 1 }, { 1.5, 2 }, { 2.9, 2 }, { 3.0, 4 }, { 3.9, 4 } };
    struct candidates candidates = candidates_of(routes, SL_COUNT(routes));
    struct routing_score scores[SL_COUNT(routes)];
    size_t i, j;

    for (i = 0; i < SL_COUNT(rows); i++) {
        routing_choose(&candidates, (uint64_t)(rows[i].draw / 4 * 18446744073709551616.0), scores);
        for (j = 0; j < SL_COUNT(routes); j++)
            cr_expect_eq(scores[j].random_condition, routes[j].terminal == rows[i].marked, "draw %.1f, terminal %d", rows[i].draw,
                         (int)routes[j].terminal);
    }
}

/* Volumes of cash flow lines. */
Test(unit_rules, compute_volume_test)
{
    static const struct {
        const char *volume;
        int64_t amount;
    } rows[] = {
        { "{\"fixed\":{\"cash\":" RUB(100) "}}", 100 },
        { "{\"share\":{\"parts\":{\"p\":1,\"q\":100},\"of\":\"operation_amount\"}}", 1 },
        { "{\"product\":{\"min_of\":[{\"fixed\":{\"cash\":" RUB(100) "}},{\"fixed\":{\"cash\":" RUB(200) "}}]}}", 100 },
        { "{\"product\":{\"max_of\":[{\"fixed\":{\"cash\":" RUB(100) "}},{\"fixed\":{\"cash\":" RUB(50) "}}]}}", 100 },
        /* a set has each member once: two fixed volumes of 100 are one */
        { "{\"product\":{\"sum_of\":[{\"fixed\":{\"cash\":" RUB(100) "}},"
          "{\"share\":{\"parts\":{\"p\":1,\"q\":1},\"of\":\"operation_amount\"}}]}}", 200 },
    };
    struct volume_context context = { .operation_amount = { 100, { "RUB" } } };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct volume volume;
        struct cash out;
        const char *why;

        must_decode(&type_volume, rows[i].volume, arena, &volume);
        cr_assert_eq(volume_compute(&volume, &context, arena, &out, &why), SL_OK, "row %zu", i);
        cr_expect_eq(out.amount, rows[i].amount, "row %zu: %lld", i, (long long)out.amount);
    }
}

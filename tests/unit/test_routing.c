/* Which routes are found, why others are turned away, and which of those left is taken. */
#include <criterion/criterion.h>
#include <string.h>

#include "domain/routing.h"
#include "support/domain_doc.h"

#define RUB(N) "{\"amount\":" #N ",\"currency\":{\"symbolic_code\":\"RUB\"}}"
#define LIMIT(LOWER, UPPER) "{\"value\":{\"lower\":{\"inclusive\":" RUB(LOWER) "},\"upper\":{\"inclusive\":" RUB(UPPER) "}}}"
#define YES "{\"constant\":true}"
#define NO "{\"constant\":false}"
#define OPEN "{\"condition\":{\"trust_level_is\":\"well_known\"}}"
#define UNDECIDED(VALUE) "{\"decisions\":[{\"if_\":" OPEN ",\"then_\":{\"value\":" VALUE "}}]}"
#define VISA_METHOD "[{\"id\":{\"bank_card\":{\"payment_system\":{\"id\":\"VISA\"},\"is_cvv_empty\":false}}}]"
#define MIR_METHOD "[{\"id\":{\"bank_card\":{\"payment_system\":{\"id\":\"MIR\"},\"is_cvv_empty\":false}}}]"
#define CANDIDATE(ALLOWED, TERMINAL, MORE) "{\"allowed\":" ALLOWED ",\"terminal\":{\"id\":" #TERMINAL "}" MORE "}"
#define CANDIDATES(ROWS) "{\"candidates\":[" ROWS "]}"
#define DELEGATE(ALLOWED, RULESET) "{\"allowed\":" ALLOWED ",\"ruleset\":{\"id\":" #RULESET "}}"
#define DELEGATES(ROWS) "{\"delegates\":[" ROWS "]}"
#define PAYMENTS "PaymentsProvisionTerms"

static struct arena *arena;
static struct payment_tool tool;
static struct cash cost;

static void open_arena(void)
{
    arena = arena_new();
    cost = (struct cash){ 42000, { "RUB" } };
    must_decode(&type_payment_tool,
                "{\"bank_card\":{\"token\":\"tok\",\"payment_system\":{\"id\":\"VISA\"},\"bin\":\"424242\",\"last_digits\":\"4242\"}}",
                arena, &tool);
}

static void close_arena(void)
{
    arena_free(arena);
}

TestSuite(routing, .init = open_arena, .fini = close_arena);

static struct routing_request request_of(const struct domain *domain)
{
    return (struct routing_request){
        .facts = { .category = 2, .currency = "RUB", .amount = &cost, .payment_tool = &tool, .party_id = "party-acme",
                   .shop_id = "shop-acme-books" },
        .shop = domain_shop(domain, NULL, "shop-acme-books"),
        .risk_score = RISK_LOW,
        .card_token = "tok",
    };
}

/* What was found, as "t1 t3(why)", or the misconfiguration. */
static const char *found(const struct candidates *candidates)
{
    struct buf text = BUF_EMPTY;
    const char *result;
    size_t i;

    if (candidates->misconfiguration)
        return candidates->misconfiguration;
    for (i = 0; i < candidates->count; i++) {
        buf_printf(&text, "%st%lld", i ? " " : "", (long long)candidates->list[i].terminal->id);
        if (candidates->list[i].rejected)
            buf_printf(&text, "(%s)", candidates->list[i].rejected);
    }
    result = arena_strdup(arena, buf_text(&text));
    buf_clear(&text);
    return result;
}

/* ---- rulesets ---- */

/* The walk from the institution's rulesets to candidates (routing.md 3 and 5). */
Test(routing, rulesets_reduce_to_candidates)
{
    static const struct {
        const char *policies, *prohibitions; /* decisions; NULL: as in the example */
        const char *expected;
    } rows[] = {
        { CANDIDATES(""), NULL, "" },
        { CANDIDATES(CANDIDATE(YES, 1, "") "," CANDIDATE(NO, 3, "")), NULL, "t1" },
        { CANDIDATES(CANDIDATE(YES, 3, "") "," CANDIDATE(YES, 1, "")), NULL, "t3 t1" },
        { CANDIDATES(CANDIDATE(YES, 1, "") "," CANDIDATE(OPEN, 3, "")), NULL,
          "routing ruleset Live: main: it cannot be decided whether candidate 1 is allowed" },
        { DELEGATES(""), NULL, "routing ruleset Live: main: no delegate applies" },
        { DELEGATES(DELEGATE(NO, 3)), NULL, "routing ruleset Live: main: no delegate applies" },
        { DELEGATES(DELEGATE(NO, 3) "," DELEGATE(OPEN, 3) "," DELEGATE(YES, 4)), NULL,
          "routing ruleset Live: main: it cannot be decided whether delegate 1 applies" },
        { DELEGATES(DELEGATE(YES, 4) "," DELEGATE(OPEN, 3)), NULL, "t3 t1" },
        { DELEGATES(DELEGATE(YES, 101) "," DELEGATE(YES, 4)), NULL, "" }, /* empty is not compensated by later ones */
        { DELEGATES(DELEGATE(YES, 4)), CANDIDATES(CANDIDATE(YES, 1, ",\"description\":\"closed\"")),
          "t3 t1(RoutingRule, closed)" },
        { DELEGATES(DELEGATE(YES, 4)), CANDIDATES(CANDIDATE(NO, 1, "")), "t3 t1" },
        { DELEGATES(DELEGATE(YES, 4)), CANDIDATES(CANDIDATE(OPEN, 1, "")),
          "routing ruleset Live: prohibitions: it cannot be decided whether candidate 0 is allowed" },
        { DELEGATES(DELEGATE(YES, 4)), DELEGATES(DELEGATE(NO, 101)), "routing ruleset Live: prohibitions: no delegate applies" },
        { DELEGATES(DELEGATE(YES, 4)), DELEGATES(DELEGATE(YES, 101)), "t3 t1" },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        json_t *doc = doc_load();
        struct candidates candidates;
        struct routing_request request;
        struct domain *domain;

        doc_set(doc, "routing_rules", "{\"id\":1}", "/data/decisions", rows[i].policies);
        if (rows[i].prohibitions)
            doc_set(doc, "routing_rules", "{\"id\":100}", "/data/decisions", rows[i].prohibitions);
        domain = doc_domain_take(doc, arena);
        request = request_of(domain);
        routing_gather(domain, &request, arena, &candidates);
        cr_expect_str_eq(found(&candidates), rows[i].expected, "row %zu: %s", i, found(&candidates));
        if (candidates.misconfiguration)
            cr_expect_eq(candidates.count, 0, "row %zu: a misconfiguration voids the whole", i);
        domain_free(domain);
    }
}

/* An institution may have no routing rules at all: that is no fault, only nothing to choose from. */
Test(routing, without_rules_finds_nothing)
{
    json_t *doc = doc_load();
    struct candidates candidates;
    struct routing_request request;
    struct domain *domain;

    doc_set(doc, "payment_institution", "{\"id\":2}", "/data/payment_routing_rules", NULL);
    domain = doc_domain_take(doc, arena);
    request = request_of(domain);
    routing_gather(domain, &request, arena, &candidates);
    cr_expect_null(candidates.misconfiguration);
    cr_expect_eq(candidates.count, 0);
    domain_free(domain);
}

/* ---- acceptance ---- */

enum { HOLD = 1, REFUND = 2, PARTIAL = 4, RECURRENT = 8, HIGH = 16 };

/* Each test of routing.md 4, in its order. Terminal 1 gets TERMS of its own over provider 1's. */
static const struct {
    unsigned request;
    const char *path, *value; /* what changes in provider 1; NULL value removes; path NULL: nothing */
    const char *expected;     /* why terminal 1 is turned away; "": it is not */
} acceptance[] = {
    { 0, NULL, NULL, "" },
    { 0, "/data/terms", NULL, "ProvisionTermSet undefined" },
    { 0, "/data/terms/payments", NULL, PAYMENTS " undefined" },
    { 0, "/data/terms/payments/global_allow", YES, "" },
    { 0, "/data/terms/payments/global_allow", NO, PAYMENTS ", global_allow" },
    { 0, "/data/terms/payments/global_allow", OPEN, "Misconfiguration(" PAYMENTS ", global_allow)" },
    { 0, "/data/terms/payments/allow", NULL, "" },
    { 0, "/data/terms/payments/allow", NO, PAYMENTS ", allow" },
    { 0, "/data/terms/payments/allow", OPEN, "Misconfiguration(" PAYMENTS ", allow)" },
    { 0, "/data/terms/payments/allow_exchange", NO, "" },
    { 0, "/data/terms/payments/currencies", "{\"value\":[{\"symbolic_code\":\"USD\"}]}", PAYMENTS ", currency" },
    { 0, "/data/terms/payments/currencies", NULL, PAYMENTS ", currency" },
    { 0, "/data/terms/payments/currencies", "{\"decisions\":[]}", "Misconfiguration(" PAYMENTS ", currency)" },
    { 0, "/data/terms/payments/categories", "{\"value\":[{\"id\":1}]}", PAYMENTS ", category" },
    { 0, "/data/terms/payments/categories", NULL, PAYMENTS ", category" },
    { 0, "/data/terms/payments/payment_methods", "{\"value\":" MIR_METHOD "}", PAYMENTS ", payment_tool" },
    { 0, "/data/terms/payments/payment_methods", UNDECIDED(VISA_METHOD), "Misconfiguration(" PAYMENTS ", payment_tool)" },
    { 0, "/data/terms/payments/cash_limit", LIMIT(42001, 50000), PAYMENTS ", cost" },
    { 0, "/data/terms/payments/cash_limit", LIMIT(42000, 42000), "" },
    { 0, "/data/terms/payments/cash_limit", NULL, PAYMENTS ", cost" },
    { 0, "/data/terms/payments/holds", NULL, "" },
    { HOLD, "/data/terms/payments/holds", NULL, "PaymentHoldsProvisionTerms undefined" },
    { HOLD, "/data/terms/payments/holds", "{}", "PaymentHoldsProvisionTerms, lifetime" },
    { HOLD, "/data/terms/payments/holds", "{\"lifetime\":{\"value\":{\"seconds\":120}}}", "" },
    { HOLD, "/data/terms/payments/holds", "{\"lifetime\":{\"value\":{\"seconds\":119}}}", "PaymentHoldsProvisionTerms, lifetime" },
    { HOLD, "/data/terms/payments/holds", "{\"lifetime\":{\"decisions\":[]}}",
      "Misconfiguration(PaymentHoldsProvisionTerms, lifetime)" },
    { 0, "/data/terms/payments/refunds", NULL, "" },
    { REFUND, NULL, NULL, "" },
    { REFUND, "/data/terms/payments/refunds", NULL, "PaymentRefundsProvisionTerms undefined" },
    { REFUND, "/data/terms/payments/refunds/partial_refunds", NULL, "" },
    { REFUND | PARTIAL, "/data/terms/payments/refunds/partial_refunds", NULL, "PartialRefundsProvisionTerms undefined" },
    { REFUND | PARTIAL, "/data/terms/payments/refunds/partial_refunds/cash_limit", LIMIT(100, 2000), "" },
    { REFUND | PARTIAL, "/data/terms/payments/refunds/partial_refunds/cash_limit", LIMIT(101, 2000),
      "PartialRefundsProvisionTerms, cash_limit" },
    { REFUND | PARTIAL, "/data/terms/payments/refunds/partial_refunds/cash_limit", NULL,
      "PartialRefundsProvisionTerms, cash_limit" },
    { 0, "/data/terms/payments/risk_coverage", "{\"value\":\"low\"}", "" },
    { 0, "/data/terms/payments/risk_coverage", "{\"value\":\"trusted\"}", PAYMENTS ", risk_coverage" },
    { HIGH, "/data/terms/payments/risk_coverage", "{\"value\":\"low\"}", PAYMENTS ", risk_coverage" },
    { HIGH, "/data/terms/payments/risk_coverage", "{\"value\":\"high\"}", "" },
    { HIGH, "/data/terms/payments/risk_coverage", UNDECIDED("\"high\""), "Misconfiguration(" PAYMENTS ", risk_coverage)" },
    { RECURRENT, "/data/terms/recurrent_paytools", "{}", "RecurrentPaytoolsProvisionTerms, category" },
    { RECURRENT, "/data/terms/recurrent_paytools", "{\"categories\":{\"value\":[{\"id\":2}]},\"payment_methods\":{\"value\":[]}}",
      "RecurrentPaytoolsProvisionTerms, payment_tool" },
    { RECURRENT, "/data/terms/recurrent_paytools",
      "{\"categories\":{\"value\":[{\"id\":2}]},\"payment_methods\":{\"value\":" VISA_METHOD "}}", "" },
    { RECURRENT, "/data/terms/recurrent_paytools", NULL, "RecurrentPaytoolsProvisionTerms undefined" },
    { 0, "/data/terms/recurrent_paytools", NULL, "" },
    { 0, "/data/terms/payments/chargebacks", NULL, "" }, /* never asked about */
    /* of several faults the first test's is said */
    { HOLD | HIGH, "/data/terms/payments",
      "{\"allow\":" NO ",\"risk_coverage\":{\"value\":\"low\"}}", PAYMENTS ", allow" },
};

static struct routing_request request_with(const struct domain *domain, unsigned wants, const struct cash_range *partial)
{
    struct routing_request request = request_of(domain);

    request.hold = wants & HOLD;
    request.hold_lifetime_s = 120;
    request.refund = wants & REFUND;
    request.partial_refund = wants & PARTIAL ? partial : NULL;
    request.recurrent = wants & RECURRENT;
    request.risk_score = wants & HIGH ? RISK_HIGH : RISK_LOW;
    return request;
}

/* A route that cannot do what the payment may need later must not be taken now. */
Test(routing, accepts_by_each_test_in_order)
{
    struct cash_range partial = {
        .lower = { .tag = BOUND_INCLUSIVE, .inclusive = { 100, { "RUB" } } },
        .upper = { .tag = BOUND_INCLUSIVE, .inclusive = { 1000, { "RUB" } } },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(acceptance); i++) {
        json_t *doc = doc_load();
        struct candidates candidates;
        struct routing_request request;
        struct domain *domain;

        doc_set(doc, "routing_rules", "{\"id\":1}", "/data/decisions", CANDIDATES(CANDIDATE(YES, 1, "")));
        if (acceptance[i].path)
            doc_set(doc, "provider", "{\"id\":1}", acceptance[i].path, acceptance[i].value);
        domain = doc_domain_take(doc, arena);
        request = request_with(domain, acceptance[i].request, &partial);
        routing_gather(domain, &request, arena, &candidates);
        cr_assert_eq(candidates.count, 1, "row %zu", i);
        cr_expect_str_eq(candidates.list[0].rejected ? candidates.list[0].rejected : "", acceptance[i].expected, "row %zu: %s", i,
                         candidates.list[0].rejected);
        domain_free(domain);
    }
}

/* A provider that takes recurrent payments by itself is not asked for terms of them. */
Test(routing, skip_recurrent_needs_no_recurrent_terms)
{
    static const bool flags[] = { true, false };
    size_t i;

    for (i = 0; i < SL_COUNT(flags); i++) {
        json_t *doc = doc_load();
        struct candidates candidates;
        struct routing_request request;
        struct domain *domain;

        doc_set(doc, "routing_rules", "{\"id\":1}", "/data/decisions", CANDIDATES(CANDIDATE(YES, 1, "")));
        doc_set(doc, "provider", "{\"id\":1}", "/data/terms/recurrent_paytools", NULL);
        doc_set(doc, "provider", "{\"id\":1}", "/data/terms/extension",
                flags[i] ? "{\"skip_recurrent\":true}" : "{\"skip_recurrent\":false}");
        domain = doc_domain_take(doc, arena);
        request = request_with(domain, RECURRENT, NULL);
        routing_gather(domain, &request, arena, &candidates);
        cr_assert_eq(candidates.count, 1);
        cr_expect_eq(candidates.list[0].rejected == NULL, flags[i]);
        cr_expect_eq(candidates.list[0].skip_recurrent, flags[i]);
        domain_free(domain);
    }
}

/* A tool that counts as no method is turned away, not taken for some other one. */
Test(routing, tool_without_a_method_is_turned_away)
{
    struct domain *domain = doc_domain_take(doc_load(), arena);
    struct routing_request request = request_of(domain);
    struct candidates candidates;

    must_decode(&type_payment_tool, "{\"digital_wallet\":{\"id\":\"7\"}}", arena, &tool);
    routing_gather(domain, &request, arena, &candidates);
    cr_expect_str_eq(found(&candidates), "t5(" PAYMENTS ", payment_tool)");
    cr_expect_str_eq(routing_rejections(&candidates, 0, arena), "[provider 3 terminal 5: " PAYMENTS ", payment_tool]");
    domain_free(domain);
}

/* Priority, weight and pin are read where they are said, else defaulted. */
Test(routing, candidates_carry_their_defaults)
{
    struct domain *domain = doc_domain_take(doc_load(), arena);
    struct routing_request request = request_of(domain);
    struct candidates candidates;

    routing_gather(domain, &request, arena, &candidates);
    cr_assert_eq(candidates.count, 4);
    cr_expect_eq(candidates.list[0].priority, 1010);
    cr_expect_eq(candidates.list[0].weight, 0);
    cr_expect_eq(candidates.list[0].pin, 0, "no pin, no hash");
    cr_expect_eq(candidates.list[1].priority, 1000);
    cr_expect_eq(candidates.list[1].weight, 70);
    cr_expect_neq(candidates.list[1].pin, 0);
    cr_expect_eq(candidates.list[1].pin, candidates.list[2].pin, "the same features, the same payer");
    domain_free(domain);
}

static uint64_t pin_of(const struct domain *domain, const struct routing_request *request)
{
    struct candidates candidates;

    routing_gather(domain, request, arena, &candidates);
    return candidates.list[0].pin;
}

/* A pin depends on the facts it lists and on no others; a missing fact is one too. */
Test(routing, pins_depend_on_the_facts_they_list)
{
    json_t *doc = doc_load();
    struct routing_request request, other;
    struct domain *domain;
    uint64_t pin;

    doc_set(doc, "routing_rules", "{\"id\":1}", "/data/decisions",
            CANDIDATES(CANDIDATE(YES, 1, ",\"pin\":{\"features\":[\"email\",\"client_ip\",\"currency\",\"payment_tool\"]}")));
    domain = doc_domain_take(doc, arena);
    request = other = request_of(domain);
    request.email = other.email = "a@b.c";
    pin = pin_of(domain, &request);
    cr_expect_neq(pin, 0);
    cr_expect_eq(pin, pin_of(domain, &other), "stable");
    other.card_token = "another";
    cr_expect_eq(pin, pin_of(domain, &other), "not listed");
    other.email = "d@e.f";
    cr_expect_neq(pin, pin_of(domain, &other));
    other = request;
    other.client_ip = "127.0.0.1";
    cr_expect_neq(pin, pin_of(domain, &other));
    other = request;
    other.email = NULL;
    other.client_ip = "a@b.c";
    cr_expect_neq(pin, pin_of(domain, &other), "facts do not change places");
    domain_free(domain);
}

/* Two features of one value are two pins, or routes that list different ones would be taken for alike. */
Test(routing, pins_tell_their_features_apart)
{
    json_t *doc = doc_load();
    struct routing_request request;
    struct candidates candidates;
    struct domain *domain;

    doc_set(doc, "routing_rules", "{\"id\":1}", "/data/decisions",
            CANDIDATES(CANDIDATE(YES, 1, ",\"pin\":{\"features\":[\"email\"]}") ","
                       CANDIDATE(YES, 3, ",\"pin\":{\"features\":[\"client_ip\"]}") ","
                       CANDIDATE(YES, 4, ",\"pin\":{\"features\":[]}")));
    domain = doc_domain_take(doc, arena);
    request = request_of(domain);
    request.email = request.client_ip = "same";
    routing_gather(domain, &request, arena, &candidates);
    cr_assert_eq(candidates.count, 3);
    cr_expect_neq(candidates.list[0].pin, candidates.list[1].pin);
    cr_expect_eq(candidates.list[2].pin, 0, "no features, no pin");
    domain_free(domain);
}

/* ---- the choice ---- */

#define CHOICE_MAX 8

struct choice_row {
    int64_t provider, terminal, priority, weight;
    uint64_t pin;
    bool rejected;
};

static struct candidates candidates_of(const struct choice_row *rows, size_t count)
{
    struct candidates candidates = { arena_array(arena, count, sizeof(struct candidate)), count, NULL };
    size_t i;

    for (i = 0; i < count; i++) {
        struct provider *provider = arena_alloc(arena, sizeof(*provider));
        struct terminal *terminal = arena_alloc(arena, sizeof(*terminal));

        provider->id = rows[i].provider;
        terminal->id = rows[i].terminal;
        candidates.list[i] = (struct candidate){
            .provider = provider, .terminal = terminal, .priority = rows[i].priority, .weight = rows[i].weight,
            .pin = rows[i].pin, .rejected = rows[i].rejected ? "no" : NULL,
            .availability = 1, .conversion = 1,
        };
    }
    return candidates;
}

/* Of certain choices there must be no second opinion, whatever the random draw (routing.md 8.2, 8.3). */
Test(routing, choice_by_priority_then_by_record)
{
    static const struct {
        struct choice_row rows[CHOICE_MAX];
        size_t count, chosen;
    } cases[] = {
        { { { 1, 1, 1000, 0, 0, false } }, 1, 0 },
        { { { 1, 1, 1000, 0, 0, false }, { 2, 2, 900, 0, 0, false } }, 2, 0 },
        { { { 1, 1, 900, 100, 0, false }, { 2, 2, 1000, 0, 0, false } }, 2, 1 },
        { { { 2, 2, 1000, 0, 0, false }, { 1, 9, 1000, 0, 0, false } }, 2, 0 },              /* the larger provider */
        { { { 1, 1, 1000, 0, 0, false }, { 1, 2, 1000, 0, 0, false } }, 2, 1 },              /* then terminal */
        { { { 1, 1, 1000, 0, 0, true }, { 2, 2, 900, 0, 0, false } }, 2, 1 },                /* rejected ones do not run */
        { { { 1, 1, 1000, 5, 0, false }, { 2, 2, 1000, 0, 0, false } }, 2, 0 },              /* all the weight there is */
        { { { 1, 1, 1000, 5, 0, true }, { 2, 2, 1000, 0, 0, false }, { 3, 3, 1000, 0, 0, false } }, 3, 2 },
        { { { 1, 1, -5, 0, 0, false }, { 2, 2, -6, 0, 0, false } }, 2, 0 },
        { { { 1, 1, 1000, 0, 77, false }, { 2, 2, 1001, 0, 77, false } }, 2, 1 },            /* priority before pins */
    };
    uint64_t draw;
    size_t i;
    int j;

    for (i = 0; i < SL_COUNT(cases); i++) {
        struct candidates candidates = candidates_of(cases[i].rows, cases[i].count);

        for (j = 0, draw = 0; j < 16; j++, draw += UINT64_MAX / 15)
            cr_expect_eq(routing_choose(&candidates, draw, NULL).chosen, cases[i].chosen, "case %zu", i);
    }
}

/* Weights share the traffic out: a draw at every place, counted. */
Test(routing, weights_share_the_draws)
{
    static const struct choice_row rows[] = {
        { 1, 1, 1000, 70, 0, false }, { 2, 2, 1000, 0, 0, false }, { 3, 3, 1000, 30, 0, false }, { 4, 4, 900, 500, 0, false },
    };
    struct candidates candidates = candidates_of(rows, SL_COUNT(rows));
    int counts[SL_COUNT(rows)] = { 0 };
    int i;

    for (i = 0; i < 1000; i++)
        counts[routing_choose(&candidates, (UINT64_MAX / 1000) * (uint64_t)i + 1000, NULL).chosen]++;
    cr_expect(counts[0] >= 699 && counts[0] <= 701, "%d", counts[0]);
    cr_expect_eq(counts[1], 0, "no weight, no draw");
    cr_expect(counts[2] >= 299 && counts[2] <= 301, "%d", counts[2]);
    cr_expect_eq(counts[3], 0, "a lower priority");
    cr_expect_eq(routing_choose(&candidates, 0, NULL).chosen, 2, "the walk starts at the last candidate");
    cr_expect_eq(routing_choose(&candidates, UINT64_MAX, NULL).chosen, 0);
}

/* The scores that are stored say what the choice was made by. */
Test(routing, scores_say_what_decided)
{
    static const struct choice_row rows[] = {
        { 1, 1, 1000, 1, 5, false }, { 2, 2, 1000, 1, 0, true }, { 3, 3, 1000, 1, 0, false },
    };
    struct candidates candidates = candidates_of(rows, SL_COUNT(rows));
    struct routing_score scores[SL_COUNT(rows)];

    memset(scores, 0, sizeof(scores));
    cr_expect_eq(routing_choose(&candidates, 0, scores).chosen, 2);
    cr_expect_eq(scores[0].availability_condition, 1);
    cr_expect_eq(scores[0].conversion_condition, 1);
    cr_expect_eq(scores[0].priority, 1000);
    cr_expect_eq(scores[0].pin, 5);
    cr_expect_eq(scores[0].random_condition + scores[2].random_condition, 1, "one winner in a group");
    cr_expect_eq(scores[1].availability_condition, 0, "a rejected one has no score");
}

/* A pinned payer always lands on the same route, and payers spread over the routes. */
Test(routing, pins_hold_a_payer_and_spread_payers)
{
    struct choice_row rows[] = { { 1, 1, 1000, 70, 0, false }, { 2, 3, 1000, 30, 0, false } };
    int first = 0;
    uint64_t payer;

    for (payer = 1; payer <= 1000; payer++) {
        struct candidates candidates;
        size_t chosen;

        rows[0].pin = rows[1].pin = payer * 0x9e3779b97f4a7c15u;
        candidates = candidates_of(rows, SL_COUNT(rows));
        chosen = routing_choose(&candidates, 0, NULL).chosen;
        cr_expect_eq(routing_choose(&candidates, UINT64_MAX, NULL).chosen, chosen, "payer %d", (int)payer);
        cr_expect_eq(routing_choose(&candidates, UINT64_MAX / 2, NULL).chosen, chosen, "payer %d", (int)payer);
        first += chosen == 0;
    }
    cr_expect(first > 400 && first < 600, "%d of 1000 on the first", first);
}

/* Routes with another pin, or none, compete by the normal rule. */
Test(routing, different_pins_are_as_none)
{
    static const struct choice_row rows[] = { { 1, 1, 1000, 0, 5, false }, { 2, 2, 1000, 0, 6, false } };
    static const struct choice_row one[] = { { 3, 1, 1000, 0, 0, false }, { 2, 2, 1000, 0, UINT64_MAX, false } };
    struct candidates candidates = candidates_of(rows, SL_COUNT(rows));

    cr_expect_eq(routing_choose(&candidates, 0, NULL).chosen, 1, "the larger provider");
    candidates = candidates_of(one, SL_COUNT(one));
    cr_expect_eq(routing_choose(&candidates, 0, NULL).chosen, 0, "the larger provider, however large the pin");
}

/* Two routes pinned by the e-mail and one by e-mail and IP (routing.md 8.3). Of the two only one ever serves a payer, and the
 * third has the share of its weight, wherever they stand in the list. Fails: a payer is sent to another route each time. */
Test(routing, pins_by_other_features_leave_a_payer_on_his_route)
{
    static const int orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
    int both[2] = { 0, 0 };
    uint64_t payer;
    size_t order;
    int i;

    for (payer = 1; payer <= 100; payer++) {
        int served = -1; /* which of the first two serves this payer, whatever the order */

        for (order = 0; order < SL_COUNT(orders); order++) {
            const uint64_t by_email = payer * 0x9e3779b97f4a7c15u, by_both = ~by_email;
            const struct choice_row rows[] = {
                { 1, 1, 1000, 20, by_email, false }, { 3, 2, 1000, 30, by_email, false }, { 2, 3, 1000, 50, by_both, false },
            };
            const struct choice_row placed[] = { rows[orders[order][0]], rows[orders[order][1]], rows[orders[order][2]] };
            struct candidates candidates = candidates_of(placed, SL_COUNT(placed));
            int counts[3] = { 0 };

            for (i = 0; i < 100; i++)
                counts[orders[order][routing_choose(&candidates, (UINT64_MAX / 100) * (uint64_t)i + 1000, NULL).chosen]]++;
            cr_assert_eq(counts[2], 50, "payer %d: %d", (int)payer, counts[2]);
            cr_assert(counts[0] == 0 || counts[1] == 0, "payer %d: %d and %d", (int)payer, counts[0], counts[1]);
            cr_assert(served < 0 || served == (counts[1] > 0), "payer %d", (int)payer);
            served = counts[1] > 0;
        }
        both[served]++;
    }
    cr_expect(both[0] > 30 && both[1] > 30, "payers spread: %d and %d", both[0], both[1]);
}

/* Health: what decides, and what would have been preferable (routing.md 8.4, 8.5). */
Test(routing, health_switches_the_route_and_says_why)
{
    static const struct {
        const char *what;
        struct choice_row rows[3];
        double availability[3], conversion[3];
        bool lacking[3];
        size_t chosen, preferable;
        const char *switched;
    } cases[] = {
        { "a lacking conversion loses to a lower priority",
          { { 1, 1, 1000, 0, 0, false }, { 2, 2, 900, 0, 0, false }, { 3, 3, 1000, 0, 0, true } },
          { 0.9, 0.8, 0.1 }, { 0.2, 0.9, 1 }, { true, false, false }, 1, 0, "conversion_condition" },
        { "all in good health: the larger provider",
          { { 1, 1, 1000, 0, 0, false }, { 2, 2, 900, 0, 0, false }, { 3, 3, 1000, 0, 0, false } },
          { 1, 1, 1 }, { 1, 1, 1 }, { false, false, false }, 2, 2, NULL },
        { "fewer failures win among equals",
          { { 2, 2, 1000, 0, 0, false }, { 3, 3, 1000, 0, 0, false }, { 4, 4, 1000, 0, 0, true } },
          { 0.9, 0.8, 1 }, { 1, 1, 1 }, { false, false, false }, 0, 1, "availability" },
        { "conversion counts after availability",
          { { 2, 2, 1000, 0, 0, false }, { 3, 3, 1000, 0, 0, false }, { 4, 4, 1000, 0, 0, true } },
          { 0.9, 0.9, 1 }, { 0.9, 0.8, 1 }, { false, false, false }, 0, 1, "conversion" },
        { "priority counts before rates",
          { { 2, 2, 1000, 0, 0, false }, { 3, 3, 999, 0, 0, false }, { 4, 4, 1000, 0, 0, true } },
          { 0.5, 1, 1 }, { 0.5, 1, 1 }, { false, false, false }, 0, 0, NULL },
        { "weights are drawn among those that fail equally often",
          { { 2, 2, 1000, 0, 0, false }, { 3, 3, 1000, 100, 0, false }, { 4, 4, 1000, 0, 0, true } },
          { 1, 0.9, 1 }, { 1, 1, 1 }, { false, false, false }, 1, 1, NULL },
    };
    size_t i, j;

    for (i = 0; i < SL_COUNT(cases); i++) {
        struct candidates candidates = candidates_of(cases[i].rows, 3);
        struct routing_choice choice;

        for (j = 0; j < 3; j++) {
            candidates.list[j].availability = cases[i].availability[j];
            candidates.list[j].conversion = cases[i].conversion[j];
            candidates.list[j].lacking = cases[i].lacking[j];
        }
        choice = routing_choose(&candidates, 0x8000000000000000u, NULL);
        cr_expect_eq(choice.chosen, cases[i].chosen, "%s: chosen", cases[i].what);
        cr_expect_eq(choice.preferable, cases[i].preferable, "%s: preferable", cases[i].what);
        if (cases[i].switched)
            cr_expect_str_eq(choice.switched, cases[i].switched, "%s", cases[i].what);
        else
            cr_expect_null(choice.switched, "%s", cases[i].what);
    }
}

/* Where samples of payments would go, without sending any. */
#include <criterion/criterion.h>
#include <string.h>

#include "domain/routing.h"
#include "domain/simulate.h"
#include "support/domain_doc.h"

#define DRAWS 10000

static struct arena *arena;
static struct health_rates rates[4];
static struct health_view health;

static void open_arena(void)
{
    arena = arena_new();
    health = (struct health_view){ .settings = &health_defaults, .providers = rates };
}

static void close_arena(void)
{
    arena_free(arena);
}

TestSuite(route_simulate, .init = open_arena, .fini = close_arena);

/* A card payment over AMOUNT; MORE: further members of the sample, each behind a comma. */
static const char *card(const char *shop, long long amount, const char *system, const char *country, const char *more)
{
    return arena_printf(arena,
                        "{\"party\":\"%s\",\"shop\":\"%s\",\"cost\":{\"amount\":%lld,\"currency\":{\"symbolic_code\":\"RUB\"}},"
                        "\"payment_tool\":{\"bank_card\":{\"token\":\"tok\",\"payment_system\":{\"id\":\"%s\"},\"bin\":\"424242\","
                        "\"last_digits\":\"4242\"%s%s%s}}%s}",
                        strstr(shop, "globex") ? "party-globex" : "party-acme", shop, amount, system,
                        country ? ",\"issuer_country\":\"" : "", country ? country : "", country ? "\"" : "", more);
}

static struct simulation *simulate(const struct domain *domain, const char *const *lines, size_t count, uint64_t seed)
{
    struct simulation *simulation = simulation_new(&(struct simulate_setup){
        .domain = domain, .health = &health, .draws = DRAWS, .seed = seed,
    });
    size_t i;

    for (i = 0; i < count; i++) {
        struct sample_payment payment;

        must_decode(&type_sample_payment, lines[i], arena, &payment);
        simulation_add(simulation, &payment);
    }
    return simulation;
}

/* "t1 70% t3 30%", shares rounded to whole percents, or what stands in the way. */
static const char *outcome(struct simulation *simulation)
{
    struct simulation_result result;
    const char *text = "";
    size_t i;

    simulation_finish(simulation, &result);
    for (i = 0; i < result.route_count; i++) {
        if (result.routes[i].payments_milli > 0)
            text = arena_printf(arena, "%s%st%lld %lld%%", text, *text ? " " : "", (long long)result.routes[i].terminal,
                                (long long)(result.routes[i].share_ppm + 5000) / 10000);
    }
    for (i = 0; i < result.failure_count; i++)
        text = arena_printf(arena, "%s%s%s%s%s", text, *text ? " " : "", result.failures[i].code,
                            *result.failures[i].reason ? ": " : "", result.failures[i].reason);
    return text;
}

static const char *outcome_of(struct domain *domain, const char *line)
{
    struct simulation *simulation = simulate(domain, &line, 1, 1);
    const char *text = outcome(simulation);

    simulation_free(simulation);
    return text;
}

/* The table of expected results of the example (domain.md 15), where one route is sure. */
Test(route_simulate, the_example_goes_where_its_rules_say)
{
    const struct {
        const char *line, *expected;
    } rows[] = {
        { card("shop-acme-books", 42000, "VISA", "RUS", ""), "t2 100%" },
        { card("shop-acme-books", 700000, "VISA", "USA", ",\"risk_score\":\"high\""), "t1 100%" },
        { card("shop-acme-books", 42000, "MIR", "RUS", ""), "t3 100%" },
        { card("shop-globex-travel", 42000, "VISA", "USA", ",\"risk_score\":\"high\""), "t3 100%" },
        { card("shop-acme-books", 150000000, "VISA", "RUS", ",\"risk_score\":\"fatal\""),
          "no_route_found:risk_score_is_too_high" },
        { card("shop-acme-books", 500, "VISA", "USA", ""), "no_route_found:forbidden" },
        { card("shop-acme-books", 5, "VISA", "USA", ""), "refused: Invalid amount, less than allowed minumum" },
        { card("shop-acme-books", 420000000, "VISA", "USA", ""), "refused: Invalid amount, more than allowed maximum" },
        { card("shop-acme-books", 42000, "AMEX", "USA", ""), "refused: Invalid payment method" },
        { card("shop-nobody", 42000, "VISA", "USA", ""), "refused: there is no such party or shop" },
        { card("shop-acme-books", 42000, "MIR", "USA", ",\"flow\":{\"hold\":{\"on_hold_expiration\":\"cancel\"}}"),
          "refused: Invalid payment method" },
        { card("shop-acme-books", 42000, "VISA", "RUS", ",\"flow\":{\"instant\":{}}"), "t2 100%" },
    };
    struct domain *domain = doc_domain_take(doc_load(), arena);
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        const char *found = outcome_of(domain, rows[i].line);

        cr_expect_str_eq(found, rows[i].expected, "row %zu: %s", i, found);
    }
    domain_free(domain);
}

/* Traffic that the weights share is what the operator looks for: 70 to 30, not whatever one draw says. */
Test(route_simulate, weights_share_the_draws)
{
    const char *line = card("shop-acme-books", 42000, "MASTERCARD", "USA", ",\"count\":1000");
    struct simulation_result result;
    struct simulation *simulation;
    json_t *doc = doc_load();
    struct domain *domain;
    size_t i;

    doc_set(doc, "routing_rules", "{\"id\":2}", "/data/decisions/candidates/1/pin", NULL);
    doc_set(doc, "routing_rules", "{\"id\":2}", "/data/decisions/candidates/2/pin", NULL);
    domain = doc_domain_take(doc, arena);
    simulation = simulate(domain, &line, 1, 7);
    simulation_finish(simulation, &result);
    cr_assert_eq(result.payments, 1000);
    cr_assert_eq(result.unrouted, 0);
    for (i = 0; i < result.route_count; i++) {
        const struct simulated_route *route = &result.routes[i];
        int64_t wanted = route->terminal == 1 ? 700000 : route->terminal == 3 ? 300000 : 0;

        cr_expect_lt(llabs(route->share_ppm - wanted), 15000, "terminal %lld got %lld", (long long)route->terminal,
                     (long long)route->share_ppm);
        cr_expect_lt(llabs(route->payments_milli - route->share_ppm), 2);
        if (wanted > 0)
            cr_expect_lt(llabs(route->amounts[0].amount - route->payments_milli * 42), 42000,
                         "the amount is the payments' own");
    }
    simulation_free(simulation);
    domain_free(domain);
}

/* A pin decides instead, once for a payer: all draws of one card agree, and different cards part. */
Test(route_simulate, pinned_payers_stay_where_they_are)
{
    struct domain *domain = doc_domain_take(doc_load(), arena);
    bool seen[6] = { false };
    int i;

    for (i = 0; i < 20; i++) {
        char *line = arena_strdup(arena, card("shop-acme-books", 42000, "VISA", "USA", ""));
        const char *found;

        memcpy(strstr(line, "\"tok\""), arena_printf(arena, "\"%c%c%c\"", 'a' + i, 'b', 'c'), 5);
        found = outcome_of(domain, line);
        cr_assert(strcmp(found, "t1 100%") == 0 || strcmp(found, "t3 100%") == 0, "%s", found);
        seen[found[1] - '0'] = true;
    }
    cr_expect(seen[1] && seen[3]);
    domain_free(domain);
}

/* Assumed health drives what a real outage would: the dead are left out, the lacking come last. */
Test(route_simulate, health_moves_traffic)
{
    const char *line = card("shop-acme-books", 42000, "VISA", "RUS", "");
    struct domain *domain = doc_domain_take(doc_load(), arena);
    struct simulation_result result;
    struct simulation *simulation;
    size_t i;

    health.count = 2;
    rates[0] = (struct health_rates){ .provider_id = 1, .known[HEALTH_AVAILABILITY] = true, .rates = { 1 } };
    rates[1] = (struct health_rates){ .provider_id = 2 };
    cr_expect_str_eq(outcome_of(domain, line), "t3 100%");
    rates[0] = (struct health_rates){ .provider_id = 1, .known[HEALTH_CONVERSION] = true, .rates = { 0, 0.3 } };
    cr_expect_str_eq(outcome_of(domain, line), "t2 100%", "priority outranks a rate below the critical one");
    rates[0].rates[HEALTH_CONVERSION] = 0.9;
    cr_expect_str_eq(outcome_of(domain, line), "t3 100%");
    rates[0] = (struct health_rates){ .provider_id = 2, .known[HEALTH_AVAILABILITY] = true, .rates = { 1 } };
    rates[1].provider_id = 3;
    line = card("shop-globex-travel", 42000, "MIR", "RUS", ""); /* only terminal 3 takes it there */
    cr_expect_str_eq(outcome_of(domain, line), "no_route_found:rejected:adapter_unavailable");
    simulation = simulate(domain, &line, 1, 1);
    simulation_finish(simulation, &result);
    for (i = 0; i < result.rejection_count && result.rejections[i].terminal != 3; i++)
        ;
    cr_assert_lt(i, result.rejection_count);
    cr_expect_str_eq(result.rejections[i].reason, "the adapter fails in 100 % of its calls");
    cr_expect_eq(result.rejections[i].unrouted, 1);
    simulation_free(simulation);
    domain_free(domain);
}

/* Reasons are what the operator acts on: they are counted by route, with those that cost a payment its way. */
Test(route_simulate, rejections_are_counted)
{
    const char *lines[] = {
        card("shop-acme-books", 500, "VISA", "USA", ",\"count\":5"), card("shop-acme-books", 42000, "MIR", "RUS", ",\"count\":3"),
    };
    struct domain *domain = doc_domain_take(doc_load(), arena);
    struct simulation *simulation = simulate(domain, lines, 2, 1);
    struct simulation_result result;

    simulation_finish(simulation, &result);
    cr_assert_eq(result.payments, 8);
    cr_assert_eq(result.unrouted, 5);
    cr_assert_geq(result.rejection_count, 4);
    cr_expect_eq(result.rejections[0].terminal, 1);
    cr_expect_str_eq(result.rejections[0].reason, "PaymentsProvisionTerms, cost");
    cr_expect_eq(result.rejections[0].payments, 5);
    cr_expect_eq(result.rejections[0].unrouted, 5);
    cr_expect_eq(result.rejections[1].terminal, 1);
    cr_expect_str_eq(result.rejections[1].reason, "PaymentsProvisionTerms, payment_tool");
    cr_expect_eq(result.rejections[1].payments, 3);
    cr_expect_eq(result.rejections[1].unrouted, 0);
    simulation_free(simulation);
    domain_free(domain);
}

/* Two configurations are compared by one sample: the same seed must not add a difference of its own. */
Test(route_simulate, one_seed_draws_one_sequence)
{
    const char *line = card("shop-acme-books", 42000, "MASTERCARD", "USA", "");
    struct simulation_result a, b, c;
    struct simulation *first, *second, *third;
    json_t *doc = doc_load();
    struct domain *domain;

    doc_set(doc, "routing_rules", "{\"id\":2}", "/data/decisions/candidates/1/pin", NULL);
    domain = doc_domain_take(doc, arena);
    first = simulate(domain, &line, 1, 5);
    second = simulate(domain, &line, 1, 5);
    third = simulate(domain, &line, 1, 6);
    simulation_finish(first, &a);
    simulation_finish(second, &b);
    simulation_finish(third, &c);
    cr_assert_eq(a.route_count, b.route_count);
    cr_expect_eq(a.routes[0].share_ppm, b.routes[0].share_ppm);
    cr_expect(a.routes[0].share_ppm != c.routes[0].share_ppm || a.routes[1].share_ppm != c.routes[1].share_ppm);
    simulation_free(first);
    simulation_free(second);
    simulation_free(third);
    domain_free(domain);
}

/* A table that does not decide leaves payments without any route: that is said, with the place. */
Test(route_simulate, undecided_rules_are_named)
{
    json_t *doc = doc_load();
    struct domain *domain;

    doc_set(doc, "routing_rules", "{\"id\":2}", "/data/decisions/candidates/0/allowed",
            "{\"condition\":{\"shop_location_is\":{\"url\":\"https://x\"}}}");
    domain = doc_domain_take(doc, arena);
    cr_expect_str_eq(outcome_of(domain, card("shop-acme-books", 42000, "VISA", "RUS", "")),
                     "no_route_found:unknown:misconfiguration: routing ruleset Live: cards: it cannot be decided whether "
                     "candidate 0 is allowed");
    domain_free(domain);
}

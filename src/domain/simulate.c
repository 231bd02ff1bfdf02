/* See simulate.h. Sums are kept in draws: a payment that stands for C and is drawn D times adds C to its routes D
 * times, and is divided by D in the end. */
#include "domain/simulate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/xmalloc.h"
#include "domain/routing.h"

#define CURRENCIES_MAX 16 /* of a route; further ones are left out of its amounts */

struct sum {
    const char *currency;
    __int128 amount;
};
struct route_row {
    UT_hash_handle hh;
    const char *key;
    int64_t provider, terminal;
    const char *name;
    __int128 hits;
    struct sum sums[CURRENCIES_MAX];
    size_t sum_count;
};
struct failure_row {
    UT_hash_handle hh;
    const char *key;
    struct simulated_failure failure;
};
struct rejection_row {
    UT_hash_handle hh;
    const char *key;
    struct simulated_rejection rejection;
};

struct simulation {
    struct simulate_setup setup;
    struct arena *arena;
    struct route_row *routes;
    struct failure_row *failures;
    struct rejection_row *rejections;
    int64_t payments, unrouted;
    uint64_t drawn; /* payments so far: numbers the draws */
};

/* ---- the sample's type ---- */

static const struct type_field flow_rows[] = { TF_EMPTY("instant"), TF_VAR(sample_flow, hold, type_raw) };
static const struct type type_sample_flow = TYPE_UNION_OF(NULL, sample_flow, flow_rows);
static const struct type type_count = TYPE_I64_IN(1, SIMULATE_COUNT_MAX);
static const struct type_field sample_rows[] = {
    TF_REQ(sample_payment, party, type_id),
    TF_REQ(sample_payment, shop, type_id),
    TF_REQ(sample_payment, cost, type_cash),
    TF_REQ(sample_payment, payment_tool, type_payment_tool),
    TF_OPT(sample_payment, flow, type_sample_flow),
    TF_OPT(sample_payment, risk_score, type_risk_score),
    TF_OPT(sample_payment, trust_level, type_trust_level),
    TF_OPT(sample_payment, email, type_str),
    TF_OPT(sample_payment, ip, type_str),
    TF_PTR(sample_payment, make_recurrent, type_bool),
    TF_PTR(sample_payment, count, type_count),
};
const struct type type_sample_payment = TYPE_STRUCT_OF("SamplePayment", sample_payment, sample_rows);

struct simulation *simulation_new(const struct simulate_setup *setup)
{
    struct simulation *simulation = xcalloc(1, sizeof(*simulation));

    assert(setup->draws >= 1 && setup->draws <= SIMULATE_DRAWS_MAX);
    simulation->setup = *setup;
    simulation->arena = arena_new();
    return simulation;
}

void simulation_free(struct simulation *simulation)
{
    if (!simulation)
        return;
    HASH_CLEAR(hh, simulation->routes);
    HASH_CLEAR(hh, simulation->failures);
    HASH_CLEAR(hh, simulation->rejections);
    arena_free(simulation->arena);
    free(simulation);
}

/* ---- sums ---- */

static struct route_row *route_row(struct simulation *simulation, const struct candidate *candidate,
                                   struct arena *scratch)
{
    const char *key = arena_printf(scratch, "%lld/%lld", (long long)candidate->provider->id,
                                   (long long)candidate->terminal->id);
    struct route_row *row;

    HASH_FIND_STR(simulation->routes, key, row);
    if (row)
        return row;
    row = arena_alloc(simulation->arena, sizeof(*row));
    row->key = arena_strdup(simulation->arena, key);
    row->provider = candidate->provider->id;
    row->terminal = candidate->terminal->id;
    row->name = arena_strdup(simulation->arena, candidate->terminal->name);
    HASH_ADD_KEYPTR(hh, simulation->routes, row->key, strlen(row->key), row);
    return row;
}

static void route_hit(struct simulation *simulation, struct route_row *row, const struct cash *cost, __int128 hits)
{
    const char *currency = cost->currency.symbolic_code;
    size_t i;

    row->hits += hits;
    for (i = 0; i < row->sum_count && strcmp(row->sums[i].currency, currency) != 0; i++)
        ;
    if (i == CURRENCIES_MAX)
        return;
    if (i == row->sum_count)
        row->sums[row->sum_count++].currency = arena_strdup(simulation->arena, currency);
    row->sums[i].amount += hits * cost->amount; /* 10^15 * 10^6 * 10^6 leaves room for billions of payments */
}

static bool fail(struct simulation *simulation, int64_t count, const char *code, const char *reason)
{
    struct failure_row *row;
    const char *key = strcmp(code, "refused") == 0 ? reason : code;

    simulation->unrouted += count;
    HASH_FIND_STR(simulation->failures, key, row);
    if (!row) {
        row = arena_alloc(simulation->arena, sizeof(*row));
        row->key = arena_strdup(simulation->arena, key);
        row->failure.code = code;
        row->failure.reason = arena_strdup(simulation->arena, reason);
        HASH_ADD_KEYPTR(hh, simulation->failures, row->key, strlen(row->key), row);
    }
    row->failure.payments += count;
    return false;
}

static void note_rejections(struct simulation *simulation, const struct candidates *candidates, int64_t count,
                            bool unrouted, struct arena *scratch)
{
    struct rejection_row *row;
    const char *key;
    size_t i;

    for (i = 0; i < candidates->count; i++) {
        const struct candidate *candidate = &candidates->list[i];

        if (!candidate->rejected)
            continue;
        key = arena_printf(scratch, "%lld/%lld %s", (long long)candidate->provider->id,
                           (long long)candidate->terminal->id, candidate->rejected);
        HASH_FIND_STR(simulation->rejections, key, row);
        if (!row) {
            row = arena_alloc(simulation->arena, sizeof(*row));
            row->key = arena_strdup(simulation->arena, key);
            row->rejection.provider = candidate->provider->id;
            row->rejection.terminal = candidate->terminal->id;
            row->rejection.reason = arena_strdup(simulation->arena, candidate->rejected);
            HASH_ADD_KEYPTR(hh, simulation->rejections, row->key, strlen(row->key), row);
        }
        row->rejection.payments += count;
        row->rejection.unrouted += unrouted ? count : 0;
    }
}

/* ---- what a payment's start would say (payment.md 6.3) ---- */

static const char *refuse_method(const struct domain *domain, const struct selector *selector,
                                 const struct varset *facts)
{
    const struct type_list *methods = selector_value(domain, selector, facts);
    struct payment_method method;

    if (!methods)
        return "the shop's terms do not decide on a payment method";
    return tool_method(facts->payment_tool, &method) && method_in(&method, methods) ? NULL : "Invalid payment method";
}

static const char *refuse_cost(const struct domain *domain, const struct selector *selector,
                               const struct varset *facts)
{
    const struct cash_range *range = selector_value(domain, selector, facts);

    if (!range)
        return "the shop's terms do not decide on an amount";
    switch (cash_range_place(range, facts->amount)) {
    case CASH_WITHIN: return NULL;
    case CASH_EXCEEDS_LOWER: return "Invalid amount, less than allowed minumum";
    case CASH_EXCEEDS_UPPER: return "Invalid amount, more than allowed maximum";
    case CASH_INCOMPATIBLE: break;
    }
    return "the shop's terms limit amounts of another currency";
}

static const char *refuse_hold(const struct domain *domain, const struct merchant_hold_terms *terms,
                               struct routing_request *request)
{
    const struct hold_lifetime *lifetime;
    const char *why;

    if (!terms)
        return "Holds are not available";
    why = refuse_method(domain, terms->payment_methods, &request->facts);
    lifetime = selector_value(domain, terms->lifetime, &request->facts);
    if (why || !lifetime)
        return why ? why : "the shop's hold terms do not decide on a lifetime";
    request->hold = true;
    request->hold_lifetime_s = lifetime->seconds;
    return NULL;
}

static const char *refuse_shop(const struct domain *domain, const struct sample_payment *payment,
                               const struct shop **out)
{
    const struct party *party = domain_party(domain, payment->party);
    const struct shop *shop = domain_shop(domain, payment->party, payment->shop);

    if (!party || !shop)
        return "there is no such party or shop";
    if (party->block.tag == BLOCKED || shop->block.tag == BLOCKED)
        return "the party or the shop is blocked";
    if (party->suspension.tag == SUSPENSION_SUSPENDED || shop->suspension.tag == SUSPENSION_SUSPENDED)
        return "the party or the shop is suspended";
    if (strcmp(payment->cost.currency.symbolic_code, shop->account.currency.symbolic_code) != 0)
        return "Invalid currency";
    *out = shop;
    return NULL;
}

/* Why PAYMENT would not start; NULL: it would, and *OUT is what routing asks. */
static const char *refuse(const struct domain *domain, const struct sample_payment *payment,
                          struct routing_request *out)
{
    const struct term_set *terms;
    const struct shop *shop;
    const char *why = refuse_shop(domain, payment, &shop);

    if (why)
        return why;
    terms = domain_terms(domain, shop->terms.id);
    if (!terms || !terms->payments)
        return "the shop has no payment terms";
    *out = (struct routing_request){
        .facts = {
            .category = shop->category.id, .currency = payment->cost.currency.symbolic_code, .amount = &payment->cost,
            .payment_tool = &payment->payment_tool, .party_id = payment->party, .shop_id = payment->shop,
        },
        .shop = shop,
        .risk_score = payment->risk_score ? payment->risk_score : RISK_LOW,
        .recurrent = payment->make_recurrent && *payment->make_recurrent,
        .client_ip = payment->ip,
        .email = payment->email,
        .card_token = payment->payment_tool.tag == TOOL_BANK_CARD ? payment->payment_tool.bank_card->token : NULL,
    };
    why = refuse_method(domain, terms->payments->payment_methods, &out->facts);
    if (!why)
        why = refuse_cost(domain, terms->payments->cash_limit, &out->facts);
    if (!why && payment->flow.tag == SAMPLE_HOLD)
        why = refuse_hold(domain, terms->payments->holds, out);
    if (!why && out->recurrent && !terms->recurrent_paytools)
        why = "recurrent payments are not permitted";
    if (!why && out->recurrent)
        why = refuse_method(domain, terms->recurrent_paytools->payment_methods, &out->facts);
    out->facts.trust_level = payment->trust_level; /* known to routing, not to the terms before it */
    return why;
}

/* ---- routing ---- */

/* The N-th of a sequence of uniform numbers (splitmix64). */
static uint64_t draw(uint64_t seed, uint64_t n)
{
    uint64_t z = seed + (n + 1) * 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void choose(struct simulation *simulation, const struct sample_payment *payment, int64_t count,
                   const struct candidates *candidates, struct arena *scratch)
{
    int64_t *hits = arena_array(scratch, candidates->count, sizeof(*hits)), i;
    uint64_t first = simulation->drawn * SIMULATE_DRAWS_MAX;
    size_t j;

    for (i = 0; i < simulation->setup.draws; i++)
        hits[routing_choose(candidates, draw(simulation->setup.seed, first + (uint64_t)i), NULL).chosen]++;
    for (j = 0; j < candidates->count; j++) {
        if (hits[j] > 0)
            route_hit(simulation, route_row(simulation, &candidates->list[j], scratch), &payment->cost,
                      (__int128)hits[j] * count);
    }
}

static bool route(struct simulation *simulation, const struct sample_payment *payment, int64_t count,
                  struct arena *scratch)
{
    const struct domain *domain = simulation->setup.domain;
    struct routing_request request;
    struct candidates candidates;
    const char *why = refuse(domain, payment, &request);
    bool proposed;
    size_t i;

    if (why)
        return fail(simulation, count, "refused", why);
    if (request.risk_score == RISK_FATAL)
        return fail(simulation, count, "no_route_found:risk_score_is_too_high", "");
    why = routing_require_refunds(domain, domain_terms(domain, request.shop->terms.id)->payments->refunds, &request);
    if (why)
        return fail(simulation, count, "misconfiguration", why);
    routing_gather(domain, &request, scratch, &candidates);
    if (candidates.misconfiguration)
        return fail(simulation, count, "no_route_found:unknown:misconfiguration", candidates.misconfiguration);
    proposed = routing_accepted(&candidates) > 0;
    for (i = 0; i < candidates.count; i++) {
        route_row(simulation, &candidates.list[i], scratch);
        if (!candidates.list[i].rejected)
            routing_assess(&candidates.list[i], simulation->setup.health, scratch);
    }
    note_rejections(simulation, &candidates, count, routing_accepted(&candidates) == 0, scratch);
    if (routing_accepted(&candidates) == 0)
        return fail(simulation, count,
                    proposed ? "no_route_found:rejected:adapter_unavailable" : "no_route_found:forbidden", "");
    choose(simulation, payment, count, &candidates, scratch);
    return true;
}

bool simulation_add(struct simulation *simulation, const struct sample_payment *payment)
{
    int64_t count = payment->count ? *payment->count : 1;
    struct arena *scratch = arena_new();
    bool found;

    simulation->payments += count;
    found = route(simulation, payment, count, scratch);
    simulation->drawn++;
    arena_free(scratch);
    return found;
}

/* ---- the result ---- */

static int order(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int by_route(const void *a, const void *b)
{
    const struct simulated_route *x = a, *y = b;
    int provider = order(x->provider, y->provider);

    return provider ? provider : order(x->terminal, y->terminal);
}

static int by_failures(const void *a, const void *b)
{
    const struct simulated_failure *x = a, *y = b;
    int payments = order(y->payments, x->payments);

    return payments ? payments : strcmp(x->reason, y->reason);
}

static int by_rejections(const void *a, const void *b)
{
    const struct simulated_rejection *x = a, *y = b;
    int provider = order(x->provider, y->provider), terminal = order(x->terminal, y->terminal);
    int payments = order(y->payments, x->payments);

    if (provider || terminal)
        return provider ? provider : terminal;
    return payments ? payments : strcmp(x->reason, y->reason);
}

static int64_t bounded(__int128 value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

static void route_finish(const struct simulation *simulation, const struct route_row *row, struct simulated_route *out)
{
    struct cash *amounts = arena_array(simulation->arena, row->sum_count, sizeof(*amounts));
    int64_t draws = simulation->setup.draws;
    size_t i;

    for (i = 0; i < row->sum_count; i++)
        amounts[i] = (struct cash){ bounded((row->sums[i].amount + draws / 2) / draws), { row->sums[i].currency } };
    *out = (struct simulated_route){
        .provider = row->provider,
        .terminal = row->terminal,
        .name = row->name,
        .payments_milli = bounded((row->hits * 1000 + draws / 2) / draws),
        .share_ppm = bounded(row->hits * 1000000 / ((__int128)draws * simulation->payments)),
        .amounts = amounts,
        .amount_count = row->sum_count,
    };
}

void simulation_finish(struct simulation *simulation, struct simulation_result *out)
{
    const struct rejection_row *rejection;
    const struct failure_row *failure;
    const struct route_row *row;

    *out = (struct simulation_result){ .payments = simulation->payments, .unrouted = simulation->unrouted };
    out->routes = arena_array(simulation->arena, HASH_COUNT(simulation->routes), sizeof(*out->routes));
    out->failures = arena_array(simulation->arena, HASH_COUNT(simulation->failures), sizeof(*out->failures));
    out->rejections = arena_array(simulation->arena, HASH_COUNT(simulation->rejections), sizeof(*out->rejections));
    for (row = simulation->routes; row; row = row->hh.next)
        route_finish(simulation, row, &out->routes[out->route_count++]);
    for (failure = simulation->failures; failure; failure = failure->hh.next)
        out->failures[out->failure_count++] = failure->failure;
    for (rejection = simulation->rejections; rejection; rejection = rejection->hh.next)
        out->rejections[out->rejection_count++] = rejection->rejection;
    qsort(out->routes, out->route_count, sizeof(*out->routes), by_route);
    qsort(out->failures, out->failure_count, sizeof(*out->failures), by_failures);
    qsort(out->rejections, out->rejection_count, sizeof(*out->rejections), by_rejections);
}

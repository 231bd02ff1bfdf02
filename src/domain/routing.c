/* Gathering candidates: rulesets, acceptance tests in their order, prohibitions. */
#include "domain/routing.h"

#include <string.h>

#include "domain/health.h"

#define DELEGATES_MAX 64 /* rulesets on the way from the top; circles were refused when it was read */


/* ---- rulesets ---- */

/* The candidate list that RULESET reduces to; NULL with *WHY: it does not. */
static const struct routing_rules *ruleset_reduce(const struct domain *domain, int64_t id, const struct varset *facts,
                                                  struct arena *arena, const char **why)
{
    const struct routing_rules *ruleset = domain_ruleset(domain, id);
    const struct routing_delegate *list;
    const struct routing_delegate *next;
    size_t i;
    int depth;

    for (depth = 0; ruleset->decisions.tag == ROUTING_DELEGATES && depth < DELEGATES_MAX; depth++) {
        list = ruleset->decisions.delegates.items;
        next = NULL;
        for (i = 0; i < ruleset->decisions.delegates.count && !next; i++) {
            enum tri allowed = predicate_test(domain, &list[i].allowed, facts);

            if (allowed == TRI_UNKNOWN) {
                *why = arena_printf(arena, "routing ruleset %s: it cannot be decided whether delegate %zu applies",
                                    ruleset->name, i);
                return NULL;
            }
            if (allowed == TRI_TRUE)
                next = &list[i];
        }
        if (!next) {
            *why = arena_printf(arena, "routing ruleset %s: no delegate applies", ruleset->name);
            return NULL;
        }
        ruleset = domain_ruleset(domain, next->ruleset.id);
    }
    return ruleset;
}

/* ---- acceptance ---- */

struct acceptance {
    const struct domain *domain;
    const struct routing_request *request;
    struct arena *arena;
    struct payment_method method;
    bool has_method;
};

#define PAYMENTS "PaymentsProvisionTerms"
#define HOLDS "PaymentHoldsProvisionTerms"
#define REFUNDS "PaymentRefundsProvisionTerms"
#define PARTIAL "PartialRefundsProvisionTerms"
#define RECURRENT "RecurrentPaytoolsProvisionTerms"

static const char *reject(const struct acceptance *acceptance, const char *terms, const char *field)
{
    return arena_printf(acceptance->arena, "%s, %s", terms, field);
}

static const char *misconfigured(const struct acceptance *acceptance, const char *terms, const char *field)
{
    return arena_printf(acceptance->arena, "Misconfiguration(%s, %s)", terms, field);
}

static const char *accept_predicate(const struct acceptance *acceptance, const struct predicate *predicate,
                                    const char *field)
{
    enum tri allowed = predicate ? predicate_test(acceptance->domain, predicate, &acceptance->request->facts) : TRI_TRUE;

    if (allowed == TRI_TRUE)
        return NULL;
    return allowed == TRI_FALSE ? reject(acceptance, PAYMENTS, field) : misconfigured(acceptance, PAYMENTS, field);
}

/* The value of a selector that must have one; NULL with *WHY. An absent selector is a plain rejection. */
static const void *selected(const struct acceptance *acceptance, const struct selector *selector, const char *terms,
                            const char *field, const char **why)
{
    const void *value = selector_value(acceptance->domain, selector, &acceptance->request->facts);

    if (!value)
        *why = selector ? misconfigured(acceptance, terms, field) : reject(acceptance, terms, field);
    return value;
}

static const char *accept_method(const struct acceptance *acceptance, const struct selector *selector,
                                 const char *terms)
{
    const char *why = NULL;
    const struct type_list *methods = selected(acceptance, selector, terms, "payment_tool", &why);

    if (!methods)
        return why;
    return acceptance->has_method && method_in(&acceptance->method, methods)
               ? NULL : reject(acceptance, terms, "payment_tool");
}

static const char *accept_category(const struct acceptance *acceptance, const struct selector *selector,
                                   const char *terms)
{
    const char *why = NULL;
    const struct type_list *categories = selected(acceptance, selector, terms, "category", &why);

    if (!categories)
        return why;
    return category_in(acceptance->request->facts.category, categories) ? NULL : reject(acceptance, terms, "category");
}

static const char *accept_basics(const struct acceptance *acceptance, const struct provision_payment_terms *terms)
{
    const struct varset *facts = &acceptance->request->facts;
    const struct cash_range *range;
    const struct type_list *set;
    const char *why = accept_predicate(acceptance, terms->global_allow, "global_allow");

    if (!why)
        why = accept_predicate(acceptance, terms->allow, "allow");
    if (why)
        return why;
    set = selected(acceptance, terms->currencies, PAYMENTS, "currency", &why);
    if (!set)
        return why;
    if (!currency_in(facts->currency, set))
        return reject(acceptance, PAYMENTS, "currency");
    why = accept_category(acceptance, terms->categories, PAYMENTS);
    if (!why)
        why = accept_method(acceptance, terms->payment_methods, PAYMENTS);
    if (why)
        return why;
    range = selected(acceptance, terms->cash_limit, PAYMENTS, "cost", &why);
    if (!range)
        return why;
    return cash_range_place(range, facts->amount) == CASH_WITHIN ? NULL : reject(acceptance, PAYMENTS, "cost");
}

static const char *accept_hold(const struct acceptance *acceptance, const struct provision_hold_terms *terms)
{
    const struct hold_lifetime *lifetime;
    const char *why = NULL;

    if (!acceptance->request->hold)
        return NULL;
    if (!terms)
        return HOLDS " undefined";
    lifetime = selected(acceptance, terms->lifetime, HOLDS, "lifetime", &why);
    if (!lifetime)
        return why;
    return acceptance->request->hold_lifetime_s <= lifetime->seconds ? NULL : reject(acceptance, HOLDS, "lifetime");
}

static const char *accept_refund(const struct acceptance *acceptance, const struct provision_refund_terms *terms)
{
    const struct cash_range *range;
    const char *why = NULL;

    if (!acceptance->request->refund)
        return NULL;
    if (!terms)
        return REFUNDS " undefined";
    if (!acceptance->request->partial_refund)
        return NULL;
    if (!terms->partial_refunds)
        return PARTIAL " undefined";
    range = selected(acceptance, terms->partial_refunds->cash_limit, PARTIAL, "cash_limit", &why);
    if (!range)
        return why;
    return cash_range_inside(acceptance->request->partial_refund, range) ? NULL
                                                                         : reject(acceptance, PARTIAL, "cash_limit");
}

static int risk_magnitude(int score)
{
    static const int magnitudes[] = { 0, [RISK_TRUSTED] = 0, [RISK_LOW] = 1, [RISK_HIGH] = 100, [RISK_FATAL] = 9999 };

    return magnitudes[score];
}

static const char *accept_risk(const struct acceptance *acceptance, const struct selector *selector)
{
    const int *coverage;
    const char *why = NULL;

    if (!selector)
        return NULL;
    coverage = selected(acceptance, selector, PAYMENTS, "risk_coverage", &why);
    if (!coverage)
        return why;
    return risk_magnitude(*coverage) >= risk_magnitude(acceptance->request->risk_score)
               ? NULL : reject(acceptance, PAYMENTS, "risk_coverage");
}

static bool terms_skip_recurrent(const struct provision_terms *terms)
{
    return terms && terms->extension && terms->extension->skip_recurrent && *terms->extension->skip_recurrent;
}

static const char *accept_recurrent(const struct acceptance *acceptance, const struct provision_terms *terms)
{
    const char *why;

    if (!acceptance->request->recurrent || terms_skip_recurrent(terms))
        return NULL;
    if (!terms->recurrent_paytools)
        return RECURRENT " undefined";
    why = accept_category(acceptance, terms->recurrent_paytools->categories, RECURRENT);
    return why ? why : accept_method(acceptance, terms->recurrent_paytools->payment_methods, RECURRENT);
}

/* The tests of routing.md 4, in their order; NULL: accepted. */
static const char *accept(const struct acceptance *acceptance, const struct terminal *terminal)
{
    const struct provision_terms *terms = terminal->effective;
    const char *why;

    if (!terms)
        return "ProvisionTermSet undefined";
    if (!terms->payments)
        return PAYMENTS " undefined";
    why = accept_basics(acceptance, terms->payments);
    if (!why)
        why = accept_hold(acceptance, terms->payments->holds);
    if (!why)
        why = accept_refund(acceptance, terms->payments->refunds);
    if (!why)
        why = accept_risk(acceptance, terms->payments->risk_coverage);
    return why ? why : accept_recurrent(acceptance, terms);
}

/* ---- pins ---- */

static uint64_t hash_text(uint64_t hash, const char *text)
{
    /* FNV-1a over the text and its end; a missing fact takes part as itself. */
    for (text = text ? text : "\x01undefined"; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return (hash ^ 0xff) * 1099511628211u;
}

static uint64_t pin_hash(const struct routing_request *request, const struct routing_pin *pin)
{
    const int *features = pin ? pin->features.items : NULL;
    uint64_t hash = 14695981039346656037u;
    struct buf tool = BUF_EMPTY;
    bool wanted[PIN_CARD_TOKEN + 1] = { false };
    size_t i;

    if (!pin || pin->features.count == 0)
        return 0;
    for (i = 0; i < pin->features.count; i++)
        wanted[features[i]] = true; /* a set: its order does not matter */
    for (i = 1; i <= PIN_CARD_TOKEN; i++)
        hash = hash_text(hash, wanted[i] ? "+" : "-");
    if (wanted[PIN_CURRENCY])
        hash = hash_text(hash, request->facts.currency);
    if (wanted[PIN_PAYMENT_TOOL]) {
        type_encode(&type_payment_tool, request->facts.payment_tool, &tool);
        hash = hash_text(hash, buf_text(&tool));
        buf_clear(&tool);
    }
    if (wanted[PIN_CLIENT_IP])
        hash = hash_text(hash, request->client_ip);
    if (wanted[PIN_EMAIL])
        hash = hash_text(hash, request->email);
    if (wanted[PIN_CARD_TOKEN])
        hash = hash_text(hash, request->card_token);
    return hash ? hash : 1;
}

/* ---- what is asked of refunds ---- */

const char *routing_require_refunds(const struct domain *domain, const struct merchant_refund_terms *terms,
                                    struct routing_request *request)
{
    const struct type_list *methods;
    struct payment_method method;

    if (!terms)
        return NULL;
    methods = selector_value(domain, terms->payment_methods, &request->facts);
    if (!methods)
        return "the methods of the merchant's refund terms do not reduce to a value";
    request->refund = tool_method(request->facts.payment_tool, &method) && method_in(&method, methods);
    if (!request->refund || !terms->partial_refunds)
        return NULL;
    request->partial_refund = selector_value(domain, terms->partial_refunds->cash_limit, &request->facts);
    return request->partial_refund ? NULL : "the limit of the merchant's partial refunds does not reduce to a value";
}

/* ---- gathering ---- */

static const char *prohibited(const struct routing_rules *prohibitions, const struct domain *domain,
                              const struct varset *facts, int64_t terminal, struct arena *arena)
{
    const struct routing_candidate *list = prohibitions->decisions.candidates.items;
    size_t i;

    for (i = 0; i < prohibitions->decisions.candidates.count; i++) {
        if (list[i].terminal.id == terminal && predicate_test(domain, &list[i].allowed, facts) == TRI_TRUE)
            return arena_printf(arena, "RoutingRule, %s", list[i].description ? list[i].description : "prohibited");
    }
    return NULL;
}

/* A candidate whose predicate is unknown voids the routing. */
static const char *ruleset_undecided(const struct domain *domain, const struct routing_rules *ruleset,
                                     const struct varset *facts, struct arena *arena)
{
    const struct routing_candidate *list = ruleset->decisions.candidates.items;
    size_t i;

    for (i = 0; i < ruleset->decisions.candidates.count; i++) {
        if (predicate_test(domain, &list[i].allowed, facts) == TRI_UNKNOWN)
            return arena_printf(arena, "routing ruleset %s: it cannot be decided whether candidate %zu is allowed",
                                ruleset->name, i);
    }
    return NULL;
}

static void candidate_fill(const struct acceptance *acceptance, const struct routing_candidate *row,
                           struct candidate *out)
{
    out->terminal = domain_terminal(acceptance->domain, row->terminal.id);
    out->provider = domain_provider(acceptance->domain, out->terminal->provider_ref->id);
    out->priority = row->priority ? *row->priority : PRIORITY_DEFAULT;
    out->weight = row->weight ? *row->weight : 0;
    out->pin = pin_hash(acceptance->request, row->pin);
    out->skip_recurrent = terms_skip_recurrent(out->terminal->effective);
    out->availability = out->conversion = 1;
    out->rejected = NULL;
    out->group = 0;
    routing_reject(out, REJECT_FORBIDDEN, accept(acceptance, out->terminal));
}

void routing_gather(const struct domain *domain, const struct routing_request *request, struct arena *arena,
                    struct candidates *out)
{
    const struct payment_institution *institution = domain_institution(domain, request->shop->payment_institution.id);
    const struct payment_routing_rules *refs = institution->payment_routing_rules;
    const struct varset *facts = &request->facts;
    const struct routing_rules *policies, *prohibitions;
    const struct routing_candidate *rows;
    struct acceptance acceptance = { .domain = domain, .request = request, .arena = arena };
    size_t i;

    memset(out, 0, sizeof(*out));
    if (!refs)
        return;
    policies = ruleset_reduce(domain, refs->policies.id, facts, arena, &out->misconfiguration);
    if (policies)
        out->misconfiguration = ruleset_undecided(domain, policies, facts, arena);
    if (out->misconfiguration)
        return;
    prohibitions = ruleset_reduce(domain, refs->prohibitions.id, facts, arena, &out->misconfiguration);
    if (prohibitions)
        out->misconfiguration = ruleset_undecided(domain, prohibitions, facts, arena);
    if (out->misconfiguration)
        return;
    acceptance.has_method = tool_method(facts->payment_tool, &acceptance.method);
    rows = policies->decisions.candidates.items;
    out->list = arena_array(arena, policies->decisions.candidates.count, sizeof(*out->list));
    for (i = 0; i < policies->decisions.candidates.count; i++) {
        struct candidate *candidate = &out->list[out->count];

        if (predicate_test(domain, &rows[i].allowed, facts) != TRI_TRUE)
            continue;
        candidate_fill(&acceptance, &rows[i], candidate);
        if (!candidate->rejected)
            routing_reject(candidate, REJECT_FORBIDDEN,
                           prohibited(prohibitions, domain, facts, candidate->terminal->id, arena));
        out->count++;
    }
}

const char *reject_group_name(int group)
{
    static const char *const names[] = {
        [REJECT_FORBIDDEN] = "forbidden",
        [REJECT_TOKEN_MISSING] = "recurrent_token_missing",
        [REJECT_ATTEMPTED] = "already_attempted",
        [REJECT_LIMIT_MISCONFIGURATION] = "limit_misconfiguration",
        [REJECT_LIMIT_OVERFLOW] = "limit_overflow",
        [REJECT_BLACKLIST] = "in_blacklist",
        [REJECT_UNAVAILABLE] = "adapter_unavailable",
    };

    return names[group];
}

void routing_reject(struct candidate *candidate, int group, const char *reason)
{
    if (!reason || candidate->rejected)
        return;
    candidate->rejected = reason;
    candidate->group = group;
}

bool routing_assess(struct candidate *candidate, const struct health_view *view, struct arena *arena)
{
    struct health_status availability =
        health_route_status(view, candidate->provider, candidate->terminal, HEALTH_AVAILABILITY);
    struct health_status conversion =
        health_route_status(view, candidate->provider, candidate->terminal, HEALTH_CONVERSION);

    candidate->availability = 1 - availability.rate;
    candidate->conversion = 1 - conversion.rate;
    candidate->lacking = conversion.critical;
    if (availability.critical)
        routing_reject(candidate, REJECT_UNAVAILABLE,
                       arena_printf(arena, "the adapter fails in %.0f %% of its calls", 100 * availability.rate));
    return !availability.critical;
}

size_t routing_accepted(const struct candidates *candidates)
{
    size_t i, count = 0;

    for (i = 0; i < candidates->count; i++)
        count += !candidates->list[i].rejected;
    return count;
}

const char *routing_rejections(const struct candidates *candidates, int group, struct arena *arena)
{
    struct buf text = BUF_EMPTY;
    const char *result;
    size_t i;

    buf_char(&text, '[');
    for (i = 0; i < candidates->count; i++) {
        const struct candidate *candidate = &candidates->list[i];

        if (!candidate->rejected || (group && candidate->group != group))
            continue;
        buf_printf(&text, "%sprovider %lld terminal %lld: %s", text.len > 1 ? "; " : "", (long long)candidate->provider->id,
                   (long long)candidate->terminal->id, candidate->rejected);
        if (text.len > 2000)
            break;
    }
    buf_char(&text, ']');
    result = arena_strdup(arena, buf_text(&text));
    buf_clear(&text);
    return result;
}

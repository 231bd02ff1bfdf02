/* Rulesets, candidates and the terms of their terminals. */
#include "domain/lint_internal.h"

#include <string.h>

#define PRIORITY_DEFAULT 1000

enum { AS_POLICY = 1, AS_PROHIBITION = 2 };

/* An object (its data) that some institution's rules may lead to. */
struct lint_mark {
    UT_hash_handle hh;
    const void *object;
    unsigned as;
};

/* What became of a candidate over all cases. */
struct lint_use {
    UT_hash_handle hh;
    const struct routing_candidate *row;
    const char *path;
    size_t reached, accepted, prohibited;
    const char *reason; /* the first; NULL: none */
};

void lint_routing_clear(struct lint *lint)
{
    HASH_CLEAR(hh, lint->marks);
    HASH_CLEAR(hh, lint->uses);
}

static const char *row_path(struct lint *lint, int64_t ruleset, const char *kind, size_t i)
{
    return lint_path_number(lint, OBJ_ROUTING_RULES, ruleset,
                            arena_printf(lint->arena, "/data/decisions/%s/%zu", kind, i));
}

static int64_t priority_of(const struct routing_candidate *row)
{
    return row->priority ? *row->priority : PRIORITY_DEFAULT;
}

/* ---- whatever the shop ---- */

static const struct payments any_payments = { .trust = true };

/* True: it was not marked so yet. */
static bool mark(struct lint *lint, const void *object, unsigned as)
{
    struct lint_mark *found;

    HASH_FIND_PTR(lint->marks, &object, found);
    if (!found) {
        found = arena_alloc(lint->arena, sizeof(*found));
        found->object = object;
        HASH_ADD_PTR(lint->marks, object, found);
    }
    if (found->as & as)
        return false;
    found->as |= as;
    return true;
}

static unsigned marked(const struct lint *lint, const void *object)
{
    struct lint_mark *found;

    HASH_FIND_PTR(lint->marks, &object, found);
    return found ? found->as : 0;
}

static void reach(struct lint *lint, int64_t id, unsigned as)
{
    const struct routing_rules *rules = domain_ruleset(lint->domain, id);
    const struct routing_delegate *delegates = rules->decisions.delegates.items;
    const struct routing_candidate *rows = rules->decisions.candidates.items;
    unsigned outcomes;
    size_t i;

    if (!mark(lint, rules, as))
        return;
    for (i = 0; i < rules->decisions.delegates.count; i++) {
        outcomes = possible_outcomes(lint->domain, &delegates[i].allowed, &any_payments);
        if (outcomes & MAY_BE_TRUE)
            reach(lint, delegates[i].ruleset.id, as);
        if (!(outcomes & MAY_BE_FALSE))
            break;
    }
    for (i = 0; i < rules->decisions.candidates.count && as == AS_POLICY; i++) {
        const struct terminal *terminal = domain_terminal(lint->domain, rows[i].terminal.id);

        if (!(possible_outcomes(lint->domain, &rows[i].allowed, &any_payments) & MAY_BE_TRUE))
            continue;
        mark(lint, terminal, as);
        mark(lint, domain_provider(lint->domain, terminal->provider_ref->id), as);
    }
}

static void lint_delegates(struct lint *lint, int64_t id, const struct routing_rules *rules)
{
    const struct routing_delegate *list = rules->decisions.delegates.items;
    size_t i, always = rules->decisions.delegates.count;

    for (i = 0; i < rules->decisions.delegates.count; i++) {
        unsigned outcomes = possible_outcomes(lint->domain, &list[i].allowed, &any_payments);

        if (i > always)
            lint_find(lint, LINT_WARNING, "delegate_shadowed", row_path(lint, id, "delegates", i), NULL,
                      "delegate %zu always applies, so this one is never looked at", always);
        else if (outcomes == MAY_BE_FALSE)
            lint_find(lint, LINT_WARNING, "delegate_never", row_path(lint, id, "delegates", i), NULL,
                      "the delegate never applies");
        else if (outcomes == MAY_BE_TRUE)
            always = i;
    }
}

static bool same_pin(const struct routing_pin *a, const struct routing_pin *b)
{
    const int *x = a->features.items, *y = b->features.items;
    size_t i, j;

    for (i = 0; i < a->features.count; i++) {
        for (j = 0; j < b->features.count && x[i] != y[j]; j++)
            ;
        if (j == b->features.count)
            return false;
    }
    return a->features.count == b->features.count;
}

/* Weights share payments between candidates of one priority; a common pin shares them itself (routing.md 8.3). */
static void lint_weight(struct lint *lint, int64_t id, const struct type_list *candidates, size_t at)
{
    const struct routing_candidate *list = candidates->items, *row = &list[at];
    size_t i, rivals = 0, pinned = 0;

    for (i = 0; i < candidates->count; i++) {
        if (i == at || priority_of(&list[i]) != priority_of(row) ||
            possible_outcomes(lint->domain, &list[i].allowed, &any_payments) == MAY_BE_FALSE)
            continue;
        rivals++;
        pinned += row->pin && list[i].pin && row->pin->features.count > 0 && same_pin(row->pin, list[i].pin);
    }
    if (rivals == 0)
        lint_find(lint, LINT_WARNING, "weight_alone", row_path(lint, id, "candidates", at), NULL,
                  "the weight decides nothing: no other candidate has the priority %lld", (long long)priority_of(row));
    else if (rivals == pinned)
        lint_find(lint, LINT_WARNING, "weight_pinned", row_path(lint, id, "candidates", at), NULL,
                  "the weight decides nothing: all candidates of the priority %lld share one pin, which spreads payers evenly",
                  (long long)priority_of(row));
}

static void lint_candidate_rows(struct lint *lint, int64_t id, const struct routing_rules *rules)
{
    const struct routing_candidate *list = rules->decisions.candidates.items;
    size_t i;

    for (i = 0; i < rules->decisions.candidates.count; i++) {
        unsigned outcomes = possible_outcomes(lint->domain, &list[i].allowed, &any_payments);

        if (outcomes == MAY_BE_FALSE)
            lint_find(lint, LINT_WARNING, "candidate_never", row_path(lint, id, "candidates", i), NULL,
                      "the candidate is never allowed");
        else if (list[i].weight && *list[i].weight > 0 && (marked(lint, rules) & AS_POLICY))
            lint_weight(lint, id, &rules->decisions.candidates, i);
    }
}

static void lint_unreached(struct lint *lint, const struct object *object)
{
    static const struct {
        const char *rule, *text;
    } kinds[OBJECT_KINDS + 1] = {
        [OBJ_ROUTING_RULES] = { "ruleset_unused", "no institution's rules ever lead to this ruleset" },
        [OBJ_TERMINAL] = { "terminal_unused", "no institution's rules ever propose this terminal" },
        [OBJ_PROVIDER] = { "provider_unused", "no institution's rules ever propose a terminal of this provider" },
    };

    if (kinds[object->kind].rule && !marked(lint, object->data))
        lint_find(lint, LINT_WARNING, kinds[object->kind].rule, object->path, NULL, "%s", kinds[object->kind].text);
}

void lint_rulesets(struct lint *lint)
{
    const struct payment_institution *institution;
    const struct object *object;

    for (object = lint->domain->objects; object; object = object->hh.next) {
        institution = object->kind == OBJ_PAYMENT_INSTITUTION ? object->data : NULL;
        if (!institution || !institution->payment_routing_rules)
            continue;
        reach(lint, institution->payment_routing_rules->policies.id, AS_POLICY);
        reach(lint, institution->payment_routing_rules->prohibitions.id, AS_PROHIBITION);
    }
    for (object = lint->domain->objects; object; object = object->hh.next) {
        lint_unreached(lint, object);
        if (object->kind != OBJ_ROUTING_RULES)
            continue;
        lint_delegates(lint, ((const struct number_ref *)object->ref)->id, object->data);
        lint_candidate_rows(lint, ((const struct number_ref *)object->ref)->id, object->data);
    }
}

/* ---- acceptance, for the payments of one case ---- */

struct fit {
    const struct lint_case *one;
    bool found;
};

static void fit_currency(void *arg, const void *value)
{
    struct fit *fit = arg;

    fit->found |= currency_in(fit->one->payments.shop->account.currency.symbolic_code, value);
}

static void fit_category(void *arg, const void *value)
{
    struct fit *fit = arg;

    fit->found |= category_in(fit->one->payments.shop->category.id, value);
}

static void fit_method(void *arg, const void *value)
{
    struct fit *fit = arg;

    fit->found |= method_in(fit->one->payments.method, value);
}

static void fit_cost(void *arg, const void *value)
{
    const struct payments *payments = &((struct fit *)arg)->one->payments;
    int64_t least, most;

    if (range_amounts(value, payments->shop->account.currency.symbolic_code, &least, &most) &&
        least <= payments->most && most >= payments->least)
        ((struct fit *)arg)->found = true;
}

static void fit_any(void *arg, const void *value)
{
    (void)value;
    ((struct fit *)arg)->found = true;
}

static bool may_fit(struct lint *lint, const struct lint_case *one, const struct selector *selector,
                    possible_value_fn fn)
{
    struct fit fit = { .one = one };

    possible_values(lint->domain, selector, &one->payments, fn, &fit);
    return fit.found;
}

static bool may_hold(struct lint *lint, const struct lint_case *one, const struct predicate *predicate)
{
    return !predicate || (possible_outcomes(lint->domain, predicate, &one->payments) & MAY_BE_TRUE);
}

/* Refunds that the merchant's terms certainly offer for the method have to be offered by the provider too. */
static const char *refund_misfit(const struct lint_case *one, const struct provision_refund_terms *terms)
{
    const struct merchant_refund_terms *wanted = one->terms->payments->refunds;
    const struct type_list *methods = wanted ? selector_literal(wanted->payment_methods) : NULL;

    if (!methods || !method_in(one->payments.method, methods))
        return NULL;
    if (!terms)
        return "it offers no refunds, and the shop's terms do";
    if (wanted->partial_refunds && !terms->partial_refunds)
        return "it offers no partial refunds, and the shop's terms do";
    return NULL;
}

/* Why no payment of ONE is accepted by TERMINAL; NULL: some may be. The tests of routing.md 4. */
static const char *never_accepted(struct lint *lint, const struct lint_case *one, const struct terminal *terminal)
{
    const struct provision_payment_terms *terms = terminal->effective ? terminal->effective->payments : NULL;

    if (!terms)
        return "it has no payment terms";
    if (!may_hold(lint, one, terms->global_allow) || !may_hold(lint, one, terms->allow))
        return "its terms never allow it";
    if (!may_fit(lint, one, terms->currencies, fit_currency))
        return "its terms lack the currency";
    if (!may_fit(lint, one, terms->categories, fit_category))
        return "its terms lack the category";
    if (!may_fit(lint, one, terms->payment_methods, fit_method))
        return "its terms lack the payment method";
    if (!may_fit(lint, one, terms->cash_limit, fit_cost))
        return "its terms' amounts and the shop's have nothing in common";
    if (terms->risk_coverage && !may_fit(lint, one, terms->risk_coverage, fit_any))
        return "its risk coverage never has a value";
    return refund_misfit(one, terms->refunds);
}

/* ---- what an accepted candidate needs ---- */

struct currency_search {
    struct lint *lint;
    const struct lint_case *one;
    const struct terminal *terminal;
    const struct provider *provider;
};

static bool provider_has(const struct provider *provider, const char *currency)
{
    const struct provider_account_entry *list = provider->accounts.items;
    size_t i;

    for (i = 0; i < provider->accounts.count; i++) {
        if (strcmp(list[i].currency, currency) == 0)
            return true;
    }
    return false;
}

static void need_accounts(void *arg, const void *value)
{
    const struct currency_search *search = arg;
    const struct type_list *set = value;
    const struct currency_ref *list = set->items;
    const char *own = search->one->payments.shop->account.currency.symbolic_code;
    size_t i;

    for (i = 0; i < set->count; i++) {
        bool is_own = strcmp(list[i].symbolic_code, own) == 0;

        if (!provider_has(search->provider, list[i].symbolic_code))
            lint_find(search->lint, is_own ? LINT_ERROR : LINT_WARNING, "account_missing",
                      lint_path_number(search->lint, OBJ_PROVIDER, search->provider->id, "/data"),
                      is_own ? search->one->who : NULL, "there is no account in %s, and the terms of terminal %lld accept it",
                      list[i].symbolic_code, (long long)search->terminal->id);
    }
}

struct limits_search {
    struct lint *lint;
    const struct lint_case *one;
    const char *path;
};

static void need_limits(void *arg, const void *value)
{
    const struct limits_search *search = arg;

    lint_limits_of(search->lint, search->one, value, false, search->path);
}

/* What a route's acceptance asks: without a value the route is not taken. */
static void acceptance_reduces(struct lint *lint, const struct lint_case *one, const struct provision_payment_terms *terms,
                               const char *who)
{
    const struct merchant_hold_terms *holds = one->terms->payments->holds;

    lint_selector(lint, terms->currencies, "the set of currencies", LINT_WARNING, &one->payments, who);
    lint_selector(lint, terms->categories, "the set of categories", LINT_WARNING, &one->payments, who);
    lint_selector(lint, terms->payment_methods, "the set of payment methods", LINT_WARNING, &one->payments, who);
    lint_selector(lint, terms->cash_limit, "the limit of amounts", LINT_WARNING, &one->payments, who);
    lint_selector(lint, terms->risk_coverage, "the risk coverage", LINT_WARNING, &one->payments, who);
    if (terms->holds && holds && lint_covers(lint, one, holds->payment_methods))
        lint_selector(lint, terms->holds->lifetime, "the lifetime of holds", LINT_WARNING, &one->payments, who);
}

/* What the steps behind the routing ask: without a value the payment stops. */
static void lint_accepted(struct lint *lint, const struct lint_case *one, const struct terminal *terminal)
{
    const struct provision_payment_terms *terms = terminal->effective->payments;
    const struct merchant_refund_terms *refunds = one->terms->payments->refunds;
    const char *who = arena_printf(lint->arena, "terminal %lld for %s", (long long)terminal->id, one->who);
    const char *path = lint_path_number(lint, OBJ_TERMINAL, terminal->id, "/data");
    struct currency_search search = { lint, one, terminal, domain_provider(lint->domain, terminal->provider_ref->id) };
    struct limits_search limits = { lint, one, path };
    struct payments later = one->payments;

    later.trust = false;
    possible_values(lint->domain, terms->currencies, &one->payments, need_accounts, &search);
    acceptance_reduces(lint, one, terms, who);
    lint_selector(lint, terms->turnover_limits, "the set of turnover limits", LINT_ERROR, &later, who);
    possible_values(lint->domain, terms->turnover_limits, &one->payments, need_limits, &limits);
    lint_selector(lint, terms->cash_flow, "the cash flow", LINT_ERROR, &later, who);
    lint_accounts(lint, one, terms->cash_flow);
    lint_flows(lint, one, one->terms->payments->fees, terms->cash_flow, path, "payments");
    if (!refunds || !terms->refunds || !lint_covers(lint, one, refunds->payment_methods))
        return;
    if (!terms->refunds->cash_flow)
        lint_find(lint, LINT_WARNING, "terms_missing", path, who, "the terms of refunds have no cash flow, so refunds are refused");
    lint_selector(lint, terms->refunds->cash_flow, "the cash flow of refunds", LINT_WARNING, &later, who);
    lint_flows(lint, one, refunds->fees, terms->refunds->cash_flow, path, "refunds");
}

/* ---- the walk for one case ---- */

static struct lint_use *use_of(struct lint *lint, const struct routing_candidate *row, int64_t ruleset, size_t i)
{
    struct lint_use *use;

    HASH_FIND_PTR(lint->uses, &row, use);
    if (use)
        return use;
    use = arena_alloc(lint->arena, sizeof(*use));
    use->row = row;
    use->path = row_path(lint, ruleset, "candidates", i);
    HASH_ADD_PTR(lint->uses, row, use);
    return use;
}

/* The candidates of prohibitions that apply to all payments of ONE; NULL: it depends. */
static const struct routing_rules *certain_rules(struct lint *lint, const struct lint_case *one, int64_t id)
{
    const struct routing_rules *rules = domain_ruleset(lint->domain, id);
    const struct routing_delegate *list = rules->decisions.delegates.items;
    unsigned outcomes;
    size_t i;

    if (rules->decisions.tag == ROUTING_CANDIDATES)
        return rules;
    for (i = 0; i < rules->decisions.delegates.count; i++) {
        outcomes = possible_outcomes(lint->domain, &list[i].allowed, &one->payments);
        if (outcomes == MAY_BE_TRUE)
            return certain_rules(lint, one, list[i].ruleset.id);
        if (outcomes != MAY_BE_FALSE)
            return NULL;
    }
    return NULL;
}

static bool always_prohibited(struct lint *lint, const struct lint_case *one, int64_t terminal)
{
    const struct routing_rules *rules =
        certain_rules(lint, one, one->institution->payment_routing_rules->prohibitions.id);
    const struct routing_candidate *list = rules ? rules->decisions.candidates.items : NULL;
    size_t i;

    for (i = 0; rules && i < rules->decisions.candidates.count; i++) {
        if (list[i].terminal.id == terminal &&
            possible_outcomes(lint->domain, &list[i].allowed, &one->payments) == MAY_BE_TRUE)
            return true;
    }
    return false;
}

/* True: ONE's payments may be taken by this candidate. */
static bool walk_candidate(struct lint *lint, const struct lint_case *one, struct lint_use *use)
{
    const struct terminal *terminal = domain_terminal(lint->domain, use->row->terminal.id);
    const char *reason = never_accepted(lint, one, terminal);

    use->reached++;
    if (!use->reason)
        use->reason = reason;
    if (reason)
        return false;
    if (always_prohibited(lint, one, terminal->id)) {
        use->prohibited++;
        return false;
    }
    use->accepted++;
    lint_accepted(lint, one, terminal);
    return true;
}

static bool walk_candidates(struct lint *lint, const struct lint_case *one, int64_t id, unsigned as)
{
    const struct routing_rules *rules = domain_ruleset(lint->domain, id);
    const struct routing_candidate *list = rules->decisions.candidates.items;
    bool taken = false;
    unsigned outcomes;
    size_t i;

    for (i = 0; i < rules->decisions.candidates.count; i++) {
        outcomes = possible_outcomes(lint->domain, &list[i].allowed, &one->payments);
        if (outcomes & MAY_BE_UNKNOWN)
            lint_find(lint, outcomes == MAY_BE_UNKNOWN ? LINT_ERROR : LINT_WARNING, "candidate_undecided",
                      row_path(lint, id, "candidates", i), one->who,
                      "%s be decided whether the candidate is allowed, which leaves a payment without any route",
                      outcomes == MAY_BE_UNKNOWN ? "it cannot" : "for some payments it may not");
        if ((outcomes & MAY_BE_TRUE) && as == AS_POLICY)
            taken |= walk_candidate(lint, one, use_of(lint, &list[i], id, i));
    }
    return taken;
}

/* Follows delegates at each cost that makes a difference. Answers which of them may apply. */
static bool *walk_points(struct lint *lint, const struct lint_case *one, const struct routing_rules *rules,
                         bool *undecided, bool *open)
{
    const struct routing_delegate *list = rules->decisions.delegates.items;
    size_t count = rules->decisions.delegates.count, i, p;
    bool *applies = arena_array(lint->arena, count, sizeof(*applies)), sure;
    struct cost_points points;
    struct payments some;
    unsigned outcomes;

    cost_points_init(&points, &one->payments);
    for (i = 0; i < count; i++)
        cost_points_add(&points, lint->domain, &list[i].allowed, &one->payments);
    for (p = 0; p < cost_points_count(&points); p++) {
        cost_points_at(&points, p, &one->payments, &some);
        for (i = 0, sure = false; i < count && !sure; i++) {
            outcomes = possible_outcomes(lint->domain, &list[i].allowed, &some);
            applies[i] |= (outcomes & MAY_BE_TRUE) != 0;
            undecided[i] |= (outcomes & MAY_BE_UNKNOWN) != 0;
            sure = !(outcomes & MAY_BE_FALSE);
        }
        *open |= !sure;
    }
    return applies;
}

/* True: some candidate may take ONE's payments. */
static bool walk(struct lint *lint, const struct lint_case *one, int64_t id, unsigned as)
{
    const struct routing_rules *rules = domain_ruleset(lint->domain, id);
    const struct routing_delegate *list = rules->decisions.delegates.items;
    size_t count = rules->decisions.delegates.count, i, applying = 0;
    bool open = false, taken = false, *undecided, *applies;

    if (rules->decisions.tag != ROUTING_DELEGATES)
        return walk_candidates(lint, one, id, as);
    undecided = arena_array(lint->arena, count, sizeof(*undecided));
    applies = walk_points(lint, one, rules, undecided, &open);
    for (i = 0; i < count; i++) {
        applying += applies[i];
        if (undecided[i])
            lint_find(lint, applies[i] ? LINT_WARNING : LINT_ERROR, "delegate_undecided", row_path(lint, id, "delegates", i),
                      one->who, "%s be decided whether the delegate applies, which leaves a payment without any route",
                      applies[i] ? "for some payments it may not" : "it cannot");
        if (applies[i])
            taken |= walk(lint, one, list[i].ruleset.id, as);
    }
    if (open)
        lint_find(lint, applying ? LINT_WARNING : LINT_ERROR, "delegates_open",
                  lint_path_number(lint, OBJ_ROUTING_RULES, id, "/data/decisions/delegates"), one->who,
                  applying ? "no last delegate always applies: a payment to which none does finds no route"
                           : "no delegate ever applies, so no payment finds a route");
    return taken;
}

bool lint_routes(struct lint *lint, const struct lint_case *one)
{
    const struct payment_routing_rules *rules = one->institution->payment_routing_rules;

    walk(lint, one, rules->prohibitions.id, AS_PROHIBITION);
    return walk(lint, one, rules->policies.id, AS_POLICY);
}

/* Also where no rule leads to: payments are registered over such routes, and recurrent ones go them. */
static void lint_terminals(struct lint *lint)
{
    const struct terminal *terminal;
    const struct object *object;

    for (object = lint->domain->objects; object; object = object->hh.next) {
        terminal = object->kind == OBJ_TERMINAL ? object->data : NULL;
        if (terminal && terminal->effective && terminal->effective->payments && !terminal->effective->payments->cash_flow)
            lint_find(lint, LINT_ERROR, "terms_missing", arena_printf(lint->arena, "%s/data", object->path), NULL,
                      "neither the terminal nor its provider has a cash flow, so payments stop there");
    }
}

void lint_candidates(struct lint *lint)
{
    const struct lint_use *use;

    lint_terminals(lint);
    for (use = lint->uses; use; use = use->hh.next) {
        if (use->accepted > 0)
            continue;
        if (use->prohibited > 0)
            lint_find(lint, LINT_WARNING, "candidate_prohibited", use->path, NULL,
                      "the prohibitions always turn the candidate away");
        else
            lint_find(lint, LINT_WARNING, "candidate_useless", use->path, NULL,
                      "terminal %lld never accepts a payment that comes here: %s", (long long)use->row->terminal.id,
                      use->reason);
    }
}

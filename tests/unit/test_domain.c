/* The example configuration, and every row of doc/spec/domain.md 15: who inspects, which routes are found, which
 * is taken, and what flows over it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "domain/routing.h"
#include "support/domain_doc.h"
#include "support/flows.h"

#define CARD(SYSTEM, MORE) \
    "{\"bank_card\":{\"token\":\"tok\",\"payment_system\":{\"id\":\"" SYSTEM "\"},\"bin\":\"424242\",\"last_digits\":\"4242\"" MORE "}}"
#define FROM(COUNTRY) ",\"issuer_country\":\"" COUNTRY "\""
#define VISA_USA CARD("VISA", FROM("USA"))
#define QIWI "{\"digital_wallet\":{\"payment_service\":{\"id\":\"QIWI\"},\"id\":\"7900\"}}"
#define APPLE ",\"payment_token\":{\"id\":\"APPLEPAY\"},\"tokenization_method\":\"dpan\""
#define PAYMENTS "PaymentsProvisionTerms"

static struct arena *arena;
static struct domain *domain;

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

TestSuite(domain, .init = open_domain, .fini = close_domain);

struct row {
    const char *shop;
    int64_t amount;
    const char *tool;
    bool hold;
    const char *refused;    /* by the merchant's terms, before anything else */
    const char *inspector;
    int risk;
    const char *candidates; /* in ruleset order, with why they were turned away */
    const char *outcome;    /* terminals that may be taken; "": none */
};

static const struct row rows[] = {
    [1] = { "shop-acme-books", 42000, CARD("VISA", FROM("RUS")), false, NULL, "Lenient", RISK_LOW, "t2 t1 t3 t4", "2" },
    [2] = { "shop-acme-books", 42000, VISA_USA, false, NULL, "Lenient", RISK_LOW,
            "t2(" PAYMENTS ", allow) t1 t3 t4", "1 3" },
    [3] = { "shop-acme-books", 42000, CARD("VISA", ""), false, NULL, "Lenient", RISK_LOW,
            "t2(Misconfiguration(" PAYMENTS ", allow)) t1 t3 t4", "1 3" },
    [4] = { "shop-acme-books", 700000, VISA_USA, false, NULL, "Strict", RISK_HIGH,
            "t2(" PAYMENTS ", allow) t1 t3(RoutingRule, Drovider refuses expensive goods)", "1" },
    [5] = { "shop-acme-books", 42000, CARD("MIR", FROM("RUS")), false, NULL, "Lenient", RISK_LOW,
            "t2(" PAYMENTS ", payment_tool) t1(" PAYMENTS ", payment_tool) t3 t4", "3" },
    [6] = { "shop-acme-books", 42000, QIWI, false, NULL, "Lenient", RISK_LOW, "t5", "5" },
    [7] = { "shop-acme-games", 10000, VISA_USA, false, NULL, "Lenient", RISK_LOW,
            "t2(" PAYMENTS ", allow) t1 t3 t4", "1 3" },
    [8] = { "shop-globex-travel", 42000, VISA_USA, false, NULL, "Strict", RISK_HIGH, "t3 t1", "3" },
    [9] = { "shop-globex-travel", 700000, VISA_USA, false, NULL, "Strict", RISK_HIGH, "t3 t1", "3" },
    [10] = { "shop-acme-books", 150000000, CARD("VISA", ""), false, NULL, "Blocker", RISK_FATAL, NULL, NULL },
    [11] = { "shop-acme-books", 500, VISA_USA, false, NULL, "Lenient", RISK_LOW,
             "t2(" PAYMENTS ", allow) t1(" PAYMENTS ", cost) t3(" PAYMENTS ", cost) t4(" PAYMENTS ", cost)", "" },
    [12] = { "shop-acme-books", 5, CARD("VISA", ""), false, "minimum", NULL, 0, NULL, NULL },
    [13] = { "shop-acme-books", 42000, CARD("VISA", ",\"is_cvv_empty\":true"), false, "method", NULL, 0, NULL, NULL },
    [14] = { "shop-acme-books", 42000, CARD("VISA", FROM("USA") APPLE), false, NULL, "Lenient", RISK_LOW,
             "t2(" PAYMENTS ", allow) t1 t3(" PAYMENTS ", payment_tool) t4(" PAYMENTS ", payment_tool)", "1" },
    [15] = { "shop-acme-books", 42000, CARD("MASTERCARD", FROM("USA")), true, NULL, "Lenient", RISK_LOW,
             "t2(" PAYMENTS ", allow) t1 t3 t4", "1 3" },
};

/* A payment of a row: what its steps would know. */
struct payment_case {
    const struct shop *shop;
    const struct term_set *terms;
    struct cash cost;
    struct payment_tool tool;
    struct routing_request request;
};

static void case_open(const struct row *row, struct payment_case *out)
{
    memset(out, 0, sizeof(*out));
    out->shop = domain_shop(domain, NULL, row->shop);
    cr_assert_not_null(out->shop);
    out->terms = domain_terms(domain, out->shop->terms.id);
    out->cost = (struct cash){ row->amount, { "RUB" } };
    must_decode(&type_payment_tool, row->tool, arena, &out->tool);
    out->request = (struct routing_request){
        .facts = {
            .category = out->shop->category.id, .currency = "RUB", .amount = &out->cost, .payment_tool = &out->tool,
            .party_id = out->shop->party_ref.id, .shop_id = out->shop->id,
        },
        .shop = out->shop, .risk_score = row->risk, .hold = row->hold, .card_token = "tok",
    };
}

/* The checks at the start of a payment (domain.md 4). NULL: none refuses. */
static const char *merchant_refusal(struct payment_case *in)
{
    const struct varset *facts = &in->request.facts;
    const struct type_list *methods = selector_value(domain, in->terms->payments->payment_methods, facts);
    const struct cash_range *range = selector_value(domain, in->terms->payments->cash_limit, facts);
    const struct hold_lifetime *lifetime;
    struct payment_method method;

    cr_assert(methods && range);
    if (!tool_method(&in->tool, &method) || !method_in(&method, methods))
        return "method";
    if (cash_range_place(range, &in->cost) != CASH_WITHIN)
        return cash_range_place(range, &in->cost) == CASH_EXCEEDS_LOWER ? "minimum" : "maximum";
    if (in->request.hold) {
        lifetime = selector_value(domain, in->terms->payments->holds->lifetime, facts);
        cr_assert_not_null(lifetime);
        in->request.hold_lifetime_s = lifetime->seconds;
    }
    methods = selector_value(domain, in->terms->payments->refunds->payment_methods, facts);
    cr_assert_not_null(methods);
    in->request.refund = method_in(&method, methods);
    if (in->request.refund)
        in->request.partial_refund =
            selector_value(domain, in->terms->payments->refunds->partial_refunds->cash_limit, facts);
    return NULL;
}

static const char *candidates_text(const struct candidates *candidates)
{
    struct buf text = BUF_EMPTY;
    const char *result;
    size_t i;

    for (i = 0; i < candidates->count; i++) {
        buf_printf(&text, "%st%lld", i ? " " : "", (long long)candidates->list[i].terminal->id);
        if (candidates->list[i].rejected)
            buf_printf(&text, "(%s)", candidates->list[i].rejected);
    }
    result = arena_strdup(arena, buf_text(&text));
    buf_clear(&text);
    return result;
}

static bool has_accepted(const struct candidates *candidates)
{
    size_t i;

    for (i = 0; i < candidates->count; i++) {
        if (!candidates->list[i].rejected)
            return true;
    }
    return false;
}

static void expect_outcome(size_t number, const struct candidates *candidates, const char *outcome)
{
    uint64_t draw;
    char terminal[2] = "";
    int i;

    if (!*outcome) {
        cr_expect(!has_accepted(candidates), "row %zu", number);
        return;
    }
    cr_assert(has_accepted(candidates), "row %zu", number);
    for (i = 0, draw = 0; i < 64; i++, draw += UINT64_MAX / 64) {
        size_t index = routing_choose(candidates, draw, NULL).chosen;

        snprintf(terminal, sizeof(terminal), "%d", (int)candidates->list[index].terminal->id);
        cr_expect(strstr(outcome, terminal), "row %zu: t%s", number, terminal);
    }
}

/* The specification's own table of what this configuration does. */
Test(domain, example_decides_as_the_specification_says)
{
    size_t i;

    for (i = 1; i < SL_COUNT(rows); i++) {
        struct candidates candidates;
        struct payment_case in;
        const struct inspector *inspector;
        const char *refusal;

        case_open(&rows[i], &in);
        refusal = merchant_refusal(&in);
        cr_assert_eq(!refusal, !rows[i].refused, "row %zu: %s", i, refusal);
        if (refusal) {
            cr_expect_str_eq(refusal, rows[i].refused, "row %zu", i);
            continue;
        }
        inspector = domain_choose_inspector(domain, in.shop, &in.request.facts);
        cr_assert_not_null(inspector, "row %zu", i);
        cr_expect_str_eq(inspector->name, rows[i].inspector, "row %zu", i);
        if (rows[i].risk == RISK_FATAL)
            continue; /* the payment fails before routing */
        routing_gather(domain, &in.request, arena, &candidates);
        cr_expect_null(candidates.misconfiguration, "row %zu: %s", i, candidates.misconfiguration);
        cr_expect_str_eq(candidates_text(&candidates), rows[i].candidates, "row %zu", i);
        expect_outcome(i, &candidates, rows[i].outcome);
    }
}

static const struct selector *provider_flow(const struct terminal *terminal)
{
    return terminal->effective->payments->cash_flow;
}

static void flow_side(const struct payment_case *in, const struct selector *selector, const struct account_map *accounts,
                      struct type_list *flow)
{
    const struct type_list *template = selector_value(domain, selector, &in->request.facts);
    struct volume_context context = { .operation_amount = in->cost };
    const char *why = NULL;

    cr_assert_not_null(template);
    if (cashflow_finalise(template, accounts, &context, arena, flow, &why))
        cr_assert_fail("%s", why);
}

static int64_t gained(const struct type_list *totals, int64_t account)
{
    const struct cashflow_total *list = totals->items;
    size_t i;

    for (i = 0; i < totals->count; i++) {
        if (list[i].account_id == account)
            return list[i].amount.amount;
    }
    return 0;
}

/* And what it pays to whom, to the unit. */
Test(domain, example_pays_as_the_specification_says)
{
    static const struct {
        size_t row;
        int64_t terminal;
        const char *flow;
        int64_t merchant, system, provider, other, other_account;
    } flows[] = {
        { 1, 2, "m>s 1890 Processing fee, p>m 42000 Payment body, s>p 504 Acquirer fee", 40110, 1386, -41496, 0, 0 },
        { 2, 1, "m>s 1890 Processing fee, p>m 42000 Payment body, s>p 756 Acquirer fee", 40110, 1134, -41244, 0, 0 },
        { 2, 3, "m>s 1890 Processing fee, p>m 42000 Payment body, s>p 672 Acquirer fee, s>o 20 Partner fee", 40110, 1198,
          -41328, 20, 2002 },
        { 4, 1, "m>s 31500 Processing fee, p>m 700000 Payment body, s>p 12600 Acquirer fee", 668500, 18900, -687400, 0, 0 },
        { 6, 5, "m>s 1890 Processing fee, p>m 42000 Payment body, s>p 1260 Wallet fee", 40110, 630, -40740, 0, 0 },
        { 7, 1, "m>s 500 Processing fee, m>g 500 Guarantee deposit, p>m 10000 Payment body, s>p 180 Acquirer fee", 9000, 320,
          -9820, 500, 3004 },
        { 8, 3, "m>s 2050 Processing fee, p>m 42000 Payment body, s>p 672 Acquirer fee, s>o 20 Partner fee", 39950, 1358,
          -41328, 20, 2004 },
        { 15, 1, "m>s 1890 Processing fee, p>m 42000 Payment body, s>p 798 Acquirer fee", 40110, 1092, -41202, 0, 0 },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(flows); i++) {
        const struct terminal *terminal = domain_terminal(domain, flows[i].terminal);
        const struct provider *provider = domain_provider(domain, terminal->provider_ref->id);
        struct type_list flow = { NULL, 0 }, totals;
        struct account_map accounts;
        struct payment_case in;
        const char *why = NULL;

        case_open(&rows[flows[i].row], &in);
        cr_assert_eq(domain_account_map(domain, in.shop, provider, terminal, "RUB", &in.request.facts, arena, &accounts, &why),
                     SL_OK, "flow %zu: %s", i, why);
        flow_side(&in, in.terms->payments->fees, &accounts, &flow);
        flow_side(&in, provider_flow(terminal), &accounts, &flow);
        cr_expect_str_eq(flow_text(&flow, arena), flows[i].flow, "flow %zu", i);
        cr_assert_eq(cashflow_totals(&flow, arena, &totals, &why), SL_OK);
        cr_expect_eq(gained(&totals, in.shop->account.settlement), flows[i].merchant, "flow %zu", i);
        cr_expect_eq(gained(&totals, 1001), flows[i].system, "flow %zu", i);
        cr_expect_eq(gained(&totals, accounts.provider_settlement), flows[i].provider, "flow %zu", i);
        cr_expect_eq(gained(&totals, flows[i].other_account), flows[i].other, "flow %zu", i);
    }
}

/* What a missing account does: it is said, and only when a posting needs the account (cashflow.md 3). */
Test(domain, names_accounts_that_are_missing)
{
    static const struct {
        const char *kind, *ref, *path, *value, *why; /* why NULL: no fault, an external account is left out */
    } patches[] = {
        { "provider", "{\"id\":1}", "/data/accounts", NULL, "provider 1 has no account in RUB" },
        { "system_account_set", "{\"id\":1}", "/data/accounts/RUB", NULL, "system account set 1 has no account in RUB" },
        { "payment_institution", "{\"id\":2}", "/data/system_account_set", "{\"decisions\":[]}",
          "the system account set of payment institution 2 does not reduce to a value" },
        { "globals", "{}", "/data/external_account_set", NULL, NULL },
        { "globals", "{}", "/data/external_account_set", "{\"decisions\":[]}", NULL },
        { "external_account_set", "{\"id\":1}", "/data/accounts", "{}", NULL },
        { "external_account_set", "{\"id\":1}", "/data/accounts/RUB/outcome", NULL, NULL },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(patches); i++) {
        json_t *doc = doc_load();
        struct account_map accounts;
        struct payment_case in;
        const char *why = NULL;
        enum sl_err err;

        doc_set(doc, patches[i].kind, patches[i].ref, patches[i].path, patches[i].value);
        domain_free(domain);
        domain = doc_domain_take(doc, arena);
        case_open(&rows[2], &in);
        err = domain_account_map(domain, in.shop, domain_provider(domain, 1), domain_terminal(domain, 1), "RUB",
                                 &in.request.facts, arena, &accounts, &why);
        cr_expect_eq(err == SL_OK, patches[i].why == NULL, "row %zu", i);
        if (patches[i].why)
            cr_expect_str_eq(why, patches[i].why);
        else
            cr_expect_eq(accounts.external_outcome, 0, "row %zu", i);
    }
}

/* What others look up must be there, and only that. */
Test(domain, finds_objects_by_their_references)
{
    cr_expect_eq(domain_object_count(domain), 63);
    cr_expect_str_eq(domain_party(domain, "party-acme")->id, "party-acme");
    cr_expect_null(domain_party(domain, "nobody"));
    cr_expect_null(domain_party(domain, "provider/1"));
    cr_expect_str_eq(domain_shop(domain, "party-acme", "shop-acme-books")->id, "shop-acme-books");
    cr_expect_null(domain_shop(domain, "party-globex", "shop-acme-books"), "a shop of another party is not found");
    cr_expect_not_null(domain_shop(domain, NULL, "shop-acme-books"));
    cr_expect_eq(domain_provider(domain, 2)->id, 2);
    cr_expect_null(domain_provider(domain, 9));
    cr_expect_null(domain_provider(domain, -1));
    cr_expect_eq(domain_terminal(domain, 3)->provider_ref->id, 2);
    cr_expect_eq(domain_currency(domain, "RUB")->exponent, 2);
    cr_expect_null(domain_currency(domain, "EUR"));
    cr_expect_str_eq(domain_category(domain, 2)->name, domain_category(domain, 2)->name);
    cr_expect_str_eq(domain_proxy(domain, 1)->url, "http://127.0.0.1:8090/provider");
    cr_expect_str_eq(limit_currency(domain_limit_config(domain, "terminal-day-turnover")), "RUB");
    cr_expect_null(limit_currency(domain_limit_config(domain, "card-day-count")));
    cr_expect_null(domain_limit_config(domain, "none"));
}

static void count_account(void *arg, int64_t id, const char *currency)
{
    int64_t *sums = arg;

    cr_expect(strcmp(currency, "RUB") == 0 || strcmp(currency, "USD") == 0);
    sums[0]++;
    sums[1] += id;
}

/* Accounts are opened by this list; one that is left out has no balance to show. */
Test(domain, names_every_account)
{
    int64_t sums[2] = { 0, 0 };

    domain_each_account(domain, count_account, sums);
    cr_expect_eq(sums[0], 4 + 4 + 3 + 6);
    cr_expect_eq(sums[1], 1001 + 1002 + 1003 + 1004 + 2001 + 2002 + 2003 + 2004 + 4001 + 4002 + 4003 + 3001 + 3002 + 3003 +
                              3004 + 3005 + 3006);
}

/* The head of a document is for people and for the store. */
Test(domain, keeps_revision_and_author)
{
    static const char text[] = "{\"version\":7,\"created_at\":\"2026-01-01T00:00:00Z\",\"author\":{\"name\":\"N\",\"email\":\"e\"},"
                               "\"objects\":[]}";
    struct type_errors errors = { .count = 0 };
    struct domain *other = NULL;

    cr_assert_eq(domain_parse(text, strlen(text), arena, &other, &errors), SL_OK);
    cr_expect_eq(domain_revision(other), 7);
    domain_set_revision(other, 8);
    cr_expect_eq(domain_revision(other), 8);
    cr_expect_str_eq(domain_author(other), "{\"email\":\"e\",\"name\":\"N\"}");
    cr_expect_eq(domain_object_count(other), 0);
    cr_expect_null(domain_globals(other));
    domain_free(other);
}

/* ---- the schema ---- */

struct seen {
    const struct type *types[512];
    size_t count;
};

static void see(struct seen *seen, const struct type *type)
{
    size_t i;

    for (i = 0; i < seen->count; i++) {
        if (seen->types[i] == type)
            return;
        cr_expect(!type->name || !seen->types[i]->name || strcmp(type->name, seen->types[i]->name) != 0,
                  "two types are named %s", type->name);
    }
    cr_assert_lt(seen->count, SL_COUNT(seen->types));
    seen->types[seen->count++] = type;
    if (type->item)
        see(seen, type->item);
    for (i = 0; i < type->field_count; i++)
        see(seen, type->fields[i].type);
}

/* Two types of one name would overwrite each other in the published schema. */
Test(domain, types_have_names_of_their_own)
{
    struct seen seen = { .count = 0 };
    int kind;

    for (kind = 1; kind <= OBJECT_KINDS; kind++) {
        see(&seen, object_shape(kind)->ref);
        see(&seen, object_shape(kind)->data);
    }
    see(&seen, &type_payment_tool);
    see(&seen, &type_cash_flow);
    cr_expect_gt(seen.count, 100);
}

static void check_refs(const json_t *value, const json_t *components)
{
    static const char prefix[] = "#/components/schemas/";
    const char *name, *ref;
    json_t *member;
    size_t i;

    json_object_foreach((json_t *)(uintptr_t)value, name, member) {
        ref = strcmp(name, "$ref") == 0 ? json_string_value(member) : NULL;
        if (ref)
            cr_expect(strncmp(ref, prefix, strlen(prefix)) == 0 && json_object_get(components, ref + strlen(prefix)), "%s", ref);
        check_refs(member, components);
    }
    json_array_foreach(value, i, member)
        check_refs(member, components);
}

/* Clients generate code from it: every kind is there, and nothing refers to what is not. */
Test(domain, schema_describes_every_kind)
{
    json_t *components = json_object(), *ref = domain_schema(components), *document, *kinds;

    document = json_object_get(components, "Domain");
    cr_assert_not_null(document);
    kinds = json_object_get(json_object_get(json_object_get(json_object_get(document, "properties"), "objects"), "items"),
                            "oneOf");
    cr_expect_eq(json_array_size(kinds), OBJECT_KINDS);
    check_refs(components, components);
    check_refs(ref, components);
    json_decref(ref);
    json_decref(components);
}

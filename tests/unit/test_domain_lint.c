/* What `sluice domain check` finds in documents that are allowed: each row plants one mistake in the example. */
#include <criterion/criterion.h>
#include <string.h>

#include "domain/lint.h"
#include "support/domain_doc.h"

#define YES "{\"constant\":true}"
#define NO "{\"constant\":false}"
#define CASH(N) "{\"amount\":" #N ",\"currency\":{\"symbolic_code\":\"RUB\"}}"
#define RANGE(LOWER, UPPER) "{\"lower\":{\"inclusive\":" CASH(LOWER) "},\"upper\":{\"exclusive\":" CASH(UPPER) "}}"
#define COST_IN(LOWER, UPPER) "{\"condition\":{\"cost_in\":" RANGE(LOWER, UPPER) "}}"
#define TRUST "{\"condition\":{\"trust_level_is\":\"well_known\"}}"
#define ISSUER "{\"condition\":{\"payment_tool\":{\"bank_card\":{\"definition\":{\"issuer_country_is\":\"RUS\"}}}}}"
#define LOCATION "{\"condition\":{\"shop_location_is\":{\"url\":\"https://x\"}}}"
#define DECISION(IF, VALUE) "{\"if_\":" IF ",\"then_\":{\"value\":" VALUE "}}"
#define DECISIONS(ROWS) "{\"decisions\":[" ROWS "]}"
#define USD "{\"value\":[{\"symbolic_code\":\"USD\"}]}"
#define RUB_USD "{\"value\":[{\"symbolic_code\":\"RUB\"},{\"symbolic_code\":\"USD\"}]}"
#define CANDIDATE(ALLOWED, TERMINAL, MORE) "{\"allowed\":" ALLOWED ",\"terminal\":{\"id\":" #TERMINAL "}" MORE "}"
#define DELEGATE(ALLOWED, RULESET) "{\"allowed\":" ALLOWED ",\"ruleset\":{\"id\":" #RULESET "}}"
#define POSTING(FROM, TO)                                                                     \
    "{\"value\":[{\"source\":" FROM ",\"destination\":" TO ",\"volume\":{\"fixed\":{\"cash\":" CASH(1) "}}}]}"
#define SETTLEMENT "{\"system\":\"settlement\"}"

#define TERMS "/data/term_set/payments"
#define PROVISION "/data/terms/payments"
#define LIMIT "limit_config"
#define MONTHLY "{\"id\":\"shop-month-turnover\"}"
#define RULES "/data/decisions/candidates"

static struct arena *arena;

static void open_arena(void)
{
    arena = arena_new();
}

static void close_arena(void)
{
    arena_free(arena);
}

TestSuite(domain_lint, .init = open_arena, .fini = close_arena);

struct change {
    const char *kind, *ref, *path, *value; /* value NULL: removed; path NULL: an object with this data is added */
};

static const struct lint_findings *lint_of(const struct change *changes, size_t count)
{
    struct lint_findings *findings = arena_alloc(arena, sizeof(*findings));
    json_t *doc = doc_load();
    struct domain *domain;
    size_t i;

    for (i = 0; i < count && changes[i].kind; i++) {
        if (changes[i].path)
            doc_set(doc, changes[i].kind, changes[i].ref, changes[i].path, changes[i].value);
        else
            doc_add(doc, changes[i].kind, changes[i].ref, changes[i].value);
    }
    domain = doc_domain_take(doc, arena);
    domain_lint(domain, arena, findings);
    domain_free(domain);
    return findings;
}

static const struct lint_finding *find(const struct lint_findings *findings, const char *rule, const char *object,
                                       const char *rest)
{
    size_t i;

    for (i = 0; i < findings->count; i++) {
        const struct lint_finding *one = &findings->list[i];
        size_t len = strlen(one->path), tail = strlen(rest);

        if (strcmp(one->rule, rule) == 0 && strcmp(one->object, object) == 0 && len >= tail &&
            strcmp(one->path + len - tail, rest) == 0)
            return one;
    }
    return NULL;
}

static const char *all_of(const struct lint_findings *findings)
{
    const char *text = "";
    size_t i;

    for (i = 0; i < findings->count; i++)
        text = arena_printf(arena, "%s\n%s %s (%s): %s", text, findings->list[i].rule, findings->list[i].path,
                            findings->list[i].object, findings->list[i].message);
    return text;
}

/* Whoever follows the example must not be taught mistakes: what is said of it is on purpose (doc/operations.md). */
Test(domain_lint, of_the_example_only_what_is_explained_is_said)
{
    const struct lint_findings *findings = lint_of(NULL, 0);
    size_t i;

    cr_expect_eq(findings->errors, 0, "%s", all_of(findings));
    for (i = 0; i < findings->count; i++)
        cr_expect(strcmp(findings->list[i].rule, "weight_pinned") == 0 ||
                      (strcmp(findings->list[i].rule, "method_unrouted") == 0 && strstr(findings->list[i].message, "EUROSET")),
                  "%s", findings->list[i].message);
    cr_expect_eq(findings->count, 5, "%s", all_of(findings));
}

#define TERM_SET "term_set_hierarchy"
#define INSTITUTION "payment_institution"
#define ID(N) "{\"id\":" #N "}"
#define BOOKS "{\"id\":\"shop-acme-books\"}"

static const struct {
    bool is_error;
    const char *rule, *object, *path; /* the path's end */
    struct change changes[2];
} rows[] = {
    /* selectors */
    { true, "selector_never", "term_set_hierarchy 3", "/fees",
      { { TERM_SET, ID(3), TERMS "/fees", DECISIONS(DECISION(TRUST, "[]")) } } },
    { true, "selector_never", "term_set_hierarchy 3", "/fees", { { TERM_SET, ID(3), TERMS "/fees", DECISIONS("") } } },
    { true, "selector_never", "payment_institution 2", "/inspector",
      { { INSTITUTION, ID(2), "/data/inspector", DECISIONS(DECISION(LOCATION, ID(1))) } } },
    { true, "selector_never", "provider 1", "/cash_flow",
      { { "provider", ID(1), PROVISION "/cash_flow", DECISIONS(DECISION(TRUST, "[]") "," DECISION(YES, "[]")) } } },
    { true, "selector_open", "term_set_hierarchy 3", "/fees",
      { { TERM_SET, ID(3), TERMS "/fees", DECISIONS(DECISION(COST_IN(0, 5000), "[]")) } } },
    { false, "selector_open", "provider 3", "/cash_limit",
      { { "provider", ID(3), PROVISION "/cash_limit", DECISIONS(DECISION(COST_IN(0, 5000), RANGE(1, 5000))) } } },
    { true, "selector_undecided", "term_set_hierarchy 3", "/fees",
      { { TERM_SET, ID(3), TERMS "/fees", DECISIONS(DECISION(ISSUER, "[]") "," DECISION(YES, "[]")) } } },
    /* what stops payments in the middle */
    { true, "terms_missing", "term_set_hierarchy 1", "/term_set", { { TERM_SET, ID(1), TERMS "/refunds/payment_methods", NULL } } },
    { true, "terms_missing", "term_set_hierarchy 1", "/term_set",
      { { TERM_SET, ID(1), TERMS "/refunds/partial_refunds", "{}" } } },
    { false, "terms_missing", "term_set_hierarchy 1", "/term_set", { { TERM_SET, ID(1), TERMS "/refunds/fees", NULL } } },
    { true, "selector_open", "term_set_hierarchy 1", "/refunds/payment_methods",
      { { TERM_SET, ID(1), TERMS "/refunds/payment_methods", DECISIONS(DECISION(COST_IN(0, 5000), "[]")) } } },
    { true, "selector_open", "provider 1", "/turnover_limits",
      { { "provider", ID(1), PROVISION "/turnover_limits", DECISIONS(DECISION(COST_IN(0, 5000), "[]")) } } },
    { true, "selector_open", "globals", "/external_account_set",
      { { "globals", "{}", "/data/external_account_set", DECISIONS(DECISION(COST_IN(0, 5000), ID(1))) } } },
    { true, "terms_missing", "terminal 6", "/data", { { "terminal", ID(6), NULL, "{\"name\":\"T\",\"description\":\"\","
      "\"provider_ref\":{\"id\":3}}" }, { "provider", ID(3), PROVISION "/cash_flow", NULL } } },
    { true, "flow_empty", "terminal 5", "/data",
      { { TERM_SET, ID(3), TERMS "/fees", "{\"value\":[]}" }, { "provider", ID(3), PROVISION "/cash_flow", "{\"value\":[]}" } } },
    { true, "flow_large", "terminal 5", "/data",
      { { TERM_SET, ID(3), TERMS "/fees/value/0/volume", "{\"product\":{\"sum_of\":[{\"fixed\":{\"cash\":" CASH(999999999999999)
      "}},{\"fixed\":{\"cash\":" CASH(2) "}}]}}" } } },
    { true, "currency_other", "term_set_hierarchy 3", "/fees",
      { { TERM_SET, ID(3), TERMS "/fees/value/0/volume", "{\"fixed\":{\"cash\":{\"amount\":20,\"currency\":{\"symbolic_code\":"
      "\"USD\"}}}}" } } },
    { true, "limit_never", "shop_config shop-acme-books", "/turnover_limits",
      { { LIMIT, MONTHLY, "/data/context_type", "{\"withdrawal_processing\":{}}" } } },
    { true, "limit_never", "shop_config shop-acme-books", "/turnover_limits",
      { { LIMIT, MONTHLY, "/data/scopes", "[{\"terminal\":{}}]" } } },
    { true, "limit_never", "shop_config shop-acme-books", "/turnover_limits",
      { { LIMIT, MONTHLY, "/data/type", "{\"turnover\":{\"metric\":{\"amount\":{\"currency\":\"USD\"}}}}" } } },
    { true, "limit_never", "shop_config shop-acme-books", "/turnover_limits",
      { { LIMIT, MONTHLY, "/data/type", "{\"turnover\":{\"metric\":{\"amount\":{\"currency\":\"USD\"}}}}" },
        { LIMIT, MONTHLY, "/data/currency_conversion", "{}" } } },
    { true, "limit_never", "terminal 1", "/data",
      { { LIMIT, "{\"id\":\"provider-month-turnover\"}", "/data/scopes", "[{\"wallet\":{}}]" } } },
    { false, "limit_never", "terminal 1", "/data",
      { { LIMIT, "{\"id\":\"provider-month-turnover\"}", "/data/type", "{\"turnover\":{\"metric\":{\"amount\":{\"currency\":"
      "\"USD\"}}}}" } } },
    /* accounts */
    { true, "account_missing", "provider 3", "/data", { { "provider", ID(3), "/data/accounts", "{}" } } },
    { false, "account_missing", "provider 3", "/data", { { "provider", ID(3), PROVISION "/currencies", RUB_USD } } },
    { true, "account_missing", "system_account_set 1", "/data/accounts",
      { { "system_account_set", ID(1), "/data/accounts", "{\"USD\":{\"settlement\":1003}}" } } },
    { true, "account_missing", "system_account_set 1", "/data/accounts",
      { { "system_account_set", ID(1), "/data/accounts", "{\"RUB\":{\"settlement\":1001}}" },
        { TERM_SET, ID(3), TERMS "/fees", POSTING(SETTLEMENT, "{\"system\":\"subagent\"}") } } },
    { true, "account_missing", "external_account_set 2", "/data/accounts",
      { { "external_account_set", ID(2), "/data/accounts", "{\"RUB\":{\"income\":2003}}" } } },
    { true, "account_missing", "globals", "/external_account_set",
      { { "globals", "{}", "/data/external_account_set", DECISIONS("") } } },
    /* candidates and delegates */
    { false, "candidate_never", "routing_rules 2", RULES "/0", { { "routing_rules", ID(2), RULES "/0/allowed", NO } } },
    { true, "candidate_undecided", "routing_rules 2", RULES "/0",
      { { "routing_rules", ID(2), RULES "/0/allowed", LOCATION } } },
    { false, "candidate_undecided", "routing_rules 2", RULES "/0",
      { { "routing_rules", ID(2), RULES "/0/allowed", ISSUER } } },
    { true, "candidate_undecided", "routing_rules 100", RULES "/0",
      { { "routing_rules", ID(100), RULES "/0/allowed", LOCATION } } },
    { false, "candidate_prohibited", "routing_rules 3", RULES "/0",
      { { "routing_rules", ID(100), RULES "/0", CANDIDATE(YES, 5, "") } } },
    { false, "candidate_useless", "routing_rules 3", RULES "/0",
      { { "provider", ID(3), PROVISION "/currencies", USD } } },
    { false, "candidate_useless", "routing_rules 3", RULES "/0",
      { { "provider", ID(3), PROVISION "/categories", "{\"value\":[{\"id\":1}]}" } } },
    { false, "candidate_useless", "routing_rules 3", RULES "/0",
      { { "provider", ID(3), PROVISION "/payment_methods", "{\"value\":[]}" } } },
    { false, "candidate_useless", "routing_rules 3", RULES "/0",
      { { "provider", ID(3), PROVISION "/cash_limit", "{\"value\":" RANGE(100000001, 200000000) "}" } } },
    { false, "candidate_useless", "routing_rules 3", RULES "/0", { { "provider", ID(3), PROVISION "/allow", NO } } },
    { false, "candidate_useless", "routing_rules 3", RULES "/0", { { "provider", ID(3), "/data/terms", NULL } } },
    { false, "candidate_useless", "routing_rules 3", RULES "/0",
      { { TERM_SET, ID(1), TERMS "/refunds/payment_methods", "{\"value\":[{\"id\":{\"digital_wallet\":{\"id\":\"QIWI\"}}}]}" },
        { "provider", ID(3), PROVISION "/refunds", NULL } } },
    { false, "candidate_useless", "routing_rules 3", RULES "/0",
      { { "provider", ID(3), PROVISION "/risk_coverage", DECISIONS("") } } },
    { false, "delegate_shadowed", "routing_rules 1", "/delegates/1",
      { { "routing_rules", ID(1), "/data/decisions/delegates/0/allowed", YES } } },
    { false, "delegate_never", "routing_rules 1", "/delegates/0",
      { { "routing_rules", ID(1), "/data/decisions/delegates/0/allowed", NO } } },
    { true, "delegate_undecided", "routing_rules 1", "/delegates/0",
      { { "routing_rules", ID(1), "/data/decisions/delegates/0/allowed", LOCATION } } },
    { false, "delegate_undecided", "routing_rules 1", "/delegates/0",
      { { "routing_rules", ID(1), "/data/decisions/delegates/0/allowed", ISSUER } } },
    { false, "delegates_open", "routing_rules 1", "/delegates",
      { { "routing_rules", ID(1), "/data/decisions/delegates/2/allowed", COST_IN(0, 5000) } } },
    { true, "delegates_open", "routing_rules 1", "/delegates",
      { { "routing_rules", ID(1), "/data/decisions", "{\"delegates\":[" DELEGATE(NO, 2) "]}" } } },
    { false, "ruleset_unused", "routing_rules 4", "/routing_rules",
      { { "routing_rules", ID(1), "/data/decisions/delegates/1", DELEGATE(YES, 2) } } },
    { false, "terminal_unused", "terminal 4", "/terminal", { { "routing_rules", ID(2), RULES "/3", NULL } } },
    { false, "provider_unused", "provider 3", "/provider",
      { { "routing_rules", ID(3), RULES "/0", NULL }, { "routing_rules", ID(5), RULES "/1", NULL } } },
    /* weights */
    { false, "weight_alone", "routing_rules 2", RULES "/0", { { "routing_rules", ID(2), RULES "/0/weight", "5" } } },
    { false, "weight_alone", "routing_rules 2", RULES "/1", { { "routing_rules", ID(2), RULES "/2/priority", "999" } } },
    /* limits */
    { false, "limit_unused", "limit_config shop-month-turnover", "/limit_config",
      { { "shop_config", BOOKS, "/data/turnover_limits", NULL } } },
    /* shops */
    { true, "terms_missing", "term_set_hierarchy 1", "/term_set", { { TERM_SET, ID(1), TERMS, NULL } } },
    { true, "terms_missing", "term_set_hierarchy 1", "/term_set", { { TERM_SET, ID(1), TERMS "/fees", NULL } } },
    { true, "terms_missing", "term_set_hierarchy 1", "/term_set", { { TERM_SET, ID(1), TERMS "/payment_methods", NULL } } },
    { true, "terms_missing", "term_set_hierarchy 1", "/term_set", { { TERM_SET, ID(1), TERMS "/cash_limit", NULL } } },
    { true, "terms_missing", "terminal 5", "/data", { { "provider", ID(3), PROVISION "/cash_flow", NULL } } },
    { true, "methods_empty", "term_set_hierarchy 1", "/term_set",
      { { TERM_SET, ID(1), TERMS "/payment_methods", "{\"value\":[]}" } } },
    { true, "amount_never", "term_set_hierarchy 3", "/term_set",
      { { TERM_SET, ID(3), TERMS "/cash_limit", "{\"value\":" RANGE(5000, 5000) "}" } } },
    { false, "currency_not_in_terms", "term_set_hierarchy 1", "/term_set", { { TERM_SET, ID(1), TERMS "/currencies", USD } } },
    { false, "category_not_in_terms", "term_set_hierarchy 1", "/term_set",
      { { TERM_SET, ID(1), TERMS "/categories", "{\"value\":[{\"id\":1}]}" } } },
    { true, "route_never", "shop_config shop-acme-games", "/data",
      { { TERM_SET, ID(2), TERMS "/payment_methods", "{\"value\":[{\"id\":{\"payment_terminal\":{\"id\":\"EUROSET\"}}}]}" } } },
    { true, "route_never", "payment_institution 2", "/data",
      { { INSTITUTION, ID(2), "/data/payment_routing_rules", NULL } } },
    { true, "route_never", "shop_config shop-globex-travel", "/data",
      { { "routing_rules", ID(4), "/data/decisions", "{\"candidates\":[]}" },
        { "routing_rules", ID(3), "/data/decisions", "{\"candidates\":[]}" } } },
};

/* An operator trusts a clean bill: each mistake must be seen, at its place, and be as bad as it is. */
Test(domain_lint, each_mistake_is_found)
{
    const struct lint_findings *clean = lint_of(NULL, 0);
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        const struct lint_findings *findings = lint_of(rows[i].changes, SL_COUNT(rows[i].changes));
        const struct lint_finding *found = find(findings, rows[i].rule, rows[i].object, rows[i].path), *before;

        cr_expect_not_null(found, "row %zu: no %s at %s of %s in:%s", i, rows[i].rule, rows[i].path, rows[i].object,
                           all_of(findings));
        if (!found)
            continue;
        cr_expect_eq(found->is_error, rows[i].is_error, "row %zu: %s", i, found->message);
        before = find(clean, rows[i].rule, rows[i].object, rows[i].path);
        cr_expect(!before || before->is_error != found->is_error, "row %zu: it was there before", i);
    }
}

/* A tool that cries wolf is not read: these are right, though a hasty look might not see it. */
Test(domain_lint, what_is_right_is_left_alone)
{
    static const struct {
        const char *rule;
        struct change change;
    } fine[] = {
        /* tiers of amounts leave no gap, and end where the merchant's terms end */
        { "selector_open",
          { TERM_SET, ID(3), TERMS "/fees",
            DECISIONS(DECISION(COST_IN(1000, 5000), "[]") "," DECISION(COST_IN(5000, 100000000), "[]")) } },
        { "selector_undecided", { TERM_SET, ID(3), TERMS "/fees", DECISIONS(DECISION(YES, "[]") "," DECISION(ISSUER, "[]")) } },
        /* a condition on a wallet is decided for cards, and one on a party for everybody */
        { "delegates_open",
          { "routing_rules", ID(1), "/data/decisions/delegates/2/allowed",
            "{\"is_not\":{\"condition\":{\"party\":{\"party_ref\":{\"id\":\"party-globex\"}}}}}" } },
        { "candidate_undecided", { "routing_rules", ID(2), RULES "/0/allowed", "{\"any_of\":[" YES "," ISSUER "]}" } },
        { "candidate_undecided", { "routing_rules", ID(2), RULES "/0/allowed", "{\"all_of\":[" NO "," ISSUER "]}" } },
        { "selector_never", { INSTITUTION, ID(2), "/data/inspector", DECISIONS(DECISION(TRUST, ID(1)) "," DECISION(YES, ID(2))) } },
        /* the third candidate of the priority has no pin, so weights count again */
        { "weight_pinned", { "routing_rules", ID(2), RULES "/3", CANDIDATE(YES, 4, ",\"priority\":1000") } },
        { "candidate_prohibited", { "routing_rules", ID(100), RULES "/0", CANDIDATE(COST_IN(0, 5000), 5, "") } },
    };
    size_t i, j;

    for (i = 0; i < SL_COUNT(fine); i++) {
        const struct lint_findings *findings = lint_of(&fine[i].change, 1);

        for (j = 0; j < findings->count; j++)
            cr_expect_str_neq(findings->list[j].rule, fine[i].rule, "row %zu: %s: %s", i, findings->list[j].path,
                              findings->list[j].message);
    }
}

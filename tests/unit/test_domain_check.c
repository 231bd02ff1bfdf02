/* Documents with faults: each is refused, by its place. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "domain/url.h"
#include "support/domain_doc.h"

static struct arena *arena;

static void open_arena(void)
{
    arena = arena_new();
}

static void close_arena(void)
{
    arena_free(arena);
}

TestSuite(domain_check, .init = open_arena, .fini = close_arena);

#define BODY "{\"fixed\":{\"cash\":{\"amount\":1,\"currency\":{\"symbolic_code\":\"RUB\"}}}}"

#define FEE "/data/term_set/payments/fees/value/0"
#define SHARE(P, Q, OF) "{\"share\":{\"parts\":{\"p\":" P ",\"q\":" Q "},\"of\":\"" OF "\"}}"

/* One change to the example each, and the fault that it must make. */
static const struct {
    const char *kind, *ref;
    const char *path, *value; /* what is set; NULL removes */
    const char *place;        /* of the fault, from the object on; NULL: PATH */
    const char *message;      /* a part of it */
} rows[] = {
    /* references that lead nowhere, one for each kind of object */
    { "terminal", "{\"id\":1}", "/data/provider_ref", "{\"id\":9}", NULL, "no provider 9" },
    { "provider", "{\"id\":1}", "/data/proxy/ref", "{\"id\":9}", NULL, "no proxy 9" },
    { "inspector", "{\"id\":1}", "/data/proxy/ref", "{\"id\":9}", NULL, "no proxy 9" },
    { "payment_institution", "{\"id\":2}", "/data/system_account_set", "{\"value\":{\"id\":9}}",
      "/data/system_account_set/value", "no system_account_set 9" },
    { "payment_institution", "{\"id\":1}", "/data/inspector", "{\"value\":{\"id\":9}}", "/data/inspector/value",
      "no inspector 9" },
    { "payment_institution", "{\"id\":2}", "/data/payment_routing_rules/policies", "{\"id\":9}", NULL, "no routing_rules 9" },
    { "globals", "{}", "/data/external_account_set/decisions/1/then_/value", "{\"id\":9}", NULL, "no external_account_set 9" },
    { "globals", "{}", "/data/payment_institutions/1", "{\"id\":9}", NULL, "no payment_institution 9" },
    { "routing_rules", "{\"id\":2}", "/data/decisions/candidates/0/terminal", "{\"id\":9}", NULL, "no terminal 9" },
    { "routing_rules", "{\"id\":1}", "/data/decisions/delegates/0/ruleset", "{\"id\":9}", NULL, "no routing_rules 9" },
    { "routing_rules", "{\"id\":2}", "/data/decisions/candidates/3/allowed/is_not/criterion", "{\"id\":9}", NULL,
      "no criterion 9" },
    { "shop_config", "{\"id\":\"shop-acme-books\"}", "/data/party_ref", "{\"id\":\"nobody\"}", NULL, "no party_config nobody" },
    { "shop_config", "{\"id\":\"shop-acme-books\"}", "/data/category", "{\"id\":9}", NULL, "no category 9" },
    { "shop_config", "{\"id\":\"shop-acme-books\"}", "/data/terms", "{\"id\":9}", NULL, "no term_set_hierarchy 9" },
    { "shop_config", "{\"id\":\"shop-acme-books\"}", "/data/payment_institution", "{\"id\":9}", NULL,
      "no payment_institution 9" },
    { "shop_config", "{\"id\":\"shop-acme-books\"}", "/data/account/currency", "{\"symbolic_code\":\"EUR\"}", NULL,
      "no currency EUR" },
    { "shop_config", "{\"id\":\"shop-acme-books\"}", "/data/turnover_limits/0/ref", "{\"id\":\"none\"}", NULL,
      "no limit_config none" },
    { "term_set_hierarchy", "{\"id\":2}", "/data/parent_terms", "{\"id\":9}", NULL, "no term_set_hierarchy 9" },
    { "term_set_hierarchy", "{\"id\":1}", "/data/term_set/payments/payment_methods/value/4/id/digital_wallet",
      "{\"id\":\"NONE\"}", NULL, "no payment_service NONE" },
    { "term_set_hierarchy", "{\"id\":1}", "/data/term_set/payments/payment_methods/value/0/id/bank_card/payment_token",
      "{\"id\":\"APPLEPAY\"}", "/data/term_set/payments/payment_methods/value/0", "no payment_method" },
    { "payment_method", "{\"id\":{\"payment_terminal\":{\"id\":\"EUROSET\"}}}", "/ref/id/payment_terminal",
      "{\"id\":\"NONE\"}", NULL, "no payment_service NONE" },
    { "terminal", "{\"id\":2}", "/data/terms/payments/turnover_limits/value/0/ref", "{\"id\":\"none\"}", NULL,
      "no limit_config none" },
    { "criterion", "{\"id\":1}", "/data/predicate/condition/payment_tool/bank_card/definition",
      "{\"issuer_bank_is\":{\"id\":9}}", "/data/predicate/condition/payment_tool/bank_card/definition/issuer_bank_is",
      "no bank 9" },
    { "criterion", "{\"id\":1}", "/data/predicate/condition/payment_tool/bank_card/definition",
      "{\"category_is\":{\"id\":9}}", "/data/predicate/condition/payment_tool/bank_card/definition/category_is",
      "no bank_card_category 9" },
    { "criterion", "{\"id\":1}", "/data/predicate", "{\"condition\":{\"party\":{\"party_ref\":{\"id\":\"nobody\"}}}}",
      "/data/predicate/condition/party/party_ref", "no party_config nobody" },
    { "criterion", "{\"id\":1}", "/data/predicate",
      "{\"condition\":{\"party\":{\"party_ref\":{\"id\":\"party-acme\"},\"definition\":{\"shop_is\":{\"id\":\"none\"}}}}}",
      "/data/predicate/condition/party/definition/shop_is", "no shop_config none" },
    /* circles */
    { "term_set_hierarchy", "{\"id\":1}", "/data/parent_terms", "{\"id\":1}", NULL, "circle" },
    { "criterion", "{\"id\":2}", "/data/predicate", "{\"is_not\":{\"criterion\":{\"id\":2}}}",
      "/data/predicate/is_not/criterion", "circle back to criterion 2" },
    { "routing_rules", "{\"id\":1}", "/data/decisions/delegates/2/ruleset", "{\"id\":1}", NULL, "circle" },
    /* what spans objects otherwise */
    { "terminal", "{\"id\":5}", "/data/provider_ref", NULL, "", NULL }, /* seen at the candidates, below */
    { "system_account_set", "{\"id\":1}", "/data/accounts/EUR", "{\"settlement\":77}", NULL, "no currency EUR" },
    { "system_account_set", "{\"id\":1}", "/data/accounts/a~b", "{\"settlement\":77}", "/data/accounts/a~0b", "no currency" },
    { "external_account_set", "{\"id\":1}", "/data/accounts/EUR", "{\"income\":77}", NULL, "no currency EUR" },
    { "provider", "{\"id\":1}", "/data/accounts/EUR", "{\"settlement\":77}", NULL, "no currency EUR" },
    { "provider", "{\"id\":1}", "/data/accounts/USD", "{\"settlement\":4001}", "/data", "account 4001 is used in two" },
    { "currency", "{\"symbolic_code\":\"USD\"}", "/data/symbolic_code", "\"RUB\"", NULL, "must be the reference's own" },
    { "currency", "{\"symbolic_code\":\"USD\"}", "/data/rates", "{\"EUR\":{\"p\":1,\"q\":1}}", "/data/rates/EUR",
      "no currency EUR" },
    { "currency", "{\"symbolic_code\":\"USD\"}", "/data/rates", "{\"RUB\":{\"p\":-1,\"q\":1}}", NULL, "positive" },
    { "globals", "{}", "/data/exchange_factors", "{\"DEFAULT\":{\"p\":0,\"q\":1}}", NULL, "positive" },
    { "limit_config", "{\"id\":\"card-day-count\"}", "/data/type", "{\"turnover\":{\"metric\":{\"amount\":{\"currency\":\"EUR\"}}}}",
      "/data/type/turnover/metric/amount/currency", "no currency EUR" },
    /* what no new document may have, though older ones do: money that flows the wrong way, or to whom it does not belong */
    { "term_set_hierarchy", "{\"id\":2}", FEE "/volume", SHARE("-1", "10", "operation_amount"), FEE "/volume/share/parts",
      "must not be negative" },
    { "term_set_hierarchy", "{\"id\":2}", FEE "/volume", SHARE("1", "-10", "operation_amount"), FEE "/volume/share/parts",
      "must not be negative" },
    { "term_set_hierarchy", "{\"id\":2}", FEE "/volume", SHARE("11", "10", "operation_amount"), FEE "/volume/share/parts",
      "more than the whole" },
    { "term_set_hierarchy", "{\"id\":2}", FEE "/volume", SHARE("1", "10", "surplus"), FEE "/volume/share/of", "no surplus" },
    { "term_set_hierarchy", "{\"id\":2}", FEE "/volume", "{\"product\":{\"max_of\":[" SHARE("-1", "10", "operation_amount") "]}}",
      FEE "/volume/product/max_of/0/share/parts", "must not be negative" },
    { "term_set_hierarchy", "{\"id\":2}", FEE "/volume", "{\"product\":{\"sum_of\":[]}}", FEE "/volume/product/sum_of",
      "must not be empty" },
    { "term_set_hierarchy", "{\"id\":2}", FEE "/volume",
      "{\"product\":{\"sum_of\":[" BODY ",{\"fixed\":{\"cash\":{\"amount\":1,\"currency\":{\"symbolic_code\":\"USD\"}}}}]}}",
      FEE "/volume/product/sum_of", "one currency" },
    { "term_set_hierarchy", "{\"id\":1}", "/data/term_set/payments/refunds/fees/value/0/volume/fixed/cash/amount", "-1", NULL,
      "must not be negative" },
    { "provider", "{\"id\":2}", "/data/terms/payments/chargebacks/fees/value/fees/surplus/fixed/cash/amount", "-1", NULL,
      "must not be negative" },
    { "term_set_hierarchy", "{\"id\":2}", FEE "/source", "{\"merchant\":\"payout\"}", NULL, "no account" },
    { "term_set_hierarchy", "{\"id\":2}", FEE "/destination", "{\"wallet\":\"sender_source\"}", NULL, "no account" },
    { "term_set_hierarchy", "{\"id\":2}", FEE "/source", "{\"system\":\"settlement\"}", FEE "/destination", "another account" },
    { "shop_config", "{\"id\":\"shop-acme-games\"}", "/data/account/settlement", "3001", NULL, "that of shop_config shop-acme-books" },
    { "shop_config", "{\"id\":\"shop-acme-games\"}", "/data/account/guarantee", "3003", NULL, "that of shop_config shop-acme-games" },
    { "shop_config", "{\"id\":\"shop-acme-games\"}", "/data/account/settlement", "1001", NULL, "that of system_account_set 1" },
    { "shop_config", "{\"id\":\"shop-acme-games\"}", "/data/account/settlement", "2004", NULL, "that of external_account_set 2" },
    { "provider", "{\"id\":2}", "/data/accounts/RUB/settlement", "4001", NULL, "that of provider 1" },
    { "system_account_set", "{\"id\":1}", "/data/accounts/RUB/subagent", "1001", NULL, "that of system_account_set 1" },
    { "terminal", "{\"id\":2}", "/data/terms/payments/turnover_limits/value/1/domain_revision", NULL, NULL, "is required" },
    { "provider", "{\"id\":1}", "/data/terms/payments/turnover_limits/value/0/domain_revision", "0", NULL, "numbered from 1" },
    { "shop_config", "{\"id\":\"shop-acme-books\"}", "/data/turnover_limits/0/domain_revision", NULL, NULL, "is required" },
    /* shapes: fields missing, unknown, out of range */
    { "terminal", "{\"id\":1}", "/data/name", NULL, NULL, "required" },
    { "terminal", "{\"id\":1}", "/data/colour", "\"red\"", NULL, "" },
    { "terminal", "{\"id\":1}", "/extra", "1", NULL, "not a known field" },
    { "terminal", "{\"id\":1}", "/a~1b", "1", "/a~01b", "not a known field" },
    { "terminal", "{\"id\":1}", "/data", NULL, NULL, "required" },
    { "terminal", "{\"id\":1}", "/ref", NULL, NULL, "required" },
    { "terminal", "{\"id\":1}", "/ref", "{\"id\":0}", "/ref/id", "" },
    { "terminal", "{\"id\":1}", "/ref", "{\"id\":\"1\"}", "/ref/id", "" },
    { "party_config", "{\"id\":\"party-acme\"}", "/ref", "{\"id\":\"a b\"}", "/ref/id", "" },
    { "criterion", "{\"id\":1}", "/data/predicate", "{\"condition\":{\"identification_level_is\":\"full\"}}",
      "/data/predicate/condition/identification_level_is", "not a known" },
    { "criterion", "{\"id\":1}", "/data/predicate", "{\"condition\":{\"cost_is_multiple_of\":{\"amount\":0,\"currency\":"
      "{\"symbolic_code\":\"RUB\"}}}}", "/data/predicate/condition/cost_is_multiple_of", "must not have the amount 0" },
    { "criterion", "{\"id\":1}", "/data/predicate", "{\"constant\":true,\"is_not\":{\"constant\":true}}", "/data/predicate", "" },
    { "criterion", "{\"id\":1}", "/data/predicate", "{\"condition\":{\"bin_data\":{\"bank_name\":{\"like\":\"x\"}}}}",
      "/data/predicate/condition/bin_data/bank_name/like", "" },
    { "term_set_hierarchy", "{\"id\":2}", "/data/term_set/payments/attempt_limit", "{\"value\":{\"attempts\":0}}",
      "/data/term_set/payments/attempt_limit/value/attempts", "" },
    { "term_set_hierarchy", "{\"id\":2}", "/data/term_set/payments/fees", "{\"value\":[],\"decisions\":[]}",
      "/data/term_set/payments/fees", "" },
    { "term_set_hierarchy", "{\"id\":2}", "/data/term_set/payments/fees/value/0/volume",
      "{\"share\":{\"parts\":{\"p\":1,\"q\":0},\"of\":\"operation_amount\"}}",
      "/data/term_set/payments/fees/value/0/volume/share/parts", "q must not be 0" },
    { "term_set_hierarchy", "{\"id\":2}", "/data/term_set/payments/fees/value/0/volume",
      "{\"share\":{\"parts\":{\"p\":1,\"q\":1},\"of\":\"payment_amount\"}}",
      "/data/term_set/payments/fees/value/0/volume/share/of", "" },
    { "term_set_hierarchy", "{\"id\":2}", "/data/term_set/payments/fees/value/0/source", "{\"bank\":\"settlement\"}",
      "/data/term_set/payments/fees/value/0/source/bank", "" },
    { "provider", "{\"id\":2}", "/data/terms/payments/chargebacks/fees/value/fees/other", BODY,
      "/data/terms/payments/chargebacks/fees/value/fees", "surplus" },
    { "provider", "{\"id\":1}", "/data/accounts/RUB/settlement", "0", NULL, "" },
    { "provider", "{\"id\":1}", "/data/accounts/RUB/settlement", "1.5", NULL, "" },
    { "provider", "{\"id\":1}", "/data/cascade_behaviour", "{\"sometimes\":{}}", "/data/cascade_behaviour/sometimes", "" },
    { "provider", "{\"id\":1}", "/data/realm", "\"lively\"", NULL, "" },
    { "limit_config", "{\"id\":\"card-day-count\"}", "/data/processor_type", "\"Other\"", NULL, "" },
    { "limit_config", "{\"id\":\"card-day-count\"}", "/data/time_range_type", "{\"interval\":{\"amount\":5}}", NULL,
      "not supported" },
    { "limit_config", "{\"id\":\"card-day-count\"}", "/data/time_range_type", "{\"calendar\":{\"hour\":{}}}",
      "/data/time_range_type/calendar/hour", "" },
    { "limit_config", "{\"id\":\"card-day-count\"}", "/data/shard_size", "0", NULL, "" },
    { "limit_config", "{\"id\":\"card-day-count\"}", "/data/started_at", NULL, NULL, "required" },
    { "limit_config", "{\"id\":\"card-day-count\"}", "/data/scopes", "[{\"party\":{}},{\"party\":{}}]", "/data/scopes/1", "same" },
    { "limit_config", "{\"id\":\"card-day-count\"}", "/data/scopes", "[{\"planet\":{}}]", "/data/scopes/0/planet", "" },
    { "routing_rules", "{\"id\":2}", "/data/decisions/candidates/1/weight", "-1", NULL, "" },
    { "routing_rules", "{\"id\":2}", "/data/decisions/candidates/1/pin/features", "[\"party\"]",
      "/data/decisions/candidates/1/pin/features/0", "" },
    { "routing_rules", "{\"id\":2}", "/data/decisions/delegates", "[]", "/data/decisions", "" },
    { "party_config", "{\"id\":\"party-acme\"}", "/data/block", "{\"unblocked\":{\"reason\":\"\",\"since\":\"yesterday\"}}",
      "/data/block/unblocked/since", "" },
    { "shop_config", "{\"id\":\"shop-acme-books\"}", "/data/location", NULL, NULL, "required" },
    { "proxy", "{\"id\":1}", "/data/options", "{\"a\":1}", "/data/options/a", "" },
    /* addresses that no call could reach */
    { "proxy", "{\"id\":1}", "/data/url", "\"\"", NULL, "" },
    { "proxy", "{\"id\":1}", "/data/url", "\"ftp://bank\"", NULL, "http:// or https://" },
    { "proxy", "{\"id\":1}", "/data/url", "\"bank/provider\"", NULL, "http:// or https://" },
    { "proxy", "{\"id\":1}", "/data/url", "\"http://bank/a b\"", NULL, "escape" },
    { "proxy", "{\"id\":1}", "/data/url", "\"http://bank/%2x\"", NULL, "escape" },
    { "proxy", "{\"id\":1}", "/data/url", "\"http://bank\\r\\nX-Y: z\"", NULL, "escape" },
    { "proxy", "{\"id\":1}", "/data/url", "\"http://u:p@bank/\"", NULL, "user" },
    { "proxy", "{\"id\":1}", "/data/url", "\"http://bank/?a=b\"", NULL, "query" },
    { "proxy", "{\"id\":1}", "/data/url", "\"http://bank/#a\"", NULL, "fragment" },
    { "proxy", "{\"id\":1}", "/data/url", "\"http:///provider\"", NULL, "host" },
    { "proxy", "{\"id\":1}", "/data/url", "\"http://[]/\"", NULL, "host" },
    { "proxy", "{\"id\":1}", "/data/url", "\"http://[::1/\"", NULL, "host" },
    { "proxy", "{\"id\":1}", "/data/url", "\"http://[::1]x/\"", NULL, "host" },
    { "proxy", "{\"id\":1}", "/data/url", "\"http://bank:/\"", NULL, "port" },
    { "proxy", "{\"id\":1}", "/data/url", "\"http://bank:0/\"", NULL, "port" },
    { "proxy", "{\"id\":1}", "/data/url", "\"http://bank:65536\"", NULL, "port" },
    { "proxy", "{\"id\":1}", "/data/url", "\"http://bank:99999999999999999999/\"", NULL, "port" },
    { "proxy", "{\"id\":1}", "/data/url", "\"http://bank:80x/\"", NULL, "port" },
    { "proxy", "{\"id\":1}", "/data/url", "\"builtin:\"", NULL, "builtin" },
};

static bool has_error(const struct type_errors *errors, const char *path, const char *message)
{
    size_t i;

    for (i = 0; i < errors->count; i++) {
        if (strcmp(errors->list[i].path, path) == 0 && strstr(errors->list[i].message, message))
            return true;
    }
    return false;
}

static const char *all_errors(const struct type_errors *errors)
{
    struct buf text = BUF_EMPTY;
    const char *result;
    size_t i;

    for (i = 0; i < errors->count; i++)
        buf_printf(&text, "\n  %s: %s", errors->list[i].path, errors->list[i].message);
    result = arena_strdup(arena, buf_text(&text));
    buf_clear(&text);
    return result;
}

/* Addresses that are in use must stay so: a document that has one would be refused. */
Test(domain_check, takes_every_address_that_can_be_called)
{
    static const char *const urls[] = {
        "http://127.0.0.1:8090/provider", "https://bank.example", "http://[::1]:80/x", "HTTP://Bank_1.example:65535/",
        "https://bank.example/a%20b/~c", "builtin:approve", "builtin:risk-low",
    };
    size_t i;

    for (i = 0; i < SL_COUNT(urls); i++)
        cr_assert(!url_fault(urls[i]), "%s: %s", urls[i], url_fault(urls[i]));
}

/* Payments that are under way are worked by documents that were committed before a rule was made. */
Test(domain_check, what_was_committed_before_a_rule_stays_readable)
{
    json_t *doc = doc_load();
    struct type_errors errors = { .count = 0 };
    struct domain *domain = NULL;
    char *text;

    doc_set(doc, "term_set_hierarchy", "{\"id\":2}", FEE "/volume", SHARE("-1", "10", "operation_amount"));
    doc_set(doc, "provider", "{\"id\":2}", "/data/accounts/RUB/settlement", "4001");
    doc_set(doc, "shop_config", "{\"id\":\"shop-acme-books\"}", "/data/turnover_limits/0/domain_revision", NULL);
    text = json_dumps(doc, JSON_COMPACT);
    json_decref(doc);
    cr_assert_eq(domain_parse(text, strlen(text), arena, &domain, &errors), SL_OK);
    domain_free(domain);
    cr_assert_eq(domain_parse_new(text, strlen(text), arena, &domain, &errors), SL_EINVAL);
    cr_assert_eq(errors.count, 3);
    free(text);
}

/* An account may stand in several sets of the system's, or of the world outside: it is theirs in all of them. */
Test(domain_check, sets_of_one_owner_share_accounts)
{
    json_t *doc = doc_load();

    doc_set(doc, "external_account_set", "{\"id\":2}", "/data/accounts/RUB/outcome", "2002");
    domain_free(doc_domain_take(doc, arena));
}

/* What gets past this check fails in the middle of somebody's payment. */
Test(domain_check, names_the_place_of_every_fault)
{
    struct domain *domain;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct type_errors errors = { .count = 0 };
        json_t *doc = doc_load();
        const char *place = arena_printf(arena, "/objects/%zu/%s%s", doc_index(doc, rows[i].kind, rows[i].ref), rows[i].kind,
                                         rows[i].place ? rows[i].place : rows[i].path);

        doc_set(doc, rows[i].kind, rows[i].ref, rows[i].path, rows[i].value);
        cr_assert_eq(doc_parse_take(doc, arena, &domain, &errors), SL_EINVAL, "row %zu: %s was taken", i, place);
        if (rows[i].message)
            cr_expect(has_error(&errors, place, rows[i].message), "row %zu: wanted %s: %s, got%s", i, place,
                      rows[i].message, all_errors(&errors));
    }
}

/* A terminal without a provider is fine until somebody routes over it. */
Test(domain_check, candidates_need_a_provider)
{
    struct type_errors errors = { .count = 0 };
    json_t *doc = doc_load();
    struct domain *domain;
    size_t wallets = doc_index(doc, "routing_rules", "{\"id\":3}"), sandbox = doc_index(doc, "routing_rules", "{\"id\":5}");

    doc_set(doc, "terminal", "{\"id\":5}", "/data/provider_ref", NULL);
    cr_assert_eq(doc_parse_take(doc, arena, &domain, &errors), SL_EINVAL);
    cr_expect_eq(errors.count, 2, "both rulesets that use it:%s", all_errors(&errors));
    cr_expect(has_error(&errors, arena_printf(arena, "/objects/%zu/routing_rules/data/decisions/candidates/0/terminal", wallets),
                        "terminal 5 names no provider"));
    cr_expect(has_error(&errors, arena_printf(arena, "/objects/%zu/routing_rules/data/decisions/candidates/1/terminal", sandbox),
                        "terminal 5 names no provider"));
    errors.count = 0;
    doc = doc_load();
    doc_add(doc, "terminal", "{\"id\":6}", "{\"name\":\"idle\"}");
    domain = doc_domain_take(doc, arena);
    cr_expect_null(domain_terminal(domain, 6)->effective);
    domain_free(domain);
}

/* An operator corrects all faults in one go, whatever kind each is of. */
Test(domain_check, lists_faults_of_all_kinds_together)
{
    struct type_errors errors = { .count = 0 };
    json_t *doc = doc_load();
    struct domain *domain;

    doc_set(doc, "terminal", "{\"id\":1}", "/data/name", NULL);                                /* shape */
    doc_set(doc, "terminal", "{\"id\":2}", "/data/provider_ref", "{\"id\":9}");                /* reference */
    doc_set(doc, "criterion", "{\"id\":2}", "/data/predicate", "{\"criterion\":{\"id\":2}}");  /* circle */
    doc_set(doc, "provider", "{\"id\":1}", "/data/accounts/EUR", "{\"settlement\":77}");       /* currency */
    json_object_set_new(doc, "colour", json_true());                                           /* head */
    cr_assert_eq(doc_parse_take(doc, arena, &domain, &errors), SL_EINVAL);
    cr_expect_eq(errors.count, 5, "no more, no less:%s", all_errors(&errors));
}

/* Two circles of several objects; each is said once, at the reference that closes it. */
Test(domain_check, finds_circles_of_several_objects)
{
    struct type_errors errors = { .count = 0 };
    json_t *doc = doc_load();
    struct domain *domain;

    doc_set(doc, "term_set_hierarchy", "{\"id\":1}", "/data/parent_terms", "{\"id\":3}"); /* 3 -> 1 -> 3 */
    doc_set(doc, "routing_rules", "{\"id\":3}", "/data/decisions",
            "{\"delegates\":[{\"allowed\":{\"constant\":true},\"ruleset\":{\"id\":1}}]}"); /* 1 -> 3 -> 1 */
    cr_assert_eq(doc_parse_take(doc, arena, &domain, &errors), SL_EINVAL);
    cr_expect_eq(errors.count, 2, "%s", all_errors(&errors));
}

/* One reference may stand for one object only; two ways to write one card method are one. */
Test(domain_check, refuses_a_reference_twice)
{
    static const struct {
        const char *kind, *ref, *data;
        bool is_refused;
    } twins[] = {
        { "terminal", "{\"id\":1}", "{\"name\":\"again\"}", true },
        { "globals", "{}", "{}", true },
        { "payment_method", "{\"id\":{\"bank_card\":{\"payment_system\":{\"id\":\"VISA\"}}}}", "{\"name\":\"Visa\"}", true },
        { "calendar", "{\"id\":1}", "{\"anything\":[1,null,2.5]}", false },
        { "country", "{\"id\":\"RUS\"}", "{\"name\":\"again\"}", true },
        { "trade_bloc", "{\"id\":\"RUS\"}", "{\"name\":\"of another kind\"}", false },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(twins); i++) {
        struct type_errors errors = { .count = 0 };
        json_t *doc = doc_load();
        size_t count = json_array_size(json_object_get(doc, "objects"));
        struct domain *domain = NULL;

        doc_add(doc, twins[i].kind, twins[i].ref, twins[i].data);
        cr_assert_eq(doc_parse_take(doc, arena, &domain, &errors), twins[i].is_refused ? SL_EINVAL : SL_OK, "row %zu:%s", i,
                     all_errors(&errors));
        if (twins[i].is_refused)
            cr_expect(has_error(&errors, arena_printf(arena, "/objects/%zu/%s/ref", count, twins[i].kind), "too"), "row %zu", i);
        else
            domain_free(domain);
    }
}

/* Whole documents that are none. */
Test(domain_check, refuses_what_is_no_document)
{
    static const struct {
        const char *text, *path;
    } documents[] = {
        { "", "" },
        { "{", "" },
        { "[]", "" },
        { "{}", "/objects" },
        { "{\"objects\":{}}", "/objects" },
        { "{\"objects\":[],\"objects\":[]}", "" },
        { "{\"objects\":[]} x", "" },
        { "{\"version\":-1,\"objects\":[]}", "/version" },
        { "{\"version\":1.0,\"objects\":[]}", "/version" },
        { "{\"created_at\":\"now\",\"objects\":[]}", "/created_at" },
        { "{\"author\":{\"email\":\"x\"},\"objects\":[]}", "/author/name" },
        { "{\"a/b\":1,\"objects\":[]}", "/a~1b" },
        { "{\"objects\":[1]}", "/objects/0" },
        { "{\"objects\":[{}]}", "/objects/0" },
        { "{\"objects\":[{\"bank\":{},\"proxy\":{}}]}", "/objects/0" },
        { "{\"objects\":[{\"foo\":{}}]}", "/objects/0/foo" },
        { "{\"objects\":[{\"f/o\":{}}]}", "/objects/0/f~1o" },
        { "{\"objects\":[{\"bank\":1}]}", "/objects/0/bank" },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(documents); i++) {
        struct type_errors errors = { .count = 0 };
        struct domain *domain;

        cr_assert_eq(domain_parse(documents[i].text, strlen(documents[i].text), arena, &domain, &errors), SL_EINVAL, "%s",
                     documents[i].text);
        cr_expect_str_eq(errors.list[0].path, documents[i].path, "%s", documents[i].text);
    }
}

/* Criteria 1000 on, each of which names the next one PER_OBJECT times; BACKWARDS: the last one stands first. */
static void chain(json_t *doc, int count, int per_object, bool backwards)
{
    int at, i, j;

    for (at = 0; at < count; at++) {
        struct buf data = BUF_EMPTY;

        i = backwards ? count - 1 - at : at;
        buf_str(&data, "{\"name\":\"link\",\"predicate\":{\"all_of\":[");
        for (j = 0; j < per_object && i + 1 < count; j++)
            buf_printf(&data, "%s{\"criterion\":{\"id\":%d}}", j ? "," : "", 1000 + i + 1);
        buf_str(&data, "]}}");
        doc_add(doc, "criterion", arena_printf(arena, "{\"id\":%d}", 1000 + i), buf_text(&data));
        buf_clear(&data);
    }
}

/* A document of long chains or of criteria that multiply must not take the daemon's stack or its time. */
Test(domain_check, bounds_chains_and_their_cost)
{
    static const struct {
        int count, per_object;
        bool backwards;
        const char *message; /* NULL: fine */
    } chains[] = {
        { 64, 1, false, NULL },        { 64, 1, true, NULL },        { 65, 1, false, "chain" },   { 65, 1, true, "chain" },
        { 5000, 1, false, "chain" },   { 5000, 1, true, "chain" },   { 10, 2, false, NULL },      { 10, 2, true, NULL },
        { 40, 2, false, "more than" }, { 40, 2, true, "more than" }, { 60, 9, true, "more than" },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(chains); i++) {
        struct type_errors errors = { .count = 0 };
        struct domain *domain = NULL;
        json_t *doc = doc_load();
        enum sl_err err;

        chain(doc, chains[i].count, chains[i].per_object, chains[i].backwards);
        err = doc_parse_take(doc, arena, &domain, &errors);
        cr_expect_eq(err == SL_OK, chains[i].message == NULL, "row %zu:%s", i, all_errors(&errors));
        if (chains[i].message && errors.count)
            cr_expect(strstr(errors.list[0].message, chains[i].message), "row %zu:%s", i, all_errors(&errors));
        if (err == SL_OK)
            domain_free(domain);
    }
}

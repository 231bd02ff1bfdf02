/* Conditions and predicates: true, false, or unknown while a fact is missing. */
#include <criterion/criterion.h>
#include <string.h>

#include "domain/reduce.h"
#include "support/domain_doc.h"

#define CASH(AMOUNT, CODE) "{\"amount\":" #AMOUNT ",\"currency\":{\"symbolic_code\":\"" CODE "\"}}"
#define COND(BODY) "{\"condition\":{" BODY "}}"
#define TOOL(BODY) COND("\"payment_tool\":{" BODY "}")
#define CARD(DEFINITION) TOOL("\"bank_card\":{\"definition\":{" DEFINITION "}}")
#define TRUE "{\"constant\":true}"
#define FALSE "{\"constant\":false}"
#define UNKNOWN COND("\"trust_level_is\":\"well_known\"")
#define LOCATION COND("\"shop_location_is\":{\"url\":\"https://x\"}")
#define CATEGORY(ID) COND("\"category_is\":{\"id\":" #ID "}")
#define RANGE(LOWER, UPPER, CODE) \
    COND("\"cost_in\":{\"lower\":{\"inclusive\":" CASH(LOWER, CODE) "},\"upper\":{\"exclusive\":" CASH(UPPER, CODE) "}}")

#define BARE_CARD "\"token\":\"t\",\"bin\":\"424242\",\"last_digits\":\"4242\""
#define CARD_TOOL(MORE) "{\"bank_card\":{" BARE_CARD MORE "}}"
#define VISA_RUS CARD_TOOL(",\"payment_system\":{\"id\":\"VISA\"},\"issuer_country\":\"RUS\"")
#define APPLE CARD_TOOL(",\"payment_system\":{\"id\":\"VISA\"},\"payment_token\":{\"id\":\"APPLEPAY\"},\"tokenization_method\":\"dpan\"")
#define QIWI "{\"digital_wallet\":{\"payment_service\":{\"id\":\"QIWI\"},\"id\":\"7900\"}}"
/* {"a":{"b":"yes","n":1}} */
#define CONTENT "eyJhIjp7ImIiOiJ5ZXMiLCJuIjoxfX0="
#define GENERIC(MIME, DATA) \
    "{\"generic\":{\"payment_service\":{\"id\":\"QIWI\"},\"data\":{\"type\":\"" MIME "\",\"data\":\"" DATA "\"}}}"
#define FIELD(PATH, VALUE) TOOL("\"generic\":{\"resource_field_matches\":{\"field_path\":[" PATH "],\"value\":\"" VALUE "\"}}")

static struct arena *arena;
static struct domain *domain;
static struct cash cost = { 42000, { "RUB" } };

static void open_domain(void)
{
    json_t *doc = doc_load();

    doc_add(doc, "criterion", "{\"id\":50}",
            "{\"name\":\"half\",\"predicate\":{\"all_of\":[" CATEGORY(2) "," UNKNOWN "]}}");
    doc_add(doc, "criterion", "{\"id\":51}", "{\"name\":\"open\",\"predicate\":" UNKNOWN "}");
    doc_add(doc, "bank", "{\"id\":50}", "{\"name\":\"no patterns\",\"bins\":[\"424242\"]}");
    arena = arena_new();
    domain = doc_domain_take(doc, arena);
}

static void close_domain(void)
{
    domain_free(domain);
    arena_free(arena);
}

TestSuite(predicate, .init = open_domain, .fini = close_domain);

static const char *const tri_names[] = { [TRI_FALSE] = "false", [TRI_TRUE] = "true", [TRI_UNKNOWN] = "?" };

static enum tri test_text(const char *text, const struct varset *facts)
{
    struct predicate predicate;

    must_decode(&type_predicate, text, arena, &predicate);
    return predicate_test(domain, &predicate, facts);
}

struct tool_row {
    const char *tool, *predicate;
    enum tri expected;
};

static void test_tools(const struct tool_row *rows, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        struct payment_tool tool;
        struct varset facts = { .payment_tool = &tool }, none = { 0 };
        enum tri result;

        must_decode(&type_payment_tool, rows[i].tool, arena, &tool);
        result = test_text(rows[i].predicate, &facts);
        cr_expect_eq(result, rows[i].expected, "row %zu: %s is %s", i, rows[i].predicate, tri_names[result]);
        cr_expect_eq(test_text(rows[i].predicate, &none), TRI_UNKNOWN, "row %zu: without a tool", i);
    }
}

/* Routes, fees and limits hang on these tests of cards (domain.md 6.4). */
Test(predicate, tests_cards_by_each_definition)
{
    static const struct tool_row rows[] = {
        { VISA_RUS, TOOL("\"bank_card\":{}"), TRI_TRUE },
        { QIWI, TOOL("\"bank_card\":{}"), TRI_FALSE },
        { VISA_RUS, CARD("\"payment_system\":{}"), TRI_FALSE },
        { VISA_RUS, CARD("\"payment_system\":{\"payment_system_is\":{\"id\":\"VISA\"}}"), TRI_TRUE },
        { VISA_RUS, CARD("\"payment_system\":{\"payment_system_is\":{\"id\":\"MIR\"}}"), TRI_FALSE },
        { CARD_TOOL(""), CARD("\"payment_system\":{\"payment_system_is\":{\"id\":\"VISA\"}}"), TRI_FALSE },
        { APPLE, CARD("\"payment_system\":{\"token_service_is\":{\"id\":\"APPLEPAY\"}}"), TRI_TRUE },
        { VISA_RUS, CARD("\"payment_system\":{\"token_service_is\":{\"id\":\"APPLEPAY\"}}"), TRI_FALSE },
        { APPLE, CARD("\"payment_system\":{\"tokenization_method_is\":\"dpan\"}"), TRI_TRUE },
        { APPLE, CARD("\"payment_system\":{\"tokenization_method_is\":\"none\"}"), TRI_FALSE },
        { VISA_RUS, CARD("\"payment_system\":{\"tokenization_method_is\":\"dpan\"}"), TRI_UNKNOWN },
        { VISA_RUS, CARD("\"payment_system\":{\"payment_system_is\":{\"id\":\"MIR\"},\"tokenization_method_is\":\"dpan\"}"),
          TRI_FALSE },
        { VISA_RUS, CARD("\"issuer_country_is\":\"RUS\""), TRI_TRUE },
        { VISA_RUS, CARD("\"issuer_country_is\":\"USA\""), TRI_FALSE },
        { CARD_TOOL(""), CARD("\"issuer_country_is\":\"RUS\""), TRI_UNKNOWN },
        { CARD_TOOL(",\"is_cvv_empty\":true"), CARD("\"empty_cvv_is\":true"), TRI_TRUE },
        { CARD_TOOL(",\"is_cvv_empty\":true"), CARD("\"empty_cvv_is\":false"), TRI_FALSE },
        { CARD_TOOL(",\"is_cvv_empty\":false"), CARD("\"empty_cvv_is\":false"), TRI_TRUE },
        { CARD_TOOL(""), CARD("\"empty_cvv_is\":false"), TRI_TRUE },
        { CARD_TOOL(""), CARD("\"empty_cvv_is\":true"), TRI_FALSE },
        /* bank 1: patterns SAMPLE*BANK, bins 424242 and 555555 */
        { CARD_TOOL(",\"bank_name\":\"SAMPLE GREAT BANK\""), CARD("\"issuer_bank_is\":{\"id\":1}"), TRI_TRUE },
        { CARD_TOOL(",\"bank_name\":\"OTHER BANK\""), CARD("\"issuer_bank_is\":{\"id\":1}"), TRI_FALSE },
        { CARD_TOOL(""), CARD("\"issuer_bank_is\":{\"id\":1}"), TRI_TRUE },
        { "{\"bank_card\":{\"token\":\"t\",\"bin\":\"42424\",\"last_digits\":\"1\"}}", CARD("\"issuer_bank_is\":{\"id\":1}"),
          TRI_FALSE },
        { CARD_TOOL(",\"bank_name\":\"OTHER BANK\""), CARD("\"issuer_bank_is\":{\"id\":50}"), TRI_TRUE },
        { CARD_TOOL(""), CARD("\"category_is\":{\"id\":1}"), TRI_FALSE },
        { CARD_TOOL(",\"category\":\"nothing like it\""), CARD("\"category_is\":{\"id\":1}"), TRI_FALSE },
        { CARD_TOOL(",\"category\":\"VISA CORPORATE\""), CARD("\"category_is\":{\"id\":1}"), TRI_TRUE },
    };

    test_tools(rows, SL_COUNT(rows));
}

/* The same for every other tool. */
Test(predicate, tests_other_tools_by_their_service)
{
    static const struct tool_row rows[] = {
        { QIWI, TOOL("\"digital_wallet\":{}"), TRI_TRUE },
        { QIWI, TOOL("\"digital_wallet\":{\"definition\":{\"payment_service_is\":{\"id\":\"QIWI\"}}}"), TRI_TRUE },
        { QIWI, TOOL("\"digital_wallet\":{\"definition\":{\"payment_service_is\":{\"id\":\"EUROSET\"}}}"), TRI_FALSE },
        { QIWI, TOOL("\"payment_terminal\":{}"), TRI_FALSE },
        { "{\"payment_terminal\":{}}", TOOL("\"payment_terminal\":{}"), TRI_TRUE },
        { "{\"payment_terminal\":{}}", TOOL("\"payment_terminal\":{\"definition\":{\"payment_service_is\":{\"id\":\"QIWI\"}}}"),
          TRI_FALSE },
        { "{\"mobile_commerce\":{\"operator\":{\"id\":\"mts\"},\"phone\":{\"cc\":\"7\",\"ctn\":\"9000000000\"}}}",
          TOOL("\"mobile_commerce\":{\"definition\":{\"operator_is\":{\"id\":\"mts\"}}}"), TRI_TRUE },
        { "{\"crypto_currency\":{\"id\":{\"id\":\"btc\"}}}",
          TOOL("\"crypto_currency\":{\"definition\":{\"crypto_currency_is\":{\"id\":\"eth\"}}}"), TRI_FALSE },
        { GENERIC("application/json", CONTENT), TOOL("\"generic\":{\"payment_service_is\":{\"id\":\"QIWI\"}}"), TRI_TRUE },
        { GENERIC("application/json", CONTENT), FIELD("\"a\",\"b\"", "yes"), TRI_TRUE },
        { GENERIC("application/schema-instance+json; schema=x", CONTENT), FIELD("\"a\",\"b\"", "yes"), TRI_TRUE },
        { GENERIC("application/schema-instance+jsonx", CONTENT), FIELD("\"a\",\"b\"", "yes"), TRI_FALSE },
        { GENERIC("text/plain", CONTENT), FIELD("\"a\",\"b\"", "yes"), TRI_FALSE },
        { GENERIC("application/json", CONTENT), FIELD("\"a\",\"b\"", "no"), TRI_FALSE },
        { GENERIC("application/json", CONTENT), FIELD("\"a\",\"c\"", "yes"), TRI_FALSE },
        { GENERIC("application/json", CONTENT), FIELD("\"a\",\"b\",\"c\"", "yes"), TRI_FALSE },
        { GENERIC("application/json", CONTENT), FIELD("\"a\",\"n\"", "1"), TRI_FALSE },
        { GENERIC("application/json", "bm90IGpzb24="), FIELD("\"a\"", "x"), TRI_FALSE },
        { "{\"generic\":{\"payment_service\":{\"id\":\"QIWI\"}}}", FIELD("\"a\"", "x"), TRI_FALSE },
    };

    test_tools(rows, SL_COUNT(rows));
}

/* Facts beside the tool (domain.md 6.3): each missing one leaves its condition open. */
Test(predicate, tests_facts_and_leaves_open_what_is_missing)
{
    static const struct {
        const char *predicate;
        enum tri expected, without;
    } rows[] = {
        { CATEGORY(2), TRI_TRUE, TRI_UNKNOWN },
        { CATEGORY(1), TRI_FALSE, TRI_UNKNOWN },
        { COND("\"currency_is\":{\"symbolic_code\":\"RUB\"}"), TRI_TRUE, TRI_UNKNOWN },
        { COND("\"currency_is\":{\"symbolic_code\":\"USD\"}"), TRI_FALSE, TRI_UNKNOWN },
        { RANGE(42000, 42001, "RUB"), TRI_TRUE, TRI_UNKNOWN },
        { RANGE(0, 42000, "RUB"), TRI_FALSE, TRI_UNKNOWN },
        { RANGE(0, 100000, "USD"), TRI_FALSE, TRI_UNKNOWN },
        { COND("\"cost_is_multiple_of\":" CASH(1000, "RUB")), TRI_TRUE, TRI_UNKNOWN },
        { COND("\"cost_is_multiple_of\":" CASH(-1000, "RUB")), TRI_TRUE, TRI_UNKNOWN },
        { COND("\"cost_is_multiple_of\":" CASH(999, "RUB")), TRI_FALSE, TRI_UNKNOWN },
        { COND("\"cost_is_multiple_of\":" CASH(1000, "USD")), TRI_FALSE, TRI_UNKNOWN },
        { COND("\"party\":{\"party_ref\":{\"id\":\"party-acme\"}}"), TRI_TRUE, TRI_UNKNOWN },
        { COND("\"party\":{\"party_ref\":{\"id\":\"party-globex\"}}"), TRI_FALSE, TRI_UNKNOWN },
        { COND("\"party\":{\"party_ref\":{\"id\":\"party-acme\"},\"definition\":{\"shop_is\":{\"id\":\"shop-acme-books\"}}}"),
          TRI_TRUE, TRI_UNKNOWN },
        { COND("\"party\":{\"party_ref\":{\"id\":\"party-acme\"},\"definition\":{\"shop_is\":{\"id\":\"shop-acme-games\"}}}"),
          TRI_FALSE, TRI_UNKNOWN },
        { COND("\"party\":{\"party_ref\":{\"id\":\"party-acme\"},\"definition\":{\"wallet_is\":{\"id\":\"w\"}}}"),
          TRI_UNKNOWN, TRI_UNKNOWN },
        { COND("\"party\":{\"party_ref\":{\"id\":\"party-globex\"},\"definition\":{\"wallet_is\":{\"id\":\"w\"}}}"),
          TRI_FALSE, TRI_UNKNOWN },
        { COND("\"trust_level_is\":\"well_known\""), TRI_TRUE, TRI_UNKNOWN },
        { COND("\"trust_level_is\":\"unknown\""), TRI_FALSE, TRI_UNKNOWN },
        { LOCATION, TRI_UNKNOWN, TRI_UNKNOWN },
        { COND("\"bin_data\":{\"payment_system\":{\"equals\":\"VISA\"},\"bank_name\":{\"matches\":\"BANK\"}}"), TRI_UNKNOWN,
          TRI_UNKNOWN },
    };
    struct varset none = { 0 }, facts = {
        .category = 2, .currency = "RUB", .amount = &cost, .party_id = "party-acme", .shop_id = "shop-acme-books",
        .trust_level = TRUST_WELL_KNOWN,
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        cr_expect_eq(test_text(rows[i].predicate, &facts), rows[i].expected, "row %zu: %s", i, rows[i].predicate);
        cr_expect_eq(test_text(rows[i].predicate, &none), rows[i].without, "row %zu: %s", i, rows[i].predicate);
    }
}

/* A shop condition needs the shop, even when the party is known. */
Test(predicate, shop_condition_without_a_shop_is_unknown)
{
    static const char text[] =
        COND("\"party\":{\"party_ref\":{\"id\":\"party-acme\"},\"definition\":{\"shop_is\":{\"id\":\"shop-acme-books\"}}}");
    struct varset facts = { .party_id = "party-acme" };

    cr_expect_eq(test_text(text, &facts), TRI_UNKNOWN);
}

/* One unknown must neither make a list true nor hide a certain answer (domain.md 6.1). With what is left of each. */
Test(predicate, combines_in_three_values_and_leaves_the_unknown_part)
{
    static const struct {
        const char *predicate, *left;
    } rows[] = {
        { TRUE, TRUE },
        { "{\"is_not\":" TRUE "}", FALSE },
        { "{\"is_not\":" UNKNOWN "}", "{\"is_not\":" UNKNOWN "}" },
        { "{\"is_not\":{\"all_of\":[" TRUE "," UNKNOWN "]}}", "{\"is_not\":" UNKNOWN "}" },
        { "{\"all_of\":[]}", TRUE },
        { "{\"any_of\":[]}", FALSE },
        { "{\"all_of\":[" TRUE "," TRUE "]}", TRUE },
        { "{\"all_of\":[" UNKNOWN "," FALSE "]}", FALSE },
        { "{\"all_of\":[" TRUE "," UNKNOWN "," TRUE "]}", UNKNOWN },
        { "{\"all_of\":[" UNKNOWN "," TRUE "," LOCATION "]}", "{\"all_of\":[" UNKNOWN "," LOCATION "]}" },
        { "{\"any_of\":[" UNKNOWN "," TRUE "]}", TRUE },
        { "{\"any_of\":[" FALSE "," UNKNOWN "]}", UNKNOWN },
        { "{\"any_of\":[" FALSE "," FALSE "]}", FALSE },
        { "{\"any_of\":[" UNKNOWN "," LOCATION "," FALSE "]}", "{\"any_of\":[" UNKNOWN "," LOCATION "]}" },
        { "{\"all_of\":[{\"any_of\":[" FALSE "," UNKNOWN "]},{\"is_not\":" FALSE "}]}", UNKNOWN },
        { "{\"criterion\":{\"id\":50}}", UNKNOWN },                       /* half of it is decided */
        { "{\"criterion\":{\"id\":51}}", "{\"criterion\":{\"id\":51}}" }, /* nothing of it */
        { "{\"criterion\":{\"id\":2}}", FALSE },                          /* "Expensive" */
        { "{\"is_not\":{\"criterion\":{\"id\":2}}}", TRUE },
    };
    struct varset facts = { .category = 2, .amount = &cost };
    struct predicate predicate, left;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        must_decode(&type_predicate, rows[i].predicate, arena, &predicate);
        predicate_reduce(domain, &predicate, &facts, arena, &left);
        cr_expect_str_eq(encoded(&type_predicate, &left, arena), rows[i].left, "row %zu: %s", i, rows[i].predicate);
        cr_expect_eq(predicate_test(domain, &predicate, &facts),
                     left.tag != PRED_CONSTANT ? TRI_UNKNOWN : left.constant ? TRI_TRUE : TRI_FALSE, "row %zu", i);
    }
}

/* Banks and card categories are named by patterns. */
Test(predicate, wildcards_match_whole_texts)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } rows[] = {
        { "", "", true },
        { "", "a", false },
        { "*", "", true },
        { "*", "anything", true },
        { "**", "x", true },
        { "a*", "abc", true },
        { "*c", "abc", true },
        { "*b", "abc", false },
        { "a*c*e", "abcde", true },
        { "a*c*f", "abcde", false },
        { "*ab*ab", "abab", true },
        { "*aab", "aaab", true },
        { "?", "", false },
        { "?", "a", true },
        { "?", "ab", false },
        { "a?c", "abc", true },
        { "?", "\xc3\xa9", true },  /* one character of two bytes */
        { "??", "\xc3\xa9", false },
        { "*?b", "\xc3\xa9" "b", true },
        { "\\*", "*", true },
        { "\\*", "a", false },
        { "\\?", "?", true },
        { "\\?", "a", false },
        { "\\\\", "\\", true },
        { "a\\bc", "abc", true },
        { "\\", "\\", true },
        { "*\\*", "ab*", true },
        { "*\\*", "ab", false },
        { "ABC", "abc", false },
        { "SAMPLE*BANK", "SAMPLE BANK", true },
        { "SAMPLE*BANK", "SAMPLEBANK PLC", false },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++)
        cr_expect_eq(wildcard_match(rows[i].pattern, rows[i].text), rows[i].matches, "row %zu: %s", i, rows[i].pattern);
}

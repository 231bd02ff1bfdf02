/* Documents with one mistake each, made by rule at every place of the example: the check refuses them, or payments of
 * every kind come to an end of their own. What fails here would park somebody's payments in production. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "domain/lint.h"
#include "payment/calls.h"
#include "support/domain_doc.h"
#include "support/payment_world.h"

#define RUB(N) "{\"amount\":" #N ",\"currency\":{\"symbolic_code\":\"RUB\"}}"
#define CARD(SYSTEM, MORE) \
    "{\"bank_card\":{\"token\":\"tok\",\"payment_system\":{\"id\":\"" SYSTEM "\"},\"bin\":\"424242\",\"last_digits\":\"4242\"" MORE "}}"
#define WALLET "{\"digital_wallet\":{\"payment_service\":{\"id\":\"QIWI\"},\"id\":\"w\"}}"
#define HOLD(AFTER) "{\"hold\":{\"on_hold_expiration\":\"" AFTER "\"}}"
#define FAILURE(CODE) "{\"intent\":{\"finish\":{\"status\":{\"failure\":{\"code\":\"" CODE "\"}}}}}"
#define CHANGED "{\"intent\":{\"finish\":{\"status\":{\"success\":{\"changed_cost\":" RUB(41000) "}}}},\"trx\":{\"id\":\"T1\",\"extra\":{}}}"
#define WITH_TOKEN "{\"intent\":{\"finish\":{\"status\":{\"success\":{\"token\":\"rec\"}}}},\"trx\":{\"id\":\"T1\",\"extra\":{}}}"
#define BOOKS "shop-acme-books"
#define GAMES "shop-acme-games"
#define TRAVEL "shop-globex-travel"

/* ---- payments ---- */

enum ending { REFUNDED, CAPTURED_IN_PART, CANCELLED, LEFT_ALONE };

static const struct life {
    const char *name, *shop;
    int64_t amount;
    const char *tool, *flow;
    enum ending ending;
    const char *says[2]; /* the provider first */
    uint64_t random;
    const char *more;
} lives[] = {
    { "books, Visa USA", BOOKS, 42000, NULL, NULL, REFUNDED, { NULL }, 0, NULL },
    { "books, Visa USA, the other route", BOOKS, 42000, NULL, NULL, REFUNDED, { NULL }, UINT64_MAX, NULL },
    { "games, Visa USA", GAMES, 42000, NULL, NULL, REFUNDED, { NULL }, 0, NULL },
    { "travel, Visa USA", TRAVEL, 42000, NULL, NULL, REFUNDED, { NULL }, 0, NULL },
    { "travel, large", TRAVEL, 700000, NULL, NULL, REFUNDED, { FAILURE("preauthorization_failed") }, 0, NULL },
    { "books, Visa of no country", BOOKS, 42000, CARD("VISA", ""), NULL, REFUNDED, { NULL }, 0, NULL },
    { "books, Visa RUS", BOOKS, 42000, tool_visa_rus, NULL, REFUNDED, { NULL }, 0, NULL },
    { "books, Visa RUS, cascade", BOOKS, 42000, tool_visa_rus, NULL, REFUNDED, { FAILURE("preauthorization_failed") }, 0, NULL },
    { "books, Visa RUS, failed", BOOKS, 42000, tool_visa_rus, NULL, REFUNDED, { FAILURE("card_blocked") }, 0, NULL },
    { "books, Mir", BOOKS, 42000, CARD("MIR", ""), NULL, REFUNDED, { NULL }, 0, NULL },
    { "books, wallet", BOOKS, 42000, WALLET, NULL, REFUNDED, { NULL }, 0, NULL },
    { "travel, wallet", TRAVEL, 42000, WALLET, NULL, REFUNDED, { NULL }, 0, NULL },
    { "books, Apple Pay", BOOKS, 42000,
      CARD("VISA", ",\"payment_token\":{\"id\":\"APPLEPAY\"},\"tokenization_method\":\"dpan\""), NULL, REFUNDED, { NULL }, 0, NULL },
    { "books, cost changed", BOOKS, 42000, NULL, NULL, REFUNDED, { CHANGED }, 0, NULL },
    { "books, large", BOOKS, 700000, NULL, NULL, REFUNDED, { NULL }, 0, NULL },
    { "books, small", BOOKS, 1000, NULL, NULL, REFUNDED, { NULL }, 0, NULL },
    { "books, huge", BOOKS, 150000000, NULL, NULL, REFUNDED, { NULL }, 0, NULL },
    { "books, Mastercard held, captured in part", BOOKS, 42000, CARD("MASTERCARD", ""), HOLD("cancel"), CAPTURED_IN_PART,
      { NULL }, 0, NULL },
    { "travel, Visa held, captured in part", TRAVEL, 42000, NULL, HOLD("cancel"), CAPTURED_IN_PART, { NULL }, 0, NULL },
    { "books, Visa held, cancelled", BOOKS, 42000, NULL, HOLD("cancel"), CANCELLED, { NULL }, 0, NULL },
    { "books, Mastercard held, left", BOOKS, 42000, CARD("MASTERCARD", ""), HOLD("capture"), LEFT_ALONE, { NULL }, 0, NULL },
    { "games, Visa held, left", GAMES, 42000, NULL, HOLD("capture"), LEFT_ALONE, { NULL }, 0, NULL },
    { "books, recurrent parent", BOOKS, 42000, NULL, NULL, REFUNDED, { WITH_TOKEN }, 0, ",\"make_recurrent\":true" },
};

static void refund_twice(struct payment_world *world)
{
    if (strcmp(world_status(world), "captured") != 0)
        return;
    world_refund(world, "1", "{\"cash\":" RUB(2000) "}");
    world_run(world);
    world_refund(world, "1", "{}");
    world_run(world);
}

static void come_to_an_end(struct payment_world *world, enum ending ending)
{
    if (ending == CAPTURED_IN_PART)
        world_capture(world, "1", "{\"reason\":\"part\",\"cash\":" RUB(30000) "}");
    else if (ending == CANCELLED)
        world_cancel(world, "1", "because");
    world_run(world);
    if (ending == LEFT_ALONE && world->driver.due_ms && !world->driver.failed)
        machine_driver_fire(&world->driver);
    world_run(world);
    refund_twice(world);
}

/* NULL: it came to an end; else why it is parked. */
static const char *parked(const struct payment_world *world, const char *name)
{
    static char why[512];

    if (!world->driver.failed)
        return NULL;
    snprintf(why, sizeof(why), "%s: in %s: %s", name,
             world_state(world)->payments.count ? activity_name(world_payment(world)->activity) : "the invoice",
             world->driver.reason ? world->driver.reason : "?");
    return why;
}

static const char *live(const struct life *life, struct domain *domain)
{
    struct payment_world world;
    const char *why;
    size_t i;

    if (world_open_with(&world, life->shop, life->amount, domain) == STEP_OK) {
        world.funds = 100000000;
        world.driver.random = life->random;
        for (i = 0; i < SL_COUNT(life->says) && life->says[i]; i++)
            world_say(&world, life->says[i]);
        if (world_start_with(&world, life->tool, life->flow, life->more) == STEP_OK) {
            world_run(&world);
            if (!world.driver.failed)
                come_to_an_end(&world, life->ending);
        }
    }
    why = parked(&world, life->name);
    world_close(&world);
    return why;
}

static const char *live_registered(struct domain *domain, const char *route)
{
    struct payment_world world;
    const char *why, *rest;

    if (world_open_with(&world, BOOKS, 42000, domain) == STEP_OK) {
        world.funds = 100000000;
        rest = arena_printf(world.driver.arena, "\"id\":\"1\",\"route\":%s,\"transaction_info\":{\"id\":\"T\",\"extra\":{}}", route);
        if (world_register(&world, rest, NULL) == STEP_OK) {
            world_run(&world);
            if (!world.driver.failed)
                refund_twice(&world);
        }
    }
    why = parked(&world, "registered");
    world_close(&world);
    return why;
}

static const char *live_all(struct domain *domain)
{
    static const char *const routes[] = {
        "{\"provider\":{\"id\":1},\"terminal\":{\"id\":1}}", "{\"provider\":{\"id\":1},\"terminal\":{\"id\":2}}",
        "{\"provider\":{\"id\":2},\"terminal\":{\"id\":3}}", "{\"provider\":{\"id\":3},\"terminal\":{\"id\":5}}",
    };
    const char *why = NULL;
    size_t i;

    for (i = 0; !why && i < SL_COUNT(lives); i++)
        why = live(&lives[i], domain);
    for (i = 0; !why && i < SL_COUNT(routes); i++)
        why = live_registered(domain, routes[i]);
    return why;
}

/* ---- mistakes ---- */

struct search {
    json_t *doc;
    const char *place; /* of what is changed now */
    size_t made, refused, lived, holes;
};

static void judge(struct search *search, const char *mistake)
{
    struct arena *arena = arena_new();
    struct type_errors errors = { .count = 0 };
    struct lint_findings findings = { .count = 0 };
    char *text = json_dumps(search->doc, JSON_COMPACT);
    struct domain *domain = NULL;
    const char *why = NULL;

    search->made++;
    if (!domain_parse_new(text, strlen(text), arena, &domain, &errors))
        domain_lint(domain, arena, &findings);
    if (!domain || findings.errors) {
        search->refused++;
    } else {
        why = live_all(domain);
        search->lived++;
    }
    if (why) {
        search->holes++;
        fprintf(stderr, "%s %s: %s\n", search->place, mistake, why);
    }
    domain_free(domain);
    arena_free(arena);
    free(text);
}

#define IF(CONDITION) "{\"decisions\":[{\"if_\":" CONDITION ",\"then_\":%s}]}"
#define NEVER "{\"constant\":false}"
#define CHEAP "{\"condition\":{\"cost_in\":{\"lower\":{\"inclusive\":" RUB(0) "},\"upper\":{\"exclusive\":" RUB(5000) "}}}}"
#define ISSUER "{\"condition\":{\"payment_tool\":{\"bank_card\":{\"definition\":{\"issuer_country_is\":\"RUS\"}}}}}"
#define TRUST "{\"condition\":{\"trust_level_is\":\"well_known\"}}"
#define VISA "{\"condition\":{\"payment_tool\":{\"bank_card\":{\"definition\":{\"payment_system\":{\"payment_system_is\":{\"id\":\"VISA\"}}}}}}}"

/* What stands at a place, by its shape, and what may be put there by mistake; %s: what is there. */
static const struct mistake {
    const char *member; /* of an object that is replaced; NULL: of others, see is_of */
    json_type type;     /* of what is replaced */
    const char *by;
} mistakes[] = {
    { "value", JSON_OBJECT, "{\"decisions\":[]}" },
    { "value", JSON_OBJECT, IF(NEVER) },
    { "value", JSON_OBJECT, IF(CHEAP) },
    { "value", JSON_OBJECT, IF(ISSUER) },
    { "value", JSON_OBJECT, IF(TRUST) },
    { "value", JSON_OBJECT, IF(VISA) },
    { "decisions", JSON_OBJECT, IF(TRUST) },
    { "merchant", JSON_OBJECT, "{\"merchant\":\"payout\"}" },
    { "merchant", JSON_OBJECT, "{\"system\":\"settlement\"}" },
    { "merchant", JSON_OBJECT, "{\"provider\":\"settlement\"}" },
    { "system", JSON_OBJECT, "{\"wallet\":\"sender_source\"}" },
    { "system", JSON_OBJECT, "{\"external\":\"income\"}" },
    { "system", JSON_OBJECT, "{\"merchant\":\"settlement\"}" },
    { "system", JSON_OBJECT, "{\"system\":\"subagent\"}" },
    { "provider", JSON_OBJECT, "{\"system\":\"settlement\"}" },
    { "provider", JSON_OBJECT, "{\"merchant\":\"settlement\"}" },
    { "share", JSON_OBJECT, "{\"product\":{\"min_of\":[]}}" },
    { "share", JSON_OBJECT, "{\"product\":{\"sum_of\":[%s,{\"fixed\":{\"cash\":{\"amount\":1,\"currency\":{\"symbolic_code\":\"USD\"}}}}]}}" },
    { "share", JSON_OBJECT, "{\"fixed\":{\"cash\":{\"amount\":1,\"currency\":{\"symbolic_code\":\"USD\"}}}}" },
    { "share", JSON_OBJECT, "{\"fixed\":{\"cash\":" RUB(-5) "}}" },
    { "constant", JSON_OBJECT, "{\"constant\":false}" },
    { "constant", JSON_OBJECT, TRUST },
    { "constant", JSON_OBJECT, ISSUER },
    { "month", JSON_OBJECT, "{\"year\":{}}" },
    { "payment_processing", JSON_OBJECT, "{\"withdrawal_processing\":{}}" },
    { "number", JSON_OBJECT, "{\"amount\":{\"currency\":\"USD\"}}" },
    { "party", JSON_OBJECT, "{\"wallet\":{}}" },
    { "provider", JSON_OBJECT, "{\"sender\":{}}" },
    { "provider", JSON_OBJECT, "{\"payer_contact_email\":{}}" },
    { "party", JSON_OBJECT, "{\"terminal\":{}}" },
    { "party", JSON_OBJECT, "{\"destination_field\":{\"field_path\":[\"a\"]}}" },
    { NULL, JSON_INTEGER, "0" },
    { NULL, JSON_INTEGER, "-1" },
    { NULL, JSON_INTEGER, "2" },
    { NULL, JSON_INTEGER, "999999999999999" },
    { NULL, JSON_STRING, "\"USD\"" },
    { NULL, JSON_STRING, "\"surplus\"" },
    { NULL, JSON_STRING, "\"guarantee\"" },
    { NULL, JSON_STRING, "\"subagent\"" },
    { NULL, JSON_STRING, "\"MIR\"" },
    { NULL, JSON_ARRAY, "[]" },
    { NULL, JSON_OBJECT, "{}" },
};

static bool is_of(const struct mistake *mistake, const json_t *value)
{
    return json_typeof(value) == mistake->type && (!mistake->member || json_object_get(value, mistake->member));
}

/* Sets member KEY or item INDEX of PARENT to VALUE, taken. */
static void put(json_t *parent, const char *key, size_t index, json_t *value)
{
    if (key)
        json_object_set_new(parent, key, value);
    else
        json_array_set_new(parent, index, value);
}

static void alter(struct search *search, json_t *parent, const char *key, size_t index, json_t *value)
{
    char *old = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY), *text;
    size_t i;

    for (i = 0; i < SL_COUNT(mistakes); i++) {
        const char *by = mistakes[i].by, *at = strstr(by, "%s");
        json_t *other;

        if (!is_of(&mistakes[i], value))
            continue;
        text = calloc(1, strlen(by) + strlen(old) + 1);
        sprintf(text, "%.*s%s%s", at ? (int)(at - by) : (int)strlen(by), by, at ? old : "", at ? at + 2 : "");
        other = json_loads(text, JSON_DECODE_ANY, NULL);
        cr_assert_not_null(other, "%s", text);
        if (!json_equal(other, value)) {
            put(parent, key, index, json_incref(other));
            judge(search, text);
            put(parent, key, index, json_incref(value));
        }
        json_decref(other);
        free(text);
    }
    free(old);
}

static void take_away(struct search *search, json_t *parent, const char *key, size_t index, json_t *value)
{
    if (key) {
        json_object_del(parent, key);
        judge(search, "is missing");
        json_object_set(parent, key, value);
    } else {
        json_array_remove(parent, index);
        judge(search, "is missing");
        json_array_insert(parent, index, value);
    }
}

static void walk(struct search *search, json_t *parent, const char *place);

static void walk_one(struct search *search, json_t *parent, const char *key, size_t index, json_t *value, const char *place)
{
    char here[512];

    json_incref(value);
    if (key)
        snprintf(here, sizeof(here), "%s/%s", place, key);
    else
        snprintf(here, sizeof(here), "%s/%zu", place, index);
    search->place = here;
    take_away(search, parent, key, index, value);
    alter(search, parent, key, index, value);
    walk(search, value, here);
    json_decref(value);
}

static void walk(struct search *search, json_t *parent, const char *place)
{
    const char *keys[64];
    json_t *value;
    const char *key;
    size_t i, count = 0;

    if (json_is_object(parent)) {
        json_object_foreach(parent, key, value)
            keys[count++] = key;
        for (i = 0; i < count; i++) {
            char *own = strdup(keys[i]); /* the key goes with its value */

            keys[i] = own;
        }
        for (i = 0; i < count; i++)
            walk_one(search, parent, keys[i], 0, json_object_get(parent, keys[i]), place);
        for (i = 0; i < count; i++)
            free((void *)(uintptr_t)keys[i]);
    }
    for (i = 0; json_is_array(parent) && i < json_array_size(parent); i++)
        walk_one(search, parent, NULL, i, json_array_get(parent, i), place);
}

/* Objects of the KINDS, each place once. */
static void search_kinds(const char *const *kinds)
{
    struct search search = { .doc = doc_load() };
    const char *kind;
    json_t *row, *object;
    char place[64];
    size_t i, j;

    json_array_foreach(json_object_get(search.doc, "objects"), i, row) {
        kind = json_object_iter_key(json_object_iter(row));
        object = json_object_get(row, kind);
        for (j = 0; kinds[j] && strcmp(kinds[j], kind) != 0; j++)
            ;
        if (!kinds[j])
            continue;
        snprintf(place, sizeof(place), "/objects/%zu/%s/data", i, kind);
        walk(&search, json_object_get(object, "data"), place);
    }
    fprintf(stderr, "%s: %zu documents, %zu refused, %zu lived, %zu holes\n", kinds[0], search.made, search.refused,
            search.lived, search.holes);
    json_decref(search.doc);
    cr_expect(search.lived > 0, "every document was refused");
    cr_assert_eq(search.holes, 0, "%zu documents pass the check and park payments", search.holes);
}

/* The search would find nothing if it did not see a payment that parks. */
Test(domain_holes, the_example_is_sound_and_a_hole_is_seen)
{
    struct arena *arena = arena_new();
    struct domain *domain = doc_domain_take(doc_load(), arena);
    json_t *doc = doc_load();
    const char *why = live_all(domain);

    cr_expect_null(why, "%s", why);
    domain_free(domain);
    doc_set(doc, "term_set_hierarchy", "{\"id\":1}", "/data/term_set/payments/refunds/payment_methods", NULL);
    domain = doc_domain_take(doc, arena);
    why = live_all(domain);
    cr_assert_not_null(why, "payments without methods of refunds came to an end");
    cr_assert_not_null(strstr(why, "routing"), "%s", why);
    domain_free(domain);
    arena_free(arena);
}

Test(domain_holes, of_merchants, .timeout = 3000)
{
    search_kinds((const char *const[]){ "term_set_hierarchy", NULL });
}

Test(domain_holes, of_providers, .timeout = 3000)
{
    search_kinds((const char *const[]){ "provider", NULL });
}

Test(domain_holes, of_terminals_and_rules, .timeout = 3000)
{
    search_kinds((const char *const[]){ "terminal", "routing_rules", "criterion", NULL });
}

Test(domain_holes, of_institutions, .timeout = 3000)
{
    search_kinds((const char *const[]){ "payment_institution", "globals", "inspector", "proxy", "system_account_set",
                                        "external_account_set", "currency", "category", NULL });
}

Test(domain_holes, of_shops_and_limits, .timeout = 3000)
{
    search_kinds((const char *const[]){ "shop_config", "party_config", "limit_config", NULL });
}

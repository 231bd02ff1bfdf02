/* Recurrent payments and the card store: doc/spec/payment.md 15. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "payment/calls.h"
#include "payment/effect.h"
#include "payment/payer.h"
#include "payment/steps.h"
#include "support/payment_world.h"

#define NONE { NULL, NULL, NULL, NULL }
#define MAKE ",\"make_recurrent\":true"
#define TARIFF "term_set_hierarchy", "{\"id\":1}"
#define WITH_TOKEN \
    "{\"intent\":{\"finish\":{\"status\":{\"success\":{\"token\":\"rec\"}}}},\"trx\":{\"id\":\"T1\",\"extra\":{}}}"
#define RECURRENT_TERMS \
    "{\"cash_value\":{\"value\":{\"amount\":1000,\"currency\":{\"symbolic_code\":\"RUB\"}}},\"categories\":{\"value\":[{\"id\":2}]}," \
    "\"payment_methods\":{\"value\":[{\"id\":{\"bank_card\":{\"payment_system\":{\"id\":\"VISA\"},\"is_cvv_empty\":false}}}]}}"
#define WALLET "{\"digital_wallet\":{\"payment_service\":{\"id\":\"QIWI\"},\"id\":\"w\"}}"

/* Two providers that take recurrent payments, one after the other. */
static const struct world_patch two_providers[] = {
    { "provider", "{\"id\":2}", "terms.recurrent_paytools", RECURRENT_TERMS },
    { "provider", "{\"id\":1}", "cascade_behaviour", NULL },
    { "provider", "{\"id\":2}", "cascade_behaviour", NULL },
    { TARIFF, "term_set.payments.attempt_limit", "{\"value\":{\"attempts\":2}}" },
    NONE,
};

/* A parent as it may be found; what a row of a test does not say is fine. */
struct parent {
    const char *party, *token, *customer, *tool;
    int status;
    int64_t provider, terminal; /* 0: 1 and 1 */
    bool no_invoice, no_payment;
};

static const struct parent_payment *parent_of(struct payment_world *world, const struct parent *row)
{
    struct arena *arena = world->driver.arena;
    struct parent_payment *parent = arena_alloc(arena, sizeof(*parent));
    struct payment_state *state = arena_alloc(arena, sizeof(*state));
    struct payment_resource_payer *payer = arena_alloc(arena, sizeof(*payer));
    struct route *route = arena_alloc(arena, sizeof(*route));
    const char *tool = row->tool ? row->tool : tool_visa_usa;

    parent->invoice_id = row->no_invoice ? NULL : "parent";
    if (row->no_invoice || row->no_payment)
        return parent;
    cr_assert_eq(type_decode_text(&type_payment_tool, tool, strlen(tool), 0, arena, &payer->resource.payment_tool, NULL),
                 SL_OK);
    *route = (struct route){ { row->provider ? row->provider : 1 }, { row->terminal ? row->terminal : 1 } };
    state->payment.id = "1";
    state->payment.party_ref.id = row->party ? row->party : "party-acme";
    state->payment.status.tag = row->status ? row->status : PAYMENT_CAPTURED;
    state->payment.payer = (struct payer){ .tag = PAYER_PAYMENT_RESOURCE, .payment_resource = payer };
    state->payment.customer_id = row->customer;
    state->payment.created_at = 1690000000000000;
    state->routes = (struct type_list){ route, 1 };
    state->recurrent_token = row->token && !*row->token ? NULL : row->token ? row->token : "parent-token";
    parent->payment = state;
    return parent;
}

/* StartPayment with a recurrent payer; TOKENS: "token@provider.terminal …" of the card store, NULL: none. */
static enum step_end start_child(struct payment_world *world, const struct parent *row, const char *tokens,
                                 const char *more)
{
    static const char params[] =
        "{\"payer\":{\"recurrent\":{\"recurrent_parent\":{\"invoice_id\":\"parent\",\"payment_id\":\"1\"},"
        "\"contact_info\":{\"email\":\"a@b.c\"}}},\"flow\":{\"instant\":{}}%s}";
    struct arena *arena = world->driver.arena;
    struct invoice_call *call = arena_alloc(arena, sizeof(*call));
    struct parent_payment *parent = arena_memdup(arena, parent_of(world, row), sizeof(*parent));
    struct card_token *list = arena_array(arena, 8, sizeof(*list));
    const char *json = arena_printf(arena, params, more ? more : "");
    int len;

    call->kind = CALL_START_PAYMENT;
    cr_assert_eq(type_decode_text(&type_start_payment_call, json, strlen(json), 0, arena, &call->start_payment, NULL), SL_OK);
    for (; tokens && *tokens; tokens += len) {
        char token[64];
        long long provider, terminal;

        cr_assert_eq(sscanf(tokens, "%63[^@]@%lld.%lld%n", token, &provider, &terminal, &len), 3);
        len += tokens[len] == ' ';
        list[parent->tokens.count++] = (struct card_token){
            .id = "i", .provider_ref = { provider }, .terminal_ref = { terminal }, .token = arena_strdup(arena, token),
            .created_at = 1, .status = CARD_TOKEN_ACTIVE,
        };
    }
    parent->tokens.items = list;
    call->start_payment.parent = parent;
    return machine_driver_input(&world->driver, IN_CALL, call);
}

/* If it fails, a payment is taken on somebody else's token, or refused in words that callers do not know. */
Test(steps_recurrent, parents_are_checked)
{
    static const struct {
        const char *name;
        struct parent parent;
        const char *more, *details;
    } rows[] = {
        { "no invoice", { .no_invoice = true }, "", "Parent invoice not found" },
        { "no payment", { .no_payment = true }, "", "Parent payment not found" },
        { "no token", { .token = "" }, "", "Parent payment has no recurrent token" },
        { "another party's", { .party = "party-globex" }, "", "Parent payment refer to another party" },
        { "failed", { .status = PAYMENT_FAILED }, "", "Invalid parent payment status" },
        { "another customer", { .customer = "a" }, ",\"customer_id\":\"b\"", "Customer ID mismatch with parent" },
    };
    static const int fine[] = { PAYMENT_PENDING, PAYMENT_PROCESSED, PAYMENT_CAPTURED, PAYMENT_CANCELLED, PAYMENT_REFUNDED };
    struct payment_world world;
    const struct call_error *error;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        world_open(&world, "shop-acme-books", 42000, NULL);
        cr_assert_eq(start_child(&world, &rows[i].parent, NULL, rows[i].more), STEP_REFUSED, "%s", rows[i].name);
        cr_expect_str_eq(world_refusal(&world), "InvalidRecurrentParentPayment", "%s", rows[i].name);
        error = world.driver.reply;
        cr_expect_str_eq(error->details, rows[i].details, "%s: %s", rows[i].name, error->details);
        cr_expect_eq(world.driver.event_count, 1);
        world_close(&world);
    }
    for (i = 0; i < SL_COUNT(fine); i++) {
        world_open(&world, "shop-acme-books", 42000, NULL);
        cr_expect_eq(start_child(&world, &(struct parent){ .status = fine[i] }, NULL, NULL), STEP_OK, "%d", fine[i]);
        world_close(&world);
    }
}

/* If it fails, the terms of recurrent payments hold for their first payment only. */
Test(steps_recurrent, terms_hold_for_later_payments_too)
{
    static const struct world_patch forbidden[] = { { TARIFF, "term_set.recurrent_paytools", NULL }, NONE };
    struct payment_world world;

    world_open(&world, "shop-acme-books", 42000, forbidden);
    cr_assert_eq(start_child(&world, &(struct parent){ .token = "" }, NULL, NULL), STEP_REFUSED);
    cr_expect_str_eq(world_refusal(&world), "OperationNotPermitted", "before the parent's token is looked at");
    world_close(&world);
    world_open(&world, "shop-acme-books", 42000, NULL);
    cr_assert_eq(start_child(&world, &(struct parent){ .tool = WALLET }, NULL, NULL), STEP_REFUSED);
    cr_expect_str_eq(world_refusal(&world), "InvalidRequest: Invalid payment method");
    world_close(&world);
}

/* The provider's call number INDEX of those for KIND. */
static const struct world_call *call_of(const struct payment_world *world, int kind)
{
    size_t i;

    for (i = 0; i < world->call_count && world->calls[i].kind != kind; i++)
        ;
    cr_assert(i < world->call_count, "no call of kind %d", kind);
    return &world->calls[i];
}

/* If it fails, the first payment of a series leaves no token behind, or not where later ones look. */
Test(steps_recurrent, the_first_payment_leaves_its_token)
{
    struct payment_world world;

    world_open(&world, "shop-acme-books", 42000, NULL);
    world_say(&world, WITH_TOKEN);
    cr_assert_eq(world_start_with(&world, NULL, NULL, MAKE), STEP_OK);
    world_run(&world);
    cr_expect_str_eq(world_status(&world), "captured");
    cr_expect(strstr(world_history(&world, 2), "rec_token_acquired finished(succeeded)") ||
              strstr(world_history(&world, 2), "rec_token_acquired transaction_bound"), "%s", world_history(&world, 2));
    cr_expect_str_eq(world_payment(&world)->recurrent_token, "rec");
    cr_expect(strstr(call_of(&world, FX_PROVIDER_PROCESS)->request, "\"make_recurrent\":true"));
    cr_expect_not_null(world.kept);
    cr_expect_not_null(strstr(world.kept, "party-acme/tok rec@"), "%s", world.kept);
    cr_expect_not_null(strstr(world.kept, " - inv.1"), "%s", world.kept);
    cr_expect(world_books_are_settled(&world));
    world_close(&world);
}

/* If it fails, a customer's plain payments are not among its payments, or strangers' cards are stored. */
Test(steps_recurrent, plain_payments_are_linked_only_if_a_customer_is_named)
{
    struct payment_world world;

    world_open(&world, "shop-acme-books", 42000, NULL);
    cr_assert_eq(world_start_with(&world, NULL, NULL, ",\"customer_id\":\"c7\""), STEP_OK);
    world_run(&world);
    cr_expect_str_eq(world.kept, "party-acme/tok c7 inv.1");
    cr_expect_str_eq(world_payment(&world)->payment.customer_id, "c7");
    world_close(&world);
    world_open(&world, "shop-acme-books", 42000, NULL);
    cr_assert_eq(world_start(&world), STEP_OK);
    world_run(&world);
    cr_expect_null(world.kept);
    world_close(&world);
}

/* If it fails, a card store that is away loses tokens, or a payment is captured without them. */
Test(steps_recurrent, a_card_store_that_is_away_is_asked_again)
{
    struct payment_world world;
    size_t events;

    world_open(&world, "shop-acme-books", 42000, NULL);
    world_say(&world, WITH_TOKEN);
    world.cards_err = SL_EDOWN;
    cr_assert_eq(world_start_with(&world, NULL, NULL, MAKE), STEP_OK);
    world_run(&world);
    cr_expect_eq(world.driver.end, STEP_RETRY);
    cr_expect_eq(world_payment(&world)->activity, ACT_FINALIZING_ACCOUNTER);
    events = world.driver.event_count;
    world.cards_err = SL_OK;
    world_run(&world);
    cr_expect_str_eq(world_status(&world), "captured");
    cr_expect_eq(world.driver.event_count, events + 1);
    cr_expect(world_books_are_settled(&world));
    world_close(&world);
}

/* If it fails, a later payment is charged without a token, with another route's, or over a route that has none. */
Test(steps_recurrent, later_payments_go_where_their_card_has_a_token)
{
    static const struct {
        const char *name, *tokens;
        int64_t terminal;
        const char *token;
    } rows[] = {
        { "nothing stored: the parent's own", NULL, 1, "parent-token" },
        { "another route than the parent's", "other@2.3", 3, "other" },
        { "two", "one@1.1 other@2.3", 0, NULL },
    };
    struct payment_world world;
    const struct payment_state *payment;
    const char *request;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        world_open(&world, "shop-acme-books", 42000, two_providers);
        cr_assert_eq(start_child(&world, &(struct parent){ .customer = "c1" }, rows[i].tokens, NULL), STEP_OK, "%s",
                     rows[i].name);
        cr_expect_str_eq(world_history(&world, 2), "started cascade_tokens_loaded");
        world_run(&world);
        payment = world_payment(&world);
        cr_assert_str_eq(world_status(&world), "captured", "%s: %s", rows[i].name, world_status(&world));
        cr_expect_str_eq(payment->payment.customer_id, "c1", "inherited");
        cr_expect_eq(payment->payment.payer.tag, PAYER_RECURRENT);
        if (rows[i].terminal)
            cr_expect_eq(payment_route(payment)->terminal.id, rows[i].terminal, "%s", rows[i].name);
        request = call_of(&world, FX_PROVIDER_PROCESS)->request;
        cr_expect(strstr(request, "\"recurrent_payment_resource\":{\"payment_tool\":{\"bank_card\""), "%s", request);
        cr_expect(strstr(request, arena_printf(world.driver.arena, "\"rec_token\":\"%s\"",
                                               payer_token_for(payment, payment_route(payment)))), "%s", request);
        if (rows[i].token)
            cr_expect_str_eq(payer_token_for(payment, payment_route(payment)), rows[i].token);
        cr_expect_not(strstr(request, "make_recurrent"));
        cr_expect_str_eq(world.kept, "party-acme/tok c1 inv.1", "no token of its own: %s", world.kept);
        world_close(&world);
    }
}

/* If it fails, a payment is sent where nobody knows its token, or told to have failed for another reason. */
Test(steps_recurrent, without_a_route_that_has_a_token_it_fails)
{
    struct payment_world world;
    const struct payment_state *payment;

    world_open(&world, "shop-acme-books", 42000, NULL);
    cr_assert_eq(start_child(&world, &(struct parent){ .token = NULL }, "x@3.5", NULL), STEP_OK);
    world_run(&world);
    payment = world_payment(&world);
    cr_expect_str_eq(world_status(&world), "failed:no_route_found:forbidden");
    cr_expect(strstr(payment->payment.status.failed.failure.failure.reason, "no recurrent token"), "%s",
              payment->payment.status.failed.failure.failure.reason);
    world_close(&world);
}

/* If it fails, a declined recurrent payment gives up although another provider knows the card. */
Test(steps_recurrent, it_cascades_over_routes_with_tokens)
{
    static const char declined[] =
        "{\"intent\":{\"finish\":{\"status\":{\"failure\":{\"code\":\"preauthorization_failed\",\"sub\":{\"code\":\"card_blocked\"}}}}}}";
    struct payment_world world;
    const struct payment_state *payment;
    const struct route *routes;

    world_open(&world, "shop-acme-books", 42000, two_providers);
    world_say(&world, declined);
    cr_assert_eq(start_child(&world, &(struct parent){ .token = NULL }, "one@1.1 two@2.3", NULL), STEP_OK);
    world_run(&world);
    payment = world_payment(&world);
    cr_assert_str_eq(world_status(&world), "captured", "%s", world_history(&world, 2));
    cr_assert_eq(payment->routes.count, 2);
    routes = payment->routes.items;
    cr_expect_neq(routes[0].terminal.id, routes[1].terminal.id);
    cr_expect_str_eq(payer_token_for(payment, &routes[0]), routes[0].terminal.id == 1 ? "one" : "two");
    cr_expect(world_books_are_settled(&world));
    world_close(&world);
}

/* If it fails, a payer without a card is routed by rules that know nothing of its token. */
Test(steps_recurrent, other_tools_go_their_parents_way)
{
    static const struct world_patch patches[] = {
        { TARIFF, "term_set.recurrent_paytools.payment_methods", "{\"value\":[{\"id\":{\"digital_wallet\":{\"id\":\"QIWI\"}}}]}" },
        NONE,
    };
    struct payment_world world;
    const struct payment_state *payment;

    world_open(&world, "shop-acme-books", 42000, patches);
    cr_assert_eq(start_child(&world, &(struct parent){ .tool = WALLET, .provider = 3, .terminal = 5 }, NULL, NULL), STEP_OK);
    world_run(&world);
    payment = world_payment(&world);
    cr_assert_str_eq(world_status(&world), "captured", "%s", world_status(&world));
    cr_expect_eq(payment_route(payment)->terminal.id, 5);
    cr_expect_eq(payment->candidates.count, 1);
    cr_expect(strstr(call_of(&world, FX_PROVIDER_PROCESS)->request, "\"rec_token\":\"parent-token\""));
    cr_expect_null(world.kept);
    world_close(&world);
}

/* If it fails, a client that lost the answer cannot ask again, or gets another payment for its own. */
Test(steps_recurrent, the_same_call_again_is_the_same_payment)
{
    struct payment_world world;
    const struct start_payment_reply *reply;

    world_open(&world, "shop-acme-books", 42000, NULL);
    cr_assert_eq(start_child(&world, &(struct parent){ .customer = "c" }, NULL, ",\"id\":\"mine\""), STEP_OK);
    cr_assert_eq(start_child(&world, &(struct parent){ .customer = "c" }, NULL, ",\"id\":\"mine\""), STEP_OK);
    reply = world.driver.reply;
    cr_expect(reply->existing);
    cr_expect_eq(start_child(&world, &(struct parent){ .customer = "c" }, NULL, ",\"id\":\"mine\",\"customer_id\":\"d\""),
                 STEP_REFUSED);
    cr_expect_eq(world_start_with(&world, NULL, NULL, ",\"id\":\"mine\""), STEP_REFUSED);
    world_close(&world);
}

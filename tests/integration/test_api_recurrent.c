/* Recurrent payments over HTTP: a real sluiced, a real mock bank, and what the card store keeps. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/banked.h"

#define MAKE ",\"make_recurrent\":true"
#define TOKENS "/v1/card-tokens?party_id=party-acme&card="
#define RECURRENT_TERMS \
    "{\"cash_value\":{\"value\":{\"amount\":1000,\"currency\":{\"symbolic_code\":\"RUB\"}}},\"categories\":{\"value\":[{\"id\":2}]}," \
    "\"payment_methods\":{\"value\":[{\"id\":{\"bank_card\":{\"payment_system\":{\"id\":\"VISA\"},\"is_cvv_empty\":false}}}]}}"

static const char *child_body(const char *parent, const char *payment, const char *more)
{
    static char body[512];

    snprintf(body, sizeof(body), "{\"payer\":{\"recurrent\":{\"recurrent_parent\":{\"invoice_id\":\"%s\",\"payment_id\":\"%s\"},"
             "\"contact_info\":{}}},\"flow\":{\"instant\":{}}%s}", parent, payment, more);
    return body;
}

/* A payment of invoice ID, made for it, on PARENT's token; its state at rest. */
static json_t *pay_again(const struct banked *banked, const char *id, const char *parent, const char *more)
{
    char path[128];

    json_decref(banked_invoice(banked, id));
    snprintf(path, sizeof(path), "/v1/invoices/%s/payments?wait=20", id);
    return banked_must(banked, "POST", path, child_body(parent, "1", more), 202);
}

static void first_payment(const struct banked *banked, const char *card, const char *more)
{
    json_t *json;

    json_decref(banked_invoice(banked, "parent"));
    json = banked_pay(banked, "parent", card, more);
    cr_assert_str_eq(banked_text(json, "payment.status"), "captured", "%s", json_dumps(json, 0));
    json_decref(json);
}

/* Whether TEXT is among the events of invoice ID. */
static bool history_has(const struct banked *banked, const char *id, const char *text)
{
    char path[128], *dump;
    json_t *json;
    bool found;

    snprintf(path, sizeof(path), "/v1/invoices/%s/events", id);
    json = banked_must(banked, "GET", path, NULL, 200);
    dump = json_dumps(json, JSON_COMPACT);
    found = strstr(dump, text) != NULL;
    free(dump);
    json_decref(json);
    return found;
}

/* If it fails, a series cannot be begun or gone on with, or its customer loses sight of it. */
Test(api_recurrent, a_later_payment_runs_on_the_firsts_token, .timeout = 60)
{
    struct banked banked;
    json_t *json;

    banked_open(&banked, NULL);
    first_payment(&banked, "no_preauth/1", MAKE ",\"customer_id\":\"cust-1\"");
    cr_expect(history_has(&banked, "parent", "\"invoice_payment_rec_token_acquired\":{\"token\":\"rec_token\"}"));
    json = banked_must(&banked, "GET", TOKENS "no_preauth/1", NULL, 200);
    cr_expect_eq(json_array_size(json_object_get(json, "tokens")), 1);
    cr_expect_str_eq(banked_text(json, "tokens.0.token"), "rec_token");
    cr_expect_str_eq(banked_text(json, "tokens.0.id"), "parent.1");
    cr_expect_str_eq(banked_text(json, "tokens.0.provider_ref.id"), "1");
    json_decref(json);

    json = pay_again(&banked, "child", "parent", MAKE);
    cr_assert_str_eq(banked_text(json, "payment.status"), "captured", "%s", json_dumps(json, 0));
    cr_expect_str_eq(banked_text(json, "payment.customer_id"), "cust-1");
    cr_expect_str_eq(banked_text(json, "payment.payer"), "recurrent");
    cr_expect_str_eq(banked_text(json, "payment.payer.recurrent.payment_tool.bank_card.token"), "no_preauth/1");
    json_decref(json);
    cr_expect(history_has(&banked, "child", "\"invoice_payment_cascade_tokens_loaded\":{\"tokens\":[{\"id\":\"parent.1\""));
    json = pay_again(&banked, "grandchild", "child", ""); /* the child has got a token of its own */
    cr_expect_str_eq(banked_text(json, "payment.status"), "captured");
    json_decref(json);

    json = banked_must(&banked, "GET", "/v1/parties/party-acme/customers/cust-1", NULL, 200);
    cr_expect_eq(json_array_size(json_object_get(json, "payments")), 3);
    cr_expect_str_eq(banked_text(json, "payments.2.invoice_id"), "parent");
    cr_expect_str_eq(banked_text(json, "cards.0"), "no_preauth/1");
    json_decref(json);
    banked_close(&banked);
}

/* If it fails, parents that cannot be parents are taken, or refused in other words than promised. */
Test(api_recurrent, parents_that_will_not_do, .timeout = 60)
{
    static const struct {
        const char *parent, *payment, *more, *details;
    } rows[] = {
        { "nobody", "1", MAKE, "Parent invoice not found" },
        { "parent", "7", MAKE, "Parent payment not found" },
        { "plain", "1", MAKE, "Parent payment has no recurrent token" },
        { "parent", "1", MAKE ",\"customer_id\":\"another\"", "Customer ID mismatch with parent" },
    };
    struct banked banked;
    json_t *json;
    size_t i;

    banked_open(&banked, NULL);
    first_payment(&banked, "no_preauth/2", MAKE ",\"customer_id\":\"cust-2\"");
    json_decref(banked_invoice(&banked, "plain"));
    json_decref(banked_pay(&banked, "plain", "no_preauth/3", ""));
    json_decref(banked_invoice(&banked, "child"));
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json = banked_must(&banked, "POST", "/v1/invoices/child/payments",
                           child_body(rows[i].parent, rows[i].payment, rows[i].more), 422);
        cr_expect_str_eq(banked_text(json, "error"), "InvalidRecurrentParentPayment");
        cr_expect_str_eq(banked_text(json, "details"), rows[i].details, "%s", banked_text(json, "details"));
        json_decref(json);
    }
    banked_close(&banked);
}

/* If it fails, one party pays with another's token. */
Test(api_recurrent, another_partys_parent_is_refused, .timeout = 60)
{
    struct banked banked;
    json_t *json, *domain;

    banked_open(&banked, NULL);
    first_payment(&banked, "no_preauth/4", MAKE);
    domain = banked_domain(&banked);
    banked_set(domain, "shop_config", "{\"id\":\"shop-acme-books\"}", "party_ref", "{\"id\":\"party-globex\"}");
    banked_configure_take(&banked, NULL, domain);
    json_decref(banked_must(&banked, "POST", "/v1/invoices",
                            "{\"id\":\"child\",\"party_id\":\"party-globex\",\"shop_id\":\"shop-acme-books\",\"details\":{\"product\":\"x\"},"
                            "\"due\":\"2030-01-01T00:00:00Z\",\"cost\":{\"amount\":42000,\"currency\":{\"symbolic_code\":\"RUB\"}},"
                            "\"context\":{\"type\":\"text/plain\",\"data\":\"\"}}", 201));
    json = banked_must(&banked, "POST", "/v1/invoices/child/payments", child_body("parent", "1", MAKE), 422);
    cr_expect_str_eq(banked_text(json, "details"), "Parent payment refer to another party");
    json_decref(json);
    banked_close(&banked);
}

/* If it fails, a token that another provider gave for the card does not help when the first one declines. */
Test(api_recurrent, a_later_payment_cascades_over_the_cards_tokens, .timeout = 60)
{
    struct banked banked;
    json_t *json, *domain;

    banked_open(&banked, NULL);
    first_payment(&banked, "no_preauth/5", MAKE);
    domain = banked_domain(&banked);
    banked_set(domain, "provider", "{\"id\":1}", "proxy.additional",
               "{\"override\":\"brovider\",\"always_fail\":\"preauthorization_failed:card_blocked\"}");
    banked_set(domain, "provider", "{\"id\":1}", "cascade_behaviour", NULL);
    banked_set(domain, "provider", "{\"id\":2}", "terms.recurrent_paytools", RECURRENT_TERMS);
    banked_set(domain, "term_set_hierarchy", "{\"id\":1}", "term_set.payments.attempt_limit", "{\"value\":{\"attempts\":2}}");
    banked_configure_take(&banked, NULL, domain);
    json = banked_must(&banked, "POST", "/v1/card-tokens",
                       "{\"party_id\":\"party-acme\",\"card\":\"no_preauth/5\",\"provider_ref\":{\"id\":2},"
                       "\"terminal_ref\":{\"id\":3},\"token\":\"cascade-token-prv2\"}", 201);
    cr_expect_eq(json_array_size(json_object_get(json, "tokens")), 2);
    json_decref(json);
    json = pay_again(&banked, "child", "parent", MAKE);
    cr_assert_str_eq(banked_text(json, "payment.status"), "captured", "%s", json_dumps(json, 0));
    cr_expect_str_eq(banked_text(json, "route.provider.id"), "2");
    cr_expect_str_eq(banked_text(json, "route.terminal.id"), "3");
    json_decref(json);
    banked_close(&banked);
}

/* If it fails, what a provider registered cannot be gone on with. */
Test(api_recurrent, a_registered_payment_can_be_a_parent, .timeout = 60)
{
    struct banked banked;
    json_t *json;

    banked_open(&banked, NULL);
    json_decref(banked_invoice(&banked, "parent"));
    json = banked_must(&banked, "POST", "/v1/invoices/parent/payments/register?wait=20",
                       "{\"payer_params\":{\"payment_resource\":{\"resource\":{\"payment_tool\":{\"bank_card\":{\"token\":"
                       "\"no_preauth/6\",\"payment_system\":{\"id\":\"VISA\"},\"bin\":\"424242\",\"last_digits\":\"4242\"}}},"
                       "\"contact_info\":{}}},\"route\":{\"provider\":{\"id\":1},\"terminal\":{\"id\":1}},"
                       "\"transaction_info\":{\"id\":\"1\",\"extra\":{}},\"recurrent_token\":\"given\"}", 202);
    cr_assert_str_eq(banked_text(json, "payment.status"), "captured");
    json_decref(json);
    json = pay_again(&banked, "child", "parent", MAKE);
    cr_expect_str_eq(banked_text(json, "payment.status"), "captured");
    cr_expect_str_eq(banked_text(json, "route.terminal.id"), "1");
    json_decref(json);
    cr_expect(history_has(&banked, "child", "\"token\":\"given\""));
    banked_close(&banked);
}

/* If it fails, callers' mistakes about the card store pass, or strangers see what is in it. */
Test(api_recurrent, the_card_store_is_guarded, .timeout = 60)
{
    struct banked banked;
    json_t *json;

    banked_open(&banked, NULL);
    banked_refused(&banked, "GET", "/v1/card-tokens", NULL, 400, "InvalidRequest");
    banked_refused(&banked, "GET", "/v1/card-tokens?party_id=a%20b&card=x", NULL, 400, "InvalidRequest");
    banked_refused(&banked, "GET", "/v1/card-tokens?party_id=p&card=", NULL, 400, "InvalidRequest");
    banked_refused(&banked, "POST", "/v1/card-tokens", "{\"party_id\":\"p\",\"card\":\"c\",\"provider_ref\":{\"id\":0},"
                   "\"terminal_ref\":{\"id\":1},\"token\":\"t\"}", 400, "InvalidRequest");
    banked_refused(&banked, "GET", "/v1/parties/p/customers/nobody", NULL, 404, "CustomerNotFound");
    json = banked_must(&banked, "GET", "/v1/card-tokens?party_id=p&card=c", NULL, 200);
    cr_expect_eq(json_array_size(json_object_get(json, "tokens")), 0);
    json_decref(json);
    banked_close(&banked);
}

/* Invoice templates over HTTP: a real sluiced on a real Redis. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/banked.h"
#include "support/http.h"

#define MERCHANT "Authorization: Bearer merchant-acme-token\r\n"
#define OTHER "Authorization: Bearer merchant-globex-token\r\n"
#define READER "Authorization: Bearer reader-of-all-token\r\n"
#define OPERATOR "Authorization: Bearer operator-of-all-token\r\n"
#define TEMPLATE(ID, PRICE) \
    "{\"template_id\":\"" ID "\",\"party_id\":\"party-acme\",\"shop_id\":\"shop-acme-books\",\"invoice_lifetime\":{\"months\":1}," \
    "\"product\":\"duck\",\"details\":{\"product\":{\"product\":\"duck\",\"price\":" PRICE ",\"metadata\":{}}}," \
    "\"context\":{\"type\":\"text/plain\",\"data\":\"ZGVmYXVsdA==\"}}"
#define RUB(N) "{\"amount\":" #N ",\"currency\":{\"symbolic_code\":\"RUB\"}}"

/* If it fails, a template cannot be lived with from its first day to its last. */
Test(api_templates, from_creation_to_removal, .timeout = 60)
{
    struct banked banked;
    json_t *json, *again;

    banked_open(&banked, NULL);
    json = banked_must(&banked, "POST", "/v1/invoice-templates", TEMPLATE("t1", "{\"fixed\":" RUB(5000) "}"), 201);
    cr_expect_str_eq(banked_text(json, "id"), "t1");
    cr_expect_str_eq(banked_text(json, "party_ref.id"), "party-acme");
    banked_refused(&banked, "POST", "/v1/invoice-templates", TEMPLATE("t1", "{\"unlim\":{}}"), 409, "IdReused");
    again = banked_must(&banked, "POST", "/v1/invoice-templates", TEMPLATE("t1", "{\"fixed\":" RUB(5000) "}"), 200);
    cr_expect(json_equal(json, again), "the same id again is the same template");
    json_decref(again);
    json_decref(json);
    json = banked_must(&banked, "GET", "/v1/invoice-templates/t1/terms", NULL, 200);
    cr_expect(json_object_get(json, "payments"));
    json_decref(json);
    json = banked_must(&banked, "PATCH", "/v1/invoice-templates/t1", "{\"name\":\"n\",\"invoice_lifetime\":{\"days\":3}}", 200);
    cr_expect_str_eq(banked_text(json, "name"), "n");
    cr_expect_str_eq(banked_text(json, "invoice_lifetime.days"), "3");
    again = banked_must(&banked, "GET", "/v1/invoice-templates/t1", NULL, 200);
    cr_expect(json_equal(json, again));
    json_decref(again);
    json_decref(json);
    json_decref(banked_must(&banked, "DELETE", "/v1/invoice-templates/t1", NULL, 200));
    banked_refused(&banked, "GET", "/v1/invoice-templates/t1", NULL, 410, "InvoiceTemplateRemoved");
    banked_refused(&banked, "GET", "/v1/invoice-templates/t1/terms", NULL, 410, "InvoiceTemplateRemoved");
    banked_refused(&banked, "PATCH", "/v1/invoice-templates/t1", "{\"name\":\"n\"}", 410, "InvoiceTemplateRemoved");
    banked_refused(&banked, "DELETE", "/v1/invoice-templates/t1", NULL, 410, "InvoiceTemplateRemoved");
    banked_refused(&banked, "POST", "/v1/invoice-templates/t1/invoices", "{\"id\":\"inv\"}", 410, "InvoiceTemplateRemoved");
    banked_refused(&banked, "POST", "/v1/invoice-templates", TEMPLATE("t1", "{\"unlim\":{}}"), 410, "InvoiceTemplateRemoved");
    banked_close(&banked);
}

/* If it fails, an invoice made from a template differs from it, or cannot be paid. */
Test(api_templates, invoices_are_made_and_paid, .timeout = 60)
{
    struct banked banked;
    json_t *json;

    banked_open(&banked, NULL);
    json_decref(banked_must(&banked, "POST", "/v1/invoice-templates", TEMPLATE("t2", "{\"unlim\":{}}"), 201));
    banked_refused(&banked, "POST", "/v1/invoice-templates/t2/invoices", "{\"id\":\"inv\"}", 400, "InvalidRequest");
    json = banked_must(&banked, "POST", "/v1/invoice-templates/t2/invoices", "{\"id\":\"inv\",\"cost\":" RUB(42000) "}", 201);
    cr_expect_str_eq(banked_text(json, "invoice.template_id"), "t2");
    cr_expect_str_eq(banked_text(json, "invoice.cost.amount"), "42000");
    cr_expect_str_eq(banked_text(json, "invoice.context.data"), "ZGVmYXVsdA==");
    cr_expect_str_eq(banked_text(json, "invoice.details.cart.lines.0.price.amount"), "42000");
    json_decref(json);
    banked_refused(&banked, "POST", "/v1/invoice-templates/t2/invoices", "{\"id\":\"inv\",\"cost\":" RUB(70) "}", 409, "IdReused");
    json = banked_must(&banked, "POST", "/v1/invoice-templates/t2/invoices", "{\"id\":\"inv\",\"cost\":" RUB(42000) "}", 200);
    cr_expect_str_eq(banked_text(json, "invoice.cost.amount"), "42000", "a known id answers the invoice as it is");
    json_decref(json);
    json = banked_pay(&banked, "inv", "no_preauth", "");
    cr_expect_str_eq(banked_text(json, "payment.status"), "captured");
    json_decref(json);
    banked_close(&banked);
}

/* If it fails, consumers of the feed do not hear of templates, or take them for invoices. */
Test(api_templates, the_feed_tells_of_them, .timeout = 60)
{
    struct banked banked;
    json_t *json, *event;
    size_t i, found = 0;

    banked_open(&banked, NULL);
    json_decref(banked_must(&banked, "POST", "/v1/invoice-templates", TEMPLATE("t3", "{\"unlim\":{}}"), 201));
    json_decref(banked_must(&banked, "DELETE", "/v1/invoice-templates/t3", NULL, 200));
    json_decref(banked_invoice(&banked, "t3")); /* an invoice of the same id is another machine */
    json = banked_must(&banked, "GET", "/v1/feed", NULL, 200);
    json_array_foreach(json_object_get(json, "events"), i, event) {
        if (strcmp(banked_text(event, "source"), "invoice_template_id") != 0)
            continue;
        cr_expect_str_eq(banked_text(event, "source.invoice_template_id"), "t3@party-acme");
        cr_expect_str_eq(banked_text(event, "payload.invoice_template_changes.0"),
                         found++ ? "invoice_template_deleted" : "invoice_template_created");
    }
    cr_expect_eq(found, 2);
    cr_expect_eq(json_array_size(json_object_get(json, "events")), 3);
    json_decref(json);
    banked_close(&banked);
}

/* If it fails, mistakes pass, or have other words than promised. */
Test(api_templates, refusals, .timeout = 60)
{
    struct banked banked;

    banked_open(&banked, NULL);
    banked_refused(&banked, "GET", "/v1/invoice-templates/Watsthat", NULL, 404, "InvoiceTemplateNotFound");
    banked_refused(&banked, "PATCH", "/v1/invoice-templates/Watsthat", "{}", 404, "InvoiceTemplateNotFound");
    banked_refused(&banked, "DELETE", "/v1/invoice-templates/Watsthat", NULL, 404, "InvoiceTemplateNotFound");
    banked_refused(&banked, "POST", "/v1/invoice-templates/Watsthat/invoices", "{\"id\":\"i\"}", 404, "InvoiceTemplateNotFound");
    banked_refused(&banked, "POST", "/v1/invoice-templates", TEMPLATE("t", "{\"fixed\":" RUB(-100) "}"), 400, "InvalidRequest");
    banked_refused(&banked, "POST", "/v1/invoice-templates", TEMPLATE("t", "{}"), 400, "InvalidRequest");
    banked_refused(&banked, "GET", "/v1/invoice-templates/t", NULL, 404, "InvoiceTemplateNotFound");
    banked_refused(&banked, "GET", "/v1/invoices/t", NULL, 404, "InvoiceNotFound");
    banked_close(&banked);
}

static int as(const struct banked *banked, const char *who, const char *method, const char *path, const char *body)
{
    return banked_ask(banked, method, path, who, body, NULL);
}

/* If it fails, one party reads, changes or uses another's templates. */
Test(api_templates, templates_are_their_partys_own, .timeout = 60)
{
    static const char tokens[] =
        "[{\"name\":\"acme\",\"token\":\"merchant-acme-token\",\"role\":\"merchant\",\"party_id\":\"party-acme\"},"
        "{\"name\":\"globex\",\"token\":\"merchant-globex-token\",\"role\":\"merchant\",\"party_id\":\"party-globex\"},"
        "{\"name\":\"look\",\"token\":\"reader-of-all-token\",\"role\":\"reader\"},"
        "{\"name\":\"ops\",\"token\":\"operator-of-all-token\",\"role\":\"operator\"}]";
    char path[] = "/tmp/sluice-tokens-XXXXXX", option[64];
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    struct banked banked;

    cr_assert(file);
    fputs(tokens, file);
    fclose(file);
    snprintf(option, sizeof(option), "--tokens=%s", path);
    banked_open(&banked, option);
    banked_configure_take(&banked, OPERATOR, banked_domain(&banked));
    cr_expect_eq(as(&banked, OTHER, "POST", "/v1/invoice-templates", TEMPLATE("t", "{\"unlim\":{}}")), 403);
    cr_expect_eq(as(&banked, READER, "POST", "/v1/invoice-templates", TEMPLATE("t", "{\"unlim\":{}}")), 403);
    cr_expect_eq(as(&banked, MERCHANT, "POST", "/v1/invoice-templates", TEMPLATE("t", "{\"unlim\":{}}")), 201);
    cr_expect_eq(as(&banked, MERCHANT, "GET", "/v1/invoice-templates/t", NULL), 200);
    cr_expect_eq(as(&banked, READER, "GET", "/v1/invoice-templates/t", NULL), 200);
    cr_expect_eq(as(&banked, OTHER, "GET", "/v1/invoice-templates/t", NULL), 404);
    cr_expect_eq(as(&banked, OTHER, "GET", "/v1/invoice-templates/t/terms", NULL), 404);
    cr_expect_eq(as(&banked, OTHER, "PATCH", "/v1/invoice-templates/t", "{\"name\":\"mine\"}"), 404);
    cr_expect_eq(as(&banked, OTHER, "DELETE", "/v1/invoice-templates/t", NULL), 404);
    cr_expect_eq(as(&banked, OTHER, "POST", "/v1/invoice-templates/t/invoices", "{\"id\":\"i\",\"cost\":" RUB(42000) "}"), 404);
    cr_expect_eq(as(&banked, MERCHANT, "PATCH", "/v1/invoice-templates/t", "{\"name\":\"mine\"}"), 200);
    cr_expect_eq(as(&banked, MERCHANT, "POST", "/v1/invoice-templates/t/invoices", "{\"id\":\"i\",\"cost\":" RUB(42000) "}"), 201);
    cr_expect_eq(as(&banked, OTHER, "GET", "/v1/parties/party-acme/customers/c", NULL), 404);
    cr_expect_eq(as(&banked, MERCHANT, "GET", "/v1/card-tokens?party_id=party-acme&card=c", NULL), 403);
    cr_expect_eq(as(&banked, MERCHANT, "POST", "/v1/invoices/i/payments/register", "{}"), 403);
    cr_expect_eq(as(&banked, MERCHANT, "DELETE", "/v1/invoice-templates/t", NULL), 200);
    banked_close(&banked);
    remove(path);
}

#define COST_BELOW(N) "{\"condition\":{\"cost_in\":{\"lower\":{\"inclusive\":" RUB(0) "},\"upper\":{\"exclusive\":" RUB(N) "}}}}"

/* ComputeTerms of an invoice: what its cost decides is decided, and only the owner and those who may read see it. If it
 * fails, a merchant is told of other terms than his payment will have. */
Test(api_templates, an_invoice_tells_its_terms, .timeout = 60)
{
    struct banked banked;
    json_t *domain, *json;

    banked_open(&banked, NULL);
    domain = banked_domain(&banked);
    banked_set(domain, "term_set_hierarchy", "{\"id\":1}", "term_set.payments.attempt_limit",
               "{\"decisions\":[{\"if_\":" COST_BELOW(42001) ",\"then_\":{\"value\":{\"attempts\":7}}},"
               "{\"if_\":{\"constant\":true},\"then_\":{\"value\":{\"attempts\":3}}}]}");
    banked_configure_take(&banked, NULL, domain);
    json_decref(banked_invoice(&banked, "small"));
    json = banked_must(&banked, "GET", "/v1/invoices/small/terms", NULL, 200);
    cr_expect_str_eq(banked_text(json, "payments.attempt_limit.value.attempts"), "7");
    json_decref(json);
    json_decref(banked_must(&banked, "POST", "/v1/invoices",
                            "{\"id\":\"large\",\"party_id\":\"party-acme\",\"shop_id\":\"shop-acme-books\",\"details\":{\"product\":\"p\"},"
                            "\"due\":\"2030-01-01T00:00:00Z\",\"cost\":" RUB(42001) ",\"context\":{\"type\":\"t\",\"data\":\"\"}}", 201));
    json = banked_must(&banked, "GET", "/v1/invoices/large/terms", NULL, 200);
    cr_expect_str_eq(banked_text(json, "payments.attempt_limit.value.attempts"), "3");
    json_decref(json);
    banked_refused(&banked, "GET", "/v1/invoices/nobody/terms", NULL, 404, "InvoiceNotFound");
    banked_close(&banked);
}

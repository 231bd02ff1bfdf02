/* Ids that callers choose: the same content again is the object that is there, other content is refused with the places
 * that differ. A real sluiced and a real bank. Ref: doc/spec/api.md 8. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "support/banked.h"
#include "support/http.h"

#define RUB(N) "{\"amount\":" #N ",\"currency\":{\"symbolic_code\":\"RUB\"}}"
#define USD(N) "{\"amount\":" #N ",\"currency\":{\"symbolic_code\":\"USD\"}}"

static struct banked banked;

struct row {
    const char *body;
    const char *differs; /* places with blanks between; NULL: it is the same */
};

/* Fails the test unless BODY to PATH is answered as ROW says; STATUS: of the one that is there. */
static void expect_row(const char *path, const struct row *row, int status)
{
    json_t *answer, *place;
    struct buf places = BUF_EMPTY;
    int got = banked_ask(&banked, "POST", path, NULL, row->body, &answer);
    size_t i;

    if (!row->differs) {
        cr_expect_eq(got, status, "%s: %d", row->body, got);
    } else {
        cr_expect_eq(got, 409, "%s: %d", row->body, got);
        cr_expect_str_eq(banked_text(answer, "error"), "IdReused", "%s", row->body);
        json_array_foreach(json_object_get(answer, "differs"), i, place)
            buf_printf(&places, "%s%s", i ? " " : "", json_string_value(place));
        cr_expect_str_eq(buf_text(&places), row->differs, "%s: %s", row->body, buf_text(&places));
    }
    buf_clear(&places);
    json_decref(answer);
}

/* The first of ROWS makes the object (MADE), and each is then compared with it; nothing of it is stored. */
static void expect_rows(const char *path, const struct row *rows, size_t count, int made, int status)
{
    char *before, *after;
    size_t i;

    json_decref(banked_must(&banked, "POST", path, rows[0].body, made));
    before = daemon_fixture_digest(&banked.daemon);
    for (i = 0; i < count; i++)
        expect_row(path, &rows[i], status);
    after = daemon_fixture_digest(&banked.daemon);
    cr_expect_str_eq(before, after);
    free(before);
    free(after);
}

#define INVOICE(MEMBERS) "{\"id\":\"a\",\"party_id\":\"party-acme\",\"shop_id\":\"shop-acme-books\"" MEMBERS "}"
#define BOOK ",\"details\":{\"product\":\"A book\",\"description\":\"d\"}"
#define LINE(PRICE, META) "{\"product\":\"p\",\"quantity\":1,\"price\":" PRICE ",\"metadata\":" META "}"
#define CART(PRICE, META) ",\"details\":{\"product\":\"A book\",\"cart\":{\"lines\":[" LINE(PRICE, META) "]}}"
#define DUE ",\"due\":\"2030-01-01T00:00:00Z\""
#define COST(CASH) ",\"cost\":" CASH
#define CONTEXT ",\"context\":{\"type\":\"text/plain\",\"data\":\"ZGVtbw==\"}"
#define MUTATION(DEVIATION, DIRECTION) \
    ",\"mutations\":[{\"amount\":{\"randomization\":{\"deviation\":" #DEVIATION ",\"precision\":0,\"direction\":\"" DIRECTION "\"}}}]"

/* If it fails, a merchant believes that an invoice over another amount is his. */
Test(api_repeat, invoices, .timeout = 60)
{
    static const struct row rows[] = {
        { INVOICE(BOOK DUE COST(RUB(42000)) CONTEXT ",\"external_id\":\"e\""), NULL },
        { INVOICE(CONTEXT ",\"external_id\":\"e\"" COST(RUB(42000)) BOOK DUE), NULL },
        { INVOICE(BOOK DUE COST(RUB(42001)) CONTEXT ",\"external_id\":\"e\""), "/cost/amount" },
        { INVOICE(",\"details\":{\"product\":\"Two\"}" DUE COST(RUB(42000)) CONTEXT ",\"external_id\":\"e\""),
          "/details/product /details/description" },
        { INVOICE(BOOK ",\"due\":\"2030-01-01T00:00:01Z\"" COST(RUB(42000)) CONTEXT ",\"external_id\":\"f\""),
          "/due /external_id" },
        { INVOICE(BOOK DUE COST(RUB(42000)) ",\"context\":{\"type\":\"text/plain\",\"data\":\"ZGVtbzI=\"}"),
          "/context/data /external_id" },
        { INVOICE(BOOK DUE COST(RUB(42000)) CONTEXT ",\"external_id\":\"e\",\"client_info\":{\"trust_level\":\"well_known\"}"),
          "/client_info" },
        { INVOICE(BOOK DUE COST(RUB(42000)) CONTEXT ",\"external_id\":\"e\"" MUTATION(5, "both")), "/mutations" },
    };

    banked_open(&banked, NULL);
    expect_rows("/v1/invoices", rows, SL_COUNT(rows), 201, 200);
    banked_close(&banked);
}

/* The same where the amount that is stored is not the one that was sent. */
Test(api_repeat, randomised_invoices, .timeout = 60)
{
    static const struct row rows[] = {
        { INVOICE(CART(RUB(42000), "{\"x\":1,\"y\":2}") DUE COST(RUB(42000)) CONTEXT MUTATION(500, "upward")), NULL },
        { INVOICE(CART(RUB(42000), "{\"y\":2,\"x\":1}") DUE COST(RUB(42000)) CONTEXT MUTATION(500, "upward")), NULL },
        { INVOICE(CART(RUB(42000), "{\"x\":1,\"y\":3}") DUE COST(RUB(42000)) CONTEXT MUTATION(500, "upward")),
          "/details/cart/lines/0/metadata/y" },
        { INVOICE(CART(RUB(41000), "{\"x\":1,\"y\":2}") DUE COST(RUB(41000)) CONTEXT MUTATION(500, "upward")),
          "/cost/amount /mutations" },
        { INVOICE(CART(RUB(42000), "{\"x\":1,\"y\":2}") DUE COST(RUB(42000)) CONTEXT), "/mutations" },
        { INVOICE(CART(RUB(42000), "{\"x\":1,\"y\":2}") DUE COST(RUB(42000)) CONTEXT MUTATION(500, "upward")), NULL },
    };

    banked_open(&banked, NULL);
    expect_rows("/v1/invoices", rows, SL_COUNT(rows), 201, 200);
    banked_close(&banked);
}

#define TEMPLATE(ID, PRICE) \
    "{\"template_id\":\"" ID "\",\"party_id\":\"party-acme\",\"shop_id\":\"shop-acme-books\",\"invoice_lifetime\":{\"months\":1}," \
    "\"product\":\"duck\",\"details\":{\"product\":{\"product\":\"duck\",\"price\":" PRICE ",\"metadata\":{}}}" CONTEXT "}"

/* The same for invoices of templates, and for templates until somebody updates them. */
Test(api_repeat, templates_and_their_invoices, .timeout = 60)
{
    static const struct row templates[] = {
        { TEMPLATE("t", "{\"unlim\":{}}"), NULL },
        { TEMPLATE("t", "{\"fixed\":" RUB(5000) "}"), "/details/product/price" },
    };
    static const struct row rows[] = {
        { "{\"id\":\"b\",\"cost\":" RUB(42000) ",\"external_id\":\"e\"}", NULL },
        { "{\"id\":\"b\",\"cost\":" RUB(70) ",\"external_id\":\"e\"}", "/cost/amount" },
        { "{\"id\":\"b\",\"cost\":" RUB(42000) "}", "/external_id" },
        { "{\"id\":\"b\",\"cost\":" RUB(42000) ",\"external_id\":\"e\",\"context\":{\"type\":\"text/plain\",\"data\":\"\"}}",
          "/context/data" },
    };
    static const struct row fixed[] = {
        { "{\"id\":\"c\",\"cost\":" RUB(5000) "}", NULL },
        { "{\"id\":\"c\"}", NULL }, /* what is left to the template is not compared */
        { "{\"id\":\"c\",\"external_id\":\"e\"}", "/external_id" },
    };
    static const struct row other[] = {
        { "{\"id\":\"b\",\"cost\":" RUB(42000) ",\"external_id\":\"e\"}", "/template_id" },
    };
    static const struct row plain[] = {
        { "{\"id\":\"b\",\"party_id\":\"party-acme\",\"shop_id\":\"shop-acme-books\"" BOOK DUE COST(RUB(42000)) CONTEXT "}",
          "/details/product /details/description /details/cart /due /external_id /template_id" },
    };

    banked_open(&banked, NULL);
    expect_rows("/v1/invoice-templates", templates, SL_COUNT(templates), 201, 200);
    json_decref(banked_must(&banked, "POST", "/v1/invoice-templates", TEMPLATE("u", "{\"unlim\":{}}"), 201));
    expect_rows("/v1/invoice-templates/t/invoices", rows, SL_COUNT(rows), 201, 200);
    json_decref(banked_must(&banked, "POST", "/v1/invoice-templates", TEMPLATE("v", "{\"fixed\":" RUB(5000) "}"), 201));
    expect_rows("/v1/invoice-templates/v/invoices", fixed, SL_COUNT(fixed), 201, 200);
    expect_row("/v1/invoice-templates/u/invoices", other, 200);
    expect_row("/v1/invoices", plain, 200);
    json_decref(banked_must(&banked, "PATCH", "/v1/invoice-templates/t", "{\"name\":\"n\"}", 200));
    json_decref(banked_must(&banked, "POST", "/v1/invoice-templates", templates[0].body, 200));
    expect_row("/v1/invoice-templates/t/invoices", &rows[0], 200);
    banked_close(&banked);
}

#define CARD(TOKEN, EMAIL) \
    "{\"payment_resource\":{\"resource\":{\"payment_tool\":{\"bank_card\":{\"token\":\"" TOKEN "\",\"payment_system\":" \
    "{\"id\":\"VISA\"},\"bin\":\"424242\",\"last_digits\":\"4242\"}}},\"contact_info\":{\"email\":\"" EMAIL "\"}}}"
#define START(CARD, FLOW, MORE) "{\"id\":\"p\",\"payer\":" CARD ",\"flow\":" FLOW MORE "}"
#define HOLD "{\"hold\":{\"on_hold_expiration\":\"cancel\"}}"
#define REGISTER(CARD, TERMINAL, TRX, MORE) \
    "{\"id\":\"p\",\"payer_params\":" CARD ",\"route\":{\"provider\":{\"id\":1},\"terminal\":{\"id\":" TERMINAL "}}," \
    "\"transaction_info\":{\"id\":\"" TRX "\",\"extra\":{}}" MORE "}"

/* If it fails, a payer's second payment with another card looks like his first one. */
Test(api_repeat, payments, .timeout = 60)
{
    static const struct row rows[] = {
        { START(CARD("no_preauth", "a@b.c"), HOLD, ",\"external_id\":\"e\""), NULL },
        { START(CARD("no_preauth", "a@b.c"), HOLD, ",\"external_id\":\"e\",\"make_recurrent\":false"), NULL },
        { START(CARD("empty_cvv", "a@b.d"), HOLD, ",\"external_id\":\"e\""),
          "/payer/payment_resource/resource/payment_tool/bank_card/token /payer/payment_resource/contact_info/email" },
        { START(CARD("no_preauth", "a@b.c"), "{\"instant\":{}}", ""), "/flow /external_id" },
        { START(CARD("no_preauth", "a@b.c"), HOLD, ",\"external_id\":\"e\",\"customer_id\":\"c\""), "/customer_id" },
    };
    static const struct row registered[] = {
        { REGISTER(CARD("no_preauth", "a@b.c"), "1", "T1", ",\"occurred_at\":\"2026-01-01T00:00:00Z\""), "/external_id /registration_origin" },
    };
    static const struct row of_bank[] = {
        { REGISTER(CARD("no_preauth", "a@b.c"), "1", "T1", ",\"cost\":" RUB(42000)), NULL },
        { REGISTER(CARD("no_preauth", "a@b.c"), "1", "T1", ""), NULL }, /* the invoice's cost */
        { REGISTER(CARD("no_preauth", "a@b.d"), "1", "T2", ",\"cost\":" RUB(4200)),
          "/payer_params/payment_resource/contact_info/email /transaction_info/id /cost/amount" },
        { REGISTER(CARD("no_preauth", "a@b.c"), "1", "T1", ",\"risk_score\":\"high\",\"recurrent_token\":\"r\""),
          "/risk_score /recurrent_token" },
    };
    static const struct row started[] = { { START(CARD("no_preauth", "a@b.c"), "{\"instant\":{}}", ""), "/registration_origin" } };

    banked_open(&banked, NULL);
    json_decref(banked_invoice(&banked, "one"));
    json_decref(banked_must(&banked, "POST", "/v1/invoices/one/payments?wait=20", rows[0].body, 202));
    expect_rows("/v1/invoices/one/payments", rows, SL_COUNT(rows), 202, 202);
    expect_row("/v1/invoices/one/payments/register", registered, 202);
    json_decref(banked_invoice(&banked, "two"));
    json_decref(banked_must(&banked, "POST", "/v1/invoices/two/payments/register?wait=20", of_bank[0].body, 202));
    expect_rows("/v1/invoices/two/payments/register", of_bank, SL_COUNT(of_bank), 202, 202);
    expect_row("/v1/invoices/two/payments", started, 202);
    banked_close(&banked);
}

#define TRX(ID) ",\"transaction_info\":{\"id\":\"" ID "\",\"extra\":{}}"

/* If it fails, a refund of another amount is taken for one that was made. */
Test(api_repeat, refunds, .timeout = 60)
{
    static const struct row rows[] = {
        { "{\"id\":\"r\",\"cash\":" RUB(10000) ",\"reason\":\"broken\"}", NULL },
        { "{\"id\":\"r\",\"cash\":" RUB(10001) ",\"reason\":\"broken\"}", "/cash/amount" },
        { "{\"id\":\"r\",\"reason\":\"lost\"}", "/cash/amount /reason" },
        { "{\"id\":\"r\",\"cash\":" USD(10000) ",\"external_id\":\"e\"}", "/cash/currency/symbolic_code /reason /external_id" },
        { "{\"id\":\"r\",\"cash\":" RUB(10000) ",\"reason\":\"broken\",\"cart\":{\"lines\":[" LINE(RUB(32000), "{}") "]}}", "/cart" },
    };
    static const struct row manual[] = {
        { "{\"id\":\"r\",\"cash\":" RUB(2000) TRX("x") "}", NULL }, /* "mr" */
        { "{\"id\":\"mr\",\"cash\":" RUB(2000) TRX("x") "}", NULL },
        { "{\"id\":\"mr\",\"cash\":" RUB(2000) "}", "/transaction_info" },
        { "{\"id\":\"mr\",\"cash\":" RUB(2000) TRX("y") "}", "/transaction_info/id" },
    };
    static const struct row rest[] = {
        { "{\"id\":\"rest\"}", NULL },
        { "{\"id\":\"rest\",\"cash\":" RUB(30000) "}", NULL }, /* that is what remained */
        { "{\"id\":\"rest\",\"cash\":" RUB(29999) "}", "/cash/amount" },
    };
    static const char path[] = "/v1/invoices/one/payments/1/refunds", by_hand[] = "/v1/invoices/one/payments/1/manual-refunds";

    banked_open(&banked, NULL);
    json_decref(banked_invoice(&banked, "two"));
    json_decref(banked_pay(&banked, "two", "no_preauth/2", NULL)); /* the merchant has more than this payment's money */
    json_decref(banked_invoice(&banked, "one"));
    json_decref(banked_pay(&banked, "one", "no_preauth", NULL));
    json_decref(banked_must(&banked, "POST", "/v1/invoices/one/payments/1/refunds?wait=20", rows[0].body, 202));
    expect_rows(path, rows, SL_COUNT(rows), 202, 202);
    json_decref(banked_must(&banked, "POST", "/v1/invoices/one/payments/1/manual-refunds?wait=20", manual[0].body, 202));
    expect_rows(by_hand, manual, SL_COUNT(manual), 202, 202);
    json_decref(banked_must(&banked, "POST", "/v1/invoices/one/payments/1/refunds?wait=20", rest[0].body, 202));
    expect_rows(path, rest, SL_COUNT(rest), 202, 202);
    banked_close(&banked);
}

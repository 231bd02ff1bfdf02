/* Invoice templates: doc/spec/invoice.md 9, and invoices made from them: section 5. */
#include <criterion/criterion.h>
#include <string.h>

#include "payment/errors.h"
#include "payment/kind.h"
#include "payment/state.h"
#include "payment/template.h"
#include "support/domain_doc.h"
#include "support/machine_driver.h"

#define CASH(N, CUR) "{\"amount\":" #N ",\"currency\":{\"symbolic_code\":\"" CUR "\"}}"
#define FIXED(N, CUR) PRODUCT("{\"fixed\":" CASH(N, CUR) "}")
#define RANGE(LOW, A, LCUR, UP, B, UCUR) \
    PRODUCT("{\"range\":{\"lower\":{\"" LOW "\":" CASH(A, LCUR) "},\"upper\":{\"" UP "\":" CASH(B, UCUR) "}}}")
#define UNLIM PRODUCT("{\"unlim\":{}}")
#define PRODUCT(PRICE) "{\"product\":{\"product\":\"duck\",\"price\":" PRICE ",\"metadata\":{\"k\":[1]}}}"
#define LINE(N, QUANTITY, CUR) \
    "{\"product\":\"line\",\"quantity\":" #QUANTITY ",\"price\":" CASH(N, CUR) ",\"metadata\":{}}"
#define CART(LINES) "{\"cart\":{\"lines\":[" LINES "]}}"
#define RANDOM "[{\"amount\":{\"randomization\":{\"deviation\":1000,\"precision\":2,\"direction\":\"both\"}}}]"
#define BLOCKED_JSON "{\"blocked\":{\"reason\":\"x\",\"since\":\"2024-01-01T00:00:00Z\"}}"
#define SUSPENDED_JSON "{\"suspended\":{\"since\":\"2024-01-01T00:00:00Z\"}}"

static struct machine_driver driver;
static struct domain *domain;

static void configure(const char *kind, const char *ref, const char *path, const char *value)
{
    json_t *doc = doc_load();

    if (kind)
        doc_set(doc, kind, ref, path, value);
    domain_free(domain);
    domain = doc_domain_take(doc, driver.arena);
    driver.head = domain;
}

static void begin(void)
{
    domain = NULL;
    machine_driver_init(&driver, &template_kind, "t");
    configure(NULL, NULL, NULL, NULL);
}

static void end(void)
{
    domain_free(domain);
    machine_driver_clear(&driver);
}

TestSuite(template, .init = begin, .fini = end);

/* MORE: further members. */
static enum step_end create_with(const char *shop, const char *details, const char *more)
{
    static const char params[] =
        "{\"template_id\":\"t\",\"party_id\":\"party-acme\",\"shop_id\":\"%s\",\"invoice_lifetime\":{\"days\":2},"
        "\"product\":\"duck\",\"details\":%s,\"context\":{\"type\":\"text/plain\",\"data\":\"ZGVmYXVsdA==\"}%s}";
    struct template_params *args = arena_alloc(driver.arena, sizeof(*args));

    must_decode(&type_template_params, arena_printf(driver.arena, params, shop, details, more), driver.arena, args);
    return machine_driver_input(&driver, IN_INIT, args);
}

static enum step_end create(const char *details)
{
    return create_with("shop-acme-books", details, "");
}

static enum step_end update(const char *diff)
{
    struct template_call *call = arena_alloc(driver.arena, sizeof(*call));

    call->kind = TEMPLATE_UPDATE;
    must_decode(&type_template_update, diff, driver.arena, &call->update);
    return machine_driver_input(&driver, IN_CALL, call);
}

static enum step_end delete(void)
{
    struct template_call *call = arena_alloc(driver.arena, sizeof(*call));

    call->kind = TEMPLATE_DELETE;
    return machine_driver_input(&driver, IN_CALL, call);
}

static const struct invoice_template *template(void)
{
    return &((const struct template_state *)driver.state)->invoice_template;
}

static const char *refusal_of(const struct machine_driver *machine)
{
    const struct call_error *error = machine->reply;
    const char *const *texts = error ? error->errors.items : NULL;

    if (machine->end != STEP_REFUSED)
        return machine->reason ? machine->reason : "not refused";
    return arena_printf(machine->arena, "%s%s%s", call_error_name(error->kind), texts ? ": " : "", texts ? texts[0] : "");
}

/* If it fails, a template is kept that no invoice can ever be made from, or a good one is turned away. */
Test(template, details_are_checked)
{
    static const struct {
        const char *details, *refusal; /* NULL: taken */
    } rows[] = {
        { FIXED(-100, "RUB"), "InvalidRequest: Invalid amount" },
        { FIXED(0, "RUB"), "InvalidRequest: Invalid amount" },
        { FIXED(100, "KEK"), "InvalidRequest: Invalid currency" },
        { FIXED(42, "RUB"), NULL },
        { RANGE("exclusive", 100, "RUB", "exclusive", 100, "RUB"), "InvalidRequest: Invalid cost range" },
        { RANGE("inclusive", 10000, "RUB", "inclusive", 100, "RUB"), "InvalidRequest: Invalid cost range" },
        { RANGE("inclusive", 100, "RUB", "inclusive", 10000, "KEK"), "InvalidRequest: Invalid cost range" },
        { RANGE("inclusive", 100, "KEK", "inclusive", 10000, "KEK"), "InvalidRequest: Invalid currency" },
        { RANGE("inclusive", -100, "RUB", "inclusive", 100, "RUB"), "InvalidRequest: Invalid amount" },
        { RANGE("inclusive", 100, "RUB", "exclusive", 100, "RUB"), NULL },
        { RANGE("inclusive", 42, "RUB", "inclusive", 42, "RUB"), NULL },
        { RANGE("inclusive", 42, "RUB", "inclusive", 100, "RUB"), NULL },
        { UNLIM, NULL },
        { CART(LINE(-5, 3, "KEK")), NULL },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        cr_expect_eq(create(rows[i].details), rows[i].refusal ? STEP_REFUSED : STEP_OK, "%s: %s", rows[i].details,
                     refusal_of(&driver));
        if (rows[i].refusal)
            cr_expect_str_eq(refusal_of(&driver), rows[i].refusal, "%s: %s", rows[i].details, refusal_of(&driver));
        end();
        begin();
    }
}

/* If it fails, amounts of several lines would be mutated as if they were one. */
Test(template, mutations_need_one_line_of_one)
{
    static const char refusal[] =
        "InvalidRequest: Amount mutation with multiline cart or multiple items in a line is not allowed";

    cr_expect_eq(create_with("shop-acme-books", CART(LINE(1, 2, "RUB")), ",\"mutations\":" RANDOM), STEP_REFUSED);
    cr_expect_str_eq(refusal_of(&driver), refusal);
    cr_expect_eq(create_with("shop-acme-books", CART(LINE(1, 1, "RUB")), ",\"mutations\":" RANDOM), STEP_OK);
    cr_expect_eq(template()->mutations.count, 1);
    cr_expect_eq(update("{\"details\":" CART(LINE(1, 1, "RUB") "," LINE(1, 1, "RUB")) "}"), STEP_REFUSED,
                 "the mutations that are there count, too");
    cr_expect_str_eq(refusal_of(&driver), refusal);
    cr_expect_eq(update("{\"mutations\":[]}"), STEP_OK);
    cr_expect_eq(update("{\"details\":" CART(LINE(1, 1, "RUB") "," LINE(1, 1, "RUB")) "}"), STEP_OK);
    cr_expect_eq(update("{\"mutations\":" RANDOM "}"), STEP_REFUSED, "the cart that is there counts, too");
}

/* If it fails, who is stopped goes on making templates. */
Test(template, owners_must_be_operable)
{
    static const char acme[] = "{\"id\":\"party-acme\"}", books[] = "{\"id\":\"shop-acme-books\"}";
    static const struct {
        const char *kind, *ref, *path, *value, *refusal;
    } rows[] = {
        { "party_config", acme, "/data/suspension", SUSPENDED_JSON, "InvalidPartyStatus" },
        { "party_config", acme, "/data/block", BLOCKED_JSON, "InvalidPartyStatus" },
        { "shop_config", books, "/data/suspension", SUSPENDED_JSON, "InvalidShopStatus" },
        { "shop_config", books, "/data/block", BLOCKED_JSON, "InvalidShopStatus" },
    };
    size_t i;

    cr_expect_eq(create_with("42", UNLIM, ""), STEP_REFUSED);
    cr_expect_str_eq(refusal_of(&driver), "ShopNotFound");
    for (i = 0; i < SL_COUNT(rows); i++) {
        configure(rows[i].kind, rows[i].ref, rows[i].path, rows[i].value);
        cr_expect_eq(create(UNLIM), STEP_REFUSED);
        cr_expect_str_eq(refusal_of(&driver), rows[i].refusal);
        configure(NULL, NULL, NULL, NULL);
        cr_assert_eq(create(UNLIM), STEP_OK);
        configure(rows[i].kind, rows[i].ref, rows[i].path, rows[i].value);
        cr_expect_eq(update("{\"name\":\"n\"}"), STEP_REFUSED);
        cr_expect_str_eq(refusal_of(&driver), rows[i].refusal);
        cr_expect_eq(delete(), STEP_REFUSED);
        cr_expect_str_eq(refusal_of(&driver), rows[i].refusal);
        end();
        begin();
    }
}

/* If it fails, an update touches what it does not name, or leaves what it names. */
Test(template, an_update_replaces_what_it_names)
{
    struct invoice_template before;

    cr_assert_eq(create_with("shop-acme-books", FIXED(5000, "RUB"), ",\"name\":\"n\",\"description\":\"d\""), STEP_OK);
    before = *template();
    cr_assert_eq(update("{\"product\":\"bear\",\"invoice_lifetime\":{\"years\":10,\"months\":32,\"days\":51},\"details\":" UNLIM "}"),
                 STEP_OK);
    cr_expect_str_eq(template()->product, "bear");
    cr_expect_eq(*template()->invoice_lifetime.months, 32);
    cr_expect_eq(template()->details.product.price.tag, PRICE_UNLIM);
    cr_expect_str_eq(template()->name, "n");
    before.product = template()->product;
    before.invoice_lifetime = template()->invoice_lifetime;
    before.details = template()->details;
    cr_expect(type_equal(&type_invoice_template, &before, template()), "all else is as it was");
    cr_assert_eq(update("{\"details\":" CART(LINE(1000, 2, "RUB") "," LINE(10000, 1, "RUB")) "}"), STEP_OK);
    cr_expect_eq(template()->details.cart.lines.count, 2);
    cr_expect_eq(update("{\"details\":" FIXED(-100, "RUB") "}"), STEP_REFUSED);
    cr_expect_eq(driver.event_count, 3);
}

/* If it fails, a removed template lives on, or its id tells nothing of what was. */
Test(template, a_removed_one_takes_nothing_more)
{
    cr_assert_eq(create(UNLIM), STEP_OK);
    cr_assert_eq(delete(), STEP_OK);
    cr_expect_eq(update("{\"name\":\"n\"}"), STEP_REFUSED);
    cr_expect_str_eq(refusal_of(&driver), "InvoiceTemplateRemoved");
    cr_expect_eq(delete(), STEP_REFUSED);
    cr_expect_str_eq(refusal_of(&driver), "InvoiceTemplateRemoved");
    cr_expect(template_kind.label(driver.state).finished);
}

/* If it fails, a snapshot says something else than the history it stands for. */
Test(template, a_snapshot_is_the_state)
{
    struct template_state again;

    cr_assert_eq(create_with("shop-acme-books", RANGE("inclusive", 1, "RUB", "exclusive", 5, "RUB"),
                             ",\"mutations\":" RANDOM), STEP_OK);
    must_decode(&type_template_state, encoded(&type_template_state, driver.state, driver.arena), driver.arena, &again);
    cr_expect(type_equal(&type_template_state, driver.state, &again));
}

/* ---- terms ---- */

/* If it fails, a merchant is shown terms that are decided by a price that nobody knows yet. */
Test(template, terms_are_decided_as_far_as_the_price_is_known)
{
    static const char by_cost[] =
        "{\"decisions\":[{\"if_\":{\"condition\":{\"cost_in\":{\"lower\":{\"inclusive\":" CASH(0, "RUB") "},\"upper\":{"
        "\"exclusive\":" CASH(10000, "RUB") "}}}},\"then_\":{\"value\":[{\"id\":{\"digital_wallet\":{\"id\":\"QIWI\"}}}]}},"
        "{\"if_\":{\"constant\":true},\"then_\":{\"value\":[]}}]}";
    struct term_set terms;

    configure("term_set_hierarchy", "{\"id\":1}", "/data/term_set/payments/payment_methods", by_cost);
    cr_assert_eq(create(FIXED(5000, "RUB")), STEP_OK);
    cr_assert(template_terms(template(), domain, driver.arena, &terms));
    cr_expect(strstr(encoded(&type_term_set, &terms, driver.arena), "\"payment_methods\":{\"value\":[{\"id\":{\"digital_wallet\""));
    cr_assert_eq(update("{\"details\":" UNLIM "}"), STEP_OK);
    cr_assert(template_terms(template(), domain, driver.arena, &terms));
    cr_expect(strstr(encoded(&type_term_set, &terms, driver.arena), "\"payment_methods\":{\"decisions\""));
}

/* ---- invoices ---- */

/* CreateWithTemplate; COST and CONTEXT are JSON or NULL. */
static enum step_end make(struct machine_driver *invoice, const char *cost, const char *context)
{
    struct template_use *use = arena_alloc(driver.arena, sizeof(*use));
    struct invoice_params *params = arena_alloc(driver.arena, sizeof(*params));
    const char *json = arena_printf(driver.arena, "{\"id\":\"inv\"%s%s%s%s}", cost ? ",\"cost\":" : "", cost ? cost : "",
                                    context ? ",\"context\":" : "", context ? context : "");

    must_decode(&type_template_invoice_params, json, driver.arena, use);
    use->template = template();
    params->id = use->id;
    params->from = use;
    machine_driver_init(invoice, &invoice_kind, "inv");
    invoice->head = domain;
    invoice->now_us = driver.now_us;
    return machine_driver_input(invoice, IN_INIT, params);
}

/* If it fails, an invoice costs something else than its template says. */
Test(template, prices_of_invoices)
{
    static const char within[] = RANGE("inclusive", 100, "RUB", "inclusive", 10000, "RUB");
    static const struct {
        const char *details, *cost;
        int64_t price; /* 0: refused */
        const char *refusal;
    } rows[] = {
        { UNLIM, NULL, 0, "InvalidRequest: Template violation: missing invoice cost" },
        { UNLIM, CASH(7777, "RUB"), 7777, NULL },
        { UNLIM, CASH(100, "KEK"), 0, "InvalidRequest: Invalid currency" },
        { UNLIM, CASH(0, "RUB"), 0, "InvalidRequest: Invalid amount" },
        { FIXED(10000, "RUB"), NULL, 10000, NULL },
        { FIXED(10000, "RUB"), CASH(10000, "RUB"), 10000, NULL },
        { FIXED(10000, "RUB"), CASH(5000, "RUB"), 0, "InvalidRequest: Template violation: cost mismatch" },
        { FIXED(10000, "RUB"), CASH(10000, "KEK"), 0, "InvalidRequest: Template violation: cost mismatch" },
        { FIXED(4200000000, "RUB"), NULL, 0, "InvoiceTermsViolated" },
        { within, NULL, 0, "InvalidRequest: Template violation: missing invoice cost" },
        { within, CASH(10000, "RUB"), 10000, NULL },
        { within, CASH(50, "RUB"), 0, "InvalidRequest: Template violation: invalid amount" },
        { within, CASH(50000, "RUB"), 0, "InvalidRequest: Template violation: invalid amount" },
        { within, CASH(500, "KEK"), 0, "InvalidRequest: Template violation: invalid currency" },
        { RANGE("exclusive", 100, "RUB", "exclusive", 10000, "RUB"), CASH(100, "RUB"), 0,
          "InvalidRequest: Template violation: invalid amount" },
        { CART(LINE(1000, 2, "RUB") "," LINE(10000, 1, "RUB")), CASH(5, "RUB"), 12000, NULL },
        { CART(LINE(1000, 2, "RUB") "," LINE(10000, 1, "KEK")), NULL, 0, "InvalidRequest: Invalid currency" },
        { CART(LINE(900000000000000, 2, "RUB")), NULL, 0, "InvalidRequest: Invalid amount" },
        { CART(LINE(-5, 3, "RUB")), NULL, 0, "InvalidRequest: Invalid amount" },
    };
    struct machine_driver invoice;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        cr_assert_eq(create(rows[i].details), STEP_OK, "%s: %s", rows[i].details, refusal_of(&driver));
        cr_expect_eq(make(&invoice, rows[i].cost, NULL), rows[i].price ? STEP_OK : STEP_REFUSED, "row %zu", i);
        if (rows[i].price)
            cr_expect_eq(((struct invoice_state *)invoice.state)->invoice.cost.amount, rows[i].price, "row %zu", i);
        else
            cr_expect_str_eq(refusal_of(&invoice), rows[i].refusal, "row %zu: %s", i, refusal_of(&invoice));
        machine_driver_clear(&invoice);
        end();
        begin();
    }
}

/* If it fails, an invoice has another owner, content or end than its template gives it. */
Test(template, an_invoice_is_as_its_template_says)
{
    struct machine_driver machine;
    const struct invoice *invoice;
    const struct invoice_line *line;

    driver.now_us = 1706659200123456; /* 2024-01-31T00:00:00.123456Z */
    cr_assert_eq(create_with("shop-acme-books", FIXED(10000, "RUB"), ",\"description\":\"d\""), STEP_OK);
    cr_assert_eq(update("{\"invoice_lifetime\":{\"months\":1,\"hours\":2,\"seconds\":3}}"), STEP_OK);
    cr_assert_eq(make(&machine, NULL, NULL), STEP_OK);
    invoice = &((struct invoice_state *)machine.state)->invoice;
    line = invoice->details.cart->lines.items;
    cr_expect_str_eq(invoice->template_id, "t");
    cr_expect_str_eq(invoice->party_ref.id, "party-acme");
    cr_expect_str_eq(invoice->shop_ref.id, "shop-acme-books");
    cr_expect_str_eq(invoice->details.product, "duck");
    cr_expect_str_eq(invoice->details.description, "d");
    cr_expect_str_eq(invoice->context->data, "ZGVmYXVsdA==");
    cr_expect_eq(invoice->details.cart->lines.count, 1);
    cr_expect(line->quantity == 1 && line->price.amount == 10000 && line->metadata.count == 1);
    cr_expect_eq(invoice->due, 1709172003000000, "2024-02-29T02:00:03Z: %lld", (long long)invoice->due);
    cr_expect_eq(machine.due_ms, invoice->due / 1000 + 1);
    machine_driver_clear(&machine);
    cr_assert_eq(make(&machine, NULL, "{\"type\":\"text/plain\",\"data\":\"b3du\"}"), STEP_OK);
    cr_expect_str_eq(((struct invoice_state *)machine.state)->invoice.context->data, "b3du");
    machine_driver_clear(&machine);
}

/* If it fails, an invoice made from a template escapes its mutations. */
Test(template, mutations_are_handed_down)
{
    struct machine_driver machine;
    const struct invoice *invoice;

    cr_assert_eq(create_with("shop-acme-books", FIXED(10000, "RUB"), ",\"mutations\":" RANDOM), STEP_OK);
    cr_assert_eq(make(&machine, NULL, NULL), STEP_OK);
    invoice = &((struct invoice_state *)machine.state)->invoice;
    cr_expect_eq(invoice->mutations.count, 1);
    cr_expect_eq(((const struct invoice_mutation *)invoice->mutations.items)->amount.original, 10000);
    machine_driver_clear(&machine);
}

/* If it fails, somebody who is stopped goes on making invoices from what was made before. */
Test(template, invoices_need_operable_owners_first)
{
    struct machine_driver machine;

    cr_assert_eq(create(FIXED(10000, "RUB")), STEP_OK);
    configure("shop_config", "{\"id\":\"shop-acme-books\"}", "/data/block", BLOCKED_JSON);
    cr_expect_eq(make(&machine, CASH(5, "RUB"), NULL), STEP_REFUSED);
    cr_expect_str_eq(refusal_of(&machine), "InvalidShopStatus", "before the template is looked at");
    machine_driver_clear(&machine);
}

#include <criterion/criterion.h>
#include <string.h>

#include "engine/fold.h"
#include "payment/calls.h"
#include "support/payment_world.h"

#define NONE { NULL, NULL, NULL, NULL }
#define ACME "party_config", "{\"id\":\"party-acme\"}"
#define BOOKS "shop_config", "{\"id\":\"shop-acme-books\"}"
#define TARIFF "term_set_hierarchy", "{\"id\":1}"
#define BLOCKED "{\"blocked\":{\"reason\":\"x\",\"since\":\"2024-01-01T00:00:00Z\"}}"
#define SUSPENDED "{\"suspended\":{\"since\":\"2024-01-01T00:00:00Z\"}}"
#define RUB(amount) "{\"amount\":" #amount ",\"currency\":{\"symbolic_code\":\"RUB\"}}"
#define LINE(quantity) "{\"product\":\"duck\",\"quantity\":" #quantity ",\"price\":" RUB(100) ",\"metadata\":{}}"
#define CART(lines) ",\"cart\":{\"lines\":[" lines "]}"
#define BY(deviation, direction) \
    ",\"mutations\":[{\"amount\":{\"randomization\":{\"deviation\":" #deviation ",\"precision\":0,\"direction\":\"" direction "\"}}}]"
#define RANGE(lower, upper) "{\"value\":{\"lower\":{\"inclusive\":" RUB(lower) "},\"upper\":{\"inclusive\":" RUB(upper) "}}}"
/* 10..20 for wallets, 100..200 for all else: an invoice has no payment tool yet. */
#define UNDECIDED                                                                                                      \
    "{\"decisions\":[{\"if_\":{\"condition\":{\"payment_tool\":{\"digital_wallet\":{\"definition\":"                 \
    "{\"payment_service_is\":{\"id\":\"QIWI\"}}}}}},\"then_\":" RANGE(10, 20) "},"                                      \
    "{\"if_\":{\"constant\":true},\"then_\":" RANGE(100, 200) "}]}"

static struct payment_world world;

/* A call of Create: what is NULL or 0 is as in a good one. */
struct create {
    const char *party, *shop, *currency, *cart, *more;
    int64_t amount; /* 0: 42000 */
    bool zero;      /* the amount is 0 */
};

/* Makes an invoice anew, with the configuration that the world has now. */
static enum step_end create(const struct create *call)
{
    struct machine_driver *driver = &world.driver;
    struct invoice_params *params = arena_alloc(driver->arena, sizeof(*params));
    struct type_errors errors = { .count = 0 };
    const char *text = arena_printf(
        driver->arena,
        "{\"id\":\"inv\",\"party_id\":\"%s\",\"shop_id\":\"%s\",\"details\":{\"product\":\"duck\"%s},"
        "\"due\":\"2023-11-14T23:13:20.5Z\",\"cost\":{\"amount\":%lld,\"currency\":{\"symbolic_code\":\"%s\"}},"
        "\"context\":{\"type\":\"text/plain\",\"data\":\"\"}%s}",
        call->party ? call->party : "party-acme", call->shop ? call->shop : "shop-acme-books",
        call->cart ? call->cart : "", call->zero ? 0LL : (long long)(call->amount ? call->amount : 42000),
        call->currency ? call->currency : "RUB", call->more ? call->more : "");

    driver->state = machine_state_new(driver->kind, driver->arena);
    driver->version = driver->quiet = driver->due_ms = 0;
    driver->event_count = 0;
    if (type_decode_text(&type_invoice_params, text, strlen(text), 0, driver->arena, params, &errors))
        cr_assert_fail("%s: %s", errors.list[0].path, errors.list[0].message);
    return machine_driver_input(driver, IN_INIT, params);
}

/* Each row of doc/spec/invoice.md 4 refuses in its own words and before the rows that follow: clients tell faults apart
 * by them, and a refused call must leave nothing. */
Test(invoice, create_refuses_in_the_order_of_its_checks)
{
    static const struct {
        const char *name;
        struct world_patch patches[3];
        struct create call;
        const char *refusal;
    } rows[] = {
        { "2: party", { NONE }, { .party = "nobody", .shop = "nowhere" }, "PartyNotFound" },
        { "3: shop", { { ACME, "block", BLOCKED }, NONE }, { .shop = "nowhere" }, "ShopNotFound" },
        { "3: another's shop", { NONE }, { .shop = "shop-globex-travel" }, "ShopNotFound" },
        { "4: party blocked", { { ACME, "block", BLOCKED }, { BOOKS, "block", BLOCKED }, NONE }, { 0 },
          "InvalidPartyStatus" },
        { "4: party suspended", { { ACME, "suspension", SUSPENDED }, { BOOKS, "block", BLOCKED }, NONE }, { 0 },
          "InvalidPartyStatus" },
        { "5: shop blocked", { { BOOKS, "block", BLOCKED }, NONE },
          { .cart = CART(LINE(2)), .more = BY(1, "upward") }, "InvalidShopStatus" },
        { "5: shop suspended", { { BOOKS, "suspension", SUSPENDED }, NONE }, { .zero = true }, "InvalidShopStatus" },
        { "6: a line of two", { NONE }, { .zero = true, .cart = CART(LINE(2)), .more = BY(1, "upward") },
          "InvalidRequest: Amount mutation with multiline cart or multiple items in a line is not allowed" },
        { "6: two lines", { NONE }, { .cart = CART(LINE(1) "," LINE(1)), .more = BY(1, "upward") },
          "InvalidRequest: Amount mutation with multiline cart or multiple items in a line is not allowed" },
        { "9: nothing", { NONE }, { .zero = true, .currency = "USD" }, "InvalidRequest: Invalid amount" },
        { "9: less", { NONE }, { .amount = -1 }, "InvalidRequest: Invalid amount" },
        { "9: mutated", { NONE }, { .amount = 10, .more = BY(1000000000, "downward") }, "InvalidRequest: Invalid amount" },
        { "10: currency", { NONE }, { .amount = 5, .currency = "USD" }, "InvalidRequest: Invalid currency" },
        { "11: too little", { NONE }, { .amount = 9 }, "InvoiceTermsViolated" },
        { "11: too much", { NONE }, { .amount = 420000000 }, "InvoiceTermsViolated" },
        { "11: between", { { TARIFF, "term_set.payments.cash_limit", UNDECIDED }, NONE }, { .amount = 50 },
          "InvoiceTermsViolated" },
        { "11: mutated into it", { { TARIFF, "term_set.payments.cash_limit", RANGE(1000, 1000000000) }, NONE },
          { .amount = 999, .more = BY(500000000, "upward") }, "InvoiceTermsViolated" },
    };
    size_t i;

    world_open(&world, "shop-acme-books", 42000, NULL);
    world.driver.random = 0x123456789abcdef0u;
    for (i = 0; i < SL_COUNT(rows); i++) {
        world_configure(&world, rows[i].patches);
        cr_expect(create(&rows[i].call) == STEP_REFUSED, "%s", rows[i].name);
        cr_expect_str_eq(world_refusal(&world), rows[i].refusal, "%s: %s", rows[i].name, world_refusal(&world));
        cr_expect(world.driver.event_count == 0 && world.driver.due_ms == 0, "%s", rows[i].name);
    }
    world_close(&world);
}

/* What lies just within the checks is taken: a bound moved by one would turn merchants away. */
Test(invoice, create_takes_what_the_checks_allow)
{
    static const struct {
        const char *name;
        struct world_patch patches[2];
        struct create call;
    } rows[] = {
        { "least", { NONE }, { .amount = 10 } },
        { "most", { NONE }, { .amount = 419999999 } },
        { "the branch of wallets", { { TARIFF, "term_set.payments.cash_limit", UNDECIDED }, NONE }, { .amount = 15 } },
        { "the other branch", { { TARIFF, "term_set.payments.cash_limit", UNDECIDED }, NONE }, { .amount = 150 } },
        { "mutated out of the limit", { NONE }, { .amount = 419999999, .more = BY(500000000, "upward") } },
        { "one line of one", { NONE }, { .cart = CART(LINE(1)), .more = BY(1, "upward") } },
        { "two lines, no mutation", { NONE }, { .cart = CART(LINE(1) "," LINE(2)) } },
    };
    const struct invoice *invoice;
    size_t i;

    world_open(&world, "shop-acme-books", 42000, NULL);
    world.driver.random = 0x123456789abcdef0u;
    for (i = 0; i < SL_COUNT(rows); i++) {
        world_configure(&world, rows[i].patches);
        cr_assert(create(&rows[i].call) == STEP_OK, "%s: %s", rows[i].name, world.driver.reply ? world_refusal(&world) : "");
        invoice = &world_state(&world)->invoice;
        cr_expect(invoice->status.tag == INVOICE_UNPAID, "%s", rows[i].name);
        cr_expect(invoice->created_at == world.driver.now_us, "%s", rows[i].name);
        cr_expect(invoice->mutations.count == (rows[i].call.more ? 1 : 0), "%s", rows[i].name);
        cr_expect(world.driver.event_count == 1, "%s", rows[i].name);
        cr_expect(world.driver.due_ms > invoice->due / 1000, "%s: no timer, or an early one", rows[i].name);
    }
    world_close(&world);
}

/* Row 7: the mutated cost is the invoice's, and its line's price follows; the original is on record. */
Test(invoice, create_records_what_a_mutation_did)
{
    const struct invoice_mutation *mutation;
    const struct invoice_line *line;
    const struct invoice *invoice;

    world_open(&world, "shop-acme-books", 42000, NULL);
    world.driver.random = 0x123456789abcdef0u;
    cr_assert(create(&(struct create){ .cart = CART(LINE(1)), .more = BY(500, "upward") }) == STEP_OK);
    invoice = &world_state(&world)->invoice;
    mutation = invoice->mutations.items;
    line = invoice->details.cart->lines.items;
    cr_assert(invoice->mutations.count == 1);
    cr_expect(mutation->amount.original == 42000);
    cr_expect(mutation->amount.mutated >= 42000 && mutation->amount.mutated <= 42500);
    cr_expect(invoice->cost.amount == mutation->amount.mutated);
    cr_expect(line->price.amount == mutation->amount.mutated);
    world_close(&world);
}

/* Terms without a cash limit are a fault of the configuration: the invoice is to be repaired, not refused. */
Test(invoice, create_fails_without_a_cash_limit)
{
    static const struct world_patch none[] = { { TARIFF, "term_set.payments.cash_limit", NULL }, NONE };

    world_open(&world, "shop-acme-books", 42000, NULL);
    world_configure(&world, none);
    cr_expect(create(&(struct create){ 0 }) == STEP_FAIL);
    cr_expect(strstr(world.driver.reason, "shop-acme-books"));
    world.driver.head = NULL; /* and before the first configuration, Create waits for it */
    cr_expect(create(&(struct create){ 0 }) == STEP_RETRY);
    world_close(&world);
}

/* The timer cancels what is unpaid and due, waits for what is not due yet, and leaves the rest alone (section 6). */
Test(invoice, the_timer_cancels_what_is_overdue)
{
    const struct invoice *invoice;

    world_open(&world, "shop-acme-books", 42000, NULL);
    cr_assert(create(&(struct create){ 0 }) == STEP_OK);
    invoice = &world_state(&world)->invoice;
    cr_assert(machine_driver_input(&world.driver, IN_TIMEOUT, NULL) == STEP_OK);
    cr_expect(invoice->status.tag == INVOICE_UNPAID && world.driver.due_ms > invoice->due / 1000, "it came too early");
    cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    cr_expect(invoice->status.tag == INVOICE_CANCELLED);
    cr_expect_str_eq(invoice->status.cancelled.details, "overdue");
    cr_assert(machine_driver_input(&world.driver, IN_TIMEOUT, NULL) == STEP_OK);
    cr_expect(world.driver.event_count == 2, "it is cancelled once");
    world_close(&world);
}

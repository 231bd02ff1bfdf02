/* A payment that its configuration has parked is taken on under a corrected one: doc/spec/repair.md 9. */
#include <criterion/criterion.h>
#include <string.h>

#include "payment/calls.h"
#include "payment/repair.h"
#include "support/domain_doc.h"
#include "support/payment_world.h"

#define SHOP "shop-acme-books"
#define TARIFF "term_set_hierarchy", "{\"id\":1}"
#define FEES TARIFF, "/data/term_set/payments/fees"
#define REVISIONS 3

/* What a revision has otherwise than the example; PATH NULL: nothing. */
struct edit {
    const char *kind, *ref, *path, *value;
};

struct revisions {
    struct payment_world world;
    struct arena *arena;
    struct domain *list[REVISIONS + 1]; /* by number */
};

static const void *revision_of(const struct machine_driver *driver, int64_t revision)
{
    const struct revisions *revisions = (const struct revisions *)driver->ctx; /* the world comes first */

    return revision > 0 && revision <= REVISIONS ? revisions->list[revision] : NULL;
}

static struct domain *edited(struct revisions *revisions, int64_t number, const struct edit *edit)
{
    json_t *doc = doc_load();
    struct domain *domain;

    if (edit && edit->path)
        doc_set(doc, edit->kind, edit->ref, edit->path, edit->value);
    domain = doc_domain_take(doc, revisions->arena);
    domain_set_revision(domain, number);
    revisions->list[number] = domain;
    return domain;
}

/* A payment that was started under revision 1, which differs by FIRST. */
static void open_under(struct revisions *revisions, const struct edit *first)
{
    memset(revisions, 0, sizeof(*revisions));
    revisions->arena = arena_new();
    cr_assert(world_open_with(&revisions->world, SHOP, 42000, edited(revisions, 1, first)) == STEP_OK);
    revisions->world.driver.config = revision_of;
    revisions->world.funds = 1000000;
    cr_assert(world_start(&revisions->world) == STEP_OK);
    world_run(&revisions->world);
}

static void commit(struct revisions *revisions, int64_t number, const struct edit *edit)
{
    revisions->world.domain = edited(revisions, number, edit);
    revisions->world.driver.head = revisions->world.domain;
}

static void close_all(struct revisions *revisions)
{
    size_t i;

    world_close(&revisions->world);
    for (i = 1; i <= REVISIONS; i++)
        domain_free(revisions->list[i]);
    arena_free(revisions->arena);
}

static enum step_end take_on(struct revisions *revisions, int64_t revision)
{
    struct machine_driver *driver = &revisions->world.driver;
    struct repair_scenario_call *args = arena_alloc(driver->arena, sizeof(*args));
    struct invoice_call call = { .kind = CALL_REPAIR_SCENARIO, .repair_scenario = args };
    enum step_end end;

    args->scenario.tag = REPAIR_CHANGE_REVISION;
    args->scenario.change_revision.domain_revision = revision;
    end = machine_driver_input(driver, IN_REPAIR, arena_memdup(driver->arena, &call, sizeof(call)));
    driver->failed = end != STEP_OK;
    return end;
}

static const char *details(const struct revisions *revisions)
{
    const struct call_error *error = revisions->world.driver.reply;

    return error && error->details ? error->details : "none";
}

/* If it fails, a payment that a mistake in its terms has parked can only be given up, though the mistake is corrected. */
Test(repair_revision, a_parked_payment_goes_on_under_the_corrected_terms)
{
    static const struct edit no_fees = { FEES, NULL };
    struct revisions revisions;
    size_t before;

    open_under(&revisions, &no_fees);
    cr_assert(revisions.world.driver.failed);
    cr_assert_eq(world_payment(&revisions.world)->activity, ACT_CASH_FLOW_BUILDING);
    commit(&revisions, 2, NULL);
    before = revisions.world.driver.event_count;
    cr_assert(take_on(&revisions, 2) == STEP_OK, "%s", details(&revisions));
    cr_assert_str_eq(world_history(&revisions.world, before + 1), "revision_changed");
    cr_assert_eq(world_payment(&revisions.world)->payment.domain_revision, 2);
    world_run(&revisions.world);
    cr_assert(!revisions.world.driver.failed, "%s", revisions.world.driver.reason);
    cr_assert_str_eq(world_status(&revisions.world), "captured");
    cr_assert(world_books_are_settled(&revisions.world));
    cr_assert_eq(limit_counters_held(revisions.world.counters), 0);
    close_all(&revisions);
}

/* If it fails, an operator makes things worse with a revision that does not know the payment, or counts it otherwise. */
Test(repair_revision, what_would_do_harm_is_refused)
{
    static const struct edit no_fees = { FEES, NULL };
    static const struct {
        struct edit edit;
        int64_t revision;
        const char *details;
    } rows[] = {
        { { NULL, NULL, NULL, NULL }, 1, "configuration revision 1: only the newest can be taken, which is 2" },
        { { NULL, NULL, NULL, NULL }, 3, "configuration revision 3: only the newest can be taken, which is 2" },
        { { FEES, NULL }, 2, "configuration revision 2: the merchant's terms have no cash flow for this payment" },
        { { "shop_config", "{\"id\":\"" SHOP "\"}", "/data/account/currency", "{\"symbolic_code\":\"USD\"}" }, 2,
          "configuration revision 2: the shop's account is in another currency" },
        { { "shop_config", "{\"id\":\"" SHOP "\"}", "/data/party_ref", "{\"id\":\"party-globex\"}" }, 2,
          "configuration revision 2: it has no such shop" },
        { { "provider", "{\"id\":2}", "/data/terms/payments/turnover_limits/value/0/domain_revision", "2" }, 2,
          "configuration revision 2: it counts the payment otherwise on its route, where limits may be held already" },
    };
    struct revisions revisions;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        open_under(&revisions, &no_fees);
        cr_assert_eq(payment_route(world_payment(&revisions.world))->provider.id, 2);
        commit(&revisions, 2, &rows[i].edit);
        cr_expect(take_on(&revisions, rows[i].revision) == STEP_REFUSED, "row %zu", i);
        cr_expect_str_eq(details(&revisions), rows[i].details, "row %zu: %s", i, details(&revisions));
        cr_expect_eq(world_payment(&revisions.world)->payment.domain_revision, 1);
        close_all(&revisions);
    }
}

/* If it fails, the revision of the payment is changed where its refund is parked, or that of neither. */
Test(repair_revision, a_parked_refund_has_its_own)
{
    struct revisions revisions;
    const struct refund_state *refund;

    open_under(&revisions, NULL);
    cr_assert_str_eq(world_status(&revisions.world), "captured");
    commit(&revisions, 2, NULL);
    cr_assert(world_refund(&revisions.world, "1", "{}") == STEP_OK);
    revisions.world.funds_err = SL_ECORRUPT;
    world_run(&revisions.world);
    cr_assert(revisions.world.driver.failed);
    commit(&revisions, 3, NULL);
    revisions.world.funds_err = SL_OK;
    cr_assert(take_on(&revisions, 3) == STEP_OK, "%s", details(&revisions));
    refund = world_payment(&revisions.world)->refunds.items;
    cr_assert_eq(refund->refund.domain_revision, 3);
    cr_assert_eq(world_payment(&revisions.world)->payment.domain_revision, 1);
    world_run(&revisions.world);
    cr_assert(!revisions.world.driver.failed, "%s", revisions.world.driver.reason);
    refund = world_payment(&revisions.world)->refunds.items;
    cr_assert_eq(refund->refund.status.tag, REFUND_SUCCEEDED);
    close_all(&revisions);
}

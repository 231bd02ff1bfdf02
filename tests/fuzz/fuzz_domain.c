/* Configuration documents. Input that begins with '{' is the document itself; any other input is read as a list of
 * moves on the example's parts: drop one, or put in its place a number, or a copy of another, a like one or any.
 * That keeps it a document while everything in it may come to mean something else. What is taken is used: terms are
 * reduced, routes gathered and chosen, flows built, for each of its shops. Nothing may crash; what is refused must
 * have a named fault. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "domain/domain_internal.h"
#include "domain/reduce.h"
#include "domain/routing.h"
#include "money/ledger.h"

#define PARTS_MAX 16384
#define MOVES_MAX 8

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CARD(MORE) "{\"bank_card\":{\"token\":\"t\",\"bin\":\"\",\"last_digits\":\"4\"" MORE "}}"

static const char *const tools[] = {
    CARD(",\"payment_system\":{\"id\":\"VISA\"},\"issuer_country\":\"RUS\""),
    CARD(""),
    "{\"digital_wallet\":{\"payment_service\":{\"id\":\"QIWI\"},\"id\":\"7\"}}",
    "{\"generic\":{\"payment_service\":{\"id\":\"QIWI\"},\"data\":{\"type\":\"application/json\",\"data\":\"e30=\"}}}",
};

static json_t *example;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    xmalloc_init();
    example = json_load_file(EXAMPLES_DIR "/domain.json", 0, NULL);
    assert(example);
    return 0;
}

/* ---- moves ---- */

/* One member of a container: where it can be replaced. */
struct part {
    json_t *in;
    const char *name; /* NULL: an index */
    size_t index;
    json_t *value;
};

static void parts_of(json_t *value, struct part *parts, size_t *count)
{
    const char *name;
    json_t *member;
    size_t i;

    json_object_foreach(value, name, member) {
        if (*count < PARTS_MAX)
            parts[(*count)++] = (struct part){ value, name, 0, member };
        parts_of(member, parts, count);
    }
    json_array_foreach(value, i, member) {
        if (*count < PARTS_MAX)
            parts[(*count)++] = (struct part){ value, NULL, i, member };
        parts_of(member, parts, count);
    }
}

static const char *first_key(const json_t *value)
{
    void *iter = json_object_iter((json_t *)(uintptr_t)value);

    return iter ? json_object_iter_key(iter) : "";
}

/* Whether A in B's place has a chance to be taken. */
static bool are_alike(const struct part *a, const struct part *b)
{
    if (json_typeof(a->value) != json_typeof(b->value) || !a->name != !b->name)
        return false;
    if (a->name && strcmp(a->name, b->name) != 0)
        return false;
    return strcmp(first_key(a->value), first_key(b->value)) == 0 ||
           (a->name && json_object_size(a->value) == 1 && json_object_size(b->value) == 1);
}

static void move(json_t *document, const uint8_t *op)
{
    static const int64_t numbers[] = { 0, 1, -1, 64, INT64_MAX, INT64_MIN, 1000, 42000 };
    static struct part parts[PARTS_MAX];
    const struct part *to, *from;
    size_t count = 0, tries;
    json_t *copy;

    parts_of(document, parts, &count);
    if (count == 0)
        return;
    to = &parts[(op[0] | (size_t)op[1] << 8) % count];
    from = &parts[(op[2] | (size_t)op[3] << 8) % count];
    for (tries = 0; op[4] & 1 && tries < count && !are_alike(from, to); tries++)
        from = from + 1 < parts + count ? from + 1 : parts;
    if (op[4] == 0) {
        if (to->name)
            json_object_del(to->in, to->name);
        else
            json_array_remove(to->in, to->index);
        return;
    }
    copy = op[4] % 2 == 0 && op[4] < 16 ? json_integer(numbers[op[4] / 2]) : json_deep_copy(from->value);
    if (to->name)
        json_object_set_new(to->in, to->name, copy);
    else
        json_array_set_new(to->in, to->index, copy);
}

/* ---- use ---- */

static void use_route(const struct domain *domain, const struct shop *shop, const struct candidate *candidate,
                      const struct varset *facts, struct arena *arena)
{
    const struct term_set *terms = domain_terms(domain, shop->terms.id);
    const struct provision_terms *own = candidate->terminal->effective;
    const struct type_list *fees = terms->payments ? selector_value(domain, terms->payments->fees, facts) : NULL;
    const struct type_list *cash_flow = own->payments ? selector_value(domain, own->payments->cash_flow, facts) : NULL;
    struct volume_context context = { .operation_amount = *facts->amount };
    struct type_list plan[2] = { { NULL, 0 } }, deltas, totals;
    struct provision_terms reduced;
    struct account_map accounts;
    const char *why = NULL;

    provision_terms_reduce(domain, own, facts, arena, &reduced);
    if (!fees || !cash_flow ||
        domain_account_map(domain, shop, candidate->provider, candidate->terminal, facts->currency, facts, arena,
                           &accounts, &why))
        return;
    if (cashflow_finalise(fees, &accounts, &context, arena, &plan[0], &why) ||
        cashflow_finalise(cash_flow, &accounts, &context, arena, &plan[0], &why)) {
        assert(why);
        return;
    }
    plan[1] = cashflow_revert(&plan[0], arena);
    if (cashflow_totals(&plan[0], arena, &totals, &why) == SL_OK &&
        ledger_apply(LEDGER_HOLD, plan, 2, 0, arena, &deltas, &why) == SL_OK)
        assert(deltas.count == 0); /* a flow and its reverse hold nothing */
}

static void use_shop(const struct domain *domain, const struct shop *shop, const struct payment_tool *tool,
                     struct arena *arena)
{
    struct cash cost = { 42000, shop->account.currency };
    struct routing_request request = {
        .facts = { .category = shop->category.id, .currency = cost.currency.symbolic_code, .amount = &cost,
                   .payment_tool = tool, .party_id = shop->party_ref.id, .shop_id = shop->id },
        .shop = shop, .risk_score = RISK_LOW, .hold = true, .hold_lifetime_s = 60, .refund = true, .recurrent = true,
    };
    struct candidates candidates;
    struct term_set reduced;
    struct buf text = BUF_EMPTY;
    size_t i, accepted = 0;

    domain_choose_inspector(domain, shop, &request.facts);
    term_set_reduce(domain, domain_terms(domain, shop->terms.id), &request.facts, arena, &reduced);
    type_encode(&type_term_set, &reduced, &text);
    term_set_reduce(domain, domain_terms(domain, shop->terms.id), &(struct varset){ .amount = &cost }, arena, &reduced);
    type_encode(&type_term_set, &reduced, &text);
    buf_clear(&text);
    routing_gather(domain, &request, arena, &candidates);
    request.hold = request.refund = request.recurrent = false;
    routing_gather(domain, &request, arena, &candidates);
    for (i = 0; i < candidates.count; i++) {
        accepted += !candidates.list[i].rejected;
        if (candidates.list[i].terminal->effective)
            use_route(domain, shop, &candidates.list[i], &request.facts, arena);
    }
    assert(accepted == 0 || !candidates.misconfiguration);
    if (accepted > 0)
        assert(!candidates.list[routing_choose(&candidates, 0x8000000000000000u, NULL).chosen].rejected);
    routing_rejections(&candidates, 0, arena);
}

static void use(const struct domain *domain, struct arena *arena)
{
    struct payment_tool tool[SL_COUNT(tools)];
    const struct object *object;
    size_t i;

    for (i = 0; i < SL_COUNT(tools); i++) {
        if (type_decode_text(&type_payment_tool, tools[i], strlen(tools[i]), 0, arena, &tool[i], NULL))
            abort();
    }
    for (object = domain->objects; object; object = object->hh.next) {
        for (i = 0; i < SL_COUNT(tools) && object->kind == OBJ_SHOP_CONFIG; i++)
            use_shop(domain, object->data, &tool[i], arena);
    }
}

static void check(const char *text, size_t size)
{
    struct arena *arena = arena_new();
    struct type_errors errors = { 0 };
    struct domain *domain = NULL;

    if (domain_parse(text, size, arena, &domain, &errors) == SL_OK) {
        assert(errors.count == 0);
        use(domain, arena);
        domain_free(domain);
    } else {
        assert(errors.count > 0 && errors.count <= TYPE_ERRORS_MAX);
    }
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *document;
    char *text;
    size_t i;

    if (size > 0 && data[0] == '{') {
        check((const char *)data, size);
        return 0;
    }
    document = json_deep_copy(example);
    for (i = 0; i < MOVES_MAX && (i + 1) * 5 <= size; i++)
        move(document, data + i * 5);
    text = json_dumps(document, JSON_COMPACT);
    json_decref(document);
    check(text, strlen(text));
    free(text);
    return 0;
}

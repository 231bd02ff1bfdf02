/* What must hold between the objects of a document: references lead somewhere, nothing goes in circles,
 * accounts have their currencies. Fills in what follows from several objects (merged terms). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "domain/domain_internal.h"

#define CHAIN_MAX 64 /* objects one below the other, so that nothing that follows them runs out of stack */
#define COST_MAX 1000000 /* predicates in an object and in those of its kind below it, so that no test takes forever */
#define CHAIN_TEXT "is part of a chain of more than %d objects"

struct checking {
    struct domain *domain;
    struct type_errors *errors;
    struct object *object; /* the one whose references are visited */
    int depth;
};

static void SL_PRINTF(3, 4) fault(struct checking *checking, const char *path, const char *format, ...)
{
    char message[256];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    type_error_add(checking->errors, checking->domain->arena, path, "%s", message);
}

static void check_reference(void *arg, const struct type *type, const void *value, const char *path)
{
    struct checking *checking = arg;
    int kind = ref_kind(type);
    const char *key;

    if (!kind)
        return;
    key = ref_key(type, value, checking->domain->arena);
    if (!domain_object(checking->domain, kind, key))
        fault(checking, path, "there is no %s %s", object_kind_name(kind), key);
}

/* ---- circles ---- */

static void visit(struct checking *checking, struct object *object);

/* On the way back up: what the one below means for the one above. */
static void measure(struct checking *checking, const struct object *below, const char *path)
{
    struct object *object = checking->object;

    if (object->height < below->height + 1)
        object->height = below->height + 1;
    object->cost += below->cost;
    if (object->height > CHAIN_MAX) {
        fault(checking, path, CHAIN_TEXT, CHAIN_MAX);
        object->height = 1; /* said once */
    }
    if (object->cost > COST_MAX) {
        fault(checking, path, "makes it test more than %d predicates", COST_MAX);
        object->cost = 0;
    }
}

static void visit_reference(void *arg, const struct type *type, const void *value, const char *path)
{
    struct checking *checking = arg;
    struct object *next;
    const char *key;

    if (type == &type_predicate)
        checking->object->cost++;
    /* Only these three kinds refer to their own. */
    if (type != &type_term_set_ref && type != &type_criterion_ref && type != &type_ruleset_ref)
        return;
    key = ref_key(type, value, checking->domain->arena);
    next = domain_object(checking->domain, ref_kind(type), key);
    if (!next || next->kind != checking->object->kind)
        return;
    if (next->visiting == 1)
        fault(checking, path, "leads in a circle back to %s %s", object_kind_name(next->kind), key);
    else if (next->visiting == 0 && checking->depth == CHAIN_MAX)
        fault(checking, path, CHAIN_TEXT, CHAIN_MAX);
    else if (next->visiting == 0)
        visit(checking, next);
    if (next->visiting == 2)
        measure(checking, next, path);
}

static void visit(struct checking *checking, struct object *object)
{
    struct object *before = checking->object;

    object->visiting = 1;
    object->height = 1;
    checking->object = object;
    checking->depth++;
    if (object->data)
        type_walk(object_shape(object->kind)->data, object->data,
                  arena_printf(checking->domain->arena, "%s/data", object->path), visit_reference, checking);
    checking->depth--;
    checking->object = before;
    object->visiting = 2;
}

/* ---- what follows ---- */

static const struct term_set *terms_merged(struct domain *domain, struct term_set_hierarchy *hierarchy)
{
    const struct term_set_hierarchy *parent;

    if (!hierarchy->parent_terms) {
        hierarchy->merged = hierarchy->term_set;
    } else if (!hierarchy->merged.payments && !hierarchy->merged.recurrent_paytools) {
        parent = domain_find_number(domain, OBJ_TERM_SET_HIERARCHY, hierarchy->parent_terms->id);
        term_set_merge(terms_merged(domain, (struct term_set_hierarchy *)(uintptr_t)parent), &hierarchy->term_set,
                       domain->arena, &hierarchy->merged);
    }
    return &hierarchy->merged;
}

static void terminal_fill(struct domain *domain, struct terminal *terminal, const struct number_ref *ref)
{
    const struct provider *provider =
        terminal->provider_ref ? domain_provider(domain, terminal->provider_ref->id) : NULL;
    struct provision_terms *terms = arena_alloc(domain->arena, sizeof(*terms));

    terminal->id = ref->id;
    if (provision_terms_merge(provider ? provider->terms : NULL, terminal->terms, domain->arena, terms))
        terminal->effective = terms;
}

static void object_fill(struct domain *domain, struct object *object)
{
    switch (object->kind) {
    case OBJ_TERM_SET_HIERARCHY: terms_merged(domain, object->data); break;
    case OBJ_PROVIDER: ((struct provider *)object->data)->id = ((const struct number_ref *)object->ref)->id; break;
    case OBJ_TERMINAL: terminal_fill(domain, object->data, object->ref); break;
    case OBJ_PARTY_CONFIG: ((struct party *)object->data)->id = object->key; break;
    case OBJ_SHOP_CONFIG: ((struct shop *)object->data)->id = object->key; break;
    case OBJ_GLOBALS: domain->globals = object->data; break;
    default: break;
    }
}

/* ---- rules of single kinds ---- */

static void check_currency_code(struct checking *checking, const char *path, const char *code)
{
    if (!domain_object(checking->domain, OBJ_CURRENCY, code))
        fault(checking, path, "there is no currency %s", code);
}

/* The keys of the object's MEMBER, a map. */
static void check_currencies(struct checking *checking, const struct object *object, const char *member,
                             const struct type_list *map, size_t entry_size)
{
    struct arena *arena = checking->domain->arena;
    const char *code, *path;
    size_t i;

    for (i = 0; i < map->count; i++) {
        code = *(const char *const *)((const char *)map->items + i * entry_size);
        path = path_join(arena, arena_printf(arena, "%s/data/%s", object->path, member), code);
        check_currency_code(checking, path, code);
    }
}

static void check_candidates(struct checking *checking, const struct object *object)
{
    const struct routing_rules *ruleset = object->data;
    const struct routing_candidate *list = ruleset->decisions.candidates.items;
    size_t i;

    if (ruleset->decisions.tag != ROUTING_CANDIDATES)
        return;
    for (i = 0; i < ruleset->decisions.candidates.count; i++) {
        const struct terminal *terminal = domain_terminal(checking->domain, list[i].terminal.id);

        if (terminal && !terminal->provider_ref)
            fault(checking,
                  arena_printf(checking->domain->arena, "%s/data/decisions/candidates/%zu/terminal", object->path, i),
                  "terminal %lld names no provider, so it cannot be a candidate", (long long)list[i].terminal.id);
    }
}

#define LIMIT_CURRENCY "/data/type/turnover/metric/amount/currency"

static void check_object(struct checking *checking, const struct object *object)
{
    struct arena *arena = checking->domain->arena;
    const struct currency *currency;
    const char *code;

    switch (object->kind) {
    case OBJ_SYSTEM_ACCOUNT_SET:
        check_currencies(checking, object, "accounts", &((struct system_account_set *)object->data)->accounts,
                         sizeof(struct system_account_entry));
        break;
    case OBJ_EXTERNAL_ACCOUNT_SET:
        check_currencies(checking, object, "accounts", &((struct external_account_set *)object->data)->accounts,
                         sizeof(struct external_account_entry));
        break;
    case OBJ_PROVIDER:
        check_currencies(checking, object, "accounts", &((struct provider *)object->data)->accounts,
                         sizeof(struct provider_account_entry));
        break;
    case OBJ_CURRENCY:
        currency = object->data;
        if (strcmp(currency->symbolic_code, object->key) != 0)
            fault(checking, arena_printf(arena, "%s/data/symbolic_code", object->path),
                  "must be the reference's own, %s", object->key);
        check_currencies(checking, object, "rates", &currency->rates, sizeof(struct named_rational));
        break;
    case OBJ_LIMIT_CONFIG:
        code = limit_currency(object->data);
        if (code)
            check_currency_code(checking, arena_printf(arena, "%s" LIMIT_CURRENCY, object->path), code);
        break;
    case OBJ_ROUTING_RULES: check_candidates(checking, object); break;
    default: break;
    }
}

struct account_use {
    UT_hash_handle hh;
    int64_t id;
    const char *currency;
};
struct accounts {
    struct account_use *uses;
    struct checking *checking;
    const struct object *object; /* the one whose accounts are looked at */
};

static void account_used(void *arg, int64_t id, const char *currency)
{
    struct accounts *accounts = arg;
    struct arena *arena = accounts->checking->domain->arena;
    struct account_use *use;

    HASH_FIND(hh, accounts->uses, &id, sizeof(id), use);
    if (use) {
        if (strcmp(use->currency, currency) != 0)
            fault(accounts->checking, arena_printf(arena, "%s/data", accounts->object->path),
                  "account %lld is used in two currencies, %s and %s", (long long)id, use->currency, currency);
        return;
    }
    use = arena_alloc(arena, sizeof(*use));
    use->id = id;
    use->currency = currency;
    HASH_ADD(hh, accounts->uses, id, sizeof(use->id), use);
}

static void check_references(struct checking *checking, const struct object *object)
{
    const struct object_shape *shape = object_shape(object->kind);
    struct arena *arena = checking->domain->arena;

    /* A reference finds itself; what it is made of need not be there. */
    type_walk(shape->ref, object->ref, arena_printf(arena, "%s/ref", object->path), check_reference, checking);
    if (object->data)
        type_walk(shape->data, object->data, arena_printf(arena, "%s/data", object->path), check_reference, checking);
}

/* Each check takes for granted only what it sees: earlier ones may have found faults. */
void domain_check(struct domain *domain, struct type_errors *errors)
{
    struct checking checking = { domain, errors, NULL, 0 };
    struct accounts accounts = { NULL, &checking, NULL };
    struct object *object;

    for (object = domain->objects; object; object = object->hh.next)
        check_references(&checking, object);
    for (object = domain->objects; object; object = object->hh.next) {
        if (!object->visiting)
            visit(&checking, object);
    }
    for (object = domain->objects; object; object = object->hh.next) {
        if (!object->data)
            continue;
        check_object(&checking, object);
        accounts.object = object;
        object_each_account(object, account_used, &accounts);
    }
    HASH_CLEAR(hh, accounts.uses);
    if (errors->count)
        return;
    for (object = domain->objects; object; object = object->hh.next)
        object_fill(domain, object);
}

/* What follows from a shop's payment institution: who inspects, which accounts stand behind roles. */
#include <string.h>

#include "domain/domain_internal.h"

/* The entry of a map of accounts for CURRENCY; NULL: none. */
static const void *accounts_in(const struct type_list *map, size_t entry_size, const char *currency)
{
    size_t i;

    for (i = 0; i < map->count; i++) {
        const char *entry = (const char *)map->items + i * entry_size;

        if (strcmp(*(const char *const *)entry, currency) == 0)
            return entry;
    }
    return NULL;
}

static void map_external(const struct domain *domain, const char *currency, const struct varset *facts,
                         struct account_map *out)
{
    const struct number_ref *ref =
        domain->globals ? selector_value(domain, domain->globals->external_account_set, facts) : NULL;
    const struct external_account_entry *entry = NULL;

    if (ref)
        entry = accounts_in(&domain_external_account_set(domain, ref->id)->accounts, sizeof(*entry), currency);
    if (!entry)
        return; /* left out silently: only a posting that needs it is misconfigured */
    if (entry->accounts.income)
        out->external_income = *entry->accounts.income;
    if (entry->accounts.outcome)
        out->external_outcome = *entry->accounts.outcome;
}

enum sl_err domain_account_map(const struct domain *domain, const struct shop *shop, const struct provider *provider,
                               const struct terminal *terminal, const char *currency, const struct varset *facts,
                               struct arena *arena, struct account_map *out, const char **why)
{
    const struct payment_institution *institution = domain_institution(domain, shop->payment_institution.id);
    const struct number_ref *ref = selector_value(domain, institution->system_account_set, facts);
    const struct system_account_entry *system = NULL;
    const struct provider_account_entry *own = accounts_in(&provider->accounts, sizeof(*own), currency);

    memset(out, 0, sizeof(*out));
    if (strcmp(shop->account.currency.symbolic_code, currency) != 0) {
        *why = arena_printf(arena, "shop %s has its accounts in %s, not in %s", shop->id,
                            shop->account.currency.symbolic_code, currency);
        return SL_EINVAL;
    }
    if (!own) {
        *why = arena_printf(arena, "provider %lld has no account in %s", (long long)provider->id, currency);
        return SL_EINVAL;
    }
    if (ref)
        system = accounts_in(&domain_system_account_set(domain, ref->id)->accounts, sizeof(*system), currency);
    if (!system) {
        *why = ref ? arena_printf(arena, "system account set %lld has no account in %s", (long long)ref->id, currency)
                   : arena_printf(arena, "the system account set of payment institution %lld does not reduce to a value",
                                  (long long)shop->payment_institution.id);
        return SL_EINVAL;
    }
    out->merchant_settlement = shop->account.settlement;
    out->merchant_guarantee = shop->account.guarantee;
    out->provider_settlement = own->accounts.settlement;
    out->system_settlement = system->accounts.settlement;
    out->system_subagent = system->accounts.subagent ? *system->accounts.subagent : 0;
    out->currency = currency;
    out->party_id = shop->party_ref.id;
    out->shop_id = shop->id;
    out->provider_id = provider->id;
    out->terminal_id = terminal->id;
    map_external(domain, currency, facts, out);
    return SL_OK;
}

const struct inspector *domain_choose_inspector(const struct domain *domain, const struct shop *shop,
                                                const struct varset *facts)
{
    const struct payment_institution *institution = domain_institution(domain, shop->payment_institution.id);
    const struct number_ref *ref = selector_value(domain, institution->inspector, facts);

    return ref ? domain_inspector(domain, ref->id) : NULL;
}

typedef void (*account_fn)(void *arg, int64_t id, const char *currency);

static void each_system(const struct system_account_set *set, account_fn fn, void *arg)
{
    const struct system_account_entry *list = set->accounts.items;
    size_t i;

    for (i = 0; i < set->accounts.count; i++) {
        fn(arg, list[i].accounts.settlement, list[i].currency);
        if (list[i].accounts.subagent)
            fn(arg, *list[i].accounts.subagent, list[i].currency);
    }
}

static void each_external(const struct external_account_set *set, account_fn fn, void *arg)
{
    const struct external_account_entry *list = set->accounts.items;
    size_t i;

    for (i = 0; i < set->accounts.count; i++) {
        if (list[i].accounts.income)
            fn(arg, *list[i].accounts.income, list[i].currency);
        if (list[i].accounts.outcome)
            fn(arg, *list[i].accounts.outcome, list[i].currency);
    }
}

static void each_provider(const struct provider *provider, account_fn fn, void *arg)
{
    const struct provider_account_entry *list = provider->accounts.items;
    size_t i;

    for (i = 0; i < provider->accounts.count; i++)
        fn(arg, list[i].accounts.settlement, list[i].currency);
}

void object_each_account(const struct object *object, account_fn fn, void *arg)
{
    const struct shop *shop;

    switch (object->kind) {
    case OBJ_SYSTEM_ACCOUNT_SET: each_system(object->data, fn, arg); break;
    case OBJ_EXTERNAL_ACCOUNT_SET: each_external(object->data, fn, arg); break;
    case OBJ_PROVIDER: each_provider(object->data, fn, arg); break;
    case OBJ_SHOP_CONFIG:
        shop = object->data;
        fn(arg, shop->account.settlement, shop->account.currency.symbolic_code);
        fn(arg, shop->account.guarantee, shop->account.currency.symbolic_code);
        break;
    default: break;
    }
}

void domain_each_account(const struct domain *domain, account_fn fn, void *arg)
{
    const struct object *object;

    for (object = domain->objects; object; object = object->hh.next)
        object_each_account(object, fn, arg);
}

void domain_each_party(const struct domain *domain, void (*fn)(void *arg, const struct party *party), void *arg)
{
    const struct object *object;

    for (object = domain->objects; object; object = object->hh.next) {
        if (object->kind == OBJ_PARTY_CONFIG)
            fn(arg, object->data);
    }
}

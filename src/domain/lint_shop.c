/* Shops and their terms: what must be there, and must have a value, for any payment to go well. */
#include "domain/lint_internal.h"

#include <string.h>

#define METHODS_MAX 256 /* of a shop that are looked at */

struct methods {
    size_t count;
    const struct payment_method *list[METHODS_MAX];
};

static void note_methods(void *arg, const void *value)
{
    const struct type_list *set = value;
    const struct payment_method_ref *refs = set->items;
    struct methods *methods = arg;
    size_t i, j;

    for (i = 0; i < set->count; i++) {
        for (j = 0; j < methods->count && !method_equal(methods->list[j], &refs[i].id); j++)
            ;
        if (j == methods->count && j < METHODS_MAX)
            methods->list[methods->count++] = &refs[i].id;
    }
}

static const char *id_or(const struct id_ref *ref, const char *otherwise)
{
    return ref ? ref->id : otherwise;
}

/* "bank_card VISA APPLEPAY" */
static const char *method_words(struct arena *arena, const struct payment_method *method)
{
    const char *kind = type_name_of(&type_payment_method, method->tag);
    const struct card_method *card = &method->bank_card;

    switch (method->tag) {
    case METHOD_BANK_CARD:
        return arena_printf(arena, "%s %s%s%s%s", kind, id_or(card->payment_system, "?"), card->payment_token ? " " : "",
                            id_or(card->payment_token, ""), card->is_cvv_empty && *card->is_cvv_empty ? " without CVV" : "");
    case METHOD_PAYMENT_TERMINAL: return arena_printf(arena, "%s %s", kind, id_or(method->payment_terminal, "?"));
    case METHOD_DIGITAL_WALLET: return arena_printf(arena, "%s %s", kind, id_or(method->digital_wallet, "?"));
    case METHOD_MOBILE: return arena_printf(arena, "%s %s", kind, id_or(method->mobile, "?"));
    case METHOD_CRYPTO_CURRENCY: return arena_printf(arena, "%s %s", kind, id_or(method->crypto_currency, "?"));
    default: return arena_printf(arena, "%s %s", kind, id_or(method->generic.payment_service, "?"));
    }
}

/* ---- amounts ---- */

struct hull {
    const char *currency;
    int64_t least, most; /* 0, 0: none yet */
};

static void note_range(void *arg, const void *value)
{
    struct hull *hull = arg;
    int64_t least, most;

    if (!range_amounts(value, hull->currency, &least, &most))
        return;
    if (hull->most == 0 || least < hull->least)
        hull->least = least;
    if (most > hull->most)
        hull->most = most;
}

/* ---- one shop, one method ---- */

struct cover {
    const struct payment_method *method;
    bool found;
};

static void note_set(void *arg, const void *value)
{
    struct cover *cover = arg;

    cover->found |= method_in(cover->method, value);
}

bool lint_covers(struct lint *lint, const struct lint_case *one, const struct selector *selector)
{
    struct cover cover = { one->payments.method, false };

    possible_values(lint->domain, selector, &one->payments, note_set, &cover);
    return cover.found;
}

/* Routing asks what refunds the merchant's terms promise, whether or not there is ever one. */
static void refunds_reduce(struct lint *lint, const struct lint_case *one, const char *path)
{
    const struct merchant_refund_terms *refunds = one->terms->payments->refunds;
    const struct payments *known = &one->payments;
    struct payments later = one->payments;

    later.trust = false;
    if (!refunds->payment_methods) {
        lint_find(lint, LINT_ERROR, "terms_missing", path, one->who,
                  "the terms of refunds have no payment methods, so payments stop at their routing");
        return;
    }
    lint_selector(lint, refunds->payment_methods, "the set of methods that can be refunded", LINT_ERROR, known, one->who);
    if (!lint_covers(lint, one, refunds->payment_methods))
        return;
    if (refunds->partial_refunds && !refunds->partial_refunds->cash_limit)
        lint_find(lint, LINT_ERROR, "terms_missing", path, one->who,
                  "the terms of partial refunds have no limit of amounts, so payments stop at their routing");
    else if (refunds->partial_refunds)
        lint_selector(lint, refunds->partial_refunds->cash_limit, "the limit of partial refunds", LINT_ERROR, known, one->who);
    if (!refunds->fees || !refunds->eligibility_time)
        lint_find(lint, LINT_WARNING, "terms_missing", path, one->who, "the terms of refunds have no %s, so refunds are refused",
                  refunds->fees ? "time in which they are possible" : "fees");
    lint_selector(lint, refunds->fees, "the fees of refunds", LINT_WARNING, &later, one->who);
    lint_selector(lint, refunds->eligibility_time, "the time in which refunds are possible", LINT_WARNING, &later, one->who);
}

static void terms_reduce(struct lint *lint, const struct lint_case *one, const char *path)
{
    const struct merchant_payment_terms *terms = one->terms->payments;
    struct payments later = one->payments;

    later.trust = false;
    lint_selector(lint, terms->payment_methods, "the set of payment methods", LINT_WARNING, &later, one->who);
    lint_selector(lint, terms->cash_limit, "the limit of amounts", LINT_WARNING, &later, one->who);
    lint_selector(lint, terms->fees, "the fees", LINT_ERROR, &later, one->who);
    if (terms->holds && lint_covers(lint, one, terms->holds->payment_methods))
        lint_selector(lint, terms->holds->lifetime, "the lifetime of holds", LINT_WARNING, &later, one->who);
    if (terms->refunds)
        refunds_reduce(lint, one, path);
}

static void institution_reduces(struct lint *lint, const struct lint_case *one)
{
    struct payments later = one->payments;

    later.trust = false;
    lint_selector(lint, one->institution->inspector, "the inspector", LINT_ERROR, &one->payments, one->who);
    lint_selector(lint, one->institution->system_account_set, "the system account set", LINT_ERROR, &later, one->who);
}

/* True: some route may take it. */
static bool lint_one(struct lint *lint, struct lint_case *one, const char *terms_path)
{
    struct hull hull = { .currency = one->payments.shop->account.currency.symbolic_code };

    possible_values(lint->domain, one->terms->payments->cash_limit, &one->payments, note_range, &hull);
    if (hull.most == 0) {
        lint_find(lint, LINT_ERROR, "amount_never", terms_path, one->who, "the terms allow no amount in %s", hull.currency);
        return false;
    }
    one->payments.least = hull.least;
    one->payments.most = hull.most;
    terms_reduce(lint, one, terms_path);
    institution_reduces(lint, one);
    lint_accounts(lint, one, one->terms->payments->fees);
    lint_limits_of(lint, one, &one->payments.shop->turnover_limits, true,
                   lint_path(lint, OBJ_SHOP_CONFIG, one->payments.shop->id, "/data/turnover_limits"));
    return lint_routes(lint, one);
}

/* ---- shops ---- */

static bool terms_present(struct lint *lint, const struct term_set *terms, const char *path, const char *who)
{
    const struct merchant_payment_terms *payments = terms->payments;

    if (!payments) {
        lint_find(lint, LINT_ERROR, "terms_missing", path, who, "there are no payment terms, so no payment can start");
        return false;
    }
    if (!payments->fees)
        lint_find(lint, LINT_ERROR, "terms_missing", path, who, "there are no fees, so payments stop at their cash flow");
    if (!payments->payment_methods)
        lint_find(lint, LINT_ERROR, "terms_missing", path, who, "there are no payment methods, so no payment can start");
    if (!payments->cash_limit)
        lint_find(lint, LINT_ERROR, "terms_missing", path, who, "there is no limit of amounts, so no payment can start");
    return payments->payment_methods && payments->cash_limit;
}

/* The engine does not enforce these two, so whoever wrote them expects what does not happen. */
static void terms_fit(struct lint *lint, const struct lint_case *one, const char *path)
{
    const struct merchant_payment_terms *terms = one->terms->payments;
    const struct type_list *currencies = selector_literal(terms->currencies);
    const struct type_list *categories = selector_literal(terms->categories);
    const struct shop *shop = one->payments.shop;

    if (currencies && !currency_in(shop->account.currency.symbolic_code, currencies))
        lint_find(lint, LINT_WARNING, "currency_not_in_terms", path, one->who,
                  "the terms' currencies lack the shop's, %s", shop->account.currency.symbolic_code);
    if (categories && !category_in(shop->category.id, categories))
        lint_find(lint, LINT_WARNING, "category_not_in_terms", path, one->who, "the terms' categories lack the shop's, %lld",
                  (long long)shop->category.id);
}

static void lint_shop(struct lint *lint, const struct shop *shop)
{
    struct methods methods = { 0 };
    struct lint_case one = {
        .institution = domain_institution(lint->domain, shop->payment_institution.id),
        .terms = domain_terms(lint->domain, shop->terms.id),
        .payments = { .shop = shop, .trust = true },
    };
    const char *path = lint_path_number(lint, OBJ_TERM_SET_HIERARCHY, shop->terms.id, "/data/term_set");
    const char *shop_path = lint_path(lint, OBJ_SHOP_CONFIG, shop->id, "/data");
    size_t i, routed = 0;

    one.who = arena_printf(lint->arena, "shop %s", shop->id);
    if (!terms_present(lint, one.terms, path, one.who))
        return;
    terms_fit(lint, &one, path);
    possible_values(lint->domain, one.terms->payments->payment_methods, &one.payments, note_methods, &methods);
    if (methods.count == 0) {
        lint_find(lint, LINT_ERROR, "methods_empty", path, one.who, "the terms name no payment method, so no payment can start");
        return;
    }
    if (!one.institution->payment_routing_rules) {
        lint_find(lint, LINT_ERROR, "route_never",
                  lint_path_number(lint, OBJ_PAYMENT_INSTITUTION, shop->payment_institution.id, "/data"), one.who,
                  "there are no routing rules, so no payment finds a route");
        return;
    }
    for (i = 0; i < methods.count; i++) {
        struct lint_case by_method = one;

        by_method.payments.method = methods.list[i];
        by_method.who = arena_printf(lint->arena, "%s, %s", one.who, method_words(lint->arena, methods.list[i]));
        if (lint_one(lint, &by_method, path))
            routed++;
        else
            lint_find(lint, LINT_WARNING, "method_unrouted", shop_path, method_words(lint->arena, methods.list[i]),
                      "no route ever takes payments by some of the methods that the terms allow");
    }
    if (routed == 0)
        lint_find(lint, LINT_ERROR, "route_never", shop_path, NULL, "no payment of the shop ever finds a route");
}

void lint_shops(struct lint *lint)
{
    const struct object *object;

    for (object = lint->domain->objects; object; object = object->hh.next) {
        if (object->kind == OBJ_SHOP_CONFIG)
            lint_shop(lint, object->data);
    }
}

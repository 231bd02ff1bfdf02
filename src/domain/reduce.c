/* Building residuals. Terms are walked by their type tables, so a new field is reduced without a word here. */
#include "domain/reduce.h"

#include <assert.h>
#include <string.h>

#include "domain/domain.h"

/* ---- predicates ---- */

/* The members of an undecided list that are undecided themselves; a single one stands for the list. */
static void list_reduce(const struct domain *domain, const struct predicate *predicate, const struct varset *facts,
                        struct arena *arena, struct predicate *out)
{
    const struct type_list *list = predicate->tag == PRED_ALL_OF ? &predicate->all_of : &predicate->any_of;
    const struct predicate *members = list->items;
    struct predicate *left = arena_array(arena, list->count, sizeof(*left));
    size_t i, count = 0;

    for (i = 0; i < list->count; i++) {
        if (predicate_test(domain, &members[i], facts) == TRI_UNKNOWN)
            predicate_reduce(domain, &members[i], facts, arena, &left[count++]);
    }
    assert(count > 0);
    if (count == 1)
        *out = left[0];
    else if (predicate->tag == PRED_ALL_OF)
        *out = (struct predicate){ .tag = PRED_ALL_OF, .all_of = { left, count } };
    else
        *out = (struct predicate){ .tag = PRED_ANY_OF, .any_of = { left, count } };
}

static void criterion_reduce(const struct domain *domain, const struct predicate *predicate, const struct varset *facts,
                             struct arena *arena, struct predicate *out)
{
    const struct predicate *original = &domain_criterion(domain, predicate->criterion.id)->predicate;

    predicate_reduce(domain, original, facts, arena, out);
    if (type_equal(&type_predicate, out, original))
        *out = *predicate; /* nothing was decided: the name says more */
}

void predicate_reduce(const struct domain *domain, const struct predicate *predicate, const struct varset *facts,
                      struct arena *arena, struct predicate *out)
{
    enum tri result = predicate_test(domain, predicate, facts);
    struct predicate *inner;

    if (result != TRI_UNKNOWN) {
        *out = (struct predicate){ .tag = PRED_CONSTANT, .constant = result == TRI_TRUE };
        return;
    }
    switch (predicate->tag) {
    case PRED_IS_NOT:
        inner = arena_alloc(arena, sizeof(*inner));
        predicate_reduce(domain, predicate->is_not, facts, arena, inner);
        *out = (struct predicate){ .tag = PRED_IS_NOT, .is_not = inner };
        break;
    case PRED_ALL_OF:
    case PRED_ANY_OF: list_reduce(domain, predicate, facts, arena, out); break;
    case PRED_CRITERION: criterion_reduce(domain, predicate, facts, arena, out); break;
    default: *out = *predicate; break; /* a condition whose fact is missing */
    }
}

/* ---- selectors ---- */

static bool is_nothing(const struct selector *selector)
{
    return selector->tag == SELECTOR_DECISIONS && selector->decisions.count == 0;
}

const struct selector *selector_residual(const struct domain *domain, const struct selector *selector,
                                         const struct varset *facts, struct arena *arena)
{
    const struct decision *list = selector->decisions.items;
    struct decision *kept;
    struct selector *out;
    size_t i, count = 0;

    if (selector->tag == SELECTOR_VALUE)
        return selector;
    kept = arena_array(arena, selector->decisions.count, sizeof(*kept));
    for (i = 0; i < selector->decisions.count; i++) {
        predicate_reduce(domain, &list[i].if_, facts, arena, &kept[count].if_);
        if (kept[count].if_.tag == PRED_CONSTANT && !kept[count].if_.constant)
            continue;
        kept[count].then_ = selector_residual(domain, list[i].then_, facts, arena);
        if (is_nothing(kept[count].then_))
            continue;
        if (count == 0 && kept[0].if_.tag == PRED_CONSTANT)
            return kept[0].then_; /* true, and first: it hides the rest */
        count++;
    }
    out = arena_alloc(arena, sizeof(*out));
    *out = (struct selector){ .tag = SELECTOR_DECISIONS, .decisions = { kept, count } };
    return out;
}

/* ---- terms ---- */

static bool is_selector_type(const struct type *type)
{
    return type->kind == TYPE_UNION && type->size == sizeof(struct selector) && type->field_count == 2 &&
           type->fields[0].offset == offsetof(struct selector, value) &&
           type->fields[1].offset == offsetof(struct selector, decisions) &&
           strcmp(type->fields[1].name, "decisions") == 0;
}

/* What stands in place of MEMBER (not NULL) of TYPE, which terms hold by pointer. */
static const void *member_reduce(const struct domain *domain, const struct type *type, const void *member,
                                 const struct varset *facts, struct arena *arena);

static void fields_reduce(const struct domain *domain, const struct type *type, void *value,
                          const struct varset *facts, struct arena *arena)
{
    size_t i;

    for (i = 0; i < type->field_count; i++) {
        const void **member = (const void **)((char *)value + type->fields[i].offset);

        if ((type->fields[i].flags & TYPE_POINTER) && *member)
            *member = member_reduce(domain, type->fields[i].type, *member, facts, arena);
    }
}

static const void *member_reduce(const struct domain *domain, const struct type *type, const void *member,
                                 const struct varset *facts, struct arena *arena)
{
    void *out;

    if (is_selector_type(type))
        return selector_residual(domain, member, facts, arena);
    if (type != &type_predicate && (type->kind != TYPE_STRUCT || type->size == 0))
        return member;
    out = arena_alloc(arena, type->size);
    if (type == &type_predicate) {
        predicate_reduce(domain, member, facts, arena, out);
    } else {
        memcpy(out, member, type->size);
        fields_reduce(domain, type, out, facts, arena);
    }
    return out;
}

void term_set_reduce(const struct domain *domain, const struct term_set *terms, const struct varset *facts,
                     struct arena *arena, struct term_set *out)
{
    *out = *terms;
    fields_reduce(domain, &type_term_set, out, facts, arena);
}

bool shop_terms_reduce(const struct domain *domain, const char *party_id, const char *shop_id, const struct cash *amount,
                       struct arena *arena, struct term_set *terms)
{
    const struct shop *shop = domain_shop(domain, party_id, shop_id);
    const struct term_set *whole = shop ? domain_terms(domain, shop->terms.id) : NULL;
    struct varset facts;

    if (!whole)
        return false;
    facts = (struct varset){
        .category = shop->category.id, .currency = shop->account.currency.symbolic_code, .amount = amount,
        .party_id = party_id, .shop_id = shop->id,
    };
    term_set_reduce(domain, whole, &facts, arena, terms);
    return true;
}

void provision_terms_reduce(const struct domain *domain, const struct provision_terms *terms,
                            const struct varset *facts, struct arena *arena, struct provision_terms *out)
{
    struct provision_chargeback_terms *chargebacks;
    struct provision_recurrent_terms *recurrent;

    *out = *terms;
    fields_reduce(domain, &type_provision_terms, out, facts, arena);
    if (terms->payments && terms->payments->chargebacks) { /* the copies are ours: made just now */
        chargebacks = (struct provision_chargeback_terms *)(uintptr_t)out->payments->chargebacks;
        chargebacks->fees = terms->payments->chargebacks->fees;
    }
    if (terms->recurrent_paytools) {
        recurrent = (struct provision_recurrent_terms *)(uintptr_t)out->recurrent_paytools;
        recurrent->risk_coverage = terms->recurrent_paytools->risk_coverage;
    }
}

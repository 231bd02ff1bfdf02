#include "domain/selector.h"

enum selected selector_reduce(const struct domain *domain, const struct selector *selector, const struct varset *facts,
                              const void **value)
{
    const struct decision *list;
    const void *found = NULL;
    enum selected then;
    enum tri holds;
    size_t i;

    if (!selector || !selector->tag)
        return SELECTED_NOTHING;
    if (selector->tag == SELECTOR_VALUE) {
        *value = selector->value;
        return SELECTED_VALUE;
    }
    list = selector->decisions.items;
    for (i = 0; i < selector->decisions.count; i++) {
        holds = predicate_test(domain, &list[i].if_, facts);
        if (holds == TRI_FALSE)
            continue;
        then = selector_reduce(domain, list[i].then_, facts, &found);
        if (then == SELECTED_NOTHING)
            continue; /* empty decisions fall through, whatever the predicate says */
        if (holds == TRI_UNKNOWN || then == SELECTED_UNDECIDED)
            return SELECTED_UNDECIDED;
        *value = found;
        return SELECTED_VALUE;
    }
    return SELECTED_NOTHING;
}

const void *selector_value(const struct domain *domain, const struct selector *selector, const struct varset *facts)
{
    const void *value;

    return selector_reduce(domain, selector, facts, &value) == SELECTED_VALUE ? value : NULL;
}

const void *selector_literal(const struct selector *selector)
{
    return selector && selector->tag == SELECTOR_VALUE ? selector->value : NULL;
}

bool selector_any(const struct domain *domain, const struct selector *selector, const struct varset *facts,
                  bool (*accepts)(const void *value, const void *arg), const void *arg)
{
    const struct decision *list;
    const void *value;
    bool is_first = true;
    enum tri holds;
    size_t i;

    if (!selector || !selector->tag)
        return false;
    if (selector->tag == SELECTOR_VALUE)
        return accepts(selector->value, arg);
    list = selector->decisions.items;
    for (i = 0; i < selector->decisions.count; i++) {
        holds = predicate_test(domain, &list[i].if_, facts);
        if (holds == TRI_FALSE || selector_reduce(domain, list[i].then_, facts, &value) == SELECTED_NOTHING)
            continue;
        if (selector_any(domain, list[i].then_, facts, accepts, arg))
            return true;
        if (is_first && holds == TRI_TRUE)
            return false; /* it is decided; behind an unknown first one, nothing hides what follows */
        is_first = false;
    }
    return false;
}

/* Three-valued tests: a condition whose fact is missing is unknown, and so is what depends on it. */
#include "domain/predicate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "domain/domain.h"

static enum tri tri_of(bool value)
{
    return value ? TRI_TRUE : TRI_FALSE;
}

static enum tri tri_and(enum tri a, enum tri b)
{
    if (a == TRI_FALSE || b == TRI_FALSE)
        return TRI_FALSE;
    return a == TRI_UNKNOWN || b == TRI_UNKNOWN ? TRI_UNKNOWN : TRI_TRUE;
}

/* The end of the character at TEXT, which is not at its end: a character is what UTF-8 says it is. */
static const char *char_end(const char *text)
{
    for (text++; (*text & 0xc0) == 0x80; text++)
        ;
    return text;
}

bool wildcard_match(const char *pattern, const char *text)
{
    const char *star = NULL, *resume = NULL;

    while (*text) {
        const char *literal = *pattern == '\\' && pattern[1] ? pattern + 1 : pattern;

        if (*pattern == '*') {
            star = ++pattern;
            resume = text;
        } else if (*pattern == '?') {
            pattern++;
            text = char_end(text);
        } else if (*pattern && *literal == *text) {
            pattern = literal + 1;
            text++;
        } else if (star) { /* let the last star take one character more */
            pattern = star;
            text = resume = char_end(resume);
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

static bool matches_any(const struct type_list *patterns, const char *text)
{
    const char *const *list = patterns->items;
    size_t i;

    for (i = 0; i < patterns->count; i++) {
        if (wildcard_match(list[i], text))
            return true;
    }
    return false;
}

static bool ref_is(const struct id_ref *ref, const char *id)
{
    return ref && strcmp(ref->id, id) == 0;
}

/* ---- payment tools ---- */

static enum tri card_system(const struct card_system_condition *condition, const struct bank_card *card)
{
    enum tri result = TRI_TRUE;

    if (!condition->payment_system_is && !condition->token_service_is && !condition->tokenization_method_is)
        return TRI_FALSE;
    if (condition->payment_system_is)
        result = tri_and(result, tri_of(ref_is(card->payment_system, condition->payment_system_is->id)));
    if (condition->token_service_is)
        result = tri_and(result, tri_of(ref_is(card->payment_token, condition->token_service_is->id)));
    if (condition->tokenization_method_is && !card->tokenization_method)
        result = tri_and(result, TRI_UNKNOWN);
    else if (condition->tokenization_method_is)
        result = tri_and(result, tri_of(card->tokenization_method == condition->tokenization_method_is));
    return result;
}

static bool issued_by(const struct domain *domain, int64_t bank_id, const struct bank_card *card)
{
    const struct bank *bank = domain_bank(domain, bank_id);
    const char *const *bins = bank->bins.items;
    size_t i;

    if (bank->binbase_id_patterns.count > 0 && card->bank_name)
        return matches_any(&bank->binbase_id_patterns, card->bank_name);
    for (i = 0; i < bank->bins.count; i++) {
        if (strcmp(bins[i], card->bin) == 0)
            return true;
    }
    return false;
}

static enum tri card_test(const struct domain *domain, const struct card_condition *condition,
                          const struct bank_card *card)
{
    bool empty_cvv = card->is_cvv_empty && *card->is_cvv_empty;

    switch (condition->tag) {
    case CARD_PAYMENT_SYSTEM: return card_system(&condition->payment_system, card);
    case CARD_ISSUER_COUNTRY_IS:
        if (!card->issuer_country)
            return TRI_UNKNOWN;
        return tri_of(strcmp(card->issuer_country, condition->issuer_country_is) == 0);
    case CARD_ISSUER_BANK_IS: return tri_of(issued_by(domain, condition->issuer_bank_is.id, card));
    case CARD_EMPTY_CVV_IS: return tri_of(empty_cvv == condition->empty_cvv_is);
    case CARD_CATEGORY_IS:
        return tri_of(card->category &&
                      matches_any(&domain_bank_card_category(domain, condition->category_is.id)->category_patterns,
                                  card->category));
    default: return TRI_TRUE; /* any card */
    }
}

static enum tri service_test(const struct service_condition *condition, const struct id_ref *service)
{
    return condition->tag ? tri_of(ref_is(service, condition->is.id)) : TRI_TRUE;
}

static bool field_matches(const struct resource_field *condition, const struct tool_content *data)
{
    char *text = tool_content_text(data, &condition->field_path);
    bool matches = text && strcmp(text, condition->value) == 0;

    free(text);
    return matches;
}

static enum tri tool_test(const struct domain *domain, const struct tool_condition *condition,
                          const struct payment_tool *tool)
{
    static const int tools[] = {
        [TOOL_COND_CARD] = TOOL_BANK_CARD,         [TOOL_COND_TERMINAL] = TOOL_PAYMENT_TERMINAL,
        [TOOL_COND_WALLET] = TOOL_DIGITAL_WALLET,  [TOOL_COND_MOBILE] = TOOL_MOBILE_COMMERCE,
        [TOOL_COND_CRYPTO] = TOOL_CRYPTO_CURRENCY, [TOOL_COND_GENERIC] = TOOL_GENERIC,
    };

    if (tool->tag != tools[condition->tag])
        return TRI_FALSE;
    switch (condition->tag) {
    case TOOL_COND_CARD: return card_test(domain, &condition->bank_card.definition, tool->bank_card);
    case TOOL_COND_TERMINAL:
        return service_test(&condition->payment_terminal.definition, tool->payment_terminal->payment_service);
    case TOOL_COND_WALLET:
        return service_test(&condition->digital_wallet.definition, tool->digital_wallet->payment_service);
    case TOOL_COND_MOBILE: return service_test(&condition->mobile_commerce.definition, tool->mobile_commerce->operator);
    case TOOL_COND_CRYPTO: return service_test(&condition->crypto_currency.definition, &tool->crypto_currency->id);
    default:
        if (condition->generic.tag == GENERIC_SERVICE_IS)
            return tri_of(ref_is(tool->generic->payment_service, condition->generic.payment_service_is.id));
        return tri_of(field_matches(&condition->generic.resource_field_matches, tool->generic->data));
    }
}

/* ---- conditions ---- */

static enum tri party_test(const struct party_condition *condition, const struct varset *facts)
{
    if (!facts->party_id)
        return TRI_UNKNOWN;
    if (strcmp(facts->party_id, condition->party_ref.id) != 0)
        return TRI_FALSE;
    switch (condition->definition.tag) {
    case PARTY_SHOP_IS:
        return facts->shop_id ? tri_of(strcmp(facts->shop_id, condition->definition.shop_is.id) == 0) : TRI_UNKNOWN;
    case PARTY_WALLET_IS: return TRI_UNKNOWN;
    default: return TRI_TRUE;
    }
}

static enum tri multiple_test(const struct cash *of, const struct cash *amount)
{
    return tri_of(cash_same_currency(of, amount) && amount->amount % of->amount == 0);
}

static enum tri condition_test(const struct domain *domain, const struct condition *condition,
                               const struct varset *facts)
{
    switch (condition->tag) {
    case COND_CATEGORY_IS: return facts->category ? tri_of(facts->category == condition->category_is.id) : TRI_UNKNOWN;
    case COND_CURRENCY_IS:
        return facts->currency ? tri_of(strcmp(facts->currency, condition->currency_is.symbolic_code) == 0) : TRI_UNKNOWN;
    case COND_COST_IN:
        return facts->amount ? tri_of(cash_range_place(&condition->cost_in, facts->amount) == CASH_WITHIN) : TRI_UNKNOWN;
    case COND_COST_IS_MULTIPLE_OF:
        return facts->amount ? multiple_test(&condition->cost_is_multiple_of, facts->amount) : TRI_UNKNOWN;
    case COND_PAYMENT_TOOL:
        return facts->payment_tool ? tool_test(domain, &condition->payment_tool, facts->payment_tool) : TRI_UNKNOWN;
    case COND_PARTY: return party_test(&condition->party, facts);
    case COND_TRUST_LEVEL_IS:
        return facts->trust_level ? tri_of(facts->trust_level == condition->trust_level_is) : TRI_UNKNOWN;
    default: return TRI_UNKNOWN; /* shop_location_is, bin_data: nobody supplies what they ask about */
    }
}

/* STOP decides at once; with none of them, one unknown leaves the whole unknown. */
static enum tri list_test(const struct domain *domain, const struct type_list *list, const struct varset *facts,
                          enum tri stop)
{
    enum tri result = stop == TRI_FALSE ? TRI_TRUE : TRI_FALSE, one;
    size_t i;

    for (i = 0; i < list->count; i++) {
        one = predicate_test(domain, (const struct predicate *)list->items + i, facts);
        if (one == stop)
            return stop;
        if (one == TRI_UNKNOWN)
            result = TRI_UNKNOWN;
    }
    return result;
}

enum tri predicate_test(const struct domain *domain, const struct predicate *predicate, const struct varset *facts)
{
    enum tri inner;

    switch (predicate->tag) {
    case PRED_CONSTANT: return tri_of(predicate->constant);
    case PRED_CONDITION: return condition_test(domain, predicate->condition, facts);
    case PRED_IS_NOT:
        inner = predicate_test(domain, predicate->is_not, facts);
        return inner == TRI_UNKNOWN ? inner : tri_of(inner == TRI_FALSE);
    case PRED_ALL_OF: return list_test(domain, &predicate->all_of, facts, TRI_FALSE);
    case PRED_ANY_OF: return list_test(domain, &predicate->any_of, facts, TRI_TRUE);
    default:
        assert(predicate->tag == PRED_CRITERION);
        return predicate_test(domain, &domain_criterion(domain, predicate->criterion.id)->predicate, facts);
    }
}

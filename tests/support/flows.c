/* See flows.h. */
#include "support/flows.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const struct account_map flow_accounts = {
    .currency = "RUB",
    .merchant_settlement = ACC_M, .merchant_guarantee = ACC_G, .provider_settlement = ACC_P, .system_settlement = ACC_S,
    .system_subagent = ACC_A, .external_income = ACC_I, .external_outcome = ACC_O,
    .party_id = "party", .shop_id = "shop", .provider_id = 2, .terminal_id = 7,
};

const char flow_fees[] =
    "[{\"source\":{\"merchant\":\"settlement\"},\"destination\":{\"system\":\"settlement\"},"
    "\"volume\":{\"share\":{\"parts\":{\"p\":45,\"q\":1000},\"of\":\"operation_amount\"}}}]";

const char flow_provider[] =
    "[{\"source\":{\"provider\":\"settlement\"},\"destination\":{\"merchant\":\"settlement\"},"
    "\"volume\":{\"share\":{\"parts\":{\"p\":1,\"q\":1},\"of\":\"operation_amount\"}}},"
    "{\"source\":{\"system\":\"settlement\"},\"destination\":{\"provider\":\"settlement\"},"
    "\"volume\":{\"share\":{\"parts\":{\"p\":16,\"q\":1000},\"of\":\"operation_amount\"}}},"
    "{\"source\":{\"system\":\"settlement\"},\"destination\":{\"external\":\"outcome\"},"
    "\"volume\":{\"fixed\":{\"cash\":{\"amount\":20,\"currency\":{\"symbolic_code\":\"RUB\"}}}},\"details\":\"Kek\"}]";

static const char letters[] = " mgsapio"; /* by ACC_* */

void must_finalise(const char *template, int64_t amount, struct arena *arena, struct type_list *flow)
{
    struct volume_context context = { .operation_amount = { amount, { "RUB" } } };
    struct type_errors errors = { .count = 0 };
    struct type_list rows;
    const char *why = NULL;

    if (type_decode_text(&type_cash_flow_template, template, strlen(template), 0, arena, &rows, &errors))
        cr_assert_fail("%s: %s", errors.list[0].path, errors.list[0].message);
    if (cashflow_finalise(&rows, &flow_accounts, &context, arena, flow, &why))
        cr_assert_fail("%s", why);
}

static char letter_of(const struct account_role *role)
{
    switch (role->tag) {
    case ACCOUNT_MERCHANT: return role->merchant == MERCHANT_SETTLEMENT ? 'm' : 'g';
    case ACCOUNT_PROVIDER: return 'p';
    case ACCOUNT_SYSTEM: return role->system == SYSTEM_SETTLEMENT ? 's' : 'a';
    case ACCOUNT_EXTERNAL: return role->external == EXTERNAL_INCOME ? 'i' : 'o';
    default: return '?';
    }
}

const char *flow_text(const struct type_list *flow, struct arena *arena)
{
    const struct posting *postings = flow->items;
    struct buf text = BUF_EMPTY;
    const char *result;
    size_t i;

    for (i = 0; i < flow->count; i++) {
        buf_printf(&text, "%s%c>%c %" PRId64, i ? ", " : "", letter_of(&postings[i].source.account_type),
                   letter_of(&postings[i].destination.account_type), postings[i].volume.amount);
        if (postings[i].details)
            buf_printf(&text, " %s", postings[i].details);
    }
    result = arena_strdup(arena, buf_text(&text));
    buf_clear(&text);
    return result;
}

static int64_t account_of(char letter)
{
    const char *place = strchr(letters, letter);

    cr_assert(place && *place, "no account %c", letter);
    return place - letters;
}

struct type_list must_flow(const char *text, struct arena *arena)
{
    struct posting *postings = arena_array(arena, CASHFLOW_POSTINGS_MAX, sizeof(*postings));
    size_t count = 0;
    char *end;

    while (*text) {
        struct posting *posting = &postings[count++];

        cr_assert_eq(text[1], '>', "%s", text);
        posting->source.account_id = account_of(text[0]);
        posting->destination.account_id = account_of(text[2]);
        posting->volume = (struct cash){ strtoll(text + 3, &end, 10), { "RUB" } };
        for (text = end; *text == ',' || *text == ' '; text++)
            ;
    }
    return (struct type_list){ postings, count };
}

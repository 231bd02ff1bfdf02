/* From templates to final flows: one rounding per share, products after it. */
#include "money/cashflow.h"

#include <assert.h>
#include <string.h>

static enum sl_err misconfigured(const char **why, const char *text)
{
    *why = text;
    return SL_EINVAL;
}

/* ---- volumes ---- */

static enum sl_err share_compute(const struct volume_share *share, const struct volume_context *context,
                                 struct cash *out, const char **why)
{
    const struct cash *of = share->of == OF_SURPLUS ? context->surplus : &context->operation_amount;

    if (!of)
        return misconfigured(why, "a share is of a constant that this operation does not have");
    out->currency = of->currency;
    if (!rational_share(of->amount, share->parts, (enum rounding)share->rounding_method, &out->amount))
        return misconfigured(why, "a share has no value");
    return SL_OK;
}

/* Members form a set: an equal one that stands further to the left is the same member. */
static bool is_repeated(const struct type_list *members, size_t index)
{
    const struct volume *list = members->items;
    size_t i;

    for (i = 0; i < index; i++) {
        if (type_equal(&type_volume, &list[i], &list[index]))
            return true;
    }
    return false;
}

static enum sl_err product_compute(const struct volume_product *product, const struct volume_context *context,
                                   struct arena *arena, struct cash *out, const char **why)
{
    const struct type_list *members = product->tag == PRODUCT_MIN_OF   ? &product->min_of
                                      : product->tag == PRODUCT_MAX_OF ? &product->max_of
                                                                       : &product->sum_of;
    struct cash value;
    enum sl_err err;
    size_t i;

    if (members->count == 0)
        return misconfigured(why, "a product of volumes has no members");
    for (i = 0; i < members->count; i++) {
        if (i > 0 && is_repeated(members, i))
            continue;
        err = volume_compute((const struct volume *)members->items + i, context, arena, &value, why);
        if (err)
            return err;
        if (i == 0)
            *out = value;
        else if (!cash_same_currency(out, &value))
            return misconfigured(why, "a product of volumes has members in different currencies");
        else if (product->tag == PRODUCT_SUM_OF && __builtin_add_overflow(out->amount, value.amount, &out->amount))
            return misconfigured(why, "a sum of volumes is out of range");
        else if ((product->tag == PRODUCT_MIN_OF && value.amount < out->amount) ||
                 (product->tag == PRODUCT_MAX_OF && value.amount > out->amount))
            *out = value;
    }
    return SL_OK;
}

enum sl_err volume_compute(const struct volume *volume, const struct volume_context *context, struct arena *arena,
                           struct cash *out, const char **why)
{
    switch (volume->tag) {
    case VOLUME_FIXED: *out = volume->fixed->cash; return SL_OK;
    case VOLUME_SHARE: return share_compute(volume->share, context, out, why);
    case VOLUME_PRODUCT: return product_compute(volume->product, context, arena, out, why);
    default: return misconfigured(why, "a volume of no kind");
    }
}

/* ---- accounts ---- */

static int64_t role_account(const struct account_role *role, const struct account_map *map)
{
    switch (role->tag) {
    case ACCOUNT_MERCHANT:
        return role->merchant == MERCHANT_SETTLEMENT  ? map->merchant_settlement
               : role->merchant == MERCHANT_GUARANTEE ? map->merchant_guarantee
                                                      : 0;
    case ACCOUNT_PROVIDER: return map->provider_settlement;
    case ACCOUNT_SYSTEM: return role->system == SYSTEM_SETTLEMENT ? map->system_settlement : map->system_subagent;
    case ACCOUNT_EXTERNAL: return role->external == EXTERNAL_INCOME ? map->external_income : map->external_outcome;
    default: return 0;
    }
}

static void owner_set(const struct account_role *role, const struct account_map *map, struct arena *arena,
                      struct transaction_account *out)
{
    struct merchant_account *merchant;
    struct provider_account *provider;
    struct plain_account *plain;

    switch (role->tag) {
    case ACCOUNT_MERCHANT:
        merchant = arena_alloc(arena, sizeof(*merchant));
        *merchant = (struct merchant_account){ role->merchant, { { map->party_id }, { map->shop_id } } };
        *out = (struct transaction_account){ .tag = TA_MERCHANT, .merchant = merchant };
        break;
    case ACCOUNT_PROVIDER:
        provider = arena_alloc(arena, sizeof(*provider));
        *provider = (struct provider_account){ role->provider, { { map->provider_id }, { map->terminal_id } } };
        *out = (struct transaction_account){ .tag = TA_PROVIDER, .provider = provider };
        break;
    case ACCOUNT_SYSTEM:
    case ACCOUNT_EXTERNAL:
        plain = arena_alloc(arena, sizeof(*plain));
        plain->type = role->tag == ACCOUNT_SYSTEM ? role->system : role->external;
        *out = (struct transaction_account){ .tag = role->tag == ACCOUNT_SYSTEM ? TA_SYSTEM : TA_EXTERNAL };
        if (role->tag == ACCOUNT_SYSTEM)
            out->system = plain;
        else
            out->external = plain;
        break;
    default: assert(!"a role without an account was turned away before");
    }
}

static enum sl_err account_finalise(const struct account_role *role, const struct account_map *map,
                                    struct arena *arena, struct final_account *out, const char **why)
{
    struct buf text = BUF_EMPTY;
    int64_t id = role_account(role, map);

    if (id == 0) {
        type_encode(&type_account_role, role, &text);
        *why = arena_printf(arena, "account %s can not be mapped", buf_text(&text));
        buf_clear(&text);
        return SL_EINVAL;
    }
    out->account_type = *role;
    out->account_id = id;
    owner_set(role, map, arena, &out->transaction_account);
    return SL_OK;
}

enum sl_err cashflow_finalise(const struct type_list *template, const struct account_map *accounts,
                              const struct volume_context *context, struct arena *arena, struct type_list *flow,
                              const char **why)
{
    struct posting *postings = arena_array(arena, flow->count + template->count, sizeof(*postings));
    enum sl_err err;
    size_t i;

    if (flow->count + template->count > CASHFLOW_POSTINGS_MAX)
        return misconfigured(why, "a cash flow has too many postings");
    if (flow->count)
        memcpy(postings, flow->items, flow->count * sizeof(*postings));
    for (i = 0; i < template->count; i++) {
        const struct posting_template *row = (const struct posting_template *)template->items + i;
        struct posting *posting = &postings[flow->count + i];

        err = account_finalise(&row->source, accounts, arena, &posting->source, why);
        if (!err)
            err = account_finalise(&row->destination, accounts, arena, &posting->destination, why);
        if (!err)
            err = volume_compute(&row->volume, context, arena, &posting->volume, why);
        if (err)
            return err;
        if (posting->volume.amount < 0 || posting->volume.amount > CASH_MAX)
            return misconfigured(why, "a posting's volume is negative or out of range");
        if (strcmp(posting->volume.currency.symbolic_code, accounts->currency) != 0) {
            *why = arena_printf(arena, "a posting in %s goes to accounts in %s", posting->volume.currency.symbolic_code,
                                accounts->currency);
            return SL_EINVAL;
        }
        posting->details = row->details;
    }
    flow->items = postings;
    flow->count += template->count;
    return SL_OK;
}

struct type_list cashflow_revert(const struct type_list *flow, struct arena *arena)
{
    struct posting *postings = arena_array(arena, flow->count, sizeof(*postings));
    size_t i;

    for (i = 0; i < flow->count; i++) {
        const struct posting *posting = (const struct posting *)flow->items + i;

        postings[i] = *posting;
        postings[i].source = posting->destination;
        postings[i].destination = posting->source;
        if (posting->details)
            postings[i].details = arena_printf(arena, "Revert '%s'", posting->details);
    }
    return (struct type_list){ postings, flow->count };
}

/* ---- totals ---- */

static enum sl_err total_add(struct type_list *totals, const struct final_account *account, const struct cash *volume,
                             int sign, const char **why)
{
    struct cashflow_total *list = totals->items;
    int64_t delta;
    size_t i;

    for (i = 0; i < totals->count && list[i].account_id != account->account_id; i++)
        ;
    if (i == totals->count) {
        list[i] = (struct cashflow_total){ account->account_type, account->account_id, { 0, volume->currency } };
        totals->count++;
    }
    if (!cash_same_currency(&list[i].amount, volume))
        return misconfigured(why, "an account is posted to in two currencies");
    if (__builtin_mul_overflow(volume->amount, sign, &delta) ||
        __builtin_add_overflow(list[i].amount.amount, delta, &list[i].amount.amount))
        return misconfigured(why, "the total of an account is out of range");
    return SL_OK;
}

enum sl_err cashflow_totals(const struct type_list *flow, struct arena *arena, struct type_list *out, const char **why)
{
    const struct posting *postings = flow->items;
    struct type_list totals = { arena_array(arena, 2 * flow->count, sizeof(struct cashflow_total)), 0 };
    enum sl_err err;
    size_t i;

    for (i = 0; i < flow->count; i++) {
        err = total_add(&totals, &postings[i].source, &postings[i].volume, -1, why);
        if (!err)
            err = total_add(&totals, &postings[i].destination, &postings[i].volume, 1, why);
        if (err)
            return err;
    }
    *out = totals;
    return SL_OK;
}

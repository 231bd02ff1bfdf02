/* Templates as a kind of machine. See template.h. */
#include "payment/template.h"

#include <string.h>

#include "domain/domain.h"
#include "domain/reduce.h"
#include "payment/dictionary.h"
#include "payment/errors.h"
#include "payment/mutation.h"

/* ---- checks; each answers false after a refusal ---- */

static bool refused(const struct step_in *in, struct step_out *out, const char *field, const char *text)
{
    refuse_request(in, out, field, text);
    return false;
}

static bool check_cash(const struct step_in *in, struct step_out *out, const struct shop *shop, const struct cash *cash)
{
    if (cash->amount <= 0)
        return refused(in, out, "/details/product/price", "Invalid amount");
    if (strcmp(cash->currency.symbolic_code, shop->account.currency.symbolic_code) != 0)
        return refused(in, out, "/details/product/price", "Invalid currency");
    return true;
}

static const struct cash *bound_cash(const struct cash_bound *bound)
{
    return bound->tag == BOUND_INCLUSIVE ? &bound->inclusive : &bound->exclusive;
}

/* Whether some amount may lie within: bounds of one type must differ unless both are inclusive. */
static bool range_is_sound(const struct cash_range *range)
{
    const struct cash *lower = bound_cash(&range->lower), *upper = bound_cash(&range->upper);

    if (!cash_same_currency(lower, upper))
        return false;
    if (range->lower.tag != range->upper.tag || range->lower.tag == BOUND_INCLUSIVE)
        return upper->amount >= lower->amount;
    return upper->amount > lower->amount;
}

static bool check_price(const struct step_in *in, struct step_out *out, const struct shop *shop,
                        const struct template_price *price)
{
    switch (price->tag) {
    case PRICE_FIXED: return check_cash(in, out, shop, &price->fixed);
    case PRICE_RANGE:
        if (!range_is_sound(&price->range))
            return refused(in, out, "/details/product/price/range", "Invalid cost range");
        return check_cash(in, out, shop, bound_cash(&price->range.lower)) &&
               check_cash(in, out, shop, bound_cash(&price->range.upper));
    default: return true;
    }
}

static bool check_mutations(const struct step_in *in, struct step_out *out, const struct template_details *details,
                            const struct type_list *mutations)
{
    struct invoice_details with_cart = { .cart = details->tag == DETAILS_CART ? &details->cart : NULL };

    return mutations_fit(mutations, &with_cart) ||
           refused(in, out, "/mutations",
                   "Amount mutation with multiline cart or multiple items in a line is not allowed");
}

/* ---- Create ---- */

static void emit(const struct step_in *in, struct step_out *out, const struct template_change *change)
{
    step_change(out, arena_memdup(in->arena, change, sizeof(*change)));
}

static bool has_head(const struct step_in *in, struct step_out *out)
{
    if (!in->head)
        step_retry(in, out, "no configuration has been committed yet");
    return in->head != NULL;
}

static void template_init(const struct step_in *in, struct step_out *out, const struct template_params *args)
{
    struct template_created *created = arena_alloc(in->arena, sizeof(*created));
    struct template_params params;
    const struct shop *shop;

    if (!has_head(in, out))
        return;
    shop = require_operable(in, out, in->head, args->party_id, args->shop_id, false);
    if (!shop || (args->details.tag == DETAILS_PRODUCT && !check_price(in, out, shop, &args->details.product.price)) ||
        !check_mutations(in, out, &args->details, &args->mutations))
        return;
    type_copy(&type_template_params, &params, args, in->arena); /* the caller's own may not outlive the answer */
    created->invoice_template = (struct invoice_template){
        .id = params.template_id, .party_ref = { params.party_id }, .shop_ref = { params.shop_id },
        .invoice_lifetime = params.invoice_lifetime, .product = params.product, .name = params.name,
        .description = params.description, .created_at = in->now_us, .details = params.details,
        .context = params.context, .mutations = params.mutations,
    };
    emit(in, out, &(struct template_change){ .tag = TCHG_CREATED, .created = created });
}

/* ---- Update, Delete ---- */

static void update(const struct step_in *in, struct step_out *out, const struct shop *shop,
                   const struct template_update *args)
{
    const struct template_state *state = in->state;
    struct template_updated *updated = arena_alloc(in->arena, sizeof(*updated));
    const struct template_details *details = args->details.tag ? &args->details : &state->invoice_template.details;

    if (args->details.tag == DETAILS_PRODUCT && !check_price(in, out, shop, &args->details.product.price))
        return;
    if (!check_mutations(in, out, details, args->mutations.items ? &args->mutations : &state->invoice_template.mutations))
        return;
    type_copy(&type_template_update, &updated->diff, args, in->arena);
    emit(in, out, &(struct template_change){ .tag = TCHG_UPDATED, .updated = updated });
}

static void template_called(const struct step_in *in, struct step_out *out, const struct template_call *call)
{
    const struct template_state *state = in->state;
    const struct shop *shop;

    if (state->deleted) {
        refuse(in, out, ERR_TEMPLATE_REMOVED);
        return;
    }
    if (!has_head(in, out))
        return;
    shop = require_operable(in, out, in->head, state->invoice_template.party_ref.id,
                            state->invoice_template.shop_ref.id, false);
    if (!shop)
        return;
    if (call->kind == TEMPLATE_UPDATE)
        update(in, out, shop, &call->update);
    else
        emit(in, out, &(struct template_change){ .tag = TCHG_DELETED });
}

/* ---- the kind ---- */

static void template_step(const struct step_in *in, struct step_out *out)
{
    switch (in->input) {
    case IN_INIT: template_init(in, out, in->args); break;
    case IN_CALL: template_called(in, out, in->args); break;
    case IN_TIMEOUT: break; /* it has no timer */
    case IN_EFFECT: step_fail(in, out, "a template orders no effects"); break;
    case IN_REPAIR: step_fail(in, out, "there is nothing to repair about a template but by running it again"); break;
    }
}

static void fold_update(struct invoice_template *template, const struct template_update *diff)
{
    if (diff->invoice_lifetime)
        template->invoice_lifetime = *diff->invoice_lifetime;
    if (diff->product)
        template->product = diff->product;
    if (diff->name)
        template->name = diff->name;
    if (diff->description)
        template->description = diff->description;
    if (diff->details.tag)
        template->details = diff->details;
    if (diff->context)
        template->context = diff->context;
    if (diff->mutations.items)
        template->mutations = diff->mutations;
}

static const char *template_fold(void *state_in, const void *change_in, int64_t now_us, bool strict, struct arena *arena)
{
    struct template_state *state = state_in;
    const struct template_change *change = change_in;

    (void)now_us;
    (void)arena;
    if (strict && (change->tag == TCHG_CREATED) != !state->invoice_template.id)
        return "a template is created once, and before all else";
    if (strict && state->deleted)
        return "the template has been deleted";
    switch (change->tag) {
    case TCHG_CREATED: state->invoice_template = change->created->invoice_template; return NULL;
    case TCHG_UPDATED: fold_update(&state->invoice_template, &change->updated->diff); return NULL;
    case TCHG_DELETED: state->deleted = true; return NULL;
    default: return "an unknown change";
    }
}

static struct machine_label template_label(const void *state_in)
{
    const struct template_state *state = state_in;

    return (struct machine_label){
        .activity = "invoice_template", .status = state->deleted ? "deleted" : "active", .finished = state->deleted,
    };
}

static int64_t template_revision(const void *state)
{
    (void)state;
    return 0;
}

const struct machine_kind template_kind = {
    .name = "tpl",
    .change = &type_template_change,
    .state = &type_template_state,
    .retry = { .first_ms = 1000, .factor = 2, .max_ms = 30 * 60 * 1000, .attempts_max = 100 },
    .fold = template_fold,
    .step = template_step,
    .label = template_label,
    .revision = template_revision,
    .dictionaries = payment_dictionaries,
};

/* ---- ComputeTerms ---- */

bool template_terms(const struct invoice_template *template, const struct domain *domain, struct arena *arena,
                    struct term_set *terms)
{
    bool fixed = template->details.tag == DETAILS_PRODUCT && template->details.product.price.tag == PRICE_FIXED;

    return shop_terms_reduce(domain, template->party_ref.id, template->shop_ref.id,
                             fixed ? &template->details.product.price.fixed : NULL, arena, terms);
}

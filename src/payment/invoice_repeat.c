/* See invoice_repeat.h. */
#include "payment/invoice_repeat.h"

#include <string.h>

#include "payment/mutation.h"

static int64_t original_amount(const struct invoice *invoice)
{
    const struct invoice_mutation *applied = invoice->mutations.items;

    return invoice->mutations.count ? applied[0].amount.original : invoice->cost.amount;
}

/* INVOICE's cart with the price that its one line had before mutations: nobody knows it but from WANTED, so there it does
 * not count. */
static const struct invoice_cart *unmutated_cart(const struct invoice *invoice, const struct invoice_cart *wanted,
                                                 struct arena *arena)
{
    const struct invoice_cart *cart = invoice->details.cart;
    struct invoice_cart *before;
    struct invoice_line *line;

    if (!cart || !invoice->mutations.count || cart->lines.count != 1 || !wanted || wanted->lines.count != 1)
        return cart;
    before = arena_alloc(arena, sizeof(*before));
    line = arena_memdup(arena, cart->lines.items, sizeof(*line));
    line->price.amount = ((const struct invoice_line *)wanted->lines.items)->price.amount;
    before->lines = (struct type_list){ line, 1 };
    return before;
}

void invoice_differ(const struct invoice *invoice, const struct invoice_params *params, struct arena *arena,
                    struct type_places *places)
{
    struct invoice_params was = {
        .id = params->id, .party_id = invoice->party_ref.id, .shop_id = invoice->shop_ref.id, .details = invoice->details,
        .due = invoice->due, .cost = { original_amount(invoice), invoice->cost.currency },
        .context = invoice->context,
        .external_id = invoice->external_id, .client_info = invoice->client_info, .allocation = params->allocation,
        .mutations = params->mutations,
    };

    was.details.cart = unmutated_cart(invoice, params->details.cart, arena);
    type_differ(&type_invoice_params, params, &was, "", arena, places);
    if (!mutations_explain(&params->mutations, &invoice->mutations, params->cost.amount))
        type_place_add(places, arena, "/mutations");
    if (invoice->template_id)
        type_place_add(places, arena, "/template_id");
}

void invoice_differ_use(const struct invoice *invoice, const struct template_use *use, struct arena *arena,
                        struct type_places *places)
{
    const struct cash cost = { original_amount(invoice), invoice->cost.currency };
    const struct template_use was = {
        .id = use->id, .cost = use->cost ? &cost : NULL, .context = use->context ? invoice->context : NULL,
        .external_id = invoice->external_id,
    };

    type_differ(&type_template_invoice_params, use, &was, "", arena, places);
    if (!invoice->template_id || strcmp(invoice->template_id, use->template->id) != 0)
        type_place_add(places, arena, "/template_id");
}

void template_differ(const struct invoice_template *template, const struct template_params *params, struct arena *arena,
                     struct type_places *places)
{
    const struct template_params was = {
        .template_id = params->template_id, .party_id = template->party_ref.id, .shop_id = template->shop_ref.id,
        .invoice_lifetime = template->invoice_lifetime, .product = template->product, .name = template->name,
        .description = template->description, .details = template->details,
        .context = template->context,
        .mutations = template->mutations,
    };

    type_differ(&type_template_params, params, &was, "", arena, places);
}

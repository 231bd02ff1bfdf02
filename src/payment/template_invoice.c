/* From a template to the parameters of an invoice: price, cart, due date. Ref: doc/spec/invoice.md 5. */
#include <string.h>

#include "payment/errors.h"
#include "payment/template.h"

#define DUE_MAX_US ((int64_t)253402300799 * 1000000) /* the end of the year 9999 */

static bool violated(const struct step_in *in, struct step_out *out, const char *text)
{
    refuse_request(in, out, "/cost", text);
    return false;
}

/* The price of a product template whose invoice is asked for at COST (NULL: not said). */
static bool price_of(const struct step_in *in, struct step_out *out, const struct template_price *price,
                     const struct cash *cost, struct cash *result)
{
    if (price->tag == PRICE_FIXED) {
        if (cost && !cash_equal(cost, &price->fixed))
            return violated(in, out, "Template violation: cost mismatch");
        *result = price->fixed;
        return true;
    }
    if (!cost)
        return violated(in, out, "Template violation: missing invoice cost");
    *result = *cost;
    if (price->tag == PRICE_UNLIM)
        return true;
    switch (cash_range_place(&price->range, cost)) {
    case CASH_WITHIN: return true;
    case CASH_INCOMPATIBLE: return violated(in, out, "Template violation: invalid currency");
    case CASH_EXCEEDS_LOWER:
    case CASH_EXCEEDS_UPPER: break;
    }
    return violated(in, out, "Template violation: invalid amount");
}

static bool cart_of(const struct step_in *in, struct step_out *out, const struct template_use *use,
                    struct invoice_cart *cart)
{
    const struct template_details *details = &use->template->details;
    struct invoice_line *line;

    if (details->tag == DETAILS_CART) {
        *cart = details->cart;
        return true;
    }
    line = arena_alloc(in->arena, sizeof(*line));
    line->product = details->product.product;
    line->quantity = 1;
    line->metadata = details->product.metadata;
    *cart = (struct invoice_cart){ { line, 1 } };
    return price_of(in, out, &details->product.price, use->cost, &line->price);
}

static bool cart_total(const struct step_in *in, struct step_out *out, const struct invoice_cart *cart,
                       struct cash *total)
{
    const struct invoice_line *lines = cart->lines.items;
    size_t i;

    *total = (struct cash){ 0, lines[0].price.currency };
    for (i = 0; i < cart->lines.count; i++) {
        int64_t line;

        if (!cash_same_currency(total, &lines[i].price))
            return violated(in, out, "Invalid currency");
        if (__builtin_mul_overflow(lines[i].price.amount, lines[i].quantity, &line) ||
            __builtin_add_overflow(total->amount, line, &total->amount) || total->amount > CASH_MAX)
            return violated(in, out, "Invalid amount");
    }
    return true;
}

bool template_invoice(const struct step_in *in, struct step_out *out, const struct template_use *use,
                      struct invoice_params *params)
{
    const struct invoice_template *template = use->template;
    struct invoice_cart *cart = arena_alloc(in->arena, sizeof(*cart));
    int64_t due = time_span_after(&template->invoice_lifetime, in->now_us);

    memset(params, 0, sizeof(*params));
    if (!cart_of(in, out, use, cart) || !cart_total(in, out, cart, &params->cost))
        return false;
    if (due > DUE_MAX_US) {
        refuse_request(in, out, NULL, "The template's lifetime is too long");
        return false;
    }
    params->id = use->id;
    params->party_id = template->party_ref.id;
    params->shop_id = template->shop_ref.id;
    params->details = (struct invoice_details){
        .product = template->product, .description = template->description, .cart = cart,
    };
    params->due = due;
    params->external_id = use->external_id;
    params->mutations = template->mutations;
    if (use->context)
        params->context = use->context;
    else if (template->context)
        params->context = template->context;
    return true;
}

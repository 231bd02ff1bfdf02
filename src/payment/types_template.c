/* The tables of invoice templates. */
#include "payment/template.h"

#include "payment/calls.h"

static const struct type type_text = TYPE_STR_IN(0, 1024);

static const struct type_field price_rows[] = {
    TF_VAR(template_price, fixed, type_cash),
    TF_VAR(template_price, range, type_cash_range),
    TF_EMPTY("unlim"),
};
static const struct type type_price = TYPE_UNION_OF("InvoiceTemplateCost", template_price, price_rows);
static const struct type type_metadata = TYPE_MAP_OF(type_raw);
static const struct type_field product_rows[] = {
    TF_REQ(template_product, product, type_text),
    TF_REQ(template_product, price, type_price),
    TF_REQ(template_product, metadata, type_metadata),
};
static const struct type type_product = TYPE_STRUCT_OF("InvoiceTemplateProduct", template_product, product_rows);
static const struct type_field details_rows[] = {
    TF_VAR(template_details, cart, type_invoice_cart),
    TF_VAR(template_details, product, type_product),
};
static const struct type type_details = TYPE_UNION_OF("InvoiceTemplateDetails", template_details, details_rows);

/* So long that nobody asks for more, and short enough for years of four digits. */
static const struct type type_years = TYPE_I64_IN(0, 1000);
static const struct type type_months = TYPE_I64_IN(0, 12000);
static const struct type type_days = TYPE_I64_IN(0, 365000);
static const struct type type_hours = TYPE_I64_IN(0, 8760000);
static const struct type type_seconds = TYPE_I64_IN(0, 31536000000);
static const struct type_field lifetime_rows[] = {
    TF_PTR(time_span, years, type_years),     TF_PTR(time_span, months, type_months),
    TF_PTR(time_span, days, type_days),       TF_PTR(time_span, hours, type_hours),
    TF_PTR(time_span, minutes, type_seconds), TF_PTR(time_span, seconds, type_seconds),
};
static const struct type type_lifetime = TYPE_STRUCT_OF("LifetimeInterval", time_span, lifetime_rows);

static const struct type_field template_rows[] = {
    TF_REQ(invoice_template, id, type_id),
    TF_REQ(invoice_template, party_ref, type_id_ref),
    TF_REQ(invoice_template, shop_ref, type_id_ref),
    TF_REQ(invoice_template, invoice_lifetime, type_lifetime),
    TF_REQ(invoice_template, product, type_text),
    TF_OPT(invoice_template, name, type_text),
    TF_OPT(invoice_template, description, type_str),
    TF_REQ(invoice_template, created_at, type_time),
    TF_REQ(invoice_template, details, type_details),
    TF_PTR(invoice_template, context, type_content),
    TF_OPT(invoice_template, mutations, type_mutation_params_list),
};
const struct type type_invoice_template = TYPE_STRUCT_OF("InvoiceTemplate", invoice_template, template_rows);

/* ---- bodies ---- */

static const struct type_field params_rows[] = {
    TF_REQ(template_params, template_id, type_id),
    TF_REQ(template_params, party_id, type_id),
    TF_REQ(template_params, shop_id, type_id),
    TF_REQ(template_params, invoice_lifetime, type_lifetime),
    TF_REQ(template_params, product, type_text),
    TF_OPT(template_params, name, type_text),
    TF_OPT(template_params, description, type_str),
    TF_REQ(template_params, details, type_details),
    TF_PTR(template_params, context, type_content),
    TF_OPT(template_params, mutations, type_mutation_params_list),
};
const struct type type_template_params = TYPE_STRUCT_OF("InvoiceTemplateCreateParams", template_params, params_rows);

static const struct type_field update_rows[] = {
    TF_PTR(template_update, invoice_lifetime, type_lifetime),
    TF_OPT(template_update, product, type_text),
    TF_OPT(template_update, name, type_text),
    TF_OPT(template_update, description, type_str),
    TF_OPT(template_update, details, type_details),
    TF_PTR(template_update, context, type_content),
    TF_OPT(template_update, mutations, type_mutation_params_list),
};
const struct type type_template_update = TYPE_STRUCT_OF("InvoiceTemplateUpdateParams", template_update, update_rows);

static const struct type_field invoice_rows[] = {
    TF_REQ(template_use, id, type_id),
    TF_PTR(template_use, cost, type_cash),
    TF_PTR(template_use, context, type_content),
    TF_OPT(template_use, external_id, type_external_id),
};
const struct type type_template_invoice_params = TYPE_STRUCT_OF("InvoiceWithTemplateParams", template_use, invoice_rows);

/* ---- changes and state ---- */

static const struct type_field created_rows[] = { TF_REQ(template_created, invoice_template, type_invoice_template) };
static const struct type type_created = TYPE_STRUCT_OF("InvoiceTemplateCreated", template_created, created_rows);
static const struct type_field updated_rows[] = { TF_REQ(template_updated, diff, type_template_update) };
static const struct type type_updated = TYPE_STRUCT_OF("InvoiceTemplateUpdated", template_updated, updated_rows);
#define VARIANT(NAME, M, T) { "invoice_template_" NAME, &(T), offsetof(struct template_change, M), TYPE_POINTER }
static const struct type_field change_rows[] = {
    VARIANT("created", created, type_created),
    VARIANT("updated", updated, type_updated),
    TF_EMPTY("invoice_template_deleted"),
};
const struct type type_template_change = TYPE_UNION_OF("InvoiceTemplateChange", template_change, change_rows);

static const struct type_field state_rows[] = {
    { "t", &type_invoice_template, offsetof(struct template_state, invoice_template), TYPE_REQUIRED },
    { "d", &type_bool, offsetof(struct template_state, deleted), 0 },
};
const struct type type_template_state = TYPE_STRUCT_OF(NULL, template_state, state_rows);

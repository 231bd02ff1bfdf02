/* Invoice templates: what an invoice is to be like, kept as a machine of its own, and invoices made from it.
 *
 * A template has no timer. An invoice that is made from one is another machine: whoever makes it reads the template
 * first and passes it along (struct template_use in calls.h). An update that comes between the two makes the call as
 * good as one that came a moment earlier.
 *
 * Ref: doc/spec/invoice.md 5, 9.                                                                          */
#ifndef SLUICE_PAYMENT_TEMPLATE_H
#define SLUICE_PAYMENT_TEMPLATE_H

#include "domain/terms.h"
#include "engine/machine.h"
#include "payment/calls.h"

/* ---- the template ---- */

struct template_price {
    int tag; /* PRICE_* */
    struct cash fixed;
    struct cash_range range;
};
enum { PRICE_FIXED = 1, PRICE_RANGE, PRICE_UNLIM };

struct template_product {
    const char *product;
    struct template_price price;
    struct type_list metadata; /* map of raw JSON */
};
struct template_details {
    int tag; /* DETAILS_* */
    struct invoice_cart cart;
    struct template_product product;
};
enum { DETAILS_CART = 1, DETAILS_PRODUCT };

struct invoice_template {
    const char *id;
    struct id_ref party_ref, shop_ref;
    struct time_span invoice_lifetime;
    const char *product;
    const char *name, *description;
    int64_t created_at;
    struct template_details details;
    const struct content *context;
    struct type_list mutations; /* of struct mutation_params */
};

/* ---- calls ---- */

struct template_params { /* InvoiceTemplateCreateParams: args of IN_INIT */
    const char *template_id, *party_id, *shop_id;
    struct time_span invoice_lifetime;
    const char *product, *name, *description;
    struct template_details details;
    const struct content *context; /* NULL: none */
    struct type_list mutations;
};

struct template_update { /* InvoiceTemplateUpdateParams: each present field replaces */
    const struct time_span *invoice_lifetime;
    const char *product, *name, *description;
    struct template_details details; /* tag 0: absent */
    const struct content *context;
    struct type_list mutations; /* items NULL: absent */
};

struct template_call { /* args of IN_CALL; no replies */
    int kind; /* TEMPLATE_* */
    struct template_update update;
};
enum { TEMPLATE_UPDATE = 1, TEMPLATE_DELETE };

/* ---- changes ---- */

struct template_created {
    struct invoice_template invoice_template;
};
struct template_updated {
    struct template_update diff;
};
struct template_change {
    int tag; /* TCHG_* */
    const struct template_created *created;
    const struct template_updated *updated;
};
enum { TCHG_CREATED = 1, TCHG_UPDATED, TCHG_DELETED };

struct template_state {
    struct invoice_template invoice_template;
    bool deleted;
};

extern const struct type type_invoice_template, type_template_params, type_template_update, type_template_change,
    type_template_state, type_template_invoice_params;

/* States are struct template_state; refusals struct call_error; configurations struct domain. */
extern const struct machine_kind template_kind;

/* The parameters of the invoice that USE asks for, made at the step's moment (rows 3 to 7 of invoice.md 5), in the
 * arena. False: refused. */
bool template_invoice(const struct step_in *in, struct step_out *out, const struct template_use *use,
                      struct invoice_params *params);

/* The terms of the template's shop at DOMAIN, with all decided that its price decides (ComputeTerms). Parts are in
 * ARENA or DOMAIN. False: the shop has gone. */
bool template_terms(const struct invoice_template *template, const struct domain *domain, struct arena *arena,
                    struct term_set *terms);

#endif

/* Whether a request to create an invoice, or a template, is the one that what stands under its id was made by.
 *
 * Nothing is kept for this: what the invoice says is compared with what the request says. What a mutation has changed is
 * compared as it was before, and the mutations themselves by whether they could have made the amount.
 * Ref: doc/spec/api.md 8. */
#ifndef SLUICE_PAYMENT_INVOICE_REPEAT_H
#define SLUICE_PAYMENT_INVOICE_REPEAT_H

#include "base/type_differ.h"
#include "payment/template.h"

/* Adds the members of PARAMS that INVOICE was not made with. */
void invoice_differ(const struct invoice *invoice, const struct invoice_params *params, struct arena *arena,
                    struct type_places *places);
/* The same for a request to make it from a template. What the request leaves to the template is not compared, since the
 * template may have been updated. */
void invoice_differ_use(const struct invoice *invoice, const struct template_use *use, struct arena *arena,
                        struct type_places *places);

/* The same for a template and a request to create it; of one that has not been updated since. */
void template_differ(const struct invoice_template *template, const struct template_params *params, struct arena *arena,
                     struct type_places *places);

#endif

/* The payment that a recurrent payer names, read before the call that names it is made (payment/payer.h). */
#ifndef SLUICE_API_PARENTS_H
#define SLUICE_API_PARENTS_H

#include "api/request.h"
#include "payment/calls.h"

/* Reads the parent that PAYER names, and the tokens that the card store has for its card; where it has none, the
 * parent's own token is stored first. THEN gets it, in the request's arena; or the request has been answered with an
 * error. Not called from inside. */
typedef void (*parent_fn)(struct api_request *request, const struct parent_payment *parent);
void parent_read(struct api_request *request, const struct recurrent_params *payer, parent_fn then);

#endif

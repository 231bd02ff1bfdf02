/* Who pays: as a call says it, as a payment keeps it, and what a recurrent payer's parent must be like.
 *
 * The parent is a payment of another machine (or of the same), which a step cannot see. Whoever makes the call
 * reads it first and passes it along in struct parent_payment. That is sound although the parent may go on
 * meanwhile: its token, party, customer and tool never change once they are there, and a status that changes after
 * the read makes the call as good as one that came a moment earlier.
 *
 * Ref: doc/spec/payment.md 6.2, 6.3 (checks 8, 17-20), 15.                                                 */
#ifndef SLUICE_PAYMENT_PAYER_H
#define SLUICE_PAYMENT_PAYER_H

#include "payment/calls.h"
#include "payment/errors.h"
#include "payment/state.h"

/* The payer that PARAMS, which is in ARENA, asks for. TOOL: of a recurrent one's parent; else not looked at. */
struct payer payer_make(const struct payer_params *params, const struct payment_tool *tool, struct arena *arena);

/* Check 8: a recurrent payer's parent is there. True as well for other payers. */
bool payer_parent_known(const struct step_in *in, struct step_out *out, const struct payer_params *params,
                        const struct parent_payment *parent);

/* Checks 17 to 20: PARENT can pay again for PAYMENT. PAYMENT without a customer inherits the parent's. */
bool payer_parent_fits(const struct step_in *in, struct step_out *out, const struct payment_state *parent,
                       struct payment *payment);

/* What a payment with this parent is paid with (section 15): the tokens that were read with it, else its own. In
 * ARENA, list of struct card_token. The parent has a token. */
struct type_list payer_tokens(const struct parent_payment *parent, struct arena *arena);

/* The token that a payment's provider gave, as the card store keeps it. PAYMENT has a token and a route. */
struct card_token payer_own_token(const struct payment_state *payment, const char *invoice_id, struct arena *arena);

/* The token that PAYMENT pays with over ROUTE; NULL: none, or it is not paid with tokens. */
const char *payer_token_for(const struct payment_state *payment, const struct route *route);
/* The token of a recurrent payer that the provider is told: that of the current route, or the one that the payment was
 * registered with; NULL: none. */
const char *payer_token(const struct payment_state *payment);

#endif

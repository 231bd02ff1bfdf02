/* See payer.h. */
#include "payment/payer.h"

#include <string.h>

#include "base/join.h"

struct payer payer_make(const struct payer_params *params, const struct payment_tool *tool, struct arena *arena)
{
    struct payment_resource_payer resource;
    struct recurrent_payer recurrent;

    if (params->tag == PAYER_PAYMENT_RESOURCE) {
        resource.resource = params->payment_resource->resource;
        resource.contact_info = params->payment_resource->contact_info;
        return (struct payer){
            .tag = PAYER_PAYMENT_RESOURCE, .payment_resource = arena_memdup(arena, &resource, sizeof(resource)),
        };
    }
    type_copy(&type_payment_tool, &recurrent.payment_tool, tool, arena);
    recurrent.recurrent_parent = params->recurrent->recurrent_parent;
    recurrent.contact_info = params->recurrent->contact_info;
    return (struct payer){ .tag = PAYER_RECURRENT, .recurrent = arena_memdup(arena, &recurrent, sizeof(recurrent)) };
}

/* ---- the parent ---- */

bool payer_parent_known(const struct step_in *in, struct step_out *out, const struct payer_params *params,
                        const struct parent_payment *parent)
{
    if (params->tag != PAYER_RECURRENT)
        return true;
    if (!parent || !parent->invoice_id)
        refuse_parent(in, out, "Parent invoice not found");
    else if (!parent->payment)
        refuse_parent(in, out, "Parent payment not found");
    return out->end == STEP_OK;
}

bool payer_parent_fits(const struct step_in *in, struct step_out *out, const struct payment_state *parent,
                       struct payment *payment)
{
    const char *customer = parent->payment.customer_id;

    if (!parent->recurrent_token || !payment_route(parent))
        refuse_parent(in, out, "Parent payment has no recurrent token");
    else if (strcmp(parent->payment.party_ref.id, payment->party_ref.id) != 0)
        refuse_parent(in, out, "Parent payment refer to another party");
    else if (parent->payment.status.tag == PAYMENT_FAILED)
        refuse_parent(in, out, "Invalid parent payment status");
    else if (payment->customer_id && customer && strcmp(payment->customer_id, customer) != 0)
        refuse_parent(in, out, "Customer ID mismatch with parent");
    else if (!payment->customer_id)
        payment->customer_id = arena_strdup(in->arena, customer);
    return out->end == STEP_OK;
}

/* ---- tokens ---- */

struct card_token payer_own_token(const struct payment_state *payment, const char *invoice_id, struct arena *arena)
{
    const struct route *route = payment_route(payment);

    return (struct card_token){
        .id = join(arena, '.', invoice_id, payment->payment.id),
        .provider_ref = route->provider,
        .terminal_ref = route->terminal,
        .token = payment->recurrent_token,
        .created_at = payment->payment.created_at,
        .status = CARD_TOKEN_ACTIVE,
    };
}

struct type_list payer_tokens(const struct parent_payment *parent, struct arena *arena)
{
    struct card_token own;
    struct type_list tokens = parent->tokens, copy;

    if (tokens.count == 0) {
        own = payer_own_token(parent->payment, parent->invoice_id, arena);
        tokens = (struct type_list){ &own, 1 };
    }
    type_copy(&type_card_tokens, &copy, &tokens, arena);
    return copy;
}

const char *payer_token_for(const struct payment_state *payment, const struct route *route)
{
    const struct card_token *tokens = payment->cascade_tokens ? payment->cascade_tokens->items : NULL;
    size_t i;

    for (i = 0; tokens && i < payment->cascade_tokens->count; i++) {
        if (route_equal(route, &(struct route){ tokens[i].provider_ref, tokens[i].terminal_ref }))
            return tokens[i].token;
    }
    return NULL;
}

const char *payer_token(const struct payment_state *payment)
{
    const struct route *route = payment_route(payment);
    const char *token = route ? payer_token_for(payment, route) : NULL;

    return token ? token : payment->recurrent_token;
}

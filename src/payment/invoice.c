#include "payment/invoice.h"

#include <string.h>

#include "domain/domain.h"
#include "payment/errors.h"
#include "payment/mutation.h"
#include "payment/state.h"
#include "payment/template.h"

void invoice_set_status(const struct step_in *in, struct step_out *out, int status, const char *details)
{
    struct invoice_change *change = arena_alloc(in->arena, sizeof(*change));
    struct invoice_status_changed *changed = arena_alloc(in->arena, sizeof(*changed));

    changed->status.tag = status;
    changed->status.cancelled.details = details;
    changed->status.fulfilled.details = details;
    change->tag = ICHG_STATUS_CHANGED;
    change->invoice_status_changed = changed;
    step_change(out, change);
}

/* ---- Create ---- */

static bool accepts_cost(const void *range, const void *cost)
{
    return cash_range_place(range, cost) == CASH_WITHIN;
}

/* Checks 8 to 11: what the merchant's terms say of the unmutated cost; the varset has the mutated one. */
static bool terms_allow(const struct step_in *in, struct step_out *out, const struct shop *shop,
                        const struct invoice_params *params, const struct cash *mutated)
{
    const struct domain *domain = in->head;
    const struct term_set *terms = domain_terms(domain, shop->terms.id);
    struct varset facts = { .amount = mutated, .shop_id = shop->id };

    if (params->cost.amount <= 0 || mutated->amount <= 0 || mutated->amount > CASH_MAX) {
        refuse_request(in, out, "/cost/amount", "Invalid amount");
        return false;
    }
    if (strcmp(params->cost.currency.symbolic_code, shop->account.currency.symbolic_code) != 0) {
        refuse_request(in, out, "/cost/currency", "Invalid currency");
        return false;
    }
    if (!terms->payments || !terms->payments->cash_limit) {
        step_fail(in, out, "the terms of shop %s have no cash limit", shop->id);
        return false;
    }
    if (!selector_any(domain, terms->payments->cash_limit, &facts, accepts_cost, &params->cost)) {
        refuse(in, out, ERR_INVOICE_TERMS_VIOLATED);
        return false;
    }
    return true;
}

static const struct shop *create_shop(const struct step_in *in, struct step_out *out, const char *party_id,
                                      const char *shop_id)
{
    const struct domain *domain = in->head;

    /* Create asks for both objects first, and for their states after that. */
    if (domain_party(domain, party_id) && !domain_shop(domain, party_id, shop_id)) {
        refuse(in, out, ERR_SHOP_NOT_FOUND);
        return NULL;
    }
    return require_operable(in, out, domain, party_id, shop_id, false);
}

static struct invoice *invoice_make(const struct step_in *in, const struct invoice_params *params)
{
    struct invoice *invoice = arena_alloc(in->arena, sizeof(*invoice));

    *invoice = (struct invoice){
        .id = params->id, .domain_revision = domain_revision(in->head),
        .party_ref = { params->party_id }, .shop_ref = { params->shop_id }, .created_at = in->now_us,
        .status = { .tag = INVOICE_UNPAID }, .details = params->details, .due = params->due, .cost = params->cost,
        .context = params->context, .external_id = params->external_id, .client_info = params->client_info,
    };
    return invoice;
}

/* The checks from 6 on, and the invoice; TEMPLATE_ID NULL: it is made from no template. */
static void invoice_create(const struct step_in *in, struct step_out *out, const struct shop *shop,
                           const struct invoice_params *params, const char *template_id)
{
    struct invoice_created *created = arena_alloc(in->arena, sizeof(*created));
    struct invoice_change *change = arena_alloc(in->arena, sizeof(*change));
    struct invoice_params *kept = arena_alloc(in->arena, sizeof(*kept));
    struct invoice *invoice;

    if (params->allocation) {
        refuse_request(in, out, "/allocation", ALLOCATION_REFUSED);
        return;
    }
    if (!mutations_fit(&params->mutations, &params->details)) {
        refuse_request(in, out, "/mutations",
                       "Amount mutation with multiline cart or multiple items in a line is not allowed");
        return;
    }
    type_copy(&type_invoice_params, kept, params, in->arena); /* the caller's own may not outlive the answer */
    invoice = invoice_make(in, kept);
    invoice->template_id = arena_strdup(in->arena, template_id);
    mutations_apply(invoice, &params->mutations, in->random, in->arena);
    if (!terms_allow(in, out, shop, params, &invoice->cost))
        return;
    created->invoice = *invoice;
    change->tag = ICHG_CREATED;
    change->invoice_created = created;
    step_change(out, change);
    step_timer_ms(out, params->due / 1000 + 1); /* a timer never fires early */
}

void invoice_init(const struct step_in *in, struct step_out *out)
{
    const struct invoice_params *params = in->args;
    const struct invoice_template *template = params->from ? params->from->template : NULL;
    struct invoice_params made;
    const struct shop *shop;

    if (!in->head) {
        step_retry(in, out, "no configuration has been committed yet");
        return;
    }
    if (params->from && params->from->removed) {
        refuse(in, out, ERR_TEMPLATE_REMOVED);
        return;
    }
    shop = create_shop(in, out, template ? template->party_ref.id : params->party_id,
                       template ? template->shop_ref.id : params->shop_id);
    if (!shop || (template && !template_invoice(in, out, params->from, &made)))
        return;
    invoice_create(in, out, shop, template ? &made : params, template ? template->id : NULL);
}

/* ---- the timer ---- */

void invoice_expire(const struct step_in *in, struct step_out *out)
{
    const struct invoice_state *state = in->state;

    if (state->invoice.status.tag != INVOICE_UNPAID)
        return;
    if (state->invoice.due > in->now_us)
        step_timer_ms(out, state->invoice.due / 1000 + 1);
    else
        invoice_set_status(in, out, INVOICE_CANCELLED, "overdue");
}

/* ---- Rescind, Fulfill ---- */

/* The checks that both share: operable at head, then the status. */
static bool may_change(const struct step_in *in, struct step_out *out, int status)
{
    const struct invoice_state *state = in->state;

    if (!in->head) {
        step_retry(in, out, "no configuration is known");
        return false;
    }
    if (!require_operable(in, out, in->head, state->invoice.party_ref.id, state->invoice.shop_ref.id, false))
        return false;
    if (state->invoice.status.tag != status) {
        refuse_invoice_status(in, out, &state->invoice.status);
        return false;
    }
    return true;
}

void invoice_rescind(const struct step_in *in, struct step_out *out, const struct reason_call *call)
{
    const struct invoice_state *state = in->state;

    if (!may_change(in, out, INVOICE_UNPAID))
        return;
    if (state->active) {
        refuse_pending(in, out, state->active);
        return;
    }
    invoice_set_status(in, out, INVOICE_CANCELLED, arena_strdup(in->arena, call->reason));
    out->timer = TIMER_UNSET;
}

void invoice_fulfill(const struct step_in *in, struct step_out *out, const struct reason_call *call)
{
    if (may_change(in, out, INVOICE_PAID))
        invoice_set_status(in, out, INVOICE_FULFILLED, arena_strdup(in->arena, call->reason));
}

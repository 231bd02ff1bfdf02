/* Invoices that were made from a template: from one of its versions that stood between the moment when somebody asked and
 * the moment when the invoice was there, at that version's price. */
#include "sim/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/fold.h"
#include "payment/template.h"
#include "sim/memory.h"
#include "sim/traffic.h"

/* What an invoice of TEMPLATE costs; 0: what was asked for. */
static int64_t price_of(const struct invoice_template *template)
{
    struct cash total;
    const char *why;

    if (template->details.tag == DETAILS_CART)
        return invoice_cart_total(&template->details.cart, &total, &why) ? total.amount : -1;
    return template->details.product.price.tag == PRICE_FIXED ? template->details.product.price.fixed.amount : 0;
}

/* The version of MACHINE, a template, whose product is that of INVOICE is good for it. */
static void check_version(struct checking *checking, const struct mem_machine *machine, const struct shopper *shopper,
                          const struct invoice *invoice, const struct template_state *state, size_t i)
{
    const struct invoice_template *template = &state->invoice_template;
    int64_t cost = price_of(template), asked_ms = shopper->asked_us / 1000, made_ms = invoice->created_at / 1000;

    if (machine->events[i].at_ms > made_ms + 1)
        sim_violation(checking->sim, invoice->id, "it is made from version %zu of template %s, which came later", i + 1,
                      template->id);
    if (i + 1 < machine->count && machine->events[i + 1].at_ms < asked_ms)
        sim_violation(checking->sim, invoice->id, "it is made from version %zu of template %s, which was over before "
                      "anybody asked", i + 1, template->id);
    if (cost ? invoice->cost.amount != cost : invoice->cost.amount != shopper->amount)
        sim_violation(checking->sim, invoice->id, "it costs %" PRId64 ", its template says %" PRId64, invoice->cost.amount,
                      cost ? cost : shopper->amount);
}

void check_template_invoice(struct checking *checking, const struct invoice *invoice)
{
    char member[64];
    struct arena *arena = arena_new();
    struct template_state *state = machine_state_new(&template_kind, arena);
    const struct mem_machine *machine;
    struct shopper *shopper;
    struct type_list changes;
    const char *why = NULL;
    bool found = false;
    size_t i, j;

    HASH_FIND_STR(checking->sim->traffic->shoppers, invoice->id, shopper);
    snprintf(member, sizeof(member), "%s:%s", template_kind.name, invoice->template_id);
    machine = memory_find(checking->sim->memory, member);
    for (i = 0; machine && i < machine->count && !found; i++) {
        if (machine_decode_changes(&template_kind, machine->events[i].changes, machine->events[i].len, arena, &changes, &why))
            break;
        for (j = 0; j < changes.count; j++)
            template_kind.fold(state, (const char *)changes.items + j * template_kind.change->size, 0, false, arena);
        if (strcmp(state->invoice_template.product, invoice->details.product) != 0 || state->deleted)
            continue;
        found = true;
        check_version(checking, machine, shopper, invoice, state, i);
    }
    if (!found)
        sim_violation(checking->sim, invoice->id, "its template %s never was what it was made from", invoice->template_id);
    arena_free(arena);
}

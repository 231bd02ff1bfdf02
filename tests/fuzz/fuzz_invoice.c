/* Arbitrary text as the changes of an event: whatever decodes is folded as history, and the snapshot of the
 * result must read back as the same state. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/fold.h"
#include "payment/kind.h"
#include "payment/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct invoice_state state = { 0 }, again;
    struct buf first = BUF_EMPTY, second = BUF_EMPTY;
    struct type_list changes;
    const char *why;
    size_t i;

    if (machine_decode_changes(&invoice_kind, (const char *)data, size, arena, &changes, &why))
        goto out;
    for (i = 0; i < changes.count; i++)
        invoice_fold(&state, (struct invoice_change *)changes.items + i, 0, false, arena);
    invoice_kind.label(&state);
    invoice_kind.revision(&state);
    if (!state.invoice.id)
        goto out; /* nothing that a snapshot could be of */
    for (i = 0; i < state.payments.count; i++) {
        if (!((struct payment_state *)state.payments.items)[i].payment.created_at)
            goto out; /* a payment that was never started */
    }
    type_encode(&type_invoice_state, &state, &first);
    if (type_decode_text(&type_invoice_state, first.data, first.len, TYPE_STORED, arena, &again, NULL))
        abort();
    type_encode(&type_invoice_state, &again, &second);
    if (strcmp(first.data, second.data) != 0)
        abort();
out:
    buf_clear(&first);
    buf_clear(&second);
    arena_free(arena);
    return 0;
}

/* Calls of an invoice that are kept until they come to their end (machine_kind.keep). */
#include <criterion/criterion.h>
#include <string.h>

#include "base/arena.h"
#include "engine/machine.h"
#include "payment/calls.h"
#include "payment/kind.h"

static char *text_of(struct arena *arena, size_t len)
{
    char *text = arena_alloc(arena, len + 1);

    memset(text, 'a', len);
    return text;
}

/* If this fails, what a bank was asked is stored and cannot be read again: its invoice is parked after every crash. */
Test(kept_calls, a_callback_comes_back_as_it_was_whatever_its_size)
{
    static const struct {
        size_t tag, payload;
    } rows[] = { { 1, 0 }, { 6, 8 }, { STEP_TAG_MAX, 65536 } };
    struct arena *arena = arena_new();
    const struct invoice_call *back;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct invoice_call call = {
            .kind = CALL_CALLBACK, .callback = { text_of(arena, rows[i].tag), text_of(arena, rows[i].payload) },
        };
        struct buf json = BUF_EMPTY;

        cr_assert(invoice_kind.keep(&call, &json));
        back = invoice_kind.recall(buf_text(&json), json.len, arena);
        cr_assert(back, "row %zu cannot be read", i);
        cr_expect_eq(back->kind, CALL_CALLBACK);
        cr_expect_str_eq(back->callback.tag, call.callback.tag);
        cr_expect_str_eq(back->callback.payload, call.callback.payload);
        buf_clear(&json);
    }
    arena_free(arena);
}

/* If this fails, a call without an effect at a bank is made again after a crash, or operators find what they cannot read. */
Test(kept_calls, are_callbacks_alone_and_read_well)
{
    struct invoice_call call = { .kind = CALL_CALLBACK, .callback = { "tag-1", "Y2FyZA==" } };
    struct buf json = BUF_EMPTY;
    int kind;

    cr_assert(invoice_kind.keep(&call, &json));
    cr_expect_str_eq(buf_text(&json), "{\"provider_callback\":{\"tag\":\"tag-1\",\"payload\":\"Y2FyZA==\"}}");
    buf_reset(&json);
    for (kind = CALL_RESCIND; kind <= CALL_REGISTER_PAYMENT; kind++) {
        call.kind = kind;
        cr_expect_eq(invoice_kind.keep(&call, &json), kind == CALL_CALLBACK, "call %d", kind);
    }
    buf_clear(&json);
}

/* If this fails, what a later version or a hand has written is run as something else. */
Test(kept_calls, what_is_none_is_not_read)
{
    static const char *const rows[] = { "", "7", "{}", "{\"capture\":{}}", "{\"provider_callback\":{\"tag\":\"t\"}}" };
    struct arena *arena = arena_new();
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++)
        cr_expect_null(invoice_kind.recall(rows[i], strlen(rows[i]), arena), "%s", rows[i]);
    arena_free(arena);
}

#include "provider/answer.h"

#include "base/type.h"

enum sl_err answer_decode(const struct effect_wire *wire, int status, const char *body, size_t len,
                          struct arena *arena, const void **value, const char **detail)
{
    struct type_errors errors = { 0 };
    const struct type_error *first = &errors.list[0];
    void *decoded;

    *value = NULL;
    *detail = NULL;
    if (status < 200 || status > 299) {
        *detail = arena_printf(arena, "%s: HTTP %d, which is no answer of the protocol", wire->name, status);
        return SL_EPROTO;
    }
    decoded = arena_alloc(arena, wire->answer->size);
    if (type_decode_text(wire->answer, body, len, TYPE_LENIENT, arena, decoded, &errors)) {
        *detail = arena_printf(arena, "%s: the answer%s%s %s", wire->name, first->path[0] ? " at " : "", first->path,
                               first->message);
        return SL_EPROTO;
    }
    *value = decoded;
    return SL_OK;
}

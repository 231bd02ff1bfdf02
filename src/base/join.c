/* See join.h. */
#include "base/join.h"

#include <assert.h>

void join_part(struct buf *out, char separator, const char *part)
{
    for (; *part; part++) {
        if (*part == separator || *part == '%')
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)*part);
        else
            buf_char(out, *part);
    }
}

const char *join_parts(struct arena *arena, char separator, const char *const *parts, size_t count)
{
    struct buf text = BUF_EMPTY;
    const char *joined;
    size_t i;

    assert(count > 0 && separator && separator != '%');
    for (i = 0; i < count; i++) {
        if (i > 0)
            buf_char(&text, separator);
        join_part(&text, separator, parts[i]);
    }
    joined = arena_strndup(arena, buf_text(&text), text.len);
    buf_clear(&text);
    return joined;
}

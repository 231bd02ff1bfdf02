#include "base/text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

char *text_cut(struct arena *arena, const char *text, size_t len, size_t max)
{
    static const char mark[] = TEXT_CUT_MARK;
    size_t kept = len, i;
    char *out;

    assert(max > strlen(mark));
    if (len > max) {
        kept = max - strlen(mark);
        while (kept > 0 && ((unsigned char)text[kept] & 0xc0) == 0x80) /* not inside a character */
            kept--;
    }
    out = arena_alloc(arena, kept + sizeof(mark));
    memcpy(out, text, kept);
    for (i = 0; i < kept; i++)
        out[i] = out[i] ? out[i] : '?';
    strcpy(out + kept, len > max ? mark : "");
    return out;
}

/* The bytes of the character at TEXT (LEN > 0 bytes), or 0 if it is none that a terminal may be shown. */
static size_t character_at(const unsigned char *text, size_t len)
{
    size_t count = text[0] < 0x80 ? 1 : text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : text[0] < 0xf5 ? 4 : 0;
    size_t i;

    if (count == 0 || count > len || text[0] < 0x20 || text[0] == 0x7f)
        return 0;
    for (i = 1; i < count; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    }
    if (text[0] == 0xc2 && text[1] < 0xa0) /* U+0080..U+009F: control characters as well */
        return 0;
    if (text[0] == 0xe2 && text[1] == 0x80 && (text[2] == 0xa8 || text[2] == 0xa9)) /* separators of lines */
        return 0;
    return count;
}

size_t text_escape(const char *text, size_t len, char *out, size_t size)
{
    size_t wrote = 0, i = 0;

    while (i < len) {
        unsigned char c = (unsigned char)text[i];
        size_t count = character_at((const unsigned char *)text + i, len - i);
        char escape[8];

        if (count == 0)
            snprintf(escape, sizeof(escape), c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : "\\x%02x", c);
        if (wrote + (count ? count : strlen(escape)) > size)
            break;
        memcpy(out + wrote, count ? text + i : escape, count ? count : strlen(escape));
        wrote += count ? count : strlen(escape);
        i += count ? count : 1;
    }
    return wrote;
}

#include "api/feed_cursor.h"

#define BASE 36

static void number_write(uint64_t value, struct buf *out)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    char text[16];
    size_t at = sizeof(text);

    for (; value > 0; value /= BASE)
        text[--at] = digits[value % BASE];
    buf_add(out, text + at, sizeof(text) - at);
}

/* Reads up to the first character that is no digit; an empty number is 0. */
static bool number_read(const char **text, uint64_t *out)
{
    unsigned digit;

    for (*out = 0;; (*text)++) {
        if (**text >= '0' && **text <= '9')
            digit = (unsigned)(**text - '0');
        else if (**text >= 'a' && **text <= 'z')
            digit = (unsigned)(**text - 'a') + 10;
        else
            return true;
        if (__builtin_mul_overflow(*out, (uint64_t)BASE, out) || __builtin_add_overflow(*out, (uint64_t)digit, out))
            return false;
    }
}

void feed_cursor_write(const struct feed_place *places, int count, struct buf *out)
{
    int i;

    for (i = 0; i < count; i++) {
        if (i)
            buf_char(out, '.');
        number_write(places[i].ms, out);
        if (places[i].seq) {
            buf_char(out, '-');
            number_write(places[i].seq, out);
        }
    }
}

bool feed_cursor_read(const char *text, struct feed_place *places, int count)
{
    int i;

    for (i = 0; i < count; i++) {
        if (i && *text++ != '.')
            return false;
        places[i].seq = 0;
        if (!number_read(&text, &places[i].ms))
            return false;
        if (*text == '-') {
            text++;
            if (!number_read(&text, &places[i].seq))
                return false;
        }
    }
    return !*text;
}

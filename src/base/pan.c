/* See pan.h. */
#include "base/pan.h"

#include <string.h>

#define SHOWN_FIRST 6
#define SHOWN_LAST 4

static size_t digits_at(const char *text, size_t len)
{
    size_t i;

    for (i = 0; i < len && text[i] >= '0' && text[i] <= '9'; i++)
        ;
    return i;
}

static bool is_number(const char *digits, size_t count)
{
    unsigned sum = 0, digit;
    size_t i;

    if (count < PAN_DIGITS_MIN || count > PAN_DIGITS_MAX || !strchr("2345689", digits[0]))
        return false;
    for (i = 0; i < count; i++) {
        digit = (unsigned)(digits[count - 1 - i] - '0');
        if (i % 2 == 1)
            digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
        sum += digit;
    }
    return sum % 10 == 0;
}

bool pan_is(const char *text, size_t digits_min)
{
    size_t len = strlen(text);

    return len >= digits_min && digits_at(text, len) == len && is_number(text, len);
}

void pan_mask(char *text, size_t len)
{
    size_t i, count;

    for (i = 0; i < len; i += count ? count : 1) {
        count = digits_at(text + i, len - i);
        if (count && is_number(text + i, count))
            memset(text + i + SHOWN_FIRST, '*', count - SHOWN_FIRST - SHOWN_LAST);
    }
}

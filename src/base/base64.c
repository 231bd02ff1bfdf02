#include "base/base64.h"

#include <stdint.h>
#include <string.h>

#include "base/xmalloc.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static uint32_t value_of(char c)
{
    const char *at = c ? strchr(alphabet, c) : NULL;

    return at ? (uint32_t)(at - alphabet) : 0;
}

char *base64_decode(const char *text, size_t *len)
{
    size_t in = strlen(text) / 4 * 4, i, out = 0;
    char *data = xmalloc(in / 4 * 3 + 1);

    for (i = 0; i < in; i += 4) {
        uint32_t bits = value_of(text[i]) << 18 | value_of(text[i + 1]) << 12 | value_of(text[i + 2]) << 6 |
                        value_of(text[i + 3]);

        data[out++] = (char)(bits >> 16);
        if (text[i + 2] != '=')
            data[out++] = (char)(bits >> 8);
        if (text[i + 3] != '=')
            data[out++] = (char)bits;
    }
    data[out] = '\0';
    *len = out;
    return data;
}

char *base64_encode(const void *data, size_t len)
{
    const unsigned char *in = data;
    char *text = xmalloc((len + 2) / 3 * 4 + 1), *out = text;
    size_t i;

    for (i = 0; i < len; i += 3) {
        uint32_t bits = (uint32_t)in[i] << 16 | (i + 1 < len ? (uint32_t)in[i + 1] << 8 : 0) | (i + 2 < len ? in[i + 2] : 0u);

        *out++ = alphabet[bits >> 18];
        *out++ = alphabet[bits >> 12 & 63];
        *out++ = i + 1 < len ? alphabet[bits >> 6 & 63] : '=';
        *out++ = i + 2 < len ? alphabet[bits & 63] : '=';
    }
    *out = '\0';
    return text;
}

#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

#define BUF_FIRST 256

static void buf_need(struct buf *buf, size_t more)
{
    size_t want = buf->len + more + 1; /* and the NUL */
    size_t cap = buf->cap ? buf->cap : BUF_FIRST;

    assert(more < (size_t)1 << 40);
    if (want <= buf->cap)
        return;
    while (cap < want)
        cap *= 2;
    buf->data = xrealloc(buf->data, cap);
    buf->cap = cap;
}

void buf_clear(struct buf *buf)
{
    free(buf->data);
    memset(buf, 0, sizeof(*buf));
}

void buf_reset(struct buf *buf)
{
    buf->len = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

void buf_add(struct buf *buf, const void *data, size_t len)
{
    buf_need(buf, len);
    if (len)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void buf_str(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_char(struct buf *buf, char c)
{
    buf_add(buf, &c, 1);
}

void buf_i64(struct buf *buf, int64_t value)
{
    char digits[24], *p = digits + sizeof(digits);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        *--p = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0)
        *--p = '-';
    buf_add(buf, p, (size_t)(digits + sizeof(digits) - p));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(len >= 0);
    buf_need(buf, (size_t)len);
    va_start(args, format);
    vsnprintf(buf->data + buf->len, (size_t)len + 1, format, args);
    va_end(args);
    buf->len += (size_t)len;
}

void buf_json_str(struct buf *buf, const char *text, size_t len)
{
    size_t i, clean = 0;

    buf_char(buf, '"');
    for (i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_add(buf, text + clean, i - clean);
        clean = i + 1;
        if (c == '"' || c == '\\')
            buf_add(buf, (const char[]){ '\\', (char)c }, 2);
        else if (c == '\n')
            buf_add(buf, "\\n", 2);
        else
            buf_printf(buf, "\\u%04x", c);
    }
    buf_add(buf, text + clean, len - clean);
    buf_char(buf, '"');
}

const char *buf_text(const struct buf *buf)
{
    return buf->data ? buf->data : "";
}

char *buf_take(struct buf *buf)
{
    char *data = buf->data ? buf->data : xstrdup("");

    memset(buf, 0, sizeof(*buf));
    return data;
}

/* Encoding by table, straight into a byte string: events and snapshots are written on the hot path. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rfc3339.h"
#include "base/type_internal.h"

/* A field's name, which is an identifier and needs no escapes. */
static void encode_name(const char *name, bool first, struct buf *out)
{
    if (first)
        buf_char(out, '"');
    else
        buf_add(out, ",\"", 2);
    buf_str(out, name);
    buf_add(out, "\":", 2);
}

static void encode_text(const char *text, struct buf *out)
{
    assert(text); /* absent values are left out before it comes to this */
    buf_json_str(out, text, strlen(text));
}

static void encode_struct(const struct type *type, const void *value, struct buf *out)
{
    bool first = true;
    size_t i;

    buf_char(out, '{');
    for (i = 0; i < type->field_count; i++) {
        const struct type_field *field = &type->fields[i];
        const void *member = type_field_get(field, value);

        if (!member) {
            assert(!(field->flags & TYPE_REQUIRED));
            continue;
        }
        encode_name(field->name, first, out);
        type_encode(field->type, member, out);
        first = false;
    }
    buf_char(out, '}');
}

static void encode_union(const struct type *type, const void *value, struct buf *out)
{
    const struct type_field *variant;
    const void *member;
    int tag;

    memcpy(&tag, value, sizeof(tag));
    assert(tag >= 1 && (size_t)tag <= type->field_count);
    variant = &type->fields[tag - 1];
    buf_char(out, '{');
    encode_name(variant->name, true, out);
    member = type_field_get(variant, value);
    assert(member);
    type_encode(variant->type, member, out);
    buf_char(out, '}');
}

static void encode_list(const struct type *type, const void *value, struct buf *out)
{
    const struct type_list *list = value;
    size_t i;

    buf_char(out, '[');
    for (i = 0; i < list->count; i++) {
        if (i)
            buf_char(out, ',');
        type_encode(type->item, (const char *)list->items + i * type->item->size, out);
    }
    buf_char(out, ']');
}

static void encode_map(const struct type *type, const void *value, struct buf *out)
{
    const struct type_list *list = value;
    size_t i, size = type_entry_size(type);

    buf_char(out, '{');
    for (i = 0; i < list->count; i++) {
        const char *entry = (const char *)list->items + i * size;

        if (i)
            buf_char(out, ',');
        encode_text(*(const char *const *)entry, out);
        buf_char(out, ':');
        type_encode(type->item, entry + sizeof(char *), out);
    }
    buf_char(out, '}');
}

void type_write_double(double value, struct buf *out)
{
    char text[40], *comma;

    assert(isfinite(value));
    snprintf(text, sizeof(text), "%.15g", value);
    if (strtod(text, NULL) != value)
        snprintf(text, sizeof(text), "%.17g", value);
    if ((comma = strchr(text, ','))) /* the decimal point of some locales */
        *comma = '.';
    buf_str(out, text);
    if (!strpbrk(text, ".e"))
        buf_str(out, ".0");
}

void type_encode(const struct type *type, const void *value, struct buf *out)
{
    char stamp[RFC3339_MAX];

    switch (type->kind) {
    case TYPE_BOOL: buf_str(out, *(const bool *)value ? "true" : "false"); break;
    case TYPE_I64: buf_i64(out, *(const int64_t *)value); break;
    case TYPE_DOUBLE: type_write_double(*(const double *)value, out); break;
    case TYPE_STR:
    case TYPE_BASE64: encode_text(*(const char *const *)value, out); break;
    case TYPE_ENUM: encode_text(type_name_of(type, *(const int *)value), out); break;
    case TYPE_TIME:
        buf_char(out, '"');
        buf_add(out, stamp, rfc3339_format(*(const int64_t *)value, stamp));
        buf_char(out, '"');
        break;
    case TYPE_RAW:
        assert(*(const char *const *)value);
        buf_str(out, *(const char *const *)value);
        break;
    case TYPE_STRUCT: encode_struct(type, value, out); break;
    case TYPE_UNION: encode_union(type, value, out); break;
    case TYPE_LIST: encode_list(type, value, out); break;
    case TYPE_MAP: encode_map(type, value, out); break;
    }
}

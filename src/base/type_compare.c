/* Copying and comparing by table, and the names of enum values and variants. */
#include <assert.h>
#include <string.h>

#include "base/type_internal.h"

/* ---- copy ---- */

static void copy_field(const struct type_field *field, void *dst, const void *src, struct arena *arena)
{
    const void *value = type_field_get(field, src);
    void *member = (char *)dst + field->offset;

    if (!value)
        return; /* DST is zeroed: absent as well */
    if (field->flags & TYPE_POINTER) {
        void *copy = arena_alloc(arena, field->type->size);

        type_copy(field->type, copy, value, arena);
        memcpy(member, &copy, sizeof(copy));
    } else {
        type_copy(field->type, member, value, arena);
    }
}

static void copy_list(const struct type *item, size_t key, size_t size, void *dst, const struct type_list *src,
                      struct arena *arena)
{
    struct type_list list = { arena_array(arena, src->count, size), src->count };
    size_t i;

    for (i = 0; i < src->count; i++) {
        const char *from = (const char *)src->items + i * size;
        char *to = (char *)list.items + i * size;

        if (key)
            type_copy(&type_str, to, from, arena);
        type_copy(item, to + key, from + key, arena);
    }
    memcpy(dst, &list, sizeof(list));
}

void type_copy(const struct type *type, void *dst, const void *src, struct arena *arena)
{
    const char *text;
    size_t i;
    int tag;

    switch (type->kind) {
    case TYPE_STR:
    case TYPE_BASE64:
    case TYPE_RAW:
        text = arena_strdup(arena, *(const char *const *)src);
        memcpy(dst, &text, sizeof(text));
        break;
    case TYPE_STRUCT:
        memset(dst, 0, type->size);
        for (i = 0; i < type->field_count; i++)
            copy_field(&type->fields[i], dst, src, arena);
        break;
    case TYPE_UNION:
        memset(dst, 0, type->size);
        memcpy(&tag, src, sizeof(tag));
        memcpy(dst, &tag, sizeof(tag));
        assert(tag >= 0 && (size_t)tag <= type->field_count);
        if (tag)
            copy_field(&type->fields[tag - 1], dst, src, arena);
        break;
    case TYPE_LIST:
        if (((const struct type_list *)src)->items)
            copy_list(type->item, 0, type->item->size, dst, src, arena);
        else
            memset(dst, 0, sizeof(struct type_list));
        break;
    case TYPE_MAP:
        if (((const struct type_list *)src)->items)
            copy_list(type->item, sizeof(char *), type_entry_size(type), dst, src, arena);
        else
            memset(dst, 0, sizeof(struct type_list));
        break;
    case TYPE_BOOL:
    case TYPE_I64:
    case TYPE_DOUBLE:
    case TYPE_ENUM:
    case TYPE_TIME:
        memcpy(dst, src, type->size);
        break;
    }
}

/* ---- compare ---- */

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_text(const void *a, const void *b)
{
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;

    if (!x || !y)
        return COMPARE(x != NULL, y != NULL);
    return strcmp(x, y);
}

static int compare_field(const struct type_field *field, const void *a, const void *b)
{
    const void *x = type_field_get(field, a), *y = type_field_get(field, b);

    if (!x || !y)
        return COMPARE(x != NULL, y != NULL);
    return type_compare(field->type, x, y);
}

static int compare_list(const struct type *item, size_t key, size_t size, const struct type_list *a,
                        const struct type_list *b)
{
    size_t i;
    int order;

    if (!a->items || !b->items)
        return COMPARE(a->items != NULL, b->items != NULL);
    for (i = 0; i < a->count && i < b->count; i++) {
        const char *x = (const char *)a->items + i * size, *y = (const char *)b->items + i * size;

        order = key ? compare_text(x, y) : 0;
        if (!order)
            order = type_compare(item, x + key, y + key);
        if (order)
            return order;
    }
    return COMPARE(a->count, b->count);
}

int type_compare(const struct type *type, const void *a, const void *b)
{
    size_t i;
    int order;

    switch (type->kind) {
    case TYPE_BOOL: return COMPARE(*(const bool *)a, *(const bool *)b);
    case TYPE_I64:
    case TYPE_TIME: return COMPARE(*(const int64_t *)a, *(const int64_t *)b);
    case TYPE_DOUBLE: return COMPARE(*(const double *)a, *(const double *)b);
    case TYPE_ENUM: return COMPARE(*(const int *)a, *(const int *)b);
    case TYPE_STR:
    case TYPE_BASE64:
    case TYPE_RAW: return compare_text(a, b);
    case TYPE_STRUCT:
        for (i = 0; i < type->field_count; i++) {
            order = compare_field(&type->fields[i], a, b);
            if (order)
                return order;
        }
        return 0;
    case TYPE_UNION:
        order = COMPARE(*(const int *)a, *(const int *)b);
        if (order || *(const int *)a == 0)
            return order;
        return compare_field(&type->fields[*(const int *)a - 1], a, b);
    case TYPE_LIST: return compare_list(type->item, 0, type->item->size, a, b);
    case TYPE_MAP: return compare_list(type->item, sizeof(char *), type_entry_size(type), a, b);
    }
    return 0;
}

bool type_equal(const struct type *type, const void *a, const void *b)
{
    return type_compare(type, a, b) == 0;
}

/* ---- names ---- */

const char *type_name_of(const struct type *type, int value)
{
    if (value <= 0)
        return NULL;
    if (type->kind == TYPE_ENUM)
        return (size_t)value < type->name_count ? type->names[value] : NULL;
    assert(type->kind == TYPE_UNION);
    return (size_t)value <= type->field_count ? type->fields[value - 1].name : NULL;
}

int type_value_of(const struct type *type, const char *name)
{
    size_t i;

    if (type->kind == TYPE_ENUM) {
        for (i = 1; i < type->name_count; i++) {
            if (strcmp(type->names[i], name) == 0)
                return (int)i;
        }
        return 0;
    }
    assert(type->kind == TYPE_UNION);
    for (i = 0; i < type->field_count; i++) {
        if (strcmp(type->fields[i].name, name) == 0)
            return (int)i + 1;
    }
    return 0;
}

/* What the files of the type tables share. */
#ifndef SLUICE_BASE_TYPE_INTERNAL_H
#define SLUICE_BASE_TYPE_INTERNAL_H

#include <string.h>

#include "base/type.h"

#define TYPE_BASE64_MAX 65536 /* bytes of text, of base64 without its own range */

/* Appends a finite double as JSON, in the fewest of 15 or 17 digits that read back as the same. */
void type_write_double(double value, struct buf *out);

/* Appends any JSON as compact text, keys sorted, so that equal values are equal texts. Answers NULL,
 * or what is wrong with it: too long, too deep, a NUL character. */
const char *type_raw_write(const json_t *json, struct buf *out);

/* Size of one entry of a map: its key and its item. */
static inline size_t type_entry_size(const struct type *map)
{
    return sizeof(char *) + ((map->item->size + sizeof(char *) - 1) & ~(sizeof(char *) - 1));
}

/* Whether NAME may be one of a value of MAP. */
static inline bool type_name_fits(const struct type *map, const char *name)
{
    return map->name_max ? (int64_t)strlen(name) <= map->name_max : *name && strlen(name) <= TYPE_STR_MAX;
}

/* Whether the value at MEMBER of a kind that can say so itself is there (see the table in type.h). */
static inline bool type_is_present(const struct type *type, const void *member)
{
    switch (type->kind) {
    case TYPE_STR:
    case TYPE_BASE64:
    case TYPE_RAW:
        return *(const char *const *)member != NULL;
    case TYPE_ENUM:
    case TYPE_UNION:
        return *(const int *)member != 0;
    case TYPE_TIME:
        return *(const int64_t *)member != 0;
    case TYPE_LIST:
    case TYPE_MAP:
        return ((const struct type_list *)member)->items != NULL;
    case TYPE_BOOL:
    case TYPE_I64:
    case TYPE_DOUBLE:
    case TYPE_STRUCT:
        break;
    }
    return true;
}

/* The value of a field, or NULL when it is absent. */
static inline const void *type_field_get(const struct type_field *field, const void *base)
{
    const void *member = (const char *)base + field->offset;

    if (field->flags & TYPE_POINTER)
        return *(const void *const *)member;
    return type_is_present(field->type, member) ? member : NULL;
}

#endif

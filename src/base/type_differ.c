/* See type_differ.h. */
#include "base/type_differ.h"

#include <string.h>

#include "base/type_internal.h"

void type_place_add(struct type_places *places, struct arena *arena, const char *path)
{
    if (places->count < TYPE_PLACES_MAX)
        places->list[places->count++] = arena_strdup(arena, path);
}

static void differ_field(const struct type_field *field, const void *a, const void *b, const char *path, struct arena *arena,
                         struct type_places *places)
{
    type_differ(field->type, type_field_get(field, a), type_field_get(field, b),
                arena_printf(arena, "%s/%s", path, field->name), arena, places);
}

static void differ_list(const struct type *item, const struct type_list *a, const struct type_list *b, const char *path,
                        struct arena *arena, struct type_places *places)
{
    size_t i;

    if (a->count != b->count) {
        type_place_add(places, arena, path);
        return;
    }
    for (i = 0; i < a->count; i++)
        type_differ(item, (const char *)a->items + i * item->size, (const char *)b->items + i * item->size,
                    arena_printf(arena, "%s/%zu", path, i), arena, places);
}

/* The item under KEY; NULL: none. */
static const void *entry(const struct type *map, const struct type_list *list, const char *key)
{
    size_t i, size = type_entry_size(map);

    for (i = 0; i < list->count; i++) {
        const char *at = (const char *)list->items + i * size;

        if (strcmp(*(const char *const *)at, key) == 0)
            return at + sizeof(char *);
    }
    return NULL;
}

static void differ_map(const struct type *map, const struct type_list *a, const struct type_list *b, const char *path,
                       struct arena *arena, struct type_places *places)
{
    size_t i, size = type_entry_size(map);

    for (i = 0; i < a->count; i++) {
        const char *at = (const char *)a->items + i * size, *key = *(const char *const *)at;

        type_differ(map->item, at + sizeof(char *), entry(map, b, key), arena_printf(arena, "%s/%s", path, key), arena, places);
    }
    for (i = 0; i < b->count; i++) {
        const char *key = *(const char *const *)((const char *)b->items + i * size);

        if (!entry(map, a, key))
            type_place_add(places, arena, arena_printf(arena, "%s/%s", path, key));
    }
}

void type_differ(const struct type *type, const void *a, const void *b, const char *path, struct arena *arena,
                 struct type_places *places)
{
    size_t i;

    if (!a || !b) {
        if (a != b)
            type_place_add(places, arena, path);
        return;
    }
    switch (type->kind) {
    case TYPE_STRUCT:
        for (i = 0; i < type->field_count; i++)
            differ_field(&type->fields[i], a, b, path, arena, places);
        return;
    case TYPE_UNION:
        if (*(const int *)a == *(const int *)b && *(const int *)a > 0) {
            differ_field(&type->fields[*(const int *)a - 1], a, b, path, arena, places);
            return;
        }
        break;
    case TYPE_LIST: differ_list(type->item, a, b, path, arena, places); return;
    case TYPE_MAP: differ_map(type, a, b, path, arena, places); return;
    case TYPE_BOOL:
    case TYPE_I64:
    case TYPE_DOUBLE:
    case TYPE_STR:
    case TYPE_ENUM:
    case TYPE_TIME:
    case TYPE_BASE64:
    case TYPE_RAW: break;
    }
    if (!type_equal(type, a, b))
        type_place_add(places, arena, path);
}

/* Visiting every value of a document by its tables, e.g. to check what it refers to. */
#include <string.h>

#include "base/type_internal.h"

struct walk {
    type_visit_fn visit;
    void *arg;
    struct buf path;
};

static void walk_value(struct walk *walk, const struct type *type, const void *value);

static void walk_name(struct walk *walk, const char *name, const struct type *type, const void *value)
{
    size_t len = walk->path.len;

    buf_char(&walk->path, '/');
    for (; *name; name++) {
        if (*name == '~' || *name == '/')
            buf_str(&walk->path, *name == '~' ? "~0" : "~1");
        else
            buf_char(&walk->path, *name);
    }
    walk_value(walk, type, value);
    walk->path.len = len;
    walk->path.data[len] = '\0';
}

static void walk_index(struct walk *walk, size_t index, const struct type *type, const void *value)
{
    char name[24];
    struct buf digits = BUF_EMPTY;

    buf_i64(&digits, (int64_t)index);
    memcpy(name, digits.data, digits.len + 1);
    buf_clear(&digits);
    walk_name(walk, name, type, value);
}

static void walk_fields(struct walk *walk, const struct type *type, const void *value)
{
    size_t i;

    for (i = 0; i < type->field_count; i++) {
        const void *member = type_field_get(&type->fields[i], value);

        if (member)
            walk_name(walk, type->fields[i].name, type->fields[i].type, member);
    }
}

static void walk_value(struct walk *walk, const struct type *type, const void *value)
{
    const struct type_list *list = value;
    size_t i;
    int tag;

    walk->visit(walk->arg, type, value, buf_text(&walk->path));
    switch (type->kind) {
    case TYPE_STRUCT: walk_fields(walk, type, value); break;
    case TYPE_UNION:
        tag = *(const int *)value;
        if (tag)
            walk_name(walk, type->fields[tag - 1].name, type->fields[tag - 1].type,
                      type_field_get(&type->fields[tag - 1], value));
        break;
    case TYPE_LIST:
        for (i = 0; i < list->count; i++)
            walk_index(walk, i, type->item, (const char *)list->items + i * type->item->size);
        break;
    case TYPE_MAP:
        for (i = 0; i < list->count; i++) {
            const char *entry = (const char *)list->items + i * type_entry_size(type);

            walk_name(walk, *(const char *const *)entry, type->item, entry + sizeof(char *));
        }
        break;
    case TYPE_BOOL:
    case TYPE_I64:
    case TYPE_DOUBLE:
    case TYPE_STR:
    case TYPE_ENUM:
    case TYPE_TIME:
    case TYPE_BASE64:
    case TYPE_RAW:
        break;
    }
}

void type_walk(const struct type *type, const void *value, const char *path, type_visit_fn visit, void *arg)
{
    struct walk walk = { visit, arg, BUF_EMPTY };

    buf_str(&walk.path, path);
    walk_value(&walk, type, value);
    buf_clear(&walk.path);
}

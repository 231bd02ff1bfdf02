/* The bounds of type.c's decoder, once more, over values that did not come through it. */
#include "base/type_fits.h"

#include <math.h>
#include <string.h>

#include "base/rfc3339.h"
#include "base/type_internal.h"

#define SPARE_LEVELS 16 /* by which a snapshot may wrap what an event holds */

struct looker {
    const char *name; /* of the field or variant that is looked at */
    const char *why;
};

static void look(struct looker *looker, const struct type *type, const void *value, int depth);

static void unfit(struct looker *looker, const char *why)
{
    if (!looker->why)
        looker->why = why;
}

/* Whether COUNT is within TYPE's range, or at most MOST where it has none. */
static void look_size(struct looker *looker, const struct type *type, size_t count, int64_t most)
{
    int64_t max = type->min || type->max ? type->max : most;

    if ((int64_t)count > max)
        unfit(looker, "is too long");
    else if ((int64_t)count < type->min)
        unfit(looker, "is too short");
}

static void look_number(struct looker *looker, const struct type *type, int64_t value)
{
    if ((type->min || type->max) && (value < type->min || value > type->max))
        unfit(looker, "is out of range");
}

static void look_fields(struct looker *looker, const struct type *type, const void *value, int depth)
{
    size_t i;

    for (i = 0; i < type->field_count && !looker->why; i++) {
        const struct type_field *field = &type->fields[i];
        const void *member = type_field_get(field, value);

        looker->name = field->name;
        if (member)
            look(looker, field->type, member, depth);
        else if (field->flags & TYPE_REQUIRED)
            unfit(looker, "is missing");
    }
}

static void look_variant(struct looker *looker, const struct type *type, const void *value, int depth)
{
    const void *member;
    int tag;

    memcpy(&tag, value, sizeof(tag));
    if (tag < 1 || (size_t)tag > type->field_count) {
        unfit(looker, "is no known variant");
        return;
    }
    looker->name = type->fields[tag - 1].name;
    member = type_field_get(&type->fields[tag - 1], value);
    if (member)
        look(looker, type->fields[tag - 1].type, member, depth);
    else
        unfit(looker, "is missing");
}

static void look_items(struct looker *looker, const struct type *type, const struct type_list *list, int depth)
{
    bool map = type->kind == TYPE_MAP;
    size_t i, size = map ? type_entry_size(type) : type->item->size;

    look_size(looker, type, list->count, TYPE_LIST_MAX);
    for (i = 0; i < list->count && !looker->why; i++) {
        const char *item = (const char *)list->items + i * size;

        if (map && !type_name_fits(type, *(const char *const *)item))
            unfit(looker, "has a name that is empty or too long");
        else
            look(looker, type->item, item + (map ? sizeof(char *) : 0), depth);
    }
}

static void look(struct looker *looker, const struct type *type, const void *value, int depth)
{
    const char *why;

    if (depth > TYPE_DEPTH_STORED_MAX - SPARE_LEVELS) {
        unfit(looker, "is nested too deeply");
        return;
    }
    switch (type->kind) {
    case TYPE_BOOL:
    case TYPE_ENUM:
    case TYPE_RAW: break;
    case TYPE_I64: look_number(looker, type, *(const int64_t *)value); break;
    case TYPE_TIME:
        if (*(const int64_t *)value <= 0 || *(const int64_t *)value > rfc3339_us_of_ms(INT64_MAX))
            unfit(looker, "is not within 1970..9999");
        break;
    case TYPE_DOUBLE:
        if (!isfinite(*(const double *)value))
            unfit(looker, "is no number");
        break;
    case TYPE_STR: look_size(looker, type, strlen(*(const char *const *)value), TYPE_STR_MAX); break;
    case TYPE_BASE64: look_size(looker, type, strlen(*(const char *const *)value), TYPE_BASE64_MAX); break;
    case TYPE_STRUCT: look_fields(looker, type, value, depth + 1); break;
    case TYPE_UNION: look_variant(looker, type, value, depth + 1); break;
    case TYPE_LIST:
    case TYPE_MAP: look_items(looker, type, value, depth + 1); break;
    }
    if (!looker->why && type->check && (why = type->check(value)))
        unfit(looker, why);
}

const char *type_unfit(const struct type *type, const void *value, struct arena *arena)
{
    struct looker looker = { .name = type->name };

    look(&looker, type, value, 0);
    return looker.why ? arena_printf(arena, "%s %s", looker.name ? looker.name : "it", looker.why) : NULL;
}

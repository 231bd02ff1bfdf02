/* OpenAPI 3.1 schemas by table, so that the description of the API cannot drift from what it takes. */
#include <string.h>

#include "base/type_internal.h"

/* Characters stand for bytes in a string's lengths: never stricter than the decoder for maxLength. */
static void set_size(json_t *schema, const struct type *type, const char *min_name, const char *max_name,
                     int64_t default_max)
{
    int64_t max = type->min || type->max ? type->max : default_max;

    if (type->min)
        json_object_set_new(schema, min_name, json_integer(type->min));
    json_object_set_new(schema, max_name, json_integer(max));
}

static void set_range(json_t *schema, const struct type *type)
{
    if (type->min == 0 && type->max == 0)
        return;
    if (type->min != INT64_MIN)
        json_object_set_new(schema, "minimum", json_integer(type->min));
    if (type->max != INT64_MAX)
        json_object_set_new(schema, "maximum", json_integer(type->max));
}

#define DOUBLE_EXACT ((int64_t)1 << 53)

static bool fits_double(const struct type *type)
{
    return (type->min || type->max) && type->min >= -DOUBLE_EXACT && type->max <= DOUBLE_EXACT;
}

static json_t *schema_object(void)
{
    json_t *schema = json_object();

    json_object_set_new(schema, "type", json_string("object"));
    return schema;
}

static json_t *schema_struct(const struct type *type, json_t *components)
{
    json_t *schema = schema_object(), *properties = json_object(), *required = json_array();
    size_t i;

    for (i = 0; i < type->field_count; i++) {
        const struct type_field *field = &type->fields[i];

        json_object_set_new(properties, field->name, type_schema(field->type, components));
        if (field->flags & TYPE_REQUIRED)
            json_array_append_new(required, json_string(field->name));
    }
    json_object_set_new(schema, "properties", properties);
    if (json_array_size(required) > 0)
        json_object_set(schema, "required", required);
    json_decref(required);
    json_object_set_new(schema, "additionalProperties", json_false());
    return schema;
}

static json_t *schema_union(const struct type *type, json_t *components)
{
    json_t *schema = json_object(), *variants = json_array();
    size_t i;

    for (i = 0; i < type->field_count; i++) {
        const struct type_field *field = &type->fields[i];
        json_t *variant = schema_object(), *properties = json_object(), *required = json_array();

        json_object_set_new(properties, field->name, type_schema(field->type, components));
        json_array_append_new(required, json_string(field->name));
        json_object_set_new(variant, "properties", properties);
        json_object_set_new(variant, "required", required);
        json_object_set_new(variant, "additionalProperties", json_false());
        json_array_append_new(variants, variant);
    }
    json_object_set_new(schema, "oneOf", variants);
    return schema;
}

static json_t *schema_enum(const struct type *type)
{
    json_t *schema = json_object(), *names = json_array();
    size_t i;

    for (i = 1; i < type->name_count; i++)
        json_array_append_new(names, json_string(type->names[i]));
    json_object_set_new(schema, "type", json_string("string"));
    json_object_set_new(schema, "enum", names);
    return schema;
}

static json_t *schema_typed(const char *name, const char *format)
{
    json_t *schema = json_object();

    json_object_set_new(schema, "type", json_string(name));
    if (format)
        json_object_set_new(schema, "format", json_string(format));
    return schema;
}

static json_t *schema_body(const struct type *type, json_t *components)
{
    json_t *schema = NULL;

    switch (type->kind) {
    case TYPE_BOOL: schema = schema_typed("boolean", NULL); break;
    case TYPE_I64:
        /* What a double holds exactly needs no format: generated clients then use their plain numbers. */
        schema = schema_typed("integer", fits_double(type) ? NULL : "int64");
        set_range(schema, type);
        break;
    case TYPE_DOUBLE: schema = schema_typed("number", "double"); break;
    case TYPE_STR:
        schema = schema_typed("string", NULL);
        if (!type->cut) /* of any length then */
            set_size(schema, type, "minLength", "maxLength", TYPE_STR_MAX);
        if (type->check && type->check == type_id.check)
            json_object_set_new(schema, "pattern", json_string("^[A-Za-z0-9._:~-]+$"));
        break;
    case TYPE_ENUM: schema = schema_enum(type); break;
    case TYPE_TIME: schema = schema_typed("string", "date-time"); break;
    case TYPE_BASE64:
        schema = schema_typed("string", NULL);
        json_object_set_new(schema, "contentEncoding", json_string("base64"));
        set_size(schema, type, "minLength", "maxLength", TYPE_BASE64_MAX);
        break;
    case TYPE_RAW: schema = json_object(); break;
    case TYPE_STRUCT: schema = schema_struct(type, components); break;
    case TYPE_UNION: schema = schema_union(type, components); break;
    case TYPE_LIST:
        schema = schema_typed("array", NULL);
        json_object_set_new(schema, "items", type_schema(type->item, components));
        set_size(schema, type, "minItems", "maxItems", TYPE_LIST_MAX);
        if (type->unique)
            json_object_set_new(schema, "uniqueItems", json_true());
        break;
    case TYPE_MAP:
        schema = schema_object();
        json_object_set_new(schema, "additionalProperties", type_schema(type->item, components));
        set_size(schema, type, "minProperties", "maxProperties", TYPE_LIST_MAX);
        break;
    }
    if (type->doc)
        json_object_set_new(schema, "description", json_string(type->doc));
    return schema;
}

json_t *type_schema(const struct type *type, json_t *components)
{
    json_t *reference;

    if (!type->name)
        return schema_body(type, components);
    if (!json_object_get(components, type->name)) {
        json_object_set_new(components, type->name, json_object()); /* a type may refer to itself */
        json_object_set_new(components, type->name, schema_body(type, components));
    }
    reference = json_object();
    json_object_set_new(reference, "$ref", json_sprintf("#/components/schemas/%s", type->name));
    return reference;
}

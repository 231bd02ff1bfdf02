/* Decoding by table: JSON in, C structs in an arena out, every fault with its place.
 *
 * The walk keeps a path of names and indexes on the C stack and writes it out as a JSON pointer only
 * when there is a fault to report, so a good document costs nothing for it. */
#include "base/type.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rfc3339.h"
#include "base/type_internal.h"

#define BASE64_MAX 65536
#define ID_MAX 128

static const char *check_id(const void *value);

const struct type type_bool = { .kind = TYPE_BOOL, .size = sizeof(bool) };
const struct type type_i64 = { .kind = TYPE_I64, .size = sizeof(int64_t), .min = INT64_MIN, .max = INT64_MAX };
const struct type type_double = { .kind = TYPE_DOUBLE, .size = sizeof(double) };
const struct type type_str = { .kind = TYPE_STR, .size = sizeof(char *) };
const struct type type_id = {
    .kind = TYPE_STR, .size = sizeof(char *), .min = 1, .max = ID_MAX, .check = check_id,
    .doc = "Letters, digits and . _ - : ~",
};
const struct type type_time = { .kind = TYPE_TIME, .size = sizeof(int64_t) };
const struct type type_base64 = { .kind = TYPE_BASE64, .size = sizeof(char *) };
const struct type type_raw = { .kind = TYPE_RAW, .size = sizeof(char *) };
const struct type type_empty = { .kind = TYPE_STRUCT };
const struct type type_string_map = { .kind = TYPE_MAP, .size = sizeof(struct type_list), .item = &type_str };

/* One step of the way from the document to the value in hand. */
struct place {
    const struct place *up;
    const char *name; /* NULL: an index */
    size_t index;
};

struct decoder {
    unsigned flags;
    struct arena *arena;
    struct type_errors *errors;
    bool failed;
};

static const char *check_id(const void *value)
{
    const char *text = *(const char *const *)value;

    if (strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:~") != strlen(text))
        return "may hold letters, digits and . _ - : ~ only";
    return NULL;
}

/* ---- faults ---- */

void type_error_add(struct type_errors *errors, struct arena *arena, const char *path, const char *format, ...)
{
    char message[512];
    va_list args;

    if (errors->count == TYPE_ERRORS_MAX)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    errors->list[errors->count].path = arena_strdup(arena, path);
    errors->list[errors->count++].message = arena_strdup(arena, message);
}

static void place_write(const struct place *place, struct buf *out)
{
    const char *c;

    if (!place)
        return;
    place_write(place->up, out);
    buf_char(out, '/');
    if (!place->name) {
        buf_i64(out, (int64_t)place->index);
        return;
    }
    for (c = place->name; *c; c++) {
        if (*c == '~')
            buf_str(out, "~0");
        else if (*c == '/')
            buf_str(out, "~1");
        else
            buf_char(out, *c);
    }
}

static void SL_PRINTF(3, 4) fault(struct decoder *decoder, const struct place *place, const char *format, ...)
{
    struct buf path = BUF_EMPTY;
    char message[512];
    va_list args;

    decoder->failed = true;
    if (!decoder->errors)
        return;
    place_write(place, &path);
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    type_error_add(decoder->errors, decoder->arena, buf_text(&path), "%s", message);
    buf_clear(&path);
}

/* ---- values ---- */

static void decode_value(struct decoder *decoder, const struct type *type, const json_t *json,
                         const struct place *place, int depth, void *out);

static void decode_i64(struct decoder *decoder, const struct type *type, const json_t *json, const struct place *place,
                       void *out)
{
    bool ranged = type->min || type->max;
    int64_t value;

    if (!json_is_integer(json)) {
        fault(decoder, place, "must be an integer");
        return;
    }
    value = json_integer_value(json);
    if (ranged && (value < type->min || value > type->max)) {
        if (type->max == INT64_MAX)
            fault(decoder, place, "must be at least %" PRId64, type->min);
        else
            fault(decoder, place, "must be within %" PRId64 "..%" PRId64, type->min, type->max);
        return;
    }
    memcpy(out, &value, sizeof(value));
}

/* The text of a JSON string whose length fits; NULL after a fault. */
static const char *decode_text(struct decoder *decoder, const struct type *type, const json_t *json, int64_t most,
                               const struct place *place)
{
    int64_t min = type->min, max = type->min || type->max ? type->max : most;
    const char *text;
    size_t len;

    if (!json_is_string(json)) {
        fault(decoder, place, "must be a string");
        return NULL;
    }
    text = json_string_value(json);
    len = json_string_length(json);
    if ((int64_t)len < min || (int64_t)len > max) {
        if (len == 0)
            fault(decoder, place, "must not be empty");
        else
            fault(decoder, place, "must have %" PRId64 "..%" PRId64 " bytes", min, max);
        return NULL;
    }
    if (memchr(text, '\0', len)) {
        fault(decoder, place, "must not hold a NUL character");
        return NULL;
    }
    return arena_strndup(decoder->arena, text, len);
}

static void decode_enum(struct decoder *decoder, const struct type *type, const json_t *json, const struct place *place,
                        void *out)
{
    struct buf list = BUF_EMPTY;
    int value = json_is_string(json) ? type_value_of(type, json_string_value(json)) : 0;
    size_t i;

    if (value) {
        memcpy(out, &value, sizeof(value));
        return;
    }
    for (i = 1; i < type->name_count; i++) {
        buf_str(&list, i > 1 ? ", " : "");
        buf_str(&list, type->names[i]);
    }
    fault(decoder, place, "must be one of: %s", buf_text(&list));
    buf_clear(&list);
}

static void decode_time(struct decoder *decoder, const json_t *json, const struct place *place, void *out)
{
    int64_t us;

    if (!json_is_string(json) || !rfc3339_parse(json_string_value(json), &us) || us == 0) {
        fault(decoder, place, "must be an RFC 3339 time, e.g. 2026-01-31T23:59:59Z");
        return;
    }
    memcpy(out, &us, sizeof(us));
}

static bool base64_is_valid(const char *text, size_t len)
{
    size_t pad = 0, body;

    while (pad < 2 && pad < len && text[len - 1 - pad] == '=')
        pad++;
    body = len - pad;
    return len % 4 == 0 &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") == body;
}

static void decode_base64(struct decoder *decoder, const struct type *type, const json_t *json,
                          const struct place *place, void *out)
{
    const char *text = decode_text(decoder, type, json, BASE64_MAX, place);

    if (!text)
        return;
    if (!base64_is_valid(text, strlen(text)))
        fault(decoder, place, "must be base64");
    else
        memcpy(out, &text, sizeof(text));
}

static void decode_raw(struct decoder *decoder, const json_t *json, const struct place *place, void *out)
{
    char *dumped = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    const char *text;

    if (!dumped || strlen(dumped) > TYPE_RAW_MAX) {
        fault(decoder, place, "must have at most %d bytes", TYPE_RAW_MAX);
    } else {
        text = arena_strdup(decoder->arena, dumped);
        memcpy(out, &text, sizeof(text));
    }
    free(dumped);
}

static void decode_field(struct decoder *decoder, const struct type_field *field, const json_t *json,
                         const struct place *place, int depth, void *base)
{
    void *member = (char *)base + field->offset;

    if (field->flags & TYPE_POINTER) {
        void *value = arena_alloc(decoder->arena, field->type->size);

        decode_value(decoder, field->type, json, place, depth, value);
        memcpy(member, &value, sizeof(value));
    } else {
        decode_value(decoder, field->type, json, place, depth, member);
    }
}

static const struct type_field *field_find(const struct type *type, const char *name)
{
    size_t i;

    for (i = 0; i < type->field_count; i++) {
        if (strcmp(type->fields[i].name, name) == 0)
            return &type->fields[i];
    }
    return NULL;
}

static void decode_struct(struct decoder *decoder, const struct type *type, const json_t *json,
                          const struct place *place, int depth, void *out)
{
    size_t i, known = 0;
    const char *name;
    json_t *value;

    if (!json_is_object(json)) {
        fault(decoder, place, "must be an object");
        return;
    }
    for (i = 0; i < type->field_count; i++) {
        const struct type_field *field = &type->fields[i];
        struct place here = { place, field->name, 0 };

        value = json_object_get(json, field->name);
        if (value) {
            known++;
            decode_field(decoder, field, value, &here, depth, out);
        } else if (field->flags & TYPE_REQUIRED) {
            fault(decoder, &here, "is required");
        }
    }
    if (known == json_object_size(json) || (decoder->flags & TYPE_LENIENT))
        return;
    json_object_foreach((json_t *)(uintptr_t)json, name, value) {
        struct place here = { place, name, 0 };

        if (!field_find(type, name))
            fault(decoder, &here, "is not a known field");
    }
}

static void decode_union(struct decoder *decoder, const struct type *type, const json_t *json,
                         const struct place *place, int depth, void *out)
{
    void *iter = json_is_object(json) ? json_object_iter((json_t *)(uintptr_t)json) : NULL;
    const struct type_field *variant;
    struct buf list = BUF_EMPTY;
    struct place here;
    size_t i;
    int tag;

    if (!iter || json_object_size(json) != 1) {
        for (i = 0; i < type->field_count; i++) {
            buf_str(&list, i ? ", " : "");
            buf_str(&list, type->fields[i].name);
        }
        fault(decoder, place, "must be an object with exactly one of: %s", buf_text(&list));
        buf_clear(&list);
        return;
    }
    here = (struct place){ place, json_object_iter_key(iter), 0 };
    variant = field_find(type, here.name);
    if (!variant) {
        fault(decoder, &here, "is not a known variant");
        return;
    }
    tag = (int)(variant - type->fields) + 1;
    memcpy(out, &tag, sizeof(tag));
    decode_field(decoder, variant, json_object_iter_value(iter), &here, depth, out);
}

static bool count_fits(struct decoder *decoder, const struct type *type, size_t count, const struct place *place)
{
    int64_t max = type->min || type->max ? type->max : TYPE_LIST_MAX;

    if ((int64_t)count >= type->min && (int64_t)count <= max)
        return true;
    if (type->min > 0 && count == 0)
        fault(decoder, place, "must not be empty");
    else
        fault(decoder, place, "must have %" PRId64 "..%" PRId64 " items", type->min, max);
    return false;
}

static void check_unique(struct decoder *decoder, const struct type *type, const struct type_list *list,
                         const struct place *place)
{
    size_t i, j, size = type->item->size;

    for (i = 1; i < list->count; i++) {
        for (j = 0; j < i; j++) {
            struct place here = { place, NULL, i };

            if (!type_equal(type->item, (char *)list->items + i * size, (char *)list->items + j * size))
                continue;
            fault(decoder, &here, "is the same as item %zu", j);
            break;
        }
    }
}

static void decode_list(struct decoder *decoder, const struct type *type, const json_t *json, const struct place *place,
                        int depth, void *out)
{
    struct type_list list;
    size_t i;

    if (!json_is_array(json)) {
        fault(decoder, place, "must be an array");
        return;
    }
    list.count = json_array_size(json);
    if (!count_fits(decoder, type, list.count, place))
        return;
    list.items = arena_array(decoder->arena, list.count, type->item->size);
    for (i = 0; i < list.count; i++) {
        struct place here = { place, NULL, i };

        decode_value(decoder, type->item, json_array_get(json, i), &here, depth, (char *)list.items + i * type->item->size);
    }
    if (type->unique && !decoder->failed)
        check_unique(decoder, type, &list, place);
    memcpy(out, &list, sizeof(list));
}

static void decode_map(struct decoder *decoder, const struct type *type, const json_t *json, const struct place *place,
                       int depth, void *out)
{
    size_t size = type_entry_size(type), i = 0;
    struct type_list list;
    const char *name;
    json_t *value;

    if (!json_is_object(json)) {
        fault(decoder, place, "must be an object");
        return;
    }
    list.count = json_object_size(json);
    if (!count_fits(decoder, type, list.count, place))
        return;
    list.items = arena_array(decoder->arena, list.count, size);
    json_object_foreach((json_t *)(uintptr_t)json, name, value) {
        struct place here = { place, name, 0 };
        char *entry = (char *)list.items + i++ * size;
        const char *key = arena_strdup(decoder->arena, name);

        if (!*name || strlen(name) > TYPE_STR_MAX)
            fault(decoder, &here, "names must have 1..%d bytes", TYPE_STR_MAX);
        memcpy(entry, &key, sizeof(key));
        decode_value(decoder, type->item, value, &here, depth, entry + sizeof(char *));
    }
    memcpy(out, &list, sizeof(list));
}

static void decode_value(struct decoder *decoder, const struct type *type, const json_t *json,
                         const struct place *place, int depth, void *out)
{
    bool failed_before = decoder->failed;
    const char *text, *why;

    if (json_is_null(json) && type->kind != TYPE_RAW) {
        fault(decoder, place, "must not be null; leave it out");
        return;
    }
    if (depth >= TYPE_DEPTH_MAX) {
        fault(decoder, place, "is nested too deeply (more than %d)", TYPE_DEPTH_MAX);
        return;
    }
    decoder->failed = false;
    switch (type->kind) {
    case TYPE_BOOL:
        if (json_is_boolean(json))
            *(bool *)out = json_is_true(json);
        else
            fault(decoder, place, "must be true or false");
        break;
    case TYPE_I64: decode_i64(decoder, type, json, place, out); break;
    case TYPE_DOUBLE:
        if (json_is_number(json))
            *(double *)out = json_number_value(json);
        else
            fault(decoder, place, "must be a number");
        break;
    case TYPE_STR:
        text = decode_text(decoder, type, json, TYPE_STR_MAX, place);
        memcpy(out, &text, sizeof(text));
        break;
    case TYPE_ENUM: decode_enum(decoder, type, json, place, out); break;
    case TYPE_TIME: decode_time(decoder, json, place, out); break;
    case TYPE_BASE64: decode_base64(decoder, type, json, place, out); break;
    case TYPE_RAW: decode_raw(decoder, json, place, out); break;
    case TYPE_STRUCT: decode_struct(decoder, type, json, place, depth + 1, out); break;
    case TYPE_UNION: decode_union(decoder, type, json, place, depth + 1, out); break;
    case TYPE_LIST: decode_list(decoder, type, json, place, depth + 1, out); break;
    case TYPE_MAP: decode_map(decoder, type, json, place, depth + 1, out); break;
    }
    if (!decoder->failed && type->check && (why = type->check(out)))
        fault(decoder, place, "%s", why);
    decoder->failed |= failed_before;
}

enum sl_err type_decode(const struct type *type, const json_t *json, unsigned flags, struct arena *arena, void *out,
                        struct type_errors *errors)
{
    struct decoder decoder = { flags, arena, errors, false };

    memset(out, 0, type->size);
    decode_value(&decoder, type, json, NULL, 0, out);
    return decoder.failed ? SL_EINVAL : SL_OK;
}

enum sl_err type_decode_text(const struct type *type, const char *text, size_t len, unsigned flags,
                             struct arena *arena, void *out, struct type_errors *errors)
{
    json_error_t fault_at;
    json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault_at);
    enum sl_err err;

    if (!json) {
        if (errors)
            type_error_add(errors, arena, "", "is not JSON: %s (line %d, column %d)", fault_at.text, fault_at.line,
                           fault_at.column);
        return SL_EINVAL;
    }
    err = type_decode(type, json, flags, arena, out, errors);
    json_decref(json);
    return err;
}

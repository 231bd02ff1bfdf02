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

#include "base/pan.h"
#include "base/rfc3339.h"
#include "base/text.h"
#include "base/type_internal.h"

#define ID_MAX 128

static const char *check_id(const void *value);

const struct type type_bool = { .kind = TYPE_BOOL, .size = sizeof(bool) };
const struct type type_i64 = { .kind = TYPE_I64, .size = sizeof(int64_t), .min = INT64_MIN, .max = INT64_MAX };
const struct type type_double = { .kind = TYPE_DOUBLE, .size = sizeof(double) };
const struct type type_str = { .kind = TYPE_STR, .size = sizeof(char *) };
const struct type type_id = {
    .kind = TYPE_STR, .size = sizeof(char *), .min = 1, .max = ID_MAX, .check = check_id,
    .pan_min = PAN_DIGITS_MIN, .doc = "Letters, digits and . _ - : ~",
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
    if (strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
        return "must not be . or .., which clients take out of paths";
    return NULL;
}

/* ---- faults ---- */

static void SL_PRINTF(4, 0) error_add(struct type_errors *errors, struct arena *arena, const char *path,
                                      const char *format, va_list args)
{
    va_list again;
    char *message;
    int len;

    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    assert(len >= 0);
    message = arena_alloc(arena, (size_t)len + 1);
    vsnprintf(message, (size_t)len + 1, format, args);
    errors->list[errors->count].path = arena_strdup(arena, path);
    errors->list[errors->count++].message = message;
}

void type_error_add(struct type_errors *errors, struct arena *arena, const char *path, const char *format, ...)
{
    va_list args;

    if (errors->count == TYPE_ERRORS_MAX)
        return;
    va_start(args, format);
    error_add(errors, arena, path, format, args);
    va_end(args);
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
    va_list args;

    decoder->failed = true;
    if (!decoder->errors || decoder->errors->count == TYPE_ERRORS_MAX)
        return;
    place_write(place, &path);
    va_start(args, format);
    error_add(decoder->errors, decoder->arena, buf_text(&path), format, args);
    va_end(args);
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
        else if (type->min == INT64_MIN)
            fault(decoder, place, "must be at most %" PRId64, type->max);
        else
            fault(decoder, place, "must be within %" PRId64 "..%" PRId64, type->min, type->max);
        return;
    }
    memcpy(out, &value, sizeof(value));
}

/* Whether COUNT of UNIT (bytes, items) is within MIN..MAX. */
static bool size_fits(struct decoder *decoder, size_t count, int64_t min, int64_t max, const char *unit,
                      const struct place *place)
{
    if ((int64_t)count >= min && (int64_t)count <= max)
        return true;
    if (count == 0)
        fault(decoder, place, "must not be empty");
    else if (min == max)
        fault(decoder, place, "must have exactly %" PRId64 " %s", min, unit);
    else if (min == 0)
        fault(decoder, place, "must have at most %" PRId64 " %s", max, unit);
    else
        fault(decoder, place, "must have %" PRId64 "..%" PRId64 " %s", min, max, unit);
    return false;
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
    if (type->cut)
        return text_cut(decoder->arena, text, len, (size_t)max);
    if (!size_fits(decoder, len, min, max, "bytes", place))
        return NULL;
    if (memchr(text, '\0', len)) {
        fault(decoder, place, "must not hold a NUL character");
        return NULL;
    }
    return arena_strndup(decoder->arena, text, len);
}

/* Says that one of the names of an enum or union was expected. */
static void fault_names(struct decoder *decoder, const struct type *type, const struct place *place,
                        const char *message)
{
    bool is_enum = type->kind == TYPE_ENUM;
    size_t i, count = is_enum ? type->name_count - 1 : type->field_count;
    struct buf list = BUF_EMPTY;

    for (i = 0; i < count; i++) {
        buf_str(&list, i ? ", " : "");
        buf_str(&list, is_enum ? type->names[i + 1] : type->fields[i].name);
    }
    fault(decoder, place, "%s: %s", message, buf_text(&list));
    buf_clear(&list);
}

/* The text of a JSON string; NULL when it is none or holds a NUL, which C would cut it at. */
static const char *plain_text(const json_t *json)
{
    const char *text = json_string_value(json);

    return text && strlen(text) == json_string_length(json) ? text : NULL;
}

static void decode_enum(struct decoder *decoder, const struct type *type, const json_t *json, const struct place *place,
                        void *out)
{
    const char *text = plain_text(json);
    int value = text ? type_value_of(type, text) : 0;

    if (value)
        memcpy(out, &value, sizeof(value));
    else
        fault_names(decoder, type, place, "must be one of");
}

static void decode_time(struct decoder *decoder, const json_t *json, const struct place *place, void *out)
{
    const char *text = plain_text(json);
    int64_t us;

    if (!text || !rfc3339_parse(text, &us)) {
        fault(decoder, place, "must be an RFC 3339 time, e.g. 2026-01-31T23:59:59Z");
        return;
    }
    us = us == 0 ? 1 : us; /* 0 means absent: the first moment of all is kept as the one after it */
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
    const char *text = decode_text(decoder, type, json, TYPE_BASE64_MAX, place);

    if (!text)
        return;
    if (!base64_is_valid(text, strlen(text)))
        fault(decoder, place, "must be base64");
    else
        memcpy(out, &text, sizeof(text));
}

static void decode_raw(struct decoder *decoder, const json_t *json, const struct place *place, void *out)
{
    struct buf buf = BUF_EMPTY;
    const char *why = type_raw_write(json, &buf), *text;

    if (why) {
        fault(decoder, place, "%s", why);
    } else {
        text = arena_strndup(decoder->arena, buf_text(&buf), buf.len);
        memcpy(out, &text, sizeof(text));
    }
    buf_clear(&buf);
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
    struct place here;
    int tag;

    if (!iter || json_object_size(json) != 1) {
        fault_names(decoder, type, place, "must be an object with exactly one of");
        return;
    }
    here = (struct place){ place, json_object_iter_key(iter), 0 };
    variant = field_find(type, here.name);
    if (!variant) {
        fault_names(decoder, type, &here, "is not a known variant, which are");
        return;
    }
    tag = (int)(variant - type->fields) + 1;
    memcpy(out, &tag, sizeof(tag));
    decode_field(decoder, variant, json_object_iter_value(iter), &here, depth, out);
}

static bool count_fits(struct decoder *decoder, const struct type *type, size_t count, const struct place *place)
{
    int64_t max = type->min || type->max ? type->max : TYPE_LIST_MAX;

    return size_fits(decoder, count, type->min, max, "items", place);
}

/* An item of a set while it is sorted to bring equal ones together. */
struct member {
    const struct type *type;
    const void *value;
    size_t index;
};

static int member_compare(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    int order = type_compare(x->type, x->value, y->value);

    return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* Sorts instead of comparing each with each: 10,000 items come from outside. */
static void check_unique(struct decoder *decoder, const struct type *type, const struct type_list *list,
                         const struct place *place)
{
    struct member *members = arena_array(decoder->arena, list->count, sizeof(*members));
    size_t i;

    for (i = 0; i < list->count; i++)
        members[i] = (struct member){ type->item, (char *)list->items + i * type->item->size, i };
    if (list->count > 1)
        qsort(members, list->count, sizeof(*members), member_compare);
    for (i = 1; i < list->count; i++) {
        struct place here = { place, NULL, members[i].index };

        if (type_equal(type->item, members[i - 1].value, members[i].value))
            fault(decoder, &here, "is the same as item %zu", members[i - 1].index);
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

        decode_value(decoder, type->item, json_array_get(json, i), &here, depth,
                     (char *)list.items + i * type->item->size);
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

        if (!type_name_fits(type, name)) {
            fault(decoder, place, "names must have %d..%" PRId64 " bytes", !type->name_max,
                  type->name_max ? type->name_max : TYPE_STR_MAX);
            continue;
        }
        memcpy(entry, &key, sizeof(key));
        decode_value(decoder, type->item, value, &here, depth, entry + sizeof(char *));
    }
    memcpy(out, &list, sizeof(list));
}

static bool is_container(const struct type *type)
{
    return type->kind == TYPE_STRUCT || type->kind == TYPE_UNION || type->kind == TYPE_LIST || type->kind == TYPE_MAP;
}

static void decode_value(struct decoder *decoder, const struct type *type, const json_t *json,
                         const struct place *place, int depth, void *out)
{
    int depth_max = (decoder->flags & TYPE_STORED) == TYPE_STORED ? TYPE_DEPTH_STORED_MAX : TYPE_DEPTH_MAX;
    bool failed_before = decoder->failed;
    const char *text, *why;

    if (json_is_null(json) && type->kind != TYPE_RAW) {
        fault(decoder, place, "must not be null; leave the field out");
        return;
    }
    if (is_container(type) && depth >= depth_max) {
        fault(decoder, place, "is nested too deeply (more than %d)", depth_max);
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
    else if (!decoder->failed && type->pan_min && !(decoder->flags & (TYPE_LENIENT | TYPE_COMMITTED)) &&
             pan_is(*(const char *const *)out, (size_t)type->pan_min))
        fault(decoder, place, "is a card number: send a token in its place");
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

/* JSON that is kept as text. Written here and not by jansson, so that 0.1 stays 0.1, the depth and
 * length are bounded on the way, and what is kept is sure to be read again. */
#include <stdlib.h>
#include <string.h>

#include "base/type_internal.h"
#include "base/xmalloc.h"

#define DIGITS_OF(number) #number
#define DIGITS(number) DIGITS_OF(number)

static const char *write_value(const json_t *json, int depth, struct buf *out);

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *write_object(const json_t *json, int depth, struct buf *out)
{
    const char **names = xcalloc(json_object_size(json), sizeof(*names)), *name, *why = NULL;
    size_t i, count = 0;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)json, name, value)
        names[count++] = name;
    if (count > 1)
        qsort(names, count, sizeof(*names), compare_names);
    buf_char(out, '{');
    for (i = 0; i < count && !why; i++) {
        if (i)
            buf_char(out, ',');
        buf_json_str(out, names[i], strlen(names[i]));
        buf_char(out, ':');
        why = write_value(json_object_get(json, names[i]), depth, out);
    }
    buf_char(out, '}');
    free(names);
    return why;
}

static const char *write_array(const json_t *json, int depth, struct buf *out)
{
    const char *why = NULL;
    size_t i;

    buf_char(out, '[');
    for (i = 0; i < json_array_size(json) && !why; i++) {
        if (i)
            buf_char(out, ',');
        why = write_value(json_array_get(json, i), depth, out);
    }
    buf_char(out, ']');
    return why;
}

static const char *write_value(const json_t *json, int depth, struct buf *out)
{
    const char *text;
    size_t len;

    if (out->len > TYPE_RAW_MAX)
        return "must have at most " DIGITS(TYPE_RAW_MAX) " bytes";
    if ((json_is_object(json) || json_is_array(json)) && depth >= TYPE_DEPTH_MAX)
        return "is nested too deeply (more than " DIGITS(TYPE_DEPTH_MAX) ")";
    switch (json_typeof(json)) {
    case JSON_OBJECT: return write_object(json, depth + 1, out);
    case JSON_ARRAY: return write_array(json, depth + 1, out);
    case JSON_STRING:
        text = json_string_value(json);
        len = json_string_length(json);
        if (memchr(text, '\0', len))
            return "must not hold a NUL character";
        buf_json_str(out, text, len);
        break;
    case JSON_INTEGER: buf_i64(out, json_integer_value(json)); break;
    case JSON_REAL: type_write_double(json_real_value(json), out); break;
    case JSON_TRUE: buf_str(out, "true"); break;
    case JSON_FALSE: buf_str(out, "false"); break;
    case JSON_NULL: buf_str(out, "null"); break;
    }
    return NULL;
}

const char *type_raw_write(const json_t *json, struct buf *out)
{
    size_t before = out->len;
    const char *why = write_value(json, 0, out);

    if (!why && out->len - before > TYPE_RAW_MAX)
        why = "must have at most " DIGITS(TYPE_RAW_MAX) " bytes";
    return why;
}

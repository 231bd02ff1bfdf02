/* See domain_doc.h. */
#include "support/domain_doc.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

json_t *doc_load(void)
{
    json_error_t at;
    json_t *doc = json_load_file(EXAMPLES_DIR "/domain.json", 0, &at);

    cr_assert_not_null(doc, "%s: %s", at.source, at.text);
    return doc;
}

size_t doc_index(const json_t *doc, const char *kind, const char *ref)
{
    json_t *wanted = json_loads(ref, JSON_DECODE_ANY, NULL), *row, *object;
    size_t i;

    json_array_foreach(json_object_get(doc, "objects"), i, row) {
        object = json_object_get(row, kind);
        if (object && json_equal(json_object_get(object, "ref"), wanted))
            break;
    }
    json_decref(wanted);
    cr_assert_lt(i, json_array_size(json_object_get(doc, "objects")), "no %s %s", kind, ref);
    return i;
}

static void array_put(json_t *array, size_t index, json_t *value)
{
    if (!value)
        json_array_remove(array, index);
    else if (index == json_array_size(array))
        json_array_append_new(array, value);
    else
        json_array_set_new(array, index, value);
}

void doc_set(json_t *doc, const char *kind, const char *ref, const char *path, const char *value)
{
    json_t *at = json_object_get(json_array_get(json_object_get(doc, "objects"), doc_index(doc, kind, ref)), kind);
    json_t *parsed = value ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;
    char text[512], *step, *next;

    cr_assert(!value || parsed, "not JSON: %s", value);
    snprintf(text, sizeof(text), "%s", path);
    step = strtok(text, "/");
    for (; (next = strtok(NULL, "/")); step = next) {
        at = json_is_array(at) ? json_array_get(at, strtoul(step, NULL, 10)) : json_object_get(at, step);
        cr_assert_not_null(at, "%s %s has no %s at %s", kind, ref, path, step);
    }
    if (json_is_array(at))
        array_put(at, strtoul(step, NULL, 10), parsed);
    else if (parsed)
        json_object_set_new(at, step, parsed);
    else
        cr_assert_eq(json_object_del(at, step), 0, "%s %s has no %s", kind, ref, path);
}

void doc_add(json_t *doc, const char *kind, const char *ref, const char *data)
{
    json_t *ref_value = json_loads(ref, JSON_DECODE_ANY, NULL), *data_value = json_loads(data, JSON_DECODE_ANY, NULL);

    cr_assert(ref_value && data_value, "not JSON: %s or %s", ref, data);
    json_array_append_new(json_object_get(doc, "objects"),
                          json_pack("{s:{s:o, s:o}}", kind, "ref", ref_value, "data", data_value));
}

enum sl_err doc_parse_take(json_t *doc, struct arena *arena, struct domain **out, struct type_errors *errors)
{
    char *text = json_dumps(doc, JSON_COMPACT);
    enum sl_err err = domain_parse_new(text, strlen(text), arena, out, errors);

    json_decref(doc);
    free(text);
    return err;
}

struct domain *doc_domain_take(json_t *doc, struct arena *arena)
{
    struct type_errors errors = { .count = 0 };
    struct domain *domain = NULL;

    if (doc_parse_take(doc, arena, &domain, &errors))
        cr_assert_fail("%s: %s", errors.list[0].path, errors.list[0].message);
    return domain;
}

void must_decode(const struct type *type, const char *text, struct arena *arena, void *out)
{
    struct type_errors errors = { .count = 0 };

    if (type_decode_text(type, text, strlen(text), 0, arena, out, &errors))
        cr_assert_fail("%s: %s in %s", errors.list[0].path, errors.list[0].message, text);
}

const char *encoded(const struct type *type, const void *value, struct arena *arena)
{
    struct buf text = BUF_EMPTY;
    const char *result;

    type_encode(type, value, &text);
    result = arena_strdup(arena, buf_text(&text));
    buf_clear(&text);
    return result;
}

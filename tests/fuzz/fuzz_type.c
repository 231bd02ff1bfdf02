/* Any text into a recursive type. What is taken must come out as text that is taken again, equal and
 * byte for byte the same; a copy must be equal; what is refused must have a named fault. */
#include <assert.h>
#include <string.h>

#include "base/type.h"
#include "base/xmalloc.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct cond {
    int tag;
    union {
        struct type_list all_of;
        struct cond *is_not;
        const char *name_is;
    };
};

struct node {
    const char *id;
    bool *flag;
    int64_t *count;
    double *score;
    const char *text;
    int color;
    int64_t at;
    const char *blob;
    const char *raw;
    struct type_list names;
    struct type_list labels;
    struct type_list nodes;
    struct type_list by_name;
    struct node *next;
    struct cond cond;
};

static const char *const color_names[] = { NULL, "red", "blue" };
static const struct type color_type = TYPE_ENUM_OF("Color", color_names);
static const struct type count_type = TYPE_I64_IN(INT64_MIN, 1000000);

static const struct type cond_type;
static const struct type cond_list_type = TYPE_LIST_OF(cond_type);
static const struct type_field cond_fields[] = {
    TF_VAR(cond, all_of, cond_list_type),
    TF_VARP(cond, is_not, cond_type),
    TF_VAR(cond, name_is, type_str),
    TF_EMPTY("always"),
};
static const struct type cond_type = TYPE_UNION_OF("Cond", cond, cond_fields);

static const struct type node_type;
static const struct type name_set_type = TYPE_SET_OF(type_str);
static const struct type node_set_type = TYPE_SET_OF(node_type);
static const struct type node_map_type = TYPE_MAP_OF(node_type);
static const struct type_field node_fields[] = {
    TF_REQ(node, id, type_id),         TF_PTR(node, flag, type_bool),          TF_PTR(node, count, count_type),
    TF_PTR(node, score, type_double),  TF_OPT(node, text, type_str),           TF_OPT(node, color, color_type),
    TF_OPT(node, at, type_time),       TF_OPT(node, blob, type_base64),        TF_OPT(node, raw, type_raw),
    TF_OPT(node, names, name_set_type), TF_OPT(node, labels, type_string_map), TF_OPT(node, nodes, node_set_type),
    TF_OPT(node, by_name, node_map_type), TF_PTR(node, next, node_type),       TF_OPT(node, cond, cond_type),
};
static const struct type node_type = TYPE_STRUCT_OF("Node", node, node_fields);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    xmalloc_init();
    return 0;
}

static void check(const char *text, size_t size, unsigned flags)
{
    struct arena *arena = arena_new();
    struct buf first = BUF_EMPTY, second = BUF_EMPTY;
    struct type_errors errors = { 0 };
    struct node node, again, copy;

    if (type_decode_text(&node_type, text, size, flags, arena, &node, &errors) == SL_OK) {
        assert(errors.count == 0);
        type_encode(&node_type, &node, &first);
        if (type_decode_text(&node_type, first.data, first.len, flags, arena, &again, &errors))
            __builtin_trap();
        assert(type_equal(&node_type, &node, &again));
        type_encode(&node_type, &again, &second);
        assert(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
        type_copy(&node_type, &copy, &node, arena);
        assert(type_equal(&node_type, &node, &copy));
    } else {
        assert(errors.count > 0 && errors.count <= TYPE_ERRORS_MAX);
    }
    buf_clear(&first);
    buf_clear(&second);
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check((const char *)data, size, 0);
    check((const char *)data, size, TYPE_LENIENT);
    return 0;
}

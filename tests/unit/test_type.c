/* Types described once: decoding with places, encoding, copying, comparing, schemas. */
#include <criterion/criterion.h>

#include <signal.h>
#include <stdlib.h>
#include <math.h>
#include <string.h>

#include "base/type.h"
#include "base/type_differ.h"
#include "base/type_fits.h"
#include "base/xmalloc.h"

/* ---- types that have every kind ---- */

enum color { RED = 1, DARK_BLUE };
static const char *const color_names[] = { NULL, "red", "dark_blue" };
static const struct type color_type = TYPE_ENUM_OF("Color", color_names);

struct cash {
    int64_t amount;
    const char *currency;
};
static const struct type amount_type = TYPE_I64_IN(0, 1000);
static const struct type currency_type = TYPE_STR_IN(3, 3);
static const struct type_field cash_fields[] = {
    TF_REQ(cash, amount, amount_type),
    TF_REQ(cash, currency, currency_type),
};
static const char *cash_check(const void *value)
{
    const struct cash *cash = value;

    return strcmp(cash->currency, "XXX") ? NULL : "must have a real currency";
}
static const struct type cash_type = {
    .kind = TYPE_STRUCT, .name = "Cash", .size = sizeof(struct cash), .fields = cash_fields, .field_count = 2,
    .doc = "An amount of money", .check = cash_check,
};

/* Recursive, by pointer and by list: a condition. */
struct cond {
    int tag;
    union {
        struct type_list all_of;
        struct cond *is_not;
        const char *name_is;
        struct cash at_least;
    };
};
enum { COND_ALL_OF = 1, COND_IS_NOT, COND_NAME_IS, COND_AT_LEAST, COND_ALWAYS };
static const struct type cond_type;
static const struct type cond_list_type = TYPE_LIST_OF(cond_type);
static const struct type_field cond_fields[] = {
    TF_VAR(cond, all_of, cond_list_type), TF_VARP(cond, is_not, cond_type),    TF_VAR(cond, name_is, type_str),
    TF_VAR(cond, at_least, cash_type),    TF_EMPTY("always"),
};
static const struct type cond_type = TYPE_UNION_OF("Cond", cond, cond_fields);

static const struct type id_set_type = TYPE_SET_OF(type_id);
static const struct type cash_set_type = TYPE_SET_OF(cash_type);
static const struct type cash_map_type = TYPE_MAP_OF(cash_type);
static const struct type bool_list_type = { .kind = TYPE_LIST, .size = sizeof(struct type_list), .item = &type_bool,
                                            .min = 1, .max = 3 };
static const struct type below_type = TYPE_I64_IN(INT64_MIN, -1);
static const struct type above_type = TYPE_I64_IN(1, INT64_MAX);
static const struct type flag_map_type = TYPE_MAP_OF(type_bool);

struct all {
    const char *id;
    bool *flag;
    int64_t *count;
    int64_t *below;
    int64_t *above;
    double *score;
    const char *text;
    int color;
    int64_t at;
    const char *blob;
    const char *raw;
    struct cash *cost;
    struct cond cond;
    struct type_list ids;
    struct type_list costs;
    struct type_list flags;
    struct type_list prices;
    struct type_list labels;
    struct type_list marks;
};
static const struct type_field all_fields[] = {
    TF_REQ(all, id, type_id),           TF_PTR(all, flag, type_bool),       TF_PTR(all, count, type_i64),
    TF_PTR(all, below, below_type),     TF_PTR(all, above, above_type),     TF_PTR(all, score, type_double),
    TF_OPT(all, text, type_str),        TF_OPT(all, color, color_type),     TF_OPT(all, at, type_time),
    TF_OPT(all, blob, type_base64),     TF_OPT(all, raw, type_raw),         TF_PTR(all, cost, cash_type),
    TF_OPT(all, cond, cond_type),       TF_OPT(all, ids, id_set_type),      TF_OPT(all, costs, cash_set_type),
    TF_OPT(all, flags, bool_list_type), TF_OPT(all, prices, cash_map_type), TF_OPT(all, labels, type_string_map),
    TF_OPT(all, marks, flag_map_type),
};
static const struct type all_type = TYPE_STRUCT_OF("All", all, all_fields);

static const char full_text[] =
    "{\"id\":\"a.b_c-d:e~1\",\"flag\":false,\"count\":-9223372036854775808,\"below\":-1,\"above\":9223372036854775807,"
    "\"score\":0.1,\"text\":\"line\\n\\\"q\\\" \xe2\x82\xac\",\"color\":\"dark_blue\",\"at\":\"2026-01-31T23:59:59.250000Z\","
    "\"blob\":\"QUJDRA==\",\"raw\":{\"a\":[1,2.5,null,\"x\"],\"b\":{}},\"cost\":{\"amount\":0,\"currency\":\"EUR\"},"
    "\"cond\":{\"all_of\":[{\"is_not\":{\"name_is\":\"bob\"}},{\"always\":{}},"
    "{\"at_least\":{\"amount\":5,\"currency\":\"USD\"}},{\"all_of\":[]}]},\"ids\":[\"b\",\"a\"],"
    "\"costs\":[{\"amount\":1,\"currency\":\"EUR\"},{\"amount\":1,\"currency\":\"USD\"}],\"flags\":[true,false,true],"
    "\"prices\":{\"z\":{\"amount\":9,\"currency\":\"JPY\"},\"a\":{\"amount\":8,\"currency\":\"JPY\"}},"
    "\"labels\":{\"k\\\"\":\"v\",\"e\":\"\"},\"marks\":{\"on\":true,\"off\":false}}";

/* ---- helpers ---- */

static struct arena *arena;
static struct type_errors errors;

static void setup(void)
{
    xmalloc_init();
    arena = arena_new();
    memset(&errors, 0, sizeof(errors));
}

static void teardown(void)
{
    arena_free(arena);
}

TestSuite(type, .init = setup, .fini = teardown);

static void must_decode(const struct type *type, const char *text, void *out)
{
    enum sl_err err = type_decode_text(type, text, strlen(text), 0, arena, out, &errors);

    cr_assert_eq(err, SL_OK, "%s: %s %s", text, errors.count ? errors.list[0].path : "",
                 errors.count ? errors.list[0].message : "");
    cr_assert_eq(errors.count, 0u);
}

static void must_encode(const struct type *type, const void *value, const char *want)
{
    struct buf buf = BUF_EMPTY;

    type_encode(type, value, &buf);
    cr_assert_str_eq(buf_text(&buf), want);
    buf_clear(&buf);
}

/* TEXT is refused with exactly the one fault MESSAGE at PATH. */
static void must_refuse(const struct type *type, const char *text, const char *path, const char *message)
{
    void *out = arena_alloc(arena, type->size);

    memset(&errors, 0, sizeof(errors));
    cr_assert_eq(type_decode_text(type, text, strlen(text), 0, arena, out, &errors), SL_EINVAL, "%s", text);
    cr_assert_eq(errors.count, 1u, "%s: %zu faults", text, errors.count);
    cr_assert_str_eq(errors.list[0].path, path, "%s: at %s", text, errors.list[0].path);
    cr_assert_str_eq(errors.list[0].message, message, "%s: %s", text, errors.list[0].message);
}

static char *repeat(const char *head, int count, const char *middle, const char *tail)
{
    struct buf buf = BUF_EMPTY;
    int i;

    for (i = 0; i < count; i++)
        buf_str(&buf, head);
    buf_str(&buf, middle);
    for (i = 0; i < count; i++)
        buf_str(&buf, tail);
    return buf_take(&buf);
}

/* ---- decode and encode ---- */

/* Each kind must come out as the C value that the payment code reads. */
Test(type, decodes_every_kind)
{
    const struct type_string_entry *labels;
    const struct cond *conds;
    struct all all;

    must_decode(&all_type, full_text, &all);
    cr_assert_str_eq(all.id, "a.b_c-d:e~1");
    cr_assert_eq(*all.flag, false);
    cr_assert_eq(*all.count, INT64_MIN);
    cr_assert_eq(*all.above, INT64_MAX);
    cr_assert_eq(*all.score, 0.1);
    cr_assert_str_eq(all.text, "line\n\"q\" \xe2\x82\xac");
    cr_assert_eq(all.color, DARK_BLUE);
    cr_assert_eq(all.at, 1769903999250000);
    cr_assert_str_eq(all.blob, "QUJDRA==");
    cr_assert_str_eq(all.raw, "{\"a\":[1,2.5,null,\"x\"],\"b\":{}}");
    cr_assert_eq(all.cost->amount, 0);
    cr_assert_eq(all.cond.tag, COND_ALL_OF);
    cr_assert_eq(all.cond.all_of.count, 4u);
    conds = all.cond.all_of.items;
    cr_assert_eq(conds[0].tag, COND_IS_NOT);
    cr_assert_str_eq(conds[0].is_not->name_is, "bob");
    cr_assert_eq(conds[1].tag, COND_ALWAYS);
    cr_assert_eq(conds[2].at_least.amount, 5);
    cr_assert_not_null(conds[3].all_of.items, "an empty list is there");
    cr_assert_str_eq(((const char *const *)all.ids.items)[1], "a");
    cr_assert_eq(((const bool *)all.flags.items)[2], true);
    labels = all.labels.items;
    cr_assert_eq(all.labels.count, 2u);
    cr_assert_str_eq(labels[0].key, "k\"");
    cr_assert_str_eq(labels[1].value, "");
}

/* What is encoded must be byte for byte what was decoded: stored events are compared and re-read. */
Test(type, round_trip_keeps_the_bytes)
{
    struct all all;

    must_decode(&all_type, full_text, &all);
    must_encode(&all_type, &all, full_text);
    must_decode(&all_type, "{\"id\":\"x\"}", &all);
    must_encode(&all_type, &all, "{\"id\":\"x\"}");
    cr_assert_null(all.flag);
    cr_assert_null(all.text);
    cr_assert_null(all.ids.items);
    cr_assert_eq(all.cond.tag, 0);
}

/* A double must be valid JSON, read back as the same number, and not grow digits nobody wrote. */
Test(type, doubles_are_short_and_exact)
{
    static const struct {
        double value;
        const char *want;
    } rows[] = {
        { 0, "0.0" }, { 1, "1.0" }, { -2.5, "-2.5" }, { 0.1, "0.1" }, { 1e300, "1e+300" }, { 1e-7, "1e-07" },
        { 1.0 / 3, "0.33333333333333331" }, { 123456789.25, "123456789.25" }, { 1e15, "1e+15" },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        double back;

        must_encode(&type_double, &rows[i].value, rows[i].want);
        must_decode(&type_double, rows[i].want, &back);
        cr_assert_eq(back, rows[i].value, "%s", rows[i].want);
    }
}

/* Client data is kept by meaning: sorted names, no white space, numbers as they were. */
Test(type, raw_is_canonical_text)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        { " { \"b\" : 0.1 , \"a\" : [ ] } ", "{\"a\":[],\"b\":0.1}" },
        { "null", "null" },
        { "1.0", "1.0" },
        { "1", "1" },
        { "\"\\u00e9\\u0001\"", "\"\xc3\xa9\\u0001\"" },
        { "[true,false,-9223372036854775808]", "[true,false,-9223372036854775808]" },
    };
    const char *raw;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        must_decode(&type_raw, rows[i].text, &raw);
        cr_assert_str_eq(raw, rows[i].want);
        must_encode(&type_raw, &raw, rows[i].want);
    }
}

/* ---- faults ---- */

/* Each fault must name its place and what was expected, or nobody can fix a request. */
Test(type, faults_name_their_place)
{
    static const struct {
        const char *text, *path, *message;
    } rows[] = {
        { "[]", "", "must be an object" },
        { "{}", "/id", "is required" },
        { "{\"id\":\"x\",\"nope\":1}", "/nope", "is not a known field" },
        { "{\"id\":\"x\",\"a/b~c\":1}", "/a~1b~0c", "is not a known field" },
        { "{\"id\":null}", "/id", "must not be null; leave the field out" },
        { "{\"id\":\"x\",\"text\":null}", "/text", "must not be null; leave the field out" },
        { "{\"id\":7}", "/id", "must be a string" },
        { "{\"id\":\"\"}", "/id", "must not be empty" },
        { "{\"id\":\"a b\"}", "/id", "may hold letters, digits and . _ - : ~ only" },
        { "{\"id\":\"a{b\"}", "/id", "may hold letters, digits and . _ - : ~ only" },
        { "{\"id\":\"\xc3\xa9\"}", "/id", "may hold letters, digits and . _ - : ~ only" },
        { "{\"id\":\"x\",\"flag\":1}", "/flag", "must be true or false" },
        { "{\"id\":\"x\",\"count\":1.0}", "/count", "must be an integer" },
        { "{\"id\":\"x\",\"count\":\"1\"}", "/count", "must be an integer" },
        { "{\"id\":\"x\",\"below\":0}", "/below", "must be at most -1" },
        { "{\"id\":\"x\",\"above\":0}", "/above", "must be at least 1" },
        { "{\"id\":\"x\",\"score\":\"1\"}", "/score", "must be a number" },
        { "{\"id\":\"x\",\"color\":\"blue\"}", "/color", "must be one of: red, dark_blue" },
        { "{\"id\":\"x\",\"color\":2}", "/color", "must be one of: red, dark_blue" },
        { "{\"id\":\"x\",\"at\":\"yesterday\"}", "/at", "must be an RFC 3339 time, e.g. 2026-01-31T23:59:59Z" },
        { "{\"id\":\"x\",\"at\":1}", "/at", "must be an RFC 3339 time, e.g. 2026-01-31T23:59:59Z" },
        { "{\"id\":\"x\",\"at\":\"1969-12-31T23:59:59Z\"}", "/at",
          "must be an RFC 3339 time, e.g. 2026-01-31T23:59:59Z" },
        { "{\"id\":\"x\",\"blob\":\"QUJDRA=\"}", "/blob", "must be base64" },
        { "{\"id\":\"x\",\"blob\":\"Q===\"}", "/blob", "must be base64" },
        { "{\"id\":\"x\",\"blob\":\"Q-JD\"}", "/blob", "must be base64" },
        { "{\"id\":\"x\",\"cost\":[]}", "/cost", "must be an object" },
        { "{\"id\":\"x\",\"cost\":{\"currency\":\"EUR\"}}", "/cost/amount", "is required" },
        { "{\"id\":\"x\",\"cost\":{\"amount\":1001,\"currency\":\"EUR\"}}", "/cost/amount", "must be within 0..1000" },
        { "{\"id\":\"x\",\"cost\":{\"amount\":-1,\"currency\":\"EUR\"}}", "/cost/amount", "must be within 0..1000" },
        { "{\"id\":\"x\",\"cost\":{\"amount\":1,\"currency\":\"EURO\"}}", "/cost/currency", "must have exactly 3 bytes" },
        { "{\"id\":\"x\",\"cost\":{\"amount\":1,\"currency\":\"XXX\"}}", "/cost", "must have a real currency" },
        { "{\"id\":\"x\",\"cond\":{}}", "/cond",
          "must be an object with exactly one of: all_of, is_not, name_is, at_least, always" },
        { "{\"id\":\"x\",\"cond\":{\"always\":{},\"name_is\":\"x\"}}", "/cond",
          "must be an object with exactly one of: all_of, is_not, name_is, at_least, always" },
        { "{\"id\":\"x\",\"cond\":\"always\"}", "/cond",
          "must be an object with exactly one of: all_of, is_not, name_is, at_least, always" },
        { "{\"id\":\"x\",\"cond\":{\"never\":{}}}", "/cond/never",
          "is not a known variant, which are: all_of, is_not, name_is, at_least, always" },
        { "{\"id\":\"x\",\"cond\":{\"always\":{\"x\":1}}}", "/cond/always/x", "is not a known field" },
        { "{\"id\":\"x\",\"cond\":{\"all_of\":[{\"always\":{}},{\"is_not\":{\"name_is\":3}}]}}",
          "/cond/all_of/1/is_not/name_is", "must be a string" },
        { "{\"id\":\"x\",\"ids\":{}}", "/ids", "must be an array" },
        { "{\"id\":\"x\",\"ids\":[\"a\",null]}", "/ids/1", "must not be null; leave the field out" },
        { "{\"id\":\"x\",\"ids\":[\"a\",\"b\",\"a\"]}", "/ids/2", "is the same as item 0" },
        { "{\"id\":\"x\",\"costs\":[{\"amount\":1,\"currency\":\"EUR\"},{\"currency\":\"EUR\",\"amount\":1}]}", "/costs/1",
          "is the same as item 0" },
        { "{\"id\":\"x\",\"flags\":[]}", "/flags", "must not be empty" },
        { "{\"id\":\"x\",\"flags\":[true,true,true,true]}", "/flags", "must have 1..3 items" },
        { "{\"id\":\"x\",\"labels\":[]}", "/labels", "must be an object" },
        { "{\"id\":\"x\",\"labels\":{\"\":\"v\"}}", "/labels", "names must have 1..4096 bytes" },
        { "{\"id\":\"x\",\"labels\":{\"k\":1}}", "/labels/k", "must be a string" },
        { "{\"id\":\"x\",\"prices\":{\"a/b\":{\"amount\":1}}}", "/prices/a~1b/currency", "is required" },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++)
        must_refuse(&all_type, rows[i].text, rows[i].path, rows[i].message);
}

/* One answer lists all that is wrong, but a hostile document does not make an endless list. */
Test(type, faults_are_collected_up_to_a_bound)
{
    char *many = repeat("\"!\",", 100, "\"!\"", "");
    struct type_list list;
    struct buf text = BUF_EMPTY;
    struct all all;

    static const char two[] = "{\"flag\":1,\"cost\":{\"amount\":-5},\"x\":1}";
    static const char *const paths[] = { "/id", "/flag", "/cost/amount", "/cost/currency", "/x" };
    size_t i;

    cr_assert_eq(type_decode_text(&all_type, two, strlen(two), 0, arena, &all, &errors), SL_EINVAL);
    cr_assert_eq(errors.count, SL_COUNT(paths));
    for (i = 0; i < SL_COUNT(paths); i++)
        cr_assert_str_eq(errors.list[i].path, paths[i]);

    buf_printf(&text, "[%s]", many);
    memset(&errors, 0, sizeof(errors));
    cr_assert_eq(type_decode_text(&id_set_type, text.data, text.len, 0, arena, &list, &errors), SL_EINVAL);
    cr_assert_eq(errors.count, (size_t)TYPE_ERRORS_MAX);
    cr_assert_eq(type_decode_text(&id_set_type, text.data, text.len, 0, arena, &list, NULL), SL_EINVAL);
    buf_clear(&text);
    free(many);
}

/* The first moment that there is is as good as any other, though 0 stands for an absent one. */
Test(type, the_first_moment_is_there)
{
    struct all all;

    must_decode(&all_type, "{\"id\":\"x\",\"at\":\"1970-01-01T00:00:00Z\"}", &all);
    cr_expect_eq(all.at, 1);
    must_encode(&all_type, &all, "{\"id\":\"x\",\"at\":\"1970-01-01T00:00:00.000001Z\"}");
}

/* Text that is not JSON gets the place in the text; nothing lenient slips through the parser. */
Test(type, syntax_faults_say_line_and_column)
{
    static const char *const rows[] = {
        "", "{", "{\"id\":\"x\",}", "{\"id\":\"x\"} x", "{\"id\":\"x\"}{}", "{\"id\":\"x\",\"id\":\"y\"}", "{'id':1}",
        "{\"id\":\"x\",\"count\":9223372036854775808}", "{\"id\":\"x\",\"score\":NaN}", "{\"id\":\"x\",\"score\":1e999}",
        "{\"id\":\"a\\u0000b\"}", "{\"id\":\"\xff\"}", "{\"id\":\"x\",\"count\":01}",
    };
    struct all all;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        memset(&errors, 0, sizeof(errors));
        cr_assert_eq(type_decode_text(&all_type, rows[i], strlen(rows[i]), 0, arena, &all, &errors), SL_EINVAL, "%s",
                     rows[i]);
        cr_assert_eq(errors.count, 1u);
        cr_assert_str_eq(errors.list[0].path, "");
        cr_assert_not_null(strstr(errors.list[0].message, "line "), "%s", errors.list[0].message);
    }
}

/* Strings that hold a NUL would be cut inside; they may come in as values, past the parser. */
Test(type, nul_characters_are_refused)
{
    static const struct type *const kinds[] = { &type_str, &type_id, &color_type, &type_raw, &type_time, &type_base64 };
    static const char texts[][32] = { "red\0x", "2026-01-31T23:59:59Z\0x", "QUJD\0" };
    static const size_t lens[] = { 5, 22, 5 };
    size_t i, j;

    for (i = 0; i < SL_COUNT(kinds); i++) {
        for (j = 0; j < SL_COUNT(texts); j++) {
            json_t *json = json_stringn(texts[j], lens[j]);
            int64_t room[2];

            cr_assert_eq(type_decode(kinds[i], json, 0, arena, room, NULL), SL_EINVAL, "kind %zu text %zu", i, j);
            json_decref(json);
        }
    }
}

/* What is named so must be found under its path again. */
Test(type, ids_can_stand_in_a_path)
{
    static const char *const good[] = { "a", "...", ".a", "a.", "A-z_0:9~" };
    static const char *const bad[] = { ".", "..", "a/b", "a b", "a?", "{a}", "\xc3\xa9" };
    size_t i;

    for (i = 0; i < SL_COUNT(good); i++)
        cr_assert(!type_id.check(&good[i]), "%s", good[i]);
    for (i = 0; i < SL_COUNT(bad); i++)
        cr_assert(type_id.check(&bad[i]), "%s", bad[i]);
}

/* Sizes are bounded where the table gives no range of its own. */
Test(type, sizes_are_bounded)
{
    static const struct {
        const struct type *type;
        int len; /* the longest that is taken */
        const char *message;
    } rows[] = {
        { &type_str, TYPE_STR_MAX, "must have at most 4096 bytes" },
        { &type_id, 128, "must have 1..128 bytes" },
        { &type_raw, TYPE_RAW_MAX - 2, "must have at most 65536 bytes" },
        { &type_base64, 65536, "must have at most 65536 bytes" },
    };
    struct type_list list;
    char *text, *items;
    const char *out;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct buf quoted = BUF_EMPTY;

        text = repeat("a", rows[i].len, "", "");
        buf_printf(&quoted, "\"%s\"", text);
        must_decode(rows[i].type, quoted.data, &out);
        buf_reset(&quoted);
        buf_printf(&quoted, "\"%sa\"", text);
        must_refuse(rows[i].type, quoted.data, "", rows[i].message);
        memset(&errors, 0, sizeof(errors));
        buf_clear(&quoted);
        free(text);
    }
    items = repeat("{},", TYPE_LIST_MAX, "{}]", "");
    text = repeat("[", 1, items, "");
    static const struct type empties = TYPE_LIST_OF(type_empty);
    must_refuse(&empties, text, "", "must have at most 10000 items");
    memset(&errors, 0, sizeof(errors));
    text[strlen(text) - 4] = '\0'; /* one less */
    strcat(text, "]");
    must_decode(&empties, text, &list);
    cr_assert_eq(list.count, (size_t)TYPE_LIST_MAX);
    free(items);
    free(text);
}

/* A set as large as may come must not hold up the event loop. */
Test(type, large_sets_are_checked)
{
    struct buf text = BUF_EMPTY;
    struct type_list list;
    int i;

    for (i = 0; i < TYPE_LIST_MAX - 1; i++)
        buf_printf(&text, "%c\"id-%d\"", i ? ',' : '[', i);
    buf_str(&text, ",\"id-4321\"]");
    must_refuse(&id_set_type, buf_text(&text), "/9999", "is the same as item 4321");
    memset(&errors, 0, sizeof(errors));
    text.data[strlen(text.data) - 2] = 'x';
    text.data[strlen(text.data) - 1] = '"';
    buf_str(&text, "]");
    must_decode(&id_set_type, buf_text(&text), &list);
    cr_assert_eq(list.count, (size_t)TYPE_LIST_MAX);
    buf_clear(&text);
}

/* ---- depth ---- */

/* A deep document must be refused before it eats the C stack, in each way it can be deep. */
Test(type, depth_is_limited)
{
    static const struct {
        const char *head, *middle, *tail;
        int per_level;
        const struct type *type;
    } rows[] = {
        { "{\"is_not\":", "{\"always\":{}}", "}", 1, &cond_type },
        { "{\"all_of\":[", "{\"name_is\":\"x\"}", "]}", 2, &cond_type },
        { "[", "1", "]", 1, &type_raw },
        { "{\"a\":", "1", "}", 1, &type_raw },
    };
    struct cond out;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        int fits = i == 0 ? TYPE_DEPTH_MAX - 2 : i == 1 ? (TYPE_DEPTH_MAX - 1) / 2 : TYPE_DEPTH_MAX;
        char *text = repeat(rows[i].head, fits, rows[i].middle, rows[i].tail);

        must_decode(rows[i].type, text, &out);
        free(text);
        text = repeat(rows[i].head, fits + 1, rows[i].middle, rows[i].tail);
        cr_assert_eq(type_decode_text(rows[i].type, text, strlen(text), 0, arena, &out, &errors), SL_EINVAL);
        cr_assert_str_eq(errors.list[0].message, "is nested too deeply (more than 64)");
        free(text);
        text = repeat(rows[i].head, 10000, rows[i].middle, rows[i].tail);
        memset(&errors, 0, sizeof(errors));
        cr_assert_eq(type_decode_text(rows[i].type, text, strlen(text), 0, arena, &out, &errors), SL_EINVAL);
        cr_assert_eq(errors.count, 1u);
        cr_assert_not_null(strstr(errors.list[0].message, "depth"), "%s", errors.list[0].message);
        memset(&errors, 0, sizeof(errors));
        free(text);
    }
}

/* What a request or an answer was let in with must be readable when a snapshot holds it some levels further down: an
 * invoice with an event that cannot be read is lost. */
Test(type, stored_documents_may_be_deeper)
{
    char *text = repeat("{\"is_not\":", TYPE_DEPTH_MAX + 20, "{\"always\":{}}", "}");
    struct cond cond;

    cr_assert_eq(type_decode_text(&cond_type, text, strlen(text), 0, arena, &cond, NULL), SL_EINVAL);
    cr_assert_eq(type_decode_text(&cond_type, text, strlen(text), TYPE_LENIENT, arena, &cond, NULL), SL_EINVAL);
    cr_assert_eq(type_decode_text(&cond_type, text, strlen(text), TYPE_STORED, arena, &cond, NULL), SL_OK);
    must_encode(&cond_type, &cond, text);
    free(text);
}

/* What is stored and cannot be read again is lost, so it is looked at before; but what could be read must not be refused. */
Test(type, says_what_could_not_be_read_again)
{
    static const struct type short_type = TYPE_STR_IN(1, 3), small_type = TYPE_I64_IN(-5, 5);
    char *longest = repeat("a", TYPE_STR_MAX, "", ""), *longer = repeat("a", TYPE_STR_MAX + 1, "", "");
    const char *none = "", *three = "abc", *four = "abcd", *dots = "..", *text = longest, *more = longer;
    int64_t five = 5, six = 6, first = 1, last = 253402300799999999, after = 253402300800000000, zero = 0;
    double number = 0.5, nan = NAN, infinite = INFINITY;
    const struct {
        const struct type *type;
        const void *value;
        const char *unfit; /* a part of it; NULL: it fits */
    } rows[] = {
        { &short_type, &three, NULL },      { &short_type, &four, "too long" }, { &short_type, &none, "too short" },
        { &type_str, &none, NULL },         { &type_str, &text, NULL },         { &type_str, &more, "too long" },
        { &type_id, &three, NULL },         { &type_id, &dots, "must not be" }, { &small_type, &five, NULL },
        { &small_type, &six, "out of" },    { &type_i64, &six, NULL },          { &type_time, &first, NULL },
        { &type_time, &last, NULL },        { &type_time, &after, "within" },   { &type_time, &zero, "within" },
        { &type_double, &number, NULL },    { &type_double, &nan, "number" },   { &type_double, &infinite, "number" },
    };
    struct cond cond;
    int depth;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        const char *why = type_unfit(rows[i].type, rows[i].value, arena);

        cr_assert(rows[i].unfit ? why && strstr(why, rows[i].unfit) : !why, "row %zu: %s", i, why ? why : "it fits");
    }
    for (depth = 1; depth < TYPE_DEPTH_STORED_MAX - 2; depth++) {
        char *nested = repeat("{\"is_not\":", depth, "{\"always\":{}}", "}");

        cr_assert_eq(type_decode_text(&cond_type, nested, strlen(nested), TYPE_STORED, arena, &cond, NULL), SL_OK);
        cr_assert_eq(!type_unfit(&cond_type, &cond, arena), depth < TYPE_DEPTH_STORED_MAX - 16, "%d", depth);
        free(nested);
    }
    free(longest);
    free(longer);
}

/* If it fails, a text that nothing hangs on has a good document refused, or what was taken cannot be read again. */
Test(type, some_texts_are_cut_and_some_names_are_long)
{
    static const struct type cut_type = { .kind = TYPE_STR, .size = sizeof(char *), .max = 16, .cut = true };
    static const struct type map_type = {
        .kind = TYPE_MAP, .size = sizeof(struct type_list), .item = &type_str, .name_max = TYPE_STR_MAX + 1,
    };
    char *longest = repeat("a", TYPE_STR_MAX + 1, "", ""), *longer = repeat("a", TYPE_STR_MAX + 2, "", "");
    char *text = arena_printf(arena, "{\"%s\":\"\",\"\":\"\"}", longest);
    struct type_list map;
    const char *cut;

    must_decode(&cut_type, "\"0123456789abcdef\"", &cut);
    cr_assert_str_eq(cut, "0123456789abcdef");
    must_decode(&cut_type, "\"0123456789abcdefg\"", &cut);
    cr_assert_str_eq(cut, "0123456789 [cut]");
    cr_assert_null(type_unfit(&cut_type, &cut, arena));
    must_decode(&map_type, text, &map);
    cr_assert_null(type_unfit(&map_type, &map, arena));
    must_encode(&map_type, &map, text);
    must_refuse(&cut_type, "1", "", "must be a string");
    must_refuse(&map_type, arena_printf(arena, "{\"%s\":\"\"}", longer), "", "names must have 0..4097 bytes");
    ((struct type_string_entry *)map.items)[0].key = longer;
    cr_assert_not_null(type_unfit(&map_type, &map, arena));
    must_refuse(&type_string_map, "{\"\":\"\"}", "", "names must have 1..4096 bytes");
    free(longest);
    free(longer);
}

/* A daemon must read what a newer one stored; but only unknown fields are passed over. */
Test(type, lenient_passes_over_unknown_fields_only)
{
    static const char more[] = "{\"new\":[null],\"id\":\"x\",\"cost\":{\"amount\":1,\"currency\":\"EUR\",\"new\":1}}";
    static const char less[] = "{\"new\":1}";
    struct all all;

    cr_assert_eq(type_decode_text(&all_type, more, strlen(more), TYPE_LENIENT, arena, &all, &errors), SL_OK);
    cr_assert_eq(all.cost->amount, 1);
    cr_assert_eq(type_decode_text(&all_type, more, strlen(more), 0, arena, &all, &errors), SL_EINVAL);
    cr_assert_eq(errors.count, 2u);
    cr_assert_eq(type_decode_text(&all_type, less, strlen(less), TYPE_LENIENT, arena, &all, NULL), SL_EINVAL);
}

/* ---- copy and compare ---- */

/* A copy must outlive what it was made of; the sanitizer sees a pointer that was shared. */
Test(type, copy_is_deep)
{
    struct arena *first = arena_new();
    struct all from, to;

    cr_assert_eq(type_decode_text(&all_type, full_text, strlen(full_text), 0, first, &from, NULL), SL_OK);
    memset(&to, 0xa5, sizeof(to));
    type_copy(&all_type, &to, &from, arena);
    cr_assert(type_equal(&all_type, &from, &to));
    arena_free(first);
    must_encode(&all_type, &to, full_text);
    must_decode(&all_type, "{\"id\":\"x\"}", &from);
    memset(&to, 0xa5, sizeof(to));
    type_copy(&all_type, &to, &from, arena);
    must_encode(&all_type, &to, "{\"id\":\"x\"}");
}

/* Rows are in ascending order; every pair of them is compared in both directions. */
Test(type, compare_is_a_total_order)
{
    static const char *const rows[] = {
        "{\"id\":\"a\"}",
        "{\"id\":\"a\",\"labels\":{}}",
        "{\"id\":\"a\",\"labels\":{\"a\":\"x\"}}",
        "{\"id\":\"a\",\"labels\":{\"a\":\"x\",\"b\":\"\"}}",
        "{\"id\":\"a\",\"labels\":{\"b\":\"a\"}}",
        "{\"id\":\"a\",\"flags\":[false]}",
        "{\"id\":\"a\",\"flags\":[false,false]}",
        "{\"id\":\"a\",\"flags\":[true]}",
        "{\"id\":\"a\",\"ids\":[]}",
        "{\"id\":\"a\",\"cond\":{\"all_of\":[]}}",
        "{\"id\":\"a\",\"cond\":{\"is_not\":{\"always\":{}}}}",
        "{\"id\":\"a\",\"cond\":{\"name_is\":\"a\"}}",
        "{\"id\":\"a\",\"cond\":{\"name_is\":\"b\"}}",
        "{\"id\":\"a\",\"cond\":{\"always\":{}}}",
        "{\"id\":\"a\",\"cost\":{\"amount\":1,\"currency\":\"EUR\"}}",
        "{\"id\":\"a\",\"cost\":{\"amount\":1,\"currency\":\"USD\"}}",
        "{\"id\":\"a\",\"cost\":{\"amount\":2,\"currency\":\"EUR\"}}",
        "{\"id\":\"a\",\"raw\":1}",
        "{\"id\":\"a\",\"blob\":\"\"}",
        "{\"id\":\"a\",\"at\":\"2026-01-01T00:00:00Z\"}",
        "{\"id\":\"a\",\"at\":\"2026-01-01T00:00:00.000001Z\"}",
        "{\"id\":\"a\",\"color\":\"red\"}",
        "{\"id\":\"a\",\"color\":\"dark_blue\"}",
        "{\"id\":\"a\",\"text\":\"\"}",
        "{\"id\":\"a\",\"score\":-1.5}",
        "{\"id\":\"a\",\"score\":2}",
        "{\"id\":\"a\",\"count\":-5}",
        "{\"id\":\"a\",\"count\":5}",
        "{\"id\":\"a\",\"flag\":false}",
        "{\"id\":\"a\",\"flag\":true}",
        "{\"id\":\"b\"}",
    };
    struct all values[SL_COUNT(rows)];
    size_t i, j;

    for (i = 0; i < SL_COUNT(rows); i++)
        must_decode(&all_type, rows[i], &values[i]);
    for (i = 0; i < SL_COUNT(rows); i++) {
        for (j = 0; j < SL_COUNT(rows); j++) {
            int order = type_compare(&all_type, &values[i], &values[j]);

            cr_assert_eq((order > 0) - (order < 0), (i > j) - (i < j), "%s against %s: %d", rows[i], rows[j], order);
            cr_assert_eq(type_equal(&all_type, &values[i], &values[j]), i == j);
        }
    }
}

/* If this fails, a caller who used an id twice is not told what is different, or is told of what is the same. */
Test(type, differences_name_their_places)
{
    static const struct {
        const char *a, *b, *places;
    } rows[] = {
        { "{\"id\":\"x\"}", "{\"id\":\"x\"}", "" },
        { "{\"id\":\"x\"}", "{\"id\":\"y\"}", "/id" },
        { "{\"id\":\"x\",\"cost\":{\"amount\":1,\"currency\":\"EUR\"}}", "{\"id\":\"x\",\"cost\":{\"amount\":2,\"currency\":\"USD\"}}",
          "/cost/amount /cost/currency" },
        { "{\"id\":\"x\",\"cost\":{\"amount\":1,\"currency\":\"EUR\"}}", "{\"id\":\"y\"}", "/id /cost" },
        { "{\"id\":\"x\",\"labels\":{\"a\":\"1\",\"b\":\"2\"}}", "{\"id\":\"x\",\"labels\":{\"b\":\"2\",\"a\":\"1\"}}", "" },
        { "{\"id\":\"x\",\"labels\":{\"a\":\"1\",\"b\":\"2\"}}", "{\"id\":\"x\",\"labels\":{\"b\":\"3\",\"c\":\"1\"}}",
          "/labels/a /labels/b /labels/c" },
        { "{\"id\":\"x\",\"flags\":[true,false]}", "{\"id\":\"x\",\"flags\":[true,true]}", "/flags/1" },
        { "{\"id\":\"x\",\"flags\":[true,false]}", "{\"id\":\"x\",\"flags\":[true]}", "/flags" },
        { "{\"id\":\"x\",\"cond\":{\"name_is\":\"a\"}}", "{\"id\":\"x\",\"cond\":{\"name_is\":\"b\"}}", "/cond/name_is" },
        { "{\"id\":\"x\",\"cond\":{\"always\":{}}}", "{\"id\":\"x\",\"cond\":{\"always\":{}}}", "" },
        { "{\"id\":\"x\",\"cond\":{\"always\":{}}}", "{\"id\":\"x\",\"cond\":{\"name_is\":\"b\"}}", "/cond" },
        { "{\"id\":\"x\",\"raw\":{\"a\":1,\"b\":2}}", "{\"id\":\"x\",\"raw\":{\"b\":2, \"a\":1}}", "" },
        { "{\"id\":\"x\",\"flag\":true,\"count\":1}", "{\"id\":\"x\",\"flag\":false,\"count\":1}", "/flag" },
    };
    size_t i, j;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct type_places places = { .count = 0 };
        const char *text = "";
        struct all a, b;

        must_decode(&all_type, rows[i].a, &a);
        must_decode(&all_type, rows[i].b, &b);
        type_differ(&all_type, &a, &b, "", arena, &places);
        for (j = 0; j < places.count; j++)
            text = arena_printf(arena, "%s%s%s", text, j ? " " : "", places.list[j]);
        cr_expect_str_eq(text, rows[i].places, "%s against %s: %s", rows[i].a, rows[i].b, text);
    }
}

/* ---- names ---- */

/* Stored names and C values must map both ways, and nothing else to anything. */
Test(type, names_map_both_ways)
{
    cr_assert_eq(type_value_of(&color_type, "red"), RED);
    cr_assert_eq(type_value_of(&color_type, "dark_blue"), DARK_BLUE);
    cr_assert_eq(type_value_of(&color_type, "blue"), 0);
    cr_assert_eq(type_value_of(&color_type, ""), 0);
    cr_assert_str_eq(type_name_of(&color_type, DARK_BLUE), "dark_blue");
    cr_assert_null(type_name_of(&color_type, 0));
    cr_assert_null(type_name_of(&color_type, 3));
    cr_assert_null(type_name_of(&color_type, -1));
    cr_assert_eq(type_value_of(&cond_type, "always"), COND_ALWAYS);
    cr_assert_eq(type_value_of(&cond_type, "never"), 0);
    cr_assert_str_eq(type_name_of(&cond_type, COND_IS_NOT), "is_not");
    cr_assert_null(type_name_of(&cond_type, 0));
    cr_assert_null(type_name_of(&cond_type, 6));
}

/* A required value that is absent is our bug and must not become a stored event. */
Test(type, encoding_without_a_required_field_stops, .signal = SIGABRT)
{
    struct all all = { 0 };
    struct buf buf = BUF_EMPTY;

    type_encode(&all_type, &all, &buf);
}

/* The same for a union that names no variant. */
Test(type, encoding_a_union_without_a_tag_stops, .signal = SIGABRT)
{
    struct cond cond = { 0 };
    struct buf buf = BUF_EMPTY;

    type_encode(&cond_type, &cond, &buf);
}

/* ---- schema ---- */

static void must_be_json(const json_t *json, const char *want)
{
    json_t *wanted = json_loads(want, JSON_DECODE_ANY, NULL);
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

    cr_assert_not_null(wanted, "%s", want);
    cr_assert(json_equal(json, wanted), "%s\nwanted %s", text, want);
    free(text);
    json_decref(wanted);
}

/* The published description must say what the decoder takes, kind by kind. */
Test(type, schema_of_each_kind)
{
    static const struct {
        const struct type *type;
        const char *want;
    } rows[] = {
        { &type_bool, "{\"type\":\"boolean\"}" },
        { &type_i64, "{\"type\":\"integer\",\"format\":\"int64\"}" },
        { &amount_type, "{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000}" },
        { &below_type, "{\"type\":\"integer\",\"format\":\"int64\",\"maximum\":-1}" },
        { &above_type, "{\"type\":\"integer\",\"format\":\"int64\",\"minimum\":1}" },
        { &type_double, "{\"type\":\"number\",\"format\":\"double\"}" },
        { &type_str, "{\"type\":\"string\",\"maxLength\":4096}" },
        { &currency_type, "{\"type\":\"string\",\"minLength\":3,\"maxLength\":3}" },
        { &type_id, "{\"type\":\"string\",\"minLength\":1,\"maxLength\":128,\"pattern\":\"^[A-Za-z0-9._:~-]+$\","
                    "\"description\":\"Letters, digits and . _ - : ~\"}" },
        { &type_time, "{\"type\":\"string\",\"format\":\"date-time\"}" },
        { &type_base64, "{\"type\":\"string\",\"contentEncoding\":\"base64\",\"maxLength\":65536}" },
        { &type_raw, "{}" },
        { &type_empty, "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}" },
        { &flag_map_type, "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"boolean\"},\"maxProperties\":10000}" },
        { &bool_list_type, "{\"type\":\"array\",\"items\":{\"type\":\"boolean\"},\"minItems\":1,\"maxItems\":3}" },
        { &cash_set_type, "{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Cash\"},\"maxItems\":10000,"
                          "\"uniqueItems\":true}" },
        { &color_type, "{\"$ref\":\"#/components/schemas/Color\"}" },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        json_t *components = json_object(), *schema = type_schema(rows[i].type, components);

        must_be_json(schema, rows[i].want);
        json_decref(schema);
        json_decref(components);
    }
}

/* A type that refers to itself must end, with each named type described once. */
Test(type, schema_of_a_recursive_type)
{
    json_t *components = json_object(), *schema = type_schema(&cond_type, components);

    must_be_json(schema, "{\"$ref\":\"#/components/schemas/Cond\"}");
    cr_assert_eq(json_object_size(components), 2u);
    must_be_json(json_object_get(components, "Cash"),
                 "{\"type\":\"object\",\"description\":\"An amount of money\",\"required\":[\"amount\",\"currency\"],"
                 "\"additionalProperties\":false,\"properties\":{"
                 "\"amount\":{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000},"
                 "\"currency\":{\"type\":\"string\",\"minLength\":3,\"maxLength\":3}}}");
    must_be_json(json_array_get(json_object_get(json_object_get(components, "Cond"), "oneOf"), 1),
                 "{\"type\":\"object\",\"properties\":{\"is_not\":{\"$ref\":\"#/components/schemas/Cond\"}},"
                 "\"required\":[\"is_not\"],\"additionalProperties\":false}");
    json_decref(schema);
    json_decref(components);
}

/* Types described once.
 *
 * A table per type says for each field its JSON name, its kind, where it sits in the C struct,
 * whether it must be there, and its range. From the table come decoding (with an error that names
 * the place, "/cost/amount"), encoding, copying, comparing, and the OpenAPI schema. jansson stays
 * at this border: what is inside sees C structs that live in an arena.
 *
 * How a field that is not there looks in C:
 *
 *   TYPE_STR, TYPE_BASE64, TYPE_RAW   const char *, NULL
 *   TYPE_ENUM                         int, 0 (names[0] is NULL, so no name maps to it)
 *   TYPE_TIME                         int64_t microseconds since 1970 UTC, 0
 *   TYPE_UNION                        struct whose first member is `int tag`, 0
 *   TYPE_LIST, TYPE_MAP               struct type_list, items NULL (empty but there: items not NULL)
 *   TYPE_BOOL, TYPE_I64, TYPE_DOUBLE, TYPE_STRUCT
 *                                     cannot say so by themselves: optional ones are held by
 *                                     pointer (TYPE_POINTER), NULL
 *
 * JSON forms are those of doc/spec (struct: object; union: object with one key; enum: string;
 * time: RFC 3339 in UTC; map: object; absent: left out, never null).                           */
#ifndef SLUICE_BASE_TYPE_H
#define SLUICE_BASE_TYPE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum type_kind {
    TYPE_BOOL,   /* bool */
    TYPE_I64,    /* int64_t; a JSON integer (1.0 is refused) within min..max */
    TYPE_DOUBLE, /* double; scores and rates, never money */
    TYPE_STR,    /* const char *, UTF-8 without NUL; length in bytes within min..max */
    TYPE_ENUM,   /* int; index into names, 0 = absent */
    TYPE_TIME,   /* int64_t; microseconds since 1970 */
    TYPE_BASE64, /* const char *; the text is checked and kept as it is; min..max: its length */
    TYPE_RAW,    /* const char *; any JSON value, kept as compact text */
    TYPE_STRUCT, /* the struct itself */
    TYPE_UNION,  /* struct { int tag; ... }; tag is 1 + index into fields, 0 = absent */
    TYPE_LIST,   /* struct type_list of `item`; count within min..max */
    TYPE_MAP,    /* struct type_list of entries { const char *key; item }; count within min..max */
};

struct type_list {
    void *items;
    size_t count;
};

enum {
    TYPE_REQUIRED = 1 << 0,
    TYPE_POINTER = 1 << 1, /* the member is a pointer to the value; NULL = absent */
};

struct type;

/* A field of a struct, or a variant of a union (whose offset may be shared by its siblings). */
struct type_field {
    const char *name;
    const struct type *type;
    size_t offset;
    unsigned flags;
};

struct type {
    enum type_kind kind;
    const char *name; /* OpenAPI component name; NULL: described in place */
    size_t size;      /* of the C value */
    const struct type_field *fields;
    size_t field_count;
    const char *const *names; /* TYPE_ENUM: names[1..]; names[0] is NULL */
    size_t name_count;        /* with names[0] */
    const struct type *item;
    int64_t min, max; /* see the kinds; both 0: the kind's own limits below */
    int64_t name_max; /* TYPE_MAP: names have at most so many bytes, and may be empty; 0: 1..TYPE_STR_MAX bytes */
    bool cut;         /* TYPE_STR, max > 0: what is longer is cut, with a mark (base/text.h), rather than refused, and a
                         NUL replaced: for texts that nothing hangs on */
    bool unique;      /* TYPE_LIST is a set: equal items are refused when decoded */
    int pan_min;      /* TYPE_STR: a card number (base/pan.h) of so many digits is refused where it comes in; 0: it is not */
    const char *doc;  /* one sentence for the schema; may be NULL */
    /* Further check of a decoded value; NULL: none. Answers NULL or a message. */
    const char *(*check)(const void *value);
};

#define TYPE_STR_MAX 4096      /* bytes, of a string without its own range */
#define TYPE_LIST_MAX 10000    /* items, of a list or map without its own range */
#define TYPE_RAW_MAX 65536     /* bytes */
#define TYPE_DEPTH_MAX 64      /* nested structs, unions, lists, maps; deeper input is refused. A raw
                                  value may have as many levels of its own */
#define TYPE_DEPTH_STORED_MAX 128 /* with TYPE_STORED: what was let in must be readable again when a
                                     snapshot wraps it in a few more levels */
#define TYPE_ERRORS_MAX 16     /* errors collected from one document */

/* Table rows. S is the struct's name without `struct`, M the member, also its JSON name. */
#define TF_REQ(S, M, T) { #M, &(T), offsetof(struct S, M), TYPE_REQUIRED }
#define TF_OPT(S, M, T) { #M, &(T), offsetof(struct S, M), 0 }
#define TF_PTR(S, M, T) { #M, &(T), offsetof(struct S, M), TYPE_POINTER }
/* Variant of a union held in place / by pointer. */
#define TF_VAR(S, M, T) { #M, &(T), offsetof(struct S, M), 0 }
#define TF_VARP(S, M, T) { #M, &(T), offsetof(struct S, M), TYPE_POINTER }
/* Variant with nothing in it ("captured": {}). NAME is a string. */
#define TF_EMPTY(NAME) { NAME, &type_empty, 0, 0 }

#define TYPE_STRUCT_OF(NAME, S, ROWS) \
    { .kind = TYPE_STRUCT, .name = NAME, .size = sizeof(struct S), .fields = ROWS, .field_count = SL_COUNT(ROWS) }
#define TYPE_UNION_OF(NAME, S, ROWS) \
    { .kind = TYPE_UNION, .name = NAME, .size = sizeof(struct S), .fields = ROWS, .field_count = SL_COUNT(ROWS) }
#define TYPE_ENUM_OF(NAME, NAMES) \
    { .kind = TYPE_ENUM, .name = NAME, .size = sizeof(int), .names = NAMES, .name_count = SL_COUNT(NAMES) }
#define TYPE_LIST_OF(ITEM) { .kind = TYPE_LIST, .size = sizeof(struct type_list), .item = &(ITEM) }
#define TYPE_SET_OF(ITEM) { .kind = TYPE_LIST, .size = sizeof(struct type_list), .item = &(ITEM), .unique = true }
#define TYPE_MAP_OF(ITEM) { .kind = TYPE_MAP, .size = sizeof(struct type_list), .item = &(ITEM) }
#define TYPE_I64_IN(LO, HI) { .kind = TYPE_I64, .size = sizeof(int64_t), .min = (LO), .max = (HI) }
#define TYPE_STR_IN(LO, HI) { .kind = TYPE_STR, .size = sizeof(char *), .min = (LO), .max = (HI) }

extern const struct type type_bool;
extern const struct type type_i64;    /* the whole range */
extern const struct type type_double;
extern const struct type type_str;    /* 0..TYPE_STR_MAX bytes */
extern const struct type type_id;     /* 1..128 bytes: letters, digits and . _ - : ~ only, since ids
                                         become parts of Redis keys, paths and joined ids */
extern const struct type type_time;
extern const struct type type_base64; /* up to 64 KiB of text */
extern const struct type type_raw;
extern const struct type type_empty;  /* {} ; size 0 */
extern const struct type type_string_map; /* struct type_list of struct type_string_entry */

struct type_string_entry {
    const char *key;
    const char *value;
};

/* One fault found while decoding. */
struct type_error {
    const char *path; /* JSON pointer, RFC 6901; "" is the whole document */
    const char *message;
};

struct type_errors {
    size_t count; /* at most TYPE_ERRORS_MAX are kept; further ones are dropped */
    struct type_error list[TYPE_ERRORS_MAX];
};

/* Adds a fault; PATH and the formatted message are copied into ARENA. For checks beyond the tables. */
void type_error_add(struct type_errors *errors, struct arena *arena, const char *path, const char *format, ...)
    SL_PRINTF(4, 5);

enum {
    TYPE_LENIENT = 1 << 0, /* unknown fields are passed over: for answers of others, never for requests */
    TYPE_STORED = TYPE_LENIENT | 1 << 1, /* and deeper than anything that is let in: for what we stored ourselves */
    TYPE_COMMITTED = 1 << 2, /* card numbers are passed over: for documents that were taken before they were refused */
};

/* Decodes JSON into *OUT (TYPE->size bytes, zeroed by this function first), all parts in ARENA.
 * Owns:   JSON is borrowed; nothing of it is kept.
 * Errors: SL_EINVAL; ERRORS (may be NULL) lists every fault found with its place, and *OUT is
 *         not to be used. Unknown fields are faults unless FLAGS has TYPE_LENIENT.            */
SL_MUST_USE enum sl_err type_decode(const struct type *type, const json_t *json, unsigned flags,
                                    struct arena *arena, void *out, struct type_errors *errors);

/* The same from LEN bytes of text: strict JSON, duplicate keys refused, depth limited, no bytes
 * after the value. A syntax error has the path "" and says line and column.                   */
SL_MUST_USE enum sl_err type_decode_text(const struct type *type, const char *text, size_t len, unsigned flags,
                                         struct arena *arena, void *out, struct type_errors *errors);

/* Appends VALUE as compact JSON, fields in table order. Cannot fail: VALUE obeys its table. */
void type_encode(const struct type *type, const void *value, struct buf *out);

/* *DST becomes a deep copy of *SRC, all parts in ARENA. DST and SRC may not overlap. */
void type_copy(const struct type *type, void *dst, const void *src, struct arena *arena);

/* Total order: <0, 0, >0. Absent sorts before present; sets are compared as lists. */
int type_compare(const struct type *type, const void *a, const void *b);
bool type_equal(const struct type *type, const void *a, const void *b);

/* Calls VISIT for VALUE and for every value in it, parents first, each with its type and its JSON pointer,
 * which begins with PATH ("" for a document). */
typedef void (*type_visit_fn)(void *arg, const struct type *type, const void *value, const char *path);
void type_walk(const struct type *type, const void *value, const char *path, type_visit_fn visit, void *arg);

/* Adds the OpenAPI 3.1 schema of TYPE and of all named types it refers to to COMPONENTS (the
 * object at /components/schemas), and gives what stands where TYPE is used (a $ref for named types).
 * Owns: the result is the caller's reference; COMPONENTS is borrowed. */
json_t *type_schema(const struct type *type, json_t *components);

/* The name of VALUE of an enum type ("low"), or of a union's TAG ("failed"); NULL for 0. */
const char *type_name_of(const struct type *type, int value);
/* The reverse; 0 if there is no such name. */
int type_value_of(const struct type *type, const char *name);

#endif

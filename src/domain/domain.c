/* Reading a document: objects one by one into a table, then the checks that span them. */
#include "domain/domain_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/xmalloc.h"

#define OBJECTS_MAX 100000
#define NAME_MAX_BYTES 640 /* a kind and a key; the longest is a card method with two ids */

static const struct type type_revision = TYPE_I64_IN(0, INT64_MAX);
struct author {
    const char *name, *email;
};
static const struct type_field author_rows[] = { TF_REQ(author, name, type_str), TF_OPT(author, email, type_str) };
static const struct type type_author = TYPE_STRUCT_OF("DomainAuthor", author, author_rows);

struct object *domain_object(const struct domain *domain, int kind, const char *key)
{
    char name[NAME_MAX_BYTES];
    int len = snprintf(name, sizeof(name), "%s/%s", object_kind_name(kind), key);
    struct object *object = NULL;

    if (len > 0 && (size_t)len < sizeof(name))
        HASH_FIND(hh, domain->objects, name, (size_t)len, object);
    return object;
}

const void *domain_find(const struct domain *domain, int kind, const char *key)
{
    const struct object *object = domain_object(domain, kind, key);

    return object ? object->data : NULL;
}

const void *domain_find_number(const struct domain *domain, int kind, int64_t id)
{
    char key[24];

    snprintf(key, sizeof(key), "%lld", (long long)id);
    return domain_find(domain, kind, key);
}

/* ---- reading ---- */

const char *path_join(struct arena *arena, const char *base, const char *name)
{
    struct buf path = BUF_EMPTY;
    const char *result;

    buf_printf(&path, "%s/", base);
    for (; *name; name++) {
        if (*name == '~' || *name == '/')
            buf_str(&path, *name == '~' ? "~0" : "~1");
        else
            buf_char(&path, *name);
    }
    result = arena_strdup(arena, buf_text(&path));
    buf_clear(&path);
    return result;
}

static int kind_of(const char *name)
{
    int kind;

    for (kind = 1; kind <= OBJECT_KINDS; kind++) {
        if (strcmp(object_kind_name(kind), name) == 0)
            return kind;
    }
    return 0;
}

/* Faults of a part, with their paths put behind PREFIX. */
static void adopt_errors(struct type_errors *errors, struct arena *arena, const char *prefix,
                         const struct type_errors *part)
{
    size_t i;

    for (i = 0; i < part->count; i++)
        type_error_add(errors, arena, arena_printf(arena, "%s%s", prefix, part->list[i].path), "%s",
                       part->list[i].message);
}

/* VALUE's member NAME decoded as TYPE; NULL after a fault. */
static void *decode_part(struct domain *domain, const json_t *value, const char *path, const char *name,
                         const struct type *type, struct type_errors *errors)
{
    const json_t *member = json_object_get(value, name);
    void *out = arena_alloc(domain->arena, type->size);
    struct type_errors part = { 0 };

    path = arena_printf(domain->arena, "%s/%s", path, name);
    if (!member) {
        type_error_add(errors, domain->arena, path, "is required");
        return NULL;
    }
    if (type_decode(type, member, domain->is_committed ? TYPE_COMMITTED : 0, domain->arena, out, &part)) {
        adopt_errors(errors, domain->arena, path, &part);
        return NULL;
    }
    return out;
}

static void object_add(struct domain *domain, int kind, const char *path, const void *ref, void *data,
                       struct type_errors *errors)
{
    struct object *object = arena_alloc(domain->arena, sizeof(*object)), *twin;

    object->kind = kind;
    object->ref = ref;
    object->data = data;
    object->path = path;
    object->key = ref_key(object_shape(kind)->ref, ref, domain->arena);
    object->name = arena_printf(domain->arena, "%s/%s", object_kind_name(kind), object->key);
    HASH_FIND_STR(domain->objects, object->name, twin);
    if (twin) {
        type_error_add(errors, domain->arena, arena_printf(domain->arena, "%s/ref", path), "is the reference of %s too",
                       twin->path);
        return;
    }
    HASH_ADD_KEYPTR(hh, domain->objects, object->name, strlen(object->name), object);
}

static void check_members(struct domain *domain, const json_t *body, const char *path, struct type_errors *errors)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)body, name, value) {
        if (strcmp(name, "ref") != 0 && strcmp(name, "data") != 0)
            type_error_add(errors, domain->arena, path_join(domain->arena, path, name), "is not a known field");
    }
}

static void object_read(struct domain *domain, const json_t *entry, size_t index, struct type_errors *errors)
{
    void *iter = json_is_object(entry) ? json_object_iter((json_t *)(uintptr_t)entry) : NULL;
    const char *path = arena_printf(domain->arena, "/objects/%zu", index), *name;
    const json_t *body;
    void *ref, *data;
    int kind;

    if (!iter || json_object_size(entry) != 1) {
        type_error_add(errors, domain->arena, path, "must be an object with one member, named by its kind");
        return;
    }
    name = json_object_iter_key(iter);
    body = json_object_iter_value(iter);
    kind = kind_of(name);
    path = path_join(domain->arena, path, name);
    if (!kind) {
        type_error_add(errors, domain->arena, path, "is not a known kind of object");
        return;
    }
    if (!json_is_object(body)) {
        type_error_add(errors, domain->arena, path, "must be an object with ref and data");
        return;
    }
    check_members(domain, body, path, errors);
    ref = decode_part(domain, body, path, "ref", object_shape(kind)->ref, errors);
    data = decode_part(domain, body, path, "data", object_shape(kind)->data, errors);
    if (ref) /* also without data: what refers to it is not at fault */
        object_add(domain, kind, path, ref, data, errors);
}

/* A part of the head decoded as TYPE into *OUT; left alone when it is absent. */
static void head_part(struct domain *domain, const json_t *document, const char *name, const struct type *type,
                      void *out, struct type_errors *errors)
{
    const json_t *value = json_object_get(document, name);
    struct type_errors part = { 0 };

    if (value && type_decode(type, value, domain->is_committed ? TYPE_COMMITTED : 0, domain->arena, out, &part))
        adopt_errors(errors, domain->arena, path_join(domain->arena, "", name), &part);
}

static void head_read(struct domain *domain, const json_t *document, struct type_errors *errors)
{
    static const char *const known[] = { "version", "created_at", "author", "objects" };
    struct author author;
    int64_t created_at;
    const char *name;
    json_t *value;
    size_t i;

    json_object_foreach((json_t *)(uintptr_t)document, name, value) {
        for (i = 0; i < SL_COUNT(known) && strcmp(known[i], name) != 0; i++)
            ;
        if (i == SL_COUNT(known))
            type_error_add(errors, domain->arena, path_join(domain->arena, "", name), "is not a known field");
    }
    head_part(domain, document, "version", &type_revision, &domain->revision, errors);
    head_part(domain, document, "created_at", &type_time, &created_at, errors);
    head_part(domain, document, "author", &type_author, &author, errors);
    head_part(domain, document, "author", &type_raw, &domain->author, errors);
}

static void document_read(struct domain *domain, const json_t *document, struct type_errors *errors)
{
    const json_t *objects = json_object_get(document, "objects");
    size_t i;

    if (!json_is_object(document)) {
        type_error_add(errors, domain->arena, "", "must be an object");
        return;
    }
    head_read(domain, document, errors);
    if (!json_is_array(objects) || json_array_size(objects) > OBJECTS_MAX) {
        type_error_add(errors, domain->arena, "/objects", "must be an array of at most %d objects", OBJECTS_MAX);
        return;
    }
    for (i = 0; i < json_array_size(objects); i++)
        object_read(domain, json_array_get(objects, i), i, errors);
}

static enum sl_err parse(const char *text, size_t len, bool is_new, struct arena *arena, struct domain **out,
                         struct type_errors *errors)
{
    struct domain *domain = xcalloc(1, sizeof(*domain));
    struct type_errors faults = { 0 };
    json_error_t at;
    json_t *document = json_loadb(text, len, JSON_REJECT_DUPLICATES, &at);

    domain->arena = arena_new();
    domain->is_committed = !is_new;
    if (!document)
        type_error_add(&faults, domain->arena, "", "is not JSON: %s (line %d, column %d)", at.text, at.line, at.column);
    else
        document_read(domain, document, &faults);
    json_decref(document);
    domain_check(domain, &faults);
    if (is_new)
        domain_check_new(domain, &faults);
    adopt_errors(errors, arena, "", &faults);
    if (faults.count > 0) {
        domain_free(domain);
        return SL_EINVAL;
    }
    *out = domain;
    return SL_OK;
}

enum sl_err domain_parse(const char *text, size_t len, struct arena *arena, struct domain **out,
                         struct type_errors *errors)
{
    return parse(text, len, false, arena, out, errors);
}

enum sl_err domain_parse_new(const char *text, size_t len, struct arena *arena, struct domain **out,
                             struct type_errors *errors)
{
    return parse(text, len, true, arena, out, errors);
}

void domain_free(struct domain *domain)
{
    if (!domain)
        return;
    HASH_CLEAR(hh, domain->objects);
    arena_free(domain->arena);
    free(domain);
}

/* ---- lookups ---- */

int64_t domain_revision(const struct domain *domain)
{
    return domain->revision;
}

void domain_set_revision(struct domain *domain, int64_t revision)
{
    domain->revision = revision;
}

size_t domain_object_count(const struct domain *domain)
{
    return HASH_COUNT(domain->objects);
}

const char *domain_author(const struct domain *domain)
{
    return domain->author;
}

const struct party *domain_party(const struct domain *domain, const char *id)
{
    return domain_find(domain, OBJ_PARTY_CONFIG, id);
}

const struct shop *domain_shop(const struct domain *domain, const char *party_id, const char *id)
{
    const struct shop *shop = domain_find(domain, OBJ_SHOP_CONFIG, id);

    return shop && party_id && strcmp(shop->party_ref.id, party_id) != 0 ? NULL : shop;
}

const struct limit_config *domain_limit_config(const struct domain *domain, const char *id)
{
    return domain_find(domain, OBJ_LIMIT_CONFIG, id);
}

const struct currency *domain_currency(const struct domain *domain, const char *symbolic_code)
{
    return domain_find(domain, OBJ_CURRENCY, symbolic_code);
}

const struct payment_service *domain_payment_service(const struct domain *domain, const char *id)
{
    return domain_find(domain, OBJ_PAYMENT_SERVICE, id);
}

#define LOOKUP_BY_NUMBER(FUNCTION, TYPE, KIND)                       \
    const struct TYPE *FUNCTION(const struct domain *domain, int64_t id) \
    {                                                                \
        return domain_find_number(domain, KIND, id);                 \
    }

LOOKUP_BY_NUMBER(domain_category, category, OBJ_CATEGORY)
LOOKUP_BY_NUMBER(domain_bank, bank, OBJ_BANK)
LOOKUP_BY_NUMBER(domain_bank_card_category, bank_card_category, OBJ_BANK_CARD_CATEGORY)
LOOKUP_BY_NUMBER(domain_proxy, proxy_definition, OBJ_PROXY)
LOOKUP_BY_NUMBER(domain_inspector, inspector, OBJ_INSPECTOR)
LOOKUP_BY_NUMBER(domain_system_account_set, system_account_set, OBJ_SYSTEM_ACCOUNT_SET)
LOOKUP_BY_NUMBER(domain_external_account_set, external_account_set, OBJ_EXTERNAL_ACCOUNT_SET)
LOOKUP_BY_NUMBER(domain_criterion, criterion, OBJ_CRITERION)
LOOKUP_BY_NUMBER(domain_provider, provider, OBJ_PROVIDER)
LOOKUP_BY_NUMBER(domain_terminal, terminal, OBJ_TERMINAL)
LOOKUP_BY_NUMBER(domain_ruleset, routing_rules, OBJ_ROUTING_RULES)
LOOKUP_BY_NUMBER(domain_institution, payment_institution, OBJ_PAYMENT_INSTITUTION)

const struct term_set *domain_terms(const struct domain *domain, int64_t id)
{
    const struct term_set_hierarchy *hierarchy = domain_find_number(domain, OBJ_TERM_SET_HIERARCHY, id);

    return hierarchy ? &hierarchy->merged : NULL;
}

const struct globals *domain_globals(const struct domain *domain)
{
    return domain->globals;
}

/* ---- the schema ---- */

static json_t *object_schema(int kind, json_t *components)
{
    const struct object_shape *shape = object_shape(kind);
    const char *name = object_kind_name(kind);

    return json_pack("{s:s, s:b, s:[s], s:{s:{s:s, s:b, s:[s, s], s:{s:o, s:o}}}}", "type", "object",
                     "additionalProperties", 0, "required", name, "properties", name, "type", "object",
                     "additionalProperties", 0, "required", "ref", "data", "properties", "ref",
                     type_schema(shape->ref, components), "data", type_schema(shape->data, components));
}

json_t *domain_schema(json_t *components)
{
    json_t *kinds = json_array();
    int kind;

    for (kind = 1; kind <= OBJECT_KINDS; kind++)
        json_array_append_new(kinds, object_schema(kind, components));
    json_object_set_new(components, "Domain",
                        json_pack("{s:s, s:b, s:[s], s:{s:o, s:o, s:o, s:{s:s, s:i, s:{s:o}}}}", "type", "object",
                                  "additionalProperties", 0, "required", "objects", "properties", "version",
                                  type_schema(&type_revision, components), "created_at",
                                  type_schema(&type_time, components), "author", type_schema(&type_author, components),
                                  "objects", "type", "array", "maxItems", OBJECTS_MAX, "items", "oneOf", kinds));
    return json_pack("{s:s}", "$ref", "#/components/schemas/Domain");
}

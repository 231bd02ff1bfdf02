/* The findings themselves, and the rules about single objects. */
#include "domain/lint_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHO_MAX 3 /* named in a sentence */

struct lint_place {
    UT_hash_handle hh;
    const void *value;
    const char *path;
};

struct lint_limit {
    UT_hash_handle hh;
    const char *id;
};

struct lint_row {
    UT_hash_handle hh;
    const char *key; /* rule, path and message */
    enum lint_level level;
    const char *rule, *path, *message;
    const char *who[WHO_MAX];
    size_t who_count;
    size_t order;
};

/* ---- findings ---- */

static void row_add_who(struct lint_row *row, const char *who)
{
    size_t i;

    if (!who)
        return;
    for (i = 0; i < row->who_count && i < WHO_MAX; i++) {
        if (strcmp(row->who[i], who) == 0)
            return;
    }
    if (row->who_count < WHO_MAX)
        row->who[row->who_count] = who;
    row->who_count++;
}

void lint_find(struct lint *lint, enum lint_level level, const char *rule, const char *path, const char *who,
               const char *format, ...)
{
    char message[512];
    struct lint_row *row;
    const char *key;
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    key = arena_printf(lint->arena, "%s %s %s", rule, path, message);
    HASH_FIND_STR(lint->rows, key, row);
    if (!row) {
        row = arena_alloc(lint->arena, sizeof(*row));
        row->key = key;
        row->level = level;
        row->rule = rule;
        row->path = arena_strdup(lint->arena, path);
        row->message = arena_strdup(lint->arena, message);
        row->order = lint->row_count++;
        HASH_ADD_KEYPTR(hh, lint->rows, row->key, strlen(row->key), row);
    }
    if (level > row->level)
        row->level = level;
    row_add_who(row, who);
}

static const char *sentence(const struct lint *lint, const struct lint_row *row)
{
    struct buf text = BUF_EMPTY;
    const char *result;
    size_t i, named = row->who_count < WHO_MAX ? row->who_count : WHO_MAX;

    buf_str(&text, row->message);
    for (i = 0; i < named; i++)
        buf_printf(&text, "%s%s", i ? "; " : " (", row->who[i]);
    if (row->who_count > named)
        buf_printf(&text, "; and %zu more", row->who_count - named);
    if (named)
        buf_char(&text, ')');
    result = arena_strdup(lint->arena, buf_text(&text));
    buf_clear(&text);
    return result;
}

/* ---- places ---- */

const char *lint_path(struct lint *lint, int kind, const char *key, const char *rest)
{
    const struct object *object = domain_object(lint->domain, kind, key);

    return arena_printf(lint->arena, "%s%s", object ? object->path : "", rest);
}

const char *lint_path_number(struct lint *lint, int kind, int64_t id, const char *rest)
{
    char key[24];

    snprintf(key, sizeof(key), "%lld", (long long)id);
    return lint_path(lint, kind, key, rest);
}

const char *lint_place_of(const struct lint *lint, const void *value)
{
    struct lint_place *place;

    HASH_FIND_PTR(lint->places, &value, place);
    return place ? place->path : NULL;
}

static bool is_selector(const struct type *type)
{
    return type->kind == TYPE_UNION && type->field_count == 2 && strcmp(type->fields[0].name, "value") == 0 &&
           strcmp(type->fields[1].name, "decisions") == 0;
}

/* Notes where selectors stand and which limits are referred to. */
static void visit(void *arg, const struct type *type, const void *value, const char *path)
{
    struct lint *lint = arg;
    struct lint_place *place;
    struct lint_limit *limit;
    const char *id;

    if (is_selector(type)) {
        place = arena_alloc(lint->arena, sizeof(*place));
        place->value = value;
        place->path = arena_strdup(lint->arena, path);
        HASH_ADD_PTR(lint->places, value, place);
    } else if (type == &type_limit_config_ref) {
        id = ((const struct id_ref *)value)->id;
        HASH_FIND_STR(lint->limits, id, limit);
        if (limit)
            return;
        limit = arena_alloc(lint->arena, sizeof(*limit));
        limit->id = id;
        HASH_ADD_KEYPTR(hh, lint->limits, limit->id, strlen(limit->id), limit);
    }
}

/* ---- selectors ---- */

void lint_selector(struct lint *lint, const struct selector *selector, const char *what, enum lint_level open,
                   const struct payments *payments, const char *who)
{
    const char *path = lint_place_of(lint, selector);
    unsigned outcomes;

    if (!selector || !path)
        return;
    outcomes = possible_values(lint->domain, selector, payments, NULL, NULL);
    if (!(outcomes & MAY_HAVE_VALUE))
        lint_find(lint, LINT_ERROR, "selector_never", path, who, outcomes & MAY_BE_UNDECIDED
                      ? "%s cannot be decided: its conditions ask what is never known here"
                      : "%s has no decision that ever applies", what);
    else if (outcomes & MAY_BE_NOTHING)
        lint_find(lint, open, "selector_open", path, who,
                  "%s may have no value: no last decision always applies", what);
    else if (outcomes & MAY_BE_UNDECIDED)
        lint_find(lint, open, "selector_undecided", path, who,
                  "%s may stay undecided: a condition asks what is not known of every payment", what);
}

/* ---- accounts ---- */

struct posting_roles {
    bool subagent, income, outcome;
};

static void note_role(struct posting_roles *roles, const struct account_role *role)
{
    roles->subagent |= role->tag == ACCOUNT_SYSTEM && role->system == SYSTEM_SUBAGENT;
    roles->income |= role->tag == ACCOUNT_EXTERNAL && role->external == EXTERNAL_INCOME;
    roles->outcome |= role->tag == ACCOUNT_EXTERNAL && role->external == EXTERNAL_OUTCOME;
}

static void note_flow(void *arg, const void *value)
{
    const struct type_list *flow = value;
    const struct posting_template *postings = flow->items;
    size_t i;

    for (i = 0; i < flow->count; i++) {
        note_role(arg, &postings[i].source);
        note_role(arg, &postings[i].destination);
    }
}

struct account_search {
    struct lint *lint;
    const struct lint_case *one;
    const struct posting_roles *roles;
    const char *currency;
};

static void external_set(void *arg, const void *value)
{
    const struct account_search *search = arg;
    const struct number_ref *ref = value;
    const struct external_account_set *set = domain_external_account_set(search->lint->domain, ref->id);
    const struct external_account_entry *list = set->accounts.items;
    bool income = false, outcome = false;
    size_t i;

    for (i = 0; i < set->accounts.count; i++) {
        if (strcmp(list[i].currency, search->currency) != 0)
            continue;
        income = list[i].accounts.income != NULL;
        outcome = list[i].accounts.outcome != NULL;
    }
    if ((search->roles->income && !income) || (search->roles->outcome && !outcome))
        lint_find(search->lint, LINT_ERROR, "account_missing",
                  lint_path_number(search->lint, OBJ_EXTERNAL_ACCOUNT_SET, ref->id, "/data/accounts"), search->one->who,
                  "there is no external %s account in %s, and a cash flow posts to it",
                  search->roles->income && !income ? "income" : "outcome", search->currency);
}

static void system_set(void *arg, const void *value)
{
    const struct account_search *search = arg;
    const struct number_ref *ref = value;
    const struct system_account_set *set = domain_system_account_set(search->lint->domain, ref->id);
    const struct system_account_entry *list = set->accounts.items, *found = NULL;
    const char *path = lint_path_number(search->lint, OBJ_SYSTEM_ACCOUNT_SET, ref->id, "/data/accounts");
    size_t i;

    for (i = 0; i < set->accounts.count && !found; i++) {
        if (strcmp(list[i].currency, search->currency) == 0)
            found = &list[i];
    }
    if (!found)
        lint_find(search->lint, LINT_ERROR, "account_missing", path, search->one->who,
                  "there is no system account in %s, and shops are paid in it", search->currency);
    else if (search->roles->subagent && !found->accounts.subagent)
        lint_find(search->lint, LINT_ERROR, "account_missing", path, search->one->who,
                  "there is no subagent account in %s, and a cash flow posts to it", search->currency);
}

/* There is one object of this kind at most. */
static const char *globals_path(struct lint *lint)
{
    const struct object *object;

    for (object = lint->domain->objects; object; object = object->hh.next) {
        if (object->kind == OBJ_GLOBALS)
            return arena_printf(lint->arena, "%s/data/external_account_set", object->path);
    }
    return "";
}

void lint_accounts(struct lint *lint, const struct lint_case *one, const struct selector *flow)
{
    const struct globals *globals = domain_globals(lint->domain);
    struct payments payments = one->payments;
    struct posting_roles roles = { 0 };
    struct account_search search = { lint, one, &roles, payments.shop->account.currency.symbolic_code };
    unsigned outcomes;

    payments.trust = false; /* not known when a cash flow is built */
    possible_values(lint->domain, flow, &payments, note_flow, &roles);
    possible_values(lint->domain, one->institution->system_account_set, &payments, system_set, &search);
    if (!roles.income && !roles.outcome)
        return;
    outcomes = possible_values(lint->domain, globals ? globals->external_account_set : NULL, &payments, external_set, &search);
    if (!(outcomes & MAY_HAVE_VALUE))
        lint_find(lint, LINT_ERROR, "account_missing", globals_path(lint),
                  one->who, "there is no external account set, and a cash flow posts to it");
    else
        lint_selector(lint, globals->external_account_set, "the external account set", LINT_ERROR, &payments, one->who);
}

/* ---- all of it ---- */

static void lint_limits(struct lint *lint)
{
    const struct object *object;
    struct lint_limit *limit;

    for (object = lint->domain->objects; object; object = object->hh.next) {
        if (object->kind != OBJ_LIMIT_CONFIG)
            continue;
        HASH_FIND_STR(lint->limits, object->key, limit);
        if (!limit)
            lint_find(lint, LINT_WARNING, "limit_unused", object->path, NULL, "no terms and no shop use this limit");
    }
}

static size_t place_in_document(const char *path)
{
    return strncmp(path, "/objects/", 9) == 0 ? strtoul(path + 9, NULL, 10) : 0;
}

static int by_place(const void *a, const void *b)
{
    const struct lint_row *x = *(const struct lint_row *const *)a, *y = *(const struct lint_row *const *)b;
    size_t i = place_in_document(x->path), j = place_in_document(y->path);

    if (i != j)
        return i < j ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static const char *object_at(const struct lint *lint, const char *path)
{
    const struct object *object;

    for (object = lint->domain->objects; object; object = object->hh.next) {
        size_t len = strlen(object->path);

        if (strncmp(path, object->path, len) == 0 && (path[len] == '/' || !path[len]))
            return object->kind == OBJ_GLOBALS
                       ? object_kind_name(object->kind)
                       : arena_printf(lint->arena, "%s %s", object_kind_name(object->kind), object->key);
    }
    return "";
}

static void report(const struct lint *lint, struct lint_findings *out)
{
    const struct lint_row **rows = arena_array(lint->arena, lint->row_count, sizeof(*rows)), *row;
    size_t i = 0;

    for (row = lint->rows; row; row = row->hh.next)
        rows[i++] = row;
    qsort(rows, lint->row_count, sizeof(*rows), by_place);
    memset(out, 0, sizeof(*out));
    out->list = arena_array(lint->arena, lint->row_count, sizeof(*out->list));
    for (i = 0; i < lint->row_count; i++) {
        out->list[out->count++] = (struct lint_finding){
            rows[i]->level == LINT_ERROR, rows[i]->rule, rows[i]->path, object_at(lint, rows[i]->path),
            sentence(lint, rows[i]),
        };
        out->errors += rows[i]->level == LINT_ERROR;
    }
}

void domain_lint(const struct domain *domain, struct arena *arena, struct lint_findings *out)
{
    struct lint lint = { .domain = domain, .arena = arena };
    const struct object *object;

    for (object = domain->objects; object; object = object->hh.next)
        type_walk(object_shape(object->kind)->data, object->data, arena_printf(arena, "%s/data", object->path), visit,
                  &lint);
    lint_rulesets(&lint);
    lint_shops(&lint);
    lint_candidates(&lint);
    lint_limits(&lint);
    report(&lint, out);
    lint_routing_clear(&lint);
    HASH_CLEAR(hh, lint.places);
    HASH_CLEAR(hh, lint.limits);
    HASH_CLEAR(hh, lint.rows);
}

json_t *lint_findings_json(const struct lint_findings *findings)
{
    json_t *list = json_array();
    size_t i;

    for (i = 0; i < findings->count; i++) {
        const struct lint_finding *one = &findings->list[i];

        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "level", one->is_error ? "error" : "warning",
                                              "rule", one->rule, "path", one->path, "object", one->object, "message",
                                              one->message));
    }
    return list;
}

/* What a document must keep beside the one that it follows: a limit counts as it did at the revision that terms name
 * (doc/spec/limits.md 2). So a limit may only be changed together with the terms that use it: they name the revision in
 * which it changes, whose counters begin at zero. Then the configuration of any later revision is the one of the
 * revision that its terms name, and no payment has to read two. */
#include <inttypes.h>

#include "domain/domain_internal.h"

struct succession {
    const struct domain *head; /* NULL: there is none */
    int64_t next;              /* the revision that the document will be */
    const struct domain *domain;
    struct arena *arena;
    struct type_errors *errors;
};

/* Nothing is counted by what people are told of it. */
static bool counts_alike(const struct limit_config *was, const struct limit_config *now)
{
    struct limit_config a = *was, b = *now;

    a.description = b.description = NULL;
    a.created_at = b.created_at = 0;
    return type_equal(&type_limit_config, &a, &b);
}

static void succeed_limit(const struct succession *of, const struct turnover_limit *limit, const char *path)
{
    const struct limit_config *now = domain_limit_config(of->domain, limit->ref.id), *was;
    int64_t named = limit->domain_revision ? *limit->domain_revision : of->next;

    path = arena_printf(of->arena, "%s/domain_revision", path);
    was = of->head ? domain_limit_config(of->head, limit->ref.id) : NULL;
    if (named > of->next)
        type_error_add(of->errors, of->arena, path, "there is no revision %" PRId64 " yet; this document becomes %" PRId64,
                       named, of->next);
    else if (named < of->next && was && now && !counts_alike(was, now))
        type_error_add(of->errors, of->arena, path,
                       "limit %s counts in another way than at revision %" PRId64 "; name %" PRId64
                       ", which this document becomes and whose counters begin at zero", limit->ref.id, named, of->next);
}

static void visit(void *arg, const struct type *type, const void *value, const char *path)
{
    if (type == &type_turnover_limit)
        succeed_limit(arg, value, path);
}

bool domain_succeeds(const struct domain *domain, const struct domain *head, int64_t next, struct arena *arena,
                     struct type_errors *errors)
{
    struct succession of = { head, next, domain, arena, errors };
    const struct object *object;

    for (object = domain->objects; object; object = object->hh.next)
        type_walk(object_shape(object->kind)->data, object->data, arena_printf(arena, "%s/data", object->path), visit, &of);
    return errors->count == 0;
}

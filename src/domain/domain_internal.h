/* What the files of the document share. */
#ifndef SLUICE_DOMAIN_INTERNAL_H
#define SLUICE_DOMAIN_INTERNAL_H

#include <uthash.h>

#include "domain/domain.h"

struct object {
    UT_hash_handle hh;
    const char *name; /* "provider/7": the table's key */
    int kind;
    const char *key;  /* "7" */
    const void *ref;
    void *data;
    const char *path; /* "/objects/12/provider" */
    int visiting;     /* 0 not seen, 1 on the way, 2 done: for circles */
};

struct domain {
    struct arena *arena;
    int64_t revision;
    const char *author;
    struct object *objects; /* in document order */
    const struct globals *globals;
};

const void *domain_find(const struct domain *domain, int kind, const char *key);
const void *domain_find_number(const struct domain *domain, int kind, int64_t id);

/* check.c: everything that spans objects. Fills what is derived (merged terms, effective terms). */
void domain_check(struct domain *domain, struct type_errors *errors);

#endif

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
    void *data;       /* NULL while a document with faults is checked: it did not decode */
    const char *path; /* "/objects/12/provider" */
    int visiting;     /* 0 not seen, 1 on the way, 2 done: for circles */
    int height;       /* objects on the longest way down, with this one */
    int64_t cost;     /* predicates in it and, as often as it names them, in others of its kind */
};

struct domain {
    struct arena *arena;
    int64_t revision;
    const char *author;
    struct object *objects; /* in document order */
    const struct globals *globals;
    bool is_committed; /* while it is read: it was taken before */
};

struct object *domain_object(const struct domain *domain, int kind, const char *key);
const void *domain_find(const struct domain *domain, int kind, const char *key);
const void *domain_find_number(const struct domain *domain, int kind, int64_t id);

/* BASE with NAME as one more step of a JSON pointer; in ARENA. */
const char *path_join(struct arena *arena, const char *base, const char *name);

/* The accounts of one object, which is there. */
void object_each_account(const struct object *object, void (*fn)(void *arg, int64_t id, const char *currency),
                         void *arg);

/* check.c: everything that spans objects. Without faults, fills what is derived (merged and effective terms). */
void domain_check(struct domain *domain, struct type_errors *errors);

/* check_new.c: what documents that are to be committed must keep besides. */
void domain_check_new(struct domain *domain, struct type_errors *errors);

#endif

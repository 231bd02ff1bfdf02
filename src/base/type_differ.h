/* Where two values of one type differ. */
#ifndef SLUICE_BASE_TYPE_DIFFER_H
#define SLUICE_BASE_TYPE_DIFFER_H

#include "base/type.h"

#define TYPE_PLACES_MAX 16

/* JSON pointers, the first ones that were found. */
struct type_places {
    const char *list[TYPE_PLACES_MAX];
    size_t count;
};

/* Adds PATH (kept as a copy in ARENA), unless there is no room. */
void type_place_add(struct type_places *places, struct arena *arena, const char *path);

/* Adds the places where A and B differ, each beginning with PATH ("" for documents); either may be NULL, which is absent.
 * A place is as deep as both go along: a member that one of them lacks, a union's other variant and a list of another length
 * are named as a whole. Entries of maps are found by their keys, in any order. */
void type_differ(const struct type *type, const void *a, const void *b, const char *path, struct arena *arena,
                 struct type_places *places);

#endif

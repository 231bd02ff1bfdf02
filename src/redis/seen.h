/* What this daemon knows to be stored: of each partition's feed the newest entry, and the last commits that were
 * answered here, with machine and event. Redis appends only, and a replica or a backup holds a beginning of what
 * the primary held, so one that has the newest entry has all. Kept in a file as well, if one is given. */
#ifndef SLUICE_REDIS_SEEN_H
#define SLUICE_REDIS_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SEEN_ID_MAX 48         /* of an entry, "MS-SEQ", with the NUL */
#define SEEN_COMMITS_MAX 16384 /* that are known one by one; some 100 bytes each */

struct seen;

/* PATH: NULL, or a file that is read if it is there and written by seen_save.
 * Errors: SL_ECORRUPT with *WHY (the caller's, free()): it is there and cannot be read, or is of other partitions. */
SL_MUST_USE enum sl_err seen_new(int partitions, const char *path, struct seen **out, char **why);
void seen_free(struct seen *seen); /* NULL is fine */

int seen_partitions(const struct seen *seen);
const char *seen_feed(const struct seen *seen, int p); /* the key; borrowed */
const char *seen_newest(const struct seen *seen, int p, char out[SEEN_ID_MAX]); /* OUT; "": none */
int64_t seen_newest_ms(const struct seen *seen); /* of all partitions */

/* ENTRY, "MS-SEQ", was seen in the feed of P. What is no such text is passed over. */
void seen_raise(struct seen *seen, int p, const char *entry);
/* A commit was answered: MEMBER's event EVENT is that entry. */
void seen_commit(struct seen *seen, int p, const char *entry, const char *member, int64_t event);

struct seen_commit {
    uint64_t number; /* of the commit; 0: there is none in this place */
    int p;
    int64_t ms;
    char entry[SEEN_ID_MAX];
    char *member;
    int64_t event;
};
/* The commit in place I of SEEN_COMMITS_MAX, or NULL; valid until the next seen_commit. */
const struct seen_commit *seen_at(const struct seen *seen, size_t i);

/* Forgets all of it. */
void seen_forget(struct seen *seen);

/* What the file says of where it was seen; "" and 0 without one. DEPLOYMENT: its birth, ACCEPTED: redis/meta.h. */
const char *seen_deployment(const struct seen *seen);
int64_t seen_accepted(const struct seen *seen);
/* Writes the file, if there is one and anything is new. False: it could not (errno). */
bool seen_save(struct seen *seen, const char *deployment, int64_t accepted);

#endif

/* Names that hold beyond one party. A client chooses its ids, and two parties may choose the same; where all parties
 * meet (keys, the feed, logs, adapters, operators) an id is written with its party behind it: "order-1001@party-acme".
 * No id holds an @, so the two parts are always told apart. Without one it is an id as it was given. */
#ifndef SLUICE_BASE_QUALIFIED_H
#define SLUICE_BASE_QUALIFIED_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/type.h"

#define QUALIFIED_ID_MAX 257 /* bytes: two ids of 128, and the @ */

extern const struct type type_qualified_id; /* "ID" or "ID@PARTY" */

/* "ID@PARTY", in ARENA. */
const char *qualified_id(struct arena *arena, const char *id, const char *party_id);
/* Whether NAME says whose it is. */
bool qualified_has_party(const char *name);
/* Its parts: the id is copied into ARENA, the party is what follows in NAME; NULL: it says none. */
const char *qualified_own_id(struct arena *arena, const char *name);
const char *qualified_party(const char *name);

#endif

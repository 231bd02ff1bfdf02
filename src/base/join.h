/* Joins texts to one from which they can be told again, for ids and key names: two lists of parts that differ never
 * make the same text.
 *
 * Within a part the separator and '%' are written as "%" and two digits, as in URLs. A part without them stays as it
 * is, so ids of letters, digits and dashes look as though they were only put side by side. Two kinds of ids that meet
 * in one place still need something by which they differ: a word of their own, or another number of parts. */
#ifndef SLUICE_BASE_JOIN_H
#define SLUICE_BASE_JOIN_H

#include "base/arena.h"
#include "base/buf.h"

/* Appends PART, without a separator before or behind it. */
void join_part(struct buf *out, char separator, const char *part);

/* COUNT parts (1 or more, none NULL) with SEPARATOR between them; in ARENA. */
const char *join_parts(struct arena *arena, char separator, const char *const *parts, size_t count);

/* The same of parts that are written out: join(arena, '.', invoice_id, payment_id). */
#define join(arena, separator, ...)                                                                                    \
    join_parts((arena), (separator), (const char *const[]){ __VA_ARGS__ },                                             \
               sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

#endif

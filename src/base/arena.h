/* Memory that is freed as a whole. A machine in work, a request, a parsed document each own one
 * arena; nothing inside is ever freed by itself, so the core has no ownership puzzles. */
#ifndef SLUICE_BASE_ARENA_H
#define SLUICE_BASE_ARENA_H

#include <stddef.h>

#include "base/err.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *arena); /* NULL is fine */

/* Zeroed, aligned for any type, lives as long as ARENA. Never NULL, also for SIZE 0. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_array(struct arena *arena, size_t count, size_t size); /* COUNT * SIZE is checked */
void *arena_memdup(struct arena *arena, const void *data, size_t size);
char *arena_strdup(struct arena *arena, const char *text); /* NULL gives NULL */
char *arena_strndup(struct arena *arena, const char *text, size_t len);
char *arena_printf(struct arena *arena, const char *format, ...) SL_PRINTF(2, 3);

size_t arena_used(const struct arena *arena); /* bytes handed out so far */

#endif

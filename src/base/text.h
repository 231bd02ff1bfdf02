/* Texts of others: made fit to be kept, and to stand in one line. */
#ifndef SLUICE_BASE_TEXT_H
#define SLUICE_BASE_TEXT_H

#include <stddef.h>

#include "base/arena.h"

#define TEXT_CUT_MARK " [cut]"

/* TEXT of LEN bytes of UTF-8 as at most MAX (> the mark) bytes in ARENA: what is longer ends with the mark, not inside a
 * character, and a NUL becomes a question mark. */
char *text_cut(struct arena *arena, const char *text, size_t len, size_t max);

/* Writes LEN bytes of TEXT to OUT so that they are one line of a terminal: control characters, also those beyond ASCII,
 * and bytes that are not UTF-8 as \n, \t, \xNN. Writes at most SIZE bytes (no NUL), never a part of an escape or of a
 * character; answers how many. */
size_t text_escape(const char *text, size_t len, char *out, size_t size);

#endif

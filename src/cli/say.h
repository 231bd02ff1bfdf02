/* How the command line speaks: complaints, tables, and lines that fit a terminal. */
#ifndef SLUICE_CLI_SAY_H
#define SLUICE_CLI_SAY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

#define SAY_COLUMNS 120

/* With --json complaints are JSON on stdout, {"error", "detail"}, and nothing is on stderr. */
void say_as_json(bool yes);
bool say_is_json(void);
/* "sluice: …" on stderr, or the JSON of it. CODE (EXIT_*) is what the caller leaves with; it is given back. */
int complain(int code, const char *format, ...) SL_PRINTF(2, 3);

/* LEAD, then TEXT, which goes on in further lines where SAY_COLUMNS are full, below its own beginning. Lines are broken
 * at blanks alone, so that what has none can be pasted. */
void say_wrapped(const char *lead, const char *text);

/* A list with a header. TITLES end with NULL; one that begins with ">" is of a column of numbers. */
struct table;
struct table *table_new(const char *const *titles);
/* The next cell, row by row; an empty one is shown as "-". */
void table_cell(struct table *table, const char *format, ...) SL_PRINTF(2, 3);
/* Prints it: the last column is wrapped within SAY_COLUMNS, or stands below where the others leave too little room.
 * EMPTY is said in place of a table without rows. Frees TABLE. */
void table_print_take(struct table *table, const char *empty);
/* Says that a list was cut, if it has as many as LIMIT allows. */
void say_cut(size_t count, int limit);

/* A copy of LIST in the order of BY (as strcmp does); the caller's. */
json_t *json_sorted(const json_t *list, int (*by)(const json_t *a, const json_t *b));

#endif

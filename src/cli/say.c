/* See say.h. */
#include "cli/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "cli/cli.h"

static bool as_json;

void say_as_json(bool yes)
{
    as_json = yes;
}

bool say_is_json(void)
{
    return as_json;
}

int complain(int code, const char *format, ...)
{
    static const char *const names[] = {
        [EXIT_REFUSED] = "Refused", [EXIT_USAGE] = "Usage", [EXIT_DOWN] = "NotReached",
    };
    char detail[1024];
    json_t *json;
    va_list args;

    va_start(args, format);
    vsnprintf(detail, sizeof(detail), format, args);
    va_end(args);
    if (!as_json) {
        fprintf(stderr, "sluice: %s\n", detail);
        return code;
    }
    json = json_pack("{s:s, s:s+}", "error", names[code], "detail", detail, "");
    if (!json)
        json = json_pack("{s:s}", "error", names[code]); /* what was complained of is no UTF-8 */
    print_json(json);
    json_decref(json);
    return code;
}

/* ---- lines ---- */

/* Characters, not bytes: of UTF-8. */
static size_t width_of(const char *text, size_t len)
{
    size_t i, width = 0;

    for (i = 0; i < len; i++)
        width += ((unsigned char)text[i] & 0xc0) != 0x80;
    return width;
}

/* How many bytes of TEXT stand in a line of ROOM columns: up to a blank, or up to the end of a word that is longer. */
static size_t line_end(const char *text, size_t room)
{
    size_t end = 0, next;

    for (;;) {
        next = end + (text[end] == ' ');
        next += strcspn(text + next, " ");
        if (end && width_of(text, next) > room)
            return end;
        end = next;
        if (!text[end])
            return end;
    }
}

/* TEXT from column INDENT on, which the cursor has reached. */
static void wrapped(size_t indent, const char *text)
{
    size_t room = indent + 20 < SAY_COLUMNS ? SAY_COLUMNS - indent : 20, len;

    for (;;) {
        len = line_end(text, room);
        printf("%.*s\n", (int)len, text);
        text += len;
        text += strspn(text, " ");
        if (!*text)
            return;
        printf("%*s", (int)indent, "");
    }
}

void say_wrapped(const char *lead, const char *text)
{
    fputs(lead, stdout);
    wrapped(width_of(lead, strlen(lead)), text);
}

/* ---- tables ---- */

struct table {
    const char *const *titles;
    size_t columns, count; /* count: of cells */
    char **cells;
};

struct table *table_new(const char *const *titles)
{
    struct table *table = xcalloc(1, sizeof(*table));

    table->titles = titles;
    while (titles[table->columns])
        table->columns++;
    return table;
}

void table_cell(struct table *table, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    table->cells = xrealloc(table->cells, (table->count + 1) * sizeof(*table->cells));
    table->cells[table->count++] = xstrdup(*text ? text : "-");
}

/* A title's text without its mark. */
static const char *title_of(const char *title)
{
    return title + (*title == '>');
}

static size_t column_width(const struct table *table, size_t column)
{
    const char *title = title_of(table->titles[column]);
    size_t i, width = width_of(title, strlen(title)), one;

    for (i = column; i < table->count; i += table->columns) {
        one = width_of(table->cells[i], strlen(table->cells[i]));
        width = one > width ? one : width;
    }
    return width;
}

static void print_cell(const struct table *table, size_t column, const char *text, size_t width)
{
    int blanks = (int)(width - width_of(text, strlen(text)));

    if (*table->titles[column] == '>')
        printf("%*s%s  ", blanks, "", text);
    else
        printf("%s%*s  ", text, blanks, "");
}

/* A row whose cells are at CELLS; the last one from column INDENT on, or, if there is no room, in a line of its own. */
static void print_row(const struct table *table, const char *const *cells, const size_t *widths, size_t indent)
{
    size_t i, last = table->columns - 1;
    bool is_below = indent > SAY_COLUMNS - 30;

    for (i = 0; i < last; i++)
        print_cell(table, i, cells[i], widths[i]);
    if (*table->titles[last] == '>') {
        print_cell(table, last, cells[last], widths[last]);
        putchar('\n');
        return;
    }
    if (is_below)
        fputs("\n    ", stdout);
    wrapped(is_below ? 4 : indent, cells[last]);
}

void table_print_take(struct table *table, const char *empty)
{
    size_t *widths = xcalloc(table->columns, sizeof(*widths)), indent = 0, i;
    const char **titles = xcalloc(table->columns, sizeof(*titles));

    for (i = 0; i < table->columns; i++) {
        widths[i] = column_width(table, i);
        titles[i] = title_of(table->titles[i]);
        indent += i + 1 < table->columns ? widths[i] + 2 : 0;
    }
    if (table->count == 0) {
        puts(empty);
    } else {
        print_row(table, titles, widths, indent);
        for (i = 0; i < table->count; i += table->columns)
            print_row(table, (const char *const *)table->cells + i, widths, indent);
    }
    for (i = 0; i < table->count; i++)
        free(table->cells[i]);
    free(table->cells);
    free(widths);
    free(titles);
    free(table);
}

void say_cut(size_t count, int limit)
{
    if (count >= (size_t)limit)
        printf("The first %d are shown; --limit=N shows up to 1000.\n", limit);
}

/* ---- order ---- */

json_t *json_sorted(const json_t *list, int (*by)(const json_t *a, const json_t *b))
{
    json_t *sorted = json_array(), *item;
    size_t i, at;

    json_array_foreach((json_t *)(uintptr_t)list, i, item) { /* insertion: lists are short, and equal ones keep their order */
        for (at = json_array_size(sorted); at > 0 && by(json_array_get(sorted, at - 1), item) > 0; at--)
            ;
        json_array_insert(sorted, at, item);
    }
    return sorted;
}

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "base/xmalloc.h"

static struct arena *arena;

static void setup(void)
{
    xmalloc_init();
    arena = arena_new();
}

static void teardown(void)
{
    arena_free(arena);
}

TestSuite(text, .init = setup, .fini = teardown);

/* If it fails, a long message is stored in a form that cannot be read again, or nobody sees that a part of it is missing. */
Test(text, what_is_cut_is_still_utf8_and_says_so)
{
    static const struct {
        const char *text;
        size_t len, max;
        const char *cut;
    } rows[] = {
        { "", 0, 10, "" },
        { "0123456789", 10, 10, "0123456789" },
        { "0123456789a", 11, 10, "0123 [cut]" },
        { "012\xc3\xa9" "56789", 10, 9, "012 [cut]" },         /* the fourth byte would be half a character */
        { "01\xf0\x9f\x98\x80" "6789", 10, 9, "01 [cut]" },
        { "01\xc3\xa9" "456789", 10, 10, "01\xc3\xa9" "456789" },
        { "a\0b", 3, 10, "a?b" },
        { "\0\0\0\0\0\0\0\0\0\0\0", 11, 10, "???? [cut]" },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++)
        cr_expect_str_eq(text_cut(arena, rows[i].text, rows[i].len, rows[i].max), rows[i].cut, "row %zu: %s", i,
                         text_cut(arena, rows[i].text, rows[i].len, rows[i].max));
}

/* If it fails, what somebody sent moves the cursor of whoever reads the log, or looks like a line of ours. */
Test(text, escapes_keep_a_line_a_line)
{
    static const struct {
        const char *text, *escaped;
    } rows[] = {
        { "plain \\ text \"quoted\"", "plain \\ text \"quoted\"" },
        { "a\nb\rc\td", "a\\nb\\rc\\td" },
        { "\x1b[2J\x07\x7f", "\\x1b[2J\\x07\\x7f" },
        { "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
        { "\xc2\x9b" "31m", "\\xc2\\x9b31m" },           /* CSI as one character */
        { "a\xe2\x80\xa8" "b", "a\\xe2\\x80\\xa8b" },    /* LINE SEPARATOR */
        { "\xff\xc3", "\\xff\\xc3" }, { "\xc0\x8a", "\\xc0\\x8a" },
    };
    char out[128];
    size_t i, len;

    for (i = 0; i < SL_COUNT(rows); i++) {
        len = text_escape(rows[i].text, strlen(rows[i].text), out, sizeof(out));
        cr_expect(len == strlen(rows[i].escaped) && memcmp(out, rows[i].escaped, len) == 0, "row %zu: %.*s", i, (int)len, out);
    }
    cr_expect_eq(text_escape("abc\n", 4, out, 4), 3u, "no half escape");
    cr_expect_eq(text_escape("ab\xe2\x82\xac", 5, out, 4), 2u, "no half character");
}

/* If it fails, a payment's id can put a line into the log that Sluice never wrote. */
Test(text, a_log_line_is_one_line)
{
    char path[] = "/tmp/sluice-log-XXXXXX", text[8192], *huge = malloc(10000);
    int fd = mkstemp(path), saved = dup(STDERR_FILENO);
    ssize_t len;

    memset(huge, '\n', 9999);
    huge[9999] = '\0';
    dup2(fd, STDERR_FILENO);
    log_warn("payment %s is odd", "x\n2026-01-31T10:00:00.000Z info everything is fine");
    log_warn("%s", huge);
    dup2(saved, STDERR_FILENO);
    len = pread(fd, text, sizeof(text) - 1, 0);
    unlink(path);
    close(fd);
    free(huge);
    cr_assert_gt(len, 0);
    text[len] = '\0';
    cr_expect(strstr(text, "payment x\\n2026-01-31T10:00:00.000Z info everything is fine is odd\n"), "%s", text);
    cr_assert_not_null(strchr(text, '\n'));
    cr_expect_eq(strchr(strchr(text, '\n') + 1, '\n'), text + len - 1, "two calls, two lines");
}

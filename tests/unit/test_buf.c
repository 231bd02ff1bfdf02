/* The byte string that JSON, keys and commands are built in. */
#include <criterion/criterion.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/join.h"

/* An empty buffer is used as text right away, by logs and error paths. */
Test(buf, empty_is_text)
{
    struct buf buf = BUF_EMPTY;
    char *taken;

    cr_assert_str_eq(buf_text(&buf), "");
    taken = buf_take(&buf);
    cr_assert_str_eq(taken, "");
    free(taken);
    buf_clear(&buf);
}

/* Growth must keep what was written; a lost byte here is a broken event. */
Test(buf, grows_and_keeps_what_was_written)
{
    struct buf buf = BUF_EMPTY;
    size_t i;

    for (i = 0; i < 10000; i++)
        buf_char(&buf, (char)('a' + i % 26));
    cr_assert_eq(buf.len, 10000u);
    for (i = 0; i < 10000; i++)
        cr_assert_eq(buf.data[i], (char)('a' + i % 26), "byte %zu", i);
    cr_assert_eq(buf.data[10000], '\0');
    buf_clear(&buf);
    cr_assert_eq(buf.len, 0u);
}

/* Both ends of the range are where a hand-written conversion breaks. */
Test(buf, integers_are_decimal)
{
    static const int64_t rows[] = { 0, 7, -7, 10, 100, -100, 1234567890123, INT64_MAX, INT64_MIN };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct buf buf = BUF_EMPTY;
        char want[32];

        snprintf(want, sizeof(want), "%" PRId64, rows[i]);
        buf_i64(&buf, rows[i]);
        cr_assert_str_eq(buf_text(&buf), want);
        buf_clear(&buf);
    }
}

/* A string that is not escaped makes a stored event unreadable. */
Test(buf, json_strings_are_escaped)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "", "\"\"" },
        { "plain", "\"plain\"" },
        { "a\"b", "\"a\\\"b\"" },
        { "a\\b", "\"a\\\\b\"" },
        { "\n", "\"\\n\"" },
        { "\x01\x1f", "\"\\u0001\\u001f\"" },
        { "\xc3\xa9\xe2\x82\xac", "\"\xc3\xa9\xe2\x82\xac\"" },
        { "/~'", "\"/~'\"" },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        struct buf buf = BUF_EMPTY;

        buf_json_str(&buf, rows[i].text, strlen(rows[i].text));
        cr_assert_str_eq(buf_text(&buf), rows[i].want);
        buf_clear(&buf);
    }
}

/* Reset keeps the memory, so a buffer in a loop does not allocate; take gives it away. */
Test(buf, reset_keeps_and_take_hands_over)
{
    struct buf buf = BUF_EMPTY;
    char *memory, *taken;

    buf_printf(&buf, "%s-%d", "x", 5);
    memory = buf.data;
    buf_reset(&buf);
    cr_assert_str_eq(buf_text(&buf), "");
    buf_str(&buf, "again");
    cr_assert_eq(buf.data, memory);
    taken = buf_take(&buf);
    cr_assert_str_eq(taken, "again");
    cr_assert_null(buf.data);
    free(taken);
}

/* If it fails, two ids become one key, or stored ids of plain parts are not found again. */
Test(join, parts_can_be_told_again)
{
    static const struct {
        const char *parts[3];
        const char *want;
    } rows[] = {
        { { "inv-1", "2", "refund_3" }, "inv-1.2.refund_3" },
        { { "a", "1.2", NULL }, "a.1%2E2" },
        { { "a.1", "2", NULL }, "a%2E1.2" },
        { { "a", "1%2E2", NULL }, "a.1%252E2" },
        { { "a", "1", "2" }, "a.1.2" },
        { { "", "a/b", NULL }, ".a/b" },
        { { ".", NULL, NULL }, "%2E" },
    };
    struct arena *arena = arena_new();
    size_t i, count;

    for (i = 0; i < SL_COUNT(rows); i++) {
        for (count = 0; count < 3 && rows[i].parts[count]; count++)
            ;
        cr_expect_str_eq(join_parts(arena, '.', rows[i].parts, count), rows[i].want);
    }
    cr_expect_str_eq(join(arena, '/', "a.b", "c/d"), "a.b/c%2Fd");
    arena_free(arena);
}

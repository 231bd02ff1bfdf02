#include <criterion/criterion.h>
#include <string.h>

#include "api/feed_cursor.h"

/* If it fails, a reader of the feed goes on at another place than it stopped at. */
Test(feed_cursor, what_is_written_is_read_back)
{
    static const struct feed_place places[] = {
        { 0, 0 }, { 1764000000123, 0 }, { 1764000000123, 41 }, { UINT64_MAX, UINT64_MAX }, { 0, 7 }, { 35, 36 },
    };
    struct feed_place read[SL_COUNT(places)];
    struct buf text = BUF_EMPTY;
    size_t i;

    feed_cursor_write(places, SL_COUNT(places), &text);
    cr_assert(feed_cursor_read(buf_text(&text), read, SL_COUNT(places)), "%s", buf_text(&text));
    for (i = 0; i < SL_COUNT(places); i++)
        cr_assert(read[i].ms == places[i].ms && read[i].seq == places[i].seq, "place %zu of %s", i, buf_text(&text));
    buf_clear(&text);
}

/* If it fails, a cursor of another deployment, or none at all, skips events or repeats them. */
Test(feed_cursor, what_is_no_cursor_is_refused)
{
    static const char *const texts[] = {
        "", ".", "...", "a.b.c", "a", "a.b.", "a.b ", "A.b", "a-.b-c-d", "a.b-1-2", "3w5e11264sgsg.1", "a,b", "-.--",
    };
    struct feed_place read[2];
    size_t i;

    for (i = 0; i < SL_COUNT(texts); i++)
        cr_assert(strcmp(texts[i], ".") == 0 || !feed_cursor_read(texts[i], read, 2), "%s", texts[i]);
    cr_assert(feed_cursor_read(".", read, 2) && read[0].ms == 0 && read[1].seq == 0);
}

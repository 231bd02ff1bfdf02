#include <criterion/criterion.h>

#include "http/listen.h"

/* If it fails, a daemon listens where nobody meant it to, or serves the world without tokens. */
Test(listen, addresses_are_read_as_they_are_written)
{
    static const struct {
        const char *text, *back; /* NULL: refused */
        bool loopback;
    } rows[] = {
        { "127.0.0.1:8080", "127.0.0.1:8080", true },
        { "127.8.9.1:1", "127.8.9.1:1", true },
        { "localhost:0", "127.0.0.1:0", true },
        { "[::1]:65535", "[::1]:65535", true },
        { "0.0.0.0:80", "0.0.0.0:80", false },
        { "128.0.0.1:80", "128.0.0.1:80", false },
        { "[::]:80", "[::]:80", false },
        { "[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:80", false }, /* not worth trusting */
        { "127.0.0.1", NULL, false },
        { "127.0.0.1:", NULL, false },
        { "127.0.0.1:65536", NULL, false },
        { "127.0.0.1:-1", NULL, false },
        { "127.0.0.1:+1", NULL, false },
        { "127.0.0.1:080000", NULL, false },
        { "127.evil:80", NULL, false },
        { "127.1:80", NULL, false },
        { ":80", NULL, false },
        { "::1:80", NULL, false },
        { "[::1]", NULL, false },
        { "[:80", NULL, false },
        { "[]:80", NULL, false },
        { "", NULL, false },
        { "example.org:80", NULL, false },
    };
    char text[LISTEN_TEXT_MAX];
    struct listen_at at;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        cr_assert_eq(listen_parse(rows[i].text, &at), rows[i].back != NULL, "%s", rows[i].text);
        if (!rows[i].back)
            continue;
        listen_text(&at, text);
        cr_assert_str_eq(text, rows[i].back);
        cr_assert_eq(listen_is_loopback(&at), rows[i].loopback, "%s", rows[i].text);
    }
}

#include <criterion/criterion.h>
#include <string.h>

#include "base/err.h"
#include "redis/address.h"

/* If it fails, operators reach another Redis, or another database of it, than they wrote. */
Test(address, good_ones_are_taken_apart)
{
    static const struct { const char *url, *host; int port; const char *user, *password; int db; bool tls; } rows[] = {
        { "redis://localhost", "localhost", 6379, "", "", 0, false },
        { "redis://10.0.0.1:7000/3", "10.0.0.1", 7000, "", "", 3, false },
        { "redis://host/", "host", 6379, "", "", 0, false },
        { "redis://[::1]:7000", "::1", 7000, "", "", 0, false },
        { "redis://[fe80::1]", "fe80::1", 6379, "", "", 0, false },
        { "redis://:secret@h:1", "h", 1, "", "secret", 0, false },
        { "redis://me:se:cr@t@h", "h", 6379, "me", "se:cr@t", 0, false },
        { "redis://me:a%40b%2F%3a@h/1", "h", 6379, "me", "a@b/:", 1, false },
        { "rediss://u:p@h:6380", "h", 6380, "u", "p", 0, true },
        { "unix:///run/redis.sock", "/run/redis.sock", 0, "", "", 0, false },
        { "unix:///run/redis.sock?db=2", "/run/redis.sock", 0, "", "", 2, false },
    };
    struct address got;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        const char *why = address_parse(rows[i].url, &got);

        cr_assert_null(why, "%s: %s", rows[i].url, why);
        cr_expect_str_eq(got.host, rows[i].host, "%s: %s", rows[i].url, got.host);
        cr_expect_eq(got.port, rows[i].port, "%s: %d", rows[i].url, got.port);
        cr_expect_str_eq(got.user, rows[i].user, "%s: %s", rows[i].url, got.user);
        cr_expect_str_eq(got.password, rows[i].password, "%s: %s", rows[i].url, got.password);
        cr_expect_eq(got.db, rows[i].db, "%s: %d", rows[i].url, got.db);
        cr_expect_eq(got.tls, rows[i].tls, "%s", rows[i].url);
    }
}

/* If it fails, a slip of the pen becomes a connection to somewhere. */
Test(address, bad_ones_are_refused_with_a_sentence)
{
    static const char *const rows[] = {
        "", "localhost:6379", "http://h", "redis://", "redis://:6379", "redis://h:0", "redis://h:65536", "redis://h:",
        "redis://h:1x", "redis://h:-1", "redis://h:+1", "redis://h/x", "redis://h/-1", "redis://password@h",
        "redis://u:%4@h", "redis://u:%zz@h", "redis://u:%00x@h", "redis://[::1", "redis://[::1]x", "redis://::1:6379",
        "unix://", "unix:///s?db=", "unix:///s?db=x",
    };
    struct address got;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++)
        cr_expect_not_null(address_parse(rows[i], &got), "%s", rows[i]);
}

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/auth.h"

static struct auth *auth_of(const char *text, char **why)
{
    char path[] = "/tmp/sluice-auth-XXXXXX";
    struct auth *auth = NULL;
    FILE *file;

    close(mkstemp(path));
    file = fopen(path, "we");
    cr_assert(file);
    fputs(text, file);
    fclose(file);
    *why = NULL;
    if (auth_load(path, &auth, why))
        auth = NULL;
    unlink(path);
    return auth;
}


/* If it fails, a stranger is let in, or one with a token is not. */
Test(auth, a_token_is_found_whole_and_only_whole)
{
    static const struct {
        const char *header, *name;
    } rows[] = {
        { "Bearer 0123456789abcdef", "ops" }, { "bearer 0123456789abcdef", "ops" }, { "Bearer acme-acme-acme-1", "acme" },
        { "Bearer 0123456789abcde", NULL },   { "Bearer 0123456789abcdeff", NULL }, { "Bearer  0123456789abcdef", NULL },
        { "Basic 0123456789abcdef", NULL },   { "0123456789abcdef", NULL },         { "Bearer ", NULL },
        { "Bearer", NULL },                   { "", NULL },                         { NULL, NULL },
        { "Bearer abc", "hashed" },
        /* the hash itself opens nothing */
        { "Bearer ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", NULL },
    };
    const struct principal *found;
    struct auth *auth;
    char *why;
    size_t i;

    auth = auth_of("[{\"name\":\"ops\",\"token\":\"0123456789abcdef\",\"role\":\"operator\"},"
                   "{\"name\":\"acme\",\"token\":\"acme-acme-acme-1\",\"role\":\"merchant\",\"party_id\":\"p\"},"
                   "{\"name\":\"hashed\",\"role\":\"reader\",\"token_sha256\":"
                   "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"}]",
                   &why);
    cr_assert(auth, "%s", why);
    for (i = 0; i < SL_COUNT(rows); i++) {
        found = auth_find(auth, rows[i].header);
        cr_assert_eq(!found, !rows[i].name, "%s", rows[i].header);
        cr_assert(!found || strcmp(found->name, rows[i].name) == 0, "%s", rows[i].header);
    }
    cr_assert_str_eq(auth_find(auth, "Bearer acme-acme-acme-1")->party_id, "p");
    auth_free(auth);
}

/* If it fails, a file that says something else than was meant is taken. */
Test(auth, a_doubtful_file_is_refused_with_a_sentence)
{
    static const char *const files[] = {
        "", "{}", "[]", "[{}]", "[{\"name\":\"a\",\"token\":\"0123456789abcdef\"}]",
        "[{\"name\":\"a\",\"token\":\"0123456789abcdef\",\"role\":\"reader\",\"party_id\":\"p\"}]",
        "[{\"name\":\"a\",\"token\":\"0123456789abcdef\",\"role\":\"merchant\"}]",
        "[{\"name\":\"a\",\"token\":\"0123456789abcdef\",\"token_sha256\":"
        "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\",\"role\":\"reader\"}]",
        "[{\"name\":\"a\",\"token_sha256\":"
        "\"zz7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\",\"role\":\"reader\"}]",
        "[{\"name\":\"a\",\"token\":\"0123456789abcdef\",\"role\":\"reader\"},"
        "{\"name\":\"b\",\"token\":\"0123456789abcdef\",\"role\":\"operator\"}]",
    };
    struct auth *auth;
    char *why;
    size_t i;

    for (i = 0; i < SL_COUNT(files); i++) {
        auth = auth_of(files[i], &why);
        cr_assert(!auth, "%s", files[i]);
        cr_assert(why && *why, "%s", files[i]);
        free(why);
    }
}

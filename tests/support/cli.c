/* See cli.h. */
#include "support/cli.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

/* The rest of FILE, the caller's, free(). */
static char *drain(FILE *file)
{
    struct buf text = BUF_EMPTY;
    char chunk[4096];
    size_t got;

    while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0)
        buf_add(&text, chunk, got);
    fclose(file);
    return buf_take(&text);
}

struct cli_said cli_run(const struct daemon_fixture *daemon, const char *const *words)
{
    const char *argv[CLI_WORDS_MAX + 1];
    char api[64], errors[128], files[CLI_WORDS_MAX][256];
    struct daemon_fixture process = { .pid = 0 };
    struct cli_said said;
    const char *at;
    size_t i;
    FILE *file;
    int out;

    snprintf(api, sizeof(api), "--api=http://127.0.0.1:%d", daemon->port);
    snprintf(errors, sizeof(errors), "%s/cli.err", daemon->redis.dir);
    unlink(errors);
    argv[0] = api;
    for (i = 0; words[i]; i++) {
        cr_assert(i < CLI_WORDS_MAX - 1);
        at = strchr(words[i], '@');
        if (at)
            snprintf(files[i], sizeof(files[i]), "%.*s%s/%s", (int)(at - words[i]), words[i], daemon->redis.dir, at + 1);
        argv[i + 1] = at ? files[i] : words[i];
    }
    argv[i + 1] = NULL;
    process.pid = daemon_fixture_spawn("sluice", errors, argv, &out);
    said.out = drain(fdopen(out, "re"));
    said.code = daemon_fixture_wait(&process);
    file = fopen(errors, "re");
    cr_assert(file);
    said.err = drain(file);
    return said;
}

void cli_said_clear(struct cli_said *said)
{
    free(said->out);
    free(said->err);
}

void cli_file(const struct daemon_fixture *daemon, const char *name, const char *text)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", daemon->redis.dir, name);
    file = fopen(path, "we");
    cr_assert(file);
    cr_assert_eq(fwrite(text, 1, strlen(text), file), strlen(text));
    cr_assert_eq(fclose(file), 0);
}

/* OUT must be JSON; it is put into one line. */
static void flatten(char **out, const char *name)
{
    json_t *json = json_loads(*out, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);

    cr_expect(json, "%s: no JSON: %s", name, *out);
    if (!json)
        return;
    free(*out);
    *out = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(json);
}

static void expect(const char *name, const char *where, const char *said, const char *piece)
{
    if (piece)
        cr_expect(strstr(said, piece), "%s: no \"%s\" in %s: %s", name, piece, where, said);
    else
        cr_expect_str_eq(said, "", "%s: %s: %s", name, where, said);
}

void cli_walk(const struct daemon_fixture *daemon, const struct cli_row *rows, size_t count)
{
    struct buf name = BUF_EMPTY;
    struct cli_said said;
    bool json;
    size_t i, j;

    for (i = 0; i < count; i++) {
        buf_reset(&name);
        json = false;
        for (j = 0; rows[i].words[j]; j++) {
            buf_printf(&name, " %s", rows[i].words[j]);
            json = json || strcmp(rows[i].words[j], "--json") == 0;
        }
        said = cli_run(daemon, rows[i].words);
        cr_expect_eq(said.code, rows[i].code, "sluice%s: left with %d: %s", buf_text(&name), said.code, said.err);
        if (json && rows[i].out)
            flatten(&said.out, buf_text(&name));
        expect(buf_text(&name), "stdout", said.out, rows[i].out);
        expect(buf_text(&name), "stderr", said.err, rows[i].err);
        cli_said_clear(&said);
    }
    buf_clear(&name);
}

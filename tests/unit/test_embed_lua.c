/* build-aux/embed-lua.awk, run as the build runs it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "redis/script_list.h"

static const char *source_dir(void)
{
    const char *dir = getenv("SLUICE_SRCDIR");

    return dir ? dir : ".";
}

static void file_read(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "rb");
    char part[4096];
    size_t got;

    cr_assert(file, "%s", path);
    while ((got = fread(part, 1, sizeof(part), file)) > 0)
        buf_add(out, part, got);
    fclose(file);
}

/* If it fails, what runs in Redis is not what stands in lua/. */
Test(embed_lua, every_script_is_embedded_byte_for_byte)
{
    struct script *const *script;
    struct buf path = BUF_EMPTY, text = BUF_EMPTY;
    size_t count = 0;

    for (script = script_list; *script; script++, count++) {
        buf_reset(&path);
        buf_reset(&text);
        buf_printf(&path, "%s/lua/%s.lua", source_dir(), (*script)->name);
        file_read(buf_text(&path), &text);
        if (strstr(buf_text(&text), "-- #include"))
            continue; /* the next test compares those */
        cr_assert_eq(text.len, (*script)->len, "%s", (*script)->name);
        cr_assert_eq(memcmp(text.data, (*script)->text, text.len), 0, "%s", (*script)->name);
    }
    cr_assert(count > 0);
    buf_clear(&path);
    buf_clear(&text);
}

/* ---- files made here ---- */

static char dir[32];

static void dir_make(void)
{
    snprintf(dir, sizeof(dir), "/tmp/sluice-embed-XXXXXX");
    cr_assert(mkdtemp(dir));
}

static void dir_remove(void)
{
    char command[64];

    snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    cr_assert_eq(system(command), 0);
}

static void file_write(const char *name, const char *text)
{
    char path[64];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    file = fopen(path, "wb");
    cr_assert(file);
    fputs(text, file);
    cr_assert_eq(fclose(file), 0);
}

/* Runs COMMAND; its output and errors go to OUT. The exit code. */
static int run(struct buf *out, const char *command)
{
    FILE *pipe = popen(command, "r");
    char part[4096];
    size_t got;
    int status;

    cr_assert(pipe);
    while ((got = fread(part, 1, sizeof(part), pipe)) > 0)
        buf_add(out, part, got);
    status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int embed(const char *mode, struct buf *out)
{
    char command[512];

    snprintf(command, sizeof(command), "awk -v dir='%s' -v mode=%s -v name=x -f '%s/build-aux/embed-lua.awk' '%s/x.lua' 2>&1",
             dir, mode, source_dir(), dir);
    return run(out, command);
}

#define HEAD "-- Says x.\n-- KEYS 1 a string\n-- ARGV 1 b text\n-- RETURNS 0 done\n-- ERRORS none\n-- COST O(1)\n"

/* If it fails, a text with quotes, backslashes or includes reaches Redis changed. */
Test(embed_lua, odd_bytes_and_includes_survive, .init = dir_make, .fini = dir_remove)
{
    static const char body[] = "local s = '\\\\ \\n \"q\" ?""?/ \t %d' -- \xc3\xa4 \\\n\nreturn s\n";
    struct buf source = BUF_EMPTY, expected = BUF_EMPTY, got = BUF_EMPTY;
    char command[512];

    buf_printf(&expected, "%s-- #include \"inc.lua\"\n%s", HEAD, body);
    file_write("x.lua", buf_text(&expected));
    file_write("inc.lua", "-- #include \"deep.lua\"\nlocal y = \"\\\\\"\n");
    file_write("deep.lua", "local z = 1\n");
    cr_assert_eq(embed("source", &source), 0, "%s", buf_text(&source));
    /* Compiled with a header that gives the names, and printed. */
    file_write("text.c", "#include <stdio.h>\n#include <stddef.h>\n");
    snprintf(command, sizeof(command),
             "cd '%s' && sed -n '/^static const char text/,/;$/p' > body.c && cat body.c >> text.c && "
             "echo 'int main(void) { fwrite(text, 1, sizeof(text) - 1, stdout); return 0; }' >> text.c && "
             "${CC:-cc} -o text text.c", dir);
    {
        FILE *pipe = popen(command, "w");

        cr_assert(pipe);
        fputs(buf_text(&source), pipe);
        cr_assert_eq(pclose(pipe), 0);
    }
    snprintf(command, sizeof(command), "'%s/text'", dir);
    cr_assert_eq(run(&got, command), 0);
    buf_reset(&expected);
    buf_printf(&expected, "%slocal z = 1\nlocal y = \"\\\\\"\n%s", HEAD, body);
    cr_assert_str_eq(buf_text(&got), buf_text(&expected));
    buf_clear(&source);
    buf_clear(&expected);
    buf_clear(&got);
}

/* If it fails, a slip in a header comment or an include becomes a wrong script instead of a failed build. */
Test(embed_lua, mistakes_stop_the_build, .init = dir_make, .fini = dir_remove)
{
    static const struct { const char *text, *other, *says; } rows[] = {
        { HEAD "-- #include \"none.lua\"\n", "", "cannot read" },
        { HEAD "-- #include \"o.lua\"\n-- #include \"o.lua\"\n", "return 1\n", "twice" },
        { HEAD "-- #include \"o.lua\"\n", "-- #include \"o.lua\"\n", "circle" },
        { HEAD "-- #include \"o.lua\n", "", "quote" },
        { HEAD "--#include \"o.lua\"\n", "", "is written" },
        { "-- KEYS 2 a string\n", "", "out of order" },
        { "-- KEYS 1 a string\n-- KEYS 2 a string\n", "", "twice" },
        { "-- KEYS 1 a\n", "", "is written" },
        { "-- KEYS 1 A-b string\n", "", "no usable name" },
        { "-- KEYS 1 a string\n-- ARGV 2 b text\n", "", "out of order" },
        { "-- KEYS 1 a string\n-- ARGV ... b text\n-- ARGV 1 c text\n", "", "open end" },
        { "-- KEYS ... a string\n-- KEYS 1 b string\n", "", "open end" },
        { "-- KEYS ... a string\n-- ERRORS none\n-- COST O(1)\n", "", "needs a numbered argument" },
        { "-- KEYS 1 a string\n-- RETURNS one done\n", "", "not a code" },
        { "-- KEYS 1 a string\n-- RETURNS 1 done\n-- RETURNS 1 other\n", "", "twice" },
        { "-- KEYS 1 a string\n-- COST O(1)\n", "", "no ERRORS" },
        { "-- KEYS 1 a string\n-- ERRORS none\n", "", "no COST" },
        { "-- Nothing.\nreturn 1\n-- KEYS 1 a string\n", "", "no KEYS" },
    };
    struct buf said = BUF_EMPTY;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        buf_reset(&said);
        file_write("x.lua", rows[i].text);
        file_write("o.lua", rows[i].other);
        cr_expect_neq(embed("source", &said), 0, "row %zu passed", i);
        cr_expect(strstr(buf_text(&said), rows[i].says), "row %zu: %s", i, buf_text(&said));
    }
    buf_clear(&said);
}

/* If it fails, the wrapper has other counts or names than the script. */
Test(embed_lua, header_has_the_scripts_names, .init = dir_make, .fini = dir_remove)
{
    static const char *const parts[] = {
        "LUA_X_DONE = 0,", "struct lua_x_keys {\n    struct slice a;\n};",
        "struct lua_x_args {\n    struct slice b;\n    const struct slice *more;\n    size_t more_count;\n};",
        "extern struct script script_x;",
    };
    struct buf header = BUF_EMPTY;
    size_t i;

    file_write("x.lua", HEAD "-- ARGV ... more text\nreturn 1\n");
    cr_assert_eq(embed("header", &header), 0);
    for (i = 0; i < SL_COUNT(parts); i++)
        cr_expect(strstr(buf_text(&header), parts[i]), "%s", parts[i]);
    buf_clear(&header);
}

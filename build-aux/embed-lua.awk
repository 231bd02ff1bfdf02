# Turns one Lua script into C: its text as a constant, and a wrapper whose struct members are the
# script's own names for its keys and arguments, so that a wrong count or name does not compile.
#
#   awk -v mode=header|source -v name=commit -v dir=LUADIR -f embed-lua.awk lua/commit.lua
#
# The script's header comment is read in fixed words:
#   -- KEYS n name type        -- ARGV n name unit        -- ARGV ... name unit   (any number more)
#   -- RETURNS code meaning    (becomes enum lua_<name>_code)
# A line  -- #include "inc/x.lua"  is replaced by that file; each may be included once.

function die(text)
{
    print "embed-lua: " FILENAME ":" FNR ": " text > "/dev/stderr"
    failed = 1
    exit 1
}

function add_line(line)
{
    gsub(/\\/, "\\\\", line)
    gsub(/"/, "\\\"", line)
    text[++lines] = line
}

function include_file(path,    line, got)
{
    if (path in included)
        die("\"" path "\" is included twice or in a circle")
    included[path] = 1
    while ((got = (getline line < (dir "/" path))) > 0) {
        if (line ~ /^-- #include "/)
            include_file(path_of(line))
        else
            add_line(line)
    }
    if (got < 0)
        die("cannot read \"" path "\"")
    close(dir "/" path)
}

function path_of(line)
{
    sub(/^-- #include "/, "", line)
    sub(/".*$/, "", line)
    return line
}

/^-- #include "/ { include_file(path_of($0)); next }

/^-- KEYS / {
    if ($3 != key_count + 1) die("KEYS " $3 " is out of order")
    key[++key_count] = $4
}
/^-- ARGV [0-9]/ {
    if (tail != "") die("ARGV after the open end")
    if ($3 != arg_count + 1) die("ARGV " $3 " is out of order")
    arg[++arg_count] = $4
}
/^-- ARGV \.\.\. / { tail = $4 }
/^-- RETURNS / { code_value[++code_count] = $3; code_name[code_count] = $4 }
{ add_line($0) }

function print_header(    i, upper)
{
    upper = toupper(name)
    print "/* Made from lua/" name ".lua by build-aux/embed-lua.awk. */"
    print "#ifndef SLUICE_LUA_" upper "_H"
    print "#define SLUICE_LUA_" upper "_H"
    print ""
    print "#include \"redis/script.h\""
    print ""
    print "extern struct script script_" name ";"
    print ""
    if (code_count) {
        print "enum lua_" name "_code {"
        for (i = 1; i <= code_count; i++)
            print "    LUA_" upper "_" toupper(code_name[i]) " = " code_value[i] ","
        print "};"
        print ""
    }
    print "struct lua_" name "_keys {"
    for (i = 1; i <= key_count; i++)
        print "    struct slice " key[i] ";"
    print "};"
    print ""
    print "struct lua_" name "_args {"
    for (i = 1; i <= arg_count; i++)
        print "    struct slice " arg[i] ";"
    if (tail != "") {
        print "    const struct slice *" tail ";"
        print "    size_t " tail "_count;"
    }
    if (!arg_count && tail == "")
        print "    char nothing;"
    print "};"
    print ""
    print "void lua_" name "(struct client *client, const struct lua_" name "_keys *keys, const struct lua_" name "_args *args,"
    print "    int64_t deadline_ms, client_done_fn done, void *done_arg);"
    print ""
    print "#endif"
}

function print_source(    i)
{
    print "/* Made from lua/" name ".lua by build-aux/embed-lua.awk. */"
    print "#include \"lua/" name ".h\""
    print ""
    print "static const char text[] ="
    for (i = 1; i <= lines; i++)
        print "    \"" text[i] "\\n\"" (i == lines ? ";" : "")
    print ""
    print "struct script script_" name " = { .name = \"" name "\", .text = text, .len = sizeof(text) - 1 };"
    print ""
    print "void lua_" name "(struct client *client, const struct lua_" name "_keys *keys, const struct lua_" name "_args *args,"
    print "    int64_t deadline_ms, client_done_fn done, void *done_arg)"
    print "{"
    print "    const struct slice fixed[] = {"
    for (i = 1; i <= key_count; i++)
        print "        keys->" key[i] ","
    for (i = 1; i <= arg_count; i++)
        print "        args->" arg[i] ","
    print "    };"
    print "    const struct script_input input = {"
    print "        .fixed = fixed, .key_count = " key_count ", .fixed_count = sizeof(fixed) / sizeof(fixed[0]),"
    if (tail != "")
        print "        .rest = args->" tail ", .rest_count = args->" tail "_count,"
    print "    };"
    print ""
    if (!arg_count && tail == "")
        print "    (void)args;"
    print "    script_call(client, &script_" name ", &input, deadline_ms, done, done_arg);"
    print "}"
}

END {
    if (failed)
        exit 1
    if (!key_count) die("no KEYS line in the header comment")
    if (mode == "header") print_header()
    else print_source()
}

# Turns one Lua script into C: its text as a constant, and a wrapper whose struct members are the
# script's own names for its keys and arguments, so that a wrong count or name does not compile.
#
#   awk -v mode=header|source -v name=commit -v dir=LUADIR -f embed-lua.awk lua/commit.lua
#   awk -v mode=all -f embed-lua.awk lua/commit.lua lua/claim.lua ...      (the list of all scripts)
#
# The script's header comment, which ends with its first line that is not a comment, has fixed words:
#   -- KEYS n name type        -- ARGV n name unit
#   -- KEYS ... name type      -- ARGV ... name unit      (any number more, behind the numbered ones)
#   -- RETURNS code meaning    (becomes enum lua_<name>_code)
#   -- ERRORS text             -- COST text               (both must be there)
# A line  -- #include "inc/x.lua"  is replaced by that file; each may be included once.

function die(text)
{
    print "embed-lua: " FILENAME ":" FNR ": " text > "/dev/stderr"
    failed = 1
    exit 1
}

# Character by character: awks differ about backslashes in gsub().
function c_text(line,    i, c, out)
{
    out = ""
    for (i = 1; i <= length(line); i++) {
        c = substr(line, i, 1)
        if (c == "\\" || c == "\"" || c == "?")
            out = out "\\" c
        else if (c == "\t")
            out = out "\\t"
        else if (c == "\r")
            out = out "\\r"
        else
            out = out c
    }
    return out
}

function add_line(line)
{
    text[++lines] = c_text(line)
}

function path_of(line)
{
    sub(/^-- #include "/, "", line)
    if (line !~ /"[ \t]*$/)
        die("an #include without its closing quote")
    sub(/".*$/, "", line)
    return line
}

function include_file(path,    line, got, file)
{
    if (failed)
        return
    if (path in open_now)
        die("\"" path "\" includes itself, in a circle")
    if (path in included)
        die("\"" path "\" is included twice")
    included[path] = open_now[path] = 1
    file = dir "/" path
    while ((got = (getline line < file)) > 0) {
        if (line ~ /^-- #include "/)
            include_file(path_of(line))
        else
            add_line(line)
    }
    if (got < 0)
        die("cannot read \"" path "\"")
    close(file)
    delete open_now[path]
}

# WHAT's name must be usable as a member of a C struct, and new.
function take_name(what, word)
{
    if (word !~ /^[a-z][a-z0-9_]*$/)
        die(what " has no usable name: \"" word "\"")
    if ((what, word) in named)
        die(what " " word " is there twice")
    named[what, word] = 1
    return word
}

mode == "all" { nextfile_name(); next }

function nextfile_name(    base)
{
    if (FNR != 1)
        return
    base = FILENAME
    sub(/^.*\//, "", base)
    sub(/\.lua$/, "", base)
    script[++script_count] = base
}

FNR == 1 { in_header = 1 }
!/^--/ { in_header = 0 }
/^-- #include "/ { include_file(path_of($0)); next }
/^--[ \t]*#[ \t]*include/ { die("an #include is written  -- #include \"inc/x.lua\"") }

in_header && /^-- KEYS / {
    if (key_tail != "") die("KEYS after the open end")
    if (NF != 5) die("a key is written  -- KEYS n name type")
    if ($3 == "...")
        key_tail = take_name("KEYS", $4)
    else if ($3 != key_count + 1)
        die("KEYS " $3 " is out of order")
    else
        key[++key_count] = take_name("KEYS", $4)
}
in_header && /^-- ARGV / {
    if (tail != "") die("ARGV after the open end")
    if (NF != 5) die("an argument is written  -- ARGV n name unit")
    if ($3 == "...")
        tail = take_name("ARGV", $4)
    else if ($3 != arg_count + 1)
        die("ARGV " $3 " is out of order")
    else
        arg[++arg_count] = take_name("ARGV", $4)
}
in_header && /^-- RETURNS / {
    if ($3 !~ /^-?[0-9]+$/ || $3 in code_seen) die("RETURNS " $3 " is not a code, or there twice")
    code_seen[$3] = 1
    code_value[++code_count] = $3
    code_name[code_count] = take_name("RETURNS", $4)
}
in_header && /^-- ERRORS / { has_errors = 1 }
in_header && /^-- COST / { has_cost = 1 }
{ add_line($0) }

function print_prototype(end)
{
    print "void lua_" name "(struct client *client, const struct lua_" name "_keys *keys,"
    print "    const struct lua_" name "_args *args, int64_t deadline_ms, client_done_fn done, void *done_arg)" end
}

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
    if (key_tail != "") {
        print "    const struct slice *" key_tail ";"
        print "    size_t " key_tail "_count;"
    }
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
    print_prototype(";")
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
    print_prototype("")
    print "{"
    print "    const struct slice fixed[] = {"
    for (i = 1; i <= key_count; i++)
        print "        keys->" key[i] ","
    for (i = 1; i <= arg_count; i++)
        print "        args->" arg[i] ","
    print "    };"
    print "    const struct script_input input = {"
    print "        .fixed = fixed, .key_count = " (key_count + 0) ", .fixed_count = sizeof(fixed) / sizeof(fixed[0]),"
    if (key_tail != "")
        print "        .more_keys = keys->" key_tail ", .more_key_count = keys->" key_tail "_count,"
    if (tail != "")
        print "        .rest = args->" tail ", .rest_count = args->" tail "_count,"
    print "    };"
    print ""
    if (!arg_count && tail == "")
        print "    (void)args;"
    print "    script_call(client, &script_" name ", &input, deadline_ms, done, done_arg);"
    print "}"
}

function print_all(    i)
{
    print "/* Made from the list of scripts by build-aux/embed-lua.awk. */"
    print "#include \"redis/script_list.h\""
    print ""
    for (i = 1; i <= script_count; i++)
        print "#include \"lua/" script[i] ".h\""
    print ""
    print "struct script *const script_list[] = {"
    for (i = 1; i <= script_count; i++)
        print "    &script_" script[i] ","
    print "    NULL,"
    print "};"
}

END {
    if (failed)
        exit 1
    if (mode == "all") {
        print_all()
        exit 0
    }
    if (!key_count && key_tail == "") die("no KEYS line in the header comment")
    if (!has_errors) die("no ERRORS line in the header comment")
    if (key_tail != "" && !key_count && !arg_count) die("an open end of keys needs a numbered argument")
    if (!has_cost) die("no COST line in the header comment")
    if (mode == "header") print_header()
    else print_source()
}

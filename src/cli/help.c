/* What the command line says of itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/commands.h"

#define WORDS_WIDTH 42

/* "invoice create FILE" */
static void add_words(const struct command *command, struct buf *out)
{
    buf_str(out, command->group);
    if (command->name)
        buf_printf(out, " %s", command->name);
    if (*command->arguments)
        buf_printf(out, " %s", command->arguments);
}

/* WORDS in a column, and TEXT beside them. */
static void print_entry(const char *words, const char *text)
{
    char lead[160];

    snprintf(lead, sizeof(lead), "  %-*s ", WORDS_WIDTH, words);
    say_wrapped(lead, text);
}

static void print_options(const char *title, const char *names)
{
    const struct cli_option *option;
    char words[96];
    bool any = false;

    for (option = cli_options; option->name; option++) {
        if (!is_listed(names, option->name))
            continue;
        if (!any)
            printf("\n%s:\n", title);
        any = true;
        snprintf(words, sizeof(words), "--%s%s%s", option->name, option->argument ? "=" : "",
                 option->argument ? option->argument : "");
        print_entry(words, option->help);
    }
}

static void print_exit_codes(void)
{
    char lead[16];
    int code;

    puts("\nExit codes:");
    for (code = 0; code < EXIT_CODES; code++) {
        snprintf(lead, sizeof(lead), "  %d  ", code);
        say_wrapped(lead, exit_helps[code]);
    }
}

/* The commands of GROUP; NULL: all. False: there are none. */
static bool print_commands(const char *group)
{
    const struct command *command;
    struct buf words = BUF_EMPTY;
    bool any = false;

    for (command = commands; command->group; command++) {
        if (group && strcmp(group, command->group) != 0)
            continue;
        if (!any)
            printf("Usage: sluice %s%sCOMMAND [ARGUMENT]... [OPTION]...\n\n", group ? group : "", group ? " " : "");
        any = true;
        buf_reset(&words);
        add_words(command, &words);
        print_entry(buf_text(&words), command->help);
    }
    buf_clear(&words);
    return any;
}

static void print_command(const struct command *command)
{
    struct buf words = BUF_EMPTY;

    add_words(command, &words);
    printf("Usage: sluice %s [OPTION]...\n\n", buf_text(&words));
    say_wrapped("  ", command->help);
    print_options("Options", command->options);
    print_options("Options of all commands", common_options);
    print_exit_codes();
    buf_clear(&words);
}

/* ---- as JSON ---- */

static json_t *options_json(const char *names, const char *more)
{
    json_t *list = json_array(), *row;
    const struct cli_option *option;

    for (option = cli_options; option->name; option++) {
        if (!is_listed(names, option->name) && !is_listed(more, option->name))
            continue;
        row = json_pack("{s:s, s:s}", "name", option->name, "help", option->help);
        if (option->argument)
            json_object_set_new(row, "argument", json_string(option->argument));
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *command_json(const struct command *command)
{
    struct buf usage = BUF_EMPTY;
    json_t *json;

    buf_str(&usage, "sluice ");
    add_words(command, &usage);
    json = json_pack("{s:s, s:s, s:o}", "usage", buf_text(&usage), "help", command->help, "options",
                     options_json(command->options, ""));
    buf_clear(&usage);
    return json;
}

static json_t *exit_codes_json(void)
{
    json_t *json = json_object();
    char name[8];
    int code;

    for (code = 0; code < EXIT_CODES; code++) {
        snprintf(name, sizeof(name), "%d", code);
        json_object_set_new(json, name, json_string(exit_helps[code]));
    }
    return json;
}

/* GROUP NULL: all commands; ONE not NULL: that one. */
static bool print_help_json(const char *group, const struct command *one)
{
    const struct command *command;
    json_t *json = one ? command_json(one) : json_object(), *list = json_array();

    for (command = commands; command->group && !one; command++) {
        if (!group || strcmp(group, command->group) == 0)
            json_array_append_new(list, command_json(command));
    }
    if (!one && json_array_size(list))
        json_object_set(json, "commands", list);
    json_object_set_new(json, "common_options", options_json(common_options, ""));
    json_object_set_new(json, "exit_codes", exit_codes_json());
    if (one || json_array_size(list)) {
        print_json(json);
        group = NULL;
    }
    json_decref(list);
    json_decref(json);
    return !group;
}

/* ---- which ---- */

static bool print_help(int count, char *const *words)
{
    int used;
    const struct command *command = command_find(count, words, &used);
    const char *group = count ? words[0] : NULL;

    if (!command && count > 1)
        return false;
    if (say_is_json())
        return print_help_json(group, command);
    if (command) {
        print_command(command);
        return true;
    }
    if (!print_commands(group))
        return false;
    print_options("Options of all commands", common_options);
    if (!group)
        puts("\nsluice help COMMAND says more of one of them.");
    print_exit_codes();
    return true;
}

bool help_print(int count, char *const *words, bool asked)
{
    if (!asked && !say_is_json())
        dup2(STDERR_FILENO, STDOUT_FILENO);
    return print_help(count, words);
}

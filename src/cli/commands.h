/* The commands, their options and exit codes: one table each, for running, for refusing and for help. */
#ifndef SLUICE_CLI_COMMANDS_H
#define SLUICE_CLI_COMMANDS_H

#include "cli/cli.h"

struct command {
    const char *group, *name; /* name NULL: the group is the command */
    const char *arguments;    /* for help: "FILE" */
    int min, max;             /* words that it takes */
    int (*run)(struct cli *cli);
    const char *options;      /* names, blank between; those that all commands take are not said */
    const char *help;
};

struct cli_option {
    const char *name;
    const char *argument; /* NULL: it has none */
    int key;              /* of getopt_long */
    const char *help;
};

/* Both end with a NULL name or group. */
extern const struct command commands[];
extern const struct cli_option cli_options[];
extern const char *const exit_helps[EXIT_CODES];
/* What every command takes. */
extern const char common_options[];

/* The command that the first of WORDS name, and how many of them do; NULL: there is none. */
const struct command *command_find(int count, char *const *words, int *used);
/* Whether NAME is one of NAMES, blank between. */
bool is_listed(const char *names, const char *name);

/* Help on what WORDS name: nothing (all commands), a group, or a command. To stdout, or, for somebody who did not ask,
 * to stderr. False: there is no such command. */
bool help_print(int count, char *const *words, bool asked);

#endif

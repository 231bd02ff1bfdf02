/* sluice: reads the command line and runs one of the commands. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xmalloc.h"
#include "cli/commands.h"
#include "config.h"

#define OPTIONS_MAX 64

static int number(const char *name, const char *text, long min, long max)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (!*text || *end || value < min || value > max)
        exit(complain(EXIT_USAGE, "--%s must be a whole number within %ld..%ld", name, min, max));
    return (int)value;
}

/* What goes into JSON; a reason must not get lost on the way. */
static const char *utf8(const char *name, const char *text)
{
    json_t *string = json_string(text);

    if (!string)
        exit(complain(EXIT_USAGE, "--%s is no UTF-8", name));
    json_decref(string);
    return text;
}

static void health_assume(struct cli *cli, const char *text, bool down)
{
    if (cli->health_count == CLI_HEALTH_MAX)
        exit(complain(EXIT_USAGE, "--down and --failing can be given %d times", CLI_HEALTH_MAX));
    cli->health[cli->health_count].text = text;
    cli->health[cli->health_count++].down = down;
}

static void option_take(struct cli *cli, int key)
{
    switch (key) {
    case 'a': cli->api = optarg; break;
    case 't': cli->token = optarg; break;
    case 'Y': cli->party = optarg; break;
    case 'r': cli->redis = optarg; break;
    case 'p': cli->partitions = number("partitions", optarg, 1, 1024); break;
    case 'j': cli->json = true; break;
    case 'w':
        cli->wait_s = number("wait", optarg, 0, 60);
        cli->wait_given = true;
        break;
    case 'R': cli->reason = utf8("reason", optarg); break;
    case 's': cli->status = optarg; break;
    case 'l': cli->limit = number("limit", optarg, 1, 1000); break;
    case 'c': cli->cart = optarg; break;
    case 'o': cli->older_s = number("older", optarg, 0, 31622400); break;
    case 'P': cli->partition = number("partition", optarg, 0, 1023); break;
    case 'B': cli->fix = true; break;
    case 'A': cli->all = true; break;
    case 'x': cli->strict = true; break;
    case 'X': cli->force = true; break;
    case 'U': cli->currency = optarg; break;
    case 'Q': cli->adapter = optarg; break;
    case 'V': cli->revision = number("revision", optarg, 1, 2147483647); break;
    case 'D': cli->domain = optarg; break;
    case 'C': cli->compare = optarg; break;
    case 'f': cli->from_feed = number("from-feed", optarg, 1, 1000000); break;
    case 'd': cli->draws = number("draws", optarg, 1, 1000000); break;
    case 'e': cli->seed = number("seed", optarg, 0, 2147483647); break;
    case 'O':
    case 'G': health_assume(cli, optarg, key == 'O'); break;
    case 'S': cli->scenario = optarg; break;
    case 'F': cli->failure = utf8("failure", optarg); break;
    case 'T': cli->trx = utf8("trx", optarg); break;
    case 'K': cli->risk = optarg; break;
    case 'y': cli->yes = true; break;
    case 'n': cli->dry_run = true; break;
    case 'h': cli->help = true; break;
    case 'v': puts("sluice " PACKAGE_VERSION); exit(0);
    default: exit(complain(EXIT_USAGE, "%s is no option, or lacks its value. Try sluice --help.", cli->argv[optind - 1]));
    }
}

/* GIVEN gets the options that were named, by their place in cli_options. */
static void options_read(int argc, char **argv, struct cli *cli, bool given[OPTIONS_MAX])
{
    struct option options[OPTIONS_MAX] = { { .name = NULL } };
    int key, i;

    for (i = 0; cli_options[i].name; i++)
        options[i] = (struct option){ cli_options[i].name, cli_options[i].argument ? required_argument : no_argument, NULL,
                                      cli_options[i].key };
    for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0) /* complaints that come before it are meant, too */
            say_as_json(true);
    }
    cli->api = getenv("SLUICE_API") ? getenv("SLUICE_API") : "http://127.0.0.1:8080";
    cli->token = getenv("SLUICE_TOKEN");
    cli->redis = getenv("SLUICE_REDIS");
    cli->older_s = 60;
    cli->partition = -1;
    cli->limit = 100;
    cli->draws = 100;
    cli->seed = 1;
    cli->argv = argv;
    opterr = 0;
    while ((key = getopt_long(argc, argv, "h", options, &i)) != -1) {
        option_take(cli, key);
        for (i = 0; cli_options[i].name; i++)
            given[i] = given[i] || cli_options[i].key == key;
    }
    cli->argc = argc - optind;
    cli->argv = argv + optind;
}

/* Nothing that was said is passed over in silence. */
static int options_check(const struct command *command, const bool given[OPTIONS_MAX])
{
    int i;

    for (i = 0; cli_options[i].name; i++) {
        if (given[i] && !is_listed(command->options, cli_options[i].name) &&
            !is_listed(common_options, cli_options[i].name))
            return complain(EXIT_USAGE, "%s%s%s takes no --%s", command->group, command->name ? " " : "",
                            command->name ? command->name : "", cli_options[i].name);
    }
    return 0;
}

/* Words that are no command: a group alone gets its help. */
static int no_command(const struct cli *cli)
{
    if (cli->argc <= 1 && help_print(cli->argc, cli->argv, false))
        return EXIT_USAGE;
    return complain(EXIT_USAGE, "there is no command \"%s%s%s\"; try sluice --help", cli->argv[0],
                    cli->argc > 1 ? " " : "", cli->argc > 1 ? cli->argv[1] : "");
}

static int help(const struct cli *cli)
{
    return help_print(cli->argc, cli->argv, true) ? 0 : no_command(cli);
}

int main(int argc, char **argv)
{
    struct cli cli = { 0 };
    bool given[OPTIONS_MAX] = { false };
    const struct command *command;
    int used, code;

    xmalloc_init();
    options_read(argc, argv, &cli, given);
    if (cli.argc > 0 && strcmp(cli.argv[0], "help") == 0) {
        cli.argc--;
        cli.argv++;
        return help(&cli);
    }
    command = command_find(cli.argc, cli.argv, &used);
    if (cli.help) {
        cli.argc = command ? used : cli.argc;
        return help(&cli);
    }
    if (!command)
        return no_command(&cli);
    cli.argc -= used;
    cli.argv += used;
    if (cli.argc < command->min || cli.argc > command->max)
        return complain(EXIT_USAGE, "usage: sluice %s%s%s%s%s", command->group, command->name ? " " : "",
                        command->name ? command->name : "", *command->arguments ? " " : "", command->arguments);
    code = options_check(command, given);
    return code ? code : command->run(&cli);
}

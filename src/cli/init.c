/* sluice init: makes a Redis ready for Sluice. Talks to Redis itself; no daemon is needed. */
#include <event2/event.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "redis/meta.h"
#include "redis/partition.h"

#define CONNECT_MS 5000

struct init {
    struct event_base *base;
    struct client *client;
    int partitions;
    bool asked;
    int code;
};

static void init_done(void *arg, const struct meta_result *result)
{
    struct init *init = arg;

    init->code = result->err == SL_OK ? 0 : result->err == SL_EREFUSED ? EXIT_REFUSED : EXIT_DOWN;
    if (init->code)
        complain(init->code, "%s", *result->message ? result->message : "Redis did not answer");
    else
        printf("This Redis holds a Sluice deployment of %d partitions.\n", result->partitions);
    event_base_loopbreak(init->base);
}

static void init_connected(void *arg, bool up)
{
    struct init *init = arg;

    if (!up || init->asked)
        return;
    init->asked = true;
    meta_init(init->client, init->partitions, init_done, init);
}

int cmd_init(struct cli *cli)
{
    struct timeval limit = { CONNECT_MS / 1000, 0 };
    struct init init = {
        .base = event_base_new(), .code = EXIT_DOWN,
        .partitions = cli->partitions ? cli->partitions : PARTITIONS_DEFAULT,
    };
    const char *why;

    if (client_new(&(struct client_setup){
            .base = init.base, .url = cli->redis ? cli->redis : "redis://127.0.0.1:6379", .name = "sluice",
            .on_state = init_connected, .on_state_arg = &init,
        }, &init.client, &why)) {
        complain(EXIT_USAGE, "%s", why);
        event_base_free(init.base);
        return EXIT_USAGE;
    }
    event_base_loopexit(init.base, &limit);
    event_base_dispatch(init.base);
    if (!init.asked)
        complain(EXIT_DOWN, "Redis at %s cannot be reached", cli->redis ? cli->redis : "redis://127.0.0.1:6379");
    client_free(init.client);
    event_base_free(init.base);
    return init.code;
}

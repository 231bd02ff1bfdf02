/* sluice accept-loss: daemons found that Redis lacks what they had answered for, and wait; this lets them go on
 * without it. Talks to Redis itself: the daemons look there. */
#include <event2/event.h>
#include <stdio.h>

#include "cli/cli.h"
#include "lua/loss.h"
#include "redis/meta.h"

#define CONNECT_MS 5000

struct accepting {
    struct event_base *base;
    struct client *client;
    bool asked;
    int code;
};

static void accepted(void *arg, enum sl_err err, const struct reply *reply)
{
    struct accepting *accepting = arg;
    const char *report = reply_text(reply_at(reply, 1), NULL), *error = reply_text(reply, NULL);

    if (err) {
        accepting->code = err == SL_EREFUSED ? EXIT_REFUSED : EXIT_DOWN;
        fprintf(stderr, "sluice: %s\n", error ? error : "Redis did not answer");
    } else if (reply_i64_or(reply_at(reply, 0), -1) != LUA_LOSS_DONE) {
        accepting->code = EXIT_REFUSED;
        fprintf(stderr, "sluice: no daemon has reported a loss in this Redis; nothing was done\n");
    } else {
        accepting->code = 0;
        printf("Accepted; the daemons go on within a second or two. It was:\n%s\n", report ? report : "");
    }
    event_base_loopbreak(accepting->base);
}

static void connected(void *arg, bool up)
{
    struct accepting *accepting = arg;
    struct lua_loss_keys keys = { slice_of(META_KEY) };
    struct lua_loss_args args = { slice_of(""), slice_of("0") };

    if (!up || accepting->asked)
        return;
    accepting->asked = true;
    lua_loss(accepting->client, &keys, &args, CONNECT_MS, accepted, accepting);
}

int cmd_accept_loss(struct cli *cli)
{
    const char *url = cli->redis ? cli->redis : "redis://127.0.0.1:6379", *why;
    struct timeval limit = { CONNECT_MS / 1000, 0 };
    struct accepting accepting = { .base = event_base_new(), .code = EXIT_DOWN };

    if (client_new(&(struct client_setup){
            .base = accepting.base, .url = url, .name = "sluice", .on_state = connected, .on_state_arg = &accepting,
        }, &accepting.client, &why)) {
        fprintf(stderr, "sluice: %s\n", why);
        event_base_free(accepting.base);
        return EXIT_USAGE;
    }
    event_base_loopexit(accepting.base, &limit);
    event_base_dispatch(accepting.base);
    if (!accepting.asked)
        fprintf(stderr, "sluice: Redis at %s cannot be reached\n", url);
    client_free(accepting.client);
    event_base_free(accepting.base);
    return accepting.code;
}

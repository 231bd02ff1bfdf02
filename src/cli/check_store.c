/* sluice check-store: whether what Redis holds agrees with itself, and with --fix puts right what can be put right. Talks
 * to Redis itself, while daemons work or while none does. */
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/xmalloc.h"
#include "check/walk.h"
#include "cli/cli.h"
#include "redis/meta.h"
#include "redis/script_list.h"

#define CONNECT_MS 5000
#define PAUSE_MS 2   /* between batches of machines: daemons go first */
#define BAR_WIDTH 30

struct check_store {
    const struct cli *cli;
    struct event_base *base;
    struct event *limit; /* to connect */
    struct client *client;
    struct space *space;
    struct walk *walk;
    json_t *list; /* --json */
    int64_t found, fixed;
    bool asked, bar, walked;
    int code;
};

static const char *const rule_names[] = {
    [CHECK_HISTORY] = "history", [CHECK_SNAPSHOT] = "snapshot", [CHECK_WHEEL] = "wheel",   [CHECK_GHOST] = "ghost",
    [CHECK_FAILED] = "failed",   [CHECK_FEED] = "feed",         [CHECK_LEDGER] = "ledger",
};
_Static_assert(SL_COUNT(rule_names) == CHECK_RULES, "every rule has a name");

static const char *const remedies[] = {
    [REMEDY_NONE] = "look at it: nothing can be done by itself",
    [REMEDY_PARK] = "park it as failed",
    [REMEDY_SNAPSHOT] = "drop the snapshot",
    [REMEDY_WHEEL] = "put it on the wheel",
    [REMEDY_FORGET] = "take it off the lists",
    [REMEDY_LIST] = "list it as failed",
    [REMEDY_UNLIST] = "take it off the list",
    [REMEDY_FEED] = "append them to the feed",
    [REMEDY_LEDGER] = "correct the account",
};

static const char *outcome(const struct check_store *check, const struct check_finding *finding, enum sl_err fix)
{
    if (finding->remedy == REMEDY_NONE)
        return "left";
    if (!check->cli->fix || fix == SL_EINVAL)
        return "would be";
    return !fix ? "done" : fix == SL_ECONFLICT ? "has changed since" : "not reached";
}

static void bar_clear(const struct check_store *check)
{
    if (check->bar)
        fputs("\r\033[K", stderr);
}

static void on_found(void *arg, const struct check_finding *finding, enum sl_err fix)
{
    struct check_store *check = arg;
    const char *came = outcome(check, finding, fix);

    check->found++;
    check->fixed += !fix;
    if (check->list) {
        json_array_append_new(check->list, json_pack("{s:s, s:i, s:s, s:s, s:s, s:s}", "rule", rule_names[finding->rule],
                                                     "partition", finding->partition, "subject", finding->subject,
                                                     "text", finding->text, "remedy", remedies[finding->remedy],
                                                     "outcome", came));
        return;
    }
    bar_clear(check);
    printf("%-8s  %s: %s\n          %s: %s\n", rule_names[finding->rule], finding->subject, finding->text,
           remedies[finding->remedy], came);
}

static void on_progress(void *arg, int partition, int64_t done, int64_t count)
{
    struct check_store *check = arg;
    int filled = count > 0 ? (int)(done * BAR_WIDTH / count) : BAR_WIDTH, i;

    if (!check->bar)
        return;
    fprintf(stderr, "\rpartition %d of %d [", partition + 1, space_count(check->space));
    for (i = 0; i < BAR_WIDTH; i++)
        fputc(i < filled ? '#' : '.', stderr);
    fprintf(stderr, "] %" PRId64 " machines", walk_machines(check->walk));
}

static void on_over(void *arg, enum sl_err err, const char *detail)
{
    struct check_store *check = arg;

    bar_clear(check);
    check->walked = true;
    check->code = err ? EXIT_DOWN : check->found > check->fixed ? EXIT_REFUSED : 0;
    if (err)
        complain(EXIT_DOWN, "the check was broken off: %s", detail ? detail : "Redis did not answer");
    event_base_loopbreak(check->base);
}

static void meta_checked(void *arg, const struct meta_result *result)
{
    struct check_store *check = arg;
    int partition = check->cli->partition;

    if (result->err || partition >= result->partitions) {
        check->code = result->err && result->err != SL_EREFUSED && result->err != SL_ENOENT ? EXIT_DOWN : EXIT_REFUSED;
        complain(check->code, "%s", result->err ? *result->message ? result->message : "Redis did not answer"
                                                : "there is no such partition");
        event_base_loopbreak(check->base);
        return;
    }
    check->space = space_new(result->partitions);
    check->walk = walk_new(&(struct walk_setup){
        .base = check->base, .client = check->client, .space = check->space, .partition = partition,
        .fix = check->cli->fix, .pause_ms = PAUSE_MS, .found = on_found, .progress = on_progress, .over = on_over, .arg = check,
    });
}

static void on_connected(void *arg, bool up)
{
    struct check_store *check = arg;

    if (!up && check->asked && !check->walked) {
        complain(EXIT_DOWN, "the connection to Redis was lost");
        event_base_loopbreak(check->base);
    }
    if (!up || check->asked)
        return;
    check->asked = true;
    event_del(check->limit);
    meta_check(check->client, 0, meta_checked, check);
}

static void on_limit(evutil_socket_t fd, short what, void *arg)
{
    struct check_store *check = arg;

    (void)fd;
    (void)what;
    complain(EXIT_DOWN, "Redis at %s cannot be reached", check->cli->redis ? check->cli->redis : "redis://127.0.0.1:6379");
    event_base_loopbreak(check->base);
}

static void report(struct check_store *check)
{
    int64_t machines = check->walk ? walk_machines(check->walk) : 0;

    if (check->list && check->walked) {
        json_t *answer = json_pack("{s:I, s:I, s:I, s:O}", "machines", (json_int_t)machines, "found",
                                   (json_int_t)check->found, "fixed", (json_int_t)check->fixed, "findings", check->list);

        print_json(answer);
        json_decref(answer);
    } else if (check->walked) {
        printf("%" PRId64 " machines: %" PRId64 " findings, %" PRId64 " put right.\n", machines, check->found, check->fixed);
    }
}

int cmd_check_store(struct cli *cli)
{
    struct check_store check = {
        .cli = cli, .base = event_base_new(), .code = EXIT_DOWN, .list = cli->json ? json_array() : NULL,
        .bar = !cli->json && isatty(STDERR_FILENO),
    };
    struct timeval limit = { CONNECT_MS / 1000, 0 };
    const char *why;

    if (client_new(&(struct client_setup){
            .base = check.base, .url = cli->redis ? cli->redis : "redis://127.0.0.1:6379", .name = "sluice check-store",
            .on_state = on_connected, .on_state_arg = &check, .scripts = script_list,
        }, &check.client, &why)) {
        check.code = complain(EXIT_USAGE, "%s", why);
    } else {
        check.limit = evtimer_new(check.base, on_limit, &check);
        event_add(check.limit, &limit);
        event_base_dispatch(check.base);
        report(&check);
        client_free(check.client);
        event_free(check.limit);
    }
    walk_free(check.walk);
    space_free(check.space);
    json_decref(check.list);
    event_base_free(check.base);
    return check.code;
}

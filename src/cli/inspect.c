/* sluice timers, machines, stuck, partitions, health, account, limit: what operators look at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"

/* Prints a list of machines: id and the moment under MOMENT. */
static int list(struct cli *cli, const char *path, const char *moment)
{
    json_t *answer, *entry;
    int code = api_get(cli, path, &answer);
    size_t i;

    if (!code && cli->json)
        print_json(answer);
    else if (!code)
        json_array_foreach(answer, i, entry)
            printf("%s %s:%s\n", json_string_value(json_object_get(entry, moment)),
                   json_string_value(json_object_get(entry, "kind")), json_string_value(json_object_get(entry, "id")));
    json_decref(answer);
    return code;
}

int cmd_timers(struct cli *cli)
{
    return list(cli, "/v1/timers?limit=100", "due");
}

int cmd_machines(struct cli *cli)
{
    const char *status = cli->status ? cli->status : "failed";
    char path[64];

    snprintf(path, sizeof(path), "/v1/machines?status=%.30s", status);
    return list(cli, path, strcmp(status, "failed") == 0 ? "since" : "due");
}

/* Since when, what it is, where it stands, and what is in its way. */
static void print_stuck(const json_t *entry)
{
    const char *since = json_string_value(json_object_get(entry, "since"));
    const char *due = json_string_value(json_object_get(entry, "due"));
    const char *status = json_string_value(json_object_get(entry, "status"));
    const char *activity = json_string_value(json_object_get(entry, "activity"));
    const char *cause = json_string_value(json_object_get(entry, "cause"));
    const char *reason = json_string_value(json_object_get(entry, "reason"));
    bool overdue = status && strcmp(status, "working") == 0;

    printf("%s %-8s %s:%s in %s", since ? since : due ? due : "?", overdue ? "overdue" : status ? status : "?",
           json_string_value(json_object_get(entry, "kind")), json_string_value(json_object_get(entry, "id")),
           activity ? activity : "?");
    if (json_object_get(entry, "attempts"))
        printf(", attempt %lld", (long long)json_integer_value(json_object_get(entry, "attempts")));
    if (cause || reason)
        printf(": %s%s%s", cause ? cause : "", cause && reason ? ": " : "", reason ? reason : "");
    putchar('\n');
}

int cmd_stuck(struct cli *cli)
{
    char path[80];
    json_t *answer, *entry;
    size_t i;
    int code;

    snprintf(path, sizeof(path), "/v1/machines?status=stuck&limit=1000&older=%d", cli->older_s);
    code = api_get(cli, path, &answer);
    if (!code && cli->json)
        print_json(answer);
    else if (!code)
        json_array_foreach(answer, i, entry)
            print_stuck(entry);
    json_decref(answer);
    return code;
}

int cmd_partitions(struct cli *cli)
{
    json_t *answer, *entry;
    int code = api_get(cli, "/v1/partitions", &answer);
    size_t i;

    if (!code && cli->json)
        print_json(answer);
    else if (!code)
        json_array_foreach(answer, i, entry)
            printf("%4lld  {%s}  %lld waiting  %s\n", (long long)json_integer_value(json_object_get(entry, "partition")),
                   json_string_value(json_object_get(entry, "tag")),
                   (long long)json_integer_value(json_object_get(entry, "waiting")),
                   json_string_value(json_object_get(entry, "owner")));
    json_decref(answer);
    return code;
}

/* ---- providers ---- */

static void print_rate(const json_t *provider, const char *kind)
{
    const json_t *service = json_object_get(provider, kind);

    if (service)
        printf("  %s %s (%.1f %% failed)", kind, json_string_value(json_object_get(service, "status")),
               json_number_value(json_object_get(service, "failure_rate")) * 100);
}

int cmd_health(struct cli *cli)
{
    json_t *answer, *provider, *name;
    int code = api_get(cli, "/v1/providers/health", &answer);
    size_t i;

    if (!code && cli->json) {
        print_json(answer);
    } else if (!code) {
        if (!json_is_true(json_object_get(answer, "enabled")))
            puts("The fault detector is off.");
        json_array_foreach(json_object_get(answer, "providers"), i, provider) {
            name = json_object_get(provider, "name");
            printf("%4lld %-20s", (long long)json_integer_value(json_object_get(provider, "provider_id")),
                   name ? json_string_value(name) : "");
            print_rate(provider, "availability");
            print_rate(provider, "conversion");
            putchar('\n');
        }
    }
    json_decref(answer);
    return code;
}

/* ---- accounts ---- */

static void print_account(const struct cli *cli, const json_t *account)
{
    const char *currency = json_string_value(json_object_get(json_object_get(account, "currency"), "symbolic_code"));

    if (cli->json) {
        print_json(account);
        return;
    }
    printf("account %-8lld own %12lld  min %12lld  max %12lld  %s\n",
           (long long)json_integer_value(json_object_get(account, "account_id")),
           (long long)json_integer_value(json_object_get(account, "own_amount")),
           (long long)json_integer_value(json_object_get(account, "min_available_amount")),
           (long long)json_integer_value(json_object_get(account, "max_available_amount")), currency ? currency : "");
}

static int show_account(struct cli *cli, const char *id, bool moved_only)
{
    struct buf path = BUF_EMPTY;
    char *part = path_part(id);
    json_t *account;
    int code;

    buf_printf(&path, "/v1/accounts/%s", part);
    code = api_get(cli, buf_text(&path), &account);
    if (!code && (!moved_only || json_integer_value(json_object_get(account, "own_amount")) ||
                  json_integer_value(json_object_get(account, "min_available_amount")) ||
                  json_integer_value(json_object_get(account, "max_available_amount"))))
        print_account(cli, account);
    json_decref(account);
    buf_clear(&path);
    free(part);
    return code;
}

/* Every account id under NAME in a piece of configuration: "settlement", "guarantee", … */
static void collect(const json_t *json, json_t *ids)
{
    static const char *const names[] = { "settlement", "guarantee", "subagent", "income", "outcome" };
    const char *name;
    json_t *value;
    char text[32];
    size_t i;

    if (json_is_array(json))
        json_array_foreach(json, i, value)
            collect(value, ids);
    if (!json_is_object(json))
        return;
    json_object_foreach((json_t *)(uintptr_t)json, name, value) {
        for (i = 0; json_is_integer(value) && i < sizeof(names) / sizeof(names[0]); i++) {
            if (strcmp(names[i], name) == 0) {
                snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
                json_object_set_new(ids, text, json_true());
            }
        }
        collect(value, ids);
    }
}

static int show_all(struct cli *cli)
{
    json_t *answer, *ids = json_object(), *entry;
    int code = api_get(cli, "/v1/domain", &answer);
    void *next;
    const char *id;

    if (!code)
        collect(json_object_get(json_object_get(answer, "document"), "objects"), ids);
    json_object_foreach_safe(ids, next, id, entry) {
        if (!code)
            code = show_account(cli, id, true);
    }
    json_decref(answer);
    json_decref(ids);
    return code;
}

int cmd_account(struct cli *cli)
{
    if (cli->all)
        return show_all(cli);
    if (cli->argc != 1) {
        fputs("sluice: account takes an id, or --all\n", stderr);
        return EXIT_USAGE;
    }
    return show_account(cli, cli->argv[0], false);
}

/* ---- limits ---- */

/* A counter's name begins with its limit's id. */
int cmd_limit_show(struct cli *cli)
{
    const char *counter = cli->argv[0];
    struct buf path = BUF_EMPTY, id = BUF_EMPTY;
    char *id_part, *counter_part = path_part(counter);
    json_t *answer;
    int code;

    buf_add(&id, counter, strcspn(counter, "/"));
    id_part = path_part(buf_text(&id));
    buf_printf(&path, "/v1/limits/%s?counter=%s", id_part, counter_part);
    code = api_get(cli, buf_text(&path), &answer);
    if (!code && cli->json)
        print_json(answer);
    else if (!code)
        printf("%s %lld\n", counter, (long long)json_integer_value(json_object_get(answer, "value")));
    json_decref(answer);
    free(counter_part);
    free(id_part);
    buf_clear(&id);
    buf_clear(&path);
    return code;
}

/* sluice timers, machines, stuck, daemons, partitions, health, account, limit: what operators look at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/cli.h"

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text ? text : "";
}

static long long number_of(const json_t *object, const char *name)
{
    return (long long)json_integer_value(json_object_get(object, name));
}

/* ---- machines ---- */

/* What people call the KIND of a machine. */
static const char *kind_word(const char *kind)
{
    return strcmp(kind, "inv") == 0 ? "invoice" : strcmp(kind, "tpl") == 0 ? "template" : kind;
}

/* Which columns a list of machines has, from its TITLES. */
static void add_machine(struct table *table, const char *const *titles, const json_t *entry)
{
    const char *status = text_of(entry, "status"), *cause = text_of(entry, "cause"), *reason = text_of(entry, "reason");
    size_t i;

    for (i = 0; titles[i]; i++) {
        if (strcmp(titles[i], "DUE") == 0)
            table_cell(table, "%s", text_of(entry, "due"));
        else if (strcmp(titles[i], "SINCE") == 0)
            table_cell(table, "%s", *text_of(entry, "since") ? text_of(entry, "since") : text_of(entry, "due"));
        else if (strcmp(titles[i], "KIND") == 0)
            table_cell(table, "%s", kind_word(text_of(entry, "kind")));
        else if (strcmp(titles[i], "ID") == 0)
            table_cell(table, "%s", text_of(entry, "id"));
        else if (strcmp(titles[i], "STATUS") == 0)
            table_cell(table, "%s", strcmp(status, "working") == 0 ? "overdue" : status);
        else if (strcmp(titles[i], "IN") == 0)
            table_cell(table, "%s", text_of(entry, "activity"));
        else if (strcmp(titles[i], ">ATTEMPTS") == 0)
            table_cell(table, "%lld", number_of(entry, "attempts"));
        else
            table_cell(table, "%s%s%s", cause, *cause && *reason ? ": " : "", reason);
    }
}

/* Prints the machines at PATH, which has a query; EMPTY if there are none. */
static int list(struct cli *cli, const char *path, const char *const *titles, const char *empty)
{
    struct buf query = BUF_EMPTY;
    struct table *table;
    json_t *answer, *entry;
    size_t i;
    int code;

    buf_printf(&query, "%slimit=%d", path, cli->limit);
    code = api_get(cli, buf_text(&query), &answer);
    buf_clear(&query);
    if (!code && cli->json) {
        print_json(answer);
    } else if (!code) {
        table = table_new(titles);
        json_array_foreach(answer, i, entry)
            add_machine(table, titles, entry);
        table_print_take(table, empty);
        say_cut(json_array_size(answer), cli->limit);
    }
    json_decref(answer);
    return code;
}

static const char *const due_titles[] = { "DUE", "KIND", "ID", "IN", NULL };
static const char *const failed_titles[] = { "SINCE", "KIND", "ID", "IN", "WHY", NULL };
static const char *const retrying_titles[] = { "DUE", "KIND", "ID", "IN", ">ATTEMPTS", "SINCE", "WHY", NULL };
static const char *const stuck_titles[] = { "SINCE", "STATUS", "KIND", "ID", "IN", ">ATTEMPTS", "WHY", NULL };

int cmd_timers(struct cli *cli)
{
    return list(cli, "/v1/timers?", due_titles, "No timer is set.");
}

int cmd_machines(struct cli *cli)
{
    static const struct {
        const char *status, *empty;
        const char *const *titles;
    } rows[] = {
        { "failed", "No machine has failed.", failed_titles },
        { "retrying", "No machine is retrying.", retrying_titles },
        { "waiting", "No machine waits for a timer.", due_titles },
        { "stuck", "Nothing is stuck.", stuck_titles },
    };
    const char *status = cli->status ? cli->status : "failed";
    char *part = path_part(status), path[160];
    size_t i;

    for (i = 0; i + 1 < SL_COUNT(rows) && strcmp(rows[i].status, status) != 0; i++)
        ;
    snprintf(path, sizeof(path), "/v1/machines?status=%.100s&", part);
    free(part);
    return list(cli, path, rows[i].titles, rows[i].empty);
}

int cmd_stuck(struct cli *cli)
{
    char path[80];

    snprintf(path, sizeof(path), "/v1/machines?status=stuck&older=%d&", cli->older_s);
    return list(cli, path, stuck_titles, "Nothing is stuck.");
}

/* The texts of LIST, comma between. */
static void add_texts(struct table *table, const json_t *list)
{
    struct buf text = BUF_EMPTY;
    const json_t *one;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)list, i, one)
        buf_printf(&text, "%s%s", i ? ", " : "", json_string_value(one));
    table_cell(table, "%s", buf_text(&text));
    buf_clear(&text);
}

int cmd_daemons(struct cli *cli)
{
    static const char *const titles[] = { "NAME", "VERSION", "STARTED", "LISTENS ON", "DIFFERS", NULL };
    struct table *table;
    json_t *answer, *entry;
    int code = api_get(cli, "/v1/daemons", &answer);
    size_t i;

    if (!code && cli->json) {
        print_json(answer);
    } else if (!code) {
        table = table_new(titles);
        json_array_foreach(answer, i, entry) {
            table_cell(table, "%s", text_of(entry, "name"));
            table_cell(table, "%s", text_of(entry, "version"));
            table_cell(table, "%s", text_of(entry, "started_at"));
            add_texts(table, json_object_get(entry, "listen"));
            add_texts(table, json_object_get(entry, "differs"));
        }
        table_print_take(table, "No daemon is alive.");
    }
    json_decref(answer);
    return code;
}

int cmd_partitions(struct cli *cli)
{
    static const char *const titles[] = { ">PARTITION", "TAG", ">WAITING", "OWNER", NULL };
    struct table *table;
    json_t *answer, *entry;
    int code = api_get(cli, "/v1/partitions", &answer);
    size_t i;

    if (!code && cli->json) {
        print_json(answer);
    } else if (!code) {
        table = table_new(titles);
        json_array_foreach(answer, i, entry) {
            table_cell(table, "%lld", number_of(entry, "partition"));
            table_cell(table, "{%s}", text_of(entry, "tag"));
            table_cell(table, "%lld", number_of(entry, "waiting"));
            table_cell(table, "%s", text_of(entry, "owner"));
        }
        table_print_take(table, "There are no partitions.");
    }
    json_decref(answer);
    return code;
}

/* ---- providers ---- */

static void add_rate(struct table *table, const json_t *provider, const char *kind)
{
    const json_t *service = json_object_get(provider, kind);

    if (service)
        table_cell(table, "%s (%.1f %% %s)", text_of(service, "status"),
                   json_number_value(json_object_get(service, "failure_rate")) * 100,
                   strcmp(kind, "slowness") == 0 ? "late" : "failed");
    else
        table_cell(table, "%s", "");
}

static int by_provider(const json_t *a, const json_t *b)
{
    long long x = number_of(a, "provider_id"), y = number_of(b, "provider_id");

    return x < y ? -1 : x > y;
}

int cmd_health(struct cli *cli)
{
    static const char *const titles[] = { ">PROVIDER", "NAME", "AVAILABILITY", "CONVERSION", "LATE ANSWERS", NULL };
    json_t *answer, *provider, *sorted;
    int code = api_get(cli, "/v1/providers/health", &answer);
    struct table *table;
    size_t i;

    if (!code && cli->json) {
        print_json(answer);
    } else if (!code && !json_is_true(json_object_get(answer, "enabled"))) {
        puts("The fault detector is off.");
    } else if (!code) {
        table = table_new(titles);
        sorted = json_sorted(json_object_get(answer, "providers"), by_provider);
        json_array_foreach(sorted, i, provider) {
            table_cell(table, "%lld", number_of(provider, "provider_id"));
            table_cell(table, "%s", text_of(provider, "name"));
            add_rate(table, provider, "availability");
            add_rate(table, provider, "conversion");
            add_rate(table, provider, "slowness");
        }
        json_decref(sorted);
        table_print_take(table, "Nothing is known of any provider yet.");
    }
    json_decref(answer);
    return code;
}

/* ---- accounts ---- */

static int account_get(struct cli *cli, const char *id, json_t **account)
{
    struct buf path = BUF_EMPTY;
    char *part = path_part(id);
    int code;

    buf_printf(&path, "/v1/accounts/%s", part);
    code = api_get(cli, buf_text(&path), account);
    buf_clear(&path);
    free(part);
    return code;
}

/* Prints ACCOUNTS, an array. */
static void print_accounts(const struct cli *cli, const json_t *accounts)
{
    static const char *const titles[] = { ">ACCOUNT", ">OWN", ">MIN", ">MAX", "CURRENCY", NULL };
    struct table *table;
    const json_t *account;
    size_t i;

    if (cli->json) {
        print_json(cli->all ? accounts : json_array_get(accounts, 0));
        return;
    }
    table = table_new(titles);
    json_array_foreach((json_t *)(uintptr_t)accounts, i, account) {
        table_cell(table, "%lld", number_of(account, "account_id"));
        table_cell(table, "%lld", number_of(account, "own_amount"));
        table_cell(table, "%lld", number_of(account, "min_available_amount"));
        table_cell(table, "%lld", number_of(account, "max_available_amount"));
        table_cell(table, "%s", text_of(json_object_get(account, "currency"), "symbolic_code"));
    }
    table_print_take(table, "No account has moved.");
}

static bool has_moved(const json_t *account)
{
    return number_of(account, "own_amount") || number_of(account, "min_available_amount") ||
           number_of(account, "max_available_amount");
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

static int by_account(const json_t *a, const json_t *b)
{
    long long x = number_of(a, "account_id"), y = number_of(b, "account_id");

    return x < y ? -1 : x > y;
}

static int show_all(struct cli *cli)
{
    json_t *answer, *ids = json_object(), *found = json_array(), *account, *sorted, *entry;
    int code = api_get(cli, "/v1/domain", &answer);
    void *next;
    const char *id;

    if (!code)
        collect(json_object_get(json_object_get(answer, "document"), "objects"), ids);
    json_object_foreach_safe(ids, next, id, entry) {
        if (code)
            break;
        code = account_get(cli, id, &account);
        if (!code && has_moved(account))
            json_array_append(found, account);
        json_decref(account);
    }
    if (!code) {
        sorted = json_sorted(found, by_account);
        print_accounts(cli, sorted);
        json_decref(sorted);
    }
    json_decref(answer);
    json_decref(ids);
    json_decref(found);
    return code;
}

int cmd_account(struct cli *cli)
{
    json_t *found, *account;
    int code;

    if (cli->all)
        return show_all(cli);
    if (cli->argc != 1)
        return complain(EXIT_USAGE, "account takes an id, or --all");
    code = account_get(cli, cli->argv[0], &account);
    if (!code) {
        found = json_pack("[O]", account);
        print_accounts(cli, found);
        json_decref(found);
    }
    json_decref(account);
    return code;
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

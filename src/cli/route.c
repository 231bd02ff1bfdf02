/* sluice route explain */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/cli.h"

static long long id_of(const json_t *ref)
{
    return (long long)json_integer_value(json_object_get(ref, "id"));
}

/* Appends a score as a person reads it; "-": nobody knows. */
static void add_score(const json_t *scores, const char *name, int width, struct buf *out)
{
    const json_t *value = json_object_get(scores, name);
    char text[32] = "-";

    if (json_is_integer(value))
        snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        snprintf(text, sizeof(text), "%.3f", json_real_value(value));
    buf_printf(out, "  %*s", width, text);
}

static void print_limits(const json_t *limits)
{
    const json_t *limit;
    size_t i;

    json_array_foreach(limits, i, limit) {
        const json_t *of = json_object_get(limit, "limit");
        long long value = (long long)json_integer_value(json_object_get(limit, "value"));
        long long boundary = (long long)json_integer_value(json_object_get(of, "upper_boundary"));

        printf("      limit %s: %lld of %lld%s\n", json_string_value(json_object_get(json_object_get(of, "ref"), "id")),
               value, boundary, value > boundary ? " (exceeded)" : "");
    }
}

static void print_route(const json_t *explained)
{
    const json_t *route = json_object_get(explained, "route"), *scores = json_object_get(explained, "scores");
    const char *why = json_string_value(json_object_get(explained, "rejection_description"));
    struct buf lead = BUF_EMPTY;

    buf_printf(&lead, "%c %8lld  %8lld", json_is_true(json_object_get(explained, "is_chosen")) ? '*' : ' ',
               id_of(json_object_get(route, "provider")), id_of(json_object_get(route, "terminal")));
    add_score(scores, "terminal_priority_rating", 8, &lead);
    add_score(scores, "random_condition", 6, &lead);
    add_score(scores, "availability", 12, &lead);
    add_score(scores, "conversion", 10, &lead);
    buf_str(&lead, "  ");
    say_wrapped(buf_text(&lead), why ? why : "");
    buf_clear(&lead);
    print_limits(json_object_get(explained, "limits"));
}

int cmd_route_explain(struct cli *cli)
{
    struct buf path = BUF_EMPTY;
    char *id = path_part(cli->argv[0]), *pid = path_part(cli->argv[1]);
    json_t *answer;
    const json_t *explained;
    size_t i;
    int code;

    buf_printf(&path, "/v1/invoices/%s/payments/%s/route", id, pid);
    code = api_get(cli, buf_text(&path), &answer);
    free(id);
    free(pid);
    buf_clear(&path);
    if (!code && cli->json) {
        print_json(answer);
    } else if (!code) {
        puts("  provider  terminal  priority  weight  availability  conversion  why");
        json_array_foreach(json_object_get(answer, "explained_routes"), i, explained)
            print_route(explained);
    }
    json_decref(answer);
    return code;
}

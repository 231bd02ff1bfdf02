/* One request at a time to the API, on an event loop of its own. */
#include <errno.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/xmalloc.h"
#include "cli/cli.h"
#include "provider/http_client.h"

#define TIMEOUT_MS 90000
#define BODY_MAX (64 * 1024 * 1024)

struct exchange {
    struct event_base *base;
    enum sl_err err;
    int status;
    char *body;
    char *detail;
};

static void answered(void *arg, uint64_t number, const struct http_result *result)
{
    struct exchange *exchange = arg;

    (void)number;
    exchange->err = result->err;
    exchange->status = result->status;
    exchange->body = result->body ? xstrndup(result->body, result->body_len) : NULL;
    exchange->detail = xstrdup(result->detail ? result->detail : "");
    event_base_loopbreak(exchange->base);
}

/* A member of a problem in a few words: a union that says nothing but its name, an amount; else its JSON. */
static void print_member(const char *name, const json_t *value)
{
    const json_t *only = json_object_size(value) == 1 ? json_object_get(value, variant(value)) : NULL;
    char *json;

    if (json_is_string(value)) {
        fprintf(stderr, "  %s: %s\n", name, json_string_value(value));
    } else if (json_is_object(only) && json_object_size(only) == 0) {
        fprintf(stderr, "  %s: %s\n", name, variant(value));
    } else if (json_object_get(value, "amount") && json_object_get(value, "currency")) {
        fprintf(stderr, "  %s: %lld %s\n", name, (long long)json_integer_value(json_object_get(value, "amount")),
                json_string_value(json_object_get(json_object_get(value, "currency"), "symbolic_code")));
    } else {
        json = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        fprintf(stderr, "  %s: %s\n", name, json);
        free(json);
    }
}

/* Faults by their places; or plain texts, of which the first is the detail. */
static void print_errors(const json_t *errors)
{
    const json_t *error;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)errors, i, error) {
        if (json_object_get(error, "field"))
            fprintf(stderr, "  %s: %s\n", json_string_value(json_object_get(error, "field")),
                    json_string_value(json_object_get(error, "message")));
        else if (i > 0 && json_is_string(error))
            fprintf(stderr, "  %s\n", json_string_value(error));
    }
}

/* All that the API says of a problem. */
static void print_problem(int status, const json_t *problem)
{
    static const char *const said[] = { "type", "title", "status", "error", "detail" };
    const char *error = json_string_value(json_object_get(problem, "error"));
    const char *detail = json_string_value(json_object_get(problem, "detail")), *name;
    const json_t *value;
    size_t i;

    fprintf(stderr, "sluice: %s (%d)%s%s\n", error ? error : "refused", status, detail ? ": " : "", detail ? detail : "");
    json_object_foreach((json_t *)(uintptr_t)problem, name, value) {
        for (i = 0; i < SL_COUNT(said) && strcmp(said[i], name) != 0; i++)
            ;
        if (strcmp(name, "errors") == 0 && json_is_array(value))
            print_errors(value);
        else if (i == SL_COUNT(said))
            print_member(name, value);
    }
}

static int judge(const struct cli *cli, const struct exchange *exchange, json_t **out)
{
    if (exchange->status == 0)
        return complain(EXIT_DOWN, "%s: %s", cli->api, exchange->detail);
    *out = json_loads(exchange->body ? exchange->body : "", JSON_DECODE_ANY, NULL);
    if (exchange->status < 300)
        return 0;
    if (!cli->quiet && say_is_json() && *out)
        print_json(*out);
    else if (!cli->quiet && say_is_json())
        complain(EXIT_REFUSED, "the answer is %d, and no JSON", exchange->status);
    else if (!cli->quiet)
        print_problem(exchange->status, *out);
    return exchange->status == 503 || exchange->status == 504 ? EXIT_DOWN : EXIT_REFUSED;
}

/* Of what a party has, as doc/http-api.md, Whose ids. */
static void add_party(const struct cli *cli, const char *path, struct buf *url)
{
    char *party;

    if (!cli->party || (strncmp(path, "/v1/invoices/", 13) != 0 && strncmp(path, "/v1/invoice-templates/", 22) != 0))
        return;
    party = path_part(cli->party);
    buf_printf(url, "%sparty=%s", strchr(path, '?') ? "&" : "?", party);
    free(party);
}

int api_request(const struct cli *cli, const char *method, const char *path, const char *body, const char *if_match,
                json_t **out)
{
    struct exchange exchange = { .base = event_base_new() };
    struct http_header headers[3];
    struct http_request request = { .method = method, .body = body, .timeout_ms = TIMEOUT_MS };
    struct buf url = BUF_EMPTY, bearer = BUF_EMPTY;
    struct http_client *client = NULL;
    const char *why;
    int code = EXIT_USAGE;

    *out = NULL;
    if (body)
        headers[request.header_count++] = (struct http_header){ "Content-Type", "application/json" };
    if (cli->token) {
        buf_printf(&bearer, "Bearer %s", cli->token);
        headers[request.header_count++] = (struct http_header){ "Authorization", buf_text(&bearer) };
    }
    if (if_match)
        headers[request.header_count++] = (struct http_header){ "If-Match", if_match };
    buf_printf(&url, "%s%s", cli->api, path);
    add_party(cli, path, &url);
    request.url = buf_text(&url);
    request.headers = headers;
    request.body_len = body ? strlen(body) : 0;
    request.repeatable = strcmp(method, "GET") == 0;
    if (http_client_new(&(struct http_client_setup){ .base = exchange.base, .body_max = BODY_MAX }, &client, &why)) {
        complain(EXIT_USAGE, "%s", why);
    } else {
        http_client_send(client, &request, answered, &exchange);
        event_base_dispatch(exchange.base);
        code = judge(cli, &exchange, out);
    }
    http_client_free(client);
    event_base_free(exchange.base);
    buf_clear(&url);
    buf_clear(&bearer);
    free(exchange.body);
    free(exchange.detail);
    return code;
}

int api_get(const struct cli *cli, const char *path, json_t **out)
{
    return api_request(cli, "GET", path, NULL, NULL, out);
}

char *read_file(const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    struct buf text = BUF_EMPTY;
    char chunk[65536];
    bool failed = false;
    size_t got;

    if (!file) {
        complain(EXIT_USAGE, "%s: %s", path, strerror(errno));
        return NULL;
    }
    while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0 && text.len < BODY_MAX)
        buf_add(&text, chunk, got);
    if (ferror(file)) {
        complain(EXIT_USAGE, "%s: %s", path, strerror(errno));
        buf_clear(&text);
        failed = true;
    }
    if (file != stdin)
        fclose(file);
    return failed ? NULL : buf_take(&text);
}

int api_send_file(const struct cli *cli, const char *method, const char *path, const char *file, json_t **out)
{
    char *body = read_file(file);
    int code;

    *out = NULL;
    if (!body)
        return EXIT_USAGE;
    code = api_request(cli, method, path, body, NULL, out);
    free(body);
    return code;
}

char *path_part(const char *part)
{
    return evhttp_uriencode(part, -1, 0);
}

void print_json(const json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
    putchar('\n');
}

const char *variant(const json_t *json)
{
    void *iter = json_is_object(json) ? json_object_iter((json_t *)(uintptr_t)json) : NULL;

    return iter ? json_object_iter_key(iter) : "?";
}

void print_cash(const json_t *cash)
{
    printf("%lld %s", (long long)json_integer_value(json_object_get(cash, "amount")),
           json_string_value(json_object_get(json_object_get(cash, "currency"), "symbolic_code")));
}

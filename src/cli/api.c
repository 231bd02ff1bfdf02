/* One request at a time to the API, on an event loop of its own. */
#include <errno.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
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

static void complain_fields(const json_t *problem)
{
    const json_t *errors = json_object_get(problem, "errors"), *error;
    size_t i;

    json_array_foreach(errors, i, error)
        fprintf(stderr, "  %s: %s\n", json_string_value(json_object_get(error, "field")),
                json_string_value(json_object_get(error, "message")));
}

static int judge(const struct cli *cli, const struct exchange *exchange, json_t **out)
{
    const char *error, *detail;

    if (exchange->status == 0) {
        fprintf(stderr, "sluice: %s: %s\n", cli->api, exchange->detail);
        return EXIT_DOWN;
    }
    *out = json_loads(exchange->body ? exchange->body : "", JSON_DECODE_ANY, NULL);
    if (exchange->status < 300)
        return 0;
    if (cli->quiet)
        return EXIT_REFUSED;
    error = json_string_value(json_object_get(*out, "error"));
    detail = json_string_value(json_object_get(*out, "detail"));
    fprintf(stderr, "sluice: %s (%d)%s%s\n", error ? error : "refused", exchange->status, detail ? ": " : "",
            detail ? detail : "");
    complain_fields(*out);
    if (json_is_string(json_object_get(*out, "details")))
        fprintf(stderr, "  %s\n", json_string_value(json_object_get(*out, "details")));
    return exchange->status == 503 || exchange->status == 504 ? EXIT_DOWN : EXIT_REFUSED;
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
    request.url = buf_text(&url);
    request.headers = headers;
    request.body_len = body ? strlen(body) : 0;
    request.repeatable = strcmp(method, "GET") == 0;
    if (http_client_new(&(struct http_client_setup){ .base = exchange.base, .body_max = BODY_MAX }, &client, &why)) {
        fprintf(stderr, "sluice: %s\n", why);
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
        fprintf(stderr, "sluice: %s: %s\n", path, strerror(errno));
        return NULL;
    }
    while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0 && text.len < BODY_MAX)
        buf_add(&text, chunk, got);
    if (ferror(file)) {
        fprintf(stderr, "sluice: %s: %s\n", path, strerror(errno));
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

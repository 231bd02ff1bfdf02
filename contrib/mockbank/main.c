/* mockbank: the HTTP server, its routes, and faults on the way in and out. */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/rfc3339.h"
#include "base/clock.h"
#include "base/xmalloc.h"
#include "mock.h"

#define BODY_MAX (1024 * 1024)
#define LOG_MAX 20000 /* calls kept */
#define HUGE_BYTES (4 * 1024 * 1024)
#define DRIP_MS 200

/* A call that is being answered: its fault may put things off. */
struct exchange {
    struct mock *mock;
    struct evhttp_request *http;
    char *path, *key, *content;
    const char *target;
    json_t *request;
    struct fault fault;
    struct answer answer;
    char *text; /* of the answer */
    size_t dripped;
    struct event *timer;
};

static void exchange_free(struct exchange *exchange)
{
    if (exchange->timer)
        event_free(exchange->timer);
    json_decref(exchange->request);
    json_decref(exchange->answer.body);
    free(exchange->path);
    free(exchange->key);
    free(exchange->content);
    free(exchange->text);
    free(exchange);
}

static void reply_json(struct evhttp_request *http, int status, const char *text)
{
    struct evbuffer *body = evbuffer_new();

    evhttp_add_header(evhttp_request_get_output_headers(http), "Content-Type", "application/json");
    evbuffer_add(body, text, strlen(text));
    evhttp_send_reply(http, status, NULL, body);
    evbuffer_free(body);
}

static void reply_json_take(struct evhttp_request *http, int status, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);

    reply_json(http, status, text);
    free(text);
    json_decref(json);
}

/* ---- the way out ---- */

static void cut_off(evutil_socket_t fd, short what, void *arg)
{
    struct exchange *exchange = arg;

    (void)fd;
    (void)what;
    evhttp_connection_free(evhttp_request_get_connection(exchange->http));
    exchange_free(exchange);
}

static void after(struct exchange *exchange, int ms, event_callback_fn fn)
{
    struct timeval wait = { ms / 1000, ms % 1000 * 1000 };

    if (exchange->timer)
        event_free(exchange->timer);
    exchange->timer = evtimer_new(exchange->mock->base, fn, exchange);
    event_add(exchange->timer, &wait);
}

static void drip(evutil_socket_t fd, short what, void *arg)
{
    struct exchange *exchange = arg;
    struct evbuffer *chunk = evbuffer_new();

    (void)fd;
    (void)what;
    evbuffer_add(chunk, exchange->text + exchange->dripped, 1);
    evhttp_send_reply_chunk(exchange->http, chunk);
    evbuffer_free(chunk);
    if (exchange->text[++exchange->dripped]) {
        after(exchange, exchange->fault.ms ? exchange->fault.ms : DRIP_MS, drip);
        return;
    }
    evhttp_send_reply_end(exchange->http);
    exchange_free(exchange);
}

static void log_call(struct exchange *exchange)
{
    char at[RFC3339_MAX];

    rfc3339_format(clock_wall_us(), at);
    if (json_array_size(exchange->mock->log) >= LOG_MAX)
        json_array_remove(exchange->mock->log, 0);
    json_array_append_new(exchange->mock->log,
                          json_pack("{s:s,s:s,s:s,s:s,s:i,s:O}", "at", at, "call", exchange->path, "target",
                                    exchange->target, "key", exchange->key, "status", exchange->answer.status, "answer",
                                    exchange->answer.body));
}

static void exchange_end(struct exchange *exchange)
{
    exchange->text = json_dumps(exchange->answer.body, JSON_COMPACT);
    log_call(exchange);
    switch ((int)exchange->fault.kind) {
    case FAULT_LOST_AFTER: after(exchange, 0, cut_off); return;
    case FAULT_GARBAGE: reply_json(exchange->http, 200, "{\"intent\": {\"finish\": garbage"); break;
    case FAULT_HUGE_BODY:
        exchange->text = xrealloc(exchange->text, HUGE_BYTES + 1);
        memset(exchange->text, ' ', HUGE_BYTES);
        exchange->text[HUGE_BYTES] = '\0';
        reply_json(exchange->http, 200, exchange->text);
        break;
    case FAULT_SLOW_DRIP:
        evhttp_send_reply_start(exchange->http, exchange->answer.status, NULL);
        drip(-1, 0, exchange);
        return;
    default: reply_json(exchange->http, exchange->answer.status, exchange->text);
    }
    exchange_free(exchange);
}

/* ---- the way in ---- */

static void exchange_run(struct exchange *exchange)
{
    struct mock *mock = exchange->mock;
    const char *path = exchange->path;

    if (strcmp(path, "/provider/process_payment") == 0)
        exchange->answer = provider_process(mock, exchange->request, exchange->key, exchange->content);
    else if (strcmp(path, "/provider/handle_payment_callback") == 0)
        exchange->answer = provider_callback(mock, exchange->request, exchange->key, exchange->content);
    else if (strcmp(path, "/inspector/inspect_payment") == 0)
        exchange->answer = inspect_payment(mock, exchange->request);
    else
        exchange->answer = inspect_blacklist(exchange->request);
    exchange_end(exchange);
}

static void run_later(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    exchange_run(arg);
}

static const char *target_of(const char *path, const json_t *request)
{
    const json_t *context = json_object_get(request, "context") ? json_object_get(request, "context") : request;
    const json_t *target = json_object_get(json_object_get(context, "session"), "target");
    void *iter = json_is_object(target) ? json_object_iter((json_t *)(uintptr_t)target) : NULL;

    if (strncmp(path, "/inspector", 10) == 0)
        return "inspect";
    return iter ? json_object_iter_key(iter) : "";
}

/* An inspector with a link state that nobody knows answers after everybody has gone. */
static int natural_delay_ms(const struct exchange *exchange)
{
    const char *state = json_string_value(json_object_get(json_object_get(exchange->request, "options"), "link_state"));
    const char *sleep_ms = json_string_value(json_object_get(json_object_get(exchange->request, "options"), "sleep_ms"));

    if (strcmp(exchange->path, "/inspector/inspect_payment") == 0 && state && strcmp(state, "unexpected_failure") != 0 &&
        strcmp(state, "temporary_failure") != 0)
        return (int)(10000 * exchange->mock->time_scale);
    if (sleep_ms && strcmp(exchange->path, "/provider/process_payment") == 0)
        return (int)(strtod(sleep_ms, NULL) * exchange->mock->time_scale);
    return 0;
}

static void exchange_begin(struct mock *mock, struct evhttp_request *http, const char *path)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(http);
    size_t len = evbuffer_get_length(input);
    const char *key = evhttp_find_header(evhttp_request_get_input_headers(http), "Idempotency-Key");
    struct exchange *exchange = xcalloc(1, sizeof(*exchange));
    int delay_ms;

    exchange->mock = mock;
    exchange->http = http;
    exchange->path = xstrdup(path);
    exchange->key = xstrdup(key ? key : "");
    exchange->content = xstrndup(len ? (const char *)evbuffer_pullup(input, -1) : "", len);
    exchange->request = json_loadb(exchange->content, len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(exchange->request) || !key || !*key) {
        reply_json(http, 400, "{\"error\":\"the body must be a JSON object, and an Idempotency-Key is needed\"}");
        exchange_free(exchange);
        return;
    }
    exchange->target = target_of(path, exchange->request);
    exchange->fault = faults_take(mock->faults, exchange->target, false);
    delay_ms = exchange->fault.kind == FAULT_DELAY ? exchange->fault.ms : natural_delay_ms(exchange);
    if (exchange->fault.kind == FAULT_RESET_BEFORE) {
        after(exchange, 0, cut_off);
    } else if (exchange->fault.kind == FAULT_STATUS_500 || exchange->fault.kind == FAULT_STATUS_503) {
        exchange->answer = (struct answer){ exchange->fault.kind == FAULT_STATUS_503 ? 503 : 500,
                                            json_pack("{s:s}", "error", "on demand") };
        exchange->fault.kind = FAULT_NONE;
        exchange_end(exchange);
    } else if (delay_ms > 0) {
        after(exchange, delay_ms, run_later);
    } else {
        exchange_run(exchange);
    }
}

static void faults_post(struct mock *mock, struct evhttp_request *http)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(http);
    size_t len = evbuffer_get_length(input);
    json_t *wish = json_loadb(len ? (const char *)evbuffer_pullup(input, -1) : "", len, 0, NULL);
    const char *why = "the body must be a JSON object";

    if (json_is_object(wish) && faults_add(mock->faults, wish, &why))
        reply_json(http, 200, "{}");
    else
        reply_json_take(http, 400, json_pack("{s:s}", "error", why));
    json_decref(wish);
}

static void control(struct mock *mock, struct evhttp_request *http, const char *path, int method)
{
    if (strcmp(path, "/healthz") == 0) {
        reply_json(http, 200, "{\"status\":\"alive\"}");
    } else if (strcmp(path, "/book") == 0) {
        reply_json_take(http, 200, book_show(mock->book));
    } else if (strcmp(path, "/log") == 0) {
        reply_json_take(http, 200, json_incref(mock->log)); /* dropped by the reply */
    } else if (strcmp(path, "/faults") == 0 && method == EVHTTP_REQ_POST) {
        faults_post(mock, http);
    } else if (strcmp(path, "/faults") == 0 && method == EVHTTP_REQ_DELETE) {
        faults_clear(mock->faults);
        reply_json(http, 200, "{}");
    } else if (strcmp(path, "/reset") == 0 && method == EVHTTP_REQ_POST) {
        faults_clear(mock->faults);
        book_reset(mock->book);
        json_array_clear(mock->log);
        json_object_clear(mock->confirmed);
        json_object_clear(mock->polls);
        reply_json(http, 200, "{}");
    } else {
        reply_json(http, 404, "{\"error\":\"not found\"}");
    }
}

static void request_begin(struct evhttp_request *http, void *arg)
{
    static const char *const calls[] = {
        "/provider/process_payment", "/provider/handle_payment_callback", "/inspector/inspect_payment",
        "/inspector/is_blacklisted",
    };
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(http);
    const char *path = uri && evhttp_uri_get_path(uri) ? evhttp_uri_get_path(uri) : "/";
    int method = evhttp_request_get_command(http);
    size_t i;

    for (i = 0; i < SL_COUNT(calls); i++) {
        if (strcmp(calls[i], path) == 0 && method == EVHTTP_REQ_POST) {
            exchange_begin(arg, http, path);
            return;
        }
    }
    if (strcmp(path, "/form") == 0 && method == EVHTTP_REQ_POST)
        form_post(arg, http);
    else if (strcmp(path, "/form") == 0)
        evhttp_send_reply(http, 405, NULL, NULL);
    else
        control(arg, http, path, method);
}

/* ---- life ---- */

static void told_to_stop(evutil_socket_t number, short what, void *arg)
{
    struct mock *mock = arg;

    (void)number;
    (void)what;
    event_base_loopbreak(mock->base);
}

static int listen_on(struct evhttp *http, int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct evhttp_bound_socket *bound;
    socklen_t len = sizeof(address);

    bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", (uint16_t)port);
    if (!bound || getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &len) != 0)
        return 0;
    return ntohs(address.sin_port);
}

static const struct option table[] = {
    { "port", required_argument, NULL, 'p' },    { "book", required_argument, NULL, 'b' },
    { "service", required_argument, NULL, 's' }, { "token", required_argument, NULL, 't' },
    { "time-scale", required_argument, NULL, 'x' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
};

int main(int argc, char **argv)
{
    struct mock mock = { .port = 8090, .time_scale = 1 };
    const char *book = NULL;
    struct event *term, *interrupt;
    struct evhttp *http;
    int option;

    xmalloc_init();
    while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
        switch (option) {
        case 'p': mock.port = atoi(optarg); break;
        case 'b': book = optarg; break;
        case 's': mock.service = optarg; break;
        case 't': mock.token = optarg; break;
        case 'x': mock.time_scale = strtod(optarg, NULL); break;
        default:
            fputs("Usage: mockbank [--port=N] [--book=FILE] [--service=URL [--token=T]] [--time-scale=F]\n",
                  option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    signal(SIGPIPE, SIG_IGN);
    mock.base = event_base_new();
    mock.book = book_new(book);
    mock.faults = faults_new();
    mock.log = json_array();
    mock.confirmed = json_object();
    mock.polls = json_object();
    http = evhttp_new(mock.base);
    evhttp_set_max_body_size(http, BODY_MAX);
    evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE);
    evhttp_set_gencb(http, request_begin, &mock);
    mock.port = listen_on(http, mock.port);
    if (!mock.port) {
        fprintf(stderr, "mockbank: cannot listen: %s\n", strerror(errno));
        return 1;
    }
    term = evsignal_new(mock.base, SIGTERM, told_to_stop, &mock);
    interrupt = evsignal_new(mock.base, SIGINT, told_to_stop, &mock);
    event_add(term, NULL);
    event_add(interrupt, NULL);
    printf("mockbank listening on 127.0.0.1:%d\n", mock.port);
    fflush(stdout);
    event_base_dispatch(mock.base);
    evhttp_free(http);
    event_free(term);
    event_free(interrupt);
    book_free(mock.book);
    faults_free(mock.faults);
    json_decref(mock.log);
    json_decref(mock.confirmed);
    json_decref(mock.polls);
    event_base_free(mock.base);
    return 0;
}

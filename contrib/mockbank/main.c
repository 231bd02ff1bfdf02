/* mockbank: the HTTP server, its routes, and faults on the way in and out. A call goes
 *
 *     begin -> [fault: closed, 500, 503, delay] -> [ask for the payment] -> run -> [delay] -> end -> [fault] -> gone
 *
 * and nothing is done to the books before run, nor left out after it. */
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
#include <utlist.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rfc3339.h"
#include "base/xmalloc.h"
#include "mock.h"

#define BODY_MAX (1024 * 1024)
#define LOG_MAX 20000 /* calls kept */
#define HUGE_BYTES (4 * 1024 * 1024)
#define DRIP_MS 200 /* between two bytes */
#define KEY_MAX 1024
#define TIME_SCALE_MAX 1000

static bool is_plain(const char *text)
{
    for (; *text; text++) {
        if (*text < ' ' || *text > '~')
            return false;
    }
    return true;
}

/* A call that is being answered: its fault may put things off. */
struct exchange {
    struct mock *mock;
    struct evhttp_request *http;
    char *path, *key, *content;
    const char *target;
    char *state; /* of the session, as text, for the log */
    json_t *request;
    struct fault fault;
    struct answer answer;
    char *text; /* of the answer */
    size_t dripped;
    struct event *timer;
    struct exchange *prev, *next; /* of mock.exchanges */
};

static void exchange_free(struct exchange *exchange)
{
    DL_DELETE(exchange->mock->exchanges, exchange);
    if (exchange->timer)
        event_free(exchange->timer);
    json_decref(exchange->request);
    json_decref(exchange->answer.body);
    free(exchange->path);
    free(exchange->key);
    free(exchange->content);
    free(exchange->state);
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
    struct evhttp_connection *connection = evhttp_request_get_connection(exchange->http);

    (void)fd;
    (void)what;
    if (connection)
        evhttp_connection_free(connection);
    else /* the caller went first */
        evhttp_request_free(exchange->http);
    exchange_free(exchange);
}

static void after(struct exchange *exchange, int64_t ms, event_callback_fn fn)
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

/* What the adapter's option "provider" says, for who runs several providers on one bank; NULL: nothing. */
static const char *provider_of(const struct exchange *exchange)
{
    return json_string_value(json_object_get(json_object_get(exchange->request, "options"), "provider"));
}

static void log_call(struct exchange *exchange)
{
    char at[RFC3339_MAX];

    rfc3339_format(clock_wall_us(), at);
    if (json_array_size(exchange->mock->log) >= LOG_MAX)
        json_array_remove(exchange->mock->log, 0);
    json_array_append_new(exchange->mock->log,
                          json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s?,s:i,s:O?}", "at", at, "call", exchange->path, "target",
                                    exchange->target, "state", exchange->state, "key", exchange->key, "fault",
                                    fault_name(exchange->fault.kind), "provider", provider_of(exchange), "status", exchange->answer.status, "answer",
                                    exchange->answer.body));
}

static void exchange_end(struct exchange *exchange)
{
    exchange->text = json_dumps(exchange->answer.body, JSON_COMPACT);
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

static void exchange_answered(struct exchange *exchange);
static void end_later(evutil_socket_t fd, short what, void *arg);

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
    exchange_answered(exchange);
}

/* Here, and in the calls before, the answer is settled; what is left is when and how it leaves. */
static void exchange_answered(struct exchange *exchange)
{
    log_call(exchange);
    if (exchange->answer.delay_ms > 0)
        after(exchange, exchange->answer.delay_ms, end_later);
    else
        exchange_end(exchange);
}

static void end_later(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    exchange_end(arg);
}

static void payment_seen(void *arg, int status)
{
    struct exchange *exchange = arg;

    if (status == 200) {
        exchange_run(exchange);
        return;
    }
    /* Nothing was done and nothing is kept, so the callback may come again. */
    exchange->answer.status = status == 0 || status >= 500 ? 503 : 500;
    exchange->answer.body = json_pack("{s:s,s:i}", "error", "the service does not show the payment", "status", status);
    exchange_answered(exchange);
}

static void exchange_start(struct exchange *exchange)
{
    char tag[NAME_BYTES];

    if (strcmp(exchange->path, "/provider/handle_payment_callback") == 0 &&
        provider_asks_payment(exchange->mock, exchange->request, exchange->key, tag))
        service_get_payment(exchange->mock, tag, payment_seen, exchange);
    else
        exchange_run(exchange);
}

static void start_later(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    exchange_start(arg);
}

static const char *target_of(const char *path, const json_t *request)
{
    const json_t *context = json_object_get(request, "context") ? json_object_get(request, "context") : request;
    const json_t *target = json_object_get(json_object_get(context, "session"), "target");
    void *iter = json_is_object(target) ? json_object_iter((json_t *)(uintptr_t)target) : NULL;

    if (strncmp(path, "/inspector", 10) == 0)
        return strcmp(path, "/inspector/is_blacklisted") == 0 ? "blacklist" : "inspect";
    return iter ? json_object_iter_key(iter) : "";
}

/* What our own call before left in the session; "" if that is no text. */
static char *state_of(const json_t *request)
{
    const json_t *context = json_object_get(request, "context") ? json_object_get(request, "context") : request;
    const char *encoded = json_string_value(json_object_get(json_object_get(context, "session"), "state"));
    size_t len;
    char *text = base64_decode(encoded ? encoded : "", &len);

    if (strlen(text) != len || !is_plain(text))
        *text = '\0';
    return text;
}

/* Keys go into the book and the log as text. */
static bool is_key(const char *key)
{
    return key && *key && strlen(key) <= KEY_MAX && is_plain(key);
}

/* The answers that are given without doing anything; false: this is no such case. */
static bool exchange_struck(struct exchange *exchange)
{
    switch ((int)exchange->fault.kind) {
    case FAULT_RESET_BEFORE:
        log_call(exchange);
        after(exchange, 0, cut_off);
        return true;
    case FAULT_STATUS_500: exchange->answer.status = 500; break;
    case FAULT_STATUS_503: exchange->answer.status = 503; break;
    default: return false;
    }
    exchange->answer.body = json_pack("{s:s}", "error", "on demand");
    exchange_answered(exchange);
    return true;
}

/* The same key says the same to another path in vain: the path is part of what is compared. */
static char *content_of(const char *path, const json_t *request)
{
    char *text = json_dumps(request, JSON_COMPACT | JSON_SORT_KEYS);
    struct buf content = BUF_EMPTY;

    buf_printf(&content, "%s %s", path, text);
    free(text);
    return buf_take(&content);
}

static void exchange_begin(struct mock *mock, struct evhttp_request *http, const char *path)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(http);
    size_t len = evbuffer_get_length(input);
    const char *key = evhttp_find_header(evhttp_request_get_input_headers(http), "Idempotency-Key");
    json_t *request = json_loadb(len ? (const char *)evbuffer_pullup(input, -1) : "", len, JSON_REJECT_DUPLICATES, NULL);
    struct exchange *exchange;

    if (!json_is_object(request) || !is_key(key)) {
        reply_json(http, 400, is_key(key) ? "{\"error\":\"the body must be a JSON object\"}" :
                                            "{\"error\":\"an Idempotency-Key of printable ASCII is needed\"}");
        json_decref(request);
        return;
    }
    evhttp_add_header(evhttp_request_get_output_headers(http), "Idempotency-Key", key); /* whose answer it is */
    exchange = xcalloc(1, sizeof(*exchange));
    DL_APPEND(mock->exchanges, exchange);
    exchange->mock = mock;
    exchange->http = http;
    exchange->path = xstrdup(path);
    exchange->key = xstrdup(key);
    exchange->request = request;
    exchange->content = content_of(path, request);
    exchange->state = state_of(request);
    exchange->target = target_of(path, request);
    exchange->fault = faults_take(mock->faults, FAULT_AT_CALL, exchange->target);
    if (exchange_struck(exchange))
        return;
    if (exchange->fault.kind == FAULT_DELAY)
        after(exchange, exchange->fault.ms, start_later);
    else
        exchange_start(exchange);
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

/* The calls that are not answered yet. */
static json_t *under_way(const struct mock *mock)
{
    const struct exchange *exchange;
    json_t *list = json_array();

    DL_FOREACH(mock->exchanges, exchange)
        json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "call", exchange->path, "target", exchange->target, "key",
                                              exchange->key));
    return list;
}

static void control(struct mock *mock, struct evhttp_request *http, const char *path, int method)
{
    if (strcmp(path, "/healthz") == 0) {
        reply_json(http, 200, "{\"status\":\"alive\"}");
    } else if (strcmp(path, "/book") == 0) {
        reply_json_take(http, 200, book_show(mock->book));
    } else if (strcmp(path, "/log") == 0) {
        reply_json_take(http, 200, json_incref(mock->log)); /* dropped by the reply */
    } else if (strcmp(path, "/under-way") == 0) {
        reply_json_take(http, 200, under_way(mock));
    } else if (strcmp(path, "/faults") == 0 && method == EVHTTP_REQ_POST) {
        faults_post(mock, http);
    } else if (strcmp(path, "/faults") == 0 && method == EVHTTP_REQ_DELETE) {
        faults_clear(mock->faults);
        reply_json(http, 200, "{}");
    } else if (strcmp(path, "/reset") == 0 && method == EVHTTP_REQ_POST) {
        faults_clear(mock->faults);
        book_reset(mock->book);
        json_array_clear(mock->log);
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
    else if (strcmp(path, "/acs") == 0 && method == EVHTTP_REQ_GET)
        form_get(arg, http);
    else if (strcmp(path, "/form") == 0 || strcmp(path, "/acs") == 0)
        evhttp_send_reply(http, 405, NULL, NULL);
    else
        control(arg, http, path, method);
}

/* ---- life ---- */

static void exchanges_drop(struct mock *mock)
{
    struct exchange *exchange, *next;

    DL_FOREACH_SAFE(mock->exchanges, exchange, next) {
        if (!evhttp_request_get_connection(exchange->http)) /* the others go with their connections */
            evhttp_request_free(exchange->http);
        exchange_free(exchange);
    }
}

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

static const char usage[] =
    "Usage: mockbank [--port=N] [--book=FILE] [--service=URL [--token=T]] [--time-scale=F]\n";

static bool number_in(const char *text, double max, double *out)
{
    char *end;

    *out = strtod(text, &end);
    return end != text && !*end && *out >= 0 && *out <= max;
}

int main(int argc, char **argv)
{
    bool fine = true;
    double number = 0;
    struct mock mock = { .port = 8090, .time_scale = 1 };
    const char *book = NULL;
    struct event *term, *interrupt;
    struct evhttp *http;
    int option;

    xmalloc_init();
    while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
        switch (option) {
        case 'p': fine = number_in(optarg, 65535, &number); mock.port = (int)number; break;
        case 'b': book = optarg; break;
        case 's': mock.service = optarg; break;
        case 't': mock.token = optarg; break;
        case 'x': fine = number_in(optarg, TIME_SCALE_MAX, &mock.time_scale); break;
        default: fine = false;
        }
        if (!fine) {
            fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    if (optind < argc) {
        fputs(usage, stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    mock.base = event_base_new();
    mock.book = book_new(book);
    mock.faults = faults_new();
    mock.log = json_array();
    http = evhttp_new(mock.base);
    evhttp_set_max_body_size(http, BODY_MAX);
    evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_HEAD |
                                         EVHTTP_REQ_PATCH | EVHTTP_REQ_OPTIONS);
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
    exchanges_drop(&mock);
    evhttp_free(http);
    event_free(term);
    event_free(interrupt);
    book_free(mock.book);
    faults_free(mock.faults);
    json_decref(mock.log);
    callbacks_forget(&mock);
    event_base_free(mock.base);
    return 0;
}

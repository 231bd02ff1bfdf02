/* Calls from the bank to the service: callbacks, and questions about a payment. */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/rfc3339.h"
#include "base/xmalloc.h"
#include "mock.h"

#define SERVICE_TIMEOUT_S 60
#define EARLY_MS 50 /* how long the answer waits behind its early callback */
#define LATE_MS 200 /* how long after its wait a late callback comes */

struct service_call {
    service_done_fn done;
    void *arg;
};

static void service_done(struct evhttp_request *http, void *arg)
{
    struct service_call *call = arg;

    if (call->done)
        call->done(call->arg, http ? evhttp_request_get_response_code(http) : 0);
    free(call);
}

static void headers_add(const struct mock *mock, struct evhttp_request *http, const char *host, int port)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(http);
    char text[800];

    snprintf(text, sizeof(text), "%s:%d", host, port);
    evhttp_add_header(headers, "Host", text);
    evhttp_add_header(headers, "Connection", "close");
    evhttp_add_header(headers, "Content-Type", "application/json");
    if (mock->token) {
        snprintf(text, sizeof(text), "Bearer %s", mock->token);
        evhttp_add_header(headers, "Authorization", text);
    }
}

/* {service}/v1/provider/{WHAT}/{TAG}; BODY NULL: a GET. */
static void service_call(struct mock *mock, const char *what, const char *tag, const char *body, service_done_fn done,
                         void *arg)
{
    struct evhttp_uri *uri = mock->service ? evhttp_uri_parse(mock->service) : NULL;
    struct service_call *call = xcalloc(1, sizeof(*call));
    const char *host = uri ? evhttp_uri_get_host(uri) : NULL;
    int port = uri && evhttp_uri_get_port(uri) > 0 ? evhttp_uri_get_port(uri) : 80;
    char *tag_text = evhttp_uriencode(tag, -1, 0), path[NAME_BYTES * 3 + 64];
    struct evhttp_connection *connection;
    struct evhttp_request *http;

    call->done = done;
    call->arg = arg;
    if (!host) {
        fprintf(stderr, "mockbank: no usable --service to call\n");
        service_done(NULL, call);
    } else {
        connection = evhttp_connection_base_new(mock->base, NULL, host, (uint16_t)port);
        evhttp_connection_free_on_completion(connection);
        evhttp_connection_set_timeout(connection, SERVICE_TIMEOUT_S);
        http = evhttp_request_new(service_done, call);
        headers_add(mock, http, host, port);
        if (body)
            evbuffer_add(evhttp_request_get_output_buffer(http), body, strlen(body));
        snprintf(path, sizeof(path), "/v1/provider/%s/%s", what, tag_text);
        evhttp_make_request(connection, http, body ? EVHTTP_REQ_POST : EVHTTP_REQ_GET, path);
    }
    if (uri)
        evhttp_uri_free(uri);
    free(tag_text);
}

void service_callback(struct mock *mock, const char *tag, const char *payload, service_done_fn done, void *arg)
{
    char *encoded = base64_encode(payload, strlen(payload));
    struct buf body = BUF_EMPTY;

    buf_printf(&body, "{\"payload\":\"%s\"}", encoded); /* base64 needs no escapes */
    service_call(mock, "callbacks", tag, buf_text(&body), done, arg);
    free(encoded);
    buf_clear(&body);
}

void service_get_payment(struct mock *mock, const char *tag, service_done_fn done, void *arg)
{
    service_call(mock, "payments", tag, NULL, done, arg);
}

/* ---- callbacks that nobody posted ---- */

struct late {
    struct late *prev, *next; /* mock->late */
    struct mock *mock;
    char *tag;
    struct event *due;
};

static void late_free(struct late *late)
{
    DL_DELETE(late->mock->late, late);
    event_free(late->due);
    free(late->tag);
    free(late);
}

void callbacks_forget(struct mock *mock)
{
    while (mock->late)
        late_free(mock->late);
}

static void late_is_due(evutil_socket_t fd, short what, void *arg)
{
    struct late *late = arg;

    (void)fd;
    (void)what;
    service_callback(late->mock, late->tag, late->tag, NULL, NULL);
    late_free(late);
}

/* Until the wait that SUSPEND asks for is over. */
static int64_t wait_ms(const json_t *suspend)
{
    const json_t *timeout = json_object_get(suspend, "timeout");
    const char *deadline = json_string_value(json_object_get(timeout, "deadline"));
    int64_t at_us;

    if (deadline && rfc3339_parse(deadline, &at_us))
        return at_us > clock_wall_us() ? (at_us - clock_wall_us()) / 1000 : 0;
    return json_integer_value(json_object_get(timeout, "timeout")) * 1000;
}

int64_t callbacks_around(struct mock *mock, const char *target, const json_t *suspend)
{
    const char *tag = json_string_value(json_object_get(suspend, "tag"));
    struct fault fault = faults_take(mock->faults, FAULT_AT_SUSPEND, target);
    struct timeval when;
    struct late *late;
    int64_t ms;

    if (fault.kind == FAULT_EARLY_CALLBACK) {
        service_callback(mock, tag, tag, NULL, NULL);
        return fault.ms ? fault.ms : EARLY_MS;
    }
    if (fault.kind == FAULT_LATE_CALLBACK) {
        late = xcalloc(1, sizeof(*late));
        late->mock = mock;
        late->tag = xstrdup(tag);
        ms = wait_ms(suspend) + (fault.ms ? fault.ms : LATE_MS);
        when = (struct timeval){ ms / 1000, ms % 1000 * 1000 };
        late->due = evtimer_new(mock->base, late_is_due, late);
        evtimer_add(late->due, &when);
        DL_APPEND(mock->late, late);
    }
    return 0;
}

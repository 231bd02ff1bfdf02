/* Calls from the bank to the service. */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/xmalloc.h"
#include "mock.h"

struct service_call {
    struct evhttp_connection *connection;
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

void service_callback(struct mock *mock, const char *tag, const char *payload, service_done_fn done, void *arg)
{
    struct evhttp_uri *uri = mock->service ? evhttp_uri_parse(mock->service) : NULL;
    struct service_call *call = xcalloc(1, sizeof(*call));
    char *encoded = base64_encode(payload, strlen(payload)), *tag_text = evhttp_uriencode(tag, -1, 0), host[300], path[800];
    struct evhttp_request *http;
    struct evkeyvalq *headers;

    call->done = done;
    call->arg = arg;
    if (!uri || !evhttp_uri_get_host(uri)) {
        fprintf(stderr, "mockbank: no usable --service to send callbacks to\n");
        service_done(NULL, call);
        goto out;
    }
    call->connection = evhttp_connection_base_new(mock->base, NULL, evhttp_uri_get_host(uri),
                                                  (uint16_t)(evhttp_uri_get_port(uri) > 0 ? evhttp_uri_get_port(uri) : 80));
    evhttp_connection_free_on_completion(call->connection);
    evhttp_connection_set_timeout(call->connection, 60);
    http = evhttp_request_new(service_done, call);
    headers = evhttp_request_get_output_headers(http);
    snprintf(host, sizeof(host), "%s:%d", evhttp_uri_get_host(uri), evhttp_uri_get_port(uri));
    evhttp_add_header(headers, "Host", host);
    evhttp_add_header(headers, "Connection", "close");
    evhttp_add_header(headers, "Content-Type", "application/json");
    if (mock->token) {
        snprintf(path, sizeof(path), "Bearer %s", mock->token);
        evhttp_add_header(headers, "Authorization", path);
    }
    evbuffer_add_printf(evhttp_request_get_output_buffer(http), "{\"payload\":\"%s\"}", encoded);
    snprintf(path, sizeof(path), "/v1/provider/callbacks/%s", tag_text);
    evhttp_make_request(call->connection, http, EVHTTP_REQ_POST, path);
out:
    if (uri)
        evhttp_uri_free(uri);
    free(encoded);
    free(tag_text);
}

/* The payer's pages: what a browser would post. */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "mock.h"

struct form {
    struct mock *mock;
    struct evhttp_request *http;
    char *tag, *payload;
    bool twice;
};

static void form_answer(struct evhttp_request *http, int status)
{
    evhttp_add_header(evhttp_request_get_output_headers(http), "Content-Type", "text/plain");
    evhttp_send_reply(http, status, NULL, NULL);
}

static void form_delivered(void *arg, int status)
{
    struct form *form = arg;

    if (form->twice) { /* a second time, whatever came of the first */
        form->twice = false;
        service_callback(form->mock, form->tag, form->payload, form_delivered, form);
        return;
    }
    /* 400 is how the service says InvalidRequest. */
    form_answer(form->http, status >= 200 && status < 300 ? 200 : status == 400 ? 400 : 500);
    free(form->tag);
    free(form->payload);
    free(form);
}

static void form_callback(struct mock *mock, struct evhttp_request *http, const char *tag, const char *payload)
{
    struct form *form = xcalloc(1, sizeof(*form));

    form->mock = mock;
    form->http = http;
    form->tag = xstrdup(tag);
    form->payload = xstrdup(payload ? payload : tag);
    form->twice = faults_take(mock->faults, FAULT_AT_FORM, strncmp(tag, "refund-", 7) == 0 ? "refunded" : "processed")
                      .kind == FAULT_DUPLICATE_CALLBACK;
    service_callback(mock, form->tag, form->payload, form_delivered, form);
}

/* What a browser sends may be any bytes, and the book takes text alone. */
static bool is_id(const char *text)
{
    json_t *json = text && strlen(text) <= ID_BYTES ? json_string(text) : NULL;
    bool valid = json != NULL;

    json_decref(json);
    return valid;
}

/* Whether the payer of this payment was sent to our page. */
static bool form_is_out(const struct mock *mock, const char *invoice, const char *payment)
{
    char name[NAME_BYTES];

    snprintf(name, sizeof(name), "form/%s/%s", invoice, payment);
    return book_mark(mock->book, name) > 0;
}

/* URLENCODED: fields as a form sends them; NULL: none. */
static void form_take(struct mock *mock, struct evhttp_request *http, const char *urlencoded)
{
    const char *tag, *invoice, *payment;
    struct evkeyvalq fields;
    char name[NAME_BYTES];

    if (!urlencoded || evhttp_parse_query_str(urlencoded, &fields) != 0) {
        form_answer(http, 400);
        return;
    }
    tag = evhttp_find_header(&fields, "tag");
    invoice = evhttp_find_header(&fields, "invoice_id");
    payment = evhttp_find_header(&fields, "payment_id");
    if (tag && strlen(tag) < NAME_BYTES) {
        form_callback(mock, http, tag, evhttp_find_header(&fields, "payload"));
    } else if (!is_id(invoice) || !is_id(payment)) {
        form_answer(http, 400);
    } else if (!form_is_out(mock, invoice, payment)) {
        form_answer(http, 404);
    } else {
        snprintf(name, sizeof(name), "confirmed/%s/%s", invoice, payment);
        book_mark_set(mock->book, name, 1);
        form_answer(http, 200);
    }
    evhttp_clear_headers(&fields);
}

void form_post(struct mock *mock, struct evhttp_request *http)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(http);
    size_t len = evbuffer_get_length(input);
    char *body = xstrndup(len ? (const char *)evbuffer_pullup(input, -1) : "", len);

    form_take(mock, http, body);
    free(body);
}

void form_get(struct mock *mock, struct evhttp_request *http)
{
    form_take(mock, http, evhttp_uri_get_query(evhttp_request_get_evhttp_uri(http)));
}

/* See api_calls.h. */
#include "support/api_calls.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"

void api_open_configured(struct daemon_fixture *daemon)
{
    char *domain = daemon_fixture_file("examples/domain.json");

    daemon_fixture_open(daemon, "--insecure", NULL);
    daemon_fixture_configure(daemon, NULL, domain);
    free(domain);
}

int api_ask(int port, const char *method, const char *path, const char *headers, const char *body, json_t **out)
{
    struct http_reply reply = http_request(port, method, path, headers, body);
    int status = reply.status;

    if (out)
        *out = http_reply_json(&reply);
    http_reply_clear(&reply);
    return status;
}

const char *api_text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    return text ? text : "";
}

char *api_exchanged(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    struct buf out = BUF_EMPTY;

    cr_assert(at, "there is no %s in %s", from, text);
    buf_add(&out, text, (size_t)(at - text));
    buf_str(&out, to);
    buf_str(&out, at + strlen(from));
    return buf_take(&out);
}

char *api_invoice_body(const char *id)
{
    char *text = daemon_fixture_file("examples/invoice.json"), *body = api_exchanged(text, "demo-1", id);

    free(text);
    return body;
}

void api_create(int port, const char *id, const char *headers)
{
    char *body = api_invoice_body(id);
    json_t *json;
    int status = api_ask(port, "POST", "/v1/invoices", headers, body, &json);

    cr_assert_eq(status, 201, "%d", status);
    json_decref(json);
    free(body);
}

void api_check_refusal(int port, const struct api_refusal *row)
{
    struct http_reply reply = http_request(port, row->method, row->path, row->headers, row->body);
    json_t *json = http_reply_json(&reply), *first;
    char type[64] = "";

    cr_assert_eq(reply.status, row->status, "%s: %d %s", row->name, reply.status, reply.body);
    http_reply_header(&reply, "Content-Type", type, sizeof(type));
    cr_assert_str_eq(type, "application/problem+json", "%s: %s", row->name, type);
    cr_assert(json, "%s: %s", row->name, reply.body);
    cr_assert_str_eq(api_text_of(json, "error"), row->error, "%s: %s", row->name, reply.body);
    cr_assert_eq(json_integer_value(json_object_get(json, "status")), row->status, "%s: %s", row->name, reply.body);
    cr_assert(*api_text_of(json, "title") && *api_text_of(json, "type"), "%s: %s", row->name, reply.body);
    if (row->field) {
        first = json_array_get(json_object_get(json, "errors"), 0);
        cr_assert_str_eq(api_text_of(first, "field"), row->field, "%s: %s", row->name, reply.body);
        cr_assert(*api_text_of(first, "message"), "%s: %s", row->name, reply.body);
    }
    json_decref(json);
    http_reply_clear(&reply);
}

static void *poll_run(void *arg)
{
    struct api_polling *polling = arg;
    int64_t began_us = clock_mono_us();

    polling->reply = http_request_within(30000, polling->port, "GET", polling->path, NULL, NULL);
    polling->took_us = clock_mono_us() - began_us;
    return NULL;
}

void api_poll_begin(struct api_polling *polling, int port, const char *path)
{
    *polling = (struct api_polling){ .port = port, .path = path };
    cr_assert_eq(pthread_create(&polling->thread, NULL, poll_run, polling), 0);
}

void api_until_open(int port, int count)
{
    int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;
    struct http_reply reply;
    char line[64];
    bool there = false;

    snprintf(line, sizeof(line), "\nsluice_http_open %d\n", count + 1); /* that of the figures, too */
    while (!there) {
        cr_assert(clock_mono_us() < until_us, "the request did not arrive");
        reply = http_request(port, "GET", "/metrics", NULL, NULL);
        there = strstr(reply.body, line) != NULL;
        http_reply_clear(&reply);
    }
}

/* Requests to the API in a word or two, for tests of it. For Criterion: what fails, fails the test. */
#ifndef SLUICE_TESTS_API_CALLS_H
#define SLUICE_TESTS_API_CALLS_H

#include <jansson.h>
#include <pthread.h>

#include "support/daemon_fixture.h"
#include "support/http.h"

#define JSON_TYPE "Content-Type: application/json\r\n"

/* A sluiced with the example configuration, open to everybody. */
void api_open_configured(struct daemon_fixture *daemon);

/* The status; *OUT, if wanted, gets the JSON of the answer. */
int api_ask(int port, const char *method, const char *path, const char *headers, const char *body, json_t **out);
/* The text under NAME; "" if there is none. */
const char *api_text_of(const json_t *json, const char *name);

/* A piece of TEXT exchanged for another; the caller's. */
char *api_exchanged(const char *text, const char *from, const char *to);
/* The example invoice under ID; the caller's, free(). Created: fails the test unless it was. */
char *api_invoice_body(const char *id);
void api_create(int port, const char *id, const char *headers);

struct api_refusal {
    const char *name, *method, *path, *headers, *body;
    int status;
    const char *error;
    const char *field; /* of the first fault; NULL: not looked at */
};
/* Fails the test unless ROW's request is answered with just this problem. */
void api_check_refusal(int port, const struct api_refusal *row);

/* A GET in a thread of its own. Who joins the thread clears the reply. */
struct api_polling {
    pthread_t thread;
    int port;
    const char *path;
    struct http_reply reply;
    int64_t took_us;
};
void api_poll_begin(struct api_polling *polling, int port, const char *path);
/* Waits until PORT has as many requests open as it should. */
void api_until_open(int port, int count);

#endif

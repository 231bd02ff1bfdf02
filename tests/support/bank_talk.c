/* See bank_talk.h. */
#include "support/bank_talk.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/xmalloc.h"
#include "payment/effect.h"

/* ---- the bank: a process of its own, ended by its pid ---- */

pid_t bank_pid;
int bank_port;
char bank_book_path[64], bank_service_url[64];

void bank_start(const char *time_scale)
{
    char program[512], line[128] = "", book[96], scale[64], service_option[96];
    const char *dir = getenv("SLUICE_BUILDDIR");
    FILE *out;
    int fds[2];

    snprintf(program, sizeof(program), "%s/mockbank", dir ? dir : ".");
    snprintf(book, sizeof(book), "--book=%s", bank_book_path);
    snprintf(scale, sizeof(scale), "--time-scale=%s", time_scale);
    snprintf(service_option, sizeof(service_option), "--service=%s", *bank_service_url ? bank_service_url : "http://127.0.0.1:1");
    cr_assert_eq(pipe(fds), 0);
    bank_pid = fork();
    if (bank_pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        execl(program, program, "--port", "0", book, scale, *bank_service_url ? service_option : (char *)NULL, (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    out = fdopen(fds[0], "r");
    cr_assert(out && fgets(line, sizeof(line), out) &&
              sscanf(line, "mockbank listening on 127.0.0.1:%d", &bank_port) == 1, "%s said \"%s\"", program, line);
    fclose(out);
}

int bank_stop(int signal_number)
{
    int status = 0;

    kill(bank_pid, signal_number);
    waitpid(bank_pid, &status, 0);
    bank_pid = 0;
    return status;
}

void bank_setup(void)
{
    int fd;

    xmalloc_init();
    signal(SIGPIPE, SIG_IGN);
    strcpy(bank_book_path, "/tmp/mockbank-book-XXXXXX");
    fd = mkstemp(bank_book_path);
    cr_assert(fd >= 0);
    close(fd);
    bank_start("1");
}

void bank_teardown(void)
{
    int status = bank_pid ? bank_stop(SIGTERM) : 0;

    unlink(bank_book_path);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the bank ended with %#x", (unsigned)status);
}

/* ---- what is asked ---- */

void talk_context_add(const struct bank_talk *talk, struct buf *out)
{
    buf_printf(out, "{\"session\":{\"target\":{\"%s\":{}}", talk->target ? talk->target : "processed");
    if (talk->state)
        buf_printf(out, ",\"state\":\"%s\"", talk->state);
    buf_printf(out, "},\"payment_info\":{\"shop\":{\"id\":\"s\",\"category\":{\"name\":\"c\",\"description\":\"d\"},"
                    "\"name\":\"n\",\"location\":{}},\"invoice\":{\"id\":\"%s\",\"created_at\":\"" AT "\",\"due\":\"" AT
                    "\",\"details\":{\"product\":\"p\"},\"cost\":" MONEY("1001") "},\"payment\":{\"id\":\"1\","
                    "\"created_at\":\"" AT "\",\"payment_resource\":{\"disposable_payment_resource\":{\"payment_tool\":%s}},"
                    "\"cost\":" MONEY("1001") ",\"contact_info\":%s}%s},\"options\":%s}",
               talk->invoice, talk->tool, talk->contact ? talk->contact : "{}", talk->more ? talk->more : "", talk->options ? talk->options : "{}");
}

struct http_reply bank_post(const char *path, const char *key, const char *body)
{
    char header[300];

    snprintf(header, sizeof(header), "Idempotency-Key: %s\r\n", key);
    return http_request(bank_port, "POST", path, header, body);
}

const char *bank_text_at(const json_t *json, const char *path)
{
    char name[64];
    size_t len;

    for (; *path; path += len + (path[len] != '\0')) {
        len = strcspn(path, "/");
        snprintf(name, sizeof(name), "%.*s", (int)len, path);
        json = json_is_array(json) ? json_array_get(json, strtoul(name, NULL, 10)) : json_object_get(json, name);
    }
    return json_is_string(json) ? json_string_value(json) : json_is_object(json) ? "{}" : json ? "other" : "";
}

/* The failure as code:sub:sub; "" if there is none. */
const char *talk_failure_in(const json_t *result)
{
    static char text[300];
    const json_t *at = json_object_get(json_object_get(json_object_get(json_object_get(result, "intent"), "finish"),
                                                       "status"), "failure");

    text[0] = '\0';
    for (; at; at = json_object_get(at, "sub"))
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", *text ? ":" : "", bank_text_at(at, "code"));
    return text;
}

static void heed(struct bank_talk *talk, const struct http_reply *reply, const struct type *type, const char *inside)
{
    struct arena *arena = arena_new();
    struct type_errors errors = { 0 };
    const char *tag;
    json_t *whole = http_reply_json(reply);

    cr_assert_eq(type_decode_text(type, reply->body, reply->body_len, 0, arena, arena_alloc(arena, type->size), &errors),
                 SL_OK, "%s: %s in %s", errors.list[0].path, errors.list[0].message, reply->body);
    arena_free(arena);
    json_decref(talk->answer);
    talk->answer = *inside ? json_incref(json_object_get(whole, inside)) : json_incref(whole); /* the talk's */
    json_decref(whole);
    if (*bank_text_at(talk->answer, "next_state")) {
        free(talk->state);
        talk->state = xstrdup(bank_text_at(talk->answer, "next_state"));
    }
    tag = bank_text_at(talk->answer, "intent/suspend/tag");
    if (*tag)
        snprintf(talk->tag, sizeof(talk->tag), "%s", tag);
}

struct http_reply talk_ask_as(struct bank_talk *talk, const char *key)
{
    struct buf body = BUF_EMPTY;
    struct http_reply reply;

    talk_context_add(talk, &body);
    reply = bank_post("/provider/process_payment", key, buf_text(&body));
    buf_clear(&body);
    return reply;
}

/* The next call. Answers with the HTTP status, and decodes a 200 by the protocol's own tables. */
int talk_ask(struct bank_talk *talk)
{
    char key[100];
    struct http_reply reply;
    int status;

    snprintf(key, sizeof(key), "%s.%s.%d", talk->invoice, talk->target ? talk->target : "processed", ++talk->calls);
    reply = talk_ask_as(talk, key);
    status = reply.status;
    if (status == 200)
        heed(talk, &reply, &type_proxy_result, "");
    http_reply_clear(&reply);
    return status;
}

int talk_call_back(struct bank_talk *talk, const char *payload)
{
    char key[100], *encoded = base64_encode(payload, strlen(payload));
    struct buf body = BUF_EMPTY;
    struct http_reply reply;
    int status;

    snprintf(key, sizeof(key), "%s.cb.%d", talk->invoice, ++talk->calls);
    buf_printf(&body, "{\"callback\":\"%s\",\"context\":", encoded);
    talk_context_add(talk, &body);
    buf_char(&body, '}');
    reply = bank_post("/provider/handle_payment_callback", key, buf_text(&body));
    status = reply.status;
    if (status == 200)
        heed(talk, &reply, &type_proxy_callback_result, "result");
    http_reply_clear(&reply);
    buf_clear(&body);
    free(encoded);
    return status;
}

void talk_hush(struct bank_talk *talk)
{
    json_decref(talk->answer);
    free(talk->state);
    talk->answer = NULL;
    talk->state = NULL;
}

/* A new session starts without a state. */
void talk_turn_to(struct bank_talk *talk, const char *target, const char *more)
{
    free(talk->state);
    talk->state = NULL;
    talk->target = target;
    talk->more = more;
}

json_t *bank_get_json(const char *path)
{
    struct http_reply reply = http_request(bank_port, "GET", path, NULL, NULL);
    json_t *json = http_reply_json(&reply);

    cr_assert(reply.status == 200 && json, "GET %s: %d %s", path, reply.status, reply.body);
    http_reply_clear(&reply);
    return json;
}

size_t bank_book_count(const char *invoice, const char *list)
{
    json_t *book = bank_get_json("/book"), *entry;
    size_t i, count = 0;

    json_array_foreach(json_object_get(book, "payments"), i, entry) {
        if (strcmp(bank_text_at(entry, "invoice_id"), invoice) == 0)
            count = json_array_size(json_object_get(entry, list));
    }
    json_decref(book);
    return count;
}

void bank_fault(const char *wish)
{
    struct http_reply reply = http_request(bank_port, "POST", "/faults", NULL, wish);

    cr_assert_eq(reply.status, 200, "%s: %s", wish, reply.body);
    http_reply_clear(&reply);
}

void bank_form(const char *fields, int status)
{
    struct http_reply reply = http_request(bank_port, "POST", "/form",
                                           "Content-Type: application/x-www-form-urlencoded\r\n", fields);

    cr_assert_eq(reply.status, status, "%s: %d", fields, reply.status);
    cr_assert_eq(reply.body_len, 0);
    http_reply_clear(&reply);
}

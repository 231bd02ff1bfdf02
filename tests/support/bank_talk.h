/* A mock bank as a process, and talks with it as the service has them. For Criterion: what fails, fails the test. */
#ifndef SLUICE_TESTS_BANK_TALK_H
#define SLUICE_TESTS_BANK_TALK_H

#include <criterion/criterion.h>
#include <jansson.h>
#include <sys/types.h>

#include "base/buf.h"
#include "support/http.h"

/* ---- the bank ---- */

extern pid_t bank_pid;
extern int bank_port;
extern char bank_book_path[64], bank_service_url[64]; /* URL "": it knows of no service */

void bank_start(const char *time_scale);
int bank_stop(int signal_number); /* how it ended, as of waitpid() */
void bank_setup(void);            /* .init: an empty book and a bank */
void bank_teardown(void);         /* .fini: fails the test unless the bank ends well */

struct http_reply bank_post(const char *path, const char *key, const char *body);
json_t *bank_get_json(const char *path); /* the caller's */
/* How many entries LIST ("charges") of INVOICE's payment has in the book. */
size_t bank_book_count(const char *invoice, const char *list);
void bank_fault(const char *wish);
void bank_form(const char *fields, int status);
/* The text at PATH of slashes; "{}" of an object, "" if there is none. */
const char *bank_text_at(const json_t *json, const char *path);

/* ---- talks ---- */

#define AT "2026-01-31T10:00:00Z" /* when all of it happens */
#define MONEY(N) "{\"amount\":" N ",\"currency\":{\"name\":\"Ruble\",\"symbolic_code\":\"RUB\",\"numeric_code\":643,\"exponent\":2}}"
#define CARD(TOKEN) "{\"bank_card\":{\"token\":\"" TOKEN "\",\"bin\":\"424242\",\"last_digits\":\"4242\"}}"
#define PHONE(CC, CTN) "{\"mobile_commerce\":{\"operator\":{\"id\":\"mts\"},\"phone\":{\"cc\":\"" CC "\",\"ctn\":\"" CTN "\"}}}"
#define KIOSK "{\"payment_terminal\":{\"payment_service\":{\"id\":\"euroset\"}}}"

/* One payment under way: what the service would keep of it. */
struct bank_talk {
    const char *invoice, *tool, *options, *target;
    const char *more; /* beside payment_info.payment */
    const char *contact; /* NULL: {} */
    char *state;      /* base64; NULL: none yet */
    char tag[600];
    int calls;
    json_t *answer;
};

/* The next call. Answers with the HTTP status, and decodes a 200 by the protocol's own tables. */
int talk_ask(struct bank_talk *talk);
struct http_reply talk_ask_as(struct bank_talk *talk, const char *key); /* under this key; nothing is decoded */
int talk_call_back(struct bank_talk *talk, const char *payload);
/* Appends what the service would say of it. */
void talk_context_add(const struct bank_talk *talk, struct buf *out);
/* A new session starts without a state. */
void talk_turn_to(struct bank_talk *talk, const char *target, const char *more);
void talk_hush(struct bank_talk *talk);
/* The failure as code:sub:sub; "" if there is none. Static until the next call. */
const char *talk_failure_in(const json_t *result);

#define must_be(TALK, PATH, TEXT)                                                                                      \
    cr_assert_str_eq(bank_text_at((TALK)->answer, PATH), TEXT, "%s of %s", PATH, (TALK)->tool)
#define must_succeed(TALK) must_be(TALK, "intent/finish/status/success", "{}")
#define must_sleep(TALK) must_be(TALK, "intent/sleep", "{}")
#define must_fail(TALK, CODES) cr_assert_str_eq(talk_failure_in((TALK)->answer), CODES, "%s", (TALK)->tool)

#endif

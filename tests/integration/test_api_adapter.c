/* What an adapter may send and what it may not, against a real sluiced: long texts, bad redirects, impossible costs. The
 * adapter is a bare server here, so that it can say what no proper one would. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "integration/http_server.h"
#include "support/banked.h"

#define LONG 5000      /* bytes: more than a text of a caller may have */
#define HUGE_TEXT 900000 /* bytes: nearly all of an answer */

#define SUCCESS(more) "{\"intent\":{\"finish\":{\"status\":{\"success\":{" more "}}}},\"trx\":{\"id\":\"T\",\"extra\":{}}}"
#define SLEEP(more) "{\"intent\":{\"sleep\":{\"timer\":{\"timeout\":600}" more "}}}"
#define REDIRECT(uri) ",\"user_interaction\":{\"redirect\":{\"get_request\":{\"uri\":\"" uri "\"}}}"

static const char *processed_answer; /* what a processed session is answered; other targets succeed */

static bool serve(struct bare_server *server, int fd, const struct bare_server_request *request)
{
    (void)server;
    return bare_server_answer(fd, 200, strstr(request->body, "\"target\":{\"processed\"") ? processed_answer : SUCCESS(""));
}

static char *as(char c, size_t count)
{
    char *text = malloc(count + 1);

    memset(text, c, count);
    text[count] = '\0';
    return text;
}

/* TEMPLATE with each % replaced by TEXT; the caller's. */
static char *filled(const char *template, const char *text)
{
    struct buf out = BUF_EMPTY;

    for (; *template; template ++) {
        if (*template == '%')
            buf_str(&out, text);
        else
            buf_char(&out, *template);
    }
    return buf_take(&out);
}

struct adapter {
    struct banked bank;
    struct bare_server server;
};

static void open_adapter(struct adapter *adapter)
{
    char url[64];
    json_t *domain;

    signal(SIGPIPE, SIG_IGN);
    bare_server_start(&adapter->server, serve);
    banked_open(&adapter->bank, NULL);
    domain = banked_domain(&adapter->bank);
    snprintf(url, sizeof(url), "\"http://127.0.0.1:%d\"", adapter->server.port);
    banked_set(domain, "proxy", "{\"id\":1}", "url", url);
    banked_configure_take(&adapter->bank, NULL, domain);
}

static void close_adapter(struct adapter *adapter)
{
    banked_close(&adapter->bank);
    bare_server_stop(&adapter->server);
}

/* A payment of a new invoice ID whose processed session is answered ANSWER; what the API says of it at rest. */
static json_t *pay(struct adapter *adapter, const char *id, const char *answer)
{
    processed_answer = answer;
    json_decref(banked_invoice(&adapter->bank, id));
    return banked_pay(&adapter->bank, id, "card", NULL);
}

/* The events of invoice ID as text; the caller's. */
static char *events_of(struct adapter *adapter, const char *id)
{
    char path[128];
    json_t *json;
    char *text;

    snprintf(path, sizeof(path), "/v1/invoices/%s/events", id);
    json = banked_must(&adapter->bank, "GET", path, NULL, 200);
    text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return text;
}

/* If it fails, a bank's page, token or message that is a little longer than somebody thought parks an invoice whose money
 * was taken. */
Test(api_adapter, long_texts_do_not_stop_a_payment, .timeout = 180)
{
    static const struct {
        const char *name, *answer, *status;
        size_t len, kept; /* KEPT: the bytes of the text that are still there */
    } rows[] = {
        { "reason", "{\"intent\":{\"finish\":{\"status\":{\"failure\":{\"code\":\"c\",\"reason\":\"%\"}}}}}", "failed", LONG,
          4096 - strlen(" [cut]") },
        { "hugereason", "{\"intent\":{\"finish\":{\"status\":{\"failure\":{\"code\":\"c\",\"reason\":\"%\"}}}}}", "failed",
          HUGE_TEXT, 4096 - strlen(" [cut]") },
        { "pares", "{\"intent\":{\"finish\":{\"status\":{\"success\":{}}}},\"trx\":{\"id\":\"T\",\"extra\":{},"
                   "\"additional_info\":{\"pares\":\"%\",\"extra_payment_info\":{}}}}", "captured", LONG, LONG },
        { "acs", "{\"intent\":{\"finish\":{\"status\":{\"success\":{}}}},\"trx\":{\"id\":\"T\",\"extra\":{},"
                 "\"additional_info\":{\"acs_url\":\"%\",\"extra_payment_info\":{}}}}", "captured", HUGE_TEXT, HUGE_TEXT },
        { "extra", "{\"intent\":{\"finish\":{\"status\":{\"success\":{}}}},\"trx\":{\"id\":\"T\",\"extra\":{\"k\":\"%\"}}}",
          "captured", LONG, LONG },
        { "key", "{\"intent\":{\"finish\":{\"status\":{\"success\":{}}}},\"trx\":{\"id\":\"T\",\"extra\":{\"%\":\"v\",\"\":\"\"}}}",
          "captured", LONG, LONG },
        { "form", SLEEP(",\"user_interaction\":{\"redirect\":{\"post_request\":{\"uri\":\"https://acs/?q=x\",\"form\":"
                        "{\"PaReq\":\"%\"}}}}"), "pending", LONG, LONG },
        { "uri", SLEEP(REDIRECT("https://acs/%")), "pending", LONG, LONG },
        { "qr", SLEEP(",\"user_interaction\":{\"qr_code_display_request\":{\"qr_code\":{\"payload\":\"%\"}}}"), "pending",
          100000, 100000 },
        { "state", "{\"intent\":{\"sleep\":{\"timer\":{\"timeout\":600}}},\"next_state\":\"%\"}", "pending", 100000, 100000 },
        { "token", SUCCESS("\"token\":\"%\""), "captured", LONG, LONG },
    };
    struct adapter adapter;
    size_t i;

    open_adapter(&adapter);
    for (i = 0; i < SL_COUNT(rows); i++) {
        char *text = as('x', rows[i].len), *answer = filled(rows[i].answer, text), *events, *kept = as('x', rows[i].kept);
        json_t *state = pay(&adapter, rows[i].name, answer);

        cr_expect_str_eq(banked_text(state, "status"), rows[i].status, "%s: %s, %s", rows[i].name,
                         banked_text(state, "status"), banked_text(state, "machine.reason"));
        cr_expect_str_neq(banked_text(state, "machine.status"), "failed", "%s: %s", rows[i].name,
                          banked_text(state, "machine.reason"));
        events = events_of(&adapter, rows[i].name);
        cr_expect(strstr(events, kept), "%s: the text is not kept", rows[i].name);
        cr_expect(rows[i].kept == rows[i].len || strstr(events, "x [cut]\""), "%s: cut without a mark", rows[i].name);
        json_decref(state);
        free(kept);
        free(events);
        free(answer);
        free(text);
    }
    close_adapter(&adapter);
}

/* If it fails, a lying adapter runs a script in the payer's browser, sells for nothing, or has a payment processed that
 * nobody could ever give back. */
Test(api_adapter, what_would_change_a_decision_is_refused, .timeout = 180)
{
    static const struct {
        const char *name, *answer, *reason; /* a part of it */
    } rows[] = {
        { "script", SLEEP(REDIRECT("javascript:alert(1)")), "neither http nor https" },
        { "data", SLEEP(REDIRECT("data:text/html,x")), "neither http nor https" },
        { "case", SLEEP(REDIRECT(" JavaScript:alert(1)")), "neither http nor https" },
        { "post", SLEEP(",\"user_interaction\":{\"redirect\":{\"post_request\":{\"uri\":\"javascript:x\",\"form\":{}}}}"),
          "neither http nor https" },
        { "broken", SLEEP(REDIRECT("https://acs/\\r\\nSet-Cookie: x")), "control" },
        { "nothing", SUCCESS("\"changed_cost\":{\"amount\":0,\"currency\":{\"symbolic_code\":\"RUB\"}}"), "cost" },
        { "toomuch", SUCCESS("\"changed_cost\":{\"amount\":1000000000000001,\"currency\":{\"symbolic_code\":\"RUB\"}}"),
          "changed_cost" },
        { "notrx", "{\"intent\":{\"finish\":{\"status\":{\"success\":{}}}}}", "without a transaction" },
    };
    struct adapter adapter;
    size_t i;

    open_adapter(&adapter);
    for (i = 0; i < SL_COUNT(rows); i++) {
        json_t *state = pay(&adapter, rows[i].name, rows[i].answer);

        cr_expect_str_eq(banked_text(state, "machine.cause"), "bad_answer", "%s: %s", rows[i].name,
                         banked_text(state, "status"));
        cr_expect(strstr(banked_text(state, "machine.reason"), rows[i].reason), "%s: %s", rows[i].name,
                  banked_text(state, "machine.reason"));
        json_decref(state);
    }
    close_adapter(&adapter);
}

/* Idempotency-Key as callers see it: on real daemons that share a Redis. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "support/banked.h"
#include "support/http.h"

#define JSON_TYPE "Content-Type: application/json\r\n"
#define INVOICE "{\"id\":\"%s\",\"party_id\":\"party-acme\",\"shop_id\":\"shop-acme-books\",\"details\":{\"product\":\"%s\"}," \
                "\"due\":\"2030-01-01T00:00:00Z\",\"cost\":{\"amount\":42000,\"currency\":{\"symbolic_code\":\"RUB\"}}," \
                "\"context\":{\"type\":\"text/plain\",\"data\":\"\"}}"
#define PAYMENT(flow) \
    "{\"payer\":{\"payment_resource\":{\"resource\":{\"payment_tool\":{\"bank_card\":{\"token\":\"no_preauth\"," \
    "\"payment_system\":{\"id\":\"VISA\"},\"bin\":\"424242\",\"last_digits\":\"4242\",\"issuer_country\":\"RUS\"}}}," \
    "\"contact_info\":{}}},\"flow\":" flow "}"
#define HOLD "{\"hold\":{\"on_hold_expiration\":\"cancel\"}}"

struct answer {
    int status;
    bool replayed;
    char body[8192];
};

static struct answer post(int port, const char *path, const char *key, const char *body)
{
    char headers[256], replayed[16] = "";
    struct http_reply reply;
    struct answer answer;

    snprintf(headers, sizeof(headers), JSON_TYPE "%s%s%s", key ? "Idempotency-Key: " : "", key ? key : "", key ? "\r\n" : "");
    reply = http_request_within(3 * HTTP_DEADLINE_MS, port, "POST", path, headers, body);
    answer.status = reply.status;
    answer.replayed = http_reply_header(&reply, "Idempotent-Replayed", replayed, sizeof(replayed));
    snprintf(answer.body, sizeof(answer.body), "%s", reply.body);
    http_reply_clear(&reply);
    return answer;
}

static long events_of(const struct banked *bank, const char *id)
{
    char path[128];
    json_t *json;
    long events;

    snprintf(path, sizeof(path), "/v1/invoices/%s", id);
    json = banked_must(bank, "GET", path, NULL, 200);
    events = atol(banked_text(json, "latest_event_id"));
    json_decref(json);
    return events;
}

/* The same again is answered the same, and nothing more happens. */
static void expect_again(const struct banked *bank, int port, const char *id, const char *path, const char *key,
                         const char *body, const struct answer *first)
{
    long events = id ? events_of(bank, id) : 0;
    struct answer again = post(port, path, key, body);

    cr_assert_eq(again.status, first->status, "%s: %d %s", path, again.status, again.body);
    cr_assert(again.replayed && !first->replayed, "%s", path);
    cr_assert_str_eq(again.body, first->body, "%s", path);
    cr_assert(!id || events_of(bank, id) == events, "%s: something more has happened", path);
}

/* A further sluiced on the same Redis; its port. */
static int open_second(struct banked *bank, pid_t *pid)
{
    char redis[160];
    const char *words[] = { redis, "--listen=127.0.0.1:0", "--durability=relaxed", "--grace=2000", "--insecure", NULL };
    int out, port;

    snprintf(redis, sizeof(redis), "--redis=%s", server_url(bank->daemon.redis.server));
    *pid = daemon_fixture_spawn("sluiced", bank->daemon.log, words, &out);
    port = daemon_fixture_port(out);
    close(out);
    return port;
}

/* If it fails, a caller that repeats a POST gets another answer, or does it twice: at this daemon, at another one, or
 * after the one that did it was killed. */
Test(api_once, a_post_with_a_key_is_done_once_and_answered_the_same_everywhere, .timeout = 60)
{
    struct answer created, started, captured, other;
    struct banked bank;
    char body[1024];
    int port;
    pid_t pid;

    banked_open(&bank, NULL);
    snprintf(body, sizeof(body), INVOICE, "i1", "duck");
    created = post(bank.daemon.port, "/v1/invoices", "k1", body);
    cr_assert_eq(created.status, 201, "%s", created.body);
    expect_again(&bank, bank.daemon.port, "i1", "/v1/invoices", "k1", body, &created);
    snprintf(body, sizeof(body), INVOICE, "i1", "goose");
    other = post(bank.daemon.port, "/v1/invoices", "k1", body);
    cr_assert(other.status == 422 && strstr(other.body, "IdempotencyKeyReused"), "%d %s", other.status, other.body);

    started = post(bank.daemon.port, "/v1/invoices/i1/payments", "\"k2\"", PAYMENT(HOLD));
    cr_assert_eq(started.status, 202, "%s", started.body);
    banked_until(&bank, "/v1/invoices/i1/payments/1", "activity", "flow_waiting");
    port = open_second(&bank, &pid);
    expect_again(&bank, port, "i1", "/v1/invoices/i1/payments", "k2", PAYMENT(HOLD), &started);
    other = post(port, "/v1/invoices/i1/payments", "k2", PAYMENT("{\"instant\":{}}"));
    cr_assert_eq(other.status, 422, "%s", other.body);
    other = post(port, "/v1/invoices/i1/rescind", "k2", "{\"reason\":\"x\"}");
    cr_assert_eq(other.status, 422, "a key is good for one path: %s", other.body);

    captured = post(bank.daemon.port, "/v1/invoices/i1/payments/1/capture", "k3", "{\"reason\":\"sent\"}");
    cr_assert_eq(captured.status, 202, "%s", captured.body);
    banked_until(&bank, "/v1/invoices/i1/payments/1", "payment.status", "captured");
    kill(bank.daemon.pid, SIGKILL);
    daemon_fixture_wait(&bank.daemon);
    bank.daemon.port = port;
    bank.daemon.pid = pid;
    expect_again(&bank, port, "i1", "/v1/invoices/i1/payments/1/capture", "k3", " { \"reason\" : \"sent\" } ", &captured);
    other = post(port, "/v1/invoices/i1/payments/1/capture", NULL, "{\"reason\":\"sent\"}");
    cr_assert_eq(other.status, 409, "without the key it is a call of its own: %s", other.body);
    banked_close(&bank);
}

/* If it fails, a key that is none is taken, a refused call has used its key up, or keys stay for ever. */
Test(api_once, keys_are_checked_kept_a_day_and_not_used_up_by_refusals, .timeout = 60)
{
    static const char *const bad[] = { "", "\"\"", "with blanks", "{tag}",
                                       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
    struct answer answer;
    struct banked bank;
    size_t i;

    banked_open(&bank, NULL);
    json_decref(banked_invoice(&bank, "i1"));
    for (i = 1; i < SL_COUNT(bad); i++) {
        answer = post(bank.daemon.port, "/v1/invoices/i1/rescind", bad[i], "{\"reason\":\"x\"}");
        cr_assert(answer.status == 400 && strstr(answer.body, "Idempotency-Key"), "%s: %d", bad[i], answer.status);
    }
    answer = post(bank.daemon.port, "/v1/invoices/i1/fulfill", "k", "{\"reason\":\"x\"}");
    cr_assert_eq(answer.status, 409, "it is unpaid");
    answer = post(bank.daemon.port, "/v1/invoices/i1/rescind", "k", "{\"reason\":\"x\"}");
    cr_assert_eq(answer.status, 200, "%s", answer.body);
    cr_assert_str_eq(redis_fixture_ask(&bank.daemon.redis, "EVAL",
                                       "local keys = redis.call('KEYS', 'sluice:*:inv:i1@party-acme/once/k')\n"
                                       "local left = redis.call('TTL', keys[1])\n"
                                       "return #keys .. ' ' .. tostring(left > 86400 and left <= 90000)", "0", NULL),
                     "1 true");
    banked_close(&bank);
}

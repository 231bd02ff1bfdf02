/* See banked.h. */
#include "support/banked.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "support/http.h"

#define JSON_TYPE "Content-Type: application/json\r\n"
#define WAIT_S "20"

/* ---- the processes ---- */

void banked_open(struct banked *banked, const char *option)
{
    const char *words[] = { "--port=0", NULL, NULL, NULL };
    char book[96], service[64];
    int out;

    daemon_fixture_open(&banked->daemon, option ? option : "--insecure", NULL);
    snprintf(book, sizeof(book), "--book=%s/book", banked->daemon.redis.dir);
    snprintf(service, sizeof(service), "--service=http://127.0.0.1:%d", banked->daemon.port);
    words[1] = book;
    words[2] = service;
    banked->bank = (struct daemon_fixture){ .pid = daemon_fixture_spawn("mockbank", banked->daemon.log, words, &out) };
    banked->bank.port = daemon_fixture_port(out);
    close(out);
    if (!option)
        banked_configure_take(banked, NULL, banked_domain(banked));
}

void banked_close(struct banked *banked)
{
    kill(banked->bank.pid, SIGTERM);
    daemon_fixture_wait(&banked->bank);
    daemon_fixture_close(&banked->daemon);
}

void banked_start(struct banked *banked)
{
    char redis[160];
    const char *words[] = { redis, "--listen=127.0.0.1:0", "--durability=relaxed", "--grace=2000", "--insecure", NULL };
    int64_t until_us = clock_mono_us() + 2 * FIXTURE_WAIT_MS * 1000;
    int out;

    snprintf(redis, sizeof(redis), "--redis=%s", server_url(banked->daemon.redis.server));
    banked->daemon.pid = daemon_fixture_spawn("sluiced", banked->daemon.log, words, &out);
    banked->daemon.port = daemon_fixture_port(out);
    close(out);
    while (banked_ask(banked, "GET", "/readyz", NULL, NULL, NULL) != 200) {
        cr_assert_lt(clock_mono_us(), until_us, "it is not ready");
        usleep(20000);
    }
}

void banked_restart(struct banked *banked)
{
    kill(banked->daemon.pid, SIGKILL);
    daemon_fixture_wait(&banked->daemon);
    banked_start(banked);
}

/* ---- the configuration ---- */

json_t *banked_domain(const struct banked *banked)
{
    char *text = daemon_fixture_file("examples/domain.json"), address[64];
    json_t *domain = json_loads(text, 0, NULL), *row, *data;
    struct buf url = BUF_EMPTY;
    const char *path;
    size_t i;

    cr_assert(domain);
    snprintf(address, sizeof(address), "http://127.0.0.1:%d", banked->bank.port);
    json_array_foreach(json_object_get(domain, "objects"), i, row) {
        data = json_object_get(json_object_get(row, "proxy"), "data");
        if (!data)
            continue;
        path = strstr(json_string_value(json_object_get(data, "url")), ":8090");
        cr_assert(path, "the example's adapters are elsewhere");
        buf_reset(&url);
        buf_printf(&url, "%s%s", address, path + strlen(":8090"));
        json_object_set_new(data, "url", json_string(buf_text(&url)));
    }
    buf_clear(&url);
    free(text);
    return domain;
}

void banked_set(json_t *domain, const char *kind, const char *ref, const char *path_in, const char *value)
{
    json_t *wanted = json_loads(ref, JSON_DECODE_ANY, NULL), *row, *object = NULL, *at;
    char path[256], *member, *dot;
    size_t i;

    json_array_foreach(json_object_get(domain, "objects"), i, row) {
        object = json_object_get(row, kind);
        if (object && json_equal(json_object_get(object, "ref"), wanted))
            break;
    }
    cr_assert(i < json_array_size(json_object_get(domain, "objects")), "no %s %s", kind, ref);
    at = json_object_get(object, "data");
    snprintf(path, sizeof(path), "%s", path_in);
    for (member = path; (dot = strchr(member, '.')); member = dot + 1) {
        *dot = '\0';
        at = json_object_get(at, member);
    }
    cr_assert(json_is_object(at), "no %s in %s %s", path_in, kind, ref);
    if (value)
        json_object_set_new(at, member, json_loads(value, JSON_DECODE_ANY, NULL));
    else
        json_object_del(at, member);
    json_decref(wanted);
}

void banked_configure_take(const struct banked *banked, const char *headers, json_t *domain)
{
    char *text = json_dumps(domain, JSON_COMPACT);

    daemon_fixture_configure(&banked->daemon, headers, text);
    free(text);
    json_decref(domain);
}

/* ---- requests ---- */

int banked_ask(const struct banked *banked, const char *method, const char *path, const char *headers, const char *body,
               json_t **out)
{
    struct http_reply reply;
    struct buf lines = BUF_EMPTY;
    int status;

    buf_printf(&lines, "%s%s", body ? JSON_TYPE : "", headers ? headers : "");
    reply = http_request_within(3 * HTTP_DEADLINE_MS, banked->daemon.port, method, path, buf_text(&lines), body);
    status = reply.status;
    if (out)
        *out = http_reply_json(&reply);
    http_reply_clear(&reply);
    buf_clear(&lines);
    return status;
}

json_t *banked_must(const struct banked *banked, const char *method, const char *path, const char *body, int status)
{
    json_t *json;
    int got = banked_ask(banked, method, path, NULL, body, &json);

    cr_assert_eq(got, status, "%s %s: %d %s", method, path, got, json ? json_dumps(json, 0) : "");
    return json;
}

void banked_refused(const struct banked *banked, const char *method, const char *path, const char *body, int status,
                    const char *error)
{
    json_t *json = banked_must(banked, method, path, body, status);

    cr_assert_str_eq(banked_text(json, "error"), error, "%s", json_dumps(json, 0));
    json_decref(json);
}

json_t *banked_invoice(const struct banked *banked, const char *id)
{
    char *text = daemon_fixture_file("examples/invoice.json"), *body;
    json_t *params = json_loads(text, 0, NULL), *json;

    json_object_set_new(params, "id", json_string(id));
    body = json_dumps(params, JSON_COMPACT);
    json = banked_must(banked, "POST", "/v1/invoices", body, 201);
    json_decref(params);
    free(body);
    free(text);
    return json;
}

json_t *banked_pay(const struct banked *banked, const char *id, const char *card, const char *more)
{
    static const char params[] =
        "{\"payer\":{\"payment_resource\":{\"resource\":{\"payment_tool\":{\"bank_card\":{\"token\":\"%s\","
        "\"payment_system\":{\"id\":\"VISA\"},\"bin\":\"424242\",\"last_digits\":\"4242\",\"issuer_country\":\"RUS\"}}},"
        "\"contact_info\":{\"email\":\"payer@example.com\"}}},\"flow\":{\"instant\":{}}%s}";
    struct buf body = BUF_EMPTY, path = BUF_EMPTY;
    json_t *json;

    buf_printf(&body, params, card, more ? more : "");
    buf_printf(&path, "/v1/invoices/%s/payments?wait=" WAIT_S, id);
    json = banked_must(banked, "POST", buf_text(&path), buf_text(&body), 202);
    buf_clear(&body);
    buf_clear(&path);
    return json;
}

/* ---- the bank and the books ---- */

void banked_fault(const struct banked *banked, const char *wish)
{
    struct http_reply reply = http_request(banked->bank.port, "POST", "/faults", JSON_TYPE, wish);

    cr_assert(reply.status >= 200 && reply.status < 300, "%s: %d %s", wish, reply.status, reply.body);
    http_reply_clear(&reply);
}

const char *banked_books(struct banked *banked)
{
    static const char script[] =
        "local sums = {} local own = 0\n"
        "for _, key in ipairs(redis.call('KEYS', 'sluice:*:accounts')) do\n"
        "    local rows = redis.call('HGETALL', key)\n"
        "    for i = 1, #rows, 2 do sums[rows[i]] = (sums[rows[i]] or 0) + (tonumber(rows[i + 1]) or 0) end\n"
        "end\n"
        "for field, value in pairs(sums) do\n"
        "    local id, what = string.match(field, '^(%d+):(%a+)$')\n"
        "    if what == 'own' then own = own + value end\n"
        "    if what ~= 'currency' and value ~= (sums[id .. ':own'] or 0) then return field .. ' is ' .. value end\n"
        "end\n"
        "return own == 0 and '' or 'the owns sum to ' .. own\n";

    return redis_fixture_ask(&banked->daemon.redis, "EVAL", script, "0", NULL);
}

int64_t banked_own(const struct banked *banked, int64_t account)
{
    char path[64];
    json_t *json;
    int64_t own;

    snprintf(path, sizeof(path), "/v1/accounts/%" PRId64, account);
    json = banked_must(banked, "GET", path, NULL, 200);
    own = json_integer_value(json_object_get(json, "own_amount"));
    json_decref(json);
    return own;
}

/* ---- answers ---- */

const char *banked_text(const json_t *json, const char *path_in)
{
    static char kept[4][1024];
    static int next;
    char *out = kept[next++ % 4], path[256], *member, *dot;
    const char *key;

    snprintf(path, sizeof(path), "%s", path_in);
    for (member = path; member; member = dot ? dot + 1 : NULL) {
        dot = strchr(member, '.');
        if (dot)
            *dot = '\0';
        json = json_is_array(json) ? json_array_get(json, (size_t)strtoul(member, NULL, 10)) : json_object_get(json, member);
    }
    key = json_is_object(json) ? json_object_iter_key(json_object_iter((json_t *)(uintptr_t)json)) : NULL;
    if (json_is_integer(json))
        snprintf(out, sizeof(kept[0]), "%" JSON_INTEGER_FORMAT, json_integer_value(json));
    else
        snprintf(out, sizeof(kept[0]), "%s", key ? key : json_is_string(json) ? json_string_value(json) : "");
    return out;
}

void banked_until(const struct banked *banked, const char *path, const char *field, const char *text)
{
    int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;
    json_t *json;
    bool there;

    do {
        json = banked_must(banked, "GET", path, NULL, 200);
        there = strcmp(banked_text(json, field), text) == 0;
        cr_assert(there || clock_mono_us() < until_us, "%s of %s is %s", field, path, banked_text(json, field));
        json_decref(json);
    } while (!there);
}

static const char *change_name(json_t *change)
{
    json_t *payload = json_object_get(json_object_get(change, "invoice_payment_change"), "payload");
    const char *name = json_object_iter_key(json_object_iter(payload ? payload : change));

    payload = json_object_get(json_object_get(payload, name), "payload");
    if (payload) /* of a session, a refund, … */
        name = json_object_iter_key(json_object_iter(payload));
    return strncmp(name, "invoice_payment_", 16) == 0 ? name + 16 : name;
}

char *banked_history(const struct banked *banked, const char *id)
{
    struct buf path = BUF_EMPTY, text = BUF_EMPTY;
    json_t *events, *event, *change;
    size_t i, j;

    buf_printf(&path, "/v1/invoices/%s/events", id);
    events = banked_must(banked, "GET", buf_text(&path), NULL, 200);
    json_array_foreach(events, i, event) {
        json_array_foreach(json_object_get(json_object_get(event, "payload"), "invoice_changes"), j, change)
            buf_printf(&text, "%s%s", j ? " " : i ? " | " : "", change_name(change));
    }
    json_decref(events);
    buf_clear(&path);
    return buf_take(&text);
}

/* /v1/limits and `sluice limit show` on a real sluiced. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "limits/store.h"
#include "support/daemon_fixture.h"
#include "support/http.h"

#define MARCH "shop-month-turnover/1/party-acme/shop-acme-books/future/month/26"

static bool held;

static void on_held(void *arg, uint64_t number, enum sl_err err, const struct limit_answer *answer, const char *detail)
{
    (void)arg;
    (void)number;
    (void)detail;
    cr_assert(!err && !answer->outcomes[0].fault);
    held = true;
}

/* Somebody has 2^53 + 1 held in March 2026. */
static void hold(struct daemon_fixture *daemon, struct limit_store *store)
{
    struct limit_change change = {
        .limit_id = "shop-month-turnover", .counter = MARCH, .amount = INT64_C(9007199254740993), .expires_ms = 1,
    };
    struct limit_request request = { "op", false, &change, 1 };
    struct limit_order order = { &request, 1 };
    struct arena *arena = arena_new();

    held = false;
    limit_store_run(store, &order, arena, on_held, NULL);
    redis_fixture_wait(&daemon->redis, &held);
    arena_free(arena);
}

#define FACTS "&party=party-acme&shop=shop-acme-books"

static const struct {
    const char *path;
    int status;
    const char *says; /* a part of the answer */
} rows[] = {
    { "/v1/limits/shop-month-turnover?counter=" MARCH, 200, "\"value\":9007199254740993}" },
    { "/v1/limits/shop-month-turnover?counter=shop-month-turnover/1/other", 200, "\"value\":0}" },
    { "/v1/limits/shop-month-turnover?version=1" FACTS "&at=2026-03-31T23:59:59Z", 200, "\"value\":9007199254740993}" },
    { "/v1/limits/shop-month-turnover?version=1" FACTS "&at=2026-04-01T00:00:00Z", 200, "/future/month/27\",\"value\":0}" },
    { "/v1/limits/shop-month-turnover?version=1" FACTS, 200, "\"value\":" },
    { "/v1/limits/terminal-day-turnover?version=1&provider=2&terminal=3&at=2024-01-02T00:00:00Z", 200,
      "\"terminal-day-turnover/1/terminal/2/3/future/day/1\"" },
    { "/v1/limits/shop-month-turnover?version=7" FACTS, 404, "LimitNotFound" },
    { "/v1/limits/shop-month-turnover?version=0" FACTS, 404, "LimitNotFound" },
    { "/v1/limits/WrongID?version=0", 404, "LimitNotFound" },
    { "/v1/limits/WrongID?version=1", 404, "LimitNotFound" },
    { "/v1/limits/WrongID?counter=WrongID/1/future/month/1", 404, "LimitNotFound" },
    { "/v1/limits/shop-month-turnover", 400, "?version" },
    { "/v1/limits/shop-month-turnover?version=x", 400, "?version" },
    { "/v1/limits/shop-month-turnover?counter=else/1", 400, "?counter" },
    { "/v1/limits/shop-month-turnover?version=1&at=today", 400, "?at" },
    { "/v1/limits/shop-month-turnover?version=1", 422, "which the operation does not have" },
};

/* If it fails, nobody sees how near a limit is, or sees another counter. */
Test(api_limits, counters_can_be_read, .timeout = 60)
{
    struct daemon_fixture daemon;
    struct limit_store *store;
    struct http_reply reply;
    char *domain = daemon_fixture_file("examples/domain.json"), *before, *after;
    size_t i;

    daemon_fixture_open(&daemon, "--insecure", NULL);
    daemon_fixture_configure(&daemon, "", domain);
    store = limit_store_new(daemon.redis.client, FIXTURE_PARTITIONS, 5000);
    hold(&daemon, store);
    before = daemon_fixture_digest(&daemon);
    for (i = 0; i < SL_COUNT(rows); i++) {
        reply = http_request(daemon.port, "GET", rows[i].path, NULL, NULL);
        cr_expect_eq(reply.status, rows[i].status, "%s: %d %s", rows[i].path, reply.status, reply.body);
        cr_expect(strstr(reply.body, rows[i].says), "%s: %s", rows[i].path, reply.body);
        http_reply_clear(&reply);
    }
    after = daemon_fixture_digest(&daemon);
    cr_expect_str_eq(before, after, "reading writes nothing");
    free(before);
    free(after);
    free(domain);
    daemon_fixture_close(&daemon);
    limit_store_free(store);
}

/* If it fails, operators have to write URLs by hand. */
Test(api_limits, the_command_line_shows_them, .timeout = 60)
{
    struct daemon_fixture daemon;
    struct limit_store *store;
    char *domain = daemon_fixture_file("examples/domain.json"), api[64], said[256] = "";
    const char *const words[] = { "limit", "show", MARCH, api, NULL };
    ssize_t got;
    pid_t pid;
    int out, status;

    daemon_fixture_open(&daemon, "--insecure", NULL);
    daemon_fixture_configure(&daemon, "", domain);
    store = limit_store_new(daemon.redis.client, FIXTURE_PARTITIONS, 5000);
    hold(&daemon, store);
    snprintf(api, sizeof(api), "--api=http://127.0.0.1:%d", daemon.port);
    pid = daemon_fixture_spawn("sluice", "/dev/null", words, &out);
    got = read(out, said, sizeof(said) - 1);
    cr_expect(got > 0);
    close(out);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_expect_eq(WEXITSTATUS(status), 0);
    cr_expect_str_eq(said, MARCH " 9007199254740993\n");
    free(domain);
    daemon_fixture_close(&daemon);
    limit_store_free(store);
}

/* /metrics as Prometheus reads it: what it tells, and that it is well formed. A real sluiced with a real bank. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "support/banked.h"
#include "support/http.h"

static char *metrics(int port)
{
    struct http_reply reply = http_request(port, "GET", "/metrics", NULL, NULL);
    char *text = strdup(reply.body);

    cr_assert_eq(reply.status, 200);
    http_reply_clear(&reply);
    return text;
}

/* The sample NAME, with its labels; -1: there is none. */
static double sample(const char *text, const char *name)
{
    const char *at = text;
    size_t len = strlen(name);

    while ((at = strstr(at, name))) {
        if ((at == text || at[-1] == '\n') && at[len] == ' ')
            return strtod(at + len + 1, NULL);
        at += len;
    }
    return -1;
}

/* Waits until the sample NAME is VALUE. */
static void until(int port, const char *name, double value)
{
    int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;
    double got;
    char *text;

    do {
        text = metrics(port);
        got = sample(text, name);
        cr_assert(got == value || clock_mono_us() < until_us, "%s is %g", name, got);
        free(text);
    } while (got != value);
}

/* If it fails, Prometheus or its linter refuses the page: a family without a head, or with two; a counter that is not
 * called one; a unit that is no base unit. */
static void check_form(const char *text)
{
    struct buf heads = BUF_EMPTY, key = BUF_EMPTY;
    const char *line, *end;
    char name[128], type[16], kind[128] = "";
    size_t len;

    for (line = text; *line; line = end + 1) {
        end = strchr(line, '\n');
        cr_assert(end, "the last line does not end");
        if (sscanf(line, "# TYPE %127s %15s", name, type) == 2) {
            buf_reset(&key);
            buf_printf(&key, "\n%s\n", name);
            cr_expect(!strstr(buf_text(&heads), buf_text(&key)), "%s has two heads", name);
            buf_str(&heads, buf_text(&key));
            len = strlen(name);
            cr_expect_eq(strcmp(type, "counter") == 0, len > 6 && strcmp(name + len - 6, "_total") == 0, "%s is a %s", name, type);
            cr_expect(len < 3 || (strcmp(name + len - 3, "_ms") != 0 && strcmp(name + len - 3, "_us") != 0), "%s", name);
            snprintf(kind, sizeof(kind), "%s", name);
        } else if (*line != '#') {
            cr_expect_eq(strncmp(line, kind, strlen(kind)), 0, "%.*s is below the head of %s", (int)(end - line), line, kind);
        }
    }
    buf_clear(&heads);
    buf_clear(&key);
}

/* If it fails, an operator's alerts are silent, or do not outlive a restart. */
Test(metrics, tell_what_operators_watch, .timeout = 120)
{
    static const char *const there[] = {
        "process_start_time_seconds", "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds",
        "sluice_provider_answer_seconds_count{call=\"process_payment\"}", "sluice_timer_lateness_seconds_count",
        "sluice_payments_total{status=\"cancelled\"}", "sluice_machines{status=\"overdue\"}",
    };
    const char *words[] = { NULL, "--listen=127.0.0.1:0", "--durability=relaxed", "--insecure", NULL };
    struct daemon_fixture next = { .pid = 0 };
    struct banked bank;
    char redis[160], *text;
    double now_s = (double)clock_wall_us() / 1e6;
    struct http_reply reply;
    size_t i;
    int out;

    banked_open(&bank, NULL);
    json_decref(banked_invoice(&bank, "m1"));
    json_decref(banked_pay(&bank, "m1", "no_preauth", NULL));
    json_decref(banked_invoice(&bank, "m2"));
    json_decref(banked_pay(&bank, "m2", "scenario_f", NULL));
    json_decref(banked_invoice(&bank, "m3"));
    json_decref(banked_pay(&bank, "m3", "forbidden", NULL));
    json_decref(banked_must(&bank, "GET", "/v1/invoices/m1/events?after=100&wait=1", NULL, 200));
    until(bank.daemon.port, "sluice_payments_total{status=\"captured\"}", 1);
    text = metrics(bank.daemon.port);
    check_form(text);
    for (i = 0; i < SL_COUNT(there); i++)
        cr_expect_geq(sample(text, there[i]), 0, "there is no %s", there[i]);
    cr_expect(strstr(text, "sluice_build_info{version=\""));
    cr_expect_eq(sample(text, "sluice_payments_total{status=\"failed\"}"), 1);
    cr_expect_eq(sample(text, "sluice_machines{status=\"failed\"}"), 1);
    cr_expect_float_eq(sample(text, "process_start_time_seconds"), now_s, 60);
    cr_expect_lt(sample(text, "sluice_http_seconds_sum{method=\"GET\",route=\"/v1/invoices/{id}/events\"}"), 0.9,
                 "a long poll is no slow answer");
    free(text);
    banked_fault(&bank, "{\"kind\":\"status_503\",\"share\":1,\"target\":\"processed\"}");
    json_decref(banked_invoice(&bank, "m4"));
    json_decref(banked_pay(&bank, "m4", "no_preauth", NULL));
    until(bank.daemon.port, "sluice_machines{status=\"retrying\"}", 1);
    snprintf(redis, sizeof(redis), "--redis=%s", server_url(bank.daemon.redis.server));
    words[0] = redis;
    next.pid = daemon_fixture_spawn("sluiced", bank.daemon.log, words, &out);
    next.port = daemon_fixture_port(out);
    close(out);
    until(next.port, "sluice_machines{status=\"failed\"}", 1);
    until(next.port, "sluice_machines{status=\"retrying\"}", 1);
    reply = http_request(bank.bank.port, "DELETE", "/faults", NULL, NULL);
    http_reply_clear(&reply);
    until(next.port, "sluice_machines{status=\"retrying\"}", 0);
    banked_until(&bank, "/v1/invoices/m4/payments/1", "status", "captured");
    kill(next.pid, SIGTERM);
    cr_expect_eq(daemon_fixture_wait(&next), 0);
    banked_close(&bank);
}

/* If it fails, each repair looks like a timer that came minutes late. */
Test(metrics, a_repair_is_no_late_timer, .timeout = 120)
{
    int64_t until_us;
    struct banked bank;
    char *text;

    banked_open(&bank, NULL);
    banked_fault(&bank, "{\"kind\":\"status_500\",\"target\":\"processed\"}");
    json_decref(banked_invoice(&bank, "r1"));
    json_decref(banked_pay(&bank, "r1", "no_preauth", NULL));
    banked_until(&bank, "/v1/invoices/r1", "machine.status", "failed");
    until_us = clock_mono_us() + 3000000; /* it lies there for 3 s */
    while (clock_mono_us() < until_us)
        json_decref(banked_must(&bank, "GET", "/v1/invoices/r1/events?after=100&wait=1", NULL, 200));
    json_decref(banked_must(&bank, "POST", "/v1/invoices/r1/repair?wait=20", NULL, 200));
    banked_until(&bank, "/v1/invoices/r1/payments/1", "status", "captured");
    text = metrics(bank.daemon.port);
    cr_expect_geq(sample(text, "sluice_timer_lateness_seconds_count"), 1);
    cr_expect_lt(sample(text, "sluice_timer_lateness_seconds_sum"), 2.5);
    free(text);
    banked_close(&bank);
}

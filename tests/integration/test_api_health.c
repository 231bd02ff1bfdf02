/* The health of providers as callers and operators meet it: a real sluiced with short ticks, and a bank that breaks. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "support/banked.h"
#include "support/http.h"

/* Only one route takes so much money of a card from elsewhere: provider 1's terminal 1. */
#define AMOUNT 700000

static int payments;

static void invoice(const struct banked *banked, const char *id)
{
    char *text = daemon_fixture_file("examples/invoice.json"), *body;
    json_t *params = json_loads(text, 0, NULL);

    json_object_set_new(params, "id", json_string(id));
    json_object_set_new(json_object_get(params, "cost"), "amount", json_integer(AMOUNT));
    body = json_dumps(params, JSON_COMPACT);
    json_decref(banked_must(banked, "POST", "/v1/invoices", body, 201));
    json_decref(params);
    free(body);
    free(text);
}

/* Waits until the payment of invoice ID is over, or parked with its bank's nonsense: "captured", "parked",
 * "failed code:sub:sub". */
static const char *ended(const struct banked *banked, const char *id)
{
    static char status[256];
    int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;
    char path[64];
    json_t *json;

    snprintf(path, sizeof(path), "/v1/invoices/%s", id);
    do {
        cr_assert(clock_mono_us() < until_us, "invoice %s does not come to rest", id);
        json = banked_must(banked, "GET", path, NULL, 200);
        if (strcmp(banked_text(json, "machine.status"), "failed") == 0)
            snprintf(status, sizeof(status), "parked");
        else
            snprintf(status, sizeof(status), "%s", banked_text(json, "payments.0.payment.status"));
        if (strcmp(status, "failed") == 0)
            snprintf(status, sizeof(status), "failed %s:%s:%s",
                     banked_text(json, "payments.0.payment.status.failed.failure.failure.code"),
                     banked_text(json, "payments.0.payment.status.failed.failure.failure.sub.code"),
                     banked_text(json, "payments.0.payment.status.failed.failure.failure.sub.sub.code"));
        json_decref(json);
    } while (strcmp(status, "pending") == 0 || strcmp(status, "processed") == 0);
    return status;
}

/* Pays a new invoice; how that ended. */
static const char *pay(const struct banked *banked)
{
    char id[32], path[96];

    snprintf(id, sizeof(id), "inv-%d", ++payments);
    snprintf(path, sizeof(path), "/v1/invoices/%s/payments", id);
    invoice(banked, id);
    json_decref(banked_must(banked, "POST", path,
        "{\"payer\":{\"payment_resource\":{\"resource\":{\"payment_tool\":{\"bank_card\":{\"token\":\"no_preauth\","
        "\"payment_system\":{\"id\":\"VISA\"},\"bin\":\"424242\",\"last_digits\":\"4242\",\"issuer_country\":\"USA\"}}},"
        "\"contact_info\":{\"email\":\"payer@example.com\"}}},\"flow\":{\"instant\":{}}}", 202));
    return ended(banked, id);
}

/* Pays until a payment ends as STATUS. */
static void pay_until(const struct banked *banked, const char *status)
{
    int64_t until_us = clock_mono_us() + 2 * FIXTURE_WAIT_MS * 1000;
    const char *is = pay(banked);

    while (strcmp(is, status) != 0) {
        cr_assert(clock_mono_us() < until_us, "payments end as \"%s\", not \"%s\"", is, status);
        is = pay(banked);
    }
}

/* "dead" of provider 1's KIND; "" if nothing is known. */
static const char *health(const struct banked *banked, const char *kind)
{
    static char status[32];
    json_t *json = banked_must(banked, "GET", "/v1/providers/health", NULL, 200), *provider;
    size_t i;

    status[0] = '\0';
    cr_assert(json_is_true(json_object_get(json, "enabled")));
    json_array_foreach(json_object_get(json, "providers"), i, provider) {
        if (json_integer_value(json_object_get(provider, "provider_id")) == 1)
            snprintf(status, sizeof(status), "%s",
                     banked_text(json_object_get(provider, kind), "status"));
    }
    json_decref(json);
    return status;
}

static bool metrics_have(const struct banked *banked, const char *text)
{
    struct http_reply reply = http_request(banked->daemon.port, "GET", "/metrics", NULL, NULL);
    bool found = strstr(reply.body, text) != NULL;

    http_reply_clear(&reply);
    return found;
}

/* What `sluice health` prints. */
static const char *command(const struct banked *banked)
{
    static char text[4096];
    struct daemon_fixture cli = { .pid = 0 };
    char api[64];
    const char *words[] = { "health", api, NULL };
    size_t len = 0;
    ssize_t got;
    int out;

    snprintf(api, sizeof(api), "--api=http://127.0.0.1:%d", banked->daemon.port);
    cli.pid = daemon_fixture_spawn("sluice", banked->daemon.log, words, &out);
    while ((got = read(out, text + len, sizeof(text) - 1 - len)) > 0)
        len += (size_t)got;
    text[len] = '\0';
    close(out);
    cr_assert_eq(daemon_fixture_wait(&cli), 0);
    return text;
}

/* Payments are made until something shows: they must not come to the end of a limit before. */
static void lift_limits(const struct banked *banked)
{
    json_t *domain = banked_domain(banked);

    banked_set(domain, "shop_config", "{\"id\":\"shop-acme-books\"}", "turnover_limits", "[]");
    banked_set(domain, "provider", "{\"id\":1}", "terms.payments.turnover_limits", "{\"value\":[]}");
    banked_configure_take(banked, NULL, domain);
}

/* If it fails, payments are sent to a bank that is known to be broken, or never again to one that was. */
Test(api_health, a_broken_bank_is_shunned_until_it_has_rested, .timeout = 120)
{
    struct banked banked;
    struct http_reply reply;

    setenv("SLUICE_FAULT_TICK", "500", 1); /* long enough for a payment in each, on a busy machine too */
    setenv("SLUICE_FAULT_WINDOW", "5000", 1);
    setenv("SLUICE_FAULT_DETECTOR", "on", 1);
    banked_open(&banked, NULL);
    lift_limits(&banked);
    cr_expect_str_eq(health(&banked, "availability"), "");
    pay_until(&banked, "captured");
    banked_fault(&banked, "{\"kind\":\"status_500\",\"share\":1,\"target\":\"processed\"}");
    pay_until(&banked, "failed no_route_found:rejected:adapter_unavailable");
    cr_expect(metrics_have(&banked, "sluice_provider_failure_rate{provider=\"1\",kind=\"availability\"} "));
    cr_expect(metrics_have(&banked, "sluice_provider_failure_rate{provider=\"1\",kind=\"conversion\"} "));
    cr_expect_str_neq(health(&banked, "availability"), "");
    reply = http_request(banked.bank.port, "DELETE", "/faults", NULL, NULL);
    http_reply_clear(&reply);
    pay_until(&banked, "captured");
    cr_expect_str_eq(health(&banked, "availability"), "alive");
    cr_expect(strstr(command(&banked), "  alive ("), "%s", command(&banked));
    cr_expect(strstr(command(&banked), "  LATE ANSWERS\n"), "%s", command(&banked));
    banked_close(&banked);
}

static int64_t ms_of_payment(const struct banked *banked, const char *id, const char *card)
{
    int64_t began_us = clock_mono_us();
    json_t *state;

    json_decref(banked_invoice(banked, id));
    state = banked_pay(banked, id, card, NULL);
    cr_expect_str_eq(banked_text(state, "payment.status"), "captured");
    json_decref(state);
    return (clock_mono_us() - began_us) / 1000;
}

/* If it fails, a deployment with a slow inspector, or with payers who do not wait, has to live with three seconds. The
 * mock bank's inspector takes ten seconds here. */
Test(health, times_of_calls_are_options, .timeout = 120)
{
    struct banked banked;
    json_t *domain;
    int64_t ms;

    cr_assert_eq(setenv("SLUICE_INSPECT_TIMEOUT", "200", 1), 0);
    cr_assert_eq(setenv("SLUICE_PROVIDER_TIMEOUT", "200", 1), 0);
    cr_assert_eq(setenv("SLUICE_RETRY", "50,100,5", 1), 0);
    banked_open(&banked, NULL);
    domain = banked_domain(&banked);
    banked_set(domain, "inspector", "{\"id\":1}", "proxy.additional", "{\"link_state\":\"too_late\"}");
    banked_configure_take(&banked, NULL, domain);
    ms = ms_of_payment(&banked, "t1", "no_preauth");
    cr_expect(ms < 2500, "%lld ms, where the usual time is 3000", (long long)ms);
    banked_configure_take(&banked, NULL, banked_domain(&banked));
    banked_fault(&banked, "{\"kind\":\"delay\",\"next\":1,\"ms\":20000,\"target\":\"processed\"}");
    ms = ms_of_payment(&banked, "t2", "no_preauth");
    cr_expect(ms < 15000, "%lld ms, where the bank took 20000", (long long)ms);
    banked_fault(&banked, "{\"kind\":\"reset_before\",\"share\":1,\"target\":\"processed\"}");
    json_decref(banked_invoice(&banked, "t3"));
    json_decref(banked_pay(&banked, "t3", "no_preauth", NULL));
    banked_until(&banked, "/v1/invoices/t3", "machine.status", "failed"); /* after five tries, not a hundred */
    banked_close(&banked);
    unsetenv("SLUICE_INSPECT_TIMEOUT");
    unsetenv("SLUICE_PROVIDER_TIMEOUT");
    unsetenv("SLUICE_RETRY");
}

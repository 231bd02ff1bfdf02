#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/xmalloc.h"
#include "integration/http_server.h"
#include "payment/effect.h"
#include "payment/types.h"
#include "provider/effects.h"
#include "provider/lanes.h"

/* ---- what is asked ---- */

#define CASH "{\"amount\":1000,\"currency\":{\"name\":\"Ruble\",\"symbolic_code\":\"RUB\",\"numeric_code\":643,\"exponent\":2}}"
#define CATEGORY "\"category\":{\"name\":\"c\",\"description\":\"d\"}"
#define AT "2026-01-31T10:00:00Z"
#define TOOL                                                                                                           \
    "{\"bank_card\":{\"token\":\"no_preauth\",\"payment_system\":{\"id\":\"visa\"},\"bin\":\"424242\","                    \
    "\"last_digits\":\"4242\"}}"
#define PAYMENT_INFO(MORE)                                                                                             \
    "{\"shop\":{\"id\":\"s\"," CATEGORY ",\"name\":\"shop\",\"location\":{\"url\":\"http://x\"}},"                         \
    "\"invoice\":{\"id\":\"inv1\",\"created_at\":\"" AT "\",\"due\":\"" AT "\",\"details\":{\"product\":\"p\"},"             \
    "\"cost\":" CASH "},\"payment\":{\"id\":\"1\",\"created_at\":\"" AT "\",\"payment_resource\":"                         \
    "{\"disposable_payment_resource\":{\"payment_tool\":" TOOL "}},\"cost\":" CASH ",\"contact_info\":{}" MORE
#define PROCESS(TARGET, MORE)                                                                                          \
    "{\"session\":{\"target\":{" TARGET ":{}}},\"payment_info\":" PAYMENT_INFO(MORE) "},\"options\":{}}"
#define PROCESSED PROCESS("\"processed\"", "}")
#define REFUNDED                                                                                                       \
    PROCESS("\"refunded\"", "},\"refund\":{\"id\":\"r1\",\"created_at\":\"" AT "\",\"cash\":" CASH "}")
#define CAPTURED                                                                                                       \
    PROCESS("\"captured\"", ",\"trx\":{\"id\":\"bank-7\",\"extra\":{\"a\":\"b\"}}},\"capture\":{\"cost\":" CASH "}")
#define RECURRENT PROCESS("\"processed\"", ",\"make_recurrent\":true}")
#define CALLBACK "{\"callback\":\"aGk=\",\"context\":" PROCESSED "}"
#define INSPECT                                                                                                        \
    "{\"payment\":{\"party\":{\"party_ref\":{\"id\":\"p\"}},\"shop\":{\"shop_ref\":{\"id\":\"s\"}," CATEGORY ","              \
    "\"name\":\"shop\",\"location\":{}},\"invoice\":{\"id\":\"inv1\",\"created_at\":\"" AT "\",\"due\":\"" AT "\","            \
    "\"details\":{\"product\":\"p\"}},\"payment\":{\"id\":\"1\",\"created_at\":\"" AT "\",\"payer\":{\"payment_resource\":"   \
    "{\"resource\":{\"payment_tool\":" TOOL "},\"contact_info\":{}}},\"cost\":{\"amount\":1,\"currency\":"                \
    "{\"symbolic_code\":\"RUB\"}}}},\"options\":{}}"

/* ---- the other side: says what the test wants said ---- */

static int say_status;
static const char *say_body; /* NULL: nothing, and closes; "hold": waits to be released first */
static char asked_path[256], asked_key[256], *asked_body;

static bool serve(struct bare_server *server, int fd, const struct bare_server_request *request)
{
    strcpy(asked_path, request->path);
    strcpy(asked_key, request->key);
    free(asked_body);
    asked_body = xstrdup(request->body);
    if (!say_body)
        return false;
    if (strcmp(say_body, "hold") == 0) {
        bare_server_wait_release(server);
        return bare_server_answer(fd, 200, "{}");
    }
    return bare_server_answer(fd, say_status, say_body);
}

/* ---- this side ---- */

static struct event_base *base;
static struct bare_server server;
static struct http_client *http;
static struct effects *effects;
static struct arena *arena;
static int done_count;
static uint64_t done_number;
static const struct effect_result *done_result;
static struct {
    int count;
    int64_t provider_id, took_us;
    bool answered;
} heard;

static void on_heard(void *ctx, int64_t provider_id, bool answered, int64_t took_us)
{
    cr_assert_eq(ctx, &heard);
    heard.count++;
    heard.provider_id = provider_id;
    heard.answered = answered;
    heard.took_us = took_us;
}

static void setup(void)
{
    struct http_client_setup http_setup = { 0 };
    const char *why;

    xmalloc_init();
    signal(SIGPIPE, SIG_IGN);
    base = event_base_new();
    http_setup.base = base;
    cr_assert_eq(http_client_new(&http_setup, &http, &why), SL_OK);
    effects = effects_new(base, &(struct effects_setup){
        .http = http, .inspector_timeout_ms = 150, .heard = on_heard, .heard_ctx = &heard,
    });
    bare_server_start(&server, serve);
    arena = arena_new();
    say_status = 200;
}

static void teardown(void)
{
    effects_free(effects);
    http_client_free(http);
    bare_server_stop(&server);
    event_base_free(base);
    libevent_global_shutdown();
    arena_free(arena);
    free(asked_body);
}

static void on_done(void *arg, uint64_t number, const struct effect_result *result)
{
    cr_assert_eq(arg, &done_count);
    done_count++;
    done_number = number;
    done_result = result;
    cr_assert_eq(result->err == SL_OK, result->value != NULL);
    cr_assert_eq(result->err == SL_OK, result->detail == NULL);
}

/* Starts an order of KIND whose request is TEXT; URL NULL: at the test's server. */
static void start(int kind, const char *text, const char *url, int64_t timeout_ms, uint64_t number, struct arena *in)
{
    const struct effect_wire *wire = effect_wire(kind);
    struct effect_args *args = arena_alloc(in, sizeof(*args));
    void *request = arena_alloc(in, wire->request->size);
    struct type_errors errors = { 0 };
    struct effect effect = { kind, args };

    cr_assert_eq(type_decode_text(wire->request, text, strlen(text), 0, in, request, &errors), SL_OK, "%s %s",
                 errors.list[0].path, errors.list[0].message);
    args->url = url ? url : arena_printf(in, "http://127.0.0.1:%d/bank/", server.port);
    args->key = "inv1.1.processed.1";
    args->timeout_ms = timeout_ms;
    args->provider_id = kind == FX_INSPECT ? 0 : 4;
    args->request = request;
    effects_ops()->start(effects, &effect, number, in, on_done, &done_count);
}

static const struct effect_result *run(int kind, const char *text, const char *url, int64_t timeout_ms)
{
    static uint64_t number;
    int before = done_count;

    start(kind, text, url, timeout_ms, ++number, arena);
    cr_assert_eq(done_count, before, "DONE may not run inside start");
    loop_until(base, &done_count, before + 1);
    cr_assert_eq(done_number, number);
    cr_assert_eq(done_result->kind, kind);
    return done_result;
}

TestSuite(effects, .init = setup, .fini = teardown, .timeout = 60);

/* If this fails, adapters are called in a way they do not know, or a repeat looks like a new payment. */
Test(effects, the_call_is_named_keyed_and_whole)
{
    static const struct {
        int kind;
        const char *request, *path, *answer;
    } rows[] = {
        { FX_PROVIDER_PROCESS, PROCESSED, "/bank/process_payment", "{}" },
        { FX_PROVIDER_CALLBACK, CALLBACK, "/bank/handle_payment_callback", "{\"response\":\"\",\"result\":{}}" },
        { FX_INSPECT, INSPECT, "/bank/inspect_payment", "{\"risk_score\":\"low\"}" },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        json_auto_t *want = json_loads(rows[i].request, 0, NULL), *is = NULL;

        say_body = rows[i].answer;
        cr_expect_eq(run(rows[i].kind, rows[i].request, NULL, 5000)->err, SL_OK, "%s", rows[i].path);
        cr_expect_str_eq(asked_path, rows[i].path);
        cr_expect_str_eq(asked_key, "inv1.1.processed.1");
        is = json_loads(asked_body, 0, NULL);
        cr_expect(json_equal(want, is), "%s: %s", rows[i].path, asked_body);
    }
}

/* If this fails, a provider's word is misread: the fields land elsewhere. */
Test(effects, a_good_answer_is_decoded_into_the_arena)
{
    const struct proxy_result *result;

    say_body = "{\"intent\":{\"suspend\":{\"tag\":\"t1\",\"timeout\":{\"timeout\":30},\"timeout_behaviour\":"
               "{\"callback\":\"Ynk=\"}}},\"next_state\":\"c3Q=\",\"trx\":{\"id\":\"x\",\"extra\":{}},\"unknown\":1}";
    result = run(FX_PROVIDER_PROCESS, PROCESSED, NULL, 5000)->value;
    cr_assert(result);
    cr_expect_eq(result->intent.tag, PROXY_INTENT_SUSPEND);
    cr_expect_str_eq(result->intent.suspend->tag, "t1");
    cr_expect_eq(result->intent.suspend->timeout.timeout, 30);
    cr_expect_str_eq(result->intent.suspend->timeout_behaviour.callback, "Ynk=");
    cr_expect_str_eq(result->next_state, "c3Q=");
    cr_expect_str_eq(result->trx->id, "x");
}

/* If this fails, a payment is parked that should be asked for again, or asked for ever that makes no sense. */
Test(effects, each_answer_has_its_outcome)
{
    static const struct {
        int status;
        const char *body;
        enum sl_err err;
        const char *detail; /* a part of it */
    } rows[] = {
        { 201, "{\"intent\":{\"sleep\":{\"timer\":{\"timeout\":0}}}}", SL_OK, NULL },
        { 503, "busy", SL_EDOWN, "503" },
        { 429, "{}", SL_EDOWN, "429" },
        { 500, "{}", SL_EPROTO, "HTTP 500" },
        { 404, "", SL_EPROTO, "HTTP 404" },
        { 302, "{}", SL_EPROTO, "HTTP 302" },
        { 200, "", SL_EPROTO, "is not JSON" },
        { 200, "<html>", SL_EPROTO, "is not JSON" },
        { 200, "{} {}", SL_EPROTO, "is not JSON" },
        { 200, "[]", SL_EPROTO, "must be an object" },
        { 200, "{\"trx\":{\"extra\":{}}}", SL_EPROTO, "/trx/id is required" },
        { 200, "{\"trx\":null}", SL_EPROTO, "/trx must not be null" },
        { 200, "{\"next_state\":\"%\"}", SL_EPROTO, "/next_state must be base64" },
        { 200, "{\"intent\":{\"finish\":{\"status\":{\"success\":{},\"failure\":{\"code\":\"x\"}}}}}", SL_EPROTO,
          "/intent/finish/status must be an object with exactly one of" },
        { 200, "{\"intent\":{\"dance\":{}}}", SL_EPROTO, "/intent/dance" },
        { 200, "{\"intent\":{\"sleep\":{\"timer\":{\"timeout\":1.5}}}}", SL_EPROTO, "/intent/sleep/timer/timeout" },
        { 200, NULL, SL_EUNKNOWN, "broke" },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        const struct effect_result *result;

        say_status = rows[i].status;
        say_body = rows[i].body;
        result = run(FX_PROVIDER_PROCESS, PROCESSED, NULL, 5000);
        cr_expect_eq(result->err, rows[i].err, "row %zu: %s, %s", i, sl_err_name(result->err), result->detail);
        cr_expect_eq(heard.count, (int)i + 1, "row %zu", i);
        cr_expect_eq(heard.answered, rows[i].err == SL_OK, "row %zu", i);
        if (rows[i].detail)
            cr_expect(strstr(result->detail, rows[i].detail), "row %zu: %s", i, result->detail);
        if (rows[i].detail && rows[i].err != SL_EDOWN)
            cr_expect(strstr(result->detail, "process_payment: ") == result->detail, "row %zu: %s", i, result->detail);
    }
}

/* If this fails, a provider is taken for broken because it says no, or because an inspector does not answer. */
Test(effects, what_is_heard_of_a_provider)
{
    run(FX_PROVIDER_PROCESS, PROCESSED, "builtin:decline", 5000);
    cr_expect_eq(heard.count, 1);
    cr_expect_eq(heard.provider_id, 4);
    cr_expect(heard.answered, "a refusal is an answer");
    run(FX_PROVIDER_PROCESS, PROCESSED, "builtin:unavailable", 5000);
    cr_expect_eq(heard.count, 2);
    cr_expect_not(heard.answered);
    say_body = "hold";
    run(FX_PROVIDER_PROCESS, PROCESSED, NULL, 100);
    cr_expect_eq(heard.count, 3);
    cr_expect_not(heard.answered);
    cr_expect_geq(heard.took_us, 80000, "the time until it was given up, but for the coarse clock of the loop");
    run(FX_INSPECT, INSPECT, NULL, 0);
    cr_expect_eq(heard.count, 3, "an inspector is no provider");
    bare_server_release(&server);
}

/* If this fails, one provider that hangs takes everybody's places, or its neighbours hear of it. */
Test(effects, a_provider_has_its_share_of_calls_and_no_more)
{
    const struct lane_stats *lane;
    int i;

    effects_free(effects);
    effects = effects_new(base, &(struct effects_setup){ .http = http, .calls_max = 2, .heard = on_heard, .heard_ctx = &heard });
    say_body = "hold";
    for (i = 0; i < 2; i++)
        start(FX_PROVIDER_PROCESS, PROCESSED, NULL, 30000, 100 + (uint64_t)i, arena);
    cr_expect_eq(run(FX_PROVIDER_PROCESS, PROCESSED, NULL, 30000)->err, SL_EDOWN, "the third");
    cr_expect_str_eq(done_result->detail, "too many calls to this provider are under way");
    cr_expect_eq(heard.count, 0, "nothing was tried: that says nothing of the provider");
    cr_expect_eq(run(FX_INSPECT, INSPECT, NULL, 100)->err, SL_EUNKNOWN, "others have their own share");
    cr_expect_eq(run(FX_PROVIDER_PROCESS, PROCESSED, "builtin:approve", 30000)->err, SL_OK, "what needs no call needs no share");
    lane = lanes_next(effects_lanes(effects), NULL);
    cr_assert(lane && lane->provider_id == LANE_INSPECTORS && lane->under_way == 0 && lane->refused == 0);
    lane = lanes_next(effects_lanes(effects), lane);
    cr_assert(lane && lane->provider_id == 4 && lane->under_way == 2 && lane->refused == 1);
    cr_expect_null(lanes_next(effects_lanes(effects), lane));
    effects_ops()->cancel(effects, 100);
    start(FX_PROVIDER_PROCESS, PROCESSED, NULL, 30000, 102, arena);
    cr_expect_eq(lane->under_way, 2, "a place that was given back is taken");
    bare_server_release(&server);
}

/* If this fails, a provider that is not there looks like one that may have charged. */
Test(effects, what_never_left_is_down)
{
    char url[64];

    snprintf(url, sizeof(url), "http://127.0.0.1:%d", bare_server_free_port());
    cr_expect_eq(run(FX_PROVIDER_PROCESS, PROCESSED, url, 5000)->err, SL_EDOWN);
    cr_expect_eq(run(FX_PROVIDER_PROCESS, PROCESSED, "http://127.0.0.1/?a=b", 5000)->err, SL_EDOWN);
    cr_expect_eq(run(FX_PROVIDER_PROCESS, PROCESSED, "", 5000)->err, SL_EDOWN);
    cr_expect_eq(server.requests, 0);
}

/* If this fails, a silent inspector holds a payment for ever. */
Test(effects, silence_is_unknown_after_the_time_named_or_the_usual_one)
{
    say_body = "hold";
    cr_expect_eq(run(FX_PROVIDER_PROCESS, PROCESSED, NULL, 100)->err, SL_EUNKNOWN);
    cr_expect_eq(run(FX_INSPECT, INSPECT, NULL, 0)->err, SL_EUNKNOWN, "its usual time is 150 ms in this suite");
}

/* If this fails, an answer is written into the memory of a machine that was let go. The arena is freed
 * at once after the cancel, so the address sanitizer sees any touch. */
Test(effects, nothing_comes_after_a_cancel)
{
    static const char *const urls[] = { NULL, "builtin:approve", "http://127.0.0.1/?" };
    struct effects_stats stats;
    size_t i;

    say_body = "hold";
    for (i = 0; i < SL_COUNT(urls); i++) {
        struct arena *own = arena_new();

        start(FX_PROVIDER_PROCESS, PROCESSED, urls[i], 300, 1000 + i, own);
        if (!urls[i]) {
            loop_for(base, 50);
            bare_server_until_requests(&server, 1);
        }
        effects_ops()->cancel(effects, 1000 + i);
        arena_free(own);
    }
    effects_ops()->cancel(effects, 1000); /* again; and one that never was */
    effects_ops()->cancel(effects, 77);
    bare_server_release(&server);
    loop_for(base, 400);
    cr_expect_eq(done_count, 0);
    cr_expect_eq(heard.count, 0, "what was given up says nothing of the provider");
    effects_stats(effects, &stats);
    cr_expect_eq(stats.in_flight, 0);
    cr_expect_eq(stats.kinds[FX_PROVIDER_PROCESS - FX_INSPECT].cancelled, 3);
}

/* If this fails, stopping the daemon in the middle of work leaks or crashes. */
Test(effects, free_drops_what_is_under_way)
{
    say_body = "hold";
    start(FX_PROVIDER_PROCESS, PROCESSED, NULL, 5000, 1, arena);
    start(FX_PROVIDER_PROCESS, PROCESSED, "builtin:approve", 5000, 2, arena);
    effects_free(effects);
    effects = NULL;
    bare_server_release(&server);
    loop_for(base, 100);
    cr_expect_eq(done_count, 0);
}

/* If this fails, an order that nobody performs waits for ever. */
Test(effects, an_unknown_kind_is_answered)
{
    struct effect effect = { 99, NULL };

    effects_ops()->start(effects, &effect, 5, arena, on_done, &done_count);
    loop_until(base, &done_count, 1);
    cr_expect_eq(done_result->err, SL_EPROTO);
    cr_expect_eq(done_result->kind, 99);
}

/* If this fails, a dry run goes another way than a real payment. */
Test(effects, the_builtin_provider_answers)
{
    static const struct {
        const char *url, *request;
        int status;
        const char *trx;
    } rows[] = {
        { "builtin:approve", PROCESSED, PROXY_STATUS_SUCCESS, "inv1.1" },
        { "builtin:approve", REFUNDED, PROXY_STATUS_SUCCESS, "inv1.1.r1" },
        { "builtin:approve", CAPTURED, PROXY_STATUS_SUCCESS, "bank-7" },
        { "builtin:decline", PROCESSED, PROXY_STATUS_FAILURE, "inv1.1" },
        { "builtin:decline", REFUNDED, PROXY_STATUS_FAILURE, "inv1.1.r1" },
        { "builtin:decline", CAPTURED, PROXY_STATUS_SUCCESS, "bank-7" },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        const struct proxy_result *result = run(FX_PROVIDER_PROCESS, rows[i].request, rows[i].url, 1)->value;
        struct buf text = BUF_EMPTY;
        struct proxy_result again;

        cr_assert(result, "row %zu", i);
        cr_expect_eq(result->intent.finish->status.tag, rows[i].status, "row %zu", i);
        cr_expect_str_eq(result->trx->id, rows[i].trx, "row %zu", i);
        type_encode(&type_proxy_result, result, &text); /* what a real provider could have said */
        cr_expect_eq(type_decode_text(&type_proxy_result, text.data, text.len, 0, arena, &again, NULL), SL_OK, "%s",
                     buf_text(&text));
        buf_clear(&text);
    }
}

/* If this fails, dry runs of callbacks, recurrent payments or risk scores do not work. */
Test(effects, the_rest_of_the_builtins)
{
    const struct proxy_callback_result *callback = run(FX_PROVIDER_CALLBACK, CALLBACK, "builtin:approve", 1)->value;
    const struct proxy_result *result = run(FX_PROVIDER_PROCESS, RECURRENT, "builtin:approve", 1)->value;
    const struct inspect_answer *answer = run(FX_INSPECT, INSPECT, "builtin:risk-fatal", 1)->value;

    cr_expect_str_eq(callback->response, "");
    cr_expect_eq(callback->result.intent.tag, PROXY_INTENT_FINISH);
    cr_expect_str_eq(result->intent.finish->status.success->token, "builtin-inv1.1");
    cr_expect_eq(answer->risk_score, RISK_FATAL);
    cr_expect_eq(run(FX_INSPECT, INSPECT, "builtin:risk-huge", 1)->err, SL_EDOWN);
    cr_expect_eq(run(FX_INSPECT, INSPECT, "builtin:approve", 1)->err, SL_EDOWN);
    cr_expect_eq(run(FX_PROVIDER_PROCESS, PROCESSED, "builtin:unavailable", 1)->err, SL_EDOWN);
    cr_expect_eq(run(FX_PROVIDER_PROCESS, PROCESSED, "builtin:risk-low", 1)->err, SL_EDOWN);
}

/* If this fails, the metrics blame the wrong outcome. */
Test(effects, outcomes_are_counted)
{
    struct effects_stats stats;
    const struct effects_kind_stats *kind = &stats.kinds[FX_PROVIDER_PROCESS - FX_INSPECT];
    uint64_t in_buckets = 0;
    size_t i;

    say_body = "{}";
    run(FX_PROVIDER_PROCESS, PROCESSED, NULL, 5000);
    say_status = 503;
    run(FX_PROVIDER_PROCESS, PROCESSED, NULL, 5000);
    run(FX_PROVIDER_PROCESS, PROCESSED, "builtin:approve", 5000);
    effects_stats(effects, &stats);
    cr_expect_str_eq(kind->name, "process_payment");
    cr_expect_eq(kind->started, 3);
    cr_expect_eq(kind->outcomes[-SL_OK].count, 2);
    cr_expect_eq(kind->outcomes[-SL_EDOWN].count, 1);
    for (i = 0; i < EFFECTS_BUCKETS; i++)
        in_buckets += kind->outcomes[-SL_OK].buckets[i];
    cr_expect_eq(in_buckets, 2);
}

/* Orders for turnover counters, as the runtime gives them. */
#include <criterion/criterion.h>
#include <event2/event.h>
#include <stdio.h>

#include "limits/store.h"
#include "payment/effect.h"
#include "provider/effects.h"
#include "redis/script_list.h"
#include "support/redis_fixture.h"

static struct redis_fixture redis;
static struct http_client *http;
static struct effects *effects;
static struct arena *arena;

static bool answered;
static int done_count;
static uint64_t done_number;
static const struct effect_result *done_result;

static struct limit_change change = { "L", "L/1", LIMIT_HOLD, 5, 1 };
static struct limit_request request = { "op", false, &change, 1 };
static struct limit_order order = { &request, 1 };
static const struct effect hold = { FX_LIMITS, &order };

static void begin(void)
{
    const char *why;

    redis_fixture_open(&redis);
    cr_assert_eq(http_client_new(&(struct http_client_setup){ .base = redis.base }, &http, &why), SL_OK);
    arena = arena_new();
}

static void end(void)
{
    effects_free(effects);
    http_client_free(http);
    redis_fixture_close(&redis);
    arena_free(arena);
}

TestSuite(effects_limits, .init = begin, .fini = end);

static void on_done(void *arg, uint64_t number, const struct effect_result *result)
{
    (void)arg;
    done_count++;
    done_number = number;
    done_result = result;
    cr_assert_eq(result->err == SL_OK, result->value != NULL);
    cr_assert_eq(result->err == SL_OK, result->detail == NULL);
    answered = true;
}

static void start(const struct effect *effect, uint64_t number)
{
    effects_ops()->start(effects, effect, number, arena, on_done, NULL);
}

static void wait_for(uint64_t number)
{
    answered = false;
    redis_fixture_wait(&redis, &answered);
    cr_assert_eq(done_number, number);
    cr_assert_eq(done_result->kind, FX_LIMITS);
}

/* If this fails, a payment waits for ever for its limits, or goes on without them. */
Test(effects_limits, counters_are_asked)
{
    struct limit_order nothing = { NULL, 0 };
    struct effect none = { FX_LIMITS, &nothing };
    struct limit_store *limits = limit_store_new(redis.client, 4, 5000);
    const struct limit_answer *answer;
    struct effects_stats stats;

    effects = effects_new(redis.base, &(struct effects_setup){ .http = http, .limits = limits });
    start(&hold, 1);
    cr_assert_eq(done_count, 0, "DONE may not run inside start");
    wait_for(1);
    answer = done_result->value;
    cr_assert_eq(answer->count, 1);
    cr_assert_eq(answer->outcomes[0].values[0], 5);
    start(&none, 2);
    cr_assert_eq(done_count, 1, "DONE may not run inside start");
    wait_for(2);
    cr_assert(!done_result->err);

    start(&hold, 3);
    effects_ops()->cancel(effects, 3);
    start(&hold, 4);
    effects_stats(effects, &stats);
    cr_expect_eq(stats.in_flight, 1);
    cr_expect_str_eq(stats.kinds[FX_LIMITS - FX_INSPECT].name, "limits");
    cr_expect_eq(stats.kinds[FX_LIMITS - FX_INSPECT].started, 4);
    cr_expect_eq(stats.kinds[FX_LIMITS - FX_INSPECT].cancelled, 1);
    cr_expect_eq(stats.kinds[FX_LIMITS - FX_INSPECT].outcomes[-SL_OK].count, 2);
    effects_free(effects); /* with the fourth under way */
    effects = NULL;
    redis_fixture_ask(&redis, "PING", NULL);
    cr_assert_eq(done_count, 2);
    cr_assert_eq(limit_store_in_flight(limits), 0);
    limit_store_free(limits);
}

/* If this fails, a program without counters crashes where it should say so. */
Test(effects_limits, without_counters_there_are_no_limits)
{
    effects = effects_new(redis.base, &(struct effects_setup){ .http = http });
    start(&hold, 1);
    wait_for(1);
    cr_assert_eq(done_result->err, SL_EPROTO);
}

#include <criterion/criterion.h>

#include "payment/bounds.h"
#include "payment/calls.h"
#include "payment/note.h"
#include "payment/repair.h"
#include "support/domain_doc.h"
#include "support/payment_world.h"

#define TRANSIENT                                                                                           \
    "{\"intent\":{\"finish\":{\"status\":{\"failure\":{\"code\":\"authorization_failed\",\"sub\":"          \
    "{\"code\":\"temporarily_unavailable\"}}}}}}"
#define SLEEP(s) "{\"intent\":{\"sleep\":{\"timer\":{\"timeout\":" #s "}}}}"
#define REDIRECT "\"user_interaction\":{\"redirect\":{\"get_request\":{\"uri\":\"https://acs\"}}}"
#define SUSPEND(tag, more)                                                                                  \
    "{\"intent\":{\"suspend\":{\"tag\":\"" tag "\",\"timeout\":{\"timeout\":60}" more "}},\"next_state\":\"czE=\"}"
#define REPLY(result) "{\"response\":\"c3VyZQ==\",\"result\":" result "}"
#define COMPLETED "{\"intent\":{\"sleep\":{\"timer\":{\"timeout\":1},\"user_interaction_completion\":{}}},\"next_state\":\"czI=\"}"
#define SPIN                                                                                                \
    "{\"intent\":{\"suspend\":{\"tag\":\"spin\",\"timeout\":{\"timeout\":0},\"timeout_behaviour\":{\"callback\":\"\"}}}}"
#define FINE(trx) "{\"intent\":{\"finish\":{\"status\":{\"success\":{}}}},\"trx\":{\"id\":\"" trx "\",\"extra\":{}}}"

/* A started payment, everything done up to and including session_started. */
static void open_at_session(struct payment_world *world)
{
    world_open(world, "shop-acme-books", 42000, world_no_cascade);
    cr_assert(world_start(world) == STEP_OK);
    while (!payment_session(world_payment(world), TARGET_PROCESSED))
        cr_assert(machine_driver_fire(&world->driver) == STEP_OK);
}

/* What a temporary failure costs: waits of 1, 2, 4, 8 s, then the payment (session.md 9). */
Test(steps_session, temporary_failures_are_retried_four_times)
{
    static const int64_t waits_s[] = { 1, 2, 4, 8 };
    struct payment_world world;
    int64_t before_us;
    size_t i;

    open_at_session(&world);
    for (i = 0; i < SL_COUNT(waits_s); i++) {
        world_say(&world, TRANSIENT);
        cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
        before_us = world.driver.now_us;
        cr_assert_str_eq(world_history(&world, world.driver.event_count), "finished(failed) started(processed)");
        cr_assert(world.driver.due_ms * 1000 == before_us + waits_s[i] * 1000000, "retry %zu", i + 1);
    }
    world_say(&world, TRANSIENT);
    cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    cr_assert_str_eq(world_history(&world, world.driver.event_count), "finished(failed) rollback_started");
    world_run(&world);
    cr_assert_str_eq(world_status(&world), "failed:authorization_failed:temporarily_unavailable");
    cr_assert(world_books_are_settled(&world));
    world_close(&world);
}

/* 3-D Secure as in payment.md 13: suspend, callback, sleep, success. */
Test(steps_session, a_callback_wakes_a_suspended_session)
{
    struct payment_world world;
    const struct callback_reply *reply;

    open_at_session(&world);
    world_say(&world, SUSPEND("tag-1", "," REDIRECT));
    cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    cr_assert_str_eq(world_history(&world, world.driver.event_count),
                     "proxy_state_changed interaction_changed(requested) suspended");
    cr_assert(world.driver.tag_count == 1);
    cr_assert_str_eq(world.driver.tags[0], "tag-1");
    cr_assert(world.driver.due_ms * 1000 == world.driver.now_us + 60000000);
    world_say(&world, REPLY(COMPLETED));
    cr_assert(world_callback(&world, "tag-1", "cGF5") == STEP_OK);
    reply = world.driver.reply;
    cr_assert_str_eq(reply->response, "c3VyZQ==");
    cr_assert_str_eq(world_history(&world, world.driver.event_count),
                     "activated proxy_state_changed interaction_changed(completed)");
    cr_assert(world.driver.due_ms * 1000 == world.driver.now_us + 1000000);
    cr_assert(world_callback(&world, "tag-1", "cGF5") == STEP_REFUSED, "the tag is used up");
    cr_assert_str_eq(world_refusal(&world), "InvalidRequest: Invalid callback");
    cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    world_run(&world);
    cr_assert_str_eq(world_status(&world), "captured");
    world_close(&world);
}

/* A callback that settles nothing leaves the wait exactly as it was (session.md 5). */
Test(steps_session, a_callback_without_an_intent_keeps_the_suspension)
{
    struct payment_world world;
    int64_t due_ms;

    open_at_session(&world);
    world_say(&world, SUSPEND("tag-1", ""));
    cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    due_ms = world.driver.due_ms;
    world.driver.now_us += 5000000;
    world_say(&world, REPLY("{\"next_state\":\"czM=\",\"trx\":{\"id\":\"T1\",\"extra\":{}}}"));
    cr_assert(world_callback(&world, "tag-1", "cGF5") == STEP_OK);
    cr_assert_str_eq(world_history(&world, world.driver.event_count), "transaction_bound proxy_state_changed");
    cr_assert(world.driver.due_ms == due_ms, "the first timer keeps running");
    world_say(&world, REPLY(FINE("T1")));
    cr_assert(world_callback(&world, "tag-1", "cGF5") == STEP_OK, "the tag is still good");
    cr_assert_str_eq(world_history(&world, world.driver.event_count), "activated finished(succeeded)");
    world_close(&world);
}

/* Nobody came: the suspension ends as the adapter ordered (session.md 4). */
Test(steps_session, a_suspension_that_runs_out_does_what_was_ordered)
{
    static const struct {
        const char *more, *answer, *history, *status;
    } rows[] = {
        { "", NULL, "finished(failed) rollback_started", "failed:operation_timeout" },
        { ",\"timeout_behaviour\":{\"operation_failure\":{\"failure\":{\"code\":\"preauthorization_failed\"}}}", NULL,
          "finished(failed) rollback_started", "failed:preauthorization_failed" },
        { ",\"timeout_behaviour\":{\"callback\":\"dGltZW91dA==\"}", REPLY(FINE("T1")),
          "activated transaction_bound finished(succeeded)", "captured" },
    };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        open_at_session(&world);
        world_say(&world, arena_printf(world.driver.arena, "{\"intent\":{\"suspend\":{\"tag\":\"t\",\"timeout\":"
                                                           "{\"timeout\":60}%s}}}", rows[i].more));
        cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
        if (rows[i].answer)
            world_say(&world, rows[i].answer);
        cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
        cr_assert_str_eq(world_history(&world, world.driver.event_count), rows[i].history);
        world_run(&world);
        cr_assert_str_eq(world_status(&world), rows[i].status);
        cr_assert(world_books_are_settled(&world));
        world_close(&world);
    }
}

/* Callbacks and changes from outside are refused unless the session waits for exactly this tag. */
Test(steps_session, a_tag_is_good_only_while_it_is_the_newest_of_a_suspended_session)
{
    struct payment_world world;

    open_at_session(&world);
    cr_assert(world_callback(&world, "t1", "") == STEP_REFUSED, "not suspended");
    world_say(&world, SUSPEND("t1", ""));
    cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    world_say(&world, REPLY(SUSPEND("t2", "")));
    cr_assert(world_callback(&world, "t1", "") == STEP_OK);
    cr_assert(world_callback(&world, "t1", "") == STEP_REFUSED, "replaced by t2");
    cr_assert_str_eq(world_refusal(&world), "InvalidRequest: Invalid callback");
    cr_assert(world_session_change(&world, "t1", "{\"code\":\"x\"}") == STEP_REFUSED);
    cr_assert_str_eq(world_refusal(&world), "InvalidRequest: Not found");
    cr_assert(world_session_change(&world, "t2", "{\"code\":\"x\"}") == STEP_OK);
    cr_assert_str_eq(world_history(&world, world.driver.event_count), "activated finished(failed) rollback_started");
    world_run(&world);
    cr_assert_str_eq(world_status(&world), "failed:x");
    world_close(&world);
}

static bool refused_as_early(const struct payment_world *world)
{
    const struct call_error *error = world->driver.reply;

    return world->driver.end == STEP_REFUSED && error->early;
}

/* A callback that overtakes the commit of its suspension is told apart from one that nobody waits for: it is asked
 * again, by whoever took it, instead of being lost. Fails: payers who are quick are never heard. */
Test(steps_session, a_callback_may_be_early_only_for_a_session_that_can_still_ask_for_it)
{
    struct payment_world world;

    world_open(&world, "shop-acme-books", 42000, NULL);
    cr_assert(world_callback(&world, "t1", "") == STEP_REFUSED);
    cr_assert(!refused_as_early(&world), "no payment");
    world_close(&world);

    open_at_session(&world);
    cr_assert(world_callback(&world, "t1", "") == STEP_REFUSED);
    cr_assert(refused_as_early(&world), "bound, and the suspension is under way");
    cr_assert(world_session_change(&world, "t1", "{\"code\":\"x\"}") == STEP_REFUSED);
    cr_assert(refused_as_early(&world));
    world_say(&world, SUSPEND("t1", ""));
    cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    cr_assert(world_callback(&world, "t2", "") == STEP_REFUSED);
    cr_assert(refused_as_early(&world), "a callback may be answered with another suspension");
    world_say(&world, REPLY(SUSPEND("t2", "")));
    cr_assert(world_callback(&world, "t1", "") == STEP_OK);
    cr_assert(world_callback(&world, "t1", "") == STEP_REFUSED);
    cr_assert(!refused_as_early(&world), "it had its time");
    cr_assert(world_callback(&world, "t2", "") == STEP_OK);
    world_run(&world);
    cr_assert_str_eq(world_status(&world), "captured");
    cr_assert(world_callback(&world, "t3", "") == STEP_REFUSED);
    cr_assert(!refused_as_early(&world), "the payment is done");
    world_close(&world);
}

/* A retry policy of the configuration is the one that counts, for captures and cancels too. */
Test(steps_session, retries_are_as_configured)
{
    static const struct world_patch policies[] = {
        { "globals", "{}", "session_retry",
          "{\"processed\":{\"intervals\":{\"timeouts\":[1,1,1]}},\"captured\":{\"linear\":{\"retries\":{\"max\":1},"
          "\"timeout\":7}}}" },
        { NULL, NULL, NULL, NULL },
    };
    struct payment_world world;
    int64_t before_us;
    size_t i;

    world_open(&world, "shop-acme-books", 42000, policies);
    cr_assert(world_start(&world) == STEP_OK);
    while (!payment_session(world_payment(&world), TARGET_PROCESSED))
        cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    for (i = 0; i < 3; i++) {
        world_say(&world, TRANSIENT);
        cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
        before_us = world.driver.now_us;
        cr_assert(world.driver.due_ms * 1000 == before_us + 1000000, "retry %zu", i + 1);
    }
    while (world_payment(&world)->activity != ACT_FINALIZING_SESSION)
        cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    world_say(&world, TRANSIENT);
    world_say(&world, TRANSIENT);
    cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    cr_assert_str_eq(world_history(&world, world.driver.event_count), "finished(failed) started(captured)");
    cr_assert(world.driver.due_ms * 1000 == world.driver.now_us + 7000000);
    cr_assert(machine_driver_fire(&world.driver) == STEP_FAIL, "one retry and no more");
    cr_assert(world.driver.cause == CAUSE_DECLINED);
    cr_assert_str_eq(world_status(&world), "processed", "the payment itself has not failed");
    world_close(&world);
}

/* How a transaction may change: bound, updated, never another one (session.md 3). */
Test(steps_session, a_transaction_is_bound_once_and_never_replaced)
{
    static const struct {
        const char *name, *second, *history;
    } rows[] = {
        { "absent", "{\"intent\":{\"sleep\":{\"timer\":{\"timeout\":0}}},\"next_state\":\"YQ==\"}", "proxy_state_changed" },
        { "same", "{\"intent\":{\"sleep\":{\"timer\":{\"timeout\":0}}},\"next_state\":\"YQ==\","
                  "\"trx\":{\"id\":\"T1\",\"extra\":{}}}", "proxy_state_changed" },
        { "updated", "{\"intent\":{\"sleep\":{\"timer\":{\"timeout\":0}}},\"trx\":{\"id\":\"T1\",\"extra\":{\"a\":\"b\"}}}",
          "transaction_bound" },
        { "another", FINE("T2"), NULL },
    };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        open_at_session(&world);
        world_say(&world, "{\"intent\":{\"sleep\":{\"timer\":{\"timeout\":0}}},\"trx\":{\"id\":\"T1\",\"extra\":{}}}");
        cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
        cr_assert_str_eq(world_history(&world, world.driver.event_count), "transaction_bound");
        world_say(&world, rows[i].second);
        cr_assert(machine_driver_fire(&world.driver) == (rows[i].history ? STEP_OK : STEP_FAIL), "%s", rows[i].name);
        if (rows[i].history)
            cr_assert_str_eq(world_history(&world, world.driver.event_count), rows[i].history, "%s", rows[i].name);
        else
            cr_assert_str_eq(world.driver.reason, "the provider changed its transaction from T1 to T2");
        world_close(&world);
    }
}

/* Adapters can neither park a payment for years nor send it into the past. */
Test(steps_session, sleeps_are_clamped)
{
    static const struct {
        const char *answer;
        int64_t wait_ms;
    } rows[] = {
        { "{\"intent\":{\"sleep\":{\"timer\":{\"timeout\":0}}},\"next_state\":\"YQ==\"}", 0 },
        { SLEEP(5), 5000 }, { SLEEP(0), 1 }, { SLEEP(-9223372036854775807), 1 }, { SLEEP(9223372036854775807), 2592000000 },
        { "{\"intent\":{\"sleep\":{\"timer\":{\"deadline\":\"2023-11-14T22:13:30Z\"}}}}", 10000 },
        { "{\"intent\":{\"sleep\":{\"timer\":{\"deadline\":\"1971-01-01T00:00:00Z\"}}}}", 1 },
        { "{\"intent\":{\"sleep\":{\"timer\":{\"deadline\":\"9999-01-01T00:00:00Z\"}}}}", 2592000000 },
    };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        open_at_session(&world);
        world_say(&world, rows[i].answer);
        cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
        cr_assert(world.driver.due_ms == world.driver.now_us / 1000 + rows[i].wait_ms, "%s", rows[i].answer);
        world_close(&world);
    }
}

/* A provider that never comes to an end parks its own invoice, and has the daemon to itself for no moment: session.md 2. */
Test(steps_session, an_adapter_cannot_spin, .timeout = 30)
{
    static const struct {
        const char *name, *answer, *again; /* AGAIN: of every second call */
        bool callback;                     /* the answers are those of handle_payment_callback */
    } rows[] = {
        { "nothing new", SLEEP(0), SLEEP(0), false },
        { "always new", "{\"intent\":{\"sleep\":{\"timer\":{\"timeout\":0}}},\"next_state\":\"YQ==\"}",
          "{\"intent\":{\"sleep\":{\"timer\":{\"timeout\":0}}},\"next_state\":\"Yg==\"}", false },
        { "suspends", SPIN, SPIN, true },
    };
    static const struct payment_bounds bounds = { .session_wait_min_ms = 250, .session_calls_max = 12 };
    struct payment_world world;
    size_t i, calls;

    for (i = 0; i < SL_COUNT(rows); i++) {
        open_at_session(&world);
        world.driver.settings = &bounds;
        if (rows[i].callback) {
            world_say(&world, SPIN);
            cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
        }
        for (calls = 0; calls <= 12; calls++) {
            const char *answer = calls % 2 ? rows[i].again : rows[i].answer;
            int64_t before_us;

            world_say(&world, rows[i].callback ? arena_printf(world.driver.arena, REPLY("%s"), answer) : answer);
            if (machine_driver_fire(&world.driver) != STEP_OK)
                break;
            before_us = world.driver.now_us;
            if (calls >= 5) /* the first few may come at once */
                cr_assert(world.driver.due_ms == before_us / 1000 + 250, "%s: a pause", rows[i].name);
        }
        cr_expect(calls <= 12 && calls >= 3, "%s: %zu calls", rows[i].name, calls);
        cr_expect(world.driver.end == STEP_FAIL && world.driver.cause == CAUSE_TOO_MANY_CALLS, "%s", rows[i].name);
        cr_expect_str_eq(step_cause_name(world.driver.cause), "too_many_calls");
        cr_expect(strstr(world.driver.reason, "asked 12 times"), "%s: %s", rows[i].name, world.driver.reason);
        world_close(&world);
    }
}

/* A poll that brings nothing new is parted from the next one by a commit, which counts it: due in the same millisecond, the
 * next one would go out in the same turn, and under the same key. Fails: now and then an adapter repeats its answer for ever. */
Test(steps_session, a_poll_without_news_is_never_due_at_once)
{
    static const struct {
        const char *answer;
        bool at_once;
    } rows[] = {
        { SLEEP(0), false },
        { "{\"intent\":{\"sleep\":{\"timer\":{\"deadline\":\"1970-01-01T00:00:00Z\"}}}}", false },
        { "{\"intent\":{\"sleep\":{\"timer\":{\"timeout\":0}}},\"next_state\":\"YQ==\"}", true }, /* the key counts changes, too */
    };
    static const struct payment_bounds no_floor = { .session_calls_max = 100 };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        open_at_session(&world);
        world.driver.settings = &no_floor;
        cr_assert_eq(world.driver.now_us % 1000, 0);
        world_say(&world, rows[i].answer);
        cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
        cr_expect_eq(world.driver.due_ms <= world.driver.now_us / 1000, rows[i].at_once, "%s", rows[i].answer);
        world_close(&world);
    }
}

/* A session that is over waits for nothing (session.md 1), whoever has set its timer. Fails: a repair that ends a session by
 * hand parks the invoice again. */
Test(steps_session, a_tick_on_a_finished_session_does_nothing)
{
    static const char end[] =
        "{\"changes\":[{\"invoice_payment_change\":{\"id\":\"1\",\"payload\":{\"invoice_payment_session_change\":{\"target\":"
        "{\"processed\":{}},\"payload\":{\"session_finished\":{\"result\":{\"failed\":{\"failure\":{\"failure\":{\"code\":\"x\"}}}}}}}}}}],"
        "\"action\":{\"timer\":{\"set_timer\":{\"timer\":{\"timeout\":0}}}}}";
    struct type_errors errors = { .count = 0 };
    struct repair_call repair;
    struct invoice_call call = { .kind = CALL_REPAIR, .repair = &repair };
    struct payment_world world;
    size_t events;

    open_at_session(&world);
    world_say_error(&world, SL_EPROTO);
    cr_assert(machine_driver_fire(&world.driver) == STEP_FAIL);
    cr_assert(type_decode_text(&type_repair_call, end, strlen(end), 0, world.driver.arena, &repair, &errors) == SL_OK,
              "%s %s", errors.list[0].path, errors.list[0].message);
    world.driver.failed = false;
    cr_assert(machine_driver_input(&world.driver, IN_REPAIR, &call) == STEP_OK, "%s", world_refusal(&world));
    cr_assert_gt(world.driver.due_ms, 0);
    events = world.driver.event_count;
    cr_expect(machine_driver_fire(&world.driver) == STEP_OK, "%s", world.driver.reason);
    cr_expect_eq(world.driver.event_count, events);
    cr_expect_eq(world.driver.due_ms, 0, "nothing is due any more");
    cr_expect_not(world.driver.failed);
    world_close(&world);
}

/* A provider that cannot be reached is asked again with the same key; one that talks nonsense stops the machine. */
Test(steps_session, outcomes_of_calls)
{
    static const struct {
        enum sl_err err;
        enum step_end end;
        enum step_cause cause;
    } rows[] = {
        { SL_EDOWN, STEP_RETRY, CAUSE_UNAVAILABLE }, { SL_EBUSY, STEP_RETRY, CAUSE_UNAVAILABLE },
        { SL_EUNKNOWN, STEP_RETRY, CAUSE_UNKNOWN_OUTCOME }, { SL_EPROTO, STEP_FAIL, CAUSE_BAD_ANSWER },
        { SL_EREFUSED, STEP_FAIL, CAUSE_BAD_ANSWER },
    };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        open_at_session(&world);
        world_say_error(&world, rows[i].err);
        cr_assert(machine_driver_fire(&world.driver) == rows[i].end, "%s", sl_err_name(rows[i].err));
        cr_assert(world.driver.cause == rows[i].cause, "%s", sl_err_name(rows[i].err));
        cr_assert_str_eq(world_history(&world, world.driver.event_count), "started(processed)");
        cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
        cr_assert_str_eq(world.calls[world.call_count - 2].key, world.calls[world.call_count - 1].key);
        world_close(&world);

        open_at_session(&world);
        world_say(&world, SUSPEND("t", ""));
        cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
        world_say_error(&world, rows[i].err);
        cr_assert(world_callback(&world, "t", "cGF5") == rows[i].end, "callback: %s", sl_err_name(rows[i].err));
        world_close(&world);
    }
}

/* Two different calls never share a key, not even two polls without news: an adapter that remembers answers by key
 * would repeat the first one for ever. */
Test(steps_session, every_call_has_a_key_of_its_own)
{
    struct payment_world world;
    size_t i, j;

    open_at_session(&world);
    world_say(&world, SLEEP(0));
    world_say(&world, SLEEP(0));
    world_say(&world, TRANSIENT);
    world_say(&world, SUSPEND("t", ""));
    for (i = 0; i < 4; i++)
        cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    world_say(&world, REPLY(COMPLETED));
    cr_assert(world_callback(&world, "t", "cGF5") == STEP_OK);
    cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    world_run(&world);
    cr_assert_str_eq(world_status(&world), "captured");
    cr_assert_str_eq(world.calls[0].key, "inv.1.inspect");
    cr_assert_str_eq(world.calls[1].key, "inv.1.blacklist.1");
    cr_assert_str_eq(world.calls[2].key, "inv.1.processed.1.0.0");
    cr_assert_str_eq(world.calls[3].key, "inv.1.processed.1.0.1");
    for (i = 0; i < world.call_count; i++) {
        for (j = 0; j < i; j++)
            cr_assert_str_neq(world.calls[i].key, world.calls[j].key);
    }
    world_close(&world);
}

/* A cost that the engine cannot follow, and a tag of another payment, stop the machine before anything is stored. */
Test(steps_session, contract_violations_fail_the_step)
{
    static const char *const answers[] = {
        "{\"next_state\":\"YQ==\"}",
        "{\"intent\":{\"finish\":{\"status\":{\"success\":{\"changed_cost\":{\"amount\":1,\"currency\":"
        "{\"symbolic_code\":\"USD\"}}}}}}}",
        "{\"intent\":{\"finish\":{\"status\":{\"success\":{\"changed_cost\":{\"amount\":-1,\"currency\":"
        "{\"symbolic_code\":\"RUB\"}}}}}}}",
    };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(answers); i++) {
        open_at_session(&world);
        world_say(&world, answers[i]);
        cr_assert(machine_driver_fire(&world.driver) == STEP_FAIL, "%s", answers[i]);
        world_close(&world);
    }
}

/* What an adapter is told: options of the terminal over the provider over the definition; the capture's cost. */
Test(steps_session, adapters_get_the_payment_and_their_options)
{
    struct payment_world world;
    const char *request;

    open_at_session(&world);
    world_run(&world);
    request = world.calls[2].request;
    cr_assert_not_null(strstr(request, "\"session\":{\"target\":{\"processed\":{}}}"), "%s", request);
    cr_assert_not_null(strstr(request, "\"redirect_timeout\":\"600\""), "%s", request);
    cr_assert_not_null(strstr(request, "\"merchant\":\""), "%s", request);
    cr_assert_not_null(strstr(request, "\"cost\":{\"amount\":42000,\"currency\":{\"name\":\"Russian rouble\","
                                       "\"symbolic_code\":\"RUB\",\"numeric_code\":643,\"exponent\":2}}"), "%s", request);
    cr_assert_null(strstr(request, "\"capture\":"), "%s", request);
    request = world.calls[3].request;
    cr_assert_not_null(strstr(request, "\"capture\":{\"cost\":{\"amount\":42000"), "%s", request);
    cr_assert_not_null(strstr(request, "\"trx\":{\"id\":\"T1\""), "%s", request);
    world_close(&world);
}

#define FAILED(code) "{\"intent\":{\"finish\":{\"status\":{\"failure\":" code "}}}}"
#define AUTHORIZATION(sub) FAILED("{\"code\":\"authorization_failed\",\"sub\":{\"code\":\"" sub "\"}}")

/* "good", "bad" for each conversion noted. */
static const char *conversions(const struct payment_world *world)
{
    static char text[64];
    size_t i;

    text[0] = '\0';
    for (i = 0; i < world->driver.note_count; i++) {
        const struct conversion_note *note = world->driver.notes[i].args;

        if (world->driver.notes[i].kind != NOTE_CONVERSION)
            continue;
        cr_assert_eq(note->provider_id, payment_route(world_payment(world))->provider.id);
        strcat(text, note->ok ? "good " : "bad ");
    }
    return text;
}

/* If this fails, providers are blamed for empty cards, or not for their own faults (routing.md 13.2). */
Test(steps_session, what_a_session_says_of_its_provider)
{
    static const struct row {
        const char *answer;
        const char *conversions;
    } rows[] = {
        { FINE("T1"), "good " },
        { AUTHORIZATION("unknown"), "bad " },
        { AUTHORIZATION("something_new"), "bad " },
        { AUTHORIZATION("insufficient_funds"), "good " },
        { AUTHORIZATION("rejected_by_issuer"), "good " },
        { AUTHORIZATION("processing_deadline_reached"), "good " },
        { FAILED("{\"code\":\"authorization_failed\"}"), "good " },
        { FAILED("{\"code\":\"preauthorization_failed\",\"sub\":{\"code\":\"unknown\"}}"), "good " },
        { "{\"next_state\":\"YQ==\"}", "bad " },
        { TRANSIENT, "" },
        { SLEEP(5), "" },
        { SUSPEND("t", ""), "" },
    };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        open_at_session(&world);
        cr_expect_str_eq(conversions(&world), "");
        world_say(&world, rows[i].answer);
        machine_driver_fire(&world.driver);
        cr_expect_str_eq(conversions(&world), rows[i].conversions, "row %zu: %s", i, conversions(&world));
        world_close(&world);
    }
}

/* If this fails, calls that were not answered spoil the conversion, or nonsense does not. */
Test(steps_session, what_a_broken_call_says_of_its_provider)
{
    static const struct {
        enum sl_err err;
        const char *conversions;
    } rows[] = { { SL_EDOWN, "" }, { SL_EUNKNOWN, "" }, { SL_EPROTO, "bad " } };
    struct payment_world world;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        open_at_session(&world);
        world_say_error(&world, rows[i].err);
        machine_driver_fire(&world.driver);
        cr_expect_str_eq(conversions(&world), rows[i].conversions, "%s", sl_err_name(rows[i].err));
        world_close(&world);
    }
    open_at_session(&world);
    world_say(&world, SUSPEND("t", ""));
    cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    world_say_error(&world, SL_EPROTO);
    cr_expect(world_callback(&world, "t", "cGF5") == STEP_FAIL);
    cr_expect_str_eq(conversions(&world), "bad ", "a callback's call is one of them");
    world_close(&world);
}

/* If this fails, captures spoil, or mend, what is known of how payments are authorised. And time that ran out is
 * nobody's fault. */
Test(steps_session, other_targets_and_timeouts_say_nothing_bad)
{
    struct payment_world world;

    open_at_session(&world);
    world_run(&world);
    cr_assert_str_eq(world_status(&world), "captured");
    cr_expect_str_eq(conversions(&world), "good ");
    world_close(&world);

    open_at_session(&world);
    world_say(&world, SUSPEND("t", ""));
    cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    cr_expect_str_eq(conversions(&world), "good ");
    world_run(&world);
    cr_assert_str_eq(world_status(&world), "failed:operation_timeout");
    world_close(&world);

    open_at_session(&world);
    world_say(&world, FINE("T1"));
    world_say_error(&world, SL_EPROTO);
    while (machine_driver_fire(&world.driver) == STEP_OK)
        ;
    cr_expect_str_eq(conversions(&world), "good ", "the capture failed");
    world_close(&world);
}

static const void *first_domain(const struct machine_driver *driver, int64_t revision)
{
    (void)revision;
    return ((const struct payment_world *)driver->ctx)->domain;
}

/* If this fails, a configuration without a terminal that it had parks the payments that are under way there, and those that
 * are captured or refunded later. */
Test(steps_session, a_route_that_is_gone_is_reached_as_it_was)
{
    json_t *doc = doc_load();
    struct payment_world world;
    struct domain *first, *later;
    struct arena *arena = arena_new();

    doc_set(doc, "routing_rules", "{\"id\":2}", "/data/decisions/candidates", "[]");
    doc_set(doc, "routing_rules", "{\"id\":4}", "/data/decisions/candidates", "[]");
    doc_set(doc, "routing_rules", "{\"id\":5}", "/data/decisions/candidates", "[]");
    doc_set(doc, "routing_rules", "{\"id\":100}", "/data/decisions/candidates", "[]");
    for (int id = 4; id >= 1; id--)
        json_array_remove(json_object_get(doc, "objects"), doc_index(doc, "terminal", arena_printf(arena, "{\"id\":%d}", id)));
    later = doc_domain_take(doc, arena);
    first = doc_domain_take(doc_load(), arena);
    domain_set_revision(first, 1);
    cr_assert(world_open_with(&world, "shop-acme-books", 42000, first) == STEP_OK);
    cr_assert(world_start(&world) == STEP_OK);
    while (world_payment(&world)->activity != ACT_PROCESSING_SESSION)
        cr_assert(machine_driver_fire(&world.driver) == STEP_OK);
    world.driver.config = first_domain;
    world.driver.head = later;
    world_run(&world);
    cr_assert(!world.driver.failed, "%s", world.driver.reason);
    cr_assert_str_eq(world_status(&world), "captured");
    world_close(&world);
    domain_free(first);
    domain_free(later);
    arena_free(arena);
}

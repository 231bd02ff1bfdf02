/* Turnover counters on a real Redis: lua/limit.lua and the store around it. */
#include <criterion/criterion.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xmalloc.h"
#include "limits/store.h"
#include "redis/script_list.h"
#include "support/redis_fixture.h"

#define LONG_MS 10000
#define PARTITIONS 64
#define DAY_MS ((int64_t)86400000)

static struct redis_fixture redis;
static struct limit_store *store;
static struct arena *arena;
static int64_t expires_ms;

static void setup(void)
{
    redis_fixture_open(&redis);
    store = limit_store_new(redis.client, PARTITIONS, LONG_MS);
    arena = arena_new();
    expires_ms = clock_wall_us() / 1000 + 100 * DAY_MS;
}

static void teardown(void)
{
    redis_fixture_close(&redis);
    limit_store_free(store);
    arena_free(arena);
}

TestSuite(limits, .init = setup, .fini = teardown);

/* ---- asking ---- */

static struct {
    bool there;
    int count;
    enum sl_err err;
    const struct limit_answer *answer;
    char detail[256];
} seen;

static void on_done(void *arg, uint64_t number, enum sl_err err, const struct limit_answer *answer, const char *detail)
{
    (void)arg;
    cr_assert(number > 0);
    cr_assert((err == SL_OK) == (answer != NULL) && (err == SL_OK) == (detail == NULL));
    seen.there = true;
    seen.count++;
    seen.err = err;
    seen.answer = answer;
    snprintf(seen.detail, sizeof(seen.detail), "%s", detail ? detail : "");
}

static const struct limit_answer *run_order(const struct limit_request *requests, size_t count)
{
    struct limit_order order = { requests, count };

    memset(&seen, 0, sizeof(seen));
    limit_store_run(store, &order, arena, on_done, NULL);
    cr_assert_eq(seen.count, 0, "not inside the call");
    redis_fixture_wait(&redis, &seen.there);
    cr_assert_eq(seen.count, 1);
    return seen.answer;
}

static struct limit_change change_of(enum limit_verb verb, const char *counter, int64_t amount)
{
    return (struct limit_change){
        .limit_id = "L", .counter = counter, .verb = verb, .amount = amount, .expires_ms = expires_ms,
    };
}

/* One request with one change: its value, or the fault's words up to the bracket. */
static const char *one(const char *operation, enum limit_verb verb, const char *counter, int64_t amount, bool tolerant)
{
    struct limit_change change = change_of(verb, counter, amount);
    struct limit_request request = { operation, tolerant, &change, 1 };
    const struct limit_answer *answer = run_order(&request, 1);

    if (!answer)
        return arena_printf(arena, "%s", sl_err_name(seen.err));
    cr_assert_eq(answer->count, 1);
    if (!answer->outcomes[0].fault)
        return arena_printf(arena, "%" PRId64, answer->outcomes[0].values[0]);
    return arena_printf(arena, "%.*s", (int)strcspn(answer->outcomes[0].fault, "("), answer->outcomes[0].fault);
}

/* One word for the whole keyspace, times to live apart. */
static const char *digest(void)
{
    return arena_strdup(arena, redis_fixture_ask(&redis, "DEBUG", "DIGEST", NULL));
}

#define FINAL_STATE "InvalidRequest: OperationAlreadyInFinalState "
#define NO_LIMIT "InvalidRequest: LimitNotFound "
#define NO_OPERATION "InvalidRequest: OperationNotFound "
#define RANGE "the counter is out of the range of 18 digits "

/* ---- holds, commits, rollbacks ---- */

/* A payment would be counted twice, or not at all, when a daemon crashes and asks again; or a finished one held anew.
 * Each row is asked twice: the repeat answers the same and changes nothing. */
Test(limits, a_life_of_operations)
{
    static const struct {
        const char *operation;
        enum limit_verb verb;
        int64_t amount;
        const char *answer, *value;
    } rows[] = {
        { "a", LIMIT_COMMIT, 10, NO_LIMIT, "0" },
        { "a", LIMIT_ROLLBACK, 0, NO_LIMIT, "0" },
        { "a", LIMIT_READ, 0, NO_OPERATION, "0" },
        { "a", LIMIT_HOLD, 42000, "42000", "42000" },
        { "b", LIMIT_COMMIT, 10, NO_OPERATION, "42000" },
        { "b", LIMIT_ROLLBACK, 0, NO_OPERATION, "42000" },
        { "b", LIMIT_READ, 0, NO_OPERATION, "42000" },
        { "b", LIMIT_HOLD, 1000, "43000", "43000" },
        { "a", LIMIT_READ, 0, "42000", "43000" },
        { "a", LIMIT_HOLD, 42000, "42000", "43000" },
        { "a", LIMIT_COMMIT, 42001, NO_OPERATION, "43000" },
        { "a", LIMIT_COMMIT, -42001, NO_OPERATION, "43000" },
        { "a", LIMIT_COMMIT, 10000, "11000", "11000" },
        { "a", LIMIT_COMMIT, 9999, NO_OPERATION, "11000" },
        { "a", LIMIT_ROLLBACK, 0, NO_OPERATION, "11000" },
        { "a", LIMIT_HOLD, 42000, FINAL_STATE, "11000" },
        { "a", LIMIT_READ, 0, "11000", "11000" },
        { "b", LIMIT_READ, 0, "43000", "11000" },
        { "b", LIMIT_ROLLBACK, 0, "10000", "10000" },
        { "b", LIMIT_COMMIT, 1000, NO_OPERATION, "10000" },
        { "b", LIMIT_HOLD, 1000, FINAL_STATE, "10000" },
        { "b", LIMIT_READ, 0, "10000", "10000" },
        /* a captured amount of 0 counts 0 */
        { "c", LIMIT_HOLD, 7, "10007", "10007" },
        { "c", LIMIT_COMMIT, 0, "10000", "10000" },
        /* refunds, into the negative and back */
        { "d", LIMIT_HOLD, -50000, "-40000", "-40000" },
        { "d", LIMIT_COMMIT, -50001, NO_OPERATION, "-40000" },
        { "d", LIMIT_COMMIT, -20000, "-10000", "-10000" },
        { "e", LIMIT_HOLD, -1, "-10001", "-10001" },
        { "e", LIMIT_ROLLBACK, 0, "-10000", "-10000" },
        { "f", LIMIT_HOLD, 0, "-10000", "-10000" },
        { "f", LIMIT_COMMIT, 0, "-10000", "-10000" },
    };
    const char *after;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        cr_assert_str_eq(one(rows[i].operation, rows[i].verb, "L/1", rows[i].amount, false), rows[i].answer, "row %zu", i);
        after = digest();
        cr_assert_str_eq(one(rows[i].operation, rows[i].verb, "L/1", rows[i].amount, false), rows[i].answer, "row %zu", i);
        cr_assert_str_eq(digest(), after, "row %zu, again", i);
        cr_assert_str_eq(one("x", LIMIT_CURRENT, "L/1", 0, false), rows[i].value, "row %zu", i);
    }
}

/* A refused payment would still count. */
Test(limits, refusals_leave_no_trace)
{
    static const struct {
        const char *operation;
        enum limit_verb verb;
        int64_t amount;
    } rows[] = {
        { "done", LIMIT_HOLD, 5 },   { "none", LIMIT_COMMIT, 5 },   { "none", LIMIT_ROLLBACK, 0 }, { "none", LIMIT_READ, 0 },
        { "held", LIMIT_COMMIT, 6 }, { "done", LIMIT_COMMIT, 4 }, { "done", LIMIT_ROLLBACK, 0 },
    };
    const char *before;
    size_t i;

    one("held", LIMIT_HOLD, "L/1", 5, false);
    one("done", LIMIT_HOLD, "L/1", 5, false);
    one("done", LIMIT_COMMIT, "L/1", 5, false);
    before = digest();
    for (i = 0; i < SL_COUNT(rows); i++) {
        cr_assert_str_neq(one(rows[i].operation, rows[i].verb, "L/1", rows[i].amount, false), "5", "row %zu", i);
        cr_assert(seen.answer->outcomes[0].fault, "row %zu", i);
        cr_assert(strstr(seen.answer->outcomes[0].fault, "counter L/1)"));
        cr_assert_str_eq(digest(), before, "row %zu", i);
    }
}

/* A route that was rejected before its hold, among those released at cash flow building, would stop the payment. */
Test(limits, tolerant_rollbacks_take_what_is_there)
{
    const char *before;

    cr_assert_str_eq(one("a", LIMIT_ROLLBACK, "L/1", 0, true), "0", "no such counter");
    cr_assert_str_eq(redis_fixture_ask(&redis, "DBSIZE", NULL), "0");
    one("b", LIMIT_HOLD, "L/1", 5, false);
    before = digest();
    cr_assert_str_eq(one("a", LIMIT_ROLLBACK, "L/1", 0, true), "5", "no such operation");
    cr_assert_str_eq(digest(), before);
    cr_assert_str_eq(one("b", LIMIT_ROLLBACK, "L/1", 0, true), "0");
    one("c", LIMIT_HOLD, "L/1", 5, false);
    one("c", LIMIT_COMMIT, "L/1", 5, false);
    cr_assert_str_eq(one("c", LIMIT_ROLLBACK, "L/1", 0, true), "5", "committed already: nothing to take back");
    cr_assert_str_eq(one("c", LIMIT_HOLD, "L/1", 5, true), FINAL_STATE, "no tolerance of that");
}

/* Both of two payments at once would pass a limit that has room for one. */
Test(limits, concurrent_operations_are_ordered)
{
    one("a", LIMIT_HOLD, "L/1", 60000, false);
    one("b", LIMIT_HOLD, "L/1", 60000, false);
    cr_assert_str_eq(one("b", LIMIT_READ, "L/1", 0, false), "120000");
    cr_assert_str_eq(one("a", LIMIT_READ, "L/1", 0, false), "60000");
    one("b", LIMIT_ROLLBACK, "L/1", 0, false);
    cr_assert_str_eq(one("a", LIMIT_READ, "L/1", 0, false), "60000");
    one("c", LIMIT_HOLD, "L/1", 1, false);
    cr_assert_str_eq(one("c", LIMIT_READ, "L/1", 0, false), "60001", "what was rolled back before is not seen");
}

/* Large turnovers would be rounded to doubles, or overflow into nonsense. */
Test(limits, numbers_are_exact)
{
    static const struct {
        const char *operation;
        enum limit_verb verb;
        int64_t amount;
        const char *answer;
    } rows[] = {
        { "a", LIMIT_HOLD, INT64_C(9007199254740993), "9007199254740993" }, /* 2^53 + 1 */
        { "b", LIMIT_HOLD, 1, "9007199254740994" },
        { "a", LIMIT_COMMIT, INT64_C(9007199254740994), NO_OPERATION },
        { "a", LIMIT_COMMIT, INT64_C(9007199254740992), "9007199254740993" },
        { "a", LIMIT_COMMIT, INT64_C(9007199254740993), NO_OPERATION },
        { "b", LIMIT_ROLLBACK, 0, "9007199254740992" },
        { "c", LIMIT_HOLD, INT64_C(900000000999999999), "909007200254740991" },
        { "c", LIMIT_COMMIT, INT64_C(900000001000000000), NO_OPERATION }, /* the halves of nine digits decide */
        { "c", LIMIT_COMMIT, INT64_C(900000000999999998), "909007200254740990" },
        { "d", LIMIT_HOLD, LIMIT_AMOUNT_MAX, "1909007200254740989" },
        { "e", LIMIT_HOLD, 1, RANGE }, /* a value of 19 digits takes no more */
        { "e", LIMIT_HOLD, -1, RANGE },
        { "d", LIMIT_ROLLBACK, 0, "909007200254740990" }, /* but gives back */
        { "f", LIMIT_HOLD, -LIMIT_AMOUNT_MAX, "-90992799745259009" },
        { "f", LIMIT_COMMIT, -LIMIT_AMOUNT_MAX, "-90992799745259009" },
        { "g", LIMIT_HOLD, 100, "-90992799745258909" },
        { "g", LIMIT_COMMIT, 99, "-90992799745258910" },
    };
    const char *before;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        before = digest();
        cr_assert_str_eq(one(rows[i].operation, rows[i].verb, "L/1", rows[i].amount, false), rows[i].answer, "row %zu", i);
        if (seen.answer->outcomes[0].fault)
            cr_assert_str_eq(digest(), before, "row %zu", i);
    }
}

/* A record that nobody wrote would be taken for an operation's, and money counted by it. */
Test(limits, strange_data_is_told_and_left_alone)
{
    static const char *const rows[][2] = {
        { "value", "many" }, { "value", "1.5" }, { "op:a", "held" }, { "op:a", "held 1" }, { "op:a", "held 01 1" },
    };
    const char *key = limit_store_key(store, "L/1", arena), *before;
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        redis_fixture_ask(&redis, "DEL", key, NULL);
        redis_fixture_ask(&redis, "HSET", key, "value", "1", rows[i][0], rows[i][1], NULL);
        before = digest();
        cr_assert_str_eq(one("a", LIMIT_HOLD, "L/1", 5, false), "corrupt", "row %zu", i);
        cr_assert(strstr(seen.detail, "SLDATA"));
        cr_assert_str_eq(digest(), before, "row %zu", i);
    }
    redis_fixture_ask(&redis, "SET", key, "x", NULL);
    cr_assert_str_eq(one("a", LIMIT_HOLD, "L/1", 5, false), "corrupt");
    cr_assert_str_eq(redis_fixture_ask(&redis, "GET", key, NULL), "x");
}

/* ---- a model ---- */

#define MODEL_OPERATIONS 8

/* What doc/spec/limits.md 4 says, in C. */
struct model {
    enum { NOTHING, HELD, COMMITTED, ROLLED_BACK } state[MODEL_OPERATIONS];
    int64_t amount[MODEL_OPERATIONS], after[MODEL_OPERATIONS], value;
    bool there;
};

static const char *model_ends(struct model *model, size_t o, int64_t amount, int state)
{
    model->value += amount - model->amount[o];
    model->amount[o] = amount;
    model->state[o] = state;
    model->after[o] = model->value;
    return NULL;
}

/* The fault, or NULL and the answer is in model->after[O]. */
static const char *model_step(struct model *model, enum limit_verb verb, size_t o, int64_t amount)
{
    switch (verb) {
    case LIMIT_HOLD:
        model->there = true;
        if (model->state[o] == NOTHING)
            return model_ends(model, o, amount, HELD);
        return model->state[o] == HELD ? NULL : FINAL_STATE;
    case LIMIT_COMMIT:
        if (!model->there)
            return NO_LIMIT;
        if (model->state[o] == HELD && llabs(amount) <= llabs(model->amount[o]))
            return model_ends(model, o, amount, COMMITTED);
        return model->state[o] == COMMITTED && amount == model->amount[o] ? NULL : NO_OPERATION;
    case LIMIT_ROLLBACK:
        if (!model->there)
            return NO_LIMIT;
        if (model->state[o] == HELD)
            return model_ends(model, o, 0, ROLLED_BACK);
        return model->state[o] == ROLLED_BACK ? NULL : NO_OPERATION;
    case LIMIT_READ: return model->state[o] == NOTHING ? NO_OPERATION : NULL;
    case LIMIT_CURRENT: break;
    }
    return NULL;
}

/* Some order of holds and ends that nobody thought of would leave a counter that no operations explain. */
Test(limits, random_lives_agree_with_a_model)
{
    static const int64_t sizes[] = { 0, 1, 5, INT64_C(9007199254740993), INT64_C(1234567890123456) };
    const int64_t seed = clock_wall_us();
    unsigned short bits[3] = { (unsigned short)seed, (unsigned short)(seed >> 16), (unsigned short)(seed >> 32) };
    struct model model = { 0 };
    const char *fault, *answer;
    enum limit_verb verb;
    int64_t amount;
    size_t step, o;

    for (step = 0; step < 3000; step++) {
        if (step % 60 == 0) {
            redis_fixture_ask(&redis, "FLUSHDB", NULL);
            memset(&model, 0, sizeof(model));
        }
        o = (size_t)nrand48(bits) % MODEL_OPERATIONS;
        verb = LIMIT_HOLD + (enum limit_verb)(nrand48(bits) % 4);
        amount = sizes[nrand48(bits) % (long)SL_COUNT(sizes)] * (nrand48(bits) % 2 ? 1 : -1);
        answer = one(arena_printf(arena, "%zu", o), verb, "L/1", amount, false);
        fault = model_step(&model, verb, o, amount);
        cr_assert_str_eq(answer, fault ? fault : arena_printf(arena, "%" PRId64, model.after[o]), "seed %" PRId64 ", step %zu",
                         seed, step);
        cr_assert_str_eq(one("x", LIMIT_CURRENT, "L/1", 0, false), arena_printf(arena, "%" PRId64, model.value),
                         "seed %" PRId64 ", step %zu", seed, step);
    }
}

/* ---- several ---- */

/* Names of counters: NEAR share the partition of "n0", FAR does not. */
static void names_find(const char *near[2], const char **far)
{
    const char *first = limit_store_key(store, "n0", arena), *key, *name;
    size_t tag_len = strcspn(first, "}"), found = 0;
    int i;

    near[found++] = "n0";
    *far = NULL;
    for (i = 1; found < 2 || !*far; i++) {
        name = arena_printf(arena, "n%d", i);
        key = limit_store_key(store, name, arena);
        if (strncmp(key, first, tag_len + 1) != 0)
            *far = name;
        else if (found < 2)
            near[found++] = name;
    }
}

/* A payment would be counted by some of its limits and not by others. */
Test(limits, changes_of_one_partition_are_done_together_or_not_at_all)
{
    const char *near[2], *far, *before;
    struct limit_change changes[3];
    struct limit_request request = { "a", false, changes, 2 };
    const struct limit_answer *answer;

    names_find(near, &far);
    one("a", LIMIT_HOLD, near[1], 5, false);
    one("a", LIMIT_COMMIT, near[1], 5, false);
    before = digest();
    changes[0] = change_of(LIMIT_HOLD, near[0], 3);
    changes[1] = change_of(LIMIT_HOLD, near[1], 5);
    answer = run_order(&request, 1);
    cr_assert(answer && answer->outcomes[0].fault);
    cr_assert(strstr(answer->outcomes[0].fault, near[1]));
    cr_assert_str_eq(digest(), before);
}

/* An order over several nodes would lose a part, or put values at the wrong limits. */
Test(limits, an_order_spans_partitions_and_answers_in_order)
{
    const char *near[2], *far;
    struct limit_change first[3], second[2], third[2];
    struct limit_request requests[] = { { "a", false, first, 3 }, { "b", false, second, 2 }, { "c", true, NULL, 0 },
                                        { "d", false, third, 2 } };
    const struct limit_answer *answer;
    int round;

    names_find(near, &far);
    first[0] = change_of(LIMIT_HOLD, near[0], 1);
    first[1] = change_of(LIMIT_HOLD, far, 20);
    first[2] = change_of(LIMIT_HOLD, near[1], 300);
    second[0] = change_of(LIMIT_HOLD, far, 4000);
    second[1] = change_of(LIMIT_HOLD, near[0], 50000);
    third[0] = change_of(LIMIT_READ, far, 0);
    third[1] = change_of(LIMIT_CURRENT, near[0], 0);
    for (round = 0; round < 2; round++) {
        answer = run_order(requests, SL_COUNT(requests));
        cr_assert(answer && answer->count == SL_COUNT(requests));
        cr_assert(!answer->outcomes[0].fault && !answer->outcomes[1].fault && !answer->outcomes[2].fault);
        cr_assert_eq(answer->outcomes[0].values[0], 1);
        cr_assert_eq(answer->outcomes[0].values[1], 20);
        cr_assert_eq(answer->outcomes[0].values[2], 300);
        cr_assert_eq(answer->outcomes[1].values[0], 4020);
        cr_assert_eq(answer->outcomes[1].values[1], 50001);
        cr_assert(answer->outcomes[3].fault && strstr(answer->outcomes[3].fault, "OperationNotFound"));
    }
    cr_assert_str_eq(redis_fixture_ask(&redis, "DBSIZE", NULL), "3");
}

/* Terms that name one counter twice would count a payment twice. */
Test(limits, a_counter_that_is_named_twice_counts_once)
{
    struct limit_change changes[2] = { change_of(LIMIT_HOLD, "L/1", 5), change_of(LIMIT_HOLD, "L/1", 5) };
    struct limit_request request = { "a", false, changes, 2 };
    const struct limit_answer *answer = run_order(&request, 1);

    cr_assert(answer && !answer->outcomes[0].fault);
    cr_assert(answer->outcomes[0].values[0] == 5 && answer->outcomes[0].values[1] == 5);
    changes[0].verb = changes[1].verb = LIMIT_COMMIT;
    changes[0].amount = changes[1].amount = 3;
    answer = run_order(&request, 1);
    cr_assert(answer && !answer->outcomes[0].fault);
    cr_assert(answer->outcomes[0].values[0] == 3 && answer->outcomes[0].values[1] == 3);
    changes[1].amount = 2;
    cr_assert(!run_order(&request, 1) && seen.err == SL_ECORRUPT, "a counter cannot be asked for two things at once");
}

/* Limits that turn round take one verb each. */
Test(limits, verbs_may_differ_in_one_request)
{
    struct limit_change changes[2];
    struct limit_request request = { "a", false, changes, 2 };
    const char *near[2], *far;
    const struct limit_answer *answer;

    names_find(near, &far);
    one("a", LIMIT_HOLD, near[0], 5, false);
    one("a", LIMIT_HOLD, near[1], 7, false);
    changes[0] = change_of(LIMIT_COMMIT, near[0], 5);
    changes[1] = change_of(LIMIT_ROLLBACK, near[1], 0);
    answer = run_order(&request, 1);
    cr_assert(answer && !answer->outcomes[0].fault);
    cr_assert(answer->outcomes[0].values[0] == 5 && answer->outcomes[0].values[1] == 0);
}

/* ---- times to live ---- */

static int64_t lives_ms(void)
{
    return strtoll(redis_fixture_ask(&redis, "PTTL", limit_store_key(store, "L/1", arena), NULL), NULL, 10);
}

/* Redis would keep the counters of all days for ever, or forget one before its last payment is done. */
Test(limits, counters_go_after_their_time)
{
    one("a", LIMIT_HOLD, "L/1", 5, false);
    cr_assert(lives_ms() > 99 * DAY_MS && lives_ms() <= 100 * DAY_MS);
    expires_ms = 1; /* a hold in a period that is long over */
    one("b", LIMIT_HOLD, "L/1", 5, false);
    cr_assert(lives_ms() > 29 * DAY_MS && lives_ms() <= 30 * DAY_MS);
    cr_assert_str_eq(one("b", LIMIT_COMMIT, "L/1", 5, false), "10");
    expires_ms = INT64_C(253402300799999);
    one("c", LIMIT_HOLD, "L/1", 5, false);
    cr_assert(lives_ms() > INT64_C(200000000000000), "the year 9999");
}

/* ---- outages ---- */

/* A lost answer would be taken for a refusal, or a cancelled order would write into memory that is gone. */
Test(limits, outages_are_told_apart_and_cancelled_orders_are_silent)
{
    struct limit_change change = change_of(LIMIT_HOLD, "L/1", 5);
    struct limit_request request = { "a", false, &change, 1 };
    struct limit_order order = { &request, 1 };
    struct arena *brief = arena_new();
    struct limit_order *gone = arena_memdup(brief, &order, sizeof(order));
    uint64_t number;

    memset(&seen, 0, sizeof(seen));
    number = limit_store_run(store, gone, brief, on_done, NULL);
    cr_assert_eq(limit_store_in_flight(store), 1);
    limit_store_cancel(store, number);
    limit_store_cancel(store, number);
    arena_free(brief);
    redis_fixture_ask(&redis, "PING", NULL);
    cr_assert_eq(limit_store_in_flight(store), 0);
    cr_assert_eq(seen.count, 0);
    cr_assert_str_eq(one("x", LIMIT_CURRENT, "L/1", 0, false), "5", "it was done all the same");

    limit_store_run(store, &order, arena, on_done, NULL);
    client_free(redis.client); /* sent or not, nobody knows any more */
    redis.client = NULL;
    cr_assert(seen.there && (seen.err == SL_EUNKNOWN || seen.err == SL_EDOWN));
    cr_assert(*seen.detail);
}

/* A Redis that is full or loading would look like one that may have counted. */
Test(limits, nothing_done_is_down)
{
    redis_fixture_ask(&redis, "CONFIG", "SET", "maxmemory", "1", NULL);
    cr_assert_str_eq(one("a", LIMIT_HOLD, "L/1", 5, false), "down");
    redis_fixture_ask(&redis, "CONFIG", "SET", "maxmemory", "0", NULL);
    cr_assert_str_eq(one("a", LIMIT_HOLD, "L/1", 5, false), "5");
}

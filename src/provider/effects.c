/* Orders on their way: encoded and sent, or answered from within; one DONE each, found by number.
 *
 *     start -> http_client_send ............ http_done -> answer_decode -> DONE
 *        |---> limit_store_run ............. limits_done ---------------> DONE
 *        |---> balances_read ............... balance_done --------------> DONE
 *        |---> card_store_keep ............. cards_done ----------------> DONE
 *        '---> builtin, refused: `due` ..... tick ----------------------> DONE                       */
#include "provider/effects.h"

#include <assert.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/xmalloc.h"
#include "cards/store.h"
#include "engine/balances.h"
#include "limits/store.h"
#include "payment/effect.h"
#include "provider/answer.h"
#include "provider/builtin.h"
#include "provider/lanes.h"

#define CALLS_MAX 1024 /* a quarter of the machines that the runtime has in work */
#define TICK_MAX 512 /* answers from within before the loop looks at its sockets again */

const int64_t effects_bucket_us[EFFECTS_BUCKETS - 1] = {
    1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 10000000, 30000000,
};

_Static_assert(FX_INSPECT + EFFECTS_KINDS == FX_END, "every kind is counted");

/* Where an order waits. */
enum order_place { ORDER_DUE, ORDER_HTTP, ORDER_LIMITS, ORDER_BALANCE, ORDER_CARDS };

struct order {
    UT_hash_handle hh; /* effects->orders */
    struct order *prev, *next; /* effects->due */
    struct effects *effects;
    uint64_t number;
    enum order_place place;  /* ORDER_DUE: answered from within, with RESULT */
    uint64_t outer_number;   /* where it waits otherwise */
    struct balances_reading *reading; /* the same of ORDER_BALANCE */
    int kind;
    int64_t provider_id; /* 0: it goes to somebody else */
    bool in_lane;        /* counts as under way to its provider, or to an inspector */
    struct arena *arena; /* the machine's: not to be touched once the order is cancelled */
    const struct effect_result *result;
    effect_done_fn done;
    void *done_arg;
    int64_t began_us;
};

struct effects {
    struct effects_setup setup;
    struct order *orders, *due;
    struct event tick;
    struct lanes *lanes;
    struct effects_stats stats;
};

static void tick_run(evutil_socket_t fd, short what, void *arg);
static void http_done(void *arg, uint64_t http_number, const struct http_result *answer);

struct effects *effects_new(struct event_base *base, const struct effects_setup *setup)
{
    struct effects *effects = xcalloc(1, sizeof(*effects));
    int kind;

    assert(setup->http);
    effects->setup = *setup;
    if (setup->provider_timeout_ms <= 0)
        effects->setup.provider_timeout_ms = FX_PROVIDER_TIMEOUT_MS;
    if (setup->inspector_timeout_ms <= 0)
        effects->setup.inspector_timeout_ms = FX_INSPECT_TIMEOUT_MS;
    for (kind = FX_INSPECT; kind < FX_INSPECT + EFFECTS_KINDS; kind++)
        effects->stats.kinds[kind - FX_INSPECT].name = effect_wire(kind)->name;
    effects->lanes = lanes_new(setup->calls_max ? setup->calls_max : CALLS_MAX);
    event_assign(&effects->tick, base, -1, 0, tick_run, effects);
    return effects;
}

/* Whoever it waits for forgets it. */
static void order_withdraw(struct order *order)
{
    const struct effects_setup *setup = &order->effects->setup;

    switch (order->place) {
    case ORDER_HTTP: http_client_cancel(setup->http, order->outer_number); break;
    case ORDER_LIMITS: limit_store_cancel(setup->limits, order->outer_number); break;
    case ORDER_BALANCE: balances_cancel(order->reading); break;
    case ORDER_CARDS: card_store_cancel(setup->cards, order->outer_number); break;
    case ORDER_DUE: break;
    }
}

/* Takes ORDER off every list of ours. */
static void order_free(struct order *order)
{
    struct effects *effects = order->effects;

    HASH_DEL(effects->orders, order);
    if (order->place == ORDER_DUE)
        DL_DELETE(effects->due, order);
    if (order->in_lane)
        lanes_leave(effects->lanes, order->provider_id);
    free(order);
}

void effects_free(struct effects *effects)
{
    struct order *order, *next;

    if (!effects)
        return;
    HASH_ITER(hh, effects->orders, order, next) {
        order_withdraw(order);
        order_free(order);
    }
    event_del(&effects->tick);
    lanes_free(effects->lanes);
    free(effects);
}

void effects_stats(const struct effects *effects, struct effects_stats *out)
{
    *out = effects->stats;
    out->in_flight = HASH_COUNT(effects->orders);
}

const struct lanes *effects_lanes(const struct effects *effects)
{
    return effects->lanes;
}

/* NULL for a kind that nobody knows. */
static struct effects_kind_stats *stats_of(struct effects *effects, int kind)
{
    return effect_wire(kind) ? &effects->stats.kinds[kind - FX_INSPECT] : NULL;
}

static void stats_count(struct effects *effects, int kind, enum sl_err err, int64_t latency_us)
{
    struct effects_kind_stats *stats = stats_of(effects, kind);
    struct effects_outcome *outcome;
    size_t bucket = 0;

    if (!stats)
        return;
    outcome = &stats->outcomes[-err];
    while (bucket < EFFECTS_BUCKETS - 1 && latency_us > effects_bucket_us[bucket])
        bucket++;
    outcome->count++;
    outcome->latency_us += (uint64_t)latency_us;
    outcome->buckets[bucket]++;
}

/* The end of an order. It is gone before DONE runs, so DONE may start and cancel as it likes. */
static void order_finish(struct order *order, const struct effect_result *result)
{
    effect_done_fn done = order->done;
    void *done_arg = order->done_arg;
    uint64_t number = order->number;
    int64_t took_us = clock_mono_us() - order->began_us;
    const struct effects_setup *setup = &order->effects->setup;

    stats_count(order->effects, order->kind, result->err, took_us);
    if (setup->heard && order->provider_id > 0)
        setup->heard(setup->heard_ctx, order->provider_id, !result->err || result->err == SL_EREFUSED, took_us);
    order_free(order);
    done(done_arg, number, result);
}

static void tick_run(evutil_socket_t fd, short what, void *arg)
{
    struct effects *effects = arg;
    size_t count;

    (void)fd;
    (void)what;
    for (count = 0; count < TICK_MAX && effects->due; count++)
        order_finish(effects->due, effects->due->result);
    if (effects->due)
        event_active(&effects->tick, EV_TIMEOUT, 0);
}

static void http_done(void *arg, uint64_t http_number, const struct http_result *answer)
{
    struct order *order = arg;
    const struct effect_wire *wire = effect_wire(order->kind);
    struct effect_result *result = arena_alloc(order->arena, sizeof(*result));

    (void)http_number;
    result->kind = order->kind;
    result->err = answer->err;
    if (answer->err)
        result->detail = arena_printf(order->arena, "%s: %s", wire->name, answer->detail);
    else
        result->err = answer_decode(wire, answer->status, answer->body, answer->body_len, order->arena, &result->value,
                                    &result->detail);
    order_finish(order, result);
}

static void limits_done(void *arg, uint64_t number, enum sl_err err, const struct limit_answer *answer,
                        const char *detail)
{
    struct order *order = arg;
    struct effect_result *result = arena_alloc(order->arena, sizeof(*result));

    (void)number;
    result->kind = order->kind;
    result->err = err;
    result->value = answer;
    result->detail = arena_strdup(order->arena, detail);
    order_finish(order, result);
}

static void balance_done(void *arg, enum sl_err err, const struct balance *balance, bool known)
{
    struct order *order = arg;
    struct effect_result *result = arena_alloc(order->arena, sizeof(*result));

    (void)known; /* nothing was posted to it: it has nothing */
    result->kind = order->kind;
    result->err = err;
    if (err)
        result->detail = arena_printf(order->arena, "the ledger cannot be read: %s", sl_err_name(err));
    else
        result->value = arena_memdup(order->arena, balance, sizeof(*balance));
    order_finish(order, result);
}

static void cards_done(void *arg, uint64_t number, enum sl_err err, const char *detail)
{
    struct order *order = arg;
    struct effect_result *result = arena_alloc(order->arena, sizeof(*result));

    (void)number;
    result->kind = order->kind;
    result->err = err;
    result->detail = arena_strdup(order->arena, detail);
    order_finish(order, result);
}

static void order_is_due(struct order *order, const struct effect_result *result)
{
    order->result = result;
    DL_APPEND(order->effects->due, order);
    event_active(&order->effects->tick, EV_TIMEOUT, 0);
}

static const struct effect_result *refusal(struct order *order, enum sl_err err, const char *detail)
{
    struct effect_result *result = arena_alloc(order->arena, sizeof(*result));

    result->kind = order->kind;
    result->err = err;
    result->detail = detail;
    return result;
}

static void order_send(struct order *order, const struct effect_wire *wire, const struct effect_args *args)
{
    const struct effects_setup *setup = &order->effects->setup;
    const struct http_header headers[] = {
        { "Content-Type", "application/json" },
        { "Accept", "application/json" },
        { "Idempotency-Key", args->key },
    };
    size_t url_len = strlen(args->url);
    struct buf url = BUF_EMPTY, body = BUF_EMPTY;
    struct http_request request = {
        .method = "POST",
        .headers = headers,
        .header_count = SL_COUNT(headers),
        .timeout_ms = args->timeout_ms > 0       ? args->timeout_ms
                      : order->kind == FX_INSPECT || order->kind == FX_BLACKLIST ? setup->inspector_timeout_ms
                                                                                  : setup->provider_timeout_ms,
        .repeatable = true,
    };

    while (url_len > 0 && args->url[url_len - 1] == '/')
        url_len--;
    buf_add(&url, args->url, url_len);
    buf_printf(&url, "/%s", wire->name);
    type_encode(wire->request, args->request, &body);
    request.url = buf_text(&url);
    request.body = buf_text(&body);
    request.body_len = body.len;
    order->place = ORDER_HTTP;
    order->outer_number = http_client_send(setup->http, &request, http_done, order);
    buf_clear(&url);
    buf_clear(&body);
}

/* Counters that are not asked for anything answer at once. */
static void limits_send(struct order *order, const struct limit_order *limits)
{
    struct limit_store *store = order->effects->setup.limits;
    struct effect_result *result;
    struct limit_answer *answer;
    size_t i, changes = 0;

    if (!store) {
        order_is_due(order, refusal(order, SL_EPROTO, "nobody keeps turnover counters here"));
        return;
    }
    for (i = 0; i < limits->count; i++)
        changes += limits->requests[i].count;
    if (changes > 0) {
        order->place = ORDER_LIMITS;
        order->outer_number = limit_store_run(store, limits, order->arena, limits_done, order);
        return;
    }
    answer = arena_alloc(order->arena, sizeof(*answer));
    answer->outcomes = arena_array(order->arena, limits->count, sizeof(*answer->outcomes));
    answer->count = limits->count;
    result = arena_alloc(order->arena, sizeof(*result));
    result->kind = order->kind;
    result->value = answer;
    order_is_due(order, result);
}

/* A call over HTTP: as many as one provider may have under way. */
static void order_call(struct order *order, const struct effect_wire *wire, const struct effect_args *args)
{
    order->in_lane = lanes_enter(order->effects->lanes, order->provider_id);
    if (order->in_lane) {
        order_send(order, wire, args);
    } else { /* nothing was tried, so it says nothing of the provider's health */
        order_is_due(order, refusal(order, SL_EDOWN, "too many calls to this provider are under way"));
        order->provider_id = 0;
    }
}

static bool is_provider_call(int kind)
{
    return kind == FX_PROVIDER_PROCESS || kind == FX_PROVIDER_CALLBACK;
}

static void balance_send(struct order *order, const struct balance_order *balance)
{
    const struct effects_setup *setup = &order->effects->setup;

    if (!setup->client) {
        order_is_due(order, refusal(order, SL_EPROTO, "there is no ledger here"));
        return;
    }
    order->place = ORDER_BALANCE;
    order->reading = balances_read(setup->client, setup->space, balance->account_id, balance_done, order);
}

static void cards_send(struct order *order, const struct card_order *cards)
{
    struct card_store *store = order->effects->setup.cards;

    if (!store) {
        order_is_due(order, refusal(order, SL_EPROTO, "nobody keeps cards here"));
        return;
    }
    order->place = ORDER_CARDS;
    order->outer_number = card_store_keep(store, cards, cards_done, order);
}

static void start(void *ctx, const struct effect *effect, uint64_t number, struct arena *arena, effect_done_fn done,
                  void *done_arg)
{
    struct effects *effects = ctx;
    const struct effect_wire *wire = effect_wire(effect->kind);
    const struct effect_args *args = effect->args; /* of a call */
    struct order *order = xcalloc(1, sizeof(*order));
    struct order *twin;

    HASH_FIND(hh, effects->orders, &number, sizeof(number), twin);
    assert(!twin);
    order->effects = effects;
    order->number = number;
    order->kind = effect->kind;
    order->provider_id = is_provider_call(effect->kind) ? args->provider_id : 0;
    order->arena = arena;
    order->done = done;
    order->done_arg = done_arg;
    order->began_us = clock_mono_us();
    HASH_ADD(hh, effects->orders, number, sizeof(order->number), order);
    if (wire)
        stats_of(effects, effect->kind)->started++;
    if (!wire)
        order_is_due(order, refusal(order, SL_EPROTO, "nobody performs orders of this kind"));
    else if (effect->kind == FX_LIMITS)
        limits_send(order, effect->args);
    else if (effect->kind == FX_BALANCE)
        balance_send(order, effect->args);
    else if (effect->kind == FX_CARDS)
        cards_send(order, effect->args);
    else if (builtin_is(args->url))
        order_is_due(order, builtin_answer(args->url, effect->kind, args->request, arena));
    else if (strpbrk(args->url, "?#"))
        order_is_due(order, refusal(order, SL_EDOWN, "the proxy's URL has a query or a fragment"));
    else
        order_call(order, wire, args);
}

static void cancel(void *ctx, uint64_t number)
{
    struct effects *effects = ctx;
    struct effects_kind_stats *stats;
    struct order *order;

    HASH_FIND(hh, effects->orders, &number, sizeof(number), order);
    if (!order)
        return;
    stats = stats_of(effects, order->kind);
    if (stats)
        stats->cancelled++;
    order_withdraw(order);
    order_free(order);
}

const struct effect_ops *effects_ops(void)
{
    static const struct effect_ops ops = { start, cancel };

    return &ops;
}

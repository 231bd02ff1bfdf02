/* Counts in, view out.
 *
 *   report ......... report ........ report                       `pending`
 *       tick: flush_send --> lua/health_flush.lua --> flush_done --> records --> view
 *               '-- Redis is away: the view is computed anew and grows old --'
 *
 * A flush leaves at the same place within each tick of Redis's clock, as its answers tell it, somewhere in the
 * middle half: so every daemon hands something over in every tick, a late timer does not put two flushes into one
 * and none into the next, and many daemons do not all come at once.                                 */
#include "provider/health_watch.h"

#include <assert.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xmalloc.h"
#include "lua/health_flush.h"
#include "payment/note.h"

#define OUTCOMES_MAX 1000            /* services of one flush; more wait for the next */
#define FORGET_MS ((int64_t)7 * 24 * 3600 * 1000) /* idle services are known for so long, and not new after it */
#define DEADLINE_MIN_MS 1000         /* of a flush; with long ticks, half a tick */
#define RECORDS_MAX 20000            /* services that a view is made of */
#define FLUSH_COUNT_MAX 999999999    /* of one service in one flush, as the script takes it */

/* What was seen of one service and not handed over yet. */
struct outcome {
    UT_hash_handle hh;
    char service[HEALTH_SERVICE_MAX];
    struct health_tick counts;
};

/* What Redis said of one service. */
struct record {
    int64_t provider_id;
    enum health_kind kind;
    const char *text;
};

/* A call that is out. It finds its watch gone when that was freed meanwhile. */
struct flush {
    struct health_watch *watch;
    struct outcome *outcomes; /* a plain array */
    size_t count;
    int64_t since_us;
};

struct health_watch {
    struct health_watch_setup setup;
    struct event timer;
    int64_t phase_ms;          /* where in a tick this daemon flushes */
    struct outcome *pending;
    int64_t pending_since_us;  /* monotonic; of the oldest */
    struct flush *out;         /* NULL: none is under way */
    struct arena *arena;       /* of the records */
    struct record *records;
    size_t record_count;
    int64_t heard_ms, heard_us; /* Redis's clock in the last answer, and ours then; 0: none yet */
    bool complained;
    struct health_rates *rates;
    struct health_view view;
    struct health_watch_stats stats;
};

static void tick(evutil_socket_t fd, short what, void *arg);

bool health_settings_fit(const struct health_settings *settings, const char **why)
{
    size_t i;

    *why = NULL;
    if (settings->tick_ms < 10 || settings->tick_ms > 60000)
        *why = "a tick of the fault detector is 10 to 60000 ms long";
    for (i = 0; !*why && i < HEALTH_KINDS; i++) {
        const struct health_kind_settings *kind = &settings->kinds[i];

        if (kind->window_ms < settings->tick_ms || kind->window_ms / settings->tick_ms > HEALTH_TICKS_MAX - 2)
            *why = "the fault detector's window must hold 1 to 1022 ticks";
        else if (!(kind->critical <= 1 && (kind->critical > 0 || (i == HEALTH_SLOWNESS && kind->critical >= 0))))
            *why = "a critical failure rate is above 0 and at most 1";
        else if (i == HEALTH_SLOWNESS && kind->limit_ms < 1)
            *why = "the time limit of an answer is at least 1 ms";
    }
    return !*why;
}

static int64_t window_ms(const struct health_watch *watch)
{
    const struct health_kind_settings *kinds = watch->setup.settings->kinds;

    int64_t longest = 0;
    size_t i;

    for (i = 0; i < HEALTH_KINDS; i++)
        longest = kinds[i].window_ms > longest ? kinds[i].window_ms : longest;
    return longest;
}

static void arm(struct health_watch *watch, int64_t delay_ms)
{
    struct timeval delay = { (time_t)(delay_ms / 1000), (suseconds_t)(delay_ms % 1000 * 1000) };

    event_add(&watch->timer, &delay);
}

struct health_watch *health_watch_new(const struct health_watch_setup *setup)
{
    struct health_watch *watch = xcalloc(1, sizeof(*watch));
    int64_t tick_ms = setup->settings->tick_ms;
    const char *why;

    assert(health_settings_fit(setup->settings, &why));
    watch->setup = *setup;
    watch->arena = arena_new();
    watch->view.settings = setup->settings;
    watch->phase_ms = tick_ms / 4 + (int64_t)(clock_random() % (uint64_t)(tick_ms / 2));
    event_assign(&watch->timer, setup->base, -1, 0, tick, watch);
    if (setup->settings->enabled)
        arm(watch, 0);
    return watch;
}

/* ---- counting ---- */

static struct outcome *outcome_of(struct health_watch *watch, const char *service)
{
    struct outcome *outcome;

    HASH_FIND_STR(watch->pending, service, outcome);
    if (outcome)
        return outcome;
    if (!watch->pending)
        watch->pending_since_us = clock_mono_us();
    outcome = xcalloc(1, sizeof(*outcome));
    snprintf(outcome->service, sizeof(outcome->service), "%s", service);
    HASH_ADD_STR(watch->pending, service, outcome);
    return outcome;
}

static void outcome_free(struct health_watch *watch, struct outcome *outcome)
{
    HASH_DEL(watch->pending, outcome);
    free(outcome);
}

static void pending_drop(struct health_watch *watch)
{
    struct outcome *outcome, *next;

    HASH_ITER(hh, watch->pending, outcome, next) {
        watch->stats.lost += (uint64_t)(outcome->counts.successes + outcome->counts.failures);
        outcome_free(watch, outcome);
    }
}

static void count(struct health_watch *watch, const char *service, const struct health_tick *more)
{
    struct outcome *outcome = outcome_of(watch, service);

    if (outcome->counts.successes <= FLUSH_COUNT_MAX - more->successes)
        outcome->counts.successes += more->successes;
    if (outcome->counts.failures <= FLUSH_COUNT_MAX - more->failures)
        outcome->counts.failures += more->failures;
}

void health_watch_report(struct health_watch *watch, int64_t provider_id, enum health_kind kind, bool good)
{
    const struct health_settings *settings = watch->setup.settings;
    char service[HEALTH_SERVICE_MAX];

    if (!settings->enabled || provider_id < 0)
        return;
    watch->stats.reports++;
    health_service_name(provider_id, kind, service);
    count(watch, service, &(struct health_tick){ good, !good });
}

void health_watch_heard(void *ctx, int64_t provider_id, bool answered, int64_t took_us)
{
    struct health_watch *watch = ctx;

    health_watch_report(watch, provider_id, HEALTH_AVAILABILITY, answered);
    if (answered) /* however late: an adapter that works is there */
        health_watch_report(watch, provider_id, HEALTH_SLOWNESS,
                            took_us / 1000 <= watch->setup.settings->kinds[HEALTH_SLOWNESS].limit_ms);
}

void health_watch_note(void *ctx, const struct note *note)
{
    const struct conversion_note *conversion = note->args;
    const struct status_note *reached = note->args;
    struct health_watch *watch = ctx;

    if (note->kind == NOTE_CONVERSION)
        health_watch_report(ctx, conversion->provider_id, HEALTH_CONVERSION, conversion->ok);
    else if (note->kind == NOTE_STATUS && reached->status < HEALTH_WATCH_STATUSES)
        watch->stats.payments[reached->status]++;
}

/* ---- the view ---- */

static int by_provider(const void *a, const void *b)
{
    const struct record *x = a, *y = b;

    return (x->provider_id > y->provider_id) - (x->provider_id < y->provider_id);
}

/* Computes all rates as of now. Idle ticks that have passed since Redis was last heard take part. */
static void view_make(struct health_watch *watch)
{
    int64_t now_ms = watch->heard_ms + (clock_mono_us() - watch->heard_us) / 1000;
    struct health_rates *row = NULL;
    size_t i;

    watch->view.count = 0;
    for (i = 0; i < watch->record_count; i++) { /* by rising provider */
        const struct record *record = &watch->records[i];
        double rate;

        if (!health_record_rate(watch->setup.settings, record->kind, record->text, now_ms, &rate))
            continue;
        if (!row || row->provider_id != record->provider_id) {
            row = &watch->rates[watch->view.count++];
            *row = (struct health_rates){ .provider_id = record->provider_id };
        }
        row->known[record->kind] = true;
        row->rates[record->kind] = rate;
    }
}

static void records_take(struct health_watch *watch, const struct reply *reply)
{
    size_t i, most = reply_count(reply) / 2;

    arena_free(watch->arena);
    watch->arena = arena_new();
    watch->record_count = 0;
    most = most < RECORDS_MAX ? most : RECORDS_MAX;
    watch->records = arena_array(watch->arena, most, sizeof(*watch->records));
    watch->rates = arena_array(watch->arena, most, sizeof(*watch->rates));
    watch->view.providers = watch->rates;
    for (i = 2; i + 1 < reply_count(reply) && watch->record_count < most; i += 2) {
        const char *name = reply_text(reply_at(reply, i), NULL), *text = reply_text(reply_at(reply, i + 1), NULL);
        struct record *record = &watch->records[watch->record_count];

        if (!name || !text || !health_service_parse(name, &record->provider_id, &record->kind))
            continue;
        record->text = arena_strdup(watch->arena, text);
        watch->record_count++;
    }
    qsort(watch->records, watch->record_count, sizeof(*watch->records), by_provider);
}

const struct health_view *health_watch_view(const struct health_watch *watch)
{
    return watch->setup.settings->enabled ? &watch->view : NULL;
}

const void *health_watch_outlook(void *ctx)
{
    return health_watch_view(ctx);
}

/* ---- the flush ---- */

static struct flush *flush_new(struct health_watch *watch)
{
    struct flush *flush = xcalloc(1, sizeof(*flush));
    struct outcome *outcome, *next;
    size_t all = HASH_COUNT(watch->pending);

    flush->watch = watch;
    flush->since_us = watch->pending_since_us;
    flush->outcomes = xcalloc(all < OUTCOMES_MAX ? all + 1 : OUTCOMES_MAX, sizeof(*flush->outcomes));
    HASH_ITER(hh, watch->pending, outcome, next) {
        if (flush->count == OUTCOMES_MAX)
            break;
        flush->outcomes[flush->count++] = *outcome;
        outcome_free(watch, outcome);
    }
    return flush;
}

static void flush_free(struct flush *flush)
{
    free(flush->outcomes);
    free(flush);
}

/* Not sent: it goes with the next one. */
static void flush_take_back(struct health_watch *watch, const struct flush *flush)
{
    size_t i;

    for (i = 0; i < flush->count; i++)
        count(watch, flush->outcomes[i].service, &flush->outcomes[i].counts);
    if (flush->count > 0)
        watch->pending_since_us = flush->since_us;
}

static void flush_failed(struct health_watch *watch, const struct flush *flush, enum sl_err err,
                         const struct reply *reply)
{
    size_t i;

    watch->stats.failed++;
    if (err == SL_EDOWN || err == SL_EBUSY) {
        flush_take_back(watch, flush);
    } else {
        for (i = 0; i < flush->count; i++)
            watch->stats.lost += (uint64_t)(flush->outcomes[i].counts.successes + flush->outcomes[i].counts.failures);
    }
    if (err == SL_EREFUSED && !watch->complained) {
        log_error("health of providers: Redis refuses: %s", reply_text(reply, NULL));
        watch->complained = true;
    }
    view_make(watch);
    arm(watch, watch->setup.settings->tick_ms);
}

/* From now on until this daemon's place in the next tick. */
static int64_t next_flush_ms(const struct health_watch *watch)
{
    int64_t tick_ms = watch->setup.settings->tick_ms;

    return (watch->heard_ms / tick_ms + 1) * tick_ms + watch->phase_ms - watch->heard_ms;
}

static void flush_done(void *arg, enum sl_err err, const struct reply *reply)
{
    struct flush *flush = arg;
    struct health_watch *watch = flush->watch;
    int64_t now_ms = reply_i64_or(reply_at(reply, 1), 0);

    if (watch)
        watch->out = NULL;
    if (watch && (err || now_ms <= 0)) {
        flush_failed(watch, flush, err ? err : SL_EPROTO, reply);
    } else if (watch) {
        watch->stats.flushes++;
        watch->complained = false;
        watch->heard_ms = now_ms;
        watch->heard_us = clock_mono_us();
        records_take(watch, reply);
        view_make(watch);
        arm(watch, next_flush_ms(watch));
    }
    flush_free(flush);
}

static void flush_send(struct health_watch *watch)
{
    const struct health_settings *settings = watch->setup.settings;
    struct flush *flush = watch->out = flush_new(watch);
    struct arena *arena = arena_new();
    struct slice *words = arena_array(arena, flush->count * 3 + 1, sizeof(*words));
    char (*numbers)[SLICE_I64_MAX] = arena_alloc(arena, (flush->count * 2 + 3) * sizeof(*numbers));
    struct lua_health_flush_keys keys = { slice_of(HEALTH_KEY) };
    struct lua_health_flush_args args = {
        .tick = slice_i64(numbers[0], settings->tick_ms),
        .keep = slice_i64(numbers[1], window_ms(watch) + 3 * settings->tick_ms),
        .forget = slice_i64(numbers[2], FORGET_MS),
        .outcomes = words, .outcomes_count = flush->count * 3,
    };
    size_t i;

    for (i = 0; i < flush->count; i++) {
        const struct outcome *outcome = &flush->outcomes[i];

        words[i * 3] = slice_of(outcome->service);
        words[i * 3 + 1] = slice_i64(numbers[i * 2 + 3], outcome->counts.successes);
        words[i * 3 + 2] = slice_i64(numbers[i * 2 + 4], outcome->counts.failures);
    }
    lua_health_flush(watch->setup.client, &keys, &args,
                     settings->tick_ms / 2 > DEADLINE_MIN_MS ? settings->tick_ms / 2 : DEADLINE_MIN_MS, flush_done,
                     flush);
    arena_free(arena);
}

static void tick(evutil_socket_t fd, short what, void *arg)
{
    struct health_watch *watch = arg;

    (void)fd;
    (void)what;
    assert(!watch->out);
    if (watch->pending && clock_mono_us() - watch->pending_since_us > window_ms(watch) * 1000)
        pending_drop(watch); /* too old to be news */
    flush_send(watch);
}

/* ---- the rest ---- */

void health_watch_stats(const struct health_watch *watch, struct health_watch_stats *out)
{
    *out = watch->stats;
}

void health_watch_free(struct health_watch *watch)
{
    if (!watch)
        return;
    if (watch->out)
        watch->out->watch = NULL;
    event_del(&watch->timer);
    pending_drop(watch);
    arena_free(watch->arena);
    free(watch);
}

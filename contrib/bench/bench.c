/* Measures the engine in one process against a private Redis: the runtime, the store and the wheel as in
 * sluiced, payments over the built-in provider and inspector, no HTTP. Each figure is a JSON object on a line.
 *
 * The ceiling of payments/s is what a bare pipelined client reaches on the same Redis in the same run with
 * the same commits: those of one payment are recorded and sent again under other ids. */
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "api/domain_store.h"
#include "base/clock.h"
#include "base/xmalloc.h"
#include "daemon/alarm_loop.h"
#include "engine/redis_store.h"
#include "engine/wheel.h"
#include "limits/store.h"
#include "payment/calls.h"
#include "payment/effect.h"
#include "payment/kind.h"
#include "provider/effects.h"
#include "redis/meta.h"
#include "redis/script_list.h"
#include "redis/server.h"
#include "route_doc.h"

#define DEADLINE_MS 60000
#define RECORD_MAX 16
#define CEILING_AT_ONCE 1024 /* payments whose commits the bare client has under way */

/* A commit of the recorded payment, its texts copied. */
struct recorded {
    struct commit commit;
    struct tally tallies[64];
};

/* From the risk score to the call of the provider: routing, the holds of limits and the cash flow. */
struct routing {
    bool watching, inside;
    double began_us, cpu_us;
    int64_t count, round_trips;
};

struct bench {
    const char *mode; /* "everysec", "always" */
    struct event_base *base;
    struct alarm_loop *alarm;
    struct server *server;
    struct client *client;
    struct space *space;
    struct redis_store store;
    struct http_client *http;
    struct limit_store *limits;
    struct effects *effects;
    struct runtime *runtime;
    struct wheel *wheel;
    struct domain *domain;
    struct domain *example, *counted, *routed[2]; /* without limits; with them; those that routing is measured with */
    struct invoice_params invoice;
    struct invoice_call payment;
    struct arena *arena;
    /* one measurement */
    int64_t started, finished, wanted, in_flight_max;
    int64_t *samples;
    size_t sample_count;
    int64_t began_us;
    uint64_t commits;
    bool recording, timing_timers;
    struct routing routing;
    struct recorded records[RECORD_MAX];
    size_t record_count;
    size_t replayed;
};

static struct bench bench;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(1);
}

static void report(const char *name, double value, const char *unit, double ceiling, bool lower_is_better)
{
    double ratio = ceiling > 0 ? (lower_is_better ? ceiling / (value > 0 ? value : 1e-9) : value / ceiling) : 0;

    printf("{\"bench\": \"%s_%s\", \"value\": %.2f, \"unit\": \"%s\", \"ceiling\": %.2f, \"ratio\": %.3f}\n", name,
           bench.mode, value, unit, ceiling, ratio);
    fflush(stdout);
}

/* ---- the store, listened to ---- */

struct heard {
    store_committed_fn done;
    void *arg;
    bool paid, overdue;
    int64_t due_ms;
};

static void payment_over(void);

static void heard_commit(void *arg, const struct store_committed *committed)
{
    struct heard *heard = arg;
    struct heard it = *heard;

    free(heard);
    bench.commits += committed->err == SL_OK;
    if (committed->err == SL_OK && it.overdue && bench.timing_timers && bench.sample_count < (size_t)bench.wanted) {
        bench.samples[bench.sample_count++] = committed->now_ms - it.due_ms;
        if (bench.sample_count == (size_t)bench.wanted)
            event_base_loopbreak(bench.base);
    }
    it.done(it.arg, committed);
    if (committed->err == SL_OK && it.paid)
        payment_over();
}

static void record(const struct commit *commit)
{
    struct recorded *recorded = &bench.records[bench.record_count++];
    size_t i;

    recorded->commit = *commit;
    recorded->commit.changes = commit->changes ? xstrndup(commit->changes, commit->changes_len) : NULL;
    recorded->commit.snapshot = commit->snapshot ? xstrndup(commit->snapshot, commit->snapshot_len) : NULL;
    recorded->commit.activity = xstrdup(commit->activity);
    recorded->commit.status = xstrdup(commit->status);
    recorded->commit.tallies = recorded->tallies;
    for (i = 0; i < commit->tally_count && i < SL_COUNT(recorded->tallies); i++)
        recorded->tallies[i] = (struct tally){ xstrdup(commit->tallies[i].field), commit->tallies[i].delta };
}

static int64_t due_in_id(const char *id)
{
    const char *at = strrchr(id, '-');

    return at ? strtoll(at + 1, NULL, 10) : 0;
}

static double own_cpu_us(void);

static void routing_begin(void)
{
    bench.routing.inside = true;
    bench.routing.began_us = own_cpu_us();
}

static void routing_end(void)
{
    if (!bench.routing.inside)
        return;
    bench.routing.inside = false;
    bench.routing.cpu_us += own_cpu_us() - bench.routing.began_us;
    bench.routing.count++;
}

static void bench_commit(void *ctx, const struct commit *commit, store_committed_fn done, void *arg)
{
    struct heard *heard = xcalloc(1, sizeof(*heard));

    heard->done = done;
    heard->arg = arg;
    heard->paid = strcmp(commit->status, "paid") == 0 && !commit->claims_only;
    heard->overdue = strcmp(commit->status, "cancelled") == 0;
    heard->due_ms = due_in_id(commit->id);
    if (bench.recording && bench.record_count < RECORD_MAX)
        record(commit);
    bench.routing.round_trips += bench.routing.inside;
    redis_store_ops.commit(ctx, commit, heard_commit, heard);
}

/* ---- effects, watched while payments are routed one at a time ---- */

struct watched {
    effect_done_fn done;
    void *arg;
};

static void inspected(void *arg, uint64_t number, const struct effect_result *result)
{
    struct watched it = *(struct watched *)arg;

    free(arg);
    routing_begin();
    it.done(it.arg, number, result);
}

static void bench_effect(void *ctx, const struct effect *effect, uint64_t number, struct arena *arena,
                         effect_done_fn done, void *arg)
{
    struct watched *watched;

    if (!bench.routing.watching || effect->kind != FX_INSPECT) {
        bench.routing.round_trips += bench.routing.inside && effect->kind == FX_LIMITS;
        if (effect->kind == FX_PROVIDER_PROCESS)
            routing_end();
        effects_ops()->start(ctx, effect, number, arena, done, arg);
        return;
    }
    watched = xcalloc(1, sizeof(*watched));
    watched->done = done;
    watched->arg = arg;
    effects_ops()->start(ctx, effect, number, arena, inspected, watched);
}

static void bench_effect_cancel(void *ctx, uint64_t number)
{
    effects_ops()->cancel(ctx, number);
}

static const struct effect_ops bench_effects = { bench_effect, bench_effect_cancel };

/* ---- configuration: one revision, in memory ---- */

static const void *config_head(void *ctx)
{
    (void)ctx;
    return bench.domain;
}

static const void *config_get(void *ctx, int64_t revision)
{
    (void)ctx;
    (void)revision;
    return bench.domain;
}

static void config_fetch(void *ctx, int64_t revision, config_done_fn done, void *arg)
{
    (void)ctx;
    (void)revision;
    (void)done;
    (void)arg;
    abort(); /* it is always in memory */
}

static const struct config_ops config_ops = { config_head, config_get, config_fetch };

/* ---- payments ---- */

struct order {
    char id[40];
    struct invoice_params params;
};

static void payment_begin(void);

static void payment_accepted(void *arg, const struct runtime_result *result)
{
    if (result->err || result->refused)
        die("a payment was refused", result->detail ? result->detail : "by the rules");
    free(arg);
}

static void invoice_made(void *arg, const struct runtime_result *result)
{
    struct order *order = arg;

    if (result->err || result->refused)
        die("an invoice was refused", result->detail ? result->detail : "by the rules");
    runtime_call(bench.runtime, &invoice_kind, order->id, &bench.payment, DEADLINE_MS, payment_accepted, order);
}

static void payment_begin(void)
{
    struct order *order = xcalloc(1, sizeof(*order));

    snprintf(order->id, sizeof(order->id), "b%010" PRId64, ++bench.started);
    order->params = bench.invoice;
    order->params.id = order->id;
    bench.began_us = clock_mono_us();
    runtime_start(bench.runtime, &invoice_kind, order->id, &order->params, DEADLINE_MS, invoice_made, order);
}

static int64_t started_in_run;

static void payment_over(void)
{
    if (bench.samples && bench.sample_count < (size_t)bench.wanted)
        bench.samples[bench.sample_count++] = clock_mono_us() - bench.began_us;
    bench.finished++;
    if (bench.finished == bench.wanted)
        event_base_loopbreak(bench.base);
    else if (started_in_run < bench.wanted) {
        started_in_run++;
        payment_begin();
    }
}

/* COUNT payments, at most AT_ONCE under way; seconds. */
static double run_payments(int64_t count, int64_t at_once, int64_t *samples)
{
    int64_t began_us = clock_mono_us();

    bench.wanted = count;
    bench.finished = 0;
    bench.samples = samples;
    bench.sample_count = 0;
    started_in_run = 0;
    while (started_in_run < at_once && started_in_run < count) {
        started_in_run++;
        payment_begin();
    }
    event_base_dispatch(bench.base);
    return (double)(clock_mono_us() - began_us) / 1e6;
}

/* ---- the ceiling ---- */

struct replay {
    char id[40], commit_id[64];
    size_t next;
};

static void replay_next(struct replay *replay);

static void replay_committed(void *arg, const struct store_committed *committed)
{
    struct replay *replay = arg;

    if (committed->err)
        die("the bare client's commit", committed->detail ? committed->detail : sl_err_name(committed->err));
    if (replay->next < bench.record_count) {
        replay_next(replay);
        return;
    }
    free(replay);
    if (++bench.finished == bench.wanted) {
        event_base_loopbreak(bench.base);
    } else if (started_in_run < bench.wanted) {
        started_in_run++;
        replay = xcalloc(1, sizeof(*replay));
        snprintf(replay->id, sizeof(replay->id), "c%010zu", ++bench.replayed);
        replay_next(replay);
    }
}

static void replay_next(struct replay *replay)
{
    struct commit commit = bench.records[replay->next].commit;

    snprintf(replay->commit_id, sizeof(replay->commit_id), "%s.%zu", replay->id, replay->next++);
    commit.id = replay->id;
    commit.commit_id = replay->commit_id;
    commit.expect_token_ms = 0;
    redis_store_ops.commit(&bench.store, &commit, replay_committed, replay);
}

static double run_ceiling(int64_t count, int64_t at_once)
{
    int64_t began_us = clock_mono_us();

    bench.wanted = count;
    bench.finished = 0;
    started_in_run = 0;
    while (started_in_run < at_once && started_in_run < count) {
        struct replay *replay = xcalloc(1, sizeof(*replay));

        started_in_run++;
        snprintf(replay->id, sizeof(replay->id), "c%010zu", ++bench.replayed);
        replay_next(replay);
    }
    event_base_dispatch(bench.base);
    return (double)(clock_mono_us() - began_us) / 1e6;
}

/* ---- Redis's own figures ---- */

struct asking {
    const char *field;
    double value;
};

static void info_read(void *arg, enum sl_err err, const struct reply *reply)
{
    struct asking *asking = arg;
    const char *text = err ? NULL : reply_text(reply, NULL), *at = text ? strstr(text, asking->field) : NULL;

    if (!at)
        die("INFO", asking->field);
    asking->value = strtod(at + strlen(asking->field) + 1, NULL);
    event_base_loopbreak(bench.base);
}

static double info(const char *section, const char *field)
{
    struct asking asking = { field, 0 };

    client_words(bench.client, 10000, info_read, &asking, "INFO", section, NULL);
    event_base_dispatch(bench.base);
    return asking.value;
}

static double redis_cpu_us(void)
{
    return (info("cpu", "used_cpu_sys") + info("cpu", "used_cpu_user")) * 1e6;
}

static double own_cpu_us(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* ---- the benches ---- */

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static double percentile(int64_t *samples, size_t count, double share)
{
    qsort(samples, count, sizeof(*samples), by_size);
    return (double)samples[(size_t)((double)(count - 1) * share)];
}

/* Answers the rate, payments a second. */
static double bench_throughput(int64_t payments, int64_t at_once)
{
    double memory, redis_us, own_us, seconds, ceiling_seconds, again_seconds, rate, ceiling;
    uint64_t commits;

    bench.recording = true;
    run_payments(1, 1, NULL);
    bench.recording = false;
    run_payments(payments / 10, at_once, NULL); /* warm */
    ceiling_seconds = run_ceiling(payments, CEILING_AT_ONCE);
    own_us = own_cpu_us();
    redis_us = redis_cpu_us();
    memory = info("memory", "\nused_memory");
    commits = bench.commits;
    seconds = run_payments(payments, at_once, NULL);
    own_us = own_cpu_us() - own_us;
    redis_us = redis_cpu_us() - redis_us;
    commits = bench.commits - commits;
    memory = info("memory", "\nused_memory") - memory;
    again_seconds = run_ceiling(payments, CEILING_AT_ONCE);
    if (again_seconds < ceiling_seconds)
        ceiling_seconds = again_seconds; /* the better of two, before and after: machines have moods */
    rate = (double)payments / seconds;
    ceiling = (double)payments / ceiling_seconds;
    report("payments_per_second", rate, "1/s", ceiling, false);
    report("commits_per_payment", (double)commits / (double)payments, "commits", 6, true);
    report("redis_cpu", redis_us / (double)payments, "us/payment", 0, true);
    report("daemon_cpu", own_us / (double)payments, "us/payment", 0, true);
    report("redis_memory", memory / (double)payments, "bytes/payment", 4096, true);
    return rate;
}

/* The same under the example's limits (one of the shop, one to three of each route), against the rate without. */
static void bench_limits(int64_t payments, int64_t at_once, double rate)
{
    uint64_t commits;
    double seconds;

    bench.domain = bench.counted;
    run_payments(payments / 10, at_once, NULL); /* warm */
    commits = bench.commits;
    seconds = run_payments(payments, at_once, NULL);
    bench.domain = bench.example;
    report("payments_per_second_limits", (double)payments / seconds, "1/s", rate, false);
    report("commits_per_payment_limits", (double)(bench.commits - commits) / (double)payments, "commits", 0, true);
}

static void asked_once(void *arg, enum sl_err err, const struct reply *reply)
{
    (void)arg;
    if (err)
        die("a setting of Redis", reply ? reply_text(reply, NULL) : "it did not answer");
}

static void node_bytes_set(const char *bytes)
{
    client_words(bench.client, DEADLINE_MS, asked_once, NULL, "CONFIG", "SET", "stream-node-max-bytes", bytes, NULL);
}

/* The same with events and snapshots packed and streams as decision 16 wants them, against the rate with plain ones. */
static void bench_packed(int64_t payments, int64_t at_once, double rate)
{
    double memory, redis_us, own_us, seconds;

    bench.store.packs = true;
    node_bytes_set("1024");
    run_payments(payments / 10, at_once, NULL); /* warm */
    own_us = own_cpu_us();
    redis_us = redis_cpu_us();
    memory = info("memory", "\nused_memory");
    seconds = run_payments(payments, at_once, NULL);
    bench.store.packs = false;
    node_bytes_set("8192");
    report("payments_per_second_packed", (double)payments / seconds, "1/s", rate, false);
    report("redis_cpu_packed", (redis_cpu_us() - redis_us) / (double)payments, "us/payment", 0, true);
    report("daemon_cpu_packed", (own_cpu_us() - own_us) / (double)payments, "us/payment", 0, true);
    report("redis_memory_packed", (info("memory", "\nused_memory") - memory) / (double)payments, "bytes/payment", 4096, true);
}

static void bench_latency(int64_t payments)
{
    int64_t *samples = xcalloc((size_t)payments, sizeof(*samples));

    run_payments(payments, 1, samples);
    report("latency_p50", percentile(samples, (size_t)payments, 0.5) / 1000, "ms", 0, true);
    report("latency_p99", percentile(samples, (size_t)payments, 0.99) / 1000, "ms", 0, true);
    free(samples);
}

static void settle(void *arg)
{
    (void)arg;
    event_base_loopbreak(bench.base);
}

static int64_t invoices_left;

static void timer_invoice_made(void *arg, const struct runtime_result *result)
{
    if (result->err || result->refused)
        die("an invoice was refused", result->detail ? result->detail : "by the rules");
    free(arg);
    if (--invoices_left == 0)
        event_base_loopbreak(bench.base);
}

/* ---- what timers cost on this machine without us ---- */

struct probe {
    int64_t due_ms;
};

static void probe_answered(void *arg, enum sl_err err, const struct reply *reply)
{
    struct probe *probe = arg;
    int64_t now_ms = reply_i64_or(reply_at(reply, 0), 0) * 1000 + reply_i64_or(reply_at(reply, 1), 0) / 1000;

    if (err)
        die("a probe", "Redis did not answer");
    bench.samples[bench.sample_count++] = now_ms > probe->due_ms ? now_ms - probe->due_ms : 0;
    if (bench.sample_count == (size_t)bench.wanted)
        event_base_loopbreak(bench.base);
}

static void probe_rings(void *arg)
{
    client_words(bench.client, DEADLINE_MS, probe_answered, arg, "TIME", NULL);
}

/* Timers of libevent at the pace of those measured, and when Redis hears of each: the daemon cannot be better. */
static double probe_lateness(int64_t count)
{
    struct probe *probes = xcalloc((size_t)count, sizeof(*probes));
    int64_t *samples = xcalloc((size_t)count, sizeof(*samples)), now_ms = runtime_now_us(bench.runtime) / 1000, i;
    double p99;

    bench.samples = samples;
    bench.sample_count = 0;
    bench.wanted = count;
    for (i = 0; i < count; i++) {
        probes[i].due_ms = now_ms + 1000 + 2 * i;
        alarm_loop_ops.after(bench.alarm, probes[i].due_ms - now_ms, probe_rings, &probes[i]);
    }
    event_base_dispatch(bench.base);
    p99 = percentile(samples, (size_t)count, 0.99);
    free(samples);
    free(probes);
    return p99;
}

/* COUNT invoices whose timers are due from FIRST_MS on, STEP_US apart; the id carries the moment. */
static void make_invoices(int64_t count, int64_t first_ms, int64_t step_us, char letter)
{
    int64_t made = 0, due_ms;

    while (made < count) {
        int64_t batch = count - made < 2000 ? count - made : 2000, i;

        invoices_left = batch;
        for (i = 0; i < batch; i++, made++) {
            struct order *order = xcalloc(1, sizeof(*order));

            due_ms = first_ms + made * step_us / 1000;
            order->params = bench.invoice;
            order->params.due = due_ms * 1000;
            snprintf(order->id, sizeof(order->id), "%c%" PRId64 "-%" PRId64, letter, made, due_ms + 1);
            order->params.id = order->id;
            runtime_start(bench.runtime, &invoice_kind, order->id, &order->params, DEADLINE_MS, timer_invoice_made, order);
        }
        event_base_dispatch(bench.base);
    }
}

static void bench_timers(int64_t pending, int64_t firing)
{
    int64_t *samples = xcalloc((size_t)firing, sizeof(*samples));
    int64_t first_ms;

    make_invoices(pending, runtime_now_us(bench.runtime) / 1000 + 3600000, 1000, 'p');
    while (info("persistence", "aof_rewrite_in_progress") > 0 || info("persistence", "aof_rewrite_scheduled") > 0) {
        alarm_loop_ops.after(bench.alarm, 200, settle, NULL); /* the load just made, not the timers, causes it */
        event_base_dispatch(bench.base);
    }
    first_ms = runtime_now_us(bench.runtime) / 1000 + 3000;
    make_invoices(firing, first_ms, 2000, 't'); /* 500 a second */
    bench.samples = samples;
    bench.sample_count = 0;
    bench.wanted = firing;
    bench.timing_timers = true;
    event_base_dispatch(bench.base);
    bench.timing_timers = false;
    report("timer_lateness_p50", percentile(samples, (size_t)firing, 0.5), "ms", 0, true);
    report("timer_lateness_p99", percentile(samples, (size_t)firing, 0.99), "ms",
           strcmp(bench.mode, "always") == 0 ? 50 : 10, true);
    report("timer_lateness_p99_bare", probe_lateness(firing), "ms", 0, true);
    free(samples);
}

/* ---- setting up ---- */

static char *read_all(const char *path, size_t *len)
{
    FILE *file = fopen(path, "re");
    char *text = xmalloc(1 << 22);

    if (!file)
        die(path, "cannot be read");
    *len = fread(text, 1, 1 << 22, file);
    fclose(file);
    return text;
}

static void load(const char *folder, const char *name, const struct type *type, void *out)
{
    struct type_errors errors = { 0 };
    char path[512], *text;
    size_t len;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    text = read_all(path, &len);
    if (type_decode_text(type, text, len, 0, bench.arena, out, &errors))
        die(path, errors.list[0].message);
    free(text);
}

static void replace_urls(char *text)
{
    static const char *const urls[][2] = {
        { "http://127.0.0.1:8090/provider", "builtin:approve" }, { "http://127.0.0.1:8090/inspector", "builtin:risk-low" },
    };
    size_t i;
    char *at;

    for (i = 0; i < SL_COUNT(urls); i++) {
        while ((at = strstr(text, urls[i][0]))) {
            memcpy(at, urls[i][1], strlen(urls[i][1]));
            memmove(at + strlen(urls[i][1]), at + strlen(urls[i][0]), strlen(at + strlen(urls[i][0])) + 1);
        }
    }
}

/* The example configuration, its providers and inspectors in the process; ROUTES > 0: so many candidates for cards,
 * each with LIMITS turnover limits, in the place of its own. LIMITS < 0: nothing is counted. */
static struct domain *make_domain(const char *folder, int routes, int limits)
{
    struct type_errors errors = { 0 };
    struct domain *domain;
    char path[512], *text;
    json_t *doc;
    size_t len;

    snprintf(path, sizeof(path), "%s/domain.json", folder);
    text = read_all(path, &len);
    text[len] = '\0';
    replace_urls(text);
    doc = json_loads(text, 0, NULL);
    free(text);
    if (routes > 0)
        route_doc_fill(doc, routes, limits);
    if (limits < 0)
        route_doc_drop_limits(doc);
    route_doc_lift_limits(doc);
    text = json_dumps(doc, JSON_COMPACT);
    json_decref(doc);
    if (domain_parse(text, strlen(text), bench.arena, &domain, &errors))
        die(errors.list[0].path, errors.list[0].message);
    domain_set_revision(domain, 1);
    free(text);
    return domain;
}

static void load_examples(const char *folder)
{
    bench.arena = arena_new();
    bench.domain = bench.example = make_domain(folder, 0, -1);
    bench.counted = make_domain(folder, 0, 0);
    load(folder, "invoice.json", &type_invoice_params, &bench.invoice);
    bench.payment.kind = CALL_START_PAYMENT;
    load(folder, "payment.json", &type_start_payment_call, &bench.payment.start_payment);
}

static void init_done(void *arg, const struct meta_result *result)
{
    (void)arg;
    if (result->err)
        die("meta data", result->message);
    event_base_loopbreak(bench.base);
}

static void is_up(void *arg, bool up)
{
    (void)arg;
    if (up)
        meta_init(bench.client, 64, init_done, NULL);
}

static void set_up(const char *folder, const char *examples)
{
    static const struct machine_kind *const kinds[] = { &invoice_kind, NULL };
    static struct store_ops store;
    const char *why;
    char *trouble;

    load_examples(examples);
    bench.base = alarm_base_new();
    bench.alarm = alarm_loop_new(bench.base);
    if (server_start(&(struct server_setup){
            .dir = folder, .fsync_always = strcmp(bench.mode, "always") == 0, .tells_parent = true,
        }, &bench.server, &trouble))
        die("redis-server", trouble);
    if (client_new(&(struct client_setup){
            .base = bench.base, .url = server_url(bench.server), .name = "bench", .on_state = is_up, .scripts = script_list,
        }, &bench.client, &why))
        die("client", why);
    event_base_dispatch(bench.base);
    bench.space = space_new(64);
    bench.store = (struct redis_store){
        .client = bench.client, .space = bench.space, .deadline_ms = DEADLINE_MS, .packer = packer_new(),
    };
    store = redis_store_ops;
    store.commit = bench_commit;
    if (http_client_new(&(struct http_client_setup){ .base = bench.base }, &bench.http, &why))
        die("HTTP client", why);
    bench.limits = limit_store_new(bench.client, space_count(bench.space), DEADLINE_MS);
    bench.effects = effects_new(bench.base, &(struct effects_setup){ .http = bench.http, .limits = bench.limits });
    bench.runtime = runtime_new(&(struct runtime_setup){
        .store = &store, .store_ctx = &bench.store, .effects = &bench_effects, .effects_ctx = bench.effects,
        .config = &config_ops, .alarm = &alarm_loop_ops, .alarm_ctx = bench.alarm,
    });
    bench.wheel = wheel_new(&(struct wheel_setup){
        .store = &redis_store_ops, .store_ctx = &bench.store, .space = bench.space, .runtime = bench.runtime, .alarm = &alarm_loop_ops,
        .alarm_ctx = bench.alarm, .name = "bench", .kinds = kinds,
    });
    alarm_loop_ops.after(bench.alarm, 1500, settle, NULL); /* until the heartbeat has given us the partitions */
    event_base_dispatch(bench.base);
}

static void tear_down(void)
{
    client_free(bench.client);
    wheel_free(bench.wheel);
    runtime_free(bench.runtime);
    packer_free(bench.store.packer);
    effects_free(bench.effects);
    limit_store_free(bench.limits);
    http_client_free(bench.http);
    space_free(bench.space);
    domain_free(bench.example);
    domain_free(bench.counted);
    domain_free(bench.routed[0]);
    domain_free(bench.routed[1]);
    arena_free(bench.arena);
    alarm_loop_free(bench.alarm);
    event_base_free(bench.base);
    server_stop(bench.server);
}

/* Payments one at a time over the real steps, runtime and Redis, under DOMAIN. */
static struct routing routing_measured(struct domain *domain, int64_t payments)
{
    bench.domain = domain;
    run_payments(payments / 10 + 1, 1, NULL); /* warm */
    bench.routing = (struct routing){ .watching = true };
    run_payments(payments, 1, NULL);
    bench.routing.watching = false;
    alarm_loop_ops.after(bench.alarm, 500, settle, NULL); /* until the last payment has nothing more to do */
    event_base_dispatch(bench.base);
    bench.domain = bench.example;
    if (bench.routing.count != payments)
        die("routing", "not every payment was seen to be routed");
    return bench.routing;
}

/* What a payment without any choice costs there anyway, one commit, is no cost of routing. */
static void bench_routing(const char *folder, int64_t payments)
{
    struct routing plain, full;

    bench.routed[0] = make_domain(folder, 1, -1);
    bench.routed[1] = make_domain(folder, 20, 2);
    plain = routing_measured(bench.routed[0], payments);
    full = routing_measured(bench.routed[1], payments);
    report("route_us", full.cpu_us / (double)payments, "us/payment", 1000, true);
    report("route_round_trips", (double)(full.round_trips - plain.round_trips) / (double)payments, "round trips/payment", 3,
           true);
}

int main(int argc, char **argv)
{
    int64_t scale, payments;
    double rate;

    xmalloc_init();
    if (argc != 5) {
        fprintf(stderr, "usage: bench everysec|always DATA-FOLDER EXAMPLES-FOLDER PERCENT-OF-THE-FULL-SIZE\n");
        return 2;
    }
    bench.mode = argv[1];
    scale = strtoll(argv[4], NULL, 10);
    if (scale < 1 || scale > 1000)
        die("size", "must be 1..1000 percent");
    set_up(argv[2], argv[3]);
    payments = (strcmp(bench.mode, "always") == 0 ? 10000 : 30000) * scale / 100;
    rate = bench_throughput(payments, 256);
    bench_packed(payments / 3, 256, rate);
    bench_limits(payments / 3, 256, rate);
    bench_latency(500 * scale / 100 + 1);
    bench_routing(argv[3], 1000 * scale / 100 + 1);
    bench_timers(100000 * scale / 100, 2000 * scale / 100 + 1);
    tear_down();
    return 0;
}

/* A world from its seed: weather, daemons, traffic; then calm, and the checks. */
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "payment/kind.h"
#include "payment/template.h"
#include "sim/cards.h"
#include "sim/counters.h"
#include "sim/memory.h"

#define BEGIN_US INT64_C(1767225600000000) /* 2026-01-01, when worlds begin */
#define QUIET_US 20000000                  /* after the last invoice faults go on for so long */
#define REST_MAX_US INT64_C(10800000000)   /* then everything comes to rest within three hours */

struct sim *the_sim;

/* Chances per million, or mean seconds between; see struct weather. */
static const struct weather weathers[] = {
    { .name = "calm", .step = 500 },
    { .name = "lossy", .not_sent = 3000, .lost_request = 3000, .lost_answer = 10000, .late_request = 5000, .slow = 2000, .step = 1000 },
    { .name = "crashing", .crash_before = 2500, .crash_after = 2500, .lost_answer = 1000, .step = 1000, .crash_s = 8, .stop_s = 20,
      .all_down_s = 40 },
    { .name = "stalling", .slow = 20000, .pause_s = 6, .late_request = 3000, .away_s = 25 },
    { .name = "a bad bank", .undelivered = 30000, .unanswered = 30000, .repeated = 20000, .late = 10000, .garbage = 4000,
      .step = 4000 },
    { .name = "stormy", .not_sent = 4000, .lost_request = 4000, .lost_answer = 8000, .late_request = 6000, .slow = 5000,
      .crash_before = 1200, .crash_after = 1200, .undelivered = 20000, .unanswered = 20000, .repeated = 10000,
      .late = 10000, .garbage = 2000, .step = 3000, .crash_s = 15, .pause_s = 10, .stop_s = 30, .away_s = 30, .all_down_s = 80 },
};

/* ---- what the others ask ---- */

void sim_count(struct sim *sim, enum fault fault)
{
    sim->counts[fault]++;
}

void sim_disturbed(struct sim *sim, int64_t until_us)
{
    if (until_us > sim->disturbed_us)
        sim->disturbed_us = until_us;
}

bool sim_fault(struct sim *sim, int64_t per_million, enum fault fault)
{
    if (per_million == 0 || sim->settling || !rng_chance(&sim->faults, per_million))
        return false;
    sim_count(sim, fault);
    return true;
}

bool sim_broken(struct sim *sim, int kind, int64_t per_million)
{
    return sim->options.broken == kind && !sim->settling && rng_chance(&sim->faults, per_million);
}

static void remember_bad(struct sim *sim, const char *machine)
{
    size_t i;

    for (i = 0; i < sim->bad_count && strcmp(sim->bad[i], machine) != 0; i++)
        ;
    if (i == sim->bad_count && i < SL_COUNT(sim->bad))
        snprintf(sim->bad[sim->bad_count++], sizeof(sim->bad[0]), "%s", machine);
}

void sim_violation(struct sim *sim, const char *machine, const char *format, ...)
{
    char text[8192];
    va_list args;

    if (machine)
        remember_bad(sim, machine);
    if (sim->violations++ >= VIOLATIONS_SHOWN)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    buf_printf(&sim->history, "  VIOLATION at %" PRId64 "%s%s: %s\n", sim->now_us / 1000, machine ? ", " : "",
               machine ? machine : "", text);
}

void sim_say(struct sim *sim, const char *format, ...)
{
    va_list args;

    if (!sim->options.verbose)
        return;
    printf("%" PRId64 " ", sim->now_us / 1000);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

/* ---- the kind of machine, watched ---- */

/* Runs the step; now and then a second time, which must give the same. */
static void watched_step(const struct step_in *in, struct step_out *out)
{
    struct sim *sim = the_sim;
    struct buf first = BUF_EMPTY, second = BUF_EMPTY;
    struct step_out *again;
    size_t i;

    invoice_kind.step(in, out);
    if (sim->steps++ % 32 == 0) {
        again = arena_alloc(in->arena, sizeof(*again));
        invoice_kind.step(in, again);
        for (i = 0; i < out->change_count; i++)
            type_encode(invoice_kind.change, out->changes[i], &first);
        for (i = 0; i < again->change_count; i++)
            type_encode(invoice_kind.change, again->changes[i], &second);
        if (out->end != again->end || out->timer != again->timer || out->due_ms != again->due_ms ||
            !out->effect != !again->effect || strcmp(buf_text(&first), buf_text(&second)) != 0)
            sim_violation(sim, in->id, "a step gives something else the second time: %s | %s", buf_text(&first),
                          buf_text(&second));
        buf_clear(&first);
        buf_clear(&second);
    }
    check_step(sim, in, out);
    if (out->end == STEP_OK && (in->input == IN_TIMEOUT || (in->input == IN_EFFECT && !in->call)) &&
        sim_fault(sim, sim->weather.step, FAULT_STEP))
        step_fail(in, out, "a fault was drawn");
}

/* ---- configuration ---- */

static void die(const char *what, const char *why)
{
    fprintf(stderr, "sim: %s: %s\n", what, why);
    exit(2);
}

/* The fee of the base tariff tells revisions apart. */
static void patch_fee(json_t *document, int64_t parts)
{
    json_t *row, *object, *fees, *decision, *flow;
    size_t i;

    json_array_foreach(json_object_get(document, "objects"), i, row) {
        object = json_object_get(row, "term_set_hierarchy");
        if (!object || json_integer_value(json_object_get(json_object_get(object, "ref"), "id")) != 1)
            continue;
        fees = json_object_get(json_object_get(json_object_get(json_object_get(object, "data"), "term_set"), "payments"), "fees");
        decision = json_array_get(json_object_get(fees, "decisions"), 1);
        flow = json_array_get(json_object_get(json_object_get(decision, "then_"), "value"), 0);
        json_object_set_new(json_object_get(json_object_get(json_object_get(flow, "volume"), "share"), "parts"), "p",
                            json_integer(parts));
    }
}

static void load_domains(struct sim *sim)
{
    json_t *document = json_load_file(sim->options.domain, 0, NULL);
    struct type_errors errors = { .count = 0 };
    char *text;

    if (!document)
        die(sim->options.domain, "it cannot be read");
    for (sim->revisions_known = 0; sim->revisions_known < REVISIONS_MAX; sim->revisions_known++) {
        patch_fee(document, 45 + 7 * (int64_t)sim->revisions_known);
        text = json_dumps(document, JSON_COMPACT);
        if (domain_parse(text, strlen(text), sim->arena, &sim->revisions[sim->revisions_known], &errors))
            die(errors.list[0].path, errors.list[0].message);
        domain_set_revision(sim->revisions[sim->revisions_known], (int64_t)sim->revisions_known + 1);
        free(text);
    }
    json_decref(document);
    sim->revision_count = 1;
}

static void next_revision(void *arg)
{
    struct sim *sim = arg;

    if (sim->revision_count == sim->revisions_known || sim->settling)
        return;
    sim->revision_count++;
    clock_after(sim, rng_between(&sim->choices, 1000000, 30000000), 0, next_revision, sim);
}

/* ---- a world's course ---- */

struct course {
    int64_t all_born_us, settled_us;
    bool stopping, over;
};

static bool at_rest(const struct sim *sim)
{
    int p;

    for (p = 0; p < sim->memory->partition_count; p++) {
        if (sim->memory->partitions[p].wheel_count > 0)
            return false;
    }
    return sim->memory->failed_count == 0 && daemons_idle(sim) && bank_idle(sim->bank) && traffic_over(sim->traffic);
}

static void not_at_rest(struct sim *sim)
{
    struct mem_machine *machine, *next;
    struct buf callers = BUF_EMPTY;
    int shown = 0;

    traffic_waits(sim->traffic, &callers);
    sim_violation(sim, NULL, "the world does not come to rest%s%s%s%s", daemons_idle(sim) ? "" : ", daemons work",
                  bank_idle(sim->bank) ? "" : ", the bank sends", traffic_over(sim->traffic) ? "" : ", callers wait:",
                  buf_text(&callers));
    buf_clear(&callers);
    HASH_ITER(hh, sim->memory->machines, machine, next) {
        if ((machine->score_ms || machine->failed_ms) && shown++ < 3)
            sim_violation(sim, machine->id, "it is still %s, %s, due %" PRId64 ", on the wheel %" PRId64 " %s",
                          machine->activity, machine->status, machine->due_ms, machine->score_ms, machine->reason);
    }
}

static void course_watch(struct sim *sim, struct course *course)
{
    struct daemon *daemon;
    size_t i;

    if (traffic_started(sim->traffic) >= sim->options.payments && !course->all_born_us)
        course->all_born_us = sim->now_us;
    if (course->all_born_us && !sim->settling && sim->now_us > course->all_born_us + QUIET_US) {
        sim->settling = true;
        course->settled_us = sim->now_us;
        for (i = 0; i < sim->daemon_count; i++) {
            daemon = sim->daemons[i];
            daemon->paused_until_us = 0;
        }
        sim->away_until_us = 0;
        daemons_settle(sim);
        sim_say(sim, "the weather becomes fine");
    }
    if (!sim->settling)
        return;
    if (!course->stopping && at_rest(sim)) {
        course->stopping = true;
        daemons_stop(sim);
    } else if (course->stopping && daemons_stopped(sim)) {
        course->over = true;
    } else if (sim->now_us > course->settled_us + REST_MAX_US) {
        not_at_rest(sim);
        course->over = true;
    }
}

void world_run(struct sim *sim)
{
    struct course course = { 0 };
    int64_t look_us = sim->now_us;

    while (!course.over && clock_step(sim)) {
        if (sim->now_us < look_us)
            continue;
        look_us = sim->now_us + 1000000;
        course_watch(sim, &course);
    }
    if (sim->violations == 0 || !sim->options.broken)
        check_all(sim);
}

/* ---- a world ---- */

void world_open(struct sim *sim, const struct sim_options *options)
{
    struct rng rng = { options->seed };
    struct weather calm = weathers[0];

    memset(sim, 0, sizeof(*sim));
    the_sim = sim;
    sim->options = *options;
    sim->faults.state = rng_next(&rng);
    sim->choices.state = rng_next(&rng);
    sim->bank_rng.state = rng_next(&rng);
    sim->shop_rng.state = rng_next(&rng);
    sim->weather = weathers[rng_below(&rng, SL_COUNT(weathers))];
    if (options->broken == BREAK_LATE_TIMER || options->broken == BREAK_EARLY_TIMER)
        sim->weather = calm; /* in bad weather timers may be late */
    sim->now_us = sim->began_us = BEGIN_US;
    sim->lease_ms = rng_between(&rng, 2000, 12000);
    sim->daemon_count = (size_t)rng_between(&rng, 1, 4);
    sim->space = space_new((int)rng_between(&rng, 1, 6));
    sim->clock = clock_new();
    sim->arena = arena_new();
    load_domains(sim);
    sim->kind = invoice_kind;
    sim->kind.step = watched_step;
    sim->kinds[0] = &sim->kind;
    sim->kinds[1] = &template_kind;
    sim->memory = memory_new(sim, space_count(sim->space));
    sim->counters = counters_new(sim);
    sim->bank = bank_new(sim);
    sim->cards = cards_new(sim);
    daemons_start(sim);
    traffic_new(sim);
    clock_after(sim, rng_between(&sim->choices, 1000000, 20000000), 0, next_revision, sim);
}

void world_close(struct sim *sim)
{
    size_t i;

    daemons_free(sim);
    traffic_free(sim->traffic);
    bank_free(sim->bank);
    cards_free(sim->cards);
    memory_free(sim->memory);
    counters_free(sim->counters);
    clock_free(sim->clock);
    space_free(sim->space);
    for (i = 0; i < sim->revisions_known; i++)
        domain_free(sim->revisions[i]);
    arena_free(sim->arena);
    buf_clear(&sim->history);
    the_sim = NULL;
}

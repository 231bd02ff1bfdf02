/* One world after another, each from its own seed, and what there is to say of them. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/xmalloc.h"
#include "sim/memory.h"

#define MACHINES_SHOWN 4

static const char *const fault_names[FAULT_COUNT] = {
    [FAULT_NOT_SENT] = "not sent", [FAULT_LOST_REQUEST] = "request lost", [FAULT_LOST_ANSWER] = "answer lost",
    [FAULT_LATE_REQUEST] = "request late", [FAULT_SLOW_STORE] = "store slow", [FAULT_STORE_AWAY] = "store away",
    [FAULT_CRASH] = "crash", [FAULT_CRASH_BEFORE] = "crash before commit", [FAULT_CRASH_AFTER] = "crash after commit",
    [FAULT_PAUSE] = "daemon held up", [FAULT_STOP] = "daemon stopped", [FAULT_ALL_DOWN] = "all daemons down",
    [FAULT_CONFIG_MISSING] = "revision fetched", [FAULT_CALL_UNDELIVERED] = "bank not reached",
    [FAULT_CALL_UNANSWERED] = "bank's answer lost", [FAULT_CALL_REPEATED] = "bank called twice",
    [FAULT_CALL_LATE] = "bank called late", [FAULT_CALL_GARBAGE] = "bank's answer garbled",
    [FAULT_CALLBACK_EARLY] = "callback early", [FAULT_CALLBACK_TWICE] = "callback twice",
    [FAULT_CALLBACK_LATE] = "callback late", [FAULT_CALL_TWICE] = "call made twice", [FAULT_STEP] = "step failed",
    [FAULT_CONFLICT] = "commit refused",
};
_Static_assert(SL_COUNT(fault_names) == FAULT_COUNT, "a name for each fault");

static const char *const break_names[BREAK_COUNT] = {
    [BREAK_NONE] = "none", [BREAK_LOSE_COMMIT] = "lose-commit", [BREAK_HALF_COMMIT] = "half-commit",
    [BREAK_NO_FENCE] = "no-fence", [BREAK_FORGET_TIMER] = "forget-timer", [BREAK_CLAIM_REMOVES] = "claim-removes",
    [BREAK_EARLY_TIMER] = "early-timer", [BREAK_LATE_TIMER] = "late-timer", [BREAK_STALE_SNAPSHOT] = "stale-snapshot",
    [BREAK_EVENT_TWICE] = "event-twice", [BREAK_FEED_SKIPS] = "feed-skips", [BREAK_FEED_TWICE] = "feed-twice",
    [BREAK_LEAVE_HOLD] = "leave-hold", [BREAK_DOUBLE_CHARGE] = "double-charge", [BREAK_DOUBLE_REFUND] = "double-refund",
    [BREAK_FRESH_KEY] = "fresh-key",
    [BREAK_UNDO_CHARGE] = "undo-charge", [BREAK_FALSE_ANSWER] = "false-answer", [BREAK_FALSE_REFUSAL] = "false-refusal",
    [BREAK_STALE_READ] = "stale-read", [BREAK_STALE_TEMPLATE] = "stale-template", [BREAK_CARD_FORGETS] = "card-forgets",
    [BREAK_CARD_MIXES] = "card-mixes", [BREAK_COUNT_TWICE] = "count-twice",
    [BREAK_LOSE_COUNT] = "lose-count", [BREAK_REAL_REHEARSAL] = "real-rehearsal", [BREAK_FORGET_KEY] = "forget-key", [BREAK_SHARED_KEYS] = "shared-keys",
    [BREAK_BLIND_KEYS] = "blind-keys", [BREAK_FORGET_ASKED] = "forget-asked",
    [BREAK_REFUND_INVERTS] = "refund-inverts",
};

const char *break_name(int kind)
{
    return break_names[kind];
}

/* ---- reports ---- */

static void report_faults(const uint64_t *counts)
{
    size_t i;

    for (i = 0; i < FAULT_COUNT; i++) {
        if (counts[i])
            printf("  %-24s %" PRIu64 "\n", fault_names[i], counts[i]);
    }
}

static void report_world(struct sim *sim, uint64_t digest)
{
    struct buf text = BUF_EMPTY;
    size_t i;

    printf("seed %" PRIu64 ": %zu payments on %zu machines, %zu daemons, %d partitions, lease %" PRId64 " ms, %s, %" PRId64
           " virtual s; digest %016" PRIx64 "%s\n", sim->options.seed, traffic_started(sim->traffic),
           (size_t)HASH_COUNT(sim->memory->machines), sim->daemon_count, sim->memory->partition_count, sim->lease_ms,
           sim->weather.name, (sim->now_us - sim->began_us) / 1000000, digest, sim->violations ? "  FAILED" : "");
    if (sim->options.machine)
        print_machine(sim, sim->options.machine, &text);
    if (sim->violations) {
        printf("%s", buf_text(&sim->history));
        if (sim->violations > VIOLATIONS_SHOWN)
            printf("  and %" PRIu64 " more\n", sim->violations - VIOLATIONS_SHOWN);
        for (i = 0; i < sim->bad_count && i < MACHINES_SHOWN; i++)
            print_machine(sim, sim->bad[i], &text);
    }
    fputs(buf_text(&text), stdout);
    buf_clear(&text);
    fflush(stdout);
}

/* ---- the program ---- */

struct totals {
    uint64_t payments, machines, violations, failed_worlds, store_ops, bank_calls, steps, untold, repairs;
    uint64_t late_max_ms, counts[FAULT_COUNT];
    uint64_t deeds[DEED_COUNT][VERDICT_COUNT];
};

static void totals_add(struct totals *totals, const struct sim *sim)
{
    size_t i, verdict;

    totals->payments += traffic_started(sim->traffic);
    totals->machines += HASH_COUNT(sim->memory->machines);
    totals->violations += sim->violations;
    totals->failed_worlds += sim->violations > 0;
    totals->store_ops += sim->store_ops;
    totals->bank_calls += sim->bank_calls;
    totals->steps += sim->steps;
    totals->untold += sim->untold;
    totals->repairs += sim->repairs;
    for (i = 0; i < FAULT_COUNT; i++)
        totals->counts[i] += sim->counts[i];
    for (i = 0; i < DEED_COUNT; i++) {
        for (verdict = 0; verdict < VERDICT_COUNT; verdict++)
            totals->deeds[i][verdict] += sim->deeds[i][verdict];
    }
}

static int64_t seconds_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now); /* for the rate alone: no world sees it */
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void usage(void)
{
    fputs("usage: sluice-sim [--seed N] [--payments M] [--seeds K] [--break KIND] [--machine ID] [--quiet] [--verbose]\n"
          "                  [--log] [--domain FILE] [--whole] [--deeds]\n"
          "--seed N: the first seed; --seeds K: so many worlds, each with the next seed and M payments.\n"
          "--whole: what may be asked must have been done at least once; --deeds: what that is.\n", stderr);
    exit(2);
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);

    if (!*text || *end)
        usage();
    return value;
}

static int broken_kind(const char *name)
{
    int i;

    for (i = 0; i < BREAK_COUNT; i++) {
        if (strcmp(break_names[i], name) == 0)
            return i;
    }
    fprintf(stderr, "sim: there is no --break %s; there are", name);
    for (i = 1; i < BREAK_COUNT; i++)
        fprintf(stderr, " %s", break_names[i]);
    fputc('\n', stderr);
    exit(2);
}

struct wish {
    struct sim_options options;
    uint64_t seeds;
    bool quiet, log, whole;
};

static void parse(int argc, char **argv, struct wish *wish)
{
    static const struct option options[] = {
        { "seed", required_argument, NULL, 's' },    { "payments", required_argument, NULL, 'p' },
        { "seeds", required_argument, NULL, 'k' },   { "break", required_argument, NULL, 'b' },
        { "machine", required_argument, NULL, 'm' }, { "domain", required_argument, NULL, 'd' },
        { "verbose", no_argument, NULL, 'v' },       { "quiet", no_argument, NULL, 'q' },
        { "log", no_argument, NULL, 'l' },           { "whole", no_argument, NULL, 'w' },
        { "deeds", no_argument, NULL, 'D' },         { NULL, 0, NULL, 0 },
    };
    int option;

    *wish = (struct wish){ { .seed = 1, .payments = 1000, .domain = EXAMPLES_DIR "/domain.json" }, .seeds = 1 };
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 's': wish->options.seed = number(optarg); break;
        case 'p': wish->options.payments = (size_t)number(optarg); break;
        case 'k': wish->seeds = number(optarg); break;
        case 'b': wish->options.broken = broken_kind(optarg); break;
        case 'm': wish->options.machine = optarg; break;
        case 'd': wish->options.domain = optarg; break;
        case 'v': wish->options.verbose = true; break;
        case 'q': wish->quiet = true; break;
        case 'l': wish->log = true; break;
        case 'w': wish->whole = true; break;
        case 'D': deeds_list(); exit(0);
        default: usage();
        }
    }
    if (optind < argc)
        usage();
}

int main(int argc, char **argv)
{
    struct totals totals = { 0 };
    struct wish wish;
    int64_t began_us;
    uint64_t i, digest, all = 0;
    bool whole;
    struct sim *sim = xcalloc(1, sizeof(*sim));

    xmalloc_init();
    parse(argc, argv, &wish);
    if (!wish.log)
        log_set_level(LOG_LEVEL_OFF); /* what daemons say of faults is no news here */
    began_us = seconds_us();
    for (i = 0; i < wish.seeds; i++) {
        world_open(sim, &wish.options);
        world_run(sim);
        digest = check_digest(sim);
        all = mix(all, digest);
        if (!wish.quiet || sim->violations)
            report_world(sim, digest);
        totals_add(&totals, sim);
        world_close(sim);
        wish.options.seed++;
    }
    printf("%" PRIu64 " worlds, %" PRIu64 " payments on %" PRIu64 " machines, %" PRIu64 " store requests, %" PRIu64
           " bank calls, %" PRIu64 " steps, %" PRIu64 " repairs, %" PRIu64 " charges whose callbacks were never answered\n", wish.seeds,
           totals.payments, totals.machines, totals.store_ops, totals.bank_calls, totals.steps, totals.repairs,
           totals.untold);
    report_faults(totals.counts);
    whole = deeds_report(totals.deeds);
    printf("digest %016" PRIx64 "\n%" PRIu64 " violations in %" PRIu64 " worlds\n", all, totals.violations,
           totals.failed_worlds);
    fprintf(stderr, "%.0f payments/s\n", (double)totals.payments * 1e6 / (double)(seconds_us() - began_us + 1));
    free(sim);
    if (wish.whole && !whole) {
        printf("something was never done\n");
        return 1;
    }
    return totals.violations ? 1 : 0;
}

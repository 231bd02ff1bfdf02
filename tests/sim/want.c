/* One thing that a caller wants, over all its attempts. Whoever gets no answer, or the answer that nothing was done,
 * asks again under the same id. What each was told is written down, for check.c to compare with the histories. */
#include "sim/traffic.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

#define TRIES_MAX 25

/* ---- plans ---- */

/* What a shopper is about to do. */
struct plan {
    struct shopper *shopper;
    void (*fn)(struct shopper *shopper);
};

static void plan_run(void *arg)
{
    struct plan plan = *(struct plan *)arg;

    free(arg);
    plan.shopper->outstanding--;
    plan.fn(plan.shopper);
}

void plan_after(struct shopper *shopper, int64_t delay_us, void (*fn)(struct shopper *shopper))
{
    struct plan *plan = xmalloc(sizeof(*plan));

    *plan = (struct plan){ shopper, fn };
    shopper->outstanding++;
    clock_after(shopper->sim, delay_us, 0, plan_run, plan);
}

/* ---- calls ---- */

struct attempt {
    struct want *want;
    struct daemon *daemon;
    uint64_t life;
};

struct want *want_new(struct shopper *shopper, int kind, const char *what)
{
    struct want *want = xcalloc(1, sizeof(*want));

    want->shopper = shopper;
    want->sim = shopper->sim;
    want->arena = arena_new();
    want->kind = kind;
    want->id = shopper->id;
    want->how = WANT_CALL;
    snprintf(want->what, sizeof(want->what), "%s", what);
    shopper->outstanding++;
    return want;
}

void want_release(struct want *want)
{
    if (!want->ended || want->out > 0)
        return;
    arena_free(want->arena);
    free(want);
}

static void tell(struct want *want, int verdict, int64_t version)
{
    struct traffic *traffic = want->sim->traffic;
    struct told *told;

    if (want->how == WANT_REPAIR || want->kind < 0)
        return;
    if (traffic->told_count == traffic->told_cap) {
        traffic->told_cap = traffic->told_cap ? 2 * traffic->told_cap : 1024;
        traffic->told = xrealloc(traffic->told, traffic->told_cap * sizeof(*traffic->told));
    }
    told = &traffic->told[traffic->told_count++];
    memset(told, 0, sizeof(*told));
    snprintf(told->invoice, sizeof(told->invoice), "%s", want->id);
    snprintf(told->what, sizeof(told->what), "%s", want->what);
    told->kind = want->kind;
    told->verdict = verdict;
    told->version = version;
}

static int verdict_of(struct want *want, const struct attempt *attempt, const struct runtime_result *result)
{
    int verdict = VERDICT_NOT_DONE;

    if (attempt->daemon->life != attempt->life)
        return VERDICT_UNKNOWN; /* it is dying: its connection just breaks */
    if (result->err == SL_OK)
        verdict = result->refused ? VERDICT_REFUSED : VERDICT_DONE;
    else if (result->err == SL_EUNKNOWN)
        verdict = VERDICT_UNKNOWN;
    else if (result->err == SL_EEXIST && want->how == WANT_CREATE)
        verdict = VERDICT_DONE;
    else if (result->err == SL_EINVAL || result->err == SL_ECORRUPT)
        sim_violation(want->sim, want->id, "a call was answered %s: %s", sl_err_name(result->err), result->detail);
    if (verdict == VERDICT_REFUSED && sim_broken(want->sim, BREAK_FALSE_ANSWER, 100000))
        verdict = VERDICT_DONE;
    if (verdict == VERDICT_DONE && sim_broken(want->sim, BREAK_FALSE_REFUSAL, 5000))
        verdict = VERDICT_REFUSED;
    return verdict;
}

void want_end(struct want *want, int verdict)
{
    want->ended = true;
    if (want->shopper)
        want->shopper->outstanding--;
    if (want->then)
        want->then(want, verdict);
}

/* A marked want has a mark for each attempt; a repeat is another want. */
static bool want_again(const struct want *want, int verdict)
{
    return (verdict == VERDICT_NOT_DONE || verdict == VERDICT_UNKNOWN) && want->kind != ASKED_MARKED &&
           want->kind >= 0 && want->tries < TRIES_MAX;
}

static void want_retry(void *arg)
{
    struct want *want = arg;

    want->out--;
    if (!want->ended)
        want_try(want);
    want_release(want);
}

static void read_done(void *arg, const struct runtime_result *result)
{
    struct attempt *attempt = arg;
    struct want *want = attempt->want;
    struct shopper *shopper = want->shopper;

    if (result->err == SL_OK && result->version < want->tries)
        sim_violation(shopper->sim, shopper->id, "a read shows version %" PRId64 ", though an answer before spoke of %d",
                      result->version, want->tries);
    else if (result->err == SL_ENOENT || result->err == SL_ECORRUPT)
        sim_violation(shopper->sim, shopper->id, "a read was answered %s: %s", sl_err_name(result->err), result->detail);
    shopper->outstanding--;
    arena_free(want->arena);
    free(want);
    free(attempt);
}

/* Reads the machine at some daemon: what was answered once must be seen by everybody afterwards. */
static void read_back(struct shopper *shopper, int64_t version)
{
    struct daemon *daemon = daemon_any(shopper->sim);
    struct attempt *attempt;
    struct want *want;

    if (!daemon)
        return;
    want = want_new(shopper, -1, "");
    want->tries = (int)version;
    attempt = xcalloc(1, sizeof(*attempt));
    *attempt = (struct attempt){ want, daemon, daemon->life };
    runtime_read(daemon->runtime, &shopper->sim->kind, shopper->id, 0, read_done, attempt);
}

static void attempt_done(void *arg, const struct runtime_result *result)
{
    struct attempt *attempt = arg;
    struct want *want = attempt->want;
    struct sim *sim = want->sim;
    int verdict = verdict_of(want, attempt, result);

    free(attempt);
    want->out--;
    tell(want, verdict, result->version);
    if (verdict == VERDICT_DONE && want->shopper && rng_below(&sim->choices, 10) == 0)
        read_back(want->shopper, result->version);
    if (want->ended) {
        want_release(want);
    } else if (want_again(want, verdict)) {
        want->out++;
        clock_after(sim, rng_between(&sim->choices, 20000, 3000000), 0, want_retry, want);
    } else {
        want_end(want, verdict);
        want_release(want);
    }
}

void want_try_at(struct want *want, struct daemon *daemon)
{
    struct attempt *attempt = xcalloc(1, sizeof(*attempt));
    int64_t deadline_ms = rng_below(&want->sim->choices, 20) == 0 ? 50 : 30000;

    *attempt = (struct attempt){ want, daemon, daemon->life };
    want->out++;
    if (want->how == WANT_CREATE)
        runtime_start(daemon->runtime, &want->sim->kind, want->id, &want->params, deadline_ms, attempt_done, attempt);
    else if (want->how == WANT_REPAIR)
        runtime_repair(daemon->runtime, &want->sim->kind, want->id, want->call.kind ? &want->call : NULL, deadline_ms,
                       attempt_done, attempt);
    else
        runtime_call(daemon->runtime, &want->sim->kind, want->id, &want->call, deadline_ms, attempt_done, attempt);
}

void want_try(struct want *want)
{
    struct sim *sim = want->sim;
    struct daemon *daemon = daemon_any(sim), *other;

    if (!daemon) { /* nobody is there: as if the connection were refused */
        want->out++;
        clock_after(sim, rng_between(&sim->choices, 100000, 2000000), 0, want_retry, want);
        return;
    }
    want->tries++;
    want_try_at(want, daemon);
    other = daemon_any(sim);
    if (other != daemon && want->kind >= 0 && want->kind != ASKED_MARKED && !sim->settling && rng_below(&sim->choices, 25) == 0) {
        sim_count(sim, FAULT_CALL_TWICE);
        want_try_at(want, other);
    }
}

struct want *want_marked(struct shopper *shopper, int call)
{
    char marker[MARKER_BYTES];
    struct want *want;

    snprintf(marker, sizeof(marker), "mark-%" PRIu64 ";", ++shopper->sim->traffic->markers);
    want = want_new(shopper, ASKED_MARKED, marker);
    want->call.kind = call;
    return want;
}

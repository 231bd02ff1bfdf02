/* The operator, who repairs what was parked: looks at its state, asks the bank what became of a session, perhaps rehearses
 * what he is about to do, and does it under a key until he knows that it is done. Now and then he repairs what works,
 * or tries what cannot be: both must be refused. What his repairs consist of: repairs.c.                       */
#include "sim/repairs.h"

#include <stdlib.h>

#include "base/xmalloc.h"
#include "payment/kind.h"
#include "sim/memory.h"

#define REPAIRS_MAX 40 /* of one machine, before it counts as lost */
#define UNKNOWN_US 60000000 /* what nobody knows may still be done for so long */

static void repairing_over(struct shopper *shopper)
{
    shopper->repairing = false;
}

static void repaired_then(struct want *want, int verdict)
{
    if (verdict == VERDICT_UNKNOWN)
        plan_after(want->shopper, UNKNOWN_US, repairing_over);
    else
        want->shopper->repairing = false;
}

/* What must be refused is done when it was. */
static void refused_then(struct want *want, int verdict)
{
    if (verdict == VERDICT_REFUSED || verdict == VERDICT_NOT_DONE)
        deed_count(want->sim, want->deed, VERDICT_DONE);
    repaired_then(want, verdict);
}

static struct want *repair_want(struct shopper *shopper, enum deed deed)
{
    struct want *want = want_marked(shopper, deed, 0, NULL);

    want->how = WANT_REPAIR;
    want->then = deed == DEED_REPAIR_MISFIT || deed == DEED_REPAIR_IDLE ? refused_then : repaired_then;
    return want;
}

/* ---- rehearsals ---- */

struct rehearsal {
    struct want *want; /* owned: what would be asked */
    bool step;
};

static void rehearsed(void *arg, const struct runtime_rehearsal *result)
{
    struct rehearsal *rehearsal = arg;
    struct want *want = rehearsal->want;
    bool fine = result->err == SL_OK && result->out->end != STEP_REFUSED;

    want_told(want, VERDICT_REFUSED, 0); /* nothing of it may ever be seen */
    deed_count(want->sim, rehearsal->step ? DEED_REHEARSE_STEP : DEED_REHEARSE,
               fine ? VERDICT_DONE : result->err ? VERDICT_NOT_DONE : VERDICT_REFUSED);
    if (result->err == SL_OK && result->info->version != result->version)
        sim_violation(want->sim, want->id, "a rehearsal speaks of version %lld, and of %lld", (long long)result->version,
                      (long long)result->info->version);
    free(rehearsal);
    want_end(want, VERDICT_REFUSED);
    want_release(want);
}

/* WANT is only rehearsed, and gone afterwards. */
static void rehearse(struct want *want, bool step)
{
    struct daemon *daemon = daemon_any(want->sim);
    struct rehearsal *rehearsal;

    want->then = NULL;
    if (!daemon) {
        want_end(want, VERDICT_NOT_DONE);
        want_release(want);
        return;
    }
    if (want->sim->options.broken == BREAK_REAL_REHEARSAL) {
        want_told(want, VERDICT_REFUSED, 0);
        want->needle = NULL;
        want_try(want);
        return;
    }
    rehearsal = xmalloc(sizeof(*rehearsal));
    *rehearsal = (struct rehearsal){ want, step };
    runtime_rehearse(daemon->runtime, &invoice_kind, want->id, step ? IN_TIMEOUT : IN_REPAIR, step ? NULL : want->args, NULL,
                     rehearsed, rehearsal);
}

/* ---- repairs ---- */

struct visit {
    struct shopper *shopper;
    struct daemon *daemon;
    uint64_t life;
};

static void repair_again(struct shopper *shopper)
{
    struct want *want = repair_want(shopper, DEED_REPAIR_AGAIN);

    want->needle = NULL;
    want->args = NULL;
    if (rng_below(&shopper->sim->choices, 4))
        want_key(want);
    want_try(want);
}

/* Something that fits, rehearsed first now and then; or something that cannot be. */
static void repair_properly(struct shopper *shopper, const struct invoice_state *state)
{
    struct sim *sim = shopper->sim;
    struct repair_plan plan = { .shopper = shopper, .state = state };
    struct want *want;
    bool misfit = rng_below(&sim->choices, 6) == 0;

    if (misfit ? !repair_misfit(&plan) : !repair_plan(&plan)) {
        repair_again(shopper);
        return;
    }
    want = repair_want(shopper, plan.deed);
    repair_fill(&plan, want);
    if (rng_below(&sim->choices, 3) == 0) {
        struct want *twin = repair_want(shopper, plan.deed);

        repair_fill(&plan, twin);
        rehearse(twin, rng_below(&sim->choices, 4) == 0);
    }
    want_key(want);
    want_try(want);
}

static void visit_read(void *arg, const struct runtime_result *result)
{
    struct visit visit = *(struct visit *)arg;
    struct shopper *shopper = visit.shopper;

    free(arg);
    shopper->outstanding--;
    if (visit.daemon->life != visit.life || result->err || rng_below(&shopper->sim->choices, 5) < 2)
        repair_again(shopper);
    else
        repair_properly(shopper, result->state);
}

static void operator_repair(struct sim *sim, struct mem_machine *machine)
{
    struct daemon *daemon = daemon_any(sim);
    struct shopper *shopper;
    struct visit *visit;

    HASH_FIND_STR(sim->traffic->shoppers, machine->id, shopper);
    if (!shopper || shopper->repairing || !daemon)
        return;
    if (++shopper->repairs == REPAIRS_MAX)
        sim_violation(sim, shopper->id, "repaired %d times in vain: %s", shopper->repairs, machine->reason);
    if (shopper->repairs >= REPAIRS_MAX)
        return;
    sim->repairs++;
    shopper->repairing = true;
    shopper->outstanding++;
    visit = xmalloc(sizeof(*visit));
    *visit = (struct visit){ shopper, daemon, daemon->life };
    runtime_read(daemon->runtime, &sim->kind, shopper->id, 0, visit_read, visit);
}

/* Whoever repairs what works is told so. */
static void operator_errs(struct sim *sim, struct mem_machine *machine)
{
    struct repair_plan plan = { .deed = DEED_REPAIR_IDLE };
    struct want *want;

    HASH_FIND_STR(sim->traffic->shoppers, machine->id, plan.shopper);
    if (!plan.shopper || plan.shopper->repairing || machine->count == 0)
        return;
    plan.shopper->repairing = true;
    want = repair_want(plan.shopper, plan.deed);
    repair_fill_early(&plan, want);
    want_try(want);
}

void operator_look(void *arg)
{
    struct sim *sim = arg;
    struct mem_machine *machine, *next;

    clock_after(sim, rng_between(&sim->choices, 2000000, 6000000), 0, operator_look, sim);
    if (sim->memory->failed_count == 0)
        return;
    HASH_ITER(hh, sim->memory->machines, machine, next) {
        if (machine->failed_ms && rng_below(&sim->choices, 2))
            operator_repair(sim, machine);
        else if (!machine->failed_ms && machine->score_ms && rng_below(&sim->choices, 200) == 0)
            operator_errs(sim, machine);
    }
}

/* The operator, who repairs what was parked. */
#include "sim/memory.h"
#include "sim/traffic.h"

#define REPAIRS_MAX 40 /* of one machine, before it counts as lost */

static void repaired_then(struct want *want, int verdict)
{
    (void)verdict;
    want->shopper->repairing = false;
}

static void operator_repair(struct sim *sim, struct mem_machine *machine)
{
    struct shopper *shopper;
    struct want *want;

    HASH_FIND_STR(sim->traffic->shoppers, machine->id, shopper);
    if (!shopper || shopper->repairing)
        return;
    if (++shopper->repairs == REPAIRS_MAX)
        sim_violation(sim, shopper->id, "repaired %d times in vain: %s", shopper->repairs, machine->reason);
    if (shopper->repairs >= REPAIRS_MAX)
        return;
    sim->repairs++;
    shopper->repairing = true;
    want = want_new(shopper, DEED_REPAIR_AGAIN);
    want->how = WANT_REPAIR;
    want->then = repaired_then;
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
    }
}

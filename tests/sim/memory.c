/* See memory.h. The order of looks and writes is that of the scripts. */
#include "sim/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

#define LATE_MAX_MS 20 /* of a timer while nothing is wrong */

/* ---- texts ---- */

struct text *text_new(const char *data, size_t len)
{
    struct text *text = xmalloc(sizeof(*text) + len + 1);

    text->refs = 1;
    text->len = len;
    memcpy(text->data, data, len);
    text->data[len] = '\0';
    return text;
}

struct text *text_ref(struct text *text)
{
    if (text)
        text->refs++;
    return text;
}

void text_unref(struct text *text)
{
    if (text && --text->refs == 0)
        free(text);
}

/* ---- life ---- */

struct memory *memory_new(struct sim *sim, int partitions)
{
    struct memory *memory = xcalloc(1, sizeof(*memory));

    memory->sim = sim;
    memory->partition_count = partitions;
    memory->partitions = xcalloc((size_t)partitions, sizeof(*memory->partitions));
    return memory;
}

static void machine_free(struct mem_machine *machine)
{
    while (machine->count > 0)
        free(machine->events[--machine->count].changes);
    free(machine->events);
    text_unref(machine->snapshot);
    free(machine->asked);
    free(machine->member);
    free(machine);
}

void memory_free(struct memory *memory)
{
    struct mem_currency *currency, *next_currency;
    struct mem_machine *machine, *next_machine;
    struct mem_balance *balance, *next_balance;
    struct mem_tag *tag, *next_tag;
    struct mem_once *once, *next_once;
    int p;

    HASH_ITER(hh, memory->machines, machine, next_machine) {
        HASH_DEL(memory->machines, machine);
        machine_free(machine);
    }
    for (p = 0; p < memory->partition_count; p++) {
        HASH_ITER(hh, memory->partitions[p].currencies, currency, next_currency) {
            HASH_DEL(memory->partitions[p].currencies, currency);
            free(currency);
        }
        HASH_ITER(hh, memory->partitions[p].balances, balance, next_balance) {
            HASH_DEL(memory->partitions[p].balances, balance);
            free(balance);
        }
        free(memory->partitions[p].wheel);
        free(memory->partitions[p].feed);
    }
    HASH_ITER(hh, memory->tags, tag, next_tag) {
        HASH_DEL(memory->tags, tag);
        free(tag->member);
        free(tag);
    }
    HASH_ITER(hh, memory->onces, once, next_once) {
        HASH_DEL(memory->onces, once);
        free(once->value);
        free(once);
    }
    free(memory->partitions);
    free(memory);
}

int64_t memory_now_ms(const struct memory *memory)
{
    return memory->sim->now_us / 1000;
}

int64_t memory_told_ms(const struct memory *memory)
{
    return memory_now_ms(memory) + (memory->sim->options.broken == BREAK_EARLY_TIMER ? 40 : 0);
}

struct mem_machine *memory_find(struct memory *memory, const char *member)
{
    struct mem_machine *machine;

    HASH_FIND_STR(memory->machines, member, machine);
    return machine;
}

struct mem_machine *memory_get(struct memory *memory, const char *member)
{
    struct mem_machine *machine = memory_find(memory, member);

    if (machine)
        return machine;
    machine = xcalloc(1, sizeof(*machine));
    machine->member = xstrdup(member);
    machine->id = strchr(machine->member, ':') + 1;
    machine->p = space_partition(memory->sim->space, machine->id);
    HASH_ADD_KEYPTR(hh, memory->machines, machine->member, strlen(machine->member), machine);
    return machine;
}

/* ---- the wheel: a heap that knows where each machine is ---- */

static bool sooner(const struct mem_machine *a, const struct mem_machine *b)
{
    return a->score_ms != b->score_ms ? a->score_ms < b->score_ms : strcmp(a->member, b->member) < 0;
}

static void wheel_put(struct mem_partition *part, size_t i, struct mem_machine *machine)
{
    part->wheel[i] = machine;
    machine->heap_at = i;
}

/* Finds the place of MACHINE, which may stand anywhere from I on. */
static void wheel_sift(struct mem_partition *part, size_t i, struct mem_machine *machine)
{
    size_t child;

    for (; i > 1 && sooner(machine, part->wheel[i / 2]); i /= 2)
        wheel_put(part, i, part->wheel[i / 2]);
    while ((child = 2 * i) <= part->wheel_count) {
        if (child < part->wheel_count && sooner(part->wheel[child + 1], part->wheel[child]))
            child++;
        if (!sooner(part->wheel[child], machine))
            break;
        wheel_put(part, i, part->wheel[child]);
        i = child;
    }
    wheel_put(part, i, machine);
}

void memory_drop(struct memory *memory, struct mem_machine *machine)
{
    struct mem_partition *part = &memory->partitions[machine->p];
    size_t i = machine->heap_at;
    struct mem_machine *last;

    machine->score_ms = 0;
    machine->heap_at = 0;
    if (i == 0)
        return;
    last = part->wheel[part->wheel_count--];
    if (last != machine)
        wheel_sift(part, i, last);
}

void memory_put(struct memory *memory, struct mem_machine *machine, int64_t score_ms)
{
    struct mem_partition *part = &memory->partitions[machine->p];

    machine->score_ms = score_ms;
    machine->scored_ms = memory_now_ms(memory);
    if (machine->heap_at) {
        wheel_sift(part, machine->heap_at, machine);
        return;
    }
    if (part->wheel_count + 2 > part->wheel_cap) {
        part->wheel_cap = part->wheel_cap ? 2 * part->wheel_cap : 64;
        part->wheel = xrealloc(part->wheel, part->wheel_cap * sizeof(struct mem_machine *));
    }
    wheel_sift(part, ++part->wheel_count, machine);
}

/* ---- the others ---- */

enum sl_err memory_fail(struct memory *memory, const char *member, const struct step_failure *failure, int64_t *score)
{
    struct mem_machine *machine = memory_get(memory, member);
    int64_t now = memory_now_ms(memory);

    *score = machine->score_ms;
    if ((int64_t)machine->count != failure->expect_version || !machine->status ||
        strcmp(machine->status, "failed") == 0 || strcmp(machine->status, "removed") == 0 ||
        (failure->expect_token_ms > 0 && machine->score_ms != failure->expect_token_ms))
        return SL_ECONFLICT;
    if (failure->asked_ends) {
        free(machine->asked);
        machine->asked = NULL;
    }
    machine->status = failure->retry_ms > 0 ? "retrying" : "failed";
    machine->attempts = failure->attempts;
    if (!machine->since_ms)
        machine->since_ms = now;
    snprintf(machine->reason, sizeof(machine->reason), "%s", failure->reason);
    machine->cause = step_cause_name(failure->cause);
    if (failure->retry_ms > 0) {
        *score = now + failure->retry_ms;
        memory_put(memory, machine, *score);
    } else {
        *score = 0;
        memory_drop(memory, machine);
        machine->failed_ms = now;
        memory->failed_count++;
    }
    return SL_OK;
}

enum sl_err memory_extend(struct memory *memory, const char *member, int64_t token_ms, int64_t lease_ms, int64_t *score)
{
    struct mem_machine *machine = memory_get(memory, member);

    *score = machine->score_ms;
    if (machine->score_ms != token_ms)
        return SL_ECONFLICT;
    *score = memory_now_ms(memory) + lease_ms;
    memory_put(memory, machine, *score);
    return SL_OK;
}

enum sl_err memory_bind(struct memory *memory, const char *tag, const char *member)
{
    struct mem_tag *bound;

    HASH_FIND_STR(memory->tags, tag, bound);
    if (bound)
        return strcmp(bound->member, member) == 0 ? SL_OK : SL_EREFUSED;
    bound = xmalloc(sizeof(*bound) + strlen(tag) + 1);
    strcpy(bound->tag, tag);
    bound->member = xstrdup(member);
    HASH_ADD_STR(memory->tags, tag, bound);
    return SL_OK;
}

const char *memory_resolve(struct memory *memory, const char *tag)
{
    struct mem_tag *bound;

    HASH_FIND_STR(memory->tags, tag, bound);
    return bound ? bound->member : NULL;
}

/* A timer may be late because the store or its daemon was away; else it must not be. */
static void lateness_check(struct memory *memory, const struct mem_machine *machine)
{
    struct sim *sim = memory->sim;
    int64_t due_ms = machine->score_ms > machine->scored_ms ? machine->score_ms : machine->scored_ms;
    int64_t late_ms = memory_now_ms(memory) - due_ms;

    sim->claims++;
    sim->late_sum_ms += (uint64_t)late_ms;
    if ((uint64_t)late_ms > sim->late_max_ms)
        sim->late_max_ms = (uint64_t)late_ms;
    /* What may pass before somebody else looks: a lease, a daemon's silence, a poll. */
    if (late_ms > LATE_MAX_MS && due_ms * 1000 > sim->disturbed_us + (sim->lease_ms + 6000) * 1000)
        sim_violation(sim, machine->id, "its timer of %" PRId64 " was claimed %" PRId64 " ms late, and nothing was wrong",
                      machine->score_ms, late_ms);
}

size_t memory_claim(struct memory *memory, int p, size_t limit, int64_t lease_ms, struct mem_machine **taken,
                    int64_t *scores, int64_t *next_ms, int64_t *token_ms)
{
    struct mem_partition *part = &memory->partitions[p];
    int64_t now = memory_now_ms(memory);
    size_t count = 0;

    *token_ms = now + lease_ms;
    *next_ms = 0;
    if (sim_broken(memory->sim, BREAK_LATE_TIMER, 20000))
        return 0;
    while (count < limit && part->wheel_count > 0 && part->wheel[1]->score_ms <= now) {
        struct mem_machine *machine = part->wheel[1];

        taken[count] = machine;
        lateness_check(memory, machine);
        scores[count++] = machine->score_ms;
        memory_put(memory, machine, *token_ms);
        if (sim_broken(memory->sim, BREAK_CLAIM_REMOVES, 50000))
            memory_drop(memory, machine);
    }
    *next_ms = part->wheel_count > 0 ? part->wheel[1]->score_ms : 0;
    return count;
}

void memory_heartbeat(struct memory *memory, const char *name, int64_t silent_ms, bool leaving)
{
    int64_t now = memory_now_ms(memory);
    size_t i, kept = 0;

    for (i = 0; i < memory->daemon_count; i++) {
        struct mem_daemon *daemon = &memory->daemons[i];

        if (strcmp(daemon->name, name) != 0 && daemon->seen_ms >= now - silent_ms)
            memory->daemons[kept++] = *daemon;
    }
    memory->daemon_count = kept;
    if (leaving)
        return;
    for (i = memory->daemon_count++; i > 0 && strcmp(memory->daemons[i - 1].name, name) > 0; i--)
        memory->daemons[i] = memory->daemons[i - 1];
    snprintf(memory->daemons[i].name, sizeof(memory->daemons[i].name), "%s", name);
    memory->daemons[i].seen_ms = now;
}

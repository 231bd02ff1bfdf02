/* What callers were told, against the histories. */
#include "sim/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/xmalloc.h"
#include "sim/memory.h"

struct group {
    UT_hash_handle hh;
    const struct told *first;
    bool done, unknown;
    int64_t version; /* of the first answer that it was done */
    char key[];      /* member, blank, needle */
};

/* How often the first UP_TO events have TEXT. */
static int history_has(const struct mem_machine *machine, const char *text, int64_t up_to)
{
    const char *at;
    int count = 0;
    size_t i;

    for (i = 0; machine && i < machine->count && (int64_t)i < up_to; i++) {
        for (at = strstr(machine->events[i].changes, text); at; at = strstr(at + 1, text))
            count++;
    }
    return count;
}

static void check_group(struct checking *checking, const struct group *group)
{
    struct sim *sim = checking->sim;
    const struct told *told = group->first;
    struct mem_machine *machine = memory_find(sim->memory, told->member);
    const char *id = strchr(told->member, ':') + 1;
    int times = history_has(machine, told->needle, INT64_MAX);

    if (group->done && history_has(machine, told->needle, group->version) == 0)
        sim_violation(sim, id, "%s was answered as done in version %" PRId64 ", and is not in the history", told->needle,
                      group->version);
    else if (!group->done && !group->unknown && times > 0)
        sim_violation(sim, id, "%s was answered as not done, and is in the history", told->needle);
    if (times > 1 && !told->many)
        sim_violation(sim, id, "%s was asked for once, and is in the history %d times", told->needle, times);
}

static struct group *group_of(struct group **groups, const struct told *told)
{
    size_t size = strlen(told->member) + strlen(told->needle) + 2;
    struct group *group = xcalloc(1, sizeof(*group) + size), *known;

    snprintf(group->key, size, "%s %s", told->member, told->needle);
    HASH_FIND_STR(*groups, group->key, known);
    if (known) {
        free(group);
        return known;
    }
    group->first = told;
    HASH_ADD_STR(*groups, key, group);
    return group;
}

void check_told(struct checking *checking)
{
    const struct told *told;
    size_t i, count = traffic_told(checking->sim->traffic, &told);
    struct group *groups = NULL, *group, *next;

    for (i = 0; i < count; i++) {
        group = group_of(&groups, &told[i]);
        if (told[i].verdict == VERDICT_DONE && !group->done)
            group->version = told[i].version;
        group->done |= told[i].verdict == VERDICT_DONE;
        group->unknown |= told[i].verdict == VERDICT_UNKNOWN;
    }
    HASH_ITER(hh, groups, group, next) {
        check_group(checking, group);
        HASH_DEL(groups, group);
        free(group);
    }
}

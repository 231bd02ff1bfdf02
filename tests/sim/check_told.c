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
    char key[64];
};

static bool history_has(const struct mem_machine *machine, const char *text, int64_t up_to)
{
    size_t i;

    for (i = 0; machine && i < machine->count && (int64_t)i < up_to; i++) {
        if (strstr(machine->events[i].changes, text))
            return true;
    }
    return false;
}

static void check_group(struct checking *checking, const struct group *group)
{
    struct sim *sim = checking->sim;
    const struct told *told = group->first;
    char member[64], text[96];
    struct mem_machine *machine;
    bool there;

    snprintf(member, sizeof(member), "%s:%s", sim->kind.name, told->invoice);
    machine = memory_find(sim->memory, member);
    if (told->kind == ASKED_CREATE)
        snprintf(text, sizeof(text), "\"invoice_created\"");
    else if (told->kind == ASKED_START)
        snprintf(text, sizeof(text), "{\"invoice_payment_started\":{\"payment\":{\"id\":\"%s\"", told->what);
    else
        snprintf(text, sizeof(text), "%s", told->what);
    there = history_has(machine, text, group->done ? group->version : INT64_MAX);
    if (group->done && !there)
        sim_violation(sim, told->invoice, "%s was answered as done in version %" PRId64 ", and is not in the history", text,
                      group->version);
    else if (!group->done && !group->unknown && there)
        sim_violation(sim, told->invoice, "%s was answered as not done, and is in the history", text);
}

void check_told(struct checking *checking)
{
    const struct told *told;
    size_t i, count = traffic_told(checking->sim->traffic, &told);
    struct group *groups = NULL, *group, *next;
    char key[64];

    for (i = 0; i < count; i++) {
        snprintf(key, sizeof(key), "%s %d %s", told[i].invoice, told[i].kind, told[i].what);
        HASH_FIND_STR(groups, key, group);
        if (!group) {
            group = xcalloc(1, sizeof(*group));
            strcpy(group->key, key);
            group->first = &told[i];
            HASH_ADD_STR(groups, key, group);
        }
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

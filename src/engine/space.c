#include "engine/space.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/qualified.h"
#include "base/xmalloc.h"
#include "redis/partition.h"

#define NAME_MAX_BYTES 40

struct names {
    char tag[PARTITION_TAG_MAX];
    char wheel[NAME_MAX_BYTES], accounts[NAME_MAX_BYTES], feed[NAME_MAX_BYTES], failed[NAME_MAX_BYTES],
        retrying[NAME_MAX_BYTES],
        check[NAME_MAX_BYTES];
};

struct space {
    int count;
    struct names names[];
};

struct space *space_new(int count)
{
    struct space *space;
    int p;

    assert(count >= 1 && count <= PARTITIONS_MAX);
    space = xcalloc(1, sizeof(*space) + (size_t)count * sizeof(space->names[0]));
    space->count = count;
    for (p = 0; p < count; p++) {
        struct names *names = &space->names[p];

        partition_tag(p, count, names->tag);
        snprintf(names->wheel, sizeof(names->wheel), "sluice:{%s}:wheel", names->tag);
        snprintf(names->accounts, sizeof(names->accounts), "sluice:{%s}:accounts", names->tag);
        snprintf(names->feed, sizeof(names->feed), "sluice:{%s}:feed", names->tag);
        snprintf(names->failed, sizeof(names->failed), "sluice:{%s}:failed", names->tag);
        snprintf(names->retrying, sizeof(names->retrying), "sluice:{%s}:retrying", names->tag);
        snprintf(names->check, sizeof(names->check), "sluice:{%s}:check", names->tag);
    }
    return space;
}

void space_free(struct space *space)
{
    free(space);
}

int space_count(const struct space *space)
{
    return space->count;
}

int space_partition(const struct space *space, const char *id)
{
    return partition_of(id, space->count);
}

const char *space_tag(const struct space *space, int p)
{
    return space->names[p].tag;
}

struct slice space_wheel(const struct space *space, int p)
{
    return slice_of(space->names[p].wheel);
}

struct slice space_accounts(const struct space *space, int p)
{
    return slice_of(space->names[p].accounts);
}

struct slice space_feed(const struct space *space, int p)
{
    return slice_of(space->names[p].feed);
}

struct slice space_retrying(const struct space *space, int p)
{
    return slice_of(space->names[p].retrying);
}

struct slice space_failed(const struct space *space, int p)
{
    return slice_of(space->names[p].failed);
}

struct slice space_check(const struct space *space, int p)
{
    return slice_of(space->names[p].check);
}

/* What stands between a machine's name and the parts that are kept under it. */
static char joint_of(const char *id)
{
    return qualified_has_party(id) ? '/' : ':';
}

void space_machine(const struct space *space, const char *kind, const char *id, struct machine_keys *out)
{
    int len;

    out->p = space_partition(space, id);
    len = snprintf(out->machine, sizeof(out->machine), "sluice:{%s}:%s:%s", space->names[out->p].tag, kind, id);
    assert(len > 0 && (size_t)len < sizeof(out->machine));
    len = snprintf(out->events, sizeof(out->events), "%s%cevents", out->machine, joint_of(id));
    assert(len > 0 && (size_t)len < sizeof(out->events));
    snprintf(out->member, sizeof(out->member), "%s:%s", kind, id);
}

void space_once_key(const struct space *space, const char *kind, const char *id, const char *key, char out[SPACE_KEY_MAX])
{
    char joint = joint_of(id);
    int len = snprintf(out, SPACE_KEY_MAX, "sluice:{%s}:%s:%s%conce%c%s", space->names[space_partition(space, id)].tag,
                       kind, id, joint, joint, key);

    assert(len > 0 && len < SPACE_KEY_MAX);
}

void space_tag_key(const struct space *space, const char *tag, char out[TAG_KEY_MAX])
{
    int len = snprintf(out, TAG_KEY_MAX, "sluice:{%s}:tag:%s", space->names[space_partition(space, tag)].tag, tag);

    assert(len > 0 && len < TAG_KEY_MAX);
}

const char *space_split(const char *member, char kind[SPACE_KIND_MAX])
{
    const char *colon = strchr(member, ':'), *id = colon ? colon + 1 : "";

    if (!colon || colon == member || (size_t)(colon - member) >= SPACE_KIND_MAX || !*id ||
        type_qualified_id.check(&id))
        return NULL;
    memcpy(kind, member, (size_t)(colon - member));
    kind[colon - member] = '\0';
    return id;
}

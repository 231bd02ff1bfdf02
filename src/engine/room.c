/* See room.h. */
#include "engine/room.h"

#include <assert.h>
#include <stdlib.h>
#include <uthash.h>

#include "base/xmalloc.h"

struct owner {
    UT_hash_handle hh;
    size_t count;
    char name[];
};

struct room {
    struct owner *owners; /* those who have anything in work */
    size_t used, max;
};

struct room *room_new(size_t max)
{
    struct room *room = xcalloc(1, sizeof(*room));

    assert(max > 0);
    room->max = max;
    return room;
}

void room_free(struct room *room)
{
    struct owner *owner, *next;

    if (!room)
        return;
    HASH_ITER(hh, room->owners, owner, next) {
        HASH_DEL(room->owners, owner);
        free(owner);
    }
    free(room);
}

static struct owner *owner_find(const struct room *room, const char *name)
{
    struct owner *owner = NULL;

    if (name)
        HASH_FIND_STR(room->owners, name, owner);
    return owner;
}

bool room_has(const struct room *room, const char *owner, bool begins)
{
    const struct owner *own = owner_find(room, owner);

    if (!begins)
        return room->used < room->max;
    if (own && own->count >= room->max / 4 && room->used >= room->max / 2)
        return false;
    return room->used < room->max - room->max / 4;
}

void room_enter(struct room *room, const char *owner)
{
    struct owner *own = owner_find(room, owner);
    size_t size;

    room->used++;
    if (!owner)
        return;
    if (!own) {
        size = strlen(owner) + 1;
        own = xcalloc(1, sizeof(*own) + size);
        memcpy(own->name, owner, size);
        HASH_ADD_STR(room->owners, name, own);
    }
    own->count++;
}

void room_leave(struct room *room, const char *owner)
{
    struct owner *own = owner_find(room, owner);

    assert(room->used > 0 && (!owner || own));
    room->used--;
    if (!own || --own->count > 0)
        return;
    HASH_DEL(room->owners, own);
    free(own);
}

size_t room_used(const struct room *room)
{
    return room->used;
}

/* Names of everything that a deployment keeps in Redis, in one place. The reference for people is
 * doc/redis-keys.md.
 *
 *   sluice:{T}:KIND:ID         hash    snapshot, timer, status          of one machine
 *   sluice:{T}:KIND:ID/events  stream  its history
 *   sluice:{T}:wheel           zset    KIND:ID -> due ms                of one partition
 *   sluice:{T}:accounts        hash    counters
 *   sluice:{T}:feed            stream  every event, in commit order
 *   sluice:{T}:failed          zset    KIND:ID -> since ms
 *   sluice:{T}:retrying        zset    KIND:ID -> since ms              those whose step failed and is tried again
 *   sluice:{T}:check           string  when a check corrected the ledger of the partition last
 *   sluice:{T}:KIND:ID/once/KEY string  what a call with this idempotency key has done; expires
 *   sluice:{T}:tag:TAG         string  KIND:ID
 *   sluice:daemons             zset    name -> heartbeat ms
 *
 * ID is a machine's: "ID@PARTY" (base/qualified.h). No part of it holds a slash, so no id makes a name that is
 * another machine's. Machines of format 1 have an id without a party, and a colon in place of each slash.    */
#ifndef SLUICE_ENGINE_SPACE_H
#define SLUICE_ENGINE_SPACE_H

#include <stddef.h>

#include "engine/machine.h"
#include "redis/slice.h"

struct space;

/* Names for COUNT partitions (1..1024). */
struct space *space_new(int count);
void space_free(struct space *space);

int space_count(const struct space *space);
int space_partition(const struct space *space, const char *id); /* of a machine id or a tag */
const char *space_tag(const struct space *space, int p);

/* Keys of a partition; borrowed from SPACE. */
struct slice space_wheel(const struct space *space, int p);
struct slice space_accounts(const struct space *space, int p);
struct slice space_feed(const struct space *space, int p);
struct slice space_failed(const struct space *space, int p);
struct slice space_retrying(const struct space *space, int p);
struct slice space_check(const struct space *space, int p);

/* Keys of one machine. MEMBER is how sorted sets, feed and tags name it. */
#define SPACE_KEY_MAX 384
#define ONCE_KEY_MAX 64
struct machine_keys {
    int p;
    char machine[SPACE_KEY_MAX];
    char events[SPACE_KEY_MAX];
    char member[SPACE_KEY_MAX];
};
void space_machine(const struct space *space, const char *kind, const char *id, struct machine_keys *out);
/* KEY: 1..ONCE_KEY_MAX bytes of a call of machine ID. */
void space_once_key(const struct space *space, const char *kind, const char *id, const char *key,
                    char out[SPACE_KEY_MAX]);
#define TAG_KEY_MAX (STEP_TAG_MAX + 64)
/* TAG: 1..STEP_TAG_MAX bytes. */
void space_tag_key(const struct space *space, const char *tag, char out[TAG_KEY_MAX]);

/* MEMBER's parts: the kind's name is copied to KIND (at most KIND_MAX bytes with the NUL); the id is what
 * follows in MEMBER, and is what an id may be. NULL if MEMBER is no such name. */
#define SPACE_KIND_MAX 32
const char *space_split(const char *member, char kind[SPACE_KIND_MAX]);

#define SPACE_DAEMONS "sluice:daemons"

#endif

/* What is true of a whole deployment: its format and number of partitions, kept in `sluice:meta`, and
 * whether the Redis under it keeps what it is told. */
#ifndef SLUICE_REDIS_META_H
#define SLUICE_REDIS_META_H

#include <stdbool.h>

#include "redis/client.h"

#define META_KEY "sluice:meta"
/* Of keys, events and snapshots; a daemon refuses a newer one. Format 2 has the party in machine ids, and keys in which no
 * part of a machine's name can be taken for another's (engine/space.h). */
#define META_FORMAT 2

struct meta_result {
    enum sl_err err;    /* SL_OK; SL_ENOENT not initialised; SL_EREFUSED for good; SL_EDOWN; SL_EUNKNOWN; SL_EBUSY */
    int partitions;     /* with SL_OK of meta_init and meta_check; else 0 */
    int format_first;   /* with SL_OK of meta_check: the format that the deployment was initialised with */
    const char *deployment; /* with SL_OK of meta_check: its moment of birth, ms as text; tells deployments apart; else "" */
    const char *suspect; /* with SL_OK of meta_check: what a daemon misses in this Redis (lua/loss.lua); "" nothing */
    int64_t accepted;   /* with SL_OK of meta_check: when a loss was last accepted, ms; 0 never */
    const char *error;  /* what Redis itself refused it with; NULL: it did not */
    const char *message;/* a sentence that says what is wrong and what to do, also with SL_OK; "" if nothing is */
};
/* RESULT is borrowed. */
typedef void (*meta_done_fn)(void *arg, const struct meta_result *result);

/* Writes the meta data of a new deployment with PARTITIONS (1..1024). Done before with the same number:
 * SL_OK; with another: SL_EREFUSED.
 * Calls: DONE once, never before this returns; so do the others, which ask while the client is held, too. */
void meta_init(struct client *client, int partitions, meta_done_fn done, void *arg);

/* Reads and checks it. PARTITIONS_WANTED 0: any number. Changes nothing. */
void meta_check(struct client *client, int partitions_wanted, meta_done_fn done, void *arg);

/* The same for who will write there. A deployment of an older format is one of META_FORMAT from then on, so that older
 * programs refuse it; `format_first` remembers that what they stored is there. */
void meta_take_over(struct client *client, int partitions_wanted, meta_done_fn done, void *arg);

/* Whether Redis makes a commit durable before it answers: appendonly yes, appendfsync always (also during a
 * rewrite of the file), no start on a torn file (aof-load-truncated no; redis/aof.h says why), and no eviction.
 * STRICT: anything less, or a Redis that does not tell, is SL_EREFUSED. Else SL_OK, with MESSAGE saying what may be lost; but eviction loses payments and is refused always. */
void meta_check_durability(struct client *client, bool strict, meta_done_fn done, void *arg);

#endif

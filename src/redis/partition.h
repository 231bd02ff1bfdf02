/* Where a machine lives: which of P partitions, under which hash tag, and which daemon prefers it. Pure.
 *
 * A partition's keys share one hash tag, so a Redis Cluster keeps them on one node and every script on
 * them is atomic. Tags are chosen so that partitions lie evenly over the 16384 slots. */
#ifndef SLUICE_REDIS_PARTITION_H
#define SLUICE_REDIS_PARTITION_H

#include <stddef.h>
#include <stdint.h>

#define PARTITIONS_MAX 1024
#define PARTITIONS_DEFAULT 64
#define SLOT_COUNT 16384
#define PARTITION_TAG_MAX 8 /* bytes, with the NUL */

/* Redis Cluster's slot of KEY: CRC16 (XMODEM) of what stands between the first { and the next }, or of
 * the whole key. */
unsigned partition_slot(const char *key, size_t len);

/* The smallest decimal number whose slot lies in the P-th of COUNT equal shares. 0 <= P < COUNT <= 1024. */
void partition_tag(int p, int count, char out[PARTITION_TAG_MAX]);

/* The partition of machine ID: FNV-1a of the id, mixed, modulo COUNT. Part of the stored format. */
int partition_of(const char *id, int count);

/* Which of NAMES prefers partition P: the highest of the hashes of (name, P) wins, so that a daemon
 * that comes or goes moves only what it wins or loses. -1 if there is none. */
int partition_owner(int p, const char *const *names, size_t count);

#endif

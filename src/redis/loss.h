/* Looks for what this daemon has seen in the Redis that is there now. After a failover to a replica that had not
 * everything yet, or when a backup was put in its place, some of it is gone. */
#ifndef SLUICE_REDIS_LOSS_H
#define SLUICE_REDIS_LOSS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "redis/seen.h"

struct client;

struct loss {
    enum sl_err err;    /* SL_OK also with a loss; SL_EREFUSED, SL_EDOWN, SL_EUNKNOWN: not found out */
    const char *error;  /* Redis's own, or NULL */
    size_t feeds;       /* that lack their newest entry; 0: all is there */
    size_t listed;      /* commits of this daemon that are gone, in LOST, oldest first */
    const struct seen_commit *const *lost;
    int64_t oldest_ms;  /* the oldest of what is known to be gone */
};
typedef void (*loss_done_fn)(void *arg, const struct loss *loss);

/* Asks while the client is held, too. Where all is there, SEEN rises to the newest entries, whoever made them.
 * LIST: find out which commits are gone, one by one.
 * Calls: DONE once, never before this returns. LOSS and what it points to are borrowed. */
void loss_check(struct seen *seen, struct client *client, bool list, loss_done_fn done, void *arg);

#endif

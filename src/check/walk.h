/* Walks over all that is stored, while daemons work, and tells what does not agree with itself.
 *
 * Of each partition: the machines by their keys, the wheel, the failed ones and the feed; then a mark, the end of the feed
 * and the accounts as of one moment; the feed up to the mark, which tells how many events each machine had then; each
 * machine in one look; the rest of the feed. What is said of a machine was so when it was looked at twice. */
#ifndef SLUICE_CHECK_WALK_H
#define SLUICE_CHECK_WALK_H

#include <event2/event.h>

#include "check/finding.h"
#include "engine/space.h"
#include "redis/client.h"

struct walk;

struct walk_setup {
    struct event_base *base;
    struct client *client; /* up */
    const struct space *space;
    int partition; /* the only one to look at; -1: all */
    bool fix;
    int64_t pause_ms; /* between batches; 0: none */
    /* FIX: what came of the remedy; SL_EINVAL: it was not tried. */
    void (*found)(void *arg, const struct check_finding *finding, enum sl_err fix);
    void (*progress)(void *arg, int partition, int64_t done, int64_t count); /* machines of the partition */
    void (*over)(void *arg, enum sl_err err, const char *detail); /* once, the last of all; not from inside walk_new */
    void *arg;
};

struct walk *walk_new(const struct walk_setup *setup);
void walk_free(struct walk *walk); /* after over, or after the client is freed */
int64_t walk_machines(const struct walk *walk); /* looked at so far */

#endif

/* Where a reader of the feed is: one place for each partition, as a text for queries and answers. Pure. */
#ifndef SLUICE_API_FEED_CURSOR_H
#define SLUICE_API_FEED_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* The id of the last entry read of a partition's stream; 0-0: none. */
struct feed_place {
    uint64_t ms, seq;
};

/* COUNT places as letters, digits, dots and dashes: short, since most deployments have 64 of them. */
void feed_cursor_write(const struct feed_place *places, int count, struct buf *out);
/* False: TEXT is no cursor of COUNT places. */
bool feed_cursor_read(const char *text, struct feed_place *places, int count);

#endif

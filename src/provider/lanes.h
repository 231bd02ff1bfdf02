/* How many calls are under way to each provider, and how many there may be: one that hangs must not take the memory and
 * the machines in work of all others. Ref: doc/operations.md, One provider hangs. */
#ifndef SLUICE_PROVIDER_LANES_H
#define SLUICE_PROVIDER_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LANE_INSPECTORS 0 /* all inspectors share this one; providers have their ids, which are positive */

struct lanes;

struct lane_stats {
    int64_t provider_id;
    size_t under_way;
    uint64_t refused;
};

struct lanes *lanes_new(size_t calls_max); /* CALLS_MAX: > 0, of one provider */
void lanes_free(struct lanes *lanes);
/* False: the provider has its share; nothing was counted but the refusal. */
bool lanes_enter(struct lanes *lanes, int64_t provider_id);
void lanes_leave(struct lanes *lanes, int64_t provider_id); /* once for each enter that was true */
/* Of the lane behind PREVIOUS (NULL: the first) by provider; NULL: there is none. Borrowed until the next call. */
const struct lane_stats *lanes_next(const struct lanes *lanes, const struct lane_stats *previous);

#endif

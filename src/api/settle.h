/* Waits until an invoice settles: what `wait` of the calls does. The answer is an ordinary one, as of then. */
#ifndef SLUICE_API_SETTLE_H
#define SLUICE_API_SETTLE_H

#include "api/request.h"

#define SETTLE_WAIT_MAX_S 60

/* Whether the invoice in RESULT, which was read, needs no more waiting for. */
typedef bool (*settled_fn)(const struct api_request *request, const struct runtime_result *result);

/* Reads invoice ID, at once and after each of its commits, until IS_SETTLED says so, or nobody works on it any more
 * since it is failed, or it is gone, or WAIT_S (1..SETTLE_WAIT_MAX_S) seconds are over.
 * Owns:  request->waiting meanwhile. ID is copied.
 * Calls: DONE once, never from inside. */
void settle_wait(struct api_request *request, const char *id, int64_t wait_s, settled_fn is_settled,
                 runtime_done_fn done);

#endif

/* Waiting for news of one invoice, or of any: woken by commits of this daemon, and looking by itself now and then for
 * those of others. */
#ifndef SLUICE_API_WATCH_H
#define SLUICE_API_WATCH_H

#include "api/request.h"

/* ID NULL: any invoice. Calls LOOK when there may be news, at the latest each WATCH_LOOK_MS, and OVER once WAIT_MS have passed or
 * the daemon stops; nothing after watch_end(). */
#define WATCH_LOOK_MS 250
struct watch;
struct watch *watch_begin(struct api_request *request, const char *id, int64_t wait_ms,
                          void (*look)(struct api_request *request), void (*over)(struct api_request *request));
void watch_end(struct watch *watch);

#endif

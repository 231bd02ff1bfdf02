/* The configuration's revisions: immutable documents in Redis, parsed once and kept in memory.
 *
 *   sluice:{domain}:head  the newest revision's number
 *   sluice:{domain}:N     the document of revision N
 *
 * The head is watched; a new one is in use within about a second everywhere. Ref: doc/spec/domain.md 2. */
#ifndef SLUICE_API_DOMAIN_STORE_H
#define SLUICE_API_DOMAIN_STORE_H

#include "domain/domain.h"
#include "engine/runtime.h"
#include "redis/client.h"

struct domain_store;

struct domain_store *domain_store_new(struct client *client, const struct alarm_ops *alarm, void *alarm_ctx);
void domain_store_free(struct domain_store *store); /* free the client first */

extern const struct config_ops domain_store_ops; /* ctx: struct domain_store */

/* The document of REVISION (0: the head) if it is in memory; *TEXT is its text. NULL: it is not. */
const struct domain *domain_store_get(const struct domain_store *store, int64_t revision, const char **text, size_t *len);

/* Commits TEXT as the next revision. EXPECT_HEAD: the head it was made from; -1: whatever it is.
 * DONE: SL_OK with the new revision; SL_EINVAL with ERRORS; SL_ECONFLICT with the present head; SL_EDOWN; SL_EUNKNOWN.
 * TEXT is copied. */
typedef void (*domain_put_fn)(void *arg, enum sl_err err, int64_t revision, const struct type_errors *errors);
void domain_store_put(struct domain_store *store, const char *text, size_t len, int64_t expect_head, domain_put_fn done,
                      void *arg);

#endif

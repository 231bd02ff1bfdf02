/* The configuration's revisions: immutable documents in Redis, parsed once and kept in memory.
 *
 *   sluice:{domain}:head  the newest revision's number
 *   sluice:{domain}:N     the document of revision N
 *
 * The head is watched; a new one is in use within about a second everywhere. Ref: doc/spec/domain.md 2. */
#ifndef SLUICE_API_DOMAIN_STORE_H
#define SLUICE_API_DOMAIN_STORE_H

#include "domain/domain.h"
#include "domain/lint.h"
#include "engine/runtime.h"
#include "redis/client.h"

struct domain_store;

struct domain_store *domain_store_new(struct client *client, const struct alarm_ops *alarm, void *alarm_ctx);
void domain_store_free(struct domain_store *store); /* free the client first */

extern const struct config_ops domain_store_ops; /* ctx: struct domain_store */

/* The document of REVISION (0: the head) if it is in memory; *TEXT is its text. NULL: it is not. */
const struct domain *domain_store_get(const struct domain_store *store, int64_t revision, const char **text, size_t *len);

/* How a document is to be committed, and what came of it. */
struct domain_put {
    const char *text; /* copied */
    size_t len;
    int64_t expect_head; /* the head it was made from; -1: whatever it is */
    bool force;          /* in spite of errors that the lint finds */
};
struct domain_put_result {
    enum sl_err err;
    int64_t revision; /* SL_OK: the document's; SL_ECONFLICT: the present head */
    bool unchanged;   /* SL_OK: the head has this very document: no revision was made */
    const struct type_errors *errors;     /* SL_EINVAL: faults; none: it was refused for the findings' sake */
    const struct lint_findings *findings;
};

/* Commits a document as the next revision. DONE: SL_OK, SL_EINVAL, SL_ECONFLICT, SL_EDOWN, SL_EUNKNOWN. */
typedef void (*domain_put_fn)(void *arg, const struct domain_put_result *result);
void domain_store_put(struct domain_store *store, const struct domain_put *put, domain_put_fn done, void *arg);

#endif

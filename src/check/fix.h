/* Carries a finding's remedy out, if what it was found by is still so. Every remedy is one script with a fence. */
#ifndef SLUICE_CHECK_FIX_H
#define SLUICE_CHECK_FIX_H

#include "check/finding.h"
#include "engine/space.h"
#include "redis/client.h"

/* SL_OK: done. SL_ECONFLICT: it has changed since, and is left alone. SL_EDOWN, SL_EUNKNOWN, SL_ECORRUPT. */
typedef void (*fix_done_fn)(void *arg, enum sl_err err);
/* Both call DONE once, not from inside, and copy what they need. FINDING: of a machine, with a remedy. */
void fix_machine(struct client *client, const struct space *space, const struct check_finding *finding,
                 fix_done_fn done, void *arg);
/* Corrects accounts of PARTITION, found with MARK (lua/check_mark.lua). FIELDS and DELTAS: COUNT > 0 of each. */
void fix_ledger(struct client *client, const struct space *space, int partition, const char *mark,
                const char *const *fields, const int64_t *deltas, size_t count, fix_done_fn done, void *arg);

#endif

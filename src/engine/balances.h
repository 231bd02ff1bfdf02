/* An account's balances: each partition keeps a share, moved by the commits of its own machines, and the account
 * has the sum of them.
 *
 * The shares are not read at one moment, but every one of them after the call. So what was committed before the
 * call is in the sum, whoever committed it; of what is committed meanwhile some may be.
 * Ref: doc/spec/accounting.md 5; doc/decisions/0012-funds-are-read-after-the-hold.md.                */
#ifndef SLUICE_ENGINE_BALANCES_H
#define SLUICE_ENGINE_BALANCES_H

#include <stdbool.h>

#include "base/err.h"
#include "money/ledger.h"

struct balances_reading;
struct client;
struct space;

/* KNOWN: something was posted to the account. ERR: SL_OK; SL_EDOWN, SL_EUNKNOWN; SL_ECORRUPT: a share is no number,
 * or the sum is out of range. BALANCE is borrowed. */
typedef void (*balances_fn)(void *arg, enum sl_err err, const struct balance *balance, bool known);

/* Calls DONE once and never before this returns; after it what is answered here is gone. */
struct balances_reading *balances_read(struct client *client, const struct space *space, int64_t account_id,
                                       balances_fn done, void *arg);
/* DONE is not called any more. READING must not have been answered. */
void balances_cancel(struct balances_reading *reading);

#endif

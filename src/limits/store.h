/* Turnover counters on Redis: performs orders (order.h) by lua/limit.lua.
 *
 * A counter lives in the partition that its name's hash says, so counters spread over nodes. What a request asks of
 * one partition is one script call, done as a whole or not at all; all calls of an order leave together. A request
 * over several partitions may therefore be done in part when one of them has a fault or cannot be reached: to send
 * the same order again completes it, and changes nothing of what was done.
 *
 * Ref: doc/spec/limits.md 4; doc/redis-keys.md. */
#ifndef SLUICE_LIMITS_STORE_H
#define SLUICE_LIMITS_STORE_H

#include "base/arena.h"
#include "base/err.h"
#include "limits/order.h"

struct client;
struct limit_store;

/* PARTITIONS as the deployment has (1..1024); DEADLINE_MS > 0, of one order. CLIENT is borrowed. */
struct limit_store *limit_store_new(struct client *client, int partitions, int64_t deadline_ms);
/* When no order is under way: after the client was freed, or all were answered. NULL is fine. */
void limit_store_free(struct limit_store *store);

/* SL_OK: ANSWER, in the order's arena. Otherwise DETAIL, which lasts as long as the call, says why: SL_EDOWN, nothing
 * happened; SL_EUNKNOWN, it, or a part of it, may have happened; SL_ECORRUPT, a counter holds what was never written. */
typedef void (*limit_done_fn)(void *arg, uint64_t number, enum sl_err err, const struct limit_answer *answer,
                              const char *detail);

/* Sends ORDER, which has at least one change.
 * Owns:   ORDER and ARENA stay as they are until DONE ran or the order is cancelled.
 * Calls:  DONE once and never before this returns.
 * Answers the order's number: not 0, unique among those under way. */
uint64_t limit_store_run(struct limit_store *store, const struct limit_order *order, struct arena *arena,
                         limit_done_fn done, void *arg);

/* DONE is not called any more, and ORDER and the arena not touched; what was sent may still be done. NUMBER may be of
 * an order that has been answered. */
void limit_store_cancel(struct limit_store *store, uint64_t number);

size_t limit_store_in_flight(const struct limit_store *store);

/* The key of a counter, in ARENA. */
const char *limit_store_key(const struct limit_store *store, const char *counter, struct arena *arena);

#endif

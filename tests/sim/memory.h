/* The store in memory: what the scripts under lua/ do, in C, for the simulator. Everything happens at once; delays
 * and faults are link.c's. Ref: lua/commit.lua, claim.lua, fail.lua, extend.lua, bind.lua, load.lua, events.lua. */
#ifndef SLUICE_TESTS_SIM_MEMORY_H
#define SLUICE_TESTS_SIM_MEMORY_H

#include <uthash.h>

#include "sim/sim.h"

/* Text that an answer on its way may still need when the store has another one. */
struct text {
    size_t refs, len;
    char data[];
};
struct text *text_new(const char *data, size_t len);
struct text *text_ref(struct text *text);
void text_unref(struct text *text); /* NULL is fine */

struct mem_event {
    int64_t at_ms;
    char *changes;
    size_t len;
};

struct mem_machine {
    UT_hash_handle hh; /* by member */
    char *member;
    const char *id;
    int p;
    struct mem_event *events;
    size_t count, cap;
    struct text *snapshot;
    int64_t snapshot_version;
    const char *status; /* NULL: the machine has no hash yet; else static text */
    const char *cause;  /* static; NULL: none */
    char *asked;        /* a call that was begun and is not over; NULL: none */
    int64_t due_ms, quiet, since_ms, score_ms, failed_ms;
    int64_t scored_ms; /* when it was put where it is on the wheel: it cannot be claimed sooner */
    int attempts;
    char activity[48], outcome[24], commit[48], reason[512];
    size_t heap_at; /* in its partition's wheel, from 1; 0: not on it */
    bool continues; /* its last step wants the next one to run in the same turn (check.c) */
};

struct mem_balance {
    UT_hash_handle hh;
    char field[48];
    int64_t value;
};

struct mem_currency { /* of an account, since the first commit that named it */
    UT_hash_handle hh;
    char account[24], currency[8];
};

struct mem_feed {
    struct mem_machine *machine;
    int64_t event;
};

struct mem_partition {
    struct mem_machine **wheel; /* a heap by (score, member), from 1 */
    size_t wheel_count, wheel_cap;
    struct mem_balance *balances;
    struct mem_currency *currencies;
    struct mem_feed *feed;
    size_t feed_count, feed_cap;
};

struct mem_once { /* what a commit left under an idempotency key */
    UT_hash_handle hh;
    char *value;
    char key[]; /* "inv:i7 k1" */
};

struct mem_tag {
    UT_hash_handle hh;
    char *member;
    char tag[];
};

struct mem_daemon {
    char name[16];
    int64_t seen_ms;
};

struct memory {
    struct sim *sim;
    struct mem_machine *machines; /* in order of their first mention */
    struct mem_partition *partitions;
    int partition_count;
    struct mem_tag *tags;
    struct mem_once *onces;
    struct mem_daemon daemons[64];
    size_t daemon_count;
    size_t failed_count;
};

struct memory *memory_new(struct sim *sim, int partitions);
void memory_free(struct memory *memory);

struct mem_machine *memory_find(struct memory *memory, const char *member); /* NULL: never mentioned */
struct mem_machine *memory_get(struct memory *memory, const char *member);  /* mentioned from now on */
/* The wheel: at SCORE_MS, or not there. */
void memory_put(struct memory *memory, struct mem_machine *machine, int64_t score_ms);
void memory_drop(struct memory *memory, struct mem_machine *machine);
int64_t memory_now_ms(const struct memory *memory);   /* the store's clock */
int64_t memory_told_ms(const struct memory *memory);  /* what it says in answers: the same, unless broken */

/* "own", "min" or "max" of ACCOUNT, over all partitions. */
int64_t memory_balance(const struct memory *memory, int64_t account, const char *what);

void memory_commit(struct memory *memory, const char *member, const struct commit *commit, struct store_committed *out);
enum sl_err memory_fail(struct memory *memory, const char *member, const struct step_failure *failure, int64_t *score);
enum sl_err memory_extend(struct memory *memory, const char *member, int64_t token_ms, int64_t lease_ms, int64_t *score);
enum sl_err memory_bind(struct memory *memory, const char *tag, const char *member);
const char *memory_once(struct memory *memory, const char *member, const char *key); /* NULL: nothing */
const char *memory_resolve(struct memory *memory, const char *tag); /* the member; NULL: none */
/* Up to LIMIT due machines of partition P: DUE has room for them. */
size_t memory_claim(struct memory *memory, int p, size_t limit, int64_t lease_ms, struct mem_machine **taken,
                    int64_t *scores, int64_t *next_ms, int64_t *token_ms);
void memory_heartbeat(struct memory *memory, const char *name, int64_t silent_ms, bool leaving);

#endif

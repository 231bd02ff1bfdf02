/* What the files of the walk share: walk.c (keys, sets and the feed of each partition), walk_machines.c (one machine after
 * the other) and walk_ledger.c (the accounts). Nobody else includes this. */
#ifndef SLUICE_CHECK_WALK_INTERNAL_H
#define SLUICE_CHECK_WALK_INTERNAL_H

#include <uthash.h>

#include "check/implied.h"
#include "check/walk.h"
#include "engine/machine.h"
#include "engine/redis_store.h"

#define WALK_ASK_MS 30000 /* deadline of one request */
#define WALK_PLACE_MAX 48 /* of an entry of the feed, with the NUL */

struct member {
    UT_hash_handle hh;
    int64_t then; /* events that the feed has of it up to the mark */
    int64_t now;  /* up to where it has been read */
    int64_t gap;  /* the first event that came out of order in the feed; 0: none */
    int64_t version; /* as it was last looked at */
    bool listed;
    char name[];
};

/* "3001:own" of the partition's accounts hash. */
struct account_field {
    char *field;
    int64_t value;
    bool broken; /* it is no amount: nothing can be added to it */
};

struct part {
    struct member *members;
    struct member *next; /* to be looked at */
};

struct walk {
    struct walk_setup setup;
    struct redis_store store;
    struct part *parts;
    int p;
    char after[WALK_PLACE_MAX], until[WALK_PLACE_MAX]; /* places in the feed: read up to, the mark */
    bool marked;   /* the feed is read beyond the mark */
    char *mark;    /* of the ledger */
    struct account_field *fields;
    size_t field_count;
    struct implied_account *implied;
    bool ledger_known; /* every history could be told */
    int open;      /* looks and fixes on their way */
    int64_t done, count, machines;
    struct event *timer;
    void (*timed)(struct walk *walk);
    bool is_over;
};

/* walk.c */
void walk_later(struct walk *walk, int64_t delay_ms, void (*fn)(struct walk *walk));
void walk_over(struct walk *walk, enum sl_err err, const struct reply *reply); /* the end, told once; REPLY: NULL, or why */
void walk_tell(struct walk *walk, const struct check_finding *finding, enum sl_err fix);
const struct machine_kind *walk_kind(const char *name); /* NULL: there is none */
void walk_read_feed(struct walk *walk); /* from where it was read up to; behind the last machine it is read to its end */
void walk_part_next(struct walk *walk);

/* walk_machines.c: looks at the next machines of the partition; then the feed is read on. */
void machines_begin(struct walk *walk);

/* walk_ledger.c */
void ledger_take(struct walk *walk, const struct reply *fields); /* the accounts hash, as of the mark */
void ledger_clear(struct walk *walk);
void ledger_check(struct walk *walk); /* against what the histories imply; then the next partition */

#endif

/* What is wrong with one machine, told from what one look at it found. No I/O. */
#ifndef SLUICE_CHECK_MACHINE_H
#define SLUICE_CHECK_MACHINE_H

#include "check/finding.h"
#include "engine/store.h"

/* One look: all of it as of the same moment, but for LISTED and FEED. */
struct check_look {
    const char *member;
    const struct machine_kind *kind;
    const struct store_loaded *loaded; /* the newest: snapshot, events behind it */
    const struct store_loaded *whole;  /* all events; NULL: LOADED has them */
    bool listed;                       /* among the failed ones, as seen before or after */
    int64_t feed;                      /* events that the feed has of it; -1: not read to the end yet */
};

#define CHECK_FINDINGS_MAX 8

/* Writes what is wrong to FINDINGS (CHECK_FINDINGS_MAX) and answers how many; texts are in ARENA. */
size_t check_machine(const struct check_look *look, struct arena *arena, struct check_finding *findings);

#endif

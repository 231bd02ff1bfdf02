/* What a check of the store finds. Rules are the words of doc/operations.md, Check the store. */
#ifndef SLUICE_CHECK_FINDING_H
#define SLUICE_CHECK_FINDING_H

#include <stdint.h>

enum check_rule {
    CHECK_HISTORY,   /* its history cannot be read, has a gap, or is shorter than the feed knows */
    CHECK_SNAPSHOT,  /* its snapshot is not what its events come to */
    CHECK_WHEEL,     /* it has a timer and is not on the wheel, or is there far behind its time */
    CHECK_GHOST,     /* on the wheel or among the failed, and there is no such machine */
    CHECK_FAILED,    /* failed and not listed as such, or the other way round */
    CHECK_FEED,      /* the feed lacks events of it, or has them in another order */
    CHECK_LEDGER,    /* an account's share differs from what the histories come to */
};
#define CHECK_RULES 7

/* What can be done about it. */
enum check_remedy {
    REMEDY_NONE,     /* nothing that is safe; TEXT says what to look at */
    REMEDY_PARK,     /* park it: failed, with a cause */
    REMEDY_SNAPSHOT, /* drop the snapshot; the next load folds the events */
    REMEDY_WHEEL,    /* put it on the wheel, at AT_MS */
    REMEDY_FORGET,   /* take it off the wheel and the failed ones */
    REMEDY_LIST,     /* list it among the failed */
    REMEDY_UNLIST,   /* take it off the failed ones */
    REMEDY_FEED,     /* append its events from AT to VERSION to the feed */
    REMEDY_LEDGER,   /* add DELTA to the account's FIELD */
};

/* Texts are borrowed for the time of the callback. */
struct check_finding {
    enum check_rule rule;
    enum check_remedy remedy;
    int partition;
    const char *subject; /* "KIND:ID", or an account's field */
    const char *text;    /* a sentence */
    int64_t version;     /* fence: the number of events it was found with */
    int64_t score_ms;    /* fence: its place on the wheel then; 0: none */
    int64_t at_ms;       /* REMEDY_WHEEL; REMEDY_FEED: the first event that lacks */
    int64_t delta;       /* REMEDY_LEDGER */
};

#endif

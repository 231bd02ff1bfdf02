/* What the engine and a kind of machine agree on.
 *
 * A machine is one durable aggregate: its events, the state folded from them, at most one timer. A
 * kind is a table of pure functions over that state. They do no I/O and read no clock: what they
 * need comes in through step_in, what they want goes out through step_out, and the runtime loads,
 * commits and performs the effects. The engine knows nothing of payments.
 *
 *     load -> step -> step -> ... -> commit -> effect -> step (IN_EFFECT) -> ... -> commit
 *             '---- one turn, one event ----'            '---- the next turn ----'
 *
 * An effect that need not wait for the commit (step_effect_ahead) is performed in the middle of a turn.
 *
 * Ref: doc/spec/machine.md (contract 4, calls 6, failures 8, tags 15); doc/architecture.md.      */
#ifndef SLUICE_ENGINE_MACHINE_H
#define SLUICE_ENGINE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/type.h"

enum machine_input {
    IN_INIT,    /* args: of the start; the state is empty */
    IN_TIMEOUT, /* the timer fired, or a step of this turn set it for now; args NULL */
    IN_CALL,    /* args: of the call */
    IN_EFFECT,  /* args: struct effect_result of the effect that the previous step asked for */
    IN_REPAIR,  /* args: of the repair; the machine is failed */
};

/* An order to the world outside. KIND and ARGS are a matter between the machine kind and whoever
 * performs effects; ARGS lives in the machine's arena. It may be performed more than once (crash
 * between effect and commit), so ARGS must carry an idempotency key made from stored state. */
struct effect {
    int kind;
    const void *args;
    bool ahead; /* it may leave before the changes of its turn are stored (step_effect_ahead) */
};

struct effect_result {
    int kind;
    enum sl_err err;    /* SL_OK; SL_EDOWN not delivered; SL_EUNKNOWN sent, not answered; SL_EPROTO an
                           answer that makes no sense; SL_EREFUSED answered with a declared error */
    const void *value;  /* SL_OK: the decoded answer, in the machine's arena; else NULL */
    const char *detail; /* not SL_OK: a sentence for logs and for `failed`; never NULL then */
};

enum step_end {
    STEP_OK,      /* commit what is in the step_out */
    STEP_REFUSED, /* IN_CALL, IN_REPAIR (or the effect of one): nothing changes, reply says why */
    STEP_RETRY,   /* transient: nothing of this step is kept; run it again later (machine.md 9) */
    STEP_FAIL,    /* unexpected: nothing of this step is kept; the machine is parked as failed */
};

/* What was in a step's way, for lists and figures. Stored by name. */
enum step_cause {
    CAUSE_OTHER,           /* none of these; the reason tells */
    CAUSE_UNAVAILABLE,     /* somebody outside was not reached: nothing was done */
    CAUSE_UNKNOWN_OUTCOME, /* somebody outside was asked and did not answer: it may have been done */
    CAUSE_BAD_ANSWER,      /* somebody outside answered what makes no sense, or broke the contract */
    CAUSE_DECLINED,        /* somebody outside said no where only a yes leads on: after a repair it
                              is asked anew, under another key (step_in.quiet) */
    CAUSE_CORRUPT,         /* what is stored of the machine cannot be read */
    CAUSE_TOO_MANY_CALLS,  /* somebody outside was asked again and again as he wished, and came to no end */
};
#define STEP_CAUSES 7

enum timer_op {
    TIMER_DEFAULT, /* after IN_TIMEOUT (and its effects): no timer, it was consumed; else: as it was */
    TIMER_SET,     /* due_ms, absolute; now or in the past: the next step runs in this same turn, but not
                      in that of a repair, whose event is what was repaired and nothing else */
    TIMER_UNSET,
};

/* A change of a counter that lives in the partition (ledger balances): FIELD += DELTA, committed
 * together with the changes. |DELTA| <= TALLY_MAX. The first commit that names an account's currency fixes it; one that
 * names another is refused as a whole. */
struct tally {
    const char *field; /* account, ':' and balance, e.g. "3001:own"; no blanks */
    int64_t delta;
    const char *currency; /* of the account; no blanks; NULL: none is named */
};
#define TALLY_MAX ((int64_t)1000000000000000) /* 10^15, so that Redis's check of 17 digits is safe */

struct step_in {
    enum machine_input input;
    const void *args;
    const struct effect *effect; /* IN_EFFECT: the order that ARGS is the result of, as the step gave it */
    const void *call;    /* IN_EFFECT: args of the call or repair under way; NULL: a timer step */
    const char *id;      /* machine id */
    const void *state;   /* folded; never NULL; not to be written */
    int64_t version;     /* events so far, with those of this turn's earlier steps not counted */
    int64_t quiet;       /* commits without changes since the last event: tells polls apart */
    int64_t now_us;      /* Redis's time, microseconds since 1970 */
    int64_t made_us;     /* the same when the call under way reached this daemon; 0: not known, or no call */
    uint64_t random;     /* random bits of this step; a choice made with them must be in the changes */
    const void *head;    /* newest configuration; NULL if there is none */
    const void *config;  /* configuration at the revision that `revision` named; HEAD if it said 0 */
    const void *outlook; /* what the runtime's owner knows of the world beside configuration, in a type that he and
                            the kind agree on; NULL: nothing. What a step decides by it must be in its changes */
    const void *settings; /* of the runtime's owner, in such a type as well; NULL: the kind's defaults */
    struct arena *arena; /* everything that goes out lives here */
};

/* Something that a step has seen and that is no part of the machine: for statistics of the runtime's owner. It is
 * handed over once the step's changes, or the failure that it ended with, are stored; a crash may lose it. */
struct note {
    int kind;         /* a matter between the machine kind and the owner */
    const void *args; /* in the machine's arena */
};

#define STEP_CHANGES_MAX 32
#define STEP_NOTES_MAX 4
#define STEP_TALLIES_MAX 256
#define STEP_BINDS_MAX 4
#define STEP_TAG_MAX 1024 /* bytes, of a tag that is bound */

struct step_out {
    enum step_end end;
    const char *reason; /* STEP_RETRY, STEP_FAIL: a sentence; never NULL then */
    enum step_cause cause; /* the same */
    const void *changes[STEP_CHANGES_MAX]; /* each of the kind's change type, in order */
    size_t change_count;
    struct tally tallies[STEP_TALLIES_MAX];
    size_t tally_count;
    const char *binds[STEP_BINDS_MAX]; /* tags to bind to this machine before the commit; a tag that is
                                          bound elsewhere turns the step into STEP_FAIL */
    size_t bind_count;
    struct note notes[STEP_NOTES_MAX]; /* kept by step_retry() and step_fail(), not by step_refuse() */
    size_t note_count;
    const struct effect *effect; /* after the commit; NULL: none. With it, the timer must be default */
    enum timer_op timer;
    int64_t due_ms;
    const void *reply; /* of a call or repair, in the kind's own type; for STEP_REFUSED the refusal */
    bool remove;       /* the machine ends with this commit; its id is not used again */
    bool forced;       /* IN_REPAIR: the changes are folded even where the table would not have them */
};

/* Where the machine stands, for people and for the engine. Texts are static or in the state. */
struct machine_label {
    const char *activity; /* what it will do next, e.g. "processing_session" */
    const char *status;   /* its outward status, e.g. "paid" */
    bool finished;        /* nothing more is expected: its snapshot need not be kept */
};

/* Retries of a step that ended with STEP_RETRY: first, first * factor, ... each at most max. */
struct retry_policy {
    int64_t first_ms;
    int64_t factor;
    int64_t max_ms;
    int attempts_max; /* then the machine is failed */
};

struct machine_kind {
    const char *name;          /* part of keys: "inv" */
    const struct type *change; /* one change; events are JSON arrays of these */
    const struct type *state;  /* the folded state: snapshots are its JSON */
    struct retry_policy retry;

    /* Applies CHANGE to STATE, keeping what it needs in ARENA (the change's own parts live there
     * too). NOW_US is the event's moment. Answers NULL, or why the change may not come here; then
     * with STRICT the state is as before, without STRICT (stored history) the effect is applied
     * anyway where it can be. */
    const char *(*fold)(void *state, const void *change, int64_t now_us, bool strict, struct arena *arena);

    /* One step. OUT is zeroed by the caller. Must be total: no input may crash it. */
    void (*step)(const struct step_in *in, struct step_out *out);

    struct machine_label (*label)(const void *state);

    /* Which configuration revision the next step on STATE needs beside the head; 0: none. */
    int64_t (*revision)(const void *state);

    /* The table of the reply to a call or repair with ARGS (NULL: the simple repair); NULL: there is none. The member
     * may be NULL: no call has a reply that could be given again. */
    const struct type *(*reply)(const void *args);

    /* The call with ARGS as one JSON object, if it must not be forgotten once its effect has begun: it is stored with
     * the claim before that, and run again with what RECALL makes of it until it comes to an end, whether or not its
     * caller still waits. Its handler must order the same effect from the same state, with the same idempotency key, and
     * no changes together with it. False: who makes such a call makes it again. Both members may be NULL. */
    bool (*keep)(const void *args, struct buf *out);
    /* What KEEP wrote, in ARENA; NULL: it cannot be read. */
    const void *(*recall)(const char *json, size_t len, struct arena *arena);

    /* True: a call with ARGS that waits behind a running step is judged by the state that its caller could know. Refused
     * by that, or answered by it without a change, it is answered so, whatever the step makes of the state; else it waits
     * and is run in its turn. False: it is judged in its turn alone. The member may be NULL: false for every call. */
    bool (*judged)(const void *args);

    /* Whether a call with ARGS begins work of its own, which may wait while there is much to do already; all others go
     * on with work that was begun. The member may be NULL: no call does. */
    bool (*begins)(const void *args);

    /* What stored texts of this kind are packed with (engine/pack.h): at most 8, the newest last, then NULL. The member may
     * be NULL: they stay plain. */
    const char *const *dictionaries;
};

/* Filling a step_out; they assert the maxima above. */
void step_change(struct step_out *out, const void *change);
void step_bind(struct step_out *out, const char *tag); /* TAG: 1..STEP_TAG_MAX bytes */
/* DELTA is added to an earlier row of the same FIELD; rows that come to zero stay and are skipped. */
void step_tally(struct step_out *out, const char *field, int64_t delta, const char *currency);
void step_timer_ms(struct step_out *out, int64_t due_ms);
/* Run the next step at once: the timer is set for the step's own moment. */
void step_continue(const struct step_in *in, struct step_out *out);
void step_effect(const struct step_in *in, struct step_out *out, int kind, const void *args);
/* The same for an order that need not wait for the commit, which saves one: the turn goes on with the result. Run again
 * from the last commit, the steps of the turn must be sure to order it again with the same ARGS, or do no harm by not
 * doing so; and effects of the turn before it must bear to be performed again behind it. It waits all the same when a
 * caller waits for the turn's answer, when the machine is not claimed, or when tags are to be bound. */
void step_effect_ahead(const struct step_in *in, struct step_out *out, int kind, const void *args);
void step_note(struct step_out *out, int kind, const void *args);
void step_refuse(struct step_out *out, const void *reply);
/* "unknown_outcome" */
const char *step_cause_name(enum step_cause cause);
/* CAUSE_OTHER if it is none's. NAME may be NULL. */
enum step_cause step_cause_of(const char *name);

/* Ends; CAUSE_OTHER unless said after it. */
void step_retry(const struct step_in *in, struct step_out *out, const char *format, ...) SL_PRINTF(3, 4);
void step_fail(const struct step_in *in, struct step_out *out, const char *format, ...) SL_PRINTF(3, 4);

#endif

/* What the files of the runtime share: runtime.c (requests in, table of machines in work), work.c (one
 * machine: load, inputs, rest), turn.c (steps, commit, effect), once.c, asked.c, judge.c, drain.c. Nobody else includes this. */
#ifndef SLUICE_ENGINE_RUNTIME_INTERNAL_H
#define SLUICE_ENGINE_RUNTIME_INTERNAL_H

#include <uthash.h>

#include "base/buf.h"
#include "engine/room.h"
#include "engine/runtime.h"

#define TURN_STEPS_MAX 64      /* steps of one turn; more wait for the next turn */
#define TURN_TALLIES_MAX 512
#define TURN_BINDS_MAX 8
#define TURN_NOTES_MAX 16      /* more are not handed over */
#define SNAPSHOT_EVERY 32      /* events of a machine that does not come to rest */
#define CONFLICTS_MAX 16       /* times a request is run again before it is answered SL_EBUSY */
#define START_EXISTS "there is such a machine already" /* what a start is told then */
#define LISTENERS_MAX 4
#define RESEND_FIRST_MS 20     /* a commit without an answer is sent again: first wait, doubling */
#define RESEND_MAX_MS 1000

enum request_kind { REQ_START, REQ_CALL, REQ_REPAIR };

/* Somebody waits for an answer. Owned by the work it is queued at. */
struct request {
    struct request *next;
    enum request_kind kind;
    const void *args;    /* the caller's, until it is answered */
    const struct runtime_once *once; /* NULL: it may be run again like any other; else the texts are its own, since a
                                        commit is sent again with them after the caller was answered */
    bool looked;         /* its key was not there when this machine was loaded */
    int64_t deadline_us; /* monotonic */
    int64_t made_us;     /* Redis's time when it came; 0: not known */
    bool judged;         /* by what its caller could know (judge.c) */
    struct arena *verdict_arena; /* NULL: it was not refused then, or has been answered */
    const void *verdict; /* the refusal, in that arena; it waits until the request's key has been looked for */
    int conflicts;
    bool answered;       /* its caller has given up; what was begun is finished all the same */
    bool recalled;       /* nobody's: made from what is stored (asked.c), and its arguments live in the work's arena */
    runtime_done_fn done;
    void *done_arg;
};

/* What a work is waiting for. One thing at a time, so that a work is freed only when nothing is out. */
enum phase {
    PHASE_READY,  /* nothing: inside work_next() or about to be closed */
    PHASE_LOAD,
    PHASE_ONCE,   /* has the current request been done before? once.c */
    PHASE_CONFIG,
    PHASE_BIND,
    PHASE_COMMIT,
    PHASE_RESEND, /* a commit was not answered; its alarm is running */
    PHASE_EFFECT,
    PHASE_FAIL,   /* a failure is being recorded */
};

/* The changes of some steps that become one event. */
struct turn {
    struct buf changes; /* JSON array, without its closing bracket while it grows */
    size_t change_count;
    int steps;
    struct tally tallies[TURN_TALLIES_MAX];
    size_t tally_count;
    const char *binds[TURN_BINDS_MAX];
    size_t bind_count, binds_done;
    enum commit_due due;
    int64_t due_ms;
    struct note notes[TURN_NOTES_MAX]; /* of the good steps, then of the one that failed */
    size_t note_count, notes_good;
    const struct effect *effect;
    bool ahead;             /* the effect is out and the turn is not over: what it changed is in memory alone */
    bool run_again;         /* the timer is due now and the turn was full */
    bool remove;
    bool claims_only;
    bool release;           /* claims_only: give the claim back */
    bool answers;           /* the current request is answered by this commit */
    enum step_end failure;  /* what the step after the last good one ended with; STEP_OK: none */
    const char *reason;
    enum step_cause cause;
    bool retried;           /* that failure is one that is tried again */
    bool maybe_sent;        /* a commit was sent and not answered */
    int64_t resend_ms;
    char commit_id[40];
    struct buf snapshot;
    struct buf once; /* what the commit leaves under the request's key */
    struct buf asked; /* the call that is stored with the claim before its effect begins; empty: none is */
    enum commit_asked asked_as;
};

struct work {
    UT_hash_handle hh;
    const char *key; /* "kind:id", the table's key; its tail is the id */
    const struct machine_kind *kind;
    const char *id;
    struct runtime *runtime;
    uint64_t number; /* of the effect or the alarm that is out; late ones find no match */
    enum phase phase;
    struct arena *arena;
    void *state;
    int64_t version;          /* committed events */
    int64_t snapshot_version; /* of the stored snapshot */
    int64_t quiet;
    int64_t due_ms;           /* stored timer; 0: none */
    int64_t token_ms;         /* our claim; 0: none */
    int64_t reclaimed_ms;     /* a claim that came while something was out; 0: none */
    int64_t lease_until_us;   /* monotonic; when the claim should be extended */
    bool loaded, failed;      /* failed: parked in the store */
    bool unseen;              /* nobody looked whether it is there: only a start can do with that */
    bool timer_due;           /* run IN_TIMEOUT when nothing else is to be run */
    bool extending, lost;
    const char *asked;        /* the call that was begun and is not over, as stored; NULL: none */
    bool asked_over;          /* it was refused: the next commit says so */
    bool held;                /* as loaded: another daemon has a claim */
    int64_t retry_at_ms;      /* as loaded: when its step would be tried again; 0: it is due, or none failed */
    int attempts;
    enum step_cause cause;    /* of those failures */
    struct request *queue, **queue_tail;
    size_t queued;
    struct request *current;  /* taken from the queue, not yet answered */
    enum machine_input input; /* of the step under way: where PHASE_CONFIG resumes */
    const struct effect *performed; /* what RESULT is of */
    struct effect_result *result;
    const void *reply;
    struct turn turn;
};

struct effect_out {
    UT_hash_handle hh;
    uint64_t number;
    struct work *work;
};

struct runtime {
    struct runtime_setup setup;
    struct work *works;
    struct room *room;
    struct effect_out *effects;
    struct late_answer *lates; /* refused at the door, not told yet */
    uint64_t next_number;
    struct runtime_stats stats;
    struct {
        runtime_news_fn fn;
        void *arg;
    } listeners[LISTENERS_MAX];
    size_t listener_count;
    int64_t ahead_us, ahead_before_us; /* Redis's clock minus ours: the best reading of this span and of the last */
    int64_t ahead_since_us;            /* monotonic; when this span began */
    bool heard_time;
    void (*clock_jumped)(void *arg);   /* NULL: nobody asked */
    void *clock_jumped_arg;
    bool draining, drain_checks; /* its alarm is out */
    void (*drained)(void *arg);
    void *drained_arg;
    int64_t drain_until_us;
    uint64_t session;     /* random, part of commit ids */
};

/* runtime.c */
int64_t runtime_mono_us(const struct runtime *runtime);
void runtime_saw_time(struct runtime *runtime, int64_t now_ms);
void runtime_forget(struct work *work); /* takes it out of the table and frees it; nothing may be out */
void request_answer(struct work *work, struct request *request, enum sl_err err, bool refused, const char *detail);
void request_free(struct request *request);
const struct runtime_once *once_copy(const struct runtime_once *once); /* in one piece; free() */

/* work.c */
void work_load(struct work *work);
void request_put_back(struct work *work); /* the current request is the next of the queue again */
void work_next(struct work *work);   /* the next input, or rest; WORK may be gone afterwards */
void work_reload(struct work *work); /* what is in memory is stale */
void work_answer_all(struct work *work, enum sl_err err, const char *detail); /* those that wait in its queue */

/* asked.c */
bool asked_is_open(const struct work *work);    /* a call has to come to its end before anything else is done */
bool asked_is_current(const struct work *work); /* and that call is the current request */
bool asked_is(const struct work *work, const struct request *request); /* REQUEST asks for what is stored */
bool asked_write(struct work *work); /* what this turn's commit keeps of its call, into the turn; false: nothing */
enum commit_asked asked_commit(const struct work *work);
void asked_take(struct work *work); /* that commit is done */
void asked_load(struct work *work, const struct store_loaded *loaded);
/* For so long the stored call's next attempt would have waited, had nobody come for it; 0: it was due. */
int64_t asked_ahead_ms(const struct work *work);
void asked_resume(struct work *work);

/* drain.c */
bool drain_lets_go(const struct runtime *runtime); /* told to stop, and the grace is over */
void drain_check(struct runtime *runtime);         /* a work is gone: was it the last one? */

/* judge.c */
void judge_waiting(struct work *work); /* those that wait in its queue and have not been judged yet */

/* once.c */
bool once_is_due(const struct request *request); /* its key has to be looked for before anything else */
void once_look(struct work *work);  /* for the current request, which has a key; then work_next */
void once_write(struct work *work); /* what this turn's commit leaves under it, into the turn */

/* turn.c */
void turn_begin(struct work *work);
void turn_run(struct work *work, enum machine_input input);
void turn_effect_done(struct work *work);
void turn_release(struct work *work); /* gives the claim back without having run anything */
void turn_abandon(struct work *work); /* an effect is out and we may not wait for it */
void turn_clear(struct turn *turn);
void turn_fail(struct work *work); /* the step failed: it is tried again later, or the machine is parked */

#endif

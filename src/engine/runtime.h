/* Runs machines: takes inputs, loads, steps, commits, performs effects, answers.
 *
 * One runtime per daemon. It keeps in memory the machines that are in work and nothing else; all
 * else is in the store. The world is behind small tables (store, effects, configuration, alarm), so
 * tests and simulations can stand in for Redis, banks and time.
 * Ref: doc/spec/machine.md 5-9; doc/architecture.md.                                             */
#ifndef SLUICE_ENGINE_RUNTIME_H
#define SLUICE_ENGINE_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/machine.h"
#include "engine/store.h"

struct runtime;

/* Performs effects. DONE is called exactly once for each start, never from inside start, with the
 * number given; RESULT and all it points to are copied by start's implementation into ARENA. After
 * cancel(NUMBER) DONE must not be called for it any more, and ARENA not be touched. */
typedef void (*effect_done_fn)(void *arg, uint64_t number, const struct effect_result *result);
struct effect_ops {
    void (*start)(void *ctx, const struct effect *effect, uint64_t number, struct arena *arena,
                  effect_done_fn done, void *done_arg);
    void (*cancel)(void *ctx, uint64_t number);
};

/* Immutable configuration documents by revision. */
typedef void (*config_done_fn)(void *arg, enum sl_err err);
struct config_ops {
    const void *(*head)(void *ctx);                      /* newest known; NULL: none */
    const void *(*get)(void *ctx, int64_t revision);     /* NULL: not in memory */
    /* Brings REVISION (0: the newest) into memory, and the newest, too, while none is known; DONE once, never from
     * inside. SL_ENOENT: there is no such revision. */
    void (*fetch)(void *ctx, int64_t revision, config_done_fn done, void *done_arg);
};

/* Time of the process. AFTER calls FN(arg) once, DELAY_MS (>= 0) later, never from inside. */
struct alarm_ops {
    int64_t (*mono_us)(void *ctx);
    void (*after)(void *ctx, int64_t delay_ms, void (*fn)(void *arg), void *arg);
    uint64_t (*random)(void *ctx);
};

struct runtime_setup {
    const struct store_ops *store;
    void *store_ctx;
    const struct effect_ops *effects;
    void *effects_ctx;
    const struct config_ops *config;
    void *config_ctx;
    const struct alarm_ops *alarm;
    void *alarm_ctx;
    /* What steps are given as their outlook; borrowed for one step. NULL: nothing. */
    const void *(*outlook)(void *ctx);
    const void *settings; /* what steps are given as their settings; borrowed; NULL: the kind's defaults */
    /* Hears what steps noted, after it was stored; NOTE is borrowed. NULL: nobody does. */
    void (*note)(void *ctx, const struct note *note);
    void *owner_ctx;     /* for both */
    int64_t lease_ms;    /* how long a claim lasts without being extended; 0: 30000 */
    struct retry_policy retry; /* of steps of every kind; attempts_max 0: each kind's own */
    size_t work_max;     /* machines in work at once; 0: 4096. What begins (starts, and calls for which the kind says
                            so) is refused at three quarters of it, or earlier to a party that has much (engine/room.h) */
    size_t queue_max;    /* inputs waiting for one machine; 0: 500 */
};

struct runtime *runtime_new(const struct runtime_setup *setup);
/* Frees at once; requests that wait are answered SL_EDOWN or SL_EUNKNOWN. */
void runtime_free(struct runtime *runtime);

/* What makes a request safe to repeat: the first one that commits something leaves KEY behind, and the same one again
 * is given the answer of the first, for a day at least. Both texts are copied.
 * Ref: doc/decisions/0013-keys-remember-events.md. */
struct runtime_once {
    const char *key;         /* of the caller, 1..ONCE_KEY_MAX bytes; good for one machine */
    const char *fingerprint; /* of what is asked for, no blanks; another one under the same KEY is SL_ECONFLICT */
};

/* How a request ended. All pointers are borrowed for the time of the callback. */
struct runtime_result {
    enum sl_err err;      /* SL_OK also for a refusal; SL_ENOENT, SL_EEXIST, SL_EFAILED (machine is parked),
                             SL_EDOWN, SL_EUNKNOWN, SL_ETIMEOUT, SL_EBUSY, SL_ECORRUPT; SL_ECONFLICT: its key was used
                             for something else */
    bool repeated;        /* SL_OK: it was done before, under the same key; the rest is as of then */
    const char *activity; /* SL_EFAILED: what it could not do; NULL: not known */
    bool removed;         /* SL_ENOENT, or SL_EEXIST of a start: there was one, and it was removed */
    bool refused;         /* the handler refused: nothing changed, REPLY says why */
    const char *detail;   /* not SL_OK: a sentence, else NULL */
    const void *reply;    /* what the step put there; may be NULL */
    const void *state;    /* as of VERSION; NULL unless the machine exists and was loaded. A read has the last one of a
                             removed machine, too */
    int64_t version;
    const struct machine_info *info; /* read: how the machine is; else may be NULL */
    const char *id;
};
typedef void (*runtime_done_fn)(void *arg, const struct runtime_result *result);

/* Each takes a request and calls DONE exactly once, never from inside. ID is copied; ARGS must stay
 * valid until DONE. DEADLINE_MS (> 0) bounds the wait in queues, not the work once begun. */

/* Starts machine ID of KIND with IN_INIT. SL_EEXIST: there is one, and STATE shows it then; or there was one (REMOVED). */
void runtime_start(struct runtime *runtime, const struct machine_kind *kind, const char *id, const void *args,
                   int64_t deadline_ms, runtime_done_fn done, void *done_arg);
void runtime_call(struct runtime *runtime, const struct machine_kind *kind, const char *id, const void *args,
                  int64_t deadline_ms, runtime_done_fn done, void *done_arg);
/* Like a call, but for a failed machine (SL_EREFUSED: it is not failed; SL_EFAILED: it still is, the repair
 * came to nothing). What the repair changes is an event of its own: nothing runs in the same turn. ARGS NULL is
 * the simple repair: the machine is working again and its timer, if due, fires at once. */
void runtime_repair(struct runtime *runtime, const struct machine_kind *kind, const char *id, const void *args,
                    int64_t deadline_ms, runtime_done_fn done, void *done_arg);
/* The three of them with an idempotency key; ONCE may be NULL. */
void runtime_start_once(struct runtime *runtime, const struct machine_kind *kind, const char *id, const void *args,
                        int64_t deadline_ms, const struct runtime_once *once, runtime_done_fn done, void *done_arg);
void runtime_call_once(struct runtime *runtime, const struct machine_kind *kind, const char *id, const void *args,
                       int64_t deadline_ms, const struct runtime_once *once, runtime_done_fn done, void *done_arg);
void runtime_repair_once(struct runtime *runtime, const struct machine_kind *kind, const char *id, const void *args,
                         int64_t deadline_ms, const struct runtime_once *once, runtime_done_fn done, void *done_arg);
/* The last committed state, or the state as of event AT_VERSION (> 0). Never waits for a step. */
void runtime_read(struct runtime *runtime, const struct machine_kind *kind, const char *id, int64_t at_version,
                  runtime_done_fn done, void *done_arg);

/* What one step would do. All pointers are borrowed for the time of the callback. */
struct runtime_rehearsal {
    enum sl_err err; /* SL_OK, SL_ENOENT, SL_EREFUSED (IN_REPAIR: the machine is not failed), SL_EDOWN, SL_EUNKNOWN,
                        SL_ECORRUPT */
    const char *detail;         /* not SL_OK: a sentence */
    const struct step_out *out; /* SL_OK: what the step gave, however it ended; changes that may not come here have
                                   turned it into STEP_FAIL */
    const struct effect *effect; /* that would be performed before, and was assumed to go well; NULL: none */
    const void *state;          /* SL_OK: with those changes folded */
    int64_t version;            /* of the events so far */
    const struct machine_info *info;
    const char *id;
};
typedef void (*runtime_rehearsal_fn)(void *arg, const struct runtime_rehearsal *rehearsal);
/* The result that EFFECT will have if all goes well, in ARENA; NULL: nobody can know. */
typedef const struct effect_result *(*runtime_assume_fn)(const struct effect *effect, struct arena *arena);
/* Runs one step on the last committed state and forgets all of it: IN_REPAIR with ARGS, or IN_TIMEOUT (ARGS NULL)
 * for the step that is due, be it time or not, or for a call that was begun and is not over (info->asked). No effect is performed; with a result that ASSUME (NULL: none) knows
 * for the first one the step goes on. Never waits for a step in progress.
 * Calls: DONE once, never from inside. */
void runtime_rehearse(struct runtime *runtime, const struct machine_kind *kind, const char *id,
                      enum machine_input input, const void *args, runtime_assume_fn assume, runtime_rehearsal_fn done,
                      void *done_arg);

/* The JSON of a call as machine_info.asked has it; NULL for NULL. */
const char *runtime_asked_json(const char *asked);

/* Events as stored: CHANGES is a JSON array, text. */
struct runtime_events {
    enum sl_err err; /* SL_OK, SL_ENOENT, SL_EDOWN, SL_EUNKNOWN */
    const struct stored_event *events;
    size_t count;
    int64_t version; /* the machine's newest */
};
typedef void (*runtime_events_fn)(void *arg, const struct runtime_events *events);
/* Events with number > AFTER (>= 0), ascending, at most LIMIT (1..1000). */
void runtime_events(struct runtime *runtime, const struct machine_kind *kind, const char *id, int64_t after,
                    size_t limit, runtime_events_fn done, void *done_arg);

/* Which machine a tag is bound to (machine.md 15). SL_ENOENT: none. ID borrowed. */
typedef void (*runtime_tag_fn)(void *arg, enum sl_err err, const char *id);
void runtime_resolve_tag(struct runtime *runtime, const char *tag, runtime_tag_fn done, void *done_arg);

/* Machines that a claim gave us (the wheel calls this); takes nothing of CLAIMS. */
void runtime_claimed(struct runtime *runtime, const struct machine_kind *kind, const struct claim *claims, size_t count);
/* How many more claimed machines it would take now. */
size_t runtime_room(const struct runtime *runtime);

/* Called after each commit of this daemon (wheel: a near timer; long polls: news). */
struct runtime_news {
    const struct machine_kind *kind;
    const char *id;
    int64_t version;
    int64_t due_ms; /* 0: no timer, or the machine is still in work */
};
typedef void (*runtime_news_fn)(void *arg, const struct runtime_news *news);
void runtime_on_commit(struct runtime *runtime, runtime_news_fn fn, void *arg); /* up to 4 listeners */

/* Graceful end: nothing new begins, be it a claim, a call or an effect of what is in work, and who waits is answered
 * SL_EDOWN; DONE when nothing is in work. Effects that are still out after GRACE_MS are cancelled. Machines that would
 * go on are released, and due at once for others. */
void runtime_drain(struct runtime *runtime, int64_t grace_ms, void (*done)(void *arg), void *arg);

/* Redis's time now, as well as this process knows it; 0 before the first answer. */
int64_t runtime_now_us(const struct runtime *runtime);

/* Tells the runtime what Redis's clock said in an answer that somebody else got. */
void runtime_heard(struct runtime *runtime, int64_t now_ms);

/* FN is called when an answer shows that Redis's clock is well ahead of what was thought (it was set, or another
 * Redis took over): alarms that were armed before would ring late. One listener; NULL: none. FN must not call back. */
void runtime_on_clock(struct runtime *runtime, void (*fn)(void *arg), void *arg);

struct runtime_stats {
    uint64_t turns, steps, commits, quiet_commits, conflicts, loads, effects, retries, failures, calls, refusals,
        extends, lost_claims, events_replayed;
    uint64_t retries_by[STEP_CAUSES], failures_by[STEP_CAUSES]; /* enum step_cause */
    uint64_t overloads; /* requests that were refused because too much was in work */
    size_t in_work, waiting;
};
void runtime_stats(const struct runtime *runtime, struct runtime_stats *out);

#endif

/* The engine with counters (counter.h) on it: real Redis, real runtime, real wheel; only the world outside (effects)
 * is scripted. For Criterion: what fails, fails the test.
 *
 *     Test(engine, claim, .init = rig_begin, .fini = rig_end)
 *     {
 *         rig_start("a", 5);
 *         cr_expect_eq(rig_call("a", (struct ask){ ASK_ADD, 2, NULL }).value, 7);
 *         cr_expect_eq(rig.outcome.version, 2);
 *     }                                                                                               */
#ifndef SLUICE_TESTS_ENGINE_RIG_H
#define SLUICE_TESTS_ENGINE_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "engine/redis_store.h"
#include "engine/runtime.h"
#include "engine/wheel.h"
#include "support/counter.h"
#include "support/redis_fixture.h"

struct alarm_loop;
struct rig_pending;

/* Effects are answered with SCRIPT, one after the other; then with SL_OK. */
struct rig_world {
    enum sl_err script[8];
    size_t scripted, answered;
    struct alarm_loop *alarm;
    bool silent; /* no answers: the last effect is held until it is cancelled, or let go by rig_world_speak() */
    struct rig_pending *held;
    size_t cancelled;
};

struct rig_daemon {
    struct alarm_loop *alarm; /* its own: what has not rung dies with it */
    struct client *client;
    struct redis_store store;
    struct runtime *runtime;
    struct wheel *wheel;
};

/* How a request ended. */
struct outcome {
    bool there, refused, has_state, repeated;
    enum sl_err err;
    int64_t version, value, ticks;
    char text[32], status[16], reason[128], cause[24];
};

struct rig {
    struct redis_fixture redis;
    struct space *space;
    struct rig_daemon first, second; /* the second is not there before a test opens it */
    struct rig_world world;
    /* The answer to the next commit of an armed store gets lost: the commit is done, and nobody is told. */
    struct {
        bool armed, done;
        store_committed_fn fn;
        void *arg;
    } lost;
    struct {
        int outlook;
        char notes[512]; /* "input:outlook " */
    } owner;
    size_t work_max;        /* of daemons that are opened from now on; 0: the usual */
    struct outcome outcome; /* of the newest request */
};

extern struct rig rig;
extern const struct ask add_one, add_two;

void rig_begin(void); /* .init: an empty Redis and the first daemon */
void rig_end(void);   /* .fini */

void rig_daemon_open(struct rig_daemon *daemon, const char *name, int64_t lease_ms);
void rig_daemon_close(struct rig_daemon *daemon); /* as if it had died: with its claims and its effects */

/* The world answers again, first of all what it has kept waiting. */
void rig_world_speak(void);
/* What the runtime hears in the end of the commit whose answer was lost. */
void rig_lost_tell(void);

/* Ask the first daemon (or DAEMON), and wait for the answer, which is in rig.outcome, too. */
struct outcome rig_start(const char *id, int64_t value);
struct outcome rig_call(const char *id, struct ask ask);
struct outcome rig_call_at(struct rig_daemon *daemon, const char *id, struct ask ask);
struct outcome rig_repair(const char *id, const struct ask *ask); /* ASK may be NULL */
struct outcome rig_look(const char *id, int64_t at);              /* AT 0: now */
/* Calls ADD_TWO and loses the answer to its commit; OUT gets what the caller hears later. */
void rig_call_and_lose(const char *id, struct outcome *out);
/* The callback of all of these: ARG is a struct outcome. */
void rig_ended(void *arg, const struct runtime_result *result);

/* A machine that failed before its first tick, with 100 in it. */
void rig_make_failed(const char *id);
/* Fails the test unless the newest state, the folded history and the stored snapshot are the same bytes. */
void rig_expect_snapshot_is_history(const char *id);

/* Looks until CONDITION, which may name NOW; fails the test after FIXTURE_WAIT_MS. */
#define WAIT_UNTIL(ID, CONDITION)                                               \
    do {                                                                        \
        int64_t until_us = clock_mono_us() + FIXTURE_WAIT_MS * 1000;            \
        struct outcome now = rig_look(ID, 0);                                   \
                                                                                \
        while (!(CONDITION)) {                                                  \
            cr_assert_lt(clock_mono_us(), until_us, "waited for " #CONDITION);  \
            redis_fixture_run(&rig.redis, 5);                                   \
            now = rig_look(ID, 0);                                              \
        }                                                                       \
    } while (0)

#endif

/* Runs one machine in memory, without a store: for tests of steps.
 *
 * Every step is run twice on the same input, and the two outputs must be the same bytes: purity is
 * checked wherever the driver is used. Changes are folded strictly, one event per step (the runtime
 * packs several steps of a turn into one event; the changes and their order are the same). Effects
 * are answered by the test's OUTCOME. Tallies are summed into balances.                            */
#ifndef SLUICE_TESTS_MACHINE_DRIVER_H
#define SLUICE_TESTS_MACHINE_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "engine/machine.h"

#define DRIVER_EVENTS_MAX 256
#define DRIVER_BALANCES_MAX 256
#define DRIVER_TAGS_MAX 32
#define DRIVER_NOTES_MAX 64

struct machine_driver;

/* Answers EFFECT: RESULT is zeroed but for its kind; what it points to lives in ARENA. */
typedef void (*driver_outcome_fn)(struct machine_driver *driver, const struct effect *effect,
                                  struct effect_result *result);

struct driver_event {
    const void *const *changes;
    size_t change_count;
    int64_t at_us;
};

struct machine_driver {
    const struct machine_kind *kind;
    struct arena *arena;
    const char *id;
    void *state;
    int64_t version;
    int64_t quiet;
    int64_t now_us;
    int64_t made_us; /* of calls (step_in.made_us); 0: not known */
    uint64_t random;
    const void *(*config)(const struct machine_driver *driver, int64_t revision); /* NULL: head for all */
    const void *head;
    const void *outlook;
    const void *settings; /* NULL: the kind's defaults */
    driver_outcome_fn outcome;
    void *ctx; /* the test's own */

    int64_t due_ms; /* 0: no timer */
    bool failed;
    bool removed; /* by a step; inputs are taken all the same */
    const char *reason; /* of the last STEP_FAIL or STEP_RETRY */
    enum step_cause cause; /* the same */
    const void *reply;  /* of the last call */
    enum step_end end;  /* of the last step */

    struct driver_event events[DRIVER_EVENTS_MAX];
    size_t event_count;
    struct tally balances[DRIVER_BALANCES_MAX];
    size_t balance_count;
    const char *tags[DRIVER_TAGS_MAX]; /* bound, in order */
    size_t tag_count;
    struct note notes[DRIVER_NOTES_MAX]; /* of all steps, those that failed among them */
    size_t note_count;
    size_t effect_count;
    const struct effect *performed; /* the latest of the input under way; NULL: none yet */

    /* Encodes an effect for the comparison of two runs; NULL: only its kind is compared. */
    void (*effect_encode)(const struct effect *effect, struct buf *out);
};

/* KIND's machine ID that does not exist yet. The rest of DRIVER is set by the test afterwards. */
void machine_driver_init(struct machine_driver *driver, const struct machine_kind *kind, const char *id);
void machine_driver_clear(struct machine_driver *driver);

/* One input with the effects that follow from it. The machine's timer is not fired. Answers how the
 * last step ended. */
enum step_end machine_driver_input(struct machine_driver *driver, enum machine_input input, const void *args);

/* Fires the timer as often as it is due at the driver's time, at most STEPS_MAX times. Answers how
 * often. Stops when a step fails or is to be retried. */
size_t machine_driver_run(struct machine_driver *driver, size_t steps_max);

/* Moves time to the timer's moment (never back) and fires it once. */
enum step_end machine_driver_fire(struct machine_driver *driver);

/* 0 if nothing was ever posted to it. */
int64_t machine_driver_balance(const struct machine_driver *driver, const char *field);

/* Appends "name name | name" of all changes from event FROM on (1 based), events parted by bars.
 * NAME writes one change's name. */
typedef void (*driver_name_fn)(const void *change, struct buf *out);
void machine_driver_history(const struct machine_driver *driver, size_t from, driver_name_fn name, struct buf *out);

#endif

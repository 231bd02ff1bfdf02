/* A kind of machine that is no invoice, for tests of the engine: it counts. It takes every input, stumbles, asks the
 * world, binds tags and ends itself, each at a value of its own. */
#ifndef SLUICE_TESTS_COUNTER_H
#define SLUICE_TESTS_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/machine.h"

struct counter {
    int64_t value, ticks;
    const char *text;
    bool born;
};

/* What may be asked of it: ADD by, or TIMER in so many ms, or ECHO by an effect (of the call, or of the timer). */
struct ask {
    enum { ASK_ADD, ASK_TIMER, ASK_UNSET, ASK_ECHO, ASK_BIND, ASK_BIND_ONLY, ASK_REMOVE } what;
    int64_t by;
    const char *tag;
};

/* Values at which the timer does something of its own. */
#define VALUE_STUMBLES 50 /* ticks, goes on at once, and then cannot */
#define VALUE_ENDS 60     /* removes itself */
#define VALUE_HURRIES 70  /* ticks, and at once asks the world without waiting for the commit */
#define VALUE_ASKS 100    /* and more: asks the world */
#define VALUE_BINDS 200   /* and more: binds a tag, too */

#define COUNTER_EFFECT 7 /* the only kind of effect it has */

extern const struct type type_counter;
extern const struct machine_kind counter_kind;

#endif

/* Decides, for as long as a daemon runs, whether its Redis may be used.
 *
 * Once a second, and whenever the connection comes: is it our deployment (sluice:meta), does it keep what it is told
 * (redis/meta.h), does it take writes, may this user make them (lua/probe.lua), has it all that was seen in it
 * (redis/loss.h)? From the moment that one answer is no, or the connection is lost, until all are yes again, the client is held: nothing is read or written, as though Redis
 * were not there. Each change is said once in the log. Ref: doc/operations.md, What Redis must be. */
#ifndef SLUICE_REDIS_GUARD_H
#define SLUICE_REDIS_GUARD_H

#include <stdbool.h>
#include <stdint.h>

struct client;
struct event_base;
struct seen;

enum guard_state {
    GUARD_USABLE,
    GUARD_DOWN,        /* not connected, or not judged yet since it is again */
    GUARD_DATA,        /* sluice:meta is gone, of another deployment, or cannot be understood */
    GUARD_DURABILITY,  /* it has become weaker than was asked for */
    GUARD_READ_ONLY,   /* it is a replica */
    GUARD_PERMISSIONS, /* the user may not do what is needed */
    GUARD_MEMORY,      /* it is full */
    GUARD_DISK,        /* it cannot save, and takes no writes until it can */
    GUARD_REPLICAS,    /* it has fewer good replicas than it was told to have */
    GUARD_LOSS,        /* it lacks what a daemon knows to have been stored (redis/loss.h) */
    GUARD_REFUSES,     /* anything else: it loads, or runs somebody's slow script */
    GUARD_STATES,
};

struct guard;

struct guard_setup {
    struct event_base *base;
    struct client *client; /* its state is to be told by guard_connection; freed before the guard */
    struct seen *seen;     /* what must be there; freed after the guard */
    bool strict;           /* else a loss of the last seconds is said, and accepted */
    void (*judged)(void *arg); /* once, behind the first verdict, whatever it is; not before guard_new returns */
    void *judged_arg;
};

/* The client is up. It is held until the first verdict. */
struct guard *guard_new(const struct guard_setup *setup);
void guard_free(struct guard *guard); /* writes down what was seen; NULL is fine */
void guard_connection(struct guard *guard, bool up);

struct guard_view {
    enum guard_state state;
    const char *reason;   /* a sentence; borrowed; "" if usable */
    bool durable;         /* as strict asks for, when last judged */
    uint64_t entered[GUARD_STATES]; /* times that each was come to */
};
void guard_view(const struct guard *guard, struct guard_view *out);
const char *guard_state_name(enum guard_state state); /* "usable", "down", "data", … */

#endif

/* Which daemons live, each under a name of its own, with a card that says what it is: an opaque text, which the others
 * can read. A name belongs to one process; a second one that comes with it is told so.
 * Ref: lua/enlist.lua; doc/redis-keys.md. */
#ifndef SLUICE_REDIS_ROSTER_H
#define SLUICE_REDIS_ROSTER_H

#include <stdbool.h>
#include <stddef.h>

struct client;
struct event_base;
struct roster;

#define ROSTER_KEY "sluice:daemons:cards"

struct roster_setup {
    struct event_base *base;
    struct client *client; /* outlives no roster: it is freed first */
    const char *name;      /* copied */
    /* Called each second, when the cards of the others have come. */
    void (*seen)(void *arg);
    void *seen_arg;
};

struct roster *roster_new(const struct roster_setup *setup);
void roster_free(struct roster *roster); /* NULL is fine */

/* Takes the name, with CARD, and keeps it from then on. A name whose holder has been silent for SILENT_MAX_MS is free, so
 * a taken one is asked for again until it is clear that its holder lives.
 * Calls: DONE once, never from inside; HOLDER is the card of the one who has the name, NULL: it is ours. */
typedef void (*roster_done_fn)(void *arg, const char *holder);
void roster_enlist(struct roster *roster, const char *card, roster_done_fn done, void *arg);
/* CARD is ours from now on. */
void roster_say(struct roster *roster, const char *card);
/* Gives the name back; nothing waits for it. */
void roster_leave(struct roster *roster);

struct roster_entry {
    const char *name, *card;
};
/* Those that live, ours too, in the order of names; borrowed until the next second. */
size_t roster_entries(const struct roster *roster, const struct roster_entry **out);
const char *roster_own(const struct roster *roster); /* our card */

#endif

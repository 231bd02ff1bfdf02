/* Room for machines in work: how many there may be, of all and of one party, and who goes first. What was begun goes
 * before what begins; where it gets narrow, a party that has much in work waits for those that have little.
 * Ref: doc/operations.md, One provider hangs. */
#ifndef SLUICE_ENGINE_ROOM_H
#define SLUICE_ENGINE_ROOM_H

#include <stdbool.h>
#include <stddef.h>

struct room;

struct room *room_new(size_t max); /* machines; > 0 */
void room_free(struct room *room); /* NULL is fine */
/* Whether one more machine may be taken into work. OWNER: whose it is; NULL: nobody's. BEGINS: for work of its own, which
 * is refused at three quarters of all, and from a half on to those who have a quarter. */
bool room_has(const struct room *room, const char *owner, bool begins);
void room_enter(struct room *room, const char *owner); /* OWNER is copied */
void room_leave(struct room *room, const char *owner); /* once for each enter */
size_t room_used(const struct room *room);

#endif

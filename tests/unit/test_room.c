/* Who may begin when there is much to do already. */
#include <criterion/criterion.h>

#include "engine/room.h"

/* If it fails, new work takes the last places, and timers and callbacks of what was begun find none. */
Test(room, what_was_begun_goes_first)
{
    struct room *room = room_new(8);
    int i;

    for (i = 0; i < 6; i++) {
        cr_expect(room_has(room, NULL, true), "%d", i);
        room_enter(room, NULL);
    }
    cr_expect(!room_has(room, NULL, true) && !room_has(room, "a", true) && room_has(room, NULL, false));
    room_enter(room, NULL);
    room_enter(room, "a");
    cr_expect(!room_has(room, NULL, false) && !room_has(room, "a", false));
    cr_expect_eq(room_used(room), 8);
    room_leave(room, "a");
    cr_expect(room_has(room, "b", false));
    room_free(room);
}

/* If it fails, one party's flood is everybody's 429. */
Test(room, a_party_with_much_waits_for_those_with_little)
{
    struct room *room = room_new(16);
    int i;

    for (i = 0; i < 8; i++) {
        cr_expect(room_has(room, "flood", true), "alone it may have a half: %d", i);
        room_enter(room, "flood");
    }
    cr_expect(!room_has(room, "flood", true), "a half is in use, and it has a quarter or more");
    cr_expect(room_has(room, "flood", false), "what it has begun goes on");
    for (i = 0; i < 4; i++) {
        cr_expect(room_has(room, "small", true), "%d", i);
        room_enter(room, "small");
    }
    cr_expect(!room_has(room, "small", true) && !room_has(room, "other", true), "three quarters are in use");
    for (i = 0; i < 6; i++)
        room_leave(room, "flood");
    cr_expect(room_has(room, "flood", true));
    room_free(room);
}

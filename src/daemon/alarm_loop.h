/* Time of the process over libevent: what the runtime and the wheel call an alarm. */
#ifndef SLUICE_DAEMON_ALARM_LOOP_H
#define SLUICE_DAEMON_ALARM_LOOP_H

#include "engine/runtime.h"

struct alarm_loop;
struct event_base;

/* An event base whose timers are exact: libevent's own choice of clock is up to 4 ms coarse. */
struct event_base *alarm_base_new(void);

struct alarm_loop *alarm_loop_new(struct event_base *base);
void alarm_loop_free(struct alarm_loop *loop); /* what has not rung never rings; before the base is freed */

extern const struct alarm_ops alarm_loop_ops; /* ctx: struct alarm_loop */

#endif

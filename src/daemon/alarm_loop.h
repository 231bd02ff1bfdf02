/* Time of the process over libevent: what the runtime and the wheel call an alarm. */
#ifndef SLUICE_DAEMON_ALARM_LOOP_H
#define SLUICE_DAEMON_ALARM_LOOP_H

#include "engine/runtime.h"

struct event_base;

/* ctx: the event base. What has not rung when the base is freed never rings. */
extern const struct alarm_ops alarm_loop_ops;

#endif

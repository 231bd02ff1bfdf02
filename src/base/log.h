/* One line to stderr per event: time, level, message, whose control characters are escaped (base/text.h), so that
 * nothing that somebody sent looks like a line of ours. Log once, where the error is handled, with
 * machine id and activity. */
#ifndef SLUICE_BASE_LOG_H
#define SLUICE_BASE_LOG_H

#include <stdbool.h>

#include "base/err.h"

enum log_level { LOG_LEVEL_OFF = -1, LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(enum log_level level); /* default: info; OFF: nothing, for simulations of faults */
bool log_level_parse(const char *name, enum log_level *out); /* "error", "warn", "info", "debug" */

void log_error(const char *format, ...) SL_PRINTF(1, 2);
void log_warn(const char *format, ...) SL_PRINTF(1, 2);
void log_info(const char *format, ...) SL_PRINTF(1, 2);
void log_debug(const char *format, ...) SL_PRINTF(1, 2);

#endif

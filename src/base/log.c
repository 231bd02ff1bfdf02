#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/pan.h"
#include "base/text.h"

#define LINE_MAX_BYTES 4096 /* longer messages are cut, so that one line is one write */

static const char *const names[] = { "error", "warn", "info", "debug" };
static enum log_level level_max = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    level_max = level;
}

bool log_level_parse(const char *name, enum log_level *out)
{
    size_t i;

    for (i = 0; i < SL_COUNT(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static void SL_PRINTF(2, 0) log_line(enum log_level level, const char *format, va_list args)
{
    char line[LINE_MAX_BYTES], text[LINE_MAX_BYTES];
    struct timespec now;
    struct tm utc;
    size_t len;
    int wrote;

    if (level > level_max)
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    len = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &utc);
    wrote = snprintf(line + len, sizeof(line) - len, ".%03ldZ %s ", now.tv_nsec / 1000000, names[level]);
    len += (size_t)wrote;
    wrote = vsnprintf(text, sizeof(text), format, args);
    if (wrote > 0) /* what others sent may be in it: one event stays one line */
        len += text_escape(text, (size_t)wrote < sizeof(text) ? (size_t)wrote : sizeof(text) - 1, line + len,
                           sizeof(line) - len - 1);
    pan_mask(line, len);
    line[len++] = '\n';
    fwrite(line, 1, len, stderr);
}

#define LOG_FUNCTION(name, level)              \
    void name(const char *format, ...)         \
    {                                          \
        va_list args;                          \
                                               \
        va_start(args, format);                \
        log_line(level, format, args);         \
        va_end(args);                          \
    }

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)

/* Bytes that belong to somebody else: keys and arguments on their way to Redis. */
#ifndef SLUICE_REDIS_SLICE_H
#define SLUICE_REDIS_SLICE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const char *data;
    size_t len;
};

#define SLICE_I64_MAX 24 /* bytes for a number's text */

static inline struct slice slice_of(const char *text)
{
    return (struct slice){ text, strlen(text) };
}

/* VALUE in decimal, written to TEXT, which must live as long as the slice. */
struct slice slice_i64(char text[SLICE_I64_MAX], int64_t value);

#endif

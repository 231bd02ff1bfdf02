/* Time stamps as text. Microseconds since 1970 UTC inside, RFC 3339 with Z outside. Years 1970..9999. */
#ifndef SLUICE_BASE_RFC3339_H
#define SLUICE_BASE_RFC3339_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RFC3339_MAX 32 /* bytes, with the NUL */

/* US is within 1970..9999. Writes e.g. "2026-01-31T23:59:59Z", with ".123456" only when there is a
 * fraction. Returns the length. */
size_t rfc3339_format(int64_t us, char out[RFC3339_MAX]);

/* Accepts offsets other than Z and up to nine digits of fraction (cut to microseconds); the moment
 * itself is within 1970..9999 in UTC. False leaves *US_OUT alone. */
bool rfc3339_parse(const char *text, int64_t *us_out);

/* MS, a number from anywhere, in microseconds: the nearest moment that can be written. A timer for the last
 * moment of 9999 is set for the millisecond after it. */
int64_t rfc3339_us_of_ms(int64_t ms);

#endif

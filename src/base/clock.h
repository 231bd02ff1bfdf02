/* The only place that reads a clock or draws random bits. The core gets both as values. */
#ifndef SLUICE_BASE_CLOCK_H
#define SLUICE_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t clock_wall_us(void); /* microseconds since 1970 UTC, of this host */
int64_t clock_mono_us(void); /* monotonic microseconds, for measuring and for deadlines */
uint64_t clock_random(void); /* unpredictable bits from the kernel */

#endif

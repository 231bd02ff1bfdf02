/* How far an adapter may go with one session: what steps are given as step_in.settings (NULL: the defaults).
 * Ref: doc/spec/session.md 2.                                                                      */
#ifndef SLUICE_PAYMENT_BOUNDS_H
#define SLUICE_PAYMENT_BOUNDS_H

#include <stdint.h>

struct payment_bounds {
    int64_t session_wait_min_ms; /* no sleep or suspension is shorter, but for the first few of a session; 0..60000 */
    int64_t session_calls_max;   /* calls that Sluice makes of its own accord before the invoice is parked; > 0 */
};

extern const struct payment_bounds payment_bounds_default; /* 100 ms; 10000 */

#endif

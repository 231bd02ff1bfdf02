/* How often and after what waits a session is started anew when its provider failed for the moment.
 *
 *     {"no_retry": {}}
 *     {"linear": {"retries": RETRIES, "timeout": W}}                        W, W, W …
 *     {"exponential": {"retries": RETRIES, "factor": F, "timeout": W, "max_timeout"?: M}}
 *                                                                           W, W·F, W·F² … each at most M
 *     {"intervals": {"timeouts": [W, …]}}                                   as listed
 *     {"timecap": {"max_total_timeout_ms": T, "policy": POLICY}}            POLICY (no timecap), as long as its
 *                                                                           waits sum to at most T
 *     RETRIES: {"max": N}, {"max_total_timeout": T} (as many as sum to at most T) or {"infinite": {}}
 *
 * Waits in whole seconds. They stand in the object `globals` under `session_retry`, by target; a target
 * that is not named there has the default. Ref: doc/spec/session.md 9; doc/spec/domain.md 11.       */
#ifndef SLUICE_DOMAIN_RETRY_POLICY_H
#define SLUICE_DOMAIN_RETRY_POLICY_H

#include "base/type.h"

#define RETRY_WAIT_MAX_S ((int64_t)30 * 24 * 3600) /* no wait is longer */

struct retry_count {
    int tag; /* RETRY_* */
    int64_t max, max_total_timeout;
};
enum { RETRY_MAX = 1, RETRY_MAX_TOTAL, RETRY_INFINITE };

struct linear_policy {
    struct retry_count retries;
    int64_t timeout;
};
struct exponential_policy {
    struct retry_count retries;
    int64_t factor, timeout;
    const int64_t *max_timeout; /* NULL: none */
};
struct intervals_policy {
    struct type_list timeouts; /* of int64_t */
};
struct retry_waits;
struct timecap_policy {
    int64_t max_total_timeout_ms;
    const struct retry_waits *policy;
};
struct retry_waits {
    int tag; /* POLICY_* */
    struct linear_policy linear;
    struct exponential_policy exponential;
    struct intervals_policy intervals;
    struct timecap_policy timecap;
};
enum { POLICY_NO_RETRY = 1, POLICY_LINEAR, POLICY_EXPONENTIAL, POLICY_INTERVALS, POLICY_TIMECAP };

struct session_retry { /* by target; NULL: the default */
    const struct retry_waits *processed, *captured, *cancelled, *refunded;
};

extern const struct type type_session_retry, type_retry_waits;

/* The wait before retry number MADE + 1, in seconds; -1: no more. MADE >= 0 are already made. */
int64_t retry_waits_next_s(const struct retry_waits *policy, int64_t made);

#endif

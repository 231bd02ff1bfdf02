/* Which policy, and which failures. Ref: doc/spec/session.md 8, 9. */
#include "payment/retry.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "domain/domain.h"
#include "domain/retry_policy.h"
#include "payment/types.h"

/* Exponential, at most 30 s in total, factor 2, first 1 s: 1, 2, 4, 8. */
static const struct retry_waits processed_default = {
    .tag = POLICY_EXPONENTIAL,
    .exponential = { .retries = { .tag = RETRY_MAX_TOTAL, .max_total_timeout = 30 }, .factor = 2, .timeout = 1 },
};

bool retry_failure_is_transient(const struct operation_failure *failure)
{
    const struct failure *what = failure->tag == OPERATION_FAILURE ? &failure->failure : NULL;

    return what && strcmp(what->code, "authorization_failed") == 0 && what->sub &&
           strcmp(what->sub->code, "temporarily_unavailable") == 0;
}

static const struct retry_waits *policy_of(const struct domain *head, int target)
{
    const struct globals *globals = head ? domain_globals(head) : NULL;
    const struct session_retry *retry = globals ? globals->session_retry : NULL;

    switch (target) {
    case TARGET_PROCESSED: return retry && retry->processed ? retry->processed : &processed_default;
    case TARGET_CAPTURED: return retry ? retry->captured : NULL;
    case TARGET_CANCELLED: return retry ? retry->cancelled : NULL;
    case TARGET_REFUNDED: return retry ? retry->refunded : NULL;
    default: return NULL;
    }
}

int64_t retry_wait_s(const struct domain *head, int target, int64_t attempts)
{
    const struct retry_waits *policy = policy_of(head, target);

    assert(attempts >= 0);
    return policy ? retry_waits_next_s(policy, attempts) : -1;
}

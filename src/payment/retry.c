/* The default policies of doc/spec/session.md 9. */
#include "payment/retry.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "payment/types.h"

/* exponential, at most 30 s in total, factor 2, first 1 s: as many terms as sum to at most 30 minus
 * what a fifth one, 16 s, would add. Captures, cancels and refunds are not retried. */
static const int64_t processed_waits_s[] = { 1, 2, 4, 8 };

bool retry_failure_is_transient(const struct operation_failure *failure)
{
    const struct failure *what = failure->tag == OPERATION_FAILURE ? &failure->failure : NULL;

    return what && strcmp(what->code, "authorization_failed") == 0 && what->sub &&
           strcmp(what->sub->code, "temporarily_unavailable") == 0;
}

int64_t retry_wait_s(int target, int64_t attempts)
{
    assert(attempts >= 0);
    if (target != TARGET_PROCESSED || attempts >= (int64_t)SL_COUNT(processed_waits_s))
        return -1;
    return processed_waits_s[attempts];
}

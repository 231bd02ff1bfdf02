/* See retry_policy.h. */
#include "domain/retry_policy.h"

#include <assert.h>

/* ---- the tables ---- */

static const struct type type_seconds = TYPE_I64_IN(0, RETRY_WAIT_MAX_S);
static const struct type type_wait = TYPE_I64_IN(1, RETRY_WAIT_MAX_S); /* nothing may be retried hot for ever */
static const struct type type_milliseconds = TYPE_I64_IN(0, RETRY_WAIT_MAX_S * 1000);
static const struct type type_times = TYPE_I64_IN(0, 1000000);
static const struct type type_factor = TYPE_I64_IN(1, 1000);

static const struct type_field count_rows[] = {
    TF_VAR(retry_count, max, type_times),
    TF_VAR(retry_count, max_total_timeout, type_seconds),
    TF_EMPTY("infinite"),
};
static const struct type type_count = TYPE_UNION_OF("RetryCount", retry_count, count_rows);
static const struct type_field linear_rows[] = {
    TF_REQ(linear_policy, retries, type_count),
    TF_REQ(linear_policy, timeout, type_wait),
};
static const struct type type_linear = TYPE_STRUCT_OF("LinearRetries", linear_policy, linear_rows);
static const struct type_field exponential_rows[] = {
    TF_REQ(exponential_policy, retries, type_count),
    TF_REQ(exponential_policy, factor, type_factor),
    TF_REQ(exponential_policy, timeout, type_wait),
    TF_PTR(exponential_policy, max_timeout, type_wait),
};
static const struct type type_exponential = TYPE_STRUCT_OF("ExponentialRetries", exponential_policy, exponential_rows);
static const struct type type_timeouts = {
    .kind = TYPE_LIST, .size = sizeof(struct type_list), .item = &type_seconds, .min = 0, .max = 1000,
};
static const struct type_field intervals_rows[] = { TF_REQ(intervals_policy, timeouts, type_timeouts) };
static const struct type type_intervals = TYPE_STRUCT_OF("RetryIntervals", intervals_policy, intervals_rows);
static const struct type_field timecap_rows[] = {
    TF_REQ(timecap_policy, max_total_timeout_ms, type_milliseconds),
    { "policy", &type_retry_waits, offsetof(struct timecap_policy, policy), TYPE_REQUIRED | TYPE_POINTER },
};
/* A cap on a cap says nothing new. */
static const char *check_timecap(const void *value)
{
    const struct timecap_policy *timecap = value;

    return timecap->policy->tag == POLICY_TIMECAP ? "must not hold another timecap" : NULL;
}
static const struct type type_timecap = {
    .kind = TYPE_STRUCT, .name = "CappedRetries", .size = sizeof(struct timecap_policy), .fields = timecap_rows,
    .field_count = SL_COUNT(timecap_rows), .check = check_timecap,
};
static const struct type_field waits_rows[] = {
    TF_EMPTY("no_retry"),
    TF_VAR(retry_waits, linear, type_linear),
    TF_VAR(retry_waits, exponential, type_exponential),
    TF_VAR(retry_waits, intervals, type_intervals),
    TF_VAR(retry_waits, timecap, type_timecap),
};
const struct type type_retry_waits = TYPE_UNION_OF("RetryPolicy", retry_waits, waits_rows);
static const struct type_field session_retry_rows[] = {
    TF_PTR(session_retry, processed, type_retry_waits),
    TF_PTR(session_retry, captured, type_retry_waits),
    TF_PTR(session_retry, cancelled, type_retry_waits),
    TF_PTR(session_retry, refunded, type_retry_waits),
};
const struct type type_session_retry = TYPE_STRUCT_OF("SessionRetry", session_retry, session_retry_rows);

/* ---- waits ---- */

/* Wait number INDEX (from 0) of a policy whose count is not looked at; -1: the list has no more. */
static int64_t term_s(const struct retry_waits *policy, int64_t index)
{
    const struct exponential_policy *exponential = &policy->exponential;
    const int64_t *listed = policy->intervals.timeouts.items;
    int64_t cap = exponential->max_timeout ? *exponential->max_timeout : RETRY_WAIT_MAX_S;
    int64_t wait = exponential->timeout;

    if (policy->tag == POLICY_LINEAR)
        return policy->linear.timeout;
    if (policy->tag == POLICY_INTERVALS)
        return index < (int64_t)policy->intervals.timeouts.count ? listed[index] : -1;
    while (exponential->factor > 1 && index-- > 0 && wait < cap) /* at most as often as 30 days can be halved */
        wait *= exponential->factor;
    return wait < cap ? wait : cap;
}

/* Whether the first MADE + 1 waits, counts aside, sum to at most TOTAL_S. */
static bool terms_fit(const struct retry_waits *policy, int64_t made, int64_t total_s)
{
    int64_t i, sum = 0;

    if (made > total_s && policy->tag != POLICY_INTERVALS)
        return false; /* each is at least a second */
    for (i = 0; i <= made && sum <= total_s; i++) {
        int64_t wait = term_s(policy, i);

        if (wait < 0)
            return false;
        sum += wait;
    }
    return sum <= total_s;
}

static bool count_allows(const struct retry_waits *policy, const struct retry_count *count, int64_t made)
{
    switch (count->tag) {
    case RETRY_MAX: return made < count->max;
    case RETRY_MAX_TOTAL: return terms_fit(policy, made, count->max_total_timeout);
    default: return true;
    }
}

int64_t retry_waits_next_s(const struct retry_waits *policy, int64_t made)
{
    assert(made >= 0);
    switch (policy->tag) {
    case POLICY_LINEAR: return count_allows(policy, &policy->linear.retries, made) ? term_s(policy, made) : -1;
    case POLICY_EXPONENTIAL:
        return count_allows(policy, &policy->exponential.retries, made) ? term_s(policy, made) : -1;
    case POLICY_INTERVALS: return term_s(policy, made);
    case POLICY_TIMECAP:
        if (policy->timecap.policy->tag != POLICY_NO_RETRY &&
            terms_fit(policy->timecap.policy, made, policy->timecap.max_total_timeout_ms / 1000))
            return retry_waits_next_s(policy->timecap.policy, made);
        return -1;
    default: return -1;
    }
}

/* Retries of a session after a transient failure of the provider: how often, and after what wait.
 * Not to be mixed up with the engine's retries of a step (engine/machine.h), which the provider's
 * answers never cause. Ref: doc/spec/session.md 8, 9. */
#ifndef SLUICE_PAYMENT_RETRY_H
#define SLUICE_PAYMENT_RETRY_H

#include <stdbool.h>
#include <stdint.h>

struct domain;
struct operation_failure;

/* True for authorization_failed:temporarily_unavailable, with or without further sub-codes. */
bool retry_failure_is_transient(const struct operation_failure *failure);

/* The wait before retry number ATTEMPTS + 1 of a session towards a target of type TARGET (a tag of
 * struct target), in seconds; -1: no retries are left. ATTEMPTS >= 0 are already made. The policies are those of
 * HEAD's globals (domain/retry_policy.h), else the defaults: processed 1, 2, 4, 8 s; others none. */
int64_t retry_wait_s(const struct domain *head, int target, int64_t attempts);

#endif

/* How much an operation counts for in a turnover limit. Pure. Ref: doc/spec/limits.md 3. */
#ifndef SLUICE_LIMITS_AMOUNT_H
#define SLUICE_LIMITS_AMOUNT_H

#include "limits/turnover.h"

/* *OUT: what VERB, a LIMIT_HOLD or LIMIT_COMMIT, brings; |*OUT| <= LIMIT_AMOUNT_MAX. False: *FAULT. */
SL_MUST_USE bool amount_of(const struct turnover_use *use, const struct turnover_facts *facts, enum limit_verb verb,
                           struct arena *arena, int64_t *out, struct turnover_fault *fault);

#endif

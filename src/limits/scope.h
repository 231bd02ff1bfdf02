/* Whose turnover a counter counts: the part of its name that tells parties, shops, cards, ... apart. Pure.
 * Ref: doc/spec/limits.md 2.1. */
#ifndef SLUICE_LIMITS_SCOPE_H
#define SLUICE_LIMITS_SCOPE_H

#include "base/buf.h"
#include "limits/turnover.h"

/* Appends the prefix of LIMIT's scopes to OUT: "" or "/<part>...". False: *FAULT. */
SL_MUST_USE bool scope_prefix(const struct turnover_use *use, const struct turnover_facts *facts, struct arena *arena,
                              struct buf *out, struct turnover_fault *fault);

#endif

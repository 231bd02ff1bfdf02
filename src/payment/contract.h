/* What an adapter's answer must hold to beyond its shape, for Sluice to act on it. Pure. */
#ifndef SLUICE_PAYMENT_CONTRACT_H
#define SLUICE_PAYMENT_CONTRACT_H

#include "base/arena.h"
#include "payment/effect.h"
#include "payment/state.h"

/* NULL, or what RESULT, an answer to SESSION of PAYMENT, does that would send the payer, the money or the merchant where
 * they must not go; a sentence without its subject, in ARENA.
 * Ref: doc/spec/session.md 2; doc/provider-protocol.md 1.                                          */
const char *contract_breach(const struct payment *payment, const struct session *session,
                            const struct proxy_result *result, struct arena *arena);

#endif

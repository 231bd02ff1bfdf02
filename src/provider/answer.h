/* What an answer of a provider or of the inspector means, once it has come as a whole. Pure. */
#ifndef SLUICE_PROVIDER_ANSWER_H
#define SLUICE_PROVIDER_ANSWER_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "payment/effect.h"

/* Decodes BODY, which came with HTTP STATUS in answer to WIRE. *VALUE is of WIRE's answer type; it and
 * *DETAIL live in ARENA.
 * Errors: SL_EPROTO with *DETAIL, a sentence that names the call and the place ("/intent/finish"), and
 *         nothing of what stood there; *VALUE is NULL then, as *DETAIL is on SL_OK.
 * Ref:    doc/spec/session.md 12.                                                                   */
SL_MUST_USE enum sl_err answer_decode(const struct effect_wire *wire, int status, const char *body, size_t len,
                                      struct arena *arena, const void **value, const char **detail);

#endif

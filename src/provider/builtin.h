/* The provider and the inspector that need no process of their own (effects.h). Pure. */
#ifndef SLUICE_PROVIDER_BUILTIN_H
#define SLUICE_PROVIDER_BUILTIN_H

#include <stdbool.h>

#include "base/arena.h"
#include "engine/machine.h"

bool builtin_is(const char *url);

/* The result of the order KIND with REQUEST (payment/effect.h) at URL, in ARENA. A URL that names
 * nothing we have, or nothing that answers such an order, is SL_EDOWN. */
const struct effect_result *builtin_answer(const char *url, int kind, const void *request, struct arena *arena);

#endif

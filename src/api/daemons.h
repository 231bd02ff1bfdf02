/* What a daemon's card says, and where two of them differ that must not. */
#ifndef SLUICE_API_DAEMONS_H
#define SLUICE_API_DAEMONS_H

#include <jansson.h>

/* The names of those `options` that OTHER's card has otherwise than OWN's, as an array of strings; the caller's. */
json_t *daemons_differences(const json_t *own, const json_t *other);

#endif

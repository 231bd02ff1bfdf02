/* Whether a value can be read again once it is stored. */
#ifndef SLUICE_BASE_TYPE_FITS_H
#define SLUICE_BASE_TYPE_FITS_H

#include "base/type.h"

/* NULL if what type_encode makes of VALUE will be decoded with TYPE_STORED, also a few levels further down; else what is
 * in the way, in ARENA. Looks at sizes, ranges, depths and the types' own checks; costs no JSON. */
const char *type_unfit(const struct type *type, const void *value, struct arena *arena);

#endif

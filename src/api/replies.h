/* What the answers look like, for /openapi.json. */
#ifndef SLUICE_API_REPLIES_H
#define SLUICE_API_REPLIES_H

#include <jansson.h>

/* Adds the schemas of all answers, by the names that the routes give them, and of what they refer to. */
void replies_describe(json_t *schemas);

#endif

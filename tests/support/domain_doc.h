/* The example configuration as a document that tests can change before it is parsed. */
#ifndef SLUICE_TESTS_DOMAIN_DOC_H
#define SLUICE_TESTS_DOMAIN_DOC_H

#include <jansson.h>

#include "domain/domain.h"

json_t *doc_load(void); /* owned */

/* Index of the object of KIND whose reference is the JSON text REF. It must be there. */
size_t doc_index(const json_t *doc, const char *kind, const char *ref);

/* Sets what PATH ("/data/terms/payments", from the object on) of an object leads to; VALUE is JSON text, NULL removes.
 * The way there must exist; an index equal to an array's length appends. */
void doc_set(json_t *doc, const char *kind, const char *ref, const char *path, const char *value);

/* Appends an object. */
void doc_add(json_t *doc, const char *kind, const char *ref, const char *data);

/* Parses DOC and drops it. The first must succeed. */
struct domain *doc_domain_take(json_t *doc, struct arena *arena);
enum sl_err doc_parse_take(json_t *doc, struct arena *arena, struct domain **out, struct type_errors *errors);

/* Decodes TEXT, which must be right. */
void must_decode(const struct type *type, const char *text, struct arena *arena, void *out);

/* VALUE as JSON text in ARENA. */
const char *encoded(const struct type *type, const void *value, struct arena *arena);

#endif

/* Which route a request is for: paths against patterns, query strings against their names. Pure. */
#ifndef SLUICE_API_ROUTER_H
#define SLUICE_API_ROUTER_H

#include "api/request.h"

/* PATH against PATTERN; the decoded parts that stand in braces go to PARAMS (PATH_PARAMS_MAX), the rest of which
 * is NULL. A part is never empty and holds no NUL, decoded or not. */
bool router_path_matches(const char *pattern, const char *path, struct arena *arena, const char **params);

/* The route of ROUTES (ended by one without a method) for METHOD and PATH; NULL: none. ALLOWED gets the methods that
 * the path has, as the header Allow wants them; it stays empty if there is no such path. */
struct api_route *router_find(struct api_route *routes, const char *method, const char *path, struct arena *arena,
                              const char **params, struct buf *allowed);

/* Reads QUERY (NULL: none) into OUT, of which QUERY_PARAMS_MAX are there. KNOWN: names with blanks between.
 * NULL if all is well, else what is at fault ("?name"), with a sentence in *WHY. */
const char *router_query(const char *query, const char *known, struct arena *arena, struct query_param *out,
                         size_t *count, const char **why);

/* A whole number in decimal digits within MIN..MAX; no blanks, no plus. */
bool router_i64(const char *text, int64_t min, int64_t max, int64_t *out);

#endif

/* The configuration that routing is measured with. */
#ifndef SLUICE_BENCH_ROUTE_DOC_H
#define SLUICE_BENCH_ROUTE_DOC_H

#include <jansson.h>

/* Raises every turnover limit in VALUE so far that no bench reaches it: what is counted costs the same. */
void route_doc_lift_limits(json_t *value);

/* Takes all turnover limits away: payments that nothing is counted for. */
void route_doc_drop_limits(json_t *value);

/* Replaces what card payments of the example DOC may be routed to: TERMINALS candidates of one priority, with
 * weights, each with terms of its own over its provider's and LIMITS (0..2) turnover limits. */
void route_doc_fill(json_t *doc, int terminals, int limits);

#endif

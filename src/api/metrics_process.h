/* Figures of the process itself, under the names that Prometheus's own libraries use. */
#ifndef SLUICE_API_METRICS_PROCESS_H
#define SLUICE_API_METRICS_PROCESS_H

#include "base/buf.h"

/* Appends sluice_build_info and process_*; what this system does not tell is left out. */
void process_figures(struct buf *out);

#endif

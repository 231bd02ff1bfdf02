/* The payments that `sluice route simulate` is asked about. */
#ifndef SLUICE_CLI_ROUTE_SAMPLE_H
#define SLUICE_CLI_ROUTE_SAMPLE_H

#include "cli/cli.h"
#include "domain/simulate.h"

struct sample {
    struct sample_payment *list;
    size_t count, size;
};

/* Both answer an exit code, after a complaint if it is not 0; what is read is in ARENA. */

/* From FILE ("-": standard input): a JSON object a line; empty lines are passed over. */
int sample_read(const char *file, struct arena *arena, struct sample *out);
/* The last COUNT payments that were started: the feed is read from its beginning. */
int sample_from_feed(const struct cli *cli, size_t count, struct arena *arena, struct sample *out);

#endif

/* What this daemon says of itself to the others and to operators: version, start, addresses, and the options that must
 * be the same everywhere. */
#ifndef SLUICE_DAEMON_CARD_H
#define SLUICE_DAEMON_CARD_H

#include "daemon/options.h"

struct roster;

/* Its JSON, on one line; the caller's, free(). STARTED_US: microseconds since 1970. IS_LISTENING: the ports are known. */
char *card_write(const char *name, int64_t started_us, const struct options *options, bool is_listening);

/* Says in the log once of each daemon on ROSTER whose options differ from ours. TOLD keeps the names; the caller's,
 * free(), NULL at first. */
void card_compare(const struct roster *roster, char **told);

#endif

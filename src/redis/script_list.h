/* All scripts of the program, for client_setup.scripts: a connection that knows them from the start needs
 * no second round trip for the first call of each. */
#ifndef SLUICE_REDIS_SCRIPT_LIST_H
#define SLUICE_REDIS_SCRIPT_LIST_H

#include "redis/script.h"

extern struct script *const script_list[]; /* ends with NULL */

#endif

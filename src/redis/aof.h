/* The append only file of a private redis-server that a power cut left torn.
 *
 * Redis appends what one script has written as MULTI … EXEC, in one write. A power cut can keep any part of it.
 * Redis's own remedy (aof-load-truncated yes) cuts the file behind the last whole command: the MULTI stays open, the
 * next commit lands behind it, and the next start runs the half transaction with it. So ours is started with
 * aof-load-truncated no, and what is torn is cut off here, whole transactions only.
 * Ref: doc/decisions/0019-torn-transactions.md. */
#ifndef SLUICE_REDIS_AOF_H
#define SLUICE_REDIS_AOF_H

#include <stdbool.h>
#include <stddef.h>

enum aof_verdict {
    AOF_WHOLE, /* ends behind a command or transaction */
    AOF_TORN,  /* ends within one, or in zeros behind the beginning of one: what a cut leaves */
    AOF_BAD,   /* what stands at GOOD is no command, or more than one transaction stands behind it: not a cut */
};

struct aof_scan {
    enum aof_verdict verdict;
    size_t good;    /* bytes of whole commands and transactions, from the beginning */
    size_t dropped; /* whole commands behind GOOD, of a transaction without an end */
};

/* Pure. DATA is a file of commands (type i of the manifest). */
void aof_scan(const char *data, size_t len, struct aof_scan *out);

/* Cuts the torn end off the newest file of commands in DIR, a data directory of a redis-server that is not running;
 * the bytes are kept beside it as DIR/torn-SECONDS.aof. True if it did. *SAID: a sentence, the caller's (free()), of
 * what was dropped, or why nothing was; NULL if nothing is wrong with the file. */
bool aof_cut(const char *dir, char **said);

#endif

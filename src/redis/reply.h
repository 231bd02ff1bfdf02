/* What Redis answered, seen without its client library's header. A reply is borrowed: it lives as
 * long as the callback that got it. All functions take NULL for "nothing" and answer as for nil. */
#ifndef SLUICE_REDIS_REPLY_H
#define SLUICE_REDIS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reply;

enum reply_kind { REPLY_NIL, REPLY_STATUS, REPLY_ERROR, REPLY_INTEGER, REPLY_STRING, REPLY_ARRAY };

enum reply_kind reply_kind(const struct reply *reply);
/* Text of a string, status or error; NULL for others. LEN may be NULL. NUL-terminated. */
const char *reply_text(const struct reply *reply, size_t *len);
/* An integer, or a string that is one in whole; false for anything else. */
bool reply_i64(const struct reply *reply, int64_t *out);
/* The same with a value for everything else. */
int64_t reply_i64_or(const struct reply *reply, int64_t otherwise);
size_t reply_count(const struct reply *reply);                        /* of an array; else 0 */
const struct reply *reply_at(const struct reply *reply, size_t index); /* NULL past the end */
/* An error whose first word is WORD. */
bool reply_is_error(const struct reply *reply, const char *word);
/* An error by which Redis says that it did nothing of the command, for a reason that lies with Redis or with what this
 * user may do, and not with the command or the data: LOADING, BUSY, READONLY, OOM, MISCONF, NOPERM, … */
bool reply_did_nothing(const struct reply *reply);

#endif

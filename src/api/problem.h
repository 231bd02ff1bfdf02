/* The body of every answer that is not a success. Ref: RFC 9457; doc/http-api.md, Errors. */
#ifndef SLUICE_API_PROBLEM_H
#define SLUICE_API_PROBLEM_H

#include "base/buf.h"

/* Appends it to OUT. DETAIL: for people; NULL: none. MEMBERS: further members, each with a comma in front; NULL: none. */
void problem_write(struct buf *out, int status, const char *error, const char *detail, const char *members);

#endif

/* Allocation that cannot fail: out of memory ends the process, and since all state is durable a
 * restart resumes where it was. jansson is given the same functions by xmalloc_init(). */
#ifndef SLUICE_BASE_XMALLOC_H
#define SLUICE_BASE_XMALLOC_H

#include <stddef.h>

/* Makes jansson use these functions. Call once, first thing in main(). */
void xmalloc_init(void);

void *xmalloc(size_t size);                  /* SIZE 0 gives a pointer that may be freed */
void *xcalloc(size_t count, size_t size);    /* zeroed; COUNT times SIZE is checked */
void *xrealloc(void *ptr, size_t size);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t len); /* LEN bytes and a NUL */

#endif

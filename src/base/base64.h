/* RFC 4648 base64 with padding. */
#ifndef SLUICE_BASE_BASE64_H
#define SLUICE_BASE_BASE64_H

#include <stddef.h>

/* Text that was checked to be base64 (type_base64); other characters count as zero bits. The result has
 * *LEN bytes and a NUL behind them; the caller frees it. */
char *base64_decode(const char *text, size_t *len);
char *base64_encode(const void *data, size_t len); /* NUL-terminated; the caller frees it */

#endif

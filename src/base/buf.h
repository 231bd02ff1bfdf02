/* A growing byte string, for building JSON, keys and commands. Always NUL-terminated. */
#ifndef SLUICE_BASE_BUF_H
#define SLUICE_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct buf {
    char *data; /* NULL until the first byte; owned */
    size_t len;
    size_t cap;
};

#define BUF_EMPTY { NULL, 0, 0 }

void buf_clear(struct buf *buf); /* frees; BUF is empty and usable afterwards */
void buf_reset(struct buf *buf); /* keeps the memory */
void buf_add(struct buf *buf, const void *data, size_t len);
void buf_str(struct buf *buf, const char *text);
void buf_char(struct buf *buf, char c);
void buf_i64(struct buf *buf, int64_t value); /* decimal */
void buf_printf(struct buf *buf, const char *format, ...) SL_PRINTF(2, 3);
/* TEXT as a JSON string with its quotes. LEN bytes of valid UTF-8. */
void buf_json_str(struct buf *buf, const char *text, size_t len);
/* Borrowed, never NULL ("" when empty). */
const char *buf_text(const struct buf *buf);
/* Hands the bytes over to the caller, who frees them; BUF is empty afterwards. Never NULL. */
char *buf_take(struct buf *buf);

#endif

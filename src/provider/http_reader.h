/* Reads one HTTP/1.x response, bytes in, pieces as they come. Pure: no sockets, no clock, so that it
 * can be tested byte by byte and fuzzed. It is strict where a lenient reader could take the end of
 * one answer for the beginning of the next: a length that is given twice, a length beside chunks,
 * and codings we never asked for are faults.
 * Ref: RFC 9112.                                                                                  */
#ifndef SLUICE_PROVIDER_HTTP_READER_H
#define SLUICE_PROVIDER_HTTP_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum http_reader_state {
    HTTP_READER_MORE, /* wants more bytes */
    HTTP_READER_DONE, /* the response is complete */
    HTTP_READER_BAD,  /* it is not HTTP, or too large; `why` says how */
};

struct http_reader {
    /* results */
    int status;            /* 200..599 once the head was read (1xx are passed over); before 0 */
    bool keep_alive;       /* the connection may be used again after DONE */
    bool got_bytes;        /* anything came at all */
    struct buf body;       /* without chunk marks */
    const char *why;       /* BAD: a static sentence, else NULL */
    /* its own */
    int stage;
    size_t body_max, head_max, head_len;
    uint64_t left;         /* of the body or of the chunk */
    bool has_length, chunked;
    bool http10, said_close, said_keep;
    int interim;           /* 1xx responses seen */
    struct buf line;
};

/* BODY_MAX and HEAD_MAX (status line, headers and trailers together): bytes. */
void http_reader_init(struct http_reader *reader, size_t body_max, size_t head_max);
void http_reader_clear(struct http_reader *reader); /* frees */
void http_reader_reset(struct http_reader *reader); /* for the next response; keeps the maxima */

/* Takes LEN bytes; *USED says how many belong to this response (all of them unless DONE). */
enum http_reader_state http_reader_feed(struct http_reader *reader, const char *data, size_t len, size_t *used);
/* The other side closed. DONE if that is how this response ends, else BAD ("cut off"). */
enum http_reader_state http_reader_end(struct http_reader *reader);

#endif

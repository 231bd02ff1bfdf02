/* Reads HTTP/1.x messages, bytes in, one message at a time: requests for the server, responses for the client. Pure: no
 * sockets, no clock, so that it can be tested byte by byte and fuzzed. It is strict where a lenient reader could take
 * the end of one message for the beginning of the next: a length that is given twice or with a sign, a length beside
 * chunks, codings other than "chunked", and chunks without their line ends are faults. Of requests, which may come
 * through proxies that read them in another way, it wants more: lines end with CR LF, a header's name touches its
 * colon, no header is folded, and one that must be single is single.
 * Ref: RFC 9112; doc/decisions/0018-own-http-server.md.                                                     */
#ifndef SLUICE_HTTP_READER_H
#define SLUICE_HTTP_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define HTTP_HEADERS_MAX 100 /* header lines of one request */

enum http_reader_kind { HTTP_READS_RESPONSES, HTTP_READS_REQUESTS };

enum http_reader_state {
    HTTP_READER_MORE, /* wants more bytes */
    HTTP_READER_DONE, /* the message is complete */
    HTTP_READER_BAD,  /* it is not HTTP, or too large; `why` says how */
};

/* Places in http_reader.text. */
struct http_field {
    uint32_t name, value;
};

struct http_reader {
    /* results */
    int status;            /* of a response: 200..599 once the head was read (1xx are passed over); before 0 */
    bool keep_alive;       /* the connection may be used again after DONE */
    bool got_bytes;        /* anything came at all */
    struct buf body;       /* without chunk marks */
    const char *why;       /* BAD: a static sentence, else NULL */
    int refusal;           /* BAD: the status to refuse a request with */
    /* results of a request, once the head was read; see the functions below */
    const char *method;    /* "GET"; static */
    bool http10;
    bool expects_continue; /* the client waits for 100 before it sends the body */
    /* its own */
    enum http_reader_kind kind;
    int stage;
    size_t body_max, head_max, head_len;
    uint64_t left;         /* of the body or of the chunk */
    bool has_length, chunked;
    bool said_close, said_keep;
    int interim;           /* 1xx responses seen */
    struct buf line;
    struct buf text;       /* path and query of a request, names and values of kept headers, each with a NUL */
    uint32_t query;        /* place of the query in TEXT; 0: none */
    struct http_field headers[HTTP_HEADERS_MAX];
    size_t header_count;
};

/* BODY_MAX and HEAD_MAX (first line, headers and trailers together): bytes. */
void http_reader_init(struct http_reader *reader, enum http_reader_kind kind, size_t body_max, size_t head_max);
void http_reader_clear(struct http_reader *reader); /* frees */
void http_reader_reset(struct http_reader *reader); /* for the next message; keeps the maxima, and some memory */

/* Takes LEN bytes; *USED says how many belong to this message (all of them unless DONE). */
enum http_reader_state http_reader_feed(struct http_reader *reader, const char *data, size_t len, size_t *used);
/* The other side closed. DONE if that is how this response ends, else BAD ("cut off"). */
enum http_reader_state http_reader_end(struct http_reader *reader);

/* Of a request whose head was read; borrowed until the next feed or reset. */
const char *http_reader_path(const struct http_reader *reader);  /* as sent, with its escapes; "*" or begins with '/' */
const char *http_reader_query(const struct http_reader *reader); /* behind the '?'; NULL: there is none */
/* The value of the first header NAME (in any case), without white space around; NULL: there is none. Of a response,
 * Idempotency-Key alone is kept. */
const char *http_reader_header(const struct http_reader *reader, const char *name);

#endif

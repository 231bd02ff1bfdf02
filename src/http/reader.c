/* One HTTP/1.x message, read as it comes.
 *
 *     START -> HEADER ... -> LENGTH -----------------------------> DONE
 *       ^         |    '---> CLOSE (until the other side ends) --> DONE    (responses only)
 *       '--1xx----'    '---> CHUNK_SIZE -> CHUNK_DATA -> CHUNK_END -.
 *                               ^   '-- 0 -> TRAILER -> DONE        |
 *                               '-----------------------------------'
 *
 * Lines are gathered in `line`, since a piece may end anywhere; what is in a body goes straight on. */
#include "http/reader.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"

enum { START, HEADER, LENGTH, CLOSE, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER, DONE, BAD };

#define INTERIM_MAX 8      /* 1xx answers before the real one: a server that sends more is at fault */
#define CHUNK_LINE_MAX 256 /* bytes; eight would do, the rest is for extensions */
#define KEY_NAME "Idempotency-Key"
#define KEPT_MAX 65536     /* bytes of a body's memory that are kept for the next message */

void http_reader_init(struct http_reader *reader, enum http_reader_kind kind, size_t body_max, size_t head_max)
{
    memset(reader, 0, sizeof(*reader));
    reader->kind = kind;
    reader->body_max = body_max;
    reader->head_max = head_max;
}

void http_reader_clear(struct http_reader *reader)
{
    buf_clear(&reader->body);
    buf_clear(&reader->line);
    buf_clear(&reader->text);
}

void http_reader_reset(struct http_reader *reader)
{
    struct buf body = reader->body, line = reader->line, text = reader->text;

    http_reader_init(reader, reader->kind, reader->body_max, reader->head_max);
    if (body.cap > KEPT_MAX)
        buf_clear(&body);
    buf_reset(&body);
    buf_reset(&line);
    buf_reset(&text);
    reader->body = body;
    reader->line = line;
    reader->text = text;
}

static void go_bad_with(struct http_reader *reader, int refusal, const char *why)
{
    reader->stage = BAD;
    reader->refusal = refusal;
    reader->why = why;
}

static void go_bad(struct http_reader *reader, const char *why)
{
    go_bad_with(reader, 400, why);
}

static void go_too_large(struct http_reader *reader)
{
    go_bad_with(reader, 413, "the body is larger than allowed");
}

static bool is_token_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_request(const struct http_reader *reader)
{
    return reader->kind == HTTP_READS_REQUESTS;
}

/* Keeps LEN bytes of a request; where they begin in `text`. */
static uint32_t keep(struct http_reader *reader, const char *data, size_t len)
{
    uint32_t at = (uint32_t)reader->text.len;

    buf_add(&reader->text, data, len);
    buf_char(&reader->text, '\0');
    return at;
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Whether LEN bytes are characters of a path or a query, or of EXTRA, with whole escapes. Ref: RFC 3986 3.3, 3.4. */
static bool is_uri_text(const char *text, size_t len, const char *extra)
{
    size_t i;

    for (i = 0; i < len; i++) {
        if (text[i] == '%' && (len - i < 3 || hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0))
            return false;
        if ((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z'))
            continue;
        if (!text[i] || (!strchr("/-._~%!$&'()*+,;=:@", text[i]) && !strchr(extra, text[i])))
            return false;
    }
    return true;
}

/* Passes over "http://place" of an absolute target, which proxies are sent. NULL: it is none. */
static const char *target_origin(const char *target, const char *end)
{
    const char *slash;

    if (end - target < 8 || strncasecmp(target, "http://", 7) != 0)
        return NULL;
    target += 7;
    for (slash = target; slash < end && *slash != '/' && *slash != '?'; slash++)
        ;
    if (slash == target || !is_uri_text(target, (size_t)(slash - target), "[]") ||
        !memchr(target, '[', (size_t)(slash - target)) != !memchr(target, ']', (size_t)(slash - target)))
        return NULL;
    return slash;
}

static void read_target(struct http_reader *reader, const char *target, size_t len)
{
    const char *end = target + len, *question;

    if (len > 0 && *target != '/' && !(len == 1 && *target == '*'))
        target = target_origin(target, end);
    if (len == 0 || !target) {
        go_bad(reader, "the request's target is neither a path nor an http URL");
        return;
    }
    question = memchr(target, '?', (size_t)(end - target));
    if (!is_uri_text(target, (size_t)((question ? question : end) - target), "") ||
        (question && !is_uri_text(question + 1, (size_t)(end - question - 1), "?"))) {
        go_bad(reader, "the request's target has a character that must be escaped");
        return;
    }
    if (target == (question ? question : end))
        keep(reader, "/", 1);
    else
        keep(reader, target, (size_t)((question ? question : end) - target));
    if (question)
        reader->query = keep(reader, question + 1, (size_t)(end - question - 1));
    reader->stage = HEADER;
}

static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH" };

static const char *method_find(const char *name, size_t len)
{
    size_t i;

    for (i = 0; i < SL_COUNT(methods); i++) {
        if (strlen(methods[i]) == len && memcmp(methods[i], name, len) == 0)
            return methods[i];
    }
    return NULL;
}

static void read_request_line(struct http_reader *reader, const char *line, size_t len)
{
    size_t method_len = 0, tail = sizeof(" HTTP/1.1") - 1;

    if (len == 0)
        return; /* empty lines may stand before a request: RFC 9112 2.2 */
    while (method_len < len && is_token_char(line[method_len]))
        method_len++;
    if (method_len == 0 || len < method_len + 1 + tail || line[method_len] != ' ' ||
        memcmp(line + len - tail, " HTTP/1.", tail - 1) != 0 || !is_digit(line[len - 1])) {
        go_bad(reader, "it does not begin with an HTTP/1.x request line");
        return;
    }
    reader->http10 = line[len - 1] == '0';
    reader->method = method_find(line, method_len);
    if (reader->method)
        read_target(reader, line + method_len + 1, len - method_len - 1 - tail);
    else
        go_bad_with(reader, 501, "there is no such method");
}

static void read_status(struct http_reader *reader, const char *line, size_t len)
{
    if (len < 12 || memcmp(line, "HTTP/1.", 7) != 0 || !is_digit(line[7]) || line[8] != ' ' || !is_digit(line[9]) ||
        !is_digit(line[10]) || !is_digit(line[11]) || (len > 12 && line[12] != ' ')) {
        go_bad(reader, "the answer does not begin with an HTTP/1.x status line");
        return;
    }
    reader->status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
    reader->http10 = line[7] == '0';
    if (reader->status < 100 || reader->status > 599)
        go_bad(reader, "the status is not within 100..599");
    else
        reader->stage = HEADER;
}

/* Whether the comma-separated LIST has WORD, in any case. */
static bool list_has(const char *list, size_t len, const char *word)
{
    const char *end = list + len;

    while (list < end) {
        const char *comma = memchr(list, ',', (size_t)(end - list));
        const char *stop = comma ? comma : end, *tail = stop;

        while (list < tail && (*list == ' ' || *list == '\t'))
            list++;
        while (tail > list && (tail[-1] == ' ' || tail[-1] == '\t'))
            tail--;
        if ((size_t)(tail - list) == strlen(word) && strncasecmp(list, word, strlen(word)) == 0)
            return true;
        list = comma ? stop + 1 : end;
    }
    return false;
}

static void read_length(struct http_reader *reader, const char *value, size_t len)
{
    uint64_t length = 0;
    size_t i;

    if (reader->has_length) {
        go_bad(reader, "Content-Length is given twice");
        return;
    }
    if (len == 0 || len > 18) {
        go_bad(reader, "Content-Length is not a number of bytes");
        return;
    }
    for (i = 0; i < len; i++) {
        if (!is_digit(value[i])) {
            go_bad(reader, "Content-Length is not a number of bytes");
            return;
        }
        length = length * 10 + (uint64_t)(value[i] - '0');
    }
    reader->has_length = true;
    reader->left = length;
}

/* STRICT: every one; else those that could hide a line. */
static bool has_control(const char *value, size_t len, bool strict)
{
    size_t i;

    for (i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];

        if (c == '\0' || c == '\r' || (strict && ((c < ' ' && c != '\t') || c == 0x7f)))
            return true;
    }
    return false;
}

/* What a request has once: two of them would be read in two ways. */
static const char *const singles[] = {
    "Host", "Content-Length", "Transfer-Encoding", "Content-Type", "Authorization", "Expect", KEY_NAME, "If-Match",
};

static bool keep_header(struct http_reader *reader, const char *name, size_t name_len, const char *value,
                        size_t value_len)
{
    struct http_field *header = &reader->headers[reader->header_count];
    size_t i;

    if (reader->header_count == HTTP_HEADERS_MAX) {
        go_bad(reader, "there are too many headers");
        return false;
    }
    header->name = keep(reader, name, name_len);
    for (i = 0; i < SL_COUNT(singles); i++) {
        if (strcasecmp(reader->text.data + header->name, singles[i]) == 0 && http_reader_header(reader, singles[i])) {
            go_bad(reader, "a header is given twice that must be there once");
            return false;
        }
    }
    header->value = keep(reader, value, value_len);
    reader->header_count++;
    return true;
}

static bool is_named(const char *line, size_t name_len, const char *name)
{
    return name_len == strlen(name) && strncasecmp(line, name, name_len) == 0;
}

static void read_header(struct http_reader *reader, const char *line, size_t len)
{
    const char *value, *end = line + len;
    size_t name_len = 0, value_len;

    while (name_len < len && is_token_char(line[name_len]))
        name_len++;
    if (name_len == 0 || name_len == len || line[name_len] != ':') {
        go_bad(reader, "a header line is not \"name: value\"");
        return;
    }
    value = line + name_len + 1;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    value_len = (size_t)(end - value);
    if (has_control(value, value_len, is_request(reader))) {
        go_bad(reader, "a header has a control character");
        return;
    }
    if (reader->stage == TRAILER)
        return;
    if ((is_request(reader) || is_named(line, name_len, KEY_NAME)) &&
        !keep_header(reader, line, name_len, value, value_len))
        return;
    if (name_len == 14 && strncasecmp(line, "Content-Length", 14) == 0) {
        read_length(reader, value, value_len);
    } else if (name_len == 17 && strncasecmp(line, "Transfer-Encoding", 17) == 0) {
        if (reader->chunked || value_len != 7 || strncasecmp(value, "chunked", 7) != 0)
            go_bad(reader, "Transfer-Encoding is not \"chunked\"");
        reader->chunked = true;
    } else if (name_len == 10 && strncasecmp(line, "Connection", 10) == 0) {
        reader->said_close |= list_has(value, value_len, "close");
        reader->said_keep |= list_has(value, value_len, "keep-alive");
    } else if (is_request(reader) && name_len == 6 && strncasecmp(line, "Expect", 6) == 0) {
        reader->expects_continue = value_len == 12 && strncasecmp(value, "100-continue", 12) == 0;
        if (!reader->expects_continue)
            go_bad_with(reader, 417, "nothing but 100-continue can be expected");
    }
}

/* The same of a request, which has a body only if it says so. */
static void read_request_end(struct http_reader *reader)
{
    reader->keep_alive = !reader->said_close && (!reader->http10 || reader->said_keep);
    if (!reader->http10 && !http_reader_header(reader, "Host"))
        go_bad(reader, "a request needs a Host");
    else if (reader->chunked && (reader->has_length || reader->http10))
        go_bad(reader, "the body's end is told in two ways");
    else if (reader->has_length && reader->left > reader->body_max)
        go_too_large(reader);
    else if (reader->chunked)
        reader->stage = CHUNK_SIZE;
    else
        reader->stage = reader->has_length && reader->left > 0 ? LENGTH : DONE;
}

/* The empty line after the headers: what follows it? */
static void read_head_end(struct http_reader *reader)
{
    if (is_request(reader)) {
        read_request_end(reader);
        return;
    }
    if (reader->status < 200) {
        if (reader->status == 101)
            go_bad(reader, "the answer changes the protocol");
        else if (++reader->interim > INTERIM_MAX)
            go_bad(reader, "too many interim answers");
        else if (reader->has_length || reader->chunked)
            go_bad(reader, "an interim answer has a body");
        else
            reader->stage = START;
        return;
    }
    reader->keep_alive = !reader->said_close && (!reader->http10 || reader->said_keep);
    if (reader->chunked && (reader->has_length || reader->http10))
        go_bad(reader, "the body's end is told in two ways");
    else if (reader->status == 204 || reader->status == 304)
        reader->stage = DONE;
    else if (reader->chunked)
        reader->stage = CHUNK_SIZE;
    else if (reader->has_length && reader->left > reader->body_max)
        go_too_large(reader);
    else if (reader->has_length)
        reader->stage = reader->left > 0 ? LENGTH : DONE;
    else {
        reader->keep_alive = false;
        reader->stage = CLOSE;
    }
}

static void read_chunk_size(struct http_reader *reader, const char *line, size_t len)
{
    uint64_t size = 0;
    size_t i;

    for (i = 0; i < len && hex_digit(line[i]) >= 0; i++) {
        if (i == 15) {
            go_too_large(reader);
            return;
        }
        size = size * 16 + (uint64_t)hex_digit(line[i]);
    }
    if (i == 0 || (i < len && line[i] != ';' && line[i] != ' ' && line[i] != '\t') ||
        (is_request(reader) && has_control(line + i, len - i, true))) {
        go_bad(reader, "a chunk does not begin with its size");
    } else if (size == 0) {
        reader->stage = TRAILER;
    } else if (size > reader->body_max - reader->body.len) {
        go_too_large(reader);
    } else {
        reader->left = size;
        reader->stage = CHUNK_DATA;
    }
}

static void read_line(struct http_reader *reader)
{
    const char *line = buf_text(&reader->line);
    size_t len = reader->line.len;

    if (len > 0 && line[len - 1] == '\r') {
        len--;
    } else if (is_request(reader)) {
        go_bad(reader, "a line does not end with CR LF");
        return;
    }
    switch (reader->stage) {
    case START:
        (is_request(reader) ? read_request_line : read_status)(reader, line, len);
        break;
    case HEADER:
        if (len == 0)
            read_head_end(reader);
        else
            read_header(reader, line, len);
        break;
    case CHUNK_SIZE:
        read_chunk_size(reader, line, len);
        break;
    case CHUNK_END:
        if (len == 0)
            reader->stage = CHUNK_SIZE;
        else
            go_bad(reader, "a chunk is longer than its size");
        break;
    default:
        assert(reader->stage == TRAILER);
        if (len == 0)
            reader->stage = DONE;
        else
            read_header(reader, line, len);
        break;
    }
    buf_reset(&reader->line);
}

/* Takes bytes of a line, up to and with its end. */
static size_t take_line(struct http_reader *reader, const char *data, size_t len)
{
    const char *end = memchr(data, '\n', len);
    size_t count = end ? (size_t)(end - data) : len;
    bool is_chunk_line = reader->stage == CHUNK_SIZE || reader->stage == CHUNK_END;
    size_t room = is_chunk_line ? CHUNK_LINE_MAX - reader->line.len : reader->head_max - reader->head_len;

    if (is_request(reader) && reader->stage == START && reader->line.len == 0 && !strchr("\r\n", *data) &&
        !is_token_char(*data)) {
        go_bad(reader, "it does not begin with an HTTP/1.x request line"); /* TLS, say: its end may never come */
        return len;
    }
    if (count + (end != NULL) > room) {
        go_bad(reader, is_chunk_line ? "a chunk does not begin with its size" : "the head is larger than allowed");
        return len;
    }
    buf_add(&reader->line, data, count);
    if (!is_chunk_line)
        reader->head_len += count + (end != NULL);
    if (end)
        read_line(reader);
    return count + (end != NULL);
}

static size_t take_body(struct http_reader *reader, const char *data, size_t len)
{
    size_t count = len;

    if (reader->stage == CLOSE) {
        if (count > reader->body_max - reader->body.len) {
            go_too_large(reader);
            return len;
        }
    } else if (count > reader->left) {
        count = (size_t)reader->left;
    }
    buf_add(&reader->body, data, count);
    if (reader->stage != CLOSE) {
        reader->left -= count;
        if (reader->left == 0)
            reader->stage = reader->stage == LENGTH ? DONE : CHUNK_END;
    }
    return count;
}

static enum http_reader_state state_of(const struct http_reader *reader)
{
    return reader->stage == DONE ? HTTP_READER_DONE : reader->stage == BAD ? HTTP_READER_BAD : HTTP_READER_MORE;
}

enum http_reader_state http_reader_feed(struct http_reader *reader, const char *data, size_t len, size_t *used)
{
    size_t at = 0;

    reader->got_bytes |= len > 0;
    while (at < len && state_of(reader) == HTTP_READER_MORE) {
        bool in_body = reader->stage == LENGTH || reader->stage == CLOSE || reader->stage == CHUNK_DATA;

        at += (in_body ? take_body : take_line)(reader, data + at, len - at);
    }
    *used = at;
    return state_of(reader);
}

enum http_reader_state http_reader_end(struct http_reader *reader)
{
    if (reader->stage == CLOSE)
        reader->stage = DONE;
    else if (state_of(reader) == HTTP_READER_MORE)
        go_bad(reader, "the answer was cut off");
    return state_of(reader);
}

/* ---- what a request says ---- */

const char *http_reader_path(const struct http_reader *reader)
{
    return buf_text(&reader->text); /* it is kept first */
}

const char *http_reader_query(const struct http_reader *reader)
{
    return reader->query ? reader->text.data + reader->query : NULL;
}

const char *http_reader_header(const struct http_reader *reader, const char *name)
{
    size_t i;

    for (i = 0; i < reader->header_count; i++) {
        if (strcasecmp(reader->text.data + reader->headers[i].name, name) == 0)
            return reader->text.data + reader->headers[i].value;
    }
    return NULL;
}

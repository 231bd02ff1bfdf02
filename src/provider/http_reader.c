/* One HTTP/1.x response, read as it comes.
 *
 *     STATUS -> HEADER ... -> LENGTH -----------------------------> DONE
 *       ^         |    '----> CLOSE (until the other side ends) --> DONE
 *       '--1xx----'    '----> CHUNK_SIZE -> CHUNK_DATA -> CHUNK_END -.
 *                                ^   '-- 0 -> TRAILER -> DONE        |
 *                                '-----------------------------------'
 *
 * Lines are gathered in `line`, since a piece may end anywhere; what is in a body goes straight on. */
#include "provider/http_reader.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

enum { STATUS, HEADER, LENGTH, CLOSE, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER, DONE, BAD };

#define INTERIM_MAX 8      /* 1xx answers before the real one: a server that sends more is playing */
#define CHUNK_LINE_MAX 256 /* bytes; eight would do, the rest is for extensions that nobody uses */

void http_reader_init(struct http_reader *reader, size_t body_max, size_t head_max)
{
    memset(reader, 0, sizeof(*reader));
    reader->body_max = body_max;
    reader->head_max = head_max;
}

void http_reader_clear(struct http_reader *reader)
{
    buf_clear(&reader->body);
    buf_clear(&reader->line);
}

void http_reader_reset(struct http_reader *reader)
{
    size_t body_max = reader->body_max, head_max = reader->head_max;

    http_reader_clear(reader);
    http_reader_init(reader, body_max, head_max);
}

static void go_bad(struct http_reader *reader, const char *why)
{
    reader->stage = BAD;
    reader->why = why;
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
    if (memchr(value, '\0', value_len) || memchr(value, '\r', value_len)) {
        go_bad(reader, "a header has a control character");
        return;
    }
    if (reader->stage == TRAILER)
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
    }
}

/* The empty line after the headers: what follows it? */
static void read_head_end(struct http_reader *reader)
{
    if (reader->status < 200) {
        if (reader->status == 101)
            go_bad(reader, "the answer changes the protocol");
        else if (++reader->interim > INTERIM_MAX)
            go_bad(reader, "too many interim answers");
        else if (reader->has_length || reader->chunked)
            go_bad(reader, "an interim answer has a body");
        else
            reader->stage = STATUS;
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
        go_bad(reader, "the body is larger than allowed");
    else if (reader->has_length)
        reader->stage = reader->left > 0 ? LENGTH : DONE;
    else {
        reader->keep_alive = false;
        reader->stage = CLOSE;
    }
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

static void read_chunk_size(struct http_reader *reader, const char *line, size_t len)
{
    uint64_t size = 0;
    size_t i;

    for (i = 0; i < len && hex_digit(line[i]) >= 0; i++) {
        if (i == 15) {
            go_bad(reader, "the body is larger than allowed");
            return;
        }
        size = size * 16 + (uint64_t)hex_digit(line[i]);
    }
    if (i == 0 || (i < len && line[i] != ';' && line[i] != ' ' && line[i] != '\t')) {
        go_bad(reader, "a chunk does not begin with its size");
    } else if (size == 0) {
        reader->stage = TRAILER;
    } else if (size > reader->body_max - reader->body.len) {
        go_bad(reader, "the body is larger than allowed");
    } else {
        reader->left = size;
        reader->stage = CHUNK_DATA;
    }
}

static void read_line(struct http_reader *reader)
{
    const char *line = buf_text(&reader->line);
    size_t len = reader->line.len;

    if (len > 0 && line[len - 1] == '\r')
        len--;
    switch (reader->stage) {
    case STATUS:
        read_status(reader, line, len);
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
            go_bad(reader, "the body is larger than allowed");
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

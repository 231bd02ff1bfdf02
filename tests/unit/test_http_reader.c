/* The reader of HTTP messages: a request comes out the same however its bytes are cut, and what is behind it stays. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "http/reader.h"

#define BODY_MAX 64
#define HEAD_MAX 512

/* Feeds TEXT in pieces of STEP bytes; *USED: how many were of the first message. */
static enum http_reader_state feed(struct http_reader *reader, const char *text, size_t step, size_t *used)
{
    size_t len = strlen(text), count, taken;
    enum http_reader_state state = HTTP_READER_MORE;

    for (*used = 0; state == HTTP_READER_MORE && *used < len; *used += taken) {
        count = len - *used < step ? len - *used : step;
        state = http_reader_feed(reader, text + *used, count, &taken);
    }
    return state;
}

static const struct {
    const char *text, *method, *path, *query, *name, *value, *body;
    bool keep_alive, expects;
} requests[] = {
    { "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET", "/", NULL, "host", "x", "", true, false },
    { "GET /a%20b/c?d=e&f HTTP/1.1\r\nHost:x\r\nX: \t y z \t\r\n\r\n", "GET", "/a%20b/c", "d=e&f", "x", "y z", "", true, false },
    { "HEAD http://h:1?q HTTP/1.1\r\nHost: x\r\n\r\n", "HEAD", "/", "q", "nothing", NULL, "", true, false },
    { "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "OPTIONS", "*", NULL, "Host", "x", "", true, false },
    { "POST /p? HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-Continue\r\n\r\nabc", "POST", "/p", "", "Content-Length",
      "3", "abc", true, true },
    { "PUT /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nA;x=y\r\n0123456789\r\n0\r\nT: u\r\n\r\n", "PUT",
      "/p", NULL, "T", NULL, "a0123456789", true, false },
    { "DELETE /p HTTP/1.1\r\nHost: x\r\nConnection: foo, Close\r\n\r\n", "DELETE", "/p", NULL, "connection", "foo, Close", "",
      false, false },
    { "PATCH /p HTTP/1.0\r\n\r\n", "PATCH", "/p", NULL, "Host", NULL, "", false, false },
    { "GET /p HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET", "/p", NULL, "Host", NULL, "", true, false },
    { "GET /p HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab", "GET", "/p", NULL, "Host", "x", "ab", true, false },
};

static void check_request(const struct http_reader *reader, size_t i, size_t step)
{
    const char *value = http_reader_header(reader, requests[i].name), *query = http_reader_query(reader);

    cr_assert_str_eq(reader->method, requests[i].method, "%zu/%zu", i, step);
    cr_assert_str_eq(http_reader_path(reader), requests[i].path, "%zu/%zu", i, step);
    cr_assert(!query == !requests[i].query && (!query || strcmp(query, requests[i].query) == 0), "%zu/%zu", i, step);
    cr_assert(!value == !requests[i].value && (!value || strcmp(value, requests[i].value) == 0), "%zu/%zu", i, step);
    cr_assert_str_eq(buf_text(&reader->body), requests[i].body, "%zu/%zu", i, step);
    cr_assert_eq(reader->keep_alive, requests[i].keep_alive, "%zu/%zu", i, step);
    cr_assert_eq(reader->expects_continue, requests[i].expects, "%zu/%zu", i, step);
}

/* If it fails, a request depends on how the network cuts it, or takes bytes of the next one. */
Test(http_reader, a_request_is_the_same_however_it_is_cut)
{
    struct http_reader reader;
    size_t i, step, used;
    char twice[1024];

    http_reader_init(&reader, HTTP_READS_REQUESTS, BODY_MAX, HEAD_MAX);
    for (i = 0; i < SL_COUNT(requests); i++) {
        snprintf(twice, sizeof(twice), "%sGET /next HTTP/1.1\r\n", requests[i].text);
        for (step = 1; step <= strlen(twice); step++) {
            cr_assert_eq(feed(&reader, twice, step, &used), HTTP_READER_DONE, "%zu/%zu: %s", i, step, reader.why);
            cr_assert_eq(used, strlen(requests[i].text), "%zu/%zu", i, step);
            check_request(&reader, i, step);
            http_reader_reset(&reader);
        }
    }
    http_reader_clear(&reader);
}

static const struct {
    const char *name, *text;
    int refusal;
} refused[] = {
    { "a body too large", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65\r\n\r\n", 413 },
    { "chunks too large", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n"
                          "0123456789012345678901234567890123456789012345678901234567890123\r\n1\r\n", 413 },
    { "a chunk past all numbers", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n", 413 },
    { "a length past all numbers", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551618\r\n\r\n", 400 },
    { "an unknown method", "BREW / HTTP/1.1\r\n", 501 },
    { "a method in small letters", "get / HTTP/1.1\r\n", 501 },
    { "an expectation", "POST / HTTP/1.1\r\nHost: x\r\nExpect: rain\r\n", 417 },
    { "no version", "GET /\r\n", 400 },
    { "another version", "GET / HTTP/2.0\r\n", 400 },
    { "no target", "GET  HTTP/1.1\r\n", 400 },
    { "an authority alone", "GET http:// HTTP/1.1\r\n", 400 },
    { "a fragment", "GET /#x HTTP/1.1\r\n", 400 },
    { "bytes past ASCII", "GET /\xc3\xa9 HTTP/1.1\r\n", 400 },
    { "TLS", "\x16\x03\x01", 400 },
};

/* If it fails, what is too large or no HTTP is kept, or waited for until its deadline. */
Test(http_reader, what_is_refused_has_its_status_at_once)
{
    struct http_reader reader;
    size_t i, step, used;

    http_reader_init(&reader, HTTP_READS_REQUESTS, BODY_MAX, HEAD_MAX);
    for (i = 0; i < SL_COUNT(refused); i++) {
        for (step = 1; step <= strlen(refused[i].text); step++) {
            cr_assert_eq(feed(&reader, refused[i].text, step, &used), HTTP_READER_BAD, "%s/%zu", refused[i].name, step);
            cr_assert(reader.refusal == refused[i].refusal && reader.why, "%s/%zu: %d", refused[i].name, step, reader.refusal);
            http_reader_reset(&reader);
        }
    }
    http_reader_clear(&reader);
}

/* If it fails, a client makes us keep as many header bytes as it likes. */
Test(http_reader, heads_have_a_maximum)
{
    struct http_reader reader;
    char text[HEAD_MAX + 64];
    size_t used;
    int i, len;

    http_reader_init(&reader, HTTP_READS_REQUESTS, BODY_MAX, HEAD_MAX);
    len = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: x\r\nX: ");
    memset(text + len, 'x', sizeof(text) - 1 - (size_t)len);
    text[sizeof(text) - 1] = '\0';
    cr_assert_eq(feed(&reader, text, 7, &used), HTTP_READER_BAD);
    cr_assert_eq(reader.refusal, 400);
    http_reader_clear(&reader);
    http_reader_init(&reader, HTTP_READS_REQUESTS, BODY_MAX, 1 << 20);
    cr_assert_eq(feed(&reader, "GET / HTTP/1.1\r\nHost: x\r\n", 7, &used), HTTP_READER_MORE);
    for (i = 1; i < HTTP_HEADERS_MAX; i++)
        cr_assert_eq(feed(&reader, "A: b\r\n", 7, &used), HTTP_READER_MORE, "%d", i);
    cr_assert_eq(feed(&reader, "A: b\r\n", 7, &used), HTTP_READER_BAD);
    http_reader_clear(&reader);
}

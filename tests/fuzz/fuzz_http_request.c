/* Any bytes as HTTP requests: however they are cut, the reader must come to the same end, take no more than is there,
 * and keep no more than it may. What is a request must have all that a handler asks it for. */
#include <assert.h>
#include <string.h>

#include "base/xmalloc.h"
#include "http/reader.h"

#define BODY_MAX 256
#define HEAD_MAX 512

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    xmalloc_init();
    return 0;
}

static enum http_reader_state feed(struct http_reader *reader, const char *data, size_t size, size_t step, size_t *used)
{
    enum http_reader_state state = HTTP_READER_MORE;
    size_t count, taken;

    for (*used = 0; state == HTTP_READER_MORE && *used < size; *used += taken) {
        count = size - *used < step ? size - *used : step;
        state = http_reader_feed(reader, data + *used, count, &taken);
        assert(taken <= count && (state != HTTP_READER_MORE || taken == count));
        assert(reader->body.len <= BODY_MAX && reader->text.len <= 2 * HEAD_MAX && reader->line.len <= HEAD_MAX);
    }
    return state;
}

static void check_request(const struct http_reader *reader)
{
    const char *path = http_reader_path(reader);

    assert(reader->method && (*path == '/' || strcmp(path, "*") == 0));
    assert(reader->http10 || http_reader_header(reader, "Host"));
    assert(!http_reader_query(reader) || !strchr(http_reader_query(reader), '#'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_reader whole, bytes;
    size_t at, used, again;
    enum http_reader_state state;

    http_reader_init(&whole, HTTP_READS_REQUESTS, BODY_MAX, HEAD_MAX);
    http_reader_init(&bytes, HTTP_READS_REQUESTS, BODY_MAX, HEAD_MAX);
    for (at = 0; at < size; at += used) {
        state = feed(&whole, (const char *)data + at, size - at, size, &used);
        if (feed(&bytes, (const char *)data + at, size - at, 1, &again) != state)
            __builtin_trap();
        if (state != HTTP_READER_DONE) {
            assert(state == HTTP_READER_MORE || (whole.refusal == bytes.refusal && whole.why));
            break;
        }
        assert(used == again && whole.body.len == bytes.body.len && strcmp(http_reader_path(&whole), http_reader_path(&bytes)) == 0);
        check_request(&whole);
        http_reader_reset(&whole);
        http_reader_reset(&bytes);
    }
    http_reader_clear(&whole);
    http_reader_clear(&bytes);
    return 0;
}

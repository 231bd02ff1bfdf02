/* Any bytes as the answer of a provider or inspector: the first byte chooses the call, the rest is the
 * body. What is taken must come out as an answer that is taken again and equal; what is refused must
 * have a sentence. The same bytes as a raw HTTP response: however they are cut, the reader must come to
 * the same end. */
#include <assert.h>
#include <string.h>

#include "base/xmalloc.h"
#include "provider/answer.h"
#include "http/reader.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    xmalloc_init();
    return 0;
}

static void check_answer(const struct effect_wire *wire, const char *text, size_t size)
{
    struct arena *arena = arena_new();
    struct buf again = BUF_EMPTY;
    const void *value, *second;
    const char *detail;

    if (answer_decode(wire, 200, text, size, arena, &value, &detail) == SL_OK) {
        assert(value && !detail);
        type_encode(wire->answer, value, &again);
        if (answer_decode(wire, 200, again.data, again.len, arena, &second, &detail))
            __builtin_trap();
        assert(type_equal(wire->answer, value, second));
    } else {
        assert(!value && strncmp(detail, wire->name, strlen(wire->name)) == 0);
    }
    buf_clear(&again);
    arena_free(arena);
}

/* Feeds DATA in pieces of STEP bytes. */
static enum http_reader_state feed(struct http_reader *reader, const char *data, size_t size, size_t step, size_t *used)
{
    enum http_reader_state state = HTTP_READER_MORE;

    *used = 0;
    while (state == HTTP_READER_MORE && *used < size) {
        size_t count = size - *used < step ? size - *used : step, taken;

        state = http_reader_feed(reader, data + *used, count, &taken);
        assert(taken <= count && (state != HTTP_READER_MORE || taken == count));
        *used += taken;
    }
    return state == HTTP_READER_MORE ? http_reader_end(reader) : state;
}

static void check_reader(const char *data, size_t size)
{
    struct http_reader whole, bytes;
    size_t whole_used, bytes_used;
    enum http_reader_state state;

    http_reader_init(&whole, HTTP_READS_RESPONSES, 512, 512);
    http_reader_init(&bytes, HTTP_READS_RESPONSES, 512, 512);
    state = feed(&whole, data, size, size ? size : 1, &whole_used);
    assert(feed(&bytes, data, size, 1, &bytes_used) == state && state != HTTP_READER_MORE);
    assert(whole.body.len <= 512 && (state == HTTP_READER_BAD) == (whole.why != NULL));
    if (state == HTTP_READER_DONE) {
        assert(whole_used == bytes_used && whole.status >= 200 && whole.status == bytes.status);
        assert(whole.keep_alive == bytes.keep_alive && whole.body.len == bytes.body.len);
        assert(memcmp(buf_text(&whole.body), buf_text(&bytes.body), whole.body.len) == 0);
    }
    http_reader_clear(&whole);
    http_reader_clear(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_reader((const char *)data, size);
    if (size > 0)
        check_answer(effect_wire(FX_INSPECT + data[0] % 3), (const char *)data + 1, size - 1);
    return 0;
}

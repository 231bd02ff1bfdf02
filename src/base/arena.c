/* A chain of blocks, newest first. Blocks double up to a bound, so a small machine costs one block
 * and a large document a few dozen; a request larger than a block gets a block of its own. */
#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"

#define BLOCK_FIRST 4032        /* one page with the allocator's and our header */
#define BLOCK_MAX (256 * 1024)
#define ALIGN 16u

struct block {
    struct block *older;
    size_t size; /* of data */
    size_t used;
    _Alignas(ALIGN) char data[];
};

struct arena {
    struct block *newest;
    size_t handed_out;
};

static struct block *block_new(struct block *older, size_t size)
{
    struct block *block = xmalloc(sizeof(*block) + size);

    block->older = older;
    block->size = size;
    block->used = 0;
    return block;
}

struct arena *arena_new(void)
{
    struct arena *arena = xcalloc(1, sizeof(*arena));

    arena->newest = block_new(NULL, BLOCK_FIRST);
    return arena;
}

void arena_free(struct arena *arena)
{
    struct block *block, *older;

    if (!arena)
        return;
    for (block = arena->newest; block; block = older) {
        older = block->older;
        free(block);
    }
    free(arena);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    struct block *block = arena->newest;
    void *ptr;

    assert(size <= SIZE_MAX / 2);
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (block->size - block->used < size) {
        size_t next = block->size < BLOCK_MAX / 2 ? block->size * 2 : BLOCK_MAX;

        block = block_new(block, next < size ? size : next);
        arena->newest = block;
    }
    ptr = block->data + block->used;
    block->used += size;
    arena->handed_out += size;
    return memset(ptr, 0, size);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    assert(size == 0 || count <= SIZE_MAX / 2 / size);
    return arena_alloc(arena, count * size);
}

void *arena_memdup(struct arena *arena, const void *data, size_t size)
{
    void *copy = arena_alloc(arena, size);

    return size ? memcpy(copy, data, size) : copy;
}

char *arena_strndup(struct arena *arena, const char *text, size_t len)
{
    char *copy = arena_alloc(arena, len + 1);

    memcpy(copy, text, len);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return text ? arena_strndup(arena, text, strlen(text)) : NULL;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    char *text;
    int len;

    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(len >= 0);
    text = arena_alloc(arena, (size_t)len + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return text;
}

size_t arena_used(const struct arena *arena)
{
    return arena->handed_out;
}

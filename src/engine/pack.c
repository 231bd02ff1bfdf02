#include "engine/pack.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/xmalloc.h"

#define LEVEL 3      /* higher ones take several times as long for a tenth less */
#define MAGIC_LEN 4  /* each frame begins with the same bytes: not stored */

/* A kind's dictionaries as zstd wants them, made when they are first needed. */
struct loaded {
    struct loaded *next;
    const struct machine_kind *kind;
    int newest; /* number, 1..; 0: it has none */
    ZSTD_CDict *packing;
    ZSTD_DDict *unpacking[PACK_DICTIONARIES_MAX];
};

struct packer {
    ZSTD_CCtx *packing;
    ZSTD_DCtx *unpacking;
    struct loaded *loaded;
};

struct packer *packer_new(void)
{
    struct packer *packer = xcalloc(1, sizeof(*packer));

    packer->packing = ZSTD_createCCtx();
    packer->unpacking = ZSTD_createDCtx();
    if (!packer->packing || !packer->unpacking)
        abort(); /* as xmalloc does */
    ZSTD_CCtx_setParameter(packer->packing, ZSTD_c_compressionLevel, LEVEL);
    return packer;
}

void packer_free(struct packer *packer)
{
    struct loaded *loaded;
    int i;

    if (!packer)
        return;
    while ((loaded = packer->loaded)) {
        packer->loaded = loaded->next;
        ZSTD_freeCDict(loaded->packing);
        for (i = 0; i < PACK_DICTIONARIES_MAX; i++)
            ZSTD_freeDDict(loaded->unpacking[i]);
        free(loaded);
    }
    ZSTD_freeCCtx(packer->packing);
    ZSTD_freeDCtx(packer->unpacking);
    free(packer);
}

static struct loaded *loaded_of(struct packer *packer, const struct machine_kind *kind)
{
    struct loaded *loaded;
    const char *newest;

    for (loaded = packer->loaded; loaded; loaded = loaded->next) {
        if (loaded->kind == kind)
            return loaded;
    }
    loaded = xcalloc(1, sizeof(*loaded));
    loaded->kind = kind;
    while (kind->dictionaries && kind->dictionaries[loaded->newest])
        loaded->newest++;
    assert(loaded->newest <= PACK_DICTIONARIES_MAX);
    if (kind->dictionaries && loaded->newest > 0) {
        newest = kind->dictionaries[loaded->newest - 1];
        loaded->packing = ZSTD_createCDict(newest, strlen(newest), LEVEL);
    }
    loaded->next = packer->loaded;
    packer->loaded = loaded;
    return loaded;
}

struct slice packer_pack(struct packer *packer, const struct machine_kind *kind, struct slice text, struct arena *arena)
{
    struct loaded *loaded = loaded_of(packer, kind);
    size_t room = ZSTD_compressBound(text.len), len;
    char *frame;

    if (!loaded->packing)
        return text;
    frame = arena_alloc(arena, room);
    ZSTD_CCtx_refCDict(packer->packing, loaded->packing);
    len = ZSTD_compress2(packer->packing, frame, room, text.data, text.len);
    if (ZSTD_isError(len) || len - MAGIC_LEN + 1 >= text.len)
        return text;
    frame[MAGIC_LEN - 1] = (char)loaded->newest; /* in the place of the magic number's last byte */
    return (struct slice){ frame + MAGIC_LEN - 1, len - MAGIC_LEN + 1 };
}

bool pack_is_packed(struct slice stored)
{
    return stored.len > 0 && stored.data[0] >= 1 && stored.data[0] <= PACK_DICTIONARIES_MAX;
}

static const ZSTD_DDict *dictionary(struct loaded *loaded, int number)
{
    const char *text;

    if (number > loaded->newest)
        return NULL;
    if (!loaded->unpacking[number - 1]) {
        text = loaded->kind->dictionaries[number - 1];
        loaded->unpacking[number - 1] = ZSTD_createDDict(text, strlen(text));
    }
    return loaded->unpacking[number - 1];
}

enum sl_err packer_unpack(struct packer *packer, const struct machine_kind *kind, struct slice stored,
                          struct arena *arena, struct slice *text)
{
    static const unsigned char magic[MAGIC_LEN] = { 0x28, 0xb5, 0x2f, 0xfd };
    const ZSTD_DDict *words;
    unsigned long long size;
    char *frame, *out;
    size_t len = stored.len - 1 + MAGIC_LEN;

    *text = stored;
    if (!pack_is_packed(stored))
        return SL_OK;
    words = dictionary(loaded_of(packer, kind), stored.data[0]);
    if (!words)
        return SL_ECORRUPT;
    frame = arena_alloc(arena, len);
    memcpy(frame, magic, MAGIC_LEN);
    memcpy(frame + MAGIC_LEN, stored.data + 1, stored.len - 1);
    size = ZSTD_getFrameContentSize(frame, len);
    if (size > PACK_TEXT_MAX) /* unknown and broken ones are beyond it, too */
        return SL_ECORRUPT;
    out = arena_alloc(arena, (size_t)size + 1);
    if (ZSTD_decompress_usingDDict(packer->unpacking, out, (size_t)size, frame, len, words) != size)
        return SL_ECORRUPT;
    *text = (struct slice){ out, (size_t)size };
    return SL_OK;
}

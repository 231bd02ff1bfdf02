#include "redis/partition.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define FNV_OFFSET 14695981039346656037u
#define FNV_PRIME 1099511628211u

static uint16_t crc16(const char *data, size_t len)
{
    uint16_t crc = 0;
    size_t i;
    int bit;

    for (i = 0; i < len; i++) {
        crc = (uint16_t)(crc ^ (uint16_t)((unsigned char)data[i] << 8));
        for (bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1);
    }
    return crc;
}

unsigned partition_slot(const char *key, size_t len)
{
    const char *open = memchr(key, '{', len), *close;

    if (open) {
        close = memchr(open + 1, '}', len - (size_t)(open + 1 - key));
        if (close && close > open + 1)
            return crc16(open + 1, (size_t)(close - open - 1)) % SLOT_COUNT;
    }
    return crc16(key, len) % SLOT_COUNT;
}

void partition_tag(int p, int count, char out[PARTITION_TAG_MAX])
{
    unsigned low, high, number;

    assert(count >= 1 && count <= PARTITIONS_MAX && p >= 0 && p < count);
    low = (unsigned)p * SLOT_COUNT / (unsigned)count;
    high = ((unsigned)p + 1) * SLOT_COUNT / (unsigned)count;
    for (number = 0; number < 1000000; number++) {
        int len = snprintf(out, PARTITION_TAG_MAX, "%u", number);
        unsigned slot = partition_slot(out, (size_t)len);

        if (slot >= low && slot < high)
            return;
    }
    assert(!"every share of the slots has a number below a million");
}

/* FNV-1a leaves its low bits poorly mixed; the finish spreads them. */
static uint64_t hash(uint64_t seed, const char *text)
{
    uint64_t h = FNV_OFFSET ^ seed;

    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * FNV_PRIME;
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdu;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 33;
}

int partition_of(const char *id, int count)
{
    return (int)(hash(0, id) % (uint64_t)count);
}

int partition_owner(int p, const char *const *names, size_t count)
{
    uint64_t best = 0, score;
    int owner = -1;
    size_t i;

    for (i = 0; i < count; i++) {
        score = hash((uint64_t)p + 1, names[i]);
        if (owner < 0 || score > best) {
            best = score;
            owner = (int)i;
        }
    }
    return owner;
}

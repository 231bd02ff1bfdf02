#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "redis/partition.h"

/* If it fails, a cluster answers MOVED: our slots are not Redis's. The numbers are CLUSTER KEYSLOT's. */
Test(partition, slots_are_those_of_redis_cluster)
{
    static const struct { const char *key; unsigned slot; } rows[] = {
        { "123456789", 12739 }, { "foo", 12182 }, { "{foo}bar", 12182 }, { "x{foo}{bar}", 12182 },
        { "{}foo", 9500 },      { "", 0 },        { "foo{", 7673 },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++)
        cr_assert_eq(partition_slot(rows[i].key, strlen(rows[i].key)), rows[i].slot, "%s: %u", rows[i].key,
                     partition_slot(rows[i].key, strlen(rows[i].key)));
}

/* If it fails, two partitions share a slot range, or keys written before are not found again. */
Test(partition, tags_are_the_smallest_numbers_in_equal_shares)
{
    static const int counts[] = { 1, 2, 3, 7, 64, 100, 1000, 1024 };
    char tag[PARTITION_TAG_MAX], smaller[PARTITION_TAG_MAX];
    size_t i;
    int p;

    for (i = 0; i < SL_COUNT(counts); i++) {
        for (p = 0; p < counts[i]; p++) {
            unsigned slot, number;

            partition_tag(p, counts[i], tag);
            slot = partition_slot(tag, strlen(tag));
            cr_assert(slot >= (unsigned)p * SLOT_COUNT / (unsigned)counts[i]);
            cr_assert(slot < ((unsigned)p + 1) * SLOT_COUNT / (unsigned)counts[i]);
            for (number = 0; counts[i] <= 100 && number < strtoul(tag, NULL, 10); number++) {
                snprintf(smaller, sizeof(smaller), "%u", number);
                slot = partition_slot(smaller, strlen(smaller));
                cr_assert(slot < (unsigned)p * SLOT_COUNT / (unsigned)counts[i] ||
                          slot >= ((unsigned)p + 1) * SLOT_COUNT / (unsigned)counts[i]);
            }
        }
    }
}

/* If it fails, a new version looks for old machines in the wrong partition. */
Test(partition, of_an_id_never_changes)
{
    static const struct { const char *id; int p64, p1024; } rows[] = {
        { "inv-1", 19, 211 },
        { "a", 27, 603 },
        { "invoice.2026-01-31~x", 48, 816 },
        { "Z9_:-", 46, 750 },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        cr_expect_eq(partition_of(rows[i].id, 64), rows[i].p64, "%s: %d", rows[i].id, partition_of(rows[i].id, 64));
        cr_expect_eq(partition_of(rows[i].id, 1024), rows[i].p1024, "%s: %d", rows[i].id,
                     partition_of(rows[i].id, 1024));
        cr_expect_eq(partition_of(rows[i].id, 1), 0);
    }
}

/* If it fails, some partitions are hot while others idle. */
Test(partition, ids_spread_evenly)
{
    int seen[64] = { 0 }, p;
    char id[32];

    for (int i = 0; i < 64000; i++) {
        snprintf(id, sizeof(id), "inv-%d", i);
        seen[partition_of(id, 64)]++;
    }
    for (p = 0; p < 64; p++)
        cr_assert(seen[p] > 850 && seen[p] < 1150, "partition %d has %d of 64000", p, seen[p]);
}

/* If it fails, a daemon that leaves makes all others change wheels, or nobody takes its wheels. */
Test(partition, a_daemon_that_leaves_moves_only_its_own)
{
    static const char *const all[] = { "host-a:1", "host-b:1", "host-c:1", "host-d:1" };
    static const char *const fewer[] = { "host-d:1", "host-a:1", "host-c:1" }; /* in another order, too */
    int owned[4] = { 0 }, p, before, after;

    for (p = 0; p < 1024; p++) {
        before = partition_owner(p, all, 4);
        after = partition_owner(p, fewer, 3);
        cr_assert(before >= 0 && after >= 0);
        owned[before]++;
        if (before != 1)
            cr_assert_str_eq(all[before], fewer[after]);
    }
    for (p = 0; p < 4; p++)
        cr_assert(owned[p] > 180 && owned[p] < 340, "%s owns %d of 1024", all[p], owned[p]);
    cr_assert_eq(partition_owner(0, NULL, 0), -1);
}

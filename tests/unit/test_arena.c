/* Memory that is freed as a whole. The sanitizers do half of the work here. */
#include <criterion/criterion.h>

#include <stdint.h>
#include <string.h>

#include "base/arena.h"

/* Decoders rely on zeroes for what is absent, and structs on alignment. */
Test(arena, memory_is_zeroed_and_aligned)
{
    struct arena *arena = arena_new();
    size_t size, i;

    for (size = 0; size < 300; size++) {
        unsigned char *p = arena_alloc(arena, size);

        cr_assert_not_null(p);
        cr_assert_eq((uintptr_t)p % _Alignof(max_align_t), 0u, "size %zu", size);
        for (i = 0; i < size; i++)
            cr_assert_eq(p[i], 0, "size %zu byte %zu", size, i);
        memset(p, 0xff, size);
    }
    arena_free(arena);
}

/* Pieces must not overlap, whatever the mix of sizes and blocks. */
Test(arena, pieces_do_not_overlap)
{
    enum { COUNT = 500 };
    struct arena *arena = arena_new();
    unsigned char *pieces[COUNT];
    size_t i, j, size[COUNT];

    for (i = 0; i < COUNT; i++) {
        size[i] = i % 50 == 49 ? 300000 : i * 37 % 5000;
        pieces[i] = arena_alloc(arena, size[i]);
        memset(pieces[i], (int)(i & 0xff), size[i]);
    }
    for (i = 0; i < COUNT; i++) {
        for (j = 0; j < size[i]; j++)
            cr_assert_eq(pieces[i][j], i & 0xff, "piece %zu byte %zu", i, j);
    }
    cr_assert_geq(arena_used(arena), 3000000u);
    arena_free(arena);
}

/* Copies must not point into what they were made of. */
Test(arena, copies_stand_alone)
{
    struct arena *arena = arena_new();
    char text[] = "abcdef";
    char *whole = arena_strdup(arena, text), *part = arena_strndup(arena, text, 3);
    char *bytes = arena_memdup(arena, text, sizeof(text)), *printed = arena_printf(arena, "%s/%d", text, 42);

    memset(text, 'x', sizeof(text) - 1);
    cr_assert_str_eq(whole, "abcdef");
    cr_assert_str_eq(part, "abc");
    cr_assert_str_eq(bytes, "abcdef");
    cr_assert_str_eq(printed, "abcdef/42");
    cr_assert_null(arena_strdup(arena, NULL));
    cr_assert_not_null(arena_array(arena, 0, 8));
    arena_free(arena);
    arena_free(NULL);
}

/* Stored texts, made short and made readable again. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/xmalloc.h"
#include "engine/pack.h"

static const char *const two_words[] = { "[{\"old\":\"apple\"}]", "[{\"new\":\"apple\",\"more\":\"pear\"}]", NULL };
static const char *const one_word[] = { "[{\"old\":\"apple\"}]", NULL };
static const struct machine_kind kind = { .name = "two", .dictionaries = two_words };
static const struct machine_kind before = { .name = "two", .dictionaries = one_word };
static const struct machine_kind without = { .name = "none" };

static struct packer *packer;
static struct arena *arena;

static void set_up(void)
{
    packer = packer_new();
    arena = arena_new();
}

static void tear_down(void)
{
    packer_free(packer);
    arena_free(arena);
}

TestSuite(pack, .init = set_up, .fini = tear_down);

static void expect_back(const struct machine_kind *of, struct slice stored, struct slice text)
{
    struct slice back;

    cr_assert_eq(packer_unpack(packer, of, stored, arena, &back), SL_OK);
    cr_expect_eq(back.len, text.len);
    cr_expect_eq(memcmp(back.data, text.data, text.len), 0);
}

/* What does not come back byte for byte is another history. */
Test(pack, what_is_packed_comes_back)
{
    char *large = arena_alloc(arena, 300000);
    struct slice texts[] = {
        slice_of("[{\"new\":\"apple\",\"more\":\"pear\"},{\"new\":\"apple\",\"more\":\"plum\"}]"),
        slice_of("[{\"name\":\"Gr\xc3\xbc\xc3\x9f\x65\",\"new\":\"apple\",\"more\":\"pear\",\"list\":[1,2,3,4,5,6,7,8,9,10]}]"),
        { large, 300000 },
    }, packed;
    size_t i;

    for (i = 0; i < 300000; i++)
        large[i] = (char)('a' + i * i % 23);
    large[0] = '[';
    for (i = 0; i < SL_COUNT(texts); i++) {
        packed = packer_pack(packer, &kind, texts[i], arena);
        cr_expect(pack_is_packed(packed));
        cr_expect_lt(packed.len, texts[i].len, "text %zu: %zu of %zu bytes", i, packed.len, texts[i].len);
        expect_back(&kind, packed, texts[i]);
    }
}

/* Otherwise packing would cost memory where there is nothing to gain. */
Test(pack, a_text_that_gets_no_shorter_stays_plain)
{
    struct slice text = slice_of("[]");

    cr_expect_eq(packer_pack(packer, &kind, text, arena).data, text.data);
    text = slice_of("[{\"old\":\"apple\",\"old\":\"apple\",\"old\":\"apple\",\"old\":\"apple\"}]");
    cr_expect_eq(packer_pack(packer, &without, text, arena).data, text.data, "a kind without a dictionary");
}

/* Histories written before packing was switched on, or after it was switched off, must be read. */
Test(pack, plain_texts_are_read_as_they_are)
{
    struct slice text = slice_of("[{\"new\":\"apple\"}]"), back;

    cr_assert_eq(packer_unpack(packer, &kind, text, arena, &back), SL_OK);
    cr_expect_eq(back.data, text.data);
    text.len = 0;
    cr_expect_eq(packer_unpack(packer, &kind, text, arena, &back), SL_OK);
}

/* A dictionary is kept for good: what an older program packed must be read by a newer one, and not the other way round. */
Test(pack, older_dictionaries_are_kept_and_newer_ones_are_not_guessed)
{
    struct slice text = slice_of("[{\"old\":\"apple\"},{\"old\":\"apple\"},{\"old\":\"apple\"}]"), packed, back;

    packed = packer_pack(packer, &before, text, arena);
    cr_assert_eq(packed.data[0], 1);
    expect_back(&kind, packed, text);
    packed = packer_pack(packer, &kind, text, arena);
    cr_assert_eq(packed.data[0], 2);
    cr_expect_eq(packer_unpack(packer, &before, packed, arena, &back), SL_ECORRUPT);
    cr_expect_eq(packer_unpack(packer, &without, packed, arena, &back), SL_ECORRUPT);
}

/* Somebody wrote to the key by hand, or half of it was lost: an error, and neither a crash nor memory without end. */
Test(pack, broken_bytes_are_corrupt_and_harmless)
{
    struct slice text = slice_of("[{\"new\":\"apple\",\"more\":\"pear\"},{\"new\":\"plum\",\"more\":\"pear\",\"n\":123456}]"), packed,
                 back, huge = { "\x01\xe0\xff\xff\xff\xff\xff\xff\xff\x7f\x01\x00\x00", 13 };
    char *broken;
    size_t i;
    int bit;

    packed = packer_pack(packer, &kind, text, arena);
    for (i = 1; i < packed.len; i++)
        cr_expect_eq(packer_unpack(packer, &kind, (struct slice){ packed.data, i }, arena, &back), SL_ECORRUPT, "%zu bytes", i);
    for (i = 1; i < packed.len; i++) {
        for (bit = 0; bit < 8; bit++) { /* it may also come out as another text: that is for whoever decodes it */
            broken = arena_memdup(arena, packed.data, packed.len);
            broken[i] = (char)(broken[i] ^ (1 << bit));
            if (packer_unpack(packer, &kind, (struct slice){ broken, packed.len }, arena, &back) == SL_OK)
                cr_expect_leq(back.len, PACK_TEXT_MAX);
        }
    }
    cr_expect_eq(packer_unpack(packer, &kind, huge, arena, &back), SL_ECORRUPT);
}

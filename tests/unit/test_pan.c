/* Card numbers: what is one, what of it a log shows, and where it may not come in. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/pan.h"
#include "base/type.h"

/* If it fails, a card number is kept in histories and names of keys, or order numbers are refused that are none. */
Test(pan, a_number_is_told_from_other_digits)
{
    static const struct {
        const char *text;
        bool is;
    } rows[] = {
        { "4242424242424242", true },     { "5555555555554444", true },  { "586824160825533338", true },
        { "2201382000000013", true },     { "9860099104199734", true },  { "378282246310005", true },
        { "501800000009", true },         { "6304000000000000000", true },
        { "4242424242424241", false },    /* the sum is wrong */
        { "42424242426", false },         /* 11 digits, the sum is right */
        { "42424242424242424242", false }, /* 20 */
        { "1700000000004", false },       /* ms of 2023: the sum is right, no card begins so */
        { "0000000000000000", false },    { "7000000000000005", false },
        { "4242 4242 4242 4242", false }, { "tok_4242424242424242", false }, { "", false },
    };
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++)
        cr_expect_eq(pan_is(rows[i].text, PAN_DIGITS_MIN), rows[i].is, "%s", rows[i].text);
    cr_expect(!pan_is("378282246310005", 16), "a wallet's id may be a telephone number");
}

/* If it fails, logs have card numbers in them, or lose numbers that people look for. */
Test(pan, what_is_logged_shows_no_number)
{
    static const struct {
        const char *said, *shown;
    } rows[] = {
        { "4242424242424242", "424242******4242" },
        { "invoice 5555555555554444: 378282246310005", "invoice 555555******4444: 378282*****0005" },
        { "a4242424242424242b", "a424242******4242b" },
        { "42424242424242424242", "42424242424242424242" },
        { "in 1700000000004 ms", "in 1700000000004 ms" },
        { "501800000009", "501800**0009" },
    };
    char text[256];
    size_t i;

    for (i = 0; i < SL_COUNT(rows); i++) {
        snprintf(text, sizeof(text), "%s", rows[i].said);
        pan_mask(text, strlen(text));
        cr_expect_str_eq(text, rows[i].shown);
    }
}

/* The same of the log itself. */
Test(pan, the_log_masks_by_itself)
{
    char line[256];
    int ends[2], kept = dup(STDERR_FILENO);
    ssize_t got;

    cr_assert_eq(pipe(ends), 0);
    fflush(stderr);
    dup2(ends[1], STDERR_FILENO);
    log_error("card %s is not known", "4242424242424242");
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(ends[1]);
    got = read(ends[0], line, sizeof(line) - 1);
    cr_assert(got > 0);
    line[got] = '\0';
    cr_assert(strstr(line, " error card 424242******4242 is not known\n"), "%s", line);
    close(ends[0]);
    close(kept);
}

/* If it fails, numbers come in as ids; or a history that has one since long is not readable any more. */
Test(pan, no_id_may_be_one_but_what_is_stored_is_read)
{
    struct arena *arena = arena_new();
    struct type_errors errors = { 0 };
    const char *id = NULL, text[] = "\"4242424242424242\"";

    cr_expect_eq(type_decode_text(&type_id, text, strlen(text), 0, arena, &id, &errors), SL_EINVAL);
    cr_expect_str_eq(errors.list[0].message, "is a card number: send a token in its place");
    cr_expect_eq(type_decode_text(&type_id, text, strlen(text), TYPE_STORED, arena, &id, NULL), SL_OK);
    cr_expect_eq(type_decode_text(&type_id, text, strlen(text), TYPE_COMMITTED, arena, &id, NULL), SL_OK);
    cr_expect_eq(type_decode_text(&type_str, text, strlen(text), 0, arena, &id, NULL), SL_OK);
    arena_free(arena);
}

/* The accounts of a partition against what the histories of its machines imply, both as of the mark. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xmalloc.h"
#include "check/fix.h"
#include "check/walk_internal.h"

#define FIX_MAX 3072      /* fields that are corrected at once; a further check finds the rest */
#define NAME_MAX_BYTES 40 /* of a field, with the NUL */
#define DIGITS_MAX 17     /* of an amount, as the scripts have it: the difference of two fits 64 bits */

struct ledger_fix {
    struct walk *walk;
    size_t count;
    const char *fields[FIX_MAX];
    int64_t deltas[FIX_MAX];
    char names[FIX_MAX][NAME_MAX_BYTES];
};

/* ---- what is stored ---- */

static bool is_amount(const char *text)
{
    const char *digits = text + (*text == '-');
    size_t len = strlen(digits);

    return len > 0 && len <= DIGITS_MAX && strspn(digits, "0123456789") == len;
}

void ledger_take(struct walk *walk, const struct reply *fields)
{
    size_t i;

    walk->fields = xcalloc(reply_count(fields) / 2 + 1, sizeof(*walk->fields));
    for (i = 0; i + 1 < reply_count(fields); i += 2) {
        const char *name = reply_text(reply_at(fields, i), NULL), *text = reply_text(reply_at(fields, i + 1), NULL);
        struct account_field *field = &walk->fields[walk->field_count];

        if (!name || !(strstr(name, ":own") || strstr(name, ":min") || strstr(name, ":max")))
            continue;
        field->field = xstrdup(name);
        field->broken = !text || !is_amount(text);
        field->value = field->broken ? 0 : strtoll(text, NULL, 10);
        walk->field_count++;
    }
}

void ledger_clear(struct walk *walk)
{
    size_t i;

    for (i = 0; i < walk->field_count; i++)
        free(walk->fields[i].field);
    free(walk->fields);
    walk->fields = NULL;
    walk->field_count = 0;
}

/* ---- what it should be ---- */

static void ledger_tell(struct ledger_fix *fix, enum sl_err err)
{
    size_t i;

    for (i = 0; i < fix->count; i++) {
        char text[120];

        snprintf(text, sizeof(text), "the account's share here is off: the histories come to %+" PRId64, fix->deltas[i]);
        walk_tell(fix->walk, &(struct check_finding){
            .rule = CHECK_LEDGER, .remedy = REMEDY_LEDGER, .partition = fix->walk->p, .subject = fix->fields[i],
            .text = text, .delta = fix->deltas[i],
        }, err);
    }
}

static void ledger_fixed(void *arg, enum sl_err err)
{
    struct ledger_fix *fix = arg;
    struct walk *walk = fix->walk;

    ledger_tell(fix, err);
    free(fix);
    walk_part_next(walk);
}

static void ledger_expect(struct ledger_fix *fix, int64_t account_id, const char *balance, int64_t value)
{
    struct walk *walk = fix->walk;
    int64_t stored = 0;
    char name[NAME_MAX_BYTES];
    size_t i;

    snprintf(name, sizeof(name), "%" PRId64 ":%s", account_id, balance);
    for (i = 0; i < walk->field_count; i++) {
        if (strcmp(walk->fields[i].field, name) == 0) {
            if (walk->fields[i].broken)
                return; /* told by ledger_tell_broken */
            stored = walk->fields[i].value;
            walk->fields[i].value = 0; /* accounted for */
        }
    }
    if (stored == value || fix->count == FIX_MAX)
        return;
    strcpy(fix->names[fix->count], name);
    fix->fields[fix->count] = fix->names[fix->count];
    fix->deltas[fix->count++] = value - stored;
}

static void ledger_tell_broken(struct walk *walk)
{
    size_t i;

    for (i = 0; i < walk->field_count; i++) {
        if (!walk->fields[i].broken)
            continue;
        walk_tell(walk, &(struct check_finding){
            .rule = CHECK_LEDGER, .remedy = REMEDY_NONE, .partition = walk->p, .subject = walk->fields[i].field,
            .text = "the account's share here is no amount, so nothing can be posted to it",
        }, SL_EINVAL);
    }
}

void ledger_check(struct walk *walk)
{
    struct ledger_fix *fix = xcalloc(1, sizeof(*fix));
    struct implied_account *account, *next;
    size_t i;

    fix->walk = walk;
    ledger_tell_broken(walk);
    HASH_ITER(hh, walk->implied, account, next) {
        ledger_expect(fix, account->account_id, "own", account->balance.own);
        ledger_expect(fix, account->account_id, "min", account->balance.min);
        ledger_expect(fix, account->account_id, "max", account->balance.max);
    }
    for (i = 0; i < walk->field_count; i++) {
        const char *colon = strchr(walk->fields[i].field, ':');

        if (walk->fields[i].value != 0) /* of an account that no history touches */
            ledger_expect(fix, strtoll(walk->fields[i].field, NULL, 10), colon + 1, 0);
    }
    if (fix->count > 0 && walk->setup.fix) {
        fix_ledger(walk->setup.client, walk->setup.space, walk->p, walk->mark, fix->fields, fix->deltas, fix->count,
                   ledger_fixed, fix);
        return;
    }
    ledger_tell(fix, SL_EINVAL);
    free(fix);
    walk_part_next(walk);
}

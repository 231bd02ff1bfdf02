/* What a document must keep to be committed, beyond what any document must (check.c): rules that came later, so that
 * documents that were committed before them can still be read. Each is about one place, whatever the payment.
 * Ref: doc/spec/domain.md 14. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "domain/domain_internal.h"

#define MESSAGE_BYTES 256

struct review {
    struct domain *domain;
    struct type_errors *errors;
    const struct object *object; /* the one that is looked at */
    struct account_owner *owners;
};

/* Who an account belongs to. */
struct account_owner {
    UT_hash_handle hh;
    int64_t id;
    const struct object *object;
    const char *path;
};

static void SL_PRINTF(4, 5) fault(struct review *review, const char *path, const char *member, const char *format, ...)
{
    char message[MESSAGE_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    type_error_add(review->errors, review->domain->arena, arena_printf(review->domain->arena, "%s%s", path, member), "%s",
                   message);
}

/* ---- cash flows ---- */

static bool role_has_account(const struct account_role *role)
{
    return role->tag != ACCOUNT_WALLET && !(role->tag == ACCOUNT_MERCHANT && role->merchant == MERCHANT_PAYOUT);
}

static void review_posting(struct review *review, const struct posting_template *posting, const char *path)
{
    if (!role_has_account(&posting->source))
        fault(review, path, "/source", "no account stands behind this role in a payment");
    if (!role_has_account(&posting->destination))
        fault(review, path, "/destination", "no account stands behind this role in a payment");
    if (type_equal(&type_account_role, &posting->source, &posting->destination))
        fault(review, path, "/destination", "must be another account than the source");
}

static bool is_negative(const struct rational *rational)
{
    return rational->p != 0 && (rational->p < 0) != (rational->q < 0);
}

static bool is_over_one(const struct rational *rational)
{
    return (rational->p < 0 ? -rational->p : rational->p) > (rational->q < 0 ? -rational->q : rational->q);
}

static void review_share(struct review *review, const struct volume_share *share, const char *path)
{
    bool surplus = share->of == OF_SURPLUS;

    if (surplus && !strstr(path, "/chargebacks/"))
        fault(review, path, "/share/of", "there is no surplus but in chargebacks");
    if (is_negative(&share->parts))
        fault(review, path, "/share/parts", "must not be negative");
    else if (!surplus && is_over_one(&share->parts))
        fault(review, path, "/share/parts", "must not be more than the whole amount");
}

static void review_product(struct review *review, const struct volume_product *product, const char *path)
{
    static const char *const names[] = {
        [PRODUCT_MIN_OF] = "/product/min_of", [PRODUCT_MAX_OF] = "/product/max_of", [PRODUCT_SUM_OF] = "/product/sum_of",
    };
    const struct type_list *members = product->tag == PRODUCT_MIN_OF   ? &product->min_of
                                      : product->tag == PRODUCT_MAX_OF ? &product->max_of
                                                                       : &product->sum_of;
    const struct volume *list = members->items;
    const struct cash *first = NULL;
    size_t i;

    if (members->count == 0)
        fault(review, path, names[product->tag], "must not be empty");
    for (i = 0; i < members->count; i++) {
        if (list[i].tag != VOLUME_FIXED)
            continue;
        if (first && !cash_same_currency(first, &list[i].fixed->cash))
            fault(review, path, names[product->tag], "must be of one currency");
        first = &list[i].fixed->cash;
    }
}

static void review_volume(struct review *review, const struct volume *volume, const char *path)
{
    if (volume->tag == VOLUME_FIXED && volume->fixed->cash.amount < 0)
        fault(review, path, "/fixed/cash/amount", "must not be negative");
    else if (volume->tag == VOLUME_SHARE)
        review_share(review, volume->share, path);
    else if (volume->tag == VOLUME_PRODUCT)
        review_product(review, volume->product, path);
}

/* ---- limits ---- */

static void review_limit(struct review *review, const struct turnover_limit *limit, const char *path)
{
    if (!limit->domain_revision)
        fault(review, path, "/domain_revision", "is required: it says which revision's configuration of the limit counts");
    else if (*limit->domain_revision < 1)
        fault(review, path, "/domain_revision", "must be a revision: they are numbered from 1");
}

/* ---- accounts ---- */

/* Sets of one kind belong to one owner, the system or the world outside, and may have accounts in common. */
static bool is_same_owner(const struct object *a, const struct object *b)
{
    return a != b && a->kind == b->kind && (a->kind == OBJ_SYSTEM_ACCOUNT_SET || a->kind == OBJ_EXTERNAL_ACCOUNT_SET);
}

static void review_account(struct review *review, int64_t id, const char *path)
{
    struct arena *arena = review->domain->arena;
    struct account_owner *owner;

    HASH_FIND(hh, review->owners, &id, sizeof(id), owner);
    if (owner && !is_same_owner(owner->object, review->object))
        fault(review, path, "", "account %" PRId64 " is that of %s %s at %s", id, object_kind_name(owner->object->kind),
              owner->object->key, owner->path);
    if (owner)
        return;
    owner = arena_alloc(arena, sizeof(*owner));
    owner->id = id;
    owner->object = review->object;
    owner->path = arena_strdup(arena, path);
    HASH_ADD(hh, review->owners, id, sizeof(owner->id), owner);
}

/* ---- all of it ---- */

static void visit(void *arg, const struct type *type, const void *value, const char *path)
{
    struct review *review = arg;

    if (type == &type_posting_template)
        review_posting(review, value, path);
    else if (type == &type_volume)
        review_volume(review, value, path);
    else if (type == &type_turnover_limit)
        review_limit(review, value, path);
    else if (type == &type_account_id)
        review_account(review, *(const int64_t *)value, path);
}

void domain_check_new(struct domain *domain, struct type_errors *errors)
{
    struct review review = { .domain = domain, .errors = errors };

    for (review.object = domain->objects; review.object; review.object = review.object->hh.next) {
        if (review.object->data)
            type_walk(object_shape(review.object->kind)->data, review.object->data,
                      arena_printf(domain->arena, "%s/data", review.object->path), visit, &review);
    }
    HASH_CLEAR(hh, review.owners);
}
